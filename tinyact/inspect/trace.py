"""The backward sweep, step by step: ``trace`` watches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from threading import get_ident
from typing import Any, TypeAlias

import numpy as np

from tinyact.autograd import no_grad
from tinyact.autograd.api import first_gradients
from tinyact.autograd.mathematics import argument
from tinyact.autograd.modes import recording
from tinyact.autograd.sweep import fitted, sweep
from tinyact.autograd.watch import Watcher, watching
from tinyact.functions.elementwise import Elementwise
from tinyact.inspect.graph import Graph
from tinyact.inspect.grouped_trace import grouped_trace
from tinyact.inspect.lines import tape
from tinyact.inspect.page import page
from tinyact.inspect.recorded import recorded_graph
from tinyact.inspect.steps import Sent, Step, Sweep, Term
from tinyact.inspect.table import trace_text
from tinyact.inspect.values import values
from tinyact.nn import Module
from tinyact.tensor import Tensor

# What the engine tells of a node: which, the gradient that had arrived there, and what the rules returned.
_Visit: TypeAlias = "tuple[Any, Any, Sequence[Any]]"


@dataclass(frozen=True, repr=False)
class Trace(Sweep):
    """A sweep as it happened; see `trace`, and `Sweep` for its graph, steps and values."""

    def grouped(self, depth: int | None = None) -> Trace:
        """The sweep from module to module; see `Graph.grouped`."""
        return grouped_trace(self, depth)

    def to_html(self, path: str | Path, title: str = "A backward pass, step by step") -> Path:
        """Write a page on which to step through the forward and the backward pass.

        It is one file that needs nothing else: no network, no server.

        Args:
            path: where to.
            title: the heading.

        Returns:
            The path.

        Raises:
            ValueError: if the graph is too large to draw; then ``grouped().to_html(path)`` is the way.
            ImportError: if igraph, which places the nodes, is not installed.
            OSError: if the file can't be written.
        """
        text = page(self, title)
        path = Path(path)
        path.write_text(text, encoding="utf-8")
        return path

    def __str__(self) -> str:
        return trace_text(self)

    def __repr__(self) -> str:
        return f"<Trace: {len(self.steps):,} steps through {self.graph.counts}>"


def trace(
    loss: Tensor,
    module: Module | None = None,
    names: Mapping[str, Tensor] | None = None,
    *,
    gradient: Tensor | None = None,
    retain_graph: bool = False,
) -> Trace:
    """``loss.backward()``, watched: the same sweep, with the same effect on ``.grad``, and a record of every step.

    Args:
        loss: the tensor, usually a loss.
        module: the network, so that parameters have their names.
        names: more tensors by name: inputs, or results on the way.
        gradient: ∂L/∂(this tensor), of its shape; 1 if left out, for a tensor of one element.
        retain_graph: whether to keep what the forward pass saved, for another sweep.

    Returns:
        A `Trace`; printed, it is the chain rule in the order in which it was applied.

    Raises:
        TypeError: if it is no tensor.
        ValueError: if it has no graph, as for `graph`.
        RuntimeError: as for ``backward``.

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor(3.0, requires_grad=True)
        >>> steps = trace(w * w + 2 * w, names={"w": w}).steps
        >>> [float(term.array) for term in steps[-1].terms], float(steps[-1].gradient)
        ([2.0, 3.0, 3.0], 8.0)
    """
    graph = recorded_graph(loss, module, names, "trace")
    first = first_gradients([loss], [gradient])
    node_values, slopes, saved = values(graph, loss), _slopes(graph), tape(graph.nodes)
    before = _leaf_grads(graph)
    with watching(_NextSweep()) as own:
        sweep([loss], first, retain_graph=retain_graph)
    after = _leaf_grads(graph)
    steps = tuple(
        replace(step, before=before.get(step.node.number), after=after.get(step.node.number))
        for step in _steps(graph, first[0].array, own.visits, slopes)
    )
    return Trace(graph, steps, node_values, saved)


class _NextSweep(Watcher):
    """Keeps what happens at each node of the sweep that this thread begins next.

    Other threads sweep at the same time, hooks and rules sweep on their way, and all of them may come to the same
    leaves: a sweep is told by its thread and by how many sweeps it is inside of.
    """

    def __init__(self) -> None:
        self.visits: list[_Visit] = []
        self._thread, self._depth = get_ident(), recording.sweeps + 1

    def passed_on(self, node: Any, grad: Any, grads: Sequence[Any]) -> None:
        if get_ident() == self._thread and recording.sweeps == self._depth:
            self.visits.append((node, grad, grads))


def _leaf_grads(graph: Graph) -> dict[int, Any]:
    """What the leaves' ``.grad`` hold now, where they hold something: copied, for sweeps add in place."""
    leaves = [node for node in graph.nodes if node.kind == "leaf" and node.recorded.grad is not None]
    return {node.number: np.array(node.recorded.grad.array) for node in leaves}


def _slopes(graph: Graph) -> dict[int, Any]:
    """f′(x) of operations y = f(x) on single elements, from the operation's own rule."""
    slopes = {}
    with no_grad(), np.errstate(all="ignore"):
        for node in graph.nodes:
            if isinstance(node.recorded, Elementwise):
                ones = np.ones(node.shape, node.recorded.dtype)
                slopes[node.number] = node.recorded.backward(ones, node.recorded.load())[0]
    return slopes


def _steps(graph: Graph, first: Any, visits: list[_Visit], slopes: dict[int, Any]) -> list[Step]:
    """The sweep's own numbers with names: what each rule returned, fitted and added up as the engine does it."""
    nodes = {node.recorded: node for node in graph.nodes if node.kind != "constant"}
    arrived: dict[int, list[Term]] = {1: [Term(None, "", first)]}
    steps = []
    for number, (recorded, grad, returned) in enumerate(visits, 1):
        node, sent = nodes[recorded], []
        for place, g in enumerate(returned):
            edge = recorded.edges[place]
            if edge is None or g is None:
                continue
            name, target, array = argument(recorded, place), nodes[edge], one_array(fitted(g, edge))
            rule = node.mathematics.derivative(name)
            sent.append(Sent(target, name, rule, one_array(g), array, slopes.get(node.number)))
            arrived.setdefault(target.number, []).append(Term(node, name, array))
        terms, gradient = tuple(arrived[node.number]), one_array(grad)
        steps.append(Step(number, node, terms, gradient, tuple(sent), _is_hooked(terms, gradient)))
    return steps


def _is_hooked(terms: tuple[Term, ...], gradient: Any) -> bool:
    total = reduce(np.add, (term.array for term in terms))
    return not np.array_equal(total, gradient, equal_nan=True)


def one_array(gradient: Any) -> Any:
    """A gradient as an array; those of a user's function with several outputs one after the other."""
    if isinstance(gradient, (np.ndarray, np.generic)):
        return np.asarray(gradient)
    parts = [np.asarray(gradient.parts[k]) for k in sorted(gradient.parts)]
    return parts[0] if len(parts) == 1 else np.concatenate([part.reshape(-1) for part in parts])
