"""What all operations need before they start: operands as tensors of one dtype, dimensions counted from the front."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinyact.autograd.operation import Operation, Variable, array_of, wrap
from tinyact.autograd.watch import watchers
from tinyact.device import DeviceLike, check_device, is_device
from tinyact.dtype import as_dtype, get_default_dtype, holding_both, promoted
from tinyact.dtype import dtype as DType

if TYPE_CHECKING:
    from tinyact.tensor import Tensor as Tensor
else:
    # tensor.py stands above; what functions ask of a tensor, every Variable has.
    Tensor = Variable

F = TypeVar("F", bound=Callable[..., Any])


def layout(array: np.ndarray[Any, np.dtype[Any]]) -> Any:
    """NumPy's letter for the layout that a copy has: the same, or in order if elements share memory."""
    return "C" if 0 in array.strides else "K"


def in_order(array: Any) -> Any:
    """The array, its elements in order in memory."""
    return array if array.flags.c_contiguous else array.astype(array.dtype, order="C")


class Cast(Operation):
    """x in another dtype      ∂L/∂x = ∂L/∂y in x's own, which every gradient gets anyway"""

    torch_name = "ToCopyBackward0"

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.to = dtype

    def forward(self, x: Any) -> Any:
        return x.astype(self.to, layout(x))

    def grad_x(self, grad: Any) -> Any:
        return grad


def cast(input: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """The tensor in this dtype; itself if it is that already."""
    if input.array.dtype == dtype:
        return input
    if dtype.kind != "f":
        with np.errstate(all="ignore"):
            return wrap(input.array.astype(dtype, layout(input.array)))
    return Cast(dtype).apply(input)


def require_tensor(input: Any, function: str, argument: str = "input") -> Tensor:
    """The tensor, or PyTorch's error if it is none."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(input).__name__}")
    return input


def require_floating(input: Any, function: str) -> Tensor:
    """The tensor, if its elements are floating numbers.

    Raises:
        TypeError: if it is no tensor.
        NotImplementedError: for integers and booleans.
    """
    if isinstance(input, Tensor) and input.array.dtype.kind == "f":
        return input
    raise NotImplementedError(f"{function} takes floating tensors, got {require_tensor(input, function).dtype}")


def require_numbers(input: Any, function: str) -> Tensor:
    """The tensor, unless its elements are booleans.

    Raises:
        TypeError: if it is no tensor.
        RuntimeError: for booleans.
    """
    tensor = require_tensor(input, function)
    if tensor.array.dtype == np.bool_:
        raise RuntimeError(f"Boolean inputs not supported for {function}")
    return tensor


def as_floating(input: Any, function: str) -> Tensor:
    """The tensor, made float32 if it holds integers or booleans.

    Raises:
        TypeError: if it is no tensor.
    """
    if isinstance(input, Tensor) and input.array.dtype.kind == "f":
        return input
    return cast(require_tensor(input, function), get_default_dtype().numpy)


def as_number(value: Any, function: str, argument: str) -> float:
    """An argument that must be a number, or a tensor without dimensions that needs no gradient.

    Raises:
        TypeError: if it is none.
    """
    if isinstance(value, Tensor) and value.array.ndim == 0 and not value.requires_grad:
        return float(value.array)
    if not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{function}(): argument '{argument}' must be Number, not {type(value).__name__}")
    return float(value)


def as_element(value: Any, dtype: np.dtype[Any]) -> Any:
    """A number in this dtype.

    Raises:
        TypeError: if it is none.
        RuntimeError: if the dtype can't hold it; as in PyTorch, unsigned integers hold −x as what it wraps to.
    """
    value = plain_number(value)
    if not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    if dtype.kind == "f" and math.isfinite(value) and abs(value) > float(np.finfo(dtype).max):
        raise RuntimeError(f"value cannot be converted to type {dtype} without overflow")
    array = np.asarray(value)
    _check_values(array, dtype)
    return (array.astype(np.int64) if dtype.kind in "iu" else array).astype(dtype)[()]


def plain_number(value: Any) -> Any:
    """A tensor without dimensions, or a number of NumPy's, as a Python number; anything else as it is."""
    if isinstance(value, Tensor) and value.array.ndim == 0:
        return value.array.item()
    return value.item() if isinstance(value, np.generic) else value


def from_data(data: Any, dtype: DType | None = None) -> Tensor:
    """A new tensor with a copy of the data; numbers are float32, int64 or bool unless they say otherwise.

    Raises:
        TypeError: if it holds anything but numbers.
        ValueError: if nested sequences differ in length, or hold tensors of more than one element.
        RuntimeError: if integers of this dtype can't hold one of the numbers.
    """
    if isinstance(data, (Tensor, np.ndarray, np.generic)):
        array = np.asarray(data) if isinstance(data, np.generic) else array_of(data)
        dtype = dtype or as_dtype(array.dtype)
    else:
        types: set[Any] = set()
        try:
            array = np.asarray(_plain(data, types))
        except (ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"expected numbers, in sequences of equal length at every level: {error}") from None
        inferred = functools.reduce(holding_both, map(_dtype_of, types)) if types else get_default_dtype().numpy
        dtype = dtype or as_dtype(inferred)
        if dtype.numpy.kind in "iu" and array.dtype.kind in "uO" and int in types:
            raise ValueError(f"Overflow when unpacking long: {data!r:.200}")
    if not isinstance(data, (Tensor, np.ndarray)):
        _check_values(array, dtype.numpy)
    with np.errstate(all="ignore"):
        return fresh(array.astype(dtype.numpy, order="C"))


def fresh(array: np.ndarray[Any, np.dtype[Any]]) -> Tensor:
    """A tensor of new numbers."""
    for watcher in watchers:
        array = watcher.made(array)
    return wrap(array)


def _dtype_of(kind: Any) -> np.dtype[Any]:
    """The dtype that PyTorch infers for a Python type of numbers; a dtype of NumPy's as it is."""
    if isinstance(kind, np.dtype):
        return kind
    for number, dtype in ((bool, np.dtype(np.bool_)), (int, np.dtype(np.int64)), (float, get_default_dtype().numpy)):
        if issubclass(kind, number):
            return dtype
    raise TypeError(f"new(): invalid data type '{kind.__name__}': a tensor holds numbers")


def _plain(data: Any, types: set[Any]) -> Any:
    """Nested sequences without tensors in them; Python's types of their numbers, or NumPy's dtypes, are added."""
    if isinstance(data, (list, tuple, range)):
        return [_plain(part, types) for part in data]
    if isinstance(data, Tensor):
        if data.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        types.add(data.array.dtype)
        return data.array.item()
    types.add(data.dtype if isinstance(data, (np.ndarray, np.generic)) else type(data))
    return data


def _check_values(array: np.ndarray[Any, np.dtype[Any]], dtype: np.dtype[Any]) -> None:
    """Raise RuntimeError for numbers that integers of this dtype can't hold; negative integers may wrap in unsigned."""
    if dtype.kind not in "iu" or not array.size or array.dtype.kind == "b":
        return
    limits = np.iinfo(dtype)
    least = -limits.max if dtype.kind == "u" and array.dtype.kind != "f" else limits.min
    # NaN is refused too: neither comparison holds for it.
    if not (array.min() >= least and array.max() <= limits.max):
        raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")


class NotAnOperand(TypeError):
    """What stands beside an operator is neither tensor, array nor number: perhaps its own class has the operator."""


def as_operand(value: Any, name: str = "other") -> Any:
    """A tensor, or a Python number, from what stands beside an operator."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (Tensor, int, float)):
        return value
    if isinstance(value, np.ndarray):
        as_dtype(value.dtype)
        return wrap(value)
    raise NotAnOperand(f"argument '{name}' must be Tensor or number, not {type(value).__name__}")


def destination(args: tuple[Any, ...], device: DeviceLike, dtype: Any) -> DType | None:
    """The dtype that ``to(…)`` asks for, if it asks for one: ``to(dtype)``, ``to(device, dtype)`` or ``to(tensor)``.

    Raises:
        TypeError: if it is no dtype.
        AssertionError, NotImplementedError: for a device that isn't the CPU.
    """
    if args and isinstance(args[0], Tensor):
        return as_dtype(args[0].array.dtype)
    if args and (args[0] is None or is_device(args[0])):
        device, args = args[0], args[1:]
    check_device(device)
    wanted = args[0] if args and not isinstance(args[0], bool) else dtype  # behind it stands non_blocking
    return None if wanted is None else as_dtype(wanted)


def common(*values: Any, floating: bool = False) -> tuple[Any, ...]:
    """Operands of one dtype: PyTorch's promotion.

    Python numbers beside floating tensors stay as they are, since NumPy too lets the tensor decide the dtype.
    """
    values = tuple(as_operand(value) for value in values)
    dtype = promoted(tuple(map(array_of, values)))
    if floating and dtype.kind != "f":
        dtype = get_default_dtype().numpy
    if not any(isinstance(v, Tensor) for v in values):
        raise TypeError(f"expected at least one Tensor among {values}")
    return tuple(
        cast(v, dtype)
        if isinstance(v, Tensor)
        else (float(v) if dtype.kind == "f" else np.asarray(v, np.int64).astype(dtype))
        for v in values
    )


def binary(operation: Operation, input: Any, other: Any, floating: bool = False) -> Tensor:
    """Apply an operation to two operands that broadcast, after promotion.

    Raises:
        TypeError: for an operand that is neither tensor, array nor number.
        RuntimeError: if the shapes don't broadcast.
    """
    both = isinstance(input, Tensor) and isinstance(other, Tensor)
    if not (both and input.array.dtype == other.array.dtype and input.array.dtype.kind == "f"):
        if isinstance(input, (int, float)) and isinstance(other, (int, float)):
            input = from_data(input)
        input, other = common(input, other, floating=floating)
    try:
        return operation.apply(input, other)
    except ValueError:
        check_broadcast(input, other)
        raise


def check_broadcast(*operands: Any) -> None:
    """Raises PyTorch's error for the first pair of sizes that don't match."""
    shapes = [operand.array.shape for operand in operands if isinstance(operand, Tensor)]
    for a, b in combinations(shapes, 2):
        longest = max(len(a), len(b))
        for dim in range(-1, -longest - 1, -1):
            n = a[dim] if -dim <= len(a) else 1
            m = b[dim] if -dim <= len(b) else 1
            if n != m and 1 not in (n, m):
                raise RuntimeError(
                    f"The size of tensor a ({n}) must match the size of tensor b ({m}) at non-singleton dimension "
                    f"{longest + dim}"
                )


def integer(value: Any) -> int | None:
    """The value of an integer, which may be a tensor without dimensions; None for anything else, booleans too."""
    if isinstance(value, Tensor) and value.array.ndim == 0:
        value = value.array[()]
    return int(value) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else None


def dimension(dim: int, ndim: int) -> int:
    """A dimension counted from the front; a tensor without dimensions counts as having one.

    Raises:
        IndexError: if there is no such dimension.
    """
    count, place = max(ndim, 1), integer(dim)
    if place is None:
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}")
    if not -count <= place < count:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {dim})")
    return place % count


def dimensions(dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Several dimensions counted from the front; None and the empty sequence mean all.

    Raises:
        RuntimeError: if one stands there twice.
    """
    several: Any = (dim,) if integer(dim) is not None else dim
    if several is None or len(several) == 0:
        return tuple(range(ndim))
    dims = [dimension(d, ndim) for d in several]
    for i, d in enumerate(dims):
        if d in dims[:i]:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return tuple(dims) if ndim else ()


def sizes_of(sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Sizes given one by one, as one sequence, or as one by name.

    Raises:
        TypeError: if there are none, both ways are used, or they are no integers.
    """
    if named is not None:
        if sizes:
            raise TypeError(f"sizes given twice: {sizes} and {named}")
        sizes = (named,)
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    integers = tuple(map(integer, sizes))
    if None in integers:
        raise TypeError(f"sizes must be ints, got {sizes[integers.index(None)]!r}")
    return integers  # type: ignore[return-value]


def documented(operation: type[Operation]) -> Callable[[F], F]:
    """Give a public function the mathematics of its operation in front of what its own docstring adds."""

    def decorate(function: F) -> F:
        function.operation = operation  # type: ignore[attr-defined]
        mathematics = (operation.__doc__ or "").rstrip()
        own = (function.__doc__ or "").strip()
        function.__doc__ = f"{mathematics}\n\n    {own}\n    " if own else f"{mathematics}\n    "
        return function

    return decorate
