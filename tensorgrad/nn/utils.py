"""What training loops do to gradients and parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..core.state import Under, get_state
from ..core.tensor import Tensor
from ..errors import GradientError, ShapeError
from ..op import TENSORS
from ..ops.creation import tensor
from ..ops.update import assign, inplace

__all__ = ["clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "vector_to_parameters"]


def _grads(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad.detach() for p in found if p.grad is not None]


def get_total_norm(tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0) -> Tensor:
    """The p-norm of all elements together; ``math.inf``: the largest magnitude. 0 of nothing."""
    arrays = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not arrays:
        return tensor(0.0)
    with Under(grad=False):
        parts = [_all(_power(t, norm_type), norm_type) for t in arrays]
        total = parts[0]
        for part in parts[1:]:
            total = TENSORS.maximum(total, part) if norm_type == math.inf else total + part
        if norm_type == math.inf:
            return total
        return TENSORS.sqrt(total) if norm_type == 2 else total ** (1 / norm_type)


def _power(t: Tensor, p: float) -> Tensor:
    if p == 2:
        return TENSORS.multiply(t, t)  # type: ignore[no-any-return]
    magnitude = TENSORS.abs(t)
    return magnitude if p in (1, math.inf) else magnitude**p  # type: ignore[no-any-return]


def _all(t: Tensor, p: float) -> Tensor:
    reduce = TENSORS.max if p == math.inf else TENSORS.sum
    return reduce(t, axis=tuple(range(t.ndim)), keepdims=False)  # type: ignore[no-any-return]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients together, in place, so that their norm is at most ``max_norm``; returns the norm before.

    Raises GradientError with ``error_if_nonfinite`` for a norm that is infinite or NaN; nothing is changed then.
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013.

    >>> import tensorgrad as tg
    >>> p = tg.nn.Parameter(tg.tensor([3.0, 4.0])); p.grad = tg.tensor([3.0, 4.0])
    >>> tg.nn.utils.clip_grad_norm_([p], 1.0).item(), [round(g, 3) for g in p.grad.tolist()]
    (5.0, [0.6, 0.8])
    """
    grads = _grads(parameters)
    total = get_total_norm(grads, norm_type)
    if error_if_nonfinite and get_state().capture is None and not math.isfinite(float(total)):
        raise GradientError(f"the gradients' total norm is {float(total)}: they cannot be scaled to {max_norm}")
    with Under(grad=False):
        factor = TENSORS.minimum(max_norm / (total + 1e-6), 1.0)
        for g in grads:
            inplace("multiply", g, factor if factor.dtype == g.dtype else TENSORS.astype(factor, dtype=g.dtype))
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bring every gradient's elements between ``-clip_value`` and ``clip_value``, in place."""
    with Under(grad=False):
        for g in _grads(parameters):
            assign(g, TENSORS.minimum(TENSORS.maximum(g, -float(clip_value)), float(clip_value)))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters in one vector, in order."""
    return TENSORS.concat([TENSORS.reshape(p, shape=(p.size,)) for p in parameters], axis=0)  # type: ignore[no-any-return]


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a vector's parts into the parameters, in order. Raises ShapeError where the lengths differ."""
    targets: list[Any] = list(parameters)
    length = sum(p.size for p in targets)
    if vec.shape != (length,):
        raise ShapeError(f"expected a vector of {length} elements for these parameters, got shape {list(vec.shape)}")
    start = 0
    with Under(grad=False):
        for p in targets:
            assign(p, TENSORS.reshape(vec.detach()[start : start + p.size], shape=p.shape))
            start += p.size
