"""Matrix products, and the layer y = x·Wᵀ + b as one operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyact.autograd.operation import Gradient, Operation
from tinyact.functions.operand import Tensor, as_operand, require_tensor
from tinyact.functions.shape import squeeze, unsqueeze
from tinyact.kernels import add_row, outer, sum_of_rows, transposed_product

__all__ = ["linear", "matmul", "mm"]


class Matmul(Operation):
    """a·b over the last two dimensions; those before broadcast      ∂L/∂a = g·bᵀ      ∂L/∂b = aᵀ·g, with g = ∂L/∂y"""

    def name(self) -> str:
        return "MmBackward0" if len(self.shape) == 2 else "UnsafeViewBackward0"

    def forward(self, a: Any, b: Any) -> Any:
        return a @ b

    def grad_a(self, grad: Gradient, b: Any) -> Gradient:
        return grad @ b.swapaxes(-1, -2)

    def grad_b(self, grad: Gradient, a: Any) -> Gradient:
        return a.swapaxes(-1, -2) @ grad


class Mv(Operation):
    """A·v, matrix times vector      ∂L/∂A = g·vᵀ      ∂L/∂v = Aᵀ·g, with g = ∂L/∂y"""

    def forward(self, a: Any, v: Any) -> Any:
        return a @ v

    def grad_a(self, grad: Gradient, v: Any) -> Gradient:
        return grad[..., None] * v

    def grad_v(self, grad: Gradient, a: Any) -> Gradient:
        return a * grad[..., None]


class Dot(Operation):
    """v·w = Σ vᵢ wᵢ      ∂/∂v = w      ∂/∂w = v"""

    def forward(self, v: Any, w: Any) -> Any:
        return v @ w

    def grad_v(self, grad: Gradient, w: Any) -> Gradient:
        return grad * w

    def grad_w(self, grad: Gradient, v: Any) -> Gradient:
        return grad * v


class Linear(Operation):
    """y = x·Wᵀ + b      x: (…, in), W: (out, in), b: (out,), y: (…, out)

    With g = ∂L/∂y:      ∂L/∂x = g·W      ∂L/∂W = Σ gᵀ·x over the batch      ∂L/∂b = Σ g over the batch
    """

    def name(self) -> str:
        with_bias = len(self.edges) == 3
        if len(self.shape) == 2:
            return "AddmmBackward0" if with_bias else "MmBackward0"
        if with_bias:
            return "ViewBackward0"
        return "SqueezeBackward4" if len(self.shape) == 1 else "UnsafeViewBackward0"

    def forward(self, x: Any, weight: Any, bias: Any = None) -> Any:
        y = x @ weight.T
        return y if bias is None else add_row(y, bias)

    def grad_x(self, grad: Gradient, weight: Any) -> Gradient:
        # With a single output each product has one term, and BLAS is slower than broadcasting.
        return outer(grad, weight[0]) if weight.shape[0] == 1 else grad @ weight

    def grad_weight(self, grad: Gradient, x: Any) -> Gradient:
        return transposed_product(rows(grad), rows(x))

    def grad_bias(self, grad: Gradient) -> Gradient:
        return sum_of_rows(rows(grad))


def rows(x: Any) -> Any:
    """All dimensions but the last as one."""
    return x if len(x.shape) == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product: of vectors their dot product, of stacks of matrices that of each pair (stacks broadcast).

    Args:
        input, other: tensors (…, n, k) and (…, k, m); vectors (k,) count as a row on the left, a column on the right.

    Returns:
        A tensor (…, n, m), without the dimensions of vectors.

    Raises:
        RuntimeError: if the shapes don't fit or the dtypes differ.

    Example:
        >>> import tinyact
        >>> tinyact.tensor([[1.0, 2.0]]) @ tinyact.tensor([3.0, 4.0])
        tensor([11.])
    """
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)):
        input, other = (require_tensor(as_operand(value), "matmul") for value in (input, other))
    a, b = input.array, other.array
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    _check_product(a, b)
    if b.ndim == 1:
        return (Dot() if a.ndim == 1 else Mv()).apply(input, other)
    if a.ndim == 1:
        return squeeze(matmul(unsqueeze(input, 0), other), -2)
    return Matmul().apply(input, other)


def _check_product(a: Any, b: Any) -> None:
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}")
    inner = b.shape[-1] if b.ndim == 1 else b.shape[-2]
    if a.shape[-1] != inner:
        shapes = ["x".join(map(str, array.shape)) for array in (a, b)]
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shapes[0]} and {shapes[1]})")
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise RuntimeError(f"stacks of matrices {a.shape[:-2]} and {b.shape[:-2]} do not broadcast") from None


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices (n, k) and (k, m), without broadcasting.

    Raises:
        RuntimeError: if one is no matrix, the shapes don't fit or the dtypes differ.
    """
    if require_tensor(input, "mm").array.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if require_tensor(mat2, "mm").array.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    return matmul(input, mat2)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x·Wᵀ + b.

    ∂L/∂x = g·W      ∂L/∂W = gᵀ·x      ∂L/∂b = Σ g over the batch, with g = ∂L/∂y

    Args:
        input: x, shape (…, in).
        weight: W, shape (out, in), or (in,) for a single output without dimension.
        bias: b, shape (out,), or () for a single output (unless x is a matrix).

    Returns:
        A tensor (…, out).

    Raises:
        RuntimeError: if the shapes don't fit or the dtypes differ.
    """
    x, w = require_tensor(input, "linear").array, require_tensor(weight, "linear").array
    if w.ndim not in (1, 2):
        raise RuntimeError(f"linear takes a weight of shape (out, in) or (in,), got {w.shape}")
    if x.ndim == 0 or x.shape[-1] != w.shape[-1]:
        size = f"({w.shape[-1]}, {w.shape[0]})" if w.ndim == 2 else f"({w.shape[0]},)"
        raise RuntimeError(f"Linear{size} takes inputs of width {w.shape[-1]}, got {x.shape}")
    if x.dtype != w.dtype or (bias is not None and bias.array.dtype != w.dtype):
        dtypes = [x.dtype.name, w.dtype.name] + ([] if bias is None else [bias.array.dtype.name])
        raise RuntimeError(f"linear takes input, weight and bias of one dtype, got {', '.join(dtypes)}")
    if w.ndim == 1:
        if bias is not None and (x.ndim == 2 or bias.array.ndim > 0):
            raise RuntimeError(f"linear takes a weight of shape (out, in) for a bias, got {w.shape}")  # as in PyTorch
        y = matmul(input, weight)
        return y if bias is None else y + bias
    if bias is None:
        return Linear().apply(input, weight)
    if bias.array.shape != w.shape[:1]:
        raise RuntimeError(f"linear with weight {w.shape} takes a bias of shape {w.shape[:1]}, got {bias.array.shape}")
    return Linear().apply(input, weight, bias)
