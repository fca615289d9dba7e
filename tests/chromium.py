# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Debian's Chromium, driven by Playwright, for tests of what people see."""

import contextlib
import shutil
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright
from spar_setup.browser import PROGRAMS

PHONE = {"width": 320, "height": 640}
DESKTOP = {"width": 1280, "height": 800}
LOOPBACK = ("127.0.0.1", "localhost")
# Root may not have a sandbox; the rest keeps the browser from calling its maker.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def chromium():
    """A running browser, as Playwright's `Browser`."""
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """Somebody with a browser of their own.

    :param browser: of `chromium`
    :param dict viewport: `PHONE` or `DESKTOP`
    :ivar page: Playwright's
    :param options: more of Playwright's `Browser.new_context`
    :ivar list complaints: what the browser has said went wrong, scripts and policies included
    :ivar list answers: Playwright's `Response` of all that the page has asked for since it was
        opened, redirects and what the browser had kept included
    """

    def __init__(self, browser, viewport=PHONE, scripts=True, **options):
        self.context = browser.new_context(
            viewport=viewport, java_script_enabled=scripts, **options
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints = []
        self.answers = []
        self.hosts = set()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._ask)
        self.page.on("response", self._receive)

    def _listen(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _ask(self, request):
        self.hosts.add(urlsplit(request.url).hostname)
        if request.is_navigation_request() and not request.redirected_from:
            self.answers.clear()

    def _receive(self, answer):
        if answer.request.is_navigation_request():
            # meanwhile the page before may have asked for more
            self.answers = [one for one in self.answers if one.request.is_navigation_request()]
        self.answers.append(answer)

    def press(self, name):
        """Click on the button of that name."""
        self.page.get_by_role("button", name=name).click()

    @property
    def status(self):
        """HTTP status of the page."""
        answered = [answer for answer in self.answers if answer.request.is_navigation_request()]
        return answered[-1].status

    @property
    def fits(self):
        """Whether nothing of the page lies beside the screen."""
        root = "document.documentElement"
        return self.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")

    def check(self):
        """Nothing went wrong unseen, nobody else was called, and the page fits on the screen."""
        assert not self.complaints, self.complaints
        assert {host for host in self.hosts if host} <= set(LOOPBACK)
        assert self.fits

    def leave(self):
        self.context.close()
