"""Cross-entropy over more rows than one block holds: values and derivatives are those of the composition."""

from __future__ import annotations

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.ops.labels import BLOCK

SHAPES = [(BLOCK // 7 + 5, 16), (3, BLOCK + 2), (BLOCK // 8, 3, 5)]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("ignored", [False, True])
def test_large_batches(shape: tuple[int, ...], reduction: str, ignored: bool, rng: np.random.Generator) -> None:
    scores = rng.normal(size=shape) * 3
    labels = rng.integers(0, shape[-1], size=shape[:-1])
    if ignored:
        labels[0] = -100
    counted = labels != -100
    z = tg.tensor(scores, requires_grad=True)
    loss = tg.softmax_cross_entropy(z, tg.tensor(labels), reduction=reduction)
    loss.sum().backward()

    log_p = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    safe = np.where(counted, labels, 0)
    losses = np.where(counted, -np.take_along_axis(log_p, safe[..., None], axis=-1)[..., 0], 0)
    expected = {"mean": losses.sum() / counted.sum(), "sum": losses.sum(), "none": losses}[reduction]
    unit = np.exp(log_p)
    own = safe[..., None]
    np.put_along_axis(unit, own, np.take_along_axis(unit, own, axis=-1) - 1, axis=-1)
    unit *= counted[..., None]
    if reduction == "mean":
        unit = unit / counted.sum()
    np.testing.assert_allclose(loss.detach().numpy(), expected, rtol=1e-10)
    np.testing.assert_allclose(z.grad.numpy(), unit, rtol=1e-9, atol=1e-12)
