"""Random numbers on the CPU: the ops of ``tensorgrad.ops.random`` in fewer passes than their bodies take, same bits.

NumPy has Philox4x64-10 in C. Its ``Generator.random`` happens to cut words up as we do; normals and dropout run in
blocks that stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

__all__ = ["OVERRIDES", "philox"]

_PAIRS: Final = 8192
"""Words per block: what a block touches fits in the second-level cache."""
_WORD: Final = (1 << 64) - 1
_LOW: Final = np.uint64(0xFFFFFFFF)
_SAME_SIZE: Final = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def philox(state: Any) -> np.random.Philox:
    """NumPy's bit generator, about to draw the block that ``state`` (uint64[3]: key, key, block) names."""
    block = int(state[2])
    # It steps its counter before it draws. In lists, NumPy would make floats of words above 2**63.
    before = (block - 1) % (1 << 256)
    counter = np.array([before >> shift & _WORD for shift in (0, 64, 128, 192)], dtype=np.uint64)
    return np.random.Philox(key=np.ascontiguousarray(state[:2]), counter=counter)


def random_words(state: Any, *, count: int) -> Any:
    return philox(state).random_raw(count)


def random_uniform(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    n = math.prod(shape)
    if dtype in (np.float32, np.float64):
        return np.random.Generator(philox(state)).random(n, dtype=dtype).reshape(shape)
    bits = np.finfo(dtype).nmant + 1 if dtype == np.float16 else 8
    kept = _halves(philox(state), n) >> np.uint32(32 - bits)
    return (kept.astype(np.float32) * np.float32(2.0**-bits)).astype(dtype).reshape(shape)


def random_normal(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """Box-Muller in double precision: element 2i is ``r cos t`` and element 2i + 1 ``r sin t`` of pair i."""
    n = math.prod(shape)
    out = np.empty(n + n % 2, dtype=dtype)
    source = philox(state)
    wide = dtype == np.float64
    for start, pairs in _blocks(len(out) // 2):
        if wide:
            words = source.random_raw(2 * pairs).reshape(pairs, 2) >> np.uint64(11)
            first, second, unit = words[:, 0] + np.uint64(1), words[:, 1], 2.0**-53
        else:
            words = source.random_raw(pairs)
            first, second, unit = (words & _LOW) + np.uint64(1), words >> np.uint64(32), 2.0**-32
        radius = first * unit
        np.log(radius, out=radius)
        radius *= -2.0
        np.sqrt(radius, out=radius)
        angle = second * unit
        angle *= 2.0 * math.pi
        part = out[2 * start : 2 * (start + pairs)]
        np.multiply(radius, np.cos(angle), out=part[0::2], casting="same_kind" if dtype.kind == "f" else "unsafe")
        np.multiply(radius, np.sin(angle), out=part[1::2], casting="same_kind" if dtype.kind == "f" else "unsafe")
    return out[:n].reshape(shape)


def dropout(x: Any, state: Any, *, p: float) -> Any:
    """``x / (1 - p)`` where the element's 32 random bits reach ``p``, else exact zeros (also of infinities and NaN)."""
    out = np.zeros(x.shape, dtype=x.dtype)
    if p >= 1:
        return out
    np.multiply(x, 1 / (1 - p), out=out)
    flat = out.reshape(-1)
    threshold = np.uint32(min(round(p * 2**32), 2**32 - 1))
    source = philox(state)
    bits = flat.view(_SAME_SIZE[out.itemsize]) if out.itemsize in _SAME_SIZE else None
    for start, words in _blocks(-(-flat.size // 2)):
        here = slice(2 * start, min(2 * (start + words), flat.size))
        keep = _halves(source, here.stop - here.start) >= threshold
        if bits is None:
            flat[here][~keep] = 0
        else:
            np.multiply(bits[here], keep, out=bits[here])
    return out


def _halves(source: np.random.Philox, count: int) -> Any:
    """``count`` numbers of 32 bits: of each word the low half, then the high half."""
    return source.random_raw(-(-count // 2)).astype("<u8", copy=False).view("<u4")[:count]


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, _PAIRS):
        yield start, min(_PAIRS, count - start)


OVERRIDES: Final[dict[str, Callable[..., Any]]] = {
    "random_words": random_words,
    "random_uniform": random_uniform,
    "random_normal": random_normal,
    "dropout": dropout,
}
