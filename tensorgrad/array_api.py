"""What the array API standard asks of a namespace besides functions over arrays: dtypes, constants, inspection.

Python array API standard 2024.12: https://data-apis.org/array-api/2024.12/
"""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import Any, final

import numpy as np

from .backends.base import Device
from .backends.registry import find
from .core.state import get_state
from .core.tensor import Tensor
from .dtypes import is_floating, is_scalar, to_dtype
from .dtypes import result_dtype as _result_dtype
from .errors import DTypeError
from .modes import get_default_device

__all__ = [
    "Info",
    "__array_api_version__",
    "__array_namespace_info__",
    "bool",
    "can_cast",
    "complex64",
    "complex128",
    "double",
    "e",
    "finfo",
    "float16",
    "float32",
    "float64",
    "half",
    "iinfo",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "long",
    "nan",
    "newaxis",
    "pi",
    "result_type",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]  # fmt: skip

__array_api_version__ = "2024.12"

bool = np.dtype(np.bool_)
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
uint16 = np.dtype(np.uint16)
uint32 = np.dtype(np.uint32)
uint64 = np.dtype(np.uint64)
float16 = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
complex64 = np.dtype(np.complex64)
complex128 = np.dtype(np.complex128)
half = float16
double = float64
long = int64

e = 2.718281828459045
pi = 3.141592653589793
inf = float("inf")
nan = float("nan")
newaxis = None

_KINDS: dict[str, tuple[np.dtype[Any], ...]] = {
    "bool": (bool,),
    "signed integer": (int8, int16, int32, int64),
    "unsigned integer": (uint8, uint16, uint32, uint64),
    "integral": (int8, int16, int32, int64, uint8, uint16, uint32, uint64),
    "real floating": (float16, float32, float64),
    "complex floating": (complex64, complex128),
}
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


def isdtype(dtype: Any, kind: Any) -> builtins.bool:
    """Whether a dtype is another, or of a kind, or any of a tuple of these.

    Kinds: ``"bool"``, ``"signed integer"``, ``"unsigned integer"``, ``"integral"``, ``"real floating"`` (float16 and
    bfloat16 included), ``"complex floating"``, ``"numeric"``. Raises DTypeError for any other text.

    >>> import tensorgrad as tg
    >>> tg.isdtype(tg.float32, "real floating"), tg.isdtype(tg.int8, ("bool", tg.int8))
    (True, True)
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, part) for part in kind)
    wanted = to_dtype(dtype)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise DTypeError(f"expected a kind of dtype, one of {', '.join(map(repr, _KINDS))}; got {kind!r}")
        if wanted.name == "bfloat16":
            return kind in ("real floating", "numeric")
        return wanted in _KINDS[kind]
    return wanted == to_dtype(kind)


def can_cast(from_: Any, to: Any, /) -> builtins.bool:
    """Whether promotion may turn one dtype (or a tensor's) into another, as in ``np.can_cast``.

    Raises DTypeError for what is no dtype.

    >>> import tensorgrad as tg
    >>> tg.can_cast(tg.float32, tg.float64), tg.can_cast(tg.float64, tg.float32)
    (True, False)
    """
    return builtins.bool(np.can_cast(from_.dtype if isinstance(from_, Tensor) else to_dtype(from_), to_dtype(to)))


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that operands are promoted to: NumPy's rules, except that floating beats integer at any width.

    Parameters:
        arrays_and_dtypes: tensors, arrays, dtypes and Python scalars; at least one must have a dtype.

    Raises DTypeError if none has.

    >>> import tensorgrad as tg
    >>> tg.result_type(tg.float32, tg.int64), tg.result_type(tg.int8, 1.0)
    (dtype('float32'), dtype('float32'))
    """
    scalars = [x for x in arrays_and_dtypes if is_scalar(x)]
    dtypes = [x.dtype if hasattr(x, "dtype") else to_dtype(x) for x in arrays_and_dtypes if not is_scalar(x)]
    if not dtypes:
        raise DTypeError("result_type: expected at least one tensor or dtype")
    common: np.dtype[Any] = _result_dtype(dtypes, scalars, "same", get_state().dtype)
    return np.dtype(common)


def _dtype_of(spec: Any) -> np.dtype[Any]:
    found: np.dtype[Any] = spec.dtype if isinstance(spec, Tensor) else to_dtype(spec)
    return found


def finfo(type: Any, /) -> Any:
    """Limits of a floating dtype (or a tensor's): ``bits``, ``eps``, ``max``, ``min``, ``smallest_normal``, ``dtype``.

    Raises DTypeError for any other dtype.

    >>> import tensorgrad as tg
    >>> float(tg.finfo(tg.float32).max)
    3.4028234663852886e+38
    """
    dtype = _dtype_of(type)
    if not is_floating(dtype):
        raise DTypeError(f"finfo: expected a floating dtype, got {dtype}; tg.iinfo has the limits of integers")
    if dtype.name == "bfloat16":
        import ml_dtypes

        return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call, unused-ignore]
    return np.finfo(dtype)


def iinfo(type: Any, /) -> Any:
    """Limits of an integer dtype (or a tensor's): ``bits``, ``max``, ``min``, ``dtype``.

    Raises DTypeError for any other dtype.

    >>> import tensorgrad as tg
    >>> tg.iinfo(tg.int8).max
    127
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "iu":
        raise DTypeError(f"iinfo: expected an integer dtype, got {dtype}; tg.finfo has the limits of floating ones")
    return np.iinfo(dtype)


@final
class Info:
    """What this array namespace can do: the answer of ``__array_namespace_info__()``."""

    __slots__ = ()

    def capabilities(self) -> dict[str, Any]:
        """Boolean indexing and shapes that depend on values are supported; at most 64 dimensions.

        >>> import tensorgrad as tg
        >>> tg.__array_namespace_info__().capabilities()["boolean indexing"]
        True
        """
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """Where creation functions put tensors."""
        return get_default_device()

    def default_dtypes(self, *, device: Device | str | None = None) -> dict[str, np.dtype[Any]]:
        """The dtypes that Python numbers become; they are the same on every device."""
        floating = get_state().dtype
        return {
            "real floating": floating,
            "complex floating": complex128 if floating == float64 else complex64,
            "integral": int64,
            "indexing": int64,
        }

    def dtypes(self, *, device: Device | str | None = None, kind: Any = None) -> dict[str, np.dtype[Any]]:
        """The standard's dtypes by name, of a kind (or several) as in ``isdtype``; the same on every device."""
        known = (bool, *(d for d in _KINDS["numeric"] if d != float16))
        return {d.name: d for d in known if kind is None or isdtype(d, kind)}

    def devices(self) -> list[Device]:
        """The devices that can be used now."""
        found = []
        for name in ("cpu", "cuda"):
            try:
                found += find(name).devices()
            except Exception:
                continue
        return found

    def __repr__(self) -> str:
        return f"<array API {__array_api_version__} of tensorgrad>"


def __array_namespace_info__() -> Info:
    """What this array namespace can do: capabilities, devices and dtypes, as the array API standard asks.

    >>> import tensorgrad as tg
    >>> tg.__array_namespace_info__().default_dtypes()["real floating"]
    dtype('float32')
    """
    return Info()


def namespace_of(version: str | None = None) -> ModuleType:
    """The namespace ``tensorgrad``. Raises DTypeError for a version of the standard it does not follow."""
    if version is not None and version not in ("2021.12", "2022.12", "2023.12", "2024.12"):
        raise DTypeError(f"expected a version of the array API up to {__array_api_version__}, got {version!r}")
    return sys.modules[__name__.rpartition(".")[0]]
