"""Exponentials, logarithms, trigonometric and hyperbolic functions, rounding.

Rules square no operand that may be large: ``hypot(x, 1)`` and ``(1 - x) * (1 + x)`` stand for the roots and products
that would overflow in half precision, or cancel next to 1.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.tensor import Tensor
from ..define import elementwise, public
from ..dtypes import is_scalar

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "cos", "cosh", "deg2rad", "exp", "exp2",
    "expm1", "floor", "log", "log1p", "log2", "log10", "logaddexp", "rad2deg", "round", "sin", "sinh", "tan", "tanh",
    "trunc",
]  # fmt: skip

LN2 = math.log(2)
LN10 = math.log(10)
DEGREE = math.pi / 180

exp = elementwise(
    "exp",
    """``e ** x``.

    >>> tg.exp(tg.tensor([0.0, -float("inf")]))
    tensor([1., 0.])
    """,
    kind="float",
    x=lambda m, g, out: g * out,
)

exp2 = elementwise(
    "exp2",
    """``2 ** x``.

    >>> tg.exp2(tg.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """,
    kind="float",
    x=lambda m, g, out: g * (out * LN2),
)

expm1 = elementwise(
    "expm1",
    """``e ** x - 1``, exact also where ``x`` is small.

    >>> round(tg.expm1(tg.tensor(1e-6)).item(), 12)
    1e-06
    """,
    kind="float",
    x=lambda m, g, out: g * (out + 1),
)

log = elementwise(
    "log",
    """The natural logarithm; NaN below 0.

    >>> tg.log(tg.tensor([1.0, float("inf")]))
    tensor([ 0., inf])
    """,
    kind="float",
    x=lambda m, g, x: g / x,
)

log1p = elementwise(
    "log1p",
    """The natural logarithm of ``1 + x``, exact also where ``x`` is small.

    >>> round(tg.log1p(tg.tensor(1e-6)).item(), 12)
    1e-06
    """,
    kind="float",
    x=lambda m, g, x: g / (x + 1),
)

log2 = elementwise(
    "log2",
    """The logarithm to base 2; NaN below 0.

    >>> round(tg.log2(tg.tensor(8.0)).item(), 4)
    3.0
    """,
    kind="float",
    x=lambda m, g, x: g / (x * LN2),
)

log10 = elementwise(
    "log10",
    """The logarithm to base 10; NaN below 0.

    >>> round(tg.log10(tg.tensor(1000.0)).item(), 4)
    3.0
    """,
    kind="float",
    x=lambda m, g, x: g / (x * LN10),
)


def _bounded(m: Any, x: Any, largest: float) -> Any:
    if is_scalar(x):
        return min(max(x, -largest), largest)
    return m.clip(x, -largest, largest)


def _difference_body(m: Any, a: Any, b: Any) -> Any:
    largest = min(float(m.xp.finfo(x.dtype).max) for x in (a, b) if not is_scalar(x)) / 4
    return _bounded(m, a, largest) - _bounded(m, b, largest)


elementwise(
    "log_difference",
    "``a - b``, where infinities count as huge numbers: 0 for two equal ones.",
    body=_difference_body,
    a=lambda m, g: g,
    b=lambda m, g: -g,
)

logaddexp = elementwise(
    "logaddexp",
    """``log(e ** a + e ** b)`` without overflow on the way.

    Two operands of minus infinity get half of the gradient each.

    >>> tg.logaddexp(tg.tensor([1000.0, -float("inf")]), -float("inf"))
    tensor([1000.,  -inf])
    """,
    kind="float",
    a=lambda m, g, a, b: g * m.sigmoid(m.log_difference(a, b)),
    b=lambda m, g, a, b: g * m.sigmoid(m.log_difference(b, a)),
)

sin = elementwise(
    "sin",
    """The sine of an angle in radians.

    >>> tg.sin(tg.tensor(0.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, x: g * m.cos(x),
)

cos = elementwise(
    "cos",
    """The cosine of an angle in radians.

    >>> tg.cos(tg.tensor(0.0))
    tensor(1.)
    """,
    kind="float",
    x=lambda m, g, x: g * -m.sin(x),
)

tan = elementwise(
    "tan",
    """The tangent of an angle in radians.

    >>> tg.tan(tg.tensor(0.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, out: g * (out * out + 1),
)

asin = elementwise(
    "asin",
    """The angle in [-pi/2, pi/2] whose sine is ``x``; NaN outside [-1, 1].

    >>> tg.asin(tg.tensor(0.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, x: g / m.sqrt((1 - x) * (1 + x)),
)

acos = elementwise(
    "acos",
    """The angle in [0, pi] whose cosine is ``x``; NaN outside [-1, 1].

    >>> tg.acos(tg.tensor(1.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, x: -g / m.sqrt((1 - x) * (1 + x)),
)


def _atan_rule(m: Any, g: Any, x: Any) -> Any:
    length = m.hypot(x, 1)
    return g / length / length


atan = elementwise(
    "atan",
    """The angle in [-pi/2, pi/2] whose tangent is ``x``.

    >>> tg.atan(tg.tensor(0.0))
    tensor(0.)
    """,
    kind="float",
    x=_atan_rule,
)


def _turn(m: Any, g: Any, along: Any, a: Any, b: Any) -> Any:
    """``g * along / (a**2 + b**2)``, 0 at the origin."""
    length = m.hypot(a, b)
    length = m.where(length == 0, 1, length)
    return g * (along / length / length)


atan2 = elementwise(
    "atan2",
    """The angle in [-pi, pi] of the point with ordinate ``a`` and abscissa ``b``. At the origin the derivatives are 0.

    >>> round(tg.atan2(tg.tensor(1.0), tg.tensor(-1.0)).item(), 4)
    2.3562
    """,
    kind="float",
    a=lambda m, g, a, b: _turn(m, g, b, a, b),
    b=lambda m, g, a, b: _turn(m, -g, a, a, b),
)

sinh = elementwise(
    "sinh",
    """The hyperbolic sine.

    >>> tg.sinh(tg.tensor(0.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, x: g * m.cosh(x),
)

cosh = elementwise(
    "cosh",
    """The hyperbolic cosine.

    >>> tg.cosh(tg.tensor(0.0))
    tensor(1.)
    """,
    kind="float",
    x=lambda m, g, x: g * m.sinh(x),
)

tanh = elementwise(
    "tanh",
    """The hyperbolic tangent. Only its result is kept for the derivative.

    >>> tg.tanh(tg.tensor([0.0, float("inf")]))
    tensor([0., 1.])
    """,
    kind="float",
    x=lambda m, g, out: m.tanh_vjp(g, out),
)

elementwise(
    "tanh_vjp",
    "The cotangent of tanh's operand, from that of its result ``y``: ``dy * (1 - y**2)``.",
    body=lambda m, dy, y: dy * (1 - y * y),
    dy=lambda m, g, y: m.tanh_vjp(g, y),
    y=lambda m, g, dy, y: g * dy * y * -2,
)

asinh = elementwise(
    "asinh",
    """The inverse of sinh.

    >>> tg.asinh(tg.tensor(0.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, x: g / m.hypot(x, 1),
)

acosh = elementwise(
    "acosh",
    """The inverse of cosh; NaN below 1.

    >>> tg.acosh(tg.tensor(1.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, x: g / (m.sqrt(x - 1) * m.sqrt(x + 1)),
)

atanh = elementwise(
    "atanh",
    """The inverse of tanh; NaN outside [-1, 1].

    >>> tg.atanh(tg.tensor(0.0))
    tensor(0.)
    """,
    kind="float",
    x=lambda m, g, x: g / ((1 - x) * (1 + x)),
)

deg2rad = elementwise(
    "deg2rad",
    """Degrees as radians.

    >>> round(tg.deg2rad(tg.tensor(180.0)).item(), 4)
    3.1416
    """,
    kind="float",
    x=lambda m, g: g * DEGREE,
)

rad2deg = elementwise(
    "rad2deg",
    """Radians as degrees.

    >>> round(tg.rad2deg(tg.tensor(3.14159265)).item(), 4)
    180.0
    """,
    kind="float",
    x=lambda m, g: g / DEGREE,
)


floor = elementwise(
    "floor",
    """The largest whole number that is not above ``x``, in the same type. The derivative is 0.

    >>> tg.floor(tg.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """,
    x=lambda m, g: m.zero(g),
)

ceil = elementwise(
    "ceil",
    """The smallest whole number that is not below ``x``, in the same type. The derivative is 0.

    >>> tg.ceil(tg.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """,
    x=lambda m, g: m.zero(g),
)

trunc = elementwise(
    "trunc",
    """``x`` without its fraction, in the same type. The derivative is 0.

    >>> tg.trunc(tg.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """,
    x=lambda m, g: m.zero(g),
)

_round = elementwise(
    "round",
    "The nearest whole number, of two equally near ones the even one.",
    body=lambda m, x: m.xp.round(x),
    x=lambda m, g: m.zero(g),
)


@public
def round(x: Any, /, decimals: int = 0) -> Tensor:
    """The nearest number with ``decimals`` digits after the point; halfway between two, the one with an even digit.

    Any shape; the type is kept. The derivative is 0. Negative ``decimals`` round to tens, hundreds and so on.

    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.round(tg.tensor([0.5, 1.5, 2.4])), tg.round(tg.tensor(2.25), decimals=1)
    (tensor([0., 2., 2.]), tensor(2.2))
    """
    return _round(x) if decimals == 0 else _round_decimals(x, decimals=int(decimals))  # type: ignore[no-any-return]


_round_decimals = elementwise(
    "round_decimals",
    "The nearest number with so many digits after the point.",
    inputs="x",
    params="decimals",
    body=lambda m, x, decimals: m.xp.round(x, decimals=decimals),
    x=lambda m, g: m.zero(g),
)
