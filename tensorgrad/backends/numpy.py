"""NumPy on the CPU."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np

from . import numpy_arrays, numpy_elementwise, numpy_random
from .base import Backend, Device

__all__ = ["NumpyBackend"]

CPU = Device("cpu")
_OVERRIDES = {**numpy_arrays.OVERRIDES, **numpy_random.OVERRIDES, **numpy_elementwise.OVERRIDES}


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

    @property
    def overrides(self) -> Mapping[str, Callable[..., Any]]:
        return _OVERRIDES

    def forward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # A ufunc turns 0-d operands into scalars unless it is told where to put the result.
        return functools.partial(function, out=...) if isinstance(function, np.ufunc) else function

    def asarray(self, obj: Any, dtype: Any = None, copy: bool | None = None, device: Device | None = None) -> Any:
        if dtype is None and isinstance(obj, np.generic):
            return np.asarray(obj)
        if type(obj).__module__.partition(".")[0] == "cupy":
            return obj.get().astype(dtype, copy=False) if dtype is not None else obj.get()
        return np.array(obj, dtype=dtype, copy=copy)

    def full(self, shape: tuple[int, ...], value: Any, dtype: Any, device: Device | None = None) -> Any:
        # Zero pages come from the system already cleared.
        return np.full(shape, value, dtype=dtype) if value else np.zeros(shape, dtype=dtype)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        return np.asarray(array)

    def device_of(self, array: Any) -> Device:
        return CPU

    def devices(self) -> list[Device]:
        return [CPU]

    def synchronize(self, device: Device | None = None) -> None:
        return None

    def memory_in_use(self, device: Device | None = None) -> int:
        """The resident size of the process, for NumPy keeps no account of its arrays; else its peak."""
        try:
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return self.memory_peak()

    def memory_peak(self, device: Device | None = None) -> int:
        """The high-water mark of the process's resident size; 0 where the system does not tell it."""
        try:
            import resource
        except ImportError:  # not a Unix
            return 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def add_at(self, array: Any, index: Any, values: Any) -> None:
        np.add.at(array, index, values)

    def philox(self, state: Any, *, count: int) -> Any:
        return numpy_random.random_words(state, count=count)

    def advice(self) -> str | None:
        return None
