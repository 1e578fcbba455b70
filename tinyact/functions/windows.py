"""Windows: the neighbourhoods that convolution and pooling look at, and the way back from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinyact.autograd.operation import Gradient, Operation


class Frame(NamedTuple):
    """How windows lie in the last dimensions of an input: for each dimension a number.

    Attributes:
        kernel: how many elements a window has.
        stride: from one window to the next.
        dilation: from one element of a window to the next.
        before, after: how far the input is padded.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    def spans(self) -> list[int]:
        """From the first element of a window to its last."""
        return [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]

    def padded(self, sizes: Sequence[int]) -> list[int]:
        """The sizes of the padded input."""
        return [a + n + b for a, n, b in zip(self.before, sizes, self.after, strict=True)]

    def counts(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """How many windows there are."""
        each = zip(self.padded(sizes), self.spans(), self.stride, strict=True)
        return tuple((n - span) // s + 1 for n, span, s in each)


def windows(x: Any, frame: Frame, **padding: Any) -> Any:
    """All windows of an array (…, sizes) as (…, kernel, counts), a view; padded as by `numpy.pad`."""
    lead, d = len(x.shape) - len(frame.kernel), len(frame.kernel)
    padded = np.pad(x, [(0, 0)] * lead + list(zip(frame.before, frame.after, strict=True)), **padding)
    views: Any = sliding_window_view(padded, frame.spans(), tuple(range(lead, lead + d)))
    views = views[(..., *(slice(None, None, step) for step in (*frame.stride, *frame.dilation)))]
    return views.transpose(*range(lead), *range(lead + d, lead + 2 * d), *range(lead, lead + d))


class Windows(Operation):
    """w[u, i] = x[i·stride + u·dilation − padding], 0 outside of x: element u of each window i

    ∂L/∂x[j] = Σ ∂L/∂w[u, i] over all windows i and elements u that lie at j, as `Fold` has it
    """

    may_warn = False

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.sizes: tuple[int, ...] = ()

    def forward(self, x: Any) -> Any:
        self.sizes = x.shape[len(x.shape) - len(self.frame.kernel) :]
        return windows(x, self.frame)

    def grad_x(self, grad: Gradient) -> Gradient:
        return Fold(self.frame, self.sizes)(grad)


class Fold(Operation):
    """x[j] = Σ w[u, i] over all windows i and elements u that lie at j: the way back from `Windows`

    ∂L/∂w = the windows of ∂L/∂x
    """

    may_warn = False

    def __init__(self, frame: Frame, sizes: tuple[int, ...]) -> None:
        self.frame = frame
        self.sizes = sizes

    def forward(self, w: Any) -> Any:
        kernel, stride, dilation, before, _ = self.frame
        lead, counts = w.shape[: len(w.shape) - 2 * len(kernel)], w.shape[len(w.shape) - len(kernel) :]
        padded: Any = np.zeros_like(w, order="C", shape=(*lead, *self.frame.padded(self.sizes)))
        for u in np.ndindex(*kernel):
            starts = [place * d for place, d in zip(u, dilation, strict=True)]
            each = zip(starts, stride, counts, strict=True)
            part = padded[(..., *(slice(start, start + s * (n - 1) + 1, s) for start, s, n in each))]
            part += w[(*[slice(None)] * len(lead), *u)]
        return padded[(..., *(slice(a, a + n) for a, n in zip(before, self.sizes, strict=True)))]

    def grad_w(self, grad: Gradient) -> Gradient:
        return Windows(self.frame)(grad)


def per_dimension(value: int | Sequence[int], dims: int, name: str) -> tuple[int, ...]:
    """A setting for each dimension, of which one may stand for all.

    Raises:
        RuntimeError: if there are too many or too few.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) not in (1, dims):
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {dims} values, got {value}")
    return tuple(map(int, values)) * (dims // len(values))
