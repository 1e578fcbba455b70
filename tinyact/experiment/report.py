"""``tinyact report``: what a study found, as one page that needs no network, and as pictures."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from tinyact.experiment.curves import draw
from tinyact.experiment.findings import MARGIN, Groups, Setting, baseline_of, best_by_data, by_setting, compared
from tinyact.experiment.pictures import PICTURES, Chart, charts_together, draw_chart
from tinyact.experiment.training import FINISHED, Run
from tinyact.experiment.verdicts import Claim
from tinyact.experiment.words import conclusion, label, method, notes

HERE = Path(__file__).parent
# So many settings have all pictures; the others have that of the accuracies.
FULL = 4


def write_report(
    results: Sequence[Run],
    folder: Path,
    claims: Sequence[Claim] = (),
    charts: Sequence[Chart] = (),
    tune: Sequence[str] = (),
    margin: float = MARGIN,
) -> Path:
    """The page ``report.html``, and every picture of it as PNG and SVG in ``figures``.

    Settings with two activations or more get pictures; the one with the most runs comes first.

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
        setting: groups
        for setting, groups in by_setting(results, tune).items()
        if len(groups) > 1 and _any_finished(groups)
    }
    if not settings:
        raise ValueError("there is nothing to compare: no setting has finished runs of two activations")
    order = sorted(settings, key=lambda s: -sum(map(len, settings[s].values())))
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    sections = [_section(setting, settings[setting], figures, k, margin) for k, setting in enumerate(order)]
    leads = ["".join(f"<p>{escape(s)}</p>" for s in conclusion(b, margin)) for b in best_by_data(settings, margin)]
    sections.insert(1, _claims(claims, charts, figures) + _curves(figures))
    page = (HERE / "report.html").read_text(encoding="utf-8")
    parts = {
        "LEAD": "".join(f'<div class="lead">{lead}</div>' for lead in leads),
        "RUNS": escape(_runs(results)),
        "SECTIONS": "\n".join(sections),
    }
    page = re.sub(r"{{(\w+)}}", lambda place: parts[place[1]], page)  # at once: parts may have such words in them
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _any_finished(groups: Groups) -> bool:
    return sum(any(r.status == FINISHED for r in group) for group in groups.values()) > 1


def _runs(results: Sequence[Run]) -> str:
    diverged = sum(r.status != FINISHED for r in results)
    machines, versions = {r.machine for r in results}, {f"tinyact {r.versions['tinyact']}" for r in results}
    text = f"{len(results)} runs, {diverged} of which diverged; {sum(r.seconds for r in results):.0f} s of computing"
    return f"{text} on {len(machines)} machine{'s' if len(machines) > 1 else ''}; {', '.join(sorted(versions))}."


# --- the page's parts ----------------------------------------------------------------------------------------------


def _section(setting: Setting, groups: Groups, figures: Path, number: int, margin: float) -> str:
    """One setting: its table and its pictures; all but the first are folded, the later ones short."""
    baseline = baseline_of(groups)
    pictures = PICTURES if number < FULL else PICTURES[:1]
    parts = [
        _table(setting, groups, margin),
        *(_figure(picture, groups, baseline, figures, number) for picture in pictures),
    ]
    content = "\n".join(parts)
    if number == 0:
        return f"<section><h2>{escape(setting.words())}</h2>{content}</section>"
    return f"<details><summary><h2>{escape(setting.words())}</h2></summary>{content}</details>"


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
            cells = [cell.replace("nan", "–") for cell in cells]
        rows.append([*cells, f"{finding.runs}{notes(finding)}"])
    text = f"Differences to {label(baseline_of(groups))} are percentage points. {method(setting.base.vary, margin)}"
    return f'<p class="note">{escape(text)}</p>{_sortable(HEADS, rows)}'


def _sortable(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    head = "".join(f'<th scope="col"><button type="button">{escape(text)}</button></th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    table = f'<table class="sortable {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


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
