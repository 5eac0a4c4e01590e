"""Random orders that repeat: one integer drawn per epoch decides a whole epoch.

An epoch's order is a function of its seed alone, the stable order of as many Philox words, whose values are fixed by
the algorithm. It is therefore the same on every machine and with every version of NumPy, and a loader that remembers
the seed can continue in the middle. Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np

from ..backends.numpy_random import random_words
from ..core.generator import Generator, default_generator
from ..errors import DTypeError, ShapeError

__all__ = ["Array", "GeneratorLike", "Source", "permutation", "source", "uniform", "words"]

Array = np.ndarray[Any, Any]
GeneratorLike = int | Generator | np.random.Generator | None
"""An integer seed, a ``tg.Generator``, a ``numpy.random.Generator``, or None for the thread's default generator."""


class Source(ABC):
    """Where epochs' seeds come from."""

    @abstractmethod
    def draw(self) -> int:
        """The next seed, in [0, 2**63)."""

    @abstractmethod
    def state_dict(self) -> Any:
        """What continues the sequence of seeds, in plain Python values; None where somebody else keeps it."""

    @abstractmethod
    def load_state_dict(self, state: Any) -> None:
        """Continue from a saved state."""


@final
class GeneratorSource(Source):
    """The first word of a generator's next block. The default generator's state is not the loader's to keep."""

    def __init__(self, generator: Generator | None) -> None:
        self.generator = generator

    def draw(self) -> int:
        generator = default_generator() if self.generator is None else self.generator
        return int(random_words(generator.reserve(1), count=1)[0]) >> 1

    def state_dict(self) -> list[int] | None:
        return None if self.generator is None else self.generator.get_state().tolist()

    def load_state_dict(self, state: Any) -> None:
        if self.generator is not None and state is not None:
            self.generator.set_state(np.array(state, dtype=np.uint64))


@final
class NumpySource(Source):
    """A NumPy generator's next raw word."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def draw(self) -> int:
        return int(self.generator.bit_generator.random_raw()) >> 1

    def state_dict(self) -> dict[str, Any]:
        return {"bit_generator": _plain(self.generator.bit_generator.state)}

    def load_state_dict(self, state: Any) -> None:
        if state is not None:
            self.generator.bit_generator.state = state["bit_generator"]


def source(generator: GeneratorLike) -> Source:
    """The seeds that a ``generator`` argument stands for. Raises DTypeError for what is none."""
    if generator is None or isinstance(generator, Generator):
        return GeneratorSource(generator)
    if isinstance(generator, np.random.Generator):
        return NumpySource(generator)
    try:
        return GeneratorSource(Generator(generator))
    except (DTypeError, ShapeError):
        raise DTypeError(
            "expected an integer seed of at least 0, a tensorgrad or NumPy generator, or None as generator, "
            f"got {generator!r}"
        ) from None


def words(seed: int, count: int) -> Array:
    """The first ``count`` words (uint64) of the stream of ``seed``, as of ``tg.Generator(seed)``."""
    position = np.array((seed & (1 << 64) - 1, seed >> 64, 0), dtype=np.uint64)
    drawn: Array = random_words(position, count=count)
    return drawn


def uniform(seed: int, count: int) -> Array:
    """``count`` float64 in [0, 1)."""
    drawn: Array = (words(seed, count) >> np.uint64(11)) * 2.0**-53
    return drawn


def permutation(seed: int, count: int) -> Array:
    """The numbers 0 to ``count - 1`` in random order, int64."""
    return np.argsort(words(seed, count), kind="stable").astype(np.int64, copy=False)


def _plain(value: Any) -> Any:
    """Nested dictionaries with their arrays as lists, so that the state can be written as JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
