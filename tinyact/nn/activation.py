"""The activation functions as modules: everything about them stands with the functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from tinyact.creation import full
from tinyact.nn import functional as F
from tinyact.nn.module import Module
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor


class Activation(Module):
    """An activation function as a module: the settings are given once, the input with every call.

    A subclass names the function, and takes from it the settings (its arguments after the input), their defaults and
    the documentation::

        class ELU(Activation, function=F.elu): ...

    Attributes:
        function: the function.
        settings: the names of the settings, each an attribute of the module.
    """

    function: ClassVar[Callable[..., Tensor]]
    settings: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, function: Callable[..., Tensor] | None = None) -> None:
        super().__init_subclass__()
        if function is None:
            return
        cls.function = staticmethod(function)
        _, *arguments = inspect.signature(function).parameters.values()
        # A conversion is no setting of PyTorch's modules.
        settings = [a for a in arguments if a.name != "dtype" and not a.name.startswith("_")]
        cls.settings = tuple(setting.name for setting in settings)
        if "__init__" not in vars(cls):
            cls.__init__ = _constructor(settings)  # type: ignore[method-assign]
        cls.__doc__ = _documentation(function, cls.__doc__)

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, **{name: getattr(self, name) for name in self.settings})

    def extra_repr(self) -> str:
        shown = [name for name in self.settings if name not in ("inplace", "training")]
        if getattr(self, "inplace", False):
            shown.append("inplace")
        return ", ".join(f"{name}={getattr(self, name)}" for name in shown)


def _constructor(settings: list[inspect.Parameter]) -> Callable[..., None]:
    """An ``__init__`` that takes these settings and makes attributes of them."""
    signature = inspect.Signature(settings)

    def __init__(self: Activation, *args: Any, **kwargs: Any) -> None:
        Module.__init__(self)
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}.__init__() {error}; it takes {signature}") from None
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)

    self_first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    __init__.__signature__ = inspect.Signature([self_first, *settings])  # type: ignore[attr-defined]
    return __init__


def _documentation(function: Callable[..., Tensor], own: str | None) -> str:
    """The function's docstring, with what the module's says between the mathematics and the arguments."""
    mathematics, head, arguments = (function.__doc__ or "").partition("    Args:\n")
    mathematics = f"{mathematics.rstrip()}\n\n"
    summary = f"    As a module: `nn.functional.{function.__name__}` with all arguments but the input given once.\n\n"
    if own is not None:
        return f"{mathematics}{summary}    {own}"
    return f"{mathematics}{summary}{head}{arguments}"


class Sigmoid(Activation, function=F.sigmoid): ...


class Tanh(Activation, function=F.tanh): ...


class ReLU(Activation, function=F.relu): ...


class LeakyReLU(Activation, function=F.leaky_relu): ...


class PReLU(Activation, function=F.prelu):
    """Args:
        num_parameters: how many slopes are learned: 1 for all channels together, or the number of channels.
        init: what they are at first.
        dtype: of the parameters, float32 if left out.

    Attributes:
        weight: the slopes, shape (num_parameters,).
    """

    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init), dtype=dtype))

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Activation, function=F.rrelu):
    """Args:
    lower, upper: a is uniform in [lower, upper) in training mode; in evaluation mode it is their mean.
    inplace: whether the result replaces the input's elements.
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace


class ELU(Activation, function=F.elu): ...


class SELU(Activation, function=F.selu): ...


class CELU(Activation, function=F.celu): ...


class SiLU(Activation, function=F.silu): ...


class Swish(Activation, function=F.swish):
    """Args:
        beta: β; 1 makes it SiLU.
        learned: whether β is a parameter.

    Attributes:
        beta: the number, or the parameter, shape (1,).
    """

    def __init__(self, beta: float = 1.0, learned: bool = False) -> None:
        super().__init__()
        self.learned = learned
        self.beta: Any = Parameter(full((1,), float(beta))) if learned else beta

    def extra_repr(self) -> str:
        return f"beta={self.beta.item() if self.learned else self.beta}" + ", learned=True" * self.learned


class Mish(Activation, function=F.mish): ...


class GELU(Activation, function=F.gelu):
    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Activation, function=F.softplus): ...


class Softsign(Activation, function=F.softsign): ...


class LogSigmoid(Activation, function=F.logsigmoid): ...


class Hardtanh(Activation, function=F.hardtanh): ...


class ReLU6(Activation, function=F.relu6): ...


class Hardsigmoid(Activation, function=F.hardsigmoid):
    def extra_repr(self) -> str:
        return ""  # as PyTorch has it, in place or not


class Hardswish(Activation, function=F.hardswish):
    def extra_repr(self) -> str:
        return ""  # as PyTorch has it, in place or not


class Hardshrink(Activation, function=F.hardshrink):
    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Activation, function=F.softshrink):
    def extra_repr(self) -> str:
        return str(self.lambd)


class Tanhshrink(Activation, function=F.tanhshrink): ...


class Threshold(Activation, function=F.threshold): ...


class ReLUSquared(Activation, function=F.relu_squared): ...


class Snake(Activation, function=F.snake): ...


class Softmax(Activation, function=F.softmax): ...


class Softmin(Activation, function=F.softmin): ...


class LogSoftmax(Activation, function=F.log_softmax): ...


class GLU(Activation, function=F.glu): ...


class Maxout(Activation, function=F.maxout): ...


class _Known(dict[str, type[Activation]]):
    def __missing__(self, name: str) -> type[Activation]:
        raise KeyError(f"unknown activation {name!r}; known are {', '.join(self)}")


def activations() -> dict[str, type[Activation]]:
    """All activation modules by the names of their functions.

    Raises:
        KeyError: on looking up an unknown name; it lists the known ones.

    Example:
        >>> import tinyact
        >>> tinyact.nn.activations()["silu"]()
        SiLU()
    """
    return _Known((kind.function.__name__, kind) for kind in Activation.__subclasses__() if kind.__module__ == __name__)
