# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Pages for people in Chromium: each in each of its states, for people who see, hear, move or read
otherwise than others, on a phone of 320 pixels, with a slow network."""

import pytest
from beneficiary import BANK, SIGN_IN, Beneficiary
from chromium import chromium
from conftest import RunningServer, fresh_database
from lanes import await_true
from log_search import Logs
from mapper_client import new_number
from page_checks import FIRST_VISIT, FIRST_VISIT_REQUESTS, PageChecks, weights
from page_scenes import SCENES, Stage
from people import HOME, START

NAMELESS = "document.querySelector('main').append(document.createElement('button'))"
FOCUS = """() => {
    const focused = document.activeElement;
    const box = focused.getBoundingClientRect();
    const style = getComputedStyle(focused);
    return focused !== document.body && {
        text: (focused.innerText || focused.labels?.[0]?.innerText || "").trim(),
        isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        isOnScreen: box.bottom > 0 && box.top < innerHeight && box.right > 0,
    };
}"""


@pytest.fixture(scope="module")
def checks():
    return PageChecks()


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def stage(browser, checks):
    running = RunningServer(fresh_database("spar_pages"))
    running.await_evented()
    yield Stage(running, browser, checks)
    Logs(running).check_clean()
    running.stop()


@pytest.fixture
def person(browser, stage):
    """A function: a `Beneficiary` of that name."""
    visitors = []

    def make(name, **options):
        visitors.append(Beneficiary(browser, stage.server, name, **options))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.leave()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_every_page(stage, scene):
    scene(stage)


def test_the_checker_finds_what_is_wrong(checks, person):
    visitor = person("Tala Salonga")
    visitor.open(START)
    assert checks.violations(visitor) == []
    visitor.page.evaluate(NAMELESS)
    [found] = checks.violations(visitor)
    assert found.startswith("button-name")
    assert {"target-size", "color-contrast"} <= checks.rules


def test_first_visit(person):
    visitor = person("Tala Salonga")
    visitor.open(START)
    visitor.page.wait_for_load_state("networkidle")
    # Chromium without a window does not show it
    icon = visitor.page.locator("link[rel=icon]").get_attribute("href")
    visitor.page.evaluate("(icon) => fetch(icon)", icon)
    found = weights(visitor)
    assert any(url.endswith(icon) for url in found)
    assert sum(found.values()) <= FIRST_VISIT, found
    assert len(visitor.answers) <= FIRST_VISIT_REQUESTS, found


def test_by_keyboard(person):
    """From the start page to the receipt without a mouse."""
    visitor = person("Amihan Abad")
    visitor.open(START)
    keys = Keyboard(visitor)
    keys.enter(SIGN_IN)
    keys.reach("Katrina Rivera")
    visitor.page.keyboard.press("ArrowUp")  # round to the last one
    while visitor.name not in keys.focus:
        visitor.page.keyboard.press("ArrowUp")
    keys.enter("Sign in")
    visitor.await_path(HOME)
    keys.enter("Skip to the content")
    keys.enter("Choose where you are paid")
    keys.enter("Continue")
    await_true(lambda: "Choose one of these." in keys.focus)  # what is wrong is read out first
    keys.enter("Choose one of these.", waits=False)
    await_true(lambda: keys.focus == "Bank account")
    visitor.page.keyboard.press("Space")
    keys.enter("Continue")
    keys.reach("Name")
    visitor.page.keyboard.type("bayani")
    # in place, and said to who cannot see it
    visitor.page.get_by_role("button", name=BANK).wait_for()
    await_true(lambda: visitor.page.inner_text("#results-status") == "Found: 1")
    keys.enter(BANK)
    keys.enter("Tacloban Branch")
    keys.reach("Account number")
    visitor.page.keyboard.type(new_number())
    keys.reach("Name of the account holder")
    visitor.page.keyboard.type("Amihan Abad")
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    keys.enter("Confirm")
    assert "It took effect" in visitor.text


def test_without_scripts(person):
    visitor = person("Lito Magno", scripts=False)
    visitor.sign_in()
    visitor.follow("Choose where you are paid")
    visitor.choose_kind("Bank account")
    visitor.search("Name", "bayani")
    visitor.submit(BANK)
    visitor.search("Name, code or place", "tacloban")
    visitor.submit("Tacloban Branch")
    visitor.page.get_by_label("Name of the account holder").fill(visitor.name)
    visitor.enter_number("Account number", new_number())
    visitor.submit("Confirm")
    assert "It took effect" in visitor.text
    visitor.submit("Sign out")
    visitor.submit("Sign out at")
    visitor.await_path(START)
    visitor.check()


class Keyboard:
    """Somebody who uses nothing else."""

    def __init__(self, visitor):
        self._page = visitor.page

    @property
    def focus(self):
        """What can be read where it is; everybody can see that it is there."""
        found = self._page.evaluate(FOCUS)
        if not found:
            return ""
        assert found["isSeen"] and found["isOnScreen"], found
        return found["text"]

    def reach(self, text):
        """Go on from one thing to the next one until there."""
        for _ in range(60):
            self._page.keyboard.press("Tab")
            if text in self.focus:
                return
        raise AssertionError(f"{text!r} cannot be reached: {self._page.inner_text('body')}")

    def enter(self, text, waits=True):
        self.reach(text)
        if not waits:
            self._page.keyboard.press("Enter")
            return
        with self._page.expect_navigation():
            self._page.keyboard.press("Enter")
