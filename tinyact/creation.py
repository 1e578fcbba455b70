"""New tensors: from data, filled with a number, counting up, or random."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from tinyact import random
from tinyact.autograd.operation import wrap
from tinyact.device import DeviceLike, check_device
from tinyact.dtype import as_dtype, bool_, float32, float64, get_default_dtype, int64
from tinyact.dtype import dtype as DType
from tinyact.functions.operand import (
    as_element,
    as_number,
    fresh,
    from_data,
    layout,
    plain_number,
    require_tensor,
    sizes_of,
)
from tinyact.tensor import Tensor, from_data_or_sizes

__all__ = [
    "DoubleTensor", "FloatTensor", "LongTensor", "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy",
    "full", "full_like", "linspace", "ones", "ones_like", "rand", "rand_like", "randint", "randn", "randn_like",
    "randperm", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def _finished(array: Any, dtype: DType, device: DeviceLike, requires_grad: bool) -> Tensor:
    """The array as a tensor of this dtype, on the CPU."""
    check_device(device)
    result = fresh(array.astype(dtype.numpy, copy=False))
    return result.requires_grad_() if requires_grad else result


def _shape(sizes: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    if not sizes and size is None:
        raise TypeError("missing 1 required positional argument: 'size'")
    shape = sizes_of(sizes, size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def tensor(data: Any, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of the data.

    Args:
        data: a number, nested sequences of numbers, an array or a tensor.
        dtype: of the elements; by default that of an array, else float32, int64 or bool.
        device: the CPU, or nothing.
        requires_grad: whether gradients with respect to it are wanted.

    Raises:
        TypeError: if it holds anything but numbers.
        ValueError: if nested sequences differ in length.
        RuntimeError: if gradients are wanted for integers or booleans.

    Example:
        >>> import tinyact
        >>> tinyact.tensor([[1, 2.5]])
        tensor([[1.0000, 2.5000]])
    """
    check_device(device)
    result = from_data(data, None if dtype is None else as_dtype(dtype))
    if requires_grad and result.array.dtype.kind != "f":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return result.requires_grad_() if requires_grad else result


def as_tensor(data: Any, dtype: Any = None, device: DeviceLike = None) -> Tensor:
    """The data as a tensor, without a copy where it is one already or an array of the right dtype.

    Example:
        >>> import tinyact
        >>> t = tinyact.zeros(2)
        >>> tinyact.as_tensor(t) is t
        True
    """
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray):
        result = from_numpy(data)
        return result if dtype is None else result.to(dtype)
    return tensor(data, dtype=dtype)


def from_numpy(array: np.ndarray[Any, np.dtype[Any]]) -> Tensor:
    """A tensor in the memory of the array: a change of one changes the other.

    Raises:
        TypeError: if it is no array, or one of a type that tensors don't have.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    as_dtype(array.dtype)
    return wrap(array if type(array) is np.ndarray else array.view(np.ndarray))


class _Constructor(type):
    """Lets ``isinstance(t, FloatTensor)`` ask for the dtype, and the call make a plain tensor."""

    dtype: DType

    def __call__(cls, *data: Any) -> Tensor:
        return wrap(from_data_or_sizes(data, cls.dtype))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


class FloatTensor(Tensor, metaclass=_Constructor):
    """PyTorch's older way to make a float32 tensor, from data or of a shape."""

    dtype = float32


class DoubleTensor(Tensor, metaclass=_Constructor):
    """PyTorch's older way to make a float64 tensor, from data or of a shape."""

    dtype = float64


class LongTensor(Tensor, metaclass=_Constructor):
    """PyTorch's older way to make an int64 tensor, from data or of a shape."""

    dtype = int64


def zeros(
    *sizes: Any, size: Any = None, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Zeros.

    Args:
        sizes, size: the sizes, one by one or as one sequence.
        dtype: of the elements, by default the default dtype.
        device: the CPU, or nothing.
        requires_grad: whether gradients with respect to it are wanted.
    """
    return full(
        _shape(sizes, size), 0.0, dtype=dtype or get_default_dtype(), device=device, requires_grad=requires_grad
    )


def ones(
    *sizes: Any, size: Any = None, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Ones; arguments as for `zeros`."""
    return full(
        _shape(sizes, size), 1.0, dtype=dtype or get_default_dtype(), device=device, requires_grad=requires_grad
    )


def empty(
    *sizes: Any, size: Any = None, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """A tensor whose numbers don't matter (they are zeros); arguments as for `zeros`."""
    return zeros(*sizes, size=size, dtype=dtype, device=device, requires_grad=requires_grad)


def full(
    size: Any, fill_value: Any, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """The same number everywhere.

    Args:
        size: the sizes, as a sequence.
        fill_value: the number; it decides the dtype if none is given.
        dtype: of the elements.
        device: the CPU, or nothing.
        requires_grad: whether gradients with respect to it are wanted.
    """
    number = plain_number(fill_value)
    kind = from_data(number).dtype if dtype is None else as_dtype(dtype)
    return _finished(np.full(_shape((size,)), as_element(number, kind.numpy), kind.numpy), kind, device, requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and dtype of another tensor."""
    return full_like(require_tensor(input, "zeros_like"), 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and dtype of another tensor."""
    return full_like(require_tensor(input, "ones_like"), 1, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """A tensor in the shape and dtype of another whose numbers don't matter (they are zeros)."""
    return zeros_like(input, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """The same number everywhere, in the shape and dtype of another tensor."""
    kind = input.dtype if dtype is None else as_dtype(dtype)
    # In the same layout in memory.
    array = np.full_like(input.array, as_element(fill_value, kind.numpy), kind.numpy, layout(input.array))
    return _finished(array, kind, device, requires_grad)


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Ones on the diagonal of an n×m matrix (m = n if left out), zeros elsewhere."""
    rows, columns = _shape((n, n if m is None else m))
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return _finished(np.eye(rows, columns), kind, device, requires_grad)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, … before end; int64 if all three are integers, else float32.

    Raises:
        RuntimeError: if the step is 0 or leads away from the end.

    Example:
        >>> import tinyact
        >>> tinyact.arange(0, 1, 0.25)
        tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    whole = all(isinstance(v, (int, np.integer)) for v in (start, end, step))
    kind = _counting(dtype, "arange") if dtype is not None else (int64 if whole else get_default_dtype())
    if kind is int64:
        start, end, step = int(start), int(end), int(step)
    if step == 0 or step != step:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = math.ceil((end - start) / step)
    if not kind.is_floating_point:
        start, step = int(start), int(step)
    return _finished(start + step * np.arange(count), kind, device, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """So many numbers at equal distances from start to end, both included.

    Raises:
        RuntimeError: for a negative number of steps.
    """
    for bound, argument in ((start, "start"), (end, "end")):
        as_number(bound, "linspace", argument)
    steps = operator.index(steps)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    kind = _counting(dtype, "linspace")
    start, end = plain_number(start), plain_number(end)
    if not kind.is_floating_point:
        as_element(start, kind.numpy), as_element(end, kind.numpy)
    if steps <= 1:
        return _finished(np.full(steps, start), kind, device, requires_grad)
    if not kind.is_floating_point:
        return _finished(np.linspace(start, end, steps), kind, device, requires_grad)
    number = kind.numpy.type
    with np.errstate(all="ignore"):
        step = (number(end) - number(start)) / number(steps - 1)
        places = np.arange(steps)
        # Counted from the nearer end, with one rounding each, as PyTorch does it.
        from_start = np.float64(start) + np.float64(step) * places
        from_end = np.float64(end) - np.float64(step) * (steps - 1 - places)
    return _finished(np.where(places < steps // 2, from_start, from_end), kind, device, requires_grad)


def rand(
    *sizes: Any,
    size: Any = None,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers, uniform in [0, 1): bit for bit PyTorch's for the same seed.

    Args:
        sizes, size: the sizes, one by one or as one sequence.
        generator: where they come from; by default the one that `manual_seed` seeds.
        dtype: float32 or float64.
        device: the CPU, or nothing.
        requires_grad: whether gradients with respect to it are wanted.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> tinyact.rand(2)
        tensor([0.4963, 0.7682])
    """
    kind = _floating(dtype, "rand")
    source = generator or random.default_generator
    return _finished(source.uniform(_shape(sizes, size), dtype=kind.numpy), kind, device, requires_grad)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers of the standard normal distribution: PyTorch's for the same seed, to float rounding.

    Args:
        sizes, size: the sizes, one by one or as one sequence.
        generator: where they come from; by default the one that `manual_seed` seeds.
        dtype: float32 or float64.
        device: the CPU, or nothing.
        requires_grad: whether gradients with respect to it are wanted.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> tinyact.randn(2)
        tensor([ 1.5410, -0.2934])
    """
    kind = _floating(dtype, "randn")
    source = generator or random.default_generator
    return _finished(source.normal(_shape(sizes, size), dtype=kind.numpy), kind, device, requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """`rand` in the shape and dtype of another tensor."""
    return rand(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """`randn` in the shape and dtype of another tensor."""
    return randn(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def _counting(dtype: Any, name: str) -> DType:
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if kind is bool_:
        raise NotImplementedError(f"{name} makes numbers, not booleans")
    return kind


def _floating(dtype: Any, name: str) -> DType:
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if not kind.is_floating_point:
        raise NotImplementedError(f"{name} makes floating numbers, not {kind}")
    return kind


def randint(
    low: int = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers in [low, high): bit for bit PyTorch's for the same seed.

    Args:
        low: the smallest; may be left out and is 0 then: ``randint(high, size)``.
        high: above the largest.
        size: the sizes, as a sequence.
        generator: where they come from; by default the one that `manual_seed` seeds.
        dtype: of the elements, by default int64.
        device: the CPU, or nothing.
        requires_grad: whether gradients with respect to it are wanted (for a floating dtype).

    Raises:
        RuntimeError: if there is no integer in [low, high).

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> tinyact.randint(10, (4,))
        tensor([4, 9, 3, 0])
    """
    if size is None or high is None:
        low, high, size = (0, low, high) if size is None else (0, low, size)
    if size is None:
        raise TypeError("randint() missing argument: 'size'")
    low, high = plain_number(low), plain_number(high)
    kind = int64 if dtype is None else as_dtype(dtype)
    if not kind.is_floating_point:
        limits = (0, 1) if kind is bool_ else (np.iinfo(kind.numpy).min, np.iinfo(kind.numpy).max)
        if low < limits[0] or high - 1 > limits[1]:
            raise RuntimeError(f"integers from {low} to {high - 1} are out of bounds for {kind}")
    source = generator or random.default_generator
    return _finished(source.integers(low, high, _shape((size,))), kind, device, requires_grad)


def randperm(
    n: int,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """0 … n − 1 in random order: bit for bit PyTorch's for the same seed.

    Raises:
        RuntimeError: for a negative n.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> tinyact.randperm(4)
        tensor([0, 1, 3, 2])
    """
    n = operator.index(n)
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    kind = int64 if dtype is None else as_dtype(dtype)
    if n:
        as_element(n - 1, kind.numpy)
    source = generator or random.default_generator
    return _finished(source.permutation(n), kind, device, requires_grad)
