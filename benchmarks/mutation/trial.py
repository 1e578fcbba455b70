"""How a mutant is tried: by a process that has everything loaded and forks, which takes less time than loading anew."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import inspect
import json
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

from benchmarks.mutation.coverage import ROOT, WIDER, Coverage, Tracer, choose, mirror
from benchmarks.mutation.mutants import Mutant

# These build graphs so deep that each takes longer than hundreds of others.
DEEP = ("test_a_million_operations_deep", "test_a_deep_graph_that_was_never_swept_is_freed")
QUICK, FULL = "few examples", "all examples"


def fork(run: Callable[[], int], seconds: float = 3600) -> str:
    """The outcome of tests that run in a silent process of their own: "passed", "failed", or "timeout"."""
    child = os.fork()
    if child == 0:
        if seconds < math.inf:
            # Of the processor's time, since others may use the machine too; and an end to those that only wait.
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), resource.RLIM_INFINITY))
            signal.alarm(math.ceil(20 * seconds))
        os._exit(_silently(run))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM):
        return "timeout"
    return "passed" if status == 0 else "failed"


def _silently(run: Callable[[], int]) -> int:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        return run() & 0xFF
    except BaseException:
        return 1


def run_pytest(copy: Path, tests: Iterable[str], plugin: object) -> int:
    """pytest in a copy of the project. Nothing of tinyact may have been imported before, but this file."""
    import pytest

    os.chdir(copy)
    sys.path[:] = [str(copy), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT)]
    for name in [name for name in sys.modules if name.split(".")[0] in ("tinyact", "tests", "reference", "benchmarks")]:
        del sys.modules[name]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += ["-k", " and ".join(f"not {name}" for name in DEEP)]
    return int(pytest.main([*options, *tests], [plugin]))


def trace(copy: Path) -> int:
    """All tests on the unchanged copy; their coverage then stands in ``coverage.json``."""
    tracer = Tracer(copy)
    status = run_pytest(copy, WIDER, tracer)
    sys.setprofile(None)
    (copy / "coverage.json").write_text(json.dumps(tracer.coverage()))
    return status


class Attempt:
    """A pytest plugin that runs some of the collected tests, the quickest first, up to the first that fails."""

    def __init__(self, tests: set[str], coverage: dict[str, Coverage], profile: str) -> None:
        self.tests, self.coverage, self.profile = tests, coverage, profile
        self.failed = False

    def pytest_runtestloop(self, session: Any) -> bool:
        self.run(session)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed |= report.failed

    def run(self, session: Any) -> int:
        chosen = [item for item in session.items if item.nodeid in self.tests]
        for item in sorted(chosen, key=lambda item: self.coverage[item.nodeid].seconds):
            if self.profile == QUICK:
                _with_few_examples(item.obj)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.failed:
                return 1
        return 0


def _with_few_examples(test: Any) -> None:
    from hypothesis import settings

    name = "_hypothesis_internal_use_settings"
    if hasattr(test, name):
        setattr(test, name, settings(getattr(test, name), max_examples=5))


class Server:
    """A pytest plugin that tries mutants on the collected tests, each in a fork in which one function has new code.

    Nothing has to be imported anew, which is most of the time that a test takes. Only what importing itself computes
    can't be changed like this: those mutants are left.
    """

    def __init__(self, todo: list[Mutant], coverage: dict[str, Coverage], note: Callable[[Mutant, str], None]) -> None:
        self.todo, self.coverage, self.note = todo, coverage, note

    def pytest_runtestloop(self, session: Any) -> bool:
        gc.freeze()  # or each fork would copy all that is loaded, just to count it
        for mutant in self.todo:
            change = changed_function(mutant, self.coverage)
            if change is not None:
                self.note(mutant, fate(mutant, self.coverage, functools.partial(self.attempt, session, *change)))
        return True

    def attempt(
        self, session: Any, function: Any, code: CodeType, tests: set[str], profile: str, seconds: float
    ) -> str:
        def run() -> int:
            function.__code__ = code
            attempt = Attempt(tests, self.coverage, profile)
            session.config.pluginmanager.register(attempt)
            return attempt.run(session)

        return fork(run, seconds)


def changed_function(mutant: Mutant, coverage: dict[str, Coverage]) -> tuple[Any, CodeType] | None:
    """The loaded function that a mutant changes and its new code; None if that would not be the whole change."""
    module = sys.modules[mutant.file.removesuffix(".py").replace("/", ".")]
    target: Any = module
    path = mutant.place.partition(" ")[0].split(".")
    for depth, name in enumerate(path):
        if f"{mutant.file} {'.'.join(path[: depth + 1])}" in coverage[""].calls:
            return None  # importing has called it, and keeps what came of it
        if not inspect.isfunction(target):
            target = vars(target).get(name)
            target = inspect.unwrap(getattr(target, "fget", None) or getattr(target, "__func__", target))
    if not inspect.isfunction(target) or target.__code__.co_filename != module.__file__:
        return None
    old = target.__code__
    for code in _codes(compile(mutant.source, old.co_filename, "exec")):
        if (code.co_name, code.co_firstlineno, code.co_freevars) == (old.co_name, old.co_firstlineno, old.co_freevars):
            return target, code
    return None


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def fate(mutant: Mutant, coverage: dict[str, Coverage], attempt: Callable[[set[str], str, float], str]) -> str:
    """Which tests noticed the mutant, or "survived"."""
    chosen = choose(mutant, coverage) - {""}
    own = {test for test in chosen if test.startswith(mirror(mutant.file))}
    for stage, tests, profile in (("quick", own, QUICK), ("own", own, FULL), ("wider", chosen - own, QUICK)):
        # Ten times as long as it should take; all examples are at most twelve times as many as few.
        limit = 10 + 10 * sum(coverage[test].seconds for test in tests) * (12 if profile == FULL else 1)
        outcome = attempt(tests, profile, limit) if tests else "passed"
        if outcome != "passed":
            return f"{stage}: {outcome}"
    return "survived"


def fate_in_files(mutant: Mutant, copy: Path, coverage: dict[str, Coverage]) -> str:
    """The same with the changed file in place of the original one, and everything imported anew."""
    target = copy / mutant.file
    original = target.read_text()
    target.write_text(mutant.source)

    def attempt(tests: set[str], profile: str, seconds: float) -> str:
        files = sorted({test.partition("::")[0] for test in tests})
        return fork(lambda: run_pytest(copy, files, Attempt(tests, coverage, profile)), seconds)

    try:
        sys.dont_write_bytecode = True
        return fate(mutant, coverage, attempt)
    finally:
        target.write_text(original)


@contextlib.contextmanager
def copies(count: int) -> Iterator[tuple[list[Path], dict[str, Coverage]]]:
    """So many copies of the project in which files can be changed, and the coverage of the tests.

    Raises:
        RuntimeError: if the tests fail without any change, or only pass in their own order.
    """
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder, str(number)).resolve() for number in range(count)]
        shutil.copytree(ROOT, copies[0], ignore=shutil.ignore_patterns(".*", "__pycache__"))
        if fork(lambda: trace(copies[0])) != "passed":
            raise RuntimeError("the tests fail without any change, so that they can tell nothing about changes")
        tests = json.loads((copies[0] / "coverage.json").read_text())
        coverage = {test: Coverage(seconds, set(calls)) for test, (seconds, calls) in tests.items()}
        if fork(lambda: run_pytest(copies[0], WIDER, Attempt(set(tests), coverage, QUICK))) != "passed":
            raise RuntimeError("the tests fail without any change, if they run in another order")
        for copy in copies[1:]:
            shutil.copytree(copies[0], copy)
        yield copies, coverage


def load() -> None:
    """Import what all children need, once."""
    for name in ("hypothesis", "numpy", "pytest", "scipy.special", "sklearn.datasets"):
        importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)


def fates(state: Path) -> dict[str, str]:
    """The outcomes of earlier runs by the mutants' keys."""
    lines = state.read_text().splitlines() if state.exists() else []
    return {entry["key"]: entry["fate"] for entry in map(json.loads, lines)}


def work(todo: list[Mutant], state: Path, jobs: int) -> None:
    """All of these mutants, on so many processes, each of which takes every n-th."""
    if not todo:
        return
    load()
    with copies(jobs) as (folders, coverage):
        children = [os.fork() or _work_off(todo[n::jobs], copy, coverage, state) for n, copy in enumerate(folders)]
        for child in children:
            os.waitpid(child, 0)


def _work_off(todo: list[Mutant], copy: Path, coverage: dict[str, Coverage], state: Path) -> NoReturn:
    """One process's part: first what can be changed in loaded modules, then the rest."""

    def note(mutant: Mutant, outcome: str) -> None:
        with state.open("a") as file:
            file.write(json.dumps({"key": mutant.key, "line": mutant.line, "fate": outcome}, ensure_ascii=False) + "\n")
        with (copy / "tried.txt").open("a") as file:
            file.write(mutant.key + "\n")
        os.write(terminal, f"{outcome:16} {mutant.file}:{mutant.line}  {mutant.after}\n".encode())

    terminal = os.dup(1)
    (copy / "tried.txt").touch()
    fork(lambda: run_pytest(copy, WIDER, Server(todo, coverage, note)), math.inf)
    tried = set((copy / "tried.txt").read_text().splitlines())
    for mutant in todo:
        if mutant.key not in tried:
            note(mutant, fate_in_files(mutant, copy, coverage))
    os._exit(0)
