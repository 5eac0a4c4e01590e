"""Rows of ``tensorgrad.ops.sorting`` and ``take``."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import A, cases, distinct
from optable import ALL, HALF, INTS, Bad, Row, Sample
from pointwise import INF, NAN

import tensorgrad as tg
from tensorgrad.errors import ArgumentError, AxisError, DTypeError, IndexingError, ShapeError

MATRIX = np.ones((2, 3))
NUMBERS = (*INTS, *HALF)
OUT_OF_RANGE = "axis 2 is out of range: expected -2 to 1 for 2 dimensions"
INDEX = np.asarray([2, 0, -1])
SQUARE = np.asarray([[1, 0], [0, -1]])


def case(*numbers: Any, note: str, **kwargs: Any) -> Sample:
    return Sample((np.asarray(numbers, dtype=np.float64),), kwargs, note)


def numpy_argsort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    if not descending:
        return np.argsort(x, axis=axis, stable=True)
    order = np.argsort(np.flip(x, axis), axis=axis, stable=True)
    return x.shape[axis] - 1 - np.flip(order, axis)


def numpy_sort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    return np.take_along_axis(x, numpy_argsort(x, axis, descending), axis)


def torch_sort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    import torch

    return torch.sort(x, dim=axis, descending=descending, stable=True).values


def torch_argsort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    import torch

    return torch.sort(x, dim=axis, descending=descending, stable=True).indices


def numpy_topk(x: Any, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    order = np.take(numpy_argsort(x, axis, largest), np.arange(k), axis=axis)
    return [np.take_along_axis(x, order, axis), order]


def torch_topk(x: Any, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    return list(x.topk(k, dim=axis, largest=largest, sorted=True))


def torch_take(x: Any, indices: Any, axis: int | None = None) -> Any:
    import torch

    if axis is None:
        x, axis = x.flatten(), 0
    n = x.shape[axis]
    indices = torch.as_tensor(indices).long()
    index = (indices % n if n else indices).flatten()
    out = x.index_select(axis, index)
    return out.reshape([*x.shape[: axis % x.ndim], *indices.shape, *x.shape[axis % x.ndim + 1 :]])


def torch_take_along(x: Any, indices: Any, axis: int = -1) -> Any:
    import torch

    return torch.take_along_dim(x, indices % x.shape[axis], axis)


def numpy_take_along(x: Any, indices: Any, axis: int = -1) -> Any:
    return np.take_along_axis(x, indices, axis=axis)


def numpy_unique(x: Any, **kwargs: Any) -> Any:
    return np.unique(x, equal_nan=False, **kwargs)


ORDERED = (
    [A(4)],
    [A(2, 3)],
    [A(2, 3), {"axis": 0}],
    [A(2, 3), {"axis": 1, "descending": True}],
    [A(5), {"descending": True, "stable": False}],
    [A(1)],
    [A(0)],
    [A(2, 0), {"axis": 0}],
)
LIMITS = [
    case(1.0, NAN, 0.0, INF, -INF, note="limits"),
    case(1.0, NAN, 0.0, INF, -INF, note="limits descending", descending=True),
    case(1.0, 2.0, 1.0, 2.0, note="ties"),
    case(1.0, 2.0, 1.0, 2.0, note="ties descending", descending=True),
]
NO_AXIS = [Bad((MATRIX,), AxisError, OUT_OF_RANGE, {"axis": 2}), Bad((np.ones(()),), AxisError, "out of range")]
SETS = cases([A(5)], [A(2, 3)], [A()], [A(0)], [np.asarray([3, 1, 3, 2])], [np.asarray([[True, False]])], make=distinct)

ROWS = [
    Row(
        "sort",
        tg.sort,
        cases(*ORDERED, make=distinct),
        numpy=numpy_sort,
        torch=torch_sort,
        dtypes=ALL,
        ops=("argsort", "take_along_axis", "scatter_along_axis"),
        special=LIMITS,
        bad=NO_AXIS,
    ),
    Row(
        "argsort",
        tg.argsort,
        cases(*ORDERED, make=distinct),
        numpy=numpy_argsort,
        torch=torch_argsort,
        dtypes=ALL,
        grad=(),
        ops=("argsort",),
        special=LIMITS,
        bad=NO_AXIS,
    ),
    Row(
        "topk",
        tg.topk,
        cases(
            [A(4), 2],
            [A(2, 3), 1],
            [A(2, 3), 2, {"axis": 0, "largest": False}],
            [A(3), 3, {"sorted": False}],
            [A(3), 0],
            make=distinct,
        ),
        numpy=numpy_topk,
        torch=torch_topk,
        dtypes=HALF,
        special=[Sample((np.asarray([1.0, NAN, 0.0, INF, -INF]), 3), {}, "limits")],
        special_numpy=[
            Sample((np.asarray([1.0, 2.0, 1.0, 2.0]), 3), {"largest": b}, f"ties {b}") for b in (True, False)
        ],
        bad=[
            Bad((MATRIX, 4), ShapeError, "expected k from 0 to 3, the length of axis 1; got 4"),
            Bad((MATRIX, -1), ShapeError, "expected k from 0 to 3"),
            Bad((MATRIX, 1), AxisError, OUT_OF_RANGE, {"axis": 2}),
        ],
    ),
    Row(
        "searchsorted",
        tg.searchsorted,
        cases(
            [np.asarray([1.0, 2.0, 2.0, 3.0]), A(2, 3)],
            [np.asarray([1.0, 2.0, 2.0, 3.0]), np.asarray([2.0, 0.0, 9.0]), {"side": "right"}],
            [np.asarray([3.0, 1.0, 2.0]), A(2), {"sorter": np.asarray([1, 2, 0])}],
            [np.asarray([1, 2]), A()],
            [np.asarray([], dtype=np.float64), A(2)],
        ),
        numpy=np.searchsorted,
        dtypes=NUMBERS,
        grad=(),
        ops=("searchsorted",),
        bad=[
            Bad((MATRIX, np.ones(2)), ShapeError, r"expected x1 to be a vector, got shape \[2, 3\]"),
            Bad((np.ones(3), np.ones(2)), ArgumentError, "expected side to be 'left' or 'right'", {"side": "middle"}),
        ],
    ),
    Row(
        "nonzero",
        tg.nonzero,
        cases([A(3)], [A(2, 3)], [np.asarray([[0, 1], [2, 0]])], [np.asarray([0.0, NAN])], [A(0)]),
        numpy=lambda x: list(np.nonzero(x)),
        dtypes=ALL,
        grad=(),
        ops=("nonzero",),
        bad=[Bad((np.ones(()),), ShapeError, "at least one dimension")],
    ),
    Row(
        "unique_all",
        lambda x: list(tg.unique_all(x)),
        SETS,
        numpy=lambda x: [
            part.reshape(x.shape) if i == 2 else part
            for i, part in enumerate(numpy_unique(x, return_index=True, return_inverse=True, return_counts=True))
        ],
        dtypes=ALL,
        ops=("unique",),
        special_numpy=[
            case(NAN, 1.0, NAN, note="nan"),
            case(0.0, -0.0, note="both zeros"),
            case([0.5, 0.25], [0.5, 0.5], note="repeated"),
        ],
    ),
    Row("unique_values", tg.unique_values, SETS, numpy=numpy_unique, dtypes=ALL),
    Row(
        "unique_counts",
        lambda x: list(tg.unique_counts(x)),
        SETS,
        numpy=lambda x: numpy_unique(x, return_counts=True),
        dtypes=ALL,
    ),
    Row(
        "unique_inverse",
        lambda x: list(tg.unique_inverse(x)),
        SETS,
        numpy=lambda x: list(np.unique_inverse(x)),
        dtypes=ALL,
    ),
    Row(
        "unique",
        tg.unique,
        cases(
            [A(5)],
            [A(2, 3), {"return_index": True, "return_counts": True}],
            [np.asarray([3, 1, 3]), {"return_inverse": True}],
            make=distinct,
        ),
        numpy=numpy_unique,
        dtypes=ALL,
    ),
    Row(
        "take",
        tg.take,
        cases(
            [A(3), INDEX],
            [A(2, 3), INDEX, {"axis": 1}],
            [A(2, 3), np.asarray([1]), {"axis": 0}],
            [A(3), np.asarray(1)],
            [A(2, 3), SQUARE, {"axis": -1}],
            [A(2, 3), np.asarray([5, 0, 0])],
            [A(3), np.asarray([], dtype=np.int64)],
            [A(3, 2, 2), np.asarray([1, 1, 1], dtype=np.uint8), {"axis": 1}],
            [A(3), [0, 2]],
        ),
        numpy=np.take,
        torch=torch_take,
        dtypes=ALL,
        ops=("take", "scatter"),
        bad=[
            Bad((MATRIX, INDEX), AxisError, OUT_OF_RANGE, {"axis": 2}),
            Bad((MATRIX, np.asarray([3])), IndexingError, "out of bounds", {"axis": 1}),
            Bad((MATRIX, np.asarray([0.5])), DTypeError, "expected indices to be integers, got float64", {"axis": 1}),
        ],
    ),
    Row(
        "take_along_axis",
        tg.take_along_axis,
        cases(
            [A(3), INDEX],
            [A(2, 3), np.asarray([[1, 1], [0, -1]])],
            [A(2, 3), np.asarray([[1, 0, 1]]), {"axis": 0}],
            [A(1, 3), np.asarray([[1], [2], [1]]), {"axis": 1}],
            [A(2, 1, 2), np.zeros((1, 2, 2), np.int64), {"axis": 1}],
            [A(2, 3), np.zeros((2, 0), np.int64), {"axis": 1}],
        ),
        numpy=numpy_take_along,
        torch=torch_take_along,
        dtypes=ALL,
        ops=("take_along_axis", "scatter_along_axis"),
        bad=[
            Bad((MATRIX, INDEX), ShapeError, "expected indices of as many dimensions as x"),
            Bad((MATRIX, np.zeros((3, 1), np.int64)), ShapeError, "do not fit x"),
            Bad((MATRIX, np.asarray([[3]])), IndexingError, "out of bounds"),
            Bad((MATRIX, np.asarray([[0.5]])), DTypeError, "expected indices to be integers"),
            Bad((MATRIX, np.asarray([[0]])), AxisError, OUT_OF_RANGE, {"axis": 2}),
        ],
    ),
]
