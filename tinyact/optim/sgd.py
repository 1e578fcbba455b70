"""SGD: gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinyact.autograd.operation import wrap
from tinyact.optim.optimizer import Array, Group, Optimizer, ParamsT, State, check_not_negative, descent, number
from tinyact.tensor import Tensor


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

    With g = ∂L/∂p + λ·p (λ: weight decay, μ: momentum, τ: dampening)::

        b ← μ·b + (1 − τ)·g        (b = g in the first step)
        g ← g + μ·b if nesterov, else b
        p ← p − lr·g

    Args:
        params: parameters, or dictionaries with groups of them.
        lr: the learning rate.
        momentum: how much of the last step's direction stays.
        dampening: how much of the gradient is left out of the momentum.
        weight_decay: the strength λ of the pull towards zero.
        nesterov: whether to look ahead along the momentum.
        maximize: whether to climb instead of descending.
        foreach, fused: accepted for PyTorch's sake, and without effect.
        differentiable: must be False.

    Raises:
        ValueError: if a setting is out of range, or as for `Optimizer`.
        TypeError: as for `Optimizer`.
        RuntimeError: if ``differentiable``, or ``foreach`` and ``fused`` together, are asked for.

    Source: I. Sutskever, J. Martens, G. Dahl and G. Hinton, 2013: "On the importance of initialization and momentum in
    deep learning" (in PyTorch's form, where the learning rate stands outside the momentum).

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0], requires_grad=True)
        >>> optimizer = tinyact.optim.SGD([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([0.8000], requires_grad=True)
    """

    _buffers = ("momentum_buffer",)
    _later_settings: ClassVar[Group] = {
        "nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False,
    }  # fmt: skip

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach, "differentiable": differentiable,
            "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        words = {"lr": "learning rate", "momentum": "momentum value", "weight_decay": "weight_decay value"}
        check_not_negative(group, words)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super()._check(group)

    def _state_of(self, parameter: Tensor) -> State:
        return self.state.get(parameter, {})  # without momentum nothing is remembered, and no state made

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        # A parameter's dtype may have changed since the gradient came, or since the buffer began.
        dtype = np.result_type(p, grad)
        grad = grad.astype(dtype, copy=False)
        grad = descent(p, grad, group["maximize"], number(group["weight_decay"]))
        momentum = number(group["momentum"])
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = wrap(grad.copy())
            else:
                buffer.array *= momentum
                buffer.array += grad * number(1 - group["dampening"])
            b = buffer.array.astype(dtype, copy=False)
            grad = grad + b * momentum if group["nesterov"] else b
        p -= grad * number(group["lr"])
