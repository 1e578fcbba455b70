"""Graphs with one node per module, for networks of thousands of operations."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TypeVar

from tinyact.inspect.cost import saved_bytes
from tinyact.inspect.drawing import DRAWABLE
from tinyact.inspect.structure import Edge, Node, Structure

G = TypeVar("G", bound=Structure)

# So many modules are still read at a glance.
_CLEAR = DRAWABLE // 3


def grouped(graph: G, depth: int | None = None) -> tuple[G, dict[int, int]]:
    """The graph by module, and per node's number that of its group; see `Graph.grouped`."""
    if not any(node.module for node in graph.nodes):
        raise ValueError(
            f"these {len(graph.nodes):,} nodes can't be grouped: it isn't known which belong to which module. Give the "
            "network: graph(loss, network) or trace(loss, network)"
        )
    runs = _runs(graph, depth)
    members = {node.number: number for number, (_, run) in enumerate(runs, 1) for node in run}
    # A leaf belongs to its first use; constants are inside of the operation that saved them.
    for edge in graph.edges:
        if graph.nodes[edge.source - 1].kind == "leaf":
            members[edge.source] = max(members.get(edge.source, 0), members[edge.target])
    names = _distinct([path or "(no module)" for path, _ in runs])
    nodes = tuple(_group(number, names[number - 1], run) for number, (_, run) in enumerate(runs, 1))
    between = dict.fromkeys(
        (members[edge.source], members[edge.target])
        for edge in graph.edges
        if edge.source in members and members[edge.source] != members[edge.target]
    )
    return type(graph)(nodes, tuple(Edge(*ends, "") for ends in between), graph.counts), members


def _runs(graph: Structure, depth: int | None) -> list[tuple[str, list[Node]]]:
    """Operations in the order of the sweep, cut where the module changes: such groups can't form a circle."""
    paths: dict[int, str] = {}
    path = ""
    operations = [node for node in graph.nodes if node.kind == "operation"]
    for node in reversed(operations):
        path = node.module or path
        paths[node.number] = path
    if depth is not None:
        return _cut(operations, paths, depth)
    for deep in range(max(path.count(".") + 1 for path in paths.values()), 0, -1):
        runs = _cut(operations, paths, deep)
        if len(runs) <= _CLEAR:
            return runs
    return _joined(runs)


def _cut(operations: list[Node], paths: dict[int, str], depth: int) -> list[tuple[str, list[Node]]]:
    runs = groupby(operations, lambda node: ".".join(paths[node.number].split(".")[:depth]))
    return [(name, list(run)) for name, run in runs]


def _joined(runs: list[tuple[str, list[Node]]]) -> list[tuple[str, list[Node]]]:
    """Neighbours together, where even the outermost modules are too many: ``"0 … 19"``."""
    size = -(-len(runs) // _CLEAR)
    chunks = [runs[start : start + size] for start in range(0, len(runs), size)]
    return [(f"{chunk[-1][0]} … {chunk[0][0]}", [node for _, run in chunk for node in run]) for chunk in chunks]


def _distinct(names: list[str]) -> list[str]:
    """Names in the order of the sweep; a module that is used again gets a number, counted as recorded."""
    uses: Counter[str] = Counter()
    distinct = []
    for name in reversed(names):
        uses[name] += 1
        distinct.append(name if uses[name] == 1 else f"{name} ({uses[name]})")
    return distinct[::-1]


def _group(number: int, name: str, run: list[Node]) -> Node:
    holds = f"{len(run):,} operation{'s' * (len(run) != 1)}"
    return Node(
        number,
        name,
        "group",
        holds,
        shape=run[0].shape,
        dtype=run[0].dtype,
        module=name,
        saved_bytes=saved_bytes(node.recorded for node in run),
        multiplications=(sum(n.multiplications[0] for n in run), sum(n.multiplications[1] for n in run)),
    )
