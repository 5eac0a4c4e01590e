"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

from ..core.lines import Line
from ..core.tensor import Tensor
from ..errors import ArgumentError
from ..ops import optimize
from .optimizer import Optimizer, Params, non_negative, step_counter, zeros_like

__all__ = ["Adam", "AdamW"]

_adam = optimize.step_path(optimize.adam.op)
_amsgrad = optimize.step_path(optimize.amsgrad.op)


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square.

    Parameters:
        params: parameters, or dicts of settings with parameters under ``"params"``.
        lr: learning rate.
        betas: how slowly the means forget.
        eps: added to the root of the mean square.
        weight_decay: L2 penalty, added to the gradient as ``weight_decay * p``; see ``decoupled_weight_decay``.
        amsgrad: divide by the largest mean square so far (Reddi, Kale and Kumar, 2018).
        maximize: go up instead of down.
        decoupled_weight_decay: shrink the parameters by ``lr * weight_decay`` instead, as AdamW does.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015.

    >>> import tensorgrad as tg
    >>> p = tg.nn.Parameter(tg.tensor([1.0]))
    >>> optimizer = tg.optim.Adam([p], lr=0.1)
    >>> (p * 5).sum().backward(); optimizer.step(); round(p.item(), 6)
    0.9
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        non_negative(lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        if not all(0.0 <= beta < 1.0 for beta in group["betas"]):
            raise ArgumentError(f"expected betas from 0 up to 1, got {group['betas']}")

    def _step_group(self, group: dict[str, Any], line: Line) -> None:
        lr, amsgrad = group["lr"], group["amsgrad"]
        beta1, beta2 = group["betas"]
        settings = {
            "beta1": beta1,
            "beta2": beta2,
            "eps": group["eps"],
            "weight_decay": group["weight_decay"],
            "decoupled": group["decoupled_weight_decay"],
            "maximize": group["maximize"],
        }
        updates: list[tuple[Tensor, ...]] = []
        for p in group["params"]:
            node = p._node
            if node is None or node.grad is None:
                continue
            s = self.state.get(p) or self._fresh(p, amsgrad)
            if amsgrad:
                if "max_exp_avg_sq" not in s:
                    s["max_exp_avg_sq"] = zeros_like(p)
                updates.append((p, s["exp_avg"], s["exp_avg_sq"], s["max_exp_avg_sq"], s["step"], node.grad))
            else:
                updates.append((p, s["exp_avg"], s["exp_avg_sq"], s["step"], node.grad))
        (_amsgrad if amsgrad else _adam)(updates, lr, settings, line)

    def _fresh(self, p: Tensor, amsgrad: bool) -> dict[str, Any]:
        s = {"step": step_counter(p), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}
        if amsgrad:
            s["max_exp_avg_sq"] = zeros_like(p)
        self.state[p] = s
        return s


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves, by ``lr * weight_decay`` each step.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019. Parameters as for Adam.

    >>> import tensorgrad as tg
    >>> p = tg.nn.Parameter(tg.tensor([1.0]))
    >>> optimizer = tg.optim.AdamW([p], lr=0.1, weight_decay=0.5)
    >>> (p * 0).sum().backward(); optimizer.step(); round(p.item(), 6)
    0.95
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
