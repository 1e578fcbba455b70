"""The page on which to step through both passes: one file, with the numbers of one trace in it."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any

from tinyact.inspect.cost import bytes_text
from tinyact.inspect.drawing import DRAWABLE, svg
from tinyact.inspect.followed import Followed
from tinyact.inspect.lines import backward_lines, forward_lines
from tinyact.inspect.mathml import mathml
from tinyact.inspect.picture import entries, picture
from tinyact.inspect.steps import Sent, Step, Sweep
from tinyact.inspect.structure import Node
from tinyact.inspect.terms import product, terms
from tinyact.numbers import in_full


def page(trace: Sweep, title: str) -> str:
    """The page's HTML.

    Raises:
        ValueError: if the graph is too large to draw.
        ImportError: if igraph is not installed.
    """
    if len(trace.graph.nodes) > DRAWABLE:
        raise ValueError(
            f"a graph of {len(trace.graph.nodes):,} nodes is too large for a page (at most {DRAWABLE}): "
            "trace(loss, network).grouped().to_html(path) has one node per module"
        )
    folder = files("tinyact.inspect")
    parts = {
        "TITLE": escape(title),
        "LOSS": escape(_loss_text(trace)),
        "SUMMARY": escape(str(trace.graph.counts)),
        "GRAPH": svg(trace.graph),
        "STYLE": (folder / "page.css").read_text("utf-8"),
        "SCRIPT": (folder / "page.js").read_text("utf-8"),
        # No text in it can end the script element.
        "DATA": json.dumps(_data(trace), ensure_ascii=False).replace("<", "\\u003c"),
    }
    html = (folder / "page.html").read_text("utf-8")
    before, *places = html.split("{{")
    return before + "".join(parts[name] + text for name, text in (place.split("}}", 1) for place in places))


def _loss_text(trace: Sweep) -> str:
    value = trace.values[1].array
    return in_full(value) if value.size <= 4 else f"{value.size:,} numbers"


def _data(trace: Sweep) -> dict[str, Any]:
    """What page.js reads. Pictures of arrays stand in a list of their own, each once."""
    followed = Followed(trace)
    pictures = _Pictures(followed)
    graph = trace.graph
    # A group sends to leaves inside of it, which are no nodes of its graph.
    inside = {sent.target.number: sent.target for step in trace.steps for sent in step.sent}
    return {
        "nodes": {node.number: _node(node, trace, pictures) for node in graph.nodes},
        "inside": {} if graph.nodes[0].kind != "group" else {n: node.name for n, node in inside.items()},
        "forward": [
            {
                "node": node.number,
                "inputs": [{"argument": edge.argument, "node": edge.source} for edge in graph.inputs(node)],
                "lines": forward_lines(node, trace),
            }
            for node in reversed(graph.nodes)
            if node.kind in ("operation", "group")
        ],
        "backward": [_step(step, trace, followed, pictures) for step in trace.steps],
        "pictures": pictures.all,
    }


class _Pictures:
    """Pictures by number, so that an array that stands in several places is there once."""

    def __init__(self, followed: Followed) -> None:
        self._followed = followed
        self.all: list[dict[str, Any]] = []
        self._arrays: list[Any] = []
        self._places: dict[int, int] = {}

    def add(self, array: Any, node: int | None = None) -> int | None:
        """The number of an array's picture; the node tells which of its entries are followed."""
        if array is None:
            return None
        if id(array) not in self._places:
            self._places[id(array)] = len(self.all)
            # So that no other array can get its id.
            self._arrays.append(array)
            self.all.append(picture(array))
        entry = self.all[self._places[id(array)]]
        if node is not None and "rows" not in entry:
            entry.setdefault("followed", {}).update(entries(array, self._followed.at(node)))
        return self._places[id(array)]


def _node(node: Node, trace: Sweep, pictures: _Pictures) -> dict[str, Any]:
    value = trace.values[node.number]
    return {
        "name": node.name,
        "kind": node.kind,
        "operation": node.operation,
        "formula": mathml(node.mathematics.formula),
        "settings": _settings_text(node),
        "saved": list(node.saved),
        "savedBytes": bytes_text(node.saved_bytes),
        "value": pictures.add(value.array, node.number),
        "origin": value.origin,
    }


def _settings_text(node: Node) -> str:
    """``"with b = 3"``; formula and derivatives of losses are those of one element."""
    settings = dict(node.settings)
    reduction, count = settings.pop("reduction", None), settings.pop("count", 0)
    equations = [
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}" for name, value in settings.items()
    ]
    parts = ["with " + ", ".join(equations)] if equations else []
    if reduction in ("mean", "sum"):
        parts.append(f"for one element; {node.name} is the {reduction} of all" + f" {count:,}" * bool(count))
    return "; ".join(parts)


def _factor(node: Node) -> str:
    """What a derivative is multiplied with."""
    count = node.settings.get("count", 0)
    return f"times g / {count:,}" if node.settings.get("reduction") == "mean" and count else "times g"


def _step(step: Step, trace: Sweep, followed: Followed, pictures: _Pictures) -> dict[str, Any]:
    single = len(step.terms) == 1 and not step.hooked
    number = step.node.number
    gradient = pictures.add(step.gradient, number)
    return {
        "node": number,
        "gradient": gradient,
        "terms": [
            {
                "source": term.source and term.source.number,
                "argument": term.argument,
                "picture": gradient if single else pictures.add(term.array, number),
            }
            for term in step.terms
        ],
        "sent": [
            {
                "target": sent.target.number,
                "inside": step.node.kind == "group" and sent.target.kind == "leaf",
                "argument": sent.argument,
                "rule": mathml(sent.rule),
                # Rules of matrix products have the gradient in them; the others are a factor beside it.
                "factor": _factor(step.node) if sent.rule.startswith(("∂/∂", "d/d")) else "",
                # What the rule itself returned, where it isn't yet what is passed on.
                "returned": pictures.add(sent.returned) if sent.returned.shape != sent.array.shape else None,
                "lines": backward_lines(step, sent, trace),
                "slope": pictures.add(sent.slope, number),
                "picture": pictures.add(sent.array, sent.target.number),
                "terms": terms_of(step, sent, trace, followed),
            }
            for sent in step.sent
        ],
        "hooked": step.hooked,
        "before": pictures.add(step.before, number),
        "after": pictures.add(step.after, number),
    }


def terms_of(step: Step, sent: Sent, trace: Sweep, followed: Followed) -> dict[str, Any] | None:
    """Of a matrix product what its entries are the sums of; None for other rules."""
    of = product(step, sent, trace)
    return of and terms(of, sent.array, followed.at(sent.target.number))
