"""Random orders that repeat: one integer drawn per epoch decides a whole epoch.

An epoch's order is a function of its seed alone, computed from raw Philox words, whose values are fixed by the
algorithm. It is therefore the same on every machine and with every version of NumPy, and a loader that remembers the
seed can continue in the middle. Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np

from ..errors import DTypeError

__all__ = ["Array", "GeneratorLike", "Source", "permutation", "source", "uniform", "words"]

Array = np.ndarray[Any, Any]
GeneratorLike = Any
"""An integer seed, a ``tg.Generator``, a ``numpy.random.Generator``, or None for the thread's default generator."""


class Source(ABC):
    """Where epochs' seeds come from."""

    @abstractmethod
    def draw(self) -> int:
        """The next seed, in [0, 2**63)."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any] | None:
        """What continues the sequence of seeds, in plain Python values; None where somebody else keeps it."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Continue from a saved state."""


@final
class SeedSource(Source):
    """The words of the Philox stream of an integer seed, one after the other."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.drawn = 0

    def draw(self) -> int:
        self.drawn += 1
        return int(words(self.seed, 1, start=self.drawn - 1)[0] >> 1)

    def state_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "drawn": self.drawn}

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        if state is not None:
            self.seed, self.drawn = int(state["seed"]), int(state["drawn"])


@final
class NumpySource(Source):
    """A NumPy generator's next raw word."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def draw(self) -> int:
        return int(self.generator.bit_generator.random_raw()) >> 1

    def state_dict(self) -> dict[str, Any]:
        return {"bit_generator": _plain(self.generator.bit_generator.state)}

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        if state is not None:
            self.generator.bit_generator.state = state["bit_generator"]


def source(generator: GeneratorLike) -> Source:
    """The seeds that a ``generator`` argument stands for. Raises DTypeError for what is none."""
    if isinstance(generator, (int, np.integer)) and not isinstance(generator, bool):
        if not 0 <= generator < 1 << 64:
            raise DTypeError(f"expected a seed from 0 to 2**64 - 1, got {generator}")
        return SeedSource(int(generator))
    if isinstance(generator, np.random.Generator):
        return NumpySource(generator)
    raise DTypeError(
        "expected an integer seed, a tensorgrad or NumPy generator, or None as generator, "
        f"got {type(generator).__name__}"
    )


def words(seed: int, count: int, start: int = 0) -> Array:
    """``count`` words (uint64) of the Philox4x64-10 stream of ``seed``, from word ``start`` on."""
    generator = np.random.Philox(key=seed)
    if start // 4:
        generator.advance(start // 4)
    return generator.random_raw(start % 4 + count)[start % 4 :]


def uniform(seed: int, count: int) -> Array:
    """``count`` float64 in [0, 1)."""
    return (words(seed, count) >> np.uint64(11)) * 2.0**-53


def permutation(seed: int, count: int) -> Array:
    """The numbers 0 to ``count - 1`` in random order, int64."""
    return np.argsort(words(seed, count), kind="stable").astype(np.int64, copy=False)


def _plain(value: Any) -> Any:
    """Nested dictionaries with their arrays as lists, so that the state can be written as JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
