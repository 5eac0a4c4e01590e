"""A device that computes no values, only shapes and dtypes, and counts the memory a program would need.

Every op is answered by its ``infer``. What looks at a value raises; what doesn't, a whole training step say, runs to
its end in milliseconds whatever its size. Views share the memory they look at, as in NumPy: strides are kept, and a
reshape that NumPy could not do without a copy counts as a copy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Final, NoReturn, final

import numpy as np

from ..errors import DeviceError, ShapeError
from .base import Backend, Device

__all__ = ["Meter", "ShapeArray", "ShapesBackend", "metered"]

SHAPES: Final = Device("shapes")


@final
class Meter:
    """Bytes of live arrays, and the most there were at once."""

    __slots__ = ("_lock", "live", "peak")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.live = 0
        self.peak = 0

    def add(self, size: int) -> None:
        """Count ``size`` bytes more, or less where it is negative."""
        with self._lock:
            self.live += size
            if self.live > self.peak:
                self.peak = self.live


_ALL: Final = Meter()
_meters: ContextVar[tuple[Meter, ...]] = ContextVar("tensorgrad.meters", default=(_ALL,))


@contextmanager
def metered() -> Iterator[Meter]:
    """``with metered() as meter: ...`` counts the arrays made inside, by this thread, as long as they live."""
    meter = Meter()
    token = _meters.set((*_meters.get(), meter))
    try:
        yield meter
    finally:
        _meters.reset(token)


@final
class _Memory:
    """What an array would occupy; shared by its views, and given back when the last of them is gone."""

    __slots__ = ("meters", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.meters = _meters.get()
        for meter in self.meters:
            meter.add(size)

    def __del__(self) -> None:
        for meter in self.meters:
            meter.add(-self.size)


@final
class ShapeArray:
    """An array without elements: shape, dtype, strides, and a share in memory that is only counted."""

    __slots__ = ("__weakref__", "_memory", "base", "dtype", "shape", "strides")

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...]
    base: ShapeArray | None
    _memory: _Memory
    _m: ClassVar[Any] = None
    """The raw namespace over this backend, for operators."""

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        strides: tuple[int, ...] | None = None,
        source: ShapeArray | None = None,
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.strides = _dense(self.shape, self.dtype.itemsize) if strides is None else strides
        self.base = None if source is None else source if source.base is None else source.base
        self._memory = _Memory(self.nbytes) if source is None else source._memory

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def T(self) -> ShapeArray:
        return self.transpose()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"ShapeArray({self.dtype}{list(self.shape)})"

    # Views and copies.

    def _through(self, view: Callable[[Any], Any]) -> ShapeArray:
        """What a NumPy function that never copies makes of an array like this one. No element is touched."""
        stand_in = np.lib.stride_tricks.as_strided(np.empty(1, self.dtype), self.shape, self.strides)
        seen = view(stand_in)
        return ShapeArray(seen.shape, seen.dtype, seen.strides, self)

    def __getitem__(self, key: Any) -> ShapeArray:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(hasattr(part, "shape") or isinstance(part, (list, np.ndarray)) for part in parts):
            # Indexing that ends in one element gives NumPy a scalar: here it stays a view of 0 dimensions.
            return self._through(lambda a: a[(*parts, ...)] if Ellipsis not in parts else a[parts])
        filled = tuple(_index_stand_in(part) for part in parts)
        return ShapeArray(np.broadcast_to(np.zeros((), np.int8), self.shape)[filled].shape, self.dtype)

    def __setitem__(self, key: Any, value: Any) -> None:
        place, given = self[key].shape, np.shape(_shape_only(value))
        if np.broadcast_shapes(place, given) != place:
            raise ShapeError(f"values of shape {list(given)} do not fit into {list(place)}")

    def reshape(self, *shape: Any) -> ShapeArray:
        wanted = shape[0] if len(shape) == 1 and not hasattr(shape[0], "__index__") else shape
        try:
            return self._through(lambda a: np.reshape(a, wanted, copy=False))
        except ValueError:
            # Either NumPy would copy, or the shape does not fit: then this raises.
            flat = np.lib.stride_tricks.as_strided(np.empty(1, np.int8), (self.size,), (1,))
            return ShapeArray(flat.reshape(wanted).shape, self.dtype)

    def transpose(self, *axes: Any) -> ShapeArray:
        return self._through(lambda a: a.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> ShapeArray:
        return self._through(lambda a: a.swapaxes(first, second))

    def copy(self) -> ShapeArray:
        return ShapeArray(self.shape, self.dtype)

    def astype(self, dtype: Any, copy: bool = True) -> ShapeArray:
        return self if not copy and self.dtype == dtype else ShapeArray(self.shape, dtype)

    # Mathematics, by the op table.

    def sum(self, axis: Any = None, keepdims: bool = False) -> ShapeArray:
        axes = range(self.ndim) if axis is None else (axis,) if hasattr(axis, "__index__") else axis
        found = self._m.sum(self, axis=tuple(sorted(a % self.ndim for a in axes)), keepdims=keepdims)
        return found  # type: ignore[no-any-return]

    def any(self) -> ShapeArray:
        return ShapeArray((), bool)

    all = any

    # What would need a value.

    def _refuse(self, what: str) -> NoReturn:
        raise DeviceError(
            f"{what} reads a value, but arrays on device 'shapes' hold none: "
            "only programs whose course depends on no value run there. Use 'cpu' or 'cuda' for this one"
        )

    def __bool__(self) -> bool:
        self._refuse("bool()")

    def __int__(self) -> int:
        self._refuse("int()")

    def __float__(self) -> float:
        self._refuse("float()")

    def __complex__(self) -> complex:
        self._refuse("complex()")

    def __index__(self) -> int:
        self._refuse("an index")

    def item(self) -> Any:
        self._refuse("item()")

    def tolist(self) -> Any:
        self._refuse("tolist()")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse("conversion to NumPy")

    def __dlpack__(self, **options: Any) -> Any:
        self._refuse("DLPack")

    def __dlpack_device__(self) -> Any:
        self._refuse("DLPack")

    # NumPy's operators must leave the work to ours.
    __array_ufunc__ = None


def _operator(name: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def forward(self: ShapeArray, other: Any) -> Any:
        return getattr(self._m, name)(self, other)

    def backward(self: ShapeArray, other: Any) -> Any:
        return getattr(self._m, name)(other, self)

    return backward if swapped else forward


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    def operator(self: ShapeArray, other: Any) -> Any:
        return getattr(self._m, name)(self, other, out=self)

    return operator


_BINARY: Final = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "matmul": "matmul", "pow": "pow",
    "floordiv": "floor_divide", "mod": "remainder", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip
_COMPARISONS: Final = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
_UNARY: Final = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}

for _short, _name in _BINARY.items():
    setattr(ShapeArray, f"__{_short}__", _operator(_name))
    setattr(ShapeArray, f"__r{_short}__", _operator(_name, swapped=True))
    if _name != "matmul":
        setattr(ShapeArray, f"__i{_short}__", _in_place(_name))
for _short, _name in _COMPARISONS.items():
    setattr(ShapeArray, f"__{_short}__", _operator(_name))
for _short, _name in _UNARY.items():
    setattr(ShapeArray, f"__{_short}__", lambda self, _name=_name: getattr(self._m, _name)(self))


def _dense(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    strides, step = [], itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def _shape_only(value: Any) -> Any:
    return np.broadcast_to(np.zeros((), np.int8), value.shape) if isinstance(value, ShapeArray) else value


def _index_stand_in(part: Any) -> Any:
    if not isinstance(part, ShapeArray):
        return part
    if part.dtype.kind == "b":
        part._refuse("a boolean index")
    return np.broadcast_to(np.zeros((), np.int64), part.shape)


# View ops whose bodies only ever make views: they run on a stand-in, to learn the strides.
_NEVER_COPY: Final = frozenset(
    {
        "broadcast_to", "diagonal", "expand_dims", "flip", "getitem", "identity", "matrix_transpose", "moveaxis",
        "permute_dims", "split", "squeeze", "swapaxes", "unstack",
    }
)  # fmt: skip


@final
class _Inferred:
    """An op computed by its ``infer``."""

    __slots__ = ("_info", "_op")

    def __init__(self, op: Any, info: Callable[..., Any]) -> None:
        self._op = op
        self._info = info

    def __call__(self, *args: Any, out: Any = None, **params: Any) -> Any:
        op = self._op
        given = {name: params.get(name) for name in op.params}
        promised = op.infer(given, *self._described(args))
        if op.writes:
            return args[0]
        if out is not None:
            if out.shape != promised.shape:
                raise ShapeError(f"the result, {list(promised.shape)}, does not fit into {list(out.shape)}")
            return out
        if args and isinstance(args[0], ShapeArray) and (op.view or op.name == "identity"):
            seen = self._view(args[0], given)
            if seen is not None:
                return seen
        if isinstance(promised, tuple):
            return tuple(_made(info) for info in promised)
        return _made(promised)

    def _described(self, args: tuple[Any, ...]) -> list[Any]:
        values = [self._describe(x) for x in args]
        return values if not self._op.variadic or isinstance(args[-1], (list, tuple)) else [values]

    def _describe(self, x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return [self._describe(part) for part in x]
        return self._info(x.shape, x.dtype) if hasattr(x, "dtype") and hasattr(x, "shape") else x

    def _view(self, x: ShapeArray, params: dict[str, Any]) -> Any:
        name = self._op.name
        if name == "reshape":
            return x.reshape(params["shape"])
        if name not in _NEVER_COPY:
            return None
        body = self._op.body
        stand_in = np.lib.stride_tricks.as_strided(np.empty(1, x.dtype), x.shape, x.strides)
        seen = getattr(np, name)(stand_in, **params) if body is None else body(np, stand_in, **params)
        if isinstance(seen, tuple):
            return tuple(ShapeArray(part.shape, part.dtype, part.strides, x) for part in seen)
        return ShapeArray(seen.shape, seen.dtype, seen.strides, x)


def _made(info: Any) -> ShapeArray:
    return ShapeArray(info.shape, info.dtype)


def _to_device(x: Any, *, source: Device, target: Device) -> Any:
    if target.kind != "shapes":
        x._refuse(f"a transfer to '{target}'")
    return x


class _Namespace:
    """The few functions of an array library that make arrays from shapes."""

    @staticmethod
    def zeros(shape: Any, dtype: Any = np.float64) -> ShapeArray:
        return ShapeArray((shape,) if hasattr(shape, "__index__") else tuple(shape), dtype)

    ones = empty = zeros

    @staticmethod
    def full(shape: Any, fill_value: Any, dtype: Any = None) -> ShapeArray:
        return _Namespace.zeros(shape, np.asarray(fill_value).dtype if dtype is None else dtype)

    @staticmethod
    def asarray(obj: Any, dtype: Any = None) -> ShapeArray:
        return ShapesBackend._from(obj, dtype)


@final
class ShapesBackend(Backend):
    """Arrays that are shapes."""

    name = "shapes"
    kind = "shapes"
    has_values = False

    @property
    def namespace(self) -> Any:
        return _Namespace

    @property
    def special(self) -> Any:
        raise DeviceError("device 'shapes' computes no values, so it has no special functions")

    @property
    def array_type(self) -> type[Any]:
        return ShapeArray

    def implement(self, name: str, op: Any) -> Callable[..., Any] | None:
        if name == "to_device":
            return _to_device
        if op is None or op.infer is None:
            return None
        return _Inferred(op, ShapeArray._m.info)

    def attach(self, m: Any) -> None:
        ShapeArray._m = m

    @staticmethod
    def _from(obj: Any, dtype: Any) -> ShapeArray:
        if not (hasattr(obj, "shape") and hasattr(obj, "dtype")):
            obj = np.asarray(obj)
        return ShapeArray(obj.shape, obj.dtype if dtype is None else dtype)

    def asarray(self, obj: Any, dtype: Any = None, copy: bool | None = None, device: Device | None = None) -> Any:
        if isinstance(obj, ShapeArray) and not copy and (dtype is None or obj.dtype == dtype):
            return obj
        return self._from(obj, dtype)

    def full(self, shape: tuple[int, ...], value: Any, dtype: Any, device: Device | None = None) -> Any:
        return ShapeArray(shape, dtype)

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        array._refuse("conversion to NumPy")
        raise AssertionError

    def device_of(self, array: Any) -> Device:
        return SHAPES

    def devices(self) -> list[Device]:
        return [SHAPES]

    def synchronize(self, device: Device | None = None) -> None:
        return None

    def memory_in_use(self, device: Device | None = None) -> int:
        """Bytes that the live arrays of all threads would hold."""
        return _ALL.live

    def memory_peak(self, device: Device | None = None) -> int:
        """The most that all threads' arrays would ever have held at once; see ``metered`` for a part of a program."""
        return _ALL.peak

    def add_at(self, array: Any, index: Any, values: Any) -> None:
        array[index] = values

    def philox(self, state: Any, *, count: int) -> Any:
        return ShapeArray((count,), np.uint64)

    def advice(self) -> str | None:
        return None
