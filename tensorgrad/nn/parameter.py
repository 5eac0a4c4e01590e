"""Tensors that a module learns."""

from __future__ import annotations

from typing import Any, final

from ..core.node import Leaf
from ..core.tensor import Tensor

__all__ = ["Parameter", "replace_data"]


@final
class Parameter(Tensor):
    """A tensor that a module learns: assigned to a module's attribute, it is among ``module.parameters()``.

    Shares the memory of the tensor or array it is made from.

    Parameters:
        data: a tensor or an array, floating if it requires a gradient.
        requires_grad: whether gradients are computed for it.

    >>> import tensorgrad as tg
    >>> tg.nn.Parameter(tg.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data)
        if isinstance(data, Tensor):
            self._cell = data._cell
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def replace_data(t: Tensor, array: Any) -> None:
    """Give a leaf other memory (another dtype or device), its identity and its ``requires_grad`` staying."""
    t.data = array
    t._cell = [0]
    t._view = None
    if isinstance(t._node, Leaf):
        t._node.shape = array.shape
        t._node.dtype = array.dtype
