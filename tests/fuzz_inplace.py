"""Random programs of views and in-place writes.

``generate`` writes one, looking at PyTorch's state as it goes, so that shapes fit; ``check`` runs it on tensorgrad and
on PyTorch (see ``fuzz_compare``), and shows the smallest script that still fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from fuzz_compare import Mismatch, Program, Statement, compare, fails, script, shrink, start

SHAPES = [(3,), (4,), (2, 3), (3, 2), (4, 3), (2, 2, 3), (1, 3), (3, 1), ()]


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

    def add(
        self, ours: str, theirs: str, makes: tuple[str, ...] = (), writes: str | None = None, leaf: bool = False
    ) -> None:
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
        self.add(
            f"{name} = tg.tensor({text}{flag})", f"{name} = torch.tensor({text}{flag})", (name,), leaf=requires_grad
        )

    def index(self, shape: tuple[int, ...], arrays: bool) -> str:
        """An index into a shape. No integer stands apart from an array: the libraries would order axes differently."""
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
            self.both(f"{out} = LIB.{self.pick(['sin', 'cos', 'tanh', 'exp'])}({name} * 0.5)", (out,))
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
            theirs = self.cast(value, name)
            if theirs == value and self.dtype_of(value) == self.dtype_of(name) and not self.copies(key):
                theirs = self.apart(value, name)
            self.add(f"{name}[{key}] {sign}= {value}", f"{name}[{key}] {sign}= {theirs}", writes=name)
        else:
            other, form = self.any(lambda t: tuple(t.shape) == shape), self.pick(["T", "self", "shift"])
            if form == "T" and len(shape) == 2 and shape[0] == shape[1]:
                self.add(
                    f"{name} += tg.permute_dims({name}, (1, 0))", f"{name} += {name}.permute(1, 0).clone()", writes=name
                )
            elif form == "shift" and shape and shape[0] > 1:
                self.add(f"{name}[1:] += {name}[:-1]", f"{name}[1:] += {name}[:-1].clone()", writes=name)
            elif form == "self":
                self.both(f"{name}[...] = {name}", writes=name)
            elif other is not None and not self.is_region(other, name, "..."):
                self.add(f"{name}[...] = {other}", f"{name}[...] = {self.apart(other, name)}", writes=name)

    def copies(self, key: str) -> bool:
        """Whether reading at a key gives a copy, which overlaps with nothing."""
        return "[" in key

    def cast(self, name: str, other: str) -> str:
        """An operand for PyTorch: integers beside floats as the copy made of them here, which no write reaches."""
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
        (
            writer.view
            if kind < 0.3
            else writer.compute
            if kind < 0.55
            else writer.write
            if kind < 0.92
            else writer.odd
        )()
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
