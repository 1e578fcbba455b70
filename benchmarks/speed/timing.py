"""Timing two programs fairly, and the table that all benchmarks print."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from tinyact.program import Compiled


@dataclass
class Row:
    """One comparison: both sides' medians, and the median of the ratios of rounds that ran next to each other."""

    what: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    goal: float | None = None
    unit: str = "µs"

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"{self.goal:.2f}"
        met = "" if self.goal is None else ("yes" if self.ratio <= self.goal else "no")
        cells = (self.what, self.peer, f"{self.ours:.4g} {self.unit}", f"{self.theirs:.4g} {self.unit}")
        return f"| {' | '.join(cells)} | {self.ratio:.2f} | {goal} | {met} |"


HEAD = "| what | peer | tinyact | peer | ratio | goal | met |\n|---|---|--:|--:|--:|--:|---|"


Make = tuple[Callable[..., Callable[[], Any]], tuple[Any, ...]]
Times = tuple[float, float, float]
# Microseconds per call, round by round; or why there are none.
Outcome = list[float] | str
# After so many calls all peers have compiled what they compile.
WARM_UP = 5


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function in a process of its own, while nothing else runs here: thread pools get in each other's way."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def median_time(program: Callable[[], Any], seconds: float = 0.0, calls: int = 3) -> float:
    """Microseconds of a call, the median of so many calls and so many seconds at least."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < calls:
        start = time.perf_counter()
        program()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def replays(program: Compiled) -> bool:
    """Whether the next call of a compiled function replays a program, and is neither eager nor recorded."""
    return program._reason is None and bool(program._programs) and program._programs[0].is_verified


def check_replays(program: Any) -> None:
    """A compiled function is replayed, so that its eager way is never measured in its name.

    Raises:
        AssertionError: if it isn't.
    """
    if isinstance(program, Compiled) and not replays(program):
        raise AssertionError(f"{program} is not replayed: {program._reason or 'it is recorded again and again'}")


def warm_up(program: Callable[[], Any]) -> None:
    """The first calls, in which much is made that lasts."""
    for _ in range(WARM_UP):
        program()
    check_replays(program)


def medians(makes: dict[str, Make], seconds: float) -> dict[str, float | str]:
    """Microseconds per call of each program, or why it could not run.

    Raises:
        AssertionError: if a program is not what is to be measured.
    """
    outcomes: dict[str, float | str] = {}
    for what, (make, arguments) in makes.items():
        try:
            program = make(*arguments)
            warm_up(program)
            outcomes[what] = median_time(program, seconds)
            check_replays(program)
        except AssertionError:
            raise
        except Exception as error:
            outcomes[what] = f"{type(error).__name__}: {str(error)[:100]}"
    return outcomes


def results(program: Callable[[], Any], calls: int = 10) -> list[float]:
    """What the calls return, as numbers."""
    returned = [program() for _ in range(calls)]
    return [float(value.item() if hasattr(value, "item") else value) for value in returned]


def in_turn(sides: dict[str, dict[str, Make]], seconds: float, rounds: int) -> dict[str, dict[str, Outcome]]:
    """How long the programs of each side take, which are called the same if they do the same.

    Args:
        sides: by name, how to make their programs.
        seconds: how long each program runs in a round.
        rounds: how often each side runs, in a process of its own, after the others.
    """
    taken = [{side: alone(medians, makes, seconds) for side, makes in sides.items()} for _ in range(rounds)]
    return {side: {what: _outcome([now[side][what] for now in taken]) for what in sides[side]} for side in sides}


def _outcome(taken: list[float | str]) -> Outcome:
    reasons = [reason for reason in taken if isinstance(reason, str)]
    return reasons[0] if reasons else [time for time in taken if not isinstance(time, str)]


def compared(what: str, peer: str, ours: Outcome, theirs: Outcome, goal: float | None = None) -> list[Row]:
    """The row, or none if the peer could not run.

    Raises:
        RuntimeError: if tinyact could not.
    """
    if isinstance(ours, str):
        raise RuntimeError(f"{what}: {ours}")
    if isinstance(theirs, str):
        print(f"left out: {what}: {peer} ({theirs})", file=sys.stderr)
        return []
    return [Row(what, peer, *summary(ours, theirs), goal)]


def summary(ours: list[float], theirs: list[float]) -> Times:
    """The medians of both sides, and of their ratios round by round."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return statistics.median(ours), statistics.median(theirs), statistics.median(ratios)


def compare_processes(ours: list[str], theirs: list[str], rounds: int) -> Times:
    """Milliseconds of whole processes, in alternation."""
    times: tuple[list[float], list[float]] = ([], [])
    # As installed: with compiled files at hand.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for command in (ours, theirs):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    for _ in range(rounds):
        for command, side in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            side.append((time.perf_counter() - start) * 1e3)
    return summary(*times)
