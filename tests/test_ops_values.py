"""Every operation's values: beside NumPy in every dtype, beside PyTorch at kinks and limits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from calls import (
    arrays,
    as_tensors,
    host,
    is_float,
    parts,
    quiet,
    same,
    samples,
    told,
    tolerance,
    torch_value_and_gradients,
    value_and_gradients,
)
from optable import ROWS, Row, Sample

import tensorgrad as tg
from tensorgrad.op import OPS
from tensorgrad.testing import check_grads

by_name = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
by_dtype = pytest.mark.parametrize(
    "row, dtype", [pytest.param(row, dtype, id=f"{row.name}-{dtype}") for row in ROWS for dtype in row.dtypes]
)


@by_dtype
def test_values_and_dtypes_are_numpys(row: Row, dtype: str) -> None:
    """Also: ordinary values cause no floating-point warning (all warnings are errors here)."""
    found = samples(row, dtype)
    assert found, f"row {row.name!r} has no samples for {dtype}"
    for sample in found:
        with told(row, sample):
            args, kwargs, _ = as_tensors(sample)
            outs = parts(row.call(*args, **kwargs))
            if row.numpy is None:
                continue
            with quiet():
                expected = parts(row.numpy(*sample.args, **sample.kwargs))
            assert len(outs) == len(expected)
            for out, wanted in zip(outs, expected):
                inputs = [a.dtype for a in arrays((sample.args, sample.kwargs)) if is_float(a)]
                same(out, wanted, tolerance(row, out.dtype, *inputs), f"{row.name} beside NumPy")
                check_dtype(out, np.asarray(wanted).dtype, inputs)


def check_dtype(out: tg.Tensor, numpys: Any, inputs: list[Any]) -> None:
    """NumPy's dtype; but floating inputs decide alone (integers beside them do not widen them), and what makes floats
    of integers makes float32."""
    if not is_float(out):
        assert out.dtype == numpys, f"expected dtype {numpys}, got {out.dtype}"
    elif not inputs:
        assert out.dtype in (np.float32, numpys), f"expected the default dtype float32, got {out.dtype}"
    else:
        assert out.dtype in (np.result_type(*inputs), numpys), f"expected {np.result_type(*inputs)}, got {out.dtype}"


SPECIAL = [
    pytest.param(row, sample, id=f"{row.name}-{sample.note or i}")
    for row in ROWS
    for i, sample in enumerate(row.special)
]


@pytest.mark.peers("torch")
@pytest.mark.parametrize("row, sample", SPECIAL)
def test_special_values_and_their_derivatives_are_pytorchs(row: Row, sample: Sample) -> None:
    def ones(index: int, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.ones(shape, dtype)

    with quiet(), told(row, sample), warnings.catch_warnings():
        outs, gradients = value_and_gradients(row, sample, seed=ones)
        expected, expected_gradients = torch_value_and_gradients(row, sample, seed=ones)
        for out, wanted in zip(outs, expected, strict=True):
            same(out, wanted, tolerance(row, out.dtype), f"{row.name} beside PyTorch")
        if gradients or any(host(g).any() for g in expected_gradients):
            for i, (g, wanted) in enumerate(zip(gradients, expected_gradients, strict=True)):
                same(g, wanted, tolerance(row, g.dtype), f"derivative {i} of {row.name} beside PyTorch")


@pytest.mark.parametrize(
    "row, sample",
    [
        pytest.param(row, sample, id=f"{row.name}-{sample.note or i}")
        for row in ROWS
        for i, sample in enumerate(row.special_numpy)
    ],
)
def test_special_values_are_numpys(row: Row, sample: Sample) -> None:
    with quiet(), told(row, sample):
        args, kwargs, _ = as_tensors(sample)
        assert row.numpy is not None
        outs, expected = parts(row.call(*args, **kwargs)), parts(row.numpy(*sample.args, **sample.kwargs))
        for out, wanted in zip(outs, expected, strict=True):
            same(out, wanted, tolerance(row, out.dtype), f"{row.name} beside NumPy")


def test_every_special_sample_has_an_oracle() -> None:
    for row in ROWS:
        assert row.torch is not None or not row.special, f"row {row.name!r}: special values need torch="
        assert row.numpy is not None or not row.special_numpy, f"row {row.name!r}: special_numpy needs numpy="


ELEMENTWISE = [row for row in ROWS if row.elementwise]
BINARY = [row for row in ELEMENTWISE if row.name in OPS and len(OPS[row.name].inputs) == 2]


def operands(row: Row, dtype: str = "float64") -> list[np.ndarray]:
    """Values within an elementwise operation's domain: those of its largest sample."""
    found = [[np.asarray(arg) for arg in sample.args if isinstance(arg, np.ndarray)] for sample in samples(row, dtype)]
    return max(found, key=lambda args: (len(args), min((a.size for a in args), default=0)))


def shaped(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array of a shape, out of given values."""
    return np.resize(values, shape) if values.size else np.zeros(shape, values.dtype)


@pytest.mark.parametrize("row", [r for r in ELEMENTWISE if "float64" in r.dtypes], ids=lambda row: row.name)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (1, 3)], ids=str)
def test_elementwise_operations_take_any_shape(row: Row, shape: tuple[int, ...]) -> None:
    args = [shaped(x, shape) for x in operands(row)]
    outs, gradients = value_and_gradients(row, Sample(tuple(args)))
    assert outs[0].shape == shape
    assert type(outs[0].data) is np.ndarray
    for g in gradients:
        assert g.shape == shape
        assert type(g.data) is np.ndarray
    if shape == ():
        flat = Sample(tuple(x.reshape(1) for x in args))
        longer, longer_gradients = value_and_gradients(row, flat, seed=lambda i, s, d: cotangent_of_scalar(d))
        short, short_gradients = value_and_gradients(
            row, Sample(tuple(args)), seed=lambda i, s, d: cotangent_of_scalar(d).reshape(())
        )
        for a, b in zip([*short, *short_gradients], [*longer, *longer_gradients], strict=True):
            same(a.reshape((1,)), b, 1e-15, "a 0-d call beside the same in one dimension")


def cotangent_of_scalar(dtype: Any) -> np.ndarray:
    return np.full((1,), 1.25, dtype)


PAIRS = [
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (2, 3)),
    ((2, 3), ()),
    ((1,), (0,)),
    ((4, 1, 3), (2, 1)),
    ((1, 1), (3,)),
]


@pytest.mark.parametrize("row", [r for r in BINARY if "float64" in r.dtypes], ids=lambda row: row.name)
def test_operands_broadcast_and_their_gradients_are_summed(row: Row) -> None:
    x, y = operands(row)
    for left, right in PAIRS:
        a, b = shaped(x, left), shaped(y, right)
        shape = np.broadcast_shapes(left, right)
        (out,), gradients = value_and_gradients(row, Sample((a, b)))
        full = Sample((np.array(np.broadcast_to(a, shape)), np.array(np.broadcast_to(b, shape))))
        (expected,), expected_gradients = value_and_gradients(row, full)
        same(out, expected, 0, f"{row.name} of shapes {left} and {right}")
        for g, whole, position in zip(gradients, expected_gradients, row.grad, strict=True):
            like = (a, b)[position]
            same(g, summed(whole.numpy(), like.shape), 1e-13, f"gradient {position} of shapes {left} and {right}")


def summed(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The gradient of an array from that of the same array broadcast."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1), keepdims=True)


@pytest.mark.parametrize("row", [r for r in BINARY if "float32" in r.dtypes], ids=lambda row: row.name)
def test_numbers_may_stand_on_either_side(row: Row) -> None:
    """A Python number takes the dtype of the tensor beside it; a NumPy scalar keeps its own."""
    x, y = operands(row, "float32")
    a, b = float(x.flat[0]), float(y.flat[0])
    for call, full in [((x, b), (x, np.full(x.shape, b, np.float32))), ((a, y), (np.full(y.shape, a, np.float32), y))]:
        track = [i for i in row.grad if type(call[i]) is not float]
        (out,), gradients = value_and_gradients(row, Sample(call), track)
        (expected,), expected_gradients = value_and_gradients(row, Sample(full), track)
        assert out.dtype == expected.dtype
        same(out, expected, 1e-6, f"{row.name} with a number")
        for g, wanted in zip(gradients, expected_gradients, strict=True):
            assert g.dtype == np.float32
            same(g, wanted, 1e-5, f"gradient of {row.name} with a number")
        if track:
            check_grads(lambda *xs, call=call, track=track: row.call(*placed(call, track, xs)), wide(call, track))
    if out.dtype != bool and "float64" in row.dtypes:
        assert row.call(tg.Tensor(x), np.float64(b)).dtype == np.float64


def placed(call: tuple[Any, ...], positions: list[int], values: tuple[Any, ...]) -> list[Any]:
    """A call's operands with those at ``positions`` replaced."""
    found = list(call)
    for position, value in zip(positions, values, strict=True):
        found[position] = value
    return found


def wide(call: tuple[Any, ...], positions: list[int]) -> list[np.ndarray]:
    return [call[i].astype(np.float64) for i in positions]


MIXED = [row for row in BINARY if {"float32", "float64"} <= {*row.dtypes} and OPS[row.name].kind in ("same", "float")]


@pytest.mark.parametrize("row", MIXED, ids=lambda row: row.name)
def test_mixed_dtypes(row: Row) -> None:
    """Two floating dtypes give the wider one, an integer beside a floating one does not count, and each gradient has
    the dtype of what it is the gradient of."""
    x, y = operands(row)
    whole = np.ones(y.shape, np.int64)
    for a, b, expected in [
        (x.astype(np.float32), y, np.float64),
        (x, y.astype(np.float32), np.float64),
        (x.astype(np.float32), whole, np.float32),
        (whole, y.astype(np.float32), np.float32),
        (x.astype(np.float32), whole.astype(bool), np.float32),
    ]:
        (out,), gradients = value_and_gradients(row, Sample((a, b)))
        assert out.dtype == expected, f"{a.dtype} beside {b.dtype}"
        tracked = [v for i, v in enumerate((a, b)) if i in row.grad and is_float(v)]
        assert [g.dtype for g in gradients] == [v.dtype for v in tracked] or not gradients
        wide = Sample((a.astype(expected), b.astype(expected)))
        (wanted,), _ = value_and_gradients(row, wide)
        same(out, wanted, 1e-6, f"{row.name} of {a.dtype} and {b.dtype}")
