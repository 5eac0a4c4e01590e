"""Functions of layers with PyTorch's names, arguments and defaults (``dim=`` where NumPy says ``axis=``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..call import as_operand
from ..core.report import complain
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import broadcast
from ..errors import ArgumentError, IndexingError, ShapeError
from ..op import FUNCTIONS, OPS, TENSORS
from ..ops import labels as _labels
from ..ops import loss as _loss
from ..ops import nn as _nn
from ..ops.cross_entropy import softmax_cross_entropy
from ..ops.labels import reduce_loss
from ..ops.nn import linear
from ..ops.reduction import tensor_of

__all__ = [
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_similarity", "cross_entropy",
    "dropout", "elu", "embedding", "gelu", "huber_loss", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear",
    "log_softmax", "mish", "mse_loss", "nll_loss", "normalize", "one_hot", "relu", "rms_norm", "sigmoid", "silu",
    "smooth_l1_loss", "softmax", "softplus", "tanh",
]  # fmt: skip


def _function(name: str) -> Any:
    return FUNCTIONS.get(name) or OPS[name].call


# Activations.

relu = _function("relu")
sigmoid = _function("sigmoid")
tanh = _function("tanh")
silu = _function("silu")
mish = _function("mish")
_leaky_relu = _function("leaky_relu")
_elu = _function("elu")
_gelu = _function("gelu")
_softplus = _function("softplus")
_dropout = _function("dropout")


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Tensor:
    """``x`` where positive, ``negative_slope * x`` elsewhere.

    >>> import tensorgrad as tg
    >>> tg.nn.functional.leaky_relu(tg.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5,  2. ])
    """
    return _leaky_relu(input, negative_slope)  # type: ignore[no-any-return]


def elu(input: Any, alpha: float = 1.0) -> Tensor:
    """``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere (Clevert, Unterthiner and Hochreiter, 2016)."""
    return _elu(input, alpha)  # type: ignore[no-any-return]


def gelu(input: Any, approximate: str = "none") -> Tensor:
    """``x`` times the normal distribution function of ``x`` (Hendrycks and Gimpel, 2016).

    ``approximate="tanh"`` uses the formula with tanh, as GPT-2 did.
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return _gelu(input, approximate=approximate)  # type: ignore[no-any-return]


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``; ``x`` itself where ``beta x`` is above ``threshold``."""
    return _softplus(input, beta, threshold)  # type: ignore[no-any-return]


def softmax(input: Any, dim: int = -1, dtype: Any = None) -> Tensor:
    """``exp(x)`` divided by its sum over ``dim``.

    >>> import tensorgrad as tg
    >>> tg.nn.functional.softmax(tg.zeros(4), dim=0)
    tensor([0.25, 0.25, 0.25, 0.25])
    """
    return _function("softmax")(_cast(input, dtype), axis=dim)  # type: ignore[no-any-return]


def log_softmax(input: Any, dim: int = -1, dtype: Any = None) -> Tensor:
    """The logarithm of ``softmax``, computed without overflow."""
    return _function("log_softmax")(_cast(input, dtype), axis=dim)  # type: ignore[no-any-return]


def _cast(x: Any, dtype: Any) -> Tensor:
    x = tensor_of(x)
    return x if dtype is None else FUNCTIONS["astype"](x, dtype)  # type: ignore[no-any-return]


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Tensor:
    """While training, each element becomes zero with probability ``p`` and the others grow by ``1 / (1 - p)``."""
    return _dropout(input, p, training)  # type: ignore[no-any-return]


# Tables and codes.


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Tensor:
    """Row ``input[...]`` of ``weight`` for each index; the row ``padding_idx`` gets no gradient.

    >>> import tensorgrad as tg
    >>> tg.nn.functional.embedding(tg.tensor([1]), tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.]])
    """
    return _nn.embedding(input, weight, padding_idx=padding_idx)


def one_hot(input: Any, num_classes: int = -1) -> Tensor:
    """Labels as vectors of int64 along a new last axis; -1 classes: as many as the largest label needs.

    Raises IndexingError for a label out of range.
    """
    labels = tensor_of(input)
    if num_classes < 0:
        num_classes = int(TENSORS.max(labels, axis=tuple(range(labels.ndim)), keepdims=False).item()) + 1
    _nn.check_indices(labels.data, num_classes, "label {value} at {where} is not one of {count} classes", IndexingError)
    return _nn.one_hot(labels, num_classes, dtype="int64")


# Norms.


def layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    """Standardise over the last axes, of shape ``normalized_shape``; then ``* weight + bias``.

    Ba, Kiros and Hinton, "Layer normalization", 2016. Raises ShapeError where the shapes do not fit.
    """
    x = tensor_of(input)
    out = _nn.normalize_mean_variance(x, _last_axes("layer_norm", x, normalized_shape, weight, bias), eps)[0]
    return _affine(out, weight, bias)


def rms_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Tensor:
    """Divide by the root of the mean square over the last axes, of shape ``normalized_shape``; then ``* weight``.

    Zhang and Sennrich, "Root mean square layer normalization", 2019. ``eps`` None is the dtype's own.
    """
    x = tensor_of(input)
    axes = _last_axes("rms_norm", x, normalized_shape, weight, None)
    out = _nn.normalize_mean_variance(x, axes, _eps_of(x) if eps is None else eps, center=False)[0]
    return _affine(out, weight, None)


def _eps_of(x: Tensor) -> float:
    import numpy as np

    return float(np.finfo(x.dtype).eps)


def _last_axes(what: str, x: Tensor, normalized_shape: Sequence[int], weight: Any, bias: Any) -> tuple[int, ...]:
    shape = tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        message = f"expected the last axes to be {list(shape)}, got {list(x.shape)}"
        raise complain(ShapeError, what, message, [x], ["input"])
    for name, part in (("weight", weight), ("bias", bias)):
        if part is not None and tuple(part.shape) != shape:
            raise complain(ShapeError, what, f"{name} must have shape {list(shape)}, got {list(part.shape)}", [x, part])
    return tuple(range(x.ndim - len(shape), x.ndim))


def _affine(out: Tensor, weight: Any, bias: Any) -> Tensor:
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def batch_norm(
    input: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Standardise each channel (axis 1) over all other axes; then ``* weight + bias``.

    While ``training`` with the batch's statistics, which are mixed into the running ones, in place, with weight
    ``momentum``; else with the running ones. Ioffe and Szegedy, "Batch normalization", 2015.

    Raises ShapeError for fewer than two axes, or while training for one value per channel.
    """
    x = tensor_of(input)
    if x.ndim < 2:
        raise complain(ShapeError, "batch_norm", f"expected (N, C, ...), got shape {list(x.shape)}", [x], ["input"])
    axes = (0, *range(2, x.ndim))
    wide = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    if training or running_mean is None or running_var is None:
        count = x.size // (x.shape[1] or 1)
        if training and count <= 1:
            message = f"training needs more than one value per channel, got {list(x.shape)}"
            raise complain(ShapeError, "batch_norm", message, [x, running_mean, running_var], ["input"])
        out, mean, scale = _nn.normalize_mean_variance(x, axes, eps)
        if training and running_mean is not None and running_var is not None:
            # Out of the graph: the op changes its operands in place and has no derivative.
            TENSORS.update_statistics(
                running_mean,
                running_var,
                mean.detach(),
                scale.detach(),
                momentum=float(momentum),
                eps=float(eps),
                count=count,
            )
    else:
        scale = TENSORS.rsqrt(TENSORS.reshape(running_var, shape=wide) + eps)
        out = (x - TENSORS.reshape(running_mean, shape=wide)) * scale
    weight, bias = (p if p is None else TENSORS.reshape(tensor_of(p), shape=wide) for p in (weight, bias))
    return _affine(out, weight, bias)


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """``x`` divided by its p-norm over ``dim``, which counts as ``eps`` where smaller."""
    x = tensor_of(input)
    norm = FUNCTIONS["norm"](x, ord=p, axis=dim, keepdims=True)
    return x / TENSORS.maximum(norm, eps)  # type: ignore[no-any-return]


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``; lengths count as ``eps`` where smaller."""
    a, b = tensor_of(x1), tensor_of(x2)
    along = FUNCTIONS["sum"]
    squares = [along(t * t, axis=dim, keepdims=True) for t in (a, b)]
    lengths = [TENSORS.sqrt(TENSORS.maximum(s, eps * eps)) for s in squares]
    return along((a / lengths[0]) * (b / lengths[1]), axis=dim)  # type: ignore[no-any-return]


# Losses.


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """``-log softmax(input)`` at the target class: ``input`` (C), (N, C) or (N, C, d1, ...), ``target`` without C.

    ``target`` may also hold probabilities, in ``input``'s shape. See ``tg.softmax_cross_entropy``.

    >>> import tensorgrad as tg
    >>> tg.nn.functional.cross_entropy(tg.tensor([[0.0, 0.0]]), tg.tensor([1]))
    tensor(0.6931472)
    """
    return softmax_cross_entropy(
        input,
        target,
        weight,
        axis=1 if input.ndim > 1 else 0,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    """Minus the log-probability (``input``, as from ``log_softmax``) of each target class; shapes as in cross_entropy.

    Raises LabelError for a label that is neither a class nor ``ignore_index``.
    """
    x, labels = tensor_of(input), tensor_of(target)
    axis = 1 if x.ndim > 1 else 0
    losses = -_labels.pick_class(x, labels, axis=axis, ignore_index=ignore_index)
    if reduction == "sum" and weight is None:
        return reduce_loss(losses, "sum")
    counts = _labels.label_weights(
        labels,
        None if weight is None else tensor_of(weight).detach(),
        classes=x.shape[axis],
        ignore_index=ignore_index,
        dtype=x.dtype,
    )
    losses = losses if weight is None else losses * counts
    if reduction != "mean":
        return reduce_loss(losses, reduction)
    count = reduce_loss(counts, "sum")
    nothing = count == 0
    mean = reduce_loss(losses, "sum") / TENSORS.where(nothing, 1, count)
    return TENSORS.where(nothing, math.nan, mean)  # type: ignore[no-any-return]


def _pair(what: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Prediction and target, of one shape: broadcasting here is nearly always a mistake."""
    x, y = tensor_of(input), tensor_of(target)
    if x.shape != y.shape:
        broadcast(x.shape, y.shape)
        raise complain(
            ShapeError,
            what,
            f"input has shape {list(x.shape)}, target {list(y.shape)}: expected equal shapes; broadcast one explicitly "
            "if that is meant",
            [x, y],
            ["input", "target"],
        )
    return x, y


def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Tensor:
    """The squared difference.

    >>> import tensorgrad as tg
    >>> tg.nn.functional.mse_loss(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0]))
    tensor(2.)
    """
    x, y = _pair("mse_loss", input, target)
    return _weighted(TENSORS.square(x - y), weight, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Tensor:
    """The absolute difference; its derivative at 0 is 0."""
    x, y = _pair("l1_loss", input, target)
    return _weighted(TENSORS.abs(x - y), weight, reduction)


def _weighted(losses: Tensor, weight: Any, reduction: str) -> Tensor:
    if weight is None:
        return reduce_loss(losses, reduction)
    weight = tensor_of(weight)
    if reduction == "mean":
        spread = TENSORS.broadcast_to(weight, shape=losses.shape)
        return reduce_loss(losses * weight, "sum") / reduce_loss(spread, "sum")
    return reduce_loss(losses * weight, reduction)


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """``0.5 d**2 / beta`` for a difference below ``beta``, ``|d| - 0.5 beta`` above (Girshick, "Fast R-CNN", 2015)."""
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: expected beta >= 0, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    x, y = _pair("smooth_l1_loss", input, target)
    distance = TENSORS.abs(x - y)
    near = TENSORS.square(distance) * (0.5 / beta)
    return reduce_loss(TENSORS.where(distance < beta, near, distance - 0.5 * beta), reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Tensor:
    """``0.5 d**2`` for a difference up to ``delta``, ``delta (|d| - 0.5 delta)`` above (Huber, 1964)."""
    if delta <= 0:
        raise ArgumentError(f"huber_loss: expected delta > 0, got {delta}")
    x, y = _pair("huber_loss", input, target)
    distance = TENSORS.abs(x - y)
    near = TENSORS.square(distance) * 0.5
    losses = TENSORS.where(distance <= delta, near, (distance - 0.5 * delta) * delta)
    return _weighted(losses, weight, reduction)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    """``-z log x - (1 - z) log(1 - x)`` for probabilities ``x``; logarithms count as -100 below that.

    Raises ShapeError for unequal shapes, ArgumentError for an ``input`` outside 0 to 1 (on the CPU).
    """
    x, z = _pair("binary_cross_entropy", input, target)
    if x.device.kind == "cpu" and get_state().capture is None and bool(((x.data < 0) | (x.data > 1)).any()):
        raise ArgumentError(
            "binary_cross_entropy: input must be probabilities from 0 to 1; for scores there is ..._with_logits"
        )
    losses = _loss.binary_cross_entropy(x, z)
    return reduce_loss(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """``-w z log s(x) - (1 - z) log(1 - s(x))`` for scores ``x`` and the sigmoid ``s``; ``w`` is ``pos_weight``.

    Raises ShapeError for unequal shapes of ``input`` and ``target``.
    """
    x, z = _pair("binary_cross_entropy_with_logits", input, target)
    if pos_weight is None:
        losses = _loss.binary_cross_entropy_with_logits(x, z)
    else:
        tail = TENSORS.maximum(-x, 0) + TENSORS.log1p(TENSORS.exp(-TENSORS.abs(x)))
        losses = (1 - z) * x + ((as_operand(pos_weight) - 1) * z + 1) * tail
    return reduce_loss(losses if weight is None else losses * weight, reduction)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """``z (log z - x)`` for log-probabilities ``x``: how far they are from the distribution ``z``.

    ``reduction="batchmean"`` divides the sum by the length of the first axis, which is the divergence's definition.
    """
    x, z = tensor_of(input), tensor_of(target)
    losses = TENSORS.exp(z) * (z - x) if log_target else TENSORS.xlogy(z, z) - z * x
    if reduction == "batchmean":
        return reduce_loss(losses, "sum") / (losses.shape[0] if losses.ndim else 1)
    return reduce_loss(losses, reduction)
