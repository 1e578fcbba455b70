"""The lines of NumPy that made a step's numbers: what an operation's function and its rules come to."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyact.autograd.function import Application
from tinyact.autograd.mathematics import argument
from tinyact.inspect.steps import Sent, Step, Sweep
from tinyact.inspect.structure import Node
from tinyact.inspect.values import inputs
from tinyact.program.listing import numpy_lines


def forward_lines(node: Node, sweep: Sweep) -> list[str]:
    """An operation's function, line by line; nothing, where the tape doesn't say what all went in."""
    if node.number not in sweep.saved:
        return []
    arguments = inputs(sweep.graph, node, sweep.values, sweep.saved[node.number])
    if len(arguments) < len(node.recorded.edges):
        return []
    # On a copy: forward may note something on its object.
    return _lines(copy.copy(node.recorded).forward, arguments, "y")


def backward_lines(step: Step, sent: Sent, sweep: Sweep) -> list[str]:
    """The rule for one of an operation's inputs, line by line."""
    if step.node.number not in sweep.saved:
        return []
    place = _arguments(step.node).index(sent.argument)

    def rule(grad: Any, *saved: Any) -> Any:
        return step.node.recorded.backward(grad, list(saved))[place]

    return _lines(rule, {"g": step.gradient, **saved_values(step.node, sweep)}, f"d_{sent.argument}")


def _arguments(node: Node) -> list[str]:
    return [argument(node.recorded, place) for place in range(len(node.recorded.edges))]


def saved_values(node: Node, sweep: Sweep) -> dict[str, Any]:
    """What an operation's rules take, by the names that these have for it."""
    names = [*_arguments(node), "y"]
    return {
        names[place]: value for place, value in zip(node.recorded.plan.saves, sweep.saved[node.number], strict=True)
    }


def _lines(function: Callable[..., Any], arguments: dict[str, Any], result: str) -> list[str]:
    """The function of those arguments that are arrays; the others stay what they are."""
    # Copies: programs are not made of arrays that share memory.
    arrays = {name: value.copy("K") for name, value in arguments.items() if isinstance(value, np.ndarray)}

    def of_arrays(*values: Any) -> Any:
        return function(*(arguments | dict(zip(arrays, values, strict=True))).values())

    with np.errstate(all="ignore"):
        return numpy_lines(of_arrays, arrays, result)


def tape(nodes: tuple[Node, ...]) -> dict[int, list[Any]]:
    """By an operation's number what it has saved; a user's own function is not looked into."""
    operations = [node for node in nodes if node.kind == "operation" and not isinstance(node.recorded, Application)]
    return {node.number: node.recorded.load() for node in operations}
