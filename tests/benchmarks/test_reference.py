"""The formulas that accuracy is measured against are right: all three kinds of numbers agree, and so do slopes."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from benchmarks.accuracy import classes, errors, points32, points64, row, table
from benchmarks.reference import FORMULAS, Double, Exact, Wide, ulps

X = np.concatenate([np.linspace(-30, 30, 121) + 0.0123, 10.0 ** np.arange(-30, 1, 3), -(10.0 ** np.arange(-30, 1, 3))])


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("which", [0, 1])
def test_kinds_agree(name: str, which: int) -> None:
    formula, exact = FORMULAS[name][which], Exact()
    truth = np.array([float(formula(exact, mpmath.mpf(float(x)))) for x in X])
    # Where a formula crosses zero digits are lost; float64 has as many to spare as float32 doesn't have.
    with np.errstate(over="ignore"):
        wide, double = formula(Wide, X.astype(np.longdouble)).astype(float), formula(Double, X)
    np.testing.assert_allclose(wide, truth, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(double, truth, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_are_slopes(name: str) -> None:
    value, slope = FORMULAS[name]
    exact = Exact()
    for x in X[::7]:
        at = mpmath.mpf(float(x))
        numerical = float(mpmath.diff(lambda v: value(exact, v), at))
        assert float(slope(exact, at)) == pytest.approx(numerical, rel=1e-9, abs=1e-9)


def test_ulps() -> None:
    exact = np.array([1.0, 3.0, 1e-45], np.float64)
    result = exact.astype(np.float32)
    result[0] += np.float32(2**-23)
    np.testing.assert_allclose(ulps(result, exact), [1.0, 0.0, 0.2861], atol=1e-3)


def test_points_and_classes() -> None:
    assert points32(100).dtype == np.float32
    assert np.abs(points32(100)).max() == 110
    assert points64(100).dtype == np.float64
    assert classes(np.array([1.0, 0.0, -0.0, np.inf, -np.inf, np.nan])).tolist() == [0, 1, 1, 2, 3, 4]


def test_the_worst_is_found() -> None:
    x = np.array([1.0, 2.0, 3.0], np.float32)
    result = x.copy()
    result[1] += np.float32(2**-21)
    found = errors(result, x.astype(np.longdouble), x)
    assert found["at"] == 2.0
    assert found["max"] == 2.0
    assert found["mean"] == pytest.approx(2 / 3)


def test_no_value_is_off_by_more_than_half_a_unit_in_float32() -> None:
    x = points32(20_000)
    rows = [row(name, 0, x) for name in FORMULAS if name != "leaky_relu"]
    for found in rows:
        assert found["tinyact"]["max"] <= 0.5001, found
    assert table(rows).count("\n") == len(rows) + 1
