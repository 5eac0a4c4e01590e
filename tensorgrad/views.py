"""Tensors over one memory: how views know where they look, and how they find out that it was written to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .core.lines import Line
from .core.node import Leaf, Vertex
from .core.report import complain
from .core.state import get_state
from .core.tensor import Tensor, View, make
from .errors import InPlaceError
from .op import Op, bound_of
from .record import record, record_several

__all__ = ["apart", "as_view", "keep_retained", "looks_into", "raise_version", "refresh"]


def looks_into(result: Any, data: Any) -> bool:
    """Whether ``result``, made from ``data`` by a view op, shares its memory: the array library decides by layout."""
    base = result.base
    return result is data or (base is not None and (base is data or base is data.base))


def apart(result: Any, values: Sequence[Any]) -> Any:
    """The result of an op that promises new memory: copied where its body handed out an operand's, which a composition
    does for some parameters (tiling once, say)."""
    if any(hasattr(value, "base") and looks_into(result, value) for value in values):
        return result.copy()
    return result


def as_view(out: Tensor, source: Tensor, op: Op, params: tuple[Any, ...], grad: bool, index: int) -> None:
    """Note that ``out`` looks into ``source``'s memory through ``op`` (its result ``index``, or -1: its only one)."""
    earlier = source._view
    base, steps, sealed, constant = source, (), None, None
    if earlier is not None:
        base, steps, sealed, constant = earlier.base, earlier.steps, earlier.sealed, earlier.constant
    if index >= 0:
        sealed = f"it is one of several views that one {op.name} returned"
    elif not grad:
        sealed = "it was made under no_grad"
    if not grad and constant is None:
        constant = (base._node,)
    out._cell = source._cell
    out._view = View(base, (*steps, (op, params, index)), source._cell[0], sealed, constant, refresh)


def raise_version(x: Tensor, line: Line) -> None:
    """Note that a tensor's memory was written to, and where."""
    cell = x._cell
    cell[0] += 1
    cell[1:] = [line]  # type: ignore[list-item]


def refresh(x: Tensor) -> None:
    """Rebuild a view's node after its base was written to."""
    view = x._view
    assert view is not None
    base = view.base
    vertex: Vertex | None = base._node
    if view.constant is not None:
        if vertex is not view.constant[0] and get_state().grad:
            _refuse_constant(x, base)
        return
    if vertex is not None:
        data = base.data
        for op, params, index in view.steps:
            vertex, data = _view_vertex(op, params, index, vertex, data)
    keep_retained(x._node, vertex)
    x._node = vertex
    view.version = x._cell[0]


def _refuse_constant(x: Tensor, base: Tensor) -> None:
    written = base._cell[1] if len(base._cell) > 1 else None
    raise complain(
        InPlaceError,
        "view",
        "this view was made under no_grad, and a recorded write changed its base afterwards, so whether it has a "
        "history is ambiguous",
        [x, base],
        ["view", "base"],
        places=[("written", written)],  # type: ignore[list-item]
        advice="Make the view again, or use its .detach().",
    )


def _view_vertex(op: Op, params: tuple[Any, ...], index: int, vertex: Vertex, data: Any) -> tuple[Vertex, Any]:
    bound = bound_of(op, data)
    source = make(data, None)
    source._node = vertex
    result = bound.f(data, **dict(zip(op.params, params, strict=True)))
    if index < 0:
        out = make(result, vertex.line)
        return record(bound, (source,), params, (data,), out, (0,)), result
    outs = tuple(make(part, vertex.line) for part in result)
    record_several(bound, (source,), params, (data,), outs, (0,))
    return outs[index]._node, outs[index].data  # type: ignore[return-value]


def keep_retained(old: Vertex | None, new: Vertex | None) -> None:
    """Where ``retain_grad`` was asked of a tensor, it holds for the vertex that a write gave it as well."""
    if new is not None and old is not None and old.hooks is not None and -1 in old.hooks and type(old) is not Leaf:
        hooks = dict(old.hooks)
        new.hooks = {**(new.hooks or {}), -1: hooks.pop(-1)}
        old.hooks = hooks or None
        new.grad, old.grad = old.grad, None
