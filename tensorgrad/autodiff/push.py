"""Forward mode: tangents pushed along a recorded graph, in rank order.

The function runs once; there are no dual numbers. Each node's tangent comes from, in this order: its op's own jvp, the
elementwise rules (linear in ``g``, so they serve both ways), the op itself where it is linear, or its vjp transposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.node import Item, Node, Vertex
from ..core.report import complain
from ..core.state import STATE, Under, get_state
from ..core.tensor import Tensor, make
from ..dtypes import is_floating
from ..errors import GradientError
from ..op import TENSORS
from .saved import as_tensors, check_saved
from .sweep import sweep

__all__ = ["push"]

Tangents = dict[Vertex, Any]


def push(targets: Sequence[Vertex], tangents: Tangents, record: bool) -> list[Any]:
    """The tangents (Tensors) of ``targets``, given those of the vertices where the derivative starts; None for zero."""
    known = dict(tangents)
    with Under(grad=record):
        for node in _between(targets, tangents):
            token = STATE.set(get_state().but(line=node.line))
            try:
                _tangent(node, known)
            finally:
                STATE.reset(token)
    return [known.get(target) for target in targets]


def _between(targets: Sequence[Vertex], starts: Tangents) -> list[Node | Item]:
    """The vertices that lead from ``starts`` to ``targets``, parents first."""
    found: dict[Vertex, None] = {}
    stack = list(targets)
    while stack:
        vertex = stack.pop()
        if vertex in found or vertex in starts or vertex.rank == 0:
            continue
        found[vertex] = None
        parents = (vertex.node,) if isinstance(vertex, Item) else vertex.parents
        stack.extend(parent for parent in parents if parent is not None)
    return sorted((v for v in found if isinstance(v, (Node, Item))), key=lambda v: v.rank)


def _tangent(vertex: Node | Item, known: Tangents) -> None:
    if isinstance(vertex, Item):
        parts = known.get(vertex.node)
        if parts is not None and parts[vertex.index] is not None:
            known[vertex] = parts[vertex.index]
        return
    incoming = [None if parent is None else known.get(parent) for parent in vertex.parents]
    if all(t is None for t in incoming):
        return
    op = vertex.plan.op
    saved = as_tensors(vertex, check_saved(vertex))
    if op.jvp is not None:
        result = op.jvp(TENSORS, incoming, **_named(vertex, saved))
    elif op.elementwise:
        result = _elementwise(vertex, incoming, saved)
    else:
        result = _linear(vertex, incoming, saved)
        if result is None:
            result = _transposed(vertex, incoming, saved)
    known[vertex] = result


def _named(node: Node, saved: tuple[Any, ...]) -> dict[str, Any]:
    """What a node saved, by the names rules use, with its params."""
    op = node.plan.op
    names = dict(zip(op.params, node.params, strict=True))
    for (what, which), value in zip(node.plan.sources, saved, strict=True):
        if what == "out":
            names["out"] = value
        elif what == "input":
            names[op.inputs[which]] = value
        elif what == "rest":
            names[op.inputs[-1]] = value
    return names


def _elementwise(node: Node, incoming: list[Any], saved: tuple[Any, ...]) -> Any:
    total = None
    for i, rule, spec in node.plan.calls:
        t = incoming[i]
        if t is not None:
            part = rule(TENSORS, t, *[saved[k] for k in spec])
            total = part if total is None else total + part
    if total is None:
        return None
    if total.shape != node.shape:
        total = TENSORS.broadcast_to(total, shape=node.shape)
    return total if total.dtype == node.dtype else TENSORS.astype(total, dtype=node.dtype)


def _linear(node: Node, incoming: list[Any], saved: tuple[Any, ...]) -> Any:
    """The op itself on the tangents, where it is linear in them and its other inputs are known; else None."""
    op = node.plan.op
    if op.linear:
        return _linear_term(node, incoming, saved, op.linear)
    total = None
    for name in op.multilinear:
        slots = op.slots(name)
        if all(t is None for t in incoming[slots]):
            continue
        part = _linear_term(node, incoming, saved, (name,))
        if part is None:
            return None
        total = part if total is None else total + part
    return total


def _linear_term(node: Node, incoming: list[Any], saved: tuple[Any, ...], linear: Sequence[str]) -> Any:
    """The op with the inputs named in ``linear`` replaced by their tangents; None if another input was not saved."""
    op = node.plan.op
    given = _named(node, saved)
    args: list[Any] = []
    for name in op.inputs:
        slots = op.slots(name)
        if name in linear:
            filled = [
                _zeros(parent, incoming) if t is None and parent is not None else t
                for t, parent in zip(incoming[slots], node.parents[slots], strict=True)
            ]
            if any(t is None for t in filled):
                return None
            args.append(filled if op.variadic and name == op.inputs[-1] else filled[0])
        elif name in given:
            args.append(given[name])
        elif op.variadic and name == op.inputs[-1] and not node.parents[slots]:
            args.append([])
        else:
            return None
    return op.call(*args, **dict(zip(op.params, node.params, strict=True)))


def _zeros(vertex: Any, incoming: list[Any]) -> Tensor:
    like = next(t for t in incoming if t is not None)
    return TENSORS.zeros(vertex.shape, dtype=vertex.dtype, device=like.device)  # type: ignore[no-any-return]


def _transposed(node: Node, incoming: list[Any], saved: tuple[Any, ...]) -> Any:
    """The jvp as the transpose of the vjp: the vjp is linear in its cotangent ``u``; differentiate it by ``u``."""
    plan = node.plan
    if plan.op.first_order:
        raise complain(
            GradientError,
            "jvp",
            f"{plan.op.name} has no forward-mode derivative: its rule is not written over the namespace m",
            places=[("recorded", node.line)],
        )
    with Under(grad=True):
        several = isinstance(node.dtype, tuple)
        infos = list(zip(node.shape, node.dtype, strict=True)) if several else [(node.shape, node.dtype)]
        like = next(t for t in incoming if t is not None)
        us = [_dummy(shape, dtype, like) if is_floating(dtype) else None for shape, dtype in infos]
        g = us if several else us[0]
        roots = []
        for i, cotangent in _cotangents(node, g, saved):
            t = incoming[i]
            if t is not None and cotangent is not None and cotangent._node is not None:
                roots.append((cotangent, t))
    # Outside the block above: whether this is recorded is the caller's choice.
    roots = [(c._node, t if c.shape == t.shape else TENSORS.broadcast_to(t, shape=c.shape)) for c, t in roots]
    leaves = [u._node for u in us if u is not None and u._node is not None]
    found = sweep(roots, leaves, retain=True, create=True)
    parts = [None if u is None or u._node is None else found.get(u._node) for u in us]
    return parts if several else parts[0]


def _dummy(shape: tuple[int, ...], dtype: Any, like: Tensor) -> Tensor:
    zero = TENSORS.zeros(shape, dtype=dtype, device=like.device)
    return make(zero.data, None).requires_grad_()


def _cotangents(node: Node, g: Any, saved: tuple[Any, ...]) -> list[tuple[int, Any]]:
    plan = node.plan
    if plan.joint:
        ((_, rule, spec),) = plan.calls
        mask = tuple(parent is not None for parent in node.parents)
        return list(enumerate(rule(TENSORS, g, mask, *[saved[k] for k in spec])))
    return [(i, rule(TENSORS, g, *[saved[k] for k in spec])) for i, rule, spec in plan.calls]
