"""Rows of ``tensorgrad.ops.arithmetic``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from optable import ALL, HALF, INTS, Bad, Row, Sample
from pointwise import (
    INF,
    MISFIT,
    NAN,
    NO_NUMBER,
    NOT_ZERO,
    POSITIVE,
    REAL,
    binary,
    grid,
    in_double,
    of_tensors,
    special,
    torch_function,
    unary,
    values,
)

import tensorgrad as tg
from tensorgrad.errors import DTypeError

NUMBERS = (*INTS, *HALF)


def torch_divide(mode: str | None) -> Any:
    return lambda a, b: torch_function("div")(a, b, rounding_mode=mode)


EXPONENTS = (-3, -2.0, -1, -0.5, 0, 0.5, 1, 2, 3, 4.0, 5, 6, 0.7, True)


def powers(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
    """Positive bases with any exponent, bases of any sign with whole ones, and numbers on either side."""
    if not dtype.startswith("float"):
        yield Sample((values(rng, (2, 3), dtype), values(rng, (3,), dtype, [(0, 3)])), note="integers")
        yield Sample((values(rng, (3,), dtype), 2), note="integers squared")
        return
    for shapes in ((), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((0,), (1,)), ((2, 2), ()):
        yield Sample((values(rng, shapes[0], dtype, POSITIVE), values(rng, shapes[1], dtype)), note=str(shapes))
    for n in EXPONENTS:
        signed = float(n).is_integer()
        yield Sample((values(rng, (2, 3), dtype, NOT_ZERO if signed else POSITIVE), n), note=f"** {n}")
    yield Sample((values(rng, (), dtype, NOT_ZERO), 3), note="0-d ** 3")
    yield Sample((2.5, values(rng, (3,), dtype)), note="a number's power")
    yield Sample((1, values(rng, (3,), dtype)), note="the power of 1")


def numpy_power(a: Any, b: Any) -> Any:
    """NumPy's, but a boolean is the number it is."""
    return np.power(a, int(b) if isinstance(b, bool) else b)


def constant(n: Any, *bases: float) -> Sample:
    return Sample((np.asarray(bases), n), note=f"** {n}")


ROWS = [
    binary("add", np.add, dtypes=ALL, special=[grid(0.0, -0.0, 1.0, INF, -INF, NAN)]),
    binary("subtract", np.subtract, dtypes=NUMBERS, special=[grid(0.0, -0.0, 1.0, INF, -INF, NAN)]),
    binary("multiply", np.multiply, dtypes=ALL, special=[grid(0.0, -0.0, 1.0, INF, -INF, NAN)]),
    binary(
        "divide",
        in_double(np.divide),
        on=(REAL, NOT_ZERO),
        dtypes=NUMBERS,
        special=[grid(0.0, -0.0, 1.0, INF, -INF, NAN)],
    ),
    binary(
        "floor_divide",
        np.floor_divide,
        on=([(2.1, 3.8), (-3.8, -2.1)], [(0.9, 1.05), (-1.05, -0.9)]),
        torch=torch_divide("floor"),
        dtypes=("int32", "int64", *HALF),
        special=[special([1.0, -1.0, 7.0, -7.0, INF, NAN], [0.0, 0.0, 2.0, 2.0, 2.0, 2.0])],
    ),
    binary(
        "remainder",
        np.remainder,
        torch=of_tensors("remainder"),
        on=([(2.2, 2.8), (-2.8, -2.2)], [(0.95, 1.05), (-1.05, -0.95)]),
        dtypes=("int32", "int64", *HALF),
        special=[special([7.0, -7.0, 7.0, -7.0, NAN], [2.0, 2.0, -2.0, -2.0, 2.0])],
    ),
    binary(
        "fmod",
        np.fmod,
        on=([(2.2, 2.8), (-2.8, -2.2)], [(0.95, 1.05), (-1.05, -0.95)]),
        dtypes=("int32", "int64", *HALF),
        torch=of_tensors("fmod"),
        special=[special([7.0, -7.0, 7.0, -7.0, NAN], [2.0, 2.0, -2.0, -2.0, 2.0])],
    ),
    Row(
        "pow",
        tg.pow,
        powers,
        numpy=numpy_power,
        torch=torch_function("pow"),
        dtypes=NUMBERS,
        grad=(0, 1),
        tolerance=2,
        special=[
            grid(0.0, 1.0, 2.0, 0.5, note="no negative"),
            special([0.0, 0.0, 0.0, -0.0], [-1.0, -2.0, -0.5, -1.0], note="zero to a negative power"),
            special([-2.0, -2.0, -2.0, -1.0, -1.0], [2.0, 3.0, 0.0, 0.0, -1.0], note="negative base"),
            special([INF, INF, 2.0, 0.5, 1.0], [1.0, 2.0, INF, INF, NAN], note="infinite"),
            *(constant(n, 0.0, 1.0, -1.0, 2.0, -3.0, INF, NAN) for n in (0, 1, 2, 3, 4, 5, 6, -2, -3)),
            *(constant(n, 0.0, 1.0, 2.0, INF, NAN) for n in (0.5, 1.5, -0.5, -1.5)),
            Sample((0.0, np.asarray([0.0, 1.0, 2.0])), note="0 ** b"),
            Sample((2.0, np.asarray([0.0, 1.0, -1.0, INF, -INF])), note="2 ** b"),
        ],
        bad=[NO_NUMBER, MISFIT, Bad((np.arange(3), -1), DTypeError, "integers to a negative power")],
    ),
    unary("negative", np.negative, dtypes=NUMBERS),
    unary("positive", np.positive, dtypes=NUMBERS),
    unary("abs", np.abs, on=NOT_ZERO, limits=(0.0, -0.0, 1.0, -1.0, INF, -INF)),
    unary("sign", np.sign, on=NOT_ZERO, dtypes=NUMBERS, limits=(0.0, -0.0, 1.0, -1.0, INF, -INF)),
    binary(
        "copysign",
        in_double(np.copysign),
        on=NOT_ZERO,
        torch=of_tensors("copysign"),
        dtypes=HALF,
        special=[special([0.0, -0.0, 1.0, -1.0, 1.0, -1.0, 0.0], [1.0, -1.0, 0.0, -0.0, -INF, INF, -1.0])],
    ),
    binary("nextafter", np.nextafter, torch=of_tensors("nextafter"), dtypes=("float32", "float64"), grad=()),
    unary("reciprocal", in_double(np.reciprocal), on=NOT_ZERO, dtypes=("int32", "int64", *HALF)),
    unary("square", np.square, dtypes=NUMBERS),
    unary("sqrt", in_double(np.sqrt), on=POSITIVE),
    unary("rsqrt", in_double(lambda x: 1 / np.sqrt(x)), on=POSITIVE, dtypes=("int32", "int64", *HALF)),
    unary(
        "cbrt", in_double(np.cbrt), on=NOT_ZERO, torch=None, special_numpy=[special([0.0, -0.0, 8.0, INF, -INF, NAN])]
    ),
    binary(
        "hypot",
        in_double(np.hypot),
        on=NOT_ZERO,
        torch=of_tensors("hypot"),
        dtypes=HALF,
        special=[special([1.0, 0.0, -3.0, NAN], [0.0, -1.0, 4.0, 1.0])],
        special_numpy=[special([1e200, 0.0, INF], [1e200, 0.0, NAN])],
    ),
]
