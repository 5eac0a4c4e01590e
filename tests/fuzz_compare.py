"""Running one program on tensorgrad and on PyTorch, and comparing the two statement by statement.

A program is a list of ``Statement``: one line of Python for each library. After each statement all values, dtypes and
histories must agree, and errors must be of the same kind; then gradients of a random scalar, by a backward pass, and
for some programs second derivatives and forward mode. ``shrink`` drops statements as long as a program still fails,
and ``script`` prints what is left as a program that runs.

Where the two are meant to differ, ``DIFFERENCES`` says so.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import tensorgrad as tg

DIFFERENCES = {
    "sealed view read": "PyTorch refuses to read a view made under no_grad, or one of several, once its base was "
    "written to. Here the latter is brought up to date, and the former stays a constant unless the write was recorded.",
    "part of a broadcast": "No part of a broadcast tensor can be written to here; PyTorch allows what does not meet.",
    "two faults": "Both refuse a write that has two faults; which is named first differs.",
    "constant under no_grad": "A view made under no_grad of a tracked tensor is a constant here. PyTorch makes it a "
    "leaf with a .grad of its own, so that a loss of it alone can be differentiated.",
    "second write of x[i] += y": "Where x is an untracked view, PyTorch takes the second write of x[i] += w, of the "
    "region onto itself, for a write to a leaf, and refuses; here it is no write.",
    "history into integers": "PyTorch drops a value's gradient silently where it is written into integers; here it "
    "raises.",
}
"""By name, what ``compare`` may return besides agreement. What is left out of programs, because the libraries mean
different things: an integer and an array apart in one index (NumPy's order of axes), 0-d tensors of another width
(PyTorch lets them give way), views taken before ``requires_grad_()``, and a region written onto itself (no write here).
"""


@dataclass(frozen=True)
class Statement:
    """One line, for tensorgrad and for PyTorch. ``makes`` are the variables it binds, ``writes`` the one it changes."""

    ours: str
    torch: str
    makes: tuple[str, ...] = ()
    writes: str | None = None
    leaf: bool = False


@dataclass
class Program:
    seed: int
    statements: list[Statement] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    order: int = 1

    @property
    def leaves(self) -> list[str]:
        return [s.makes[0] for s in self.statements if s.leaf]

    @property
    def loose(self) -> bool:
        made = [s.ours for s in self.statements if "tg.tensor(" in s.ours]
        return not all("float64" in text for text in made)  # integers beside Python floats become float32


class Mismatch(AssertionError):
    """The two libraries disagree."""


# Errors, by kind: the words of each library.

TORCH_KINDS = [
    ("leaf", r"leaf Variable that requires grad"),
    ("sealed", r"no_grad mode|returns multiple views|inference"),
    ("broadcast", r"more than one element of the written-to|refers to a single memory|single memory location"),
    ("saved", r"modified by an inplace operation"),
    ("twice", r"second time"),
    ("untracked", r"does not require grad"),
    ("dtype", r"can't be cast|only Tensors of floating point|dtype"),
    ("history", r"only set requires_grad|change requires_grad flags"),
    ("index", r"out of bounds|out of range|too many indices|mask \[|shape of the mask"),
    ("shape", r"size|shape|expand|broadcast|match"),
]
OUR_KINDS = [
    ("leaf", r"leaf that requires a gradient cannot be written"),
    ("sealed", r"made under no_grad|one of several views"),
    ("broadcast", r"broadcast: several of its elements|view of a broadcast one"),
    ("saved", r"changed in place afterwards"),
    ("twice", r"second time"),
    ("untracked", r"does not depend on any"),
    ("history into integers", r"would lose it in"),
    ("dtype", r"does not fit into (bool|u?int|float)|only floating tensors"),
    ("history", r"only be switched off on a leaf"),
]


def kind_of(error: Exception, ours: bool) -> str:
    if isinstance(error, NameError):
        return "name"
    if ours:
        for kind, words in OUR_KINDS:
            if re.search(words, str(error)):
                return kind
        for kind, classes in (
            ("index", tg.errors.IndexingError),
            ("shape", tg.errors.ShapeError),
            ("dtype", tg.errors.DTypeError),
        ):
            if isinstance(error, classes):
                return kind
        return f"{type(error).__name__}: {error}"
    for kind, words in TORCH_KINDS:
        if re.search(words, str(error)):
            return kind
    return "index" if isinstance(error, IndexError) else f"{type(error).__name__}: {error}"


# Running.


@dataclass
class Run:
    """A library at work: its variables, and how it runs a line. ``tainted``: PyTorch tracks a view made under
    no_grad."""

    ours: bool
    names: dict[str, Any]
    tainted: bool = False

    def step(self, statement: Statement) -> str | None:
        """Run a statement; the kind of error it raised, or None."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(statement.ours if self.ours else statement.torch, self.names)
        except Exception as error:
            for name in statement.makes:
                self.names.pop(name, None)
            return kind_of(error, self.ours)
        return None

    def tensors(self) -> dict[str, Any]:
        return {name: t for name, t in self.names.items() if re.fullmatch(r"[a-z]\d+", name)}


def start(ours: bool) -> Run:
    return Run(ours, {"np": np, "tg": tg} if ours else {"np": np, "torch": torch})


def values(t: Any) -> np.ndarray[Any, Any]:
    return np.array(t.detach().numpy())


def close(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], loose: bool) -> bool:
    """Equal but for rounding: that of float32 where the program uses it."""
    return np.allclose(a, b, rtol=1e-3 if loose else 1e-7, atol=1e-4 if loose else 1e-9, equal_nan=True)


def compare_states(ours: Run, theirs: Run, after: str, loose: bool) -> None:
    mine, yours = ours.tensors(), theirs.tensors()
    if mine.keys() != yours.keys():
        raise Mismatch(f"after {after}: variables {sorted(mine.keys() ^ yours.keys())} exist on one side only")
    leaves = {id(t) for name, t in yours.items() if mine[name].is_leaf and mine[name].requires_grad}
    for name in mine:
        a, b = values(mine[name]), values(yours[name])
        if a.shape != b.shape or a.dtype != b.dtype:
            raise Mismatch(f"after {after}: {name} is {a.dtype}{list(a.shape)}, in PyTorch {b.dtype}{list(b.shape)}")
        if not close(a, b, loose):
            raise Mismatch(f"after {after}: {name} is\n{a}\nin PyTorch\n{b}")
        history = _has_history(yours[name], leaves)
        theirs.tainted |= history is False and yours[name].requires_grad
        if history is not None and history != mine[name].requires_grad:
            raise Mismatch(f"after {after}: {name}.requires_grad is {mine[name].requires_grad}")


def _has_history(t: torch.Tensor, leaves: set[int]) -> bool | None:
    """Whether a leaf of the program reaches a tensor; None where PyTorch refuses to say. Not ``requires_grad``: PyTorch
    gives a view made under no_grad a gradient of its own."""
    try:
        if id(t) in leaves or t.grad_fn is None:
            return id(t) in leaves
        stack, seen = [t.grad_fn], set()
    except RuntimeError:
        return None
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if id(getattr(node, "variable", None)) in leaves:
            return True
        stack += [parent for parent, _ in node.next_functions]
    return False


def compare(program: Program) -> str:
    """Run on both libraries. Raises Mismatch; returns how it ended: "same", "error" (the same one), or a difference."""
    ours, theirs = start(True), start(False)
    for statement in program.statements:
        expected, got = theirs.step(statement), ours.step(statement)
        if expected != got:
            difference = _documented(expected, got, statement.ours, ours.names.get(statement.writes or ""))
            if difference is None:
                raise Mismatch(f"{statement.ours}: tensorgrad {got or 'runs'}, PyTorch {expected or 'runs'}")
            if got is None or expected is None:
                return difference
        compare_states(ours, theirs, statement.ours, program.loose)
    return _differentiate(program, ours, theirs)


REFUSED = ("leaf", "sealed", "broadcast", "history into integers", "dtype", "shape", "index")


def _documented(expected: str | None, got: str | None, line: str = "", written: Any = None) -> str | None:
    """The name of the difference, where it is one of ``DIFFERENCES``."""
    if expected in REFUSED and got in REFUSED:
        return "two faults"
    if expected == "sealed" and got is None:
        sealed = written is not None and written._view is not None and written._view.sealed is not None
        if not (sealed and written.requires_grad):  # else it is we who should have refused
            return "sealed view read"
    if (expected, got) == ("leaf", None) and re.search(r"\] [-+*]= ", line) and written._view is not None:
        return "second write of x[i] += y"
    if got == "untracked" and expected in (None, "saved"):
        return "constant under no_grad"
    if expected is not None or got is None:
        return None
    if got == "broadcast":
        return "part of a broadcast"
    if got == "history into integers" or (got == "sealed" and written is not None and written.dtype.kind == "i"):
        return "history into integers"
    return None


def _differentiate(program: Program, ours: Run, theirs: Run) -> str:
    known = [name for name in program.weights if name in ours.names]
    if not known:
        return "same"
    loss = " + ".join(f"({name} * {program.weights[name]}).sum()" for name in known)
    end = Statement(f"loss = {loss}", f"loss = {loss}", ("loss",))
    expected, got = theirs.step(end), ours.step(end)
    if expected != got:
        difference = _documented(expected, got)
        if difference is None:
            raise Mismatch(f"{end.ours}: tensorgrad {got or 'runs'}, PyTorch {expected or 'runs'}")
        return difference
    if expected is not None:
        return "error"
    leaves = [name for name in program.leaves if name in ours.names]
    if program.order == 2 and leaves:
        return _second_order(leaves, ours, theirs, program.loose)
    last = Statement("loss.backward()", "loss.backward()")
    expected, got = theirs.step(last), ours.step(last)
    if expected != got:
        if (difference := _documented(expected, got)) is not None:
            return difference
        if theirs.tainted and expected == "saved" and got is None:
            return "constant under no_grad"
        raise Mismatch(f"loss.backward(): tensorgrad {got or 'runs'}, PyTorch {expected or 'runs'}")
    if expected is not None:  # PyTorch may have filled some .grad by then
        if any(ours.names[name].grad is not None for name in leaves):
            raise Mismatch("a backward pass that failed has changed a .grad")
        return "error"
    compare_gradients(leaves, ours, theirs, program.loose)
    if program.order == 0:
        _forward(program, leaves, ours, loss)
    return "same"


def compare_gradients(leaves: list[str], ours: Run, theirs: Run, loose: bool) -> None:
    for name in leaves:
        a, b = ours.names[name].grad, theirs.names[name].grad
        if (a is None) != (b is None):
            raise Mismatch(f"{name}.grad is {a}, in PyTorch {b}")
        if a is not None and not close(values(a), values(b), loose):
            raise Mismatch(f"{name}.grad is\n{a}\nin PyTorch\n{b}")


def _second_order(leaves: list[str], ours: Run, theirs: Run, loose: bool) -> str:
    """The gradient of the gradient's square."""
    outcome = []
    for run, lib in ((theirs, torch), (ours, tg)):
        try:
            inputs = [run.names[name] for name in leaves]
            found = lib.autograd.grad(run.names["loss"], inputs, create_graph=True, allow_unused=True)
            parts = [(g * g).sum() for g in found if g is not None and g.requires_grad]
            if parts:
                sum(parts[1:], parts[0]).backward()
            outcome.append(None)
        except Exception as error:
            outcome.append(kind_of(error, run.ours))
    if outcome[0] != outcome[1] and (difference := _documented(*outcome)) is not None:
        return difference
    if theirs.tainted and outcome == ["saved", None]:
        return "constant under no_grad"
    if outcome[0] != outcome[1]:
        raise Mismatch(f"second order: tensorgrad {outcome[1] or 'runs'}, PyTorch {outcome[0] or 'runs'}")
    if outcome[0] is None:
        for name in leaves:
            a, b = ours.names[name].grad, theirs.names[name].grad
            a = np.zeros(()) if a is None else values(a)
            b = np.zeros(()) if b is None else values(b)
            if not close(*np.broadcast_arrays(a, b), loose):
                raise Mismatch(f"second derivative by {name} is\n{a}\nin PyTorch\n{b}")
    return "same" if outcome[0] is None else "error"


def _forward(program: Program, leaves: list[str], ours: Run, loss: str) -> None:
    """Forward mode along all-ones agrees with the gradient's sum."""
    grads = {name: ours.names[name].grad for name in leaves}
    expected = sum(float(values(g).sum()) for g in grads.values() if g is not None)

    def f(*arguments: tg.Tensor) -> tg.Tensor:
        run = start(True)
        run.names.update(zip(leaves, arguments, strict=True))
        for statement in program.statements:
            if not statement.leaf:
                run.step(statement)
        exec(f"loss = {loss}", run.names)
        return run.names["loss"]

    primals = []
    for statement in program.statements:
        if statement.leaf:
            run = start(True)
            run.step(statement)
            primals.append(run.names[statement.makes[0]].detach())
    tangents = [tg.ones_like(x) for x in primals]
    _, tangent = tg.jvp(f, primals, tangents)
    if not close(np.asarray(expected), values(tangent), program.loose):
        raise Mismatch(f"forward mode gives {tangent}, the gradient says {expected}")


# Failing programs.


def fails(program: Program) -> str | None:
    try:
        compare(program)
    except Mismatch as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def shrink(program: Program) -> Program:
    """Fewer statements, as long as the program fails."""
    current, again = program, True
    while again:
        again = False
        for i in reversed(range(len(current.statements))):
            fewer = [s for k, s in enumerate(current.statements) if k != i]
            shorter = Program(current.seed, fewer, current.weights, current.order)
            if fails(shorter):
                current, again = shorter, True
        for name in list(current.weights):
            fewer_weights = {k: w for k, w in current.weights.items() if k != name}
            shorter = Program(current.seed, current.statements, fewer_weights, current.order)
            if fails(shorter):
                current, again = shorter, True
    return current


def script(program: Program) -> str:
    """The program as two that run, and what is wrong."""
    loss = " + ".join(f"({name} * {w}).sum()" for name, w in program.weights.items())
    lines = [
        f"# seed {program.seed}, order {program.order}: {fails(program)}",
        "import numpy as np",
        "import tensorgrad as tg",
    ]
    lines += [s.ours for s in program.statements]
    lines += [f"loss = {loss}", "loss.backward()"] if loss else []
    lines += [f"print({name!r}, {name}.grad)" for name in program.leaves]
    lines += ["", "# the same in PyTorch", "import torch"]
    lines += [s.torch for s in program.statements]
    lines += [f"loss = {loss}", "loss.backward()"] if loss else []
    lines += [f"print({name!r}, {name}.grad)" for name in program.leaves]
    return "\n".join(lines)
