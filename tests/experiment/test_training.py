"""Data, networks and training, the same for both frameworks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tinyact
from tinyact.experiment import Configuration, Run, build, notebook_data, train
from tinyact.experiment.check_torch import check
from tinyact.experiment.configuration import CHOICES
from tinyact.nn import activations


def test_the_data_are_the_notebooks() -> None:
    data = notebook_data(tinyact)
    assert [tuple(part.shape) for part in data[:4]] == [(4000, 100), (4000, 1), (1000, 100), (1000, 1)]
    assert all(part.dtype is tinyact.float32 for part in data[:4])
    assert set(np.unique(data.train_y.numpy())) == {0.0, 1.0}
    for ours, theirs in zip(data[:4], notebook_data(torch)[:4], strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("activation", ["none", *CHOICES])
def test_both_frameworks_build_the_same_network(activation: str) -> None:
    if activation not in ("none", "swish") and not hasattr(torch.nn, activations()[activation].__name__):
        assert build(tinyact, activation)(tinyact.ones(2, 100)).shape == (2, 1)
        return
    ours, theirs = (build(m, activation, (8, 4), 0.1) for m in (tinyact, torch))
    assert repr(ours).replace("Swish(beta=1.0)", "SiLU()") == repr(theirs)


def test_the_same_seed_gives_both_frameworks_the_same_weights() -> None:
    tinyact.manual_seed(3)
    torch.manual_seed(3)
    for a, b in zip(build(tinyact, "relu").parameters(), build(torch, "relu").parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize("activation", ["none", "relu", "prelu", "softmax", "swish", "rrelu"])
def test_training_agrees_with_pytorch(activation: str) -> None:
    result = check(Configuration(activation, 1, epochs=30))
    assert result.loss < 1e-5
    assert result.gradient < 1e-4
    assert result.prediction < 1e-4
    assert len(result.run.losses) == 30


def test_a_run_holds_what_happened() -> None:
    tinyact.manual_seed(0)
    network = build(tinyact, "relu")
    calls: list[int] = []
    run = train(
        tinyact,
        network,
        notebook_data(tinyact),
        Run(Configuration("relu", epochs=3)),
        lambda n: calls.append(1),
        held_out=True,
    )
    assert len(run.losses) == len(run.held_out_losses) == len(calls) == 3
    assert run.losses[0] > run.losses[-1]
    assert run.predictions.shape == (1000, 1)
    assert run.accuracy == round(run.accuracy, 3)
    assert not network.training
