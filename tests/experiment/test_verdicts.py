"""Verdicts follow from intervals, and claims are read as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinyact.experiment.pictures import Chart
from tinyact.experiment.statistics import Comparison
from tinyact.experiment.verdicts import Claim, count, read, write
from tinyact.experiment.words import ci, verdict


def test_verdicts_follow_from_intervals() -> None:
    assert verdict(Comparison(0.2, 0.1, 0.3)) == "holds"
    assert verdict(Comparison(-0.2, -0.3, -0.1)) == "fails"
    assert verdict(Comparison(0.0, -0.1, 0.1)).startswith("not seen")
    assert ci(Comparison(0.25, 0.125, 0.5), 2, "+") == "+0.25 [+0.12, +0.50]"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    claims = [Claim("ReLU", "It is cheap.", "3 times", "holds")]
    charts = [Chart("a", "A", "See.", "value", {"x": [[1, 0.5, 0.4, 0.6]]}, place="depth", log="x", zero=True)]  # type: ignore[list-item]
    assert read(tmp_path) == ([], [])
    write(claims, charts, tmp_path)
    assert read(tmp_path) == (claims, charts)
    (tmp_path / "claims.json").write_text("[1]")
    with pytest.raises(ValueError, match="is not what 'claims' writes"):
        read(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../elsewhere"},
        {"name": 3},
        {"caption": None},
        {"lines": {"x": [[1, 0.5, 0.4]]}},
        {"lines": {"x": [[1, "0.5", 0.4, 0.6]]}},
        {"lines": [1]},
        {"more": 1},
    ],
)
def test_charts_of_others_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    write([], [Chart("a", "A", "See.", "value", {"x": [(1, 0.5, 0.4, 0.6)]})], tmp_path)
    content = json.loads((tmp_path / "claims.json").read_text())
    content["charts"][0].update(change)
    (tmp_path / "claims.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="is not what 'claims' writes"):
        read(tmp_path)


def test_how_many_hold() -> None:
    claims = [Claim("", "", "", verdict) for verdict in ("holds", "holds: by far", "fails", "depends on the data")]
    assert count(claims) == "Of 4 claims 2 hold, 1 fail, and 1 depend or aren't seen."
