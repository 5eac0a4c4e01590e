"""Tensors as values: conversions and what they refuse, copies, printing, hashing, and NumPy on the other side."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.errors import DTypeError, GradientError, ShapeError

TRACKED = [1.0, 2.0, 3.0]


def tracked() -> tg.Tensor:
    return tg.Tensor(np.array(TRACKED), requires_grad=True)


# Scalars and lists.


@pytest.mark.parametrize("convert", [float, int, complex, bool, operator.methodcaller("item")], ids=str)
def test_one_element_converts_and_several_do_not(convert: Callable[[Any], Any]) -> None:
    for shape in ((), (1,), (1, 1)):
        assert convert(tg.full(shape, 2.0)) == (1 if convert is bool else 2)
    for wrong in (tg.ones(2), tg.ones(0)):
        said = r"only a tensor of one element(.|\n)*shape \[[02]\](.|\n)*test_tensor_basics"
        with pytest.raises(ShapeError, match=said):
            convert(wrong)
    assert convert(tg.tensor(2.0, requires_grad=True)) is not None


def test_python_types_of_elements() -> None:
    assert type(tg.tensor(1).item()) is int
    assert type(tg.tensor(True).item()) is bool
    assert type(tg.tensor(1.0).item()) is float
    assert tg.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert tg.tensor(5).tolist() == 5
    assert tracked().tolist() == TRACKED


def test_integers_index() -> None:
    assert [10, 20, 30][tg.tensor(1)] == 20
    assert list(range(tg.tensor(3))) == [0, 1, 2]
    with pytest.raises(DTypeError, match="0-d integer"):
        _ = [1, 2][tg.tensor(1.0)]
    with pytest.raises(DTypeError, match="0-d integer"):
        _ = [1, 2][tg.tensor([1])]


def test_length_and_iteration() -> None:
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert len(x) == 3
    assert [row.tolist() for row in x] == x.tolist()
    for use in (len, iter):
        with pytest.raises(DTypeError, match="0-d tensor"):
            use(tg.tensor(1.0))
    y = tracked()
    sum(part * part for part in y).backward()  # type: ignore[union-attr]
    assert y.grad.tolist() == [2.0, 4.0, 6.0]  # type: ignore[union-attr]


def test_formatting() -> None:
    assert f"{tg.tensor(3.14159):.2f}" == "3.14"
    assert f"{tg.tensor([1.0])}" == "tensor([1.])"


# NumPy.


def test_a_tracked_tensor_does_not_turn_into_an_array() -> None:
    for x in (tracked(), tracked() * 2):
        for convert in (np.asarray, np.array, lambda x: x.numpy(), lambda x: np.asarray([*x]), np.from_dlpack):
            with pytest.raises(GradientError, match=r"\.detach\(\)"):
                convert(x)
        np.testing.assert_array_equal(np.asarray(x.detach()), x.detach().numpy())


def test_an_untracked_tensor_is_an_array_without_a_copy() -> None:
    data = np.arange(3.0)
    x = tg.Tensor(data)
    assert np.asarray(x) is data or np.shares_memory(np.asarray(x), data)
    assert np.array(x, dtype=np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(x), data)


@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "truediv", "pow", "matmul", "floordiv", "mod", "eq", "lt", "ge"]
)
@pytest.mark.parametrize("left", [np.array([1.0, 2.0, 3.0]), np.float64(2.0)], ids=["array", "NumPy scalar"])
def test_an_array_on_the_left_gives_a_tensor(name: str, left: Any) -> None:
    x = tracked()
    if name == "matmul" and np.ndim(left) == 0:
        left = np.array([2.0, 2.0, 2.0])
    op = getattr(operator, name)
    out = op(left, x)
    assert isinstance(out, tg.Tensor)
    np.testing.assert_allclose(out.detach().numpy(), op(left, np.array(TRACKED)))
    if name in ("add", "sub", "mul", "truediv", "pow", "matmul"):
        assert out.requires_grad, "the gradient is not lost"
        out.sum().backward()
        assert x.grad is not None


def test_numpy_ufuncs_refuse_tensors() -> None:
    for x in (tracked(), tg.ones(3)):
        for ufunc in (np.sin, np.exp, np.negative):
            with pytest.raises(TypeError):
                ufunc(x)
        for binary in (np.add, np.multiply, np.matmul):
            with pytest.raises(TypeError):
                binary(np.ones(3), x)


def test_an_array_is_not_changed_by_a_tensor_on_its_right() -> None:
    a = np.ones(3)
    with pytest.raises(TypeError):
        a *= tracked()  # type: ignore[arg-type]
    with pytest.raises(GradientError, match=r"\.detach\(\)"):
        a[...] = tracked()  # type: ignore[call-overload]
    assert a.tolist() == [1.0, 1.0, 1.0]


def test_other_types_beside_a_tensor() -> None:
    with pytest.raises((TypeError, DTypeError)):
        _ = tg.ones(2) + "text"  # type: ignore[operator]
    with pytest.raises((TypeError, DTypeError)):
        _ = tg.ones(2) * None  # type: ignore[operator]
    assert (tg.ones(2) + [1.0, 2.0]).tolist() == [2.0, 3.0]


# Copies.


def test_deepcopy_copies_values_and_gradient() -> None:
    x = tracked()
    (x * x).sum().backward()
    y = copy.deepcopy(x)
    assert y.tolist() == x.tolist()
    assert y.requires_grad
    assert y.grad.tolist() == x.grad.tolist()  # type: ignore[union-attr]
    assert not np.shares_memory(x.data, y.data)
    assert not np.shares_memory(x.grad.data, y.grad.data)  # type: ignore[union-attr]
    twice = copy.deepcopy([x, x])
    assert twice[0] is twice[1]
    with pytest.raises(GradientError, match=r"only leaves(.|\n)*detach"):
        copy.deepcopy(x * 2)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    for x in (tracked(), tg.ones(2, 3), tg.tensor([True, False]), tg.tensor(3), tg.zeros(0)):
        y = pickle.loads(pickle.dumps(x, protocol))
        assert (y.tolist(), y.dtype, y.shape, y.requires_grad) == (x.tolist(), x.dtype, x.shape, x.requires_grad)
    with pytest.raises(GradientError, match=r"only leaves can be pickled(.|\n)*detach"):
        pickle.dumps(tracked() * 2, protocol)


# Identity and text.


def test_hashing_is_by_identity() -> None:
    x, y = tg.ones(2), tg.ones(2)
    assert {x: "x", y: "y"}[y] == "y"
    assert len({x, y, x}) == 2
    assert hash(x) == hash(x)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: tg.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (lambda: tg.tensor(1), "tensor(1)"),
        (lambda: tg.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: tg.tensor([True]), "tensor([ True])"),
        (lambda: tg.tensor([1.0], dtype="float64"), "tensor([1.], dtype=float64)"),
        (lambda: tg.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: tg.tensor([1.0], requires_grad=True) * 2, "tensor([2.], op=multiply)"),
        (lambda: tg.zeros(0, 3), "tensor([], shape=(0, 3))"),
    ],
)
def test_repr(make: Callable[[], tg.Tensor], text: str) -> None:
    assert repr(make()) == text


def test_repr_of_a_large_tensor_is_short() -> None:
    assert len(repr(tg.zeros(1000, 1000))) < 1000


def test_wrapping_takes_no_copy_and_keeps_the_dtype() -> None:
    data = np.arange(3, dtype=np.float64)
    for x in (tg.Tensor(data), tg.tensor(data), tg.asarray(data)):
        assert x.dtype == np.float64
        assert np.shares_memory(x.data, data)
    assert tg.tensor([1.0, 2.0]).dtype == np.float32
