"""What all operations need before they start: operands as tensors of one dtype, dimensions counted from the front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinyact.autograd import engine
from tinyact.autograd.engine import Operation, wrap
from tinyact.dtype import as_dtype, promoted

if TYPE_CHECKING:
    from tinyact.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


class Cast(Operation):
    """x in another dtype      ∂L/∂x = ∂L/∂y in x's own, which every gradient gets anyway"""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.to = dtype

    def name(self) -> str:
        return "ToCopyBackward0"

    def forward(self, x: Any) -> Any:
        return x.astype(self.to)

    def grad_x(self, grad: Any) -> Any:
        return grad


def cast(input: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """The tensor in this dtype; itself if it is that already."""
    if input.array.dtype == dtype:
        return input
    if dtype.kind != "f":
        with np.errstate(all="ignore"):
            return wrap(input.array.astype(dtype))
    return Cast(dtype).apply(input)


def as_operand(value: Any, name: str = "other") -> Any:
    """A tensor, or a Python number, from what stands beside an operator."""
    if isinstance(value, (engine.Tensor, bool, int, float)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, np.ndarray):
        as_dtype(value.dtype)
        return wrap(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"argument '{name}' must be Tensor or number, not {type(value).__name__}")


def common(*values: Any, floating: bool = False) -> tuple[Any, ...]:
    """Operands of one dtype: PyTorch's promotion.

    Python numbers beside floating tensors stay as they are, since NumPy too lets the tensor decide the dtype.
    """
    values = tuple(as_operand(value) for value in values)
    dtype = promoted(tuple(v.array if isinstance(v, engine.Tensor) else v for v in values))
    if floating and dtype.kind != "f":
        dtype = np.dtype(np.float32)
    if not any(isinstance(v, engine.Tensor) for v in values):
        raise TypeError(f"expected at least one Tensor among {values}")
    return tuple(
        cast(v, dtype)
        if isinstance(v, engine.Tensor)
        else (float(v) if dtype.kind == "f" else np.asarray(v).astype(dtype))
        for v in values
    )


def binary(operation: Operation, input: Any, other: Any, floating: bool = False) -> Tensor:
    """Apply an operation to two operands that broadcast, after promotion.

    Raises:
        TypeError: for an operand that is neither tensor, array nor number.
        RuntimeError: if the shapes don't broadcast.
    """
    both = isinstance(input, engine.Tensor) and isinstance(other, engine.Tensor)
    if not (both and input.array.dtype == other.array.dtype and input.array.dtype.kind == "f"):
        input, other = common(input, other, floating=floating)
    try:
        return operation.apply(input, other)
    except ValueError:
        check_broadcast(input, other)
        raise


def check_broadcast(*operands: Any) -> None:
    """Raises PyTorch's error for the first pair of sizes that don't match."""
    shapes = [operand.array.shape for operand in operands if isinstance(operand, engine.Tensor)]
    for a, b in pairwise(shapes):
        longest = max(len(a), len(b))
        for dim in range(-1, -longest - 1, -1):
            n = a[dim] if -dim <= len(a) else 1
            m = b[dim] if -dim <= len(b) else 1
            if n != m and 1 not in (n, m):
                raise RuntimeError(
                    f"The size of tensor a ({n}) must match the size of tensor b ({m}) at non-singleton dimension "
                    f"{longest + dim}"
                )


def as_floating(input: Any, name: str) -> Tensor:
    """The tensor, made float32 if it holds integers or booleans.

    Raises:
        TypeError: if it is no tensor.
    """
    if not isinstance(input, engine.Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
    return input if input.array.dtype.kind == "f" else cast(input, np.dtype(np.float32))


def dimension(dim: int, ndim: int) -> int:
    """A dimension counted from the front; a tensor without dimensions counts as having one.

    Raises:
        IndexError: if there is no such dimension.
    """
    count = max(ndim, 1)
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}")
    if not -count <= dim < count:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {dim})")
    return int(dim) % count


def dimensions(dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Several dimensions counted from the front; None and the empty sequence mean all.

    Raises:
        RuntimeError: if one stands there twice.
    """
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    dims = [dimension(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim)]
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
    if len(sizes) == 1 and not isinstance(sizes[0], (int, np.integer)):
        sizes = tuple(sizes[0])
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
            raise TypeError(f"sizes must be ints, got {size!r}")
    return tuple(int(size) for size in sizes)


def documented(operation: type[Operation]) -> Callable[[F], F]:
    """Give a public function the mathematics of its operation in front of what its own docstring adds."""

    def decorate(function: F) -> F:
        function.operation = operation  # type: ignore[attr-defined]
        mathematics = (operation.__doc__ or "").rstrip()
        own = (function.__doc__ or "").strip()
        function.__doc__ = f"{mathematics}\n\n    {own}\n    " if own else f"{mathematics}\n    "
        return function

    return decorate
