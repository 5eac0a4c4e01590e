"""The shapes-only device: what it says of shapes, dtypes, views and memory is what NumPy does."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from calls import on_arrays, parts, quiet, samples
from optable import ROWS, Row

import tensorgrad as tg
from tensorgrad.autodiff.backward import grad
from tensorgrad.backends import find
from tensorgrad.backends.shapes import ShapeArray, metered
from tensorgrad.errors import DeviceError, GradientError, IndexingError, ShapeError, TensorgradError
from tensorgrad.memory import estimate_memory

VALUE_DEPENDENT = frozenset(
    {"argwhere", "nonzero", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"}
)
"""Rows whose results' shapes depend on values: these must refuse."""

READS_SOME = {
    "asarray": "tensors in a list are read one by one",
    "from_dlpack": "hands over memory",
    "tensor": "tensors in a list are read one by one",
    "to_device": "the row goes to the CPU",
}
"""Rows with samples that read values for another reason."""


def on_shapes(tree: Any, track: tuple[int, ...] = ()) -> tuple[Any, list[tg.Tensor]]:
    tracked: list[tg.Tensor] = []
    backend = find("shapes")

    def leaf(x: np.ndarray) -> tg.Tensor:
        t = tg.Tensor(backend.asarray(x), requires_grad="float" in x.dtype.name)
        if t.requires_grad:
            tracked.append(t)
        return t

    plain = lambda x: tg.Tensor(backend.asarray(x))
    return [on_arrays(leaf if i in track else plain, part) for i, part in enumerate(tree)], tracked


def described(value: Any) -> list[str]:
    return [f"{x.dtype}{list(x.shape)}" if isinstance(x, tg.Tensor) else repr(x) for x in parts(value)]


def has_mask(sample: Any) -> bool:
    """Whether a boolean array is among the indices, so that the result's shape depends on values."""
    found: list[Any] = []
    on_arrays(lambda x: found.append(x.dtype == bool), sample.args[1:])
    return any(found)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rows_run_on_shapes_and_give_what_numpy_gives(row: Row) -> None:
    for dtype in row.dtypes:
        for sample in samples(row, dtype):
            floating = dtype.startswith("float")
            with quiet():
                expected = row.call(*on_arrays(tg.Tensor, sample.args), **on_arrays(tg.Tensor, sample.kwargs))
            args, tracked = on_shapes(sample.args, tuple(row.grad) if floating else ())
            (kwargs,), _ = on_shapes([sample.kwargs])
            try:
                with tg.use_device("shapes"):
                    found = row.call(*args, **kwargs)
                outs = [x for x in parts(found) if isinstance(x, tg.Tensor) and x.node is not None]
                seeds = [tg.Tensor(ShapeArray(x.shape, x.dtype)) for x in outs]
                gradients = grad(outs, tracked, seeds, materialize_grads=True) if outs and tracked else ()
            except TensorgradError as error:
                refused = "reads a value" in str(error) or "depends on the values" in str(error)
                if refused and (row.name in VALUE_DEPENDENT or row.name in READS_SOME or has_mask(sample)):
                    continue
                raise
            assert row.name not in VALUE_DEPENDENT
            assert described(found) == described(expected), f"{dtype}, {sample}"
            for t, g in zip(tracked, gradients):
                assert (g.shape, g.dtype, str(g.device)) == (t.shape, t.dtype, "shapes")


# Views.

VIEWS: list[Callable[[Any], Any]] = [
    lambda x: x[1],
    lambda x: x[..., None, ::2],
    lambda x: x[:, -1, 0],
    lambda x: tg.permute_dims(x, (2, 0, 1)),
    lambda x: tg.reshape(x, (6, 4)),
    lambda x: tg.reshape(tg.permute_dims(x, (1, 0, 2)), (-1,)),
    lambda x: tg.reshape(x[:, :, 1:], (2, 9)),
    lambda x: tg.reshape(tg.permute_dims(x, (1, 0, 2)), (3, 2, 2, 2)),
    lambda x: tg.broadcast_to(x[0, 0], (5, 4)),
    lambda x: tg.split(x, 2, axis=2)[1],
    lambda x: x[[0, 1], [2, 2]],
    lambda x: x + 0,
]


@pytest.mark.parametrize("view", VIEWS)
def test_views_share_memory_where_numpys_do(view: Callable[[Any], Any]) -> None:
    real, shape = tg.zeros(2, 3, 4), tg.zeros(2, 3, 4, device="shapes")
    with metered() as meter:
        a, b = view(real), view(shape)
        assert np.shares_memory(a.data, real.data) == (b.data.base is shape.data)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        shares = b.data.base is shape.data
        assert meter.live == (0 if shares else b.nbytes)
        if shares:
            assert a.data.strides == b.data.strides


def test_writes_go_through_views_and_raise_versions() -> None:
    x = tg.zeros(3, 4, device="shapes")
    w = tg.zeros(4, device="shapes", requires_grad=True)
    y = x * 1
    row = y[1]
    y[0] = w * w
    y += 1.0
    row *= 2.0
    y.sum().backward()
    assert w.grad is not None
    assert w.grad.shape == (4,)
    with pytest.raises(ShapeError):
        y[0] = tg.zeros(5, device="shapes")
    with pytest.raises((IndexingError, ShapeError)):
        y[7]


# Values.


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.item(),
        lambda x: x.tolist(),
        lambda x: x.numpy(),
        lambda x: np.asarray(x),
        lambda x: float(x),
        lambda x: int(x),
        lambda x: bool(x > 0),
        lambda x: f"{x:.3f}",
        lambda x: x.to("cpu"),
        lambda x: [0, 1][x.data],
        lambda x: np.sin(x.data),
    ],
)
def test_reading_a_value_is_one_clear_error(read: Callable[[Any], Any]) -> None:
    with pytest.raises((DeviceError, TypeError), match=r"reads a value|ufunc"):
        read(tg.zeros((), device="shapes"))


def test_a_boolean_index_is_refused() -> None:
    x = tg.zeros(3, device="shapes")
    with pytest.raises(TensorgradError, match="values"):
        x[x > 0]


def test_devices_do_not_mix() -> None:
    with pytest.raises(DeviceError, match="cpu and shapes"):
        tg.zeros(2) + tg.zeros(2, device="shapes")


def test_printing_needs_no_value() -> None:
    assert repr(tg.zeros(2, 3, device="shapes")) == "tensor(shape=(2, 3), dtype=float32, device='shapes')"


def test_errors_are_those_of_the_cpu() -> None:
    def message(device: str) -> str:
        with pytest.raises(ShapeError) as caught:
            tg.matmul(tg.zeros(2, 3, device=device), tg.zeros(2, 3, device=device))
        return str(caught.value).splitlines()[0]

    assert message("shapes") == message("cpu")


# Memory.


def mlp_loss(weights: list[Any], x: Any) -> Any:
    for w in weights[:-1]:
        x = tg.exp(tg.matmul(x, w))
    return tg.sum(tg.matmul(x, weights[-1]))


def test_the_memory_of_an_mlp_is_what_its_arrays_take() -> None:
    sizes, batch = [20, 30, 40, 10], 50
    weights = [tg.zeros(m, n, requires_grad=True) for m, n in itertools.pairwise(sizes)]
    x = tg.zeros(batch, sizes[0])
    parameters = 4 * sum(m * n for m, n in itertools.pairwise(sizes))
    activations = 4 * batch * sum(sizes[1:3])  # exp keeps its result, matmul its operands: the same arrays
    forward = estimate_memory(mlp_loss, weights, x)
    assert forward.arguments == parameters + 4 * batch * sizes[0]
    assert forward.after == forward.arguments + activations + 4
    widest = 4 * batch * (30 + 40 + 40)  # while exp runs on the second layer: exp, matmul, exp
    assert forward.peak == forward.arguments + max(widest, activations + 4 * batch * 10 + 4)

    def step(weights: list[Any], x: Any) -> None:
        mlp_loss(weights, x).backward()

    whole = estimate_memory(step, weights, x)
    assert whole.after == whole.arguments + parameters, "the gradients stay"
    assert whole.peak > forward.peak
    assert all(w.grad is None for w in weights), "the caller's tensors are as they were"


def test_memory_is_given_back_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        with metered() as meter:
            w = tg.zeros(10, 10, device="shapes", requires_grad=True)
            loss = mlp_loss([w, w], tg.zeros(5, 10, device="shapes"))
            loss.backward()
            assert meter.live == 2 * 400 + 4
            del loss, w
            assert meter.live == 0
    finally:
        gc.enable()


def test_meters_of_two_threads_do_not_mix() -> None:
    import threading

    seen: list[int] = []

    def work(n: int) -> None:
        with metered() as meter:
            kept = [tg.zeros(n, device="shapes") for _ in range(100)]
            seen.append(meter.peak)
            del kept
            assert meter.live == 0

    threads = [threading.Thread(target=work, args=(n,)) for n in (1, 10, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [400, 4000, 40000]


def test_no_memory_is_taken_for_what_could_never_fit() -> None:
    big = 1 << 24
    estimate = estimate_memory(lambda x, w: tg.sum(tg.matmul(x, w)).backward(), *two_of(big))
    assert estimate.peak > 4 * big * big


def two_of(n: int) -> tuple[Any, Any]:
    return tg.zeros(n, n, device="shapes"), tg.zeros(n, n, device="shapes", requires_grad=True)


def test_what_was_not_given_is_named() -> None:
    outside = tg.zeros(3)
    with pytest.raises(DeviceError, match="cpu and shapes"):
        estimate_memory(lambda x: x + outside, tg.zeros(3))
    with pytest.raises(GradientError, match="takes leaves"):
        estimate_memory(lambda x: x, tg.zeros(3, requires_grad=True) * 2)


def test_objects_are_copied_with_their_tensors() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = tg.zeros(3, 3, requires_grad=True)
            self.layers = [{"b": tg.zeros(3, requires_grad=True)}]

        def __call__(self, x: Any) -> Any:
            return tg.sum(tg.matmul(x, self.w) + self.layers[0]["b"])

        def step(self, x: Any) -> None:
            self(x).backward()

    model = Model()
    estimate = estimate_memory(model.step, tg.zeros(2, 3))
    assert estimate.arguments == 4 * (9 + 3 + 6)
    assert estimate.after == estimate.arguments + 4 * (9 + 3)
    assert estimate_memory(model, tg.zeros(2, 3)).arguments == estimate.arguments
    assert model.w.grad is None
    assert model.w.device == "cpu"
    assert "peak" in str(estimate)
