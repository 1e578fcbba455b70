"""An array in a few figures: norm, extremes, zeros; or in full, if it is small."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Numbers(NamedTuple):
    """An array's figures.

    Attributes:
        shape: its sizes.
        norm: √(Σ x²).
        least, greatest: its extremes among the finite elements; NaN if there are none.
        zeros: the share of elements that are exactly 0.
        not_finite: how many elements are NaN or infinite.
    """

    shape: tuple[int, ...]
    norm: float
    least: float
    greatest: float
    zeros: float
    not_finite: int


def numbers(array: Any) -> Numbers:
    """The figures of an array.

    Example:
        >>> numbers(np.array([3.0, 0.0, -4.0, np.inf]))
        Numbers(shape=(4,), norm=inf, least=-4.0, greatest=3.0, zeros=0.25, not_finite=1)
    """
    finite = array[np.isfinite(array)]
    least, greatest = (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)
    zeros = float((array == 0).mean()) if array.size else 0.0
    # In float64, in which the squares of float32 can't overflow.
    norm = float(np.linalg.norm(array.astype(np.float64).reshape(-1)))
    return Numbers(tuple(array.shape), norm, least, greatest, zeros, array.size - finite.size)


def short(number: float) -> str:
    """A number in four digits.

    Example:
        >>> short(0.123456), short(2.0), short(-1e-9)
        ('0.1235', '2', '-1e-09')
    """
    return f"{number:.4g}"


def in_full(array: Any) -> str:
    """All numbers of a small array.

    Example:
        >>> in_full(np.array([[1.0, 0.5]]))
        '[[1, 0.5]]'
    """
    if array.ndim == 0:
        return short(float(array))
    return "[" + ", ".join(in_full(part) for part in array) + "]"
