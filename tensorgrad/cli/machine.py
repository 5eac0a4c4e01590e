"""What this machine is and has. Every question here is answered, if with None; none raises."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..training.errors import install_command
from .driver import Driver, Gpu, query_driver

__all__ = ["cpu_name", "gpu_name", "survey"]

T = TypeVar("T")
MODULES = {"numpy": "NumPy", "scipy": "SciPy", "numba": "numba", "tqdm": "tqdm", "matplotlib": "matplotlib",
           "safetensors": "safetensors"}  # fmt: skip
PURPOSE = {
    "scipy": "special functions and linear algebra",
    "numba": "fast kernels on the CPU",
    "tqdm": "progress bars",
    "matplotlib": "pictures of training",
    "safetensors": "saved models and checkpoints",
}


def survey() -> dict[str, Any]:
    """All of it, as plain values for JSON."""
    driver = _or_none(query_driver) or Driver(None, None, [], "the NVIDIA driver could not be asked")
    packages = {name: package_version(name) for name in MODULES}
    cupy = _or_none(_cupy)
    return {
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
            "free_threading": not getattr(sys, "_is_gil_enabled", lambda: True)(),
        },
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "cpu": {"name": cpu_name(), "cores": cpu_count(), "simd": _or_none(_simd)},
        "memory": {"total": _or_none(_memory_total), "available": _or_none(_memory_available)},
        "packages": packages,
        "blas": _or_none(_blas) or {"name": None, "version": None, "threads": None},
        "gpu": {
            "driver": driver.version,
            "cuda": driver.cuda,
            "devices": [_gpu_values(gpu) for gpu in driver.gpus],
            "note": driver.note,
        },
        "cupy": cupy,
        "devices": _or_none(usable_devices) or ["cpu"],
        "missing": _missing(packages, cupy, driver),
    }


def usable_devices() -> list[str]:
    """The devices that training can run on."""
    from ..backends import find

    names = ["cpu"]
    with suppress(Exception):
        names += map(str, find("cuda").devices())
    return names


def package_version(name: str) -> str | None:
    """The version of an importable package, without importing it."""
    with suppress(Exception):
        if importlib.util.find_spec(name) is not None:
            try:
                return version(name)
            except PackageNotFoundError:
                return "unknown"
    return None


@functools.cache
def cpu_name() -> str:
    """The processor's name, or at least its architecture."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model", "cpu model") and value.strip():
                return re.sub(r"\((R|TM)\)|\bCPU\b|@.*", "", value).replace("  ", " ").strip()
    if sys.platform == "darwin":
        with suppress(OSError, AttributeError):
            libc = ctypes.CDLL("libc.dylib")
            name, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
            if libc.sysctlbyname(b"machdep.cpu.brand_string", name, ctypes.byref(size), None, 0) == 0:
                return name.value.decode()
    return platform.processor() or platform.machine() or "unknown processor"


def gpu_name(index: int) -> str:
    """The name of a CUDA device."""
    driver = _or_none(query_driver)
    gpus = driver.gpus if driver else []
    return gpus[index].name if index < len(gpus) else "NVIDIA GPU"


def cpu_count() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _or_none(question: Callable[[], T]) -> T | None:
    try:
        return question()
    except Exception:
        return None


def _gpu_values(gpu: Gpu) -> dict[str, Any]:
    return {"name": gpu.name, "memory": gpu.memory, "compute_capability": gpu.compute_capability}


def _simd() -> str | None:
    found = np.show_config(mode="dicts")["SIMD Extensions"]  # type: ignore[call-overload, index, unused-ignore]
    names = [*found.get("baseline", []), *found.get("found", [])]
    return str(names[-1]) if names else None


def _memory_total() -> int:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            total = min(total, int(Path(limit).read_text()))
    return total


def _memory_available() -> int | None:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _blas() -> dict[str, Any]:
    config: Any = np.show_config(mode="dicts")  # type: ignore[call-overload, unused-ignore]
    blas = config["Build Dependencies"]["blas"]
    name = str(blas.get("name", "unknown"))
    known = {"scipy-openblas": "OpenBLAS", "openblas": "OpenBLAS", "openblas64": "OpenBLAS", "accelerate": "Accelerate",
             "mkl-sdl": "MKL", "blis": "BLIS"}  # fmt: skip
    return {"name": known.get(name.lower(), name), "version": blas.get("version"), "threads": _or_none(_blas_threads)}


def _blas_threads() -> int | None:
    """Asks the BLAS library that NumPy has loaded into this process."""
    functions = (
        "scipy_openblas_get_num_threads64_", "scipy_openblas_get_num_threads", "openblas_get_num_threads64_",
        "openblas_get_num_threads", "MKL_Get_Max_Threads", "bli_thread_get_num_threads",
    )  # fmt: skip
    for path in _loaded_libraries():
        if re.search(r"openblas|mkl_rt|libblis", Path(path).name):
            library = ctypes.CDLL(path)
            for name in functions:
                if hasattr(library, name):
                    return int(getattr(library, name)())
    return None


def _loaded_libraries() -> list[str]:
    with suppress(OSError):
        lines = Path("/proc/self/maps").read_text().splitlines()
        return sorted({line.split(maxsplit=5)[5] for line in lines if ".so" in line and len(line.split()) >= 6})
    numpy = Path(np.__file__).parent
    return [str(file) for folder in (numpy / ".dylibs", numpy.parent / "numpy.libs") for file in folder.glob("*blas*")]


def _cupy() -> dict[str, Any] | None:
    if importlib.util.find_spec("cupy") is None:
        return None
    import cupy

    number = cupy.cuda.get_local_runtime_version() if hasattr(cupy.cuda, "get_local_runtime_version") else 0
    return {
        "version": cupy.__version__,
        "cuda": f"{number // 1000}.{number % 1000 // 10}" if number else None,
        "usable": bool(cupy.cuda.is_available()),
    }


def _missing(packages: dict[str, str | None], cupy: dict[str, Any] | None, driver: Driver) -> list[dict[str, str]]:
    missing = [
        {"name": name, "for": PURPOSE[name], "command": install_command(name)}
        for name in PURPOSE
        if packages[name] is None
    ]
    if driver.gpus and cupy is None:
        package = driver.cupy_package
        what = install_command(f"{package}[ctk]") if package else "a newer NVIDIA driver, with CUDA 12 or later"
        missing.append({"name": "CuPy", "for": "computing on the GPU", "command": what})
    return missing
