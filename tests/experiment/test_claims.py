"""The claims: what is measured is what it says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tinyact.experiment import claims
from tinyact.experiment.claims import (
    CLAIMS,
    Lab,
    extremes,
    first_gradients,
    same_signs,
)
from tinyact.experiment.cli import main
from tinyact.experiment.configuration import Grid
from tinyact.experiment.statistics import paired
from tinyact.experiment.store import Store
from tinyact.experiment.verdicts import read, table


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Three seeds of what most claims need."""
    lab = Lab(Store(tmp_path_factory.mktemp("claims") / "results.sqlite"), 3, "weights")
    few = [
        Grid(activation=("none", "relu", "sigmoid", "tanh", "elu"), seeds=3, vary="weights"),
        Grid(
            activation=("relu", "prelu"),
            seeds=2,
            lr=(0.001, 0.01, 0.1, 1.0),
            hidden=((16,), claims.FOUR),
            vary="weights",
        ),
        Grid(activation=("relu",), seeds=3, dropout=(0.5,), vary="weights"),
        Grid(activation=("none", "relu"), seeds=3, data=("blobs",), lr=(0.01,), dropout=(0.0, 0.5), vary="weights"),
        Grid(activation=("sigmoid", "relu"), seeds=2, hidden=((16,) * 8,), vary="weights"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "grids", lambda seeds, vary: few)
        lab.train()
    return lab


MEASURES = {measure.__name__: measure for *_, measure in CLAIMS}


def test_every_activation_of_the_notebook_is_judged() -> None:
    about = {name for name, *_ in CLAIMS}
    assert about >= {"Sigmoid", "Tanh", "ReLU", "Leaky ReLU", "PReLU", "ELU", "Swish", "Softmax", "Here", "Elsewhere"}
    assert len(CLAIMS) > 25


def test_swish_is_bounded_below() -> None:
    least, greatest, at = extremes("silu")
    assert least == pytest.approx(-0.27846454, abs=1e-7)
    assert at == pytest.approx(-1.2784645, abs=1e-3)
    assert greatest > 1e299
    ranges = {about: measure for about, text, measure in CLAIMS if "range" in text}
    assert ranges["Swish"](None)[1] == "fails: it is [-0.2785, ∞)"  # type: ignore[arg-type]
    assert {ranges[name](None)[1] for name in ("Sigmoid", "Tanh", "ReLU", "Leaky ReLU", "ELU")} == {"holds"}  # type: ignore[arg-type]


def test_sigmoids_gradients_vanish_most() -> None:
    lost = {
        name: math.log10(np.mean(first_gradients(name, 1, 2)) / np.mean(first_gradients(name, 8, 2)))
        for name in ("sigmoid", "tanh", "relu")
    }
    assert lost["sigmoid"] > max(lost["tanh"], lost["relu"]) + 1 > 1


def test_signs() -> None:
    assert same_signs("sigmoid", 2) == [1.0, 1.0]
    assert max(same_signs("tanh", 2)) < 0.05


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that are missing are no hindrance where they only go into charts."""
    real = Lab.mean
    monkeypatch.setattr(
        Lab, "mean", lambda self, what, **v: real(self, what, **v) if self.runs(**v) else claims.NOTHING
    )


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid_signs", "holds that it is not centred"),
        ("sigmoid_stops", "holds"),
        ("overfits", "not seen: no difference seen on notebook's data, blobs"),
        ("dropout_helps", "not seen"),
        ("elu_is_centred", "holds"),
        ("activation_helps", "holds"),
        ("softmax_sums", "holds"),
        ("prelu_learns", "not seen"),  # three seeds are few
        ("relu_dies", "depends on depth and learning rate: seen with one layer at none of these rates; with four at"),
    ],
)
def test_measured(name: str, expected: str, lab: Lab) -> None:
    measurement, decided = MEASURES[name](lab)
    assert decided.startswith(expected)
    assert any(digit in measurement for digit in "0123456789")


def test_differences_are_paired(lab: Lab) -> None:
    a, b = (sorted(lab.runs(activation=n), key=lambda r: r.configuration.seed) for n in ("relu", "none"))
    difference = lab.difference(claims.accuracy, {"activation": "relu"}, {"activation": "none"})
    assert difference.mean == pytest.approx(np.mean([x.accuracy - y.accuracy for x, y in zip(a, b, strict=True)]))
    assert [r.configuration.seed for r in a] == [0, 1, 2]


def test_the_command_writes_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(claims, "CLAIMS", [entry for entry in CLAIMS if "range" in entry[1]])
    monkeypatch.setattr(claims, "grids", lambda seeds, vary: [Grid(data=("moons",), epochs=(1,), seeds=2)])
    assert main(["claims", "--out", str(tmp_path), "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    results, charts = read(tmp_path)
    assert printed.endswith(
        "Of 6 claims 5 hold, 1 fail, and 0 depend or aren't seen.\n"
        f"written: {tmp_path / 'claims.md'}, {tmp_path / 'report.html'}\n"
    )
    assert len(results) == 6
    assert charts == []
    for c in results:
        assert f"{c.about}: {c.text}\n    {c.measurement}\n    → {c.verdict}" in printed
    assert (tmp_path / "claims.md").read_text() == table(results) + "\n"
    assert results[0].text in (tmp_path / "report.html").read_text()
    assert main(["claims", "--out", str(tmp_path), "--seeds", "2", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_many_differences_are_corrected_for_their_number(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    groups = {str(k): rng.normal(0.0 if k else 0.5, 0.1, 12) for k in range(40)} | {"base": rng.normal(0, 0.1, 12)}
    monkeypatch.setattr(claims, "difference", lambda a, b, what: paired(groups[a].tolist(), groups[b].tolist()))
    monkeypatch.setattr(Lab, "runs", lambda self, activation: activation)
    contrasts = {name: ({"activation": name}, {"activation": "base"}) for name in groups if name != "base"}
    effects = lab.differences(claims.accuracy, contrasts)
    alone = [name for name in contrasts if paired(groups[name].tolist(), groups["base"].tolist()).p < 0.05]
    assert effects.which("better") == ["0"]
    assert effects.which("worse") == []
    assert len(alone) > 1  # without correction more are seen
    assert set(effects.which("no difference seen")) == set(contrasts) - {"0"}


def test_one_seed_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["claims", "--seeds", "1"])
    assert "takes a whole number of at least 2" in capsys.readouterr().err
