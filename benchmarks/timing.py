"""Timing two programs fairly, and the table that all benchmarks print."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
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


def compare(
    ours: Callable[[], Any], theirs: Callable[[], Any], seconds: float = 1.0, rounds: int = 11
) -> tuple[float, float, float]:
    """Microseconds per call of both, in alternating rounds, and the median of their ratios.

    Args:
        ours, theirs: the programs, warmed up here.
        seconds: how long each side runs in all.
        rounds: how many alternations.
    """
    for program in (ours, theirs):
        for _ in range(3):
            program()
    calls = [max(1, int(seconds / rounds / max(_once(program), 1e-7))) for program in (ours, theirs)]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for program, count, found in zip((ours, theirs), calls, times, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                program()
            found.append((time.perf_counter() - start) / count * 1e6)
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    return statistics.median(times[0]), statistics.median(times[1]), ratio


def _once(program: Callable[[], Any]) -> float:
    start = time.perf_counter()
    program()
    return time.perf_counter() - start


def compare_processes(ours: list[str], theirs: list[str], rounds: int) -> tuple[float, float, float]:
    """Milliseconds of whole processes, in alternation."""
    times: tuple[list[float], list[float]] = ([], [])
    # As installed: with compiled files at hand.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for command in (ours, theirs):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    for _ in range(rounds):
        for command, found in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            found.append((time.perf_counter() - start) * 1e3)
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    return statistics.median(times[0]), statistics.median(times[1]), ratio


def versions() -> dict[str, Any]:
    """The machine, and the versions of whatever takes part."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {"machine": platform.machine(), "cores": os.cpu_count()}
    found["python"] = platform.python_version()
    for package in ("numpy", "torch", "jax", "mygrad", "autograd"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def missing(peer: str, error: BaseException) -> None:
    """Says that a peer is left out."""
    print(f"left out: {peer} ({type(error).__name__}: {str(error)[:80]})", file=sys.stderr)


def main(rows: Callable[[bool], list[Row]], description: str) -> None:
    """Runs one benchmark as a script."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs, not how fast")
    options = parser.parse_args()
    print(HEAD)
    for row in rows(options.quick):
        print(row)
