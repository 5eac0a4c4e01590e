"""Random programs of views and in-place writes, run on tensorgrad and on PyTorch, and compared statement by statement.

A program is a list of ``Statement``: one line of Python for each library. ``generate`` writes one, looking at PyTorch's
state as it goes, so that shapes fit. ``compare`` runs it on both: after each statement all values, dtypes and
``requires_grad`` must agree, and errors must be of the same kind; then gradients of a random scalar, by a backward
pass, and for some programs second derivatives and forward mode. ``shrink`` drops statements as long as a program still
fails, and ``script`` prints what is left as a program that runs.

Where the two are meant to differ, ``DIFFERENCES`` says so.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import tensorgrad as tg

DIFFERENCES = {
    "sealed view read": "PyTorch refuses to read a view made under no_grad, or one of several views, once its base was "
    "written to; here the latter is brought up to date, and the former stays a constant unless the write was recorded.",
    "part of a broadcast": "No part of a broadcast tensor can be written to here; PyTorch allows what does not overlap.",
    "two faults": "Both refuse a write that has two faults; which is named first differs.",
    "constant under no_grad": "A view made under no_grad of a tracked tensor is a constant here; PyTorch treats it as a leaf "
    "with a .grad of its own, so that a loss of it alone can be differentiated.",
    "history into integers": "PyTorch drops a value's gradient silently where it is written into integers; here it raises.",
}

SHAPES = [(3,), (4,), (2, 3), (3, 2), (4, 3), (2, 2, 3), (1, 3), (3, 1), ()]
LETTERS = "v"


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
        for kind, classes in (("index", tg.errors.IndexingError), ("shape", tg.errors.ShapeError), ("dtype", tg.errors.DTypeError)):
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
    """A library at work: its variables, and how it runs a line."""

    ours: bool
    names: dict[str, Any]

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
            difference = _documented(expected, got, ours.names.get(statement.writes or ""))
            if difference is None:
                raise Mismatch(f"{statement.ours}: tensorgrad {got or 'runs'}, PyTorch {expected or 'runs'}")
            if got is None or expected is None:
                return difference
        compare_states(ours, theirs, statement.ours, program.loose)
    return _differentiate(program, ours, theirs)


REFUSED = ("leaf", "sealed", "broadcast", "history into integers", "dtype", "shape", "index")


def _documented(expected: str | None, got: str | None, written: Any = None) -> str | None:
    """The name of the difference, where it is one of ``DIFFERENCES``."""
    if expected in REFUSED and got in REFUSED:
        return "two faults"
    if expected == "sealed" and got is None:
        sealed = written is not None and written._view is not None and written._view.sealed is not None
        if not (sealed and written.requires_grad):  # else it is we who should have refused
            return "sealed view read"
    if expected is not None or got is None:
        return None
    if got == "broadcast":
        return "part of a broadcast"
    if got == "history into integers" or (got == "sealed" and written is not None and written.dtype.kind == "i"):
        return "history into integers"
    return "constant under no_grad" if got == "untracked" else None


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
        if got == "untracked" and expected is None:
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
    if outcome == [None, "untracked"]:
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
    lines = [f"# seed {program.seed}, order {program.order}: {fails(program)}", "import numpy as np", "import tensorgrad as tg"]
    lines += [s.ours for s in program.statements]
    lines += [f"loss = {loss}", "loss.backward()"] if loss else []
    lines += [f"print({name!r}, {name}.grad)" for name in program.leaves]
    lines += ["", "# the same in PyTorch", "import torch"]
    lines += [s.torch for s in program.statements]
    lines += [f"loss = {loss}", "loss.backward()"] if loss else []
    lines += [f"print({name!r}, {name}.grad)" for name in program.leaves]
    return "\n".join(lines)


# Writing programs.


class Writer:
    """Writes statements that mostly fit, by looking at what PyTorch made of the ones before."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.program = Program(seed, order=int(self.rng.choice([1, 1, 2, 0])))
        self.run = start(False)
        self.count = 0

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, items: Any) -> Any:
        items = list(items)
        return items[int(self.rng.integers(len(items)))]

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def add(self, ours: str, theirs: str, makes: tuple[str, ...] = (), writes: str | None = None, leaf: bool = False) -> None:
        if not leaf and self.chance(0.08):
            ours, theirs = f"with tg.no_grad(): {ours}", f"with torch.no_grad(): {theirs}"
        statement = Statement(ours, theirs, makes, writes, leaf)
        self.program.statements.append(statement)
        self.run.step(statement)

    def both(self, text: str, makes: tuple[str, ...] = (), writes: str | None = None) -> None:
        """A line that reads the same in both, but for the library's name, written ``LIB``."""
        self.add(text.replace("LIB", "tg"), text.replace("LIB", "torch"), makes, writes)

    def tensors(self) -> dict[str, Any]:
        return self.run.tensors()

    def any(self, suited: Callable[[Any], bool] = lambda t: True) -> str | None:
        names = []
        for name, t in self.tensors().items():
            with contextlib.suppress(RuntimeError):  # a sealed view, of which PyTorch says nothing
                names += [name] * suited(t)
        if not names:
            return None
        recent = names[-4:]
        return str(self.pick(recent if self.chance(0.6) else names))

    # Statements.

    def source(self, requires_grad: bool, dtype: str = "float64") -> None:
        shape = self.pick(SHAPES)
        name = self.fresh()
        size = int(np.prod(shape, dtype=int))
        if dtype == "int64":
            text = f"np.arange({size}).reshape({shape})"
        else:
            text = f"np.sin(np.arange({self.count}.0, {self.count + size}.0)).reshape({shape}).astype({dtype!r})"
        flag = ", requires_grad=True" if requires_grad else ""
        self.add(f"{name} = tg.tensor({text}{flag})", f"{name} = torch.tensor({text}{flag})", (name,), leaf=requires_grad)

    def index(self, shape: tuple[int, ...], arrays: bool) -> str:
        """An index into a shape. No integer stands apart from an array: NumPy and PyTorch order such results differently."""
        parts: list[str] = []
        array_at = None
        for n in shape[: int(self.rng.integers(0, len(shape) + 1))]:
            choice = self.rng.random()
            if arrays and n and choice < 0.35 and array_at is None and not any(p.lstrip("-").isdigit() for p in parts):
                array_at = len(parts)
                chosen = self.rng.permutation(n)[: int(self.rng.integers(1, n + 1))].tolist()
                parts.append(str(chosen if self.chance(0.5) else (self.rng.random(n) < 0.6).tolist()))
            elif choice < 0.6 and n and array_at is None:
                parts.append(str(int(self.rng.integers(-n, n))))
            else:
                low, high = sorted(int(i) for i in self.rng.integers(0, n + 1, 2))
                parts.append(self.pick([":", f"{low}:", f":{high}", f"{low}:{high}", "::2", f"{-n}:-1"]))
        if array_at is None and self.chance(0.15):
            parts.insert(int(self.rng.integers(0, len(parts) + 1)), "None")
        if self.chance(0.15) or not parts:
            parts.append("...")
        return ", ".join(parts)

    def view(self) -> None:
        name = self.any()
        if name is None:
            return
        shape, out = tuple(self.tensors()[name].shape), self.fresh()
        choice = self.rng.random()
        if choice < 0.4:
            self.both(f"{out} = {name}[{self.index(shape, False)}]", (out,))
        elif choice < 0.55:
            axes = tuple(int(i) for i in self.rng.permutation(len(shape)))
            self.add(f"{out} = tg.permute_dims({name}, {axes})", f"{out} = {name}.permute({axes})", (out,))
        elif choice < 0.7:
            self.add(*self.reshape(out, name, shape), (out,))
        elif choice < 0.8:
            axis = int(self.rng.integers(0, len(shape) + 1))
            self.add(f"{out} = tg.expand_dims({name}, axis={axis})", f"{out} = {name}.unsqueeze({axis})", (out,))
        elif choice < 0.88:
            wide = (2, *shape)
            self.add(f"{out} = tg.broadcast_to({name}, {wide})", f"{out} = {name}.expand({wide})", (out,))
        elif shape and shape[0] > 1:
            second = self.fresh()
            k = int(self.rng.integers(1, shape[0]))
            self.add(
                f"{out}, {second} = tg.split({name}, [{k}])",
                f"{out}, {second} = torch.split({name}, [{k}, {shape[0] - k}])",
                (out, second),
            )
        else:
            self.both(f"{out} = {name}.detach()", (out,))

    def reshape(self, out: str, name: str, shape: tuple[int, ...]) -> tuple[str, str]:
        size = int(np.prod(shape, dtype=int))
        choices = [(size,), (1, size), (size, 1)] + [(k, size // k) for k in (2, 3) if size and size % k == 0]
        wanted = self.pick(choices)
        return f"{out} = tg.reshape({name}, {wanted})", f"{out} = {name}.reshape({wanted})"

    def compute(self) -> None:
        name, out = self.any(), self.fresh()
        if name is None:
            return
        t = self.tensors()[name]
        choice = self.rng.random()
        if choice < 0.3 and t.dtype.is_floating_point:
            self.both(f"{out} = LIB.{self.pick(['sin', 'cos', 'tanh', 'exp']) if not self.chance(0.1) else 'sin'}({name} * 0.5)", (out,))
        elif choice < 0.45:
            self.both(f"{out} = {name} {self.pick('+-*')} {self.pick([0.5, 2.0, 2, -1.5])}", (out,))
        elif choice < 0.85:
            other, sign = self.fitting(tuple(t.shape), name), self.pick("+-*")
            theirs = f"{self.cast(name, other)} {sign} {self.cast(other, name)}"
            self.add(f"{out} = {name} {sign} {other}", f"{out} = {theirs}", (out,))
        elif t.dim():
            self.both(f"{out} = {name}[{self.index(tuple(t.shape), True)}]", (out,))
        else:
            self.both(f"{out} = {name}.detach()", (out,))

    def fitting(self, shape: tuple[int, ...], beside: str = "") -> str:
        """A variable that broadcasts to a shape, or a number."""
        wide = self.dtype_of(beside) != torch.float32

        def fits(t: Any) -> bool:
            s = tuple(t.shape)
            if (t.dtype == torch.float64) != wide and t.dtype.is_floating_point and 0 in (len(s), len(shape)):
                return False  # PyTorch lets 0-d tensors give way to others of their kind; NumPy does not
            return len(s) <= len(shape) and all(n in (1, w) for n, w in zip(s[::-1], shape[::-1], strict=False))

        name = self.any(fits)
        if name is None or self.chance(0.1):
            return str(self.pick([0.5, -1.5, 2.0]))
        return name

    def write(self) -> None:
        name = self.any(lambda t: not (t.is_leaf and t.requires_grad)) if self.chance(0.9) else self.any()
        if name is None:
            return
        shape = tuple(self.tensors()[name].shape)
        choice = self.rng.random()
        if choice < 0.4:
            value = self.fitting(shape, name) if self.chance(0.95) else str(self.any())
            sign = self.pick("+-*")
            theirs = self.apart(value, name) if self.dtype_of(value) == self.dtype_of(name) else self.cast(value, name)
            self.add(f"{name} {sign}= {value}", f"{name} {sign}= {theirs}", writes=name)
            return
        key = self.index(shape, True)
        region = self.region(name, key)
        if region is None:
            return
        if choice < 0.8:
            value = self.fitting(region, name) if self.chance(0.95) else str(self.any())
            if self.is_region(value, name, key):
                return  # written onto itself, which is no write here
            self.add(f"{name}[{key}] = {value}", f"{name}[{key}] = {self.apart(value, name)}", writes=name)
        elif choice < 0.9:
            value, sign = self.fitting(region, name), self.pick("+-*")
            theirs = self.apart(value, name) if self.dtype_of(value) == self.dtype_of(name) else self.cast(value, name)
            self.add(f"{name}[{key}] {sign}= {value}", f"{name}[{key}] {sign}= {theirs}", writes=name)
        else:
            other, form = self.any(lambda t: tuple(t.shape) == shape), self.pick(["T", "self", "shift"])
            if form == "T" and len(shape) == 2 and shape[0] == shape[1]:
                self.add(f"{name} += tg.permute_dims({name}, (1, 0))", f"{name} += {name}.permute(1, 0).clone()", writes=name)
            elif form == "shift" and shape and shape[0] > 1:
                self.add(f"{name}[1:] += {name}[:-1]", f"{name}[1:] += {name}[:-1].clone()", writes=name)
            elif form == "self":
                self.both(f"{name}[...] = {name}", writes=name)
            elif other is not None and not self.is_region(other, name, "..."):
                self.add(f"{name}[...] = {other}", f"{name}[...] = {self.apart(other, name)}", writes=name)

    def cast(self, name: str, other: str) -> str:
        """An operand for PyTorch: integers beside floats as the copy that is made of them here, which no write reaches."""
        mine, its = self.dtype_of(name), self.dtype_of(other)
        whole = mine is not None and its is not None and not mine.is_floating_point and its.is_floating_point
        return f"{name}.to({other}.dtype)" if whole else name

    def dtype_of(self, name: str) -> Any:
        return getattr(self.tensors().get(name), "dtype", None)

    def apart(self, value: str, name: str) -> str:
        """A value for PyTorch, which does not write what overlaps with the target: copied where it does."""
        tensors = self.tensors()
        if value not in tensors:
            return value
        if tensors[value].dtype != tensors[name].dtype:
            return f"{value}.to({name}.dtype)"
        shared = tensors[value].untyped_storage().data_ptr() == tensors[name].untyped_storage().data_ptr()
        return f"{value}.clone()" if shared else value

    def is_region(self, value: str, name: str, key: str) -> bool:
        t = self.tensors().get(value)
        region = eval(f"{name}.detach()[{key}]", dict(self.run.names))
        if t is None or value == name:
            return False
        return bool(t.data_ptr() == region.data_ptr() and t.shape == region.shape)

    def region(self, name: str, key: str) -> tuple[int, ...] | None:
        try:
            return tuple(eval(f"{name}.detach()[{key}]", dict(self.run.names)).shape)
        except Exception:
            return None

    def odd(self) -> None:
        choice = self.rng.random()
        name = self.any()
        if name is None:
            return
        if choice < 0.5:
            out = self.fresh()
            self.both(f"{out} = {name}.detach()", (out,))
        elif choice < 0.7:
            t = self.tensors()[name]
            storage = t.untyped_storage().data_ptr()
            alone = sum(u.untyped_storage().data_ptr() == storage for u in self.tensors().values()) == 1
            if alone and t.is_leaf and t.dtype.is_floating_point and not t.requires_grad:
                self.both(f"{name}.requires_grad_()")
        elif choice < 0.85:
            self.source(False, self.pick(["float64", "float64", "float32", "int64"]))
        else:
            self.source(True)


def generate(seed: int, length: int = 12) -> Program:
    """A random program of about ``length`` statements."""
    writer = Writer(seed)
    for _ in range(int(writer.rng.integers(1, 3))):
        writer.source(True)
    writer.source(False, str(writer.rng.choice(["float64", "float64", "float32", "int64"])))
    while len(writer.program.statements) < length:
        before = len(writer.program.statements)
        kind = writer.rng.random()
        (writer.view if kind < 0.3 else writer.compute if kind < 0.55 else writer.write if kind < 0.92 else writer.odd)()
        if len(writer.program.statements) == before and writer.chance(0.05):
            break
    names = [n for n, t in writer.tensors().items() if t.dtype.is_floating_point]
    for name in names:
        if writer.chance(0.6):
            writer.program.weights[name] = float(writer.pick([0.3, -1.2, 2.0, 0.7]))
    return writer.program


def check(seed: int) -> str:
    """Write and compare one program; a failure shows the smallest script that still fails."""
    program = generate(seed)
    if fails(program) is None:
        return compare(program)
    raise Mismatch(script(shrink(program)))
