"""A short call path for ops of a few tensors, in the common case; everything else goes through ``apply``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..call import apply, refresh
from ..core.lines import PACKAGE, user_line
from ..core.node import Info, Node
from ..core.report import because, failure
from ..core.state import get_state
from ..core.tensor import Tensor
from ..errors import TensorgradError
from ..op import Op, Plan

__all__ = ["quick_path"]

_new = object.__new__
_getframe = sys._getframe


def quick_path(op: Op) -> Callable[..., Tensor]:
    """The call path of an op of fixed inputs that makes new arrays: ``call(operands, params)``.

    It serves operands that are Tensors of one backend (or None), of one floating dtype if the op's kind is ``same``.
    Of several results the first is returned; the others are for the derivative only.
    """
    bounds = op.bounds
    same = op.kind != "none"
    single = op.outputs == 1
    names = op.params

    def call(operands: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Tensor:
        state = get_state()
        first = operands[0]
        if not state.plain or not isinstance(first, Tensor):
            return slow(operands, params)
        data = first.data
        kind = type(data)
        dtype = data.dtype
        bound = bounds.get(kind)
        if bound is None or dtype.kind != "f":
            return slow(operands, params)
        values: list[Any] = []
        parents: list[Any] = []
        tracked: tuple[int, ...] = ()
        rank = -1
        for x in operands:
            if x is None:
                values.append(None)
                parents.append(None)
                continue
            if not isinstance(x, Tensor):
                return slow(operands, params)
            data = x.data
            if type(data) is not kind or (same and data.dtype is not dtype):
                return slow(operands, params)
            if x._view is not None and x._view.version != x._cell[0]:
                refresh(x)
            parent = x._node
            if parent is not None:
                tracked += (len(values),)
                if parent.rank > rank:
                    rank = parent.rank
            values.append(data)
            parents.append(parent)
        try:
            result = bound.f(*values, **dict(zip(names, params))) if names else bound.f(*values)
        except Exception as error:
            raise failure(op.name, operands, op.inputs, error, _expected(op, values, params)) from because(error)
        data = result if single else result[0]
        frame = _getframe(2)
        code = frame.f_code
        line = state.line or (user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti))
        out = _new(Tensor)
        out.data = data = data if type(data) is kind else bound.backend.asarray(data)
        out._cell = cell = [0]
        out._view = None
        if not tracked or not state.grad:
            out._node = None
            out._line = line
            return out
        plan = bound.plan(tracked)
        out._line = None
        node = _new(Node)
        node.plan = plan
        node.params = params
        node.parents = tuple(parents)
        _save(node, plan, operands, values, params, data if single else (data, *result[1:]), cell)
        node.rank = rank + 1
        node.line = line
        node.hooks = None
        node.grad = None
        if single:
            node.shape = data.shape
            node.dtype = data.dtype
            out._node = node
        else:
            node.shape = (data.shape, *[part.shape for part in result[1:]])
            node.dtype = (data.dtype, *[part.dtype for part in result[1:]])
            out._node = node.item(0)
        return out

    def slow(operands: tuple[Any, ...], params: tuple[Any, ...]) -> Tensor:
        found = apply(op, operands, params)
        return found if single else found[0]  # type: ignore[no-any-return]

    return call


def _expected(op: Op, values: list[Any], params: tuple[Any, ...]) -> str | None:
    """What ``infer`` has to say about operands that the backend refused."""
    infos = [None if v is None else Info(v.shape, v.dtype) for v in values]
    try:
        op.infer(dict(zip(op.params, params)), *infos)  # type: ignore[misc]
    except TensorgradError as error:
        return str(error)
    return None


def _save(
    node: Node,
    plan: Plan,
    operands: tuple[Any, ...],
    values: list[Any],
    params: tuple[Any, ...],
    out: Any,
    out_cell: list[int],
) -> None:
    """Keep what the rules name. As in ``call``, for operands that were taken as they are."""
    saved: list[Any] = []
    cells: list[Any] = []
    version = 0
    for what, which in plan.sources:
        if what == "input":
            saved.append(values[which])
            cell = None if values[which] is None else operands[which]._cell
            cells.append(cell)
            if cell is not None:
                version += cell[0]
        elif what == "out":
            saved.append(out)
            cells.append(out_cell)
            if type(out) is tuple:  # nobody else has the others
                cells += [None] * (len(out) - 1)
        elif what == "param":
            saved.append(params[which])
        else:
            value = values[which]
            saved.append(None if value is None else Info(value.shape, value.dtype))
    node.saved = tuple(saved)
    node.cells = tuple(cells)
    node.version = version
