"""Every operation on arrays of every memory layout, and what it leaves untouched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from calls import arrays, as_tensors, is_float, on_arrays, parts, same, samples, told, value_and_gradients
from optable import ROWS, Row, Sample

import tensorgrad as tg
from tensorgrad.testing import check_memory


def strided(x: np.ndarray) -> np.ndarray:
    """Every second element of a bigger array."""
    big = np.full((*x.shape[:-1], 2 * x.shape[-1]) if x.ndim else (2,), 7, x.dtype)
    big[..., ::2] = x
    return big[..., ::2] if x.ndim else big[0:1].reshape(())


def fortran(x: np.ndarray) -> np.ndarray:
    """Column-major."""
    return np.array(x, order="F")


def inner_swapped(x: np.ndarray) -> np.ndarray:
    """The transpose of an array whose first two axes lie in memory the other way round."""
    return x.swapaxes(0, 1).copy().swapaxes(0, 1) if x.ndim > 1 else x.copy()


def reversed_memory(x: np.ndarray) -> np.ndarray:
    """Negative strides."""
    return np.flip(np.flip(x).copy()) if x.ndim else x.copy()


def broadcast(x: np.ndarray) -> np.ndarray:
    """A zero stride: the first column repeated. (Other values, so it is compared with its own copy.)"""
    return np.broadcast_to(x[..., :1], x.shape) if x.ndim and x.shape[-1] else x


def unaligned(x: np.ndarray) -> np.ndarray:
    """Elements at odd addresses."""
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:]
    out = memory.view(x.dtype).reshape(x.shape)
    out[...] = x
    return out


def read_only(x: np.ndarray) -> np.ndarray:
    out = x.copy()
    out.flags.writeable = False
    return out


LAYOUTS = (strided, fortran, inner_swapped, reversed_memory, broadcast, unaligned, read_only)


def outcome(row: Row, sample: Sample) -> Any:
    """Values and gradients, or the kind of error."""
    try:
        outs, gradients = value_and_gradients(row, sample)
    except tg.errors.TensorgradError as error:
        return type(error)
    return [*outs, *gradients]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_memory_layout_does_not_matter(row: Row, layout: Callable[[np.ndarray], np.ndarray]) -> None:
    for sample in samples(row, row.dtypes[-1]):
        if not arrays(sample.args):
            continue
        laid = Sample(on_arrays(layout, sample.args), sample.kwargs, sample.note)
        plain = Sample(on_arrays(lambda x: np.array(x, order="C"), laid.args), sample.kwargs)
        before = [x.copy() for x in arrays(laid.args)]
        with told(row, sample), np.errstate(all="ignore" if layout is broadcast else "warn"):
            found, expected = outcome(row, laid), outcome(row, plain)
            if isinstance(expected, type):
                assert found is expected, f"expected {expected.__name__} as for contiguous arrays"
                continue
            for x, wanted in zip(found, expected, strict=True):
                if isinstance(x, tg.Tensor):
                    assert x.dtype == wanted.dtype
                    same(x, wanted, 1e-5 if x.dtype != np.float64 else 1e-12, f"{row.name} on {layout.__name__} arrays")
            for x, old in zip(arrays(laid.args), before, strict=True):
                assert np.array_equal(x, old, equal_nan=is_float(x)), "an input was changed"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_nothing_given_is_changed_and_gradients_own_their_memory(row: Row) -> None:
    for sample in samples(row, row.dtypes[-1]):
        args, kwargs, _ = as_tensors(sample)
        fixed = {i: arg for i, arg in enumerate(args) if i not in row.grad}
        moving = [arg for i, arg in enumerate(args) if i in row.grad]

        def f(*inputs: Any, fixed: Any = fixed, kwargs: Any = kwargs, count: int = len(args)) -> Any:
            rest = iter(inputs)
            outs = parts(row.call(*(fixed[i] if i in fixed else next(rest) for i in range(count)), **kwargs))
            return [out for out in outs if isinstance(out, tg.Tensor)]

        before = [x.copy() for x in arrays((sample.args, sample.kwargs))]
        with told(row, sample):
            check_memory(f, moving)
            for x, old in zip(arrays((sample.args, sample.kwargs)), before, strict=True):
                assert np.array_equal(x, old, equal_nan=is_float(x)), "an input was changed"
