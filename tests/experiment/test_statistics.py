"""What many runs say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinyact.experiment.statistics import adjusted, bootstrap, compare, describe, paired, percentile_of, seeds_needed

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=20)


@given(VALUES, st.data())
def test_the_interval_is_that_of_students_t(values: list[float], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.floats(0, 1), min_size=len(values), max_size=len(values)))
    result = compare(values, other)
    differences = np.subtract(values, other)
    assert result.mean == pytest.approx(differences.mean())
    error = stats.sem(differences)
    if error > 0:
        low, high = stats.t.interval(0.95, len(values) - 1, differences.mean(), error)
        assert (result.low, result.high) == pytest.approx((low, high))
    else:
        assert result.low == result.high == result.mean


def test_single_values() -> None:
    assert describe([0.5])[0::2] == (0.5, 1)
    assert math.isnan(describe([0.5]).deviation)
    mean, low, high = compare([1.0], [0.25])
    assert mean == 0.75
    assert math.isnan(low)
    assert math.isnan(high)
    with pytest.raises(ValueError, match="got 2 and 1"):
        compare([1.0, 2.0], [1.0])


def test_percentiles() -> None:
    assert percentile_of(2.5, [1, 2, 3, 4]) == 50
    assert percentile_of(2, [1, 2, 3, 4]) == 37.5
    assert percentile_of(0, [1, 2]) == 0
    assert percentile_of(3, [1, 2]) == 100


def test_the_bootstrap_interval_covers_the_truth() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        interval = bootstrap(rng.normal(3, 1, 25).tolist())
        inside += interval.low <= 3 <= interval.high
    assert 86 <= inside <= 100
    assert bootstrap([1.0]).mean == 1.0
    assert math.isnan(bootstrap([1.0]).low)
    assert bootstrap([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)


def test_paired_differences() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=20)
    clear = paired((base + 0.5 + 0.1 * rng.normal(size=20)).tolist(), base.tolist())
    assert clear.low < 0.5 < clear.high
    assert clear.p < 1e-4
    assert 3 < clear.effect < 8
    assert paired([1.0, 2.0], [1.0, 2.0])[3:] == (1.0, 0.0)
    assert math.isnan(paired([1.0], [2.0]).p)
    with pytest.raises(ValueError, match="as many values as baselines, got 1 and 2"):
        paired([1.0], [1.0, 2.0])


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
