"""What bad calls of every operation say, and that they change nothing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from calls import arrays, as_tensors, is_float, quiet
from optable import ROWS, Bad, Row

from tensorgrad.errors import TensorgradError
from tensorgrad.op import FUNCTIONS, OPS

BAD = [pytest.param(row, bad, id=f"{row.name}-{i}") for row in ROWS for i, bad in enumerate(row.bad)]


@pytest.mark.parametrize("track", [False, True], ids=["untracked", "tracked"])
@pytest.mark.parametrize("row, bad", BAD)
def test_bad_calls_say_what_was_expected_and_change_nothing(row: Row, bad: Bad, track: bool) -> None:
    before = [x.copy() for x in arrays((bad.args, bad.kwargs))]
    args, kwargs, tracked = as_tensors(bad, row.grad if track else ())  # type: ignore[arg-type]
    nodes = [x.node for x in tracked]
    with quiet(), pytest.raises(bad.error) as caught:
        row.call(*args, **kwargs)
    message = str(caught.value)
    assert re.search(bad.match, message), f"expected {bad.match!r} in:\n{message}"
    assert isinstance(caught.value, TensorgradError)
    assert names_the_op(row, message), f"the message does not name the op:\n{message}"
    line = re.search(r"\n  at (\w+\.py):\d+, in ", message)
    assert line is not None, f"no line of the user's:\n{message}"
    assert line[1] in (*THIS, caller_of(row)), f"a line of the library's own:\n{message}"
    check_operands(bad, message)
    for x, old in zip(arrays((bad.args, bad.kwargs)), before, strict=True):
        assert np.array_equal(x, old, equal_nan=is_float(x)), "an argument was changed"
    assert [x.node for x in tracked] == nodes
    assert all(x.grad is None for x in tracked)


THIS = ("test_ops_errors.py", "calls.py")


def caller_of(row: Row) -> str:
    """The file that a row's own wrapper around the operation stands in."""
    return f"{(row.call.__module__ or '').rpartition('.')[2]}.py"


def names_the_op(row: Row, message: str) -> bool:
    """By its own name, or by that of the function it calls."""
    first = message.partition(":")[0]
    return any(name in message for name in (row.name, *row.ops)) or first in FUNCTIONS or first in OPS


def check_operands(bad: Bad, message: str) -> None:
    """Each array operand is described: dtype and shape."""
    given: list[Any] = arrays(bad.args)
    for x in given[:4]:
        shown = f"{list(x.shape)}"
        assert shown in message, f"the operand of shape {shown} is not described in:\n{message}"
