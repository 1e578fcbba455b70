"""Changes in place: other numbers in the same memory, recorded like any operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Variable, wrap
from tinyact.dtype import KINDS

V = TypeVar("V", bound=Variable)


def change(variable: V, operation: Callable[..., Any], *args: Any) -> V:
    """The variable, its numbers replaced by those of ``operation(variable, *args)``; all changes go through here.

    Raises:
        RuntimeError: if it is a leaf that requires gradients and recording is on; if the result has another shape
            or a dtype of a higher category; or if the change would have to be recorded for a variable that is a view
            or has views (write ``x = x + 1`` for ``x += 1`` then).
    """
    check_changeable(variable)
    for value in args:
        if isinstance(value, Variable):
            check_apart(variable.array, value.array)
    # A copy, because the operation may save its input, which is about to change.
    result = operation(_copy_in_place(variable) if recording.on else variable, *args)
    check_fits(result.array.shape, variable.array)
    _check_category(result.array, variable.array)
    if result.array.dtype != variable.array.dtype:
        result = np.astype(result, variable.array.dtype)
    if not (variable.array.flags.writeable or _overlaps(variable.array)):
        raise RuntimeError("the memory of this tensor is read-only. Please clone() the tensor before changing it.")
    if _overlaps(variable.array):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    if result.requires_grad:
        _take_place(variable, result)
    variable.array[...] = result.array
    increment_version(variable)
    return variable


def _overlaps(array: Any) -> bool:
    """Whether elements share memory, as repeated ones do."""
    repeated = (n > 1 and step == 0 for n, step in zip(array.shape, array.strides, strict=True))
    return 0 in array.strides and array.size > 0 and any(repeated)


def increment_version(variable: Variable) -> None:
    """Count a change of its memory, so that a sweep that wanted the old numbers notices."""
    variable._version.count += 1


def check_changeable(variable: Variable) -> None:
    """Raise RuntimeError if a change would go past a leaf that requires gradients, while recording is on."""
    if not recording.on:
        return
    base = variable._views[0]() if variable._views else None
    for tensor in (variable, base):
        if tensor is not None and tensor.requires_grad and tensor.grad_fn is None:
            which = "a leaf Variable" if tensor is variable else "a view of a leaf Variable"
            raise RuntimeError(f"{which} that requires grad is being used in an in-place operation.")


def _copy_in_place(variable: Variable) -> Any:
    """The same numbers at the same place in the graph, in other memory."""
    copy = wrap(variable.array.copy())
    copy.grad_fn, copy._requires_grad = variable.grad_fn, variable.requires_grad
    return copy


def check_fits(shape: tuple[int, ...], array: Any) -> None:
    """Raise RuntimeError if numbers of this shape don't broadcast to the array's."""
    try:
        broadcast = np.broadcast_shapes(shape, array.shape)
    except ValueError as error:
        raise RuntimeError(str(error)) from None
    if broadcast != array.shape:
        raise RuntimeError(f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(broadcast)}")


def check_apart(array: Any, other: Any) -> None:
    """Raise RuntimeError if two arrays share a part of their memory, each of them without gaps; all of it they may."""
    if not np.may_share_memory(array, other):
        return
    low, high = zip(*(np.lib.array_utils.byte_bounds(a) for a in (array, other)), strict=True)
    without_gaps = (high[0] - low[0], high[1] - low[1]) == (array.nbytes, other.nbytes)
    steps = [[s for n, s in zip(a.shape, a.strides, strict=True) if n > 1] for a in (array, other)]
    if without_gaps and (low[0], array.shape, steps[0]) != (low[1], other.shape, steps[1]):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


def _check_category(result: Any, array: Any) -> None:
    """Raise RuntimeError if an array's numbers can't stand in the other's place."""
    category = {"b": 0, "u": 1, "i": 1, "f": 2}
    if category[result.dtype.kind] > category[array.dtype.kind]:
        raise RuntimeError(
            f"result type {KINDS[result.dtype]} can't be cast to the desired output type {KINDS[array.dtype]}"
        )


def _take_place(variable: Variable, result: Variable) -> None:
    """Let the variable be in the graph what the result is; what it retains of its gradient, it retains there.

    Raises:
        RuntimeError: if another variable that is still alive looks at the same memory.
    """
    if any(viewer() is not None and viewer() is not variable for viewer in variable._views or ()):
        raise RuntimeError(
            "a view, or a tensor that has views, can't be changed in place while that is recorded for gradients; "
            "compute a new tensor instead (x = x + 1 for x += 1), or clone() the view"
        )
    before = variable.grad_fn
    variable.grad_fn, variable._requires_grad = result.grad_fn, True
    if before is not None and before._retained is not None and before._retained() is variable:
        before._retained, variable.grad_fn._retained = None, before._retained  # type: ignore[union-attr]
