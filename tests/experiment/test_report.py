"""The report: the page in a real browser, its pictures as files, and what it concludes."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inspect.test_page import browser
from tinyact.experiment.cli import main
from tinyact.experiment.configuration import Configuration, Grid
from tinyact.experiment.findings import by_setting, compared
from tinyact.experiment.pictures import PICTURES, Chart
from tinyact.experiment.pipeline import run_all
from tinyact.experiment.report import write_report
from tinyact.experiment.store import Store
from tinyact.experiment.training import Run
from tinyact.experiment.verdicts import Claim
from tinyact.experiment.words import label

__all__ = ["browser"]
CLAIMS = [
    Claim("ReLU", "It is <b>cheap</b> {{SECTIONS}}.", "3 times", "holds"),
    Claim("ELU", "It is fast.", "2", "fails: it is not"),
    Claim("ELU", "It is good.", "1", "not seen: no difference seen"),
]
CHARTS = [
    Chart(
        "numbers", "By depth", "A line that falls loses its gradient.", "norm",
        {name: [(1, 1.0, 0.9, 1.2), (8, 1e-3, 9e-4, 2e-3)] for name in ("relu", "tanh")}, place="layers", log="xy",
    ),
    Chart(
        "names", "By name", "Left of the line it is worse than without.", "difference",
        {"": [("moons", 0.5, 0.4, 0.6), ("blobs", -0.1, -0.2, 0.0)]}, zero=True,
    ),
]  # fmt: skip


def made_up(activation: str, seed: int, accuracy: float, status: str = "finished", **more: Any) -> Run:
    c = Configuration(activation, seed, **more)
    losses = [1.0] * c.epochs
    return Run(c, status, None, accuracy, accuracy, accuracy, losses, losses, versions={"tinyact": "1"}, machine="m")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """A small study of two settings, with a run that diverged."""
    store = Store(tmp_path_factory.mktemp("report") / "results.sqlite")
    first = Grid(
        activation=("none", "relu", "tanh"), seeds=4, data=("moons",), hidden=((8, 8),), epochs=(21,), lr=(0.05,)
    )
    second = Grid(activation=("none", "relu"), seeds=2, data=("circles",), hidden=((4,),), epochs=(3,))
    return [
        *run_all([*first.configurations(), *second.configurations()], store, jobs=1),
        made_up("relu", 9, float("nan"), "diverged", data="moons", hidden=(8, 8), epochs=21, lr=0.05, vary="split"),
    ]


@pytest.fixture(scope="module")
def folder(results: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    write_report(results, folder, CLAIMS, CHARTS)
    return folder


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda request: complaints.append(request.url) if request.url[:5] not in ("data:", "file:") else None
    )
    page.goto((folder / "report.html").as_uri())
    yield page
    context.close()
    assert complaints == []


def test_figures_are_there_and_drawn(page: Any) -> None:
    figures = page.evaluate("[...document.querySelectorAll('figure svg')].map((s) => [s.viewBox.baseVal.width, "
                            "s.querySelectorAll('path, use').length, s.getAttribute('aria-label')])")  # fmt: skip
    assert len(figures) == len(PICTURES) + 1 + len(CHARTS) + len(PICTURES)
    assert all(width > 300 and drawn > 30 and len(name) > 6 for width, drawn, name in figures)
    assert page.locator("section figcaption").count() == len(PICTURES) + 1 + len(CHARTS)
    assert page.locator("main > details").count() == 1


def test_names_in_pictures_are_their_own(page: Any) -> None:
    names = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(names) > 1000
    assert len(names) == len(set(names))


def test_values_are_read_where_the_pointer_is(page: Any, results: list[Run]) -> None:
    tips = set(page.evaluate("[...document.querySelectorAll('figure svg title')].map((t) => t.textContent)"))
    finished = [r for r in results if r.configuration.data == "moons" and r.status == "finished"]
    assert {f"{label(r.configuration.activation)}: {100 * r.accuracy:.2f}" for r in finished} <= tips
    assert "relu, 8: 0.001 [0.0009, 0.002]" in tips  # of a claim's chart


def test_activations_are_switched_off_in_all_pictures(page: Any) -> None:
    parts = "[...document.querySelectorAll('figure svg g[id$=\"--tanh\"]')]"
    count = f"{parts}.filter((g) => g.style.display !== 'none').length"
    assert page.evaluate(count) > 8
    page.locator(".legend input[value=tanh]").uncheck()
    assert page.evaluate(count) == 0
    page.locator(".legend input[value=tanh]").check()
    assert page.evaluate(count) > 8


def test_the_overview_says_which_is_best_where(page: Any) -> None:
    cells = dict(
        zip(*(page.locator(f".overview {c}").all_inner_texts() for c in ("tbody th", "tbody td:nth-child(2)")))
    )
    assert set(cells) == {"no activation", "relu", "tanh"}
    assert sum("★" in cell for cell in cells.values()) == 1
    heads = page.locator(".overview thead a")
    assert heads.all_inner_texts() == ["moons, hidden 8×8, lr 0.05, 21 epochs", "circles, hidden 4, lr 0.001, 3 epochs"]
    assert page.locator("main > details").get_attribute("open") is None
    heads.nth(1).click()
    page.wait_for_selector("main > details[open]")


def test_verdicts_are_words_and_colours(page: Any) -> None:
    verdicts = page.locator(".verdict")
    assert verdicts.all_inner_texts() == ["holds", "fails", "depends"]
    colours = verdicts.evaluate_all("(all) => all.map((v) => getComputedStyle(v).color)")
    assert len(set(colours)) == 3


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_serious_to_say(width: int, scheme: str, page: Any) -> None:
    # Where a browser must be there, this must too.
    load = importlib.import_module if os.environ.get("TINYACT_NEED_BROWSER") else pytest.importorskip
    axe: Any = load("axe_playwright_python")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    page.add_script_tag(path=Path(axe.__file__).with_name("axe.min.js"))
    found = page.evaluate("axe.run()")["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_many_settings_are_told_and_not_drawn(tmp_path: Path) -> None:
    many = [
        made_up(name, seed, 0.5 + 0.01 * seed, lr=lr / 1000, epochs=1)
        for lr in range(1, 61) for name in ("none", "relu") for seed in range(2)
    ]  # fmt: skip
    page = write_report(many, tmp_path)
    assert "20 more settings are in the store alone." in page.read_text()
    assert page.stat().st_size < 2_000_000


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(width: int, scheme: str, page: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    back = page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor")
    assert (sum(map(int, back[4:-1].split(","))) > 600) == (scheme == "light")
    # As wide as there is room for, and narrow enough to be seen whole.
    widths = page.evaluate("[...document.querySelectorAll('figure svg')].map((i) => i.getBoundingClientRect().width)")
    assert all(0.75 * min(width, 600) <= w <= width for w in widths)


def test_tables_sort(page: Any) -> None:
    def column(number: int) -> list[str]:
        return page.locator(f"table.sortable >> nth=0 >> tbody tr td:nth-child({number})").all_inner_texts()

    accuracies = [float(text) for text in column(2)]
    head = page.locator("table.sortable >> nth=0 >> th button >> nth=1")
    head.click()
    assert [float(text) for text in column(2)] == sorted(accuracies)
    assert page.get_attribute("table.sortable th:nth-child(2)", "aria-sort") == "ascending"
    head.click()
    assert [float(text) for text in column(2)] == sorted(accuracies, reverse=True)
    page.locator("table.sortable >> nth=0 >> th button >> nth=3").click()
    differences = column(4)
    assert differences[-1] == "–"
    assert [float(text) for text in differences[:-1]] == sorted(float(text) for text in differences[:-1])


def test_text_is_text(page: Any) -> None:
    assert "It is <b>cheap</b> {{SECTIONS}}." in page.inner_text("table.claims")


def test_numbers_are_the_results(page: Any, results: list[Run]) -> None:
    (groups,) = (g for s, g in by_setting(results).items() if s.base.data == "moons")
    rows = {finding.activation: finding for finding in compared(groups, "none")}
    shown = page.locator("table.sortable >> nth=0 >> tbody tr").all()
    for line in shown:
        cells = line.locator("td").all_inner_texts()
        row = rows["none" if cells[0] == "no activation" else cells[0]]
        mean = np.nanmean([r.accuracy for r in groups[row.activation]])
        assert float(cells[1]) == pytest.approx(100 * mean, abs=0.005)
        if row.difference:
            assert float(cells[3]) == pytest.approx(100 * row.difference.mean, abs=0.005)


def test_pictures_are_files(folder: Path) -> None:
    names = {path.name for path in (folder / "figures").iterdir()}
    for ending in ("png", "svg"):
        assert {f"{picture.name}-1.{ending}" for picture in PICTURES} <= names
        assert f"curves.{ending}" in names
        assert {f"claim-{chart.name}.{ending}" for chart in CHARTS} <= names
    assert "claims.png" in names
    page = (folder / "report.html").read_text()
    for address in re.findall(r"https?://[^\"'<> ]*", page):
        assert address.startswith(
            ("http://www.w3.org/", "http://purl.org/", "http://creativecommons.org/", "https://matplotlib.org/")
        )


def test_nothing_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store(tmp_path / "results.sqlite").add(made_up("relu", 0, 0.5))
    assert main(["report", "--out", str(tmp_path)]) == 1
    assert "no setting has finished runs of two activations" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["report", "--out", str(tmp_path / "nowhere")])
    assert "'study' or 'claims' make it" in capsys.readouterr().err
