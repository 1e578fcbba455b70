"""Pictures and tables of the activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tinyact
from tinyact.experiment import cli, curves


def test_pictures_and_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    assert cli.main(["curves", "--out", str(folder)]) == 0
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "activations.md").read_text().strip() == curves.table()
    assert "written:" in capsys.readouterr().out


def test_the_table_has_every_activation() -> None:
    rows = curves.table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [name for name in tinyact.nn.activations() if name != "softmin"]
    assert all(row.count("|") == 8 for row in rows)


@pytest.mark.parametrize("name", ["sigmoid", "elu", "gelu", "prelu", "relu"])
def test_derivatives_are_slopes(name: str) -> None:
    x = np.linspace(-3, 3, 601) + 0.0012345
    f, slope, bend = curves.curve(name, x)
    # Away from 0, where some have a kink in the function or in its slope.
    smooth = np.abs(x[1:]) > 0.02
    np.testing.assert_allclose((np.diff(f) / np.diff(x))[smooth], ((slope[1:] + slope[:-1]) / 2)[smooth], atol=1e-3)
    np.testing.assert_allclose((np.diff(slope) / np.diff(x))[smooth], ((bend[1:] + bend[:-1]) / 2)[smooth], atol=0.02)


def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        cli.main(["curves"])
    assert "--out" in capsys.readouterr().err
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert cli.main(["curves", "--out", str(blocked)]) == 1
    assert "error:" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        cli.main(["curves", "--out", str(tmp_path)])
    assert 'pip install "tinyact[plot]"' in capsys.readouterr().err
