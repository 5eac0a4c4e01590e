"""Calls that NumPy and PyTorch understand differently: they raise, and name both spellings.

Each method answers the calls that mean one thing only. The decisions stand in docs/two-vocabularies.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

from ..core.tensor import Tensor
from ..errors import AmbiguousError
from ..ops.axes import Axis
from ..ops.reduction import tensor_of
from .axes import one_of
from .parts import split_into
from .table import method, tg

__all__: list[str] = []


def part(call: str, numpy: str, numpy_says: str, torch: str, torch_says: str) -> Never:
    raise AmbiguousError(
        f"{call} means different things in NumPy and in PyTorch. "
        f"For NumPy's ({numpy}) write {numpy_says}; for PyTorch's ({torch}) write {torch_says}"
    )


def _extremum(
    name: str, self: Tensor, positional: tuple[Any, ...], axis: Any, keepdims: bool, dim: Any, keepdim: bool | None
) -> Tensor:
    if len(positional) > 2:
        raise TypeError(f"{name}() takes at most 2 arguments by position, got {len(positional)}")
    first = positional[0] if positional else None
    if hasattr(first, "dtype") or isinstance(first, float):
        part(f"x.{name}(y)", "y as the axis", f"x.a{name}(int(y))", "elementwise", f"tg.{name}imum(x, y)")
    if dim is not None or hasattr(first, "__index__"):
        call, where = (f"dim={dim}", dim) if dim is not None else (f"{first}", first)
        part(
            f"x.{name}({call})",
            "values only",
            f"x.a{name}({where}) or x.{name}(axis={where})",
            "values and indices",
            f"x.a{name}({where}), x.arg{name}({where})",
        )
    axis = one_of(name, "axis", first, axis)
    keepdims = bool(one_of(name, "keepdims", keepdim, *positional[1:], keepdims or None))
    return getattr(tg, name)(self, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


@method("max")
def max_(
    self: Tensor,
    *positional: Any,
    axis: Axis = None,
    keepdims: bool = False,
    dim: Axis = None,
    keepdim: bool | None = None,
) -> Tensor:
    """The largest element over ``axis=`` (all axes if None): ``tg.max`` as a method; ``x.amax`` is the same.

    Raises AmbiguousError for ``x.max(0)`` and ``x.max(dim=0)``, which in PyTorch give a pair with the indices.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([[1.0, 5.0], [3.0, 4.0]])
    >>> x.max(), x.max(axis=1), x.amax(1)
    (tensor(5.), tensor([5., 4.]), tensor([5., 4.]))
    """
    return _extremum("max", self, positional, axis, keepdims, dim, keepdim)


@method("min")
def min_(
    self: Tensor,
    *positional: Any,
    axis: Axis = None,
    keepdims: bool = False,
    dim: Axis = None,
    keepdim: bool | None = None,
) -> Tensor:
    """The smallest element over ``axis=`` (all axes if None): ``tg.min`` as a method; ``x.amin`` is the same.

    Raises AmbiguousError for ``x.min(0)`` and ``x.min(dim=0)``, which in PyTorch give a pair with the indices.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([[1.0, 5.0], [3.0, 4.0]])
    >>> x.min(), x.min(axis=1), x.amin(1)
    (tensor(1.), tensor([1., 3.]), tensor([1., 3.]))
    """
    return _extremum("min", self, positional, axis, keepdims, dim, keepdim)


def _spread(name: str, self: Tensor, given: dict[str, Any]) -> Tensor:
    axis = one_of(name, "axis", given["axis"], given["dim"])
    if type(axis) is bool:
        part(
            f"x.{name}({axis})",
            "an axis",
            f"x.{name}(axis={int(axis)}, correction=0)",
            "unbiased",
            f"x.{name}(unbiased={axis})",
        )
    unbiased = None if given["unbiased"] is None else int(given["unbiased"])
    correction = one_of(name, "correction", given["correction"], given["ddof"], unbiased)
    if correction is None:
        part(
            f"x.{name}() without a correction",
            "divide by n",
            f"x.{name}(correction=0) or tg.{name}(x)",
            "divide by n - 1",
            f"x.{name}(correction=1)",
        )
    keepdims = given["keepdims"] if given["keepdim"] is None else given["keepdim"]
    return getattr(tg, name)(self, axis=axis, correction=correction, keepdims=keepdims)  # type: ignore[no-any-return]


@method()
def std(
    self: Tensor,
    axis: Axis = None,
    *,
    correction: float | None = None,
    ddof: float | None = None,
    unbiased: bool | None = None,
    keepdims: bool = False,
    dim: Axis = None,
    keepdim: bool | None = None,
) -> Tensor:
    """The standard deviation over ``axis``: ``tg.std`` with its correction said aloud, as ``correction``, NumPy's
    ``ddof`` or PyTorch's ``unbiased``.

    Raises AmbiguousError without one: NumPy divides by n (correction 0), PyTorch by n - 1 (correction 1).

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 3.0]).std(correction=0)
    tensor(1.)
    """
    return _spread("std", self, locals())


@method()
def var(
    self: Tensor,
    axis: Axis = None,
    *,
    correction: float | None = None,
    ddof: float | None = None,
    unbiased: bool | None = None,
    keepdims: bool = False,
    dim: Axis = None,
    keepdim: bool | None = None,
) -> Tensor:
    """The variance over ``axis``: ``tg.var`` with its correction said aloud, as ``correction``, NumPy's ``ddof`` or
    PyTorch's ``unbiased``.

    Raises AmbiguousError without one: NumPy divides by n (correction 0), PyTorch by n - 1 (correction 1).

    >>> import tensorgrad as tg
    >>> tg.tensor([1.0, 3.0]).var(unbiased=True)
    tensor(2.)
    """
    return _spread("var", self, locals())


@method()
def transpose(self: Any, *axes: Any) -> Tensor:
    """All axes reversed, or in the order of ``axes`` (a tuple, or at least three integers), as in NumPy. A view.

    A method and a function: ``x.transpose()``, ``tg.transpose(x)``.

    Raises AmbiguousError for two integers: PyTorch exchanges those two axes.

    >>> import tensorgrad as tg
    >>> x = tg.zeros(2, 3, 4)
    >>> x.transpose().shape, x.transpose((1, 0, 2)).shape, x.transpose(2, 0, 1).shape
    ((4, 3, 2), (3, 2, 4), (4, 2, 3))
    """
    self = tensor_of(self)
    if not axes or axes == (None,):
        return tg.permute_dims(self, tuple(range(self.ndim))[::-1])  # type: ignore[no-any-return]
    if len(axes) == 1 and not hasattr(axes[0], "__index__"):
        return tg.permute_dims(self, tuple(axes[0]))  # type: ignore[no-any-return]
    if len(axes) == 2:
        i, j = axes
        part(
            f"x.transpose({i}, {j})",
            "the order of all axes",
            f"x.permute({i}, {j})",
            "two axes exchanged",
            f"x.swapaxes({i}, {j})",
        )
    return tg.permute_dims(self, axes)  # type: ignore[no-any-return]


@method()
def repeat(self: Tensor, *repeats: Any, axis: int | None = None, dim: int | None = None) -> Tensor:
    """Elements repeated along ``axis=``, as in NumPy: ``tg.repeat`` with its axis given by name.

    Raises AmbiguousError without an axis: PyTorch's ``repeat`` repeats the whole tensor.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2]).repeat(2, axis=0)
    tensor([1, 1, 2, 2])
    """
    where = one_of("repeat", "axis", axis, dim)
    if where is None or len(repeats) != 1:
        shown = ", ".join(map(str, repeats))
        part(
            f"x.repeat({shown})",
            "each element repeated",
            f"x.repeat_interleave({shown}) or tg.repeat(x, {shown})",
            "the whole repeated",
            f"x.tile({shown})",
        )
    return tg.repeat(self, repeats[0], axis=where)  # type: ignore[no-any-return]


@method()
def split(self: Tensor, *args: Any, **named: Any) -> Never:
    """Always raises AmbiguousError: ``tg.split`` counts parts or takes positions, PyTorch's method takes sizes.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3]).split(2)
    Traceback (most recent call last):
    ...
    tensorgrad.errors.AmbiguousError: x.split(2) means different things in NumPy and in PyTorch. For NumPy's ...
    """
    shown = ", ".join(map(str, args))
    part(
        f"x.split({shown})",
        "number of parts, or positions",
        f"tg.split(x, {shown})",
        "sizes of parts",
        "x.split_sizes(...) with the size or sizes",
    )


@method()
def sort(self: Tensor, *args: Any, **named: Any) -> Never:
    """Always raises AmbiguousError: NumPy's method sorts in place, PyTorch's returns a pair, ``tg.sort`` a sorted copy.

    >>> import tensorgrad as tg
    >>> tg.tensor([2, 1]).sort()
    Traceback (most recent call last):
    ...
    tensorgrad.errors.AmbiguousError: x.sort() means different things in NumPy and in PyTorch. For NumPy's ...
    """
    part(
        "x.sort()",
        "in place",
        "x[...] = tg.sort(x)",
        "values and indices",
        "tg.sort(x), tg.argsort(x)",
    )


@method()
def median(self: Tensor, *args: Any, **named: Any) -> Never:
    """Always raises AmbiguousError: of an even number of elements NumPy takes the middle two's mean, PyTorch the lower.

    >>> import tensorgrad as tg
    >>> tg.tensor([2.0, 1.0]).median()
    Traceback (most recent call last):
    ...
    tensorgrad.errors.AmbiguousError: x.median() means different things in NumPy and in PyTorch. For NumPy's ...
    """
    part(
        "x.median()",
        "mean of the middle two",
        "(s[(n - 1) // 2] + s[n // 2]) / 2 with s = tg.sort(x.ravel()), n = x.size",
        "the lower of the two",
        "s[(n - 1) // 2]",
    )


@method()
def nonzero(self: Tensor, *, as_tuple: bool | None = None) -> tuple[Tensor, ...] | Tensor:
    """Where elements are not zero, in the form that ``as_tuple`` asks for: a tuple with one index tensor per axis, or
    one tensor with a row per element.

    Raises AmbiguousError without it: NumPy returns the tuple, PyTorch the rows.

    >>> import tensorgrad as tg
    >>> tg.tensor([0, 5, 6]).nonzero(as_tuple=False)
    tensor([[1],
            [2]])
    """
    if as_tuple is None:
        part(
            "x.nonzero()",
            "a tuple of indices",
            "x.nonzero(as_tuple=True) or tg.nonzero(x)",
            "rows of indices",
            "x.nonzero(as_tuple=False)",
        )
    found = tg.nonzero(self)
    return found if as_tuple else tg.stack(found, axis=1)  # type: ignore[no-any-return]


@method()
def equal(self: Tensor, other: Any) -> Never:
    """Always raises AmbiguousError: ``tg.equal`` compares element by element, PyTorch's ``equal`` gives one bool.

    >>> import tensorgrad as tg
    >>> tg.tensor([2.0]).equal(tg.tensor([2.0]))
    Traceback (most recent call last):
    ...
    tensorgrad.errors.AmbiguousError: x.equal(y) means different things in NumPy and in PyTorch. For NumPy's ...
    """
    part(
        "x.equal(y)",
        "element by element",
        "x == y or x.eq(y)",
        "one bool",
        "x.shape == y.shape and bool((x == y).all())",
    )


_Sizes = int | Sequence[int]


@method()
def split_sizes(self: Tensor, sizes: _Sizes, axis: int = 0, *, dim: int | None = None) -> tuple[Tensor, ...]:
    """Parts of given sizes along ``axis``: PyTorch's ``split``. An integer is the size of every part but the last.

    Raises ShapeError if the sizes do not add up to the axis' length. The parts are views.

    >>> import tensorgrad as tg
    >>> tg.tensor([1, 2, 3]).split_sizes(2)
    (tensor([1, 2]), tensor([3]))
    """
    return split_into("split_sizes", self, sizes, axis if dim is None else dim)
