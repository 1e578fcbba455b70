"""Operations that treat every element for itself: the base class, and the functions of school mathematics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinyact.autograd import engine
from tinyact.autograd.engine import Gradient, Operation, Rule, parameters
from tinyact.functions.operand import as_floating, cast, documented
from tinyact.parallel import in_blocks

if TYPE_CHECKING:
    from tinyact.tensor import Tensor


# So many elements are worth a thread of their own: fewer of those that are computed in float64.
HEAVY, LIGHT = 1 << 17, 1 << 20
FLOAT32, FLOAT64, BOOL = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.bool_)


class Keep(Operation):
    """x where the mask is true, elsewhere exactly 0      ∂L/∂x = ∂L/∂y where the mask is true, elsewhere 0

    Not x · mask: that would make NaN of ∞ · 0. And not ``np.where``, which branches at every element and takes many
    times as long on a mask without pattern: here the bits of x, taken as an integer, are multiplied with 1 or 0.
    """

    may_warn = False

    def forward(self, x: Any, mask: Any) -> Any:
        return kept(x, mask)

    def grad_x(self, grad: Gradient, mask: Any) -> Gradient:
        return keep(grad, mask)


def kept(x: Any, mask: Any) -> Any:
    """`Keep` on arrays."""
    bits = np.int32 if x.dtype == FLOAT32 else np.int64
    return (x.view(bits) * mask).view(x.dtype)


def keep(x: Any, mask: Any) -> Any:
    """`Keep` on arrays or tensors."""
    if isinstance(x, engine.Tensor) or isinstance(mask, engine.Tensor):
        return Keep().apply(x, mask)
    return kept(x, mask)


class Choose(Operation):
    """a where the mask is true, else b      ∂L/∂a = ∂L/∂y where it is true, else 0      ∂L/∂b the other way round

    ``np.where`` without a branch at every element, as in `Keep`: b's bits, with those in which a differs flipped where
    the mask is true. ``like`` has the dtype, so that a and b may be numbers.
    """

    may_warn = False

    def forward(self, mask: Any, a: Any, b: Any, like: Any) -> Any:
        bits = np.int32 if like.dtype == FLOAT32 else np.int64
        a, b = (np.asarray(value, like.dtype).view(bits) for value in (a, b))
        return (b ^ ((a ^ b) * mask)).view(like.dtype)

    def grad_a(self, grad: Gradient, mask: Any) -> Gradient:
        return keep(grad, mask)

    def grad_b(self, grad: Gradient, mask: Any) -> Gradient:
        return keep(grad, ~mask)


def choose(mask: Any, a: Any, b: Any, like: Any) -> Any:
    """`Choose` on arrays or tensors."""
    # Only the dtype is wanted, which has no derivative.
    return Choose()(mask, a, b, like.array if isinstance(like, engine.Tensor) else like)


class Elementwise(Operation):
    """y = f(x) for each element, given by ``value(x)`` and ``derivative``.

    The parameters of ``derivative`` say what it wants: the input ``x``, the output ``y``, or both. It may return a
    boolean mask if the derivative is only ever 0 or 1. The chain rule stands here, once for all; and because both are
    functions of single elements, large arrays are worked off in blocks, which no formula needs to know.

    Attributes:
        precise: whether float32 is computed in float64 and rounded once at the end. NumPy's exp, tanh and the like are
            off by two or three units in the last place in float32, and formulas made of them by more. A derivative
            that takes the output alone is computed from it as it is, as in PyTorch: it can't be more exact.
    """

    precise: ClassVar[bool] = False
    _wide_slope: ClassVar[bool] = False

    value: Callable[..., Any]
    derivative: Callable[..., Any]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "derivative"):
            wants = parameters(cls.derivative)[1:]
            cls._wide_slope = cls.precise and "x" in wants
            cls._rules = (Rule(0, Elementwise.chain, tuple(("x", "y").index(name) for name in wants)),)

    def forward(self, x: Any) -> Any:
        if x.size >= HEAVY:
            return in_blocks(self.rounded_value, x.dtype, x, share=HEAVY if self.precise else LIGHT)
        return self.rounded_value(x)

    def rounded_value(self, x: Any) -> Any:
        """f(x), rounded to x's dtype."""
        if self.precise and x.dtype == FLOAT32:
            return self.value(x.astype(FLOAT64)).astype(FLOAT32)
        return self.value(x)

    def chain(self, grad: Gradient, *values: Any) -> Gradient:
        """∂L/∂x = ∂L/∂y · f′(x)"""
        if type(grad) is np.ndarray and grad.size >= HEAVY:
            return in_blocks(self.rounded_chain, grad.dtype, grad, *values, share=HEAVY if self._wide_slope else LIGHT)
        return self.rounded_chain(grad, *values)

    def rounded_chain(self, grad: Gradient, *values: Any) -> Gradient:
        """∂L/∂y · f′(x), with f′(x) rounded to x's dtype."""
        if self._wide_slope:
            return grad * narrowed(self.derivative(*map(widened, values)), grad)
        slope = self.derivative(*values)
        return keep(grad, slope) if is_mask(slope) else grad * slope


def widened(x: Any) -> Any:
    """An array or a tensor as float64."""
    return cast(x, FLOAT64) if isinstance(x, engine.Tensor) else x.astype(FLOAT64)


def narrowed(slope: Any, grad: Gradient) -> Any:
    """A slope, an array or a tensor, in the dtype of the gradient that it is multiplied with."""
    if isinstance(slope, engine.Tensor):
        return cast(slope, (grad.array if isinstance(grad, engine.Tensor) else grad).dtype)
    return slope.astype(grad.dtype, copy=False)


def is_mask(value: Any) -> bool:
    """Whether it holds booleans, as an array or as a tensor."""
    if isinstance(value, engine.Tensor):
        value = value.array
    return getattr(value, "dtype", None) is BOOL


class Neg(Elementwise):
    """−x      d/dx (−x) = −1"""

    def value(self, x: Any) -> Any:
        return -x

    def derivative(self) -> Any:
        return -1.0


class Abs(Elementwise):
    """|x|      d/dx |x| = 1 for x > 0, −1 for x < 0, 0 at 0"""

    def value(self, x: Any) -> Any:
        return np.abs(x)

    def derivative(self, x: Any) -> Any:
        return choose(x > 0, 1.0, choose(x < 0, -1.0, 0.0, x), x)


class Exp(Elementwise):
    """eˣ      d/dx eˣ = eˣ"""

    def value(self, x: Any) -> Any:
        return np.exp(x)

    def derivative(self, y: Any) -> Any:
        return y


class Log(Operation):
    """ln x, −∞ at 0 and NaN below      d/dx ln x = 1 / x"""

    def forward(self, x: Any) -> Any:
        return np.log(x)

    def grad_x(self, grad: Gradient, x: Any) -> Gradient:
        return grad / x


class Log1p(Operation):
    """ln(1 + x), accurate near 0      d/dx ln(1 + x) = 1 / (1 + x)"""

    def name(self) -> str:
        return "Log1PBackward0"

    def forward(self, x: Any) -> Any:
        return np.log1p(x)

    def grad_x(self, grad: Gradient, x: Any) -> Gradient:
        return grad / (x + 1)


class Expm1(Elementwise):
    """eˣ − 1, accurate near 0      d/dx (eˣ − 1) = eˣ = y + 1"""

    def value(self, x: Any) -> Any:
        return np.expm1(x)

    def derivative(self, y: Any) -> Any:
        return y + 1


class Sqrt(Operation):
    """√x, NaN below 0      d/dx √x = 1 / (2√x)"""

    def forward(self, x: Any) -> Any:
        return np.sqrt(x)

    def grad_x(self, grad: Gradient, y: Any) -> Gradient:
        return grad / (2 * y)


class Square(Elementwise):
    """x²      d/dx x² = 2x"""

    def name(self) -> str:
        return "PowBackward0"

    def value(self, x: Any) -> Any:
        return x * x

    def derivative(self, x: Any) -> Any:
        return 2 * x


class Reciprocal(Elementwise):
    """1 / x      d/dx 1/x = −1/x² = −y²"""

    def value(self, x: Any) -> Any:
        return 1 / x

    def derivative(self, y: Any) -> Any:
        return -y * y


class Sin(Elementwise):
    """sin x      d/dx sin x = cos x"""

    def value(self, x: Any) -> Any:
        return np.sin(x)

    def derivative(self, x: Any) -> Any:
        return np.cos(x)


class Cos(Elementwise):
    """cos x      d/dx cos x = −sin x"""

    def value(self, x: Any) -> Any:
        return np.cos(x)

    def derivative(self, x: Any) -> Any:
        return -np.sin(x)


class Clone(Elementwise):
    """A copy of x      d/dx x = 1"""

    def value(self, x: Any) -> Any:
        return x.copy()

    def derivative(self) -> Any:
        return 1.0


def as_tensor_operand(input: Any, name: str) -> Tensor:
    """The tensor, or PyTorch's error if it is none."""
    if not isinstance(input, engine.Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
    return input


@documented(Neg)
def neg(input: Tensor) -> Tensor:
    """
    Raises:
        RuntimeError: for booleans.
    """
    if as_tensor_operand(input, "neg").array.dtype == np.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    return Neg().apply(input)


@documented(Abs)
def abs(input: Tensor) -> Tensor:
    """
    Raises:
        NotImplementedError: for booleans.
    """
    if as_tensor_operand(input, "abs").array.dtype == np.bool_:
        raise NotImplementedError("abs takes numbers, not booleans")
    return Abs().apply(as_tensor_operand(input, "abs"))


@documented(Exp)
def exp(input: Tensor) -> Tensor:
    return Exp().apply(as_floating(input, "exp"))


@documented(Log)
def log(input: Tensor) -> Tensor:
    return Log().apply(as_floating(input, "log"))


@documented(Log1p)
def log1p(input: Tensor) -> Tensor:
    return Log1p().apply(as_floating(input, "log1p"))


@documented(Expm1)
def expm1(input: Tensor) -> Tensor:
    return Expm1().apply(as_floating(input, "expm1"))


@documented(Sqrt)
def sqrt(input: Tensor) -> Tensor:
    return Sqrt().apply(as_floating(input, "sqrt"))


@documented(Square)
def square(input: Tensor) -> Tensor:
    x = as_tensor_operand(input, "square")
    return Square().apply(cast(x, np.dtype(np.int64)) if x.array.dtype == np.bool_ else x)


@documented(Reciprocal)
def reciprocal(input: Tensor) -> Tensor:
    return Reciprocal().apply(as_floating(input, "reciprocal"))


@documented(Sin)
def sin(input: Tensor) -> Tensor:
    return Sin().apply(as_floating(input, "sin"))


@documented(Cos)
def cos(input: Tensor) -> Tensor:
    return Cos().apply(as_floating(input, "cos"))


@documented(Clone)
def clone(input: Tensor) -> Tensor:
    return Clone().apply(as_tensor_operand(input, "clone"))
