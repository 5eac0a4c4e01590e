"""Calling the operations of the table: the same sample as tensors, as NumPy arrays and as PyTorch tensors."""

from __future__ import annotations

import itertools
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
from optable import Row, Sample

import tensorgrad as tg
from tensorgrad.autodiff.backward import grad

TOLERANCES = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-11}


def samples(row: Row, dtype: str = "float64") -> list[Sample]:
    """A row's samples; the same ones every time."""
    rng = np.random.default_rng(zlib.crc32(f"{row.name} {dtype}".encode()))
    return list(row.samples(rng, dtype))


def tolerance(row: Row, *dtypes: Any) -> float:
    """What values computed in the least precise of these dtypes may differ by, relative to the largest of them."""
    names = [np.dtype(d).name for d in dtypes]
    return row.tolerance * max((TOLERANCES[name] for name in names if name in TOLERANCES), default=0.0)


def on_arrays(function: Callable[[np.ndarray], Any], tree: Any) -> Any:
    """The same nested arguments with each array replaced."""
    if isinstance(tree, np.ndarray):
        return function(tree)
    if isinstance(tree, dict):
        return {key: on_arrays(function, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        parts = [on_arrays(function, value) for value in tree]
        return parts if isinstance(tree, list) else type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return tree


def arrays(tree: Any) -> list[np.ndarray]:
    """The arrays among nested arguments, in order."""
    found: list[np.ndarray] = []
    on_arrays(found.append, tree)
    return found


def is_float(x: Any) -> bool:
    return hasattr(x, "dtype") and "float" in str(x.dtype)


def as_tensors(sample: Sample, track: Sequence[int] = ()) -> tuple[list[Any], dict[str, Any], list[tg.Tensor]]:
    """A sample's arguments and keywords over tensors, and those tensors that are tracked: the floating ones among the
    arguments at the positions ``track``."""
    tracked: list[tg.Tensor] = []

    def leaf(x: np.ndarray) -> tg.Tensor:
        t = tg.Tensor(x, requires_grad=is_float(x))
        if is_float(x):
            tracked.append(t)
        return t

    args = [on_arrays(leaf if i in track else tg.Tensor, arg) for i, arg in enumerate(sample.args)]
    return args, on_arrays(tg.Tensor, sample.kwargs), tracked


def as_torch(sample: Sample, track: Sequence[int] = ()) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """``as_tensors`` for PyTorch."""
    import torch

    tracked: list[Any] = []

    def plain(x: np.ndarray) -> Any:
        return torch.from_numpy(np.array(x, order="C", copy=True))

    def leaf(x: np.ndarray) -> Any:
        t = plain(x)
        if is_float(x):
            tracked.append(t.requires_grad_())
        return t

    args = [on_arrays(leaf if i in track else plain, arg) for i, arg in enumerate(sample.args)]
    return args, on_arrays(plain, sample.kwargs), tracked


def parts(value: Any) -> list[Any]:
    """The results of an operation as a flat list."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [part for entry in value for part in parts(entry)]
    return [value]


def host(x: Any) -> np.ndarray:
    """The values of a tensor of either library, or of an array or number."""
    return np.asarray(x.detach().numpy() if hasattr(x, "detach") else x)


def cotangent(index: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """A cotangent for result number ``index``: repeatable, none of its elements small."""
    rng = np.random.default_rng([index, *shape])
    return np.asarray(rng.uniform(0.5, 1.5, shape) * (rng.integers(0, 2, shape) * 2 - 1), dtype=dtype)


def value_and_gradients(
    row: Row, sample: Sample, track: Sequence[int] | None = None, seed: Callable[..., Any] = cotangent
) -> tuple[list[tg.Tensor], list[tg.Tensor]]:
    """The results of a row's call, and their gradients (along fixed cotangents) by its floating arguments."""
    args, kwargs, tracked = as_tensors(sample, row.grad if track is None else track)
    outs = parts(row.call(*args, **kwargs))
    roots = [(i, out) for i, out in enumerate(outs) if isinstance(out, tg.Tensor) and out.node is not None]
    if not roots or not tracked:
        return outs, []
    seeds = [tg.Tensor(seed(i, out.shape, out.dtype)) for i, out in roots]
    return outs, list(grad([out for _, out in roots], tracked, seeds, materialize_grads=True))


def torch_value_and_gradients(
    row: Row, sample: Sample, seed: Callable[..., Any] = cotangent
) -> tuple[list[Any], list[np.ndarray]]:
    """``value_and_gradients`` by PyTorch."""
    import torch

    args, kwargs, tracked = as_torch(sample, row.grad)
    assert row.torch is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an oracle's own advice
        outs = parts(row.torch(*args, **kwargs))
    roots = [(i, out) for i, out in enumerate(outs) if isinstance(out, torch.Tensor) and out.requires_grad]
    if not tracked:
        return outs, []
    if not roots:
        return outs, [np.zeros(x.shape) for x in tracked]
    seeds = [torch.from_numpy(seed(i, tuple(out.shape), host(out).dtype)) for i, out in roots]
    found = torch.autograd.grad([out for _, out in roots], tracked, seeds, allow_unused=True)
    return outs, [np.zeros(x.shape) if g is None else host(g) for x, g in zip(tracked, found)]


def same(actual: Any, expected: Any, tolerance: float, what: str) -> None:
    """Demand equal shapes, and values that differ by no more than ``tolerance`` times the larger of 1 and the largest
    finite expected value; infinities and NaNs in the same places."""
    x, y = host(actual), host(expected)
    assert x.shape == y.shape, f"{what}: expected shape {y.shape}, got {x.shape}"
    if x.dtype.kind != "f" and y.dtype.kind != "f":
        assert np.array_equal(x, y), f"{what}: expected\n{y}\ngot\n{x}"
        return
    wide = np.complex128 if "c" in (x.dtype.kind, y.dtype.kind) else np.float64
    x, y = x.astype(wide), y.astype(wide)
    scale = max(1.0, float(np.max(np.abs(y), initial=0.0, where=np.isfinite(y))))
    close = np.isclose(x, y, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    assert close.all(), f"{what}: expected\n{y}\ngot\n{x}\nwithin {tolerance:g}"


@contextmanager
def quiet() -> Iterator[None]:
    """For oracles, and for calls at the edge of a domain: NumPy's floating-point warnings are not what is tested."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@contextmanager
def told(row: Row, sample: Sample) -> Iterator[None]:
    """Failures inside say which sample it was. Over no elements NumPy may warn, as of a mean."""
    empty = any(not x.size for x in arrays((sample.args, sample.kwargs)))
    try:
        with quiet() if empty else nullcontext():
            yield
    except BaseException as error:
        shown = on_arrays(lambda x: f"{x.dtype}{list(x.shape)}", (sample.args, sample.kwargs))
        error.add_note(f"in row {row.name!r}, sample {sample.note or shown}")
        raise


@cache
def torch_is_here() -> bool:
    import importlib.util

    return importlib.util.find_spec("torch") is not None


def subsets(positions: Sequence[int]) -> list[tuple[int, ...]]:
    """The non-empty proper subsets, single ones only where there are many positions."""
    sizes = range(1, len(positions)) if len(positions) <= 3 else [1]
    return [chosen for n in sizes for chosen in itertools.combinations(positions, n)]
