"""Initial values, written into a tensor in place: PyTorch's names, distributions and defaults.

Random ones come from ``generator``, the library's own default generator if None. Each function returns its tensor.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.generator import Generator
from ..core.state import Under
from ..core.tensor import Tensor
from ..errors import ArgumentError, ShapeError
from ..ops.axes import size_of
from ..ops.creation import tensor
from ..ops.random import rand, randn
from ..ops.update import assign

__all__ = [
    "calculate_gain", "constant_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "orthogonal_",
    "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

_GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
_LINEAR = ("linear", "identity", "sigmoid", "conv1d", "conv2d", "conv3d")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through an activation: 1 for linear ones, sqrt(2) for relu, 5/3 for tanh.

    ``param`` is leaky_relu's slope (0.01).

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity in _LINEAR:
        return 1.0
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else float(param)) ** 2))
    if nonlinearity not in _GAINS:
        known = ", ".join([*_LINEAR, "leaky_relu", *_GAINS])
        raise ArgumentError(f"no gain is known for {nonlinearity!r}: expected one of {known}")
    return _GAINS[nonlinearity]


def _write(t: Tensor, value: Any) -> Tensor:
    with Under(grad=False):
        return assign(t, value)


def uniform_(t: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform from ``a`` up to ``b``.

    >>> import tensorgrad as tg
    >>> bool((tg.nn.init.uniform_(tg.zeros(100), 2.0, 3.0) >= 2).all())
    True
    """
    with Under(grad=False):
        drawn = rand(t.shape, generator=generator, dtype=t.dtype, device=t.device)
        return assign(t, drawn * (b - a) + a)


def normal_(t: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with this mean and standard deviation."""
    with Under(grad=False):
        drawn = randn(t.shape, generator=generator, dtype=t.dtype, device=t.device)
        return assign(t, drawn * std + mean)


def trunc_normal_(
    t: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> Tensor:
    """Normal, cut off outside ``[a, b]``, by the inverse of the distribution function."""
    from scipy.special import ndtr, ndtri

    low, high = ndtr((a - mean) / std), ndtr((b - mean) / std)
    unit = rand(t.shape, generator=generator, dtype="float64").numpy()
    values = np.clip(ndtri(low + unit * (high - low)) * std + mean, a, b)
    return _write(t, tensor(values.astype(t.dtype), device=t.device))


def constant_(t: Tensor, val: float) -> Tensor:
    """Every element ``val``."""
    return _write(t, val)


def ones_(t: Tensor) -> Tensor:
    """Every element 1."""
    return _write(t, 1.0)


def zeros_(t: Tensor) -> Tensor:
    """Every element 0."""
    return _write(t, 0.0)


def eye_(t: Tensor) -> Tensor:
    """1 on the diagonal of a matrix, 0 elsewhere."""
    if t.ndim != 2:
        raise ShapeError(f"eye_: expected a matrix, got shape {list(t.shape)}")
    return _write(t, tensor(np.eye(*t.shape, dtype=t.dtype), device=t.device))


def _fans(t: Tensor) -> tuple[int, int]:
    """Connections into and out of a unit: (in, out), times the receptive field for more than two axes."""
    if t.ndim < 2:
        raise ShapeError(f"fan in and fan out need at least two axes (out, in, ...), got shape {list(t.shape)}")
    field = size_of(t.shape[2:])
    return t.shape[1] * field, t.shape[0] * field


def xavier_uniform_(t: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform within ``gain * sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6.0 / (sum(_fans(t)) or 1))
    return uniform_(t, -bound, bound, generator)


def xavier_normal_(t: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))`` (Glorot and Bengio, 2010)."""
    return normal_(t, 0.0, gain * math.sqrt(2.0 / (sum(_fans(t)) or 1)), generator)


def _kaiming(t: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = _fans(t)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan or 1)


def kaiming_uniform_(
    t: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform within ``gain * sqrt(3 / fan)`` (He et al., 2015); ``a`` is leaky_relu's slope."""
    bound = math.sqrt(3.0) * _kaiming(t, a, mode, nonlinearity)
    return uniform_(t, -bound, bound, generator)


def kaiming_normal_(
    t: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with standard deviation ``gain / sqrt(fan)`` (He et al., 2015); ``a`` is leaky_relu's slope."""
    return normal_(t, 0.0, _kaiming(t, a, mode, nonlinearity), generator)


def orthogonal_(t: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Rows (or columns, whichever are fewer) orthonormal, times ``gain`` (Saxe, McClelland and Ganguli, 2014).

    Axes after the first count as one. Drawn evenly from the orthogonal group: Q of a normal matrix, signs fixed.
    """
    if t.ndim < 2:
        raise ShapeError(f"orthogonal_: expected at least two axes, got shape {list(t.shape)}")
    rows, columns = t.shape[0], size_of(t.shape[1:])
    drawn = randn(max(rows, columns), min(rows, columns), generator=generator, dtype="float64").numpy()
    q, r = np.linalg.qr(drawn)
    q *= np.sign(np.diagonal(r))
    q = (q if rows >= columns else q.T) * gain
    return _write(t, tensor(q.reshape(t.shape).astype(t.dtype), device=t.device))
