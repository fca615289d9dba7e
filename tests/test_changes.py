# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""People choose where they are paid, on the running product with its own mapper: journeys over real
HTTP without scripts, and what happens when two things happen at once."""

import importlib.util
import itertools
import json
import os
import re
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from conftest import RunningServer, fresh_database
from lanes import await_true, wake
from log_search import Logs
from mapper_client import MARK, TOKEN_PATH, BackOffice, Client, new_number, together
from participants import register
from people import HOME, RETURN, START, Browser
from registry_state import RegistryState

CHANGE = f"{START}/change"
REVIEW = f"{CHANGE}/review"
# of the demonstration, each used by one test: nobody has linked these, and these are linked
_unlinked = itertools.count(2027000001)
_linked = itertools.count(2026000000 + 100 * 7919, 7919)
BANK = "BYSB"
PROVIDER = "Test ID"
CLICKS = 6
MODELS = ("g2p.spar.change",)
# nobody listens there
NOWHERE = "http://127.0.0.1:9"
# An ended wait, as a migration might set it: what people have asked for is append-only.
MAKE_DUE = """
BEGIN; SELECT set_config('spar.maintenance', 'test', true);
UPDATE g2p_spar_change SET due_at = date_trunc('second', now() AT TIME ZONE 'UTC'),
    next_try_at = date_trunc('second', now() AT TIME ZONE 'UTC') WHERE state = 'pending';
COMMIT; SELECT 1"""


def identity_provider():
    """The one under a test's control, of the tests of self service; it is no part of an addon."""
    folder = Path(__file__).resolve().parents[1] / "g2p_spar_self_service" / "tests"
    spec = importlib.util.spec_from_file_location("spar_idp", folder / "identity_provider.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.IdentityProvider()


class Site(RunningServer):
    """A server that is harmed by some tests, and where its people sign in."""

    def __init__(self, workers=3):
        super().__init__(fresh_database("spar_changes"), workers=workers)
        self.idp = identity_provider()
        office = BackOffice(self)
        # one provider for each namespace
        others = office.find("g2p.spar.signin.provider")
        office.must("g2p.spar.signin.provider", "write", others, {"active": False})
        [namespace] = office.find("g2p.id.namespace", ["name", "=", "nationalId"])
        endpoints = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        metadata = self.idp.metadata()
        self.provider_id = office.must(
            "g2p.spar.signin.provider",
            "create",
            {
                **{name: metadata[name] for name in (*endpoints, "userinfo_endpoint")},
                "name": PROVIDER,
                "client_id": "spar",
                "strategy_id": office.reference("g2p_spar_fa_directory.g2p_fa_strategy_1"),
                "namespace_id": namespace,
            },
        )
        [record] = office.must(
            "g2p.spar.signin.provider", "read", [self.provider_id], ["client_jwk"]
        )
        self.idp.clients["spar"] = {
            "auth": "private_key_jwt",
            "secret": None,
            "jwk": json.loads(record["client_jwk"]),
            "userinfo_jwk": None,
            "redirect_uris": [f"{self.url}{RETURN}/{self.provider_id}"],
        }

    def stop(self):
        self.idp.stop()
        super().stop()


class Person(Browser):
    """Somebody with a national ID, who has signed in."""

    def __init__(self, site, number):
        super().__init__(site.url)
        self.idp, self.number = site.idp, number
        page = self.prove(self.submit(self.get(START), PROVIDER, follow=False))
        assert page.url.endswith(HOME), page.text

    def prove(self, answer):
        """Sign in where an answer leads to, and come back."""
        assert answer.status == 303, answer.text
        contact = {"email": f"{self.number}@example.org", "email_verified": True}
        return self.get(self.idp.authorize(answer.headers["Location"], self.number, **contact))

    def come_to_review(self, number, provider="Bayani Savings Bank", branch="Tacloban Branch"):
        """From the start of a change to its review."""
        page = self.submit(self.get(CHANGE), "Continue", kind="bank")
        if provider not in page.text:
            page = self.submit(page, "Search", query=provider)
        page = self.submit(page, provider, provider_id=button(page, "provider_id", provider))
        if page.url.endswith("/branch"):
            page = self.submit(page, "Search", query=branch)
            page = self.submit(page, branch, branch_id=button(page, "branch_id", branch))
        page = self.submit(page, "Continue", number=number)
        assert page.url.endswith(REVIEW), page.text
        return page

    def ask_for(self, number):
        """Another account than the one on record, confirmed by signing in once more."""
        page = self.come_to_review(number)
        page = self.prove(self.submit(page, "Sign in again to confirm", follow=False))
        assert page.url.endswith(REVIEW), page.text
        page = self.submit(page, "Confirm")
        assert "It takes effect on" in page.text, page.text
        return page


@pytest.fixture(scope="module")
def site():
    running = Site()
    yield running
    running.stop()


@pytest.fixture
def state(site):
    return RegistryState(site)


def id_of(number):
    return f"token:{number}@nationalId"


def button(page, name, words):
    """What a button sends on which these words can be read."""
    for value, label in re.findall(rf'<button[^>]* name="{name}" value="(\d+)">(.*?)</button>',
                                   page.source, re.DOTALL):  # fmt: skip
        if words in " ".join(re.sub(r"<[^>]+>", " ", label).split()):
            return value
    raise AssertionError(f"no button {words!r}: {page.text}")


def await_lane(site, condition):
    """Wait for what the scheduled action does; it is woken again and again."""
    wake(site, MODELS)
    await_true(condition, timeout=120, pause=1, server=site, models=MODELS)


def unlinked():
    return str(next(_unlinked))


def linked():
    return str(next(_linked))


def changes(state, person):
    """Receipt, operation, state and outcome of what a person has asked for."""
    return state.query(
        "SELECT number, operation, state, outcome FROM g2p_spar_change "
        "WHERE person_digest = %s ORDER BY id",
        state.digest("change person", id_of(person.number)).hex(),
    )


def last_state(state, person):
    return changes(state, person)[-1][2]


def has_ended(state, person):
    return last_state(state, person) != "pending"


def only_event(state, person, operation="link"):
    rows = state.query(
        "SELECT operation, actor_kind, channel, reason FROM g2p_spar_mapping_event "
        "WHERE id_digest = %s ORDER BY id DESC",
        state.digest("id", id_of(person.number)),
    )
    # those of the demonstration's people say so
    own = [row for row in rows if (row[3] or "").startswith("receipt")]
    assert [row[:3] for row in own] == [(operation, "beneficiary", "portal")], rows
    return own[0]


def test_first_address_and_what_a_payer_sees(site, state):
    person = Person(site, unlinked())
    number = new_number()
    page = person.submit(person.come_to_review(number), "Confirm")
    assert "It took effect" in page.text, page.text
    [(receipt, operation, result, _outcome)] = changes(state, person)
    assert (operation, result) == ("link", "applied") and receipt in page.text
    *_event, reason = only_event(state, person)
    assert receipt in reason
    reply = Client(site).call("resolve", [{"id": id_of(person.number), "scope": "details"}])
    assert number in reply.items[0]["fa"]
    assert f"••••{number[-4:]}" in person.get(HOME).text
    Logs(site).check_clean()


def test_many_clicks_are_one_change(site, state):
    person = Person(site, unlinked())
    page = person.come_to_review(new_number())
    logs = Logs(site)
    answers = together([partial(person.submit, page, "Confirm", follow=False)] * CLICKS)
    assert {answer.status for answer in answers} == {303}
    [(receipt, _operation, result, _outcome)] = changes(state, person)
    assert {answer.headers["Location"].rpartition("/")[2] for answer in answers} == {receipt}
    assert result == "applied"
    only_event(state, person)
    logs.check_no_contention()


def test_one_person_in_many_browsers(site, state):
    """Each with an account of its own: one of them comes to be on record."""
    number = unlinked()
    browsers = [Person(site, number) for _ in range(4)]
    pages = [browser.come_to_review(new_number()) for browser in browsers]
    together([partial(b.submit, page, "Confirm") for b, page in zip(browsers, pages, strict=True)])
    states = [row[2] for row in changes(state, browsers[0])]
    assert states.count("applied") == 1 and set(states) <= {"applied", "refused"}, states
    only_event(state, browsers[0])


def test_change_waits_and_is_carried_out(site, state):
    person = Person(site, linked())
    number = new_number()
    person.ask_for(number)
    client = Client(site)
    question = [{"id": id_of(person.number), "scope": "details"}]
    assert number not in client.call("resolve", question).items[0]["fa"]
    state.query(MAKE_DUE)
    await_lane(site, lambda: last_state(state, person) == "applied")
    assert number in client.call("resolve", question).items[0]["fa"]
    only_event(state, person, "update")
    assert "It took effect" in person.get(f"{START}/history").text


def test_cancelled_at_the_moment_it_takes_effect(site, state):
    """Whichever comes first: what the receipt says is what a payer sees."""
    for person in (Person(site, linked()), Person(site, linked())):
        number = new_number()
        page = person.ask_for(number)
        state.query(MAKE_DUE)
        together([partial(wake, site), partial(person.submit, page, "Cancel this change")])
        await_lane(site, partial(has_ended, state, person))
        reply = Client(site).call("resolve", [{"id": id_of(person.number), "scope": "details"}])
        is_there = number in reply.items[0]["fa"]
        assert is_there == (last_state(state, person) == "applied")


def test_changed_by_the_payer_meanwhile(site, state):
    """The pending change is refused, and what the payer wrote stays."""
    person = Person(site, linked())
    person.ask_for(new_number())
    client, theirs = Client(site), new_number()
    fa = f"account:{theirs}@{BANK}"
    assert client.call("update", [{"id": id_of(person.number), "fa": fa}]).succeeded == [True]
    state.query(MAKE_DUE)
    await_lane(site, lambda: last_state(state, person) == "refused")
    reply = client.call("resolve", [{"id": id_of(person.number), "scope": "details"}])
    assert theirs in reply.items[0]["fa"]
    assert "in another way" in person.get(f"{START}/history").text


def test_worker_killed_while_people_confirm(site, state):
    """Whoever got a receipt has an address, whoever has an address got a receipt."""
    people = [Person(site, unlinked()) for _ in range(6)]
    pages = [person.come_to_review(new_number()) for person in people]

    def kill():
        time.sleep(0.15)
        os.kill(site.worker_pids()[0], signal.SIGKILL)

    calls = [partial(p.submit, page, "Confirm") for p, page in zip(people, pages, strict=True)]
    together([kill, *calls])
    state.query(MAKE_DUE)
    asked = "SELECT count(*) FILTER (WHERE state = 'pending') FROM g2p_spar_change"
    await_lane(site, lambda: state.query(asked) == [(0,)])
    for person in people:
        [(events, _links)] = state.event_counts([id_of(person.number)]).values() or [(0, 0)]
        assert [row[2] for row in changes(state, person)] == ["applied"] * events


@pytest.mark.parametrize("profile", ["strict", "openg2p_1"])
def test_with_a_mapper_elsewhere(site, server, state, profile):
    """The pages know the connector only: another instance may have the mapper."""
    client, _participant_id = register(server, profile=profile)
    office = BackOffice(site)
    connectors = office.find("g2p.spar.connector")
    base = f"{server.url}/spar/v1.0.0" if profile == "strict" else f"{server.url}/api/mapper"
    settings = {
        "backend": "g2p_connect",
        "remote_profile": profile,
        "remote_url": base,
        "remote_sender_id": client.sender_id,
        "remote_token_url": f"{server.url}{TOKEN_PATH}",
        "remote_client_id": client.credentials["client_id"],
        "remote_client_secret": client.credentials["client_secret"],
        "remote_tries": 1,
    }
    office.must("g2p.spar.connector", "write", connectors, settings)
    subject = f"{MARK}{profile}"
    question = [{"id": id_of(subject), "scope": "details"}]
    person, first, second = Person(site, subject), new_number(), new_number()
    page = person.submit(person.come_to_review(first), "Confirm")
    assert "It took effect" in page.text, page.text
    assert first in client.call("resolve", question).items[0]["fa"]
    assert f"••••{first[-4:]}" in person.get(HOME).text
    person.ask_for(second)
    office.must("g2p.spar.connector", "write", connectors, {"remote_url": NOWHERE})
    page = person.get(HOME)
    assert page.status == 503 and "A change is on its way" in page.text
    page = person.get(f"{START}/remove")
    assert page.url.endswith(HOME), "one change at a time"
    state.query(MAKE_DUE)
    tries = "SELECT max(try_count) FROM g2p_spar_change WHERE state = 'pending'"
    await_lane(site, lambda: state.query(tries)[0][0])
    assert "we keep trying" in person.get(HOME).text
    assert first in client.call("resolve", question).items[0]["fa"]
    office.must("g2p.spar.connector", "write", connectors, {"remote_url": base})
    state.query(MAKE_DUE)
    await_lane(site, lambda: last_state(state, person) == "applied")
    assert second in client.call("resolve", question).items[0]["fa"]
