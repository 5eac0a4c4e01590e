"""Rows of ``tensorgrad.ops.functions``."""

from __future__ import annotations

import numpy as np
from optable import HALF, INTS
from pointwise import (
    BETWEEN_INTEGERS,
    INF,
    NAN,
    NOT_ZERO,
    POSITIVE,
    binary,
    grid,
    in_double,
    of_tensors,
    special,
    unary,
)

NUMBERS = (*INTS, *HALF)
UNIT = [(-0.9, 0.9)]
WHOLE = (0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e30, INF, -INF, NAN)

ROWS = [
    unary("exp", in_double(np.exp)),
    unary("exp2", in_double(np.exp2)),
    unary("expm1", in_double(np.expm1)),
    unary("log", in_double(np.log), on=POSITIVE, dtypes=NUMBERS),
    unary("log1p", in_double(np.log1p), on=[(-0.7, 3)]),
    unary("log2", in_double(np.log2), on=POSITIVE, dtypes=NUMBERS),
    unary("log10", in_double(np.log10), on=POSITIVE, dtypes=NUMBERS),
    binary(
        "logaddexp",
        in_double(np.logaddexp),
        torch=of_tensors("logaddexp"),
        dtypes=NUMBERS,
        ops=("logaddexp", "log_difference"),
        special=[special([0.0, 1000.0, -1000.0, INF, -INF, 2.0, NAN], [0.0, -1000.0, 1000.0, 1.0, 1.0, -INF, 0.0])],
        special_numpy=[grid(0.0, 1000.0, INF, -INF)],
    ),
    unary("sin", in_double(np.sin)),
    unary("cos", in_double(np.cos)),
    unary("tan", in_double(np.tan), on=[(-1.2, 1.2)]),
    unary("asin", in_double(np.arcsin), on=UNIT),
    unary("acos", in_double(np.arccos), on=UNIT),
    unary("atan", in_double(np.arctan)),
    binary(
        "atan2",
        in_double(np.arctan2),
        on=NOT_ZERO,
        torch=of_tensors("atan2"),
        dtypes=NUMBERS,
        special=[special([0.0, 0.0, 1.0, -1.0, 0.0, NAN], [0.0, -1.0, 0.0, 0.0, 2.0, 1.0])],
        special_numpy=[grid(0.0, -0.0, 1.0, INF, -INF)],
    ),
    unary("sinh", in_double(np.sinh)),
    unary("cosh", in_double(np.cosh)),
    unary("tanh", in_double(np.tanh), ops=("tanh", "tanh_vjp"), order=3),
    unary("asinh", in_double(np.arcsinh)),
    unary("acosh", in_double(np.arccosh), on=[(1.3, 4.0)], dtypes=NUMBERS, limits=(1.0, 3.0, 1e4, 0.5, INF, NAN)),
    unary("atanh", in_double(np.arctanh), on=UNIT, dtypes=HALF),
    unary("deg2rad", in_double(np.deg2rad), on=[(-180.0, 180.0)]),
    unary("rad2deg", in_double(np.rad2deg), tolerance=2),
    unary("floor", np.floor, on=BETWEEN_INTEGERS, dtypes=NUMBERS, limits=WHOLE),
    unary("ceil", np.ceil, on=BETWEEN_INTEGERS, dtypes=NUMBERS, limits=WHOLE),
    unary("trunc", np.trunc, on=BETWEEN_INTEGERS, dtypes=NUMBERS, limits=WHOLE),
    unary(
        "round",
        np.round,
        torch=lambda x, decimals=0: of_tensors("round")(x, decimals=decimals),
        on=BETWEEN_INTEGERS,
        dtypes=HALF,
        limits=(0.0, 0.5, -0.5, 1.5, 2.5, -2.5, INF, -INF, NAN),
        keywords=({}, {"decimals": 1}, {"decimals": -1}),
        ops=("round", "round_decimals"),
    ),
]
