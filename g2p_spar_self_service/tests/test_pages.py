# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging
import re
import zlib
from datetime import timedelta
from unittest.mock import patch

import lxml.html

from odoo import fields
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

from ..models import g2p_spar_change_lane
from ..person import MAPPER_SECONDS
from ..web import HANDLE, HOME_PATH, LANDING_PATH
from .pages_common import CHANGE_PATH, REVIEW_PATH, PagesCase

RECEIPT = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}")
STEPS = ("", "/provider", "/branch", "/number", "/review")


@tagged("post_install", "-at_install")
class TestPages(PagesCase):
    def later(self, **delta):
        now = fields.Datetime.now() + timedelta(**delta)
        self.startPatcher(patch.object(fields.Datetime, "now", lambda: now))

    def apply_due(self):
        self.startPatcher(patch.object(g2p_spar_change_lane, "read_committed"))
        jobs = type(self.env["ir.cron"])
        with patch.object(jobs, "_commit_progress", lambda *args, **kw: float("inf")):
            self.env["g2p.spar.change"]._cron_apply()

    # === journeys === #

    def test_first_link(self):
        self.arrive("alice", name="Alice Example")
        self.assertIn("No account or wallet is linked", self.text)
        self.visit(CHANGE_PATH)
        self.assertEqual(self.title, "Where do you want to be paid?")
        self.press_button("Continue", kind="bank")
        self.assertEqual(self.title, "Which bank?")
        self.press_button("Testing Bank")
        self.assertEqual(self.title, "Which branch?")
        self.press_button("Search", query="sagar")
        self.assertNotIn("Harbour", self.text)
        self.press_button("Main Street TB1, Sagar")
        self.assertEqual(self.title, "Your account number")
        self.press_button("Continue", number="1234 5678 9012")
        self.assertEqual((self.path, self.title), (REVIEW_PATH, "Check and confirm"))
        self.assertIn("Testing Bank, Main Street: ••••9012", self.text)
        self.assertIn("At once", self.text)
        self.assertEqual(self.mapper.writes(), [])
        self.press_button("Confirm")
        self.assertEqual(self.title, "Receipt")
        self.assertIn("It took effect", self.text)
        [change] = self.changes()
        self.assertEqual(RECEIPT.search(self.text)[0], change.number)
        self.assertEqual(change.state, "applied")
        self.assertEqual(self.mapper.writes(), ["link"])
        self.assertIn(".branch_code:TB1.", self.mapper.fa_of("token:alice@signin-test"))
        self.visit(HOME_PATH)
        self.assertIn("Testing Bank, Main Street: ••••9012", self.text)

    def test_a_mapper_that_takes_its_time(self):
        """A page gives it some seconds only, the scheduled action as many as it takes."""
        self.arrive("alice", "111122223333")
        self.choose()
        self.show(self.sign_in_again("alice"))
        self.press_button("Confirm")
        self.assertEqual(set(self.mapper.within), {MAPPER_SECONDS})
        self.mapper.within.clear()
        self.later(days=3)
        self.apply_due()
        self.assertEqual(set(self.mapper.within), {None})

    def test_every_kind(self):
        self.plain_bank.spar_ask_holder_name = True
        self.plain_bank.spar_number_hint = "9 to 18 digits, in your passbook"
        for sub, kind, provider, more in (
            ("bea", "mobile_wallet", "Testing Wallet", {"number": "9170000001"}),
            ("cem", "email_wallet", "Testing Mail", {"number": "cem@example.org"}),
            ("dan", "bank", "Plain Bank", {"number": "123456789012", "holder_name": "Dan Ex"}),
        ):
            self.arrive(sub)
            self.choose(kind, provider, **more)
            self.assertIn(provider, self.text)
            self.press_button("Confirm")
            self.assertIn("It took effect", self.text)
        self.assertEqual(self.mapper.mappings["token:dan@signin-test"][1], "Dan Ex")

    def test_change_with_delay_and_cancel(self):
        self.arrive("alice", number="111122223333")
        self.assertIn("Plain Bank: ••••3333", self.text)
        self.choose("mobile_wallet", "Testing Wallet", number="9170000001")
        self.assertIn("Plain Bank: ••••3333", self.text)
        self.assertIn("Testing Wallet: ••••001", self.text)
        answer = self.sign_in_again("alice")
        self.assertEqual(answer.status_code, 303)
        self.show(answer)
        self.assertEqual(self.path, REVIEW_PATH)
        self.press_button("Confirm")
        self.assertIn("It takes effect on", self.text)
        self.assertEqual(self.mapper.writes(), [])
        self.visit(HOME_PATH)
        self.assertIn("A change is on its way", self.text)
        self.assertIn("Your benefits are paid to: Bank account Plain Bank: ••••3333", self.text)
        self.assertEqual(self.visit(CHANGE_PATH) is not None and self.path, HOME_PATH)
        self.press_button("Cancel this change")
        self.assertEqual(self.title, "Receipt")
        self.assertIn("It was cancelled", self.text)
        self.later(hours=49)
        self.apply_due()
        self.assertEqual(self.mapper.writes(), [])

    def test_change_takes_effect(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        self.show(self.sign_in_again("alice"))
        self.press_button("Confirm")
        self.later(hours=49)
        self.apply_due()
        self.assertEqual(self.mapper.fa_of("token:alice@signin-test"), "account:123456789012@PLNB")

    def test_remove(self):
        self.arrive("alice", number="111122223333")
        self.visit(f"{LANDING_PATH}/remove")
        self.assertEqual(self.title, "Remove this account?")
        self.press_button("Continue to remove it")
        self.assertIn("nothing can be paid to you", self.text)
        self.show(self.sign_in_again("alice"))
        self.press_button("Confirm the removal")
        self.assertIn("You asked to remove the account Plain Bank: ••••3333", self.text)
        self.later(hours=49)
        self.apply_due()
        self.assertEqual(self.mapper.mappings, {})

    def test_history(self):
        self.arrive("alice")
        self.visit(f"{LANDING_PATH}/history")
        self.assertIn("You have not asked for any change", self.text)
        self.choose()
        self.press_button("Confirm")
        self.visit(f"{LANDING_PATH}/history")
        self.assertIn("You asked to be paid to Plain Bank: ••••9012. It took effect", self.text)
        number = self.changes().number
        [link] = [a for a in self.page.iter("a") if number in a.text_content()]
        self.visit(link.get("href"))
        self.assertIn(number, self.text)

    def test_help(self):
        company = self.env.company
        company.spar_help, company.spar_contact = "Come to <the> office", "Call 12345"
        self.visit(f"{LANDING_PATH}/help")
        self.assertIn("Come to <the> office", self.text)
        self.assertIn("Come to &lt;the&gt; office", self.answer.text, "text is all that it may be")
        self.assertIn("Call 12345", self.text)

    def test_contact_is_on_every_page(self):
        """Above all where something went wrong, with the way to the help page."""
        self.env.company.spar_contact = "Call <b>12345</b>\nMondays"
        for path in (
            LANDING_PATH,
            f"{LANDING_PATH}/help",
            f"{LANDING_PATH}/cancel/no-such-token",
            f"{LANDING_PATH}/no-such-page",
            f"{LANDING_PATH}/signed-in/{self.provider.id}?state=no-such-attempt",
        ):
            with self.subTest(path):
                self.visit(path)
                self.assertIn("Call <b>12345</b> Mondays", self.text)
                self.assertNotIn("<b>12345", self.answer.text)
                links = [link.get("href") for link in self.page.iter("a")]
                self.assertIn(f"{LANDING_PATH}/help", links)
        self.arrive("alice")
        self.assertIn("Call <b>12345</b>", self.text)
        self.show(self.sign_out())
        self.assertEqual(self.title, "You are signed out here")
        self.assertIn("Call <b>12345</b>", self.text)

    def test_long_lists_are_searched(self):
        self.env["g2p.fa.provider"].create(
            [
                {
                    "name": f"Long List {place:02}",
                    "code": f"LONG{place}",
                    "fa_type": "bank",
                    "strategy_id": self.plain_bank.strategy_id.id,
                }
                for place in range(30)
            ]
        )
        self.arrive("alice")
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank")
        self.assertNotIn("Plain Bank", self.text)
        self.press_button("Search", query="no such bank")
        self.assertIn("Nothing was found", self.text)
        self.press_button("Search", query="long")
        self.assertIn("Long List 00", self.text)
        self.assertNotIn("Long List 25", self.text)
        self.press_button("More")
        self.assertIn("Long List 25", self.text)
        self.press_button("Previous")
        self.press_button("Long List 07")
        self.assertIn("Long List 07", self.text)
        # a search for a bank is none for a branch, nor the other way round
        self.visit(f"{CHANGE_PATH}/provider")

    # === messages === #

    def test_wrong_number(self):
        self.arrive("alice")
        self.choose(number="12x")
        self.assertEqual(self.answer.status_code, 422)
        self.assertEqual(
            self.error_of("number"),
            "At Plain Bank this has 9 to 18 characters; you have entered 3.",
        )
        [summary] = self.page.find_class("errors")
        self.assertEqual(summary.get("role"), "alert")
        self.assertEqual([a.get("href") for a in summary.iter("a")], ["#number"])
        [field] = self.page.xpath("//input[@name='number']")
        self.assertEqual(field.get("value"), "12x", "what was typed is not lost")
        self.press_button("Continue", number="123456789012")
        self.assertEqual(self.path, REVIEW_PATH)

    def test_nothing_chosen(self):
        self.arrive("alice")
        self.visit(CHANGE_PATH)
        for kind in ("", "nonsense"):
            self.press_button("Continue", kind=kind)
            self.assertEqual(self.answer.status_code, 422)
            self.assertIn("Choose one of these.", self.text)
        self.press_button("Continue", kind="bank")
        action, values = self.form("Testing Bank")
        for wrong in (str(self.wallet.id), "0", "x", str(10**12)):
            self.show(self.post(action, **{**values, "provider_id": wrong}))
            self.assertEqual(self.answer.status_code, 422, wrong)
        self.press_button("Testing Bank")
        action, values = self.form("Harbour TB2, Nilgiri")
        foreign = self.env["g2p.fa.branch"].create(
            {"provider_id": self.plain_bank.id, "name": "Foreign", "code": "F"}
        )
        self.show(self.post(action, **{**values, "branch_id": str(foreign.id)}))
        self.assertEqual(self.answer.status_code, 422)

    def test_same_account(self):
        self.arrive("alice", number="123456789012")
        self.choose()
        self.assertEqual(self.error_of("number"), "You are paid to this account already.")

    def test_step_out_of_turn(self):
        """Every page that is opened too early leads to where to begin."""
        self.arrive("alice")
        for step, lands in (
            ("/provider", CHANGE_PATH),
            ("/branch", CHANGE_PATH),
            ("/number", CHANGE_PATH),
            ("/review", HOME_PATH),
        ):
            self.visit(f"{CHANGE_PATH}{step}")
            self.assertEqual(self.path, lands, step)
        self.visit(f"{LANDING_PATH}/remove")
        self.assertEqual(self.path, HOME_PATH)
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank")
        self.press_button("Testing Bank")
        self.visit(f"{CHANGE_PATH}/number")
        self.assertEqual(self.path, f"{CHANGE_PATH}/branch")

    def test_markup_in_what_people_type(self):
        self.arrive("alice")
        self.choose(number='"><script>alert(1)</script>')
        self.assertNotIn("<script>alert", self.answer.text)
        self.visit(f"{CHANGE_PATH}/provider")

    # === one change, one event === #

    def test_double_click(self):
        self.arrive("alice")
        self.choose()
        action, values = self.form("Confirm")
        first, second = self.post(action, **values), self.post(action, **values)
        self.assertEqual(first.headers["Location"], second.headers["Location"])
        self.assertEqual(len(self.changes()), 1)
        self.assertEqual(self.mapper.writes(), ["link"])

    def test_back_button(self):
        self.arrive("alice")
        self.choose()
        action, values = self.form("Confirm")
        self.press_button("Confirm")
        self.visit(REVIEW_PATH)
        self.assertEqual(self.path, HOME_PATH, "there is nothing to confirm any more")
        # back to a page that the browser has kept: the number is entered again
        self.show(self.post(f"{CHANGE_PATH}/number", number="999988887777", **self._token()))
        self.assertEqual(self.path, CHANGE_PATH)
        self.show(self.post(action, **values))
        self.assertEqual(self.title, "Receipt")
        self.assertEqual(self.mapper.writes(), ["link"])

    def test_two_tabs(self):
        """What is confirmed is what this tab shows, or nothing."""
        self.arrive("alice")
        self.choose()
        action, values = self.form("Confirm")
        self.choose(number="999988887777")
        self.show(self.post(action, **values))
        self.assertEqual(self.answer.status_code, 409)
        self.assertIn("out of date", self.text)
        self.assertFalse(self.changes())

    def _token(self):
        return {"csrf_token": self.csrf(HOME_PATH)}

    # === fresh sign-in === #

    def test_not_without_a_fresh_sign_in(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        self.assertNotIn("Confirm", [b.text_content().strip() for b in self.page.iter("button")])
        _action, values = self.form("Sign in again to confirm")
        self.show(self.post(REVIEW_PATH, **values))
        self.assertEqual(self.path, REVIEW_PATH)
        self.show(self.post(REVIEW_PATH, **values, password="anything"))
        self.assertFalse(self.changes())

    @mute_logger("odoo.addons.g2p_spar_self_service.controllers.sign_in")
    def test_fresh_sign_in_of_another_person(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        answer = self.sign_in_again("mallory")
        self.assertEqual(answer.status_code, 403)
        self.visit(REVIEW_PATH)
        self.form("Sign in again to confirm")

    @mute_logger("odoo.addons.g2p_spar_self_service.controllers.sign_in")
    def test_sign_in_that_was_not_fresh(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        answer = self.sign_in_again("alice", auth_time=1)
        self.assertEqual(answer.status_code, 403)
        self.visit(REVIEW_PATH)
        self.form("Sign in again to confirm")

    def test_fresh_sign_in_is_for_one_change(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        self.show(self.sign_in_again("alice"))
        self.form("Confirm")
        self.choose(number="999988887777")
        self.form("Sign in again to confirm")

    def portal_user(self):
        """Logged in, with an account on record."""
        user = new_test_user(self.env, "portal-alice", groups="base.group_portal")
        self.env["g2p.spar.id.rule"].search([]).active = False
        self.env["g2p.spar.id.rule"].create(
            {
                "name": "Reference",
                "source": "field",
                "field_name": "ref",
                "for_portal": True,
                "strategy_id": self.strategy.id,
            }
        )
        user.partner_id.ref = "77"
        self.mapper.mappings["token:77@signin-test"] = ("account:111122223333@PLNB", None)
        self.log_in("portal-alice")
        return user

    def test_portal_user_types_the_password(self):
        user = self.portal_user()
        self.visit(HOME_PATH)
        self.assertIn("Plain Bank: ••••3333", self.text)
        self.choose()
        with mute_logger("odoo.addons.base.models.res_users"):
            self.press_button("Confirm", password="wrong")
        self.assertEqual(self.error_of("password"), "This is not your password.")
        self.assertFalse(self.changes())
        self.press_button("Confirm")
        self.assertEqual(self.path, REVIEW_PATH)
        self.press_button("Confirm", password="portal-alice")
        self.assertIn("It takes effect on", self.text)
        self.assertEqual(self.changes().user_id, user.id)

    def test_portal_user_logs_out(self):
        """What was typed goes with the log-in, by whichever way that ends."""
        self.portal_user()
        drafts = self.env["g2p.spar.change.draft"].sudo()
        for how, log_out in {
            "page": lambda: self.get("/web/session/logout"),
            "call": lambda: self.make_jsonrpc_request("/web/session/destroy", {}),
            "ours": self.sign_out,
            "somebody else": lambda: self.sign_in("bob"),
        }.items():
            with self.subTest(how):
                self.log_in("portal-alice")
                self.choose()
                draft = drafts.search([], order="id desc", limit=1)
                self.assertTrue(draft.content())
                log_out()
                draft.invalidate_recordset()
                self.assertFalse(draft.content_sealed)

    # === mapper away === #

    def test_away(self):
        self.arrive("alice", number="111122223333")
        self.mapper.away = True
        for path in (HOME_PATH, CHANGE_PATH, f"{LANDING_PATH}/remove"):
            self.visit(path)
            self.assertEqual(self.answer.status_code, 503)
            self.assertIn("Nothing has changed", self.text)

    def test_away_halfway(self):
        self.arrive("alice")
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank")
        self.press_button("Plain Bank")
        self.mapper.away = True
        self.press_button("Continue", number="123456789012")
        self.assertEqual(self.answer.status_code, 503)
        self.mapper.away = False
        self.visit(f"{CHANGE_PATH}/number")
        self.press_button("Continue", number="123456789012")
        self.mapper.away = True
        self.press_button("Confirm")
        self.assertIn("The registry has not answered yet", self.text)
        self.visit(HOME_PATH)
        self.assertIn("cannot be shown at the moment", self.text)
        self.assertIn("A change is on its way", self.text)
        self.mapper.away = False
        self.later(minutes=2)
        self.apply_due()
        self.assertEqual(self.mapper.writes()[-1:], ["link"])

    def test_answer_lost(self):
        self.arrive("alice")
        self.choose()
        self.mapper.deaf = True
        self.press_button("Confirm")
        self.assertIn("we keep trying", self.text)
        self.press_button("Cancel this change")
        self.assertIn("It took effect", self.text, "it was done: it says so")

    def test_refused_by_the_mapper(self):
        self.arrive("alice")
        self.choose()
        self.mapper.refuses = Outcome.FA_INVALID
        self.press_button("Confirm")
        self.assertIn("It was not made: The registry does not accept this account.", self.text)

    def test_on_hold(self):
        self.arrive("alice", number="111122223333")
        self.mapper.suspended.add("token:alice@signin-test")
        for path in (HOME_PATH, CHANGE_PATH, f"{LANDING_PATH}/remove"):
            self.visit(path)
            self.assertIn("on hold", self.text)
            self.assertNotIn("3333", self.text)

    # === cancel link === #

    def _pending_with_link(self):
        self.arrive("alice", number="111122223333", email="alice@example.org", email_verified=True)
        self.choose()
        self.show(self.sign_in_again("alice"))
        self.press_button("Confirm")
        mail = self.env["mail.mail"].sudo().search([("email_to", "=", "alice@example.org")])
        return re.search(r'href="[^"]*(/my/financial-address/cancel/[\w-]+)"', mail.body_html)[1]

    def test_cancel_link(self):
        path = self._pending_with_link()
        with self.other_browser():
            for _ in range(2):
                self.visit(path)
                self.assertEqual(self.changes().state, "pending", "to look changes nothing")
            self.assertNotIn("9012", self.answer.text)
            self.assertNotIn("Plain Bank", self.answer.text)
            action, values = self.form("Cancel this change")
            self.press_button("Cancel this change")
            self.assertIn("It was cancelled", self.text)
            self.assertEqual(self.changes().outcome, "by_link")
            self.show(self.post(action, **values))
            self.assertIn("It was cancelled", self.text, "used once")
        self.assertEqual(len(self.changes()), 1)

    def test_cancel_link_that_is_wrong(self):
        self._pending_with_link()
        with self.other_browser():
            link = self.env["g2p.spar.change.link"].sudo().search([], limit=1, order="id desc")
            for token in ("x", "A" * 43, self.changes().number, link.token_hash):
                self.visit(f"{LANDING_PATH}/cancel/{token}")
                self.assertEqual(self.answer.status_code, 404)
                answer = self.post(f"{LANDING_PATH}/cancel/{token}", csrf_token=self.csrf())
                self.assertEqual(answer.status_code, 404)
        self.assertEqual(self.changes().state, "pending")

    def test_cancel_link_needs_csrf(self):
        path = self._pending_with_link()
        with self.other_browser(), mute_logger("odoo.http"):
            self.assertEqual(self.post(path).status_code, 400)
        self.assertEqual(self.changes().state, "pending")

    # === other people === #

    def test_another_persons_receipt(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        self.show(self.sign_in_again("alice"))
        self.press_button("Confirm")
        number = self.changes().number
        with self.other_browser():
            self.arrive("mallory")
            self.assertEqual(self.get(f"{LANDING_PATH}/receipt/{number}").status_code, 404)
            answer = self.post(f"{LANDING_PATH}/cancel", number=number, **self._token())
            self.assertEqual(answer.status_code, 404)
            self.visit(f"{LANDING_PATH}/history")
            self.assertNotIn(number, self.text)
        self.assertEqual(self.changes().state, "pending")

    def test_another_persons_draft(self):
        self.arrive("alice")
        self.choose()
        action, values = self.form("Confirm")
        with self.other_browser():
            self.arrive("mallory")
            self.show(self.post(action, **{**values, **self._token()}))
            self.assertEqual(self.path, HOME_PATH)
            self.visit(REVIEW_PATH)
            self.assertEqual(self.path, HOME_PATH)
            # also not where mallory has a draft of his own
            self.choose(number="666655554444")
            self.show(self.post(action, **{**values, **self._token()}))
            self.assertEqual(self.answer.status_code, 409)
        self.assertFalse(self.changes())

    def test_an_id_in_any_parameter_changes_nothing(self):
        self.mapper.mappings["token:alice@signin-test"] = ("account:111122223333@PLNB", None)
        self.arrive("mallory")
        forged = {
            name: "token:alice@signin-test"
            for name in ("id", "person", "person_id", "sub", "ID", "id_value", "user_id")
        }
        self.show(self.url_open(f"{HOME_PATH}?id=token:alice@signin-test&person=alice"))
        self.assertNotIn("3333", self.text)
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank", **forged)
        self.press_button("Plain Bank", **forged)
        self.press_button("Continue", number="123456789012", **forged)
        self.press_button("Confirm", **forged)
        self.assertEqual(self.mapper.fa_of("token:alice@signin-test"), "account:111122223333@PLNB")
        self.assertEqual(
            {item.id for _op, _actor, item in self.mapper.calls[-3:]}, {"token:mallory@signin-test"}
        )

    def test_without_sign_in(self):
        for path in [f"{CHANGE_PATH}{step}" for step in STEPS] + [
            HOME_PATH,
            f"{LANDING_PATH}/history",
            f"{LANDING_PATH}/remove",
            f"{LANDING_PATH}/receipt/7KQ4M-2XPRT",
        ]:
            answer = self.get(path)
            self.assertEqual(answer.status_code, 303, path)
            self.assertTrue(answer.headers["Location"].endswith(LANDING_PATH), path)
        token = {"csrf_token": self.csrf()}
        for path in [f"{CHANGE_PATH}{step}" for step in (*STEPS, "/search", "/sign-in")] + [
            f"{LANDING_PATH}/cancel",
            f"{LANDING_PATH}/remove",
        ]:
            answer = self.post(path, **token)
            self.assertEqual(answer.status_code, 303, path)
            self.assertTrue(answer.headers["Location"].endswith(LANDING_PATH), path)

    def test_session_that_ends_in_between(self):
        self.arrive("alice")
        self.choose()
        action, values = self.form("Confirm")
        self.sessions().sudo().end()
        self.show(self.post(action, **values))
        self.assertEqual(self.path, LANDING_PATH)
        self.assertFalse(self.changes())

    # === protection === #

    @mute_logger("odoo.http")
    def test_csrf_on_every_form(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        for path in [f"{CHANGE_PATH}{step}" for step in (*STEPS, "/search", "/sign-in")] + [
            f"{LANDING_PATH}/cancel",
            f"{LANDING_PATH}/remove",
        ]:
            for form in ({"x": "1"}, {"csrf_token": "wrong"}):
                self.assertEqual(self.post(path, **form).status_code, 400, path)

    def test_headers(self):
        link = self._pending_with_link()
        number = self.changes().number
        for path in (
            HOME_PATH,
            link,
            f"{LANDING_PATH}/history",
            f"{LANDING_PATH}/help",
            f"{LANDING_PATH}/receipt/{number}",
        ):
            answer = self.get(path)
            self.assertEqual(answer.status_code, 200, path)
            self._check_headers(answer)
        self.press_cancel(number)
        for step in ("", "/provider", "/number", "/review"):
            self.choose()
            answer = self.get(f"{CHANGE_PATH}{step}")
            self.assertEqual(answer.status_code, 200, step)
            self._check_headers(answer)
        answer = self.post(f"{CHANGE_PATH}/search", query="x", **self._token())
        self._check_headers(answer)

    def press_cancel(self, number):
        self.visit(f"{LANDING_PATH}/receipt/{number}")
        self.press_button("Cancel this change")

    def _check_headers(self, answer):
        self.assertEqual(answer.headers["Cache-Control"], "no-store", answer.url)
        self.assertEqual(answer.headers["X-Frame-Options"], "DENY")
        policy = answer.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")

    def test_nothing_of_a_person_in_logs_and_the_session(self):
        records = []

        class Keep(logging.Handler):
            def emit(self, record):
                records.append(record.getMessage())

        handler = Keep()
        logging.getLogger().addHandler(handler)
        self.addCleanup(logging.getLogger().removeHandler, handler)
        path = self._pending_with_link()
        with self.other_browser():
            self.visit(path)
            self.press_button("Cancel this change")
        with self.assertLogs("odoo.http", "WARNING") as refused:
            self.post(path)
        self.assertIn("/my/financial-address/cancel/...", "".join(refused.output))
        # the link has ended the session
        self.arrive("alice")
        self.choose("bank", "Testing Bank", branch="Harbour TB2, Nilgiri", number="777766665555")
        told = "\n".join([*records, *refused.output])
        secrets = ("123456789012", "777766665555", "111122223333", "alice", "token:", "Harbour")
        for secret in (*secrets, path.rpartition("/")[2]):
            self.assertNotIn(secret, told)
        session = str(dict(self.web_session)).replace(self.web_session[HANDLE], "")
        for secret in (*secrets, "5555"):
            self.assertNotIn(secret, session)

    def test_access_log(self):
        """As werkzeug calls it."""
        # to Odoo, "INFO" is another level
        with self.assertLogs("werkzeug", logging.INFO) as log:
            for args in (
                ('"GET /my/financial-address/cancel/Sec-ret_1 HTTP/1.1" 200 -',),
                ("POST /my/financial-address/cancel/Sec-ret_1?a=Sec-ret_1 HTTP/1.1", "303", "-"),
            ):
                logging.getLogger("werkzeug").info("%s" * len(args), *args)
        self.assertNotIn("Sec-ret", "".join(log.output))
        self.assertEqual("".join(log.output).count("/my/financial-address/cancel/... HTTP"), 2)

    def test_nothing_of_a_person_in_urls(self):
        """Addresses, of pages and of what forms and links lead to."""
        paths = set()
        for page in self._every_page():
            paths |= {self.path, *(form.get("action") for form in page.iter("form"))}
            paths |= {link.get("href") for link in page.iter("a")}
        number = self.changes().number
        fixed = {path for path in paths if number not in path}
        self.assertEqual(paths - fixed, {f"{LANDING_PATH}/receipt/{number}"})
        for path in fixed:
            self.assertRegex(path, r"^(#[a-z_]+|/|/my/financial-address[a-z/-]*)$")

    def test_limit_of_searches(self):
        self.env["ir.config_parameter"].set_param("g2p_spar.searches_per_hour", "2")
        self.arrive("alice")
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank")
        self.press_button("Testing Bank")
        for _ in range(2):
            self.press_button("Search", query="harbour")
            self.assertIn("Harbour", self.text)
        self.press_button("Search", query="harbour")
        self.assertEqual(self.answer.status_code, 429)
        answer = self.post(f"{CHANGE_PATH}/search", query="x", **self._token())
        self.assertEqual(answer.status_code, 429)

    def test_limit_of_changes(self):
        self.arrive("alice", number="111122223333")
        for place in range(2):
            self.env["ir.config_parameter"].set_param("g2p_spar.changes_per_day", "2")
            self.choose(number=f"12345678901{place}")
            self.show(self.sign_in_again("alice"))
            self.env["ir.config_parameter"].set_param("g2p_spar.changes_per_day", "1")
            self.press_button("Confirm")
            if not place:
                self.press_button("Cancel this change")
        self.assertEqual(self.answer.status_code, 409)
        self.assertIn("Please try again tomorrow", self.text)
        self.assert_no_way("Please try again tomorrow")

    def assert_no_way(self, reason):
        """Said before anything is chosen, typed or confirmed by another sign-in."""
        for path in (CHANGE_PATH, f"{LANDING_PATH}/remove"):
            self.visit(path)
            self.assertEqual(self.answer.status_code, 409)
            self.assertIn(reason, self.text)

    def test_nobody_to_tell(self):
        self.arrive("alice", number="111122223333", email="")
        self.assert_no_way("no e-mail address of yours")
        company = self.env.ref("base.public_user").company_id
        company.spar_change_needs_contact = False
        self.visit(CHANGE_PATH)
        self.assertEqual(self.title, "Where do you want to be paid?")
        # and once more when it is asked for
        self.choose()
        company.spar_change_needs_contact = True
        self.show(self.sign_in_again("alice", email=""))
        self.press_button("Confirm")
        self.assertEqual(self.answer.status_code, 409)
        self.assertIn("no e-mail address of yours", self.text)
        self.assertFalse(self.changes())

    def test_nobody_to_tell_of_a_first_address(self):
        """It takes effect at once, and takes nothing from anybody; but not after a removal."""
        self.arrive("alice", email="")
        self.visit(CHANGE_PATH)
        self.assertEqual(self.answer.status_code, 200)
        connectors = type(self.env["g2p.spar.connector"])
        self.patch(connectors, "_capabilities", lambda _connector: {"history"})
        self.patch(connectors, "_ever_linked", lambda _connector, ids: set(ids))
        self.visit(CHANGE_PATH)
        self.assertEqual(self.answer.status_code, 409)

    # === search in place === #

    def test_search_in_place(self):
        self.arrive("alice")
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank")
        self.press_button("Testing Bank")
        [form] = self.page.xpath("//form[@data-search]")
        self.assertIsNotNone(self.page.get_element_by_id(form.get("data-search")))
        _action, values = self.form("Search")
        self.assertEqual(values["what"], "branch")
        answer = self.post(f"{CHANGE_PATH}/search", **{**values, "query": "harb"})
        self.assertEqual(answer.status_code, 200)
        piece = lxml.html.fragment_fromstring(answer.text, create_parent=True)
        [button] = [b for b in piece.iter("button") if b.get("name") == "branch_id"]
        self.assertEqual(button.get("value"), str(self.other_branch.id))
        self.assertNotIn("<html", answer.text)
        self.show(
            self.post(f"{CHANGE_PATH}/branch", branch_id=button.get("value"), **self._token())
        )
        self.assertEqual(self.title, "Your account number")

    def test_search_in_place_for_another_provider(self):
        """Back on the list of banks, with one chosen already."""
        self.arrive("alice")
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank")
        self.press_button("Testing Bank")
        answer = self.post(f"{CHANGE_PATH}/search", query="plain", what="provider", **self._token())
        self.assertIn("Plain Bank", answer.text)
        self.assertNotIn("Testing Bank", answer.text)

    def test_files_and_nul_in_forms(self):
        self.arrive("alice")
        self.visit(CHANGE_PATH)
        self.press_button("Continue", kind="bank")
        self.press_button("Testing Bank")
        token = self._token()
        for path, names in (
            ("/search", ("query", "what")),
            ("/branch", ("query", "page", "branch_id")),
            ("/provider", ("query", "page", "provider_id")),
            ("/number", ("number", "holder_name")),
            ("/review", ("version", "password")),
            ("/sign-in", ("version",)),
            ("", ("kind",)),
        ):
            for name in names:
                files = {name: ("x.txt", b"a file")}
                answer = self.url_open(
                    f"{CHANGE_PATH}{path}", data=token, files=files, allow_redirects=False
                )
                self.assertLess(answer.status_code, 500, (path, name))
                answer = self.post(f"{CHANGE_PATH}{path}", **{**token, name: "a\0b"})
                self.assertLess(answer.status_code, 500, (path, name))

    def test_search_in_place_without_a_draft(self):
        self.arrive("alice")
        answer = self.post(f"{CHANGE_PATH}/search", query="harb", **self._token())
        self.assertEqual((answer.status_code, answer.text), (409, ""))

    def test_moments(self):
        self.arrive("alice", number="111122223333")
        partner = self.env.company.partner_id
        shown = []
        for zone in (False, "Pacific/Kiritimati"):
            partner.tz = zone
            self.choose()
            shown.append(re.search(r"When (\w+ \d+, \d{4}, .*?M( UTC)?)", self.text))
        self.assertTrue(shown[0][2], "without a time zone, it says which one")
        self.assertFalse(shown[1][2])
        self.assertNotEqual(shown[0][1], shown[1][1])

    # === accessibility that can be told without a browser === #

    def _every_page(self):
        self.arrive("alice", number="111122223333")
        yield self.page
        yield self.visit(CHANGE_PATH)
        yield self.press_button("Continue", kind="")
        yield self.press_button("Continue", kind="bank")
        yield self.press_button("Testing Bank")
        yield self.press_button("Search", query="zzz")
        yield self.press_button("Search", query="harb")
        yield self.press_button("Harbour TB2, Nilgiri")
        yield self.press_button("Continue", number="")
        yield self.press_button("Continue", number="123456789012")
        self.show(self.sign_in_again("alice"))
        yield self.press_button("Confirm")
        yield self.visit(f"{LANDING_PATH}/history")
        yield self.visit(f"{LANDING_PATH}/help")

    def test_accessible_structure(self):
        titles = []
        for page in self._every_page():
            titles.append(self.title)
            self.assertTrue(page.get("lang") or page.getroottree().getroot().get("lang"))
            self.assertEqual(len(page.findall(".//h1")), 1)
            self.assertEqual(len(page.findall(".//main")), 1)
            ids = [element.get("id") for element in page.xpath("//*[@id]")]
            self.assertEqual(len(ids), len(set(ids)), "ids are unique")
            for field in page.xpath("//input[not(@type='hidden')]"):
                labelled = field.getparent().tag == "label" or page.xpath(
                    f"//label[@for='{field.get('id')}']"
                )
                self.assertTrue(labelled, field.attrib)
                for described in (field.get("aria-describedby") or "").split():
                    self.assertIn(described, ids)
            for link in page.find_class("errors")[0].iter("a") if page.find_class("errors") else ():
                self.assertIn(link.get("href")[1:], ids)
            for element in page.xpath("//*[@style or @onclick]"):
                self.fail(f"The policy forbids this: {element.attrib}")
        self.assertEqual(len(titles), 13)

    def test_size(self):
        """A later page brings little: the rest is in the browser already."""
        for _page in self._every_page():
            self.assertLess(len(zlib.compress(self.answer.content, 6)), 5_000, self.path)
        module = self.url_open("/g2p_spar_self_service/static/src/pages.js")
        self.assertLess(len(module.content), 10_000)

    # === statements === #

    def test_statement_counts(self):
        self.arrive("alice", number="111122223333")
        self.choose("bank", "Testing Bank", branch="Harbour TB2, Nilgiri")
        for path, most in (
            (HOME_PATH, 12),
            (f"{LANDING_PATH}/history", 10),
            (CHANGE_PATH, 13),
            (f"{CHANGE_PATH}/provider", 14),
            (f"{CHANGE_PATH}/branch", 15),
            (f"{CHANGE_PATH}/number", 15),
            (REVIEW_PATH, 12),
        ):
            self.get(path)
            with self.subTest(path), self.assertQueryCount(most):
                self.assertEqual(self.get(path).status_code, 200)
