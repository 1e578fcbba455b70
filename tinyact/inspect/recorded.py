"""From the engine's nodes to a `Graph`: names, shapes, and what the operations saved."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from tinyact.autograd import is_grad_enabled
from tinyact.autograd.function import Application, Output
from tinyact.autograd.mathematics import argument, mathematics
from tinyact.autograd.operation import Operation
from tinyact.autograd.sweep import order
from tinyact.inspect.cost import multiplications, saved_bytes
from tinyact.inspect.graph import Graph
from tinyact.inspect.structure import Counts, Edge, Node
from tinyact.nn import Module
from tinyact.tensor import Tensor


def graph(loss: Tensor, module: Module | None = None, names: Mapping[str, Tensor] | None = None) -> Graph:
    """The graph that was recorded for a tensor.

    Args:
        loss: the tensor, usually a loss. Its graph must not have been freed by a ``backward`` yet.
        module: the network; with it, parameters have their names, and large graphs can be grouped.
        names: more tensors by name: inputs, or results on the way.

    Returns:
        A `Graph`; printed, it is a tree from the loss back to the leaves.

    Raises:
        TypeError: if it is no tensor.
        ValueError: if it has no graph: because it is a leaf, detached, was computed where nothing is recorded, or its
            graph was freed. The message says which, and what to do.

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor(3.0, requires_grad=True)
        >>> loss = (w * 2 - 1) ** 2
        >>> graph(loss, names={"w": w}).order
        ('L', 'v2', 'v1', 'w')
    """
    return recorded_graph(loss, module, names, "graph")


def recorded_graph(loss: Tensor, module: Module | None, names: Mapping[str, Tensor] | None, function: str) -> Graph:
    """The graph, for the function that errors are to name."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"{function}() takes a tensor, got {type(loss).__name__}")
    if loss.grad_fn is None:
        raise ValueError(f"{function}(): this tensor {no_graph(loss)}")
    recorded, _ = order([loss.grad_fn])
    operations = [node for node in recorded if isinstance(node, Operation)]
    if any(operation.saved is None for operation in operations):
        raise ValueError(
            f"{function}(): this graph was freed: a backward() has been through it and let go of what it had saved. "
            "Look at it before backward(), use trace() in place of backward(), or call backward(retain_graph=True)"
        )
    naming = _Naming(module, names or {}, operations)
    nodes = [_node(number, node, naming) for number, node in enumerate(recorded, 1)]
    # Arrays, which are constants, go by their identity.
    places: dict[Any, int] = {node: number for number, node in enumerate(recorded, 1)}
    edges = []
    for operation in operations:
        for k, source in enumerate(_inputs(operation)):
            key = id(source) if isinstance(source, np.ndarray) else source
            if isinstance(source, np.ndarray) and key not in places:
                places[key] = len(nodes) + 1
                nodes.append(naming.constant(source, len(nodes) + 1))
            if source is not None:
                edges.append(Edge(places[key], places[operation], argument(operation, k)))
    products = [node.multiplications for node in nodes]
    counts = Counts(
        len(operations),
        len(recorded) - len(operations),
        saved_bytes(operations),
        (sum(forward for forward, _ in products), sum(backward for _, backward in products)),
    )
    return Graph(tuple(nodes), tuple(edges), counts)


def no_graph(loss: Tensor) -> str:
    """Why a tensor has no graph, and what to do."""
    if loss.requires_grad:
        return "is a leaf: nothing was computed to get it. Give what was computed from it, such as the loss"
    if loss.is_detached:
        return "is detached from its graph. Give the tensor that detach() was called on"
    if loss.array.dtype.kind != "f":
        return f"holds {loss.dtype}, which has no derivatives. Give a floating tensor that was computed on the way"
    if not is_grad_enabled():
        return "has no graph, and recording is off here. Compute it outside of no_grad()"
    return (
        "has no graph: it was computed under no_grad(), or from tensors that were detached or don't require "
        "gradients. Set requires_grad=True on what is to be learned, before computing with it"
    )


def sources(operation: Operation) -> list[int | None]:
    """Per saved value where it is from: the number of an input or, after the inputs, of the output."""
    return operation.sources if isinstance(operation, Application) else list(operation.plan.saves)


def _inputs(operation: Operation) -> list[Any]:
    """Per input the engine's node that made it, or the array of a constant that was saved, or None."""
    inputs: list[Any] = list(operation.edges)
    for source, (array, counter, _) in zip(sources(operation), operation.saved or (), strict=True):
        is_tensor = counter is not None
        if source is not None and source < len(inputs) and inputs[source] is None and is_tensor:
            inputs[source] = array
    return inputs


def _node(number: int, node: Operation | Any, naming: _Naming) -> Node:
    if not isinstance(node, Operation):
        name, dtype = naming.leaf(node), str(node.dtype)
        return Node(number, name, "leaf", shape=tuple(node.array.shape), dtype=dtype, recorded=node)
    names = [argument(node, k) for k in range(len(node.edges))] + ["y"]
    return Node(
        number,
        naming.values[node],
        "operation",
        _class_name(node),
        mathematics(node),
        _settings(node),
        node.shape or (),
        "" if node.dtype is None else str(node.dtype),
        naming.module(node),
        tuple(names[min(source, len(names) - 1)] for source in sources(node) if source is not None),
        saved_bytes([node]),
        multiplications(node),
        node,
    )


def _class_name(operation: Operation) -> str:
    if isinstance(operation, Output):
        application = operation.edges[0]
        assert isinstance(application, Application)
        return f"{application.function.__name__}[{operation.index}]"
    return operation.function.__name__ if isinstance(operation, Application) else type(operation).__name__


def _settings(operation: Operation) -> dict[str, Any]:
    """An operation's arguments beside tensors, where they are simple enough to print; numbers that it saved first."""
    hidden = {*dir(Operation), *Operation.__annotations__, "index", "sources"}
    simple = (str, int, float, tuple)
    numbers = {
        argument(operation, source): value
        for source, (value, _, _) in zip(sources(operation), operation.saved or (), strict=True)
        if source is not None and isinstance(value, float)
    }
    own = {k: v for k, v in vars(operation).items() if k[0] != "_" and k not in hidden and isinstance(v, simple)}
    return numbers | own


class _Naming:
    """Names for values: the parameters', the user's, and else by number."""

    def __init__(self, module: Module | None, names: Mapping[str, Tensor], operations: list[Operation]) -> None:
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"graph(): module must be an nn.Module, not {type(module).__name__}")
        state: dict[str, Tensor] = {}
        if module is not None:
            state |= {**dict(module.named_parameters()), **dict(module.named_buffers())}
        self.parameters = {tensor: name for name, tensor in state.items()}
        self.tensors = {tensor: name for name, tensor in (state | dict(names)).items()}
        self.arrays = {id(tensor.array): name for tensor, name in self.tensors.items()}
        self.values: dict[Operation, str] = {}
        results = {tensor.grad_fn: name for tensor, name in self.tensors.items()}
        for place, operation in enumerate(reversed(operations), 1):
            self.values[operation] = results.get(operation) or ("L" if operation is operations[0] else f"v{place}")
        self.leaves, self.constants = count(1), count(1)

    def leaf(self, tensor: Tensor) -> str:
        return self.tensors.get(tensor) or f"leaf{next(self.leaves)}"

    def constant(self, array: Any, number: int) -> Node:
        name = self.arrays.get(id(array)) or f"const{next(self.constants)}"
        return Node(number, name, "constant", shape=tuple(array.shape), dtype=str(array.dtype), recorded=array)

    def module(self, operation: Operation) -> str:
        for edge in operation.edges:
            if isinstance(edge, Tensor) and edge in self.parameters:
                return self.parameters[edge].rpartition(".")[0]
        return ""
