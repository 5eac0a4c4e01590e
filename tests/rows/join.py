"""Rows of ``tensorgrad.ops.join`` and ``pad``."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import A, cases
from optable import ALL, Bad, Row
from pointwise import torch_function

import tensorgrad as tg
from tensorgrad.errors import ArgumentError, AxisError, DTypeError, ShapeError

MATRIX = np.ones((2, 3))
OUT_OF_RANGE = "axis 2 is out of range: expected -2 to 1 for 2 dimensions"


def numpy_chunk(x: Any, chunks: int, axis: int = 0) -> Any:
    n = x.shape[axis]
    size = -(-n // chunks) or 1
    return np.split(x, range(size, n, size), axis=axis)


def torch_chunk(x: Any, chunks: int, axis: int = 0) -> Any:
    return list(x.chunk(chunks, dim=axis))


def numpy_repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    return np.repeat(x, repeats, axis=axis)


def torch_repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    import torch

    return x.repeat_interleave(torch.as_tensor(repeats), dim=axis)


def torch_concat(arrays: Any, axis: int | None = 0) -> Any:
    import torch

    return torch.cat([x.flatten() for x in arrays]) if axis is None else torch.cat(arrays, dim=axis)


def torch_split(x: Any, sections: Any, axis: int = 0) -> Any:
    import torch

    return list(torch.tensor_split(x, sections, dim=axis))


def numpy_pad(x: Any, width: Any, mode: str = "constant", **more: Any) -> Any:
    return np.pad(x, width, mode={"replicate": "edge", "circular": "wrap"}.get(mode, mode), **more)


MODES = ("edge", "replicate", "reflect", "symmetric", "wrap", "circular")

ROWS = [
    Row(
        "concat",
        tg.concat,
        cases(
            [[A(2), A(3)]],
            [[A(2, 3), A(1, 3)]],
            [[A(2, 3), A(2, 1), A(2, 0)], {"axis": -1}],
            [[A(2), A(1, 2)], {"axis": None}],
            [[A(3)]],
            [[A(0)]],
            [[A(1)] * 12],
        ),
        numpy=lambda arrays, axis=0: np.concatenate(arrays, axis=axis),
        torch=torch_concat,
        dtypes=ALL,
        ops=("concat",),
        bad=[
            Bad(([],), ShapeError, "expected at least one array"),
            Bad(([MATRIX, np.ones((2, 2))],), ShapeError, r"array 1 has shape \[2, 2\].*except on axis 0"),
            Bad(([MATRIX, np.ones(3)],), ShapeError, r"array 1 has shape \[3\]"),
            Bad(([MATRIX],), AxisError, OUT_OF_RANGE, {"axis": 2}),
            Bad((MATRIX,), DTypeError, "expected a list or tuple of arrays"),
        ],
    ),
    Row(
        "stack",
        tg.stack,
        cases(
            [[A(), A()]],
            [[A(2), A(2), A(2)], {"axis": 1}],
            [[A(2, 3), A(2, 3)], {"axis": -1}],
            [[A(3)]],
            [[A(0), A(0)]],
        ),
        numpy=lambda arrays, axis=0: np.stack(arrays, axis=axis),
        torch=lambda arrays, axis=0: torch_function("stack")(arrays, dim=axis),
        dtypes=ALL,
        ops=("stack",),
        bad=[
            Bad(([],), ShapeError, "expected at least one array"),
            Bad(([MATRIX, np.ones(3)],), ShapeError, r"array 1 has shape \[3\]: expected that of array 0, \[2, 3\]"),
            Bad(([MATRIX, MATRIX],), AxisError, "axis 3 is out of range", {"axis": 3}),
        ],
    ),
    Row(
        "split",
        tg.split,
        cases(
            [A(4), 2],
            [A(2, 3), 3, {"axis": -1}],
            [A(5), [1, 3]],
            [A(5), [1, 1, -1]],
            [A(5), [9]],
            [A(2, 4), [1], {"axis": 1}],
            [A(0), 3],
            [A(3), []],
        ),
        numpy=lambda x, where, axis=0: np.split(x, where, axis=axis),
        torch=torch_split,
        dtypes=ALL,
        ops=("split",),
        bad=[
            Bad((MATRIX, 2), ShapeError, "axis 1 of length 3 cannot be cut into 2 equal parts", {"axis": 1}),
            Bad((MATRIX, 0), ShapeError, "cannot be cut into 0 equal parts"),
            Bad((MATRIX, [2, 1]), ShapeError, "expected positions that rise"),
            Bad((MATRIX, 1), AxisError, OUT_OF_RANGE, {"axis": 2}),
        ],
    ),
    Row(
        "chunk",
        tg.chunk,
        cases([A(4), 2], [A(5), 2], [A(2, 3), 2, {"axis": 1}], [A(2), 5], [A(3), 1]),
        numpy=numpy_chunk,
        torch=torch_chunk,
        dtypes=ALL,
        bad=[
            Bad((MATRIX, 0), ShapeError, "expected at least 1 part"),
            Bad((MATRIX, 1), AxisError, OUT_OF_RANGE, {"axis": 2}),
        ],
    ),
    Row(
        "unstack",
        tg.unstack,
        cases([A(3)], [A(2, 3)], [A(2, 3), {"axis": 1}], [A(2, 3, 2), {"axis": -2}]),
        numpy=lambda x, axis=0: list(np.unstack(x, axis=axis)),
        torch=lambda x, axis=0: list(x.unbind(axis)),
        dtypes=ALL,
        ops=("unstack",),
        bad=[Bad((MATRIX,), AxisError, OUT_OF_RANGE, {"axis": 2}), Bad((np.ones(()),), AxisError, "out of range")],
    ),
    Row(
        "tile",
        tg.tile,
        cases(
            [A(2), 3],
            [A(2, 3), (2, 1)],
            [A(2), (2, 2)],
            [A(2, 3), 2],
            [A(), (2,)],
            [A(2), 0],
            [A(2, 3), (1, 1)],
            [A(2), (1, 1)],
            [A(), ()],
        ),
        numpy=np.tile,
        torch=lambda x, repetitions: x.tile((repetitions,) if isinstance(repetitions, int) else repetitions),
        dtypes=ALL,
        ops=("tile",),
        bad=[Bad((MATRIX, -1), ShapeError, "not negative")],
    ),
    Row(
        "repeat",
        tg.repeat,
        cases(
            [A(2), 2],
            [A(2, 3), 2],
            [A(2, 3), 2, {"axis": 0}],
            [A(2, 3), 3, {"axis": -1}],
            [A(3), [0, 2, 1]],
            [A(2, 3), [1, 0, 2], {"axis": 1}],
            [A(2, 3), [2], {"axis": 1}],
            [A(2), 0],
        ),
        numpy=numpy_repeat,
        torch=torch_repeat,
        dtypes=ALL,
        ops=("repeat", "take"),
        bad=[
            Bad((MATRIX, -1), ShapeError, "not negative"),
            Bad((MATRIX, 2), AxisError, OUT_OF_RANGE, {"axis": 2}),
            Bad((MATRIX, [1, 2]), ShapeError, "expected 3 numbers", {"axis": 1}),
            Bad((MATRIX, [1, -2]), ShapeError, "not negative", {"axis": 0}),
            Bad((MATRIX, [1.0, 2.0]), DTypeError, "expected repeats to be integers", {"axis": 0}),
        ],
    ),
    Row(
        "pad",
        tg.pad,
        cases(
            [A(3), 1],
            [A(2, 3), (1, 2)],
            [A(2, 3), ((0, 1), (2, 0))],
            [A(2, 3), 1, {"constant_values": 2}],
            [A(2, 3), {1: (0, 2)}, "constant"],
            [A(2, 3), {-1: 1, 0: (1, 0)}, "constant"],
            [A(0), 2],
            [A(), 0],
            *([A(3), (2, 1), mode] for mode in MODES),
            *([A(2, 3), ((1, 0), (4, 5)), mode] for mode in MODES[1::2]),
        ),
        numpy=numpy_pad,
        torch=None,
        dtypes=ALL,
        ops=("pad", "take"),
        bad=[
            Bad((MATRIX, -1), ShapeError, "expected pad_width to be an integer"),
            Bad((MATRIX, ((1, 1), (1, 1), (1, 1))), ShapeError, "expected pad_width to be an integer"),
            Bad((MATRIX, {2: 1}), AxisError, OUT_OF_RANGE),
            Bad((MATRIX, 1, "mirror"), ArgumentError, "expected mode to be one of 'constant', 'edge'"),
            Bad((np.ones((0, 2)), 1, "edge"), ShapeError, "there is nothing to repeat"),
            Bad((MATRIX, 1), ArgumentError, "expected constant_values to be one number", {"constant_values": "0"}),
        ],
    ),
]
