"""How much memory a program would take, without running it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from .backends.registry import find, parse_device
from .backends.shapes import metered
from .core.state import Under
from .core.tensor import Tensor, _restore
from .errors import GradientError

__all__ = ["MemoryEstimate", "estimate_memory"]


class MemoryEstimate(NamedTuple):
    """Bytes that arrays would take: of the arguments, at the highest point in all, and after the call."""

    arguments: int
    peak: int
    after: int

    def __str__(self) -> str:
        return f"arguments {_shown(self.arguments)}, peak {_shown(self.peak)}, afterwards {_shown(self.after)}"


def _shown(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.4g} {unit}"
        amount /= 1024
    return f"{amount:.4g} TiB"


def estimate_memory(f: Callable[..., Any], *args: Any, **kwargs: Any) -> MemoryEstimate:
    """The memory that ``f(*args, **kwargs)`` would take, forward and backward and whatever else it does.

    Runs ``f`` on the device "shapes", where arrays have shapes and dtypes but no elements, on copies of the arguments:
    tensors, containers of them, modules, optimizers. Nothing of the caller's changes. What ``f`` uses must be among
    its arguments (or be ``f``, if that is a module): a tensor that it merely closes over stays where it is, and
    meeting it raises.

    Counts the arrays that live between operations; what one operation takes for itself while it runs is not seen.

    Raises DeviceError if ``f`` reads a value (``item``, ``float``, ``if t:``), or uses a tensor it was not given.

    >>> import tensorgrad as tg
    >>> def loss(w, x):
    ...     tg.sum(tg.matmul(x, w)).backward()
    >>> w = tg.zeros(1000, 1000, requires_grad=True)
    >>> print(tg.estimate_memory(loss, w, tg.zeros(100, 1000)))
    arguments 4.196 MiB, peak 8.011 MiB, afterwards 8.011 MiB
    """
    shapes = find("shapes")
    with metered() as meter:
        twins: dict[int, Any] = {}
        for t in _tensors((f, args, kwargs)):
            twins[id(t)] = _twin(t, shapes)
        f, args, kwargs = copy.deepcopy((f, args, kwargs), {**twins})
        twins.clear()
        arguments = meter.live
        with Under(device=parse_device("shapes")):
            result = f(*args, **kwargs)
        after = meter.live
        del result
        return MemoryEstimate(arguments, meter.peak, after)


def _twin(t: Tensor, shapes: Any) -> Tensor:
    if not t.is_leaf:
        raise GradientError("estimate_memory takes leaves; this tensor was computed from others: pass .detach()")
    out = _restore(type(t), shapes.asarray(t.data), t.requires_grad, getattr(t, "__dict__", None))
    if t.grad is not None:
        out.grad = _restore(Tensor, shapes.asarray(t.grad.data), False, None)
    return out


def _tensors(root: Any) -> Iterator[Tensor]:
    """Every tensor that containers and the attributes of objects lead to."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        x = stack.pop()
        if id(x) in seen or isinstance(x, (str, bytes, int, float, complex, type, type(None))):
            continue
        seen.add(id(x))
        if isinstance(x, Tensor):
            yield x
        elif isinstance(x, dict):
            stack += [*x.keys(), *x.values()]
        elif isinstance(x, (list, tuple, set, frozenset)):
            stack += x
        elif hasattr(x, "__self__"):
            stack.append(x.__self__)
        elif hasattr(x, "__dict__") and not isinstance(x, (FunctionType, ModuleType)):
            stack += vars(x).values()
