# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Somebody of the demonstration who chooses in Chromium where they are paid."""

import re
import time

from chromium import PHONE, Visitor
from people import DEMONSTRATION, HOME, START

SIGN_IN = f"Sign in with {DEMONSTRATION}"
BANK = "Bayani Savings Bank"


class Beneficiary(Visitor):
    """One of the ten who can sign in at the demonstration identity provider.

    :param server: `RunningServer`
    :param str name: of the person
    """

    provider = DEMONSTRATION

    def __init__(self, browser, server, name, viewport=PHONE, **options):
        super().__init__(browser, viewport, **options)
        self.server = server
        self.name = name
        self._proved_at = 0

    def open(self, path):
        self.page.goto(f"{self.server.url}{path}")

    def submit(self, name):
        """Press the button of that name, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.press(name)

    def follow(self, name):
        """Follow the link of that name, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name).click()

    def await_path(self, path):
        self.page.wait_for_url(re.compile(rf"{path}$"))

    @property
    def text(self):
        """What can be read on the page, in one line."""
        return " ".join(self.page.inner_text("main").split())

    # === SIGNING IN === #

    def sign_in(self):
        self.open(START)
        self.submit(f"Sign in with {self.provider}")
        self.prove()
        self.await_path(HOME)

    def prove(self):
        """Say who one is, at the provider, in whatever language. It tells whole seconds, and a
        confirmation must be later than the sign-in before: no person is as quick as that."""
        while int(time.time()) <= self._proved_at:
            time.sleep(0.02)
        self.say_who()
        self._proved_at = int(time.time())

    def say_who(self):
        """On the provider's page."""
        self.page.get_by_label(self.name).check()
        with self.page.expect_navigation():
            self.page.locator("main button").click()

    def sign_in_again(self):
        """Confirm what the review page shows."""
        self.submit("Sign in again to confirm")
        self.prove()
        self.await_path("/review")

    # === CHOOSING === #

    def choose_kind(self, label):
        self.page.get_by_label(label).check()
        self.submit("Continue")

    def search(self, label, text):
        """Type into a search field, and press its button."""
        self.page.get_by_label(label).fill(text)
        self.submit("Search")

    def enter_number(self, label, number):
        self.page.get_by_label(label).fill(number)
        self.submit("Continue")

    def come_to_review(self, number):
        """From the choice of a kind to the review of an account at a bank of the demonstration."""
        self.choose_kind("Bank account")
        self.submit(BANK)
        self.search("Name, code or place", "Tacloban")
        self.submit("Tacloban Branch")
        self.enter_number("Account number", number)
        self.await_path("/review")
