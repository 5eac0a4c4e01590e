"""Layers: linear, embedding, dropout, flatten, identity."""

from __future__ import annotations

import math
from typing import Any

from ..backends.base import Device
from ..core.state import Under
from ..core.tensor import Tensor
from ..errors import ArgumentError, ShapeError
from ..op import FUNCTIONS, TENSORS
from ..ops.axes import normal_axis
from ..ops.creation import empty
from ..ops.nn import affine
from ..ops.reduction import tensor_of
from ..ops.update import setitem
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Dropout", "Embedding", "Flatten", "Identity", "Linear", "Unflatten"]


class Identity(Module):
    """Returns its input. Takes any arguments, so that it can stand for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Linear(Module):
    """``x @ weight.T + bias``.

    Parameters:
        in_features: length of ``x``'s last axis.
        out_features: length of the result's.
        bias: whether there is one.
        device, dtype: of the parameters.

    ``weight`` is (out, in), ``bias`` (out,); both start uniform within ``1 / sqrt(in_features)``.

    >>> import tensorgrad as tg
    >>> tg.nn.Linear(3, 2)(tg.zeros(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in_features < 0 or out_features < 0:
            raise ShapeError(f"Linear: expected sizes from 0 on, got {in_features} and {out_features}")
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        self.bias = Parameter(empty((out_features,), device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew: as ``kaiming_uniform_`` with slope sqrt(5), which is PyTorch's choice."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Tensor:
        return affine(input, self.weight, self.bias)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Embedding(Module):
    """A table of vectors, looked up by index.

    Parameters:
        num_embeddings: rows of the table.
        embedding_dim: length of each vector.
        padding_idx: a row that starts as zeros and is not learned.
        device, dtype: of the table.

    ``weight`` is (num_embeddings, embedding_dim) and starts normal.

    >>> import tensorgrad as tg
    >>> tg.nn.Embedding(10, 4)(tg.tensor([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        device: Device | str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else normal_axis(padding_idx, num_embeddings, "padding_idx")
        self.weight = Parameter(empty((num_embeddings, embedding_dim), device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with Under(grad=False):
                setitem(self.weight, self.padding_idx, 0.0)

    def forward(self, input: Any) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class Dropout(Module):
    """While training, zeros each element with probability ``p`` and scales the others by ``1 / (1 - p)``."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"Dropout: expected a probability from 0 to 1, got {p}")
        self.p = p

    def forward(self, input: Any) -> Tensor:
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Flatten(Module):
    """Axes ``start_dim`` to ``end_dim`` in one.

    >>> import tensorgrad as tg
    >>> tg.nn.Flatten()(tg.zeros(2, 3, 4)).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Tensor:
        x = tensor_of(input)
        first, last = (normal_axis(axis, x.ndim) for axis in (self.start_dim, self.end_dim))
        if first > last:
            raise ShapeError(f"Flatten: axis {self.start_dim} comes after axis {self.end_dim} in shape {list(x.shape)}")
        length = math.prod(x.shape[first : last + 1])
        return TENSORS.reshape(x, shape=(*x.shape[:first], length, *x.shape[last + 1 :]))  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis as several, of the lengths ``unflattened_size``."""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Any) -> Tensor:
        x = tensor_of(input)
        axis = normal_axis(self.dim, x.ndim)
        shape = (*x.shape[:axis], *self.unflattened_size, *x.shape[axis + 1 :])
        return FUNCTIONS["reshape"](x, shape)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
