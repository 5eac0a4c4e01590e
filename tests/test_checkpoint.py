"""Checkpointing gives the same derivatives, of any order, from less memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import tensorgrad as tg


def test_gradients_of_arguments_and_of_what_the_function_closes_over() -> None:
    def gradients(wrap) -> list[list[float]]:
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        w = tg.tensor([3.0, 4.0], requires_grad=True)
        h = w * w  # outside, and itself a function of w

        def segment(x: tg.Tensor) -> tg.Tensor:
            return tg.exp(tg.sin(x)) * h * w

        (wrap(segment)(x * 2)).sum().backward()
        return [x.grad.tolist(), w.grad.tolist()]

    assert gradients(tg.checkpoint) == gradients(lambda f: f)


def test_nested_structures_and_several_results() -> None:
    def segment(pair: dict[str, tg.Tensor], scale: float) -> tuple[tg.Tensor, list[tg.Tensor]]:
        return pair["a"] * scale, [pair["a"] * pair["b"], pair["b"]]

    def gradients(wrap) -> list[list[float]]:
        a, b = (tg.tensor([v], requires_grad=True) for v in (2.0, 5.0))
        first, (second, third) = wrap(segment)({"a": a, "b": b}, scale=3.0)
        (first + second * 10 + third * 100).sum().backward()
        return [a.grad.tolist(), b.grad.tolist()]

    assert gradients(tg.checkpoint) == gradients(lambda f: f) == [[53.0], [120.0]]


@pytest.mark.parametrize("second", [lambda f: tg.hessian(f), lambda f: tg.jacrev(tg.grad(f))])
def test_second_order(second) -> None:
    def segment(x: tg.Tensor) -> tg.Tensor:
        return tg.exp(x) * tg.sin(x)

    x = tg.tensor([0.3, 0.7], dtype="float64")
    plain = second(lambda x: segment(x).sum())(x)
    checked = second(lambda x: tg.checkpoint(segment)(x).sum())(x)
    np.testing.assert_allclose(checked.numpy(), plain.numpy(), rtol=1e-12)


def test_forward_mode() -> None:
    x, t = tg.tensor([0.3, 0.7], dtype="float64"), tg.tensor([1.0, -2.0], dtype="float64")
    plain = tg.jvp(lambda x: tg.sin(x) * x, (x,), (t,))[1]
    np.testing.assert_allclose(tg.jvp(tg.checkpoint(lambda x: tg.sin(x) * x), (x,), (t,))[1].numpy(), plain.numpy())


def test_random_numbers_repeat_in_the_second_run() -> None:
    tg.manual_seed(5)
    x = tg.ones(1000, requires_grad=True)
    y = tg.checkpoint(lambda x: tg.nn.functional.dropout(x, 0.5))(x)
    after = tg.rand(2).tolist()
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
    tg.manual_seed(5)
    tg.nn.functional.dropout(tg.ones(1000), 0.5)
    assert tg.rand(2).tolist() == after, "the second run must not move the generator"


def test_nothing_is_recorded_without_need() -> None:
    assert not tg.checkpoint(tg.exp)(tg.ones(2)).requires_grad
    with tg.no_grad():
        assert not tg.checkpoint(tg.exp)(tg.ones(2, requires_grad=True)).requires_grad


def test_memory_is_that_of_one_segment() -> None:
    def segment(x: tg.Tensor) -> tg.Tensor:
        for _ in range(10):
            x = tg.sin(x)
        return x

    def peak(wrap) -> int:
        x = tg.ones(50_000, requires_grad=True)
        tracemalloc.start()
        y = x
        for _ in range(10):
            y = wrap(segment)(y)
        y.sum().backward()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(tg.checkpoint) < 0.35 * peak(lambda f: f)


def test_an_error_in_the_second_run_leaves_gradients_alone() -> None:
    calls = []

    def segment(x: tg.Tensor) -> tg.Tensor:
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("second run")
        return x * x

    x = tg.tensor([2.0], requires_grad=True)
    y = tg.checkpoint(segment)(x).sum()
    state = tg.random.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert x.grad is None
    assert (tg.random.get_rng_state() == state).all()
