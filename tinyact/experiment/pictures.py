"""The pictures of a study: each takes the results of one setting by activation, and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinyact.experiment.plot import label
from tinyact.experiment.statistics import bootstrap
from tinyact.experiment.store import FINISHED, Result
from tinyact.experiment.study import compared
from tinyact.experiment.training import NONE

Groups = dict[str, list[Result]]


class Picture(NamedTuple):
    """A picture: its file's name, its title, what to see in it, and how it is drawn."""

    name: str
    title: str
    caption: str
    draw: Callable[[Groups, str], Any]


def accuracies(groups: Groups, baseline: str) -> Any:
    """Every seed's test accuracy as a point, with mean and interval."""
    order = [row["activation"] for row in compared(groups, baseline) if row["accuracy"]][::-1]
    figure, axes = _figure(height=0.34 * len(order) + 1.2)
    noise = np.random.default_rng(0)
    for place, name in enumerate(order):
        values = [100 * r.accuracy for r in groups[name] if r.status == FINISHED]
        axes.plot(values, place + noise.uniform(-0.22, 0.22, len(values)), "o", color="C0", alpha=0.35, markersize=4)
        mean, low, high = bootstrap(values)
        axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], fmt="D", color="C1", capsize=4, markersize=5)
    axes.set_yticks(range(len(order)), [label(name) for name in order])
    axes.set_xlabel("test accuracy, %")
    return figure


def differences(groups: Groups, baseline: str) -> Any:
    """Paired differences to the baseline, with intervals."""
    rows = [row for row in compared(groups, baseline) if "difference" in row][::-1]
    figure, axes = _figure(height=0.34 * len(rows) + 1.2)
    axes.axvline(0, color="0.5", linewidth=1)
    for place, row in enumerate(rows):
        mean, low, high = (100 * number for number in row["difference"][:3])
        axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], fmt="D", color="C1", capsize=4, markersize=5)
    axes.set_yticks(range(len(rows)), [label(row["activation"]) for row in rows])
    axes.set_xlabel(f"accuracy minus that of {label(baseline)}, percentage points")
    return figure


def learning(groups: Groups, baseline: str) -> Any:
    """Test loss over the epochs: the median, and the band that holds 90 % of the runs."""
    figure, axes = _figure(height=4)
    for number, (name, results) in enumerate(groups.items()):
        curves = np.array([r.history["test_loss"] for r in results if r.status == FINISHED])
        if curves.size:
            _band(axes, np.arange(curves.shape[1]), curves, number, label(name))
    axes.set_xlabel("epoch")
    axes.set_ylabel("test loss (cross-entropy)")
    _legend(axes)
    return figure


def _over_time(measure: str, which: int, unit: str, log: bool = False) -> Callable[[Groups, str], Any]:
    """A picture of one measure of one layer (the first, 0, or the last, −1) in the recorded epochs."""

    def draw(groups: Groups, baseline: str) -> Any:
        figure, axes = _figure(height=4)
        for number, (name, results) in enumerate(groups.items()):
            done = [r for r in results if r.status == FINISHED]
            curves = [layers[which] for layers in (_hidden(r, measure) for r in done) if layers]
            if curves:
                _band(axes, np.array(done[0].epochs), np.array(curves), number, label(name))
        axes.set_xlabel("epoch")
        axes.set_ylabel(unit)
        if log and axes.has_data():
            axes.set_yscale("log", nonpositive="clip")
        _legend(axes)
        return figure

    return draw


def per_layer(measure: str, unit: str, log: bool = False) -> Callable[[Groups, str], Any]:
    """A picture of one measure by layer, when last recorded."""

    def draw(groups: Groups, baseline: str) -> Any:
        figure, axes = _figure(height=4)
        for number, (name, results) in enumerate(groups.items()):
            values = [[layer[-1] for layer in _hidden(r, measure)] for r in results if r.status == FINISHED]
            if values and values[0]:
                places = np.arange(1, len(values[0]) + 1)
                _band(axes, places, np.array(values), number, label(name), "o-")
                axes.set_xticks(places)
        axes.set_xlabel("hidden layer" if measure != "gradient_norm" else "linear layer")
        axes.set_ylabel(unit)
        if log and axes.has_data():
            axes.set_yscale("log", nonpositive="clip")
        _legend(axes)
        return figure

    return draw


def _hidden(result: Result, measure: str) -> list[list[float]]:
    """The measure's numbers of each layer that has it, without the output's sigmoid, which is no hidden layer."""
    layers = [layer[measure] for _, layer in sorted(result.layers.items(), key=lambda i: int(i[0])) if measure in layer]
    if measure == "gradient_norm":
        return layers
    depth = 0 if result.configuration.activation == NONE else len(result.configuration.hidden)
    return layers[:depth]


def _figure(height: float) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, height), layout="constrained")
    axes.grid(alpha=0.3)
    return figure, axes


def _band(axes: Any, x: Any, curves: Any, number: int, name: str, style: str = "-") -> None:
    if np.isnan(curves).all(0).any():
        return  # at some epoch no gradient arrived at all
    low, median, high = np.nanpercentile(curves, [5, 50, 95], axis=0)
    axes.plot(x, median, style, color=f"C{number}", label=name, markersize=4)
    if len(curves) > 1:
        axes.fill_between(x, low, high, color=f"C{number}", alpha=0.12, linewidth=0)


def _legend(axes: Any) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, ncols=2)


PICTURES = [
    Picture(
        "accuracy", "Test accuracy by activation",
        "Each point is one seed; diamonds are means with their 95 % intervals. The best stands on top. Clouds that lie "
        "apart are different; where they overlap the next picture decides.", accuracies,
    ),
    Picture(
        "difference", "Difference to the baseline, seed by seed",
        "Means of paired differences with 95 % intervals: the same seed means the same initial weights. Right of the "
        "line is better; an interval that crosses the line is no difference that was seen.", differences,
    ),
    Picture(
        "learning", "Learning curves",
        "Median over seeds, and the band that holds 90 % of them. Lower is better; a curve that rises again overfits.",
        learning,
    ),
    Picture(
        "gradients", "Gradient norm of the first layer over time",
        "How much the first layer is told to change (median, 90 % band; logarithmic). A curve far below the others is "
        "a gradient that vanished on its way.", _over_time("gradient_norm", 0, "‖∂L/∂W‖ of the first layer", True),
    ),
    Picture(
        "gradients-by-layer", "Gradient norm of each layer at the end",
        "From the input on the left to the output. A line that falls to the left loses its gradient on the way back.",
        per_layer("gradient_norm", "‖∂L/∂W‖", True),
    ),
    Picture(
        "dead", "Dead units over time",
        "Share of units of the last hidden layer that are 0 for every training sample. They learn no more.",
        _over_time("dead", -1, "share of dead units"),
    ),
    Picture(
        "saturated", "Saturated outputs over time",
        "Share of outputs of the last hidden layer through which less than a hundredth of the gradient passes. For "
        "ReLU these are its zeros.", _over_time("saturated", -1, "share of saturated outputs"),
    ),
    Picture(
        "mean", "Mean activation by layer at the end",
        "How far the outputs of a hidden layer are from being centred on zero (median over seeds, 90 % band).",
        per_layer("mean", "mean output"),
    ),
]  # fmt: skip
