"""What findings are in words: all that the commands and the report say of them stands here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinyact.experiment.configuration import NONE
from tinyact.experiment.data import VARY, WEIGHTS
from tinyact.experiment.findings import (
    BETTER,
    EQUAL,
    MARGIN,
    SURE,
    UNFINISHED,
    UNKNOWN,
    UNSEEN,
    WORSE,
    Best,
    Finding,
    Groups,
    Setting,
    baseline_of,
    best_by_data,
    compared,
)
from tinyact.experiment.statistics import Comparison, Paired, least_p

HOLDS, FAILS, NOT_SEEN = "holds", "fails", "not seen"


def label(activation: str) -> str:
    """A network's name as a person reads it."""
    return {NONE: "no activation", "silu": "silu (Swish)"}.get(activation, activation)


def series(names: Sequence[str], word: str = "and") -> str:
    """Their labels: one, two and three."""
    *first, last = map(label, names)
    return f"{', '.join(first)} {word} {last}" if first else last


def ci(value: Comparison | Paired, digits: int = 3, sign: str = "") -> str:
    """A mean with its 95 % interval, if there is one."""
    mean, low, high = (f"{number:{sign}.{digits}f}" for number in value[:3])
    return mean if math.isnan(value.low) else f"{mean} [{low}, {high}]"


def verdict(difference: Comparison | Paired) -> str:
    """Whether a difference that is claimed to be above 0 is."""
    if difference.low > 0:
        return HOLDS
    return FAILS if difference.high < 0 else f"{NOT_SEEN}: the interval holds 0"


def _between(value: Comparison | Paired, unit: str, more: str = "") -> str:
    """The interval, if there is one, in a hundredth of its unit."""
    if math.isnan(value.low):
        return ""
    return f" (95 % interval {100 * value.low:.1f} to {100 * value.high:.1f}{unit}{more})"


def _points(value: Comparison | Paired, more: str = "") -> str:
    return f"{100 * value.mean:.1f} percentage points{_between(value, '', more)}"


def data_words(name: str) -> str:
    """A data set, as one would say it."""
    return "the notebook's data" if name == "notebook" else f"the {name.replace('_', ' ')} data"


def _network(best: Best) -> str:
    base = best.setting.base
    widths = " and ".join(map(str, base.hidden))
    layers = f"{len(base.hidden)} hidden layer{'s' if len(base.hidden) > 1 else ''} of {widths} units"
    own = dict(best.finding.tuned)
    lr, epochs = own.get("lr", base.lr), own.get("epochs", base.epochs)
    return f"{layers if base.hidden else 'no hidden layer'}, lr {lr:g}, {epochs:g} epochs"


def head(best: Best) -> str:
    """Which activation to take, and whether that is sure, in a few words."""
    data = data_words(best.setting.base.data)
    if best.finding.activation == NONE:
        return f"On {data} no activation function was seen to do better than none."
    like = [other.activation for other in best.others if other.word != BETTER]
    take = f"On {data}, take {label(best.finding.activation)}"
    if not like:
        return f"{take}: it is better than {'the other' if len(best.others) == 1 else 'all others'}."
    return (
        f"{take}, or {series(like, 'or') if len(like) < 4 else f'any of {len(like)} others'}: no difference was seen."
    )


def conclusion(best: Best, margin: float = MARGIN) -> list[str]:
    """Which activation to take, and how sure that is, for a person who knows nothing else."""
    finding, base = best.finding, best.setting.base
    assert finding.accuracy is not None  # there is a best one only if one finished
    over = f"over {finding.runs - finding.diverged} {VARY[base.vary].seeds}"
    accuracy = f"{100 * finding.accuracy.mean:.1f} %{_between(finding.accuracy, ' %')}"
    subject = "Without one the network" if finding.activation == NONE else "It"
    sentences = [
        head(best),
        f"{subject} classifies {accuracy} of the test samples correctly, {over} ({_network(best)}).",
    ]
    names = {word: [o.activation for o in best.others if o.word == word] for word in (BETTER, WORSE, EQUAL, UNSEEN)}
    if names[BETTER]:
        nearest = min(
            (o for o in best.others if o.word == BETTER), key=lambda o: o.difference.mean if o.difference else 0
        )
        assert nearest.difference is not None
        more = f"; p = {nearest.p:.1g}" + (f", corrected for {len(best.others)} comparisons" * (len(best.others) > 1))
        than = f", than {label(nearest.activation)} by" if len(names[BETTER]) > 1 else ", by"
        sentences.append(f"It is better than {series(names[BETTER])}{than} {_points(nearest.difference, more)}.")
    if names[EQUAL]:
        sentences.append(f"It is equal, within {100 * margin:g} percentage points, to {series(names[EQUAL])}.")
    if names[UNSEEN]:
        sentences.append(f"No difference was seen from {series(names[UNSEEN])}; that doesn't make them equal.")
    if names[WORSE]:
        sentences.append(f"On the test samples {series(names[WORSE])} did better: it was chosen by others.")
    return sentences + caveats(best)


def caveats(best: Best) -> list[str]:
    """What to know before one believes it."""
    everyone = [best.finding, *best.others]
    sentences = []
    pairs = min((o.difference.pairs for o in best.others if o.difference), default=0)
    unknown = [o.activation for o in best.others if o.word == UNKNOWN]
    if unknown:
        sentences.append(
            f"How sure that is can't be said beside {series(unknown)}: it takes at least two seeds that both finished."
        )
    elif not least_p(pairs) * len(best.others) < SURE:
        enough = next(n for n in range(2, 60) if least_p(n) * len(best.others) < SURE)
        sentences.append(
            f"{pairs} seeds are few: p can't fall below {least_p(pairs):.2g} before it is corrected for "
            f"{len(best.others)} comparison{'s' * (len(best.others) > 1)}. From {enough} seeds on any difference can "
            "be seen."
        )
    if best.setting.base.vary == WEIGHTS:
        sentences.append(
            "All seeds share one split, and the test samples that judge also chose the best: other samples may say "
            "otherwise (--vary split)."
        )
    unfinished = [f.activation for f in everyone if f.unfinished]
    who = "all" if len(unfinished) == len(everyone) else series(unfinished) if unfinished else ""
    if unfinished:
        sentences.append(
            f"Unfinished: the training loss of {who} still falls. More than {100 * UNFINISHED:g} % of "
            "its fall came in the last tenth of the epochs; more epochs may change the order."
        )
    edge = [f.activation for f in everyone if f.at_the_edge]
    if edge:
        sentences.append(f"The best value for {series(edge)} is at the edge of those that were tried.")
    return sentences


def method(vary: str, margin: float = MARGIN) -> str:
    """How intervals and p are computed, and what they are of."""
    correction = " and corrected for overlapping splits (Nadeau and Bengio 2003)" if VARY[vary].overlap else ""
    chosen = "on other samples than these" if vary != WEIGHTS else "on the same samples"
    return (
        f"Test accuracy; best first, chosen {chosen}. 95 % intervals are Student's, over {VARY[vary].seeds}"
        f"{correction}. Differences are paired by seed; p is corrected for the number of activations, and not below "
        f"what so few pairs can show. Equal: the interval lies within ±{100 * margin:g} points. n: how many seeds such "
        "a difference needs to be seen with 80 % power."
    )


def line(finding: Finding) -> str:
    """A finding, in a line of a table of text."""
    accuracy, value = finding.accuracy, finding.difference
    text = f"{finding.activation:>14}  {ci(accuracy, 4) if accuracy else '–':<25}  "
    if value is not None:
        text += f"{ci(value, 4, '+'):<27}  "
        if not math.isnan(finding.p):
            text += f"p {finding.p:.2g}  d {value.effect:+.2f}  n {finding.seeds:.0f}  ".replace("inf", "∞")
        text += finding.word
    return f"{text.rstrip()}{notes(finding)}"


def notes(finding: Finding) -> str:
    """What else there is to know of it, in brackets."""
    parts = [f"{name} {value:g}" for name, value in finding.tuned]
    parts += ["at the edge of those tried"] if finding.at_the_edge else []
    parts += [f"{finding.diverged} of {finding.runs} diverged"] if finding.diverged else []
    parts += ["unfinished"] if finding.unfinished else []
    return f"  ({', '.join(parts)})" if parts else ""


def summary(settings: dict[Setting, Groups], baseline: str | None = None, margin: float = MARGIN) -> str:
    """The tables, one per setting, and what they come to."""
    parts: list[str] = []
    for setting, groups in settings.items():
        than = baseline or baseline_of(groups)
        head_ = f"{'':>14}  {'test accuracy':<25}  difference to {label(than)}"
        parts += [f"\n{setting.words()}", head_, *map(line, compared(groups, than, margin, setting))]
    for best in best_by_data(settings, margin):
        parts.append("\n" + "\n".join(conclusion(best, margin)))
    vary = sorted({setting.base.vary for setting in settings})
    return "\n".join([*parts, *("\n" + method(each, margin) for each in vary)])
