"""Operations that make one number of many: sum, mean, product, extremes, variance."""

from __future__ import annotations

import builtins
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tinyact.autograd.operation import Gradient, Operation, array_of, wrap
from tinyact.autograd.sums import total
from tinyact.dtype import dtype as DType
from tinyact.functions.arithmetic import maximum, minimum
from tinyact.functions.operand import Tensor, cast, dimension, dimensions, documented, in_order, require_tensor
from tinyact.functions.shape import squeeze
from tinyact.kernels import where

__all__ = ["all", "any", "argmax", "argmin", "max", "mean", "min", "prod", "std", "sum", "var"]

Dims = int | Sequence[int] | None


class Reduction(Operation):
    """An operation over some dimensions; its output is the input without them, or with size 1 in their place.

    A subclass gives the output as ``value(x)``.
    """

    value: Callable[..., Any]
    # The numbers of PyTorch's overloads: over all dimensions, over some.
    overloads: ClassVar[tuple[int, int]] = (0, 1)

    def __init__(self, dims: tuple[int, ...], keepdim: bool, whole: bool) -> None:
        self.dims = dims
        self.keepdim = keepdim
        self.sizes: tuple[int, ...] = ()
        self.torch_name = f"{type(self).__name__}Backward{self.overloads[0 if whole else 1]}"

    def forward(self, x: Any) -> Any:
        self.sizes = tuple(x.shape)
        return in_order(self.value(x))

    def broadcastable(self, value: Any) -> Any:
        """An output, or its gradient, with size 1 where dimensions were reduced, so that it broadcasts against x."""
        return value.reshape([1 if d in self.dims else n for d, n in enumerate(self.sizes)])

    def repeated(self, grad: Gradient) -> Gradient:
        """The gradient of the output, for every element that went into it."""
        grad = self.broadcastable(grad)
        # What NumPy broadcasts is read-only even where nothing is repeated; a hook may change it there.
        return grad if tuple(grad.shape) == self.sizes else np.broadcast_to(grad, self.sizes)

    def count(self) -> int:
        """How many elements make one output."""
        return math.prod(self.sizes[d] for d in self.dims)


class Sum(Reduction):
    """Σ xᵢ      ∂/∂xᵢ = 1"""

    def value(self, x: Any) -> Any:
        return total(x, self.dims, self.keepdim)

    def grad_x(self, grad: Gradient) -> Gradient:
        return self.repeated(grad)


class Mean(Reduction):
    """(Σ xᵢ) / n      ∂/∂xᵢ = 1 / n"""

    def value(self, x: Any) -> Any:
        # Not np.mean: it warns of a division by zero for empty tensors before it gives PyTorch's NaN.
        return total(x, self.dims, self.keepdim) / self.count()

    def grad_x(self, grad: Gradient) -> Gradient:
        return self.repeated(grad / self.count() if self.count() else grad)


class Prod(Reduction):
    """Π xᵢ      ∂/∂xᵢ = Π over all j ≠ i of xⱼ      (y / xᵢ where no x is 0)"""

    def value(self, x: Any) -> Any:
        return x.prod(self.dims, keepdims=self.keepdim)

    def grad_x(self, grad: Gradient, x: Any, y: Any) -> Gradient:
        if not self.sizes:
            return grad
        if np.all(array_of(x) != 0):
            return self.repeated(grad * y) / x
        if len(self.dims) == 1:
            others = product_of_others(x.swapaxes(self.dims[0], -1)).swapaxes(self.dims[0], -1)
        else:
            others = product_of_others(x.reshape(-1)).reshape(self.sizes)
        return self.broadcastable(grad) * others


def product_of_others(x: Any) -> Any:
    """Π over all j ≠ i of xⱼ along the last dimension, without division: each half times the other half's product."""
    n = x.shape[-1]
    if n == 1:
        return np.ones(x.shape, np.float32)
    left, right = x[..., : n // 2], x[..., n // 2 :]
    halves = [product_of_others(a) * b.prod(-1)[..., None] for a, b in ((left, right), (right, left))]
    return np.concatenate(halves, -1)


class Var(Reduction):
    """Σ (xᵢ − μ)² / (n − c), c the correction      ∂/∂xᵢ = 2 (xᵢ − μ) / (n − c)"""

    overloads = (0, 0)

    def __init__(self, dims: tuple[int, ...], keepdim: bool, whole: bool, correction: float) -> None:
        super().__init__(dims, keepdim, whole)
        self.correction = correction

    def value(self, x: Any) -> Any:
        return self.variance(x).astype(x.dtype)

    def variance(self, x: Any) -> Any:
        """The variance as float64, in which float32 neither overflows nor drifts."""
        deviation = self.deviation(np.astype(x, np.float64))
        return (deviation * deviation).sum(self.dims, keepdims=self.keepdim) / self.freedom()

    def grad_x(self, grad: Gradient, x: Any) -> Gradient:
        return self.broadcastable(grad) * (self.deviation(np.astype(x, np.float64)) * 2 / self.freedom())

    def deviation(self, x: Any) -> Any:
        """x − μ"""
        return x - self.broadcastable(x.sum(self.dims)) / self.count()

    def freedom(self) -> float:
        """n − c, at least 0."""
        return builtins.max(self.count() - self.correction, 0)


class Std(Var):
    """√var, the standard deviation      ∂/∂xᵢ = (xᵢ − μ) / ((n − c)·√var), and 0 where √var is 0"""

    def value(self, x: Any) -> Any:
        return np.sqrt(self.variance(x)).astype(x.dtype)

    def grad_x(self, grad: Gradient, x: Any, y: Any) -> Gradient:  # type: ignore[override]  # it wants y too
        return super().grad_x(np.where(y == 0, 0.0, grad / (2 * y)), x)


class Extreme(Reduction):
    """The largest or smallest of all elements, NaN if one is

    ∂/∂xᵢ = 1 / k for each of the k elements that are equal to it, else 0
    """

    overloads = (1, 0)
    is_tied = False  # as in PyTorch

    def grad_x(self, grad: Gradient, x: Any, y: Any) -> Gradient:
        extreme = (x == y) | ((x != x) & (y != y))
        return where(extreme, self.repeated(grad) / array_of(extreme).sum(), 0)


class Max(Extreme):
    __doc__ = Extreme.__doc__

    def value(self, x: Any) -> Any:
        return x.max(self.dims, keepdims=self.keepdim)


class Min(Extreme):
    __doc__ = Extreme.__doc__

    def value(self, x: Any) -> Any:
        return x.min(self.dims, keepdims=self.keepdim)


class Pick(Reduction):
    """The element at one index along a dimension      ∂/∂xᵢ = 1 at that index, else 0"""

    def __init__(self, dim: int, keepdim: bool, torch_name: str) -> None:
        super().__init__((dim,), keepdim, False)
        self.torch_name = torch_name

    def forward(self, x: Any, index: Any) -> Any:  # type: ignore[override]  # it wants an index too
        self.sizes = tuple(x.shape)
        picked = np.take_along_axis(x, index, self.dims[0])
        return picked if self.keepdim else picked.squeeze(self.dims[0])

    def grad_x(self, grad: Gradient, index: Any) -> Gradient:
        dim = self.dims[0]
        places = np.arange(self.sizes[dim]).reshape([-1] + [1] * (len(self.sizes) - dim - 1))
        return where(index == places, self.repeated(grad), 0)


class max_result(NamedTuple):
    """What ``max(dim)`` and ``min(dim)`` return: the values, and where they stand."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return f"torch.return_types.max(\nvalues={self.values!r},\nindices={self.indices!r})"


class min_result(NamedTuple):
    """The same for ``min(dim)``."""

    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        return f"torch.return_types.min(\nvalues={self.values!r},\nindices={self.indices!r})"


def _summable(input: Any, name: str, dtype: DType | None) -> Tensor:
    """The tensor in the dtype in which it is added up: integers and booleans as int64."""
    tensor = require_tensor(input, name)
    if dtype is not None:
        return cast(tensor, dtype.numpy)
    return tensor if tensor.array.dtype.kind == "f" else cast(tensor, np.dtype(np.int64))


def _floating(input: Any, name: str) -> Tensor:
    tensor = require_tensor(input, name)
    if tensor.array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {tensor.dtype}"
        )
    return tensor


@documented(Sum)
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """
    Args:
        input: a tensor; integers and booleans are added up as int64.
        dim: one dimension or several; all if left out.
        keepdim: whether reduced dimensions stay, with size 1.
        dtype: convert to it before adding.
    """
    tensor = _summable(input, "sum", dtype)
    result = Sum(dimensions(dim, tensor.array.ndim), keepdim, dim is None).apply(tensor)
    return result if dtype is None else cast(result, dtype.numpy)  # NumPy adds small integers as int64


@documented(Mean)
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """
    Args:
        input: a floating tensor.
        dim: one dimension or several; all if left out.
        keepdim: whether reduced dimensions stay, with size 1.
        dtype: convert to it first.

    Raises:
        RuntimeError: for integers and booleans.
    """
    tensor = _floating(input if dtype is None else cast(input, dtype.numpy), "mean")
    return Mean(dimensions(dim, tensor.array.ndim), keepdim, dim is None).apply(tensor)


@documented(Prod)
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """
    Args:
        input: a tensor; integers and booleans are multiplied as int64.
        dim: the dimension; all if left out.
        keepdim: whether the reduced dimension stays, with size 1.
        dtype: convert to it first.
    """
    tensor = _summable(input, "prod", dtype)
    ndim = tensor.array.ndim
    dims = tuple(range(ndim)) if dim is None else dimensions(dimension(dim, ndim), ndim)
    result = Prod(dims, keepdim, dim is None).apply(tensor)
    return result if dtype is None else cast(result, dtype.numpy)  # as in sum


@documented(Var)
def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """
    Args:
        input: a floating tensor.
        dim: one dimension or several; all if left out.
        unbiased: older way to say correction 1 (True) or 0 (False).
        keepdim: whether reduced dimensions stay, with size 1.
        correction: c above, default 1.
    """
    return _var_or_std(Var, input, dim, unbiased, keepdim, correction)


@documented(Std)
def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """
    Args:
        as for `var`.
    """
    return _var_or_std(Std, input, dim, unbiased, keepdim, correction)


def _var_or_std(
    operation: type[Var], input: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None
) -> Tensor:
    name = operation.__name__.lower()
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    tensor = _floating(input, name)
    if correction is None:
        correction = 0 if unbiased is False else 1
    dims = dimensions(dim, tensor.array.ndim)
    if math.prod(tensor.array.shape[d] for d in dims) <= correction:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel).",
            stacklevel=3,
        )
    return operation(dims, keepdim, dim is None, correction).apply(tensor)


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; with ``dim`` the largest along it and its index; with a second tensor as `maximum`.

    ∂/∂xᵢ = 1 for the chosen element, else 0; without ``dim`` all that are equally large share it.

    Raises:
        RuntimeError: for a tensor without elements.
    """
    return _extreme(input, dim, keepdim, Max)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; with ``dim`` the smallest along it and its index; with a second tensor as `minimum`.

    ∂/∂xᵢ = 1 for the chosen element, else 0; without ``dim`` all that are equally small share it.

    Raises:
        RuntimeError: for a tensor without elements.
    """
    return _extreme(input, dim, keepdim, Min)


def _extreme(input: Tensor, dim: Any, keepdim: bool, operation: type[Extreme]) -> Any:
    name = operation.__name__.lower()
    tensor = require_tensor(input, name)
    if isinstance(dim, Tensor):
        return (maximum if operation is Max else minimum)(tensor, dim)
    if dim is None:
        if tensor.array.size == 0:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        return operation(tuple(range(tensor.array.ndim)), False, True).apply(tensor)
    index = _place(np.argmax if operation is Max else np.argmin, name, tensor, dim, True)
    if tensor.array.ndim == 0:
        values = operation((), False, False).apply(tensor)
        return (max_result if operation is Max else min_result)(values, index)
    dim = dimension(dim, tensor.array.ndim)
    values = Pick(dim, keepdim, f"{operation.__name__}Backward0").apply(tensor, index)
    indices = index if keepdim else squeeze(index, dim)
    return (max_result if operation is Max else min_result)(values, indices)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element, along a dimension or of the flattened tensor; int64, no gradient.

    Raises:
        IndexError: if there are no elements to choose from.
    """
    return _arg(np.argmax, "argmax", input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element, along a dimension or of the flattened tensor; int64, no gradient.

    Raises:
        IndexError: if there are no elements to choose from.
    """
    return _arg(np.argmin, "argmin", input, dim, keepdim)


def _arg(function: Any, name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if require_tensor(input, name).array.dtype == np.bool_:
        raise RuntimeError(f"{name}(): does not support bool")
    return _place(function, name, input, dim, keepdim)


def _place(function: Any, name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    array = input.array
    axis = None if dim is None else dimension(dim, array.ndim)
    if (array.size if axis is None or array.ndim == 0 else array.shape[axis]) == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim or 0} to have non-zero size.")
    return wrap(function(array, axis=axis, keepdims=keepdim))


def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every element is true (not zero), of all or along dimensions."""
    return _truth(np.all, "all", input, dim, keepdim)


def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether some element is true (not zero), of all or along dimensions."""
    return _truth(np.any, "any", input, dim, keepdim)


def _truth(function: Any, name: str, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    array = require_tensor(input, name).array
    # No dimension means none here, and all elsewhere, as in PyTorch.
    axes = () if isinstance(dim, (tuple, list)) and not dim else dimensions(dim, array.ndim)
    result = wrap(in_order(function(array, axis=axes, keepdims=keepdim)))
    return cast(result, np.dtype(np.uint8)) if array.dtype == np.uint8 else result  # as PyTorch has it
