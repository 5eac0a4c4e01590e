"""Hooks, modes and threads: what a user switches on and off around a graph."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.core.node import Leaf
from tensorgrad.errors import GradientError, NaNError, ShapeError


def leaf(*values: float, dtype: Any = np.float64) -> tg.Tensor:
    data = np.array(values if len(values) > 1 else values[0] if values else 1.5, dtype)
    return tg.Tensor(data, requires_grad=True)


# Hooks.


def test_hooks_see_and_replace_gradients() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    seen: list[Any] = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    remove = y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    y.sum().backward(retain_graph=True)
    assert seen == [[1.0, 1.0]]
    assert x.grad.tolist() == [31.0, 31.0]  # type: ignore[union-attr]
    remove()
    x.grad = None
    y.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]  # type: ignore[union-attr]


def test_a_hook_runs_once_when_the_gradient_is_complete() -> None:
    x = leaf(1.0)
    y = x * 1.0
    seen: list[float] = []
    y.register_hook(lambda g: seen.append(g.item()))
    (y * 2 + y * 3 + tg.exp(y * 0.0)).backward()
    assert seen == [5.0]


def test_a_hook_that_returns_nonsense_is_told() -> None:
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g.sum())
    with pytest.raises(GradientError, match=r"shape \[2\]"):
        x.sum().backward()
    assert x.grad is None


def test_writing_to_the_gradient_in_a_hook_does_not_reach_others() -> None:
    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)

    def spoil(g: tg.Tensor) -> None:
        g.data[...] = 99

    x.register_hook(spoil)
    (x + y).sum().backward()
    assert y.grad.tolist() == [1.0, 1.0]  # type: ignore[union-attr]


def test_retain_grad() -> None:
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    (y * 3).backward(retain_graph=True)
    assert (y.grad.item(), x.grad.item()) == (3.0, 12.0)  # type: ignore[union-attr]
    (y * 3).backward()
    assert y.grad.item() == 6.0  # type: ignore[union-attr]
    z = x * x
    (z * 3).backward()
    assert z.grad is None
    with pytest.raises(GradientError, match="retain_grad: expected"):
        tg.ones(2).retain_grad()


# Modes.


def test_no_grad_and_enable_grad() -> None:
    x = leaf(2.0)
    with tg.no_grad():
        y = x * 2
        assert y.node is None
        with tg.enable_grad():
            z = x * 3
        assert (x * 2).node is None
    z.backward()
    assert x.grad.item() == 3.0  # type: ignore[union-attr]
    assert (x * 2).node is not None

    @tg.no_grad()
    def decorated() -> tg.Tensor:
        return x * 2

    assert decorated().node is None
    assert x.requires_grad


def test_modes_end_with_an_exception() -> None:
    x = leaf(2.0)
    with pytest.raises(ZeroDivisionError), tg.no_grad():
        _ = 1 / 0
    assert (x * 2).node is not None


def test_detach() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    d = y.detach()
    assert d.node is None
    assert not d.requires_grad
    assert np.shares_memory(d.data, y.data)
    (y.detach() * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]  # type: ignore[union-attr]


def test_requires_grad_is_for_leaves() -> None:
    x = leaf(1.0)
    y = x * 2
    with pytest.raises(GradientError, match="detach"):
        y.requires_grad_(False)
    assert x.requires_grad_(False).node is None
    assert isinstance(x.requires_grad_().node, Leaf)
    with pytest.raises(GradientError, match="requires_grad_"):
        tg.ones(2).grad = tg.ones(2)
    with pytest.raises(ShapeError, match="must match"):
        x.grad = tg.ones(2)


def test_detect_nan_names_the_origin() -> None:
    x = leaf(-1.0, 4.0)
    said = r"sqrt(.|\n)*first(.|\n)*test_switches"
    with np.errstate(all="ignore"), tg.detect_nan(), pytest.raises(NaNError, match=said):
        (tg.sqrt(x) * 2).sum()
    zero = leaf(0.0, 1.0)
    with np.errstate(all="ignore"), tg.detect_nan(), pytest.raises(NaNError, match="derivative of"):
        (tg.sqrt(zero) * 0.0).sum().backward()
    assert zero.grad is None


# Threads.


def train(seed: int, steps: int = 60) -> list[float]:
    rng = np.random.default_rng(seed)
    x, y = tg.Tensor(rng.normal(size=(16, 4))), tg.Tensor(rng.normal(size=(16, 1)))
    w, v = (tg.Tensor(rng.normal(size=s), requires_grad=True) for s in ((4, 8), (8, 1)))
    losses = []
    for _ in range(steps):
        loss = ((tg.exp(-((x @ w) ** 2)) @ v - y) ** 2).mean()
        losses.append(loss.item())
        loss.backward()
        with tg.no_grad():
            for p in (w, v):
                assert p.grad is not None
                p -= 0.05 * p.grad
                p.grad = None
    return losses


def test_two_threads_train_as_one_does() -> None:
    expected = [train(seed) for seed in (1, 2)]
    found: dict[int, list[float]] = {}
    barrier = threading.Barrier(2)

    def run(seed: int) -> None:
        barrier.wait()
        found[seed] = train(seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[1], found[2]] == expected
    assert expected[0][-1] < expected[0][0]


def test_modes_belong_to_their_thread() -> None:
    x = leaf(2.0)
    recorded: list[bool] = []
    with tg.no_grad():
        thread = threading.Thread(target=lambda: recorded.append((x * 2).node is not None))
        thread.start()
        thread.join()
    assert recorded == [True]


def test_transforms_nest_apart_in_two_threads() -> None:
    def f(x: Any) -> Any:
        return tg.grad(lambda y: (x * y) ** 3)(x)

    expected = tg.grad(f)(1.5).item()
    answers: list[float] = []
    threads = [
        threading.Thread(target=lambda: answers.extend(tg.grad(f)(1.5).item() for _ in range(50))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 100
