"""What the rows compare: all sides compute the same; and the picture of the rows."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

from benchmarks.speed import by_hand, operations, steps
from benchmarks.speed.__main__ import plot
from benchmarks.speed.processes import peaks
from benchmarks.speed.timing import Row, alone, warm_up


def train(name: str) -> None:
    losses = steps.losses()
    for what in steps.NETWORKS:
        steps.checked(name, what, losses[what])


@pytest.mark.parametrize("name", ["compiled", "PyTorch", "NumPy by hand", "NumPy by hand, fixed buffers"])
def test_all_train_the_same_network(name: str) -> None:
    alone(train, name)


def test_what_trains_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(steps.PEERS, "other", lambda batch, hidden: lambda: 0.6)
    with pytest.raises(AssertionError, match="other trains something else: losses differ by"):
        steps.checked("other", "step, batch 32, 100→16→1", [0.5] * 10)


def test_a_compiled_step_may_not_differ_by_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(steps.OURS, "compiled", lambda batch, hidden: lambda: np.nextafter(0.5, 1))
    with pytest.raises(AssertionError, match="compiled trains something else"):
        steps.checked("compiled", "step, batch 32, 100→16→1", [0.5] * 10)


def test_by_hand_the_parameters_end_where_tinyact_has_them() -> None:
    """Not the losses alone: they hardly tell one gradient from another."""
    alone(compare_parameters)


def compare_parameters() -> None:
    for network in steps.NETWORKS.values():
        forward, optimizer = steps.training("tinyact", *network)
        expected = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        plain, fixed = by_hand.plain(*network), by_hand.fixed(*network)
        for _ in range(20):
            optimizer.zero_grad()
            forward().backward()
            optimizer.step()
            plain()
            fixed()
        for step in (plain, fixed):
            views = inspect.getclosurevars(step).nonlocals["adam"].views
            for parameter, view in zip(expected, views, strict=True):
                ours = parameter.detach().numpy()
                same = view if step is plain or view.ndim == 1 else view.T
                np.testing.assert_allclose(same, ours, rtol=0, atol=2e-5)


@pytest.mark.parametrize("what", operations.ALONE)
def test_eager_compiled_and_pytorch_compute_the_same(what: str) -> None:
    make = operations.ALONE[what]
    eager, theirs, compiled = make("tinyact"), make("torch"), operations.compiled(make)
    warm_up(compiled)
    np.testing.assert_array_equal(compiled().numpy(), eager().numpy())
    np.testing.assert_allclose(eager().numpy(), theirs().numpy(), rtol=1e-5, atol=2e-6)


def test_the_hessian_is_that_for_100_parameters() -> None:
    assert operations.hessian("tinyact")().shape == (100, 100)


@pytest.mark.parametrize("name", operations.ACTIVATIONS)
@pytest.mark.parametrize("peer", ["torch", "torch in float64", "jax"])
def test_activations_are_the_same_everywhere(name: str, peer: str) -> None:
    if peer == "jax":
        pytest.importorskip("jax", reason="JAX is in the extra for benchmarks alone")
        program = operations.activation_in_jax(name, 4096)
    else:
        program = operations.activation("torch", name, 4096, exact=peer != "torch")
    ours = np.asarray(operations.activation("tinyact", name, 4096)())
    assert ours.dtype == np.float32
    np.testing.assert_allclose(np.asarray(program()), ours, rtol=1e-5, atol=1e-6)


def test_recording_and_peaks_are_those_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    small = "step, batch 32, 100→16→1"
    monkeypatch.setattr(steps, "NETWORKS", {small: steps.NETWORKS[small]})
    monkeypatch.setattr(steps, "NOTEBOOK", small)
    times = steps.recording(True)
    assert [*times] == [f"recording: {small}", f"recording from the first step on: {small}"]
    assert all(recording > eager > 0 for recording, eager in times.values())
    ((eager, replay, recording),) = peaks().values()
    assert eager > 4 * (100 * 16 + 32 * 16) / 1024  # the gradients and the hidden layer, at least
    assert recording > replay > 0


def test_the_picture_is_made_of_the_rows_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figures = []
    monkeypatch.setattr(pyplot, "close", figures.append)
    rows = [
        Row(steps.NOTEBOOK, "PyTorch", 1.0, 2.0, 0.5),
        Row(f"{steps.NOTEBOOK}, compiled", "PyTorch", 1.0, 4.0, 0.25),
        Row("ten elementwise operations, 1 Mi", "PyTorch", 1.0, 2.0, 0.5),
        *(Row(f"{name}, 4 Ki", "PyTorch", 1.0, 2.0, 2.0) for name in operations.ACTIVATIONS),
    ]
    plot(rows, tmp_path / "speed.png")
    left, right = figures[0].axes
    assert [bar.get_width() for bar in left.patches] == [0.5, 0.25]
    points = {line.get_label(): line.get_xydata().tolist() for line in right.lines}
    assert points["PyTorch"] == [[4096, pytest.approx(2)]]
    assert points["JAX"] == []
    assert (tmp_path / "speed.png").exists()
