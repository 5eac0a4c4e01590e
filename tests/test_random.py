"""Random numbers: the cipher's own vectors, the layout of the stream, distributions, generators, gradients."""

from __future__ import annotations

import copy
import math
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tensorgrad as tg
from tensorgrad.backends import find
from tensorgrad.core.generator import Generator, default_generator, get_rng_state, manual_seed, set_rng_state
from tensorgrad.errors import DTypeError, ShapeError
from tensorgrad.op import OPS, raw_namespace
from tensorgrad.ops.random import random_words
from tensorgrad.tape import capture

MASK = (1 << 64) - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 as the paper states it."""
    c, k = list(counter), list(key)
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [(second >> 64) ^ c[1] ^ k[0], second & MASK, (first >> 64) ^ c[3] ^ k[1], first & MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return c


# From the known-answer tests of the authors' library, Random123.
KNOWN = [
    (
        [0, 0, 0, 0],
        [0, 0],
        [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B],
    ),
    (
        [MASK] * 4,
        [MASK] * 2,
        [0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0],
    ),
    (
        [0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89],
        [0x452821E638D01377, 0xBE5466CF34E90C6C],
        [0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6],
    ),
]


@pytest.mark.parametrize("counter, key, expected", KNOWN)
def test_the_statement_of_philox_gives_the_authors_vectors(counter: Any, key: Any, expected: Any) -> None:
    assert philox(counter, key) == expected


def state_of(seed: int, offset: int = 0) -> tg.Tensor:
    return tg.Tensor(np.array([seed & MASK, seed >> 64, offset], dtype=np.uint64))


@pytest.mark.parametrize(
    "seed, offset", [(0, 0), (7, 1), (2**63 + 1, 0), (2**64 + 3, 5), (2**128 - 1, 2**40), (1, 2**63 + 5)]
)
@pytest.mark.parametrize("count", [0, 1, 4, 11])
def test_words_are_philox_of_key_and_block(seed: int, offset: int, count: int) -> None:
    expected = [word for i in range(3) for word in philox([offset + i, 0, 0, 0], [seed & MASK, seed >> 64])]
    got = random_words(state_of(seed, offset), count=count)
    assert got.dtype == np.uint64
    assert got.tolist() == expected[:count]


def test_the_block_counter_carries_into_the_next_word() -> None:
    got = random_words(state_of(1, MASK), count=8).tolist()
    assert got == philox([MASK, 0, 0, 0], [1, 0]) + philox([0, 1, 0, 0], [1, 0])


def halves(words: list[int]) -> list[int]:
    return [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]


def test_uniforms_are_the_upper_bits_of_words_and_halves() -> None:
    words = random_words(state_of(3), count=8).tolist()
    wide = tg.rand(5, dtype=tg.float64, generator=Generator(3))
    assert wide.tolist() == [(w >> 11) / 2**53 for w in words[:5]]
    for dtype, bits in (("float32", 24), ("float16", 11)):
        got = tg.rand(5, dtype=dtype, generator=Generator(3))
        assert got.dtype == dtype
        assert got.tolist() == [(h >> (32 - bits)) / 2**bits for h in halves(words)[:5]]


def test_bfloat16_uniforms() -> None:
    pytest.importorskip("ml_dtypes", reason="bfloat16 comes through ml_dtypes")
    words = random_words(state_of(3), count=4).tolist()
    got = tg.rand(5, dtype="bfloat16", generator=Generator(3))
    assert got.dtype.name == "bfloat16"
    assert got.numpy().astype(float).tolist() == [(h >> 24) / 2**8 for h in halves(words)[:5]]


def test_normals_are_box_muller_of_pairs() -> None:
    words = random_words(state_of(9), count=8).tolist()
    expected = []
    for a, b in zip(words[0::2], words[1::2], strict=True):
        radius, angle = math.sqrt(-2 * math.log(((a >> 11) + 1) / 2**53)), 2 * math.pi * ((b >> 11) / 2**53)
        expected += [radius * math.cos(angle), radius * math.sin(angle)]
    got = tg.randn(7, dtype=tg.float64, generator=Generator(9)).numpy()
    np.testing.assert_array_max_ulp(got, np.array(expected[:7]), 4)
    narrow = []
    for word in words[:4]:
        radius = math.sqrt(-2 * math.log(((word & 0xFFFFFFFF) + 1) / 2**32))
        angle = 2 * math.pi * ((word >> 32) / 2**32)
        narrow += [radius * math.cos(angle), radius * math.sin(angle)]
    got = tg.randn(7, generator=Generator(9)).numpy()
    np.testing.assert_array_max_ulp(got, np.array(narrow[:7], dtype=np.float32), 1)


@pytest.mark.parametrize("low, high", [(0, 10), (-5, 6), (0, 2**32), (-(2**40), 2**50), (-(2**63), 2**63)])
def test_integers_are_scaled_words(low: int, high: int) -> None:
    words = random_words(state_of(4), count=6).tolist()
    got = tg.randint(low, high, (2, 3), generator=Generator(4))
    assert got.dtype == np.int64
    assert got.numpy().ravel().tolist() == [low + (w * (high - low) >> 64) for w in words]


def test_integers_of_other_dtypes() -> None:
    assert tg.randint(256, size=(50,), dtype=tg.uint8, generator=Generator(1)).dtype == np.uint8
    words = random_words(state_of(1), count=3).tolist()
    got = tg.randint(0, 2**64, (3,), dtype=tg.uint64, generator=Generator(1))
    assert got.tolist() == words
    assert tg.randint(10, (3,), generator=Generator(0)).shape == (3,), "PyTorch's order of arguments"


# The fast ways on the CPU make the bits of the bodies.


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["random_uniform", "random_normal"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (20001,)])
def test_overrides_equal_the_bodies(name: str, dtype: str, shape: tuple[int, ...]) -> None:
    backend = find("cpu")
    state = np.array([1, 2, 3], dtype=np.uint64)
    params = {"shape": shape, "dtype": np.dtype(dtype)}
    fast = backend.overrides[name](state, **params)
    body = OPS[name].body
    assert body is not None
    slow = body(raw_namespace(backend), state, **params)
    assert fast.dtype == slow.dtype == dtype
    assert fast.shape == slow.shape == shape
    assert np.array_equal(fast, slow)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout_equals_its_body(dtype: str, p: float, rng: np.random.Generator) -> None:
    backend = find("cpu")
    x = rng.standard_normal((130, 257)).astype(dtype)
    x[0, :4] = [np.inf, -np.inf, np.nan, -0.0]
    state = np.array([1, 2, 3], dtype=np.uint64)
    body = OPS["dropout"].body
    assert body is not None
    with np.errstate(invalid="ignore"):
        fast = backend.overrides["dropout"](x.T, state, p=p)
        slow = body(raw_namespace(backend), x.T, state, p=p)
    assert fast.dtype == slow.dtype
    assert np.array_equal(fast, slow, equal_nan=True)


# What is drawn is distributed as promised.


def test_moments_and_quantiles() -> None:
    manual_seed(1)
    n = 200_000
    u = tg.rand(n).numpy().astype(np.float64)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 5 / math.sqrt(12 * n)
    assert np.abs(np.sort(u) - np.arange(n) / n).max() < 1.95 / math.sqrt(n), "Kolmogorov-Smirnov, at 0.1 %"
    z = tg.randn(n).numpy().astype(np.float64)
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / n)
    grid = np.linspace(-3, 3, 61)
    cdf = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in grid])
    assert np.abs((z[:, None] < grid).mean(axis=0) - cdf).max() < 1.95 / math.sqrt(n)
    assert abs(np.corrcoef(z[0::2], z[1::2])[0, 1]) < 5 / math.sqrt(n / 2), "the two of a pair are independent"


def test_integers_are_even() -> None:
    counts = np.bincount(tg.randint(0, 7, (70_000,), generator=Generator(0)).numpy(), minlength=7)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 24  # chi-squared, 6 degrees of freedom, 0.05 %


def test_bernoulli_follows_its_probabilities() -> None:
    p = tg.tensor([0.0, 0.25, 1.0]) * tg.ones(20_000, 1)
    means = tg.bernoulli(p, generator=Generator(0)).numpy().mean(axis=0)
    assert means[0] == 0
    assert means[2] == 1
    assert abs(means[1] - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 20_000)
    assert tg.bernoulli(tg.tensor([0.5], dtype=tg.float64)).dtype == np.float64


def test_permutations_are_permutations() -> None:
    order = tg.randperm(1000, generator=Generator(5))
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(1000))
    words = random_words(state_of(5), count=1000).numpy()
    assert order.tolist() == np.argsort(words, kind="stable").tolist()
    assert tg.randperm(0).shape == (0,)
    x = tg.tensor([[1, 2], [3, 4], [5, 6]])
    shuffled = tg.random.permutation(x, generator=Generator(2))
    assert sorted(map(tuple, shuffled.tolist())) == [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_follows_its_weights(replacement: bool) -> None:
    weights = tg.tensor([1.0, 0.0, 3.0])
    rows = weights * tg.ones(8000, 1)
    first = tg.multinomial(rows, 1, replacement, generator=Generator(0)).numpy()[:, 0]
    counts = np.bincount(first, minlength=3) / 8000
    assert counts[1] == 0
    assert abs(counts[2] - 0.75) < 5 * math.sqrt(0.75 * 0.25 / 8000)
    both = tg.multinomial(weights, 2, replacement, generator=Generator(1))
    assert both.shape == (2,)
    if not replacement:
        assert sorted(both.tolist()) == [0, 2]


def test_choice_with_and_without_replacement() -> None:
    assert sorted(tg.random.choice(4, (4,), replace=False).tolist()) == [0, 1, 2, 3]
    assert set(tg.random.choice(tg.tensor([5, 9]), (20,)).tolist()) <= {5, 9}
    assert tg.random.choice(tg.tensor([5, 9]), (3,), p=tg.tensor([0.0, 1.0])).tolist() == [9, 9, 9]


def test_normal_and_uniform_scale_and_shift() -> None:
    z, u = tg.randn(4, generator=Generator(1)), tg.rand(4, generator=Generator(1))
    assert tg.normal(2.0, 3.0, (4,), generator=Generator(1)).tolist() == (z * 3.0 + 2.0).tolist()
    assert tg.uniform(-1.0, 1.0, (4,), generator=Generator(1)).tolist() == (u * 2.0 + -1.0).tolist()
    mean = tg.tensor([[0.0], [10.0]], dtype=tg.float64, requires_grad=True)
    std = tg.tensor([1.0, 2.0, 3.0], dtype=tg.float64, requires_grad=True)
    x = tg.normal(mean, std, generator=Generator(2))
    assert x.shape == (2, 3)
    assert x.dtype == np.float64
    x.sum().backward()
    assert mean.grad is not None
    assert std.grad is not None
    assert mean.grad.tolist() == [[3.0], [3.0]]
    z = tg.randn(2, 3, dtype=tg.float64, generator=Generator(2))
    assert std.grad.tolist() == z.sum(axis=0).tolist()


def test_uniform_passes_gradients_to_its_bounds() -> None:
    low, high = (tg.tensor([x, x + 1], dtype=tg.float64, requires_grad=True) for x in (-1.0, 1.0))
    tg.uniform(low, high, generator=Generator(1)).sum().backward()
    u = tg.rand(2, dtype=tg.float64, generator=Generator(1))
    assert low.grad is not None
    assert high.grad is not None
    assert low.grad.tolist() == (1 - u).tolist()
    assert high.grad.tolist() == u.tolist()


# Dropout.


def test_dropout_makes_the_same_mask_again_in_the_backward_pass() -> None:
    x = tg.ones(50, 40, requires_grad=True)
    y = tg.dropout(x, 0.25, generator=Generator(0))
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == y.tolist()
    values = set(np.unique(y.detach().numpy()).tolist())
    assert values == {0.0, float(np.float32(1 / 0.75))}
    assert y.node.saved[0].shape == (3,) if y.node.saved else True, "three words are kept, not a mask"


def test_dropout_keeps_three_words_only() -> None:
    x = tg.ones(1000, requires_grad=True)
    y = tg.dropout(x, 0.5)
    assert sum(saved.nbytes for saved in y.node.saved if hasattr(saved, "nbytes")) == 24


def test_dropout_drops_the_share_it_should() -> None:
    y = tg.dropout(tg.ones(100_000), 0.1, generator=Generator(0)).numpy()
    assert abs((y == 0).mean() - 0.1) < 5 * math.sqrt(0.09 / 100_000)


def test_dropout_off() -> None:
    x = tg.ones(3)
    assert tg.dropout(x, 0.5, training=False) is x
    assert tg.dropout(x, 0.0) is x
    assert tg.dropout(x, 1.0).tolist() == [0, 0, 0]
    everything = tg.ones(3, requires_grad=True)
    tg.dropout(everything, 1.0).sum().backward()
    assert everything.grad is not None
    assert everything.grad.tolist() == [0, 0, 0]


def test_dropped_infinities_are_zero_and_pass_no_gradient() -> None:
    x = tg.tensor([float("inf"), float("nan")] * 50, requires_grad=True)
    y = tg.dropout(x, 0.5, generator=Generator(0))
    dropped = y.detach().numpy() == 0
    assert 20 < dropped.sum() < 80
    y.backward(tg.tensor([float("inf")] * 100))
    assert x.grad is not None
    assert (x.grad.numpy()[dropped] == 0).all()


def test_dropout_is_differentiable_again_and_forward() -> None:
    x = tg.tensor([1.0, 2.0, 3.0, 4.0], dtype=tg.float64)

    def f(x: tg.Tensor) -> tg.Tensor:
        return (tg.dropout(x * x, 0.5, generator=Generator(3)) * x).sum()

    scale = tg.dropout(tg.ones(4, dtype=tg.float64), 0.5, generator=Generator(3))
    np.testing.assert_allclose(tg.grad(f)(x).numpy(), (3 * x * x * scale).numpy())
    np.testing.assert_allclose(tg.hessian(f)(x).numpy(), np.diag((6 * x * scale).numpy()))
    _, tangent = tg.jvp(f, (x,), (tg.ones(4, dtype=tg.float64),))
    np.testing.assert_allclose(float(tangent), float((3 * x * x * scale).sum()))


# Generators.


def test_each_draw_takes_whole_blocks() -> None:
    g = Generator(0)
    tg.rand(9, generator=g)  # nine halves are five words are two blocks
    assert g.offset == 2
    tg.rand(4, dtype=tg.float64, generator=g)
    assert g.offset == 3
    tg.randn(3, generator=g)
    assert g.offset == 4
    tg.rand(0, generator=g)
    assert g.offset == 4
    a = tg.rand(3, generator=g)
    g.offset = 4
    assert tg.rand(3, generator=g).tolist() == a.tolist()


def test_a_longer_draw_starts_with_the_shorter_one() -> None:
    for draw in (tg.rand, tg.randn):
        assert draw(10, generator=Generator(1)).tolist()[:5] == draw(5, generator=Generator(1)).tolist()


def test_state_goes_through_checkpoints() -> None:
    g = Generator(2**70 + 5)
    tg.rand(100, generator=g)
    state = g.get_state()
    assert state.dtype == np.uint64
    assert state.shape == (3,)
    expected = tg.rand(5, generator=g).tolist()
    for form in (state, state.tolist()):
        assert tg.rand(5, generator=Generator(0).set_state(form)).tolist() == expected
    g.set_state(state)
    for twin in (copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert (twin.get_state() == state).all()
        assert tg.rand(5, generator=twin).tolist() == expected
    assert g.initial_seed() == 2**70 + 5


def test_seeding_the_default_generator() -> None:
    assert manual_seed(3) is default_generator()
    before = get_rng_state()
    a = tg.rand(3).tolist()
    set_rng_state(before)
    assert tg.rand(3).tolist() == a
    assert tg.rand(3, generator=Generator(3)).tolist() == a


def test_unseeded_generators_differ() -> None:
    assert Generator().initial_seed() != Generator().initial_seed()


def test_spawned_generators_repeat_and_differ() -> None:
    parent, twin = Generator(1), Generator(1)
    children = [parent.spawn() for _ in range(3)]
    assert [c.initial_seed() for c in children] == [twin.spawn().initial_seed() for _ in range(3)]
    assert len({c.initial_seed() for c in children}) == 3
    assert children[0].initial_seed() == philox([0, 0, 0, 0], [1, 0])[0] | philox([0, 0, 0, 0], [1, 0])[1] << 64


def test_each_thread_has_its_own_default_generator() -> None:
    manual_seed(0)
    expected = tg.rand(5).tolist()
    found: dict[str, list[float]] = {}

    def work(name: str) -> None:
        if name == "seeded":
            manual_seed(0)
        found[name] = tg.rand(5).tolist()

    manual_seed(0)
    for name in ("seeded", "unseeded"):
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()
    assert found["seeded"] == expected
    assert found["unseeded"] != expected
    assert tg.rand(5).tolist() == expected, "other threads' draws do not move this thread's generator"


def test_a_shared_generator_gives_each_draw_a_part_of_its_own() -> None:
    g = Generator(0)
    drawn: list[np.ndarray] = []

    def work() -> None:
        for _ in range(200):
            drawn.append(g.reserve(4))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(state[2]) for state in drawn) == list(range(800))


def test_a_captured_draw_is_drawn_anew_at_replay() -> None:
    g = Generator(0)
    x = tg.ones(6)
    result, tape = capture(lambda x: tg.dropout(x, 0.5, generator=g) + tg.rand(6, generator=g), x)
    tape.verify()
    expected = Generator(0)
    values = [tg.dropout(x, 0.5, generator=expected) + tg.rand(6, generator=expected) for _ in range(3)]
    assert result.tolist() == values[0].tolist()
    assert [tape.replay(x).tolist() for _ in range(2)] == [v.tolist() for v in values[1:]]


# Bad input.


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: Generator(-1), ShapeError, "seed"),
        (lambda: Generator(2**128), ShapeError, "seed"),
        (lambda: Generator("cuda"), DTypeError, "seed to be an integer"),  # type: ignore[arg-type]
        (lambda: manual_seed(1.5), DTypeError, "seed to be an integer"),  # type: ignore[arg-type]
        (lambda: Generator(0).set_state([1, 2]), ShapeError, "three words"),
        (lambda: setattr(Generator(0), "offset", -1), ShapeError, "offset"),
        (lambda: tg.rand(-1), ShapeError, "negative"),
        (lambda: tg.rand(2, dtype=tg.int64), DTypeError, "real floating dtype"),
        (lambda: tg.randn(2, dtype="complex64"), DTypeError, "real floating dtype"),
        (lambda: tg.rand(2, generator=np.random.default_rng(0)), DTypeError, "expected a tensorgrad.Generator"),
        (lambda: tg.randint(5, 5, (2,)), ShapeError, "low < high"),
        (lambda: tg.randint(0, 300, (2,), dtype=tg.uint8), ShapeError, "uint8"),
        (lambda: tg.randint(0, 3, (2,), dtype=tg.float32), DTypeError, "integer dtype"),
        (lambda: tg.randint(0.5, size=(2,)), DTypeError, "integer"),
        (lambda: tg.dropout(tg.ones(2), 1.5), ShapeError, "from 0 to 1"),
        (lambda: tg.dropout(tg.ones(2), True), ShapeError, "from 0 to 1"),
        (lambda: tg.dropout(tg.tensor([1, 2]), 0.5), DTypeError, "floating"),
        (lambda: tg.bernoulli(1.5), ShapeError, "from 0 to 1"),
        (lambda: tg.normal(tg.zeros(3), 1.0, (2,)), ShapeError, "do not broadcast"),
        (lambda: tg.multinomial(tg.ones(3), 4), ShapeError, "1 to 3 samples"),
        (lambda: tg.multinomial(tg.ones(1, 1, 1), 1), ShapeError, "rows, classes"),
        (lambda: tg.multinomial(tg.tensor([1.0, -1.0]), 1), ShapeError, "not negative"),
        (lambda: tg.multinomial(tg.tensor([1.0, 0.0]), 2), ShapeError, "too few"),
        (lambda: tg.random.choice(3, (4,), replace=False), ShapeError, "cannot choose 4 of 3"),
        (lambda: tg.random.permutation(tg.tensor(1.0)), ShapeError, "one dimension"),
    ],
)
def test_bad_input_says_what_was_expected(call: Callable[[], Any], error: type[Exception], match: str) -> None:
    state = get_rng_state()
    with pytest.raises(error, match=match):
        call()
    assert (get_rng_state() == state).all(), "an error takes nothing from the stream"
