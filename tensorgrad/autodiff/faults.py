"""What goes wrong in a derivative, told by the operation that was differentiated and the line that recorded it."""

from __future__ import annotations

from typing import Any

from ..core.node import RELEASED, Info, Item, Node, Vertex
from ..core.report import because, complain, complete, failure
from ..errors import GradientError, InPlaceError, NaNError, TensorgradError

__all__ = [
    "bad_hook_result",
    "changed_in_place",
    "first_nan",
    "first_order_only",
    "given_nan",
    "released_already",
    "rule_failed",
    "stopped",
]

_PARTLY_RELEASED = (
    "\n  The pass stopped midway: no .grad was changed, but what its graph had saved is partly released. Compute the "
    "result again before another backward."
)


_SECOND = "a second time through"


def released_already(node: Node) -> TensorgradError:
    """A second pass through a node whose saved values are gone."""
    return complain(
        GradientError,
        "backward",
        f"{_SECOND} {node.name}: the values it saved were released by an earlier pass",
        places=[("recorded", node.line)],
        advice="Say backward(retain_graph=True) the first time, or compute the result again.",
    )


def changed_in_place(node: Node) -> TensorgradError:
    """A saved value is not what it was."""
    writes = {id(cell): ("written", cell[1]) for cell in node.cells if cell is not None and len(cell) > 1}
    return complain(
        InPlaceError,
        "backward",
        f"a value that {node.name} saved for its derivative was changed in place afterwards",
        places=[("saved", node.line), *writes.values()],  # type: ignore[list-item]
        advice="Write to a copy, or write before the value is used.",
    )


def first_order_only(node: Node) -> TensorgradError:
    """A rule over bare arrays was to be recorded."""
    return complain(
        GradientError,
        "backward",
        f"{node.name} has a derivative of first order only: its rule is not written over the namespace m",
        places=[("recorded", node.line)],
    )


def given_nan(vertex: Vertex) -> TensorgradError:
    """The cotangent that a pass starts from contains NaN."""
    return complain(
        NaNError,
        "backward",
        "the gradient it was given contains NaN already",
        places=[("result recorded", vertex.line)],
    )


def first_nan(node: Node, shape: tuple[int, ...]) -> TensorgradError:
    """A derivative contains NaN, and nothing before it did."""
    return complain(
        NaNError,
        "backward",
        f"the derivative of {node.name}, of shape {list(shape)}, is the first to contain NaN",
        places=[("recorded", node.line)],
    )


def bad_hook_result(vertex: Vertex, answer: Any) -> TensorgradError:
    """A gradient hook returned what is no gradient."""
    return complain(
        GradientError,
        "gradient hook",
        f"expected None or a tensor of shape {list(vertex.shape)}, got",
        [answer],
        ["result"],
        places=[("hooked tensor made", vertex.line)],
    )


def rule_failed(node: Node, error: Exception) -> Exception:
    """The user's error for an exception that a node's rule raised."""
    if complete(error):
        return error
    named = [(node.plan.op.inputs[min(i, len(node.plan.op.inputs) - 1)], p) for i, p in enumerate(node.parents)]
    infos = {name: Info(p.shape, p.dtype) for name, p in named if p is not None}
    where = [("recorded", node.line)]
    told = failure(f"derivative of {node.name}", list(infos.values()), list(infos), error, places=where)
    if told is not error:
        told.__cause__ = because(error)
    return told


def stopped(error: Exception, roots: list[tuple[Vertex, Any]]) -> Exception:
    """The error that ends a pass, which says so where the pass had released part of its graph."""
    starts = [v.node if isinstance(v, Item) else v for v, _ in roots]
    released = any(isinstance(v, Node) and v.saved is RELEASED for v in starts)
    if released and _SECOND not in str(error).partition("\n")[0]:
        if isinstance(error, TensorgradError):
            error.args = (str(error) + _PARTLY_RELEASED,)
        else:
            error.add_note(_PARTLY_RELEASED.strip())
    return error
