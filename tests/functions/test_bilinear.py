"""The bilinear layer's function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import check_derivatives, orders, same, same_error


def operands(seed: int, batch: Any, widths: Any, dtype: str) -> list[Any]:
    """Small multiples of ¼, which add up to the same in any order."""
    left, right, out = widths
    rng = np.random.default_rng(seed)
    shapes = ((*batch, left), (*batch, right), (out, left, right), (out,))
    return [np.asarray(rng.integers(-8, 9, shape) / 4, dtype) for shape in shapes]


@given(
    seed=st.integers(0, 99),
    batch=st.sampled_from([(3,), (1,), (0,), (2, 3), (2, 0)]),
    widths=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_outputs_and_gradients(seed: int, batch: Any, widths: Any, dtype: str) -> None:
    arrays = operands(seed, batch, widths, dtype)
    for given_arrays in (arrays, arrays[:3]):
        same(lambda m, *t: m.nn.functional.bilinear(*t), *given_arrays, names=len(batch) == 1)


@given(seed=st.integers(0, 99))
def test_higher_derivatives(seed: int) -> None:
    def program(m: Any, *t: Any) -> Any:
        return orders(m, m.nn.functional.bilinear, list(t), seed, 3)

    same(program, *operands(seed, (3,), (2, 3, 2), "float64"), upstream=None, tolerance=10)


def test_a_single_sample() -> None:
    same(lambda m, *t: m.nn.functional.bilinear(*t), *operands(0, (), (2, 3, 4), "float64"))


def test_derivatives() -> None:
    check_derivatives(tinyact.nn.functional.bilinear, *operands(0, (2,), (2, 3, 2), "float64"))


@pytest.mark.parametrize(
    "program",
    [
        lambda F, o: F.bilinear(o(2, 3), o(3, 3), o(1, 3, 3)),
        lambda F, o: F.bilinear(o(2, 3), o(2, 3), o(1, 3, 2)),
        lambda F, o: F.bilinear(o(2, 3), o(2, 3), o(1, 2, 3)),
        lambda F, o: F.bilinear(o(2, 3), o(2, 3), o(1, 3, 3), o(2)),
        lambda F, o: F.bilinear(o(2, 3), o(2, 3).double(), o(1, 3, 3)),
        lambda F, o: F.bilinear(o(2, 3), [1.0], o(1, 3, 3)),
    ],
)
def test_refused(program: Any) -> None:
    same_error(lambda m: program(m.nn.functional, m.ones))
