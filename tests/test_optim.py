"""Optimizers and schedules beside PyTorch's, step by step; saved states; captured steps."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad import nn, optim
from tensorgrad.errors import ArgumentError, DTypeError, GradientError, StateDictError
from tensorgrad.optim import lr_scheduler
from tensorgrad.tape import capture

SHAPES = ((4, 3), (3,), (), (0, 2))
STEPS = 20

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "maximize": True}),
    ("SGD", {"lr": 0.1, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.5, "amsgrad": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("RMSprop", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5, "maximize": True}),
]
each = pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=[f"{n}-{o}" for n, o in OPTIMIZERS])


def start(rng: np.random.Generator, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> list[np.ndarray]:
    return [np.asarray(rng.standard_normal(shape)).astype(np.float32) for shape in shapes]


def ours_from(values: list[np.ndarray]) -> list[nn.Parameter]:
    return [nn.Parameter(tg.tensor(v.copy())) for v in values]


def theirs_from(values: list[np.ndarray]) -> list[Any]:
    import torch

    return [torch.nn.Parameter(torch.tensor(v)) for v in values]


def give(parameters: list[Any], grads: list[np.ndarray], make: Callable[..., Any]) -> None:
    for p, g in zip(parameters, grads, strict=True):
        p.grad = make(g.copy())


def agree(ours: list[Any], theirs: list[Any], rtol: float = 2e-5) -> None:
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=rtol, atol=2e-6)


@pytest.mark.peers("torch")
@each
def test_steps_are_pytorchs(name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
    import torch

    values = start(rng)
    ours, theirs = ours_from(values), theirs_from(values)
    a, b = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    for step in range(STEPS):
        grads = start(rng)
        give(ours, grads, tg.tensor)
        give(theirs, grads, torch.tensor)
        if step == 7:  # a parameter without a gradient stays, its state too
            ours[1].grad = theirs[1].grad = None
        if step == 12:
            a.param_groups[0]["lr"] = b.param_groups[0]["lr"] = 0.01
        a.step()
        b.step()
    agree(ours, theirs)
    assert all(p.is_leaf and p.requires_grad for p in ours)


@each
def test_blocks_change_no_bit(
    name: str, options: dict[str, Any], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorgrad.ops import optimize

    values = start(rng, ((7, 5), (3,)))
    grads = [start(rng, ((7, 5), (3,))) for _ in range(3)]
    found = []
    for block in (1 << 14, 8):
        monkeypatch.setattr(optimize, "BLOCK", block)
        ours = ours_from(values)
        optimizer = getattr(optim, name)(ours, **options)
        for g in grads:
            give(ours, g, tg.tensor)
            optimizer.step()
        found.append([p.detach().numpy() for p in ours])
    for x, y in zip(*found, strict=True):
        assert np.array_equal(x, y)


def test_memory_that_is_not_contiguous_is_updated_too(rng: np.random.Generator) -> None:
    from tensorgrad.ops import optimize

    rows = optimize.BLOCK // 100 + 10
    value = rng.standard_normal((rows, 200))
    columns = nn.Parameter(tg.Tensor(np.asfortranarray(value)))
    plain = nn.Parameter(tg.Tensor(value.copy()))
    grad = rng.standard_normal(value.shape)
    for p in (columns, plain):
        p.grad = tg.tensor(grad)
        optim.Adam([p], lr=0.1).step()
    assert np.array_equal(columns.detach().numpy(), plain.detach().numpy())
    assert not np.array_equal(plain.detach().numpy(), value)


@pytest.mark.peers("torch")
@each
def test_state_goes_to_pytorch_and_back(name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
    import torch

    values = start(rng)
    ours, theirs = ours_from(values), theirs_from(values)
    a, b = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    for _ in range(3):
        grads = start(rng)
        give(ours, grads, tg.tensor)
        a.step()
    state = a.state_dict()
    moved = {
        "state": {
            i: {k: torch.tensor(np.array(v.numpy())) if isinstance(v, tg.Tensor) else v for k, v in s.items()}
            for i, s in state["state"].items()
        },
        "param_groups": [{**b.state_dict()["param_groups"][0], **state["param_groups"][0]}],
    }
    b.load_state_dict(moved)
    with torch.no_grad():
        for p, q in zip(ours, theirs, strict=True):
            q.copy_(torch.tensor(p.detach().numpy()))

    again = ours_from([p.detach().numpy() for p in ours])
    c = getattr(optim, name)(again, lr=7.0)
    c.load_state_dict(b.state_dict())  # PyTorch's own tensors and settings
    assert c.param_groups[0]["lr"] == a.param_groups[0]["lr"]
    for _ in range(3):
        grads = start(rng)
        for parameters, make in ((ours, tg.tensor), (theirs, torch.tensor), (again, tg.tensor)):
            give(parameters, grads, make)
        for optimizer in (a, b, c):
            optimizer.step()
    agree(ours, theirs)
    for p, q in zip(ours, again, strict=True):
        assert np.array_equal(p.detach().numpy(), q.detach().numpy())


def test_groups_have_settings_of_their_own(rng: np.random.Generator) -> None:
    values = start(rng, ((2,), (2,)))
    first, second = ours_from(values)
    optimizer = optim.SGD([{"params": [first]}, {"params": second, "lr": 0.5}], lr=0.1)
    give([first, second], [np.ones(2, np.float32)] * 2, tg.tensor)
    optimizer.step()
    np.testing.assert_allclose(first.detach().numpy(), values[0] - 0.1, rtol=1e-6)
    np.testing.assert_allclose(second.detach().numpy(), values[1] - 0.5, rtol=1e-6)
    named = optim.SGD([("w", first)], lr=0.1)
    assert named.param_groups[0]["param_names"] == ["w"]


def test_gradients_are_dropped_or_zeroed(rng: np.random.Generator) -> None:
    ours = ours_from(start(rng))
    optimizer = optim.SGD(ours, lr=0.1)
    give(ours, start(rng), tg.tensor)
    kept = ours[0].grad
    optimizer.zero_grad(set_to_none=False)
    assert ours[0].grad is kept
    assert not kept.numpy().any()
    optimizer.zero_grad()
    assert all(p.grad is None for p in ours)
    before = [p.tolist() for p in ours]
    optimizer.step()
    assert [p.tolist() for p in ours] == before


def test_closures_are_run_with_gradients() -> None:
    p = nn.Parameter(tg.tensor([3.0]))
    optimizer = optim.SGD([p], lr=0.25)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert p.tolist() == [1.5]


def test_a_step_is_a_write_that_saved_values_notice() -> None:
    p = nn.Parameter(tg.tensor([3.0]))
    optimizer = optim.SGD([p], lr=0.25)
    y = (p * p).sum()
    p.grad = tg.ones(1)
    optimizer.step()
    with pytest.raises(tg.errors.InPlaceError, match=r"changed in place[\s\S]*optimizer.step\(\)"):
        y.backward()


def test_bad_settings_and_parameters_are_refused() -> None:
    p = nn.Parameter(tg.ones(1))
    for make, message in (
        (lambda: optim.SGD([p], lr=-1.0), "expected lr >= 0, got -1.0"),
        (lambda: optim.SGD([p], lr=0.1, nesterov=True), "nesterov needs momentum"),
        (lambda: optim.Adam([p], betas=(1.0, 0.9)), "expected betas from 0 up to 1"),
        (lambda: optim.AdamW([p], eps=math.nan), "expected eps >= 0"),
        (lambda: optim.SGD([]), "got no parameters"),
        (lambda: optim.SGD([p, p]), "parameter 1 of shape .* is in the optimizer already"),
        (lambda: optim.SGD([{"params": [p], "speed": 1}]), "SGD has no setting .*speed"),
    ):
        with pytest.raises(ArgumentError, match=message):
            make()
    with pytest.raises(DTypeError, match="put it into a list"):
        optim.SGD(p)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="parameter 0: expected a Tensor, got int"):
        optim.SGD([1])  # type: ignore[list-item]
    with pytest.raises(GradientError, match="only leaves can be optimized"):
        optim.SGD([p * 2])


def test_states_that_do_not_fit_change_nothing(rng: np.random.Generator) -> None:
    ours = ours_from(start(rng))
    optimizer = optim.Adam(ours)
    give(ours, start(rng), tg.tensor)
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    other = optim.Adam(ours_from(start(rng, ((2,),))))
    with pytest.raises(StateDictError, match=r"groups of \[1\] parameters, the saved state of \[4\]"):
        other.load_state_dict(state)
    assert not other.state
    state["state"][0]["exp_avg"] = tg.zeros(9)
    kept = optimizer.state[ours[0]]["exp_avg"]
    with pytest.raises(StateDictError, match=r"'exp_avg': expected the parameter's shape \[4, 3\], got \[9\]"):
        optimizer.load_state_dict(state)
    assert optimizer.state[ours[0]]["exp_avg"] is kept


def test_copies_and_pickles_go_on_alike(rng: np.random.Generator) -> None:
    net = nn.Linear(3, 2)
    optimizer = optim.Adam(net.parameters(), lr=0.1)
    x = tg.tensor(rng.standard_normal((4, 3)).astype(np.float32))

    def step(net: Any, optimizer: Any) -> None:
        optimizer.zero_grad()
        (net(x) ** 2).sum().backward()
        optimizer.step()

    step(net, optimizer)
    twins = [copy.deepcopy((net, optimizer)), pickle.loads(pickle.dumps((net, optimizer)))]
    step(net, optimizer)
    for other, its in twins:
        assert its.param_groups[0]["params"][0] is other.weight
        step(other, its)
        assert np.array_equal(other.weight.detach().numpy(), net.weight.detach().numpy())
    assert "lr: 0.1" in repr(optimizer)


def test_checkpoints_go_on_bit_for_bit(tmp_path: Any, rng: np.random.Generator) -> None:
    pytest.importorskip("safetensors")
    from tensorgrad.training.checkpoint import load_checkpoint, save_checkpoint

    values = start(rng)
    ours = ours_from(values)
    optimizer = optim.AdamW(ours, lr=0.1, amsgrad=True)
    give(ours, start(rng), tg.tensor)
    optimizer.step()
    save_checkpoint(tmp_path / "state", optimizer.state_dict())
    again = ours_from([p.detach().numpy() for p in ours])
    other = optim.AdamW(again)
    other.load_state_dict(load_checkpoint(tmp_path / "state"))
    grads = start(rng)
    for parameters, which in ((ours, optimizer), (again, other)):
        give(parameters, grads, tg.tensor)
        which.step()
    for p, q in zip(ours, again, strict=True):
        assert np.array_equal(p.detach().numpy(), q.detach().numpy())


# Captured steps.


@each
def test_captured_steps_replay_bit_for_bit_with_another_rate(
    name: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    """A whole training step, replayed on other data, labels and learning rate."""
    batches = [
        (tg.tensor(rng.standard_normal((5, 4)).astype(np.float32)), tg.tensor(rng.integers(0, 3, 5))) for _ in range(4)
    ]
    rates = [tg.tensor(r, dtype=tg.float64) for r in (0.1, 0.05, 0.2, 0.01)]

    def build() -> tuple[Any, Any, Callable[..., Any]]:
        tg.manual_seed(3)
        net = nn.Sequential(nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 3))
        optimizer = getattr(optim, name)(net.parameters(), **options)

        def step(x: Any, y: Any, lr: Any) -> Any:
            optimizer.param_groups[0]["lr"] = lr
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return net, optimizer, step

    net, _, step = build()
    eager = [step(*batch, rate).item() for batch, rate in zip(batches, rates, strict=True)]
    twin, _, step = build()
    found = [step(*batches[0], rates[0]).item()]
    loss, tape = capture(step, *batches[1], rates[1])
    tape.verify()
    found.append(loss.item())
    found += [tape.replay(*batch, rate).item() for batch, rate in zip(batches[2:], rates[2:], strict=True)]
    assert found == eager
    for p, q in zip(net.parameters(), twin.parameters(), strict=True):
        assert np.array_equal(p.detach().numpy(), q.detach().numpy())


def test_a_first_step_with_dampening_is_not_captured() -> None:
    p = nn.Parameter(tg.ones(1))
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9, dampening=0.5)
    p.grad = tg.ones(1)
    with pytest.raises(tg.errors.CaptureError, match="take it before capturing"):
        capture(lambda: optimizer.step())


# Schedules.

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.9**epoch}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.5}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 4}),
    ("LinearLR", {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 6}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {"total_iters": 8, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 20}),
    ("OneCycleLR", {"max_lr": [1.0, 2.0], "epochs": 4, "steps_per_epoch": 5, "three_phase": True}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 20, "anneal_strategy": "linear", "cycle_momentum": False}),
]


def rates_of(optimizer: Any) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def two_groups(kind: Any, make: Callable[[], Any], name: str = "SGD", **options: Any) -> Any:
    groups = [{"params": [make()]}, {"params": [make()], "lr": 0.3}]
    return getattr(kind, name)(groups, lr=0.1, **({"momentum": 0.9} if name == "SGD" else {}), **options)


@pytest.mark.peers("torch")
@pytest.mark.filterwarnings("ignore:.*optimizer.step.*")
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=[n for n, _ in SCHEDULES])
def test_schedules_are_pytorchs(name: str, options: dict[str, Any], kind: str) -> None:
    import torch

    a = two_groups(optim, lambda: nn.Parameter(tg.ones(1)), kind)
    b = two_groups(torch.optim, lambda: torch.nn.Parameter(torch.ones(1)), kind)
    ours = getattr(lr_scheduler, name)(a, **options)
    theirs = getattr(torch.optim.lr_scheduler, name)(b, **options)
    for step in range(19):
        np.testing.assert_allclose(rates_of(a), rates_of(b), rtol=1e-9, atol=1e-15, err_msg=f"step {step}")
        np.testing.assert_allclose(ours.get_last_lr(), theirs.get_last_lr(), rtol=1e-9, atol=1e-15)
        for mine, other in zip(a.param_groups, b.param_groups, strict=True):
            for key in {"momentum", "betas"} & set(mine):
                np.testing.assert_allclose(mine[key], other[key], rtol=1e-9)
        ours.step()
        theirs.step()
        if step == 10:  # saved and restored half-way
            state = pickle.loads(pickle.dumps(ours.state_dict()))
            ours = getattr(lr_scheduler, name)(two_groups(optim, lambda: nn.Parameter(tg.ones(1)), kind), **options)
            ours.load_state_dict(state)
            ours.optimizer.load_state_dict(a.state_dict())
            for old, new in zip(a.param_groups, ours.optimizer.param_groups, strict=True):
                new.update({k: v for k, v in old.items() if k != "params"})
            a = ours.optimizer


@pytest.mark.peers("torch")
@pytest.mark.filterwarnings("ignore:.*optimizer.step.*")
def test_one_schedule_after_another_is_pytorchs() -> None:
    import torch

    def build(package: Any, optimizer: Any) -> Any:
        module = package.lr_scheduler
        parts = [
            module.LinearLR(optimizer, start_factor=0.1, total_iters=4),
            module.CosineAnnealingLR(optimizer, T_max=6),
            module.ExponentialLR(optimizer, gamma=0.9),
        ]
        return module.SequentialLR(optimizer, parts, milestones=[4, 10])

    a = two_groups(optim, lambda: nn.Parameter(tg.ones(1)))
    b = two_groups(torch.optim, lambda: torch.nn.Parameter(torch.ones(1)))
    ours, theirs = build(optim, a), build(torch.optim, b)
    for step in range(16):
        np.testing.assert_allclose(rates_of(a), rates_of(b), rtol=1e-9, err_msg=f"step {step}")
        ours.step()
        theirs.step()
        if step == 6:
            state = ours.state_dict()
            ours.load_state_dict(copy.deepcopy(state))


@pytest.mark.peers("torch")
@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1, "factor": 0.5},
        {"patience": 0, "cooldown": 2, "min_lr": [0.02, 0.05], "threshold": 0.1, "threshold_mode": "abs"},
        {"mode": "max", "patience": 2},
    ],
    ids=["plain", "floor", "max"],
)
def test_plateaus_are_pytorchs(options: dict[str, Any], rng: np.random.Generator) -> None:
    import torch

    a = two_groups(optim, lambda: nn.Parameter(tg.ones(1)))
    b = two_groups(torch.optim, lambda: torch.nn.Parameter(torch.ones(1)))
    ours = lr_scheduler.ReduceLROnPlateau(a, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(b, **options)
    for loss in [1.0, 0.5, 0.5, 0.51, 0.3, 0.4, 0.4, 0.4, 0.2, *rng.uniform(0.1, 1, 10)]:
        ours.step(loss)
        theirs.step(loss)
        np.testing.assert_allclose(rates_of(a), rates_of(b), rtol=1e-12)
    with pytest.raises(DTypeError, match="needs the measure"):
        ours.step()


def test_schedules_write_into_a_rate_that_is_a_tensor() -> None:
    """So that a captured step, which reads the tensor, follows the schedule."""
    rate = tg.tensor(0.5, dtype=tg.float64)
    optimizer = optim.SGD([nn.Parameter(tg.ones(1))], lr=rate)
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25


def test_bad_schedules_are_refused() -> None:
    optimizer = two_groups(optim, lambda: nn.Parameter(tg.ones(1)))
    for make, message in (
        (lambda: lr_scheduler.LambdaLR(optimizer, [lambda e: 1.0]), "expected 2 lr_lambda, one per group, got 1"),
        (lambda: lr_scheduler.LinearLR(optimizer, start_factor=0.0), "0 < start_factor <= 1"),
        (lambda: lr_scheduler.OneCycleLR(optimizer, 1.0), "needs total_steps"),
        (lambda: lr_scheduler.OneCycleLR(optimizer, 1.0, 10, anneal_strategy="sin"), "'cos' or 'linear'"),
        (lambda: lr_scheduler.SequentialLR(optimizer, [], []), "a milestone between each two"),
        (lambda: lr_scheduler.ReduceLROnPlateau(optimizer, factor=2.0), "expected factor < 1"),
        (lambda: lr_scheduler.ReduceLROnPlateau(optimizer, mode="low"), "mode is 'min' or 'max'"),
    ):
        with pytest.raises(ArgumentError, match=message):
            make()
    with pytest.raises(DTypeError, match="StepLR: expected an Optimizer, got int"):
        lr_scheduler.StepLR(1, 1)  # type: ignore[arg-type]
    cycle = lr_scheduler.OneCycleLR(optimizer, 1.0, 3)
    for _ in range(3):
        cycle.step()
    with pytest.raises(ArgumentError, match="step 4 of a cycle of 3 steps"):
        cycle.step()
