"""Joining tensors, cutting them apart, repeating them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.node import Info
from ..core.report import complain
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import op, public
from ..dtypes import result_dtype
from ..errors import AxisError, DTypeError, ShapeError
from ..op import TENSORS
from .axes import listed, normal_axis, with_length
from .reduction import tensor_of
from .take import take

__all__ = ["chunk", "concat", "repeat", "split", "stack", "tile", "unstack"]


def _joined_dtype(arrays: Sequence[Info]) -> Any:
    return result_dtype([x.dtype for x in arrays], [], "same", get_state().dtype)


def _parts(arrays: Sequence[Any], name: str) -> list[Tensor]:
    if hasattr(arrays, "shape"):
        raise DTypeError(f"{name}: expected a list or tuple of arrays, got one array")
    parts = [tensor_of(x) for x in arrays]
    if not parts:
        raise ShapeError(f"{name}: expected at least one array, got none")
    return parts


def _place(axis: int, ndim: int, parts: Sequence[Tensor], name: str) -> int:
    """``normal_axis``, with an error that describes the arrays."""
    try:
        return normal_axis(axis, ndim)
    except AxisError as error:
        raise complain(AxisError, name, str(error), parts, [f"arrays[{i}]" for i in range(len(parts))]) from None


# Joining.


def _concat_infer(params: dict[str, Any], arrays: Sequence[Info]) -> Info:
    axis, first = params["axis"], arrays[0].shape
    for position, x in enumerate(arrays):
        if len(x.shape) != len(first) or with_length(x.shape, axis, 0) != with_length(first, axis, 0):
            raise ShapeError(
                f"array {position} has shape {list(x.shape)}: expected that of array 0, {list(first)}, "
                f"except on axis {axis}"
            )
    return Info(with_length(first, axis, sum(x.shape[axis] for x in arrays)), _joined_dtype(arrays))


def _concat_rule(m: Any, g: Any, mask: Any, arrays_info: Sequence[Info], axis: int) -> Any:
    before, start, parts = (slice(None),) * axis, 0, []
    for wanted, x in zip(mask, arrays_info, strict=True):
        stop = start + x.shape[axis]
        parts.append(g[(*before, slice(start, stop), ...)] if wanted else None)
        start = stop
    return parts


_concat = op(
    "concat",
    "*arrays",
    params="axis",
    infer=_concat_infer,
    kind="same",
    body=lambda m, arrays, axis: m.xp.concatenate(arrays, axis=axis),
    joint=_concat_rule,
    linear="arrays",
    doc="Arrays joined along an axis.",
)


@public
def concat(arrays: Sequence[Any], /, *, axis: int | None = 0) -> Tensor:
    """Arrays joined along an axis they have; flattened first if ``axis`` is None.

    Parameters:
        arrays: at least one; their dtypes are promoted together.
        axis: the one on which their lengths may differ.

    Raises AxisError for an axis out of range, ShapeError unless all other lengths agree.

    >>> import tensorgrad as tg
    >>> tg.concat([tg.tensor([1.0]), tg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    parts = _parts(arrays, "concat")
    if axis is None:
        parts, axis = [TENSORS.reshape(x, shape=(x.size,)) for x in parts], 0
    return _concat(parts, axis=_place(axis, parts[0].ndim, parts, "concat"))  # type: ignore[no-any-return]


def _stack_infer(params: dict[str, Any], arrays: Sequence[Info]) -> Info:
    axis, first = params["axis"], arrays[0].shape
    for position, x in enumerate(arrays):
        if x.shape != first:
            raise ShapeError(f"array {position} has shape {list(x.shape)}: expected that of array 0, {list(first)}")
    return Info((*first[:axis], len(arrays), *first[axis:]), _joined_dtype(arrays))


def _stack_rule(m: Any, g: Any, mask: Any, axis: int) -> Any:
    before = (slice(None),) * axis
    return [g[(*before, i, ...)] if wanted else None for i, wanted in enumerate(mask)]


_stack = op(
    "stack",
    "*arrays",
    params="axis",
    infer=_stack_infer,
    kind="same",
    body=lambda m, arrays, axis: m.xp.stack(arrays, axis=axis),
    joint=_stack_rule,
    linear="arrays",
    doc="Arrays joined along a new axis.",
)


@public
def stack(arrays: Sequence[Any], /, *, axis: int = 0) -> Tensor:
    """Arrays of one shape joined along a new axis, which is axis ``axis`` of the result.

    Raises AxisError for a place out of range, ShapeError unless all shapes are equal.

    >>> import tensorgrad as tg
    >>> tg.stack([tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0])])
    tensor([[1., 2.],
            [3., 4.]])
    """
    parts = _parts(arrays, "stack")
    return _stack(parts, axis=_place(axis, parts[0].ndim + 1, parts, "stack"))  # type: ignore[no-any-return]


# Cutting.


def _edges(bounds: tuple[int, ...], length: int) -> list[tuple[int, int]]:
    return list(zip((0, *bounds), (*bounds, length), strict=True))


def _split_rule(m: Any, g: Any, x_info: Info, bounds: tuple[int, ...], axis: int) -> Any:
    like = next(part for part in g if part is not None)
    filled = [
        m.zeros_from(like, shape=with_length(x_info.shape, axis, stop - start)) if part is None else part
        for part, (start, stop) in zip(g, _edges(bounds, x_info.shape[axis]), strict=True)
    ]
    return m.concat(filled, axis=axis)


_split = op(
    "split",
    "x",
    params="bounds axis",
    infer=lambda params, x: tuple(
        Info(with_length(x.shape, params["axis"], stop - start), x.dtype)
        for start, stop in _edges(params["bounds"], x.shape[params["axis"]])
    ),
    body=lambda m, x, bounds, axis: tuple(
        [x[(slice(None),) * axis + (slice(start, stop),)] for start, stop in _edges(bounds, x.shape[axis])]
    ),
    rules={"x": _split_rule},
    linear="x",
    outputs=0,
    view=True,
    doc="Cut at positions of an axis.",
)


@public
def split(x: Any, sizes_or_sections: int | Sequence[int], /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """``x`` cut along an axis into equal parts (an integer: how many) or before the given positions. Views.

    As in NumPy. Positions rise from first to last; negative ones count from the end.

    Raises AxisError for an axis out of range, ShapeError if ``x`` cannot be cut so.

    >>> import tensorgrad as tg
    >>> tg.split(tg.tensor([1, 2, 3, 4]), 2)
    (tensor([1, 2]), tensor([3, 4]))
    """
    x = tensor_of(x)
    axis = normal_axis(axis, x.ndim)
    length = x.shape[axis]
    if hasattr(sizes_or_sections, "__index__"):
        count = sizes_or_sections.__index__()
        if count < 1 or length % count:
            raise ShapeError(f"split: axis {axis} of length {length} cannot be cut into {count} equal parts")
        step = length // count
        bounds = tuple(step * i for i in range(1, count))
    else:
        positions = [int(b) for b in sizes_or_sections]
        bounds = tuple(min(b if b >= 0 else max(b + length, 0), length) for b in positions)
        if list(bounds) != sorted(bounds):
            raise ShapeError(f"split: expected positions that rise, got {positions} on an axis of length {length}")
    return _split(x, bounds=bounds, axis=axis)  # type: ignore[no-any-return]


@public
def chunk(x: Any, chunks: int, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """``x`` cut along an axis into at most so many parts of one size, the last one smaller if need be. Views.

    Raises AxisError for an axis out of range, ShapeError for fewer than one part.

    >>> import tensorgrad as tg
    >>> tg.chunk(tg.tensor([1, 2, 3]), 2)
    (tensor([1, 2]), tensor([3]))
    """
    x = tensor_of(x)
    axis = normal_axis(axis, x.ndim)
    if chunks < 1:
        raise ShapeError(f"chunk: expected at least 1 part, got {chunks}")
    length = x.shape[axis]
    size = -(-length // chunks) or 1
    return _split(x, bounds=tuple(range(size, length, size)), axis=axis)  # type: ignore[no-any-return]


def _unstack_rule(m: Any, g: Any, x_info: Info, axis: int) -> Any:
    like = next(part for part in g if part is not None)
    return m.stack([m.zeros_from(like, shape=like.shape) if part is None else part for part in g], axis=axis)


_unstack = op(
    "unstack",
    "x",
    params="axis",
    infer=lambda params, x: (Info((*x.shape[: params["axis"]], *x.shape[params["axis"] + 1 :]), x.dtype),)
    * x.shape[params["axis"]],
    body=lambda m, x, axis: tuple([x[(slice(None),) * axis + (i, ...)] for i in range(x.shape[axis])]),
    rules={"x": _unstack_rule},
    linear="x",
    outputs=0,
    view=True,
    doc="The slices along an axis.",
)


@public
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices of ``x`` along an axis, which they don't have: the reverse of ``stack``. Views.

    Raises AxisError for an axis out of range.

    >>> import tensorgrad as tg
    >>> tg.unstack(tg.tensor([[1, 2], [3, 4]]), axis=1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    x = tensor_of(x)
    return _unstack(x, axis=normal_axis(axis, x.ndim))  # type: ignore[no-any-return]


# Repeating.


def _tiled(shape: tuple[int, ...], repetitions: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shape and repetitions filled up with ones to the same number of axes."""
    n = max(len(shape), len(repetitions))
    return (1,) * (n - len(shape)) + shape, (1,) * (n - len(repetitions)) + repetitions


def _tile_infer(params: dict[str, Any], x: Info) -> Info:
    shape, repetitions = _tiled(x.shape, params["repetitions"])
    return Info(tuple(n * r for n, r in zip(shape, repetitions, strict=True)), x.dtype)


def _tile_body(m: Any, x: Any, repetitions: tuple[int, ...]) -> Any:
    shape, repetitions = _tiled(x.shape, repetitions)
    apart = m.reshape(x, shape=tuple(n for length in shape for n in (1, length)))
    pairs = tuple(n for r, length in zip(repetitions, shape, strict=True) for n in (r, length))
    whole = tuple(r * n for r, n in zip(repetitions, shape, strict=True))
    return m.reshape(m.broadcast_to(apart, shape=pairs), shape=whole)


_tile = op("tile", "x", params="repetitions", infer=_tile_infer, body=_tile_body, doc="The whole repeated along axes.")


@public
def tile(x: Any, repetitions: int | Sequence[int], /) -> Tensor:
    """The whole of ``x`` repeated, so many times along each axis (the last ones, if fewer are given).

    Raises ShapeError for a negative number of repetitions.

    >>> import tensorgrad as tg
    >>> tg.tile(tg.tensor([1, 2]), 2)
    tensor([1, 2, 1, 2])
    """
    x = tensor_of(x)
    counts = listed(repetitions)
    if any(int(n) < 0 for n in counts):
        raise ShapeError(f"tile: expected numbers of repetitions that are not negative, got {repetitions!r}")
    if len(counts) <= x.ndim and all(n == 1 for n in counts):
        return TENSORS.copy(x)  # type: ignore[no-any-return]
    return _tile(x, repetitions=tuple(int(n) for n in counts))  # type: ignore[no-any-return]


def _repeat_body(m: Any, x: Any, repeats: int, axis: int) -> Any:
    shape = x.shape
    apart = m.broadcast_to(m.expand_dims(x, axis=axis + 1), shape=(*shape[: axis + 1], repeats, *shape[axis + 1 :]))
    return m.reshape(apart, shape=with_length(shape, axis, shape[axis] * repeats))


_repeat = op(
    "repeat",
    "x",
    params="repeats axis",
    infer=lambda params, x: Info(
        with_length(x.shape, params["axis"], x.shape[params["axis"]] * params["repeats"]), x.dtype
    ),
    body=_repeat_body,
    doc="Each element repeated along an axis.",
)


@public
def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Each element repeated along ``axis``, or in the flattened tensor if None.

    Parameters:
        repeats: how often: an integer, or one for each position on the axis.
        axis: an axis.

    Raises AxisError for an axis out of range, ShapeError for negative numbers or not one for each position.

    >>> import tensorgrad as tg
    >>> tg.repeat(tg.tensor([1, 2]), 2), tg.repeat(tg.tensor([1, 2]), [0, 3])
    (tensor([1, 1, 2, 2]), tensor([2, 2, 2]))
    """
    x = tensor_of(x)
    if axis is None:
        x, axis = TENSORS.reshape(x, shape=(x.size,)), 0
    axis = normal_axis(axis, x.ndim)
    if hasattr(repeats, "__index__") and not hasattr(repeats, "shape"):
        if repeats < 0:
            raise ShapeError(f"repeat: expected a number of repeats that is not negative, got {repeats}")
        return _repeat(x, repeats=int(repeats), axis=axis)  # type: ignore[no-any-return]
    counts = repeats.detach().numpy() if isinstance(repeats, Tensor) else np.asarray(repeats)
    if counts.dtype.kind not in "iu":
        raise DTypeError(f"repeat: expected repeats to be integers, got {counts.dtype}")
    if counts.size == 1:
        counts = np.broadcast_to(counts.reshape(()), (x.shape[axis],))
    if counts.shape != (x.shape[axis],) or (counts < 0).any():
        raise ShapeError(
            f"repeat: expected {x.shape[axis]} numbers that are not negative, one for each position on axis {axis}; "
            f"got {repeats!r}"
        )
    return take(x, np.repeat(np.arange(x.shape[axis]), counts), axis=axis)
