"""Where random numbers come from: a key and a position in its stream. The numbers themselves are made by ops.

Philox4x64-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter
and a key into four words of 64 bits, so that a stream is a pure function and any part of it can be made anywhere, in
any order. A Generator therefore only hands out positions.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Final, final

import numpy as np

from ..backends.numpy_random import random_words
from ..errors import DTypeError, ShapeError
from .state import get_state

__all__ = [
    "BLOCK",
    "Generator",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

BLOCK: Final = 4
"""Words per step of the counter."""
_WORD: Final = (1 << 64) - 1


@final
class Generator:
    """A stream of random numbers: a key, made from the seed, and the position of the next unused block of words.

    The same seed gives the same numbers on every device. A generator may be shared between threads: each draw takes
    its own part of the stream.

    Parameters:
        seed: an integer from 0 to 2**128 - 1, or None to let the operating system choose one.

    Raises DTypeError for a seed that is no integer, ShapeError for one out of range.

    >>> import tensorgrad as tg
    >>> g = tg.Generator(7)
    >>> g.offset
    0
    >>> a = tg.rand(3, generator=g)
    >>> g.offset
    1
    >>> bool((tg.rand(3, generator=tg.Generator(7)) == a).all())
    True
    """

    __slots__ = ("_key", "_lock", "_offset")

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._key = (0, 0)
        self._offset = 0
        if seed is None:
            self.seed()
        else:
            self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of ``seed`` from its beginning; returns this generator."""
        number = _checked_seed(seed)
        with self._lock:
            self._key = (number & _WORD, number >> 64)
            self._offset = 0
        return self

    def seed(self) -> int:
        """Start over with a seed from the operating system (63 bits, so that it fits anywhere); returns it."""
        number = int.from_bytes(os.urandom(8), "little") >> 1
        self.manual_seed(number)
        return number

    def initial_seed(self) -> int:
        """The seed that the stream was started with."""
        return self._key[0] | self._key[1] << 64

    @property
    def offset(self) -> int:
        """The position of the next unused block of four words. Settable: 0 starts over."""
        return self._offset

    @offset.setter
    def offset(self, value: int) -> None:
        position = _index(value, "an offset")
        if not 0 <= position <= _WORD:
            raise ShapeError(f"expected an offset from 0 to 2**64 - 1 blocks, got {value}")
        with self._lock:
            self._offset = position

    def reserve(self, words: int) -> np.ndarray[Any, Any]:
        """Take the next ``words`` words out of the stream, rounded up to whole blocks.

        Returns what the op ``random_words`` needs to make them, uint64[3]: the key's two words and the first block.
        """
        with self._lock:
            start = self._offset
            self._offset = (start + -(-words // BLOCK)) & _WORD
        position = np.array((*self._key, start), dtype=np.uint64)
        capture = get_state().capture
        if capture is not None:
            capture.reserve(self, words, position)
        return position

    def spawn(self) -> Generator:
        """A new generator whose key is the next block of this one: independent of it, and as repeatable.

        >>> import tensorgrad as tg
        >>> parent, twin = tg.Generator(1), tg.Generator(1)
        >>> parent.spawn().initial_seed() == twin.spawn().initial_seed()
        True
        """
        words = random_words(self.reserve(BLOCK), count=2)
        return Generator(int(words[0]) | int(words[1]) << 64)

    def get_state(self) -> np.ndarray[Any, Any]:
        """Key and offset as uint64[3], fit for a checkpoint."""
        with self._lock:
            return np.array((*self._key, self._offset), dtype=np.uint64)

    def set_state(self, state: Any) -> Generator:
        """Continue where ``get_state`` was called; returns this generator.

        Raises ShapeError for anything but three integers from 0 to 2**64 - 1.
        """
        words = [int(word) for word in np.asarray(state).reshape(-1).tolist()]
        if len(words) != 3 or any(not 0 <= word <= _WORD for word in words):
            raise ShapeError(f"expected a generator's state, three words of 64 bits (key, key, offset), got {state!r}")
        with self._lock:
            self._key = (words[0], words[1])
            self._offset = words[2]
        return self

    def __getstate__(self) -> list[int]:
        return [int(word) for word in self.get_state()]

    def __setstate__(self, state: list[int]) -> None:
        self._lock = threading.Lock()
        self.set_state(np.array(state, dtype=np.uint64))

    def __repr__(self) -> str:
        return f"Generator(seed={self.initial_seed()}, offset={self._offset})"


def _checked_seed(seed: Any) -> int:
    number = _index(seed, "a seed")
    if not 0 <= number < 1 << 128:
        raise ShapeError(f"expected a seed from 0 to 2**128 - 1, got {seed}")
    return number


def _index(value: Any, what: str) -> int:
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise DTypeError(f"expected {what} to be an integer, got {value!r}")
    return int(value.__index__())


class _PerThread(threading.local):
    """Each thread's default generator, made with a seed of its own on first use."""

    def __init__(self) -> None:
        self.generator = Generator()


_thread = _PerThread()


def default_generator() -> Generator:
    """The calling thread's generator, used where no ``generator=`` is given."""
    return _thread.generator


def manual_seed(seed: int) -> Generator:
    """Seed the calling thread's default generator, and return it. Other threads keep their own.

    >>> import tensorgrad as tg
    >>> _ = tg.manual_seed(0); a = tg.rand(2)
    >>> _ = tg.manual_seed(0); bool((tg.rand(2) == a).all())
    True
    """
    return _thread.generator.manual_seed(seed)


def seed() -> int:
    """Seed the calling thread's default generator from the operating system; returns the seed."""
    return _thread.generator.seed()


def initial_seed() -> int:
    """The seed of the calling thread's default generator."""
    return _thread.generator.initial_seed()


def get_rng_state() -> np.ndarray[Any, Any]:
    """The state of the calling thread's default generator, uint64[3]: see ``Generator.get_state``."""
    return _thread.generator.get_state()


def set_rng_state(state: Any) -> None:
    """Give the calling thread's default generator a state from ``get_rng_state``."""
    _thread.generator.set_state(state)
