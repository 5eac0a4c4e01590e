"""Reductions over axes: sums, products, extremes, and questions about all elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..call import as_operand
from ..core.node import Info
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import op, public
from ..dtypes import is_floating, to_dtype
from ..errors import ShapeError
from ..op import TENSORS, helper
from .axes import Axis, normal_axes, normal_axis, reduced_shape, size_of
from .halves import in_single

__all__ = ["all", "any", "argmax", "argmin", "count_nonzero", "max", "mean", "min", "prod", "sum"]


def tensor_of(x: Any) -> Tensor:
    """``x`` as a Tensor: functions take whatever ``tg.asarray`` takes."""
    if isinstance(x, Tensor):
        return x
    x = as_operand(x)
    return x if isinstance(x, Tensor) else TENSORS.tensor(x)


def floating_of(x: Any) -> Tensor:
    """``x`` as a Tensor of a floating dtype; integers and booleans get the default one."""
    t = tensor_of(x)
    return t if is_floating(t.dtype) else TENSORS.astype(t, dtype=get_state().dtype)


def cast(x: Any, dtype: Any) -> Tensor:
    """``x`` as a Tensor, of ``dtype`` where one is asked for."""
    t = tensor_of(x)
    if dtype is None or t.dtype == to_dtype(dtype):
        return t
    return TENSORS.astype(t, dtype=to_dtype(dtype))  # type: ignore[no-any-return]


def counted(dtype: Any) -> Any:
    """The dtype in which elements of ``dtype`` are added or multiplied: integers and booleans in 64 bits."""
    if dtype.kind in "bi":
        return np.dtype(np.int64)
    return np.dtype(np.uint64) if dtype.kind == "u" else dtype


def reduce_infer(params: dict[str, Any], x: Info) -> Info:
    """The result of a reduction that adds or multiplies."""
    return Info(reduced_shape(x.shape, params["axis"], params["keepdims"]), counted(x.dtype))


@helper
def kept(m: Any, g: Any, x_info: Info, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A reduction's result or cotangent with the reduced axes back, of length 1: it broadcasts against the operand."""
    if keepdims or not axis:
        return g
    return m.reshape(g, shape=reduced_shape(x_info.shape, axis, True))


@helper
def spread(m: Any, g: Any, x_info: Info, axis: tuple[int, ...], keepdims: bool) -> Any:
    """What a reduction's cotangent is to each reduced element: ``g`` back in ``x``'s shape."""
    if not keepdims and axis and len(axis) < x_info.ndim:
        g = m.reshape(g, shape=reduced_shape(x_info.shape, axis, True))
    return m.broadcast_to(g, shape=x_info.shape)


# Sums and products.

_sum = op(
    "sum",
    "x",
    params="axis keepdims",
    infer=reduce_infer,
    rules={"x": lambda m, g, x_info, axis, keepdims: m.spread(g, x_info, axis, keepdims)},
    linear="x",
    doc="The sum over axes.",
)


@public
def sum(x: Any, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over ``axis`` (all axes if None); 0 over no elements.

    Parameters:
        x: any shape; integers and booleans are added in int64, unsigned integers in uint64.
        axis: one axis or several.
        dtype: cast to this first.
        keepdims: keep the reduced axes, with length 1.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.sum(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    if dtype is not None or not isinstance(x, Tensor):
        x = cast(x, dtype)
    return _sum(x, axis=normal_axes(axis, x.data.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


def _count(shape: tuple[int, ...], axis: tuple[int, ...]) -> int:
    return size_of([shape[i] for i in axis])


@in_single
def _mean_body(m: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return m.sum(x, axis=axis, keepdims=keepdims) / (_count(x.shape, axis) or float("nan"))


_mean = op(
    "mean",
    "x",
    params="axis keepdims",
    infer=reduce_infer,
    body=_mean_body,
    rules={
        "x": lambda m, g, x_info, axis, keepdims: m.spread(
            g / (_count(x_info.shape, axis) or 1), x_info, axis, keepdims
        )
    },
    linear="x",
    doc="The mean over axes.",
)


@public
def mean(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over ``axis`` (all axes if None); NaN over no elements. Integers become float32.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.mean(tg.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    if not isinstance(x, Tensor) or x.data.dtype.kind != "f":
        x = floating_of(x)
    return _mean(x, axis=normal_axes(axis, x.data.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


def _prod_rule(m: Any, g: Any, x: Any, x_info: Info, axis: tuple[int, ...], keepdims: bool) -> Any:
    # The product of all others, as that of those before times that of those after: exact where elements are zero.
    rest = tuple(i for i in range(x_info.ndim) if i not in axis)
    order = rest + axis
    moved = m.permute_dims(x, axes=order)
    shape = tuple(x_info.shape[i] for i in order)
    last = len(rest)
    flat = m.reshape(moved, shape=(*shape[:last], _count(x_info.shape, axis)))
    before = m.cumulative_prod(flat, axis=last, include_initial=True)[..., :-1]
    after = m.cumulative_prod(m.flip(flat, axis=(last,)), axis=last, include_initial=True)[..., :-1]
    others = m.reshape(before * m.flip(after, axis=(last,)), shape=shape)
    others = m.permute_dims(others, axes=tuple(order.index(i) for i in range(x_info.ndim)))
    return others * m.kept(g, x_info, axis, keepdims)


_prod = op(
    "prod",
    "x",
    params="axis keepdims",
    infer=reduce_infer,
    rules={"x": _prod_rule},
    doc="The product over axes.",
)


@public
def prod(x: Any, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The product over ``axis`` (all axes if None); 1 over no elements. Derivatives are exact where elements are zero.

    Parameters:
        x: any shape; integers and booleans are multiplied in int64, unsigned integers in uint64.
        axis: one axis or several.
        dtype: cast to this first.
        keepdims: keep the reduced axes, with length 1.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([0.0, 2.0, 3.0], requires_grad=True)
    >>> tg.prod(x).backward(); x.grad
    tensor([6., 0., 0.])
    """
    x = cast(x, dtype)
    return _prod(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


# Extremes.


def _extremum_rule(m: Any, g: Any, x: Any, out: Any, x_info: Info, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Equal elements share evenly; where the result is NaN, the NaNs do.
    best = m.logical_or(x == m.kept(out, x_info, axis, keepdims), m.isnan(x))
    ties = m.sum(m.astype(best, dtype=x_info.dtype), axis=axis, keepdims=True)
    return m.where(best, m.kept(g, x_info, axis, keepdims) / m.maximum(ties, 1), 0)


def extremum_infer(params: dict[str, Any], x: Info) -> Info:
    """The result of choosing one element over axes, which there must be."""
    axis = params["axis"]
    if axis and not _count(x.shape, axis):
        raise ShapeError(f"no largest or smallest of no elements: axis {axis} of shape {list(x.shape)} is empty")
    return Info(reduced_shape(x.shape, axis, params["keepdims"]), x.dtype)


def _extremum(name: str) -> Any:
    return op(name, "x", params="axis keepdims", infer=extremum_infer, rules={"x": _extremum_rule}, doc="Over axes.")


_max, _min = _extremum("max"), _extremum("min")


@public
def max(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over ``axis`` (all axes if None). Equal elements share the gradient evenly; NaN wins.

    Raises AxisError for an axis out of range or named twice, ShapeError over no elements.

    >>> import tensorgrad as tg
    >>> tg.max(tg.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([5., 4.])
    """
    x = tensor_of(x)
    return _max(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


@public
def min(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over ``axis`` (all axes if None). Equal elements share the gradient evenly; NaN wins.

    Raises AxisError for an axis out of range or named twice, ShapeError over no elements.

    >>> import tensorgrad as tg
    >>> tg.min(tg.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([1., 3.])
    """
    x = tensor_of(x)
    return _min(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


def _position_infer(params: dict[str, Any], x: Info) -> Info:
    axis = params["axis"]
    axes = tuple(range(x.ndim)) if axis is None else (axis,)
    if not _count(x.shape, axes):
        raise ShapeError(f"no largest or smallest of no elements: shape {list(x.shape)}, axis {axis}")
    return Info(reduced_shape(x.shape, axes, params["keepdims"]), np.dtype(np.int64))


_argmax, _argmin = (
    op(name, "x", params="axis keepdims", infer=_position_infer, doc="Positions of extremes.")
    for name in ("argmax", "argmin")
)


def _position(which: Callable[..., Any], x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = tensor_of(x)
    return which(x, axis=None if axis is None else normal_axis(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore


@public
def argmax(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The position of the largest element along an axis, or in the flattened tensor if None; int64.

    Of equal elements the first counts; NaN is larger than any number. Has no derivative.

    Raises AxisError for an axis out of range, ShapeError over no elements.

    >>> import tensorgrad as tg
    >>> tg.argmax(tg.tensor([[1.0, 5.0], [4.0, 3.0]]), axis=1)
    tensor([1, 0])
    """
    return _position(_argmax, x, axis, keepdims)


@public
def argmin(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The position of the smallest element along an axis, or in the flattened tensor if None; int64.

    Of equal elements the first counts; NaN is smaller than any number. Has no derivative.

    Raises AxisError for an axis out of range, ShapeError over no elements.

    >>> import tensorgrad as tg
    >>> tg.argmin(tg.tensor([[1.0, 5.0], [4.0, 3.0]]), axis=1)
    tensor([0, 1])
    """
    return _position(_argmin, x, axis, keepdims)


# Questions.


def _truth_infer(params: dict[str, Any], x: Info) -> Info:
    return Info(reduced_shape(x.shape, params["axis"], params["keepdims"]), np.dtype(bool))


_any, _all = (
    op(name, "x", params="axis keepdims", infer=_truth_infer, doc="Over axes.") for name in ("any", "all")
)


@public
def any(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether any element over ``axis`` (all axes if None) is not zero; False over no elements. NaN is not zero.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.any(tg.tensor([[True, False], [False, False]]), axis=1)
    tensor([ True, False])
    """
    x = tensor_of(x)
    return _any(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


@public
def all(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over ``axis`` (all axes if None) are not zero; True over no elements. NaN is not zero.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.all(tg.tensor([[True, False], [True, True]]), axis=1)
    tensor([False,  True])
    """
    x = tensor_of(x)
    return _all(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


_count_nonzero = op(
    "count_nonzero",
    "x",
    params="axis keepdims",
    infer=lambda params, x: Info(reduced_shape(x.shape, params["axis"], params["keepdims"]), np.dtype(np.int64)),
    body=lambda m, x, axis, keepdims: m.sum(m.not_equal(x, 0), axis=axis, keepdims=keepdims),
    doc="Over axes.",
)


@public
def count_nonzero(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """How many elements over ``axis`` (all axes if None) are not zero; int64. NaN is not zero.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.count_nonzero(tg.tensor([[1.0, 0.0], [2.0, 3.0]]), axis=1)
    tensor([1, 2])
    """
    x = tensor_of(x)
    return _count_nonzero(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]
