"""Indexing: elements taken by an index, and put in their places.

Each derivative is the way back: that of an index puts every element's gradient where the element came from.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyact.autograd.inplace import change, check_apart
from tinyact.autograd.operation import Gradient, Operation, Plan, Variable, array_of, wrap
from tinyact.dtype import BY_NUMPY, KINDS
from tinyact.functions.operand import Tensor, as_element, cast, from_data, in_order
from tinyact.functions.shape import squeeze
from tinyact.kernels import where


class Select(Operation):
    """x[index] by integers and slices, a view      each element's gradient goes back to its place"""

    is_view = True
    may_warn = False

    def __init__(self, torch_name: str, index: tuple[Any, ...], old: tuple[int, ...]) -> None:
        self.torch_name = torch_name
        self.index = index
        self.old = old

    def forward(self, x: Any) -> Any:
        # Of a single element NumPy makes a copy, unless the index has an ellipsis.
        one = len(self.index) == len(x.shape) and all(isinstance(part, (int, np.integer)) for part in self.index)
        return x[(*self.index, ...)] if one else x[self.index]

    def grad_x(self, grad: Gradient) -> Gradient:
        return Place(self.torch_name, self.index, self.old)(grad)


class Place(Operation):
    """Zeros with x in some places: the way back from `Select`      and its own gradient is that selection"""

    may_warn = False

    def __init__(self, torch_name: str, index: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        self.torch_name = torch_name
        self.index = index
        self.target = shape

    def forward(self, x: Any) -> Any:
        result = np.zeros_like(x, order="C", shape=self.target)
        result[self.index] = x
        return result

    def grad_x(self, grad: Gradient) -> Gradient:
        return Select(self.torch_name, self.index, self.target)(grad)


class Indexed(Operation):
    """An operation whose last inputs are the parts of an index; every rule takes them all."""

    may_warn = False

    def _planned(self, needs: int, count: int) -> Plan:
        parts = range(len(self.names), count)
        takes = tuple(range(len(parts)))
        return Plan(tuple(parts), tuple(rule._replace(takes=takes) for rule in self.rules if needs >> rule.input & 1))


class Index(Indexed):
    """x[index]      each element's gradient goes back to its place; where an element was taken twice, they add up"""

    torch_name = "IndexBackward0"

    def __init__(self, old: tuple[int, ...]) -> None:
        self.old = old

    def forward(self, x: Any, *index: Any) -> Any:
        return in_order(x[index])

    def grad_x(self, grad: Gradient, *index: Any) -> Gradient:
        return Scatter(self.old)(grad, *index)


class Scatter(Indexed):
    """Zeros, with x added at an index: the way back from an index      and its own gradient is the index"""

    torch_name = "IndexPutBackward0"

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.target = shape

    def forward(self, x: Any, *index: Any) -> Any:
        result = np.zeros_like(x, order="C", shape=self.target)
        np.add.at(result, index, x)
        return result

    def grad_x(self, grad: Gradient, *index: Any) -> Gradient:
        return Index(self.target)(grad, *index)


class IndexPut(Indexed):
    """x with the elements at an index replaced by v      ∂/∂x = 1 but at the index, ∂/∂v = 1 at the index"""

    def __init__(self, torch_name: str) -> None:
        self.torch_name = torch_name

    def forward(self, x: Any, v: Any, *index: Any) -> Any:
        result = x.copy()
        result[index] = v
        return result

    def grad_x(self, grad: Gradient, *index: Any) -> Gradient:
        untouched = np.ones_like(array_of(grad), np.bool_)
        untouched[tuple(map(array_of, index))] = False
        return where(untouched, grad, 0)

    def grad_v(self, grad: Gradient, *index: Any) -> Gradient:
        return grad[index]


class Replace(Operation):
    """v in x's place      ∂/∂x = 0, ∂/∂v = 1"""

    may_warn = False

    def __init__(self, torch_name: str) -> None:
        self.torch_name = torch_name

    def forward(self, x: Any, v: Any) -> Any:
        result = np.empty_like(x)
        result[...] = v
        return result

    def grad_x(self, grad: Gradient) -> Gradient:
        return np.where(True, 0.0, grad)  # even where it is NaN

    def grad_v(self, grad: Gradient) -> Gradient:
        return grad


def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]`` by integers, slices, None, …, masks and integer tensors, as PyTorch has it.

    Integers and slices give a view, masks and tensors a copy.

    Raises:
        IndexError: for an index out of range, too many of them, or one of a wrong type.
        ValueError: for a slice with a step that is not positive.
    """
    basic, advanced = _split(index, input.array.ndim)
    result = input
    if basic is not None:
        name = "SliceBackward0" if isinstance(index, slice) else _name_of(basic)
        result = _at(Select(name, basic, input.array.shape), input)
    if advanced is not None:
        result = _at(Index(result.array.shape), result, *advanced)
    return result


def _at(operation: Operation, *inputs: Any) -> Tensor:
    try:
        return operation.apply(*inputs)
    except IndexError as error:
        raise IndexError(str(error).replace("axis", "dimension")) from None


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, in place.

    Raises:
        RuntimeError: if the value's shape or dtype doesn't fit, or the tensor can't be changed in place
            (`inplace.change`).
    """
    if index is False:  # PyTorch doesn't even look at the value then
        return
    basic, advanced = _split(index, input.array.ndim)
    if basic is not None and advanced is not None:
        # Both at once in NumPy's one index; the positions of the elements are the same in any order.
        places = np.arange(input.array.size).reshape(input.array.shape)[basic][tuple(map(array_of, advanced))]
        full: Any = np.unravel_index(places, input.array.shape)
    else:
        full = advanced if advanced is not None else basic
    target_shape = input.array[tuple(map(array_of, full))].shape
    if isinstance(value, Tensor):
        if advanced is not None and value.array.dtype != input.array.dtype and not _fills(advanced, value):
            kinds = (KINDS[tensor.array.dtype] for tensor in (input, value))
            raise RuntimeError(
                "Index put requires the source and destination dtypes match, got {} for the destination and {} for the "
                "source.".format(*kinds)
            )
        value = cast(value, input.array.dtype)
    else:
        dtype = input.array.dtype
        several = isinstance(value, (list, tuple, np.ndarray))
        value = from_data(value, BY_NUMPY[dtype]) if several else wrap(as_element(value, dtype))
    while value.array.ndim > len(target_shape) and value.array.shape[0] == 1:
        value = squeeze(value, 0)
    try:
        np.broadcast_to(value.array, target_shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.array.shape)} cannot be broadcast to indexing result "
            f"of shape {list(target_shape)}"
        ) from None
    if advanced is None and value.array.ndim:
        check_apart(input.array[full], np.broadcast_to(value.array, target_shape))
    if advanced is None and target_shape == input.array.shape:  # all of it, as in copy_
        change(input, lambda x: Replace("CopyBackwards").apply(x, value))
        return
    name = "CopySlices" if advanced is None else "IndexPutBackward0"
    change(input, lambda x: IndexPut(name).apply(x, value, *full))


def _fills(index: tuple[Any, ...], value: Tensor) -> bool:
    """Whether it is one number for the places of a mask."""
    tensors = [part.array for part in index if isinstance(part, Variable)]
    return value.array.size == 1 and len(tensors) == 1 and tensors[0].dtype == np.bool_


def _split(index: Any, ndim: int) -> tuple[Any, Any]:
    """An index as PyTorch reads it: first integers, slices and None, and then masks and tensors on what is left."""
    parts = [_index_part(part) for part in _parts(index)]
    taken = 0
    for part in parts:
        if part is not None and part is not Ellipsis:
            taken += _dimensions_of(part)
    if taken > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    if not any(isinstance(part, Variable) for part in parts):
        return tuple(parts), None
    basic: list[Any] = []
    advanced: list[Any] = []
    for part in parts:
        if part is Ellipsis:
            rest = ndim - taken
            basic += [slice(None)] * rest
            advanced += [slice(None)] * rest
        elif isinstance(part, Variable):
            basic += [slice(None)] * _dimensions_of(part)
            advanced.append(part)
        else:
            basic.append(part)
            if not isinstance(part, int):
                advanced.append(slice(None))
    whole = all(isinstance(part, slice) and part == slice(None) for part in basic)
    return None if whole else tuple(basic), tuple(advanced)


def _dimensions_of(part: Any) -> int:
    """How many dimensions a part of an index is for: a mask for its own, anything else for one."""
    return part.array.ndim if isinstance(part, Variable) and part.array.dtype == np.bool_ else 1


def _parts(index: Any) -> tuple[Any, ...]:
    """The parts of an index. PyTorch still reads a short list as a tuple if there are not only numbers in it."""
    if isinstance(index, tuple):
        return index
    if not isinstance(index, list) or len(index) >= 32:
        return (index,)
    if not any(part is None or part is Ellipsis or isinstance(part, _NO_NUMBERS) for part in index):
        return (index,)
    warnings.warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq].",
        stacklevel=5,
    )
    return tuple(index)


_NO_NUMBERS = (Variable, Sequence, slice, np.ndarray)


def _index_part(part: Any) -> Any:
    """One part of an index: None, …, an int, a slice with a positive step, or a tensor of integers or booleans."""
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        bounds = [None if v is None else operator.index(v) for v in (part.start, part.stop, part.step)]
        if bounds[2] is not None and bounds[2] <= 0:
            raise ValueError("step must be greater than zero" if bounds[2] else "slice step cannot be zero")
        return slice(*bounds)
    if isinstance(part, (int, np.integer)) and not isinstance(part, bool):
        return int(part)
    if not isinstance(part, Variable):
        part = _index_of_data(part)
    array = part.array
    if array.ndim == 0 and array.dtype.kind in "iu" and array.dtype != np.uint8:
        return int(array)
    if array.dtype == np.uint8:
        mask = wrap(array.astype(np.bool_))
        mask._version = part._version
        return mask
    if array.dtype in (np.bool_, np.int32, np.int64):
        return part
    raise IndexError("tensors used as indices must be long, int, byte or bool tensors")


def _index_of_data(data: Any) -> Tensor:
    """A tensor for an index that is none: PyTorch takes numbers of every type for integers, unless all are booleans."""
    if not isinstance(data, (bool, Sequence, np.ndarray)):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
            f"{type(data).__name__})"
        )
    tensor = from_data(data)
    return (
        tensor if tensor.array.size and tensor.array.dtype in (np.bool_, np.uint8) else cast(tensor, np.dtype(np.int64))
    )


def _name_of(index: tuple[Any, ...]) -> str:
    """PyTorch applies the parts one after another; the node is named for the last that did something."""
    name = "AliasBackward0"
    for part in index:
        if part is None:
            name = "UnsqueezeBackward0"
        elif isinstance(part, int):
            name = "SelectBackward0"
        elif isinstance(part, slice) and part != slice(None):
            name = "SliceBackward0"
    return name
