"""Ops the engine itself stands on: identity, copy, casts, transfers, accumulation."""

from __future__ import annotations

from typing import Any

from ..backends.base import Device
from ..backends.registry import find, parse_device
from ..core.node import Info
from ..core.tensor import Tensor
from ..define import elementwise, op, public
from ..dtypes import is_floating, to_dtype
from ..op import TENSORS

__all__ = ["accumulate", "astype", "copy", "identity", "to_device"]

identity = elementwise(
    "identity",
    "The same values, as a new vertex of the graph.",
    kind="none",
    body=lambda m, x: x[...],
    x=lambda m, g: g,
)

copy = elementwise(
    "copy",
    """The same values in fresh memory; the gradient passes through.

    >>> x = tg.zeros(2)
    >>> y = tg.copy(x)
    >>> y[0] = 1.0
    >>> x
    tensor([0., 0.])
    """,
    kind="none",
    body=lambda m, x: x.copy(),
    x=lambda m, g: g,
)

_astype = op(
    "astype",
    "x",
    params="dtype",
    infer=lambda params, x: Info(x.shape, params["dtype"]),
    rules={"x": lambda m, g, x_info: m.astype(g, dtype=x_info.dtype)},
    body=lambda m, x, dtype: x.astype(dtype),
    linear="x",
)


@public
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Device | str | None = None) -> Tensor:
    """``x`` with elements of another type. Between floating types the gradient is cast back; elsewhere it is zero.

    Parameters:
        dtype: anything NumPy takes for one, or "bfloat16".
        copy: False to return a tensor that has the type already as it is.
        device: where the result shall be; ``x``'s device unless asked otherwise.

    Raises DTypeError for what is no dtype, DeviceError for a device that is not available.

    >>> import tensorgrad as tg
    >>> tg.astype(tg.tensor([1.5, -1.5]), tg.int64)
    tensor([ 1, -1])
    """
    wanted = to_dtype(dtype)
    if not isinstance(x, Tensor):
        x = TENSORS.asarray(x)
    if device is not None:
        x = to_device(x, device)
    if not copy and x.dtype == wanted:
        return x  # type: ignore[no-any-return]
    return _astype(x, dtype=wanted) if is_floating(wanted) else _astype(x.detach(), dtype=wanted)  # type: ignore


zeros_from = op(
    "zeros_from",
    "like",
    params="shape",
    infer=lambda params, like: Info(params["shape"], like.dtype),
    body=lambda m, like, shape: m.xp.zeros(shape, dtype=like.dtype),
    rules={"like": lambda m, g, like_info: m.zeros_from(g, shape=like_info.shape)},
    doc="Zeros of a shape, with the dtype and on the device of ``like``: for rules.",
)

accumulate = op(
    "accumulate",
    "total part",
    infer=lambda params, total, part: total,
    body=lambda m, total, part: m.add(total, part, out=total),
    writes=1,
    doc="Add ``part`` to ``total`` in place: how gradients gather in ``.grad``.",
)

_to_device = op(
    "to_device",
    "x",
    params="source target",
    infer=lambda params, x: x,
    body=lambda m, x, source, target: find(target.kind).asarray(x, device=target),
    rules={"x": lambda m, g, source, target: m.to_device(g, source=target, target=source)},
    linear="x",
)


@public
def to_device(x: Tensor, device: Device | str, /) -> Tensor:
    """``x`` on another device; the gradient travels back. ``x`` itself if it is there already.

    Raises DeviceError for a device that is not available, with the command that makes it so.

    >>> import tensorgrad as tg
    >>> tg.zeros(2).to("cpu").device
    device('cpu')
    """
    target = parse_device(device)
    if x.device == target:
        return x
    return _to_device(x, source=x.device, target=target)  # type: ignore[no-any-return]
