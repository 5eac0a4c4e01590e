"""Functional transforms: each beside PyTorch's, nested in every order, never mixing up whose derivative is whose."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.errors import DTypeError, GradientError, ShapeError

X = np.array([0.3, -0.7, 1.1])
V = np.array([1.0, 0.5, -2.0])
W = np.array([[0.2, -1.0, 0.5], [1.5, 0.3, -0.4]])


def vector(x: Any, lib: Any) -> Any:
    """From three numbers to two."""
    return lib.matmul(lib.sin(x) * x, lib_array(lib, W).T) * lib.exp(x[0])


def number(x: Any, lib: Any) -> Any:
    return (vector(x, lib) ** 2).sum() + x[0] * x[1] * x[2]


def lib_array(lib: Any, x: np.ndarray) -> Any:
    return tg.Tensor(x) if lib is tg else lib.from_numpy(x)


def ours(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: f(*xs, tg)


def theirs(f: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    return lambda *xs: f(*xs, torch)


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), np.asarray(theirs), rtol=1e-10, atol=1e-12)


@pytest.mark.peers("torch")
def test_each_transform_is_pytorchs() -> None:
    import torch
    from torch.func import grad, jacrev

    x, v, u = (torch.from_numpy(a) for a in (X, V, np.array([0.7, -1.3])))
    value, gradient = theirs(vector)(x), grad(theirs(number))(x)
    jacobian, curvature = jacrev(theirs(vector))(x), jacrev(jacrev(theirs(number)))(x)
    close(tg.grad(ours(number))(X), gradient)
    close(tg.jacrev(ours(vector))(X), jacobian)
    close(tg.jacfwd(ours(vector))(X), jacobian)
    close(tg.hessian(ours(number))(X), curvature)
    y, pull = tg.vjp(ours(vector), X)
    close(y, value)
    close(pull(tg.Tensor(u.numpy()))[0], u @ jacobian)
    y, tangent = tg.jvp(ours(vector), (X,), (V,))
    close(y, value)
    close(tangent, jacobian @ v)
    (first,), (product,) = tg.hvp(ours(number), (X,), (V,))
    close(first, gradient)
    close(product, curvature @ v)
    y, first = tg.value_and_grad(ours(number))(X)
    close(y, theirs(number)(x))
    close(first, gradient)


def third(x: Any, lib: Any) -> Any:
    return lib.exp(lib.sin(x)) * x[1] + (x * x * x)[0]


@functools.cache
def third_derivative() -> np.ndarray:
    import torch
    from torch.func import jacrev

    return np.asarray(jacrev(jacrev(jacrev(theirs(third))))(torch.from_numpy(X)))


@pytest.mark.peers("torch")
@pytest.mark.parametrize("names", list(itertools.product(["jacrev", "jacfwd"], repeat=3)), ids="-".join)
def test_three_transforms_in_any_order(names: tuple[str, ...]) -> None:
    """Third derivatives: each of reverse and forward over each, over each."""
    f: Any = ours(third)
    for name in names:
        f = getattr(tg, name)(f)
    close(f(X), third_derivative())


# Whose derivative is whose: each line has one right answer, known by hand, that mixing up levels would miss.

CONFUSION: list[tuple[str, Callable[[], Any], float]] = [
    (
        "a constant of the inner is a variable of the outer",
        lambda: tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0),
        1.0,
    ),
    (
        "the inner derivative is the outer's variable",
        lambda: tg.grad(lambda x: tg.grad(lambda y: x * y)(1.0))(2.0),
        1.0,
    ),
    (
        "forward in forward",
        lambda: derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0),
        1.0,
    ),
    ("forward in reverse", lambda: tg.grad(lambda x: x * derivative(lambda y: x * y)(3.0))(2.0), 4.0),
    ("reverse in forward", lambda: derivative(lambda x: x * tg.grad(lambda y: x * y)(3.0))(2.0), 4.0),
    (
        "both meet at the same point",
        lambda: tg.grad(lambda x: tg.grad(lambda y: (x * y) ** 3)(x))(1.5),
        15 * 1.5**4,
    ),
    (
        "three levels",
        lambda: tg.grad(lambda x: tg.grad(lambda y: tg.grad(lambda z: x * y * z * z)(y))(x))(1.5),
        8 * 1.5,
    ),
    (
        "a function returned from a transform",
        lambda: tg.grad(lambda x: tg.grad(lambda y: y * y * x)(3.0) * x)(2.0),
        24.0,
    ),
    (
        "a vjp used inside",
        lambda: tg.grad(lambda x: tg.vjp(lambda y: y * x, tg.tensor(4.0))[1](tg.tensor(1.0))[0] * x)(3.0),
        6.0,
    ),
    ("detach cuts every level", lambda: tg.grad(lambda x: x * tg.grad(lambda y: x.detach() * y)(1.0))(2.0), 2.0),
]


def derivative(f: Callable[..., Any]) -> Callable[..., Any]:
    """By forward mode."""
    return lambda x: tg.jvp(f, (x,), (tg.ones_like(x) if isinstance(x, tg.Tensor) else 1.0,))[1]


@pytest.mark.parametrize("run, expected", [pytest.param(*case[1:], id=case[0]) for case in CONFUSION])
def test_levels_are_not_confused(run: Callable[[], Any], expected: float) -> None:
    assert run().item() == pytest.approx(expected, rel=1e-6)


def test_what_is_tracked_outside_stays_tracked() -> None:
    w = tg.tensor([2.0, 3.0], requires_grad=True)
    g = tg.grad(lambda x: (w * x * x).sum())(tg.tensor([1.0, 2.0]))
    assert g.requires_grad
    g.sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]  # type: ignore[union-attr]


def test_what_is_tracked_nowhere_else_comes_back_without_history() -> None:
    g = tg.grad(lambda x: (x * x).sum())(tg.tensor([1.0, 2.0]))
    assert not g.requires_grad
    assert g.node is None
    value, tangent = tg.jvp(lambda x: x * x, (tg.tensor(2.0),), (tg.tensor(1.0),))
    assert value.node is None
    assert tangent.node is None


def test_transforms_of_a_tracked_argument_are_differentiable_by_it() -> None:
    x = tg.tensor(2.0, requires_grad=True)
    tg.grad(lambda y: y**3)(x).backward()
    assert x.grad.item() == 12.0  # type: ignore[union-attr]
    assert tg.autograd.grad(derivative(lambda y: y**3)(x), x)[0].item() == 12.0


def test_backward_inside_a_transform() -> None:
    def f(x: tg.Tensor) -> tg.Tensor:
        w = tg.tensor(3.0, requires_grad=True)
        (w * w).backward()
        assert w.grad is not None
        return x * w.grad

    assert tg.grad(f)(1.0).item() == 6.0


def test_transforms_work_under_no_grad() -> None:
    with tg.no_grad():
        assert tg.grad(lambda x: x * x)(3.0).item() == 6.0
        assert tg.jvp(lambda x: x * x, (3.0,), (1.0,))[1].item() == 6.0
        inner = tg.grad(lambda x: x * tg.grad(lambda y: x * y * y)(2.0))(3.0)
    assert inner.item() == 24.0


def test_no_grad_inside_a_transform_cuts() -> None:
    def f(x: tg.Tensor) -> tg.Tensor:
        with tg.no_grad():
            y = x * x
        return x * y

    assert tg.grad(f)(3.0).item() == 9.0


def test_writes_inside_transforms() -> None:
    def f(x: tg.Tensor) -> tg.Tensor:
        y = tg.zeros(3, dtype=x.dtype)
        y[1:] = x[:2] * 2
        y *= x
        return (y * y).sum()

    expected = tg.hessian(lambda x: (4 * x[0] ** 2 * x[1] ** 2) + 4 * x[1] ** 2 * x[2] ** 2)(X)
    np.testing.assert_allclose(tg.hessian(f)(X).numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)
    forward_twice = tg.jacfwd(tg.jacfwd(f))(X)
    np.testing.assert_allclose(forward_twice.numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)


def test_structures_in_and_out() -> None:
    def f(p: dict[str, Any], scale: Any) -> Any:
        return (p["w"] * scale).sum() + p["b"][0]

    p = {"w": tg.tensor([1.0, 2.0]), "b": (tg.tensor(3.0),)}
    gp, gs = tg.grad(f, argnums=(0, 1))(p, tg.tensor(2.0))
    assert gp["w"].tolist() == [2.0, 2.0]
    assert gp["b"][0].item() == 1.0
    assert gs.item() == 3.0
    y, pull = tg.vjp(lambda x: {"a": x * 2, "b": [x * x]}, tg.tensor([1.0, 2.0]))
    assert list(y) == ["a", "b"]
    assert pull({"a": tg.ones(2), "b": [tg.ones(2)]})[0].tolist() == [4.0, 6.0]
    out, tangent = tg.jvp(lambda x, y: (x * y, [x]), (tg.tensor(2.0), tg.tensor(3.0)), (tg.tensor(1.0), tg.tensor(0.0)))
    assert isinstance(out, tuple)
    assert (tangent[0].item(), tangent[1][0].item()) == (3.0, 1.0)


def test_auxiliary_results() -> None:
    (value, aux), g = tg.value_and_grad(lambda x: (x * x, {"kept": x + 1}), has_aux=True)(3.0)
    assert (value.item(), aux["kept"].item(), g.item()) == (9.0, 4.0, 6.0)
    g, aux = tg.grad(lambda x: (x * x, "text"), has_aux=True)(3.0)
    assert (g.item(), aux) == (6.0, "text")


def test_pull_may_be_called_again_and_again() -> None:
    _, pull = tg.vjp(lambda x: tg.exp(x), tg.tensor([0.0, 1.0]))
    first = pull(tg.tensor([1.0, 0.0]))[0].tolist()
    pull(tg.tensor([0.0, 1.0]))
    assert pull(tg.tensor([1.0, 0.0]))[0].tolist() == first == [1.0, 0.0]


def test_results_that_do_not_depend_on_the_argument() -> None:
    constant = tg.tensor([1.0, 2.0])
    assert tg.grad(lambda x: constant.sum())(3.0).item() == 0.0
    assert tg.jvp(lambda x: constant, (3.0,), (1.0,))[1].tolist() == [0.0, 0.0]
    assert tg.jacrev(lambda x: constant)(X.astype(np.float32)).shape == (2, 3)
    assert not tg.jacfwd(lambda x: constant)(X).numpy().any()
    assert tg.jacfwd(lambda x: x[:0])(X).shape == (0, 3)
    assert tg.jacrev(lambda x: x[:0])(X).shape == (0, 3)


def test_the_identity_and_the_same_tensor_twice() -> None:
    x = tg.tensor([1.0, 2.0])
    assert tg.jacrev(lambda x: x)(x).tolist() == tg.jacfwd(lambda x: x)(x).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    a, b = tg.grad(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(x, x)
    assert (a.tolist(), b.tolist()) == ([1.0, 4.0], [2.0, 8.0])
    assert tg.grad(lambda x, y: (x * y * y).sum(), argnums=-1)(x, x).tolist() == [2.0, 8.0]


@pytest.mark.parametrize(
    "call, error, said",
    [
        (lambda: tg.grad(lambda x: x * 2)(X), GradientError, r"one number, got shape \[3\].*jacrev"),
        (lambda: tg.grad(lambda x: 1.0)(2.0), GradientError, "one tensor"),
        (lambda: tg.grad(lambda x: x * 1.0)(np.arange(3)), DTypeError, "only floating arguments"),
        (lambda: tg.grad(lambda x: x, argnums=1)(2.0), ShapeError, "argument 1"),
        (lambda: tg.jvp(lambda x: x, (X,), (V[:2],)), ShapeError, r"shape \[3\], got \[2\]"),
        (lambda: tg.jvp(lambda x: x, (X,), ()), ShapeError, "1 primals need as many tangents"),
        (lambda: tg.vjp(lambda x: x * 2, X)[1](tg.ones(2)), ShapeError, r"shape \[3\], got \[2\]"),
        (lambda: tg.vjp(lambda x: (x, x), X)[1](tg.ones(3)), ShapeError, "expected 2 tensors, got 1"),
        (lambda: tg.jacrev(lambda x: (x, x))(X), GradientError, "one tensor"),
    ],
)
def test_misuse_is_told(call: Callable[[], Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


def test_an_error_inside_a_transform_leaves_the_state_as_it_was() -> None:
    def broken(x: tg.Tensor) -> tg.Tensor:
        return x @ tg.ones(7, dtype=x.dtype)

    for transform in (tg.grad, tg.jacrev, tg.jacfwd, tg.hessian):
        with pytest.raises(ShapeError):
            transform(broken)(X)
        g = tg.grad(lambda x: x * x)(3.0)
        assert g.item() == 6.0
        assert g.node is None
