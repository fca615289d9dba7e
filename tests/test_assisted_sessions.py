# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Agents help people on the running product: the person signs in at the demonstration's identity
provider on the agent's device."""

import copy
import itertools
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests
from conftest import RunningServer, fresh_database
from log_search import Logs
from mapper_client import BackOffice, Client, new_number, together
from people import DEMONSTRATION, HOME, START, Browser
from registry_state import RegistryState
from test_changes import button

AGENT_PAGE = f"{START}/agent"
CHANGE = f"{START}/change"
BANK = "Bayani Savings Bank"
BRANCH = "Tacloban Branch"
PASSWORD = "demonstration-agent-1"
# of the demonstration: nobody has linked these, each is used by one test
_unlinked = itertools.count(2027000001)
_agents = itertools.count(1)


@pytest.fixture(scope="module")
def site():
    running = RunningServer(fresh_database("spar_agents"), workers=2)
    running.await_evented()
    yield running
    Logs(running).check_clean()
    running.stop()


@pytest.fixture
def state(site):
    return RegistryState(site)


class AgentBrowser(Browser):
    """An agent, who is a user of the portal, has logged in."""

    def __init__(self, site):
        super().__init__(site.url)
        self.database = site.database
        office, number = BackOffice(site), next(_agents)
        # people are told names by their letters
        self.name, self.login = f"Agent {chr(ord('A') + number)}", f"agent-{number}"
        groups = ("base.group_portal", "g2p_spar_self_service.group_agent")
        values = {
            "name": self.name,
            "login": self.login,
            "password": PASSWORD,
            "group_ids": [[6, 0, [office.reference(group) for group in groups]]],
        }
        self.id = office.must("res.users", "create", values)
        self.log_in()

    def log_in(self):
        self.log_in_as(self.database, self.login, PASSWORD)

    def help(self, subject):
        """The person signs in on this device, and sees where they are paid."""
        page = self.submit(self.get(AGENT_PAGE), f"signs in with {DEMONSTRATION}")
        page = self.say_who(page, subject)
        assert page.url.endswith(HOME), page.text
        assert "You are helping" in page.text
        return page

    def review(self, number):
        """From the start of a change to its review."""
        page = self.submit(self.get(CHANGE), "Continue", kind="bank")
        if BANK not in page.text:
            page = self.submit(page, "Search", query=BANK)
        page = self.submit(page, BANK, provider_id=button(page, "provider_id", BANK))
        page = self.submit(page, "Search", query=BRANCH)
        page = self.submit(page, BRANCH, branch_id=button(page, "branch_id", BRANCH))
        return self.submit(page, "Continue", number=number)

    def sign_in_again(self, page, subject):
        """From the review page and back to it."""
        page = self.submit(page, "Sign in again to confirm")
        # providers tell whole seconds, and nobody signs in twice within one
        time.sleep(1)
        return self.say_who(page, subject)

    def end(self):
        return self.submit(self.get(AGENT_PAGE), "End this session")


def unlinked():
    return str(next(_unlinked))


def id_of(subject):
    return f"token:{subject}@nationalId"


def last_session(state, agent):
    """Whether it has ended, why, and whether anything is left of who it was."""
    [row] = state.query(
        "SELECT a.ended_at IS NOT NULL, a.end_reason, s.ended_at IS NOT NULL,"
        " s.person_sealed IS NOT NULL FROM g2p_spar_assisted_session a"
        " JOIN g2p_spar_beneficiary_session s ON s.id = a.session_id"
        " WHERE a.agent_id = %s ORDER BY a.id DESC LIMIT 1",
        agent.id,
    )
    return row


def test_from_the_agents_page_to_what_a_payer_sees(site, state):
    agent, subject, number = AgentBrowser(site), unlinked(), new_number()
    agent.help(subject)
    assert last_session(state, agent) == (False, None, False, True)
    page = agent.sign_in_again(agent.review(number), subject)
    page = agent.submit(page, "Confirm")
    assert "It took effect" in page.text and f"The agent {agent.name} helped" in page.text
    receipt = page.url
    reply = Client(site).call("resolve", [{"id": id_of(subject), "scope": "details"}])
    assert number in reply.items[0]["fa"]
    [event] = state.query(
        "SELECT operation, actor_kind, actor_name, user_id, channel FROM g2p_spar_mapping_event"
        " WHERE id_digest = %s",
        state.digest("id", id_of(subject)),
    )
    assert event == ("link", "beneficiary", f"{DEMONSTRATION}, {agent.name}", agent.id, "agent")

    page = agent.end()
    assert "The session has ended" in page.text
    assert last_session(state, agent) == (True, "agent", True, False)
    page = agent.submit(page, f"Sign out at {DEMONSTRATION}")
    # without the ID token, which would tell the agent of the person, nobody is sent back
    assert "You have signed out" in page.text
    assert "Help a person as an agent" in agent.get(START).text
    # staff and agents without an ID have no address of their own
    assert urlsplit(agent.get(receipt).url).path == START
    assert agent.get(HOME).url.partition("?")[0].endswith(START)
    assert number[-4:] not in agent.get(AGENT_PAGE).text


def test_the_next_person_is_asked_who_they_are(site):
    """Though the one before has not signed out at the provider."""
    agent = AgentBrowser(site)
    page = agent.help("2026000000")
    assert "Katrina Rivera" in page.text
    agent.end()
    page = agent.submit(agent.get(AGENT_PAGE), f"signs in with {DEMONSTRATION}")
    assert "Who are you?" in page.text
    page = agent.say_who(page, "2026007919")
    assert "Tala Salonga" in page.text and "Katrina" not in page.text


def test_change_of_an_address_on_record(site, state):
    agent = AgentBrowser(site)
    agent.help("2026007919")
    page = agent.submit(agent.review(new_number()), "Sign in again to confirm")
    # a code takes a while to arrive; see also sign_in_again
    time.sleep(1)
    state.query(
        "UPDATE g2p_spar_beneficiary_session SET seen_at = seen_at - interval '90 seconds'"
        " WHERE agent_id = %s AND ended_at IS NULL RETURNING id",
        agent.id,
    )
    page = agent.submit(agent.say_who(page, "2026007919"), "Confirm")
    assert "It takes effect on" in page.text, page.text
    rows = state.query(
        "SELECT agent_name, channel FROM g2p_spar_change WHERE agent_id = %s", agent.id
    )
    assert rows == [(agent.name, "agent")]
    mails = state.query("SELECT email_to FROM mail_mail WHERE body_html LIKE %s", f"%{agent.name}%")
    assert mails == [("tala.salonga@example.org",)]
    page = agent.submit(page, "Cancel this change")
    assert "It was cancelled" in page.text


@pytest.mark.parametrize("path", ["/web/session/logout", "/web/session/destroy"])
def test_agent_logs_out(site, state, path):
    agent = AgentBrowser(site)
    agent.help("2026000000")
    if path.endswith("destroy"):
        assert "error" not in agent.json(path, {})
    else:
        agent.get(path)
    assert last_session(state, agent) == (True, "log_out", True, False)
    assert agent.get(HOME).url.partition("?")[0].endswith(START)
    agent.log_in()
    assert "You are helping" not in agent.get(AGENT_PAGE).text


def test_nothing_is_done_for_a_while(site, state):
    agent = AgentBrowser(site)
    agent.help("2026000000")
    state.query(
        "UPDATE g2p_spar_beneficiary_session SET seen_at = seen_at - interval '301 seconds'"
        " WHERE agent_id = %s RETURNING id",
        agent.id,
    )
    page = agent.get(HOME)
    assert urlsplit(page.url).path == AGENT_PAGE and "The session has ended" in page.text
    assert "••••" not in page.text
    assert last_session(state, agent) == (True, "idle", True, False)
    # nothing is known of the person any more, so the provider asks
    page = agent.submit(page, f"Sign out at {DEMONSTRATION}")
    assert page.status == 200


def test_nobody_comes_back(site, state):
    """The scheduled action forgets whoever was helped."""
    agent = AgentBrowser(site)
    agent.help("2026000000")
    state.query(
        "UPDATE g2p_spar_beneficiary_session SET expires_at = started_at"
        " WHERE agent_id = %s RETURNING id",
        agent.id,
    )
    BackOffice(site).run_job("g2p_spar_self_service.cron_assisted_sessions")
    assert last_session(state, agent) == (True, "limit", True, False)


def test_agents_do_not_reach_each_other(site):
    """What one device has is nothing worth on another."""
    first, second = AgentBrowser(site), AgentBrowser(site)
    first.help("2026000000")
    second.help("2026007919")
    assert "Katrina Rivera" in first.get(HOME).text
    page = second.get(HOME)
    assert "Tala Salonga" in page.text and "Katrina" not in page.text


def test_two_at_once_do_not_pass_together(site, state):
    """Two sessions of one agent, both about to have the last account that is let through."""
    subjects, number = (unlinked(), unlinked()), new_number()
    one = AgentBrowser(site)
    account = state.digest("assisted account", f"bank bysb {number}").hex()
    for person in ("of one", "of another"):
        state.query(
            "INSERT INTO g2p_spar_assisted_link"
            " (agent_id, account_digest, person_digest, asked_at)"
            " VALUES (%s, %s, %s, now() AT TIME ZONE 'UTC') RETURNING id",
            one.id,
            account,
            person,
        )
    two = copy.copy(one)
    two.session = requests.Session()
    two.log_in()
    hide = "UPDATE g2p_spar_beneficiary_session SET agent_id = %s WHERE id = %s RETURNING id"
    one.help(subjects[0])
    [(session,)] = state.query(
        "SELECT id FROM g2p_spar_beneficiary_session WHERE agent_id = %s", one.id
    )
    # an agent has one session at a time, but the count holds by itself
    with closing(site.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("DROP INDEX g2p_spar_beneficiary_session_one_of_agent")
    state.query(hide, None, session)
    two.help(subjects[1])
    state.query(hide, one.id, session)
    pages = [
        who.sign_in_again(who.review(number), subject)
        for who, subject in zip((one, two), subjects, strict=True)
    ]
    calls = [
        lambda who=who, page=page: who.submit(page, "Confirm")
        for who, page in zip((one, two), pages, strict=True)
    ]
    answers = together(calls)
    assert sorted(answer.status for answer in answers) == [200, 409], answers
    refused = next(answer for answer in answers if answer.status == 409)
    assert "several other people" in refused.text
    assert len(state.mappings(map(id_of, subjects))) == 1
    reasons = state.query(
        "SELECT r.reason FROM g2p_spar_assisted_refusal r JOIN g2p_spar_assisted_session a"
        " ON a.id = r.assisted_session_id WHERE a.agent_id = %s",
        one.id,
    )
    assert reasons == [("shared_account",)]


def test_sign_out_of_everything(site, state):
    """In one request the session ends and the agent is logged out."""
    agent = AgentBrowser(site)
    page = agent.help("2026000000")
    _address, fields = page.form("End this session")
    answer = agent.session.post(f"{site.url}{START}/sign-out", fields, timeout=60)
    assert answer.status_code == 200
    assert last_session(state, agent) == (True, "agent", True, False)
    assert agent.get(HOME).url.partition("?")[0].endswith(START)


def test_a_person_signs_in_alone_at_the_agents_device(site, state):
    """Whoever is signed in there then is that person, and nobody else."""
    agent = AgentBrowser(site)
    agent.help("2026000000")
    # not while somebody is helped
    page = agent.get(START)
    assert urlsplit(page.url).path == AGENT_PAGE and "You are helping" in page.text
    agent.end()
    # the provider knows who was there, but not who is there now
    page = agent.say_who(agent.choose(DEMONSTRATION), "2026007919")
    assert "Tala Salonga" in page.text and "You are helping" not in page.text
    assert last_session(state, agent) == (True, "agent", True, False)
    assert "/web/login" in agent.get(AGENT_PAGE).url


def test_one_sign_in_comes_back_twice_at_once(site):
    """To the agent, and without one: whichever is first, nobody is left signed in alone."""
    for subject in ("2026015838", "2026023757", "2026055433"):
        agent, alone = AgentBrowser(site), Browser(site.url)
        page = agent.submit(agent.get(AGENT_PAGE), f"signs in with {DEMONSTRATION}")
        with_agent = agent.say_who(page, subject, follow=False)
        for cookie in agent.session.cookies:
            if cookie.name != "session_id":
                alone.session.cookies.set_cookie(cookie)
        without = alone.submit(alone.choose(DEMONSTRATION), "Continue", follow=False)
        answers = together(
            [
                lambda who=who, held=held: who.get(held.headers["Location"])
                for who, held in ((agent, with_agent), (alone, without))
            ]
        )
        assert {answer.status for answer in answers} == {200}, answers
        assert alone.get(HOME).url.partition("?")[0].endswith(START)


def test_two_sign_ins_under_way(site, state):
    """Who comes back last is helped, and the one before is not any more."""
    agent = AgentBrowser(site)
    people = (("2026000000", "Katrina Rivera"), ("2026007919", "Tala Salonga"))
    words = f"signs in with {DEMONSTRATION}"
    answers = [
        agent.say_who(agent.submit(agent.get(AGENT_PAGE), words), subject, follow=False)
        for subject, _name in people
    ]
    for answer, (_subject, name) in zip(answers, people, strict=True):
        page = agent.get(answer.headers["Location"])
        assert page.url.endswith(HOME), page.text
        assert name in page.text
    reasons = state.query(
        "SELECT end_reason FROM g2p_spar_assisted_session WHERE agent_id = %s ORDER BY id", agent.id
    )
    assert reasons == [("replaced",), (None,)]


def test_agents_do_not_come_back_as_the_person(site):
    """The provider has whoever was helped signed in still; the agent logs out, and signs in at the
    start page as they would."""
    agent = AgentBrowser(site)
    agent.help("2026000000")
    agent.end()
    agent.get("/web/session/logout")
    page = agent.choose(DEMONSTRATION)
    if "Who are you?" not in page.text:
        page = agent.submit(page, "Continue")
    assert "Who are you?" in page.text
    assert agent.get(HOME).url.partition("?")[0].endswith(START)
