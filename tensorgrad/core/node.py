"""The graph: nodes are data, hang on the tensors they made, and die with them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import numpy as np

from .lines import Line

if TYPE_CHECKING:
    from ..op import Op, Plan

__all__ = ["RELEASED", "Cell", "Info", "Item", "Leaf", "Node", "Vertex"]

Cell: TypeAlias = list[int]
"""A version counter of one element, shared by all tensors over the same memory."""

RELEASED: Final = None
"""What ``Node.saved`` becomes once a backward pass has consumed it."""


@final
class Info:
    """Shape and dtype of an array that a rule needs to know about, but not to hold."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    def __repr__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@final
class Node:
    """One recorded operation.

    ``plan`` says which op this is, what was saved and which rules will be called (for these tracked inputs on this
    backend); ``params`` are the op's constants; ``parents`` holds, for each input, the vertex it came from or None;
    ``saved`` the values the rules name, ``cells`` their version counters and ``version`` the sum of those counters
    when saved; ``rank`` is one more than the largest rank among the parents.
    """

    __slots__ = (
        "__weakref__",
        "cells",
        "dtype",
        "grad",
        "hooks",
        "items",
        "line",
        "params",
        "parents",
        "plan",
        "rank",
        "saved",
        "shape",
        "version",
    )

    plan: Plan
    params: tuple[Any, ...]
    parents: tuple[Vertex | None, ...]
    saved: tuple[Any, ...] | None
    cells: tuple[Cell | None, ...]
    version: int
    rank: int
    shape: Any
    dtype: Any
    line: Line | None
    hooks: dict[int, Any] | None
    grad: Any
    items: dict[int, weakref.ref[Item]]

    def item(self, index: int) -> Item:
        """The vertex of one of several outputs: the same one as long as anybody holds it, so that all that is added to
        an output's cotangent meets."""
        try:
            items = self.items
        except AttributeError:
            items = self.items = {}
        found = items[index]() if index in items else None
        if found is None:
            found = Item(self, index, self.shape[index], self.dtype[index])
            items[index] = weakref.ref(found)
        return found

    @property
    def op(self) -> Op:
        return self.plan.op

    @property
    def name(self) -> str:
        return self.plan.op.name

    def __repr__(self) -> str:
        return f"<Node {self.name} {self.dtype}{list(self.shape)} rank {self.rank}>"


@final
class Leaf:
    """The vertex of a tensor that requires a gradient and was computed from nothing: it owns ``.grad``."""

    __slots__ = ("__weakref__", "dtype", "grad", "hooks", "line", "shape")

    rank: Final = 0
    parents: Final = ()
    name: Final = "leaf"

    def __init__(self, shape: tuple[int, ...], dtype: Any, line: Line | None) -> None:
        self.shape = shape
        self.dtype = dtype
        self.line = line
        self.grad: Any = None
        self.hooks: dict[int, Any] | None = None

    def __repr__(self) -> str:
        return f"<Leaf {self.dtype}{list(self.shape)}>"


@final
class Item:
    """One output of a node with several."""

    __slots__ = ("__weakref__", "dtype", "grad", "hooks", "index", "line", "node", "rank", "shape")

    def __init__(self, node: Node, index: int, shape: tuple[int, ...], dtype: Any) -> None:
        self.node = node
        self.index = index
        self.rank = node.rank + 1
        self.shape = shape
        self.dtype = dtype
        self.line = node.line
        self.grad: Any = None
        self.hooks: dict[int, Any] | None = None

    @property
    def parents(self) -> tuple[Vertex | None, ...]:
        return (self.node,)

    @property
    def name(self) -> str:
        return f"{self.node.name}[{self.index}]"

    def __repr__(self) -> str:
        return f"<Item {self.name} {self.dtype}{list(self.shape)}>"


Vertex: TypeAlias = Node | Leaf | Item
