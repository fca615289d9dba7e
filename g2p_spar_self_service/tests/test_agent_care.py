# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What agents might do around the rules, and what might go wrong in between."""

from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..web import AGENT_PATH, ASSISTED, HANDLE, HOME_PATH, LANDING_PATH
from .agent_common import AGENT, AgentCase
from .pages_common import CHANGE_PATH, REVIEW_PATH

_QUIET = (
    "odoo.http",
    "odoo.service.model",
    "odoo.sql_db",
    "odoo.addons.g2p_spar_self_service.controllers.sign_in",
)
SESSIONS = "g2p.spar.beneficiary.session"
OWN = "g2p.spar.agent.own"


@tagged("post_install", "-at_install")
class TestAgentCare(AgentCase):
    def setUp(self):
        super().setUp()
        self.as_agent()

    # === what was the agent's own === #

    def assertOwn(self, **account):
        self.help("alice")
        self.choose(**account)
        self.assertEqual(self.answer.status_code, 422)
        self.assertIn("This account is yours", self.error_of("number"))
        self.end()

    def assertNotOwn(self, **account):
        self.help("alice")
        self.choose(**account)
        self.assertEqual(self.path, REVIEW_PATH)
        self.end()

    def test_contact_that_was_edited(self):
        """On the portal, where users edit their contact themselves."""
        self.agent.partner_id.phone = "+63 917 000 0001"
        self.agent.partner_id.with_user(self.agent).sudo().write(
            {"phone": "+63 917 999 9999", "email": "new@agents.example"}
        )
        wallet = {"kind": "mobile_wallet", "provider": "Testing Wallet"}
        self.assertOwn(**wallet, number="9170000001")
        self.assertOwn(**wallet, number="9179999999")
        mail = {"kind": "email_wallet", "provider": "Testing Mail"}
        self.assertOwn(**mail, number="ana@agents.example")
        for claims in (
            {"email": "ana@agents.example"},
            {"phone_number": "+63 917 000 0001", "phone_number_verified": True},
        ):
            self.show(self.arrive_with_agent("alice", **claims))
            self.assertEqual(self.refusals()[-1], "own_contact")

    def test_contact_is_remembered_for_400_days(self):
        self.agent.partner_id.phone = "+63 917 000 0001"
        self.agent.partner_id.phone = False
        self.env.cr.execute("UPDATE g2p_spar_agent_own SET seen_at = seen_at - interval '401 days'")
        self.assertNotOwn(kind="mobile_wallet", provider="Testing Wallet", number="9170000001")
        own = self.env[OWN].sudo()
        before = len(own.search([]))
        own._gc()
        self.assertLess(len(own.search([])), before)

    def test_contact_of_others_is_not_remembered(self):
        partner = self.env["res.partner"].create({"name": "Somebody", "phone": "0917 000 0001"})
        before = self.env[OWN].sudo().search([])
        partner.phone = "0917 000 0002"
        self.assertEqual(self.env[OWN].sudo().search([]), before)

    def test_what_is_remembered_is_no_contact(self):
        self.agent.partner_id.phone = "+63 917 000 0001"
        self.agent.partner_id.phone = False
        self.env.cr.execute("SELECT string_agg(t::text, ' ') FROM g2p_spar_agent_own t")
        [[rows]] = self.env.cr.fetchall()
        self.assertNotIn("70000001", rows)
        self.assertNotIn("agents.example", rows)

    def test_bank_account_that_was_removed(self):
        bank = self.env["res.partner.bank"].create(
            {"partner_id": self.agent.partner_id.id, "acc_number": "5555-4444-3333"}
        )
        self.help("alice")
        self.end()
        bank.unlink()
        self.assertOwn(number="555544443333")

    def test_bank_account_before_the_first_session(self):
        banks = self.env["res.partner.bank"]
        values = {"partner_id": self.agent.partner_id.id}
        bank = banks.create({**values, "acc_number": "5555-4444-3333"})
        bank.acc_number = "5555-4444-2222"
        bank.unlink()
        self.assertOwn(number="555544443333")
        self.assertOwn(number="555544442222")

    def test_id_that_was_changed(self):
        self.agent.partner_id.ref = "78"
        self.show(self.arrive_with_agent("77"))
        self.assertEqual(self.refusals(), ["own_id"])

    def test_id_of_any_field(self):
        """Whichever field an ID rule reads."""
        self.rule.write({"for_portal": False, "field_name": "company_registry"})
        self.agent.partner_id.company_registry = "79"
        self.agent.partner_id.company_registry = "80"
        self.show(self.arrive_with_agent("79"))
        self.assertEqual(self.refusals(), ["own_id"])

    def test_account_that_the_agent_has_changed(self):
        """Before they ever entered anybody's."""
        self.choose(number="123456789012")
        self.press_button("Confirm", password=AGENT)
        self.changes().cancel("by_person")
        self.mapper.mappings["token:77@signin-test"] = ("account:111111111111@PLNB", None)
        self.assertOwn(number="777777777777")
        self.env.cr.execute("SET LOCAL spar.maintenance = 'test'")
        self.env.cr.execute(
            "UPDATE g2p_spar_change SET requested_at = requested_at - interval '401 days'"
        )
        self.assertNotOwn(number="777777777777")

    def test_account_on_hold(self):
        """The mapper tells nobody which it is, so nothing can be compared with it."""
        self.mapper.suspended.add("token:77@signin-test")
        self.help("alice")
        self.choose(number="123456789012")
        self.assertEqual(self.answer.status_code, 422)
        self.assertIn("Your own record is on hold", self.error_of("number"))
        self.assertEqual(self.refusals(), ["own_on_hold"])

    def test_account_that_was_on_record(self):
        self.assertOwn(number="777777777777")
        self.mapper.mappings["token:77@signin-test"] = ("account:111111111111@PLNB", None)
        self.assertOwn(number="777777777777")
        self.assertOwn(number="111111111111")

    def test_account_that_the_agent_has_asked_for(self):
        """It will be theirs in two days."""
        self.choose(number="123456789012")
        self.press_button("Confirm", password=AGENT)
        self.assertEqual(self.changes().state, "pending")
        self.assertOwn(number="123456789012")

    # === who confirms, and who cancels === #

    def test_first_address_needs_the_person(self):
        """The agent could press the button while the person looks away."""
        self.help("alice")
        self.choose(number="123456789012")
        _action, values = self.form("Sign in again to confirm")
        self.show(
            self.post(REVIEW_PATH, csrf_token=values["csrf_token"], version=values["version"])
        )
        self.assertEqual(self.path, REVIEW_PATH)
        self.assertFalse(self.changes())
        self.confirm("alice")
        self.assertEqual(self.changes().state, "applied")

    def _pending_of_alice(self):
        """Which she has asked for alone."""
        with self.other_browser():
            self.arrive("alice", number="111122223333")
            self.choose(number="123456789012")
            self.show(self.sign_in_again("alice"))
            self.press_button("Confirm")
        return self.changes()

    def test_cancelled_with_an_agent(self):
        change = self._pending_of_alice()
        self.help("alice")
        self.press_button("Cancel this change")
        self.assertIn("The agent Ana Agent helped you to cancel it", self.text)
        self.env.invalidate_all()
        self.assertEqual(change.state, "cancelled")
        self.assertFalse(change.agent_id)
        told = (change.cancel_agent_id, change.cancel_agent_name)
        self.assertEqual(told, (self.agent.id, "Ana Agent"))
        assisted = self.assisted()
        self.assertEqual((assisted.change_count, assisted.cancelled_count), (0, 1))
        self.assertEqual(assisted.cancelled_ids, change)
        mails = self.env["mail.mail"].sudo().search([("body_html", "ilike", change.number)])
        [mail] = mails.filtered(lambda mail: "stays" in mail.subject)
        self.assertIn("The agent Ana Agent helped you to cancel it", mail.body_html)

    def test_cancelled_alone(self):
        change = self._pending_of_alice()
        change.cancel("by_person")
        self.assertFalse(change.cancel_agent_id or change.help_told() or change.cancel_help_told())

    def _pending_with_ana(self):
        self.help("alice", number="111122223333")
        self.choose(number="123456789012")
        self.confirm("alice")
        self.end()
        return self.changes()

    def _told_of_the_end(self, change):
        mails = self.env["mail.mail"].sudo().search([("spar_change_id", "=", change.id)])
        [mail] = mails.filtered(lambda mail: "stays" in mail.subject)
        return mail.body_html

    def test_asked_with_an_agent_and_cancelled_alone(self):
        """Who has helped to ask has not helped to cancel."""
        change = self._pending_with_ana()
        with self.other_browser():
            self.arrive("alice")
            self.press_button("Cancel this change")
            self.assertIn("The agent Ana Agent helped you with it", self.text)
            self.assertNotIn("helped you to cancel it", self.text)
        self.assertNotIn("Ana Agent", self._told_of_the_end(change))

    def test_cancelled_with_another_agent(self):
        change = self._pending_with_ana()
        self.new_agent("agent-bea", name="Bea Agent")
        with self.other_browser():
            self.log_in("agent-bea")
            self.help("alice")
            self.press_button("Cancel this change")
            self.assertIn("The agent Ana Agent helped you with it", self.text)
            self.assertIn("The agent Bea Agent helped you to cancel it", self.text)
        told = self._told_of_the_end(change)
        self.assertIn("The agent Bea Agent helped you to cancel it", told)
        self.assertNotIn("Ana Agent", told)

    def test_who_cancelled_stays(self):
        change = self._pending_of_alice()
        self.help("alice")
        self.press_button("Cancel this change")
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error):
            with self.env.cr.savepoint():
                self.env.cr.execute(
                    "UPDATE g2p_spar_change SET cancel_agent_name = 'x' WHERE id = %s", [change.id]
                )

    # === the agent's screen === #

    def test_id_token_is_not_kept(self):
        """It says all about the person, and the agent could read it in a page."""
        self.help("alice")
        self.assertFalse(self.sessions().sudo().id_token_sealed)
        self.show(self.end())
        self.assertNotIn("id_token_hint", self.answer.text)
        self.help("alice")
        self.show(self.post(f"{LANDING_PATH}/sign-out", csrf_token=self.csrf(CHANGE_PATH)))
        self.assertNotIn("id_token_hint", self.answer.text)
        self.assertTrue(self.page.xpath("//form[@id='provider-sign-out']"))

    def test_refused_person_is_signed_out_there(self):
        """By itself; so the reason is told on the agent's page once more."""
        self.show(self.arrive_with_agent("77"))
        self.assertNotIn("id_token_hint", self.answer.text)
        self.assertTrue(self.page.xpath("//script[contains(@src, 'provider_sign_out')]"))
        self.assertIn("This is your own ID", self.text)
        self.visit(AGENT_PATH)
        self.assertIn("This is your own ID", self.text)
        self.visit(AGENT_PATH)
        self.assertNotIn("This is your own ID", self.text)

    def test_other_user_at_the_return(self):
        """Whoever has signed in at the provider is signed in there still."""
        location = self.begin_with_agent()
        self.env.ref("g2p_spar_self_service.group_agent").user_ids -= self.agent
        with mute_logger(*_QUIET):
            self.show(self.come_back(self.idp.authorize(location, "alice")))
        self.assertEqual(self.answer.status_code, 403)
        self.assertIn("Another user of this site has logged in", self.text)
        self.assertTrue(self.page.xpath("//form[@id='provider-sign-out']"))

    @mute_logger(*_QUIET)
    def test_banner_on_errors(self):
        self.help("alice", number="111122223333", name="Alice Example")
        self.show(self.get(f"{LANDING_PATH}/nowhere"))
        self.assertEqual(self.answer.status_code, 404)
        self.assertIn("You are helping Alice Example", self.banner())
        self.show(self.get(f"{LANDING_PATH}/receipt/1234"))
        self.assertIn("You are helping Alice Example", self.banner())
        self.choose(number="123456789012")
        self.show(self.sign_in_again("bob"))
        self.assertEqual(self.answer.status_code, 403)
        self.assertIn("You are helping Alice Example", self.banner())

    def test_what_else_is_open_to_the_agent(self):
        """The person at the device is logged in as the agent."""
        self.assertEqual(self.get("/my").status_code, 200)
        self.help("alice")
        for path in ("/my", "/my/account", "/my/security"):
            answer = self.get(path)
            self.assertEqual(answer.status_code, 303, path)
            self.assertTrue(answer.headers["Location"].endswith(AGENT_PATH), path)
        call = {
            "model": "res.users",
            "method": "read",
            "args": [[self.agent.id], ["login"]],
            "kwargs": {},
        }
        with mute_logger(*_QUIET):
            answer = self.url_open(
                "/web/dataset/call_kw/res.users/read",
                json={"jsonrpc": "2.0", "method": "call", "params": call},
                allow_redirects=False,
            )
        self.assertNotIn(AGENT, answer.text)
        self.end()
        self.assertEqual(self.get("/my").status_code, 200)

    def test_language_that_is_gone(self):
        """Of the person's contact: they are told in another one."""
        known = self.env["g2p.spar.known.contact"].sudo()
        digest = self.env["g2p.spar.change"].digest_of("token:alice@signin-test")
        known.note(digest, [{"email": "alice@example.org", "phone": "", "lang": "xx_XX"}])
        self.help("alice")
        self.assertEqual(self.web_session.uid, self.agent.id)

    # === what is tried again and again === #

    def test_ten_refusals_end_it(self):
        self.help("alice")
        for number in range(10):
            self.assertFalse(self.assisted().ended_at, number)
            self.choose(number="777777777777")
            self.assertEqual(self.answer.status_code, 422)
        self.assertEqual(self.assisted().end_reason, "refused")
        self.visit(HOME_PATH)
        self.assertEqual(self.path, AGENT_PATH)

    # === at the same moment === #

    def test_second_try_of_a_return(self):
        """Odoo tries a request again that clashed with another: the sign-in is used up by then, but
        the agent stays logged in, whose browser has the cookie of before."""
        records = self.env.registry["g2p.spar.assisted.session"]
        clash = psycopg2.errors.SerializationFailure()
        with (
            patch.object(records, "begin", side_effect=clash) as begin,
            patch("odoo.service.model.time.sleep"),
            mute_logger(*_QUIET),
        ):
            answer = self.arrive_with_agent("alice")
        self.assertTrue(begin.called)
        self.assertGreaterEqual(answer.status_code, 400)
        self.assertEqual(self.web_session.uid, self.agent.id)
        self.assertEqual(self.get(AGENT_PATH).status_code, 200)

    def test_two_sessions_of_one_agent(self):
        """Of two that begin at the same moment, one does."""
        self.help("alice")
        none = self.env[SESSIONS].browse()
        with (
            patch.object(self.env.registry[SESSIONS], "_of_agent", lambda *_args: none),
            mute_logger(*_QUIET),
            self.other_browser(),
        ):
            self.as_agent()
            answer = self.arrive_with_agent("bob")
            self.assertEqual(answer.status_code, 400)
            self.assertNotIn(ASSISTED, self.web_session)
        self.visit(HOME_PATH)
        self.assertTrue(self.banner())
        self.assertEqual(len(self.sessions()), 1)

    def test_old_handle_when_an_agent_logs_in(self):
        """A beneficiary was signed in in this browser long ago: their session ends, once."""
        self.assertSignedIn(self.sign_in("bob"))
        handle = self.web_session[HANDLE]
        session = self.sessions()
        seen = fields.Datetime.now() - timedelta(minutes=2)
        self.env.cr.execute(
            "UPDATE g2p_spar_beneficiary_session SET seen_at = %s WHERE id = %s",
            [seen, session.id],
        )
        self.env.invalidate_all()
        self.log_in(AGENT, session_extra={HANDLE: handle})
        self.visit(HOME_PATH)
        self.assertIn("••••7777", self.text)
        self.env.invalidate_all()
        self.assertTrue(session.ended_at)
        # not written in another transaction as well, with which this one would clash
        self.assertEqual(session.seen_at, seen.replace(microsecond=0))
