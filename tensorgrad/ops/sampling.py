"""Distributions and samples over the draws of ``random.py``: compositions, nothing of their own to differentiate."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends.base import Device
from ..call import as_operand
from ..core.generator import Generator
from ..core.report import complain
from ..core.state import Under, get_state
from ..core.tensor import Tensor
from ..define import broadcast, public
from ..dtypes import is_floating
from ..errors import ShapeError
from ..op import TENSORS
from .axes import size_of
from .creation import finish, shape_of
from .random import function, integer, rand, rand_like, randint, randn, randperm
from .reduction import tensor_of

__all__ = ["bernoulli", "choice", "multinomial", "normal", "permutation", "uniform"]


@public
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers of the given mean and standard deviation, numbers or tensors that broadcast to ``size``.

    ``mean + std * randn(size)``, so gradients reach tensors given for ``mean`` and ``std``.

    >>> import tensorgrad as tg
    >>> tg.normal(5.0, 0.1, (2, 2), generator=tg.Generator(0)).shape
    (2, 2)
    """
    z, (mean, std) = _base_draw("normal", randn, (mean, std), size, generator, dtype, device)
    return finish(z * std + mean, requires_grad)


@public
def uniform(
    low: Any = 0.0,
    high: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers between ``low`` and ``high``, numbers or tensors that broadcast to ``size``.

    ``low + (high - low) * rand(size)``, rounded: where the two are close for their dtype, ``high`` itself may come.

    >>> import tensorgrad as tg
    >>> x = tg.uniform(-2.0, 2.0, (1000,), generator=tg.Generator(0))
    >>> bool((x >= -2).all()), bool((x < 2).all())
    (True, True)
    """
    u, (low, high) = _base_draw("uniform", rand, (low, high), size, generator, dtype, device)
    return finish(u * (high - low) + low, requires_grad)


def _base_draw(
    what: str, draw: Any, bounds: tuple[Any, Any], size: Any, generator: Any, dtype: Any, device: Any
) -> tuple[Tensor, tuple[Any, Any]]:
    """The standard draw that a distribution's two parameters are applied to, and the parameters as operands."""
    first, second = (as_operand(b) for b in bounds)
    tensors = [b for b in (first, second) if isinstance(b, Tensor)]
    if dtype is None and tensors and any(is_floating(t.dtype) for t in tensors):
        dtype = np.result_type(*(t.dtype for t in tensors if is_floating(t.dtype)))
    common = broadcast(*(t.shape for t in tensors))
    shape = common if size is None else shape_of((size,))
    if broadcast(common, shape) != shape:
        raise complain(ShapeError, what, f"parameters of shape {list(common)} do not broadcast to size {list(shape)}")
    where = device if device is not None or not tensors else tensors[0].device
    return draw(shape, generator=generator, dtype=dtype, device=where), (first, second)


@public
def bernoulli(p: Any, /, *, generator: Generator | None = None) -> Tensor:
    """Ones with probability ``p`` and zeros otherwise, in the shape and dtype of the tensor ``p``. No gradient.

    Raises ShapeError for a number outside 0 to 1 (a tensor's values are not looked at).

    >>> import tensorgrad as tg
    >>> tg.bernoulli(tg.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if isinstance(p, (int, float)) and not 0 <= p <= 1:
        raise complain(ShapeError, "bernoulli", f"expected a probability from 0 to 1, got {p}")
    probability = tensor_of(float(p) if isinstance(p, int) else p).detach()
    u = rand_like(probability, generator=generator)
    return finish(TENSORS.astype(u < probability, dtype=probability.dtype), False)


@public
def multinomial(
    weights: Any, /, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices drawn with probability proportional to ``weights``, along the last axis.

    Parameters:
        weights: [classes] or [rows, classes], not negative, need not sum to 1.
        num_samples: how many per row.
        replacement: whether an index may come again. Without, the draw is by the smallest of exponential variables
            divided by the weights (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).

    Returns int64[num_samples] or int64[rows, num_samples].

    Raises ShapeError for other ranks, for no samples, and for more than there are classes without replacement.

    >>> import tensorgrad as tg
    >>> tg.multinomial(tg.tensor([0.0, 1.0, 0.0]), 1)
    tensor([1])
    """
    w = tensor_of(weights).detach()
    if w.ndim not in (1, 2) or w.shape[-1] == 0:
        message = "expected weights[classes] or weights[rows, classes]"
        raise complain(ShapeError, "multinomial", message, [w], ["weights"])
    classes = w.shape[-1]
    if num_samples < 1 or (num_samples > classes and not replacement):
        raise complain(
            ShapeError,
            "multinomial",
            f"expected 1 to {classes} samples without replacement, got {num_samples}",
            [w],
            ["weights"],
        )
    with Under(grad=False):
        if not is_floating(w.dtype) or w.dtype.itemsize < 4:
            w = TENSORS.astype(w, dtype=np.dtype(np.float32))
        rows = TENSORS.reshape(w, shape=(-1 if w.size else 0, classes) if w.ndim == 2 else (1, classes))
        _check_weights(rows, num_samples, replacement)
        picked = (_with_replacement if replacement else _without_replacement)(rows, num_samples, generator)
        return finish(picked if w.ndim == 2 else TENSORS.reshape(picked, shape=(num_samples,)), False)


def _check_weights(rows: Tensor, num_samples: int, replacement: bool) -> None:
    """Refuse impossible weights where looking at them costs no wait: on the CPU, outside capture."""
    if rows.device.kind != "cpu" or get_state().capture is not None:
        return
    values = rows.data
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise complain(ShapeError, "multinomial", "expected finite weights that are not negative", [rows], ["weights"])
    fewest = int(np.count_nonzero(values, axis=1).min()) if len(values) else num_samples
    if fewest < (1 if replacement else num_samples):
        message = f"only {fewest} weights of a row are above zero, too few to draw from"
        raise complain(ShapeError, "multinomial", message, [rows], ["weights"])


def _with_replacement(rows: Tensor, num_samples: int, generator: Generator | None) -> Tensor:
    heights = function("cumulative_sum")(rows, axis=1)
    u = rand(rows.shape[0], num_samples, generator=generator, dtype=rows.dtype, device=rows.device)
    levels = u * heights[:, -1:]
    # The first class whose cumulated weight exceeds the level: never one of weight zero.
    drawn = [function("searchsorted")(heights[i], levels[i], side="right") for i in range(rows.shape[0])]
    return function("clip")(function("stack")(drawn, axis=0), 0, rows.shape[1] - 1)  # type: ignore[no-any-return]


def _without_replacement(rows: Tensor, num_samples: int, generator: Generator | None) -> Tensor:
    u = rand_like(rows, generator=generator)
    possible = rows > 0
    waiting = -TENSORS.log1p(-u) / TENSORS.where(possible, rows, 1.0)
    waiting = TENSORS.where(possible, waiting, float("inf"))
    return function("argsort")(waiting, axis=1, stable=True)[:, :num_samples]  # type: ignore[no-any-return]


def permutation(x: Any, /, *, axis: int = 0, generator: Generator | None = None) -> Tensor:
    """``randperm(x)`` of an integer, or a copy of the tensor ``x`` with its slices along ``axis`` in random order.

    >>> import tensorgrad as tg
    >>> sorted(tg.random.permutation(tg.tensor([3, 1, 2])).tolist())
    [1, 2, 3]
    """
    if hasattr(x, "__index__") and not isinstance(x, Tensor):
        return randperm(x, generator=generator)
    x = tensor_of(x)
    if not x.ndim:
        raise complain(ShapeError, "permutation", "expected at least one dimension", [x], ["x"])
    order = randperm(x.shape[axis], generator=generator, device=x.device)
    return function("take")(x, order, axis=axis)  # type: ignore[no-any-return]


def choice(
    x: Any, /, size: Any = (), replace: bool = True, p: Any = None, *, generator: Generator | None = None
) -> Tensor:
    """A random sample of a 1-D tensor ``x``, or of the integers below ``x``, in NumPy's order of parameters.

    ``p`` are weights, by default equal. Raises ShapeError where there is too little to choose from.

    >>> import tensorgrad as tg
    >>> tg.random.choice(tg.tensor([5.0]), (2,))
    tensor([5., 5.])
    """
    whole = not isinstance(x, Tensor) and hasattr(x, "__index__")
    population = None if whole else tensor_of(x)
    if population is not None and population.ndim != 1:
        raise complain(ShapeError, "choice", "expected an integer or a tensor of one dimension", [population], ["x"])
    n = integer(x) if population is None else population.shape[0]
    shape = shape_of((size,))
    count = size_of(shape)
    if n < 1 or (not replace and count > n):
        how = "" if replace else " without replacement"
        raise complain(ShapeError, "choice", f"cannot choose {count} of {n}{how}")
    where = None if population is None else population.device
    if p is not None:
        index = multinomial(p, count, replace, generator=generator)
    elif replace:
        index = randint(0, n, (count,), generator=generator, device=where)
    else:
        index = randperm(n, generator=generator, device=where)[:count]
    index = TENSORS.reshape(index, shape=shape)
    return finish(index if population is None else function("take")(population, index), False)
