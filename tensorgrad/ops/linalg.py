"""Products of matrices and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.node import Info
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import broadcast, op, public
from ..dtypes import is_scalar, result_dtype
from ..errors import AxisError, DTypeError, ShapeError
from ..op import TENSORS, helper
from .axes import listed, normal_axis, size_of
from .einsum import contract
from .reduction import tensor_of

__all__ = ["cross", "dot", "inner", "kron", "matmul", "outer", "tensordot", "vecdot"]


@helper
def swap_last(m: Any, x: Any) -> Any:
    """``x`` with its last two axes exchanged: a view."""
    n = x.ndim
    return m.permute_dims(x, axes=(*range(n - 2), n - 1, n - 2))


def _promoted(*infos: Info) -> Any:
    return result_dtype([x.dtype for x in infos], [], "same", get_state().dtype)


# Matrix products.


def _matmul_infer(params: dict[str, Any], a: Info, b: Info) -> Info:
    if not a.shape or not b.shape:
        raise ShapeError("matmul needs at least one dimension on each side; multiply 0-d tensors with *")
    inner = b.shape[-2] if len(b.shape) > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ShapeError(
            f"shapes {list(a.shape)} and {list(b.shape)} do not multiply: the last axis of a has length "
            f"{a.shape[-1]}, the {'second last' if len(b.shape) > 1 else 'only'} axis of b {inner}"
        )
    shape = broadcast(a.shape[:-2], b.shape[:-2]) + a.shape[-2:-1] + (b.shape[-1:] if len(b.shape) > 1 else ())
    return Info(shape, _promoted(a, b))


def _matmul_a(m: Any, g: Any, b: Any, a_info: Info) -> Any:
    if b.ndim == 1:
        return g * b if a_info.ndim == 1 else m.expand_dims(g, axis=-1) * b
    if a_info.ndim == 1:
        return m.matmul(b, m.expand_dims(g, axis=-1))[..., 0]
    return m.matmul(g, m.swap_last(b))


def _rows(m: Any, x: Any) -> Any:
    """``x`` as one matrix: all leading axes in one."""
    return m.reshape(x, shape=(size_of(x.shape[:-1]), x.shape[-1]))


def _matmul_b(m: Any, g: Any, a: Any, b_info: Info) -> Any:
    if a.ndim == 1:
        return g * a if b_info.ndim == 1 else m.expand_dims(a, axis=-1) * m.expand_dims(g, axis=-2)
    if b_info.ndim == 1:
        return m.matmul(m.swap_last(a), m.expand_dims(g, axis=-1))[..., 0]
    if b_info.ndim == 2 and a.ndim > 2:  # one product over all rows, not one per batch and a sum
        return m.matmul(m.swap_last(_rows(m, a)), _rows(m, g))
    return m.matmul(m.swap_last(a), g)


_matmul = op(
    "matmul",
    "a b",
    kind="same",
    infer=_matmul_infer,
    rules={"a": _matmul_a, "b": _matmul_b},
    multilinear="a b",
    doc="The matrix product.",
)


@public
def matmul(a: Any, b: Any, /) -> Tensor:
    """The matrix product ``a @ b``; leading axes broadcast, a 1-D operand is a row (left) or a column (right).

    Raises ShapeError if the inner lengths differ or an operand is 0-d.

    >>> import tensorgrad as tg
    >>> tg.matmul(tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        a, b = tensor_of(a), tensor_of(b)
    return _matmul(a, b)  # type: ignore[no-any-return]


# Products over chosen axes.


@public
def tensordot(a: Any, b: Any, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """The sum over axes of ``a`` times axes of ``b``; the result has the other axes of ``a``, then those of ``b``.

    Parameters:
        axes: how many (the last of ``a``, the first of ``b``), or the axes of ``a`` and the axes of ``b``.

    Raises ShapeError if lengths differ, AxisError for axes out of range or not the same number of each.

    >>> import tensorgrad as tg
    >>> tg.tensordot(tg.ones((2, 3)), tg.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    a, b = tensor_of(a), tensor_of(b)
    if not isinstance(axes, (tuple, list)):
        n = int(axes)
        if not 0 <= n <= min(a.ndim, b.ndim):
            raise AxisError(f"tensordot: expected axes from 0 to {min(a.ndim, b.ndim)}, got {axes}")
        left, right = list(range(a.ndim - n, a.ndim)), list(range(n))
    else:
        given = [list(listed(v)) for v in axes]
        if len(given) != 2 or len(given[0]) != len(given[1]):
            raise AxisError(f"tensordot: expected as many axes of a as of b, got {axes}")
        left, right = [normal_axis(i, a.ndim) for i in given[0]], [normal_axis(i, b.ndim) for i in given[1]]
        if len(set(left)) != len(left) or len(set(right)) != len(right):
            raise AxisError(f"tensordot: axes {axes} name a dimension twice")
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j]:
            raise ShapeError(
                f"tensordot: axis {i} of a has length {a.shape[i]}, axis {j} of b {b.shape[j]}: expected equal lengths"
            )
    a_labels = list(range(a.ndim))
    b_labels = list(range(a.ndim, a.ndim + b.ndim))
    for i, j in zip(left, right, strict=True):
        b_labels[j] = i
    free = [i for i in a_labels if i not in left]
    return contract(a, b, a_labels, b_labels, [*free, *(i for i in b_labels if i >= a.ndim)])


@public
def outer(a: Any, b: Any, /) -> Tensor:
    """All products of an element of ``a`` with one of ``b``, as a matrix; operands are flattened.

    >>> import tensorgrad as tg
    >>> tg.outer(tg.tensor([1, 2]), tg.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    a, b = tensor_of(a), tensor_of(b)
    return TENSORS.multiply(TENSORS.reshape(a, shape=(a.size, 1)), TENSORS.reshape(b, shape=(b.size,)))  # type: ignore


@public
def inner(a: Any, b: Any, /) -> Tensor:
    """The sum over the last axes of ``a`` times ``b``, for all other positions of both; the product if one is 0-d.

    Raises ShapeError if the last lengths differ.

    >>> import tensorgrad as tg
    >>> tg.inner(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    a, b = tensor_of(a), tensor_of(b)
    if not a.ndim or not b.ndim:
        return TENSORS.multiply(a, b)  # type: ignore[no-any-return]
    return tensordot(a, b, axes=([a.ndim - 1], [b.ndim - 1]))


@public
def dot(a: Any, b: Any, /) -> Tensor:
    """NumPy's ``dot``: the inner product of vectors, the product of matrices, ``a * b`` if one is 0-d.

    Otherwise the sum over the last axis of ``a`` and the second last of ``b``, for all other positions of both.

    Raises ShapeError if these lengths differ.

    >>> import tensorgrad as tg
    >>> tg.dot(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    if is_scalar(a) or is_scalar(b):
        return TENSORS.multiply(a, b)  # type: ignore[no-any-return]
    a, b = tensor_of(a), tensor_of(b)
    if not a.ndim or not b.ndim:
        return TENSORS.multiply(a, b)  # type: ignore[no-any-return]
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=([a.ndim - 1], [max(b.ndim - 2, 0)]))


@public
def vecdot(a: Any, b: Any, /, *, axis: int = -1) -> Tensor:
    """The sum of ``a * b`` over ``axis``; the other axes broadcast.

    Parameters:
        axis: counted from the end (negative), as shapes broadcast from there, or from the start where both operands
            have the same number of axes.

    Raises AxisError for an axis out of range, ShapeError if lengths differ or shapes do not broadcast, DTypeError for
    complex operands, of which the array API would take the conjugate.

    >>> import tensorgrad as tg
    >>> tg.vecdot(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    a, b = tensor_of(a), tensor_of(b)
    if "c" in (a.dtype.kind, b.dtype.kind):
        raise DTypeError(f"vecdot: expected real operands, got {a.dtype} and {b.dtype}")
    if axis >= 0 and a.ndim != b.ndim:
        raise AxisError(f"vecdot: expected a negative axis for {a.ndim} and {b.ndim} dimensions, got {axis}")
    i, j = normal_axis(axis, a.ndim), normal_axis(axis, b.ndim)
    if a.shape[i] != b.shape[j]:
        raise ShapeError(f"vecdot: axis {axis} has lengths {a.shape[i]} and {b.shape[j]}: expected equal")
    ndim = max(a.ndim, b.ndim)
    # Axes are numbered as in the result of broadcasting; an axis of length 1 is left out of the operand that has it.
    shape = broadcast(a.shape, b.shape)
    parts: list[Tensor] = []
    labels: list[list[int]] = []
    for x in (a, b):
        offset = ndim - x.ndim
        present = [k for k in range(x.ndim) if x.shape[k] == shape[k + offset]]
        parts.append(x if len(present) == x.ndim else TENSORS.reshape(x, shape=tuple(x.shape[k] for k in present)))
        labels.append([k + offset for k in present])
    summed = axis % ndim
    return contract(parts[0], parts[1], labels[0], labels[1], [k for k in range(ndim) if k != summed])


@public
def kron(a: Any, b: Any, /) -> Tensor:
    """The Kronecker product: each element of ``a`` replaced by itself times ``b``; missing axes are leading ones.

    >>> import tensorgrad as tg
    >>> tg.kron(tg.tensor([1, 10]), tg.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    a, b = tensor_of(a), tensor_of(b)
    n = max(a.ndim, b.ndim)
    left, right = (1,) * (n - a.ndim) + a.shape, (1,) * (n - b.ndim) + b.shape
    wide = TENSORS.reshape(a, shape=tuple(k for length in left for k in (length, 1)))
    narrow = TENSORS.reshape(b, shape=tuple(k for length in right for k in (1, length)))
    product = TENSORS.multiply(wide, narrow)
    return TENSORS.reshape(product, shape=tuple(i * j for i, j in zip(left, right, strict=True)))  # type: ignore


# The cross product.


def _cross_infer(params: dict[str, Any], a: Info, b: Info) -> Info:
    axis = params["axis"]
    shape = broadcast(a.shape, b.shape)
    for name, x in (("a", a), ("b", b)):
        if x.shape[axis] != 3:
            raise ShapeError(f"axis {axis} of {name} must have length 3, got shape {list(x.shape)}")
    return Info(shape, _promoted(a, b))


def _cross_body(m: Any, a: Any, b: Any, axis: int) -> Any:
    _cross_infer({"axis": axis}, a, b)
    def from_next(x: Any, n: int) -> Any:
        return m.xp.roll(x, -n, axis=axis)

    return from_next(a, 1) * from_next(b, 2) - from_next(a, 2) * from_next(b, 1)


_cross = op(
    "cross",
    "a b",
    params="axis",
    kind="same",
    infer=_cross_infer,
    body=_cross_body,
    rules={
        "a": lambda m, g, b, axis: m.cross(b, g, axis=axis),
        "b": lambda m, g, a, axis: m.cross(g, a, axis=axis),
    },
    multilinear="a b",
    doc="The cross product along an axis.",
)


@public
def cross(a: Any, b: Any, /, *, axis: int = -1) -> Tensor:
    """The cross product of vectors of length 3 along ``axis``; the other axes broadcast.

    Parameters:
        axis: counted from the end (negative), as shapes broadcast from there, or from the start where both operands
            have the same number of axes.

    Raises AxisError for an axis out of range, ShapeError for other lengths or shapes that do not broadcast.

    >>> import tensorgrad as tg
    >>> tg.cross(tg.tensor([1, 0, 0]), tg.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    a, b = tensor_of(a), tensor_of(b)
    if axis >= 0 and a.ndim != b.ndim:
        raise AxisError(f"cross: expected a negative axis for {a.ndim} and {b.ndim} dimensions, got {axis}")
    normal_axis(axis, min(a.ndim, b.ndim))
    # Negative, so that it is the same axis of operands and of cotangents with more axes.
    place = axis if axis < 0 else axis - a.ndim
    return _cross(a, b, axis=place)  # type: ignore[no-any-return]
