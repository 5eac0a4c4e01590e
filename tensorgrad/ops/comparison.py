"""Elementwise questions, logic and bits: results without a derivative."""

from __future__ import annotations

from ..define import elementwise

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "equal",
    "greater", "greater_equal", "isfinite", "isinf", "isnan", "less", "less_equal", "logical_and", "logical_not",
    "logical_or", "logical_xor", "not_equal", "signbit",
]  # fmt: skip

equal = elementwise(
    "equal",
    """``a == b``. NaN equals nothing.

    >>> tg.equal(tg.tensor([1.0, 2.0]), 2)
    tensor([False,  True])
    """,
    inputs="a b",
    kind="bool",
)

not_equal = elementwise(
    "not_equal",
    """``a != b``.

    >>> tg.not_equal(tg.tensor([1.0, 2.0]), 2)
    tensor([ True, False])
    """,
    inputs="a b",
    kind="bool",
)

less = elementwise(
    "less",
    """``a < b``.

    >>> tg.less(tg.tensor([1.0, 2.0]), 2)
    tensor([ True, False])
    """,
    inputs="a b",
    kind="bool",
)

less_equal = elementwise(
    "less_equal",
    """``a <= b``.

    >>> tg.less_equal(tg.tensor([1.0, 3.0]), 2)
    tensor([ True, False])
    """,
    inputs="a b",
    kind="bool",
)

greater = elementwise(
    "greater",
    """``a > b``.

    >>> tg.greater(tg.tensor([1.0, 3.0]), 2)
    tensor([False,  True])
    """,
    inputs="a b",
    kind="bool",
)

greater_equal = elementwise(
    "greater_equal",
    """``a >= b``.

    >>> tg.greater_equal(tg.tensor([1.0, 2.0]), 2)
    tensor([False,  True])
    """,
    inputs="a b",
    kind="bool",
)

logical_and = elementwise(
    "logical_and",
    """Whether both hold, where a number holds if it is not 0.

    >>> tg.logical_and(tg.tensor([True, False]), tg.tensor([1, 1]))
    tensor([ True, False])
    """,
    inputs="a b",
    kind="bool",
)

logical_or = elementwise(
    "logical_or",
    """Whether one holds or both, where a number holds if it is not 0.

    >>> tg.logical_or(tg.tensor([True, False]), tg.tensor([0, 0]))
    tensor([ True, False])
    """,
    inputs="a b",
    kind="bool",
)

logical_xor = elementwise(
    "logical_xor",
    """Whether exactly one holds, where a number holds if it is not 0.

    >>> tg.logical_xor(tg.tensor([True, False]), tg.tensor([1, 1]))
    tensor([False,  True])
    """,
    inputs="a b",
    kind="bool",
)

logical_not = elementwise(
    "logical_not",
    """Whether it does not hold, where a number holds if it is not 0.

    >>> tg.logical_not(tg.tensor([0.0, 0.5]))
    tensor([ True, False])
    """,
    kind="bool",
)

isnan = elementwise(
    "isnan",
    """Whether an element is NaN.

    >>> tg.isnan(tg.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """,
    kind="bool",
)

isinf = elementwise(
    "isinf",
    """Whether an element is infinite, of either sign.

    >>> tg.isinf(tg.tensor([1.0, -float("inf")]))
    tensor([False,  True])
    """,
    kind="bool",
)

isfinite = elementwise(
    "isfinite",
    """Whether an element is neither infinite nor NaN.

    >>> tg.isfinite(tg.tensor([1.0, float("inf"), float("nan")]))
    tensor([ True, False, False])
    """,
    kind="bool",
)

signbit = elementwise(
    "signbit",
    """Whether the sign is negative, also that of -0.0.

    >>> tg.signbit(tg.tensor([1.0, -0.0]))
    tensor([False,  True])
    """,
    kind="bool",
)

bitwise_and = elementwise(
    "bitwise_and",
    """``a & b``, bit by bit; for booleans: whether both hold.

    >>> tg.bitwise_and(tg.tensor([6, 5]), 3)
    tensor([2, 1])
    """,
    inputs="a b",
    kind="whole",
)

bitwise_or = elementwise(
    "bitwise_or",
    """``a | b``, bit by bit; for booleans: whether one holds or both.

    >>> tg.bitwise_or(tg.tensor([6, 4]), 1)
    tensor([7, 5])
    """,
    inputs="a b",
    kind="whole",
)

bitwise_xor = elementwise(
    "bitwise_xor",
    """``a ^ b``, bit by bit; for booleans: whether exactly one holds.

    >>> tg.bitwise_xor(tg.tensor([6, 5]), 3)
    tensor([5, 6])
    """,
    inputs="a b",
    kind="whole",
)

bitwise_invert = elementwise(
    "bitwise_invert",
    """``~x``: every bit turned over; for booleans: whether it does not hold.

    >>> tg.bitwise_invert(tg.tensor([True, False]))
    tensor([False,  True])
    """,
    kind="whole",
)

bitwise_left_shift = elementwise(
    "bitwise_left_shift",
    """``a << b``: the bits of ``a`` moved up ``b`` places.

    >>> tg.bitwise_left_shift(tg.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """,
    inputs="a b",
    kind="whole",
)

bitwise_right_shift = elementwise(
    "bitwise_right_shift",
    """``a >> b``: the bits of ``a`` moved down ``b`` places; the sign stays.

    >>> tg.bitwise_right_shift(tg.tensor([4, -8]), 2)
    tensor([ 1, -2])
    """,
    inputs="a b",
    kind="whole",
)
