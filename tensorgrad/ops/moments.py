"""Variance, standard deviation, and norms."""

from __future__ import annotations

import math
from typing import Any

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import op, public
from ..errors import ArgumentError
from ..op import TENSORS
from .axes import Axis, normal_axes, normal_axis, size_of
from .halves import in_single
from .reduction import floating_of, reduce_infer

__all__ = ["matrix_norm", "norm", "std", "var", "vector_norm"]

INF = math.inf


# Variance.


def _freedom(shape: tuple[int, ...], axis: tuple[int, ...], correction: float) -> float:
    return size_of([shape[i] for i in axis]) - correction


@in_single
def _var_body(m: Any, x: Any, axis: tuple[int, ...], correction: float, keepdims: bool) -> Any:
    d = x - m.mean(x, axis=axis, keepdims=True)
    d *= d
    total = m.sum(d, axis=axis, keepdims=keepdims)
    freedom = _freedom(x.shape, axis, correction)
    return total / freedom if freedom > 0 else m.where(total > 0, INF, total * math.nan)


def _centred(m: Any, x: Any, axis: tuple[int, ...]) -> Any:
    return x - m.mean(x, axis=axis, keepdims=True)


def _var_rule(m: Any, g: Any, x: Any, x_info: Info, axis: tuple[int, ...], correction: float, keepdims: bool) -> Any:
    freedom = _freedom(x_info.shape, axis, correction)
    return _centred(m, x, axis) * (m.kept(g, x_info, axis, keepdims) * (2 / freedom if freedom > 0 else INF))


_var = op(
    "var",
    "x",
    params="axis correction keepdims",
    infer=reduce_infer,
    body=_var_body,
    rules={"x": _var_rule},
    doc="The variance over axes.",
)


@public
def var(x: Any, /, *, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The variance over ``axis`` (all axes if None): the mean square distance from the mean.

    Parameters:
        x: any shape; integers become float32.
        axis: one axis or several.
        correction: the sum of squares is divided by n - correction: 0 for a whole population (NumPy's default), 1 for
            the unbiased estimate from a sample (PyTorch's). NaN where that is not positive.
        keepdims: keep the reduced axes, with length 1.

    Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.var(tg.tensor([1.0, 2.0, 3.0])), tg.var(tg.tensor([1.0, 2.0, 3.0]), correction=1)
    (tensor(0.6666667), tensor(1.))
    """
    x = floating_of(x)
    return _var(x, axis=normal_axes(axis, x.ndim), correction=correction, keepdims=bool(keepdims))  # type: ignore


def _std_rule(
    m: Any, g: Any, x: Any, out: Any, x_info: Info, axis: tuple[int, ...], correction: float, keepdims: bool
) -> Any:
    freedom = _freedom(x_info.shape, axis, correction)
    g = g / (m.where(out == 0, INF, out) * (freedom if freedom > 0 else math.nan))
    return _centred(m, x, axis) * m.kept(g, x_info, axis, keepdims)


_std = op(
    "std",
    "x",
    params="axis correction keepdims",
    infer=reduce_infer,
    body=lambda m, x, axis, correction, keepdims: m.sqrt(
        m.var(x, axis=axis, correction=correction, keepdims=keepdims)
    ),
    rules={"x": _std_rule},
    doc="The standard deviation over axes.",
)


@public
def std(x: Any, /, *, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The standard deviation over ``axis`` (all axes if None): the square root of the variance. See ``var``.

    Where it is 0 its derivative is 0. Raises AxisError for an axis out of range or named twice.

    >>> import tensorgrad as tg
    >>> tg.std(tg.tensor([1.0, 2.0, 3.0]), correction=1)
    tensor(1.)
    """
    x = floating_of(x)
    return _std(x, axis=normal_axes(axis, x.ndim), correction=correction, keepdims=bool(keepdims))  # type: ignore


# Norms.


@in_single
def _euclidean_body(m: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    return m.sqrt(m.sum(x * x, axis=axis, keepdims=keepdims))


_euclidean = op(
    "euclidean_norm",
    "x",
    params="axis keepdims",
    infer=reduce_infer,
    body=_euclidean_body,
    rules={
        # Divided by infinity where the norm is 0: the subgradient 0.
        "x": lambda m, g, x, out, x_info, axis, keepdims: x
        * m.kept(g / m.where(out == 0, INF, out), x_info, axis, keepdims)
    },
    doc="The square root of the sum of squares over axes.",
)


@in_single
def _power_norm_body(m: Any, x: Any, order: float, axis: tuple[int, ...], keepdims: bool) -> Any:
    size = m.abs(x)
    if order < 0:  # zeros make it zero, without dividing by them
        zero = m.any(size == 0, axis=axis, keepdims=keepdims)
        total = m.sum(m.where(size == 0, 1, size) ** order, axis=axis, keepdims=keepdims)
        return m.where(zero, 0, m.where(zero, 1, total) ** (1 / order))
    return m.sum(size**order, axis=axis, keepdims=keepdims) ** (1 / order)


def _power_norm_rule(
    m: Any, g: Any, x: Any, out: Any, x_info: Info, order: float, axis: tuple[int, ...], keepdims: bool
) -> Any:
    # (|x| / norm) ** (order - 1) * sign(x), taken as 0 at zeros, as PyTorch does.
    share = m.abs(x) / m.kept(m.where(out == 0, INF, out), x_info, axis, keepdims)
    if order < 2:
        usable = share > 0
        share = m.where(usable, m.where(usable, share, 1) ** (order - 1), 0)
    else:
        share = share ** (order - 1)
    return m.sign(x) * share * m.kept(g, x_info, axis, keepdims)


_power_norm = op(
    "power_norm",
    "x",
    params="order axis keepdims",
    infer=reduce_infer,
    body=_power_norm_body,
    rules={"x": _power_norm_rule},
    doc="``sum(abs(x) ** order) ** (1 / order)`` over axes.",
)


@public
def vector_norm(x: Any, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """The norm of the elements over ``axis`` (all axes if None), as of one vector.

    Parameters:
        x: any shape; integers become float32.
        axis: one axis or several.
        keepdims: keep the reduced axes, with length 1.
        ord: p for ``sum(abs(x) ** p) ** (1 / p)``; infinity for the largest absolute value, -infinity for the smallest,
            0 for the number of elements that are not zero.

    Where the norm is 0 its derivative is 0; equal extremes share the gradient evenly. Raises AxisError for an axis
    out of range or named twice, ArgumentError for an ``ord`` that is no number.

    >>> import tensorgrad as tg
    >>> tg.vector_norm(tg.tensor([3.0, -4.0])), tg.vector_norm(tg.tensor([3.0, -4.0]), ord=1)
    (tensor(5.), tensor(7.))
    """
    x = floating_of(x)
    if isinstance(ord, bool) or not isinstance(ord, (int, float)):
        raise ArgumentError(f"vector_norm: expected ord to be a number, got {ord!r}")
    where = {"axis": normal_axes(axis, x.ndim), "keepdims": bool(keepdims)}
    if ord == 2:
        return _euclidean(x, **where)  # type: ignore[no-any-return]
    if ord == 0:
        return TENSORS.astype(TENSORS.count_nonzero(x, **where), dtype=x.dtype)  # type: ignore[no-any-return]
    if ord == 1:
        return TENSORS.sum(TENSORS.abs(x), **where)  # type: ignore[no-any-return]
    if ord == INF:
        return TENSORS.max(TENSORS.abs(x), **where)  # type: ignore[no-any-return]
    if ord == -INF:
        return TENSORS.min(TENSORS.abs(x), **where)  # type: ignore[no-any-return]
    return _power_norm(x, order=float(ord), **where)  # type: ignore[no-any-return]


@public
def matrix_norm(x: Any, /, *, axis: tuple[int, int] = (-2, -1), keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """The norm of the matrices in the two axes ``axis``.

    Parameters:
        x: at least two axes; integers become float32.
        axis: which two.
        keepdims: keep these axes, with length 1.
        ord: "fro" (Frobenius: the square root of the sum of squares), 1 and -1 (the largest and the smallest column sum
            of absolute values), infinity and -infinity (likewise of rows).

    Raises AxisError for axes out of range, ArgumentError for another ``ord``: 2, -2 and "nuc" need singular values.

    >>> import tensorgrad as tg
    >>> tg.matrix_norm(tg.tensor([[1.0, -2.0], [3.0, 4.0]]), ord=1)
    tensor(6.)
    """
    x = floating_of(x)
    row, column = (normal_axis(a, x.ndim) for a in axis)
    if len(normal_axes((row, column), x.ndim)) == 2 and ord == "fro":
        return _euclidean(x, axis=normal_axes((row, column), x.ndim), keepdims=bool(keepdims))  # type: ignore
    if isinstance(ord, str) or abs(ord) not in (1, INF):
        raise ArgumentError(f"matrix_norm: expected ord to be 'fro', 1, -1, inf or -inf, got {ord!r}")
    summed, chosen = (row, column) if abs(ord) == 1 else (column, row)
    sums = TENSORS.sum(TENSORS.abs(x), axis=(summed,), keepdims=True)
    out = (TENSORS.max if ord > 0 else TENSORS.min)(sums, axis=(chosen,), keepdims=True)
    return out if keepdims else TENSORS.squeeze(out, axis=normal_axes((row, column), x.ndim))  # type: ignore


@public
def norm(x: Any, /, ord: Any = None, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The norm of a vector, or of a matrix.

    Without ``ord`` (or with "fro"): the square root of the sum of squares over ``axis`` (all axes if None). With a
    number: ``vector_norm`` along one axis. Of a matrix a number means different things in NumPy and PyTorch;
    ``vector_norm`` and ``matrix_norm`` say which.

    Raises ArgumentError for a number where ``axis`` (or ``x``, without an axis) is not of one dimension, AxisError.

    >>> import tensorgrad as tg
    >>> tg.norm(tg.tensor([[3.0], [4.0]])), tg.norm(tg.tensor([3.0, -4.0]), 1)
    (tensor(5.), tensor(7.))
    """
    x = floating_of(x)
    axes = normal_axes(axis, x.ndim)
    if ord is None or ord == "fro":
        return vector_norm(x, axis=axes, keepdims=keepdims)
    if len(axes) != 1:
        raise ArgumentError(
            f"norm: ord={ord!r} over {len(axes)} axes means different things in NumPy and in PyTorch: write "
            f"vector_norm(x, ord={ord!r}) for that of all elements, matrix_norm(x, ord={ord!r}) for that of a matrix"
        )
    return vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
