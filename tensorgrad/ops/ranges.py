"""Ranges, grids and the identity matrix. In a captured program they are made anew at every replay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends.base import Device
from ..call import apply_on
from ..core.node import Info
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import op, public
from ..dtypes import to_dtype
from ..errors import ArgumentError, DTypeError, ShapeError
from ..op import OPS, TENSORS
from .creation import device_of, finish
from .reduction import tensor_of

__all__ = ["arange", "eye", "linspace", "logspace", "meshgrid"]


def _number(x: Any, name: str) -> int | float:
    """A Python number from one, or from a tensor or array of one element."""
    found = x.item() if hasattr(x, "item") and getattr(x, "size", 0) == 1 else x
    if isinstance(found, (int, float)):
        return int(found) if isinstance(found, bool) else found
    raise DTypeError(f"expected {name} to be a number, got {x!r}")


def _on(op_name: str, device: Device | str | None, requires_grad: bool, *params: Any) -> Tensor:
    where = device_of(device)
    return finish(apply_on(OPS[op_name], where.kind, (), (*params, where)), requires_grad)


# Ranges.


def _steps(start: float, stop: float, step: float) -> int:
    return max(0, math.ceil((stop - start) / step))


def _arange_body(m: Any, start: float, stop: float, step: float, dtype: Any, device: Any) -> Any:
    with m.backend.at(device):
        return m.xp.arange(start, stop, step, dtype=dtype)


op(
    "arange_on",
    "",
    params="start stop step dtype device",
    infer=lambda params: Info((_steps(params["start"], params["stop"], params["step"]),), params["dtype"]),
    body=_arange_body,
    doc="Numbers at equal steps.",
)


@public
def arange(
    start: Any,
    /,
    stop: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers ``start``, ``start + step``, ... before ``stop``; ``arange(n)`` counts from 0 to n - 1.

    The dtype is int64 if all three are integers, else the default floating dtype, unless asked otherwise. With a
    floating step the number of elements is subject to rounding; ``linspace`` is not.

    Raises DTypeError for what is no number, ArgumentError for a step of 0.

    >>> import tensorgrad as tg
    >>> tg.arange(3), tg.arange(1.0, 2.0, 0.25)
    (tensor([0, 1, 2]), tensor([1.  , 1.25, 1.5 , 1.75]))
    """
    first, last = (0, start) if stop is None else (start, stop)
    a, b, c = _number(first, "start"), _number(last, "stop"), _number(step, "step")
    if c == 0:
        raise ArgumentError("arange: expected a step other than 0")
    whole = all(isinstance(v, int) for v in (a, b, c))
    wanted = (np.dtype(np.int64) if whole else get_state().dtype) if dtype is None else to_dtype(dtype)
    return _on("arange_on", device, requires_grad, a, b, c, wanted)


def _linspace_body(m: Any, start: float, stop: float, num: int, endpoint: bool, dtype: Any, device: Any) -> Any:
    with m.backend.at(device):
        return m.xp.linspace(start, stop, num, endpoint=endpoint, dtype=dtype)


op(
    "linspace_on",
    "",
    params="start stop num endpoint dtype device",
    infer=lambda params: Info((params["num"],), params["dtype"]),
    body=_linspace_body,
    doc="Numbers at equal distances.",
)


@public
def linspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Device | str | None = None,
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Tensor:
    """``num`` numbers at equal distances from ``start`` to ``stop``, which is left out if not ``endpoint``.

    The dtype is the default floating one unless asked otherwise. Raises DTypeError for what is no number, ShapeError
    for a negative ``num``.

    >>> import tensorgrad as tg
    >>> tg.linspace(0, 1, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    wanted = get_state().dtype if dtype is None else to_dtype(dtype)
    return _spaced(start, stop, num, wanted, device, endpoint, requires_grad)


def _spaced(
    start: Any, stop: Any, num: int, dtype: Any, device: Device | str | None, endpoint: bool, requires_grad: bool
) -> Tensor:
    if int(num) < 0:
        raise ShapeError(f"expected num not to be negative, got {num}")
    ends = float(_number(start, "start")), float(_number(stop, "stop"))
    return _on("linspace_on", device, requires_grad, *ends, int(num), bool(endpoint), dtype)


@public
def logspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    base: float = 10.0,
    dtype: Any = None,
    device: Device | str | None = None,
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Tensor:
    """``base`` to the powers ``linspace(start, stop, num)``: numbers at equal ratios.

    Raises DTypeError for what is no number, ShapeError for a negative ``num``.

    >>> import tensorgrad as tg
    >>> tg.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    wanted = get_state().dtype if dtype is None else to_dtype(dtype)
    powers = _spaced(start, stop, num, np.dtype(np.float64), device, endpoint, False)
    return finish(TENSORS.astype(TENSORS.pow(float(_number(base, "base")), powers), dtype=wanted), requires_grad)


# Matrices and grids.


def _eye_body(m: Any, rows: int, columns: int, k: int, dtype: Any, device: Any) -> Any:
    with m.backend.at(device):
        return m.xp.eye(rows, columns, k=k, dtype=dtype)


op(
    "eye_on",
    "",
    params="rows columns k dtype device",
    infer=lambda params: Info((params["rows"], params["columns"]), params["dtype"]),
    body=_eye_body,
    doc="Ones on a diagonal.",
)


@public
def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix with ones on diagonal ``k`` and zeros elsewhere: the identity, where it is square and ``k`` is 0.

    Raises ShapeError for negative lengths.

    >>> import tensorgrad as tg
    >>> tg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = int(n_rows), int(n_rows if n_cols is None else n_cols)
    if rows < 0 or columns < 0:
        raise ShapeError(f"eye: expected lengths that are not negative, got {rows} and {columns}")
    wanted = get_state().dtype if dtype is None else to_dtype(dtype)
    return _on("eye_on", device, requires_grad, rows, columns, int(k), wanted)


@public
def meshgrid(*arrays: Any, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates on a grid: for vectors of lengths n, m, ... as many tensors of shape (m, n, ...), or (n, m, ...).

    Parameters:
        arrays: vectors (0-d tensors count as vectors of one element).
        indexing: "xy" if the first vector runs along axis 1 and the second along axis 0, "ij" if each along its own.

    The results are not to be written to: they repeat the vectors without taking memory.

    Raises ShapeError for operands of more dimensions, ArgumentError for another ``indexing``.

    >>> import tensorgrad as tg
    >>> x, y = tg.meshgrid(tg.tensor([1, 2]), tg.tensor([3, 4]))
    >>> x, y
    (tensor([[1, 2],
            [1, 2]]), tensor([[3, 3],
            [4, 4]]))
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: expected indexing to be 'xy' or 'ij', got {indexing!r}")
    vectors = [tensor_of(x) for x in arrays]
    for position, x in enumerate(vectors):
        if x.ndim > 1:
            raise ShapeError(f"meshgrid: expected vectors, but array {position} has shape {list(x.shape)}")
    n = len(vectors)
    places = list(range(n))
    if indexing == "xy" and n > 1:
        places[0], places[1] = 1, 0
    lengths = [0] * n
    for place, x in zip(places, vectors, strict=True):
        lengths[place] = x.size
    grids = []
    for place, x in zip(places, vectors, strict=True):
        along = TENSORS.reshape(x, shape=tuple(x.size if i == place else 1 for i in range(n)))
        grids.append(TENSORS.broadcast_to(along, shape=tuple(lengths)))
    return tuple(grids)
