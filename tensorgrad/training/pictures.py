"""The learning curve and the confusion matrix as PNG files, legible without colour.

Matplotlib is imported here only, when something is drawn, and through its object interface: no global state, no
window system.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import require

__all__ = ["draw_confusion_matrix", "draw_learning_curve"]

DARK, ACCENT = "#1f3b57", "#c8550f"
MOST_NUMBERS = 26
"""Beyond this many classes a confusion matrix shows shades only."""


def draw_learning_curve(history: Sequence[Mapping[str, Any]], title: str) -> bytes:
    """Loss and error by epoch, in training and on the test data, as PNG.

    ``history`` has a row per epoch with ``epoch, train_loss, test_loss, train_accuracy, test_accuracy``. Raises
    MissingPackage without matplotlib.
    """
    figure = _figure(9.0, 3.8)
    epochs = [row["epoch"] for row in history]
    panels = figure.subplots(1, 2)
    _curves(panels[0], epochs, history, "loss", "loss (cross-entropy, log scale)", lambda value: value)
    _curves(panels[1], epochs, history, "accuracy", "accuracy (%)", lambda value: 100 * value)
    if all(row[key] > 0 for row in history for key in ("train_loss", "test_loss")):
        panels[0].set_yscale("log")
        _plain_log_ticks(panels[0])
    else:
        panels[0].set_ylabel("loss (cross-entropy)")
    worst = min(100 * row[key] for row in history[len(history) // 10 :] for key in ("train_accuracy", "test_accuracy"))
    panels[1].set_ylim(max(0.0, worst - 3.0), 100.5)
    figure.suptitle(title)
    return _png(figure)


def draw_confusion_matrix(matrix: np.ndarray[Any, Any], classes: Sequence[str], title: str) -> bytes:
    """Counts by true and predicted class, as PNG: shades are shares of the true class, mistakes are outlined.

    Raises MissingPackage without matplotlib.
    """
    count = len(classes)
    side = min(max(4.2, 1.9 + 0.42 * count), 11.0)
    figure = _figure(side + 0.9, side)
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Greys", vmin=0.0, vmax=1.0)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label("share of the true class")
    step = -(-count // 40)
    places = list(range(0, count, step))
    names = [_short(classes[place]) for place in places]
    turned = 90 if max(map(len, names)) > 3 else 0
    axes.set_xticks(places, names, rotation=turned)
    axes.set_yticks(places, names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(title)
    if count <= 40:
        axes.set_xticks(np.arange(0.5, count - 1), minor=True)
        axes.set_yticks(np.arange(0.5, count - 1), minor=True)
        axes.grid(which="minor", color="0.85", linewidth=0.6)
        axes.tick_params(which="minor", length=0)
    if count <= MOST_NUMBERS:
        _numbers(axes, matrix, shares)
    return _png(figure)


def _figure(width: float, height: float) -> Any:
    require("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _curves(
    axes: Any, epochs: list[int], history: Sequence[Mapping[str, Any]], key: str, label: str, scale: Any
) -> None:
    from matplotlib.ticker import MaxNLocator

    marked = sorted({*range(0, len(epochs), max(1, len(epochs) // 12)), len(epochs) - 1})
    for part, name, colour, line, marker in (
        ("train", "training", DARK, "--", "o"),
        ("test", "held out", ACCENT, "-", "s"),
    ):
        values = [scale(row[f"{part}_{key}"]) for row in history]
        filled = "white" if part == "train" else colour
        axes.plot(
            epochs, values, line, color=colour, marker=marker, markevery=marked, markerfacecolor=filled, markersize=5,
            linewidth=1.6, label=name,
        )  # fmt: skip
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True, color="0.88")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False)


def _plain_log_ticks(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    wide = high / low > 100
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _numbers(axes: Any, matrix: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> None:
    from matplotlib.patches import Rectangle

    size = 10 if len(matrix) <= 12 else 7
    for row, column in np.ndindex(*matrix.shape):
        number = int(matrix[row, column])
        if not number:
            continue
        wrong = row != column
        colour = "white" if shares[row, column] > 0.5 else "black"
        weight = "bold" if wrong else "normal"
        axes.text(column, row, str(number), ha="center", va="center", color=colour, fontsize=size, fontweight=weight)
        if wrong:
            axes.add_patch(Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False, edgecolor=ACCENT, lw=1.2))


def _short(name: str, limit: int = 16) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # A class name in a script that the font lacks is drawn as boxes; no reason to alarm anybody.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(stream, format="png")
    return stream.getvalue()
