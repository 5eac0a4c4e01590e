"""Inputs with a class each: what every reader returns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import TensorgradError

__all__ = ["Array", "DataError", "Labelled", "encode_labels", "quoted"]

Array = np.ndarray[Any, Any]


class DataError(TensorgradError, ValueError):
    """A data file is missing, unreadable or malformed. The message names the file and the place."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Inputs and the class of each. Unpacks into ``inputs, labels``.

    Attributes:
        inputs: real array of shape ``(n, *features)``, n >= 1, all finite.
        labels: int64 array of shape ``(n,)``: indices into ``classes``.
        classes: the classes' names, in the order of their indices.
        source: what to call this data in messages.

    >>> from tensorgrad.datasets import load_digits
    >>> images, labels = load_digits()
    >>> images.shape, labels.shape
    ((1797, 8, 8), (1797,))
    """

    inputs: Array
    labels: Array
    classes: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels):
            counts = f"{len(self.inputs)} inputs and {len(self.labels)} labels"
            raise DataError(f"{self.source}: expected one label per input, got {counts}")

    def __iter__(self) -> Iterator[Array]:
        return iter((self.inputs, self.labels))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Array) -> Labelled:
        """The observations at these places, in this order."""
        return replace(self, inputs=self.inputs[indices], labels=self.labels[indices])

    def split(self, held_out: float, seed: int = 0) -> tuple[Labelled, Labelled]:
        """A random part to train on and the rest, held out, with the classes in equal proportion in both.

        Parameters:
            held_out: the share to hold out, between 0 and 1. Each class gives this share, rounded, but keeps at least
                one observation to train on.
            seed: which split; the same on every machine and with every version of NumPy.

        Raises DataError where ``held_out`` is no share, or too small to hold out anything.

        >>> from tensorgrad.datasets import load_digits
        >>> training, held_out = load_digits().split(0.2)
        >>> len(training), len(held_out)
        (1438, 359)
        """
        if not 0.0 < held_out < 1.0:
            raise DataError(f"{self.source}: expected a share between 0 and 1 to hold out, got {held_out}")
        # Raw Philox words are the same everywhere; the order of equal words cannot matter (they do not occur).
        order = np.argsort(np.random.Philox(key=seed).random_raw(len(self)), kind="stable")
        labels = self.labels[order]
        chosen = np.zeros(len(self), dtype=bool)
        for label in range(len(self.classes)):
            members = order[labels == label]
            chosen[members[: min(round(len(members) * held_out), max(len(members) - 1, 0))]] = True
        if not chosen.any():
            raise DataError(f"{self.source}: holding out {held_out:g} of {len(self)} rows leaves none to test on")
        return self.take(np.flatnonzero(~chosen)), self.take(np.flatnonzero(chosen))

    def with_classes(self, classes: Sequence[str]) -> Labelled:
        """The same data with labels counted in another list of classes, such as the training data's.

        Raises DataError for a class that is not in the list.

        >>> from tensorgrad.datasets import load_digits
        >>> load_digits().with_classes("9876543210").labels[:4]
        array([9, 8, 7, 6])
        """
        index = {name: i for i, name in enumerate(classes)}
        unknown = [name for name in self.classes if name not in index]
        if unknown:
            row = int(np.flatnonzero(self.labels == self.classes.index(unknown[0]))[0])
            raise DataError(
                f"{self.source}: observation {row} has class {unknown[0]!r}, which the training data does not have "
                f"(its classes: {quoted(classes)})"
            )
        table = np.array([index[name] for name in self.classes], dtype=np.int64)
        return replace(self, labels=table[self.labels], classes=tuple(classes))

    def fingerprint(self) -> str:
        """A hash of the inputs, labels and classes, to tell whether data is still the same."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.labels):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update("\0".join(self.classes).encode())
        return digest.hexdigest()


def encode_labels(values: Array, source: str) -> tuple[Array, tuple[str, ...]]:
    """Labels as indices into their sorted distinct values, and those values' names.

    ``values`` is one-dimensional (a trailing axis of length 1 is dropped): integers, floats that are whole, booleans
    or strings. Raises DataError for anything else, naming the first place.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"{source}: expected one label per observation, so one dimension, got shape {values.shape}")
    if values.dtype.kind == "f":
        whole = (np.abs(values) < 2.0**63) & (values == np.floor(values))
        if not whole.all():
            row = int(np.argmin(whole))
            raise DataError(f"{source}: expected whole numbers as class labels, got {values[row]!s} in row {row}")
        values = values.astype(np.int64)
    elif values.dtype.kind not in "iubUS":
        raise DataError(f"{source}: expected integers or strings as class labels, got dtype {values.dtype}")
    distinct, labels = np.unique(values, return_inverse=True)
    names = (name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in distinct.tolist())
    return labels.astype(np.int64), tuple(names)


def quoted(names: Sequence[str], limit: int = 12) -> str:
    """A list of names for a message, cut short."""
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown}, ... {len(names)} in all"
