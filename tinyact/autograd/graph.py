"""The graph as PyTorch shows it: ``next_functions``, in which an `AccumulateGrad` stands for each leaf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from tinyact.autograd.operation import Edge, Rule, Variable


class AccumulateGrad:
    """A leaf in the graph, where gradients add up.

    Attributes:
        variable: the leaf.
    """

    next_functions: tuple[()] = ()

    def __init__(self, variable: Variable) -> None:
        self.variable: Any = variable

    def name(self) -> str:
        """What PyTorch calls it."""
        return "torch::autograd::AccumulateGrad"


# The one of each leaf, as long as somebody has it, by the leaf's id.
_leaves: WeakValueDictionary[int, AccumulateGrad] = WeakValueDictionary()


class Node:
    """What is in the graph between results and leaves."""

    edges: tuple[Edge, ...] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()

    def name(self) -> str:
        """What PyTorch calls this node."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """Per input that has a derivative the node that its gradient goes to, or None; PyTorch's form of ``edges``."""
        places = [rule.input for rule in self.rules] or range(len(self.edges))
        return tuple((_shown(self.edges[place]), 0) for place in places)


def _shown(edge: Edge) -> Any:
    if edge is None or isinstance(edge, Node):
        return edge
    return _leaves.get(id(edge)) or _leaves.setdefault(id(edge), AccumulateGrad(edge))
