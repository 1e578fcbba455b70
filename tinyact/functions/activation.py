"""The activation functions, each with its derivative.

Sources are named where a function has one: the paper that proposed it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyact.autograd import engine
from tinyact.autograd.engine import Gradient, Operation
from tinyact.functions.elementwise import Elementwise, choose, keep
from tinyact.functions.operand import as_floating, cast, dimension, documented
from tinyact.functions.shape import reshape

if TYPE_CHECKING:
    from tinyact.dtype import dtype as DType
    from tinyact.tensor import Tensor


class Activation(Elementwise):
    """An activation function; its value and derivative are written so that no step overflows or makes a NaN."""

    may_warn = False


class Sigmoid(Activation):
    """σ(x) = 1 / (1 + e⁻ˣ)      range (0, 1), saturates at both ends

    d/dx σ(x) = σ(x) · (1 − σ(x)), at most ¼
    """

    def value(self, x: Any) -> Any:
        # 1 / (1 + e⁻ˣ) for x ≥ 0 and the same fraction times eˣ, eˣ / (eˣ + 1), below: e^(−|x|) can't overflow.
        e = np.exp(-np.abs(x))
        return np.maximum(e, x >= 0) / (1 + e)

    def derivative(self, y: Any) -> Any:
        return y * (1 - y)


class Tanh(Activation):
    """tanh(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)      range (−1, 1), zero-centred, saturates at both ends

    d/dx tanh(x) = 1 − tanh(x)², at most 1
    """

    def value(self, x: Any) -> Any:
        return np.tanh(x)

    def derivative(self, y: Any) -> Any:
        return 1 - y * y


class ReLU(Activation):
    """ReLU(x) = max(0, x)      range [0, ∞), zero below 0

    d/dx ReLU(x) = 1 for x > 0, 0 for x ≤ 0 (at the kink too)

    Source: Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines.
    """

    def name(self) -> str:
        return "ReluBackward0"

    def value(self, x: Any) -> Any:
        return np.maximum(x, 0)

    def derivative(self, y: Any) -> Any:
        # Not y > 0: NaN lets the gradient pass, as in PyTorch.
        return ~(y <= 0)


class LeakyReLU(Activation):
    """LeakyReLU(x) = x for x > 0, a·x for x ≤ 0, a the negative slope      range (−∞, ∞)

    d/dx LeakyReLU(x) = 1 for x > 0, a for x ≤ 0

    Source: Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic models.
    """

    may_warn = True  # of 0 · ∞

    def __init__(self, negative_slope: float) -> None:
        self.negative_slope = negative_slope

    def name(self) -> str:
        return "LeakyReluBackward0"

    def value(self, x: Any) -> Any:
        return choose(x > 0, x, self.negative_slope * x, x)

    def derivative(self, x: Any) -> Any:
        return choose(x > 0, 1.0, self.negative_slope, x)


class PReLU(Operation):
    """PReLU(x) = x for x > 0, a·x for x ≤ 0, with a learned      range (−∞, ∞)

    ∂/∂x = 1 for x > 0, a for x ≤ 0      ∂/∂a = 0 for x > 0, x for x ≤ 0

    Source: He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, arXiv:1502.01852.
    """

    def name(self) -> str:
        return "PreluKernelBackward0"

    def forward(self, x: Any, a: Any) -> Any:
        return choose(x > 0, x, a * x, x)

    def grad_x(self, grad: Gradient, x: Any, a: Any) -> Gradient:
        return choose(x > 0, grad, a * grad, x)

    def grad_a(self, grad: Gradient, x: Any) -> Gradient:
        return keep(x * grad, ~(x > 0))


class ELU(Activation):
    """ELU(x) = x for x > 0, α·(eˣ − 1) for x ≤ 0      range (−α, ∞), saturates at −α

    d/dx ELU(x) = 1 for x > 0, α·eˣ for x ≤ 0

    Source: Clevert, Unterthiner and Hochreiter (2015), Fast and accurate deep network learning by exponential linear
    units (ELUs), arXiv:1511.07289.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def name(self) -> str:
        return "EluBackward0"

    def value(self, x: Any) -> Any:
        return choose(x <= 0, self.alpha * np.expm1(np.minimum(x, 0)), x, x)

    def derivative(self, x: Any) -> Any:
        return choose(x <= 0, self.alpha * np.exp(np.minimum(x, 0)), 1.0, x)


class SiLU(Activation):
    """SiLU(x) = x·σ(x), also called Swish      range [−0.2785, ∞), 0 far below 0

    d/dx SiLU(x) = σ(x) · (1 + x·(1 − σ(x))), between −0.0998 and 1.0998

    Source: Elfwing, Uchibe and Doya (2017), arXiv:1702.03118; Ramachandran, Zoph and Le (2017), Searching for
    activation functions, arXiv:1710.05941.
    """

    def name(self) -> str:
        return "SiluBackward0"

    def value(self, x: Any) -> Any:
        # The largest finite number in place of −∞, whose product with σ(−∞) = 0 would be NaN; the limit is 0.
        return np.maximum(x, np.finfo(x.dtype).min) * sigma(x)

    def derivative(self, x: Any) -> Any:
        s = sigma(x)
        return s * (1 + finite(x) * (1 - s))


def sigma(x: Any) -> Any:
    """σ(x) of arrays or tensors."""
    return Sigmoid()(x)


def finite(x: Any) -> Any:
    """x with the largest finite numbers in place of ±∞."""
    largest = np.finfo((x.array if isinstance(x, engine.Tensor) else x).dtype).max
    return np.clip(x, -largest, largest)


class Softmax(Operation):
    """softmax(x)ᵢ = e^xᵢ / Σⱼ e^xⱼ      range (0, 1), the outputs along the dimension sum to 1

    ∂yᵢ/∂xⱼ = yᵢ·(δᵢⱼ − yⱼ), so ∂L/∂xᵢ = yᵢ · (gᵢ − Σⱼ gⱼ yⱼ) with g = ∂L/∂y
    """

    may_warn = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Any) -> Any:
        e = np.exp(shifted(x, self.dims))
        return e / e.sum(self.dims, keepdims=True)

    def grad_x(self, grad: Gradient, y: Any) -> Gradient:
        return y * (grad - np.sum(grad * y, self.dims, keepdims=True))


class LogSoftmax(Operation):
    """log softmax(x)ᵢ = xᵢ − ln Σⱼ e^xⱼ      range (−∞, 0)

    ∂yᵢ/∂xⱼ = δᵢⱼ − softmax(x)ⱼ, so ∂L/∂xᵢ = gᵢ − e^yᵢ · Σⱼ gⱼ with g = ∂L/∂y
    """

    may_warn = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Any) -> Any:
        s = shifted(x, self.dims)
        return s - np.log(np.exp(s).sum(self.dims, keepdims=True))

    def grad_x(self, grad: Gradient, y: Any) -> Gradient:
        return grad - np.exp(y) * np.sum(grad, self.dims, keepdims=True)


def shifted(x: Any, dims: tuple[int, ...]) -> Any:
    """x minus its maximum: the same softmax, and no exponential overflows."""
    return x - x.max(dims, keepdims=True, initial=-np.inf)


@documented(Sigmoid)
def sigmoid(input: Tensor) -> Tensor:
    """
    Args:
        input: a tensor of any shape; integers are taken as float32.

    Example:
        >>> import tinyact
        >>> tinyact.sigmoid(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0.2689, 0.5000, 0.7311])
    """
    return Sigmoid().apply(as_floating(input, "sigmoid"))


@documented(Tanh)
def tanh(input: Tensor) -> Tensor:
    """
    Args:
        input: a tensor of any shape; integers are taken as float32.

    Example:
        >>> import tinyact
        >>> tinyact.tanh(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.7616,  0.0000,  0.7616])
    """
    return Tanh().apply(as_floating(input, "tanh"))


@documented(ReLU)
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a tensor of any shape.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.relu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0., 0., 1.])
    """
    return _activated(ReLU(), input, "relu", inplace)


@documented(LeakyReLU)
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        negative_slope: a above.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.leaky_relu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.0100,  0.0000,  1.0000])
    """
    operation = LeakyReLU(number(negative_slope, "leaky_relu", "negative_slope"))
    return _activated(operation, input, "leaky_relu", inplace)


@documented(ELU)
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        alpha: α above.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.elu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.6321,  0.0000,  1.0000])
    """
    return _activated(ELU(number(alpha, "elu", "alpha")), input, "elu", inplace)


@documented(SiLU)
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.silu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.2689,  0.0000,  0.7311])
    """
    return _activated(SiLU(), input, "silu", inplace)


swish = silu


@documented(PReLU)
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """
    Args:
        input: a floating tensor; its dimension 1 counts the channels (there is one channel if it has no such).
        weight: a above, shape (1,) for all channels or (channels,).

    Raises:
        RuntimeError: if the number of weights is neither 1 nor that of the channels, or the dtypes differ.
    """
    x = _floating(input, "prelu")
    a = _floating(weight, "prelu")
    if a.array.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {a.array.ndim}")
    if x.array.dtype != a.array.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {x.dtype} and {a.dtype}")
    if a.array.size != 1:
        channels = x.array.shape[1] if x.array.ndim > 1 else 1
        if x.array.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        if a.array.size != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{a.array.size} and channel size = {channels}."
            )
        a = reshape(a, -1, *[1] * (x.array.ndim - 2))
    elif a.array.ndim > x.array.ndim:
        a = reshape(a, ())
    return PReLU().apply(x, a)


@documented(Softmax)
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        dim: the dimension along which the outputs sum to 1.
        dtype: convert to it first.

    Example:
        >>> import tinyact
        >>> tinyact.softmax(tinyact.tensor([2.0, 1.0, 0.1]), dim=0)
        tensor([0.6590, 0.2424, 0.0986])
    """
    return _along(Softmax, "softmax", input, dim, dtype)


@documented(LogSoftmax)
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        dim: the dimension along which the exponentials of the outputs sum to 1.
        dtype: convert to it first.

    Example:
        >>> import tinyact
        >>> tinyact.log_softmax(tinyact.tensor([2.0, 1.0, 0.1]), dim=0)
        tensor([-0.4170, -1.4170, -2.3170])
    """
    return _along(LogSoftmax, "log_softmax", input, dim, dtype)


def _along(
    operation: type[Softmax] | type[LogSoftmax], name: str, input: Tensor, dim: int, dtype: DType | None
) -> Tensor:
    x = _floating(input if dtype is None else cast(input, dtype.numpy), name)
    place = dimension(dim, x.array.ndim)
    # A tensor without dimensions counts as one of size 1, and so sums over nothing.
    return operation((place,) if x.array.ndim else ()).apply(x)


def implicit_dim(name: str, ndim: int) -> int:
    """The dimension that PyTorch takes, with a warning, if none is given."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=3,
    )
    return 0 if ndim in (0, 1, 3) else 1


def number(value: Any, function: str, argument: str) -> float:
    """An argument that must be a number.

    Raises:
        TypeError: if it is none.
    """
    if isinstance(value, engine.Tensor) and value.array.ndim == 0:
        return float(value.array)
    if not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{function}(): argument '{argument}' must be Number, not {type(value).__name__}")
    return float(value)


def _floating(input: Any, name: str) -> Tensor:
    if isinstance(input, engine.Tensor) and input.array.dtype.kind != "f":
        raise NotImplementedError(f"{name} takes floating tensors, got {input.dtype}")
    return as_floating(input, name)


def _activated(operation: Activation, input: Tensor, name: str, inplace: bool) -> Tensor:
    if name == "relu" and isinstance(input, engine.Tensor) and input.array.dtype.kind != "f":
        if input.array.dtype == np.bool_:
            raise RuntimeError("Boolean inputs not supported for relu")
        return engine.wrap(np.maximum(input.array, 0))
    x = _floating(input, name)
    return x.change(operation.apply) if inplace else operation.apply(x)
