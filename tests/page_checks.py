# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What each page for people must be: good for everybody (WCAG 2.2, A and AA), and small."""

import gzip

from chromium import DESKTOP
from npm_packages import npm_packages

# What a first visit and each later page may weigh, in bytes after gzip -6.
FIRST_VISIT = 150_000
FIRST_VISIT_REQUESTS = 8
LATER_PAGE = 25_000
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Rules of WCAG 2.2 are off unless they are named.
AXE = """async (tags) => {
    const found = await axe.run({
        runOnly: {type: "tag", values: tags},
        rules: {"target-size": {enabled: true}},
        resultTypes: ["violations"],
    });
    const text = (rule) => [rule.id, rule.help, ...rule.nodes.map((node) => node.html)].join(" | ");
    return {
        rules: [...found.passes, ...found.violations].map((rule) => rule.id),
        violations: found.violations.map(text),
    };
}"""
TEXT_SIZE = "(size) => { document.documentElement.style.fontSize = size; }"


class PageChecks:
    """What is checked on every page; see `Stage.show`.

    :ivar set rules: names of axe-core's rules that had something to check
    """

    def __init__(self):
        path = npm_packages().modules / "axe-core" / "axe.min.js"
        self._axe = path.read_text(encoding="utf-8")
        self.rules = set()

    def __call__(self, person, name):
        if "/my/financial-address" in person.page.url:
            _check_weight(person, name)
        phone = person.page.viewport_size
        self._check_screen(person, f"{name}, phone")
        person.page.evaluate(TEXT_SIZE, "200%")
        assert person.fits, f"{name}, text of twice the size"
        person.page.evaluate(TEXT_SIZE, "")
        person.page.set_viewport_size(DESKTOP)
        self._check_screen(person, f"{name}, desktop")
        person.page.set_viewport_size(phone)

    def _check_screen(self, person, name):
        assert person.fits, name
        assert not self.violations(person), name

    def violations(self, person):
        """What axe-core finds wrong with a page as it is on the screen, one text for each rule."""
        person.page.evaluate(self._axe)
        found = person.page.evaluate(AXE, TAGS)
        self.rules |= set(found["rules"])
        return found["violations"]


def _check_weight(person, name):
    """Styles and scripts count on each page, though browsers keep them."""
    found = weights(person)
    assert sum(found.values()) <= LATER_PAGE, (name, found)


def weights(person):
    """What was loaded for a page: bytes after gzip -6, by address."""
    found = {}
    for answer in person.answers:
        is_redirect = 300 <= answer.status < 400
        found[answer.url] = 0 if is_redirect else len(gzip.compress(answer.body(), 6))
    return found
