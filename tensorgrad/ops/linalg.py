"""Products of matrices and tensors."""

from __future__ import annotations

from typing import Any

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import broadcast, op, public
from ..dtypes import result_dtype
from ..core.state import get_state
from ..errors import ShapeError
from ..op import helper
from .reduction import tensor_of

__all__ = ["matmul"]


@helper
def swap_last(m: Any, x: Any) -> Any:
    """``x`` with its last two axes exchanged: a view."""
    n = x.ndim
    return m.permute_dims(x, axes=(*range(n - 2), n - 1, n - 2))


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
    return Info(shape, result_dtype([a.dtype, b.dtype], [], "same", get_state().dtype))


def _matmul_a(m: Any, g: Any, b: Any, a_info: Info) -> Any:
    if b.ndim == 1:
        return g * b if a_info.ndim == 1 else m.expand_dims(g, axis=-1) * b
    if a_info.ndim == 1:
        return m.matmul(b, m.expand_dims(g, axis=-1))[..., 0]
    return m.matmul(g, m.swap_last(b))


def _matmul_b(m: Any, g: Any, a: Any, b_info: Info) -> Any:
    if a.ndim == 1:
        return g * a if b_info.ndim == 1 else m.expand_dims(a, axis=-1) * m.expand_dims(g, axis=-2)
    if b_info.ndim == 1:
        return m.matmul(m.swap_last(a), m.expand_dims(g, axis=-1))[..., 0]
    if b_info.ndim == 2 and a.ndim > 2:  # one product over all rows, not one per batch and a sum
        rows = m.reshape(a, shape=(-1, a.shape[-1]))
        return m.matmul(m.swap_last(rows), m.reshape(g, shape=(-1, g.shape[-1])))
    return m.matmul(m.swap_last(a), g)


_matmul = op(
    "matmul",
    "a b",
    kind="same",
    infer=_matmul_infer,
    rules={"a": _matmul_a, "b": _matmul_b},
    multilinear="a b",
)


@public
def matmul(a: Any, b: Any, /) -> Tensor:
    """The matrix product ``a @ b``; leading axes broadcast, a 1-D operand is a row (left) or a column (right).

    Raises ShapeError if the inner lengths differ or an operand is 0-d.

    >>> import tensorgrad as tg
    >>> tg.matmul(tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    return _matmul(tensor_of(a), tensor_of(b))  # type: ignore[no-any-return]
