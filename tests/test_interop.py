"""Beside NumPy and PyTorch: who computes, who owns the memory, and that no gradient is lost silently."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.floordiv, operator.mod]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("op", OPERATORS + COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "other", [np.array([2.0, 3.0]), np.float64(2.0), np.array(2.0), 2.0], ids=["1d", "scalar", "0d", "float"]
)
def test_operators_beside_numpy_give_tensors_on_either_side(op: Any, other: Any) -> None:
    values = np.array([4.0, 9.0])
    t = tg.tensor(values, requires_grad=True)
    for out, expected in ((op(t, other), op(values, other)), (op(other, t), op(other, values))):
        assert isinstance(out, tg.Tensor)
        np.testing.assert_allclose(out.detach().numpy(), expected)
        if op in OPERATORS and op is not operator.floordiv:
            assert out.requires_grad


def test_matmul_beside_numpy() -> None:
    a, t = np.eye(2), tg.tensor(np.arange(4.0).reshape(2, 2), requires_grad=True)
    assert isinstance(a @ t, tg.Tensor)
    assert isinstance(t @ a, tg.Tensor)
    (a @ t).sum().backward()
    assert t.grad is not None


def test_an_array_is_not_changed_into_objects_by_in_place_operators() -> None:
    a = np.ones(2)
    with pytest.raises(TypeError):
        a += tg.ones(2).requires_grad_()


@pytest.mark.parametrize(
    "function", [np.sin, np.exp, np.add.reduce, np.negative], ids=lambda f: getattr(f, "__name__", str(f))
)
def test_numpy_ufuncs_refuse_tensors(function: Any) -> None:
    with pytest.raises(TypeError):
        function(tg.tensor([1.0, 2.0]))


def test_asarray_of_a_tracked_tensor_raises_and_names_detach() -> None:
    t = tg.tensor([1.0, 2.0], requires_grad=True)
    for convert in (np.asarray, np.array, lambda x: x.numpy(), lambda x: np.concatenate([x, x]), np.from_dlpack):
        with pytest.raises(tg.GradientError, match=r"\.detach\(\)"):
            convert(t)
    np.testing.assert_array_equal(np.asarray(t.detach()), [1.0, 2.0])


def test_array_protocol_shares_casts_and_copies() -> None:
    values = np.array([1.0, 2.0])
    t = tg.tensor(values)
    assert t.data is values  # wrapped, not copied
    assert np.shares_memory(np.asarray(t), values)
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(t, copy=True), values)
    with pytest.raises(ValueError, match="copy"):
        np.array(t, dtype=np.float32, copy=False)
    assert np.asarray(tg.zeros(2, 3)).shape == (2, 3)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_dlpack_with_numpy(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.ones(shape, dtype=dtype)
    t = tg.from_dlpack(values)
    assert (t.dtype, t.shape) == (values.dtype, shape)
    back = np.from_dlpack(t.detach())
    assert back.dtype == values.dtype
    if values.size:
        assert np.shares_memory(back, values)


def test_array_like_in_lists_and_constructors() -> None:
    t = tg.tensor([1.0, 2.0])
    assert tg.tensor([t[0], t[1]]).tolist() == [1.0, 2.0]
    assert tg.asarray(t) is t
    assert tg.asarray(np.float64(3.0)).dtype == tg.float64  # NumPy's scalars are strong
    assert (t * np.float64(2.0)).dtype == tg.float64
    assert (t * 2.0).dtype == tg.float32


def test_numpy_scalars_and_indices() -> None:
    t = tg.tensor([1.0, 2.0, 3.0])
    assert t[np.int64(1)].item() == 2.0
    assert t[np.array([0, 2])].tolist() == [1.0, 3.0]
    assert t[np.array([True, False, True])].tolist() == [1.0, 3.0]
    assert [10, 20, 30][tg.tensor(1)] == 20
    assert np.arange(3)[tg.tensor([0, 2]).numpy()].tolist() == [0, 2]
    assert float(t.sum()) == 6.0
    assert int(tg.tensor(3)) == 3


def test_copies_by_value() -> None:
    t = tg.tensor([1.0, 2.0], requires_grad=True)
    (t * t).sum().backward()
    for clone in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        assert clone.requires_grad
        assert not np.shares_memory(clone.data, t.data)
        assert clone.tolist() == t.tolist()


@pytest.mark.peers("torch")
class TestTorch:
    @pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
    def test_dlpack_both_ways_shares_memory(self, dtype: str) -> None:
        import torch

        ours = tg.tensor(np.array([[1, 0, 1], [0, 1, 1]], dtype=dtype))
        theirs = torch.from_dlpack(ours)
        assert str(theirs.dtype).removeprefix("torch.") == dtype
        theirs[0, 0] = 0
        assert ours.data[0, 0] == 0
        back = tg.from_dlpack(theirs)
        back[0, 1] = 1
        assert theirs[0, 1] == 1
        assert back.dtype == ours.dtype

    def test_strided_views_cross_over(self) -> None:
        import torch

        ours = tg.tensor(np.arange(6.0).reshape(2, 3))
        theirs = torch.from_dlpack(ours.T)
        assert theirs.stride() == (1, 3)
        np.testing.assert_array_equal(tg.from_dlpack(theirs).numpy(), ours.T.numpy())

    def test_a_tracked_tensor_is_not_exported(self) -> None:
        import torch

        with pytest.raises(tg.GradientError, match=r"\.detach\(\)"):
            torch.from_dlpack(tg.ones(2).requires_grad_())
        with pytest.raises((RuntimeError, BufferError), match=r"(?i)grad"):
            tg.from_dlpack(torch.ones(2, requires_grad=True))

    def test_mixing_is_an_error_not_a_silent_copy(self) -> None:
        import torch

        with pytest.raises(TypeError, match="torch"):
            tg.ones(2) * torch.ones(2)

    def test_scalars_of_torch_as_numbers(self) -> None:
        import torch

        assert (tg.ones(2) * torch.tensor(3.0).item()).tolist() == [3.0, 3.0]
