"""The recorded graph as an object: what was computed from what, and in which order the sweep goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tinyact.autograd.mathematics import Mathematics
from tinyact.inspect.cost import bytes_text
from tinyact.inspect.drawing import DRAWABLE, dot, mermaid, svg
from tinyact.inspect.text import graph_text

_NONE = Mathematics("")


@dataclass(frozen=True)
class Node:
    """One value of the computation, and what made it.

    Attributes:
        number: its place in the order of the sweep, from 1; constants, which it doesn't visit, come after.
        name: of the value: the parameter's name or the one given, ``L`` for the root, ``v1``, ``v2``, … as recorded.
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


class Graph:
    """A recorded graph; see `graph`.

    Attributes:
        nodes: in the order of the sweep; the node number n is ``nodes[n - 1]``.
        edges: in the direction of the forward pass.
    """

    def __init__(self, nodes: tuple[Node, ...], edges: tuple[Edge, ...], counts: Counts) -> None:
        self.nodes = nodes
        self.edges = edges
        self.counts = counts

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
        return [edge for edge in self.edges if edge.target == node.number]

    def grouped(self, depth: int | None = None) -> Graph:
        """The graph with one node per module, for networks too large to draw.

        An operation belongs to the module whose parameters it takes; one without parameters to that of the last
        operation before it that has some. What follows each other in one module is one node.

        Args:
            depth: how many steps of the module's path count: 1 makes of ``blocks.0.fc`` ``blocks``. If left out, as
                many as can be drawn.

        Raises:
            ValueError: if no module was given to `graph`, so that it is unknown what belongs together.
        """
        # Imported here, because it makes graphs itself.
        from tinyact.inspect.grouping import grouped

        return grouped(self, depth)[0]

    def __str__(self) -> str:
        return graph_text(self)

    def __repr__(self) -> str:
        return f"<Graph: {self.counts}>"

    def to_dot(self) -> str:
        """The graph in Graphviz's language, for ``dot -Tpdf`` and its like."""
        return dot(self)

    def to_mermaid(self) -> str:
        """The graph in Mermaid's language, which Markdown pages draw."""
        return mermaid(self)

    def to_svg(self) -> str:
        """The graph as a picture, from the inputs on the left to the loss on the right.

        Raises:
            ValueError: if it is too large to draw; then ``grouped().to_svg()`` is the way.
            ImportError: if igraph, which places the nodes, is not installed.
        """
        return svg(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a Jupyter notebook shows: the picture, by module if it is large, or the text if there can be none."""
        try:
            return {"image/svg+xml": self.drawable().to_svg(), "text/plain": str(self)}
        except (ImportError, ValueError):
            return {"text/plain": str(self)}

    def drawable(self) -> Graph:
        """The graph itself, or grouped if it is too large to draw.

        Raises:
            ValueError: if it is too large and can't be grouped.
        """
        return self if len(self.nodes) <= DRAWABLE else self.grouped()


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
