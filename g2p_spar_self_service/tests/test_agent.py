# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Agents help people who sign in at the agent's screen."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..web import AGENT_PATH, ASSISTED, HANDLE, HOME_PATH, LANDING_PATH
from .agent_common import AgentCase
from .pages_common import CHANGE_PATH, REVIEW_PATH

SESSIONS = "g2p.spar.beneficiary.session"


@tagged("post_install", "-at_install")
class TestAgent(AgentCase):
    def setUp(self):
        super().setUp()
        self.as_agent()

    def later(self, **delta):
        now = fields.Datetime.now() + timedelta(**delta)
        self.startPatcher(patch.object(fields.Datetime, "now", lambda: now))

    # === a session === #

    def test_from_the_button_to_the_receipt(self):
        self.visit(AGENT_PATH)
        self.assertEqual(self.title, "Help a person")
        self.assertIn("None yet", self.text)
        self.help("alice", name="Alice Example")
        self.assertIn("You are helping Alice Example", self.banner())
        self.assertIn("No account or wallet is linked", self.text)
        self.choose(number="123456789012")
        self.assertIn("You are helping Alice Example", self.banner())
        self.confirm("alice")
        self.assertIn("It took effect", self.text)
        self.assertIn("The agent Ana Agent helped you", self.text)
        [change] = self.changes()
        self.assertEqual((change.agent_id, change.agent_name), (self.agent.id, "Ana Agent"))
        self.assertFalse(change.user_id)
        self.assertEqual((change.actor_kind, change.channel), ("beneficiary", "agent"))
        operation, actor, item = self.mapper.calls[-1]
        self.assertEqual((operation, item.id), ("link", "token:alice@signin-test"))
        self.assertEqual((actor.kind, actor.channel), ("beneficiary", "agent"))
        self.assertEqual(actor.user_id, self.agent.id)
        self.assertEqual(actor.name, "National ID, Ana Agent")
        [assisted] = self.assisted()
        self.assertEqual(assisted.change_ids, change)
        self.assertEqual((assisted.change_count, assisted.refusal_count), (1, 0))
        self.assertEqual(assisted.id_masked, "••••ice@signin-test")
        self.assertFalse(assisted.ended_at)

    def test_the_person_must_sign_in_now(self):
        query = parse_qs(urlsplit(self.begin_with_agent()).query)
        self.assertEqual((query["prompt"], query["max_age"]), (["login"], ["0"]))
        begun = self.begin_with_agent()
        with mute_logger("odoo.addons.g2p_spar_self_service.controllers.sign_in"):
            # what the browser leaves out, the provider tells
            back = self.idp.authorize(
                begun, "alice", auth_time=int(fields.Datetime.now().timestamp()) - 60
            )
            answer = self.come_back(back)
        self.assertEqual(answer.status_code, 403)
        self.assertNotIn(ASSISTED, self.web_session)
        self.idp.id_token = {"auth_time": None}
        self.assertEqual(self.arrive_with_agent().status_code, 403)
        self.assertFalse(self.assisted())

    def test_one_sign_in_begins_one_session(self):
        """Somebody who has signed in there a moment ago, and has gone, is not there now."""
        self.help("alice")
        told = self.idp.last_auth_time
        self.end()
        answer = self.come_back(
            self.idp.authorize(self.begin_with_agent(), "alice", auth_time=told)
        )
        self.assertIn("was used for an earlier session", answer.text)
        self.assertNobodyHelped()
        self.assertEqual(self.refusals(), ["old_sign_in"])
        self.help("alice")

    def test_what_changes_in_the_web_session(self):
        before = self.web_session.sid
        self.help("alice")
        self.assertNotEqual(self.web_session.sid[:42], before[:42])
        self.assertEqual(self.web_session.uid, self.agent.id)
        self.assertNotIn(HANDLE, self.web_session)
        self.assertNotIn(self.web_session[ASSISTED], self.answer.text)
        session = self.sessions()
        self.assertEqual(session.agent_id, self.agent)
        person = session.sudo().person()
        self.assertEqual((person.kind, person.agent), ("assisted", self.agent))
        self.assertFalse(person.user)

    def test_change_of_an_address_on_record(self):
        self.help("alice", number="111122223333")
        self.assertIn("••••3333", self.text)
        self.choose(number="123456789012")
        before = self.web_session.sid
        self.show(self.sign_in_again("alice", email="alice@example.org", email_verified=True))
        self.assertNotEqual(self.web_session.sid[:42], before[:42])
        self.assertEqual(self.path, REVIEW_PATH)
        self.press_button("Confirm")
        self.assertIn("It takes effect on", self.text)
        [mail] = (
            self.env["mail.mail"].sudo().search([("body_html", "ilike", self.changes().number)])
        )
        self.assertEqual(mail.email_to, "alice@example.org")
        self.assertIn("The agent Ana Agent helped you", mail.body_html)
        self.press_button("Cancel this change")
        self.assertEqual(self.changes().state, "cancelled")

    @mute_logger("odoo.addons.g2p_spar_self_service.controllers.sign_in")
    def test_somebody_else_confirms(self):
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.assertEqual(self.sign_in_again("bob").status_code, 403)
        self.visit(REVIEW_PATH)
        self.form("Sign in again to confirm")
        self.assertFalse(self.changes())

    def test_removal(self):
        self.help("alice", number="111122223333")
        self.visit(f"{LANDING_PATH}/remove")
        self.press_button("Continue to remove it")
        self.show(self.sign_in_again("alice", email="alice@example.org", email_verified=True))
        self.press_button("Confirm the removal")
        self.assertEqual(self.changes().operation, "unlink")
        self.assertEqual(self.changes().agent_id, self.agent.id)

    def test_card(self):
        self.assertIn(AGENT_PATH, self.get("/my").text)
        self.env.ref("g2p_spar_self_service.group_agent").user_ids -= self.agent
        self.assertNotIn(AGENT_PATH, self.get("/my").text)

    def test_limit_of_a_person(self):
        """The agent goes on with others."""
        self.env["ir.config_parameter"].set_param("g2p_spar.signin_limit_person", 1)
        self.as_agent()
        self.help("alice")
        self.end()
        self.assertEqual(self.arrive_with_agent("alice").status_code, 429)
        self.assertEqual(len(self.assisted()), 1)
        self.help("bob")
        self.assertEqual(len(self.assisted()), 2)

    def test_staff_may_be_agents(self):
        self.agent = self.new_agent("agent-staff", groups="base.group_user")
        self.as_agent()
        self.help("alice", number="111122223333")
        self.assertIn("••••3333", self.text)
        self.end()
        # staff have no address of their own here
        self.assertEqual(self.get(HOME_PATH).headers["Location"], LANDING_PATH)

    def test_person_stops_the_change(self):
        """The session of the person ends; the agent stays logged in, and supervisors see it."""
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.show(self.sign_in_again("alice", email="alice@example.org", email_verified=True))
        self.press_button("Confirm")
        change = self.changes()
        change.cancel("by_link")
        self.env.flush_all()
        self.assertEqual(self.assisted().end_reason, "stopped")
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)
        self.assertEqual(self.web_session.uid, self.agent.id)

    def test_language_of_messages(self):
        """The person's own, not that of the agent's screen."""
        self.env["res.lang"]._activate_lang("fr_FR")
        known = self.env["g2p.spar.known.contact"].sudo()
        digest = self.env["g2p.spar.change"].digest_of("token:alice@signin-test")
        contact = {"email": "alice@example.org", "phone": "", "lang": "fr_FR"}
        known.note(digest, [contact])
        self.env.cr.execute(
            "UPDATE g2p_spar_known_contact SET seen_at = seen_at - interval '1 day'"
        )
        self.help("alice")
        self.env.invalidate_all()
        self.assertEqual(known.of_person(digest).contact()["lang"], "fr_FR")
        self.help_anew("bob")
        digest = self.env["g2p.spar.change"].digest_of("token:bob@signin-test")
        self.assertEqual(known.of_person(digest).contact()["lang"], "en_US")

    def help_anew(self, sub):
        self.end()
        self.help(sub)

    # === the end === #

    def test_button(self):
        self.help("alice", number="111122223333", name="Alice Example")
        self.choose(number="123456789012")
        draft = self.env["g2p.spar.change.draft"].sudo().search([], order="id desc", limit=1)
        self.assertTrue(draft.content())
        sid = self.web_session.sid
        self.show(self.end())
        self.assertEqual(self.title, "The session has ended")
        [form] = self.page.xpath("//form[@id='provider-sign-out']")
        self.assertEqual(form.get("action"), f"{self.idp.issuer}/end-session")
        # the agent could read it in the page
        self.assertNotIn("id_token_hint", {field.get("name") for field in form.iter("input")})
        self.assertIn(self.idp.issuer, self.answer.headers["Content-Security-Policy"])
        # of two clicks, both have it
        self.assertEqual(self.web_session.sid, sid)
        self.assertNotIn(ASSISTED, self.web_session)
        self.env.invalidate_all()
        session = self.sessions().sudo()
        self.assertFalse(session.person_sealed or session.id_token_sealed)
        self.assertFalse(draft.content_sealed)
        self.assertEqual(self.assisted().end_reason, "agent")
        self.assertNobodyHelped()
        self.visit(AGENT_PATH)
        self.assertIn("changes asked for: 0", self.text)
        self.assertNotIn("Alice", self.answer.text)
        self.assertNotIn("lice@", self.answer.text)

    def test_button_twice(self):
        self.help("alice")
        token = self.csrf(AGENT_PATH)
        self.end()
        answer = self.post(f"{AGENT_PATH}/end", csrf_token=self.csrf(AGENT_PATH))
        self.assertEqual(urlsplit(answer.headers["Location"]).path, AGENT_PATH)
        self.assertTrue(token)

    def test_sign_out_of_everything(self):
        """The button that others have is not shown; whoever sends what it sends ends all."""
        self.help("alice")
        self.assertNotIn("Sign out", self.page.text_content())
        token = self.csrf(CHANGE_PATH)
        self.show(self.post(f"{LANDING_PATH}/sign-out", csrf_token=token))
        self.assertTrue(self.page.xpath("//form[@id='provider-sign-out']"))
        self.assertEqual(self.assisted().end_reason, "agent")
        self.assertFalse(self.web_session.uid)

    def test_idle(self):
        self.help("alice", number="111122223333")
        self.later(minutes=4)
        self.visit(HOME_PATH)
        self.assertIn("••••3333", self.text)
        self.later(minutes=9, seconds=1)
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)
        self.visit(f"{AGENT_PATH}?ended=1")
        self.assertIn("The session has ended", self.text)
        [form] = [
            form
            for form in self.page.iter("form")
            if form.get("action", "").endswith("/end-session")
        ]
        self.assertNotIn("id_token_hint", {field.get("name") for field in form.iter("input")})
        self.assertEqual(self.ended, ["idle"])
        self.assertNobodyHelped()

    def test_at_the_latest(self):
        self.help("alice", number="111122223333")
        began = fields.Datetime.now()
        for minutes in range(4, 20, 4):
            now = began + timedelta(minutes=minutes)
            with patch.object(fields.Datetime, "now", lambda now=now: now):
                self.assertEqual(self.get(HOME_PATH).status_code, 200)
        self.later(minutes=20)
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)
        self.assertEqual(self.ended, ["limit"])

    def test_limits_are_settings(self):
        settings = self.env["res.config.settings"].create(
            {"g2p_spar_assisted_idle_minutes": 2, "g2p_spar_assisted_minutes": 3}
        )
        settings.execute()
        self.help("alice")
        self.visit(AGENT_PATH)
        self.assertIn("after 2 minutes without a click, and after 3 minutes", self.text)
        self.later(minutes=2, seconds=1)
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)

    def test_nobody_comes_back(self):
        """What is left of the person goes soon after the time is over."""
        self.help("alice")
        self.env[SESSIONS]._cron_end_assisted()
        self.assertFalse(self.assisted().ended_at)
        self.later(minutes=5, seconds=1)
        jobs = self.env.registry["ir.cron"]
        self.startPatcher(patch.object(jobs, "_commit_progress", lambda *args, **kw: float("inf")))
        self.env[SESSIONS]._cron_end_assisted()
        self.assertEqual(self.assisted().end_reason, "idle")
        self.assertFalse(self.sessions().sudo().person_sealed)

    def test_agent_logs_out(self):
        """The log-out itself is tried on the running product: here it has a cursor that only reads,
        and so has whatever is opened beside it."""
        self.help("alice")
        with self.other_browser():
            self.as_agent()
            self.env[SESSIONS].end_with_log_out(self.web_session.sid)
        self.assertFalse(self.assisted().ended_at)
        self.env[SESSIONS].end_with_log_out(self.web_session.sid)
        self.assertEqual(self.assisted().end_reason, "log_out")
        self.assertFalse(self.sessions().sudo().person_sealed)
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)

    def test_password_of_the_agent_changes(self):
        """Whoever was logged in is not any more, so the session is out of reach."""
        self.help("alice", number="111122223333")
        self.agent.password = "another-password"
        self.env.flush_all()
        self.assertEqual(self.get(HOME_PATH).headers["Location"], LANDING_PATH)
        self.assertEqual(self.ended, ["log_out"])

    def test_no_agent_any_more(self):
        self.help("alice", number="111122223333")
        self.env.ref("g2p_spar_self_service.group_agent").user_ids -= self.agent
        self.visit(HOME_PATH)
        self.assertEqual((self.path, self.answer.status_code), (AGENT_PATH, 403))
        self.assertEqual(self.ended, ["log_out"])
        self.assertNobodyHelped()

    def test_supervisor_ends_it(self):
        self.help("alice")
        self.assisted().with_user(self.env.ref("base.user_admin")).action_end()
        self.assertEqual(self.assisted().end_reason, "supervisor")
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)

    def test_provider_is_not_trusted_any_more(self):
        self.help("alice")
        self.provider.acr_values = "other"
        self.assertEqual(self.assisted().end_reason, "provider")

    def test_one_person_at_a_time(self):
        self.help("alice")
        answer = self.post(
            f"{AGENT_PATH}/begin/{self.provider.id}", csrf_token=self.csrf(AGENT_PATH)
        )
        self.assertEqual(urlsplit(answer.headers["Location"]).path, AGENT_PATH)
        self.visit(AGENT_PATH)
        self.assertIn("You are helping", self.text)
        with self.other_browser():
            self.as_agent()
            self.help("bob", name="Bob Example")
        self.assertEqual(self.assisted().mapped("end_reason"), ["replaced", False])
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)

    def test_two_sign_ins_under_way(self):
        begun = [self.begin_with_agent(), self.begin_with_agent()]
        for location, sub in zip(begun, ("alice", "bob"), strict=True):
            self.come_back(self.idp.authorize(location, sub, name=f"{sub} Example"))
        self.visit(HOME_PATH)
        self.assertIn("bob Example", self.banner())
        self.assertEqual(self.assisted().mapped("end_reason"), ["replaced", False])

    # === what is refused === #

    def test_own_id(self):
        self.show(self.arrive_with_agent("77", name="Ana Agent"))
        self.assertEqual(self.title, "You cannot help here")
        self.assertIn("This is your own ID", self.text)
        self.assertTrue(self.page.xpath("//form[@id='provider-sign-out']"))
        self.assertFalse(self.sessions())
        self.assertEqual(self.refusals(), ["own_id"])
        self.assertEqual(self.assisted().end_reason, "refused")
        self.assertNobodyHelped()

    def test_own_id_by_another_rule(self):
        """Whichever rule makes it, for portal users or not, in whichever case."""
        self.rule.write({"for_portal": False, "field_name": "vat"})
        self.agent.partner_id.vat = "Alice"
        self.show(self.arrive_with_agent("alice"))
        self.assertEqual(self.refusals(), ["own_id"])

    def test_own_id_that_has_expired(self):
        void = {self.agent.partner_id.id: "token:alice@signin-test"}
        rules = self.env.registry["g2p.spar.id.rule"]
        self.startPatcher(patch.object(rules, "void_ids", lambda rule, partners: void))
        self.show(self.arrive_with_agent("alice"))
        self.assertEqual(self.refusals(), ["own_id"])

    def test_own_contact(self):
        """Messages to the person would go to the agent."""
        self.agent.partner_id.phone = "0917 000 0001"
        for claims in (
            {"email": "ANA@agents.example"},
            {"phone_number": "+63 917 0000001", "phone_number_verified": True},
        ):
            self.show(self.arrive_with_agent("alice", **claims))
            self.assertIn("is yours, so messages would reach you", self.text)
        self.assertEqual(self.refusals(), ["own_contact"] * 2)
        self.assertFalse(self.sessions())

    def assertRefused(self, reason, text, **account):
        self.help("alice")
        self.choose(**account)
        self.assertEqual(self.answer.status_code, 422)
        self.assertIn(text, self.error_of("number"))
        self.assertEqual(self.refusals()[-1:], [reason])
        refusal = self.assisted()[-1].refusal_ids
        self.assertIn("••••", refusal.account_masked)
        self.visit(REVIEW_PATH)
        self.assertEqual(self.path, HOME_PATH)
        self.end()

    def test_own_account_on_record(self):
        self.assertRefused("own_account", "This account is yours", number="777777777777")

    def test_own_account_at_another_branch(self):
        service = self.env["g2p.spar.self.service"]
        fa = service.make_address(self.bank, self.branch, "777777777777")["fa"]
        self.mapper.mappings["token:77@signin-test"] = (fa, None)
        self.assertRefused(
            "own_account",
            "This account is yours",
            provider="Testing Bank",
            branch="Harbour TB2, Nilgiri",
            number="777777777777",
        )

    def test_own_bank_account(self):
        self.env["res.partner.bank"].create(
            {"partner_id": self.agent.partner_id.id, "acc_number": "5555-4444-3333"}
        )
        self.assertRefused("own_account", "This account is yours", number="555544443333")

    def test_own_mobile_number(self):
        self.agent.partner_id.phone = "+63 917 000 0001"
        self.assertRefused(
            "own_account",
            "This account is yours",
            kind="mobile_wallet",
            provider="Testing Wallet",
            number="9170000001",
        )

    def test_own_email_address(self):
        self.assertRefused(
            "own_account",
            "This account is yours",
            kind="email_wallet",
            provider="Testing Mail",
            number="Ana@agents.example",
        )

    def test_own_account_cannot_be_looked_up(self):
        """Nothing is let pass that cannot be compared."""
        self.help("alice")
        resolve = self.mapper._resolve

        def only_alice(key, item):
            result = resolve(key, item)
            away = result._replace(outcome="retry", fa=None)
            return result if "alice" in key else away

        self.mapper._resolve = only_alice
        self.choose(number="123456789012")
        self.assertEqual(self.answer.status_code, 503)
        self.visit(REVIEW_PATH)
        self.assertEqual(self.path, HOME_PATH)

    def test_one_account_for_many(self):
        for sub in ("alice", "bob", "carol"):
            self.link(sub, "123456789012")
        self.assertEqual(self.changes().mapped("state"), ["applied"] * 3)
        self.assertRefusedAsShared("dave", "123456789012")
        self.assertRefusedAsShared("dave", "0000123456789012")
        # the same person again, another account, another agent
        self.mapper.mappings.pop("token:alice@signin-test")
        self.help("alice")
        self.choose(number="123456789012")
        self.assertEqual(self.path, REVIEW_PATH)
        self.end()
        self.link("dave", "123456789013")
        self.agent = self.new_agent("agent-other")
        self.as_agent()
        self.link("erin", "123456789012")
        self.assertEqual(len(self.changes()), 5)

    def assertRefusedAsShared(self, sub, number):
        self.help(sub)
        self.choose(number=number)
        self.assertIn("several other people asked to be paid", self.error_of("number"))
        self.assertEqual(self.refusals()[-1], "shared_account")
        self.end()

    def test_shared_with_nobody(self):
        """0 is kept as 0."""
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.g2p_spar_assisted_shared_accounts, 2)
        settings.g2p_spar_assisted_shared_accounts = 0
        settings.execute()
        self.assertEqual(
            self.env["res.config.settings"].create({}).g2p_spar_assisted_shared_accounts, 0
        )
        self.link("alice", "123456789012")
        self.assertRefusedAsShared("bob", "123456789012")

    def test_counted_when_it_is_confirmed(self):
        """Two who are asked to confirm at the same time do not pass both."""
        self.env["ir.config_parameter"].set_param("g2p_spar.assisted_shared_accounts", "0")
        self.help("alice")
        self.choose(number="123456789012")
        other = self.new_agent("agent-twin")
        links = self.env["g2p.spar.assisted.link"].sudo()
        session = self.sessions()[-1].sudo()
        person = session.person()
        checks = self.env["g2p.spar.assisted.check"]
        fa = "account:123456789012@PLNB"
        bob = replace(person, id="token:bob@signin-test")
        self.assertIsNone(checks.count_account(bob, fa))
        self.assertIsNone(checks.count_account(replace(bob, agent=other), fa))
        self.confirm("alice")
        self.assertEqual(self.answer.status_code, 409)
        self.assertIn("several other people", self.text)
        self.assertFalse(self.changes())
        self.assertEqual(self.refusals(), ["shared_account"])
        counted = links.search([("agent_id", "=", self.agent.id)])
        self.assertEqual(len(set(counted.mapped("person_digest"))), 1)

    def test_what_is_counted_is_no_address(self):
        self.link("alice", "123456789012")
        self.env.cr.execute("SELECT t::text FROM g2p_spar_assisted_link t")
        [[row]] = self.env.cr.fetchall()[-1:]
        self.assertNotIn("123456789012", row)
        self.assertNotIn("alice", row)

    def test_counted_for_400_days(self):
        for sub in ("alice", "bob", "carol"):
            self.link(sub, "123456789012")
        links = self.env["g2p.spar.assisted.link"].sudo()
        old = fields.Datetime.now() - timedelta(days=401)
        self.env.cr.execute("UPDATE g2p_spar_assisted_link SET asked_at = %s", [old])
        links.invalidate_model()
        self.link("dave", "123456789012")
        self.assertEqual(self.changes()[-1].state, "applied")
        links._gc()
        counted = links.search([("agent_id", "=", self.agent.id)])
        self.assertEqual(len(set(counted.mapped("person_digest"))), 1)

    # === for supervisors === #

    def test_purge(self):
        self.help("alice")
        self.end()
        self.env.cr.execute(
            "UPDATE g2p_spar_assisted_session SET started_at = started_at - interval '401 days'"
        )
        self.env["g2p.spar.assisted.session"].sudo()._gc()
        self.assertFalse(self.assisted())

    def test_erasure_reaches_it(self):
        self.help("alice")
        self.choose(number="777777777777")
        self.env["g2p.spar.erasure"].forget(["token:alice@signin-test"])
        [assisted] = self.assisted()
        self.assertFalse(assisted.id_masked)
        self.assertFalse(assisted.refusal_ids.account_masked)
        self.assertEqual(self.get(HOME_PATH).status_code, 303)
