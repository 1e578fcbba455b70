"""What all optimizers share: groups of parameters with settings, the state, saving and loading it, errors."""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar, overload

import numpy as np

from tinyact.autograd import enable_grad
from tinyact.autograd.inplace import increment_version
from tinyact.autograd.operation import wrap
from tinyact.autograd.watch import watchers
from tinyact.tensor import Tensor

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Group: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, Any]
# Tensors or dictionaries, never both; but written so, mypy infers list[object] where dictionaries hold several types.
ParamsT: TypeAlias = Iterable[Tensor | dict[str, Any]]

Loss = TypeVar("Loss")


class Optimizer:
    """What all optimizers share.

    An optimizer of one's own is a subclass with an ``_update``, which changes one parameter in place.

    Args:
        params: parameters, or dictionaries (one per group) with parameters under ``"params"`` beside settings that
            differ from the defaults. The dictionaries are kept and filled: changing one later changes the settings.
        defaults: the settings of groups that don't say otherwise.

    Attributes:
        defaults: as above.
        param_groups: a dictionary of settings per group, with its parameters under ``"params"``.
        state: what is remembered about each parameter from step to step, and all that is.

    Raises:
        TypeError: if what is to be optimized is no tensor, or the parameters are one bare tensor or a set.
        ValueError: if there are none, one is in two groups, or one was computed from others.

    Example:
        >>> import numpy as np
        >>> import tinyact
        >>> class SignDescent(tinyact.optim.Optimizer):
        ...     def __init__(self, params, lr):
        ...         super().__init__(params, {"lr": lr})
        ...
        ...     def _update(self, p, grad, state, group):
        ...         p -= group["lr"] * np.sign(grad)
        >>> w = tinyact.tensor([1.0, -1.0], requires_grad=True)
        >>> optimizer = SignDescent([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.5000, -0.5000], requires_grad=True)
    """

    # The keys of a parameter's state whose tensors have its shape.
    _buffers: ClassVar[tuple[str, ...]] = ()
    # Settings that state dicts of older versions lack.
    _later_settings: ClassVar[Group] = {}

    defaults: Group
    param_groups: list[Group]
    state: defaultdict[Tensor, State]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._check(defaults)
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}"
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds parameters, with settings of their own where the dictionary has any; it is kept, and filled.

        Raises:
            TypeError, ValueError: as for the class; nothing is changed then.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        parameters = [params] if isinstance(params, Tensor) else list(params)
        self._check_parameters(parameters)
        self._check({**self.defaults, **param_group})
        param_group["params"] = parameters
        for key, value in self.defaults.items():
            param_group.setdefault(key, value)
        self.param_groups.append(param_group)

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
        """Raise an error if a setting is out of its range, or asks for what isn't there."""
        flags = {key for key in ("fused", "foreach", "differentiable", "capturable") if group.get(key)}
        flags &= self.defaults.keys()  # a group may hold any others
        if {"fused", "foreach"} <= flags:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        if "differentiable" in flags:
            raise NotImplementedError("differentiable=True is not supported: steps are not recorded")
        if "capturable" in flags and "fused" not in flags:
            raise AssertionError("capturable=True is for graphs of accelerators; parameters here are on the CPU")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients: ``.grad`` is None afterwards, or zero if ``set_to_none`` is false."""
        for parameter in self._parameters():
            grad = parameter.grad
            if set_to_none:
                parameter.grad = None
            elif grad is not None:
                grad.grad_fn = None  # what it was computed from, if the sweep was recorded
                grad.requires_grad_(False).zero_()

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes every parameter that has a gradient, one after the other.

        If it is interrupted, some may have changed and others not; the next step works all the same.

        Args:
            closure: a function that computes the loss and its gradients anew; what it returns, ``step`` returns.

        Raises:
            RuntimeError: if a parameter was replaced by one of another shape, or for `Adam` of another dtype, than its
                state has.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with np.errstate(all="ignore"):
            for group in self.param_groups:
                # All states are looked up before the first step is taken, which matters for a parameter that is in the
                # group twice.
                steps = [(p, p.grad.array, self._state_of(p)) for p in group["params"] if p.grad is not None]
                for p, grad, state in steps:
                    try:
                        self._update(p.array, grad, state, group)
                    except ValueError as error:
                        self._check_shapes(p.array, grad, state, error)
                        raise
                    increment_version(p)
                    if state:
                        self.state[p] = state
                    for watcher in watchers:
                        watcher.updated(self, p)
        return loss

    def _state_of(self, parameter: Tensor) -> State:
        return self.state[parameter]

    def _update(self, p: Array, grad: Array, state: State, group: Group) -> None:
        """One step of one parameter: change ``p``, and what ``state`` remembers about it, in place."""
        raise NotImplementedError

    def _check_shapes(self, p: Array, grad: Array, state: State, error: ValueError) -> None:
        """Raise RuntimeError if NumPy's error came from shapes that don't fit each other."""
        buffers = {key: state[key].array for key in self._buffers if state.get(key) is not None}
        shapes = {key: list(array.shape) for key, array in {"parameter": p, "gradient": grad, **buffers}.items()}
        if any(shape != list(p.shape) for shape in shapes.values()):
            words = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
            raise RuntimeError(f"a parameter can't step, for shapes don't match: {words}") from error

    # --- saving and loading --------------------------------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Takes over what was saved, by pickling or by `state_dict`, perhaps by an older version."""
        self.__dict__.update(state)
        for group in self.param_groups:
            for key, value in self._later_settings.items():
                group.setdefault(key, value)

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
        groups = []
        for group in self.param_groups:
            settings = {key: value for key, value in group.items() if key != "params"}
            groups.append({**settings, "params": [numbers[p] for p in group["params"]]})
        state = {numbers[key] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues from what `state_dict` returned, which is copied.

        Args:
            state_dict: tinyact's; or PyTorch's, whose tensors may be PyTorch's, NumPy's or tinyact's.

        Raises:
            ValueError: if groups, their sizes, or the shape of what is remembered don't fit; nothing is changed then.
        """
        saved_groups = copy.deepcopy(state_dict["param_groups"])
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups: "
                f"{len(saved_groups)}, the optimizer has {len(self.param_groups)}"
            )
        parameters: dict[Any, Tensor] = {}
        for i, (saved, own) in enumerate(zip(saved_groups, self.param_groups, strict=True)):
            if len(saved["params"]) != len(own["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"group {i} has {len(saved['params'])} parameters, the optimizer's has {len(own['params'])}"
                )
            parameters.update(zip(saved["params"], own["params"], strict=True))
            saved["params"] = own["params"]
        state: defaultdict[Any, Any] = defaultdict(dict)
        for number, value in state_dict["state"].items():
            if number in parameters:
                self._check_saved(number, parameters[number], value)
                state[parameters[number]] = _restored(value, parameters[number])
            else:
                state[number] = copy.deepcopy(value)  # of no parameter: an optimizer of one's own may have such
        # Tried on another object, so that nothing is changed if a subclass doesn't take it.
        loaded = object.__new__(type(self))
        loaded.__dict__.update(self.__dict__)
        loaded.__setstate__({"state": state, "param_groups": saved_groups})
        self.__dict__.update(loaded.__dict__)

    def _check_saved(self, number: Any, parameter: Tensor, saved: State) -> None:
        for key in self._buffers:
            if saved.get(key) is not None and tuple(saved[key].shape) != parameter.shape:
                raise ValueError(
                    f"loaded state dict has {key} of shape {list(saved[key].shape)} for parameter {number}, whose "
                    f"shape is {list(parameter.shape)}"
                )

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"


class Counting(Optimizer):
    """An optimizer that counts each parameter's steps, and makes all of its state at the first."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for parameter in self._parameters():
            remembered = self.state.get(parameter)
            if remembered and not isinstance(remembered["step"], Tensor):
                remembered["step"] = scalar(float(remembered["step"]))

    def _next_step(self, p: Array, grad: Array, state: State, buffers: Sequence[str], **numbers: float) -> float:
        """The number of this step, from 1; the first makes the state.

        Args:
            buffers: the keys of what has the parameter's shape and starts at 0.
            numbers: what else is remembered, and where it starts.

        Raises:
            RuntimeError: if the state can't be continued with this gradient, instead of rounding without a word.
        """
        if not state:
            scalars = {key: scalar(start) for key, start in {"step": 0.0, **numbers}.items()}
            # All at once: a step that is interrupted leaves a whole state behind, or none.
            state.update(scalars | {key: wrap(np.zeros_like(p)) for key in buffers})
        if not isinstance(state["step"], Tensor):
            raise RuntimeError(f"the state's step must be a tensor, got {type(state['step']).__name__}")
        for key in {"exp_avg", "grad_avg"}.intersection(buffers):  # the others are squares, which PyTorch rounds
            if state[key].array.dtype != grad.dtype:
                raise RuntimeError(
                    f"a parameter can't step: its gradient is {grad.dtype}, its state's {key} {state[key].array.dtype}"
                )
        step: float = state["step"].array.item() + 1
        state["step"].array[...] = step
        return step


def scalar(value: float) -> Tensor:
    """A number of an optimizer's state, float32 whatever the parameter is."""
    tensor: Tensor = wrap(np.asarray(value, np.float32))
    return tensor


def _restored(saved: Any, parameter: Tensor, key: str = "") -> Any:
    """A copy of what was saved about a parameter, in the parameter's dtype except for the number of steps."""
    if isinstance(saved, dict):
        return {name: _restored(value, parameter, name) for name, value in saved.items()}
    if hasattr(saved, "__array__") and not isinstance(saved, np.generic):
        array = np.asarray(saved.detach() if hasattr(saved, "detach") else saved)
        return wrap(array.astype(array.dtype if key == "step" else parameter.array.dtype))
    return copy.deepcopy(saved)


# --- for the rules -------------------------------------------------------------------------------------------------


def number(setting: Any) -> Any:
    """A setting as a Python number: beside NumPy's scalars an array of float32 would become one of float64."""
    return setting.item() if hasattr(setting, "item") else setting


def check_betas(group: Group) -> None:
    """Raise ValueError if one of Adam's β, or one of its relatives', is out of its range."""
    for i, beta in enumerate(group["betas"]):
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def check_not_negative(group: Group, words: dict[str, str]) -> None:
    """Raise ValueError, in these words, if one of these settings is negative or NaN, or no single number."""
    for key, word in words.items():
        if isinstance(group[key], Tensor) and group[key].numel() != 1:
            raise ValueError(f"Tensor {key} must be 1-element")
        if not group[key] >= 0:
            raise ValueError(f"Invalid {word}: {group[key]}")


def fading_means(state: State, grad: Array, beta1: float, beta2: float) -> tuple[Array, Array]:
    """m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g², both in place."""
    m, v = state["exp_avg"].array, state["exp_avg_sq"].array
    m += (grad - m) * (1 - beta1)
    v *= beta2
    v += grad * grad * (1 - beta2)
    return m, v


def decayed(p: Array, group: Group) -> float:
    """The weight decay that is left for the gradient: none if it is decoupled, as which it is applied here."""
    if not group["decoupled_weight_decay"]:
        weight_decay: float = number(group["weight_decay"])
        return weight_decay
    p *= number(1 - group["lr"] * group["weight_decay"])
    return 0


def descent(p: Array, grad: Array, maximize: bool, weight_decay: float) -> Array:
    """The gradient to descend along: of −L to maximize L, and with weight decay that of L + λ/2·‖p‖²."""
    if maximize:
        grad = -grad
    if weight_decay:
        grad = grad + p * weight_decay
    return grad
