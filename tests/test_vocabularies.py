"""Where NumPy and PyTorch have two words for one thing, and where one word means two: docs/two-vocabularies.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tensorgrad as tg

X = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "amax", "amin", "logsumexp", "argmax", "argmin", "any", "all"])
def test_axis_and_dim_are_one(name: str) -> None:
    x = tg.tensor(X)
    f = getattr(tg, {"amax": "max", "amin": "min"}.get(name, name))
    expected = f(x, axis=1, keepdims=True).numpy()
    method = getattr(x, name)
    for out in (
        method(axis=1, keepdims=True),
        method(dim=1, keepdim=True),
        method(1, True),
        method(1, keepdims=True),
        method(axis=-1, keepdim=True),
    ):
        np.testing.assert_array_equal(out.numpy(), expected)
    assert method().shape == ()
    with pytest.raises(TypeError, match=r"twice|multiple values"):
        method(1, axis=1)
    with pytest.raises(TypeError, match="twice"):
        method(dim=1, axis=1)
    with pytest.raises(tg.AxisError, match=name.removeprefix("a") if name in ("amax", "amin") else name):
        method(5)


AMBIGUOUS = [
    ("transpose", (0, 1), {}, ["permute(0, 1)", "swapaxes(0, 1)"]),
    ("max", (0,), {}, ["amax(0)", "max(axis=0)", "argmax(0)"]),
    ("min", (), {"dim": 1}, ["amin(1)", "min(axis=1)", "argmin(1)"]),
    ("max", (tg.ones(4),), {}, ["tg.maximum(x, y)"]),
    ("std", (), {}, ["correction=0", "correction=1", "tg.std(x)"]),
    ("var", (0,), {}, ["correction=0", "correction=1"]),
    ("sort", (), {}, ["x[...] = tg.sort(x)", "tg.argsort(x)"]),
    ("median", (), {}, ["tg.sort"]),
    ("nonzero", (), {}, ["as_tuple=True", "as_tuple=False"]),
    ("repeat", (2,), {}, ["repeat_interleave(2)", "tile(2)"]),
    ("repeat", (2, 3), {}, ["tile(2, 3)"]),
    ("split", (2,), {}, ["tg.split(x, 2)", "split_sizes"]),
    ("equal", (tg.ones(4),), {}, ["x == y"]),
    ("view", (np.int32,), {}, ["astype"]),
    ("view", (tg.int32,), {}, ["astype"]),
    ("norm", (1,), {}, ["matrix_norm", "vector_norm"]),
    ("cross", (tg.ones(3, 4),), {}, ["axis=-1"]),
]


@pytest.mark.parametrize("name, args, kwargs, said", AMBIGUOUS, ids=[f"{a[0]}-{i}" for i, a in enumerate(AMBIGUOUS)])
def test_what_means_two_things_raises_and_names_both(name: str, args: Any, kwargs: Any, said: list[str]) -> None:
    with pytest.raises(tg.AmbiguousError) as error:
        getattr(tg.tensor(X), name)(*args, **kwargs)
    for spelling in said:
        assert spelling in str(error.value)


def test_dot_of_more_than_two_axes_is_ambiguous() -> None:
    with pytest.raises(tg.AmbiguousError, match="tensordot"):
        tg.zeros(2, 3, 4).dot(tg.zeros(2, 4, 3))


def test_what_means_one_thing_works() -> None:
    x = tg.tensor(X)
    assert x.transpose().shape == x.transpose((1, 0)).shape == x.T.shape == (4, 3)
    assert x.reshape(1, 3, 4).transpose(2, 0, 1).shape == (4, 1, 3)
    assert x.max().item() == 11
    assert x.max(axis=0).tolist() == X.max(0).tolist()
    assert x.max(axis=0, keepdims=True).shape == (1, 4)
    assert x.std(correction=0).item() == pytest.approx(X.std())
    assert x.var(0, unbiased=True).tolist() == pytest.approx(X.var(0, ddof=1).tolist())
    assert x.var(0, ddof=1, keepdim=True).shape == (1, 4)
    assert [i.tolist() for i in x.nonzero(as_tuple=True)] == [i.tolist() for i in X.nonzero()]
    assert x.repeat(2, axis=0).tolist() == X.repeat(2, axis=0).tolist()
    assert x.norm().item() == pytest.approx(float(np.linalg.norm(X)))
    assert x.norm(1, dim=1).tolist() == pytest.approx(np.abs(X).sum(1).tolist())


def test_size_is_a_number() -> None:
    """An int that raised when called would not be exactly an int, and NumPy promotes float32 beside such."""
    x = tg.zeros(2, 3)
    assert type(x.size) is int
    with pytest.raises(TypeError):
        x.size()  # type: ignore[operator]
    assert (np.ones(2, dtype=np.float32) / x.size).dtype == np.float32


CALLS = [
    "x.permute(1, 0)", "x.t()", "x.flatten()", "x.unflatten(1, (2, -1))", "x.view(4, 3)", "x.view(-1)",
    "x.unsqueeze(1)", "x.unsqueeze(-1)", "x.expand(2, -1, 4)", "x.swapaxes(0, 1)", "x.movedim(0, 1)", "x.chunk(2)[0]",
    "x.chunk(3, 1)[-1]", "x.chunk(2, dim=1)[1]", "x.narrow(1, 1, 2)", "x.select(0, 1)", "x.unbind(1)[2]", "x.flip(0)",
    "x.flip(0, 1)", "x.roll(1, 0)", "x.tile(2, 1)", "x.repeat_interleave(2, dim=0)", "x.diagonal()", "x.diagonal(1)",
    "x.tril(-1)", "x.triu(diagonal=1)", "x.masked_fill(x > 3, 0.0)", "x.masked_select(x > 3)", "x.where(x > 3, 0.0)",
    "x.clamp(2, 5)", "x.clamp(min=3)", "x.clamp_max(2)", "x.index_select(1, i)", "x.gather(1, i.reshape(1, 2))",
    "x.scatter(1, i.reshape(1, 2), x)", "x.scatter(0, i.reshape(1, 2), 7.0)", "x.scatter_add(0, i.reshape(2, 1), x)",
    "x.index_add(0, i, x[:2], alpha=2)", "x.index_fill(1, i, 7.0)", "x.index_copy(0, i, x[:2])",
    "x.clone().scatter_(1, i.reshape(1, 2), x)", "x.clone().scatter_add_(1, i.reshape(1, 2), x)",
    "x.clone().index_add_(0, i, x[:2])", "x.clone().index_fill_(0, i, 7.0)", "x.clone().index_copy_(0, i, x[:2])",
    "x.index_put((i, i), x[0, :2])", "x.clone().index_put_((i, i), x[0, :2], accumulate=True)", "x.add(2, alpha=3)",
    "x.sub(x, alpha=2)", "x.mul(2)", "x.div(2)", "x.mm(x.t())", "x.mv(x[0])", "x[0].dot(x[1])", "x.softmax(dim=1)",
    "x.log_softmax(-1)", "x.logsumexp(0)", "x.cumsum(0)", "x.cumprod(dim=1)", "x.prod(1)", "x.count_nonzero(0)",
    "x.argsort(dim=1)", "x.sum((0, 1))", "x.sum(1, True)", "x.mean(0, keepdim=True)", "x.float()", "x.long()",
    "x.bool()", "x.half()", "x.type_as(i)", "x.new_zeros(2, 3)", "x.new_ones((2,))", "x.new_full((2,), 5)", "x.eq(3)",
    "x.ge(x)", "x.neg()", "x.clone().add_(1)", "x.clone().mul_(2)", "x.clone().div_(2)", "x.clone().sub_(1, alpha=3)",
    "x.clone().zero_()", "x.clone().fill_(2)", "x.clone().clamp_(1, 3)", "x.clone().copy_(x[0])",
    "x.clone().masked_fill_(x > 3, 1.0)", "x.clone().exp_()", "x.clone().neg_()", "x.clone().sqrt_()", "x.sigmoid()",
    "x.relu()", "(x + 1).rsqrt()", "x.std(unbiased=True)", "x.norm()", "x.norm(dim=1)", "x.topk(2)[0]",
    "x.topk(2, dim=0, largest=False)[1]", "x.squeeze()", "x.unique()", "x.diff()", "x.diff(2, 0)", "x.diff(dim=0)",
    "x[:, :3].cross(x[:, 1:], dim=1)",
    "x[0].inner(x[1])", "x[0].diag()", "x.diag(1)", "x.kron(x[:1])",
    "x.reshape(1, 3, 4).bmm(x.t().reshape(1, 4, 3))", "x.reshape_as(x.t())", "x.expand_as(x)",
    "x.nonzero(as_tuple=False)", "x.take(i)", "x.take_along_dim(i.reshape(1, 2), dim=1)", "x.amax(0)",
    "x.amin(dim=1, keepdim=True)",
]  # fmt: skip


@pytest.mark.peers("torch")
class TestTorchsMethods:
    """PyTorch's names mean what they mean there."""

    @pytest.mark.parametrize("call", CALLS)
    def test_same_values(self, call: str) -> None:
        import torch

        ours = eval(call, {"x": tg.tensor(X), "i": tg.tensor([2, 0])})
        theirs = eval(call, {"x": torch.tensor(X), "i": torch.tensor([2, 0])})
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)

    @pytest.mark.parametrize(
        "call",
        [
            "x.numel()",
            "x.dim()",
            "x.nelement()",
            "x.ndimension()",
            "x.is_contiguous()",
            "x.t().is_contiguous()",
            "x.element_size()",
            "x.is_floating_point()",
        ],
    )
    def test_same_answers(self, call: str) -> None:
        import torch

        assert eval(call, {"x": tg.tensor(X)}) == eval(call, {"x": torch.tensor(X)})


def test_methods_that_write_share_memory_and_are_recorded() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    view = y[:1]
    y.mul_(3).add_(1).clamp_(max=5.0)
    np.testing.assert_array_equal(view.detach().numpy(), [4.0])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 0.0])
    with pytest.raises(tg.InPlaceError):
        x.zero_()
    with tg.no_grad():
        x.zero_()
    assert x.tolist() == [0.0, 0.0]


def test_random_fills_repeat() -> None:
    a = tg.zeros(5).normal_(generator=tg.Generator(1))
    b = tg.zeros(5).normal_(generator=tg.Generator(1))
    assert a.tolist() == b.tolist()
    assert 0 <= tg.zeros(50).uniform_(0, 2).max().item() < 2


def test_to_understands_every_spelling() -> None:
    x, other = tg.zeros(2), tg.zeros(1, dtype=tg.float64)
    assert x.to("cpu") is x
    assert x.to(tg.float32) is x
    assert x.to(tg.float32, copy=True) is not x
    for out in (
        x.to(tg.float64),
        x.to("float64"),
        x.to(other),
        x.to("cpu", tg.float64),
        x.to(dtype=tg.float64, device="cpu"),
    ):
        assert (out.dtype, out.device) == (tg.float64, "cpu")
    with pytest.raises(tg.DeviceError, match="nowhere"):
        x.to("nowhere")
    y = tg.ones(2).requires_grad_()
    y.to(tg.float64).sum().backward()
    assert y.grad.dtype == tg.float32


def test_view_refuses_to_copy() -> None:
    with pytest.raises(tg.ShapeError, match="reshape"):
        tg.zeros(2, 3).T.view(6)
    x = tg.zeros(2, 3)
    x.view(6)[0] = 1
    assert x[0, 0].item() == 1
