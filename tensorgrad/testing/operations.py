"""What an operation promises and what it does to memory, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from ..autodiff.backward import grad as gradients
from ..autodiff.functional import jvp
from ..core.node import Info
from ..core.state import Under
from ..core.tensor import Tensor
from ..core.tree import flatten
from ..dtypes import is_floating
from ..op import TENSORS, Op
from .close import host
from .gradients import MODES, check_grads, direction, floating_parts, is_variable, replace, tensor_like

__all__ = ["Call", "check_infer", "check_memory", "check_op", "record_calls"]


class Call(NamedTuple):
    """One op as it was called: ``inputs`` are tensors and numbers, those of a list input flat at the end."""

    op: Op
    inputs: tuple[Any, ...]
    params: tuple[Any, ...]
    results: tuple[Tensor, ...]

    def infer(self) -> tuple[Info, ...]:
        """The shapes and dtypes that the op promises for these inputs."""
        infos = [Info(x.shape, x.dtype) if isinstance(x, Tensor) else x for x in self.inputs]
        if self.op.variadic:
            infos = [*infos[: self.op.fixed], infos[self.op.fixed :]]
        promised = self.op.infer(dict(zip(self.op.params, self.params, strict=True)), *infos)  # type: ignore[misc]
        return (promised,) if isinstance(promised, Info) else tuple(promised)


@final
class _Recorder:
    """Stands where a capture would, and lets everything pass."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def record(self, op: Op, inputs: Sequence[Any], params: tuple[Any, ...], results: Sequence[Tensor]) -> None:
        self.calls.append(Call(op, tuple(inputs), params, tuple(results)))

    def reserve(self, generator: Any, words: int, position: Any) -> None:
        """Random numbers may be drawn."""

    def refuse(self, what: str) -> None:
        """Values may be read."""


def record_calls(f: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[Call]]:
    """``f(*args, **kwargs)``, and every op that it called, in order; a composition shows as what it is made of.

    >>> import tensorgrad as tg
    >>> from tensorgrad.testing import record_calls
    >>> _, calls = record_calls(lambda x: tg.exp(x).sum(), tg.ones(3))
    >>> [call.op.name for call in calls]
    ['exp', 'sum']
    """
    recorder = _Recorder()
    with Under(capture=recorder):
        return f(*args, **kwargs), recorder.calls


def check_op(
    f: Callable[..., Any], args: Sequence[Any], order: int = 2, modes: Sequence[str] = MODES, **options: Any
) -> None:
    """``check_infer``, ``check_memory`` and ``check_grads`` in turn: what one's own op has to pass.

    ``options`` are those of ``check_grads``.

    >>> import tensorgrad as tg
    >>> from tensorgrad.testing import check_op
    >>> check_op(lambda x: tg.log(x), (tg.tensor([0.5, 2.0]),))
    """
    check_infer(f, args)
    check_memory(f, args)
    check_grads(f, args, order, modes, **options)


def check_infer(f: Callable[..., Any], args: Sequence[Any]) -> None:
    """Raise AssertionError unless each op called by ``f(*args)`` and by its backward pass returns what it promises.

    Compared are the shapes and dtypes that the op's ``infer`` tells from those of the inputs. An op whose ``infer``
    raises NotImplementedError promises nothing.

    >>> import tensorgrad as tg
    >>> from tensorgrad.testing import check_infer
    >>> check_infer(lambda x: x.sum(axis=0), (tg.ones(2, 3),))
    """

    def both() -> None:
        with Under(grad=False):
            f(*_fresh(args, False))
        _pull_back(f, args)

    for call in record_calls(both)[1]:
        try:
            promised = call.infer()
        except NotImplementedError:
            continue
        found = tuple(Info(x.shape, x.dtype) for x in call.results)
        if list(map(repr, found)) != list(map(repr, promised)):
            name = call.op.name
            raise AssertionError(f"infer of {name} promises {_shown(promised)}, the op returned {_shown(found)}")


def check_memory(f: Callable[..., Any], args: Sequence[Any]) -> None:
    """Raise AssertionError if ``f`` or its derivatives change ``args``, or if a gradient's memory is not its own.

    A gradient may share memory with nothing else: no argument, no result, no cotangent, no other gradient, and nothing
    that the graph still holds.

    >>> import tensorgrad as tg
    >>> from tensorgrad.testing import check_memory
    >>> check_memory(lambda x, y: x + y, (tg.ones(3), tg.ones(3)))
    """
    given = _fresh(args, True)
    leaves = flatten(given)
    before = [host(x).copy() for x in leaves]
    _unchanged(leaves, before, "the function", lambda: f(*given))
    outs = [out for out in floating_parts(f(*given)) if out.node is not None]
    sources = [x for x in leaves if x.requires_grad]
    if not outs or not sources:
        return
    rng = np.random.default_rng(0)
    seeds = [tensor_like(host(direction(host(out), rng, out)).astype(out.dtype), out) for out in outs]
    watched = [*leaves, *seeds]
    before += [host(x).copy() for x in seeds]

    def pull() -> list[Tensor]:
        for x in sources:
            x.grad = None
        for out, seed in zip(outs, seeds, strict=True):
            out.backward(seed, retain_graph=True)
        return [TENSORS.zeros_like(x.detach()) if x.grad is None else x.grad for x in sources]

    first = _unchanged(watched, before, "reverse mode", pull)
    others = {"an argument": leaves, "a result": outs, "a cotangent": seeds}
    for i, g in enumerate(first):
        _owns(g, f"the gradient of floating argument {i}", {**others, "another gradient": first[:i]})
    kept = [host(g).copy() for g in first]
    for g in first:
        g.data[...] = 77
    for i, (g, expected) in enumerate(zip(pull(), kept, strict=True)):
        if not np.array_equal(host(g), expected, equal_nan=True):
            raise AssertionError(f"writing to a gradient changed the next gradient of floating argument {i}")
    tangents = [TENSORS.ones_like(x.detach()) for x in sources]

    def push() -> Any:
        return jvp(lambda *xs: floating_parts(f(*replace(given, iter(xs)))), [x.detach() for x in sources], tangents)

    _unchanged(leaves, before[: len(leaves)], "forward mode", push)


def _owns(g: Tensor, name: str, others: dict[str, list[Tensor]]) -> None:
    for what, tensors in others.items():
        if any(g.backend.namespace.may_share_memory(g.data, x.data) for x in tensors):
            raise AssertionError(f"{name} shares its memory with {what}")
    if g.size and any(stride == 0 and n > 1 for stride, n in zip(g.data.strides, g.shape, strict=True)):
        raise AssertionError(f"elements of {name} share their memory with each other")


def _unchanged(watched: list[Tensor], before: list[Any], what: str, action: Callable[[], Any]) -> Any:
    answer = action()
    for i, (x, old) in enumerate(zip(watched, before, strict=True)):
        if not np.array_equal(host(x), old, equal_nan=is_floating(old.dtype)):
            raise AssertionError(f"{what} changed the values of tensor {i} (arguments first, then cotangents)")
    return answer


def _fresh(args: Sequence[Any], tracked: bool) -> list[Any]:
    """The arguments as new tensors over the same memory, those that are floating tracked."""

    def fresh(x: Any) -> Any:
        if isinstance(x, dict):
            return type(x)((key, fresh(value)) for key, value in x.items())
        if isinstance(x, (list, tuple)):
            parts = [fresh(value) for value in x]
            return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
        if not hasattr(x, "dtype") or not hasattr(x, "shape"):
            return x
        x = x.detach() if isinstance(x, Tensor) else Tensor(np.asarray(x) if isinstance(x, np.generic) else x)
        return x.requires_grad_() if tracked and is_variable(x) and x.dtype.kind != "c" else x

    return [fresh(arg) for arg in args]


def _pull_back(f: Callable[..., Any], args: Sequence[Any]) -> None:
    given = _fresh(args, True)
    outs = [out for out in floating_parts(f(*given)) if out.node is not None]
    if outs:
        sources = [x for x in flatten(given) if x.requires_grad]
        gradients(outs, sources, [TENSORS.ones_like(out.detach()) for out in outs], materialize_grads=True)


def _shown(infos: Sequence[Info]) -> str:
    return ", ".join(map(repr, infos)) or "nothing"
