"""Rows of ``tensorgrad.ops.activations`` and ``tensorgrad.ops.rectifiers``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from optable import HALF, INTS, Bad
from pointwise import EVERYWHERE, INF, NAN, NOT_ZERO, in_double, torch_function, unary

from tensorgrad.errors import ArgumentError

FINITE = tuple(x for x in EVERYWHERE if math.isfinite(x)) + (NAN,)
NUMBERS = tuple(x for x in EVERYWHERE if not math.isnan(x))


def functional(name: str) -> Any:
    return torch_function(f"nn.functional.{name}")


def sigmoid(x: Any) -> Any:
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return np.where(x * beta > threshold, x, np.logaddexp(x * beta, 0) / beta)


def gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * np.vectorize(math.erfc, otypes=[float])(-x * math.sqrt(0.5))


def elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def selu(x: Any) -> Any:
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def celu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def relu6(x: Any) -> Any:
    return np.clip(x, 0, 6)


ROWS = [
    unary("sigmoid", in_double(sigmoid), torch="sigmoid", ops=("sigmoid", "sigmoid_vjp"), order=3),
    unary("log_sigmoid", in_double(lambda x: -np.logaddexp(0, -x)), torch=functional("logsigmoid"), order=3),
    unary(
        "softplus",
        in_double(softplus),
        torch=functional("softplus"),
        keywords=({}, {"beta": 2.0}, {"beta": 0.5, "threshold": 1.0}),
        on=[(-4.0, 1.8), (2.2, 4.0)],
        ops=("softplus", "softplus_vjp"),
        order=3,
    ),
    unary(
        "silu",
        in_double(lambda x: x * sigmoid(x)),
        torch=functional("silu"),
        limits=FINITE,
        order=3,
        ops=("silu", "silu_vjp"),
    ),
    unary(
        "gelu",
        in_double(gelu),
        torch=functional("gelu"),
        keywords=({}, {"approximate": "tanh"}),
        limits=FINITE,
        order=3,
        ops=("gelu", "gelu_vjp"),
        bad=[
            Bad(
                (np.ones(2),), ArgumentError, "expected approximate='none' or 'tanh', got 'erf'", {"approximate": "erf"}
            )
        ],
    ),
    unary(
        "mish",
        in_double(lambda x: x * np.tanh(softplus(x))),
        torch=functional("mish"),
        limits=FINITE,
        order=3,
        ops=("mish", "mish_vjp"),
    ),
    unary("relu", lambda x: np.maximum(x, 0), torch="relu", on=NOT_ZERO, dtypes=(*INTS, *HALF)),
    unary(
        "relu6",
        in_double(relu6),
        torch=functional("relu6"),
        on=NOT_ZERO,
        limits=(*EVERYWHERE, 6.0),
        dtypes=HALF,
        ops=("hardtanh",),
    ),
    unary(
        "hardtanh",
        in_double(lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val)),
        torch=functional("hardtanh"),
        on=[(-2.0, -1.2), (-0.8, 0.8), (1.2, 2.0)],
        keywords=({}, {"min_val": -3.0, "max_val": 0.0}),
        dtypes=HALF,
        bad=[Bad((np.ones(2),), ArgumentError, "expected min_val < max_val, got 1.0 and 1.0", {"min_val": 1.0})],
    ),
    unary(
        "hardsigmoid",
        in_double(lambda x: relu6(x + 3) / 6),
        torch=lambda x: functional("relu6")(x + 3) / 6,  # its own counts a sixth in single precision
        on=[(-4.0, -3.2), (-2.8, 2.8), (3.2, 4.0)],
        limits=(0.0, 3.0, -3.0, INF, -INF),
    ),
    unary(
        "hardswish",
        in_double(lambda x: x * relu6(x + 3) / 6),
        torch=functional("hardswish"),
        on=[(-4.0, -3.2), (-2.8, 2.8), (3.2, 4.0)],
        limits=(0.0, 3.0, -3.0, INF),
    ),
    unary(
        "leaky_relu",
        in_double(lambda x, negative_slope=0.01: np.where(x > 0, x, x * negative_slope)),
        torch=functional("leaky_relu"),
        on=NOT_ZERO,
        keywords=(
            {},
            {"negative_slope": 0.25},
            {"negative_slope": 2.0},
            {"negative_slope": 0.0},
            {"negative_slope": -1.0},
        ),
    ),
    unary(
        "elu",
        in_double(elu),
        torch=functional("elu"),
        limits=NUMBERS,
        on=NOT_ZERO,
        keywords=({}, {"alpha": 2.0}, {"alpha": 0.0}, {"alpha": -1.0}),
        ops=("elu", "elu_vjp"),
    ),
    unary(
        "celu",
        in_double(celu),
        torch=functional("celu"),
        limits=NUMBERS,
        on=NOT_ZERO,
        keywords=({}, {"alpha": 2.0}),
        ops=("elu",),
        bad=[Bad((np.ones(2),), ArgumentError, "expected alpha > 0, got 0", {"alpha": 0})],
    ),
    unary("selu", in_double(selu), torch=functional("selu"), on=NOT_ZERO, limits=NUMBERS, ops=("elu",)),
    unary(
        "softsign", in_double(lambda x: x / (1 + np.abs(x))), torch=functional("softsign"), on=NOT_ZERO, limits=FINITE
    ),
]
