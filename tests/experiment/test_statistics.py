"""What many runs say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinyact.experiment.statistics import compare, describe, percentile_of

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
