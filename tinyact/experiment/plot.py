"""Figures, and loss curves as one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinyact.experiment.configuration import ACTIVATIONS, NONE
from tinyact.experiment.findings import Groups
from tinyact.experiment.words import label


def figure(**how: Any) -> Any:
    """A figure that is drawn into files alone, whatever shows figures otherwise; matplotlib is slow to import."""
    # A notebook leaves its own backend to what it starts, where that may not exist.
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        from matplotlib.figure import Figure
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    return Figure(layout="constrained", **how)


def picture_endings() -> Any:
    """In which formats pictures can be written."""
    return figure().canvas.get_supported_filetypes()


# These first, so that they have colours of their own.
COMMON = ("sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "silu", "gelu", "softmax")
ORDER = sorted(ACTIVATIONS, key=lambda name: name not in (NONE, *COMMON))


def look(name: str) -> dict[str, str]:
    """An activation's colour and marker, the same in every picture; others have those that are left."""
    number = ORDER.index(name) if name in ORDER else sum(map(ord, name))
    return {"color": f"C{number % 10}", "marker": "oDs^vP*"[(number + number // 10) % 7]}


def owned(artists: Any, name: str, tips: Sequence[str] = ()) -> None:
    """Says whose these are, and what is to be read where the pointer is: one text for all of it, or one per point."""
    for artist in artists if isinstance(artists, (list, tuple)) else [artists]:
        artist.owner, artist.tips = name, tips


def small_multiples(count: int, columns: int, width: float, height: float, sharex: bool = False) -> tuple[Any, Any]:
    """A figure with so many axes in rows of this height, and the axes; the rest of the last row is empty."""
    rows = -(-count // columns)
    whole = figure(figsize=(width, height * rows))
    grid = whole.subplots(rows, columns, squeeze=False, sharex=sharex)
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    return whole, grid.flat[:count]


def band(axes: Any, x: Any, curves: Any, color: str, style: str, name: str, owner: str = "") -> None:
    """Median and 90 % band; nothing where at some epoch no number arrived at all."""
    if np.isnan(curves).all(0).any():
        return
    percentiles = np.nanpercentile if np.isnan(curves).any() else np.percentile  # the first is much slower
    low, median, high = percentiles(curves, [5, 50, 95], axis=0)
    last = f"{name}: {median[0]:.3g} at first, {median[-1]:.3g} at last"
    owned(axes.plot(x, median, style, color=color, label=name), owner, [last])
    if len(curves) > 1:
        owned(axes.fill_between(x, low, high, color=color, alpha=0.1, linewidth=0), owner, [last])


def plot_losses(groups: Groups, path: Path) -> None:
    """Draws training and test loss over the epochs: the median of all runs, and the band that holds 90 % of them.

    Args:
        groups: the runs of each network, with test losses.
        path: where the picture goes; its ending says in which format.

    Raises:
        ImportError: if matplotlib is not installed (``pip install "tinyact[plot]"``).
    """
    whole = figure(figsize=(8, 5))
    axes = whole.subplots()
    for number, (activation, runs) in enumerate(groups.items()):
        for style, split, losses in (("-", "training", "losses"), ("--", "test", "held_out_losses")):
            curves = np.array([getattr(run, losses) for run in runs])
            band(axes, range(curves.shape[1]), curves, f"C{number}", style, f"{label(activation)}, {split}")
    seeds = len(next(iter(groups.values())))
    title = "Loss with and without activation function"
    axes.set_title(title if seeds == 1 else f"{title}\nmedian of {seeds} seeds, band: 5th to 95th percentile")
    axes.set_xlabel("epoch")
    axes.set_ylabel("binary cross-entropy")
    axes.grid(alpha=0.3)
    axes.legend()
    whole.savefig(path, dpi=120)
