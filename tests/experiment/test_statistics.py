"""What many runs say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinyact.experiment.statistics import (
    adjusted,
    describe,
    interval,
    least_p,
    paired,
    percentile_of,
    seeds_needed,
)

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=20)


@given(VALUES)
def test_the_interval_is_that_of_students_t(values: list[float]) -> None:
    result = interval(values)
    assert result.mean == pytest.approx(np.mean(values))
    error = stats.sem(values)
    if error > 0:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
        assert (result.low, result.high) == pytest.approx((low, high))
    else:
        assert result.low == result.high == result.mean


def test_single_values() -> None:
    assert describe([0.5])[0::2] == (0.5, 1)
    assert math.isnan(describe([0.5]).deviation)
    mean, low, high = interval([0.75])
    assert mean == 0.75
    assert math.isnan(low)
    assert math.isnan(high)
    with pytest.raises(ValueError, match="as many values as baselines, got 1 and 2"):
        paired([1.0], [1.0, 2.0])


def test_overlapping_splits_have_the_interval_of_nadeau_and_bengio() -> None:
    values = np.random.default_rng(0).normal(size=20)
    mean, low, high = interval(values.tolist(), 0.125)
    half = stats.t.ppf(0.975, 19) * math.sqrt((1 / 20 + 100 / 800) * values.var(ddof=1))
    assert (low, high) == pytest.approx((mean - half, mean + half))
    # As many seeds as one likes don't make it much narrower.
    many = interval(np.tile(values, 1000).tolist(), 0.125)
    assert (many.high - many.low) / (high - low) == pytest.approx(math.sqrt(0.125 / 0.175), rel=0.1)


def splits(samples: int, train: int, seeds: int, rng: np.random.Generator) -> list[float]:
    """Differences of two models that are as good as each other, from one data set that each seed splits anew."""
    x = rng.normal(size=(samples, 2))
    y = x.sum(1) + 3 * rng.normal(size=samples)
    differences = []
    for _ in range(seeds):
        order = rng.permutation(samples)
        fit, test = order[:train], order[train:]
        errors = []
        for column in (0, 1):
            slope = x[fit, column] @ y[fit] / (x[fit, column] @ x[fit, column])
            errors.append(np.mean((y[test] - slope * x[test, column]) ** 2))
        differences.append(errors[0] - errors[1])
    return differences


def test_without_the_correction_overlapping_splits_are_too_sure() -> None:
    rng = np.random.default_rng(0)
    all_of = [splits(100, 80, 15, rng) for _ in range(200)]
    seen = {ratio: np.mean([paired(d, [0.0] * 15, ratio).p < 0.05 for d in all_of]) for ratio in (0.0, 0.25)}
    assert seen[0.0] > 0.3
    assert seen[0.25] < 0.15


def test_percentiles() -> None:
    assert percentile_of(2.5, [1, 2, 3, 4]) == 50
    assert percentile_of(2, [1, 2, 3, 4]) == 37.5
    assert percentile_of(0, [1, 2]) == 0
    assert percentile_of(3, [1, 2]) == 100


def test_paired_differences() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=20)
    clear = paired((base + 0.5 + 0.1 * rng.normal(size=20)).tolist(), base.tolist())
    assert clear.low < 0.5 < clear.high
    assert clear.p < 1e-4
    assert 3 < clear.effect < 8
    assert paired([1.0, 2.0], [1.0, 2.0])[3:] == (1.0, 0.0, 2)
    assert math.isnan(paired([1.0], [2.0]).p)


def test_few_pairs_cant_show_much() -> None:
    assert paired([1.0, 1.1, 1.0, 1.2, 1.1], [0.0] * 5).p == least_p(5) == 0.0625
    assert paired([1.0] * 3, [0.5] * 3).p == least_p(3) == 0.25  # however alike they are
    assert paired([1.0] * 20, [0.5] * 20).p < 1e-5


def test_a_test_without_an_effect_is_seldom_significant() -> None:
    rng = np.random.default_rng(1)
    p_values = [paired(rng.normal(size=12).tolist(), rng.normal(size=12).tolist()).p for _ in range(200)]
    assert 0.01 < np.mean(np.array(p_values) < 0.05) < 0.1


def test_corrected_for_their_number() -> None:
    assert adjusted([0.01, 0.04, math.nan, 0.5])[:2] == pytest.approx([0.03, 0.06])
    assert math.isnan(adjusted([0.01, math.nan])[1])
    assert adjusted([]) == []


def test_as_many_seeds_as_it_takes() -> None:
    from scipy.stats import ttest_1samp

    n = int(seeds_needed(0.5, 1.0))
    assert n == 34
    rng = np.random.default_rng(0)
    power = np.mean(ttest_1samp(rng.normal(0.5, 1.0, (4000, n)), 0, axis=1).pvalue < 0.05)
    assert power == pytest.approx(0.8, abs=0.03)
    assert seeds_needed(0.0, 1.0) == math.inf
    assert seeds_needed(0.5, 1.0, 0.125) == math.inf  # no number of splits of the same samples
    assert seeds_needed(2.0, 1.0, 0.125) < 6
