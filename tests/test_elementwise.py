"""What the rows of the elementwise operations do not say: extremes, high orders, fast paths, documentation."""

from __future__ import annotations

import doctest
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from optable import HALF
from pointwise import torch_function

import tensorgrad as tg
from tensorgrad.backends.numpy_elementwise import OVERRIDES
from tensorgrad.backends.registry import find
from tensorgrad.errors import DTypeError
from tensorgrad.op import FUNCTIONS, OPS, raw_namespace

FAMILIES = ("activations", "arithmetic", "comparison", "functions", "rectifiers", "selection", "special")
MODULES = {name: importlib.import_module(f"tensorgrad.ops.{name}") for name in FAMILIES}
PUBLIC = [(family, name) for family, module in MODULES.items() for name in module.__all__]

SATURATING: dict[str, Callable[[Any], Any]] = {
    "sigmoid": tg.sigmoid,
    "tanh": tg.tanh,
    "erf": tg.erf,
    "erfc": tg.erfc,
    "atan": tg.atan,
    "asinh": tg.asinh,
    "log_sigmoid": tg.log_sigmoid,
    "softplus": tg.softplus,
    "silu": tg.silu,
    "gelu": tg.gelu,
    "gelu by tanh": lambda x: tg.gelu(x, approximate="tanh"),
    "mish": tg.mish,
    "elu": tg.elu,
    "celu": lambda x: tg.celu(x, alpha=0.5),
    "selu": tg.selu,
    "softsign": tg.softsign,
    "hardswish": tg.hardswish,
    "relu": tg.relu,
    "leaky_relu": tg.leaky_relu,
    "logaddexp": lambda x: tg.logaddexp(x, 0.0),
    "atan2": lambda x: tg.atan2(x, 1.0),
    "hypot": lambda x: tg.hypot(x, 1.0),
}
"""Functions that are defined everywhere and stay moderate: no operand may make them, or their derivatives, overflow."""

HUGE = {"float16": 6e4, "float32": 3e38, "float64": 1e308}


def extremes(name: str, dtype: str) -> np.ndarray:
    reach = np.asarray([0.0, 0.1, 1.0, 12.0, 50.0, 100.0, 300.0, 1000.0, 2e4, HUGE[dtype]])
    if name == "hardswish":  # x * (x + 3) has to be computed
        reach = reach[reach < 200]
    return np.concatenate([-reach[::-1], reach]).astype(dtype)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", list(SATURATING))
def test_no_operand_overflows(name: str, dtype: str) -> None:
    """No warning (they are errors here), and values and two derivatives as finite as the operand."""
    f = SATURATING[name]
    x = tg.Tensor(extremes(name, dtype), requires_grad=True)
    y = f(x)
    (first,) = tg.autograd.grad(y, [x], tg.ones_like(y), create_graph=True)
    second = first
    if first.requires_grad:  # not where it is a constant step
        (second,) = tg.autograd.grad(first, [x], tg.ones_like(first), materialize_grads=True)
    for what, values in (("value", y), ("derivative", first), ("second derivative", second)):
        assert np.isfinite(values.detach().numpy()).all(), f"{what} of {name}: {values}"
        assert values.dtype == dtype


@pytest.mark.peers("torch")
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", ["sigmoid", "silu", "gelu", "mish", "softplus", "log_sigmoid", "elu", "erf", "atan"])
def test_extremes_agree_with_double_precision(name: str, dtype: str) -> None:
    x = extremes(name, dtype)
    wide = tg.Tensor(x.astype(np.float64), requires_grad=True)
    narrow = tg.Tensor(x, requires_grad=True)
    for t in (wide, narrow):
        SATURATING[name](t).backward(tg.ones_like(t))
    eps = np.finfo(dtype).eps
    smallest = float(np.finfo(dtype).smallest_subnormal)
    for a, b in ((SATURATING[name](narrow), SATURATING[name](wide)), (narrow.grad, wide.grad)):
        got, expected = a.detach().numpy().astype(np.float64), b.detach().numpy()
        close = np.abs(got - expected) <= 8 * eps * np.maximum(np.abs(expected), 0.1) + 2 * smallest
        assert close.all(), f"{got[~close]} instead of {expected[~close]} at {x[~close]}"


LIMIT = {
    "sigmoid": (0.0, 1.0, 0.0, 0.0),
    "silu": (0.0, math.inf, 0.0, 1.0),
    "gelu": (0.0, math.inf, 0.0, 1.0),
    "gelu by tanh": (0.0, math.inf, 0.0, 1.0),
    "mish": (0.0, math.inf, 0.0, 1.0),
    "softplus": (0.0, math.inf, 0.0, 1.0),
    "log_sigmoid": (-math.inf, 0.0, 1.0, 0.0),
    "elu": (-1.0, math.inf, 0.0, 1.0),
    "erf": (-1.0, 1.0, 0.0, 0.0),
    "atan": (-math.pi / 2, math.pi / 2, 0.0, 0.0),
    "tanh": (-1.0, 1.0, 0.0, 0.0),
    "relu": (0.0, math.inf, 0.0, 1.0),
}


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", list(LIMIT))
def test_values_and_derivatives_at_infinity_are_the_limits(name: str, dtype: str) -> None:
    x = tg.Tensor(np.asarray([-math.inf, math.inf], dtype), requires_grad=True)
    y = SATURATING[name](x)
    y.backward(tg.ones_like(y))
    found = [*y.tolist(), *x.grad.tolist()]
    assert np.allclose(found, LIMIT[name], rtol=2e-3 if dtype == "float16" else 1e-6), found


ANY_ORDER = {
    "exp": 0.3, "exp2": 0.3, "expm1": 0.3, "log": 0.7, "log1p": 0.7, "log2": 0.7, "log10": 0.7, "sqrt": 0.7,
    "rsqrt": 0.7, "square": 0.7, "reciprocal": 0.7, "sin": 0.3, "cos": 0.3, "tan": 0.3, "asin": 0.3, "acos": 0.3,
    "atan": 0.3, "sinh": 0.3, "cosh": 0.3, "tanh": 0.3, "asinh": 0.3, "acosh": 1.7, "atanh": 0.3, "erf": 0.3,
    "erfc": 0.3, "erfinv": 0.3, "lgamma": 1.7, "sigmoid": 0.3, "logit": 0.3, "sinc": 0.3,
    "nn.functional.softplus": 0.3, "nn.functional.silu": 0.3, "nn.functional.gelu": 0.3, "nn.functional.mish": 0.3,
    "nn.functional.logsigmoid": 0.3, "nn.functional.elu": -0.3, "nn.functional.softsign": 0.3,
    "nn.functional.selu": -0.3, "abs": -0.3, "relu": 0.3, "nn.functional.hardswish": 0.3,
}  # fmt: skip
RENAMED = {"logsigmoid": "log_sigmoid"}


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", list(ANY_ORDER))
def test_five_derivatives_are_pytorchs(name: str) -> None:
    import torch

    short = name.rpartition(".")[2]
    f, peer = getattr(tg, RENAMED.get(short, short)), torch_function(name)
    x = tg.Tensor(np.asarray(ANY_ORDER[name]), requires_grad=True)
    t = torch.tensor(ANY_ORDER[name], dtype=torch.float64, requires_grad=True)
    y, u = f(x), peer(t)
    for order in range(6):
        assert math.isclose(y.item(), u.item(), rel_tol=1e-7, abs_tol=1e-7), f"derivative {order} of {name}"
        if not y.requires_grad:  # constant: all others are 0
            assert not u.requires_grad or not torch.autograd.grad(u, t, allow_unused=True, materialize_grads=True)[0]
            break
        (y,) = tg.autograd.grad(y, [x], create_graph=True, materialize_grads=True)
        (u,) = torch.autograd.grad(u, t, create_graph=True, materialize_grads=True)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("a, b", [(2.0, 3.0), (1.7, -0.4), (2.0, 0.0), (0.5, 1.0)])
def test_mixed_third_derivatives_of_pow_are_those_of_exp_b_log_a(a: float, b: float) -> None:
    def third(f: Callable[[Any, Any], Any], position: tuple[int, int, int]) -> float:
        for i in reversed(position):
            f = tg.grad(f, argnums=i)
        return f(tg.tensor(a, dtype="float64"), tg.tensor(b, dtype="float64")).item()

    for position in [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0, 0), (1, 1, 0)]:
        expected = third(lambda x, y: tg.exp(y * tg.log(x)), position)
        assert math.isclose(third(tg.pow, position), expected, rel_tol=1e-10, abs_tol=1e-10), position


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("shape", [(), (3,), (0,), (70, 100)], ids=str)
@pytest.mark.parametrize("name", ["gate", "sigmoid", "where"])
def test_overrides_agree_with_the_bodies(name: str, shape: tuple[int, ...], dtype: str) -> None:
    """The bodies of these ops, or NumPy's function, bit for bit (sigmoid to rounding), also at infinities and NaN."""
    rng = np.random.default_rng(7)
    m = raw_namespace(find("cpu"))
    x, y = (np.asarray(rng.standard_normal(shape) * 30, dtype) for _ in range(2))
    if x.size > 3:
        x.flat[:4] = np.inf, -np.inf, np.nan, -0.0
    c = np.asarray(rng.integers(0, 2, shape), bool)
    calls = {
        "sigmoid": [(x,)],
        "gate": [(c, x), (c[..., :1] if shape else c, x), (c, x.astype(np.float64))],
        "where": [(c, x, y), (c, x, 0.0), (c, 1, y), (c, x, y.astype(np.float64)), (c, x.ravel()[:1], y.ravel()[:1])],
    }[name]
    plain: Callable[..., Any] = {
        "sigmoid": lambda x: OPS["sigmoid"].body(m, x),  # type: ignore[misc]
        "gate": lambda c, x: np.where(c, x, 0),
        "where": np.where,
    }[name]
    for args in calls:
        if any(isinstance(a, np.ndarray) and a.shape == (0,) for a in args) and shape != (0,):
            continue
        got, expected = np.asarray(OVERRIDES[name](*args)), np.asarray(plain(*args))
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        if name == "sigmoid":  # another formula: equal to rounding
            limits = np.finfo(got.dtype)
            np.testing.assert_allclose(got, expected, rtol=4 * limits.eps, atol=limits.tiny)
        else:
            assert got.tobytes() == expected.tobytes() or np.array_equal(got, expected, equal_nan=True)


def test_erfc_of_many_elements_is_scipys() -> None:
    """Relatively, far into the tail; where the square of x loses digits in single precision so does this."""
    x = np.linspace(-5, 10, 30_000, dtype=np.float32).reshape(3, -1)[:, ::-1]
    f = OVERRIDES["erfc"]
    got, expected = f(x), f(x.astype(np.float64))
    assert got.dtype == np.float32
    assert got.shape == x.shape
    near = np.abs(x) < 3
    assert np.allclose(got[near], expected[near], rtol=2e-6, atol=0)
    assert np.allclose(got, expected, rtol=1e-5, atol=1e-37)
    ends = np.resize(np.asarray([np.inf, -np.inf, np.nan, 0.0, -0.0, 3e38], np.float32), 6000)
    assert np.allclose(f(ends), f(ends.astype(np.float64)), rtol=2e-7, atol=0, equal_nan=True)


def test_every_override_is_compared() -> None:
    assert {*OVERRIDES} == {"erfc", "gate", "sigmoid", "where"}


def test_powers_by_products_are_powers() -> None:
    x = np.asarray([-3.0, -1.5, -0.0, 0.0, 0.5, 2.0, np.inf, -np.inf])
    for n in (-7, -3, -2, -1, 1, 2, 3, 4, 5, 9, 10, 3.0, -4.0):
        with np.errstate(divide="ignore"):
            got, expected = tg.pow(tg.Tensor(x), n).numpy(), np.power(x, float(n))
        assert np.allclose(got, expected, rtol=4e-16 * abs(n), atol=0), n
        assert (np.signbit(got) == np.signbit(expected)).all(), n


def test_a_constant_exponent_leaves_fresh_memory() -> None:
    x = tg.tensor([1.0, 2.0])
    y = x**1
    y += 1
    assert x.tolist() == [1.0, 2.0]


def test_integer_powers_of_tensors() -> None:
    with pytest.raises(DTypeError, match="integers to a negative power"):
        tg.tensor([2, 3]) ** tg.tensor([1, -1])
    assert (tg.tensor([2, 3]) ** tg.tensor([1, 2])).tolist() == [2, 9]
    assert (tg.tensor([2, 4]) ** -1.0).tolist() == [0.5, 0.25]


def test_a_number_that_the_type_cannot_hold() -> None:
    with pytest.raises(DTypeError, match="300"):
        tg.tensor([1, 2], dtype="uint8") + 300


def test_where_of_numbers_has_the_default_dtype() -> None:
    c = tg.tensor([True, False])
    assert tg.where(c, 1.0, 2.0).dtype == np.float32
    assert tg.where(c, 1, 2).dtype == np.int64
    assert tg.where(c, 1, 2.5).dtype == np.float32
    assert tg.where(True, c, False).tolist() == [True, False]


def test_xlogy_makes_an_entropy_that_can_be_differentiated_at_zero() -> None:
    p = tg.tensor([0.0, 0.5, 0.5], requires_grad=True)
    tg.xlogy(p, p).sum().backward()
    assert np.isfinite(p.grad.numpy()).all()


def test_logaddexp_of_two_impossible_events() -> None:
    a = tg.tensor(-math.inf, requires_grad=True)
    b = tg.tensor(-math.inf, requires_grad=True)
    tg.logaddexp(a, b).backward()
    assert (a.grad.item(), b.grad.item()) == (0.5, 0.5)


@pytest.mark.parametrize("name", ["maximum", "minimum", "clip", "where", "relu", "abs"])
def test_infinite_cotangents_do_not_become_nan(name: str) -> None:
    x = tg.tensor([-1.0, 2.0], requires_grad=True)
    f = {
        "maximum": lambda x: tg.maximum(x, 0.0),
        "minimum": lambda x: tg.minimum(x, 0.0),
        "clip": lambda x: tg.clip(x, 0.0, 1.0),
        "where": lambda x: tg.where(x > 0, x, 0.0),
        "relu": tg.relu,
        "abs": tg.abs,
    }[name]
    f(x).backward(tg.tensor([math.inf, math.inf]))
    assert not np.isnan(x.grad.numpy()).any()


@pytest.mark.parametrize("family, name", PUBLIC)
def test_public_functions_are_documented_by_examples_that_run(family: str, name: str) -> None:
    function = getattr(MODULES[family], name)
    assert function is (FUNCTIONS.get(name) or OPS[name].call)
    assert function.__name__ == name
    assert "Raises" in function.__doc__
    test = doctest.DocTestParser().get_doctest(function.__doc__, {}, name, None, 0)
    assert len(test.examples) > 1
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)
