"""What every operation promises about shapes and dtypes without computing; and that the table covers them all."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pytest
from calls import as_tensors, parts, quiet, samples
from optable import ROWS, Row

import tensorgrad as tg
from tensorgrad import call as call_paths
from tensorgrad.autodiff.backward import grad
from tensorgrad.core.node import Info
from tensorgrad.errors import TensorgradError
from tensorgrad.op import FUNCTIONS, OPS, Op
from tensorgrad.testing import Call, record_calls

UNSWEPT_OPS: dict[str, str] = {
    "checkpoint": "its results' shapes are known by running it; tests/test_checkpoint.py",
    "to_device": "goes from one device to another; tests/test_shapes_backend.py and the gpu tests",
    "accumulate": "how backward adds to .grad that is there already; tests/test_engine.py",
}
"""Registered ops that no row needs to call, with the reason."""

UNSWEPT_FUNCTIONS: dict[str, str] = {"broadcast_shapes": "takes and gives shapes, no arrays; see test_array_api.py"}
"""Public functions that need no row, with the reason."""


def calls_of(row: Row, dtype: str) -> Iterator[Call]:
    """Every op that a row's samples call: untracked, tracked, and in the backward pass."""
    for sample in samples(row, dtype):
        args, kwargs, _ = as_tensors(sample)
        yield from record_calls(row.call, *args, **kwargs)[1]

        def both(sample: Any = sample) -> None:
            args, kwargs, tracked = as_tensors(sample, row.grad)
            outs = [x for x in parts(row.call(*args, **kwargs)) if isinstance(x, tg.Tensor) and x.node is not None]
            if outs and tracked:
                grad(outs, tracked, [tg.Tensor(np.ones(x.shape, x.dtype)) for x in outs], materialize_grads=True)

        if row.grad and dtype.startswith("float"):
            yield from record_calls(both)[1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_infer_is_reality(row: Row) -> None:
    for dtype in row.dtypes:
        for call in calls_of(row, dtype):
            if call.op.name in UNSWEPT_OPS or depends_on_values(call):
                continue
            found = [Info(x.shape, x.dtype) for x in call.results]
            promised = list(call.infer())
            assert list(map(repr, promised)) == list(map(repr, found)), f"infer of {call.op.name}, {call.inputs}"


def depends_on_values(call: Call) -> bool:
    """Whether the result's shape depends on values, which infer must refuse to guess."""
    masked = call.op.name == "gather" and any(x.dtype == bool for x in call.inputs[1:])
    if not masked and call.op.name not in ("nonzero", "unique"):
        return False
    with pytest.raises(TensorgradError, match="depends on the values"):
        call.infer()
    return True


@cache
def swept() -> frozenset[str]:
    """The names of the ops that the rows call."""
    names = {call.op.name for row in ROWS for call in calls_of(row, row.dtypes[-1])}
    for row in ROWS:  # compositions show as what they are made of
        names |= {name for name in (row.name, *row.ops) if name in OPS and OPS[name].composite}
    return frozenset(names)


def from_package(op: Op) -> bool:
    """Not one that a test registered."""
    sources = [op.infer, op.body, *(rule.function for rule in op.rules.values())]
    return any(f is not None and inspect.getmodule(f).__name__.startswith("tensorgrad") for f in sources)  # type: ignore


def test_every_registered_op_is_called_by_some_row() -> None:
    missing = {name for name, op in OPS.items() if from_package(op)} - swept() - {*UNSWEPT_OPS}
    assert not missing, f"no row calls the ops {sorted(missing)}"


def test_every_public_function_has_a_row() -> None:
    missing = {*FUNCTIONS} - {row.name for row in ROWS} - {*UNSWEPT_FUNCTIONS}
    assert not missing, f"no row is named after the functions {sorted(missing)}"


def test_rows_cover_what_they_say() -> None:
    for row in ROWS:
        unknown = {name for name in row.ops if name not in OPS}
        assert not unknown, f"row {row.name!r} lists ops that do not exist: {sorted(unknown)}"
        called = {call.op.name for dtype in row.dtypes for call in calls_of(row, dtype)}
        idle = {name for name in row.ops if not OPS[name].composite} - called
        assert not idle, f"row {row.name!r} lists ops that its samples never call: {sorted(idle)}"


def test_row_names_are_unique() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


READS_VALUES = frozenset(
    {"gather", "scatter", "set_region", "add_region", "write_region", "add_to_region"}
    | {"take", "take_along_axis", "pow", "embedding", "pick_class", "softmax_cross_entropy", "plain_cross_entropy"}
)
"""Ops that may refuse values (an index out of range, a negative integer exponent) which their infer, knowing shapes
only, has to let pass."""


@pytest.mark.parametrize("row", [row for row in ROWS if row.bad], ids=lambda row: row.name)
def test_infer_refuses_what_the_op_refuses(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    run = call_paths._run
    silent: list[str] = []

    def watched(op: Op, bound: Any, operands: Any, params: Any, state: Any) -> Any:
        given = list(operands)
        try:
            return run(op, bound, operands, params, state)
        except TensorgradError:
            if not op.composite and op.name not in READS_VALUES:
                try:
                    Call(op, tuple(given), params, ()).infer()
                except TensorgradError:
                    pass
                else:
                    silent.append(op.name)
            raise

    monkeypatch.setattr(call_paths, "_run", watched)
    for bad in row.bad:
        args, kwargs, _ = as_tensors(bad)  # type: ignore[arg-type]
        with quiet(), suppress(bad.error):  # recording, some values are not looked at
            record_calls(row.call, *args, **kwargs)
    assert not silent, f"infer lets pass what these ops refuse: {silent}"
