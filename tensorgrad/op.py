"""What an operation is: one record, from which everything else about it follows.

A derivative rule is a small function whose own parameter list is the memory contract. It is called with ``m``, the
array namespace to compute in, and ``g``, the cotangent, and names what else it needs: ``out``, an input by its name,
``<input>_info`` for shape and dtype only, a parameter by its name. What no rule names is not kept.

Given a backend's raw namespace, a rule runs on bare arrays (the fast path of ``backward``). Given ``TENSORS``, the same
rule records itself: that is ``create_graph=True``, and how capture sees the backward pass.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, final

import numpy as np

from .backends.base import Backend
from .backends.registry import known_types
from .core.node import Info

__all__ = [
    "OPS",
    "TENSORS",
    "Bound",
    "Op",
    "Plan",
    "RawNamespace",
    "Rule",
    "TensorNamespace",
    "raw_namespace",
    "register",
]

OUT: Final = -1
_lock = threading.RLock()
OPS: dict[str, Op] = {}
"""Every registered op by name. Only grows."""


@final
class Rule:
    """A derivative rule and what it names. ``needs`` are sources: see ``Op.source``."""

    __slots__ = ("function", "names", "needs")

    def __init__(self, op: Op, function: Callable[..., Any], reserved: Sequence[str]) -> None:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        if code.co_kwonlyargcount or names[: len(reserved)] != tuple(reserved):
            raise TypeError(f"op {op.name!r}: a rule starts with ({', '.join(reserved)}), got ({', '.join(names)})")
        self.function = function
        self.names = names[len(reserved) :]
        self.needs = tuple(op.source(name) for name in self.names)


@final
class Op:
    """One operation.

    ``inputs`` and ``params`` are names; the last input of a ``variadic`` op is a list of any length, flattened into
    slots after the ``fixed`` others. ``body(m, *inputs, **params)`` computes it; None means the backend namespace's
    function of the same name. An op with a body and no rules is a composition: tracked inputs run its body on Tensors.
    ``rules`` are vjps by input, ``joint`` one rule for all inputs. ``elementwise`` rules serve as jvp too. ``linear``
    names the inputs in which the op is jointly linear, ``multilinear`` those in which it is linear one by one.
    ``outputs`` counts the results (0: a tuple whose length depends on the params). ``kind`` says how dtypes go in and
    out: see ``tensorgrad.dtypes``. ``view``: the result may share the first input's memory. ``writes`` is the number of
    leading inputs that the body changes in place and returns. ``infer(params, *infos)`` gives the results' shapes and
    dtypes without computing.
    """

    __slots__ = (
        "body",
        "bounds",
        "call",
        "composite",
        "differentiable",
        "elementwise",
        "first_order",
        "fixed",
        "infer",
        "inputs",
        "joint",
        "jvp",
        "kind",
        "linear",
        "multilinear",
        "name",
        "outputs",
        "params",
        "rules",
        "variadic",
        "view",
        "writes",
    )

    def __init__(
        self,
        name: str,
        inputs: Sequence[str],
        *,
        params: Sequence[str] = (),
        rules: dict[str, Callable[..., Any]] | None = None,
        joint: Callable[..., Any] | None = None,
        jvp: Callable[..., Any] | None = None,
        body: Callable[..., Any] | None = None,
        infer: Callable[..., Any] | None = None,
        kind: str = "none",
        elementwise: bool = False,
        linear: Sequence[str] = (),
        multilinear: Sequence[str] = (),
        outputs: int = 1,
        variadic: bool = False,
        view: bool = False,
        writes: int = 0,
        first_order: bool = False,
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.params = tuple(params)
        clash = {"m", "g", "out", "mask", "i"} & {*self.inputs, *self.params}
        if clash or len({*self.inputs, *self.params}) != len(self.inputs) + len(self.params):
            raise TypeError(f"op {name!r}: input and parameter names must differ from each other and from {clash}")
        self.body = body
        self.infer = infer
        self.kind = kind
        self.elementwise = elementwise
        self.linear = tuple(linear)
        self.multilinear = tuple(multilinear)
        self.outputs = outputs
        self.variadic = variadic
        self.fixed = len(self.inputs) - variadic
        self.view = view
        self.writes = writes
        self.first_order = first_order
        unknown = {*(rules or {}), *self.linear, *self.multilinear} - {*self.inputs}
        if unknown:
            raise TypeError(f"op {name!r} has no input {sorted(unknown)}; its inputs are {self.inputs}")
        self.rules = {
            name: Rule(self, rule, ("m", "g", "i") if variadic and name == self.inputs[-1] else ("m", "g"))
            for name, rule in (rules or {}).items()
        }
        self.joint = None if joint is None else Rule(self, joint, ("m", "g", "mask"))
        self.jvp = jvp
        self.differentiable = bool(self.rules) or self.joint is not None
        self.composite = body is not None and not self.differentiable and not writes
        self.bounds: dict[type[Any], Bound] = {}
        self.call: Callable[..., Any] = _no_call

    def slots(self, name: str) -> slice:
        """Where an input's operands are among all operands."""
        i = self.inputs.index(name)
        return slice(i, None) if self.variadic and i == self.fixed else slice(i, i + 1)

    def source(self, name: str) -> tuple[str, int]:
        """Where a rule's parameter comes from.

        ``("out", 0)``, ``("input", i)``, ``("info", i)``, ``("param", j)``, and for a list input ``("rest", 0)`` and
        ``("rest_infos", 0)``.
        """
        if name == "out":
            return ("out", 0)
        if name in self.params:
            return ("param", self.params.index(name))
        plain = name.removesuffix("_info")
        if plain in self.inputs:
            i = self.inputs.index(plain)
            if self.variadic and i == self.fixed:
                return ("rest" if plain == name else "rest_infos", 0)
            return ("input" if plain == name else "info", i)
        raise TypeError(
            f"op {self.name!r}: a rule names {name!r}, which is neither 'out', an input {self.inputs}, "
            f"an '<input>_info' nor a parameter {self.params}"
        )

    def __repr__(self) -> str:
        return f"<Op {self.name}({', '.join(self.inputs + self.params)})>"


@final
class Plan:
    """What to save and which rules to call, for one op on one backend with given inputs tracked.

    ``sources`` are the saved values in order; ``code`` is their short form for elementwise call paths (bit i: input
    i; bit ``len(inputs)``: out) where they are nothing else. ``calls`` lists ``(input, function, positions in saved)``.
    """

    __slots__ = ("bound", "calls", "code", "joint", "m", "op", "sources", "tracked")

    def __init__(self, bound: Bound, tracked: tuple[int, ...]) -> None:
        op = self.op = bound.op
        self.bound = bound
        self.m = bound.m
        self.tracked = tracked
        used: list[tuple[int, Rule]] = []
        if op.joint is not None:
            used = [(-1, op.joint)]
        else:
            names = [(i, op.inputs[min(i, len(op.inputs) - 1)]) for i in tracked]
            used = [(i, op.rules[name]) for i, name in names if name in op.rules]
        order = {"input": 0, "out": 1, "rest": 2, "info": 3, "rest_infos": 4, "param": 5}
        self.sources = tuple(
            sorted({need for _, rule in used for need in rule.needs}, key=lambda s: (order[s[0]], s[1]))
        )
        self.calls = tuple(
            (
                i,
                _of_slot(r.function, i - op.fixed) if op.variadic and 0 <= op.fixed <= i else r.function,
                tuple(map(self.sources.index, r.needs)),
            )
            for i, r in used
        )
        self.joint = op.joint is not None
        code = 0
        for what, which in self.sources:
            code |= {"input": 1 << which, "out": 1 << len(op.inputs)}.get(what, 1 << 30)
        self.code = code

    def __repr__(self) -> str:
        return f"<Plan {self.op.name} tracked={self.tracked} saves={self.sources}>"


def _of_slot(rule: Callable[..., Any], i: int) -> Callable[..., Any]:
    """The rule of a list input for its element ``i``."""
    return lambda m, g, *saved: rule(m, g, i, *saved)


@final
class Bound:
    """An op on one backend: ``f`` computes it going forward, ``m`` is the raw namespace its rules are given."""

    __slots__ = ("_plans", "backend", "f", "m", "masks", "op", "ufunc")

    def __init__(self, op: Op, backend: Backend) -> None:
        self.op = op
        self.backend = backend
        self.m = raw_namespace(backend)
        function = self.m.function(op.name, op)
        self.f = backend.forward(function)
        self.ufunc = function if isinstance(function, np.ufunc) else None
        """Where ``f`` is a NumPy ufunc: that, called with ``out=...`` in place, which is cheaper than a wrapper."""
        self._plans: dict[tuple[int, ...], Plan] = {}
        self.masks: list[Plan | None] = [None] * 4
        """For ops of one or two inputs: the plan by bit mask of tracked inputs, made on first use."""

    def plan(self, tracked: tuple[int, ...]) -> Plan:
        plan = self._plans.get(tracked)
        if plan is None:
            plan = self._plans.setdefault(tracked, Plan(self, tracked))
        return plan

    def mask(self, mask: int) -> Plan:
        plan = self.masks[mask]
        if plan is None:
            plan = self.masks[mask] = self.plan(tuple(i for i in (0, 1) if mask >> i & 1))
        return plan


def bind(op: Op, array_type: type[Any], backend: Backend) -> Bound:
    """The op on a backend; made once."""
    with _lock:
        return op.bounds.setdefault(array_type, Bound(op, backend))


class RawNamespace:
    """The array namespace ``m`` over bare arrays: the op table first, then the library's own functions.

    An op's function is, in this order: the backend's override, the op's body, the library's function of that name.
    """

    info = Info
    """What ``infer`` takes for an array: for backends that compute by it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.xp = backend.namespace
        backend.attach(self)

    def function(self, name: str, op: Op | None = None) -> Callable[..., Any]:
        op = op or OPS.get(name)
        override = self.backend.implement(name, op)
        if override is not None:
            return override
        if op is not None and op.body is not None:
            return _Body(op.body, self)
        found = getattr(self.xp, name, None)
        if found is None:
            found = HELPERS.get(name)
            if found is not None:
                return _Body(found, self)
            raise AttributeError(f"neither the op table nor {self.backend.name} has {name!r}")
        return found  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.function(name)
        self.__dict__[name] = found
        return found


class _Body(functools.partial[Any]):
    """An op's body with its namespace filled in, as ``_Body(body, m)``. A call costs no frame of its own."""

    __slots__ = ()


_raw: dict[str, RawNamespace] = {}


def raw_namespace(backend: Backend) -> RawNamespace:
    """The raw namespace of a backend; made once."""
    with _lock:
        if backend.kind not in _raw:
            _raw[backend.kind] = RawNamespace(backend)
        return _raw[backend.kind]


class TensorNamespace:
    """The array namespace ``m`` over Tensors: every function records itself."""

    def __getattr__(self, name: str) -> Any:
        op = OPS.get(name)
        if op is not None:
            self.__dict__[name] = op.call
            return op.call
        body = HELPERS.get(name)
        found = FUNCTIONS.get(name) if body is None else _Body(body, self)
        if found is None:
            raise AttributeError(f"the op table has no {name!r}")
        self.__dict__[name] = found
        return found


TENSORS: Final = TensorNamespace()
HELPERS: dict[str, Callable[..., Any]] = {}
"""Compositions ``helper(m, ...)`` that rules use and that are no ops, by name. Only grows."""
FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The public functions over Tensors that are no ops themselves, by name. Only grows."""


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``function(m, ...)`` to the namespaces under its own name."""
    with _lock:
        if function.__name__ in HELPERS or function.__name__ in OPS:
            raise TypeError(f"the namespace has {function.__name__!r} already")
        HELPERS[function.__name__] = function
    return function


def register(op: Op) -> Op:
    """Add an op to the table. A name is given once."""
    with _lock:
        if op.name in OPS:
            raise TypeError(f"op {op.name!r} is registered already")
        OPS[op.name] = op
    return op


def bound_of(op: Op, array: Any) -> Bound:
    """The op bound to the backend of ``array``."""
    bound = op.bounds.get(type(array))
    if bound is None:
        from .backends.registry import backend_of

        bound = bind(op, type(array), known_types.get(type(array)) or backend_of(array))
    return bound


def _no_call(*args: Any, **kwargs: Any) -> Any:
    raise TypeError("this op has no call path yet")
