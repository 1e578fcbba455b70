"""Memory that changes: versions, views, and what was saved of both. Changes themselves are made in `inplace`."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinyact.dtype import KINDS

if TYPE_CHECKING:
    from tinyact.autograd.operation import Operation, Variable

# A list of views is searched for dead ones when its length has doubled, from here on.
_MANY = 64


class Version:
    """How often some memory was changed in place: one counter for all variables that look at it."""

    count = 0


# A value that a derivative will want; of a variable its array, with its version, and the count when it was saved.
Saved: TypeAlias = tuple[Any, Version | None, int]


def save(values: Iterable[Any]) -> list[Saved]:
    """Variables and constants, to be loaded by a derivative."""
    saved: list[Saved] = []
    for value in values:
        version = getattr(value, "_version", None)
        saved.append((value, None, 0) if version is None else (value.array, version, version.count))
    return saved


def load_saved(node: Operation) -> list[Any]:
    """The values that a node saved.

    Raises:
        RuntimeError: if they were freed by an earlier sweep, or changed in place since they were saved.
    """
    if node.saved is None:
        raise RuntimeError(
            "Trying to backward through the graph a second time (or directly access saved tensors after they have "
            "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
            "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
            "you need to access saved tensors after calling backward."
        )
    values = []
    for value, version, count in node.saved:
        if version is not None and version.count != count:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"[torch.{KINDS[value.dtype]}Tensor {list(value.shape)}], saved for {node.name()}, is at version "
                f"{version.count}; expected version {count} instead. Save a copy (clone()) before you change it in "
                "place, or change it after backward()."
            )
        values.append(value)
    return values


def share_memory(base: Variable, view: Variable) -> None:
    """Let a change of one count as a change of the other, if they look at the same memory."""
    if view.array.size == 0 or np.may_share_memory(base.array, view.array):
        view._version = base._version
        if base._views is None:
            base._views = [weakref.ref(base)]
        view._views = base._views
        view._views.append(weakref.ref(view))
        count = len(view._views)
        if count > _MANY and count & (count - 1) == 0:
            view._views[1:] = [viewer for viewer in view._views[1:] if viewer() is not None]
