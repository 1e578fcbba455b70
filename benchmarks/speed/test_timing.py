"""How benchmarks time, and what they say when a peer is missing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from benchmarks.speed import steps
from benchmarks.speed.timing import Row, compare, compare_processes, medians, results


def sleeper(seconds: float) -> Callable[[], float]:
    def program() -> float:
        time.sleep(seconds)
        return seconds

    return program


def broken() -> Callable[[], None]:
    raise ImportError("No module named 'peer'")


def test_medians_and_reasons() -> None:
    slow, failed = medians([(sleeper, (0.002,)), (broken, ())], 0.02)
    assert isinstance(slow, float)
    assert slow >= 2000
    assert failed == "ImportError: No module named 'peer'"
    assert results((sleeper, (0.001,)), 3) == [0.001] * 3


def test_both_sides_in_processes_of_their_own() -> None:
    times, failed = compare([(sleeper, (0.004,)), (sleeper, (0.0,))], [(sleeper, (0.001,)), (broken, ())], 0.02, 1)
    assert isinstance(times, tuple)
    assert times[0] >= 4000
    assert times[1] >= 1000
    assert times[2] == times[0] / times[1]
    assert failed == "ImportError: No module named 'peer'"


def test_processes() -> None:
    ours, theirs, ratio = compare_processes([sys.executable, "-c", ""], [sys.executable, "-c", ""], 1)
    assert ours > 0
    assert ratio == ours / theirs


def test_a_row_says_whether_its_goal_is_met() -> None:
    assert str(Row("step", "peer", 1.0, 2.0, 0.5, 0.6)) == "| step | peer | 1 µs | 2 µs | 0.50 | 0.60 | yes |"
    assert str(Row("step", "peer", 1.0, 2.0, 0.5, 0.4)).endswith("| 0.40 | no |")
    assert str(Row("step", "peer", 1.0, 2.0, 0.5)).endswith("| 0.50 |  |  |")


@pytest.mark.parametrize("peer", ["PyTorch", "NumPy by hand"])
def test_peers_train_the_same_network(peer: str) -> None:
    steps.same_network("step, batch 32, 100→16→1", peer)


def test_a_peer_that_trains_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(steps.NETWORKS, "step, batch 32, 100→16→1", (32, (16,)))
    monkeypatch.setitem(steps.PEERS, "other", lambda batch, hidden: None)
    monkeypatch.setattr(
        steps, "alone", lambda function, make: [0.5] * 10 if make[0] is steps.with_framework else [0.6] * 10
    )
    with pytest.raises(AssertionError, match="other trains something else: losses differ by"):
        steps.same_network("step, batch 32, 100→16→1", "other")
