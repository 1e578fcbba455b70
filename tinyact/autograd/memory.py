"""Memory that changes: versions, views, and what was saved of both. Changes themselves are made in `inplace`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tinyact.autograd.operation import Variable

# A list of views is searched for dead ones when it gets longer than this.
_MANY = 64


class Version:
    """How often some memory was changed in place: one counter for all variables that look at it."""

    count = 0


class Saved(NamedTuple):
    """A value that a derivative will want; of a variable its array, with the version, now and when it was saved."""

    value: Any
    version: Version | None = None
    saved_at: int = 0


def save(value: Any) -> Saved:
    """A variable or a constant, to be loaded by a derivative."""
    version = getattr(value, "version", None)
    return Saved(value) if version is None else Saved(value.array, version, version.count)


def load(saved: Sequence[Saved] | None, name: Callable[[], str]) -> list[Any]:
    """The saved values.

    Args:
        saved: None once they were freed.
        name: of the node that saved them.

    Raises:
        RuntimeError: if they were freed by an earlier sweep, or changed in place since they were saved.
    """
    if saved is None:
        raise RuntimeError(
            "Trying to backward through the graph a second time (or directly access saved tensors after they have "
            "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
            "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if "
            "you need to access saved tensors after calling backward."
        )
    for value, version, saved_at in saved:
        if version is not None and version.count != saved_at:
            kind = f"torch.{'Double' if value.dtype == np.float64 else 'Float'}Tensor"
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"[{kind} {list(value.shape)}], saved for {name()}, is at version {version.count}; expected version "
                f"{saved_at} instead. Save a copy (clone()) before you change it in place, or change it after "
                "backward()."
            )
    return [value for value, _, _ in saved]


def share_memory(base: Variable, view: Variable) -> None:
    """Let a change of one count as a change of the other, if they look at the same memory."""
    if np.may_share_memory(base.array, view.array):
        view.version = base.version
        if base.views is None:
            base.views = [weakref.ref(base)]
        view.views = base.views
        view.views.append(weakref.ref(view))
        if len(view.views) > _MANY:
            view.views[:] = [viewer for viewer in view.views if viewer() is not None]
