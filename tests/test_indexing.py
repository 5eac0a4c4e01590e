"""Indices as data, and what they read: against NumPy, over many of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.core.node import Info
from tensorgrad.errors import IndexingError, UnknownShapeError
from tensorgrad.ops.indexing import parse_key, region_info
from tensorgrad.testing import check_grads

SHAPES = [(4,), (2, 3), (3, 1, 4), (2, 0), ()]


def one_part(rng: np.random.Generator, n: int) -> Any:
    """An index of one axis of length n."""
    choice = int(rng.integers(9))
    if choice == 0 and n:
        return int(rng.integers(-n, n))
    if choice == 1 and n:
        return np.int64(rng.integers(-n, n))
    if choice == 2 and n:
        return rng.integers(-n, n, size=int(rng.integers(4))).tolist()
    if choice == 3 and n:
        return rng.integers(-n, n, size=(2, 1)).astype(np.int32)
    if choice == 4:
        return rng.random(n) < 0.5
    ends = [None if rng.random() < 0.4 else int(rng.integers(-n - 1, n + 2)) for _ in range(2)]
    return slice(*ends, None if rng.random() < 0.5 else int(rng.choice([-2, -1, 2, 3])))


def keys(rng: np.random.Generator, shape: tuple[int, ...], count: int) -> Iterator[Any]:
    for _ in range(count):
        parts = [one_part(rng, n) for n in shape[: int(rng.integers(len(shape) + 1))]]
        masks = [p for p in parts if isinstance(p, np.ndarray) and p.dtype == bool]
        if len(masks) > 1 or (masks and any(isinstance(p, (list, np.ndarray)) for p in parts if p is not masks[0])):
            continue  # masks beside arrays broadcast only by luck
        lengths = [np.shape(p)[-1] for p in parts if isinstance(p, (list, np.ndarray))]
        if len({n for n in lengths if n != 1}) > 1:
            continue
        if rng.random() < 0.3:
            parts.insert(int(rng.integers(len(parts) + 1)), None)
        if rng.random() < 0.2:
            parts.append(Ellipsis)
        yield parts[0] if len(parts) == 1 and rng.random() < 0.5 else tuple(parts)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_reading_agrees_with_numpy(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    array = rng.normal(size=shape)
    for key in keys(rng, shape, 300):
        expected = np.asarray(array[key])
        x = tg.Tensor(array, requires_grad=True)
        got = x[key]
        assert np.array_equal(got.detach().numpy(), expected), key
        parsed, arrays = parse_key(key)
        infos = [Info(a.shape, a.dtype) for a in arrays]
        if any(a.dtype == bool for a in arrays):
            with pytest.raises(UnknownShapeError):
                region_info({"key": parsed}, Info(shape, x.dtype), infos)
        else:
            assert region_info({"key": parsed}, Info(shape, x.dtype), infos).shape == expected.shape, key
        weights = rng.normal(size=expected.shape)
        (got * tg.Tensor(weights)).sum().backward()
        scattered = np.zeros(shape)
        np.add.at(scattered, key, weights)
        assert x.grad is not None
        assert np.allclose(x.grad.numpy(), scattered), key


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_writing_agrees_with_numpy(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    for key in keys(rng, shape, 200):
        array = rng.normal(size=shape)
        region = np.asarray(array[key])
        for value in (0.5, rng.normal(size=region.shape)):
            expected, x = array.copy(), tg.Tensor(array.copy())
            expected[key] = value
            x[key] = value
            assert np.array_equal(x.numpy(), expected), key
            tracked = tg.Tensor(array.copy(), requires_grad=True) * 1.0
            tracked[key] = value
            assert np.array_equal(tracked.detach().numpy(), expected), key
            put = tg.index_put(tg.Tensor(array), key if isinstance(key, tuple) else (key,), value)
            assert np.array_equal(put.numpy(), expected), key


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_basic_index_is_a_view_and_any_other_a_copy(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    for key in keys(rng, shape, 200):
        x = tg.zeros(shape)
        y = x[key]
        basic = not parse_key(key)[1]
        assert (y._cell is x._cell) == basic, key
        assert np.shares_memory(x.data, y.data) or not (basic and y.size), key


def test_a_key_is_data() -> None:
    key, arrays = parse_key((1, slice(None, 3), None, [0, 1], ...))
    again, _ = parse_key((1, slice(None, 3), None, np.array([5, 6]), ...))
    assert key == again
    assert hash(key) == hash(again)
    assert repr(key) == "[1, :3, None, #0, ...]"
    assert key.shown(arrays) == "[1, :3, None, int64[2], ...]"
    assert key != parse_key((1, slice(None, 3), None, [True, False], ...))[0]
    assert parse_key(slice(1, 9, 2))[0].shown() == "[1:9:2]"


def test_tensors_index_tensors() -> None:
    x = tg.arange(6.0).reshape((2, 3))
    row, mask = tg.tensor([1, 0]), tg.tensor([True, False, True])
    assert x[row].tolist() == [[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]]
    assert x[:, mask].tolist() == [[0.0, 2.0], [3.0, 5.0]]
    assert x[tg.tensor(1), tg.tensor(2)].item() == 5.0
    assert x[x > 3.0].tolist() == [4.0, 5.0]
    x[x > 3.0] = 0.0
    assert x.sum().item() == 6.0
    assert [5, 6, 7][tg.tensor(1)] == 6


@pytest.mark.parametrize("bad", ["a", 1.5, {}, object(), slice("a"), [0.5], [[0], [0, 1]], (0, "b")])
def test_what_is_no_index(bad: Any) -> None:
    x = tg.zeros((2, 2))
    for use in (lambda: x[bad], lambda: x.__setitem__(bad, 1.0)):
        with pytest.raises(IndexingError, match=r"x: float32\[2, 2\] on cpu, made at test_indexing\.py"):
            use()


@pytest.mark.parametrize("bad", [2, -3, (0, 0, 0), [0, 2], np.ones(3, bool), np.ones((2, 3), bool), (..., ...)])
def test_what_does_not_fit(bad: Any) -> None:
    x = tg.zeros((2, 2))
    for use in (lambda: x[bad], lambda: x.__setitem__(bad, 1.0)):
        with pytest.raises(IndexingError, match=r"(.|\n)*x: float32\[2, 2\] on cpu"):
            use()
    assert x.sum().item() == 0.0


def test_derivatives_of_writing_by_index() -> None:
    x, v = tg.tensor(np.arange(6.0).reshape(3, 2)), tg.tensor(np.array([[1.0, -1.0], [0.5, 2.0]]))
    check_grads(lambda x, v: tg.index_add(x, 0, [2, 2], v * v) ** 2, [x, v], order=2)
    check_grads(lambda x, v: tg.index_put(x, ([1, 1],), v * v) ** 2, [x, v], order=2)
    check_grads(lambda x, v: tg.put(x, [0, 5, 0, 3], v.reshape(-1) ** 2, accumulate=True) ** 2, [x, v], order=2)
    check_grads(lambda x, v: tg.put_along_axis(x, [[0, 1], [1, 1]], v**2, axis=0)[:1] ** 2, [x[:2], v], order=2)
