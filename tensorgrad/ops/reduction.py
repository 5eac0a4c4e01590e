"""Reductions over axes."""

from __future__ import annotations

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
from .axes import Axis, normal_axes, reduced_shape, size_of

__all__ = ["max", "mean", "sum"]


@helper
def spread(m: Any, g: Any, x_info: Info, axis: tuple[int, ...], keepdims: bool) -> Any:
    """What a reduction's cotangent is to each reduced element: ``g`` back in ``x``'s shape."""
    if not keepdims and axis:
        g = m.reshape(g, shape=reduced_shape(x_info.shape, axis, True))
    return m.broadcast_to(g, shape=x_info.shape)


def reduce_infer(params: dict[str, Any], x: Info) -> Info:
    """The result of a reduction that keeps the dtype (integers and booleans counted in int64)."""
    dtype = np.dtype(np.int64) if x.dtype.kind in "bi" else x.dtype
    return Info(reduced_shape(x.shape, params["axis"], params["keepdims"]), dtype)


_sum = op(
    "sum",
    "x",
    params="axis keepdims",
    infer=reduce_infer,
    rules={"x": lambda m, g, x_info, axis, keepdims: m.spread(g, x_info, axis, keepdims)},
    linear="x",
)


def tensor_of(x: Any) -> Tensor:
    """``x`` as a Tensor: functions take whatever ``tg.asarray`` takes."""
    if isinstance(x, Tensor):
        return x
    x = as_operand(x)
    return x if isinstance(x, Tensor) else TENSORS.tensor(x)  # type: ignore[no-any-return]


@public
def sum(x: Any, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over ``axis`` (all axes if None); 0 over no elements.

    Parameters:
        x: any shape; integers and booleans are summed in int64.
        axis: one axis or several.
        dtype: cast to this first.
        keepdims: keep the reduced axes, with length 1.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.sum(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    x = tensor_of(x)
    if dtype is not None:
        x = TENSORS.astype(x, dtype=to_dtype(dtype))
    return _sum(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


@public
def mean(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over ``axis`` (all axes if None); NaN over no elements. Integers become float32.

    >>> import tensorgrad as tg
    >>> tg.mean(tg.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    x = tensor_of(x)
    if not is_floating(x.dtype):
        x = TENSORS.astype(x, dtype=get_state().dtype)
    return _mean(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


def _mean_body(m: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    count = size_of([x.shape[i] for i in axis])
    return m.sum(x, axis=axis, keepdims=keepdims) / (count or float("nan"))


_mean = op(
    "mean",
    "x",
    params="axis keepdims",
    infer=reduce_infer,
    body=_mean_body,
    rules={
        "x": lambda m, g, x_info, axis, keepdims: m.spread(
            g / (size_of([x_info.shape[i] for i in axis]) or 1), x_info, axis, keepdims
        )
    },
    linear="x",
)


def _extremum_rule(m: Any, g: Any, x: Any, out: Any, x_info: Info, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Ties share the gradient evenly, as in torch.amax.
    best = x == m.spread(out, x_info, axis, keepdims)
    ties = m.sum(m.astype(best, dtype=x_info.dtype), axis=axis, keepdims=True)
    return m.where(best, m.spread(g, x_info, axis, keepdims) / ties, 0)


def extremum_infer(params: dict[str, Any], x: Info) -> Info:
    if size_of([x.shape[i] for i in params["axis"]]) == 0 and params["axis"]:
        raise ShapeError(f"no largest or smallest of no elements: axis {params['axis']} of shape {list(x.shape)} is empty")
    return Info(reduced_shape(x.shape, params["axis"], params["keepdims"]), x.dtype)


_max = op(
    "max", "x", params="axis keepdims", infer=extremum_infer, rules={"x": _extremum_rule}
)


@public
def max(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over ``axis`` (all axes if None). Equal elements share the gradient evenly; NaN wins.

    Raises ShapeError over no elements.

    >>> import tensorgrad as tg
    >>> tg.max(tg.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([5., 4.])
    """
    x = tensor_of(x)
    return _max(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]
