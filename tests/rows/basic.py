"""Rows of ``tensorgrad.ops.basic``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from optable import ALL, HALF, Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.errors import DeviceError, DTypeError
from tensorgrad.op import OPS

SHAPES = ((), (3,), (2, 3), (0,), (2, 0, 1))


def arrays(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shape in SHAPES:
        yield Sample((rng.normal(scale=3, size=shape).astype(dtype),), note=str(shape))


def casts(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for target in ALL:
        values = rng.uniform(0.5, 4, (2, 3)).astype(dtype)  # within every type's range
        yield Sample((values, target), note=f"to {target}", exact=target == "float64")  # else it rounds
    yield Sample((rng.uniform(0.5, 4, ()).astype(dtype), dtype), {"copy": False}, note="to itself")


def placed(x: Any, device: str = "cpu") -> Any:
    return tg.to_device(x, device)


ROWS = [
    Row(
        "astype",
        tg.astype,
        casts,
        numpy=lambda x, dtype, copy=True: x.astype(dtype),
        dtypes=ALL,
        ops=("astype",),
        bad=[
            Bad((np.ones(2), "text"), DTypeError, "expected a dtype"),
            Bad((np.ones(2), 3), DTypeError, "expected a dtype"),
        ],
    ),
    Row("identity", OPS["identity"].call, arrays, numpy=lambda x: x, dtypes=HALF, ops=("identity",)),
    Row("copy", OPS["copy"].call, arrays, numpy=np.copy, dtypes=HALF, ops=("copy",)),
    Row(
        "zeros_from",
        OPS["zeros_from"].call,
        lambda rng, dtype: [Sample((rng.normal(size=2).astype(dtype),), {"shape": shape}) for shape in SHAPES],
        numpy=lambda x, shape: np.zeros(shape, x.dtype),
        dtypes=HALF,
        ops=("zeros_from",),
    ),
    Row(
        "to_device",
        placed,
        arrays,
        numpy=lambda x: x,
        bad=[
            Bad((np.ones(2), "gpu"), DeviceError, "unknown device 'gpu'"),
            Bad((np.ones(2), "cuda:x"), DeviceError, "expected a device such as"),
        ],
    ),
]
