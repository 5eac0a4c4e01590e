"""Module: parameters, buffers and submodules under names, and what is done to all of them."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from ..backends.base import Device
from ..backends.registry import parse_device
from ..core.state import Under
from ..core.tensor import Tensor, make
from ..dtypes import is_floating, to_dtype
from ..errors import DTypeError, ShapeError, StateDictError
from ..op import TENSORS
from ..ops.basic import to_device
from ..ops.creation import tensor
from ..ops.update import assign
from .parameter import Parameter, replace_data

__all__ = ["IncompatibleKeys", "Module"]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find, and what it did not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """Base of all layers and networks. A subclass sets its parts as attributes and defines ``forward``.

    A Parameter set as an attribute is found by ``parameters()``, a Module by ``modules()``; tensors that are kept but
    not learned go through ``register_buffer``. All of them are in ``state_dict()``, under their dotted names.

    >>> from tensorgrad import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = nn.Linear(2, 2, bias=False)
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> [name for name, _ in Twice().named_parameters()]
    ['inner.weight']
    """

    # Parameters and modules are told by their type where they stand, in the instance's own dictionary, so that reading
    # one is an ordinary attribute access. Buffers are listed by name.
    training: bool = True
    _buffers: dict[str, bool]
    _pre_hooks: dict[int, tuple[Callable[..., Any], bool]] | None = None
    _hooks: dict[int, tuple[Callable[..., Any], bool]] | None = None

    def __init__(self) -> None:
        self.__dict__["training"] = True
        self.__dict__["_buffers"] = {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module computes; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._pre_hooks is None and self._hooks is None:
            return self.forward(*args, **kwargs)
        return self._call_with_hooks(args, kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook, with_kwargs in list((self._pre_hooks or {}).values()):
            answer = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if answer is not None and with_kwargs:
                args, kwargs = answer
            elif answer is not None:
                args = answer if isinstance(answer, tuple) else (answer,)
        out = self.forward(*args, **kwargs)
        for hook, with_kwargs in list((self._hooks or {}).values()):
            answer = hook(self, args, kwargs, out) if with_kwargs else hook(self, args, out)
            out = out if answer is None else answer
        return out

    # Parts.

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, Parameter) and name in self.__dict__:
            old = self.__dict__[name]
            if isinstance(old, Parameter) and value is not None:
                raise DTypeError(
                    f"{type(self).__name__}.{name} is a Parameter: expected a Parameter or None, got "
                    f"{type(value).__name__}. To change its values: with tg.no_grad(): {name}[...] = values"
                )
            if name in self._buffers and value is not None and not isinstance(value, Tensor):
                raise DTypeError(
                    f"{type(self).__name__}.{name} is a buffer: expected a Tensor or None, got {type(value).__name__}"
                )
        if isinstance(value, (Parameter, Module)) and "_buffers" not in self.__dict__:
            raise AttributeError(f"call super().__init__() in {type(self).__name__}.__init__ before setting {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._buffers.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        # Only reached for what the ordinary way did not find.
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set a parameter under a name; None keeps the name, without a parameter."""
        self._check_new(name)
        if param is not None and not isinstance(param, Parameter):
            raise DTypeError(f"parameter {name!r}: expected a Parameter or None, got {type(param).__name__}")
        setattr(self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Set a tensor that belongs to the module's state but is not learned (running statistics, a table).

        It moves with ``to()``, and is in ``state_dict()`` if ``persistent``.
        """
        self._check_new(name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise DTypeError(f"buffer {name!r}: expected a Tensor or None, got {type(tensor).__name__}")
        self._buffers[name] = persistent
        object.__setattr__(self, name, tensor)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as ``add_module``."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Set a submodule under a name."""
        self._check_new(name)
        if module is not None and not isinstance(module, Module):
            raise DTypeError(f"module {name!r}: expected a Module or None, got {type(module).__name__}")
        setattr(self, name, module)

    def _check_new(self, name: str) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"expected a name without dots, got {name!r}")
        if name not in self.__dict__ and hasattr(type(self), name):
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already")

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their names; each once."""
        seen: set[int] = set()
        for name, value in list(self.__dict__.items()):
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """The direct submodules."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module (under ``prefix``) and all below it, with their dotted names; each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, value in list(self.__dict__.items()):
            if isinstance(value, Module):
                yield from value.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it; each once."""
        return (module for _, module in self.named_modules())

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name; "" is this one. Raises AttributeError."""
        module: Any = self
        for part in target.split(".") if target else ():
            module = getattr(module, part)
            if not isinstance(module, Module):
                raise AttributeError(f"{part!r} of {target!r} is not a Module")
        return module  # type: ignore[no-any-return]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name. Raises AttributeError."""
        path, _, name = target.rpartition(".")
        found = getattr(self.get_submodule(path), name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"{target!r} is not a Parameter")
        return found

    def _own_parameters(self) -> Iterator[tuple[str, Parameter]]:
        return ((name, value) for name, value in list(self.__dict__.items()) if isinstance(value, Parameter))

    def _own_buffers(self, persistent: bool = False) -> Iterator[tuple[str, Tensor]]:
        for name, stays in self._buffers.items():
            value = self.__dict__.get(name)
            if value is not None and (stays or not persistent):
                yield name, value

    def _named(
        self,
        members: Callable[[Module], Iterable[tuple[str, Any]]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]:
            for name, value in members(module):
                if not remove_duplicate or id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names; each once."""
        return self._named(Module._own_parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, of this module and those below; each once."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names; each once."""
        return self._named(Module._own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, of this module and those below; each once."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    # What is done to all of it.

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn`` on every module below and then on this one; returns this one. For initialisation."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and below: it switches dropout and batch statistics on. Returns this module."""
        if not isinstance(mode, bool):
            raise DTypeError(f"train: expected True or False, got {mode!r}")
        for module in self.modules():
            module.__dict__["training"] = mode
        return self

    def eval(self) -> Self:
        """``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Switch gradients on or off for all parameters; returns this module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    def to(self, *args: Any, device: Device | str | None = None, dtype: Any = None) -> Self:
        """Move all parameters and buffers to a device, or cast those that are floating; returns this module.

        ``module.to("cuda")``, ``module.to(tg.float64)``, ``module.to("cpu", tg.float32)``, or with keywords. The
        parameters stay the same objects, so an optimizer made before still holds them. Raises DeviceError for a device
        that is not available, DTypeError for a dtype that is not floating; nothing is changed then.
        """
        for arg in args:
            if isinstance(arg, Device):
                device = arg
            elif isinstance(arg, Tensor):
                device, dtype = arg.device, arg.dtype
            elif isinstance(arg, str) and not _is_dtype(arg):
                device = arg
            else:
                dtype = arg
        place = None if device is None else parse_device(device)
        wanted = None if dtype is None else to_dtype(dtype)
        if wanted is not None and not is_floating(wanted):
            raise DTypeError(f"Module.to: expected a floating dtype, got {wanted}")
        moved = []
        for part in itertools.chain(self.parameters(), self.buffers()):
            cast = wanted if is_floating(part.dtype) else None
            grad = None if part.grad is None else _moved(part.grad, place, cast)
            moved.append((part, _moved(part, place, cast), grad))
        for part, data, grad in moved:
            if data is not part.data:
                replace_data(part, data)
                if part.grad is not None:
                    part.grad = make(grad, part.grad._line)
        return self

    def cpu(self) -> Self:
        """``to("cpu")``."""
        return self.to("cpu")

    def cuda(self, device: int | None = None) -> Self:
        """``to("cuda")``."""
        return self.to(f"cuda:{device or 0}")

    def float(self) -> Self:
        """``to(float32)``."""
        return self.to(dtype="float32")

    def double(self) -> Self:
        """``to(float64)``."""
        return self.to(dtype="float64")

    def half(self) -> Self:
        """``to(float16)``."""
        return self.to(dtype="float16")

    # Hooks.

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Callable[[], None]:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces the arguments.

        With ``with_kwargs``: ``hook(module, args, kwargs)``, which returns both or None. Returns a function that
        removes the hook.
        """
        return self._add_hook("_pre_hooks", hook, with_kwargs, prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Callable[[], None]:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns replaces the output.

        With ``with_kwargs``: ``hook(module, args, kwargs, output)``. Returns a function that removes the hook.
        """
        return self._add_hook("_hooks", hook, with_kwargs, prepend)

    def _add_hook(self, where: str, hook: Callable[..., Any], with_kwargs: bool, first: bool) -> Callable[[], None]:
        hooks = self.__dict__.get(where) or {}
        key = max(hooks, default=0) + 1
        added = {key: (hook, with_kwargs)}
        self.__dict__[where] = {**added, **hooks} if first else {**hooks, **added}

        def remove() -> None:
            left = {k: v for k, v in (self.__dict__.get(where) or {}).items() if k != key}
            self.__dict__[where] = left or None

        return remove

    # State.

    def get_extra_state(self) -> Any:
        """What else belongs to ``state_dict``, under ``_extra_state``; subclasses that have some define this."""
        raise NotImplementedError

    def set_extra_state(self, state: Any) -> None:
        """Take back what ``get_extra_state`` gave."""
        raise NotImplementedError

    def state_dict(self, *, prefix: str = "") -> OrderedDict[str, Any]:
        """Parameters and persistent buffers by dotted name: PyTorch's keys and shapes.

        The tensors share the module's memory and have no history: later steps show in them. Copy to keep.
        """
        found: OrderedDict[str, Any] = OrderedDict()
        for path, module in self.named_modules(None, prefix.removesuffix("."), remove_duplicate=False):
            for name, value in itertools.chain(module._own_parameters(), module._own_buffers(persistent=True)):
                found[_join(path, name)] = value.detach()
            if type(module).get_extra_state is not Module.get_extra_state:
                found[_join(path, "_extra_state")] = module.get_extra_state()
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Take over values by name: Tensors, NumPy arrays, or anything NumPy reads (such as PyTorch's CPU tensors).

        Values are cast to each parameter's dtype and device and written into its memory; with ``assign`` they become
        the memory. Returns the keys that were missing and the unexpected ones.

        Raises StateDictError, naming every key that is missing, unexpected (both only if ``strict``) or of another
        shape; nothing is changed then.
        """
        own = self.state_dict()
        extra = {key for key in own if key.rpartition(".")[2] == "_extra_state"}
        missing = [key for key in own if key not in state_dict]
        unexpected = [key for key in state_dict if key not in own]
        wrong, values = [], {}
        for key in own:
            if key in state_dict and key not in extra:
                try:
                    values[key] = _fitting(state_dict[key], own[key])
                except ShapeError as error:
                    wrong.append(f"  {key}: {error}")
        complaints = wrong
        if strict:
            strangers = [f"  {key}: unexpected" for key in unexpected]
            complaints = [f"  {key}: missing" for key in missing] + strangers + wrong
        if complaints:
            raise StateDictError("\n".join([f"the state does not fit {type(self).__name__}:", *complaints]))
        self._take(values, {key: state_dict[key] for key in extra if key in state_dict}, assign)
        return IncompatibleKeys(missing, unexpected)

    def _take(self, values: dict[str, Tensor], extra: dict[str, Any], replace: bool) -> None:
        with Under(grad=False):
            for path, module in self.named_modules(remove_duplicate=False):
                for name, part in itertools.chain(module._own_parameters(), module._own_buffers(persistent=True)):
                    value = values.get(_join(path, name))
                    if value is not None and replace:
                        replace_data(part, value.data)
                    elif value is not None:
                        assign(part, value)
                key = _join(path, "_extra_state")
                if key in extra:
                    module.set_extra_state(extra[key])

    # Text, copies.

    def extra_repr(self) -> str:
        """The module's settings as its line of ``repr`` shows them."""
        return ""

    def __repr__(self) -> str:
        parts = [(name, repr(module)) for name, module in self.__dict__.items() if isinstance(module, Module)]
        about = self.extra_repr()
        if not parts:
            return f"{type(self).__name__}({about})"
        lines = [f"({name}): {text}".replace("\n", "\n  ") for name, text in parts]
        return "\n".join([f"{type(self).__name__}({about}", *(f"  {line}" for line in lines), ")"])

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *(k for k in self.__dict__ if not k.startswith("_"))})


def clear_grad(parameter: Tensor, set_to_none: bool = True) -> None:
    """Drop a gradient, or set it to zero in place where it is not part of a graph."""
    grad = parameter.grad
    if grad is None:
        return
    if set_to_none or grad.requires_grad:
        parameter.grad = None if set_to_none else TENSORS.zeros_like(grad.detach())
    else:
        with Under(grad=False):
            assign(grad, 0.0)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_dtype(name: str) -> bool:
    try:
        return bool(to_dtype(name).name)
    except DTypeError:
        return False


def _moved(t: Tensor, device: Device | None, dtype: Any) -> Any:
    """A tensor's array on another device or of another type; itself where nothing changes."""
    with Under(grad=False):
        out = t
        if dtype is not None and t.dtype != dtype:
            out = TENSORS.astype(out, dtype=dtype)
        if device is not None:
            out = to_device(out, device)
    return out.data


def _fitting(value: Any, like: Tensor) -> Tensor:
    """``value`` as a tensor of the shape, dtype and device of ``like``. Raises ShapeError."""
    value = value.detach() if isinstance(value, Tensor) else tensor(value)
    if value.shape != like.shape:
        raise ShapeError(f"expected shape {list(like.shape)}, got {list(value.shape)}")
    return make(_moved(value, like.device, None if value.dtype == like.dtype else like.dtype), None)
