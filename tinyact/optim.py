"""Optimizers: rules that turn gradients into steps of the parameters.

Each rule stands in one short method, ``_update``, on plain arrays; the rest (groups of parameters, saving and loading
the state, errors) is `Optimizer`'s and the same for all.
"""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from tinyact.autograd import enable_grad
from tinyact.autograd.operation import wrap
from tinyact.tensor import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
Group: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, Any]


# Parameters of more elements than this gain nothing by being copied together.
_SMALL = 1 << 14


class _Together:
    """Several parameters, and what is remembered about them, as one vector.

    The states of the single parameters look into the memory of the common one.
    """

    def __init__(self, parameters: list[Tensor], optimizer: Optimizer) -> None:
        self.parameters = parameters
        self.optimizer = optimizer
        ends = np.cumsum([p.array.size for p in parameters]).tolist()
        self.parts = [slice(end - p.array.size, end) for p, end in zip(parameters, ends, strict=True)]
        self.vector = _side_by_side([p.array for p in parameters])
        self.views = [self.vector[part].reshape(p.array.shape) for p, part in zip(parameters, self.parts, strict=True)]
        self.state: State = {}
        states = [optimizer.state[p] for p in parameters]
        for key in states[0]:
            arrays = [state[key].array for state in states]
            self.state[key] = wrap(arrays[0].copy() if key == "step" else _side_by_side(arrays))
        self.share()

    def share(self) -> None:
        """Let the states of the single parameters be parts of the common one."""
        for p, part in zip(self.parameters, self.parts, strict=True):
            for key, value in self.state.items():
                own = value if key == "step" else wrap(value.array[part].reshape(p.array.shape))
                self.optimizer.state[p][key] = own

    def step(self, group: Group) -> None:
        """One step of all of them."""
        np.concatenate([p.array for p in self.parameters], None, self.vector)
        known = len(self.state)
        grads = [p._grad.array for p in self.parameters]
        self.optimizer._update(self.vector, _side_by_side(grads), self.state, group)
        if len(self.state) != known:
            self.share()
        for p, view in zip(self.parameters, self.views, strict=True):
            p.array[...] = view
            p.version.count += 1  # a sweep that wanted the old values must notice


def _side_by_side(arrays: list[Array]) -> Array:
    return np.concatenate(arrays, None)


class Optimizer:
    """What all optimizers share.

    An optimizer of one's own is a subclass with an ``_update``, which changes one parameter in place.

    Args:
        params: parameters, or dictionaries (one per group) with parameters under ``"params"`` beside settings that
            differ from the defaults.
        defaults: the settings of groups that don't say otherwise.

    Attributes:
        elementwise: whether each element's step depends on that element alone; then small parameters, and what is
            remembered about them, are handed to ``_update`` as one vector.
        param_groups: a dictionary of settings per group, with its parameters under ``"params"``.
        state: what is remembered about each parameter from step to step.

    Raises:
        TypeError: if what is to be optimized is no tensor, or the parameters are one bare tensor or a set.
        ValueError: if there are none, one is in two groups, or one was computed from others.
    """

    elementwise = False

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}"
            )
        self.defaults = defaults
        # Per group: which parameters the last step was of, and its `_division` of them.
        self._divisions: dict[int, tuple[list[int], list[_Together], list[Tensor]]] = {}
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Adds parameters, with settings of their own where the dictionary has any.

        Raises:
            TypeError, ValueError: as for the class; the optimizer is unchanged then.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        parameters = [given] if isinstance(given, Tensor) else list(given)
        self._check_parameters(parameters)
        group = {**self.defaults, **param_group, "params": parameters}
        self._check(group)
        self.param_groups.append(group)

    def _check_parameters(self, parameters: list[Any]) -> None:
        for parameter in parameters:
            if not isinstance(parameter, Tensor):
                kind = type(parameter).__name__
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {kind}")
            if not (parameter.is_leaf or parameter.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(set(parameters)) != len(parameters):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=5)
        if not set(self._parameters()).isdisjoint(parameters):
            raise ValueError("some parameters appear in more than one parameter group")

    def _parameters(self) -> Iterator[Tensor]:
        return (parameter for group in self.param_groups for parameter in group["params"])

    def _check(self, group: Group) -> None:
        """Raise ValueError if a setting is out of its range."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients: ``.grad`` is None afterwards, or zero if ``set_to_none`` is false."""
        for parameter in self._parameters():
            if set_to_none or parameter._grad is None:
                parameter._grad = None
            else:
                parameter._grad = parameter._grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes every parameter that has a gradient.

        Args:
            closure: a function that computes the loss and its gradients anew; what it returns, ``step`` returns.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with np.errstate(all="ignore"):
            for number, group in enumerate(self.param_groups):
                together, alone = self._division(number, [p for p in group["params"] if p._grad is not None])
                for part in together:
                    part.step(group)
                for p in alone:
                    self._update(p.array, p._grad.array, self.state[p], group)
                    p.version.count += 1  # a sweep that wanted the old values must notice
        return loss

    def _division(self, number: int, parameters: list[Tensor]) -> tuple[list[_Together], list[Tensor]]:
        """Which parameters of a group step together, in as few NumPy calls as for one, and which alone."""
        known = self._divisions.get(number)
        if known is None or known[0] != list(map(id, parameters)):
            kinds: dict[Any, list[Tensor]] = {}
            alone = []
            for p in parameters:
                if not self.elementwise or p.array.size > _SMALL:
                    alone.append(p)
                    continue
                state = self.state[p]
                # Only what began together is at the same step.
                began = (p.array.dtype, *state, "step" in state and state["step"].item())
                kinds.setdefault(began, []).append(p)
            together = [_Together(part, self) for part in kinds.values()]
            known = self._divisions[number] = list(map(id, parameters)), together, alone
        return known[1:]

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        """One step of one parameter: change ``p``, and what ``state`` remembers about it, in place."""
        raise NotImplementedError

    # --- saving and loading --------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The settings and the state, in PyTorch's layout: parameters are numbered in the order of the groups.

        Example:
            >>> import tinyact
            >>> w = tinyact.ones(1, requires_grad=True)
            >>> w.grad = tinyact.ones(1)
            >>> optimizer = tinyact.optim.SGD([w], lr=0.1, momentum=0.9)
            >>> optimizer.step()
            >>> optimizer.state_dict()["state"]
            {0: {'momentum_buffer': tensor([1.])}}
        """
        numbers = {parameter: i for i, parameter in enumerate(self._parameters())}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        # "params" comes last, as in PyTorch.
        groups = [{**{k: v for k, v in g.items() if k != "params"}, "params": g["params"]} for g in groups]
        return {"state": {numbers[p]: state for p, state in self.state.items() if state}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from what `state_dict` returned, which is copied.

        Raises:
            ValueError: if groups, their sizes, or the shape of what is remembered don't fit; nothing is changed then.
        """
        saved_groups = copy.deepcopy(state_dict["param_groups"])
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups: "
                f"{len(saved_groups)}, the optimizer has {len(self.param_groups)}"
            )
        parameters: dict[int, Tensor] = {}
        for i, (saved, own) in enumerate(zip(saved_groups, self.param_groups, strict=True)):
            if len(saved["params"]) != len(own["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"group {i} has {len(saved['params'])} parameters, the optimizer's has {len(own['params'])}"
                )
            parameters.update(zip(saved["params"], own["params"], strict=True))
        unknown = [number for number in state_dict["state"] if number not in parameters]
        if unknown:
            raise ValueError(
                f"loaded state dict has a state for parameter {unknown[0]}, which is in none of its groups"
            )
        state = {parameters[k]: self._fitted(k, parameters[k], s) for k, s in state_dict["state"].items()}
        self.state = defaultdict(dict, state)
        self._divisions = {}
        self.param_groups = [
            {**saved, "params": own["params"]} for saved, own in zip(saved_groups, self.param_groups, strict=True)
        ]

    def _fitted(self, number: int, parameter: Tensor, saved: State) -> State:
        """A copy of one parameter's state, in the dtype of the parameter where it has its shape."""
        state: State = {}
        for key, value in saved.items():
            if not isinstance(value, Tensor):
                state[key] = copy.deepcopy(value)
            elif key == "step":
                state[key] = value.detach().clone()
            elif value.shape != parameter.shape:
                raise ValueError(
                    f"loaded state dict has {key} of shape {list(value.shape)} for parameter {number}, whose shape is "
                    f"{list(parameter.shape)}"
                )
            else:
                state[key] = value.detach().clone().to(parameter.dtype)
        return state

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"


def _check_range(group: Group, names: dict[str, str]) -> None:
    for key, words in names.items():
        if not group[key] >= 0:
            raise ValueError(f"Invalid {words}: {group[key]}")


def _descent(p: Array, grad: Array, group: Group) -> Array:
    """The gradient to descend along: of −L to maximize L, and with weight decay that of L + λ/2·‖p‖²."""
    if group["maximize"]:
        grad = -grad
    if group["weight_decay"]:
        grad = grad + p * group["weight_decay"]
    return grad


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

    Raises:
        ValueError: if a setting is out of range, or as for `Optimizer`.
        TypeError: as for `Optimizer`.

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

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        self._check(defaults)
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        _check_range(group, {"lr": "learning rate", "momentum": "momentum value", "weight_decay": "weight_decay value"})
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        grad = _descent(p, grad, group)
        if group["momentum"]:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = wrap(grad.copy())
            else:
                buffer.array *= group["momentum"]
                buffer.array += grad * (1 - group["dampening"])
            grad = grad + buffer.array * group["momentum"] if group["nesterov"] else buffer.array
        p -= grad * group["lr"]


class Adam(Optimizer):
    """Steps of about the same size for every element, whatever the size of its gradient.

    With g = ∂L/∂p + λ·p, in step t (m: mean of the gradient, v: of its square, both fading)::

        m ← β₁·m + (1 − β₁)·g
        v ← β₂·v + (1 − β₂)·g²
        p ← p − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)

    The divisions by 1 − βᵗ correct for m and v starting at zero. AMSGrad puts the largest v so far in v's place.

    Args:
        params: parameters, or dictionaries with groups of them.
        lr: the learning rate.
        betas: (β₁, β₂), how much of the means stays from step to step.
        eps: ε, keeps the division finite.
        weight_decay: the strength λ of the pull towards zero.
        amsgrad: whether to use the largest v.
        maximize: whether to climb instead of descending.

    Raises:
        ValueError: if a setting is out of range, or as for `Optimizer`.
        TypeError: as for `Optimizer`.

    Source: D. P. Kingma and J. Ba, 2015: "Adam: A method for stochastic optimization"; S. J. Reddi, S. Kale and
    S. Kumar, 2018: "On the convergence of Adam and beyond".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([1.0, 100.0], requires_grad=True)
        >>> optimizer = tinyact.optim.Adam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.5000, 99.5000], requires_grad=True)
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        self._check(defaults)
        super().__init__(params, defaults)

    def _check(self, group: Group) -> None:
        _check_range(group, {"lr": "learning rate", "eps": "epsilon value"})
        for i, beta in enumerate(group["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        _check_range(group, {"weight_decay": "weight_decay value"})

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        if not state:
            state["step"] = wrap(np.zeros((), np.float32))
            for key in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 2 + group["amsgrad"]]:
                state[key] = wrap(np.zeros_like(p))
        step = state["step"].array.item() + 1
        state["step"].array[...] = step
        beta1, beta2 = group["betas"]
        m, v = state["exp_avg"].array, state["exp_avg_sq"].array

        grad = _descent(p, grad, group)
        m += (grad - m) * (1 - beta1)
        v *= beta2
        v += grad * grad * (1 - beta2)
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"].array, v, out=state["max_exp_avg_sq"].array)
        denominator = np.sqrt(v)
        denominator /= (1 - beta2**step) ** 0.5
        denominator += group["eps"]
        p -= m / denominator * (group["lr"] / (1 - beta1**step))
