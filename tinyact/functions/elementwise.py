"""Operations that treat every element for itself: the base class, and the functions of school mathematics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tinyact.autograd.operation import Gradient, Operation, Rule, array_of, parameters
from tinyact.dtype import bool_
from tinyact.functions.operand import Tensor, as_floating, cast, documented, layout, require_tensor
from tinyact.kernels import HEAVY, LIGHT, in_a_block, in_blocks, where

__all__ = ["abs", "clone", "cos", "exp", "expm1", "log", "log1p", "neg", "reciprocal", "sin", "sqrt", "square"]

Wide: TypeAlias = Mapping[np.dtype[Any], np.dtype[Any]]
FLOAT32, FLOAT64, BOOL = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.bool_)
AS_IT_IS: Wide = {}
IN_FLOAT64: Wide = {FLOAT32: FLOAT64}
IN_LONGDOUBLE: Wide = {FLOAT32: FLOAT64, FLOAT64: np.dtype(np.longdouble)}


class Elementwise(Operation):
    """y = f(x) for each element, given by ``value(x)`` and ``derivative``.

    The parameters of ``derivative`` say what it wants: the input ``x``, the output ``y``, or both. It may return a
    boolean mask if the derivative is only ever 0 or 1. The chain rule stands here, once for all; and because both are
    functions of single elements, large arrays are processed in blocks, which no formula needs to know.

    Attributes:
        wide: by dtype the wider one in which it is computed, to be rounded once at the end. NumPy's exp, tanh and the
            like are off by two or three units in the last place in float32, and formulas made of them by more. A
            derivative that takes the output alone is computed from it as it is, as in PyTorch: it can't be more exact.
    """

    wide: ClassVar[Wide] = AS_IT_IS
    _wide_derivative: ClassVar[bool] = False

    value: Callable[..., Any]
    derivative: Callable[..., Any]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "derivative"):
            takes = parameters(cls.derivative)[1:]
            if takes not in ((), ("x",), ("y",), ("x", "y")):
                raise TypeError(f"{cls.__name__}.derivative takes x, y or both in this order, not {', '.join(takes)}")
            cls._wide_derivative = bool(cls.wide) and "x" in takes
            cls.rules = (Rule(0, cls.chain, tuple(map(("x", "y").index, takes))),)

    def forward(self, x: Any) -> Any:
        wide = self.wide.get(x.dtype)
        if x.size >= HEAVY:
            return in_blocks(self.value, x.dtype, x, wide=wide, share=HEAVY if self.wide else LIGHT)
        return self.value(x) if wide is None else self.value(x.astype(wide)).astype(x.dtype)

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        """There is one input, so one rule, and it takes all that was saved."""
        return [self.chain(grad, *saved)]

    def chain(self, grad: Gradient, *values: Any) -> Gradient:
        """∂L/∂x = ∂L/∂y · f′(x), with f′(x) rounded to the gradient's dtype."""
        if isinstance(grad, np.ndarray) and grad.size >= HEAVY and not in_a_block():
            share = HEAVY if self._wide_derivative else LIGHT
            return in_blocks(self.chain, grad.dtype, grad, *values, share=share)
        if self._wide_derivative and (wide := self.wide.get(array_of(grad).dtype)) is not None:
            values = tuple(np.astype(value, wide) for value in values)
        slope = self.derivative(*values)
        dtype = getattr(slope, "dtype", None)
        if dtype is None or dtype is grad.dtype:
            return grad * slope
        if dtype in (BOOL, bool_):  # of an array, of a Tensor
            return where(slope, grad, 0)
        return grad * np.astype(slope, array_of(grad).dtype)


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
        return where(x > 0, 1.0, where(x < 0, -1.0, 0.0))


class Exp(Operation):
    """eˣ      d/dx eˣ = eˣ = y"""

    def forward(self, x: Any) -> Any:
        return np.exp(x)

    def grad_x(self, grad: Gradient, y: Any) -> Gradient:
        return grad * y


class Log(Operation):
    """ln x, −∞ at 0 and NaN below      d/dx ln x = 1 / x"""

    def forward(self, x: Any) -> Any:
        return np.log(x)

    def grad_x(self, grad: Gradient, x: Any) -> Gradient:
        return grad / x


class Log1p(Operation):
    """ln(1 + x), accurate near 0      d/dx ln(1 + x) = 1 / (1 + x)"""

    torch_name = "Log1PBackward0"

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

    torch_name = "PowBackward0"

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


class Clone(Operation):
    """A copy of x      d/dx x = 1"""

    may_warn = False

    def __init__(self, in_order: bool = False) -> None:
        self.in_order = in_order

    def forward(self, x: Any) -> Any:
        return x.copy("C" if self.in_order else layout(x))

    def grad_x(self, grad: Gradient) -> Gradient:
        return grad


@documented(Neg)
def neg(input: Tensor) -> Tensor:
    """
    Raises:
        RuntimeError: for booleans.
    """
    if require_tensor(input, "neg").array.dtype == np.bool_:
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
    if require_tensor(input, "abs").array.dtype == np.bool_:
        raise NotImplementedError("abs takes numbers, not booleans")
    return Abs().apply(input)


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
    x = require_tensor(input, "square")
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
    return Clone().apply(require_tensor(input, "clone"))
