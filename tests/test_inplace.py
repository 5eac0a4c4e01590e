"""Views and in-place writes: what NumPy does to memory, what PyTorch does to gradients, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from optable import ROWS, Row

import tensorgrad as tg
from tensorgrad.errors import DTypeError, GradientError, IndexingError, InPlaceError, NaNError, ShapeError
from tensorgrad.tape import capture


def leaf(*values: float) -> tg.Tensor:
    return tg.tensor(np.array(values), requires_grad=True)


def gradient(f: Callable[[tg.Tensor], tg.Tensor], *values: float) -> list[float]:
    x = leaf(*values)
    f(x).backward()
    return [] if x.grad is None else x.grad.tolist()


# Writes are seen through every view, and differentiated.


def test_a_write_zeroes_the_old_and_takes_the_new() -> None:
    def f(w: tg.Tensor) -> tg.Tensor:
        x = w * 2
        x[0] = w[2] * w[2]
        return (x * tg.tensor([1.0, 10.0, 100.0])).sum()

    assert gradient(f, 1.0, 2.0, 3.0) == [0.0, 20.0, 206.0]


def test_a_view_of_a_view_writes_to_the_base_and_reads_from_it() -> None:
    w = leaf(1.0, 2.0)
    base = tg.zeros((2, 3), dtype="float64")
    inner = base.permute_dims((1, 0))[1:][0]
    other = base[:, 1]
    inner *= 5.0
    inner += w
    assert other.tolist() == [1.0, 2.0]
    assert other.requires_grad
    (other * other).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [2.0, 4.0]


def test_write_then_read_then_write() -> None:
    def f(w: tg.Tensor) -> tg.Tensor:
        x = tg.zeros(3, dtype="float64")
        x[:2] = w[0]
        first = x.sum() * 1.0
        x[1:] = w[1]
        return first * 100.0 + (x * tg.tensor([1.0, 2.0, 3.0])).sum()

    assert gradient(f, 1.0, 1.0) == [201.0, 5.0]


def test_integers_for_every_axis_give_a_view() -> None:
    x = tg.zeros((2, 2))
    cell = x[1, 0]
    cell += 7.0
    assert x.tolist() == [[0.0, 0.0], [7.0, 0.0]]
    x[1, 0] = 3.0
    assert cell.item() == 3.0


def test_negative_steps_and_reshapes_of_them() -> None:
    w = leaf(1.0, 2.0, 3.0, 4.0)
    x = w * 1.0
    back = x[::-1]
    back[0] = w[0] * 10.0
    back[2:] *= 2.0
    assert x.tolist() == [2.0, 4.0, 3.0, 10.0]
    (x * tg.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [42.0, 4.0, 3.0, 0.0]


def test_a_reshape_that_copies_is_no_view() -> None:
    x = tg.arange(6).reshape((2, 3))
    turned = x.permute_dims((1, 0)).reshape(-1)
    turned[0] = 99
    assert x[0, 0].item() == 0
    flat = x.reshape(-1)
    flat[0] = 99
    assert x[0, 0].item() == 99


def test_steps_that_are_views_only_in_the_original_layout() -> None:
    """The base lies in columns, so flattening its transpose is a view; a fresh copy of it would lie in rows."""
    w = leaf(1.0)
    x = tg.tensor(np.asfortranarray(np.arange(6.0).reshape(2, 3))) * w
    x = tg.tensor(np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    flat = x.permute_dims((1, 0)).reshape(-1)
    flat[1] = w[0] * 5.0
    assert x[1, 0].item() == 5.0
    (x * x).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [50.0]


@pytest.mark.parametrize("empty", [(0,), (2, 0)])
def test_empty_regions(empty: tuple[int, ...]) -> None:
    w = leaf(1.0, 2.0)
    x = tg.zeros(empty, dtype="float64")
    x[...] = w[:0]
    x += w.sum()
    y = w * 1.0
    y[2:] = w[2:]
    (y.sum() + x.sum()).backward()
    assert w.grad is not None
    assert w.grad.tolist() == [1.0, 1.0]


# Overlap, and a tensor written onto itself.


def test_overlapping_memory_is_read_before_it_is_written() -> None:
    x = tg.arange(5.0)
    x[1:] += x[:-1]
    assert x.tolist() == [0.0, 1.0, 3.0, 5.0, 7.0]
    x[1:] = x[:-1]
    assert x.tolist() == [0.0, 0.0, 1.0, 3.0, 5.0]
    m = tg.arange(4.0).reshape((2, 2))
    m += m.permute_dims((1, 0))
    assert m.tolist() == [[0.0, 3.0], [3.0, 6.0]]
    i = tg.tensor([2, 0, 1])
    i[i] = tg.tensor([10, 20, 30])
    assert i.tolist() == [20, 30, 10]


def test_overlapping_memory_in_gradients() -> None:
    def shifted(w: tg.Tensor) -> tg.Tensor:
        x = w * w
        x[1:] *= x[:-1]
        return x.sum()

    a, b, c = 2.0, 3.0, 5.0
    assert gradient(shifted, a, b, c) == [
        2 * a + 2 * a * b * b,
        2 * b * (a * a + c * c),
        2 * c * b * b,
    ]


def test_a_tensor_with_itself() -> None:
    def f(w: tg.Tensor) -> tg.Tensor:
        x = w * 1.0
        x *= x
        x += x
        x[...] = x
        x[1:] -= x[1:]
        return x.sum()

    assert gradient(f, 3.0, 4.0) == [12.0, 0.0]


def test_augmented_index_writes_once() -> None:
    w = leaf(1.0, 2.0, 3.0)
    x = w * 1.0
    version = x._cell[0]
    x[1:] *= 2.0
    assert x._cell[0] == version + 1
    y = w * 1.0
    y[[0, 0]] += 1.0  # as in NumPy: read, add, write, so once
    assert y.tolist() == [2.0, 2.0, 3.0]


# Indices that name an element twice.


def test_of_values_written_to_one_element_the_last_has_the_gradient() -> None:
    w, v = leaf(1.0, 2.0, 3.0), leaf(10.0, 20.0, 30.0)
    x = w * 1.0
    x[[1, 0, 1]] = v
    assert x.tolist() == [20.0, 30.0, 3.0]
    (x * x).sum().backward()
    assert w.grad is not None
    assert v.grad is not None
    assert w.grad.tolist() == [0.0, 0.0, 6.0]
    assert v.grad.tolist() == [0.0, 40.0, 60.0]


def test_second_order_and_forward_mode_through_repeated_indices() -> None:
    def f(v: tg.Tensor) -> tg.Tensor:
        x = tg.zeros(2, dtype="float64") * v[0]
        x[[1, 0, 1]] = v * v * v
        return (x * x).sum()

    v = tg.tensor(np.array([1.0, 2.0, 3.0]))
    expected = np.diag([0.0, 30 * 2.0**4, 30 * 3.0**4])
    assert np.allclose(tg.hessian(f)(v).numpy(), expected)
    assert np.allclose(tg.jacrev(tg.grad(f))(v).numpy(), expected)
    assert np.allclose(tg.jacfwd(f)(v).numpy(), tg.jacrev(f)(v).numpy())


def test_index_add_adds_up() -> None:
    w, s = leaf(1.0, 2.0, 3.0), leaf(10.0, 20.0)
    x = w * 1.0
    view = x[1:]
    view.index_add_(0, [1, 1], s * s)
    assert x.tolist() == [1.0, 2.0, 503.0]
    (x * x).sum().backward()
    assert w.grad is not None
    assert s.grad is not None
    assert w.grad.tolist() == [2.0, 4.0, 1006.0]
    assert s.grad.tolist() == [20120.0, 40240.0]


def test_index_put_in_place() -> None:
    w = leaf(1.0, 2.0)
    x = tg.zeros((2, 2), dtype="float64")
    x.index_put_(([0, 1], [1, 1]), w)
    x.index_put_((tg.tensor([0, 0]),), w, accumulate=True)
    assert x.tolist() == [[2.0, 5.0], [0.0, 2.0]]
    x.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [3.0, 3.0]


# Derivatives of every kind go through writes.


def updates(w: tg.Tensor) -> tg.Tensor:
    x = w * w
    x[1:] *= w[0]
    x.reshape((2, 2))[:, 0] += tg.sin(w[:2])
    x[tg.tensor([True, False, False, True])] = w[1] * w[2]
    x -= tg.copy(x)[2] * w[3]
    return (x * x).sum()


def test_second_order_and_forward_mode() -> None:
    w = tg.tensor(np.array([0.3, -0.7, 1.1, 0.5]))
    assert np.allclose(tg.jacfwd(updates)(w).numpy(), tg.grad(updates)(w).numpy())
    forward_over_reverse = tg.hessian(updates)(w).numpy()
    reverse_over_reverse = tg.jacrev(tg.grad(updates))(w).numpy()
    reverse_over_forward = tg.jacrev(tg.jacfwd(updates))(w).numpy()
    assert np.allclose(forward_over_reverse, reverse_over_reverse)
    assert np.allclose(reverse_over_forward, reverse_over_reverse)
    assert np.allclose(forward_over_reverse, forward_over_reverse.T)


def test_derivatives_of_writes_against_finite_differences() -> None:
    tg.testing.check_grads(updates, [tg.tensor(np.array([0.3, -0.7, 1.1, 0.5]))], order=2)


def test_checkpoint_runs_writes_again() -> None:
    w = np.array([0.3, -0.7, 1.1, 0.5])
    plain = gradient(updates, *w)
    assert np.allclose(gradient(tg.checkpoint(updates), *w), plain)


def test_checkpoint_refuses_what_it_could_not_repeat() -> None:
    def f(x: tg.Tensor) -> tg.Tensor:
        x *= 2.0
        return x.sum()

    with pytest.raises(InPlaceError, match=r"changed its argument 0 in place(.|\n)*x \*= 2\.0"):
        tg.checkpoint(f)(leaf(1.0, 2.0) * 1.0)


def test_capture_sees_writes_as_ops() -> None:
    def step(x: tg.Tensor, v: tg.Tensor) -> tg.Tensor:
        y = x * 2.0
        y[1:] += v
        y[[0, 0]] = v
        y.index_add_(0, [0], v[:1])
        y *= y
        return y.sum()

    given = [tg.tensor(np.array([1.0, 2.0, 3.0])), tg.tensor(np.array([10.0, 20.0]))]
    result, tape = capture(step, *given)
    tape.verify()
    names = [i.op.name for i in tape.instructions if i.op.writes]
    assert names == ["write_region", "write_region", "add_to_region", "write_region"]
    other = [tg.tensor(np.array([0.5, -1.0, 4.0])), tg.tensor(np.array([3.0, 7.0]))]
    assert result.item() == step(*given).item()
    assert tape.replay(*other).item() == step(*other).item()


# detach(), no_grad, several views.


def test_detach_shares_memory_and_versions_but_no_history() -> None:
    w = leaf(1.0, 2.0)
    x = w * 1.0
    free = x.detach()
    free[0] = w[1] * 5.0
    assert x.tolist() == [10.0, 2.0]
    x.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [1.0, 1.0]
    y = tg.exp(w)
    y.detach()[0] = 0.0
    with pytest.raises(InPlaceError, match=r"exp saved(.|\n)*y = tg\.exp(.|\n)*y\.detach\(\)\[0\] = 0\.0"):
        y.sum().backward()


def test_a_view_made_under_no_grad_refuses_recorded_writes() -> None:
    w = leaf(1.0, 2.0)
    x = w * 1.0
    with tg.no_grad():
        view = x[:1]
        inner = view[...]
    for sealed in (view, inner, view[...]):
        with pytest.raises(InPlaceError, match=r"made under no_grad(.|\n)*sealed \+= 1\.0"):
            sealed += 1.0
    with tg.no_grad():
        view += 1.0
    assert x.tolist() == [2.0, 2.0]


def test_a_view_made_under_no_grad_is_a_constant_until_a_recorded_write() -> None:
    w = leaf(1.0, 2.0)
    x = w * 1.0
    with tg.no_grad():
        view = x[:1]
        x += 1.0
    assert not (view * 1.0).requires_grad
    x *= w
    assert view.tolist() == [2.0]
    assert view.detach().sum().item() == 2.0
    with pytest.raises(InPlaceError, match=r"ambiguous(.|\n)*view = x\[:1\](.|\n)*x \*= w|ambiguous(.|\n)*x \*= w"):
        view.sum()
    with tg.no_grad():
        assert view.sum().item() == 2.0


def test_optimizer_updates_leave_views_of_weights_usable() -> None:
    w = leaf(1.0, 2.0)
    turned = w[::-1]
    with tg.no_grad():
        constant = w[:1]
        w -= 0.5
    assert turned.tolist() == [1.5, 0.5]
    (turned * turned).sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [1.0, 3.0]
    assert not (constant + 1.0).requires_grad


def test_one_of_several_views_refuses_writes_and_follows_its_base() -> None:
    w = leaf(1.0, 2.0)
    x = w * 1.0
    first, second = tg.split(x, 2)
    with pytest.raises(InPlaceError, match=r"one of several views that one split returned(.|\n)*first \+= 1\.0"):
        first += 1.0
    x *= w
    assert second.requires_grad
    second.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [0.0, 4.0]
    with tg.no_grad():
        second += 1.0
    assert x.tolist() == [1.0, 5.0]


def test_untracked_several_views_can_be_written_to() -> None:
    x = tg.zeros(4)
    for part in tg.split(x, 2):
        part += 1.0
    assert x.tolist() == [1.0] * 4


# Leaves.


@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.__setitem__(0, 1.0),
        lambda w: w[1:].__setitem__(0, 1.0),
        lambda w: w.__iadd__(1.0),
        lambda w: w[::-1].__imul__(2.0),
        lambda w: w.index_add_(0, [0], 1.0),
        lambda w: w.reshape((2, 1))[0].copy_(tg.ones(1)),
        lambda w: w.zero_(),
        lambda w: w.sin_(),
    ],
)
def test_a_leaf_that_requires_a_gradient_refuses_writes(write: Callable[[tg.Tensor], Any]) -> None:
    w = leaf(1.0, 2.0)
    with pytest.raises(InPlaceError, match=r"a leaf that requires a gradient(.|\n)*test_inplace\.py"):
        write(w)
    assert w.is_leaf


def test_a_leaf_may_be_written_to_under_no_grad() -> None:
    w = leaf(1.0, 2.0)
    with tg.no_grad():
        w[0] = 5.0
        w += 1.0
        w[1:] *= 2.0
    assert w.is_leaf
    assert w.tolist() == [6.0, 6.0]


def test_requires_grad_later() -> None:
    x = tg.zeros(3, dtype="float64")
    before = x[:2]
    x.requires_grad_()
    assert not before.requires_grad
    with pytest.raises(InPlaceError, match="a view of a leaf"):
        before += 1.0
    y = tg.zeros(3, dtype="float64")
    part = y[1:].requires_grad_()
    assert part.is_leaf
    y += 1.0
    assert part.tolist() == [1.0, 1.0]
    (part * 2.0).sum().backward()
    assert part.grad is not None
    assert part.grad.tolist() == [2.0, 2.0]
    assert not y.requires_grad


def test_arguments_of_transforms_refuse_writes() -> None:
    def f(x: tg.Tensor) -> tg.Tensor:
        x[0] = 1.0
        return x.sum()

    x = tg.tensor(np.array([3.0, 4.0]))
    for transform in (tg.grad(f), tg.grad(lambda x: tg.grad(f)(x).sum())):
        with pytest.raises(InPlaceError, match=r"(.|\n)*x\[0\] = 1\.0"):
            transform(x)
    assert x.tolist() == [3.0, 4.0]


def test_retain_grad_survives_a_write() -> None:
    w = leaf(1.0, 2.0)
    x = w * 1.0
    view = x[1:]
    x.retain_grad()
    view.retain_grad()
    x *= w
    (view * 3.0).sum().backward()
    assert x.grad is not None
    assert view.grad is not None
    assert x.grad.tolist() == [0.0, 3.0]
    assert view.grad.tolist() == [3.0]


# Memory that several elements share, or that is not to be written.


def test_broadcast_and_read_only_memory() -> None:
    x = tg.zeros(3)
    wide = tg.broadcast_to(x, (2, 3))
    for bad in (wide, wide[0], wide.permute_dims((1, 0))):
        with pytest.raises(InPlaceError, match=r"several of its elements are one|view of a broadcast one"):
            bad += 1.0
    array = np.zeros(2)
    array.flags.writeable = False
    with pytest.raises(InPlaceError, match="read-only"):
        tg.Tensor(array)[0] = 1.0
    assert x.tolist() == [0.0] * 3
    x += 1.0
    assert wide.tolist() == [[1.0] * 3] * 2


# Types.


def test_types_in_place() -> None:
    i = tg.tensor([1, 2])
    i += 1
    i *= tg.tensor([2, 3])
    i[0] = 2.9  # cast, as in NumPy
    assert i.tolist() == [2, 9]
    with pytest.raises(DTypeError, match=r"float32, which does not fit into int64(.|\n)*i \+= 0\.5"):
        i += 0.5
    with pytest.raises(InPlaceError, match="would lose it in int64"):
        i[0] = leaf(1.0)[0]
    b = tg.tensor([True, False])
    b |= tg.tensor([False, False])
    with pytest.raises(DTypeError, match="does not fit into bool"):
        b += 1
    f = tg.tensor([1.0, 2.0])
    f += tg.tensor(np.array([0.5, 0.25]))
    assert f.dtype == np.float32
    assert f.tolist() == [1.5, 2.25]
    with pytest.raises(DTypeError, match="complex values do not fit"):
        f[0] = 1j
    assert i.tolist() == [2, 9]
    assert b.tolist() == [True, False]


def test_gradients_are_cast_on_their_way_back() -> None:
    single = tg.tensor([1.0, 2.0], requires_grad=True)
    double = leaf(3.0)
    x = single * 1.0
    x[0] = double[0] * 2.0
    x += double
    assert x.dtype == np.float32
    x.sum().backward()
    assert single.grad is not None
    assert double.grad is not None
    assert single.grad.dtype == np.float32
    assert double.grad.dtype == np.float64
    assert (single.grad.tolist(), double.grad.tolist()) == ([0.0, 1.0], [4.0])


def test_values_broadcast_also_with_leading_axes() -> None:
    w = tg.tensor(np.array([[[2.0], [3.0]]]), requires_grad=True)
    x = tg.zeros((2, 3), dtype="float64")
    x[...] = w
    x[0] = w[:, :1, 0]
    assert x.tolist() == [[2.0] * 3, [3.0] * 3]
    x.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [[[3.0], [3.0]]]


def test_writing_methods_keep_what_their_derivative_needs() -> None:
    for name in ("sin_", "exp_", "sqrt_", "tanh_", "square_", "reciprocal_", "sigmoid_", "abs_"):
        w, v = leaf(0.5, 0.25), leaf(0.5, 0.25)
        x, y = w * 1.0, v * 1.0
        assert getattr(x, name)() is x
        getattr(y[...], name)()
        x.sum().backward()
        y.sum().backward()
        out = getattr(tg, name[:-1])(z := leaf(0.5, 0.25))
        out.sum().backward()
        assert x.tolist() == out.tolist() == y.tolist()
        assert w.grad.tolist() == z.grad.tolist() == v.grad.tolist()  # type: ignore[union-attr]


# Saved values.


def test_a_saved_value_changed_in_place_names_both_lines() -> None:
    w = leaf(1.0, 2.0)
    x = w * 2.0
    y = tg.exp(x)
    y[0] = 5.0
    with pytest.raises(InPlaceError) as caught:
        y.sum().backward()
    message = str(caught.value)
    assert "exp saved" in message
    assert "saved at test_inplace.py" in message
    assert "y = tg.exp(x)" in message
    assert "written at test_inplace.py" in message
    assert "y[0] = 5.0" in message
    assert w.grad is None


def test_a_write_through_any_alias_is_noticed() -> None:
    for write in (
        lambda x: x.detach().__iadd__(1.0),
        lambda x: x[:1].__imul__(2.0),
        lambda x: x.reshape((2, 1)).zero_(),
        lambda x: x.__setitem__(slice(0, 0), 1.0),
    ):
        w = leaf(1.0, 2.0)
        x = w * 3.0
        y = x * x
        with tg.no_grad():
            write(x)
        with pytest.raises(InPlaceError, match="multiply saved"):
            y.sum().backward()


def test_what_no_rule_needs_may_be_overwritten() -> None:
    w = leaf(1.0, 2.0)
    x = w * 3.0
    y = x + 1.0
    x.zero_()
    y *= 2.0
    y.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [6.0, 6.0]


def test_saved_indices_changed_afterwards() -> None:
    w, index = leaf(1.0, 2.0), tg.tensor([0, 1, 1])
    y = w[index]
    index[0] = 1
    with pytest.raises(InPlaceError, match="gather saved"):
        y.sum().backward()


@pytest.mark.parametrize("row", [row for row in ROWS if row.name != "identity"], ids=lambda row: row.name)
def test_results_that_share_memory_share_a_version(row: Row) -> None:
    """Else a write to one would go unnoticed by what the other was saved for. (``identity`` is the engine's own: it
    makes a transform's argument, which shares the version of what was passed.)"""
    from calls import as_tensors, parts, quiet, samples

    for sample in samples(row, row.dtypes[-1]):
        args, kwargs, _ = as_tensors(sample)
        with quiet():
            outs = [x for x in parts(row.call(*args, **kwargs)) if isinstance(x, tg.Tensor)]
        listed = [y for x in args for y in (x if isinstance(x, (list, tuple)) else [x])]
        given = [x for x in listed if isinstance(x, tg.Tensor)]
        for out in outs:
            for x in given:
                if np.shares_memory(out.data, x.data):
                    assert out._cell is x._cell, f"{row.name} {sample.note}"


# Errors change nothing.


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda x: x.__setitem__(7, 1.0), IndexingError),
        (lambda x: x.__setitem__([0, 7], 1.0), IndexingError),
        (lambda x: x.__setitem__(tg.tensor([True] * 5), 1.0), IndexingError),
        (lambda x: x.__setitem__("a", 1.0), IndexingError),
        (lambda x: x.__setitem__(slice(0, 2), tg.ones(3)), ShapeError),
        (lambda x: x.__setitem__(0, None), DTypeError),
        (lambda x: x.__setitem__(0, "a"), DTypeError),
        (lambda x: x.__iadd__(tg.ones(4)), ShapeError),
        (lambda x: x.__iadd__(tg.ones((2, 3))), ShapeError),
        (lambda x: x.index_add_(0, [0, 9], 1.0), IndexingError),
        (lambda x: x.index_add_(0, [0], tg.ones(2)), ShapeError),
        (lambda x: x.index_add_(3, [0], 1.0), IndexError),
        (lambda x: x.index_put_(([5],), 1.0), IndexingError),
    ],
)
@pytest.mark.parametrize("tracked", [False, True])
def test_a_write_that_does_not_fit_changes_nothing(
    write: Callable[[tg.Tensor], Any], error: type[Exception], tracked: bool
) -> None:
    x = leaf(1.0, 2.0, 3.0) * 1.0 if tracked else tg.tensor(np.array([1.0, 2.0, 3.0]))
    view = x[1:]
    node, version = x._node, x._cell[0]
    with pytest.raises(error, match=r": float64\[3\] on cpu(.|\n)*at test_inplace\.py"):
        write(x)
    assert x.tolist() == [1.0, 2.0, 3.0]
    assert x._node is node
    assert x._cell[0] == version
    assert view.tolist() == [2.0, 3.0]


def test_nan_is_not_written_while_it_is_looked_for() -> None:
    x, nan = tg.zeros(2), tg.tensor([float("nan"), 1.0])
    with tg.detect_nan():
        with pytest.raises(NaNError, match=r"NaN(.|\n)*x\[\.\.\.\] = nan"):
            x[...] = nan
        nan[0] = 0.0  # repairs one
    assert x.tolist() == [0.0, 0.0]
    assert nan.tolist() == [0.0, 1.0]


def test_not_differentiable_is_said_where_history_would_end() -> None:
    x = tg.zeros(2, dtype="float64")
    x[0] = 1.0
    with pytest.raises(GradientError, match="does not depend on any"):
        x.sum().backward()
