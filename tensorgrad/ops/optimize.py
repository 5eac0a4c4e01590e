"""Steps of optimizers: ops that change parameters and the optimizer's state in place.

What may change from step to step (the learning rate, the count of steps) is an input, so that a captured training step
can be replayed with other values; what is fixed for a run is a parameter of the op. The arithmetic is PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..call import apply
from ..core.lines import Line
from ..core.state import get_state
from ..core.tensor import Tensor
from ..define import op
from ..errors import ShapeError
from ..op import Op

__all__ = ["BLOCK", "Step", "adagrad", "adam", "amsgrad", "momentum", "rmsprop", "sgd", "step_path"]

BLOCK = 1 << 14
"""Elements updated at once on the CPU: several passes over a block find it in the cache."""

Step = Callable[[Iterable[tuple[Tensor, ...]], Any, dict[str, Any], Line], None]


def step_path(record: Op) -> Step:
    """The call path of an update: ``step(tensors of each parameter, lr, settings, user's line)``.

    Straight to the backend, unless a capture or a NaN check has to see it.
    """
    bounds = record.bounds
    writes = record.writes

    def step(updates: Iterable[tuple[Tensor, ...]], lr: Any, settings: dict[str, Any], line: Line) -> None:
        rate = lr.data if isinstance(lr, Tensor) else lr
        written = (line,)
        kind = update = None
        if not get_state().plain:
            for tensors in updates:
                apply(record, (*tensors, lr), tuple([settings[name] for name in record.params]))
            return
        for tensors in updates:
            values = [x.data for x in tensors]
            if type(values[0]) is not kind:
                kind = type(values[0])
                update = bounds[kind].f if kind in bounds else None
            if update is None or type(values[writes]) is not kind:
                apply(record, (*tensors, lr), tuple([settings[name] for name in record.params]))
                kind = None
                continue
            update(*values, rate, **settings)
            for x in tensors[:writes]:  # as raise_version, spelled out where it counts
                cell = x._cell
                cell[0] += 1
                cell[1:] = written  # type: ignore[assignment]

    return step


def _infer(writes: int) -> Callable[..., Any]:
    """Parameter, state and gradient must agree in shape; the step count and the learning rate are numbers."""

    def infer(params: dict[str, Any], *operands: Any) -> Any:
        param = operands[0]
        for x in operands[1 : writes + 1]:
            if x.shape not in (param.shape, ()):
                raise ShapeError(f"expected the parameter's shape {list(param.shape)}, got {list(x.shape)}")
        return operands[:writes] if writes > 1 else param

    return infer


def _number(x: Any, like: Any) -> Any:
    """A learning rate as a number, or as a 0-d array on a device that nobody should wait for."""
    if isinstance(x, np.ndarray):
        return x.item()
    return x.astype(like.dtype) if hasattr(x, "dtype") else x


def _in_blocks(*arrays: Any) -> Iterable[tuple[Any, ...]]:
    """The same elements of each array, a block at a time; all at once on a GPU or where memory is not contiguous."""
    first = arrays[0]
    if not first.ndim:  # NumPy would compute with scalars, which have no memory to write to
        return ([a.reshape(1) for a in arrays],)  # type: ignore[return-value]
    if first.size <= BLOCK or not all(isinstance(a, np.ndarray) and a.flags.c_contiguous for a in arrays):
        return (arrays,)
    return _pieces([a.reshape(-1) for a in arrays])


def _pieces(flat: list[Any]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, flat[0].size, BLOCK):
        yield tuple([a[start : start + BLOCK] for a in flat])


def _direction(m: Any, param: Any, grad: Any, weight_decay: float, maximize: bool) -> Any:
    """The gradient to go down along, L2 penalty included; ``grad`` itself where there is nothing to do."""
    if maximize:
        grad = -grad
    if not weight_decay:
        return grad
    out = param * weight_decay
    out += grad
    return out


# Stochastic gradient descent.


def _sgd_body(m: Any, param: Any, grad: Any, lr: Any, weight_decay: float, maximize: bool) -> Any:
    if type(lr) is not float:
        lr = _number(lr, param)
    if param.size <= BLOCK and not weight_decay and not maximize:
        param -= grad * lr
        return param
    for p, g in _in_blocks(param, grad):
        d = _direction(m, p, g, weight_decay, maximize)
        p -= d * lr
    return param


sgd = op(
    "sgd_update",
    "param grad lr",
    params="weight_decay maximize",
    infer=_infer(1),
    body=_sgd_body,
    writes=1,
    doc="``param -= lr * grad``.",
)


def _momentum_body(
    m: Any,
    param: Any,
    velocity: Any,
    grad: Any,
    lr: Any,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> Any:
    lr = _number(lr, param)
    for p, v, g in _in_blocks(param, velocity, grad):
        d = _direction(m, p, g, weight_decay, maximize)
        v *= momentum
        v += d * (1 - dampening) if dampening else d
        if nesterov:
            s = v * momentum
            s += d
            s *= lr
        else:
            s = v * lr
        p -= s
    return param, velocity


momentum = op(
    "sgd_momentum_update",
    "param velocity grad lr",
    params="momentum dampening weight_decay nesterov maximize",
    infer=_infer(2),
    body=_momentum_body,
    writes=2,
    doc="``velocity = momentum * velocity + (1 - dampening) * grad; param -= lr * velocity``.",
)


# Adam.


def _adam_factors(m: Any, step: Any, lr: Any, beta1: float, beta2: float, eps: float, like: Any) -> tuple[Any, Any]:
    """The step's length and the epsilon beside ``sqrt(v)``, with both bias corrections in them."""
    step += 1
    if isinstance(step, np.ndarray):
        t = step.item()
        root = (1 - beta2**t) ** 0.5
        return _number(lr, like) / (1 - beta1**t) * root, eps * root
    t = step.astype(np.float64)
    root = (1 - beta2**t) ** 0.5
    length = lr / (1 - beta1**t) * root
    return length.astype(like.dtype), (eps * root).astype(like.dtype)


def _adam_body(
    m: Any,
    param: Any,
    mean: Any,
    square: Any,
    step: Any,
    grad: Any,
    lr: Any,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Any:
    length, floor = _adam_factors(m, step, lr, beta1, beta2, eps, param)
    keep = 1 - _number(lr, param) * weight_decay if decoupled and weight_decay else None
    for p, a, b, g in _in_blocks(param, mean, square, grad):
        d = _direction(m, p, g, 0.0 if decoupled else weight_decay, maximize)
        if keep is not None:
            p *= keep
        s = _moments(m, a, b, d, beta1, beta2)
        m.sqrt(b, out=s)
        _descend(m, p, a, s, length, floor)
    return param, mean, square, step


def _moments(m: Any, mean: Any, square: Any, d: Any, beta1: float, beta2: float) -> Any:
    """Update both running means; returns memory to work in."""
    s = d - mean
    s *= 1 - beta1
    mean += s
    m.multiply(d, d, out=s)
    s *= 1 - beta2
    square *= beta2
    square += s
    return s


def _descend(m: Any, p: Any, mean: Any, root: Any, length: Any, floor: Any) -> None:
    """``p -= length * mean / (root + floor)``, in ``root``'s memory."""
    root += floor
    m.divide(mean, root, out=root)
    root *= length
    p -= root


adam = op(
    "adam_update",
    "param mean square step grad lr",
    params="beta1 beta2 eps weight_decay decoupled maximize",
    infer=_infer(4),
    body=_adam_body,
    writes=4,
    doc="A step of Adam (Kingma and Ba, 2015) or, decoupled, AdamW (Loshchilov and Hutter, 2019).",
)


def _amsgrad_body(
    m: Any,
    param: Any,
    mean: Any,
    square: Any,
    largest: Any,
    step: Any,
    grad: Any,
    lr: Any,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Any:
    length, floor = _adam_factors(m, step, lr, beta1, beta2, eps, param)
    keep = 1 - _number(lr, param) * weight_decay if decoupled and weight_decay else None
    for p, a, b, c, g in _in_blocks(param, mean, square, largest, grad):
        d = _direction(m, p, g, 0.0 if decoupled else weight_decay, maximize)
        if keep is not None:
            p *= keep
        s = _moments(m, a, b, d, beta1, beta2)
        m.maximum(c, b, out=c)
        m.sqrt(c, out=s)
        _descend(m, p, a, s, length, floor)
    return param, mean, square, largest, step


amsgrad = op(
    "amsgrad_update",
    "param mean square largest step grad lr",
    params="beta1 beta2 eps weight_decay decoupled maximize",
    infer=_infer(5),
    body=_amsgrad_body,
    writes=5,
    doc="Adam with the largest second moment so far (Reddi, Kale and Kumar, 2018).",
)


# Others that scale each element by its past gradients.


def _adagrad_body(
    m: Any, param: Any, total: Any, step: Any, grad: Any, lr: Any, lr_decay: float, eps: float, weight_decay: float,
    maximize: bool,
) -> Any:  # fmt: skip
    step += 1
    if isinstance(step, np.ndarray):
        length = _number(lr, param) / (1 + (step.item() - 1) * lr_decay)
    else:
        length = (lr / (1 + (step - 1) * lr_decay)).astype(param.dtype)
    for p, t, g in _in_blocks(param, total, grad):
        d = _direction(m, p, g, weight_decay, maximize)
        s = d * d
        t += s
        m.sqrt(t, out=s)
        _descend(m, p, d, s, length, eps)
    return param, total, step


adagrad = op(
    "adagrad_update",
    "param total step grad lr",
    params="lr_decay eps weight_decay maximize",
    infer=_infer(3),
    body=_adagrad_body,
    writes=3,
    doc="A step of Adagrad (Duchi, Hazan and Singer, 2011).",
)


def _rmsprop_body(
    m: Any, param: Any, square: Any, average: Any, velocity: Any, grad: Any, lr: Any, alpha: float, eps: float,
    momentum: float, centered: bool, weight_decay: float, maximize: bool,
) -> Any:  # fmt: skip
    lr = _number(lr, param)
    for p, b, a, v, g in _in_blocks(param, square, average, velocity, grad):
        d = _direction(m, p, g, weight_decay, maximize)
        s = d * d
        s *= 1 - alpha
        b *= alpha
        b += s
        if centered:
            m.subtract(d, a, out=s)
            s *= 1 - alpha
            a += s
            m.multiply(a, a, out=s)
            m.subtract(b, s, out=s)
            m.sqrt(s, out=s)
        else:
            m.sqrt(b, out=s)
        if momentum:
            s += eps
            m.divide(d, s, out=s)
            v *= momentum
            v += s
            p -= m.multiply(v, lr, out=s)
        else:
            _descend(m, p, d, s, lr, eps)
    return param, square, average, velocity


rmsprop = op(
    "rmsprop_update",
    "param square average velocity grad lr",
    params="alpha eps momentum centered weight_decay maximize",
    infer=_infer(4),
    body=_rmsprop_body,
    writes=4,
    doc="A step of RMSprop (Tieleman and Hinton, lecture 6.5, 2012).",
)
