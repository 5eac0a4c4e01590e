"""Class labels: checked, looked up, counted; and how losses over observations are gathered."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import op
from ..errors import ArgumentError, DTypeError, LabelError, ShapeError
from ..op import TENSORS
from .nn import check_indices

__all__ = [
    "BLOCK",
    "REDUCTIONS",
    "Options",
    "check_labels",
    "label_info",
    "label_weights",
    "pick_class",
    "reduce_loss",
    "safe_labels",
    "without_axis",
]

REDUCTIONS = ("mean", "sum", "none")
BLOCK = 1 << 15
"""Elements worked on at once, so that the passes over them find them in the cache."""


class Options(NamedTuple):
    """How labels are read and losses gathered: one constant, so that a call stays short."""

    axis: int
    ignore_index: int = -100
    label_smoothing: float = 0.0
    reduction: str = "mean"


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


def safe_labels(m: Any, labels: Any, classes: int) -> Any:
    return m.where((labels >= 0) & (labels < classes), labels, 0)


def without_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def label_info(x: Info, target: Info, weight: Any, axis: int) -> None:
    """Check the shapes of logits, labels and class weights against each other."""
    wanted = without_axis(x.shape, axis)
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
    label_info(x, target, None, params["axis"])
    return Info(target.shape, x.dtype)


def _pick_body(m: Any, x: Any, target: Any, axis: int, ignore_index: int) -> Any:
    label_info(x, target, None, axis)
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


def reduce_loss(losses: Tensor, reduction: str) -> Tensor:
    """The mean, the sum, or the losses as they are. Raises ArgumentError for another ``reduction``."""
    if reduction == "none":
        return losses
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    reduced = TENSORS.mean if reduction == "mean" else TENSORS.sum
    return reduced(losses, axis=tuple(range(losses.ndim)), keepdims=False)  # type: ignore[no-any-return]
