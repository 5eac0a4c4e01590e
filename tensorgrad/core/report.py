"""Errors that speak the user's language: the op, what was expected, what came, each operand and where it was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import (
    DTypeError,
    IndexingError,
    ShapeError,
    TensorgradError,
)
from .lines import caller, describe
from .node import Vertex
from .tensor import Tensor

__all__ = ["complain", "describe_operand", "failure", "made_at"]


def made_at(tensor: Tensor) -> str:
    """The user's line that made a tensor."""
    line = tensor._line
    if line is None and tensor._node is not None:
        line = tensor._node.line
    return describe(line)


def describe_operand(x: Any) -> str:
    """``float32[3, 4] on cpu, made at train.py:7, in step: x = ...``, or the repr of what is no tensor."""
    if isinstance(x, Tensor):
        return f"{x.dtype}{list(x.shape)} on {x.device}, made at {made_at(x)}"
    if hasattr(x, "dtype") and hasattr(x, "shape"):
        return f"{x.dtype}{list(x.shape)} ({type(x).__module__} array)"
    text = repr(x)
    return text if len(text) <= 80 else f"{text[:77]}..."


def complain(
    kind: type[TensorgradError], what: str, message: str, operands: Sequence[Any] = (), names: Sequence[str] = ()
) -> TensorgradError:
    """The error to raise: ``what: message``, the operands, and the user's line that called."""
    lines = [f"{what}: {message}"]
    shown = list(operands[:8])
    labels = [*names, *(f"operand {i}" for i in range(len(names), len(shown)))]
    lines += [f"  {label}: {describe_operand(x)}" for label, x in zip(labels, shown, strict=False)]
    if len(operands) > len(shown):
        lines.append(f"  and {len(operands) - len(shown)} more")
    lines.append(f"  at {describe(caller())}")
    return kind("\n".join(lines))


def vertex_line(vertex: Vertex) -> str:
    """The user's line of a vertex of the graph."""
    return describe(vertex.line)


_KINDS: tuple[tuple[type[Exception], type[TensorgradError]], ...] = (
    (IndexError, IndexingError),
    (TypeError, DTypeError),
    (OverflowError, DTypeError),
    (ValueError, ShapeError),
)


def failure(
    name: str, inputs: Sequence[Any], names: Sequence[str], error: Exception, expected: str | None = None
) -> Exception:
    """The user's error for an exception that a backend (or an op's body) raised while computing ``name``."""
    if isinstance(error, TensorgradError):
        if "\n  at " in str(error):
            return error
        return complain(type(error), name, str(error), inputs, names)
    for raised, kind in _KINDS:
        if isinstance(error, raised):
            return complain(kind, name, expected or str(error), inputs, names)
    return error
