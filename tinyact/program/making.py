"""How a program is made: the function runs once on watched arrays, and what it leaves behind is looked at."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinyact.autograd.operation import Operation, Variable
from tinyact.autograd.watch import watching
from tinyact.dtype import dtype as DType
from tinyact.program.code import Source
from tinyact.program.installation import Installation
from tinyact.program.later import Later, differentiable
from tinyact.program.nesting import flattened
from tinyact.program.passes import guards_first
from tinyact.program.program import Argument, Effects, Made, Program, Recording
from tinyact.program.reads import broken, holding
from tinyact.program.record import Recorder
from tinyact.program.values import Array, Call, Value, leaves_of, mapped
from tinyact.program.watched import Float, Int, Watched, plain
from tinyact.tensor import Tensor


class Refused(Exception):
    """Why a run can't be a program; with its result."""

    def __init__(self, reason: str, result: Any) -> None:
        super().__init__(reason)
        self.result = result


_KEPT = (
    "numbers of the run are kept somewhere (a list, an attribute), where a replay would put no new ones: return them "
    "instead"
)


class Making:
    """A program in the making."""

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.function = function
        self.recorder = Recorder()
        self.source = Source()
        self.installation = Installation(function, args, kwargs, self.recorder, self.source)
        self.installed = self.installation.installed
        self.made: dict[int, Made] = {}
        self.made_tensors: list[tuple[Any, Any]] = []
        # The results that can be differentiated, and the sweep back from them.
        self.outputs: list[Any] = []
        self.later: Later | None = None

    def run(self) -> tuple[Any, Program | str]:
        """Run the function, and write down what it does.

        Returns:
            Its result, and the program; or in its place what the function changes of what it reads, so that another
            run is needed.

        Raises:
            Refused: if it can't be a program.
        """
        watched = self.installation
        try:
            with watching(self.recorder):
                result = self.function(*watched.args, **watched.kwargs)
                self._record_sweep(result)
        except BaseException:
            watched.end()
            self._restore_everything()
            raise
        effects = self._effects(result, watched.end())
        if self._keeps_results(result):
            self.recorder.reject(_KEPT)
        plain_result = mapped(self._unwatched, result)
        if any(isinstance(leaf, (Watched, Float, Int)) for leaf in leaves_of(result)):
            result = plain_result
        self._check_leaves_nothing()
        unchanged = holding(watched.reads.conditions, 0)
        change = None if unchanged() else broken(watched.reads.conditions)
        if change:
            self._restore_everything()
            return result, change
        calls = None if self.recorder.refusal else guards_first(self.recorder.calls)
        if calls is None:
            self._restore_everything()
            raise Refused(self.recorder.refusal or "a decision depends on what was changed before", result)
        watched.add_conditions(calls, effects.values())
        return result, Program(self._recording(calls, effects, unchanged))

    def _recording(self, calls: list[Call], effects: Effects, unchanged: Callable[[], bool]) -> Recording:
        watched = self.installation
        return Recording(
            calls=calls,
            conditions=watched.conditions,
            reads=watched.reads.conditions,
            layout=watched.layout,
            arguments=len(watched.leaves),
            roots=watched.roots,
            effects=effects,
            source=self.source,
            tensors=[entry.tensor for entry in self.installed.values() if not watched.is_argument(entry.tensor)],
            slots={number.value: slot for slot, number in watched.slots},
            notes=self.recorder.notes,
            name=getattr(self.function, "__name__", type(self.function).__name__).lower(),
            unchanged=unchanged,
            starts=watched.starts,
            later=self.later,
            tensor_of={entry.watched.value: entry.expression for entry in self.installed.values()},
        )

    def _record_sweep(self, result: Any) -> None:
        """If the results can be differentiated, record what a sweep back from them computes."""
        self.outputs = [t for t in differentiable(result) if not _is_spent(t.grad_fn)]
        if not self.outputs or not self.recorder.open:
            return
        nodes = {id(node): node for output in self.outputs for node in _nodes(output.grad_fn)}.values()
        ends = {edge for node in nodes for edge in node.edges if isinstance(edge, Variable)}
        leaves = {}
        for leaf in sorted(ends, key=id):
            if id(leaf) not in self.installed:
                self.recorder.reject("its result depends on a tensor that needs gradients and that it doesn't get")
                return
            leaves[leaf] = leaf, self.installed[id(leaf)].expression
        if any(node._hooks or node._retained for node in (*nodes, *ends)):
            self.recorder.reject("it returns a result with hooks or retained gradients on the way to it")
            return
        try:
            self.later = Later(self.recorder, self.outputs, leaves)
        except RuntimeError as error:
            self.recorder.reject(f"its result can't be differentiated: {error}")

    def _effects(self, result: Any, ends: list[Any]) -> Effects:
        """What the run leaves behind; ``ends`` is what has become of the settings."""
        grads: list[tuple[str, Any]] = []
        for tensor, _, _, expression, *_ in self.installed.values():
            if id(tensor) not in self.installation.grads or tensor._grad is self.installation.grads[id(tensor)]:
                continue
            if tensor._grad is not None and not isinstance(tensor._grad.array, Watched):
                self._watch_constant(tensor._grad)
            grads.append((expression, None if tensor._grad is None else self._output(tensor._grad)))
        versions: dict[int, tuple[str, int]] = {}
        for tensor, _, _, expression, requires_grad, version in self.installed.values():
            if tensor._version.count != version:
                versions[id(tensor._version)] = expression, tensor._version.count - version
            if tensor.grad_fn is not None:
                self.recorder.reject("a tensor that it reads becomes a result of the function")
            if tensor.requires_grad is not requires_grad:
                self.recorder.reject("it changes whether a tensor requires gradients")
        self._check_arguments()
        slots = []
        for (slot, watched), end in zip(self.installation.slots, ends, strict=True):
            if end is not watched:
                if not isinstance(end, (Float, Int)):
                    self.recorder.reject(f"it sets {slot.key!r} to a number from elsewhere")
                else:
                    slots.append((slot, end.value))
        if len(set(map(id, containers := list(_containers(result))))) != len(containers):
            self.recorder.reject("it returns one list or dictionary twice")
        return Effects(grads, list(versions.values()), slots, mapped(self._output, result))

    def _check_arguments(self) -> None:
        """Reject a run that changes a list or dictionary among the arguments."""
        layout, leaves = flattened(self.installation.args, self.installation.kwargs)
        same = layout == self.installation.layout
        if not same or any(a is not b for a, b in zip(leaves, self.installation.leaves, strict=True)):
            self.recorder.reject("it changes a list or dictionary that it is given")

    def _watch_constant(self, grad: Any) -> None:
        """A gradient that is the same each time, such as ones, is a copy of a constant."""
        constant = self.recorder.value("constant", grad.array)
        copy = self.recorder.value("new", grad.array.copy())
        self.recorder.calls.append(Call("method", "copy", (constant,), {}, (copy,)))
        grad.array = self.recorder.watch(copy)

    def _output(self, leaf: Any) -> Any:
        """What a leaf of the result is in the program."""
        if isinstance(leaf, (Float, Int)):
            return leaf.value
        if isinstance(leaf, np.ndarray):
            return self._returned_array(leaf)
        if not isinstance(leaf, Variable):
            if not _is_constant(leaf) and id(leaf) not in self.installation.reads.visited:
                self.recorder.reject(f"it returns a {type(leaf).__name__}")
            return leaf
        if id(leaf) in self.installed:
            expression = self.installed[id(leaf)].expression
            return Argument(expression)
        if id(leaf) not in self.made:
            self.made[id(leaf)] = self._made(leaf)
            self.made_tensors.append((leaf, self.made[id(leaf)]))
        return self.made[id(leaf)]

    def _array(self, array: Array) -> Any:
        if isinstance(array, Watched) and array.value is not None:
            return array.value
        return array

    def _returned_array(self, array: Array) -> Any:
        value = self._array(array)
        if isinstance(value, Value) and value.is_scalar:
            self.recorder.reject("it returns a number of NumPy's; return t.item()")
        return value

    def _made(self, tensor: Any) -> Made:
        node = tensor.grad_fn
        value = self._array(tensor.array)
        if not isinstance(value, Value):
            self.recorder.reject("it returns a tensor that it neither is given nor makes")
        if type(tensor) is not Tensor or tensor._hooks or tensor._accumulate_hooks or tensor._grad is not None:
            self.recorder.reject("it returns a tensor with a gradient, hooks or a class of its own")
        place = next((place for place, output in enumerate(self.outputs) if output is tensor), None)
        if node is not None and place is None and not _is_spent(node):
            self.recorder.reject("it leaves a gradient that can itself still be differentiated")
        like, is_view = self._shared(tensor)
        return Made(value, tensor.requires_grad, node, tensor._version.count, like, is_view, place)

    def _shared(self, tensor: Any) -> tuple[Any, bool]:
        """The tensor whose version this one has, and whether it is a view of it."""
        others = [(other, expression) for other, _, _, expression, *_ in self.installed.values()]
        for other, place in (*others, *self.made_tensors):
            if other._version is tensor._version:
                return place, tensor._views is not None and tensor._views is other._views
        return None, False

    def _unwatched(self, leaf: Any) -> Any:
        """A leaf of the result as the user gets it."""
        if isinstance(leaf, Watched) and leaf.value is not None and leaf.value.is_scalar:
            return leaf.value.data[()]
        if isinstance(leaf, Variable):
            leaf.array = plain(leaf.array)
            return leaf
        return plain(leaf)

    def _check_leaves_nothing(self) -> None:
        """Refuse a run that leaves numbers of its own where a replay would not put new ones."""
        for tensor, *_ in list(self.installed.values()):
            if tensor._grad is not None:
                tensor._grad.array = plain(tensor._grad.array)
        for made in self.made.values():
            if made.node is not None:
                _strip(made.node)
        own = {id(watched) for _, _, watched, *_ in self.installed.values()} | {
            id(w) for _, w in self.installation.slots
        }
        own |= set(map(id, self.installation.leaves))
        watched = self.recorder.watched
        if any(sys.getrefcount(item) > 3 and id(item) not in own for item in watched):
            gc.collect()
            if any(sys.getrefcount(item) > 3 and id(item) not in own for item in watched):
                self.recorder.reject(_KEPT)
                self._restore_everything()

    def _keeps_results(self, result: Any) -> bool:
        """Whether a tensor that is returned, or a new gradient, is kept somewhere else too."""
        places = Counter(map(id, leaves_of(result)))
        places.update(id(tensor._grad) for tensor, *_ in self.installed.values())
        places.update(map(id, [*self.outputs, result]))  # the result is an argument here too
        for collected in (False, True):
            # Besides, the list of them has each, this loop and the count itself.
            kept = [
                tensor
                for tensor, _ in self.made_tensors
                if sys.getrefcount(tensor) > places[id(tensor)] + 3 and not (tensor.is_leaf and tensor.requires_grad)
            ]
            if not kept or collected:
                return bool(kept)
            del kept
            gc.collect()
        return False

    def _restore_everything(self) -> None:
        """Put plain arrays and numbers in the place of watched ones wherever these are kept."""
        watched = self.recorder.watched
        items = [item for item in watched if sys.getrefcount(item) > 3]
        holders = gc.get_referrers(*items) if items else []
        tuples = [holder for holder in holders if type(holder) is tuple]
        holders += gc.get_referrers(*tuples) if tuples else []
        for holder in holders:
            if isinstance(holder, Variable):
                holder.array = plain(holder.array)
            elif isinstance(holder, (list, dict)) and not any(holder is own for own in (watched, items, tuples)):
                for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
                    if isinstance(holder[key], (Watched, Float, Int, tuple)):
                        holder[key] = mapped(plain, holder[key])


def _containers(structure: Any) -> Iterator[Any]:
    """Every list and dictionary in a nested result."""
    if isinstance(structure, (list, dict)):
        yield structure
    if isinstance(structure, (tuple, list, dict)):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from _containers(part)


def _is_constant(leaf: Any) -> bool:
    """Whether something returned can be returned again."""
    if isinstance(leaf, tuple):
        return all(map(_is_constant, leaf))
    return isinstance(leaf, (str, bytes, int, float, complex, type(None), type, np.dtype, DType))


def _is_spent(root: Operation) -> bool:
    """Whether a sweep back from here would be refused, or needs nothing that was saved."""
    saved = [node.saved for node in _nodes(root)]
    return None in saved or not any(saved)


def _nodes(root: Any) -> list[Any]:
    seen, stack = {id(root): root}, [root]
    while stack:
        for edge in stack.pop().edges:
            if isinstance(edge, Operation) and id(edge) not in seen:
                seen[id(edge)] = edge
                stack.append(edge)
    return list(seen.values())


def _strip(root: Operation) -> None:
    """Take watched arrays and numbers out of the nodes of a graph."""
    for node in _nodes(root):
        if node.saved:
            node.saved = [(plain(value), version, count) for value, version, count in node.saved]
        for leaf in [edge for edge in node.edges if isinstance(edge, Variable)]:
            for variable in (leaf, leaf._grad):
                if variable is not None:
                    variable.array = plain(variable.array)
        for name, thing in vars(node).items():
            if name not in ("edges", "saved", "plan"):
                setattr(node, name, mapped(plain, thing))
