"""The core, first half: an operation that remembers what its derivative needs. The second half is `sweep`.

A forward pass records a graph. Each `Operation` object in it is one application of one operation; its ``edges`` lead
back to where its inputs came from: the operation that made an input, or the input itself if it is a leaf.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from tinyact.autograd.graph import Node
from tinyact.autograd.memory import Saved, Version, load_saved, save, share_memory
from tinyact.autograd.modes import recording
from tinyact.autograd.watch import watchers

# An array; where the sweep itself is recorded, a Variable, which the rules don't notice.
Gradient: TypeAlias = Any
Edge: TypeAlias = "Operation | Variable | None"
Hook: TypeAlias = "Callable[[Any], Any]"

next_serial = itertools.count().__next__
_accumulating = threading.RLock()  # sweeps of several threads may come to one leaf


class Variable:
    """An array that knows how it was computed. (`tinyact.Tensor` is a Variable with operators and methods.)

    Args:
        array: the numbers, a NumPy array.
        requires_grad: whether gradients with respect to it are wanted.

    Attributes:
        grad_fn: the operation that made it, or None for a leaf.
    """

    array: np.ndarray[Any, np.dtype[Any]]
    grad_fn: Operation | None = None
    _grad: Any = None
    _requires_grad: bool = False
    # Counts the changes of its memory in place; and once several variables look at it, these, the base first.
    _version: Version
    _views: list[weakref.ref[Variable]] | None = None
    # What is called with its gradient, and what when its grad has changed; what keeps it beside leaves.
    _hooks: dict[int, Hook] | None = None
    _accumulate_hooks: dict[int, Hook] | None = None
    _retained: weakref.ref[Variable] | None = None
    # What results are made as; tensor.py puts Tensor here.
    _default: ClassVar[type[Variable]]

    def __init__(self, array: np.ndarray[Any, np.dtype[Any]], requires_grad: bool = False) -> None:
        self.array = array
        self._version = Version()
        self._requires_grad = requires_grad

    @property
    def grad(self) -> Any:
        """∂L/∂(this variable), added up over all sweeps; None before the first."""
        return self._grad

    @property
    def requires_grad(self) -> bool:
        """Whether gradients with respect to it are wanted; true for every result computed from such a variable."""
        return self._requires_grad


Variable._default = Variable


def wrap(array: Any) -> Any:
    """A Variable (a Tensor, if there are Tensors) around this array, neither copied nor checked."""
    variable = object.__new__(Variable._default)
    # NumPy turns results without dimensions into scalars of its own.
    variable.array = array if type(array) is np.ndarray else np.asanyarray(array)
    variable._version = Version()
    return variable


def array_of(value: Any) -> Any:
    """The array behind a Variable; anything else as it is."""
    return value.array if isinstance(value, Variable) else value


def edge_of(value: Any) -> Edge:
    """Where the gradient for this value goes: to the operation that made it, to itself as a leaf, or nowhere."""
    if not isinstance(value, Variable) or not value._requires_grad:
        return None
    return value if value.grad_fn is None else value.grad_fn


def accumulate(variable: Variable, grad: Gradient) -> None:
    """Add to its ``grad``; the first gradient is copied, since the array may serve other nodes too."""
    with _accumulating:
        before = variable._grad
        if isinstance(grad, Variable):  # a Tensor, since the sweep is recorded
            variable._grad = grad.clone() if before is None else before + grad  # type: ignore[attr-defined]
        elif before is None:
            variable._grad = wrap(grad.copy())
        else:
            before.array += grad
            before._version.count += 1
    for hook in list(variable._accumulate_hooks.values()) if variable._accumulate_hooks else ():
        hook(variable)


class Rule(NamedTuple):
    """The derivative for one input: which input, the hand-written function, and which values it takes."""

    input: int
    function: Callable[..., Gradient]
    takes: tuple[int, ...]


class Plan(NamedTuple):
    """What one application saves, by place among its inputs and output, and its rules, by place among what is saved."""

    saves: tuple[int, ...] = ()
    rules: tuple[Rule, ...] = ()


class Operation(Node):
    """One application of one operation, and with that one node of the graph.

    An operation is a subclass with a function and, for each input that has one, a derivative::

        class Mul(Operation):
            '''a · b      ∂/∂a = b      ∂/∂b = a'''

            def forward(self, a, b):
                return a * b

            def grad_a(self, grad, b):
                return grad * b

            def grad_b(self, grad, a):
                return grad * a

    ``grad_a(grad, …)`` is given ∂L/∂y, the gradient of the operation's output y, and returns ∂L/∂a = ∂L/∂y · ∂y/∂a.
    Its further parameters name what it wants to know: inputs by their names in ``forward``, the output as ``y``.
    Exactly that is saved, and only if input a needs a gradient at all.

    A rule is written with operators and NumPy functions, so that it holds for arrays and, when the derivative of the
    derivative is asked for, for Tensors. Sums over broadcast dimensions and changes of dtype are not its business:
    `sweep.fitted` does both for every operation.

    Attributes:
        edges: per input where its gradient goes on: an Operation, a leaf, or None.
        plan, saved: which rules will be applied and what they want; that, or None once freed.
        serial: its place in the order of recording.
        shape, dtype: of the output, and so of the gradient that arrives here.
    """

    saved: list[Saved] | None = None
    plan = Plan()
    serial = -1
    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any]
    # As a Variable has them, for the output.
    _hooks: dict[int, Hook] | None = None
    _retained: weakref.ref[Variable] | None = None

    # What PyTorch calls such a node; by default the class's name with Backward0 behind it.
    torch_name: str
    # Whether the output is another look at the first input's memory (transpose, slices …).
    is_view: ClassVar[bool] = False
    # Whether NumPy may warn on the way (1/0, overflow …) where PyTorch silently returns inf or NaN.
    may_warn: ClassVar[bool] = True

    forward: Callable[..., Any]
    names: ClassVar[tuple[str, ...]]
    _plans: ClassVar[dict[int, Plan]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "torch_name" not in vars(cls):
            cls.torch_name = f"{cls.__name__}Backward0"
        if hasattr(cls, "forward"):
            cls.names = parameters(cls.forward)[1:]
            cls.rules = tuple(_rules_of(cls))
            cls._plans = {}

    def name(self) -> str:
        """What PyTorch calls this node: ``MulBackward0``."""
        return self.torch_name

    def apply(self, *inputs: Any) -> Any:
        """The operation on Variables (and constants), recorded if an input requires gradients."""
        arrays: list[Any] = []
        edges: list[Edge] = []
        needs = 0
        for place, value in enumerate(inputs):
            if isinstance(value, Variable):
                arrays.append(value.array)
                edges.append(edge_of(value))
                needs |= value._requires_grad << place
            else:
                arrays.append(value)
                edges.append(None)
        if self.may_warn:
            with np.errstate(all="ignore"):
                y = self.forward(*arrays)
        else:
            y = self.forward(*arrays)
        output = wrap(y)
        if self.is_view:
            share_memory(inputs[0], output)
        if needs and recording.on:
            self._record(tuple(edges), needs, inputs, output)
        else:
            for watcher in watchers:
                watcher.unrecorded(self, inputs, (output,))
        return output

    def _record(self, edges: tuple[Edge, ...], needs: int, inputs: Sequence[Any], output: Variable) -> None:
        """Enter the graph: remember what the rules will want, and become the node that made the output."""
        if self.serial >= 0:
            raise RuntimeError(f"this {type(self).__name__} is a node already: make one for each application")
        self.edges = edges
        self.plan = self._plans.get(needs) or self._planned(needs, len(inputs))
        self.saved = save(map((*inputs, output).__getitem__, self.plan.saves))
        self.serial = next_serial()
        self.shape, self.dtype = output.array.shape, output.array.dtype
        output.grad_fn, output._requires_grad = self, True
        for watcher in watchers:
            watcher.recorded(self, inputs, (output,))

    def _planned(self, needs: int, count: int) -> Plan:
        """The plan for those of so many inputs whose bits are set, made once for all applications."""
        rules = [rule for rule in self.rules if (needs >> rule.input) & 1]
        saves = tuple(sorted({k for rule in rules for k in rule.takes}))
        rules = [rule._replace(takes=tuple(map(saves.index, rule.takes))) for rule in rules]
        plan = self._plans[needs] = Plan(saves, tuple(rules))
        return plan

    def __call__(self, *inputs: Any) -> Any:
        """The operation on arrays or on Variables, whichever they are: for use inside rules, on a new object."""
        return self.apply(*inputs) if any(isinstance(i, Variable) for i in inputs) else self.forward(*inputs)

    load = load_saved

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        """∂L/∂input for each edge, from ∂L/∂output: the rule of each input that needs a gradient, applied."""
        grads: list[Gradient] = [None] * len(self.edges)
        for place, derivative, takes in self.plan.rules:
            grads[place] = derivative(self, grad, *[saved[k] for k in takes])
        return grads


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def _rules_of(cls: type[Operation]) -> Iterator[Rule]:
    values = (*cls.names, "y")
    if misnamed := [name for name in vars(cls) if name.startswith("grad_") and name[5:] not in cls.names]:
        raise TypeError(f"{cls.__name__}.{misnamed[0]} is for no input of forward: there is {cls.names}")
    for place, name in enumerate(cls.names):
        rule = getattr(cls, f"grad_{name}", None)
        if rule is not None:
            takes = parameters(rule)[2:]
            if unknown := set(takes) - set(values):
                raise TypeError(f"{cls.__name__}.grad_{name} takes {min(unknown)}; there is {values}")
            yield Rule(place, rule, tuple(map(values.index, takes)))
