"""Rows of ``tensorgrad.ops.linalg`` and ``einsum``."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import A, cases
from optable import HALF, INTS, Bad, Row
from pointwise import torch_function

import tensorgrad as tg
from tensorgrad.errors import ArgumentError, AxisError, DTypeError, ShapeError

MATRIX = np.ones((2, 3))
NUMBERS = (*INTS, *HALF)


def numpy_tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    return np.tensordot(a, b, axes)


def torch_tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    import torch

    if isinstance(axes, tuple):
        axes = tuple([[v] if isinstance(v, int) else v for v in axes])
    return torch.tensordot(a, b, dims=axes)


def numpy_vecdot(a: Any, b: Any, axis: int = -1) -> Any:
    return np.vecdot(a, b, axis=axis)


def torch_vecdot(a: Any, b: Any, axis: int = -1) -> Any:
    import torch

    return torch.linalg.vecdot(a, b, dim=axis)


def torch_outer(a: Any, b: Any) -> Any:
    return a.flatten()[:, None] * b.flatten()


def numpy_cross(a: Any, b: Any, axis: int = -1) -> Any:
    return np.cross(*np.broadcast_arrays(a, b), axis=axis)


def torch_cross(a: Any, b: Any, axis: int = -1) -> Any:
    import torch

    return torch.linalg.cross(*torch.broadcast_tensors(a, b), dim=axis)


def torch_einsum(*operands: Any, optimize: Any = None) -> Any:
    import torch

    return torch.einsum(*operands)


EINSUM = (
    ["ij,jk->ik", A(2, 3), A(3, 2)],
    ["ij,jk", A(2, 3), A(3, 2)],
    ["ij,kj->ki", A(2, 3), A(2, 3)],
    ["i,i", A(3), A(3)],
    ["i,j->ij", A(2), A(3)],
    ["i,j->ji", A(2), A(3)],
    ["ij,ij->ij", A(2, 3), A(2, 3)],
    ["ij,ij->i", A(2, 3), A(2, 3)],
    ["bij,bjk->bik", A(2, 2, 3), A(2, 3, 2)],
    ["bij,jk->bki", A(2, 2, 3), A(3, 2)],
    ["bhid,bhjd->bhij", A(1, 2, 2, 3), A(1, 2, 3, 3)],
    ["ii", A(3, 3)],
    ["ii->i", A(3, 3)],
    ["iji->j", A(2, 3, 2)],
    ["iii->i", A(2, 2, 2)],
    ["ij->ji", A(2, 3)],
    ["ij->", A(2, 3)],
    ["ij->j", A(2, 3)],
    ["ba", A(2, 3)],
    ["ij,k->i", A(2, 3), A(2)],
    ["ii,ij->j", A(2, 2), A(2, 3)],
    ["...ij,...jk->...ik", A(2, 2, 3), A(3, 2)],
    ["...i,i...->...", A(2, 3), A(3, 2)],
    ["...,...", A(2, 1), A(3)],
    ["i...->...", A(2, 3)],
    ["ij,j", A(2, 1), A(3)],
    ["ij,jk,kl->il", A(2, 3), A(3, 2), A(2, 2)],
    ["ij,jk,kl->il", A(2, 3), A(3, 2), A(2, 2), {"optimize": "optimal"}],
    ["ij,jk,kl->il", A(2, 3), A(3, 2), A(2, 2), {"optimize": False}],
    ["i,i,i->i", A(3), A(3), A(3)],
    ["ij,i,j->", A(2, 3), A(2), A(3)],
    ["a,ab,abc->abc", A(2), A(2, 3), A(2, 3, 2)],
    [" i j , j -> i ", A(2, 3), A(3)],
    [",->", A(), A()],
    [",i->i", A(), A(3)],
    ["ij,jk->ik", A(2, 0), A(0, 2)],
    ["ij,jk->ik", A(0, 2), A(2, 3)],
)
LISTS = (
    [A(2, 3), [0, 1], A(3, 2), [1, 2], [0, 2]],
    [A(2, 3), [0, 1], A(3, 2), [1, 2]],
    [A(3, 3), [0, 0]],
    [A(2, 3), [Ellipsis, 1], A(3), [1], [Ellipsis]],
)


def numpy_einsum(*operands: Any, optimize: Any = False) -> Any:
    return np.einsum(*operands)


ROWS = [
    Row(
        "matmul",
        tg.matmul,
        cases(
            [A(3), A(3)],
            [A(2, 3), A(3)],
            [A(3), A(3, 2)],
            [A(2, 3), A(3, 2)],
            [A(2, 2, 3), A(3, 2)],
            [A(2, 2, 3), A(2, 3, 1)],
            [A(2, 3), A(2, 3, 2)],
            [A(2, 1, 2, 3), A(2, 3, 1)],
            [A(2, 2, 3), A(3)],
            [A(3), A(2, 3, 2)],
            [A(2, 0), A(0, 3)],
            [A(0, 2), A(2, 3)],
            [A(1, 1), A(1, 1)],
        ),
        numpy=np.matmul,
        torch=torch_function("matmul"),
        dtypes=NUMBERS,
        grad=(0, 1),
        ops=("matmul",),
        bad=[
            Bad((MATRIX, MATRIX), ShapeError, r"shapes \[2, 3\] and \[2, 3\] do not multiply"),
            Bad((MATRIX, np.ones(2)), ShapeError, "the last axis of a has length 3, the only axis of b 2"),
            Bad((np.ones(()), MATRIX), ShapeError, "needs at least one dimension on each side"),
            Bad((np.ones((2, 2, 3)), np.ones((3, 3, 2))), ShapeError, "do not broadcast"),
        ],
    ),
    Row(
        "einsum",
        tg.einsum,
        cases(*EINSUM, *LISTS),
        numpy=numpy_einsum,
        torch=torch_einsum,
        dtypes=NUMBERS,
        grad=(0, 1, 2, 3),
        tolerance=4,
        ops=("contract", "diagonal", "sum", "permute_dims", "squeeze"),
        bad=[
            Bad(("ij,jk", MATRIX, MATRIX), ShapeError, r"axis 0 of operand 1 has length 2, but index 'j' has length 3"),
            Bad(("ij,jk", MATRIX), ArgumentError, "expected an operand for each term"),
            Bad(("ijk", MATRIX), ShapeError, "term 'ijk' of 'ijk' names 3 axes, but its operand has 2"),
            Bad(("i", MATRIX), ShapeError, "names 1 axes, but its operand has 2"),
            Bad(("ij->k", MATRIX), ArgumentError, "only the operands'"),
            Bad(("ij->ii", MATRIX), ArgumentError, "each of its indices once"),
            Bad(("i1", MATRIX), ArgumentError, "expected letters"),
            Bad(("...j->j", MATRIX), ArgumentError, r"needs '\.\.\.' too"),
            Bad((MATRIX, [0, 1, 2]), ShapeError, "do not name the axes of an operand of 2 dimensions"),
            Bad((MATRIX, [0, -1]), ArgumentError, "expected indices that are not negative"),
            Bad((MATRIX,), ArgumentError, "expected subscripts and operands"),
            Bad(("i,i,i", *[np.ones(2)] * 3), ArgumentError, "expected optimize to be", {"optimize": "best"}),
        ],
    ),
    Row(
        "tensordot",
        tg.tensordot,
        cases(
            [A(2, 3), A(3, 2), {"axes": 1}],
            [A(2, 3), A(2, 3)],
            [A(2, 3), A(2), {"axes": 0}],
            [A(2, 3, 2), A(2, 3), {"axes": ([1, 0], [1, 0])}],
            [A(2, 3), A(3, 2), {"axes": (-1, 0)}],
            [A(2, 0), A(0, 2), {"axes": 1}],
            [A(), A(), {"axes": 0}],
        ),
        numpy=numpy_tensordot,
        torch=torch_tensordot,
        dtypes=NUMBERS,
        grad=(0, 1),
        tolerance=4,
        bad=[
            Bad((MATRIX, MATRIX), ShapeError, "axis 1 of a has length 3, axis 0 of b 2", {"axes": 1}),
            Bad((MATRIX, MATRIX), AxisError, "expected axes from 0 to 2, got 3", {"axes": 3}),
            Bad((MATRIX, MATRIX), AxisError, "expected as many axes of a as of b", {"axes": ([0, 1], [0])}),
            Bad((MATRIX, MATRIX), AxisError, "name a dimension twice", {"axes": ([0, 0], [0, 1])}),
            Bad((MATRIX, MATRIX), AxisError, "out of range", {"axes": ([2], [0])}),
        ],
    ),
    Row(
        "outer",
        tg.outer,
        cases([A(2), A(3)], [A(2, 2), A(3)], [A(), A(2)], [A(0), A(2)]),
        numpy=np.outer,
        torch=torch_outer,
        dtypes=NUMBERS,
        grad=(0, 1),
    ),
    Row(
        "inner",
        tg.inner,
        cases([A(3), A(3)], [A(2, 3), A(3)], [A(2, 3), A(4, 3)], [A(), A(2)], [A(2), A()]),
        numpy=np.inner,
        torch=torch_function("inner"),
        dtypes=NUMBERS,
        grad=(0, 1),
        tolerance=4,
        bad=[Bad((MATRIX, np.ones(2)), ShapeError, "axis 1 of a has length 3, axis 0 of b 2")],
    ),
    Row(
        "dot",
        tg.dot,
        cases(
            [A(3), A(3)],
            [A(2, 3), A(3, 2)],
            [A(2, 3), A(3)],
            [A(), A(2)],
            [A(2, 2, 3), A(2, 3, 2)],
            [A(2, 1, 3), A(3)],
            [A(3), A(2, 3, 2)],
        ),
        numpy=np.dot,
        dtypes=NUMBERS,
        grad=(0, 1),
        tolerance=4,
        bad=[
            Bad((MATRIX, MATRIX), ShapeError, "do not multiply"),
            Bad((np.ones((1, 2, 3)), MATRIX), ShapeError, "axis 2 of a has length 3, axis 0 of b 2"),
        ],
    ),
    Row(
        "vecdot",
        tg.vecdot,
        cases(
            [A(3), A(3)],
            [A(2, 3), A(3)],
            [A(2, 3), A(2, 3), {"axis": 0}],
            [A(2, 1, 3), A(4, 3)],
            [A(2, 3), A(1, 2, 1), {"axis": -2}],
            [A(2, 1), A(3, 1, 1)],
            [A(2, 0), A(2, 0)],
        ),
        numpy=numpy_vecdot,
        torch=torch_vecdot,
        dtypes=NUMBERS,
        grad=(0, 1),
        tolerance=4,
        bad=[
            Bad((MATRIX, np.ones((2, 2))), ShapeError, "axis -1 has lengths 3 and 2"),
            Bad((MATRIX, np.ones(3, np.complex128)), DTypeError, "expected real operands, got float64 and complex128"),
            Bad((MATRIX, np.ones((3, 3))), ShapeError, "do not broadcast"),
            Bad((MATRIX, np.ones(3)), AxisError, "expected a negative axis", {"axis": 0}),
            Bad((MATRIX, MATRIX), AxisError, "out of range", {"axis": 2}),
        ],
    ),
    Row(
        "kron",
        tg.kron,
        cases(
            [A(2), A(3)], [A(2, 2), A(1, 3)], [A(2), A(2, 2)], [A(), A(2)], [A(), A()], [A(2, 1, 2), A(2)], [A(0), A(2)]
        ),
        numpy=np.kron,
        torch=torch_function("kron"),
        dtypes=NUMBERS,
        grad=(0, 1),
    ),
    Row(
        "cross",
        tg.cross,
        cases(
            [A(3), A(3)],
            [A(2, 3), A(3)],
            [A(3), A(2, 3)],
            [A(3, 2), A(3, 2), {"axis": 0}],
            [A(3, 2), A(2, 3, 1), {"axis": -2}],
            [A(0, 3), A(3)],
        ),
        numpy=numpy_cross,
        torch=torch_cross,
        dtypes=NUMBERS,
        grad=(0, 1),
        ops=("cross",),
        bad=[
            Bad((MATRIX, np.ones((2, 1))), ShapeError, "axis -1 of b must have length 3"),
            Bad((MATRIX, np.ones((3, 3))), ShapeError, "do not broadcast"),
            Bad((MATRIX, np.ones(3)), AxisError, "expected a negative axis", {"axis": 0}),
            Bad((MATRIX, MATRIX), AxisError, "out of range", {"axis": -3}),
        ],
    ),
]
