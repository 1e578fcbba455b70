"""CONTRIBUTING's steps, taken literally in a copy of the package."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import FENCE, ROOT, section

STEPS = section("CONTRIBUTING.md", "Add an activation")

USE = """
import doctest
from pathlib import Path

import tinyact
from tinyact import nn
from tinyact.experiment import curves

assert Path(tinyact.__file__).is_relative_to(Path.cwd())
F = nn.functional
x = tinyact.tensor([-3.0, -0.5, 0.25, 2.0], dtype=tinyact.float64, requires_grad=True)
assert tinyact.autograd.gradcheck(F.plu, (x,))
assert tinyact.autograd.gradgradcheck(F.plu, (x,))
assert tinyact.autograd.gradcheck(nn.PLU(0.5, c=0.375), (x,))
assert doctest.testmod(tinyact.functions.activation).failed == 0
print(F.plu(x, c=0.25).detach().numpy().round(6).tolist())
print(nn.PLU(c=2.0))
assert nn.activations()["plu"] is nn.PLU
values, slopes, bends = curves.curve("plu", x.detach().numpy())
print(slopes.tolist(), bends.tolist())
curves.draw(Path("curves.png"))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and its pages, edited as CONTRIBUTING says."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("tinyact", "docs", "benchmarks", "tests", "reference"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    edits = [fence for fence in FENCE.finditer(STEPS) if fence[1] == "python"]
    assert len(edits) == 3
    for edit in edits:
        before = STEPS[: edit.start()]
        file, neighbour = re.findall(r"\]\((\S+\.py)\)", before)[-1], re.findall(r"below `(\w+)`", before)[-1]
        insert(folder / file, neighbour, edit[2])
    return folder


def insert(file: Path, neighbour: str, code: str) -> None:
    """Put the code below the class or function."""
    text = file.read_text(encoding="utf-8")
    (end,) = (node.end_lineno for node in ast.parse(text).body if getattr(node, "name", None) == neighbour)
    lines = text.splitlines(keepends=True)
    file.write_text("".join([*lines[:end], "\n\n", code, *lines[end:]]), encoding="utf-8")


def run(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_function_module_registry_and_curves(copy: Path) -> None:
    assert run(copy, "-c", USE).splitlines() == [
        "[-0.525, -0.275, 0.25, 0.425]",
        "PLU(alpha=0.1, c=2.0)",
        "[0.1, 1.0, 1.0, 0.1] [0.0, 0.0, 0.0, 0.0]",
    ]
    assert (copy / "curves.png").stat().st_size > 10_000


def test_commands_know_it(copy: Path) -> None:
    experiment = ["-m", "tinyact.experiment", "--activation", "plu", "--seeds", "1", "--epochs", "1"]
    assert re.search(r"plu +\d\.\d+", run(copy, *experiment))
    page = ["-m", "tinyact.inspect", "--activation", "plu", "--samples", "3", "--hidden", "2", "--no-open"]
    assert "1 for ∣x∣ < c, else α" in run(copy, *page)


def test_the_table_gets_its_row(copy: Path) -> None:
    run(copy, "docs/tables.py")
    before, after = ((folder / "docs" / "activations.md").read_text(encoding="utf-8") for folder in (ROOT, copy))
    (row,) = set(after.splitlines()) - set(before.splitlines())
    assert row.startswith("| `plu` | PLU(x) = max(α·(x + c) − c, min(α·(x − c) + c, x)) | (−∞, ∞) | 1 for ∣x∣ < c")


def test_the_tests_take_it_up(copy: Path) -> None:
    files = ["tests/functions/test_activation.py", "tests/nn", "tests/experiment/test_training.py"]
    chosen = ["-k", "plu or PLU or forgotten or public_name", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    assert " passed" in run(copy, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-vv", *chosen, *files)
