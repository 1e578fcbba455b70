"""The values of the forward pass, as far as the tape has them."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np

from tinyact.autograd.function import Application
from tinyact.autograd.operation import Operation
from tinyact.inspect.recorded import sources
from tinyact.inspect.structure import Node, Structure
from tinyact.tensor import Tensor

LEAF, GIVEN, SAVED = "a leaf", "a constant", "saved on the tape"
AGAIN = "not on the tape, since no derivative needs it: computed again from its inputs"
UNKNOWN = "not on the tape, since no derivative needs it"


class Value(NamedTuple):
    """A value, None if it isn't known, and where it is from."""

    array: Any
    origin: str


def values(graph: Structure, loss: Tensor) -> dict[int, Value]:
    """Per node's number its value.

    What the tape holds is taken from it. Anything else is computed again, by the operation's own ``forward``, from what
    goes in: the numbers of the forward pass, unless a leaf was changed in place since.
    """
    known = {1: Value(loss.array, "the result")}
    for node in graph.nodes:
        # Copied: the next step of training will change them in place.
        if node.kind == "leaf":
            known[node.number] = Value(np.array(node.recorded.array), LEAF)
        elif node.kind == "constant":
            known[node.number] = Value(np.array(node.recorded), GIVEN)
    numbers = {node.recorded: node.number for node in graph.nodes if node.kind == "operation"}
    for operation, number in numbers.items():
        for source, (array, _, _) in zip(sources(operation), operation.saved or (), strict=True):
            edges = (*operation.edges, operation)
            made_by = edges[source] if source is not None and source < len(edges) else None
            if isinstance(made_by, Operation) and made_by in numbers:
                known.setdefault(numbers[made_by] if made_by is not operation else number, Value(array, SAVED))
    for node in reversed(graph.nodes):
        if node.kind == "operation" and node.number not in known:
            known[node.number] = _again(graph, node, known)
    return known


def _again(graph: Structure, node: Node, known: dict[int, Value]) -> Value:
    operation = node.recorded
    by_argument = {edge.argument: known[edge.source].array for edge in graph.inputs(node)}
    if isinstance(operation, Application) or len(by_argument) < len(operation.edges):
        return Value(None, UNKNOWN)
    if any(array is None for array in by_argument.values()):
        return Value(None, UNKNOWN)
    # On a copy: forward may note something on its object.
    with np.errstate(all="ignore"):
        return Value(np.asarray(copy.copy(operation).forward(*by_argument.values())), AGAIN)
