"""What many runs say: mean and deviation, paired differences with intervals, and where a single figure falls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Sample(NamedTuple):
    """Mean, standard deviation (n − 1) and size of a sample."""

    mean: float
    deviation: float
    size: int


class Comparison(NamedTuple):
    """The mean of paired differences and its 95 % interval; without interval for fewer than two pairs."""

    mean: float
    low: float
    high: float


def describe(values: Sequence[float]) -> Sample:
    """Mean and standard deviation; that of a single value is NaN.

    Example:
        >>> describe([1.0, 2.0, 3.0])
        Sample(mean=2.0, deviation=1.0, size=3)
    """
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return Sample(float(np.mean(values)), deviation, len(values))


def compare(values: Sequence[float], baseline: Sequence[float]) -> Comparison:
    """The mean of values − baseline, pair by pair, with its 95 % interval: mean ± t·s/√n, t Student's quantile.

    Raises:
        ValueError: if the two differ in length.
    """
    if len(values) != len(baseline):
        raise ValueError(f"pairs need as many values as baselines, got {len(values)} and {len(baseline)}")
    mean, deviation, n = describe(np.subtract(values, baseline).tolist())
    if n < 2:
        return Comparison(mean, math.nan, math.nan)
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * deviation / math.sqrt(n)
    return Comparison(mean, mean - half, mean + half)


def percentile_of(value: float, values: Sequence[float]) -> float:
    """The share of the values below this one, in percent; those equal to it count half."""
    below = sum(v < value for v in values) + sum(v == value for v in values) / 2
    return 100 * below / len(values)
