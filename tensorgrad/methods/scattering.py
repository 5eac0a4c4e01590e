"""Writing by index as methods, with PyTorch's names and meaning; those that end in ``_`` write in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.report import complain
from ..core.tensor import Tensor
from ..errors import ShapeError
from ..ops.axes import normal_axis
from ..ops.gathering import index_add_ as add_in_place
from ..ops.gathering import index_put_ as put_in_place
from .table import method, tg

__all__ = ["grid"]


def grid(name: str, x: Tensor, dim: int, index: Any) -> tuple[Tensor, tuple[Any, ...]]:
    """``index`` as a tensor, and what indexes ``x`` at ``x[index[i][j]][j]`` for ``dim`` 0 and so on."""
    chosen = index if isinstance(index, Tensor) else tg.tensor(index, device=x.device)
    axis = normal_axis(dim, x.ndim, "dim")
    sizes = list(zip(chosen.shape, x.shape, strict=False))
    if chosen.ndim != x.ndim or any(n > have for i, (n, have) in enumerate(sizes) if i != axis):
        raise complain(
            ShapeError,
            name,
            f"expected an index with {x.ndim} axes, no longer than {list(x.shape)} except along axis {axis}; "
            f"got {list(chosen.shape)}",
            [x, chosen],
            ["x", "index"],
        )
    return chosen, tuple(
        chosen if i == axis else np.arange(n).reshape((n,) + (1,) * (x.ndim - i - 1))
        for i, n in enumerate(chosen.shape)
    )


def _part(name: str, source: Any, index: Tensor) -> Any:
    """What is written: as much of ``source`` as there are indices."""
    if not isinstance(source, Tensor) or not source.ndim:
        return source
    if source.ndim != index.ndim or any(n < wanted for n, wanted in zip(source.shape, index.shape, strict=True)):
        raise complain(
            ShapeError,
            name,
            f"expected a source at least as long as the index, {list(index.shape)}, along every axis; "
            f"got {list(source.shape)}",
            [source, index],
            ["source", "index"],
        )
    return source[tuple(slice(n) for n in index.shape)]


def _whole(axis: int, x: Tensor, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * normal_axis(axis, x.ndim, "dim") + (index,)


@method()
def gather(self: Tensor, dim: int, index: Any) -> Tensor:
    """``out[i][j] = x[index[i][j]][j]`` for ``dim`` 0 and so on: ``index`` has as many axes as ``x`` and, except along
    ``dim``, is nowhere longer. The result has its shape.

    Raises ShapeError for another index, IndexingError for positions out of range.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).gather(1, tg.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    return self[grid("gather", self, dim, index)[1]]


@method()
def scatter(self: Tensor, dim: int, index: Any, src: Any) -> Tensor:
    """``x`` with ``src[i][j]`` (or one number) written at ``x[index[i][j]][j]``, for ``dim`` 0 and so on.

    Raises ShapeError for an ``index`` that ``gather`` would not take or a shorter ``src``, IndexingError.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3).scatter(1, tg.tensor([[2], [0]]), 5.0)
    tensor([[0., 0., 5.],
            [5., 0., 0.]])
    """
    chosen, places = grid("scatter", self, dim, index)
    return tg.index_put(self, places, _part("scatter", src, chosen))  # type: ignore[no-any-return]


@method()
def scatter_(self: Tensor, dim: int, index: Any, src: Any) -> Tensor:
    """``scatter`` in ``x``'s own memory; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).scatter_(0, tg.tensor([1]), 5.0)
    tensor([0., 5., 0.])
    """
    chosen, places = grid("scatter_", self, dim, index)
    return put_in_place(self, places, _part("scatter_", src, chosen))


@method()
def scatter_add(self: Tensor, dim: int, index: Any, src: Any) -> Tensor:
    """``x`` with ``src[i][j]`` added at ``x[index[i][j]][j]``, for ``dim`` 0 and so on; a place named twice gets both.

    Raises as ``scatter`` does.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).scatter_add(0, tg.tensor([1, 1]), tg.tensor([2.0, 3.0]))
    tensor([0., 5., 0.])
    """
    chosen, places = grid("scatter_add", self, dim, index)
    return tg.index_put(self, places, _part("scatter_add", src, chosen), accumulate=True)  # type: ignore[no-any-return]


@method()
def scatter_add_(self: Tensor, dim: int, index: Any, src: Any) -> Tensor:
    """``scatter_add`` in ``x``'s own memory; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).scatter_add_(0, tg.tensor([1, 1]), tg.tensor([2.0, 3.0]))
    tensor([0., 5., 0.])
    """
    chosen, places = grid("scatter_add_", self, dim, index)
    return put_in_place(self, places, _part("scatter_add_", src, chosen), accumulate=True)


@method()
def index_add(self: Tensor, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """``x`` with ``alpha * source`` added at positions ``index`` of an axis: ``tg.index_add`` as a method.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_add(0, tg.tensor([2, 2]), tg.tensor([2.0, 3.0]))
    tensor([0., 0., 5.])
    """
    return tg.index_add(self, dim, index, source, alpha=alpha)  # type: ignore[no-any-return]


@method()
def index_add_(self: Tensor, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """``index_add`` in ``x``'s own memory; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_add_(0, tg.tensor([2, 2]), tg.tensor([2.0, 3.0]))
    tensor([0., 0., 5.])
    """
    return add_in_place(self, dim, index, source, alpha=alpha)


@method()
def index_copy(self: Tensor, dim: int, index: Any, source: Any) -> Tensor:
    """``x`` with ``source`` written at positions ``index`` of an axis.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 2).index_copy(1, tg.tensor([1]), tg.ones(2, 1))
    tensor([[0., 1.],
            [0., 1.]])
    """
    return tg.index_put(self, _whole(dim, self, index), source)  # type: ignore[no-any-return]


@method()
def index_copy_(self: Tensor, dim: int, index: Any, source: Any) -> Tensor:
    """``index_copy`` in ``x``'s own memory; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_copy_(0, tg.tensor([1]), tg.ones(1))
    tensor([0., 1., 0.])
    """
    return put_in_place(self, _whole(dim, self, index), source)


@method()
def index_fill(self: Tensor, dim: int, index: Any, value: Any) -> Tensor:
    """``x`` with one number (or 0-d tensor) written at positions ``index`` of an axis.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_fill(0, tg.tensor([0, 2]), 7.0)
    tensor([7., 0., 7.])
    """
    return tg.index_put(self, _whole(dim, self, index), value)  # type: ignore[no-any-return]


@method()
def index_fill_(self: Tensor, dim: int, index: Any, value: Any) -> Tensor:
    """``index_fill`` in ``x``'s own memory; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_fill_(0, tg.tensor([0, 2]), 7.0)
    tensor([7., 0., 7.])
    """
    return put_in_place(self, _whole(dim, self, index), value)


@method()
def index_put_(self: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """``tg.index_put`` in ``x``'s own memory; ``x`` is returned.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).index_put_(([0, 0],), tg.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0., 0.])
    """
    return put_in_place(self, indices, values, accumulate)
