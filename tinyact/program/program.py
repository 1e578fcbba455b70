"""One program: when it holds, and what replaying it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinyact.autograd.memory import Version, share_memory
from tinyact.autograd.operation import Operation
from tinyact.program.code import Changed, Source, literal, made
from tinyact.program.passes import PASSES, Plan, last_uses
from tinyact.program.reads import Condition, Slot, holding
from tinyact.program.record import Call, Notes, Value
from tinyact.program.state import State, same, snapshot
from tinyact.random import Generator, default_generator
from tinyact.tensor import Tensor

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Made:
    """A tensor that the program makes.

    Attributes:
        value: its numbers.
        requires_grad, node: as the recorded one has them; the node's graph is spent.
        count: its version.
        like: the tensor whose version it shares, if it looks at its memory; and whether as a view.
    """

    value: Value
    requires_grad: bool
    node: Operation | None
    count: int
    like: Any = None
    is_view: bool = False


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
        yield from _leaves(self.result)


@dataclass(frozen=True)
class Argument:
    """An argument that is returned as it is."""

    name: str


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, (tuple, list)):
        for part in structure:
            yield from _leaves(part)
    elif isinstance(structure, dict):
        yield from _leaves(list(structure.values()))
    else:
        yield structure


def new_tensor(array: Any, requires_grad: bool, node: Operation | None) -> Tensor:
    """A tensor of the program's numbers."""
    tensor: Tensor = object.__new__(Tensor)
    tensor.array = array if type(array) is np.ndarray else np.asarray(array)
    tensor._version = Version()
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


class Program:
    """A recorded run that can be repeated.

    Attributes:
        calls: what NumPy is asked to do.
        conditions: what must stay the same for it to hold.
        layout: how its arguments are nested, and how many there are.
        roots: by value, what it is called, and the expression that fetches it where that is needed each time.
        effects: what it leaves behind.
        tensors, slots: what it changes or reads, slots by their values, for `verify`.
    """

    is_verified = False

    def __init__(
        self,
        calls: list[Call],
        conditions: list[Condition],
        layout: tuple[Any, int],
        roots: dict[Value, tuple[str, str | None]],
        effects: Effects,
        source: Source,
        tensors: list[Any],
        slots: dict[Value, Slot],
        notes: Notes,
        name: str,
    ) -> None:
        self.notes, self.name = notes, name
        self.value_of = {expression: value for value, (_, expression) in roots.items() if expression}
        self.calls, self.conditions, self.effects, self.roots = calls, conditions, effects, roots
        self.layout, self.arguments = layout
        self.is_flat = self.layout == ((tuple, *[None] * self.arguments), (dict,))
        self.tensors, self.slots, self.source = tensors, slots, source
        self.plan = Plan(calls, set(effects.values()))
        for improve in PASSES:
            improve(self.plan)
        self.holds = holding(conditions, self.arguments)
        for call in calls:
            _forget(call)
        self.replay = made(self.replay_source(), source.bound, "replay")

    def leaves(self, args: Any, kwargs: Any) -> Sequence[Any] | None:
        """The arguments without their nesting, or None if that is another than the program's."""
        if self.is_flat:
            return args if len(args) == self.arguments and not kwargs else None
        layout, leaves = flattened(args, kwargs)
        return leaves if layout == self.layout else None

    def replay_source(self) -> str:
        """The function that replays it."""
        source, plan = self.source, self.plan
        used = {value for call in plan.calls for value in call.inputs()} | plan.lasting
        lines = []
        for value in sorted(used, key=lambda value: value.number):
            if value in self.roots and self.roots[value][1] is not None:
                lines.append(f"{source.name(value)} = {self.roots[value][1]}")
            elif value.kind in ("root", "constant"):
                source.fix(value, value.data)
        for value, buffer in plan.buffers.items():
            source.fix(value, buffer)
        generators = self._generators()
        if generators:
            lines.append(f"states = [g.get_state() for g in {source.bind(generators)}]")
        last = last_uses(plan.calls)
        for place, call in enumerate(plan.calls):
            if source.is_view_of_fixed(call):
                source.fix(call.outputs[0], source.evaluated(call))
                continue
            into = bool(call.outputs) and call.written is None and call.outputs[0] in plan.buffers
            line = source.statement(call, into)
            if generators and call.form == "guard":
                lines += _restoring(line, source.bind(generators), source.bind(Changed, "Changed"))
            else:
                lines.append(line)
            ended = [value for value in {v.base for v in (*call.inputs(), *call.outputs)} if last[value] == place]
            lines += [f"del {source.name(value)}" for value in ended if self._is_large(value)]
        lines += self._effect_lines()
        parameters = ", ".join(f"a{i}" for i in range(self.arguments))
        head = f"def replay({parameters}):\n    with {source.bind(np.errstate)}(all='ignore'):\n"
        return head + "".join(f"        {line}\n" for line in lines)

    def _is_large(self, value: Value) -> bool:
        """Whether it is memory of its own, worth being given back before the end."""
        lasting = {last.base for last in self.plan.lasting}
        return (
            value.kind == "new"
            and value.data.nbytes > 1 << 16
            and value not in self.plan.buffers
            and value not in lasting
        )

    def _generators(self) -> list[Generator]:
        """The generators that are drawn from before something is decided."""
        calls = self.plan.calls
        decisions = [place for place, call in enumerate(calls) if call.form == "guard"]
        draws = [call for call in calls[: decisions[-1]] if call.draws] if decisions else []
        named = [argument for call in draws for argument in call.args if isinstance(argument, Generator)]
        return list(dict.fromkeys([*named, default_generator])) if draws else []

    def _effect_lines(self) -> list[str]:
        source, effects, lines = self.source, self.effects, []
        names: dict[Made, str] = {}
        for item in effects.made():
            names[item] = f"m{len(names)}"
            value = self.plan.current(item.value)
            new = f"{source.bind(new_tensor)}({source.name(value)}, {item.requires_grad}, {source.text(item.node)})"
            if item.like is not None:
                like = names.get(item.like) or item.like
                new = f"{source.bind(sharing)}({new}, {like}, {item.is_view})"
            lines.append(f"{names[item]} = {new}")
            if item.count and item.like is None:
                lines.append(f"{names[item]}._version.count = {item.count}")

        def name(leaf: Any) -> str:
            if isinstance(leaf, Made):
                return names[leaf]
            return leaf.name if isinstance(leaf, Argument) else source.text(self.plan.current(leaf))

        lines += [f"{tensor}._grad = {name(grad)}" for tensor, grad in effects.grads]
        lines += [f"{tensor}._version.count += {count}" for tensor, count in effects.versions]
        for slot, value in effects.slots:
            lines.append(f"{source.bind(slot)}.set({source.name(self.plan.current(value))})")
        return [*lines, f"return {literal(effects.result, name)}"]

    def verify(self, leaves: Sequence[Any], function: Callable[[], Any]) -> tuple[Any, str | None]:
        """The function's own result, and what is different about the program's."""
        tensors = [*self.tensors, *(leaf for leaf in leaves if isinstance(leaf, Tensor))]
        before = State(tensors, list(self.slots.values()))
        try:
            result = self.replay(*leaves)
        except Changed:
            before.restore()
            raise
        replayed = State(tensors, list(self.slots.values())), snapshot(result)
        before.restore()
        result = function()
        eager = State(tensors, list(self.slots.values())), snapshot(result)
        difference = replayed[0].difference(eager[0]) or (None if same(replayed[1], eager[1]) else "its result")
        self.is_verified = difference is None
        return result, difference


def _forget(call: Call) -> None:
    """Let go of the numbers of the recorded run."""
    for value in call.outputs:
        value.forget()
    for inner in (*(call.inner or ()), *(call.written_out[0] if call.written_out else ())):
        _forget(inner)


def _restoring(line: str, generators: str, changed: str) -> list[str]:
    """A decision, before whose other outcome the random streams go back."""
    test, _, _ = line.rpartition(": ")
    return [f"{test}:", f"    for g, s in zip({generators}, states): g.set_state(s)", f"    raise {changed}"]


def flattened(args: Any, kwargs: Any) -> tuple[Any, list[Any]]:
    """How arguments are nested, and what they hold."""
    leaves: list[Any] = []

    def layout(structure: Any) -> Any:
        if type(structure) in (tuple, list):
            return (type(structure), *map(layout, structure))
        if type(structure) is dict:
            return (dict, *((key, layout(part)) for key, part in structure.items()))
        leaves.append(structure)
        return None

    return (layout(args), layout(kwargs)), leaves


def unflattened(layout: Any, leaves: Iterator[Any]) -> Any:
    """The other way round."""
    if layout is None:
        return next(leaves)
    kind, *parts = layout
    if kind is dict:
        return {key: unflattened(part, leaves) for key, part in parts}
    return kind(unflattened(part, leaves) for part in parts)
