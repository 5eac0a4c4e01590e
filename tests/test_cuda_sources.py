"""The CUDA sources without a GPU: compiled for every architecture, and run on the host beside NumPy's results."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cuda_host
import numpy as np
import pytest

from tensorgrad.backends import cupy_kernels, numpy_random
from tensorgrad.backends.cupy_kernels import _OPTIONS
from tensorgrad.kernels.cuda import source

SOURCES = ("philox", "scatter")
ARCHITECTURES = (75, 80, 90, 120)


def nvrtc_compile(text: str, architecture: int) -> None:
    from cupy.cuda import nvrtc

    program = nvrtc.createProgram(text, "kernels.cu", [], [])
    try:
        nvrtc.compileProgram(program, (*_OPTIONS, f"--gpu-architecture=sm_{architecture}"))
    except nvrtc.NVRTCError as error:
        raise AssertionError(nvrtc.getProgramLog(program)) from error
    assert nvrtc.getCUBIN(program)


def nvcc_compile(text: str, architecture: int, folder: Path) -> None:
    path = folder / "kernels.cu"
    path.write_text(text)
    command = ["nvcc", "-std=c++17", "-fmad=false", f"-arch=sm_{architecture}", "-cubin", str(path)]
    subprocess.run([*command, "-o", str(folder / "kernels.cubin")], check=True)


def cuda_compiler() -> Callable[..., None] | None:
    try:
        from cupy.cuda import nvrtc

        nvrtc.getVersion()
        return nvrtc_compile
    except Exception:
        return None


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", SOURCES)
def test_sources_compile_for_every_architecture(name: str, architecture: int, tmp_path: Path) -> None:
    compile_ = cuda_compiler()
    if compile_ is not None:
        compile_(source(name), architecture)
    elif shutil.which("nvcc"):
        nvcc_compile(source(name), architecture, tmp_path)
    else:
        pytest.skip("needs NVRTC (pip install nvidia-cuda-nvrtc) or nvcc")


# On the host.


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, cuda_host.Module]:
    if cuda_host.compiler() is None:
        pytest.skip("needs a C++ compiler (g++ or clang++)")
    return {name: cuda_host.Module(source(name), tmp_path_factory.mktemp(name)) for name in SOURCES}


@pytest.fixture
def on_host(built: dict[str, cuda_host.Module], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The launching code of the CuPy backend, over NumPy arrays and the sources built for the host."""

    def empty(shape: Any, dtype: Any) -> np.ndarray:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.frombuffer(bytearray(b"\xa5" * size), dtype).reshape(shape)  # poisoned

    library = SimpleNamespace(**{name: getattr(np, name) for name in np.__all__})
    library.empty = empty
    monkeypatch.setitem(sys.modules, "cupy", library)
    monkeypatch.setattr(cupy_kernels, "_kernel", lambda module, name: built[module].get_function(name))
    return cupy_kernels


STATES = [(0, 0, 0), (7, 0, 3), (2**63 + 5, 2**64 - 1, 2**64 - 2)]
COUNTS = (0, 1, 3, 4, 7, 8, 9, 1000, 2049)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("count", COUNTS)
def test_words_and_uniforms_are_numpys_bits(state: tuple[int, ...], count: int, on_host: Any) -> None:
    position = np.array(state, dtype=np.uint64)
    assert np.array_equal(on_host.random_words(position, count=count), numpy_random.random_words(position, count=count))
    for dtype in (np.float32, np.float64):
        params = {"shape": (count,), "dtype": np.dtype(dtype)}
        fast = on_host.random_uniform(position, **params)
        assert np.array_equal(fast, numpy_random.random_uniform(position, **params))
    assert on_host.random_uniform(position, shape=(count,), dtype=np.dtype(np.float16)) is None, "left to the body"


@pytest.mark.parametrize("state", STATES)
def test_normals_are_within_an_ulp_or_two(state: tuple[int, ...], on_host: Any) -> None:
    position = np.array(state, dtype=np.uint64)
    for dtype, count in itertools.product((np.float32, np.float64), (1, 2, 1001)):
        params = {"shape": (count,), "dtype": np.dtype(dtype)}
        fast, slow = on_host.random_normal(position, **params), numpy_random.random_normal(position, **params)
        np.testing.assert_array_max_ulp(fast, slow, 1 if dtype == np.float32 else 4)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1 - 2**-40, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_is_numpys(p: float, dtype: Any, on_host: Any, rng: np.random.Generator) -> None:
    state = np.array([1, 2, 3], dtype=np.uint64)
    x = rng.standard_normal((33, 65)).astype(dtype)
    x[0, :3] = [np.inf, np.nan, -0.0]
    with np.errstate(invalid="ignore"):
        for laid_out in (x, x.T, x.reshape(-1)[1:], x[:, ::2]):
            fast, slow = on_host.dropout(laid_out, state, p=p), numpy_random.dropout(laid_out, state, p=p)
            assert np.array_equal(fast, slow, equal_nan=True)
    keep = on_host.random_keep(state, shape=(33, 65), p=p)
    assert np.array_equal(keep, numpy_random.dropout(np.ones((33, 65), np.float32), state, p=p) != 0)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "complex64", "complex128", "int32", "int64", "uint8"]
)
def test_scatter_is_numpys_add_at(dtype: str, on_host: Any, rng: np.random.Generator) -> None:
    ids = rng.integers(-5, 5, 40)
    indices: list[Any] = [
        ids,
        (ids,),
        (ids.reshape(4, 10), ...),
        (ids, rng.integers(0, 3, 40)),
        (slice(None), rng.integers(0, 3, 7)),
        (slice(1, 3), ids % 3),
        np.arange(5) % 2 == 0,
        (0, slice(None, None, -1)),
        ...,
    ]
    for index in indices:
        shape = np.zeros((5, 3))[index].shape
        values = (rng.standard_normal(shape) * 10).astype(dtype)
        for array in ((rng.standard_normal((5, 3)) * 10).astype(dtype), np.zeros((3, 5), dtype).T):
            expected = array.copy()
            np.add.at(expected, index, values)
            on_host.scatter_add(array, index, values)
            if dtype == "float16":
                np.testing.assert_allclose(array, expected, rtol=0.02, atol=0.02)
            else:
                assert np.array_equal(array, expected), f"{index}"


def test_scatter_of_numbers_and_of_nothing(on_host: Any) -> None:
    array = np.zeros((3, 2), dtype=np.float32)
    on_host.scatter_add(array, np.array([1, 1]), 2.0)
    assert array.tolist() == [[0, 0], [4, 4], [0, 0]]
    on_host.scatter_add(array, np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.float32))
    on_host.scatter_add(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64), 1.0)
    assert array.sum() == 8


def test_a_planted_fault_shows(built: Any, tmp_path: Path, on_host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = source("philox").replace("k0 += 0x9E3779B97F4A7C15ULL", "k0 += 0x9E3779B97F4A7C13ULL")
    assert wrong != source("philox")
    module = cuda_host.Module(wrong, tmp_path)
    monkeypatch.setattr(cupy_kernels, "_kernel", lambda _, name: module.get_function(name))
    state = np.array([1, 2, 3], dtype=np.uint64)
    assert not np.array_equal(on_host.random_words(state, count=4), numpy_random.random_words(state, count=4))
