"""Operations of the user's own: code over bare arrays that tensorgrad runs, records and differentiates."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, final, overload

from ..call import apply
from ..core.node import Info
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import elementwise_infer
from ..dtypes import to_dtype
from ..errors import DTypeError, GradientError, ShapeError
from ..op import Op, Rule

__all__ = ["CustomOp", "custom_op"]

F = TypeVar("F", bound=Callable[..., Any])


@final
class CustomOp:
    """An operation made by ``custom_op``: call it on tensors; give it derivatives with ``vjp`` and ``jvp``."""

    def __init__(
        self, forward: Callable[..., Any], name: str, outputs: int, elementwise: bool, differentiable: bool
    ) -> None:
        inputs, params, defaults = _signature(forward, name)
        self.forward = forward
        self.differentiable = differentiable
        self._defaults = defaults
        # A dot: no op of the table, and no function of an array library, has such a name.
        self.op = Op(
            f"custom.{name}",
            inputs,
            params=params,
            body=_body(forward, outputs, name),
            infer=elementwise_infer("same") if elementwise else None,
            elementwise=elementwise,
            outputs=outputs,
        )
        self.op.composite = False  # the body takes bare arrays only
        self.op.call = self.__call__
        self._jvp: tuple[Callable[..., Any], tuple[str, ...]] | None = None
        self.__name__: str
        functools.update_wrapper(self, forward)

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        op = self.op
        if len(inputs) != len(op.inputs):
            raise TypeError(f"{op.name}() takes {len(op.inputs)} operands ({', '.join(op.inputs)}), got {len(inputs)}")
        values = self._params(params) if op.params or params else ()
        if not op.differentiable and get_state().grad:
            self._refuse_tracked(inputs)
        return apply(op, inputs, values)

    def _params(self, given: dict[str, Any]) -> tuple[Any, ...]:
        op = self.op
        merged = {**self._defaults, **given}
        unknown, missing = sorted(merged.keys() - {*op.params}), [p for p in op.params if p not in merged]
        if unknown or missing:
            what = f"no parameter {unknown[0]!r}" if unknown else f"to be given {missing[0]!r}"
            raise TypeError(f"{op.name}() takes the parameters {op.params}: it has {what}")
        for key, value in given.items():
            if isinstance(value, Tensor) or not _hashes(value):
                raise DTypeError(
                    f"{op.name}: parameter {key!r} must be a hashable constant, got {type(value).__name__}; "
                    "what may change from call to call is an operand, by position"
                )
        return tuple(merged[name] for name in op.params)

    def _refuse_tracked(self, inputs: Sequence[Any]) -> None:
        tracked = [n for n, x in zip(self.op.inputs, inputs, strict=True) if isinstance(x, Tensor) and x.requires_grad]
        if tracked and self.differentiable:
            raise GradientError(
                f"{self.op.name} has no derivative, and its operand {tracked[0]!r} requires a gradient: write a rule "
                f"with @{self.__name__}.vjp, pass {tracked[0]}.detach(), or define it with "
                "custom_op(differentiable=False)"
            )

    @overload
    def vjp(self, rule: F, /) -> F: ...
    @overload
    def vjp(self, input: str | None = None, /, *, raw: bool = False) -> Callable[[F], F]: ...
    def vjp(self, rule: Any = None, /, *, raw: bool = False) -> Any:
        """Give the derivative in reverse mode: ``@op.vjp``, ``@op.vjp("x")`` or ``@op.vjp(raw=True)``.

        A rule takes ``m``, the array namespace to compute in, ``g``, the cotangent of the result (of several results: a
        tuple, with None where nothing arrived), and names what else it needs: operands and parameters by their names,
        ``out`` for the result, ``x_info`` for the shape and dtype of ``x`` only. What is not named is not kept. It
        returns the cotangent of its operand: ``@op.vjp("x")`` for the operand named, ``@op.vjp`` of an op with one
        operand for that. For an op with several operands, a rule without a name is joint: after ``g`` it takes
        ``mask``, which tells the operands that need a gradient, and returns a tuple with one cotangent (or None) per
        operand.

        Written with ``m`` and operators, a rule serves any order of derivative and forward mode. With ``raw=True`` it
        may use any code over bare arrays, takes no ``m``, and gives first derivatives in reverse mode only.

        Raises TypeError for a rule that names what there is not, or that replaces another.

        >>> import numpy as np, tensorgrad as tg
        >>> @tg.custom_op
        ... def product(a, b):
        ...     return a * b
        >>> @product.vjp("a")
        ... def _(m, g, b):
        ...     return g * b
        >>> @product.vjp("b")
        ... def _(m, g, a):
        ...     return g * a
        >>> tg.grad(product, argnums=(0, 1))(2.0, 3.0)
        (tensor(3.), tensor(2.))
        """
        if rule is None or isinstance(rule, str):
            return functools.partial(self._add, rule, raw)
        return self._add(None, raw, rule)

    def _add(self, name: str | None, raw: bool, rule: F) -> F:
        op = self.op
        joint = name is None and len(op.inputs) > 1
        if name is None and not joint:
            name = op.inputs[0]
        if name is not None and name not in op.inputs:
            raise TypeError(f"{op.name} has no operand {name!r}; its operands are {op.inputs}")
        if op.joint is not None or (joint and op.rules) or name in op.rules:
            raise TypeError(f"{op.name} has a derivative{f' for {name!r}' if name else ''} already")
        lead = (() if raw else ("m",)) + (("g", "mask") if joint else ("g",))
        made = Rule(op, rule, lead)
        made.function = _checked(self, made, name, raw)
        extra = {f"{n}_info" for n in op.inputs} if joint else {f"{name}_info"}
        _also_needs(op, made, (*sorted(extra), *(self._jvp[1] if self._jvp else ())))
        if joint:
            op.joint = made
        else:
            assert name is not None
            op.rules[name] = made
        op.first_order = op.first_order or raw
        op.differentiable = True
        op.bounds.clear()  # plans made before this rule do not know it
        return rule

    def jvp(self, rule: F, /) -> F:
        """Give the derivative in forward mode, where the transposed vjp is not what is wanted: ``@op.jvp``.

        The rule takes ``m`` and ``tangents``, a tuple with the operands' tangents (None where zero), names what else
        it needs as a vjp does, and returns the tangent of the result (of several results: a list).

        Raises TypeError for a rule that names what there is not, or that replaces another.

        >>> import tensorgrad as tg
        >>> cube = tg.custom_op(lambda x: x**3)
        >>> _ = cube.vjp(lambda m, g, x: 3 * g * x * x)
        >>> _ = cube.jvp(lambda m, tangents, x: 3 * x * x * tangents[0])
        >>> tg.jvp(cube, (2.0,), (1.0,))
        (tensor(8.), tensor(12.))
        """
        made = Rule(self.op, rule, ("m", "tangents"))
        names = made.names
        infos = tuple(n for n in names if n.endswith("_info") and n not in self.op.params)
        if infos:
            raise TypeError(f"{self.op.name}: a jvp takes operands whole, not {infos[0]!r}")
        if self._jvp is not None:
            raise TypeError(f"{self.op.name} has a jvp already")

        def tangent(m: Any, tangents: Sequence[Any], **known: Any) -> Any:
            return rule(m, tuple(tangents), **{name: known[name] for name in names})

        self._jvp = (rule, names)
        self.op.jvp = tangent
        kept = tuple(n for n in names if n not in self.op.params)
        for existing in [*self.op.rules.values(), *([self.op.joint] if self.op.joint else [])]:
            _also_needs(self.op, existing, kept)
        self.op.bounds.clear()
        return rule

    def infer(self, rule: F, /) -> F:
        """Give the result's shape and dtype without computing: ``@op.infer``.

        The rule takes what the forward function takes, with operands that have only ``shape``, ``dtype``, ``ndim`` and
        ``size``, and returns ``(shape, dtype)`` (of several results: a list of them). It may raise ShapeError and its
        kin for operands that do not fit. It is what the shapes-only device runs.

        >>> import numpy as np, tensorgrad as tg
        >>> outer = tg.custom_op(lambda a, b: np.multiply.outer(a, b))
        >>> _ = outer.infer(lambda a, b: (a.shape + b.shape, a.dtype))
        >>> outer(tg.zeros(2, device="shapes"), tg.zeros(3, device="shapes")).shape
        (2, 3)
        """

        def infer(params: dict[str, Any], *operands: Any) -> Any:
            found = rule(*operands, **params)
            if self.op.outputs == 1:
                return Info(tuple(found[0]), to_dtype(found[1]))
            return tuple(Info(tuple(shape), to_dtype(dtype)) for shape, dtype in found)

        self.op.infer = infer
        self.op.bounds.clear()
        return rule

    def __repr__(self) -> str:
        return f"<{self.op.name}({', '.join(self.op.inputs + self.op.params)})>"


@overload
def custom_op(forward: Callable[..., Any], /) -> CustomOp: ...
@overload
def custom_op(
    *, name: str | None = None, outputs: int = 1, elementwise: bool = False, differentiable: bool = True
) -> Callable[[Callable[..., Any]], CustomOp]: ...
def custom_op(
    forward: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    outputs: int = 1,
    elementwise: bool = False,
    differentiable: bool = True,
) -> Any:
    """Make an operation of a function over bare arrays. It runs on tensors, and what it is given to differentiate it
    with makes it part of every graph.

    The function gets NumPy or CuPy arrays (and Python numbers) by position, which it must not change, and returns a new
    array. Its keyword-only arguments are constants. Derivatives are added with ``vjp`` (and ``jvp``) of the result;
    until then, operands that require a gradient are refused.

    Parameters:
        name: what errors and graphs call it, after "custom."; the function's own name unless given.
        outputs: how many arrays the function returns, in a tuple if several.
        elementwise: each element of the result depends on the same element of the operands, which broadcast; then the
            vjp serves forward mode as it is, and shapes are inferred.
        differentiable: False for what has no derivative, such as a count: results have no history.

    >>> import tensorgrad as tg
    >>> @tg.custom_op
    ... def cube(x):
    ...     return x**3
    >>> @cube.vjp
    ... def _(m, g, x):
    ...     return 3 * g * x * x
    >>> tg.grad(tg.grad(cube))(2.0)
    tensor(12.)
    """
    make = functools.partial(_make, name=name, outputs=outputs, elementwise=elementwise, differentiable=differentiable)
    return make if forward is None else make(forward)


def _make(
    forward: Callable[..., Any], name: str | None, outputs: int, elementwise: bool, differentiable: bool
) -> CustomOp:
    if outputs < 1:
        raise TypeError(f"custom_op: expected at least one output, got outputs={outputs}")
    return CustomOp(forward, name or forward.__name__, outputs, elementwise, differentiable)


def _signature(forward: Callable[..., Any], name: str) -> tuple[list[str], list[str], dict[str, Any]]:
    """Names of operands, names of parameters, and the parameters' defaults."""
    inputs, params, defaults = [], [], {}
    for p in inspect.signature(forward).parameters.values():
        if p.kind is p.KEYWORD_ONLY:
            params.append(p.name)
            if p.default is not p.empty:
                defaults[p.name] = p.default
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty:
            inputs.append(p.name)
        else:
            raise TypeError(
                f"custom_op {name!r}: expected operands by position without defaults and constants as keyword-only "
                f"arguments, got {str(p)!r}"
            )
    if not inputs:
        raise TypeError(f"custom_op {name!r}: expected at least one operand by position")
    return inputs, params, defaults


def _body(forward: Callable[..., Any], outputs: int, name: str) -> Callable[..., Any]:
    def body(m: Any, *operands: Any, **params: Any) -> Any:
        result = forward(*operands, **params)
        if outputs == 1:
            return _fresh(result, operands, name)
        if not isinstance(result, (tuple, list)) or len(result) != outputs:
            got = f"{len(result)}" if isinstance(result, (tuple, list)) else type(result).__name__
            raise DTypeError(f"the function must return a tuple of {outputs} arrays, got {got}")
        return tuple(_fresh(part, operands, name) for part in result)

    return body


def _fresh(result: Any, operands: Sequence[Any], name: str) -> Any:
    """The result in memory of its own: one that is an operand, or a view, would pass later writes on unseen."""
    if isinstance(result, Tensor):
        raise DTypeError("the function must return an array, got a Tensor: it is given arrays and computes on arrays")
    if not hasattr(result, "dtype") and not isinstance(result, (bool, int, float, complex)):
        raise DTypeError(f"the function must return an array, got {type(result).__name__}")
    if any(result is x for x in operands) or getattr(result, "base", None) is not None:
        return result.copy()
    return result


def _checked(custom: CustomOp, rule: Rule, name: str | None, raw: bool) -> Callable[..., Any]:
    """The rule as the engine calls it, its answers checked; the operands' shapes come last among its arguments."""
    user, count, op = rule.function, len(rule.names), custom.op

    if name is not None:

        def single(m: Any, g: Any, *saved: Any) -> Any:
            answer = user(g, *saved[:count]) if raw else user(m, g, *saved[:count])
            _check(op, name, answer, saved[count])
            return answer

        return single

    def joint(m: Any, g: Any, mask: tuple[bool, ...], *saved: Any) -> Any:
        answers = user(g, mask, *saved[:count]) if raw else user(m, g, mask, *saved[:count])
        if not isinstance(answers, (tuple, list)) or len(answers) != len(op.inputs):
            raise GradientError(
                f"the vjp of {op.name} must return a tuple of {len(op.inputs)} cotangents, for {', '.join(op.inputs)}"
            )
        infos = dict(zip(sorted(f"{n}_info" for n in op.inputs), saved[count:], strict=False))
        for operand, answer, wanted in zip(op.inputs, answers, mask, strict=True):
            if wanted and answer is not None:
                _check(op, operand, answer, infos[f"{operand}_info"])
        return answers

    return joint


def _check(op: Op, name: str, answer: Any, info: Any) -> None:
    if not hasattr(answer, "shape"):
        raise GradientError(f"the vjp of {op.name} for {name!r} must return an array, got {type(answer).__name__}")
    shape, wanted = tuple(answer.shape), tuple(getattr(info, "shape", ()))
    if shape == wanted:
        return
    # What was broadcast is summed by the engine; anything else is a mistake.
    padded = (1,) * (len(shape) - len(wanted)) + wanted
    if len(shape) < len(wanted) or any(n != w and w != 1 for n, w in zip(shape, padded, strict=True)):
        raise ShapeError(
            f"the vjp of {op.name} for {name!r} must return the operand's shape {list(wanted)}, got {list(shape)}"
        )


def _also_needs(op: Op, rule: Rule, names: Sequence[str]) -> None:
    """Have more kept for a rule than its function names."""
    needs = [*rule.needs, *(op.source(name) for name in names)]
    rule.needs = tuple(needs)


def _hashes(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
