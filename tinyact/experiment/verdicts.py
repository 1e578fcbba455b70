"""What a claim is: its text, what was measured and the verdict; written to files, and read from them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tinyact.experiment.pictures import Chart
from tinyact.experiment.words import FAILS, HOLDS


@dataclass
class Claim:
    """A claim, what was measured, and whether it holds."""

    about: str
    text: str
    measurement: str
    verdict: str

    def __str__(self) -> str:
        return f"{self.about}: {self.text}\n    {self.measurement}\n    → {self.verdict}"


def count(claims: Sequence[Claim]) -> str:
    """How many hold, fail, or depend on something."""
    holds, fails = (sum(c.verdict.startswith(word) for c in claims) for word in (HOLDS, FAILS))
    return (
        f"Of {len(claims)} claims {holds} hold, {fails} fail, and {len(claims) - holds - fails} depend or aren't seen."
    )


def table(claims: Sequence[Claim]) -> str:
    """As Markdown."""
    lines = ["| about | the notebook says | measured | verdict |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {c.about} | {c.text} | {c.measurement} | **{c.verdict}** |" for c in claims)])


def write(claims: Sequence[Claim], charts: Sequence[Chart], folder: Path) -> None:
    """What `read` reads, and the table as Markdown."""
    content = {"claims": list(map(asdict, claims)), "charts": list(map(asdict, charts))}
    (folder / "claims.json").write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / "claims.md").write_text(table(claims) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[list[Claim], list[Chart]]:
    """Claims and charts that `write` wrote; none if it didn't.

    Raises:
        ValueError: if the file is another one.
    """
    path = folder / "claims.json"
    if not path.exists():
        return [], []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        claims, charts = [Claim(**c) for c in content["claims"]], [Chart(**c) for c in content["charts"]]
        _check(claims, charts)
        return claims, charts
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is not what 'claims' writes: run it again") from error


def _check(claims: Sequence[Claim], charts: Sequence[Chart]) -> None:
    """That these are texts and numbers, and names that are fit for files."""
    texts = [text for claim in claims for text in vars(claim).values()]
    texts += [text for c in charts for text in (c.name, c.title, c.caption, c.value, c.place, c.log, *c.lines)]
    points = [point for chart in charts for line in chart.lines.values() for point in line]
    numbers = [number for _, *interval in points for number in interval]
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(n, (int, float)) for n in numbers):
        raise TypeError("claims are texts, and charts are numbers")
    if not all(re.fullmatch(r"[a-z]+", chart.name) for chart in charts) or any(len(point) != 4 for point in points):
        raise ValueError("charts have short names, and points of four numbers")
