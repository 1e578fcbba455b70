"""README's Python blocks run, and show what they say."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tinyact.experiment import curves

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.M | re.S)


def test_there_are_blocks() -> None:
    assert BLOCKS


@pytest.mark.parametrize("block", BLOCKS)
def test_block(block: str) -> None:
    if ">>>" in block:
        test = doctest.DocTestParser().get_doctest(block, {}, "README", str(README), 0)
        results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
        assert results.failed == 0
        return
    # What a block prints stands in a text block right after it, or behind its print() calls as comments.
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=True)
    after = TEXT.partition(f"```python\n{block}```")[2]
    if after.startswith("\n\n```text\n"):
        expected = after.split("```")[1].splitlines()[1:]
    else:
        expected = [line.partition("# ")[2] for line in block.splitlines() if line.lstrip().startswith("print(")]
    assert [line for line in expected if line] == [line for line in done.stdout.splitlines() if line]


def test_the_table_of_activations_is_what_the_docstrings_say() -> None:
    assert curves.table() in TEXT, (
        "README's table is stale: python -m tinyact.experiment curves --out DIR writes it anew"
    )


def test_quick_start_holds_two_commands() -> None:
    section = TEXT.partition("## Quick start")[2]
    (block,) = re.findall(r"^```\w*\n(.*?)^```", section.partition("\n## ")[0], flags=re.M | re.S)
    assert len(block.strip().splitlines()) == 2


def test_the_experiments_output_is_real() -> None:
    section = TEXT.partition("## The experiment")[2]
    shown = re.findall(r"^```text\n(.*?)^```", section, flags=re.M | re.S)[0]
    command = [sys.executable, "-m", "tinyact.experiment"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # "…" stands for lines left out. The last digit may differ where another machine rounds otherwise.
    pattern = re.escape(shown.strip()).replace("…", "(?:.|\n)*")
    pattern = re.sub(r"(\d+\\\.\d+?)\d(?=\D|$)", r"\1\\d", pattern)
    assert re.search(pattern, printed.strip()), printed
