"""NumPy on the CPU."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, final

import numpy as np

from ..errors import DeviceError
from .base import Backend, Device

__all__ = ["NumpyBackend"]

CPU = Device("cpu")


@final
class NumpyBackend(Backend):
    """NumPy arrays in the host's memory."""

    name = "numpy"
    kind = "cpu"

    @property
    def namespace(self) -> Any:
        return np

    @property
    def special(self) -> Any:
        import scipy.special

        return scipy.special

    @property
    def array_type(self) -> type[Any]:
        return np.ndarray

    def forward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # A ufunc turns 0-d operands into scalars unless it is told where to put the result.
        return functools.partial(function, out=...) if isinstance(function, np.ufunc) else function

    def asarray(self, obj: Any, dtype: Any = None, copy: bool | None = None, device: Device | None = None) -> Any:
        if type(obj).__module__.partition(".")[0] == "cupy":
            return obj.get().astype(dtype, copy=False) if dtype is not None else obj.get()
        return np.array(obj, dtype=dtype, copy=copy)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        return np.asarray(array)

    def device_of(self, array: Any) -> Device:
        return CPU

    def devices(self) -> list[Device]:
        return [CPU]

    def synchronize(self, device: Device | None = None) -> None:
        return None

    def memory_in_use(self, device: Device | None = None) -> int:
        """The resident size of the process: NumPy keeps no account of its arrays."""
        with open("/proc/self/statm") as file:
            import resource

            return int(file.read().split()[1]) * resource.getpagesize()

    def memory_peak(self, device: Device | None = None) -> int:
        """The high-water mark of the process's resident size."""
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def add_at(self, array: Any, index: Any, values: Any) -> None:
        np.add.at(array, index, values)

    def philox(self, key: tuple[int, int], offset: int, count: int, device: Device | None = None) -> Any:
        # NumPy's generator steps its counter before it draws.
        before = (offset - 1) % (1 << 256)
        return np.random.Philox(key=list(key), counter=_words(before)).random_raw(count)

    def advice(self) -> str | None:
        return None


def _words(counter: int) -> list[int]:
    if counter < 0:
        raise DeviceError(f"a Philox counter is not negative, got {counter}")
    return [(counter >> shift) & 0xFFFFFFFFFFFFFFFF for shift in (0, 64, 128, 192)]
