"""Runs of elementwise calls on large arrays, block by block: what they hand on to each other stays in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinyact.kernels import in_blocks, over_blocks
from tinyact.program.code import Source, definition, made
from tinyact.program.passes import Plan, opened
from tinyact.program.values import Call, Value

# How many elements make an array large, and how many a block.
LARGE, BLOCK = 1 << 17, 1 << 16
# The shortest run worth it: of fewer calls the blocks cost more than the caches give.
SHORTEST = 3


def runs_joined(plan: Plan) -> None:
    """Each run of elementwise calls on large arrays as one call, which goes through them once, on all threads.

    Ten operations in a row on a million numbers go through memory once instead of twenty times.
    """
    calls = [part for call in plan.calls for part in _out_of_blocks(plan, call)]
    calls = [plan.with_current(call) for call in calls]
    runs = list(_runs(calls))
    uses: dict[Value, set[int]] = {value: {-1} for value in plan.lasting}
    for number, run in enumerate(runs):
        for call in run:
            for value in call.inputs:
                uses.setdefault(value, set()).add(number)
    plan.calls = [call for number, run in enumerate(runs) for call in _joined(run, number, uses)]


def _out_of_blocks(plan: Plan, call: Call) -> list[Call]:
    """What goes block by block already as the calls that it consists of, if all of them are elementwise."""
    if call.target is not in_blocks or call.written_out is None:
        return [call]
    written_out, result = call.written_out
    calls = opened(written_out)
    if result.kind != "new" or len(calls) < SHORTEST or not all(map(_is_elementwise, calls)):
        return [call]
    plan.put(result, call.outputs[0])
    return calls


def _is_elementwise(call: Call) -> bool:
    """Whether each element of its only result depends on one element of each large operand."""
    if len(call.outputs) != 1 or call.several or call.draws or not call.outputs[0].is_array:
        return False
    result = call.outputs[0].data
    if result.size < LARGE or not result.flags.c_contiguous or not _has_blocks(call):
        return False
    arrays = [value.data for value in call.inputs if value.is_array]
    return all(a.ndim == 0 or (a.shape == result.shape and a.flags.c_contiguous) for a in arrays)


def _has_blocks(call: Call) -> bool:
    """Whether the call is one of those that can be made for a block."""
    if call.form == "method" and len(call.args) <= 2 and call.options.keys() <= {"copy"}:
        same_size = call.outputs[0].data.itemsize == call.inputs[0].data.itemsize
        return call.target in ("astype", "copy") or (call.target == "view" and same_size)
    if call.target is np.where or call.target is np.clip:
        return not call.options
    return (
        isinstance(call.target, np.ufunc)
        and call.target.signature is None
        and call.target.nout == 1
        and (call.options.keys() <= {"out"})
    )


def _runs(calls: list[Call]) -> Iterator[list[Call]]:
    """The calls, those of a run together; others alone."""
    run: list[Call] = []
    own: set[Value] = set()
    for call in calls:
        elementwise = _is_elementwise(call) and (call.written is None or call.written.base in own)
        if run and not (elementwise and call.outputs[0].data.shape == run[0].outputs[0].data.shape):
            yield run
            run, own = [], set()
            elementwise = elementwise and call.written is None
        if not elementwise:
            yield [call]
            continue
        run.append(call)
        own.update(output for output in call.outputs if output.kind == "new")
    if run:
        yield run


def _joined(run: list[Call], number: int, uses: dict[Value, set[int]]) -> list[Call]:
    """A run as one call, unless there is something in the way."""
    if len(run) < SHORTEST or not _is_elementwise(run[0]):
        return run
    produced = list(dict.fromkeys(call.outputs[0] for call in run))
    wanted = [value for value in produced if uses.get(value, set()) - {number}]
    inputs = list(dict.fromkeys(value for call in run for value in call.inputs if value not in produced))
    if any(value.kind != "new" for value in wanted) or not wanted:
        return run
    part = next((call.part for call in run if call.part is not None), None)
    return [Call("function", Run(run, inputs, wanted), tuple(inputs), {}, tuple(wanted), several=True, part=part)]


class Run:
    """A run of elementwise calls as one function of whole arrays."""

    __name__ = "run"

    def __init__(self, calls: list[Call], inputs: list[Value], outputs: list[Value]) -> None:
        self.layouts = [(value.data.shape, value.data.dtype) for value in outputs]
        self.large = [value.is_array and value.data.ndim > 0 for value in inputs]
        self.source = self._source(calls, inputs, outputs)

    def _source(self, calls: list[Call], inputs: list[Value], outputs: list[Value]) -> str:
        """The function that works on the elements from ``first`` to ``end``."""
        source = Source()
        whole = [f"x{i}" for i in range(len(inputs))] + [f"y{i}" for i in range(len(outputs))]
        lines: list[str] = []
        for name, value, large in zip(whole, [*inputs, *outputs], [*self.large, *[True] * len(outputs)], strict=True):
            source.names[value] = f"{name}b" if large else name
            lines += [f"{name}b = {name}[i:j]"] if large else []
        scratch: list[str] = []
        free: dict[Any, list[str]] = {}
        last = {value.base: place for place, call in enumerate(calls) for value in (*call.inputs, *call.outputs)}
        memory: dict[Value, str] = {}
        for place, call in enumerate(calls):
            output = call.outputs[0]
            own = call.written is None and output.kind == "new" and call.target not in (np.where, np.clip)
            if own and output not in source.names:
                dtype = output.data.dtype
                if not free.setdefault(dtype, []):
                    scratch.append(f"m{len(scratch)} = {source.bind(np.empty)}({BLOCK}, {source.bind(dtype)})")
                    free[dtype].append(f"m{len(scratch) - 1}")
                memory[output] = free[dtype].pop()
                lines.append(f"{source.name(output)} = {memory[output]}[: j - i]")
            lines.append(_line(source, call, own, output in outputs))
            for value in {value.base for value in (*call.inputs, *call.outputs)}:
                if last[value] == place and value in memory:
                    free[value.data.dtype].append(memory[value])
        loop = [f"for i in range(first, end, {BLOCK}):", f"    j = min(i + {BLOCK}, end)"]
        body = [*scratch, *loop, *(f"    {line}" for line in lines)]
        text = definition("work", ["first", "end", *whole], body, source)
        self.work = made(text, source.bound, "work")
        return text

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        arrays = [x.reshape(-1) if large else x for x, large in zip(inputs, self.large, strict=True)]
        outputs = [np.empty(*layout) for layout in self.layouts]
        flat = [output.reshape(-1) for output in outputs]
        over_blocks(lambda first, end: self.work(first, end, *arrays, *flat), flat[0].size, BLOCK)
        return tuple(outputs)


def _line(source: Source, call: Call, own: bool, is_output: bool) -> str:
    """The call for a block."""
    if own:
        return source.statement(call, into=True)
    if is_output and call.written is None:
        return f"{source.name(call.outputs[0])}[...] = {source.expression(call)}"
    return source.statement(call)
