"""Which files are changed, and which tests can notice it: those that call what was changed."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.mutation.mutants import Mutant, definitions

ROOT = Path(__file__).parents[2]
# Anomaly detection only words errors.
LEFT_OUT = {"__init__.py", "anomaly.py"}
FILES = [
    str(path.relative_to(ROOT))
    for pattern in ("functions/*.py", "autograd/*.py", "optim/*.py", "program/*.py", "kernels.py")
    for path in sorted((ROOT / "tinyact").glob(pattern))
    if path.name not in LEFT_OUT
]
# What else computes derivatives, for mutants that survive their own tests.
WIDER = [
    path
    for name in ("functions", "autograd", "nn", "optim", "program", "tensor", "creation", "kernels")
    for path in (f"tests/{name}", f"tests/test_{name}.py")
    if (ROOT / path).exists()
]


class Coverage(NamedTuple):
    """How long a test takes, and which functions it calls, each as "file place"."""

    seconds: float
    calls: set[str]


def mirror(file: str) -> str:
    """The tests that mirror a file: those of its own name, or else those of its package."""
    path = Path(file).relative_to("tinyact")
    tests = (
        Path("tests", path.parent, f"test_{path.name}"),
        Path("tests", path.parent),
        Path(f"tests/test_{path.parent}.py"),
    )
    return next(str(test) for test in tests if (ROOT / test).exists())


def choose(mutant: Mutant, coverage: dict[str, Coverage]) -> set[str]:
    """The tests that can notice it: those that call what it changes, or all if importing does."""
    changed = f"{mutant.file} {mutant.place.partition(' ')[0]}"
    chosen = {test for test, (_, calls) in coverage.items() if changed in calls}
    return set(coverage) if "" in chosen or not chosen else chosen


class Tracer:
    """A pytest plugin that measures the `Coverage` of each test, and of importing."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        self.importing: set[tuple[str, int]] = set()
        self.called = self.importing
        self.tests: dict[str, tuple[float, set[tuple[str, int]]]] = {}
        for install in (threading.setprofile, sys.setprofile):
            install(self.note)

    def note(self, frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            self.called.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    def pytest_runtest_protocol(self, item: Any) -> None:
        self.called = set()
        self.tests[item.nodeid] = time.monotonic(), self.called

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        start, called = self.tests[nodeid]
        self.tests[nodeid] = time.monotonic() - start, called

    def coverage(self) -> dict[str, tuple[float, list[str]]]:
        """Per test, for JSON; under "" what importing calls."""
        files = {str(self.copy / file): (file, definitions((self.copy / file).read_text())) for file in FILES}

        def names(called: set[tuple[str, int]]) -> list[str]:
            places = ((*files[path], line) for path, line in called if path in files)
            return sorted({f"{file} {functions.get(line, '')}" for file, functions, line in places})

        tests = {test: (seconds, names(called)) for test, (seconds, called) in self.tests.items()}
        return {**tests, "": (0.0, names(self.importing))}
