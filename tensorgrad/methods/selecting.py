"""Picking, filling and combining as methods, with PyTorch's names where they say one thing only."""

from __future__ import annotations

from typing import Any

from ..core.report import complain
from ..core.tensor import Tensor
from ..errors import AmbiguousError, ShapeError
from .axes import one_of
from .table import method, tg

__all__: list[str] = []


@method()
def where(self: Tensor, condition: Any, other: Any) -> Tensor:
    """``x`` where ``condition`` holds, ``other`` elsewhere: ``tg.where(condition, x, other)``.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 2.0]).where(tg.tensor([True, False]), 0.0)
    tensor([1., 0.])
    """
    return tg.where(condition, self, other)  # type: ignore[no-any-return]


@method("clamp", "clip")
def clamp(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Values brought into the range from ``min`` to ``max``, either of which may be left out: ``tg.clip``.

    >>> import tensorgrad as tg
    >>> tg.tensor([-1.0, 0.5, 3.0]).clamp(max=1)
    tensor([-1. ,  0.5,  1. ])
    """
    return tg.clip(self, min, max)  # type: ignore[no-any-return]


@method()
def clamp_min(self: Tensor, min: Any) -> Tensor:
    """``x.clamp(min=min)``.

    >>> import tensorgrad as tg
    >>> tg.tensor([-1.0, 0.5]).clamp_min(0)
    tensor([0. , 0.5])
    """
    return tg.clip(self, min, None)  # type: ignore[no-any-return]


@method()
def clamp_max(self: Tensor, max: Any) -> Tensor:
    """``x.clamp(max=max)``.

    >>> import tensorgrad as tg
    >>> tg.tensor([0.5, 3.0]).clamp_max(1)
    tensor([0.5, 1. ])
    """
    return tg.clip(self, None, max)  # type: ignore[no-any-return]


@method()
def take(self: Tensor, indices: Any, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """The elements at ``indices`` along ``axis``, or of the flattened tensor without one.

    Raises IndexingError for an index out of range.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).take([0, 3])
    tensor([1, 4])
    """
    where = one_of("take", "axis", axis, dim)
    if where is None:
        return tg.take(tg.reshape(self, -1), _indices(self, indices), axis=0)  # type: ignore[no-any-return]
    return tg.take(self, _indices(self, indices), axis=where)  # type: ignore[no-any-return]


def _indices(x: Tensor, indices: Any) -> Any:
    return indices if isinstance(indices, Tensor) else tg.tensor(indices, device=x.device)


@method()
def index_select(self: Tensor, dim: int, index: Any) -> Tensor:
    """The slices at ``index`` (one axis of integers) along an axis: ``tg.take(x, index, axis=dim)``.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).index_select(0, tg.tensor([1, 1]))
    tensor([[3, 4],
            [3, 4]])
    """
    return tg.take(self, index, axis=dim)  # type: ignore[no-any-return]


@method("take_along_axis", "take_along_dim")
def take_along_axis(self: Tensor, indices: Any, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """For each place, the element at its index along ``axis``: ``tg.take_along_axis`` as a method.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).take_along_axis(tg.tensor([[1], [0]]), axis=1)
    tensor([[2],
            [3]])
    """
    return tg.take_along_axis(self, indices, axis=axis if dim is None else dim)  # type: ignore[no-any-return]


@method()
def topk(
    self: Tensor, k: int, axis: int = -1, largest: bool = True, sorted: bool = True, *, dim: int | None = None
) -> Any:
    """The ``k`` largest (or smallest) elements along an axis, in order, and their indices: ``tg.topk`` as a method.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 3.0, 2.0]).topk(2)[0]
    tensor([3., 2.])
    """
    return tg.topk(self, k, axis=axis if dim is None else dim, largest=largest)


@method()
def add(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """``x + alpha * other``.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0]).add(2, alpha=3)
    tensor([7.])
    """
    return self + (other if type(alpha) is int and alpha == 1 else other * alpha)  # type: ignore[no-any-return]


@method("sub", "subtract")
def sub(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """``x - alpha * other``.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0]).sub(2, alpha=3)
    tensor([-5.])
    """
    return self - (other if type(alpha) is int and alpha == 1 else other * alpha)  # type: ignore[no-any-return]


@method("mm")
def mm(self: Tensor, other: Tensor) -> Tensor:
    """The product of two matrices. Raises ShapeError unless both have two axes and fit.

    >>> import tensorgrad as tg
    >>> tg.ones(2, 3).mm(tg.ones(3, 1)).shape
    (2, 1)
    """
    return _product("mm", self, other, 2)


@method("bmm")
def bmm(self: Tensor, other: Tensor) -> Tensor:
    """The products of two batches of matrices. Raises ShapeError unless both have three axes and fit.

    >>> import tensorgrad as tg
    >>> tg.ones(5, 2, 3).bmm(tg.ones(5, 3, 1)).shape
    (5, 2, 1)
    """
    return _product("bmm", self, other, 3)


def _product(name: str, a: Tensor, b: Tensor, ndim: int) -> Tensor:
    if a.ndim != ndim or b.ndim != ndim or a.shape[: ndim - 2] != b.shape[: ndim - 2]:
        raise complain(
            ShapeError,
            name,
            f"expected two tensors with {ndim} axes{' and one batch length' if ndim == 3 else ''}; matmul takes others",
            [a, b],
            ["a", "b"],
        )
    return a @ b


@method()
def mv(self: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector. Raises ShapeError unless they are that and fit.

    >>> import tensorgrad as tg
    >>> tg.ones(2, 3).mv(tg.ones(3))
    tensor([3., 3.])
    """
    if self.ndim != 2 or vec.ndim != 1:
        raise complain(
            ShapeError, "mv", "expected a matrix and a vector; matmul takes others", [self, vec], ["a", "vec"]
        )
    return self @ vec


@method()
def dot(self: Tensor, other: Any) -> Tensor:
    """The product of vectors or matrices: ``x @ other`` for up to two axes each, ``x * other`` where one is 0-d.

    Raises AmbiguousError for more axes, where NumPy's ``dot`` is neither ``matmul`` nor in PyTorch.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 2.0]).dot(tg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    other = tg.asarray(other)
    if self.ndim > 2 or other.ndim > 2:
        raise AmbiguousError(
            f"x.dot(y) of {self.ndim} and {other.ndim} axes: NumPy sums over the last axis of x and the second last "
            "of y, PyTorch takes vectors only. Write x @ y (batches of matrices) or "
            "tg.tensordot(x, y, axes=([-1], [-2]))"
        )
    return self * other if not self.ndim or not other.ndim else self @ other  # type: ignore[no-any-return]


@method()
def cross(self: Tensor, other: Any, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """The vector product along an axis of length 3: ``tg.cross`` with its axis said, unless there is one only.

    Raises AmbiguousError without an axis: NumPy takes the last one, PyTorch the first of length 3.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 0.0, 0.0]).cross(tg.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    where = one_of("cross", "axis", axis, dim)
    if where is None and (self.ndim > 1 or getattr(other, "ndim", 1) > 1):
        raise AmbiguousError(
            "x.cross(y) without an axis: for the last one (NumPy) write x.cross(y, axis=-1), for the first of length 3 "
            "(PyTorch) that one's number"
        )
    return tg.cross(self, other, axis=-1 if where is None else where)  # type: ignore[no-any-return]


@method()
def diff(self: Tensor, n: int = 1, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Differences of neighbours along an axis, ``n`` times over: ``tg.diff`` as a method.

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 4.0, 9.0]).diff()
    tensor([3., 5.])
    """
    return tg.diff(self, axis=axis if dim is None else dim, n=n)  # type: ignore[no-any-return]


@method()
def norm(
    self: Tensor, p: Any = 2, axis: Any = None, keepdims: bool = False, *, dim: Any = None, keepdim: bool | None = None
) -> Tensor:
    """The ``p``-norm of all elements, or of the vectors along ``axis``, as in PyTorch.

    Raises AmbiguousError for a matrix without an axis and a ``p`` other than 2: NumPy's norm is the operator's.

    >>> import tensorgrad as tg
    >>> tg.tensor([3.0, 4.0]).norm()
    tensor(5.)
    """
    where = one_of("norm", "axis", axis, dim)
    if p == "fro":
        p = 2
    if where is None and p != 2 and self.ndim == 2:
        raise AmbiguousError(
            f"x.norm({p!r}) of a matrix: for the norm of the operator (NumPy) write "
            f"tg.linalg.matrix_norm(x, ord={p!r}), for that of all elements (PyTorch) "
            f"tg.linalg.vector_norm(x, ord={p!r})"
        )
    return tg.vector_norm(  # type: ignore[no-any-return]
        self, axis=where, keepdims=keepdims if keepdim is None else keepdim, ord=p
    )
