"""Elementwise choices: by a condition, the larger or the smaller, within bounds. Ties and kinks follow PyTorch.

Masks cost as much as arithmetic only where they are not branches, so rules say ``m.gate`` for "g or 0": a backend may
do it in one pass. Unlike a product with 0 and 1 it lets no infinity or NaN through.
"""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from ..define import elementwise, public
from ..dtypes import is_scalar
from ..op import TENSORS
from .comparison import not_equal
from .reduction import tensor_of

__all__ = ["clip", "fmax", "fmin", "maximum", "minimum", "nan_to_num", "where"]

zero = elementwise(
    "zero",
    "0 for each element: the derivative of what is constant between steps.",
    body=lambda m, x: m.xp.zeros_like(x),
    x=lambda m, g: m.zero(g),
)

gate = elementwise(
    "gate",
    "``x`` where ``c`` holds, else 0.",
    inputs="c x",
    kind="condition",
    body=lambda m, c, x: m.where(c, x, 0),
    x=lambda m, g, c: m.gate(c, g),
)

_where = elementwise(
    "where",
    "``a`` where ``c`` holds, else ``b``.",
    inputs="c a b",
    kind="condition",
    a=lambda m, g, c: m.gate(c, g),
    b=lambda m, g, c: m.gate(m.logical_not(c), g),
)


@public
def where(condition: Any, a: Any, b: Any, /) -> Tensor:
    """``a`` where ``condition`` holds (is not 0), else ``b``.

    The three broadcast. The result has the type that ``a`` and ``b`` have together: NumPy's promotion, except that an
    integer tensor beside a floating one takes the floating type. What is not chosen gets the gradient 0, also where it
    is infinite or NaN. (For the positions where a condition holds see ``nonzero``.)

    Raises DTypeError for what is no tensor, array or number, ShapeError where shapes do not broadcast, DeviceError
    where devices differ.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([-1.0, 2.0])
    >>> tg.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    condition = tensor_of(condition)
    if condition.dtype != bool:
        condition = not_equal(condition, 0)
    if is_scalar(a) and is_scalar(b):
        a = TENSORS.tensor(a)
    return _where(condition, a, b)  # type: ignore[no-any-return]


def _share(m: Any, g: Any, below: Any, below_or_equal: Any) -> Any:
    """The cotangent of the operand that is chosen unless ``below``, half of it at a tie. NaN operands all get it."""
    half = g * 0.5
    return m.gate(m.logical_not(below), half) + m.gate(m.logical_not(below_or_equal), half)


maximum = elementwise(
    "maximum",
    """The larger of ``a`` and ``b``; NaN where one is. Equal operands get half of the gradient each.

    >>> tg.maximum(tg.tensor([1.0, 5.0]), 3.0)
    tensor([3., 5.])
    """,
    a=lambda m, g, a, b: _share(m, g, a < b, a <= b),
    b=lambda m, g, a, b: _share(m, g, b < a, b <= a),
)

minimum = elementwise(
    "minimum",
    """The smaller of ``a`` and ``b``; NaN where one is. Equal operands get half of the gradient each.

    >>> tg.minimum(tg.tensor([1.0, 5.0]), 3.0)
    tensor([1., 3.])
    """,
    a=lambda m, g, a, b: _share(m, g, a > b, a >= b),
    b=lambda m, g, a, b: _share(m, g, b > a, b >= a),
)

fmax = elementwise(
    "fmax",
    """The larger of ``a`` and ``b``; the other one where one is NaN. Where they are equal, ``a`` gets the gradient.

    >>> tg.fmax(tg.tensor([1.0, float("nan")]), 3.0)
    tensor([3., 3.])
    """,
    a=lambda m, g, a, b: m.gate(m.logical_or(a >= b, b != b), g),
    b=lambda m, g, a, b: m.gate(m.logical_not(m.logical_or(a >= b, b != b)), g),
)

fmin = elementwise(
    "fmin",
    """The smaller of ``a`` and ``b``; the other one where one is NaN. Where they are equal, ``a`` gets the gradient.

    >>> tg.fmin(tg.tensor([1.0, float("nan")]), 3.0)
    tensor([1., 3.])
    """,
    a=lambda m, g, a, b: m.gate(m.logical_or(a <= b, b != b), g),
    b=lambda m, g, a, b: m.gate(m.logical_not(m.logical_or(a <= b, b != b)), g),
)


def _both(m: Any, first: Any, second: Any) -> Any:
    """Both conditions; None stands for one that is not made."""
    return second if first is None else first if second is None else m.logical_and(first, second)


def _clip_inside(m: Any, g: Any, x: Any, lo: Any, hi: Any) -> Any:
    inside = _both(m, None if lo is None else x >= lo, None if hi is None else x <= hi)
    return g if inside is None else m.gate(inside, g)


def _clip_below(m: Any, g: Any, x: Any, lo: Any, hi: Any) -> Any:
    return m.gate(_both(m, x < lo, None if hi is None else lo < hi), g)


def _clip_above(m: Any, g: Any, x: Any, lo: Any, hi: Any) -> Any:
    above = x > hi
    return m.gate(above if lo is None else m.logical_or(above, hi < lo), g)


_clip = elementwise(
    "clip",
    "``x`` no smaller than ``lo`` and no larger than ``hi``.",
    inputs="x lo hi",
    body=lambda m, x, lo, hi: m.copy(x) if lo is None and hi is None else m.xp.clip(x, lo, hi),
    x=_clip_inside,
    lo=_clip_below,
    hi=_clip_above,
)


@public
def clip(x: Any, /, min: Any = None, max: Any = None) -> Tensor:
    """``x`` no smaller than ``min`` and no larger than ``max``: tensors, numbers, or None for no bound.

    The three broadcast. ``max`` wins where ``min`` is larger. Within the bounds and on them the gradient goes to ``x``,
    outside to the bound, at NaN nowhere. The result has the type that the operands have together.

    Raises DTypeError for what is no tensor, array or number, ShapeError where shapes do not broadcast, DeviceError
    where devices differ.

    >>> import tensorgrad as tg
    >>> tg.clip(tg.tensor([-2.0, 0.5, 3.0]), 0.0, 1.0)
    tensor([0. , 0.5, 1. ])
    """
    return _clip(x, min, max)  # type: ignore[no-any-return]


_nan_to_num = elementwise(
    "nan_to_num",
    "``x`` with NaN and infinities replaced.",
    inputs="x",
    params="nan posinf neginf",
    body=lambda m, x, nan, posinf, neginf: m.xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    x=lambda m, g, x: m.gate(m.isfinite(x), g),
)


@public
def nan_to_num(x: Any, /, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """``x`` with NaN replaced by ``nan`` and infinities by ``posinf`` and ``neginf`` (None: the type's largest).

    Any shape; the type is kept, integers are returned as they are. What is replaced gets the gradient 0.

    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.nan_to_num(tg.tensor([1.0, float("nan")]))
    tensor([1., 0.])
    """
    return _nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)  # type: ignore[no-any-return]
