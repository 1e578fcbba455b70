"""Learning rates that change: each scheduler sets its optimizer's ``lr`` at every ``step()``, by the formula it says.

Formulas give the learning rate in epoch t from the first one, lr₀. Like PyTorch's, the schedulers compute the next rate
from the last one, so that several of them, or the user, may change it together.
"""

from __future__ import annotations

import math
import types
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from tinyact.optim.optimizer import Group, Optimizer, number
from tinyact.tensor import Tensor

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR",
    "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip


class LRScheduler:
    """What all schedulers share. One of one's own is a subclass with a ``get_lr``.

    Making one takes its first step, into epoch 0.

    Args:
        optimizer: whose learning rates it sets.
        last_epoch: the last epoch of what is continued; −1 at the start.

    Attributes:
        base_lrs: the groups' first learning rates, which they also keep as ``"initial_lr"``.
        last_epoch: the epoch that the learning rates are those of.

    Raises:
        TypeError: if it is no optimizer.
        KeyError: if something is to be continued, and a group has no ``"initial_lr"``.

    Example:
        >>> import tinyact
        >>> class Halved(tinyact.optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
        >>> optimizer = tinyact.optim.SGD([tinyact.ones(1, requires_grad=True)], lr=1.0)
        >>> scheduler = Halved(optimizer)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    _is_initial = False
    _get_lr_called_within_step = False
    _last_lr: list[Any]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = _optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0: load the optimizer's state first"
                )
        self.base_lrs = [_copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._versions = _versions(optimizer)
        self._initial_step()

    def get_lr(self) -> list[Any]:
        """The groups' learning rates in epoch ``last_epoch``; ``step`` asks for them."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=2
            )
        groups = zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        return [self._next(group["lr"], base) for group, base in groups]

    def _next(self, lr: Any, base: Any) -> Any:
        """A group's learning rate in epoch ``last_epoch``, from that in the epoch before and the first one."""
        raise NotImplementedError

    def _closed(self, base: Any) -> Any:
        """The same from the first one alone, where there is a formula for that."""
        raise NotImplementedError

    def get_last_lr(self) -> list[Any]:
        """The groups' learning rates as they were set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Goes on to the next epoch: call it after the optimizer's steps.

        Args:
            epoch: the epoch to go to, as older programs have it; deprecated.
        """
        if self._step_count == 1 and _has_gradients(self.optimizer) and self._versions == _versions(self.optimizer):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: call them in the opposite order, or "
                "the first value of the learning rate schedule is skipped.",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn("The epoch parameter in `scheduler.step()` is deprecated: call it without", stacklevel=2)
        self._update_lr(epoch)

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = epoch is not None and type(self)._closed is not LRScheduler._closed
        self._get_lr_called_within_step = True
        try:
            rates = [self._closed(base) for base in self.base_lrs] if closed else self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            _set(group, "lr", lr)
        self._last_lr = _rates(self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """All of it but the optimizer; functions are left out, objects that are called are saved as what they hold."""
        state = {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "_versions")}
        if "lr_lambdas" in state:
            functions = state["lr_lambdas"]
            state["lr_lambdas"] = [None if isinstance(f, types.FunctionType) else dict(f.__dict__) for f in functions]
        if "_schedulers" in state:
            state["_schedulers"] = [scheduler.state_dict() for scheduler in state["_schedulers"]]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from what `state_dict` returned; the optimizer's state is loaded by the optimizer."""
        own = self.__dict__
        for scheduler, state in zip(own.get("_schedulers", []), state_dict.get("_schedulers", []), strict=True):
            scheduler.load_state_dict(state)
        for function, state in zip(own.get("lr_lambdas", []), state_dict.get("lr_lambdas", []), strict=True):
            if state is not None:
                function.__dict__.update(state)
        own.update({key: value for key, value in state_dict.items() if key not in ("_schedulers", "lr_lambdas")})


class LambdaLR(LRScheduler):
    """lr₀ · λ(t), with a function λ of one's own.

    Args:
        optimizer: whose learning rates it sets.
        lr_lambda: λ, which is given the epoch; or a list of functions, one per group.
        last_epoch: the last epoch of what is continued; −1 at the start.

    Raises:
        ValueError: if there are not as many functions as groups.

    Example:
        >>> import tinyact
        >>> optimizer = tinyact.optim.SGD([tinyact.ones(1, requires_grad=True)], lr=1.0)
        >>> scheduler = tinyact.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
        >>> optimizer.step()
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        count = len(_optimizer(optimizer).param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ValueError(f"Expected {count} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """lr₀ · λ(t) of each group."""
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(LambdaLR):
    """The last learning rate times λ(t), with a function λ of one's own.

    Args:
        optimizer, lr_lambda, last_epoch: as for `LambdaLR`.
    """

    def get_lr(self) -> list[Any]:
        """The last learning rate of each group times λ(t)."""
        rates = _rates(self.optimizer)
        if self._is_initial:
            return rates
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, rates, strict=True)]


class StepLR(LRScheduler):
    """lr₀ · γ^⌊t/n⌋: γ times the last one every n-th epoch.

    Args:
        optimizer: whose learning rates it sets.
        step_size: n.
        gamma: γ.
        last_epoch: the last epoch of what is continued; −1 at the start.

    Example:
        >>> import tinyact
        >>> optimizer = tinyact.optim.SGD([tinyact.ones(1, requires_grad=True)], lr=1.0)
        >>> scheduler = tinyact.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates += scheduler.get_last_lr()
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, base: Any) -> Any:
        return lr if self.last_epoch == 0 or self.last_epoch % self.step_size != 0 else lr * self.gamma

    def _closed(self, base: Any) -> Any:
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """lr₀ · γᵏ, where k milestones were reached.

    Args:
        optimizer: whose learning rates it sets.
        milestones: the epochs after which γ is applied once more; one that is there twice counts twice.
        gamma: γ.
        last_epoch: the last epoch of what is continued; −1 at the start.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, base: Any) -> Any:
        times = self.milestones.get(self.last_epoch, 0)
        return lr * self.gamma**times if times else lr

    def _closed(self, base: Any) -> Any:
        return base * self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ConstantLR(LRScheduler):
    """f · lr₀ for t < n, then lr₀.

    Args:
        optimizer: whose learning rates it sets.
        factor: f, from 0 to 1.
        total_iters: n.
        last_epoch: the last epoch of what is continued; −1 at the start.

    Raises:
        ValueError: if the factor is out of range.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, base: Any) -> Any:
        if self.last_epoch == 0:
            return lr * self.factor
        return lr * (1.0 / self.factor) if self.last_epoch == self.total_iters else lr

    def _closed(self, base: Any) -> Any:
        return base * (self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor))


class LinearLR(LRScheduler):
    """lr₀ · (a + (b − a)·min(t, n)/n): from a·lr₀ to b·lr₀ in n epochs; a warm-up.

    Args:
        optimizer: whose learning rates it sets.
        start_factor: a, above 0 and at most 1.
        end_factor: b, from 0 to 1.
        total_iters: n.
        last_epoch: the last epoch of what is continued; −1 at the start.

    Raises:
        ValueError: if a factor is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, base: Any) -> Any:
        if self.last_epoch == 0:
            return lr * self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def _closed(self, base: Any) -> Any:
        share = min(self.total_iters, self.last_epoch) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * share)


class ExponentialLR(LRScheduler):
    """lr₀ · γᵗ

    Args:
        optimizer: whose learning rates it sets.
        gamma: γ.
        last_epoch: the last epoch of what is continued; −1 at the start.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, base: Any) -> Any:
        return lr if self._is_initial else lr * self.gamma

    def _closed(self, base: Any) -> Any:
        return base * self.gamma**self.last_epoch


class PolynomialLR(LRScheduler):
    """lr₀ · (1 − min(t, n)/n)^k

    Args:
        optimizer: whose learning rates it sets.
        total_iters: n.
        power: k.
        last_epoch: the last epoch of what is continued; −1 at the start.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, base: Any) -> Any:
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        left, before = (1.0 - t / self.total_iters for t in (self.last_epoch, self.last_epoch - 1))
        return lr * (left / before) ** self.power

    def _closed(self, base: Any) -> Any:
        return base * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """η + (lr₀ − η)·(1 + cos(π·t/T))/2: half a cosine from lr₀ down to η, and back if one goes on.

    Args:
        optimizer: whose learning rates it sets.
        T_max: T, how many epochs down takes.
        eta_min: η.
        last_epoch: the last epoch of what is continued; −1 at the start.

    Source: I. Loshchilov and F. Hutter, 2017: "SGDR: Stochastic gradient descent with warm restarts", without restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def _next(self, lr: Any, base: Any) -> Any:
        t, T = self.last_epoch, self.T_max
        if self._is_initial:
            return lr
        if self._step_count == 1 and t > 0:
            return self._closed(base)
        if (t - 1 - T) % (2 * T) == 0:  # the last one is η, from which there is no factor back up
            return lr + (base - self.eta_min) * (1 - math.cos(math.pi / T)) / 2
        factor = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return factor * (lr - self.eta_min) + self.eta_min

    def _closed(self, base: Any) -> Any:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2


class OneCycleLR(LRScheduler):
    """Up from lr/25 to lr in the first 30 % of all steps, then far down; the momentum the other way round.

    It takes a step per batch, not per epoch. Each phase goes from a to b by b + (a − b)·(1 + cos(π·s))/2, or linearly
    by a + (b − a)·s, where s is the share of the phase that is over.

    Args:
        optimizer: whose learning rates it sets.
        max_lr: the highest learning rate, or one per group.
        total_steps: how many steps there are in all; or instead of that
        epochs, steps_per_epoch: how many epochs, of how many steps.
        pct_start: which share of them goes up.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: whether momentum (Adam's β₁) falls while the learning rate rises.
        base_momentum, max_momentum: the lowest and highest momentum, or one per group.
        div_factor: the first learning rate is ``max_lr / div_factor``,
        final_div_factor: the last one that divided by this.
        three_phase: whether it comes down to the first learning rate as fast as it rose, before it goes to the last.
        last_epoch: the last step of what is continued; −1 at the start.

    Raises:
        TypeError: if it is no optimizer.
        ValueError: if a setting is out of range; by ``step``, after the last one.

    Source: L. N. Smith and N. Topin, 2019: "Super-convergence: Very fast training of neural networks using large
    learning rates".
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        groups = _optimizer(optimizer).param_groups
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = self._phases(pct_start, three_phase)
        rates = _per_group("max_lr", groups, max_lr)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = "betas" in optimizer.defaults
            if not self.use_beta1 and "momentum" not in optimizer.defaults:
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        highest = _per_group("max_momentum", groups, max_momentum)
        lowest = _per_group("base_momentum", groups, base_momentum)
        for group, rate, high, low in zip(groups, rates, highest, lowest, strict=True):
            if last_epoch == -1:
                group["initial_lr"], group["max_lr"] = rate / div_factor, rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    self._set_momentum(group, high)
                    group["max_momentum"], group["base_momentum"] = high, low
        super().__init__(optimizer, last_epoch)

    def _phases(self, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
        """What goes from where to where, and the step at which it is there."""
        up = (pct_start * self.total_steps - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        down = (2 * pct_start * self.total_steps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
        end = self.total_steps - 1
        phases: list[tuple[Any, ...]] = [up, (end, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        if three_phase:
            phases = [up, down, (end, "initial_lr", "min_lr", "max_momentum", "max_momentum")]
        keys = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
        return [dict(zip(keys, phase, strict=True)) for phase in phases]

    def _set_momentum(self, group: Group, momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum

    def _between(self, start: Any, end: Any, share: float) -> Any:
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    def get_lr(self) -> list[Any]:
        """The groups' learning rates in step ``last_epoch``; their momentum is set with it."""
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        ends = [phase["end_step"] for phase in self._schedule_phases]
        place = next((i for i, end in enumerate(ends) if self.last_epoch <= end), len(ends) - 1)
        start, phase = ([0.0, *ends][place], self._schedule_phases[place])
        share = (self.last_epoch - start) / (ends[place] - start)
        for group in self.optimizer.param_groups:
            if self.cycle_momentum:
                ways = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*ways, share))
        groups = self.optimizer.param_groups
        return [self._between(group[phase["start_lr"]], group[phase["end_lr"]], share) for group in groups]


class ReduceLROnPlateau(LRScheduler):
    """Lowers the learning rate when a metric, such as the validation loss, has stopped improving.

    Args:
        optimizer: whose learning rates it sets.
        mode: whether a lower metric is better (``"min"``) or a higher one (``"max"``).
        factor: what the learning rate is multiplied with, below 1.
        patience: how many epochs without improvement are borne.
        threshold: how much counts as an improvement,
        threshold_mode: as a share of the best (``"rel"``) or as a difference (``"abs"``).
        cooldown: how many epochs are not counted after a reduction.
        min_lr: the lowest learning rate, or one per group.
        eps: smaller changes than this are not made.

    Raises:
        TypeError: if it is no optimizer.
        ValueError: if a setting is out of range.

    Example:
        >>> import tinyact
        >>> optimizer = tinyact.optim.SGD([tinyact.ones(1, requires_grad=True)], lr=1.0)
        >>> scheduler = tinyact.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
        >>> for loss in (3.0, 2.0, 2.0, 2.0):
        ...     scheduler.step(loss)
        >>> scheduler.get_last_lr()
        [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        self.optimizer = _optimizer(optimizer)
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} min_lrs, got {len(min_lr)}")
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = _per_group("min_lr", optimizer.param_groups, min_lr)
        self.last_epoch = 0
        self._last_lr = _rates(optimizer)
        self.best = self.mode_worse = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Takes note of the metric, a number or a tensor of one, and lowers the learning rate if it is time to."""
        current = float(metrics)
        if epoch is not None:
            warnings.warn("The epoch parameter in `scheduler.step()` is deprecated: call it without", stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = _rates(self.optimizer)

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def _is_better(self, metric: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        threshold = self.best * (1 + sign * self.threshold)
        if self.threshold_mode == "abs":
            threshold = self.best + sign * self.threshold
        return metric > threshold if self.mode == "max" else metric < threshold

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                    f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}): set `min_lrs` to match"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            before = float(group["lr"])
            after = max(before * self.factor, lowest)
            if before - after > self.eps:
                _set(group, "lr", after)


class SequentialLR(LRScheduler):
    """One scheduler after the other: the next begins, with its epoch 0, at each milestone.

    Args:
        optimizer: that of all the schedulers.
        schedulers: the schedulers.
        milestones: the epochs at which the second begins, the third, and so on.
        last_epoch: the last epoch of what is continued; −1 at the start.

    Raises:
        TypeError: if one is no scheduler.
        ValueError: if there is none, one belongs to another optimizer or needs a metric, or milestones are missing.

    Example:
        >>> import tinyact
        >>> from tinyact.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
        >>> optimizer = tinyact.optim.SGD([tinyact.ones(1, requires_grad=True)], lr=1.0)
        >>> warmup, decay = LinearLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)
        >>> scheduler = SequentialLR(optimizer, [warmup, decay], milestones=[2])
        >>> rates = []
        >>> for _ in range(4):
        ...     rates += scheduler.get_last_lr()
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [0.5, 0.75, 1.0, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        _check_schedulers(type(self).__name__, optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            _set(group, "lr", group["initial_lr"])
        # Making the schedulers took a first step with each; only that of the first is meant.
        _undo(schedulers)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Goes on to the next epoch, with the scheduler whose turn it is."""
        self.last_epoch += 1
        place = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[place]
        if place > 0 and self._milestones[place - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(LRScheduler):
    """Several schedulers at once, each changing what the others leave.

    Args:
        schedulers: the schedulers, of one optimizer.
        optimizer: that; by default the first one's.

    Raises:
        TypeError: if one is no scheduler.
        ValueError: if there is none, or one belongs to another optimizer or needs a metric.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        optimizer = optimizer or (schedulers[0].optimizer if schedulers else None)
        _check_schedulers(type(self).__name__, optimizer, schedulers)
        assert optimizer is not None
        self._schedulers, self.optimizer = schedulers, optimizer
        self._last_lr = _rates(optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Goes on to the next epoch with each of them."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = _rates(self.optimizer)


def _optimizer(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def _copied(value: Any) -> Any:
    """A setting; a tensor that the user may change has to be copied."""
    return value.clone() if isinstance(value, Tensor) else value


def _rates(optimizer: Optimizer) -> list[Any]:
    return [_copied(group["lr"]) for group in optimizer.param_groups]


def _set(group: Group, key: str, value: Any) -> None:
    """Change a setting, in place if it is a tensor."""
    if isinstance(group[key], Tensor):
        group[key].fill_(number(value))
    else:
        group[key] = value


def _per_group(name: str, groups: list[Group], value: Any) -> list[Any]:
    """A setting of each group, which was given for all or as a list."""
    values = list(value) if isinstance(value, (list, tuple)) else [value] * len(groups)
    if len(values) != len(groups):
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(values)} values, "
            f"param_groups has {len(groups)}."
        )
    return list(map(_copied, values))


def _versions(optimizer: Optimizer) -> list[int]:
    """How often each parameter was changed in place, by which a step of the optimizer is seen."""
    return [parameter._version.count for group in optimizer.param_groups for parameter in group["params"]]


def _has_gradients(optimizer: Optimizer) -> bool:
    return any(parameter.grad is not None for group in optimizer.param_groups for parameter in group["params"])


def _total_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    counts = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    for name, count in ({"total_steps": total_steps} if total_steps is not None else counts).items():
        if not isinstance(count, int) or count <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {count}")
    total: int = epochs * steps_per_epoch if total_steps is None else total_steps
    return total


def _check_schedulers(name: str, optimizer: Any, schedulers: Sequence[Any]) -> None:
    if not schedulers:
        raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
    for place, scheduler in enumerate(schedulers):
        kind = type(scheduler).__name__
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{name} at index {place} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(f"{name} does not support `{kind}`, whose `step` needs a metric; got one at index {place}")
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but {kind} at index {place} belongs "
                "to another"
            )


def _undo(schedulers: Sequence[LRScheduler]) -> None:
    for scheduler in schedulers:
        if hasattr(scheduler, "_schedulers"):
            _undo(scheduler._schedulers)
        elif hasattr(scheduler, "last_epoch"):
            scheduler.last_epoch -= 1
