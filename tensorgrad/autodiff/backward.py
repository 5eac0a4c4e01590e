"""``backward`` and ``autograd.grad``: reverse mode as PyTorch spells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.node import Leaf, Vertex
from ..core.report import complain
from ..core.state import Under, get_state
from ..core.tensor import Tensor, make
from ..errors import DeviceError, DTypeError, GradientError, ShapeError
from ..op import TENSORS
from ..views import refresh
from .sweep import Roots, sweep

__all__ = ["backward", "grad", "run", "vertex_of"]


def backward(
    tensor: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Differentiate this tensor with respect to every leaf it was computed from; add the results to their ``.grad``.

    Parameters:
        gradient: the cotangent to start from, of this tensor's shape, dtype and device; may be left out for a
            tensor of one element, where it is 1.
        retain_graph: keep what was saved, so that backward can run again. Default: ``create_graph``.
        create_graph: record the derivative's own computation, so that it can be differentiated.
        inputs: accumulate into these leaves only.

    Raises:
        GradientError: the tensor was computed from no tensor that requires a gradient, has several elements and no
            ``gradient`` was given, or its graph was released by an earlier pass.
        ShapeError, DTypeError, DeviceError: ``gradient`` does not match this tensor.

    Nothing is added to any ``.grad`` unless the whole pass succeeds.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x ** 2).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """
    roots = [(vertex_of(tensor, "backward"), _seed(tensor, gradient, "backward"))]
    collect = None
    if inputs is not None:
        collect = [vertex_of(x, "backward(inputs=...)") for x in inputs]
        for x, vertex in zip(inputs, collect, strict=True):
            if not isinstance(vertex, Leaf):
                message = "inputs= accumulates into leaves; this one was computed"
                raise complain(GradientError, "backward", message, [x], ["input"])
    found = run(roots, collect, retain_graph, create_graph)
    for vertex, g in found.items():
        _accumulate(vertex, g, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, returned; no ``.grad`` is touched.

    ``inputs`` may be any tensors of the graph, not only leaves. An input that the outputs do not depend on raises
    GradientError, unless ``allow_unused`` (its gradient is None) or ``materialize_grads`` (zeros). The rest is as
    in ``backward``.

    >>> import tensorgrad as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> (g,) = tg.autograd.grad(x ** 3, x, create_graph=True)
    >>> g.item(), tg.autograd.grad(g, x)[0].item()
    (27.0, 18.0)
    """
    outs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    seeds: list[Any] = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs or [None] * len(outs))
    if len(seeds) != len(outs):
        message = f"{len(outs)} outputs need as many grad_outputs, got {len(seeds)}"
        raise complain(ShapeError, "grad", message, outs, ["outputs"])
    roots = [(vertex_of(o, "grad"), _seed(o, s, "grad")) for o, s in zip(outs, seeds, strict=True)]
    vertices = [vertex_of(x, "grad with respect to") for x in ins]
    found = run(roots, vertices, retain_graph, create_graph)
    answers: list[Any] = []
    for position, (x, vertex) in enumerate(zip(ins, vertices, strict=True)):
        g = found.get(vertex)
        if g is None:
            if not (allow_unused or materialize_grads):
                raise complain(
                    GradientError,
                    "grad",
                    f"the outputs do not depend on input {position}",
                    [x],
                    [f"input {position}"],
                    advice="Say allow_unused=True to get None for it."
                    + ("" if retain_graph or create_graph else " What the graph had saved was released by this pass."),
                )
            answers.append(TENSORS.zeros_like(x) if materialize_grads else None)
        else:
            answers.append(g if isinstance(g, Tensor) else make(g, vertex.line))
    return tuple(answers)


def run(
    roots: Roots,
    collect: Sequence[Vertex] | None,
    retain_graph: bool | None,
    create_graph: bool,
    barrier: bool = False,
) -> dict[Vertex, Any]:
    """The sweep under the state it needs: recorded for ``create_graph``, visible to a capture, else on bare arrays."""
    retain = create_graph if retain_graph is None else retain_graph
    if create_graph:
        with Under(grad=True):
            return sweep([(v, _tensor(g)) for v, g in roots], collect, retain=retain, create=True, barrier=barrier)
    if get_state().capture is not None:
        with Under(grad=False):
            return sweep([(v, _tensor(g)) for v, g in roots], collect, retain=retain, create=True, barrier=barrier)
    bare = [(v, g.data if isinstance(g, Tensor) else g) for v, g in roots]
    return sweep(bare, collect, retain=retain, barrier=barrier)


def _tensor(g: Any) -> Tensor:
    if isinstance(g, Tensor):
        return g
    return TENSORS.full(g.shape, fill_value=1.0, dtype=g.dtype, device=None) if g.ndim == 0 else make(g, None)


def vertex_of(tensor: Any, what: str) -> Vertex:
    """The vertex of a tracked tensor, brought up to date if it is a view whose base was written to."""
    if not isinstance(tensor, Tensor):
        raise complain(DTypeError, what, f"expected a Tensor, got {type(tensor).__name__}", [tensor], ["tensor"])
    if tensor._view is not None and tensor._view.version != tensor._cell[0]:
        refresh(tensor)
    vertex = tensor._node
    if vertex is None:
        raise complain(
            GradientError,
            what,
            "this tensor does not depend on any that requires a gradient; call .requires_grad_() on the inputs, and "
            "compute it outside no_grad()",
            [tensor],
            ["tensor"],
        )
    return vertex


def _seed(tensor: Tensor, gradient: Any, what: str) -> Any:
    data = tensor.data
    if gradient is None:
        if data.size != 1:
            raise complain(
                GradientError,
                what,
                f"only a tensor of one element has a gradient by itself; this one has shape {list(tensor.shape)}. "
                "Reduce it, for example with .sum(), or pass the cotangent as gradient=",
                [tensor],
                ["tensor"],
            )
        if type(data) is np.ndarray and not data.ndim:
            return data.dtype.type(1)
        return TENSORS.ones_like(tensor.detach())
    if not isinstance(gradient, Tensor):
        gradient = TENSORS.tensor(gradient, dtype=tensor.dtype)
    if gradient.shape != tensor.shape:
        raise complain(
            ShapeError,
            what,
            f"gradient must have the tensor's shape {list(tensor.shape)}, got {list(gradient.shape)}",
            [tensor, gradient],
            ["tensor", "gradient"],
        )
    if gradient.dtype != tensor.dtype:
        raise complain(
            DTypeError,
            what,
            f"gradient must have the tensor's dtype {tensor.dtype}, got {gradient.dtype}",
            [tensor, gradient],
            ["tensor", "gradient"],
        )
    if gradient.device != tensor.device:
        raise complain(
            DeviceError,
            what,
            f"gradient must be on {tensor.device}, got {gradient.device}",
            [tensor, gradient],
            ["tensor", "gradient"],
        )
    return gradient


def _accumulate(vertex: Vertex, g: Any, create: bool) -> None:
    fresh = g if isinstance(g, Tensor) else make(g, vertex.line)
    old = vertex.grad
    if old is None:
        vertex.grad = fresh
    elif create or old._node is not None:
        vertex.grad = old + fresh
    else:
        TENSORS.accumulate(old, fresh.detach())
