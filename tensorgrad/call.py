"""From a call to a result: the paths every operation takes.

``apply`` is the whole truth: operands, promotion, devices, computing, capture, recording. ``unary_path`` and
``binary_path`` are the same for elementwise ops of one and two inputs in the common case, and fall back to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backends.registry import backend_of, find, known_types
from .core.lines import PACKAGE, Line, user_line
from .core.node import Cell, Info, Leaf, Node, Vertex
from .core.report import because, complain, failure
from .core.state import State, get_state
from .core.tensor import Tensor, View, make
from .dtypes import is_floating, is_scalar, promoted
from .errors import DeviceError, DTypeError, InPlaceError, NaNError, TensorgradError, UnknownShapeError
from .op import TENSORS, Bound, Op, Plan, bind, bound_of

__all__ = [
    "apply",
    "apply_on",
    "as_operand",
    "binary_path",
    "keep_retained",
    "raise_version",
    "record",
    "refresh",
    "unary_path",
]

_new = object.__new__
_getframe = sys._getframe


def as_operand(x: Any) -> Any:
    """What an op may be given, as a Tensor, a Python scalar or None.

    Arrays, NumPy scalars and nested sequences become untracked tensors. Raises DTypeError for anything else.
    """
    if isinstance(x, Tensor) or x is None or is_scalar(x):
        return x
    if isinstance(x, np.generic):
        return make(np.asarray(x), None)
    if isinstance(x, (list, tuple)):
        return TENSORS.tensor(x)
    try:
        backend_of(x)
    except DTypeError:
        raise DTypeError(f"expected a tensor, an array or a number, got {type(x).__name__}") from None
    return make(x, None)


def apply(op: Op, inputs: Sequence[Any], params: tuple[Any, ...] = ()) -> Any:
    """Run an op on operands: compute, and record where an input is tracked. Returns a Tensor, or a tuple of them."""
    state = get_state()
    try:
        operands = [x if isinstance(x, Tensor) else as_operand(x) for x in inputs]
        first = next((x for x in operands if isinstance(x, Tensor)), None)
        if first is None:
            operands, first = _scalars_only(op, operands, state)
        return _run(op, bound_of(op, first.data), operands, params, state)
    except TensorgradError as error:
        raise failure(op.name, inputs, op.inputs, error) from because(error)


def apply_on(op: Op, kind: str, inputs: Sequence[Any] = (), params: tuple[Any, ...] = ()) -> Any:
    """``apply`` for an op whose inputs do not say where it runs: on the backend of devices of ``kind``."""
    backend = find(kind)
    bound = op.bounds.get(backend.array_type) or bind(op, backend.array_type, backend)
    return _run(op, bound, list(inputs), params, get_state())


def _scalars_only(op: Op, operands: list[Any], state: State) -> tuple[list[Any], Tensor]:
    index = next((i for i, x in enumerate(operands) if x is not None), None)
    if index is None:
        raise DTypeError("expected at least one tensor")
    operands[index] = TENSORS.tensor(operands[index])
    return operands, operands[index]


def _run(op: Op, bound: Bound, operands: list[Any], params: tuple[Any, ...], state: State) -> Any:
    tracked = _tracked(op, operands, state)
    if tracked and op.composite:
        return op.body(TENSORS, *_listed(op, operands), **dict(zip(op.params, params, strict=True)))  # type: ignore[misc]
    values = _values(op, bound, operands, state)
    if op.writes:
        return _write(op, bound, operands, params, values, state)
    try:
        args = _listed(op, values)
        result = bound.f(*args, **dict(zip(op.params, params, strict=True))) if params else bound.f(*args)
    except Exception as error:
        raise failure(op.name, operands, op.inputs, error, _expected(op, values, params)) from because(error)
    if op.outputs == 1:
        out = _wrap(op, bound, operands, params, result, values, state)
        if tracked and is_floating(out.data.dtype):
            record(bound, operands, params, values, out, tracked)
        outs: Any = out
    else:
        outs = tuple(_wrap(op, bound, operands, params, part, values, state, i) for i, part in enumerate(result))
        if tracked:
            record_several(bound, operands, params, values, outs, tracked)
    if not state.plain:
        _observe(op, operands, params, outs if isinstance(outs, tuple) else (outs,), state)
    return outs


def _listed(op: Op, values: list[Any]) -> list[Any]:
    """Operands as a body takes them: those of a list input as one list."""
    return [*values[: op.fixed], values[op.fixed :]] if op.variadic else values


def _write(
    op: Op, bound: Bound, operands: list[Any], params: tuple[Any, ...], values: list[Any], state: State
) -> Any:
    """Run an op that changes its leading operands in place: checked before anything is touched, versions raised."""
    infos = _listed(op, [Info(v.shape, v.dtype) if hasattr(v, "dtype") else v for v in values])
    nan = state.nan and any(map(_has_nan, operands))
    if nan and any(map(_has_nan, operands[op.writes :])):
        raise complain(NaNError, op.name, "an operand holds NaN; nothing was written", operands, op.inputs)
    try:
        if op.infer is not None:
            op.infer(dict(zip(op.params, params, strict=True)), *infos)
        bound.f(*_listed(op, values), **dict(zip(op.params, params, strict=True)))
    except Exception as error:
        raise failure(op.name, operands, op.inputs, error) from because(error)
    line = state.line or user_line(_getframe(3))
    written = operands[: op.writes]
    for x in written:
        raise_version(x, line)
    if not state.plain:
        _observe(op, operands, params, tuple(written), state.but(nan=False) if nan else state)
    return written[0] if op.writes == 1 else tuple(written)


def raise_version(x: Tensor, line: Line) -> None:
    """Note that a tensor's memory was written to, and where."""
    cell = x._cell
    cell[0] += 1
    cell[1:] = [line]  # type: ignore[list-item]


def _tracked(op: Op, operands: list[Any], state: State) -> tuple[int, ...]:
    found = []
    for i, x in enumerate(operands):
        if isinstance(x, Tensor):
            view = x._view
            if view is not None and view.version != x._cell[0]:
                refresh(x)
            if x._node is not None:
                found.append(i)
    return tuple(found) if state.grad and (op.differentiable or op.composite) else ()


def _values(op: Op, bound: Bound, operands: list[Any], state: State) -> list[Any]:
    values = [x.data if isinstance(x, Tensor) else x for x in operands]
    if len(values) > 1:
        kind = type(next(v for x, v in zip(operands, values, strict=True) if isinstance(x, Tensor)))
        if any(isinstance(x, Tensor) and type(v) is not kind for x, v in zip(operands, values, strict=True)):
            values = _one_device(operands, values)
    if op.kind != "none":
        values = promoted(values, op.kind, state.dtype)
    if state.capture is not None:
        for i, x in enumerate(operands):
            if isinstance(x, Tensor) and values[i] is not x.data:
                operands[i] = TENSORS.astype(x, dtype=values[i].dtype)
                values[i] = operands[i].data
    return values


def _one_device(operands: list[Any], values: list[Any]) -> list[Any]:
    """Bring 0-d CPU tensors to the device of the others; any other mixture is an error."""
    devices = {x.device for x in operands if isinstance(x, Tensor)}
    elsewhere = {d for d in devices if d.kind != "cpu"}
    if len(devices) == 1:
        return values
    movable = all(x.ndim == 0 for x in operands if isinstance(x, Tensor) and x.device.kind == "cpu")
    if len(elsewhere) == 1 and movable:
        target = elsewhere.pop()
        backend = find(target.kind)
        return [
            backend.asarray(v, device=target) if isinstance(x, Tensor) and x.device != target else v
            for x, v in zip(operands, values, strict=True)
        ]
    names = " and ".join(sorted(map(str, devices)))
    raise DeviceError(f"operands are on different devices, {names}: move them with .to(device) first")


def _expected(op: Op, values: list[Any], params: tuple[Any, ...]) -> str | None:
    """What ``infer`` has to say about operands that the backend refused."""
    if op.infer is None:
        return None
    infos = _listed(op, [Info(v.shape, v.dtype) if hasattr(v, "dtype") else v for v in values])
    try:
        op.infer(dict(zip(op.params, params, strict=True)), *infos)
    except UnknownShapeError:
        return None
    except TensorgradError as error:
        return str(error)
    except Exception:
        return None
    return None


def _wrap(
    op: Op,
    bound: Bound,
    operands: list[Any],
    params: tuple[Any, ...],
    result: Any,
    values: list[Any],
    state: State,
    index: int = -1,
) -> Tensor:
    if type(result) not in known_types:
        result = bound.backend.asarray(result)
    out = make(result, state.line or user_line(_getframe(3)))
    if op.view:
        source = operands[0]
        data, base = values[0], result.base
        if result is data or (base is not None and (base is data or base is data.base)):
            if result is data:
                out.data = data[...]
            _as_view(out, source, op, params, state.grad, index)
    return out


def _as_view(out: Tensor, source: Tensor, op: Op, params: tuple[Any, ...], grad: bool, index: int) -> None:
    """Note that ``out`` looks into ``source``'s memory through ``op`` (its result ``index``, or -1: its only one)."""
    earlier = source._view
    base, steps, sealed, constant = source, (), None, None
    if earlier is not None:
        base, steps, sealed, constant = earlier.base, earlier.steps, earlier.sealed, earlier.constant
    if index >= 0:
        sealed = f"it is one of several views that one {op.name} returned"
    elif not grad:
        sealed = "it was made under no_grad"
    if not grad and constant is None:
        constant = (base._node,)
    out._cell = source._cell
    out._view = View(base, (*steps, (op, params, index)), source._cell[0], sealed, constant, refresh)


def record(
    bound: Bound,
    operands: Sequence[Any],
    params: tuple[Any, ...],
    values: Sequence[Any],
    out: Tensor,
    tracked: tuple[int, ...],
) -> Node:
    """Make ``out`` the result of a node."""
    plan = bound.plan(tracked) if len(operands) < 9 else Plan(bound, tracked)
    node = _node(plan, operands, params, values, out.data, (out._cell,), out._line)
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
    plan = bound.plan(tracked)
    datas = tuple(out.data for out in outs)
    line = outs[0]._line if outs else None
    node = _node(plan, operands, params, values, datas, tuple(out._cell for out in outs), line)
    node.shape = tuple(out.data.shape for out in outs)
    node.dtype = tuple(out.data.dtype for out in outs)
    for index, out in enumerate(outs):
        if is_floating(out.data.dtype):
            out._node = node.item(index)
            out._line = None


def _node(
    plan: Plan,
    operands: Sequence[Any],
    params: tuple[Any, ...],
    values: Sequence[Any],
    out: Any,
    out_cells: tuple[Cell, ...],
    line: Line | None,
) -> Node:
    saved: list[Any] = []
    cells: list[Cell | None] = []
    for what, which in plan.sources:
        if what == "input":
            x = operands[which]
            saved.append(values[which])
            # A promoted operand was copied: later writes cannot reach it.
            cells.append(x._cell if isinstance(x, Tensor) and x.data is values[which] else None)
        elif what == "out":
            saved.append(out)
            cells.extend(out_cells)
        elif what == "info":
            saved.append(_info(values[which]))
        elif what == "param":
            saved.append(params[which])
        elif what == "rest":
            saved.append(tuple(values[plan.op.fixed :]))
            cells += [x._cell for x in operands[plan.op.fixed :] if isinstance(x, Tensor)]
        else:
            saved.append(tuple(_info(v) for v in values[plan.op.fixed :]))
    node = Node()
    node.plan = plan
    node.params = params
    node.parents = tuple(x._node if isinstance(x, Tensor) else None for x in operands)
    node.saved = tuple(saved)
    node.cells = tuple(cells)
    node.version = sum(cell[0] for cell in cells if cell is not None)
    node.rank = 1 + max(parent.rank for parent in node.parents if parent is not None)
    node.line = line
    node.hooks = None
    node.grad = None
    return node


def _info(value: Any) -> Any:
    return Info(value.shape, value.dtype) if hasattr(value, "dtype") else value


def _observe(op: Op, operands: list[Any], params: tuple[Any, ...], outs: tuple[Tensor, ...], state: State) -> None:
    if state.capture is not None:
        state.capture.record(op, operands, params, outs)
    if state.nan:
        for out in outs:
            if _has_nan(out):
                clean = not any(map(_has_nan, operands))
                origin = "made the first NaN: no operand holds one" if clean else "passed a NaN on"
                raise complain(NaNError, op.name, f"the result contains NaN; this op {origin}", operands, op.inputs)


def _has_nan(x: Any) -> bool:
    if isinstance(x, Tensor):
        return is_floating(x.data.dtype) and bool((x.data != x.data).any())
    return x is not None and bool(x != x)


def refresh(x: Tensor) -> None:
    """Rebuild a view's node after its base was written to."""
    view = x._view
    assert view is not None
    base = view.base
    vertex: Vertex | None = base._node
    if view.constant is not None:
        if vertex is not view.constant[0] and get_state().grad:
            _refuse_constant(x, base)
        return
    if vertex is not None:
        data = base.data
        for op, params, index in view.steps:
            vertex, data = _view_vertex(op, params, index, vertex, data)
    keep_retained(x._node, vertex)
    x._node = vertex
    view.version = x._cell[0]


def _refuse_constant(x: Tensor, base: Tensor) -> None:
    written = base._cell[1] if len(base._cell) > 1 else None
    raise complain(
        InPlaceError,
        "view",
        "this view was made under no_grad, and a recorded write changed its base afterwards, so whether it has a "
        "history is ambiguous",
        [x, base],
        ["view", "base"],
        places=[("written", written)],  # type: ignore[list-item]
        advice="Make the view again, or use its .detach().",
    )


def _view_vertex(op: Op, params: tuple[Any, ...], index: int, vertex: Vertex, data: Any) -> tuple[Vertex, Any]:
    bound = bound_of(op, data)
    source = make(data, None)
    source._node = vertex
    result = bound.f(data, **dict(zip(op.params, params, strict=True)))
    if index < 0:
        out = make(result, vertex.line)
        return record(bound, (source,), params, (data,), out, (0,)), result
    outs = tuple(make(part, vertex.line) for part in result)
    record_several(bound, (source,), params, (data,), outs, (0,))
    return outs[index]._node, outs[index].data  # type: ignore[return-value]


def keep_retained(old: Vertex | None, new: Vertex | None) -> None:
    """Where ``retain_grad`` was asked of a tensor, it holds for the vertex that a write gave it as well."""
    if new is not None and old is not None and old.hooks is not None and -1 in old.hooks and type(old) is not Leaf:
        hooks = dict(old.hooks)
        new.hooks = {**(new.hooks or {}), -1: hooks.pop(-1)}
        old.hooks = hooks or None
        new.grad, old.grad = old.grad, None


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
        line = state.line or (
            user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti)
        )
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
            raise failure(op.name, (a, b), op.inputs, error, _expected(op, [ad, bd], ())) from because(error)
        if type(result) is not type(ad):
            result = bound.backend.asarray(result)
        frame = _getframe(1)
        code = frame.f_code
        line = state.line or (
            user_line(frame) if code.co_filename.startswith(PACKAGE) else (code, frame.f_lasti)
        )
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
