"""The values of the forward pass, as far as the tape has them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinyact.autograd.function import Application
from tinyact.autograd.mathematics import argument
from tinyact.autograd.operation import Operation
from tinyact.inspect.recorded import sources
from tinyact.inspect.structure import Node, Structure
from tinyact.tensor import Tensor

LEAF, CONSTANT, SAVED = "a leaf", "a constant", "saved on the tape"
RECOMPUTED = "not on the tape, since no derivative needs it: computed again from its inputs"
UNKNOWN = "not on the tape, since no derivative needs it"


class Value(NamedTuple):
    """A value, None if nothing has it, and where it is from."""

    array: Any
    origin: str


def values(graph: Structure, loss: Tensor) -> dict[int, Value]:
    """Per node's number its value.

    What the tape holds is taken from it. Anything else is computed again, by the operation's own ``forward``, from what
    goes in: the numbers of the forward pass, unless a leaf was changed in place since.
    """
    node_values = {1: Value(loss.array, "the result")}
    for node in graph.nodes:
        # Copied: the next step of training will change them in place.
        if node.kind == "leaf":
            node_values[node.number] = Value(np.array(node.recorded.array), LEAF)
        elif node.kind == "constant":
            node_values[node.number] = Value(np.array(node.recorded), CONSTANT)
    numbers = {node.recorded: node.number for node in graph.nodes if node.kind == "operation"}
    for operation in numbers:
        makers = (*operation.edges, operation)
        for source, (array, _, _) in zip(sources(operation), operation.saved or (), strict=True):
            maker = makers[source] if source is not None and source < len(makers) else None
            if isinstance(maker, Operation) and maker in numbers:
                node_values.setdefault(numbers[maker], Value(array, SAVED))
    for node in reversed(graph.nodes):
        if node.kind == "operation" and node.number not in node_values:
            node_values[node.number] = _recomputed(graph, node, node_values)
    return node_values


def inputs(graph: Structure, node: Node, node_values: Mapping[int, Value], saved: Sequence[Any]) -> dict[str, Any]:
    """By name what an operation's ``forward`` took, as far as it is known, in its order.

    Args:
        node_values: by number the values of the nodes that it was computed from.
        saved: what the operation's rules take, where numbers and other constants are.
    """
    operation = node.recorded
    names = [argument(operation, place) for place in range(len(operation.edges))]
    saved_from = zip(sources(operation), saved, strict=True)
    known = {names[place]: value for place, value in saved_from if place is not None and place < len(names)}
    for edge in graph.inputs(node):
        known[edge.argument] = node_values[edge.source].array
        if known[edge.argument] is None:
            del known[edge.argument]
    return {name: known[name] for name in names if name in known}


def _recomputed(graph: Structure, node: Node, node_values: Mapping[int, Value]) -> Value:
    operation = node.recorded
    if isinstance(operation, Application):
        return Value(None, UNKNOWN)
    arguments = inputs(graph, node, node_values, [value for value, _, _ in operation.saved])
    if len(arguments) < len(operation.edges):
        return Value(None, UNKNOWN)
    # On a copy: forward may note something on its object.
    with np.errstate(all="ignore"):
        return Value(np.asarray(copy.copy(operation).forward(*arguments.values())), RECOMPUTED)
