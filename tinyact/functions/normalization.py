"""Normalization: every element less a mean, divided by a spread, then scaled and shifted by what is learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyact.autograd.inplace import change
from tinyact.autograd.operation import Gradient, Operation, array_of, wrap
from tinyact.autograd.sums import total
from tinyact.functions.operand import Tensor, documented, require_floating

__all__ = ["batch_norm", "layer_norm", "rms_norm"]


class Normalization(Operation):
    """y = w·x̂ + b, where x̂ is x in the measure of its own mean and spread.

    A subclass gives x̂ and the spread as ``standardized(x)``, in float64, in which float32 neither overflows nor drifts.

    Attributes:
        dims: the dimensions that mean and spread are taken over.
        shared: those along which w and b are the same.
    """

    def __init__(self, dims: tuple[int, ...], shared: tuple[int, ...], eps: float) -> None:
        self.dims = dims
        self.shared = shared
        self.eps = eps

    def standardized(self, x: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def forward(self, x: Any, weight: Any, bias: Any) -> Any:
        return self.learned(self.standardized(x)[0], weight, bias).astype(
            np.result_type(x, x if weight is None else weight)
        )

    def learned(self, standardized: Any, weight: Any, bias: Any) -> Any:
        """w·x̂ + b, or what there is of it."""
        y = standardized if weight is None else standardized * self.beside(weight, standardized)
        return y if bias is None else y + self.beside(bias, standardized)

    def grad_weight(self, grad: Gradient, x: Any) -> Gradient:
        return total(grad * self.standardized(x)[0], self.shared)

    def grad_bias(self, grad: Gradient) -> Gradient:
        return total(grad, self.shared)

    def scaled(self, grad: Gradient, weight: Any) -> Gradient:
        """∂L/∂x̂ = g·w"""
        return grad if weight is None else grad * self.beside(weight, grad)

    def beside(self, parameter: Any, x: Any) -> Any:
        """w or b in a shape that broadcasts against x."""
        return parameter.reshape([1 if d in self.shared else n for d, n in enumerate(x.shape)])

    def mean(self, x: Any) -> Any:
        """The mean over the dimensions, which stay with size 1; NaN of nothing."""
        count = math.prod(x.shape[d] for d in self.dims)
        return np.sum(x, self.dims, keepdims=True) / (count or math.nan)


class LayerNorm(Normalization):
    """y = w·x̂ + b with x̂ = (x − μ) / s and s = √(σ² + ε); μ and σ² are mean and variance of x over the dimensions

    With g = ∂L/∂y and ĝ = g·w:      ∂L/∂x = (ĝ − mean ĝ − x̂·mean(ĝ·x̂)) / s      ∂L/∂w = Σ g·x̂      ∂L/∂b = Σ g

    The means take from ĝ what would only move or stretch all x together, of which y knows nothing.
    """

    torch_name = "NativeLayerNormBackward0"

    def standardized(self, x: Any) -> tuple[Any, Any]:
        x = np.astype(x, np.float64)
        deviation = x - self.mean(x)
        s = np.sqrt(self.mean(deviation * deviation) + self.eps)
        return deviation / s, s

    def grad_x(self, grad: Gradient, x: Any, weight: Any) -> Gradient:
        g = self.scaled(grad, weight)
        standardized, s = self.standardized(x)
        return (g - self.mean(g) - standardized * self.mean(g * standardized)) / s


class BatchNorm(LayerNorm):
    __doc__ = LayerNorm.__doc__

    torch_name = "NativeBatchNormBackward0"


class RunningNorm(Normalization):
    """y = w·x̂ + b with x̂ = (x − m) / s and s = √(v + ε); m and v are constants that were measured before

    With g = ∂L/∂y:      ∂L/∂x = g·w / s      ∂L/∂w = Σ g·x̂      ∂L/∂b = Σ g
    """

    torch_name = "NativeBatchNormBackward0"

    def forward(self, x: Any, weight: Any, bias: Any, m: Any, v: Any) -> Any:  # type: ignore[override]
        return self.learned((x - self.beside(m, x)) / self.spread(v, x), weight, bias).astype(x.dtype)

    def spread(self, v: Any, x: Any) -> Any:
        """s, beside x."""
        return np.sqrt(np.astype(self.beside(v, x), np.float64) + self.eps)

    def grad_x(self, grad: Gradient, weight: Any, v: Any) -> Gradient:
        return self.scaled(grad, weight) / self.spread(v, grad)

    def grad_weight(self, grad: Gradient, x: Any, m: Any, v: Any) -> Gradient:  # type: ignore[override]
        return total(grad * ((x - self.beside(m, x)) / self.spread(v, x)), self.shared)


class RMSNorm(Normalization):
    """y = w·x̂ with x̂ = x / r and r = √(mean x² + ε), the mean taken over the dimensions

    With g = ∂L/∂y and ĝ = g·w:      ∂L/∂x = (ĝ − x̂·mean(ĝ·x̂)) / r      ∂L/∂w = Σ g·x̂
    """

    torch_name = "MulBackward0"

    def standardized(self, x: Any) -> tuple[Any, Any]:
        x = np.astype(x, np.float64)
        r = np.sqrt(self.mean(x * x) + self.eps)
        return x / r, r

    def grad_x(self, grad: Gradient, x: Any, weight: Any) -> Gradient:
        g = self.scaled(grad, weight)
        standardized, r = self.standardized(x)
        return (g - standardized * self.mean(g * standardized)) / r


@documented(LayerNorm)
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """
    Args:
        input: x, a floating tensor.
        normalized_shape: the sizes of the last dimensions, over which each sample is normalized by itself.
        weight: w, of that shape; 1 if left out.
        bias: b, of that shape; 0 if left out.
        eps: ε, which keeps constant samples finite.

    Raises:
        RuntimeError: if shapes don't fit or dtypes differ.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.layer_norm(tinyact.tensor([[1.0, 2.0, 3.0]]), (3,))
        tensor([[-1.2247,  0.0000,  1.2247]])
    """
    x = require_floating(input, "layer_norm")
    dims = _last_dims(x, normalized_shape, weight=weight, bias=bias)
    _require_one_dtype(x, weight, bias)
    return LayerNorm(dims, tuple(range(dims[0])), eps).apply(x, weight, bias)


@documented(RMSNorm)
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """
    Args:
        input: x, a floating tensor.
        normalized_shape: the sizes of the last dimensions, over which each sample is normalized by itself.
        weight: w, of that shape; 1 if left out.
        eps: ε; the distance from 1 to the next number of x's dtype, if left out.

    Raises:
        RuntimeError: if shapes don't fit.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.rms_norm(tinyact.tensor([[3.0, 4.0]]), (2,))
        tensor([[0.8485, 1.1314]])
    """
    x = require_floating(input, "rms_norm")
    dims = _last_dims(x, normalized_shape, weight=weight)
    eps = float(np.finfo(x.array.dtype).eps) if eps is None else eps
    return RMSNorm(dims, tuple(range(dims[0])), eps).apply(x, weight, None)


def _last_dims(x: Tensor, normalized_shape: Sequence[int], **parameters: Tensor | None) -> tuple[int, ...]:
    """The last dimensions, which must have these sizes, as the parameters must too."""
    sizes, ndim = tuple(normalized_shape), x.array.ndim
    if not sizes:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, parameter in parameters.items():
        if parameter is not None and parameter.array.shape != sizes:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(parameter.array.shape)} and normalized_shape = {list(sizes)}"
            )
    if x.array.shape[-len(sizes) :] != sizes:
        raise RuntimeError(
            f"Given normalized_shape={list(sizes)}, expected input with shape [*, {', '.join(map(str, sizes))}], but "
            f"got input of size{list(x.array.shape)}"
        )
    return tuple(range(ndim - len(sizes), ndim))


def _require_one_dtype(x: Tensor, *others: Tensor | None) -> None:
    dtypes = [tensor.array.dtype.name for tensor in (x, *others) if tensor is not None]
    if len(set(dtypes)) > 1:
        raise RuntimeError(f"mixed dtype (CPU): all inputs must share same datatype, got {', '.join(dtypes)}")


@documented(BatchNorm)
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """
    Args:
        input: x, a floating tensor (N, C, …). Each of the C channels is normalized over all other dimensions.
        running_mean: takes the place of μ outside of training; in training it is moved towards μ, in place.
        running_var: the same for σ², of which it gets the unbiased form.
        weight: w, shape (C,); 1 if left out.
        bias: b, shape (C,); 0 if left out.
        training: whether μ and σ² are those of this batch, to which then all gradients go back.
        momentum: how far the running values are moved, from 0 to 1.
        eps: ε, which keeps constant channels finite.

    Raises:
        ValueError: in training, for channels of one number; for an ε that is not positive.
        RuntimeError: if shapes don't fit, dtypes differ, running values are missing or require gradients.

    Example:
        >>> import tinyact
        >>> x, mean, var = tinyact.tensor([[1.0], [3.0]]), tinyact.zeros(1), tinyact.ones(1)
        >>> tinyact.nn.functional.batch_norm(x, mean, var, training=True)
        tensor([[-1.0000],
                [ 1.0000]])
        >>> mean, var
        (tensor([0.2000]), tensor([1.1000]))
    """
    x = require_floating(input, "batch_norm")
    running = {"running_mean": running_mean, "running_var": running_var}
    _check_batch(x, running, {"weight": weight, "bias": bias}, training, eps)
    dims = (0, *range(2, x.array.ndim))
    if not training:
        return RunningNorm(dims, dims, eps).apply(x, weight, bias, running_mean, running_var)
    y = BatchNorm(dims, dims, eps).apply(x, weight, bias)
    if running_mean is not None and running_var is not None and x.array.size:
        _move(running_mean, np.mean(x.array, dims, dtype=np.float64), momentum)
        _move(running_var, np.var(x.array, dims, dtype=np.float64, ddof=1), momentum)
    return y


def _move(running: Tensor, value: Any, momentum: float) -> None:
    """Take a running value a part of the way to a new one."""
    change(running, lambda before: wrap(before.array * (1 - momentum) + value * momentum))


def _check_batch(
    x: Tensor, running: dict[str, Tensor | None], parameters: dict[str, Tensor | None], training: bool, eps: float
) -> None:
    sizes = x.array.shape
    if len(sizes) < 2:
        raise IndexError(f"batch_norm takes an input (N, C, …), got one of shape {sizes}")
    if training and math.prod(sizes) == sizes[1]:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size torch.Size({list(sizes)})"
        )
    if eps < 0 or (training and eps == 0):
        which = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {which}, but got {eps}")
    for name, value in running.items():
        if value is None and not training:
            raise RuntimeError(f"{name} must be defined in evaluation mode")
        if value is not None and value.requires_grad:
            raise RuntimeError(f"batch_norm is not differentiable with respect to {name}, which requires gradients")
    if len({value is None for value in running.values()}) == 2:
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    for name, value in {**running, **parameters}.items():
        if value is not None and value.array.shape != (sizes[1],):
            raise RuntimeError(f"{name} should contain {sizes[1]} elements not {array_of(value).size}")
    _require_one_dtype(x, *running.values(), *parameters.values())
