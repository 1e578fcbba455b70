"""The element types of tensors, and PyTorch's rules for mixing them in one operation."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["dtype", "float32", "float64", "int16", "int32", "int64", "int8", "uint8"]


class dtype:
    """The type of a tensor's elements, one object per type: ``tinyact.float32``, ``tinyact.int64`` …

    It prints as PyTorch prints it (``torch.float32``), because a program written for PyTorch's names is to print the
    same lines.

    Attributes:
        numpy: the NumPy dtype behind it.
        is_floating_point: whether tensors of this type can have gradients.

    Example:
        >>> import tinyact
        >>> tinyact.tensor([1, 2]).dtype, tinyact.float64.is_floating_point
        (torch.int64, True)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy: np.dtype[Any] = np.dtype(name)
        self.is_floating_point = self.numpy.kind == "f"

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


_NAMES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
BY_NUMPY: dict[np.dtype[Any], dtype] = {np.dtype(name): dtype(name) for name in _NAMES}

# What PyTorch's messages and older names call them.
KINDS = dict(zip(BY_NUMPY, ("Float", "Double", "Char", "Short", "Int", "Long", "Byte", "Bool"), strict=True))

float32, float64, int8, int16, int32, int64, uint8, bool_ = BY_NUMPY.values()


def as_dtype(kind: Any) -> dtype:
    """The dtype that a caller means by a dtype, a NumPy dtype, a Python type or a name.

    Python's ``float`` is float64 here, as ``torch.tensor([1.0]).to(float)`` has it.

    Raises:
        TypeError: if tensors of this type are not supported.
    """
    if isinstance(kind, dtype):
        return kind
    try:
        return BY_NUMPY[np.dtype(kind)]
    except (KeyError, TypeError):
        names = ", ".join(_NAMES)
        raise TypeError(f"tensors hold {names}; got {kind!r}") from None


def promote_types(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The type that holds both: a floating type wins over any integer type, whatever their widths."""
    if (a.kind == "f") != (b.kind == "f"):
        return a if a.kind == "f" else b
    return np.promote_types(a, b)


_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2}


def promoted(operands: tuple[Any, ...]) -> np.dtype[Any]:
    """The common type of arrays and Python numbers by PyTorch's rule.

    Arrays with dimensions come first, then arrays without, then Python numbers; a later group changes the type only
    if it is of a higher category (bool < integer < floating): float32 · 2.5 stays float32, int64 · 2.5 becomes
    float32, and a float64 scalar tensor does not widen a float32 matrix.
    """
    with_dims: np.dtype[Any] | None = None
    without_dims: np.dtype[Any] | None = None
    numbers: np.dtype[Any] | None = None
    for operand in operands:
        if not isinstance(operand, np.ndarray):
            numbers = _combined(numbers, _number_type(operand))
        elif operand.ndim:
            with_dims = _combined(with_dims, operand.dtype)
        else:
            without_dims = _combined(without_dims, operand.dtype)
    result: np.dtype[Any] | None = None
    for group in (with_dims, without_dims, numbers):
        if result is None or (group is not None and _CATEGORY[group.kind] > _CATEGORY[result.kind]):
            result = group
    assert result is not None
    return result


def _combined(a: np.dtype[Any] | None, b: np.dtype[Any]) -> np.dtype[Any]:
    return b if a is None else promote_types(a, b)


def _number_type(number: Any) -> np.dtype[Any]:
    """The type that a Python number takes when nothing else decides."""
    if isinstance(number, (bool, np.bool_)):
        return bool_.numpy
    if isinstance(number, (int, np.integer)):
        return int64.numpy
    return float32.numpy
