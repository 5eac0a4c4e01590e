"""A short call path for ops of a few tensors, in the common case; everything else goes through ``apply``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..call import apply, refresh
from ..core.lines import PACKAGE, user_line
from ..core.node import Item, Node
from ..core.report import failure
from ..core.state import get_state
from ..core.tensor import Tensor
from ..errors import TensorgradError
from ..op import Op
from ..core.node import Info

__all__ = ["quick_path"]

_new = object.__new__
_getframe = sys._getframe


def quick_path(op: Op) -> Callable[..., Any]:
    """The call path of an op of fixed inputs that makes new arrays: ``call(operands, params)``.

    It serves operands that are Tensors of one backend (or None), of one floating dtype if the op's kind is ``same``.
    """
    bounds = op.bounds
    same = op.kind != "none"
    single = op.outputs == 1
    names = op.params

    def call(operands: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
        state = get_state()
        first = operands[0]
        if not state.plain or not isinstance(first, Tensor):
            return apply(op, operands, params)
        data = first.data
        kind = type(data)
        dtype = data.dtype
        bound = bounds.get(kind)
        if bound is None or dtype.kind != "f":
            return apply(op, operands, params)
        values: list[Any] = []
        parents: list[Any] = []
        rank = -1
        for x in operands:
            if x is None:
                values.append(None)
                parents.append(None)
                continue
            if not isinstance(x, Tensor):
                return apply(op, operands, params)
            data = x.data
            if type(data) is not kind or (same and data.dtype is not dtype):
                return apply(op, operands, params)
            if x._view is not None and x._view.version != x._cell[0]:
                refresh(x)
            parent = x._node
            if parent is not None and parent.rank > rank:
                rank = parent.rank
            values.append(data)
            parents.append(parent)
        try:
            result = bound.f(*values, **dict(zip(names, params))) if names else bound.f(*values)
        except Exception as error:
            raise failure(op.name, operands, op.inputs, error, _expected(op, values, params)) from error
        frame = _getframe(2)
        code = frame.f_code
        line = state.line or (user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti))
        outs = []
        for part in (result,) if single else result:
            out = _new(Tensor)
            out.data = part if type(part) is kind else bound.backend.asarray(part)
            out._cell = [0]
            out._view = None
            out._node = None
            out._line = line
            outs.append(out)
        if rank >= 0 and state.grad:
            tracked = tuple([i for i, parent in enumerate(parents) if parent is not None])
            _record(bound.plan(tracked), operands, params, values, parents, outs, rank, line, single)
        return outs[0] if single else tuple(outs)

    return call


def _expected(op: Op, values: list[Any], params: tuple[Any, ...]) -> str | None:
    """What ``infer`` has to say about operands that the backend refused."""
    try:
        op.infer(dict(zip(op.params, params)), *(v if v is None else Info(v.shape, v.dtype) for v in values))  # type: ignore[misc]
    except TensorgradError as error:
        return str(error)
    return None


def _record(
    plan: Any,
    operands: tuple[Any, ...],
    params: tuple[Any, ...],
    values: list[Any],
    parents: list[Any],
    outs: list[Tensor],
    rank: int,
    line: Any,
    single: bool,
) -> None:
    """Hang a node on the results. As ``call.record``, for operands that were taken as they are."""
    if not plan.calls:
        return
    saved: list[Any] = []
    cells: list[Any] = []
    version = 0
    for what, which in plan.sources:
        if what == "input":
            saved.append(values[which])
            x = operands[which]
            if x is None:
                cells.append(None)
            else:
                cells.append(x._cell)
                version += x._cell[0]
        elif what == "out":
            saved.append(outs[0].data if single else tuple([out.data for out in outs]))
            cells += [out._cell for out in outs]
        elif what == "param":
            saved.append(params[which])
        else:
            v = values[which]
            saved.append(v if v is None else Info(v.shape, v.dtype))
    node = _new(Node)
    node.plan = plan
    node.params = params
    node.parents = tuple(parents)
    node.saved = tuple(saved)
    node.cells = tuple(cells)
    node.version = version
    node.rank = rank + 1
    node.line = line
    node.hooks = None
    node.grad = None
    if single:
        out = outs[0]
        node.shape = out.data.shape
        node.dtype = out.data.dtype
        out._node = node
        out._line = None
        return
    node.shape = tuple([out.data.shape for out in outs])
    node.dtype = tuple([out.data.dtype for out in outs])
    for index, out in enumerate(outs):
        if out.data.dtype.kind == "f":
            out._node = node.item(index)
            out._line = None
