"""Bringing inputs to a scale that a network trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..datasets.labelled import Array

__all__ = ["Scaling"]


@dataclass(frozen=True)
class Scaling:
    """``(inputs - shift) * scale``, flattened to one row per observation, in float32.

    ``shift`` and ``scale`` hold one number per feature, or a single one for all.

    >>> import numpy as np
    >>> scaling = Scaling.fit(np.array([[0, 8], [4, 16]], dtype=np.uint8), "range")
    >>> scaling(np.array([[16, 0]])).tolist()
    [[1.0, 0.0]]
    """

    kind: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def fit(cls, inputs: Array, kind: str = "auto") -> Scaling:
        """The scaling for these inputs.

        ``range`` maps the smallest value of all to 0 and the largest to 1, which suits images; ``standard`` gives
        each feature mean 0 and standard deviation 1, which suits columns of different units; ``none`` leaves inputs
        alone. ``auto`` is ``range`` for integers and for inputs of more than one axis each, else ``standard``.
        A feature that never varies is only shifted.
        """
        if kind == "auto":
            kind = "range" if inputs.dtype.kind in "biu" or inputs.ndim > 2 else "standard"
        if kind == "none":
            return cls(kind, (0.0,), (1.0,))
        if kind == "range":
            low, high = float(inputs.min()), float(inputs.max())
            return cls(kind, (low,), (1.0 / (high - low) if high > low else 1.0,))
        rows = inputs.reshape(len(inputs), -1)
        mean = rows.mean(axis=0, dtype=np.float64)
        deviation = rows.std(axis=0, dtype=np.float64)
        # Rounding leaves a constant column with a tiny deviation.
        varies = deviation > 1e-7 * np.abs(mean)
        scale = np.divide(1.0, deviation, out=np.ones_like(deviation), where=varies)
        return cls(kind, tuple(mean.tolist()), tuple(scale.tolist()))

    def __call__(self, inputs: Array) -> Array:
        """The inputs scaled, of shape ``(observations, features)``."""
        rows = inputs.reshape(len(inputs), -1).astype(np.float32)
        rows -= np.array(self.shift, dtype=np.float32)
        rows *= np.array(self.scale, dtype=np.float32)
        return rows

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"kind": self.kind, "shift": list(self.shift), "scale": list(self.scale)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Scaling:
        """From ``to_json``'s values."""
        return cls(values["kind"], tuple(values["shift"]), tuple(values["scale"]))
