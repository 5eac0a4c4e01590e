"""Softmax cross-entropy in its common case: labels, equal weights, one number as the result.

The derivative is computed on the way forward, in the memory that the softmax needs anyway; backward scales it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.node import Info
from ..define import op
from ..paths import fixed_path
from .labels import BLOCK, Options, check_labels, label_info, safe_labels

__all__ = ["plain_cross_entropy", "row_losses"]


def _plain_infer(params: dict[str, Any], logits: Info, target: Info) -> tuple[Info, Info]:
    label_info(logits, target, None, params["options"].axis)
    return Info((), logits.dtype), Info(logits.shape, logits.dtype)


def _plain_body(m: Any, logits: Any, target: Any, options: Options) -> Any:
    axis, ignore_index, _, reduction = options
    last = axis == logits.ndim - 1
    if not last or target.shape != logits.shape[:-1] or target.dtype.kind not in "iu":
        label_info(logits, target, None, axis)
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
    safe = safe_labels(m, labels, classes)
    losses = row_losses(m, z, safe, None, 0.0, p)
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
plain_cross_entropy = fixed_path(_plain.op, first_only=True)


def row_losses(m: Any, z: Any, labels: Any, weight: Any, smoothing: float, p: Any) -> Any:
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
