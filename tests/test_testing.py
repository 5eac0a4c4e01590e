"""The tests of the tests: each check must fail on what it is there to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import test_ops_errors
import test_ops_gradients
import test_ops_infer
import test_ops_layouts
import test_ops_namespaces
import test_ops_values
from optable import Bad, Row, Sample

import tensorgrad as tg
from tensorgrad import define
from tensorgrad.core.node import Info
from tensorgrad.errors import DTypeError, ShapeError
from tensorgrad.op import OPS
from tensorgrad.testing import assert_close, check_grads, check_infer, check_memory, check_op, record_calls

X = np.array([[0.3, -0.7, 1.1], [0.4, 0.9, -1.3]])
SQUARE = np.array([[0.5, -1.0], [2.0, 0.25]])


@pytest.fixture(autouse=True)
def only_for_this_test() -> Iterator[None]:
    """Planted ops leave the table with the test that planted them."""
    before = set(OPS)
    yield
    for name in set(OPS) - before:
        del OPS[name]


def planted(**rules: Callable[..., Any]) -> Any:
    """sin with a rule of one's own."""
    return define.elementwise("planted", "Sine.", kind="float", body=lambda m, x: m.xp.sin(x), **rules)


def row(call: Callable[..., Any], *args: Any, **fields: Any) -> Row:
    given = args or (X,)
    return Row("planted", call, lambda rng, dtype: [Sample(given)], **{"dtypes": ("float64",), **fields})


def fails(match: str) -> Any:
    return pytest.raises(AssertionError, match=match)


# Derivatives.


def test_right_derivatives_pass() -> None:
    check_op(planted(x=lambda m, g, x: g * m.cos(x)), (X,))
    check_op(lambda a, b: (a @ b, a.sum()), (SQUARE, SQUARE))
    check_grads(lambda p: p["w"] * p["b"][0], ({"w": X, "b": [X[0]]},), order=3)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda m, g, x: g * m.cos(x) * 1.0001, id="wrong factor"),
        pytest.param(lambda m, g, x: -g * m.cos(x), id="wrong sign"),
        pytest.param(lambda m, g, x: g * m.cos(x) + 1e-4 * g, id="extra term"),
        pytest.param(lambda m, g, x: g * 0, id="zero"),
        pytest.param(lambda m, g, x: m.where(x > 1, g, g * m.cos(x)), id="wrong in one element"),
    ],
)
def test_a_wrong_rule_is_found(rule: Callable[..., Any], mode: str) -> None:
    f = planted(x=rule)
    number = "[-0-9.e]+"
    with fails(rf"of order 1 \({mode}\) with respect to argument 0 .*is {number} along .*, expected {number}"):
        check_grads(f, (X,), modes=(mode,))
    with fails("in row 'planted'|order 1"):
        test_ops_gradients.test_derivatives_are_finite_differences(row(f))


def test_the_element_that_is_farthest_off_is_named() -> None:
    f = planted(x=lambda m, g, x: m.where(x > 1, g, g * m.cos(x)))
    with fails(r"farthest off at \[0, 2\]"):
        check_grads(f, (X,))


def test_a_missing_term_is_found() -> None:
    f = planted_product(a=lambda m, g, a, b: g * b)
    with fails(r"order 1 \(reverse\) with respect to argument 0"):
        check_grads(f, (X, X))


def test_only_the_wrong_argument_is_named() -> None:
    f = planted_product(a=lambda m, g, a, b: g * (b + 2 * a), b=lambda m, g, a: 2 * g * a)
    with fails("with respect to argument 1"):
        check_grads(f, (X, X + 1))
    with fails(r"with respect to argument 0\['b'\]\[1\]"):
        check_grads(lambda p: f(p["a"], p["b"][1]), ({"a": X, "b": [X, X + 1]},))


def planted_product(**rules: Callable[..., Any]) -> Any:
    """a b + a^2."""
    return define.elementwise("planted", "A product.", inputs="a b", body=lambda m, a, b: a * b + a * a, **rules)


def matrix_op(**fields: Any) -> Any:
    defaults: dict[str, Any] = {
        "infer": lambda params, a, b: Info((a.shape[0], b.shape[1]), a.dtype),
        "body": lambda m, a, b: m.xp.matmul(a, b),
        "rules": {
            "a": lambda m, g, b: m.matmul(g, m.swap_last(b)),
            "b": lambda m, g, a: m.matmul(m.swap_last(a), g),
        },
    }
    return define.op("planted", "a b", **{**defaults, **fields})


def test_a_transposed_derivative_is_found() -> None:
    f = matrix_op(rules={"a": lambda m, g, b: m.matmul(g, b), "b": lambda m, g, a: m.matmul(m.swap_last(a), g)})
    with fails("argument 0"):
        check_grads(f, (SQUARE, SQUARE))


def test_a_wrong_jvp_beside_a_right_vjp_is_found() -> None:
    def jvp(m: Any, tangents: Any, a: Any, b: Any) -> Any:
        return m.matmul(tangents[0] if tangents[0] is not None else m.zeros_like(a), b)

    f = matrix_op(jvp=jvp)
    check_grads(f, (SQUARE, SQUARE), modes=("reverse",), order=1)
    with fails(r"order 1 \(forward\) with respect to argument 1 at \[0, 0\]"):
        check_grads(f, (SQUARE, SQUARE))


def test_a_wrong_vjp_beside_a_right_jvp_is_found() -> None:
    def jvp(m: Any, tangents: Any, a: Any, b: Any) -> Any:
        terms = [m.matmul(tangents[0], b)] if tangents[0] is not None else []
        terms += [m.matmul(a, tangents[1])] if tangents[1] is not None else []
        return sum(terms[1:], terms[0])

    f = matrix_op(jvp=jvp, rules={"a": lambda m, g, b: g, "b": lambda m, g, a: m.matmul(m.swap_last(a), g)})
    check_grads(f, (SQUARE, SQUARE), modes=("forward",), order=1)
    with fails(r"order 1 \(reverse\)"):
        check_grads(f, (SQUARE, SQUARE))


def test_a_wrong_linearity_is_found() -> None:
    f = matrix_op(body=lambda m, a, b: m.xp.matmul(a * a, b), multilinear="a b", rules={
        "a": lambda m, g, a, b: 2 * a * m.matmul(g, m.swap_last(b)),
        "b": lambda m, g, a: m.matmul(m.swap_last(a * a), g),
    })  # fmt: skip
    check_grads(f, (SQUARE, SQUARE), modes=("reverse",))
    with fails(r"forward"):
        check_grads(f, (SQUARE, SQUARE))


def test_a_wrong_second_derivative_beside_a_right_first_is_found() -> None:
    define.elementwise(
        "planted_cos", "Cosine.", body=lambda m, x: m.xp.cos(x), x=lambda m, g, x: g * m.sin(x)  # the sign is wrong
    )
    f = planted(x=lambda m, g, x: g * m.planted_cos(x))
    check_grads(f, (X,), order=1)
    for modes, said in [
        (("reverse",), r"order 2 \(reverse over reverse\) with respect to argument 0"),
        (("forward",), r"order 2 \(forward over forward\) with respect to argument 0"),
        (("reverse", "forward"), "order 2"),
    ]:
        with fails(said):
            check_grads(f, (X,), modes=modes)


def test_a_rule_that_is_not_linear_in_its_cotangent_is_found() -> None:
    f = planted(x=lambda m, g, x: g * g * m.cos(x))
    with fails("order 1"):
        check_grads(f, (X,))


def test_an_error_in_one_of_several_results_is_found() -> None:
    def rule(m: Any, g: Any, x: Any) -> Any:
        parts = [g[0] * m.cos(x) if g[0] is not None else 0 * x, g[1] * x if g[1] is not None else 0 * x]
        return parts[0] + parts[1]

    f = define.op(
        "planted", "x", outputs=2, infer=lambda params, x: (x, x), rules={"x": rule},
        body=lambda m, x: (m.xp.sin(x), x * x),
    )  # fmt: skip
    with fails("order 1"):
        check_grads(f, (X,))
    check_grads(lambda x: f(x)[0], (X,))


def test_values_that_change_from_call_to_call_are_reported() -> None:
    rng = np.random.default_rng(0)
    with fails("different values at the same point"):
        check_grads(lambda x: x * rng.normal(), (X,))


def test_a_gradient_of_nan_is_a_failure() -> None:
    f = planted(x=lambda m, g, x: g * m.cos(x) * float("nan"))
    with fails("nan"):
        check_grads(f, (X,))


def test_misuse_of_check_grads_is_told() -> None:
    with pytest.raises(DTypeError, match="at least one floating"):
        check_grads(lambda n: n, (np.arange(3),))
    with pytest.raises(DTypeError, match="no floating tensor"):
        check_grads(lambda x: x > 0, (X,))
    for wrong in ({"order": 0}, {"modes": ()}, {"modes": ("sideways",)}):
        with pytest.raises(ShapeError, match="order >= 1"):
            check_grads(lambda x: x, (X,), **wrong)  # type: ignore[arg-type]


def test_arguments_of_single_precision_are_checked_in_double() -> None:
    check_grads(lambda x: tg.exp(x), (X.astype(np.float32),))
    check_grads(lambda x, n: x * n, (tg.tensor([1.0, 2.0]), 3))


def test_a_gradient_that_pytorch_has_otherwise_is_found() -> None:
    torch = pytest.importorskip("torch")
    f = planted(x=lambda m, g, x: g * m.cos(x) * 1.0001)
    with fails("beside PyTorch"):
        test_ops_gradients.test_values_and_gradients_are_pytorchs(row(f, torch=torch.sin))


# Promises.


@pytest.mark.parametrize(
    "infer",
    [
        pytest.param(lambda params, x: Info((*x.shape, 1), x.dtype), id="shape"),
        pytest.param(lambda params, x: Info(x.shape, np.dtype(np.float32)), id="dtype"),
    ],
)
def test_a_wrong_promise_is_found(infer: Callable[..., Any]) -> None:
    f = define.op(
        "planted", "x", infer=infer, body=lambda m, x: m.xp.sin(x), rules={"x": lambda m, g, x: g * m.cos(x)}
    )
    with fails("infer of planted promises"):
        check_infer(f, (X,))
    with fails("infer of planted"):
        test_ops_infer.test_infer_is_reality(row(f))


def test_a_promise_that_nothing_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    f = matrix_op()
    bad = row(f, bad=[Bad((SQUARE, np.ones((3, 2))), ShapeError, "")])
    with fails("lets pass"):
        test_ops_infer.test_infer_refuses_what_the_op_refuses(bad, monkeypatch)


def test_an_idle_claim_of_coverage_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_ops_infer, "ROWS", [row(tg.sin, ops=("sin", "matmul"))])
    with fails(r"never call: \['matmul'\]"):
        test_ops_infer.test_rows_cover_what_they_say()


def test_calls_are_recorded_in_order() -> None:
    value, calls = record_calls(lambda x: tg.exp(x * 2).sum(), tg.tensor([0.0, 1.0]))
    assert [call.op.name for call in calls] == ["multiply", "exp", "sum"]
    assert calls[0].inputs[1] == 2
    assert calls[-1].results[0] is value


# Memory.


def changes(x: Any) -> Any:
    x[...] = 5.0
    return x


@pytest.mark.parametrize(
    "fields, said",
    [
        pytest.param({"body": lambda m, x: m.xp.sin(changes(x))}, "the function changed", id="forward"),
        pytest.param({"x": lambda m, g, x: g * m.cos(changes(x))}, "reverse mode changed", id="a saved input"),
        pytest.param({"x": lambda m, g, x: changes(g) * m.cos(x)}, "reverse mode changed", id="the cotangent"),
    ],
)
def test_a_rule_that_changes_what_it_is_given_is_found(fields: dict[str, Any], said: str) -> None:
    rules = {"body": lambda m, x: m.xp.sin(x), "x": lambda m, g, x: g * m.cos(x), **fields}
    f = define.elementwise("planted", "Sine.", **rules)
    with fails(said):
        check_memory(f, (X.copy(),))
    with fails("changed"):
        test_ops_layouts.test_nothing_given_is_changed_and_gradients_own_their_memory(row(f, X.copy()))


def test_forward_mode_that_changes_an_argument_is_found() -> None:
    def jvp(m: Any, tangents: Any, x: Any) -> Any:
        x.data[...] = 3.0
        return tangents[0]

    f = define.op(
        "planted", "x", infer=lambda params, x: x, body=lambda m, x: m.xp.sin(x), jvp=jvp,
        rules={"x": lambda m, g, x: g * m.cos(x)},
    )  # fmt: skip
    with fails("forward mode changed"):
        check_memory(f, (X.copy(),))


def test_a_gradient_that_aliases_an_argument_is_found() -> None:
    f = planted(x=lambda m, g, x: x)
    with fails("shares its memory with an argument"):
        check_memory(f, (X.copy(),))
    with fails("shares its memory"):
        test_ops_layouts.test_nothing_given_is_changed_and_gradients_own_their_memory(row(f, X.copy()))


def test_a_gradient_that_aliases_what_the_graph_holds_is_found() -> None:
    f = define.elementwise(
        "planted", "Sine.", body=lambda m, x: m.xp.sin(x), x=lambda m, g, out: out
    )
    with fails("shares its memory with a result"):
        check_memory(f, (X.copy(),))
    with fails("writing to a gradient changed the next"):
        check_memory(lambda x: f(x) * 2, (X.copy(),))


# Namespaces, values, layouts, errors.


@pytest.mark.parametrize(
    "rule, error",
    [
        pytest.param(lambda m, g, x: g * np.cos(x), TypeError, id="NumPy's function"),
        pytest.param(lambda m, g, x: g * m.xp.cos(x), AttributeError, id="the backend's library"),
        pytest.param(lambda m, g, x: g * m.cos(x).copy(), AttributeError, id="a method that is not the standard's"),
    ],
)
def test_a_rule_that_is_not_written_over_m_is_found(rule: Callable[..., Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        test_ops_namespaces.test_rules_give_the_same_on_every_namespace(row(planted(x=rule)))


def test_a_rule_that_differs_between_namespaces_is_found() -> None:
    def rule(m: Any, g: Any, x: Any) -> Any:
        return g * m.cos(x) * (2 if isinstance(g, tg.Tensor) else 1)

    with fails("the rule of planted for input 0 on Tensors"):
        test_ops_namespaces.test_rules_give_the_same_on_every_namespace(row(planted(x=rule)))


def test_a_wrong_value_is_found() -> None:
    f = define.elementwise("planted", "Sine.", body=lambda m, x: m.xp.sin(x) + 1e-9)
    with fails("beside NumPy"):
        test_ops_values.test_values_and_dtypes_are_numpys(row(f, numpy=np.sin), "float64")


def test_a_wrong_dtype_is_found() -> None:
    f = define.elementwise("planted", "Sine.", body=lambda m, x: m.xp.sin(x).astype(np.float64))
    single = row(f, X.astype(np.float32), numpy=np.sin)
    with fails("float64"):
        test_ops_values.test_values_and_dtypes_are_numpys(single, "float32")


def test_a_wrong_special_value_is_found() -> None:
    torch = pytest.importorskip("torch")
    zero_at_zero = {"x": lambda m, g, x, out: m.where(x == 0, 0, g / 2 / out)}
    f = define.elementwise("planted", "The square root.", body=lambda m, x: m.xp.sqrt(x), **zero_at_zero)
    with fails("derivative 0"):
        test_ops_values.test_special_values_and_their_derivatives_are_pytorchs(
            row(f, torch=torch.sqrt), Sample((np.array([0.0, 1.0]),))
        )


def test_dependence_on_the_memory_layout_is_found() -> None:
    def body(m: Any, x: Any) -> Any:
        return np.sin(x.ravel(order="K")).reshape(x.shape)

    f = define.elementwise("planted", "Sine.", body=body, x=lambda m, g, x: g * m.cos(x))
    with fails("fortran"):
        test_ops_layouts.test_memory_layout_does_not_matter(row(f), test_ops_layouts.fortran)


@pytest.mark.parametrize(
    "bad, said",
    [
        (Bad((X, X[:, :2]), ShapeError, "in French"), "expected 'in French'"),
        (Bad((X, X[:, :2]), DTypeError, "broadcast"), "do not broadcast"),
        (Bad((X, X), ShapeError, "broadcast"), "DID NOT RAISE"),
    ],
)
def test_a_wrong_error_is_found(bad: Bad, said: str) -> None:
    with pytest.raises(BaseException, match=said):  # pytest's own Failed is no Exception
        test_ops_errors.test_bad_calls_say_what_was_expected_and_change_nothing(row(tg.multiply), bad, False)


def test_an_error_that_does_not_name_its_op_is_found() -> None:
    def anonymous(x: Any) -> Any:
        raise ShapeError(f"a wrong shape, {x.shape}")

    with fails("does not name the op"):
        test_ops_errors.test_bad_calls_say_what_was_expected_and_change_nothing(
            row(anonymous), Bad((X,), ShapeError, "wrong"), False
        )


# assert_close.


def test_assert_close_takes_what_is_close() -> None:
    assert_close(tg.tensor([1.0, 2.0]), np.array([1.0, 2.0 + 1e-6], np.float32))
    assert_close({"a": [tg.tensor(1)]}, {"a": [1]})
    assert_close(tg.tensor([np.nan, np.inf]), [np.nan, np.inf], equal_nan=True)
    assert_close(tg.zeros(0), tg.zeros(0))
    assert_close(1.0, tg.tensor(1.0))


@pytest.mark.parametrize(
    "actual, expected, options, said",
    [
        (tg.tensor([1.0, 2.0]), [1.0, 2.1], {}, r"1 of 2 elements; the largest difference is 0\.1.* at \[1\]"),
        (tg.tensor([1.0]), tg.tensor([[1.0]]), {}, r"expected shape \[1, 1\], got \[1\]"),
        (tg.tensor([1.0]), np.array([1.0]), {}, "expected dtype float64, got float32"),
        (tg.tensor([1, 2]), tg.tensor([1, 3]), {}, r"at \[1\]: 2, expected 3"),
        (tg.tensor([np.nan]), tg.tensor([np.nan]), {}, "nan"),
        (tg.tensor([0.0]), tg.tensor([np.inf]), {}, "inf"),
        (tg.tensor([np.inf]), tg.tensor([-np.inf]), {}, "inf"),
        ([1.0, 2.0], [1.0], {}, "expected shape|expected the parts"),
        ({"a": 1.0}, {"b": 1.0}, {}, r"expected the parts \['b'\], got \['a'\]"),
        ({"a": [1.0, tg.tensor(2.0)]}, {"a": [1.0, 3.0]}, {}, r"\['a'\]\[1\]: values differ"),
        (tg.tensor([1.0]), [1.0 + 1e-6], {"rtol": 0, "atol": 1e-9}, "atol=1e-09"),
    ],
)
def test_assert_close_tells_what_differs(actual: Any, expected: Any, options: dict[str, Any], said: str) -> None:
    with fails(said):
        assert_close(actual, expected, **options)
