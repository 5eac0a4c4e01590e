"""How good predictions are, from logits on the host."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor

__all__ = ["Running", "confusion_matrix", "cross_entropy", "most_confused"]

Array = np.ndarray[Any, Any]


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Each row's -log softmax(logits)[label], in float64: shape ``(rows,)``.

    >>> import numpy as np
    >>> cross_entropy(np.zeros((1, 4)), np.array([2])).round(4).tolist()
    [1.3863]
    """
    z = logits.astype(np.float64)
    # A row with an infinity or a NaN has no finite loss; it is for the caller to notice.
    with np.errstate(invalid="ignore"):
        z -= z.max(axis=1, keepdims=True)
        losses: Array = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]
    return losses


def confusion_matrix(labels: Array, predictions: Array, classes: int) -> Array:
    """Counts of shape ``(classes, classes)``: a row per true class, a column per predicted one.

    >>> import numpy as np
    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    counts = np.bincount(labels * classes + predictions, minlength=classes * classes)
    return counts.reshape(classes, classes)


def most_confused(matrix: Array) -> tuple[int, int, int] | None:
    """The true class, the wrong prediction and the count of the most common mistake; None where there are none."""
    mistakes = matrix - np.diag(np.diag(matrix))
    if not mistakes.any():
        return None
    true, predicted = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    return int(true), int(predicted), int(mistakes[true, predicted])


class Running:
    """Loss and accuracy over the batches of an epoch so far.

    Batches wait on their device and are looked at together, so that training need not wait for each. The sums are
    taken batch by batch all the same: how many waited changes no bit of them.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._loss = 0.0
        self._correct = 0
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch in, some time."""
        self._waiting.append((logits.detach(), labels))
        if len(self._waiting) >= 64:
            self.flush()

    def flush(self) -> None:
        """Count in what waits."""
        for logits, labels in self._waiting:
            values, classes = logits.numpy(), labels.numpy()
            self._loss += float(cross_entropy(values, classes).sum())
            self._correct += int((values.argmax(axis=1) == classes).sum())
            self.rows += len(classes)
        self._waiting.clear()

    @property
    def loss(self) -> float:
        """The mean loss per observation."""
        self.flush()
        return self._loss / max(self.rows, 1)

    @property
    def accuracy(self) -> float:
        """The share of right predictions."""
        self.flush()
        return self._correct / max(self.rows, 1)

    def state_dict(self) -> dict[str, Any]:
        """The sums."""
        self.flush()
        return {"rows": self.rows, "loss": self._loss, "correct": self._correct}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue with saved sums."""
        self._waiting.clear()
        self.rows, self._loss, self._correct = state["rows"], state["loss"], state["correct"]
