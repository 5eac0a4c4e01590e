"""Rows of ``tensorgrad.ops.creation``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from optable import ALL, Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.errors import DTypeError, ShapeError

SHAPES = ((), (3,), (2, 3), (0,), (2, 0))


def shapes(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape in SHAPES:
        yield Sample((shape,), {"dtype": dtype}, note=str(shape))


def separate(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    yield from shapes(rng, dtype)
    yield Sample((2, 3), {"dtype": dtype}, note="lengths one by one")


def filled(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape in SHAPES:
        yield Sample((shape, 3), {"dtype": dtype}, note=str(shape))
    yield Sample((4, 1), {"dtype": dtype}, note="one length")


def likes(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape in SHAPES:
        yield Sample((np.ones(shape, dtype),), note=str(shape))


def likes_with(*more: Any) -> Callable[[np.random.Generator, str], Iterator[Sample]]:
    def samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
        for sample in likes(rng, dtype):
            yield Sample((*sample.args, *more), note=sample.note)

    return samples


def values(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    array = rng.uniform(0.5, 4, (2, 3)).astype(dtype)
    yield Sample((array,), note="an array keeps its dtype")
    yield Sample((array.tolist(),), {"dtype": dtype}, note="nested lists")
    yield Sample((array[0, 0].item(),), {"dtype": dtype}, note="a number")
    yield Sample(([array[0], array[1]],), note="a list of arrays")
    yield Sample(([],), {"dtype": dtype}, note="nothing")


def numpy_of(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*shape: Any, dtype: Any) -> Any:
        return function(shape[0] if len(shape) == 1 else shape, dtype=dtype)

    return call


NEGATIVE = Bad(((2, -1),), ShapeError, "not negative")
NO_SHAPE = Bad((2.5,), (ShapeError, TypeError), "shape|integer|iterable")  # type: ignore[arg-type]
NO_DTYPE = Bad(((2,),), DTypeError, "expected a dtype", {"dtype": "number"})

ROWS = [
    Row("zeros", tg.zeros, separate, numpy=numpy_of(np.zeros), dtypes=ALL, grad=(), ops=("full_on",),
        bad=[NEGATIVE, NO_DTYPE]),
    Row("ones", tg.ones, separate, numpy=numpy_of(np.ones), dtypes=ALL, grad=(), ops=("full_on",),
        bad=[NEGATIVE, NO_DTYPE]),
    Row("empty", tg.empty, separate, numpy=numpy_of(np.zeros), dtypes=ALL, grad=(), bad=[NEGATIVE, NO_DTYPE]),
    Row("full", tg.full, filled, numpy=lambda shape, value, dtype: np.full(shape, value, dtype), dtypes=ALL, grad=(),
        bad=[Bad(((-1,), 2.0), ShapeError, "not negative")]),
    Row("zeros_like", tg.zeros_like, likes, numpy=np.zeros_like, dtypes=ALL, grad=()),
    Row("ones_like", tg.ones_like, likes, numpy=np.ones_like, dtypes=ALL, grad=()),
    Row("empty_like", tg.empty_like, likes, numpy=np.zeros_like, dtypes=ALL, grad=()),
    Row("full_like", tg.full_like, likes_with(2), numpy=np.full_like, dtypes=ALL, grad=()),
    Row("tensor", tg.tensor, values, numpy=np.array, dtypes=ALL, grad=(),
        bad=[Bad(([[1.0], [1.0, 2.0]],), ShapeError, "equal lengths"), Bad((["a"],), DTypeError, "expected numbers")]),
    Row("asarray", tg.asarray, values, numpy=np.asarray, dtypes=ALL, grad=(),
        bad=[Bad(([[1.0], [1.0, 2.0]],), ShapeError, "equal lengths")]),
    Row("from_dlpack", tg.from_dlpack, likes, numpy=np.asarray, dtypes=ALL, grad=()),
]  # fmt: skip
