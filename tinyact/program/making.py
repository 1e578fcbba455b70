"""How a program is made: the function runs once on watched arrays, and what it leaves behind is looked at."""

from __future__ import annotations

import gc
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Operation, Variable
from tinyact.autograd.watch import watching
from tinyact.dtype import dtype as DType
from tinyact.program.code import Source
from tinyact.program.later import Later, _differentiable
from tinyact.program.passes import guards_first
from tinyact.program.program import Argument, Effects, Made, Program, Recording, flattened, unflattened
from tinyact.program.reads import Condition, Reads, Slot, broken, holding
from tinyact.program.record import Array, Call, Float, Int, Recorder, Value, Watched, leaves_of, mapped, plain
from tinyact.program.state import Start
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
        self.arguments = args, kwargs
        self.layout, self.leaves = flattened(args, kwargs)
        self.names = parameter_names(function, args, kwargs)
        self.reads = Reads()
        self.source = Source()
        self.conditions = [Condition("{0}.on is {1}", (recording, recording.on), "the grad mode")]
        self.refusal: str | None = None
        # By tensor its plain array, its watched one, and the expression that the program has for the tensor.
        self.installed: dict[int, tuple[Any, Array, Any, str]] = {}
        self.grads: dict[int, Any] = {}
        self.flags: dict[int, bool] = {}
        self.slots: list[tuple[Slot, Any]] = []
        self.roots: dict[Value, tuple[str, str | None]] = {}
        self.made: dict[int, Made] = {}
        self.made_tensors: list[tuple[Any, Any]] = []
        self.of_grads: list[tuple[Any, Condition]] = []
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
        starts = self._starts()
        self.watched_leaves = self._prepare()
        args, kwargs = self.arguments
        if any(isinstance(leaf, np.ndarray) for leaf in self.leaves):
            given = iter(self.watched_leaves)
            args, kwargs = (unflattened(layout, given) for layout in self.layout)
        counts = {key: tensor._version.count for key, (tensor, *_) in self.installed.items()}
        try:
            with watching(self.recorder):
                result = self.function(*args, **kwargs)
                self._record_sweep(result)
        except BaseException:
            self._end()
            self._restore_everything()
            raise
        ends = self._end()
        layout, leaves = flattened(args, kwargs)
        if layout != self.layout or any(a is not b for a, b in zip(leaves, self.watched_leaves, strict=True)):
            self.refusal = self.refusal or "it changes a list or dictionary that it is given"
        effects = self._effects(result, counts, ends)
        if self._keeps_results(result):
            self.refusal = self.refusal or _KEPT
        plain_result = mapped(self._unwatched, result)
        if any(isinstance(leaf, (Watched, Float, Int)) for leaf in leaves_of(result)):
            result = plain_result
        self._check_leaves_nothing()
        unchanged = holding(self.reads.conditions, 0)
        change = None if unchanged() else broken(self.reads.conditions)
        if change:
            self._restore_everything()
            return result, change
        refusal = self.recorder.refusal or self.refusal
        calls = None if refusal else guards_first(self.recorder.calls)
        if calls is None:
            raise Refused(refusal or "a decision depends on what was changed before", result)
        tensors = [tensor for tensor, *_ in self.installed.values()]
        fixed = [t for t in tensors if not any(t is leaf for leaf in self.leaves)]
        self._conditions_of_grads(calls, effects)
        self._conditions_of_memory(calls)
        slots = {watched.value: slot for slot, watched in self.slots}
        name = getattr(self.function, "__name__", type(self.function).__name__).lower()
        recorded = Recording(
            calls, self.conditions, self.reads.conditions, self.layout, len(self.leaves), self.roots, effects,
            self.source, fixed, slots,
            self.recorder.notes, name, unchanged, starts, self.later,
            {watched.value: expression for _, _, watched, expression in self.installed.values()},
        )  # fmt: skip
        return result, Program(recorded)

    def _conditions_of_grads(self, calls: list[Call], effects: Effects) -> None:
        """Of gradients that the program does something with, the layout must stay the same."""
        used = {value.base for call in calls for value in call.inputs} | {value.base for value in effects.values()}
        for grad, condition in self.of_grads:
            if self.installed[id(grad)][2].value.base in used:
                self.conditions.append(condition)

    def _conditions_of_memory(self, calls: list[Call]) -> None:
        """What the program is given may not look at memory that it changes, nor change what else it looks at."""
        written = {call.written.base for call in calls if call.written is not None and call.written.base.kind == "root"}
        fetched = {value.base: fetch for value, (_, fetch) in self.roots.items() if fetch and value.is_array}
        fixed = [value.data for value, (_, fetch) in self.roots.items() if value.is_array and fetch is None]
        changed = [value.data for value in written if value not in fetched]
        for value, fetch in fetched.items():
            if value in written:
                others = [other for other in fetched.values() if other != fetch]
                tests = [f"not {{0}}({fetch}, {other})" for other in others]
                self._condition(" and ".join(["True", *tests]), (np.may_share_memory,), "which arguments share memory")
            near = fixed if value in written else changed
            if near:
                self._condition(f"{{0}}({fetch}, {{1}})", (apart, [*map(_owner, near)]), "which memory is shared")

    def _record_sweep(self, result: Any) -> None:
        """If the results can be differentiated, record what a sweep back from them computes."""
        self.outputs = [t for t in _differentiable(result) if not _is_spent(t.grad_fn)]
        if not self.outputs or not self.recorder.open:
            return
        nodes = {id(node): node for output in self.outputs for node in _nodes(output.grad_fn)}.values()
        ends = {edge for node in nodes for edge in node.edges if isinstance(edge, Variable)}
        leaves = {}
        for leaf in sorted(ends, key=id):
            if id(leaf) not in self.installed:
                self.refusal = "its result depends on a tensor that needs gradients and that it doesn't get"
                return
            leaves[leaf] = leaf, self.installed[id(leaf)][3]
        if any(node._hooks or node._retained for node in nodes):
            self.refusal = "it returns a result with hooks or retained gradients on the way to it"
            return
        self.later = Later(self.recorder, self.outputs, leaves)
        self.refusal = self.refusal or self.later.refusal

    def _starts(self) -> list[Start]:
        """What the function starts from, as far as its conditions leave that free."""
        self.reads.visit(self.function, "function")
        for place, leaf in enumerate(self.leaves):
            if not isinstance(leaf, (Variable, np.ndarray)):
                self.reads.visit(leaf, f"a{place}")
        self.reads.finish()
        starts = [Start(slot, None) for slot, _ in self.reads.slots]
        starts += [Start(tensor, None) for tensor, _ in self.reads.tensors.values()]
        arguments = enumerate(self.leaves)
        return starts + [Start(leaf, i) for i, leaf in arguments if isinstance(leaf, (Variable, np.ndarray))]

    # --- before ------------------------------------------------------------------------------------------------------

    def _prepare(self) -> list[Any]:
        """Put watched arrays and numbers in the place of what the function reads; the arguments to call it with."""
        self.numbers = [slot.get() for slot, _ in self.reads.slots]
        for slot, name in self.reads.slots:
            self._slot(slot, name)
        arguments = [self._argument(leaf, place) for place, leaf in enumerate(self.leaves)]
        for tensor, name in self.reads.tensors.values():
            if id(tensor) not in self.installed:
                self._condition("{0}.array is {1}", (tensor, plain(tensor.array)), f"the memory of {name}")
                if id(tensor) in self.reads.remembered:
                    self._install(tensor, name, self.source.bind(tensor, "t"), None)
                    continue
                self._tensor(tensor, name, self.source.bind(tensor, "t"), "{0}", (tensor,), None)
        return arguments

    def _slot(self, slot: Slot, name: str) -> None:
        number = slot.get()
        exact = isinstance(number, np.float64)
        watched = self.recorder.number(float(number) if exact else number)
        place = "" if slot.place is None else f"[{slot.place}]"
        expression = f"{self.source.bind(slot.mapping)}[{self.source.text(slot.key)}]{place}"
        expression = f"float({expression})" if exact else expression
        self.roots[watched.value] = name.rpartition(".")[2], expression
        self.slots.append((slot, watched))
        slot.set(watched)

    def _tensor(
        self, tensor: Any, name: str, expression: str, place: str, objects: tuple[Any, ...], fetch: str | None
    ) -> None:
        """A tensor that the function reads, and its gradient; ``place`` is what conditions call it."""
        if tensor.grad_fn is not None:
            self.refusal = self.refusal or f"{name} is a result of what was computed before, and needs gradients"
        after = len(objects)
        test = f"type({place}) is {{{after}}} and {place}._requires_grad is {{{after + 1}}} and {place}.grad_fn is None"
        self._condition(test, (*objects, type(tensor), tensor.requires_grad), name)
        self._install(tensor, name, expression, fetch)
        grad = tensor._grad
        self.grads[id(tensor)] = grad
        self._condition(f"({place}._grad is None) is {grad is None}", objects, f"whether {name} has a gradient")
        if grad is not None:
            layout = f"({place}._grad.array.shape, {place}._grad.array.strides, {place}._grad.array.dtype, "
            layout += f"{place}._grad._requires_grad)"
            now = (grad.array.shape, grad.array.strides, grad.array.dtype, grad.requires_grad)
            self._install(grad, f"{name}.grad", f"{expression}._grad", f"{expression}._grad.array")
            condition = Condition(f"{layout} == {{{after}}}", (*objects, now), f"the gradient of {name}")
            self.of_grads.append((grad, condition))

    def _install(self, tensor: Any, name: str, expression: str, fetch: str | None) -> None:
        if id(tensor) in self.installed:
            return
        array = plain(tensor.array)
        watched = self.recorder.root(array)
        if fetch is not None and watched.value.base is not watched.value:
            self.refusal = self.refusal or f"{name} looks at the memory of another tensor that the function reads"
        self.installed[id(tensor)] = tensor, array, watched, expression
        self.flags[id(tensor)] = tensor.requires_grad
        tensor.array = watched
        self.roots.setdefault(watched.value, (name, fetch))

    def _argument(self, leaf: Any, place: int) -> Any:
        """What the function is called with for an argument, of which the conditions are noted."""
        a, about = f"a{place}", f"argument {place}"
        if isinstance(leaf, (bool, int, float, complex, str, bytes, type(None))):
            zero = f" and repr({a}) == {str(leaf)!r}" if isinstance(leaf, float) and leaf == 0 else ""
            self._condition(f"type({a}) is {{0}} and {a} == {{1}}{zero}", (type(leaf), leaf), about)
            return leaf
        if not isinstance(leaf, (Variable, np.ndarray)):
            self._condition(f"{a} is {{0}}", (leaf,), about)
            return leaf
        fetch = f"{a}.array" if isinstance(leaf, Variable) else a
        array = plain(leaf.array) if isinstance(leaf, Variable) else leaf
        test = f"type({a}) is {{0}} and {fetch}.shape == {{1}} and {fetch}.dtype is {{2}} and {fetch}.strides == {{3}}"
        self._condition(test, (type(leaf), array.shape, array.dtype, array.strides), about)
        self._aliases(leaf, place)
        if isinstance(leaf, Variable):
            self._condition(f"not {a}._hooks and not {a}._accumulate_hooks", (), f"hooks of {about}")
            if leaf._hooks or leaf._accumulate_hooks:
                self.refusal = self.refusal or f"{about} has hooks"
            self._tensor(leaf, self.names[place], a, a, (), fetch)
            return leaf
        watched = self.recorder.root(np.asarray(leaf))
        if watched.value.base is not watched.value:
            self.refusal = self.refusal or f"{about} looks at the memory of another array that the function reads"
        self.roots.setdefault(watched.value, (self.names[place], a))
        return watched

    def _aliases(self, leaf: Any, place: int) -> None:
        """Which arguments are the same as this one, and that no other is, nor a tensor that the function reads."""
        a = f"a{place}"
        for i in range(place):
            self._condition(f"({a} is a{i}) is {leaf is self.leaves[i]}", (), "which arguments are the same")
        if id(leaf) in self.reads.tensors:
            self._condition(f"{a} is {{0}}", (leaf,), f"argument {place}")
        elif isinstance(leaf, Variable) and self.reads.tensors:
            tensors = [tensor for tensor, _ in self.reads.tensors.values()]
            test = f"id({a}) not in {{0}} and {{1}} is not None"  # the tensors live on, so that no other has their id
            self._condition(test, (frozenset(map(id, tensors)), tensors), f"argument {place} is one that it reads")

    def _condition(self, expression: str, objects: tuple[Any, ...], about: str) -> None:
        self.conditions.append(Condition(expression, objects, about))

    def _end(self) -> list[Any]:
        """Put everything back into its place; what has become of the settings."""
        self.recorder.open = False
        ends = [slot.get() for slot, _ in self.slots]
        for (slot, watched), end, number in zip(self.slots, ends, self.numbers, strict=True):
            slot.set(number if end is watched else plain(end))
        for tensor, array, watched, _ in self.installed.values():
            self._restore(tensor, array, watched)
        return ends

    # --- after -------------------------------------------------------------------------------------------------------

    def _restore(self, tensor: Any, array: Array, watched: Any) -> None:
        if tensor.array is not watched:
            self.refusal = self.refusal or "a tensor was given other memory (t.data = …)"
            array = plain(tensor.array)
        tensor.array = array

    def _effects(self, result: Any, counts: dict[int, int], ends: list[Any]) -> Effects:
        grads: list[tuple[str, Any]] = []
        for tensor, _, _, expression in self.installed.values():
            if id(tensor) not in self.grads or tensor._grad is self.grads[id(tensor)]:
                continue
            if tensor._grad is not None and _is_plain(tensor._grad.array):
                self._watch_constant(tensor._grad)
            grads.append((expression, None if tensor._grad is None else self._output(tensor._grad)))
        versions: dict[int, tuple[str, int]] = {}
        for key, (tensor, _, _, expression) in self.installed.items():
            if tensor._version.count != counts[key]:
                versions[id(tensor._version)] = expression, tensor._version.count - counts[key]
            if tensor.grad_fn is not None:
                self.refusal = self.refusal or "a tensor that it reads becomes a result of the function"
            if tensor.requires_grad is not self.flags[key]:
                self.refusal = self.refusal or "it changes whether a tensor requires gradients"
        slots = []
        for (slot, watched), end in zip(self.slots, ends, strict=True):
            if end is not watched:
                if not isinstance(end, (Float, Int)):
                    self.refusal = self.refusal or f"it sets {slot.key!r} to a number from elsewhere"
                else:
                    slots.append((slot, end.value))
        if len(set(map(id, containers := list(_containers(result))))) != len(containers):
            self.refusal = self.refusal or "it returns one list or dictionary twice"
        return Effects(grads, list(versions.values()), slots, mapped(self._output, result))

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
            if not _is_constant(leaf) and id(leaf) not in self.reads._visited:
                self.refusal = self.refusal or f"it returns a {type(leaf).__name__}"
            return leaf
        if id(leaf) in self.installed:
            expression = self.installed[id(leaf)][3]
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
            self.refusal = self.refusal or "it returns a number of NumPy's; return t.item()"
        return value

    def _made(self, tensor: Any) -> Made:
        node = tensor.grad_fn
        value = self._array(tensor.array)
        if not isinstance(value, Value):
            self.refusal = self.refusal or "it returns a tensor that it neither is given nor makes"
        if type(tensor) is not Tensor or tensor._hooks or tensor._accumulate_hooks or tensor._grad is not None:
            self.refusal = self.refusal or "it returns a tensor with a gradient, hooks or a class of its own"
        place = next((place for place, output in enumerate(self.outputs) if output is tensor), None)
        if node is not None and place is None and not _is_spent(node):
            self.refusal = self.refusal or "it leaves a gradient that can itself still be differentiated"
        like, is_view = self._shared(tensor)
        return Made(value, tensor.requires_grad, node, tensor._version.count, like, is_view, place)

    def _shared(self, tensor: Any) -> tuple[Any, bool]:
        """The tensor whose version this one has, and whether it is a view of it."""
        others = [(other, expression) for other, _, _, expression in self.installed.values()]
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
        own = {id(watched) for _, _, watched, _ in self.installed.values()} | {id(w) for _, w in self.slots}
        own |= set(map(id, self.watched_leaves))
        watched = self.recorder.watched
        if any(sys.getrefcount(item) > 3 and id(item) not in own for item in watched):
            gc.collect()
            if any(sys.getrefcount(item) > 3 and id(item) not in own for item in watched):
                self.refusal = self.refusal or _KEPT
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
        for holder in gc.get_referrers(*items) if items else ():
            if isinstance(holder, Variable):
                holder.array = plain(holder.array)
            elif isinstance(holder, (list, dict)) and holder is not watched and holder is not items:
                for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
                    if isinstance(holder[key], (Watched, Float, Int)):
                        holder[key] = plain(holder[key])


def parameter_names(function: Callable[..., Any], args: Any, kwargs: Any) -> list[str]:
    """What the function calls each of its flattened arguments; several under one name are numbered."""
    try:
        arguments = inspect.signature(getattr(function, "forward", function)).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        arguments = {}
    names = []
    for name, value in arguments.items():
        count = len(flattened(value, {})[1])
        names += [name] if count == 1 else [f"{name}{i + 1}" for i in range(count)]
    count = len(flattened(args, kwargs)[1])
    return names if len(names) == count else [f"a{i}" for i in range(count)]


def _containers(structure: Any) -> Iterator[Any]:
    """Every list and dictionary in a nested result."""
    if isinstance(structure, (list, dict)):
        yield structure
    if isinstance(structure, (tuple, list, dict)):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from _containers(part)


def _is_plain(array: Any) -> bool:
    return not isinstance(array, Watched)


def _is_constant(leaf: Any) -> bool:
    """Whether something returned can be returned again."""
    if isinstance(leaf, tuple):
        return all(map(_is_constant, leaf))
    return isinstance(leaf, (str, bytes, int, float, complex, type(None), type, np.dtype, DType))


def _owner(array: Any) -> Any:
    """What owns an array's memory."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


def apart(array: Any, owners: list[Any]) -> bool:
    """Whether an array's memory belongs to none of these."""
    owner = _owner(array)
    return not any(owner is other for other in owners)


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
