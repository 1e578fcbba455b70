"""Graphs and traces as text: aligned columns, first the tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tinyact.inspect.drawing import DRAWABLE
from tinyact.numbers import in_full, short

if TYPE_CHECKING:
    from tinyact.inspect.graph import Graph, Node
    from tinyact.inspect.trace import Step, Trace

_LEGEND = "g is the gradient on the left; a rule ∂/∂x = … is a factor: g · ∂/∂x goes on, summed over what was broadcast"

_HEAD: tuple[str, ...] = (
    "#", "gradient", "=", "norm", "least", "greatest", "zeros", "", "", "goes on by the rule"
)  # fmt: skip


def graph_text(graph: Graph) -> str:
    """A tree from the loss back to the leaves, one node a line, and what it all comes to."""
    shown, note = graph, ""
    if len(graph.nodes) > DRAWABLE:
        try:
            shown, note = graph.grouped(), "\nshown by module"
        except ValueError:
            note = f"\nthe first {DRAWABLE} of {len(graph.nodes):,} nodes"
    lines = [("#", "value", "made by", "shape", "formula")]
    for tree, node, again in _walk(shown):
        if len(lines) > DRAWABLE:
            break
        made_by = "(see above)" if again else node.operation or node.kind
        formula = "" if again else node.mathematics.formula
        lines.append((str(node.number), tree + node.name, made_by, str(node.shape), formula))
    return "\n".join([*aligned(lines), "", str(graph.counts)]) + note


def _walk(graph: Graph) -> Iterator[tuple[str, Node, bool]]:
    """Every node with the branches in front of it, and whether it stood further up already."""
    stack, seen = [("", "", graph.nodes[0])], set()
    inputs: dict[int, list[Node]] = {}
    for edge in graph.edges:
        inputs.setdefault(edge.target, []).append(graph.nodes[edge.source - 1])
    while stack:
        branch, below, node = stack.pop()
        again = node.number in seen
        seen.add(node.number)
        yield branch, node, again
        sources = [] if again else inputs.get(node.number, [])
        for k in reversed(range(len(sources))):
            last = k == len(sources) - 1
            stack.append((below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "), sources[k]))


def aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns two spaces apart; the last is as long as it likes."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def trace_text(trace: Trace) -> str:
    """The chain rule as a table, a step a line, with a line for each further input that a gradient goes on to."""
    shown, note = trace, ""
    if len(trace.steps) > DRAWABLE:
        try:
            shown, note = trace.grouped(), "\n\nshown by module"
        except ValueError:
            note = f"\n\nthe first {DRAWABLE} of {len(trace.steps):,} steps"
    lines = [_HEAD]
    for step in shown.steps[:DRAWABLE]:
        lines += _step_lines(step)
    return "\n".join([*aligned(lines), "", _LEGEND]) + note


def _step_lines(step: Step) -> Iterator[tuple[str, ...]]:
    figures = ("",) * 4
    if step.gradient.size > 1:
        n = step.numbers
        bad = f", {n.not_finite:,} not finite" if n.not_finite else ""
        figures = (short(n.norm), short(n.least), short(n.greatest), f"{100 * n.zeros:.0f} %{bad}")
    start: tuple[str, ...] = (str(step.number), f"∂L/∂{step.node.name}", _sum(step), *figures)
    made_by = step.node.operation
    if not step.sent:
        yield (*start, made_by, "", "is added to .grad" if step.node.kind == "leaf" else "")
    goes_on = [(f"→ {sent.target.name}", sent.rule) for sent in step.sent]
    if step.node.kind == "group":
        out = [(f"→ {sent.target.name}", sent.rule) for sent in step.sent if sent.target.kind == "group"]
        inside = len(goes_on) - len(out)
        goes_on = [(f"→ {inside:,} leaves inside", "is added to .grad")] * (inside > 0) + out
    for target, rule in goes_on:
        yield (*start, made_by, target, rule)
        start, made_by = ("",) * len(start), ""


def _sum(step: Step) -> str:
    """``"2 + 3 = 5"``, or for larger arrays where the terms came from; 1 at the start."""
    total = in_full(step.gradient) if step.gradient.size <= 4 else ""
    if step.gradient.size <= 4:
        terms = [in_full(term.array) for term in step.terms]
    else:
        terms = [f"from {term.source.name}" if term.source else "given" for term in step.terms]
    hooked = "changed by a hook" if step.hooked else ""
    parts = [" + ".join(terms), hooked, total if len(terms) > 1 or hooked else ""]
    return " = ".join(part for part in parts if part)
