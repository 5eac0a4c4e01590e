"""What a thread's calls are under: one immutable record in one context variable.

Threads and asyncio tasks each see their own; nothing else in the engine is mutable at module level.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar, final

import numpy as np

from .lines import Line

__all__ = ["DEFAULT", "STATE", "State", "Under", "get_state"]

F = TypeVar("F")


@final
class State:
    """An immutable set of switches.

    ``grad``: record operations. ``level``: how many functional transforms are active. ``capture``: the recorder
    that sees every operation, or None. ``nan``: check every result for NaN. ``device``: where creation functions
    put arrays (None: the default). ``dtype``: the floating type made of Python floats and integers. ``line``: the
    user's line given to nodes made by a derivative rule. ``plain``: nothing but ``grad`` and ``line`` is
    special, so the fast call path may be taken.
    """

    __slots__ = ("capture", "device", "dtype", "grad", "level", "line", "nan", "plain")

    grad: bool
    level: int
    capture: Any
    nan: bool
    device: Any
    dtype: np.dtype[Any]
    line: Line | None
    plain: bool

    def __init__(
        self,
        grad: bool = True,
        level: int = 0,
        capture: Any = None,
        nan: bool = False,
        device: Any = None,
        dtype: np.dtype[Any] = np.dtype(np.float32),
        line: Line | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "grad", grad)
        put(self, "level", level)
        put(self, "capture", capture)
        put(self, "nan", nan)
        put(self, "device", device)
        put(self, "dtype", dtype)
        put(self, "line", line)
        put(self, "plain", capture is None and not nan)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"State is immutable; make another with .but({name}=...)")

    def but(self, **changes: Any) -> State:
        """This state with some switches changed."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "plain"}
        return State(**{**fields, **changes})

    def __repr__(self) -> str:
        return "State(" + ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__) + ")"


DEFAULT = State()
STATE: ContextVar[State] = ContextVar("tensorgrad.state", default=DEFAULT)
get_state = STATE.get


class Under(AbstractContextManager[None]):
    """``with Under(grad=False): ...``, re-entrant, and usable as a decorator."""

    __slots__ = ("_changes", "_tokens")

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._tokens: list[Any] = []

    def __enter__(self) -> None:
        self._tokens.append(STATE.set(get_state().but(**self._changes)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        STATE.reset(self._tokens.pop())

    def __call__(self, function: F) -> F:
        import functools

        @functools.wraps(function)  # type: ignore[arg-type]
        def under(*args: Any, **kwargs: Any) -> Any:
            with type(self)(**self._changes):
                return function(*args, **kwargs)  # type: ignore[operator]

        return under  # type: ignore[return-value]
