# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""People sign in with Chromium."""

import re

import pytest
from beneficiary import Beneficiary
from chromium import DESKTOP, PHONE, Visitor, chromium
from mapper_client import new_number
from people import DEMONSTRATION, HOME, START
from signin_provider import CODE
from test_sign_in import Relation

AT_HOME = re.compile(rf"{HOME}$")
AT_START = re.compile(rf"{START}$")


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(params=[(PHONE, True), (PHONE, False), (DESKTOP, True)],
                ids=["phone", "phone without scripts", "desktop"])  # fmt: skip
def visitor(request, browser):
    viewport, scripts = request.param
    visiting = Visitor(browser, viewport, scripts)
    yield visiting
    visiting.leave()


@pytest.fixture(scope="module")
def started(server):
    server.await_evented()
    return server


@pytest.fixture(scope="module")
def relation(started):
    made = Relation(started, "jwe", "PS256", name="Certified")
    yield made
    made.end()


class AtCertified(Beneficiary):
    """One of those who can sign in at npm oidc-provider."""

    provider = "Certified"

    def say_who(self):
        self.page.get_by_label(self.name).check()
        self.page.get_by_label("Code").fill(CODE)
        self.submit("Sign in")


def test_a_newcomer_signs_in_with_two_clicks(started, visitor):
    page = visitor.page
    page.goto(f"{started.url}{START}")
    visitor.press(f"Sign in with {DEMONSTRATION}")
    visitor.press("Sign in")
    page.wait_for_url(AT_HOME)
    assert "Katrina Rivera" in page.inner_text("main")
    visitor.check()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_somebody_else_signs_in_and_out(started, browser, host):
    visitor = Visitor(browser)
    page = visitor.page
    page.goto(f"{started.url.replace('127.0.0.1', host)}{START}")
    visitor.press(f"Sign in with {DEMONSTRATION}")
    page.get_by_label("Amihan Abad").check()
    visitor.press("Sign in")
    page.wait_for_url(AT_HOME)
    assert "Amihan Abad" in page.inner_text("main")
    # a script goes on to the provider, which sends people back
    visitor.press("Sign out")
    page.wait_for_url(AT_START)
    visitor.press(f"Sign in with {DEMONSTRATION}")
    page.get_by_text("Who are you?").wait_for()
    visitor.check()
    visitor.leave()


def test_a_wrong_code(started, visitor):
    page = visitor.page
    page.goto(f"{started.url}{START}")
    visitor.press(f"Sign in with {DEMONSTRATION}")
    shown = page.inner_text("#shown-code")
    page.get_by_label("One-time code").fill(f"{(int(shown) + 1) % 10**6:06}")
    visitor.press("Sign in")
    assert "not the code" in page.get_by_role("alert").inner_text()
    visitor.press("Sign in")
    page.wait_for_url(AT_HOME)
    visitor.check()


def test_at_a_certified_provider(relation, visitor):
    page = visitor.page
    page.goto(f"{relation.server.url}{START}")
    visitor.press(f"Sign in with {relation.name}")
    page.get_by_label("bayani").check()
    page.get_by_label("Code").fill(CODE)
    visitor.press("Sign in")
    page.wait_for_url(AT_HOME)
    assert "Bayani Cortez" in page.inner_text("main")
    visitor.check()


def test_a_whole_journey_at_a_certified_provider(relation, browser):
    """Who confirms signs in there anew, and nobody else does."""
    relation.office.must(
        "g2p.spar.signin.provider", "write", [relation.id], {"contacts_verified": True}
    )
    person = AtCertified(browser, relation.server, "amihan")
    person.sign_in()
    person.follow("Choose where you are paid")
    person.come_to_review(new_number())
    person.submit("Confirm")
    assert "It took effect" in person.text

    person.open(HOME)
    person.follow("Change")
    person.come_to_review(new_number())
    person.name = "bayani"
    person.submit("Sign in again to confirm")
    person.prove()
    assert "Somebody else has signed in to confirm. Nothing was confirmed." in person.text
    person.complaints.clear()  # of the status of that page
    person.name = "amihan"
    person.open(f"{START}/change/review")
    person.sign_in_again()
    person.submit("Confirm")
    assert "It takes effect on" in person.text
    person.submit("Cancel this change")
    assert "It was cancelled" in person.text, person.text

    person.open(HOME)
    person.follow("Remove this account")
    person.submit("Continue to remove it")
    person.sign_in_again()
    person.submit("Confirm the removal")
    assert "It takes effect on" in person.text
    person.check()
    person.leave()
