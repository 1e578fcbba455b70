"""Operations that move elements without changing them: reshape, transpose, join and cut.

Each derivative is the way back: the gradient of a reshape is a reshape to the old shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyact.autograd.operation import Gradient, Operation
from tinyact.dtype import promoted
from tinyact.functions.elementwise import Clone
from tinyact.functions.operand import Tensor, cast, dimension, in_order, integer, require_tensor, sizes_of

__all__ = ["cat", "flatten", "permute", "reshape", "squeeze", "stack", "t", "transpose", "unflatten", "unsqueeze"]


class Reshape(Operation):
    """The same elements in another shape      the gradient goes back to the old one"""

    is_view = True
    may_warn = False

    def __init__(self, torch_name: str, old: tuple[int, ...], new: tuple[int, ...]) -> None:
        self.torch_name = torch_name
        self.old = old
        self.new = new

    def forward(self, x: Any) -> Any:
        return x.reshape(self.new)

    def grad_x(self, grad: Gradient) -> Gradient:
        return grad.reshape(self.old)


class Permute(Operation):
    """Dimensions in another order      the gradient's go back into the old one"""

    is_view = True
    may_warn = False

    def __init__(self, torch_name: str, dims: tuple[int, ...]) -> None:
        self.torch_name = torch_name
        self.dims = dims

    def forward(self, x: Any) -> Any:
        return x.transpose(self.dims)

    def grad_x(self, grad: Gradient) -> Gradient:
        back = sorted(range(len(self.dims)), key=self.dims.__getitem__)
        return np.transpose(grad, back)


class Expand(Operation):
    """Elements repeated along dimensions of size 1, or new ones      the gradient is the sum over the copies

    That sum is the same as for any broadcasting, so `fitted` has it.
    """

    is_view = True
    may_warn = False

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes

    def forward(self, x: Any) -> Any:
        y = np.broadcast_to(x, self.sizes)
        # Unless elements share memory, `change` may.
        y.flags.writeable = x.flags.writeable
        return y

    def grad_x(self, grad: Gradient) -> Gradient:
        return grad


class Flip(Operation):
    """The elements along the first dimension in reverse order      and so the gradient's"""

    may_warn = False

    def forward(self, x: Any) -> Any:
        return x[::-1].copy()

    def grad_x(self, grad: Gradient) -> Gradient:
        return Flip()(grad)


class Cat(Operation):
    """Tensors joined along a dimension      the gradient is cut at the same places"""

    may_warn = False

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.ends: list[int] = []

    def forward(self, *parts: Any) -> Any:
        self.ends = list(np.cumsum([part.shape[self.dim] for part in parts]))
        return in_order(np.concatenate(parts, self.dim))

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        starts = [0, *self.ends]
        before = (slice(None),) * self.dim
        return [grad[(*before, slice(a, b))] for a, b in zip(starts, self.ends, strict=False)]


class Stack(Operation):
    """Tensors of one shape along a new dimension      each gets its slice of the gradient"""

    may_warn = False

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *parts: Any) -> Any:
        return in_order(np.stack(parts, self.dim))

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        before = (slice(None),) * self.dim
        return [grad[(*before, i)] for i in range(len(self.edges))]


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in another shape, as a view where the memory allows it.

    Args:
        input: a tensor.
        sizes, shape: the sizes, one by one or as one sequence; one may be −1 and is then computed.

    Raises:
        RuntimeError: if the number of elements doesn't fit.

    Example:
        >>> import tinyact
        >>> tinyact.arange(6).reshape(2, -1)
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    array = require_tensor(input, "reshape").array
    new = _checked(array, sizes_of(sizes, shape))
    if array.flags.c_contiguous:
        name = "ViewBackward0"
    else:
        view = np.may_share_memory(array.reshape(new), array)
        name = "ReshapeAliasBackward0" if view else "UnsafeViewBackward0"
    return Reshape(name, array.shape, new).apply(input)


def view(input: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """The same memory seen in another shape.

    Args:
        input: a tensor.
        shape, size: the sizes, one by one or as one sequence; one may be −1 and is then computed.

    Raises:
        RuntimeError: if the number of elements doesn't fit, or only a copy could have this shape.
    """
    array = require_tensor(input, "view").array
    new = _checked(array, sizes_of(shape, size))
    try:
        np.reshape(array, new, copy=False)
    except ValueError:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        ) from None
    return Reshape("ViewBackward0", array.shape, new).apply(input)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of another tensor."""
    return view(input, *other.array.shape)


def _checked(array: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, checked; a size of −1 NumPy computes from what the number of elements leaves."""
    for place, size in enumerate(shape):
        if size < -1:
            raise RuntimeError(f"invalid shape dimension {size} at index {place} of shape {list(shape)}")
    count = math.prod(size for size in shape if size != -1)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if -1 in shape:
        if count == 0 and array.size == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size "
                "-1 can be any value and is ambiguous"
            )
        if count and array.size % count == 0:
            return shape
    elif count == array.size:
        return shape
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {array.size}")


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` as one.

    Raises:
        RuntimeError: if ``start_dim`` comes after ``end_dim``.
    """
    array = require_tensor(input, "flatten").array
    start, end = dimension(start_dim, array.ndim), dimension(end_dim, array.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if array.ndim == 0:
        return reshape(input, 1)
    if start == end:
        return input
    merged = int(np.prod(array.shape[start : end + 1], dtype=np.int64))
    return reshape(input, *array.shape[:start], merged, *array.shape[end + 1 :])


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several, of these sizes: `flatten` undone.

    Args:
        input: a tensor.
        dim: the dimension.
        sizes: those of the dimensions that take its place; one may be −1 and is then computed.

    Raises:
        RuntimeError: if the sizes don't multiply up to that of the dimension.

    Example:
        >>> import tinyact
        >>> tinyact.arange(6).unflatten(0, (2, -1))
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    array = require_tensor(input, "unflatten").array
    place, parts = dimension(dim, array.ndim), sizes_of((sizes,))
    if not parts:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if array.ndim == 0:
        raise RuntimeError("unflatten: a tensor without dimensions has none to cut")
    size, others = array.shape[place], math.prod(part for part in parts if part != -1)
    if parts.count(-1) == 1 and others and size % others == 0:
        parts = tuple(size // others if part == -1 else part for part in parts)
    if min(parts) < 0 or math.prod(parts) != size:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({size}) in the input "
            "tensor"
        )
    return view(input, *array.shape[:place], *parts, *array.shape[place + 1 :])


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without dimensions of size 1: all of them, or those named."""
    array = require_tensor(input, "squeeze").array
    one = integer(dim) is not None
    dims: Any = range(array.ndim) if dim is None else [dim] if one else dim
    squeezed = {dimension(d, array.ndim) for d in dims}
    overload = 0 if dim is None else 1 if one else 2
    new = tuple(n for d, n in enumerate(array.shape) if d not in squeezed or n != 1)
    return Reshape(f"SqueezeBackward{overload}", array.shape, new).apply(input)


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at this place."""
    array = require_tensor(input, "unsqueeze").array
    place = dimension(dim, array.ndim + 1)
    new = (*array.shape[:place], 1, *array.shape[place:])
    return Reshape("UnsqueezeBackward0", array.shape, new).apply(input)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped; a view."""
    array = require_tensor(input, "transpose").array
    a, b = dimension(dim0, array.ndim), dimension(dim1, array.ndim)
    dims = list(range(array.ndim))
    if dims:
        dims[a], dims[b] = b, a
    return Permute("TransposeBackward0", tuple(dims)).apply(input)


def t(input: Tensor) -> Tensor:
    """The transposed matrix; tensors of fewer dimensions as they are.

    Raises:
        RuntimeError: for more than two dimensions.
    """
    array = require_tensor(input, "t").array
    if array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {array.ndim}D")
    return Permute("TBackward0", (1, 0) if array.ndim == 2 else tuple(range(array.ndim))).apply(input)


def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in this order; a view.

    Raises:
        RuntimeError: if they are not each there once.
    """
    array = require_tensor(input, "permute").array
    places = sizes_of(order, dims)
    if len(places) != array.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {array.ndim} is not equal to len(dims) = {len(places)}"
        )
    axes = tuple(dimension(d, array.ndim) for d in places)
    if len(set(axes)) != len(axes):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return Permute("PermuteBackward0", axes).apply(input)


def expand(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Repeated along dimensions of size 1 and new ones in front, without using memory; −1 keeps a size.

    Raises:
        RuntimeError: if another size would have to change.
    """
    array = require_tensor(input, "expand").array
    target = sizes_of(sizes, size)
    new = len(target) - array.ndim
    if new < 0:
        raise RuntimeError(
            f"expand(torch.FloatTensor{{{list(array.shape)}}}, size={list(target)}): the number of sizes provided "
            f"({len(target)}) must be greater or equal to the number of dimensions in the tensor ({array.ndim})"
        )
    full = []
    for place, n in enumerate(target):
        old = array.shape[place - new] if place >= new else None
        if n == -1 and old is None:
            raise RuntimeError(
                f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {place}"
            )
        if n != -1 and old not in (None, 1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton "
                f"dimension {place}.  Target sizes: {list(target)}.  Tensor sizes: {list(array.shape)}"
            )
        if n < -1:
            raise RuntimeError(f"invalid size {n} in expand")
        full.append(old if n == -1 else n)
    return Expand(tuple(full)).apply(input)  # type: ignore[arg-type]


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    return expand(input, *other.array.shape)


def contiguous(input: Tensor) -> Tensor:
    """Itself if its elements lie in order in memory, else a copy in which they do."""
    return input if require_tensor(input, "contiguous").array.flags.c_contiguous else Clone(in_order=True).apply(input)


def _joined(tensors: Any, name: str) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    if not tensors:
        # Two kinds of exception, as in PyTorch.
        if name == "stack":
            raise RuntimeError("stack expects a non-empty TensorList")
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
    dtype = promoted(tuple(tensor.array for tensor in tensors))
    return [cast(tensor, dtype) for tensor in tensors]


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along a dimension that they have; their other sizes are the same, but for ``tensor([])``.

    Raises:
        ValueError: if there are none.
        RuntimeError: if they have no dimensions, or their sizes don't fit.

    Example:
        >>> import tinyact
        >>> tinyact.cat([tinyact.zeros(2), tinyact.ones(1)])
        tensor([0., 0., 1.])
    """
    parts = _joined(tensors, "cat")
    for i, part in enumerate(parts):
        if part.array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    # As in PyTorch, tensor([]) goes with all shapes, along any dimension.
    first = next((part.array for part in parts if part.array.shape != (0,)), None)
    if first is None:
        return Cat(0).apply(*parts)
    place = dimension(dim, first.ndim)
    nothing = (*first.shape[:place], 0, *first.shape[place + 1 :])
    parts = [reshape(part, *nothing) if part.array.shape == (0,) != nothing else part for part in parts]
    for i, part in enumerate(parts):
        if part.array.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {part.array.ndim}")
        for d, (n, m) in enumerate(zip(first.shape, part.array.shape, strict=True)):
            if d != place and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {place}. Expected size {n} but got size {m} for "
                    f"tensor number {i} in the list."
                )
    return Cat(place).apply(*parts)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new dimension.

    Raises:
        RuntimeError: if there are none or their shapes differ.
    """
    parts = _joined(tensors, "stack")
    first = parts[0].array.shape
    for i, part in enumerate(parts):
        if part.array.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                f"{list(part.array.shape)} at entry {i}"
            )
    return Stack(dimension(dim, len(first) + 1)).apply(*parts)


# --- indexing ------------------------------------------------------------------------------------------------------
