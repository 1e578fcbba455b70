"""A trace with one step per module."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from tinyact.inspect.grouping import grouped
from tinyact.inspect.steps import Step, Sweep
from tinyact.inspect.structure import Node

S = TypeVar("S", bound=Sweep)


def grouped_trace(trace: S, depth: int | None = None) -> S:
    """The sweep from module to module: what comes in from other modules, what goes out to them and into parameters."""
    graph, members = grouped(trace.graph, depth)

    def _group(node: Node) -> Node:
        return node if node.kind == "leaf" else graph.nodes[members[node.number] - 1]

    own: dict[int, list[Step]] = {}
    for step in trace.steps:
        if step.node.kind == "operation":
            own.setdefault(members[step.node.number], []).append(step)
    steps = []
    for number, (group, inside) in enumerate(own.items(), 1):
        node = graph.nodes[group - 1]
        terms = tuple(
            replace(term, source=term.source and _group(term.source))
            for step in inside
            for term in step.terms
            if term.source is None or members[term.source.number] != group
        )
        sent = tuple(
            replace(sent, target=_group(sent.target), slope=None)
            for step in inside
            for sent in step.sent
            if sent.target.kind == "leaf" or members[sent.target.number] != group
        )
        steps.append(Step(number, node, terms, inside[0].gradient, sent))
    first = {group: inside[0].node.number for group, inside in own.items()}
    return type(trace)(graph, tuple(steps), {group: trace.values[number] for group, number in first.items()})
