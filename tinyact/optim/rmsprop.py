"""RMSprop: each element's gradient divided by its recent size."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinyact.optim.optimizer import (
    Array,
    Counting,
    Group,
    ParamsT,
    State,
    check_not_negative,
    descent,
    number,
)
from tinyact.tensor import Tensor


class RMSprop(Counting):
    """Each element's gradient, divided by the root of its recent mean square.

    With g = ∂L/∂p + λ·p (v: mean of g², fading)::

        v ← α·v + (1 − α)·g²
        b ← μ·b + g / (√v + ε)
        p ← p − lr·b

    Centered, it divides by √(v − m²) + ε, with the standard deviation under the root, where m ← α·m + (1 − α)·g.

    Args:
        params: parameters, or dictionaries with groups of them.
        lr: the learning rate.
        alpha: α, how much of the mean stays from step to step.
        eps: ε, keeps the division finite.
        weight_decay: the strength λ of the pull towards zero.
        momentum: μ, how much of the last step stays.
        centered: whether to divide by the standard deviation.
        capturable, differentiable: must be False.
        foreach: accepted for PyTorch's sake, and without effect.
        maximize: whether to climb instead of descending.

    Raises:
        ValueError: if a setting is out of range, or as for `Optimizer`.
        TypeError: as for `Optimizer`.
        RuntimeError: if ``differentiable`` is asked for.
        AssertionError: if ``capturable`` is asked for.

    Source: T. Tieleman and G. Hinton, 2012: lecture 6.5 of "Neural networks for machine learning"; centered: A. Graves,
    2013: "Generating sequences with recurrent neural networks".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0, 100.0], requires_grad=True)
        >>> optimizer = tinyact.optim.RMSprop([w], lr=0.05)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.5000, 99.5000], requires_grad=True)
    """

    _buffers = ("square_avg", "momentum_buffer", "grad_avg")
    _later_settings: ClassVar[Group] = {
        "momentum": 0, "centered": False, "foreach": None, "maximize": False, "differentiable": False,
        "capturable": False,
    }  # fmt: skip

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        words = {"lr": "learning rate", "eps": "epsilon value"}
        words |= {key: f"{key} value" for key in ("momentum", "weight_decay", "alpha")}
        check_not_negative(group, words)
        super()._check(group)

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        uses = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        self._next_step(p, grad, state, [key for key in self._buffers if uses[key]])
        v, alpha = state["square_avg"].array, number(group["alpha"])

        grad = descent(p, grad, group["maximize"], number(group["weight_decay"]))
        v *= alpha
        v += grad * grad * (1 - alpha)
        if group["centered"]:
            m = state["grad_avg"].array
            m += (grad - m) * (1 - alpha)
            v = v - m * m
        change = grad / (np.sqrt(v) + number(group["eps"]))
        if group["momentum"] > 0:
            b = state["momentum_buffer"].array
            b *= number(group["momentum"])
            b += change
            change = b
        p -= change * number(group["lr"])
