"""The check over every float32 number: nothing is left out, nothing counted twice, and regressions are noticed."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np

from benchmarks.exactness import exhaustive
from benchmarks.exactness.__main__ import main


def test_blocks_hold_every_number_once() -> None:
    first, last = exhaustive.block_of(0, 1), exhaustive.block_of(1023, 1)
    assert first.view(np.uint32)[0] == 0
    assert last.view(np.uint32)[-1] == 2**32 - 1
    assert first.size == last.size == 2**22
    assert exhaustive.block_of(1, 1).view(np.uint32)[0] == 2**22
    sampled = exhaustive.block_of(0, 4099).view(np.uint32)
    assert sampled.size == -(-(2**32) // 4099)
    assert set(np.diff(sampled)) == {4099}


def test_a_run_stops_and_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    arguments = ["exhaustive", "--stride", "1000003", "--only", "relu", "elu", "--out", str(tmp_path)]
    arguments += ["--state", str(state)]
    assert main(arguments) == 0
    lines = state.read_text().splitlines()
    assert [json.loads(line)["function"] for line in sorted(lines)] == ["elu", "relu"]
    first = json.loads((tmp_path / "exhaustive.json").read_text())["functions"]
    # Half of it is done already: the other half alone is computed, and the result is the same.
    state.write_text(lines[0] + "\n")
    assert main(arguments) == 0
    assert len(state.read_text().splitlines()) == 2
    assert json.loads((tmp_path / "exhaustive.json").read_text())["functions"] == first
    assert main([*arguments, "--check"]) == 0

    worse = copy.deepcopy(first)
    worse["elu"]["value"]["tinyact"]["max"] = 0.1
    assert exhaustive.regressions(first, worse) == [
        f"elu value: {first['elu']['value']['tinyact']['max']} ULP, recorded 0.1"
    ]
    new = copy.deepcopy(first)
    new["relu"]["derivative"]["kinds"]["tinyact 0, PyTorch NaN"] = {"count": 1, "least": 0.0, "greatest": 0.0}
    assert exhaustive.regressions(new, first) == ["relu derivative: new difference: tinyact 0, PyTorch NaN"]


def test_kinds_that_differ_are_named() -> None:
    x = np.array([1.0, 2.0, 3.0], np.float32)
    kinds = exhaustive.differences(np.array([1.0, 0.0, np.nan]), np.array([1.0, 5.0, np.inf]), x)
    assert kinds == {
        "tinyact 0, PyTorch a number": {"count": 1, "least": 2.0, "greatest": 2.0},
        "tinyact NaN, PyTorch ∞": {"count": 1, "least": 3.0, "greatest": 3.0},
    }
