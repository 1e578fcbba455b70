"""Identity and Linear."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.nn.twins import errors, same_error, seeded


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 40), st.integers(1, 20)),
    bias=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", None]),
)
@settings(max_examples=100)
def test_initial_parameters_bit_for_bit(seed: int, size: tuple[int, int], bias: bool, dtype: str | None) -> None:
    ours, theirs = seeded(lambda m: m.nn.Linear(*size, bias=bias, dtype=dtype and getattr(m, dtype)), seed)
    assert repr(ours) == repr(theirs)
    assert (ours.bias is None) == (theirs.bias is None) == (not bias)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert a.requires_grad
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), strict=True)


@pytest.mark.parametrize("seed", range(5))
def test_a_whole_network_bit_for_bit(seed: int) -> None:
    def make(m: Any) -> Any:
        nn = m.nn
        return nn.Sequential(nn.Linear(100, 16), nn.PReLU(), nn.Linear(16, 8, bias=False), nn.ELU(), nn.Linear(8, 1))

    ours, theirs = seeded(make, seed)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), strict=True)
    for net in (ours, theirs):
        net[0].reset_parameters()
    np.testing.assert_array_equal(ours[0].weight.detach().numpy(), theirs[0].weight.detach().numpy())


@given(
    batch=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    bias=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100)
def test_outputs_and_gradients(
    batch: tuple[int, ...], size: tuple[int, int], bias: bool, dtype: str, seed: int
) -> None:
    """Exactly equal, since all numbers are small multiples of ⅛, and so sums of their products are not rounded."""
    rng = np.random.default_rng(seed)
    x, g = (np.asarray(rng.integers(-40, 41, (*batch, width)) / 8, dtype) for width in size)
    state = {"weight": rng.integers(-40, 41, size[::-1]) / 8, "bias": rng.integers(-40, 41, size[1]) / 8}
    results = []
    for m in (tinyact, torch):
        layer = m.nn.Linear(*size, bias=bias, dtype=getattr(m, dtype))
        layer.load_state_dict({name: m.tensor(value) for name, value in state.items() if bias or name == "weight"})
        input = m.from_numpy(x.copy()).requires_grad_()
        output = layer(input)
        output.backward(m.from_numpy(g.copy()))
        results.append([t.detach().numpy() for t in (output, input.grad, *(p.grad for p in layer.parameters()))])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_no_inputs_warns() -> None:
    for m in (tinyact, torch):
        with pytest.warns(UserWarning, match="zero-element"):
            layer = m.nn.Linear(0, 2)
        assert layer.bias.tolist() == [0, 0]


def test_refused() -> None:
    errors(lambda m: m.nn.Linear(-1, 2))
    errors(lambda m: m.nn.Linear(2.0, 2))
    errors(lambda m: m.nn.Linear(2, 2, dtype=m.int64))
    errors(lambda m: m.nn.Linear(2, 2)(m.ones(1, 3)))
    errors(lambda m: m.nn.Linear(2, 2)(m.ones(1, 2, dtype=m.float64)))
    same_error(lambda m: setattr(m.nn.Linear(2, 2), "bias", 0))


def test_identity() -> None:
    for m in (tinyact, torch):
        x = m.ones(2)
        identity = m.nn.Identity(54, unused=True)
        assert identity(x) is x
        assert repr(identity) == "Identity()"
