"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from ..core.lines import Line
from ..core.state import get_state
from ..errors import ArgumentError, CaptureError
from ..ops import optimize
from .optimizer import Optimizer, Params, non_negative, zeros_like

__all__ = ["SGD"]

_plain = optimize.step_path(optimize.sgd.op)
_momentum = optimize.step_path(optimize.momentum.op)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted: ``v = mu v + (1 - dampening) g;  p -= lr v``.

    Parameters:
        params: parameters, or dicts of settings with parameters under ``"params"``.
        lr: learning rate.
        momentum: ``mu``; 0 keeps no ``v``. The first ``v`` is the first gradient.
        dampening: see above.
        weight_decay: L2 penalty, added to the gradient as ``weight_decay * p``.
        nesterov: look ahead: ``p -= lr (g + mu v)``. Needs momentum, and no dampening.
        maximize: go up instead of down.

    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013, in PyTorch's form.

    >>> import tensorgrad as tg
    >>> p = tg.nn.Parameter(tg.tensor([1.0]))
    >>> optimizer = tg.optim.SGD([p], lr=0.1)
    >>> (p * 5).sum().backward(); optimizer.step(); p.tolist()
    [0.5]
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        non_negative(lr=group["lr"], momentum=group["momentum"], weight_decay=group["weight_decay"])
        if group["nesterov"] and (not group["momentum"] or group["dampening"]):
            raise ArgumentError("nesterov needs momentum > 0 and dampening = 0")

    def _step_group(self, group: dict[str, Any], line: Line) -> None:
        lr = group["lr"]
        settings = {"weight_decay": group["weight_decay"], "maximize": group["maximize"]}
        if group["momentum"]:
            self._step_with_momentum(group, lr, settings, line)
            return
        updates = [(p, p._node.grad) for p in group["params"] if p._node is not None and p._node.grad is not None]
        _plain(updates, lr, settings, line)

    def _step_with_momentum(self, group: dict[str, Any], lr: Any, settings: dict[str, Any], line: Line) -> None:
        settings |= {name: group[name] for name in ("momentum", "dampening", "nesterov")}
        first, later = [], []
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            state = self.state.setdefault(p, {})
            velocity = state.get("momentum_buffer")
            if velocity is not None:
                later.append((p, velocity, grad))
                continue
            if group["dampening"] and get_state().capture is not None:
                raise CaptureError("the first step with dampening differs from all others: take it before capturing")
            velocity = state["momentum_buffer"] = zeros_like(p)
            first.append((p, velocity, grad))
        _momentum(later, lr, settings, line)
        if first:  # a velocity starts as the first gradient, undampened
            _momentum(first, lr, {**settings, "dampening": 0.0}, line)
