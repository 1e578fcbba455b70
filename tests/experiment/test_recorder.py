"""The recorder: its numbers are those that one computes by hand, and it leaves the training alone."""

from __future__ import annotations

import numpy as np
import pytest

import tinyact
from tinyact import nn
from tinyact.experiment import Configuration, Run, build, notebook_data, train
from tinyact.experiment.recorder import Recorder


def test_numbers_by_hand() -> None:
    tinyact.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Sigmoid())
    with tinyact.no_grad():
        network[0].bias[0] = -100.0  # a dead unit
        network[2].bias[1] = 50.0  # a saturated one
    recorder = Recorder(network)
    values, gradients, steps = [], [], [tinyact.randn(5, 3), tinyact.randn(7, 3)]
    for x in steps:
        network.zero_grad()
        network(x).sum().backward()
        values.append(network[:2](x).detach().numpy())
        gradients.append(network[0].weight.grad.numpy().copy())
    recorder.end_epoch()
    # network[:2] called the same modules again, and so was counted too.
    h = np.concatenate(values)
    relu, sigmoid = recorder.layers["1"], recorder.layers["3"]
    assert relu["mean"] == [pytest.approx(h.mean(), rel=1e-5)]
    assert relu["deviation"] == [pytest.approx(h.std(), rel=1e-5)]
    assert relu["zeros"] == [pytest.approx((h == 0).mean())]
    assert relu["dead"] == [0.25]
    assert {type(number) for layer in recorder.layers.values() for measure in layer.values() for number in measure} == {
        float
    }
    # The gradient is stopped wherever ReLU is 0, half of it at the sigmoid.
    assert relu["saturated"][0] == pytest.approx((h == 0).mean())
    assert sigmoid["saturated"][0] == pytest.approx(0.5)
    norms = [np.linalg.norm(g) for g in gradients]
    assert recorder.layers["0"]["gradient_norm"] == [pytest.approx(np.sqrt(np.mean(np.square(norms))), rel=1e-5)]


def test_only_some_epochs_and_no_evaluation() -> None:
    network = build(tinyact, "tanh", (4,), inputs=3)
    recorder = Recorder(network, every=3)
    for _ in range(7):
        network.train()
        network(tinyact.randn(5, 3)).sum().backward()
        network.eval()
        network(tinyact.zeros(50, 3))
        recorder.end_epoch()
    assert recorder.epochs == [0, 3, 6]
    assert len(recorder.layers["1"]["mean"]) == 3
    assert recorder.layers["1"]["zeros"] == [0, 0, 0]


def test_training_is_the_same_with_it() -> None:
    data = notebook_data(tinyact)
    runs = []
    for watched in (False, True):
        tinyact.manual_seed(0)
        network = build(tinyact, "prelu", (8,))
        recorder = Recorder(network) if watched else None
        runs.append(
            train(
                tinyact,
                network,
                data,
                Run(Configuration("prelu", epochs=5)),
                lambda _, r=recorder: r and r.end_epoch(),
            )
        )
        if recorder:
            recorder.remove()
            assert not network[1]._forward_hooks
            assert len(recorder.epochs) == 5
    assert runs[0].losses == runs[1].losses
    np.testing.assert_array_equal(runs[0].predictions, runs[1].predictions)


def test_activations_in_place_are_recorded_too() -> None:
    recorded = []
    for inplace in (False, True):
        tinyact.manual_seed(0)
        network = tinyact.nn.Sequential(
            tinyact.nn.Linear(4, 8), tinyact.nn.ReLU(inplace), tinyact.nn.Linear(8, 8), tinyact.nn.ELU(inplace=inplace)
        )
        recorder = Recorder(network)
        for _ in range(2):
            (network(tinyact.randn(16, 4)) ** 2).sum().backward()
        recorder.end_epoch()
        recorder.remove()
        recorded.append(recorder.layers)
    assert recorded[0] == recorded[1]
    assert recorded[0]["1"]["saturated"][0] > 0.2


def test_outputs_without_dimensions() -> None:
    network = tinyact.nn.Sequential(tinyact.nn.Tanh(), tinyact.nn.ReLU())
    recorder = Recorder(network)
    network(tinyact.tensor(-1.0, requires_grad=True)).backward()
    recorder.end_epoch()
    numbers = {measure: values[0] for measure, values in recorder.layers["1"].items()}
    assert numbers == {"mean": 0.0, "deviation": 0.0, "zeros": 1.0, "saturated": 1.0, "dead": 1.0}


def test_every_has_to_be_possible() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        Recorder(build(tinyact), every=0)
