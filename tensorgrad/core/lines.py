"""Where in the user's program a tensor was made.

A line is kept as ``(code object, instruction offset)``: no frame, so nothing of the user's is kept alive, and
nothing is resolved until an error or a picture asks.
"""

from __future__ import annotations

import linecache
import os
import sys
from itertools import islice
from types import CodeType, FrameType
from typing import TypeAlias

__all__ = ["PACKAGE", "Line", "caller", "describe", "location", "user_line"]

Line: TypeAlias = tuple[CodeType, int]

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def user_line(frame: FrameType) -> Line:
    """The line of the innermost frame, from ``frame`` outwards, that is not the library's own."""
    found: FrameType | None = frame
    while found is not None:
        code = found.f_code
        if not code.co_filename.startswith(PACKAGE):
            return (code, found.f_lasti)
        found = found.f_back
    return (frame.f_code, frame.f_lasti)


def caller() -> Line:
    """The user's line that led to the function that calls this."""
    return user_line(sys._getframe(1))


def location(line: Line) -> tuple[str, int, str]:
    """``(file name, line number, source text)`` of a line; the text is empty where the source is not at hand."""
    code, offset = line
    start = next(islice(code.co_positions(), offset // 2, None), (None,))[0]
    number = code.co_firstlineno if start is None else start
    return code.co_filename, number, linecache.getline(code.co_filename, number).strip()


def describe(line: Line | None) -> str:
    """``file.py:12, in train: loss = f(x)``, as errors print it."""
    if line is None:
        return "an unknown line"
    filename, number, text = location(line)
    where = f"{os.path.basename(filename)}:{number}, in {line[0].co_name}"
    return f"{where}: {text}" if text else where
