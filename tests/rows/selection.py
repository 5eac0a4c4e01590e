"""Rows of ``tensorgrad.ops.selection``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from optable import ALL, HALF, INTS, Bad, Row, Sample
from pointwise import INF, NAN, TRIPLES, binary, grid, of_tensors, special, torch_function, unary, values

import tensorgrad as tg
from tensorgrad.errors import DTypeError, ShapeError

NUMBERS = (*INTS, *HALF)


def choices(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    for shapes in TRIPLES:
        condition = rng.integers(0, 2, shapes[0]).astype(bool)
        yield Sample((condition, values(rng, shapes[1], dtype), values(rng, shapes[2], dtype)), note=str(shapes))
    condition = np.asarray([True, False, True])
    if dtype.startswith("float"):
        yield Sample((condition, values(rng, (3,), dtype), 0.0), note="a number where it does not hold")
        yield Sample((condition, 1, values(rng, (2, 1), dtype)), note="a number where it holds")
    yield Sample(
        (np.asarray([0, 2, -1]), values(rng, (3,), dtype), values(rng, (), dtype)), note="an integer condition"
    )


def torch_where(condition: Any, a: Any, b: Any) -> Any:
    return torch_function("where")(condition != 0, a, b)


def bounds(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    """Within, below and above, never on a bound; numbers, tensors and None."""
    low, high = (-1, 2) if dtype.startswith("float") or dtype == "int64" else (1, 3)

    def operand(shape: tuple[int, ...]) -> Any:
        return values(rng, shape, dtype, [(low - 2, low - 0.3), (low + 0.3, high - 0.3), (high + 0.3, high + 2)])

    for shape in ((), (3,), (2, 3), (0,)):
        yield Sample((operand(shape), low, high), note=f"{shape} between numbers")
    yield Sample((operand((3,)), low, None), note="from below")
    yield Sample((operand((3,)), None, high), note="from above")
    yield Sample((operand((2, 3)),), {"min": low}, "min=")
    yield Sample((operand((3,)), None, None), note="not at all")
    if dtype.startswith("float"):
        yield Sample((operand((2, 3)), np.full((3,), low, dtype), np.full((2, 1), high, dtype)), note="between tensors")
        yield Sample((operand(()), np.full((2,), low, dtype), None), note="from below by a tensor")
        yield Sample((operand((3,)), low, np.full((2, 1), high, dtype)), note="a number and a tensor")
        yield Sample((operand((3,)), np.full((3,), high, dtype), np.full((3,), low, dtype)), note="bounds crossed")


def torch_clip(x: Any, min: Any = None, max: Any = None) -> Any:
    import torch

    if min is None and max is None:
        return x * 1
    if isinstance(min, torch.Tensor) or isinstance(max, torch.Tensor):
        min = torch.full_like(x, -INF) if min is None else torch.as_tensor(min, dtype=x.dtype)
        max = torch.full_like(x, INF) if max is None else torch.as_tensor(max, dtype=x.dtype)
        x, min, max = torch.broadcast_tensors(x, min, max)
    return torch.clamp(x, min, max)


UNORDERED = (0.0, 1.0, -1.0, INF, -INF, NAN)

ROWS = [
    Row(
        "where",
        tg.where,
        choices,
        numpy=np.where,
        torch=torch_where,
        dtypes=ALL,
        grad=(1, 2),
        ops=("where", "gate"),
        special=[
            Sample(
                (np.asarray([True, False]), np.asarray([1.0, NAN]), np.asarray([INF, 2.0])),
                note="the other is not finite",
            )
        ],
        bad=[
            Bad((np.ones(2, bool), "1", 2.0), DTypeError, "expected a tensor, an array or a number, got str"),
            Bad((np.ones(3, bool), np.ones(2), 1.0), ShapeError, r"shapes \[3\] and \[2\] do not broadcast"),
        ],
    ),
    binary(
        "maximum",
        np.maximum,
        on=([(0.5, 1.0), (2.0, 2.5)], [(1.2, 1.8), (-1.0, 0.2)]),
        torch=of_tensors("maximum"),
        special=[grid(*UNORDERED)],
    ),
    binary(
        "minimum",
        np.minimum,
        on=([(0.5, 1.0), (2.0, 2.5)], [(1.2, 1.8), (-1.0, 0.2)]),
        torch=of_tensors("minimum"),
        special=[grid(*UNORDERED)],
    ),
    binary(
        "fmax",
        np.fmax,
        on=([(0.5, 1.0), (2.0, 2.5)], [(1.2, 1.8), (-1.0, 0.2)]),
        torch=of_tensors("fmax"),
        special=[grid(*UNORDERED)],
    ),
    binary(
        "fmin",
        np.fmin,
        on=([(0.5, 1.0), (2.0, 2.5)], [(1.2, 1.8), (-1.0, 0.2)]),
        torch=of_tensors("fmin"),
        special=[grid(*UNORDERED)],
    ),
    Row(
        "clip",
        tg.clip,
        bounds,
        numpy=np.clip,
        torch=torch_clip,
        dtypes=NUMBERS,
        grad=(0, 1, 2),
        special=[
            Sample((np.asarray([-1.0, 0.0, 0.5, 1.0, 2.0, INF, -INF, NAN]), 0.0, 1.0), note="on the bounds"),
            special([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0], [0.0] * 6, [1.0] * 6, note="on the bounds, tensors"),
            special([0.0, 1.0, 2.0, 5.0], [1.0, 1.0, 4.0, 3.0], [1.0, 1.0, 2.0, 2.0], note="bounds crossed"),
        ],
        bad=[
            Bad(("1", 0.0, 1.0), DTypeError, "expected a tensor, an array or a number, got str"),
            Bad((np.ones(3), np.ones(2), None), ShapeError, r"shapes \[3\] and \[2\] do not broadcast"),
        ],
    ),
    unary(
        "nan_to_num",
        np.nan_to_num,
        torch=lambda x, nan=0.0, posinf=None, neginf=None: torch_function("nan_to_num")(x, nan, posinf, neginf),
        dtypes=NUMBERS,
        keywords=({}, {"nan": 1.5}, {"posinf": 9.0, "neginf": -9.0}),
    ),
]
