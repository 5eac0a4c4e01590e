"""Making one batch of many samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backends.registry import backend_of
from ..core.state import get_state
from ..core.tensor import Tensor
from ..errors import DTypeError, ShapeError

__all__ = ["default_collate"]


def default_collate(samples: Sequence[Any]) -> Any:
    """Samples of equal structure as one structure of batches, with a new first axis.

    Tensors and arrays are stacked; numbers become a tensor of their own (Python floats in the default dtype, integers
    int64); strings and bytes stay a list; tuples, lists and dictionaries are gone through.

    Raises ShapeError where samples differ in shape or structure, DTypeError for what cannot be made a batch of; both
    name the first sample that does not fit.

    >>> import numpy as np
    >>> from tensorgrad.data import default_collate
    >>> x, names = default_collate([(np.zeros(3), "a"), (np.ones(3), "b")])
    >>> x.shape, names
    ((2, 3), ['a', 'b'])
    """
    if not samples:
        raise ShapeError("default_collate: expected one or more samples, got none")
    return _collate(list(samples), "sample")


def _collate(samples: list[Any], where: str) -> Any:
    first = samples[0]
    for i, sample in enumerate(samples):
        if type(sample) is not type(first):
            raise DTypeError(f"{where}: expected {_name(first)} throughout, as the first, got {_name(sample)} at {i}")
    if isinstance(first, Tensor):
        return _stack([sample.data for sample in samples], where)
    if isinstance(first, (str, bytes)):
        return samples
    if isinstance(first, Mapping):
        return {key: _collate([_entry(sample, key, where) for sample in samples], f"{where}[{key!r}]") for key in first}
    if isinstance(first, (tuple, list)):
        return _sequence(samples, where)
    if isinstance(first, np.generic):  # before float, which np.float64 is too
        return Tensor(np.array(samples, dtype=first.dtype))
    if isinstance(first, (bool, int, float, complex)):
        return Tensor(np.array(samples, dtype=get_state().dtype if isinstance(first, float) else None))
    return _stack(samples, where)


def _stack(arrays: list[Any], where: str) -> Tensor:
    try:
        backend = backend_of(arrays[0])
    except DTypeError:
        raise DTypeError(f"{where}: cannot make a batch of {_name(arrays[0])}; pass a collate_fn of your own") from None
    for i, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ShapeError(
                f"{where}: expected shape {list(arrays[0].shape)} throughout, as the first has, "
                f"got {list(array.shape)} at {i}; pass a collate_fn that pads them"
            )
    return Tensor(backend.namespace.stack(arrays))


def _sequence(samples: list[Any], where: str) -> Any:
    first = samples[0]
    for i, sample in enumerate(samples):
        if len(sample) != len(first):
            raise ShapeError(f"{where}: expected {len(first)} parts as in the first, got {len(sample)} at {i}")
    parts = [_collate(list(part), f"{where}[{i}]") for i, part in enumerate(zip(*samples))]
    if isinstance(first, list):
        return parts
    return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)


def _entry(sample: Mapping[Any, Any], key: Any, where: str) -> Any:
    if key not in sample:
        raise ShapeError(f"{where}: expected the key {key!r} in every sample, as in the first")
    return sample[key]


def _name(value: Any) -> str:
    return type(value).__name__
