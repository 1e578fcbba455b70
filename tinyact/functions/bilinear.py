"""The bilinear layer: for each output a sum over all products of an element of one input with one of the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyact.autograd.operation import Gradient, Operation
from tinyact.autograd.sums import total
from tinyact.functions.operand import Tensor, documented, require_tensor
from tinyact.functions.shape import reshape

__all__ = ["bilinear"]


class Bilinear(Operation):
    """yₖ = aᵀ·Wₖ·b + cₖ      a: (N, left), b: (N, right), W: (out, left, right), c: (out,), y: (N, out)

    With g = ∂L/∂y:      ∂L/∂a = Σ gₖ·Wₖ·b over k      ∂L/∂b = Σ gₖ·Wₖᵀ·a over k      ∂L/∂W = Σ gₖ·a·bᵀ over the batch
         ∂L/∂c = Σ g over the batch
    """

    def name(self) -> str:
        return "AddBackward0" if len(self.edges) == 4 else "ViewBackward0"

    def forward(self, a: Any, b: Any, weight: Any, c: Any = None) -> Any:
        y = np.sum(a @ weight * b, -1).T  # a @ weight: (out, N, right)
        return y.copy() if c is None else y + c

    def grad_a(self, grad: Gradient, b: Any, weight: Any) -> Gradient:
        return np.sum(grad.T[..., None] * (b @ weight.swapaxes(-1, -2)), 0)

    def grad_b(self, grad: Gradient, a: Any, weight: Any) -> Gradient:
        return np.sum(grad.T[..., None] * (a @ weight), 0)

    def grad_weight(self, grad: Gradient, a: Any, b: Any) -> Gradient:
        return (grad.T[..., None] * a).swapaxes(-1, -2) @ b

    def grad_c(self, grad: Gradient) -> Gradient:
        return total(grad, (0,))


@documented(Bilinear)
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """
    Args:
        input1: a, shape (…, left).
        input2: b, shape (…, right).
        weight: W, shape (out, left, right).
        bias: c, shape (out,); 0 if left out.

    Returns:
        A tensor (…, out).

    Raises:
        RuntimeError: if the shapes don't fit or the dtypes differ.

    Example:
        >>> import tinyact
        >>> a, b = tinyact.tensor([[1.0, 2.0]]), tinyact.tensor([[3.0, 4.0]])
        >>> tinyact.nn.functional.bilinear(a, b, tinyact.ones(1, 2, 2))
        tensor([[21.]])
    """
    names = ("input1", "input2", "weight", "bias")
    operands = (input1, input2, weight) if bias is None else (input1, input2, weight, bias)
    a, b, w, *c = (require_tensor(t, "bilinear", name).array for t, name in zip(operands, names, strict=False))
    if a.ndim == 0 or a.shape[:-1] != b.shape[:-1]:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {list(a.shape)} and {list(b.shape)}")
    if w.ndim != 3 or (a.shape[-1], b.shape[-1]) != w.shape[1:]:
        raise RuntimeError(f"bilinear takes a weight (out, {a.shape[-1]}, {b.shape[-1]}), got one of {list(w.shape)}")
    if c and c[0].shape != w.shape[:1]:
        raise RuntimeError(f"bilinear with weight {w.shape} takes a bias of shape {w.shape[:1]}, got {c[0].shape}")
    if len({a.dtype, b.dtype, w.dtype, *(each.dtype for each in c)}) > 1:
        raise RuntimeError(f"bilinear takes tensors of one dtype, got {', '.join(str(t.dtype) for t in operands)}")
    if a.ndim == 2:
        return Bilinear().apply(*operands)
    count = math.prod(a.shape[:-1])
    flat = reshape(input1, count, a.shape[-1]), reshape(input2, count, b.shape[-1])
    return reshape(Bilinear().apply(*flat, *operands[2:]), *a.shape[:-1], len(w))
