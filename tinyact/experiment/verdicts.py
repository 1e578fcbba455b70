"""What a claim is: its text, what was measured and the verdict; written to files, and read from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tinyact.experiment.pictures import Chart
from tinyact.experiment.statistics import Comparison

HOLDS, FAILS, NOT_SEEN = "holds", "fails", "not seen"


@dataclass
class Claim:
    """A claim, what was measured, and whether it holds."""

    about: str
    text: str
    measurement: str
    verdict: str

    def __str__(self) -> str:
        return f"{self.about}: {self.text}\n    {self.measurement}\n    → {self.verdict}"


def ci(value: Comparison, digits: int = 3, sign: str = "") -> str:
    """A mean with its confidence interval."""
    mean, low, high = (f"{number:{sign}.{digits}f}" for number in value)
    return f"{mean} [{low}, {high}]"


def verdict(difference: Comparison) -> str:
    """Whether a difference that is claimed to be above 0 is."""
    if difference.low > 0:
        return HOLDS
    return FAILS if difference.high < 0 else f"{NOT_SEEN}: the interval holds 0"


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
        return [Claim(**c) for c in content["claims"]], [Chart(**c) for c in content["charts"]]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not what 'claims' writes: run it again") from error
