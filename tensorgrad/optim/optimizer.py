"""What all optimizers share: groups of parameters, their state, and how both are saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ..core.lines import Line, caller
from ..core.state import Under
from ..core.tensor import Tensor, make
from ..errors import ArgumentError, DTypeError, GradientError, StateDictError
from ..op import TENSORS
from ..ops.basic import to_device
from ..ops.creation import tensor
from ..ops.update import assign

__all__ = ["Optimizer", "Params", "non_negative"]

Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


def non_negative(**settings: Any) -> None:
    """Raise ArgumentError for a setting below 0 or NaN. Tensors are not read."""
    for name, value in settings.items():
        if not isinstance(value, Tensor) and not value >= 0:
            raise ArgumentError(f"expected {name} >= 0, got {value!r}")


class Optimizer(ABC):
    """Base of all optimizers: changes parameters in place, from their ``.grad``.

    ``param_groups`` is a list of dicts with the settings, each with its parameters under ``"params"``; ``state`` holds
    by parameter what the optimizer remembers. Settings may be changed between steps; the learning rate may also be a
    0-d tensor, which a captured step reads at each replay.

    A subclass lists its settings in ``defaults`` and defines ``_check`` and ``_step_group``.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        if isinstance(params, Tensor):
            raise DTypeError("expected an iterable of parameters, got one tensor: put it into a list")
        groups: list[Any] = list(params)
        if not groups:
            raise ArgumentError("the optimizer got no parameters")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own; settings left out are the optimizer's defaults.

        Raises DTypeError for what is no tensor, GradientError for a tensor that is not a leaf, ArgumentError for a
        parameter that is in a group already.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise DTypeError(f"expected a dict with 'params', got {param_group!r}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [item[0] for item in params if isinstance(item, tuple)]
        params = [item[1] if isinstance(item, tuple) else item for item in params]
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for position, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise DTypeError(f"parameter {position}: expected a Tensor, got {type(p).__name__}")
            if not p.is_leaf:
                raise GradientError(f"parameter {position}: only leaves can be optimized; this one is computed")
            if id(p) in known:
                raise ArgumentError(f"parameter {position} of shape {list(p.shape)} is in the optimizer already")
            known.add(id(p))
        unknown = set(param_group) - set(self.defaults) - {"params", "initial_lr", "param_names"}
        if unknown:
            known_settings = sorted(self.defaults)
            raise ArgumentError(f"{type(self).__name__} has no setting {sorted(unknown)}; it has {known_settings}")
        group = {**self.defaults, **param_group, "params": params}
        if names:
            group["param_names"] = names
        self._check(group)
        self.param_groups.append(group)

    @abstractmethod
    def _check(self, group: dict[str, Any]) -> None:
        """Raise ArgumentError for settings that make no sense."""

    @abstractmethod
    def _step_group(self, group: dict[str, Any], line: Line) -> None:
        """Update the parameters of a group that have a gradient."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient; nothing is recorded.

        ``closure`` computes the loss and its gradients first; its result is returned.
        """
        loss = None
        if closure is not None:
            with Under(grad=True):
                loss = closure()
        line = caller()
        for group in self.param_groups:
            self._step_group(group, line)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or set them to zero in place."""
        for group in self.param_groups:
            for p in group["params"]:
                node = p._node
                if node is None or node.grad is None:
                    continue
                if set_to_none or node.grad._node is not None:
                    node.grad = None if set_to_none else TENSORS.zeros_like(node.grad.detach())
                else:
                    with Under(grad=False):
                        assign(node.grad, 0.0)

    # State.

    def state_dict(self) -> dict[str, Any]:
        """``{"state": ..., "param_groups": ...}`` as PyTorch lays it out: parameters as numbers, in order.

        The tensors share the optimizer's memory: later steps show in them. Copy to keep.
        """
        numbers = {id(p): i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}
        state = {numbers[id(p)]: dict(kept) for p, kept in self.state.items() if id(p) in numbers}
        groups = [{**group, "params": [numbers[id(p)] for p in group["params"]]} for group in self.param_groups]
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave, here or in PyTorch; arrays and PyTorch's CPU tensors serve too.

        Raises StateDictError where groups, their sizes or shapes differ; nothing is changed then.
        """
        saved = state_dict["param_groups"]
        sizes, own = [len(g["params"]) for g in saved], [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            raise StateDictError(f"the optimizer has groups of {own} parameters, the saved state of {sizes}")
        params = [p for group in self.param_groups for p in group["params"]]
        numbers = [number for group in saved for number in group["params"]]
        entries = {int(number): kept for number, kept in state_dict["state"].items()}
        state = {
            p: {name: self._restored(value, p, name) for name, value in entries[number].items()}
            for number, p in zip(numbers, params, strict=True)
            if number in entries
        }
        groups = []
        for old, new in zip(self.param_groups, saved, strict=True):
            kept = {name: value for name, value in new.items() if name in self.defaults or name == "initial_lr"}
            groups.append({**old, **{n: _setting(v) for n, v in kept.items()}, "params": old["params"]})
        self.state = state
        self.param_groups = groups

    def _restored(self, value: Any, param: Tensor, name: str) -> Any:
        """A piece of saved state as a tensor of the optimizer's own: PyTorch's, an array or a number."""
        if value is None:
            return None
        t = value.detach() if isinstance(value, Tensor) else tensor(value)
        if t.shape not in (param.shape, ()):
            shapes = f"expected the parameter's shape {list(param.shape)}, got {list(t.shape)}"
            raise StateDictError(f"state {name!r}: {shapes}")
        if t.shape == param.shape and name != "step":
            t = TENSORS.astype(t, dtype=param.dtype)
        return make(to_device(t, param.device).data.copy(), None)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "param_groups": self.param_groups, "state": list(self.state.items())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.state = dict(state["state"])

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for position, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {position}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key not in ("params", "param_names")]
        return "\n".join([*lines, ")"])


def _setting(value: Any) -> Any:
    """A saved setting: Python values as they are, 0-d arrays and foreign tensors as tensors."""
    if isinstance(value, (Tensor, list, tuple)) or not hasattr(value, "shape"):
        return tuple(value) if isinstance(value, list) else value
    return tensor(value)


def zeros_like(p: Tensor) -> Tensor:
    """Zeros beside a parameter, without history. Not part of a capture: a replay must find them as they are then."""
    with Under(capture=None):
        return TENSORS.zeros_like(p.detach())  # type: ignore[no-any-return]


def step_counter(p: Tensor) -> Tensor:
    """A count of steps where the parameter is: float32, as PyTorch keeps it."""
    with Under(capture=None):
        return TENSORS.zeros((), dtype="float32", device=p.device)  # type: ignore[no-any-return]
