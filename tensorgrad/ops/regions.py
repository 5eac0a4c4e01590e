"""Writing to a region, twice: in place on bare memory, and as a function of the old values and the new.

The ops that write (``write_region``, ``add_to_region``) are what runs and what a capture sees. Those that copy
(``set_region``, ``add_region``) are what a graph records for the same write, and what ``index_put`` and ``index_add``
compute. A region is a key into a view: ``steps`` lead from the base to the view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..core.node import Info
from ..define import op
from ..errors import DTypeError, ShapeError, UnknownShapeError
from ..op import OPS, helper
from .indexing import Key, region_info

__all__ = ["Steps", "add_region", "add_to_region", "row_by_row", "set_region", "view_info", "write_region"]

Steps: TypeAlias = tuple[tuple[str, tuple[Any, ...]], ...]
"""View ops by name, with their params, from a base to a view of it."""


def view_info(x: Info, steps: Steps) -> Info:
    """Shape and dtype of the view that ``steps`` lead to."""
    for name, params in steps:
        record = OPS[name]
        x = record.infer(dict(zip(record.params, params, strict=True)), x)  # type: ignore[misc]
    return x


def _region_infer(params: dict[str, Any], x: Info, v: Any, indices: Sequence[Any]) -> Info:
    view = view_info(x, params.get("steps", ()))
    if (type(v) is complex or (isinstance(v, Info) and v.dtype.kind == "c")) and x.dtype.kind != "c":
        raise DTypeError(f"complex values do not fit into {x.dtype}: write their real part")
    if not isinstance(v, Info):
        return x
    try:
        shape = region_info(params, view, indices).shape
    except UnknownShapeError:  # a mask: how much it selects is known when it is read
        return x
    given = v.shape
    while len(given) > len(shape) and given[0] == 1:
        given = given[1:]
    if len(given) > len(shape) or any(n not in (1, w) for n, w in zip(given[::-1], shape[::-1], strict=False)):
        shown = params["key"].shown(indices)
        raise ShapeError(
            f"values of shape {list(v.shape)} do not fit x{shown}, which has shape {list(shape)}: expected that shape, "
            "or one that broadcasts to it"
        )
    return x


def _region(m: Any, x: Any, steps: Steps) -> Any:
    for name, params in steps:
        x = getattr(m, name)(x, **dict(zip(OPS[name].params, params, strict=True)))
    return x


def _writable_region(m: Any, out: Any, steps: Steps) -> tuple[Any, Any]:
    """The view of ``out`` that ``steps`` lead to, as ``(array, positions)``: where a step would copy, the flat array
    and the positions in it. Which steps are views depends on the memory layout, and ``out`` is laid out afresh."""
    view = _region(m, out, steps)
    if view is out or view.base is out:
        return view, None
    return out.reshape(-1), _region(m, m.xp.arange(out.size).reshape(out.shape), steps)


def _set_body(m: Any, x: Any, v: Any, indices: Sequence[Any], steps: Steps, key: Key) -> Any:
    out = m.xp.array(x, order="C")  # the sweep brings scalars too
    view, positions = _writable_region(m, out, steps)
    index = key.fill(row_by_row(m.xp, indices, key))
    view[index if positions is None else positions[index]] = v
    return out


def row_by_row(xp: Any, indices: Sequence[Any], key: Key) -> Sequence[Any]:
    """Index arrays in row-major memory: of places that name one element, the last in that order is to stay, but NumPy
    goes by the arrays' own order where index and values share another."""
    return indices if key.distinct else [xp.asarray(i, order="C") for i in indices]


def _add_body(m: Any, x: Any, v: Any, indices: Sequence[Any], steps: Steps, key: Key) -> Any:
    out = m.xp.array(x, order="C")  # the sweep brings scalars too
    view, positions = _writable_region(m, out, steps)
    index = key.fill(indices)
    _add(m, view, index if positions is None else positions[index], v, key)
    return out


def _add(m: Any, view: Any, index: Any, v: Any, key: Key) -> None:
    if key.distinct:
        view[index] += v
    else:
        m.backend.add_at(view, index, v)


@helper
def take_region(m: Any, x: Any, indices: Sequence[Any], steps: Steps, key: Key, v_info: Info) -> Any:
    """The region, in a shape that values of ``v_info`` broadcast to."""
    x = _region(m, x, steps)
    return _widened(m, m.gather(x, indices, key=key) if indices else m.getitem(x, key=key), v_info)


@helper
def take_written(m: Any, x: Any, indices: Sequence[Any], steps: Steps, key: Key, v_info: Info) -> Any:
    """The cotangent of values written to a region: zero for those that a later one overwrote."""
    if key.distinct:
        return m.take_region(x, indices, steps, key, v_info)
    return _widened(m, m.take_last(_region(m, x, steps), indices, key=key), v_info)


def _widened(m: Any, x: Any, v_info: Info) -> Any:
    # Values may have leading axes of length 1 that the region has not.
    return m.reshape(x, shape=(1,) * (v_info.ndim - x.ndim) + x.shape) if v_info.ndim > x.ndim else x


def _take_last_body(m: Any, x: Any, indices: Sequence[Any], key: Key) -> Any:
    index = key.fill(indices)
    taken = x[index]
    order = m.xp.arange(taken.size).reshape(taken.shape)
    last = m.xp.empty(x.shape, dtype=order.dtype)
    last[index] = order
    return m.xp.where(last[index] == order, taken, m.xp.zeros((), dtype=taken.dtype))


take_last = op(
    "take_last",
    "x *indices",
    params="key",
    infer=region_info,
    body=_take_last_body,
    rules={
        "x": lambda m, g, x_info, indices, key: m.set_region(
            m.zeros_from(g, shape=x_info.shape), g, indices, steps=(), key=key
        )
    },
    linear="x",
    doc="``x`` at index arrays, with zeros for all but the last place that names the same element.",
)

set_region = op(
    "set_region",
    "x value *indices",
    params="steps key",
    infer=_region_infer,
    body=_set_body,
    rules={
        "x": lambda m, g, indices, steps, key: m.set_region(g, 0.0, indices, steps=steps, key=key),
        "value": lambda m, g, value_info, indices, steps, key: m.take_written(g, indices, steps, key, value_info),
    },
    linear="x value",
    doc="A copy of ``x`` with ``v`` written at ``key`` of the view that ``steps`` lead to.",
)

add_region = op(
    "add_region",
    "x value *indices",
    params="steps key",
    infer=_region_infer,
    body=_add_body,
    rules={
        "x": lambda m, g: g,
        "value": lambda m, g, value_info, indices, steps, key: m.take_region(g, indices, steps, key, value_info),
    },
    linear="x value",
    doc="A copy of ``x`` with ``v`` added at ``key`` of the view that ``steps`` lead to; repeated indices add up.",
)

write_region = op(
    "write_region",
    "x value *indices",
    params="key",
    infer=_region_infer,
    body=lambda m, x, value, indices, key: x.__setitem__(key.fill(row_by_row(m.xp, indices, key)), value),
    writes=1,
    doc="Write ``v`` into ``x[key]``, in place.",
)

add_to_region = op(
    "add_to_region",
    "x value *indices",
    params="key",
    infer=_region_infer,
    body=lambda m, x, value, indices, key: _add(m, x, key.fill(indices), value, key),
    writes=1,
    doc="Add ``v`` to ``x[key]``, in place; repeated indices add up.",
)
