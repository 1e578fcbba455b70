"""The sweep back from a replay's results, when it is the caller who differentiates them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyact.autograd.function import Application, Context, Function, Output
from tinyact.autograd.memory import Version
from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Gradient, Operation, Variable, edge_of, wrap
from tinyact.autograd.sweep import sweep
from tinyact.program.code import Source, definition, lines_of, made, starts
from tinyact.program.improve import improve
from tinyact.program.passes import Plan
from tinyact.program.record import Recorder
from tinyact.program.values import Array, Value, leaves_of


class Later:
    """What a sweep back from the results computes, recorded when the function was.

    Attributes:
        saved: the values of the run that it needs.
        leaves: the tensors in which it ends, as expressions of the program.
        names: what the results' nodes are called.
    """

    def __init__(self, recorder: Recorder, outputs: list[Any], leaves: dict[Any, tuple[Any, str]]) -> None:
        self.leaves = [expression for _, expression in leaves.values()]
        self._tensors = [tensor for tensor, _ in leaves.values()]
        self.names = [output.grad_fn.name() for output in outputs]
        self.layouts = [(output.array.shape, output.array.dtype) for output in outputs]
        self._run, recorder.calls = recorder.calls, []
        firsts = [recorder.root(np.ones(*layout)) for layout in self.layouts]
        self._firsts: list[Value] = [first.value for first in firsts]
        grads = sweep(outputs, [wrap(first) for first in firsts], self._tensors, retain_graph=True)
        self.calls, recorder.calls = recorder.calls, self._run
        if reason := self._refusal(list(grads.values())):
            recorder.reject(reason)
        self._grads = [getattr(grads.get(edge), "value", None) for edge in leaves]
        produced = {output for call in self.calls for output in call.outputs}
        used = dict.fromkeys(value for call in self.calls for value in call.inputs)
        used.update(dict.fromkeys(value for value in self._grads if value is not None))
        given = {*produced, *self._firsts}
        self.saved = [value for value in used if value not in given and value.kind != "constant"]
        self._lock = threading.Lock()

    def _refusal(self, grads: list[Any]) -> str | None:
        own = {output.base for call in self.calls for output in call.outputs if output.kind == "new"}
        if any(call.form == "guard" or call.draws for call in self.calls):
            return "the derivative of its results depends on decisions or chance"
        if any(call.written is not None and call.written.base not in own for call in self.calls):
            return "the derivative of its results changes what was there before"
        if any(getattr(grad, "value", None) is None for grad in grads):
            return "a derivative of its results is computed out of sight"
        return None

    def finish(self, run: Plan) -> None:
        """Make the function that sweeps, when the run has its passes behind it."""
        source = Source()
        for place, value in enumerate(self.saved):
            source.names[value] = f"s{place}"
        for place, value in enumerate(self._firsts):
            source.names[value] = f"g{place}"
        plan = Plan(self.calls, {value for value in self._grads if value is not None})
        improve(plan)
        lines = [*starts(plan, source, {}), *lines_of(plan, source, [])]
        lines.append(f"return [{', '.join(source.text(plan.current(value)) for value in self._grads)}]")
        parameters = [f"s{place}" for place in range(len(self.saved))]
        parameters += [f"g{place}" for place in range(len(self._firsts))]
        self._backward = made(definition("backward", parameters, lines, source), source.bound, "backward")
        self.saved = [run.current(value) for value in self.saved]

    def lines(self, source: Source, tensors: dict[Value, str]) -> list[str]:
        """Lines that make the node behind the results; ``tensors`` are those whose memory some values are."""
        versions = [f"{tensors[value.base]}._version" if value.base in tensors else "None" for value in self.saved]
        saved = ", ".join(f"({source.name(v)}, {version})" for v, version in zip(self.saved, versions, strict=True))
        leaves = ", ".join(self.leaves)
        return [f"node = {source.bind(Replayed)}({source.bind(self)}, [{leaves}], [{saved}])"]

    def backward(self, saved: Sequence[Any], grads: Sequence[Array]) -> list[Any]:
        """∂L/∂leaf, from ∂L/∂result."""
        with self._lock:
            results: list[Any] = self._backward(*saved, *grads)
            return results

    def gradients(self, result: Any, arguments: Sequence[Any]) -> list[Any]:
        """Gradients of a result by an ordinary sweep, to be compared."""
        outputs = differentiable(result)
        firsts = [
            wrap(np.linspace(-1, 1, output.array.size, dtype=output.array.dtype).reshape(output.array.shape))
            for output in outputs
        ]
        tensors = [*self._tensors, *(a for a in arguments if isinstance(a, Variable) and a.requires_grad)]
        grads = sweep(outputs, firsts, tensors, retain_graph=True)
        return [grads.get(edge_of(tensor)) for tensor in tensors]


def differentiable(result: Any) -> list[Any]:
    """Every tensor in a nested result that has a graph, once."""
    tensors = (leaf for leaf in leaves_of(result) if isinstance(leaf, Variable) and leaf.grad_fn is not None)
    return list({id(tensor): tensor for tensor in tensors}.values())


class Replayed(Application):
    """The graph behind a replay's results      by the recorded sweep"""

    def __init__(self, later: Later, leaves: Sequence[Variable], saved: list[tuple[Any, Version | None]]) -> None:
        super().__init__(Function, Context(tuple(True for _ in leaves)))
        self.later = later
        self.edges = tuple(leaves)
        self.saved = [(value, version, 0 if version is None else version.count) for value, version in saved]
        self.outputs = list(later.layouts)

    def watch(self, result: Variable) -> None:
        """If the sweep needs this result, it must not be changed until then."""
        assert self.saved is not None
        version = result._version
        self.saved = [
            (value, version, version.count) if value is result.array else (value, old, count)
            for value, old, count in self.saved
        ]

    def name(self) -> str:
        return self.later.names[0]

    def load(self) -> list[Any]:
        return Operation.load(self)

    def backward(self, grad: Any, saved: list[Any]) -> list[Gradient]:
        """∂L/∂leaf for each leaf.

        Raises:
            RuntimeError: if the sweep itself is recorded.
        """
        if recording.on:
            raise RuntimeError(
                "the result of a compiled function can't be differentiated twice (create_graph=True); compute the "
                "derivative inside of the function, or call the function itself"
            )
        grads = [grad.parts.get(place, None) for place in range(len(self.outputs))]
        zeros = (np.zeros(*layout) for layout in self.later.layouts)
        return self.later.backward(saved, [zero if g is None else g for g, zero in zip(grads, zeros, strict=True)])


class ReplayedOutput(Output):
    """One of a replay's results."""

    def name(self) -> str:
        replayed: Any = self.edges[0]
        name: str = replayed.later.names[self.index]
        return name
