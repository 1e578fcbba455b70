"""What was computed from what: nodes in the order in which the sweep goes back, and the edges between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tinyact.autograd.mathematics import Mathematics
from tinyact.inspect.cost import bytes_text

_NONE = Mathematics("")


@dataclass(frozen=True)
class Node:
    """One value of the computation, and what made it.

    Attributes:
        number: its place in the order of the sweep, from 1; constants, which it doesn't visit, come after.
        name: of the value: the parameter's name or the user's, ``L`` for the root, ``v1``, ``v2``, … as recorded.
        kind: ``"operation"``, ``"leaf"`` (collects a gradient), ``"constant"`` or ``"group"`` (see `Graph.grouped`).
        operation: the class of the operation that made it; for a group, what it holds.
        mathematics: formula and derivatives, from the operation's docstring.
        settings: the operation's own: ``{"reduction": "mean"}``.
        shape, dtype: of the value, and so of its gradient.
        module: the path of the module that the operation's parameters belong to, where known.
        saved: the names of the values that the operation keeps for its derivatives.
        saved_bytes: how much memory these are.
        multiplications: of its products, forward and backward.
        recorded: the engine's own node: an Operation, or the leaf; None for constants.
    """

    number: int
    name: str
    kind: str
    operation: str = ""
    mathematics: Mathematics = _NONE
    settings: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    dtype: str = ""
    module: str = ""
    saved: tuple[str, ...] = ()
    saved_bytes: int = 0
    multiplications: tuple[int, int] = (0, 0)
    recorded: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Edge:
    """A value that an operation took: from the node ``source`` into the node ``target``, as its ``argument``."""

    source: int
    target: int
    argument: str


@dataclass(frozen=True)
class Counts:
    """What a graph holds, in numbers.

    Attributes:
        operations, leaves: how many nodes of each kind.
        saved_bytes: the memory that values saved for derivatives keep.
        multiplications: of all products, forward and backward.
    """

    operations: int
    leaves: int
    saved_bytes: int
    multiplications: tuple[int, int]

    def __str__(self) -> str:
        forward, backward = self.multiplications
        return (
            f"{self.operations:,} operation{'s' * (self.operations != 1)}, "
            f"{self.leaves:,} lea{'f' if self.leaves == 1 else 'ves'}; "
            f"saved for the derivatives: {bytes_text(self.saved_bytes)}; "
            f"multiplications: {forward:,} forward, {backward:,} backward"
        )


class Structure:
    """The nodes and edges of a graph.

    Attributes:
        nodes: in the order of the sweep; the node number n is ``nodes[n - 1]``.
        edges: in the direction of the forward pass.
        counts: what they come to.
    """

    def __init__(self, nodes: tuple[Node, ...], edges: tuple[Edge, ...], counts: Counts) -> None:
        self.nodes = nodes
        self.edges = edges
        self.counts = counts
        self._inputs: dict[int, list[Edge]] = {}
        for edge in edges:
            self._inputs.setdefault(edge.target, []).append(edge)

    @property
    def order(self) -> tuple[str, ...]:
        """The names in the order of the sweep."""
        return tuple(node.name for node in self.nodes if node.kind != "constant")

    def node(self, which: int | str) -> Node:
        """A node by its number or name.

        Raises:
            KeyError: if there is none.
        """
        for node in self.nodes:
            if which in (node.number, node.name):
                return node
        raise KeyError(f"no node {which!r}; there are {', '.join(node.name for node in self.nodes[:20])}")

    def inputs(self, node: Node) -> list[Edge]:
        """The edges into a node, in the order of the operation's arguments."""
        return self._inputs.get(node.number, [])
