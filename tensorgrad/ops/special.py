"""Special functions: the error functions, gamma and its logarithmic derivatives, entropy's product, logit.

The values come from SciPy on the CPU and from CuPy's copy of it on a GPU, imported when first used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..core.report import complain
from ..core.tensor import Tensor
from ..define import elementwise, public
from ..dtypes import is_scalar
from ..errors import ArgumentError
from .halves import in_single
from .selection import clip

__all__ = ["digamma", "erf", "erfc", "erfinv", "lgamma", "logit", "polygamma", "sinc", "xlogy"]

TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)


def _special(name: str) -> Callable[..., Any]:
    """The body of an op of one input that the special functions' library has. Half precision comes back as such."""
    return lambda m, x: getattr(m.backend.special, name)(x).astype(x.dtype, copy=False)


def bell(m: Any, x: Any) -> Any:
    """``exp(-x**2)`` for any ``x``: past 30 it is 0 in every type, and is not squared."""
    x = m.clip(x, -30.0, 30.0)
    return m.exp(x * -x)


erf = elementwise(
    "erf",
    """The error function, ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to ``x``.

    >>> tg.erf(tg.tensor([0.0, float("inf")]))
    tensor([0., 1.])
    """,
    kind="float",
    body=_special("erf"),
    x=lambda m, g, x: g * (bell(m, x) * TWO_OVER_SQRT_PI),
)

erfc = elementwise(
    "erfc",
    """``1 - erf(x)``, exact also where ``x`` is large.

    >>> tg.erfc(tg.tensor([0.0, float("inf")]))
    tensor([1., 0.])
    """,
    kind="float",
    body=_special("erfc"),
    x=lambda m, g, x: g * (bell(m, x) * -TWO_OVER_SQRT_PI),
)

erfinv = elementwise(
    "erfinv",
    """The inverse of erf; NaN outside [-1, 1].

    >>> tg.erfinv(tg.tensor([0.0, 1.0]))
    tensor([ 0., inf])
    """,
    kind="float",
    body=_special("erfinv"),
    x=lambda m, g, out: g * (m.exp(out * out) / TWO_OVER_SQRT_PI),
)

lgamma = elementwise(
    "lgamma",
    """The logarithm of the absolute value of the gamma function: ``log((x - 1)!)`` for positive whole numbers.

    >>> round(tg.lgamma(tg.tensor(5.0)).exp().item(), 3)
    24.0
    """,
    kind="float",
    body=_special("gammaln"),
    x=lambda m, g, x: g * m.digamma(x),
)

digamma = elementwise(
    "digamma",
    """The derivative of ``lgamma``.

    >>> round(tg.digamma(tg.tensor(1.0)).item(), 4)
    -0.5772
    """,
    kind="float",
    body=_special("digamma"),
    x=lambda m, g, x: g * m.polygamma(x, n=1),
)

_polygamma = elementwise(
    "polygamma",
    "The derivative of order ``n`` of digamma.",
    inputs="x",
    params="n",
    kind="float",
    body=lambda m, x, n: m.backend.special.polygamma(n, x).astype(x.dtype, copy=False) if n else m.digamma(x),
    x=lambda m, g, x, n: g * m.polygamma(x, n=n + 1),
)


@public
def polygamma(n: int, x: Any, /) -> Tensor:
    """The derivative of order ``n`` of ``digamma``, for ``n`` from 0.

    Any shape. Integers and booleans are computed in the default floating type, float32; other types are kept.

    Raises ArgumentError for a negative ``n``, DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> round(tg.polygamma(1, tg.tensor(1.0)).item(), 4)
    1.6449
    """
    if n < 0:
        raise complain(ArgumentError, "polygamma", f"expected an order n of 0 or more, got {n}", [x], ["x"])
    return _polygamma(x, n=int(n))  # type: ignore[no-any-return]


def _xlogy_body(m: Any, a: Any, b: Any) -> Any:
    # The library takes a number for an array of float64, and has no half precision.
    if is_scalar(a):
        a = m.xp.asarray(a, dtype=b.dtype)
    elif is_scalar(b):
        b = m.xp.asarray(b, dtype=a.dtype)
    out = m.backend.special.xlogy(a, b)
    return out.astype(a.dtype, copy=False) if a.dtype == b.dtype else out


def _xlogy_second(m: Any, g: Any, a: Any, b: Any) -> Any:
    return g * (a / m.where(m.logical_and(a == 0, b == 0), 1, b))


xlogy = elementwise(
    "xlogy",
    """``a * log(b)``, and 0 where ``a`` is 0, unless ``b`` is NaN.

    Where both are 0 both derivatives are 0.

    >>> tg.xlogy(tg.tensor([0.0, 2.0]), tg.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """,
    kind="float",
    body=_xlogy_body,
    a=lambda m, g, a, b: m.gate(m.logical_not(m.logical_and(a == 0, b <= 0)), m.xlogy(g, b)),
    b=_xlogy_second,
)

_logit = elementwise(
    "logit",
    "``log(x / (1 - x))``.",
    kind="float",
    body=lambda m, x: m.log(x / (1 - x)),
    x=lambda m, g, x: g / (x * (1 - x)),
)


@public
def logit(x: Any, /, eps: float | None = None) -> Tensor:
    """``log(x / (1 - x))``, the inverse of sigmoid; NaN outside [0, 1].

    With ``eps``, ``x`` is clipped to [eps, 1 - eps] first. Any shape. Integers and booleans are computed in the default
    floating type, float32; other types are kept.

    Raises DTypeError for what is no tensor, array or number.

    >>> import tensorgrad as tg
    >>> round(tg.logit(tg.sigmoid(tg.tensor(2.0))).item(), 4)
    2.0
    """
    return _logit(x if eps is None else clip(x, eps, 1 - eps))  # type: ignore[no-any-return]


@in_single
def _sinc_body(m: Any, x: Any, n: int) -> Any:
    """The ``n``-th derivative of sinc: by its power series next to 0, by recurrence beyond, where that is stable."""
    z = x * math.pi
    edge = n + 2
    near = m.abs(z) < edge
    value = m.where(near, _sinc_series(m.where(near, z, 0), n), _sinc_recurrence(m, m.where(near, edge, z), n))
    return value * math.pi**n


def _sinc_series(z: Any, n: int) -> Any:
    """The sum of ``(-1)**j * z**p / (p! * (2j + 1))`` with ``p = 2j - n``."""
    j = (n + 1) // 2
    p = 2 * j - n
    term = z * 0 + (-1) ** j if p == 0 else z * (-1) ** j
    total = term / (2 * j + 1)
    for _ in range(12 + 2 * n):
        term = term * z * z / -((p + 1) * (p + 2))
        j, p = j + 1, p + 2
        total = total + term / (2 * j + 1)
    return total


def _sinc_recurrence(m: Any, z: Any, n: int) -> Any:
    """From ``(z * f)`` differentiated ``k`` times: ``z * f_k + k * f_(k-1)`` is that derivative of the sine."""
    sine, cosine = m.sin(z), m.cos(z)
    value = sine / z
    for k in range(1, n + 1):
        value = ((sine, cosine, -sine, -cosine)[k % 4] - value * k) / z
    return value


elementwise(
    "sinc_derivative",
    "The derivative of order ``n`` of sinc.",
    inputs="x",
    params="n",
    kind="float",
    body=_sinc_body,
    x=lambda m, g, x, n: g * m.sinc_derivative(x, n=n + 1),
)

sinc = elementwise(
    "sinc",
    """``sin(pi * x) / (pi * x)``, and 1 at 0.

    >>> tg.sinc(tg.tensor(0.0))
    tensor(1.)
    """,
    kind="float",
    body=lambda m, x: m.sinc_derivative(x, n=0),
    x=lambda m, g, x: g * m.sinc_derivative(x, n=1),
)
