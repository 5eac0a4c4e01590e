"""What a node saved, as rules are given it; and cotangents brought back to their primal's form."""

from __future__ import annotations

from typing import Any

from ..core.node import RELEASED, Node, Vertex
from ..core.tensor import make
from ..dtypes import is_floating
from .faults import changed_in_place, released_already

__all__ = ["as_tensors", "check_saved", "restore"]


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
        raise released_already(node)
    version = 0
    for cell in node.cells:
        if cell is not None:
            version += cell[0]
    if version != node.version:
        raise changed_in_place(node)
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
                part._cell = node.cells[position + index] or part._cell
                if is_floating(part.data.dtype):
                    part._node = node.item(index)
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
