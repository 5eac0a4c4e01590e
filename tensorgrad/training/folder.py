"""The folder that a training run leaves behind."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .checkpoint import load_checkpoint, save_checkpoint
from .errors import CheckpointError
from .files import write_atomically

__all__ = ["COLUMNS", "RunFolder"]

COLUMNS = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate", "seconds")


class RunFolder:
    """A directory with fixed names in it; every file is written atomically.

    ``config.json`` settings and surroundings, ``metrics.csv`` a line per epoch, ``learning_curve.png``,
    ``confusion_matrix.png``, ``model.safetensors``, ``checkpoint.safetensors`` all that resuming needs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.csv"
        self.learning_curve = path / "learning_curve.png"
        self.confusion_matrix = path / "confusion_matrix.png"
        self.model = path / "model.safetensors"
        self.checkpoint = path / "checkpoint.safetensors"

    @classmethod
    def create(cls, parent: Path, now: datetime.datetime | None = None) -> RunFolder:
        """A new folder under ``parent``, named after the time; with a number where the name is taken.

        Raises OSError where it cannot be made.
        """
        name = f"{now or datetime.datetime.now():%Y%m%d-%H%M%S}"
        parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1000):
            path = parent / (name if attempt == 1 else f"{name}-{attempt}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return cls(path)
        raise FileExistsError(f"{parent / name}: exists, with a thousand others of that name")

    @classmethod
    def existing(cls, path: Path) -> RunFolder:
        """The folder of an earlier run, given as itself or as its checkpoint.

        Raises CheckpointError where there is nothing to resume.
        """
        folder = path.parent if path.is_file() and path.name == "checkpoint.safetensors" else path
        run = cls(folder)
        if run.checkpoint.is_file():
            return run
        if not folder.exists():
            raise CheckpointError(f"{folder}: no such run")
        if not folder.is_dir():
            raise CheckpointError(f"{folder}: expected the folder of a run, got a file")
        raise CheckpointError(f"{folder}: nothing to resume: there is no {run.checkpoint.name}")

    def write_config(self, values: Mapping[str, Any]) -> None:
        """Settings and surroundings, for people."""
        write_atomically(self.config, json.dumps(values, indent=2, ensure_ascii=False) + "\n")

    def write_metrics(self, history: Sequence[Mapping[str, Any]]) -> None:
        """A line per epoch. Numbers are written so that they read back exactly."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: row[name] for name in COLUMNS} for row in history)
        write_atomically(self.metrics, text.getvalue())

    def save(self, state: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> None:
        """The checkpoint, and metrics as of it."""
        save_checkpoint(self.checkpoint, state)
        self.write_metrics(history)

    def load(self) -> dict[str, Any]:
        """The checkpoint. Raises CheckpointError."""
        state = load_checkpoint(self.checkpoint)
        if not isinstance(state, dict):
            raise CheckpointError(f"{self.checkpoint}: expected the state of a run, got a {type(state).__name__}")
        return state
