"""tensorgrad: gradients for people who think in NumPy and CuPy.

``tg.tensor``, ``tg.exp``, ``tg.sum``, ...: array functions speak NumPy and the array API standard. ``x.backward()``,
``x.grad``, ``tg.grad``, ``tg.vjp``, ``tg.jvp``: derivatives. ``tg.nn``, ``tg.optim``, ``tg.data``: training, with
PyTorch's names.

>>> import tensorgrad as tg
>>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4., 6.])
"""
# ruff: noqa: I001, E402  # names are in the generator's order, methods come last

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

# generated: begin
from . import autograd, backends, errors
from ._version import __version__
from .array_api import (
    __array_api_version__, __array_namespace_info__, bool, can_cast, complex64, complex128, double, e, finfo, float16,
    float32, float64, half, iinfo, inf, int8, int16, int32, int64, isdtype, long, nan, newaxis, pi, result_type, uint8,
    uint16, uint32, uint64,
)
from .autodiff.checkpoint import checkpoint
from .autodiff.custom import CustomOp, custom_op
from .autodiff.functional import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp
from .backends.base import Device
from .core.generator import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .core.tensor import Tensor
from .errors import (
    AmbiguousError, ArgumentError, AxisError, CaptureError, DTypeError, DeviceError, GradientError, InPlaceError,
    IndexingError, LabelError, NaNError, ShapeError, StateDictError, TensorgradError, UnknownShapeError,
)
from .memory import MemoryEstimate, estimate_memory
from .methods.ambiguous import transpose
from .modes import (
    detect_nan, device, enable_grad, get_default_device, get_default_dtype, inference_mode, is_grad_enabled, no_grad,
    set_default_device, set_default_dtype, set_grad_enabled, use_device,
)
from .ops.activations import gelu, softplus
from .ops.basic import astype, to_device
from .ops.creation import (
    asarray, empty, empty_like, from_dlpack, full, full_like, ones, ones_like, tensor, zeros, zeros_like,
)
from .ops.cross_entropy import softmax_cross_entropy
from .ops.einsum import einsum
from .ops.functions import round
from .ops.gathering import index_add, index_put, masked_fill, masked_select, put, put_along_axis
from .ops.join import chunk, concat, repeat, split, stack, tile, unstack
from .ops.linalg import cross, dot, inner, kron, matmul, outer, tensordot, vecdot
from .ops.moments import matrix_norm, norm, std, var, vector_norm
from .ops.nn import embedding, linear, one_hot, standardize
from .ops.pad import pad
from .ops.random import dropout, rand, rand_like, randint, randn, randn_like, randperm
from .ops.ranges import arange, eye, linspace, logspace, meshgrid
from .ops.rectifiers import celu, elu, hardsigmoid, hardswish, hardtanh, leaky_relu, relu6, selu
from .ops.reduction import all, any, argmax, argmin, count_nonzero, max, mean, min, prod, sum
from .ops.sampling import bernoulli, multinomial, normal, uniform
from .ops.scan import cumulative_prod, cumulative_sum
from .ops.selection import clip, nan_to_num, where
from .ops.shape import (
    broadcast_arrays, broadcast_to, expand_dims, flatten, flip, matrix_transpose, moveaxis, permute_dims, ravel,
    reshape, roll, squeeze, swapaxes,
)
from .ops.softmax import log_softmax, logsumexp, softmax
from .ops.sorting import (
    argsort, nonzero, searchsorted, sort, topk, unique, unique_all, unique_counts, unique_inverse, unique_values,
)
from .ops.special import logit, polygamma
from .ops.standard import broadcast_shapes, diff, isin
from .ops.take import take, take_along_axis
from .ops.triangle import diag, diagonal, trace, tril, triu
from .tape import Tape, capture

if TYPE_CHECKING:
    from . import data, datasets, kernels, linalg, nn, optim, random, tape, testing
    from ._elementwise import (
        abs, acos, acosh, add, asin, asinh, atan, atan2, atanh, binary_cross_entropy, binary_cross_entropy_with_logits,
        bitwise_and, bitwise_invert, bitwise_left_shift, bitwise_or, bitwise_right_shift, bitwise_xor, cbrt, ceil, copy,
        copysign, cos, cosh, deg2rad, digamma, divide, equal, erf, erfc, erfinv, exp, exp2, expm1, floor, floor_divide,
        fmax, fmin, fmod, greater, greater_equal, hypot, isfinite, isinf, isnan, less, less_equal, lgamma, log, log1p,
        log2, log10, log_sigmoid, logaddexp, logical_and, logical_not, logical_or, logical_xor, maximum, minimum, mish,
        multiply, negative, nextafter, not_equal, positive, pow, rad2deg, reciprocal, relu, remainder, rsqrt, sigmoid,
        sign, signbit, silu, sin, sinc, sinh, softsign, sqrt, square, subtract, tan, tanh, trunc, xlogy,
    )
else:
    from .ops.activations import log_sigmoid, mish, sigmoid, silu
    from .ops.arithmetic import (
        abs, add, cbrt, copysign, divide, floor_divide, fmod, hypot, multiply, negative, nextafter, positive, pow,
        reciprocal, remainder, rsqrt, sign, sqrt, square, subtract,
    )
    from .ops.basic import copy
    from .ops.comparison import (
        bitwise_and, bitwise_invert, bitwise_left_shift, bitwise_or, bitwise_right_shift, bitwise_xor, equal, greater,
        greater_equal, isfinite, isinf, isnan, less, less_equal, logical_and, logical_not, logical_or, logical_xor,
        not_equal, signbit,
    )
    from .ops.functions import (
        acos, acosh, asin, asinh, atan, atan2, atanh, ceil, cos, cosh, deg2rad, exp, exp2, expm1, floor, log, log1p,
        log2, log10, logaddexp, rad2deg, sin, sinh, tan, tanh, trunc,
    )
    from .ops.loss import binary_cross_entropy, binary_cross_entropy_with_logits
    from .ops.rectifiers import relu, softsign
    from .ops.selection import fmax, fmin, maximum, minimum
    from .ops.special import digamma, erf, erfc, erfinv, lgamma, sinc, xlogy

# The same functions under other names.
absolute = abs
amax = max
amin = min
arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctan2 = atan2
arctanh = atanh
bitwise_not = bitwise_invert
cat = concat
clamp = clip
concatenate = concat
cumprod = cumulative_prod
cumsum = cumulative_sum
degrees = rad2deg
fix = trunc
gammaln = lgamma
invert = bitwise_invert
left_shift = bitwise_left_shift
mod = remainder
movedim = moveaxis
neg = negative
permute = permute_dims
power = pow
radians = deg2rad
right_shift = bitwise_right_shift
swapdims = swapaxes
take_along_dim = take_along_axis
true_divide = divide
unbind = unstack
unsqueeze = expand_dims

__all__ = [
    "AmbiguousError", "ArgumentError", "AxisError", "CaptureError", "CustomOp", "DTypeError", "Device", "DeviceError",
    "Generator", "GradientError", "InPlaceError", "IndexingError", "LabelError", "MemoryEstimate", "NaNError",
    "ShapeError", "StateDictError", "Tape", "Tensor", "TensorgradError", "UnknownShapeError", "__array_api_version__",
    "__array_namespace_info__", "__version__", "abs", "absolute", "acos", "acosh", "add", "all", "amax", "amin", "any",
    "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin", "argsort",
    "asarray", "asin", "asinh", "astype", "atan", "atan2", "atanh", "autograd", "backends", "bernoulli",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "bool", "broadcast_arrays", "broadcast_shapes",
    "broadcast_to", "can_cast", "capture", "cat", "cbrt", "ceil", "celu", "checkpoint", "chunk", "clamp", "clip",
    "complex64", "complex128", "concat", "concatenate", "copy", "copysign", "cos", "cosh", "count_nonzero", "cross",
    "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "custom_op", "data", "datasets", "default_generator",
    "deg2rad", "degrees", "detect_nan", "device", "diag", "diagonal", "diff", "digamma", "divide", "dot", "double",
    "dropout", "e", "einsum", "elu", "embedding", "empty", "empty_like", "enable_grad", "equal", "erf", "erfc",
    "erfinv", "errors", "estimate_memory", "exp", "exp2", "expand_dims", "expm1", "eye", "finfo", "fix", "flatten",
    "flip", "float16", "float32", "float64", "floor", "floor_divide", "fmax", "fmin", "fmod", "from_dlpack", "full",
    "full_like", "gammaln", "gelu", "get_default_device", "get_default_dtype", "get_rng_state", "grad", "greater",
    "greater_equal", "half", "hardsigmoid", "hardswish", "hardtanh", "hessian", "hvp", "hypot", "iinfo", "index_add",
    "index_put", "inf", "inference_mode", "initial_seed", "inner", "int8", "int16", "int32", "int64", "invert",
    "is_grad_enabled", "isdtype", "isfinite", "isin", "isinf", "isnan", "jacfwd", "jacrev", "jvp", "kernels", "kron",
    "leaky_relu", "left_shift", "less", "less_equal", "lgamma", "linalg", "linear", "linspace", "log", "log1p", "log2",
    "log10", "log_sigmoid", "log_softmax", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor",
    "logit", "logspace", "logsumexp", "long", "manual_seed", "masked_fill", "masked_select", "matmul", "matrix_norm",
    "matrix_transpose", "max", "maximum", "mean", "meshgrid", "min", "minimum", "mish", "mod", "moveaxis", "movedim",
    "multinomial", "multiply", "nan", "nan_to_num", "neg", "negative", "newaxis", "nextafter", "nn", "no_grad",
    "nonzero", "norm", "normal", "not_equal", "one_hot", "ones", "ones_like", "optim", "outer", "pad", "permute",
    "permute_dims", "pi", "polygamma", "positive", "pow", "power", "prod", "put", "put_along_axis", "rad2deg",
    "radians", "rand", "rand_like", "randint", "randn", "randn_like", "random", "randperm", "ravel", "reciprocal",
    "relu", "relu6", "remainder", "repeat", "reshape", "result_type", "right_shift", "roll", "round", "rsqrt",
    "searchsorted", "seed", "selu", "set_default_device", "set_default_dtype", "set_grad_enabled", "set_rng_state",
    "sigmoid", "sign", "signbit", "silu", "sin", "sinc", "sinh", "softmax", "softmax_cross_entropy", "softplus",
    "softsign", "sort", "split", "sqrt", "square", "squeeze", "stack", "standardize", "std", "subtract", "sum",
    "swapaxes", "swapdims", "take", "take_along_axis", "take_along_dim", "tan", "tanh", "tape", "tensor", "tensordot",
    "testing", "tile", "to_device", "topk", "trace", "transpose", "tril", "triu", "true_divide", "trunc", "uint8",
    "uint16", "uint32", "uint64", "unbind", "uniform", "unique", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "unsqueeze", "unstack", "use_device", "value_and_grad", "var", "vecdot", "vector_norm", "vjp",
    "where", "xlogy", "zeros", "zeros_like",
]
_LAZY = frozenset({
    "data", "datasets", "kernels", "linalg", "nn", "optim", "random", "tape", "testing",
})
# generated: end

from .attach import attach as _attach

_attach()

if TYPE_CHECKING:
    from numpy import dtype as _dtype

    bfloat16: _dtype[_Any]
else:  # type checkers would take any name for one of the namespace

    def __getattr__(name: str) -> _Any:
        """What is loaded on first use: ``tg.nn``, ``tg.optim``, ... and ``tg.bfloat16``, which needs ml_dtypes."""
        if name in _LAZY:
            return _import_module(f"{__name__}.{name}")
        if name == "bfloat16":
            from .dtypes import to_dtype
            from .errors import DTypeError

            try:
                return to_dtype(name)
            except DTypeError as error:  # what hasattr and inspect expect of a name that is not there
                raise AttributeError(str(error)) from None
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "bfloat16"])  # not in __all__: ``from tensorgrad import *`` works without ml_dtypes
