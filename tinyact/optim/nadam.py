"""NAdam and RAdam: Adam looking ahead, and Adam that trusts its second mean only once that is known well enough."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinyact.optim.optimizer import (
    Array,
    Counting,
    Group,
    ParamsT,
    State,
    check_betas,
    check_not_negative,
    decayed,
    descent,
    fading_means,
    number,
)
from tinyact.tensor import Tensor


class NAdam(Counting):
    """Adam with Nesterov's momentum: it steps along the mean as it will be, not as it is.

    With g = ∂L/∂p + λ·p, in step t (m, v: the fading means of g and g², ψ: the decay of the momentum)::

        μₜ = β₁·(1 − ½·0.96^(t·ψ))        Mₜ = μ₁·μ₂·…·μₜ
        m ← β₁·m + (1 − β₁)·g
        v ← β₂·v + (1 − β₂)·g²
        p ← p − lr · ((1 − μₜ)·g/(1 − Mₜ) + μₜ₊₁·m/(1 − Mₜ₊₁)) / (√(v/(1 − β₂ᵗ)) + ε)

    Args:
        params: parameters, or dictionaries with groups of them.
        lr: the learning rate.
        betas: (β₁, β₂), how much of the means stays from step to step.
        eps: ε, keeps the division finite.
        weight_decay: the strength λ of the pull towards zero.
        momentum_decay: ψ.
        decoupled_weight_decay: whether p itself decays, instead of λ·p being part of the gradient.
        foreach: accepted for PyTorch's sake, and without effect.
        maximize: whether to climb instead of descending.
        capturable, differentiable: must be False.

    Raises:
        ValueError: if a setting is out of range, or as for `Optimizer`.
        TypeError: as for `Optimizer`.
        RuntimeError: if ``differentiable`` is asked for.
        AssertionError: if ``capturable`` is asked for.

    Source: T. Dozat, 2016: "Incorporating Nesterov momentum into Adam".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0, 100.0], requires_grad=True)
        >>> optimizer = tinyact.optim.NAdam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.4718, 99.4718], requires_grad=True)
    """

    _buffers = ("exp_avg", "exp_avg_sq")
    _later_settings: ClassVar[Group] = {
        "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "decoupled_weight_decay": False,
    }  # fmt: skip

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        words = {"lr": "learning rate", "eps": "epsilon value"}
        words |= {key: f"{key} value" for key in ("weight_decay", "momentum_decay")}
        check_not_negative(group, words)
        check_betas(group)
        super()._check(group)

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        step = self._next_step(p, grad, state, self._buffers, mu_product=1.0)
        product = state["mu_product"].array
        beta1, beta2 = map(number, group["betas"])
        lr, decay = number(group["lr"]), number(group["momentum_decay"])

        grad = descent(p, grad, group["maximize"], decayed(p, group))
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (t * decay)) for t in (step, step + 1))
        product *= mu
        m, v = fading_means(state, grad, beta1, beta2)
        denominator = np.sqrt(v / (1 - beta2**step)) + number(group["eps"])
        p -= grad / denominator * (lr * (1 - mu) / (1 - product.item()))
        p -= m / denominator * (lr * mu_next / (1 - product.item() * mu_next))


class RAdam(Counting):
    """Adam that takes plain steps along the mean until enough gradients were seen to divide by their size.

    With g = ∂L/∂p + λ·p, in step t (m, v: the fading means of g and g²)::

        m ← β₁·m + (1 − β₁)·g
        v ← β₂·v + (1 − β₂)·g²
        ρ = ρ∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ), with ρ∞ = 2/(1 − β₂) − 1: how many gradients v is the mean of
        r = √((ρ − 4)·(ρ − 2)·ρ∞ / ((ρ∞ − 4)·(ρ∞ − 2)·ρ))
        p ← p − lr · m/(1 − β₁ᵗ) · (r·√(1 − β₂ᵗ)/(√v + ε) if ρ > 5, else 1)

    Args:
        params: parameters, or dictionaries with groups of them.
        lr: the learning rate.
        betas: (β₁, β₂), how much of the means stays from step to step.
        eps: ε, keeps the division finite.
        weight_decay: the strength λ of the pull towards zero.
        decoupled_weight_decay: whether p itself decays, instead of λ·p being part of the gradient.
        foreach: accepted for PyTorch's sake, and without effect.
        maximize: whether to climb instead of descending.
        capturable, differentiable: must be False.

    Raises:
        ValueError, TypeError, RuntimeError, AssertionError: as for `NAdam`.

    Source: L. Liu, H. Jiang, P. He, W. Chen, X. Liu, J. Gao and J. Han, 2020: "On the variance of the adaptive learning
    rate and beyond".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0, 100.0], requires_grad=True)
        >>> optimizer = tinyact.optim.RAdam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([0., 0.], requires_grad=True)
    """

    _buffers = ("exp_avg", "exp_avg_sq")
    _later_settings: ClassVar[Group] = NAdam._later_settings

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        words = {"lr": "learning rate", "eps": "epsilon value", "weight_decay": "weight_decay value"}
        check_not_negative(group, words)
        check_betas(group)
        super()._check(group)

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        step = self._next_step(p, grad, state, self._buffers)
        beta1, beta2 = map(number, group["betas"])
        lr, eps = number(group["lr"]), number(group["eps"])

        grad = descent(p, grad, group["maximize"], decayed(p, group))
        m, v = fading_means(state, grad, beta1, beta2)
        change = m / (1 - beta1**step) * lr
        correction = 1 - beta2**step
        all_seen = 2 / (1 - beta2) - 1
        seen = all_seen - 2 * step * beta2**step / correction
        if seen > 5:
            rectified = ((seen - 4) * (seen - 2) * all_seen / ((all_seen - 4) * (all_seen - 2) * seen)) ** 0.5
            change = change * (correction**0.5 / (np.sqrt(v) + eps)) * rectified
        p -= change
