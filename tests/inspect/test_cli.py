"""``python -m tinyact.inspect``."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import pytest

from tinyact.experiment.configuration import CHOICES, NONE
from tinyact.inspect.cli import main, network_program, network_trace


def test_writes_the_page_and_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    path = tmp_path / "page.html"
    assert main(["--out", str(path), "--samples", "2", "--hidden", "3,2", "--activation", "tanh", "--seed", "5"]) == 0
    assert opened == [path.as_uri()]
    assert "One step of 100 → 3 → 2 → 1 with tanh, 2 samples" in path.read_text("utf-8")
    printed = capsys.readouterr().out
    assert "∂L/∂fc3.weight" in printed
    assert f"written: {path}" in printed


def test_no_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("opened"))
    assert main(["--out", str(tmp_path / "page.html"), "--samples", "2", "--no-open"]) == 0


def test_without_activation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.html"
    assert main(["--out", str(path), "--samples", "2", "--hidden", "3,2", "--activation", "none", "--no-open"]) == 0
    assert "One step of 100 → 3 → 2 → 1 without activation" in path.read_text("utf-8")
    assert "∂L/∂z2" in capsys.readouterr().out


def test_prints_the_program_and_writes_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tinyact.experiment.arguments.installed", lambda module: False)  # igraph is for the page
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("opened"))
    assert main(["--program", "--samples", "5", "--hidden", "3,2", "--activation", "tanh"]) == 0
    headings = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("#")]
    layers = [
        "# fc1: Linear",
        "# Tanh",
        "# fc2: Linear",
        "# Tanh",
        "# fc3: Linear",
        "# Sigmoid",
        "# BinaryCrossEntropy",
    ]
    steps = [f"# Adam: fc{layer}_{name}" for layer in (1, 2, 3) for name in ("weight", "bias")]
    assert headings == [*layers, "# backward", *reversed(layers), *steps]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("activation", [NONE, *CHOICES])
def test_every_activations_program(activation: str) -> None:
    program = str(network_program(activation, [3], 4))
    compile(program, activation, "exec")
    assert program.count("fc2: Linear") == 2


def test_the_notebooks_network() -> None:
    result = network_trace()
    assert result.graph.node("x").shape == (4000, 100)
    assert result.graph.node("fc1.weight").shape == (16, 100)
    assert [node.name for node in reversed(result.graph.nodes) if node.kind == "operation"] == [
        "z1",
        "h1",
        "z2",
        "p",
        "L",
    ]
    # As the experiment's first epoch from this seed.
    assert f"{float(result.values[1].array):.4f}" == "0.8436"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "4001"], "there are 4000 training samples"),
        (["--samples", "0"], "takes a whole number of at least 1"),
        (["--activation", "rela"], "unknown activation 'rela'"),
        (["--hidden", "0"], "takes widths of at least 1"),
        (["--out", "/nowhere/page.html"], "is no file in a folder that exists"),
        (["--out", "/"], "is no file in a folder that exists"),
    ],
)
def test_wrong_options(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


def test_without_igraph(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tinyact.experiment.arguments.installed", lambda module: False)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert 'pip install "tinyact[inspect]"' in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/full")
def test_a_file_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", "/dev/full", "--samples", "1", "--no-open"]) == 1
    assert "error: /dev/full could not be written: No space left on device" in capsys.readouterr().err
