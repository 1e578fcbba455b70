"""A sweep as it happened: what arrived at each node, what its rules made of it, what was added where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tinyact.inspect.graph import Graph
from tinyact.inspect.structure import Node
from tinyact.inspect.values import Value
from tinyact.numbers import Numbers, numbers


@dataclass(frozen=True)
class Term:
    """One summand of a gradient: what came along one edge; ``source`` is None for the ∂L/∂L = 1 at the start."""

    source: Node | None
    argument: str
    array: Any


@dataclass(frozen=True)
class Sent:
    """What one rule made of the gradient.

    Attributes:
        target: the node that it was sent to.
        argument: for which of the operation's inputs.
        rule: the derivative, from the operation's docstring.
        returned: by the rule.
        array: what was added at the target: the same in the target's shape, summed over what broadcasting had repeated.
        slope: for operations on single elements the factor beside the gradient: what the rule makes of ones.
    """

    target: Node
    argument: str
    rule: str
    returned: Any
    array: Any
    slope: Any = None


@dataclass(frozen=True)
class Step:
    """What the sweep did at one node.

    Attributes:
        number: from 1, in the order in which it happened.
        node: where.
        terms: what had arrived, path by path.
        gradient: ∂L/∂(node's value): the sum of the terms.
        sent: what went on, per input.
        hooked: whether a hook changed the sum.
        before, after: of a leaf, what its ``.grad`` held before, if anything, and after.
    """

    number: int
    node: Node
    terms: tuple[Term, ...]
    gradient: Any
    sent: tuple[Sent, ...] = ()
    hooked: bool = False
    before: Any = None
    after: Any = None

    @property
    def numbers(self) -> Numbers:
        """The gradient in a few figures: norm, extremes, share of zeros."""
        return numbers(self.gradient)


@dataclass(frozen=True)
class Sweep:
    """The steps of a sweep, and where they happened.

    Attributes:
        graph: the graph that it went through.
        steps: in the order in which they happened.
        values: per node's number the value that it has in the forward pass, and where it is from.
        saved: per operation's number what its rules take.
    """

    graph: Graph
    steps: tuple[Step, ...]
    values: Mapping[int, Value]
    saved: Mapping[int, list[Any]] = field(default_factory=dict)

    def step(self, which: int | str) -> Step:
        """A step by its number, or by the name of its node.

        Raises:
            KeyError: if there is none.
        """
        for step in self.steps:
            if which in (step.number, step.node.name):
                return step
        raise KeyError(f"no step {which!r}; there are {', '.join(step.node.name for step in self.steps[:20])}")
