"""Rows of elementwise operations: operands from a domain, in the shapes that matter, beside NumPy and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from optable import ALL, Bad, Row, Sample

import tensorgrad as tg
from tensorgrad.errors import DTypeError, ShapeError

Domain = Sequence[tuple[float, float]]

REAL: Domain = [(-2.5, 2.5)]
POSITIVE: Domain = [(0.3, 3.0)]
NOT_ZERO: Domain = [(-2.5, -0.4), (0.4, 2.5)]
BETWEEN_INTEGERS: Domain = [(n + 0.15, n + 0.4) for n in range(-3, 3)] + [(n + 0.6, n + 0.85) for n in range(-3, 3)]

SHAPES = ((), (3,), (2, 3), (1, 2, 1), (0,), (2, 0))
PAIRS = (
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (2,)),
    ((2, 2), ()),
    ((0,), (1,)),
    ((2, 1, 2), (2, 2)),
)
TRIPLES = (((3,), (3,), (3,)), ((2, 1), (3,), ()), ((), (2, 2), (2,)), ((), (), (2,)), ((0, 2), (2,), (1,)))

INF, NAN = float("inf"), float("nan")
EVERYWHERE = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 1e4, -1e4, INF, -INF, NAN)


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, domain: Domain = REAL) -> np.ndarray:
    """Random values of a dtype within a domain, a union of intervals."""
    if dtype == "bool":
        return np.asarray(rng.integers(0, 2, shape), dtype=bool)
    if dtype.startswith("float"):
        chosen = np.asarray(domain)[rng.integers(0, len(domain), shape)]
        return np.asarray(chosen[..., 0] + rng.uniform(0, 1, shape) * (chosen[..., 1] - chosen[..., 0]), dtype=dtype)
    low = 0 if dtype.startswith("u") else -100
    whole = [n for n in range(low, 100) if any(a <= n <= b for a, b in domain)] or [max(low, -2), 1, 2]
    return np.asarray(rng.choice(whole, shape), dtype=dtype)


def torch_function(name: str) -> Callable[..., Any]:
    """PyTorch's function of a dotted name, looked up when called."""

    def call(*args: Any, **kwargs: Any) -> Any:
        import torch

        found: Any = torch
        for part in name.split("."):
            found = getattr(found, part)
        return found(*args, **kwargs)

    return call


def of_tensors(name: str, first: int = 0) -> Callable[..., Any]:
    """A PyTorch function that takes no Python numbers for operands, from position ``first`` on."""

    def call(*args: Any, **kwargs: Any) -> Any:
        import torch

        operands = [torch.as_tensor(x, dtype=torch.float64) for x in args[first:]]
        return torch_function(name)(*args[:first], *operands, **kwargs)

    return call


def in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """An oracle in double precision: integers become floating, half precision is rounded once, at the end."""

    def call(*args: Any, **kwargs: Any) -> Any:
        wide = [a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in args]
        out = np.asarray(function(*wide, **kwargs))
        floating = [a.dtype for a in args if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        return out.astype(np.result_type(*floating)) if floating and out.dtype.kind == "f" else out

    return call


def special(*operands: Sequence[float], note: str = "limits") -> Sample:
    """One call on chosen values, in double precision."""
    return Sample(tuple(np.asarray(x, dtype=np.float64) for x in operands), note=note)


def grid(*numbers: float, note: str = "limits") -> Sample:
    """One call on all pairs of some values."""
    a, b = np.meshgrid(numbers, numbers)
    return special(a.ravel().tolist(), b.ravel().tolist(), note=note)


NO_NUMBER = Bad((np.ones(2), "1"), DTypeError, "expected a tensor, an array or a number, got str")
MISFIT = Bad((np.ones((2, 3)), np.ones((2, 2))), ShapeError, r"shapes \[2, 3\] and \[2, 2\] do not broadcast")
FLOATS_HAVE_NO_BITS = Bad((np.ones(2), np.ones(2)), DTypeError, "expected integers or booleans, got float64")


def unary(
    name: str,
    numpy: Callable[..., Any],
    *,
    torch: str | Callable[..., Any] | None = "",
    on: Domain = REAL,
    dtypes: Sequence[str] = ALL,
    limits: Iterable[float] = EVERYWHERE,
    keywords: Sequence[dict[str, Any]] = ({},),
    call: Callable[..., Any] | None = None,
    **fields: Any,
) -> Row:
    """A row for a function of one operand. ``torch``: the function or its name if it is another; ``limits``: values at
    which to compare with PyTorch; ``keywords``: further arguments, one dict for each variant."""

    def samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
        for more in keywords:
            for shape in SHAPES if more == keywords[0] else SHAPES[1:3]:
                yield Sample((values(rng, shape, dtype, on),), more, f"{shape} {more or ''}".strip())

    oracle = torch_function(torch or name) if isinstance(torch, str) else torch
    tried = [Sample((np.asarray(list(limits)),), more, f"limits {more or ''}".strip()) for more in keywords]
    fields.setdefault("special", tried if oracle is not None else [])
    fields.setdefault("elementwise", True)
    return Row(
        name,
        call or getattr(tg, name),
        samples,
        numpy=numpy,
        torch=oracle,
        dtypes=dtypes,
        bad=fields.pop("bad", [Bad(("1",), DTypeError, "expected a tensor, an array or a number, got str")]),
        **fields,
    )


def binary(
    name: str,
    numpy: Callable[..., Any],
    *,
    torch: str | Callable[..., Any] | None = "",
    on: Domain | tuple[Domain, Domain] = REAL,
    dtypes: Sequence[str] = ALL,
    grad: Sequence[int] = (0, 1),
    bad: Sequence[Bad] = (NO_NUMBER, MISFIT),
    **fields: Any,
) -> Row:
    """A row for a function of two operands, each from its own domain if ``on`` is a pair of them."""
    domains: Any = on if isinstance(on, tuple) else (on, on)

    def samples(rng: np.random.Generator, dtype: str) -> Iterator[Sample]:
        for shapes in PAIRS:
            operands = tuple(values(rng, shape, dtype, domain) for shape, domain in zip(shapes, domains, strict=True))
            yield Sample(operands, note=f"{shapes[0]} and {shapes[1]}")
        if dtype.startswith("float"):
            a, b = (values(rng, (3,), dtype, domain) for domain in domains)
            yield Sample((a, float(b[0])), note="a number on the right")
            yield Sample((float(a[0]), b), note="a number on the left")

    oracle = torch_function(torch or name) if isinstance(torch, str) else torch
    return Row(
        name,
        getattr(tg, name),
        samples,
        numpy=numpy,
        torch=oracle,
        dtypes=dtypes,
        grad=grad,
        bad=bad,
        elementwise=fields.pop("elementwise", True),
        **fields,
    )
