"""A program with batches and checkpoints prints the same lines when its imports are swapped."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

PROGRAM = (Path(__file__).parents[1] / "programs" / "checkpoints.py").read_text(encoding="utf-8")
SWAPPED = PROGRAM.replace("import torch\n", "import tinyact as torch\n").replace("from torch", "from tinyact")


def lines(program: str) -> list[str]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "program", "exec"), {"__name__": "__main__"})
    return printed.getvalue().splitlines()


def test_the_same_lines() -> None:
    ours = lines(SWAPPED)
    assert len(ours) == 15
    assert ours == lines(PROGRAM)
