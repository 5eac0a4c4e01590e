"""Every operation's derivatives: beside finite differences in both modes and to second order, beside PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from calls import (
    arrays,
    as_tensors,
    is_float,
    on_arrays,
    parts,
    same,
    samples,
    subsets,
    told,
    tolerance,
    torch_value_and_gradients,
    value_and_gradients,
)
from optable import ROWS, Row, Sample

from tensorgrad.testing import check_grads

DIFFERENTIABLE = [row for row in ROWS if row.grad]
by_name = pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.name)

INNER = 3
"""So many samples of a row are differentiated twice in the inner loop; all of them in the slow tests."""


def differentiated(row: Row) -> list[Sample]:
    """The samples that have something to differentiate."""
    return [s for s in samples(row) if s.exact and any(map(is_float, arrays([s.args[i] for i in given(row, s)])))]


def given(row: Row, sample: Sample) -> list[int]:
    """The positions of a row's differentiable arguments, those that this sample has."""
    return [i for i in row.grad if i < len(sample.args)]


def derivative(row: Row, sample: Sample, order: int) -> None:
    positions = given(row, sample)
    args, kwargs, _ = as_tensors(sample)

    def f(*inputs: Any) -> Any:
        full = list(args)
        for position, x in zip(positions, inputs, strict=True):
            full[position] = x
        outs = parts(row.call(*full, **kwargs))
        return [outs[i] for i in (range(len(outs)) if row.smooth is None else row.smooth)]

    with told(row, sample):
        scale = max(1.0, row.tolerance)
        check_grads(f, [args[i] for i in positions], order, rtol=1e-6 * scale, atol=1e-7 * scale)


@by_name
def test_derivatives_are_finite_differences(row: Row) -> None:
    found = differentiated(row)
    assert found, f"row {row.name!r} lists grad={row.grad}, but no sample has a floating array there"
    twice = varied(found) if row.order > 1 else []
    for sample in found:
        derivative(row, sample, row.order if any(sample is s for s in twice) else 1)


def varied(found: list[Sample]) -> list[Sample]:
    """A few samples, spread over the list, that have elements."""
    full = [s for s in found if all(np.asarray(a).size for a in s.args if isinstance(a, np.ndarray))] or found
    return full if len(full) <= INNER else [full[i * (len(full) - 1) // (INNER - 1)] for i in range(INNER)]


@pytest.mark.slow
@by_name
def test_derivatives_of_every_sample_to_full_order(row: Row) -> None:
    for sample in differentiated(row):
        derivative(row, sample, row.order)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("row", [row for row in ROWS if row.torch], ids=lambda row: row.name)
def test_values_and_gradients_are_pytorchs(row: Row) -> None:
    for sample in samples(row, "float64" if "float64" in row.dtypes else row.dtypes[0]):
        with told(row, sample):
            outs, gradients = value_and_gradients(row, sample)
            expected, expected_gradients = torch_value_and_gradients(row, sample)
            for out, wanted in zip(outs, expected, strict=True):
                same(out, wanted, 10 * tolerance(row, out.dtype), f"{row.name} beside PyTorch")
            if not gradients:
                assert not any(g.any() for g in expected_gradients), "PyTorch has a gradient here"
                continue
            for i, (g, wanted) in enumerate(zip(gradients, expected_gradients, strict=True)):
                same(g, wanted, 10 * tolerance(row, g.dtype), f"gradient {i} of {row.name} beside PyTorch")


@pytest.mark.parametrize("row", [row for row in DIFFERENTIABLE if len(row.grad) > 1], ids=lambda row: row.name)
def test_each_argument_has_the_same_gradient_alone(row: Row) -> None:
    """What is saved, and which rules run, depends on which inputs are tracked."""
    for sample in differentiated(row):
        with told(row, sample):
            positions = given(row, sample)
            _, whole = value_and_gradients(row, sample, positions)
            counts = [len(as_tensors(sample, [i])[2]) for i in positions]
            starts = np.cumsum([0, *counts])
            for chosen in subsets(positions):
                _, alone = value_and_gradients(row, sample, chosen)
                expected = [
                    g
                    for i, position in enumerate(positions)
                    if position in chosen
                    for g in whole[starts[i] : starts[i + 1]]
                ]
                for g, wanted in zip(alone, expected, strict=True):
                    same(g, wanted, 1e-13, f"gradient of arguments {chosen} alone")


@by_name
def test_gradients_keep_the_dtype(row: Row) -> None:
    for dtype in row.dtypes:
        if not dtype.startswith("float"):
            continue
        for sample in samples(row, dtype):
            with told(row, sample):
                _, gradients = value_and_gradients(row, sample)
                tracked = as_tensors(sample, row.grad)[2]
                for g, x in zip(gradients, tracked, strict=False):
                    assert (g.dtype, g.shape) == (x.dtype, x.shape)


@pytest.mark.parametrize("row", [r for r in DIFFERENTIABLE if "float32" in r.dtypes], ids=lambda row: row.name)
def test_single_precision_gradients_are_those_of_double(row: Row) -> None:
    """The rule computes in the operands' precision, no less."""
    for sample in samples(row, "float32"):
        with told(row, sample):
            wide = on_arrays(widened, (sample.args, sample.kwargs))
            _, gradients = value_and_gradients(row, sample)
            _, expected = value_and_gradients(row, Sample(*wide))
            for i, (g, wanted) in enumerate(zip(gradients, expected, strict=True)):
                same(g, wanted, 10 * tolerance(row, np.float32), f"gradient {i} of {row.name} in float32")


def widened(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64) if x.dtype == np.float32 else x
