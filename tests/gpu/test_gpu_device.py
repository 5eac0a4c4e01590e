"""The device as a place: streams, memory, transfers, devices, determinism, training, manners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.backends import Device, available, find
from tensorgrad.core.generator import manual_seed
from tensorgrad.errors import DeviceError


def test_it_is_there_and_says_so() -> None:
    assert available()["cuda"]
    backend = find("cuda")
    assert backend.advice() is None
    assert Device("cuda", 0) in backend.devices()
    with pytest.raises(DeviceError, match="cuda:99"):
        tg.zeros(2, device="cuda:99")


def test_there_and_back() -> None:
    for dtype in ("bool", "uint8", "int32", "int64", "float16", "float32", "float64", "complex64"):
        x = np.arange(6).reshape(2, 3).astype(dtype)
        for laid_out in (x, x.T, x[:, ::2], x[::-1]):
            t = tg.tensor(laid_out, device="cuda")
            assert t.device == "cuda:0"
            assert t.dtype == laid_out.dtype
            assert np.array_equal(t.cpu().numpy(), laid_out)
    swapped = np.arange(3.0).astype(">f8")
    assert tg.tensor(swapped, device="cuda").cpu().tolist() == [0, 1, 2]


def test_bfloat16_there_and_back() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="bfloat16 comes through ml_dtypes")
    x = np.array([1.0, -2.5, 3e38]).astype(ml_dtypes.bfloat16)
    t = tg.tensor(x, device="cuda", requires_grad=True)
    y = tg.exp(t * 0) + t
    assert y.dtype == ml_dtypes.bfloat16
    y.sum().backward()
    assert t.grad is not None
    assert t.grad.dtype == ml_dtypes.bfloat16


def test_cupy_arrays_are_wrapped_and_unwrapped_without_copies() -> None:
    import cupy

    array = cupy.arange(4.0)
    t = tg.Tensor(array)
    assert t.data is array
    t[0] = 7.0
    assert float(array[0]) == 7


def test_gradients_travel_back_with_the_tensor() -> None:
    x = tg.ones(3, requires_grad=True)
    (x.to("cuda") * 2).sum().backward()
    assert x.grad is not None
    assert x.grad.device == "cpu"
    assert x.grad.tolist() == [2, 2, 2]


# Streams and memory.


def test_work_stays_in_order_with_the_users_stream() -> None:
    import cupy

    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        a = cupy.zeros(1 << 22, dtype="f")
        for step in range(20):
            a += 1  # the user's own kernel, on the stream
            t = tg.Tensor(a)
            t *= 2.0  # ours, between two of the user's
            assert t.data is a
            del step
        total = tg.Tensor(a).sum()
    stream.synchronize()
    expected = 0.0
    for _ in range(20):
        expected = (expected + 1) * 2
    assert float(a[0]) == expected
    assert float(total) == pytest.approx(expected * (1 << 22), rel=1e-3)


def test_products_and_draws_run_on_the_users_stream() -> None:
    import cupy

    busy = cupy.cuda.Stream(non_blocking=True)
    with busy:
        x = tg.rand(64, 256, 256, device="cuda")
        y = tg.matmul(x, x)
        z = y.sum()
    busy.synchronize()
    expected = np.matmul(x.cpu().numpy(), x.cpu().numpy()).sum(dtype=np.float64)
    assert float(z) == pytest.approx(expected, rel=1e-3)


def test_memory_is_accounted_for() -> None:
    backend = find("cuda")
    before = backend.memory_in_use()
    x = tg.zeros(1 << 20, device="cuda")
    assert backend.memory_in_use() == before + 4 * (1 << 20)
    assert backend.memory_peak() >= backend.memory_in_use()
    del x
    assert backend.memory_in_use() == before


def test_a_graph_gives_its_memory_back() -> None:
    import gc

    backend = find("cuda")
    w = tg.ones(256, 256, device="cuda", requires_grad=True)
    before = backend.memory_in_use()
    gc.disable()
    try:
        loss = tg.exp(tg.matmul(w, w) * 0.001).sum()
        assert backend.memory_in_use() > before
        loss.backward()
        del loss
        w.grad = None
        assert backend.memory_in_use() == before
    finally:
        gc.enable()


def test_the_peak_of_a_step_is_what_the_shapes_device_says() -> None:
    from tensorgrad.memory import estimate_memory

    def step(w: Any, x: Any) -> None:
        tg.exp(tg.matmul(tg.exp(tg.matmul(x, w)), w)).sum().backward()

    w, x = tg.zeros(512, 512, device="cuda", requires_grad=True), tg.zeros(1024, 512, device="cuda")
    expected = estimate_memory(step, w, x)
    step(w, x)  # cuBLAS takes its workspace
    w.grad = None
    with find("cuda").track_peak() as peak:  # type: ignore[attr-defined]
        step(w, x)
    growth = expected.peak - expected.arguments
    assert growth <= peak.bytes <= 1.6 * growth, "what an operation takes for itself comes on top"


def test_out_of_memory_is_an_error_that_changes_nothing() -> None:
    import cupy

    x = tg.ones(4, device="cuda", requires_grad=True)
    with pytest.raises((MemoryError, cupy.cuda.memory.OutOfMemoryError)):
        x * tg.zeros(1 << 45, 4, device="cuda")
    (x * 2).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2, 2, 2]


# The same every time, and the same as on the CPU.


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "int64", "int32"])
def test_scatter_repeats_bit_for_bit(dtype: str) -> None:
    import cupy

    rng = np.random.default_rng(0)
    ids = rng.integers(-50, 50, 20_000)
    values = (rng.standard_normal((20_000, 8)) * 10).astype(dtype)
    results = []
    for _ in range(3):
        array = cupy.zeros((50, 8), dtype=dtype)
        find("cuda").add_at(array, cupy.asarray(ids), cupy.asarray(values))
        results.append(cupy.asnumpy(array))
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])
    expected = np.zeros((50, 8), dtype=dtype)
    np.add.at(expected, ids, values)
    if dtype == "float16":
        expected32 = np.zeros((50, 8), dtype="float32")
        np.add.at(expected32, ids, values.astype("float32"))
        assert np.array_equal(results[0], expected32.astype("float16"))
    else:
        assert np.array_equal(results[0], expected)


def loss_of(weights: list[tg.Tensor], x: tg.Tensor, y: tg.Tensor) -> tg.Tensor:
    hidden = tg.matmul(x, weights[0])
    hidden = tg.dropout(1 / (1 + tg.exp(-hidden)), 0.1)
    logits = tg.matmul(hidden, weights[1])
    shifted = logits - tg.max(logits, axis=1, keepdims=True)
    log_probabilities = shifted - tg.log(tg.sum(tg.exp(shifted), axis=1, keepdims=True))
    return -tg.mean(tg.sum(log_probabilities * y, axis=1))


def trained(device: str, steps: int = 20) -> tuple[list[float], list[np.ndarray]]:
    manual_seed(0)
    rng = np.random.default_rng(0)
    weights = [
        tg.tensor(rng.standard_normal(shape) * 0.3, dtype=tg.float64, device=device, requires_grad=True)
        for shape in ((20, 30), (30, 5))
    ]
    losses = []
    for _ in range(steps):
        x = tg.tensor(rng.standard_normal((64, 20)), dtype=tg.float64, device=device)
        y = tg.tensor(np.eye(5)[rng.integers(0, 5, 64)], dtype=tg.float64, device=device)
        loss = loss_of(weights, x, y)
        loss.backward()
        losses.append(float(loss))
        with tg.no_grad():
            for w in weights:
                assert w.grad is not None
                w -= 0.5 * w.grad
                w.grad = None
    return losses, [w.detach().cpu().numpy() for w in weights]


def test_training_follows_the_cpu() -> None:
    (losses, weights), (expected, cpu_weights) = trained("cuda"), trained("cpu")
    np.testing.assert_allclose(losses, expected, rtol=1e-10)
    for w, c in zip(weights, cpu_weights, strict=True):
        np.testing.assert_allclose(w, c, rtol=1e-9, atol=1e-12)


def test_training_repeats_bit_for_bit() -> None:
    (losses, weights), (again, weights_again) = trained("cuda"), trained("cuda")
    assert losses == again
    assert all(np.array_equal(w, v) for w, v in zip(weights, weights_again, strict=True))


def test_a_captured_step_replays_on_the_device() -> None:
    from tensorgrad.core.generator import Generator
    from tensorgrad.tape import capture

    g = Generator(0)
    x = tg.ones(8, device="cuda")
    first, tape = capture(lambda x: tg.dropout(x * 3.0, 0.5, generator=g), x)
    expected = Generator(0)
    for result in (first, tape.replay(x)):
        assert result.device.kind == "cuda"
        assert result.cpu().tolist() == tg.dropout(tg.ones(8) * 3.0, 0.5, generator=expected).tolist()


# Several devices, manners.


def test_arrays_of_another_device_compute_there() -> None:
    import cupy

    if len(find("cuda").devices()) < 2:
        pytest.skip("needs two CUDA devices")
    x = tg.ones(3, device="cuda:1", requires_grad=True)
    assert cupy.cuda.runtime.getDevice() == 0
    y = tg.exp(x) * 2
    assert y.device == "cuda:1"
    with pytest.raises(DeviceError, match="cuda:0 and cuda:1"):
        y + tg.ones(3, device="cuda:0")
    assert (y.to("cuda:0")).device == "cuda:0"
    assert cupy.cuda.runtime.getDevice() == 0


def test_cupys_settings_are_left_alone() -> None:
    import cupy

    def settings() -> tuple[Any, ...]:
        return (
            cupy.cuda.get_allocator(),
            cupy.cuda.get_current_stream(),
            cupy.cuda.runtime.getDevice(),
            cupy._core.get_reduction_accelerators(),
            cupy._core.get_routine_accelerators(),
        )

    before = settings()
    trained("cuda", steps=2)
    assert settings() == before
