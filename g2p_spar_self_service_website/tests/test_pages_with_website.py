# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The tests of self service that visit its pages, once more: beside the website, as without it."""

import inspect
import threading
import types

from odoo.tests import HttpCase, tagged

from odoo.addons.g2p_spar_self_service import tests

# What is refused to whom has nothing to do with the website, nor have sign-in providers and the
# back end: once is enough, for the time that it takes.
NOT_AGAIN = {
    "TestAgentReach",
    "TestBrowser",
    "TestChangeProtectionPages",
    "TestConfirm",
    "TestKeys",
    "TestReturn",
    "TestSupervisors",
    "TestTokens",
}
# A website has languages of its own, see `TestLanguages` of `test_site`.
OTHERWISE = (
    "test_one_language_needs_no_chooser",
    "test_right_to_left",
    "test_unknown_to_us_is_answered_as_the_company_speaks",
)


class WithWebsite:
    """A website that has the languages that there are."""

    def setUp(self):
        # the routes of a website are made by whoever asks for them first: here by the test itself
        thread = threading.current_thread()
        thread.dbname = self.env.cr.dbname
        self.addCleanup(delattr, thread, "dbname")
        super().setUp()
        self.env["website"].search([]).language_ids = self.env["res.lang"].search([])


def _cases():
    """Name and class of each test case of self service that has a browser."""
    for module in vars(tests).values():
        if not isinstance(module, types.ModuleType):
            continue
        for name, case in inspect.getmembers(module, inspect.isclass):
            is_own = case.__module__ == module.__name__ and name.startswith("Test")
            if is_own and issubclass(case, HttpCase) and name not in NOT_AGAIN:
                yield name, case


def _again(name, case):
    otherwise = {test: None for test in OTHERWISE if hasattr(case, test)}
    again = type(f"{name}WithWebsite", (WithWebsite, case), {"__module__": __name__, **otherwise})
    return tagged("post_install", "-at_install")(again)


globals().update({f"{name}WithWebsite": _again(name, case) for name, case in _cases()})
