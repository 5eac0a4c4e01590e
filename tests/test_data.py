"""Data sets, samplers, collating, and loaders that continue in the middle of an epoch."""

from __future__ import annotations

import json
from collections import namedtuple
from itertools import chain

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad import Tensor
from tensorgrad.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)
from tensorgrad.data.order import permutation, source, uniform, words
from tensorgrad.errors import DTypeError, GradientError, IndexingError, ShapeError


class Squares(Dataset):
    """Samples of mixed kinds, one at a time."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, int, str]:
        return np.array([index, index**2], dtype=np.float32), index, f"number {index}"


def numbers(count: int) -> TensorDataset:
    return TensorDataset(np.arange(count))


def visited(loader: DataLoader) -> list[list[int]]:
    return [batch[0].tolist() for batch in loader]


# Orders.


def test_orders_are_pinned():
    # A new NumPy, another machine: the same order, or every published run changes.
    assert permutation(0, 10).tolist() == [4, 0, 6, 5, 9, 3, 8, 7, 2, 1]
    assert permutation(12345678901234567890, 6).tolist() == [4, 0, 3, 2, 5, 1]
    assert [hex(word) for word in words(1, 2).tolist()] == ["0xcb7ea744cf19bb4c", "0xa34eacbe1377d650"]


@pytest.mark.parametrize("seed", [0, 7, (1 << 64) + 5])
def test_orders_are_those_of_a_generator(seed):
    order = tg.randperm(50, generator=tg.Generator(seed))
    np.testing.assert_array_equal(permutation(seed, 50), order.numpy())
    values = tg.rand(50, generator=tg.Generator(seed), dtype=tg.float64)
    np.testing.assert_array_equal(uniform(seed, 50), values.numpy())


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_permutations_are_permutations(count):
    assert sorted(permutation(3, count).tolist()) == list(range(count))


def test_permutations_are_uniform():
    # Each of the 24 orders of four things, over 24,000 seeds: chi-square with 23 degrees of freedom.
    counts = {}
    for seed in range(24_000):
        key = tuple(permutation(seed, 4).tolist())
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 24
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 49.7  # 99.9 %


def test_uniforms_are_in_range_and_spread():
    values = uniform(5, 100_000)
    assert values.min() >= 0
    assert values.max() < 1
    assert abs(values.mean() - 0.5) < 0.005


def test_sources_continue_where_their_state_was_taken():
    for make in (
        lambda: source(3),
        lambda: source(tg.Generator(3)),
        lambda: source(np.random.default_rng(3)),
        lambda: source(np.random.Generator(np.random.MT19937(3))),
    ):
        first = make()
        first.draw()
        state = json.loads(json.dumps(first.state_dict()))
        expected = [first.draw() for _ in range(3)]
        other = make()
        other.load_state_dict(state)
        assert [other.draw() for _ in range(3)] == expected


@pytest.mark.parametrize("bad", [-1, 1 << 128, 1.5, "seed", True])
def test_what_is_no_generator(bad):
    with pytest.raises(DTypeError, match=r"expected .* seed"):
        source(bad)


# Data sets.


def test_tensor_dataset_items_and_batches(rng):
    x, y = rng.normal(size=(5, 2, 3)), np.array([0, 1, 2, 1, 0])
    dataset = TensorDataset(x, Tensor(y))
    assert len(dataset) == 5
    for index in (0, 3, -1):
        row, label = dataset[index]
        np.testing.assert_array_equal(row.numpy(), x[index])
        assert label.shape == ()
        assert label.item() == y[index]
    rows, labels = dataset.get_batch(np.array([4, 0, 4]))
    np.testing.assert_array_equal(rows.numpy(), x[[4, 0, 4]])
    assert labels.tolist() == [0, 0, 0]
    assert len(list(dataset)) == 5


def test_batches_never_share_memory_with_the_dataset():
    x = np.zeros((4, 2))
    for batch in (
        TensorDataset(x)[1],
        TensorDataset(x).get_batch(np.arange(4)),
        next(iter(DataLoader(TensorDataset(x), 4))),
    ):
        assert not np.shares_memory(batch[0].numpy(), x)


def test_tensor_dataset_on_another_device():
    dataset = TensorDataset(tg.zeros((10, 3), device="shapes"), tg.zeros(10, dtype=tg.int64, device="shapes"))
    batches = list(DataLoader(dataset, batch_size=4, shuffle=True, generator=0))
    assert [(x.shape, y.shape) for x, y in batches] == [((4, 3), (4,)), ((4, 3), (4,)), ((2, 3), (2,))]
    assert {str(x.device) for x, _ in batches} == {"shapes"}
    assert dataset[9][0].shape == (3,)


@pytest.mark.gpu
def test_tensor_dataset_on_a_gpu(rng):
    x, y = rng.normal(size=(10, 3)), np.arange(10)
    on_gpu = TensorDataset(tg.Tensor(x).to("cuda"), tg.Tensor(y).to("cuda"))
    settings = {"batch_size": 4, "shuffle": True, "generator": 0}
    for (a, b), (c, d) in zip(DataLoader(on_gpu, **settings), DataLoader(TensorDataset(x, y), **settings)):
        assert (a.device, b.device) == ("cuda:0", "cuda:0")
        np.testing.assert_array_equal(a.numpy(), c.numpy())
        np.testing.assert_array_equal(b.numpy(), d.numpy())
    assert default_collate([on_gpu[0], on_gpu[1]])[0].device == "cuda:0"


def test_tensor_dataset_refuses():
    with pytest.raises(ShapeError, match=r"agree in their first axis, got shapes \[\(2,\), \(3,\)\]"):
        TensorDataset(np.zeros(2), np.zeros(3))
    with pytest.raises(ShapeError, match=r"\(\)"):
        TensorDataset(np.array(1.0))
    with pytest.raises(ShapeError, match="got none"):
        TensorDataset()
    with pytest.raises(DTypeError, match="list"):
        TensorDataset([1, 2, 3])
    with pytest.raises(GradientError, match="tensor 1 requires a gradient"):
        TensorDataset(np.zeros(2), Tensor(np.zeros(2), requires_grad=True))
    for index in (3, -4):
        with pytest.raises(IndexingError, match=f"index {index} .* 3 samples"):
            numbers(3)[index]
    with pytest.raises(TypeError):
        numbers(3)["0"]


def test_subset():
    subset = Subset(Squares(10), [3, -1, 3])
    assert [sample[1] for sample in subset] == [3, 9, 3]
    assert not hasattr(subset, "get_batch")
    nested = Subset(Subset(numbers(10), [9, 7, 5]), np.array([2, 0]))
    assert nested.get_batch(np.array([1, 0]))[0].tolist() == [9, 5]
    assert len(Subset(numbers(3), [])) == 0
    with pytest.raises(IndexingError, match="index 10 is outside a data set of 10"):
        Subset(numbers(10), [0, 10])
    with pytest.raises(IndexingError, match="list of integers"):
        Subset(numbers(10), [0.5])


@pytest.mark.parametrize(
    "lengths, sizes", [([6, 4], [6, 4]), ([0.5, 0.5], [5, 5]), ([0.35, 0.35, 0.3], [4, 3, 3]), ([10], [10])]
)
def test_random_split(lengths, sizes):
    parts = random_split(numbers(10), lengths, generator=1)
    assert [len(part) for part in parts] == sizes
    everything = [x.item() for part in parts for (x,) in part]
    assert sorted(everything) == list(range(10))
    again = [x.item() for part in random_split(numbers(10), lengths, generator=1) for (x,) in part]
    assert again == everything


@pytest.mark.parametrize("lengths", [[5, 4], [0.5, 0.4], [-1, 11], [1.0, 1.0]])
def test_random_split_refuses(lengths):
    with pytest.raises(ShapeError, match="random_split"):
        random_split(numbers(10), lengths, generator=0)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("lengths", [[0.1] * 10, [0.25, 0.25, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.9, 0.1], [3, 8]])
def test_random_split_sizes_are_pytorchs(lengths):
    import torch

    theirs = torch.utils.data.random_split(range(11), lengths)
    assert [len(part) for part in random_split(numbers(11), lengths, generator=0)] == [len(part) for part in theirs]


# Samplers.


def test_sequential_and_random_samplers():
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    sampler = RandomSampler(range(50), generator=0)
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert list(RandomSampler(range(50), generator=0)) == first


def test_random_sampler_counts():
    assert len(list(RandomSampler(range(5), num_samples=3, generator=0))) == 3
    many = list(RandomSampler(range(5), num_samples=12, generator=0))
    assert len(many) == 12
    assert sorted(many[:5]) == sorted(many[5:10]) == list(range(5))
    assert many[:5] != many[5:10]
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=5000, generator=0))
    assert set(drawn) == set(range(5))
    assert np.bincount(drawn).min() > 900


def test_subset_random_sampler():
    sampler = SubsetRandomSampler([2, 4, 8], generator=0)
    assert len(sampler) == 3
    assert sorted(sampler) == [2, 4, 8]


def test_weighted_sampler_draws_in_proportion():
    sampler = WeightedRandomSampler([1.0, 0.0, 3.0, 0.0], 40_000, generator=0)
    counts = np.bincount(sampler.order(sampler.draw()), minlength=4)
    assert counts[[1, 3]].tolist() == [0, 0]
    assert abs(counts[2] / counts[0] - 3) < 0.15
    without = WeightedRandomSampler([1.0, 0.0, 2.0], 2, replacement=False, generator=0)
    firsts = [list(without) for _ in range(3000)]
    assert all(sorted(pair) == [0, 2] for pair in firsts)
    assert abs(np.mean([pair[0] == 2 for pair in firsts]) - 2 / 3) < 0.03


@pytest.mark.parametrize(
    "arguments", [([-1.0, 2.0], 1), ([0.0, 0.0], 1), ([np.nan], 1), ([[1.0]], 1), ([1.0], 0), ([1.0, 0.0], 2, False)]
)
def test_weighted_sampler_refuses(arguments):
    with pytest.raises(ShapeError, match="WeightedRandomSampler"):
        WeightedRandomSampler(*arguments, generator=0)


def test_samplers_refuse():
    with pytest.raises(ShapeError, match="empty"):
        RandomSampler([], generator=0)
    with pytest.raises(ShapeError, match="num_samples"):
        RandomSampler([1], num_samples=0, generator=0)
    for size in (0, -1, 1.5, True):
        with pytest.raises(ShapeError, match="batch size"):
            BatchSampler(range(3), size, drop_last=False)


@pytest.mark.parametrize("drop_last, batches", [(False, [[0, 1], [2, 3], [4]]), (True, [[0, 1], [2, 3]])])
def test_batch_sampler(drop_last, batches):
    sampler = BatchSampler(SequentialSampler(range(5)), 2, drop_last)
    assert list(sampler) == batches
    assert [batch.tolist() for batch in sampler.batches(None)] == batches
    assert len(sampler) == len(batches)


# Collating.

Point = namedtuple("Point", "x y")


def test_collate_structures():
    batch = default_collate([{"a": (1, 2.5), "b": ["x", True], "p": Point(np.float64(1), np.int8(2))}] * 2)
    assert batch["a"][0].tolist() == [1, 1]
    assert batch["a"][0].dtype == np.int64
    assert batch["a"][1].dtype == np.float32
    assert batch["b"][0] == ["x", "x"]
    assert batch["b"][1].dtype == np.bool_
    assert isinstance(batch["p"], Point)
    assert (batch["p"].x.dtype, batch["p"].y.dtype) == (np.float64, np.int8)
    assert default_collate([Tensor(np.ones((2, 3)))] * 4).shape == (4, 2, 3)


@pytest.mark.parametrize(
    "samples, error, message",
    [
        ([], ShapeError, "got none"),
        ([np.zeros(2), np.zeros(3)], ShapeError, r"sample: expected shape \[2\] throughout.*got \[3\] at 1"),
        ([(1, 2), (1, 2, 3)], ShapeError, "sample: expected 2 parts.*got 3 at 1"),
        ([(1, np.zeros(1)), (1, np.zeros(2))], ShapeError, r"sample\[1\]: expected shape \[1\]"),
        ([{"a": 1}, {"b": 1}], ShapeError, "expected the key 'a'"),
        ([1, 2.0], DTypeError, "expected int throughout.*got float at 1"),
        ([object()], DTypeError, "cannot make a batch of object"),
        ([None, None], DTypeError, "NoneType"),
    ],
)
def test_collate_refuses(samples, error, message):
    with pytest.raises(error, match=message):
        default_collate(samples)


# Loaders.


def test_loader_of_samples_collates():
    batches = list(DataLoader(Squares(5), batch_size=2))
    assert [x.shape for x, _, _ in batches] == [(2, 2), (2, 2), (1, 2)]
    assert batches[1][1].tolist() == [2, 3]
    assert batches[1][2] == ["number 2", "number 3"]


def test_loader_fast_path_gives_what_collating_gives():
    dataset = TensorDataset(np.arange(14.0).reshape(7, 2), np.arange(7))
    settings = {"batch_size": 3, "shuffle": True, "generator": 5}
    fast = list(DataLoader(dataset, **settings))
    slow = list(DataLoader(dataset, collate_fn=default_collate, **settings))
    for (x, y), (u, v) in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(x.numpy(), u.numpy())
        np.testing.assert_array_equal(y.numpy(), v.numpy())
        assert (x.dtype, y.dtype) == (u.dtype, v.dtype)


def test_loader_lengths_and_drop_last():
    assert visited(DataLoader(numbers(5), 2)) == [[0, 1], [2, 3], [4]]
    assert visited(DataLoader(numbers(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert (len(DataLoader(numbers(5), 2)), len(DataLoader(numbers(5), 2, drop_last=True))) == (3, 2)
    assert visited(DataLoader(numbers(1), 2, drop_last=True)) == []
    assert visited(DataLoader(Subset(numbers(3), []), 2)) == []


def test_loader_shuffles_anew_each_epoch_and_repeats_by_seed():
    loader = DataLoader(numbers(40), 8, shuffle=True, generator=2)
    first, second = visited(loader), visited(loader)
    assert first != second
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(40))
    other = DataLoader(numbers(40), 8, shuffle=True, generator=2)
    assert [visited(other), visited(other)] == [first, second]


def test_loader_with_samplers_of_ones_own():
    assert visited(DataLoader(numbers(5), 2, sampler=[4, 0, 2])) == [[4, 0], [2]]
    assert visited(DataLoader(numbers(5), batch_sampler=[[1], [2, 3]])) == [[1], [2, 3]]
    assert len(DataLoader(numbers(5), batch_sampler=[[1], [2, 3]])) == 2


def test_loader_refuses_contradictions():
    for settings in (
        {"num_workers": 2},
        {"shuffle": True, "sampler": [0]},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
    ):
        with pytest.raises(DTypeError, match="DataLoader"):
            DataLoader(numbers(3), **settings)
    with pytest.raises(ShapeError, match="batch size"):
        DataLoader(numbers(3), batch_size=0)


def makers():
    yield "shuffled", lambda: DataLoader(numbers(23), 4, shuffle=True, generator=9)
    yield "generator", lambda: DataLoader(numbers(23), 4, shuffle=True, generator=tg.Generator(9))
    yield "numpy", lambda: DataLoader(numbers(23), 4, shuffle=True, generator=np.random.default_rng(9))
    yield "in order", lambda: DataLoader(numbers(23), 4)
    yield (
        "weighted",
        lambda: DataLoader(numbers(23), 4, sampler=WeightedRandomSampler(np.arange(23.0), 23, generator=1)),
    )
    yield "a list", lambda: DataLoader(numbers(23), 4, sampler=list(range(22, -1, -1)))
    yield "batches", lambda: DataLoader(numbers(23), batch_sampler=BatchSampler(SequentialSampler(range(23)), 4, True))


@pytest.mark.parametrize("name, make", list(makers()), ids=[name for name, _ in makers()])
def test_loader_continues_anywhere_as_if_never_interrupted(name, make):
    straight = [batch for loader in [make()] for _ in range(3) for batch in visited(loader)]
    per_epoch = len(make())
    for cut in range(3 * per_epoch):
        loader, seen = make(), []
        while len(seen) < cut:
            for batch in loader:
                seen.append(batch[0].tolist())
                if len(seen) == cut:
                    break
        state = json.loads(json.dumps(loader.state_dict()))
        resumed = make()
        resumed.load_state_dict(state)
        while len(seen) < 3 * per_epoch:
            seen += visited(resumed)
        assert seen == straight, cut


def test_loader_state_after_a_whole_epoch_starts_the_next():
    loader = DataLoader(numbers(10), 4, shuffle=True, generator=0)
    visited(loader)
    other = DataLoader(numbers(10), 4, shuffle=True, generator=0)
    other.load_state_dict(loader.state_dict())
    assert visited(other) == visited(loader)


def test_the_default_generator_decides_where_none_is_given():
    epochs = []
    for seed in (1, 1, 2):
        tg.manual_seed(seed)
        loader = DataLoader(numbers(30), 30, shuffle=True)
        epochs.append([visited(loader), visited(loader)])
    assert epochs[0] == epochs[1] != epochs[2]
    assert epochs[0][0] != epochs[0][1]
    assert loader.state_dict()["generator"] is None


def test_a_loader_of_the_default_generator_continues_too():
    tg.manual_seed(4)
    loader = DataLoader(numbers(30), 4, shuffle=True)
    batches = iter(loader)
    seen = [next(batches)[0].tolist() for _ in range(3)]
    state, random = loader.state_dict(), tg.get_rng_state()
    expected = seen + [batch[0].tolist() for batch in batches] + visited(loader)
    other = DataLoader(numbers(30), 4, shuffle=True)
    other.load_state_dict(state)
    tg.set_rng_state(random)
    assert seen + visited(other) + visited(other) == expected


def test_loader_that_was_left_starts_a_new_epoch():
    loader = DataLoader(numbers(10), 4)
    next(iter(loader))
    assert visited(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_loader_refuses_a_state_that_does_not_fit_and_stays_as_it_was():
    loader = DataLoader(numbers(10), 4, shuffle=True, generator=0)
    before = loader.state_dict()
    with pytest.raises(ShapeError, match="at batch 9, but there are only 3"):
        loader.load_state_dict({**before, "batch": 9, "generator": [5, 0, 5]})
    with pytest.raises(ShapeError, match="without 'seed'"):
        loader.load_state_dict({"epoch": 0, "batch": 0, "generator": None})
    assert loader.state_dict() == before


def test_sampler_subclasses_take_part():
    class Reversed(Sampler):
        def __init__(self, length: int) -> None:
            self.length = length

        def order(self, seed: int | None) -> np.ndarray:
            return np.arange(self.length)[::-1]

        def __len__(self) -> int:
            return self.length

    assert visited(DataLoader(numbers(5), 2, sampler=Reversed(5))) == [[4, 3], [2, 1], [0]]
