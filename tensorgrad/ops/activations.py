"""Activation functions. Each keeps one array for its derivative: the result where that tells enough, else the operand.

The derivative of a fused function is again an op (``silu_vjp``), a composition of others, so that it may be
differentiated any number of times and a kernel may stand in for it. Compositions never compute what overflows: where a
function has reached its limit its operand is clipped, which is exact and gives the limit's derivatives at infinity.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.report import complain
from ..core.tensor import Tensor
from ..define import elementwise, public
from ..errors import ArgumentError
from .functions import expm1
from .halves import in_single
from .reduction import tensor_of
from .selection import clip, where
from .special import TWO_OVER_SQRT_PI

__all__ = [
    "celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_sigmoid", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "softplus", "softsign",
]  # fmt: skip

NOTHING = -750.0
"""Past this exp is 0 in every type."""
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


@in_single
def _sigmoid_body(m: Any, x: Any) -> Any:
    # Both exponents are at most 0; where x is negative the quotient keeps its relative precision.
    return m.exp(m.minimum(x, 0)) / (m.exp(-m.abs(x)) + 1)


sigmoid = elementwise(
    "sigmoid",
    """``1 / (1 + exp(-x))``, for any ``x`` without overflow. Only the result is kept for the derivative.

    >>> tg.sigmoid(tg.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0. , 0.5, 1. ])
    """,
    kind="float",
    body=_sigmoid_body,
    x=lambda m, g, out: m.sigmoid_vjp(g, out),
)

elementwise(
    "sigmoid_vjp",
    "The cotangent of sigmoid's operand, from that of its result ``y``: ``dy * y * (1 - y)``.",
    body=lambda m, dy, y: dy * (y * (1 - y)),
    dy=lambda m, g, y: m.sigmoid_vjp(g, y),
    y=lambda m, g, dy, y: g * dy * (1 - y * 2),
)

log_sigmoid = elementwise(
    "log_sigmoid",
    """``log(sigmoid(x))``, exact for any ``x``.

    >>> tg.log_sigmoid(tg.tensor([-1000.0, 1000.0]))
    tensor([-1000.,     0.])
    """,
    kind="float",
    body=in_single(lambda m, x: m.minimum(x, 0) - m.log1p(m.exp(-m.abs(x)))),
    x=lambda m, g, x: g * m.sigmoid(-x),
)


@in_single
def _softplus_body(m: Any, x: Any, beta: float, threshold: float) -> Any:
    z = x if beta == 1 else x * beta
    soft = m.maximum(z, 0) + m.log1p(m.exp(-m.abs(z)))
    return m.where(z > threshold, x, soft if beta == 1 else soft / beta)


@in_single
def _softplus_vjp_body(m: Any, dy: Any, x: Any, beta: float, threshold: float) -> Any:
    z = x if beta == 1 else x * beta
    return m.where(z > threshold, dy, dy * m.sigmoid(z))


_softplus = elementwise(
    "softplus",
    "``log(1 + exp(beta * x)) / beta``, and ``x`` where ``beta * x`` exceeds ``threshold``.",
    inputs="x",
    params="beta threshold",
    kind="float",
    body=_softplus_body,
    x=lambda m, g, x, beta, threshold: m.softplus_vjp(g, x, beta=beta, threshold=threshold),
)

elementwise(
    "softplus_vjp",
    "The cotangent of softplus' operand.",
    inputs="dy x",
    params="beta threshold",
    body=_softplus_vjp_body,
)


@public
def softplus(x: Any, /, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * x)) / beta``, a smooth relu; ``x`` itself where ``beta * x`` exceeds ``threshold``.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.

    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.softplus(tg.tensor([-1000.0, 1000.0]))
    tensor([   0., 1000.])
    """
    return _softplus(x, beta=float(beta), threshold=float(threshold))  # type: ignore[no-any-return]


@in_single
def _silu_vjp_body(m: Any, dy: Any, x: Any) -> Any:
    s = m.sigmoid(x)
    x = m.clip(x, NOTHING, -NOTHING)
    return dy * (s * (x * (1 - s) + 1))


silu = elementwise(
    "silu",
    """``x * sigmoid(x)``, also called swish.

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", arXiv:1702.03118.

    >>> tg.silu(tg.tensor([-1000.0, 0.0, 1000.0]))
    tensor([  -0.,    0., 1000.])
    """,
    kind="float",
    body=in_single(lambda m, x: m.clip(x, NOTHING, None) * m.sigmoid(x)),
    x=lambda m, g, x: m.silu_vjp(g, x),
)

elementwise("silu_vjp", "The cotangent of silu's operand.", inputs="dy x", body=_silu_vjp_body)

# Exact: x * Phi(x) for the normal distribution function Phi. By tanh: x * sigmoid(2 * y) for the polynomial y below.
HALF_ROOT = math.sqrt(0.5)
SLOPE = 2 * math.sqrt(2 / math.pi)
CUBIC = 0.044715


@in_single
def _gelu_body(m: Any, x: Any, approximate: str) -> Any:
    c = m.clip(x, -40.0, None)
    if approximate == "none":
        return c * (m.erfc(c * -HALF_ROOT) * 0.5)
    return c * m.sigmoid(_gelu_polynomial(m.clip(x, -30.0, 30.0)))


def _gelu_polynomial(c: Any) -> Any:
    return c * (c * c * (SLOPE * CUBIC) + SLOPE)


@in_single
def _gelu_vjp_body(m: Any, dy: Any, x: Any, approximate: str) -> Any:
    if approximate == "none":
        c = m.clip(x, -40.0, 40.0)
        density = m.exp(c * c * -0.5) * (TWO_OVER_SQRT_PI * HALF_ROOT / 2)
        return dy * (m.erfc(c * -HALF_ROOT) * 0.5 + c * density)
    c = m.clip(x, -30.0, 30.0)
    s = m.sigmoid(_gelu_polynomial(c))
    return dy * (s + s * (1 - s) * c * (c * c * (3 * SLOPE * CUBIC) + SLOPE))


_gelu = elementwise(
    "gelu",
    "``x`` times the normal distribution function of ``x``, or its approximation by tanh.",
    inputs="x",
    params="approximate",
    kind="float",
    body=_gelu_body,
    x=lambda m, g, x, approximate: m.gelu_vjp(g, x, approximate=approximate),
)

elementwise("gelu_vjp", "The cotangent of gelu's operand.", inputs="dy x", params="approximate", body=_gelu_vjp_body)


@public
def gelu(x: Any, /, approximate: str = "none") -> Tensor:
    """``x`` times the normal distribution function of ``x``: ``x * (1 + erf(x / sqrt(2))) / 2``.

    With ``approximate="tanh"``: ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``. Any shape. Integers and
    booleans are computed in the default floating type, float32; other types are kept.

    Source: Hendrycks and Gimpel, "Gaussian error linear units", arXiv:1606.08415.

    Raises ArgumentError for another ``approximate``, DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.gelu(tg.tensor([-1000.0, 0.0, 1000.0]))
    tensor([  -0.,    0., 1000.])
    """
    if approximate not in ("none", "tanh"):
        message = f"expected approximate='none' or 'tanh', got {approximate!r}"
        raise complain(ArgumentError, "gelu", message, [x], ["x"])
    return _gelu(x, approximate=approximate)  # type: ignore[no-any-return]


def _mish_parts(m: Any, c: Any) -> tuple[Any, Any]:
    """``e = exp(c)`` and ``w = e * (e + 2)``: then ``tanh(log(1 + e))`` is ``w / (w + 2)``."""
    e = m.exp(c)
    return e, e * (e + 2)


@in_single
def _mish_body(m: Any, x: Any) -> Any:
    _, w = _mish_parts(m, m.minimum(x, 20.0))
    return m.clip(x, NOTHING, None) * (w / (w + 2))


@in_single
def _mish_vjp_body(m: Any, dy: Any, x: Any) -> Any:
    c = m.clip(x, NOTHING, 20.0)
    e, w = _mish_parts(m, c)
    d = w + 2
    return dy * (w / d + c * (e * (e + 1) * 4 / (d * d)))


mish = elementwise(
    "mish",
    """``x * tanh(softplus(x))``.

    Source: Misra, "Mish: a self regularized non-monotonic activation function", arXiv:1908.08681.

    >>> tg.mish(tg.tensor([-1000.0, 0.0, 1000.0]))
    tensor([  -0.,    0., 1000.])
    """,
    kind="float",
    body=_mish_body,
    x=lambda m, g, x: m.mish_vjp(g, x),
)

elementwise("mish_vjp", "The cotangent of mish's operand.", inputs="dy x", body=_mish_vjp_body)

relu = elementwise(
    "relu",
    """``max(x, 0)``. Its derivative at 0 is 0. Only the result is kept for it.

    >>> tg.relu(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """,
    body=lambda m, x: m.maximum(x, 0),
    x=lambda m, g, out: m.gate(out != 0, g),  # NaN is not 0: it passes on
)

_hardtanh = elementwise(
    "hardtanh",
    "``x`` clipped to the interval from ``lo`` to ``hi``; the derivative is 0 on its ends.",
    inputs="x",
    params="lo hi",
    kind="float",
    body=lambda m, x, lo, hi: m.clip(x, lo, hi),
    x=lambda m, g, out, lo, hi: m.gate(m.logical_and(out != lo, out != hi), g),
)


@public
def hardtanh(x: Any, /, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``x`` clipped to [min_val, max_val]. Unlike ``clip``'s, its derivative on the ends is 0.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.

    Raises ArgumentError unless ``min_val < max_val``, DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.hardtanh(tg.tensor([-2.0, 0.5, 2.0]))
    tensor([-1. ,  0.5,  1. ])
    """
    if not min_val < max_val:
        message = f"expected min_val < max_val, got {min_val} and {max_val}"
        raise complain(ArgumentError, "hardtanh", message, [x], ["x"])
    return _hardtanh(x, lo=min_val, hi=max_val)  # type: ignore[no-any-return]


@public
def relu6(x: Any, /) -> Tensor:
    """``min(max(x, 0), 6)``. Its derivative at 0 and 6 is 0.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.
    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.relu6(tg.tensor([-1.0, 2.0, 7.0]))
    tensor([0., 2., 6.])
    """
    return _hardtanh(x, lo=0, hi=6)  # type: ignore[no-any-return]


@public
def hardsigmoid(x: Any, /) -> Tensor:
    """``relu6(x + 3) / 6``: straight lines that look like sigmoid.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.
    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.hardsigmoid(tg.tensor([-4.0, 0.0, 4.0]))
    tensor([0. , 0.5, 1. ])
    """
    return relu6(tensor_of(x) + 3) / 6


@public
def hardswish(x: Any, /) -> Tensor:
    """``x * relu6(x + 3) / 6``: straight lines and a parabola that look like silu.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.
    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.hardswish(tg.tensor([-4.0, 0.0, 4.0]))
    tensor([-0.,  0.,  4.])
    """
    x = tensor_of(x)
    return x * hardsigmoid(x)  # type: ignore[no-any-return]


def _leaky(m: Any, x: Any, slope: float) -> Any:
    if 0 < slope <= 1:
        return m.maximum(x, x * slope)
    return m.where(x > 0, x, x * slope)


_leaky_relu = elementwise(
    "leaky_relu",
    "``x`` where it is positive, else ``slope * x``, for a slope that keeps the sign.",
    inputs="x",
    params="slope",
    kind="float",
    body=_leaky,
    x=lambda m, g, out, slope: m.where(out > 0, g, g * slope),
)


@public
def leaky_relu(x: Any, /, negative_slope: float = 0.01) -> Tensor:
    """``x`` where it is positive, else ``negative_slope * x``. Its derivative at 0 is ``negative_slope``.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.
    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.leaky_relu(tg.tensor([-1.0, 2.0]))
    tensor([-0.01,  2.  ])
    """
    if negative_slope < 0:  # the sign of the result does not tell that of x
        x = tensor_of(x)
        return where(x > 0, x, x * negative_slope)
    return _leaky_relu(x, slope=float(negative_slope))  # type: ignore[no-any-return]


@in_single
def _elu_body(m: Any, x: Any, alpha: float, width: float) -> Any:
    below = m.clip(x, NOTHING * width, 0)
    return m.maximum(x, 0) + m.expm1(below if width == 1 else below / width) * alpha


@in_single
def _elu_vjp_body(m: Any, dy: Any, y: Any, alpha: float, width: float) -> Any:
    slope = m.clip(y, None, 0) + alpha
    return m.where(y > 0, dy, dy * (slope if width == 1 else slope / width))


_elu = elementwise(
    "elu",
    "``x`` where it is positive, else ``alpha * (exp(x / width) - 1)``, for an alpha that keeps the sign.",
    inputs="x",
    params="alpha width",
    kind="float",
    body=_elu_body,
    x=lambda m, g, out, alpha, width: m.elu_vjp(g, out, alpha=alpha, width=width),
)

elementwise(
    "elu_vjp",
    "The cotangent of elu's operand, from that of its result ``y``.",
    inputs="dy y",
    params="alpha width",
    body=_elu_vjp_body,
)


@public
def elu(x: Any, /, alpha: float = 1.0) -> Tensor:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``. Its derivative at 0 is ``alpha``.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.

    Source: Clevert, Unterthiner and Hochreiter, "Exponential linear units", arXiv:1511.07289.

    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.elu(tg.tensor([-1000.0, 2.0]))
    tensor([-1.,  2.])
    """
    if alpha < 0:  # the sign of the result does not tell that of x
        x = tensor_of(x)
        return where(x > 0, x, expm1(clip(x, None, 0)) * alpha)
    return _elu(x, alpha=float(alpha), width=1.0)  # type: ignore[no-any-return]


@public
def celu(x: Any, /, alpha: float = 1.0) -> Tensor:
    """``x`` where it is positive, else ``alpha * (exp(x / alpha) - 1)``: elu, smooth for any ``alpha``.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.

    Source: Barron, "Continuously differentiable exponential linear units", arXiv:1704.07483.

    Raises ArgumentError unless ``alpha > 0``, DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.celu(tg.tensor([-1000.0, 2.0]), alpha=2.0)
    tensor([-2.,  2.])
    """
    if not alpha > 0:
        raise complain(ArgumentError, "celu", f"expected alpha > 0, got {alpha}", [x], ["x"])
    return _elu(x, alpha=float(alpha), width=float(alpha))  # type: ignore[no-any-return]


@public
def selu(x: Any, /) -> Tensor:
    """``scale * elu(x, alpha)`` with the constants that keep mean 0 and variance 1 from layer to layer.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.

    Source: Klambauer et al., "Self-normalizing neural networks", arXiv:1706.02515.

    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> tg.selu(tg.tensor(1.0))
    tensor(1.050701)
    """
    return elu(x, SELU_ALPHA) * SELU_SCALE


def _softsign_rule(m: Any, g: Any, x: Any) -> Any:
    d = m.abs(x) + 1
    return g / d / d


softsign = elementwise(
    "softsign",
    """``x / (1 + abs(x))``.

    >>> tg.softsign(tg.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """,
    kind="float",
    body=lambda m, x: x / (m.abs(x) + 1),
    x=_softsign_rule,
)
