"""A program written for PyTorch prints the same lines when its imports are swapped."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

PROGRAM = (Path(__file__).parent / "programs" / "two_networks.py").read_text(encoding="utf-8")
SWAPPED = PROGRAM.replace("import torch.", "import tinyact.").replace("import torch\n", "import tinyact as torch\n")
SEEDS = range(20)


@pytest.fixture(scope="module")
def data() -> tuple[Any, ...]:
    x, y = make_classification(n_samples=5000, n_features=100, n_informative=100, n_redundant=0, random_state=7)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
    return x_train, y_train, x_test, y_test


def lines(program: str, seed: int, data: tuple[Any, ...]) -> list[str]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "program", "exec"), {"SEED": seed, "DATA": data, "__name__": "__main__"})
    return printed.getvalue().splitlines()


def test_only_the_imports_differ() -> None:
    changed = [pair for pair in zip(PROGRAM.splitlines(), SWAPPED.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [new for _, new in changed] == [
        "import tinyact as torch",
        "import tinyact.nn as nn",
        "import tinyact.nn.functional as F",
        "import tinyact.optim as optim",
    ]


def test_the_same_lines(data: tuple[Any, ...]) -> None:
    equal = total = 0
    for seed in SEEDS:
        ours, theirs = lines(SWAPPED, seed, data), lines(PROGRAM, seed, data)
        assert len(ours) == len(theirs)
        # Losses that differ in the last digit printed, where rounding falls on the edge, are all that may differ.
        for a, b in zip(ours, theirs, strict=True):
            if a != b:
                assert abs(number(a) - number(b)) < 1.5e-4, (a, b)
        equal += sum(a == b for a, b in zip(ours, theirs, strict=True))
        total += len(theirs)
    assert total > 1000
    assert equal / total >= 0.99


def number(line: str) -> float:
    """The loss that a line shows."""
    assert line.startswith("tensor(")
    return float(line.removeprefix("tensor(").split(",")[0].strip("[])"))
