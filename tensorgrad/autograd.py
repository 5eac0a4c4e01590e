"""Reverse mode as PyTorch spells it: ``tg.autograd.grad(outputs, inputs)`` and ``tg.autograd.backward(tensors)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .autodiff import backward as _reverse
from .autodiff.backward import grad
from .core.node import Leaf, Vertex
from .core.report import made_at
from .core.tensor import Tensor
from .errors import GradientError, ShapeError
from .modes import detect_nan, enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["backward", "detect_nan", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Differentiate several tensors in one sweep, adding to the ``.grad`` of the leaves they were computed from.

    Parameters:
        tensors: what to differentiate.
        grad_tensors: their cotangents, one for each; None where a tensor has one element (then it is 1).
        retain_graph, create_graph, inputs: as in ``Tensor.backward``.

    Raises ShapeError if there are not as many cotangents as tensors; the rest as ``Tensor.backward``.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> tg.autograd.backward([x.sum(), (x * x).sum()])
    >>> x.grad
    tensor([3., 5.])
    """
    outs = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    seeds: list[Any]
    if grad_tensors is None:
        seeds = [None] * len(outs)
    else:
        seeds = [grad_tensors] if isinstance(grad_tensors, Tensor) else list(grad_tensors)
    if len(seeds) != len(outs):
        raise ShapeError(f"autograd.backward: {len(outs)} tensors need as many grad_tensors, got {len(seeds)}")
    what = "autograd.backward"
    roots = [(_reverse.vertex_of(o, what), _reverse._seed(o, s, what)) for o, s in zip(outs, seeds, strict=True)]
    leaves = None if inputs is None else _leaves([inputs] if isinstance(inputs, Tensor) else inputs)
    for vertex, g in _reverse.run(roots, leaves, retain_graph, create_graph).items():
        _reverse._accumulate(vertex, g, create_graph)


def _leaves(inputs: Sequence[Tensor]) -> list[Vertex]:
    found = [_reverse.vertex_of(x, "autograd.backward(inputs=...)") for x in inputs]
    for x, vertex in zip(inputs, found, strict=True):
        if not isinstance(vertex, Leaf):
            raise GradientError(f"autograd.backward(inputs=...) accumulates into leaves; got one made at {made_at(x)}")
    return found
