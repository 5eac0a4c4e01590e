"""CuPy on CUDA devices.

Everything runs on CuPy's current stream and with its current allocator, so that a user's own CuPy code stays in order
with ours. An array's operations run on the array's own device. What CuPy lacks or does differently is put right here
and in ``cupy_gemm.py`` and ``cupy_kernels.py``, never in an op.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, final

import numpy as np

from ..errors import DeviceError
from . import cupy_gemm, cupy_kernels
from .base import Backend, Device

__all__ = ["CupyBackend", "advice"]

_DISTRIBUTION: Final = "tensorgrad-engine"


def advice() -> str | None:
    """The command that would make CUDA usable here, or None if it is; never raises.

    >>> isinstance(advice(), (str, type(None)))
    True
    """
    try:
        import cupy
    except Exception as error:
        command = f"pip install '{_DISTRIBUTION}[cuda{_driver_version() or 13}]'"
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cupy"
        return f"CuPy is not installed: {command}" if missing else f"CuPy does not import ({error}): {command}"
    try:
        if cupy.cuda.runtime.getDeviceCount() > 0:
            return None
        return "CuPy is installed, but there is no CUDA device: nvidia-smi should list one"
    except Exception as error:
        driver = _driver_version()
        if driver is None:
            return "CuPy is installed, but there is no NVIDIA driver: install it, then nvidia-smi should list a device"
        return (
            f"CuPy is installed, but CUDA does not start ({error}); the driver supports CUDA {driver}: "
            f"pip install '{_DISTRIBUTION}[cuda{driver}]'"
        )


def _driver_version() -> int | None:
    """The newest CUDA (12 or 13) that the installed driver runs, None where there is no driver."""
    import ctypes
    import sys

    version = ctypes.c_int()
    try:
        library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        library.cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return min(max(version.value // 1000, 12), 13)


@final
class CupyBackend(Backend):
    """CuPy arrays in the memory of CUDA devices.

    Raises DeviceError, with the command that installs it, where CuPy is missing.
    """

    name = "cupy"
    kind = "cuda"

    def __init__(self) -> None:
        try:
            import cupy
        except Exception as error:
            raise DeviceError(f"device 'cuda' needs CuPy. {advice()}") from error
        self._cupy = cupy
        self._m: Any = None
        self._devices: list[Device] = []
        self._overrides: dict[str, Callable[..., Any]] = {
            "matmul": cupy_gemm.matmul,
            "random_words": cupy_kernels.random_words,
            "random_keep": cupy_kernels.random_keep,
            "unstack": _unstack,
        }

    @property
    def namespace(self) -> Any:
        return self._cupy

    @functools.cached_property
    def special(self) -> Any:
        return _Special()

    @property
    def array_type(self) -> type[Any]:
        return self._cupy.ndarray  # type: ignore[no-any-return]

    @property
    def overrides(self) -> Mapping[str, Callable[..., Any]]:
        return self._overrides

    def attach(self, m: Any) -> None:
        self._m = m

    def implement(self, name: str, op: Any) -> Callable[..., Any] | None:
        found = self._overrides.get(name)
        if found is not None:
            return found
        fused = _WHERE_KNOWN.get(name)
        if fused is not None and op is not None:
            return _Fused(fused, op.body, self._m)
        function = getattr(self._cupy, name, None)
        if isinstance(function, self._cupy.ufunc) and (op is None or op.body is None):
            return _Ufunc(function) if _lacks_bfloat16(function) else None
        return None

    def forward(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """On a machine of several devices, ``function`` run on the one its array is on."""
        if len(self.devices()) < 2:
            return function
        return _OnItsDevice(function, self._cupy)

    def at(self, place: Any) -> AbstractContextManager[Any]:
        if not isinstance(place, Device):
            if not isinstance(place, self._cupy.ndarray):
                return nullcontext()
            return self._cupy.cuda.Device(place.device.id)  # type: ignore[no-any-return]
        known = self.devices()
        if place not in known:
            reason = advice() or f"CUDA devices here: {', '.join(map(str, known))}"
            raise DeviceError(f"device '{place}' is not available. {reason}")
        return self._cupy.cuda.Device(place.index)  # type: ignore[no-any-return]

    # Arrays.

    def asarray(self, obj: Any, dtype: Any = None, copy: bool | None = None, device: Device | None = None) -> Any:
        cp = self._cupy
        if isinstance(obj, cp.ndarray) and device is None:
            device = self.device_of(obj)
        with self.at(device if device is not None else self._current()):
            if not isinstance(obj, cp.ndarray):
                if copy is False:
                    raise ValueError("values on the host cannot be brought to a CUDA device without a copy")
                return cp.array(_native(obj), dtype=dtype)
            if obj.device.id != cp.cuda.runtime.getDevice():
                obj, copy = obj.copy(), None  # lands on the current device
            if dtype is not None and obj.dtype != dtype:
                return obj.astype(dtype)
            return obj.copy() if copy else obj

    def full(self, shape: tuple[int, ...], value: Any, dtype: Any, device: Device | None = None) -> Any:
        with self.at(device if device is not None else self._current()):
            if not value:
                return self._cupy.zeros(shape, dtype=dtype)
            return self._cupy.full(shape, value, dtype=dtype)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        with self.at(array):
            return array.get()  # type: ignore[no-any-return]

    def add_at(self, array: Any, index: Any, values: Any) -> None:
        cupy_kernels.scatter_add(array, index, values)

    def philox(self, state: Any, *, count: int) -> Any:
        return cupy_kernels.random_words(state, count=count)

    # The device.

    def device_of(self, array: Any) -> Device:
        return Device("cuda", array.device.id)

    def devices(self) -> list[Device]:
        if not self._devices:  # asked again until there are some: a device does not go away
            try:
                self._devices = [Device("cuda", i) for i in range(self._cupy.cuda.runtime.getDeviceCount())]
            except Exception:
                return []
        return list(self._devices)

    def _current(self) -> Device:
        """CuPy's current device. Where there is none, a device that ``at`` will refuse with advice."""
        try:
            return Device("cuda", self._cupy.cuda.runtime.getDevice())
        except Exception:
            return Device("cuda", 0)

    def synchronize(self, device: Device | None = None) -> None:
        with self.at(device if device is not None else self._current()):
            self._cupy.cuda.runtime.deviceSynchronize()

    def _pool(self) -> Any:
        """The pool behind CuPy's current allocator; its default one where the allocator is the user's own."""
        pool = getattr(self._cupy.cuda.get_allocator(), "__self__", None)
        return pool if hasattr(pool, "used_bytes") else self._cupy.get_default_memory_pool()

    def memory_in_use(self, device: Device | None = None) -> int:
        """Bytes that arrays hold in CuPy's pool on that device; what others allocate is not seen."""
        with self.at(device if device is not None else self._current()):
            return int(self._pool().used_bytes())

    def memory_peak(self, device: Device | None = None) -> int:
        """Bytes that CuPy's pool took from the device: it keeps what is freed, so this only falls in free_all_blocks.

        With fragmentation it is more than arrays ever held at once; ``track_peak`` counts those exactly.
        """
        with self.at(device if device is not None else self._current()):
            return int(self._pool().total_bytes())

    def track_peak(self) -> AbstractContextManager[Any]:
        """``with backend.track_peak() as peak: ...``, then ``peak.bytes``: how far arrays' memory rose above its start.

        Counts the calling thread's allocations by CuPy's memory hooks, rounded up as the pool rounds them.
        """
        return _track_peak(self._cupy)

    def advice(self) -> str | None:
        return advice()


class _Fused:
    """A kernel for the dtypes it knows, which returns None for others: the op's body then."""

    def __init__(self, kernel: Callable[..., Any], body: Callable[..., Any], m: Any) -> None:
        self._kernel = kernel
        self._body = body
        self._m = m

    def __call__(self, *args: Any, **params: Any) -> Any:
        result = self._kernel(*args, **params)
        return self._body(self._m, *args, **params) if result is None else result


_WHERE_KNOWN: Final[dict[str, Callable[..., Any]]] = {
    "random_uniform": cupy_kernels.random_uniform,
    "random_normal": cupy_kernels.random_normal,
    "dropout": cupy_kernels.dropout,
}


def _lacks_bfloat16(ufunc: Any) -> bool:
    """Whether a ufunc takes float16 but not bfloat16 (whose type character is "E")."""
    return any("e" in types for types in ufunc.types) and not any("E" in types for types in ufunc.types)


def _is_bfloat16(x: Any) -> bool:
    return getattr(getattr(x, "dtype", None), "name", None) == "bfloat16"


class _Ufunc:
    """A function without a bfloat16 loop: computes in float32 and rounds."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **params: Any) -> Any:
        kind = next((x.dtype for x in args if _is_bfloat16(x)), None)
        if kind is None:
            return self._function(*args, **params)
        result = self._function(*(x.astype(np.float32) if _is_bfloat16(x) else x for x in args), **params)
        if isinstance(result, tuple):
            return tuple(self._rounded(part, kind) for part in result)
        return self._rounded(result, kind)

    @staticmethod
    def _rounded(result: Any, kind: Any) -> Any:
        return result.astype(kind) if result.dtype == np.float32 else result


class _Special:
    """``cupyx.scipy.special``, for bfloat16 too."""

    def polygamma(self, n: Any, x: Any) -> Any:
        """The one function of these that takes arrays only."""
        import cupy
        from cupyx.scipy.special import polygamma

        return _Ufunc(polygamma)(cupy.asarray(n, dtype=np.float64), x)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        import cupyx.scipy.special as functions

        found = _Ufunc(getattr(functions, name))
        self.__dict__[name] = found
        return found


class _OnItsDevice:
    """A function run on the device that its first array is on, where that isn't the current one."""

    def __init__(self, function: Callable[..., Any], cupy: Any) -> None:
        self._function = function
        self._cupy = cupy

    def __call__(self, *args: Any, **params: Any) -> Any:
        array = next(_arrays(args, self._cupy.ndarray), None)
        if array is None or array.data.device_id == self._cupy.cuda.runtime.getDevice():
            return self._function(*args, **params)
        with self._cupy.cuda.Device(array.data.device_id):
            return self._function(*args, **params)


def _arrays(args: Any, kind: type[Any]) -> Iterator[Any]:
    for x in args:
        if isinstance(x, kind):
            yield x
        elif isinstance(x, (list, tuple)):
            yield from _arrays(x, kind)


def _native(obj: Any) -> Any:
    """Host values in the machine's byte order, the only one a device knows."""
    if isinstance(obj, np.ndarray) and not obj.dtype.isnative:
        return obj.astype(obj.dtype.newbyteorder("="))
    return obj


def _unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    index = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*index, i)] for i in range(x.shape[axis]))


@contextmanager
def _track_peak(cupy: Any) -> Iterator[Any]:
    class Peak(cupy.cuda.MemoryHook):  # type: ignore[misc]
        name = "tensorgrad.track_peak"
        live = 0
        bytes = 0

        def malloc_postprocess(self, **event: Any) -> None:
            self.live += event["mem_size"]
            self.bytes = max(self.bytes, self.live)

        def free_postprocess(self, **event: Any) -> None:
            self.live -= event["mem_size"]

    with Peak() as peak:
        yield peak
