"""What the array API standard asks for beside, made of the other functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.tensor import Tensor
from ..define import broadcast, public
from ..errors import ArgumentError, AxisError
from .axes import normal_axis
from .comparison import equal, logical_not, logical_xor
from .creation import zeros
from .join import concat
from .reduction import tensor_of
from .selection import minimum
from .shape import reshape
from .sorting import searchsorted, sort
from .take import take

__all__ = ["broadcast_shapes", "diff", "isin"]


@public
def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that tensors of these shapes have together.

    Raises ShapeError where they do not broadcast.

    >>> import tensorgrad as tg
    >>> tg.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    return broadcast(*(tuple(n.__index__() for n in shape) for shape in shapes))


@public
def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along ``axis``, taken ``n`` times over; of booleans, whether neighbours differ.

    Parameters:
        x: at least one dimension.
        prepend, append: put before and after ``x`` along ``axis`` first.

    Raises AxisError for a 0-d tensor or an axis out of range, ArgumentError for a negative ``n``, ShapeError where
    ``prepend`` or ``append`` does not fit.

    >>> import tensorgrad as tg
    >>> tg.diff(tg.tensor([1.0, 4.0, 9.0])), tg.diff(tg.tensor([1.0, 4.0, 9.0]), n=2)
    (tensor([3., 5.]), tensor([2.]))
    """
    x = tensor_of(x)
    if not x.ndim:
        raise AxisError("expected at least one dimension")
    if n < 0:
        raise ArgumentError(f"expected n of at least 0, got {n}")
    axis = normal_axis(axis, x.ndim)
    parts = [tensor_of(part) for part in (prepend, x, append) if part is not None]
    out: Tensor = concat(parts, axis=axis) if len(parts) > 1 else x
    before = (slice(None),) * axis + (slice(None, -1),)
    after = (slice(None),) * axis + (slice(1, None),)
    for _ in range(n):
        out = logical_xor(out[after], out[before]) if out.dtype.kind == "b" else out[after] - out[before]
    return out


@public
def isin(x1: Any, x2: Any, /, *, invert: bool = False) -> Tensor:
    """For each element of ``x1`` whether it is among those of ``x2``; with ``invert`` whether it is not. NaN never is.

    ``x2`` is sorted once and searched: the cost is that of sorting, not of all pairs. Has no derivative.

    >>> import tensorgrad as tg
    >>> tg.isin(tg.tensor([1, 2, 3]), tg.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    x1, x2 = tensor_of(x1).detach(), tensor_of(x2).detach()
    if not x2.size:
        found = zeros(x1.shape, dtype=bool, device=x1.device)
    else:
        ordered = sort(reshape(x2, (-1,)))
        places = minimum(searchsorted(ordered, x1), x2.size - 1)
        found = equal(reshape(take(ordered, reshape(places, (-1,)), axis=0), x1.shape), x1)
    return logical_not(found) if invert else found
