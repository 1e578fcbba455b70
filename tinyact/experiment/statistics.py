"""What many runs say: mean and deviation, paired differences with intervals, and where a single figure falls.

There is one kind of interval: Student's, corrected where the seeds' splits overlap.
"""

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
    """A mean and its 95 % interval; NaN as interval of fewer than two values."""

    mean: float
    low: float
    high: float


class Paired(NamedTuple):
    """A mean of paired differences, its 95 % interval, p, Cohen's d of pairs, and their number."""

    mean: float
    low: float
    high: float
    p: float
    effect: float
    pairs: int

    def interval(self) -> Comparison:
        """Without the rest."""
        return Comparison(*self[:3])


def describe(values: Sequence[float]) -> Sample:
    """Mean and standard deviation; that of a single value is NaN.

    Example:
        >>> describe([1.0, 2.0, 3.0])
        Sample(mean=2.0, deviation=1.0, size=3)
    """
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return Sample(float(np.mean(values)), deviation, len(values))


def interval(values: Sequence[float], overlap: float = 0.0) -> Comparison:
    """The mean and its 95 % interval: mean ± t·s·√(1/n + overlap), t Student's quantile.

    Args:
        values: one for each seed.
        overlap: how many samples are to test with per sample to train with, where seeds split the same samples; 0 where
            they have none in common. Values of splits that share samples are alike, so that their own spread says too
            little about that of others.

    Source: C. Nadeau and Y. Bengio, 2003: "Inference for the generalization error".

    Example:
        >>> interval([0.25, 0.25, 0.25])
        Comparison(mean=0.25, low=0.25, high=0.25)
    """
    mean, deviation, n = describe(values)
    if n < 2:
        return Comparison(mean, math.nan, math.nan)
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * _error(deviation, n, overlap)
    return Comparison(mean, mean - half, mean + half)


def _error(deviation: float, n: int, overlap: float) -> float:
    """The standard error of a mean."""
    return deviation * math.sqrt(1 / n + overlap) if overlap else deviation / math.sqrt(n)


def paired(values: Sequence[float], baseline: Sequence[float], overlap: float = 0.0) -> Paired:
    """How much larger the values are than those of the baseline, pair by pair.

    p is that of Student's test, corrected as the interval is, but never below what the signs of so few differences can
    show (`least_p`). The effect size is Cohen's d of pairs, the mean difference in its own standard deviations.

    Raises:
        ValueError: if the two differ in length.

    Example:
        >>> paired([0.5, 0.7, 0.8], [0.5, 0.5, 0.5]).mean.__round__(6)
        0.166667
    """
    if len(values) != len(baseline):
        raise ValueError(f"pairs need as many values as baselines, got {len(values)} and {len(baseline)}")
    differences = np.subtract(values, baseline).tolist()
    mean, deviation, n = describe(differences)
    between = interval(differences, overlap)
    if n < 2:
        return Paired(*between, math.nan, math.nan, n)
    if not deviation:
        return Paired(*between, least_p(n) if mean else 1.0, math.copysign(math.inf, mean) if mean else 0.0, n)
    from scipy.special import stdtr

    p = 2 * float(stdtr(n - 1, -abs(mean) / _error(deviation, n, overlap)))
    return Paired(*between, max(p, least_p(n)), mean / deviation, n)


def least_p(pairs: int) -> float:
    """The smallest p that so many pairs can come to, all of whose differences have the same sign: 2·2⁻ⁿ.

    Example:
        >>> least_p(5)
        0.0625
    """
    return float(2.0 ** (1 - pairs))


def percentile_of(value: float, values: Sequence[float]) -> float:
    """The share of the values below this one, in percent; those equal to it count half."""
    below = sum(v < value for v in values) + sum(v == value for v in values) / 2
    return 100 * below / len(values)


def adjusted(p: Sequence[float]) -> list[float]:
    """p-values corrected for their number: the share of false discoveries stays below what each says.

    Source: Y. Benjamini and Y. Hochberg, 1995: "Controlling the false discovery rate".

    Example:
        >>> adjusted([0.01, 0.04, 0.5])
        [0.03, 0.06, 0.5]
    """
    numbers = [value for value in p if not math.isnan(value)]
    if not numbers:
        return list(p)
    from scipy.stats import false_discovery_control

    corrected = iter(false_discovery_control(numbers).tolist())
    return [value if math.isnan(value) else next(corrected) for value in p]


def seeds_needed(difference: float, deviation: float, overlap: float = 0.0, power: float = 0.8) -> float:
    """How many pairs a test at the 5 % level needs to see a mean difference with this probability.

    Args:
        difference: that is to be seen.
        deviation: of the single pairs' differences.
        overlap: as of `interval`.
        power: the probability.

    Returns:
        The number of pairs, ((d / ((z₀.₉₇₅ + z_power)·s))² − overlap)⁻¹ + z₀.₉₇₅²/2, rounded up; ∞ for a difference of
        0, or one that no number of splits of the same samples could show.

    Source: W. C. Guenther, 1981: "Sample size formulas for normal theory t tests".

    Example:
        >>> seeds_needed(0.01, 0.02)
        34
    """
    if difference == 0 or math.isnan(deviation):
        return math.inf
    from scipy.special import ndtri

    z = float(ndtri(0.975))
    if deviation == 0:
        return math.ceil(z * z / 2)
    once = (difference / ((z + float(ndtri(power))) * deviation)) ** 2 - overlap
    return math.ceil(1 / once + z * z / 2) if once > 0 else math.inf
