"""Can a wrong derivative get past the tests? Every formula changed in every small way, one change at a time.

Each change, a mutant, is tried on the tests that call the changed function, the quickest first: those that mirror its
file, with few random examples and then with all of them, and then the other tests of derivatives with few. A mutant
that no test notices has survived; the report lists it. Changes are cosmic-ray's; what runs them is a process that has
everything loaded and forks, since loading takes longer than most mutants live. An interrupted run goes on where it
stopped.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import gc
import inspect
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple, NoReturn

from benchmarks.accuracy import RESULTS
from benchmarks.timing import versions

ROOT = Path(__file__).parents[1]
FILES = [
    *(f"tinyact/functions/{name}.py" for name in ("activation", "elementwise", "softmax", "loss", "linear")),
    *(f"tinyact/functions/{name}.py" for name in ("arithmetic", "reduction", "shape", "operand")),
    *(f"tinyact/functions/{name}.py" for name in ("comparison", "described")),
    *(f"tinyact/autograd/{name}.py" for name in ("engine", "api", "function", "functional", "modes", "gradcheck")),
    "tinyact/optim.py",
]
# Files whose tests have another name than theirs.
TESTS = {f"tinyact/autograd/{name}.py": ["tests/autograd"] for name in ("engine", "api")}
TESTS["tinyact/functions/operand.py"] = ["tests/functions"]
TESTS["tinyact/functions/described.py"] = ["tests/functions/test_activation.py", "tests/nn/test_activation.py"]
# What else knows derivatives, for those that survive their own tests.
WIDER = ["tests/functions", "tests/autograd", "tests/nn"]
WIDER += [f"tests/test_{name}.py" for name in ("optim", "tensor", "parallel")]
# These build graphs so deep that each takes longer than hundreds of others.
DEEP = ("test_a_million_operations_deep", "test_a_deep_graph_that_was_never_swept_is_freed")
# One wrong operator each is enough: the other nine that cosmic-ray knows are noticed by the same tests.
BINARY = {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "Pow": "Mul", "BitAnd": "BitOr", "BitXor": "BitAnd"}
COMPARISONS = {"Lt": ("LtE", "GtE"), "LtE": ("Lt", "Gt"), "Gt": ("GtE", "LtE"), "GtE": ("Gt", "Lt"), "Eq": ("NotEq",)}
COMPARISONS |= {"NotEq": ("Eq",), "Is": ("IsNot",), "IsNot": ("Is",)}
OPERATORS = [
    *(f"core/ReplaceBinaryOperator_{old}_{new}" for old, new in BINARY.items()),
    *(f"core/ReplaceComparisonOperator_{old}_{new}" for old, news in COMPARISONS.items() for new in news),
    *(f"core/ReplaceUnaryOperator_Delete_{name}" for name in ("USub", "Invert", "Not")),
    *(f"core/Replace{change}" for change in ("TrueWithFalse", "FalseWithTrue", "AndWithOr", "OrWithAnd")),
    *(f"core/{name}" for name in ("NumberReplacer", "AddNot", "ZeroIterationForLoop")),
]
QUICK, FULL = "few examples", "all examples"


class Mutant(NamedTuple):
    """One change of one file."""

    file: str
    place: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """What identifies it, however the lines around it move."""
        return f"{self.file} {self.place}: {self.before} → {self.after}"


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """All changes of a file that could change what it computes, statement by statement of the module."""
    irrelevant, places, lines = without_effect(source), definitions(source), source.splitlines(keepends=True)
    seen: Counter[str] = Counter()
    for node in ast.parse(source).body:
        first, last = _extent(node)
        before, piece, after = ("".join(part) for part in (lines[: first - 1], lines[first - 1 : last], lines[last:]))
        for offset, changed in _changes(piece):
            line = first + offset
            if line in irrelevant:
                continue
            place, old_and_new = places.get(line, ""), _difference(piece, changed)
            mutant = Mutant(file, place, line, *old_and_new, before + changed + after)
            seen[mutant.key] += 1
            if seen[mutant.key] > 1:  # the same line stands in the function once more
                mutant = mutant._replace(place=f"{place} ({seen[mutant.key]})")
            yield mutant


def _changes(piece: str) -> Iterator[tuple[int, str]]:
    """All changes of a piece of source, each with its line, counted from 0."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    nodes, found = list(ast_nodes(get_ast(piece))), {_meaning(piece)}
    for name in OPERATORS:
        operator = get_operator(name)()
        positions = [at for node in nodes for at in operator.mutation_positions(node)]
        for occurrence, ((line, _), _) in enumerate(positions):
            changed = mutate_code(piece, operator, occurrence)
            # zip's strict=True only says what is known already.
            if changed is None or changed.count("strict=True") < piece.count("strict=True"):
                continue
            meaning = _meaning(changed)
            if meaning is not None and meaning not in found:
                found.add(meaning)
                yield line - 1, changed


def _meaning(piece: str) -> str | None:
    """The same text for all ways to write a piece of source; None if it is no Python."""
    try:
        return ast.dump(ast.parse(piece))
    except SyntaxError:
        return None


def _extent(node: ast.stmt) -> tuple[int, int]:
    """The first and last line of a statement with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)]), node.end_lineno or node.lineno


def _difference(source: str, changed: str) -> tuple[str, str]:
    """The lines between the first and the last that differ, before and after."""
    old, new = source.splitlines(), changed.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return " ".join(line.strip() for line in old), " ".join(line.strip() for line in new)


def definitions(source: str) -> dict[int, str]:
    """By line the class and function that it is in."""
    found: dict[int, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = name
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                inner = f"{name}.{child.name}".lstrip(".")
                first, last = _extent(child)
                found.update(dict.fromkeys(range(first, last + 1), inner))
            visit(child, inner)

    visit(ast.parse(source), "")
    return found


def without_effect(source: str) -> set[int]:
    """The lines that only say something: docstrings, annotations, decorators, imports, error messages."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            # The signature up to the body; its defaults are checked against PyTorch's by another test.
            found |= {*range(node.lineno, node.body[0].lineno), *(d.lineno for d in node.decorator_list)}
        quiet = isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom))
        if quiet or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def mirror(file: str) -> list[str]:
    """The tests that mirror a file."""
    path = Path(file)
    return TESTS.get(file, [str(Path("tests", *path.parts[1:-1], f"test_{path.name}"))])


# --- which tests know a function -----------------------------------------------------------------------------------


class Known(NamedTuple):
    """What is known about a test: how long it takes, and which functions it calls, each as "file place"."""

    seconds: float
    calls: set[str]


class Watch:
    """A pytest plugin that finds out what is `Known`, and what importing calls."""

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

    def found(self) -> dict[str, list[Any]]:
        """Per test its time and calls; under "" what importing calls."""
        places = {str(self.copy / file): definitions((self.copy / file).read_text()) for file in FILES}
        names = {str(self.copy / file): file for file in FILES}

        def named(called: set[tuple[str, int]]) -> list[str]:
            return sorted({f"{names[f]} {places[f].get(line, '')}" for f, line in called if f in names})

        tests = {test: [seconds, named(called)] for test, (seconds, called) in self.tests.items()}
        return {**tests, "": [0.0, named(self.importing)]}


def choose(mutant: Mutant, known: dict[str, Known]) -> set[str]:
    """The tests that can notice it: those that call what it changes, or all if importing does."""
    changed = f"{mutant.file} {mutant.place.partition(' ')[0]}"
    able = {name for name, test in known.items() if changed in test.calls}
    return set(known) if "" in able or not able else able


# --- running -------------------------------------------------------------------------------------------------------


def fork(run: Callable[[], int], seconds: float = 3600) -> str:
    """What tests say that run in a silent process of their own: "passed", "failed", or "timeout"."""
    child = os.fork()
    if child == 0:
        if seconds < math.inf:
            _limit(seconds)
        os._exit(_silently(run))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM):
        return "timeout"
    return "passed" if status == 0 else "failed"


def _limit(seconds: float) -> None:
    """So much of a processor's time, since others may use the machine too; and an end to those that only wait."""
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), resource.RLIM_INFINITY))
    signal.alarm(math.ceil(20 * seconds))


def _silently(run: Callable[[], int]) -> int:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        return run() & 0xFF
    except BaseException:
        return 1


def run_pytest(copy: Path, tests: Iterable[str], make_plugin: Callable[[], Any]) -> int:
    """pytest in a copy of the project. Nothing of tinyact may have been imported before, but this file."""
    import pytest

    os.chdir(copy)
    sys.path[:] = [str(copy), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT)]
    for name in [name for name in sys.modules if name.split(".")[0] in ("tinyact", "tests", "benchmarks")]:
        del sys.modules[name]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += ["-k", " and ".join(f"not {name}" for name in DEEP)]
    return int(pytest.main([*options, *tests], [make_plugin()]))


def watch(copy: Path) -> int:
    """All tests on the unchanged copy; what is known about them then stands in ``known.json``."""
    watching: list[Watch] = []
    said = run_pytest(copy, WIDER, lambda: watching.append(Watch(copy)) or watching[0])
    sys.setprofile(None)
    (copy / "known.json").write_text(json.dumps(watching[0].found()))
    return said


class Attempt:
    """A pytest plugin that runs some of the collected tests, the quickest first, up to the first that fails."""

    def __init__(self, tests: set[str], known: dict[str, Known], profile: str) -> None:
        self.tests, self.known, self.profile = tests, known, profile
        self.failed = False

    def pytest_runtestloop(self, session: Any) -> bool:
        self.run(session)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed |= report.failed

    def run(self, session: Any) -> int:
        chosen = [item for item in session.items if item.nodeid in self.tests]
        for item in sorted(chosen, key=lambda item: self.known[item.nodeid].seconds):
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

    def __init__(self, todo: list[Mutant], known: dict[str, Known], say: Callable[[Mutant, str], None]) -> None:
        self.todo, self.known, self.say = todo, known, say

    def pytest_runtestloop(self, session: Any) -> bool:
        gc.freeze()  # or each fork would copy all that is loaded, just to count it
        for mutant in self.todo:
            change = changed_function(mutant, self.known)
            if change is not None:
                self.say(mutant, fate(mutant, self.known, functools.partial(self.attempt, session, *change)))
        return True

    def attempt(
        self, session: Any, function: Any, code: CodeType, tests: set[str], profile: str, seconds: float
    ) -> str:
        def run() -> int:
            function.__code__ = code
            attempt = Attempt(tests, self.known, profile)
            session.config.pluginmanager.register(attempt)
            return attempt.run(session)

        return fork(run, seconds)


def changed_function(mutant: Mutant, known: dict[str, Known]) -> tuple[Any, CodeType] | None:
    """The loaded function that a mutant changes and its new code; None if that would not be the whole change."""
    module = sys.modules[mutant.file.removesuffix(".py").replace("/", ".")]
    found: Any = module
    path = mutant.place.partition(" ")[0].split(".")
    for depth, name in enumerate(path):
        if f"{mutant.file} {'.'.join(path[: depth + 1])}" in known[""].calls:
            return None  # importing has called it, and keeps what came of it
        if not inspect.isfunction(found):
            found = vars(found).get(name)
            found = inspect.unwrap(getattr(found, "fget", None) or getattr(found, "__func__", found))
    if not inspect.isfunction(found) or found.__code__.co_filename != module.__file__:
        return None
    old = found.__code__
    for code in _codes(compile(mutant.source, old.co_filename, "exec")):
        if (code.co_name, code.co_firstlineno, code.co_freevars) == (old.co_name, old.co_firstlineno, old.co_freevars):
            return found, code
    return None


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def fate(mutant: Mutant, known: dict[str, Known], attempt: Callable[[set[str], str, float], str]) -> str:
    """Which tests noticed the mutant, or "survived"."""
    able, paths = choose(mutant, known) - {""}, tuple(mirror(mutant.file))
    own = {test for test in able if test.startswith(paths)}
    for stage, tests, profile in (("quick", own, QUICK), ("own", own, FULL), ("wider", able - own, QUICK)):
        # Ten times as long as it should take; all examples are at most twelve times as many as few.
        limit = 10 + 10 * sum(known[test].seconds for test in tests) * (12 if profile == FULL else 1)
        said = attempt(tests, profile, limit) if tests else "passed"
        if said != "passed":
            return f"{stage}: {said}"
    return "survived"


def fate_in_files(mutant: Mutant, copy: Path, known: dict[str, Known]) -> str:
    """The same with the changed file in place of the original one, and everything imported anew."""
    target = copy / mutant.file
    original = target.read_text()
    target.write_text(mutant.source)

    def attempt(tests: set[str], profile: str, seconds: float) -> str:
        files = sorted({test.partition("::")[0] for test in tests})
        return fork(lambda: run_pytest(copy, files, lambda: Attempt(tests, known, profile)), seconds)

    try:
        sys.dont_write_bytecode = True
        return fate(mutant, known, attempt)
    finally:
        target.write_text(original)


@contextlib.contextmanager
def copies(count: int) -> Iterator[tuple[list[Path], dict[str, Known]]]:
    """So many copies of the project in which files can be changed, and what is known about the tests.

    Raises:
        RuntimeError: if the tests fail without any change, or only pass in their own order.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = [Path(folder, str(number)).resolve() for number in range(count)]
        shutil.copytree(ROOT, found[0], ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".hypothesis"))
        if fork(lambda: watch(found[0])) != "passed":
            raise RuntimeError("the tests fail without any change, so that they can tell nothing about changes")
        tests = json.loads((found[0] / "known.json").read_text())
        known = {name: Known(seconds, set(calls)) for name, (seconds, calls) in tests.items()}
        if fork(lambda: run_pytest(found[0], WIDER, lambda: Attempt(set(known), known, QUICK))) != "passed":
            raise RuntimeError("the tests fail without any change, if they run in another order")
        for copy in found[1:]:
            shutil.copytree(found[0], copy)
        yield found, known


def load() -> None:
    """Import what all children need, once."""
    import hypothesis
    import numpy
    import pytest
    import scipy.special
    import sklearn.datasets
    import torch

    torch.set_num_threads(1)
    del hypothesis, numpy, pytest, scipy, sklearn


def earlier(state: Path) -> dict[str, str]:
    """The fates of earlier runs by key."""
    lines = state.read_text().splitlines() if state.exists() else []
    return {entry["key"]: entry["fate"] for entry in map(json.loads, lines)}


def work(todo: list[Mutant], state: Path, jobs: int) -> None:
    """All of these mutants, on so many processes, each of which takes every so-manieth."""
    if not todo:
        return
    load()
    with copies(jobs) as (found, tests):
        children = [os.fork() or _work_off(todo[n::jobs], copy, tests, state) for n, copy in enumerate(found)]
        for child in children:
            os.waitpid(child, 0)


def _work_off(todo: list[Mutant], copy: Path, known: dict[str, Known], state: Path) -> NoReturn:
    """One process's part: first what can be changed in loaded modules, then the rest."""

    def say(mutant: Mutant, said: str) -> None:
        with state.open("a") as file:
            file.write(json.dumps({"key": mutant.key, "line": mutant.line, "fate": said}, ensure_ascii=False) + "\n")
        with (copy / "done.txt").open("a") as file:
            file.write(mutant.key + "\n")
        os.write(terminal, f"{said:16} {mutant.file}:{mutant.line}  {mutant.after}\n".encode())

    terminal = os.dup(1)
    (copy / "done.txt").touch()
    fork(lambda: run_pytest(copy, WIDER, lambda: Server(todo, known, say)), math.inf)
    done = set((copy / "done.txt").read_text().splitlines())
    for mutant in todo:
        if mutant.key not in done:
            say(mutant, fate_in_files(mutant, copy, known))
    os._exit(0)


# --- the report ----------------------------------------------------------------------------------------------------


def equivalents() -> dict[str, str]:
    """By key the reason why a mutant can't be noticed: what it computes is the same."""
    reasons: dict[str, str] = json.loads(Path(__file__).with_name("equivalent.json").read_text())
    return reasons


def report(all_of: dict[str, list[Mutant]], fates: dict[str, str], reasons: dict[str, str]) -> str:
    """The table of scores, and every mutant that survived."""
    said = ", ".join(
        f"{name} {version}" for name, version in versions().items() if name in ("python", "numpy", "torch")
    )
    lines = ["# Mutants", "", f"`python -m benchmarks.mutation` ({said})", ""]
    lines += ["| file | mutants | tried | killed | equivalent | survived | score |", "|---|--:|--:|--:|--:|--:|--:|"]
    total: Counter[str] = Counter()
    survivors: list[str] = []
    for file, found in all_of.items():
        tried = [mutant for mutant in found if mutant.key in fates]
        alive = [mutant for mutant in tried if fates[mutant.key] == "survived"]
        same = [mutant for mutant in alive if mutant.key in reasons]
        left = [mutant for mutant in alive if mutant.key not in reasons]
        count = Counter(
            all=len(found), tried=len(tried), killed=len(tried) - len(alive), same=len(same), left=len(left)
        )
        total += count
        lines.append(_row(file, count))
        survivors += [f"| {m.file}:{m.line} | `{m.before}` | `{m.after}` | {reasons.get(m.key, '')} |" for m in alive]
    lines += [_row("all", total), "", "The score is the share of killed ones among those that are not equivalent.", ""]
    lines += ["| survived | from | to | why |", "|---|---|---|---|", *(s.replace("||", "\\|\\|") for s in survivors)]
    return "\n".join(lines) + "\n"


def _row(name: str, count: Counter[str]) -> str:
    different = count["tried"] - count["same"]
    score = f"{count['killed'] / different:.1%}" if different else "–"
    cells = (count[key] for key in ("all", "tried", "killed", "same", "left"))
    return f"| {name} | {' | '.join(map(str, cells))} | {score} |"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", default=FILES, help="which files (default: all that compute derivatives)")
    parser.add_argument("--sample", type=int, help="so many mutants of each file, chosen at random; default: all")
    parser.add_argument("--seed", type=int, default=0, help="for the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--again", action="store_true", help="try survivors that no reason is listed for again")
    parser.add_argument("--state", type=Path, default=Path("mutation.jsonl"), help="where a run goes on")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for mutation.md")
    options: Any = parser.parse_args(arguments)
    all_of = {file: list(mutants(file, (ROOT / file).read_text())) for file in options.files}
    fates = earlier(options.state)
    reasons = equivalents()
    again = (
        {key for key, said in fates.items() if said == "survived" and key not in reasons} if options.again else set()
    )
    todo = []
    for found in all_of.values():
        # A larger sample holds the smaller one.
        shuffled = random.Random(options.seed).sample(found, len(found))
        chosen = shuffled[: options.sample]
        todo += [m for m in chosen if m.key not in fates or m.key in again]
    work(todo, options.state, options.jobs)
    options.out.mkdir(parents=True, exist_ok=True)
    text = report(all_of, earlier(options.state), reasons)
    (options.out / "mutation.md").write_text(text)
    print(text)
    left = [key for key, said in earlier(options.state).items() if said == "survived" and key not in reasons]
    return bool(left)


if __name__ == "__main__":
    raise SystemExit(main())
