"""The notebook's comparison: a study of networks without and with activation functions, told in its words."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import tinyact
from tinyact.experiment.check_torch import check
from tinyact.experiment.configuration import NONE, Configuration
from tinyact.experiment.data import VARY, WEIGHTS
from tinyact.experiment.findings import Groups, difference
from tinyact.experiment.statistics import Comparison, describe, percentile_of
from tinyact.experiment.store import replaced
from tinyact.experiment.words import label

# What the notebook printed for its two networks, each trained once.
NOTEBOOK = {NONE: 0.864, "relu": 0.897}


def _accuracies(groups: Groups) -> dict[str, list[float]]:
    return {activation: [run.accuracy for run in runs] for activation, runs in groups.items()}


def _differences(groups: Groups) -> dict[str, Comparison]:
    """To no activation, pair by pair."""
    values = {name: difference(runs, groups[NONE]) for name, runs in groups.items() if name != NONE}
    return {name: value.interval() for name, value in values.items() if value}


def first_runs(groups: Groups) -> list[str]:
    """What the notebook printed: losses and accuracies of one run each."""
    first = {activation: runs[0] for activation, runs in groups.items()}
    width = max(14, *(len(label(activation)) + 2 for activation in first))
    lines = [
        f"Training loss, initial weights from seed {first[NONE].configuration.seed}\n",
        "epoch" + "".join(f"{label(activation):>{width}}" for activation in first),
    ]
    for epoch in range(0, len(first[NONE].losses), 5):
        lines.append(f"{epoch:5}" + "".join(f"{run.losses[epoch]:{width}.4f}" for run in first.values()))
    lines.append(f"\nAccuracy without Activation Functions: {first[NONE].accuracy:.3f}")
    for activation, run in first.items():
        if activation != NONE:
            which = "" if len(first) == 2 else f" ({activation})"
            lines.append(f"Accuracy with Activation Functions{which}: {run.accuracy:.3f}")
    return lines


def many_runs(groups: Groups) -> list[str]:
    """What the notebook couldn't know: how these accuracies vary, and where its own fall among them."""
    accuracies = _accuracies(groups)
    count, setting = len(accuracies[NONE]), groups[NONE][0].configuration.setting()
    starts = "initial weights" if setting.vary == WEIGHTS else VARY[setting.vary].seeds
    lines = [f"\nTest accuracy from {count} {starts} (mean ± standard deviation)\n"]
    for activation, values in accuracies.items():
        mean, deviation, _ = describe(values)
        plus_minus = f" ± {deviation:.4f}" if count > 1 else ""
        lines.append(f"{label(activation):>15}  {mean:.4f}{plus_minus}   from {min(values):.3f} to {max(values):.3f}")
    lines.append("")
    for activation, (mean, low, high) in _differences(groups).items():
        interval = f", 95 % interval {low:+.4f} to {high:+.4f}" if count > 1 else " (one pair: no interval)"
        lines.append(f"{label(activation)} − no activation, pair by pair: {mean:+.4f}{interval}")
    # Its figures can be compared with those of its own networks and split alone.
    if setting == Configuration():
        lines.append("")
        for activation, figure in NOTEBOOK.items():
            if activation in accuracies:
                place = _place(figure, accuracies[activation])
                lines.append(f"The notebook's {figure} ({label(activation)}) {place}")
    return lines


def _place(figure: float, values: list[float]) -> str:
    """Where a single figure falls among many."""
    mean, deviation, count = describe(values)
    if count == 1:
        return f"is {figure - mean:+.3f} away from this one run"
    distance = f"; {(figure - mean) / deviation:+.1f} standard deviations from the mean" if deviation else ""
    return f"has {percentile_of(figure, values):.0f} % of these {count} runs below it{distance}"


def agreement(groups: Groups) -> list[str]:
    """The first runs in PyTorch, beside ours."""
    import torch

    seed = groups[NONE][0].configuration.seed
    lines = [f"\nThe same trainings in PyTorch {torch.__version__}, from the same weights (seed {seed})"]
    for activation, (ours, *_) in groups.items():
        result = check(ours.configuration)
        lines.append(f"\n{label(activation)}\nepoch     tinyact     PyTorch  difference")
        for epoch in range(0, len(ours.losses), 5):
            a, b = ours.losses[epoch], result.run.losses[epoch]
            lines.append(f"{epoch:5}{a:12.6f}{b:12.6f}{a - b:12.1e}")
        lines.append(f"accuracy {ours.accuracy:8.3f}{result.run.accuracy:12.3f}")
        lines.append(
            f"largest difference over all {len(ours.losses)} epochs: loss {result.loss:.1e}, gradient "
            f"{result.gradient:.1e}, prediction {result.prediction:.1e}; test samples classified differently: "
            f"{result.other_classes}"
        )
    return lines


def write_json(groups: Groups, activations: Sequence[str], path: Path) -> None:
    """Settings, every run and the summary."""
    c = groups[NONE][0].configuration
    settings: dict[str, Any] = {"activation": list(activations), "seed": c.seed, "seeds": len(groups[NONE])}
    settings |= {name: getattr(c, name) for name in ("epochs", "lr", "hidden", "dropout", "vary")}
    content = {
        "settings": {**settings, "hidden": list(c.hidden)},
        "versions": {"tinyact": tinyact.__version__, "python": platform.python_version()},
        "runs": [
            {"activation": run.configuration.activation, "seed": run.configuration.seed, "accuracy": run.accuracy,
             "losses": run.losses}
            for run in chain(*groups.values())
        ],
        "accuracy": {activation: describe(values)._asdict() for activation, values in _accuracies(groups).items()},
        "difference": {activation: value._asdict() for activation, value in _differences(groups).items()},
    }  # fmt: skip
    # NaN, the deviation of a single run, is no JSON.
    finite = replaced(content, lambda value: None if math.isnan(value) else value)
    path.write_text(json.dumps(finite, indent=1) + "\n", encoding="utf-8")
