"""The core, second half: the sweep, which applies the chain rule from a result back to the leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinyact.autograd import higher
from tinyact.autograd.hooks import after_hooks
from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Edge, Gradient, Operation, Variable, accumulate, edge_of
from tinyact.autograd.sums import sum_to
from tinyact.autograd.watch import watchers


@np.errstate(all="ignore")
def sweep(
    roots: Sequence[Variable],
    grads: Sequence[Variable],
    targets: Iterable[Variable] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[Edge, Gradient]:
    """Apply the chain rule from the roots back to the leaves.

    Every node waits until the gradients of all its uses have arrived and been added up (∂L/∂y is a sum over all paths
    from y to L); then its rules pass ∂L/∂input on along its edges. Leaves collect into ``.grad``, unless targets are
    named: then the gradients of those that are reached are returned by edge, nothing else is computed, and ``.grad``
    is left alone.

    Args:
        roots, grads: the variables to differentiate, and ∂L/∂root for each.
        targets: the variables whose gradients are wanted instead of all leaves'.
        retain_graph: whether to keep what was saved for another sweep.
        create_graph: whether to record the sweep itself, for derivatives of derivatives.
    """
    ends = None if targets is None else set(map(edge_of, targets))
    arrived: dict[Edge, Gradient] = {}
    results: dict[Edge, Gradient] = {}
    for root, first in zip(roots, grads, strict=True):
        edge, g = edge_of(root), first if create_graph else first.array
        arrived[edge] = arrived[edge] + g if edge in arrived else g

    node: Edge = None
    before = recording.on, recording.sweeps
    try:
        recording.on, recording.sweeps = create_graph, recording.sweeps + 1
        nodes, through = order(list(arrived), ends)
        for node in nodes:
            grad = arrived.pop(node, None)
            if grad is None:
                continue
            if node._hooks is not None or node._retained is not None:
                grad = after_hooks(node, grad)
            if ends is not None and node in ends:
                results[node] = grad
            sent: Sequence[Gradient] = ()
            if not isinstance(node, Operation):
                if ends is None and node.requires_grad:
                    accumulate(node, grad)
            elif through is None or node in through:
                sent = higher.pass_on(node, grad) if create_graph else node.backward(grad, node.load())
                for edge, g in zip(node.edges, sent):
                    if edge is not None and g is not None:
                        g = fitted(g, edge)
                        arrived[edge] = arrived[edge] + g if edge in arrived else g
                if node.saved and not retain_graph:
                    node.saved = None
            for watcher in watchers:
                watcher.passed_on(node, grad, sent)
    except Exception as error:
        for watcher in watchers:
            watcher.failed(node, error)
        raise
    finally:
        recording.on, recording.sweeps = before
    return results


def order(starts: Sequence[Edge], ends: set[Edge] | None = None) -> tuple[list[Any], set[Any] | None]:
    """Every node that a gradient reaches, each before its makers; and those from which it goes on, None if from all.

    With ends it only goes where one lies behind.
    An operation is always recorded after those that made its inputs, so the order of recording, reversed, is a
    topological order: no node comes before one that still has a gradient to send it.
    """
    reached, stack = set(starts), list(starts)
    operations: list[Operation] = []
    leaves: list[Any] = []
    while stack:
        node = stack.pop()
        if not isinstance(node, Operation):
            leaves.append(node)
            continue
        operations.append(node)
        for edge in node.edges:
            if edge is not None and edge not in reached:
                reached.add(edge)
                stack.append(edge)
    operations.sort(key=attrgetter("serial"), reverse=True)
    if ends is None:
        return [*operations, *leaves], None
    useful, through = set[Any](ends), set[Any]()
    for node in reversed(operations):
        if not useful.isdisjoint(node.edges):
            through.add(node)
            useful.add(node)
    useful.update(starts)
    return [node for node in (*operations, *leaves) if node in useful], through


def fitted(grad: Gradient, edge: Operation | Variable) -> Gradient:
    """The gradient in the shape and dtype of what it belongs to.

    Broadcasting used an element many times, so its gradient is the sum over the copies; promotion changed the dtype.

    Raises:
        RuntimeError: if the shapes don't fit even so; only a user's own operation can do that.
    """
    like = edge if isinstance(edge, Operation) else edge.array
    if grad.shape != like.shape:
        grad = sum_to(grad, like.shape)
    dtype = grad.array.dtype if isinstance(grad, Variable) else grad.dtype
    return grad if dtype == like.dtype else np.astype(grad, like.dtype)
