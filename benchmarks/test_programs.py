"""What all benchmarks have in common: help that helps, and results that say where they were measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.results import versions, write

HERE = Path(__file__).parent
PROGRAMS = {"benchmarks": "mutation", "benchmarks.speed": "profile", "benchmarks.exactness": "exhaustive"}
PROGRAMS |= {"benchmarks.mutation": "--sample"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_help(program: str) -> None:
    done = subprocess.run([sys.executable, "-m", program, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: python -m {program} ")
    assert PROGRAMS[program] in done.stdout


def test_nothing_else_can_be_run() -> None:
    packages = {f"benchmarks.{path.parent.name}".removesuffix(".benchmarks") for path in HERE.rglob("__main__.py")}
    assert packages == set(PROGRAMS)
    scripts = [path.name for path in HERE.rglob("*.py") if '\nif __name__ == "__main__":' in path.read_text()]
    assert set(scripts) <= {"__main__.py"}


def test_versions_name_what_takes_part() -> None:
    assert list(versions("machine", "cores", "python", "numpy", "torch", "tinyact", "no-such-package")) == [
        "machine", "cores", "python", "numpy", "torch", "tinyact"
    ]  # fmt: skip


def test_results_say_how_they_were_made(tmp_path: Path) -> None:
    write(tmp_path / "new" / "speed", "Speed", "`python`", {"numpy": "2.4", "torch": "2.13"}, "| 1 |", rows=[1])
    assert (tmp_path / "new" / "speed.md").read_text() == "# Speed\n\n`python` (numpy 2.4, torch 2.13)\n\n| 1 |\n"
    content = json.loads((tmp_path / "new" / "speed.json").read_text())
    assert content == {"versions": {"numpy": "2.4", "torch": "2.13"}, "rows": [1]}
