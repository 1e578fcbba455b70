"""Links within the repository lead somewhere."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import FENCE, PAGES, ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
LINKS = [(page, link) for page, text in PAGES.items() for link in LINK.findall(FENCE.sub("", text))]


def anchors(page: str) -> set[str]:
    """What the headings are called in links."""
    headings = re.findall(r"^#+ (.*)", FENCE.sub("", PAGES[page]), flags=re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "link"), [(page, link) for page, link in LINKS if not link.startswith("http")])
def test_links_lead_somewhere(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    assert target.exists()
    if anchor:
        assert anchor in anchors(str(target.relative_to(ROOT)))


def test_every_page_is_reached_from_readme() -> None:
    reached = {link for page, link in LINKS if page == "README.md"}
    assert set(PAGES) - {"README.md"} <= {link.partition("#")[0] for link in reached}
