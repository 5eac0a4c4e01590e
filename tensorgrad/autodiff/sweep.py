"""The backward sweep: cotangents pushed from results to their origins, in rank order, without recursion.

``Bare`` runs the rules on bare arrays, with the raw namespace. ``Recorded`` runs the same rules on Tensors, so that
what it computes is itself differentiable (or visible to a capture); nothing else differs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Set
from heapq import heappop, heappush
from typing import Any, TypeAlias, final

import numpy as np

from ..core.node import RELEASED, Item, Node, Vertex
from ..core.state import STATE, get_state
from ..core.tensor import Tensor, make
from ..op import TENSORS, Plan
from .faults import bad_hook_result, first_nan, first_order_only, given_nan, rule_failed, stopped
from .saved import as_tensors, check_saved, restore

__all__ = ["Roots", "sweep"]

Roots: TypeAlias = list[tuple[Vertex, Any]]
_SCALARS = frozenset({np.float16, np.float32, np.float64})


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
    return (Recorded if create else Bare)(needed).run(roots, wanted, retain, barrier)


class Sweep(ABC):
    """One pass. ``pending`` holds the cotangents that have arrived so far, ``heap`` the vertices in the order of their
    rank; ``owned`` vertices' buffers were allocated here, so they may be added to in place; ``shared`` vertices'
    buffers may be held elsewhere, so they are copied before anybody else gets them; ``kept`` is what ``retain_grad``
    asked for, handed over when the pass has succeeded."""

    __slots__ = ("check", "heap", "kept", "needed", "order", "owned", "pending", "shared")

    def __init__(self, needed: Set[Vertex] | None) -> None:
        self.needed = needed
        self.pending: dict[Vertex, Any] = {}
        self.heap: list[tuple[int, int, Vertex]] = []
        self.order = 0
        self.owned: set[Vertex] = set()
        self.shared: set[Vertex] = set()
        self.kept: list[tuple[Vertex, Any]] = []
        self.check = get_state().nan

    @abstractmethod
    def pull(self, node: Node, g: Any) -> None:
        """Call a node's rules, and let what they give arrive at its parents."""

    @abstractmethod
    def own(self, vertex: Vertex, g: Any) -> Any:
        """A complete cotangent, in memory that nobody else holds."""

    def run(self, roots: Roots, wanted: Set[Vertex], retain: bool, barrier: bool) -> dict[Vertex, Any]:
        found: dict[Vertex, Any] = {}
        for vertex, g in roots:
            if self.needed is None or vertex in self.needed:
                if self.check and has_nan(g):
                    raise given_nan(vertex)
                self.arrive(vertex, g, g)
        try:
            self.drain(found, wanted, retain, barrier)
        except Exception as error:
            raise stopped(error, roots) from error.__cause__
        for vertex, kept in self.kept:
            vertex.grad = kept if vertex.grad is None else vertex.grad + kept
        return {vertex: self.own(vertex, g) for vertex, g in found.items()}

    def drain(self, found: dict[Vertex, Any], wanted: Set[Vertex], retain: bool, barrier: bool) -> None:
        """Take cotangents further until none is pending; those of leaves wait to the end."""
        heap, pending = self.heap, self.pending
        while heap:
            vertex = heappop(heap)[2]
            g = pending.pop(vertex)
            if vertex.hooks is not None and not isinstance(g, list):
                g = self.run_hooks(vertex, g)
            if wanted and vertex in wanted:
                found[vertex] = g
                if barrier:
                    continue
                self.shared.add(vertex)  # it goes on from here
            if type(vertex) is Node:
                try:
                    self.pull(vertex, g)
                except Exception as error:
                    told = rule_failed(vertex, error)
                    raise told from told.__cause__
                if not retain:
                    vertex.saved = RELEASED
            else:
                self.gather(vertex, g)  # type: ignore[arg-type]
        for vertex, g in pending.items():
            if vertex.hooks is not None:
                g = self.run_hooks(vertex, g)
            if self.needed is None or vertex in wanted:
                found[vertex] = g

    def arrive(self, vertex: Vertex, r: Any, g: Any) -> None:
        """Add the contribution ``r`` to a vertex; ``g`` is the cotangent it was made from."""
        pending = self.pending
        if vertex not in pending:
            pending[vertex] = r
            if vertex.rank:
                self.order += 1
                heappush(self.heap, (-vertex.rank, self.order, vertex))
            if r is g or (r._view if isinstance(r, Tensor) else r.base) is not None:
                self.shared.add(vertex)
        elif vertex in self.owned:
            pending[vertex] += r
        else:
            pending[vertex] = pending[vertex] + r
            self.shared.discard(vertex)
            if not isinstance(r, Tensor):
                self.owned.add(vertex)

    def gather(self, item: Item, g: Any) -> None:
        """Hand the cotangent of one output to its node, which waits for those of the others."""
        node = item.node
        if node not in self.pending:
            self.pending[node] = [None] * len(node.shape)
            self.order += 1
            heappush(self.heap, (-node.rank, self.order, node))
        self.pending[node][item.index] = g

    def run_hooks(self, vertex: Vertex, g: Any) -> Any:
        self.shared.add(vertex)
        hooks = dict(vertex.hooks or {})
        keep = hooks.pop(-1, False)
        for hook in [hooks[key] for key in sorted(hooks)]:
            answer = hook(g if isinstance(g, Tensor) else make(self.own(vertex, g), vertex.line))
            if answer is not None:
                if not isinstance(answer, Tensor) or answer.shape != vertex.shape:
                    raise bad_hook_result(vertex, answer)
                g = answer if isinstance(g, Tensor) else answer.data
        if keep is not False:
            kept = g if isinstance(g, Tensor) else make(self.own(vertex, g), vertex.line)
            self.kept.append((vertex, kept))
        return g

    def joint(self, node: Node, plan: Plan, m: Any, g: Any, saved: tuple[Any, ...]) -> None:
        """One rule for all inputs, told by a mask which cotangents are wanted."""
        needed = self.needed
        mask = tuple(p is not None and (needed is None or p in needed) for p in node.parents)
        ((_, rule, spec),) = plan.calls
        cotangents = rule(m, g, mask, *[saved[k] for k in spec])
        for parent, r, wanted in zip(node.parents, cotangents, mask, strict=True):
            if wanted and r is not None and parent is not None:
                if self.check:
                    check_nan(node, r)
                self.arrive(parent, restore(m, r, parent.shape, parent.dtype), g)
                self.shared.add(parent)  # the rule may have given the same array twice


@final
class Bare(Sweep):
    """On bare arrays."""

    __slots__ = ()

    def pull(self, node: Node, g: Any) -> None:
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
            self.joint(node, plan, m, g, saved)
            return
        kind = type(g)
        scalar = kind in _SCALARS  # NumPy computes ten times faster on scalars than on 0-d arrays
        needed, pending = self.needed, self.pending
        for i, rule, spec in plan.calls:
            parent: Vertex = node.parents[i]  # type: ignore[assignment]
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
            if not (scalar and type(r) is kind and not parent.shape and parent.dtype is node.dtype) and (
                r.shape != parent.shape or r.dtype is not parent.dtype
            ):
                r = restore(m, r, parent.shape, parent.dtype)
            if self.check:
                check_nan(node, r)
            # As ``arrive``, spelled out where it counts.
            if parent in pending:
                self.arrive(parent, r, g)
            else:
                pending[parent] = r
                if parent.rank:
                    self.order = order = self.order + 1
                    heappush(self.heap, (-parent.rank, order, parent))
                if r is g or r.base is not None:
                    self.shared.add(parent)

    def own(self, vertex: Vertex, g: Any) -> Any:
        if isinstance(g, np.generic):
            return np.asarray(g)
        return g.copy() if vertex in self.shared else g


@final
class Recorded(Sweep):
    """On Tensors; what the rules compute gets the line of the node they differentiate."""

    __slots__ = ()

    def pull(self, node: Node, g: Any) -> None:
        plan = node.plan
        if plan.op.first_order:
            raise first_order_only(node)
        saved = as_tensors(node, check_saved(node))
        token = STATE.set(get_state().but(line=node.line))
        try:
            if plan.joint:
                self.joint(node, plan, TENSORS, g, saved)
                return
            for i, rule, spec in plan.calls:
                parent = node.parents[i]
                if parent is not None and (self.needed is None or parent in self.needed):
                    r = rule(TENSORS, g, *[saved[k] for k in spec])
                    if self.check:
                        check_nan(node, r)
                    self.arrive(parent, restore(TENSORS, r, parent.shape, parent.dtype), g)
        finally:
            STATE.reset(token)

    def own(self, vertex: Vertex, g: Any) -> Any:
        return TENSORS.copy(g) if vertex in self.shared else g


def _leading_to(roots: Roots, wanted: Set[Vertex], barrier: bool) -> Set[Vertex]:
    """The vertices from which a wanted one can be reached."""
    needed = set(wanted)
    seen: set[Vertex] = set()
    stack: list[tuple[Vertex, bool]] = [(vertex, False) for vertex, _ in roots]
    while stack:
        vertex, done = stack.pop()
        if barrier and vertex in wanted:
            continue
        parents = (vertex.node,) if type(vertex) is Item else vertex.parents
        if done:
            if any(parent in needed for parent in parents):
                needed.add(vertex)
        elif vertex not in seen:
            seen.add(vertex)
            stack.append((vertex, True))
            stack.extend((parent, False) for parent in parents if parent is not None and parent not in seen)
    return needed


def has_nan(g: Any) -> bool:
    data = g.data if isinstance(g, Tensor) else g
    return bool((data != data).any())


def check_nan(node: Node, r: Any) -> None:
    """Raise NaNError for the first derivative that contains NaN."""
    if has_nan(r):
        raise first_nan(node, r.shape)
