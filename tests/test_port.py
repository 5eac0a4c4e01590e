"""A script written for PyTorch runs with tensorgrad by changing what it imports, and computes the same."""

from __future__ import annotations

import numpy as np
import pytest
from port_script import main

import tensorgrad as tg


@pytest.mark.peers("torch")
def test_the_script_computes_what_it_does_under_pytorch() -> None:
    import torch

    expected, got = main(torch), main(tg)
    np.testing.assert_allclose(got["losses"], expected["losses"], rtol=2e-3)
    np.testing.assert_allclose(got["probabilities"], expected["probabilities"], atol=2e-3)
    assert got["hits"] == expected["hits"]
    assert list(got["state"]) == list(expected["state"])


def test_the_script_runs_without_pytorch_and_learns() -> None:
    got = main(tg)
    assert got["losses"][-3:, 0].mean() < 0.7 * got["losses"][:3, 0].mean()
    assert got["hits"] >= 50
