"""Softmax and its kin, each as one operation, computed without overflow."""

from __future__ import annotations

import math
from typing import Any

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import op, public
from .axes import Axis, normal_axes, reduced_shape
from .halves import in_single
from .reduction import cast, floating_of, reduce_infer

__all__ = ["log_softmax", "logsumexp", "softmax"]

INF = math.inf


def _same(params: dict[str, Any], *infos: Info) -> Info:
    return infos[0]


def _shifted(m: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """``x`` less its largest elements, in fresh memory."""
    return m.xp.asarray(x - m.max(x, axis=axis, keepdims=True))


# logsumexp.


@in_single
def _logsumexp_body(m: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    shape = reduced_shape(x.shape, axis, keepdims)
    if not x.size:
        return m.xp.full(shape, -INF, dtype=x.dtype)
    top = m.max(x, axis=axis, keepdims=True)
    largest = float(m.xp.finfo(x.dtype).max)
    # Brought into the finite range: infinities are not subtracted from themselves.
    e = m.xp.asarray(x - m.minimum(m.maximum(top, -largest), largest))
    m.exp(e, out=e)
    # The sum is at least 1, but where all elements are -inf: then this adds nothing to top.
    out = m.log(m.maximum(m.sum(e, axis=axis, keepdims=True), 1)) + top
    return out.reshape(shape)


_logsumexp = op(
    "logsumexp",
    "x",
    params="axis keepdims",
    infer=reduce_infer,
    body=_logsumexp_body,
    rules={
        "x": lambda m, g, x, out, x_info, axis, keepdims: m.kept(g, x_info, axis, keepdims)
        * m.exp(x - m.kept(out, x_info, axis, keepdims))
    },
    jvp=lambda m, tangents, x, out, axis, keepdims: m.sum(
        tangents[0] * m.exp(x - m.kept(out, x, axis, keepdims)), axis=axis, keepdims=keepdims
    ),
    doc="``log(sum(exp(x)))`` over axes.",
)


@public
def logsumexp(x: Any, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``log(sum(exp(x)))`` over ``axis`` (all axes if None), without overflow; -inf over no elements.

    Integers become float32. Where all elements are -inf the result is, and its derivative is NaN, as in PyTorch.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.logsumexp(tg.tensor([1024.0, 1024.0]))
    tensor(1024.6931)
    """
    x = floating_of(x)
    return _logsumexp(x, axis=normal_axes(axis, x.ndim), keepdims=bool(keepdims))  # type: ignore[no-any-return]


# softmax.


@in_single
def _softmax_body(m: Any, x: Any, axis: tuple[int, ...]) -> Any:
    if not x.size:
        return x.copy()
    e = _shifted(m, x, axis)
    m.exp(e, out=e)
    e /= m.sum(e, axis=axis, keepdims=True)
    return e


_softmax = op(
    "softmax",
    "x",
    params="axis",
    infer=_same,
    body=_softmax_body,
    rules={"x": lambda m, g, out, axis: m.softmax_vjp(g, out, axis=axis)},
    jvp=lambda m, tangents, out, axis: m.softmax_vjp(tangents[0], out, axis=axis),  # its Jacobian is symmetric
    doc="``exp(x) / sum(exp(x))`` along axes.",
)

op(
    "softmax_vjp",
    "g_ y",
    params="axis",
    infer=lambda params, g_, y: y,
    body=lambda m, g_, y, axis: (g_ - m.sum(g_ * y, axis=axis, keepdims=True)) * y,
    doc="The cotangent of softmax's operand, from that of its result ``y``.",
)


@public
def softmax(x: Any, /, *, axis: Axis = -1, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that add up to 1, computed without overflow.

    Parameters:
        x: integers become float32.
        axis: one axis or several (all if None).
        dtype: cast to this first.

    -inf gives 0; where all elements are -inf the result is NaN. Raises AxisError for an axis out of range.

    >>> import tensorgrad as tg
    >>> tg.softmax(tg.tensor([0.0, 0.0, float("-inf")]))
    tensor([0.5, 0.5, 0. ])
    """
    x = _prepared(x, dtype)
    return _softmax(x, axis=normal_axes(axis, x.ndim))  # type: ignore[no-any-return]


def _prepared(x: Any, dtype: Any) -> Tensor:
    return floating_of(x) if dtype is None else floating_of(cast(x, dtype))


# log_softmax.


@in_single
def _log_softmax_body(m: Any, x: Any, axis: tuple[int, ...]) -> Any:
    if not x.size:
        return x.copy()
    z = _shifted(m, x, axis)
    z -= m.log(m.sum(m.exp(z), axis=axis, keepdims=True))
    return z


_log_softmax = op(
    "log_softmax",
    "x",
    params="axis",
    infer=_same,
    body=_log_softmax_body,
    rules={"x": lambda m, g, out, axis: m.log_softmax_vjp(g, out, axis=axis)},
    jvp=lambda m, tangents, out, axis: tangents[0] - m.sum(tangents[0] * m.exp(out), axis=axis, keepdims=True),
    doc="The logarithm of softmax along axes.",
)

op(
    "log_softmax_vjp",
    "g_ y",
    params="axis",
    infer=lambda params, g_, y: y,
    body=lambda m, g_, y, axis: g_ - m.exp(y) * m.sum(g_, axis=axis, keepdims=True),
    doc="The cotangent of log_softmax's operand, from that of its result ``y``.",
)


@public
def log_softmax(x: Any, /, *, axis: Axis = -1, dtype: Any = None) -> Tensor:
    """``x - logsumexp(x)`` along ``axis``: the logarithm of ``softmax``, exact also where that rounds to 0 or 1.

    Parameters:
        x: integers become float32.
        axis: one axis or several (all if None).
        dtype: cast to this first.

    Where all elements are -inf the result is NaN. Raises AxisError for an axis out of range.

    >>> import tensorgrad as tg
    >>> tg.log_softmax(tg.tensor([0.0, -1000.0]))
    tensor([    0., -1000.])
    """
    x = _prepared(x, dtype)
    return _log_softmax(x, axis=normal_axes(axis, x.ndim))  # type: ignore[no-any-return]
