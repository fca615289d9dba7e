# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""People sign in with their national ID on the running product: at the demonstration's provider,
which is the same server, and at a certified one that nobody here wrote."""

import itertools
import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from conftest import RunningServer, fresh_database
from mapper_client import BackOffice, Client, bank_fa, new_number, together
from people import DEMONSTRATION, HOME, RETURN, START, TIMEOUT, Browser
from signin_provider import (
    CODE,
    GENERATED_CODE,
    PEOPLE,
    SigninProvider,
    client_metadata,
    subject,
)
from test_assisted_sessions import AGENT_PAGE, AgentBrowser

CLIENT_ID = "spar-portal"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def one_worker():
    running = RunningServer(fresh_database("spar_sign_in"), workers=1)
    yield running
    running.stop()


@pytest.fixture(scope="module", params=["one_worker", "server"])
def demonstration(request):
    """A server as setup/start starts it, with one worker and with two."""
    running = request.getfixturevalue(request.param)
    running.await_evented()
    return running


# === The demonstration's identity provider === #


def test_a_newcomer_signs_in(demonstration):
    browser = Browser(demonstration.url)
    page = browser.sign_in("2026000000")
    assert page.status == 200 and page.url.endswith(HOME)
    assert "Katrina Rivera" in page.text
    assert "Luzon Rural Bank" in page.text and "••••1052" in page.text


def test_what_others_of_the_demonstration_see(demonstration):
    seen = {number: Browser(demonstration.url).sign_in(number).text for number in (
        "2027000001", "2026055433", "2026007919",
    )}  # fmt: skip
    assert "Amihan Abad" in seen["2027000001"] and "••••" not in seen["2027000001"]
    assert "Simeon Javier" in seen["2026055433"] and "on hold" in seen["2026055433"]
    assert "Tindahan Pay" in seen["2026007919"]


def test_a_server_that_calls_itself_waits_for_nobody(demonstration):
    """As many people as would take all workers, all coming back at the same moment."""
    browsers = [Browser(demonstration.url) for _ in range(6)]
    returns = [browser.sign_in("2026000000", follow=False) for browser in browsers]
    assert all(page.status == 303 for page in returns)
    began = time.monotonic()
    pages = together(
        [
            lambda browser=browser, page=page: browser.get(page.headers["Location"])
            for browser, page in zip(browsers, returns, strict=True)
        ]
    )
    assert [page.url.endswith(HOME) for page in pages] == [True] * 6
    # a worker that waited for itself would do so for ten seconds
    assert time.monotonic() - began < 9


def test_sign_out_here_and_there(demonstration):
    browser = Browser(demonstration.url)
    browser.sign_in("2026000000")
    # whoever is at a browser that nobody has signed out in says who that is
    assert "Who are you?" in browser.choose(DEMONSTRATION).text
    signed_out = browser.sign_out()
    assert "Who are you?" in browser.choose(DEMONSTRATION).text
    browser.session.cookies.set("session_id", None)
    # who is still signed in there only goes on
    assert "You have signed in as Katrina Rivera" in browser.choose(DEMONSTRATION).text
    page = browser.submit(signed_out, f"Sign out at {DEMONSTRATION}")
    assert page.status == 200 and urlsplit(page.url).path == START
    assert browser.get(HOME).url.partition("?")[0].endswith(START)
    assert "Who are you?" in browser.choose(DEMONSTRATION).text


def test_the_provider_is_there_for_this_machine_only(demonstration):
    path = "/demo-identity-provider/authorize"
    for headers in ({"Host": "spar.example"}, {"X-Forwarded-For": "203.0.113.9"}):
        answer = requests.get(f"{demonstration.url}{path}", headers=headers, timeout=TIMEOUT)
        assert answer.status_code == 403
        assert "does not answer" in answer.text
    assert requests.get(f"{demonstration.url}{path}", timeout=TIMEOUT).status_code == 400


def test_its_record_passes_its_own_test(demonstration):
    office = BackOffice(demonstration)
    provider = office.reference("g2p_spar_demo.signin_provider")
    office.must("g2p.spar.signin.provider", "action_discover", [provider])
    assert examined(office, provider)["test_passed"]


def examined(office, provider_id):
    office.must("g2p.spar.signin.provider", "action_test", [provider_id])
    fields = ["test_passed", "test_result"]
    return office.must("g2p.spar.signin.provider", "read", [provider_id], fields)[0]


# === A certified provider, set up as eSignet is === #


class Relation:
    """The server as a client of npm oidc-provider.

    :param str userinfo: `jws` or `jwe`
    :param str algorithm: of client assertions
    :param str name: on its button
    """

    def __init__(self, server, userinfo, algorithm, name):
        self.server = server
        self.office = BackOffice(server)
        self.provider = SigninProvider()
        self.name = name
        self.id = self._record(userinfo, algorithm)
        self.redirect_uri = f"{server.url}{RETURN}/{self.id}"
        self.metadata = client_metadata(
            CLIENT_ID, self.redirect_uri, self._keys(), encrypted=userinfo == "jwe"
        )
        self.provider.start(self.metadata)
        self.office.must("g2p.spar.signin.provider", "action_discover", [self.id])

    def _record(self, userinfo, algorithm):
        number = next(_numbers)
        self.namespace = f"pairwise-{number}"
        create = self.office.must
        values = {
            "name": self.name,
            "issuer": self.provider.issuer,
            "client_id": CLIENT_ID,
            "client_key_algorithm": algorithm,
            "client_assertion_aud": "issuer" if userinfo == "jwe" else "token_endpoint",
            "scopes": "openid profile email phone",
            "acr_values": GENERATED_CODE,
            "acr_required": GENERATED_CODE,
            "claims_request": json.dumps({"userinfo": {"name": {"essential": True}}}),
            "userinfo_mode": userinfo,
            "algorithms": "PS256",
            "namespace_id": create("g2p.id.namespace", "create", {"name": self.namespace}),
            "strategy_id": create(
                "g2p.fa.strategy",
                "create",
                {
                    "name": self.name,
                    "code": 9000 + number,
                    "strategy_type": "ID",
                    "fa_type": False,
                    "construct_pattern": f"token:{{sub}}@{self.namespace}",
                },
            ),
        }
        return create("g2p.spar.signin.provider", "create", values)

    def _keys(self):
        names = ["client_jwk", "userinfo_jwk"]
        [record] = self.office.must("g2p.spar.signin.provider", "read", [self.id], names)
        return [json.loads(record[name]) for name in names if record[name]]

    def renew_key(self):
        """The provider signs with another key from now on."""
        self.provider.stop()
        self.provider.renew_key()
        self.provider.start(self.metadata)

    def id_of(self, person):
        return f"token:{subject(person, self.redirect_uri)}@{self.namespace}"

    def end(self):
        self.provider.stop()
        self.office.must("g2p.spar.signin.provider", "write", [self.id], {"active": False})

    def browser(self):
        return Browser(self.server.url)

    def sign_in(self, person, **options):
        return self.browser().sign_in_at(self.name, person, **options)


@pytest.fixture(
    scope="module",
    params=[("jws", "RS256", "National ID One"), ("jwe", "PS256", "National ID Two")],
    ids=["JWS", "nested JWE"],
)
def relation(request, server):
    made = Relation(server, *request.param)
    yield made
    made.end()


def test_sign_in_at_a_certified_provider(relation):
    """The page tells of the address that is linked to the ID made of the pairwise subject."""
    number = new_number()
    link = {"id": relation.id_of("amihan"), "fa": bank_fa(number)}
    assert Client(relation.server).call("link", [link]).succeeded == [True]
    page = relation.sign_in("amihan")
    assert page.status == 200 and page.url.endswith(HOME), relation.provider.log()
    assert PEOPLE["amihan"]["name"] in page.text
    assert f"••••{number[-4:]}" in page.text
    other = relation.sign_in("bayani")
    assert PEOPLE["bayani"]["name"] in other.text and "••••" not in other.text


def test_it_passes_the_test_of_its_record(relation):
    result = examined(relation.office, relation.id)
    assert result["test_passed"], result["test_result"]


def test_the_test_of_a_record_tells_what_is_wrong(relation):
    office, model = relation.office, "g2p.spar.signin.provider"
    office.must(model, "write", [relation.id], {"client_id": "another"})
    result = examined(office, relation.id)
    office.must(model, "write", [relation.id], {"client_id": CLIENT_ID})
    assert not result["test_passed"]
    assert "client" in result["test_result"].lower()


def test_a_way_of_signing_in_that_does_not_suffice(relation):
    page = relation.sign_in("celia")
    assert page.status == 403
    assert "not signed in" in page.text


def test_a_person_breaks_off(relation):
    browser = relation.browser()
    page = browser.sign_in_at(relation.name, "amihan", answer="no")
    assert page.status == 403
    assert "You did not finish signing in" in page.text
    assert browser.get(HOME).url.partition("?")[0].endswith(START)


def test_the_provider_changes_its_key(relation):
    """An unknown key is asked for at once, but not again and again: whoever makes up names of keys
    must not make us call the provider each time."""
    assert relation.sign_in("amihan").url.endswith(HOME)
    relation.renew_key()
    assert relation.sign_in("amihan").url.endswith(HOME)
    relation.renew_key()
    assert relation.sign_in("amihan").status == 403
    with relation.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE g2p_spar_signin_key_set SET missed_at = missed_at - interval '61 seconds' "
            "WHERE provider_id = %s",
            [relation.id],
        )
    page = relation.sign_in("amihan")
    assert page.url.endswith(HOME), (page.text, relation.provider.log())


def test_a_return_is_good_once_and_in_its_own_browser(relation):
    browser = relation.browser()
    page = browser.sign_in_at(relation.name, "amihan")
    address = next(step for step in page.steps if RETURN in step)
    assert {"code", "state", "iss"} <= parse_qs(urlsplit(address).query).keys()
    for whose in (browser, relation.browser()):
        again = whose.get(address)
        assert again.status == 400 and "not signed in" in again.text
    assert browser.get(HOME).url.endswith(HOME)


def test_the_provider_is_away(relation):
    browser = relation.browser()
    page = browser.choose(relation.name)
    relation.provider.stop()
    state = re.search(r"[?&]state=([^&]+)", page.steps[0])[1]
    issuer = relation.provider.issuer
    parameters = {"code": "any", "state": state, "iss": issuer}
    answer = browser.get(f"{RETURN}/{relation.id}", params=parameters)
    relation.provider.start(relation.metadata)
    assert answer.status == 503
    assert "not possible at the moment" in answer.text


def test_sign_out_at_a_certified_provider(relation):
    browser = relation.browser()
    browser.sign_in_at(relation.name, "amihan")
    asked = browser.submit(browser.sign_out(), "Sign out at")
    # the provider wants to hear it from the person
    page = browser.submit(asked, "", logout="yes")
    assert page.status == 200 and urlsplit(page.url).path == START, page.text
    assert browser.get(HOME).url.partition("?")[0].endswith(START)


def test_logs_tell_nobody_who_signed_in(relation):
    """Neither ID, nor subject, nor name, nor what the provider gave; subjects are all that make up
    an ID."""
    page = relation.sign_in("amihan")
    query = parse_qs(urlsplit(next(step for step in page.steps if RETURN in step)).query)
    log = relation.server.log_path.read_text(encoding="utf-8")
    assert RETURN in log
    for secret in (subject("amihan", relation.redirect_uri), query["code"][0], "Amihan Abad"):
        assert secret not in log


def test_an_agent_helps_at_a_certified_provider(relation):
    """The person signs in at the agent's screen, once more to confirm, and the next one does so
    though the provider knows the first one still."""
    agent, number = AgentBrowser(relation.server), new_number()

    def prove(page, words, person):
        time.sleep(1)  # it tells whole seconds
        page = agent.submit(page, words)
        page = agent.submit(page, "Code", login=person, code=CODE, answer="yes")
        # a page of the provider's that ends the other one's session, by itself where scripts run
        return page if page.url.startswith(agent.url) else agent.submit(page, "Continue")

    def begin(person):
        return prove(agent.get(AGENT_PAGE), f"signs in with {relation.name}", person)

    page = begin("bayani")
    assert "You are helping" in page.text and "Bayani Cortez" in page.text, page.text
    page = prove(agent.review(number), "Sign in again to confirm", "bayani")
    page = agent.submit(page, "Confirm")
    assert "It took effect" in page.text and agent.name in page.text, page.text
    [item] = Client(relation.server).resolve([relation.id_of("bayani")]).items
    assert number in item["fa"]
    agent.end()
    page = begin("amihan")
    assert "Amihan Abad" in page.text and "Cortez" not in page.text, page.text
    agent.end()
