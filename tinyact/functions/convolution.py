"""Convolution: one linear layer, applied to every window of the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinyact.autograd.operation import Gradient, Operation
from tinyact.autograd.sums import total
from tinyact.functions.operand import Tensor, documented, require_tensor
from tinyact.functions.shape import squeeze, unsqueeze
from tinyact.functions.windows import Fold, Frame, Windows, per_dimension

__all__ = ["conv1d", "conv2d"]


class Convolution(Operation):
    """y = W·X + b, X having as its columns the windows of x, all channels of a window below each other

    With g = ∂L/∂y:      ∂L/∂x = Wᵀ·g, each column added where its window lies      ∂L/∂W = Σ g·Xᵀ over the batch
         ∂L/∂b = Σ g over batch and positions

    x: (N, in, …), W: (out, in / groups, kernel), b: (out,), y: (N, out, …). Groups of channels each have products of
    their own.
    """

    def __init__(self, frame: Frame, groups: int) -> None:
        self.frame = frame
        self.groups = groups
        self.sizes: tuple[int, ...] = ()

    def forward(self, x: Any, weight: Any, bias: Any = None) -> Any:
        self.sizes = x.shape
        y = self.matrices(weight) @ self.columns(x)
        y = y.reshape((x.shape[0], weight.shape[0], *self.counts()))
        if bias is not None:
            y += bias.reshape((-1, *[1] * len(self.frame.kernel)))
        return y

    def counts(self) -> tuple[int, ...]:
        """How many positions there are along each dimension."""
        return self.frame.counts(self.sizes[2:])

    def matrices(self, weight: Any) -> Any:
        """W for each group: (groups, out / groups, in / groups · kernel)."""
        return weight.reshape((self.groups, weight.shape[0] // self.groups, math.prod(weight.shape[1:])))

    def columns(self, x: Any) -> Any:
        """X for each sample and group: (N, groups, in / groups · kernel, positions)."""
        rows = self.sizes[1] // self.groups * math.prod(self.frame.kernel)
        return Windows(self.frame)(x).reshape((self.sizes[0], self.groups, rows, math.prod(self.counts())))

    def by_group(self, grad: Gradient) -> Gradient:
        """g for each sample and group: (N, groups, out / groups, positions)."""
        n, out, *counts = grad.shape
        return grad.reshape((n, self.groups, out // self.groups, math.prod(counts)))

    def grad_x(self, grad: Gradient, weight: Any) -> Gradient:
        columns = self.matrices(weight).swapaxes(-1, -2) @ self.by_group(grad)
        return Fold(self.frame, self.sizes[2:])(columns.reshape((*self.sizes[:2], *self.frame.kernel, *self.counts())))

    def grad_weight(self, grad: Gradient, x: Any) -> Gradient:
        products = self.by_group(grad) @ self.columns(x).swapaxes(-1, -2)
        return total(products, (0,)).reshape((grad.shape[1], self.sizes[1] // self.groups, *self.frame.kernel))

    def grad_bias(self, grad: Gradient) -> Gradient:
        return total(grad, (0, *range(2, len(grad.shape))))


@documented(Convolution)
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """
    Args:
        input: x, shape (N, in, L) or (in, L).
        weight: W, shape (out, in / groups, kernel).
        bias, stride, padding, dilation, groups: as for `conv2d`.

    Raises:
        RuntimeError: as for `conv2d`.

    Example:
        >>> import tinyact
        >>> x, difference = tinyact.tensor([[0.0, 1.0, 4.0, 9.0]]), tinyact.tensor([[[-1.0, 1.0]]])
        >>> tinyact.nn.functional.conv1d(x, difference)
        tensor([[1., 3., 5.]])
    """
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups)


@documented(Convolution)
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """
    Args:
        input: x, shape (N, in, H, W) or (in, H, W).
        weight: W, shape (out, in / groups, kernel, kernel).
        bias: b, shape (out,); 0 if left out.
        stride: from one window to the next; a number, or one for each dimension.
        padding: how many zeros stand around x; ``"same"``: so many that the output has x's sizes; ``"valid"``: none.
        dilation: from one element of a window to the next.
        groups: into how many groups the channels fall that have nothing to do with each other.

    Raises:
        RuntimeError: if shapes don't fit or dtypes differ, a setting makes no sense, or the kernel is larger than x.

    Example:
        >>> import tinyact
        >>> x, kernel = tinyact.arange(9.0).reshape(1, 3, 3), tinyact.ones(1, 1, 2, 2)
        >>> tinyact.nn.functional.conv2d(x, kernel)
        tensor([[[ 8., 12.],
                 [20., 24.]]])
    """
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups)


def _convolution(
    dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    name = f"conv{dims}d"
    x, w = require_tensor(input, name), require_tensor(weight, name, "weight").array
    if x.array.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(x.array.shape)}"
        )
    if w.ndim != dims + 2:
        raise RuntimeError(f"{name} takes a weight of {dims + 2} dimensions, got {list(w.shape)}")
    if x.array.ndim == dims + 1:
        return squeeze(_convolution(dims, unsqueeze(x, 0), weight, bias, stride, padding, dilation, groups), 0)
    _check_channels(x.array.shape, w.shape, bias, groups)
    operands = (x, weight) if bias is None else (x, weight, bias)
    dtypes = [operand.array.dtype.name for operand in operands]
    if len(set(dtypes)) > 1:
        raise RuntimeError(f"{name} takes input, weight and bias of one dtype, got {', '.join(dtypes)}")
    frame = _frame(w.shape[2:], stride, padding, dilation)
    padded, spans = frame.padded(x.array.shape[2:]), frame.spans()
    if any(n < span for n, span in zip(padded, spans, strict=True)):
        raise RuntimeError(f"Kernel size {spans} can't be greater than actual input size {padded} (both with all gaps)")
    return Convolution(frame, groups).apply(*operands)


def _check_channels(x: tuple[int, ...], w: tuple[int, ...], bias: Tensor | None, groups: int) -> None:
    if groups < 1:
        raise RuntimeError("non-positive groups is not supported")
    if w[0] < groups or w[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size [{list(w)}] instead"
        )
    if x[1] != w[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(w)}, expected input{list(x)} to have {w[1] * groups} "
            f"channels, but got {x[1]} channels instead"
        )
    if bias is not None and bias.array.shape != w[:1]:
        raise RuntimeError(
            f"Given weight of size {list(w)}, expected bias to be 1-dimensional with {w[0]} elements, but got bias of "
            f"size {list(bias.array.shape)} instead"
        )


def _frame(kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any) -> Frame:
    dims = len(kernel)
    stride, dilation = per_dimension(stride, dims, "stride"), per_dimension(dilation, dims, "dilation")
    if min(stride) < 1 or min(dilation) < 1:
        raise RuntimeError(f"stride and dilation should be greater than zero, but got {stride} and {dilation}")
    if padding not in ("same", "valid"):
        if isinstance(padding, str):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        before = after = per_dimension(padding, dims, "padding")
        if min(before) < 0:
            raise RuntimeError("negative padding is not supported")
        return Frame(kernel, stride, dilation, before, after)
    if padding == "same" and max(stride) > 1:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    missing = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    before = tuple(m // 2 for m in missing)
    return Frame(kernel, stride, dilation, before, tuple(m - m // 2 for m in missing))
