"""Comparisons and tests: results are booleans without gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyact.autograd.modes import no_grad
from tinyact.autograd.operation import array_of, wrap
from tinyact.dtype import BY_NUMPY, KINDS, dtype, get_default_dtype, promoted
from tinyact.functions.operand import Tensor, as_operand, check_broadcast, common, require_tensor

__all__ = [
    "allclose", "eq", "equal", "ge", "gt", "is_floating_point", "is_tensor", "isfinite", "isinf", "isnan", "le",
    "logical_and", "logical_not", "logical_or", "lt", "ne", "numel", "result_type",
]  # fmt: skip


def _compare(function: Any, input: Any, other: Any) -> Tensor:
    with no_grad():
        input, other = common(input, other)
    try:
        return wrap(function(array_of(input), array_of(other)))
    except ValueError:
        check_broadcast(input, other)
        raise


def eq(input: Tensor, other: Any) -> Tensor:
    """input = other, element by element; the operands broadcast."""
    return _compare(np.equal, input, other)


def ne(input: Tensor, other: Any) -> Tensor:
    """input ≠ other, element by element; the operands broadcast."""
    return _compare(np.not_equal, input, other)


def lt(input: Tensor, other: Any) -> Tensor:
    """input < other, element by element; the operands broadcast."""
    return _compare(np.less, input, other)


def le(input: Tensor, other: Any) -> Tensor:
    """input ≤ other, element by element; the operands broadcast."""
    return _compare(np.less_equal, input, other)


def gt(input: Tensor, other: Any) -> Tensor:
    """input > other, element by element; the operands broadcast."""
    return _compare(np.greater, input, other)


def ge(input: Tensor, other: Any) -> Tensor:
    """input ≥ other, element by element; the operands broadcast."""
    return _compare(np.greater_equal, input, other)


def logical_and(input: Tensor, other: Any) -> Tensor:
    """Whether both are true (not zero)."""
    return _compare(np.logical_and, input, require_tensor(other, "logical_and", "other"))


def logical_or(input: Tensor, other: Any) -> Tensor:
    """Whether one is true (not zero)."""
    return _compare(np.logical_or, input, require_tensor(other, "logical_or", "other"))


def logical_not(input: Tensor) -> Tensor:
    """Whether it is false (zero)."""
    return wrap(np.logical_not(require_tensor(input, "logical_not").array))


def bitwise_and(input: Tensor, other: Any) -> Tensor:
    """& of booleans or integers.

    Raises:
        NotImplementedError: for floating tensors.
    """
    return _bitwise(np.bitwise_and, "bitwise_and_cpu", input, other)


def bitwise_or(input: Tensor, other: Any) -> Tensor:
    """| of booleans or integers.

    Raises:
        NotImplementedError: for floating tensors.
    """
    return _bitwise(np.bitwise_or, "bitwise_or_cpu", input, other)


def bitwise_xor(input: Tensor, other: Any) -> Tensor:
    """^ of booleans or integers.

    Raises:
        NotImplementedError: for floating tensors.
    """
    return _bitwise(np.bitwise_xor, "bitwise_xor_cpu", input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """~ of booleans or integers.

    Raises:
        TypeError: for floating tensors.
    """
    array = require_tensor(input, "bitwise_not").array
    if array.dtype.kind == "f":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return wrap(np.invert(array))


def _bitwise(function: Any, name: str, input: Any, other: Any) -> Tensor:
    for value in (as_operand(input), as_operand(other)):
        dtype = get_default_dtype().numpy if isinstance(value, float) else getattr(array_of(value), "dtype", None)
        if dtype is not None and dtype.kind == "f":
            raise NotImplementedError(f"\"{name}\" not implemented for '{KINDS[dtype]}'")
    return _compare(function, input, other)


def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether its elements are float32 or float64."""
    return require_tensor(input, "is_floating_point").array.dtype.kind == "f"


def numel(input: Tensor) -> int:
    """How many elements it has."""
    return require_tensor(input, "numel").array.size


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of an operation on these two tensors or numbers.

    Example:
        >>> import tinyact
        >>> tinyact.result_type(tinyact.tensor([1, 2]), 1.0)
        torch.float32
    """
    return BY_NUMPY[promoted((array_of(as_operand(tensor1)), array_of(as_operand(tensor2))))]


def isnan(input: Tensor) -> Tensor:
    """Whether it is NaN."""
    return wrap(np.isnan(require_tensor(input, "isnan").array))


def isinf(input: Tensor) -> Tensor:
    """Whether it is ∞ or −∞."""
    return wrap(np.isinf(require_tensor(input, "isinf").array))


def isfinite(input: Tensor) -> Tensor:
    """Whether it is neither infinite nor NaN."""
    return wrap(np.isfinite(require_tensor(input, "isfinite").array))


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    a, b = require_tensor(input, "equal"), require_tensor(other, "equal")
    return bool(np.array_equal(a.array, b.array))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether |input − other| ≤ atol + rtol · |other| everywhere.

    Raises:
        RuntimeError: if the dtypes differ.
    """
    if input.array.dtype != other.array.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    check_broadcast(input, other)
    return bool(np.allclose(input.array, other.array, rtol, atol, equal_nan))
