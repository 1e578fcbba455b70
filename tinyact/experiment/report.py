"""``python -m tinyact.experiment report``: what a study found, as one page that needs no network, and as pictures."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from tinyact.experiment.arguments import Parser, failure, reason, require
from tinyact.experiment.configuration import Configuration
from tinyact.experiment.curves import draw
from tinyact.experiment.pictures import PICTURES, Chart, Groups, charts_together, draw_chart
from tinyact.experiment.plot import label
from tinyact.experiment.statistics import Comparison, adjusted, paired
from tinyact.experiment.store import FINISHED, Result, Store, StoreError
from tinyact.experiment.study import by_setting, compared, pairs
from tinyact.experiment.training import NONE
from tinyact.experiment.verdicts import Claim, read

HERE = Path(__file__).parent
# So many settings have all pictures; the others have that of the accuracies.
FULL = 4


def write_report(
    results: Sequence[Result], folder: Path, claims: Sequence[Claim] = (), charts: Sequence[Chart] = ()
) -> Path:
    """The page ``report.html``, and every picture of it as PNG and SVG in ``figures``.

    Settings with two activations or more get pictures; the one with the most runs comes first.

    Args:
        results: of any study.
        folder: where they go.
        claims, charts: to be shown too.

    Returns:
        The page's path.

    Raises:
        ValueError: if there is nothing to compare.
        ImportError: if matplotlib is not installed.
    """
    settings = {
        setting: groups for setting, groups in by_setting(results).items() if len(groups) > 1 and _any_finished(groups)
    }
    if not settings:
        raise ValueError("there is nothing to compare: no setting has finished runs of two activations")
    order = sorted(settings, key=lambda s: (-sum(map(len, settings[s].values())), s.key()))
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    sections = [_section(setting, settings[setting], figures, k) for k, setting in enumerate(order)]
    sections.insert(1, _claims(claims, charts, figures) + _curves(figures))
    page = (HERE / "report.html").read_text(encoding="utf-8")
    parts = {
        "LEAD": "".join(f"<p>{escape(s)}</p>" for s in conclusion(order[0], settings[order[0]])),
        "RUNS": escape(_runs(results)),
        "SECTIONS": "\n".join(sections),
    }
    page = re.sub(r"{{(\w+)}}", lambda place: parts[place[1]], page)  # at once: parts may have such words in them
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _any_finished(groups: Groups) -> bool:
    return sum(any(r.status == FINISHED for r in group) for group in groups.values()) > 1


def _baseline(groups: Groups) -> str:
    return NONE if NONE in groups else next(iter(groups))


def conclusion(setting: Configuration, groups: Groups) -> list[str]:
    """Which activation to take, and how sure that is, for a person who knows nothing else."""
    best, *others = compared(groups, _baseline(groups))
    both = {row["activation"]: pairs(groups[best["activation"]], groups[row["activation"]]) for row in others}
    gains = {name: paired(*values) for name, values in both.items() if values[0]}
    # The best of many is compared with all of them: the p-values are corrected for their number.
    p = dict(zip(gains, adjusted([value.p for value in gains.values()]), strict=True))
    equal = [name for name in gains if not p[name] < 0.05]
    worse = [name for name in gains if p[name] < 0.05]
    name = label(best["activation"])
    sentences = [
        f"Take {name}.",
        f"On {_data(setting)}, a network with {_layers(setting)} and {name} classifies "
        f"{_percent(best['accuracy'])} of new samples correctly after {setting.epochs} epochs, on average over "
        f"{best['runs']} random starts.",
    ]
    if equal:
        sentences.append(
            f"How sure is that: these runs can't tell it apart from {_series(equal)}, so that any of these is as good "
            "a choice."
        )
    if worse:
        second = worse[0]
        wins = sum(a > b for a, b in zip(*both[second], strict=True))
        start = "It is" if equal else "How sure is that: it is"
        sentences.append(
            f"{start} better than {_series(worse)}. Than {label(second)} by {_points(gains[second])}, "
            f"in {wins} of {len(both[second][0])} starts (p = {p[second]:.1g}, corrected for {len(gains)} comparisons)."
        )
    if NONE in gains and worse[:1] != [NONE]:
        sentences.append(f"Over no activation it gains {_points(gains[NONE])}.")
    return sentences


def _data(setting: Configuration) -> str:
    return "the notebook's data" if setting.data == "notebook" else f"the {setting.data.replace('_', ' ')} data"


def _layers(setting: Configuration) -> str:
    if not setting.hidden:
        return "no hidden layer"
    widths = " and ".join(map(str, setting.hidden))
    return f"{len(setting.hidden)} hidden layer{'s' if len(setting.hidden) > 1 else ''} of {widths} units"


def _series(names: Sequence[str]) -> str:
    *first, last = map(label, names)
    return f"{', '.join(first)} and {last}" if first else last


def _points(value: Any) -> str:
    return f"{100 * value.mean:.1f} percentage points{_between(value, '')}"


def _percent(value: Comparison) -> str:
    return f"{100 * value.mean:.1f} %{_between(value, ' %')}"


def _between(value: Any, unit: str) -> str:
    """The interval, if there is one."""
    if math.isnan(value.low):
        return ""
    return f" (95 % interval {100 * value.low:.1f} to {100 * value.high:.1f}{unit})"


def _runs(results: Sequence[Result]) -> str:
    diverged = sum(r.status != FINISHED for r in results)
    machines, versions = {r.machine for r in results}, {f"tinyact {r.versions['tinyact']}" for r in results}
    text = f"{len(results)} runs, {diverged} of which diverged; {sum(r.seconds for r in results):.0f} s of computing"
    return f"{text} on {len(machines)} machine{'s' if len(machines) > 1 else ''}; {', '.join(sorted(versions))}."


# --- the page's parts ----------------------------------------------------------------------------------------------


def _section(setting: Configuration, groups: Groups, figures: Path, number: int) -> str:
    """One setting: its table and its pictures; all but the first are folded, the later ones short."""
    baseline = _baseline(groups)
    pictures = PICTURES if number < FULL else PICTURES[:1]
    parts = [_table(groups, baseline), *(_figure(picture, groups, baseline, figures, number) for picture in pictures)]
    content = "\n".join(parts)
    if number == 0:
        return f"<section><h2>{escape(setting.words())}</h2>{content}</section>"
    return f"<details><summary><h2>{escape(setting.words())}</h2></summary>{content}</details>"


HEADS = (
    "activation", "accuracy, %", "95 % interval", "difference", "95 % interval", "p", "effect d", "seeds needed", "runs"
)  # fmt: skip


def _table(groups: Groups, baseline: str) -> str:
    """The numbers; a click on a head sorts by it."""
    rows = []
    for row in compared(groups, baseline):
        accuracy, difference = row["accuracy"], row.get("difference")
        cells = [label(row["activation"]), *(_interval(accuracy, 100, ".2f") if accuracy else ("–", "–"))]
        if difference is None:
            cells += ["–"] * 5
        else:
            cells += [*_interval(difference, 100, "+.2f"), f"{row['p']:.2g}"]
            cells += [f"{difference.effect:+.2f}", f"{row['seeds']:.0f}"]
        cells.append(f"{row['runs']}" + (f", {row['diverged']} diverged" if row["diverged"] else ""))
        rows.append(cells)
    caption = (
        f"Test accuracy, and its difference to {label(baseline)} in percentage points, paired by seed. p: Wilcoxon's "
        "test, corrected for the number of activations. Effect: the mean difference in its own standard deviations. "
        "Seeds needed: to see such a difference with 80 % power. A click on a head sorts."
    )
    return f'<p class="note">{escape(caption)}</p>{_sortable(HEADS, rows)}'


def _sortable(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    head = "".join(f'<th scope="col"><button type="button">{escape(text)}</button></th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    table = f'<table class="sortable {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _interval(value: Any, factor: float, form: str) -> tuple[str, str]:
    mean, low, high = (f"{factor * number:{form}}" for number in value[:3])
    return mean, f"{low} to {high}"


def _figure(picture: Any, groups: Groups, baseline: str, figures: Path, number: int) -> str:
    """A picture, written to its files and into the page; nothing where there is nothing to draw."""
    figure = picture.draw(groups, baseline)
    if not any(axes.has_data() for axes in figure.axes):
        return ""
    return _embedded(figure, f"{picture.name}-{number + 1}", picture.title, picture.caption, figures)


def _embedded(figure: Any, name: str, title: str, caption: str, figures: Path) -> str:
    figure.suptitle(title, fontsize=11)
    figure.savefig(figures / f"{name}.png", dpi=120)
    figure.set_layout_engine("none")  # which has done its slow work
    figure.savefig(figures / f"{name}.svg", transparent=True)
    image = _image((figures / f"{name}.svg").read_bytes(), f"{title}. {caption}")
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def _image(svg: bytes, alt: str, kind: str = "") -> str:
    data = base64.b64encode(svg).decode()
    return f'<img class="{kind}" src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}">'


def _claims(claims: Sequence[Claim], charts: Sequence[Chart], figures: Path) -> str:
    """Their table, and the charts, each for itself and all as one picture."""
    if not claims:
        return ""
    rows = [(c.about, c.text, c.measurement, c.verdict) for c in claims]
    table = _sortable(("about", "claim", "measured", "verdict"), rows, "claims")
    pictures = "".join(_embedded(draw_chart(c), f"claim-{c.name}", c.title, c.caption, figures) for c in charts)
    if charts:
        charts_together(charts, figures / "claims.png")
    note = "Numbers in brackets are 95 % intervals over seeds, of times over repetitions."
    head = "<h2>What is said about activation functions, measured</h2>"
    return f'<section>{head}<p class="note">{note}</p>{table}{pictures}</section>'


def _curves(figures: Path) -> str:
    """The activation functions themselves."""
    for ending in ("png", "svg"):
        draw(figures / f"curves.{ending}")
    caption = (
        "Each function (solid) with its first (dashed) and second derivative (dotted). Where the dashed line is 0 no "
        "gradient passes."
    )
    image = _image((figures / "curves.svg").read_bytes(), caption, "wide")
    figure = f"<figure>{image}<figcaption>{caption}</figcaption></figure>"
    return f"<section><h2>The activation functions</h2>{figure}</section>"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line ``report``; returns 0, or 1 if there is nothing to report or it can't be written."""
    parser = Parser(
        prog="python -m tinyact.experiment report",
        description="Write report.html, one page that needs no network, and its pictures, from a study's results.",
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("study"), metavar="DIR", help="the study's folder (default: study)")
    add("--store", type=Path, metavar="FILE", help="results (default: results.sqlite in that folder)")
    options = parser.parse_args(arguments)
    require(parser, "report", "matplotlib", "plot")
    path = options.store or options.out / "results.sqlite"
    if not path.exists():
        parser.error(f"{path} does not exist; 'study' or 'claims' make it")
    try:
        page = write_report(Store(path).results(), options.out, *read(options.out))
    except (OSError, StoreError, ValueError) as error:
        return failure(f"error: {reason(error)}")
    print(f"written: {page} and {options.out / 'figures'}")
    return 0
