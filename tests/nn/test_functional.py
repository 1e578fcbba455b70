"""What functional adds to the operations: softmax without dim. (Dropout: see test_dropout.)"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, same, same_error

SOFTMAX = ["softmax", "log_softmax"]


@pytest.mark.parametrize("name", SOFTMAX)
@given(x=arrays(), dim=st.integers(-3, 2))
@settings(max_examples=50)
def test_softmax(name: str, x: Any, dim: int) -> None:
    def program(m: Any, x: Any) -> Any:
        return getattr(m.nn.functional, name)(x, dim)

    if -max(x.ndim, 1) <= dim < max(x.ndim, 1):
        same(program, x)
    else:
        same_error(program, x)


@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax_converts(name: str) -> None:
    x = np.array([[1.0, 2.0]], np.float32)
    same(lambda m, x: getattr(m.nn.functional, name)(x, 1, dtype=m.float64), x)
    same(lambda m, x: getattr(m.nn.functional, name)(m.tensor([1, 2]), 0, dtype=m.float32) + x, x)


@pytest.mark.parametrize("name", SOFTMAX)
@pytest.mark.parametrize("ndim", range(5))
def test_softmax_without_dim(name: str, ndim: int) -> None:
    x = np.asarray(np.random.default_rng(0).normal(size=(2, 3, 2, 3)[:ndim]))

    def program(m: Any, x: Any) -> Any:
        with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name}"):
            return getattr(m.nn.functional, name)(x)

    same(program, x)


@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax_refuses(name: str) -> None:
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        getattr(tinyact.nn.functional, name)([1.0], 0)
    for m in (tinyact, torch):  # PyTorch's NotImplementedError is a RuntimeError
        with pytest.raises(RuntimeError):
            getattr(m.nn.functional, name)(m.tensor([1, 2]), 0)


FUNCTIONS = tinyact.nn.functional.__all__  # type: ignore[attr-defined]


def test_none_is_forgotten() -> None:
    assert len(FUNCTIONS) > 40
    assert {"elu", "linear", "dropout", "mse_loss", "softmin", "conv2d", "embedding"} <= set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_name(name: str) -> None:
    """The arguments and defaults are those of PyTorch, where it has the function."""
    if not hasattr(torch.nn.functional, name):
        return
    ours = getattr(tinyact.nn.functional, name)
    # What returns indices or not is one of two functions there.
    theirs = getattr(torch.nn.functional, f"_{name}" if name.startswith("max_pool") else name)
    try:
        expected = inspect.signature(theirs).parameters
    except ValueError:  # written in C++
        return
    arguments = {p.name: p.default for p in expected.values() if p.name not in ("size_average", "reduce")}
    if name in ("mse_loss", "l1_loss", "huber_loss"):  # named in docs/differences.md
        arguments.pop("weight")
    assert {p.name: p.default for p in inspect.signature(ours).parameters.values()} == arguments
