"""Mutation testing: what it changes, what it leaves alone, and that it tells noticed changes from unnoticed ones."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.mutation.__main__ import equivalents, main, tables
from benchmarks.mutation.coverage import FILES, ROOT, WIDER, Coverage, choose, mirror
from benchmarks.mutation.mutants import Mutant, mutants
from benchmarks.mutation.trial import copies, fate_in_files, fates, work
from benchmarks.speed.timing import alone

SOURCE = '''"""Doc: 1 + 1."""
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    x: int = 1 + 1


class A:
    def f(self, x: int = 3) -> float:
        """2 + 2"""
        if x < 2:
            raise ValueError(f"{x - 1}")
        return x * -x
'''


def test_formulas_are_changed_and_words_are_not() -> None:
    changes = {(m.line, m.place, m.before, m.after.replace("  ", " ")) for m in mutants("a.py", SOURCE)}
    assert {line for line, *_ in changes} == {12, 14}
    assert {place for _, place, *_ in changes} == {"A.f"}
    assert {after for line, _, _, after in changes if line == 14} == {"return x / -x", "return x * x"}
    assert {after for line, _, _, after in changes if line == 12} == {
        "if x <= 2:", "if x >= 2:", "if x < 3:", "if x < 1:", "if not x < 2:"
    }  # fmt: skip


def test_no_two_mutants_have_one_name() -> None:
    twice = "def f(x):\n    y = x + 1\n    print(y)\n    y = x + 1\n    return {'a': x, **y}\n"
    both = list(mutants("a.py", twice))
    assert len({m.key for m in both}) == len({m.source for m in both}) == len(both) == 6
    assert [m.key for m in both if m.after == "y = x - 1"] == [
        "a.py f: y = x + 1 → y = x - 1", "a.py f (2): y = x + 1 → y = x - 1"
    ]  # fmt: skip


def test_only_tests_that_call_the_changed_function_are_asked() -> None:
    coverage = {
        "": Coverage(0, {"a.py g"}),
        "t.py::f": Coverage(1, {"a.py A.f"}),
        "t.py::g": Coverage(1, {"a.py g", "b.py A.f"}),
    }

    def chosen(place: str) -> set[str]:
        return choose(Mutant("a.py", place, 1, "", "", ""), coverage)

    assert chosen("A.f") == chosen("A.f (2)") == {"t.py::f"}
    # What importing calls, and what is called nowhere or is no function, concerns all.
    assert chosen("g") == chosen("A") == chosen("") == set(coverage)


def test_every_file_has_tests() -> None:
    assert {"tinyact/functions/softmax.py", "tinyact/autograd/api.py"} <= set(FILES)
    assert not any(file.endswith("__init__.py") for file in FILES)
    assert mirror("tinyact/functions/softmax.py") == "tests/functions/test_softmax.py"
    assert mirror("tinyact/functions/operand.py") == "tests/functions"
    for path in (*map(mirror, FILES), *WIDER):
        assert (ROOT / path).exists()


def outcomes(state: Path, *tried: Mutant) -> list[list[str]]:
    """What becomes of them in loaded modules and in changed files."""
    WIDER[:] = ["tests/functions/test_softmax.py"]
    work(list(tried), state, 1)
    with copies(1) as ((copy,), coverage):
        assert {test.partition("::")[0] for test in coverage} == {"", *WIDER}
        in_files = [fate_in_files(mutant, copy, coverage) for mutant in tried]
        assert (copy / tried[0].file).read_text() == (ROOT / tried[0].file).read_text()
    return [list(fates(state).values()), in_files]


def test_a_wrong_derivative_is_noticed_and_another_name_is_not(tmp_path: Path) -> None:
    file = "tinyact/functions/softmax.py"
    source = (ROOT / file).read_text()
    rule = "return y * (grad - sums(grad * y, self.dims))"
    place = "Softmax.chain"
    wrong = Mutant(file, place, 0, rule, "", source.replace(rule, rule.replace("grad - ", "grad + ")))
    same = Mutant(file, place, 0, "", "", source.replace(rule, rule + "  # the same"))
    assert source not in (wrong.source, same.source)
    # In a process that has used no threads yet: those of PyTorch don't survive the fork.
    assert alone(outcomes, tmp_path / "state", wrong, same) == [["quick: failed", "survived"]] * 2


def test_the_report_counts_and_gives_reasons() -> None:
    four = [Mutant("a.py", "f", n, f"from {n}", f"to {n}", "") for n in range(4)]
    outcomes = {four[0].key: "quick: failed", four[1].key: "survived", four[2].key: "survived"}
    text = tables({"a.py": four}, outcomes, {four[1].key: "the same"})
    assert "| a.py | 4 | 3 | 1 | 1 | 1 | 50.0% |" in text
    assert "| a.py:1 | `from 1` | `to 1` | the same |" in text
    assert "| a.py:2 | `from 2` | `to 2` |  |" in text


def test_reasons_belong_to_mutants_that_exist() -> None:
    reasons = equivalents()
    files = {key.split()[0] for key in reasons}
    keys = {m.key for file in files if (ROOT / file).exists() for m in mutants(file, (ROOT / file).read_text())}
    assert sorted(set(reasons) - keys) == []


def test_a_run_that_has_nothing_left_to_do(tmp_path: Path) -> None:
    file = "tinyact/functions/softmax.py"
    keys = [m.key for m in mutants(file, (ROOT / file).read_text())]
    state = tmp_path / "state.jsonl"
    state.write_text("".join(json.dumps({"key": key, "line": 1, "fate": "quick: failed"}) + "\n" for key in keys))
    assert main([file, "--state", str(state), "--out", str(tmp_path)]) == 0
    count = len(keys)
    assert f"| all | {count} | {count} | {count} | 0 | 0 | 100.0% |" in (tmp_path / "mutation.md").read_text()
