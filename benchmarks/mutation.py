"""Can a wrong derivative get past the tests? Every formula changed in every small way, one change at a time.

Each change, a mutant, is tried on the tests that mirror its file, first with few random examples, then with all of
them, then on the other tests of derivatives with few. A mutant that no test notices has survived; the report lists it.
Changes are cosmic-ray's; what runs them is a process that has PyTorch loaded and forks, since loading takes longer than
most mutants live. An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from benchmarks.accuracy import RESULTS
from benchmarks.timing import versions

ROOT = Path(__file__).parents[1]
FILES = [
    *(f"tinyact/functions/{name}.py" for name in ("activation", "elementwise", "softmax", "loss", "linear")),
    *(f"tinyact/functions/{name}.py" for name in ("arithmetic", "reduction", "shape")),
    *(f"tinyact/autograd/{name}.py" for name in ("engine", "api")),
    "tinyact/optim.py",
]
# Files whose tests have another name than theirs.
TESTS = {"tinyact/autograd/engine.py": ["tests/autograd"], "tinyact/autograd/api.py": ["tests/autograd"]}
# What else knows derivatives, for those that survive their own tests.
WIDER = ["tests/functions", "tests/autograd", "tests/nn"]
WIDER += [f"tests/test_{name}.py" for name in ("optim", "tensor", "parallel")]
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
BASELINE, QUICK, FULL = "unchanged", "few examples", "all examples"
SECONDS = 120


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
    """All changes of a file that could change what it computes."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    irrelevant, places = without_effect(source), definitions(source)
    for name in OPERATORS:
        operator = get_operator(name)()
        positions = [at for node in ast_nodes(get_ast(source)) for at in operator.mutation_positions(node)]
        for occurrence, ((line, _), _) in enumerate(positions):
            changed = None if line in irrelevant else mutate_code(source, operator, occurrence)
            if changed is not None and changed != source:
                yield Mutant(file, places.get(line, ""), line, *_difference(source, changed), changed)


def _difference(source: str, changed: str) -> tuple[str, str]:
    lines = [line for line in difflib.ndiff(source.splitlines(), changed.splitlines()) if line[0] in "-+"]
    old, new = (" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return old, new


def definitions(source: str) -> dict[int, str]:
    """By line the class and function that it is in."""
    found: dict[int, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = name
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                inner = f"{name}.{child.name}".lstrip(".")
                found.update(dict.fromkeys(range(child.lineno, (child.end_lineno or child.lineno) + 1), inner))
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


# --- running -------------------------------------------------------------------------------------------------------


def fork_tests(copy: Path, tests: list[str], profile: str) -> str:
    """What the tests say in a copy of the project: "passed", "failed", or "timeout"."""
    child = os.fork()
    if child == 0:
        os._exit(_run_tests(copy, tests, profile))
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "passed" if status == 0 else "failed"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def _run_tests(copy: Path, tests: list[str], profile: str) -> int:
    """In the child: pytest on the copy, silently. Nothing of tinyact may have been imported before, but this file."""
    import pytest
    from hypothesis import settings

    sys.dont_write_bytecode = profile is not BASELINE
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.chdir(copy)
    sys.path[:] = [str(copy), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT)]
    for name in [name for name in sys.modules if name.split(".")[0] in ("tinyact", "tests", "benchmarks")]:
        del sys.modules[name]
    settings.register_profile("few", deadline=None, derandomize=True, max_examples=5, database=None)
    chosen = [] if profile == FULL else ["--hypothesis-profile=few"]
    loaded_before = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *loaded_before, *chosen, *tests]))


def fate(mutant: Mutant, copy: Path) -> str:
    """Which tests noticed the mutant, or "survived"."""
    target = copy / mutant.file
    original = target.read_text()
    target.write_text(mutant.source)
    try:
        own = mirror(mutant.file)
        for stage, tests, profile in (("quick", own, QUICK), ("own", own, FULL), ("wider", WIDER, QUICK)):
            said = fork_tests(copy, tests, profile)
            if said != "passed":
                return f"{stage}: {said}"
        return "survived"
    finally:
        target.write_text(original)


@contextlib.contextmanager
def copies(count: int) -> Iterator[list[Path]]:
    """So many copies of the project in which files can be changed, compiled already.

    Raises:
        RuntimeError: if the tests fail without any change.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = [Path(folder, str(number)) for number in range(count)]
        shutil.copytree(ROOT, found[0], ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".hypothesis"))
        if fork_tests(found[0], WIDER, BASELINE) != "passed":
            raise RuntimeError("the tests fail without any change, so that they can tell nothing about changes")
        for copy in found[1:]:
            shutil.copytree(found[0], copy)
        yield found


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


def known(state: Path) -> dict[str, str]:
    """The fates of earlier runs by key."""
    lines = state.read_text().splitlines() if state.exists() else []
    return {entry["key"]: entry["fate"] for entry in map(json.loads, lines)}


def work(todo: list[Mutant], state: Path, jobs: int) -> None:
    """All of these mutants, on so many processes, each of which takes every so-manieth."""
    if not todo:
        return
    load()
    with copies(jobs) as found:
        children = [os.fork() or _work_off(todo[n::jobs], copy, state) for n, copy in enumerate(found)]
        for child in children:
            os.waitpid(child, 0)


def _work_off(todo: list[Mutant], copy: Path, state: Path) -> NoReturn:
    """One process's part."""
    for mutant in todo:
        entry = {"key": mutant.key, "line": mutant.line, "fate": fate(mutant, copy)}
        with state.open("a") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        print(f"{entry['fate']:16} {mutant.file}:{mutant.line}  {mutant.after}", flush=True)
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
    score = count["killed"] / max(1, count["tried"] - count["same"])
    cells = (count[key] for key in ("all", "tried", "killed", "same", "left"))
    return f"| {name} | {' | '.join(map(str, cells))} | {score:.1%} |"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", default=FILES, help="which files (default: all that compute derivatives)")
    parser.add_argument("--sample", type=int, help="so many mutants of each file, chosen at random; default: all")
    parser.add_argument("--seed", type=int, default=0, help="for the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--again", action="store_true", help="try the survivors of earlier runs again")
    parser.add_argument("--state", type=Path, default=Path("mutation.jsonl"), help="where a run goes on")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for mutation.md")
    options: Any = parser.parse_args(arguments)
    all_of = {file: list(mutants(file, (ROOT / file).read_text())) for file in options.files}
    fates = known(options.state)
    todo = []
    for found in all_of.values():
        # A larger sample holds the smaller one.
        shuffled = random.Random(options.seed).sample(found, len(found))
        chosen = shuffled[: options.sample]
        todo += [m for m in chosen if m.key not in fates or (options.again and fates[m.key] == "survived")]
    work(todo, options.state, options.jobs)
    options.out.mkdir(parents=True, exist_ok=True)
    reasons = equivalents()
    text = report(all_of, known(options.state), reasons)
    (options.out / "mutation.md").write_text(text)
    print(text)
    left = [key for key, said in known(options.state).items() if said == "survived" and key not in reasons]
    return bool(left)


if __name__ == "__main__":
    raise SystemExit(main())
