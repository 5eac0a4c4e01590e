"""In which order samples are visited."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, final

import numpy as np

from ..errors import ShapeError
from .order import Array, GeneratorLike, Source, permutation, source, uniform

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


class Sampler(ABC):
    """An epoch's indices, as a function of one seed drawn at its start.

    Any iterable of integers serves a ``DataLoader`` as ``sampler``; a subclass of this one lets it continue in the
    middle of a random epoch. Subclasses define ``order`` and ``__len__``, and set ``source`` where order is random.
    """

    source: Source | None = None

    @abstractmethod
    def order(self, seed: int | None) -> Array:
        """The indices of one epoch: int64, one-dimensional. ``seed`` is None where the sampler has no source."""

    @abstractmethod
    def __len__(self) -> int:
        """How many indices an epoch has."""

    def draw(self) -> int | None:
        """The seed of the next epoch."""
        return None if self.source is None else self.source.draw()

    def __iter__(self) -> Iterator[int]:
        return iter(self.order(self.draw()).tolist())


@final
class SequentialSampler(Sampler):
    """0, 1, 2, ... to the end.

    >>> from tensorgrad.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def order(self, seed: int | None) -> Array:
        return np.arange(len(self.data_source), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.data_source)


@final
class RandomSampler(Sampler):
    """All indices in random order; or, with replacement, independent draws.

    Parameters:
        data_source: what is sampled; only its length is used.
        replacement: draw each index anew.
        num_samples: indices per epoch; by default the length. Without replacement, more than the length means several
            permutations after each other.
        generator: an integer seed, a ``tg.Generator``, a NumPy generator, or None for the default generator.

    Raises ShapeError for an empty source or a ``num_samples`` below 1.

    >>> from tensorgrad.data import RandomSampler
    >>> sampler = RandomSampler(range(5), generator=0)
    >>> sorted(sampler), list(sampler) == list(sampler)
    ([0, 1, 2, 3, 4], False)
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: GeneratorLike = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.source = source(generator)
        if not len(data_source):
            raise ShapeError("RandomSampler: expected one or more samples, got an empty data set")
        if num_samples is not None and num_samples < 1:
            raise ShapeError(f"RandomSampler: expected num_samples of at least 1, got {num_samples}")

    def order(self, seed: int | None) -> Array:
        assert seed is not None
        count, length = len(self), len(self.data_source)
        if self.replacement:
            return (uniform(seed, count) * length).astype(np.int64)
        if count <= length:
            return permutation(seed, length)[:count]
        rounds = [permutation(seed ^ part << 64, length) for part in range(math.ceil(count / length))]
        return np.concatenate(rounds)[:count]

    def __len__(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples


@final
class SubsetRandomSampler(Sampler):
    """The given indices, in random order.

    >>> from tensorgrad.data import SubsetRandomSampler
    >>> sorted(SubsetRandomSampler([3, 5, 9], generator=1))
    [3, 5, 9]
    """

    def __init__(self, indices: Sequence[int] | Array, generator: GeneratorLike = None) -> None:
        self.indices = np.asarray(indices, dtype=np.int64)
        self.source = source(generator)

    def order(self, seed: int | None) -> Array:
        assert seed is not None
        return self.indices[permutation(seed, len(self.indices))]

    def __len__(self) -> int:
        return len(self.indices)


@final
class WeightedRandomSampler(Sampler):
    """Indices drawn with given probabilities, as for classes of unequal size.

    Parameters:
        weights: non-negative, not all zero; they need not add up to 1.
        num_samples: indices per epoch.
        replacement: draw each independently; else every index at most once.
        generator: as for ``RandomSampler``.

    Raises ShapeError for weights that are no list of finite non-negative numbers, and where without replacement more
    samples are asked for than have a weight.

    Without replacement each index gets the key -log(u) / w and the smallest keys win. Source: P. Efraimidis and
    P. Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters 97 (2006).

    >>> from tensorgrad.data import WeightedRandomSampler
    >>> set(WeightedRandomSampler([0.0, 1.0, 3.0], 100, generator=0)) == {1, 2}
    True
    """

    def __init__(
        self,
        weights: Sequence[float] | Array,
        num_samples: int,
        replacement: bool = True,
        generator: GeneratorLike = None,
    ) -> None:
        self.weights = np.asarray(weights, dtype=np.float64)
        self.num_samples = num_samples
        self.replacement = replacement
        self.source = source(generator)
        valid = self.weights.ndim == 1 and np.isfinite(self.weights).all() and (self.weights >= 0).all()
        if not valid or not self.weights.any():
            raise ShapeError("WeightedRandomSampler: expected a list of finite weights, none negative, not all zero")
        if num_samples < 1:
            raise ShapeError(f"WeightedRandomSampler: expected num_samples of at least 1, got {num_samples}")
        positive = int(np.count_nonzero(self.weights))
        if not replacement and num_samples > positive:
            raise ShapeError(
                f"WeightedRandomSampler: {num_samples} samples without replacement, but only {positive} have a weight"
            )

    def order(self, seed: int | None) -> Array:
        assert seed is not None
        if self.replacement:
            edges = np.cumsum(self.weights)
            places: Array = np.searchsorted(edges, uniform(seed, self.num_samples) * edges[-1], side="right")
            # Rounding may land on the upper edge itself; the last index with a weight owns it.
            return places.clip(max=np.flatnonzero(self.weights)[-1]).astype(np.int64)
        candidates = np.flatnonzero(self.weights)
        keys: Array = -np.log1p(-uniform(seed, len(candidates))) / self.weights[candidates]
        smallest = np.argsort(keys, kind="stable")[: self.num_samples]
        return candidates[smallest].astype(np.int64, copy=False)

    def __len__(self) -> int:
        return self.num_samples


@final
class BatchSampler:
    """Groups another sampler's indices into lists of ``batch_size``.

    >>> from tensorgrad.data import BatchSampler
    >>> list(BatchSampler(range(5), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
            raise ShapeError(f"expected a batch size of at least 1, got {batch_size!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def batches(self, seed: int | None) -> Iterator[Array]:
        """The epoch of a seed, for a sampler that is a ``Sampler``: arrays of indices."""
        assert isinstance(self.sampler, Sampler)
        order = self.sampler.order(seed)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield order[start : start + self.batch_size]

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        sampler: Any = self.sampler
        length = len(sampler)
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)
