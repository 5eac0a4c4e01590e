"""Making nodes: what is kept of a call for its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .core.lines import Line
from .core.node import Cell, Info, Node, Vertex
from .core.tensor import Tensor
from .dtypes import is_floating
from .op import Bound, Plan

__all__ = ["make_node", "record", "record_several"]


def make_node(
    plan: Plan,
    operands: Sequence[Any],
    values: Sequence[Any],
    params: tuple[Any, ...],
    parents: tuple[Vertex | None, ...],
    rank: int,
    out: Any,
    out_cells: tuple[Cell | None, ...],
    line: Line | None,
) -> Node:
    """A node that saves what its plan names; its shape and dtype are left to the caller.

    ``values`` are the operands' arrays as they were computed with, ``out`` is the result (a tuple of several).
    """
    saved: list[Any] = []
    cells: list[Cell | None] = []
    version = 0
    for what, which in plan.sources:
        if what == "input":
            value = values[which]
            saved.append(value)
            x = operands[which]
            # A promoted operand was copied: later writes cannot reach it.
            cell = x._cell if isinstance(x, Tensor) and x.data is value else None
            cells.append(cell)
            if cell is not None:
                version += cell[0]
        elif what == "out":
            saved.append(out)
            cells += out_cells
            version += sum([cell[0] for cell in out_cells if cell is not None])
        elif what == "info":
            saved.append(_info(values[which]))
        elif what == "param":
            saved.append(params[which])
        elif what == "rest":
            fixed = plan.op.fixed
            saved.append(tuple(values[fixed:]))
            cells += (rest := [x._cell for x in operands[fixed:] if isinstance(x, Tensor)])
            version += sum([cell[0] for cell in rest])
        else:
            saved.append(tuple([_info(v) for v in values[plan.op.fixed :]]))
    node = Node()
    node.plan = plan
    node.params = params
    node.parents = parents
    node.saved = tuple(saved)
    node.cells = tuple(cells)
    node.version = version
    node.rank = rank
    node.line = line
    node.hooks = None
    node.grad = None
    return node


def record(
    bound: Bound,
    operands: Sequence[Any],
    params: tuple[Any, ...],
    values: Sequence[Any],
    out: Tensor,
    tracked: tuple[int, ...],
) -> Node:
    """Make ``out`` the result of a node."""
    parents, rank = _origins(operands)
    node = make_node(
        _plan(bound, tracked, operands), operands, values, params, parents, rank, out.data, (out._cell,), out._line
    )
    node.shape = out.data.shape
    node.dtype = out.data.dtype
    out._node = node
    out._line = None
    return node


def record_several(
    bound: Bound,
    operands: Sequence[Any],
    params: tuple[Any, ...],
    values: Sequence[Any],
    outs: tuple[Tensor, ...],
    tracked: tuple[int, ...],
) -> None:
    """Make ``outs`` the results of one node; those that are not floating have no part in derivatives."""
    datas = tuple(out.data for out in outs)
    cells = tuple(out._cell for out in outs)
    line = outs[0]._line if outs else None
    parents, rank = _origins(operands)
    node = make_node(_plan(bound, tracked, operands), operands, values, params, parents, rank, datas, cells, line)
    node.shape = tuple(data.shape for data in datas)
    node.dtype = tuple(data.dtype for data in datas)
    for index, out in enumerate(outs):
        if is_floating(out.data.dtype):
            out._node = node.item(index)
            out._line = None


def _plan(bound: Bound, tracked: tuple[int, ...], operands: Sequence[Any]) -> Plan:
    # Long lists come in too many patterns to keep a plan for each.
    return bound.plan(tracked) if len(operands) < 9 else Plan(bound, tracked)


def _origins(operands: Sequence[Any]) -> tuple[tuple[Vertex | None, ...], int]:
    parents = tuple([x._node if isinstance(x, Tensor) else None for x in operands])
    return parents, 1 + max([parent.rank for parent in parents if parent is not None])


def _info(value: Any) -> Any:
    return Info(value.shape, value.dtype) if hasattr(value, "dtype") else value
