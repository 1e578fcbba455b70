"""The Python blocks of the pages run and show what they say; commands and figures are real."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.docs.pages import FENCE, PAGES, ROOT, blocks, section
from tinyact.experiment import cli
from tinyact.experiment.configuration import ACTIVATIONS
from tinyact.program.compiled import LIMIT

GUIDE = PAGES["docs/backward.md"]
# The guide's blocks are one program; CONTRIBUTING's are edits, which test_contributing makes.
PROGRAMS = [
    (page, block)
    for page, text in PAGES.items()
    if page not in ("docs/backward.md", "CONTRIBUTING.md")
    for block in blocks(text, "python")
]


def promised(text: str, block: str) -> list[str]:
    """What a block prints: it stands in a block right after it, or behind its print() calls as comments."""
    after = text.partition(f"```python\n{block}```")[2]
    if after.startswith(("\n\n```text\n", "\n\n```mermaid\n")):
        lines = after.split("```")[1].splitlines()[1:]
    else:
        lines = [line.partition("# ")[2] for line in block.splitlines() if line.lstrip().startswith("print(")]
    return [line for line in lines if line]


@functools.cache
def printed_by_the_experiment() -> str:
    command = [sys.executable, "-m", "tinyact.experiment"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_there_are_blocks() -> None:
    pages = {"README.md", "docs/compile.md", "docs/inspect.md", "docs/operations.md", "docs/study.md"}
    assert {page for page, _ in PROGRAMS} == pages


@pytest.mark.parametrize(("page", "block"), PROGRAMS, ids=[page for page, _ in PROGRAMS])
def test_block(page: str, block: str) -> None:
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=True)
    printed = [line for line in done.stdout.splitlines() if line]
    assert printed
    assert promised(PAGES[page], block) == printed


def test_the_guide() -> None:
    """Its blocks are one program."""
    program: dict[str, Any] = {}
    parts = blocks(GUIDE, "python")
    assert len(parts) > 15
    with np.printoptions():  # which the guide changes
        for block in parts:
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


def test_the_guides_table_of_its_program() -> None:
    text = section("docs/backward.md", "7. All of it, as one program")
    (program,) = blocks(text, "text")
    lines = [code for row in re.findall(r"^\| (`.*?) \|", text, flags=re.M) for code in re.findall("`(.*?)`", row)]
    assert len(lines) > 10
    assert [line for line in lines if line not in program] == []


def test_readme_is_short() -> None:
    lines = PAGES["README.md"].splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 120


def test_quick_start_holds_two_commands() -> None:
    (block,) = blocks(section("README.md", "Quick start"), "sh")
    assert block.splitlines() == [
        "pip install . && python -m tinyact.experiment",
        "pip install '.[test]' && python -m pytest -n 2",
    ]


def test_the_experiments_output_is_real() -> None:
    shown = blocks(section("docs/study.md", "The experiment"), "text")[0]
    # The last digit may differ where another machine rounds otherwise.
    pattern = re.sub(r"(\d+\\\.\d+?)\d(?=\D|$)", r"\1\\d", re.escape(shown.strip()))
    assert re.search(pattern, printed_by_the_experiment())


def test_readmes_figures_are_the_experiments() -> None:
    """But for the last digit, as above."""
    figures = re.findall(r"\d\.\d{3,}", section("README.md", "What the experiment finds"))
    assert len(figures) > 8
    assert [figure for figure in figures if figure[:-1] not in printed_by_the_experiment()] == []


def test_commands_of_the_study_are_possible() -> None:
    lines = re.findall(r"^tinyact (study .*)$", PAGES["docs/study.md"], flags=re.M)
    assert len(lines) == 2
    for line in lines:
        options = cli._parsers()[0].parse_args(line.split())
        assert set(options.activation or []) <= set(ACTIVATIONS)


def test_what_isnt_compiled_is_said_in_these_words() -> None:
    files = (ROOT / "tinyact" / "program").glob("*.py")
    # Texts that are written as several literals, as the one that they are.
    source = re.sub(r'"\s+f?"', "", "".join(file.read_text(encoding="utf-8") for file in files))
    said = re.findall(r"`(.*?)`", "\n".join(re.findall(r"^\| (`.*?) \|", PAGES["docs/compile.md"], flags=re.M)))
    assert len(said) > 7
    assert [text for text in said if text.replace(str(LIMIT), "{LIMIT}") not in source] == []


def test_the_example_is_the_file_that_is_shipped() -> None:
    (example,) = blocks(PAGES["docs/study.md"], "toml")
    assert example == (ROOT / "tinyact" / "experiment" / "study.toml").read_text(encoding="utf-8")
