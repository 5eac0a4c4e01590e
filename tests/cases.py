"""Rows of operations on whole arrays: calls written as shapes and constants, oracles along axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from optable import Sample
from pointwise import REAL, Domain, values


class A(tuple[int, ...]):
    """Stands for an array of random values of this shape: ``A(2, 3)``."""

    def __new__(cls, *shape: int) -> A:
        return super().__new__(cls, shape)


def distinct(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, domain: Domain = REAL) -> np.ndarray:
    """Values no two of which are close, where the dtype has so many."""
    if not dtype.startswith("float"):
        return values(rng, shape, dtype, domain)
    size = int(np.prod(shape))
    return np.asarray((rng.permutation(size) - size / 2 + 0.3) * 0.37, dtype=dtype).reshape(shape)


def cases(
    *given: list[Any], on: Domain = REAL, make: Callable[..., np.ndarray] = values
) -> Callable[[np.random.Generator, str], Iterator[Sample]]:
    """The ``samples`` of a row. Each call is a list: ``A(...)`` becomes an array (in nested lists too), a last dict the
    keywords, anything else stays."""

    def samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
        def filled(entry: Any) -> Any:
            if isinstance(entry, A):
                return make(rng, tuple(entry), dtype, on)
            if isinstance(entry, list):
                return [filled(e) for e in entry]
            return entry

        for call in given:
            args, kwargs = (call[:-1], call[-1]) if isinstance(call[-1], dict) else (call, {})
            yield Sample(tuple(filled(e) for e in args), kwargs, " ".join(map(str, call)))

    return samples


REDUCED = (
    [A()],
    [A(3)],
    [A(2, 3)],
    [A(2, 3), {"axis": 0}],
    [A(2, 3), {"axis": -1, "keepdims": True}],
    [A(2, 3), {"keepdims": True}],
    [A(2, 3, 2), {"axis": (0, 2)}],
    [A(2, 3, 2), {"axis": (0, 1)}],
    [A(2, 3, 2), {"axis": (-1, 0), "keepdims": True}],
    [A(1, 3, 1), {"axis": 0}],
    [A(2, 3), {"axis": ()}],
    [A(0, 2), {"axis": 1}],
)
"""Calls of a reduction; of those that have a value for no elements also ``EMPTY``."""
EMPTY = ([A(0)], [A(2, 0), {"axis": 1}], [A(2, 0, 3), {"axis": (0, 1), "keepdims": True}])


def along(function: str, several: bool = True) -> Callable[..., Any]:
    """PyTorch's reduction called with NumPy's names of arguments. Without ``several``, axes are made one first."""

    def call(x: Any, axis: Any = None, keepdims: bool = False, **more: Any) -> Any:
        import torch

        found: Any = torch
        for part in function.split("."):
            found = getattr(found, part)
        axes = tuple(range(x.ndim)) if axis is None else axis
        axes = (axes,) if isinstance(axes, int) else tuple(a % x.ndim for a in axes)
        if not axes and not x.ndim:  # torch calls a 0-d tensor a vector of one
            return found(x.reshape(1), dim=0, **more)
        if not axes and x.ndim:
            return found(x.unsqueeze(-1), dim=-1, **more)
        if several:
            return found(x, dim=axes, keepdim=keepdims, **more)
        axes = tuple(a % x.ndim for a in axes)
        rest = [i for i in range(x.ndim) if i not in axes]
        flat = x.permute(*rest, *axes).flatten(len(rest))
        out = found(flat, dim=-1, **more)
        return out.reshape([1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else out

    return call


def shaped_like(function: Callable[..., Any]) -> Callable[..., Iterable[Any]]:
    """Several results as a list: what oracles return as tuples of their own kind."""
    return lambda *args, **kwargs: list(function(*args, **kwargs))
