"""Activation functions made of pieces: relu and its kin, exponential ones (elu, celu, selu), straight-line copies of
smooth ones. Their kinks follow PyTorch. Where the result's sign tells that of ``x`` only the result is kept.
"""

from __future__ import annotations

from typing import Any

from ..core.report import complain
from ..core.tensor import Tensor
from ..define import elementwise, public
from ..errors import ArgumentError
from .functions import expm1
from .halves import NOTHING, in_single
from .reduction import tensor_of
from .selection import clip, where

__all__ = [
    "celu", "elu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "relu", "relu6", "selu", "softsign",
]  # fmt: skip

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717

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
