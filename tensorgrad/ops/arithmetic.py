"""Elementwise arithmetic. Rules are linear in ``g`` and serve as vjp and jvp alike.

Where an operand is a Python number it stays one all the way into the rules, so that exponents like 2 are known there.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.node import Info
from ..define import elementwise, elementwise_infer
from ..dtypes import is_floating, is_scalar
from ..errors import DTypeError

__all__ = [
    "abs", "add", "cbrt", "copysign", "divide", "floor_divide", "fmod", "hypot", "multiply", "negative", "nextafter",
    "positive", "pow", "reciprocal", "remainder", "rsqrt", "sign", "sqrt", "square", "subtract",
]  # fmt: skip

add = elementwise(
    "add",
    """``a + b``.

    >>> tg.add(tg.tensor([1.0, 2.0]), tg.tensor([[10.0], [20.0]]))
    tensor([[11., 12.],
            [21., 22.]])
    """,
    a=lambda m, g: g,
    b=lambda m, g: g,
)

subtract = elementwise(
    "subtract",
    """``a - b``. Not for two boolean tensors: that is ``a ^ b``.

    >>> tg.subtract(tg.tensor([1.0, 2.0]), 3)
    tensor([-2., -1.])
    """,
    a=lambda m, g: g,
    b=lambda m, g: -g,
)

multiply = elementwise(
    "multiply",
    """``a * b``.

    >>> tg.multiply(tg.tensor([1.0, 2.0]), tg.tensor([3, 4]))
    tensor([3., 8.])
    """,
    a=lambda m, g, b: g * b,
    b=lambda m, g, a: g * a,
)

divide = elementwise(
    "divide",
    """``a / b``; see ``floor_divide`` for whole quotients.

    >>> tg.divide(tg.tensor([1, 3]), 2)
    tensor([0.5, 1.5])
    """,
    kind="float",
    a=lambda m, g, b: g / b,
    b=lambda m, g, b, out: g * (out / -b),
)

floor_divide = elementwise(
    "floor_divide",
    """``a / b`` rounded towards minus infinity, as Python's ``a // b``. The derivatives are 0.

    >>> tg.floor_divide(tg.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """,
    a=lambda m, g: m.zero(g),
    b=lambda m, g: m.zero(g),
)

remainder = elementwise(
    "remainder",
    """``a - b * floor(a / b)``: what ``floor_divide`` leaves, with the sign of ``b``, as Python's ``a % b``.

    >>> tg.remainder(tg.tensor([7, -7]), 3)
    tensor([1, 2])
    """,
    a=lambda m, g: g,
    b=lambda m, g, a, b: -g * m.floor_divide(a, b),
)

fmod = elementwise(
    "fmod",
    """``a - b * trunc(a / b)``: the remainder with the sign of ``a``, as in C.

    >>> tg.fmod(tg.tensor([7, -7]), 3)
    tensor([ 1, -1])
    """,
    a=lambda m, g: g,
    b=lambda m, g, a, b: -g * m.trunc(a / b),
)

negative = elementwise(
    "negative",
    """``-x``. Not for booleans: that is ``~x``.

    >>> tg.negative(tg.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """,
    x=lambda m, g: -g,
)

positive = elementwise(
    "positive",
    """``+x``: the same numbers in fresh memory.

    >>> tg.positive(tg.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """,
    x=lambda m, g: g,
)

abs = elementwise(
    "abs",
    """The absolute value. Its derivative at 0 is 0.

    >>> tg.abs(tg.tensor([1.0, -2.0]))
    tensor([1., 2.])
    """,
    x=lambda m, g, x: g * m.sign(x),
)

sign = elementwise(
    "sign",
    """-1, 0 or 1. The derivative is 0.

    >>> tg.sign(tg.tensor([3.0, 0.0, -2.0]))
    tensor([ 1.,  0., -1.])
    """,
    x=lambda m, g: m.zero(g),
)

copysign = elementwise(
    "copysign",
    """The magnitude of ``a`` with the sign of ``b`` (-0.0 is negative).

    The derivative is 0 where ``a`` is, and for ``b``.

    >>> tg.copysign(tg.tensor([1.0, -2.0]), -0.0)
    tensor([-1., -2.])
    """,
    kind="float",
    a=lambda m, g, a, out: g * (m.sign(a) * m.sign(out)),
    b=lambda m, g: m.zero(g),
)

nextafter = elementwise(
    "nextafter",
    """The next number that the type can hold after ``a``, towards ``b``. Has no derivative.

    >>> (tg.nextafter(tg.tensor(1.0), 2.0) - 1).item()
    1.1920928955078125e-07
    """,
    inputs="a b",
    kind="float",
)

reciprocal = elementwise(
    "reciprocal",
    """``1 / x``.

    >>> tg.reciprocal(tg.tensor([2.0, 4.0]))
    tensor([0.5 , 0.25])
    """,
    kind="float",
    x=lambda m, g, out: g * (out * -out),
)

square = elementwise(
    "square",
    """``x * x``.

    >>> tg.square(tg.tensor([2.0, -3.0]))
    tensor([4., 9.])
    """,
    x=lambda m, g, x: g * (x * 2),
)

sqrt = elementwise(
    "sqrt",
    """The square root; NaN below 0. Its derivative at 0 is infinite.

    >>> tg.sqrt(tg.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """,
    kind="float",
    x=lambda m, g, out: g / (out * 2),
)

rsqrt = elementwise(
    "rsqrt",
    """``1 / sqrt(x)``.

    >>> tg.rsqrt(tg.tensor([4.0, 16.0]))
    tensor([0.5 , 0.25])
    """,
    kind="float",
    body=lambda m, x: 1 / m.sqrt(x),
    x=lambda m, g, out: g * out * (out * out) * -0.5,
)

cbrt = elementwise(
    "cbrt",
    """The cube root, also of negative numbers. Its derivative at 0 is infinite.

    >>> tg.cbrt(tg.tensor([8.0, -1.0]))
    tensor([ 2., -1.])
    """,
    kind="float",
    x=lambda m, g, out: g / (out * out * 3),
)

hypot = elementwise(
    "hypot",
    """``sqrt(a**2 + b**2)`` without overflow on the way. Where both are 0 the derivatives are 0, as for a norm.

    >>> tg.hypot(tg.tensor([3.0, 5.0]), tg.tensor([4.0, 12.0]))
    tensor([ 5., 13.])
    """,
    kind="float",
    a=lambda m, g, a, out: g * (a / m.where(out == 0, 1, out)),
    b=lambda m, g, b, out: g * (b / m.where(out == 0, 1, out)),
)


NO_INTEGERS = "integers to a negative power are no integers: cast one operand to a floating type first"
_promote = elementwise_infer("same")


def _pow_infer(params: dict[str, Any], a: Any, b: Any) -> Info:
    out = _promote(params, a, b)
    if is_scalar(b) and b < 0 and not is_floating(out.dtype):
        raise DTypeError(NO_INTEGERS)
    return out


def _pow_body(m: Any, a: Any, b: Any) -> Any:
    if is_scalar(b) and is_floating(a.dtype):
        return _constant_power(m, a, b)
    try:
        return m.xp.pow(a, b)
    except ValueError as error:
        if "negative integer powers" not in str(error):
            raise
        raise DTypeError(NO_INTEGERS) from None


def _constant_power(m: Any, x: Any, n: Any) -> Any:
    """``x ** n`` of a floating array for a Python number ``n``: products for small powers, exact as ``x * x`` is."""
    if n in _PRODUCTS:
        return _PRODUCTS[n](m, x)
    power = m.xp.pow
    if n and float(n).is_integer():
        # Tens of times faster than the library's power of negative numbers, and as exact.
        magnitude = power(m.abs(x), n)
        return m.copysign(magnitude, x) if n % 2 else magnitude
    return power(x, n)


def _square_of_square(x: Any) -> Any:
    square = x * x
    return square * square


_PRODUCTS = {
    1: lambda m, x: x * 1,
    2: lambda m, x: x * x,
    3: lambda m, x: x * x * x,
    4: lambda m, x: _square_of_square(x),
    0.5: lambda m, x: m.sqrt(x),
    -0.5: lambda m, x: 1 / m.sqrt(x),
    -1: lambda m, x: 1 / x,
    -2: lambda m, x: m.square(1 / x),
}


def _pow_base(m: Any, g: Any, a: Any, b: Any) -> Any:
    if is_scalar(b):
        if b == 0:
            return m.zero(g)
        return g if b == 1 else g * (a * 2) if b == 2 else g * (m.pow(a, b - 1) * b)
    # Only at 0 ** 0 would 0 * inf come up, where a ** 0 is constant.
    base = m.where(m.logical_and(a == 0, b == 0), 1, a)
    return g * (m.pow(base, b - 1) * b)


def _pow_exponent(m: Any, g: Any, a: Any, b: Any, out: Any) -> Any:
    if is_scalar(a):
        if a == 0:
            return -g * m.where(b >= 0, 0, out)
        return g * (out * (math.log(a) if a > 0 else math.nan))
    # 0 ** b is constant in b >= 0: there log 1 stands in for log 0.
    base = m.where(m.logical_and(a == 0, b >= 0), 1, a)
    return g * (out * m.log(base))


pow = elementwise(
    "pow",
    """``a ** b``.

    A Python number as exponent is cheap where it is -2, -1, -0.5, 0.5, 1, 2, 3 or 4. The derivatives are PyTorch's:
    0 for the base where the exponent is 0, 0 for the exponent where the base is 0 and the exponent is not negative, NaN
    for the exponent of a negative base. Integers to a negative power raise DTypeError.

    >>> tg.pow(tg.tensor([2.0, 3.0]), tg.tensor([3.0, 2.0]))
    tensor([8., 9.])
    """,
    body=_pow_body,
    infer=_pow_infer,
    a=_pow_base,
    b=_pow_exponent,
)
