"""A third namespace to run derivative rules in: the array API's strict implementation, extended by our ops.

Its arrays have the standard's methods and indexing and nothing else, and, while ``no_numpy`` is in force, cannot be
turned into NumPy arrays behind the namespace's back. A rule that gives the same here as on bare arrays and on Tensors
is written against ``m`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import array_api_strict as xp
import numpy as np

from tensorgrad.backends.registry import find
from tensorgrad.op import HELPERS, OPS, raw_namespace

__all__ = ["STRICT", "StrictNamespace", "no_numpy", "to_host", "to_strict"]

Array = type(xp.zeros(()))

OURS = frozenset({"take", "take_along_axis", "repeat", "sort", "argsort", "searchsorted", "clip", "unstack", "diff"})
"""Functions that the standard has under the same name, but that our op table calls with other parameters."""


def to_strict(x: Any) -> Any:
    """NumPy arrays and scalars, alone or in lists and tuples, as strict arrays."""
    if isinstance(x, (np.ndarray, np.generic)):
        return xp.asarray(np.array(x))
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        return type(x)(map(to_strict, x))
    return x


def to_host(x: Any) -> Any:
    """Back to NumPy arrays."""
    if isinstance(x, Array):
        return x._array
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        return type(x)(map(to_host, x))
    return x


class StrictNamespace:
    """The namespace ``m`` over strict arrays.

    A function is, in this order: the strict library's own, the body of an op that is a composition (or of a helper),
    and for the ops that need a backend NumPy's, between conversions.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__") or name in ("xp", "backend"):
            raise AttributeError(f"rules and compositions may not use m.{name}")
        found = self._find(name)
        self.__dict__[name] = found
        return found

    def _find(self, name: str) -> Callable[..., Any]:
        op = OPS.get(name)
        own = getattr(xp, name, None)
        if own is not None and name not in OURS:
            return _with_dtypes(own)
        body = HELPERS.get(name) or (op.body if op is not None and op.composite else None)
        if body is not None:
            return lambda *args, **params: body(self, *args, **params)
        if op is None:
            raise AttributeError(f"neither the array API nor the op table has {name!r}")
        return _through_numpy(name)


def _with_dtypes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Dtypes are NumPy's everywhere in the engine; the strict library has its own, and takes them by position."""

    def call(*args: Any, **params: Any) -> Any:
        if "dtype" in params:
            dtype = params.pop("dtype")
            dtype = dtype if type(dtype) is type(xp.float32) else getattr(xp, np.dtype(dtype).name)
            if function is xp.astype:
                args = (*args, dtype)
            else:
                params["dtype"] = dtype
        return function(*args, **params)

    return call


def _through_numpy(name: str) -> Callable[..., Any]:
    raw = getattr(raw_namespace(find("cpu")), name)

    def call(*args: Any, **params: Any) -> Any:
        return to_strict(raw(*map(to_host, args), **params))

    return call


@contextmanager
def no_numpy() -> Iterator[None]:
    """Strict arrays refuse to become NumPy arrays: neither np.asarray nor any NumPy function takes one."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a rule used NumPy on an array that is not NumPy's")

    kept = {name: Array.__dict__.get(name) for name in ("__array__", "__buffer__", "__array_ufunc__")}
    for name in kept:
        setattr(Array, name, refuse)
    try:
        yield
    finally:
        for name, method in kept.items():
            if method is None:
                delattr(Array, name)
            else:
                setattr(Array, name, method)


STRICT = StrictNamespace()
