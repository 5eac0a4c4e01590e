"""Matrix products through cuBLAS, with transposes as flags and broadcasting as a stride of 0, never as copies.

CuPy's own ``matmul`` computes float16 stacks in float32, cannot do bfloat16 stacks, and makes every stack contiguous
first. ``gemm`` gives cuBLAS what it can take as it lies in memory: ``plan`` works out the calls, on numbers alone, and
``_launch`` makes them, so that the arithmetic of strides is tested without a GPU.

cuBLAS is column-major: a row-major ``out = a @ b`` is, read by columns, ``out.T = b.T @ a.T``. So its first operand is
our ``b``, its m is the number of our columns and its n that of our rows.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np

from ..errors import ShapeError

__all__ = ["Call", "Layout", "gemm", "matmul", "plan"]

_LOOPS: Final = 8
"""Launch at most so many batched products one after the other; above that, copying an operand is cheaper."""
_INT32: Final = 2**31 - 1


class Layout(NamedTuple):
    """A stack of matrices in memory: shape and strides, in elements, the last two axes being the matrix's."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Call(NamedTuple):
    """One call of gemmStridedBatchedEx, in its own terms; offsets, leading dimensions and strides in elements."""

    trans_a: bool
    trans_b: bool
    m: int
    n: int
    k: int
    a: int
    lda: int
    stride_a: int
    b: int
    ldb: int
    stride_b: int
    c: int
    ldc: int
    stride_c: int
    batch: int


def _leading(rows: int, columns: int, row_stride: int, column_stride: int) -> tuple[bool, int] | None:
    """How cuBLAS is told of a row-major matrix: whether its columns (not rows) are contiguous, and the distance.

    None if neither are, or if rows overlap.
    """
    if (column_stride == 1 or columns == 1) and (rows == 1 or row_stride >= columns):
        return False, max(columns, row_stride if rows > 1 else 0, 1)
    if (row_stride == 1 or rows == 1) and (columns == 1 or column_stride >= rows):
        return True, max(rows, column_stride if columns > 1 else 0, 1)
    return None


def _batches(a: Layout, b: Layout, out: Layout) -> list[tuple[int, int, int, int]]:
    """The stack's axes as (length, stride of a, of b, of out): without those of length 1, merged where possible."""

    def stride(x: Layout, axis: int) -> int:
        at = axis + len(x.shape) - len(out.shape)
        return x.strides[at] if at >= 0 and x.shape[at] != 1 else 0

    axes: list[tuple[int, int, int, int]] = []
    for axis in range(len(out.shape) - 2):
        length = out.shape[axis]
        here = (stride(a, axis), stride(b, axis), stride(out, axis))
        if length == 1:
            continue
        if axes and all(outer == inner * length for outer, inner in zip(axes[-1][1:], here, strict=True)):
            axes[-1] = (axes[-1][0] * length, *here)
        else:
            axes.append((length, *here))
    return axes


def plan(a: Layout, b: Layout, out: Layout) -> list[Call] | str:
    """The cuBLAS calls for ``out = a @ b``, or the name of the operand (``"a"``, ``"b"``) to copy first.

    ``out`` has the stack's full shape and contiguous rows; a and b may lack leading axes or have length 1 there.
    """
    rows, columns = out.shape[-2:]
    inner = a.shape[-1]
    way_a, way_b, way_out = (_leading(*x.shape[-2:], *x.strides[-2:]) for x in (a, b, out))
    if way_a is None or min(a.strides) < 0:
        return "a"
    if way_b is None or min(b.strides) < 0:
        return "b"
    if way_out is None or way_out[0] or min(out.strides) < 0:
        raise ShapeError(f"gemm: the result's rows must be contiguous, got strides {out.strides}")
    (a_columns, a_ld), (b_columns, b_ld), out_ld = way_a, way_b, way_out[1]
    axes = _batches(a, b, out)
    if axes and not a_columns:
        rows, axes = _fold_rows(rows, a_ld, out_ld, axes)
    if max(rows, columns, inner, a_ld, b_ld, out_ld) > _INT32:
        raise ShapeError(f"gemm: a length or distance above 2**31 - 1 is more than cuBLAS takes: {a}, {b}")
    axes.sort(key=lambda axis: axis[0])
    batch = axes.pop() if axes else (1, 0, 0, 0)
    if math.prod(axis[0] for axis in axes) > _LOOPS:
        for name, x in (("a", a), ("b", b)):
            if not _is_dense(x):
                return name
    calls = []
    for place in product(*(range(axis[0]) for axis in axes)):
        at_a, at_b, at_out = (sum(i * axis[which] for i, axis in zip(place, axes, strict=True)) for which in (1, 2, 3))
        calls.append(
            Call(
                b_columns, a_columns, columns, rows, inner,
                at_b, b_ld, batch[2], at_a, a_ld, batch[1], at_out, out_ld, batch[3], batch[0],
            )
        )
    return calls


def _fold_rows(
    rows: int, a_ld: int, out_ld: int, axes: list[tuple[int, int, int, int]]
) -> tuple[int, list[tuple[int, int, int, int]]]:
    """Stacked rows against one matrix are one tall product: [B, M, K] @ [K, N] is [B * M, K] @ [K, N]."""
    length, stride_a, stride_b, stride_out = axes[-1]
    if stride_b == 0 and stride_a == rows * a_ld and stride_out == rows * out_ld and rows * length <= _INT32:
        return rows * length, axes[:-1]
    return rows, axes


def _is_dense(x: Layout) -> bool:
    """Whether elements lie next to each other in order; a broadcast axis of the stack takes no room."""
    expected = 1
    for length, stride in zip(reversed(x.shape), reversed(x.strides), strict=True):
        if length != 1 and stride != 0:
            if stride != expected:
                return False
            expected *= length
    return True


def gemm(
    a: Any,
    b: Any,
    trans_a: bool = False,
    trans_b: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
    out: Any = None,
) -> Any:
    """``out = alpha * op(a) @ op(b) + beta * out``, on CuPy arrays of one floating dtype and at least two axes.

    ``op`` transposes the last two axes where its flag is set; leading axes broadcast. 16-bit types accumulate in
    float32. With ``beta=1`` a product is added to ``out`` in place, without a temporary. Runs on the current stream.

    Raises ShapeError for shapes that do not fit.
    """
    import cupy

    a = a.swapaxes(-1, -2) if trans_a else a
    b = b.swapaxes(-1, -2) if trans_b else b
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{list(a.shape)} by {list(b.shape)}: {a.shape[-1]} columns do not meet {b.shape[-2]} rows")
    try:
        shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
    except ValueError:
        raise ShapeError(f"{list(a.shape)} by {list(b.shape)}: the leading axes do not broadcast") from None
    if out is None:
        out, beta = cupy.empty(shape, dtype=a.dtype), 0.0
    elif out.shape != shape or out.dtype != a.dtype:
        raise ShapeError(f"matmul: the result is {a.dtype}{list(shape)}, out is {out.dtype}{list(out.shape)}")
    if not out.size:
        return out
    if not a.shape[-1]:
        out *= beta
        return out
    way = _leading(*out.shape[-2:], *_layout(out).strides[-2:])
    if way is not None and way[0]:
        # The result lies by columns: out.T = b.T @ a.T.
        gemm(b.swapaxes(-1, -2), a.swapaxes(-1, -2), alpha=alpha, beta=beta, out=out.swapaxes(-1, -2))
        return out
    calls = plan(_layout(a), _layout(b), _layout(out))
    while isinstance(calls, str):
        a, b = (_copied(a), b) if calls == "a" else (a, _copied(b))
        calls = plan(_layout(a), _layout(b), _layout(out))
    _launch(calls, a, b, out, alpha, beta)
    return out


def _copied(x: Any) -> Any:
    """A dense copy, in which a broadcast axis of the stack has length 1."""
    once = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in x.strides[:-2])
    return x[once].copy()


def _layout(x: Any) -> Layout:
    return Layout(x.shape, tuple(s // x.itemsize for s in x.strides))


def matmul(a: Any, b: Any) -> Any:
    """``a @ b`` of CuPy arrays, as the array API has it.

    Stacks of floating matrices go through ``gemm``; two plain matrices, vectors and integers through CuPy, which
    handles those well.
    """
    import cupy

    stacked = max(a.ndim, b.ndim) > 2
    dtype = a.dtype if a.dtype == b.dtype else np.result_type(a.dtype, b.dtype)
    if not stacked or dtype not in _types() or not a.ndim or not b.ndim:
        return cupy.matmul(a, b)
    left, right = a.astype(dtype, copy=False), b.astype(dtype, copy=False)
    left = left[None, :] if a.ndim == 1 else left
    right = right[:, None] if b.ndim == 1 else right
    out = gemm(left, right)
    if a.ndim == 1:
        out = out[..., 0, :]
    return out[..., 0] if b.ndim == 1 else out


class _Type(NamedTuple):
    """cudaDataType_t and cublasComputeType_t of an element type, and the type of alpha and beta."""

    data: int
    compute: int
    scalar: Any


@functools.cache
def _types() -> dict[Any, _Type]:
    # cudaDataType_t: library_types.h; cublasComputeType_t: cublas_api.h.
    single, double = 68, 70
    types = {
        np.dtype(np.float16): _Type(2, single, np.float32),
        np.dtype(np.float32): _Type(0, single, np.float32),
        np.dtype(np.float64): _Type(1, double, np.float64),
        np.dtype(np.complex64): _Type(4, single, np.complex64),
        np.dtype(np.complex128): _Type(5, double, np.complex128),
    }
    try:
        import ml_dtypes
    except ImportError:
        return types
    return {**types, np.dtype(ml_dtypes.bfloat16): _Type(14, single, np.float32)}


def _launch(calls: Sequence[Call], a: Any, b: Any, out: Any, alpha: float, beta: float) -> None:
    from cupy.cuda import cublas, get_cublas_handle  # needs cuBLAS, so not imported before it is

    kind = _types()[out.dtype]
    compute = kind.compute
    if out.dtype == np.float32 and _tf32_allowed():
        compute = cublas.CUBLAS_COMPUTE_32F_FAST_TF32
    scalars = np.array([alpha, beta], dtype=kind.scalar)
    p_alpha = scalars.ctypes.data
    p_beta = p_alpha + scalars.itemsize
    handle = get_cublas_handle()
    mode = cublas.getPointerMode(handle)
    cublas.setPointerMode(handle, cublas.CUBLAS_POINTER_MODE_HOST)
    size = out.itemsize
    flags = (cublas.CUBLAS_OP_N, cublas.CUBLAS_OP_T)
    try:
        for c in calls:
            cublas.gemmStridedBatchedEx(
                handle, flags[c.trans_a], flags[c.trans_b], c.m, c.n, c.k, p_alpha,
                b.data.ptr + c.a * size, kind.data, c.lda, c.stride_a,
                a.data.ptr + c.b * size, kind.data, c.ldb, c.stride_b,
                p_beta, out.data.ptr + c.c * size, kind.data, c.ldc, c.stride_c,
                c.batch, compute, cublas.CUBLAS_GEMM_DEFAULT,
            )  # fmt: skip
    finally:
        cublas.setPointerMode(handle, mode)


def _tf32_allowed() -> bool:
    """Whether the user asked CuPy for TF32 (``CUPY_TF32=1``): products then may round float32 to 10 bits."""
    import os

    return os.environ.get("CUPY_TF32", "0") == "1"
