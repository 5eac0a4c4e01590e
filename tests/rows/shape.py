"""Rows of ``tensorgrad.ops.shape`` and ``triangle``."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import A, cases, shaped_like
from optable import ALL, Bad, Row
from pointwise import torch_function

import tensorgrad as tg
from tensorgrad.errors import AxisError, DTypeError, ShapeError

MATRIX = np.ones((2, 3))
OUT_OF_RANGE = "out of range: expected -2 to 1 for 2 dimensions"


def torch_method(name: str) -> Any:
    return lambda x, *args: getattr(x, name)(*args)


def numpy_flatten(x: Any, start: int = 0, end: int = -1) -> Any:
    end = end % x.ndim if x.ndim else 0
    return x.reshape(
        (*x.shape[:start], -1, *x.shape[end + 1 :]) if x.size else (*x.shape[:start], 0, *x.shape[end + 1 :])
    )


def numpy_broadcast(*arrays: Any) -> Any:
    return list(np.broadcast_arrays(*arrays))


def numpy_permuted(x: Any, axes: Any) -> Any:
    return np.transpose(x, axes)


def torch_squeeze(x: Any, axis: Any = None) -> Any:
    return x.squeeze() if axis is None else x.squeeze(axis)


def torch_expand(x: Any, axis: Any = 0) -> Any:
    axes = (axis,) if isinstance(axis, int) else axis
    for a in sorted(a % (x.ndim + len(axes)) for a in axes):
        x = x.unsqueeze(a)
    return x


def torch_flip(x: Any, axis: Any = None) -> Any:
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return x.flip(axes)


def torch_roll(x: Any, shift: Any, axis: Any = None) -> Any:
    return x.roll(shift, axis)


def diagonals(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return x.diagonal(offset, axis1, axis2)


ROWS = [
    Row(
        "reshape",
        tg.reshape,
        cases(
            [A(), ()],
            [A(), (1, 1)],
            [A(6), (2, 3)],
            [A(2, 3), -1],
            [A(2, 3), 6],
            [A(2, 3, 2), (-1, 4)],
            [A(2, 0), (0, 5)],
            [A(0), (3, 0)],
            [A(2, 3), (3, 2), {"copy": True}],
            [A(2, 1), (2,), {"copy": None}],
        ),
        numpy=lambda x, shape, copy=None: x.reshape(shape),
        torch=lambda x, shape, copy=None: x.reshape(shape),
        dtypes=ALL,
        ops=("reshape",),
        bad=[
            Bad((MATRIX, (4,)), ShapeError, r"cannot reshape 6 elements into \(4,\)"),
            Bad((MATRIX, (-1, -1)), ShapeError, "at most one -1"),
            Bad((MATRIX, (-1, 4)), ShapeError, "cannot reshape 6 elements"),
            Bad((MATRIX, (-2, 3)), ShapeError, "at most one -1"),
            Bad((MATRIX, (2.0, 3)), ShapeError, "expected a shape of integers"),
            Bad((MATRIX.T, (6,)), ShapeError, "memory layout does not allow", {"copy": False}),
        ],
    ),
    Row(
        "ravel",
        tg.ravel,
        cases([A()], [A(3)], [A(2, 3)], [A(2, 0)]),
        numpy=np.ravel,
        torch=torch_method("ravel"),
        dtypes=ALL,
    ),
    Row(
        "flatten",
        tg.flatten,
        cases([A()], [A(3)], [A(2, 3, 2)], [A(2, 3, 2), 1], [A(2, 3, 2), 0, 1], [A(2, 3, 2), 1, 1], [A(2, 0)]),
        numpy=numpy_flatten,
        torch=torch_method("flatten"),
        dtypes=ALL,
        bad=[
            Bad((MATRIX, 2), AxisError, f"start 2 is {OUT_OF_RANGE}"),
            Bad((MATRIX, 1, 0), AxisError, "expected start before end, got 1 and 0"),
        ],
    ),
    Row(
        "squeeze",
        tg.squeeze,
        cases(
            [A()],
            [A(3)],
            [A(1, 3, 1)],
            [A(1, 3, 1), 0],
            [A(1, 3, 1), (0, -1)],
            [A(1, 1)],
            [A(1, 0)],
            [A(2, 1), {"axis": ()}],
        ),
        numpy=np.squeeze,
        torch=torch_squeeze,
        dtypes=ALL,
        ops=("squeeze",),
        bad=[
            Bad((MATRIX, 0), ShapeError, r"expected axes of length 1: axis 0 of shape \[2, 3\] has length 2"),
            Bad((MATRIX, 2), AxisError, OUT_OF_RANGE),
        ],
    ),
    Row(
        "expand_dims",
        tg.expand_dims,
        cases(
            [A()],
            [A(3), {"axis": 0}],
            [A(3), {"axis": 1}],
            [A(2, 3), {"axis": -2}],
            [A(3), {"axis": (0, 2)}],
            [A(3), {"axis": (-1, 0)}],
            [A(0), {"axis": -1}],
        ),
        numpy=lambda x, axis=0: np.expand_dims(x, axis),
        torch=torch_expand,
        dtypes=ALL,
        ops=("expand_dims",),
        bad=[
            Bad((MATRIX,), AxisError, "axis 3 is out of range: expected -3 to 2 for 3 dimensions", {"axis": 3}),
            Bad((MATRIX,), AxisError, "names a dimension twice", {"axis": (0, 0)}),
        ],
    ),
    Row(
        "permute_dims",
        tg.permute_dims,
        cases(
            [A(), ()],
            [A(3), (0,)],
            [A(2, 3), (1, 0)],
            [A(2, 3, 4), (2, 0, 1)],
            [A(2, 3, 4), (-1, 1, 0)],
            [A(2, 0), (1, 0)],
        ),
        numpy=numpy_permuted,
        torch=torch_function("permute"),
        dtypes=ALL,
        ops=("permute_dims",),
        bad=[
            Bad((MATRIX, (0,)), AxisError, "expected axes to name each of 2 once"),
            Bad((MATRIX, (0, 0)), AxisError, "expected axes to name each of 2 once"),
            Bad((MATRIX, (0, 2)), AxisError, OUT_OF_RANGE),
        ],
    ),
    Row(
        "matrix_transpose",
        tg.matrix_transpose,
        cases([A(2, 3)], [A(2, 3, 2)], [A(0, 2)]),
        numpy=np.matrix_transpose,
        torch=lambda x: x.mT,
        dtypes=ALL,
        bad=[Bad((np.ones(3),), ShapeError, r"at least two axes, got shape \[3\]")],
    ),
    Row(
        "swapaxes",
        tg.swapaxes,
        cases([A(2, 3), 0, 1], [A(2, 3, 2), 0, -1], [A(3), 0, 0]),
        numpy=np.swapaxes,
        torch=torch_function("swapaxes"),
        dtypes=ALL,
        bad=[Bad((MATRIX, 0, 2), AxisError, OUT_OF_RANGE)],
    ),
    Row(
        "moveaxis",
        tg.moveaxis,
        cases([A(2, 3, 4), 0, -1], [A(2, 3, 4), (0, 1), (2, 0)], [A(2, 3, 4), (2, 0), (0, 1)], [A(3), 0, 0]),
        numpy=np.moveaxis,
        torch=torch_function("moveaxis"),
        dtypes=ALL,
        bad=[
            Bad((MATRIX, 0, 2), AxisError, OUT_OF_RANGE),
            Bad((MATRIX, (0, 1), 0), AxisError, "expected as many places as axes"),
            Bad((MATRIX, (0, 0), (0, 1)), AxisError, "names a dimension twice"),
        ],
    ),
    Row(
        "broadcast_to",
        tg.broadcast_to,
        cases(
            [A(), (2, 3)],
            [A(1), (2, 3)],
            [A(3), (2, 3)],
            [A(2, 1), (3, 2, 2)],
            [A(2, 3), (2, 3)],
            [A(1), (0,)],
            [A(1, 1), (2, 2)],
            [A(), ()],
            [A(1), 4],
        ),
        numpy=np.broadcast_to,
        torch=lambda x, shape: x.broadcast_to((shape,) if isinstance(shape, int) else shape),
        dtypes=ALL,
        ops=("broadcast_to",),
        bad=[
            Bad((MATRIX, (2, 2)), ShapeError, r"shape \[2, 3\] does not broadcast to \[2, 2\]"),
            Bad((MATRIX, (3,)), ShapeError, r"does not broadcast to \[3\]"),
            Bad((np.ones((1, 1)), (3,)), ShapeError, r"does not broadcast to \[3\]"),
        ],
    ),
    Row(
        "broadcast_arrays",
        tg.broadcast_arrays,
        cases([A(2, 1), A(3)], [A(3)], [A(2, 3), A(2, 3)], [A(), A(2, 1), A(1, 3)]),
        numpy=numpy_broadcast,
        torch=shaped_like(torch_function("broadcast_tensors")),
        dtypes=ALL,
        grad=(0, 1, 2),
        bad=[Bad((np.ones(2), np.ones(3)), ShapeError, r"shapes \[2\] and \[3\] do not broadcast")],
    ),
    Row(
        "flip",
        tg.flip,
        cases([A()], [A(3)], [A(2, 3)], [A(2, 3), {"axis": 0}], [A(2, 3), {"axis": (-1, 0)}], [A(0)]),
        numpy=np.flip,
        torch=torch_flip,
        dtypes=ALL,
        ops=("flip",),
        bad=[Bad((MATRIX,), AxisError, OUT_OF_RANGE, {"axis": 2})],
    ),
    Row(
        "roll",
        tg.roll,
        cases(
            [A(3), 1],
            [A(2, 3), 4],
            [A(2, 3), -1, {"axis": 0}],
            [A(2, 3), (1, 2), {"axis": (0, 1)}],
            [A(2, 3), 1, {"axis": (0, -1)}],
            [A(), 1],
            [A(0), 1],
            [A(3), 0, {"axis": 0}],
        ),
        numpy=np.roll,
        torch=None,
        dtypes=ALL,
        ops=("roll",),
        bad=[
            Bad((MATRIX, 1), AxisError, OUT_OF_RANGE, {"axis": 2}),
            Bad((MATRIX, (1, 2)), ShapeError, "expected one shift for the flattened tensor"),
            Bad((MATRIX, (1, 2)), ShapeError, "expected as many shifts as axes", {"axis": 0}),
        ],
    ),
    *(
        Row(
            name,
            getattr(tg, name),
            cases([A(2, 3)], [A(3, 2), {"k": 1}], [A(3, 3), {"k": -1}], [A(2, 2, 3)], [A(2, 3), {"k": 5}], [A(0, 2)]),
            numpy=getattr(np, name),
            torch=lambda x, k=0, name=name: getattr(x, name)(k),
            dtypes=ALL,
            ops=(name,),
            bad=[Bad((np.ones(3),), ShapeError, r"of at least two axes, got shape \[3\]")],
        )
        for name in ("tril", "triu")
    ),
    Row(
        "diagonal",
        tg.diagonal,
        cases(
            [A(2, 3)],
            [A(3, 2), 1],
            [A(3, 3), -1],
            [A(2, 3, 2), 0, 0, 2],
            [A(2, 3, 2), {"axis1": -1, "axis2": 1}],
            [A(2, 3), 3],
            [A(0, 2)],
        ),
        numpy=np.diagonal,
        torch=diagonals,
        dtypes=ALL,
        ops=("diagonal", "on_diagonal"),
        bad=[
            Bad((np.ones(3),), AxisError, "axis2 1 is out of range"),
            Bad((MATRIX, 0, 1, 1), AxisError, "expected axis1 and axis2 to differ"),
            Bad((MATRIX, 9, 0, 2), AxisError, f"axis2 2 is {OUT_OF_RANGE}"),
        ],
    ),
    Row(
        "diag",
        tg.diag,
        cases([A(3)], [A(2), 1], [A(2), -1], [A(2, 3)], [A(3, 2), -1], [A(0)]),
        numpy=np.diag,
        torch=torch_function("diag"),
        dtypes=ALL,
        bad=[Bad((np.ones((1, 2, 3)),), ShapeError, r"expected a vector or a matrix, got shape \[1, 2, 3\]")],
    ),
    Row(
        "trace",
        tg.trace,
        cases([A(2, 3)], [A(3, 3), 1], [A(2, 3, 2), 0, 0, 2], [A(0, 2)], [A(2, 2), {"dtype": "float64"}]),
        numpy=lambda x, *args, **kwargs: np.trace(x, *args, **kwargs),
        torch=None,
        dtypes=ALL,
        bad=[
            Bad((np.ones(3),), AxisError, "axis2 1 is out of range"),
            Bad((MATRIX,), DTypeError, "expected a dtype", {"dtype": "no"}),
        ],
    ),
]
