"""How benchmarks time, and what they say when a peer is missing or a program is another."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

import tinyact
from benchmarks.speed.timing import (
    Row,
    check_replays,
    compare_processes,
    compared,
    in_turn,
    medians,
    replays,
    results,
    warm_up,
)


def sleeper(seconds: float) -> Callable[[], float]:
    def program() -> float:
        time.sleep(seconds)
        return seconds

    return program


def broken() -> Callable[[], None]:
    raise ImportError("No module named 'peer'")


def other() -> Callable[[], None]:
    raise AssertionError("another network")


def compiled(is_new_each_time: bool = False) -> Callable[[], Any]:
    """A compiled function; what it reads is perhaps another thing at each call."""
    x = tinyact.ones(3)

    def program() -> tinyact.Tensor:
        nonlocal x
        if is_new_each_time:
            x = tinyact.ones(3)
        return x * 2

    return tinyact.compile(program)


def test_medians_and_reasons() -> None:
    times = medians({"slow": (sleeper, (0.002,)), "failed": (broken, ())}, 0.02)
    assert isinstance(times["slow"], float)
    assert times["slow"] >= 2000
    assert times["failed"] == "ImportError: No module named 'peer'"
    assert results(sleeper(0.001), 3) == [0.001] * 3


def test_what_is_not_what_the_row_says_is_never_timed() -> None:
    with pytest.raises(AssertionError, match="another network"):
        medians({"": (other, ())}, 0.02)


def test_a_compiled_function_is_timed_when_it_is_replayed() -> None:
    assert isinstance(medians({"": (compiled, ())}, 0.02)[""], float)
    program = compiled()
    assert not replays(program)
    warm_up(program)
    assert replays(program)


@pytest.mark.filterwarnings("ignore:program is not compiled")
def test_a_compiled_function_that_runs_eagerly_is_not_timed() -> None:
    with pytest.raises(AssertionError, match="is not replayed: it is recorded again and again"):
        medians({"": (compiled, (True,))}, 0.02)
    program = compiled(True)
    for _ in range(10):  # until it gives up
        program()
    with pytest.raises(AssertionError, match="is not replayed: it was recorded"):
        check_replays(program)


def test_all_sides_in_processes_of_their_own() -> None:
    sides = {
        "ours": {"a": (sleeper, (0.004,)), "b": (sleeper, (0.0,))},
        "theirs": {"a": (sleeper, (0.001,)), "b": (broken, ())},
    }
    times = in_turn(sides, 0.02, 2)
    assert [len(times[side]["a"]) for side in sides] == [2, 2]
    assert times["theirs"]["b"] == "ImportError: No module named 'peer'"


def test_a_row_is_medians_and_the_median_of_ratios() -> None:
    (row,) = compared("step", "peer", [1.0, 4.0, 9.0], [1.0, 2.0, 12.0], 0.6)
    assert row == Row("step", "peer", 4.0, 2.0, 1.0, 0.6)


def test_a_missing_peer_is_left_out_and_tinyact_never(capsys: pytest.CaptureFixture[str]) -> None:
    assert compared("step", "peer", [1.0], "ImportError: no peer") == []
    assert capsys.readouterr().err == "left out: step: peer (ImportError: no peer)\n"
    with pytest.raises(RuntimeError, match="step: ValueError"):
        compared("step", "peer", "ValueError: wrong", [1.0])


def test_processes() -> None:
    ours, theirs, ratio = compare_processes([sys.executable, "-c", ""], [sys.executable, "-c", ""], 1)
    assert ours > 0
    assert ratio == ours / theirs


def test_a_row_says_whether_its_goal_is_met() -> None:
    assert str(Row("step", "peer", 1.0, 2.0, 0.5, 0.6)) == "| step | peer | 1 µs | 2 µs | 0.50 | 0.60 | yes |"
    assert str(Row("step", "peer", 1.0, 2.0, 0.5, 0.4)).endswith("| 0.40 | no |")
    assert str(Row("step", "peer", 1.0, 2.0, 0.5)).endswith("| 0.50 |  |  |")
