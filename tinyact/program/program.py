"""One program: when it holds, and what replaying it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tinyact.autograd.memory import share_memory
from tinyact.autograd.operation import Operation, wrap
from tinyact.program.code import Changed, Source, definition, lines_of, literal, made, starts
from tinyact.program.improve import improve
from tinyact.program.later import Later, ReplayedOutput
from tinyact.program.nesting import flattened
from tinyact.program.passes import Plan, may_fail
from tinyact.program.reads import Condition, Slot, holding
from tinyact.program.state import Start, State, same, snapshot
from tinyact.program.values import Call, Notes, Value, leaves_of
from tinyact.random import Generator, default_generator
from tinyact.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Made:
    """A tensor that the program makes.

    Attributes:
        value: its numbers.
        requires_grad, node: as the recorded one has them; the node's graph is spent, unless there is a place.
        count: its version.
        like: the tensor whose version it shares, if it looks at its memory; and whether as a view.
    """

    value: Value
    requires_grad: bool
    node: Operation | None
    count: int
    like: Any = None
    is_view: bool = False
    place: int | None = None


class Effects(NamedTuple):
    """What is left behind when the calls are through. Places of tensors are expressions.

    Attributes:
        grads: by tensor its new ``grad``: a `Made`, None, or another tensor.
        versions: by tensor, how often its memory was changed.
        slots: numbers that are written.
        result: what is returned, nested, of `Made`, values, tensors and constants.
    """

    grads: list[tuple[str, Any]]
    versions: list[tuple[str, int]]
    slots: list[tuple[Slot, Value]]
    result: Any

    def made(self) -> list[Made]:
        """Every tensor that is made, once."""
        return list(dict.fromkeys(item for item in self._leaves() if isinstance(item, Made)))

    def values(self) -> Iterator[Value]:
        """Every value that outlives the calls."""
        for item in self._leaves():
            if isinstance(item, (Made, Value)):
                yield item.value if isinstance(item, Made) else item
        yield from (value for _, value in self.slots)

    def _leaves(self) -> Iterator[Any]:
        yield from (grad for _, grad in self.grads)
        yield from leaves_of(self.result)


@dataclass(frozen=True)
class Argument:
    """An argument that is returned as it is."""

    name: str


def new_tensor(array: Any, requires_grad: bool, node: Operation | None) -> Tensor:
    """A tensor of the program's numbers."""
    tensor: Tensor = wrap(array)
    if requires_grad:
        tensor._requires_grad, tensor.grad_fn = True, node
    return tensor


def sharing(tensor: Tensor, like: Tensor, is_view: bool) -> Tensor:
    """The tensor, which looks at the memory of another."""
    if is_view:
        share_memory(like, tensor)
    else:
        tensor._version = like._version
        tensor.is_detached = True
    return tensor


@dataclass
class Recording:
    """What is known about a run when it is over.

    Attributes:
        calls: what NumPy was asked to do.
        conditions: what must stay the same for it to hold, of arguments, tensors and the grad mode.
        reads: the same of all else that the function reads.
        layout: how its arguments are nested.
        arguments: how many there are.
        roots: by value, what it is called, and the expression that fetches it where that is needed each time.
        effects: what it leaves behind.
        source: where objects have got names.
        tensors: what it reads, and may change.
        slots: by value the numbers that are read anew each time.
        notes: what names are made of.
        name: the function's.
        starts: what it started from.
        unchanged: says whether what ``reads`` is about is what it was.
        later: the sweep back from its results, if they can be differentiated.
    """

    calls: list[Call]
    conditions: list[Condition]
    reads: list[Condition]
    layout: Any
    arguments: int
    roots: dict[Value, tuple[str, str | None]]
    effects: Effects
    source: Source
    tensors: list[Any]
    slots: dict[Value, Slot]
    notes: Notes
    name: str
    unchanged: Callable[[], bool]
    starts: list[Start]
    later: Later | None = None
    # By value the tensor that it is the array of, as an expression.
    tensor_of: dict[Value, str] = field(default_factory=dict)


class Program:
    """A recorded run that can be repeated.

    Attributes:
        recording: the run.
        plan: its calls after the passes.
        holds: whether it holds, for these arguments.
        replay: the function that repeats it.
    """

    is_verified = False

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.conditions, self.reads = recording.conditions, recording.reads
        self.layout, self.arguments = recording.layout, recording.arguments
        self.is_flat = self.layout == ((tuple, *[None] * self.arguments), (dict,))
        self.plan = Plan(recording.calls, set(recording.effects.values()))
        if recording.later is not None:
            self.plan.lasting.update(recording.later.saved)
        improve(self.plan)
        if recording.later is not None:
            recording.later.finish(self.plan)
        self.unchanged = recording.unchanged
        self.holds = holding(self.conditions, self.arguments, recording.source.bound)
        self.replay = made(self.replay_source(), recording.source.bound, "replay")
        for call in recording.calls:
            _forget(call)
        for value, (_, fetch) in recording.roots.items():
            if fetch and value.is_array:
                value.data = value.data.copy()  # what a saved program starts from; the array itself is the user's
        self._look_at(recording.starts)

    def _look_at(self, starts: list[Start]) -> None:
        """Know at the next call whether one of these is another than when the program was recorded."""
        self.starts = starts
        self.is_as_before = holding([Condition(s.expression, s.objects, "") for s in starts], self.arguments)

    def is_trusted(self, leaves: Sequence[Any]) -> bool:
        """Whether it has been compared with the eager run, and that with other numbers than it was recorded with.

        Of what was the same whenever it was compared, something may have been computed out of sight.
        """
        if not self.is_verified:
            return False
        if self.is_as_before(*leaves):
            return True
        same = [start for start in self.starts if not start.differs(leaves)]
        trusted = len(same) == len(self.starts)
        self._look_at(self.starts if trusted else same)
        return trusted

    def leaves(self, args: Any, kwargs: Any) -> Sequence[Any] | None:
        """The arguments without their nesting, or None if that is another than the program's."""
        if self.is_flat:
            return args if len(args) == self.arguments and not kwargs else None
        layout, leaves = flattened(args, kwargs)
        return leaves if layout == self.layout else None

    def replay_source(self) -> str:
        """The function that replays it."""
        source, plan = self.recording.source, self.plan
        generators = self._generators()
        lines = [f"states = [g.get_state() for g in {source.bind(generators)}]"] if generators else []
        lines = [*starts(plan, source, self.recording.roots), *lines, *lines_of(plan, source, generators)]
        lines += self._effect_lines()
        return definition("replay", [f"a{i}" for i in range(self.arguments)], lines, source)

    def _generators(self) -> list[Generator]:
        """The generators that are drawn from before something is decided."""
        calls = self.plan.calls
        failing = set(may_fail(calls))
        decisions = [place for place, call in enumerate(calls) if call.form == "guard" or call in failing]
        draws = [call for call in calls[: decisions[-1]] if call.draws] if decisions else []
        return generators_of(draws) if draws else []

    def _effect_lines(self) -> list[str]:
        source, effects, later = self.recording.source, self.recording.effects, self.recording.later
        names: dict[Made, str] = {}
        lines = [] if later is None else later.lines(source, self.recording.tensor_of)
        for item in effects.made():
            names[item] = f"m{len(names)}"
            value = self.plan.current(item.value)
            node = (
                source.text(item.node) if item.place is None else f"{source.bind(ReplayedOutput)}(node, {item.place})"
            )
            new = f"{source.bind(new_tensor)}({source.name(value)}, {item.requires_grad}, {node})"
            if item.like is not None:
                like = names.get(item.like) or item.like
                new = f"{source.bind(sharing)}({new}, {like}, {item.is_view})"
            lines.append(f"{names[item]} = {new}")
            lines += [f"node.watch({names[item]})"] if later is not None else []
            if item.count and item.like is None:
                lines.append(f"{names[item]}._version.count = {item.count}")

        def name(leaf: Any) -> str:
            if isinstance(leaf, Made):
                return names[leaf]
            text = leaf.name if isinstance(leaf, Argument) else source.text(self.plan.current(leaf))
            without_dimensions = isinstance(leaf, Value) and leaf.is_array and leaf.data.ndim == 0
            return f"{source.bind(np.asarray)}({text})" if without_dimensions else text

        lines += [f"{tensor}._grad = {name(grad)}" for tensor, grad in effects.grads]
        lines += [f"{tensor}._version.count += {count}" for tensor, count in effects.versions]
        for slot, value in effects.slots:
            lines.append(f"{source.bind(slot)}.set({source.name(self.plan.current(value))})")
        return [*lines, f"return {literal(effects.result, name)}"]

    def verify(self, leaves: Sequence[Any], function: Callable[[], Any]) -> tuple[Any, str | None]:
        """The function's own result, and what is different about the program's."""
        slots = list(self.recording.slots.values())
        tensors = [*self.recording.tensors, *(leaf for leaf in leaves if isinstance(leaf, Tensor))]
        later = self.recording.later
        generators = generators_of(self.plan.calls)
        before = State(tensors, slots, generators)
        starts = [start for start in self.starts if not start.differs(leaves)]
        try:
            result = self.replay(*leaves)
        except Changed:
            before.restore()
            raise
        replayed = (
            State(tensors, slots, generators),
            snapshot(result),
            None if later is None else later.gradients(result, leaves),
        )
        before.restore()
        result = function()
        eager = (
            State(tensors, slots, generators),
            snapshot(result),
            None if later is None else later.gradients(result, leaves),
        )
        difference = replayed[0].difference(eager[0])
        if not (same(replayed[1], eager[1]) and same(replayed[2], eager[2])):
            difference = difference or "its result"
        self.is_verified = difference is None
        self._look_at(starts)
        return result, difference


def generators_of(calls: list[Call]) -> list[Generator]:
    """All that these calls may draw from: the default generator too, unless they draw nothing.

    Otherwise it is left alone: other threads may draw from it at the same time.
    """
    named = [argument for call in calls for argument in call.args if isinstance(argument, Generator)]
    return list(dict.fromkeys([default_generator, *named] if any(call.draws for call in calls) else named))


def _forget(call: Call) -> None:
    """Let go of the numbers of the recorded run."""
    for value in call.outputs:
        value.forget()
    for inner in (*(call.inner or ()), *(call.written_out[0] if call.written_out else ())):
        _forget(inner)
