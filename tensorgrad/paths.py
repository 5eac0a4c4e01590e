"""Short call paths: what ``call.apply`` does, for operands that need nothing special.

They serve tensors of one backend, of one floating dtype where the op promotes, while nothing but grad mode is set, and
hand everything else to ``apply``. An operation on a few numbers costs about as much as NumPy's own part in it, so
what is computed once per call counts here; elsewhere ``apply`` is to be read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .call import apply, expected
from .core.lines import PACKAGE, Line, user_line
from .core.node import Cell, Node
from .core.report import because, failure
from .core.state import get_state
from .core.tensor import Tensor
from .dtypes import is_floating
from .op import TENSORS, Bound, Op
from .record import make_node
from .views import apart, as_view, looks_into, refresh

__all__ = ["binary_path", "fixed_path", "unary_path"]

_new = object.__new__
_getframe = sys._getframe


def unary_path(op: Op) -> Callable[[Any], Tensor]:
    """The call path of an elementwise op of one input."""
    bounds = op.bounds
    composite = op.composite
    differentiable = op.differentiable

    def call(x: Any, /) -> Tensor:
        state = get_state()
        if not isinstance(x, Tensor) or not state.plain:
            return apply(op, (x,))  # type: ignore[no-any-return]
        data = x.data
        bound = bounds.get(type(data))
        dtype = data.dtype
        if bound is None or dtype.kind != "f":
            return apply(op, (x,))  # type: ignore[no-any-return]
        if x._view is not None and x._view.version != x._cell[0]:
            refresh(x)
        parent = x._node
        if parent is not None and composite and state.grad:
            return op.body(TENSORS, x)  # type: ignore[misc, no-any-return]
        ufunc = bound.ufunc
        try:
            result = bound.f(data) if ufunc is None else ufunc(data, out=...)
        except Exception as error:
            raise failure(op.name, (x,), op.inputs, error) from because(error)
        if type(result) is not type(data):
            result = bound.backend.asarray(result)
        frame = _getframe(1)
        code = frame.f_code
        line = state.line or (user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti))
        out = _new(Tensor)
        out.data = result
        out._cell = cell = [0]
        out._view = None
        if parent is None or not differentiable or not state.grad:
            out._node = None
            out._line = line
            return out
        plan = bound.masks[1] or bound.mask(1)
        out._line = None
        out._node = node = Node()
        node.plan = plan
        node.params = ()
        node.parents = (parent,)
        saves = plan.code
        if saves == 0:
            node.saved = node.cells = ()
            node.version = 0
        elif saves == 1:
            node.saved = (data,)
            node.cells = (x._cell,)
            node.version = x._cell[0]
        elif saves == 2:
            node.saved = (result,)
            node.cells = (cell,)
            node.version = 0
        else:
            node.saved = (data, result)
            node.cells = (x._cell, cell)
            node.version = x._cell[0]
        node.rank = parent.rank + 1
        node.shape = parent.shape
        node.dtype = dtype
        node.line = line
        node.hooks = None
        node.grad = None
        return out

    return call


def binary_path(op: Op) -> Callable[[Any, Any], Tensor]:
    """The call path of an elementwise op of two inputs."""
    bounds = op.bounds
    composite = op.composite
    differentiable = op.differentiable

    def call(a: Any, b: Any, /) -> Tensor:
        state = get_state()
        if not isinstance(a, Tensor) or not state.plain or composite:
            return apply(op, (a, b))  # type: ignore[no-any-return]
        ad = a.data
        bound = bounds.get(type(ad))
        dtype = ad.dtype
        if bound is None or dtype.kind != "f":
            return apply(op, (a, b))  # type: ignore[no-any-return]
        if isinstance(b, Tensor):
            bd = b.data
            if bd.dtype is not dtype or type(bd) is not type(ad):
                return apply(op, (a, b))  # type: ignore[no-any-return]
            if b._view is not None and b._view.version != b._cell[0]:
                refresh(b)
            right = b._node
            bc: Cell | None = b._cell
        elif type(b) is float or type(b) is int:
            bd = b
            bc = right = None
        else:
            return apply(op, (a, b))  # type: ignore[no-any-return]
        if a._view is not None and a._view.version != a._cell[0]:
            refresh(a)
        left = a._node
        ufunc = bound.ufunc
        try:
            result = bound.f(ad, bd) if ufunc is None else ufunc(ad, bd, out=...)
        except Exception as error:
            raise failure(op.name, (a, b), op.inputs, error, expected(op, [ad, bd], ())) from because(error)
        if type(result) is not type(ad):
            result = bound.backend.asarray(result)
        frame = _getframe(1)
        code = frame.f_code
        line = state.line or (user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti))
        out = _new(Tensor)
        out.data = result
        out._cell = cell = [0]
        out._view = None
        if not (differentiable and state.grad) or (left is None and right is None):
            out._node = None
            out._line = line
            return out
        out._line = None
        out._node = node = Node()
        if right is None:
            plan = bound.masks[1] or bound.mask(1)
            node.rank = left.rank + 1  # type: ignore[union-attr]
            node.shape = left.shape if bc is None else result.shape  # type: ignore[union-attr]
        elif left is None:
            plan = bound.masks[2] or bound.mask(2)
            node.rank = right.rank + 1
            node.shape = result.shape
        else:
            plan = bound.masks[3] or bound.mask(3)
            node.rank = (left.rank if left.rank > right.rank else right.rank) + 1
            node.shape = left.shape if left.shape == right.shape else result.shape
        node.plan = plan
        node.params = ()
        node.parents = (left, right)
        saves = plan.code
        if saves == 0:
            node.saved = node.cells = ()
            node.version = 0
        elif saves == 3 and bc is not None:
            node.saved = (ad, bd)
            node.cells = (ac, bc) = (a._cell, bc)
            node.version = ac[0] + bc[0]
        elif saves == 2 and bc is None:
            node.saved = (bd,)
            node.cells = ()
            node.version = 0
        else:
            _save_pair(node, saves, ad, bd, result, a._cell, bc, cell)
        node.dtype = dtype
        node.line = line
        node.hooks = None
        node.grad = None
        return out

    return call


def _save_pair(
    node: Node, saves: int, a: Any, b: Any, out: Any, a_cell: Cell, b_cell: Cell | None, out_cell: Cell
) -> None:
    """Save what the bits of ``saves`` name: 1 for a, 2 for b, 4 for the result."""
    sources = ((1, a, a_cell), (2, b, b_cell), (4, out, out_cell))
    node.saved = tuple([value for bit, value, _ in sources if saves & bit])
    node.cells = tuple([cell for bit, _, cell in sources if saves & bit])
    node.version = sum([cell[0] for cell in node.cells if cell is not None])


def fixed_path(op: Op, first_only: bool = False) -> Callable[..., Any]:
    """The call path of an op whose inputs are no lists: operands by position, parameters by name.

    With ``first_only``, of several results only the first is returned; the others are for the derivative.
    """
    bounds = op.bounds
    names = op.params
    promotes = op.kind != "none"
    several = op.outputs != 1
    view = op.view

    def call(*operands: Any, **params: Any) -> Any:
        state = get_state()
        kind: Any = None
        dtype = bound = None
        values: list[Any] = []
        parents: list[Any] = []
        tracked: tuple[int, ...] = ()
        rank = 0
        for x in operands:
            if isinstance(x, Tensor):
                data = x.data
                if kind is None:
                    kind = type(data)
                    dtype = data.dtype
                    bound = bounds.get(kind)
                    if bound is None or not state.plain or (promotes and dtype.kind != "f"):
                        return slow(operands, params)
                elif type(data) is not kind or (promotes and data.dtype is not dtype):
                    return slow(operands, params)
                if x._view is not None and x._view.version != x._cell[0]:
                    refresh(x)
                parent = x._node
                if parent is not None:
                    tracked += (len(values),)
                    if parent.rank >= rank:
                        rank = parent.rank + 1
                values.append(data)
                parents.append(parent)
            elif x is None:
                values.append(None)
                parents.append(None)
            else:
                return slow(operands, params)
        if bound is None or (tracked and op.composite):
            return slow(operands, params)
        try:
            result = bound.f(*values, **params)
        except Exception as error:
            given = tuple([params[name] for name in names])
            raise failure(op.name, operands, op.inputs, error, expected(op, values, given)) from because(error)
        frame = _getframe(1)
        code = frame.f_code
        line = state.line or (user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti))
        if not (state.grad and op.differentiable):
            tracked = ()
        if several:
            return results(bound, operands, params, values, parents, tracked, rank, result, line)
        out = _new(Tensor)
        if type(result) is not kind:
            result = bound.backend.asarray(result)
        elif not view and result.base is not None:
            result = apart(result, values)
        out.data = result
        out._node = out._view = None
        out._line = line
        if view and looks_into(result, values[0]):
            if result is values[0]:
                out.data = result[...]
            as_view(out, operands[0], op, tuple([params[name] for name in names]), state.grad, -1)
        else:
            out._cell = [0]
        if tracked and (promotes or result.dtype.kind == "f" or is_floating(result.dtype)):
            plan = bound.plan(tracked)
            given = tuple([params[name] for name in names]) if names else ()
            node = make_node(plan, operands, values, given, tuple(parents), rank, result, (out._cell,), line)
            node.shape = result.shape
            node.dtype = result.dtype
            out._node = node
            out._line = None
        return out

    def results(
        bound: Bound,
        operands: tuple[Any, ...],
        params: dict[str, Any],
        values: list[Any],
        parents: list[Any],
        tracked: tuple[int, ...],
        rank: int,
        result: tuple[Any, ...],
        line: Line,
    ) -> Any:
        asarray, kind = bound.backend.asarray, bound.backend.array_type
        datas = tuple([part if type(part) is kind else asarray(part) for part in result])
        given = tuple([params[name] for name in names])
        outs: list[Tensor] = []
        cells: list[Cell | None] = []
        for data in datas[:1] if first_only else datas:
            out = _new(Tensor)
            out.data = data
            out._node = out._view = None
            out._line = line
            if view and looks_into(data, values[0]):
                as_view(out, operands[0], op, given, get_state().grad, len(outs))
            else:
                out._cell = [0]
            cells.append(out._cell)
            outs.append(out)
        if tracked:
            if first_only:
                cells += [None] * (len(datas) - 1)
            node = make_node(
                bound.plan(tracked), operands, values, given, tuple(parents), rank, datas, tuple(cells), line
            )
            node.shape = tuple([data.shape for data in datas])
            node.dtype = tuple([data.dtype for data in datas])
            for index, out in enumerate(outs):
                if is_floating(out.data.dtype):
                    out._node = node.item(index)
                    out._line = None
        return outs[0] if first_only else tuple(outs)

    def slow(operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        found = apply(op, operands, tuple([params[name] for name in names]))
        return found[0] if first_only else found

    return call
