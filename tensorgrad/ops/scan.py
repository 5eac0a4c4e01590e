"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any

from ..core.node import Info
from ..core.tensor import Tensor
from ..define import broadcast, op, public
from ..errors import AxisError
from .axes import normal_axis, with_length
from .halves import in_single
from .reduction import cast, counted

__all__ = ["cumulative_prod", "cumulative_sum"]


def _scan_infer(params: dict[str, Any], x: Info) -> Info:
    axis = params["axis"]
    length = x.shape[axis] + params["include_initial"]
    return Info(with_length(x.shape, axis, length), counted(x.dtype))


def _initial(m: Any, out: Any, axis: int, value: int) -> Any:
    """``out`` with ``value`` before its first elements."""
    first = m.xp.full(with_length(out.shape, axis, 1), value, dtype=out.dtype)
    return m.xp.concatenate([first, out], axis=axis)


def _rest(g: Any, axis: int, include_initial: bool) -> Any:
    """A scan's cotangent without that of the initial value, which is constant."""
    return g[(slice(None),) * axis + (slice(1, None), ...)] if include_initial else g


@in_single
def _cumulative_sum_body(m: Any, x: Any, axis: int, include_initial: bool) -> Any:
    out = m.xp.cumsum(x, axis=axis)
    return _initial(m, out, axis, 0) if include_initial else out


def _cumulative_sum_rule(m: Any, g: Any, axis: int, include_initial: bool) -> Any:
    g = m.flip(_rest(g, axis, include_initial), axis=(axis,))
    return m.flip(m.cumulative_sum(g, axis=axis, include_initial=False), axis=(axis,))


_cumulative_sum = op(
    "cumulative_sum",
    "x",
    params="axis include_initial",
    infer=_scan_infer,
    body=_cumulative_sum_body,
    rules={"x": _cumulative_sum_rule},
    linear="x",
    doc="Running sums along an axis.",
)


def _scanned_axis(x: Tensor, axis: int | None) -> int:
    if axis is None:
        if x.ndim != 1:
            raise AxisError(f"expected an axis, for a tensor of {x.ndim} dimensions")
        return 0
    return normal_axis(axis, x.ndim)


@public
def cumulative_sum(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """The sums of the first one, two, ... elements along ``axis``.

    Parameters:
        x: at least one dimension; integers and booleans are added in int64, unsigned integers in uint64.
        axis: may be left out for a vector.
        dtype: cast to this first.
        include_initial: begin with the sum of no elements, 0; the result is longer by one.

    Raises AxisError for an axis out of range, or missing.

    >>> import tensorgrad as tg
    >>> tg.cumulative_sum(tg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    x = cast(x, dtype)
    return _cumulative_sum(x, axis=_scanned_axis(x, axis), include_initial=bool(include_initial))  # type: ignore


@in_single
def _cumulative_prod_body(m: Any, x: Any, axis: int, include_initial: bool) -> Any:
    out = m.xp.cumprod(x, axis=axis)
    return _initial(m, out, axis, 1) if include_initial else out


def _cumulative_prod_rule(m: Any, g: Any, x: Any, axis: int, include_initial: bool) -> Any:
    # Element i is in the products k >= i: (product before i) * s(i), s(i) = g(i) + x(i+1) * s(i+1). No division.
    g = _rest(g, axis, include_initial)
    before = m.cumulative_prod(x, axis=axis, include_initial=True)
    before = before[(slice(None),) * axis + (slice(None, -1), ...)]
    after = m.linear_recurrence(_next(m, x, axis), m.flip(g, axis=(axis,)), axis=axis)
    return before * m.flip(after, axis=(axis,))


def _next(m: Any, a: Any, axis: int) -> Any:
    """For a scan from the end: ``a`` in reverse, one place late. What stands first is not used."""
    return m.roll(m.flip(a, axis=(axis,)), shift=1, axis=axis)


_cumulative_prod = op(
    "cumulative_prod",
    "x",
    params="axis include_initial",
    infer=_scan_infer,
    body=_cumulative_prod_body,
    rules={"x": _cumulative_prod_rule},
    doc="Running products along an axis.",
)


@public
def cumulative_prod(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
    """The products of the first one, two, ... elements along ``axis``. Derivatives are exact where elements are zero.

    Parameters:
        x: at least one dimension; integers and booleans are multiplied in int64, unsigned integers in uint64.
        axis: may be left out for a vector.
        dtype: cast to this first.
        include_initial: begin with the product of no elements, 1; the result is longer by one.

    Raises AxisError for an axis out of range, or missing.

    >>> import tensorgrad as tg
    >>> tg.cumulative_prod(tg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 2., 6.])
    """
    x = cast(x, dtype)
    return _cumulative_prod(x, axis=_scanned_axis(x, axis), include_initial=bool(include_initial))  # type: ignore


# h(i) = a(i) * h(i-1) + b(i): its derivatives are recurrences again.


def _recurrence_body(m: Any, a: Any, b: Any, axis: int) -> Any:
    """By doubling: after step k, ``h`` holds what the last 2**k elements add, ``a`` the product over them."""
    h, factor = b.copy(), a.copy()
    step, length = 1, b.shape[axis]
    before = (slice(None),) * axis
    while step < length:
        late, early = (*before, slice(step, None)), (*before, slice(None, -step))
        h[late] += factor[late] * h[early]
        factor[late] *= factor[early].copy()
        step *= 2
    return h


def _recurrence_rule(m: Any, g: Any, mask: Any, a: Any, out: Any, axis: int) -> Any:
    g_b = m.flip(m.linear_recurrence(_next(m, a, axis), m.flip(g, axis=(axis,)), axis=axis), axis=(axis,))
    if not mask[0]:
        return None, g_b
    length = out.shape[axis]
    early = out[(slice(None),) * axis + (slice(0, max(0, length - 1)), ...)]
    zero = m.zeros_from(out, shape=with_length(out.shape, axis, min(1, length)))
    return g_b * m.concat([zero, early], axis=axis), g_b


op(
    "linear_recurrence",
    "a b",
    params="axis",
    infer=lambda params, a, b: Info(broadcast(a.shape, b.shape), b.dtype),
    body=_recurrence_body,
    joint=_recurrence_rule,
    doc="``h[0] = b[0]``, ``h[i] = a[i] * h[i - 1] + b[i]`` along an axis; ``a[0]`` is not used.",
)
