"""The program as data: a linear list of instructions, read off a graph or captured while it runs.

``Tape.of(loss)`` lists what led to a tensor: printing, pictures and explanations read it. ``capture(f, *args)`` runs
``f`` and records every operation it performs, in program order: forward, backward and in-place updates alike. Such a
tape can be replayed on other arguments. Tensors that the program uses but was not given (parameters, optimizer state)
are its ``state``: replay reads and writes their memory in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from .backends.base import Device
from .backends.registry import backend_of, find, known_types
from .core.generator import Generator
from .core.lines import Line, caller, describe
from .core.node import Info, Item, Leaf, Node, Vertex
from .core.report import complain
from .core.state import Under, get_state
from .core.tensor import Tensor, make
from .core.tree import flatten, map_tensors
from .errors import CaptureError, DTypeError, ShapeError
from .op import Op, bind, bound_of
from .views import raise_version

__all__ = ["Constant", "Instruction", "Tape", "capture"]

_PLACE = make(np.empty(0), None)  # stands for each tensor in the structure of a result


class Constant(NamedTuple):
    """An operand that is no tensor: a number, or None."""

    value: Any

    def __str__(self) -> str:
        return repr(self.value)


class Draw(NamedTuple):
    """A position taken from a random generator: how many words, and where the op wants to read it."""

    generator: Generator
    words: int
    device: Device

    def again(self) -> Any:
        """The generator's next position, as an array on that device."""
        return find(self.device.kind).asarray(self.generator.reserve(self.words), device=self.device)


@final
class Instruction:
    """One operation: ``outputs = op(inputs, params)``. Slots are numbers; other operands are constants.

    An input is None where a graph does not say what it was: an untracked operand that no rule needed.
    """

    __slots__ = ("inputs", "line", "op", "outputs", "params")

    def __init__(
        self,
        op: Op,
        inputs: tuple[int | Constant | None, ...],
        params: tuple[Any, ...],
        outputs: tuple[int, ...],
        line: Line | None,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.params = params
        self.outputs = outputs
        self.line = line

    def __str__(self) -> str:
        shown = ["?" if i is None else f"%{i}" if isinstance(i, int) else str(i) for i in self.inputs]
        shown += [f"{name}={value}" for name, value in zip(self.op.params, self.params, strict=True)]
        outs = ", ".join(f"%{o}" for o in self.outputs)
        return f"{outs} {'<-' if self.op.writes else '='} {self.op.name}({', '.join(shown)})"


@final
class Tape:
    """A linear program.

    ``inputs`` are the slots fed at replay, ``state`` the tensors used by reference, by slot, ``draws`` the positions
    taken from random generators (every replay takes new ones), ``outputs`` the slots returned, ``infos`` shape and
    dtype of every slot.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> print(tg.Tape.of((x * x).sum()))
    %0: float32[2] is an input
    %1: float32[2] = multiply(%0, %0)
    %2: float32[] = sum(%1, axis=(0,), keepdims=False)
    returns %2
    """

    __slots__ = ("_last_use", "draws", "infos", "inputs", "instructions", "outputs", "state", "tree")

    def __init__(
        self,
        instructions: Sequence[Instruction],
        inputs: Sequence[int],
        state: dict[int, Tensor],
        outputs: Sequence[int],
        infos: dict[int, Info],
        tree: Any = None,
        draws: dict[int, Draw] | None = None,
    ) -> None:
        self.instructions = tuple(instructions)
        self.inputs = tuple(inputs)
        self.state = state
        self.outputs = tuple(outputs)
        self.infos = infos
        self.tree = tree
        self.draws = draws or {}
        self._last_use: dict[int, int] = {}
        for position, step in enumerate(self.instructions):
            for slot in (*step.inputs, *step.outputs):
                if isinstance(slot, int):
                    self._last_use[slot] = position

    @staticmethod
    def of(*tensors: Tensor) -> Tape:
        """What led to these tensors, read off their graph; leaves that require a gradient are the inputs."""
        return _linearise(tensors)

    def __len__(self) -> int:
        return len(self.instructions)

    def __str__(self) -> str:
        lines = [f"%{slot}: {self.infos[slot]} is an input" for slot in self.inputs]
        lines += [f"%{slot}: {self.infos[slot]} is state" for slot in self.state]
        lines += [f"%{slot}: {self.infos[slot]} is drawn from a generator" for slot in self.draws]
        for step in self.instructions:
            outs = ", ".join(f"%{o}: {self.infos[o]}" for o in step.outputs)
            lines.append(outs + str(step).removeprefix(", ".join(f"%{o}" for o in step.outputs)))
        return "\n".join([*lines, f"returns {', '.join(f'%{o}' for o in self.outputs)}"])

    def listing(self) -> str:
        """The tape with the user's line beside each instruction."""
        lines = [str(step) for step in self.instructions]
        width = max(map(len, lines), default=0)
        return "\n".join(
            f"{text:{width}}  # {describe(step.line)}" for text, step in zip(lines, self.instructions, strict=True)
        )

    def verify(self) -> None:
        """Check that the program is well formed; raises CaptureError.

        Every slot is defined before it is used and defined once (in-place ops excepted, which redefine an input),
        and what each op's ``infer`` promises is what was recorded.
        """
        defined = {*self.inputs, *self.state, *self.draws}
        for position, step in enumerate(self.instructions):
            for slot in step.inputs:
                if isinstance(slot, int) and slot not in defined:
                    raise CaptureError(f"instruction {position}, {step}: slot %{slot} is used before it is defined")
            written = step.inputs[: step.op.writes]
            for place, slot in enumerate(step.outputs):
                if step.op.writes and slot != written[place]:
                    raise CaptureError(f"instruction {position}, {step}: an in-place op must return what it writes")
                if not step.op.writes and slot in defined:
                    raise CaptureError(f"instruction {position}, {step}: slot %{slot} is defined twice")
                defined.add(slot)
            self._verify_infos(position, step)
        for slot in self.outputs:
            if slot not in defined:
                raise CaptureError(f"the output %{slot} is never defined")

    def _verify_infos(self, position: int, step: Instruction) -> None:
        if step.op.infer is None or None in step.inputs:
            return
        operands = [self.infos[i] if isinstance(i, int) else i.value for i in step.inputs if i is not None]
        if step.op.variadic:
            operands = [*operands[: step.op.fixed], operands[step.op.fixed :]]
        try:
            promised = step.op.infer(dict(zip(step.op.params, step.params, strict=True)), *operands)
        except DTypeError:
            return  # a shape that depends on values
        infos = promised if isinstance(promised, tuple) else (promised,)
        for slot, info in zip(step.outputs, infos, strict=False):
            if (info.shape, info.dtype) != (self.infos[slot].shape, self.infos[slot].dtype):
                recorded = self.infos[slot]
                raise CaptureError(f"instruction {position}, {step}: infer says {info}, recorded was {recorded}")

    def replay(self, *args: Any) -> Any:
        """Run the program again on other arguments, of the same structure, shapes and dtypes as those captured.

        What it wrote in place is written again, to the same memory; the results are new tensors without history.

        Raises ShapeError or DTypeError for an argument that does not match, before anything is run; CaptureError for a
        tape read off a graph.
        """
        given = flatten(args)
        self._check(given)
        values: dict[int, Any] = {slot: t.data for slot, t in self.state.items()}
        values.update(zip(self.inputs, (t.data for t in given), strict=True))
        values.update((slot, draw.again()) for slot, draw in self.draws.items())
        keep = set(self.outputs)
        for position, step in enumerate(self.instructions):
            self._run(step, values)
            for slot in {*step.inputs, *step.outputs}:
                if isinstance(slot, int) and slot not in keep and self._last_use[slot] == position:
                    values.pop(slot, None)
        line = caller()
        for step in self.instructions:
            for slot in step.outputs if step.op.writes else ():
                if slot in self.state:
                    raise_version(self.state[slot], line)
        results = iter(self.outputs)
        return map_tensors(lambda _: make(values[next(results)], line), self.tree)

    def _check(self, given: Sequence[Tensor]) -> None:
        if self.tree is None:
            raise CaptureError(
                "this tape was read off a graph, which does not hold all operands; replay needs tg.capture"
            )
        if len(given) != len(self.inputs):
            raise complain(ShapeError, "replay", f"expected {len(self.inputs)} tensors, got {len(given)}")
        for position, (slot, t) in enumerate(zip(self.inputs, given, strict=True)):
            info = self.infos[slot]
            if t.shape != info.shape:
                message = f"tensor {position} must have shape {list(info.shape)}, got {list(t.shape)}"
                raise complain(ShapeError, "replay", message, [t], [f"tensor {position}"])
            if t.dtype != info.dtype:
                message = f"tensor {position} must have dtype {info.dtype}, got {t.dtype}"
                raise complain(DTypeError, "replay", message, [t], [f"tensor {position}"])

    def _run(self, step: Instruction, values: dict[int, Any]) -> None:
        op = step.op
        operands = [values[i] if isinstance(i, int) else i.value for i in step.inputs]  # type: ignore[union-attr]
        arrays = [v for v in operands if type(v) in known_types]
        if arrays:
            bound = bound_of(op, arrays[0])
        else:
            backend = find(dict(zip(op.params, step.params, strict=True))["device"].kind)
            bound = bind(op, backend.array_type, backend)
        if op.variadic:
            operands = [*operands[: op.fixed], operands[op.fixed :]]
        result = bound.f(*operands, **dict(zip(op.params, step.params, strict=True)))
        if op.writes:
            return
        parts = (result,) if op.outputs == 1 else result
        for slot, part in zip(step.outputs, parts, strict=True):
            values[slot] = part if type(part) in known_types else bound.backend.asarray(part)


class Recorder:
    """What a capture puts into the state: it is shown every operation, and refuses reads of values."""

    def __init__(self, given: Sequence[Tensor]) -> None:
        self.instructions: list[Instruction] = []
        self.infos: dict[int, Info] = {}
        self.state: dict[int, Tensor] = {}
        self.draws: dict[int, Draw] = {}
        self._slots: dict[int, int] = {}
        self._reserved: dict[int, Draw] = {}
        self._alive: list[Any] = []  # arrays are told apart by id, so none may die meanwhile
        self.inputs = [self._define(t) for t in given]

    def _define(self, t: Tensor) -> int:
        slot = len(self.infos)
        self.infos[slot] = Info(t.data.shape, t.data.dtype)
        self._slots[id(t.data)] = slot
        self._alive.append(t.data)
        return slot

    def slot(self, t: Tensor) -> int:
        """The slot of a tensor; one never seen before is state."""
        found = self._slots.get(id(t.data))
        if found is None:
            found = self._define(t)
            if id(t.data) in self._reserved:
                self.draws[found] = self._reserved[id(t.data)]
            else:
                self.state[found] = t.detach()
        return found

    def reserve(self, generator: Generator, words: int, position: Any) -> None:
        """Note that ``position`` was taken from a generator, which a replay does again."""
        self._reserved[id(position)] = Draw(generator, words, backend_of(position).device_of(position))
        self._alive.append(position)

    def record(self, op: Op, operands: Sequence[Any], params: tuple[Any, ...], outs: Sequence[Tensor]) -> None:
        inputs = tuple(self.slot(x) if isinstance(x, Tensor) else Constant(x) for x in operands)
        if op.writes:
            outputs = tuple(i for i in inputs[: op.writes] if isinstance(i, int))
        else:
            outputs = tuple(self._define(out) for out in outs)
        line = get_state().line or caller()
        self.instructions.append(Instruction(op, inputs, params, outputs, line))

    def refuse(self, what: str) -> None:
        raise complain(
            CaptureError,
            what,
            "this reads a value, which a captured program cannot do: its result would be frozen into the tape",
            advice="Return the tensor from the captured function and read it outside.",
        )


def capture(f: Callable[..., Any], *args: Any) -> tuple[Any, Tape]:
    """Run ``f(*args)`` and record all it does: ``(result, tape)``.

    ``args`` and the result may be nested containers of tensors. All else ``f`` touches is used by reference.

    Raises CaptureError if ``f`` reads a value (``item``, ``float``, ``if t:``), or another capture is active.

    >>> import tensorgrad as tg
    >>> result, tape = tg.capture(lambda x: x * 2 + 1, tg.tensor([1.0, 2.0]))
    >>> tape.replay(tg.tensor([10.0, 20.0]))
    tensor([21., 41.])
    """
    if get_state().capture is not None:
        raise complain(CaptureError, "capture", "a capture is active already; captures do not nest")
    recorder = Recorder(flatten(args))
    with Under(capture=recorder):
        result = f(*args)
    outputs = [recorder.slot(t) for t in flatten(result)]
    structure = map_tensors(lambda _: _PLACE, result)
    tape = Tape(
        recorder.instructions, recorder.inputs, recorder.state, outputs, recorder.infos, structure, recorder.draws
    )
    return result, tape


def _linearise(tensors: Sequence[Tensor]) -> Tape:
    order = _by_rank([t._node for t in tensors if t._node is not None])
    slots: dict[Vertex | tuple[Node, int], int] = {}
    infos: dict[int, Info] = {}

    def define(key: Any, shape: Any, dtype: Any) -> int:
        slots[key] = len(infos)
        infos[slots[key]] = Info(shape, dtype)
        return slots[key]

    inputs = [define(v, v.shape, v.dtype) for v in order if isinstance(v, Leaf)]
    instructions = []
    for v in order:
        if isinstance(v, Item):
            slots[v] = slots[(v.node, v.index)]
        elif isinstance(v, Node):
            operands = tuple(_operand(v, position, slots) for position in range(len(v.parents)))
            if isinstance(v.dtype, tuple):
                parts = enumerate(zip(v.shape, v.dtype, strict=True))
                outs = tuple(define((v, i), shape, dtype) for i, (shape, dtype) in parts)
            else:
                outs = (define(v, v.shape, v.dtype),)
            instructions.append(Instruction(v.op, operands, v.params, outs, v.line))
    outputs = [slots[t._node] for t in tensors if t._node is not None]
    return Tape(instructions, inputs, {}, outputs, infos)


def _operand(node: Node, position: int, slots: dict[Any, int]) -> int | Constant | None:
    parent = node.parents[position]
    if parent is not None:
        return slots[parent]
    for k, (what, which) in enumerate(node.plan.sources):
        if what == "input" and which == position and node.saved is not None and not hasattr(node.saved[k], "dtype"):
            return Constant(node.saved[k])
    return None


def _by_rank(starts: Sequence[Vertex]) -> list[Vertex]:
    seen: dict[Vertex, None] = {}
    stack = list(starts)
    while stack:
        vertex = stack.pop()
        if vertex not in seen:
            seen[vertex] = None
            parents = (vertex.node,) if isinstance(vertex, Item) else vertex.parents
            stack.extend(p for p in reversed(parents) if p is not None and p not in seen)
    return sorted(seen, key=lambda v: v.rank)
