"""Before the run: watched arrays and numbers in the place of what the function reads, and the program's conditions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Variable
from tinyact.dtype import get_default_dtype
from tinyact.program.code import Source
from tinyact.program.nesting import flattened, unflattened
from tinyact.program.reads import Condition, Reads, Slot
from tinyact.program.record import Recorder
from tinyact.program.state import Start
from tinyact.program.values import Array, Call, Value, owner
from tinyact.program.watched import plain


class Installed(NamedTuple):
    """A tensor that holds a watched array while the function runs.

    Attributes:
        tensor, array: the tensor, and its own array.
        watched: the watched one.
        expression: what the program has for the tensor.
        requires_grad: whether it did before.
        version: how often its memory had been changed before.
    """

    tensor: Any
    array: Array
    watched: Any
    expression: str
    requires_grad: bool
    version: int


class Installation:
    """Watches what a function reads.

    Attributes:
        reads: what the function reads.
        starts: what it starts from, as far as its conditions leave that free.
        conditions: what must stay the same, of arguments, tensors and the grad mode.
        installed: by identity the tensors that hold watched arrays.
        grads: by identity of a tensor its gradient before the run.
        slots: numbers that are read anew each time, with the watched ones in their places.
        roots: by value its name, and the expression that fetches it where that is needed each time.
        leaves: what the function is called with, flattened.
    """

    def __init__(
        self, function: Callable[..., Any], args: Any, kwargs: Any, recorder: Recorder, source: Source
    ) -> None:
        self.recorder, self.source = recorder, source
        self.layout, self._arguments = flattened(args, kwargs)
        self._names = parameter_names(function, args, kwargs)
        self.reads = Reads()
        self.reads.visit(function, "function")
        for place, leaf in enumerate(self._arguments):
            if not isinstance(leaf, (Variable, np.ndarray)):
                self.reads.visit(leaf, f"a{place}")
        self.reads.finish()
        self.starts = self._starts()
        self.conditions = [
            Condition("{0}.on is {1}", (recording, recording.on), "the grad mode"),
            Condition("{0}() is {1}", (get_default_dtype, get_default_dtype()), "the default dtype"),
        ]
        self.installed: dict[int, Installed] = {}
        self.grads: dict[int, Any] = {}
        self.slots: list[tuple[Slot, Any]] = []
        self.roots: dict[Value, tuple[str, str | None]] = {}
        self._of_grads: list[tuple[Any, Condition]] = []
        self._numbers = [slot.get() for slot, _ in self.reads.slots]
        self.leaves = self._prepare()
        self.args, self.kwargs = args, kwargs
        if any(isinstance(leaf, np.ndarray) for leaf in self.leaves):
            leaves = iter(self.leaves)
            self.args, self.kwargs = (unflattened(layout, leaves) for layout in self.layout)

    def is_argument(self, tensor: Any) -> bool:
        """Whether a tensor is one of the arguments."""
        return any(tensor is leaf for leaf in self._arguments)

    def _starts(self) -> list[Start]:
        """What the function starts from, as far as its conditions leave that free."""
        starts = [Start(slot, None) for slot, _ in self.reads.slots]
        starts += [Start(tensor, None) for tensor, _ in self.reads.tensors.values()]
        arguments = enumerate(self._arguments)
        return starts + [Start(leaf, i) for i, leaf in arguments if isinstance(leaf, (Variable, np.ndarray))]

    def _prepare(self) -> list[Any]:
        """Put watched arrays and numbers in the place of what the function reads; the arguments to call it with."""
        for slot, name in self.reads.slots:
            self._slot(slot, name)
        arguments = [self._argument(leaf, place) for place, leaf in enumerate(self._arguments)]
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
            self.recorder.reject(f"{name} is a result of what was computed before, and needs gradients")
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
            self._of_grads.append((grad, condition))

    def _install(self, tensor: Any, name: str, expression: str, fetch: str | None) -> None:
        if id(tensor) in self.installed:
            return
        array = plain(tensor.array)
        watched = self.recorder.root(array)
        if fetch is not None and watched.value.base is not watched.value:
            self.recorder.reject(f"{name} looks at the memory of another tensor that the function reads")
        flag, version = tensor.requires_grad, tensor._version.count
        self.installed[id(tensor)] = Installed(tensor, array, watched, expression, flag, version)
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
                self.recorder.reject(f"{about} has hooks")
            self._tensor(leaf, self._names[place], a, a, (), fetch)
            return leaf
        watched = self.recorder.root(np.asarray(leaf))
        if watched.value.base is not watched.value:
            self.recorder.reject(f"{about} looks at the memory of another array that the function reads")
        self.roots.setdefault(watched.value, (self._names[place], a))
        return watched

    def _aliases(self, leaf: Any, place: int) -> None:
        """Which arguments are the same as this one, and that no other is, nor a tensor that the function reads."""
        a = f"a{place}"
        for i in range(place):
            self._condition(f"({a} is a{i}) is {leaf is self._arguments[i]}", (), "which arguments are the same")
        if id(leaf) in self.reads.tensors:
            self._condition(f"{a} is {{0}}", (leaf,), f"argument {place}")
        elif isinstance(leaf, Variable) and self.reads.tensors:
            tensors = [tensor for tensor, _ in self.reads.tensors.values()]
            test = f"id({a}) not in {{0}} and {{1}} is not None"  # the tensors live on, so that no other has their id
            self._condition(test, (frozenset(map(id, tensors)), tensors), f"argument {place} is one that it reads")

    def _condition(self, expression: str, objects: tuple[Any, ...], about: str) -> None:
        self.conditions.append(Condition(expression, objects, about))

    def end(self) -> list[Any]:
        """Put everything back into its place; what has become of the settings."""
        self.recorder.open = False
        ends = [slot.get() for slot, _ in self.slots]
        for (slot, watched), end, number in zip(self.slots, ends, self._numbers, strict=True):
            slot.set(number if end is watched else plain(end))
        for tensor, array, watched, *_ in self.installed.values():
            self._restore(tensor, array, watched)
        return ends

    def _restore(self, tensor: Any, array: Array, watched: Any) -> None:
        if tensor.array is not watched:
            self.recorder.reject("a tensor was given other memory (t.data = …)")
            array = plain(tensor.array)
        tensor.array = array

    def add_conditions(self, calls: list[Call], lasting: Iterable[Value]) -> None:
        """Add what must hold because of what the program does with gradients and memory."""
        used = {value.base for call in calls for value in call.inputs} | {value.base for value in lasting}
        for grad, condition in self._of_grads:
            if self.installed[id(grad)].watched.value.base in used:
                self.conditions.append(condition)

        self._add_conditions_of_memory(calls)

    def _add_conditions_of_memory(self, calls: list[Call]) -> None:
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
                self._condition(f"{{0}}({fetch}, {{1}})", (apart, [*map(owner, near)]), "which memory is shared")


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


def apart(array: Any, owners: list[Any]) -> bool:
    """Whether an array's memory belongs to none of these."""
    memory = owner(array)
    return not any(memory is other for other in owners)
