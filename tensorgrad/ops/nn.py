"""What layers are made of: the affine map, embedding, standardising for the norms, one-hot codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.node import Info
from ..core.report import complain
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import op, public
from ..dtypes import is_floating, result_dtype, to_dtype
from ..errors import ArgumentError, DTypeError, IndexingError, ShapeError
from .axes import Axis, normal_axes, normal_axis, reduced_shape, size_of
from .reduction import tensor_of

__all__ = ["embedding", "linear", "normalize_mean_variance", "one_hot", "standardize"]


# The affine map.


def _linear_infer(params: dict[str, Any], x: Info, weight: Info, bias: Info | None) -> Info:
    if len(weight.shape) != 2:
        raise ShapeError(f"weight must be a matrix (out, in), got shape {list(weight.shape)}")
    if not x.shape or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"the last axis of x must have length {weight.shape[1]}, as weight {list(weight.shape)} is (out, in); "
            f"got x of shape {list(x.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(f"bias must have shape {[weight.shape[0]]}, as weight is (out, in); got {list(bias.shape)}")
    dtypes = [part.dtype for part in (x, weight, bias) if part is not None]
    return Info((*x.shape[:-1], weight.shape[0]), result_dtype(dtypes, [], "same", get_state().dtype))


def _linear_body(m: Any, x: Any, weight: Any, bias: Any) -> Any:
    if weight.ndim != 2 or not x.ndim or (bias is not None and bias.shape != weight.shape[:1]):
        raise ValueError("shapes do not fit")  # infer says how
    if x.ndim > 2:  # one product over all rows, not one per leading index
        out = _product(m, x.reshape((size_of(x.shape[:-1]), x.shape[-1])), weight.T)
        out = out.reshape((*x.shape[:-1], weight.shape[0]))
    else:
        out = _product(m, x, weight.T)
    if bias is None:
        return out
    if bias.dtype is not out.dtype or not out.ndim:
        return out + bias
    out += bias
    return out


def _product(m: Any, a: Any, b: Any) -> Any:
    # Of two matrices dot is matmul with less ado.
    return np.dot(a, b) if type(a) is np.ndarray and a.ndim == 2 else m.matmul(a, b)


def _linear_x(m: Any, g: Any, weight: Any) -> Any:
    if g.ndim < 3:
        return m.matmul(g, weight)
    rows = m.reshape(g, shape=(size_of(g.shape[:-1]), g.shape[-1]))
    return m.reshape(m.matmul(rows, weight), shape=(*g.shape[:-1], weight.shape[1]))


affine = op(
    "linear",
    "x weight bias",
    kind="same",
    infer=_linear_infer,
    body=_linear_body,
    rules={
        "x": _linear_x,
        "weight": lambda m, g, x: m.linear_weight(g, x),
        "bias": lambda m, g: g if g.ndim == 1 else m.linear_bias(g),
    },
    doc="``x @ weight.T + bias`` as one operation.",
)


def _matrix(x: Any) -> Any:
    return x if x.ndim == 2 else x.reshape((size_of(x.shape[:-1]), x.shape[-1]))


op(
    "linear_weight",
    "g_ x",
    infer=lambda params, g_, x: Info((g_.shape[-1], x.shape[-1]), g_.dtype),
    body=lambda m, g_, x: _product(m, _matrix(g_).T, _matrix(x)),
    rules={"g_": lambda m, g, x: m.linear(x, g, None), "x": lambda m, g, g_: _linear_x(m, g_, g)},
    multilinear="g_ x",
    doc="The cotangent of linear's weight: ``g.T @ x``, over all rows.",
)

op(
    "linear_bias",
    "g_",
    infer=lambda params, g_: Info(g_.shape[-1:], g_.dtype),
    body=lambda m, g_: m.xp.add.reduce(_matrix(g_), axis=0),
    rules={"g_": lambda m, g, g__info: m.broadcast_to(g, shape=g__info.shape)},
    linear="g_",
    doc="The cotangent of linear's bias: the sum over all rows.",
)

@public
def linear(x: Any, weight: Any, bias: Any = None, /) -> Tensor:
    """``x @ weight.T + bias``: the affine map of a dense layer, as one operation.

    Parameters:
        x: shape (..., in).
        weight: shape (out, in), as PyTorch keeps it.
        bias: shape (out,), or None.

    The result has shape (..., out). Raises ShapeError for shapes that do not fit.

    >>> import tensorgrad as tg
    >>> tg.linear(tg.tensor([1.0, 2.0]), tg.tensor([[1.0, 1.0], [0.0, 3.0]]), tg.tensor([0.5, 0.0]))
    tensor([3.5, 6. ])
    """
    return affine(x, weight, bias)  # type: ignore[no-any-return]


# Rows of a table.


def check_indices(indices: Any, count: int, message: str, error: type[Exception]) -> None:
    """Raise ``error`` unless all of ``indices``, a NumPy array, are in [0, count). Other arrays are not read.

    ``message`` is filled with ``value``, ``where`` and ``count``.
    """
    if not isinstance(indices, np.ndarray) or not indices.size:
        return
    if indices.dtype.kind == "i":  # as unsigned numbers the negative ones are huge: one pass
        inside = np.maximum.reduce(indices.view(f"u{indices.itemsize}"), axis=None) < count
    else:
        inside = np.maximum.reduce(indices, axis=None) < count
    if not inside:
        wrong = (indices < 0) | (indices >= count)
        position = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = position[0] if len(position) == 1 else position
        raise error(message.format(value=int(indices[position]), where=where, count=count))


def _embedding_infer(params: dict[str, Any], weight: Info, indices: Info) -> Info:
    if len(weight.shape) != 2:
        raise ShapeError(f"weight must be a matrix (rows, features), got shape {list(weight.shape)}")
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"indices must be integers, got {indices.dtype}")
    return Info((*indices.shape, weight.shape[1]), weight.dtype)


def _embedding_body(m: Any, weight: Any, indices: Any, padding_idx: int | None) -> Any:
    _embedding_infer({}, weight, indices)
    check_indices(indices, weight.shape[0], "index {value} at {where} is not in a table of {count} rows", IndexingError)
    return m.xp.take(weight, indices.reshape(-1), axis=0).reshape((*indices.shape, weight.shape[1]))


def _embedding_vjp_body(m: Any, g_: Any, indices: Any, rows: int, padding_idx: int | None) -> Any:
    flat = indices.reshape(-1)
    part = g_.reshape((flat.shape[0], g_.shape[-1]))
    out = m.xp.zeros((rows, g_.shape[-1]), dtype=g_.dtype)
    if isinstance(flat, np.ndarray) and flat.size > 16:
        # Sums over runs of equal indices: several times faster than adding row by row.
        order = np.argsort(flat, kind="stable")
        found, starts = np.unique(flat[order], return_index=True)
        out[found] = np.add.reduceat(part[order], starts, axis=0)
    else:
        m.backend.add_at(out, flat, part)
    if padding_idx is not None:
        out[padding_idx] = 0
    return out


def _embedding_again(m: Any, g: Any, indices: Any, padding_idx: int | None) -> Any:
    out = m.embedding(g, indices, padding_idx=padding_idx)
    return out if padding_idx is None else m.where(m.expand_dims(indices == padding_idx, axis=-1), 0, out)


_embedding = op(
    "embedding",
    "weight indices",
    params="padding_idx",
    infer=_embedding_infer,
    body=_embedding_body,
    rules={
        "weight": lambda m, g, indices, weight_info, padding_idx: m.embedding_vjp(
            g, indices, rows=weight_info.shape[0], padding_idx=padding_idx
        )
    },
    doc="Rows of ``weight`` by index.",
)

op(
    "embedding_vjp",
    "g_ indices",
    params="rows padding_idx",
    infer=lambda params, g_, indices: Info((params["rows"], g_.shape[-1]), g_.dtype),
    body=_embedding_vjp_body,
    rules={"g_": _embedding_again},
    doc="The cotangents of rows added up where the rows came from; none for ``padding_idx``.",
)


@public
def embedding(indices: Any, weight: Any, /, *, padding_idx: int | None = None) -> Tensor:
    """Row ``indices[...]`` of ``weight`` for each index.

    Parameters:
        indices: integers of any shape, in [0, rows).
        weight: shape (rows, features).
        padding_idx: a row that gets no gradient; negative counts from the end.

    The result has shape ``indices.shape + (features,)``. Its derivative adds up where rows repeat, in a fixed order.

    Raises IndexingError for an index out of range (the CPU only: a GPU is not waited for), DTypeError for indices that
    are no integers.

    >>> import tensorgrad as tg
    >>> tg.embedding(tg.tensor([1, 0, 1]), tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.],
            [3., 4.]])
    """
    indices, weight = tensor_of(indices), tensor_of(weight)
    if padding_idx is not None and weight.ndim == 2:
        padding_idx = normal_axis(padding_idx, weight.shape[0], "padding_idx")
    return _embedding(weight, indices, padding_idx=padding_idx)  # type: ignore[no-any-return]


# Standardising.


def _standardize_infer(params: dict[str, Any], x: Info) -> tuple[Info, Info, Info]:
    kept = Info(reduced_shape(x.shape, params["axis"], True), x.dtype)
    return Info(x.shape, x.dtype), kept, kept


def _mean_of(m: Any, x: Any, axis: tuple[int, ...]) -> Any:
    return m.sum(x, axis=axis, keepdims=True) / (size_of([x.shape[i] for i in axis]) or float("nan"))


def _standardize_body(m: Any, x: Any, axis: tuple[int, ...], eps: float, center: bool) -> Any:
    if center:
        mean = _mean_of(m, x, axis)
        out = x - mean
    else:
        mean = m.xp.zeros(reduced_shape(x.shape, axis, True), dtype=x.dtype)
        out = m.xp.empty_like(x)
        out[...] = x
    square = m.multiply(out, out)
    scale = 1 / m.sqrt(_mean_of(m, square, axis) + eps)
    out *= scale
    return out, mean, scale


def _standardize_rule(m: Any, g: Any, out: Any, x_info: Info, axis: tuple[int, ...], center: bool) -> Any:
    g_y, g_mean, g_scale = g
    y, _, scale = out
    total = None
    if g_y is not None:
        total = g_y - y * _mean_of(m, g_y * y, axis)
        total = (total - _mean_of(m, g_y, axis) if center else total) * scale
    # Derivatives of the statistics themselves: d mean = 1/n; d scale = -scale**2 * y / n.
    count = size_of([x_info.shape[i] for i in axis]) or 1
    if g_mean is not None and center:
        part = m.broadcast_to(g_mean / count, shape=x_info.shape)
        total = part if total is None else total + part
    if g_scale is not None:
        part = y * (g_scale * scale * scale / -count)
        total = part if total is None else total + part
    return m.zeros_from(next(p for p in g if p is not None), shape=x_info.shape) if total is None else total


_standardize = op(
    "standardize",
    "x",
    params="axis eps center",
    kind="float",
    infer=_standardize_infer,
    body=_standardize_body,
    rules={"x": _standardize_rule},
    outputs=3,
    doc="``(x - mean) / sqrt(variance + eps)``, the mean, and the factor ``1 / sqrt(variance + eps)``, axes kept.",
)


def normalize_mean_variance(x: Tensor, axis: Axis, eps: float, center: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """``(x - mean) / sqrt(variance + eps)``, the mean, and ``1 / sqrt(variance + eps)``; axes are kept.

    Not centred, the mean counts as zero: the variance is the mean square.
    """
    x = tensor_of(x)
    if not is_floating(x.dtype):
        raise complain(DTypeError, "standardize", f"expected a floating dtype, got {x.dtype}", [x], ["x"])
    axes = normal_axes(axis, x.ndim)
    return _standardize(x, axis=axes, eps=float(eps), center=center)  # type: ignore[no-any-return]


@public
def standardize(x: Any, /, *, axis: Axis = -1, eps: float = 1e-5) -> Tensor:
    """``(x - mean) / sqrt(variance + eps)`` with mean and variance over ``axis``: the heart of layer and batch norm.

    The variance is the biased one (divided by the number of elements). Raises DTypeError for integers, AxisError.

    >>> import tensorgrad as tg
    >>> tg.standardize(tg.tensor([1.0, 3.0]), eps=0.0)
    tensor([-1.,  1.])
    """
    return normalize_mean_variance(x, axis, eps)[0]


# Classes as vectors.


def _one_hot_infer(params: dict[str, Any], labels: Info) -> Info:
    axis = params["axis"]
    return Info((*labels.shape[:axis], params["classes"], *labels.shape[axis:]), params["dtype"])


def _one_hot_body(m: Any, labels: Any, classes: int, axis: int, dtype: Any) -> Any:
    codes = m.reshape(m.arange(classes), shape=(classes,) + (1,) * (labels.ndim - axis))
    return m.astype(m.expand_dims(labels, axis=axis) == codes, dtype=dtype)


_one_hot = op(
    "one_hot",
    "labels",
    params="classes axis dtype",
    infer=_one_hot_infer,
    body=_one_hot_body,
    doc="1 at the label along a new axis, 0 elsewhere; all 0 for a label that is no class.",
)


@public
def one_hot(labels: Any, num_classes: int, /, *, axis: int = -1, dtype: Any = None) -> Tensor:
    """Class labels as vectors: along a new axis of length ``num_classes``, 1 at the label and 0 elsewhere.

    Parameters:
        labels: integers of any shape; one outside [0, num_classes) gives zeros only.
        axis: where the new axis goes in the result.
        dtype: of the result; the default floating dtype if None.

    >>> import tensorgrad as tg
    >>> tg.one_hot(tg.tensor([2, 0]), 3)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    labels = tensor_of(labels)
    if labels.dtype.kind not in "iu":
        raise complain(DTypeError, "one_hot", f"labels must be integers, got {labels.dtype}", [labels], ["labels"])
    if type(num_classes) is not int or num_classes < 0:
        message = f"expected a number of classes, got {num_classes!r}"
        raise complain(ArgumentError, "one_hot", message, [labels], ["labels"])
    wanted = get_state().dtype if dtype is None else to_dtype(dtype)
    place = normal_axis(axis, labels.ndim + 1)
    return _one_hot(labels, classes=int(num_classes), axis=place, dtype=wanted)  # type: ignore[no-any-return]


def _update_statistics_body(
    m: Any, mean: Any, variance: Any, batch_mean: Any, batch_scale: Any, momentum: float, eps: float, count: int
) -> Any:
    found = 1 / m.multiply(batch_scale, batch_scale) - eps
    found *= count / (count - 1)  # running variances are the unbiased ones
    for running, new in ((mean, batch_mean), (variance, found)):
        running *= 1 - momentum
        running += momentum * new.reshape(running.shape)
    return mean, variance


def _update_statistics_infer(params: dict[str, Any], mean: Info, variance: Info, *batch: Info) -> tuple[Info, Info]:
    for name, info in (("mean", mean), ("variance", variance)):
        if size_of(info.shape) != size_of(batch[0].shape):
            raise ShapeError(f"the running {name} must have {size_of(batch[0].shape)} elements, got {list(info.shape)}")
    return mean, variance


op(
    "update_statistics",
    "mean variance batch_mean batch_scale",
    params="momentum eps count",
    infer=_update_statistics_infer,
    body=_update_statistics_body,
    writes=2,
    doc="Mix a batch's mean and variance into running ones, in place, as batch norm does.",
)
