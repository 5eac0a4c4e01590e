"""Modules and parameters in sequences and dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from ..core.tensor import Tensor
from ..errors import DTypeError, IndexingError
from .module import Module
from .parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _Numbered(Module):
    """Parts under the names "0", "1", ... in order."""

    def _parts(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if isinstance(value, (Module, Parameter))}

    def _name(self, index: int) -> str:
        names = list(self._parts())
        if not -len(names) <= index < len(names):
            raise IndexingError(f"{type(self).__name__}: index {index} is out of range for {len(names)} parts")
        return names[index]

    def _renumber(self, values: Iterable[Any]) -> None:
        values = list(values)
        for name in list(self._parts()):
            del self.__dict__[name]
        for position, value in enumerate(values):
            self._put(str(position), value)

    def _put(self, name: str, value: Any) -> None:
        if not isinstance(value, Module):
            raise DTypeError(f"{type(self).__name__}: expected a Module, got {type(value).__name__}")
        self.__dict__[name] = value

    def __len__(self) -> int:
        return len(self._parts())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts().values())

    def __contains__(self, part: object) -> bool:
        return any(value is part for value in self)

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(self._name(index), value)

    def __delitem__(self, index: int | slice) -> None:
        values = list(self)
        if not isinstance(index, slice):
            self._name(index)
        del values[index]
        self._renumber(values)

    def append(self, module: Any) -> Self:
        """Add a part at the end; returns this container."""
        self._put(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Any]) -> Self:
        """Add parts at the end; returns this container."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Any) -> Self:
        """Add a part before position ``index``; returns this container."""
        values = list(self)
        values.insert(index, module)
        self._renumber(values)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take a part out and return it."""
        found = self.__dict__[self._name(index)]
        del self[index]
        return found


class Sequential(_Numbered):
    """Modules in a chain: each gets what the one before returned.

    Parameters: the modules in order, or one ``OrderedDict`` of them by name.

    >>> from tensorgrad import nn
    >>> nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): Sigmoid()
    )
    """

    def __init__(self, *args: Module | Mapping[str, Module]) -> None:
        super().__init__()
        self.__dict__["_chain"] = None
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for position, part in enumerate(args):
                self._put(str(position), part)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        self.__dict__["_chain"] = None

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self.__dict__["_chain"] = None

    def _put(self, name: str, value: Any) -> None:
        super()._put(name, value)
        self.__dict__["_chain"] = None

    def _renumber(self, values: Iterable[Any]) -> None:
        super()._renumber(values)
        self.__dict__["_chain"] = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_chain": None}

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(dict(list(self._parts().items())[index]))
        return self.__dict__[self._name(index)]

    def forward(self, input: Any) -> Any:
        """All modules, one after another."""
        chain = self.__dict__["_chain"]
        if chain is None:
            chain = self.__dict__["_chain"] = tuple(self)
        for module in chain:
            input = module(input)
        return input


class ModuleList(_Numbered):
    """Modules in a list. It has no ``forward``: whoever holds it decides.

    >>> from tensorgrad import nn
    >>> layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    >>> len(layers), [name for name, _ in layers.named_parameters()][:2]
    (3, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return ModuleList(list(self)[index])
        return self.__dict__[self._name(index)]

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __repr__(self) -> str:
        """Equal neighbours are shown once: ``(0-2): 3 x Linear(...)``."""
        runs: list[tuple[int, int, str]] = []
        for position, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], position, text)
            else:
                runs.append((position, position, text))
        if not runs:
            return "ModuleList()"
        shown = [f"({a}): {t}" if a == b else f"({a}-{b}): {b - a + 1} x {t}" for a, b, t in runs]
        return "\n".join(["ModuleList(", *("  " + line.replace("\n", "\n  ") for line in shown), ")"])


class ParameterList(_Numbered):
    """Parameters in a list; a plain tensor put in becomes one.

    >>> import tensorgrad as tg
    >>> parts = tg.nn.ParameterList([tg.zeros(2), tg.zeros(3)])
    >>> [tuple(p.shape) for p in parts.parameters()]
    [(2,), (3,)]
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(values or ())

    def _put(self, name: str, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise DTypeError(f"ParameterList: expected a Parameter or a Tensor, got {type(value).__name__}")
        self.__dict__[name] = value if isinstance(value, Parameter) else Parameter(value)

    @overload
    def __getitem__(self, index: int) -> Parameter: ...
    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return ParameterList(list(self)[index])
        return self.__dict__[self._name(index)]

    def __repr__(self) -> str:
        return _described(self, self._parts())


class _Named(Module):
    """Parts by name."""

    _kind: type = Module

    def _parts(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if isinstance(value, (Module, Parameter))}

    def __getitem__(self, key: str) -> Any:
        try:
            return self._parts()[key]
        except KeyError:
            raise KeyError(f"{type(self).__name__} has no {key!r}; it has {list(self._parts())}") from None

    def __setitem__(self, key: str, value: Any) -> None:
        self._check_new(key)
        if not isinstance(value, self._kind):
            raise DTypeError(f"{type(self).__name__}: expected a {self._kind.__name__}, got {type(value).__name__}")
        self.__dict__[key] = value

    def __delitem__(self, key: str) -> None:
        self[key]
        del self.__dict__[key]

    def __len__(self) -> int:
        return len(self._parts())

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts())

    def __contains__(self, key: object) -> bool:
        return key in self._parts()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._parts().keys()

    def values(self) -> Iterable[Any]:
        """The parts."""
        return self._parts().values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and parts."""
        return self._parts().items()

    def update(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Set several parts."""
        for key, value in dict(parts).items():
            self[key] = value

    def pop(self, key: str) -> Any:
        """Take a part out and return it."""
        found = self[key]
        del self[key]
        return found


class ModuleDict(_Named):
    """Modules by name.

    >>> from tensorgrad import nn
    >>> heads = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Identity()})
    >>> list(heads), heads["b"]
    (['a', 'b'], Identity())
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})


class ParameterDict(_Named):
    """Parameters by name; a plain tensor put in becomes one."""

    _kind = Parameter

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.update(parameters or {})

    def __setitem__(self, key: str, value: Any) -> None:
        plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
        super().__setitem__(key, Parameter(value) if plain else value)

    def __repr__(self) -> str:
        return _described(self, self._parts())


def _described(module: Module, parts: Mapping[str, Parameter]) -> str:
    lines = [f"  ({name}): Parameter of {value.dtype}{list(value.shape)}" for name, value in parts.items()]
    return "\n".join([f"{type(module).__name__}(", *lines, ")"]) if lines else f"{type(module).__name__}()"
