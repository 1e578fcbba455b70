"""Flatten and Unflatten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn.twins import errors, same_error, same_module

X = np.random.default_rng(0).normal(size=(2, 6, 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.nn.Flatten(),
        lambda m: m.nn.Flatten(0, 1),
        lambda m: m.nn.Flatten(start_dim=-2),
        lambda m: m.nn.Unflatten(1, (2, 3)),
        lambda m: m.nn.Unflatten(1, [-1, 2]),
        lambda m: m.nn.Unflatten(-1, m.Size([1, 2])),
        lambda m: m.nn.Sequential(m.nn.Flatten(), m.nn.Unflatten(1, (3, 4)), m.nn.Flatten(0)),
    ],
)
def test_outputs_gradients_and_printed_forms(make: Any) -> None:
    same_module(make, X)


@pytest.mark.parametrize("size", [3, ((2, 3),), (2.0, 3), "ab"])
def test_no_sizes(size: Any) -> None:
    same_error(lambda m: m.nn.Unflatten(1, size))


def test_sizes_that_do_not_fit() -> None:
    same_error(lambda m: m.nn.Unflatten(1, (2, 2))(m.ones(1, 6)))
    errors(lambda m: m.nn.Unflatten(2, (2, 2))(m.ones(1, 4)))
