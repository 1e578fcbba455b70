"""A program, run on both sides, drawn on the way or as it is written; and made short, if they differ."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from random import Random
from types import CodeType
from typing import Any

import numpy as np
import torch

import tinyact
from tests.lockstep.compare import Comparer, Difference
from tests.lockstep.differences import named
from tests.lockstep.table import PRELUDE, draw_step

# So many things a program keeps at most; each costs a comparison after each step.
THINGS = 9


class Side:
    """One library running a program.

    Attributes:
        names: what the program has made.
    """

    def __init__(self, library: Any) -> None:
        self._globals: dict[str, Any] = {"T": library}
        library.manual_seed(0)
        library.set_printoptions(profile="default")
        library.set_grad_enabled(True)
        exec(code_of(PRELUDE), self._globals)

    @property
    def names(self) -> dict[str, Any]:
        return {name: value for name, value in self._globals.items() if re.fullmatch(r"t\d*", name)}

    def run(self, line: str) -> Exception | None:
        """Run a line; what it raised."""
        try:
            exec(code_of(line), self._globals)
        except Exception as error:
            return error.with_traceback(None)
        return None


@lru_cache(maxsize=4096)
def code_of(line: str) -> CodeType:
    return compile(line, "<program>", "exec")


class Lockstep:
    """Both sides of one program."""

    def __init__(self) -> None:
        self.ours, self.theirs = Side(tinyact), Side(torch)
        self._comparer = Comparer()
        self._lines: list[str] = []
        self.is_over = False

    def step(self, line: str) -> Difference | None:
        """Run a line on both sides and compare all there is; a named difference ends the program."""
        self._lines.append(line)
        for difference in self._differences(line):
            full = replace(difference, program="\n".join(self._lines), names=self.theirs.names)
            if not named(full):
                return full
            self.is_over |= difference.what != "grad_fn"
        return None

    def _differences(self, line: str) -> Iterator[Difference]:
        theirs = self.theirs.run(line)
        with np.errstate(all="raise", under="ignore"):  # no warning of NumPy's may leave an operation
            ours = self.ours.run(line)
        if theirs is not None:
            self._lines[-1] += "  # raises"
        if (ours is None) != (theirs is None) or (theirs is not None and not isinstance(ours, type(theirs))):
            yield Difference(line, "raised", "", ours, theirs)
            return
        difference = self._comparer.difference(line, self.ours.names, self.theirs.names)
        yield from self._comparer.differences_of_names(line)
        if difference is not None:
            yield replace(difference, error=theirs)


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings, and with PyTorch on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
        Side(tinyact), Side(torch)


def drawn(seed: int, steps: int = 20) -> tuple[list[str], Difference | None]:
    """A random program, drawn while it runs, up to the first difference."""
    random, lockstep, lines = Random(seed), Lockstep(), []
    for number in itertools.count():
        if number == steps or lockstep.is_over:
            return lines, None
        names = lockstep.theirs.names
        things = [name for name, value in names.items() if not isinstance(value, (int, float, str, type(None)))]
        line = f"del {random.choice(things)}" if len(things) > THINGS else draw_step(random, names, f"t{number}")
        lines.append(line)
        difference = lockstep.step(line)
        if difference is not None:
            return lines, difference
    raise AssertionError


def run(lines: Sequence[str]) -> Difference | None:
    """The first difference between the two sides of a program."""
    lockstep = Lockstep()
    for line in lines:
        difference = lockstep.step(line)
        if difference is not None or lockstep.is_over:
            return difference
    return None


def shrunk(lines: list[str], differs: Callable[[list[str]], object]) -> list[str]:
    """The program without the lines that aren't needed for it to differ: large parts are tried first."""
    size = max(len(lines) // 2, 1)
    while True:
        for start in range(len(lines) - size, -1, -size):
            shorter = lines[:start] + lines[start + size :]
            if shorter and differs(shorter):
                lines = shorter
        if size == 1:
            return lines
        size //= 2
