"""The engine's behaviour: graphs of any size, their memory, what backward does and what it refuses."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad import define
from tensorgrad.errors import DTypeError, GradientError, InPlaceError, ShapeError
from tensorgrad.op import OPS


def leaf(*values: float, dtype: Any = np.float64) -> tg.Tensor:
    data = np.array(values if len(values) > 1 else values[0] if values else 1.5, dtype)
    return tg.Tensor(data, requires_grad=True)


@pytest.fixture
def without_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# Graphs of any size.


def test_a_chain_of_100_000_operations(without_gc: None) -> None:
    x = leaf(1.0)
    y = x
    for _ in range(50_000):
        y = tg.sin(y) * 1.00001
    nodes = weakref.ref(y.node)
    y.backward()
    assert x.grad is not None
    assert np.isfinite(x.grad.item())
    assert y.node.rank == 100_000  # type: ignore[union-attr]
    del y
    assert nodes() is None, "the graph is freed with its result"


def test_a_chain_through_a_recorded_pass_and_forward_mode() -> None:
    def chain(x: tg.Tensor) -> tg.Tensor:
        for _ in range(3_000):
            x = tg.sin(x) * 1.001
        return x

    at, one = np.float64(0.5), np.float64(1.0)
    first = tg.grad(chain)
    _, curvature = tg.jvp(first, (at,), (one,))
    assert tg.grad(first)(at).item() == pytest.approx(curvature.item(), rel=1e-9)
    _, slope = tg.jvp(chain, (at,), (one,))
    assert first(at).item() == pytest.approx(slope.item(), rel=1e-9)


def test_a_fan_out_of_10_000() -> None:
    x = leaf(2.0)
    total = tg.tensor(0.0, dtype="float64")
    for i in range(10_000):
        total = total + x * float(i)
    total.backward()
    assert x.grad is not None
    assert x.grad.item() == sum(range(10_000))


def test_a_result_used_10_000_times_is_differentiated_once() -> None:
    x = leaf(1.0, 2.0)
    y = tg.exp(x)
    calls: list[Any] = []
    y.register_hook(lambda g: calls.append(g.tolist()))
    parts = [y * float(i) for i in range(10_000)]
    tg.concat(parts).sum().backward()
    assert len(calls) == 1
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]) * sum(range(10_000)))  # type: ignore[union-attr]


def test_doubling_64_times_costs_64_steps() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(64):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**64  # type: ignore[union-attr]


# Memory.


def test_a_graph_is_freed_without_the_garbage_collector(without_gc: None) -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = (tg.exp(x) * x)[1:]
    loss = (y @ y) + tg.concat([x, y]).sum() + sum(part.sum() for part in tg.split(x, 3))
    watched = [weakref.ref(t) for t in (y, loss)] + [weakref.ref(t.node) for t in (y, loss)]
    loss.backward()
    del y, loss
    assert [ref() for ref in watched] == [None] * 4
    for _ in range(2):  # a derivative that was recorded, too
        (g,) = tg.autograd.grad((x**3).sum(), x, create_graph=True)
        seen = weakref.ref(g.node)
        (h,) = tg.autograd.grad(g.sum(), x)
        del g, h
        assert seen() is None


def test_transforms_leave_nothing_behind(without_gc: None) -> None:
    seen: list[Any] = []

    def f(x: tg.Tensor) -> tg.Tensor:
        y = tg.exp(x) * x
        seen.append(weakref.ref(y.node))
        return y.sum()

    for transform in (tg.grad, tg.jacrev, tg.jacfwd, tg.hessian):
        transform(f)(np.array([1.0, 2.0]))
    tg.jvp(f, (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    value, pull = tg.vjp(f, np.array([1.0, 2.0]))
    pull(tg.ones_like(value))
    del value, pull
    assert len(seen) == 6
    assert [ref() for ref in seen] == [None] * 6


def test_saved_arrays_go_as_the_pass_goes(without_gc: None) -> None:
    x = leaf(1.0, 2.0)
    alive: list[int] = []
    watched: list[weakref.ref[Any]] = []
    y = x
    for _ in range(5):
        y = tg.exp(y * 0.1)
        y.register_hook(lambda g: alive.append(sum(ref() is not None for ref in watched)))
        watched.append(weakref.ref(y.data))
    total = y.sum()
    del y
    total.backward()
    assert alive == [5, 4, 3, 2, 1], "each node's saved result is gone before the next node's turn"


def test_what_no_rule_names_is_not_kept(without_gc: None) -> None:
    x = leaf(1.0, 2.0)
    a = x * 2.0
    b = a + 1.0
    operand = weakref.ref(a.data)
    del a
    assert operand() is None, "addition needs neither operand"
    assert b.node.saved == ()  # type: ignore[union-attr]
    c = x * tg.ones(2, dtype="float64")
    assert len(c.node.saved) == 1, "only the partner of what is differentiated"  # type: ignore[union-attr]


# What backward does.


def test_gradients_accumulate() -> None:
    x = leaf(1.0, 2.0)
    for count in (1, 2, 3):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * count, 4.0 * count]  # type: ignore[union-attr]
    kept = x.grad
    x.grad = None
    (x * x).sum().backward()
    assert kept.tolist() == [6.0, 12.0]  # type: ignore[union-attr]


def test_a_second_backward_says_why_it_cannot_be() -> None:
    x = leaf(1.0, 2.0)
    y = tg.exp(x).sum()
    y.backward()
    before = x.grad.tolist()  # type: ignore[union-attr]
    said = r"a second time(.|\n)*test_engine\.py.*y = tg\.exp(.|\n)*retain_graph=True"
    with pytest.raises(GradientError, match=said):
        y.backward()
    assert x.grad.tolist() == before  # type: ignore[union-attr]


def test_retain_graph_allows_any_number() -> None:
    x = leaf(2.0)
    y = x**3
    for _ in range(3):
        y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 48.0  # type: ignore[union-attr]


def test_create_graph_makes_gradients_of_gradients() -> None:
    x = leaf(2.0)
    (x**4).backward(create_graph=True)
    assert x.grad.item() == 32.0  # type: ignore[union-attr]
    first, x.grad = x.grad, None
    first.backward()  # type: ignore[union-attr]
    assert x.grad.item() == 48.0  # type: ignore[union-attr]


def test_backward_into_chosen_leaves_only() -> None:
    x, y = leaf(2.0), leaf(3.0)
    (x * y).backward(inputs=[x])
    assert x.grad.item() == 3.0  # type: ignore[union-attr]
    assert y.grad is None
    z = x * 1.0
    with pytest.raises(GradientError, match="accumulates into leaves"):
        (z * y).backward(inputs=[z])


@pytest.mark.parametrize(
    "call, error, said",
    [
        (lambda x: (x * 2).backward(), GradientError, r"only a tensor of one element.*\[2\](.|\n)*at test_engine\.py"),
        (lambda x: x.detach().sum().backward(), GradientError, "does not depend on any that requires a gradient"),
        (lambda x: (x * 2).backward(tg.ones(3, dtype="float64")), ShapeError, r"shape \[2\], got \[3\]"),
        (lambda x: (x * 2).backward(tg.ones(2)), DTypeError, "dtype float64, got float32"),
        (lambda x: tg.autograd.grad(x.sum(), [x, leaf(1.0)]), GradientError, "input 1.*allow_unused"),
        (lambda x: tg.autograd.grad(x.sum(), 3), (DTypeError, TypeError), ""),
        (lambda x: tg.autograd.grad([x.sum()], [x], [None, None]), ShapeError, "1 outputs need as many"),
    ],
)
def test_backward_refuses(call: Callable[[tg.Tensor], Any], error: Any, said: str) -> None:
    x = leaf(1.0, 2.0)
    x.grad = tg.Tensor(np.array([7.0, 7.0]))
    with pytest.raises(error, match=said or None):
        call(x)
    assert x.grad.tolist() == [7.0, 7.0]


def test_grad_of_what_is_not_used() -> None:
    x, y = leaf(2.0), leaf(3.0)
    assert tg.autograd.grad(x * x, [x, y], allow_unused=True)[1] is None
    g = tg.autograd.grad(x * x, [x, y], materialize_grads=True)[1]
    assert g.item() == 0.0
    assert x.grad is None


def test_grad_by_tensors_inside_the_graph() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * y
    dy, dx, dz = tg.autograd.grad(z, [y, x, z])
    assert (dy.item(), dx.item(), dz.item()) == (8.0, 32.0, 1.0)


def test_returned_gradients_own_their_memory() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = x + y
    seed = tg.Tensor(np.array([1.0, 10.0]))
    found = tg.autograd.grad(z * 1.0, [x, y, z], seed)
    held = [seed.data, *(g.data for g in found)]
    for i, a in enumerate(held):
        assert not any(np.shares_memory(a, b) for b in held[:i])
    assert [g.tolist() for g in found] == [[1.0, 10.0]] * 3


def test_several_outputs_and_their_cotangents() -> None:
    x = leaf(1.0, 2.0)
    (g,) = tg.autograd.grad([x * 2, (x * x).sum()], x, [tg.Tensor(np.array([1.0, 10.0])), None])
    assert g.tolist() == [4.0, 24.0]


def test_an_error_in_a_pass_leaves_every_grad_as_it_was() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    x.grad, y.grad = (tg.Tensor(np.array([5.0, 5.0])) for _ in range(2))
    inner = tg.exp(y)
    total = (x * 2).sum() + inner.sum()
    inner.data[...] = 0
    inner.detach()[...] = 1.0
    with pytest.raises(InPlaceError):
        total.backward()
    assert x.grad.tolist() == y.grad.tolist() == [5.0, 5.0]


def test_a_saved_array_changed_in_place_is_caught_with_both_lines() -> None:
    x = leaf(1.0, 2.0)
    y = tg.exp(x)
    z = (y * y).sum()
    with tg.no_grad():
        y += 1.0
    with pytest.raises(InPlaceError) as caught:
        z.backward()
    message = str(caught.value)
    assert "z = (y * y).sum()" in message or "y = tg.exp(x)" in message, message
    assert "y += 1.0" in message, message
    assert x.grad is None


def test_integers_are_never_differentiated() -> None:
    x = leaf(1.0, 2.0)
    n = tg.tensor([1, 2])
    (x * n).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]  # type: ignore[union-attr]
    assert (x > 1).node is None
    with pytest.raises(DTypeError, match="only floating"):
        n.requires_grad_()


# Several results.


def pair_op() -> Any:
    """x -> (x^2, x^3), whose rule reads its own results."""

    def rule(m: Any, g: Any, out: Any, x: Any) -> Any:
        terms = [2 * g[0] * x] if g[0] is not None else []
        terms += [3 * g[1] * out[1] / x] if g[1] is not None else []
        return sum(terms[1:], terms[0])

    name = f"pair_for_test_{len(OPS)}"
    return define.op(
        name, "x", outputs=2, infer=lambda params, x: (x, x), rules={"x": rule}, body=lambda m, x: (x * x, x * x * x)
    )


def test_a_result_read_by_the_user_and_by_its_own_rule_is_one_vertex() -> None:
    """Its cotangents must meet, wherever they come from: here the product, and the rule's second derivative."""
    x = leaf(2.0, 3.0)
    cube = pair_op()(x)[1]
    (g,) = tg.autograd.grad((cube * cube).sum(), x, create_graph=True)  # 6 x^5
    (h,) = tg.autograd.grad(g.sum(), x, retain_graph=True)
    np.testing.assert_allclose(h.numpy(), 30 * np.array([2.0, 3.0]) ** 4)
    (by_cube,) = tg.autograd.grad(g.sum(), cube)  # g = 2 cube * 3 cube / x
    np.testing.assert_allclose(by_cube.numpy(), 12 * np.array([2.0, 3.0]) ** 2)


def test_one_of_several_saved_results_changed_in_place_is_caught() -> None:
    x = leaf(2.0, 3.0)
    _, cube = pair_op()(x)
    total = (cube * 1.0).sum()
    with tg.no_grad():
        cube += 1.0
    with pytest.raises(InPlaceError, match=r"cube \+= 1\.0"):
        total.backward()
