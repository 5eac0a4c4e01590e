"""Every row of the op table on CUDA beside the CPU: values, shapes, dtypes, devices, gradients, errors."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from calls import cotangent, is_float, on_arrays, parts, quiet, same, samples, told, tolerance
from optable import ROWS, Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.autodiff.backward import grad
from tensorgrad.core.generator import manual_seed

SLACK = 8.0
"""Reductions and products add up in another order on the device: so many times the tolerance on the CPU."""


def placed(sample: Sample | Bad, device: str, track: tuple[int, ...] = ()) -> tuple[list[Any], Any, list[tg.Tensor]]:
    """A sample's arguments and keywords as tensors on a device, and the tracked ones."""
    tracked: list[tg.Tensor] = []

    def plain(x: np.ndarray) -> tg.Tensor:
        return tg.tensor(np.ascontiguousarray(x) if x.ndim else x, device=device)

    def leaf(x: np.ndarray) -> tg.Tensor:
        t = plain(x)
        if is_float(x):
            tracked.append(t.requires_grad_())
        return t

    args = [on_arrays(leaf if i in track else plain, arg) for i, arg in enumerate(sample.args)]
    return args, on_arrays(plain, sample.kwargs), tracked


def run(row: Row, sample: Sample, device: str, track: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    """Results and gradients, on a device; random draws start from the same place."""
    manual_seed(zlib.crc32(row.name.encode()))
    args, kwargs, tracked = placed(sample, device, track)
    with tg.use_device(device):
        outs = parts(row.call(*args, **kwargs))
    roots = [(i, out) for i, out in enumerate(outs) if isinstance(out, tg.Tensor) and out.node is not None]
    if not roots or not tracked:
        return outs, []
    seeds = [tg.tensor(cotangent(i, out.shape, out.dtype), device=device) for i, out in roots]
    return outs, list(grad([out for _, out in roots], tracked, seeds, materialize_grads=True))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rows_agree_with_the_cpu(row: Row) -> None:
    for dtype in row.dtypes:
        for sample in samples(row, dtype):
            track = tuple(row.grad) if dtype.startswith("float") else ()
            with told(row, sample), quiet():
                expected = run(row, sample, "cpu", track)
                found = run(row, sample, "cuda", track)
                for what, ours, theirs in zip(("result", "gradient"), found, expected, strict=True):
                    compare(row, ours, theirs, what)


def compare(row: Row, found: list[Any], expected: list[Any], what: str) -> None:
    assert len(found) == len(expected)
    for index, (x, y) in enumerate(zip(found, expected, strict=True)):
        if not isinstance(y, tg.Tensor):
            assert x == y
            continue
        assert x.device.kind == "cuda", f"{what} {index} left the device"
        assert (x.shape, x.dtype) == (y.shape, y.dtype), f"{what} {index}"
        same(x.detach().cpu(), y.detach(), SLACK * tolerance(row, y.dtype), f"{what} {index}, CUDA beside the CPU")


@pytest.mark.parametrize("row", [row for row in ROWS if row.special], ids=lambda row: row.name)
def test_special_values_agree_with_the_cpu(row: Row) -> None:
    for sample in row.special:
        with told(row, sample), quiet():
            expected = run(row, sample, "cpu", tuple(row.grad))
            found = run(row, sample, "cuda", tuple(row.grad))
            for what, ours, theirs in zip(("result", "gradient"), found, expected, strict=True):
                compare(row, ours, theirs, what)


BAD = [pytest.param(row, bad, id=f"{row.name}-{i}") for row in ROWS for i, bad in enumerate(row.bad)]


@pytest.mark.parametrize("row, bad", BAD)
def test_errors_are_those_of_the_cpu(row: Row, bad: Bad) -> None:
    def error(device: str) -> BaseException:
        args, kwargs, _ = placed(bad, device)
        with tg.use_device(device), quiet(), pytest.raises(bad.error) as caught:
            row.call(*args, **kwargs)
        return caught.value

    if reads_values(bad):
        pytest.skip("an index or label out of range: the device does not wait for values to be looked at")
    assert type(error("cuda")) is type(error("cpu"))


def reads_values(bad: Bad) -> bool:
    return any(word in bad.match for word in ("out of range", "out of bounds", "label", "index"))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sum(),
        lambda x: x[0, 0] * 2,
        lambda x: tg.exp(x[0, 0]),
        lambda x: tg.matmul(x, x)[0, 0],
        lambda x: (x[0, 0] + 1) / x[1, 1],
        lambda x: tg.max(x) - tg.mean(x),
    ],
)
def test_scalars_stay_arrays_on_the_device(f: Callable[[Any], Any]) -> None:
    import cupy

    x = tg.tensor(np.arange(1.0, 5.0).reshape(2, 2), device="cuda", requires_grad=True)
    y = f(x)
    assert isinstance(y.data, cupy.ndarray)
    assert y.shape == ()
    y.backward()
    assert x.grad is not None
    assert isinstance(x.grad.data, cupy.ndarray)


def test_a_0d_cpu_tensor_may_meet_a_cuda_one_and_nothing_else() -> None:
    x = tg.ones(3, device="cuda", requires_grad=True)
    y = x * tg.tensor(2.0)
    assert y.device.kind == "cuda"
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2, 2]
    with pytest.raises(tg.errors.DeviceError, match="cpu and cuda:0"):
        x + tg.ones(3)
