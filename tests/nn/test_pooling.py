"""Pooling layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tests.nn.twins import errors, same_module
from tests.program.twins import same as same_compiled
from tinyact import nn

X = np.random.default_rng(0).normal(size=(2, 3, 6, 5))
MAKERS = {
    "max": lambda m: m.nn.MaxPool2d(2),
    "max, all set": lambda m: m.nn.MaxPool2d((2, 3), stride=(1, 2), padding=1, dilation=2, ceil_mode=True),
    "mean": lambda m: m.nn.AvgPool2d(2),
    "mean, all set": lambda m: m.nn.AvgPool2d((3, 2), 2, 1, True, False),
    "mean, divisor": lambda m: m.nn.AvgPool2d(3, 1, divisor_override=2),
}
each_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))


@each_maker
def test_outputs_gradients_and_printed_forms(make: Any) -> None:
    same_module(make, X)
    same_module(make, X[0])


def test_sequences() -> None:
    for make in (
        lambda m: m.nn.MaxPool1d(2),
        lambda m: m.nn.MaxPool1d(3, 2, 1, 1, ceil_mode=True),
        lambda m: m.nn.AvgPool1d(2),
        lambda m: m.nn.AvgPool1d((3,), [1], 1, True, False),
    ):
        same_module(make, X[0])


def test_indices() -> None:
    for m in (tinyact, torch):
        y, places = m.nn.MaxPool2d(2, return_indices=True)(m.arange(16.0).reshape(1, 4, 4))
        assert y.tolist() == [[[5, 7], [13, 15]]]
        assert places.tolist() == [[[5, 7], [13, 15]]]


@each_maker
def test_compiled_equals_eager(make: Any) -> None:
    def made() -> Any:
        network = nn.Sequential(nn.Conv2d(1, 2, 2, padding=1), make(tinyact), nn.ReLU(), nn.Flatten())

        def step(x: Any) -> Any:
            loss = (network(x) ** 2).mean()
            loss.backward()
            return loss

        return step, [network]

    def batch(call: int) -> Any:
        return (tinyact.tensor(np.random.default_rng(call).normal(size=(3, 1, 7, 6))).float(),)

    same_compiled(made, arguments=batch)


def test_refused() -> None:
    errors(lambda m: m.nn.MaxPool2d(2)(m.ones(2, 2)))
    errors(lambda m: m.nn.AvgPool2d(2, padding=2)(m.ones(1, 2, 2)))
