"""The backward sweep: cotangents pushed from results to their origins, in rank order, without recursion.

With the raw namespace it runs on bare arrays. With ``create`` it runs the same rules on Tensors, so that what it
computes is itself differentiable; nothing else differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from heapq import heappop, heappush
from typing import Any

import numpy as np

from ..core.lines import describe
from ..core.node import RELEASED, Item, Leaf, Node, Vertex
from ..core.state import STATE, get_state
from ..core.tensor import Tensor, make
from ..dtypes import is_floating
from ..errors import GradientError, InPlaceError, NaNError
from ..op import TENSORS, Plan

__all__ = ["Roots", "as_tensors", "check_saved", "pull", "restore", "sweep"]

Roots = list[tuple[Vertex, Any]]
_SCALARS = frozenset({np.float16, np.float32, np.float64})


def restore(m: Any, g: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A cotangent brought back to its primal's shape and dtype: summed over what was broadcast, then cast."""
    if g.shape != shape:
        extra = g.ndim - len(shape)
        axes = tuple(range(extra)) + tuple(
            i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1
        )
        if axes:
            g = m.sum(g, axis=axes, keepdims=False)
        if g.shape != shape:
            g = m.reshape(g, shape=shape) if g.size == _size(shape) else m.broadcast_to(g, shape=shape)
    if g.dtype != dtype:
        g = m.astype(g, dtype=dtype)
    return g


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def check_saved(node: Node) -> tuple[Any, ...]:
    """The values a node saved, if they are still there and still what they were."""
    saved = node.saved
    if saved is RELEASED:
        raise GradientError(
            f"backward through {node.name} a second time: the values it saved were released by the first pass\n"
            f"  recorded at {describe(node.line)}\n"
            "  Say backward(retain_graph=True) the first time, or compute the result again."
        )
    version = 0
    for cell in node.cells:
        if cell is not None:
            version += cell[0]
    if version != node.version:
        writes = "\n".join(
            f"  written at {describe(cell[1])}"  # type: ignore[arg-type]
            for cell in node.cells
            if cell is not None and len(cell) > 1
        )
        raise InPlaceError(
            f"a value that {node.name} saved for its derivative was changed in place afterwards\n"
            f"  saved at {describe(node.line)}\n{writes}\n"
            "  Write to a copy, or write before the value is used."
        )
    return saved


def as_tensors(node: Node, saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """Saved values as Tensors that are part of the graph, for rules that record themselves."""
    out = []
    for position, (what, which) in enumerate(node.plan.sources):
        value = saved[position]
        if what == "input":
            out.append(_tensor(value, node.parents[which], node, position))
        elif what == "rest":
            rest = node.parents[node.plan.op.fixed :]
            out.append(tuple(_tensor(v, p, node, -1) for v, p in zip(value, rest, strict=True)))
        elif what == "out" and isinstance(value, tuple):
            out.append(tuple(make(v, node.line) for v in value))
            for index, part in enumerate(out[-1]):
                if is_floating(part.data.dtype):
                    part._node = Item(node, index, part.data.shape, part.data.dtype)
        elif what == "out":
            out.append(_tensor(value, node, node, position))
        else:
            out.append(value)
    return tuple(out)


def _tensor(value: Any, vertex: Vertex | None, node: Node, position: int) -> Any:
    if not hasattr(value, "dtype"):
        return value
    t = make(value, node.line)
    # A promoted operand was cast: its gradient still belongs to the operand.
    t._node = vertex if vertex is None or is_floating(value.dtype) else None
    cell = node.cells[position] if 0 <= position < len(node.cells) else None
    if cell is not None:
        t._cell = cell
    return t


def pull(node: Node, g: Any, needed: Set[Vertex] | None) -> list[tuple[Vertex, Any]]:
    """The cotangents of a node's parents, on bare arrays."""
    saved = node.saved
    version = node.version
    for cell in node.cells:
        if cell is not None:
            version -= cell[0]
    if version or saved is RELEASED:
        saved = check_saved(node)
    plan = node.plan
    m = plan.m
    if plan.joint:
        return _pull_joint(node, plan, m, g, saved, needed)
    scalar = type(g) in _SCALARS  # NumPy computes ten times faster on scalars than on 0-d arrays
    parents = node.parents
    found: list[tuple[Vertex, Any]] = []
    for i, rule, spec in plan.calls:
        parent = parents[i]
        if needed is not None and parent not in needed:
            continue
        if not spec:
            r = rule(m, g)
        elif len(spec) == 1:
            value = saved[spec[0]]
            if scalar and type(value) is np.ndarray and not value.ndim:
                value = value[()]
            r = rule(m, g, value)
        else:
            r = rule(m, g, *[saved[k] for k in spec])
        if r.shape != parent.shape or r.dtype is not parent.dtype:  # type: ignore[union-attr]
            r = restore(m, r, parent.shape, parent.dtype)  # type: ignore[union-attr]
        found.append((parent, r))  # type: ignore[arg-type]
    return found


def pull_recorded(node: Node, g: Any, needed: Set[Vertex] | None) -> list[tuple[Vertex, Any]]:
    """The same on Tensors: what the rules compute is recorded, under the line of the node they differentiate."""
    plan = node.plan
    if plan.op.first_order:
        raise GradientError(
            f"{plan.op.name} has a derivative of first order only: its rule is not written over the namespace m\n"
            f"  recorded at {describe(node.line)}"
        )
    saved = as_tensors(node, check_saved(node))
    token = STATE.set(get_state().but(line=node.line))
    try:
        if plan.joint:
            return _pull_joint(node, plan, TENSORS, g, saved, needed)
        found: list[tuple[Vertex, Any]] = []
        for i, rule, spec in plan.calls:
            parent = node.parents[i]
            if parent is not None and (needed is None or parent in needed):
                r = rule(TENSORS, g, *[saved[k] for k in spec])
                found.append((parent, restore(TENSORS, r, parent.shape, parent.dtype)))
        return found
    finally:
        STATE.reset(token)


def _pull_joint(
    node: Node, plan: Plan, m: Any, g: Any, saved: tuple[Any, ...], needed: Set[Vertex] | None
) -> list[tuple[Vertex, Any]]:
    mask = tuple(p is not None and (needed is None or p in needed) for p in node.parents)
    ((_, rule, spec),) = plan.calls
    cotangents = rule(m, g, mask, *[saved[k] for k in spec])
    return [
        (parent, restore(m, r, parent.shape, parent.dtype))
        for parent, r, wanted in zip(node.parents, cotangents, mask, strict=True)
        if wanted and r is not None and parent is not None
    ]


def sweep(
    roots: Roots,
    collect: Iterable[Vertex] | None = None,
    *,
    retain: bool = False,
    create: bool = False,
    barrier: bool = False,
) -> dict[Vertex, Any]:
    """Push cotangents back from ``roots``; return the complete cotangent of each leaf reached.

    With ``collect``, those of the collected vertices instead, differentiating only what leads to them. Cotangents
    are bare arrays, or with ``create`` Tensors (recorded if grad mode is on); nobody else holds their memory. With
    ``barrier`` nothing is pushed past a collected vertex.
    """
    wanted = frozenset() if collect is None else frozenset(collect)
    needed = None if collect is None else _leading_to(roots, wanted, barrier)
    found: dict[Vertex, Any] = {}
    pending: dict[Vertex, Any] = {}
    heap: list[tuple[int, int, Vertex]] = []
    owned: set[Vertex] = set()  # their pending buffer was allocated here, so it may be added to in place
    shared = {vertex for vertex, _ in roots}  # their pending buffer may be held elsewhere
    order = _seed(roots, needed, pending, heap)
    step = pull_recorded if create else pull
    check = get_state().nan
    while heap:
        vertex = heappop(heap)[2]
        g = pending.pop(vertex)
        if vertex.hooks is not None:
            g = _run_hooks(vertex, g, create)
            shared.add(vertex)
        if vertex in wanted:
            found[vertex] = g
            if barrier:
                continue
            shared.add(vertex)
        if type(vertex) is not Node:
            order = _pass_on(vertex, g, pending, heap, order, found)
            continue
        for parent, r in step(vertex, g, needed):
            if check:
                _check_nan(vertex, r)
            if parent not in pending:
                pending[parent] = r
                order += 1
                heappush(heap, (-parent.rank, order, parent))
                if r is g or (r._view if create else r.base) is not None:
                    shared.add(parent)
            elif parent in owned:
                pending[parent] += r
            else:
                pending[parent] = pending[parent] + r
                if not create:
                    owned.add(parent)
                    shared.discard(parent)
        if not retain:
            vertex.saved = RELEASED
    if collect is not None:
        found = {vertex: found[vertex] for vertex in found if vertex in wanted}
    own = _own_tensor if create else _own
    return {vertex: own(g, vertex in shared) for vertex, g in found.items()}


def _seed(
    roots: Roots, needed: Set[Vertex] | None, pending: dict[Vertex, Any], heap: list[tuple[int, int, Vertex]]
) -> int:
    for order, (vertex, g) in enumerate(roots):
        if needed is not None and vertex not in needed:
            continue
        if vertex in pending:
            pending[vertex] = pending[vertex] + g
        else:
            pending[vertex] = g
            heappush(heap, (-vertex.rank, order, vertex))
    return len(roots)


def _pass_on(
    vertex: Leaf | Item,
    g: Any,
    pending: dict[Vertex, Any],
    heap: list[tuple[int, int, Vertex]],
    order: int,
    found: dict[Vertex, Any],
) -> int:
    """Keep a leaf's cotangent; hand that of one output to its node, which waits for those of the others."""
    if type(vertex) is Leaf:
        found[vertex] = g
        return order
    assert type(vertex) is Item
    item, node = vertex, vertex.node
    if node not in pending:
        pending[node] = [None] * len(node.shape)
        order += 1
        heappush(heap, (-node.rank, order, node))
    parts = pending[node]
    parts[item.index] = g if parts[item.index] is None else parts[item.index] + g
    return order


def _own(g: Any, shared: bool) -> Any:
    if type(g) is not np.ndarray and isinstance(g, np.generic):
        return np.asarray(g)
    return g.copy() if shared else g


def _own_tensor(g: Tensor, shared: bool) -> Tensor:
    return TENSORS.copy(g) if shared else g  # type: ignore[no-any-return]


def _leading_to(roots: Roots, wanted: Set[Vertex], barrier: bool) -> Set[Vertex]:
    """The vertices from which a wanted one can be reached."""
    needed = set(wanted)
    seen: set[Vertex] = set()
    stack: list[tuple[Vertex, bool]] = [(vertex, False) for vertex, _ in roots]
    while stack:
        vertex, done = stack.pop()
        parents = (vertex.node,) if type(vertex) is Item else vertex.parents
        if barrier and vertex in wanted:
            continue
        if done:
            if any(parent in needed for parent in parents):
                needed.add(vertex)
        elif vertex not in seen:
            seen.add(vertex)
            stack.append((vertex, True))
            stack.extend((parent, False) for parent in parents if parent is not None and parent not in seen)
    return needed


def _run_hooks(vertex: Vertex, g: Any, create: bool) -> Any:
    if isinstance(g, list):
        return g
    for key, hook in sorted((vertex.hooks or {}).items()):
        t = g if isinstance(g, Tensor) else make(_own(g, True), vertex.line)
        if key == -1:
            vertex.grad = t if vertex.grad is None else vertex.grad + t
            continue
        answer = hook(t)
        if answer is not None:
            if not isinstance(answer, Tensor) or answer.shape != vertex.shape:
                raise GradientError(
                    f"a gradient hook must return None or a tensor of shape {list(vertex.shape)}, got {answer!r}"
                )
            g = answer if create else answer.data
    return g


def _check_nan(node: Node, r: Any) -> None:
    data = r.data if isinstance(r, Tensor) else r
    if bool((data != data).any()):
        raise NaNError(
            f"the derivative of {node.name} is the first to contain NaN\n  recorded at {describe(node.line)}"
        )
