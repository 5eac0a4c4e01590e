"""Rows of indexing and of writing by index: ``x[key]``, ``x[key] = v``, and the functions of ``ops.gathering``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from optable import Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.errors import AxisError, DTypeError, IndexingError, ShapeError

NUMBERS = ("int64", "float32", "float64")


def array(rng: np.random.Generator, dtype: str, *shape: int) -> Any:
    return (rng.normal(scale=3, size=shape)).astype(dtype)


KEYS: dict[str, Any] = {
    "an integer": 1,
    "a negative integer": (-1, 0),
    "a slice": slice(1, None),
    "steps": (slice(None, None, 2), slice(None, None, -1)),
    "a new axis": (None, 1, ..., None),
    "everything": ...,
    "nothing": slice(0, 0),
    "an index array": (np.array([2, 0, 2]),),
    "negative positions": (slice(None), np.array([-1, 0])),
    "two index arrays": (np.array([[0], [2]]), np.array([1, 1])),
    "an array and a slice": (np.array([1, 1]), slice(0, 1)),
    "a list": ([0, 2],),
    "a mask": np.arange(6).reshape(3, 2) % 2 == 0,
    "a mask of rows": (np.array([True, False, True]),),
    "no position": (np.zeros(0, np.int64),),
}


def at(x: Any, key: Any) -> Any:
    """x[key], with lists left as the user wrote them."""
    return x[tuple(key) if isinstance(key, list) else key]


def reads(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for note, key in KEYS.items():
        yield Sample((array(rng, dtype, 3, 2), key), note=note)
    yield Sample((array(rng, dtype), ()), note="0-d by nothing")
    yield Sample((array(rng, dtype), ...), note="0-d by everything")
    yield Sample((array(rng, dtype, 0, 2), slice(None)), note="empty")


def writes(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for note, key in KEYS.items():
        shape = np.zeros((3, 2))[key].shape
        yield Sample((array(rng, dtype, 3, 2), key, array(rng, dtype, *shape)), note=note)
    yield Sample((array(rng, dtype, 3, 2), slice(1, None), array(rng, dtype, 2)), note="a value that broadcasts")
    yield Sample((array(rng, dtype, 3, 2), 0, 2), note="a number")


def written(copy: Callable[[Any], Any], change: Callable[[Any, Any, Any], None]) -> Callable[..., Any]:
    """What becomes of a copy of x."""

    def call(x: Any, key: Any, value: Any) -> Any:
        y = copy(x)
        change(y, tuple(key) if isinstance(key, list) else key, value)
        return y

    return call


def assign(y: Any, key: Any, value: Any) -> None:
    y[key] = value


def add(y: Any, key: Any, value: Any) -> None:
    y[key] += value


def through_a_view(y: Any, key: Any, value: Any) -> None:
    """The same elements, reached by way of two views."""
    view = y.reshape((2, 3)).reshape((3, 2))
    view[key] = value


def copied(x: Any) -> Any:
    return tg.asarray(x, copy=True)


def along(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    x = array(rng, dtype, 3, 4)
    yield Sample((x, 0, np.array([2, 0]), array(rng, dtype, 2, 4)), note="rows")
    yield Sample((x, -1, np.array([3, 0, 3, 0, -1]), array(rng, dtype, 3, 5)), note="columns, some twice")
    yield Sample((x, 1, np.array([1]), array(rng, dtype, 3, 1)), {"alpha": 2}, note="scaled")
    yield Sample((x, 0, np.zeros(0, np.int64), array(rng, dtype, 0, 4)), note="none")
    yield Sample((array(rng, dtype, 4), 0, np.array([1, 1]), array(rng, dtype, 2)), note="a vector")


def index_add_(x: Any, axis: int, index: Any, source: Any, alpha: float = 1) -> Any:
    """In place, on a copy."""
    return copied(x).index_add_(axis, index, source, alpha=alpha)


def numpy_index_add(x: Any, axis: int, index: Any, source: Any, alpha: float = 1) -> Any:
    out = x.copy()
    np.add.at(out, (*(slice(None),) * (axis % x.ndim), index), source * alpha)
    return out


def puts(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    x = array(rng, dtype, 3, 2)
    for accumulate in (False, True):
        more = {"accumulate": accumulate}
        yield Sample((x, (np.array([2, 0]), np.array([1, 1])), array(rng, dtype, 2)), more, "one by one")
        yield Sample((x, (np.array([2, 0]),), array(rng, dtype, 2)), more, "rows, one value each column")
    twice = (np.array([1, 1, 0]), np.array([0, 0, 1]))
    yield Sample((x, twice, array(rng, dtype, 3)), {"accumulate": True}, "one element twice, added")
    yield Sample((x, twice, array(rng, dtype, 3)), note="one element twice, the last stays")


def numpy_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    out = x.copy()
    if accumulate:
        np.add.at(out, indices, values)
    else:
        out[indices] = values
    return out


def flat_puts(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    x = array(rng, dtype, 3, 2)
    yield Sample((x, np.array([5, 0]), array(rng, dtype, 2)), note="two")
    yield Sample((x, np.array([[1, -1], [0, 2]]), array(rng, dtype, 2, 2)), note="a matrix of positions")
    yield Sample((x, np.array([1, 1]), array(rng, dtype, 2)), {"accumulate": True}, "one element twice, added")


def numpy_flat_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    return numpy_put(x.ravel(), (indices,), values, accumulate).reshape(x.shape)


def axis_puts(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    x = array(rng, dtype, 2, 3)
    yield Sample((x, np.array([[2], [0]]), array(rng, dtype, 2, 1)), note="the last axis")
    yield Sample((x, np.array([[1, 0, 1]]), array(rng, dtype, 1, 3)), {"axis": 0}, "the first axis")
    yield Sample((x, np.array([[1, 1], [0, -1]]), array(rng, dtype, 2, 2)), {"accumulate": True}, "added")
    yield Sample((x, np.array([[1, 0], [0, -1]]), 2.0), note="a number")


def numpy_axis_put(x: Any, indices: Any, values: Any, axis: int = -1, accumulate: bool = False) -> Any:
    out = x.copy()
    if not accumulate:
        np.put_along_axis(out, indices, values, axis)
        return out
    grid: list[Any] = list(np.indices(indices.shape))
    grid[axis] = indices
    np.add.at(out, tuple(grid), values)
    return out


def masks(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    mask = np.array([[True, False, True], [False, False, True]])
    yield Sample((array(rng, dtype, 2, 3), mask))
    yield Sample((array(rng, dtype, 2, 3), mask[0]), note="a mask that broadcasts")
    yield Sample((array(rng, dtype, 3), mask), note="an array that broadcasts")
    yield Sample((array(rng, dtype, 2, 3), ~np.ones((2, 3), bool)), note="nothing")


def fills(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for sample in masks(rng, dtype):
        yield Sample((*sample.args, 2), note=sample.note)
        yield Sample((*sample.args, array(rng, dtype)), note=f"{sample.note} by a tensor")


X = np.ones((3, 2))
OUT_OF_RANGE = Bad((X, 3), IndexingError, "out of bounds|out of range")
MISFIT = Bad((X, 0, np.ones(3)), ShapeError, "broadcast|fit")
READS = ("getitem", "gather", "scatter")

ROWS = [
    Row(
        "indexing",
        at,
        reads,
        numpy=at,
        dtypes=NUMBERS,
        ops=READS,
        bad=[
            OUT_OF_RANGE,
            Bad((X, np.array([0, 5])), IndexingError, "out of bounds|out of range"),
            Bad((X, (0, 0, 0)), IndexingError, "too many"),
            Bad((X, "text"), IndexingError, "ind"),
            Bad((X, np.array([0.5])), IndexingError, "integers or booleans"),
            Bad((X, np.array([True, False])), IndexingError, "bool"),
        ],
    ),
    Row(
        "x[...] = value",
        written(copied, assign),
        writes,
        numpy=written(np.copy, assign),
        torch=None,
        dtypes=NUMBERS,
        grad=(0, 2),
        ops=("set_region", "write_region"),
        bad=[MISFIT, Bad((X, 7, 1.0), IndexingError, "out of bounds|out of range")],
    ),
    Row("x[...] += value", written(copied, add), writes, numpy=written(np.copy, add), dtypes=NUMBERS, grad=(0, 2)),
    Row("view[...] = value", written(copied, through_a_view), writes, numpy=written(np.copy, through_a_view),
        grad=(0, 2)),
    Row(
        "index_add",
        tg.index_add,
        along,
        numpy=numpy_index_add,
        dtypes=NUMBERS,
        grad=(0, 3),
        ops=("add_region",),
        bad=[
            Bad((X, 2, np.array([0]), X), AxisError, "axis 2"),
            Bad((X, 0, np.array([0.5]), X), (DTypeError, IndexingError), "integers"),  # type: ignore[arg-type]
            Bad((X, 0, np.array([4]), np.ones((1, 2))), IndexingError, "out of bounds|out of range"),
            Bad((X, 0, np.array([0, 1]), np.ones((3, 2))), ShapeError, "broadcast|fit"),
        ],
    ),
    Row("index_add_", index_add_, along, numpy=numpy_index_add, dtypes=NUMBERS, grad=(0, 3),
        ops=("add_to_region",)),
    Row(
        "index_put",
        tg.index_put,
        puts,
        numpy=numpy_put,
        dtypes=NUMBERS,
        grad=(0, 2),
        ops=("set_region", "add_region", "take_last"),
        bad=[
            Bad((X, (np.array([4]),), 1.0), IndexingError, "out of bounds|out of range"),
            Bad((X, (np.array([0]),), np.ones(3)), ShapeError, "broadcast|fit"),
        ],
    ),
    Row("put", tg.put, flat_puts, numpy=numpy_flat_put, dtypes=NUMBERS, grad=(0, 2),
        bad=[Bad((X, np.array([6]), 1.0), IndexingError, "out of bounds|out of range")]),
    Row("put_along_axis", tg.put_along_axis, axis_puts, numpy=numpy_axis_put, dtypes=NUMBERS, grad=(0, 2),
        bad=[
            Bad((X, np.array([0]), 1.0), ShapeError, "expected indices of 2 dimensions"),
            Bad((X, np.array([[0], [0], [2]]), 1.0), IndexingError, "out of bounds|out of range"),
        ]),
    Row("masked_select", tg.masked_select, masks, dtypes=NUMBERS,
        numpy=lambda x, mask: np.broadcast_arrays(x, mask)[0][np.broadcast_arrays(x, mask)[1]],
        bad=[Bad((X, np.ones((3, 2))), DTypeError, "mask to be boolean"),
             Bad((X, np.ones(3, bool)), ShapeError, "broadcast")]),
    Row("masked_fill", tg.masked_fill, fills, dtypes=NUMBERS, grad=(0, 2),
        numpy=lambda x, mask, value: np.where(mask, np.asarray(value, x.dtype), x),
        bad=[Bad((X, np.ones((3, 2)), 1.0), DTypeError, "mask to be boolean"),
             Bad((X, np.ones(3, bool), 1.0), ShapeError, "broadcast")]),
]  # fmt: skip
