"""From a call to a result: the path every operation takes.

``apply`` is the whole truth: operands, promotion, devices, computing, capture, recording. ``paths`` has short cuts.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from .backends.registry import backend_of, find, known_types
from .core.lines import user_line
from .core.node import Info
from .core.report import because, complain, failure
from .core.state import State, get_state
from .core.tensor import Tensor, make
from .dtypes import is_floating, is_scalar, promoted
from .errors import DeviceError, DTypeError, NaNError, TensorgradError, UnknownShapeError
from .op import TENSORS, Bound, Op, bind, bound_of
from .record import record, record_several
from .views import apart, as_view, looks_into, raise_version, refresh

__all__ = ["apply", "apply_on", "as_operand", "expected"]

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
        raise failure(op.name, operands, op.inputs, error, expected(op, values, params)) from because(error)
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


def expected(op: Op, values: list[Any], params: tuple[Any, ...]) -> str | None:
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
    elif result.base is not None and not op.view:
        result = apart(result, values)
    out = make(result, state.line or user_line(_getframe(3)))
    if op.view:
        source = operands[0]
        if looks_into(result, values[0]):
            if result is values[0]:
                out.data = result[...]
            as_view(out, source, op, params, state.grad, index)
    return out


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
