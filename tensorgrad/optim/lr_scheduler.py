"""Learning rates that change over the steps: PyTorch's names, arguments and values."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..core.state import Under
from ..core.tensor import Tensor
from ..errors import ArgumentError, DTypeError, StateDictError
from ..ops.update import assign
from .optimizer import Optimizer

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR",
    "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip


def _set(group: dict[str, Any], name: str, value: float) -> None:
    """A group's setting; written in place where it is a tensor, which a captured step reads."""
    if isinstance(group[name], Tensor):
        with Under(grad=False):
            assign(group[name], value)
    else:
        group[name] = value


def _rate(group: dict[str, Any]) -> float:
    return float(group["lr"])


class LRScheduler(ABC):
    """Base of the schedules: call ``step()`` after ``optimizer.step()``, once per epoch or per batch as you count.

    Subclasses define ``get_lr``: the groups' learning rates at ``last_epoch``, usually from those just before.

    Parameters:
        optimizer: whose groups to change; their learning rates now become ``base_lrs``.
        last_epoch: where to go on from; -1 starts.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise DTypeError(f"{type(self).__name__}: expected an Optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for position, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _rate(group))  # the first of several schedules has set it
            elif "initial_lr" not in group:
                raise KeyError(f"'initial_lr' is missing in param_groups[{position}]: last_epoch needs it to go on")
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._last_lr: list[float] = []
        self.step()

    @abstractmethod
    def get_lr(self) -> list[float]:
        """The learning rate of each group at ``last_epoch``."""

    def get_last_lr(self) -> list[float]:
        """The learning rates last set."""
        return self._last_lr

    def step(self) -> None:
        """Go on by one, and set the learning rates."""
        self._step_count += 1
        self.last_epoch += 1
        self._apply(self.get_lr())

    def _apply(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            _set(group, "lr", rate)
        self._last_lr = [_rate(group) for group in self.optimizer.param_groups]

    def _rates(self) -> list[float]:
        return [_rate(group) for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> list[float]:
        return [rate * factor for rate in self._rates()]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and functions."""
        return {k: v for k, v in self.__dict__.items() if k != "optimizer" and not callable(v)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave. Raises StateDictError where the number of groups differs."""
        rates = state_dict.get("base_lrs", self.base_lrs)
        if len(rates) != len(self.base_lrs):
            raise StateDictError(f"the schedule has {len(self.base_lrs)} groups, the saved state {len(rates)}")
        self.__dict__.update(state_dict)


class LambdaLR(LRScheduler):
    """The first learning rate times ``lr_lambda(epoch)``; one function, or one per group.

    >>> import tensorgrad as tg
    >>> optimizer = tg.optim.SGD([tg.nn.Parameter(tg.zeros(1))], lr=1.0)
    >>> scheduler = tg.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    >>> scheduler.step(); optimizer.param_groups[0]["lr"]
    0.5
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self._functions = _per_group(optimizer, lr_lambda, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self._functions, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        return {k: v for k, v in super().state_dict().items() if k != "_functions"}


class MultiplicativeLR(LambdaLR):
    """The learning rate before times ``lr_lambda(epoch)``."""

    def get_lr(self) -> list[float]:
        if self.last_epoch <= 0:
            return self._rates()
        return [rate * f(self.last_epoch) for rate, f in zip(self._rates(), self._functions, strict=True)]


def _per_group(optimizer: Optimizer, given: Any, what: str) -> list[Any]:
    count = len(optimizer.param_groups)
    if not isinstance(given, (list, tuple)):
        return [given] * count
    if len(given) != count:
        raise ArgumentError(f"expected {count} {what}, one per group, got {len(given)}")
    return list(given)


class StepLR(LRScheduler):
    """Times ``gamma`` every ``step_size`` steps."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        due = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma) if due else self._rates()


class MultiStepLR(LRScheduler):
    """Times ``gamma`` at each of ``milestones``."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._scaled(self.gamma ** self.milestones.get(self.last_epoch, 0))

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "milestones": dict(self.milestones)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.milestones = Counter({int(k): v for k, v in dict(state_dict["milestones"]).items()})


class ConstantLR(LRScheduler):
    """Times ``factor`` for the first ``total_iters`` steps."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        _fraction("factor", factor, low=0.0)
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        return self._scaled(1.0 / self.factor) if self.last_epoch == self.total_iters else self._rates()


class LinearLR(LRScheduler):
    """The factor goes from ``start_factor`` to ``end_factor`` in a line over ``total_iters`` steps: a warm-up."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0.0 < start_factor <= 1.0:
            raise ArgumentError(f"expected 0 < start_factor <= 1, got {start_factor}")
        _fraction("end_factor", end_factor, low=0.0)
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self.last_epoch > self.total_iters:
            return self._rates()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return self._scaled(1.0 + rise / before)


def _fraction(name: str, value: float, low: float) -> None:
    if not low <= value <= 1.0:
        raise ArgumentError(f"expected {name} from {low} to 1, got {value}")


class ExponentialLR(LRScheduler):
    """Times ``gamma`` every step."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._rates() if self.last_epoch == 0 else self._scaled(self.gamma)


class PolynomialLR(LRScheduler):
    """Down to 0 over ``total_iters`` steps, as ``(1 - t / total_iters) ** power``."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t, n = self.last_epoch, self.total_iters
        return self._rates() if t == 0 or t > n else self._scaled(((1.0 - t / n) / (1.0 - (t - 1) / n)) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the first learning rate down to ``eta_min`` over ``T_max`` steps (and up again after).

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, without the restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: float, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t, n, low = self.last_epoch, self.T_max, self.eta_min
        if t == 0:
            return self._rates()
        if (t - 1 - n) % (2 * n) == 0:  # at the bottom, where the step before says nothing
            rise = (1 - math.cos(math.pi / n)) / 2
            return [rate + (base - low) * rise for base, rate in zip(self.base_lrs, self._rates(), strict=True)]
        ratio = (1 + math.cos(math.pi * t / n)) / (1 + math.cos(math.pi * (t - 1) / n))
        return [ratio * (rate - low) + low for rate in self._rates()]


class OneCycleLR(LRScheduler):
    """Up to ``max_lr`` and down far below where it began, over ``total_steps`` in all; momentum the other way.

    Smith and Topin, "Super-convergence", 2018.

    Parameters:
        max_lr: the top; one number, or one per group.
        total_steps: the length; or give ``epochs`` and ``steps_per_epoch``.
        pct_start: the share of steps that go up.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: move momentum (or Adam's first beta) between ``base_momentum`` and ``max_momentum``.
        div_factor: the start is ``max_lr / div_factor``.
        final_div_factor: the end is the start divided by this.
        three_phase: down as slowly as up, then on to the end.

    Raises ArgumentError for a step past the end.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if not isinstance(total_steps, int) or total_steps <= 0:
            raise ArgumentError(f"expected total_steps to be a positive integer, got {total_steps!r}")
        _fraction("pct_start", pct_start, low=0.0)
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        self._phases = self._plan(pct_start, three_phase)
        if last_epoch == -1:
            self._prepare(optimizer, max_lr, div_factor, final_div_factor, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)

    def _plan(self, pct_start: float, three_phase: bool) -> list[tuple[float, str, str, str, str]]:
        """Phases: (last step, rate from, rate to, momentum from, momentum to)."""
        up = float(pct_start * self.total_steps) - 1
        rise = (up, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        end = float(self.total_steps - 1)
        if not three_phase:
            return [rise, (end, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        down = (2 * pct_start * self.total_steps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
        return [rise, down, (end, "initial_lr", "min_lr", "max_momentum", "max_momentum")]

    def _prepare(
        self, optimizer: Optimizer, max_lr: Any, div: float, final: float, base_momentum: Any, max_momentum: Any
    ) -> None:
        groups = optimizer.param_groups
        if self.cycle_momentum and not all("momentum" in g or "betas" in g for g in groups):
            raise ArgumentError("cycle_momentum needs an optimizer with momentum or betas")
        tops = _per_group(optimizer, max_lr, "max_lr")
        bounds = (_per_group(optimizer, x, "momentums") for x in (base_momentum, max_momentum))
        for group, top, low, high in zip(groups, tops, *bounds, strict=True):
            _set(group, "lr", top / div)
            group.update(max_lr=top, min_lr=top / div / final, initial_lr=top / div)
            if self.cycle_momentum:
                group.update(max_momentum=high, base_momentum=low)
                _set_momentum(group, high)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (1 + math.cos(math.pi * share))

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ArgumentError(f"step {step} of a cycle of {self.total_steps} steps")
        start = 0.0
        for position, phase in enumerate(self._phases):
            end, rate_from, rate_to, momentum_from, momentum_to = phase
            if step <= end or position == len(self._phases) - 1:
                break
            start = end
        share = (step - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[rate_from], group[rate_to], share))
            if self.cycle_momentum:
                _set_momentum(group, self._between(group[momentum_from], group[momentum_to], share))
        return rates


def _set_momentum(group: dict[str, Any], value: float) -> None:
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


class SequentialLR(LRScheduler):
    """One schedule after another, changing over at ``milestones``."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if not schedulers or len(milestones) != len(schedulers) - 1:
            count = len(schedulers)
            raise ArgumentError(f"expected a milestone between each two of {count} schedules, got {milestones}")
        if any(scheduler.optimizer is not optimizer for scheduler in schedulers):
            raise ArgumentError("all schedules must be of this optimizer")
        self.optimizer = optimizer
        self._schedulers = list(schedulers)
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        # Each schedule took a first step when it was made: only the first one's counts.
        for group in optimizer.param_groups:
            _set(group, "lr", float(group["initial_lr"]))
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        for scheduler in self._schedulers:
            scheduler.last_epoch -= 1
        self._schedulers[0].step()
        self._last_lr = self._schedulers[0].get_last_lr()

    def get_lr(self) -> list[float]:
        return self._rates()

    def step(self) -> None:
        self.last_epoch += 1
        which = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[which]
        if which > 0 and self._milestones[which - 1] == self.last_epoch:
            # Start over from the first learning rate.
            for group, base in zip(self.optimizer.param_groups, scheduler.base_lrs, strict=True):
                _set(group, "lr", base)
            scheduler.last_epoch = -1
        scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        own = {k: v for k, v in self.__dict__.items() if k not in ("optimizer", "_schedulers")}
        return {**own, "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        parts = state_dict["_schedulers"]
        if len(parts) != len(self._schedulers):
            raise StateDictError(f"there are {len(self._schedulers)} schedules, the saved state has {len(parts)}")
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, part in zip(self._schedulers, parts, strict=True):
            scheduler.load_state_dict(part)


class ReduceLROnPlateau(LRScheduler):
    """Times ``factor`` when a measure has not improved for more than ``patience`` steps: ``step(loss)``.

    Parameters:
        mode: ``"min"`` if lower is better, ``"max"`` if higher.
        threshold: what counts as better: by this share (``"rel"``) or by this much (``threshold_mode="abs"``).
        cooldown: steps to wait after a reduction.
        min_lr: the floor; one number, or one per group.
        eps: a smaller change is not made.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
    ) -> None:
        if not factor < 1.0:
            raise ArgumentError(f"expected factor < 1, got {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            given = f"got {mode!r}, {threshold_mode!r}"
            raise ArgumentError(f"mode is 'min' or 'max', threshold_mode 'rel' or 'abs'; {given}")
        self.optimizer = optimizer
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.min_lrs = _per_group(optimizer, min_lr, "min_lr")
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self.base_lrs = self._last_lr = self._rates()

    def get_lr(self) -> list[float]:
        return [max(rate * self.factor, low) for rate, low in zip(self._rates(), self.min_lrs, strict=True)]

    def is_better(self, a: float, best: float) -> bool:
        """Whether ``a`` improves on ``best`` by the threshold."""
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "abs":
            return sign * a > sign * (best + sign * self.threshold)
        return sign * a > sign * (best * (1.0 + sign * self.threshold))

    def step(self, metrics: Any = None) -> None:
        """Take notice of the measure's value after this epoch."""
        if metrics is None:
            raise DTypeError("ReduceLROnPlateau.step needs the measure: scheduler.step(loss)")
        current = float(metrics)
        self.last_epoch += 1
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            old = self._rates()
            self._apply([new if o - new > self.eps else o for o, new in zip(old, self.get_lr(), strict=True)])
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._rates()
