"""Derivatives of derivatives: a sweep that is itself recorded, so that its results can be swept again.

The rules are the same. What they get are Variables that know where they came from, instead of arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyact.autograd.memory import Saved
from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Edge, Gradient, Operation, Variable, edge_of, next_serial, wrap


def pass_on(node: Operation, grad: Variable) -> list[Gradient]:
    """∂L/∂input for each edge, from ∂L/∂output, recorded.

    An error that a rule raises arrives as it is, with a note that names the node.
    """
    values = node.load()
    for position, source in enumerate(node.plan.saves):
        values[position] = _variable(node, source, node.saved[position])  # type: ignore[index]  # load() has looked
    since = next_serial()
    try:
        grads = node.backward(grad, values)
        for index, _, takes in node.plan.rules:
            if getattr(node, "is_tied", True):
                grads[index] = _tied(grads[index], [values[k] for k in takes], since)
    except Exception as error:
        # As add_note() does, which Python has from 3.11 on.
        notes = getattr(error, "__notes__", [])
        error.__notes__ = [
            *notes,
            f"{node.name()} can't be differentiated with create_graph=True unless its derivative can be computed with "
            "tensors: write it with operators and functions that tensors have",
        ]
        raise
    return grads


def _variable(node: Operation, source: int, saved: Saved) -> Any:
    """A saved value as part of the graph again: ``source`` counts the inputs, and after them the output."""
    value, version, _ = saved
    if version is None:
        return value
    edge = node if source == len(node.edges) else node.edges[source]
    if isinstance(edge, Variable):
        return edge
    variable = wrap(value)
    variable._version = version
    if edge is not None:
        variable.grad_fn, variable._requires_grad = edge, True
    return variable


def _tied(grad: Gradient, sources: Sequence[Any], since: int) -> Gradient:
    """A recorded gradient, tied to what its rule took but didn't compute with: as in PyTorch, 0 goes back to it."""
    if grad is None:
        return None
    if not isinstance(grad, Variable):
        raise RuntimeError(f"a derivative computed with tensors returned {type(grad).__name__}")
    reached = _reached(grad, since)
    ties = [source for source in sources if edge_of(source) not in reached]
    return _Constant().apply(grad, *ties) if ties else grad


def _reached(variable: Variable, since: int) -> set[Edge]:
    """Where a gradient goes from a variable by way of what was recorded since; nowhere is among it."""
    reached: set[Edge] = {None}
    stack = [edge_of(variable)]
    while stack:
        edge = stack.pop()
        if edge not in reached:
            reached.add(edge)
            if isinstance(edge, Operation) and edge.serial > since:
                stack.extend(edge.edges)
    return reached


class _Constant(Operation):
    """A derivative that doesn't change with what it was computed from, such as ReLU's      ∂/∂x = 0"""

    def forward(self, derivative: Any, *sources: Any) -> Any:
        return derivative

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        likes = [edge.array if isinstance(edge, Variable) else edge for edge in self.edges[1:]]
        zeros = [None if like is None else np.zeros(like.shape, like.dtype) for like in likes]
        return [grad, *(wrap(zero) if recording.on and zero is not None else zero for zero in zeros)]
