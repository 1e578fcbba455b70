"""Operations on two or three operands that broadcast: + − · / ^, maximum and minimum, clamp, where."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyact import kernels
from tinyact.autograd.operation import Gradient, Operation, wrap
from tinyact.dtype import promoted
from tinyact.functions.elementwise import reciprocal
from tinyact.functions.operand import (
    Tensor,
    as_element,
    as_operand,
    binary,
    check_broadcast,
    common,
    documented,
    require_tensor,
)

__all__ = ["add", "clamp", "div", "maximum", "minimum", "mul", "pow", "sub", "where"]


class Add(Operation):
    """a + b      ∂/∂a = 1      ∂/∂b = 1"""

    def forward(self, a: Any, b: Any) -> Any:
        return a + b

    def grad_a(self, grad: Gradient) -> Gradient:
        return grad

    def grad_b(self, grad: Gradient) -> Gradient:
        return grad


class Sub(Operation):
    """a − b      ∂/∂a = 1      ∂/∂b = −1"""

    def forward(self, a: Any, b: Any) -> Any:
        return a - b

    def grad_a(self, grad: Gradient) -> Gradient:
        return grad

    def grad_b(self, grad: Gradient) -> Gradient:
        return -grad


class AddScaled(Operation):
    """a + α·b      ∂/∂a = 1      ∂/∂b = α"""

    def __init__(self, alpha: Any, torch_name: str) -> None:
        self.alpha = alpha
        self.torch_name = torch_name

    def forward(self, a: Any, b: Any) -> Any:
        return a + self.alpha * b

    def grad_a(self, grad: Gradient) -> Gradient:
        return grad

    def grad_b(self, grad: Gradient) -> Gradient:
        return grad * self.alpha


class Rsub(Sub):
    """b − a, with the tensor on the right of the minus sign"""

    torch_name = "RsubBackward1"


class Mul(Operation):
    """a · b      ∂/∂a = b      ∂/∂b = a"""

    def forward(self, a: Any, b: Any) -> Any:
        return a * b

    def grad_a(self, grad: Gradient, b: Any) -> Gradient:
        return grad * b

    def grad_b(self, grad: Gradient, a: Any) -> Gradient:
        return grad * a


class Div(Operation):
    """a / b      ∂/∂a = 1/b      ∂/∂b = −a/b² = −(a/b)/b"""

    def forward(self, a: Any, b: Any) -> Any:
        return a / b

    def grad_a(self, grad: Gradient, b: Any) -> Gradient:
        return grad / b

    def grad_b(self, grad: Gradient, a: Any, b: Any) -> Gradient:
        return -grad * ((a / b) / b)


class Pow(Operation):
    """aᵇ      ∂/∂a = b·aᵇ⁻¹, 0 for b = 0      ∂/∂b = aᵇ·ln a, 0 for a = 0 and b ≥ 0"""

    def __init__(self, variant: int) -> None:
        self.variant = variant
        self.torch_name = f"PowBackward{variant}"

    def forward(self, a: Any, b: Any) -> Any:
        # At −0 and −∞ roots and powers differ. PyTorch takes roots for exponents ±½ that are numbers, and never else;
        # NumPy for ½ as soon as there is only one exponent.
        if type(b) is float:
            return 1 / np.sqrt(a) if b == -0.5 else a**b
        shape = np.broadcast_shapes(np.shape(a), b.shape)
        exponents = np.broadcast_to(b, shape or 1).copy()
        if b.dtype.kind == "i" and (negative := exponents < 0).any():
            # 1/aⁿ cut off: 0 but for 1 and −1.
            exponents = np.where(negative, exponents & 1, exponents)
            a = np.where(negative.reshape(shape) & (np.abs(a) != 1), 0, a)
            return np.where(negative & (a == 0), 0, np.power(a, exponents)).reshape(shape)
        return np.power(a, exponents).reshape(shape)

    def grad_a(self, grad: Gradient, a: Any, b: Any) -> Gradient:
        if type(b) is float and b == 0:
            return np.where(True, 0.0, grad)
        return np.where(b == 0, 0.0, grad * (b * Pow(self.variant)(a, b - 1)))

    def grad_b(self, grad: Gradient, a: Any, b: Any, y: Any) -> Gradient:
        return grad * np.where((a == 0) & (b >= 0), 0.0, y * np.log(a))


class Maximum(Operation):
    """max(a, b), NaN if one is      ∂/∂a = 1 if a > b, ½ if a = b, 0 if a < b      ∂/∂b likewise"""

    may_warn = False
    is_tied = False  # as in PyTorch

    def forward(self, a: Any, b: Any) -> Any:
        return np.maximum(a, b)

    def grad_a(self, grad: Gradient, a: Any, b: Any) -> Gradient:
        return kernels.where(~(a < b), _halved_where_equal(grad, a, b), 0)

    def grad_b(self, grad: Gradient, a: Any, b: Any) -> Gradient:
        return kernels.where(~(a > b), _halved_where_equal(grad, a, b), 0)


class Minimum(Operation):
    """min(a, b), NaN if one is      ∂/∂a = 1 if a < b, ½ if a = b, 0 if a > b      ∂/∂b likewise"""

    may_warn = False
    is_tied = False  # as in PyTorch

    def forward(self, a: Any, b: Any) -> Any:
        return np.minimum(a, b)

    grad_a, grad_b = Maximum.grad_b, Maximum.grad_a  # the smaller is what is not the larger


def _halved_where_equal(grad: Gradient, a: Any, b: Any) -> Gradient:
    return np.where(a == b, grad / 2, grad)


class Clamp(Operation):
    """min(max(x, low), high)      ∂/∂x = 1 for low ≤ x ≤ high, else 0

    ∂/∂low = 1 where x < low < high, ∂/∂high = 1 where x > high or low > high, else 0.
    """

    may_warn = False
    is_tied = False  # as in PyTorch

    def __init__(self, variant: int) -> None:
        self.torch_name = f"ClampBackward{variant}"

    def forward(self, x: Any, low: Any, high: Any) -> Any:
        # high wins where the bounds contradict each other.
        return np.minimum(np.maximum(x, low), high)

    def grad_x(self, grad: Gradient, x: Any, low: Any, high: Any) -> Gradient:
        return kernels.where((x >= low) & (x <= high), grad, 0)

    def grad_low(self, grad: Gradient, x: Any, low: Any, high: Any) -> Gradient:
        return kernels.where((x < low) & (low < high), grad, 0)

    def grad_high(self, grad: Gradient, x: Any, low: Any, high: Any) -> Gradient:
        return kernels.where((x > high) | (low > high), grad, 0)


class Where(Operation):
    """a where the condition holds, else b      ∂/∂a = 1 where it holds, else 0      ∂/∂b the other way round"""

    may_warn = False

    def forward(self, condition: Any, a: Any, b: Any) -> Any:
        return kernels.where(condition, a, b)

    def grad_a(self, grad: Gradient, condition: Any) -> Gradient:
        return kernels.where(condition, grad, 0)

    def grad_b(self, grad: Gradient, condition: Any) -> Gradient:
        return kernels.where(~condition, grad, 0)


@documented(Add)
def add(input: Tensor | float, other: Any, *, alpha: float = 1) -> Tensor:
    """
    Args:
        input, other: tensors, arrays or numbers that broadcast.
        alpha: a factor for ``other``.
    """
    return binary(Add(), input, other) if alpha == 1 else _scaled(Add, input, other, alpha)


@documented(Sub)
def sub(input: Tensor | float, other: Any, *, alpha: float = 1) -> Tensor:
    """
    Args:
        input, other: tensors, arrays or numbers that broadcast.
        alpha: a factor for ``other``.
    """
    refuse_bool(input, other)
    return binary(Sub(), input, other) if alpha == 1 else _scaled(Sub, input, other, alpha)


def _scaled(operation: type[Operation], input: Any, other: Any, alpha: float) -> Tensor:
    input, other = common(input, other)
    dtype: np.dtype[Any] = next(v.array.dtype for v in (input, other) if isinstance(v, Tensor))
    if dtype.kind in "iub" and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if dtype.kind in "iuf" and isinstance(alpha, bool):
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    factor = as_element(alpha if operation is Add else -alpha, dtype)
    return binary(AddScaled(factor, operation.torch_name), input, other)


def rsub(input: Tensor, other: Any) -> Tensor:
    """other − input: the tensor stands on the right."""
    refuse_bool(input, other)
    return binary(Rsub() if not isinstance(other, Tensor) else Sub(), other, input)


def refuse_bool(a: Any, b: Any) -> None:
    """Raise PyTorch's error if one of two operands is boolean."""
    operands = (as_operand(a), as_operand(b))
    bools = [v.array.dtype == np.bool_ if isinstance(v, Tensor) else isinstance(v, bool) for v in operands]
    if any(bools):
        which = "two bool tensors" if bools == [True, True] else "a bool tensor"
        raise RuntimeError(
            f"Subtraction, the `-` operator, with {which} is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )


@documented(Mul)
def mul(input: Tensor | float, other: Any) -> Tensor:
    """
    Args:
        input, other: tensors, arrays or numbers that broadcast.
    """
    return binary(Mul(), input, other)


@documented(Div)
def div(input: Tensor | float, other: Any) -> Tensor:
    """
    Args:
        input, other: tensors, arrays or numbers that broadcast; integers are divided as float32.
    """
    return binary(Div(), input, other, floating=True)


def rdiv(input: Tensor, other: Any) -> Tensor:
    """other / input; for a number as PyTorch computes it: other · (1 / input)."""
    if isinstance(other, (int, float)):
        return mul(reciprocal(input), other)
    return div(other, input)


@documented(Pow)
def pow(input: Tensor | float, exponent: Any) -> Tensor:
    """
    Args:
        input, exponent: tensors, arrays or numbers that broadcast.

    Raises:
        RuntimeError: for an integer tensor to the power of a negative number.
        NotImplementedError: for a boolean to the power of a boolean.
    """
    variant = 1
    if not isinstance(exponent, (Tensor, np.ndarray)):
        variant = 0
        negative = isinstance(exponent, int) and exponent < 0
        if negative and require_tensor(input, "pow").array.dtype.kind != "f":
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        if isinstance(exponent, int) and require_tensor(input, "pow").array.dtype.kind in "iu":
            as_element(exponent, input.array.dtype)  # type: ignore[union-attr]
    elif not isinstance(input, (Tensor, np.ndarray)):
        variant = 2
    dtypes = {v.array.dtype if isinstance(v, Tensor) else np.dtype(type(v)) for v in (input, exponent)}
    if dtypes == {np.dtype(np.bool_)}:
        raise NotImplementedError("pow takes numbers, not booleans")
    return binary(Pow(variant), input, exponent)


def rpow(input: Tensor, other: Any) -> Tensor:
    """other to the power of input: the tensor is the exponent."""
    return pow(other, input)


@documented(Maximum)
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """
    Args:
        input, other: tensors that broadcast.

    Raises:
        TypeError: if one is no tensor.
    """
    return binary(Maximum(), require_tensor(input, "maximum"), require_tensor(other, "maximum", "other"))


@documented(Minimum)
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """
    Args:
        input, other: tensors that broadcast.

    Raises:
        TypeError: if one is no tensor.
    """
    return binary(Minimum(), require_tensor(input, "minimum"), require_tensor(other, "minimum", "other"))


@documented(Clamp)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """
    Args:
        input: a tensor.
        min, max: the bounds, as numbers or as tensors that broadcast; one may be left out.

    Raises:
        TypeError: if one is a number and the other a tensor with dimensions.
        RuntimeError: if both are left out, or the dtype can't hold a bound.
        NotImplementedError: for booleans between booleans.
    """
    require_tensor(input, "clamp")
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    variant = 0 if any(isinstance(bound, Tensor) for bound in (min, max)) else 1
    bounds = [v for v in (min, max) if v is not None]
    if len({isinstance(v, Tensor) for v in bounds}) == 2 and any(
        isinstance(v, Tensor) and v.array.ndim for v in bounds
    ):
        raise TypeError("clamp() takes two numbers or two tensors as bounds, not one of each")
    values = common(input, *bounds)
    dtype = values[0].array.dtype
    if dtype == np.bool_ and not (len(bounds) == 1 and isinstance(bounds[0], Tensor)):
        raise NotImplementedError("clamp takes numbers, not booleans")  # between one bound it is maximum or minimum
    for bound in bounds:
        if not isinstance(bound, (Tensor, np.ndarray)):
            as_element(bound, dtype)
    least, greatest = _range_of(dtype)
    low = values[1] if min is not None else least
    high = values[-1] if max is not None else greatest
    try:
        return Clamp(variant).apply(values[0], low, high)
    except ValueError:
        check_broadcast(*values)
        raise


def _range_of(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Bounds that bound nothing."""
    if dtype.kind == "f":
        return -np.inf, np.inf
    if dtype.kind == "b":
        return False, True
    return np.iinfo(dtype).min, np.iinfo(dtype).max


@documented(Where)
def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """
    Args:
        condition: a tensor of booleans.
        input, other: tensors or numbers; all three broadcast.

    Raises:
        RuntimeError: if the condition is not boolean or the shapes don't broadcast.
    """
    if not isinstance(condition, Tensor):
        condition = wrap(np.asarray(condition))
    if condition.array.dtype != np.bool_:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = wrap(np.asarray(input, promoted((input,))))
    a, b = common(input, other)
    for number in (input, other):
        if not isinstance(number, (Tensor, np.ndarray)):
            as_element(number, (a if number is other else b).array.dtype)
    # A bare number would widen float32 to float64 here.
    a, b = (np.asarray(v, (b if v is a else a).array.dtype) if isinstance(v, float) else v for v in (a, b))
    try:
        return Where().apply(condition, a, b)
    except ValueError:
        check_broadcast(condition, a, b)
        raise
