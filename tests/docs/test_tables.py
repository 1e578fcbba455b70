"""Tables and figures of the pages are those that they are taken from."""

from __future__ import annotations

import re
import runpy

from tests.docs.pages import PAGES, ROOT
from tinyact.experiment import claims

SCRIPT = runpy.run_path(str(ROOT / "docs" / "tables.py"))


def test_derived_tables_are_fresh() -> None:
    tables = SCRIPT["tables"]()
    assert len(tables) == 2
    assert all(any(table in page for page in PAGES.values()) for table in tables), "stale: python docs/tables.py"


def test_a_table_is_replaced_and_nothing_else() -> None:
    old = "before\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nbetween\n\n| c |\n|---|\n| 3 |\n"
    new = SCRIPT["renewed"](old, ["| a | b |\n|---|---|\n| 4 | \\5 |\n| 6 | 7 |\n"])
    assert new == "before\n\n| a | b |\n|---|---|\n| 4 | \\5 |\n| 6 | 7 |\n\nbetween\n\n| c |\n|---|\n| 3 |\n"


def test_all_claims_are_there_with_measurement_and_verdict() -> None:
    lines = [line for line in PAGES["docs/claims.md"].splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert head == ["about", "the notebook says", "measured", "verdict"]
    assert [(about, text) for about, text, *_ in rows] == [(about, text) for about, text, _ in claims.CLAIMS], (
        "stale: python -m tinyact.experiment claims --out DIR && python docs/tables.py DIR/claims.md"
    )
    for _, _, measured, verdict in rows:
        assert re.search(r"\d", measured)
        assert re.match(r"\*\*(holds|fails|depends on|more than slightly|not seen)", verdict), verdict
    # Ranges and the sum of softmax's outputs are no means.
    assert sum("[" not in measured for _, _, measured, _ in rows) == 7


def test_the_score_of_the_mutants_is_the_tables() -> None:
    table = (ROOT / "benchmarks" / "mutation" / "results" / "mutation.md").read_text(encoding="utf-8")
    (count, tried, *_, score) = re.findall(r"^\| all \| (.*) \|$", table, flags=re.M)[0].split(" | ")
    words = " ".join(PAGES["CONTRIBUTING.md"].split())
    assert f"Of {count} changes {tried} were tried" in words
    assert f"notice {score.replace('%', ' %')} of those" in words
