"""Telling somebody who waits how far training is."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TextIO, final

from .errors import MissingPackage, require

__all__ = ["Bar", "Lines", "Progress", "Silent", "choose_progress"]

REFRESH = 0.5
"""Seconds between looks at the running loss, which makes a GPU wait."""


class Progress(ABC):
    """Is told of every step and every epoch."""

    @abstractmethod
    def begin(self, epochs: int, steps: int, done: int) -> None:
        """Training is about to do ``steps`` steps in ``epochs`` epochs, of which ``done`` steps are done."""

    @abstractmethod
    def step(self, epoch: int, running_loss: Callable[[], float]) -> None:
        """A step of an epoch (from 1) is done."""

    @abstractmethod
    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch is done, with these metrics."""

    @abstractmethod
    def end(self) -> None:
        """No more is to come."""


@final
class Silent(Progress):
    """Says nothing."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        pass

    def step(self, epoch: int, running_loss: Callable[[], float]) -> None:
        pass

    def epoch(self, row: Mapping[str, Any]) -> None:
        pass

    def end(self) -> None:
        pass


@final
class Lines(Progress):
    """A plain line per epoch, at most some thirty of them: for logs and dumb terminals."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._epochs = 0

    def begin(self, epochs: int, steps: int, done: int) -> None:
        self._epochs = epochs

    def step(self, epoch: int, running_loss: Callable[[], float]) -> None:
        pass

    def epoch(self, row: Mapping[str, Any]) -> None:
        every = -(-self._epochs // 30)
        if row["epoch"] % every == 0 or row["epoch"] in (1, self._epochs):
            width = len(str(self._epochs))
            print(
                f"epoch {row['epoch']:{width}}/{self._epochs}   loss {row['train_loss']:.4f}   "
                f"held-out loss {row['test_loss']:.4f}   accuracy {100 * row['test_accuracy']:.2f} %",
                file=self._stream,
                flush=True,
            )

    def end(self) -> None:
        print(file=self._stream, flush=True)


@final
class Bar(Progress):
    """A bar over all steps, with the running loss and the last accuracy. Needs tqdm."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None
        self._epochs = 0
        self._accuracy = ""
        self._looked = 0.0

    def begin(self, epochs: int, steps: int, done: int) -> None:
        from tqdm import tqdm

        self._epochs = epochs
        self._looked = time.monotonic()
        self._bar = tqdm(
            desc=f"epoch {1:{len(str(epochs))}}/{epochs}", total=steps, initial=done, file=self._stream,
            dynamic_ncols=True, leave=False, bar_format="{desc} |{bar}| {percentage:3.0f} % [{remaining} left]",
        )  # fmt: skip

    def step(self, epoch: int, running_loss: Callable[[], float]) -> None:
        self._bar.update(1)
        now = time.monotonic()
        if now - self._looked > REFRESH:
            self._looked = now
            self._describe(epoch, running_loss())

    def epoch(self, row: Mapping[str, Any]) -> None:
        self._accuracy = f", held out {100 * row['test_accuracy']:.1f} %"
        self._describe(row["epoch"], row["train_loss"])

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _describe(self, epoch: int, loss: float) -> None:
        width = len(str(self._epochs))
        text = f"epoch {epoch:{width}}/{self._epochs}: loss {loss:.4f}{self._accuracy}"
        self._bar.set_description_str(text, refresh=False)


def choose_progress(quiet: bool) -> tuple[Progress, str | None]:
    """What suits the terminal, and a line about what would be better, or None."""
    if quiet:
        return Silent(), None
    if not sys.stderr.isatty():
        return Lines(sys.stdout), None
    try:
        require("tqdm")
    except MissingPackage as missing:
        return Lines(sys.stdout), f"no progress bar: {missing}"
    return Bar(sys.stderr), None
