"""Tapes: read off graphs, captured, verified, replayed bit for bit."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.errors import CaptureError, DTypeError, ShapeError
from tensorgrad.tape import Instruction, Tape, capture


def network(rng: np.random.Generator) -> tuple[tg.nn.Module, tg.optim.Optimizer]:
    tg.manual_seed(int(rng.integers(1 << 30)))
    model = tg.nn.Sequential(tg.nn.Linear(6, 5), tg.nn.Sigmoid(), tg.nn.Dropout(0.25), tg.nn.Linear(5, 3))
    return model, tg.optim.Adam(model.parameters(), lr=0.01)


def batch(rng: np.random.Generator) -> tuple[tg.Tensor, tg.Tensor]:
    return tg.tensor(rng.normal(size=(8, 6)).astype(np.float32)), tg.tensor(rng.integers(0, 3, size=8))


def step(model: tg.nn.Module, optimizer: tg.optim.Optimizer, x: tg.Tensor, y: tg.Tensor, lr: tg.Tensor) -> tg.Tensor:
    optimizer.zero_grad()
    loss = tg.nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.param_groups[0]["lr"] = lr
    optimizer.step()
    return loss


def test_a_whole_adam_step_replays_bit_for_bit(rng: np.random.Generator) -> None:
    seed = int(rng.integers(1 << 30))
    batches = [(*batch(rng), tg.tensor(lr, dtype="float64")) for lr in (0.01, 0.003, 0.1, 0.02)]
    losses, parameters = [], []
    for replayed in (False, True):
        model, optimizer = network(np.random.default_rng(seed))
        seen = [step(model, optimizer, *batches[0])]  # states exist from here on
        if replayed:
            loss, tape = capture(functools.partial(step, model, optimizer), *batches[1])
            tape.verify()
            seen += [loss, *(tape.replay(*given) for given in batches[2:])]
        else:
            seen += [step(model, optimizer, *given) for given in batches[1:]]
        losses.append([loss.item() for loss in seen])
        parameters.append([p.detach().numpy().copy() for p in model.parameters()])
    assert losses[0] == losses[1]
    assert len(set(losses[0])) == len(losses[0])
    for eager, again in zip(*parameters, strict=True):
        np.testing.assert_array_equal(eager, again)


def test_replay_takes_other_values_and_keeps_structure() -> None:
    result, tape = capture(lambda x, y: {"sum": x + y, "both": (x * y, x)}, tg.ones(2), tg.ones(2))
    again = tape.replay(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    assert list(again) == ["sum", "both"]
    assert isinstance(again["both"], tuple)
    assert again["sum"].tolist() == [4.0, 6.0]
    assert again["both"][0].tolist() == [3.0, 8.0]
    assert again["both"][1].tolist() == [1.0, 2.0]
    assert result["sum"].tolist() == [2.0, 2.0]


def test_replay_writes_state_in_place_and_raises_its_version() -> None:
    total = tg.zeros(2)
    view = total[1:]

    def program(x: tg.Tensor) -> tg.Tensor:
        total[...] = total + x
        view[0] = view[0] * 2
        return total * 1

    _, tape = capture(program, tg.tensor([1.0, 1.0]))
    assert total.tolist() == [1.0, 2.0]
    assert tape.replay(tg.tensor([1.0, 1.0])).tolist() == [2.0, 6.0]
    assert total.tolist() == [2.0, 6.0]
    assert view.tolist() == [6.0]

    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * total).sum()
    tape.replay(tg.tensor([0.0, 0.0]))
    with pytest.raises(tg.errors.InPlaceError):
        y.backward()


def test_replay_draws_new_random_numbers_from_the_same_stream() -> None:
    def draws(captured: bool) -> list[list[float]]:
        tg.manual_seed(3)
        if not captured:
            return [(tg.rand(3) * 2).tolist() for _ in range(3)]
        first, tape = capture(lambda: tg.rand(3) * 2)
        return [first.tolist(), tape.replay().tolist(), tape.replay().tolist()]

    assert draws(True) == draws(False)


def test_integer_labels_are_cast_anew_at_each_replay() -> None:
    _, tape = capture(lambda x, k: x * k, tg.ones(2), tg.tensor([1, 2]))
    assert tape.replay(tg.ones(2), tg.tensor([5, 6])).tolist() == [5.0, 6.0]


def test_gradients_of_second_order_are_captured() -> None:
    def program(x: tg.Tensor) -> tg.Tensor:
        return tg.grad(lambda x: tg.grad(lambda x: (x**3).sum())(x).sum())(x)

    first, tape = capture(program, tg.tensor([1.0, 2.0]))
    assert first.tolist() == [6.0, 12.0]
    assert tape.replay(tg.tensor([3.0, 4.0])).tolist() == [18.0, 24.0]


@pytest.mark.parametrize("read", [float, bool, lambda t: t.item(), lambda t: t.numpy(), lambda t: t.tolist()])
def test_reading_a_value_is_refused(read) -> None:
    with pytest.raises(CaptureError, match="reads a value"):
        capture(lambda x: read(x.sum()), tg.ones(2))


def test_captures_do_not_nest_and_leave_no_state_behind() -> None:
    with pytest.raises(CaptureError, match="do not nest"):
        capture(lambda x: capture(lambda y: y, x), tg.ones(2))
    assert tg.ones(2).sum().item() == 2.0


def test_replay_checks_its_arguments_before_anything_runs() -> None:
    total = tg.zeros(2)

    def program(x: tg.Tensor) -> tg.Tensor:
        total[...] = total + x
        return x

    _, tape = capture(program, tg.ones(2))
    with pytest.raises(ShapeError, match=r"tensor 0 must have shape \[2\], got \[3\]"):
        tape.replay(tg.ones(3))
    with pytest.raises(DTypeError, match="float32"):
        tape.replay(tg.ones(2, dtype="float64"))
    with pytest.raises(ShapeError, match="expected 1 tensors, got 2"):
        tape.replay(tg.ones(2), tg.ones(2))
    assert total.tolist() == [1.0, 1.0]


def test_a_tape_of_a_graph_lists_it_in_order() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    tape = Tape.of((x * x + 1).sum())
    assert [step.op.name for step in tape.instructions] == ["multiply", "add", "sum"]
    assert "test_tape.py" in tape.listing()
    assert "(x * x + 1)" in tape.listing()
    tape.verify()
    with pytest.raises(CaptureError, match="read off a graph"):
        tape.replay(x)


def test_the_verifier_catches_planted_faults() -> None:
    _, tape = capture(lambda x: (x * 2).sum(), tg.ones(2))
    first, second = tape.instructions
    parts = (tape.inputs, tape.state, tape.outputs, tape.infos)
    with pytest.raises(CaptureError, match="used before it is defined"):
        Tape([second, first], *parts).verify()
    with pytest.raises(CaptureError, match="defined twice"):
        Tape([first, first, second], *parts).verify()
    wrong = Instruction(second.op, second.inputs, ((), True), second.outputs, None)
    with pytest.raises(CaptureError, match="infer says"):
        Tape([first, wrong], *parts).verify()
    with pytest.raises(CaptureError, match="never defined"):
        Tape([first], *parts).verify()


def test_replay_frees_what_is_used_no_more() -> None:
    def program(x: tg.Tensor) -> tg.Tensor:
        for _ in range(20):
            x = x + 1
        return x

    import tracemalloc

    x = tg.zeros(100_000)
    _, tape = capture(program, x)
    tracemalloc.start()
    tape.replay(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * x.nbytes
