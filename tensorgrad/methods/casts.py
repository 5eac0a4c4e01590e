"""Moving a tensor to another type or device, copying it, and asking what it is."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ..backends.base import Device
from ..backends.registry import parse_device
from ..core.tensor import Tensor
from ..dtypes import is_floating, to_dtype
from ..errors import DTypeError
from .shapes import lengths
from .table import method, tg

__all__: list[str] = []


@method()
def to(
    self: Tensor,
    *wanted: Any,
    device: Device | str | None = None,
    dtype: Any = None,
    copy: builtins.bool = False,
    non_blocking: builtins.bool = False,
) -> Tensor:
    """On another device, with another dtype, or both: ``x.to("cuda")``, ``x.to(tg.float64)``, ``x.to(other)``,
    ``x.to("cuda", tg.float16)``. The tensor itself if it is so already and no ``copy`` is asked for; the gradient
    travels back. ``non_blocking`` is accepted and changes nothing: copies run in the device's order anyway.

    Raises DeviceError for a device that is not available, DTypeError for what is neither.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).to(tg.float64).dtype, tg.zeros(2).to("cpu").device
    (dtype('float64'), device('cpu'))
    """
    for given in wanted:
        if isinstance(given, Tensor):
            device, dtype = given.device, given.dtype
        elif isinstance(given, Device) or (isinstance(given, str) and _names_device(given)):
            device = given
        elif given is not None:
            dtype = given
    out = self
    if dtype is not None:
        out = tg.astype(out, dtype, copy=False)
    if device is not None:
        out = tg.to_device(out, device)
    return tg.copy(out) if copy and out is self else out


def _names_device(text: str) -> builtins.bool:
    try:
        np.dtype(text)
    except TypeError:
        return text != "bfloat16"
    return False


@method()
def cpu(self: Tensor) -> Tensor:
    """On the CPU; the tensor itself if it is there already.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).cpu().device
    device('cpu')
    """
    return tg.to_device(self, "cpu")  # type: ignore[no-any-return]


@method()
def cuda(self: Tensor, device: Device | str | int | None = None) -> Tensor:
    """On a CUDA device, the first unless told otherwise. Raises DeviceError, with the command that installs what is
    missing, where there is none.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).cuda("cpu")
    Traceback (most recent call last):
    ...
    tensorgrad.errors.DTypeError: cuda: expected a CUDA device, got 'cpu'
    """
    target = parse_device("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)
    if target.kind != "cuda":
        raise DTypeError(f"cuda: expected a CUDA device, got {str(target)!r}")
    return tg.to_device(self, target)  # type: ignore[no-any-return]


@method()
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """With the dtype of another tensor.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2]).type_as(tg.zeros(1))
    tensor([1., 2.])
    """
    return tg.astype(self, other.dtype, copy=False)  # type: ignore[no-any-return]


def _cast(name: str, dtype: str) -> None:
    def cast(self: Tensor) -> Tensor:
        return tg.astype(self, to_dtype(dtype), copy=False)  # type: ignore[no-any-return]

    cast.__doc__ = f"""With {dtype} elements; the tensor itself if it has them already.

    >>> import tensorgrad as tg
    >>> tg.tensor([0, 1], dtype=tg.uint8).{name}().dtype.name
    '{dtype}'
    """
    method(name)(cast)


for _name, _dtype in {
    "bool": "bool", "byte": "uint8", "char": "int8", "double": "float64", "float": "float32", "half": "float16",
    "int": "int32", "long": "int64", "short": "int16",
}.items():  # fmt: skip
    _cast(_name, _dtype)


@method()
def bfloat16(self: Tensor) -> Tensor:
    """With bfloat16 elements; the tensor itself if it has them already. Raises DTypeError where ml_dtypes is missing.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).bfloat16().dtype.name
    'bfloat16'
    """
    return tg.astype(self, to_dtype("bfloat16"), copy=False)  # type: ignore[no-any-return]


@method("clone", "copy")
def clone(self: Tensor) -> Tensor:
    """The same values in fresh memory; the gradient passes through. NumPy's ``copy``, PyTorch's ``clone``.

    >>> import tensorgrad as tg
    >>> x = tg.zeros(2); y = x.clone(); y[0] = 1; x
    tensor([0., 0.])
    """
    return tg.copy(self)  # type: ignore[no-any-return]


@method()
def contiguous(self: Tensor) -> Tensor:
    """In row-major memory: the tensor itself if it lies so already, else a copy.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3).T.contiguous().is_contiguous()
    True
    """
    return self if self.data.flags.c_contiguous else tg.copy(self)


@method()
def is_contiguous(self: Tensor) -> builtins.bool:
    """Whether the elements lie in row-major order without gaps.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3).T.is_contiguous()
    False
    """
    return builtins.bool(self.data.flags.c_contiguous)


@method()
def is_floating_point(self: Tensor) -> builtins.bool:
    """Whether the elements are real and floating.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2]).is_floating_point()
    False
    """
    return is_floating(self.dtype) and self.dtype.kind != "c"


@method("numel", "nelement")
def numel(self: Tensor) -> builtins.int:
    """The number of elements, as ``x.size``.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3).numel()
    6
    """
    return builtins.int(self.data.size)


@method("dim", "ndimension")
def dim(self: Tensor) -> builtins.int:
    """The number of axes, as ``x.ndim``.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3).dim()
    2
    """
    return builtins.int(self.data.ndim)


@method()
def element_size(self: Tensor) -> builtins.int:
    """Bytes per element, as ``x.itemsize``.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).element_size()
    4
    """
    return self.itemsize


def _new(name: str, value: Any, text: str) -> None:
    def new(
        self: Tensor,
        *shape: Any,
        dtype: Any = None,
        device: Device | str | None = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        return tg.full(  # type: ignore[no-any-return]
            lengths(name, shape),
            value,
            dtype=self.dtype if dtype is None else dtype,
            device=self.device if device is None else device,
            requires_grad=requires_grad,
        )

    new.__doc__ = f"""{text} of a shape, with this tensor's dtype and device unless told otherwise.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2]).{name}(2, 2).dtype
    dtype('int64')
    """
    method(name)(new)


_new("new_zeros", 0, "Zeros")
_new("new_ones", 1, "Ones")
_new("new_empty", 0, "A tensor to be filled (it holds zeros)")


@method()
def new_full(
    self: Tensor,
    shape: Sequence[builtins.int] | builtins.int,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """One number in a shape, with this tensor's dtype and device unless told otherwise.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2]).new_full((2,), 7)
    tensor([7, 7])
    """
    return tg.full(  # type: ignore[no-any-return]
        shape,
        fill_value,
        dtype=self.dtype if dtype is None else dtype,
        device=self.device if device is None else device,
        requires_grad=requires_grad,
    )


@method()
def new_tensor(
    self: Tensor,
    obj: Any,
    *,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """A tensor of the values in ``obj``, with this tensor's dtype and device unless told otherwise.

    >>> import tensorgrad as tg
    >>> tg.zeros(1, dtype=tg.float64).new_tensor([1, 2])
    tensor([1., 2.], dtype=float64)
    """
    return tg.tensor(  # type: ignore[no-any-return]
        obj,
        dtype=self.dtype if dtype is None else dtype,
        device=self.device if device is None else device,
        requires_grad=requires_grad,
    )


@method()
def astype(self: Tensor, dtype: Any, *, copy: builtins.bool = True) -> Tensor:
    """With elements of another dtype: ``tg.astype`` as a method.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 0]).astype(bool)
    tensor([ True, False])
    """
    return tg.astype(self, dtype, copy=copy)  # type: ignore[no-any-return]


@method()
def to_device(self: Tensor, device: Device | str, /, *, stream: Any = None) -> Tensor:
    """On another device: the array API's name for ``x.to(device)``. Work runs on the device's current stream;
    ``stream`` must be None.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).to_device("cpu").device
    device('cpu')
    """
    if stream is not None:
        raise DTypeError("to_device: expected stream=None: work runs on the device's current stream")
    return tg.to_device(self, device)  # type: ignore[no-any-return]


@method()
def __array_namespace__(self: Tensor, *, api_version: str | None = None) -> ModuleType:
    """The namespace of functions for this tensor, ``tensorgrad``: how array API code finds it.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).__array_namespace__() is tg
    True
    """
    from ..array_api import namespace_of

    return namespace_of(api_version)


@method()
def __contains__(self: Tensor, value: Any, /) -> builtins.bool:
    """``value in x``: whether any element equals it.

    >>> import tensorgrad as tg
    >>> 2 in tg.tensor([1, 2])
    True
    """
    return builtins.bool((self == value).any())
