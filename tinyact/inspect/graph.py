"""The recorded graph as an object that can be printed, drawn and grouped."""

from __future__ import annotations

from typing import Any

from tinyact.inspect.drawing import DRAWABLE, dot, mermaid, svg
from tinyact.inspect.grouping import grouped
from tinyact.inspect.structure import Structure
from tinyact.inspect.tree import graph_text


class Graph(Structure):
    """A recorded graph; see `graph`, and `Structure` for its nodes and edges."""

    def grouped(self, depth: int | None = None) -> Graph:
        """The graph with one node per module, for networks too large to draw.

        An operation belongs to the module whose parameters it takes; one without parameters to that of the last
        operation before it that has some. What follows each other in one module is one node.

        Args:
            depth: how many steps of the module's path count: 1 makes of ``blocks.0.fc`` ``blocks``. If left out, as
                many as can be drawn.

        Raises:
            ValueError: if `graph` got no module, so that it is unknown what belongs together.
        """
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
