"""Random numbers: the same integers and uniforms, bit for bit, from the same seed on every device.

Words come from Philox4x64-10: see ``core/generator.py``. What a draw makes is a function of three words, (key, key,
first block), and those are an input slot, so that a captured program is replayed with other numbers.

The stream's layout. Block ``i`` is the cipher's output for the counter (i, 0, 0, 0): words 4i to 4i + 3. A draw starts
at a block of its own. ``random_words`` gives words as they come. A *half* is 32 bits of a word, the low ones first.

- uniform float64: a word's upper 53 bits, times 2**-53. float32, float16, bfloat16: a half's upper 24, 11 or 8 bits,
  times 2**-24, 2**-11 or 2**-8. All exact, all below 1.
- normal: Box-Muller (Box and Muller, "A note on the generation of random normal deviates", 1958) in double precision,
  two numbers from two uniforms, ``sqrt(-2 log u) * (cos, sin)(2 pi v)`` with u above 0. float64: u and v from 53 bits
  of two words; narrower types: from the low and the high half of one. sin, cos and log may differ between devices in
  their last bit, so normals do too: by one unit in the last place of a type narrower than float64, by two of float64.
- integers from low up to high: ``low + floor(w * (high - low) / 2**64)`` of a word w. A value's probability is off by
  at most 2**-64.
- dropout and ``random_keep``: element i is kept if half i is at least ``p * 2**32``.
- permutations: the stable order of as many words.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends.base import Device
from ..backends.registry import find
from ..core.generator import Generator, default_generator
from ..core.lines import caller
from ..core.node import Info
from ..core.report import complain
from ..core.state import get_state
from ..core.tensor import Tensor, make
from ..define import op, public
from ..dtypes import is_floating, to_dtype
from ..errors import DTypeError, ShapeError
from ..op import FUNCTIONS, OPS
from .axes import size_of
from .creation import device_of, finish, shape_of
from .reduction import tensor_of

__all__ = [
    "draw_state", "dropout", "rand", "rand_like", "randint", "randn", "randn_like", "random_integers", "random_keep",
    "random_normal", "random_uniform", "random_words", "randperm",
]  # fmt: skip

_LOW = 0xFFFFFFFF
_NARROW_BITS = {"float32": 24, "float16": 11, "bfloat16": 8}

random_words = op(
    "random_words",
    "state",
    params="count",
    infer=lambda params, state: Info((params["count"],), np.dtype(np.uint64)),
    doc="Words of the stream, uint64[count], from the block that ``state`` names on.",
)


def _halves(m: Any, state: Any, count: int) -> Any:
    """``count`` numbers of 32 bits, as uint64: of each word the low half, then the high half."""
    pairs = (count + 1) // 2
    words = m.random_words(state, count=pairs)
    low, high = m.reshape(words & _LOW, shape=(pairs, 1)), m.reshape(words >> 32, shape=(pairs, 1))
    return m.reshape(m.concat([low, high], axis=1), shape=(2 * pairs,))[:count]


def _uniform_body(m: Any, state: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    n = size_of(shape)
    if dtype == np.float64:
        kept, bits = m.random_words(state, count=n) >> 11, 53
    else:
        bits = _NARROW_BITS[dtype.name]
        kept = _halves(m, state, n) >> (32 - bits)
    return m.reshape(m.astype(kept, dtype=dtype) * 2.0**-bits, shape=shape)


def _normal_body(m: Any, state: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    n = size_of(shape)
    pairs = (n + 1) // 2
    double = np.dtype(np.float64)
    if dtype == double:
        words = m.reshape(m.random_words(state, count=2 * pairs) >> 11, shape=(pairs, 2))
        first, second, unit = words[:, 0], words[:, 1], 2.0**-53
    else:
        words = m.random_words(state, count=pairs)
        first, second, unit = words & _LOW, words >> 32, 2.0**-32
    radius = m.sqrt(m.log(m.astype(first + 1, dtype=double) * unit) * -2.0)
    angle = m.astype(second, dtype=double) * unit * (2.0 * math.pi)
    both = [m.reshape(radius * wave, shape=(pairs, 1)) for wave in (m.cos(angle), m.sin(angle))]
    return m.reshape(m.astype(m.reshape(m.concat(both, axis=1), shape=(2 * pairs,))[:n], dtype=dtype), shape=shape)


def _scaled(words: Any, span: int) -> Any:
    """``floor(words * span / 2**64)`` in 64-bit arithmetic."""
    high, low = words >> 32, words & _LOW
    if span <= 1 << 32:
        return (high * span + (low * span >> 32)) >> 32
    if span == 1 << 64:
        return words
    top, bottom = span >> 32, span & _LOW
    middle = high * bottom + (low * bottom >> 32)
    return high * top + (middle >> 32) + (low * top + (middle & _LOW) >> 32)


def _integers_body(m: Any, state: Any, low: int, high: int, shape: tuple[int, ...], dtype: Any) -> Any:
    drawn = _scaled(m.random_words(state, count=size_of(shape)), high - low)
    return m.reshape(m.astype(drawn + low % (1 << 64), dtype=dtype), shape=shape)


def _keep_body(m: Any, state: Any, shape: tuple[int, ...], p: float) -> Any:
    return m.reshape(_halves(m, state, size_of(shape)) >= threshold(p), shape=shape)


def threshold(p: float) -> int:
    """The half from which on an element is kept."""
    return min(round(p * 2**32), 2**32 - 1)


def _drawn(params: dict[str, Any], state: Info) -> Info:
    return Info(params["shape"], np.dtype(params.get("dtype", bool)))


random_uniform = op(
    "random_uniform",
    "state",
    params="shape dtype",
    infer=_drawn,
    body=_uniform_body,
    doc="Uniform numbers from 0 up to 1.",
)
random_normal = op(
    "random_normal",
    "state",
    params="shape dtype",
    infer=_drawn,
    body=_normal_body,
    doc="Normal numbers of mean 0 and standard deviation 1.",
)
random_integers = op(
    "random_integers",
    "state",
    params="low high shape dtype",
    infer=_drawn,
    body=_integers_body,
    doc="Integers from ``low`` up to ``high``, which is left out.",
)
random_keep = op(
    "random_keep",
    "state",
    params="shape p",
    infer=_drawn,
    body=_keep_body,
    doc="True with probability ``1 - p``.",
)


def _dropout_body(m: Any, x: Any, state: Any, p: float) -> Any:
    if p >= 1:
        return m.zeros_like(x)
    return m.where(m.random_keep(state, shape=x.shape, p=p), x * (1 / (1 - p)), 0)


_dropout = op(
    "dropout",
    "x state",
    params="p",
    infer=lambda params, x, state: x,
    body=_dropout_body,
    # The mask is made again, not kept: three words instead of an array.
    rules={"x": lambda m, g, state, p: m.dropout(g, state, p=p)},
    linear="x",
)


# What users call.


def draw_state(words: int, generator: Generator | None, device: Device) -> Tensor:
    """The next ``words`` words of a generator (the thread's own if None), as an op's input."""
    if generator is None:
        generator = default_generator()
    elif not isinstance(generator, Generator):
        raise complain(DTypeError, "generator", f"expected a tensorgrad.Generator, got {type(generator).__name__}")
    state = make(find(device.kind).asarray(generator.reserve(words), device=device), caller())
    capture = get_state().capture
    if capture is not None:
        capture.reserve(generator, words, state.data)
    return state


def function(name: str) -> Any:
    """A public function that another module defines, as users know it."""
    return FUNCTIONS.get(name) or OPS[name].call


def _words_for(n: int, dtype: Any) -> int:
    return n if dtype.itemsize == 8 else (n + 1) // 2


def _floating(what: str, dtype: Any) -> Any:
    found = get_state().dtype if dtype is None else to_dtype(dtype)
    if found.name not in _NARROW_BITS and found != np.float64:
        raise complain(DTypeError, what, f"expected a real floating dtype, got {found}")
    return found


def _filled(
    what: str, call: Any, shape: tuple[int, ...], generator: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    kind, where = _floating(what, dtype), device_of(device)
    n = size_of(shape)
    state = draw_state(_words_for(n + n % 2 if what == "randn" else n, kind), generator, where)
    return finish(call(state, shape=shape, dtype=kind), requires_grad)


@public
def rand(
    *shape: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers from 0 up to 1, as ``rand(2, 3)`` or ``rand((2, 3))``: the same ones on every device.

    Parameters:
        shape: lengths, or one tuple of them.
        generator: where the numbers come from; None: the thread's default, see ``tg.manual_seed``.
        dtype: float16, bfloat16, float32 or float64; None: the default (float32).

    Raises DTypeError for any other dtype, ShapeError for a negative length.

    >>> import tensorgrad as tg
    >>> tg.rand(2, generator=tg.Generator(0)).shape
    (2,)
    """
    return _filled("rand", random_uniform, shape_of(shape), generator, dtype, device, requires_grad)


@public
def randn(
    *shape: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers of mean 0 and standard deviation 1; parameters as for ``rand``.

    Made by Box-Muller in double precision. Between devices the last bit may differ.

    >>> import tensorgrad as tg
    >>> tg.randn(2, 3, generator=tg.Generator(0)).shape
    (2, 3)
    """
    return _filled("randn", random_normal, shape_of(shape), generator, dtype, device, requires_grad)


@public
def rand_like(
    x: Tensor,
    /,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``rand`` in ``x``'s shape, and in its dtype and on its device unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.rand_like(tg.zeros(2, dtype=tg.float64)).dtype.name
    'float64'
    """
    return rand(
        x.shape, generator=generator, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad
    )


@public
def randn_like(
    x: Tensor,
    /,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``randn`` in ``x``'s shape, and in its dtype and on its device unless asked otherwise.

    >>> import tensorgrad as tg
    >>> tg.randn_like(tg.zeros(2, 2)).shape
    (2, 2)
    """
    return randn(
        x.shape, generator=generator, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad
    )


@public
def randint(
    low: int,
    high: Any = None,
    size: Any = (),
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Device | str | None = None,
) -> Tensor:
    """Integers from ``low`` up to ``high``, which is left out; ``randint(high, size=...)`` starts from 0.

    Also as PyTorch has it, ``randint(high, size)``. The dtype is int64 unless asked otherwise.

    Raises ShapeError unless ``low < high`` and both fit the dtype, DTypeError for a dtype that is no integer.

    >>> import tensorgrad as tg
    >>> x = tg.randint(0, 10, (100,), generator=tg.Generator(0))
    >>> int(x.min()) >= 0, int(x.max()) < 10
    (True, True)
    """
    if isinstance(high, (tuple, list)):
        high, size = None, high
    first, last = (0, integer(low)) if high is None else (integer(low), integer(high))
    kind = np.dtype(np.int64) if dtype is None else to_dtype(dtype)
    if kind.kind not in "iu":
        raise complain(DTypeError, "randint", f"expected an integer dtype, got {kind}")
    span = np.iinfo(kind)
    if not span.min <= first < last <= span.max + 1:
        message = f"expected {span.min} <= low < high <= {span.max + 1} for {kind}, got {first}, {last}"
        raise complain(ShapeError, "randint", message)
    shape = shape_of((size,))
    state = draw_state(size_of(shape), generator, device_of(device))
    return finish(random_integers(state, low=first, high=last, shape=shape, dtype=kind), False)


def integer(value: Any) -> int:
    if not hasattr(value, "__index__"):
        raise complain(DTypeError, "random", f"expected an integer, got {value!r}")
    return int(value.__index__())


@public
def randperm(n: int, *, generator: Generator | None = None, device: Device | str | None = None) -> Tensor:
    """The integers from 0 to n - 1 in random order, int64[n].

    >>> import tensorgrad as tg
    >>> sorted(tg.randperm(4, generator=tg.Generator(0)).tolist())
    [0, 1, 2, 3]
    """
    (count,) = shape_of((n,))
    words = random_words(draw_state(count, generator, device_of(device)), count=count)
    return finish(function("argsort")(words, axis=0, stable=True), False)


@public
def dropout(x: Any, /, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Tensor:
    """While training, each element becomes zero with probability ``p`` and the others grow by ``1 / (1 - p)``.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014. The derivative makes
    the mask again from its place in the random stream, so that nothing of ``x``'s size is kept. ``p`` counts in steps
    of 2**-32.

    Raises ShapeError for ``p`` outside 0 to 1, DTypeError for integers.

    >>> import tensorgrad as tg
    >>> x = tg.ones(1000, requires_grad=True)
    >>> y = tg.dropout(x, 0.25)
    >>> y.sum().backward()
    >>> bool((x.grad == y).all())
    True
    """
    x = tensor_of(x)
    if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise complain(ShapeError, "dropout", f"expected a probability from 0 to 1, got {p!r}", [x], ["x"])
    if not is_floating(x.dtype):
        raise complain(DTypeError, "dropout", f"expected a floating dtype, got {x.dtype}", [x], ["x"])
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    return _dropout(x, draw_state((x.size + 1) // 2, generator, x.device), p=float(p))  # type: ignore[no-any-return]
