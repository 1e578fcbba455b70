"""``tinyact report``: what a study found, as one page that needs no network, and as pictures."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from tinyact.experiment.configuration import NONE
from tinyact.experiment.curves import draw
from tinyact.experiment.findings import (
    BETTER,
    MARGIN,
    Best,
    Finding,
    Groups,
    Setting,
    baseline_of,
    best_by_data,
    best_of,
    by_setting,
    compared,
)
from tinyact.experiment.pictures import PICTURES, Chart, charts_together, draw_chart
from tinyact.experiment.training import FINISHED, Run
from tinyact.experiment.verdicts import Claim
from tinyact.experiment.words import FAILS, HOLDS, conclusion, label, method, notes

HERE = Path(__file__).parent
# So many settings have pictures, and so many have tables; what there are more is in the store.
PICTURED, SHOWN = 4, 40
BEST, LIKE_IT = "★", "☆"


def write_report(
    results: Sequence[Run],
    folder: Path,
    claims: Sequence[Claim] = (),
    charts: Sequence[Chart] = (),
    tune: Sequence[str] = (),
    margin: float = MARGIN,
) -> Path:
    """The page ``report.html``, and every picture of it as PNG and SVG in ``figures``.

    Settings with two activations or more are shown; the one with the most runs comes first.

    Args:
        results: of any study.
        folder: where they go.
        claims, charts: to be shown too.
        tune, margin: as of `study`.

    Returns:
        The page's path.

    Raises:
        ValueError: if there is nothing to compare.
        ImportError: if matplotlib is not installed.
    """
    settings = {
        setting: groups for setting, groups in by_setting(results, tune).items() if len(groups) > 1 and _is_two(groups)
    }
    if not settings:
        raise ValueError("there is nothing to compare: no setting has finished runs of two activations")
    order = sorted(settings, key=lambda s: -sum(map(len, settings[s].values())))
    shown = {setting: settings[setting] for setting in order[:SHOWN]}
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    sections = [_section(setting, groups, figures, k, margin) for k, (setting, groups) in enumerate(shown.items())]
    if len(order) > SHOWN:
        sections.append(f'<p class="note">{len(order) - SHOWN} more settings are in the store alone.</p>')
    leads = [_lead(best, margin) for best in best_by_data(settings, margin)]
    parts = {
        "LEAD": "\n".join(leads),
        "OVERVIEW": _overview(shown, margin),
        "LEGEND": _legend(list(dict.fromkeys(name for groups in shown.values() for name in groups))),
        "SECTIONS": "\n".join([*sections, _claims(claims, charts, figures), _curves(shown, figures)]),
        "RUNS": escape(_runs(results)),
    }
    page = (HERE / "report.html").read_text(encoding="utf-8")
    page = re.sub(r"{{(\w+)}}", lambda place: parts[place[1]], page)  # at once: parts may have such words in them
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _is_two(groups: Groups) -> bool:
    return sum(any(r.status == FINISHED for r in group) for group in groups.values()) > 1


def _lead(best: Best, margin: float) -> str:
    head, *sentences = conclusion(best, margin)
    more = f"<details><summary>How sure that is</summary><p>{escape(' '.join(sentences[1:]))}</p></details>"
    return f"<div><h2>{escape(head)}</h2><p>{escape(sentences[0])}</p>{more}</div>"


def _runs(results: Sequence[Run]) -> str:
    diverged = sum(r.status != FINISHED for r in results)
    machines, versions = {r.machine for r in results}, {f"tinyact {r.versions['tinyact']}" for r in results}
    text = f"{len(results)} runs, {diverged} of which diverged; {sum(r.seconds for r in results):.0f} s of computing"
    return f"{text} on {len(machines)} machine{'s' if len(machines) > 1 else ''}; {', '.join(sorted(versions))}."


# --- the overview --------------------------------------------------------------------------------------------------


def _overview(settings: dict[Setting, Groups], margin: float) -> str:
    """Activations × settings: accuracies with a colour, what is best, and what is no worse."""
    bests = {setting: best_of(setting, groups, margin) for setting, groups in settings.items()}
    columns = {
        setting: {finding.activation: finding for finding in (best.finding, *best.others)}
        for setting, best in bests.items()
    }
    names = list(dict.fromkeys(name for groups in settings.values() for name in groups))
    names.sort(key=lambda name: -sum(column[name].chosen_by for column in columns.values() if name in column))
    words = [setting.words().split(", ") for setting in settings]
    shared = [part for part in words[0] if all(part in parts for parts in words)] if len(words) > 1 else []
    heads = "".join(
        f'<th scope="col"><a href="#setting-{k}">{escape(", ".join(p for p in parts if p not in shared))}</a></th>'
        for k, parts in enumerate(words, 1)
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(label(name))}</th>'
        + "".join(_cell(column.get(name), bests[setting], column) for setting, column in columns.items())
        + "</tr>"
        for name in names
    )
    text = f"All: {', '.join(shared)}. " * bool(shared) + (
        f"Test accuracy in %; the darker, the better in its column. {BEST} best, {LIKE_IT} no difference from the best "
        "was seen, … training unfinished, ✕ runs diverged. A head leads to its setting."
    )
    return (
        f'<section><h2>Overview</h2><p class="note">{text}</p><div class="scroll" tabindex="0" role="region" '
        f'aria-label="Overview"><table class="overview"><thead><tr><th scope="col">activation</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _cell(finding: Finding | None, best: Best, column: dict[str, Finding]) -> str:
    if finding is None or finding.accuracy is None:
        return f"<td>{'' if finding is None else '✕'}</td>"
    means = [other.accuracy.mean for other in column.values() if other.accuracy]
    share = (finding.accuracy.mean - min(means)) / ((max(means) - min(means)) or 1)
    is_best = finding.activation == best.finding.activation
    marks = BEST if is_best else LIKE_IT if finding.word != BETTER else ""
    marks += "…" * finding.unfinished + "✕" * bool(finding.diverged)
    mean, interval = _interval(finding.accuracy, ".1f")
    return f'<td style="--share:{share:.2f}" title="95 % interval: {interval}">{mean} <span>{marks}</span></td>'


def _legend(names: Sequence[str]) -> str:
    """Switches, common to all pictures."""
    boxes = "".join(
        f'<label><input type="checkbox" checked value="{escape(name)}"> {escape(label(name))}</label>' for name in names
    )
    return f"<fieldset class=legend><legend>Shown in the pictures</legend>{boxes}</fieldset>"


# --- settings ------------------------------------------------------------------------------------------------------


def _section(setting: Setting, groups: Groups, figures: Path, number: int, margin: float) -> str:
    """One setting: its table and its pictures; all but the first are folded, the later ones without pictures."""
    baseline = baseline_of(groups)
    pictures = PICTURES if number < PICTURED else []
    parts = [
        _table(setting, groups, margin),
        *(_figure(picture, groups, baseline, figures, number) for picture in pictures),
    ]
    content, head = "\n".join(parts), f'<h2 id="setting-{number + 1}">{escape(setting.words())}</h2>'
    if number == 0:
        return f"<section>{head}{content}</section>"
    return f"<details><summary>{head}</summary>{content}</details>"


HEADS = (
    "activation", "accuracy, %", "95 % interval", "difference", "95 % interval", "p", "finding", "effect d",
    "seeds needed", "runs",
)  # fmt: skip


def _table(setting: Setting, groups: Groups, margin: float) -> str:
    """The numbers; a click on a head sorts by it."""
    rows = []
    for finding in compared(groups, margin=margin, setting=setting):
        accuracy, value = finding.accuracy, finding.difference
        cells = [label(finding.activation), *(_interval(accuracy, ".2f") if accuracy else ("–", "–"))]
        if value is None:
            cells += ["–"] * 6
        else:
            p, effect, seeds = f"{finding.p:.2g}", f"{value.effect:+.2f}", f"{finding.seeds:.0f}"
            cells += [*_interval(value, "+.2f"), p, finding.word, effect, seeds]
            cells = [cell.replace("nan", "–").replace("inf", "∞") for cell in cells]
        rows.append([*cells, f"{finding.runs}{notes(finding)}"])
    text = f"Differences to {label(baseline_of(groups))} are percentage points. {method(setting.base.vary, margin)}"
    table = _sortable(HEADS, [[escape(cell) for cell in row] for row in rows], setting.words())
    return f"{table}<p class=note>{escape(text)}</p>"


def _sortable(heads: Sequence[str], rows: Sequence[Sequence[str]], name: str, kind: str = "") -> str:
    """A table of cells that are HTML."""
    head = "".join(f'<th scope="col"><button type="button">{escape(text)}</button></th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    table = f'<table class="sortable {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {escape(name)}">{table}</div>'


def _interval(value: Any, form: str) -> tuple[str, str]:
    mean, low, high = (f"{100 * number:{form}}" for number in value[:3])
    return mean, "–" if math.isnan(value.low) else f"{low} to {high}"


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
    owned = figure.findobj(lambda artist: hasattr(artist, "tips"))
    for number, artist in enumerate(owned):
        artist.set_gid(f"{number}--{artist.owner}")
    figure.savefig(figures / f"{name}.svg", transparent=True, metadata={"Date": None})
    svg = (figures / f"{name}.svg").read_text(encoding="utf-8")
    for artist in owned:
        svg = _tipped(svg, artist.get_gid(), artist.tips)
    return _inline(svg, name, title, caption)


def _tipped(svg: str, gid: str, tips: Sequence[str]) -> str:
    """With texts for the pointer: one for a group, or one for each of its points."""
    before, group, after = svg.partition(f'<g id="{escape(gid)}">')
    titles = iter(f"<title>{escape(tip)}</title>" for tip in tips)
    if len(tips) == 1:
        return before + group + "".join(titles) + after
    return (
        before
        + group
        + re.sub(r"(<use [^>]*?)/>", lambda use: f"{use[1]}>{next(titles)}</use>", after, count=len(tips))
    )


def _inline(svg: str, name: str, title: str, caption: str, kind: str = "") -> str:
    """A picture as a part of the page, in which names are those of this picture alone."""
    svg = svg[svg.index("<svg ") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(
        r'(<svg [^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", svg, count=1), count=1
    )
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" class="{kind}" ', 1)
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


# --- claims and curves ---------------------------------------------------------------------------------------------


def _claims(claims: Sequence[Claim], charts: Sequence[Chart], figures: Path) -> str:
    """Their table, and the charts, each for itself and all as one picture."""
    if not claims:
        return ""
    rows = [(escape(c.about), escape(c.text), _verdict(c.verdict), escape(c.measurement)) for c in claims]
    table = _sortable(("about", "claim", "verdict", "measured"), rows, "claims", "claims")
    pictures = "".join(_embedded(draw_chart(c), f"claim-{c.name}", c.title, c.caption, figures) for c in charts)
    if charts:
        charts_together(charts, figures / "claims.png")
    note = "Numbers in brackets are 95 % intervals over seeds, of times over repetitions."
    head = "<h2>What is said about activation functions, measured</h2>"
    return f'<section>{head}<p class="note">{note}</p>{table}{pictures}</section>'


def _verdict(verdict: str) -> str:
    """In one of three colours and words, and then in full."""
    kind = next((word for word in (HOLDS, FAILS) if verdict.startswith(word)), "depends")
    return f'<b class="verdict {kind}">{kind}</b> {escape(verdict.removeprefix(kind).lstrip(": "))}'


def _curves(settings: dict[Setting, Groups], figures: Path) -> str:
    """The activation functions themselves, of those that were compared."""
    names = {name for groups in settings.values() for name in groups} - {NONE}
    with io.StringIO() as svg:
        for file in (figures / "curves.png", figures / "curves.svg", svg):
            is_drawn = draw(file, names)
        if not is_drawn:
            return ""
        caption = (
            "Each function (solid) with its first (dashed) and second derivative (dotted). Where the dashed line is 0 "
            "no gradient passes."
        )
        picture = _inline(svg.getvalue(), "curves", "The activation functions", caption, "wide")
    return f"<section><h2>The activation functions</h2>{picture}</section>"
