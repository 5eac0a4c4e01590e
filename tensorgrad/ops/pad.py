"""Padding: more elements at the ends of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import op, public
from ..errors import ArgumentError, ShapeError
from .axes import normal_axes
from .reduction import tensor_of
from .take import take

__all__ = ["pad"]

MODES: Final = {
    "edge": "edge",
    "replicate": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "wrap": "wrap",
    "circular": "wrap",
}


def _padded(shape: tuple[int, ...], widths: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    return tuple(n + before + after for n, (before, after) in zip(shape, widths, strict=True))


def _inner(shape: tuple[int, ...], widths: tuple[tuple[int, int], ...]) -> tuple[Any, ...]:
    """The index of what was there before padding."""
    return (*(slice(before, before + n) for n, (before, _) in zip(shape, widths, strict=True)), ...)


def _pad_body(m: Any, x: Any, widths: tuple[tuple[int, int], ...], value: float) -> Any:
    out = m.xp.full(_padded(x.shape, widths), value, dtype=x.dtype)
    out[_inner(x.shape, widths)] = x
    return out


_pad = op(
    "pad",
    "x",
    params="widths value",
    infer=lambda params, x: Info(_padded(x.shape, params["widths"]), x.dtype),
    body=_pad_body,
    rules={"x": lambda m, g, x_info, widths: g[_inner(x_info.shape, widths)]},
    jvp=lambda m, tangents, widths, value: m.pad(tangents[0], widths=widths, value=0),
    doc="With one value around.",
)


def _widths(x: Tensor, pad_width: Any) -> tuple[tuple[int, int], ...]:
    """How many elements before and after each axis, from all that NumPy takes."""
    if isinstance(pad_width, dict):
        full: list[Any] = [(0, 0)] * x.ndim
        for axis, width in pad_width.items():
            full[normal_axes(axis, x.ndim)[0]] = (width, width) if hasattr(width, "__index__") else tuple(width)
        pad_width = full
    try:
        found = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))
    except ValueError:
        found = None
    if found is None or found.dtype.kind not in "iu" or (found < 0).any():
        raise ShapeError(
            f"expected pad_width to be an integer, (before, after), or that for each of {x.ndim} axes, not negative; "
            f"got {pad_width!r}"
        )
    return tuple((int(before), int(after)) for before, after in found.tolist())


@public
def pad(x: Any, pad_width: Any, /, mode: str = "constant", *, constant_values: float = 0) -> Tensor:
    """``x`` with more elements at the ends of its axes.

    Parameters:
        x: any shape.
        pad_width: how many: an integer, ``(before, after)``, one such pair for each axis, or a dict of axis: width.
        mode: "constant"; "edge" (or "replicate") repeats the elements at the ends; "reflect" mirrors at them,
            "symmetric" beyond them; "wrap" (or "circular") goes on from the other end.
        constant_values: the number that "constant" pads with.

    Raises ShapeError for other widths, or where there is nothing to repeat; ArgumentError for another mode.

    >>> import tensorgrad as tg
    >>> tg.pad(tg.tensor([1, 2, 3]), 1), tg.pad(tg.tensor([1, 2, 3]), (2, 1), "reflect")
    (tensor([0, 1, 2, 3, 0]), tensor([3, 2, 1, 2, 3, 2]))
    """
    x = tensor_of(x)
    widths = _widths(x, pad_width)
    if mode == "constant":
        if isinstance(constant_values, bool) or not isinstance(constant_values, (int, float)):
            raise ArgumentError(f"pad: expected constant_values to be one number, got {constant_values!r}")
        return _pad(x, widths=widths, value=constant_values)  # type: ignore[no-any-return]
    if mode not in MODES:
        raise ArgumentError(f"pad: expected mode to be one of 'constant', {', '.join(map(repr, MODES))}; got {mode!r}")
    return _repeated(x, widths, MODES[mode])


def _repeated(x: Tensor, widths: Sequence[tuple[int, int]], mode: Any) -> Tensor:
    """One axis after the other, by the positions that NumPy gives a mode."""
    for axis, width in enumerate(widths):
        if any(width):
            n = x.shape[axis]
            if not n:
                raise ShapeError(f"pad: axis {axis} of shape {list(x.shape)} is empty: there is nothing to repeat")
            x = take(x, np.pad(np.arange(n), width, mode=mode), axis=axis)
    return x
