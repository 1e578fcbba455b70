"""mypy and pyright accept the programs of users, and refuse exactly the lines marked ``# refused``."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinyact
from tests.docs.pages import PAGES, blocks
from tests.typing import signatures
from tests.typing.checkers import needed

PROGRAMS = Path(__file__).parent / "programs"
ACCEPTED = sorted(path.name for path in PROGRAMS.glob("*.py") if "# refused" not in path.read_text(encoding="utf-8"))
TEN_LINES = next(block for block in blocks(PAGES["README.md"], "python") if "nn.Sequential(" in block)


class Finding(NamedTuple):
    """A checker's complaint about a line."""

    file: str
    line: int
    message: str


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all programs."""
    folder = tmp_path_factory.mktemp("users") / "programs"
    shutil.copytree(PROGRAMS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "ten_lines.py").write_text(TEN_LINES, encoding="utf-8")
    (folder / "signatures.py").write_text(signatures.program(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def python(programs: Path) -> Path:
    """The interpreter of an environment in which tinyact is installed: its files, and NumPy's beside them."""
    home = programs.parent / "env"
    venv.create(home)
    python = home / "bin" / "python"
    packages = next(home.rglob("site-packages"))
    shutil.copytree(Path(tinyact.__file__).parent, packages / "tinyact")
    (packages / "others.pth").write_text(str(Path(np.__file__).parents[1]))
    return python


def run(module: str, *options: str, folder: Path) -> str:
    needed(module)
    environment = {name: text for name, text in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    command = [sys.executable, "-m", module, *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mypy(programs: Path, python: Path, cache: Path) -> Iterable[Finding]:
    options = ["--strict", "--output=json", f"--python-executable={python}", f"--cache-dir={cache}"]
    for text in run("mypy", *options, ".", folder=programs).splitlines():
        found: dict[str, Any] = json.loads(text)
        if found["severity"] == "error":
            yield Finding(found["file"], found["line"], found["message"])


def pyright(programs: Path, python: Path, cache: Path) -> Iterable[Finding]:
    answer = json.loads(run("pyright", "--outputjson", f"--pythonpath={python}", ".", folder=programs))
    for found in answer["generalDiagnostics"]:
        if found["severity"] == "error":
            yield Finding(Path(found["file"]).name, found["range"]["start"]["line"] + 1, found["message"])


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_checker(checker: Any, programs: Path, python: Path, pytestconfig: pytest.Config) -> None:
    complaints: dict[tuple[str, int], str] = {}
    for found in checker(programs, python, pytestconfig.cache.mkdir(checker.__name__)):
        complaints.setdefault((found.file, found.line), found.message)
    wrong = []
    for path in sorted(programs.glob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            message = complaints.pop((path.name, number), None)
            if (message is not None) != line.endswith("# refused"):
                wrong.append(f"{path.name}:{number}: {line.strip()}\n    {message or 'is accepted'}")
    assert not complaints, complaints
    assert not wrong, f"{checker.__name__} is wrong about {len(wrong)} lines:\n" + "\n".join(wrong)


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("name", ACCEPTED)
def test_the_programs_run(name: str) -> None:
    runpy.run_path(str(PROGRAMS / name))
