"""Comparisons and tests."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import tinyact
from tests.against_torch import same, same_error
from tests.functions.test_arithmetic import DTYPES, mixed, pairs

COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"]


@pytest.mark.parametrize("name", COMPARISONS)
@given(operands=pairs(special=True))
def test_of_floating_tensors(name: str, operands: Any) -> None:
    same(lambda m, a, b: getattr(m, name)(a, b), *operands)
    same(lambda m, a, b: getattr(operator, name)(a, b), *operands)


@pytest.mark.parametrize("name", [*COMPARISONS, "logical_and", "logical_or"])
@given(operands=mixed())
def test_of_mixed_dtypes(name: str, operands: Any) -> None:
    same(lambda m, a, b: getattr(m, name)(a, b), *operands)


@pytest.mark.parametrize("number", [1, 1.0, 0.5, -1, True])
@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_with_numbers(name: str, number: float, dtype: str) -> None:
    x = np.array([0, 1, 2], dtype)
    same(lambda m, t: getattr(operator, name)(t, number), x)
    same(lambda m, t: getattr(operator, name)(number, t), x)


@pytest.mark.parametrize("sign", ["and_", "or_", "xor"])
@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8"])
def test_bits(sign: str, dtype: str) -> None:
    a, b = np.array([0, 1, 1, 3], dtype), np.array([1, 1, 0, 2], dtype)
    same(lambda m, x, y: getattr(operator, sign)(x, y), a, b)
    same(lambda m, x: ~x, a)
    same(lambda m, x: m.logical_not(x), a)


@given(operands=pairs(special=True))
def test_kinds_of_numbers(operands: Any) -> None:
    same(lambda m, a, b: (m.isnan(a), m.isinf(a), a.isfinite(), a.logical_not()), *operands)
    same(lambda m, a, b: [m.equal(a, a.clone()), a.allclose(a + 1e-9, equal_nan=True)], *operands)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kind_without_bits_is_said(dtype: str) -> None:
    same_error(lambda m, x: x & x, np.ones(2, dtype), words=True)


def test_equal() -> None:
    x = tinyact.ones(2)
    assert x.equal(tinyact.ones(2))
    assert not x.equal(tinyact.ones(2, 1))
    assert not x.equal(tinyact.zeros(2))
    assert not x.allclose(x + 1e-3)
    assert x.allclose(x + 1e-3, atol=1e-2)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(2) == m.ones(3),
        lambda m: m.lt(m.ones(2), "a"),
        lambda m: m.ones(2) & m.ones(2),
        lambda m: m.ones(2).double() | m.tensor(True),
        lambda m: ~m.ones(2),
        lambda m: m.ones(2).allclose(m.ones(2).double()),
        lambda m: m.isnan(1.0),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize("name", ["logical_and", "logical_or"])
def test_logic_is_of_two_tensors(name: str) -> None:
    same_error(lambda m: getattr(m, name)(m.tensor([True]), True))
    same_error(lambda m: getattr(m.tensor([True]), name)(1))
