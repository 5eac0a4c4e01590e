"""Axes and shapes as users give them, brought to one form; the errors when they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..errors import AxisError, DTypeError, ShapeError

__all__ = [
    "Axis", "listed", "new_axes", "normal_axes", "normal_axis", "reduced_shape", "size_of", "solve_shape",
    "with_length",
]  # fmt: skip

Axis: TypeAlias = int | Sequence[int] | None
_EVERY = tuple(tuple(range(n)) for n in range(65))


def normal_axis(axis: Any, ndim: int, what: str = "axis") -> int:
    """One axis as a number from 0 on. Raises AxisError."""
    try:
        found: int = axis.__index__()
    except AttributeError:
        raise DTypeError(f"expected {what} to be an integer, got {axis!r}") from None
    if not -ndim <= found < ndim:
        raise AxisError(f"{what} {found} is out of range: expected {-ndim} to {ndim - 1} for {ndim} dimensions")
    return found % ndim


def listed(x: Any) -> tuple[Any, ...]:
    """One integer, or several, as a tuple."""
    return (x,) if hasattr(x, "__index__") else tuple(x)


def normal_axes(axis: Axis, ndim: int, what: str = "axis") -> tuple[int, ...]:
    """Axes as an increasing tuple; None means all. Raises AxisError for one named twice."""
    if axis is None:
        return _EVERY[ndim]
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis if axis >= 0 else axis + ndim,)
    if hasattr(axis, "__index__"):
        return (normal_axis(axis, ndim, what),)
    try:
        found = [normal_axis(a, ndim, what) for a in axis]
    except TypeError:
        raise DTypeError(f"expected {what} to be an integer or several, got {axis!r}") from None
    if len(set(found)) != len(found):
        raise AxisError(f"{what} {tuple(axis)} names a dimension twice")
    return tuple(sorted(found))


def new_axes(axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Places of new axes in a result of ``ndim`` and their number of axes. Raises AxisError."""
    return normal_axes(axis, ndim + len(listed(axis)))


def with_length(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    """``shape`` with another length on one axis."""
    return (*shape[:axis], length, *shape[axis + 1 :])


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
    if type(shape) is tuple:
        product = 1
        for n in shape:
            if type(n) is not int or n < 0:
                break
            product *= n
        else:
            if product == size:
                return shape
    try:
        wanted = tuple([n.__index__() for n in shape])
    except (AttributeError, TypeError):
        raise ShapeError(f"expected a shape of integers, got {shape!r}") from None
    unknown = [i for i, n in enumerate(wanted) if n == -1]
    rest = size_of([n for n in wanted if n != -1])
    if len(unknown) > 1 or any(n < -1 for n in wanted):
        raise ShapeError(f"expected lengths with at most one -1, got {wanted}")
    if unknown and rest and size % rest == 0:
        return tuple(size // rest if n == -1 else n for n in wanted)
    if unknown or rest != size:
        raise ShapeError(f"cannot reshape {size} elements into {wanted}")
    return wanted
