"""Rows of ``tensorgrad.ops.standard``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from optable import ALL, FLOATS, Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.errors import ArgumentError, AxisError, ShapeError


def differences(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    def values(*shape: int) -> np.ndarray:
        return rng.normal(scale=3, size=shape).astype(dtype)

    yield Sample((values(4),))
    yield Sample((values(1),), note="nothing is left")
    yield Sample((values(0, 2),), {"axis": 0}, note="empty")
    yield Sample((values(3, 4),), {"axis": 0, "n": 2})
    yield Sample((values(2, 3),), {"n": 0})
    yield Sample((values(2, 3),), {"prepend": values(2, 1), "append": values(2, 2)})


def sets(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for one, two in (((2, 3), (4,)), ((), (2, 2)), ((3,), ()), ((0, 2), (3,)), ((3,), (0,))):
        args = (rng.integers(0, 4, one).astype(dtype), rng.integers(0, 4, two).astype(dtype))
        yield Sample(args, note=f"{one} {two}")
    yield Sample((rng.integers(0, 4, 5).astype(dtype), rng.integers(0, 4, 2).astype(dtype)), {"invert": True})


ROWS = [
    Row(
        "diff",
        tg.diff,
        differences,
        numpy=lambda x, axis=-1, n=1, **ends: np.diff(x, n=n, axis=axis, **ends),
        torch=lambda x, axis=-1, n=1, **ends: __import__("torch").diff(x, n=n, dim=axis, **ends),
        dtypes=FLOATS,
        bad=[
            Bad((np.float64(1.0),), AxisError, "diff: expected at least one dimension"),
            Bad((np.ones(2),), ArgumentError, "diff: expected n of at least 0, got -1", {"n": -1}),
            Bad((np.ones((2, 2)),), AxisError, "diff: axis 5 is out of range", {"axis": 5}),
            Bad((np.ones((2, 2)),), ShapeError, "dimensions|shape", {"prepend": np.ones((3, 1))}),
        ],
    ),
    Row(
        "isin",
        tg.isin,
        sets,
        numpy=np.isin,
        dtypes=ALL,
        grad=(),
        special_numpy=[Sample((np.array([1.0, np.nan, np.inf, -0.0]), np.array([np.nan, np.inf, 0.0])))],
    ),
]
