"""Ops that rearrange: reshape, permute, broadcast, reverse. Where NumPy gives a view, so do these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import broadcast, op, public
from ..errors import AxisError, ShapeError
from ..op import TENSORS
from .axes import Axis, listed, new_axes, normal_axes, normal_axis, size_of, solve_shape
from .reduction import tensor_of

__all__ = [
    "broadcast_arrays", "broadcast_to", "expand_dims", "flatten", "flip", "matrix_transpose", "moveaxis",
    "permute_dims", "ravel", "reshape", "roll", "squeeze", "swapaxes",
]  # fmt: skip

# Reshaping.

_reshape = op(
    "reshape",
    "x",
    params="shape",
    infer=lambda params, x: Info(solve_shape(params["shape"], size_of(x.shape)), x.dtype),
    body=lambda m, x, shape: x.reshape(shape),
    rules={"x": lambda m, g, x_info: m.reshape(g, shape=x_info.shape)},
    linear="x",
    view=True,
    doc="The same elements in another shape.",
)


@public
def reshape(x: Any, /, shape: int | Sequence[int], *, copy: bool | None = None) -> Tensor:
    """The elements of ``x`` in another shape, in row-major order; one length may be -1. A view where possible.

    Parameters:
        shape: an integer or several.
        copy: True for a copy in any case, False for a view or an error.

    Raises ShapeError if the number of elements differs, or where ``copy=False`` cannot be.

    >>> import tensorgrad as tg
    >>> tg.reshape(tg.tensor([1, 2, 3, 4]), (2, -1))
    tensor([[1, 2],
            [3, 4]])
    """
    x = tensor_of(x)
    out: Tensor = _reshape(x, shape=solve_shape(listed(shape), x.data.size))
    if copy:
        return out if out._cell is not x._cell else TENSORS.copy(out)
    if copy is False and out._cell is not x._cell:
        raise ShapeError(f"this tensor's memory layout does not allow shape {list(out.shape)} without a copy")
    return out


@public
def ravel(x: Any, /) -> Tensor:
    """All elements in one axis, in row-major order. A view where possible.

    >>> import tensorgrad as tg
    >>> tg.ravel(tg.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    x = tensor_of(x)
    return _reshape(x, shape=(x.size,))  # type: ignore[no-any-return]


@public
def flatten(x: Any, /, start: int = 0, end: int = -1) -> Tensor:
    """Axes ``start`` to ``end`` made one, in row-major order; a scalar becomes a vector. A view where possible.

    Raises AxisError for axes out of range or in the wrong order.

    >>> import tensorgrad as tg
    >>> tg.flatten(tg.zeros(2, 3, 4), 1).shape
    (2, 12)
    """
    x = tensor_of(x)
    if not x.ndim:
        return _reshape(x, shape=(1,))  # type: ignore[no-any-return]
    first, last = normal_axis(start, x.ndim, "start"), normal_axis(end, x.ndim, "end")
    if first > last:
        raise AxisError(f"flatten: expected start before end, got {start} and {end}")
    joined = size_of(x.shape[first : last + 1])
    return _reshape(x, shape=(*x.shape[:first], joined, *x.shape[last + 1 :]))  # type: ignore[no-any-return]


def _squeeze_infer(params: dict[str, Any], x: Info) -> Info:
    for i in params["axis"]:
        if x.shape[i] != 1:
            raise ShapeError(f"expected axes of length 1: axis {i} of shape {list(x.shape)} has length {x.shape[i]}")
    return Info(tuple(n for i, n in enumerate(x.shape) if i not in params["axis"]), x.dtype)


_squeeze = op(
    "squeeze",
    "x",
    params="axis",
    infer=_squeeze_infer,
    body=lambda m, x, axis: x.squeeze(axis),
    rules={"x": lambda m, g, x_info: m.reshape(g, shape=x_info.shape)},
    linear="x",
    view=True,
    doc="Without axes of length 1.",
)


@public
def squeeze(x: Any, /, axis: Axis = None) -> Tensor:
    """``x`` without the axes ``axis``, which have length 1 (all axes of length 1 if None). A view.

    Raises AxisError for an axis out of range or named twice, ShapeError for one of another length.

    >>> import tensorgrad as tg
    >>> tg.squeeze(tg.zeros(1, 3, 1), axis=0).shape
    (3, 1)
    """
    x = tensor_of(x)
    if axis is None:
        return _squeeze(x, axis=tuple(i for i, n in enumerate(x.shape) if n == 1))  # type: ignore[no-any-return]
    return _squeeze(x, axis=normal_axes(axis, x.ndim))  # type: ignore[no-any-return]


def _expand_body(m: Any, x: Any, axis: int | tuple[int, ...]) -> Any:
    shape = x.shape
    if type(axis) is int and axis >= 0:
        return x.reshape((*shape[:axis], 1, *shape[axis:]))
    return x.reshape(_expanded(shape, axis))


def _expanded(shape: tuple[int, ...], axis: int | Sequence[int]) -> tuple[int, ...]:
    out = list(shape)
    for i in new_axes(axis, len(shape)):
        out.insert(i, 1)
    return tuple(out)


_expand = op(
    "expand_dims",
    "x",
    params="axis",
    infer=lambda params, x: Info(_expanded(x.shape, params["axis"]), x.dtype),
    body=_expand_body,
    rules={"x": lambda m, g, x_info: m.reshape(g, shape=x_info.shape)},
    linear="x",
    view=True,
    doc="With new axes of length 1.",
)


@public
def expand_dims(x: Any, /, axis: int | Sequence[int] = 0) -> Tensor:
    """``x`` with new axes of length 1 at places ``axis`` of the result. A view.

    Raises AxisError for a place out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.expand_dims(tg.zeros(3), axis=0).shape, tg.expand_dims(tg.zeros(3), axis=(0, -1)).shape
    ((1, 3), (1, 3, 1))
    """
    x = tensor_of(x)
    place = normal_axis(axis, x.ndim + 1) if hasattr(axis, "__index__") else new_axes(axis, x.ndim)
    return _expand(x, axis=place)  # type: ignore[no-any-return]


# Axes in another order.

_permute = op(
    "permute_dims",
    "x",
    params="axes",
    infer=lambda params, x: Info(tuple(x.shape[i] for i in params["axes"]), x.dtype),
    body=lambda m, x, axes: x.transpose(axes),
    rules={"x": lambda m, g, axes: m.permute_dims(g, axes=tuple(axes.index(i) for i in range(len(axes))))},
    linear="x",
    view=True,
    doc="Axes in another order.",
)


@public
def permute_dims(x: Any, /, axes: Sequence[int]) -> Tensor:
    """``x`` with its axes in another order: axis ``i`` of the result is axis ``axes[i]`` of ``x``. A view.

    Raises AxisError unless ``axes`` names each axis once.

    >>> import tensorgrad as tg
    >>> tg.permute_dims(tg.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = tensor_of(x)
    order = tuple(axes)
    if sorted(order) == list(range(x.ndim)):
        return _permute(x, axes=order)  # type: ignore[no-any-return]
    order = tuple([normal_axis(a, x.ndim) for a in order])
    if len(order) != x.ndim or len(set(order)) != x.ndim:
        raise AxisError(f"expected axes to name each of {x.ndim} once, got {tuple(axes)}")
    return _permute(x, axes=order)  # type: ignore[no-any-return]


@public
def matrix_transpose(x: Any, /) -> Tensor:
    """The last two axes exchanged. A view. Raises ShapeError with fewer than two axes.

    >>> import tensorgrad as tg
    >>> tg.matrix_transpose(tg.zeros(5, 2, 3)).shape
    (5, 3, 2)
    """
    x = tensor_of(x)
    n = x.ndim
    if n < 2:
        raise ShapeError(f"matrix_transpose: expected at least two axes, got shape {list(x.shape)}")
    return _permute(x, axes=(*range(n - 2), n - 1, n - 2))  # type: ignore[no-any-return]


@public
def swapaxes(x: Any, axis1: int, axis2: int, /) -> Tensor:
    """Two axes exchanged. A view. Raises AxisError for an axis out of range.

    >>> import tensorgrad as tg
    >>> tg.swapaxes(tg.zeros(2, 3, 4), 0, -1).shape
    (4, 3, 2)
    """
    x = tensor_of(x)
    order = list(range(x.ndim))
    i, j = normal_axis(axis1, x.ndim), normal_axis(axis2, x.ndim)
    order[i], order[j] = j, i
    return _permute(x, axes=tuple(order))  # type: ignore[no-any-return]


@public
def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int], /) -> Tensor:
    """Axes ``source`` moved to the places ``destination``, the others in their order. A view.

    Raises AxisError for an axis out of range or named twice, or if there are not as many places as axes.

    >>> import tensorgrad as tg
    >>> tg.moveaxis(tg.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    x = tensor_of(x)
    start, end = (_listed_axes(a, x.ndim, what) for a, what in ((source, "source"), (destination, "destination")))
    if len(start) != len(end):
        raise AxisError(f"moveaxis: expected as many places as axes, got {source} and {destination}")
    order = [i for i in range(x.ndim) if i not in start]
    for place, axis in sorted(zip(end, start, strict=True)):
        order.insert(place, axis)
    return _permute(x, axes=tuple(order))  # type: ignore[no-any-return]


def _listed_axes(axes: int | Sequence[int], ndim: int, what: str) -> list[int]:
    """Axes in the order given."""
    normal_axes(listed(axes), ndim, what)
    return [normal_axis(a, ndim, what) for a in listed(axes)]


# Broadcasting.


def _broadcast_infer(params: dict[str, Any], x: Info) -> Info:
    shape = params["shape"]
    if len(x.shape) > len(shape) or any(n not in (1, w) for n, w in zip(x.shape[::-1], shape[::-1], strict=False)):
        raise ShapeError(f"shape {list(x.shape)} does not broadcast to {list(shape)}")
    return Info(shape, x.dtype)


_broadcast = op(
    "broadcast_to",
    "x",
    params="shape",
    infer=_broadcast_infer,
    rules={"x": lambda m, g: g},  # the sweep sums over what was broadcast
    linear="x",
    view=True,
    doc="Repeated along axes without taking memory.",
)


@public
def broadcast_to(x: Any, /, shape: Sequence[int]) -> Tensor:
    """``x`` repeated along new and length-1 axes to a shape, without taking memory. Not to be written to.

    Raises ShapeError if ``x`` does not broadcast to ``shape``.

    >>> import tensorgrad as tg
    >>> tg.broadcast_to(tg.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return _broadcast(tensor_of(x), shape=tuple([int(n) for n in listed(shape)]))  # type: ignore[no-any-return]


@public
def broadcast_arrays(*arrays: Any) -> tuple[Tensor, ...]:
    """All of ``arrays`` repeated to their common shape, without taking memory. Not to be written to.

    Raises ShapeError if they do not broadcast.

    >>> import tensorgrad as tg
    >>> a, b = tg.broadcast_arrays(tg.zeros(2, 1), tg.zeros(3))
    >>> a.shape, b.shape
    ((2, 3), (2, 3))
    """
    tensors = [tensor_of(x) for x in arrays]
    shape = broadcast(*(x.shape for x in tensors))
    return tuple([x if x.shape == shape else _broadcast(x, shape=shape) for x in tensors])


# Reversing and shifting.

_flip = op(
    "flip",
    "x",
    params="axis",
    infer=lambda params, x: x,
    body=lambda m, x, axis: x[(*(slice(None, None, -1 if i in axis else None) for i in range(x.ndim)), ...)],
    rules={"x": lambda m, g, axis: m.flip(g, axis=axis)},
    linear="x",
    view=True,
    doc="Order reversed along axes.",
)


@public
def flip(x: Any, /, *, axis: Axis = None) -> Tensor:
    """The order of elements reversed along ``axis`` (all axes if None). A view.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.flip(tg.tensor([1, 2, 3]))
    tensor([3, 2, 1])
    """
    x = tensor_of(x)
    return _flip(x, axis=normal_axes(axis, x.ndim))  # type: ignore[no-any-return]


def _opposite(shift: Any) -> Any:
    return tuple(-n for n in shift) if isinstance(shift, tuple) else -shift


_roll = op(
    "roll",
    "x",
    params="shift axis",
    infer=lambda params, x: x,
    rules={"x": lambda m, g, shift, axis: m.roll(g, shift=_opposite(shift), axis=axis)},
    linear="x",
    doc="Elements shifted along axes.",
)


@public
def roll(x: Any, /, shift: int | Sequence[int], *, axis: int | Sequence[int] | None = None) -> Tensor:
    """Elements shifted along axes towards higher indices; those pushed out come in again at the other end.

    Parameters:
        shift: by how many places, for each axis (an integer: for all of them).
        axis: one axis or several; None shifts the flattened tensor. An axis named twice is shifted twice.

    Raises AxisError for an axis out of range, ShapeError if there are not as many shifts as axes.

    >>> import tensorgrad as tg
    >>> tg.roll(tg.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    x = tensor_of(x)
    if axis is None:
        if not hasattr(shift, "__index__"):
            raise ShapeError(f"roll: expected one shift for the flattened tensor, got {shift!r}")
        return _roll(x, shift=shift.__index__(), axis=None)  # type: ignore[no-any-return]
    axes = listed(axis)
    shifts = (shift,) * len(axes) if hasattr(shift, "__index__") else listed(shift)
    if len(shifts) != len(axes):
        raise ShapeError(f"roll: expected as many shifts as axes, got {shift!r} and {axis!r}")
    places = tuple(normal_axis(a, x.ndim) for a in axes)
    return _roll(x, shift=tuple(int(n) for n in shifts), axis=places)  # type: ignore[no-any-return]
