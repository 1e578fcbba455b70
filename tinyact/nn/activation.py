"""The activation functions as modules: a module's fields are the settings of its function, and so its constructor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyact.creation import full
from tinyact.device import DeviceLike
from tinyact.nn import functional as F
from tinyact.nn.module import FunctionModule
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor

__all__ = [
    "activations", "Sigmoid", "Tanh", "ReLU", "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "SiLU", "Swish",
    "Mish", "GELU", "Softplus", "Softsign", "LogSigmoid", "Hardtanh", "ReLU6", "Hardsigmoid", "Hardswish",
    "Hardshrink", "Softshrink", "Tanhshrink", "Threshold", "ReLUSquared", "Snake", "Softmax", "Softmin", "LogSoftmax",
    "GLU", "Maxout",
]  # fmt: skip

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        """Tell type checkers that the fields are the constructor; here, nothing."""
        return lambda cls: cls


class ActivationModule(FunctionModule):
    """An activation function as a module: the settings are given once, the input with every call."""

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, **self._settings())


@dataclass_transform(eq_default=False)
class Activation(ActivationModule):
    """An activation with a field for each setting of its function, which are the arguments after the input::

        class ELU(Activation, function=F.elu):
            alpha: float = 1.0
            inplace: bool = False

    The fields are what its constructor takes.
    """

    def __init_subclass__(cls, function: Callable[..., Tensor] | None = None) -> None:
        super().__init_subclass__(function)
        if function is None:  # a subclass of the user's, whose annotations are no settings
            return
        dataclass(cls, repr=False, eq=False)
        for name in cls.settings:
            if name in vars(cls):  # a default: as a class attribute it would stand before a parameter of that name
                delattr(cls, name)

    def __post_init__(self) -> None:
        super().__init__()

    def extra_repr(self) -> str:
        texts = [f"{name}={value}" for name, value in self._settings().items() if name != "inplace"]
        return ", ".join([*texts, "inplace=True"] if getattr(self, "inplace", False) else texts)


class Sigmoid(Activation, function=F.sigmoid): ...


class Tanh(Activation, function=F.tanh): ...


class ReLU(Activation, function=F.relu):
    inplace: bool = False


class LeakyReLU(Activation, function=F.leaky_relu):
    negative_slope: float = 0.01
    inplace: bool = False


class PReLU(ActivationModule, function=F.prelu):
    """Args:
        num_parameters: how many slopes are learned: 1 for all channels together, or the number of channels.
        init: what they are at first.
        device: the CPU, or nothing.
        dtype: of the parameters, the default dtype if left out.

    Attributes:
        weight: the slopes, shape (num_parameters,).
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: DeviceLike = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Activation, function=F.rrelu):
    """Args:
    lower, upper: a is uniform in [lower, upper) in training mode; in evaluation mode it is their mean.
    inplace: whether the result replaces the input's elements.
    """

    lower: float = 1.0 / 8
    upper: float = 1.0 / 3
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class ELU(Activation, function=F.elu):
    alpha: float = 1.0
    inplace: bool = False


class SELU(Activation, function=F.selu):
    inplace: bool = False


class CELU(Activation, function=F.celu):
    alpha: float = 1.0
    inplace: bool = False


class SiLU(Activation, function=F.silu):
    inplace: bool = False


class Swish(ActivationModule, function=F.swish):
    """Args:
        beta: β; 1 makes it SiLU.
        learned: whether β is a parameter.

    Attributes:
        beta: the number, or the parameter, shape (1,).
    """

    def __init__(self, beta: float = 1.0, learned: bool = False) -> None:
        super().__init__()
        self.learned = learned
        self.beta: Parameter | float = Parameter(full((1,), float(beta))) if learned else beta

    def extra_repr(self) -> str:
        return f"beta={float(self.beta)}, learned=True" if self.learned else f"beta={self.beta}"


class Mish(Activation, function=F.mish):
    inplace: bool = False


class GELU(Activation, function=F.gelu):
    approximate: str = "none"

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Activation, function=F.softplus):
    beta: float = 1.0
    threshold: float = 20.0


class Softsign(Activation, function=F.softsign): ...


class LogSigmoid(Activation, function=F.logsigmoid): ...


class Hardtanh(Activation, function=F.hardtanh):
    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False


class ReLU6(Activation, function=F.relu6):
    inplace: bool = False


class Hardsigmoid(Activation, function=F.hardsigmoid):
    inplace: bool = False

    def extra_repr(self) -> str:
        return ""  # as PyTorch has it, in place or not


class Hardswish(Activation, function=F.hardswish):
    inplace: bool = False

    def extra_repr(self) -> str:
        return ""  # as PyTorch has it, in place or not


class Hardshrink(Activation, function=F.hardshrink):
    lambd: float = 0.5

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Activation, function=F.softshrink):
    lambd: float = 0.5

    def extra_repr(self) -> str:
        return str(self.lambd)


class Tanhshrink(Activation, function=F.tanhshrink): ...


class Threshold(Activation, function=F.threshold):
    threshold: float
    value: float
    inplace: bool = False


class ReLUSquared(Activation, function=F.relu_squared): ...


class Snake(Activation, function=F.snake):
    alpha: float = 1.0


class Softmax(Activation, function=F.softmax):
    dim: int | None = None


class Softmin(Activation, function=F.softmin):
    dim: int | None = None


class LogSoftmax(Activation, function=F.log_softmax):
    dim: int | None = None


class GLU(Activation, function=F.glu):
    dim: int = -1


class Maxout(Activation, function=F.maxout):
    pieces: int = 2
    dim: int = -1


class _Registry(dict[str, type[ActivationModule]]):
    def __missing__(self, name: str) -> type[ActivationModule]:
        raise KeyError(f"unknown activation {name!r}; known are {', '.join(self)}")


def activations() -> dict[str, type[ActivationModule]]:
    """All activation modules by the names of their functions.

    Raises:
        KeyError: on looking up an unknown name; it lists the known ones.

    Example:
        >>> import tinyact
        >>> tinyact.nn.activations()["silu"]()
        SiLU()
    """
    kinds = (globals()[name] for name in __all__ if name != "activations")
    return _Registry((kind.function.__name__, kind) for kind in kinds)
