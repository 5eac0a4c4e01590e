"""Rows of ``tensorgrad.ops.scan``."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import A, cases
from optable import ALL, Bad, Row, Sample
from pointwise import INF, NAN

import tensorgrad as tg
from tensorgrad.errors import AxisError, DTypeError

CALLS = (
    [A(4)],
    [A(2, 3), {"axis": 0}],
    [A(2, 3), {"axis": -1}],
    [A(2, 3, 2), {"axis": 1, "include_initial": True}],
    [A(3), {"include_initial": True}],
    [A(3), {"dtype": "float64"}],
    [A(1), {}],
    [A(0)],
    [A(0, 2), {"axis": 0, "include_initial": True}],
    [A(0, 2), {"axis": 1}],
    [A(3, 20), {"axis": 0}],
)
BAD = [
    Bad((np.ones((2, 3)),), AxisError, "expected an axis, for a tensor of 2 dimensions"),
    Bad((np.ones((2, 3)),), AxisError, "axis 2 is out of range", {"axis": 2}),
    Bad((np.ones(3),), DTypeError, "expected axis to be an integer", {"axis": (0,)}),
]


def case(*numbers: Any, note: str, **kwargs: Any) -> Sample:
    return Sample((np.asarray(numbers, dtype=np.float64),), kwargs, note)


def numpy_scan(function: Any, first: int) -> Any:
    def call(x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
        axis = 0 if axis is None else axis
        wide = np.float32 if dtype is None and x.dtype == np.float16 else dtype
        out = function(x, axis=axis, dtype=wide)
        out = out.astype(np.float16) if dtype is None and x.dtype == np.float16 else out
        if include_initial:
            shape = list(out.shape)
            shape[axis] = 1
            out = np.concatenate([np.full(shape, first, out.dtype), out], axis=axis)
        return out

    return call


def torch_scan(name: str, first: int) -> Any:
    def call(x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
        import torch

        axis = 0 if axis is None else axis
        out = getattr(torch, name)(x if dtype is None else x.to(getattr(torch, dtype)), dim=axis)
        if include_initial:
            shape = [1 if i == axis else n for i, n in enumerate(out.shape)]
            out = torch.cat([torch.full(shape, first, dtype=out.dtype), out], dim=axis)
        return out

    return call


ROWS = [
    Row(
        "cumulative_sum",
        tg.cumulative_sum,
        cases(*CALLS),
        numpy=numpy_scan(np.cumsum, 0),
        torch=torch_scan("cumsum", 0),
        dtypes=ALL,
        ops=("cumulative_sum", "flip"),
        special=[case(1.0, INF, 2.0, note="inf"), case(1.0, NAN, 2.0, note="nan")],
        bad=BAD,
    ),
    Row(
        "cumulative_prod",
        tg.cumulative_prod,
        cases(*CALLS),
        numpy=numpy_scan(np.cumprod, 1),
        torch=torch_scan("cumprod", 1),
        dtypes=ALL,
        tolerance=10,
        ops=("cumulative_prod", "linear_recurrence", "roll"),
        special=[
            case(2.0, 0.0, 3.0, 4.0, note="one zero"),
            case(0.0, 0.0, 3.0, note="two zeros"),
            case([2.0, 0.0, 3.0], [0.0, 2.0, 0.0], note="rows", axis=1),
        ],
        special_numpy=[case(1.0, NAN, 2.0, note="nan"), case(1.0, INF, 0.0, note="inf * 0")],
        bad=BAD,
    ),
]
