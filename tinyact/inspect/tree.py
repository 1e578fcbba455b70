"""A graph as text: a tree in aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinyact.inspect.drawing import DRAWABLE
from tinyact.inspect.grouping import grouped
from tinyact.inspect.structure import Node, Structure


def graph_text(graph: Structure) -> str:
    """A tree from the loss back to the leaves, one node a line, and what it all comes to."""
    excerpt, note = graph, ""
    if len(graph.nodes) > DRAWABLE:
        try:
            excerpt, note = grouped(graph)[0], "\nshown by module"
        except ValueError:
            note = f"\nthe first {DRAWABLE} of {len(graph.nodes):,} nodes"
    lines = [("#", "value", "made by", "shape", "formula")]
    for branch, node, is_repeated in _walk(excerpt):
        if len(lines) > DRAWABLE:
            break
        made_by = "(see above)" if is_repeated else node.operation or node.kind
        formula = "" if is_repeated else node.mathematics.formula
        lines.append((str(node.number), branch + node.name, made_by, str(node.shape), formula))
    return "\n".join([*aligned(lines), "", str(graph.counts)]) + note


def _walk(graph: Structure) -> Iterator[tuple[str, Node, bool]]:
    """Every node with the branches in front of it, and whether it stood further up already."""
    stack, numbers = [("", "", graph.nodes[0])], set()
    inputs: dict[int, list[Node]] = {}
    for edge in graph.edges:
        inputs.setdefault(edge.target, []).append(graph.nodes[edge.source - 1])
    while stack:
        branch, below, node = stack.pop()
        is_repeated = node.number in numbers
        numbers.add(node.number)
        yield branch, node, is_repeated
        sources = [] if is_repeated else inputs.get(node.number, [])
        for k in reversed(range(len(sources))):
            last = k == len(sources) - 1
            stack.append((below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "), sources[k]))


def aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns two spaces apart; the last is as long as it likes."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
