"""Where samples come from: ``dataset[i]`` and ``len(dataset)``."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar, final

import numpy as np

from ..core.tensor import Tensor
from ..errors import GradientError, IndexingError, ShapeError
from .order import Array, GeneratorLike, permutation, source

__all__ = ["Dataset", "Subset", "TensorDataset", "random_split"]

T = TypeVar("T")


class Dataset(ABC, Generic[T]):
    """Samples by index. Subclasses define ``__getitem__`` and ``__len__``.

    One that can give many samples at once, ready stacked, also defines ``get_batch(indices)``, which takes an int64
    array and returns what collating those samples would: ``DataLoader`` then calls that, once per batch.
    """

    @abstractmethod
    def __getitem__(self, index: int) -> T:
        """The sample at a place."""

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    def __iter__(self) -> Iterator[T]:
        return (self[i] for i in range(len(self)))


@final
class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors that agree in their first axis; sample ``i`` is the tuple of their ``i``-th rows.

    Parameters:
        tensors: Tensors, or arrays of a known backend, which are wrapped without a copy. They may have any number of
            further axes, any dtype, and be on any device.

    Raises ShapeError where first axes differ or a tensor has none, GradientError for a tensor that requires a
    gradient, since batches would not lead back to it.

    >>> import numpy as np
    >>> from tensorgrad.data import TensorDataset
    >>> dataset = TensorDataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]))
    >>> len(dataset)
    3
    >>> x, y = dataset[1]
    >>> x.tolist(), y.item()
    ([2.0, 3.0], 1)
    """

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise ShapeError("TensorDataset: expected one or more tensors, got none")
        self.tensors = tuple(tensor if isinstance(tensor, Tensor) else Tensor(tensor) for tensor in tensors)
        for place, tensor in enumerate(self.tensors):
            if tensor.requires_grad:
                raise GradientError(
                    f"TensorDataset: tensor {place} requires a gradient, which its batches would lose; pass .detach()"
                )
        shapes = [tensor.shape for tensor in self.tensors]
        if not all(shapes) or len({shape[0] for shape in shapes}) != 1:
            raise ShapeError(f"TensorDataset: expected tensors that agree in their first axis, got shapes {shapes}")
        self._length = shapes[0][0]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        place = _checked(index, self._length)
        return self._rows(np.array([place]), squeeze=True)

    def get_batch(self, indices: Array) -> tuple[Tensor, ...]:
        """The rows at these places, stacked: fresh memory, never a view of the data set's."""
        return self._rows(indices, squeeze=False)

    def _rows(self, indices: Array, squeeze: bool) -> tuple[Tensor, ...]:
        rows = []
        for tensor in self.tensors:
            data = tensor.data
            if type(data) is np.ndarray:
                taken = data.take(indices, 0)
            else:
                backend = tensor.backend
                taken = tensor[Tensor(backend.asarray(indices, device=tensor.device))].data
            rows.append(Tensor(taken.reshape(taken.shape[1:]) if squeeze else taken))
        return tuple(rows)


@final
class Subset(Dataset[T]):
    """Some samples of another data set.

    Parameters:
        dataset: the data set.
        indices: places in it, in the order wanted; repeats are allowed.

    Raises IndexingError for a place that the data set does not have.

    >>> import numpy as np
    >>> from tensorgrad.data import Subset, TensorDataset
    >>> even = Subset(TensorDataset(np.arange(6)), [0, 2, 4])
    >>> [x.item() for (x,) in even]
    [0, 2, 4]
    """

    def __init__(self, dataset: Dataset[T], indices: Sequence[int] | Array) -> None:
        self.dataset = dataset
        places = np.asarray(indices)
        if places.ndim != 1 or (places.size and places.dtype.kind not in "iu"):
            raise IndexingError(f"Subset: expected a list of integers, got {places.dtype} of shape {places.shape}")
        self.indices = places.astype(np.int64)
        length = len(dataset)
        outside = (self.indices < -length) | (self.indices >= length)
        if outside.any():
            raise IndexingError(f"Subset: index {self.indices[outside][0]} is outside a data set of {length} samples")
        self.indices[self.indices < 0] += length
        if hasattr(dataset, "get_batch"):
            self.get_batch = self._get_batch

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> T:
        return self.dataset[int(self.indices[_checked(index, len(self))])]

    def _get_batch(self, indices: Array) -> Any:
        return self.dataset.get_batch(self.indices[indices])  # type: ignore[attr-defined]


def random_split(
    dataset: Dataset[T], lengths: Sequence[int | float], generator: GeneratorLike = None
) -> list[Subset[T]]:
    """A data set in random parts that do not overlap.

    Parameters:
        dataset: the data set.
        lengths: the parts' sizes, which add up to the data set's; or their shares, which add up to 1: sizes are then
            rounded down, and what remains goes one each to the first parts.
        generator: an integer seed, a ``tg.Generator``, a NumPy generator, or None for the default generator.

    Raises ShapeError where the lengths do not add up.

    >>> import numpy as np
    >>> from tensorgrad.data import TensorDataset, random_split
    >>> [len(part) for part in random_split(TensorDataset(np.arange(10)), [0.75, 0.25], generator=0)]
    [8, 2]
    """
    total = len(dataset)
    if any(length < 0 for length in lengths):
        raise ShapeError(f"random_split: expected lengths of at least 0, got {list(lengths)}")
    if math.isclose(sum(lengths), 1.0) and any(isinstance(length, float) for length in lengths):
        sizes = [math.floor(total * length) for length in lengths]
        for i in range(total - sum(sizes)):
            sizes[i % len(sizes)] += 1
    elif sum(lengths) == total:
        sizes = [int(length) for length in lengths]
    else:
        raise ShapeError(f"random_split: expected lengths that add up to {total} or to 1.0, got {list(lengths)}")
    order = permutation(source(generator).draw(), total)
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, accumulate(sizes))]


def _checked(index: int, length: int) -> int:
    place = operator.index(index)
    if not -length <= place < length:
        raise IndexingError(f"index {place} is outside a data set of {length} samples")
    return place % length
