"""Binary cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..define import elementwise

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]


def _arrays(m: Any, x: Any, z: Any) -> tuple[Any, Any]:
    """Both as arrays: a number beside an array takes its dtype, before a function makes a double of it."""
    if not hasattr(x, "dtype"):
        return m.xp.asarray(x, dtype=z.dtype), z
    return x, z if hasattr(z, "dtype") else m.xp.asarray(z, dtype=x.dtype)


def _logits_body(m: Any, x: Any, z: Any) -> Any:
    x, z = _arrays(m, x, z)
    return (1 - z) * x + m.maximum(-x, 0) + m.log1p(m.exp(-m.abs(x)))


binary_cross_entropy_with_logits = elementwise(
    "binary_cross_entropy_with_logits",
    """``-z log s(x) - (1 - z) log(1 - s(x))`` for the sigmoid ``s``: the loss of a yes-or-no answer, by element.

    ``x`` are scores, ``z`` targets from 0 to 1; their shapes broadcast, integers become floating. Computed without
    overflow from ``(1 - z) x + log(1 + exp(-x))``. Both have derivatives.

    >>> import tensorgrad as tg
    >>> tg.binary_cross_entropy_with_logits(tg.tensor([0.0, 1000.0]), tg.tensor([1.0, 1.0]))
    tensor([0.6931472, 0.       ])
    """,
    kind="float",
    body=_logits_body,
    x=lambda m, g, x, z: g * (m.sigmoid(x) - z),
    z=lambda m, g, x: -g * x,
)


def _log_from(m: Any, x: Any) -> Any:
    """``log(x)``, never below -100: as PyTorch, so that a loss of certainty gone wrong stays finite."""
    nothing = x <= 0
    return m.where(nothing, -100.0, m.maximum(m.log(m.where(nothing, 1, x)), -100.0))


def _probabilities_body(m: Any, x: Any, z: Any) -> Any:
    x, z = _arrays(m, x, z)
    return -(z * _log_from(m, x) + (1 - z) * _log_from(m, 1 - x))


FLAT = float(np.float32(1e-12))
"""The least ``x (1 - x)`` that counts in the derivative: PyTorch's, a number of single precision."""

binary_cross_entropy = elementwise(
    "binary_cross_entropy",
    """``-z log x - (1 - z) log(1 - x)`` for probabilities ``x``, element by element.

    Logarithms count as -100 below that, so the loss is finite at 0 and 1, where its derivative is that of the nearest
    ``x`` with ``x (1 - x) = 1e-12``. ``binary_cross_entropy_with_logits`` is faster and more exact.

    >>> import tensorgrad as tg
    >>> tg.binary_cross_entropy(tg.tensor([0.5, 0.0]), tg.tensor([1.0, 1.0]))
    tensor([  0.6931472, 100.       ])
    """,
    kind="float",
    body=_probabilities_body,
    x=lambda m, g, x, z: g * (x - z) / m.maximum(x * (1 - x), FLAT),
    z=lambda m, g, x: g * (_log_from(m, 1 - x) - _log_from(m, x)),
)
