"""Operations of the user's own: run, recorded and differentiated like those of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.testing import check_grads


@tg.custom_op
def cube(x: Any) -> Any:
    """The third power."""
    return x**3


@cube.vjp
def _cube_vjp(m: Any, g: Any, x: Any) -> Any:
    return 3 * g * x * x


@tg.custom_op
def scaled_product(a: Any, b: Any, *, scale: float = 1.0) -> Any:
    return a * b * scale


@scaled_product.vjp("a")
def _of_a(m: Any, g: Any, b: Any, scale: float) -> Any:
    return g * b * scale


@scaled_product.vjp("b")
def _of_b(m: Any, g: Any, a: Any, scale: float) -> Any:
    return g * a * scale


def doubles(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).normal(size=shape)


def test_it_runs_on_arrays_and_returns_tensors() -> None:
    out = cube(np.array([1.0, 2.0]))
    assert isinstance(out, tg.Tensor)
    np.testing.assert_array_equal(out.numpy(), [1.0, 8.0])
    assert cube(2.0).item() == 8.0


def test_every_derivative_of_a_rule_over_m() -> None:
    check_grads(cube, [doubles(3)], order=2)
    assert tg.grad(tg.grad(tg.grad(cube)))(2.0).item() == 6.0
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    cube(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 12.0])


def test_several_operands_broadcasting_and_parameters() -> None:
    check_grads(lambda a, b: scaled_product(a, b, scale=2.5), [doubles(2, 3), doubles(3)], order=2)
    a = tg.tensor(doubles(2, 1), requires_grad=True)
    scaled_product(a, doubles(1, 3), scale=2.0).sum().backward()
    assert a.grad is not None
    assert a.grad.shape == (2, 1)


def test_only_what_a_rule_names_is_kept() -> None:
    a, b = tg.tensor(doubles(3), requires_grad=True), tg.tensor(doubles(3))
    node: Any = scaled_product(a, b).node
    assert [v is b.data for v in node.saved if isinstance(v, np.ndarray)] == [True]


def joint_op() -> tg.CustomOp:
    @tg.custom_op
    def product(a: Any, b: Any) -> Any:
        return a * b

    @product.vjp
    def _(m: Any, g: Any, mask: Any, a: Any, b: Any) -> Any:
        return (g * b if mask[0] else None, g * a if mask[1] else None)

    return product


def test_a_joint_rule() -> None:
    check_grads(joint_op(), [doubles(2, 3), doubles(3)], order=2)
    a = tg.tensor([2.0], requires_grad=True)
    joint_op()(a, 3.0).backward()
    assert a.grad.item() == 3.0


def test_several_results() -> None:
    @tg.custom_op(outputs=2)
    def sum_and_product(a: Any, b: Any) -> Any:
        return a + b, a * b

    @sum_and_product.vjp
    def _(m: Any, g: Any, mask: Any, a: Any, b: Any) -> Any:
        of_sum = m.zeros_from(g[1], shape=g[1].shape) if g[0] is None else g[0]
        of_product = m.zeros_from(of_sum, shape=of_sum.shape) if g[1] is None else g[1]
        return of_sum + of_product * b, of_sum + of_product * a

    check_grads(sum_and_product, [doubles(3), doubles(3)], order=2)
    check_grads(lambda a, b: sum_and_product(a, b)[1], [doubles(3), doubles(3)], order=2)


def test_a_raw_rule_is_first_order_and_reverse_only() -> None:
    @tg.custom_op
    def sort_of(x: Any) -> Any:
        return np.sort(x)

    @sort_of.vjp(raw=True)
    def _(g: Any, x: Any) -> Any:
        out = np.empty_like(g)
        out[np.argsort(x)] = g
        return out

    check_grads(sort_of, [doubles(4)], order=1, modes=("reverse",))
    with pytest.raises(tg.GradientError, match="first order only"):
        tg.grad(lambda x: tg.grad(lambda y: (sort_of(y) ** 2).sum())(x).sum())(tg.tensor([2.0, 1.0]))
    with pytest.raises(tg.GradientError, match="no forward-mode derivative"):
        tg.jvp(sort_of, (tg.tensor([2.0, 1.0]),), (tg.tensor([1.0, 0.0]),))


def test_a_jvp_of_its_own_is_used_and_gets_what_it_names() -> None:
    seen = []

    @tg.custom_op
    def product(a: Any, b: Any) -> Any:
        return a * b

    @product.vjp("a")
    def _(m: Any, g: Any, b: Any) -> Any:
        return g * b

    @product.jvp
    def _tangent(m: Any, tangents: Any, a: Any, b: Any) -> Any:
        seen.append(True)
        ta, tb = tangents
        return (0 if ta is None else ta * b) + (0 if tb is None else tb * a)

    @product.vjp("b")
    def _of_b(m: Any, g: Any, a: Any) -> Any:
        return g * a

    check_grads(product, [doubles(3), doubles(3)], order=2)
    assert seen
    seen.clear()
    b = tg.tensor([5.0])  # not tracked: the vjp of a alone would not keep a
    _, t = tg.jvp(lambda a: product(a, b), (tg.tensor([2.0]),), (tg.tensor([1.0]),))
    assert t.item() == 5.0
    assert seen


def test_elementwise_serves_forward_mode_and_infers_shapes() -> None:
    @tg.custom_op(elementwise=True)
    def twice(x: Any) -> Any:
        return x * 2

    @twice.vjp
    def _(m: Any, g: Any) -> Any:
        return g * 2

    check_grads(twice, [doubles(2, 2)], order=2)
    out = twice(tg.zeros(2, 3, device="shapes"))
    assert (out.shape, out.dtype) == ((2, 3), tg.float32)


def test_infer_runs_on_the_shapes_only_device() -> None:
    @tg.custom_op
    def outer(a: Any, b: Any, *, times: int = 1) -> Any:
        return np.multiply.outer(a, b) * times

    @outer.infer
    def _(a: Any, b: Any, times: int) -> Any:
        return a.shape + b.shape, a.dtype

    a, b = tg.zeros(2, device="shapes"), tg.zeros(3, device="shapes")
    assert outer(a, b, times=2).shape == (2, 3)


def test_names_do_not_clash() -> None:
    """Neither with each other, nor with the table, nor with the array library's functions."""

    def make(factor: float) -> tg.CustomOp:
        @tg.custom_op(name="sin")
        def f(x: Any) -> Any:
            return x * factor

        return f

    one, two = make(2.0), make(3.0)
    assert (one(1.0).item(), two(1.0).item()) == (2.0, 3.0)
    assert tg.sin(tg.tensor(0.0)).item() == 0.0
    assert repr(one) == "<custom.sin(x)>"


def test_without_a_derivative_tracked_operands_are_refused() -> None:
    @tg.custom_op
    def rounded(x: Any) -> Any:
        return np.round(x)

    x = tg.tensor([1.4], requires_grad=True)
    with pytest.raises(tg.GradientError, match=r"no derivative.*rounded\.vjp.*detach.*differentiable=False"):
        rounded(x)
    assert rounded(x.detach()).item() == 1.0
    with tg.no_grad():
        assert rounded(x).item() == 1.0

    step = tg.custom_op(differentiable=False)(lambda x: np.round(x))
    assert not step(x).requires_grad


def test_a_rule_added_after_a_call_counts() -> None:
    @tg.custom_op
    def half(x: Any) -> Any:
        return x / 2

    half(tg.tensor([1.0]))

    @half.vjp
    def _(m: Any, g: Any) -> Any:
        return g / 2

    assert tg.grad(lambda x: half(x).sum())(tg.tensor([1.0])).item() == 0.5


def test_results_own_their_memory() -> None:
    @tg.custom_op(differentiable=False)
    def same(x: Any) -> Any:
        return x[:]

    x = tg.zeros(2)
    y = same(x)
    x[0] = 1.0
    np.testing.assert_array_equal(y.numpy(), [0.0, 0.0])


def test_it_is_part_of_a_tape() -> None:
    x = tg.tensor([1.0], requires_grad=True)
    assert "custom.cube" in str(tg.tape.Tape.of(cube(x)))


def test_it_is_captured_and_replayed() -> None:
    def step(x: tg.Tensor) -> Any:
        x = x.detach().requires_grad_()
        y = scaled_product(x, x + 1, scale=3.0).sum()
        y.backward()
        return y.detach(), x.grad

    _, tape = tg.capture(step, tg.tensor([1.0, 2.0]))
    other = tg.tensor([3.0, 4.0])
    for replayed, eager in zip(tape.replay(other), step(other), strict=True):
        assert replayed.tolist() == eager.tolist()


def bad_rule_shape() -> None:
    @tg.custom_op
    def f(x: Any) -> Any:
        return x * 2

    @f.vjp
    def _(m: Any, g: Any) -> Any:
        return m.concat([g, g], axis=0)

    f(tg.ones(3).requires_grad_()).sum().backward()


def bad_result() -> None:
    tg.custom_op(name="text")(lambda x: "text")(1.0)


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: tg.custom_op(lambda *x: x), TypeError, "expected operands by position"),
        (lambda: tg.custom_op(lambda x=1: x), TypeError, "without defaults"),
        (lambda: tg.custom_op(lambda *, k: k), TypeError, "at least one operand"),
        (lambda: tg.custom_op(outputs=0)(lambda x: x), TypeError, "at least one output"),
        (lambda: cube.vjp(lambda m, g: g), TypeError, "has a derivative for 'x' already"),
        (lambda: cube.vjp("y")(lambda m, g: g), TypeError, "no operand 'y'"),
        (lambda: joint_op().vjp("a")(lambda m, g: g), TypeError, "has a derivative for 'a' already"),
        (lambda: tg.custom_op(lambda x: x).vjp(lambda m, g, nothing: g), TypeError, "names 'nothing'"),
        (lambda: tg.custom_op(lambda x: x).jvp(lambda m, tangents, x_info: x_info), TypeError, "takes operands whole"),
        (lambda: cube(1.0, 2.0), TypeError, r"takes 1 operands \(x\), got 2"),
        (lambda: cube(1.0, power=2), TypeError, "no parameter 'power'"),
        (lambda: scaled_product(1.0, 2.0, scale=[1]), tg.DTypeError, "hashable constant, got list"),
        (lambda: scaled_product(1.0, 2.0, scale=tg.ones(1)), tg.DTypeError, "hashable constant, got Tensor"),
        (lambda: cube("text"), tg.DTypeError, "expected a tensor"),
        (bad_result, tg.DTypeError, r"custom\.text: the function must return an array, got str"),
        (bad_rule_shape, tg.ShapeError, r"vjp of custom\.f for 'x' must return the operand's shape \[3\], got \[6\]"),
    ],
)
def test_mistakes_are_named(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()
