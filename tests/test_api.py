"""The public surface: names, methods, documentation, types, switches."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import os
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad import attach
from tensorgrad.methods import axes
from tensorgrad.methods.table import METHODS, PROPERTIES
from tensorgrad.op import FUNCTIONS, OPS

ROOT = Path(__file__).resolve().parents[1]
LAZY = sorted(tg._LAZY)
NAMES = sorted(tg.__all__)


# Names.


@pytest.mark.parametrize("name", NAMES)
def test_name_is_there(name: str) -> None:
    assert hasattr(tg, name)


def test_dir_and_all_agree() -> None:
    assert dir(tg) == sorted({*tg.__all__, "bfloat16"})
    assert len(tg.__all__) == len(set(tg.__all__))


def test_every_public_function_is_in_the_namespace() -> None:
    for name, f in FUNCTIONS.items():
        assert vars(tg).get(name) is f, name


def test_every_public_op_is_in_the_namespace() -> None:
    for module in {
        importlib.import_module(f"tensorgrad.ops.{n}") for n in ("arithmetic", "comparison", "functions", "special")
    }:
        for name in module.__all__:
            f = getattr(module, name)
            if getattr(f, "op", None) in OPS.values() and f.op.elementwise:
                assert vars(tg)[name] is f


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="module 'tensorgrad' has no attribute 'nonsense'"):
        tg.nonsense  # noqa: B018


@pytest.mark.parametrize("alias, name", sorted(attach.ALIASES.items()))
def test_alias_is_the_same_function(alias: str, name: str) -> None:
    assert getattr(tg, alias) is getattr(tg, name)


def test_modules_load_on_first_use_only() -> None:
    lines = [
        "import sys, tensorgrad as tg",
        f"lazy = {LAZY!r}",
        "early = [n for n in lazy if f'tensorgrad.{n}' in sys.modules and n not in ('tape',)]",
        "assert not early, early",
        "for n in lazy: assert getattr(tg, n) is sys.modules[f'tensorgrad.{n}']",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, cwd=ROOT)


def test_dtypes_and_constants() -> None:
    assert tg.zeros(1).dtype == tg.float32
    assert tg.half == np.float16
    assert (tg.double, tg.long) == (np.float64, np.int64)
    assert tg.newaxis is None
    assert tg.zeros(3)[tg.newaxis].shape == (1, 3)


def test_bfloat16() -> None:
    pytest.importorskip("ml_dtypes", reason="bfloat16 comes through ml_dtypes")
    assert tg.bfloat16.name == "bfloat16"
    assert tg.ones(2, dtype=tg.bfloat16).dtype == tg.bfloat16


def test_without_ml_dtypes_bfloat16_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    assert not hasattr(tg, "bfloat16")
    with pytest.raises(AttributeError, match="pip install ml_dtypes"):
        tg.bfloat16  # noqa: B018
    with pytest.raises(tg.DTypeError, match="pip install ml_dtypes"):
        tg.zeros(1, dtype="bfloat16")
    namespace: dict[str, Any] = {}
    exec("from tensorgrad import *", namespace)
    assert namespace["zeros"] is tg.zeros


# Methods.


def test_methods_that_are_functions_are_the_same_object() -> None:
    for name in attach.DIRECT:
        assert vars(tg.Tensor)[name] is getattr(tg, name), name
    for name, target in attach.RENAMED.items():
        assert vars(tg.Tensor)[name] is getattr(tg, target), name


def test_every_method_in_the_tables_is_attached() -> None:
    for name in (*METHODS, *PROPERTIES, *axes.ALONG):
        assert name in vars(tg.Tensor), name


def test_elementwise_functions_of_one_tensor_are_methods() -> None:
    """A new one is either in attach.DIRECT or here, by decision."""
    not_methods = {
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "log_sigmoid",
        "mish",
        "silu",
        "softsign",
    }
    for name in NAMES:
        f = getattr(tg, name)
        if getattr(f, "op", None) is not None and f.op.elementwise and len(f.op.inputs) == 1 and name == f.__name__:
            assert name in vars(tg.Tensor) or name in not_methods, name


@pytest.mark.parametrize("short, name", sorted(attach.OPERATORS.items()))
def test_operators_on_both_sides_and_in_place(short: str, name: str) -> None:
    integer = name.startswith("bitwise")
    a, b = (np.array([[6, 3], [1, 2]]), np.array([[2, 1], [1, 3]]))
    if not integer:
        a, b = a.astype(float), b.astype(float)
    expected = getattr(
        np, {"pow": "power"}.get(name, name).replace("bitwise_left", "left").replace("bitwise_right", "right")
    )(a, b)
    x, y = tg.tensor(a.copy()), tg.tensor(b)
    np.testing.assert_allclose(getattr(x, f"__{short}__")(y).numpy(), expected)
    np.testing.assert_allclose(getattr(y, f"__r{short}__")(a).numpy(), expected)
    data = x.data
    same = getattr(x, f"__i{short}__")(y)
    assert same is x
    assert x.data is data
    np.testing.assert_allclose(x.numpy(), expected)


def test_comparisons_with_what_is_no_number() -> None:
    x = tg.tensor([1.0])
    assert (x == None) is False  # noqa: E711
    assert (x != "text") is True
    assert x in [None, x]
    assert hash(x) == hash(x)


# Documentation.


def documented() -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    yield "tensorgrad", tg
    for name in NAMES:
        f = getattr(tg, name)
        if isinstance(f, (types.FunctionType, type)) and id(f) not in seen:
            seen.add(id(f))
            yield f"tg.{name}", f
    for cls in (tg.Tensor, tg.CustomOp, tg.Generator):
        for name, f in sorted(vars(cls).items()):
            found = f.fget if isinstance(f, property) else getattr(f, "__func__", f)
            if isinstance(found, types.FunctionType) and not name.startswith("_") and id(found) not in seen:
                seen.add(id(found))
                yield f"{cls.__name__}.{name}", found
    for module in (tg.autograd, tg.linalg):
        for name in module.__all__:
            f = getattr(module, name)
            if isinstance(f, types.FunctionType) and id(f) not in seen:
                seen.add(id(f))
                yield f"{module.__name__}.{name}", f


DOCUMENTED = dict(documented())
SAID_IN_ONE_LINE = {  # classes, and what the class's own documentation shows
    "tg.Device", "tg.MemoryEstimate", "tg.CustomOp", "tg.default_generator", "tg.seed", "tg.initial_seed",
    "tg.get_rng_state", "tg.set_rng_state",
    *(f"tg.{n}" for n in vars(tg.errors) if n.endswith("Error")),
    *(f"Generator.{n}" for n in ("get_state", "initial_seed", "manual_seed", "offset", "reserve", "seed", "set_state")),
    *(f"Tensor.{n}" for n in (
        "backend", "data", "detach", "device", "dtype", "grad", "is_leaf", "item", "itemsize", "nbytes", "ndim", "node",
        "numpy", "requires_grad", "requires_grad_", "retain_grad", "shape", "size", "tolist",
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_documentation_has_an_example_that_runs(name: str) -> None:
    f = DOCUMENTED[name]
    doc = inspect.getdoc(f)
    assert doc, f"{name} has no docstring"
    assert len(doc.split()) > 2
    if name in SAID_IN_ONE_LINE and ">>>" not in doc:
        return
    assert ">>>" in doc, f"{name} has no example"
    if name == "Tensor.bfloat16":
        pytest.importorskip("ml_dtypes", reason="bfloat16 comes through ml_dtypes")
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    test = doctest.DocTestParser().get_doctest(doc, {"tg": tg}, name, None, None)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_signature_has_types(name: str) -> None:
    f = DOCUMENTED[name]
    if not isinstance(f, types.FunctionType) or getattr(f, "op", None) is not None:
        return
    signature = inspect.signature(getattr(f, "function", f))
    untyped = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    assert not untyped, untyped
    assert signature.return_annotation is not signature.empty


# Generated files and types.


@pytest.mark.slow
def test_generated_files_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "ci" / "generate", "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


USER_PROGRAM = """
import numpy as np
import tensorgrad as tg
from tensorgrad import Tensor

x = tg.tensor(np.ones((2, 3)), requires_grad=True)
(x * 2).sum(dim=0).sum().backward()
y: Tensor = tg.exp(x).reshape(3, 2).T @ x.T.clamp(min=0)
z: Tensor = (2 - x) ** 2 / (1 + tg.sum(x, axis=0, keepdims=True))
n: int = x.numel() + x.dim() + len(x)
best: Tensor = x.amax(1) + x.max(axis=1) + x.std(correction=0)
flag: bool = x.is_contiguous()
x.detach().add_(1, alpha=2).mul_(y.mean())
with tg.no_grad(), tg.set_default_dtype(tg.float64), tg.use_device("cpu"):
    w = tg.zeros(2, 3).to(tg.float16).float()


@tg.no_grad()
def evaluate(values: Tensor) -> float:
    return float((values > 0).sum())


@tg.custom_op
def cube(v: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> object:
    return v**3


gradient: Tensor = tg.grad(lambda t: cube(t).sum())(x)
for row in x[None, 0]:
    reveal_type(row)
reveal_type(tg.sin(x))
reveal_type(x.permute(1, 0).softmax(dim=-1))
reveal_type(x + 1)
"""


@pytest.mark.slow
def test_mypy_understands_a_users_program(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(USER_PROGRAM)
    (tmp_path / "wrong.py").write_text(
        "import tensorgrad as tg\ntg.zeros(2).nonsense()\ntg.nonsense\ntg.zeros(2).mean(dims='x')\n"
    )
    env = {**os.environ, "MYPYPATH": str(ROOT)}
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file",
        "",
        "--cache-dir",
        str(tmp_path / "cache"),
        "--follow-imports=silent",
    ]
    good = subprocess.run([*mypy, "program.py"], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert good.returncode == 0, good.stdout
    assert good.stdout.count('Revealed type is "tensorgrad.core.tensor.Tensor"') == 4, good.stdout
    wrong = subprocess.run([*mypy, "wrong.py"], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert wrong.stdout.count("error:") == 3, wrong.stdout


# Switches.


def test_modes_are_contexts_and_decorators() -> None:
    x = tg.ones(2).requires_grad_()
    with tg.no_grad():
        assert not (x * 2).requires_grad
        with tg.enable_grad():
            assert (x * 2).requires_grad

    @tg.no_grad
    def plain() -> bool:
        return (x * 2).requires_grad

    @tg.no_grad()
    def called() -> bool:
        return (x * 2).requires_grad

    @tg.inference_mode()
    def generator() -> Iterator[bool]:
        yield (x * 2).requires_grad
        yield (x * 2).requires_grad

    assert not plain()
    assert not called()
    for flag in generator():
        assert not flag
        assert tg.is_grad_enabled()  # outside the generator's own steps
    assert (x * 2).requires_grad


def test_a_decorated_generator_takes_values_and_errors() -> None:
    @tg.no_grad()
    def echo() -> Any:
        got = yield "start"
        try:
            yield got
        except KeyError:
            yield tg.is_grad_enabled()
        return "end"

    g = echo()
    assert next(g) == "start"
    assert g.send(5) == 5
    assert g.throw(KeyError()) is False
    with pytest.raises(StopIteration) as stop:
        next(g)
    assert stop.value.value == "end"
    closed = []

    @tg.no_grad()
    def guarded() -> Any:
        try:
            yield 1
        finally:
            closed.append(tg.is_grad_enabled())

    h = guarded()
    next(h)
    h.close()
    assert closed == [False]


def test_settings_act_at_once_and_are_undone_as_contexts() -> None:
    with tg.set_grad_enabled(False):
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()
    with tg.set_default_dtype("float64"):
        assert tg.tensor(1.0).dtype == tg.zeros(1).dtype == tg.float64
        with tg.set_default_dtype(tg.float16):
            assert tg.get_default_dtype() == tg.float16
        assert tg.get_default_dtype() == tg.float64
    assert tg.tensor(1.0).dtype == tg.float32
    before = tg.set_default_dtype(tg.float64)
    try:
        assert tg.tensor(1.0).dtype == tg.float64
    finally:
        before.__exit__(None, None, None)
    for bad in (tg.int64, tg.complex64, "text"):
        with pytest.raises(tg.DTypeError):
            tg.set_default_dtype(bad)
    assert tg.get_default_dtype() == tg.float32


def test_devices() -> None:
    assert tg.device("cuda", 1) == tg.device("cuda:1") == "cuda:1"
    assert tg.device(tg.device("cpu")) == "cpu"
    with tg.use_device("shapes"):
        assert tg.zeros(2).device == tg.get_default_device() == "shapes"
    with tg.set_default_device("shapes"):
        assert tg.zeros(2).device == "shapes"
    assert tg.zeros(2).device == "cpu"
    for bad in ("nowhere", "cuda:x", 3):
        with pytest.raises(tg.DeviceError):
            tg.use_device(bad)  # type: ignore[arg-type]
    assert tg.backends.available()["cpu"]


def test_switches_belong_to_the_thread_and_the_task() -> None:
    found = []
    with tg.no_grad(), tg.set_default_dtype(tg.float64):
        thread = threading.Thread(target=lambda: found.append((tg.is_grad_enabled(), tg.get_default_dtype())))
        thread.start()
        thread.join()

    async def off() -> bool:
        with tg.no_grad():
            await asyncio.sleep(0)
            return tg.is_grad_enabled()

    async def on() -> bool:
        await asyncio.sleep(0)
        return tg.is_grad_enabled()

    async def both() -> list[bool]:
        return list(await asyncio.gather(off(), on()))

    assert found[0][0] is True or sys.flags.thread_inherit_context
    assert asyncio.run(both()) == [False, True]


def test_nan_is_found_where_it_is_made() -> None:
    with np.errstate(invalid="ignore"), tg.detect_nan(), pytest.raises(tg.NaNError, match="made the first NaN"):
        tg.tensor(float("inf")) - tg.tensor(float("inf"))
    assert tg.is_grad_enabled()


# autograd.


def test_backward_of_several_tensors_is_one_sweep() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    tg.autograd.backward(
        [y.sum(), y * 2], [None, tg.tensor([1.0, 10.0])]
    )  # shares y's node: one sweep, or it would raise
    np.testing.assert_array_equal(x.grad.numpy(), [2 + 4.0, 4 + 80.0])
    z = tg.tensor([3.0], requires_grad=True)
    tg.autograd.backward((x.sum() * z).sum(), inputs=z)
    assert z.grad.item() == 3.0
    with pytest.raises(tg.ShapeError, match="1 tensors need as many"):
        tg.autograd.backward(y, [None, None])
    with pytest.raises(tg.GradientError, match="accumulates into leaves"):
        tg.autograd.backward((z * z).sum(), inputs=[z * 1])
