"""Rows of ``tensorgrad.ops.ranges``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from cases import A, cases, shaped_like
from optable import ALL, HALF, INTS, Bad, Row, Sample
from pointwise import torch_function

import tensorgrad as tg
from tensorgrad.errors import ArgumentError, DTypeError, ShapeError

NUMBERS = (*INTS, *HALF)


def ranges(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for args in ((4,), (1, 5), (1, 8, 3), (5, 1), (0,), (9, 0, -4)):
        yield Sample(args, {"dtype": dtype})
    if dtype == "int64":
        yield Sample((3,), note="of integers")
    if dtype == "float32":
        for args in ((1.0, 2.0, 0.25), (2.5,), (1.0, 0.0, -0.3)):
            yield Sample(args, note=f"{args} in the default dtype")


def between(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for num in (0, 1, 2, 5):
        yield Sample((0, 8, num), {"dtype": dtype})
    yield Sample((8.0, 0.0, 4), {"dtype": dtype, "endpoint": False})
    if dtype == "float32":
        yield Sample((-1, 1, 7), note="in the default dtype")


def powers(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    yield Sample((0, 2, 3), {"dtype": dtype})
    yield Sample((1, 3, 2), {"dtype": dtype, "base": 2, "endpoint": False})
    if dtype == "float32":
        yield Sample((-1.0, 1.0, 4), {"base": 2.0})


def squares(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for args in ((3,), (2, 3), (3, 2), (0,), (0, 2)):
        yield Sample(args, {"dtype": dtype})
    for k in (1, -1, 5):
        yield Sample((2, 3), {"k": k, "dtype": dtype})
    if dtype == "float32":
        yield Sample((2,), note="in the default dtype")


def numpy_default(function: Any) -> Any:
    """NumPy's function, in float32 where NumPy would take float64."""

    def call(*args: Any, dtype: Any = None, **kwargs: Any) -> Any:
        out = function(*args, dtype=dtype, **kwargs)
        return out.astype(np.float32) if dtype is None and out.dtype == np.float64 else out

    return call


def numpy_grid(*arrays: Any, indexing: str = "xy") -> Any:
    return list(np.meshgrid(*arrays, indexing=indexing))


def torch_grid(*arrays: Any, indexing: str = "xy") -> Any:
    return shaped_like(torch_function("meshgrid"))(*arrays, indexing=indexing)


ROWS = [
    Row(
        "arange",
        tg.arange,
        ranges,
        numpy=numpy_default(np.arange),
        dtypes=NUMBERS,
        grad=(),
        ops=("arange_on",),
        bad=[
            Bad((0, 1, 0), ArgumentError, "expected a step other than 0"),
            Bad(("1",), DTypeError, "expected stop to be a number, got '1'"),
            Bad((1,), DTypeError, "expected a dtype", {"dtype": "no"}),
        ],
    ),
    Row(
        "linspace",
        tg.linspace,
        between,
        numpy=numpy_default(np.linspace),
        dtypes=NUMBERS,
        grad=(),
        ops=("linspace_on",),
        bad=[
            Bad((0, 1, -1), ShapeError, "expected num not to be negative"),
            Bad((0, None, 3), DTypeError, "expected stop to be a number, got None"),
        ],
    ),
    Row(
        "logspace",
        tg.logspace,
        powers,
        numpy=numpy_default(np.logspace),
        dtypes=NUMBERS,
        grad=(),
        bad=[Bad((0, 1, -1), ShapeError, "expected num not to be negative")],
    ),
    Row(
        "eye",
        tg.eye,
        squares,
        numpy=numpy_default(np.eye),
        dtypes=ALL,
        grad=(),
        ops=("eye_on",),
        bad=[Bad((-1,), ShapeError, "not negative"), Bad((2, -3), ShapeError, "not negative")],
    ),
    Row(
        "meshgrid",
        tg.meshgrid,
        cases(
            [A(2)],
            [A(2), A(3)],
            [A(2), A(3), {"indexing": "ij"}],
            [A(2), A(1), A(3)],
            [A(2), A(), A(3), {"indexing": "ij"}],
            [A(0), A(2)],
        ),
        numpy=numpy_grid,
        torch=torch_grid,
        dtypes=ALL,
        grad=(0, 1, 2),
        bad=[
            Bad((np.ones((2, 3)),), ShapeError, r"expected vectors, but array 0 has shape \[2, 3\]"),
            Bad((np.ones(2), np.ones(3)), ArgumentError, "expected indexing to be 'xy' or 'ij'", {"indexing": "yx"}),
        ],
    ),
]
