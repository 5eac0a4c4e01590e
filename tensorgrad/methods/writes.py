"""Methods that change a tensor in place, PyTorch's ``add_`` and its kin: recorded, checked and visible through views
just as ``x += y`` and ``x[...] = y`` are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..core.tensor import Tensor
from ..op import OPS
from ..ops.update import assign, inplace, replace
from .table import function, method, tg

__all__ = ["BINARY", "UNARY", "define"]

BINARY: Final = {
    "add": "add", "bitwise_and": "bitwise_and", "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor",
    "div": "divide", "divide": "divide", "floor_divide": "floor_divide", "mul": "multiply", "multiply": "multiply",
    "pow": "pow", "remainder": "remainder", "sub": "subtract", "subtract": "subtract",
}  # fmt: skip
"""``x.NAME_(y)`` by name, and the op it applies."""
UNARY: Final = (
    "abs", "ceil", "cos", "erf", "exp", "expm1", "floor", "log", "log1p", "reciprocal", "relu", "round", "rsqrt",
    "sigmoid", "sign", "sin", "sqrt", "square", "tan", "tanh", "trunc",
)  # fmt: skip
"""``x.NAME_()``, for functions of one tensor."""


def define() -> None:
    """Make the methods of both tables. Called once, when the op table is complete."""
    for short, name in BINARY.items():
        if name in OPS:
            _binary(short, name)
    for name in UNARY:
        _unary(name, function(name))
    _unary("neg", function("negative"))


def _binary(short: str, name: str) -> None:
    if name in ("add", "subtract"):

        def write(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
            return inplace(name, self, other if type(alpha) is int and alpha == 1 else other * alpha)

    else:

        def write(self: Tensor, other: Any) -> Tensor:  # type: ignore[misc]
            return inplace(name, self, other)

    integer = name.startswith("bitwise")
    write.__doc__ = f"""``tg.{name}(x, other)`` written into ``x``, which is returned.{
        " ``other`` is first multiplied by ``alpha``." if name in ("add", "subtract") else ""
    }

    Raises InPlaceError where ``x`` cannot take a recorded write, or the result does not fit into it.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([{"6, 3" if integer else "6.0, 3.0"}])
    >>> x.{short}_({"2" if integer else "2.0"}) is x
    True
    """
    method(f"{short}_")(write)


def _unary(name: str, f: Callable[..., Any]) -> None:
    def write(self: Tensor) -> Tensor:
        return replace(self, f)

    write.__doc__ = f"""``x.{name}()`` written into ``x``, which is returned.

    Raises InPlaceError where ``x`` cannot take a recorded write.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([0.25, 1.0])
    >>> x.{name}_() is x
    True
    """
    method(f"{name}_")(write)


@method()
def zero_(self: Tensor) -> Tensor:
    """Zeros written over all of ``x``, which is returned.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 2.0]).zero_()
    tensor([0., 0.])
    """
    return assign(self, 0)


@method("fill_", "fill")
def fill_(self: Tensor, value: Any) -> Tensor:
    """One number (or 0-d tensor) written over all of ``x``, which is returned.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 2.0]).fill_(7)
    tensor([7., 7.])
    """
    return assign(self, value)


@method()
def copy_(self: Tensor, source: Any, non_blocking: bool = False) -> Tensor:
    """Values written over all of ``x``, broadcast and cast to it, from any device; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).copy_(tg.tensor([1, 2]))
    tensor([1., 2.])
    """
    if isinstance(source, Tensor) and source.device != self.device:
        source = tg.to_device(source, self.device)
    return assign(self, source)


@method("clamp_", "clip_")
def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Values brought into the range from ``min`` to ``max``, in place; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.tensor([-1.0, 0.5, 3.0]).clamp_(0, 1)
    tensor([0. , 0.5, 1. ])
    """
    return replace(self, lambda x: tg.clip(x, min, max))


@method()
def masked_fill_(self: Tensor, mask: Any, value: Any) -> Tensor:
    """``value`` written where ``mask`` (which broadcasts to ``x``) holds; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).masked_fill_(tg.tensor([True, False, True]), 5.0)
    tensor([5., 0., 5.])
    """
    return replace(self, lambda x: tg.masked_fill(x, mask, value))


@method()
def uniform_(self: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Any = None) -> Tensor:
    """Random numbers, uniform from ``low`` up to ``high``, written over all of ``x``, which is returned.

    >>> import tensorgrad as tg
    >>> x = tg.zeros(100).uniform_(1, 2)
    >>> bool((x >= 1).all() and (x < 2).all())
    True
    """
    draw = tg.rand(*self.shape, dtype=self.dtype, device=self.device, generator=generator)
    return assign(self, draw * (high - low) + low)


@method()
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Random numbers, normally distributed, written over all of ``x``, which is returned.

    >>> import tensorgrad as tg
    >>> bool(abs(tg.zeros(1000).normal_(5, 0.1).mean() - 5) < 0.1)
    True
    """
    draw = tg.randn(*self.shape, dtype=self.dtype, device=self.device, generator=generator)
    return assign(self, draw * std + mean)
