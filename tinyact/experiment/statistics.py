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
    mean, deviation, n = describe(_differences(values, baseline))
    if n < 2:
        return Comparison(mean, math.nan, math.nan)
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * deviation / math.sqrt(n)
    return Comparison(mean, mean - half, mean + half)


def _differences(values: Sequence[float], baseline: Sequence[float]) -> list[float]:
    if len(values) != len(baseline):
        raise ValueError(f"pairs need as many values as baselines, got {len(values)} and {len(baseline)}")
    return np.subtract(values, baseline).tolist()


def percentile_of(value: float, values: Sequence[float]) -> float:
    """The share of the values below this one, in percent; those equal to it count half."""
    below = sum(v < value for v in values) + sum(v == value for v in values) / 2
    return 100 * below / len(values)


class Paired(NamedTuple):
    """A mean of paired differences, its 95 % bootstrap interval, Wilcoxon's p, and Cohen's d of pairs."""

    mean: float
    low: float
    high: float
    p: float
    effect: float


def bootstrap(values: Sequence[float]) -> Comparison:
    """The mean and its 95 % interval from 2000 resamples (bias-corrected and accelerated; the same every time).

    All values the same, or one alone, have an interval without width, or none.

    Example:
        >>> bootstrap([0.1, 0.2, 0.3, 0.4])
        Comparison(mean=0.25, low=0.15, high=0.35)
    """
    mean, deviation, n = describe(values)
    if n < 2 or deviation == 0:
        return Comparison(mean, *((math.nan, math.nan) if n < 2 else (mean, mean)))
    from scipy.stats import bootstrap as resampled

    interval = resampled((list(values),), np.mean, n_resamples=2000, rng=np.random.default_rng(0)).confidence_interval
    return Comparison(round(mean, 12), round(float(interval.low), 12), round(float(interval.high), 12))


def paired(values: Sequence[float], baseline: Sequence[float]) -> Paired:
    """How much larger the values are than those of the baseline, pair by pair.

    The test is Wilcoxon's signed-rank test: accuracies are bounded and lumpy, so that their differences need not be
    normal. The effect size is Cohen's d of pairs, the mean difference in its own standard deviations.

    Raises:
        ValueError: if the two differ in length.

    Example:
        >>> paired([0.5, 0.7, 0.8], [0.5, 0.5, 0.5]).mean.__round__(6)
        0.166667
    """
    differences = _differences(values, baseline)
    interval, deviation = bootstrap(differences), describe(differences).deviation
    if len(differences) < 2:
        return Paired(*interval, math.nan, math.nan)
    if not any(differences):
        return Paired(*interval, 1.0, 0.0)
    from scipy.stats import wilcoxon

    p = float(wilcoxon(differences, zero_method="zsplit").pvalue)
    return Paired(*interval, p, interval.mean / deviation if deviation else math.inf)


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


def seeds_needed(difference: float, deviation: float, power: float = 0.8) -> float:
    """How many pairs a test at the 5 % level needs to see a mean difference with this probability.

    Args:
        difference: that is to be seen.
        deviation: of the single pairs' differences.
        power: the probability.

    Returns:
        The number of pairs, ∞ for a difference of 0: (z₀.₉₇₅ + z_power)²·(s/d)² + z₀.₉₇₅²/2, rounded up.

    Source: W. C. Guenther, 1981: "Sample size formulas for normal theory t tests".

    Example:
        >>> seeds_needed(0.01, 0.02)
        34
    """
    if difference == 0 or math.isnan(deviation):
        return math.inf
    from scipy.special import ndtri

    z = float(ndtri(0.975))
    return math.ceil(((z + float(ndtri(power))) * deviation / difference) ** 2 + z * z / 2)
