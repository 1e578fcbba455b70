"""Dropout: the numbers drawn are tinyact's own, everything else is PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays
from tests.nn.twins import errors, same_error
from tinyact.nn import functional as F


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [tinyact.float32, tinyact.float64])
def test_drops_a_share_p(p: float, dtype: Any) -> None:
    n = 100_000
    tinyact.manual_seed(3)
    dropped = F.dropout(tinyact.ones(n, dtype=dtype), p).numpy() == 0
    # Five standard deviations of a share of n.
    assert abs(dropped.mean() - p) < 5 * (p * (1 - p) / n) ** 0.5
    neighbours = np.corrcoef(dropped[:-1], dropped[1:])[0, 1]
    assert abs(neighbours) < 5 / n**0.5


@given(x=arrays(low=1, high=10), p=st.floats(0, 1, width=32), seed=st.integers(0, 1000))
@settings(max_examples=100)
def test_values_and_gradients(x: Any, p: float, seed: int) -> None:
    """What is kept is what PyTorch makes of a kept element; the rest is 0; the gradient has the same factors."""
    tinyact.manual_seed(seed)
    leaf = tinyact.from_numpy(x.copy(order="K")).requires_grad_()
    y = F.dropout(leaf, p)
    y.backward(tinyact.ones_like(y))
    assert str(y.dtype) == str(leaf.dtype)
    given_x = torch.from_numpy(x.copy(order="K"))
    kept = torch.from_numpy(np.asarray(y.detach().numpy() != 0))
    mask = kept.to(given_x.dtype).div_(1 - p) if p < 1 else torch.zeros_like(given_x)
    np.testing.assert_array_equal(y.detach().numpy(), (given_x * mask).numpy())
    np.testing.assert_array_equal(leaf.grad.numpy(), mask.numpy())


@pytest.mark.parametrize("module", [tinyact, torch])
def test_edges(module: Any) -> None:
    dropout = module.nn.functional.dropout
    x = module.tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0).tolist() == [1, 2, 3]
    y = dropout(x, 1.0)
    assert y.tolist() == [0, 0, 0]
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 0]
    assert dropout(module.ones(0)).tolist() == []
    assert dropout(module.tensor(2.0), 0.5).item() in (0, 4)
    assert dropout(module.tensor([1]), 0.5, training=False).tolist() == [1]
    assert "MulBackward0" in repr(dropout(x, 0.5))


@pytest.mark.parametrize("p", [0.5, 1.0])
@pytest.mark.parametrize("module", [tinyact, torch])
def test_in_place(module: Any, p: float) -> None:
    x = module.ones(50)
    assert module.nn.functional.dropout(x, p, True, inplace=True) is x
    assert set(x.tolist()) == ({0.0, 2.0} if p == 0.5 else {0.0})


def test_same_seed_same_mask() -> None:
    masks = []
    for seed in (5, 5, 6):
        tinyact.manual_seed(seed)
        masks.append(F.dropout(tinyact.ones(100)).tolist())
    assert masks[0] == masks[1] != masks[2]


def test_module_drops_in_training_only() -> None:
    module = tinyact.nn.Dropout(0.5)
    x = tinyact.ones(100)
    assert set(module(x).tolist()) == {0.0, 2.0}
    assert module.eval()(x) is x
    inplace = tinyact.nn.Dropout(0.5, inplace=True)
    assert inplace(x) is x


@pytest.mark.parametrize(
    "make", [lambda nn: nn.Dropout(), lambda nn: nn.Dropout(0.3, True), lambda nn: nn.Dropout(p=1)]
)
def test_same_repr(make: Any) -> None:
    assert repr(make(tinyact.nn)) == repr(make(torch.nn))


@pytest.mark.parametrize("p", [-0.1, 1.1, 2, float("inf")])
def test_no_probability(p: float) -> None:
    same_error(lambda m: m.nn.Dropout(p))
    same_error(lambda m: m.nn.functional.dropout(m.ones(1), p))
    same_error(lambda m: m.nn.functional.dropout(m.ones(1), p, training=False))


def test_refused() -> None:
    errors(lambda m: m.nn.functional.dropout(m.ones(3, dtype=m.int64)))
    errors(lambda m: m.nn.functional.dropout([1.0]))
    errors(lambda m: m.nn.Dropout("a"))
    same_error(lambda m: m.nn.functional.dropout(m.ones(1, requires_grad=True), 0.5, True, True))
    with pytest.raises(ValueError, match="between 0 and 1, but got nan"):
        tinyact.nn.Dropout(float("nan"))
