"""Errors that speak the user's language: the op, what was expected, what came, each operand and where it was made.

Every message has one form:

    op: what was expected, and what came
      operand: dtype[shape] on device, made at file.py:7, in step: source
      at file.py:9, in step: source
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import (
    DTypeError,
    IndexingError,
    ShapeError,
    TensorgradError,
)
from .lines import PACKAGE, Line, caller, describe
from .node import Info
from .tensor import Tensor

__all__ = ["because", "complain", "describe_operand", "failure", "made_at", "spoken"]

_SHOWN = 8
"""Operands that a message describes; of more it gives the number."""

_SPOKEN = {
    "getitem": "indexing",
    "gather": "indexing",
    "full_on": "new tensor",
    "write_region": "x[...] = value",
    "set_region": "index_put",
    "add_region": "index_add",
    "add_to_region": "index_add_",
    "accumulate": "+= into .grad",
}


def spoken(name: str) -> str:
    """An op as users know it: indexing has no name in their programs."""
    return _SPOKEN.get(name, name)


def made_at(tensor: Tensor) -> str:
    """The user's line that made a tensor."""
    line = tensor._line
    if line is None and tensor._node is not None:
        line = tensor._node.line
    return describe(line)


def describe_operand(x: Any) -> str:
    """``float32[3, 4] on cpu, made at train.py:7, in step: x = ...``, or the repr of what is no tensor."""
    if isinstance(x, Tensor):
        given = x._line is None and x._node is None  # an array or a sequence, wrapped on its way in
        return f"{x.dtype}{list(x.shape)} on {x.device}" + ("" if given else f", made at {made_at(x)}")
    if isinstance(x, Info):
        return repr(x)
    if hasattr(x, "dtype") and hasattr(x, "shape") and not isinstance(x, type):
        return f"{x.dtype}{list(x.shape)} ({type(x).__module__.partition('.')[0]} array)"
    text = repr(x)
    return text if len(text) <= 80 else f"{text[:77]}..."


def complain(
    kind: type[TensorgradError],
    what: str,
    message: str,
    operands: Sequence[Any] = (),
    names: Sequence[str] = (),
    places: Sequence[tuple[str, Line | None]] = (),
    advice: str = "",
) -> TensorgradError:
    """The error to raise: ``what: message``, the operands, other lines of the user's, the one calling, advice."""
    lines = [f"{what}: {message}"]
    shown = list(operands[:_SHOWN])
    labels = _labels(names, len(operands))
    lines += [f"  {label}: {describe_operand(x)}" for label, x in zip(labels, shown, strict=False)]
    if len(operands) > len(shown):
        lines.append(f"  and {len(operands) - len(shown)} more")
    lines += [f"  {label} at {describe(line)}" for label, line in places]
    lines.append(f"  at {describe(caller())}")
    if advice:
        lines.append(f"  {advice}")
    return kind("\n".join(lines))


def _labels(names: Sequence[str], count: int) -> list[str]:
    """One label for each operand: an op's last input may be a list of them."""
    if names and count > len(names):
        return [*names[:-1], *(f"{names[-1]}[{i}]" for i in range(count - len(names) + 1))]
    return [*names, *(f"operand {i}" for i in range(len(names), count))]


def complete(error: BaseException) -> bool:
    """Whether an error says already where it happened."""
    return "\n  at " in str(error)


_KINDS: tuple[tuple[type[Exception], type[TensorgradError]], ...] = (
    (IndexError, IndexingError),
    (TypeError, DTypeError),
    (OverflowError, DTypeError),
    (ValueError, ShapeError),
)


def _kind(error: BaseException) -> type[TensorgradError] | None:
    if isinstance(error, np.linalg.LinAlgError):
        return None
    return next((kind for raised, kind in _KINDS if isinstance(error, raised)), None)


def failure(
    name: str,
    inputs: Sequence[Any],
    names: Sequence[str],
    error: Exception,
    expected: str | None = None,
    places: Sequence[tuple[str, Line | None]] = (),
) -> Exception:
    """The user's error for an exception that was raised while computing ``name``.

    One that is not about bad operands (no memory, an interrupt, a failed iteration) stays what it is, with a note.
    """
    what = spoken(name)
    if isinstance(error, TensorgradError):
        if complete(error):
            return error
        return complain(type(error), what, str(error).removeprefix(f"{what}: "), inputs, names, places)
    kind = _kind(error)
    if kind is not None:
        return complain(kind, what, expected or str(error), inputs, names, places)
    if not any(note.startswith("while computing") for note in getattr(error, "__notes__", ())):
        described = str(complain(TensorgradError, f"while computing {what}", "", inputs, names, places))
        error.add_note(described.replace(": \n", "\n", 1))
    return error


def because(error: BaseException) -> BaseException | None:
    """What to raise an error's translation ``from``: the error itself where it came out of the user's own code (a
    custom op's, say), so that its traceback shows where. Of a library's error the translation has said everything."""
    if isinstance(error, TensorgradError) or _kind(error) is None:
        return error.__cause__
    return error if _through_user_code(error.__traceback__) else None


_LIBRARIES = frozenset({"numpy", "cupy", "cupyx", "scipy", "numba", "ml_dtypes"})


def _through_user_code(trace: TracebackType | None) -> bool:
    while trace is not None:
        frame = trace.tb_frame
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if not frame.f_code.co_filename.startswith(PACKAGE) and module not in _LIBRARIES:
            return True
        trace = trace.tb_next
    return False
