"""The same seed gives the same bits on CUDA as on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.core.generator import Generator

SEEDS = (0, 2**63 + 5, 2**128 - 1)


def both(draw: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    found = [draw(device=device, generator=Generator(seed)) for device in ("cpu", "cuda")]
    assert found[0].dtype == found[1].dtype
    assert found[1].device.kind == "cuda"
    return found[0].numpy(), found[1].cpu().numpy()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (9,), (3, 5), (1_000_003,)])
def test_integers_and_uniforms_bit_for_bit(seed: int, shape: tuple[int, ...]) -> None:
    for dtype in ("float16", "float32", "float64"):
        cpu, cuda = both(lambda dtype=dtype, **where: tg.rand(shape, dtype=dtype, **where), seed)
        assert np.array_equal(cpu, cuda)
    for low, high in ((0, 10), (-5, 2**32 - 5), (-(2**63), 2**63)):
        cpu, cuda = both(lambda low=low, high=high, **where: tg.randint(low, high, shape, **where), seed)
        assert np.array_equal(cpu, cuda)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype, ulp", [("float16", 1), ("float32", 1), ("float64", 4)])
def test_normals_to_the_last_bits(seed: int, dtype: str, ulp: int) -> None:
    cpu, cuda = both(lambda **where: tg.randn(100_001, dtype=dtype, **where), seed)
    np.testing.assert_array_max_ulp(cuda, cpu, ulp)


def test_bfloat16() -> None:
    pytest.importorskip("ml_dtypes", reason="bfloat16 comes through ml_dtypes")
    cpu, cuda = both(lambda **where: tg.rand(1001, dtype="bfloat16", **where), 3)
    assert np.array_equal(cpu, cuda)


@pytest.mark.parametrize("n", [0, 1, 10, 100_000])
def test_permutations(n: int) -> None:
    cpu, cuda = both(lambda **where: tg.randperm(n, **where), 1)
    assert np.array_equal(cpu, cuda)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_dropout_and_its_gradient(dtype: str, p: float) -> None:
    x = np.random.default_rng(0).standard_normal((65, 129)).astype(dtype)
    found = []
    for device in ("cpu", "cuda"):
        for values in (x, x[:, 1:]):
            t = tg.tensor(values, device=device, requires_grad=True)
            y = tg.dropout(t, p, generator=Generator(5))
            y.sum().backward()
            assert t.grad is not None
            found.append((y.detach().cpu().numpy(), t.grad.cpu().numpy()))
    for cpu, cuda in zip(found[:2], found[2:], strict=True):
        assert np.array_equal(cpu[0], cuda[0])
        assert np.array_equal(cpu[1], cuda[1])


def test_draws_do_not_depend_on_the_stream() -> None:
    import cupy

    with cupy.cuda.Stream(non_blocking=True) as stream:
        other = tg.rand(1000, device="cuda", generator=Generator(2))
        stream.synchronize()
    assert other.cpu().tolist() == tg.rand(1000, generator=Generator(2)).tolist()
