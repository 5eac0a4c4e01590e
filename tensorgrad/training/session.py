"""One training run: its state, its loop, and how it continues as if never interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn
from ..backends.base import Device
from ..core.generator import Generator, get_rng_state, manual_seed, set_rng_state
from ..core.tensor import Tensor
from ..data import DataLoader, TensorDataset
from ..modes import no_grad
from ..optim.lr_scheduler import LambdaLR
from .errors import CheckpointError, Diverged
from .metrics import Running, cross_entropy
from .model import Classifier, build_model, build_optimizer, schedule
from .prepare import Prepared
from .progress import Progress, Silent
from .settings import Settings

__all__ = ["Session"]

CHUNK = 4096
"""Observations tested at once."""

Array = np.ndarray[Any, Any]


class Session:
    """A model in training, on a device, from settings and data.

    ``run`` trains until the last epoch is done or somebody asks to stop; ``state_dict`` then holds everything that
    decides what comes next: model, optimizer, schedule, random numbers, place in the data, sums of the epoch so far.
    A session of equal settings that loads it goes on bit for bit as this one would have.

    Making a session seeds the thread's default generator with the settings' seed.
    """

    def __init__(self, settings: Settings, data: Prepared, device: Device) -> None:
        manual_seed(settings.seed)
        self.settings = settings
        self.data = data
        self.device = device
        self.sizes = (data.features, *settings.hidden, len(data.training.classes))
        self.model = build_model(self.sizes, settings.activation, settings.dropout).to(device)
        self.loss_fn = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
        inputs, labels = self._on_device(data.scaling(data.training.inputs)), self._on_device(data.training.labels)
        dataset = TensorDataset(inputs, labels)
        order = Generator(settings.seed).spawn()  # a stream of its own: dropout does not change the order
        self.loader: DataLoader[Any] = DataLoader(dataset, settings.batch, shuffle=True, generator=order)
        self.test_inputs = self._on_device(data.scaling(data.test.inputs))
        self.steps_per_epoch = len(self.loader)
        self.steps = self.steps_per_epoch * settings.epochs
        self.optimizer = build_optimizer(self.model, settings)
        self.scheduler = LambdaLR(self.optimizer, schedule(settings.schedule, self.steps))
        self.step = 0
        self.seconds = 0.0
        self.running = Running()
        self.history: list[dict[str, Any]] = []

    def _on_device(self, array: Array) -> Tensor:
        placed: Tensor = Tensor(array).to(self.device)
        return placed

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return len(self.history) >= self.settings.epochs

    @property
    def classifier(self) -> Classifier:
        """The model as it is now, ready to be used."""
        return Classifier(self.model, self.data.scaling, self.data.training.classes)

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.size for parameter in self.model.parameters())

    def run(
        self,
        stop: Callable[[], bool] = lambda: False,
        progress: Progress | None = None,
    ) -> bool:
        """Train until all epochs are done, which gives True, or until ``stop()`` after a step says so: False.

        Raises Diverged where the loss stops being finite.
        """
        progress = Silent() if progress is None else progress
        progress.begin(self.settings.epochs, self.steps, self.step)
        try:
            # What overflows shows in the loss, which is looked at; NumPy's warnings would only say it again.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                while not self.finished:
                    if not self._run_epoch(stop, progress):
                        return False
                    progress.epoch(self.history[-1])
        finally:
            progress.end()
        return True

    def _run_epoch(self, stop: Callable[[], bool], progress: Progress) -> bool:
        began = time.perf_counter()
        self.model.train()
        try:
            for inputs, labels in self.loader:
                self._step(inputs, labels)
                progress.step(len(self.history) + 1, lambda: self.running.loss)
                if stop():
                    self.loader.load_state_dict(self.loader.state_dict())  # the next loop goes on from here
                    return False
            loss, predictions = self.test()
        finally:
            self.seconds += time.perf_counter() - began
        self._close_epoch(loss, predictions)
        return True

    def _step(self, inputs: Tensor, labels: Tensor) -> None:
        logits = self.model(inputs)
        loss = self.loss_fn(logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.running.add(logits, labels)
        self.step += 1

    def _close_epoch(self, loss: float, predictions: Array) -> None:
        row = {
            "epoch": len(self.history) + 1,
            "train_loss": self.running.loss,
            "train_accuracy": self.running.accuracy,
            "test_loss": loss,
            "test_accuracy": float((predictions == self.data.test.labels).mean()),
            "learning_rate": float(self.optimizer.param_groups[0]["lr"]),
            "seconds": round(self.seconds, 3),
        }
        if not (math.isfinite(row["train_loss"]) and math.isfinite(loss)):
            raise Diverged(
                f"the loss is no longer finite in epoch {row['epoch']}; a smaller --lr than "
                f"{self.settings.learning_rate:g} may help"
            )
        self.history.append(row)
        self.running = Running()

    def test(self) -> tuple[float, Array]:
        """The mean loss on the test data, and the predicted class of each observation."""
        self.model.eval()
        losses, predictions = [], []
        labels = self.data.test.labels
        with no_grad():
            for start in range(0, len(labels), CHUNK):
                logits = self.model(self.test_inputs[start : start + CHUNK]).numpy()
                losses.append(cross_entropy(logits, labels[start : start + CHUNK]))
                predictions.append(logits.argmax(axis=1))
        self.model.train()
        return float(np.concatenate(losses).mean()), np.concatenate(predictions)

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides how training goes on."""
        return {
            "settings": self.settings.to_json(),
            "data": self.data.fingerprint(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "random": get_rng_state(),
            "loader": self.loader.state_dict(),
            "running": self.running.state_dict(),
            "history": self.history,
            "step": self.step,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state_dict`` was taken. Raises CheckpointError where the data is not the same any more."""
        if state["data"] != self.data.fingerprint():
            raise CheckpointError("the data is not what this run was started with")
        self.model.load_state_dict({name: self._on_device(array) for name, array in state["model"].items()})
        self.optimizer.load_state_dict(self._placed(state["optimizer"]))
        self.scheduler.load_state_dict(state["scheduler"])
        # With more epochs than before, the schedule has been stretched: the saved rate is not the one that is due.
        for group, rate in zip(self.optimizer.param_groups, self.scheduler.get_lr(), strict=True):
            group["lr"] = rate
        self.loader.load_state_dict(state["loader"])
        self.running.load_state_dict(state["running"])
        self.history = [dict(row) for row in state["history"]]
        self.step = state["step"]
        self.seconds = state["seconds"]
        set_rng_state(state["random"])

    def _placed(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return self._on_device(value)
        if isinstance(value, dict):
            return {key: self._placed(item) for key, item in value.items()}
        return [self._placed(item) for item in value] if isinstance(value, list) else value
