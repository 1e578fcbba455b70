"""The activation functions that treat every element for itself, each with its derivative.

Every class says the same things about its function in the same words: the formula, its range, its derivative, the
largest slope, where it saturates, and the paper that proposed it. Whatever else the library knows about it (the public
function, the module, tables, plots, checks) is derived from the class.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyact.autograd.inplace import change
from tinyact.autograd.operation import Gradient, Operation
from tinyact.functions.elementwise import AS_IT_IS, IN_FLOAT64, IN_LONGDOUBLE, Elementwise
from tinyact.functions.operand import (
    Tensor,
    as_floating,
    as_number,
    documented,
    require_floating,
    require_numbers,
    require_tensor,
)
from tinyact.functions.shape import reshape
from tinyact.kernels import dispatched, leaky, leaky_slope, logistic, maximum, where
from tinyact.random import default_generator

__all__ = [
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
    "prelu", "relu", "relu6", "relu_squared", "rrelu", "selu", "sigmoid", "silu", "snake", "softplus", "softshrink",
    "softsign", "swish", "tanh", "tanhshrink", "threshold",
]  # fmt: skip


class Activation(Elementwise):
    """An activation function of single elements."""

    wide = IN_FLOAT64

    def __init_subclass__(cls) -> None:
        if "torch_name" not in vars(cls):
            cls.torch_name = f"{cls.__name__.capitalize()}Backward0"
        super().__init_subclass__()


class Sigmoid(Activation):
    """σ(x) = 1 / (1 + e⁻ˣ)

    Range: (0, 1)
    Derivative: σ(x) · (1 − σ(x))
    Largest slope: 0.25, at 0
    Saturates: to 0 at −∞ and to 1 at ∞
    Source: Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors.
    """

    may_warn = False

    def value(self, x: Any) -> Any:
        # For x < 0 as eˣ / (1 + eˣ): e^|x| could overflow, and 1 + eˣ for x > 0 would round the digits near 1 away.
        return logistic(x)

    def derivative(self, y: Any) -> Any:
        return y * (1 - y)


@documented(Sigmoid)
def sigmoid(input: Tensor) -> Tensor:
    """
    Args:
        input: a tensor of any shape; integers are taken as float32.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.sigmoid(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0.2689, 0.5000, 0.7311])
    """
    return Sigmoid().apply(as_floating(input, "sigmoid"))


class Tanh(Activation):
    """tanh(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)

    Range: (−1, 1)
    Derivative: 1 − tanh(x)²
    Largest slope: 1, at 0
    Saturates: to −1 at −∞ and to 1 at ∞
    Source: LeCun, Bottou, Orr and Müller (1998), Efficient backprop.
    """

    # NumPy's tanh is off by up to 1.2 units in the last place in float64 too, PyTorch's by 0.75.
    wide = IN_LONGDOUBLE
    may_warn = False

    def value(self, x: Any) -> Any:
        return np.tanh(x)

    def derivative(self, y: Any) -> Any:
        return 1 - y * y


@documented(Tanh)
def tanh(input: Tensor) -> Tensor:
    """
    Args:
        input: a tensor of any shape; integers are taken as float32.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.tanh(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.7616,  0.0000,  0.7616])
    """
    return Tanh().apply(as_floating(input, "tanh"))


class ReLU(Activation):
    """ReLU(x) = max(0, x)

    Range: [0, ∞)
    Derivative: 1 for x > 0, 0 for x ≤ 0
    Largest slope: 1, for x > 0
    Saturates: to 0 for x ≤ 0
    Source: Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines.
    """

    wide = AS_IT_IS
    may_warn = False

    def value(self, x: Any) -> Any:
        return maximum(0, x)

    def derivative(self, y: Any) -> Any:
        # Not y > 0: NaN lets the gradient pass, as in PyTorch.
        return y != 0


@documented(ReLU)
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a tensor of any shape, of numbers.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.relu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0., 0., 1.])
    """
    x, apply = require_numbers(input, "relu"), ReLU().apply
    return change(x, apply) if inplace else apply(x)


class LeakyReLU(Activation):
    """LeakyReLU(x) = x for x > 0, a·x for x ≤ 0, with the negative slope a

    Range: (−∞, ∞)
    Derivative: 1 for x > 0, a for x ≤ 0
    Largest slope: 1, for x > 0
    Saturates: nowhere
    Source: Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic models.
    """

    wide = AS_IT_IS
    torch_name = "LeakyReluBackward0"

    def __init__(self, negative_slope: float) -> None:
        self.negative_slope = as_number(negative_slope, "leaky_relu", "negative_slope")

    def value(self, x: Any) -> Any:
        return leaky(x, self.negative_slope)

    def derivative(self, x: Any) -> Any:
        return leaky_slope(x, self.negative_slope)


@documented(LeakyReLU)
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        negative_slope: a.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.leaky_relu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.0100,  0.0000,  1.0000])
    """
    x, apply = require_floating(input, "leaky_relu"), LeakyReLU(negative_slope).apply
    return change(x, apply) if inplace else apply(x)


class ELU(Activation):
    """ELU(x) = x for x > 0, α·(eˣ − 1) for x ≤ 0

    Range: (−α, ∞)
    Derivative: 1 for x > 0, α·eˣ for x ≤ 0
    Largest slope: 1, for x ≥ 0
    Saturates: to −α at −∞
    Source: Clevert, Unterthiner and Hochreiter (2015), Fast and accurate deep network learning by exponential linear
    units (ELUs), arXiv:1511.07289.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = as_number(alpha, "elu", "alpha")

    def value(self, x: Any) -> Any:
        return where(x > 0, x, self.alpha * np.expm1(x))

    def derivative(self, x: Any) -> Any:
        slope = self.alpha * np.exp(negative_part(x))
        return slope if self.alpha == 1 else where(x > 0, 1.0, slope)  # for α = 1 it is e⁰ = 1 above 0 already


@documented(ELU)
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        alpha: α.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.elu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.6321,  0.0000,  1.0000])
    """
    x, apply = require_floating(input, "elu"), ELU(alpha).apply
    return change(x, apply) if inplace else apply(x)


class SELU(Activation):
    """SELU(x) = s·x for x > 0, s·α·(eˣ − 1) for x ≤ 0, with s = 1.0507…, α = 1.6732…

    Range: (−1.7581, ∞)
    Derivative: s for x > 0, s·α·eˣ for x ≤ 0
    Largest slope: 1.7581, at 0 from the left
    Saturates: to −s·α at −∞
    Source: Klambauer, Unterthiner, Mayr and Hochreiter (2017), Self-normalizing neural networks, arXiv:1706.02515.
    """

    scale = 1.0507009873554804934193349852946
    scale_alpha = 1.7580993408473768599402175208123  # s·α rounded once; the product of the rounded ones is one unit off

    torch_name = "EluBackward0"

    def value(self, x: Any) -> Any:
        return where(x > 0, self.scale * x, self.scale_alpha * np.expm1(x))

    def derivative(self, x: Any) -> Any:
        return where(x > 0, self.scale, self.scale_alpha * np.exp(negative_part(x)))


@documented(SELU)
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.selu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-1.1113,  0.0000,  1.0507])
    """
    x, apply = require_floating(input, "selu"), SELU().apply
    return change(x, apply) if inplace else apply(x)


class CELU(Activation):
    """CELU(x) = x for x > 0, α·(e^(x/α) − 1) for x ≤ 0

    Range: (−α, ∞)
    Derivative: 1 for x > 0, e^(x/α) for x ≤ 0
    Largest slope: 1, for x ≥ 0
    Saturates: to −α at −∞
    Source: Barron (2017), Continuously differentiable exponential linear units, arXiv:1704.07483.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = as_number(alpha, "celu", "alpha")
        if self.alpha == 0:
            raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")

    def value(self, x: Any) -> Any:
        return where(x > 0, x, self.alpha * np.expm1(x / self.alpha))

    def derivative(self, x: Any) -> Any:
        # Above 0 the exponent is 0, and the slope e⁰ = 1.
        return np.exp(negative_part(x) / self.alpha)


@documented(CELU)
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        alpha: α, not 0.
        inplace: whether the result replaces the input's elements.

    Raises:
        RuntimeError: if α is 0.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.celu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.6321,  0.0000,  1.0000])
    """
    x, apply = require_floating(input, "celu"), CELU(alpha).apply
    return change(x, apply) if inplace else apply(x)


class SiLU(Activation):
    """SiLU(x) = x·σ(x), also called Swish

    Range: [−0.2785, ∞)
    Derivative: σ(x) · (1 + x·(1 − σ(x)))
    Largest slope: 1.0998, at 2.3994
    Saturates: to 0 at −∞
    Source: Elfwing, Uchibe and Doya (2017), Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning, arXiv:1702.03118.
    """

    def value(self, x: Any) -> Any:
        return maximum(-1000.0, x) * sigma(x)

    def derivative(self, x: Any) -> Any:
        x = bounded(x)
        s = sigma(x)
        return s * (1 + x * (1 - s))


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
    x, apply = require_floating(input, "silu"), SiLU().apply
    return change(x, apply) if inplace else apply(x)


class Mish(Activation):
    """Mish(x) = x·tanh(softplus(x)), softplus(x) = ln(1 + eˣ), so that tanh(softplus(x)) = n / (n + 2), n = eˣ·(eˣ + 2)

    Range: [−0.3088, ∞)
    Derivative: t + x·σ(x)·(1 − t²), with t = tanh(softplus(x))
    Largest slope: 1.0885, at 1.4904
    Saturates: to 0 at −∞
    Source: Misra (2019), Mish: A self regularized non-monotonic activation function, arXiv:1908.08681.
    """

    def share(self, x: Any) -> Any:
        """tanh(softplus(x)); where x is 40 it is 1 already."""
        e = np.exp(np.clip(x, -1000.0, 40.0))
        return e * (e + 2) / (e * (e + 2) + 2)

    def value(self, x: Any) -> Any:
        return maximum(-1000.0, x) * self.share(x)

    def derivative(self, x: Any) -> Any:
        x = bounded(x)
        t = self.share(x)
        return t + x * sigma(x) * (1 - t * t)


@documented(Mish)
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.mish(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.3034,  0.0000,  0.8651])
    """
    x, apply = require_floating(input, "mish"), Mish().apply
    return change(x, apply) if inplace else apply(x)


class NormalCDF(Elementwise):
    """Φ(x), the share of the standard normal distribution below x      d/dx Φ(x) = φ(x) = e^(−x²/2) / √(2π)"""

    def value(self, x: Any) -> Any:
        from scipy.special import ndtr

        return ndtr(x)

    def derivative(self, x: Any) -> Any:
        return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


class GELU(Activation):
    """GELU(x) = x·Φ(x), Φ the normal distribution function; or x·σ(2u) with u = √(2/π)·(x + 0.044715·x³), "tanh"

    Range: [−0.1700, ∞)
    Derivative: Φ(x) + x·φ(x); or σ(2u) · (1 + 2u′·x·(1 − σ(2u)))
    Largest slope: 1.1289, at 1.4142
    Saturates: to 0 at −∞
    Source: Hendrycks and Gimpel (2016), Gaussian error linear units (GELUs), arXiv:1606.08415.
    """

    def __init__(self, approximate: str) -> None:
        if approximate not in ("none", "tanh"):
            raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")
        self.approximate = approximate

    def share(self, x: Any) -> Any:
        """Φ(x), or its approximation."""
        if self.approximate == "none":
            return NormalCDF()(x)
        return sigma(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))

    def value(self, x: Any) -> Any:
        return maximum(-1000.0, x) * self.share(x)

    def derivative(self, x: Any) -> Any:
        x = bounded(x)
        s = self.share(x)
        if self.approximate == "none":
            return s + x * NormalCDF().derivative(x)
        slope = 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
        return s * (1 + slope * x * (1 - s))


@documented(GELU)
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        approximate: ``"none"`` or ``"tanh"``, named for ½·(1 + tanh(u)) = σ(2u).

    Raises:
        RuntimeError: for another approximation.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.gelu(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.1587,  0.0000,  0.8413])
    """
    return GELU(approximate).apply(require_floating(input, "gelu"))


class Softplus(Activation):
    """softplus(x) = ln(1 + e^(βx)) / β; x itself where βx is above the threshold

    Range: (0, ∞)
    Derivative: σ(βx); 1 where βx is above the threshold
    Largest slope: 1, at ∞
    Saturates: to 0 at −∞
    Source: Dugas, Bengio, Bélisle, Nadeau and Garcia (2001), Incorporating second-order functional knowledge for better
    option pricing.
    """

    def __init__(self, beta: float, threshold: float, dtype: Any = np.float64) -> None:
        # Numbers, and comparisons with them, are those of the input's dtype, in whatever it is computed.
        self.rounded = np.dtype(dtype)
        self.beta = float(self.rounded.type(as_number(beta, "softplus", "beta")))
        self.threshold = float(self.rounded.type(as_number(threshold, "softplus", "threshold")))
        if not self.beta > 0:
            raise ValueError(f"softplus takes a beta above 0, got {beta}")

    def value(self, x: Any) -> Any:
        z = x * self.beta
        # ln(1 + eᶻ) = max(z, 0) + ln(1 + e^(−|z|)), which can't overflow.
        return where(self.above(z), x, (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / self.beta)

    def derivative(self, x: Any) -> Any:
        z = x * self.beta
        # At the threshold the second derivative is 0, as in PyTorch: a constant stands there for z.
        return where(self.above(z), 1.0, sigma(where(z >= self.threshold, self.threshold, z)))

    def above(self, z: Any) -> Any:
        """Where z is above the threshold."""
        return np.astype(z, self.rounded) > self.threshold


@documented(Softplus)
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        beta: β, above 0.
        threshold: where the function becomes the line x.

    Raises:
        ValueError: if β is not above 0.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.softplus(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0.3133, 0.6931, 1.3133])
    """
    x = require_floating(input, "softplus")
    return Softplus(beta, threshold, x.array.dtype).apply(x)


class Softsign(Activation):
    """softsign(x) = x / (1 + |x|)

    Range: (−1, 1)
    Derivative: 1 / (1 + |x|)²
    Largest slope: 1, at 0
    Saturates: to −1 at −∞ and to 1 at ∞
    Source: Turian, Bergstra and Bengio (2009), Quadratic features and deep architectures for chunking.
    """

    torch_name = "DivBackward0"

    def value(self, x: Any) -> Any:
        x = np.clip(x, -1e300, 1e300)  # ∞ / ∞ would be NaN
        return x / (1 + np.abs(x))

    def derivative(self, x: Any) -> Any:
        d = 1 / (1 + np.abs(x))
        return d * d


@documented(Softsign)
def softsign(input: Tensor) -> Tensor:
    """
    Args:
        input: a tensor of any shape; integers are taken as float32.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.softsign(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.5000,  0.0000,  0.5000])
    """
    return Softsign().apply(as_floating(input, "softsign"))


class LogSigmoid(Activation):
    """ln σ(x) = −ln(1 + e⁻ˣ)

    Range: (−∞, 0)
    Derivative: σ(−x)
    Largest slope: 1, at −∞
    Saturates: to 0 at ∞
    Source: the logarithm of the sigmoid; as in the losses of Rumelhart, Hinton and Williams (1986).
    """

    torch_name = "LogSigmoidBackward0"

    def value(self, x: Any) -> Any:
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))

    def derivative(self, x: Any) -> Any:
        return sigma(-x)


@documented(LogSigmoid)
def logsigmoid(input: Tensor) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.logsigmoid(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-1.3133, -0.6931, -0.3133])
    """
    return LogSigmoid().apply(require_floating(input, "logsigmoid"))


class Hardtanh(Activation):
    """hardtanh(x) = min(max(x, a), b)

    Range: [a, b]
    Derivative: 1 for a < x < b, else 0
    Largest slope: 1, for a < x < b
    Saturates: to a for x ≤ a and to b for x ≥ b
    Source: Collobert (2004), Large scale machine learning.
    """

    wide = AS_IT_IS
    may_warn = False

    def __init__(self, min_val: float, max_val: float) -> None:
        if min_val > max_val:
            raise ValueError(f"min_val cannot be greater than max_val, got {min_val} and {max_val}")
        self.min_val = as_number(min_val, "hardtanh", "min_val")
        self.max_val = as_number(max_val, "hardtanh", "max_val")

    def value(self, x: Any) -> Any:
        return np.minimum(np.maximum(x, self.min_val), self.max_val).astype(x.dtype, copy=False)  # of integers too

    def derivative(self, x: Any) -> Any:
        return (x > self.min_val) & (x < self.max_val)


@documented(Hardtanh)
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a tensor of any shape, of numbers.
        min_val: a.
        max_val: b, not below a.
        inplace: whether the result replaces the input's elements.

    Raises:
        ValueError: if a is above b.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.hardtanh(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-1.,  0.,  1.])
    """
    x, apply = require_numbers(input, "hardtanh"), Hardtanh(min_val, max_val).apply
    return change(x, apply) if inplace else apply(x)


class ReLU6(Hardtanh):
    """ReLU6(x) = min(max(0, x), 6)

    Range: [0, 6]
    Derivative: 1 for 0 < x < 6, else 0
    Largest slope: 1, for 0 < x < 6
    Saturates: to 0 for x ≤ 0 and to 6 for x ≥ 6
    Source: Krizhevsky (2010), Convolutional deep belief networks on CIFAR-10.
    """

    torch_name = "HardtanhBackward0"

    def __init__(self) -> None:
        super().__init__(0, 6)


@documented(ReLU6)
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a tensor of any shape, of numbers.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.relu6(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0., 0., 1.])
    """
    x, apply = require_numbers(input, "relu6"), ReLU6().apply
    return change(x, apply) if inplace else apply(x)


class Hardsigmoid(Activation):
    """hardsigmoid(x) = min(max(0, x + 3), 6) / 6

    Range: [0, 1]
    Derivative: 1/6 for −3 < x < 3, else 0
    Largest slope: 0.1667, for −3 < x < 3
    Saturates: to 0 for x ≤ −3 and to 1 for x ≥ 3
    Source: Courbariaux, Bengio and David (2015), BinaryConnect, arXiv:1511.00363 (there with slope ½).
    """

    def value(self, x: Any) -> Any:
        return np.minimum(np.maximum(x + 3, 0), 6) / 6

    def derivative(self, x: Any) -> Any:
        return where((x > -3) & (x < 3), 1 / 6, 0.0)

    def chain(self, grad: Gradient, *values: Any) -> Gradient:
        # Where it is flat, nothing passes: not even ∞.
        return where((values[0] > -3) & (values[0] < 3), super().chain(grad, *values), 0)


@documented(Hardsigmoid)
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.hardsigmoid(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0.3333, 0.5000, 0.6667])
    """
    x, apply = require_floating(input, "hardsigmoid"), Hardsigmoid().apply
    return change(x, apply) if inplace else apply(x)


class Hardswish(Activation):
    """hardswish(x) = x · min(max(0, x + 3), 6) / 6

    Range: [−0.375, ∞)
    Derivative: 0 for x ≤ −3, x/3 + ½ for −3 < x < 3, 1 for x ≥ 3
    Largest slope: 1.5, at 3 from the left
    Saturates: to 0 for x ≤ −3
    Source: Howard et al. (2019), Searching for MobileNetV3, arXiv:1905.02244.
    """

    def value(self, x: Any) -> Any:
        return maximum(-1000.0, x) * np.minimum(np.maximum(x + 3, 0), 6) / 6

    def derivative(self, x: Any) -> Any:
        return where(x <= -3, 0.0, where(x >= 3, 1.0, x / 3 + 0.5))

    def chain(self, grad: Gradient, *values: Any) -> Gradient:
        # Where it is flat, nothing passes: not even ∞.
        return where(values[0] <= -3, 0, super().chain(grad, *values))


@documented(Hardswish)
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.hardswish(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.3333,  0.0000,  0.6667])
    """
    x, apply = require_floating(input, "hardswish"), Hardswish().apply
    return change(x, apply) if inplace else apply(x)


class Hardshrink(Activation):
    """hardshrink(x) = 0 for −λ ≤ x ≤ λ, else x

    Range: (−∞, ∞)
    Derivative: 0 for −λ ≤ x ≤ λ, else 1
    Largest slope: 1, for |x| > λ
    Saturates: to 0 for |x| ≤ λ
    Source: Donoho and Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage.
    """

    wide = AS_IT_IS
    may_warn = False

    def __init__(self, lambd: float) -> None:
        self.lambd = as_number(lambd, "hardshrink", "lambd")

    def value(self, x: Any) -> Any:
        return where((x >= -self.lambd) & (x <= self.lambd), 0, x)  # NaN stays

    def derivative(self, x: Any) -> Any:
        return (x > self.lambd) | (x < -self.lambd)


@documented(Hardshrink)
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        lambd: λ.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.hardshrink(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-1.,  0.,  1.])
    """
    return Hardshrink(lambd).apply(require_floating(input, "hardshrink"))


class Softshrink(Activation):
    """softshrink(x) = x − λ for x > λ, x + λ for x < −λ, else 0

    Range: (−∞, ∞)
    Derivative: 0 for −λ ≤ x ≤ λ, else 1
    Largest slope: 1, for |x| > λ
    Saturates: to 0 for |x| ≤ λ
    Source: Donoho and Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage.
    """

    wide = AS_IT_IS

    def __init__(self, lambd: float) -> None:
        self.lambd = as_number(lambd, "softshrink", "lambd")
        if not self.lambd >= 0:
            raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}")

    def value(self, x: Any) -> Any:
        return where(x > self.lambd, x - self.lambd, where(x < -self.lambd, x + self.lambd, 0 * x))

    def derivative(self, x: Any) -> Any:
        return (x > self.lambd) | (x < -self.lambd)


@documented(Softshrink)
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        lambd: λ, not below 0.

    Raises:
        RuntimeError: if λ is below 0.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.softshrink(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.5000,  0.0000,  0.5000])
    """
    return Softshrink(lambd).apply(require_floating(input, "softshrink"))


class Tanhshrink(Activation):
    """tanhshrink(x) = x − tanh(x)

    Range: (−∞, ∞)
    Derivative: tanh(x)²
    Largest slope: 1, at ±∞
    Saturates: nowhere
    Source: Kavukcuoglu, Ranzato and LeCun (2010), Fast inference in sparse coding algorithms, arXiv:1010.3467.
    """

    torch_name = "SubBackward0"

    def value(self, x: Any) -> Any:
        # Near 0 the two cancel; there the first terms of the series are exact to the last digit.
        x2 = x * x
        series = x * x2 * (1 / 3 - x2 * (2 / 15 - x2 * (17 / 315)))
        return where(x2 < 1e-5, series, x - np.tanh(x))

    def derivative(self, x: Any) -> Any:
        t = np.tanh(x)
        return t * t


@documented(Tanhshrink)
def tanhshrink(input: Tensor) -> Tensor:
    """
    Args:
        input: a tensor of any shape; integers are taken as float32.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.tanhshrink(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.2384,  0.0000,  0.2384])
    """
    return Tanhshrink().apply(as_floating(input, "tanhshrink"))


class Threshold(Activation):
    """threshold(x) = x for x > t, else v

    Range: (t, ∞) and v
    Derivative: 1 for x > t, else 0
    Largest slope: 1, for x > t
    Saturates: to v for x ≤ t
    Source: PyTorch's generalization of ReLU, which is t = v = 0.
    """

    wide = AS_IT_IS
    may_warn = False

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold, self.otherwise = threshold, value

    def value(self, x: Any) -> Any:
        return where(x <= self.threshold, np.asarray(self.otherwise).astype(x.dtype), x)

    def derivative(self, x: Any) -> Any:
        return ~(x <= self.threshold)


@documented(Threshold)
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """
    Args:
        input: a tensor of any shape, of numbers.
        threshold: t.
        value: v.
        inplace: whether the result replaces the input's elements.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.threshold(tinyact.tensor([-1.0, 0.0, 1.0]), 0.5, 20.0)
        tensor([20., 20.,  1.])
    """
    x, apply = require_tensor(input, "threshold"), Threshold(threshold, value).apply
    if x.array.dtype == np.bool_:
        raise NotImplementedError("threshold takes numbers, got torch.bool")
    return change(x, apply) if inplace else apply(x)


class ReLUSquared(Activation):
    """ReLU²(x) = max(0, x)²

    Range: [0, ∞)
    Derivative: 2·max(0, x)
    Largest slope: ∞, at ∞
    Saturates: to 0 for x ≤ 0
    Source: So, Mańke, Liu, Dai, Shazeer and Le (2021), Primer: Searching for efficient transformers for language
    modeling, arXiv:2109.08668.
    """

    def value(self, x: Any) -> Any:
        m = np.maximum(x, 0)
        return m * m

    def derivative(self, x: Any) -> Any:
        return 2 * ReLU()(x)


@documented(ReLUSquared)
def relu_squared(input: Tensor) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.relu_squared(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([0., 0., 1.])
    """
    return ReLUSquared().apply(require_floating(input, "relu_squared"))


class Snake(Activation):
    """snake(x) = x + sin²(αx) / α

    Range: (−∞, ∞)
    Derivative: 1 + sin(2αx)
    Largest slope: 2, at π/(4α) and every π/α from there
    Saturates: nowhere
    Source: Ziyin, Hartwig and Ueda (2020), Neural networks fail to learn periodic functions and how to fix it,
    arXiv:2006.08195.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = as_number(alpha, "snake", "alpha")
        if self.alpha == 0:
            raise ValueError("snake takes an alpha other than 0")

    def value(self, x: Any) -> Any:
        s = np.sin(self.alpha * x)
        return x + s * s / self.alpha

    def derivative(self, x: Any) -> Any:
        return 1 + np.sin(2 * self.alpha * x)


@documented(Snake)
def snake(input: Tensor, alpha: float = 1.0) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        alpha: α, not 0.

    Raises:
        ValueError: if α is 0.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.snake(tinyact.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.2919,  0.0000,  1.7081])
    """
    return Snake(alpha).apply(require_floating(input, "snake"))


class Swish(Operation):
    """swish(x) = x·σ(βx)

    Range: [−0.2785/β, ∞)
    Derivative: ∂/∂x = s · (1 + βx·(1 − s)), ∂/∂β = x²·s·(1 − s), with s = σ(βx)
    Largest slope: 1.0998, at 2.3994/β
    Saturates: to 0 at −∞
    Source: Ramachandran, Zoph and Le (2017), Searching for activation functions, arXiv:1710.05941.
    """

    def forward(self, x: Any, beta: Any) -> Any:
        s = sigma(beta * x)
        return where(s == 0, 0, x * s)  # not −∞ · 0 = NaN

    def grad_x(self, grad: Gradient, x: Any, beta: Any) -> Gradient:
        z = bounded(beta * x)
        s = sigma(z)
        return grad * (s * (1 + z * (1 - s)))

    def grad_beta(self, grad: Gradient, x: Any, beta: Any) -> Gradient:
        s = sigma(beta * x)
        x = bounded(x)
        return grad * (x * x * (s * (1 - s)))


@documented(Swish)
def swish(input: Tensor, beta: Tensor | float = 1.0) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        beta: β, a number, or a tensor (one element) to be learned.

    Raises:
        RuntimeError: if β is a tensor of more than one element, or of another dtype.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.swish(tinyact.tensor([-1.0, 0.0, 1.0]), beta=2.0)
        tensor([-0.1192,  0.0000,  0.8808])
    """
    x = require_floating(input, "swish")
    if not isinstance(beta, Tensor):
        return Swish().apply(x, as_number(beta, "swish", "beta"))
    if beta.array.size != 1 or beta.array.dtype != x.array.dtype:
        raise RuntimeError(f"swish takes a beta of one {x.dtype} element, got {beta.dtype} of shape {list(beta.shape)}")
    return Swish().apply(x, reshape(beta, ()))


class PReLU(Operation):
    """PReLU(x) = x for x > 0, a·x for x ≤ 0, with a learned

    Range: (−∞, ∞)
    Derivative: ∂/∂x = 1 for x > 0, a for x ≤ 0; ∂/∂a = 0 for x > 0, x for x ≤ 0
    Largest slope: 1, for x > 0
    Saturates: nowhere
    Source: He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, arXiv:1502.01852.
    """

    torch_name = "PreluKernelBackward0"

    def forward(self, x: Any, a: Any) -> Any:
        return where(x > 0, x, a * x)

    def grad_x(self, grad: Gradient, x: Any, a: Any) -> Gradient:
        return where(x > 0, grad, a * grad)

    def grad_a(self, grad: Gradient, x: Any) -> Gradient:
        return where(x > 0, 0, x * grad)


@documented(PReLU)
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """
    Args:
        input: a floating tensor; its dimension 1 counts the channels (there is one channel if it has no such).
        weight: a above, shape (1,) for all channels or (channels,).

    Raises:
        RuntimeError: if the number of weights is neither 1 nor that of the channels, or the dtypes differ.
    """
    x = require_floating(input, "prelu")
    a = require_floating(weight, "prelu")
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


class RReLU(PReLU):
    """RReLU(x) = x for x > 0, a·x for x ≤ 0, with a drawn anew for each element

    Range: (−∞, ∞)
    Derivative: 1 for x > 0, a for x ≤ 0
    Largest slope: 1, for x > 0
    Saturates: nowhere
    Source: Xu, Wang, Chen and Li (2015), Empirical evaluation of rectified activations in convolutional network,
    arXiv:1505.00853.
    """

    torch_name = "RreluWithNoiseBackward0"


@documented(RReLU)
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        lower, upper: a is uniform in [lower, upper) in training; else it is their mean.
        training: whether a is drawn. It is PyTorch's for the same seed.
        inplace: whether the result replaces the input's elements.

    Raises:
        RuntimeError: if lower is above upper.
    """
    x = require_floating(input, "rrelu")
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, got {lower} and {upper}")
    slopes: Any = (lower + upper) / 2
    if training:
        slopes = _random_slopes(x.array, lower, upper)
    return change(x, RReLU().apply, slopes) if inplace else RReLU().apply(x, slopes)


@dispatched
def _random_slopes(x: Any, lower: float, upper: float) -> Any:
    """1 where x > 0, elsewhere as many draws as there are elements."""
    slopes = np.ones(x.shape, x.dtype)
    falling = x <= 0
    slopes[falling] = default_generator.uniform((int(falling.sum()),), lower, upper, np.float64)
    return slopes


def sigma(x: Any) -> Any:
    """σ(x) of arrays or tensors."""
    return Sigmoid()(x)


def bounded(x: Any) -> Any:
    """x, but −1000 … 1000: there e^x is 0 or ∞ already, and no limit is lost to ∞ · 0."""
    return np.clip(x, -1000.0, 1000.0)


def negative_part(x: Any) -> Any:
    """min(x, 0); its own derivative is 0 at 0, as PyTorch's second derivatives of ELU have it."""
    return where(x >= 0, 0, x)
