"""The Python blocks of README and of the guide run, and show what they say."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyact.experiment import claims, curves, study
from tinyact.experiment.configuration import ACTIVATIONS

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
GUIDE = (README.parent / "docs" / "backward.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.M | re.S)
BLOCKS = [block for language, block in FENCE.findall(TEXT) if language == "python"]


def promised(text: str, block: str) -> list[str]:
    """What a block prints: it stands in a block right after it, or behind its print() calls as comments."""
    after = text.partition(f"```python\n{block}```")[2]
    if after.startswith(("\n\n```text\n", "\n\n```mermaid\n")):
        lines = after.split("```")[1].splitlines()[1:]
    else:
        lines = [line.partition("# ")[2] for line in block.splitlines() if line.lstrip().startswith("print(")]
    return [line for line in lines if line]


def test_there_are_blocks() -> None:
    assert BLOCKS


@pytest.mark.parametrize("block", BLOCKS)
def test_block(block: str) -> None:
    if ">>>" in block:
        test = doctest.DocTestParser().get_doctest(block, {}, "README", str(README), 0)
        results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
        assert results.failed == 0
        return
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=True)
    assert promised(TEXT, block) == [line for line in done.stdout.splitlines() if line]


def test_the_guide() -> None:
    """Its blocks are one program."""
    program: dict[str, Any] = {}
    blocks = [block for language, block in FENCE.findall(GUIDE) if language == "python"]
    assert len(blocks) > 15
    with np.printoptions():  # which the guide changes
        for block in blocks:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block, "the guide", "exec"), program)
            assert [line.rstrip() for line in printed.getvalue().splitlines() if line] == promised(GUIDE, block), block


def test_the_guides_numbers_are_from_its_code() -> None:
    shown = "\n".join(text for _, text in FENCE.findall(GUIDE))
    prose = FENCE.sub("", GUIDE)
    numbers = re.findall(r"\d+\.\d{2,}", prose)
    assert len(numbers) > 10
    assert [number for number in numbers if number not in shown] == []


@pytest.mark.parametrize(("text", "folder"), [(TEXT, README.parent), (GUIDE, README.parent / "docs")])
def test_links_lead_somewhere(text: str, folder: Path) -> None:
    anchors = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall("^#+(.*)", text, re.M)
    }
    for link in re.findall(r"\]\(([^)]+)\)", FENCE.sub("", text)):
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif not link.startswith("http"):
            assert (folder / link).exists(), link


def test_the_table_of_activations_is_what_the_docstrings_say() -> None:
    assert curves.table() in TEXT, (
        "README's table is stale: python -m tinyact.experiment curves --out DIR writes it anew"
    )


def rows_below(heading: str, width: int) -> list[list[str]]:
    """The cells of a table, without its head, in the section with this heading."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:1] == "|"]
    return [row for row in rows if len(row) == width][1:]


def test_all_claims_are_there_with_measurement_and_verdict() -> None:
    rows = rows_below("What the notebook says, measured", 4)
    assert [(about, text) for about, text, *_ in rows] == [(about, text) for about, text, _ in claims.CLAIMS], (
        "README's table is stale: python -m tinyact.experiment claims --out DIR writes it anew, as DIR/claims.md"
    )
    for _, _, measured, verdict in rows:
        assert re.search(r"\d", measured)
        assert re.match(r"\*\*(holds|fails|depends on|more than slightly|not seen)", verdict), verdict
    # Ranges and the sum of softmax's outputs are no means.
    assert sum("[" not in measured for _, _, measured, _ in rows) == 7


def test_the_score_of_the_mutants_is_the_tables() -> None:
    table = (README.parent / "benchmarks" / "mutation" / "results" / "mutation.md").read_text(encoding="utf-8")
    (count, tried, *_, score) = re.findall(r"^\| all \| (.*) \|$", table, flags=re.M)[0].split(" | ")
    assert count == tried
    assert f"Of {count} changes the tests notice {score.replace('%', ' %')}" in " ".join(TEXT.split())


def test_commands_of_the_study_are_possible() -> None:
    lines = re.findall(r"^python -m tinyact.experiment study (.*)$", TEXT, flags=re.M)
    assert len(lines) == 2
    for line in lines:
        options = study._parser().parse_args(line.split())
        assert set(options.activation or []) <= set(ACTIVATIONS)


def test_the_example_is_the_file_that_is_shipped() -> None:
    (example,) = (block for language, block in FENCE.findall(TEXT) if language == "toml")
    assert example == (README.parent / "tinyact" / "experiment" / "study.toml").read_text(encoding="utf-8")


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
