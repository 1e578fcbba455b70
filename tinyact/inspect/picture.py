"""An array for the page: in full if it is small, else as a heat map, a histogram and its first elements."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyact.numbers import numbers

# Up to so many elements are shown one by one, and so many rows and columns of larger arrays.
FULL, CORNER = 64, (5, 4)
# A heat map has at most so many cells in each direction; blocks of elements share one.
CELLS, BINS = 100, 40
_SINGLE = 20 * CELLS
_NOT_FINITE, _NOTHING = -127, -128


def picture(array: Any) -> dict[str, Any]:
    """Everything that the page shows of an array. Numbers are text, exact to the last digit."""
    n = numbers(array)
    rows = _as_rows(array)
    figures: dict[str, Any] = {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "norm": _text(n.norm),
        "least": _text(n.least),
        "greatest": _text(n.greatest),
        "zeros": round(100 * n.zeros, 1),
        "notFinite": n.not_finite,
    }
    if array.size <= FULL:
        return {**figures, "rows": _texts(rows)}
    return {
        **figures,
        "corner": _texts(rows[: CORNER[0], : CORNER[1]]),
        "heat": _heat(rows),
        "histogram": _histogram(array),
    }


def entries(array: Any, places: Iterable[tuple[int, ...]]) -> dict[str, str]:
    """Single numbers, by their indices.

    Example:
        >>> entries(np.array([[1.0, 0.5]]), [(0, 1)])
        {'[0, 1]': '0.5'}
    """
    return {str(list(place)): _text(array[place]) for place in places}


def _as_rows(array: Any) -> Any:
    """As a matrix: one row, if there is one dimension; the last dimension across, if there are many."""
    return array.reshape((-1, array.shape[-1])) if array.ndim > 1 and array.shape[-1] else array.reshape((1, -1))


def _texts(rows: Any) -> list[list[str]]:
    return [[_text(x) for x in row] for row in rows]


def _text(x: Any) -> str:
    # NumPy's own text: the shortest that is this number and no other, in its own precision.
    return str(np.asarray(x).item() if np.asarray(x).dtype.kind != "f" else np.asarray(x)[()])


def _heat(rows: Any) -> dict[str, Any]:
    """Means of blocks as signed bytes; the longer side runs across, and one long row is broken into several."""
    upright = rows.shape[0] > rows.shape[1]
    cells = rows.T if upright else rows
    single = cells.shape[0] == 1
    block = [1, math.ceil(cells.size / _SINGLE)] if single else [math.ceil(n / CELLS) for n in cells.shape]
    means = _means(cells, block)
    is_cell = np.ones(means.shape, bool)
    if single:
        behind = ((0, 0), (0, -means.size % CELLS))
        means, is_cell = (np.pad(x, behind).reshape(-1, CELLS) for x in (means, is_cell))
    is_finite = np.isfinite(means)
    scale = float(np.max(np.abs(means), initial=0, where=is_finite)) or 1.0
    with np.errstate(invalid="ignore"):
        levels = np.where(is_finite, np.round(means / scale * 126), _NOT_FINITE)
    return {
        "rows": means.shape[0],
        "columns": means.shape[1],
        "bytes": base64.b64encode(np.where(is_cell, levels, _NOTHING).astype(np.int8).tobytes()).decode(),
        "scale": _text(np.float32(scale)),
        "block": block[::-1] if upright else block,
        "upright": upright,
        "single": single,
    }


def _means(cells: Any, block: list[int]) -> Any:
    """The mean of each block; the last ones may be smaller."""
    sums, counts = cells.astype(np.float64), []
    for axis, step in enumerate(block):
        starts = np.arange(0, cells.shape[axis], step)
        sums = np.add.reduceat(sums, starts, axis)
        counts.append(np.diff(starts, append=cells.shape[axis]))
    return sums / np.multiply.outer(*counts)


def _histogram(array: Any) -> dict[str, Any]:
    finite = array[np.isfinite(array)].astype(np.float64)
    if not finite.size:
        return {"counts": [], "from": "", "to": ""}
    with np.errstate(all="ignore"):
        counts, edges = np.histogram(finite, BINS)
    return {"counts": counts.tolist(), "from": _text(edges[0]), "to": _text(edges[-1])}
