"""Axes and shapes as users give them, brought to one form; the errors when they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..errors import AxisError, DTypeError, ShapeError

__all__ = ["Axis", "normal_axes", "normal_axis", "reduced_shape", "size_of", "solve_shape"]

Axis: TypeAlias = int | Sequence[int] | None


def normal_axis(axis: Any, ndim: int, what: str = "axis") -> int:
    """One axis as a number from 0 on. Raises AxisError."""
    try:
        found: int = axis.__index__()
    except AttributeError:
        raise DTypeError(f"expected {what} to be an integer, got {axis!r}") from None
    if not -ndim <= found < ndim:
        raise AxisError(f"{what} {found} is out of range: expected {-ndim} to {ndim - 1} for {ndim} dimensions")
    return found % ndim


def normal_axes(axis: Axis, ndim: int, what: str = "axis") -> tuple[int, ...]:
    """Axes as an increasing tuple; None means all. Raises AxisError for one named twice."""
    if axis is None:
        return tuple(range(ndim))
    if hasattr(axis, "__index__"):
        return (normal_axis(axis, ndim, what),)
    found = [normal_axis(a, ndim, what) for a in axis]  # type: ignore[union-attr]
    if len(set(found)) != len(found):
        raise AxisError(f"{what} {tuple(axis)} names a dimension twice")  # type: ignore[arg-type]
    return tuple(sorted(found))


def reduced_shape(shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape that is left after reducing over ``axis``."""
    if keepdims:
        return tuple(1 if i in axis else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axis)


def size_of(shape: Sequence[int]) -> int:
    """The number of elements."""
    size = 1
    for n in shape:
        size *= n
    return size


def solve_shape(shape: Sequence[int], size: int) -> tuple[int, ...]:
    """A shape of ``size`` elements with at most one -1 worked out. Raises ShapeError."""
    wanted = tuple(int(n) for n in shape)
    unknown = [i for i, n in enumerate(wanted) if n == -1]
    rest = size_of([n for n in wanted if n != -1])
    if len(unknown) > 1 or any(n < -1 for n in wanted):
        raise ShapeError(f"expected lengths with at most one -1, got {wanted}")
    if unknown and rest and size % rest == 0:
        return tuple(size // rest if n == -1 else n for n in wanted)
    if unknown or rest != size:
        raise ShapeError(f"cannot reshape {size} elements into {wanted}")
    return wanted
