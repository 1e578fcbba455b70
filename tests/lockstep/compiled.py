"""The last lines of a program as a function, called eagerly and compiled, again and again: every bit is the same."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from random import Random
from typing import Any

import tinyact
from tests.lockstep.compare import Difference
from tests.lockstep.runner import Side, code_of
from tests.program.twins import bits

# Recorded, compared with the function itself, replayed; then the leaves get other numbers.
CALLS, NEW_NUMBERS = 6, 4

# Lines, and whether they are a part of the function.
Split = Sequence[tuple[str, bool]]


def split(lines: Sequence[str], random: Random) -> list[tuple[str, bool]]:
    """The program, of which up to six lines from a random one on are the function."""
    start = random.randrange(len(lines))
    return [(line, place >= start) for place, line in enumerate(lines[: start + 6])]


def difference(program: Split) -> Difference | None:
    """The first difference between the eager and the compiled function."""
    for number, looks in enumerate(zip(calls(program, compiles=True), calls(program, compiles=False), strict=True)):
        for what, ours, theirs in zip(("raised", "value", "things", "stream"), *looks, strict=True):
            if ours != theirs:
                return Difference(f"call {number} of the compiled function", what, "", ours, theirs)
    return None


def calls(program: Split, compiles: bool) -> list[tuple[Any, ...]]:
    """What one sees after each call."""
    side = Side(tinyact)
    for line, in_function in program:
        if not in_function:
            side.run(line)
    definition, call = function(program, side)
    side.run(definition if compiles else definition.partition("\n")[2])
    looks = []
    for number in range(CALLS):
        if number == NEW_NUMBERS:
            for name in side.names:
                side.run(f"{name}.data.mul_(-0.5)")
        error = side.run(f"t = {call}")
        looks.append(
            (
                error and (type(error), str(error)),
                look(side.names.get("t")),
                look(side.names),
                bits(tinyact.get_rng_state()),
            )
        )
    return looks


def function(program: Split, side: Side) -> tuple[str, str]:
    """The function and a call of it: it takes the tensors that it uses, and returns what it makes."""
    body = [line for line, in_function in program if in_function]
    nodes = [node for line in body for node in ast.walk(ast.parse(line))]
    makes = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    uses = {name for line in body for name in code_of(line).co_names}
    takes = [n for n, value in side.names.items() if n in uses and (n in makes or isinstance(value, tinyact.Tensor))]
    lines = ["@T.compile", f"def step({', '.join(takes)}):", *(f"    {line}" for line in body)]
    return "\n".join([*lines, f"    return [{', '.join(sorted(makes))}]"]), f"step({', '.join(takes)})"


def look(thing: Any) -> Any:
    """All bits of something; nothing of what has none, such as a handle."""
    if isinstance(thing, tinyact.nn.Module):
        return look([*thing.parameters(), *thing.buffers(), thing.training])
    if isinstance(thing, tinyact.optim.Optimizer):
        return look(thing.state_dict())
    if isinstance(thing, dict):
        return {key: look(part) for key, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [look(part) for part in thing]
    return bits(thing) if isinstance(thing, (tinyact.Tensor, int, float, str)) else None


def text(program: Split) -> str:
    """The program as one writes it."""
    side = Side(tinyact)
    before = [line for line, in_function in program if not in_function]
    for line in before:
        side.run(line)
    definition, call = function(program, side)
    return "\n".join([*before, definition, f"for call in range({CALLS}):", f"    {call}"])
