"""What stands in the pages: README, CONTRIBUTING, CHANGELOG and docs/."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATHS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PAGES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PATHS}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.M | re.S)


def blocks(text: str, language: str) -> list[str]:
    """The blocks in this language."""
    return [block for name, block in FENCE.findall(text) if name == language]


def section(page: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    text = PAGES[page].partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert text, heading
    return text
