"""What every suite shares: which tests can run on this machine, and randomness that repeats."""

from __future__ import annotations

import functools
import importlib.util
import zlib

import hypothesis
import numpy as np
import pytest

# Examples are drawn from the test's name, so that a failure repeats; no deadlines, for machines differ in speed.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")


@functools.cache
def reason_for_no_gpu() -> str | None:
    """Why tests marked gpu can't run here, None where they can."""
    if importlib.util.find_spec("cupy") is None:
        return "needs CuPy (pip install 'tensorgrad-engine[cuda13]')"
    import cupy

    return None if cupy.cuda.is_available() else "needs a CUDA device"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and (reason := reason_for_no_gpu()):
        pytest.skip(reason)
    for mark in item.iter_markers("peers"):
        missing = [name for name in mark.args if importlib.util.find_spec(name) is None]
        if missing:
            pytest.skip(f"needs {', '.join(missing)} to compare with")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that depend on the test's own name only: alone or among others, a test sees the same ones."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))
