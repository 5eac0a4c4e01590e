"""Writes: ``x[i] = v``, ``x += y`` and their kin, differentiable, through views and on bases.

A write changes memory at once and raises the version that all tensors over that memory share. If anything involved is
tracked it also becomes a node on the base: the old values' gradient is zeroed in the region, the new values' is the
region's. Views find out by their version, and rebuild their own node on next use.
"""

from __future__ import annotations

from typing import Any

from ..call import apply, as_operand, raise_version, record, refresh
from ..core.lines import caller
from ..core.node import Leaf
from ..core.report import complain, made_at
from ..core.state import get_state
from ..core.tensor import Tensor, make
from ..dtypes import is_floating
from ..errors import InPlaceError
from ..op import OPS, TENSORS, Op, bound_of
from .indexing import WHOLE, Key, on_device, parse_key, set_region, write_region

__all__ = ["assign", "inplace", "setitem"]


def setitem(x: Tensor, key: Any, value: Any, /) -> None:
    """``x[key] = value``: written into ``x``'s memory, visible through every view, and differentiable.

    ``value`` broadcasts to ``x[key]`` and is cast to ``x``'s dtype.

    Raises:
        InPlaceError: ``x`` is a leaf that requires a gradient (or a view of one), or a view that cannot take a
            recorded write: made under ``no_grad``, or one of several that one op returned.
        ShapeError, IndexingError: ``value`` or ``key`` does not fit. Nothing was written then.

    >>> import tensorgrad as tg
    >>> v = tg.tensor(2.0, requires_grad=True)
    >>> x = tg.zeros(3)
    >>> x[1:] = v * v
    >>> x.sum().backward(); v.grad
    tensor(8.)
    """
    parsed, arrays = parse_key(key)
    _write(x, parsed, on_device(x, arrays), value)


def assign(x: Tensor, value: Any) -> Tensor:
    """Write ``value`` over all of ``x``; returns ``x``."""
    _write(x, WHOLE, [], value)
    return x


def _write(x: Tensor, key: Key, arrays: list[Any], value: Any) -> None:
    value = as_operand(value)
    arrays = [as_operand(a) for a in arrays]
    tracked = get_state().grad and (_tracked(x) or (isinstance(value, Tensor) and _tracked(value)))
    if tracked:
        _refuse_unless_writable(x)
    steps = () if x._view is None else tuple((op.name, params) for op, params in x._view.steps)
    base = x if x._view is None else x._view.base
    if isinstance(value, Tensor) and value._cell is x._cell and value is not x:
        value = TENSORS.copy(value)
    write_region(x, value, arrays, key=key)
    if not tracked:
        return
    op: Op = set_region.op
    operands = (base, value, *arrays)
    values = [o.data if isinstance(o, Tensor) else o for o in operands]
    slots = tuple(i for i in (0, 1) if isinstance(operands[i], Tensor) and operands[i]._node is not None)
    line = caller()
    base._line = line
    if slots:
        record(bound_of(op, base.data), operands, (steps, key), values, base, slots)


def _tracked(x: Tensor) -> bool:
    if x._view is not None and x._view.version != x._cell[0]:
        refresh(x)
    base = x if x._view is None else x._view.base
    return x._node is not None or base._node is not None


def _refuse_unless_writable(x: Tensor) -> None:
    base = x if x._view is None else x._view.base
    if isinstance(base._node, Leaf):
        what = "a leaf that requires a gradient" if base is x else "a view of a leaf that requires a gradient"
        message = f"{what} cannot be written to while gradients are recorded: use tg.no_grad(), or write to a copy"
    elif x._view is not None and x._view.sealed is not None:
        message = f"this view cannot take a recorded write: {x._view.sealed}. Write to {made_at(base)} directly, or copy"
    elif not is_floating(x.dtype):
        message = f"values that are differentiated cannot be written into {x.dtype}"
    else:
        return
    raise complain(InPlaceError, "in-place write", message, [x], ["x"])


def inplace(name: str, x: Tensor, y: Any) -> Tensor:
    """``x = x op y`` in ``x``'s memory, for the elementwise op of that name."""
    op = OPS[name]
    state = get_state()
    y = as_operand(y)
    tracked = state.grad and (_tracked(x) or (isinstance(y, Tensor) and _tracked(y)))
    if tracked:
        _refuse_unless_writable(x)
    if not state.plain or x._view is not None or not _direct(op, x, y):
        return assign(x, _fitting(op, x, op.call(x, y)))
    bound = bound_of(op, x.data)
    if not tracked:
        _compute_into(op, x, y, y.data if isinstance(y, Tensor) else y)
        raise_version(x, caller())
        return x
    operands = [x, y]
    slots = tuple(i for i, o in enumerate(operands) if isinstance(o, Tensor) and o._node is not None)
    named = {which for what, which in bound.plan(slots).sources if what == "input"}
    for i in named:  # the rule needs values that this write destroys
        if isinstance(operands[i], Tensor) and operands[i]._cell is x._cell:
            kept = make(operands[i].data.copy(), operands[i]._line)
            kept._node = operands[i]._node
            operands[i] = kept
    values = [o.data if isinstance(o, Tensor) else o for o in operands]
    _compute_into(op, x, y, y.data if isinstance(y, Tensor) else y)
    line = caller()
    raise_version(x, line)
    x._line = line
    record(bound, operands, (), values, x, slots)
    return x


def _direct(op: Op, x: Tensor, y: Any) -> bool:
    """Whether the backend's ufunc can write straight into ``x``."""
    if not (is_floating(x.dtype) and hasattr(bound_of(op, x.data).m, op.name)):
        return False
    if op.body is not None or not isinstance(y, Tensor):
        return op.body is None and type(y) in (int, float)
    return type(y.data) is type(x.data) and y.dtype == x.dtype and y.device == x.device


def _compute_into(op: Op, x: Tensor, y: Any, value: Any) -> None:
    try:
        getattr(bound_of(op, x.data).m, op.name)(x.data, value, out=x.data)
    except Exception as error:
        raise complain(
            InPlaceError, f"in-place {op.name}", f"the result does not fit into the left operand: {error}", [x, y], ["x", "y"]
        ) from error


def _fitting(op: Op, x: Tensor, result: Tensor) -> Tensor:
    if result.shape != x.shape:
        raise complain(
            InPlaceError,
            f"in-place {op.name}",
            f"the result has shape {list(result.shape)}, which does not fit into {list(x.shape)}",
            [x],
            ["x"],
        )
    return result


_apply = apply
