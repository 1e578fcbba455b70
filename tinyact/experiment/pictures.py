"""The pictures of a study: each takes the results of one setting by activation, and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinyact.experiment.configuration import ACTIVATIONS, NONE
from tinyact.experiment.findings import Groups, compared, overlap, pairs
from tinyact.experiment.plot import band, figure, look, owned, small_multiples
from tinyact.experiment.statistics import interval
from tinyact.experiment.training import FINISHED, Run
from tinyact.experiment.words import label

# Inches. Narrow, so that it can be read on a telephone; pages enlarge it.
WIDTH = 4.6
STYLES = ("-", "--", ":")


class Picture(NamedTuple):
    """A picture: its file's name, its title, what to see in it, and how it is drawn."""

    name: str
    title: str
    caption: str
    draw: Callable[[Groups, str], Any]


def accuracies(groups: Groups, baseline: str) -> Any:
    """Every seed's test accuracy as a point, with mean and interval."""
    order = [f.activation for f in compared(groups, baseline) if f.accuracy]
    points = {name: [100 * r.accuracy for r in groups[name] if r.status == FINISHED] for name in order}
    return _clouds(points, "test accuracy, %", overlap(groups[baseline]))


def differences(groups: Groups, baseline: str) -> Any:
    """Paired differences to the baseline: every seed's as a point, with mean and interval."""
    points = {}
    for f in compared(groups, baseline):
        if f.difference:
            ours, theirs = pairs(groups[f.activation], groups[baseline])
            points[f.activation] = (100 * np.subtract(ours, theirs)).tolist()
    figure = _clouds(points, f"difference to {label(baseline)}, percentage points", overlap(groups[baseline]))
    figure.axes[0].axvline(0, color="0.5", linewidth=1)
    return figure


def _clouds(points: dict[str, list[float]], unit: str, shared: float) -> Any:
    """A row of points for each name, the first on top, with mean and interval."""
    figure, ((axes,),) = _figure(height=0.3 * len(points) + 0.9)
    noise = np.random.default_rng(0)
    for place, (name, values) in enumerate(points.items()):
        color, marker = look(name).values()
        height = place + noise.uniform(-0.22, 0.22, len(values))
        (dots,) = axes.plot(values, height, marker, color=color, alpha=0.35, markersize=3.5, markeredgewidth=0)
        owned(dots, name, [f"{label(name)}: {value:.2f}" for value in values])
        mean, low, high = interval(values, shared)
        bar = axes.errorbar(
            mean, place, xerr=[[mean - low], [high - mean]], fmt=marker, color=color, markeredgecolor="black",
            ecolor="black", capsize=4, markersize=6,
        )  # fmt: skip
        between = "" if np.isnan(low) else f" (95 % interval {low:.2f} to {high:.2f})"
        owned(bar.get_children(), name, [f"{label(name)}: mean {mean:.2f}{between}"])
    axes.set_yticks(range(len(points)), map(label, points))
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    return figure


def learning(groups: Groups, baseline: str) -> Any:
    """The loss of samples that aren't trained with, over the epochs: median, and the band of 90 % of the runs."""
    figure, ((axes,),) = _figure(height=3.8)
    for number, (name, results) in enumerate(groups.items()):
        curves = np.array([r.held_out_losses for r in results if r.status == FINISHED])
        if curves.size:
            color = look(name)["color"]
            band(axes, np.arange(curves.shape[1]), curves, color, STYLES[number % 3], label(name), name)
    axes.set_xlabel("epoch")
    axes.set_ylabel("held-out loss (cross-entropy)")
    _legend(figure)
    return figure


def over_time(measure: str, unit: str) -> Callable[[Groups, str], Any]:
    """A picture of one measure in the recorded epochs, a panel for each layer."""

    def draw(groups: Groups, baseline: str) -> Any:
        layers = _by_layer(groups, measure)
        count = max((curves.shape[1] for curves in layers.values()), default=1)
        columns = min(2, count)
        rows = -(-count // columns)
        figure, grid = _figure(2.6 if rows == 1 else 1.7 * rows, rows, columns, legend=len(groups))
        epochs = next((r.epochs for group in groups.values() for r in group if r.status == FINISHED), [])
        for number, name in enumerate(groups):
            for layer, curves in enumerate(np.moveaxis(layers.get(name, np.empty((0, 0, 0))), 1, 0)):
                color = look(name)["color"]
                band(grid.flat[layer], np.array(epochs), curves, color, STYLES[number % 3], label(name), name)
        for layer, axes in enumerate(grid.flat):
            axes.set_visible(layer < count)
            axes.set_title(f"layer {layer + 1}" if count > 1 else "", fontsize=9)
            if unit.startswith("share"):
                axes.set_ylim(-0.03, 1.03)
            elif axes.has_data():
                axes.set_yscale("log", nonpositive="clip")
        for axes in grid[-1]:
            axes.set_xlabel("epoch")
        figure.supylabel(unit, fontsize=9)
        _legend(figure)
        return figure

    return draw


def means(groups: Groups, baseline: str) -> Any:
    """The mean output of each hidden layer when last recorded: a row for each activation, a colour for each layer."""
    lines: dict[str, list[Any]] = {}
    for name, curves in _by_layer(groups, "mean").items():
        for layer, last in enumerate(curves[:, :, -1].T, 1):
            low, median, high = np.percentile(last, [5, 50, 95])
            lines.setdefault(f"layer {layer}", []).append((label(name), median, low, high))
    return draw_chart(Chart("mean", "", "", "mean output", lines, zero=bool(lines)))


def _by_layer(groups: Groups, measure: str) -> dict[str, np.ndarray[Any, Any]]:
    """The measure of each activation whose layers have it: (seeds, layers, recorded epochs)."""
    curves = {}
    for name, results in groups.items():
        numbers = [_layers(r, measure) for r in results if r.status == FINISHED]
        if numbers and numbers[0]:
            curves[name] = np.array(numbers)
    return curves


def _layers(result: Run, measure: str) -> list[list[float]]:
    """The measure's numbers of each layer that has it, without the output's sigmoid, which is no hidden layer."""
    layers = [layer[measure] for _, layer in sorted(result.layers.items(), key=lambda i: int(i[0])) if measure in layer]
    if measure == "gradient_norm":
        return layers
    return layers[: 0 if result.configuration.activation == NONE else len(result.configuration.hidden)]


def _figure(height: float, rows: int = 1, columns: int = 1, legend: int = 0) -> Any:
    """A figure and its axes in rows; higher by what a legend of so many names takes."""
    whole = figure(figsize=(WIDTH, height + 0.2 * -(-legend // 3)))
    grid = whole.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat:
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=9)
    return whole, grid


def _legend(figure: Any) -> None:
    """Below the picture, each name once."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    if handles:
        figure.legend(handles.values(), handles, fontsize=8, ncols=3, loc="outside lower center", frameon=False)


PICTURES = [
    Picture(
        "accuracy", "Test accuracy by activation",
        "Each point is one seed; the large ones are means with their 95 % intervals. The best stands on top. Clouds "
        "that lie apart are different; where they overlap the next picture decides.", accuracies,
    ),
    Picture(
        "difference", "Difference to the baseline, seed by seed",
        "Each point is one seed's difference; the large ones are means with 95 % intervals. Right of the line is "
        "better; an interval that crosses the line is no difference that was seen.", differences,
    ),
    Picture(
        "learning", "Learning curves",
        "Median over seeds, and the band that holds 90 % of them. Lower is better; a curve that still falls would gain "
        "from more epochs, one that rises again overfits.", learning,
    ),
    Picture(
        "gradients", "Gradient norm per layer over time",
        "How much each layer is told to change (median, 90 % band; logarithmic), layer 1 at the input. A curve far "
        "below the others, in early layers more than in late ones, is a gradient that vanished on its way back.",
        over_time("gradient_norm", "‖∂L/∂W‖"),
    ),
    Picture(
        "dead", "Dead units over time",
        "Share of each hidden layer's units that are 0 for every training sample. They learn no more.",
        over_time("dead", "share of dead units"),
    ),
    Picture(
        "saturated", "Saturated outputs over time",
        "Share of each hidden layer's outputs through which less than a hundredth of the gradient passes. For ReLU "
        "these are its zeros.", over_time("saturated", "share of saturated outputs"),
    ),
    Picture(
        "mean", "Mean activation per layer at the end",
        "How far the outputs of a hidden layer are from being centred on zero (median over seeds, 90 % of them).",
        means,
    ),
]  # fmt: skip


# --- charts of claims ----------------------------------------------------------------------------------------------


@dataclass
class Chart:
    """What decides a claim, as means with intervals: by a number along x, or by names from top to bottom.

    Attributes:
        name, title, caption: as of `Picture`.
        value: what was measured.
        lines: by name, (place, mean, low, high) for each point.
        place: what numbers along x are.
        log: which axes are logarithmic: any of ``"xy"``.
        zero: whether 0 is where there is no difference.
    """

    name: str
    title: str
    caption: str
    value: str
    lines: dict[str, list[tuple[Any, float, float, float]]]
    place: str = ""
    log: str = ""
    zero: bool = False

    def by_name(self) -> bool:
        """Whether places are names."""
        return any(isinstance(point[0], str) for line in self.lines.values() for point in line)


def draw_chart(chart: Chart) -> Any:
    """The chart as a figure."""
    rows = len({point[0] for line in chart.lines.values() for point in line}) if chart.by_name() else 0
    figure, ((axes,),) = _figure(height=0.3 * rows + 1.1 if rows else 2.9)
    chart_into(axes, chart)
    _legend(figure)
    return figure


def chart_into(axes: Any, chart: Chart) -> None:
    """The chart in axes that are there."""
    axes.set(xscale="log" if "x" in chart.log else "linear", yscale="log" if "y" in chart.log else "linear")
    (_names if chart.by_name() else _numbers)(axes, chart)


def _points(axes: Any, points: Any, name: str, what: str, number: int, **how: Any) -> None:
    """A line of points with intervals; an activation's look as it does everywhere."""
    activation = {label(each): each for each in ACTIVATIONS}.get(name, "")
    own = look(activation) if activation else {"color": f"C{number}", "marker": "oDs^"[number % 4]}
    bar = axes.errorbar(capsize=3, markersize=5, **own, **how)
    tips = [f"{what}, {place}: {mean:.3g} [{low:.3g}, {high:.3g}]" for place, mean, low, high in points]
    owned(bar.get_children()[0], activation, tips)


def _numbers(axes: Any, chart: Chart) -> None:
    if chart.zero:
        axes.axhline(0, color="0.5", linewidth=1)
    for number, (name, line) in enumerate(chart.lines.items()):
        x, mean, low, high = np.array(line, float).T
        style = STYLES[number % 3]
        _points(
            axes, line, name, name or chart.value, number, x=x, y=mean, yerr=[mean - low, high - mean],
            linestyle=style, label=name if len(chart.lines) > 1 else None,
        )  # fmt: skip
    places = sorted({point[0] for line in chart.lines.values() for point in line})
    axes.set_xticks(places, [f"{place:,g}" for place in places])
    axes.xaxis.minorticks_off()
    axes.set_xlabel(chart.place)
    axes.set_ylabel(chart.value)


def _names(axes: Any, chart: Chart) -> None:
    names: Sequence[str] = list(dict.fromkeys(point[0] for line in chart.lines.values() for point in line))
    if chart.zero:
        axes.axvline(0, color="0.5", linewidth=1)
    for number, (name, line) in enumerate(chart.lines.items()):
        shift = 0.5 * ((number + 0.5) / len(chart.lines) - 0.5)
        for point in line:
            place, mean, low, high = point
            whose = name if len(chart.lines) > 1 else place
            _points(
                axes, [point], whose, name or chart.value, number, x=[mean], y=[names.index(place) + shift],
                xerr=[[mean - low], [high - mean]], linestyle="",
                label=name if len(chart.lines) > 1 and point is line[0] else None,
            )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(chart.value)


def charts_together(charts: Sequence[Chart], path: Path) -> None:
    """All of them in one file, for where a single picture is wanted."""
    figure, panels = small_multiples(len(charts), 3, width=14, height=3.4)
    for axes, chart in zip(panels, charts, strict=True):
        axes.grid(alpha=0.3)
        chart_into(axes, chart)
        axes.set_title(chart.title, fontsize=11)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    figure.savefig(path, dpi=80)
