"""Smooth activation functions. Each keeps one array for its derivative: its result if that is enough, else its operand.

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
from .halves import NOTHING, in_single
from .special import TWO_OVER_SQRT_PI

__all__ = ["gelu", "log_sigmoid", "mish", "sigmoid", "silu", "softplus"]


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
