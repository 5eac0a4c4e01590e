"""The table that drives the tests: one row per public operation.

Rows live in ``tests/rows/``, one file per family; the suites ``test_ops_*.py`` and others sweep ``ROWS``. A row says
how the operation is called, on what, and what it must agree with; from that follow the tests of values, derivatives,
dtypes, layouts, special values, errors, shape inference, namespaces and backends.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FLOATS = ("float32", "float64")
HALF = ("float16", *FLOATS)
INTS = ("int32", "int64", "uint8")
ALL = ("bool", *INTS, *HALF)


@dataclass(frozen=True)
class Sample:
    """One call: NumPy arrays (and constants) by position, keywords by name."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    exact: bool = True
    """False where the gradient is a convention that finite differences do not have (an embedding's padding row)."""


@dataclass(frozen=True)
class Bad:
    """A call that must raise ``error`` with ``match`` (a regular expression) in its message."""

    args: tuple[Any, ...]
    error: type[Exception]
    match: str
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One operation.

    ``call(*tensors, **kwargs)`` is the public function, ``numpy`` and ``torch`` the same on their arrays (None: the
    oracle has no such function). ``samples(rng, dtype)`` yields calls. ``grad`` lists the positions of arguments
    with a derivative (empty: none); ``order`` is how often they are differentiated, ``smooth`` the positions of the
    results with a derivative (None: all floating ones). ``ops`` are the registered ops the row covers. ``special`` are
    calls at kinks and limits (0, -0, inf, nan, ties), compared with PyTorch in value and first derivative;
    ``special_numpy`` those where NumPy is the model instead (value only). ``bad`` are calls that must fail.
    """

    name: str
    call: Callable[..., Any]
    samples: Callable[[np.random.Generator, str], Iterable[Sample]]
    numpy: Callable[..., Any] | None = None
    torch: Callable[..., Any] | None = None
    dtypes: Sequence[str] = FLOATS
    grad: Sequence[int] = (0,)
    order: int = 2
    tolerance: float = 1.0
    ops: Sequence[str] = ()
    special: Sequence[Sample] = ()
    special_numpy: Sequence[Sample] = ()
    bad: Sequence[Bad] = ()
    elementwise: bool = False
    method: str | None = None
    smooth: Sequence[int] | None = None


def _load() -> list[Row]:
    import rows

    found: list[Row] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(rows.__path__)):
        found += importlib.import_module(f"rows.{module}").ROWS
    return found


ROWS = _load()
"""Every row. ``tolerance`` multiplies the default tolerance of the row's dtype."""
