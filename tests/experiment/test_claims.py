"""The claims: what is measured is what it says, and verdicts follow from intervals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tinyact.experiment import claims
from tinyact.experiment.claims import CLAIMS, Claim, Lab, extremes, first_gradients, said, same_signs, table, verdict
from tinyact.experiment.configuration import Grid
from tinyact.experiment.statistics import Comparison
from tinyact.experiment.store import Store


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Three seeds of what most claims need."""
    found = Lab(Store(tmp_path_factory.mktemp("claims") / "results.sqlite"), 3)
    found.grids = lambda: [  # type: ignore[method-assign]
        Grid(activation=("none", "relu", "sigmoid", "tanh", "elu"), seeds=3),
        Grid(activation=("relu", "prelu"), seeds=2, lr=(0.001, 0.01, 0.1, 1.0), hidden=((16,), claims.FOUR)),
        Grid(activation=("relu",), seeds=3, dropout=(0.5,)),
    ]
    found.train()
    return found


MEASURES = {measure.__name__: measure for *_, measure in CLAIMS}


def test_verdicts_follow_from_intervals() -> None:
    assert verdict(Comparison(0.2, 0.1, 0.3)) == "holds"
    assert verdict(Comparison(-0.2, -0.3, -0.1)) == "fails"
    assert verdict(Comparison(0.0, -0.1, 0.1)).startswith("not seen")
    assert said(Comparison(0.25, 0.125, 0.5), 2, "+") == "+0.25 [+0.12, +0.50]"


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid_signs", "holds that it is not centred"),
        ("tanh_centred", "holds"),
        ("elu_is_centred", "holds"),
        ("activation_helps", "holds"),
        ("softmax_sums", "holds"),
        ("prelu_learns", "holds"),
        ("relu_dies", "depends on depth and learning rate: seen with one layer at none of these rates; with four at"),
    ],
)
def test_measured(name: str, expected: str, lab: Lab) -> None:
    measurement, decided = MEASURES[name](lab)
    assert decided.startswith(expected)
    assert any(digit in measurement for digit in "0123456789")


def test_differences_are_paired(lab: Lab) -> None:
    a, b = (sorted(lab.runs(activation=n), key=lambda r: r.configuration.seed) for n in ("relu", "none"))
    found = lab.difference(claims.accuracy, {"activation": "relu"}, {"activation": "none"})
    assert found.mean == pytest.approx(np.mean([x.accuracy - y.accuracy for x, y in zip(a, b, strict=True)]))
    assert [r.configuration.seed for r in a] == [0, 1, 2]


def test_the_command_writes_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(claims, "CLAIMS", [entry for entry in CLAIMS if "range" in entry[1]])
    monkeypatch.setattr(Lab, "grids", lambda self: [])
    assert claims.main(["--out", str(tmp_path), "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    found = [Claim(**entry) for entry in json.loads((tmp_path / "claims.json").read_text())]
    assert len(found) == 6
    for c in found:
        assert f"{c.about}: {c.text}\n    {c.measurement}\n    → {c.verdict}" in printed
    assert (tmp_path / "claims.md").read_text() == table(found) + "\n"


def test_one_seed_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        claims.main(["--seeds", "1"])
    assert "at least 2, for an interval" in capsys.readouterr().err
