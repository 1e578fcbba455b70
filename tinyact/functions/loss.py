"""Loss functions: how far outputs are from targets, as one operation each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinyact.autograd.engine import Gradient, Operation
from tinyact.functions.elementwise import as_tensor_operand
from tinyact.functions.operand import documented

if TYPE_CHECKING:
    from tinyact.tensor import Tensor


class Loss(Operation):
    """A loss per element, then nothing, the mean or the sum of it."""

    def __init__(self, reduction: str) -> None:
        self.reduction = reduction

    def reduced(self, losses: Any) -> Any:
        """The losses by this reduction."""
        if self.reduction == "none":
            return losses
        total = losses.sum()
        return total / losses.dtype.type(losses.size) if self.reduction == "mean" else total

    def per_element(self, grad: Gradient, count: int) -> Gradient:
        """∂L/∂(loss of one element), from the gradient of the reduced loss."""
        return grad / count if self.reduction == "mean" and count else grad


# PyTorch's 10⁻¹² is a float32 number, for float64 losses too.
_EPSILON = float(np.float32(1e-12))


class BinaryCrossEntropy(Loss):
    """−w·(t·ln x + (1 − t)·ln(1 − x)), the logarithms held above −100

    ∂/∂x = w·(x − t) / (x·(1 − x)), the denominator held above 10⁻¹²      ∂/∂t = w·(ln(1 − x) − ln x)
    """

    def forward(self, x: Any, t: Any, w: Any) -> Any:
        return self.reduced(((t - 1) * np.maximum(np.log1p(-x), -100) - t * np.maximum(np.log(x), -100)) * w)

    def grad_x(self, grad: Gradient, x: Any, t: Any, w: Any) -> Gradient:
        return self.per_element(grad, size(x)) * (x - t) / np.maximum((1 - x) * x, _EPSILON) * w

    def grad_t(self, grad: Gradient, x: Any, w: Any) -> Gradient:
        return self.per_element(grad, size(x)) * (np.log(1 - x) - np.log(x)) * w


def size(x: Any) -> int:
    """How many elements an array or a tensor has."""
    n = 1
    for length in x.shape:
        n *= length
    return n


def check_reduction(reduction: str) -> str:
    """The reduction, if there is one of that name.

    Raises:
        ValueError: if there is none.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


@documented(BinaryCrossEntropy)
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """
    Args:
        input: x, probabilities, a floating tensor of any shape.
        target: t, between 0 and 1, of the same shape and dtype.
        weight: w, of a shape that broadcasts to the input's; 1 if left out. It has no gradient.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor without dimensions, or for ``"none"`` one of the input's shape.

    Raises:
        ValueError: if the shapes differ or there is no such reduction.
        RuntimeError: if dtypes differ, an input or target is outside [0, 1], or the weight requires gradients.

    Example:
        >>> import tinyact
        >>> x, t = tinyact.tensor([0.9, 0.2]), tinyact.tensor([1.0, 0.0])
        >>> tinyact.nn.functional.binary_cross_entropy(x, t)
        tensor(0.1643)
    """
    check_reduction(reduction)
    x, t = (
        as_tensor_operand(input, "binary_cross_entropy").array,
        as_tensor_operand(target, "binary_cross_entropy").array,
    )
    if x.shape != t.shape:
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    _check_dtype(input, target)
    for name, array in (("input", x), ("target", t)):
        # NaN is refused too: neither comparison holds for it.
        if array.size and not (array.min() >= 0 and array.max() <= 1):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    if weight is None:
        return BinaryCrossEntropy(reduction).apply(input, target, 1.0)
    _check_dtype(input, weight)
    if weight.requires_grad:
        raise RuntimeError(
            "The function 'binary_cross_entropy' is not differentiable with respect to argument 'weight'. This input "
            "cannot have requires_grad True."
        )
    try:
        np.broadcast_to(weight.array, x.shape)
    except ValueError:
        raise RuntimeError(
            f"a weight of shape {weight.array.shape} does not broadcast to the input's {x.shape}"
        ) from None
    return BinaryCrossEntropy(reduction).apply(input, target, weight)


_KINDS = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "bool": "Bool"}


def _check_dtype(input: Tensor, other: Tensor) -> None:
    expected, found = input.array.dtype, other.array.dtype
    if found != expected or found.kind != "f":
        kinds = [_KINDS.get(dtype.name, dtype.name) for dtype in (found, expected)]
        raise RuntimeError(f"Found dtype {kinds[0]} but expected {kinds[1]}")
