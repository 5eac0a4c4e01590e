"""Transforms: functions in, their derivatives out. They nest to any depth.

Each transform gives its arguments a fresh vertex of its own, so that transforms inside one another never mix up whose
derivative is whose. What they compute is recorded whenever somebody outside may differentiate it again: another
transform is active, or the function reached a tracked tensor that is not one of its arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..call import apply
from ..core.lines import caller
from ..core.node import Item, Leaf, Vertex
from ..core.report import complain
from ..core.state import Under, get_state
from ..core.tensor import Tensor, make
from ..core.tree import flatten, map_tensors
from ..dtypes import is_floating
from ..errors import DTypeError, GradientError, ShapeError
from ..op import OPS, TENSORS
from .backward import run
from .push import push

__all__ = ["grad", "hessian", "hvp", "jacfwd", "jacrev", "jvp", "value_and_grad", "vjp"]

ArgNums: TypeAlias = int | Sequence[int]


def value_and_grad(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns ``(f(*args), gradient)``; ``f`` returns one real number.

    Parameters:
        argnums: which positional arguments to differentiate; for several, the gradient is a tuple. An argument may be
            a tensor, an array, a number, or a nested tuple, list or dict of tensors; its gradient has its structure.
        has_aux: ``f`` returns ``(value, aux)``; the new function returns ``((value, aux), gradient)``.

    Raises:
        GradientError: ``f`` returns several elements.
        DTypeError: an argument to be differentiated is not floating.

    >>> import tensorgrad as tg
    >>> value, g = tg.value_and_grad(lambda x: (x ** 2).sum())(tg.tensor([1.0, 2.0]))
    >>> value.item(), g
    (5.0, tensor([2., 4.]))
    """

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        level = _Level(args, _positions(argnums, len(args), "grad"), "grad")
        with level:
            answer = f(*level.args, **kwargs)
        value, aux = answer if has_aux else (answer, None)
        value = _scalar(value, "grad")
        found = level.pull([value], [None], retain=False)
        gradient = found[0] if isinstance(argnums, int) else tuple(found)
        return ((level.out(value), map_tensors(level.out, aux)) if has_aux else level.out(value)), gradient

    return transformed


def grad(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of ``f``; see ``value_and_grad``. With ``has_aux``: ``(gradient, aux)``.

    >>> import tensorgrad as tg
    >>> cube = lambda x: x ** 3
    >>> tg.grad(cube)(2.0).item(), tg.grad(tg.grad(cube))(2.0).item()
    (12.0, 12.0)
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return transformed


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
    """``(f(*primals), pull)``, where ``pull(cotangents)`` gives the cotangents of the primals, as a tuple.

    The cotangents have the structure, shapes and dtypes of ``f``'s result. ``pull`` may be called any number of times.

    >>> import tensorgrad as tg
    >>> y, pull = tg.vjp(lambda x: x * x, tg.tensor([1.0, 2.0]))
    >>> pull(tg.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    level = _Level(primals, tuple(range(len(primals))), "vjp")
    with level:
        value = f(*level.args)
    outs = flatten(value)

    def pull(cotangents: Any) -> tuple[Any, ...]:
        seeds = [x if isinstance(x, Tensor) else TENSORS.tensor(x) for x in _leaves(cotangents)]
        _match(outs, seeds, "vjp: cotangents")
        return tuple(level.pull(outs, seeds))

    return map_tensors(level.out, value), pull


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``(f(*primals), tangent of the result)``: the directional derivative along ``tangents``, in forward mode.

    ``tangents`` match ``primals`` in structure, shape and dtype.

    >>> import tensorgrad as tg
    >>> y, t = tg.jvp(lambda x: x * x, (tg.tensor(3.0),), (tg.tensor(1.0),))
    >>> y.item(), t.item()
    (9.0, 6.0)
    """
    if len(primals) != len(tangents):
        raise complain(ShapeError, "jvp", f"{len(primals)} primals need as many tangents, got {len(tangents)}")
    level = _Level(primals, tuple(range(len(primals))), "jvp")
    with level:
        value = f(*level.args)
    seeds = [t if isinstance(t, Tensor) else TENSORS.tensor(t) for t in _leaves(list(tangents))]
    seeds = [
        t if is_floating(t.dtype) else TENSORS.astype(t, dtype=x.dtype)
        for t, x in zip(seeds, level.tensors, strict=False)
    ]
    _match(level.tensors, seeds, "jvp: tangents")
    return map_tensors(level.out, value), level.push(value, seeds)


def jacrev(f: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """The Jacobian of ``f`` by reverse mode: shape ``f(x).shape + x.shape``. Cost: one backward sweep per output.

    >>> import tensorgrad as tg
    >>> tg.jacrev(lambda x: x * x)(tg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        level = _Level(args, _positions(argnums, len(args), "jacrev"), "jacrev")
        with level:
            value = _one_tensor(f(*level.args, **kwargs), "jacrev")
        rows = [level.pull([value], [basis]) for basis in _basis(value)]
        jacobians = []
        for position, primal in enumerate(level.primals):
            x = _one_tensor(primal, "jacrev")
            parts = [row[position] for row in rows]
            if parts:
                full = TENSORS.stack(parts, axis=0)
            else:
                full = TENSORS.zeros((0, *x.shape), dtype=x.dtype, device=x.device)
            jacobians.append(TENSORS.reshape(full, shape=value.shape + x.shape))
        return jacobians[0] if isinstance(argnums, int) else tuple(jacobians)

    return transformed


def jacfwd(f: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """The Jacobian of ``f`` by forward mode: shape ``f(x).shape + x.shape``. Cost: one push per input element.

    >>> import tensorgrad as tg
    >>> tg.jacfwd(lambda x: x * x)(tg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(f)
    def transformed(*args: Any, **kwargs: Any) -> Any:
        level = _Level(args, _positions(argnums, len(args), "jacfwd"), "jacfwd")
        with level:
            value = _one_tensor(f(*level.args, **kwargs), "jacfwd")
        jacobians = []
        for position, x in enumerate(level.tensors):
            columns = []
            for basis in _basis(x):
                seeds = [basis if k == position else None for k in range(len(level.tensors))]
                columns.append(level.push(value, seeds))
            shape = value.shape + x.shape
            if columns:
                jacobians.append(TENSORS.reshape(TENSORS.stack(columns, axis=value.ndim), shape=shape))
            else:
                jacobians.append(TENSORS.zeros(shape, dtype=value.dtype, device=value.device))
        return jacobians[0] if isinstance(argnums, int) else tuple(jacobians)

    return transformed


def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The matrix of second derivatives, forward over reverse: shape ``x.shape + x.shape``.

    >>> import tensorgrad as tg
    >>> tg.hessian(lambda x: (x ** 3).sum())(tg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``(gradient of f, Hessian of f times tangents)``, both over all primals, without forming the Hessian.

    Forward over reverse (Pearlmutter, "Fast exact multiplication by the Hessian", 1994): costs a few gradients.

    >>> import tensorgrad as tg
    >>> x, v = tg.tensor([1.0, 2.0]), tg.tensor([1.0, 0.0])
    >>> tg.hvp(lambda x: (x ** 3).sum(), (x,), (v,))
    ((tensor([ 3., 12.]),), (tensor([6., 0.]),))
    """
    gradient = grad(f, tuple(range(len(primals))))
    return jvp(gradient, primals, tangents)


class _Level:
    """One transform at work: its arguments with vertices of their own, and its ways through the graph."""

    def __init__(self, args: Sequence[Any], positions: Sequence[int], what: str) -> None:
        self.what = what
        self.outer = get_state()
        self.line = caller()
        self.tensors: list[Tensor] = []
        self.nested = False
        self.args = list(args)
        self.primals = []
        for position in positions:
            self.args[position] = self._lift(args[position])
            self.primals.append(self.args[position])
        self._under = Under(grad=True, level=self.outer.level + 1)

    def __enter__(self) -> None:
        self._under.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._under.__exit__(*error)

    def _lift(self, arg: Any) -> Any:
        if not isinstance(arg, (Tensor, dict, list, tuple)):
            arg = TENSORS.tensor(arg) if not hasattr(arg, "dtype") else Tensor(arg)
        if not flatten(arg) and isinstance(arg, (list, tuple)):
            arg = TENSORS.tensor(arg)
        return map_tensors(self._fresh, arg)

    def _fresh(self, x: Tensor) -> Tensor:
        if not is_floating(x.dtype):
            message = f"only floating arguments have derivatives, got {x.dtype}"
            raise complain(DTypeError, self.what, message, [x], ["x"])
        if x._node is not None:
            self.nested = True
            with Under(grad=True):
                fresh: Tensor = apply(OPS["identity"], (x,))
        else:
            fresh = make(x.data, x._line or self.line)
            fresh._node = Leaf(x.shape, x.dtype, x._line or self.line)
        fresh._cell = x._cell  # the same memory
        self.tensors.append(fresh)
        return fresh

    @property
    def vertices(self) -> list[Vertex]:
        return [x._node for x in self.tensors]  # type: ignore[misc]

    def records(self, outs: Sequence[Tensor]) -> bool:
        """Whether what this transform computes must itself be differentiable."""
        if not self.outer.grad:
            return False
        return self.outer.level > 0 or self.nested or _reaches_others([o._node for o in outs], set(self.vertices))

    def pull(self, outs: list[Tensor], seeds: Sequence[Any], retain: bool = True) -> list[Any]:
        """The cotangents of the primals, in their structure."""
        roots = []
        for out, seed in zip(outs, seeds, strict=True):
            if out._node is not None:
                g = TENSORS.ones_like(out.detach()) if seed is None else seed
                roots.append((out._node, g))
        record = self.records(outs)
        found = run(roots, self.vertices, retain or record, record, barrier=True) if roots else {}

        def cotangent(x: Tensor) -> Tensor:
            g = found.get(x._node)  # type: ignore[arg-type]
            if g is None:
                return TENSORS.zeros_like(x.detach())  # type: ignore[no-any-return]
            return g if isinstance(g, Tensor) else make(g, self.line)

        return [map_tensors(cotangent, primal) for primal in self.primals]

    def push(self, value: Any, seeds: Sequence[Tensor | None]) -> Any:
        """The tangent of ``value``, in its structure."""
        outs = flatten(value)
        record = self.records(outs) or any(s is not None and s._node is not None for s in seeds)
        starts = {v: s for v, s in zip(self.vertices, seeds, strict=True) if s is not None}
        targets = [out._node for out in outs if out._node is not None]
        found = iter(push(targets, starts, record))

        def tangent(out: Tensor) -> Tensor:
            t = next(found) if out._node is not None else None
            return TENSORS.zeros_like(out.detach()) if t is None else t  # type: ignore[no-any-return]

        return map_tensors(tangent, value)

    def out(self, x: Tensor) -> Tensor:
        """A result as the caller may see it: with its graph where somebody outside may differentiate it."""
        return x if self.records([x]) else x.detach()


def _reaches_others(vertices: Sequence[Vertex | None], own: set[Vertex]) -> bool:
    """Whether the graph holds a leaf other than ``own``."""
    seen: set[Vertex] = set()
    stack = [v for v in vertices if v is not None]
    while stack:
        vertex = stack.pop()
        if vertex in seen or vertex in own:
            continue
        if isinstance(vertex, Leaf):
            return True
        seen.add(vertex)
        parents = (vertex.node,) if isinstance(vertex, Item) else vertex.parents
        stack.extend(p for p in parents if p is not None)
    return False


def _positions(argnums: ArgNums, count: int, what: str) -> tuple[int, ...]:
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for position in positions:
        if not -count <= position < count:
            message = f"argnums names argument {position}, but {count} positional arguments were given"
            raise complain(ShapeError, what, message)
    return tuple(position % count for position in positions)


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in _leaves(value)]
    if isinstance(tree, (list, tuple)):
        return [leaf for value in tree for leaf in _leaves(value)]
    return [tree]


def _match(expected: Sequence[Tensor], given: Sequence[Tensor], what: str) -> None:
    if len(expected) != len(given):
        raise complain(ShapeError, what, f"expected {len(expected)} tensors, got {len(given)}", given, ["given"])
    for position, (x, t) in enumerate(zip(expected, given, strict=True)):
        if x.shape != t.shape:
            raise complain(
                ShapeError,
                what,
                f"tensor {position} must have shape {list(x.shape)}, got {list(t.shape)}",
                [x, t],
                ["expected like", "got"],
            )


def _one_tensor(value: Any, what: str) -> Tensor:
    if not isinstance(value, Tensor):
        got = type(value).__name__
        raise complain(GradientError, what, f"expected the function to take and return one tensor each, got {got}")
    return value


def _scalar(value: Any, what: str) -> Tensor:
    value = _one_tensor(value, what)
    if value.size != 1:
        raise complain(
            GradientError,
            what,
            f"the function must return one number, got shape {list(value.shape)}; use tg.jacrev or tg.vjp for more",
            [value],
            ["result"],
        )
    return value  # type: ignore[no-any-return]


def _basis(x: Tensor) -> list[Tensor]:
    backend = x.backend
    found = []
    for i in range(x.size):
        flat = np.zeros(x.size, dtype=x.dtype)
        flat[i] = 1
        found.append(make(backend.asarray(flat.reshape(x.shape)), None))
    return found
