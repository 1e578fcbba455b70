"""The layers that normalize."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.against_torch import assert_equal
from tests.nn.twins import errors, from_torch, same_error, same_module, to_torch
from tests.program.twins import same as same_compiled
from tinyact import nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
MAKERS = {
    "layer": lambda m: m.nn.LayerNorm(3, dtype=m.float64),
    "layer over two": lambda m: m.nn.LayerNorm((4, 3), 1e-3, dtype=m.float64),
    "layer without bias": lambda m: m.nn.LayerNorm([3], bias=False, dtype=m.float64),
    "layer that learns nothing": lambda m: m.nn.LayerNorm(3, elementwise_affine=False),
    "rms": lambda m: m.nn.RMSNorm(3, dtype=m.float64),
    "rms over two": lambda m: m.nn.RMSNorm((4, 3), 1e-3, elementwise_affine=False),
    "batch": lambda m: m.nn.BatchNorm1d(3, dtype=m.float64),
    "batch, its mean": lambda m: m.nn.BatchNorm1d(3, 1e-3, momentum=None, affine=False, dtype=m.float64),
    "batch without bias": lambda m: m.nn.BatchNorm1d(3, bias=False, dtype=m.float64),
    "batch, nothing measured": lambda m: m.nn.BatchNorm1d(3, track_running_stats=False, dtype=m.float64),
}
each_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))


@each_maker
def test_outputs_gradients_and_printed_forms(make: Any) -> None:
    same_module(make, X)


def test_images_and_sequences() -> None:
    same_module(lambda m: m.nn.BatchNorm1d(3, dtype=m.float64), RNG.normal(size=(2, 3, 5)))
    same_module(lambda m: m.nn.BatchNorm2d(3, dtype=m.float64), RNG.normal(size=(2, 3, 4, 5)))


@given(
    seed=st.integers(0, 1000),
    momentum=st.sampled_from([0.1, None, 0.0, 1.0]),
    track=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    modes=st.lists(st.booleans(), min_size=1, max_size=5),
)
@settings(max_examples=40)
def test_what_is_measured_over_several_batches(seed: int, momentum: Any, track: bool, dtype: str, modes: Any) -> None:
    rng = np.random.default_rng(seed)
    twins = [
        m.nn.BatchNorm1d(2, momentum=momentum, track_running_stats=track, dtype=getattr(m, dtype))
        for m in (tinyact, torch)
    ]
    for training in modes:
        x = np.asarray(rng.normal(size=(6, 2)), dtype)
        outputs = [layer.train(training)(m.from_numpy(x)) for m, layer in zip((tinyact, torch), twins, strict=True)]
        assert_equal(*outputs, tolerance=4)
        states = [layer.state_dict() for layer in twins]
        assert list(states[0]) == list(states[1])
        for name in states[0]:
            assert_equal(states[0][name], states[1][name])
    for layer in twins:
        layer.reset_running_stats()
    for ours, theirs in zip(twins[0].buffers(), twins[1].buffers(), strict=True):
        assert_equal(ours, theirs)


def test_state_dicts_both_ways() -> None:
    ours, theirs = tinyact.nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    ours(tinyact.randn(4, 3))
    theirs.load_state_dict(to_torch(ours.state_dict()))
    theirs(torch.randn(4, 3))
    ours.load_state_dict(from_torch(theirs.state_dict()))
    assert ours.num_batches_tracked is not None
    assert ours.num_batches_tracked.item() == 2
    for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), strict=True)


def test_a_statistic_put_there_later_serves_in_evaluation_mode() -> None:
    for m in (tinyact, torch):
        layer = m.nn.BatchNorm1d(1, track_running_stats=False).eval()
        layer.running_mean, layer.running_var = m.zeros(1), m.ones(1)
        np.testing.assert_allclose(layer(m.tensor([[3.0]])).detach().numpy(), 3, rtol=1e-4)


@each_maker
def test_compiled_equals_eager(make: Any) -> None:
    def made() -> Any:
        layer = make(tinyact)
        x = tinyact.tensor(X, requires_grad=True)

        def step(factor: Any) -> Any:
            loss = (layer(x * factor) ** 3).sum()
            loss.backward()
            return loss

        return step, [layer, x]

    def factors(call: int) -> Any:
        return (tinyact.tensor(1.0 + call, dtype=tinyact.float64),)

    same_compiled(made, arguments=factors)
    same_compiled(made, arguments=factors, changes={0: lambda things: things[0].eval()})


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.nn.BatchNorm1d(3)(m.ones(3)),
        lambda m: m.nn.BatchNorm1d(3)(m.ones(3, 3, 3, 3)),
        lambda m: m.nn.BatchNorm2d(3)(m.ones(3, 3)),
        lambda m: m.nn.BatchNorm1d(3)(m.ones(3, 4)),
        lambda m: m.nn.BatchNorm1d(3)(m.ones(1, 3)),
        lambda m: m.nn.LayerNorm(3)(m.ones(2, 2)),
    ],
)
def test_refused_in_the_same_words(program: Any) -> None:
    same_error(program)


def test_refused() -> None:
    errors(lambda m: m.nn.BatchNorm1d(-1))
    errors(lambda m: m.nn.BatchNorm1d(2.0))
    errors(lambda m: m.nn.LayerNorm(2.0))
    errors(lambda m: m.nn.LayerNorm(())(m.ones(2)))
    errors(lambda m: m.nn.RMSNorm(3)(m.ones(2, 2)))


def test_layers_learn_and_copy() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.LayerNorm(4), nn.RMSNorm(4))
    network(tinyact.randn(5, 3)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    twin = copy.deepcopy(network)
    network(tinyact.randn(5, 3))
    assert twin.state_dict()["1.num_batches_tracked"].item() == 1
