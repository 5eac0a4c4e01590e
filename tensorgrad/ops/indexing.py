"""Indexing: the key as data, reading a region, and its transpose.

A basic index (integers, slices, None, ...) is a constant of the op and gives a view, also where NumPy would give a
scalar. Index arrays and masks may change from step to step, so they are input slots; the key holds a place for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np

from ..core.node import Info
from ..core.report import complain
from ..core.tensor import Tensor
from ..define import op
from ..errors import IndexingError, UnknownShapeError

__all__ = ["WHOLE", "Key", "Place", "Span", "getitem", "on_device", "parse_key", "region_info", "scatter"]


_new = tuple.__new__


class Span(NamedTuple):
    """A slice that hashes (Python's own does only from 3.12 on)."""

    start: int | None
    stop: int | None
    step: int | None


class Place(NamedTuple):
    """Where an index array goes."""

    slot: int


EVERYTHING = Span(None, None, None)


@final
class Key:
    """An index as data: hashable, with a place for each index array.

    ``distinct`` tells that no element is named twice; ``basic`` is the index itself if it holds no arrays.
    """

    __slots__ = ("basic", "distinct", "parts")

    def __init__(self, parts: tuple[Any, ...], distinct: bool = True, arrays: bool | None = None) -> None:
        self.parts = parts
        self.distinct = distinct
        self.basic: tuple[Any, ...] | None = None
        if arrays is None:
            arrays = any(type(part) is Place for part in parts)
        if not arrays:
            basic = [slice(*p) if type(p) is Span else p for p in parts]
            # With an ellipsis NumPy gives a 0-d view, not a scalar, where every axis has its integer.
            self.basic = tuple(basic) if Ellipsis in basic else (*basic, Ellipsis)

    def fill(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """The index as NumPy and CuPy take it."""
        if self.basic is not None:
            return self.basic
        return tuple(
            [slice(*p) if type(p) is Span else arrays[p.slot] if type(p) is Place else p for p in self.parts]
        )

    def shown(self, arrays: Sequence[Any] = ()) -> str:
        """The index as the user wrote it, arrays by their dtype and shape."""

        def show(part: Any) -> str:
            if isinstance(part, Span):
                ends = ":".join("" if end is None else str(end) for end in part[:2])
                return ends if part.step is None else f"{ends}:{part.step}"
            if isinstance(part, Place):
                if part.slot >= len(arrays):
                    return f"#{part.slot}"
                array = arrays[part.slot]
                return f"{array.dtype}{list(array.shape)}"
            return "..." if part is Ellipsis else str(part)

        return f"[{', '.join(map(show, self.parts))}]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.parts == other.parts and self.distinct == other.distinct

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return self.shown()


WHOLE = Key((Ellipsis,))


def parse_key(key: Any) -> tuple[Key, list[Any]]:
    """A key as a user writes it, as (Key, index arrays). Raises IndexingError for what cannot be an index."""
    parts: list[Any] = []
    arrays: list[Any] = []
    distinct = True
    for part in key if isinstance(key, tuple) else (key,):
        kind = type(part)
        if kind is int or part is None or part is Ellipsis:
            parts.append(part)
        elif kind is slice:
            ends = (part.start, part.stop, part.step)
            for end in ends:
                if end is not None and type(end) is not int:
                    ends = _ends(part)
                    break
            parts.append(_new(Span, ends))
        elif isinstance(part, (bool, np.bool_)):
            parts.append(bool(part))
        elif isinstance(part, np.integer):
            parts.append(int(part))
        else:
            array = _index_array(part)
            distinct = distinct and (array.dtype.kind == "b" or not array.shape)
            parts.append(Place(len(arrays)))
            arrays.append(array)
    return Key(tuple(parts), distinct, bool(arrays)), arrays


def _ends(part: slice) -> tuple[Any, Any, Any]:
    try:
        start, stop, step = [None if end is None else end.__index__() for end in (part.start, part.stop, part.step)]
        return start, stop, step
    except AttributeError:
        raise IndexingError(f"expected a slice of integers, got {part}") from None


def _index_array(part: Any) -> Any:
    if not hasattr(part, "dtype"):
        if not hasattr(part, "__len__") or isinstance(part, (str, bytes, dict, set)):
            raise IndexingError(
                f"expected integers, slices, None, ... or arrays of integers or booleans as an index, got {part!r}"
            )
        try:
            part = np.asarray(part, dtype=None if len(part) else np.int64)
        except ValueError as error:
            raise IndexingError(f"expected an index of nested sequences of equal lengths: {error}") from None
    if part.dtype.kind not in "biu":
        raise IndexingError(f"an index array must hold integers or booleans, got {part.dtype}{list(part.shape)}")
    return part


def region_info(params: dict[str, Any], x: Info, indices: Sequence[Any] = ()) -> Info:
    """The shape of ``x[key]``, by NumPy, on arrays that take no memory. A mask's count must be read: not inferable."""
    key: Key = params["key"]
    masks = [info.dtype.kind == "b" for info in indices]
    fake = [np.broadcast_to(np.zeros((), dtype=bool if mask else np.int64), i.shape) for i, mask in zip(indices, masks)]
    zero = np.broadcast_to(np.zeros((), dtype=np.int8), x.shape)
    try:
        if not any(masks):
            return Info(zero[key.fill(fake)].shape, x.dtype)
        if len(masks) == 1:
            _ = zero[key.fill(fake)]
    except IndexError as error:
        shown = key.shown(indices)
        raise IndexingError(f"index {shown} does not fit shape {list(x.shape)}: {error}") from None
    raise UnknownShapeError("the result's shape depends on the values of a boolean index")


_slice = op(
    "getitem",
    "x",
    params="key",
    infer=region_info,
    body=lambda m, x, key: x[key.basic],
    rules={"x": lambda m, g, x_info, key: m.scatter(g, [], key=key, shape=x_info.shape)},
    linear="x",
    view=True,
)

_gather = op(
    "gather",
    "x *indices",
    params="key",
    infer=region_info,
    body=lambda m, x, indices, key: x[key.fill(indices)],
    rules={"x": lambda m, g, x_info, indices, key: m.scatter(g, indices, key=key, shape=x_info.shape)},
    linear="x",
)


def _scatter_body(m: Any, g_: Any, indices: Sequence[Any], key: Key, shape: tuple[int, ...]) -> Any:
    out = m.xp.zeros(shape, dtype=g_.dtype)
    if key.distinct:
        out[key.fill(indices)] = g_
    else:
        m.backend.add_at(out, key.fill(indices), g_)
    return out


def _scatter_rule(m: Any, g: Any, indices: Sequence[Any], key: Key) -> Any:
    return m.gather(g, indices, key=key) if indices else m.getitem(g, key=key)


scatter = op(
    "scatter",
    "g_ *indices",
    params="key shape",
    infer=lambda params, g_, indices: Info(params["shape"], g_.dtype),
    body=_scatter_body,
    rules={"g_": _scatter_rule},
    linear="g_",
    doc="Zeros of ``shape`` with the values added at ``key``: the transpose of indexing.",
)


def getitem(x: Tensor, key: Any, /) -> Tensor:
    """``x[key]``: a view for a basic index, a copy for index arrays and masks, as in NumPy.

    Integers for every axis give a 0-d view (NumPy gives a scalar), so that ``x[0] += 1`` and writes to ``x`` agree.

    Raises IndexingError for an index out of range, too many of them, or a mask of another shape.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x[0], x[[1, 0], [0, 1]]
    (tensor([1., 2.]), tensor([3., 2.]))
    """
    try:
        parsed, arrays = parse_key(key)
    except IndexingError as error:
        raise complain(IndexingError, "indexing", str(error), [x], ["x"]) from None
    if not arrays:
        return _slice(x, key=parsed)  # type: ignore[no-any-return]
    return _gather(x, on_device(x, arrays), key=parsed)  # type: ignore[no-any-return]


def on_device(x: Tensor, arrays: list[Any]) -> list[Any]:
    """Index arrays where ``x`` is: those from the host follow it."""
    if not arrays or type(x.data) is np.ndarray or x.device.kind == "cpu":
        return arrays
    backend, device = x.backend, x.device
    return [a if isinstance(a, Tensor) else Tensor(backend.asarray(a, device=device)) for a in arrays]
