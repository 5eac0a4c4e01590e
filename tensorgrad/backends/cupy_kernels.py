"""Launching the CUDA sources of ``tensorgrad.kernels.cuda`` on CuPy arrays: random numbers, deterministic scatter."""

from __future__ import annotations

import functools
import math
from typing import Any, Final

import numpy as np

from ..kernels.cuda import source

__all__ = ["dropout", "random_keep", "random_normal", "random_uniform", "random_words", "scatter_add"]

_THREADS: Final = 256
_MOST_BLOCKS: Final = 65535
# A product contracted into a sum (fused multiply-add) would round differently from the CPU's.
_OPTIONS: Final = ("-std=c++17", "-fmad=false")


@functools.cache
def _module(name: str) -> Any:
    """A compiled source; CuPy keeps one binary per device and caches them on disk."""
    import cupy

    return cupy.RawModule(code=source(name), options=_OPTIONS)


@functools.cache
def _kernel(module: str, name: str) -> Any:
    """A kernel ready to be launched, on whichever device is current then."""
    return _module(module).get_function(name)


def _launch(module: str, kernel: str, items: int, args: tuple[Any, ...]) -> None:
    """Run ``kernel`` with a thread per item (it loops over more), on the current stream."""
    if items <= 0:
        return
    blocks = min(-(-items // _THREADS), _MOST_BLOCKS)
    _kernel(module, kernel)((blocks,), (_THREADS,), args)


def _suffix(dtype: Any) -> str | None:
    return {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}.get(np.dtype(dtype))


def _position(state: Any) -> Any:
    return state if state.flags.c_contiguous else state.copy()


def random_words(state: Any, *, count: int) -> Any:
    import cupy

    out = cupy.empty(count, dtype=np.uint64)
    _launch("philox", "random_words", -(-count // 4), (_position(state), out, np.int64(count)))
    return out


def _drawn(kind: str, state: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """``kind`` of a dtype the kernels know, or None."""
    import cupy

    suffix = _suffix(dtype)
    if suffix is None:
        return None
    out = cupy.empty(shape, dtype=dtype)
    per_block = 32 // out.itemsize
    _launch("philox", f"{kind}_{suffix}", -(-out.size // per_block), (_position(state), out, np.int64(out.size)))
    return out


def random_uniform(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    return _drawn("random_uniform", state, shape, dtype)


def random_normal(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    return _drawn("random_normal", state, shape, dtype)


def _threshold(p: float) -> Any:
    return np.uint32(min(round(p * 2**32), 2**32 - 1))


def random_keep(state: Any, *, shape: tuple[int, ...], p: float) -> Any:
    import cupy

    out = cupy.empty(shape, dtype=np.bool_)
    _launch("philox", "random_keep", -(-out.size // 8), (_position(state), out, np.int64(out.size), _threshold(p)))
    return out


def dropout(x: Any, state: Any, *, p: float) -> Any:
    """Dropout of a dtype the kernels know, or None."""
    import cupy

    suffix = _suffix(x.dtype)
    if suffix is None:
        return None
    if p >= 1:
        return cupy.zeros(x.shape, dtype=x.dtype)
    x = cupy.ascontiguousarray(x)
    out = cupy.empty(x.shape, dtype=x.dtype)
    scale = x.dtype.type(1 / (1 - p))
    args = (x, _position(state), out, np.int64(x.size), _threshold(p), scale)
    _launch("philox", f"dropout_{suffix}", -(-x.size // 8), args)
    return out


def scatter_add(array: Any, index: Any, values: Any) -> None:
    """``array[index] += values`` where repeated indices accumulate, in the order of the values, without atomics."""
    import cupy

    if not array.size:
        return
    if array.dtype.kind not in "biufc" or array.dtype == np.float16:
        _through(array, index, values, np.dtype(np.float32))
    elif array.dtype.kind in "biu" and array.itemsize < 8:
        _through(array, index, values, np.dtype(np.int64))
    elif not array.flags.c_contiguous:
        _through(array, index, values, array.dtype)
    else:
        rows = _row_index(index, array)
        if rows is None:
            ids = cupy.arange(array.size).reshape(array.shape)[index]
            values = cupy.broadcast_to(cupy.asarray(values, dtype=array.dtype), ids.shape)
            width = 1
        else:
            ids, width = rows % array.shape[0], math.prod(array.shape[1:])
            values = cupy.broadcast_to(cupy.asarray(values, dtype=array.dtype), (*ids.shape, *array.shape[1:]))
        _add_rows(array, ids.reshape(-1), cupy.ascontiguousarray(values), width)


def _through(array: Any, index: Any, values: Any, dtype: Any) -> None:
    """The same by way of a contiguous copy of another dtype: 16-bit floats add up in float32."""
    import cupy

    wide = cupy.array(array, dtype=dtype, order="C")
    scatter_add(wide, index, cupy.asarray(values, dtype=dtype))
    array[...] = wide.astype(array.dtype)


def _row_index(index: Any, array: Any) -> Any:
    """The index array of ``array[rows]`` or ``array[rows, ...]``, the usual case; None for any other index."""
    parts = index if isinstance(index, tuple) else (index,)
    if not parts or not hasattr(parts[0], "dtype") or parts[0].dtype.kind not in "iu" or not array.ndim:
        return None
    rest_is_whole = all(p is Ellipsis or (isinstance(p, slice) and p == slice(None)) for p in parts[1:])
    return parts[0] if rest_is_whole else None


def _add_rows(array: Any, ids: Any, values: Any, width: int) -> None:
    import cupy

    if array.dtype.kind == "c":
        real = np.dtype(f"f{array.itemsize // 2}")
        array, values, width = array.reshape(-1).view(real), values.reshape(-1).view(real), 2 * width
    ids = ids.astype(np.int64, copy=False)
    order = cupy.argsort(ids, kind="stable")
    kernel = {"f": "float" if array.itemsize == 4 else "double"}.get(array.dtype.kind, "int")
    count = ids.size
    args = (ids[order], order, values, array, np.int64(count), np.int64(width))
    _launch("scatter", f"scatter_add_{kernel}", count * width, args)
