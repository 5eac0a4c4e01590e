"""What errors say: the op, what was expected, what came, each operand and the user's line that made it; and that an
error changes nothing."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

import tensorgrad as tg
from tensorgrad.errors import (
    AxisError,
    DeviceError,
    DTypeError,
    GradientError,
    IndexingError,
    InPlaceError,
    LabelError,
    NaNError,
    ShapeError,
    TensorgradError,
)


def error_of(call: Callable[[], Any]) -> Exception:
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def make(*shape: int, dtype: str = "float32") -> tg.Tensor:
    return tg.ones(shape, dtype=dtype)


# Each error: the kind, and what must be in the message. {here} is this file.

A, B, W, I = make(2, 3), make(4), make(2, 3).requires_grad_(), tg.tensor([1, 2])
SHAPES_DEVICE = tg.zeros((2, 3), device="shapes")

CASES: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    "shapes that do not broadcast": (
        lambda: A + B,
        ShapeError,
        ["add: shapes [2, 3] and [4] do not broadcast", "a: float32[2, 3] on cpu, made at", "b: float32[4] on cpu"],
    ),
    "matmul": (lambda: A @ B, ShapeError, ["matmul: ", "length 3", "4", "a: float32[2, 3]", "b: float32[4]"]),
    "axis": (lambda: A.sum(axis=2), AxisError, ["sum: axis 2 is out of range: expected -2 to 1", "x: float32[2, 3]"]),
    "axis twice": (lambda: tg.sum(A, axis=(0, -2)), AxisError, ["sum: ", "twice", "x: float32[2, 3]"]),
    "dtype": (lambda: tg.bitwise_and(A, A), DTypeError, ["bitwise_and: expected integers or booleans, got float32"]),
    "no dtype": (lambda: tg.astype(A, "text"), DTypeError, ["astype: expected a dtype", "'text'"]),
    "no operand": (lambda: A + "x", DTypeError, ["add: expected a tensor, an array or a number, got str", "b: 'x'"]),
    "devices": (
        lambda: A * SHAPES_DEVICE,
        DeviceError,
        ["multiply: operands are on different devices, cpu and shapes", "on cpu, made at", "on shapes, made at"],
    ),
    "device name": (lambda: make(2).to("tpu"), DeviceError, ["unknown device 'tpu'", "'cpu', 'cuda'"]),
    "reshape": (lambda: A.reshape(5), ShapeError, ["reshape: cannot reshape 6 elements into (5,)", "x: float32[2, 3]"]),
    "index": (lambda: A[0, 5], IndexingError, ["indexing: index [0, 5] does not fit shape [2, 3]", "x: float32[2, 3]"]),
    "index array": (lambda: A[[0, 7]], IndexingError, ["indexing: index 7 is out of bounds for axis 0 with size 2"]),
    "mask": (lambda: A[np.ones(3, bool)], IndexingError, ["[bool[3]] does not fit shape [2, 3]"]),
    "concat": (lambda: tg.concat([A, B]), ShapeError, ["concat: ", "arrays[0]: float32[2, 3]", "arrays[1]: "]),
    "write": (
        lambda: A.__setitem__(0, B),
        ShapeError,
        ["x[...] = value: values of shape [4] do not fit x[0], which has shape [3]", "x: float32[2, 3]", "value: "],
    ),
    "write to a leaf": (lambda: W.__iadd__(1.0), InPlaceError, ["in-place write: a leaf", "no_grad", "x: float32"]),
    "in-place shape": (lambda: B.__iadd__(make(2, 4)), ShapeError, ["in-place add: ", "[2, 4]", "x: float32[4]"]),
    "in-place dtype": (lambda: I.__imul__(0.5), DTypeError, ["in-place multiply: ", "float32", "int64", "x: int64[2]"]),
    "float()": (lambda: float(A), ShapeError, ["float(): only a tensor of one element", "x: float32[2, 3]"]),
    "bool()": (lambda: bool(A), ShapeError, ["bool(): only a tensor of one element", ".all()"]),
    "int()": (lambda: int(A), ShapeError, ["int(): only a tensor of one element"]),
    "item()": (lambda: A.item(), ShapeError, ["item(): only a tensor of one element"]),
    "if": (lambda: 1 if A > 0 else 2, ShapeError, ["bool(): ", "x: bool[2, 3] on cpu, made at"]),
    "backward on many": (lambda: (W * 2).backward(), GradientError, ["backward: only a tensor of one", "[2, 3]"]),
    "backward on none": (lambda: A.sum().backward(), GradientError, ["backward: this tensor does not depend on any"]),
    "cotangent": (
        lambda: (W * 2).backward(tg.ones(3)),
        ShapeError,
        ["backward: gradient must have the tensor's shape [2, 3], got [3]", "gradient: float32[3]"],
    ),
    "numpy of a tracked": (lambda: np.asarray(W), GradientError, ["numpy(): ", ".detach().numpy()"]),
    "integers that require": (lambda: I.requires_grad_(), DTypeError, ["requires_grad_: only floating", "int64"]),
    "labels": (
        lambda: tg.nn.functional.cross_entropy(A, tg.tensor([0, 3])),
        LabelError,
        ["label 3 at position 1", "3 classes", "logits: float32[2, 3]", "target: int64[2]"],
    ),
    "layer": (lambda: tg.nn.Linear(4, 2)(A), ShapeError, ["linear: ", "x: float32[2, 3]", "weight: float32[2, 4]"]),
    "nested sequences": (lambda: tg.tensor([[1], [1, 2]]), ShapeError, ["tensor: expected nested sequences of equal"]),
    "grad of a non-scalar": (lambda: tg.grad(lambda x: x * 2)(A), GradientError, ["must return one number", "[2, 3]"]),
}


@pytest.mark.parametrize("case", CASES)
def test_messages(case: str) -> None:
    call, kind, words = CASES[case]
    error = error_of(call)
    message = str(error)
    assert isinstance(error, kind), message
    assert isinstance(error, TensorgradError)
    for word in words:
        assert word in message, f"{word!r} is missing in:\n{message}"
    first, *rest = message.splitlines()
    assert ": " in first
    assert any(line.startswith("  at test_errors.py:") for line in rest), f"not the user's line in:\n{message}"
    assert "tensorgrad/" not in message
    for line in rest:
        assert "unknown line" not in line, message


@pytest.mark.parametrize("case", CASES)
def test_no_noise(case: str) -> None:
    """One traceback, no chain of the library's inner exceptions."""
    error = error_of(CASES[case][0])
    text = "".join(traceback.format_exception(error))
    assert "During handling" not in text
    assert "direct cause" not in text


@pytest.mark.parametrize("case", CASES)
def test_existing_except_clauses_keep_working(case: str) -> None:
    _, kind, _ = CASES[case]
    assert any(issubclass(kind, known) for known in (ValueError, TypeError, IndexError, RuntimeError, ArithmeticError))


# Lines.


def line_in(message: str) -> str:
    (found,) = [line for line in message.splitlines() if line.startswith("  at ")]
    return found


def test_statements_of_several_lines() -> None:
    def nested() -> tg.Tensor:
        return tg.concat(
            [
                A * 2.0,
                A @ B,
            ]
        )

    def chained() -> tg.Tensor:
        return (
            A
            * 2.0
            + B
        )  # fmt: skip

    assert line_in(str(error_of(nested))).endswith("in nested: A @ B,")
    assert "in chained: A" in line_in(str(error_of(chained)))


def test_the_line_is_the_users_innermost() -> None:
    def model(x: tg.Tensor) -> tg.Tensor:
        return (x + B).sum()  # inside a transform

    assert line_in(str(error_of(lambda: tg.grad(model)(A)))).endswith("(x + B).sum()  # inside a transform")
    lines = [line_in(str(error_of(lambda: [x + B for x in (A, A)])))]
    lines.append(line_in(str(error_of(lambda: tg.nn.Sequential(tg.nn.Linear(3, 2), tg.nn.Linear(3, 2))(A)))))
    assert all("test_errors.py" in line and ("<lambda>" in line or "listcomp" in line) for line in lines)


def test_operands_made_in_different_places() -> None:
    first = tg.zeros(3)
    second = first * 2.0  # here it was computed
    third = tg.ones((2, 2))[:1]
    message = str(error_of(lambda: second @ third))
    assert "made at test_errors.py" in message
    assert "second = first * 2.0  # here it was computed" in message
    assert "third = tg.ones((2, 2))[:1]" in message


def test_operations_that_a_derivative_rule_made_have_the_line_it_differentiates() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    y = (w * w * w).sum()  # the line to find
    (g,) = tg.autograd.grad(y, w, create_graph=True)
    message = str(error_of(lambda: g + tg.ones(3)))
    assert "the line to find" in message


# Derivatives.


def test_a_second_backward() -> None:
    w = make(2).requires_grad_()
    y = tg.exp(w).sum()  # recorded here
    y.backward()
    message = str(error_of(y.backward))
    for words in ("backward: a second time through sum", "recorded at test_errors.py", "recorded here", "retain_graph"):
        assert words in message


def test_a_saved_value_changed_in_place() -> None:
    w = make(2).requires_grad_()
    x = w * 1.0
    y = x * x  # saved here
    x += 1.0  # changed here
    message = str(error_of(lambda: y.sum().backward()))
    for words in ("multiply saved", "saved at test_errors.py", "saved here", "written at", "changed here"):
        assert words in message
    assert w.grad is None


def test_the_origin_of_a_nan_forward() -> None:
    x = tg.tensor([-1.0, 1.0])
    with tg.detect_nan():
        message = str(error_of(lambda: with_warnings_off(lambda: tg.log(x) * 2.0)))
    assert "log: the result contains NaN; this op made the first NaN" in message
    assert "x: float32[2] on cpu, made at test_errors.py" in message
    assert "tg.log(x) * 2.0" in message


def test_the_origin_of_a_nan_backward() -> None:
    w = tg.tensor([0.0, 1.0], requires_grad=True)
    y = tg.sqrt(w)  # this one
    z = (y * tg.tensor([0.0, 1.0])).sum()
    with tg.detect_nan():
        error = error_of(lambda: with_warnings_off(z.backward))
    assert isinstance(error, NaNError)
    assert "the derivative of sqrt, of shape [2], is the first to contain NaN" in str(error)
    assert "recorded at test_errors.py" in str(error)
    assert "this one" in str(error)
    assert w.grad is None
    again = (w * 1.0).sum()
    with tg.detect_nan():
        assert "given contains NaN already" in str(error_of(lambda: again.backward(tg.tensor(float("nan")))))


def with_warnings_off(call: Callable[[], Any]) -> Any:
    with np.errstate(all="ignore"):
        return call()


def test_an_error_inside_a_rule_names_the_op_and_keeps_the_users_traceback() -> None:
    @tg.custom_op
    def twice(x: Any) -> Any:
        return x * 2

    @twice.vjp(raw=True)
    def rule(g: Any) -> Any:
        raise ValueError("the rule is wrong")

    w = make(3).requires_grad_()
    y = twice(w)  # recorded here
    error = error_of(lambda: y.sum().backward())
    message = str(error)
    for words in ("derivative of custom.twice: the rule is wrong", "x: float32[3]", "recorded here"):
        assert words in message, message
    assert isinstance(error.__cause__, ValueError)
    assert "partly released" in message
    assert w.grad is None


def test_an_error_inside_the_users_own_op_keeps_its_traceback() -> None:
    @tg.custom_op
    def broken(x: Any) -> Any:
        raise IndexError("no such row")

    error = error_of(lambda: broken(A))
    assert isinstance(error, IndexingError)
    assert "custom.broken: no such row" in str(error)
    assert "raise IndexError" in "".join(traceback.format_exception(error))


def test_what_is_no_fault_of_the_operands_stays_what_it_is() -> None:
    error = error_of(lambda: tg.zeros((10**7, 10**7)) + 1.0)
    assert isinstance(error, MemoryError)
    assert "while computing" in error.__notes__[0]
    assert "at test_errors.py" in error.__notes__[0]
    with np.errstate(all="raise"):
        error = error_of(lambda: tg.divide(A, 0.0))
    assert isinstance(error, FloatingPointError)
    assert "while computing divide" in error.__notes__[0]


# CUDA asked for, and absent.

NO_CUPY = """
import sys
sys.modules["cupy"] = None  # what import sees where it is not installed
import tensorgrad as tg
x = tg.ones(2)
for call in (lambda: tg.zeros(2, device="cuda"), lambda: x.to("cuda:0"), lambda: tg.tensor([1.0], device="cuda")):
    try:
        call()
    except tg.errors.DeviceError as error:
        print(type(error).__name__, str(error).replace(chr(10), " | "), error.__cause__ is None)
print(tg.backends.available())
"""


def test_cuda_without_cupy_names_the_command() -> None:
    done = subprocess.run([sys.executable, "-c", NO_CUPY], capture_output=True, text=True, check=True)
    *lines, available = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout + done.stderr
    for line in lines:
        assert "pip install 'tensorgrad-engine[cuda1" in line
        assert "device 'cuda" in line
    assert "'cuda': False" in available


def test_cuda_without_a_device_says_what_is_missing() -> None:
    if tg.backends.available()["cuda"]:
        pytest.skip("there is a CUDA device here")
    message = str(error_of(lambda: tg.zeros(2, device="cuda")))
    assert "new tensor: device 'cuda:0' is not available" in message or "device 'cuda'" in message
    assert "install" in message


# Errors change nothing.


class Snapshot:
    """All that an error must leave as it was."""

    def __init__(self, tensors: list[tg.Tensor]) -> None:
        self.tensors = tensors
        self.seen = self.look()

    def look(self) -> list[Any]:
        return [
            (t.data.tobytes(), t.shape, t.dtype, t._cell[0], id(t._node), None if t.grad is None else t.grad.tolist())
            for t in self.tensors
        ]

    def check(self, what: str) -> None:
        assert self.look() == self.seen, f"{what} changed something"


BAD_CALLS: dict[str, Callable[[list[tg.Tensor]], Any]] = {
    "add": lambda t: t[0] + t[1],
    "matmul": lambda t: t[0] @ t[1],
    "iadd": lambda t: t[3].__iadd__(t[1]),
    "iadd a leaf": lambda t: t[2].__iadd__(1.0),
    "imul of another dtype": lambda t: t[4].__imul__(0.5),
    "setitem": lambda t: t[3].__setitem__(slice(0, 1), t[1]),
    "setitem out of range": lambda t: t[3].__setitem__([0, 9], 1.0),
    "setitem of a view": lambda t: t[3][1:].__setitem__(5, 1.0),
    "setitem of None": lambda t: t[3].__setitem__(0, None),
    "setitem of text": lambda t: t[3].__setitem__(0, "text"),
    "setitem into integers": lambda t: t[4].__setitem__(0, t[2][0, 0]),
    "index_add_": lambda t: t[3].index_add_(0, [0, 1, 7], tg.ones((3, 3))),
    "index_put_": lambda t: t[3].index_put_(([0, -9],), 1.0, accumulate=True),
    "broadcast": lambda t: tg.broadcast_to(t[1], (2, 4)).__iadd__(1.0),
    "sum": lambda t: t[0].sum(axis=7),
    "reshape": lambda t: t[0].reshape((4, 4)),
    "concat": lambda t: tg.concat([t[0], t[1]]),
    "backward": lambda t: t[3].backward(),
    "backward with a wrong cotangent": lambda t: t[3].backward(tg.ones(7)),
    "backward inputs": lambda t: t[3].sum().backward(inputs=[t[3], t[0]]),
    "grad": lambda t: setattr(t[2], "grad", tg.ones(5)),
    "requires_grad": lambda t: t[4].requires_grad_(),
    "requires_grad off": lambda t: t[3].requires_grad_(False),
    "to": lambda t: t[2].to("nowhere"),
    "item": lambda t: t[3].item(),
    "transform": lambda t: tg.grad(lambda x: x @ t[1])(t[0]),
    "cast": lambda t: t[0].astype("nothing"),
    "cross entropy": lambda t: tg.nn.functional.cross_entropy(t[3], t[4] + 5),
}


@hypothesis.settings(max_examples=60)
@hypothesis.given(strategies.lists(strategies.sampled_from(sorted(BAD_CALLS)), min_size=1, max_size=6))
def test_bad_calls_change_nothing(names: list[str]) -> None:
    leaf = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    (leaf * leaf).sum().backward()
    tensors = [tg.ones((2, 3)), tg.ones(4), leaf, leaf * 2.0, tg.tensor([1, 2])]
    snapshot = Snapshot(tensors)
    for name in names:
        with pytest.raises(TensorgradError):
            BAD_CALLS[name](tensors)
        snapshot.check(name)
    (tensors[3] * 2.0).sum().backward()  # and everything still works
    assert leaf.grad is not None
    assert leaf.grad.tolist() == (2 * np.arange(6.0).reshape(2, 3) + 4.0).tolist()


def test_a_backward_that_fails_midway_leaves_every_grad() -> None:
    a, b = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    (a * b).sum().backward()
    before = [a.grad.tolist(), b.grad.tolist()]  # type: ignore[union-attr]
    x = b * 3.0
    inner = tg.exp(x)
    x.retain_grad()
    middle = a * inner
    middle.retain_grad()
    inner.detach()[0] = 0.0
    loss = middle.sum() + a.sum()
    error = error_of(loss.backward)
    assert isinstance(error, InPlaceError)
    assert "partly released" in str(error)
    assert [a.grad.tolist(), b.grad.tolist()] == before  # type: ignore[union-attr]
    assert x.grad is None
    assert middle.grad is None


def test_a_hook_that_raises_leaves_every_grad() -> None:
    a = tg.tensor([1.0, 2.0], requires_grad=True)
    y = a * 2.0

    def hook(g: tg.Tensor) -> tg.Tensor:
        raise KeyError("the user's own")

    y.register_hook(hook)
    error = error_of(lambda: (a.sum() + tg.exp(y).sum()).backward())
    assert isinstance(error, KeyError)
    assert any("partly released" in note for note in error.__notes__)
    assert a.grad is None
    z = a * 2.0
    z.register_hook(lambda g: tg.ones(7))
    error = error_of(lambda: z.sum().backward())
    assert "gradient hook: expected None or a tensor of shape [2]" in str(error)
    assert "result: float32[7]" in str(error)
    assert a.grad is None
