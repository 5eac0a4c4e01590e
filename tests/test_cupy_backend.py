"""The CuPy backend as far as it shows without a GPU: products by an emulated cuBLAS, availability, advice, errors."""

from __future__ import annotations

import inspect
import itertools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cupy", reason="the CuPy backend needs CuPy, which imports without a GPU")

import tensorgrad as tg
from tensorgrad.backends import Device, available, find
from tensorgrad.backends import cupy as cupy_module
from tensorgrad.backends.base import Backend
from tensorgrad.backends.cupy import CupyBackend, advice
from tensorgrad.backends.cupy_gemm import Call, Layout, gemm, plan
from tensorgrad.backends.numpy import NumpyBackend
from tensorgrad.backends.shapes import ShapesBackend
from tensorgrad.errors import DeviceError, ShapeError

NO_GPU = not find("cuda").devices()


# cuBLAS on host memory: column-major, by pointers, as its documentation describes it.


def stored(memory: np.ndarray, start: int, rows: int, columns: int, ld: int) -> np.ndarray:
    """A column-major matrix; raises if it reaches outside the memory."""
    assert ld >= max(1, rows), f"leading dimension {ld} below {rows} rows"
    last = start + (columns - 1) * ld + rows - 1
    assert 0 <= start <= last < memory.size, f"elements {start} to {last} of {memory.size}"
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return memory[start + i + j * ld]


def operand(memory: np.ndarray, start: int, rows: int, columns: int, ld: int, trans: bool) -> np.ndarray:
    """What is multiplied: the stored matrix, or its transpose."""
    return stored(memory, start, columns, rows, ld).T if trans else stored(memory, start, rows, columns, ld)


def gemm_strided_batched(call: Call, a: np.ndarray, b: np.ndarray, c: np.ndarray, alpha: float, beta: float) -> None:
    """``C = alpha * op(A) @ op(B) + beta * C`` for each of the batch, ``C`` being m by n."""
    for index in range(call.batch):
        at_a, at_b = call.a + index * call.stride_a, call.b + index * call.stride_b
        left = operand(a, at_a, call.m, call.k, call.lda, call.trans_a)
        right = operand(b, at_b, call.k, call.n, call.ldb, call.trans_b)
        start = call.c + index * call.stride_c
        before = stored(c, start, call.m, call.n, call.ldc)
        i, j = np.meshgrid(np.arange(call.m), np.arange(call.n), indexing="ij")
        c[start + i + j * call.ldc] = alpha * (left @ right) + (beta * before if beta else 0)


def memory_of(x: np.ndarray) -> tuple[np.ndarray, int]:
    """The flat memory that an array views, and its position there."""
    base = x if x.base is None else x.base
    while base.base is not None:
        base = base.base
    flat = base.reshape(-1, order="A")
    offset = (x.__array_interface__["data"][0] - flat.__array_interface__["data"][0]) // x.itemsize
    return flat, offset


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[list[Call]]:
    """Runs ``gemm`` on NumPy arrays, launches going to the emulation; collects the calls."""
    seen: list[list[Call]] = []

    def launch(calls: list[Call], a: Any, b: Any, out: Any, alpha: float, beta: float) -> None:
        seen.append(calls)
        (flat_a, at_a), (flat_b, at_b), (flat_out, at_out) = memory_of(a), memory_of(b), memory_of(out)
        for call in calls:
            moved = call._replace(a=call.a + at_b, b=call.b + at_a, c=call.c + at_out)
            # cuBLAS's first operand is our second.
            gemm_strided_batched(moved, flat_b, flat_a, flat_out, alpha, beta)

    def empty(shape: Any, dtype: Any) -> np.ndarray:
        return np.full(shape, np.nan, dtype=dtype)

    monkeypatch.setattr("tensorgrad.backends.cupy_gemm._launch", launch)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(empty=empty))
    return seen


def matrices(rng: np.random.Generator, *shape: int) -> dict[str, np.ndarray]:
    """The same matrices in every layout a program may hand in."""
    x = rng.standard_normal(shape)
    wide = np.zeros((*shape[:-1], shape[-1] + 3))
    wide[..., 1:-2] = x
    tall = np.zeros((*shape[:-2], 2 * shape[-2], shape[-1]))
    tall[..., ::2, :] = x
    found = {
        "dense": x,
        "transposed": np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2),
        "columns of a wider one": wide[..., 1:-2],
        "every second row": tall[..., ::2, :],
        "reversed": np.ascontiguousarray(x[..., ::-1])[..., ::-1],
        "every second column": np.repeat(x, 2, axis=-1)[..., ::2],
    }
    if len(shape) == 4:
        found["heads after time"] = np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2)
    assert all(np.array_equal(x, y) for y in found.values())
    return found


SHAPES = [
    ((3, 4), (4, 5)),
    ((1, 4), (4, 1)),
    ((3, 1), (1, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 1, 4), (2, 4, 1)),
    ((1, 3, 4), (6, 4, 5)),
    ((2, 3, 2, 4), (2, 3, 4, 5)),
    ((2, 1, 2, 4), (1, 3, 4, 5)),
    ((1, 1, 1, 1), (2, 2, 1, 1)),
    ((9, 10, 2, 3), (9, 10, 3, 2)),
]


@pytest.mark.parametrize("a_shape, b_shape", SHAPES)
def test_products_of_every_layout_equal_numpys(
    a_shape: tuple[int, ...], b_shape: tuple[int, ...], launches: list[list[Call]], rng: np.random.Generator
) -> None:
    lefts, rights = matrices(rng, *a_shape), matrices(rng, *b_shape)
    for (how_a, a), (how_b, b) in itertools.product(lefts.items(), rights.items()):
        expected = a @ b
        np.testing.assert_allclose(gemm(a, b), expected, err_msg=f"{how_a} by {how_b}")
        flipped = gemm(a.swapaxes(-1, -2), b.swapaxes(-1, -2), trans_a=True, trans_b=True)
        np.testing.assert_allclose(flipped, expected, err_msg=f"flags: {how_a} by {how_b}")


def test_accumulating_in_place_into_any_layout(launches: list[list[Call]], rng: np.random.Generator) -> None:
    a, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4, 5))
    for how, out in matrices(rng, 2, 3, 5).items():
        if how in ("reversed", "every second column"):
            continue
        out, before = out, out.copy()
        result = gemm(a, b, alpha=2.0, beta=1.0, out=out)
        assert result is out
        np.testing.assert_allclose(out, 2.0 * (a @ b) + before, err_msg=how)


def test_an_output_that_cublas_cannot_write_is_refused(launches: list[list[Call]]) -> None:
    out = np.zeros((3, 10))[:, ::2]
    with pytest.raises(ShapeError, match="contiguous"):
        gemm(np.ones((3, 4)), np.ones((4, 5)), out=out)


def test_no_inner_length_scales_the_output_only(launches: list[list[Call]]) -> None:
    out = np.ones((2, 3))
    gemm(np.ones((2, 0)), np.ones((0, 3)), beta=0.5, out=out)
    assert (out == 0.5).all()
    assert (gemm(np.ones((4, 2, 0)), np.ones((0, 3)), out=np.ones((4, 2, 3))) == 0).all()
    assert launches == []


def layout(x: np.ndarray) -> Layout:
    return Layout(x.shape, tuple(s // x.itemsize for s in x.strides))


def planned(a: np.ndarray, b: np.ndarray) -> list[Call] | str:
    return plan(layout(a), layout(b), layout(np.empty((a @ b).shape)))


def test_attention_scores_are_one_call_per_few_without_copies() -> None:
    """q @ k.T over [batch, heads, time, width] views of [batch, time, heads, width]: no copy, trans flag set."""
    q = np.zeros((4, 7, 3, 8)).transpose(0, 2, 1, 3)
    calls = planned(q, q.swapaxes(-1, -2))
    assert isinstance(calls, list)
    assert len(calls) == 3
    assert all(call.trans_a and not call.trans_b and call.batch == 4 for call in calls)


def test_a_linear_layer_on_a_stack_is_one_tall_product() -> None:
    (call,) = planned(np.zeros((6, 5, 4)), np.zeros((3, 4)).T)
    assert isinstance(call, Call)
    assert (call.batch, call.n, call.m, call.k, call.trans_a) == (1, 30, 3, 4, True)


def test_broadcasting_is_a_stride_of_zero() -> None:
    (call,) = planned(np.zeros((3, 4)), np.zeros((6, 4, 5)))
    assert isinstance(call, Call)
    assert (call.batch, call.stride_b, call.stride_a, call.stride_c) == (6, 0, 20, 15)
    (expanded,) = planned(np.zeros((6, 3, 4)), np.broadcast_to(np.zeros((4, 5)), (6, 4, 5)))
    assert isinstance(expanded, Call)
    assert expanded.batch == 1


def test_the_emulation_notices_a_wrong_leading_dimension(rng: np.random.Generator) -> None:
    a, b, c = np.arange(12.0), np.arange(20.0), np.zeros(15)
    (call,) = planned(a.reshape(3, 4), b.reshape(4, 5))
    assert isinstance(call, Call)
    gemm_strided_batched(call, b, a, c, 1.0, 0.0)
    assert np.array_equal(c.reshape(3, 5), a.reshape(3, 4) @ b.reshape(4, 5))
    for wrong in (call._replace(lda=call.lda + 1), call._replace(trans_a=True), call._replace(m=call.n, n=call.m)):
        other = np.zeros(15)
        try:
            gemm_strided_batched(wrong, b, a, other, 1.0, 0.0)
        except (AssertionError, ValueError):
            continue
        assert not np.array_equal(other, c)


def test_products_that_do_not_fit_say_so(launches: list[list[Call]]) -> None:
    with pytest.raises(ShapeError, match="4 columns do not meet 3 rows"):
        gemm(np.ones((2, 4)), np.ones((3, 2)))
    with pytest.raises(ShapeError, match="leading axes"):
        gemm(np.ones((2, 3, 4)), np.ones((3, 4, 5)))
    with pytest.raises(ShapeError, match="out is"):
        gemm(np.ones((2, 4)), np.ones((4, 2)), out=np.ones((2, 3)))
    with pytest.raises(ShapeError, match="more than cuBLAS takes"):
        plan(Layout((2**31, 1), (1, 1)), Layout((1, 2), (2, 1)), Layout((2**31, 2), (2, 1)))


# Devices, availability, advice.


def test_asking_what_is_there_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = CupyBackend()
    monkeypatch.setattr(backend, "_cupy", SimpleNamespace())  # everything it asks of CuPy raises
    assert backend.devices() == []
    assert isinstance(available()["cuda"], bool)


@pytest.mark.skipif(not NO_GPU, reason="needs a machine without a CUDA device")
def test_cuda_asked_for_and_absent_says_what_to_do() -> None:
    x = tg.zeros(3)
    for use in (
        lambda: tg.zeros(3, device="cuda"),
        lambda: x.to("cuda"),
        lambda: tg.tensor([1.0], device="cuda:0"),
        lambda: tg.rand(3, device="cuda"),
    ):
        with pytest.raises(DeviceError, match=r"(?s)not available.*(install|nvidia-smi)"):
            use()


def test_advice_when_cupy_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "pip install 'tensorgrad-engine[cuda" in str(advice())
    with pytest.raises(DeviceError, match=r"(?s)needs CuPy.*pip install 'tensorgrad-engine\[cuda1[23]\]'"):
        CupyBackend()


@pytest.mark.parametrize("driver, expected", [(12, "cuda12"), (13, "cuda13"), (None, "driver")])
def test_advice_fits_the_driver(driver: int | None, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise RuntimeError("cudaErrorInsufficientDriver")

    runtime = SimpleNamespace(getDeviceCount=broken)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(runtime=runtime)))
    monkeypatch.setattr(cupy_module, "_driver_version", lambda: driver)
    assert expected in str(advice())


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = CupyBackend()
    backend._devices = [Device("cuda", 0)]
    monkeypatch.setattr(cupy_module, "advice", lambda: None)
    with pytest.raises(DeviceError, match=r"'cuda:3' is not available. CUDA devices here: cuda:0"):
        backend.at(Device("cuda", 3))


def test_ops_run_on_their_arrays_device_where_there_are_several() -> None:
    backend = CupyBackend()
    backend._devices = [Device("cuda", 0), Device("cuda", 1)]
    entered: list[int] = []

    class FakeDevice:
        def __init__(self, index: int) -> None:
            self.index = index

        def __enter__(self) -> None:
            entered.append(self.index)

        def __exit__(self, *error: object) -> None:
            return None

    class FakeArray:
        def __init__(self, device: int) -> None:
            self.data = SimpleNamespace(device_id=device)

    runtime = SimpleNamespace(getDevice=lambda: 0)
    backend._cupy = SimpleNamespace(ndarray=FakeArray, cuda=SimpleNamespace(runtime=runtime, Device=FakeDevice))
    run = backend.forward(lambda *args: "done")
    assert run(FakeArray(0)) == run(2.0) == "done"
    assert entered == []
    assert run(2.0, FakeArray(1)) == run([FakeArray(1)]) == "done"
    assert entered == [1, 1]
    one = CupyBackend()
    one._devices = [Device("cuda", 0)]
    assert one.forward(len) is len, "one device: no wrapper, no cost"


def test_a_ufunc_without_bfloat16_computes_in_float32() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="bfloat16 comes through ml_dtypes")
    x = np.array([0.0, 1.5], dtype=ml_dtypes.bfloat16)
    seen = []

    def function(*args: np.ndarray) -> np.ndarray:
        seen.extend(a.dtype for a in args)
        return args[0] * 2

    result = cupy_module._Ufunc(function)(x)
    assert seen == [np.float32]
    assert result.dtype == ml_dtypes.bfloat16
    assert cupy_module._Ufunc(lambda a: a > 0)(x).dtype == bool
    assert cupy_module._Ufunc(function)(np.ones(2)).dtype == np.float64


def test_scatter_takes_whole_rows_where_it_can() -> None:
    from tensorgrad.backends.cupy_kernels import _row_index

    array, rows = np.zeros((4, 3)), np.array([1, 1])
    assert _row_index(rows, array) is rows
    assert _row_index((rows, slice(None)), array) is rows
    assert _row_index((rows, ...), array) is rows
    for other in ((slice(None), rows), (rows, rows), np.array([True, False, True, False]), (rows, 0), ..., ()):
        assert _row_index(other, array) is None


def test_signatures_are_the_abstract_ones() -> None:
    for backend in (NumpyBackend, CupyBackend, ShapesBackend):
        for name, abstract in inspect.getmembers(Backend, inspect.isfunction):
            if not name.startswith("_"):
                own = inspect.signature(getattr(backend, name))
                wanted = inspect.signature(abstract)
                assert list(own.parameters.values()) == list(wanted.parameters.values()), f"{backend.__name__}.{name}"


def test_backends_are_final_and_tell_the_rules_broken() -> None:
    for backend in (NumpyBackend, CupyBackend, ShapesBackend):
        assert not inspect.isabstract(backend)
        assert backend.__final__  # type: ignore[attr-defined]


@pytest.mark.skipif(not NO_GPU, reason="needs a machine without a CUDA device")
def test_the_gpu_script_fails_with_one_clear_line_where_there_is_no_device(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "ci" / "gpu"
    command = [str(script), sys.executable, str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode != 0
    assert "no CUDA device" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out" / "tests.xml").exists()
