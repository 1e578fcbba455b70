"""Programs by number: each drawn, run, and shrunk if the two sides differ."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.lockstep import compiled
from tests.lockstep.runner import drawn, run, shrunk

# Every so manieth program is also compiled, which takes as long as ten others.
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
    """What differs in the program of this number, and the shortest program that shows it; None if nothing does."""
    lines, difference = drawn(seed)
    tally.programs += 1
    tally.steps += len(lines)
    if difference is not None:
        tally.differences += 1
        what = difference.what
        lines = shrunk(lines, lambda shorter: getattr(run(shorter), "what", None) == what)
        return "\n".join([*lines, str(run(lines) or difference)])
    if seed % COMPILED == 0:
        program = compiled.split(lines, Random(seed))
        if compiled.compiled_difference(program) is not None:
            tally.differences += 1
            program = shrunk(program, compiled.compiled_difference)
            return f"{compiled.text(program)}\n{compiled.compiled_difference(program)}"
    return None
