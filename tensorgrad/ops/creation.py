"""Tensors made from nothing, or from the user's data. In a captured program they are made anew at every replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ..backends.base import Device
from ..backends.registry import backend_of, find, parse_device
from ..call import apply, apply_on
from ..core.lines import caller
from ..core.node import Info
from ..core.state import get_state
from ..core.tensor import Tensor, make
from ..define import op, public
from ..dtypes import to_dtype
from ..errors import DeviceError, DTypeError, ShapeError
from ..op import OPS
from .basic import to_device

__all__ = [
    "asarray", "empty", "empty_like", "from_dlpack", "full", "full_like", "ones", "ones_like", "tensor", "zeros",
    "zeros_like",
]  # fmt: skip

Shape: TypeAlias = int | Sequence[int]


def device_of(device: Device | str | None) -> Device:
    """The device asked for, else that of ``tg.use_device``, else the CPU."""
    if device is None:
        device = get_state().device
    return Device("cpu") if device is None else parse_device(device)


def shape_of(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """``zeros(2, 3)`` and ``zeros((2, 3))`` alike. Raises ShapeError."""
    if len(shape) == 1 and not hasattr(shape[0], "__index__"):
        shape = tuple(shape[0])
    try:
        found = tuple(n.__index__() for n in shape)
    except AttributeError:
        raise ShapeError(f"expected a shape of integers, got {shape!r}") from None
    if any(n < 0 for n in found):
        raise ShapeError(f"expected lengths that are not negative, got shape {found}")
    return found


def finish(out: Tensor, requires_grad: bool) -> Tensor:
    """A tensor just made, as the user asked for it."""
    out._line = caller()
    return out.requires_grad_() if requires_grad else out


_full = op(
    "full_on",
    "",
    params="shape value dtype device",
    infer=lambda params: Info(params["shape"], params["dtype"]),
    body=lambda m, shape, value, dtype, device: m.backend.full(shape, value, dtype, device),
)


def _make_full(shape: tuple[int, ...], value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    where = device_of(device)
    out = apply_on(OPS["full_on"], where.kind, (), (shape, value, to_dtype(dtype), where))
    return finish(out, requires_grad)


@public
def tensor(
    obj: Any, /, *, dtype: Any = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the values in ``obj``: a number, nested sequences, an array, or another tensor.

    Python floats become float32 (see ``tg.set_default_dtype``), Python integers int64, booleans bool. NumPy and CuPy
    arrays keep their dtype and are wrapped without a copy where dtype and device allow; a tensor is detached.

    Raises:
        ShapeError: nested sequences of unequal lengths.
        DTypeError: values that are no numbers, or ``requires_grad`` of integers.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> tg.tensor([1.0, 2.0], requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    wanted = None if dtype is None else to_dtype(dtype)
    source = obj
    if isinstance(obj, Tensor):
        obj = obj.data
    try:
        here = backend_of(obj)
        values = obj
        where = here.device_of(obj) if device is None else parse_device(device)
        data = values if where.kind == here.kind else find(where.kind).asarray(values, device=where)
        if wanted is not None and data.dtype != wanted:
            data = data.astype(wanted)
        elif where.kind == here.kind and where != here.device_of(obj):
            data = here.asarray(obj, device=where)
    except DTypeError:
        where = device_of(device)
        data = find(where.kind).asarray(_values(obj, wanted), device=where)
    out = make(data, caller())
    if isinstance(source, Tensor) and data is source.data:
        out._cell = source._cell  # writes to either show in both
    return out.requires_grad_() if requires_grad else out


def _values(obj: Any, wanted: Any) -> np.ndarray[Any, Any]:
    try:
        values = np.asarray(_plain(obj))
    except ValueError as error:
        raise ShapeError(f"expected nested sequences of equal lengths: {error}") from None
    if values.dtype.kind not in "biufc":
        raise DTypeError(f"expected numbers, got {values.dtype} from {type(obj).__name__}")
    if wanted is None and values.dtype == np.float64 and not isinstance(obj, np.generic):
        wanted = get_state().dtype if not _has_arrays(obj) else None
    return values if wanted is None else values.astype(wanted)


def _plain(obj: Any) -> Any:
    """Nested sequences with tensors inside turned into their values."""
    if isinstance(obj, Tensor):
        return obj.detach().numpy()
    if isinstance(obj, (list, tuple)):
        return [_plain(x) for x in obj]
    return obj


def _has_arrays(obj: Any) -> bool:
    if isinstance(obj, (list, tuple)):
        return any(_has_arrays(x) for x in obj)
    return hasattr(obj, "dtype")


@public
def asarray(
    obj: Any,
    /,
    *,
    dtype: Any = None,
    device: Device | str | None = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``tensor`` under the array API's name; a tensor that needs no change is returned as it is, with its history.

    Parameters:
        obj: what ``tensor`` takes.
        copy: True for a copy in any case, False to share memory or raise.
        requires_grad: record what is done with the result.

    Raises what ``tensor`` raises, and ShapeError where ``copy=False`` cannot be.

    >>> import tensorgrad as tg
    >>> tg.asarray([1, 2])
    tensor([1, 2])
    """
    if isinstance(obj, Tensor):
        out = obj if device is None else to_device(obj, device)
        if dtype is not None and to_dtype(dtype) != out.dtype:
            out = OPS["astype"].call(out, dtype=to_dtype(dtype))
        shared = out is obj
        if copy and shared:
            out = apply(OPS["copy"], (out,))
    else:
        out = tensor(obj, dtype=dtype, device=device)
        shared = out.data is obj
        if copy and shared:
            out = make(out.data.copy(), out._line)
    if copy is False and not shared:
        raise ShapeError(f"asarray: this {type(obj).__name__} cannot become such a tensor without a copy")
    return out.requires_grad_() if requires_grad else out


@public
def from_dlpack(
    obj: Any,
    /,
    *,
    device: Device | str | None = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor over the memory of another library's array (PyTorch, JAX, CuPy, ...), through DLPack.

    Parameters:
        obj: anything with ``__dlpack__``, on the CPU or on a CUDA device.
        device: where the result shall be; elsewhere takes a copy.
        copy: True for a copy in any case, False to share memory or raise.
        requires_grad: record what is done with the result.

    Raises DTypeError for what has no ``__dlpack__``, DeviceError for memory elsewhere, ShapeError where ``copy=False``
    cannot be.

    >>> import numpy as np, tensorgrad as tg
    >>> tg.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    if not hasattr(obj, "__dlpack_device__"):
        raise DTypeError(f"from_dlpack: expected an array that speaks DLPack, got {type(obj).__name__}")
    kind = int(obj.__dlpack_device__()[0])
    if kind not in (1, 2, 3, 13):
        raise DeviceError(f"from_dlpack: expected memory of the CPU or of a CUDA device, got DLPack device type {kind}")
    backend = find("cuda" if kind in (2, 13) else "cpu")
    out = make(backend.namespace.from_dlpack(obj), caller())
    if isinstance(obj, Tensor):
        out._cell = obj._cell
    there = out if device is None else to_device(out, device)
    if copy is False and there is not out:
        raise ShapeError(f"from_dlpack: the array is on {out.device}; on {device} it takes a copy")
    if copy and there is out:
        there = make(out.data.copy(), out._line)
    return there.requires_grad_() if requires_grad else there


@public
def zeros(
    *shape: Any, dtype: Any = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of a shape, given as one tuple or as several integers; dtype float32 unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    return _make_full(shape_of(shape), 0, get_state().dtype if dtype is None else dtype, device, requires_grad)


@public
def ones(
    *shape: Any, dtype: Any = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Ones of a shape, given as one tuple or as several integers; dtype float32 unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.ones((2,))
    tensor([1., 1.])
    """
    return _make_full(shape_of(shape), 1, get_state().dtype if dtype is None else dtype, device, requires_grad)


@public
def full(
    shape: Shape,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor filled with one number; its dtype follows the number's unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.full((2,), 7)
    tensor([7, 7])
    """
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    if dtype is None:
        dtype = get_state().dtype if isinstance(fill_value, float) else np.asarray(fill_value).dtype
    return _make_full(shape_of((shape,)), fill_value, dtype, device, requires_grad)


@public
def empty(
    *shape: Any, dtype: Any = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor to be filled by the caller. It holds zeros: uninitialised memory would not repeat.

    >>> import tensorgrad as tg
    >>> tg.empty(3).shape
    (3,)
    """
    return zeros(*shape, dtype=dtype, device=device, requires_grad=requires_grad)


def _like(x: Tensor, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    wanted = x.dtype if dtype is None else dtype
    return _make_full(x.shape, value, wanted, x.device if device is None else device, requires_grad)


@public
def zeros_like(
    x: Tensor, /, *, dtype: Any = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of ``x``'s shape, and of its dtype and device unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.zeros_like(tg.tensor([1, 2]))
    tensor([0, 0])
    """
    return _like(x, 0, dtype, device, requires_grad)


@public
def ones_like(
    x: Tensor, /, *, dtype: Any = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """Ones of ``x``'s shape, and of its dtype and device unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.ones_like(tg.tensor([1.0, 2.0]))
    tensor([1., 1.])
    """
    return _like(x, 1, dtype, device, requires_grad)


@public
def full_like(
    x: Tensor,
    /,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """One number in ``x``'s shape, and in its dtype and device unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.full_like(tg.tensor([1.0, 2.0]), 5)
    tensor([5., 5.])
    """
    return _like(x, fill_value, dtype, device, requires_grad)


@public
def empty_like(
    x: Tensor, /, *, dtype: Any = None, device: Device | str | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of ``x``'s shape to be filled by the caller; it holds zeros.

    >>> import tensorgrad as tg
    >>> tg.empty_like(tg.tensor([1.0, 2.0])).shape
    (2,)
    """
    return _like(x, 0, dtype, device, requires_grad)
