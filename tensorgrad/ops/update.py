"""Writes: ``x[i] = v``, ``x += y`` and their kin, differentiable, through views and on bases.

A write changes memory at once and raises the version that all tensors over that memory share. If anything involved is
tracked it also becomes a node on the base: the old values' gradient is zeroed in the region, the new values' is the
region's. Views find out by their version, and rebuild their own node on next use. Whatever can go wrong is found before
anything is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..call import as_operand
from ..core.lines import Line, caller
from ..core.node import Leaf
from ..core.report import complain, made_at
from ..core.state import State, get_state
from ..core.tensor import Tensor, make
from ..dtypes import is_floating
from ..errors import DTypeError, IndexingError, InPlaceError, NaNError, ShapeError, TensorgradError
from ..op import FUNCTIONS, OPS, TENSORS, Op, bound_of
from ..record import record
from ..views import keep_retained, raise_version, refresh
from .basic import to_device
from .indexing import WHOLE, Key, on_device, parse_key
from .regions import Steps, add_region, add_to_region, row_by_row, set_region, write_region

__all__ = ["add_at", "assign", "assign_at", "inplace", "replace", "setitem"]

_SET: tuple[Any, Op] = (write_region, set_region.op)
_ADD: tuple[Any, Op] = (add_to_region, add_region.op)
_SLICE = OPS["getitem"]


def setitem(x: Tensor, key: Any, value: Any, /) -> None:
    """``x[key] = value``: written into ``x``'s memory, visible through every view, and differentiable.

    ``value`` broadcasts to ``x[key]`` and is cast to ``x``'s dtype. Where index arrays name an element twice, the last
    value stays (and alone has a gradient).

    Raises:
        InPlaceError: ``x`` is a leaf that requires a gradient (or a view of one), a view that cannot take a
            recorded write (made under ``no_grad``, or one of several that one op returned), or its memory is
            read-only or broadcast.
        ShapeError, IndexingError, DTypeError, DeviceError: ``value`` or ``key`` does not fit.

    Nothing is written where an error is raised.

    >>> import tensorgrad as tg
    >>> v = tg.tensor(2.0, requires_grad=True)
    >>> x = tg.zeros(3)
    >>> x[1:] = v * v
    >>> x.sum().backward(); v.grad
    tensor(8.)
    """
    try:
        parsed, arrays = parse_key(key)
    except IndexingError as error:
        raise complain(IndexingError, "x[...] = value", str(error), [x], ["x"]) from None
    _write(x, parsed, arrays, value, _SET)


def assign(x: Tensor, value: Any) -> Tensor:
    """Write ``value`` over all of ``x``; returns ``x``."""
    _write(x, WHOLE, [], value, _SET)
    return x


def assign_at(x: Tensor, key: Key, arrays: Sequence[Any], value: Any) -> Tensor:
    """Write ``value`` to ``x[key]``; returns ``x``."""
    _write(x, key, arrays, value, _SET)
    return x


def add_at(x: Tensor, key: Key, arrays: Sequence[Any], value: Any) -> Tensor:
    """Add ``value`` to ``x[key]`` in ``x``'s memory, adding up where an element is named twice; returns ``x``."""
    _write(x, key, arrays, value, _ADD)
    return x


def replace(x: Tensor, f: Callable[[Tensor], Tensor]) -> Tensor:
    """``x = f(x)`` in ``x``'s memory; returns ``x``. What ``f`` saves for its derivative outlives the write."""
    recorded = _check(x, None, get_state())
    return assign(x, _fitting(getattr(f, "__name__", "update"), x, (), f(_copied(x) if recorded else x)))


def _write(x: Tensor, key: Key, arrays: Sequence[Any], value: Any, ops: tuple[Any, Op]) -> None:
    state = get_state()
    value = _value(x, value, ops[1].name)
    recorded = _check(x, value, state)
    base: Tensor = x
    steps: tuple[Any, ...] = ()
    if x._view is not None:
        base, steps = x._view.base, x._view.steps
    operands = [as_operand(a) for a in on_device(x, list(arrays))]
    if isinstance(value, Tensor) and value._cell is x._cell and value is not x:
        if ops is _SET and value._view is not None and value._view.base is base:
            if value._view.steps == (*steps, (_SLICE, (key,), -1)):
                return  # what ``x[i] += y`` ends with: the region onto itself
        value = TENSORS.copy(value)
    operands = [TENSORS.copy(a) if a._cell is x._cell else a for a in operands]
    line = state.line or caller()
    _store(x, key, operands, value, ops[0], state, line)
    if recorded:
        named: Steps = tuple([(op.name, params) for op, params, _ in steps])
        _record(ops[1], base, [base, value, *operands], (named, key), line)


def _value(x: Tensor, value: Any, name: str) -> Any:
    """What is to be written, as an operand, where ``x`` is."""
    try:
        value = as_operand(value)
        if value is None:
            raise DTypeError("expected a tensor, an array or a number to write, got None")
        if isinstance(value, Tensor):
            if value._view is not None and value._view.version != value._cell[0]:
                refresh(value)
            if type(value.data) is not type(x.data) and not value.shape and value.device.kind == "cpu":
                value = to_device(value, x.device)
    except TensorgradError as error:
        raise complain(type(error), "in-place write", str(error), [x, value], ["x", "value"]) from None
    return value


def _check(x: Tensor, value: Any, state: State) -> bool:
    """Whether a write of ``value`` is to be recorded. Raises InPlaceError where it is refused."""
    if x._view is not None and x._view.version != x._cell[0]:
        refresh(x)
    base = x if x._view is None else x._view.base
    of_value = isinstance(value, Tensor) and value._node is not None
    recorded = state.grad and (of_value or x._node is not None or base._node is not None)
    if recorded:
        _refuse_history(x, base, of_value)
    data = x.data
    if type(data) is np.ndarray:
        if not data.flags.writeable:
            raise _refused(x, _read_only(x))
    elif x._view is not None and _repeats(data):
        raise _refused(x, _read_only(x))
    if state.nan and isinstance(value, Tensor) and is_floating(value.dtype) and bool((value.data != value.data).any()):
        raise complain(NaNError, "in-place write", "the value to be written contains NaN", [x, value], ["x", "value"])
    return recorded


def _refused(x: Tensor, message: str) -> Exception:
    return complain(InPlaceError, "in-place write", message, [x], ["x"])


def _repeats(data: Any) -> bool:
    """Whether several elements are one in memory."""
    return any(stride == 0 and n > 1 for stride, n in zip(data.strides, data.shape, strict=True))


def _read_only(x: Tensor) -> str:
    if _repeats(x.data):
        return "this tensor is broadcast: several of its elements are one in memory. Write to a copy"
    if x._view is not None and any(op.name == "broadcast_to" for op, _, _ in x._view.steps):
        return "this tensor is a view of a broadcast one, in which several elements are one in memory. Write to a copy"
    return "this tensor's memory is read-only. Write to a copy"


def _refuse_history(x: Tensor, base: Tensor, of_value: bool) -> None:
    node = base._node
    if isinstance(node, Leaf):
        what = "a leaf that requires a gradient" if base is x else "a view of a leaf that requires a gradient"
        message = f"{what} cannot be written to while gradients are recorded: use tg.no_grad(), or write to a copy"
    elif node is not None and node.name == "identity":
        message = "an argument of a transform cannot be written to, it belongs to the caller: write to a copy"
    elif x._view is not None and x._view.sealed is not None:
        message = f"this view cannot take a recorded write: {x._view.sealed}. Index its base, made at {made_at(base)}"
    elif of_value and not is_floating(x.dtype):
        message = f"a value that requires a gradient would lose it in {x.dtype}: write value.detach()"
    else:
        return
    raise _refused(x, message)


def _store(x: Tensor, key: Key, arrays: list[Any], value: Any, write: Any, state: State, line: Line) -> None:
    """Change the memory: directly where nothing is special, else by the op that a capture can see."""
    data = x.data
    if write is write_region and state.plain and type(data) is np.ndarray:
        if isinstance(value, Tensor):
            direct = type(value.data) is np.ndarray and value.data.dtype.kind != "c"
        else:
            direct = type(value) is not complex
        if direct:
            index = key.basic if key.basic is not None else key.fill(row_by_row(np, [a.data for a in arrays], key))
            try:
                data[index] = value.data if isinstance(value, Tensor) else value
            except Exception:
                pass  # nothing was written; the op below finds the words
            else:
                raise_version(x, line)
                return
    write(x, value, arrays, key=key)


def _record(op: Op, base: Tensor, operands: list[Any], params: tuple[Any, ...], line: Line) -> None:
    slots = tuple([i for i in (0, 1) if isinstance(operands[i], Tensor) and operands[i]._node is not None])
    if slots:
        values = [o.data if isinstance(o, Tensor) else o for o in operands]
        old = base._node
        base._line = line
        record(bound_of(op, base.data), operands, params, values, base, slots)
        keep_retained(old, base._node)


def inplace(name: str, x: Tensor, y: Any) -> Tensor:
    """``x = x op y`` in ``x``'s memory, for the elementwise op of that name.

    Raises InPlaceError as ``x[...] = value`` does, and where the result does not fit into ``x``'s shape; DTypeError
    where it does not fit its dtype.
    """
    op = OPS[name]
    state = get_state()
    y = _value(x, y, name)
    recorded = _check(x, y, state)
    if not state.plain or (recorded and x._view is not None) or not _direct(op, x, y):
        call = FUNCTIONS.get(name) or op.call
        left, right = _apart(op, x, y) if recorded else (x, y)
        return assign(x, _fitting(name, x, (y,), call(left, right)))
    if not recorded:
        _compute_into(op, x, y, state.line or caller())
        return x
    operands = list(_apart(op, x, y))
    slots = tuple([i for i, o in enumerate(operands) if isinstance(o, Tensor) and o._node is not None])
    bound = bound_of(op, x.data)
    values = [o.data if isinstance(o, Tensor) else o for o in operands]
    line = state.line or caller()
    _compute_into(op, x, y, line)
    old = x._node
    x._line = line
    record(bound, operands, (), values, x, slots)
    keep_retained(old, x._node)
    return x


def _apart(op: Op, x: Tensor, y: Any) -> tuple[Any, Any]:
    """The operands; those over ``x``'s memory copied where the op's derivative needs what the write destroys."""
    operands = (x, y)
    saved = {0, 1}
    if not op.composite:
        slots = tuple([i for i, o in enumerate(operands) if isinstance(o, Tensor) and o._node is not None])
        saved = {i for what, i in bound_of(op, x.data).plan(slots).sources if what == "input"}
    over_x = [isinstance(o, Tensor) and o._cell is x._cell for o in operands]
    kept = [_copied(o) if over_x[i] and i in saved else o for i, o in enumerate(operands)]
    return kept[0], kept[1]


def _copied(x: Tensor) -> Tensor:
    """``x`` in memory of its own, at the same place in the graph."""
    if get_state().capture is not None:
        return TENSORS.copy(x)  # type: ignore[no-any-return]
    copied = make(x.data.copy(), x._line)
    copied._node = x._node
    return copied


def _direct(op: Op, x: Tensor, y: Any) -> bool:
    """Whether the backend's own function can compute straight into ``x``."""
    if op.body is not None or not is_floating(x.dtype) or not op.elementwise or op.kind == "bool":
        return False
    if not isinstance(y, Tensor):
        return type(y) is float or type(y) is int
    return type(y.data) is type(x.data) and y.dtype == x.dtype and (y.data.shape == x.data.shape or _fits(x, y))


def _fits(x: Tensor, y: Tensor) -> bool:
    wide = x.data.shape
    narrow = y.data.shape
    return len(narrow) <= len(wide) and all(n in (1, w) for n, w in zip(narrow[::-1], wide[::-1], strict=False))


def _compute_into(op: Op, x: Tensor, y: Any, line: Line) -> None:
    data, value = x.data, y
    if isinstance(y, Tensor):
        value = y.data
        if y._cell is x._cell and y is not x:
            value = value.copy()  # overlapping memory: NumPy would see to it, CuPy would not
    bound = bound_of(op, data)
    function = bound.ufunc or getattr(bound.m, op.name)
    try:
        function(data, value, out=data)
    finally:  # under np.errstate(all="raise") NumPy raises after it has written
        raise_version(x, line)


def _fitting(name: str, x: Tensor, others: tuple[Any, ...], result: Tensor) -> Tensor:
    """A result that is to be written over ``x``. Raises ShapeError or DTypeError where it does not fit."""
    if result.shape != x.shape:
        kind: type[TensorgradError] = ShapeError
        message = f"the result has shape {list(result.shape)}, which does not fit into {list(x.shape)}"
    elif _casts(result.dtype, x.dtype):
        return result
    else:
        kind, message = DTypeError, f"the result is {result.dtype}, which does not fit into {x.dtype}"
    raise complain(
        kind, f"in-place {name}", message, [x, *others], ["x", "y"], advice="Write x = ... for a new tensor instead."
    )


def _casts(source: Any, target: Any) -> bool:
    if is_floating(source) and is_floating(target):  # also where NumPy does not know one of them
        return bool(source.kind != "c" or target.kind == "c")
    return bool(np.can_cast(source, target, "same_kind"))
