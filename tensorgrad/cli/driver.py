"""The NVIDIA driver, asked directly: works without CuPy and without a CUDA toolkit."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["Driver", "Gpu", "query_driver"]

COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR = 75, 76  # CUdevice_attribute, cuda.h
NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE


@dataclass(frozen=True)
class Gpu:
    """A CUDA device: its name, its memory in bytes, its compute capability such as "9.0"."""

    name: str
    memory: int
    compute_capability: str


@dataclass(frozen=True)
class Driver:
    """The driver's version, the newest CUDA it supports, its devices; a note where there is none to use."""

    version: str | None
    cuda: str | None
    gpus: list[Gpu]
    note: str | None

    @property
    def cupy_package(self) -> str | None:
        """The CuPy wheel for this driver, or None where the driver is too old for any."""
        major = int(self.cuda.partition(".")[0]) if self.cuda else 0
        return "cupy-cuda13x" if major >= 13 else "cupy-cuda12x" if major == 12 else None


@functools.cache
def query_driver() -> Driver:
    """What the driver says. Loads its library into the process; makes no context on any device."""
    library = _load("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    if library is None:
        return Driver(None, None, [], "no NVIDIA driver on this machine")
    status = library.cuInit(0)
    cuda = _cuda_version(library)
    if status:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        if status == NO_DEVICE and hidden is not None:
            note = f"no device visible: CUDA_VISIBLE_DEVICES is {hidden!r}"
        else:
            note = "a driver, but no device" if status == NO_DEVICE else f"the driver fails with CUDA error {status}"
        return Driver(_driver_version(), cuda, [], note)
    count = ctypes.c_int()
    library.cuDeviceGetCount(ctypes.byref(count))
    return Driver(_driver_version(), cuda, [_gpu(library, index) for index in range(count.value)], None)


def _load(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _cuda_version(library: Any) -> str | None:
    number = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(number)):
        return None
    return f"{number.value // 1000}.{number.value % 1000 // 10}"


def _gpu(library: Any, index: int) -> Gpu:
    device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    memory = ctypes.c_size_t()
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGet(ctypes.byref(device), index)
    library.cuDeviceGetName(name, len(name), device)
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    library.cuDeviceGetAttribute(ctypes.byref(major), COMPUTE_CAPABILITY_MAJOR, device)
    library.cuDeviceGetAttribute(ctypes.byref(minor), COMPUTE_CAPABILITY_MINOR, device)
    return Gpu(name.value.decode(errors="replace"), memory.value, f"{major.value}.{minor.value}")


def _driver_version() -> str | None:
    library = _load("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    if library is None or library.nvmlInit_v2():
        return None
    try:
        text = ctypes.create_string_buffer(96)
        return None if library.nvmlSystemGetDriverVersion(text, len(text)) else text.value.decode(errors="replace")
    finally:
        with suppress(AttributeError):
            library.nvmlShutdown()
