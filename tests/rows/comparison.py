"""Rows of ``tensorgrad.ops.comparison``."""

from __future__ import annotations

import numpy as np
from optable import ALL, INTS, Bad
from pointwise import FLOATS_HAVE_NO_BITS, INF, NAN, NO_NUMBER, binary, grid, unary

from tensorgrad.errors import ShapeError

ORDER = {"dtypes": ALL, "grad": (), "on": [(-1.2, 1.2)], "special": [grid(0.0, -0.0, 1.0, -INF, INF, NAN)]}
LOGIC = {"dtypes": ALL, "grad": (), "special": [grid(0.0, -0.0, 1.0, INF, NAN)]}
QUESTION = {"dtypes": ALL, "grad": ()}
BITS_MISFIT = Bad(
    (np.ones((2, 3), int), np.ones((2, 2), int)), ShapeError, r"shapes \[2, 3\] and \[2, 2\] do not broadcast"
)
BITS = {"dtypes": ("bool", *INTS), "grad": (), "bad": [NO_NUMBER, BITS_MISFIT, FLOATS_HAVE_NO_BITS]}
PLACES = {"dtypes": INTS, "grad": (), "on": ([(-9, 9)], [(0, 4)]), "bad": BITS["bad"]}


def torch_logical(name: str):
    """PyTorch's takes no Python numbers."""

    def call(a, b):
        import torch

        return getattr(torch, name)(torch.as_tensor(a), torch.as_tensor(b))

    return call


ROWS = [
    binary("equal", np.equal, torch=lambda a, b: a == b, **ORDER),
    binary("not_equal", np.not_equal, torch=lambda a, b: a != b, **ORDER),
    binary("less", np.less, torch=lambda a, b: a < b, **ORDER),
    binary("less_equal", np.less_equal, torch=lambda a, b: a <= b, **ORDER),
    binary("greater", np.greater, torch=lambda a, b: a > b, **ORDER),
    binary("greater_equal", np.greater_equal, torch=lambda a, b: a >= b, **ORDER),
    binary("logical_and", np.logical_and, torch=torch_logical("logical_and"), **LOGIC),
    binary("logical_or", np.logical_or, torch=torch_logical("logical_or"), **LOGIC),
    binary("logical_xor", np.logical_xor, torch=torch_logical("logical_xor"), **LOGIC),
    unary("logical_not", np.logical_not, **QUESTION),
    unary("isnan", np.isnan, **QUESTION),
    unary("isinf", np.isinf, **QUESTION),
    unary("isfinite", np.isfinite, **QUESTION),
    unary("signbit", np.signbit, **QUESTION),
    binary("bitwise_and", np.bitwise_and, **BITS),
    binary("bitwise_or", np.bitwise_or, **BITS),
    binary("bitwise_xor", np.bitwise_xor, **BITS),
    unary(
        "bitwise_invert", np.bitwise_invert, torch="bitwise_not", limits=(), special=(), dtypes=("bool", *INTS), grad=()
    ),
    binary("bitwise_left_shift", np.bitwise_left_shift, **PLACES),
    binary("bitwise_right_shift", np.bitwise_right_shift, **PLACES),
]
