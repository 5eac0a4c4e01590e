"""Where methods are gathered, and the functions of the namespace as they see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from ..op import FUNCTIONS, OPS

__all__ = ["METHODS", "PROPERTIES", "function", "method", "tg"]

F = TypeVar("F", bound=Callable[..., Any])

METHODS: Final[dict[str, Callable[..., Any]]] = {}
"""Methods written as functions of their own, by name. Filled at import."""
PROPERTIES: Final[dict[str, Callable[..., Any]]] = {}
"""Likewise, those that are read without a call."""


def function(name: str) -> Callable[..., Any]:
    """The public function of a name: the one written over ops if there is one, else the op's own call."""
    return FUNCTIONS.get(name) or OPS[name].call


class _Names:
    """The namespace ``tensorgrad`` as methods see it: each public function under its name."""

    def __getattr__(self, name: str) -> Any:
        try:
            found = function(name)
        except KeyError:
            raise AttributeError(f"the namespace has no {name!r}") from None
        self.__dict__[name] = found
        return found


tg: Final = _Names()


def method(*names: str, table: dict[str, Callable[..., Any]] = METHODS) -> Callable[[F], F]:
    """Make a function a method of Tensor, under its own name or others. Where it is given others, those only."""

    def keep(f: F) -> F:
        f.__module__ = "tensorgrad"
        for name in names or (f.__name__,):
            if name in METHODS or name in PROPERTIES:
                raise TypeError(f"Tensor has a method {name!r} already")
            table[name] = f
        f.__name__ = (names or (f.__name__,))[0]
        f.__qualname__ = f"Tensor.{f.__name__}"
        return f

    return keep
