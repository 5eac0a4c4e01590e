"""Rows of ``tensorgrad.ops.reduction``, ``moments`` and ``softmax``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from cases import EMPTY, REDUCED, A, along, cases, distinct
from optable import ALL, HALF, INTS, Bad, Row, Sample
from pointwise import INF, NAN, in_double

import tensorgrad as tg
from tensorgrad.errors import ArgumentError, AxisError, DTypeError, ShapeError

NUMBERS = (*INTS, *HALF)
MATRIX = np.ones((2, 3))
BAD_AXES = [
    Bad((MATRIX,), AxisError, "axis 2 is out of range: expected -2 to 1 for 2 dimensions", {"axis": 2}),
    Bad((MATRIX,), AxisError, "names a dimension twice", {"axis": (0, -2)}),
    Bad((MATRIX,), DTypeError, "expected axis to be an integer", {"axis": 0.5}),
]
NOTHING = Bad((np.ones((2, 0)),), ShapeError, "no elements", {"axis": 1})


def array(*numbers: Any) -> np.ndarray:
    return np.asarray(numbers, dtype=np.float64)


def case(*numbers: Any, note: str, **kwargs: Any) -> Sample:
    return Sample((array(*numbers),), kwargs, note)


def typed(function: Any) -> Any:
    """NumPy's sum or product, rounded once in half precision as ours is."""

    def call(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
        wide = np.float32 if dtype is None and x.dtype == np.float16 else dtype
        out = function(x, axis=axis, keepdims=keepdims, dtype=wide)
        return out.astype(np.float16) if wide is np.float32 and x.dtype == np.float16 else out

    return call


def torch_typed(name: str) -> Any:
    def call(x: Any, dtype: Any = None, **more: Any) -> Any:
        import torch

        return along(name, several=name != "prod")(x if dtype is None else x.to(getattr(torch, dtype)), **more)

    return call


def ddof(function: Any) -> Any:
    def call(x: Any, axis: Any = None, correction: float = 0, keepdims: bool = False) -> Any:
        return in_double(lambda v: function(v, axis=axis, ddof=correction, keepdims=keepdims))(x)

    return call


def torch_spread(name: str) -> Any:
    def call(x: Any, correction: float = 0, **more: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about too few degrees of freedom
            return along(name)(x, correction=correction, **more)

    return call


def extreme_of_all(name: str) -> Any:
    """PyTorch's extreme of all elements shares the gradient among NaNs; that along an axis does not."""

    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        import torch

        if axis is None and not keepdims:
            return getattr(torch, name[1:])(x)
        return along(name)(x, axis=axis, keepdims=keepdims)

    return call


def position(name: str) -> Any:
    def call(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        import torch

        return getattr(torch, name)(x, dim=axis, keepdim=keepdims)

    return call


def numpy_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    return in_double(lambda v: np.linalg.vector_norm(v, axis=axis, keepdims=keepdims, ord=ord))(x)


def torch_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    import torch

    if axis == ():  # for PyTorch: all axes
        return torch.linalg.vector_norm(x.unsqueeze(-1), ord, -1)
    return torch.linalg.vector_norm(x, ord, axis, keepdims)


def numpy_either(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return numpy_norm(x, axis, keepdims, 2 if ord in (None, "fro") else ord)


def torch_either(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return torch_norm(x, axis, keepdims, 2 if ord in (None, "fro") else ord)


def numpy_softmax(x: Any, axis: Any = -1, dtype: Any = None) -> Any:
    def compute(v: Any) -> Any:
        e = np.exp(v - v.max(axis=axis, keepdims=True)) if v.size else v
        return e / e.sum(axis=axis, keepdims=True)

    return in_double(compute)(x if dtype is None else x.astype(dtype))


def numpy_log_softmax(x: Any, axis: Any = -1, dtype: Any = None) -> Any:
    def compute(v: Any) -> Any:
        z = v - v.max(axis=axis, keepdims=True) if v.size else v
        return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))

    return in_double(compute)(x if dtype is None else x.astype(dtype))


def torch_softmax(name: str) -> Any:
    def call(x: Any, axis: Any = -1, dtype: Any = None) -> Any:
        import torch

        function = getattr(torch, name)
        wanted = None if dtype is None else getattr(torch, dtype)
        if isinstance(axis, int):
            return function(x, dim=axis, dtype=wanted)
        axes = range(x.ndim) if axis is None else [a % x.ndim for a in axis]
        rest = [i for i in range(x.ndim) if i not in axes]
        order = [*rest, *axes]
        moved = x.permute(order)
        out = function(moved.flatten(len(rest)), dim=-1, dtype=wanted).reshape(moved.shape)
        return out.permute([order.index(i) for i in range(x.ndim)])

    return call


def numpy_logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    def compute(v: Any) -> Any:
        top = v.max(axis=axis, keepdims=True, initial=-1e300)
        out = np.log(np.exp(v - top).sum(axis=axis, keepdims=True)) + top
        return out if keepdims else out.squeeze(axis=tuple(range(v.ndim)) if axis is None else axis)

    return in_double(compute)(x)


SOFTENED = (
    [A(3)],
    [A(2, 3)],
    [A(2, 3), {"axis": 0}],
    [A(2, 3, 2), {"axis": 1}],
    [A(2, 3, 2), {"axis": (0, -1)}],
    [A(2, 3), {"axis": None}],
    [A(1, 1)],
    [A(0, 2)],
    [A(2, 0)],
)
LIMITS = (
    case([0.0, -INF, 1.0], note="-inf"),
    case([-INF, -INF], [0.0, 1.0], note="a row of -inf"),
    case([0.0, INF, 1.0], note="inf"),
    case([0.0, NAN, 1.0], note="nan"),
    case([1000.0, 0.0, -1000.0], [1e308, 1e308, 0.0], note="large"),
)


def stacked_norm(x: Any, axis: Any = (-2, -1), keepdims: bool = False, ord: Any = "fro") -> Any:
    """NumPy's norm of matrices, also with axes named in the other order."""
    return in_double(lambda v: np.linalg.norm(v, axis=axis, keepdims=keepdims, ord=ord))(x)


def torch_matrix_norm(x: Any, axis: Any = (-2, -1), keepdims: bool = False, ord: Any = "fro") -> Any:
    import torch

    return torch.linalg.matrix_norm(x, ord, axis, keepdims)


ROWS = [
    Row(
        "sum",
        tg.sum,
        cases(*REDUCED, *EMPTY, [A(2, 3), {"axis": 0, "dtype": "float64"}]),
        numpy=typed(np.sum),
        torch=torch_typed("sum"),
        dtypes=ALL,
        ops=("sum",),
        special=[case(INF, 1.0, note="inf"), case(INF, -INF, note="inf - inf"), case(NAN, 1.0, note="nan")],
        bad=[*BAD_AXES, Bad((MATRIX,), DTypeError, "expected a dtype", {"dtype": "no"})],
    ),
    Row(
        "mean",
        tg.mean,
        cases(*REDUCED, *EMPTY),
        numpy=np.mean,
        torch=along("mean"),
        dtypes=ALL,
        ops=("mean",),
        special=[case(INF, 1.0, note="inf"), case(NAN, 1.0, note="nan")],
        bad=BAD_AXES,
    ),
    Row(
        "prod",
        tg.prod,
        cases(*REDUCED, *EMPTY, [A(2, 3), {"axis": 0, "dtype": "float64"}]),
        numpy=typed(np.prod),
        torch=torch_typed("prod"),
        dtypes=ALL,
        ops=("prod", "cumulative_prod", "flip"),
        special=[
            case(0.0, 2.0, 3.0, note="one zero"),
            case(0.0, 2.0, 0.0, note="two zeros"),
            case([0.0, 2.0, 3.0], [4.0, 0.0, 0.0], [1.0, 2.0, 3.0], note="rows", axis=1),
        ],
        special_numpy=[case(NAN, 2.0, note="nan"), case(INF, 0.0, note="inf * 0")],
        bad=BAD_AXES,
    ),
    *(
        Row(
            name,
            getattr(tg, name),
            cases(*REDUCED, make=distinct),
            numpy=getattr(np, name),
            torch=extreme_of_all(f"a{name}"),
            dtypes=ALL,
            ops=(name,),
            special=[
                case(1.0, 2.0, 2.0, 1.0, note="ties"),
                case([1.0, 1.0], [2.0, 1.0], note="ties along an axis", axis=1),
                case(0.0, -0.0, note="both zeros"),
                case(INF, INF, 1.0, note="inf"),
                case(-INF, -INF, note="-inf"),
                case(1.0, NAN, 3.0, NAN, note="nan"),
            ],
            bad=[*BAD_AXES, NOTHING, Bad((np.ones(0),), ShapeError, "no elements")],
        )
        for name in ("max", "min")
    ),
    *(
        Row(
            name,
            getattr(tg, name),
            cases(
                [A()],
                [A(3)],
                [A(2, 3)],
                [A(2, 3), {"axis": 0}],
                [A(2, 3), {"axis": -1, "keepdims": True}],
                [A(2, 3), {"keepdims": True}],
                [A(0, 2), {"axis": 1}],
            ),
            numpy=getattr(np, name),
            torch=position(name) if name.startswith("arg") else None,
            dtypes=HALF,
            grad=(),
            ops=(name,),
            special=[
                case(1.0, NAN, 3.0, NAN, note="nan"),
                case(INF, INF, note="inf"),
                case(2.0, 2.0, note="ties"),
            ],
            bad=[*BAD_AXES[::2], NOTHING, Bad((np.ones(0),), ShapeError, "no elements")],
        )
        for name in ("argmax", "argmin")
    ),
    *(
        Row(
            name,
            getattr(tg, name),
            cases(*REDUCED, *EMPTY),
            numpy=getattr(np, name),
            dtypes=ALL,
            grad=(),
            ops=(name,),
            special_numpy=[case(NAN, 1.0, note="nan"), case(0.0, -0.0, note="both zeros")],
            bad=BAD_AXES,
        )
        for name in ("any", "all", "count_nonzero")
    ),
    *(
        Row(
            name,
            getattr(tg, name),
            cases(
                *REDUCED[1:-2],
                [A(2, 3), {"axis": 1, "correction": 1}],
                [A(4), {"correction": 1.5}],
                [A(2, 0), {"axis": 0}],
            ),
            numpy=ddof(getattr(np, name)),
            torch=torch_spread(name),
            dtypes=ALL,
            tolerance=10,
            ops=(name,),
            special=[
                case(2.0, 2.0, 2.0, note="all equal"),
                case([3.0], [4.0], note="single elements", axis=1),
                case(3.0, note="a single element, corrected", correction=1),
                case(3.0, NAN, note="nan"),
            ],
            special_numpy=[case(1.0, 2.0, note="as many as the correction", correction=2)],
            bad=BAD_AXES,
        )
        for name in ("var", "std")
    ),
    Row(
        "vector_norm",
        tg.vector_norm,
        cases(
            *REDUCED,
            [A(2, 0), {"axis": 1}],
            *([A(2, 3), {"axis": 1, "ord": p}] for p in (0, 0.5, 1, 1.5, 2, 3, 3.5, INF, -INF, -1, -2)),
            make=distinct,
        ),
        numpy=numpy_norm,
        torch=torch_norm,
        dtypes=HALF,
        tolerance=10,
        ops=("euclidean_norm", "power_norm"),
        special=[
            *(case(0.0, 0.0, note=f"zeros, {p}", ord=p) for p in (0, 0.5, 1, 1.5, 2, 3, INF, -INF, -1)),
            *(case(0.0, 1.0, -1.0, note=f"some zeros, {p}", ord=p) for p in (0, 0.5, 1, 1.5, 2, 3, INF, -INF, -1)),
            *(case(2.0, INF, note=f"inf, {p}", ord=p) for p in (1, INF)),
        ],
        special_numpy=[case(2.0, NAN, note=f"nan, {p}", ord=p) for p in (1, 2, 3, INF, -INF)],
        bad=[*BAD_AXES, Bad((MATRIX,), ArgumentError, "expected ord to be a number, got 'fro'", {"ord": "fro"})],
    ),
    Row(
        "norm",
        tg.norm,
        cases(
            [A(3)],
            [A(2, 3)],
            [A(2, 3), "fro"],
            [A(3), 1],
            [A(3), 3],
            [A(2, 3), INF, {"axis": 0}],
            [A(2, 3), {"axis": (0, 1), "keepdims": True}],
            make=distinct,
        ),
        numpy=numpy_either,
        torch=torch_either,
        dtypes=HALF,
        tolerance=10,
        bad=[Bad((MATRIX, 1), ArgumentError, "different things in NumPy and in PyTorch"), BAD_AXES[1]],
    ),
    Row(
        "matrix_norm",
        tg.matrix_norm,
        cases(
            [A(2, 3)],
            *([A(2, 3), {"ord": p}] for p in ("fro", 1, -1, INF, -INF)),
            [A(2, 3, 2), {"axis": (2, 0), "ord": 1}],
            [A(2, 3, 2), {"axis": (0, 1), "ord": INF, "keepdims": True}],
            make=distinct,
        ),
        numpy=stacked_norm,
        torch=torch_matrix_norm,
        dtypes=HALF,
        tolerance=10,
        special=[case([0.0, 0.0], [0.0, 0.0], note="zeros"), case([1.0, -1.0], [1.0, 1.0], note="ties", ord=1)],
        bad=[
            Bad((MATRIX,), ArgumentError, "expected ord to be 'fro', 1, -1, inf or -inf, got 2", {"ord": 2}),
            Bad((np.ones(2),), AxisError, "out of range"),
        ],
    ),
    Row(
        "logsumexp",
        tg.logsumexp,
        cases(*REDUCED, *EMPTY),
        numpy=numpy_logsumexp,
        torch=along("logsumexp"),
        dtypes=NUMBERS,
        tolerance=10,
        ops=("logsumexp",),
        special=[*(Sample(s.args, {"axis": -1}, s.note) for s in LIMITS)],
        bad=BAD_AXES,
    ),
    Row(
        "softmax",
        tg.softmax,
        cases(*SOFTENED, [A(2, 3), {"dtype": "float64"}]),
        numpy=numpy_softmax,
        torch=torch_softmax("softmax"),
        dtypes=NUMBERS,
        ops=("softmax", "softmax_vjp"),
        special=LIMITS,
        bad=BAD_AXES,
    ),
    Row(
        "log_softmax",
        tg.log_softmax,
        cases(*SOFTENED, [A(2, 3), {"dtype": "float64"}]),
        numpy=numpy_log_softmax,
        torch=torch_softmax("log_softmax"),
        dtypes=NUMBERS,
        tolerance=10,
        ops=("log_softmax", "log_softmax_vjp"),
        special=LIMITS,
        bad=BAD_AXES,
    ),
]
