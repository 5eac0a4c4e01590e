"""From settings to data that is ready to train on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..datasets import DataError, Labelled, load_digits, read
from .scaling import Scaling
from .settings import Settings

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """What to train and to test on, and how inputs are scaled. ``apart`` says that the test data was not split off."""

    training: Labelled
    test: Labelled
    scaling: Scaling
    apart: bool

    @property
    def features(self) -> int:
        """Numbers per observation."""
        return int(np.prod(self.training.inputs.shape[1:]))

    def fingerprint(self) -> str:
        """Tells whether two runs see the same data."""
        return f"{self.training.fingerprint()}-{self.test.fingerprint()}"


def prepare(settings: Settings) -> Prepared:
    """Read, split, check and measure the data.

    Which observations are held out depends on the data alone, so that runs with different seeds can be compared.
    Raises DataError for files that cannot be read, test data that does not fit, or labels that are no classes.
    """
    if settings.data:
        training, test = read(settings.data, settings.label, settings.keys)
    else:
        training, test = load_digits(), None
    if settings.test:
        test, _ = read(settings.test, settings.label, settings.keys)
    _check_classes(training)
    apart = test is not None
    if test is None:
        training, test = training.split(settings.held_out)
    else:
        test = _fitting(test, training)
    return Prepared(training, test, Scaling.fit(training.inputs, settings.normalize), apart)


def _check_classes(data: Labelled) -> None:
    if len(data.classes) < 2:
        raise DataError(
            f"{data.source}: expected two or more classes, got only {data.classes[0]!r} in all {len(data)} rows; "
            "are the labels in another column?"
        )
    if len(data.classes) == len(data) and len(data) > 10:
        raise DataError(
            f"{data.source}: expected observations that share classes, got {len(data)} rows of {len(data)} classes; "
            "are the labels in another column?"
        )


def _fitting(test: Labelled, training: Labelled) -> Labelled:
    shapes = [data.inputs.shape[1:] for data in (training, test)]
    if shapes[0] != shapes[1]:
        sizes = [" x ".join(map(str, shape)) for shape in shapes]
        raise DataError(f"{test.source}: expected inputs of {sizes[0]} numbers as in {training.source}, got {sizes[1]}")
    return test.with_classes(training.classes)
