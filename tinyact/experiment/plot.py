"""Loss curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinyact.experiment.training import NONE, Run


def label(activation: str) -> str:
    """A network's name as a person reads it."""
    return {NONE: "no activation", "silu": "silu (Swish)"}.get(activation, activation)


def pyplot() -> Any:
    """``matplotlib.pyplot``, drawing into files alone; matplotlib is optional, and slow to import."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def small_multiples(count: int, columns: int, width: float, height: float, sharex: bool = False) -> tuple[Any, Any]:
    """A figure with so many axes in rows of this height, and the axes; the rest of the last row is empty."""
    rows = -(-count // columns)
    figure, grid = pyplot().subplots(
        rows, columns, figsize=(width, height * rows), layout="constrained", squeeze=False, sharex=sharex
    )
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    return figure, grid.flat[:count]


def band(axes: Any, x: Any, curves: Any, color: str, style: str, name: str) -> None:
    """Median and 90 % band; nothing where at some epoch no number arrived at all."""
    if np.isnan(curves).all(0).any():
        return
    percentiles = np.nanpercentile if np.isnan(curves).any() else np.percentile  # the first is much slower
    low, median, high = percentiles(curves, [5, 50, 95], axis=0)
    axes.plot(x, median, style, color=color, label=name)
    if len(curves) > 1:
        axes.fill_between(x, low, high, color=color, alpha=0.1, linewidth=0)


def plot_losses(groups: Mapping[str, Sequence[Run]], path: Path) -> None:
    """Draws training and test loss over the epochs: the median of all runs, and the band that holds 90 % of them.

    Args:
        groups: the runs of each network, with test losses.
        path: where the picture goes; its ending says in which format.

    Raises:
        ImportError: if matplotlib is not installed (``pip install "tinyact[plot]"``).
    """
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for number, (activation, runs) in enumerate(groups.items()):
        for style, split, losses in (("-", "training", "losses"), ("--", "test", "test_losses")):
            curves = np.array([getattr(run, losses) for run in runs])
            band(axes, range(curves.shape[1]), curves, f"C{number}", style, f"{label(activation)}, {split}")
    seeds = len(next(iter(groups.values())))
    title = "Loss with and without activation function"
    axes.set_title(title if seeds == 1 else f"{title}\nmedian of {seeds} initial weights, band: 5th to 95th percentile")
    axes.set_xlabel("epoch")
    axes.set_ylabel("binary cross-entropy")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
