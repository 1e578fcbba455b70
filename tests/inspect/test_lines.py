"""The lines of NumPy beside a step are the ones that made its numbers: run, they give the same to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

import tinyact
from tests.inspect.test_every_operation import OPERATIONS
from tinyact import kernels
from tinyact.inspect import Trace, trace
from tinyact.inspect.lines import backward_lines, forward_lines, saved_values
from tinyact.inspect.structure import Node
from tinyact.nn import functional as F
from tinyact.program.text import identifier


def computed(lines: list[str], name: str, arrays: dict[str, Any]) -> Any:
    names = {**vars(kernels), "ndtr": ndtr, "np": np, **arrays}
    with np.errstate(all="ignore"):
        exec("\n".join(lines), names)
    return np.asarray(names[name])


def same(a: Any, b: Any) -> None:
    assert (a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, np.asarray(b).tobytes())


def arrays(result: Trace, node: Node) -> dict[str, Any]:
    """What goes in and what comes out, by the names that the lines have for it."""
    inputs = {edge.argument: result.values[edge.source].array for edge in result.graph.inputs(node)}
    return {identifier(name): array for name, array in (saved_values(node, result) | inputs).items()}


def traced(name: str) -> Trace:
    tinyact.manual_seed(1)
    return trace(OPERATIONS[name](tinyact.randn(3, 4, requires_grad=True)).sum())


@pytest.mark.parametrize("name", OPERATIONS)
def test_backward(name: str) -> None:
    result = traced(name)
    for step in result.steps:
        for sent in step.sent:
            lines = backward_lines(step, sent, result)
            own = arrays(result, step.node) | {"g": step.gradient}
            same(computed(lines, identifier(f"d_{sent.argument}"), own), sent.returned)


@pytest.mark.parametrize("name", OPERATIONS)
def test_forward(name: str) -> None:
    result = traced(name)
    for node in result.graph.nodes:
        if node.kind == "operation" and (lines := forward_lines(node, result)):
            value = result.values[node.number].array
            if value is not None:
                same(computed(lines, "y", arrays(result, node)), value)


def test_every_step_has_them() -> None:
    result = traced("products")
    assert all(backward_lines(step, sent, result) for step in result.steps for sent in step.sent)
    assert all(forward_lines(node, result) for node in result.graph.nodes if node.kind == "operation")


def test_it_reads_as_one_would_write_it() -> None:
    w = tinyact.tensor([[0.5, -1.0]], requires_grad=True)
    result = trace(F.relu(F.linear(tinyact.ones(3, 2), w)).mean())
    nodes = [node for node in reversed(result.graph.nodes) if node.kind == "operation"]
    assert [forward_lines(node, result) for node in nodes] == [
        ["y = x @ weight.T  # (3, 1)"],
        ["y = np.maximum(0, x)  # (3, 1)"],
        ["y = x.sum((0, 1)) / 3"],
    ]
    assert [backward_lines(step, sent, result) for step in result.steps for sent in step.sent] == [
        ["d_x = np.broadcast_to((g / 3).reshape([1, 1]), (3, 1))  # (3, 1)"],
        ["d_x = np.where(y != 0, g, 0)  # (3, 1)"],
        ["d_weight = (x.T @ g).T  # (1, 2)"],
    ]


def test_there_are_none_for_what_is_not_known() -> None:
    result = trace((tinyact.ones(3, requires_grad=True) - 2.5).sum())
    assert [forward_lines(node, result) for node in result.graph.nodes[:2]] == [[], []]
