"""Layers that standardise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backends.base import Device
from ..core.state import Under
from ..core.tensor import Tensor
from ..errors import ShapeError
from ..op import TENSORS
from ..ops.creation import ones, zeros
from ..ops.reduction import tensor_of
from ..ops.update import assign
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "LayerNorm", "RMSNorm"]


class LayerNorm(Module):
    """Standardises over the last axes; then ``* weight + bias`` (Ba, Kiros and Hinton, 2016).

    Parameters:
        normalized_shape: the shape of those axes, or the length of the one.
        eps: added to the variance.
        elementwise_affine: whether there is a ``weight`` (starting at 1).
        bias: whether there is a ``bias`` (starting at 0) beside it.

    >>> import tensorgrad as tg
    >>> tg.nn.LayerNorm(2)(tg.tensor([[0.0, 2.0]])).round()
    tensor([[-1.,  1.]], op=round)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = Parameter(ones(shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.bias = Parameter(zeros(shape, device=device, dtype=dtype)) if elementwise_affine and bias else None

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        about = f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        return f"{about}, bias={self.bias is not None}"


def _reset(weight: Parameter | None, bias: Parameter | None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)


class RMSNorm(Module):
    """Divides by the root mean square over the last axes; then ``* weight`` (Zhang and Sennrich, 2019).

    Parameters as for LayerNorm; ``eps`` None is the dtype's own.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Device | str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = Parameter(ones(shape, device=device, dtype=dtype)) if elementwise_affine else None

    def reset_parameters(self) -> None:
        """Weight 1."""
        _reset(self.weight, None)

    def forward(self, input: Any) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class _BatchNorm(Module):
    """Standardises each channel over the batch, in training by its own statistics, else by running ones."""

    axes: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device | str | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = Parameter(ones((num_features,), **place)) if affine else None
        self.bias = Parameter(zeros((num_features,), **place)) if affine and bias else None
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros((num_features,), **place) if tracked else None)
        self.register_buffer("running_var", ones((num_features,), **place) if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), device=device, dtype="int64") if tracked else None)

    def reset_running_stats(self) -> None:
        """Mean 0, variance 1, no batch seen."""
        if self.track_running_stats:
            for buffer, value in ((self.running_mean, 0.0), (self.running_var, 1.0), (self.num_batches_tracked, 0)):
                with Under(grad=False):
                    assign(buffer, value)

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, running statistics at their start."""
        self.reset_running_stats()
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Tensor:
        x = tensor_of(input)
        if x.ndim not in self.axes or x.shape[1] != self.num_features:
            lengths = ["N", f"{self.num_features}", "..."]
            kinds = " or ".join(f"({', '.join(lengths[: min(n, 3)])})" for n in self.axes)
            raise ShapeError(f"{type(self).__name__}: expected shape {kinds}, got {list(x.shape)}")
        weight = self.momentum
        if self.training and self.num_batches_tracked is not None:
            with Under(grad=False):
                TENSORS.accumulate(self.num_batches_tracked, 1)
            if weight is None:  # all batches alike
                weight = 1.0 / float(self.num_batches_tracked)
        training = self.training or self.running_mean is None
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training, weight or 0.0, self.eps
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Standardises each channel of (N, C) or (N, C, L) over the batch (Ioffe and Szegedy, 2015).

    Parameters:
        num_features: the number of channels C.
        eps: added to the variance.
        momentum: the share of each batch in the running statistics; None: the mean of all batches.
        affine, bias: whether ``weight`` (starting at 1) and, beside it, ``bias`` (0) follow.
        track_running_stats: whether running statistics are kept, for ``eval()``.

    >>> import tensorgrad as tg
    >>> norm = tg.nn.BatchNorm1d(2)
    >>> norm(tg.tensor([[0.0, 1.0], [2.0, 5.0]])).detach().round()
    tensor([[-1., -1.],
            [ 1.,  1.]])
    >>> norm.running_mean
    tensor([0.1, 0.3])
    """

    axes = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Standardises each channel of (N, C, H, W) over the batch; see BatchNorm1d."""

    axes = (4,)
