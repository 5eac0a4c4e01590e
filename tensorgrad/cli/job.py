"""What ``tensorgrad train`` does once its options are clear."""

from __future__ import annotations

import dataclasses
import datetime
import os
import platform
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from .._version import __version__
from ..backends import Device, available, find, parse_device
from ..training.errors import CheckpointError, Diverged, MissingPackage, SettingsError, require
from ..training.folder import RunFolder
from ..training.metrics import confusion_matrix
from ..training.model import save_model
from ..training.pictures import draw_confusion_matrix, draw_learning_curve
from ..training.prepare import prepare
from ..training.progress import choose_progress
from ..training.session import Session
from ..training.settings import Settings
from ..training.summary import opening_lines, result_lines
from .machine import cpu_name, gpu_name
from .parser import UsageError

__all__ = ["Job", "resume_job", "start_job"]

SAVE_EVERY = 20.0
"""Seconds between checkpoints while training runs."""


class Job:
    """A session with a folder, somebody who watches, and signals that stop it."""

    def __init__(self, session: Session, folder: RunFolder, quiet: bool) -> None:
        self.session = session
        self.folder = folder
        self.quiet = quiet
        self.can_save = _missing("safetensors") is None
        self._stopped_by = 0
        self._saved = time.monotonic()

    def run(self, pictures: bool) -> int:
        """Train to the end or until a signal; returns the exit code."""
        progress, note = choose_progress(self.quiet)
        self._open([note] if note else [], pictures)
        try:
            with self._signals():
                finished = self.session.run(self._between_steps, progress)
        except Diverged as error:
            self.folder.write_metrics(self.session.history)
            print(f"tensorgrad: error: {error}", file=sys.stderr)
            return 1
        self._save()
        return self._close(pictures) if finished else self._interrupted()

    def _between_steps(self) -> bool:
        if time.monotonic() - self._saved > SAVE_EVERY:
            self._save()
        return self._stopped_by != 0

    def _save(self) -> None:
        if self.can_save:
            self.folder.save({**self.session.state_dict(), "directory": os.getcwd()}, self.session.history)
        else:
            self.folder.write_metrics(self.session.history)
        self._saved = time.monotonic()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first Ctrl-C, or a request to terminate, lets the current step finish; a second one does not."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def handle(number: int, frame: FrameType | None) -> None:
            self._stopped_by = number
            signal.signal(number, before[number] or signal.SIG_DFL)

        for number in before:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

    def _open(self, notes: list[str], pictures: bool) -> None:
        session = self.session
        for package, loss in (("safetensors", "neither model nor checkpoint is saved"), ("matplotlib", "no pictures")):
            if (missing := _missing(package)) and (pictures or package != "matplotlib"):
                notes.append(f"{loss}: {missing}")
        if self.quiet:
            return
        print(f"tensorgrad {__version__}")
        device = _describe(session.device)
        for line in opening_lines(session.settings, session.data, session.sizes, session.parameters, device):
            print(line)
        if session.step:
            print(f"  {'resumed':<10}after {session.step:,} of {session.steps:,} steps")
        for note in notes:
            print(f"  {'note':<10}{note}")
        print(flush=True)

    def _close(self, pictures: bool) -> int:
        session = self.session
        _, predictions = session.test()
        if self.can_save:
            save_model(self.folder.model, session.classifier, session.sizes, session.settings)
        if pictures and _missing("matplotlib") is None:
            self._draw(predictions)
        if self.quiet:
            print(self.folder.path)
            return 0
        for line in result_lines(session.history, session.data, predictions, session.seconds):
            print(line)
        print()
        for line in self._files():
            print(line)
        return 0

    def _draw(self, predictions: np.ndarray[Any, Any]) -> None:
        from ..training.files import write_atomically

        session = self.session
        data = session.data
        matrix = confusion_matrix(data.test.labels, predictions, len(data.training.classes))
        right, count = int(np.trace(matrix)), len(data.test)
        share = f"{100 * right / count:.2f} % of {count:,} held-out observations right"
        title = f"{Path(data.training.source).name}: {share}"
        write_atomically(self.folder.learning_curve, draw_learning_curve(session.history, title))
        write_atomically(self.folder.confusion_matrix, draw_confusion_matrix(matrix, data.training.classes, title))

    def _files(self) -> list[str]:
        folder = self.folder
        what = {
            folder.model: "the trained network",
            folder.learning_curve: "loss and accuracy by epoch",
            folder.confusion_matrix: "what was taken for what",
            folder.metrics: "the same numbers as a table",
            folder.config: "settings and versions",
            folder.checkpoint: "all that resuming needs",
        }
        lines = [f"  {folder.path}{os.sep}"]
        lines += [f"    {path.name:<24}{text}" for path, text in what.items() if path.exists()]
        if self.can_save:
            longer = f"--resume {_shell(folder.path)} --epochs {2 * self.session.settings.epochs}"
            lines += ["", f"  Train longer: tensorgrad train {longer}"]
        return lines

    def _interrupted(self) -> int:
        session = self.session
        if self.quiet:
            print(self.folder.path)
        elif self.can_save:
            print(f"Stopped after {session.step:,} of {session.steps:,} steps. Everything is saved; go on with")
            print(f"  tensorgrad train --resume {_shell(self.folder.path)}")
        else:
            print(f"Stopped after {session.step:,} of {session.steps:,} steps. Nothing is saved without safetensors.")
        return 128 + self._stopped_by


def start_job(settings: Settings, out: Path, quiet: bool) -> Job:
    """A new run. Nothing is written before data, device and model are known to be good."""
    session = Session(settings, prepare(settings), choose_device(settings.device))
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out: {out}: expected a directory, got a file")
    folder = RunFolder.create(out)
    folder.write_config(_config(session))
    return Job(session, folder, quiet)


def resume_job(path: Path, changes: dict[str, Any], quiet: bool) -> Job:
    """The run in a folder, where it was left; ``changes`` may hold ``epochs`` and ``device``."""
    folder = RunFolder.existing(path)
    state = folder.load()
    try:
        settings = dataclasses.replace(Settings.from_json(state["settings"]), **changes)
        # Relative paths were meant from where the run was started.
        data, test = (
            tuple(os.path.relpath(os.path.join(state["directory"], file)) for file in files)
            for files in (settings.data, settings.test)
        )
        settings = dataclasses.replace(settings, data=data, test=test)
        done = len(state["history"])
    except SettingsError as error:
        raise UsageError(f"--{error.setting.replace('_', '-')}: {error}") from None
    except KeyError as error:
        raise CheckpointError(f"{folder.checkpoint}: holds no training run: it lacks {error}") from None
    if settings.epochs < done:
        raise UsageError(f"--epochs: the run has {done} epochs behind it already, got {settings.epochs}")
    session = Session(settings, prepare(settings), choose_device(settings.device))
    try:
        session.load_state_dict(state)
    except (CheckpointError, KeyError) as error:
        raise CheckpointError(f"{folder.checkpoint}: {error}") from None
    return Job(session, folder, quiet)


def choose_device(name: str) -> Device:
    """The device of that name, or the best there is for ``auto``. Raises UsageError where it cannot be used."""
    if name == "auto":
        return find("cuda").devices()[0] if available().get("cuda") else parse_device("cpu")
    device = parse_device(name)
    backend = find(device.kind)
    devices = backend.devices()
    if device.kind == "shapes":
        raise UsageError("--device: shapes holds no values to train on")
    if device not in devices:
        there = ", ".join(map(str, devices)) or "none"
        advice = backend.advice()
        raise UsageError(f"--device: {device} cannot be used here (there: {there})" + (f"; {advice}" if advice else ""))
    return device


def _config(session: Session) -> dict[str, Any]:
    data = session.data
    return {
        "tensorgrad": __version__,
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "settings": session.settings.to_json(),
        "learning_rate": session.settings.learning_rate,
        "data": {
            "source": data.training.source,
            "training": len(data.training),
            "test": len(data.test),
            "classes": data.training.classes,
            "scaling": data.scaling.kind,
            "fingerprint": data.fingerprint(),
        },
        "network": {"sizes": session.sizes, "parameters": session.parameters},
        "device": str(session.device),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
    }


def _describe(device: Device) -> str:
    if device.kind == "cuda":
        return f"{device}: {gpu_name(device.index)}"
    return f"{device}: {cpu_name()}, NumPy {np.__version__}"


def _missing(package: str) -> str | None:
    try:
        require(package)
    except MissingPackage as error:
        return str(error)
    return None


def _shell(path: Path) -> str:
    return shlex.quote(os.fspath(path))
