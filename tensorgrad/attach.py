"""Gives Tensor its mathematics: operators and methods, each the function of the namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .autodiff.backward import backward
from .core.tensor import Tensor
from .op import FUNCTIONS, OPS
from .ops import (
    activations,
    arithmetic,
    basic,
    comparison,
    creation,
    functions,
    indexing,
    linalg,
    reduction,
    selection,
    shape,
    special,
    update,
)  # fmt: skip

__all__ = ["attach"]

OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "matmul": "matmul",
    "pow": "pow", "floordiv": "floor_divide", "mod": "remainder",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip
COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}


def function(name: str) -> Callable[..., Any]:
    """The public function of a name: the one written over ops if there is one, else the op's own call."""
    return FUNCTIONS.get(name) or OPS[name].call


def _reversed(name: str) -> Callable[..., Any]:
    forward = function(name)

    def operator(self: Any, other: Any) -> Any:
        return forward(other, self)

    return operator


def _writing(name: str) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        return update.inplace(name, self, other)

    return operator


def attach() -> None:
    """Set every operator and method. Called once, by ``import tensorgrad``."""
    for short, name in OPERATORS.items():
        if name in OPS or name in FUNCTIONS:
            setattr(Tensor, f"__{short}__", function(name))
            setattr(Tensor, f"__r{short}__", _reversed(name))
            if name != "matmul":
                setattr(Tensor, f"__i{short}__", _writing(name))
    for short, name in {**COMPARISONS, **UNARY}.items():
        if name in OPS or name in FUNCTIONS:
            setattr(Tensor, f"__{short}__", function(name))
    Tensor.__getitem__ = indexing.getitem  # type: ignore[method-assign, assignment]
    Tensor.__setitem__ = update.setitem  # type: ignore[attr-defined]
    Tensor.backward = backward  # type: ignore[attr-defined]
    for name in ("sum", "mean", "max", "reshape"):
        setattr(Tensor, name, function(name))


_ = (
    activations, arithmetic, basic, comparison, creation, functions, linalg, reduction, selection, shape, special,
)  # fmt: skip
