"""Matrix products on CUDA: stacks in half precision, transposes and broadcasting without copies, accumulation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.backends import find
from tensorgrad.dtypes import to_dtype

DTYPES = ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
LIMITS = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 2e-5, "float64": 1e-12, "complex64": 2e-5, "complex128": 1e-12}


def arrays(shape: tuple[int, ...], dtype: Any, seed: int) -> Iterator[tuple[str, Any, np.ndarray]]:
    """The same matrices in several layouts on the device, and in double precision on the host."""
    import cupy

    if len(shape) == 1:
        how, matrix, exact = next(arrays((1, *shape), dtype, seed))
        yield how, matrix[0], exact[0]
        return
    rng = np.random.default_rng(seed)
    host = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        host = host + 1j * rng.standard_normal(shape)
    x = cupy.asarray(host.astype(dtype))
    exact = cupy.asnumpy(x).astype(np.complex128 if np.dtype(dtype).kind == "c" else np.float64)
    yield "dense", x, exact
    yield "transposed", cupy.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2), exact
    wide = cupy.zeros((*shape[:-1], shape[-1] + 3), dtype=dtype)
    wide[..., 1:-2] = x
    yield "part of a wider one", wide[..., 1:-2], exact
    yield "reversed", cupy.ascontiguousarray(x[..., ::-1])[..., ::-1], exact
    if len(shape) == 4:
        yield "heads after time", cupy.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2), exact


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "a, b",
    [
        ((4, 5), (5, 6)),
        ((3, 4, 5), (3, 5, 6)),
        ((3, 4, 5), (5, 6)),
        ((4, 5), (3, 5, 6)),
        ((2, 3, 4, 5), (2, 3, 5, 6)),
        ((2, 1, 4, 5), (1, 3, 5, 6)),
        ((17, 19, 4, 5), (17, 19, 5, 6)),
        ((3, 1, 64), (3, 64, 1)),
        ((5,), (3, 5, 6)),
        ((3, 4, 5), (5,)),
    ],
)
def test_products_of_every_layout(a: tuple[int, ...], b: tuple[int, ...], dtype: str) -> None:
    kind = to_dtype(dtype)
    backend = find("cuda")
    matmul = backend.overrides["matmul"]
    for how_a, left, exact_a in arrays(a, kind, 1):
        for how_b, right, exact_b in arrays(b, kind, 2):
            out = matmul(left, right)
            assert out.dtype == kind
            expected = exact_a @ exact_b
            got = backend.to_numpy(out).astype(expected.dtype)
            scale = max(1.0, float(np.abs(expected).max()))
            assert np.abs(got - expected).max() <= LIMITS[dtype] * scale, f"{how_a} by {how_b}"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_gradients_of_stacks_in_half_precision(dtype: str) -> None:
    rng = np.random.default_rng(0)
    values = [tg.tensor(rng.standard_normal((2, 3, 7, 8)), device="cuda") for _ in range(2)]
    q, k = (x.astype(dtype).requires_grad_() for x in values)
    scores = tg.matmul(q, tg.permute_dims(k, (0, 1, 3, 2)))
    assert scores.dtype == q.dtype
    scores.sum().backward()
    for x, other in ((q, k), (k, q)):
        assert x.grad is not None
        assert x.grad.dtype == q.dtype
        values = other.detach().cpu().numpy().astype(np.float64)
        expected = np.broadcast_to(values.sum(axis=2, keepdims=True), values.shape)
        np.testing.assert_allclose(x.grad.cpu().numpy().astype(np.float64), expected, rtol=0.02, atol=0.05)


def test_large_half_precision_sums_do_not_overflow_inside() -> None:
    x = tg.ones(2, 4, 70_000, device="cuda").astype(tg.float16) * 0.5
    y = tg.matmul(x, tg.permute_dims(x, (0, 2, 1)))
    assert (y.cpu().numpy() == 17_504).all(), "17500 rounded to float16, summed in float32"


def test_accumulating_in_place() -> None:
    import cupy

    from tensorgrad.backends.cupy_gemm import gemm

    a, b = cupy.ones((2, 3, 4), dtype="f"), cupy.ones((2, 4, 5), dtype="f")
    for out in (cupy.ones((2, 3, 5), dtype="f"), cupy.ones((2, 5, 3), dtype="f").swapaxes(1, 2)):
        gemm(a, b, alpha=2.0, beta=1.0, out=out)
        assert (out == 9).all()


def test_a_transposed_operand_is_not_copied() -> None:
    import cupy

    backend = find("cuda")
    k = cupy.ones((64, 128, 64), dtype=np.float16)
    backend.overrides["matmul"](k, k.swapaxes(1, 2))  # cuBLAS takes its workspace
    with backend.track_peak() as peak:  # type: ignore[attr-defined]
        out = backend.overrides["matmul"](k, k.swapaxes(1, 2))
    assert peak.bytes <= out.nbytes + 1024


def test_pointer_mode_is_left_as_it_was() -> None:
    import cupy
    from cupy.cuda import cublas

    handle = cupy.cuda.get_cublas_handle()
    for mode in (cublas.CUBLAS_POINTER_MODE_DEVICE, cublas.CUBLAS_POINTER_MODE_HOST):
        cublas.setPointerMode(handle, mode)
        out = find("cuda").overrides["matmul"](cupy.ones((2, 3, 4)), cupy.ones((2, 4, 5)))
        assert cublas.getPointerMode(handle) == mode
        assert (out == 4).all()
