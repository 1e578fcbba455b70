"""Adagrad: each element's gradient divided by all that it was so far."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinyact.autograd.operation import wrap
from tinyact.optim.optimizer import (
    Array,
    Counting,
    Group,
    ParamsT,
    State,
    check_not_negative,
    descent,
    number,
    scalar,
)
from tinyact.tensor import Tensor


class Adagrad(Counting):
    """Each element's gradient, divided by the root of the sum of all its squares: rare features keep large steps.

    With g = ∂L/∂p + λ·p, in step t (η: the decay of the learning rate)::

        s ← s + g²
        p ← p − lr / (1 + (t − 1)·η) · g / (√s + ε)

    Args:
        params: parameters, or dictionaries with groups of them.
        lr: the learning rate.
        lr_decay: η, by how much it falls.
        weight_decay: the strength λ of the pull towards zero.
        initial_accumulator_value: what s starts from.
        eps: ε, keeps the division finite.
        foreach, fused: accepted for PyTorch's sake, and without effect.
        maximize: whether to climb instead of descending.
        differentiable: must be False.

    Raises:
        ValueError: if a setting is out of range, or as for `Optimizer`.
        TypeError: as for `Optimizer`.
        RuntimeError: if ``differentiable``, or ``foreach`` and ``fused`` together, are asked for.

    Source: J. Duchi, E. Hazan and Y. Singer, 2011: "Adaptive subgradient methods for online learning and stochastic
    optimization".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0, 100.0], requires_grad=True)
        >>> optimizer = tinyact.optim.Adagrad([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.5000, 99.5000], requires_grad=True)
    """

    _buffers = ("sum",)
    _later_settings: ClassVar[Group] = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:  # as in PyTorch, the state is there before the first step
                self.state[p] = self._start(p.array, group)

    def _start(self, p: Array, group: Group) -> State:
        start = np.full_like(p, number(group["initial_accumulator_value"]))
        return {"step": scalar(0.0), "sum": wrap(start)}

    def _check(self, group: Group) -> None:
        words = {"lr": "learning rate", "eps": "epsilon value"}
        words |= {key: f"{key} value" for key in ("lr_decay", "weight_decay", "initial_accumulator_value")}
        check_not_negative(group, words)
        super()._check(group)

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        if not state:
            state.update(self._start(p, group))
        step = self._next_step(p, grad, state, self._buffers)
        s = state["sum"].array

        grad = descent(p, grad, group["maximize"], number(group["weight_decay"]))
        s += grad * grad
        lr = number(group["lr"]) / (1 + (step - 1) * number(group["lr_decay"]))
        p -= grad / (np.sqrt(s) + number(group["eps"])) * lr
