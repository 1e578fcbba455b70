"""Pictures of graphs."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.inspect.networks import deep, diamond, small_network
from tinyact.inspect import graph
from tinyact.inspect.drawing import layout


def test_svg_has_every_node_and_edge() -> None:
    loss, network, named = small_network()
    g = graph(loss, network, named)
    picture = ET.fromstring(g.to_svg())
    ids = {element.get("id") for element in picture.iter() if element.get("id")}
    assert {f"node-{node.number}" for node in g.nodes} <= ids
    assert {f"edge-{edge.source}-{edge.target}" for edge in g.edges} <= ids
    assert "fc1.weight" in {element.text for element in picture.iter()}
    assert not re.search(r'(href|src)="', g.to_svg())


def test_values_flow_to_the_right_and_nodes_stand_apart() -> None:
    loss, network, named = small_network()
    g = graph(loss, network, named)
    at = layout(g)
    for edge in g.edges:
        assert at.nodes[edge.source][0] < at.nodes[edge.target][0]
    places = list(at.nodes.values())
    for k, (x, y) in enumerate(places):
        assert 0 < x < at.width
        assert 0 < y < at.height
        assert all(x != other_x or abs(y - other_y) > 60 for other_x, other_y in places[:k])


def test_dot() -> None:
    loss, named = diamond()
    text = graph(loss, names=named).to_dot()
    assert text.startswith("digraph tape {")
    assert '  n4 [label="v\\nMul\\none number"];' in text
    assert '  n4 -> n2 [label="x"];' in text
    assert text.endswith("}\n")


def test_mermaid() -> None:
    loss, named = diamond()
    named['<"w">'] = named.pop("w")
    text = graph(loss, names=named).to_mermaid()
    assert text.startswith("flowchart LR\n")
    assert '  n5(["&lt;#quot;w#quot;&gt;<br>one number"])' in text
    assert '  n4 -->|"x"| n2' in text


def test_a_notebook_shows_the_picture() -> None:
    loss, network, named = small_network()
    g = graph(loss, network, named)
    assert g._repr_mimebundle_() == {"image/svg+xml": g.to_svg(), "text/plain": str(g)}


def test_too_large_to_draw() -> None:
    loss, network = deep()
    g = graph(loss, network)
    with pytest.raises(ValueError, match=r"1,602 nodes is too large to draw \(at most 150\): grouped\(\)"):
        g.to_svg()
    assert g._repr_mimebundle_()["image/svg+xml"] == g.grouped().to_svg()
    assert "image/svg+xml" not in graph(loss)._repr_mimebundle_()


def test_without_igraph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    g = graph(diamond()[0])
    with pytest.raises(ImportError, match=r'pip install "tinyact\[inspect\]"'):
        g.to_svg()
    assert list(g._repr_mimebundle_()) == ["text/plain"]
