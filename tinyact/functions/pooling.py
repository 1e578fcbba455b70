"""Pooling: of every window its largest element, or its mean."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyact.autograd.operation import Gradient, Operation, wrap
from tinyact.functions.indexing import Scatter
from tinyact.functions.operand import Tensor, documented, require_floating, require_numbers
from tinyact.functions.windows import Fold, Frame, per_dimension, windows

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]


class MaxPool(Operation):
    """y = the largest x of each window, the first of them if there are several

    ∂L/∂x[j] = Σ ∂L/∂y over the windows whose largest is x[j]
    """

    may_warn = False

    def __init__(self, torch_name: str) -> None:
        self.torch_name = torch_name
        self.sizes: tuple[int, ...] = ()

    def forward(self, x: Any, place: Any) -> Any:
        self.sizes = x.shape
        return x.reshape(-1)[place]

    def grad_x(self, grad: Gradient, place: Any) -> Gradient:
        return Scatter((math.prod(self.sizes),))(grad.reshape(-1), place.reshape(-1)).reshape(self.sizes)


class AvgPool(Operation):
    """y = (Σ x over the window) / n, n its size      ∂L/∂x[j] = Σ ∂L/∂y / n over the windows that x[j] is in"""

    def __init__(self, torch_name: str, frame: Frame, count: Any) -> None:
        self.torch_name = torch_name
        self.frame = frame
        self.count = count
        self.sizes: tuple[int, ...] = ()

    def forward(self, x: Any) -> Any:
        self.sizes = x.shape
        lead, dims = self.lead(), len(self.frame.kernel)
        return windows(x, self.frame).sum(tuple(range(lead, lead + dims))) / self.count

    def grad_x(self, grad: Gradient) -> Gradient:
        lead, kernel = self.lead(), self.frame.kernel
        share = (grad / self.count).reshape((*self.sizes[:lead], *[1] * len(kernel), *grad.shape[lead:]))
        shares = np.broadcast_to(share, (*self.sizes[:lead], *kernel, *grad.shape[lead:]))
        return Fold(self.frame, self.sizes[lead:])(shares)

    def lead(self) -> int:
        """How many dimensions come before those with windows."""
        return len(self.sizes) - len(self.frame.kernel)


Setting = int | Sequence[int]


@documented(MaxPool)
def max_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """
    Args:
        input: x, shape (N, C, L) or (C, L).
        kernel_size, stride, padding, dilation, ceil_mode, return_indices: as for `max_pool2d`.

    Raises:
        RuntimeError: as for `max_pool2d`.
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@documented(MaxPool)
def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """
    Args:
        input: x, shape (N, C, H, W) or (C, H, W).
        kernel_size: the size of a window; a number, or one for each dimension.
        stride: from one window to the next; the size of a window, if left out.
        padding: how far windows may reach beyond x, at most by half of their size; nothing out there is the largest.
        dilation: from one element of a window to the next.
        ceil_mode: whether a last window that only begins in x counts too.
        return_indices: whether to return also where the largest elements stand, counted through (H, W), as int64.

    Returns:
        A tensor (N, C, H′, W′), or two.

    Raises:
        RuntimeError: for other shapes of x, settings that make no sense, or no window that fits.

    Example:
        >>> import tinyact
        >>> x = tinyact.tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 8.0, 6.0]]])
        >>> tinyact.nn.functional.max_pool2d(x, 2, return_indices=True)
        (tensor([[[5., 8.]]]), tensor([[[1, 6]]]))
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(
    dims: int,
    input: Tensor,
    kernel: Setting,
    stride: Setting | None,
    padding: Setting,
    dilation: Setting,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    x = require_numbers(input, f"max_pool{dims}d").array
    frame = _frame(dims, x.shape, kernel, stride, padding, dilation, ceil_mode)
    index = _largest(x, frame)
    planes = math.prod(x.shape[-dims:]) * np.arange(math.prod(x.shape[:-dims]))
    name = "MaxPool2DWithIndicesBackward0" if dims == 2 else "SqueezeBackward1"
    y = MaxPool(name).apply(input, index + planes.reshape((*x.shape[:-dims], *[1] * dims)))
    return (y, wrap(index)) if return_indices else y


def _largest(x: Any, frame: Frame) -> Any:
    """Where in its plane the largest element of each window stands."""
    dims = len(frame.kernel)
    counts, size = frame.counts(x.shape[-dims:]), math.prod(frame.kernel)
    limits: Any = np.finfo(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype)
    outside, least = (-np.inf, limits.min) if x.dtype.kind == "f" else (limits.min, limits.min + 1)
    # A little more than the padding even where x is −∞, so that what is chosen lies in x.
    each = windows(np.maximum(x, least), frame, constant_values=outside).reshape((*x.shape[:-dims], size, *counts))
    largest = np.argmax(each, -dims - 1, keepdims=True)
    plane = np.arange(math.prod(x.shape[-dims:])).reshape(x.shape[-dims:])
    places = windows(plane, frame, mode="edge").reshape((*[1] * (x.ndim - dims), size, *counts))
    return np.take_along_axis(places, largest, -dims - 1).squeeze(-dims - 1)


@documented(AvgPool)
def avg_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """
    Args:
        input: x, shape (N, C, L) or (C, L).
        kernel_size, stride, padding, ceil_mode, count_include_pad: as for `avg_pool2d`.

    Raises:
        RuntimeError: as for `avg_pool2d`.
    """
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@documented(AvgPool)
def avg_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """
    Args:
        input: x, shape (N, C, H, W) or (C, H, W), of floating numbers.
        kernel_size: the size of a window; a number, or one for each dimension.
        stride: from one window to the next; the size of a window, if left out.
        padding: how many zeros stand around x, at most half of a window's size.
        ceil_mode: whether a last window that only begins in x counts too.
        count_include_pad: whether n counts the zeros of the padding.
        divisor_override: takes the place of n.

    Raises:
        RuntimeError: for other shapes of x, settings that make no sense, or no window that fits.

    Example:
        >>> import tinyact
        >>> x = tinyact.tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 3.0, 8.0, 6.0]]])
        >>> tinyact.nn.functional.avg_pool2d(x, 2)
        tensor([[[3., 4.]]])
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool(
    dims: int,
    input: Tensor,
    kernel: Setting,
    stride: Setting | None,
    padding: Setting,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> Tensor:
    x = require_floating(input, f"avg_pool{dims}d").array
    frame = _frame(dims, x.shape, kernel, stride, padding, 1, ceil_mode)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    count = _counted(frame, x.shape[-dims:], count_include_pad).astype(x.dtype) if divisor is None else divisor
    return AvgPool("AvgPool2DBackward0" if dims == 2 else "SqueezeBackward1", frame, count).apply(input)


def _counted(frame: Frame, sizes: tuple[int, ...], with_padding: bool) -> Any:
    """How many elements of each window count; what only `ceil_mode` adds never does."""
    lengths = []
    for n, k, s, p, count in zip(sizes, frame.kernel, frame.stride, frame.before, frame.counts(sizes), strict=True):
        around = p if with_padding else 0
        starts = np.arange(count) * s - p
        lengths.append(np.minimum(starts + k, n + around) - np.maximum(starts, -around))
    return functools.reduce(np.multiply.outer, lengths)


def _frame(
    dims: int,
    shape: tuple[int, ...],
    kernel: Setting,
    stride: Setting | None,
    padding: Setting,
    dilation: Setting,
    ceil_mode: bool,
) -> Frame:
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[-dims - 1 :]:
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(shape)}"
        )
    sizes = per_dimension(kernel, dims, "kernel_size")
    # No stride at all, or an empty one, is the kernel.
    steps = sizes if stride is None or stride == [] or stride == () else per_dimension(stride, dims, "stride")
    around, gaps = per_dimension(padding, dims, "padding"), per_dimension(dilation, dims, "dilation")
    if min(*sizes, *steps, *gaps) < 1:
        raise RuntimeError(f"kernel_size, stride and dilation should be greater than zero: {sizes}, {steps}, {gaps}")
    if min(around) < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(around)}")
    frame = Frame(sizes, steps, gaps, around, around)
    if any(p > span // 2 for p, span in zip(around, frame.spans(), strict=True)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad={around}, kernel_size={sizes} and "
            f"dilation={gaps}"
        )
    if ceil_mode:
        frame = frame._replace(after=_with_the_last(frame, shape[-dims:]))
    if min(frame.counts(shape[-dims:])) < 1:
        raise RuntimeError(f"Given input size: {shape}. Output size is too small")
    return frame


def _with_the_last(frame: Frame, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """How far to pad behind, so that a last window that begins in the input or the padding before it is whole."""
    after = []
    for n, p, span, s in zip(sizes, frame.before, frame.spans(), frame.stride, strict=True):
        count = -(-(n + 2 * p - span) // s) + 1
        if (count - 1) * s >= n + p:
            count -= 1
        after.append(max(p, (count - 1) * s + span - n - p))
    return tuple(after)
