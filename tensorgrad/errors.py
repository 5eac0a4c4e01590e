"""The exceptions. Each is also the builtin a NumPy user would expect, so existing ``except`` clauses keep working."""

from __future__ import annotations

__all__ = [
    "AmbiguousError",
    "ArgumentError",
    "AxisError",
    "CaptureError",
    "DTypeError",
    "DeviceError",
    "GradientError",
    "InPlaceError",
    "IndexingError",
    "LabelError",
    "NaNError",
    "ShapeError",
    "StateDictError",
    "TensorgradError",
    "UnknownShapeError",
]


class TensorgradError(Exception):
    """Base of every error raised by tensorgrad itself."""


class ShapeError(TensorgradError, ValueError):
    """Operand shapes do not fit the operation."""


class ArgumentError(TensorgradError, ValueError):
    """An option has a value that it cannot have."""


class AxisError(ShapeError, IndexError):
    """An axis is outside the operand's dimensions, or named twice."""


class IndexingError(TensorgradError, IndexError):
    """An index does not fit the tensor it is applied to."""


class DTypeError(TensorgradError, TypeError):
    """Operand types do not fit the operation."""


class UnknownShapeError(DTypeError):
    """A result's shape depends on values, and cannot be told without them."""


class DeviceError(TensorgradError, RuntimeError):
    """Operands live on different devices, or a device is not available."""


class GradientError(TensorgradError, RuntimeError):
    """A derivative cannot be taken as asked."""


class InPlaceError(GradientError):
    """A write is not allowed, or destroyed a value that the backward pass needs."""


class AmbiguousError(TensorgradError, TypeError):
    """NumPy and PyTorch mean different things by a call."""


class LabelError(TensorgradError, IndexError):
    """A class label is outside the number of classes."""


class StateDictError(TensorgradError, RuntimeError):
    """A saved state does not fit the module, optimizer or scheduler that should take it."""


class NaNError(TensorgradError, FloatingPointError):
    """A NaN appeared while ``detect_nan`` was on."""


class CaptureError(TensorgradError, RuntimeError):
    """A program cannot be captured, or a tape cannot be replayed as asked."""
