"""How an operation is written down: its name, its rules, its documentation, in one statement."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from .call import apply
from .core.node import Info
from .core.report import because, failure
from .core.state import get_state
from .dtypes import is_floating, is_scalar, result_dtype
from .errors import DTypeError, ShapeError, TensorgradError
from .op import FUNCTIONS, Op, register
from .paths import binary_path, fixed_path, unary_path

__all__ = ["Binary", "Unary", "broadcast", "elementwise", "elementwise_infer", "explained", "op", "public"]

F = TypeVar("F", bound=Callable[..., Any])


class Unary(Protocol):
    """A public elementwise function of one tensor."""

    def __call__(self, x: Any, /) -> Any: ...


class Binary(Protocol):
    """A public elementwise function of two tensors."""

    def __call__(self, a: Any, b: Any, /) -> Any: ...


def elementwise(
    name: str,
    doc: str,
    *,
    inputs: str | None = None,
    params: str = "",
    kind: str = "same",
    body: Callable[..., Any] | None = None,
    infer: Callable[..., Info] | None = None,
    **rules: Callable[..., Any],
) -> Any:
    """Define an elementwise op, and return its public function.

    ``rules`` are given by input name, in the order of the inputs unless ``inputs`` lists them all. A rule
    is linear in ``g`` and serves as vjp and jvp alike; it uses elementwise functions of ``m`` and Python scalars only.
    ``doc`` says what is computed, with an example; what all elementwise functions share about shapes, types and
    errors is added here.
    """
    names = inputs.split() if inputs is not None else list(rules) or ["x"]
    record = Op(
        name,
        names,
        params=params.split(),
        rules=rules,
        body=body,
        kind=kind,
        elementwise=True,
        infer=infer or elementwise_infer(kind),
    )
    if not record.params and len(names) == 1:
        call: Callable[..., Any] = unary_path(record)
    elif not record.params and len(names) == 2:
        call = binary_path(record)
    else:
        call = _general_path(record)
    return _finish(record, call, _elementwise_doc(doc, kind, len(names)))


_RESULTS = {
    "same": "The result has the operands' common type: NumPy's promotion, except that an integer tensor beside a\n"
    "floating one takes the floating type.",
    "float": "Integers and booleans are computed in the default floating type, float32; other types are kept.",
    "bool": "The result is boolean.",
    "condition": "The result has the common type of the operands after the condition.",
    "whole": "Operands are integers or booleans.",
    "none": "",
}


def _elementwise_doc(doc: str, kind: str, operands: int) -> str:
    """The documentation of an elementwise function: its own words, what it shares with the others, its example."""
    words, prompt, example = doc.replace("\n    ", "\n").partition(">>> ")
    shapes = "Any shape; the type is kept." if kind == "same" else "Any shape."
    errors = "Raises DTypeError for what is no tensor, array or number"
    if operands > 1:
        shapes = "Shapes broadcast; a Python number takes the type of the tensors beside it where it can."
        errors += ",\nShapeError where shapes do not broadcast, DeviceError where devices differ"
    if kind == "whole":
        errors = errors.replace("no tensor, array or number", "neither integers nor booleans")
    result = "" if kind == "same" and operands == 1 else _RESULTS[kind]
    parts = [words.strip(), f"{shapes}\n{result}".strip(), f"{errors}."]
    if prompt:
        start = "" if example.startswith("import ") else ">>> import tensorgrad as tg\n"
        parts.append(f"{start}{prompt}{example.rstrip()}")
    return "\n\n".join(parts) + "\n"


def op(
    name: str,
    inputs: str,
    *,
    params: str = "",
    doc: str = "",
    infer: Callable[..., Any],
    rules: dict[str, Callable[..., Any]] | None = None,
    **fields: Any,
) -> Any:
    """Define any other op, and return its call: positional inputs, parameters by name.

    An input written ``*arrays``, the last one, is a list of any length. See ``Op`` for ``fields``.
    ``infer(params, *infos)`` returns ``Info`` (or a tuple of them) and raises the user's error for operands that do
    not fit.
    """
    variadic = "*" in inputs
    for key in ("linear", "multilinear"):
        if isinstance(fields.get(key), str):
            fields[key] = fields[key].split()
    record = Op(
        name,
        inputs.replace("*", "").split(),
        params=params.split(),
        rules=rules,
        infer=infer,
        variadic=variadic,
        **fields,
    )
    return _finish(record, _general_path(record), doc)


def public(function: F) -> F:
    """Make a function over ops part of the public namespace ``tensorgrad``; its errors are ``explained``."""
    named = explained(function)
    FUNCTIONS[function.__name__] = named
    return named


def explained(function: F) -> F:
    """The function with errors that say all that those of ops do.

    What it raises while looking at its arguments gets its name, each argument and where it was made, the user's line.
    """
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]

    @functools.wraps(function)
    def named(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TensorgradError as error:
            labels = [*names[: len(args)], *(f"argument {i}" for i in range(len(names), len(args))), *kwargs]
            raise failure(function.__name__, (*args, *kwargs.values()), labels, error) from because(error)

    named.__module__ = "tensorgrad"
    return cast(F, named)


def _finish(record: Op, call: Callable[..., Any], doc: str) -> Any:
    call.__name__ = call.__qualname__ = record.name
    call.__module__ = "tensorgrad"
    call.__doc__ = doc
    call.op = record  # type: ignore[attr-defined]
    record.call = call
    register(record)
    return call


def _general_path(record: Op) -> Callable[..., Any]:
    """Operands by position, a list input as one list, parameters by name."""
    names = record.params
    fixed = record.fixed
    if record.inputs and not record.variadic and not record.writes:
        return fixed_path(record)

    def call(*inputs: Any, **params: Any) -> Any:
        operands = (*inputs[:fixed], *inputs[fixed]) if record.variadic else inputs
        return apply(record, operands, tuple([params[name] for name in names]))

    return call


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of operands. Raises ShapeError that names them.

    >>> broadcast((2, 1), (3,))
    (2, 3)
    """
    out: list[int] = []
    for position in range(1, max(map(len, shapes), default=0) + 1):
        lengths = {shape[-position] for shape in shapes if len(shape) >= position} - {1}
        if len(lengths) > 1:
            shown = " and ".join(str(list(shape)) for shape in shapes)
            raise ShapeError(
                f"shapes {shown} do not broadcast: axis {-position} has lengths "
                f"{' and '.join(map(str, sorted(lengths)))}, expected equal lengths or 1"
            )
        out.append(lengths.pop() if lengths else 1)
    return tuple(reversed(out))


def elementwise_infer(kind: str) -> Callable[..., Info]:
    """What an elementwise op of this kind makes of its operands' shapes and dtypes."""

    def infer(params: dict[str, Any], *operands: Any) -> Info:
        shapes = [x.shape for x in operands if isinstance(x, Info)]
        if kind == "bool":
            return Info(broadcast(*shapes), np.dtype(bool))
        valued = operands[1:] if kind == "condition" else operands
        dtypes = [x.dtype for x in valued if isinstance(x, Info)]
        scalars = [x for x in valued if is_scalar(x)]
        common = result_dtype(dtypes, scalars, "float" if kind == "float" else "same", get_state().dtype)
        if kind == "whole" and is_floating(common):
            raise DTypeError(f"expected integers or booleans, got {common}")
        return Info(broadcast(*shapes), common)

    return infer
