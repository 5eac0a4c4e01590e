"""Methods along axes: NumPy's ``axis`` and ``keepdims``, also by position, or PyTorch's ``dim`` and ``keepdim``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ..core.tensor import Tensor
from ..dtypes import to_dtype
from ..errors import AmbiguousError, TensorgradError
from ..op import OPS
from ..ops import reduction
from ..ops.axes import Axis, normal_axes
from .table import method, tg

__all__ = ["ALONG", "SAME", "along", "arguments", "one_of"]

SAME: Final = {"dim": "axis", "dims": "axis", "keepdim": "keepdims", "shifts": "shift"}
"""PyTorch's names of arguments, and NumPy's."""

ALONG: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "all": ("all", ("axis", "keepdims")),
    "amax": ("max", ("axis", "keepdims")),
    "amin": ("min", ("axis", "keepdims")),
    "any": ("any", ("axis", "keepdims")),
    "argmax": ("argmax", ("axis", "keepdims")),
    "argmin": ("argmin", ("axis", "keepdims")),
    "argsort": ("argsort", ("axis", "descending")),
    "count_nonzero": ("count_nonzero", ("axis", "keepdims")),
    "cumprod": ("cumulative_prod", ("axis", "dtype")),
    "cumsum": ("cumulative_sum", ("axis", "dtype")),
    "cumulative_prod": ("cumulative_prod", ("axis", "dtype")),
    "cumulative_sum": ("cumulative_sum", ("axis", "dtype")),
    "log_softmax": ("log_softmax", ("axis", "dtype")),
    "logsumexp": ("logsumexp", ("axis", "keepdims")),
    "prod": ("prod", ("axis", "dtype", "keepdims")),
    "softmax": ("softmax", ("axis", "dtype")),
    "squeeze": ("squeeze", ("axis",)),
    "unbind": ("unstack", ("axis",)),
    "unstack": ("unstack", ("axis",)),
}
"""Methods by name: the function, and what its arguments are by position."""


def along(f: Callable[..., Any], order: Sequence[str]) -> Callable[..., Any]:
    """``f(x, *, axis=..., keepdims=...)`` as a method that takes axes by position and by PyTorch's names too."""
    name = f.__name__

    def along_axis(self: Any, *positional: Any, **named: Any) -> Any:
        if positional or named:
            named = arguments(name, order, positional, named)
        return f(self, **named)

    along_axis.__name__ = name
    along_axis.__qualname__ = f"Tensor.{name}"
    along_axis.__module__ = "tensorgrad"
    along_axis.__doc__ = f.__doc__
    along_axis.function = f  # type: ignore[attr-defined]
    along_axis.order = tuple(order)  # type: ignore[attr-defined]
    return along_axis


def arguments(name: str, order: Sequence[str], positional: Sequence[Any], named: dict[str, Any]) -> dict[str, Any]:
    """All arguments by NumPy's names. A bool by position is PyTorch's ``keepdim`` wherever it stands."""
    found: dict[str, Any] = {}
    given = [(SAME.get(key, key), value) for key, value in named.items()]
    for key, value in zip(order, positional, strict=False):
        is_flag = type(value) is bool and key in ("dtype", "keepdims")
        given.append(("keepdims" if is_flag else key, value))
    if len(positional) > len(order):
        raise TypeError(f"{name}() takes at most {len(order)} arguments by position, got {len(positional)}")
    for key, value in given:
        if key in found:
            others = [other for other, same in SAME.items() if same == key]
            raise TypeError(f"{name}() got {key!r} twice{f' ({others[0]} is the same)' if others else ''}")
        if key == "axis" and type(value) is bool:
            raise AmbiguousError(f"{name}({value}): expected an axis, got a boolean; say keepdims={value}")
        found[key] = value
    return found


def one_of(name: str, key: str, *given: Any) -> Any:
    """The one argument that was given under any of its names; None if none was."""
    values = [value for value in given if value is not None]
    if len(values) > 1:
        raise TypeError(f"{name}() got {key!r} twice, under two names")
    return values[0] if values else None


# The busiest two call the op themselves, so that a method costs no more than the function.


@method("sum")
def sum_(
    self: Tensor,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    dim: Axis = None,
    keepdim: bool | None = None,
) -> Tensor:
    """The sum over ``axis`` (all axes if None): ``tg.sum`` as a method. ``dim`` and ``keepdim`` say the same.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.sum(0), x.sum(dim=0), x.sum(axis=0, keepdims=True)
    (tensor([4., 6.]), tensor([4., 6.]), tensor([[4., 6.]]))
    """
    if dim is not None:
        axis = one_of("sum", "axis", axis, dim)
    if keepdim is not None:
        keepdims = keepdim
    if type(dtype) is bool:  # x.sum(0, True), in PyTorch
        dtype, keepdims = None, dtype
    if dtype is not None or self.data.dtype.kind != "f":
        return tg.sum(self, axis=axis, dtype=dtype, keepdims=keepdims)  # type: ignore[no-any-return]
    try:
        axes = normal_axes(axis, self.data.ndim)
    except TensorgradError:
        return tg.sum(self, axis=axis)  # type: ignore[no-any-return]  # raises, and says where
    return _sum(self, axis=axes, keepdims=bool(keepdims))  # type: ignore[no-any-return]


@method("mean")
def mean_(
    self: Tensor,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    dim: Axis = None,
    keepdim: bool | None = None,
) -> Tensor:
    """The mean over ``axis`` (all axes if None): ``tg.mean`` as a method. ``dim`` and ``keepdim`` say the same.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(1)
    tensor([1.5, 3.5])
    """
    if dim is not None:
        axis = one_of("mean", "axis", axis, dim)
    if keepdim is not None:
        keepdims = keepdim
    if type(dtype) is bool:
        dtype, keepdims = None, dtype
    if dtype is not None:
        self = tg.astype(self, to_dtype(dtype), copy=False)
    if self.data.dtype.kind != "f":
        return tg.mean(self, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]
    try:
        axes = normal_axes(axis, self.data.ndim)
    except TensorgradError:
        return tg.mean(self, axis=axis)  # type: ignore[no-any-return]  # raises, and says where
    return _mean(self, axis=axes, keepdims=bool(keepdims))  # type: ignore[no-any-return]


_sum = OPS["sum"].call
_mean = OPS["mean"].call
_ = reduction  # whose ops these are
