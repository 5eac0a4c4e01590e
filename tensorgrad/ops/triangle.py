"""Triangles and diagonals of matrices."""

from __future__ import annotations

from typing import Any

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import op, public
from ..errors import AxisError, ShapeError
from ..op import TENSORS
from .axes import normal_axis
from .reduction import cast, tensor_of

__all__ = ["diag", "diagonal", "trace", "tril", "triu"]


def _triangle_infer(params: dict[str, Any], x: Info) -> Info:
    if len(x.shape) < 2:
        raise ShapeError(f"expected matrices, of at least two axes, got shape {list(x.shape)}")
    return x


_tril, _triu = (
    op(name, "x", params="k", infer=_triangle_infer, rules={"x": rule}, linear="x", doc="A triangle.")
    for name, rule in (("tril", lambda m, g, k: m.tril(g, k=k)), ("triu", lambda m, g, k: m.triu(g, k=k)))
)


def _matrices(x: Any) -> Tensor:
    matrices = tensor_of(x)
    _triangle_infer({}, Info(matrices.shape, matrices.dtype))
    return matrices


@public
def tril(x: Any, /, *, k: int = 0) -> Tensor:
    """The lower triangles of the matrices in the last two axes: zeros above diagonal ``k`` (1 is next above the main).

    Raises ShapeError with fewer than two axes.

    >>> import tensorgrad as tg
    >>> tg.tril(tg.tensor([[1, 2], [3, 4]]))
    tensor([[1, 0],
            [3, 4]])
    """
    return _tril(_matrices(x), k=int(k))  # type: ignore[no-any-return]


@public
def triu(x: Any, /, *, k: int = 0) -> Tensor:
    """The upper triangles of the matrices in the last two axes: zeros below diagonal ``k`` (1 is next above the main).

    Raises ShapeError with fewer than two axes.

    >>> import tensorgrad as tg
    >>> tg.triu(tg.tensor([[1, 2], [3, 4]]), k=1)
    tensor([[0, 2],
            [0, 0]])
    """
    return _triu(_matrices(x), k=int(k))  # type: ignore[no-any-return]


# Diagonals.


def _length(rows: int, columns: int, offset: int) -> int:
    return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


def _diagonal_infer(params: dict[str, Any], x: Info) -> Info:
    i, j = params["axis1"], params["axis2"]
    rest = tuple(n for axis, n in enumerate(x.shape) if axis not in (i, j))
    return Info((*rest, _length(x.shape[i], x.shape[j], params["offset"])), x.dtype)


def _diagonal_rule(m: Any, g: Any, x_info: Info, offset: int, axis1: int, axis2: int) -> Any:
    return m.on_diagonal(g, shape=x_info.shape, offset=offset, axis1=axis1, axis2=axis2)


_diagonal = op(
    "diagonal",
    "x",
    params="offset axis1 axis2",
    infer=_diagonal_infer,
    rules={"x": _diagonal_rule},
    linear="x",
    view=True,
    doc="Diagonals of the matrices in two axes.",
)


def _on_diagonal_body(m: Any, g_: Any, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    out = m.xp.zeros(shape, dtype=g_.dtype)
    places = m.xp.arange(g_.shape[-1])
    m.xp.moveaxis(out, (axis1, axis2), (-2, -1))[..., places + max(0, -offset), places + max(0, offset)] = g_
    return out


op(
    "on_diagonal",
    "g_",
    params="shape offset axis1 axis2",
    infer=lambda params, g_: Info(params["shape"], g_.dtype),
    body=_on_diagonal_body,
    rules={
        "g_": lambda m, g, offset, axis1, axis2: m.diagonal(g, offset=offset, axis1=axis1, axis2=axis2)
    },
    linear="g_",
    doc="Zeros of ``shape`` with values on diagonals: the transpose of ``diagonal``.",
)


def _two(x: Tensor, axis1: int, axis2: int) -> tuple[int, int]:
    i, j = normal_axis(axis1, x.ndim, "axis1"), normal_axis(axis2, x.ndim, "axis2")
    if i == j:
        raise AxisError(f"expected axis1 and axis2 to differ, got {axis1} and {axis2}")
    return i, j


@public
def diagonal(x: Any, /, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals of the matrices in axes ``axis1`` and ``axis2``, as the last axis of the result. A view, not to be
    written to, as in NumPy.

    ``offset`` 1 is the diagonal next above the main one. (The array API's ``linalg.diagonal`` takes the last two axes.)

    Raises AxisError for axes out of range or equal.

    >>> import tensorgrad as tg
    >>> tg.diagonal(tg.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    x = tensor_of(x)
    i, j = _two(x, axis1, axis2)
    return _diagonal(x, offset=int(offset), axis1=i, axis2=j)  # type: ignore[no-any-return]


@public
def diag(x: Any, /, k: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal ``k``, or that diagonal of a matrix, as a view.

    Raises ShapeError for any other number of axes.

    >>> import tensorgrad as tg
    >>> tg.diag(tg.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    x = tensor_of(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: expected a vector or a matrix, got shape {list(x.shape)}")
    n = x.shape[0] + abs(int(k))
    return TENSORS.on_diagonal(x, shape=(n, n), offset=int(k), axis1=0, axis2=1)  # type: ignore[no-any-return]


@public
def trace(x: Any, /, offset: int = 0, axis1: int = 0, axis2: int = 1, *, dtype: Any = None) -> Tensor:
    """The sum of the diagonals of the matrices in axes ``axis1`` and ``axis2``. See ``diagonal``.

    Raises AxisError for axes out of range or equal.

    >>> import tensorgrad as tg
    >>> tg.trace(tg.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    found = diagonal(cast(x, dtype), offset, axis1, axis2)
    return TENSORS.sum(found, axis=(found.ndim - 1,), keepdims=False)  # type: ignore[no-any-return]
