"""Passes: a program becomes a better one that computes the same bits."""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinyact.program.values import Call, Value, mapped

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Plan:
    """A program on its way through the passes.

    Attributes:
        calls: what NumPy is asked to do, in order.
        lasting: the values that outlive the calls.
        same: by value the one that has taken its place.
        buffers: by value the memory that its numbers go to, the same at every replay.
    """

    calls: list[Call]
    lasting: set[Value]
    same: dict[Value, Value] = field(default_factory=dict)
    buffers: dict[Value, Array] = field(default_factory=dict)

    def put(self, other: Value, value: Value) -> None:
        """Put another value in a value's place."""
        self.same[value] = other
        if value in self.lasting:
            self.lasting.add(other)

    def current(self, leaf: Any) -> Any:
        """What has taken a value's place in the end."""
        while isinstance(leaf, Value) and leaf in self.same:
            leaf = self.same[leaf]
        return leaf

    def with_current(self, call: Call) -> Call:
        """The call with the values that have taken others' places."""
        if not self.same:
            return call
        for output in call.outputs:
            output.base = self.current(output.base)
        if self.same.keys().isdisjoint(call.inputs):
            return call
        written = self.current(call.written)
        outputs = tuple(written if output is call.written else output for output in call.outputs)
        args, options = mapped(self.current, call.args), mapped(self.current, call.options)
        return replace(call, args=args, options=options, outputs=outputs, written=written)


def changes_what_lasts(call: Call) -> bool:
    """Whether a call writes to memory that was there before the program."""
    return call.written is not None and call.written.base.kind == "root"


def guards_first(calls: list[Call]) -> list[Call] | None:
    """Decisions, and what may fail, before anything that lasts is changed, so that there is a way back.

    None, if there is no such order.
    """
    first = next((place for place, call in enumerate(calls) if changes_what_lasts(call)), len(calls))
    failing = set(may_fail(calls))
    late = [call for call in calls[first:] if call.form == "guard" or call in failing]
    if not late:
        return calls
    needs = dependencies(calls)
    early: set[Call] = set()
    for call in late:
        needed = _all_needs(call, needs)
        if any(changes_what_lasts(other) for other in needed):
            return None
        early |= needed
    rest = calls[first:]
    return [*calls[:first], *(call for call in rest if call in early), *(call for call in rest if call not in early)]


def _all_needs(call: Call, needs: dict[Call, list[Call]]) -> set[Call]:
    """The call, and all that must stay before it."""
    needed, stack = {call}, [call]
    while stack:
        for other in needs[stack.pop()]:
            if other not in needed:
                needed.add(other)
                stack.append(other)
    return needed


def may_fail(calls: list[Call]) -> list[Call]:
    """Divisions and powers of Python's numbers that come out of arrays: the only calls that may raise an error."""
    computed: set[Value] = set()
    failing = []
    for call in calls:
        # What the program starts from was computed before it, without an error.
        from_array = call.target == "item" and call.inputs[0].kind != "root"
        if from_array or (call.form == "operator" and not computed.isdisjoint(call.inputs)):
            computed.update(call.outputs)
        if call.form == "operator" and call.target in _FAILING and not computed.isdisjoint(call.outputs):
            failing.append(call)
    return failing


_FAILING = (operator.truediv, operator.floordiv, operator.mod, operator.pow)


def dependencies(calls: list[Call]) -> dict[Call, list[Call]]:
    """By call the earlier ones that must stay before it: those whose results it uses, that wrote to memory that it
    reads or writes, or that read memory to which it writes. Draws stay in their order.
    """
    needs: dict[Call, list[Call]] = {}
    makers: dict[Value, Call] = {}
    readers: dict[Value, list[Call]] = defaultdict(list)
    writers: dict[Value, Call] = {}
    last_draw: Call | None = None
    for call in calls:
        earlier: list[Call] = []
        for value in call.inputs:
            earlier += [maker for maker in (makers.get(value), writers.get(value.base)) if maker is not None]
            readers[value.base].append(call)
        if call.written is not None:
            earlier += [reader for reader in readers[call.written.base] if reader is not call]
            writers[call.written.base] = call
        if call.draws:
            earlier += [] if last_draw is None else [last_draw]
            last_draw = call
        for output in call.outputs:
            if output is not call.written:
                makers[output] = call
        needs[call] = earlier
    return needs


def opened(calls: list[Call]) -> list[Call]:
    """The calls, with kernels' own in their places, whose results too can go to memory that is used again."""
    return [inner for call in calls for inner in ([call] if call.inner is None else opened(call.inner))]


def computed_once(plan: Plan) -> None:
    """What is computed twice from the same numbers is computed once."""
    own = {call.written.base for call in plan.calls if call.written is not None}
    own |= {value.base for value in plan.lasting}
    epochs: Counter[Value | str] = Counter()
    first: dict[Any, Call] = {}
    calls = []
    for call in map(plan.with_current, plan.calls):
        key = None if any(output.kind == "new" and output in own for output in call.outputs) else _key(call, epochs)
        if key is not None and key in first:
            for output, other in zip(call.outputs, first[key].outputs, strict=True):
                plan.put(other, output)
            continue
        if key is not None:
            first[key] = call
        if call.written is not None:
            epochs[call.written.base] += 1
            # What the program is given may look at the same memory the next time.
            epochs["root"] += call.written.base.kind == "root"
        calls.append(call)
    plan.calls = calls


def _key(call: Call, epochs: Counter[Value | str]) -> Any:
    """What makes two calls the same; None if there can't be two."""
    if call.written is not None or call.draws:
        return None
    numbers = tuple(epochs[value.base] + (value.base.kind == "root") * epochs["root"] for value in call.inputs)
    key = (call.form, call.target, _frozen(call.args), _frozen(call.options), numbers)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(structure: Any) -> Any:
    if isinstance(structure, (tuple, list)):
        return (type(structure), *map(_frozen, structure))
    if isinstance(structure, dict):
        return (dict, *((key, _frozen(part)) for key, part in structure.items()))
    if isinstance(structure, slice):
        return (slice, _frozen(structure.start), _frozen(structure.stop), _frozen(structure.step))
    if isinstance(structure, (int, float)):
        return (type(structure), repr(structure))  # 1, 1.0 and True are equal, and so are 0.0 and −0.0
    return structure


def unused_dropped(plan: Plan) -> None:
    """Without calls whose results nobody wants."""
    wanted = set(plan.lasting)
    bases = {value.base for value in wanted}
    calls = []
    for call in reversed(plan.calls):
        writes = call.written is not None and (call.written.base in bases or call.written.base.kind != "new")
        if writes or call.draws or call.form == "guard" or not wanted.isdisjoint(call.outputs):
            wanted.update(call.inputs)
            bases.update(value.base for value in call.inputs)
            calls.append(call)
    plan.calls = calls[::-1]


def copies_spared(plan: Plan) -> None:
    """A copy of what nobody needs afterwards is the thing itself."""
    last = last_uses(plan.calls)
    lasting = {value.base for value in plan.lasting}
    made = {output for call in plan.calls for output in call.outputs}
    calls = []
    for place, call in enumerate(map(plan.with_current, plan.calls)):
        if call.form == "method" and call.target == "copy" and len(call.args) == 1 and not call.options:
            (source,), (copy,) = call.args, call.outputs
            own = (
                source.kind == "new"
                and source in made
                and source not in lasting
                and source.data.strides == copy.data.strides
            )
            if own and last[source] == place:
                plan.put(source, copy)
                source.writes += copy.writes
                lasting |= {source} if copy in lasting else set()
                last[source] = last[copy]
                continue
        calls.append(call)
    plan.calls = [plan.with_current(call) for call in calls]


def last_uses(calls: list[Call]) -> dict[Value, int]:
    """By base the place of the last call that has to do with its memory."""
    return {value.base: place for place, call in enumerate(calls) for value in (*call.inputs, *call.outputs)}


def numbers_made_arrays(plan: Plan) -> None:
    """A number that stands in the program, beside an array, as an array without dimensions of that array's dtype.

    NumPy makes that of it anyway, in every call anew: 0.8 µs become 0.5.
    """
    plan.calls = [_with_arrays_for_numbers(call) for call in plan.calls]


def _with_arrays_for_numbers(call: Call) -> Call:
    arrays = [value.data for value in call.inputs if value.is_array]
    if not isinstance(call.target, np.ufunc) or len(call.args) != 2 or not arrays or arrays[0].dtype.kind != "f":
        return call
    args = tuple(np.asarray(arg, arrays[0].dtype) if type(arg) in (int, float) else arg for arg in call.args)
    same = all(new is old for new, old in zip(args, call.args, strict=True))
    return call if same else replace(call, args=args)


class Piece:
    """A piece of the program's memory, from the call that first writes to it to the last that has to do with it."""

    def __init__(self, start: int, end: int, size: int) -> None:
        self.start, self.end, self.size = start, end, size
        self.offset = 0


def memory_reused(plan: Plan) -> None:
    """Results go to memory that the program has for itself; its pieces serve again when nobody needs them any more.

    A fresh array of more than 128 KiB costs page faults. What lasts is the user's and always fresh.
    """
    last = last_uses(plan.calls)
    lasting = {value.base for value in plan.lasting}
    pieces: dict[Value, Piece] = {}
    for place, call in enumerate(plan.calls):
        output = call.outputs[0] if len(call.outputs) == 1 else None
        if output is not None and output not in lasting and takes_out(call):
            operand = _operand_in_place(call, place, last, pieces)
            # Whole cache lines, so that each piece starts with one.
            piece = Piece(place, 0, -(-output.data.nbytes // 64) * 64) if operand is None else pieces[operand]
            piece.end = last[output]
            pieces[output] = piece
    memory = _placed(list(dict.fromkeys(pieces.values())))
    for value, piece in pieces.items():
        part = memory[piece.offset : piece.offset + value.data.nbytes]
        plan.buffers[value] = part.view(value.data.dtype).reshape(value.data.shape)


def _placed(pieces: list[Piece]) -> Array:
    """Memory for all pieces, the largest first, each as far in front as those leave free that live at the same time."""
    placed: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: -piece.size):
        for other in sorted(placed, key=lambda other: other.offset):
            together = piece.start <= other.end and other.start <= piece.end
            if together and other.offset < piece.offset + piece.size:
                piece.offset = max(piece.offset, other.offset + other.size)
        placed.append(piece)
    memory = np.empty(max((piece.offset + piece.size for piece in placed), default=0) + 64, np.uint8)
    return memory[-memory.ctypes.data % 64 :]


def takes_out(call: Call) -> bool:
    """Whether the result can go to memory of the program's."""
    (output,) = call.outputs
    array = output.data
    if output.kind != "new" or not isinstance(array, np.ndarray) or array.ndim == 0 or array.size == 0:
        return False
    if not array.flags.c_contiguous or "out" in call.options:
        return False
    if call.form == "method":
        return call.target in ("astype", "copy") and len(call.args) + len(call.options) <= 2
    if isinstance(call.target, np.ufunc):
        return call.target.nout == 1 and len(call.args) == call.target.nin
    return isinstance(getattr(call.target, "__self__", None), np.ufunc) and call.target.__name__ == "reduce"


def _operand_in_place(call: Call, place: int, last: dict[Value, int], pieces: dict[Value, Piece]) -> Value | None:
    """An operand that is not needed any more, whose memory the result can go to while it is computed."""
    if not isinstance(call.target, np.ufunc) or call.target.signature is not None:
        return None
    output = call.outputs[0].data
    for value in call.inputs:
        alone = sum(other.base is value.base for other in call.inputs) == 1
        unneeded = value.base in pieces and last[value.base] == place and alone
        # A view must be one of all of the memory, in its order, as other numbers of the same size.
        whole = value.is_array and value.data.flags.c_contiguous and value.data.nbytes == value.base.data.nbytes
        if unneeded and whole and value.data.dtype == output.dtype and value.data.shape == output.shape:
            return value.base
    return None
