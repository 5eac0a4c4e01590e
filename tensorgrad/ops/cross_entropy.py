"""Softmax cross-entropy, fused: labels or probabilities, class weights, smoothing, any class axis."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..core.node import Info
from ..core.report import complain, failure
from ..core.tensor import Tensor
from ..define import op, public
from ..dtypes import is_floating
from ..errors import ArgumentError, DTypeError, GradientError, ShapeError, TensorgradError
from ..op import FUNCTIONS, TENSORS
from ..paths import fixed_path
from .axes import normal_axis
from .labels import REDUCTIONS, Options, check_labels, label_info, reduce_loss, safe_labels, without_axis
from .plain_cross_entropy import plain_cross_entropy, row_losses
from .reduction import tensor_of

__all__ = ["softmax_cross_entropy"]


def _cross_entropy_infer(params: dict[str, Any], logits: Info, target: Info, weight: Any) -> tuple[Info, Info]:
    options: Options = params["options"]
    label_info(logits, target, weight, options.axis)
    shape = target.shape if options.reduction == "none" else ()
    return Info(shape, logits.dtype), Info(logits.shape, logits.dtype)


def _cross_entropy_body(m: Any, logits: Any, target: Any, weight: Any, options: Options) -> Any:
    axis, ignore_index, smoothing, reduction = options
    last = axis == logits.ndim - 1
    if not last or target.shape != logits.shape[:-1] or target.dtype.kind not in "iu" or weight is not None:
        label_info(logits, target, weight, axis)
    classes = logits.shape[axis]
    plain = check_labels(target, classes, ignore_index)
    z = logits if last else m.xp.moveaxis(logits, axis, -1)
    wide = z.shape
    labels = target
    if z.ndim != 2:
        z, labels = z.reshape((target.size, classes)), target.reshape(-1)
    p = m.xp.empty(z.shape, dtype=z.dtype)
    losses = row_losses(m, z, labels if plain else safe_labels(m, labels, classes), weight, smoothing, p)
    if not plain:
        # What is neither a class nor ignored was refused on the CPU; on a GPU it gives NaN.
        losses = m.where((labels >= 0) & (labels < classes), losses, float("nan"))
        losses = m.where(labels == ignore_index, 0, losses)
    loss = _reduced(m, losses, target, weight, ignore_index, reduction, plain)
    if z.ndim == logits.ndim:
        return loss, p
    p = p.reshape(wide)
    return loss, (p if last else m.xp.ascontiguousarray(m.xp.moveaxis(p, -1, axis)))


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
    """Losses unreduced, on NumPy arrays: one pass, then one number changed per row. None where it does not apply."""
    if options.reduction != "none" or options.axis != p.ndim - 1 or not p.flags.c_contiguous:
        return None
    classes = p.shape[-1]
    if not check_labels(target, classes, options.ignore_index):
        return None
    scale = g_.reshape(target.shape)
    out = p * scale[..., None]
    flat = out.reshape(-1)
    places = np.arange(0, p.size, classes or 1)
    places += target if target.ndim == 1 else target.reshape(-1)
    flat[places] -= scale.reshape(-1)
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
            return plain_cross_entropy(logits, target, options=options)  # type: ignore[no-any-return]
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
            f"target must be integers of shape {list(without_axis(logits.shape, axis))} (class labels) or floating of "
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
