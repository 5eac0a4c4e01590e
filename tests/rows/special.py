"""Rows of ``tensorgrad.ops.special``."""

from __future__ import annotations

from typing import Any

import numpy as np
from optable import HALF, INTS, Bad
from pointwise import INF, NAN, NOT_ZERO, POSITIVE, binary, in_double, of_tensors, special, unary

import tensorgrad as tg
from tensorgrad.errors import ArgumentError

NUMBERS = (*INTS, *HALF)


def scipys(name: str) -> Any:
    """SciPy's special function, in double precision."""

    def call(*args: Any, **kwargs: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*args, **kwargs)

    return in_double(call)


def clipped_logit(x: Any, eps: float | None = None) -> Any:
    x = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(x) - np.log1p(-x)


ROWS = [
    unary("erf", scipys("erf")),
    unary("erfc", scipys("erfc")),
    unary(
        "erfinv", scipys("erfinv"), on=[(-0.9, 0.9)], dtypes=HALF, order=3, tolerance=5, limits=(0.0, 0.5, -0.5, NAN)
    ),
    unary(
        "lgamma",
        scipys("gammaln"),
        on=[(0.4, 4.0), (-0.8, -0.3)],
        dtypes=HALF,
        order=3,
        limits=(0.5, 1.0, 3.0, -0.5, NAN),
    ),
    unary("digamma", scipys("digamma"), on=[(0.4, 4.0), (-0.8, -0.3)], dtypes=HALF, order=3, tolerance=2, special=()),
    unary(
        "polygamma",
        lambda x, n=1: scipys("polygamma")(n, x),
        call=lambda x, n=1: tg.polygamma(n, x),
        torch=None,  # less exact than SciPy's
        on=[(0.6, 4.0)],
        dtypes=HALF,
        keywords=({"n": 1}, {"n": 0}, {"n": 2}, {"n": 3}),
        tolerance=5,
        ops=("polygamma",),
        bad=[
            Bad((np.ones(2),), ArgumentError, "expected an order n of 0 or more, got -1", {"n": -1}),
        ],
    ),
    binary(
        "xlogy",
        scipys("xlogy"),
        on=(NOT_ZERO, POSITIVE),
        torch=of_tensors("xlogy"),
        dtypes=NUMBERS,
        special=[special([1.0, 0.0, 2.0, 1.0, INF, 0.0], [0.0, 1.0, INF, NAN, 1.0, INF])],
        special_numpy=[special([0.0, 0.0, 0.0, NAN], [0.0, NAN, -1.0, 1.0])],
    ),
    unary(
        "logit",
        in_double(clipped_logit),
        on=[(0.1, 0.9)],
        dtypes=HALF,
        keywords=({}, {"eps": 0.25}),
        limits=(0.0, 0.25, 0.5, 0.75, 1.0),
        order=3,
    ),
    unary(
        "sinc",
        in_double(np.sinc),
        on=[(-3.1, -0.2), (0.2, 3.1), (-0.01, 0.01)],
        limits=(0.0, -0.0, 0.25, -0.5, 2.5, NAN),
        order=4,
        ops=("sinc", "sinc_derivative"),
        tolerance=2,
    ),
]
