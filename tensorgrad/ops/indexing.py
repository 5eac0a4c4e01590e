"""Reading and writing regions: basic and advanced indexing, scatter and gather.

A basic index (integers, slices, None, ...) is a constant of the op and gives a view. Index arrays and masks may change
from step to step, so they are input slots; the key holds a place for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np

from ..core.node import Info
from ..core.report import complain
from ..core.tensor import Tensor
from ..define import op
from ..errors import DTypeError, IndexingError, ShapeError
from ..op import OPS, helper

__all__ = ["Key", "getitem", "parse_key", "scatter", "set_region", "take_region"]

Steps: TypeAlias = tuple[tuple[str, tuple[Any, ...]], ...]
"""View ops by name, with their params, from a base to a view of it."""


class Span(NamedTuple):
    """A slice that hashes (Python's own does only from 3.12 on)."""

    start: int | None
    stop: int | None
    step: int | None


class Place(NamedTuple):
    """Where an index array goes."""

    slot: int


@final
class Key:
    """An index as data: hashable, with a place for each index array."""

    __slots__ = ("basic", "distinct", "parts")

    def __init__(self, parts: tuple[Any, ...], distinct: bool = True) -> None:
        self.parts = parts
        self.distinct = distinct
        self.basic = None
        if not any(isinstance(part, Place) for part in parts):
            self.basic = tuple(slice(*p) if isinstance(p, Span) else p for p in parts)

    def fill(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """The index as NumPy and CuPy take it."""
        if self.basic is not None:
            return self.basic
        return tuple(
            slice(*p) if isinstance(p, Span) else arrays[p.slot] if isinstance(p, Place) else p for p in self.parts
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        def show(part: Any) -> str:
            if isinstance(part, Span):
                ends = ":".join("" if end is None else str(end) for end in part[:2])
                return ends if part.step is None else f"{ends}:{part.step}"
            return "..." if part is Ellipsis else f"#{part.slot}" if isinstance(part, Place) else str(part)

        return f"[{', '.join(map(show, self.parts))}]"


WHOLE = Key((Ellipsis,))


def parse_key(key: Any) -> tuple[Key, list[Any]]:
    """A key as a user writes it, as (Key, index arrays). Raises IndexingError for what cannot be an index."""
    parts: list[Any] = []
    arrays: list[Any] = []
    distinct = True
    for part in key if isinstance(key, tuple) else (key,):
        if part is None or part is Ellipsis or type(part) is int:
            parts.append(part)
        elif isinstance(part, slice):
            parts.append(Span(*(None if end is None else end.__index__() for end in (part.start, part.stop, part.step))))
        elif isinstance(part, (bool, np.bool_)):
            parts.append(bool(part))
        elif isinstance(part, np.integer):
            parts.append(int(part))
        else:
            array = part if hasattr(part, "dtype") else np.asarray(part, dtype=None if len(part) else np.int64)
            if array.dtype.kind not in "biu":
                raise IndexingError(f"an index array must hold integers or booleans, got {array.dtype}")
            distinct = distinct and array.dtype.kind == "b"
            parts.append(Place(len(arrays)))
            arrays.append(array)
    return Key(tuple(parts), distinct), arrays


def _region_info(params: dict[str, Any], x: Info, indices: Sequence[Any] = ()) -> Info:
    """The shape of ``x[key]``, by NumPy, on arrays that take no memory. A mask's count must be read: not inferable."""
    key: Key = params["key"]
    fake = []
    for info in indices:
        if info.dtype.kind == "b":
            raise DTypeError("the result's shape depends on the values of a boolean index")
        fake.append(np.broadcast_to(np.zeros((), dtype=np.int64), info.shape))
    zero = np.broadcast_to(np.zeros((), dtype=np.int8), x.shape)
    if any(n == 0 for n in x.shape) and fake:
        zero = np.broadcast_to(np.zeros((), dtype=np.int8), tuple(max(n, 1) for n in x.shape))
    try:
        return Info(zero[key.fill(fake)].shape, x.dtype)
    except IndexError as error:
        raise IndexingError(f"index {key} does not fit shape {list(x.shape)}: {error}") from None


_slice = op(
    "getitem",
    "x",
    params="key",
    infer=_region_info,
    body=lambda m, x, key: x[key.basic],
    rules={"x": lambda m, g, x_info, key: m.scatter(g, [], key=key, shape=x_info.shape)},
    linear="x",
    view=True,
)

_gather = op(
    "gather",
    "x *indices",
    params="key",
    infer=_region_info,
    body=lambda m, x, indices, key: x[key.fill(indices)],
    rules={"x": lambda m, g, x_info, indices, key: m.scatter(g, indices, key=key, shape=x_info.shape)},
    linear="x",
)


def _scatter_body(m: Any, g: Any, indices: Sequence[Any], key: Key, shape: tuple[int, ...]) -> Any:
    out = m.xp.zeros(shape, dtype=g.dtype)
    if key.distinct:
        out[key.fill(indices)] = g
    else:
        m.backend.add_at(out, key.fill(indices), g)
    return out


scatter = op(
    "scatter",
    "g_ *indices",
    params="key shape",
    infer=lambda params, g, indices: Info(params["shape"], g.dtype),
    body=_scatter_body,
    rules={"g_": lambda m, g, indices, key: m.take_region(g, indices, steps=(), key=key)},
    linear="g_",
    doc="Zeros of ``shape`` with the values added at ``key``: the transpose of indexing.",
)


def _set_region_infer(params: dict[str, Any], x: Info, v: Any, indices: Sequence[Any]) -> Info:
    return x


def _region(m: Any, x: Any, steps: Steps) -> Any:
    for name, params in steps:
        x = getattr(m, name)(x, **dict(zip(OPS[name].params, params, strict=True)))
    return x


def _set_region_body(m: Any, x: Any, v: Any, indices: Sequence[Any], steps: Steps, key: Key) -> Any:
    out = x.copy()
    if not steps:
        out[key.fill(indices)] = v
        return out
    # By flat position, not through views: which steps are views depends on the memory layout.
    positions = _region(m, m.xp.arange(out.size).reshape(out.shape), steps)
    out.reshape(-1)[positions[key.fill(indices)]] = v
    return out


set_region = op(
    "set_region",
    "x v *indices",
    params="steps key",
    infer=_set_region_infer,
    body=_set_region_body,
    rules={
        "x": lambda m, g, indices, steps, key: m.set_region(g, 0.0, indices, steps=steps, key=key),
        "v": lambda m, g, indices, steps, key: m.take_region(g, indices, steps=steps, key=key),
    },
    linear="x v",
    doc="A copy of ``x`` with ``v`` written at ``key`` of the view that ``steps`` lead to.",
)


@helper
def take_region(m: Any, x: Any, indices: Sequence[Any], steps: Steps, key: Key) -> Any:
    """What ``set_region`` would overwrite."""
    x = _region(m, x, steps)
    return m.gather(x, indices, key=key) if indices else m.getitem(x, key=key)


write_region = op(
    "write_region",
    "x v *indices",
    params="key",
    infer=_set_region_infer,
    body=lambda m, x, v, indices, key: x.__setitem__(key.fill(indices), v),
    writes=1,
    doc="Write ``v`` into ``x[key]``, in place.",
)


def getitem(x: Tensor, key: Any, /) -> Tensor:
    """``x[key]``: a view for a basic index, a copy for index arrays and masks, as in NumPy.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x[0], x[[1, 0], [0, 1]]
    (tensor([1., 2.]), tensor([3., 2.]))
    """
    if type(key) is int or type(key) is slice:
        key = (key,)
    parsed, arrays = parse_key(key)
    if not arrays:
        return _slice(x, key=parsed)  # type: ignore[no-any-return]
    return _gather(x, on_device(x, arrays), key=parsed)  # type: ignore[no-any-return]


def on_device(x: Tensor, arrays: list[Any]) -> list[Any]:
    """Index arrays where ``x`` is: those from the host follow it."""
    if x.device.kind == "cpu":
        return arrays
    return [a if isinstance(a, Tensor) else Tensor(x.backend.asarray(a, device=x.device)) for a in arrays]


def _misfit(x: Tensor, key: Any, error: Exception) -> Exception:
    return complain(IndexingError, "indexing", f"index {key!r} does not fit shape {list(x.shape)}: {error}", [x], ["x"])


_unused: tuple[type, ...] = (ShapeError,)
