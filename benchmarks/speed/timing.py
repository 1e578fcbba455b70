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


def medians(makes: list[Make], seconds: float) -> list[float | str]:
    """Microseconds per call of each program, or why it could not run."""
    outcomes: list[float | str] = []
    for make, arguments in makes:
        try:
            program = make(*arguments)
            for _ in range(3):
                program()
        except Exception as error:
            outcomes.append(f"{type(error).__name__}: {str(error)[:100]}")
        else:
            outcomes.append(median_time(program, seconds))
    return outcomes


def results(make: Make, calls: int = 10) -> list[float]:
    """What the first calls return, as numbers."""
    program = make[0](*make[1])
    returned = [program() for _ in range(calls)]
    return [float(value.item() if hasattr(value, "item") else value) for value in returned]


def compare(ours: list[Make], theirs: list[Make], seconds: float, rounds: int) -> list[Times | str]:
    """Microseconds per call of both sides of each pair, and the median of the rounds' ratios; or why there is none.

    Args:
        ours, theirs: how to make the programs.
        seconds: how long each runs in a round.
        rounds: how often both sides run, in turn.
    """
    both = [(alone(medians, ours, seconds), alone(medians, theirs, seconds)) for _ in range(rounds)]
    outcomes: list[Times | str] = []
    for i in range(len(ours)):
        a, b = ([side[i] for side in sides] for sides in zip(*both, strict=True))
        errors = [outcome for outcome in (*a, *b) if isinstance(outcome, str)]
        outcomes.append(errors[0] if errors else summary(a, b))
    return outcomes


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


def missing(peer: str, reason: str) -> None:
    """Says that a peer is left out."""
    print(f"left out: {peer} ({reason})", file=sys.stderr)
