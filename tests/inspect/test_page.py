"""The page, in a real browser. With TINYACT_NEED_BROWSER set, a missing browser is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinyact
from tests.inspect.networks import deep, diamond, small_network
from tinyact.inspect import Trace, trace
from tinyact.inspect.cli import network_trace
from tinyact.inspect.lines import backward_lines, forward_lines

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None  # type: ignore[assignment]
    if sync_playwright is None or CHROMIUM is None:
        missing = "Playwright" if sync_playwright is None else "Chromium"
        if os.environ.get("TINYACT_NEED_BROWSER"):
            pytest.fail(f"{missing} is not installed, and TINYACT_NEED_BROWSER is set")
        pytest.skip(f"{missing} is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a trace's page; at the end nothing may have gone wrong in it, or gone out from it."""
    path = tmp_path / "page.html"
    complaints: list[str] = []
    requests: list[str] = []
    context = None

    def opened(of: Trace, width: int = 1200, title: str = "A title", **options: Any) -> Any:
        nonlocal context
        of.to_html(path, title)
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    if context is not None:
        context.close()
    assert complaints == []
    assert requests == [path.as_uri()]


@pytest.fixture(scope="module")
def notebook() -> Trace:
    return network_trace()


def small() -> Trace:
    return trace(*small_network())


def status(page: Any) -> str:
    return str(page.inner_text("#status"))


def shown(page: Any) -> dict[str, list[tuple[str, str]]]:
    """Per label the numbers that are shown under it: all their digits, and what one sees."""
    figures = page.evaluate(
        """() => [...document.querySelectorAll("figure")].map((figure) =>
             [figure.dataset.value, [...figure.querySelectorAll("td")]
               .filter((cell) => !cell.closest(".follow, .entries"))
               .map((cell) => [cell.title, cell.innerText])])"""
    )
    return {label: [(exact, text) for exact, text in numbers] for label, numbers in figures}


def assert_shown(numbers: list[tuple[str, str]], array: Any) -> None:
    """Exactly the array's numbers, in its order, and seen to at least four digits."""
    array = np.asarray(array)
    if array.size > 64:
        array = array.reshape(-1, array.shape[-1])[:5, :4]
    assert [array.dtype.type(exact) for exact, _ in numbers] == array.reshape(-1).tolist()
    assert [float(text) for _, text in numbers] == pytest.approx(array.reshape(-1), rel=5e-4)


@pytest.mark.parametrize("which", ["small", "notebook"])
def test_every_step_by_keys_with_the_engines_numbers(which: str, notebook: Trace, open_page: Open) -> None:
    of = notebook if which == "notebook" else small()
    page = open_page(of)
    operations = [node for node in reversed(of.graph.nodes) if node.kind == "operation"]
    for place, node in enumerate(operations, 1):
        assert status(page).startswith(
            f"Step {place} of {len(operations) + len(of.steps)}: forward {place} of {len(operations)}. {node.name} ="
        )
        numbers = shown(page)
        assert_shown(numbers[node.name], of.values[node.number].array)
        for edge in of.graph.inputs(node):
            source = of.graph.nodes[edge.source - 1]
            label = source.name if source.name == edge.argument else f"{edge.argument} = {source.name}"
            assert_shown(numbers[label], of.values[edge.source].array)
        page.keyboard.press("ArrowRight")
    for place, step in enumerate(of.steps, 1):
        assert f"backward {place} of {len(of.steps)}. ∂L/∂{step.node.name} " in status(page)
        numbers = shown(page)
        assert_shown(numbers[f"g = ∂L/∂{step.node.name}"], step.gradient)
        for sent in step.sent:
            assert_shown(numbers[f"∂L/∂{sent.target.name}"], sent.array)
        page.keyboard.press("ArrowRight")
    # There is nothing behind the last step.
    assert f"Step {len(operations) + len(of.steps)} of" in status(page)


def test_every_step_has_its_lines_of_numpy(open_page: Open) -> None:
    of = small()
    page = open_page(of)
    for node in reversed(of.graph.nodes):
        if node.kind == "operation":
            assert page.locator("pre").all_inner_texts() == ["\n".join(forward_lines(node, of))]
            page.keyboard.press("ArrowRight")
    for step in of.steps:
        assert page.locator("pre").all_inner_texts() == ["\n".join(backward_lines(step, s, of)) for s in step.sent]
        page.keyboard.press("ArrowRight")


def test_the_weights_gradient_is_the_last_number(notebook: Trace, open_page: Open) -> None:
    page = open_page(notebook)
    page.keyboard.press("End")
    while "fc1.weight" not in status(page):
        page.keyboard.press("ArrowLeft")
    leaf = notebook.graph.node("fc1.weight").recorded
    assert_shown(shown(page)["g = ∂L/∂fc1.weight"], leaf.grad.array)


def test_an_entry_of_the_weights_gradient_is_shown_as_the_sum_that_it_is(notebook: Trace, open_page: Open) -> None:
    page = open_page(notebook)
    page.keyboard.press("End")
    while "fc1.weight" not in status(page):
        page.keyboard.press("ArrowLeft")
    step, leaf = notebook.step("fc1.weight"), notebook.graph.node("fc1.weight").recorded
    x = notebook.values[notebook.graph.node("x").number].array
    g = notebook.step(step.terms[0].source.name).gradient
    row, column = 3, 2
    page.get_by_label("row of the entry of ∂L/∂fc1.weight to follow").fill(str(row))
    page.get_by_label("column of the entry of ∂L/∂fc1.weight to follow").fill(str(column))
    assert f"∂L/∂fc1.weight[{row},{column}] = Σ g[i, {row}] · x[i, {column}], over 4,000 i" in page.inner_text(
        ".follow"
    )
    rows = page.evaluate(
        """() => [...document.querySelectorAll(".follow tr")].slice(1)
             .map((row) => [row.firstChild.innerText, ...[...row.querySelectorAll("td")].map((cell) => cell.title)])"""
    )
    products = (g[:, row].astype(np.float64) * x[:, column]).tolist()
    for i, left, right, product in rows[:4]:
        assert np.float32(left) == g[int(i), row]
        assert np.float32(right) == x[int(i), column]
        assert float(product) == pytest.approx(products[int(i)], rel=1e-6)
    largest = sorted(map(abs, products), reverse=True)[:4]
    assert [abs(float(cells[3])) for cells in rows[:4]] == pytest.approx(largest, rel=1e-6)
    # What is not shown one by one is shown together, and all is the engine's number.
    rest, total = float(rows[4][1]), float(rows[5][1])
    assert sum(float(cells[3]) for cells in rows[:4]) + rest == pytest.approx(total, abs=1e-6)
    assert np.float32(total) == leaf.grad.array[row, column]


def followed_entries(page: Any) -> dict[str, dict[str, tuple[str, float]]]:
    """Per label the entries followed, by their indices: what one sees, and the number with all its digits."""
    found = page.evaluate(
        """() => [...document.querySelectorAll("figure")].map((figure) => [figure.dataset.value,
             [...figure.querySelectorAll(".entries tr")].map((row) =>
               [row.querySelector("th[scope=row]").innerText, row.querySelector("td").innerText,
                Number(row.querySelector("td").title)])])"""
    )
    return {label: {place: (seen, exact) for place, seen, exact in rows} for label, rows in found}


def sum_shown(page: Any, label: str) -> list[list[str]]:
    """The table of a sum, as one sees it."""
    of = page.locator(".follow", has=page.get_by_label(f"row of the entry of {label} to follow"))
    rows = of.locator("tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def test_each_number_is_found_from_the_weights_gradient_back_to_the_loss(notebook: Trace, open_page: Open) -> None:
    page = open_page(notebook)

    def backward(name: str) -> dict[str, dict[str, tuple[str, float]]]:
        while f". ∂L/∂{name} " not in status(page):
            page.keyboard.press("ArrowLeft")
        return followed_entries(page)

    page.keyboard.press("End")
    assert len(backward("fc1.weight")["g = ∂L/∂fc1.weight"]) == 1
    head, *terms = sum_shown(page, "∂L/∂fc1.weight")
    unit, feature = (int(name.split(", ")[1].rstrip("]")) for name in head[1:3])
    at_z1 = backward("z1")
    assert sum_shown(page, "∂L/∂fc1.weight")[1:] == terms
    first = terms[0][0]
    rows = [row[:3] for row in terms[:4]]
    for i, g, x in rows:
        assert at_z1["g = ∂L/∂z1"][f"[{i}, {unit}]"][0] == g
        assert at_z1["x"][f"[{i}, {feature}]"][0] == x

    at_h1 = backward("h1")
    for i, g, _ in rows:
        place = f"[{i}, {unit}]"
        seen, exact = at_h1["∂L/∂z1"][place]
        assert seen == g
        assert exact == at_h1["g = ∂L/∂h1"][place][1] * at_h1["∂h1/∂z1"][place][1]

    at_z2 = backward("z2")
    head, (k, g, weight, _), total = sum_shown(page, "∂L/∂h1")
    assert (head[1], head[2], k) == (f"g[{first}, i]", f"fc2.weight[i, {unit}]", "0")
    assert at_z2["g = ∂L/∂z2"][f"[{first}, 0]"][0] == g
    assert shown(page)["weight = fc2.weight"][unit][1] == weight
    assert total[1] == at_z2["∂L/∂h1"][f"[{first}, {unit}]"][0]
    for i, _, _ in rows:
        assert at_z2["∂L/∂h1"][f"[{i}, {unit}]"] == at_h1["g = ∂L/∂h1"][f"[{i}, {unit}]"]

    at_p = backward("p")
    at_loss = backward("L")
    for i, _, _ in rows:
        place = f"[{i}, 0]"
        assert at_p["∂L/∂z2"][place] == at_z2["g = ∂L/∂z2"][place]
        product = at_p["g = ∂L/∂p"][place][1] * at_p["∂p/∂z2"][place][1]
        assert at_p["∂L/∂z2"][place][1] == pytest.approx(product, rel=1e-6)
        assert at_loss["∂L/∂p"][place] == at_p["g = ∂L/∂p"][place]
        p, t = at_loss["x = p"][place][1], at_loss["t = target"][place][1]
        assert at_loss["∂L/∂p"][place][1] == pytest.approx((p - t) / (p * (1 - p)) / 4000, rel=1e-5)
    assert shown(page)["g = ∂L/∂L"] == [("1.0", "1")]


def test_the_entries_followed_are_in_the_forward_pass_too(notebook: Trace, open_page: Open) -> None:
    page = open_page(notebook)
    made: dict[str, dict[str, tuple[str, float]]] = {}
    for node in (node for node in reversed(notebook.graph.nodes) if node.kind == "operation" and node.number > 1):
        shown_here = followed_entries(page)
        # What goes in is what came out of the step before.
        for label, found in shown_here.items():
            source = label.split(" = ")[-1]
            assert made.get(source, found) == found
        made[node.name] = shown_here[node.name]
        array = notebook.values[node.number].array
        for place, (_, exact) in made[node.name].items():
            i, k = map(int, place[1:-1].split(", "))
            assert array.dtype.type(exact) == array[i, k]
        page.keyboard.press("ArrowRight")
    assert [len(made[name]) for name in ("z1", "h1", "z2", "p")] == [8] * 4


def test_an_entry_that_the_page_does_not_hold(open_page: Open) -> None:
    tinyact.manual_seed(0)
    x, w = tinyact.randn(3, 60), tinyact.randn(50, 60, requires_grad=True)
    page = open_page(trace(tinyact.nn.functional.linear(x, w).square().sum(), names={"w": w}))
    page.keyboard.press("End")
    row, column = np.unravel_index(np.abs(w.grad.numpy()).argmin(), w.shape)
    page.get_by_label("row of").fill(str(row))
    page.get_by_label("column of").fill(str(column))
    assert "The page holds the sums of" in page.inner_text(".follow")


def test_other_ways_to_step(open_page: Open) -> None:
    page = open_page(small())
    page.keyboard.press("End")
    assert "Step 14 of 14" in status(page)
    page.keyboard.press("Home")
    assert "Step 1 of 14" in status(page)
    page.click("#next")
    assert "Step 2 of 14" in status(page)
    page.click("#last")
    page.click("#previous")
    assert "Step 13 of 14" in status(page)
    page.click("#first")
    assert page.is_disabled("#previous")
    page.focus("#slider")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert "Step 2 of 14" in status(page)
    page.keyboard.press("End")
    assert "Step 14 of 14" in status(page)


def test_a_nodes_step(open_page: Open) -> None:
    page = open_page(small())
    page.click("#node-3")
    assert "forward 3 of 5. v3 =" in status(page)
    page.keyboard.press("End")
    page.focus("#node-4")
    page.keyboard.press("Enter")
    assert "backward 4 of 9. ∂L/∂v2 has arrived; it goes on to v1." in status(page)
    assert page.evaluate("document.querySelector('.node.now').id") == "node-4"
    assert page.evaluate("[...document.querySelectorAll('.edge.now')].map((e) => e.id)") == ["edge-5-4"]


def test_formula_and_derivative_are_mathematics(open_page: Open) -> None:
    page = open_page(small())
    page.click("#node-2")
    page.keyboard.press("End")
    page.click("#node-2")
    mathematics = page.inner_html(".mathematics")
    assert mathematics.count("<math") == 2
    assert "<mfrac><mn>1</mn>" in mathematics
    assert "<mi>σ</mi>" in mathematics
    page.keyboard.press("End")
    assert page.locator(".chain mfrac").count() > 4


def test_where_paths_meet_a_sum_is_shown(open_page: Open) -> None:
    loss, named = diamond()
    of = trace(loss, names=named)
    page = open_page(of)
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert "∂L/∂v is the sum over 2 paths" in status(page)
    numbers = shown(page)
    for k, term in enumerate(of.step("v").terms, 1):
        assert_shown(numbers[f"along path {k}"], term.array)
    assert_shown(numbers["g = ∂L/∂v"], of.step("v").gradient)
    assert page.locator(".sign").all_inner_texts() == ["+", "="]
    assert page.locator(".chain mfrac").count() == 5


def test_a_gradient_that_was_there_before(open_page: Open) -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    (w * 2).backward()
    page = open_page(trace(w * 3, names={"w": w}))
    page.keyboard.press("End")
    numbers = shown(page)
    assert_shown(numbers["w.grad before"], np.float32(2))
    assert_shown(numbers["w.grad"], np.float32(5))


def test_nan_is_shown(open_page: Open) -> None:
    x = tinyact.tensor([0.0, -1.0], requires_grad=True)
    page = open_page(trace(x.sqrt().sum(), names={"x": x}))
    page.keyboard.press("End")
    assert shown(page)["g = ∂L/∂x"] == [("inf", "inf"), ("nan", "nan")]
    assert "2 NaN or infinite" in page.inner_text("#step")


@pytest.mark.parametrize("width", [400, 1400])
def test_fits_the_screen(width: int, notebook: Trace, open_page: Open) -> None:
    page = open_page(notebook, width=width)
    for _ in range(5 + len(notebook.steps)):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # The node in question is in sight.
        box = page.locator(".node.now rect").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        page.keyboard.press("ArrowRight")


def test_dark_and_light(open_page: Open, browser: Any) -> None:
    page = open_page(small())
    light = _contrast(page)
    page.emulate_media(color_scheme="dark")
    dark = _contrast(page)
    assert light[0] > 0.8
    assert dark[0] < 0.05
    assert min(light[1], dark[1]) > 4.5


def _contrast(page: Any) -> tuple[float, float]:
    """The background's luminance, and the least contrast of any text against the card it stands on."""
    luminance = """(text) => {
        const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3)
          .map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    }"""
    back = page.evaluate(f"({luminance})(getComputedStyle(document.querySelector('article')).backgroundColor)")
    texts = page.evaluate(
        f"""() => [...document.querySelectorAll("article *, #status, footer")].filter((e) => e.innerText)
              .map((e) => ({luminance})(getComputedStyle(e).color))"""
    )
    ratios = [(max(back, text) + 0.05) / (min(back, text) + 0.05) for text in texts]
    return back, min(ratios)


def test_for_screen_readers(notebook: Trace, open_page: Open) -> None:
    page = open_page(notebook)
    assert page.get_attribute("#status", "aria-live") == "polite"
    assert page.get_attribute("#slider", "aria-valuetext") == "forward 1 of 5: z1 = Linear(x, fc1.weight, fc1.bias)"
    assert page.get_by_role("button", name="z1, Linear: go to its step").count() == 1
    assert page.get_by_role("heading", name="z1 = Linear(x, fc1.weight, fc1.bias)").count() == 1
    assert page.locator("canvas").count() > 0
    for picture in page.locator("canvas, svg.histogram").all():
        assert picture.get_attribute("role") == "img"
        assert len(picture.get_attribute("aria-label")) > 20
    names = page.evaluate("[...document.querySelectorAll('button')].map((b) => b.getAttribute('aria-label'))")
    assert all(names)


def test_a_large_array_is_a_heat_map_that_says_so(notebook: Trace, open_page: Open) -> None:
    page = open_page(notebook)
    assert "Each cell is the mean of 40 × 1 elements." in page.inner_text("figure")
    pixels = page.evaluate(
        """() => { const map = document.querySelector("canvas");
          return [map.width, map.height, [...map.getContext("2d").getImageData(0, 0, map.width, map.height).data]]; }"""
    )
    x = notebook.values[notebook.graph.node("x").number].array
    means = x.reshape(100, 40, 100).mean(1).T
    colours = np.array(pixels[2]).reshape(pixels[1], pixels[0], 4)
    # Red for above 0, blue for below.
    redder = colours[..., 0].astype(int) - colours[..., 2]
    clear = np.abs(means) > 0.1 * np.abs(means).max()
    assert (np.sign(redder)[clear] == np.sign(means)[clear]).all()


def test_a_number_that_an_operation_took_is_said(open_page: Open) -> None:
    w = tinyact.tensor([2.0, 4.0], requires_grad=True)
    loss = tinyact.nn.functional.mse_loss(w * 3, tinyact.ones(2))
    page = open_page(trace(loss, names={"w": w}))
    assert "with b = 3" in page.inner_text(".mathematics")
    page.click("#next")
    assert "with for one element" not in page.inner_text(".mathematics")
    assert "for one element; L is the mean of all 2" in page.inner_text(".mathematics")
    page.click("#next")
    assert "times g / 2" in page.inner_text("#step")


def test_names_and_titles_are_text(open_page: Open) -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    name = "</script><img src=x onerror=alert(1)>{{DATA}}"
    page = open_page(trace(w * 3, names={name: w}), title=name)
    assert page.inner_text("h1") == name
    page.keyboard.press("End")
    assert f"∂L/∂{name} " in status(page)


def test_by_module(open_page: Open) -> None:
    loss, network = deep()
    of = trace(loss, network).grouped()
    page = open_page(of)
    assert "Step 1 of 100: forward 1 of 50. 0 … 7 (16 operations)." in status(page)
    page.keyboard.press("End")
    assert_shown(shown(page)["g = ∂L/∂0 … 7"], of.steps[-1].gradient)


# --- without a browser ---------------------------------------------------------------------------------------------


def test_below_a_megabyte(notebook: Trace, tmp_path: Path) -> None:
    assert notebook.to_html(tmp_path / "page.html").stat().st_size < 300_000


def test_too_large_for_a_page(tmp_path: Path) -> None:
    loss, network = deep()
    with pytest.raises(ValueError, match=r"1,602 nodes is too large for a page \(at most 150\): .*grouped\(\).to_html"):
        trace(loss, network).to_html(tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
