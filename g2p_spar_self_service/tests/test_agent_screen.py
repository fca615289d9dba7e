# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""At the agent's screen: while somebody is helped there, it is theirs alone, on every way."""

from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo import fields
from odoo.http import Session
from odoo.tests import tagged
from odoo.tests.common import HOST
from odoo.tools import mute_logger

from odoo.addons.bus.websocket import _wsrequest_stack

from ..web import AGENT_PATH, ASSISTED, HOME_PATH, LANDING_PATH
from .agent_common import AGENT, AgentCase
from .pages_common import CHANGE_PATH

_QUIET = (
    "odoo.http",
    "odoo.sql_db",
    "odoo.addons.g2p_spar_self_service.controllers.sign_in",
)
SESSIONS = "g2p.spar.beneficiary.session"


@tagged("post_install", "-at_install")
class TestAgentScreen(AgentCase):
    def setUp(self):
        super().setUp()
        self.as_agent()

    def assertLeadsTo(self, answer, path, query=""):
        self.assertEqual(answer.status_code, 303, answer.text)
        location = urlsplit(answer.headers["Location"])
        self.assertEqual((location.path, location.query), (path, query))

    # === nobody signs in alone meanwhile === #

    @mute_logger(*_QUIET)
    def test_way_on_from_a_failure(self):
        """It leads back to the person, and to no sign-in that the agent would not be named in."""
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.show(self.sign_in_again("bob"))
        self.assertEqual(self.title, "This did not work")
        self.assertEqual(self._back(), HOME_PATH)
        self.show(self.get(f"{LANDING_PATH}/nowhere"))
        self.assertEqual(self._back(), HOME_PATH)
        self.end()
        self.show(self.get(f"{LANDING_PATH}/nowhere"))
        self.assertEqual(self._back(), LANDING_PATH)

    def _back(self):
        [link] = self.page.xpath("//main//a[text()='Back to the start']")
        return link.get("href")

    def test_start_page(self):
        self.help("alice")
        self.assertLeadsTo(self.get(LANDING_PATH), AGENT_PATH)
        path, token = f"{LANDING_PATH}/sign-in/{self.provider.id}", self.csrf(CHANGE_PATH)
        self.assertLeadsTo(self.post(path, csrf_token=token), AGENT_PATH)
        self.assertFalse(self.assisted().ended_at)
        self.end()
        self.assertIn(self.idp.issuer, self.begin())

    def test_start_page_after_the_time_is_over(self):
        self.help("alice")
        token = self.csrf(CHANGE_PATH)
        now = fields.Datetime.now() + timedelta(minutes=6)
        with patch.object(fields.Datetime, "now", lambda: now):
            answer = self.post(f"{LANDING_PATH}/sign-in/{self.provider.id}", csrf_token=token)
            self.assertLeadsTo(answer, AGENT_PATH, "ended=1")
        self.assertEqual(self.get(LANDING_PATH).status_code, 200)

    def test_sign_in_that_was_begun_before(self):
        """In another tab; what the provider remembers of it opens nothing later either."""
        location = self.begin()
        self.help("alice")
        answer = self.come_back(self.idp.authorize(location, "alice"))
        self.assertLeadsTo(answer, AGENT_PATH)
        self.visit(HOME_PATH)
        self.assertTrue(self.banner())
        self.assertEqual(len(self.sessions()), 1)
        self.end()
        with self.other_browser():
            answer = self.sign_in("alice", auth_time=self.idp.last_auth_time)
            self.assertIn("prompt=login", answer.headers["Location"])

    # === what else is open to the agent's log-in === #

    def _rpc(self, path, **parameters):
        call = {"jsonrpc": "2.0", "method": "call", "params": parameters}
        return self.url_open(path, json=call, allow_redirects=False).text

    def test_routes_for_everybody(self):
        """Odoo serves them as whoever is logged in."""
        self.agent = self.new_agent("agent-staff", groups="base.group_user", name="Ana Agent")
        self.as_agent()
        partner = self.agent.partner_id
        partner.message_post(
            body="Salary of Ana", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        thread = {"thread_model": "res.partner", "thread_id": partner.id}
        asked = (
            ("/mail/data", {"fetch_params": ["init_messaging"]}, "initChannelsUnreadCounter"),
            ("/mail/chatter_fetch", thread, "Salary of Ana"),
        )
        picture = f"/web/image/res.partner/{partner.id}/avatar_128"
        self._assert_open(asked)
        seen = self.get(picture).content
        self.help("alice")
        for path, parameters, secret in asked:
            with mute_logger(*_QUIET):
                self.assertNotIn(secret, self._rpc(path, **parameters), path)
        with mute_logger(*_QUIET):  # websites look for their pages in another way
            self.assertNotIn("Ana Agent", self.get("/no-such-page").text)
        self.assertNotEqual(self.get(picture).content, seen)
        for path in ("/odoo", "/web", "/odoo/contacts"):
            self.assertLeadsTo(self.get(path), AGENT_PATH)
        self.end()
        self._assert_open(asked)

    def _assert_open(self, asked):
        for path, parameters, secret in asked:
            self.assertIn(secret, self._rpc(path, **parameters), path)

    def test_websocket(self):
        """It would tell what the agent is told."""
        for helps in (False, True):
            session = {"uid": self.agent.id, **({ASSISTED: "handle"} if helps else {})}
            request = SimpleNamespace(env=self.env(user=self.agent.id), session=_Session(session))
            request.update_env = lambda user, request=request: setattr(
                request, "env", request.env(user=user)
            )
            _wsrequest_stack.push(request)
            try:
                with patch("odoo.service.security.check_session", return_value=True):
                    self.env.registry["ir.websocket"]._authenticate()
            finally:
                _wsrequest_stack.pop()
            expected = self.env.ref("base.public_user") if helps else self.agent
            self.assertEqual(request.env.user, expected)

    def test_log_in_that_does_not_hold(self):
        """Where there is no page, Odoo has not looked whether it does."""
        self.help("alice", name="Alice Example")
        with mute_logger(*_QUIET):
            self.assertIn("Alice Example", self.get(f"{LANDING_PATH}/nowhere").text)
            self.agent.password = "another-password"
            self.env.flush_all()
            answer = self.get(f"{LANDING_PATH}/nowhere")
        self.assertEqual(answer.status_code, 404)
        self.assertNotIn("Alice Example", answer.text)

    # === how it ends === #

    def test_two_clicks(self):
        """The browser drops the answer to the first one, with its cookie."""
        self.help("alice")
        token, sid = self.csrf(AGENT_PATH), self.opener.cookies["session_id"]
        self.assertEqual(self.post(f"{AGENT_PATH}/end", csrf_token=token).status_code, 200)
        self.opener.cookies.clear()
        self.opener.cookies.set("session_id", sid, domain=HOST)
        for _click in range(2):
            answer = self.post(f"{AGENT_PATH}/end", csrf_token=token)
            self.assertLeadsTo(answer, AGENT_PATH, "ended=1")
        self.show(self.get(f"{AGENT_PATH}?ended=1"))
        self.assertEqual(self.answer.status_code, 200)
        [form] = self.page.xpath("//form[contains(@action, '/end-session')]")
        self.assertIn("National ID", form.text_content())
        self.assertEqual(self.web_session.uid, self.agent.id)

    def test_what_fails_comes_before_the_log_out(self):
        """Odoo tries again what clashed, by which time nobody would be logged in."""
        ended, log_out = [], Session.logout

        def note(session, keep_db=False):
            query = "SELECT count(*) FROM g2p_spar_beneficiary_session WHERE ended_at IS NULL"
            self.env.cr.execute(query)
            ended.append(self.env.cr.fetchone()[0])
            log_out(session, keep_db)

        self.env[SESSIONS].search([("ended_at", "=", False)]).sudo().end()
        self.help("alice")
        self.env.flush_all()
        with patch.object(Session, "logout", note):
            self.post(f"{LANDING_PATH}/sign-out", csrf_token=self.csrf(CHANGE_PATH))
        self.assertEqual(ended, [0])
        with self.other_browser():
            self.sign_in("bob")
            with patch.object(Session, "logout", note):
                self.sign_in("carol")
        self.assertEqual(ended[1:], [1], "bob's has ended, carol's has begun")

    # === at the same moment === #

    def test_another_session_of_the_agent(self):
        """That this transaction does not know yet; PostgreSQL's log has nothing of it."""
        self.help("alice")
        registry_class = self.env.registry[SESSIONS]
        of_agent, asked = registry_class._of_agent, []

        def at_first_none(sessions, agent):
            asked.append(agent)
            return of_agent(sessions, agent) if len(asked) > 1 else sessions.browse()

        with (
            patch.object(registry_class, "_of_agent", at_first_none),
            patch.object(registry_class, "exists", lambda sessions: sessions.browse()),
            self.assertNoLogs("odoo.sql_db", "ERROR"),
            self.other_browser(),
        ):
            self.log_in(AGENT)
            self.assertEqual(self.arrive_with_agent("bob").status_code, 400)
            self.assertNotIn(ASSISTED, self.web_session)
        self.visit(HOME_PATH)
        self.assertTrue(self.banner())


class _Session(dict):
    """As much of a web session as a websocket asks for."""

    @property
    def uid(self):
        return self["uid"]
