"""Half precision: what takes several steps is computed in single precision and rounded once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["NOTHING", "in_single"]

SINGLE = np.dtype(np.float32)
NOTHING = -750.0
"""Past this exp is 0 in every type."""


def in_single(body: Callable[..., Any]) -> Callable[..., Any]:
    """``body(m, *arrays, **params)`` for operands of two bytes computed in float32: faster, and without overflow.

    The result comes back in the type of the first operand. Runs on bare arrays and on Tensors.
    """

    @functools.wraps(body)
    def widened(m: Any, *arrays: Any, **params: Any) -> Any:
        dtype = arrays[0].dtype
        if getattr(dtype, "itemsize", 4) != 2:
            return body(m, *arrays, **params)
        wide = [m.astype(x, dtype=SINGLE) for x in arrays]
        return m.astype(body(m, *wide, **params), dtype=dtype)

    return widened
