"""Types of elements, and how the types of operands decide a result's.

NumPy 2's promotion, with two changes: an integer or boolean array beside a floating one takes the floating dtype (so
that a masked mean of float32 stays float32), and what makes floats of integers makes the default floating dtype.

An op's ``kind`` names its rule: ``same`` (operands are promoted, the result has their type), ``float`` (likewise, after
integers became floating), ``bool`` (operands are promoted, the result is boolean), ``condition`` (like ``same``, past a
boolean first operand), ``none`` (the op decides).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .errors import DTypeError

__all__ = ["DType", "is_floating", "is_scalar", "promoted", "result_dtype", "to_dtype"]

DType: TypeAlias = Any
_SCALARS = (bool, int, float, complex)


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Real or complex floating, bfloat16 (a type NumPy does not count among its own) included."""
    return dtype.kind in "fc" or dtype.name == "bfloat16"


def is_scalar(x: object) -> bool:
    """A Python number, whose type gives way to an array's. NumPy's scalars do not: they are arrays here."""
    return type(x) in _SCALARS


def to_dtype(spec: Any) -> np.dtype[Any]:
    """A dtype from anything NumPy takes for one, or ``"bfloat16"``. Raises DTypeError."""
    try:
        if spec is float:
            from .core.state import get_state

            return get_state().dtype
        if isinstance(spec, str) and spec == "bfloat16":
            import ml_dtypes

            return np.dtype(ml_dtypes.bfloat16)  # type: ignore[no-any-return]
        return np.dtype(spec)  # type: ignore[no-any-return]
    except TypeError:
        raise DTypeError(f"expected a dtype such as 'float32', got {spec!r}") from None
    except ImportError:
        raise DTypeError("bfloat16 needs ml_dtypes: pip install ml_dtypes") from None


def result_dtype(dtypes: Sequence[np.dtype[Any]], scalars: Sequence[Any], kind: str, default: np.dtype[Any]) -> Any:
    """The type operands are brought to before an op of ``kind``: from the arrays' dtypes and the Python scalars."""
    floating = [d for d in dtypes if is_floating(d)]
    if floating:
        common = floating[0] if len(floating) == 1 else np.result_type(*floating)
    elif kind == "float" or any(type(s) in (float, complex) for s in scalars):
        common = default
    elif dtypes:
        whole = [s for s in scalars if type(s) is int]
        common = np.result_type(*dtypes, *whole)
    else:
        common = np.result_type(*scalars)
    if any(type(s) is complex for s in scalars):
        common = np.result_type(common, np.complex64)
    return common


def promoted(values: list[Any], kind: str, default: np.dtype[Any]) -> list[Any]:
    """Operands (arrays and Python scalars) with integers cast where a floating type is wanted.

    Floating arrays of different widths are left to the backend, which promotes them as it computes.
    """
    first = 1 if kind == "condition" else 0
    arrays = [v for v in values[first:] if hasattr(v, "dtype")]
    scalars = [v for v in values[first:] if is_scalar(v)]
    dtypes = [a.dtype for a in arrays]
    if all(is_floating(d) for d in dtypes):
        return values
    common = result_dtype(dtypes, scalars, kind, default)
    if not is_floating(common):
        return values
    return values[:first] + [
        v.astype(common) if hasattr(v, "dtype") and not is_floating(v.dtype) else v for v in values[first:]
    ]
