"""Runs a CUDA source on the host: compiled by the host's compiler, threads one after the other.

Enough for kernels whose threads do not talk to each other. What CUDA has and C++ lacks is defined in a few lines.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

PRELUDE = """
#include <cmath>
#include <cstddef>
using std::sqrt; using std::log; using std::sin; using std::cos;
#define __global__
#define __device__
struct Dim { unsigned x; };
static Dim blockIdx, blockDim, threadIdx, gridDim;
static unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
"""
LAUNCH = """
extern "C" void launch_{name}({parameters}, unsigned blocks, unsigned threads) {{
    gridDim.x = blocks; blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) {name}({arguments});
}}
"""


def compiler() -> str | None:
    return shutil.which("g++") or shutil.which("clang++")


def kernels(text: str) -> dict[str, str]:
    """The ``extern "C"`` kernels of a source: name and parameter list."""
    found = {}
    for piece in text.split('extern "C" __global__ void ')[1:]:
        name, _, rest = piece.partition("(")
        found[name] = " ".join(rest[: rest.index(")")].split())
    return found


def names(parameters: str) -> list[str]:
    return [parameter.split()[-1].lstrip("*") for parameter in parameters.split(",")]


def build(text: str, folder: Path) -> ctypes.CDLL:
    """The source as a library with a ``launch_<kernel>`` for each of its kernels."""
    program = compiler()
    assert program is not None
    launches = [
        LAUNCH.format(name=name, parameters=given, arguments=", ".join(names(given)))
        for name, given in kernels(text).items()
    ]
    source, library = folder / "kernels.cpp", folder / "kernels.so"
    source.write_text("\n".join([PRELUDE, text, *launches]))
    warnings = ["-Werror", "-Wall", "-Wno-unknown-pragmas", "-Wno-unused-function"]
    flags = ["-std=c++17", "-O1", "-ffp-contract=off", "-fPIC", "-shared"]
    subprocess.run([program, *warnings, *flags, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


class Module:
    """In place of ``cupy.RawModule``: ``get_function(name)((blocks,), (threads,), args)`` on NumPy arrays."""

    def __init__(self, text: str, folder: Path) -> None:
        self.kernels = kernels(text)
        self.library = build(text, folder)

    def get_function(self, name: str) -> Any:
        assert name in self.kernels
        return functools.partial(self._launch, getattr(self.library, f"launch_{name}"))

    @staticmethod
    def _launch(function: Any, blocks: tuple[int], threads: tuple[int], args: tuple[Any, ...]) -> None:
        function(*map(_as_c, args), ctypes.c_uint(blocks[0]), ctypes.c_uint(threads[0]))


_SCALARS = {
    np.int64: ctypes.c_int64,
    np.uint32: ctypes.c_uint32,
    np.float32: ctypes.c_float,
    np.float64: ctypes.c_double,
}


def _as_c(x: Any) -> Any:
    """An argument as a launch packs it: an array's pointer, a NumPy scalar by its width. Python numbers are refused:
    CuPy would pass them as 8 bytes, whatever the kernel expects."""
    if isinstance(x, np.ndarray):
        assert x.flags.c_contiguous, "a kernel gets a pointer only: the array must be contiguous"
        return ctypes.c_void_p(x.ctypes.data)
    return _SCALARS[type(x)](x)
