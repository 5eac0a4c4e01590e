"""Parts of a tensor, and its elements repeated or moved, as methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.tensor import Tensor
from ..errors import ShapeError
from ..ops.axes import normal_axis
from .axes import one_of
from .shapes import lengths, moveaxis
from .table import method, tg

__all__ = ["split_into"]


@method()
def repeat_interleave(self: Tensor, repeats: Any, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """Each element repeated, along ``axis`` or flattened: ``tg.repeat`` under PyTorch's name.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2]).repeat_interleave(2)
    tensor([1, 1, 2, 2])
    """
    return tg.repeat(self, repeats, axis=one_of("repeat_interleave", "axis", axis, dim))  # type: ignore[no-any-return]


@method()
def tile(self: Tensor, *repetitions: Any) -> Tensor:
    """The whole repeated, so many times along each axis (PyTorch's ``repeat``): ``tg.tile`` as a method.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2]).tile(2)
    tensor([1, 2, 1, 2])
    """
    return tg.tile(self, lengths("tile", repetitions))  # type: ignore[no-any-return]


@method()
def flip(self: Tensor, *axes: Any, axis: Any = None, dims: Any = None) -> Tensor:
    """Order reversed along axes, ``x.flip(0)``, ``x.flip(0, 1)``, ``x.flip(axis=(0, 1))``; along all if none is given.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    where = one_of("flip", "axis", axes if len(axes) > 1 else axes[0] if axes else None, axis, dims)
    return tg.flip(self, axis=tuple(where) if isinstance(where, list) else where)  # type: ignore[no-any-return]


@method()
def roll(
    self: Tensor, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None, *, dims: Any = None
) -> Tensor:
    """Elements shifted along axes, those pushed out coming in again: ``tg.roll`` as a method.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3]).roll(1)
    tensor([3, 1, 2])
    """
    return tg.roll(self, shift, axis=one_of("roll", "axis", axis, dims))  # type: ignore[no-any-return]


def split_into(name: str, x: Tensor, sizes: int | Sequence[int], axis: int) -> tuple[Tensor, ...]:
    """Parts of given sizes; an integer is the size of every part but the last."""
    where = normal_axis(axis, x.ndim)
    length = x.shape[where]
    if isinstance(sizes, int):
        if sizes < 1:
            raise ShapeError(f"{name}: expected a size of at least 1, got {sizes}")
        ends = list(range(sizes, length, sizes))
    else:
        if sum(sizes) != length:
            raise ShapeError(
                f"{name}: sizes {list(sizes)} add up to {sum(sizes)}, but axis {where} has length {length}"
            )
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    return tg.split(x, ends, axis=where)  # type: ignore[no-any-return]


@method()
def chunk(self: Tensor, chunks: int, axis: int = 0, *, dim: int | None = None) -> tuple[Tensor, ...]:
    """At most so many parts of equal size along an axis, the last one smaller if need be, as in PyTorch. Views.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3]).chunk(2)
    (tensor([1, 2]), tensor([3]))
    """
    where = normal_axis(axis if dim is None else dim, self.ndim)
    if chunks < 1:
        raise ShapeError(f"chunk: expected at least 1 part, got {chunks}")
    return split_into("chunk", self, max(1, -(-self.shape[where] // chunks)), where)


@method()
def narrow(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``length`` elements from ``start`` on along an axis: a view. Raises AxisError, or ShapeError out of range.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3, 4]).narrow(0, 1, 2)
    tensor([2, 3])
    """
    axis = normal_axis(dim, self.ndim, "dim")
    n = self.shape[axis]
    first = start + n if start < 0 else start
    if length < 0 or not 0 <= first <= n - length:
        raise ShapeError(f"narrow: {length} elements from {start} on do not lie within axis {axis} of length {n}")
    return self[(slice(None),) * axis + (slice(first, first + length),)]


@method()
def select(self: Tensor, dim: int, index: int) -> Tensor:
    """One position of an axis, the axis gone: a view. Raises AxisError, or IndexingError out of range.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])
    """
    return self[(slice(None),) * normal_axis(dim, self.ndim, "dim") + (int(index),)]


@method()
def diagonal(
    self: Tensor,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    *,
    dim1: int | None = None,
    dim2: int | None = None,
) -> Tensor:
    """The diagonal of two axes (the first two unless said otherwise, as in NumPy and PyTorch), as a new last axis.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).diagonal()
    tensor([1, 4])
    """
    i, j = axis1 if dim1 is None else dim1, axis2 if dim2 is None else dim2
    return tg.diagonal(moveaxis(self, (i, j), (-2, -1)), offset=offset)  # type: ignore[no-any-return]


@method()
def tril(self: Tensor, k: int = 0, *, diagonal: int | None = None) -> Tensor:
    """The lower triangle of the last two axes, up to diagonal ``k`` (PyTorch: ``diagonal``), zero above.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).tril()
    tensor([[1, 0],
            [3, 4]])
    """
    return tg.tril(self, k=k if diagonal is None else diagonal)  # type: ignore[no-any-return]


@method()
def triu(self: Tensor, k: int = 0, *, diagonal: int | None = None) -> Tensor:
    """The upper triangle of the last two axes, from diagonal ``k`` (PyTorch: ``diagonal``) on, zero below.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).triu()
    tensor([[1, 2],
            [0, 4]])
    """
    return tg.triu(self, k=k if diagonal is None else diagonal)  # type: ignore[no-any-return]
