"""Writes those tables of the pages here that are derived: ``python docs/tables.py [FILE.md …]``.

A table takes the place of the one with the same head. They come from the activations' docstrings, from the measured
speeds, and from the files that are named, such as the claims.md of ``python -m tinyact.experiment claims``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from tinyact.experiment import curves

PAGES = Path(__file__).parent
SPEEDS = PAGES.parent / "benchmarks" / "speed" / "results" / "speed.md"
TABLE = re.compile(r"(?:^\|.*\n)+", flags=re.M)
# Rows that others sum up: the geometric mean over activations and sizes, the largest graph.
DETAIL = re.compile(r"^\| (?:\w+, \d+ [KM]i|one of (?!1,000,000 ).*|tanh per .*?) \|.*\n", flags=re.M)


def tables(files: Iterable[Path] = ()) -> list[str]:
    """The derived tables, and those in the files."""
    speeds = TABLE.findall(SPEEDS.read_text(encoding="utf-8"))
    others = [table for file in files for table in TABLE.findall(file.read_text(encoding="utf-8"))]
    return [curves.table() + "\n", *(DETAIL.sub("", table) for table in speeds), *others]


def renewed(page: str, tables: Iterable[str]) -> str:
    """The page with these tables in the place of those with the same heads."""
    by_head = {table.splitlines()[0]: table for table in tables}
    return TABLE.sub(lambda old: by_head.get(old[0].splitlines()[0], old[0]), page)


def main(files: list[str]) -> None:
    new = tables(map(Path, files))
    for path in sorted(PAGES.glob("*.md")):
        page = path.read_text(encoding="utf-8")
        if renewed(page, new) != page:
            path.write_text(renewed(page, new), encoding="utf-8")
            print(f"written: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
