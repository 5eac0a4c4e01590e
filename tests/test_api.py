"""The public surface: names, methods, their documentation, their types, and what happens where NumPy and PyTorch differ."""

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
    assert dir(tg) == sorted(set(tg.__all__))
    assert len(tg.__all__) == len(set(tg.__all__))


def test_every_public_function_is_in_the_namespace() -> None:
    for name, f in FUNCTIONS.items():
        assert vars(tg).get(name) is f, name


def test_every_public_op_is_in_the_namespace() -> None:
    for module in {importlib.import_module(f"tensorgrad.ops.{n}") for n in ("arithmetic", "comparison", "functions", "special")}:
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
    lines = ["import sys, tensorgrad as tg", f"lazy = {LAZY!r}",
             "early = [n for n in lazy if f'tensorgrad.{n}' in sys.modules and n not in ('tape',)]",
             "assert not early, early", "for n in lazy: assert getattr(tg, n) is sys.modules[f'tensorgrad.{n}']"]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, cwd=ROOT)


def test_dtypes_and_constants() -> None:
    assert tg.zeros(1).dtype == tg.float32
    assert tg.bfloat16.name == "bfloat16"
    assert tg.half == np.float16
    assert (tg.double, tg.long) == (np.float64, np.int64)
    assert tg.newaxis is None
    assert tg.zeros(3)[tg.newaxis].shape == (1, 3)


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
    not_methods = {"binary_cross_entropy", "binary_cross_entropy_with_logits", "log_sigmoid", "mish", "silu", "softsign"}
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
    expected = getattr(np, {"pow": "power"}.get(name, name).replace("bitwise_left", "left").replace("bitwise_right", "right"))(a, b)
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
    "tg.Device", "tg.MemoryEstimate", "tg.CustomOp",
    *(f"tg.{n}" for n in vars(tg.errors) if n.endswith("Error")),
    *(f"Tensor.{n}" for n in ("backend", "data", "detach", "device", "dtype", "grad", "is_leaf", "item", "itemsize", "nbytes",
                              "ndim", "node", "numpy", "requires_grad", "requires_grad_", "retain_grad", "shape", "size",
                              "tolist")),
    *(f"Generator.{n}" for n in ("get_state", "initial_seed", "manual_seed", "offset", "reserve", "seed", "set_state")),
    "tg.default_generator", "tg.seed", "tg.initial_seed", "tg.get_rng_state", "tg.set_rng_state",
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
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    test = doctest.DocTestParser().get_doctest(doc, {"tg": tg}, name, None, None)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_signature_has_types(name: str) -> None:
    f = DOCUMENTED[name]
    if isinstance(f, type) or getattr(f, "op", None) is not None:
        return
    signature = inspect.signature(getattr(f, "function", f))
    untyped = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    assert not untyped, untyped
    assert signature.return_annotation is not signature.empty


# Generated files and types.


@pytest.mark.slow
def test_generated_files_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "ci" / "generate", "--check"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


USER_PROGRAM = '''
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
def cube(v: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return v**3


gradient: Tensor = tg.grad(lambda t: cube(t).sum())(x)
for row in x[None, 0]:
    reveal_type(row)
reveal_type(tg.sin(x))
reveal_type(x.permute(1, 0).softmax(dim=-1))
reveal_type(x + 1)
'''


@pytest.mark.slow
def test_mypy_understands_a_users_program(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(USER_PROGRAM)
    (tmp_path / "wrong.py").write_text("import tensorgrad as tg\ntg.zeros(2).nonsense()\ntg.nonsense\ntg.zeros(2).mean(dims='x')\n")
    env = {**os.environ, "MYPYPATH": str(ROOT)}
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(tmp_path / "cache"),
            "--follow-imports=silent"]
    good = subprocess.run([*mypy, "program.py"], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert good.returncode == 0, good.stdout
    assert good.stdout.count('Revealed type is "tensorgrad.core.tensor.Tensor"') == 4, good.stdout
    wrong = subprocess.run([*mypy, "wrong.py"], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert wrong.stdout.count("error:") == 3, wrong.stdout


# Two vocabularies.

X = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "amax", "amin", "logsumexp", "argmax", "argmin", "any", "all"])
def test_axis_and_dim_are_one(name: str) -> None:
    x = tg.tensor(X)
    f = getattr(tg, {"amax": "max", "amin": "min"}.get(name, name))
    expected = f(x, axis=1, keepdims=True).numpy()
    method = getattr(x, name)
    for out in (method(axis=1, keepdims=True), method(dim=1, keepdim=True), method(1, True), method(1, keepdims=True),
                method(axis=-1, keepdim=True)):
        np.testing.assert_array_equal(out.numpy(), expected)
    assert method().shape == ()
    with pytest.raises(TypeError, match="twice|multiple values"):
        method(1, axis=1)
    with pytest.raises(TypeError, match="twice"):
        method(dim=1, axis=1)
    with pytest.raises(tg.AxisError, match=name.removeprefix("a") if name in ("amax", "amin") else name):
        method(5)


AMBIGUOUS = [
    ("transpose", (0, 1), {}, ["permute(0, 1)", "swapaxes(0, 1)"]),
    ("max", (0,), {}, ["amax(0)", "max(axis=0)", "argmax(0)"]),
    ("min", (), {"dim": 1}, ["amin(1)", "min(axis=1)", "argmin(1)"]),
    ("max", (tg.ones(4),), {}, ["tg.maximum(x, y)"]),
    ("std", (), {}, ["correction=0", "correction=1", "tg.std(x)"]),
    ("var", (0,), {}, ["correction=0", "correction=1"]),
    ("sort", (), {}, ["x[...] = tg.sort(x)", "tg.argsort(x)"]),
    ("median", (), {}, ["tg.sort"]),
    ("nonzero", (), {}, ["as_tuple=True", "as_tuple=False"]),
    ("repeat", (2,), {}, ["repeat_interleave(2)", "tile(2)"]),
    ("repeat", (2, 3), {}, ["tile(2, 3)"]),
    ("split", (2,), {}, ["tg.split(x, 2)", "split_sizes"]),
    ("equal", (tg.ones(4),), {}, ["x == y"]),
    ("view", (np.int32,), {}, ["astype"]),
    ("view", (tg.int32,), {}, ["astype"]),
    ("norm", (1,), {}, ["matrix_norm", "vector_norm"]),
]


@pytest.mark.parametrize("name, args, kwargs, said", AMBIGUOUS, ids=[f"{a[0]}-{i}" for i, a in enumerate(AMBIGUOUS)])
def test_what_means_two_things_raises_and_names_both(name: str, args: Any, kwargs: Any, said: list[str]) -> None:
    with pytest.raises(tg.AmbiguousError) as error:
        getattr(tg.tensor(X), name)(*args, **kwargs)
    for spelling in said:
        assert spelling in str(error.value)


def test_dot_of_more_than_two_axes_is_ambiguous() -> None:
    with pytest.raises(tg.AmbiguousError, match="tensordot"):
        tg.zeros(2, 3, 4).dot(tg.zeros(2, 4, 3))


def test_what_means_one_thing_works() -> None:
    x = tg.tensor(X)
    assert x.transpose().shape == x.transpose((1, 0)).shape == x.T.shape == (4, 3)
    assert x.reshape(1, 3, 4).transpose(2, 0, 1).shape == (4, 1, 3)
    assert x.max().item() == 11
    assert x.max(axis=0).tolist() == X.max(0).tolist()
    assert x.max(axis=0, keepdims=True).shape == (1, 4)
    assert x.std(correction=0).item() == pytest.approx(X.std())
    assert x.var(0, unbiased=True).tolist() == pytest.approx(X.var(0, ddof=1).tolist())
    assert x.var(0, ddof=1, keepdim=True).shape == (1, 4)
    assert [i.tolist() for i in x.nonzero(as_tuple=True)] == [i.tolist() for i in X.nonzero()]
    assert x.repeat(2, axis=0).tolist() == X.repeat(2, axis=0).tolist()
    assert x.norm().item() == pytest.approx(float(np.linalg.norm(X)))
    assert x.norm(1, dim=1).tolist() == pytest.approx(np.abs(X).sum(1).tolist())


def test_size_is_a_number() -> None:
    """An int that raised when called would not be exactly an int, and NumPy promotes float32 beside such."""
    x = tg.zeros(2, 3)
    assert type(x.size) is int
    with pytest.raises(TypeError):
        x.size()  # type: ignore[operator]
    assert (np.ones(2, dtype=np.float32) / x.size).dtype == np.float32


@pytest.mark.peers("torch")
class TestTorchsMethods:
    """PyTorch's names mean what they mean there."""

    CALLS = [
        "x.permute(1, 0)", "x.t()", "x.flatten()", "x.unflatten(1, (2, -1))", "x.view(4, 3)", "x.view(-1)",
        "x.unsqueeze(1)", "x.unsqueeze(-1)", "x.expand(2, -1, 4)", "x.swapaxes(0, 1)", "x.movedim(0, 1)",
        "x.chunk(2)[0]", "x.chunk(3, 1)[-1]", "x.chunk(2, dim=1)[1]", "x.narrow(1, 1, 2)", "x.select(0, 1)",
        "x.unbind(1)[2]", "x.flip(0)", "x.flip(0, 1)", "x.roll(1, 0)", "x.tile(2, 1)", "x.repeat_interleave(2, dim=0)",
        "x.diagonal()", "x.diagonal(1)", "x.tril(-1)", "x.triu(diagonal=1)", "x.masked_fill(x > 3, 0.0)",
        "x.masked_select(x > 3)", "x.where(x > 3, 0.0)", "x.clamp(2, 5)", "x.clamp(min=3)", "x.clamp_max(2)",
        "x.index_select(1, i)", "x.gather(1, i.reshape(1, 2))", "x.add(2, alpha=3)", "x.sub(x, alpha=2)", "x.mul(2)",
        "x.div(2)", "x.mm(x.t())", "x.mv(x[0])", "x[0].dot(x[1])", "x.softmax(dim=1)", "x.log_softmax(-1)",
        "x.logsumexp(0)", "x.cumsum(0)", "x.cumprod(dim=1)", "x.prod(1)", "x.count_nonzero(0)", "x.argsort(dim=1)",
        "x.sum((0, 1))", "x.sum(1, True)", "x.mean(0, keepdim=True)", "x.float()", "x.long()", "x.bool()", "x.half()",
        "x.type_as(i)", "x.new_zeros(2, 3)", "x.new_ones((2,))", "x.new_full((2,), 5)", "x.eq(3)", "x.ge(x)", "x.neg()",
        "x.clone().add_(1)", "x.clone().mul_(2)", "x.clone().div_(2)", "x.clone().sub_(1, alpha=3)", "x.clone().zero_()",
        "x.clone().fill_(2)", "x.clone().clamp_(1, 3)", "x.clone().copy_(x[0])", "x.clone().masked_fill_(x > 3, 1.0)",
        "x.clone().exp_()", "x.clone().neg_()", "x.clone().sqrt_()", "x.sigmoid()", "x.relu()", "(x + 1).rsqrt()", "x.std(unbiased=True)",
        "x.norm()", "x.norm(dim=1)", "x.topk(2)[0]", "x.topk(2, dim=0, largest=False)[1]", "x.squeeze()", "x.unique()",
        "x.reshape(1, 3, 4).bmm(x.t().reshape(1, 4, 3))", "x.reshape_as(x.t())", "x.expand_as(x)", "x.nonzero(as_tuple=False)",
        "x.take(i)", "x.take_along_dim(i.reshape(1, 2), dim=1)", "x.amax(0)", "x.amin(dim=1, keepdim=True)",
    ]  # fmt: skip

    @pytest.mark.parametrize("call", CALLS)
    def test_same_values(self, call: str) -> None:
        import torch

        ours = eval(call, {"x": tg.tensor(X), "i": tg.tensor([2, 0])})
        theirs = eval(call, {"x": torch.tensor(X), "i": torch.tensor([2, 0])})
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)

    @pytest.mark.parametrize("call", ["x.numel()", "x.dim()", "x.nelement()", "x.ndimension()", "x.is_contiguous()",
                                      "x.t().is_contiguous()", "x.element_size()", "x.is_floating_point()"])
    def test_same_answers(self, call: str) -> None:
        import torch

        assert eval(call, {"x": tg.tensor(X)}) == eval(call, {"x": torch.tensor(X)})


def test_methods_that_write_share_memory_and_are_recorded() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    view = y[:1]
    y.mul_(3).add_(1).clamp_(max=5.0)
    np.testing.assert_array_equal(view.detach().numpy(), [4.0])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 0.0])
    with pytest.raises(tg.InPlaceError):
        x.zero_()
    with tg.no_grad():
        x.zero_()
    assert x.tolist() == [0.0, 0.0]


def test_random_fills_repeat() -> None:
    a = tg.zeros(5).normal_(generator=tg.Generator(1))
    b = tg.zeros(5).normal_(generator=tg.Generator(1))
    assert a.tolist() == b.tolist()
    assert 0 <= tg.zeros(50).uniform_(0, 2).max().item() < 2


def test_to_understands_every_spelling() -> None:
    x, other = tg.zeros(2), tg.zeros(1, dtype=tg.float64)
    assert x.to("cpu") is x
    assert x.to(tg.float32) is x
    assert x.to(tg.float32, copy=True) is not x
    for out in (x.to(tg.float64), x.to("float64"), x.to(other), x.to("cpu", tg.float64), x.to(dtype=tg.float64, device="cpu")):
        assert (out.dtype, out.device) == (tg.float64, "cpu")
    with pytest.raises(tg.DeviceError, match="nowhere"):
        x.to("nowhere")
    y = tg.ones(2).requires_grad_()
    y.to(tg.float64).sum().backward()
    assert y.grad.dtype == tg.float32


def test_view_refuses_to_copy() -> None:
    with pytest.raises(tg.ShapeError, match="reshape"):
        tg.zeros(2, 3).T.view(6)
    x = tg.zeros(2, 3)
    x.view(6)[0] = 1
    assert x[0, 0].item() == 1


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
    tg.autograd.backward([y.sum(), y * 2], [None, tg.tensor([1.0, 10.0])])  # shares y's node: one sweep, or it would raise
    np.testing.assert_array_equal(x.grad.numpy(), [2 + 4.0, 4 + 80.0])
    z = tg.tensor([3.0], requires_grad=True)
    tg.autograd.backward((x.sum() * z).sum(), inputs=z)
    assert z.grad.item() == 3.0
    with pytest.raises(tg.ShapeError, match="1 tensors need as many"):
        tg.autograd.backward(y, [None, None])
    with pytest.raises(tg.GradientError, match="accumulates into leaves"):
        tg.autograd.backward((z * z).sum(), inputs=[z * 1])
