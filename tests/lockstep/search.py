"""Programs by number: each drawn, run, and shrunk if the two sides differ."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.lockstep import compiled
from tests.lockstep.runner import drawn, run, shrunk

# One in so many programs is also compiled, which takes as long as ten others.
COMPILED = 20


@dataclass
class Tally:
    """What a search has done."""

    programs: int = 0
    steps: int = 0
    differences: int = 0

    def __str__(self) -> str:
        return f"{self.programs} programs, {self.steps} steps, {self.differences} differences"


def program_differs(seed: int, tally: Tally) -> str | None:
    """What differs in the program of this number, after the shortest program that shows it; None if nothing does."""
    lines, difference = drawn(seed)
    tally.programs += 1
    tally.steps += len(lines)
    if difference is None:
        return None
    tally.differences += 1
    what = difference.what
    lines = shrunk(lines, lambda shorter: getattr(run(shorter), "what", None) == what)
    return "\n".join([*lines, str(run(lines) or difference)])


def compiled_differs(seed: int, tally: Tally) -> str | None:
    """The same between its function run eagerly and compiled."""
    lines, difference = drawn(seed)
    program = compiled.split(lines, Random(seed))
    if difference is not None or compiled.difference(program) is None:
        return None
    tally.differences += 1
    program = shrunk(program, compiled.difference)
    return f"{compiled.text(program)}\n{compiled.difference(program)}"
