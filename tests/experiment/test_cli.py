"""The command line of the experiment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tinyact
from tinyact.experiment import cli, comparison
from tinyact.experiment.configuration import CHOICES
from tinyact.experiment.words import label

SHORT = ["--epochs", "6", "--seeds", "2"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(arguments))
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_the_notebooks_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--seeds", "3")
    assert code == 0
    assert err == ""  # no terminal, no progress
    lines = out.splitlines()
    losses = [line.split() for line in lines if line[:5].strip().isdigit()]
    assert [int(row[0]) for row in losses] == list(range(0, 100, 5))
    assert float(losses[-1][1]) < 0.32
    assert float(losses[-1][2]) < 0.25
    assert "Accuracy without Activation Functions: 0.86" in out
    assert "Accuracy with Activation Functions: 0.9" in out
    assert "from 3 initial weights" in out
    assert "95 % interval +0.0" in out
    assert "The notebook's 0.864" in out
    assert "The notebook's 0.897" in out


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "tinyact.experiment", *SHORT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Accuracy with Activation Functions" in done.stdout


def test_the_same_seed_gives_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    first, again = run(capsys, *SHORT), run(capsys, *SHORT)
    assert first == again
    assert run(capsys, *SHORT, "--seed", "5") != first


@pytest.mark.parametrize("name", CHOICES)
def test_any_activation(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--activation", name, "--epochs", "2", "--seeds", "1")
    assert code == 0
    assert f"{label(name)} − no activation" in out


def test_several_activations_and_hidden_layers_and_dropout(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, *SHORT, "--activation", "tanh", "elu", "--hidden", "8,4", "--dropout", "0.2", "--lr", "0.01"
    )
    assert code == 0
    assert "Accuracy with Activation Functions (tanh)" in out
    assert "Accuracy with Activation Functions (elu)" in out
    assert "notebook" not in out  # another network's figures are not comparable


def test_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    assert run(capsys, *SHORT, "--json", str(path))[0] == 0
    content = json.loads(path.read_text())
    assert content["settings"]["epochs"] == 6
    assert content["versions"]["tinyact"] == tinyact.__version__
    assert [(r["activation"], r["seed"]) for r in content["runs"]] == [
        ("none", 0),
        ("none", 1),
        ("relu", 0),
        ("relu", 1),
    ]
    assert all(len(r["losses"]) == 6 and 0 < r["accuracy"] < 1 for r in content["runs"])
    mean = sum(r["accuracy"] for r in content["runs"][:2]) / 2
    assert content["accuracy"]["none"]["mean"] == pytest.approx(mean)
    assert content["difference"]["relu"]["low"] < content["difference"]["relu"]["high"]


def test_json_of_a_single_run_has_no_nan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    run(capsys, "--seeds", "1", "--epochs", "1", "--json", str(path))
    assert json.loads(path.read_text(), parse_constant=pytest.fail)["accuracy"]["none"]["deviation"] is None


def test_plot(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for ending, start in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        path = tmp_path / f"losses.{ending}"
        code, out, _ = run(capsys, *SHORT, "--plot", str(path))
        assert code == 0
        assert path.read_bytes().startswith(start)
        assert f"written: {path}" in out


def test_check_torch(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--seeds", "1", "--check-torch")
    assert code == 0
    summaries = [line for line in out.splitlines() if line.startswith("largest difference over all 100 epochs")]
    assert len(summaries) == 2
    for line in summaries:
        words = line.replace(",", "").replace(";", "").split()
        assert float(words[words.index("loss") + 1]) < 1e-5
        assert line.endswith("test samples classified differently: 0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--activation", "reluu"], "unknown activation 'reluu'; did you mean 'relu'? (known: none, sigmoid, tanh"),
        (["stdy"], "unknown command 'stdy'; did you mean 'study'? (known: compare, study, claims, report, curves)"),
        (["--seeds", "0"], "takes a whole number of at least 1, and at most 1000000, got '0'"),
        (["--seeds", "two"], "got 'two'"),
        (["--epochs", "-5"], "at least 1"),
        (["--lr", "0"], "above 0"),
        (["--lr", "nan"], "above 0"),
        (["--hidden", "16,0"], "16,16, got '16,0'"),
        (["--hidden", "many"], "got 'many'"),
        (["--dropout", "1"], "not including, 1"),
        (["--check-torch", "--dropout", "0.1"], "vendor library"),
        (["--check-torch", "--activation", "snake"], "PyTorch doesn't have it"),
        (["--plot", "losses.doc"], "ending must be one of"),
        (["--json", "/dev/null/folder/x.json"], "--json /dev/null/folder: Not a directory"),
        (["--json", "/"], "--json /: is a folder"),
        (["--seed", "99999999999999999999"], "at most 4294967295, got '99999999999999999999'"),
        (["--seed", "4294967295", "--seeds", "2"], "the last seed has to be at most 4294967295"),
        (["--hidden", "100000000"], "at most 10000, such as 16 or 16,16, got '100000000'"),
        (["--activation", "ReLU"], "unknown activation 'ReLU'; did you mean 'relu'?"),
        (["--activation", "Leaky ReLU"], "did you mean 'leaky_relu'?"),
        (["--unknown"], "unrecognized"),
    ],
)
def test_wrong_options_are_refused_before_any_training(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "run", lambda *_: pytest.fail("trained"))
    assert words in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("option", "module", "extra"), [("--plot=x.png", "matplotlib", "plot"), ("--check-torch", "torch", "test")]
)
def test_a_missing_library_is_named(
    option: str, module: str, extra: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyact.experiment.arguments.installed", lambda name: name != module)
    assert f'needs {module}, which is not installed: pip install "tinyact[{extra}]"' in refused(capsys, option)


def test_a_training_that_diverges_ends_with_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--lr", "1e38", "--epochs", "10", "--seeds", "1")
    assert code == 1
    assert "diverged at epoch" in err
    assert "a smaller --lr may help" in err


def test_a_file_that_cannot_be_written_loses_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(comparison, "write_json", full)
    path = tmp_path / "losses.png"
    code, out, err = run(capsys, *SHORT, "--json", str(tmp_path / "x.json"), "--plot", str(path))
    assert code == 1
    assert "Test accuracy" in out
    assert "could not be written: No space left on device" in err
    assert path.exists()


def test_progress_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _, _, err = run(capsys, *SHORT)
    assert "training 4 of 4" in err
    assert err.endswith("\r\x1b[K")
