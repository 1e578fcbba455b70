"""Convolutional layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.nn.twins import errors, from_torch, same_error, same_module, seeded
from tests.program.twins import same as same_compiled
from tinyact import nn

RNG = np.random.default_rng(0)


@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    groups=st.integers(1, 2),
    kernel=st.sampled_from([1, 3, (2, 3), [1, 2]]),
    bias=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", None]),
)
def test_initial_parameters_bit_for_bit(
    seed: int, channels: tuple[int, int], groups: int, kernel: Any, bias: bool, dtype: str | None
) -> None:
    inside, outside = (n * groups for n in channels)

    def make(m: Any) -> Any:
        return m.nn.Conv2d(inside, outside, kernel, groups=groups, bias=bias, dtype=dtype and getattr(m, dtype))

    ours, theirs = seeded(make, seed)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), strict=True)
    ours.load_state_dict(from_torch(theirs.state_dict()))


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.nn.Conv2d(2, 4, 3, dtype=m.float64),
        lambda m: m.nn.Conv2d(
            2, 4, (3, 2), stride=2, padding=1, dilation=(1, 2), groups=2, bias=False, dtype=m.float64
        ),
        lambda m: m.nn.Conv2d(2, 4, 3, padding="same", dtype=m.float64),
        lambda m: m.nn.Conv2d(2, 4, 3, padding="valid", stride=(1, 2), dtype=m.float64),
    ],
)
def test_outputs_gradients_and_printed_forms(make: Any) -> None:
    same_module(make, RNG.normal(size=(2, 2, 5, 6)))


def test_sequences() -> None:
    same_module(lambda m: m.nn.Conv1d(2, 4, 3, padding=1, groups=2, dtype=m.float64), RNG.normal(size=(3, 2, 5)))
    same_module(lambda m: m.nn.Conv1d(2, 4, (3,), stride=(2,), dtype=m.float64), RNG.normal(size=(2, 5)))


def test_nothing_to_initialize() -> None:
    for m in (tinyact, torch):
        with pytest.warns(UserWarning, match="zero-element"):
            m.nn.Conv2d(0, 2, 3)


def test_compiled_equals_eager() -> None:
    def made() -> Any:
        network = nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(2, 2, 2, stride=2, groups=2),
            nn.Flatten(),
            nn.Linear(8, 1),
        )
        optimizer = tinyact.optim.SGD(network.parameters(), lr=0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = (network(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return step, [network]

    same_compiled(
        made, arguments=lambda call: (tinyact.tensor(np.random.default_rng(call).normal(size=(3, 1, 4, 4))).float(),)
    )


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.nn.Conv2d(3, 4, 3, groups=2),
        lambda m: m.nn.Conv2d(4, 3, 3, groups=2),
        lambda m: m.nn.Conv2d(4, 4, 3, groups=0),
        lambda m: m.nn.Conv2d(4, 4, 3, padding="same", stride=2),
        lambda m: m.nn.Conv2d(1, 1, 3)(m.ones(1, 2, 5, 5)),
    ],
)
def test_refused_in_the_same_words(program: Any) -> None:
    same_error(program)


def test_refused() -> None:
    errors(lambda m: m.nn.Conv2d(3, 4, 3, padding="around"))
    errors(lambda m: m.nn.Conv2d(3, 4, 3, padding_mode="around"))
    errors(lambda m: m.nn.Conv2d(-1, 4, 3))
    errors(lambda m: m.nn.Conv1d(3, 4, 3)(m.ones(3, 2)))
    with pytest.raises(NotImplementedError, match="padding_mode='reflect' isn't part of tinyact"):
        nn.Conv2d(1, 1, 1, padding_mode="reflect")
