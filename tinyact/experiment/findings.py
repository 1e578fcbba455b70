"""From runs to findings: settings, what is compared within them, which is best, and how sure that is. Numbers alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tinyact.experiment.configuration import NONE, Configuration
from tinyact.experiment.data import VARY, WEIGHTS
from tinyact.experiment.statistics import (
    Comparison,
    Paired,
    adjusted,
    describe,
    interval,
    paired,
    seeds_needed,
)
from tinyact.experiment.training import FINISHED, Run

# Differences of accuracy below this are of no importance, unless one says otherwise.
MARGIN = 0.005
# A training is unfinished if of all that its loss fell, more than this share came in the last tenth of the epochs.
UNFINISHED = 0.01
SURE = 0.05
BETTER, WORSE, EQUAL, UNSEEN, UNKNOWN = "better", "worse", "equal", "no difference seen", "too few seeds"
TUNABLE = {"lr": (0.001, 0.003, 0.01, 0.03, 0.1), "epochs": (50, 100, 200, 400)}

Groups = dict[str, list[Run]]


class Setting(NamedTuple):
    """What is compared is compared within one setting.

    Attributes:
        base: the configuration, without activation and seed.
        tuned: what each activation has its own best value of, and the values that were tried.
    """

    base: Configuration
    tuned: tuple[tuple[str, tuple[float, ...]], ...] = ()

    def words(self) -> str:
        """As one would say it."""
        tried = [f"{name} tuned over {', '.join(f'{v:g}' for v in values)}" for name, values in self.tuned]
        parts = self.base.words().split(", ")
        names = [name for name, _ in self.tuned]
        kept = [part for part in parts if not any(name in part.split() for name in names)]
        return ", ".join([*kept[:-1], *tried, kept[-1]])


def by_setting(runs: Iterable[Run], tune: Sequence[str] = ()) -> dict[Setting, Groups]:
    """Runs of what is comparable: by setting, then by activation, in the order of seeds.

    Args:
        runs: of any study.
        tune: fields of which each activation gets its own best value, by the samples to choose with. Runs that have no
            such samples are left as they are.
    """
    tried: dict[tuple[Configuration, tuple[str, ...]], dict[str, dict[tuple[Any, ...], list[Run]]]] = {}
    for run in sorted(runs, key=lambda r: r.configuration.seed):
        c = run.configuration
        names = () if c.vary == WEIGHTS else tuple(tune)
        untuned: dict[str, Any] = {name: TUNABLE[name][0] for name in names}
        base = replace(c, activation=NONE, seed=0, **untuned)
        values = tuple(getattr(c, name) for name in names)
        tried.setdefault((base, names), {}).setdefault(c.activation, {}).setdefault(values, []).append(run)
    settings = {}
    for (base, names), candidates in tried.items():
        columns = zip(*sorted({values for group in candidates.values() for values in group}), strict=True)
        tuned = tuple((name, tuple(sorted(set(column)))) for name, column in zip(names, columns, strict=True))
        groups = {activation: max(group.values(), key=_score) for activation, group in candidates.items()}
        settings[Setting(base, tuned)] = groups
    return dict(sorted(settings.items(), key=lambda item: item[0].base.key()))


def _score(runs: Sequence[Run]) -> float:
    """By what is chosen: the mean accuracy on samples that neither train nor judge, where there are any."""
    means = [_mean([getattr(r, name) for r in runs]) for name in ("validation_accuracy", "accuracy")]
    return next((mean for mean in means if mean > 0), 0.0)


def _mean(values: Sequence[float]) -> float:
    """With 0 for runs that diverged."""
    return float(np.nan_to_num(values).mean())


def accuracy(run: Run) -> float:
    """The accuracy that judges."""
    return run.accuracy


def pairs(
    runs: Sequence[Run], baseline: Sequence[Run], what: Callable[[Run], float] = accuracy
) -> tuple[list[float], list[float]]:
    """A number of both, in pairs of the same seed; seeds at which either diverged are left out."""
    groups = (runs, baseline)
    ours, theirs = ({r.configuration.seed: what(r) for r in group if r.status == FINISHED} for group in groups)
    seeds = sorted(ours.keys() & theirs.keys())
    return [ours[s] for s in seeds], [theirs[s] for s in seeds]


def overlap(runs: Sequence[Run]) -> float:
    """How much the seeds' splits have in common."""
    return VARY[runs[0].configuration.vary].overlap if runs else 0.0


def mean(runs: Sequence[Run], what: Callable[[Run], float] = accuracy) -> Comparison:
    """The mean of a number over the runs that finished."""
    return interval([what(r) for r in runs if r.status == FINISHED], overlap(runs))


def difference(runs: Sequence[Run], baseline: Sequence[Run], what: Callable[[Run], float] = accuracy) -> Paired | None:
    """The mean paired difference of a number; None if no seed finished in both."""
    ours, theirs = pairs(runs, baseline, what)
    return paired(ours, theirs, overlap(runs)) if ours else None


def still_falls(losses: Sequence[float]) -> float:
    """Of all that a loss fell, the share that came in the last tenth of the epochs."""
    if len(losses) < 2 or not losses[0] > losses[-1]:
        return 0.0
    return (losses[-1 - max(1, len(losses) // 10)] - losses[-1]) / (losses[0] - losses[-1])


def relation(value: Paired | None, p: float, margin: float) -> str:
    """What a difference comes to, in one of five words."""
    if value is None or value.pairs < 2:
        return UNKNOWN
    if p < SURE:
        return BETTER if value.mean > 0 else WORSE
    return EQUAL if max(-value.low, value.high) < margin else UNSEEN


@dataclass(frozen=True)
class Finding:
    """What is found of an activation in a setting.

    Attributes:
        activation: its name.
        runs, diverged: how many there are, and how many of these diverged.
        chosen_by: what it is ranked by: the mean accuracy on samples that neither train nor judge, if there are any.
        accuracy: the mean test accuracy, if any run finished.
        difference: to what it is compared with, seed by seed.
        p: of the difference, corrected for the number of activations; NaN if there is none.
        seeds: how many it takes to see such a difference with 80 % power.
        word: what the difference comes to.
        unfinished: whether the training loss still falls.
        tuned: the values that were chosen.
        at_the_edge: whether one of these is the least or greatest that was tried.
    """

    activation: str
    runs: int
    diverged: int
    chosen_by: float
    accuracy: Comparison | None
    difference: Paired | None = None
    p: float = math.nan
    seeds: float = math.nan
    word: str = ""
    unfinished: bool = False
    tuned: tuple[tuple[str, float], ...] = ()
    at_the_edge: bool = False


def compared(
    groups: Groups, baseline: str | None = None, margin: float = MARGIN, setting: Setting | None = None
) -> list[Finding]:
    """A finding per activation, the best first; differences are those to the baseline, seed by seed.

    Args:
        groups: the runs by activation.
        baseline: an activation; by default none, if it is there, else the first.
        margin: differences below this are of no importance.
        setting: what was tuned.
    """
    baseline = baseline or baseline_of(groups)
    others = [name for name in groups if name != baseline]
    differences = {name: difference(groups[name], groups.get(baseline, [])) for name in others}
    there = {name: value for name, value in differences.items() if value}
    p = dict(zip(there, adjusted([value.p for value in there.values()]), strict=True))
    findings = []
    for name, runs in groups.items():
        finished = [r for r in runs if r.status == FINISHED]
        tuned = tuple((field, getattr(runs[0].configuration, field)) for field, _ in (setting.tuned if setting else ()))
        finding = Finding(
            name, len(runs), len(runs) - len(finished), _score(runs), _share(mean(runs)) if finished else None,
            unfinished=bool(finished) and _mean([still_falls(r.losses) for r in finished]) > UNFINISHED,
            tuned=tuned,
            at_the_edge=any(
                len(tried) > 2 and value in (tried[0], tried[-1])
                for (_, value), (_, tried) in zip(tuned, setting.tuned if setting else (), strict=True)
            ),
        )  # fmt: skip
        if name != baseline:
            value = differences[name]
            finding = replace(
                finding, difference=value, p=p.get(name, math.nan), word=relation(value, p.get(name, 1.0), margin),
                seeds=_needed(runs, groups.get(baseline, [])),
            )  # fmt: skip
        findings.append(finding)
    return sorted(findings, key=lambda f: -f.chosen_by)


def _share(value: Comparison) -> Comparison:
    """With an interval that lies where shares lie."""
    return Comparison(value.mean, *(end if math.isnan(end) else min(1.0, max(0.0, end)) for end in value[1:]))


def baseline_of(groups: Groups) -> str:
    """What others are compared with: none, if it is there."""
    return NONE if NONE in groups else next(iter(groups))


def _needed(runs: Sequence[Run], baseline: Sequence[Run]) -> float:
    ours, theirs = pairs(runs, baseline)
    if len(ours) < 2:
        return math.nan
    gain, deviation, _ = describe(np.subtract(ours, theirs).tolist())
    return seeds_needed(gain, deviation, overlap(runs))


class Best(NamedTuple):
    """The best of a setting, and what the others are beside it.

    Attributes:
        setting: where.
        finding: of the best; without difference.
        others: how much better the best is than each, with p corrected for their number.
    """

    setting: Setting
    finding: Finding
    others: list[Finding]


def best_of(setting: Setting, groups: Groups, margin: float = MARGIN) -> Best:
    """The activation that is best on samples that choose, judged on the others: each other one is compared with it."""
    first, *_ = compared(groups, margin=margin, setting=setting)
    finding, *others = sorted(
        compared(groups, first.activation, margin, setting), key=lambda f: f.activation != first.activation
    )
    turned = {BETTER: WORSE, WORSE: BETTER}
    return Best(setting, finding, [
        replace(
            other, word=turned.get(other.word, other.word), difference=other.difference and _negative(other.difference)
        )
        for other in others
    ])  # fmt: skip


def _negative(value: Paired) -> Paired:
    return Paired(-value.mean, -value.high, -value.low, value.p, -value.effect, value.pairs)


def best_by_data(settings: dict[Setting, Groups], margin: float = MARGIN) -> list[Best]:
    """The best of each data set: of all its settings with two activations or more, that which chooses the highest."""
    best: dict[str, Best] = {}
    for setting, groups in settings.items():
        if sum(any(r.status == FINISHED for r in runs) for runs in groups.values()) > 1:
            new, data = best_of(setting, groups, margin), setting.base.data
            if data not in best or new.finding.chosen_by > best[data].finding.chosen_by:
                best[data] = new
    return list(best.values())


def row(setting: Setting, finding: Finding) -> dict[str, Any]:
    """A finding as a row of a table: flat, with every number."""
    base = setting.base
    fields = ("data", "hidden", "lr", "dropout", "epochs", "batch", "vary")
    mean, low, high = finding.accuracy or (math.nan,) * 3
    gain, gain_low, gain_high = finding.difference[:3] if finding.difference else (math.nan,) * 3
    return {
        **{field: getattr(base, field) for field in fields},
        **dict(finding.tuned),
        "activation": finding.activation,
        "accuracy": mean, "low": low, "high": high,
        "difference": gain, "difference_low": gain_low, "difference_high": gain_high,
        "p": finding.p, "seeds_needed": finding.seeds, "finding": finding.word, "unfinished": finding.unfinished,
        "chosen_by": finding.chosen_by, "runs": finding.runs, "diverged": finding.diverged,
    }  # fmt: skip
