# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What keeps somebody who has taken a sign-in over from changing an address unnoticed."""

import re
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.g2p_spar_connector.secret import SealBroken, SecretKeyMissing

from ..models.g2p_spar_change_draft import NotConfirmed, beneficiary_key
from ..web import HOME_PATH, LANDING_PATH
from .change_common import ChangeCommon
from .pages_common import CHANGE_PATH, REVIEW_PATH, PagesCase

LANE = "odoo.addons.g2p_spar_self_service.models.g2p_spar_change_lane"
MARIA, THIEF = "maria@example.org", "thief@example.org"


class Moments:
    def later(self, **delta):
        """As if so much time had passed."""
        now = fields.Datetime.now() + timedelta(**delta)
        return self.startPatcher(patch.object(fields.Datetime, "now", lambda: now))


class TestChangeProtection(Moments, ChangeCommon):
    def told(self, change):
        return {to for to, _subject, _body in self.mails(change)}

    def links_of(self, change):
        """Links of a change by whom they were sent to."""
        return {
            to: self.links.of_token(found[1])
            for to, _subject, body in self.mails(change)
            if (found := re.search(r"/cancel/([\w-]+)", body))
        }

    def thief(self, email=THIEF):
        """Somebody with Maria's sign-in and a contact of their own."""
        return self.person("maria", email=email)

    def known_of_maria(self):
        return self.known.of_person(self.changes.digest_of(self.maria.id))

    # === known contacts === #

    def test_contact_that_is_withheld(self):
        """Of an earlier sign-in that led to no change."""
        self.put_on_record(self.maria)
        self.known.note_person(self.maria, self.changes.digest_of(self.maria.id))
        change = self.ask(self.without_contacts(self.maria))
        self.assertEqual(self.told(change), {MARIA})
        self.assertIn(MARIA, self.links_of(change), "it is the latest one that was brought")

    def test_many_contacts_do_not_push_the_owners_out(self):
        self.put_on_record(self.maria)
        digest = self.changes.digest_of(self.maria.id)
        self.known.note_person(self.maria, digest)
        for place in range(10):
            self.later(minutes=1)
            self.known.note_person(self.thief(f"thief{place}@example.org"), digest)
        told = self.told(self.ask(self.thief()))
        self.assertIn(MARIA, told)
        self.assertIn(THIEF, told)
        self.assertLessEqual(len(told), 6)
        stored = self.known.search_count([("person_digest", "=", digest)])
        self.assertLessEqual(stored, 6)

    def test_contacts_are_sealed(self):
        self.known.note_person(self.maria, self.changes.digest_of(self.maria.id))
        self.env.cr.execute(
            "SELECT string_agg(row_to_json(c)::text, '') FROM g2p_spar_known_contact c"
        )
        self.assertNotIn("maria", self.env.cr.fetchone()[0])

    def test_visit_writes_once(self):
        digest = self.changes.digest_of(self.maria.id)
        self.known.note_person(self.maria, digest)
        with self.assertQueryCount(2):
            self.known.note_person(self.maria, digest)

    def test_phone_alone_is_told_where_something_sends_to_it(self):
        self.put_on_record(self.maria)
        with self.assertRaisesRegex(UserError, "go to the office"):
            self.ask(replace(self.maria, email=""))
        self.patch(type(self.changes), "_can_tell", lambda change, contact: contact["phone"])
        self.assertTrue(self.ask(replace(self.maria, email="")))

    def test_first_link_needs_no_contact(self):
        self.assertEqual(self.apply(self.ask(self.without_contacts(self.maria))), "applied")

    # === each contact has a link of its own === #

    def test_former_contact_stops_one_change(self):
        self.put_on_record(self.maria)
        self.known.note_person(
            self.thief("former@example.org"), self.changes.digest_of(self.maria.id)
        )
        self.later(minutes=1)
        change = self.ask(self.maria)
        links = self.links_of(change)
        self.assertEqual(set(links), {MARIA, "former@example.org"})
        self.assertNotEqual(*(link.token_hash for link in links.values()))
        self.assertTrue(links["former@example.org"].cancel())
        self.assertEqual(change.cancelled_by, "f•••@e•••.org")
        change = self.ask(self.maria)
        self.assertEqual(self.told(change), {MARIA, "former@example.org"}, "it is told still")
        self.assertEqual(set(self.links_of(change)), {MARIA}, "but has no say any more")

    def test_present_contact_stops_as_often_as_it_likes(self):
        self.put_on_record(self.maria)
        for _ in range(2):
            link = self.links_of(self.ask(self.maria))[MARIA]
            self.assertTrue(link.cancel())
        self.assertFalse(self.known_of_maria().has_stopped)

    # === stopped by link === #

    def test_link_signs_out_everywhere(self):
        self.put_on_record(self.maria)
        digest = self.changes.digest_of(self.maria.id)
        people = [self.maria, self.thief(), self.juan]
        for person in people:
            person.session.id_digest = self.changes.digest_of(person.id)
        self.known.note_person(self.maria, digest)
        change = self.ask(people[1])
        draft = self.draft(self.maria, key=beneficiary_key(self.maria.session))
        self.links_of(change)[MARIA].cancel()
        self.assertEqual([bool(p.session.ended_at) for p in people], [True, True, False])
        self.assertFalse(draft.content_sealed, "what was in preparation is gone")

    def test_held_after_three(self):
        self.put_on_record(self.maria)
        for _ in range(3):
            stopped = self.ask(self.maria)
            stopped.cancel("by_link")
        with self.assertRaisesRegex(UserError, "stopped several times"):
            self.ask(self.maria)
        self.ask(self.juan)
        self.later(days=2)
        with self.assertRaisesRegex(UserError, "stopped several times"):
            self.ask(self.person("maria"))
        groups = "g2p_spar_fa_directory.group_"
        officer = new_test_user(self.env, login="u-o", groups=f"{groups}officer")
        manager = new_test_user(self.env, login="u-m", groups=f"{groups}manager")
        with self.assertRaises(UserError):
            stopped.with_user(officer).action_release()
        stopped.with_user(manager).action_release()
        self.assertTrue(self.ask(self.person("maria")))

    def test_held_for_a_month(self):
        self.put_on_record(self.maria)
        for _ in range(3):
            self.ask(self.maria).cancel("by_link")
        self.later(days=31)
        self.assertFalse(self.changes.is_held(self.maria.id))

    def test_who_cancels_signed_in_is_not_held(self):
        self.put_on_record(self.maria)
        for _ in range(3):
            self.ask(self.maria).cancel("by_person")
        self.assertFalse(self.changes.is_held(self.maria.id))

    # === a link after a removal === #

    def test_link_after_a_removal_waits(self):
        self.put_on_record(self.maria)
        removal = self.ask(self.maria, remove=True)
        self.later(hours=48)
        self.assertEqual(self.apply(removal), "applied")
        self.maria = self.person("maria", email=MARIA)
        draft = self.draft(self.maria)
        self.assertTrue(draft.needs_sign_in(self.maria))
        with self.assertRaises(NotConfirmed):
            draft.confirm(self.maria, draft.version())
        change = self.ask(self.maria)
        self.assertEqual(change.operation, "link")
        self.assertEqual(change.due_at, change.requested_at + timedelta(hours=48))
        self.assertTrue(self.links_of(change))

    def test_link_after_a_removal_by_others_waits(self):
        """By the mapper's word."""
        connectors = type(self.connector)
        self.patch(connectors, "_capabilities", lambda connector: {"history"})
        self.patch(connectors, "_ever_linked", lambda connector, ids: {*ids} & {self.maria.id})
        self.assertTrue(self.draft(self.maria).needs_sign_in(self.maria))
        self.assertFalse(self.draft(self.juan).needs_sign_in(self.juan))

    # === the lane, and a key that is lost === #

    def test_not_before_its_time(self):
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        self.env.cr.execute("SELECT set_config('spar.maintenance', 'test', true)")
        self.env.cr.execute(
            "UPDATE g2p_spar_change SET next_try_at = requested_at WHERE id = %s", [change.id]
        )
        self.later(minutes=1)
        self.apply_due()
        self.assertEqual((change.state, change.try_count), ("pending", 0))

    @mute_logger(LANE, LANE.removesuffix("_lane"))
    def test_lost_key_hinders_no_end(self):
        self.put_on_record(self.maria)
        self.put_on_record(self.juan)
        changes = [self.ask(person) for person in (self.maria, self.juan)]
        self.env.cr.execute("UPDATE g2p_spar_change SET trying = TRUE")
        self.env.invalidate_all()
        lost = self.startPatcher(patch(f"{LANE.removesuffix('_lane')}.unseal"))
        lost.side_effect = SealBroken("lost")
        self.assertTrue(changes[0].cancel("by_person"))
        lost.side_effect = SecretKeyMissing("lost")
        self.later(days=10)
        self.assertEqual(self.apply(changes[1]), "failed")
        self.assertEqual(changes[1].outcome, "unreadable")


class TestChangeProtectionPages(Moments, PagesCase):
    def portal_user(self, login="portal-alice", **values):
        user = new_test_user(self.env, login, groups="base.group_portal", **values)
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
        return user

    def put_on_record(self):
        self.mapper.mappings["token:77@signin-test"] = ("account:111122223333@PLNB", None)

    def told(self):
        number = self.changes()[-1].number
        mails = self.env["mail.mail"].sudo().search([("body_html", "ilike", number)])
        return set(mails.mapped("email_to"))

    def link_to(self, email):
        mail = self.env["mail.mail"].sudo().search([("email_to", "=", email)])
        return re.search(r'href="[^"]*(/my/financial-address/cancel/[\w-]+)"', mail.body_html)[1]

    # === users of this site === #

    def test_taken_over_portal_user(self):
        """With the cookie alone: another e-mail address, a new password by it, and a change."""
        user = self.portal_user(email="alice@example.org")
        self.put_on_record()
        self.log_in(user.login)
        self.choose()
        user.partner_id.email = THIEF
        user.invalidate_recordset()
        self.press_button("Confirm", password=user.login)
        self.assertEqual(self.answer.status_code, 409)
        self.assertIn("was changed a short time ago", self.text)
        self.assertTrue(user.login_date)
        user.password = "new of the thief"
        self.env.flush_all()
        self.authenticate(user.login, "new of the thief")
        self.opener.cookies.set("session_id", self.session.sid)
        self.visit(HOME_PATH)
        self.visit(CHANGE_PATH)
        self.assertEqual(self.answer.status_code, 409)
        self.assertIn("was changed a short time ago", self.text)
        self.assertFalse(self.changes())
        self.later(hours=49)
        self.choose()
        self.press_button("Confirm", password="new of the thief")
        self.assertIn("It takes effect on", self.text)
        self.assertEqual(self.told(), {"alice@example.org", THIEF})

    def test_login_that_is_an_address_is_told(self):
        user = self.portal_user("alice.login@example.org", email="alice@example.org")
        self.put_on_record()
        self.log_in(user.login)
        self.visit(HOME_PATH)
        self.choose()
        self.press_button("Confirm", password=user.login)
        self.assertEqual(self.told(), {"alice.login@example.org", "alice@example.org"})

    def test_portal_user_types_the_password_for_a_first_address(self):
        user = self.portal_user()
        self.log_in(user.login)
        self.choose()
        self.press_button("Confirm")
        self.assertEqual(self.path, REVIEW_PATH)
        self.press_button("Confirm", password=user.login)
        self.assertIn("It took effect", self.text)

    def test_link_logs_a_portal_user_out(self):
        user = self.portal_user(email="alice@example.org")
        self.put_on_record()
        # tests' sessions are not among a user's devices unless they ask for it
        self.log_in(user.login, {"_trace_disable": False})
        self.visit(HOME_PATH)
        self.choose()
        self.press_button("Confirm", password=user.login)
        with self.other_browser():
            self.visit(self.link_to("alice@example.org"))
            self.press_button("Cancel this change")
            self.assertIn("It was cancelled", self.text)
        self.assertEqual(self.get("/my/account").status_code, 303, "to the log-in")

    def test_what_is_stamped(self):
        user = self.portal_user(email="alice@example.org")
        staff = new_test_user(self.env, "u-staff", email="s@example.org", password="one of staff")
        delay = timedelta(hours=48)
        user.password = "first of a new user"
        self.assertFalse(user.spar_proves_from(delay), "before any log-in")
        user.partner_id.write({"email": "alice@example.org", "name": "Alice"})
        self.assertFalse(user.spar_proves_from(delay), "nothing was changed")
        user.partner_id.email = "other@example.org"
        self.assertTrue(user.spar_proves_from(delay))
        self.assertFalse(user.spar_proves_from(timedelta()))
        staff.partner_id.email = "t@example.org"
        self.assertFalse(staff.partner_id.sudo().spar_email_changed_at)

    # === national ID === #

    def test_contact_withheld_at_the_provider(self):
        self.arrive("alice", number="111122223333")
        self.sign_out()
        self.arrive("alice", email=None)
        self.choose()
        self.show(self.sign_in_again("alice"))
        self.press_button("Confirm")
        self.assertEqual(self.told(), {"alice@example.org"})

    def test_link_ends_the_session(self):
        self.arrive("alice", number="111122223333")
        self.choose()
        self.show(self.sign_in_again("alice"))
        self.press_button("Confirm")
        with self.other_browser():
            self.visit(self.link_to("alice@example.org"))
            self.press_button("Cancel this change")
            self.assertIn("It was cancelled", self.text)
        self.assertNotSignedIn()

    def test_sign_out_wipes_the_draft(self):
        self.arrive("alice")
        self.choose()
        drafts = self.env["g2p.spar.change.draft"].sudo()
        draft = drafts.search([], order="id desc", limit=1)
        self.assertTrue(draft.content_sealed)
        self.sign_out()
        draft.invalidate_recordset()
        self.assertFalse(draft.content_sealed)

    # === errors === #

    def test_headers_of_errors(self):
        self.arrive("alice")
        for status, answer in (
            (404, self.get(f"{LANDING_PATH}/nothing-here")),
            (404, self.get(f"{LANDING_PATH}/receipt/nothing")),
            (405, self.get(f"{LANDING_PATH}/sign-out")),
        ):
            self.check_headers(status, answer)
        with mute_logger("odoo.http"):
            self.check_headers(400, self.post(REVIEW_PATH))
        self.assertNotIn("Content-Security-Policy", self.get("/nothing-here").headers)

    def check_headers(self, status, answer):
        self.assertEqual(answer.status_code, status, answer.url)
        self.assertEqual(answer.headers["Cache-Control"], "no-store", answer.url)
        self.assertEqual(answer.headers["X-Frame-Options"], "DENY")
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
