"""Graphs as pictures: SVG, and the languages DOT and Mermaid that other programs draw."""

from __future__ import annotations

import json
from html import escape
from typing import NamedTuple

from tinyact.inspect.structure import Node, Structure

# More nodes than this make no picture: they are shown by module.
DRAWABLE = 150

# Of the picture, in pixels.
_WIDTH, _HEIGHT, _COLUMN, _ROW, _MARGIN = 148, 58, 208, 82, 16

# A page sets the variables, also for dark mode; the picture on its own has the colours that stand here.
_STYLE = """
.tape { font: 13px system-ui, sans-serif; }
.tape .card { fill: var(--card, #fff); stroke: none; }
.tape rect.box { fill: var(--box, #f2f4f8); stroke: var(--line, #8a94a6); stroke-width: 1.5; }
.tape .leaf rect.box { fill: var(--leaf, #fdf3dd); stroke: var(--leaf-line, #b8862f); }
.tape .constant rect.box { fill: none; stroke-dasharray: 5 4; }
.tape text { fill: var(--ink, #1b2330); text-anchor: middle; }
.tape text.name { font-weight: 650; }
.tape text.small { fill: var(--faint, #5a6475); font-size: 11px; }
.tape .edge { fill: none; stroke: var(--line, #8a94a6); stroke-width: 1.5; marker-end: url(#tape-arrow); }
.tape marker path { fill: var(--line, #8a94a6); fill: context-stroke; }
"""


class Layout(NamedTuple):
    """Where everything stands: nodes' centres by number, edges as points from source to target."""

    nodes: dict[int, tuple[float, float]]
    edges: dict[tuple[int, int], list[tuple[float, float]]]
    width: float
    height: float


def layout(graph: Structure) -> Layout:
    """Places for nodes in columns, inputs left, loss right, with few crossings.

    Raises:
        ValueError: if the graph is too large to draw.
        ImportError: if igraph is not installed.
    """
    if len(graph.nodes) > DRAWABLE:
        raise ValueError(
            f"a graph of {len(graph.nodes):,} nodes is too large to draw (at most {DRAWABLE}): grouped() has one node "
            "per module, and is drawn in the same way"
        )
    try:
        import igraph
    except ImportError:
        raise ImportError(
            'drawing a graph needs igraph, which is not installed: pip install "tinyact[inspect]"'
        ) from None
    columns = _columns(graph)
    ends = list(dict.fromkeys((edge.source, edge.target) for edge in graph.edges))
    directed = igraph.Graph(len(graph.nodes), [(source - 1, target - 1) for source, target in ends], directed=True)
    places = directed.layout_sugiyama(layers=columns)
    last = max(columns)
    lowest = min(y for y, _ in places)

    def point(y: float, column: float) -> tuple[float, float]:
        return _MARGIN + _WIDTH / 2 + (last - column) * _COLUMN, _MARGIN + _HEIGHT / 2 + (y - lowest) * _ROW

    nodes = {number: point(*place) for number, place in enumerate(places, 1)}
    edges = {}
    for (source, target), points in zip(ends, places.edge_routing, strict=True):
        (x0, y0), (x1, y1) = nodes[source], nodes[target]
        edges[source, target] = [(x0 + _WIDTH / 2, y0), *(point(*bend) for bend in points), (x1 - _WIDTH / 2 - 2, y1)]
    every = [*nodes.values(), *(p for points in edges.values() for p in points)]
    width = max(x for x, _ in nodes.values()) + _WIDTH / 2 + _MARGIN
    return Layout(nodes, edges, width, max(y for _, y in every) + _HEIGHT / 2 + _MARGIN)


def _columns(graph: Structure) -> list[int]:
    """Per node how many steps it is from the loss, by the longest way: so every edge goes to a column further right."""
    columns = [0] * len(graph.nodes)
    for edge in sorted(graph.edges, key=lambda edge: edge.target):
        columns[edge.source - 1] = max(columns[edge.source - 1], columns[edge.target - 1] + 1)
    return columns


def svg(graph: Structure) -> str:
    """The picture; every node and edge in it has an id, ``node-3``, ``edge-4-3``."""
    at = layout(graph)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tape" role="img" width="{at.width:.0f}" '
        f'height="{at.height:.0f}" viewBox="0 0 {at.width:.0f} {at.height:.0f}">',
        f"<title>{escape(str(graph.counts))}</title><style>{_STYLE}</style>",
        '<defs><marker id="tape-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
        'markerUnits="userSpaceOnUse" '
        'orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect class="card" width="{at.width:.0f}" height="{at.height:.0f}"/>',
    ]
    for (source, target), points in at.edges.items():
        parts.append(f'<path class="edge" id="edge-{source}-{target}" d="{_curve(points)}"/>')
    for node in graph.nodes:
        parts.append(_box(node, *at.nodes[node.number]))
    return "\n".join([*parts, "</svg>\n"])


def _curve(points: list[tuple[float, float]]) -> str:
    """A smooth line through the points that leaves and arrives level."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in rest:
        middle = (x + to_x) / 2
        path += f" C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    return path


def _box(node: Node, x: float, y: float) -> str:
    full = f"{node.name}: {node.operation or node.kind}, {node.shape} {node.dtype}"
    rounding = 10 if node.kind in ("operation", "group") else 26
    word = "collects its gradient" if node.kind == "leaf" else node.kind
    texts = ((-11, "name", node.name), (5, "", node.operation or word), (21, "small", _shape_text(node)))
    return (
        f'<g class="node {node.kind}" id="node-{node.number}"><title>{escape(full)}</title>'
        f'<rect class="box" x="{x - _WIDTH / 2:.1f}" y="{y - _HEIGHT / 2:.1f}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'rx="{rounding}"/>'
        + "".join(
            f'<text class="{kind}" x="{x:.1f}" y="{y + down:.1f}">{escape(_short(text))}</text>'
            for down, kind, text in texts
        )
        + "</g>"
    )


def _shape_text(node: Node) -> str:
    return " × ".join(map(str, node.shape)) or "one number"


def _short(text: str) -> str:
    return text if len(text) <= 21 else text[:20] + "…"


def dot(graph: Structure) -> str:
    """In Graphviz's language."""
    lines = ["digraph tape {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for node in graph.nodes:
        shape = {"leaf": ", shape=ellipse", "constant": ', style="rounded,dashed"'}.get(node.kind, "")
        lines.append(f"  n{node.number} [label={json.dumps(_label(node, chr(10)), ensure_ascii=False)}{shape}];")
    for edge in graph.edges:
        label = f" [label={json.dumps(edge.argument, ensure_ascii=False)}]" if edge.argument else ""
        lines.append(f"  n{edge.source} -> n{edge.target}{label};")
    return "\n".join([*lines, "}\n"])


def mermaid(graph: Structure) -> str:
    """In Mermaid's language."""
    lines = ["flowchart LR"]
    for node in graph.nodes:
        left, right = {"leaf": ("([", "])"), "constant": ("[/", "/]")}.get(node.kind, ("[", "]"))
        # Mermaid takes quotation marks and angle brackets as its own.
        label = escape(_label(node, "\n")).replace("&quot;", "#quot;").replace("\n", "<br>")
        lines.append(f'  n{node.number}{left}"{label}"{right}')
    for edge in graph.edges:
        label = f'|"{escape(edge.argument)}"|' if edge.argument else ""
        lines.append(f"  n{edge.source} -->{label} n{edge.target}")
    return "\n".join([*lines, ""])


def _label(node: Node, newline: str) -> str:
    return newline.join([node.name, *([node.operation] if node.operation else []), _shape_text(node)])
