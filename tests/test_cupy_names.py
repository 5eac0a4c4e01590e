"""Every name and keyword that is used on CuPy exists there; every op of the table resolves on the CuPy backend."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

cupy = pytest.importorskip("cupy", reason="checks what is called on CuPy, which imports without a GPU")

import cupy_names  # noqa: E402
from cupy_names import PACKAGE, CuBlas, Use, misfit, resolve, uses  # noqa: E402

import tensorgrad as tg  # noqa: E402, F401  (registers the ops)
from tensorgrad.backends import find  # noqa: E402
from tensorgrad.op import OPS, _Body, raw_namespace  # noqa: E402

BACKEND_FILES = sorted((PACKAGE / "backends").glob("cupy*.py"))
OP_FILES = [*sorted((PACKAGE / "ops").glob("*.py")), *sorted((PACKAGE / "autodiff").glob("*.py"))]


def in_backend() -> Iterator[tuple[Use, Any]]:
    for path in BACKEND_FILES:
        for use in uses(path, ("cupy", "cp", "self._cupy", "cublas")):
            yield use, cupy


def in_bodies() -> Iterator[tuple[Use, Any]]:
    for path in OP_FILES:
        for use in uses(path, ("m.xp",)):
            yield use, cupy


def in_special() -> Iterator[tuple[Use, Any]]:
    import cupyx.scipy.special

    for path in OP_FILES:
        for use in uses(path, ("m.backend.special",)):
            yield use, cupyx.scipy.special


def found(use: Use, root: Any) -> Any:
    if use.name.startswith("CUBLAS_") or (CuBlas().has(use.name) and not hasattr(cupy, use.name)):
        assert CuBlas().has(use.name), f"{use.where}: cuBLAS's bindings have no {use.name}"
        return None
    try:
        return resolve(use.name, root)
    except AttributeError as error:
        raise AssertionError(f"{use.where}: {error}") from None


@pytest.mark.parametrize("source", [in_backend, in_bodies, in_special])
def test_names_and_keywords_exist_in_cupy(source: Any) -> None:
    seen = list(source())
    assert seen, "nothing found: the scan no longer sees how the code spells the namespace"
    wrong = []
    for use, root in seen:
        function = found(use, root)
        before, _, method = use.name.rpartition(".")
        if method in ("reduce", "accumulate") and before not in ("add", "multiply"):
            wrong.append(f"{use.where}: CuPy has {method} of add and multiply only, not of {before}")
        if use.called and callable(function):
            reason = misfit(function, use.positional, use.keywords)
            if reason:
                wrong.append(f"{use.where}: {use.name}: {reason}")
    assert not wrong, "\n".join(wrong)


def test_the_scan_finds_what_does_not_exist(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("xp = m.xp\nxp.no_such_thing(1)\nm.xp.sum(x, axes=1)\nm.xp.add(x)\n")
    first, second, third = sorted(uses(planted, ("m.xp",)), key=lambda use: use.where)
    with pytest.raises(AttributeError):
        resolve(first.name)
    assert misfit(resolve(second.name), second.positional, second.keywords)
    assert misfit(resolve(third.name), third.positional, third.keywords)


def test_the_products_parameters_are_cublas_own() -> None:
    """The launch passes arguments by position, in the order of Call: the bindings must still take them so."""
    expected = """
        handle transa transb m n k alpha A Atype lda strideA B Btype ldb strideB beta C Ctype ldc strideC
        batchCount computeType algo
    """
    assert CuBlas().parameters("gemmStridedBatchedEx") == expected.split()


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_op_resolves_on_cupy_and_takes_its_parameters(name: str) -> None:
    op = OPS[name]
    backend = find("cuda")
    function = raw_namespace(backend).function(name)
    assert callable(function)
    if isinstance(function, _Body):
        return  # written over m: the scan above looks into it
    if backend.implement(name, op) is not None and not isinstance(function, cupy.ufunc):
        function = getattr(function, "_kernel", getattr(function, "_function", function))
    reason = misfit(function, len(op.inputs), op.params)
    assert reason is None, f"{name}: {reason}"


def test_special_functions_named_by_a_string_exist_in_cupyx() -> None:
    import cupyx.scipy.special as special

    bodies = [op.body for op in OPS.values() if op.body is not None]
    named = {inspect.getclosurevars(body).nonlocals.get("name") for body in bodies} - {None}
    assert "erf" in named, "the scan no longer sees how special functions are bound"
    missing = sorted(name for name in named if not hasattr(special, name) and not hasattr(cupy, name))
    assert not missing


@pytest.mark.parametrize("name", sorted(name for name in OPS if OPS[name].elementwise and OPS[name].body is None))
def test_elementwise_functions_are_ufuncs_that_take_out(name: str) -> None:
    """``x += y`` and gradient accumulation write with ``out=``."""
    function = raw_namespace(find("cuda")).function(name)
    function = getattr(function, "_function", function)
    if name == "where":
        return  # never written in place
    assert isinstance(function, cupy.ufunc), f"cupy.{name} is a {type(function).__name__}"


def test_cublas_constants_are_those_of_the_headers() -> None:
    assert cupy.cuda.runtime.CUDA_R_16BF == 14
    assert cupy_names.CuBlas().has("gemmStridedBatchedEx")
