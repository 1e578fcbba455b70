"""The formulas that accuracy is measured against are right: all three kinds of numbers agree, and so do slopes."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from reference.formulas import FORMULAS, Double, Exact, Wide
from reference.measure import errors, ulps

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
    truth = np.array([1.0, 3.0, 1e-45], np.float64)
    result = truth.astype(np.float32)
    result[0] += np.float32(2**-23)
    np.testing.assert_allclose(ulps(result, truth), [1.0, 0.0, 0.2861], atol=1e-3)


def test_the_worst_and_the_mean() -> None:
    x = np.array([1.0, 2.0, 3.0], np.float32)
    result = x.copy()
    result[1] += np.float32(2**-21)
    assert errors(result, x.astype(np.longdouble), x) == {"max": 2.0, "at": 2.0, "mean": pytest.approx(2 / 3)}
