"""Adam: steps of about the same size for every element."""

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


class Adam(Counting):
    """Steps of about the same size for every element, whatever the size of its gradient.

    With g = ∂L/∂p + λ·p, in step t (m: mean of the gradient, v: of its square, both fading)::

        m ← β₁·m + (1 − β₁)·g
        v ← β₂·v + (1 − β₂)·g²
        p ← p − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)

    The divisions by 1 − βᵗ correct for m and v starting at zero. AMSGrad puts the largest v so far in v's place.
    Decoupled weight decay (AdamW) leaves λ·p out of g and multiplies p by 1 − lr·λ before the step.

    Args:
        params: parameters, or dictionaries with groups of them.
        lr: the learning rate.
        betas: (β₁, β₂), how much of the means stays from step to step.
        eps: ε, keeps the division finite.
        weight_decay: the strength λ of the pull towards zero.
        amsgrad: whether to use the largest v.
        foreach, fused: accepted for PyTorch's sake, and without effect.
        maximize: whether to climb instead of descending.
        capturable: must be False, except with ``fused``, where it is without effect.
        differentiable: must be False.
        decoupled_weight_decay: whether p itself decays, instead of λ·p being part of the gradient.

    Raises:
        ValueError: if a setting is out of range, or as for `Optimizer`.
        TypeError: as for `Optimizer`.
        RuntimeError: if ``differentiable``, or ``foreach`` and ``fused`` together, are asked for.
        AssertionError: if ``capturable`` is asked for.

    Source: D. P. Kingma and J. Ba, 2015: "Adam: A method for stochastic optimization"; S. J. Reddi, S. Kale and
    S. Kumar, 2018: "On the convergence of Adam and beyond"; I. Loshchilov and F. Hutter, 2019: "Decoupled weight decay
    regularization".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0, 100.0], requires_grad=True)
        >>> optimizer = tinyact.optim.Adam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.5000, 99.5000], requires_grad=True)
    """

    _buffers = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    _later_settings: ClassVar[Group] = {
        "amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "fused": None, "decoupled_weight_decay": False,
    }  # fmt: skip

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        if not all(isinstance(beta, float) for beta in betas):
            raise ValueError(f"betas must be floats, got {betas}")
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        if isinstance(group["lr"], Tensor) and group["foreach"] and not group["capturable"]:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        words = {"lr": "learning rate", "eps": "epsilon value", "weight_decay": "weight_decay value"}
        check_not_negative(group, words)
        check_betas(group)
        super()._check(group)

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        step = self._next_step(p, grad, state, self._buffers if group["amsgrad"] else self._buffers[:2])
        beta1, beta2 = map(number, group["betas"])

        grad = descent(p, grad, group["maximize"], decayed(p, group))
        m, v = fading_means(state, grad, beta1, beta2)
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"].array, v, out=state["max_exp_avg_sq"].array)
        denominator = np.sqrt(v)
        denominator /= (1 - beta2**step) ** 0.5
        denominator += number(group["eps"])
        p -= m / denominator * number(group["lr"] / (1 - beta1**step))


class AdamW(Adam):
    """Adam with decoupled weight decay: p decays by itself, instead of λ·p being part of the gradient.

    It is ``Adam(…, decoupled_weight_decay=True)`` with another default::

        p ← (1 − lr·λ)·p, then Adam's step with g = ∂L/∂p

    Args:
        params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused: as for `Adam`.
        weight_decay: the strength λ of the pull towards zero.

    Raises:
        ValueError, TypeError, RuntimeError, AssertionError: as for `Adam`.

    Source: I. Loshchilov and F. Hutter, 2019: "Decoupled weight decay regularization".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0, 100.0], requires_grad=True)
        >>> optimizer = tinyact.optim.AdamW([w], lr=0.5, weight_decay=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.4500, 94.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
