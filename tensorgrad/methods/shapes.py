"""Shapes and axes as methods: NumPy's and PyTorch's names for the same rearrangements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.report import complain
from ..core.tensor import Tensor
from ..errors import AmbiguousError, AxisError, ShapeError, TensorgradError
from ..op import OPS
from ..ops import shape
from ..ops.axes import normal_axis, solve_shape
from .axes import one_of
from .table import PROPERTIES, method, tg

__all__ = ["lengths", "moveaxis", "swapaxes"]

_reshape = OPS["reshape"].call
_ = shape  # whose op it is


def lengths(name: str, shape: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """``f(2, 3)``, ``f((2, 3))`` and ``f(shape=(2, 3))`` alike."""
    if named is not None:
        if shape:
            raise TypeError(f"{name}() got its lengths twice, by position and by name")
        shape = (named,)
    if len(shape) == 1 and not hasattr(shape[0], "__index__"):
        shape = tuple(shape[0])
    try:
        return tuple(n.__index__() for n in shape)
    except AttributeError:
        raise ShapeError(f"{name}: expected integers, got {shape!r}") from None


@method()
def reshape(self: Tensor, *shape: Any, order: str = "C") -> Tensor:
    """The elements in another shape, ``x.reshape(2, -1)`` or ``x.reshape((2, -1))``, in row-major order; one length may
    be -1. A view where possible.

    Raises ShapeError if the number of elements differs, or for an ``order`` other than "C".

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3, 4]).reshape(2, -1)
    tensor([[1, 2],
            [3, 4]])
    """
    if len(shape) == 1 and not hasattr(shape[0], "__index__"):
        shape = shape[0]
    if order != "C":
        raise ShapeError(f"reshape: expected order='C' (row-major), got {order!r}")
    try:
        solved = solve_shape(shape, self.data.size)
    except (TensorgradError, TypeError, ValueError):
        return tg.reshape(self, shape)  # type: ignore[no-any-return]  # raises, and says where
    return _reshape(self, shape=solved)  # type: ignore[no-any-return]


@method()
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """``x.reshape(other.shape)``.

    >>> import tensorgrad as tg
    >>> tg.zeros(4).reshape_as(tg.zeros(2, 2)).shape
    (2, 2)
    """
    return reshape(self, other.shape)


@method()
def view(self: Tensor, *shape: Any) -> Tensor:
    """The same memory in another shape, as in PyTorch.

    Raises ShapeError where that would take a copy (``x.reshape`` makes one), AmbiguousError for a dtype: NumPy's
    ``view(dtype)`` reads the bytes as another type.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3, 4]).view(2, 2)
    tensor([[1, 2],
            [3, 4]])
    """
    if not shape or isinstance(shape[0], (str, type)) or hasattr(shape[0], "itemsize"):
        raise AmbiguousError(
            "x.view(dtype) reads bytes as another type, in NumPy; that has no derivative and is not offered. "
            "For other elements write x.astype(dtype), for another shape x.view(2, 3) or x.reshape(2, 3)"
        )
    out = reshape(self, *shape)
    if out._cell is not self._cell and self.size:
        raise complain(
            ShapeError,
            "view",
            f"this tensor's memory layout does not allow shape {list(out.shape)} without a copy: use .reshape",
            [self],
            ["x"],
        )
    return out


@method()
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """``x.view(other.shape)``.

    >>> import tensorgrad as tg
    >>> tg.zeros(4).view_as(tg.zeros(2, 2)).shape
    (2, 2)
    """
    return view(self, other.shape)


@method()
def ravel(self: Tensor) -> Tensor:
    """All elements in one axis, in row-major order; a view where possible.

    >>> import tensorgrad as tg
    >>> tg.tensor([[1, 2], [3, 4]]).ravel()
    tensor([1, 2, 3, 4])
    """
    return reshape(self, -1)


@method()
def flatten(self: Tensor, start_dim: int | str = 0, end_dim: int = -1) -> Tensor:
    """Axes ``start_dim`` to ``end_dim`` made one, in row-major order; a view where possible, as in PyTorch.

    Raises AxisError for axes out of range or in the wrong order, ShapeError for NumPy's orders other than "C".

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3, 4).flatten().shape, tg.zeros(2, 3, 4).flatten(1).shape
    ((24,), (2, 12))
    """
    if isinstance(start_dim, str):
        if start_dim != "C":
            raise ShapeError(f"flatten: expected order 'C' (row-major), got {start_dim!r}")
        start_dim = 0
    if not self.ndim:
        return reshape(self, 1)
    start, end = normal_axis(start_dim, self.ndim, "start_dim"), normal_axis(end_dim, self.ndim, "end_dim")
    if start > end:
        raise AxisError(f"flatten: expected start_dim before end_dim, got {start_dim} and {end_dim}")
    joined = 1
    for n in self.shape[start : end + 1]:
        joined *= n
    return reshape(self, *self.shape[:start], joined, *self.shape[end + 1 :])


@method()
def unflatten(self: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis cut into several of the given lengths (one may be -1): the reverse of ``flatten``.

    Raises ShapeError if the lengths do not multiply to the axis' own.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    axis = normal_axis(dim, self.ndim, "dim")
    parts = solve_shape(tuple(sizes), self.shape[axis])
    return reshape(self, *self.shape[:axis], *parts, *self.shape[axis + 1 :])


@method("permute", "permute_dims")
def permute(self: Tensor, *axes: Any, dims: Sequence[int] | None = None) -> Tensor:
    """Axes in another order: axis ``i`` of the result is axis ``axes[i]`` of ``x``. A view.

    Raises AxisError unless each axis is named once.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    return tg.permute_dims(self, lengths("permute", axes, dims))  # type: ignore[no-any-return]


@method("T", table=PROPERTIES)
def reversed_axes(self: Tensor) -> Tensor:
    """All axes reversed, a matrix transposed: a view.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3).T.shape
    (3, 2)
    """
    return tg.permute_dims(self, tuple(range(self.ndim))[::-1])  # type: ignore[no-any-return]


@method("mT", table=PROPERTIES)
def matrix_transposed(self: Tensor) -> Tensor:
    """The last two axes exchanged: a view. Raises ShapeError with fewer than two axes.

    >>> import tensorgrad as tg
    >>> tg.zeros(5, 2, 3).mT.shape
    (5, 3, 2)
    """
    if self.ndim < 2:
        raise complain(ShapeError, "mT", f"expected at least two axes, got shape {list(self.shape)}", [self], ["x"])
    return swapaxes(self, -1, -2)


@method()
def t(self: Tensor) -> Tensor:
    """A matrix transposed; fewer axes stay as they are. Raises ShapeError for more than two.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3).t().shape
    (3, 2)
    """
    if self.ndim > 2:
        raise complain(
            ShapeError, "t", f"expected at most two axes, got shape {list(self.shape)}; use .mT", [self], ["x"]
        )
    return reversed_axes(self)


@method("swapaxes", "swapdims")
def swapaxes(self: Tensor, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged (PyTorch's ``transpose(i, j)``): a view. Raises AxisError.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3, 4).swapaxes(0, -1).shape
    (4, 3, 2)
    """
    order = list(range(self.ndim))
    i, j = normal_axis(axis1, self.ndim), normal_axis(axis2, self.ndim)
    order[i], order[j] = j, i
    return tg.permute_dims(self, tuple(order))  # type: ignore[no-any-return]


@method("moveaxis", "movedim")
def moveaxis(self: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Axes moved to other places, the rest in order: ``tg.moveaxis`` as a method. A view. Raises AxisError.

    >>> import tensorgrad as tg
    >>> tg.zeros(2, 3, 4).moveaxis(0, -1).shape
    (3, 4, 2)
    """
    return tg.moveaxis(self, source, destination)  # type: ignore[no-any-return]


@method("unsqueeze", "expand_dims")
def unsqueeze(self: Tensor, axis: int | Sequence[int] | None = None, *, dim: int | None = None) -> Tensor:
    """A new axis of length 1 at ``axis`` (PyTorch: ``dim``). A view. Raises AxisError.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).unsqueeze(0).shape, tg.zeros(3).unsqueeze(dim=-1).shape
    ((1, 3), (3, 1))
    """
    where = one_of("unsqueeze", "axis", axis, dim)
    if where is None:
        raise TypeError("unsqueeze() needs the place of the new axis")
    return tg.expand_dims(self, axis=where)  # type: ignore[no-any-return]


@method()
def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Repeated along new and length-1 axes without taking memory, as in PyTorch; -1 keeps a length.

    Raises ShapeError if another length than 1 would change.

    >>> import tensorgrad as tg
    >>> tg.zeros(3, 1).expand(2, -1, 4).shape
    (2, 3, 4)
    """
    wanted = list(lengths("expand", sizes))
    offset = len(wanted) - self.ndim
    for i, n in enumerate(wanted):
        if n == -1:
            if i < offset:
                raise ShapeError(f"expand: -1 keeps a length, but axis {i} of {wanted} is new")
            wanted[i] = self.shape[i - offset]
    return tg.broadcast_to(self, tuple(wanted))  # type: ignore[no-any-return]


@method()
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """``x.expand(other.shape)``.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).expand_as(tg.zeros(2, 3)).shape
    (2, 3)
    """
    return tg.broadcast_to(self, other.shape)  # type: ignore[no-any-return]


@method()
def broadcast_to(self: Tensor, *shape: Any) -> Tensor:
    """Repeated along new and length-1 axes to a shape, without taking memory: ``tg.broadcast_to`` as a method.

    >>> import tensorgrad as tg
    >>> tg.zeros(3).broadcast_to((2, 3)).shape
    (2, 3)
    """
    return tg.broadcast_to(self, lengths("broadcast_to", shape))  # type: ignore[no-any-return]
