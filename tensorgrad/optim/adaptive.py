"""Adagrad and RMSprop."""

from __future__ import annotations

from typing import Any

from ..core.lines import Line
from ..op import TENSORS
from ..ops import optimize
from ..ops.update import assign
from .optimizer import Optimizer, Params, non_negative, step_counter, zeros_like

__all__ = ["Adagrad", "RMSprop"]

_adagrad = optimize.step_path(optimize.adagrad.op)
_rmsprop = optimize.step_path(optimize.rmsprop.op)


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    Parameters:
        params: parameters, or dicts of settings with parameters under ``"params"``.
        lr: learning rate.
        lr_decay: the n-th step's rate is ``lr / (1 + (n - 1) lr_decay)``.
        weight_decay: L2 penalty, added to the gradient as ``weight_decay * p``.
        initial_accumulator_value: what the sum starts from.
        eps: added to the root.
        maximize: go up instead of down.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning", 2011.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        names = ("lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value")
        non_negative(**{name: group[name] for name in names})

    def _step_group(self, group: dict[str, Any], line: Line) -> None:
        settings = {name: group[name] for name in ("lr_decay", "eps", "weight_decay", "maximize")}
        updates = []
        for p in group["params"]:
            if p.grad is None:
                continue
            s = self.state.get(p)
            if s is None:
                s = self.state[p] = {"step": step_counter(p), "sum": zeros_like(p)}
                if group["initial_accumulator_value"]:
                    assign(s["sum"], group["initial_accumulator_value"])
            updates.append((p, s["sum"], s["step"], p.grad))
        _adagrad(updates, group["lr"], settings, line)


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of squared gradients.

    Parameters:
        params: parameters, or dicts of settings with parameters under ``"params"``.
        lr: learning rate.
        alpha: how slowly the mean forgets.
        eps: added to the root.
        weight_decay: L2 penalty, added to the gradient as ``weight_decay * p``.
        momentum: of the scaled steps; 0 for none.
        centered: divide by the standard deviation (the mean square less the squared mean) instead.
        maximize: go up instead of down.

    Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012; centred: Graves, 2013.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        non_negative(**{name: group[name] for name in ("lr", "alpha", "eps", "weight_decay", "momentum")})

    def _step_group(self, group: dict[str, Any], line: Line) -> None:
        settings = {name: group[name] for name in ("alpha", "eps", "momentum", "centered", "weight_decay", "maximize")}
        updates = []
        for p in group["params"]:
            if p.grad is None:
                continue
            s = self.state.get(p)
            if s is None:
                s = self.state[p] = {"step": step_counter(p), "square_avg": zeros_like(p)}
                if group["momentum"]:
                    s["momentum_buffer"] = zeros_like(p)
                if group["centered"]:
                    s["grad_avg"] = zeros_like(p)
            square = s["square_avg"]
            # What is not kept is not touched: the mean square stands in for it.
            average, velocity = s.get("grad_avg", square), s.get("momentum_buffer", square)
            updates.append((p, square, average, velocity, p.grad))
            TENSORS.accumulate(s["step"], 1.0)
        _rmsprop(updates, group["lr"], settings, line)
