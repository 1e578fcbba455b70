"""Adam: steps of about the same size for every element."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinyact.autograd.operation import wrap
from tinyact.optim.optimizer import Array, Group, Optimizer, ParamsT, State, check_not_negative, descent, number
from tinyact.tensor import Tensor


class Adam(Optimizer):
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
        for i, beta in enumerate(group["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        super()._check(group)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for parameter in self._parameters():
            remembered = self.state.get(parameter)
            if remembered and not isinstance(remembered["step"], Tensor):
                remembered["step"] = wrap(np.asarray(float(remembered["step"]), np.float32))

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        if not state:
            buffers = self._buffers if group["amsgrad"] else self._buffers[:2]
            # All at once: a step that is interrupted leaves a whole state behind, or none.
            state.update({"step": wrap(np.zeros((), np.float32)), **{key: wrap(np.zeros_like(p)) for key in buffers}})
        _check_state(state, grad)
        step = state["step"].array.item() + 1
        state["step"].array[...] = step
        m, v = state["exp_avg"].array, state["exp_avg_sq"].array
        beta1, beta2 = map(number, group["betas"])
        weight_decay = number(group["weight_decay"])

        if group["decoupled_weight_decay"]:
            p *= number(1 - group["lr"] * group["weight_decay"])
            weight_decay = 0
        grad = descent(p, grad, group["maximize"], weight_decay)
        m += (grad - m) * (1 - beta1)
        v *= beta2
        v += grad * grad * (1 - beta2)
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"].array, v, out=state["max_exp_avg_sq"].array)
        denominator = np.sqrt(v)
        denominator /= (1 - beta2**step) ** 0.5
        denominator += number(group["eps"])
        p -= m / denominator * number(group["lr"] / (1 - beta1**step))


def _check_state(state: State, grad: Array) -> None:
    """Raise RuntimeError if a state can't be continued with this gradient, instead of rounding without a word."""
    if not isinstance(state["step"], Tensor):
        raise RuntimeError(f"the state's step must be a tensor, got {type(state['step']).__name__}")
    mean = state["exp_avg"].array
    if mean.dtype != grad.dtype:
        raise RuntimeError(f"a parameter can't step: its gradient is {grad.dtype}, its state's exp_avg {mean.dtype}")
