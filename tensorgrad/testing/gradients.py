"""Derivatives beside finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..autodiff.functional import jvp, vjp
from ..core.state import Under
from ..core.tensor import Tensor
from ..dtypes import is_floating
from ..errors import DTypeError, ShapeError
from ..op import TENSORS
from .close import host

__all__ = ["MODES", "check_grads", "direction", "floating_parts", "is_variable", "replace", "tensor_like"]

MODES = ("reverse", "forward")


class _Task(NamedTuple):
    """A function from tensors to a list of tensors, its arguments, their names, and which derivatives it is already."""

    f: Callable[..., list[Tensor]]
    args: list[Tensor]
    names: list[str]
    modes: tuple[str, ...]


class _Setting(NamedTuple):
    """How to check."""

    modes: tuple[str, ...]
    eps: float
    rtol: float
    atol: float
    rng: np.random.Generator


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    eps: float = 1e-4,
    rtol: float = 1e-6,
    atol: float = 1e-7,
    seed: int = 0,
) -> None:
    """Raise AssertionError unless the derivatives of ``f`` agree with finite differences, in float64.

    Each argument is moved along a random direction, by central differences at ``eps`` and ``eps / 2`` extrapolated to
    zero (Richardson), whose error is of order ``eps**4``. Reverse mode is compared after projection on a random
    cotangent, forward mode element by element. For ``order`` 2 the derivatives found, themselves functions of the
    arguments and of the direction, are checked in the same way, so that all of reverse over reverse, forward over
    reverse, reverse over forward and forward over forward are.

    Parameters:
        f: takes ``args``, returns a tensor or a nested container of tensors; those that are not floating are ignored.
        args: floating tensors and arrays, alone or in nested containers, are differentiated, after a cast to float64.
            Everything else is passed as it is, numbers included.
        order: how often to differentiate.
        modes: which of ``"reverse"`` and ``"forward"``.
        eps: how far to move. ``f`` must be smooth that far (times 1.5) around ``args``.
        rtol, atol: tolerances, for derivatives of functions computed in float64 throughout.
        seed: of the random directions.

    Raises:
        AssertionError: a derivative is wrong. The message names argument, order and mode, gives both numbers, and the
            element with the largest difference. Also if ``f`` gives different values at the same point.
        DTypeError: no argument is floating, one is complex, or no result is floating.
        ShapeError: ``order`` is less than 1, or a mode is unknown.

    >>> import tensorgrad as tg
    >>> from tensorgrad.testing import check_grads
    >>> check_grads(lambda x, y: (x * y).sum(axis=0), (tg.ones(2, 3), tg.ones(3)))
    """
    if order < 1 or not modes or not set(modes) <= set(MODES):
        raise ShapeError(f"check_grads: expected order >= 1 and modes out of {MODES}, got {order} and {tuple(modes)}")
    given, names = _variables(list(args))
    if not given:
        raise DTypeError("check_grads: expected at least one floating tensor or array among the arguments")

    def flat(*leaves: Tensor) -> list[Tensor]:
        rest = iter(leaves)
        found = floating_parts(f(*replace(list(args), rest)))
        if not found:
            raise DTypeError("check_grads: the function returns no floating tensor")
        return found

    setting = _Setting(tuple(modes), eps, rtol, atol, np.random.default_rng(seed))
    first, second = (_evaluate(flat, given) for _ in range(2))
    if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True)):
        raise AssertionError("the function gives different values at the same point: its derivative cannot be checked")
    _check(_Task(flat, given, names, ()), order, setting)


def _check(task: _Task, order: int, setting: _Setting) -> None:
    values = _evaluate(task.f, task.args)
    cotangents = [direction(v, setting.rng, task.args[0]) for v in values]
    directions = [direction(host(x), setting.rng, x) for x in task.args]
    for mode in setting.modes:
        check = _check_reverse if mode == "reverse" else _check_forward
        check(task, cotangents, directions, setting)
        if order > 1:
            step = _pulled if mode == "reverse" else _pushed
            _check(step(task, cotangents, directions), order - 1, setting)


def _check_reverse(task: _Task, cotangents: list[Tensor], directions: list[Tensor], setting: _Setting) -> None:
    _, pull = vjp(task.f, *task.args)
    found = pull(cotangents)
    for k, (x, g, v) in enumerate(zip(task.args, found, directions, strict=True)):
        if g.shape != x.shape or g.dtype != x.dtype:
            _fail(task, k, "reverse", f"is {g.dtype}{list(g.shape)}, expected {x.dtype}{list(x.shape)}")
        if not x.size:
            continue
        slope = _dot(cotangents, _difference(task, k, v, setting.eps))
        derivative = float(np.vdot(host(g), host(v)))
        if not _near(derivative, slope, setting):
            detail = _worst_element(task, k, g, cotangents, setting)
            _fail(task, k, "reverse", f"is {derivative:.10g} along a random direction, expected {slope:.10g}{detail}")


def _check_forward(task: _Task, cotangents: list[Tensor], directions: list[Tensor], setting: _Setting) -> None:
    for k, v in enumerate(directions):
        tangents = [v if i == k else TENSORS.zeros_like(x) for i, x in enumerate(task.args)]
        values, found = jvp(task.f, task.args, tangents)
        for part, (y, t, slope) in enumerate(zip(values, found, _difference(task, k, v, setting.eps), strict=True)):
            if t.shape != y.shape or t.dtype != y.dtype:
                _fail(task, k, "forward", f"is {t.dtype}{list(t.shape)}, expected {y.dtype}{list(y.shape)}")
            if not v.size:
                continue
            wrong = ~np.isclose(host(t), slope, rtol=setting.rtol, atol=setting.atol * _scale(slope))
            if wrong.any():
                at = tuple(map(int, np.argwhere(wrong)[0]))
                where = f" of result {part}" if len(values) > 1 else ""
                numbers = f"is {host(t)[at]:.10g} along a random direction, expected {slope[at]:.10g}"
                _fail(task, k, "forward", f"at {list(at)}{where} {numbers}")


def _pulled(task: _Task, cotangents: list[Tensor], directions: list[Tensor]) -> _Task:
    count = len(task.args)

    def pulled(*inputs: Tensor) -> list[Tensor]:
        _, pull = vjp(task.f, *inputs[:count])
        return list(pull(list(inputs[count:])))

    names = [*task.names, *(f"the cotangent of result {i}" for i in range(len(cotangents)))]
    return _Task(pulled, [*task.args, *cotangents], names, (*task.modes, "reverse"))


def _pushed(task: _Task, cotangents: list[Tensor], directions: list[Tensor]) -> _Task:
    count = len(task.args)

    def pushed(*inputs: Tensor) -> list[Tensor]:
        tangents: list[Tensor] = jvp(task.f, inputs[:count], inputs[count:])[1]
        return tangents

    names = [*task.names, *(f"the tangent of {name}" for name in task.names)]
    return _Task(pushed, [*task.args, *directions], names, (*task.modes, "forward"))


def _fail(task: _Task, k: int, mode: str, message: str) -> None:
    modes = " over ".join((mode, *reversed(task.modes)))
    raise AssertionError(
        f"the derivative of order {len(task.modes) + 1} ({modes}) with respect to {task.names[k]} {message}"
    )


def _near(derivative: float, slope: float, setting: _Setting) -> bool:
    return abs(derivative - slope) <= setting.atol * _scale(slope) + setting.rtol * abs(slope)


def _scale(slope: Any) -> float:
    """Results far from 1 cannot be told apart from zero on an absolute scale of 1."""
    largest = float(np.max(np.abs(slope), initial=0.0))
    return max(1.0, largest) if np.isfinite(largest) else 1.0


def _dot(u: list[Tensor], w: list[Any]) -> float:
    return float(sum(np.vdot(host(a), b) for a, b in zip(u, w, strict=True)))


def _worst_element(task: _Task, k: int, g: Tensor, cotangents: list[Tensor], setting: _Setting) -> str:
    """The element of a wrong gradient that is farthest off; not looked for in large ones."""
    x = task.args[k]
    if not 1 < x.size <= 256:
        return ""
    slopes = np.zeros(x.size)
    for i in range(x.size):
        basis = np.zeros(x.size)
        basis[i] = 1
        slopes[i] = _dot(cotangents, _difference(task, k, tensor_like(basis.reshape(x.shape), x), setting.eps))
    differences = np.abs(host(g).ravel() - slopes)
    i = int(np.argmax(np.where(np.isnan(differences), np.inf, differences)))
    at = [int(j) for j in np.unravel_index(i, x.shape)]
    return f"; it is farthest off at {at}, where it is {host(g).ravel()[i]:.10g}, expected {slopes[i]:.10g}"


def _difference(task: _Task, k: int, v: Tensor, eps: float) -> list[Any]:
    """The derivative of ``task.f`` as argument ``k`` moves along ``v``."""

    def central(h: float) -> list[Any]:
        ends = []
        for step in (h, -h):
            moved = tensor_like(host(task.args[k]) + step * host(v), v)
            ends.append(_evaluate(task.f, [moved if i == k else x for i, x in enumerate(task.args)]))
        return [(plus - minus) / (2 * h) for plus, minus in zip(*ends, strict=True)]

    return [(4 * fine - coarse) / 3 for coarse, fine in zip(central(eps), central(eps / 2), strict=True)]


def _evaluate(f: Callable[..., list[Tensor]], args: list[Tensor]) -> list[Any]:
    with Under(grad=False):
        return [host(y).astype(np.float64) for y in f(*(tensor_like(host(x).copy(), x) for x in args))]


def direction(values: Any, rng: np.random.Generator, like: Tensor) -> Tensor:
    """A random direction none of whose components is small: an error in one element must not hide."""
    signs = rng.integers(0, 2, values.shape) * 2 - 1
    return tensor_like(signs * rng.uniform(0.5, 1.5, values.shape), like)


def tensor_like(values: Any, x: Tensor) -> Tensor:
    """Host values as a tensor where ``x`` is."""
    return Tensor(x.backend.asarray(np.asarray(values), device=x.device))


def is_variable(x: Any) -> bool:
    return hasattr(x, "dtype") and hasattr(x, "shape") and is_floating(np.dtype(x.dtype))


def _variables(args: list[Any]) -> tuple[list[Tensor], list[str]]:
    """What is to be differentiated, in float64, and what it is called."""
    found: list[Tensor] = []
    names: list[str] = []

    def walk(x: Any, name: str) -> None:
        if isinstance(x, dict):
            for key, value in x.items():
                walk(value, f"{name}[{key!r}]")
        elif isinstance(x, (list, tuple)):
            for i, value in enumerate(x):
                walk(value, f"{name}[{i}]")
        elif is_variable(x):
            if np.dtype(x.dtype).kind == "c":
                raise DTypeError(f"check_grads: expected real floating arguments, got {x.dtype} for {name}")
            x = x.detach() if isinstance(x, Tensor) else TENSORS.tensor(x)
            found.append(tensor_like(host(x).astype(np.float64), x))
            names.append(name)

    for i, arg in enumerate(args):
        walk(arg, f"argument {i}")
    return found, names


def replace(x: Any, leaves: Any) -> Any:
    """``x`` with what is differentiated replaced by the next of ``leaves``."""
    if isinstance(x, dict):
        return type(x)((key, replace(value, leaves)) for key, value in x.items())
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(replace(value, leaves) for value in x))
    if isinstance(x, (list, tuple)):
        return type(x)(replace(value, leaves) for value in x)
    return next(leaves) if is_variable(x) else x


def floating_parts(value: Any) -> list[Tensor]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [part for entry in value for part in floating_parts(entry)]
    return [value] if isinstance(value, Tensor) and is_floating(value.dtype) else []
