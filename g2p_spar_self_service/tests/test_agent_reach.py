# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What agents reach beside the person who is before them: nothing."""

from odoo.exceptions import AccessError, UserError
from odoo.http import root
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..web import AGENT_PATH, ASSISTED, HANDLE, HOME_PATH, LANDING_PATH
from .agent_common import AGENT, AgentCase
from .pages_common import CHANGE_PATH
from .test_reach import TestMethods as Methods

_QUIET = ("odoo.http", "odoo.addons.g2p_spar_self_service.controllers.sign_in")


@tagged("post_install", "-at_install")
class TestAgentReach(AgentCase):
    # === who is no agent === #

    def test_page_is_for_agents(self):
        answer = self.get(AGENT_PATH)
        self.assertIn("/web/login", answer.headers["Location"])
        self.assertSignedIn(self.sign_in("alice"))
        self.assertIn("/web/login", self.get(AGENT_PATH).headers["Location"])
        groups = ("base.group_portal", "g2p_spar_fa_directory.group_manager")
        for number, group in enumerate(groups):
            new_test_user(self.env, f"no-agent-{number}", groups=group)
            self.log_in(f"no-agent-{number}")
            self.assertEqual(self.get(AGENT_PATH).status_code, 403)
            path = f"{AGENT_PATH}/begin/{self.provider.id}"
            answer = self.post(path, csrf_token=self.csrf())
            self.assertEqual(answer.status_code, 403)
        self.assertFalse(
            self.env["g2p.spar.signin.attempt"].sudo().search([("agent_id", "!=", False)])
        )

    def test_group_implies_nothing(self):
        group = self.env.ref("g2p_spar_self_service.group_agent")
        self.assertFalse(group.all_implied_ids - group)
        access = self.env["ir.model.access"].search([("group_id", "=", group.id)])
        self.assertFalse(access)
        self.assertFalse(self.env["ir.rule"].search([("groups", "in", group.ids)]))

    def test_provider_that_is_not_offered(self):
        self.as_agent()
        token = self.csrf(AGENT_PATH)
        self.provider.active = False
        with mute_logger(*_QUIET):
            answer = self.post(f"{AGENT_PATH}/begin/{self.provider.id}", csrf_token=token)
        self.assertEqual(answer.status_code, 404)

    def test_every_post_has_a_token(self):
        self.as_agent()
        for path in (f"{AGENT_PATH}/begin/{self.provider.id}", f"{AGENT_PATH}/end"):
            with mute_logger(*_QUIET):
                self.assertEqual(self.post(path).status_code, 400)
                self.assertEqual(self.get(path).status_code, 405)

    # === the attempt === #

    def test_attempt_is_this_agents(self):
        """One that another agent has begun in the same browser is good for nobody."""
        self.as_agent()
        location = self.begin_with_agent()
        other = self.new_agent("agent-other")
        binding = self.web_session["spar_binding"]
        self.as_agent(other)
        session = self.web_session
        session["spar_binding"] = binding
        root.session_store.save(session)
        with mute_logger(*_QUIET):
            answer = self.come_back(self.idp.authorize(location, "alice"))
        self.assertEqual(answer.status_code, 403)
        self.assertNotIn(ASSISTED, self.web_session)
        self.assertFalse(self.sessions())

    def test_attempt_is_of_this_browser(self):
        self.as_agent()
        location = self.begin_with_agent()
        with self.other_browser():
            self.as_agent()
            answer = self.come_back(self.idp.authorize(location, "alice"))
            self.assertEqual(answer.status_code, 400)
            self.assertNotIn(ASSISTED, self.web_session)
        self.assertFalse(self.sessions())

    def test_agent_logs_out_in_between(self):
        self.as_agent()
        location = self.begin_with_agent()
        self.get("/web/session/logout")
        answer = self.come_back(self.idp.authorize(location, "alice"))
        self.assertEqual(answer.status_code, 400)
        self.assertFalse(self.sessions())

    def test_no_agent_any_more_in_between(self):
        self.as_agent()
        location = self.begin_with_agent()
        self.env.ref("g2p_spar_self_service.group_agent").user_ids -= self.agent
        with mute_logger(*_QUIET):
            answer = self.come_back(self.idp.authorize(location, "alice"))
        self.assertEqual(answer.status_code, 403)
        self.assertFalse(self.sessions())

    def test_attempt_to_sign_in_makes_no_assisted_session(self):
        """At the start page an agent signs in like everybody else, and is logged out by it."""
        self.as_agent()
        self.assertSignedIn(self.sign_in("alice"))
        self.assertNotIn(ASSISTED, self.web_session)
        self.assertFalse(self.web_session.uid)
        self.assertFalse(self.assisted())

    # === the handle === #

    def _plant(self, name, handle):
        session = self.web_session
        session[name] = handle
        root.session_store.save(session)

    def test_handle_elsewhere(self):
        """Good for no other user, in no other web session of the agent, and as no other handle."""
        self.new_agent("agent-other")
        for login in ("agent-other", AGENT):
            self.as_agent()
            self.help("alice", number="111122223333")
            handle = self.web_session[ASSISTED]
            with self.other_browser():
                self.log_in(login)
                self._plant(ASSISTED, handle)
                answer = self.get(HOME_PATH)
                self.assertEqual(answer.status_code, 303)
                self.assertIn(AGENT_PATH, answer.headers["Location"])
                self.assertNotIn("3333", self.get(HOME_PATH).text)
            self.assertEqual(self.ended[-1], "log_out")

    def test_handle_without_the_agent(self):
        self.as_agent()
        self.help("alice", number="111122223333")
        handle = self.web_session[ASSISTED]
        for name in (HANDLE, ASSISTED):
            with self.other_browser():
                self.get(LANDING_PATH)
                self._plant(name, handle)
                answer = self.get(HOME_PATH)
                self.assertEqual(answer.status_code, 303)
                self.assertNotIn("3333", answer.text)

    def test_handle_of_a_beneficiary_helps_nobody(self):
        """Whoever has signed in alone is not helped by who logs in in that browser."""
        self.assertSignedIn(self.sign_in("alice"))
        handle = self.web_session[HANDLE]
        with self.other_browser():
            self.as_agent()
            self._plant(ASSISTED, handle)
            self.assertIn(AGENT_PATH, self.get(HOME_PATH).headers["Location"])
            self.assertEqual(self.get(AGENT_PATH).status_code, 200)

    def test_session_fixation(self):
        """Whoever knew the id of the web session before does not know it after."""
        self.as_agent()
        before = self.opener.cookies["session_id"]
        self.help("alice", number="111122223333")
        with self.other_browser():
            self.opener.cookies.set("session_id", before)
            self.assertNotIn("3333", self.get(HOME_PATH).text)

    # === while it lasts === #

    def test_own_address_is_out_of_reach(self):
        self.as_agent()
        self.visit(HOME_PATH)
        self.assertIn("••••7777", self.text)
        self.help("alice", number="111122223333")
        for path in (HOME_PATH, CHANGE_PATH, f"{LANDING_PATH}/remove", f"{LANDING_PATH}/history"):
            self.visit(path)
            self.assertTrue(self.banner(), path)
            self.assertNotIn("7777", self.answer.text)
        asked = {item.id for _operation, _actor, item in self.mapper.calls[1:]}
        self.assertEqual(asked, {"token:alice@signin-test"})

    def test_own_draft_is_out_of_reach(self):
        """What the agent was about to ask for themselves is not what the person confirms."""
        self.as_agent()
        self.choose(number="123456789012")
        self.help("alice")
        self.visit(f"{CHANGE_PATH}/review")
        self.assertEqual(self.path, HOME_PATH)

    def test_own_change_is_out_of_reach(self):
        self.as_agent()
        self.choose(number="123456789012")
        self.press_button("Confirm", password=AGENT)
        own = self.changes()
        self.help("alice")
        self._assert_out_of_reach(own)

    def test_change_of_another_person(self):
        self.as_agent()
        self.link("bob", "123456789012")
        of_bob = self.changes()
        self.help("alice")
        self._assert_out_of_reach(of_bob)
        self.visit(f"{LANDING_PATH}/history")
        self.assertNotIn(of_bob.number, self.answer.text)

    def _assert_out_of_reach(self, change):
        with mute_logger(*_QUIET):
            answer = self.get(f"{LANDING_PATH}/receipt/{change.number}")
            self.assertEqual(answer.status_code, 404)
            answer = self.post(
                f"{LANDING_PATH}/cancel", csrf_token=self.csrf(CHANGE_PATH), number=change.number
            )
            self.assertEqual(answer.status_code, 404)
        self.assertNotEqual(self.changes()[-1].state, "cancelled")

    def test_id_in_the_request(self):
        """Parameters and fields say nothing about who it is."""
        self.as_agent()
        self.help("alice", number="111122223333")
        other = "token:77@signin-test"
        for name in ("id", "person", "person_id", "sub", "agent_id", "session", "user_id"):
            answer = self.url_open(f"{HOME_PATH}?{name}={other}", cookies={name: other})
            self.assertIn("••••3333", answer.text)
            self.assertNotIn("7777", answer.text)

    # === after it === #

    def test_after_the_end(self):
        self.as_agent()
        self.help("alice")
        self.choose(number="123456789012")
        self.confirm("alice")
        receipt = self.path
        self.assertEqual(self.get(receipt).status_code, 200)
        self.end()
        with mute_logger(*_QUIET):
            self.assertEqual(self.get(receipt).status_code, 404)
        self.visit(f"{LANDING_PATH}/history")
        self.assertNotIn("••••9012", self.text)
        self.visit(AGENT_PATH)
        for secret in ("9012", "alice", self.changes().number):
            self.assertNotIn(secret, self.answer.text)

    def test_a_click_after_the_end(self):
        """It does nothing with the agent's own address."""
        self.as_agent()
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        action, values = self.form("Sign in again to confirm")
        self.sessions().sudo().end("supervisor")
        self.env.flush_all()
        answer = self.post(action, **values)
        self.assertIn(AGENT_PATH, answer.headers["Location"])
        self.assertFalse(self.changes())
        self.assertFalse(
            self.env["g2p.spar.change.draft"].sudo().search([("content_sealed", "!=", False)])
        )

    # === over RPC === #

    def test_models(self):
        self.as_agent()
        self.help("alice")
        calls = (
            ("g2p.spar.beneficiary.session", "search_read"),
            ("g2p.spar.assisted.session", "search_read"),
            ("g2p.spar.assisted.refusal", "search_read"),
            ("g2p.spar.assisted.link", "search_read"),
            ("g2p.spar.change", "search_read"),
            ("g2p.spar.change.draft", "search_read"),
            ("g2p.spar.signin.attempt", "search_read"),
        )
        for model, method in calls:
            with self.assertRaises(AccessError):
                getattr(self.env[model].with_user(self.agent), method)([])
        assisted = self.assisted().with_user(self.agent)
        with self.assertRaises(UserError):
            assisted.action_end()

    def test_pages_are_nobody_elses(self):
        """Policy, no copy kept, no frame, as on every page."""
        self.as_agent()
        for path in (AGENT_PATH, HOME_PATH):
            headers = self.get(path).headers
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertEqual(headers["X-Frame-Options"], "DENY")
            self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])


@tagged("post_install", "-at_install")
class TestAgentMethods(Methods):
    """Every public method of every model of the suite, called over RPC by an agent."""

    def test_portal_and_public_user(self):
        agent = self._agent()
        methods = list(self._methods())
        self.assertGreater(len(methods), 20)
        for model, name in methods:
            with self.subTest(f"{model}.{name}"):
                self._assert_refused(agent, model, name)

    def test_no_model_is_readable(self):
        agent = self._agent()
        for model_name in sorted(self.env.registry):
            model = self.env[model_name]
            if model_name.startswith("g2p.") and not model._abstract:
                for operation in ("read", "write", "create", "unlink"):
                    with self.subTest(model_name, operation=operation):
                        self.assertFalse(model.with_user(agent).has_access(operation))

    def _agent(self):
        groups = "base.group_portal,g2p_spar_self_service.group_agent"
        return new_test_user(self.env, "spar-agent", groups=groups)


@tagged("post_install", "-at_install")
class TestSupervisors(AgentCase):
    """Officers read, managers end, each in their own companies."""

    def setUp(self):
        super().setUp()
        group = "g2p_spar_fa_directory.group_"
        self.officer, self.manager, self.viewer = (
            new_test_user(self.env, f"spar-{role}", groups=group + role)
            for role in ("officer", "manager", "viewer")
        )
        self.as_agent()
        self.help("alice")
        self.choose(number="777777777777")

    def test_officer(self):
        assisted = self.assisted().with_user(self.officer)
        specification = {
            "agent_id": {"fields": {"display_name": {}}},
            "agent_name": {},
            "provider_name": {},
            "id_masked": {},
            "change_count": {},
            "change_ids": {"fields": {"number": {}}},
            "refusal_ids": {"fields": {"reason": {}, "account_masked": {}}},
        }
        [values] = assisted.web_read(specification)
        self.assertEqual(values["agent_name"], "Ana Agent")
        self.assertEqual(values["refusal_ids"][0]["reason"], "own_account")
        self.assertEqual(values["refusal_ids"][0]["account_masked"], "Plain Bank: ••••7777")
        groups = assisted.web_read_group([], ["agent_name", "started_at:day"], ["__count"])
        self.assertTrue(groups["groups"])
        with self.assertRaises(UserError):
            assisted.action_end()
        for operation in ("write", "create", "unlink"):
            self.assertFalse(assisted.has_access(operation))
        with self.assertRaises(AccessError):
            assisted.session_id.read(["id_masked"])

    def test_manager(self):
        self.assisted().with_user(self.manager).action_end()
        self.assertEqual(self.assisted().end_reason, "supervisor")

    def test_viewer(self):
        self.assertFalse(
            self.env["g2p.spar.assisted.session"].with_user(self.viewer).has_access("read")
        )

    def test_other_companies(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        assisted = self.assisted()
        assisted.company_id = company
        for user in (self.officer, self.manager):
            for records in (assisted, assisted.refusal_ids):
                self.assertFalse(records.with_user(user).search([("id", "in", records.ids)]))
                with self.assertRaises(AccessError):
                    records.with_user(user).read(["display_name"])
        with self.assertRaises(AccessError):
            assisted.with_user(self.manager).action_end()

    def test_nobody_writes(self):
        admin = self.env.ref("base.user_admin")
        for model in (
            "g2p.spar.assisted.session",
            "g2p.spar.assisted.refusal",
            "g2p.spar.assisted.link",
        ):
            for operation in ("write", "create", "unlink"):
                self.assertFalse(self.env[model].with_user(admin).has_access(operation))
