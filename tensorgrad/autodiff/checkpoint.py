"""Trading time for memory: run a function without keeping what its derivative needs, and run it again in the backward.

Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", 2016.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, final

from ..core.generator import default_generator
from ..core.lines import caller
from ..core.report import complain
from ..core.state import Under, get_state
from ..core.tensor import Tensor, make
from ..core.tree import flatten, map_tensors
from ..define import op
from ..errors import InPlaceError
from ..op import TENSORS, Op, bound_of
from ..record import record_several
from .backward import run

__all__ = ["checkpoint"]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that computes what ``f`` does, but keeps only its arguments; the backward pass runs ``f`` again.

    ``f`` takes and returns tensors or nested containers of them, may use other tensors (parameters), and must compute
    the same thing each time: random numbers repeat, as the generator is put back for the second run.

    >>> import tensorgrad as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = tg.checkpoint(lambda x: tg.exp(tg.sin(x)))(x)
    >>> y.sum().backward(); x.grad
    tensor([ 1.2533808, -1.0331168])
    """

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        if not get_state().grad:
            return f(*args, **kwargs)
        segment = _Segment(f, args, kwargs)
        given = flatten((args, kwargs))
        versions = [t._cell[0] for t in given]
        result, outside = segment.first_run()
        _refuse_changed(given, versions)
        inputs = [*given, *outside]
        tracked = tuple(i for i, t in enumerate(inputs) if t._node is not None)
        outs = tuple(flatten(result))
        if not tracked or not outs:
            return result
        record: Op = _checkpoint.op
        values = [t.data for t in inputs]
        record_several(bound_of(record, values[0]), inputs, (segment,), values, outs, tracked)
        return result

    return transformed


def _refuse_changed(given: Sequence[Tensor], versions: Sequence[int]) -> None:
    """A second run would start from what the first one left behind."""
    for position, (t, version) in enumerate(zip(given, versions, strict=True)):
        if t._cell[0] != version:
            raise complain(
                InPlaceError,
                "checkpoint",
                f"the function changed its argument {position} in place, so it cannot be run again",
                [t],
                ["argument"],
                places=[("written", t._cell[1])],  # type: ignore[list-item]
                advice="Write to a copy inside it.",
            )


@final
class _Segment:
    """A call that can be repeated: the function, its arguments' structure, and the random state it started from."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self.f = f
        self.structure = map_tensors(lambda t: make(t.data[..., :0] if t.ndim else t.data, None), (args, kwargs))
        self.given = (args, kwargs)
        self.state = get_state()
        self.rng = default_generator().get_state()
        self.outside: list[Tensor] = []

    def __repr__(self) -> str:
        return f"<{getattr(self.f, '__name__', 'function')}>"

    def first_run(self) -> tuple[Any, list[Tensor]]:
        """Run without recording; also find the tracked tensors that the function uses but was not given."""
        args, kwargs = self.given
        watcher = _Watcher(flatten(self.given), self.state.capture)
        with Under(grad=False, capture=watcher):
            result = self.f(*args, **kwargs)
        self.given = ((), {})
        known = {id(t) for t in flatten((args, kwargs))}
        result = map_tensors(lambda t: TENSORS.copy(t) if id(t) in known or t._view is not None else t, result)
        self.outside = watcher.outside
        return result, watcher.outside

    def run_again(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The results, recorded, on arguments that take the place of the original ones."""
        rest = iter(tensors)
        args, kwargs = map_tensors(lambda _: next(rest), self.structure)
        before = default_generator().get_state()
        default_generator().set_state(self.rng)
        try:
            with Under(grad=True, level=get_state().level):
                return flatten(self.f(*args, **kwargs))
        finally:
            default_generator().set_state(before)

    @property
    def count(self) -> int:
        return len(flatten(self.structure))


class _Watcher:
    """Sees every operation of the first run; notes the tracked operands that came from outside."""

    def __init__(self, given: Sequence[Tensor], outer: Any) -> None:
        self.outer = outer
        self.outside: list[Tensor] = []
        self._known = {id(t): t for t in given}

    def record(self, op: Op, operands: Sequence[Any], params: tuple[Any, ...], outs: Sequence[Tensor]) -> None:
        for x in operands:
            if isinstance(x, Tensor) and x._node is not None and id(x) not in self._known:
                self._known[id(x)] = x
                self.outside.append(x)
        if self.outer is not None:
            self.outer.record(op, operands, params, outs)

    def reserve(self, generator: Any, words: int, position: Any) -> None:
        if self.outer is not None:
            self.outer.reserve(generator, words, position)

    def refuse(self, what: str) -> None:
        if self.outer is not None:
            self.outer.refuse(what)


def _rule(m: Any, g: Any, mask: Sequence[bool], inputs: Sequence[Any], segment: _Segment) -> list[Any]:
    recorded = m is TENSORS
    count = segment.count
    fresh = []
    for value, wanted in zip(inputs[:count], mask, strict=False):
        t = value if recorded else make(value, None)
        if not wanted:
            t = t.detach()
        elif recorded and t._node is not None:
            with Under(grad=True):
                t = TENSORS.identity(t)
        else:
            t = t.detach().requires_grad_()
        fresh.append(t)
    outs = segment.run_again(fresh)
    sources = [*fresh, *segment.outside]
    vertices = [t._node for t, w in zip(sources, mask, strict=True) if w and t._node is not None]
    roots = [
        (out._node, part if isinstance(part, Tensor) else make(part, None))
        for out, part in zip(outs, g, strict=True)
        if part is not None and out._node is not None
    ]
    create = recorded and get_state().grad
    found = run(roots, vertices, None, create, barrier=True) if roots else {}
    answers = [found.get(t._node) if w and t._node is not None else None for t, w in zip(sources, mask, strict=True)]
    return [_answer(g, recorded) for g in answers]


def _answer(g: Any, recorded: bool) -> Any:
    if g is None or isinstance(g, Tensor) == recorded:
        return g
    return make(g, caller()) if recorded else g.data


def _infer(params: dict[str, Any], inputs: Sequence[Any]) -> Any:
    raise NotImplementedError("what a checkpointed function returns is known by running it")


_checkpoint = op(
    "checkpoint", "*inputs", params="segment", infer=_infer, joint=_rule, outputs=0, body=lambda m, inputs, segment: ()
)
