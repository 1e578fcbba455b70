"""The report: the page in a real browser, its pictures as files, and what it concludes."""

from __future__ import annotations

from collections.abc import Iterator
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

__all__ = ["browser"]
CLAIMS = [Claim("ReLU", "It is <b>cheap</b> {{SECTIONS}}.", "3 times", "holds")]
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
    images = page.evaluate("[...document.images].map((i) => [i.complete, i.naturalWidth, i.alt])")
    assert len(images) == len(PICTURES) + 1 + len(CHARTS) + len(PICTURES)
    assert all(complete and width > 300 and len(alt) > 40 for complete, width, alt in images)
    assert page.locator("section figcaption").count() == len(PICTURES) + 1 + len(CHARTS)
    assert page.locator("details").count() == 1


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
    widths = page.evaluate("[...document.images].map((i) => i.getBoundingClientRect().width)")
    assert all(0.75 * min(width, 600) <= w <= width for w in widths)


def test_tables_sort(page: Any) -> None:
    def column(number: int) -> list[str]:
        return page.locator(f"section table >> nth=0 >> tbody tr td:nth-child({number})").all_inner_texts()

    accuracies = [float(text) for text in column(2)]
    head = page.locator("section table >> nth=0 >> th button >> nth=1")
    head.click()
    assert [float(text) for text in column(2)] == sorted(accuracies)
    assert page.get_attribute("section table th:nth-child(2)", "aria-sort") == "ascending"
    head.click()
    assert [float(text) for text in column(2)] == sorted(accuracies, reverse=True)
    page.locator("section table >> nth=0 >> th button >> nth=3").click()
    differences = column(4)
    assert differences[-1] == "–"
    assert [float(text) for text in differences[:-1]] == sorted(float(text) for text in differences[:-1])


def test_text_is_text(page: Any) -> None:
    assert "It is <b>cheap</b> {{SECTIONS}}." in page.inner_text("table.claims")


def test_numbers_are_the_results(page: Any, results: list[Run]) -> None:
    (groups,) = (g for s, g in by_setting(results).items() if s.base.data == "moons")
    rows = {finding.activation: finding for finding in compared(groups, "none")}
    shown = page.locator("section table >> nth=0 >> tbody tr").all()
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
    assert "http" not in page.replace("http://www.w3.org", "").split("base64")[0]


def test_nothing_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store(tmp_path / "results.sqlite").add(made_up("relu", 0, 0.5))
    assert main(["report", "--out", str(tmp_path)]) == 1
    assert "no setting has finished runs of two activations" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["report", "--out", str(tmp_path / "nowhere")])
    assert "'study' or 'claims' make it" in capsys.readouterr().err
