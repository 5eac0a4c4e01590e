"""Writing by index as functions: the result is a copy of ``x`` with values set or added, ``x`` stays as it is.

The same writes in ``x``'s own memory are ``x[key] = values``, and ``index_add_``, ``index_put_`` for sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..define import explained, public
from ..errors import DTypeError, ShapeError
from ..op import TENSORS
from .axes import normal_axis
from .indexing import EVERYTHING, Key, Place, on_device, parse_key
from .reduction import tensor_of
from .regions import add_region, set_region
from .update import add_at, assign_at

__all__ = ["index_add", "index_put", "masked_fill", "masked_select", "put", "put_along_axis"]


def _along(x: Tensor, axis: int, index: Any, what: str) -> tuple[Key, list[Any]]:
    """The key that names positions ``index`` of one axis."""
    axis = normal_axis(axis, x.ndim)
    key, arrays = parse_key((index,))
    if not arrays or arrays[0].ndim > 1 or arrays[0].dtype.kind == "b":
        raise DTypeError(f"{what}: expected index to be a vector of integers, got {index!r}")
    return Key((*(EVERYTHING,) * axis, Place(0)), key.distinct), on_device(x, arrays)


def _scaled(source: Any, alpha: float) -> Any:
    return source if type(alpha) is int and alpha == 1 else source * alpha


@public
def index_add(x: Any, axis: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """``x`` with ``alpha * source`` added at positions ``index`` of an axis; a position named twice gets both.

    Parameters:
        index: a vector of integers, of length n; negative ones count from the end.
        source: of ``x``'s shape with the axis of length n, or what broadcasts to it.

    Raises IndexingError for an index out of range, ShapeError if ``source`` does not fit. Differentiable in ``x`` and
    ``source``.

    >>> import tensorgrad as tg
    >>> tg.index_add(tg.zeros(3), 0, [0, 2, 2], tg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 5.])
    """
    x = tensor_of(x)
    key, arrays = _along(x, axis, index, "index_add")
    return add_region(x, _scaled(source, alpha), arrays, steps=(), key=key)  # type: ignore[no-any-return]


@explained
def index_add_(x: Tensor, axis: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """``index_add`` in ``x``'s own memory; returns ``x``. Differentiable, and refused, as ``x[...] = value`` is.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_add_(0, [0, 2, 2], tg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 5.])
    """
    key, arrays = _along(x, axis, index, "index_add_")
    return add_at(x, key, arrays, _scaled(source, alpha))


def _indices(x: Tensor, indices: Any) -> tuple[Key, list[Any]]:
    key, arrays = parse_key(tuple(indices) if isinstance(indices, (list, tuple)) else indices)
    return key, on_device(x, arrays)


@public
def index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """``x`` with ``values`` written at ``x[indices]``, or added there with ``accumulate``.

    ``indices`` is whatever indexes a tensor; a tuple (or list) gives one part per axis. Where an element is named
    twice, the last value stays (and alone has a gradient); with ``accumulate`` both are added.

    Raises IndexingError or ShapeError for what does not fit. Differentiable in ``x`` and ``values``.

    >>> import tensorgrad as tg
    >>> x = tg.zeros((2, 2))
    >>> tg.index_put(x, ([0, 1], [1, 0]), tg.tensor([5.0, 6.0]))
    tensor([[0., 5.],
            [6., 0.]])
    """
    x = tensor_of(x)
    key, arrays = _indices(x, indices)
    write = add_region if accumulate else set_region
    return write(x, values, arrays, steps=(), key=key)  # type: ignore[no-any-return]


@explained
def index_put_(x: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """``index_put`` in ``x``'s own memory; returns ``x``. Differentiable, and refused, as ``x[...] = value`` is.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_put_(([0, 0],), tg.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0., 0.])
    """
    key, arrays = _indices(x, indices)
    return (add_at if accumulate else assign_at)(x, key, arrays, values)


@public
def put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """``x`` with ``values`` written at positions of the flattened ``x``, or added there with ``accumulate``.

    Raises IndexingError or ShapeError for what does not fit. Differentiable in ``x`` and ``values``.

    >>> import tensorgrad as tg
    >>> tg.put(tg.zeros((2, 2)), [0, 3], tg.tensor([5.0, 6.0]))
    tensor([[5., 0.],
            [0., 6.]])
    """
    x = tensor_of(x)
    key, arrays = _indices(x, (indices,))
    write = add_region if accumulate else set_region
    return write(x, values, arrays, steps=(("reshape", ((x.size,),)),), key=key)  # type: ignore[no-any-return]


@public
def put_along_axis(x: Any, indices: Any, values: Any, axis: int = -1, accumulate: bool = False) -> Tensor:
    """``x`` with ``values`` written where ``take_along_axis(x, indices, axis)`` reads, or added there.

    Parameters:
        indices: integers, with as many dimensions as ``x``; lengths but that of ``axis`` are ``x``'s.
        values: of ``indices``' shape, or what broadcasts to it.

    Raises IndexingError for an index out of range, ShapeError for shapes that do not fit. Differentiable in ``x`` and
    ``values``.

    >>> import tensorgrad as tg
    >>> tg.put_along_axis(tg.zeros((2, 3)), tg.tensor([[2], [0]]), tg.tensor([[5.0], [6.0]]), axis=1)
    tensor([[0., 0., 5.],
            [6., 0., 0.]])
    """
    x, chosen = tensor_of(x), tensor_of(indices)
    axis = normal_axis(axis, x.ndim)
    if chosen.ndim != x.ndim or any(n != w for i, (n, w) in enumerate(zip(chosen.shape, x.shape)) if i != axis):
        raise ShapeError(
            f"put_along_axis: expected indices of {x.ndim} dimensions with x's lengths but on axis {axis}, got shape "
            f"{list(chosen.shape)} for x of shape {list(x.shape)}"
        )
    grid: list[Any] = [
        np.arange(n).reshape((n,) + (1,) * (x.ndim - i - 1)) if i != axis else chosen for i, n in enumerate(x.shape)
    ]
    key, arrays = _indices(x, tuple(grid))
    write = add_region if accumulate else set_region
    return write(x, values, arrays, steps=(), key=key)  # type: ignore[no-any-return]


@public
def masked_fill(x: Any, mask: Any, value: Any) -> Tensor:
    """``value`` (a number or a 0-d tensor) where ``mask`` holds, ``x`` elsewhere; in ``x``'s dtype. Both broadcast.

    Raises DTypeError if ``mask`` is not boolean, ShapeError if shapes do not broadcast. Differentiable in ``x`` and
    ``value``.

    >>> import tensorgrad as tg
    >>> tg.masked_fill(tg.tensor([1.0, 2.0]), tg.tensor([True, False]), float("-inf"))
    tensor([-inf,   2.])
    """
    x, mask = tensor_of(x), _mask(mask, "masked_fill")
    if isinstance(value, Tensor) and value.dtype != x.dtype:
        value = TENSORS.astype(value, dtype=x.dtype)
    return TENSORS.where(mask, value, x)  # type: ignore[no-any-return]


@public
def masked_select(x: Any, mask: Any) -> Tensor:
    """The elements of ``x`` where ``mask`` holds, as a vector; both broadcast.

    Raises DTypeError if ``mask`` is not boolean, ShapeError if shapes do not broadcast.

    >>> import tensorgrad as tg
    >>> tg.masked_select(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([True, False]))
    tensor([1., 3.])
    """
    x, mask = TENSORS.broadcast_arrays(tensor_of(x), _mask(mask, "masked_select"))
    return x[mask]  # type: ignore[no-any-return]


def _mask(mask: Any, what: str) -> Tensor:
    found = tensor_of(mask)
    if found.dtype != bool:
        raise DTypeError(f"{what}: expected mask to be boolean, got {found.dtype}")
    return found
