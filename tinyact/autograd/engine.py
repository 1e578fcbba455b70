"""The engine: an operation that remembers what its derivative needs, and the sweep that applies the chain rule.

A forward pass records a graph. Each `Operation` object in it is one application of one operation; its ``edges`` lead
back to where its inputs came from: the operation that made an input, or the input itself if it is a leaf. `sweep` walks
that graph once from the outputs to the leaves. This is all of reverse-mode automatic differentiation.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from tinyact.autograd.modes import recording, set_grad_enabled
from tinyact.autograd.watch import watchers

if TYPE_CHECKING:
    from tinyact.tensor import Tensor as Tensor  # the class is exported from here; see `bind`

# A gradient is an array; where the sweep itself is recorded (create_graph) it is a Tensor, and the rules don't notice.
Gradient: TypeAlias = Any
Edge: TypeAlias = "Operation | Tensor | None"
Hook: TypeAlias = "Callable[[Tensor], Tensor | None]"
# Told after each node of a sweep: the node, the gradient that had arrived there, and what its rules returned.
Observer: TypeAlias = "Callable[[Operation | Tensor, Gradient, Sequence[Gradient]], None]"


class Rule(NamedTuple):
    """The derivative for one input: which input, the hand-written function, and which values it takes."""

    input: int
    function: Callable[..., Gradient]
    takes: tuple[int, ...]


class _Plan(NamedTuple):
    """What one application saves, and the rules that will want it, given which of its inputs need a gradient."""

    saves: tuple[int, ...]
    rules: tuple[Rule, ...]


class Operation:
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
    `fitted` does both for every operation.

    Attributes:
        edges: per input where its gradient goes on: an Operation, a leaf Tensor, or None.
        saved: per saved value (array, its change counter, the count when it was saved), or None once freed.
        plan: what is saved, and which rules will want it.
        serial: its place in the order of recording.
        shape, dtype: of the output, and so of the gradient that arrives here.
    """

    edges: tuple[Edge, ...] = ()
    saved: list[tuple[Any, list[int] | None, int]] | None = None
    plan: _Plan = _Plan((), ())
    serial = -1
    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any]
    _hooks: dict[int, Hook] | None = None
    _retained: weakref.ref[Tensor] | None = None

    # Whether the output is another look at the input's memory (transpose, slices …).
    is_view: ClassVar[bool] = False
    # Whether NumPy may warn on the way (1/0, overflow …) where PyTorch silently returns inf or NaN.
    may_warn: ClassVar[bool] = True

    _names: ClassVar[tuple[str, ...]]
    _rules: ClassVar[tuple[Rule, ...]]
    _plans: ClassVar[dict[int, _Plan]]

    forward: Callable[..., Any]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "forward"):
            cls._names = parameters(cls.forward)[1:]
            cls._rules = tuple(_rules_of(cls))
            cls._plans = {}

    def name(self) -> str:
        """What PyTorch calls this node: ``MulBackward0``."""
        return f"{type(self).__name__}Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Edge, int], ...]:
        """PyTorch's form of ``edges``; a leaf stands for itself."""
        return tuple((edge, 0) for edge in self.edges)

    # --- forward -------------------------------------------------------------------------------------------------

    def apply(self, *inputs: Any) -> Tensor:
        """The operation on tensors (and constants), recorded if an input requires gradients."""
        arrays: list[Any] = []
        edges: list[Edge] = []
        needs = 0
        for number, i in enumerate(inputs):
            edge = edge_of(i)
            if edge is not None:
                needs |= 1 << number
            edges.append(edge)
            arrays.append(i.array if isinstance(i, Tensor) else i)
        if self.may_warn:
            with np.errstate(all="ignore"):
                y = self.forward(*arrays)
        else:
            y = self.forward(*arrays)
        output = wrap(y)
        if self.is_view:
            share_memory(inputs[0], output)
        if needs and recording.on:
            self.edges = tuple(edges)
            self.plan = self._plans.get(needs) or self._planned(needs)
            self.record(inputs, output)
        return output

    def record(self, inputs: Sequence[Any], output: Tensor) -> None:
        """Enter the graph: remember what the rules will want, and become the node that made the output."""
        values = (*inputs, output)
        self.saved = list(map(save, map(values.__getitem__, self.plan.saves)))
        self.attach(output)
        for watcher in watchers:
            watcher.recorded(self, inputs, (output,))

    def attach(self, output: Tensor) -> None:
        """Become the node that made this output."""
        self.serial = next_serial()
        array = output.array
        self.shape, self.dtype = array.shape, array.dtype
        output.grad_fn = self
        output._requires_grad = True

    def _planned(self, needs: int) -> _Plan:
        """The plan for the inputs whose bits are set, made once for all applications."""
        rules = [rule for rule in self._rules if needs >> rule.input & 1]
        saves = tuple(sorted({k for rule in rules for k in rule.takes}))
        positions = {k: position for position, k in enumerate(saves)}
        rules = [rule._replace(takes=tuple(positions[k] for k in rule.takes)) for rule in rules]
        plan = self._plans[needs] = _Plan(saves, tuple(rules))
        return plan

    def __call__(self, *inputs: Any) -> Any:
        """The operation on arrays or on tensors, whichever it is given: for use inside rules, on a new object.

        (The rule's own ``self`` is a node of the graph already.)
        """
        for i in inputs:
            if isinstance(i, Tensor):
                return self.apply(*inputs)
        return self.forward(*inputs)

    # --- backward ------------------------------------------------------------------------------------------------

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        """∂L/∂input for each edge, from ∂L/∂output: each input's rule, applied."""
        grads: list[Gradient] = [None] * len(self.edges)
        try:
            for index, rule, takes in self.plan.rules:
                grads[index] = rule(self, grad, *map(saved.__getitem__, takes))
        except Exception as error:
            if recording.on:
                raise not_recordable(self, error) from error
            raise
        return grads

    def tied(self, grads: Sequence[Gradient], saved: list[Any]) -> list[Gradient]:
        """Recorded gradients, those that are constant too tied to what their rules took: as in PyTorch, 0 goes back."""
        tied = list(grads)
        for index, _, takes in self.plan.rules:
            if tied[index] is None:
                continue
            if not isinstance(tied[index], Tensor):
                raise not_recordable(self, TypeError(f"it returned {type(tied[index]).__name__}"))
            sources = [saved[k] for k in takes if isinstance(saved[k], Tensor) and saved[k]._requires_grad]
            if sources and not tied[index]._requires_grad:
                tied[index] = _Constant().apply(tied[index], *sources)
        return tied

    def load(self, create_graph: bool = False) -> list[Any]:
        """The saved values: as arrays, or as Tensors that know where they came from.

        Raises:
            RuntimeError: if they were freed by an earlier sweep, or changed in place since they were saved.
        """
        if self.saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors after they "
                "have already been freed). Saved intermediate values of the graph are freed when you call "
                ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
                "graph a second time or if you need to access saved tensors after calling backward."
            )
        arrays = []
        for array, counter, count in self.saved:
            arrays.append(array)
            if counter is not None and counter[0] != count:
                kind = f"torch.{'Double' if array.dtype == np.float64 else 'Float'}Tensor"
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace "
                    f"operation: [{kind} {list(array.shape)}], saved for {self.name()}, is at version {counter[0]}; "
                    f"expected version {count} instead. Save a copy (clone()) before you change it in place, or "
                    "change it after backward()."
                )
        if create_graph:
            return [self._as_tensor(k, s) for k, s in zip(self.plan.saves, self.saved, strict=True)]
        return arrays

    def _as_tensor(self, source: int, saved: tuple[Any, list[int] | None, int]) -> Any:
        """A saved value as part of the graph again: ``source`` counts the inputs, and after them the output."""
        array, counter, _ = saved
        if counter is None:
            return array
        edge = self if source == len(self.edges) else self.edges[source]
        if isinstance(edge, Tensor):
            return edge
        tensor = wrap(array)
        tensor._version = counter
        if edge is not None:
            tensor.grad_fn = edge
            tensor._requires_grad = True
        return tensor

    def free(self) -> None:
        """Let go of what was saved; operations that save nothing can be swept again."""
        if self.saved:
            self.saved = None


def not_recordable(operation: Operation, error: Exception) -> RuntimeError:
    """What a rule that is written for arrays alone becomes where Tensors are handed to it."""
    return RuntimeError(
        f"{operation.name()} can't be differentiated with create_graph=True: its derivative could not be computed with "
        f"tensors ({type(error).__name__}: {error}). Write it with operators and functions that tensors have"
    )


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def _rules_of(cls: type[Operation]) -> Iterable[Rule]:
    values = (*cls._names, "y")
    for index, name in enumerate(cls._names):
        rule = getattr(cls, f"grad_{name}", None)
        if rule is not None:
            takes = parameters(rule)[2:]
            unknown = [value for value in takes if value not in values]
            if unknown:
                raise TypeError(f"{cls.__name__}.grad_{name} takes {unknown[0]}; there is {values}")
            yield Rule(index, rule, tuple(values.index(value) for value in takes))


next_serial = itertools.count().__next__
_serial = attrgetter("serial")


def bind(tensor_class: type[Tensor]) -> None:
    """Make the class of tensors known here."""
    globals()["Tensor"] = tensor_class


def wrap(array: Any) -> Tensor:
    """A Tensor around this array, no copy and no questions asked."""
    tensor: Tensor = object.__new__(Tensor)
    # NumPy turns results without dimensions into scalars of its own.
    tensor.array = array if type(array) is np.ndarray else np.asarray(array)
    tensor._version = [0]
    return tensor


def edge_of(value: Any) -> Edge:
    """Where the gradient for this value goes: to the operation that made it, to itself as a leaf, or nowhere."""
    if not isinstance(value, Tensor) or not value._requires_grad:
        return None
    return value if value.grad_fn is None else value.grad_fn


def save(value: Any) -> tuple[Any, list[int] | None, int]:
    if isinstance(value, Tensor):
        return value.array, value._version, value._version[0]
    return value, None, 0


def share_memory(base: Tensor, view: Tensor) -> None:
    """Let a change of one count as a change of the other."""
    if np.may_share_memory(base.array, view.array):
        view._version = base._version
        if base._family is None:
            base._family = [weakref.ref(base)]
        view._family = base._family
        view._family.append(weakref.ref(view))
        if len(view._family) > 64:
            view._family[:] = [relative for relative in view._family if relative() is not None]


class _Constant(Operation):
    """A derivative that doesn't change with what it was computed from, such as ReLU's      ∂/∂x = 0"""

    def forward(self, derivative: Any, *sources: Any) -> Any:
        return derivative

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        likes = [edge.array if isinstance(edge, Tensor) else edge for edge in self.edges]
        zeros = [None if like is None else np.zeros(like.shape, like.dtype) for like in likes]
        return [wrap(zero) if recording.on and zero is not None else zero for zero in zeros]


# --- the sweep -----------------------------------------------------------------------------------------------------


def sweep(
    roots: Sequence[Tensor],
    grads: Sequence[Tensor],
    targets: Sequence[Tensor] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
    observer: Observer | None = None,
) -> dict[Edge, Gradient]:
    """Apply the chain rule from the roots back to the leaves.

    Every node waits until the gradients of all its uses have arrived and been added up (∂L/∂y is a sum over all paths
    from y to L); then its rules pass ∂L/∂input on along its edges. Leaves collect into ``.grad``, unless targets are
    given: then their gradients are returned, nothing else is computed, and ``.grad`` is left alone.

    Args:
        roots: the tensors to differentiate.
        grads: ∂L/∂root for each.
        targets: the tensors whose gradients are wanted instead of all leaves'.
        retain_graph: whether to keep what was saved for another sweep.
        create_graph: whether to record the sweep itself, for derivatives of derivatives.
        observer: sees every step (see `tinyact.inspect.trace`).

    Returns:
        The targets' gradients by edge; a target that no path reaches is missing.
    """
    wanted = None if targets is None else {edge_of(target) for target in targets}
    arrived: dict[Edge, Gradient] = {}
    found: dict[Edge, Gradient] = {}
    for root, given in zip(roots, grads, strict=True):
        edge, g = edge_of(root), given if create_graph else given.array
        arrived[edge] = arrived[edge] + g if edge in arrived else g

    node: Edge = None
    recording.sweeps += 1
    try:
        with set_grad_enabled(create_graph), np.errstate(all="ignore"):
            for node in order(list(arrived), wanted):
                grad = arrived.pop(node, None)
                if grad is None:
                    continue
                if node._hooks is not None or node._retained is not None:
                    grad = _hooked(node, grad, create_graph)
                if wanted is not None and node in wanted:
                    found[node] = grad
                sent: Sequence[Gradient] = ()
                if isinstance(node, Operation):
                    saved = node.load(create_graph)
                    sent = node.backward(grad, saved)
                    if create_graph:
                        sent = node.tied(sent, saved)
                    for edge, g in zip(node.edges, sent, strict=True):
                        if edge is not None and g is not None:
                            g = fitted(g, edge)
                            arrived[edge] = arrived[edge] + g if edge in arrived else g
                    if not retain_graph:
                        node.free()
                elif wanted is None and node._requires_grad:
                    accumulate(node, grad, create_graph)
                if observer is not None:
                    observer(node, grad, sent)
                for watcher in watchers:
                    watcher.passed_on(node, grad, sent)
    except Exception as error:
        for watcher in watchers:
            watcher.failed(node, error)  # type: ignore[arg-type]  # it was at one
        raise
    finally:
        recording.sweeps -= 1
    return found


def order(starts: Sequence[Edge], targets: set[Edge] | None = None) -> list[Operation | Tensor]:
    """Every node that a gradient reaches, uses before makers; leaves last.

    An operation is always recorded after those that made its inputs, so the order of recording, reversed, is a
    topological order: no node comes before one that still has a gradient to send it.
    """
    seen, stack = set(starts), list(starts)
    operations: list[Operation] = []
    leaves: list[Tensor] = []
    while stack:
        node = stack.pop()
        if not isinstance(node, Operation):
            leaves.append(node)  # type: ignore[arg-type]
            continue
        operations.append(node)
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    operations.sort(key=_serial, reverse=True)
    nodes: list[Operation | Tensor] = [*operations, *leaves]
    return nodes if targets is None else _on_the_way(nodes, targets)


def _on_the_way(nodes: list[Operation | Tensor], wanted: set[Edge]) -> list[Operation | Tensor]:
    """Those of the nodes from which a wanted one can be reached."""
    useful = set(wanted)
    for node in reversed(nodes):
        if isinstance(node, Operation) and any(edge in useful for edge in node.edges):
            useful.add(node)
    return [node for node in nodes if node in useful]


def fitted(grad: Gradient, edge: Operation | Tensor) -> Gradient:
    """The gradient in the shape and dtype of what it belongs to.

    Broadcasting used an element many times, so its gradient is the sum over the copies; promotion changed the dtype.

    Raises:
        RuntimeError: if the shapes don't fit even so; only a user's own operation can do that.
    """
    like = edge if isinstance(edge, Operation) else edge.array
    if grad.shape != like.shape:
        grad = sum_to(grad, like.shape)
    if (grad.array if isinstance(grad, Tensor) else grad).dtype != like.dtype:
        grad = grad.to(like.dtype) if isinstance(grad, Tensor) else grad.astype(like.dtype)
    return grad


def sum_to(grad: Gradient, shape: tuple[int, ...]) -> Gradient:
    """Sum a gradient over the dimensions that broadcasting added or stretched: the reverse of broadcasting."""
    added = len(grad.shape) - len(shape)
    stretched = [added + i for i, n in enumerate(shape) if n == 1 and grad.shape[added + i] != 1]
    if added < 0 or any(n not in (1, grad.shape[added + i]) for i, n in enumerate(shape)):
        raise RuntimeError(
            f"a backward rule returned an invalid gradient: got {list(grad.shape)} but expected shape compatible with "
            f"{list(shape)}"
        )
    dims = (*range(added), *stretched)
    return (grad.sum(dims) if isinstance(grad, Tensor) else total(grad, dims)).reshape(shape)


def total(x: Any, dims: tuple[int, ...], keepdims: bool = False) -> Any:
    """The sum of an array over dimensions.

    NumPy adds neighbours in pairs, but down a column it adds one after the other, and float32 drifts: float64 doesn't.
    """
    ndim = len(x.shape)
    if x.dtype != np.float32 or len(dims) == ndim or dims == (ndim - 1,):
        return x.sum(dims, keepdims=keepdims)
    return x.sum(dims, keepdims=keepdims, dtype=np.float64).astype(np.float32)


def _hooked(node: Operation | Tensor, grad: Gradient, create_graph: bool) -> Gradient:
    """The gradient after the hooks of the tensor that it belongs to."""
    for hook in list(node._hooks.values()) if node._hooks else ():
        changed = hook(grad if create_graph else wrap(grad))
        if changed is not None:
            _check_replacement(changed, grad)
            grad = changed if create_graph else changed.array
    retained = None if node._retained is None else node._retained()
    if retained is not None:
        accumulate(retained, grad, create_graph)
    return grad


def _check_replacement(changed: Any, grad: Gradient) -> None:
    """Raise PyTorch's error if what a hook returned can't stand for the gradient."""
    if not isinstance(changed, Tensor):
        raise TypeError(f"expected Tensor, but hook returned '{type(changed).__name__}'")
    if tuple(changed.array.shape) != tuple(grad.shape):
        raise RuntimeError(f"hook has changed the size of value: {tuple(grad.shape)} became {changed.array.shape}")
    if changed.array.dtype != (grad.array if isinstance(grad, Tensor) else grad).dtype:
        raise RuntimeError(f"hook has changed the type of value to {changed.dtype}")


def accumulate(tensor: Tensor, grad: Gradient, create_graph: bool) -> None:
    """Add to ``tensor.grad``; the first gradient is copied, since the array may serve other nodes too."""
    if create_graph:
        tensor._grad = grad.clone() if tensor._grad is None else tensor._grad + grad
    elif tensor._grad is None:
        tensor._grad = wrap(np.array(grad, order="C"))
    else:
        tensor._grad.array += grad
        tensor._grad._version[0] += 1
    if tensor._accumulated:
        for hook in list(tensor._accumulated.values()):
            hook(tensor)
