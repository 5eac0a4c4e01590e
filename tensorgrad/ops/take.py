"""Elements chosen along an axis, and their transposes, which add up where a position is chosen twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import broadcast, op, public
from ..errors import DTypeError, ShapeError
from ..op import TENSORS
from .axes import normal_axis, with_length
from .indexing import EVERYTHING, Key, Place, on_device
from .reduction import tensor_of

__all__ = ["take", "take_along_axis"]


def _whole(indices: Info) -> None:
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"expected indices to be integers, got {indices.dtype}")


def index_of(x: Tensor, indices: Any) -> Tensor:
    """Indices as an integer tensor where ``x`` is."""
    if not isinstance(indices, Tensor):
        values = np.asarray(indices) if not hasattr(indices, "dtype") else indices
        if not values.size and values.dtype.kind == "f":  # an empty list
            values = values.astype(np.int64)
        indices = tensor_of(on_device(x, [values])[0])
    return indices.detach()  # type: ignore[no-any-return]


# Positions of one axis.


def _take_infer(params: dict[str, Any], x: Info, indices: Info) -> Info:
    _whole(indices)
    axis = params["axis"]
    if not x.shape[axis] and indices.size:
        raise ShapeError(f"nothing to take from axis {axis} of shape {list(x.shape)}, which is empty")
    return Info((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)


def _take_body(m: Any, x: Any, indices: Any, axis: int) -> Any:
    _whole(indices)
    return m.xp.take(x, indices, axis=axis)


def _take_key(axis: int) -> Key:
    return Key((*(EVERYTHING,) * axis, Place(0)), distinct=False)


_take = op(
    "take",
    "x indices",
    params="axis",
    infer=_take_infer,
    body=_take_body,
    rules={
        "x": lambda m, g, indices, x_info, axis: m.scatter(g, [indices], key=_take_key(axis), shape=x_info.shape)
    },
    linear="x",
    doc="Positions of an axis.",
)


@public
def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Tensor:
    """The elements at positions ``indices`` of an axis.

    Parameters:
        x: any shape.
        indices: integers of any shape; negative ones count from the end.
        axis: may be left out for a vector; the axes of ``indices`` take its place. None flattens what is no vector.

    A position taken twice gets both gradients. Raises IndexingError for an index out of range (on the CPU), DTypeError
    for indices that are no integers, AxisError.

    >>> import tensorgrad as tg
    >>> tg.take(tg.tensor([[1, 2, 3], [4, 5, 6]]), tg.tensor([2, 0]), axis=1)
    tensor([[3, 1],
            [6, 4]])
    """
    x = tensor_of(x)
    if axis is None:
        x, axis = (x if x.ndim == 1 else TENSORS.reshape(x, shape=(x.size,))), 0
    return _take(x, index_of(x, indices), axis=normal_axis(axis, x.ndim))  # type: ignore[no-any-return]


# One position per place.


def _aligned(x: Info, indices: Info, axis: int) -> tuple[int, ...]:
    """The result's shape: other axes broadcast."""
    _whole(indices)
    if len(x.shape) != len(indices.shape):
        raise ShapeError(
            f"expected indices of as many dimensions as x: shapes {list(indices.shape)} and {list(x.shape)}"
        )
    try:
        shape = broadcast(with_length(x.shape, axis, 1), with_length(indices.shape, axis, 1))
    except ShapeError:
        raise ShapeError(
            f"indices of shape {list(indices.shape)} do not fit x of shape {list(x.shape)} on axes other than {axis}"
        ) from None
    return with_length(shape, axis, indices.shape[axis])


def _take_along_body(m: Any, x: Any, indices: Any, axis: int, distinct: bool) -> Any:
    _aligned(x, indices, axis)
    return m.xp.take_along_axis(x, indices, axis=axis)


def _take_along_rule(m: Any, g: Any, indices: Any, x_info: Info, axis: int, distinct: bool) -> Any:
    return m.scatter_along_axis(g, indices, length=x_info.shape[axis], axis=axis, distinct=distinct)


take_along = op(
    "take_along_axis",
    "x indices",
    params="axis distinct",
    infer=lambda params, x, indices: Info(_aligned(x, indices, params["axis"]), x.dtype),
    body=_take_along_body,
    rules={"x": _take_along_rule},
    linear="x",
    doc="One position per place; ``distinct`` promises that none is named twice.",
)


def _scatter_along_body(m: Any, g_: Any, indices: Any, length: int, axis: int, distinct: bool) -> Any:
    xp, shape = m.xp, g_.shape
    out = xp.zeros(with_length(shape, axis, length), dtype=g_.dtype)
    indices = xp.broadcast_to(indices, shape)
    if distinct:
        xp.put_along_axis(out, indices, g_, axis=axis)
        return out
    n = len(shape)
    places = [xp.arange(length).reshape((length,) + (1,) * (n - i - 1)) for i, length in enumerate(shape)]
    places[axis] = indices
    m.backend.add_at(out, tuple(places), g_)
    return out


op(
    "scatter_along_axis",
    "g_ indices",
    params="length axis distinct",
    infer=lambda params, g_, indices: Info(with_length(g_.shape, params["axis"], params["length"]), g_.dtype),
    body=_scatter_along_body,
    rules={
        "g_": lambda m, g, indices, axis, distinct: m.take_along_axis(g, indices, axis=axis, distinct=distinct)
    },
    linear="g_",
    doc="Zeros with values added at positions along an axis: the transpose of ``take_along_axis``.",
)


@public
def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Tensor:
    """For each place of ``indices`` the element of ``x`` at that position of ``axis``, and there on all other axes.

    Parameters:
        x: at least one dimension.
        indices: integers, as many dimensions as ``x``; axes other than ``axis`` broadcast against ``x``'s. Negative
            ones count from the end.
        axis: which axis the indices are positions of.

    A position taken twice gets both gradients. Raises IndexingError for an index out of range (on the CPU), ShapeError
    for shapes that do not fit, DTypeError for indices that are no integers, AxisError.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.take_along_axis(x, tg.tensor([[1], [0]]), axis=1)
    tensor([[2.],
            [3.]])
    """
    x = tensor_of(x)
    return take_along(x, index_of(x, indices), axis=normal_axis(axis, x.ndim), distinct=False)  # type: ignore
