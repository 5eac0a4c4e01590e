"""Every derivative rule on three namespaces, bare arrays, Tensors and strict array API arrays: one rule, one result."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from calls import as_tensors, cotangent, is_float, parts, same, samples
from namespaces import STRICT, no_numpy, to_host, to_strict
from optable import ROWS, Row

import tensorgrad as tg
from tensorgrad.autodiff.backward import grad
from tensorgrad.autodiff.push import _named
from tensorgrad.autodiff.saved import restore
from tensorgrad.core.state import Under
from tensorgrad.op import TENSORS, Plan, bound_of
from tensorgrad.record import _info
from tensorgrad.testing import Call, record_calls

UNSWEPT = {"checkpoint": "its rule runs a user's function again, which is written over Tensors"}


def calls_of(row: Row) -> Iterator[Call]:
    """The differentiable ops that a row's samples call, forward and in the backward pass."""

    for sample in samples(row, row.dtypes[-1]):

        def run(sample: Any = sample) -> None:
            args, kwargs, tracked = as_tensors(sample, row.grad)
            outs = [x for x in parts(row.call(*args, **kwargs)) if isinstance(x, tg.Tensor) and x.node is not None]
            if outs and tracked:
                seeds = [tg.Tensor(cotangent(i, x.shape, x.dtype)) for i, x in enumerate(outs)]
                grad(outs, tracked, seeds, create_graph=True, materialize_grads=True)

        for call in record_calls(run)[1]:
            if call.op.differentiable and call.op.name not in UNSWEPT and any(map(is_float, call.results)):
                if not any(getattr(x, "dtype", None) == np.float16 for x in (*call.inputs, *call.results)):
                    yield call  # the strict library has no half precision


@pytest.mark.parametrize("row", [row for row in ROWS if row.grad], ids=lambda row: row.name)
def test_rules_give_the_same_on_every_namespace(row: Row) -> None:
    seen = 0
    for call in calls_of(row):
        for tracked in masks(call):
            seen += 1
            compare(call, tracked)
    assert seen, "no sample called a differentiable op"


def masks(call: Call) -> list[tuple[int, ...]]:
    """Which inputs are tracked: all floating ones, and each alone."""
    floating = tuple(i for i, x in enumerate(call.inputs) if is_float(x))
    return [floating] + ([(i,) for i in floating[:3]] if len(floating) > 1 else [])


def compare(call: Call, tracked: tuple[int, ...]) -> None:
    op = call.op
    values = [x.data if isinstance(x, tg.Tensor) else x for x in call.inputs]
    outs = [x.data for x in call.results]
    plan = Plan(bound_of(op, outs[0]), tracked)
    saved = saved_values(plan, values, call.params, outs)
    seeds: list[Any] = [cotangent(i, x.shape, x.dtype) if is_float(x) else None for i, x in enumerate(outs)]
    wholes: list[Any] = [seeds[0]] if op.outputs == 1 else [seeds]
    if op.outputs != 1 and len(seeds) > 1 and is_float(outs[0]):
        wholes.append([seeds[0], *[None] * (len(seeds) - 1)])
    for g in wholes:
        shapes = [v.shape if hasattr(v, "shape") else () for v in values]
        bare = cotangents(plan, plan.m, g, saved, values, tracked)
        as_recorded = [to_tensor(v) for v in saved]
        with Under(grad=False):
            recorded = cotangents(plan, TENSORS, to_tensor(g), as_recorded, values, tracked)
        with no_numpy():
            strict = cotangents(plan, STRICT, to_strict(g), [to_strict(v) for v in saved], values, tracked)
        for i in bare:
            assert bare[i] is None or bare[i].shape == shapes[i]
            agree(recorded[i], bare[i], f"the rule of {op.name} for input {i} on Tensors")
            agree(to_host(strict[i]), bare[i], f"the rule of {op.name} for input {i} on strict arrays")
        if op.outputs == 1 and not outs[0].ndim:
            scalar = cotangents(plan, plan.m, g[()], saved, values, tracked)
            for i in bare:
                agree(scalar[i], bare[i], f"the rule of {op.name} for input {i} on scalars")
    if op.jvp is not None:
        compare_jvps(call, plan, saved, values, tracked)


def agree(actual: Any, expected: Any, what: str) -> None:
    if expected is None:
        assert actual is None, what
    else:
        same(actual, expected, 1e-12 if expected.dtype == np.float64 else 1e-5, what)


def saved_values(plan: Plan, values: list[Any], params: tuple[Any, ...], outs: list[Any]) -> list[Any]:
    """What a node of this plan would save."""
    rest = values[plan.op.fixed :]
    kinds: dict[str, Any] = {
        "input": lambda i: values[i],
        "info": lambda i: _info(values[i]),
        "param": lambda i: params[i],
        "out": lambda i: outs[0] if plan.op.outputs == 1 else tuple(outs),
        "rest": lambda i: tuple(rest),
        "rest_infos": lambda i: tuple(map(_info, rest)),
    }
    return [kinds[what](which) for what, which in plan.sources]


def to_tensor(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return tg.Tensor(x)
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        return type(x)(map(to_tensor, x))
    return x


def cotangents(
    plan: Plan, m: Any, g: Any, saved: list[Any], values: list[Any], tracked: tuple[int, ...]
) -> dict[int, Any]:
    """What the rules give, by input, brought to the input's shape."""
    found: dict[int, Any] = {}
    if plan.joint:
        ((_, rule, spec),) = plan.calls
        mask = tuple(i in tracked for i in range(len(values)))
        answers = rule(m, g, mask, *[saved[k] for k in spec])
        found = {i: answers[i] for i in tracked}
    else:
        found = {i: rule(m, g, *[saved[k] for k in spec]) for i, rule, spec in plan.calls}
    return {i: None if r is None else restore(m, r, np.shape(values[i]), r.dtype) for i, r in found.items()}


def compare_jvps(call: Call, plan: Plan, saved: list[Any], values: list[Any], tracked: tuple[int, ...]) -> None:
    op = call.op
    node: Any = SimpleNamespace(plan=plan, params=call.params)
    incoming = [cotangent(i, v.shape, v.dtype) if i in tracked else None for i, v in enumerate(values)]

    def pushed(m: Any, convert: Any) -> Any:
        return op.jvp(m, [convert(t) for t in incoming], **_named(node, tuple(convert(v) for v in saved)))  # type: ignore

    bare = pushed(plan.m, lambda v: v)
    with Under(grad=False):
        recorded = pushed(TENSORS, to_tensor)
    with no_numpy():
        strict = to_host(pushed(STRICT, to_strict))
    for name, found in (("Tensors", recorded), ("strict arrays", strict)):
        for a, b in zip(parts(found), parts(bare), strict=True):
            agree(a, b, f"the jvp of {op.name} on {name}")


def test_a_rule_that_uses_numpy_is_refused() -> None:
    x = to_strict(np.ones(3))
    with no_numpy():
        for numpys in (np.sin, np.asarray, np.sum):
            with pytest.raises(TypeError):
                numpys(x)
        with pytest.raises(AttributeError, match=r"may not use m\.xp"):
            _ = STRICT.xp
    assert np.asarray(x).shape == (3,)
