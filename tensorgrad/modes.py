"""Switches of the calling thread: recording, NaN checks, the default dtype and device.

Each thread (and each asyncio task) has its own. The ones named ``set_...`` act at once, and undo it when used as a
context: ``tg.set_default_dtype(tg.float64)`` and ``with tg.set_default_dtype(tg.float64): ...``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar, final, overload

import numpy as np

from .backends.base import Device
from .backends.registry import find, parse_device
from .core.state import STATE, Under, get_state
from .dtypes import is_floating, to_dtype
from .errors import DTypeError

__all__ = [
    "Setting",
    "detect_nan",
    "device",
    "enable_grad",
    "get_default_device",
    "get_default_dtype",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_default_device",
    "set_default_dtype",
    "set_grad_enabled",
    "use_device",
]

F = TypeVar("F", bound=Callable[..., Any])


@final
class Setting(AbstractContextManager[None]):
    """A switch that was just thrown. Leaving it as a context puts back what was set before it was made."""

    __slots__ = ("_before", "_name")

    def __init__(self, name: str, value: Any) -> None:
        state = get_state()
        self._name = name
        self._before = getattr(state, name)
        STATE.set(state.but(**{name: value}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        STATE.set(get_state().but(**{self._name: self._before}))


def _under(function: F, **changes: Any) -> F:
    """``function`` run under changed switches; a generator function, each time it is resumed."""
    if not inspect.isgeneratorfunction(function):
        return Under(**changes)(function)

    @functools.wraps(function)
    def resumed(*args: Any, **kwargs: Any) -> Any:
        running = function(*args, **kwargs)
        step, given = running.send, None
        while True:
            try:
                with Under(**changes):
                    value = step(given)
            except StopIteration as stop:
                return stop.value
            try:
                step, given = running.send, (yield value)
            except GeneratorExit:
                with Under(**changes):
                    running.close()
                raise
            except BaseException as error:
                step, given = running.throw, error

    return resumed  # type: ignore[return-value]


class _Mode(Under):
    """``Under`` that also decorates generator functions."""

    __slots__ = ()

    def __call__(self, function: F) -> F:  # type: ignore[override]
        return _under(function, **self._changes)


@overload
def no_grad() -> Under: ...
@overload
def no_grad(function: F, /) -> F: ...
def no_grad(function: Any = None, /) -> Any:
    """Record nothing: results computed inside have no history. A context, or a decorator of a function or generator.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> with tg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """
    return _Mode(grad=False) if function is None else _under(function, grad=False)


@overload
def enable_grad() -> Under: ...
@overload
def enable_grad(function: F, /) -> F: ...
def enable_grad(function: Any = None, /) -> Any:
    """Record again, inside ``no_grad``. A context or a decorator.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([1.0], requires_grad=True)
    >>> with tg.no_grad(), tg.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """
    return _Mode(grad=True) if function is None else _under(function, grad=True)


def inference_mode(mode: bool = True) -> Under:
    """``no_grad`` under PyTorch's other name for it; with ``mode=False``, ``enable_grad``.

    >>> import tensorgrad as tg
    >>> with tg.inference_mode():
    ...     tg.is_grad_enabled()
    False
    """
    return _Mode(grad=not mode)


def set_grad_enabled(mode: bool) -> Setting:
    """Switch recording on or off: from now on, or as a context.

    >>> import tensorgrad as tg
    >>> with tg.set_grad_enabled(False):
    ...     tg.is_grad_enabled()
    False
    >>> tg.is_grad_enabled()
    True
    """
    return Setting("grad", bool(mode))


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require a gradient are recorded.

    >>> import tensorgrad as tg
    >>> tg.is_grad_enabled()
    True
    """
    return get_state().grad


def detect_nan(mode: bool = True) -> Under:
    """Check every result, and in the backward pass every gradient, for NaN: a context or a decorator.

    Raises NaNError that names the operation that made the first one, its operands, and your line. Every operation then
    waits for its values, so this is for finding a fault, not for training.

    >>> import numpy as np, tensorgrad as tg
    >>> infinity = tg.tensor(float("inf"))
    >>> with tg.detect_nan(), np.errstate(invalid="ignore"):
    ...     infinity - infinity
    Traceback (most recent call last):
    ...
    tensorgrad.errors.NaNError: subtract: the result contains NaN; this op made the first NaN: no operand holds one
    ...
    """
    return _Mode(nan=bool(mode))


def get_default_dtype() -> np.dtype[Any]:
    """The floating dtype that Python floats become, and integers where a function needs floating numbers.

    >>> import tensorgrad as tg
    >>> tg.get_default_dtype()
    dtype('float32')
    """
    return get_state().dtype


def set_default_dtype(dtype: Any) -> Setting:
    """Set the calling thread's default floating dtype: from now on, or as a context.

    Raises DTypeError for a dtype that is not real and floating.

    >>> import tensorgrad as tg
    >>> with tg.set_default_dtype(tg.float64):
    ...     tg.tensor(0.5).dtype
    dtype('float64')
    """
    wanted = to_dtype(dtype)
    if not is_floating(wanted) or wanted.kind == "c":
        raise DTypeError(f"expected a real floating dtype such as tg.float64, got {wanted}")
    return Setting("dtype", wanted)


def device(spec: Device | str, index: int | None = None) -> Device:
    """The device of a name: ``"cpu"``, ``"cuda"``, ``"cuda:1"``. Says nothing about whether it is there.

    Raises DeviceError for what names no device.

    >>> import tensorgrad as tg
    >>> tg.device("cuda", 1) == tg.device("cuda:1")
    True
    """
    found = parse_device(spec)
    return found if index is None else Device(found.kind, int(index))


def _usable(spec: Device | str) -> Device:
    found = parse_device(spec)
    find(found.kind)  # raises where the library is missing
    return found


def use_device(spec: Device | str) -> Under:
    """Where creation functions put tensors, inside this context or the function it decorates.

    Raises DeviceError, with the command that installs it, for a device whose library is missing.

    >>> import tensorgrad as tg
    >>> with tg.use_device("cpu"):
    ...     tg.zeros(2).device
    device('cpu')
    """
    return _Mode(device=_usable(spec))


def set_default_device(spec: Device | str | None) -> Setting:
    """Where the calling thread's creation functions put tensors: from now on, or as a context. None: the CPU.

    Raises DeviceError, with the command that installs it, for a device whose library is missing.

    >>> import tensorgrad as tg
    >>> with tg.set_default_device("cpu"):
    ...     tg.get_default_device()
    device('cpu')
    """
    return Setting("device", None if spec is None else _usable(spec))


def get_default_device() -> Device:
    """Where creation functions put tensors unless they are told otherwise.

    >>> import tensorgrad as tg
    >>> tg.get_default_device()
    device('cpu')
    """
    return get_state().device or Device("cpu")
