"""Loss functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, check_derivatives, same, same_error

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
EDGES = (0.0, 1.0, 1e-30, 1e-45, 1 - 2.0**-24)


@st.composite
def cases(draw: Any) -> tuple[Any, ...]:
    """Probabilities, targets and weights; at the edges too."""
    x = draw(arrays(low=0, high=1, special=EDGES))
    t = draw(arrays(x.shape, x.dtype, 0, 1, special=(0.0, 1.0)))
    w = draw(arrays(draw(st.sampled_from([x.shape, (), x.shape[-1:]])), x.dtype, 0, 3))
    return x, t, w


@given(case=cases(), reduction=REDUCTIONS)
def test_binary_cross_entropy(case: Any, reduction: str) -> None:
    x, t, w = case
    same(lambda m, *tensors: m.nn.functional.binary_cross_entropy(*tensors, reduction=reduction), x, t, names=True)

    def weighted(m: Any, input: Any, target: Any) -> Any:
        return m.nn.functional.binary_cross_entropy(input, target, m.from_numpy(w.copy()), reduction=reduction)

    same(weighted, x, t)


def test_derivatives() -> None:
    x, t = np.array([0.2, 0.9, 0.5]), np.array([0.1, 0.7, 0.25])
    for reduction in ("mean", "sum", "none"):
        check_derivatives(lambda a, b: tinyact.nn.functional.binary_cross_entropy(a, b, reduction=reduction), x, t)  # noqa: B023


@pytest.mark.parametrize(
    "program",
    [
        lambda m, f: f(m.ones(2), m.ones(3)),
        lambda m, f: f(m.ones(2, 1), m.ones(2)),
        lambda m, f: f(m.ones(2) * 2, m.ones(2)),
        lambda m, f: f(m.ones(2), m.ones(2) * -1),
        lambda m, f: f(m.ones(2) * float("nan"), m.ones(2)),
        lambda m, f: f(m.ones(2), m.ones(2).long()),
        lambda m, f: f(m.ones(2).double(), m.ones(2)),
        lambda m, f: f(m.ones(2), m.ones(2), m.ones(3)),
        lambda m, f: f(m.ones(2), m.ones(2), m.ones(2, requires_grad=True)),
        lambda m, f: f(m.ones(2), m.ones(2), reduction="average"),
    ],
)
def test_refused(program: Any) -> None:
    same_error(lambda m: program(m, m.nn.functional.binary_cross_entropy))
