# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Pages of the documentation lead to what is there: other pages, their sections, and pictures."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r'\]\(([^)\s]+)\)|src="([^"]+)"')


def sections(path):
    """Names by which links lead to the sections of a page."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page):
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for target in map("".join, LINK.findall(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, section = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        if section:
            assert section in sections(found), target
