"""Watching: what the engine tells whoever looks on. While nobody does, it costs an empty loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tinyact.autograd.operation import Operation, Variable

W = TypeVar("W", bound="Watcher")


class Watcher:
    """Told what the engine does, in all threads; a subclass overrides what it wants to know."""

    def recorded(self, node: Operation, inputs: Sequence[Any], outputs: Sequence[Variable]) -> None:
        """An operation has entered the graph."""

    def unrecorded(self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Variable]) -> None:
        """An operation was applied without entering the graph."""

    def passed_on(self, node: Operation | Variable, grad: Any, grads: Sequence[Any]) -> None:
        """A sweep has been at a node: the gradient that had arrived, and what the node's rules returned, per edge."""

    def updated(self, optimizer: Any, parameter: Variable) -> None:
        """An optimizer has changed a parameter."""

    def drawn(self, draw: Any, args: Any, options: Any, numbers: Any) -> Any:
        """Random numbers were drawn, as ``draw(*args, **options)``; it returns them, or others in their place."""
        return numbers

    def made(self, array: Any) -> Any:
        """A tensor is made of new numbers; it returns them, or another array in their place."""
        return array

    def failed(self, node: Operation | Variable | None, error: Exception) -> None:
        """A sweep ends with this error, which it got at this node."""


watchers: list[Watcher] = []


@contextmanager
def watching(watcher: W) -> Iterator[W]:
    """Inside of the block the watcher is told."""
    watchers.append(watcher)
    try:
        yield watcher
    finally:
        watchers.remove(watcher)
