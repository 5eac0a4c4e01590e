"""Losses over classes, fused: softmax cross-entropy and the picking of log-probabilities by label."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from ..core.node import Info
from ..core.report import complain, failure
from ..core.tensor import Tensor
from ..define import elementwise, op, public
from ..dtypes import is_floating
from ..errors import ArgumentError, DTypeError, GradientError, LabelError, ShapeError, TensorgradError
from ..op import FUNCTIONS, TENSORS
from ..paths import fixed_path
from .axes import normal_axis
from .nn import check_indices
from .reduction import tensor_of

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "pick_class", "softmax_cross_entropy"]

REDUCTIONS = ("mean", "sum", "none")
BLOCK = 1 << 15
"""Elements worked on at once, so that the passes over them find them in the cache."""


# Labels.


def check_labels(labels: Any, classes: int, ignore_index: int) -> bool:
    """Whether every label is a class to be counted (so nothing is ignored); raises LabelError for one that is neither.

    Labels on a GPU are not read: the answer is False.
    """
    if not isinstance(labels, np.ndarray):
        return False
    if not labels.size:
        return True
    # As unsigned numbers the negative ones are huge: one pass tells.
    view = labels.view(_UNSIGNED[labels.itemsize]) if labels.dtype.kind == "i" else labels
    if np.maximum.reduce(view, axis=None) < classes and not 0 <= ignore_index < classes:
        return True
    kept = labels != ignore_index
    if not kept.all():
        labels = np.where(kept, labels, 0) if classes else labels[:0]
        check_indices(labels, classes, _WRONG, LabelError)
        return False
    check_indices(labels, classes, _WRONG, LabelError)
    return True


_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_WRONG = "label {value} at position {where} is not one of {count} classes (0 to {count} - 1)"


def _without_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def _label_info(x: Info, target: Info, weight: Any, axis: int) -> None:
    """Check the shapes of logits, labels and class weights against each other."""
    wanted = _without_axis(x.shape, axis)
    if target.dtype.kind not in "iu":
        raise DTypeError(f"class labels must be integers, got {target.dtype}")
    if target.shape != wanted:
        raise ShapeError(
            f"labels must have shape {list(wanted)} for scores of shape {list(x.shape)} with classes on axis {axis}, "
            f"got {list(target.shape)}"
        )
    if weight is not None and weight.shape != (x.shape[axis],):
        raise ShapeError(f"weight must have one number for each of {x.shape[axis]} classes, got {list(weight.shape)}")


# One number per observation: its label's.


def _pick_infer(params: dict[str, Any], x: Info, target: Info) -> Info:
    _label_info(x, target, None, params["axis"])
    return Info(target.shape, x.dtype)


def _pick_body(m: Any, x: Any, target: Any, axis: int, ignore_index: int) -> Any:
    _label_info(x, target, None, axis)
    if check_labels(target, x.shape[axis], ignore_index):
        index = target.reshape((*target.shape[:axis], 1, *target.shape[axis:]))
        return m.xp.take_along_axis(x, index, axis=axis).reshape(target.shape)
    hot = m.one_hot(target, classes=x.shape[axis], axis=axis, dtype=np.dtype(bool))
    return m.where(target == ignore_index, 0, m.sum(m.where(hot, x, 0), axis=(axis,), keepdims=False))


def _pick_vjp_body(m: Any, g_: Any, target: Any, classes: int, axis: int, ignore_index: int) -> Any:
    hot = m.one_hot(target, classes=classes, axis=axis, dtype=np.dtype(bool))
    g_ = m.expand_dims(m.where(target == ignore_index, 0, g_), axis=axis)
    return m.where(hot, g_, 0)


pick_class = op(
    "pick_class",
    "x target",
    params="axis ignore_index",
    infer=_pick_infer,
    body=_pick_body,
    rules={
        "x": lambda m, g, target, x_info, axis, ignore_index: m.pick_class_vjp(
            g, target, classes=x_info.shape[axis], axis=axis, ignore_index=ignore_index
        )
    },
    linear="x",
    doc="``x`` at each label along ``axis``; 0 for ignored labels. Raises LabelError for one out of range.",
)

op(
    "pick_class_vjp",
    "g_ target",
    params="classes axis ignore_index",
    infer=lambda params, g_, target: Info(
        (*target.shape[: params["axis"]], params["classes"], *target.shape[params["axis"] :]), g_.dtype
    ),
    body=_pick_vjp_body,
    rules={
        "g_": lambda m, g, target, axis, ignore_index: m.pick_class(g, target, axis=axis, ignore_index=ignore_index)
    },
    linear="g_",
    doc="Zeros with each cotangent at its label.",
)


def _label_weights_body(m: Any, target: Any, weight: Any, classes: int, ignore_index: int, dtype: Any) -> Any:
    kept = m.astype(target != ignore_index, dtype=dtype)
    if weight is None:
        check_labels(target, classes, ignore_index)
        return kept
    spread = m.broadcast_to(weight, shape=(*target.shape, classes))
    return m.pick_class(spread, target, axis=target.ndim, ignore_index=ignore_index) * kept


label_weights = op(
    "label_weights",
    "target weight",
    params="classes ignore_index dtype",
    infer=lambda params, target, weight: Info(target.shape, params["dtype"]),
    body=_label_weights_body,
    doc="What each observation counts: its class's weight (1 without weights), 0 where ignored.",
)


# Softmax cross-entropy.


class Options(NamedTuple):
    """How labels are read and losses gathered: one constant, so that a call stays short."""

    axis: int
    ignore_index: int = -100
    label_smoothing: float = 0.0
    reduction: str = "mean"


def _cross_entropy_infer(params: dict[str, Any], logits: Info, target: Info, weight: Any) -> tuple[Info, Info]:
    options: Options = params["options"]
    _label_info(logits, target, weight, options.axis)
    shape = target.shape if options.reduction == "none" else ()
    return Info(shape, logits.dtype), Info(logits.shape, logits.dtype)


def _cross_entropy_body(m: Any, logits: Any, target: Any, weight: Any, options: Options) -> Any:
    axis, ignore_index, smoothing, reduction = options
    last = axis == logits.ndim - 1
    if not last or target.shape != logits.shape[:-1] or target.dtype.kind not in "iu" or weight is not None:
        _label_info(logits, target, weight, axis)
    classes = logits.shape[axis]
    plain = check_labels(target, classes, ignore_index)
    z = logits if last else m.xp.moveaxis(logits, axis, -1)
    wide = z.shape
    labels = target
    if z.ndim != 2:
        z, labels = z.reshape((target.size, classes)), target.reshape(-1)
    p = m.xp.empty(z.shape, dtype=z.dtype)
    losses = _row_losses(m, z, labels if plain else _safe(m, labels, classes), weight, smoothing, p)
    if not plain:
        # What is neither a class nor ignored was refused on the CPU; on a GPU it gives NaN.
        losses = m.where((labels >= 0) & (labels < classes), losses, float("nan"))
        losses = m.where(labels == ignore_index, 0, losses)
    loss = _reduced(m, losses, target, weight, ignore_index, reduction, plain)
    if z.ndim == logits.ndim:
        return loss, p
    p = p.reshape(wide)
    return loss, (p if last else m.xp.ascontiguousarray(m.xp.moveaxis(p, -1, axis)))


def _safe(m: Any, labels: Any, classes: int) -> Any:
    return m.where((labels >= 0) & (labels < classes), labels, 0)


def _row_losses(m: Any, z: Any, labels: Any, weight: Any, smoothing: float, p: Any) -> Any:
    """The weighted loss of each row of ``z``; the softmax goes into ``p``. In blocks that stay in the cache."""
    rows, classes = z.shape
    if not p.size:
        return m.xp.zeros((rows,), dtype=z.dtype)
    step = max(1, BLOCK // classes) if isinstance(z, np.ndarray) else rows
    if rows <= step:
        return _block_losses(m, z, labels, weight, smoothing, p)
    starts = range(0, rows, step)
    blocks = [slice(start, start + step) for start in starts]
    return m.xp.concatenate([_block_losses(m, z[b], labels[b], weight, smoothing, p[b]) for b in blocks])


def _block_losses(m: Any, z: Any, labels: Any, weight: Any, smoothing: float, p: Any) -> Any:
    xp = m.xp
    rows, classes = z.shape
    top = np.maximum.reduce(z, axis=1, keepdims=True) if isinstance(z, np.ndarray) else z.max(axis=1, keepdims=True)
    xp.subtract(z, top, out=p)  # the scores from here on, less each row's largest
    loss = p[xp.arange(rows), labels]
    if smoothing:
        across = p.mean(axis=1) if weight is None else p @ weight / classes
    xp.exp(p, out=p)
    total = xp.add.reduce(p, axis=1, keepdims=True)
    p /= total
    log_total = xp.log(total).reshape(rows)
    xp.subtract(log_total, loss, out=loss)
    if weight is not None:
        loss *= weight[labels]
    if smoothing:
        loss *= 1 - smoothing
        share = log_total if weight is None else log_total * (weight.sum() / classes)
        loss += (share - across) * smoothing
    return loss


def _reduced(m: Any, losses: Any, target: Any, weight: Any, ignore_index: int, reduction: str, plain: bool) -> Any:
    if reduction == "none":
        return losses.reshape(target.shape)
    total = m.xp.add.reduce(losses)
    if reduction == "sum":
        return total
    if plain and weight is None:
        return total / (target.size or float("nan"))
    if weight is None:
        count = (target != ignore_index).astype(losses.dtype).sum()
    else:
        count = m.label_weights(
            target, weight, classes=weight.shape[0], ignore_index=ignore_index, dtype=losses.dtype
        ).sum()
    return m.where(count == 0, float("nan"), total / m.where(count == 0, 1, count))


def _cross_entropy_rule(m: Any, g: Any, target: Any, weight: Any, out: Any, options: Options) -> Any:
    total = None
    if g[0] is not None:
        total = m.softmax_cross_entropy_vjp(g[0], out[1], target, weight, options=options)
    if g[1] is not None:  # of the softmax itself: in derivatives of the derivative
        part = out[1] * g[1]
        part = part - out[1] * m.sum(part, axis=(options.axis,), keepdims=True)
        total = part if total is None else total + part
    return total


_cross_entropy = op(
    "softmax_cross_entropy",
    "logits target weight",
    params="options",
    infer=_cross_entropy_infer,
    body=_cross_entropy_body,
    rules={"logits": _cross_entropy_rule},
    outputs=2,
    doc="The loss, and the softmax that its derivative is made of.",
)
_cross_entropy_path = fixed_path(_cross_entropy.op, first_only=True)


# The common case: labels, equal weights, one number as the result. Its derivative is computed on the way forward.


def _plain_infer(params: dict[str, Any], logits: Info, target: Info) -> tuple[Info, Info]:
    _label_info(logits, target, None, params["options"].axis)
    return Info((), logits.dtype), Info(logits.shape, logits.dtype)


def _plain_body(m: Any, logits: Any, target: Any, options: Options) -> Any:
    axis, ignore_index, _, reduction = options
    last = axis == logits.ndim - 1
    if not last or target.shape != logits.shape[:-1] or target.dtype.kind not in "iu":
        _label_info(logits, target, None, axis)
    classes = logits.shape[axis]
    plain = check_labels(target, classes, ignore_index)
    if plain and logits.ndim == 2 and last and 0 < logits.size <= BLOCK:
        return _plain_rows(logits, target, reduction == "mean")
    z, labels = (logits if last else m.xp.moveaxis(logits, axis, -1)), target
    wide = z.shape
    if z.ndim != 2:
        z, labels = z.reshape((target.size, classes)), target.reshape(-1)
    if plain:
        loss, p = _plain_blocks(z, labels, reduction == "mean")
    else:
        loss, p = _plain_with_gaps(m, z, labels, m.xp.empty(z.shape, dtype=z.dtype), ignore_index, reduction)
    if z.ndim == logits.ndim:
        return loss, p
    p = p.reshape(wide)
    return loss, (p if last else m.xp.ascontiguousarray(m.xp.moveaxis(p, -1, axis)))


def _plain_rows(z: Any, labels: Any, mean: bool, count: int | None = None, out: Any = None) -> Any:
    """The loss over rows of scores on the CPU, and its derivative; ``count`` observations share a mean."""
    rows, classes = z.shape
    places = np.arange(0, rows * classes, classes)
    places += labels
    p = np.empty(z.shape, dtype=z.dtype) if out is None else out  # in row-major order, whatever that of z
    np.subtract(z, np.maximum.reduce(z, axis=1, keepdims=True), out=p)
    flat = p.reshape(-1)
    picked = np.add.reduce(flat.take(places))
    np.exp(p, out=p)
    total = np.add.reduce(p, axis=1, keepdims=True)
    loss = np.add.reduce(np.log(total), axis=None) - picked
    if mean:
        loss /= count or rows
        p /= np.multiply(total, count or rows, out=total)
        flat[places] -= 1 / (count or rows)
    else:
        p /= total
        flat[places] -= 1
    return loss, p


def _plain_blocks(z: Any, labels: Any, mean: bool) -> Any:
    """``_plain_rows`` a block at a time, so that the passes over it find it in the cache."""
    rows, classes = z.shape
    p = np.empty(z.shape, dtype=z.dtype)
    if not p.size:
        return np.full((), float("nan") if mean and not rows else 0, dtype=z.dtype), p
    step = max(1, BLOCK // classes)
    total = np.zeros((), dtype=z.dtype)
    for start in range(0, rows, step):
        block = slice(start, start + step)
        total = total + _plain_rows(z[block], labels[block], mean, rows, p[block])[0]
    return total, p


def _plain_with_gaps(m: Any, z: Any, labels: Any, p: Any, ignore_index: int, reduction: str) -> Any:
    """Where labels may be ignored, or (on a GPU, which nobody waits for) be wrong: those give NaN."""
    classes = z.shape[1]
    safe = _safe(m, labels, classes)
    losses = _row_losses(m, z, safe, None, 0.0, p)
    counted = labels != ignore_index
    losses = m.where((labels >= 0) & (labels < classes), losses, float("nan"))
    loss = m.xp.add.reduce(m.where(counted, losses, 0))
    scale = m.where((labels >= 0) & (labels < classes), 1.0, float("nan")).astype(z.dtype)
    scale = m.where(counted, scale, 0)
    if reduction == "mean":
        count = counted.astype(z.dtype).sum()
        loss = m.where(count == 0, float("nan"), loss / m.where(count == 0, 1, count))
        scale = scale / m.where(count == 0, 1, count)
    if classes:
        p[m.xp.arange(labels.size), safe] -= 1
    p *= scale[:, None]
    return loss, p


def _plain_rule(m: Any, g: Any, target: Any, out: Any, options: Options) -> Any:
    unit = out[1]  # the derivative of the loss
    total = None if g[0] is None else g[0] * unit
    if g[1] is None:
        return total
    # Of the derivative itself: rows are (p - hot) * scale, and dp = p * (u - sum(p * u)).
    axis, ignore_index, _, reduction = options
    classes = unit.shape[axis]
    hot = m.one_hot(target, classes=classes, axis=axis, dtype=unit.dtype)
    scale = m.label_weights(target, None, classes=classes, ignore_index=ignore_index, dtype=unit.dtype)
    if reduction == "mean":
        count = m.sum(scale, axis=tuple(range(scale.ndim)), keepdims=False)
        scale = scale / m.where(count == 0, 1, count)
    scale = m.expand_dims(scale, axis=axis)
    p = m.where(scale == 0, 0, unit / m.where(scale == 0, 1, scale) + hot)
    part = p * (g[1] * scale)
    part = part - p * m.sum(part, axis=(axis,), keepdims=True)
    return part if total is None else total + part


_plain = op(
    "plain_cross_entropy",
    "logits target",
    params="options",
    infer=_plain_infer,
    body=_plain_body,
    rules={"logits": _plain_rule},
    outputs=2,
    doc="The loss over labels of equal weight, summed or averaged, and its derivative.",
)
_plain_path = fixed_path(_plain.op, first_only=True)


def _cross_entropy_vjp_body(m: Any, g_: Any, p: Any, target: Any, weight: Any, options: Options) -> Any:
    axis, ignore_index, smoothing, reduction = options
    if isinstance(p, np.ndarray) and weight is None and not smoothing:
        quick = _quick_vjp(g_, p, target, options)
        if quick is not None:
            return quick
    classes = p.shape[axis]
    hot = m.one_hot(target, classes=classes, axis=axis, dtype=p.dtype)
    counted = m.label_weights(target, None, classes=classes, ignore_index=ignore_index, dtype=p.dtype)
    own = counted
    if weight is not None:
        own = m.label_weights(target, weight, classes=classes, ignore_index=ignore_index, dtype=p.dtype)
    if reduction == "mean":  # where nothing counts, the loss is NaN, but no score takes part in it
        total = m.sum(own, axis=tuple(range(own.ndim)), keepdims=False)
        g_ = g_ / m.where(total == 0, 1, total)
    if not smoothing:
        return (p - hot) * m.expand_dims(own * g_, axis=axis)
    scale = m.expand_dims(counted * g_, axis=axis)
    share = smoothing / classes
    if weight is None:
        return (p - hot * (1 - smoothing) - share) * scale
    full = m.sum(weight, axis=(0,), keepdims=False)
    across = m.reshape(weight, shape=(classes,) + (1,) * (p.ndim - 1 - axis))
    own = m.expand_dims(own, axis=axis)
    return ((p - hot) * (own * (1 - smoothing)) + (p * full - across) * share) * scale


def _quick_vjp(g_: Any, p: Any, target: Any, options: Options) -> Any:
    """The common case on NumPy arrays: one pass, then one number changed per row. None where it does not apply."""
    if options.axis != p.ndim - 1 or not p.flags.c_contiguous:
        return None
    classes = p.shape[-1]
    if not check_labels(target, classes, options.ignore_index):
        return None
    if options.reduction == "none":
        scale = g_.reshape(target.shape)
        out = p * scale[..., None]
        scale = scale.reshape(-1)
    else:
        scale = g_ / target.size if options.reduction == "mean" and target.size else g_
        out = p * scale
    flat = out.reshape(-1)
    places = np.arange(0, p.size, classes or 1)
    places += target if target.ndim == 1 else target.reshape(-1)
    flat[places] -= scale
    return out


op(
    "softmax_cross_entropy_vjp",
    "g_ p target weight",
    params="options",
    infer=lambda params, g_, p, target, weight: Info(p.shape, p.dtype),
    body=_cross_entropy_vjp_body,
    doc="The cotangent of the logits, from that of the loss and the softmax.",
)


@public
def softmax_cross_entropy(
    logits: Any,
    target: Any,
    /,
    weight: Any = None,
    *,
    axis: int = -1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """``-log softmax(logits)`` at each observation's label: the loss of classification, fused.

    Parameters:
        logits: scores of any shape, the classes along ``axis``.
        target: class labels, integers of the logits' shape without ``axis``; or probabilities, of the logits' shape.
        weight: a number per class that its observations count, or None.
        ignore_index: observations with this label do not count.
        label_smoothing: the share of each target that is spread evenly over all classes (Szegedy et al., "Rethinking
            the inception architecture for computer vision", 2016).
        reduction: ``"mean"`` (weighted by ``weight``; over no observations NaN), ``"sum"`` or ``"none"``.

    Raises LabelError for a label that is neither a class nor ``ignore_index``, naming it and its position (on the CPU;
    on a GPU the loss is NaN), ShapeError, AxisError, DTypeError, ArgumentError; GradientError for class weights that
    require a gradient.

    >>> import tensorgrad as tg
    >>> tg.softmax_cross_entropy(tg.tensor([[0.0, 0.0], [0.0, 100.0]]), tg.tensor([0, 1]))
    tensor(0.3465736)
    """
    if not isinstance(logits, Tensor):
        logits = tensor_of(logits)
    if not isinstance(target, Tensor):
        target = tensor_of(target)
    if not (logits.data.dtype.kind == "f" or is_floating(logits.dtype)):
        message = f"logits must be floating, got {logits.dtype}"
        raise complain(DTypeError, "softmax_cross_entropy", message, [logits, target], ["logits", "target"])
    try:
        options = _options(axis, logits.data.ndim, ignore_index, label_smoothing, reduction)
    except TensorgradError as error:
        raise failure("softmax_cross_entropy", (logits, target), ("logits", "target"), error) from None
    if weight is not None:
        weight = _class_weights(weight, logits)
    if target.data.dtype.kind in "iu":
        if weight is None and not label_smoothing and reduction != "none":
            return _plain_path(logits, target, options=options)  # type: ignore[no-any-return]
        return _cross_entropy_path(logits, target, weight, options=options)  # type: ignore[no-any-return]
    return _soft_cross_entropy(logits, target, weight, options)


@functools.lru_cache(256)
def _options(axis: int, ndim: int, ignore_index: int, label_smoothing: float, reduction: str) -> Options:
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"label_smoothing must be between 0 and 1, got {label_smoothing!r}")
    return Options(normal_axis(axis, ndim), int(ignore_index), float(label_smoothing), reduction)


def _class_weights(weight: Any, logits: Tensor) -> Tensor:
    weight = tensor_of(weight)
    if weight.requires_grad:
        message = "class weights have no derivative: detach them"
        raise complain(GradientError, "softmax_cross_entropy", message, [weight], ["weight"])
    if weight.dtype == logits.dtype:
        return weight  # type: ignore[no-any-return]
    return TENSORS.astype(weight, dtype=logits.dtype)  # type: ignore[no-any-return]


def _soft_cross_entropy(logits: Tensor, target: Tensor, weight: Any, options: Options) -> Tensor:
    """Against probabilities, which have a derivative too: a composition."""
    axis, _, smoothing, reduction = options
    if not is_floating(target.dtype) or target.shape != logits.shape:
        raise complain(
            ShapeError if is_floating(target.dtype) else DTypeError,
            "softmax_cross_entropy",
            f"target must be integers of shape {list(_without_axis(logits.shape, axis))} (class labels) or floating of "
            f"shape {list(logits.shape)} (probabilities), got {target.dtype}{list(target.shape)}",
            [logits, target],
            ["logits", "target"],
        )
    classes = logits.shape[axis]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    terms = target * FUNCTIONS["log_softmax"](logits, axis=axis)
    if weight is not None:
        terms = terms * TENSORS.reshape(weight, shape=(classes,) + (1,) * (logits.ndim - 1 - axis))
    return reduce_loss(-TENSORS.sum(terms, axis=(axis,), keepdims=False), reduction)


def reduce_loss(losses: Tensor, reduction: str) -> Tensor:
    """The mean, the sum, or the losses as they are. Raises ArgumentError for another ``reduction``."""
    if reduction == "none":
        return losses
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    reduced = TENSORS.mean if reduction == "mean" else TENSORS.sum
    return reduced(losses, axis=tuple(range(losses.ndim)), keepdims=False)  # type: ignore[no-any-return]


# Binary cross-entropy.


def _arrays(m: Any, x: Any, z: Any) -> tuple[Any, Any]:
    """Both as arrays: a number beside an array takes its dtype, before a function makes a double of it."""
    if not hasattr(x, "dtype"):
        return m.xp.asarray(x, dtype=z.dtype), z
    return x, z if hasattr(z, "dtype") else m.xp.asarray(z, dtype=x.dtype)


def _logits_body(m: Any, x: Any, z: Any) -> Any:
    x, z = _arrays(m, x, z)
    return (1 - z) * x + m.maximum(-x, 0) + m.log1p(m.exp(-m.abs(x)))


binary_cross_entropy_with_logits = elementwise(
    "binary_cross_entropy_with_logits",
    """``-z log s(x) - (1 - z) log(1 - s(x))`` for the sigmoid ``s``: the loss of a yes-or-no answer, by element.

    ``x`` are scores, ``z`` targets from 0 to 1; their shapes broadcast, integers become floating. Computed without
    overflow from ``(1 - z) x + log(1 + exp(-x))``. Both have derivatives.

    >>> import tensorgrad as tg
    >>> tg.binary_cross_entropy_with_logits(tg.tensor([0.0, 1000.0]), tg.tensor([1.0, 1.0]))
    tensor([0.6931472, 0.       ])
    """,
    kind="float",
    body=_logits_body,
    x=lambda m, g, x, z: g * (m.sigmoid(x) - z),
    z=lambda m, g, x: -g * x,
)


def _log_from(m: Any, x: Any) -> Any:
    """``log(x)``, never below -100: as PyTorch, so that a loss of certainty gone wrong stays finite."""
    nothing = x <= 0
    return m.where(nothing, -100.0, m.maximum(m.log(m.where(nothing, 1, x)), -100.0))


def _probabilities_body(m: Any, x: Any, z: Any) -> Any:
    x, z = _arrays(m, x, z)
    return -(z * _log_from(m, x) + (1 - z) * _log_from(m, 1 - x))


FLAT = float(np.float32(1e-12))
"""The least ``x (1 - x)`` that counts in the derivative: PyTorch's, a number of single precision."""

binary_cross_entropy = elementwise(
    "binary_cross_entropy",
    """``-z log x - (1 - z) log(1 - x)`` for probabilities ``x``, element by element.

    Logarithms count as -100 below that, so the loss is finite at 0 and 1, where its derivative is that of the nearest
    ``x`` with ``x (1 - x) = 1e-12``. ``binary_cross_entropy_with_logits`` is faster and more exact.

    >>> import tensorgrad as tg
    >>> tg.binary_cross_entropy(tg.tensor([0.5, 0.0]), tg.tensor([1.0, 1.0]))
    tensor([  0.6931472, 100.       ])
    """,
    kind="float",
    body=_probabilities_body,
    x=lambda m, g, x, z: g * (x - z) / m.maximum(x * (1 - x), FLAT),
    z=lambda m, g, x: g * (_log_from(m, 1 - x) - _log_from(m, x)),
)
