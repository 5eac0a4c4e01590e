"""Sorting, searching and sets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import op, public
from ..errors import ArgumentError, ShapeError, UnknownShapeError
from ..op import TENSORS
from .axes import normal_axis
from .reduction import tensor_of
from .take import index_of, take, take_along

__all__ = [
    "argsort", "nonzero", "searchsorted", "sort", "topk", "unique", "unique_all", "unique_counts", "unique_inverse",
    "unique_values",
]  # fmt: skip

INT64 = np.dtype(np.int64)


# Order.


def _argsort_body(m: Any, x: Any, axis: int, descending: bool, stable: bool) -> Any:
    if not descending:
        return m.xp.argsort(x, axis=axis, kind="stable")
    # In reverse, so that of equal elements the first stays first.
    order = m.xp.flip(m.xp.argsort(m.xp.flip(x, axis=axis), axis=axis, kind="stable"), axis=axis)
    return x.shape[axis] - 1 - order


_argsort = op(
    "argsort",
    "x",
    params="axis descending stable",
    infer=lambda params, x: Info(x.shape, INT64),
    body=_argsort_body,
    doc="The order that sorts along an axis.",
)


@public
def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The positions along ``axis`` of the elements in order; int64.

    Parameters:
        x: at least one dimension.
        axis: along which to sort.
        descending: from the largest to the smallest.
        stable: accepted; equal elements always stay in their order.

    NaN is larger than any number. Has no derivative. Raises AxisError for an axis out of range.

    >>> import tensorgrad as tg
    >>> tg.argsort(tg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = tensor_of(x).detach()
    return _argsort(x, axis=normal_axis(axis, x.ndim), descending=bool(descending), stable=True)  # type: ignore


@public
def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order along ``axis``; each gradient goes back to where its element came from.

    Parameters:
        x: at least one dimension.
        axis: along which to sort.
        descending: from the largest to the smallest.
        stable: accepted; equal elements always stay in their order.

    NaN is larger than any number. Raises AxisError for an axis out of range.

    >>> import tensorgrad as tg
    >>> tg.sort(tg.tensor([3.0, 1.0, 2.0]), descending=True)
    tensor([3., 2., 1.])
    """
    x = tensor_of(x)
    place = normal_axis(axis, x.ndim)
    order = _argsort(x.detach(), axis=place, descending=bool(descending), stable=True)
    return take_along(x, order, axis=place, distinct=True)  # type: ignore[no-any-return]


class TopK(NamedTuple):
    """The chosen elements, and their positions."""

    values: Tensor
    indices: Tensor


@public
def topk(x: Any, k: int, /, *, axis: int = -1, largest: bool = True, sorted: bool = True) -> TopK:
    """The ``k`` largest (or smallest) elements along ``axis`` in order, and their positions: ``(values, indices)``.

    Parameters:
        x: at least one dimension.
        k: how many, from 0 to the axis' length.
        axis: along which to choose.
        largest: False for the smallest.
        sorted: accepted; the result is always in order.

    Of equal elements the first is chosen first; NaN is larger than any number. Each gradient goes back to where its
    element came from. Raises AxisError for an axis out of range, ShapeError for a ``k`` out of range.

    >>> import tensorgrad as tg
    >>> tg.topk(tg.tensor([3.0, 1.0, 2.0]), 2).indices
    tensor([0, 2])
    """
    x = tensor_of(x)
    place = normal_axis(axis, x.ndim)
    if not 0 <= k <= x.shape[place]:
        raise ShapeError(f"topk: expected k from 0 to {x.shape[place]}, the length of axis {place}; got {k}")
    order = _argsort(x.detach(), axis=place, descending=bool(largest), stable=True)
    indices = TENSORS.copy(order[(slice(None),) * place + (slice(0, int(k)),)])
    return TopK(take_along(x, indices, axis=place, distinct=True), indices)


# Searching.


def _search_infer(params: dict[str, Any], x1: Info, x2: Info) -> Info:
    if len(x1.shape) != 1:
        raise ShapeError(f"expected x1 to be a vector, got shape {list(x1.shape)}")
    return Info(x2.shape, INT64)


_searchsorted = op(
    "searchsorted", "x1 x2", params="side", infer=_search_infer, kind="same", doc="Where values belong in sorted ones."
)


@public
def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Tensor:
    """For each element of ``x2`` the position in the sorted vector ``x1`` where it belongs; int64.

    Parameters:
        x1: a vector in ascending order.
        x2: any shape; the result's.
        side: "left" for the first such position, "right" for the last: before or behind elements that are equal.
        sorter: positions that sort ``x1``, as ``argsort`` gives them, if it is not in order.

    Has no derivative. Raises ShapeError unless ``x1`` is a vector, ArgumentError for another ``side``.

    >>> import tensorgrad as tg
    >>> tg.searchsorted(tg.tensor([1.0, 2.0, 3.0]), tg.tensor([2.0, 5.0]))
    tensor([1, 3])
    """
    x1, x2 = tensor_of(x1).detach(), tensor_of(x2).detach()
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: expected side to be 'left' or 'right', got {side!r}")
    if sorter is not None:
        x1 = take(x1, index_of(x1, sorter), axis=0)
    return _searchsorted(x1, x2, side=side)  # type: ignore[no-any-return]


def _nonzero_infer(params: dict[str, Any], x: Info) -> Info:
    if not x.shape:
        raise ShapeError("nonzero needs at least one dimension")
    raise UnknownShapeError("the result's shape depends on the values")


_nonzero = op("nonzero", "x", infer=_nonzero_infer, outputs=0, doc="Where elements are not zero.")


@public
def nonzero(x: Any, /) -> tuple[Tensor, ...]:
    """Where elements are not zero: one int64 vector of positions for each axis, in row-major order.

    Has no derivative. Raises ShapeError for a 0-d tensor.

    >>> import tensorgrad as tg
    >>> tg.nonzero(tg.tensor([[0.0, 1.0], [2.0, 0.0]]))
    (tensor([0, 1]), tensor([1, 0]))
    """
    return _nonzero(tensor_of(x).detach())  # type: ignore[no-any-return]


# Sets.


class UniqueAll(NamedTuple):
    """Distinct values, where each is first, which of them each element is, and how often each occurs."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """Distinct values, and how often each occurs."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """Distinct values, and which of them each element is."""

    values: Tensor
    inverse_indices: Tensor


def _unique_infer(params: dict[str, Any], x: Info) -> Info:
    raise UnknownShapeError("the result's shape depends on the values")


def _unique_body(m: Any, x: Any) -> Any:
    _, first, inverse, counts = m.xp.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    return first, inverse.reshape(x.shape), counts


_unique = op("unique", "x", infer=_unique_infer, body=_unique_body, outputs=3, doc="Distinct elements by position.")


@public
def unique_all(x: Any, /) -> UniqueAll:
    """The distinct elements in ascending order: ``(values, indices, inverse_indices, counts)``.

    ``indices`` are the positions in the flattened ``x`` where each is first (there goes its gradient),
    ``inverse_indices`` has ``x``'s shape and says which of ``values`` each element is. Every NaN is distinct.

    >>> import tensorgrad as tg
    >>> tg.unique_all(tg.tensor([3, 1, 3])).inverse_indices
    tensor([1, 0, 1])
    """
    x = tensor_of(x)
    indices, inverse, counts = _unique(x.detach())
    flat = TENSORS.reshape(x, shape=(x.size,))
    return UniqueAll(take(flat, indices, axis=0), indices, inverse, counts)


@public
def unique_values(x: Any, /) -> Tensor:
    """The distinct elements in ascending order; every NaN is distinct. See ``unique_all`` for the gradient.

    >>> import tensorgrad as tg
    >>> tg.unique_values(tg.tensor([3, 1, 3]))
    tensor([1, 3])
    """
    return unique_all(x).values


@public
def unique_counts(x: Any, /) -> UniqueCounts:
    """The distinct elements in ascending order, and how often each occurs: ``(values, counts)``.

    >>> import tensorgrad as tg
    >>> tg.unique_counts(tg.tensor([3, 1, 3])).counts
    tensor([1, 2])
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


@public
def unique_inverse(x: Any, /) -> UniqueInverse:
    """The distinct elements in ascending order, and which of them each element is: ``(values, inverse_indices)``.

    >>> import tensorgrad as tg
    >>> values, inverse = tg.unique_inverse(tg.tensor([3, 1, 3]))
    >>> values[inverse]
    tensor([3, 1, 3])
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


@public
def unique(
    x: Any, /, *, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False
) -> Tensor | tuple[Tensor, ...]:
    """The distinct elements in ascending order and, where asked for, what ``unique_all`` gives beside them.

    >>> import tensorgrad as tg
    >>> tg.unique(tg.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    found = unique_all(x)
    asked = ((return_index, found.indices), (return_inverse, found.inverse_indices), (return_counts, found.counts))
    more = tuple(part for wanted, part in asked if wanted)
    return (found.values, *more) if more else found.values
