"""Batches, epoch after epoch, that can be continued in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar, final

import numpy as np

from ..errors import DTypeError, ShapeError
from .collate import default_collate
from .dataset import Dataset
from .order import GeneratorLike
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader"]

T = TypeVar("T")


@final
class DataLoader(Generic[T]):
    """Iterates over a data set in batches; each ``for`` loop over it is one epoch.

    Parameters:
        dataset: the samples, ``dataset[i]`` with a length. One with ``get_batch`` (``TensorDataset``, or a ``Subset``
            of one) gives whole batches at once.
        batch_size: samples per batch; the last one may be smaller.
        shuffle: a new random order each epoch.
        sampler: indices in an order of your own, instead of ``shuffle``.
        batch_sampler: lists of indices, instead of ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
        num_workers: 0. Batches are made in the thread that asks for them.
        collate_fn: makes a batch of a list of samples; by default ``default_collate``.
        drop_last: leave out a last batch that would be smaller.
        generator: where random orders come from: an integer seed, a ``tg.Generator``, a NumPy generator, or None for
            the default generator, which ``tg.manual_seed`` seeds. One number is drawn from it per epoch.

    Raises ShapeError or DTypeError for arguments that contradict each other or are not supported.

    ``state_dict()`` says where the loader is, in plain Python values that fit into JSON; after ``load_state_dict`` the
    next loop continues with the very next batch, in the same order as if it had not been interrupted. A batch counts as
    seen once it was handed out. A sampler of another kind is gone through from its beginning again.

    >>> import numpy as np
    >>> from tensorgrad.data import DataLoader, TensorDataset
    >>> loader = DataLoader(TensorDataset(np.arange(5)), batch_size=2, shuffle=True, generator=0)
    >>> sorted(i for (batch,) in loader for i in batch.tolist())
    [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        dataset: Dataset[T],
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[T]], Any] | None = None,
        drop_last: bool = False,
        generator: GeneratorLike = None,
    ) -> None:
        if num_workers != 0:
            raise DTypeError(f"DataLoader: batches are made by the caller: expected num_workers=0, got {num_workers}")
        if sampler is not None and shuffle:
            raise DTypeError("DataLoader: expected either shuffle=True or a sampler, got both")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise DTypeError("DataLoader: a batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        self.dataset = dataset
        self.collate_fn = collate_fn
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        self.batch_sampler = BatchSampler(sampler, batch_size, drop_last) if batch_sampler is None else batch_sampler
        self.batch_size = batch_size if batch_sampler is None else None
        self.drop_last = drop_last
        self._epoch = 0
        self._batch: int | None = None
        self._seed: int | None = None
        self._resume = False

    def __len__(self) -> int:
        return len(self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        if self._resume:
            self._resume = False
        else:
            self._epoch += 1
            self._batch = 0
            self._seed = self.sampler.draw() if isinstance(self.sampler, Sampler) and self._own_batches() else None
        return self._batches(self._epoch, self._batch or 0, self._seed)

    def _own_batches(self) -> bool:
        return type(self.batch_sampler) is BatchSampler and self.batch_sampler.sampler is self.sampler

    def _batches(self, epoch: int, start: int, seed: int | None) -> Iterator[Any]:
        batches: Iterable[Any] = self.batch_sampler
        if isinstance(batches, BatchSampler) and isinstance(self.sampler, Sampler) and self._own_batches():
            batches = batches.batches(seed)
        for number, indices in enumerate(islice(batches, start, None), start + 1):
            batch = self._fetch(indices)
            if self._epoch == epoch:
                self._batch = number
            yield batch
        if self._epoch == epoch:
            self._batch = None

    def _fetch(self, indices: Any) -> Any:
        if self.collate_fn is None:
            get_batch = getattr(self.dataset, "get_batch", None)
            if get_batch is not None:
                return get_batch(np.asarray(indices, dtype=np.int64))
            return default_collate([self.dataset[int(i)] for i in indices])
        return self.collate_fn([self.dataset[int(i)] for i in indices])

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: epochs started, batches of the current one handed out (None: it is over), seeds."""
        source = self.sampler.source if isinstance(self.sampler, Sampler) else None
        return {
            "epoch": self._epoch,
            "batch": self._batch,
            "seed": self._seed,
            "generator": None if source is None else source.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where ``state_dict`` was taken: the next loop runs the rest of that epoch, or the next one.

        Raises ShapeError where the state does not fit a loader of this many batches; the loader is then unchanged.
        """
        missing = {"epoch", "batch", "seed", "generator"} - set(state)
        if missing:
            raise ShapeError(f"DataLoader: expected a loader's state, got a dictionary without {sorted(missing)[0]!r}")
        if state["batch"] is not None and not 0 <= state["batch"] <= len(self):
            raise ShapeError(f"DataLoader: the state is at batch {state['batch']}, but there are only {len(self)}")
        if isinstance(self.sampler, Sampler) and self.sampler.source is not None:
            self.sampler.source.load_state_dict(state["generator"])
        self._epoch = state["epoch"]
        self._batch = state["batch"]
        self._seed = state["seed"]
        self._resume = state["batch"] is not None
