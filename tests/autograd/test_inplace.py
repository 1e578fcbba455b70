"""Changes in place: which results fit into which dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tinyact

DTYPES = ("bool", "uint8", "int8", "int64", "float32", "float64")


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("other", DTYPES)
def test_a_result_of_a_higher_category_is_refused(target: str, other: str) -> None:
    outcomes: list[Any] = []
    for m in (tinyact, torch):
        x, y = (m.tensor([1, 0]).to(getattr(m, name)) for name in (target, other))
        try:
            outcomes.append((x.mul_(y).tolist(), str(x.dtype)))
        except RuntimeError:
            outcomes.append(RuntimeError)
    assert outcomes[0] == outcomes[1]


def test_a_change_in_another_dtype_is_recorded_in_its_own() -> None:
    x, y = tinyact.ones(2, requires_grad=True), tinyact.full((2,), 3.0, dtype=tinyact.float64, requires_grad=True)
    h = x * 2
    h.mul_(y)
    assert h.dtype is tinyact.float32
    h.sum().backward()
    assert x.grad is not None
    assert y.grad is not None
    assert (x.grad.dtype, y.grad.dtype) == (tinyact.float32, tinyact.float64)
    np.testing.assert_array_equal(x.grad.numpy(), [6, 6])
    np.testing.assert_array_equal(y.grad.numpy(), [2, 2])
