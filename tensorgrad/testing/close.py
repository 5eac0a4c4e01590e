"""Comparing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..dtypes import is_floating

__all__ = ["assert_close", "host"]

_TOLERANCES = {"float16": 1e-3, "bfloat16": 1.6e-2, "float32": 1e-5, "float64": 1e-7}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_dtype: bool = True,
) -> None:
    """Raise AssertionError unless shapes, dtypes and values agree: ``|actual - expected| <= atol + rtol |expected|``.

    Parameters:
        actual, expected: tensors, arrays, numbers, or nested tuples, lists and dicts of them, alike in structure.
        rtol, atol: default to what the less precise of the two dtypes allows (1e-5 for float32, 1e-7 for float64,
            1e-3 for float16); 0 where neither is floating.
        equal_nan: NaN agrees with NaN.
        check_dtype: dtypes must be equal too. Python numbers have no dtype and fit any.

    The message says where the largest difference is, and how many elements differ.

    >>> import tensorgrad as tg
    >>> from tensorgrad.testing import assert_close
    >>> assert_close(tg.tensor([1.0, 2.0]) / 3 * 3, tg.tensor([1.0, 2.0]))
    >>> assert_close(tg.tensor([1.0, 2.0]), [1.0, 2.5])
    Traceback (most recent call last):
    AssertionError: values differ in 1 of 2 elements; the largest difference is 0.5 at [1]: 2.0, expected 2.5...
    """
    _assert_close(actual, expected, "", rtol, atol, equal_nan, check_dtype)


def _assert_close(a: Any, e: Any, where: str, rtol: Any, atol: Any, equal_nan: bool, check_dtype: bool) -> None:
    prefix = f"{where}: " if where else ""
    if isinstance(e, dict) or (isinstance(e, (list, tuple)) and isinstance(a, (list, tuple))):
        keys = list(e) if isinstance(e, dict) else list(range(len(e)))
        theirs = list(a) if isinstance(a, dict) else list(range(len(a)))
        if set(keys) != set(theirs):
            raise AssertionError(f"{prefix}expected the parts {keys}, got {theirs}")
        for key in keys:
            _assert_close(a[key], e[key], f"{where}[{key!r}]", rtol, atol, equal_nan, check_dtype)
        return
    x, y = host(a), host(e)
    if x.shape != y.shape:
        raise AssertionError(f"{prefix}expected shape {list(y.shape)}, got {list(x.shape)}")
    typed = hasattr(a, "dtype") and hasattr(e, "dtype")
    if check_dtype and typed and x.dtype != y.dtype:
        raise AssertionError(f"{prefix}expected dtype {y.dtype}, got {x.dtype}")
    default = _tolerance(a, e)
    _compare(x, y, default if rtol is None else rtol, default if atol is None else atol, equal_nan, prefix)


def _tolerance(*values: Any) -> float:
    names = [host(v).dtype.name for v in values if hasattr(v, "dtype")]
    floating = [_TOLERANCES.get(name, 1e-7) for name in names if is_floating(np.dtype(name))]
    return max(floating, default=1e-7 if not names else 0.0)


def _compare(x: Any, y: Any, rtol: float, atol: float, equal_nan: bool, prefix: str) -> None:
    a, b = (v.astype(np.float64) if is_floating(v.dtype) and v.dtype.kind != "c" else v for v in (x, y))
    close = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if close.all():
        return
    with np.errstate(all="ignore"):
        difference = np.abs(np.subtract(a, b, dtype=np.result_type(a, b, np.float64)))
    difference = np.where(close, -1, np.where(np.isnan(difference), np.inf, difference))
    worst = tuple(map(int, np.unravel_index(int(np.argmax(difference)), x.shape)))
    count = f"{int((~close).sum())} of {close.size} elements"
    raise AssertionError(
        f"{prefix}values differ in {count}; the largest difference is {float(difference[worst]):.6g} at {list(worst)}: "
        f"{x[worst]}, expected {y[worst]} (rtol={rtol:g}, atol={atol:g})"
    )


def host(x: Any) -> Any:
    """The values as a NumPy array."""
    if not isinstance(x, Tensor):
        if not hasattr(x, "dtype"):
            return np.asarray(x)
        x = Tensor(np.asarray(x) if isinstance(x, np.generic) else x)
    return x.backend.to_numpy(x.data)
