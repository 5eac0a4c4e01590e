"""Networks, optimizers and schedules from settings, and trained models on disk."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, optim
from ..core.generator import get_rng_state, set_rng_state
from ..core.tensor import Tensor
from ..modes import no_grad
from .errors import CheckpointError, require
from .files import write_atomically
from .scaling import Scaling
from .settings import Settings

__all__ = ["Classifier", "build_model", "build_optimizer", "load_model", "save_model", "schedule"]

FORMAT = "tensorgrad.classifier/1"
LAYERS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}

Array = np.ndarray[Any, Any]


def build_model(sizes: tuple[int, ...], activation: str, dropout: float = 0.0) -> nn.Sequential:
    """A multi-layer perceptron: ``sizes`` from the inputs to the classes; logits come out.

    >>> [type(layer).__name__ for layer in build_model((64, 32, 10), "sigmoid")]
    ['Linear', 'Sigmoid', 'Linear']
    """
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(fan_in, fan_out), LAYERS[activation]()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def build_optimizer(model: nn.Module, settings: Settings) -> optim.Optimizer:
    """The optimizer that the settings name."""
    common: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    match settings.optimizer:
        case "adam":
            return optim.Adam(model.parameters(), **common)
        case "adamw":
            return optim.AdamW(model.parameters(), **common)
        case "momentum":
            return optim.SGD(model.parameters(), momentum=settings.momentum, **common)
        case _:
            return optim.SGD(model.parameters(), **common)


def schedule(name: str, steps: int) -> Callable[[int], float]:
    """The factor on the learning rate by step, over ``steps`` steps in all.

    >>> [round(schedule("cosine", 4)(step), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    match name:
        case "cosine":
            return lambda step: 0.5 * (1.0 + math.cos(math.pi * min(step / steps, 1.0)))
        case "linear":
            return lambda step: max(1.0 - step / steps, 0.0)
        case "step":
            return lambda step: 0.1 ** ((2 * step >= steps) + (4 * step >= 3 * steps))
        case _:
            return lambda step: 1.0


@dataclass(frozen=True)
class Classifier:
    """A trained model with what it needs to be used: how to scale inputs, and the classes' names."""

    model: nn.Module
    scaling: Scaling
    classes: tuple[str, ...]

    def logits(self, inputs: Array) -> Array:
        """Scores of shape ``(observations, classes)`` for raw inputs, as they were in the data file."""
        device = next(iter(self.model.parameters())).device
        self.model.eval()
        with no_grad():
            return np.array(self.model(Tensor(self.scaling(np.asarray(inputs))).to(device)).numpy())

    def predict(self, inputs: Array) -> list[str]:
        """The most likely class of each observation."""
        return [self.classes[i] for i in self.logits(inputs).argmax(axis=1)]


def save_model(path: Path, classifier: Classifier, sizes: tuple[int, ...], settings: Settings) -> None:
    """Write a model as safetensors: its ``state_dict`` under PyTorch's keys, the rest as JSON in the header.

    Raises MissingPackage without safetensors, OSError.
    """
    require("safetensors")
    from safetensors.numpy import save

    tensors = {name: np.array(value.numpy()) for name, value in classifier.model.state_dict().items()}
    about = {
        "sizes": sizes,
        "activation": settings.activation,
        "dropout": settings.dropout,
        "scaling": classifier.scaling.to_json(),
        "classes": classifier.classes,
    }
    # One entry only: the library writes several in no fixed order, and equal models shall give equal files.
    write_atomically(path, save(tensors, {FORMAT: json.dumps(about)}))


def load_model(path: str | os.PathLike[str]) -> Classifier:
    """The model that ``tensorgrad train`` left in a run's folder (or the file itself), on the CPU.

    Raises CheckpointError where it is missing, damaged, or something else; MissingPackage without safetensors.
    """
    require("safetensors")
    from safetensors import SafetensorError, safe_open

    file = Path(path) / "model.safetensors" if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise CheckpointError(f"{file}: no such file")
    try:
        with safe_open(os.fspath(file), framework="numpy") as content:
            metadata: Mapping[str, str] = content.metadata() or {}
            tensors = {name: Tensor(content.get_tensor(name)) for name in content.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, KeyError) as error:
        raise CheckpointError(f"{file}: damaged, or no safetensors file ({error})") from None
    if FORMAT not in metadata:
        raise CheckpointError(f"{file}: expected format {FORMAT}, got {' and '.join(metadata) or 'something else'}")
    about = json.loads(metadata[FORMAT])
    before = get_rng_state()
    model = build_model(tuple(about["sizes"]), about["activation"], about["dropout"])
    set_rng_state(before)  # the initial weights, thrown away at once, cost nobody random numbers
    model.load_state_dict(tensors)
    model.eval()
    return Classifier(model, Scaling.from_json(about["scaling"]), tuple(about["classes"]))
