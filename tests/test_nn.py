"""Modules beside PyTorch's: outputs, gradients, state, text, hooks, errors; initial values."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad import nn
from tensorgrad.errors import ArgumentError, DTypeError, IndexingError, ShapeError, StateDictError, TensorgradError
from tensorgrad.nn import functional as F
from tensorgrad.nn import init


@pytest.fixture(autouse=True)
def seeded() -> None:
    tg.manual_seed(0)


def mlp(kind: Any = nn) -> Any:
    return kind.Sequential(kind.Linear(4, 5), kind.Tanh(), kind.Linear(5, 3))


def torch_twin(module: Any, twin: Any) -> Any:
    """PyTorch's module with the same state."""
    import torch

    twin.load_state_dict({k: torch.from_numpy(np.array(v.numpy())) for k, v in module.state_dict().items()})
    return twin


LAYERS: list[tuple[str, Callable[[Any], Any], tuple[int, ...]]] = [
    ("Linear", lambda m: m.Linear(4, 3), (2, 4)),
    ("Linear, no bias, three axes", lambda m: m.Linear(4, 3, bias=False), (2, 3, 4)),
    ("Identity", lambda m: m.Identity(), (2, 3)),
    ("Flatten", lambda m: m.Flatten(), (2, 3, 4)),
    ("Flatten(0, 1)", lambda m: m.Flatten(0, 1), (2, 3, 4)),
    ("Unflatten", lambda m: m.Unflatten(1, (2, 2)), (3, 4)),
    ("Sigmoid", lambda m: m.Sigmoid(), (2, 3)),
    ("Tanh", lambda m: m.Tanh(), (2, 3)),
    ("ReLU", lambda m: m.ReLU(), (2, 3)),
    ("LeakyReLU", lambda m: m.LeakyReLU(0.2), (2, 3)),
    ("ELU", lambda m: m.ELU(0.5), (2, 3)),
    ("GELU", lambda m: m.GELU(), (2, 3)),
    ("GELU, tanh", lambda m: m.GELU(approximate="tanh"), (2, 3)),
    ("SiLU", lambda m: m.SiLU(), (2, 3)),
    ("Mish", lambda m: m.Mish(), (2, 3)),
    ("Softplus", lambda m: m.Softplus(2.0), (2, 3)),
    ("Softmax", lambda m: m.Softmax(dim=1), (2, 3)),
    ("LogSoftmax", lambda m: m.LogSoftmax(dim=0), (2, 3)),
    ("LayerNorm", lambda m: m.LayerNorm(4), (3, 4)),
    ("LayerNorm, two axes", lambda m: m.LayerNorm((2, 3), bias=False), (4, 2, 3)),
    ("RMSNorm", lambda m: m.RMSNorm(4), (3, 4)),
    ("BatchNorm1d", lambda m: m.BatchNorm1d(3), (4, 3)),
    ("BatchNorm1d, three axes", lambda m: m.BatchNorm1d(3, momentum=None), (2, 3, 4)),
    ("BatchNorm1d, no statistics", lambda m: m.BatchNorm1d(3, affine=False, track_running_stats=False), (4, 3)),
    ("BatchNorm2d", lambda m: m.BatchNorm2d(3), (2, 3, 2, 2)),
    ("Sequential", mlp, (2, 4)),
]


@pytest.mark.peers("torch")
@pytest.mark.parametrize(("make", "shape"), [row[1:] for row in LAYERS], ids=[row[0] for row in LAYERS])
def test_layers_are_pytorchs(make: Callable[[Any], Any], shape: tuple[int, ...], rng: np.random.Generator) -> None:
    import torch

    ours = make(nn).double()
    theirs = torch_twin(ours, make(torch.nn).double())
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        values = rng.standard_normal(shape)
        x, z = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
        y, w = ours(x), theirs(z)
        np.testing.assert_allclose(y.detach().numpy(), w.detach().numpy(), rtol=1e-10, atol=1e-12)
        seed = rng.standard_normal(y.shape)
        y.backward(tg.tensor(seed))
        w.backward(torch.tensor(seed))
        np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), rtol=1e-9, atol=1e-11)
        for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert name == other
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-11)
        for (name, b), (other, c) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
            assert name == other
            np.testing.assert_allclose(b.numpy(), c.numpy(), rtol=1e-10)


@pytest.mark.peers("torch")
def test_embedding_is_pytorchs_and_leaves_padding_alone(rng: np.random.Generator) -> None:
    import torch

    ours = nn.Embedding(6, 3, padding_idx=-1)
    theirs = torch_twin(ours, torch.nn.Embedding(6, 3, padding_idx=-1))
    index = rng.integers(0, 6, (4, 10))
    y, w = ours(tg.tensor(index)), theirs(torch.tensor(index))
    assert np.array_equal(y.detach().numpy(), w.detach().numpy())
    (y * y).sum().backward()
    (w * w).sum().backward()
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-5)
    assert not ours.weight[5].detach().numpy().any()
    assert not ours.weight.grad[5].numpy().any()
    assert repr(ours) == repr(theirs)


LOSSES: list[tuple[str, dict[str, Any], str]] = [
    ("CrossEntropyLoss", {}, "labels"),
    ("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 1}, "labels"),
    ("CrossEntropyLoss", {"weight": [0.5, 1.0, 2.0]}, "labels"),
    ("CrossEntropyLoss", {"label_smoothing": 0.1}, "probabilities"),
    ("NLLLoss", {"weight": [0.5, 1.0, 2.0]}, "labels"),
    ("MSELoss", {}, "numbers"),
    ("L1Loss", {}, "numbers"),
    ("SmoothL1Loss", {"beta": 0.5}, "numbers"),
    ("SmoothL1Loss", {"beta": 0.0}, "numbers"),
    ("HuberLoss", {"delta": 0.5}, "numbers"),
    ("BCELoss", {}, "probabilities"),
    ("BCELoss", {"weight": [0.5, 1.0, 2.0]}, "probabilities"),
    ("BCEWithLogitsLoss", {}, "probabilities"),
    ("BCEWithLogitsLoss", {"pos_weight": [0.5, 1.0, 2.0], "weight": [3.0, 1.0, 2.0]}, "probabilities"),
    ("KLDivLoss", {}, "probabilities"),
    ("KLDivLoss", {"log_target": True}, "numbers"),
]


@pytest.mark.peers("torch")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize(("name", "options", "kind"), LOSSES, ids=lambda x: str(x))
def test_losses_are_pytorchs(
    name: str, options: dict[str, Any], kind: str, reduction: str, rng: np.random.Generator
) -> None:
    import torch

    if reduction == "batchmean" and name != "KLDivLoss":
        with pytest.raises(TensorgradError, match="reduction must be"):
            getattr(nn, name)(reduction=reduction)
        return
    values = rng.uniform(0.1, 0.9, (4, 3)) if name == "BCELoss" else rng.standard_normal((4, 3))
    targets = {
        "labels": rng.integers(0, 3, 4),
        "probabilities": rng.uniform(0, 1, (4, 3)),
        "numbers": rng.standard_normal((4, 3)),
    }[kind]

    def build(module: Any, array: Callable[..., Any]) -> Any:
        given = {k: array(np.array(v)) if isinstance(v, list) else v for k, v in options.items()}
        return getattr(module, name)(reduction=reduction, **given)

    x, z = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    y = build(nn, tg.tensor)(x, tg.tensor(targets))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="reduction: 'mean' divides")  # kl_div's, to be changed one day
        w = build(torch.nn, torch.tensor)(z, torch.tensor(targets))
    np.testing.assert_allclose(y.detach().numpy(), w.detach().numpy(), rtol=1e-10, atol=1e-12)
    y.sum().backward()
    w.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", ["cosine_similarity", "normalize"])
def test_directions_are_pytorchs(name: str, rng: np.random.Generator) -> None:
    import torch

    values = [rng.standard_normal((3, 4)) for _ in range(2 if name == "cosine_similarity" else 1)]
    ours = [tg.tensor(v, requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    y, w = getattr(F, name)(*ours, dim=1), getattr(torch.nn.functional, name)(*theirs, dim=1)
    np.testing.assert_allclose(y.detach().numpy(), w.detach().numpy(), rtol=1e-10)
    (y**2).sum().backward()
    (w**2).sum().backward()
    for x, z in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), rtol=1e-8, atol=1e-12)


def test_cross_entropy_over_many_rows_works_in_blocks(rng: np.random.Generator) -> None:
    scores, labels = rng.standard_normal((3000, 50)), rng.integers(0, 50, 3000)
    x = tg.tensor(scores, requires_grad=True)
    loss = F.cross_entropy(x, tg.tensor(labels))
    shifted = scores - scores.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    rows = np.arange(3000)
    np.testing.assert_allclose(loss.item(), -log_p[rows, labels].mean(), rtol=1e-12)
    loss.backward()
    expected = np.exp(log_p)
    expected[rows, labels] -= 1
    np.testing.assert_allclose(x.grad.numpy(), expected / 3000, rtol=1e-10, atol=1e-15)


def test_bad_labels_change_nothing() -> None:
    model = mlp()
    x = tg.ones(2, 4)
    F.cross_entropy(model(x), tg.tensor([0, 1])).backward()
    before = [p.grad.numpy().copy() for p in model.parameters()]
    with pytest.raises(tg.errors.LabelError, match="label 3 at position 1 is not one of 3 classes"):
        F.cross_entropy(model(x), tg.tensor([0, 3])).backward()
    assert all(np.array_equal(p.grad.numpy(), b) for p, b in zip(model.parameters(), before, strict=True))
    with pytest.raises(IndexingError, match="label 3 at 0 is not one of 3 classes"):
        F.one_hot(tg.tensor([3]), 3)
    assert F.one_hot(tg.tensor([1, 2])).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_losses_refuse_shapes_that_only_broadcast() -> None:
    with pytest.raises(ShapeError, match="expected equal shapes"):
        F.mse_loss(tg.zeros(3, 1), tg.zeros(3))
    with pytest.raises(ShapeError, match="do not broadcast"):
        F.l1_loss(tg.zeros(3), tg.zeros(2))
    with pytest.raises(ArgumentError, match="probabilities from 0 to 1"):
        F.binary_cross_entropy(tg.tensor([1.5]), tg.tensor([1.0]))
    with pytest.raises(tg.errors.GradientError, match="class weights have no derivative"):
        F.cross_entropy(tg.zeros(1, 2), tg.tensor([0]), tg.ones(2, requires_grad=True))


# Modules.


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.shared = self.first
        self.scale = nn.Parameter(tg.ones(3))
        self.register_buffer("mean", tg.zeros(3))
        self.register_buffer("scratch", tg.zeros(1), persistent=False)
        self.register_parameter("absent", None)
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.BatchNorm1d(3)])
        self.heads = nn.ModuleDict({"a": nn.Linear(3, 1), "b": nn.Identity()})

    def forward(self, x: Any) -> Any:
        x = self.first(x) * self.scale - self.mean
        for layer in self.layers:
            x = layer(x)
        return self.heads["a"](x)


def test_parts_are_found_once_under_their_names() -> None:
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    assert names == [
        "scale", "first.weight", "first.bias", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
        "heads.a.weight", "heads.a.bias",
    ]  # fmt: skip
    assert [name for name, _ in net.named_buffers()][:2] == ["mean", "scratch"]
    assert [name for name, _ in net.named_children()] == ["first", "layers", "heads"]
    assert "shared.weight" in net.state_dict()
    assert "scratch" not in net.state_dict()
    assert net.get_submodule("layers.1") is net.layers[1]
    assert net.get_parameter("heads.a.bias") is net.heads["a"].bias
    assert net(tg.ones(4, 2)).shape == (4, 1)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'nothing'"):
        net.nothing  # noqa: B018


def blocks(kind: Any) -> Any:
    return kind.ModuleList([mlp(kind), kind.Linear(2, 2), kind.Linear(2, 2), kind.ModuleList()])


@pytest.mark.peers("torch")
def test_names_and_text_are_pytorchs() -> None:
    import torch

    class Twin(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(2, 3)
            self.shared = self.first
            self.scale = torch.nn.Parameter(torch.ones(3))
            self.register_buffer("mean", torch.zeros(3))
            self.register_buffer("scratch", torch.zeros(1), persistent=False)
            self.register_parameter("absent", None)
            self.layers = torch.nn.ModuleList([torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3)])
            self.heads = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 1), "b": torch.nn.Identity()})

    net, twin = Net(), Twin()
    assert list(net.state_dict()) == list(twin.state_dict())
    assert [n for n, _ in net.named_parameters()] == [n for n, _ in twin.named_parameters()]
    assert [n for n, _ in net.named_buffers()] == [n for n, _ in twin.named_buffers()]
    assert [n for n, _ in net.named_modules()] == [n for n, _ in twin.named_modules()]
    assert repr(net) == repr(twin).replace("Twin(", "Net(")
    assert repr(mlp()) == repr(mlp(torch.nn))
    assert repr(blocks(nn)) == repr(blocks(torch.nn))
    for _, make, _ in LAYERS:
        ours, theirs = repr(make(nn)), repr(make(torch.nn))
        if not ours.startswith("Unflatten"):
            assert ours == theirs


@pytest.mark.peers("torch")
def test_state_goes_to_pytorch_and_back() -> None:
    import torch

    net, twin = mlp(), mlp(torch.nn)
    answer = net.load_state_dict(twin.state_dict())
    assert answer == ([], [])
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(net(tg.tensor(x)).detach().numpy(), twin(torch.tensor(x)).detach().numpy(), rtol=1e-5)
    other = mlp()
    back = torch_twin(other, twin)
    np.testing.assert_allclose(other(tg.tensor(x)).detach().numpy(), back(torch.tensor(x)).detach().numpy(), rtol=1e-5)


def test_state_goes_through_safetensors(tmp_path: Any) -> None:
    pytest.importorskip("safetensors")
    from safetensors.numpy import load_file, save_file

    net, other = Net(), Net()
    save_file({k: np.array(v.numpy()) for k, v in net.state_dict().items()}, tmp_path / "net.safetensors")
    other.load_state_dict(load_file(tmp_path / "net.safetensors"))
    for (name, a), (_, b) in zip(net.state_dict().items(), other.state_dict().items(), strict=True):
        assert np.array_equal(a.numpy(), b.numpy()), name


def test_state_that_does_not_fit_is_named_and_changes_nothing() -> None:
    net = mlp()
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    wrong: dict[str, Any] = {k: np.ones_like(v) for k, v in before.items()}
    del wrong["0.bias"]
    wrong["2.weight"] = np.ones((3, 4), np.float32)
    wrong["more"] = np.ones(1)
    with pytest.raises(StateDictError) as caught:
        net.load_state_dict(wrong)
    message = str(caught.value)
    assert "0.bias: missing" in message
    assert "more: unexpected" in message
    assert "2.weight: expected shape [3, 5], got [3, 4]" in message
    assert all(np.array_equal(v.numpy(), before[k]) for k, v in net.state_dict().items())
    with pytest.raises(StateDictError, match=r"2\.weight"):
        net.load_state_dict(wrong, strict=False)
    assert all(np.array_equal(v.numpy(), before[k]) for k, v in net.state_dict().items())
    del wrong["2.weight"]
    assert net.load_state_dict(wrong, strict=False) == (["0.bias", "2.weight"], ["more"])
    assert (net[0].weight == 1).all()


def test_loading_keeps_the_parameters_and_is_noticed() -> None:
    net = nn.Linear(2, 2)
    weight = net.weight
    loss = (net(tg.ones(1, 2)) ** 2).sum()
    y = (net.weight * net.weight).sum()
    net.load_state_dict({"weight": np.eye(2), "bias": np.zeros(2)})
    assert net.weight is weight
    assert net.weight.dtype == np.float32
    with pytest.raises(tg.errors.InPlaceError):
        y.backward()
    del loss
    net.load_state_dict({"weight": np.eye(2), "bias": np.zeros(2)}, assign=True)
    assert net.weight is weight
    net(tg.ones(1, 2)).sum().backward()
    assert net.weight.grad is not None


def test_assignments_that_lose_a_parameter_are_refused() -> None:
    net = Net()
    with pytest.raises(DTypeError, match=r"Net\.scale is a Parameter: expected a Parameter or None, got Tensor"):
        net.scale = tg.ones(3)
    with pytest.raises(DTypeError, match=r"Net\.mean is a buffer"):
        net.mean = 3
    net.mean = tg.ones(3)
    assert "mean" in net.state_dict()
    net.scale = None
    assert "scale" not in net.state_dict()
    del net.mean
    assert "mean" not in net.state_dict()
    with pytest.raises(KeyError, match="without dots"):
        net.register_buffer("a.b", tg.ones(1))
    with pytest.raises(KeyError, match="has an attribute 'forward' already"):
        net.register_parameter("forward", nn.Parameter(tg.ones(1)))
    with pytest.raises(DTypeError, match="expected a Parameter or None, got Tensor"):
        net.register_parameter("more", tg.ones(1))

    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\) in Forgetful"):
        Forgetful()
    with pytest.raises(NotImplementedError, match="Module must define forward"):
        nn.Module()(1)


def test_modes_gradients_and_apply_reach_everything() -> None:
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())
    net(tg.ones(4, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(p.grad is not None and not p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(tg.ones(4, 2)).requires_grad
    seen: list[str] = []
    net.apply(lambda module: seen.append(type(module).__name__))
    assert seen[-1] == "Net"
    assert len(seen) == 8
    with pytest.raises(DTypeError, match="train: expected True or False"):
        net.train(1)  # type: ignore[arg-type]


def test_casting_keeps_the_parameters_and_their_gradients() -> None:
    net = Net()
    parameters = list(net.parameters())
    net(tg.ones(4, 2)).sum().backward()
    net.double()
    assert all(a is b for a, b in zip(parameters, net.parameters(), strict=True))
    assert all(p.dtype == np.float64 and p.grad.dtype == np.float64 for p in net.parameters())
    assert net.mean.dtype == np.float64
    assert net.layers[1].num_batches_tracked.dtype == np.int64
    assert net(tg.ones(4, 2, dtype=tg.float64)).dtype == np.float64
    net(tg.ones(4, 2, dtype=tg.float64)).sum().backward()
    net.to("cpu", tg.float32)
    assert net.mean.dtype == np.float32
    with pytest.raises(DTypeError, match="expected a floating dtype, got int64"):
        net.to(tg.int64)
    with pytest.raises(TensorgradError):
        net.to("nowhere")
    assert net.scale.dtype == np.float32


def test_hooks_see_and_replace() -> None:
    net = nn.Linear(2, 2)
    seen: list[Any] = []
    remove_pre = net.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    remove = net.register_forward_hook(lambda module, args, out: seen.append((module, args[0].tolist())))
    replace = net.register_forward_hook(lambda module, args, kwargs, out: out * 0, with_kwargs=True)
    assert net(tg.ones(1, 2)).tolist() == [[0.0, 0.0]]
    assert seen == [(net, [[2.0, 2.0]])]
    for undo in (remove_pre, remove, replace):
        undo()
    assert np.any(net(tg.ones(1, 2)).detach().numpy())
    assert len(seen) == 1


def test_copies_and_pickles_are_independent() -> None:
    net = Net()
    net(tg.ones(4, 2)).sum().backward()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.first is twin.shared
        assert isinstance(twin.scale, nn.Parameter)
        assert twin.scale.requires_grad
        assert [n for n, _ in twin.named_parameters()] == [n for n, _ in net.named_parameters()]
        with tg.no_grad():
            twin.scale += 1
        assert (net.scale == 1).all()
    chain = mlp()
    chain(tg.ones(1, 4))
    twin = copy.deepcopy(chain)
    with tg.no_grad():
        twin[0].weight *= 0
        twin[0].bias *= 0
    assert not np.array_equal(twin(tg.ones(1, 4)).detach().numpy(), chain(tg.ones(1, 4)).detach().numpy())


def test_extra_state_travels_with_the_state() -> None:
    class Counting(nn.Module):
        count = 3

        def get_extra_state(self) -> Any:
            return self.count

        def set_extra_state(self, state: Any) -> None:
            self.count = state

    outer, other = nn.Sequential(Counting()), nn.Sequential(Counting())
    outer[0].count = 7
    assert outer.state_dict() == {"0._extra_state": 7}
    other.load_state_dict(outer.state_dict())
    assert other[0].count == 7


def test_containers_behave_as_lists_and_dicts() -> None:
    chain = nn.Sequential(OrderedDict([("a", nn.Linear(2, 3)), ("b", nn.ReLU())]))
    assert [name for name, _ in chain.named_parameters()] == ["a.weight", "a.bias"]
    assert chain.a is chain[0]
    chain.append(nn.Linear(3, 1))
    assert chain(tg.ones(1, 2)).shape == (1, 1)
    chain[2] = nn.Linear(3, 4)
    assert chain(tg.ones(1, 2)).shape == (1, 4)
    assert len(chain[:2]) == 2
    assert chain[:2](tg.ones(1, 2)).shape == (1, 3)
    del chain[1]
    assert len(chain) == 2
    with pytest.raises(IndexingError, match="index 2 is out of range for 2 parts"):
        chain[2]
    with pytest.raises(DTypeError, match="Sequential: expected a Module, got int"):
        nn.Sequential(3)  # type: ignore[arg-type]

    layers = nn.ModuleList([nn.Identity()])
    layers += [nn.Linear(1, 1)]
    layers.insert(0, nn.ReLU())
    assert [type(x).__name__ for x in layers] == ["ReLU", "Identity", "Linear"]
    assert list(layers.state_dict()) == ["2.weight", "2.bias"]
    assert isinstance(layers.pop(0), nn.ReLU)
    assert layers[-1] in layers

    parts = nn.ParameterList([tg.ones(1)])
    parts.append(nn.Parameter(tg.ones(2)))
    assert list(parts.state_dict()) == ["0", "1"]
    assert len(list(parts.parameters())) == 2
    with pytest.raises(DTypeError, match="expected a Parameter or a Tensor"):
        parts.append(1)

    heads = nn.ModuleDict({"a": nn.Linear(1, 1)})
    heads["b"] = nn.Linear(1, 2)
    assert list(heads.keys()) == ["a", "b"]
    assert "a" in heads
    with pytest.raises(KeyError, match="has no 'c'; it has"):
        heads["c"]
    assert heads.pop("a").out_features == 1
    named = nn.ParameterDict({"w": tg.ones(2)})
    assert isinstance(named["w"], nn.Parameter)
    assert list(named.state_dict()) == ["w"]


def test_wrong_shapes_say_what_was_expected() -> None:
    with pytest.raises(ShapeError, match=r"BatchNorm1d: expected shape \(N, 3\) or \(N, 3, ...\), got \[2, 4\]"):
        nn.BatchNorm1d(3)(tg.ones(2, 4))
    with pytest.raises(ShapeError, match="last axis of x must have length 4"):
        nn.Linear(4, 3)(tg.ones(2, 5))
    with pytest.raises(ShapeError, match="Flatten: axis 2 comes after axis 1"):
        nn.Flatten(2, 1)(tg.ones(1, 2, 3))
    with pytest.raises(ArgumentError, match="Dropout: expected a probability"):
        nn.Dropout(1.5)
    with pytest.raises(ArgumentError, match="approximate must be"):
        nn.GELU("sometimes")


def test_dropout_acts_in_training_only() -> None:
    layer = nn.Dropout(0.5)
    x = tg.ones(1000)
    kept = layer(x).numpy()
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert 400 < (kept > 0).sum() < 600
    assert (layer.eval()(x) == x).all()


# Gradients.


@pytest.mark.peers("torch")
@pytest.mark.parametrize("norm", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("limit", [0.1, 100.0])
def test_clipping_is_pytorchs(norm: float, limit: float, rng: np.random.Generator) -> None:
    import torch

    values = [rng.standard_normal(shape).astype(np.float32) for shape in ((3,), (2, 2), ())]
    ours = [nn.Parameter(tg.zeros(v.shape)) for v in values]
    theirs = [torch.nn.Parameter(torch.zeros(v.shape)) for v in values]
    for p, q, v in zip(ours, theirs, values, strict=True):
        p.grad, q.grad = tg.tensor(v.copy()), torch.tensor(v)
    a = nn.utils.clip_grad_norm_([*ours, nn.Parameter(tg.zeros(1))], limit, norm)
    b = torch.nn.utils.clip_grad_norm_(theirs, limit, norm)
    np.testing.assert_allclose(a.item(), b.item(), rtol=1e-6)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5)
    nn.utils.clip_grad_value_(ours, 0.01)
    assert max(abs(p.grad.numpy()).max() for p in ours) <= 0.01 + 1e-9


def test_a_norm_that_is_not_finite_is_refused_on_request() -> None:
    p = nn.Parameter(tg.zeros(2))
    p.grad = tg.tensor([math.inf, 1.0])
    with pytest.raises(tg.errors.GradientError, match="total norm is inf"):
        nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert p.grad.tolist() == [math.inf, 1.0]
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0.0


def test_parameters_go_to_a_vector_and_back() -> None:
    net = mlp()
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (43,)
    nn.utils.vector_to_parameters(tg.ones(43), net.parameters())
    assert all((p == 1).all() for p in net.parameters())
    with pytest.raises(ShapeError, match="expected a vector of 43 elements"):
        nn.utils.vector_to_parameters(tg.ones(42), net.parameters())


# Initial values.


def spread(values: Any) -> tuple[float, float, float]:
    x = values.detach().numpy()
    return float(x.min()), float(x.max()), float(x.std())


def test_layers_start_as_pytorchs_do() -> None:
    layer = nn.Linear(400, 300)
    low, high, std = spread(layer.weight)
    assert -0.05 <= low < -0.0499
    assert 0.0499 < high <= 0.05
    assert std == pytest.approx(0.05 / math.sqrt(3), rel=0.01)
    assert spread(layer.bias)[2] == pytest.approx(0.05 / math.sqrt(3), rel=0.15)
    assert spread(nn.Embedding(300, 100).weight)[2] == pytest.approx(1.0, rel=0.02)
    assert (nn.LayerNorm(3).weight == 1).all()
    tg.manual_seed(5)
    first = nn.Linear(4, 4).weight.tolist()
    tg.manual_seed(5)
    assert nn.Linear(4, 4).weight.tolist() == first


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (lambda t: init.uniform_(t, -1, 1), 2 / math.sqrt(12)),
        (lambda t: init.normal_(t, 0.0, 3.0), 3.0),
        (lambda t: init.xavier_uniform_(t, gain=2.0), 2 * math.sqrt(2 / 500)),
        (init.xavier_normal_, math.sqrt(2 / 500)),
        (lambda t: init.kaiming_uniform_(t, nonlinearity="relu"), math.sqrt(2 / 300)),
        (lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="linear"), math.sqrt(1 / 200)),
        (lambda t: init.trunc_normal_(t, std=0.5, a=-1.0, b=1.0), 0.5 * 0.8796),
    ],
    ids=["uniform", "normal", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "trunc_normal"],
)
def test_initial_values_have_their_spread(fill: Callable[[Any], Any], std: float) -> None:
    weight = nn.Parameter(tg.zeros(200, 300))
    assert fill(weight) is weight
    assert weight.is_leaf
    low, high, found = spread(weight)
    assert found == pytest.approx(std, rel=0.02)
    assert abs(float(weight.detach().numpy().mean())) < 0.03 * std
    assert low < 0 < high
    before = weight.tolist()
    fill(weight)
    assert weight.tolist() != before


def test_exact_initial_values() -> None:
    t = tg.zeros(3, 4)
    assert (init.ones_(t) == 1).all()
    assert (init.constant_(t, 2.5) == 2.5).all()
    assert (init.zeros_(t) == 0).all()
    assert np.array_equal(init.eye_(t).numpy(), np.eye(3, 4))
    for shape in ((4, 3), (3, 4), (2, 2, 3)):
        q = init.orthogonal_(tg.zeros(shape), gain=2.0).numpy().reshape(shape[0], -1)
        small = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)
    truncated = init.trunc_normal_(tg.zeros(1000), std=5.0, a=-1.0, b=2.0).numpy()
    assert truncated.min() >= -1
    assert truncated.max() <= 2
    generator = tg.Generator(3)
    a = init.normal_(tg.zeros(4), generator=generator).tolist()
    assert init.normal_(tg.zeros(4), generator=tg.Generator(3)).tolist() == a
    with pytest.raises(ShapeError, match="at least two axes"):
        init.xavier_uniform_(tg.zeros(3))
    with pytest.raises(ArgumentError, match="no gain is known for 'sine'"):
        init.calculate_gain("sine")
    with pytest.raises(ArgumentError, match="mode must be"):
        init.kaiming_uniform_(tg.zeros(2, 2), mode="both")
