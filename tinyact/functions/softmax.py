"""The activation functions that mix the elements along a dimension, each with its derivative."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyact.autograd.operation import Gradient, Operation, Variable
from tinyact.dtype import dtype as DType
from tinyact.functions.activation import sigma
from tinyact.functions.elementwise import neg
from tinyact.functions.operand import Tensor, cast, dimension, documented, in_order, require_floating, require_tensor
from tinyact.functions.reduction import Pick
from tinyact.functions.shape import reshape
from tinyact.kernels import below_the_largest, in_blocks, row_sums

__all__ = ["glu", "log_softmax", "maxout", "softmax", "softmin"]


class AlongDims(Operation):
    """y = f(x), which mixes the elements along some dimensions      ∂L/∂x by ``chain(grad, y)``

    A subclass gives f as ``value(x)``.
    """

    value: Callable[..., Any]
    chain: Callable[..., Gradient]

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Any) -> Any:
        return in_order(self.rounded(self.value, x))

    def grad_x(self, grad: Gradient, y: Any) -> Gradient:
        return self.rounded(self.chain, grad, y)

    def rounded(self, function: Callable[..., Any], *arrays: Any) -> Any:
        """``function(*arrays)``, rounded to their dtype; in blocks if only the last dimension is mixed."""
        first = arrays[0]
        if isinstance(first, Variable):
            return function(*arrays)
        if self.dims == (1,) and first.ndim == 2:
            return in_blocks(function, first.dtype, *arrays, rows=True)
        return function(*arrays).astype(first.dtype, copy=False)


def sums(x: Any, dims: tuple[int, ...]) -> Any:
    """Σ along the dimensions, which stay with size 1."""
    return row_sums(x) if dims == (len(x.shape) - 1,) else np.sum(x, dims, keepdims=True)


class Softmax(AlongDims):
    """softmax(x)ᵢ = e^xᵢ / Σⱼ e^xⱼ

    Range: (0, 1), and the outputs along the dimension sum to 1
    Derivative: ∂yᵢ/∂xⱼ = yᵢ·(δᵢⱼ − yⱼ), so that ∂L/∂xᵢ = yᵢ · (gᵢ − Σⱼ gⱼ yⱼ) with g = ∂L/∂y
    Largest slope: 0.25, at yᵢ = ½
    Saturates: to 0 and 1, where one input is far above the others
    Source: Bridle (1990), Probabilistic interpretation of feedforward classification network outputs.
    """

    def value(self, x: Any) -> Any:
        e = np.exp(below_the_largest(x, self.dims))
        return e / sums(e, self.dims)

    def chain(self, grad: Gradient, y: Any) -> Gradient:
        return y * (grad - sums(grad * y, self.dims))


class LogSoftmax(AlongDims):
    """log softmax(x)ᵢ = xᵢ − ln Σⱼ e^xⱼ

    Range: (−∞, 0)
    Derivative: ∂yᵢ/∂xⱼ = δᵢⱼ − e^yⱼ, so that ∂L/∂xᵢ = gᵢ − e^yᵢ · Σⱼ gⱼ with g = ∂L/∂y
    Largest slope: 1, for inputs far below the others
    Saturates: to 0, where one input is far above the others
    Source: the logarithm of the softmax; Bridle (1990).
    """

    def value(self, x: Any) -> Any:
        s = below_the_largest(x, self.dims)
        return s - np.log(sums(np.exp(s), self.dims))

    def chain(self, grad: Gradient, y: Any) -> Gradient:
        return grad - np.exp(y) * sums(grad, self.dims)


class GLU(Operation):
    """GLU(a, b) = a·σ(b), a and b the two halves of the input

    Range: (−∞, ∞)
    Derivative: ∂/∂a = σ(b), ∂/∂b = a·σ(b)·(1 − σ(b))
    Largest slope: 1, with respect to a at b = ∞
    Saturates: to 0 at b = −∞
    Source: Dauphin, Fan, Auli and Grangier (2016), Language modeling with gated convolutional networks,
    arXiv:1612.08083.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim

    torch_name = "GluBackward0"

    def halves(self, x: Any) -> tuple[Any, Any]:
        """a and b."""
        half = x.shape[self.dim] // 2
        before = (slice(None),) * self.dim
        return x[(*before, slice(None, half))], x[(*before, slice(half, None))]

    def forward(self, x: Any) -> Any:
        a, b = self.halves(x)
        return a * sigma(b)

    def grad_x(self, grad: Gradient, x: Any) -> Gradient:
        a, b = self.halves(x)
        s = sigma(b)
        return np.concatenate([grad * s, grad * a * (s * (1 - s))], self.dim)


class Maxout(Pick):
    """maxout(x) = the largest of k pieces, which follow each other in the input

    Range: (−∞, ∞)
    Derivative: 1 for the largest piece, else 0
    Largest slope: 1, for the largest piece
    Saturates: nowhere
    Source: Goodfellow, Warde-Farley, Mirza, Courville and Bengio (2013), Maxout networks, arXiv:1302.4389.
    """


@documented(Softmax)
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """
    Args:
        as for `nn.functional.softmax`; here the dimension has to be said.
    """
    return _along(Softmax, "softmax", input, dim, dtype)


def softmin(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """softmin(x) = softmax(−x), with everything that `softmax` says."""
    return softmax(neg(input), dim, dtype)


@documented(LogSoftmax)
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """
    Args:
        as for `nn.functional.log_softmax`; here the dimension has to be said.
    """
    return _along(LogSoftmax, "log_softmax", input, dim, dtype)


def _along(operation: type[AlongDims], name: str, input: Tensor, dim: int, dtype: DType | None) -> Tensor:
    place = dimension(dim, require_tensor(input, name).array.ndim)
    x = require_floating(input if dtype is None else cast(input, dtype.numpy), name)
    # A tensor without dimensions counts as one of size 1, and so sums over nothing.
    return operation((place,) if x.array.ndim else ()).apply(x)


def implicit_dim(name: str, ndim: int) -> int:
    """The dimension that PyTorch takes, with a warning, if none is given."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=3,
    )
    return 0 if ndim in (0, 1, 3) else 1


@documented(GLU)
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """
    Args:
        input: a floating tensor, of an even size along the dimension.
        dim: the dimension that is halved.

    Raises:
        RuntimeError: if its size is odd.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.glu(tinyact.tensor([1.0, 2.0, 0.0, 100.0]))
        tensor([0.5000, 2.0000])
    """
    if require_tensor(input, "glu").array.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    place = dimension(dim, input.array.ndim)
    x = require_floating(input, "glu")
    if x.array.shape[place] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {place} is size {x.array.shape[place]}")
    return GLU(place).apply(x)


@documented(Maxout)
def maxout(input: Tensor, pieces: int = 2, dim: int = -1) -> Tensor:
    """
    Args:
        input: a floating tensor, whose size along the dimension is a multiple of ``pieces``.
        pieces: k, how many neighbours make one output.
        dim: the dimension, which the output has k times smaller.

    Raises:
        ValueError: if the size is no multiple of ``pieces``.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.maxout(tinyact.tensor([1.0, 2.0, -3.0, -4.0]))
        tensor([ 2., -3.])
    """
    x = require_floating(input, "maxout")
    place = dimension(dim, x.array.ndim)
    sizes = x.array.shape
    if pieces < 1 or x.array.ndim == 0 or sizes[place] % pieces:
        raise ValueError(f"maxout takes a size that is a multiple of {pieces} along dimension {dim}, got {sizes}")
    grouped = reshape(x, *sizes[:place], sizes[place] // pieces, pieces, *sizes[place + 1 :])
    largest = grouped.array.argmax(place + 1, keepdims=True)
    return Maxout(place + 1, False, "MaxoutBackward0").apply(grouped, largest)
