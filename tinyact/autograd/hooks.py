"""Hooks: functions of the user's that see, and may replace, the gradient of a tensor while a sweep passes."""

from __future__ import annotations

import itertools
from typing import Any

from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Gradient, Operation, Variable, accumulate, array_of, wrap


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away; in a ``with`` block leaving does."""

    _ids = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any, prepend: bool = False) -> None:
        self.id = next(self._ids)
        self._hooks = hooks
        later = dict(hooks) if prepend else {}
        if prepend:
            hooks.clear()
        hooks.update({self.id: hook, **later})

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


def after_hooks(node: Operation | Variable, grad: Gradient) -> Gradient:
    """The gradient after the hooks of what it belongs to, which keeps it if it is to."""
    for hook in list(node._hooks.values()) if node._hooks else ():
        replacement = hook(grad if recording.on else wrap(grad))
        if replacement is not None:
            _check_replacement(replacement, grad)
            grad = replacement if recording.on else replacement.array
    retained = None if node._retained is None else node._retained()
    if retained is not None:
        # In memory of its own each time, as PyTorch has it for results, and only for them.
        before, retained._grad = retained._grad, None
        accumulate(retained, grad if before is None else grad + (before if recording.on else before.array))
    return grad


def _check_replacement(replacement: Any, grad: Gradient) -> None:
    """Raise PyTorch's error if what a hook returned can't stand for the gradient."""
    if not isinstance(replacement, Variable):
        raise TypeError(f"expected Tensor, but hook returned '{type(replacement).__name__}'")
    shape, dtype = replacement.array.shape, replacement.array.dtype
    if shape != tuple(grad.shape):
        raise RuntimeError(f"hook has changed the size of value: {tuple(grad.shape)} became {shape}")
    if dtype != array_of(grad).dtype:
        raise RuntimeError(f"hook has changed the type of value to torch.{dtype}")
