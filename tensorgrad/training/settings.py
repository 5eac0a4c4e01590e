"""Everything that decides the outcome of a training run, checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import SettingsError

__all__ = ["ACTIVATIONS", "LEARNING_RATES", "NORMALIZATIONS", "SCHEDULES", "Settings"]

ACTIVATIONS = ("sigmoid", "tanh", "relu", "gelu")
LEARNING_RATES = {"adam": 0.02, "adamw": 0.02, "momentum": 0.1, "sgd": 0.5}
"""The optimizers and their default learning rates."""
SCHEDULES = ("cosine", "linear", "step", "constant")
NORMALIZATIONS = ("auto", "range", "standard", "none")


@dataclass(frozen=True)
class Settings:
    """What to train on, with what, for how long.

    Attributes:
        data: data files as for ``tensorgrad.datasets.read``; none means the digits that ship in the package.
        test: files to test on; none means a share of the data is held out, or what came with the data.
        held_out: that share.
        label: the label column of a CSV table.
        keys: the arrays' names in a ``.npz`` archive.
        normalize: how inputs are scaled: see ``tensorgrad.training.Scaling``.
        hidden: the sizes of the hidden layers; none means a linear model.
        activation: one of ``ACTIVATIONS``.
        dropout: the share of hidden units dropped in training.
        optimizer: a key of ``LEARNING_RATES``; ``momentum`` is SGD with momentum.
        lr: learning rate; None means the optimizer's default.
        momentum: for ``momentum``.
        weight_decay: as each optimizer defines it.
        label_smoothing: for the loss that is minimised; reported losses are without.
        schedule: one of ``SCHEDULES``: the learning rate falls to 0 along half a cosine or a line, or to a tenth after
            half and a hundredth after three quarters of all steps, or stays.
        epochs, batch, seed: as usual. The seed decides initial weights, order and dropout, not what is held out.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``, the best there is.

    Raises SettingsError, naming the setting, for a value that makes no sense.

    >>> Settings(epochs=3).learning_rate
    0.02
    """

    data: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    held_out: float = 0.2
    label: str | int | None = None
    keys: tuple[str, str] | None = None
    normalize: str = "auto"
    hidden: tuple[int, ...] = (128,)
    activation: str = "sigmoid"
    dropout: float = 0.0
    optimizer: str = "adam"
    lr: float | None = None
    momentum: float = 0.9
    weight_decay: float = 0.0
    label_smoothing: float = 0.1
    schedule: str = "cosine"
    epochs: int = 30
    batch: int = 32
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        self._one_of("normalize", NORMALIZATIONS)
        self._one_of("activation", ACTIVATIONS)
        self._one_of("optimizer", tuple(LEARNING_RATES))
        self._one_of("schedule", SCHEDULES)
        self._number("held_out", 0.0, 1.0, low_open=True, high_open=True)
        self._number("dropout", 0.0, 1.0, high_open=True)
        self._number("momentum", 0.0, 1.0, high_open=True)
        self._number("label_smoothing", 0.0, 1.0, high_open=True)
        self._number("weight_decay", 0.0, math.inf, high_open=True)
        if self.lr is not None:
            self._number("lr", 0.0, math.inf, low_open=True, high_open=True)
        self._count("epochs", 1)
        self._count("batch", 1)
        self._count("seed", 0, (1 << 63) - 1)
        for size in self.hidden:
            if size < 1:
                raise SettingsError("hidden", f"expected layer sizes of at least 1, got {size}")

    @property
    def learning_rate(self) -> float:
        """The learning rate, the optimizer's default where none is set."""
        return LEARNING_RATES[self.optimizer] if self.lr is None else self.lr

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """From ``to_json``'s values. Raises SettingsError for an unknown or a bad one."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise SettingsError(unknown[0], f"unknown setting {unknown[0]!r}")
        arguments: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**arguments)

    def _one_of(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise SettingsError(name, f"expected one of {', '.join(choices)}, got {getattr(self, name)!r}")

    def _number(self, name: str, low: float, high: float, low_open: bool = False, high_open: bool = False) -> None:
        value = getattr(self, name)
        if not (low < value if low_open else low <= value) or not (value < high if high_open else value <= high):
            least = f"above {low:g}" if low_open else f"of at least {low:g}"
            most = "" if high == math.inf else f" and below {high:g}" if high_open else f" and at most {high:g}"
            raise SettingsError(name, f"expected a finite number {least}{most}, got {value:g}")

    def _count(self, name: str, low: int, high: int | None = None) -> None:
        value = getattr(self, name)
        if value < low or (high is not None and value > high):
            most = "" if high is None else f" and at most {high}"
            raise SettingsError(name, f"expected a whole number of at least {low}{most}, got {value}")
