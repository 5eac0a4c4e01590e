"""The Python array API standard, 2024.12: every function of the main namespace and of ``linalg``, with its signature.

array-api-strict is the standard as code. What it offers is compared name by name and parameter by parameter, and its
own answers with ours on small arrays.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg

strict = pytest.importorskip("array_api_strict")

# What is deliberately not there, and why. A name that is there must not be listed.
COMPLEX = "complex numbers: dtypes are there, functions of complex values and their derivatives are not yet"
DECOMPOSED = "decompositions and what is made of them: their derivatives are a subject of their own, not there yet"
MISSING: dict[str, str] = dict.fromkeys(("conj", "imag", "real"), COMPLEX)
MISSING_LINALG: dict[str, str] = dict.fromkeys(
    (
        "cholesky", "det", "eigh", "eigvalsh", "inv", "matrix_power", "matrix_rank", "pinv", "qr", "slogdet", "solve",
        "svd", "svdvals",
    ),
    DECOMPOSED,
)  # fmt: skip

SETTINGS = {
    "Device",
    "set_array_api_strict_flags",
    "get_array_api_strict_flags",
    "reset_array_api_strict_flags",
    "ArrayAPIStrictFlags",
    "__version__",
    "linalg",
    "fft",
}
FUNCTIONS = sorted(
    name
    for name in strict.__all__
    if name not in SETTINGS
    and callable(getattr(strict, name))
    and not isinstance(getattr(strict, name), type(strict.float32))
)
LINALG = sorted(strict.linalg.__all__)
P = inspect.Parameter


def accepts(ours: inspect.Signature, theirs: inspect.Signature) -> list[str]:
    """Calls that the standard allows and ours does not, in words."""
    problems = []
    mine = list(ours.parameters.values())
    by_name = {p.name: p for p in mine if p.kind in (P.POSITIONAL_OR_KEYWORD, P.KEYWORD_ONLY)}
    any_position = any(p.kind is P.VAR_POSITIONAL for p in mine)
    places = [p for p in mine if p.kind in (P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD)]
    wanted = [p for p in theirs.parameters.values() if p.kind in (P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD)]
    if len(places) < len(wanted) and not any_position:
        problems.append(f"takes {len(places)} positional arguments, the standard {len(wanted)}")
    for p in theirs.parameters.values():
        if p.kind is P.VAR_POSITIONAL:
            if not any_position:
                problems.append(f"takes no *{p.name}")
        elif p.kind is not P.POSITIONAL_ONLY and p.name not in by_name:
            if p.kind is P.KEYWORD_ONLY or not any_position:
                problems.append(f"has no parameter {p.name}")
        elif p.kind is P.KEYWORD_ONLY and p.default is not P.empty and by_name[p.name].default is P.empty:
            problems.append(f"requires {p.name}")
    required = [p.name for p in mine if p.default is P.empty and p.kind in (P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD)]
    allowed = [p for p in wanted if p.default is P.empty]
    if len(required) > len(allowed):
        problems.append(f"requires {required}, the standard {[p.name for p in allowed]}")
    problems += [
        f"requires {p.name}"
        for p in mine
        if p.kind is P.KEYWORD_ONLY and p.default is P.empty and p.name not in theirs.parameters
    ]
    return problems


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_of_the_standard(name: str) -> None:
    if name in MISSING:
        assert not hasattr(tg, name), f"{name} is there: take it off the list"
        pytest.skip(MISSING[name])
    assert accepts(inspect.signature(getattr(tg, name)), inspect.signature(getattr(strict, name))) == []


@pytest.mark.parametrize("name", LINALG)
def test_function_of_linalg(name: str) -> None:
    linalg = importlib.import_module("tensorgrad.linalg")
    if name in MISSING_LINALG:
        assert not hasattr(linalg, name), f"{name} is there: take it off the list"
        pytest.skip(MISSING_LINALG[name])
    assert accepts(inspect.signature(getattr(linalg, name)), inspect.signature(getattr(strict.linalg, name))) == []


def test_lists_name_what_the_standard_has() -> None:
    assert set(MISSING) <= set(FUNCTIONS)
    assert set(MISSING_LINALG) <= set(LINALG)


@pytest.mark.parametrize("change", ["name", "position", "keyword", "default"])
def test_the_comparison_finds_faults(change: str) -> None:
    def theirs(x: Any, /, *, axis: int | None = None) -> None: ...

    faulty: dict[str, Any] = {
        "name": lambda x, /, *, dim=None: None,
        "position": lambda *, axis=None: None,
        "keyword": lambda x, /: None,
        "default": lambda x, /, *, axis: None,
    }
    assert accepts(inspect.signature(faulty[change]), inspect.signature(theirs))


def test_constants_and_version() -> None:
    assert tg.__array_api_version__ == "2024.12"
    for name in ("e", "inf", "nan", "newaxis", "pi"):
        ours, theirs = getattr(tg, name), getattr(strict, name)
        assert ours == theirs or (ours != ours and theirs != theirs)


def test_dtypes() -> None:
    names = [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]
    info = tg.__array_namespace_info__()
    assert list(info.dtypes()) == names
    for name in names:
        assert getattr(tg, name) == np.dtype(name)
    assert set(info.dtypes(kind="integral")) == {n for n in names if "int" in n}
    assert set(info.dtypes(kind=("bool", "real floating"))) == {"bool", "float32", "float64"}
    with pytest.raises(tg.DTypeError, match="expected a kind of dtype"):
        info.dtypes(kind="numbers")


@pytest.mark.parametrize(
    "kind", ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]
)
def test_isdtype(kind: str) -> None:
    for name in tg.__array_namespace_info__().dtypes():
        assert tg.isdtype(getattr(tg, name), kind) == strict.isdtype(getattr(strict, name), kind)


def test_inspection() -> None:
    info = tg.__array_namespace_info__()
    assert {"boolean indexing", "data-dependent shapes", "max dimensions"} == set(info.capabilities())
    assert info.default_device() == "cpu"
    assert tg.device("cpu") in info.devices()
    assert info.default_dtypes() == {
        "real floating": tg.float32,
        "complex floating": tg.complex64,
        "integral": tg.int64,
        "indexing": tg.int64,
    }
    with tg.set_default_dtype(tg.float64):
        assert info.default_dtypes()["complex floating"] == tg.complex128
    assert tg.zeros(1).__array_namespace__() is tg
    assert tg.zeros(1).__array_namespace__(api_version="2023.12") is tg
    with pytest.raises(tg.DTypeError, match=r"up to 2024\.12"):
        tg.zeros(1).__array_namespace__(api_version="1999.01")


def test_limits_of_bfloat16() -> None:
    pytest.importorskip("ml_dtypes", reason="bfloat16 comes through ml_dtypes")
    assert tg.finfo("bfloat16").bits == 16


def test_limits_and_promotion() -> None:
    assert tg.finfo(tg.float64).eps == np.finfo(np.float64).eps
    assert tg.iinfo(tg.zeros(1, dtype=tg.int8)).max == 127
    assert tg.can_cast(tg.int32, tg.int64)
    assert not tg.can_cast(tg.zeros(1, dtype=tg.float64), tg.float32)
    assert tg.result_type(tg.int8, tg.uint8) == tg.int16
    assert tg.result_type(tg.zeros(1), 1j) == tg.complex64
    for call in (
        lambda: tg.finfo(tg.int8),
        lambda: tg.iinfo(tg.float32),
        lambda: tg.result_type(1.0),
        lambda: tg.can_cast("nonsense", tg.int8),
    ):
        with pytest.raises(tg.DTypeError):
            call()


ATTRIBUTES = ["dtype", "device", "mT", "ndim", "shape", "size", "T"]
METHODS = sorted(
    n
    for n in vars(strict.asarray(1.0).__class__)
    if n.startswith("__")
    and n
    not in (
        "__module__",
        "__doc__",
        "__dict__",
        "__weakref__",
        "__slots__",
        "__new__",
        "__array_priority__",
        "__buffer__",
        "__firstlineno__",
        "__static_attributes__",
        "__init__",
        "__annotations__",
        "__annotate_func__",
        "__annotate__",
        "__annotations_cache__",
        "__classdictcell__",
    )
)


@pytest.mark.parametrize("name", ATTRIBUTES + METHODS)
def test_attribute_of_arrays(name: str) -> None:
    assert hasattr(tg.Tensor, name)


SAMPLES: dict[str, tuple[Any, ...]] = {
    "sum": ([[1.0, 2.0], [3.0, 4.0]],),
    "concat": ([[1.0], [2.0]],),
    "matmul": ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]),
    "where": ([True, False], [1.0, 2.0], [3.0, 4.0]),
    "sort": ([3.0, 1.0, 2.0],),
    "argsort": ([3.0, 1.0, 2.0],),
    "cumulative_sum": ([3.0, 1.0, 2.0],),
    "remainder": ([-3.0, 3.0], [2.0, -2.0]),
    "floor_divide": ([-3.0, 3.0], [2.0, -2.0]),
    "std": ([1.0, 3.0],),
    "var": ([1.0, 3.0],),
    "take": ([1.0, 3.0], [1, 0]),
    "searchsorted": ([1.0, 3.0], [2.0]),
    "tile": ([1.0, 3.0], (2,)),
    "repeat": ([1.0, 3.0], 2),
    "diff": ([1.0, 4.0, 2.0],),
    "isin": ([1, 2], [2]),
    "count_nonzero": ([1, 0, 2],),
    "argmax": ([1.0, 4.0, 4.0],),
    "round": ([0.5, 1.5, -0.5],),
    "unique_values": ([2, 1, 2],),
    "vecdot": ([1.0, 2.0], [3.0, 4.0]),
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_answers_are_the_standards(name: str) -> None:
    def call(namespace: Any) -> Any:
        args = [
            namespace.asarray(a, dtype=namespace.float64)
            if isinstance(a, list) and isinstance(a[0], (float, list)) and name != "concat"
            else namespace.asarray(a)
            if isinstance(a, list) and name != "concat"
            else a
            for a in SAMPLES[name]
        ]
        if name == "concat":
            args = [[namespace.asarray(part, dtype=namespace.float64) for part in SAMPLES[name][0]]]
        return getattr(namespace, name)(*args)

    ours, theirs = call(tg), call(strict)
    np.testing.assert_array_equal(ours.numpy(), np.asarray(theirs))
    assert str(ours.dtype) == str(np.asarray(theirs).dtype)


def test_code_that_asks_for_the_namespace_runs() -> None:
    """A function written for any array library gives values and gradients here."""

    def standardised(x: Any) -> Any:
        xp = x.__array_namespace__()
        centred = x - xp.mean(x, axis=0, keepdims=True)
        return centred / xp.sqrt(xp.mean(xp.square(centred), axis=0, keepdims=True) + 1e-6)

    values = np.arange(6.0).reshape(3, 2) ** 2
    expected = np.asarray(standardised(strict.asarray(values)))
    x = tg.tensor(values, requires_grad=True)
    out = standardised(x)
    np.testing.assert_allclose(out.detach().numpy(), expected)
    (out**2).sum().backward()
    assert x.grad is not None
