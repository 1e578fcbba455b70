"""The table of accuracy: which numbers are tried, and that no value is off by more than rounding allows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.exactness.__main__ import main
from benchmarks.exactness.accuracy import classes, points32, points64, row, table
from reference.formulas import FORMULAS


def test_points_and_classes() -> None:
    assert points32(100).dtype == np.float32
    assert np.abs(points32(100)).max() == 110
    assert points64(100).dtype == np.float64
    assert classes(np.array([1.0, 0.0, -0.0, np.inf, -np.inf, np.nan])).tolist() == [0, 1, 1, 2, 3, 4]


def test_no_value_is_off_by_more_than_half_a_unit_in_float32() -> None:
    x = points32(20_000)
    rows = [row(name, 0, x) for name in FORMULAS if name != "leaky_relu"]
    for errors in rows:
        assert errors["tinyact"]["max"] <= 0.5001, errors
    assert table(rows).count("\n") == len(rows) + 1


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    options = ["--points", "1000", "--points64", "100", "--only", "elu", "--out", str(tmp_path)]
    assert main(["accuracy", *options]) == 0
    rows = json.loads((tmp_path / "accuracy.json").read_text())["rows"]
    assert [(r["what"], r["dtype"]) for r in rows] == [
        ("value", "float32"), ("derivative", "float32"), ("value", "float64"), ("derivative", "float64")
    ]  # fmt: skip
    assert table(rows) in (tmp_path / "accuracy.md").read_text()
