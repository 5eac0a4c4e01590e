"""Random programs of views and in-place writes agree with PyTorch: values, gradients, second derivatives, refusals."""

from __future__ import annotations

from collections import Counter

import pytest

pytest.importorskip("torch", reason="PyTorch is the oracle")

from fuzz_compare import DIFFERENCES, Mismatch, Program, Statement, compare, fails, script, shrink
from fuzz_inplace import check, generate

QUICK = 300
THOROUGH = 6000
PART = 50


def run(seeds: range) -> Counter[str]:
    return Counter(check(seed) for seed in seeds)


@pytest.mark.parametrize("first", range(0, QUICK, PART))
def test_programs(first: int) -> None:
    outcomes = run(range(first, first + PART))
    assert outcomes["same"] > PART // 2, outcomes  # most programs must be compared to their end
    assert set(outcomes) <= {"same", "error", *DIFFERENCES}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, THOROUGH, 300))
def test_thousands_of_programs(first: int) -> None:
    outcomes = run(range(first, first + 300))
    assert outcomes["same"] > 150, outcomes


def test_programs_write_and_are_refused() -> None:
    """The generator reaches what it is for."""
    programs = [generate(seed) for seed in range(100)]
    lines = [s.ours for p in programs for s in p.statements]
    for what in ("+=", "] = ", "no_grad", "split", "permute_dims", "reshape", "detach", "[True", "...]"):
        assert any(what in line for line in lines), what
    assert {p.order for p in programs} == {0, 1, 2}


def test_a_wrong_gradient_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault (a write that is not recorded) fails, and the script that shows it is small and runs."""
    from tensorgrad.ops import update

    monkeypatch.setattr(update, "_record", lambda *args: None)
    with pytest.raises(Mismatch) as caught:
        run(range(50))
    text = str(caught.value)
    ours = text.partition("# the same in PyTorch")[0]
    assert len([line for line in ours.splitlines() if line.startswith(("v", "with"))]) <= 6, text
    exec(ours, {"print": lambda *args: None})


def test_a_missed_version_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault (a write that raises no version) lets a wrong gradient through; comparing finds it."""
    from tensorgrad.ops import update

    monkeypatch.setattr(update, "raise_version", lambda *args: None)
    leaf = "tensor(np.arange(1.0, 4.0), requires_grad=True)"
    program = Program(
        0,
        [
            Statement(f"v1 = tg.{leaf}", f"v1 = torch.{leaf}", ("v1",), leaf=True),
            Statement("v2 = tg.exp(v1)", "v2 = torch.exp(v1)", ("v2",)),
            Statement("v2 += 1.0", "v2 += 1.0", writes="v2"),
        ],
        {"v2": 1.0},
    )
    found = fails(program)
    assert found is not None
    assert "PyTorch saved" in found
    assert len(shrink(program).statements) == 3
    assert "loss.backward()" in script(program)
    monkeypatch.undo()
    assert compare(program) == "error"
