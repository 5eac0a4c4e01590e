"""The bare Tensor: an array, the vertex it came from, and a version counter. Its mathematics is attached by ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, final

import numpy as np

from ..backends.base import Backend, Device
from ..backends.registry import backend_of
from ..errors import DTypeError, GradientError, ShapeError, TensorgradError
from .lines import Line, caller
from .node import Cell, Item, Leaf, Node, Vertex
from .state import get_state

if TYPE_CHECKING:
    from ._methods import TensorMethods
else:
    TensorMethods = object

__all__ = ["Tensor", "View", "make"]


@final
class View:
    """How a tensor looks into another's memory: the base, the view ops that lead there, the base's version then.

    ``steps`` are ``(op, params, which of several results or -1)``. ``sealed`` says why recorded writes are refused, or
    is None. ``constant`` is, for a view made under ``no_grad``, the base's vertex then, as a tuple of one; else None.
    ``refresh(tensor)`` rebuilds the tensor's vertex once the base was written to.
    """

    __slots__ = ("base", "constant", "refresh", "sealed", "steps", "version")

    def __init__(
        self,
        base: Tensor,
        steps: tuple[Any, ...],
        version: int,
        sealed: str | None,
        constant: tuple[Vertex | None] | None,
        refresh: Callable[[Tensor], None],
    ) -> None:
        self.base = base
        self.steps = steps
        self.version = version
        self.sealed = sealed
        self.constant = constant
        self.refresh = refresh


class Tensor(TensorMethods):
    """An array that knows how it was computed.

    Made by ``tg.tensor`` and the creation functions, or as ``Tensor(array)``, which wraps a NumPy or CuPy array
    without copying it.

    Parameters:
        data: an array of a known backend; anything else goes through ``tg.tensor``.
        requires_grad: record what is done with this tensor, so that ``backward()`` fills ``.grad``.

    Raises:
        DTypeError: ``data`` is no array, or ``requires_grad`` is asked of integers or booleans.

    >>> import numpy as np, tensorgrad as tg
    >>> x = tg.Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.], dtype=float64)
    """

    __slots__ = ("__weakref__", "_cell", "_line", "_node", "_view", "data")

    data: Any
    _node: Vertex | None
    _cell: Cell
    _view: View | None
    _line: Line | None

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        cell = [0]
        if isinstance(data, Tensor):
            data, cell = data.data, data._cell
        backend_of(data)
        self.data = data
        self._node = None
        self._cell = cell
        self._view = None
        self._line = caller()
        if requires_grad:
            self.requires_grad_()

    # What it is.

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self.data.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of elements. (PyTorch's ``x.size()`` is ``x.shape`` here, its ``x.numel()`` is ``x.size``.)"""
        return self.data.size  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.data.dtype.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.data.size * self.data.dtype.itemsize  # type: ignore[no-any-return]

    @property
    def backend(self) -> Backend:
        """The backend that computes with this tensor."""
        return backend_of(self.data)

    @property
    def device(self) -> Device:
        """Where the array is."""
        return backend_of(self.data).device_of(self.data)

    # Its place in the graph.

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded. Settable on leaves."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start (or stop) recording what is done with this leaf; returns it.

        Raises GradientError on a tensor that was computed from others, DTypeError on integers and booleans.
        """
        node = self.node
        if node is not None and not isinstance(node, Leaf):
            if requires_grad:
                return self
            raise self._error(
                GradientError,
                "requires_grad_",
                f"requires_grad can only be switched off on a leaf; this tensor was computed by {node.name}",
                "Use .detach() for a tensor without history.",
            )
        if not requires_grad:
            self._node = None
        elif node is None:
            if self.data.dtype.kind in "biucUSOMm":
                message = f"only floating tensors can require a gradient, got dtype {self.data.dtype}"
                raise self._error(DTypeError, "requires_grad_", message)
            if self._view is not None:
                self._view = None  # a leaf of its own: what reached it through the base is not its history
            self._node = Leaf(self.data.shape, self.data.dtype, self._line)
        return self

    @property
    def is_leaf(self) -> bool:
        """True for tensors not computed from a tracked tensor."""
        return self.node is None or isinstance(self._node, Leaf)

    @property
    def node(self) -> Vertex | None:
        """The vertex of the graph this tensor came from, or None. Brought up to date if a base was written to."""
        view = self._view
        if view is not None and view.version != self._cell[0] and view.constant is None:
            view.refresh(self)
        return self._node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward()`` accumulated, or None. Kept for leaves, and after ``retain_grad()``."""
        node = self.node
        return None if node is None else node.grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise self._error(DTypeError, ".grad", f"expected a Tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype or value.device != self.device:
                raise self._error(
                    ShapeError,
                    ".grad",
                    f"it must match its tensor: expected {self.dtype}{list(self.shape)} on {self.device}, "
                    f"got {value.dtype}{list(value.shape)} on {value.device}",
                )
        if self.node is not None:
            self._node.grad = value  # type: ignore[union-attr]
        elif value is not None:
            message = "this tensor does not require a gradient: call .requires_grad_() before setting .grad"
            raise self._error(GradientError, ".grad", message)

    def retain_grad(self) -> None:
        """Keep ``.grad`` of this tensor although it is not a leaf."""
        node = self._tracked("retain_grad")
        if not isinstance(node, Leaf) and not (node.hooks and -1 in node.hooks):
            node.grad = None
            node.hooks = {**(node.hooks or {}), -1: None}

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
        """Call ``hook(gradient)`` when this tensor's gradient is complete; what it returns replaces the gradient.

        Returns a function that removes the hook.

        >>> import tensorgrad as tg
        >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
        >>> remove = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward(); x.grad
        tensor([10., 10.])
        """
        node = self._tracked("register_hook")
        key = max(node.hooks or {}, default=0) + 1
        node.hooks = {**(node.hooks or {}), key: hook}

        def remove() -> None:
            if node.hooks is not None:
                node.hooks = {k: v for k, v in node.hooks.items() if k != key} or None

        return remove

    def _tracked(self, what: str) -> Vertex:
        if self.node is None or self._node is None:
            raise self._error(GradientError, what, "expected a tensor that requires a gradient")
        return self._node

    def _error(self, kind: type[TensorgradError], what: str, message: str, advice: str = "") -> TensorgradError:
        from .report import complain

        return complain(kind, what, message, [self], ["x"], advice=advice)

    def detach(self) -> Tensor:
        """The same memory without history. Writes to either show in both, and are noticed by saved values."""
        out = make(self.data, self._line)
        out._cell = self._cell
        return out

    # Values.

    def _value(self, what: str) -> Any:
        if get_state().capture is not None:
            get_state().capture.refuse(what)
        return self.data

    def item(self) -> Any:
        """The only element as a Python scalar. Raises ShapeError for any other number of elements."""
        return self._scalar("item()")

    def _scalar(self, what: str) -> Any:
        data = self._value(what)
        if data.size != 1:
            raise self._error(
                ShapeError,
                what,
                f"only a tensor of one element converts to a Python scalar; this one has shape {list(self.shape)}",
                "Reduce it first, for example with .sum() or .mean(), or compare with .all() or .any().",
            )
        return data.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python scalars (a scalar for a 0-d tensor)."""
        return backend_of(self.data).to_numpy(self._value("tolist()")).tolist()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a NumPy array: the same memory on the CPU, a copy from a GPU.

        Raises GradientError on a tensor that requires a gradient: say ``.detach().numpy()``.
        """
        if self.node is not None:
            raise self._error(
                GradientError,
                "numpy()",
                "this tensor requires a gradient, which a NumPy array would lose silently: use .detach().numpy()",
            )
        return backend_of(self.data).to_numpy(self._value("numpy()"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    # A NumPy ufunc given a tensor must not compute: it would return an array without history. With None,
    # ``array * tensor`` reaches Tensor.__rmul__ and ``np.sin(tensor)`` raises TypeError.
    __array_ufunc__ = None
    __array_priority__ = 1000

    def __dlpack__(self, **options: Any) -> Any:
        if self.node is not None:
            message = "this tensor requires a gradient: export .detach() through DLPack instead"
            raise self._error(GradientError, "DLPack", message)
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()

    def __float__(self) -> float:
        return float(self._scalar("float()"))

    def __int__(self) -> int:
        return int(self._scalar("int()"))

    def __complex__(self) -> complex:
        return complex(self._scalar("complex()"))

    def __index__(self) -> int:
        if self.data.dtype.kind not in "biu" or self.data.ndim:
            message = f"only a 0-d integer tensor can be an index, got {self.data.dtype}{list(self.shape)}"
            raise self._error(DTypeError, "index", message)
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self._scalar("bool()"))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.data.ndim == 0 else format(repr(self), spec)

    def __len__(self) -> int:
        if not self.data.ndim:
            raise self._error(DTypeError, "len()", "a 0-d tensor has no length")
        return self.data.shape[0]  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.data.ndim:
            raise self._error(DTypeError, "iteration", "a 0-d tensor cannot be iterated over")
        return (self[i] for i in range(self.data.shape[0]))

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        if not self.backend.has_values:
            return f"tensor(shape={self.shape}, dtype={self.dtype}, device={str(self.device)!r})"
        values = backend_of(self.data).to_numpy(self.data)
        body = np.array2string(values, separator=", ", prefix="tensor(", threshold=1000)
        notes = [] if self.dtype in (np.float32, np.int64, np.bool_) else [f"dtype={self.dtype}"]
        if values.size == 0:
            notes.append(f"shape={tuple(self.shape)}")
        if self.device.kind != "cpu":
            notes.append(f"device={str(self.device)!r}")
        if isinstance(self._node, Leaf):
            notes.append("requires_grad=True")
        elif isinstance(self._node, (Node, Item)):
            notes.append(f"op={self._node.name}")
        return f"tensor({', '.join([body, *notes])})"

    # Copies: by value, without history, never through the graph.

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise self._error(
                GradientError,
                "deepcopy",
                "only leaves can be deep-copied, and this tensor was computed: copy .detach() instead",
            )
        out = _restore(type(self), self.data.copy(), self.requires_grad, getattr(self, "__dict__", None))
        memo[id(self)] = out
        if self.grad is not None:
            out.grad = self.grad.__deepcopy__(memo)
        return out

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise self._error(
                GradientError,
                "pickle",
                "only leaves can be pickled, and this tensor was computed: pickle .detach() instead",
            )
        return _restore, (type(self), self.data, self.requires_grad, getattr(self, "__dict__", None))


def make(data: Any, line: Line | None) -> Tensor:
    """An untracked Tensor over ``data``."""
    out = Tensor.__new__(Tensor)
    out.data = data
    out._node = None
    out._cell = [0]
    out._view = None
    out._line = line
    return out


def _restore(cls: type[Tensor], data: Any, requires_grad: bool, attributes: dict[str, Any] | None) -> Tensor:
    out = cls.__new__(cls)
    out.data = data
    out._node = None
    out._cell = [0]
    out._view = None
    out._line = caller()
    if attributes:
        out.__dict__.update(attributes)
    return out.requires_grad_() if requires_grad else out
