"""Ops that rearrange: reshape, permute, join, split. Where NumPy gives a view, so do these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import op, public
from ..errors import ShapeError
from .axes import normal_axes, normal_axis, size_of, solve_shape
from .reduction import tensor_of

__all__ = ["broadcast_to", "concat", "permute_dims", "reshape", "split"]

_reshape = op(
    "reshape",
    "x",
    params="shape",
    infer=lambda params, x: Info(solve_shape(params["shape"], size_of(x.shape)), x.dtype),
    body=lambda m, x, shape: x.reshape(shape),
    rules={"x": lambda m, g, x_info: m.reshape(g, shape=x_info.shape)},
    linear="x",
    view=True,
)


@public
def reshape(x: Any, /, shape: int | Sequence[int]) -> Tensor:
    """The elements of ``x`` in another shape, in row-major order; one length may be -1. A view where possible.

    Raises ShapeError if the number of elements differs.

    >>> import tensorgrad as tg
    >>> tg.reshape(tg.tensor([1, 2, 3, 4]), (2, -1))
    tensor([[1, 2],
            [3, 4]])
    """
    x = tensor_of(x)
    wanted = (shape,) if hasattr(shape, "__index__") else shape
    return _reshape(x, shape=solve_shape(wanted, x.size))  # type: ignore[arg-type, no-any-return]


_permute = op(
    "permute_dims",
    "x",
    params="axes",
    infer=lambda params, x: Info(tuple(x.shape[i] for i in params["axes"]), x.dtype),
    body=lambda m, x, axes: x.transpose(axes),
    rules={"x": lambda m, g, axes: m.permute_dims(g, axes=tuple(axes.index(i) for i in range(len(axes))))},
    linear="x",
    view=True,
)


@public
def permute_dims(x: Any, /, axes: Sequence[int]) -> Tensor:
    """``x`` with its axes in another order: axis ``i`` of the result is axis ``axes[i]`` of ``x``. A view.

    Raises AxisError unless ``axes`` names each axis once.

    >>> import tensorgrad as tg
    >>> tg.permute_dims(tg.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = tensor_of(x)
    order = tuple(normal_axis(a, x.ndim) for a in axes)
    if len(normal_axes(order, x.ndim)) != x.ndim:
        raise ShapeError(f"permute_dims: expected each of {x.ndim} axes once, got {tuple(axes)}")
    return _permute(x, axes=order)  # type: ignore[no-any-return]


def _broadcast_infer(params: dict[str, Any], x: Info) -> Info:
    shape = params["shape"]
    if len(x.shape) > len(shape) or any(n not in (1, w) for n, w in zip(x.shape[::-1], shape[::-1], strict=False)):
        raise ShapeError(f"shape {list(x.shape)} does not broadcast to {list(shape)}")
    return Info(shape, x.dtype)


_broadcast = op(
    "broadcast_to",
    "x",
    params="shape",
    infer=_broadcast_infer,
    rules={"x": lambda m, g: g},  # the sweep sums over what was broadcast
    linear="x",
    view=True,
)


@public
def broadcast_to(x: Any, /, shape: Sequence[int]) -> Tensor:
    """``x`` repeated along new and length-1 axes to a shape, without taking memory. Not to be written to.

    >>> import tensorgrad as tg
    >>> tg.broadcast_to(tg.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return _broadcast(tensor_of(x), shape=tuple(shape))  # type: ignore[no-any-return]


def _concat_infer(params: dict[str, Any], arrays: Sequence[Info]) -> Info:
    axis, first = params["axis"], arrays[0].shape
    for position, x in enumerate(arrays):
        if len(x.shape) != len(first) or any(n != f for i, (n, f) in enumerate(zip(x.shape, first, strict=True)) if i != axis):
            raise ShapeError(
                f"array {position} has shape {list(x.shape)}: expected that of array 0, {list(first)}, except on axis {axis}"
            )
    length = sum(x.shape[axis] for x in arrays)
    return Info((*first[:axis], length, *first[axis + 1 :]), np.result_type(*(x.dtype for x in arrays)))


def _concat_rule(m: Any, g: Any, i: int, arrays_info: Sequence[Info], axis: int) -> Any:
    start = sum(x.shape[axis] for x in arrays_info[:i])
    index = (slice(None),) * axis + (slice(start, start + arrays_info[i].shape[axis]), ...)
    return g[index]


_concat = op(
    "concat",
    "*arrays",
    params="axis",
    infer=_concat_infer,
    kind="same",
    body=lambda m, arrays, axis: m.xp.concatenate(arrays, axis=axis),
    rules={"arrays": _concat_rule},
    linear="arrays",
)


@public
def concat(arrays: Sequence[Any], /, *, axis: int | None = 0) -> Tensor:
    """Arrays joined along an axis they have; flattened first if ``axis`` is None.

    Raises ShapeError unless all other axes agree.

    >>> import tensorgrad as tg
    >>> tg.concat([tg.tensor([1.0]), tg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    parts = [tensor_of(x) for x in arrays]
    if not parts:
        raise ShapeError("concat: expected at least one array, got none")
    if axis is None:
        parts, axis = [reshape(x, -1) for x in parts], 0
    return _concat(parts, axis=normal_axis(axis, parts[0].ndim))  # type: ignore[no-any-return]


def _pieces(shape: tuple[int, ...], bounds: Sequence[int], axis: int) -> list[tuple[slice, ...]]:
    edges = [0, *bounds, shape[axis]]
    return [(slice(None),) * axis + (slice(a, b),) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def _split_rule(m: Any, g: Any, x_info: Info, bounds: tuple[int, ...], axis: int) -> Any:
    edges = [0, *bounds, x_info.shape[axis]]
    like = next(part for part in g if part is not None)
    filled = []
    for part, start, stop in zip(g, edges[:-1], edges[1:], strict=True):
        shape = (*x_info.shape[:axis], stop - start, *x_info.shape[axis + 1 :])
        filled.append(m.zeros_from(like, shape=shape) if part is None else part)
    return m.concat(filled, axis=axis)


_split = op(
    "split",
    "x",
    params="bounds axis",
    infer=lambda params, x: tuple(
        Info((*x.shape[: params["axis"]], index[-1].stop - index[-1].start, *x.shape[params["axis"] + 1 :]), x.dtype)
        for index in _pieces(x.shape, params["bounds"], params["axis"])
    ),
    body=lambda m, x, bounds, axis: tuple(x[index] for index in _pieces(x.shape, bounds, axis)),
    rules={"x": _split_rule},
    linear="x",
    outputs=0,
    view=True,
)


@public
def split(x: Any, sizes_or_sections: int | Sequence[int], /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """``x`` cut along an axis into equal parts (an integer: how many) or at the given positions. Views.

    As in NumPy. Raises ShapeError if ``x`` cannot be cut into equal parts.

    >>> import tensorgrad as tg
    >>> tg.split(tg.tensor([1, 2, 3, 4]), 2)
    (tensor([1, 2]), tensor([3, 4]))
    """
    x = tensor_of(x)
    axis = normal_axis(axis, x.ndim)
    length = x.shape[axis]
    if isinstance(sizes_or_sections, int):
        if sizes_or_sections < 1 or length % sizes_or_sections:
            raise ShapeError(f"split: axis {axis} of length {length} cannot be cut into {sizes_or_sections} equal parts")
        step = length // sizes_or_sections
        bounds = tuple(range(step, length, step))
    else:
        bounds = tuple(min(int(b), length) for b in sizes_or_sections)
    return _split(x, bounds=bounds, axis=axis)  # type: ignore[no-any-return]
_expand = op(
    "expand_dims",
    "x",
    params="axis",
    infer=lambda params, x: Info(
        tuple(np.expand_dims(np.broadcast_to(np.zeros(()), x.shape), params["axis"]).shape), x.dtype
    ),
    rules={"x": lambda m, g, x_info: m.reshape(g, shape=x_info.shape)},
    linear="x",
    view=True,
)


def _stack_infer(params: dict[str, Any], arrays: Sequence[Info]) -> Info:
    axis, first = params["axis"], arrays[0].shape
    for position, x in enumerate(arrays):
        if x.shape != first:
            raise ShapeError(f"array {position} has shape {list(x.shape)}: expected that of array 0, {list(first)}")
    return Info((*first[:axis], len(arrays), *first[axis:]), np.result_type(*(x.dtype for x in arrays)))


_stack = op(
    "stack",
    "*arrays",
    params="axis",
    infer=_stack_infer,
    kind="same",
    body=lambda m, arrays, axis: m.xp.stack(arrays, axis=axis),
    rules={"arrays": lambda m, g, i, axis: g[(slice(None),) * axis + (i, ...)]},
    linear="arrays",
)


@public
def stack(arrays: Sequence[Any], /, *, axis: int = 0) -> Tensor:
    """Arrays of one shape joined along a new axis.

    Raises ShapeError unless all shapes are equal.

    >>> import tensorgrad as tg
    >>> tg.stack([tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0])])
    tensor([[1., 2.],
            [3., 4.]])
    """
    parts = [tensor_of(x) for x in arrays]
    if not parts:
        raise ShapeError("stack: expected at least one array, got none")
    return _stack(parts, axis=normal_axis(axis, parts[0].ndim + 1))  # type: ignore[no-any-return]
