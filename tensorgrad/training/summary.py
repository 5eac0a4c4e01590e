"""What a run was and how it came out, in lines for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .metrics import confusion_matrix, most_confused
from .prepare import Prepared
from .settings import Settings

__all__ = ["opening_lines", "result_lines"]

NAMES = {"sgd": "SGD", "momentum": "SGD with momentum", "adam": "Adam", "adamw": "AdamW"}
Array = np.ndarray[Any, Any]


def opening_lines(
    settings: Settings, data: Prepared, sizes: tuple[int, ...], parameters: int, device: str
) -> list[str]:
    """What is about to be trained, on what, where."""
    shape = "x".join(map(str, data.training.inputs.shape[1:]))
    test = f"to test on from {data.test.source}" if data.apart else "held out"
    network = "-".join(map(str, sizes)) + (f" {settings.activation}" if settings.hidden else " linear")
    drop = f", dropout {settings.dropout:g}" if settings.dropout and settings.hidden else ""
    falls = "" if settings.schedule == "constant" else f" ({settings.schedule})"
    rate = f"learning rate {settings.learning_rate:g}{falls}"
    extra = f", weight decay {settings.weight_decay:g}" if settings.weight_decay else ""
    extra += f", label smoothing {settings.label_smoothing:g}" if settings.label_smoothing else ""
    rows = {
        "data": f"{data.training.source}: {len(data.training.classes)} classes, inputs {shape}\n"
        f"{len(data.training):,} to train on, {len(data.test):,} {test}",
        "network": f"{network}, {parameters:,} parameters{drop}",
        "training": f"{NAMES[settings.optimizer]}, {rate}, batches of {settings.batch}{extra}, "
        f"{_count(settings.epochs, 'epoch')}, seed {settings.seed}",
        "device": device,
    }
    return _table(rows)


def result_lines(history: Sequence[Mapping[str, Any]], data: Prepared, predictions: Array, seconds: float) -> list[str]:
    """How it came out: accuracy, what is hardest, how long it took."""
    last = history[-1]
    labels, classes = data.test.labels, data.training.classes
    right = int((predictions == labels).sum())
    matrix = confusion_matrix(labels, predictions, len(classes))
    seen = len(history) * len(data.training)
    rows = {
        "accuracy": f"{100 * right / len(labels):.2f} % on held-out data ({right:,} of {len(labels):,}), "
        f"{100 * last['train_accuracy']:.2f} % in training",
        "loss": f"{last['test_loss']:.4f} on held-out data, {last['train_loss']:.4f} in training",
    }
    if (mistake := most_confused(matrix)) is not None:
        rows["mistakes"] = _mistakes(matrix, classes, mistake)
    rows["time"] = f"{_duration(seconds)} ({seen / max(seconds, 1e-9):,.0f} observations a second)"
    return _table(rows)


def _mistakes(matrix: Array, classes: tuple[str, ...], mistake: tuple[int, int, int]) -> str:
    totals = matrix.sum(axis=1)
    shares = np.where(totals > 0, np.diag(matrix) / np.maximum(totals, 1), 1.0)
    hardest = int(shares.argmin())
    true, predicted, count = mistake
    return (
        f"hardest class {classes[hardest]} ({100 * shares[hardest]:.1f} % right); "
        f"most common: {classes[true]} taken for {classes[predicted]} ({_count(count, 'time')})"
    )


def _table(rows: Mapping[str, str], width: int = 80) -> list[str]:
    lines = []
    for name, text in rows.items():
        for i, part in enumerate(text.split("\n")):
            lines += textwrap.wrap(
                part,
                width,
                initial_indent=f"  {'' if i else name:<10}",
                subsequent_indent=" " * 12,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
