"""The element types of tensors, and PyTorch's rules for mixing them in one operation."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "dtype", "finfo", "float32", "float64", "get_default_dtype", "iinfo", "int16", "int32", "int64", "int8",
    "promote_types", "set_default_dtype", "uint8",
]  # fmt: skip


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


_default = float32


def get_default_dtype() -> dtype:
    """The dtype of new floating numbers that don't say theirs: float32, unless it was set.

    Example:
        >>> import tinyact
        >>> tinyact.get_default_dtype()
        torch.float32
    """
    return _default


def set_default_dtype(d: dtype) -> None:
    """From now on, in all threads, new floating numbers that don't say theirs have this dtype.

    Args:
        d: float32 or float64.

    Raises:
        TypeError: for anything else.

    Example:
        >>> import tinyact
        >>> tinyact.set_default_dtype(tinyact.float64)
        >>> tinyact.tensor(0.1).dtype
        torch.float64
        >>> tinyact.set_default_dtype(tinyact.float32)
    """
    global _default
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError(f"only floating-point types are supported as the default type, not {d}")
    _default = d


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The dtype of an operation on tensors of these two.

    Example:
        >>> import tinyact
        >>> tinyact.promote_types(tinyact.int64, tinyact.float32)
        torch.float32
    """
    return BY_NUMPY[holding_both(type1.numpy, type2.numpy)]


class _Limits:
    """A dtype's limits, as PyTorch prints them."""

    _shown: tuple[str, ...]

    def __init__(self, type: dtype, limits: Any) -> None:
        self.dtype, self.bits = type.name, limits.bits
        self.min, self.max = limits.min, limits.max

    def __repr__(self) -> str:
        def text(value: Any) -> str:
            return value if isinstance(value, str) else f"{value:g}"

        return f"{type(self).__name__}({', '.join(f'{name}={text(getattr(self, name))}' for name in self._shown)})"


class finfo(_Limits):
    """The limits of a floating dtype: ``min max eps tiny smallest_normal resolution bits``.

    Args:
        type: the dtype, the default one if left out.

    Raises:
        TypeError: for integers and booleans.

    Example:
        >>> import tinyact
        >>> tinyact.finfo(tinyact.float32).eps
        1.1920928955078125e-07
    """

    _shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny", "dtype")

    def __init__(self, type: dtype | None = None) -> None:
        kind = type or _default
        if not kind.is_floating_point:
            raise TypeError(f"finfo() requires a floating point input type, not {kind}: use iinfo")
        limits = np.finfo(kind.numpy)
        super().__init__(kind, limits)
        self.min, self.max = float(limits.min), float(limits.max)
        self.eps, self.tiny, self.resolution = float(limits.eps), float(limits.tiny), float(str(limits.resolution))
        self.smallest_normal = self.tiny


class iinfo(_Limits):
    """The limits of an integer dtype: ``min max bits``.

    Args:
        type: the dtype.

    Raises:
        TypeError: for floating numbers and booleans.

    Example:
        >>> import tinyact
        >>> tinyact.iinfo(tinyact.uint8).max
        255
    """

    _shown = ("min", "max", "dtype")

    def __init__(self, type: dtype) -> None:
        if type.numpy.kind not in "iu":
            raise TypeError(f"iinfo() requires an integer input type, not {type}: use finfo")
        super().__init__(type, np.iinfo(type.numpy))


def holding_both(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
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
    return b if a is None else holding_both(a, b)


def _number_type(number: Any) -> np.dtype[Any]:
    """The type that a Python number takes when nothing else decides."""
    if isinstance(number, (bool, np.bool_)):
        return bool_.numpy
    if isinstance(number, (int, np.integer)):
        return int64.numpy
    return _default.numpy
