"""Rows of ``tensorgrad.ops.random`` and ``sampling``: shapes, dtypes, errors and derivatives, with a fixed generator.

What the numbers are and how they are distributed is tested in ``tests/test_random.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from optable import HALF, Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.errors import DTypeError, ShapeError
from tensorgrad.op import OPS

SHAPES = ((), (3,), (2, 3), (0,))


def fixed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same numbers in each call."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, generator=tg.Generator(7), **kwargs)

    return call


def shapes(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape in SHAPES:
        yield Sample((shape,), {"dtype": dtype}, note=str(shape))


def arrays(*more: Any) -> Callable[[np.random.Generator, str], Iterator[Sample]]:
    def samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
        for shape in SHAPES:
            yield Sample((rng.uniform(0.1, 0.9, shape).astype(dtype), *more), note=str(shape))

    return samples


def parameters(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    first, second = rng.normal(size=(2, 3)).astype(dtype), rng.uniform(1, 2, 3).astype(dtype)
    yield Sample((first, second), note="tensors that broadcast")
    yield Sample((first, 2.0), note="a tensor and a number")
    yield Sample((first[0], second, (4, 3)), note="to a size")
    yield Sample((first[0, 0], second[0]), note="0-d")


def weights(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    rows = rng.uniform(0.1, 1, (2, 4)).astype(dtype)
    yield Sample((rows, 3), note="without replacement")
    yield Sample((rows, 6, True), note="with replacement")
    yield Sample((rows[0], 4), note="one row")


STATE = np.array([1, 2, 3], dtype=np.uint64)
WORDS = ("random_words",)
NOT_FLOATING = Bad(((2,),), DTypeError, "real floating dtype", {"dtype": "int32"})
NEGATIVE = Bad(((-1,),), ShapeError, "not negative")
W = np.ones((2, 3))

ROWS = [
    Row("rand", fixed(tg.rand), shapes, dtypes=HALF, grad=(), ops=("random_uniform",), bad=[NOT_FLOATING, NEGATIVE]),
    Row("randn", fixed(tg.randn), shapes, dtypes=HALF, grad=(), ops=("random_normal",), bad=[NOT_FLOATING, NEGATIVE]),
    Row("rand_like", fixed(tg.rand_like), arrays(), dtypes=HALF, grad=()),
    Row("randn_like", fixed(tg.randn_like), arrays(), dtypes=HALF, grad=()),
    Row(
        "randint",
        fixed(tg.randint),
        lambda rng, dtype: [
            Sample((0, 5, (2, 3)), {"dtype": dtype}),
            Sample((3, None, (4,)), {"dtype": dtype}),
            Sample((2, 4), {"dtype": dtype}, note="0-d"),
        ],
        dtypes=("int64", "int32", "uint8"),
        grad=(),
        ops=("random_integers",),
        bad=[
            Bad((5, 5, (2,)), ShapeError, "low < high"),
            Bad((0, 300, (2,)), ShapeError, "for uint8", {"dtype": "uint8"}),
            Bad((0, 3, (2,)), DTypeError, "integer dtype", {"dtype": "float32"}),
        ],
    ),
    Row("randperm", fixed(tg.randperm), lambda rng, dtype: [Sample((n,)) for n in (0, 1, 5)],
        dtypes=("int64",), grad=(), bad=[Bad((-1,), ShapeError, "not negative")]),
    Row("normal", fixed(tg.normal), parameters, dtypes=("float64",), grad=(0, 1),
        bad=[Bad((np.ones(2), np.ones(3)), ShapeError, "do not broadcast")]),
    Row("uniform", fixed(tg.uniform), parameters, dtypes=("float64",), grad=(0, 1),
        bad=[Bad((np.ones((2, 3)), 1.0, (3,)), ShapeError, "do not broadcast to size")]),
    Row("bernoulli", fixed(tg.bernoulli), arrays(), dtypes=HALF, grad=()),
    Row(
        "multinomial",
        fixed(tg.multinomial),
        weights,
        grad=(),
        bad=[
            Bad((W, 4), ShapeError, "1 to 3 samples"),
            Bad((W * -1, 2), ShapeError, "not negative"),
            Bad((np.ones((2, 2, 2)), 1), ShapeError, "expected weights"),
        ],
    ),
    Row(
        "dropout",
        fixed(tg.dropout),
        arrays(0.25),
        dtypes=HALF,
        ops=("dropout",),
        bad=[
            Bad((W, 1.5), ShapeError, "probability from 0 to 1"),
            Bad((np.arange(3), 0.5), DTypeError, "floating dtype"),
        ],
    ),
    Row("random_words", OPS["random_words"].call,
        lambda rng, dtype: [Sample((STATE,), {"count": n}) for n in (0, 1, 9)],
        dtypes=("uint64",), grad=(), ops=WORDS),
    Row("random_keep", OPS["random_keep"].call,
        lambda rng, dtype: [Sample((STATE,), {"shape": shape, "p": 0.5}) for shape in SHAPES],
        dtypes=("uint64",), grad=(), ops=("random_keep",)),
]  # fmt: skip
