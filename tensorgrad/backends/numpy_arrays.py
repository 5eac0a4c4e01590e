"""Reductions, scans and views on the CPU, without what NumPy's functions spend on generality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

__all__ = ["OVERRIDES"]

_SINGLE: Final[np.dtype[Any]] = np.dtype(np.float32)
_DOUBLE: Final[np.dtype[Any]] = np.dtype(np.float64)
_ONES: Final[dict[Any, Any]] = {_SINGLE: np.ones(1024, _SINGLE), _DOUBLE: np.ones(1024, _DOUBLE)}
_add: Final[Callable[..., Any]] = np.add.reduce
_multiply: Final[Callable[..., Any]] = np.multiply.reduce


def _is_half(dtype: Any) -> bool:
    return dtype.itemsize == 2 and dtype.kind in "fV"


def sum(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    """``np.sum``; over leading axes as a product with ones, which is two to four times faster."""
    dtype = x.dtype
    if dtype is _SINGLE or dtype is _DOUBLE:
        count = len(axis)
        if not keepdims and 0 < count < x.ndim and axis[-1] == count - 1 and x.flags.c_contiguous:
            shape = x.shape
            if count > 1 or x.ndim > 2:
                rest = 1
                for n in shape[count:]:
                    rest *= n
                x = x.reshape((x.size // rest if rest else 0, rest))
            rows = x.shape[0]
            ones = _ONES[dtype][:rows] if rows <= 1024 else np.ones(rows, dtype)
            out = np.dot(ones, x)
            return out if len(shape) == count + 1 else out.reshape(shape[count:])
    elif _is_half(dtype):
        return _add(x, axis, _SINGLE, None, keepdims).astype(dtype)
    return _add(x, axis, None, None, keepdims)


def mean(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    shape = x.shape
    count = 1
    for i in axis:
        count *= shape[i]
    if _is_half(x.dtype):
        return (_add(x, axis, _SINGLE, None, keepdims) / (count or np.nan)).astype(x.dtype)
    return sum(x, axis=axis, keepdims=keepdims) / (count or np.nan)


def prod(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    if _is_half(x.dtype):
        return _multiply(x, axis, _SINGLE, None, keepdims).astype(x.dtype)
    return _multiply(x, axis, None, None, keepdims)


def _reducing(ufunc: Any) -> Callable[..., Any]:
    reduce = ufunc.reduce

    def along(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        return reduce(x, axis, None, None, keepdims)

    return along


def _truth(ufunc: Any) -> Callable[..., Any]:
    reduce = ufunc.reduce

    def along(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        return reduce(x, axis, np.bool_, None, keepdims)

    return along


def softmax_vjp(g: Any, y: Any, *, axis: tuple[int, ...]) -> Any:
    """``(g - sum(g * y)) * y``; along the last axis without an array for the products."""
    if axis == (y.ndim - 1,) and g.dtype == y.dtype and y.itemsize > 2:
        out = g - np.vecdot(g, y)[..., None]
    else:
        out = g - sum(g * y, axis=axis, keepdims=True)
    if out.ndim and out.dtype == y.dtype:
        out *= y
        return out
    return out * y


def broadcast_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    """``np.broadcast_to``, read-only as there, several times faster for memory that lies in one piece."""
    known = x.shape
    if known == shape:
        return x
    new = len(shape) - len(known)
    if new < 0 or not x.flags.c_contiguous:
        return np.broadcast_to(x, shape)
    strides = [0] * new
    for n, wanted, step in zip(known, shape[new:], x.strides):
        if n == wanted:
            strides.append(step)
        elif n == 1:
            strides.append(0)
        else:
            return np.broadcast_to(x, shape)  # raises
    try:
        out = np.ndarray(shape, x.dtype, x, 0, strides)
    except (ValueError, TypeError, BufferError):  # memory that NumPy does not take as a buffer
        return np.broadcast_to(x, shape)
    out.flags.writeable = False
    return out


def swap_last(x: Any) -> Any:
    return x.swapaxes(-1, -2)


def linear_recurrence(a: Any, b: Any, *, axis: int) -> Any:
    """Step by step, which is exact, and for long vectors on Python's floats, which are faster than NumPy's scalars."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    length = shape[axis]
    a, b = (np.moveaxis(np.broadcast_to(v, shape), axis, 0) for v in (a, b))
    out = np.array(b, order="C")
    if not out.size:
        return np.moveaxis(out, 0, axis)
    if out.size // length > 16:
        for i in range(1, length):
            out[i] += a[i] * out[i - 1]
        return np.moveaxis(out, 0, axis)
    rows, factors = out.reshape(length, -1), a.reshape(length, -1)
    for column in range(rows.shape[1]):
        values: list[float] = []
        h = 0.0
        for factor, value in zip(factors[:, column].tolist(), rows[:, column].tolist()):
            h = factor * h + value if values else value
            values.append(h)
        rows[:, column] = values
    return np.moveaxis(out, 0, axis)


OVERRIDES: Final[dict[str, Callable[..., Any]]] = {
    "all": _truth(np.logical_and),
    "any": _truth(np.logical_or),
    "broadcast_to": broadcast_to,
    "linear_recurrence": linear_recurrence,
    "max": _reducing(np.maximum),
    "mean": mean,
    "min": _reducing(np.minimum),
    "prod": prod,
    "softmax_vjp": softmax_vjp,
    "sum": sum,
    "swap_last": swap_last,
}
