"""Gives Tensor its mathematics: operators and methods.

A method that is called just as the function of the namespace is that function, so no call is added on its way. The
others live in ``methods/``. ``ci/generate`` writes what is attached here into ``core/_methods.pyi``, for type checkers
and editors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .autodiff.backward import backward
from .core.tensor import Tensor
from .methods import ambiguous, axes, casts, parts, scattering, selecting, shapes, writes
from .methods.table import METHODS, PROPERTIES, function
from .op import FUNCTIONS, OPS
from .ops import indexing, update

__all__ = ["ALIASES", "COMPARISONS", "DIRECT", "OPERATORS", "RENAMED", "UNARY", "attach"]

OPERATORS: Final = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "matmul": "matmul",
    "pow": "pow", "floordiv": "floor_divide", "mod": "remainder",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}  # fmt: skip
"""``a OP b``, ``b OP a`` (reflected) and ``a OP= b`` by special name, and the function."""
COMPARISONS: Final = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
UNARY: Final = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}

ALIASES: Final = {
    "absolute": "abs", "amax": "max", "amin": "min", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin",
    "arcsinh": "asinh", "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh", "bitwise_not": "bitwise_invert",
    "cat": "concat", "clamp": "clip", "concatenate": "concat", "cumprod": "cumulative_prod", "cumsum":
    "cumulative_sum", "degrees": "rad2deg", "fix": "trunc", "gammaln": "lgamma", "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift", "mod": "remainder", "movedim": "moveaxis", "neg": "negative", "permute":
    "permute_dims", "power": "pow", "radians": "deg2rad", "right_shift": "bitwise_right_shift", "swapdims":
    "swapaxes", "take_along_dim": "take_along_axis", "true_divide": "divide", "unbind": "unstack", "unsqueeze":
    "expand_dims",
}  # fmt: skip
"""Other names of functions: NumPy's, PyTorch's and the array API's, where they mean the same."""

DIRECT: Final = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert",
    "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "cbrt", "ceil", "copysign", "cos",
    "cosh", "deg2rad", "diag", "digamma", "divide", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "floor",
    "floor_divide", "fmax", "fmin", "fmod", "greater", "greater_equal", "hypot", "index_put", "inner", "isfinite",
    "isinf", "isnan", "kron", "less", "less_equal", "lgamma", "log", "log10", "log1p", "log2", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "masked_fill", "masked_select", "matmul",
    "maximum", "minimum", "multiply", "nan_to_num", "negative", "nextafter", "not_equal", "outer", "positive", "pow",
    "rad2deg", "reciprocal", "relu", "remainder", "round", "rsqrt", "searchsorted", "sigmoid", "sign", "signbit",
    "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh", "trace", "trunc", "unique", "vecdot", "xlogy",
)  # fmt: skip
"""Methods that are the function of the namespace itself."""

RENAMED: Final = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "bitwise_not": "bitwise_invert", "div": "divide", "eq": "equal",
    "ge": "greater_equal", "gt": "greater", "le": "less_equal", "lt": "less", "mul": "multiply", "ne": "not_equal",
    "neg": "negative", "true_divide": "divide",
}  # fmt: skip
"""Likewise, under another name."""


def _reversed(name: str) -> Callable[..., Any]:
    forward = function(name)

    def operator(self: Any, other: Any, /) -> Any:
        return forward(other, self)

    operator.__doc__ = f"``other OP self``: see ``tg.{name}``."
    return operator


def _writing(name: str) -> Callable[..., Any]:
    def operator(self: Any, other: Any, /) -> Any:
        return update.inplace(name, self, other)

    operator.__doc__ = f"``self OP= other``, in place: see ``tg.{name}``."
    return operator


def _multiplying(self: Any, other: Any, /) -> Any:
    """``self @= other``, in place: see ``tg.matmul``."""
    product = function("matmul")
    return update.replace(self, lambda x: product(x, other))


def _comparing(name: str, otherwise: bool) -> Callable[..., Any]:
    forward = function(name)

    def operator(self: Any, other: Any, /) -> Any:
        if other is None or isinstance(other, str):
            return otherwise
        return forward(self, other)

    operator.__doc__ = f"See ``tg.{name}``. None and text equal no tensor."
    return operator


def _divmod(self: Tensor, other: Any, /) -> tuple[Tensor, Tensor]:
    """``divmod(x, y)``: the floored quotient and its remainder."""
    return function("floor_divide")(self, other), function("remainder")(self, other)


def _rdivmod(self: Tensor, other: Any, /) -> tuple[Tensor, Tensor]:
    """``divmod(y, x)`` for a ``y`` that is no tensor."""
    return function("floor_divide")(other, self), function("remainder")(other, self)


def attach() -> None:
    """Set every operator and method. Called once, by ``import tensorgrad``."""
    give = type.__setattr__
    writes.define()
    for short, name in OPERATORS.items():
        give(Tensor, f"__{short}__", function(name))
        give(Tensor, f"__r{short}__", _reversed(name))
        give(Tensor, f"__i{short}__", _multiplying if name == "matmul" else _writing(name))
    for short, name in {**COMPARISONS, **UNARY}.items():
        give(Tensor, f"__{short}__", function(name))
    give(Tensor, "__eq__", _comparing("equal", False))
    give(Tensor, "__ne__", _comparing("not_equal", True))
    give(Tensor, "__divmod__", _divmod)
    give(Tensor, "__rdivmod__", _rdivmod)
    give(Tensor, "__getitem__", indexing.getitem)
    give(Tensor, "__setitem__", update.setitem)
    give(Tensor, "backward", backward)
    for name in DIRECT:
        if name in FUNCTIONS or name in OPS:
            give(Tensor, name, function(name))
    for name, target in RENAMED.items():
        if target in FUNCTIONS or target in OPS:
            give(Tensor, name, function(target))
    for name, (target, order) in axes.ALONG.items():
        if target in FUNCTIONS:
            give(Tensor, name, axes.along(function(target), order))
    for name, f in METHODS.items():
        give(Tensor, name, f)
    for name, f in PROPERTIES.items():
        give(Tensor, name, property(f))


_ = (ambiguous, casts, parts, scattering, selecting, shapes)
