# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import re
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import file_open, mute_logger

from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome
from odoo.addons.g2p_spar_connector.secret import SealBroken

from ..models.g2p_spar_change_draft import DraftGone, NotConfirmed
from ..models.g2p_spar_change_link import token_hash
from ..models.g2p_spar_self_service import CannotChange
from ..models.g2p_spar_signin_attempt import TooManyAttempts
from ..receipt import read_number
from .change_common import ChangeCommon

LANE = "odoo.addons.g2p_spar_self_service.models.g2p_spar_change_lane"
PLUS_48_HOURS = timedelta(hours=48)


class TestChange(ChangeCommon):
    def later(self, **delta):
        """As if so much time had passed."""
        now = fields.Datetime.now() + timedelta(**delta)
        return self.startPatcher(patch.object(fields.Datetime, "now", lambda: now))

    def cancel_token(self, change):
        [(_to, _subject, body)] = self.mails(change)[:1]
        return re.search(r"/cancel/([\w-]+)", body)[1]

    # === first link === #

    def test_first_link_takes_effect_at_once(self):
        change = self.ask(self.maria)
        self.assertEqual((change.operation, change.state), ("link", "pending"))
        self.assertEqual(change.due_at, change.requested_at)
        self.assertEqual(self.mapper.writes(), [], "not before it is on record")
        self.assertEqual(self.apply(change), "applied")
        self.assertEqual(self.mapper.fa_of(self.maria.id), "account:123456789012@PLNB")
        self.assertEqual(self.mapper.writes(), ["link"])
        self.assertEqual(change.new_masked, "Plain Bank: ••••9012")
        self.assertFalse(change.old_masked)
        self.assertFalse(change.new_sealed, "the address is wiped")
        self.assertFalse(self.links.search([("change_id", "=", change.id)]))
        self.assertTrue(change.ended_at)
        self.assertEqual(read_number(change.number), change.number)

    def test_who(self):
        change = self.ask(self.maria)
        self.apply(change)
        _operation, actor, _item = self.mapper.calls[-1]
        self.assertEqual((actor.kind, actor.channel), ("beneficiary", "portal"))
        self.assertEqual(actor.reason, f"receipt {change.number}")
        self.assertNotIn("Maria", actor.name, "history gets no name of a person")

    def test_nothing_readable_is_stored(self):
        for change in (self.ask(self.maria), self.ask(self.juan, "999988887777")):
            self.env.cr.execute(
                "SELECT row_to_json(c)::text FROM g2p_spar_change c WHERE id = %s", [change.id]
            )
            [stored] = self.env.cr.fetchone()
            for secret in ("123456789012", "999988887777", "maria@", "token:", "@nationalId"):
                self.assertNotIn(secret, stored)
        self.env.cr.execute(
            "SELECT string_agg(row_to_json(d)::text, '') FROM g2p_spar_change_draft d"
        )
        self.assertNotIn("123456789012", self.env.cr.fetchone()[0])

    # === a change of an existing address === #

    def test_change_waits(self):
        old = self.put_on_record(self.maria)
        change = self.ask(self.maria)
        self.assertEqual(change.operation, "update")
        self.assertEqual(change.due_at, change.requested_at + PLUS_48_HOURS)
        self.assertEqual(change.old_masked, "Plain Bank: ••••3333")
        self.apply_due()
        self.assertEqual(change.state, "pending")
        self.assertEqual(self.mapper.fa_of(self.maria.id), old, "the old one is answered")
        self.later(hours=47)
        self.apply_due()
        self.assertEqual(change.state, "pending")
        self.later(hours=1, seconds=1)
        self.apply_due()
        self.assertEqual(change.state, "applied")
        self.assertEqual(self.mapper.fa_of(self.maria.id), "account:123456789012@PLNB")
        self.assertFalse(change.new_sealed)

    def test_delay_is_a_setting(self):
        self.put_on_record(self.maria)
        self.env["ir.config_parameter"].set_param("g2p_spar.change_delay_hours", "24")
        change = self.ask(self.maria)
        self.assertEqual(change.due_at, change.requested_at + timedelta(hours=24))
        change.cancel("by_person")
        self.env["ir.config_parameter"].set_param("g2p_spar.change_delay_hours", "0")
        change = self.ask(self.maria)
        self.assertEqual(change.due_at, change.requested_at)

    def test_removal_waits_too(self):
        """Else a removal and a first link together would be a change without any delay."""
        self.put_on_record(self.maria)
        change = self.ask(self.maria, remove=True)
        self.assertEqual(change.operation, "unlink")
        self.assertEqual(change.due_at, change.requested_at + PLUS_48_HOURS)
        self.assertFalse(change.new_masked)
        with self.assertRaises(UserError):
            self.ask(self.maria, key="another session")
        self.later(hours=48)
        self.apply_due()
        self.assertEqual(change.state, "applied")
        self.assertIsNone(self.mapper.fa_of(self.maria.id))
        self.assertEqual(self.mapper.writes(), ["unlink"])

    def test_nothing_to_remove(self):
        with self.assertRaises(CannotChange) as caught:
            self.draft(self.maria, remove=True)
        self.assertEqual(caught.exception.current.state, "none")

    def test_name_of_the_account_before_goes(self):
        self.put_on_record(self.maria)
        self.mapper.mappings[self.maria.id.lower()] = (self.mapper.fa_of(self.maria.id), "Pedro")
        change = self.ask(self.maria)
        self.later(hours=48)
        self.apply(change)
        self.assertFalse(self.mapper.mappings[self.maria.id.lower()][1])

    # === compare and set === #

    def test_address_changed_meanwhile(self):
        self.put_on_record(self.maria)
        for remove in (False, True):
            change = self.ask(self.maria, remove=remove)
            theirs = self.put_on_record(self.maria, f"55556666777{int(remove)}")
            self.mapper.calls.clear()
            self.assertEqual(self.apply(change), "refused")
            self.assertEqual(change.outcome, "address_changed")
            self.assertIn("in another way", change.outcome_text)
            self.assertEqual(self.mapper.writes(), [])
            self.assertEqual(self.mapper.fa_of(self.maria.id), theirs)
            self.assertFalse(change.new_sealed)

    def test_linked_meanwhile(self):
        change = self.ask(self.maria)
        theirs = self.put_on_record(self.maria)
        self.assertEqual(self.apply(change), "refused")
        self.assertEqual(self.mapper.fa_of(self.maria.id), theirs)

    def test_removed_meanwhile(self):
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        self.mapper.mappings.clear()
        self.assertEqual(self.apply(change), "refused")
        self.assertEqual(self.mapper.mappings, {}, "never applied blindly")

    def test_somebody_did_the_same(self):
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        self.put_on_record(self.maria, "123456789012")
        self.assertEqual(self.apply(change), "applied")
        self.assertEqual(self.mapper.writes(), [])

    def test_put_on_hold_meanwhile(self):
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        self.mapper.suspended.add(self.maria.id.lower())
        self.assertEqual(self.apply(change), "refused")
        self.assertEqual(change.outcome_text, "Your record is on hold.")

    def test_refused_by_the_mapper(self):
        for person, outcome in ((self.maria, Outcome.FA_INVALID), (self.juan, Outcome.OTHER)):
            self.mapper.refuses = outcome
            change = self.ask(person)
            self.assertEqual(self.apply(change), "refused")
            self.assertEqual(change.outcome, str(outcome))
            self.assertTrue(change.outcome_text)

    # === mapper away === #

    def test_tried_again(self):
        change = self.ask(self.maria)
        self.mapper.away = True
        self.assertEqual(self.apply(change), "pending")
        self.assertFalse(change.maybe_done)
        self.mapper.away = False
        self.assertEqual(self.apply(change), "applied")

    def test_pauses_grow(self):
        change = self.ask(self.maria)
        self.mapper.away = True
        moments = [change.next_try_at]
        for _ in range(8):
            self.startPatcher(patch.object(fields.Datetime, "now", lambda: moments[-1]))
            self.apply_due()
            moments.append(change.next_try_at)
        pauses = [(b - a).total_seconds() for a, b in zip(moments, moments[1:], strict=False)]
        self.assertEqual(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600])

    def test_given_up(self):
        change = self.ask(self.maria)
        self.mapper.away = True
        self.later(days=7, seconds=1)
        self.assertEqual(self.apply(change), "failed")
        self.assertEqual(change.outcome, "given_up")
        self.assertFalse(change.new_sealed)

    def test_answer_lost(self):
        """Done there, not heard of here: the next try finds it, and does nothing twice."""
        self.mapper.deaf = True
        change = self.ask(self.maria)
        self.assertEqual(self.apply(change), "pending")
        self.assertTrue(change.maybe_done)
        self.mapper.deaf = False
        self.assertEqual(self.apply(change), "applied")
        self.assertEqual(self.mapper.writes(), ["link"], "one event")

    def test_lost_halfway(self):
        """Who was killed while the mapper was asked may have reached it."""
        change = self.ask(self.maria)
        self.env.cr.execute("UPDATE g2p_spar_change SET trying = TRUE WHERE id = %s", [change.id])
        change.invalidate_recordset()
        self.put_on_record(self.maria, "123456789012")
        self.assertFalse(change.cancel("by_person"))
        self.assertEqual(change.state, "applied")

    def test_failure_after_sending(self):
        change, answer = self.ask(self.maria), self.mapper.call

        def call(connector, operation, *args, **options):
            result = answer(connector, operation, *args, **options)
            if operation == "link":
                raise ValueError("odd")
            return result

        self.mapper.call = call
        with self.assertLogs(LANE, "ERROR"):
            self.apply(change)
        self.assertTrue(change.trying)
        self.assertFalse(change.cancel("by_person"))
        self.assertEqual(change.state, "applied")

    def test_cancel_while_the_mapper_is_away(self):
        """A try that has not got as far as the change itself is no obstacle."""
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        self.mapper.away = True
        self.assertEqual(self.apply(change), "pending")
        self.assertTrue(change.cancel("by_link"))

    def test_mapper_that_is_away_is_asked_once_in_a_run(self):
        changes = self.ask(self.maria) | self.ask(self.juan)
        self.mapper.calls.clear()
        self.mapper.away = True
        self.apply_due()
        self.assertEqual(len(self.mapper.calls), 1)
        self.mapper.away = False
        self.later(minutes=3)
        self.apply_due()
        self.assertEqual(changes.mapped("state"), ["applied", "applied"])

    def test_failing_notice_harms_nothing(self):
        change = self.ask(self.maria)
        failure = patch.object(type(change), "_send_notice", side_effect=ValueError("maria@x"))
        with failure, self.assertLogs(LANE.replace("_lane", "_notice"), "ERROR") as log:
            self.assertEqual(self.apply(change), "applied")
        self.assertNotIn("maria", "".join(log.output))

    def test_no_backend(self):
        change = self.ask(self.maria)
        with patch.object(type(self.connector), "_call", side_effect=UserError("none")):
            self.assertEqual(self.apply(change), "pending")
        self.assertFalse(change.trying)
        self.connector.active = False
        self.assertEqual(self.apply(change), "pending")

    def test_unexpected_exception_harms_nobody_else(self):
        """And its text, which may hold an address, does not reach the log."""
        faulty, sound = self.ask(self.maria), self.ask(self.juan)
        answer = self.mapper.call

        def call(connector, operation, actor, items, **options):
            if items[0].id == self.maria.id:
                raise ValueError(f"odd {items[0].id}")
            return answer(connector, operation, actor, items, **options)

        self.mapper.call = call
        with self.assertLogs(LANE, "ERROR") as log:
            self.apply_due()
        self.assertNotIn("maria", "".join(log.output))
        self.assertEqual((faulty.state, sound.state), ("pending", "applied"))

    def lose_the_key(self):
        """As if all was sealed with a key that is not there any more."""
        lost = SealBroken("It was altered, or the key is not the one it was sealed with.")
        for module in ("g2p_spar_change", "g2p_spar_change_draft", "g2p_spar_known_contact"):
            path = f"odoo.addons.g2p_spar_self_service.models.{module}.unseal"
            self.startPatcher(patch(path, side_effect=lost))

    @mute_logger(LANE, LANE.removesuffix("_lane"))
    def test_lost_key(self):
        self.put_on_record(self.maria)
        cancelled, change = self.ask(self.maria), self.ask(self.juan)
        draft = self.draft(self.person("ana"))
        self.lose_the_key()
        self.assertEqual(self.apply(change), "pending")
        self.assertTrue(cancelled.cancel("by_link"), "what stops a change needs no key")
        self.assertEqual(draft.content(), {})
        self.later(days=8)
        self.assertEqual(self.apply(change), "failed")
        self.assertEqual(change.outcome_text, "It could not be carried out.")

    # === cancel === #

    def test_cancel(self):
        old = self.put_on_record(self.maria)
        change = self.ask(self.maria)
        self.assertTrue(change.cancel("by_person"))
        self.assertEqual((change.state, change.outcome), ("cancelled", "by_person"))
        self.assertFalse(change.new_sealed)
        self.later(hours=49)
        self.apply_due()
        self.assertEqual(self.mapper.fa_of(self.maria.id), old)
        self.assertFalse(change.cancel("by_person"), "once")

    def test_cancel_link(self):
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        token = self.cancel_token(change)
        self.assertGreaterEqual(len(token), 43, "256 bits")
        link = self.links.of_token(token)
        self.assertEqual((link.change_id, link.token_hash), (change, token_hash(token)))
        for wrong in ("", "x", token[:-1], token + "x", token_hash(token), change.number):
            self.assertFalse(self.links.of_token(wrong), wrong)
        self.assertTrue(link.cancel())
        self.assertFalse(self.links.of_token(token).cancel(), "single use")
        self.assertEqual(change.cancelled_by, "m•••@e•••.org")
        self.later(days=31)
        self.assertFalse(self.links.of_token(token), "it tells of it for a month")
        self.links._gc()
        self.assertFalse(link.exists())

    def test_cancel_what_is_done(self):
        change = self.ask(self.maria)
        self.apply(change)
        self.assertFalse(change.cancel("by_person"))
        self.assertEqual(change.state, "applied")

    def test_cancel_what_may_be_done(self):
        self.mapper.deaf = True
        change = self.ask(self.maria)
        self.apply(change)
        self.mapper.away = True
        with self.assertRaisesRegex(UserError, "does not answer"):
            change.cancel("by_person")
        self.mapper.away = self.mapper.deaf = False
        self.assertFalse(change.cancel("by_person"))
        self.assertEqual(change.state, "applied", "too late, and it says so")

    def test_cancel_what_was_not_done_after_all(self):
        self.mapper.deaf = True
        change = self.ask(self.maria)
        self.apply(change)
        self.mapper.mappings.clear()
        self.mapper.deaf = False
        self.assertTrue(change.cancel("by_person"))

    # === who may what === #

    def test_another_persons(self):
        change = self.ask(self.maria)
        self.assertEqual(self.changes.receipt_of(self.maria.id, change.number), change)
        self.assertFalse(self.changes.receipt_of(self.juan.id, change.number))
        self.assertFalse(self.changes.of_person(self.juan.id))
        self.assertFalse(self.changes.pending_of(self.juan.id))
        self.assertEqual(self.changes.of_person(self.maria.id.upper()), change, "ID without case")

    def test_people_whose_ids_differ_by_case(self):
        """They are two where the case of IDs matters, and one elsewhere."""
        self.env["g2p.id.namespace"].create({"name": "exact", "case_sensitive": True})
        small, large = (
            replace(self.person(sub), id=f"token:{sub}@exact") for sub in ("abc", "ABC")
        )
        change = self.ask(small)
        self.assertFalse(self.changes.of_person(large.id))
        self.assertFalse(self.changes.receipt_of(large.id, change.number))
        self.assertEqual(
            self.changes.of_person("token:abc@EXACT"), self.changes.of_person(small.id)
        )

    def test_another_persons_draft(self):
        draft = self.draft(self.maria, key="one browser")
        self.assertEqual(self.drafts.of_session(self.maria, "one browser"), draft)
        self.assertFalse(self.drafts.of_session(self.juan, "one browser"))
        self.assertFalse(self.drafts.of_session(self.maria, "another browser"))

    def test_one_pending_change(self):
        self.put_on_record(self.maria)
        self.ask(self.maria)
        with self.assertRaisesRegex(UserError, "already asked"):
            self.ask(self.maria, "222233334444", key="another session")
        self.ask(self.juan)
        self.assertEqual(len(self.changes.of_person(self.maria.id)), 1)

    def test_limit_of_changes(self):
        self.put_on_record(self.maria)
        for place in range(5):
            self.ask(self.maria, f"12345678901{place}").cancel("by_person")
        with self.assertRaisesRegex(UserError, "5 changes within a day"):
            self.ask(self.maria)
        self.ask(self.juan)
        self.later(hours=25)
        self.maria = self.person("maria")
        self.ask(self.maria)

    # === draft === #

    def test_second_click(self):
        draft = self.draft(self.maria)
        version = draft.version()
        change = draft.confirm(self.maria, version)
        self.assertEqual(draft.confirm(self.maria, version), change)
        self.assertEqual(len(self.changes.of_person(self.maria.id)), 1)
        with self.assertRaises(DraftGone):
            draft.confirm(self.maria, "0" * 64)
        self.assertFalse(draft.content())

    def test_page_is_out_of_date(self):
        draft = self.draft(self.maria)
        version = draft.version()
        self.service.prepare(self.maria, draft, "222233334444")
        with self.assertRaises(DraftGone):
            draft.confirm(self.maria, version)
        for nothing in ("", "x"):
            with self.assertRaises(DraftGone):
                draft.confirm(self.maria, nothing)
        self.assertFalse(self.changes.of_person(self.maria.id))

    def test_draft_is_not_ready(self):
        draft = self.drafts.begin(self.maria, "s", kind="bank")
        with self.assertRaises(DraftGone):
            draft.confirm(self.maria, draft.version())

    def test_draft_expires(self):
        draft = self.draft(self.maria)
        self.later(minutes=31)
        with self.assertRaises(DraftGone):
            draft.confirm(self.maria, draft.version())
        self.assertEqual(draft.content(), {})

    def test_draft_is_replaced(self):
        first = self.draft(self.maria, key="s")
        version = first.version()
        second = self.drafts.begin(self.maria, "s", kind="bank")
        self.assertEqual(first, second)
        with self.assertRaises(DraftGone):
            second.confirm(self.maria, version)

    def test_draft_of_who_was_here_before(self):
        self.draft(self.maria, key="s")
        draft = self.drafts.begin(self.juan, "s")
        self.assertFalse(self.drafts.of_session(self.maria, "s"))
        self.assertEqual(draft.content(), {})

    # === fresh sign-in === #

    def test_fresh_sign_in_for_this_change(self):
        self.put_on_record(self.maria)
        draft = self.draft(self.maria)
        self.assertTrue(draft.needs_sign_in(self.maria))
        with self.assertRaises(NotConfirmed):
            draft.confirm(self.maria, draft.version())
        self.sign_in_again(draft, self.maria)
        self.assertFalse(draft.needs_sign_in(self.maria))
        # another account than the one that the sign-in was for
        self.service.prepare(self.maria, draft, "222233334444")
        self.assertTrue(draft.needs_sign_in(self.maria))
        with self.assertRaises(NotConfirmed):
            draft.confirm(self.maria, draft.version())
        self.sign_in_again(draft, self.maria)
        self.assertTrue(draft.confirm(self.maria, draft.version()))

    def test_fresh_sign_in_counts_once(self):
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        change.cancel("by_person")
        with self.assertRaises(NotConfirmed):
            draft = self.draft(self.maria)
            draft.confirm(self.maria, draft.version())

    def test_fresh_sign_in_gets_old(self):
        self.put_on_record(self.maria)
        draft = self.draft(self.maria)
        self.sign_in_again(draft, self.maria)
        self.later(minutes=11)
        self.assertTrue(draft.needs_sign_in(self.maria))
        with self.assertRaises(NotConfirmed):
            draft.confirm(self.maria, draft.version())

    def test_fresh_sign_in_of_somebody_else(self):
        self.put_on_record(self.maria)
        draft = self.draft(self.maria)
        self.sign_in_again(draft, self.juan)
        with self.assertRaises(NotConfirmed):
            draft.confirm(self.maria, draft.version())

    def test_first_link_needs_none(self):
        self.assertFalse(self.draft(self.maria).needs_sign_in(self.maria))

    # === searches === #

    def test_limit_of_searches(self):
        self.env["ir.config_parameter"].set_param("g2p_spar.searches_per_hour", "3")
        draft = self.drafts.begin(self.maria, "s")
        self.assertEqual([draft.count_search() for _ in range(4)], [True, True, True, False])
        draft = self.drafts.begin(self.maria, "s")
        self.assertFalse(draft.count_search(), "beginning again is no way around it")
        other = self.drafts.begin(self.maria, "another session")
        self.assertFalse(other.count_search(), "nor is another session")
        self.assertTrue(self.drafts.begin(self.juan, "his").count_search())
        self.later(minutes=61)
        self.assertTrue(draft.count_search())

    # === notices === #

    def test_notices(self):
        self.put_on_record(self.maria)
        change = self.ask(self.maria)
        [(to, subject, body)] = self.mails(change)
        self.assertEqual(to, "maria@example.org")
        self.assertEqual(subject, "Where you are paid is about to change")
        self.assertIn("/my/financial-address/cancel/", body)
        self.later(hours=48)
        self.apply(change)
        _first, (to, subject, body) = self.mails(change)
        self.assertEqual(subject, "Where you are paid has changed")
        self.assertNotIn("/cancel/", body)
        for _to, _subject, body in self.mails(change):
            for secret in ("9012", "3333", "Plain Bank", "token:", "nationalId"):
                self.assertNotIn(secret, body)
        sent = self.env["mail.mail"].sudo().search([("spar_change_id", "=", change.id)])
        self.assertEqual(sent.author_id, self.env.company.partner_id)

    def test_sender_of_notices(self):
        """The company's address as it is now; without one, that which Odoo has for it."""
        company = self.env.company
        for sub, email in (("a", "pay@example.org"), ("b", "benefits@example.org"), ("c", "")):
            company.email = email
            self.env.invalidate_all()  # as in the next request
            person = self.person(sub, email=f"{sub}@example.org")
            self.put_on_record(person)
            change = self.ask(person)
            [mail] = self.env["mail.mail"].sudo().search([("spar_change_id", "=", change.id)])
            default = self.env["ir.mail_server"]._get_default_from_address()
            self.assertEqual(mail.email_from or "", company.email_formatted or default or "")
            self.assertIn(email, mail.email_from or "")

    def test_notice_says_when(self):
        """In the time zone of the company, and in the person's language."""
        self.put_on_record(self.maria)
        self.env.company.partner_id.tz = "Pacific/Kiritimati"  # UTC+14
        change = self.ask(self.maria)
        at = change.due_at + timedelta(hours=14)
        text = change._notice_text("requested")
        self.assertIn(f"{at.day}, {at.year}", text)
        for notice in ("requested", "applied", "cancelled", "refused", "failed"):
            self.assertTrue(change._notice_subject(notice))
            self.assertNotIn("%(", change._notice_text(notice))

    def test_notice_to_the_contact_before(self):
        self.apply(self.ask(self.maria))
        thief = self.person("maria", email="thief@example.org")
        change = self.ask(thief, "222233334444")
        told = {to for to, _subject, _body in self.mails(change)}
        self.assertEqual(told, {"maria@example.org", "thief@example.org"})
        self.later(hours=48)
        self.apply(change)
        self.assertEqual(len(self.mails(change)), 4)
        self.assertFalse(change.contacts_sealed, "not kept longer than needed")
        self.later(days=300)
        change = self.ask(self.person("maria", email="new@example.org"), "333344445555")
        told = {to for to, _subject, _body in self.mails(change)}
        self.assertEqual(told, {"new@example.org", "thief@example.org", "maria@example.org"})
        self.later(days=200)
        self.known._gc()
        self.assertEqual(len(self.known.of_person(self.changes.digest_of(self.maria.id))), 1)

    def test_cancelled_change_leaves_the_contact_before(self):
        """A thief who cancels has not become the contact on record."""
        self.apply(self.ask(self.maria))
        self.ask(self.person("maria", email="thief@example.org"), "222233334444").cancel("by_link")
        change = self.ask(self.person("maria", email="thief@example.org"), "222233334444")
        self.assertIn("maria@example.org", {to for to, *_ in self.mails(change)})

    def test_hook_gets_phones(self):
        self.put_on_record(self.maria)
        sent = []

        def send(change, contact, notice, cancel_url=None):
            sent.append((contact["phone"], notice, bool(cancel_url)))

        self.patch(type(self.changes), "_send_notice", send)
        change = self.ask(self.maria)
        change.cancel("by_person")
        phone = self.maria.phone
        self.assertEqual(sent, [(phone, "requested", True), (phone, "cancelled", False)])

    def test_nobody_to_tell(self):
        self.put_on_record(self.maria)
        with self.assertRaisesRegex(UserError, "go to the office"):
            self.ask(self.without_contacts(self.maria))
        self.assertFalse(self.changes.of_person(self.maria.id))
        self.env.company.spar_change_needs_contact = False
        change = self.ask(self.without_contacts(self.maria))
        self.assertEqual(self.mails(change), [])

    def test_nobody_to_tell_by_provider_and_company(self):
        """The provider's own rule before that of its company, which is not that of others."""
        untold = self.without_contacts(self.maria)
        mine, other = self.env.company, self.env["res.company"].create({"name": "Other"})
        for company, company_asks, provider_asks, is_refused in (
            (False, True, False, True),
            (False, False, False, False),
            (False, False, "yes", True),
            (False, True, "no", False),
            (other, False, False, True),
        ):
            with self.subTest(company=company and company.name, own=provider_asks):
                mine.spar_change_needs_contact = company_asks
                self.provider.company_id = company
                self.provider.change_needs_contact = provider_asks
                self.assertEqual(self.changes._needs_contact(untold), is_refused)
        portal = replace(untold, session=untold.session.browse())
        mine.spar_change_needs_contact = False
        self.assertFalse(self.changes._needs_contact(portal))
        other.spar_change_needs_contact = False
        self.connector.company_id = other
        mine.spar_change_needs_contact = True
        self.assertFalse(self.changes._needs_contact(portal), "that of the connector")

    def test_who_must_be_told_is_on_record(self):
        self.provider.change_needs_contact = "no"
        [event] = self.provider.event_ids.filtered(
            lambda event: event.field_name == "change_needs_contact"
        )
        self.assertEqual((event.operation, event.new_value), ("write", "no"))

    # === append-only === #

    @mute_logger("odoo.sql_db")
    def test_history_is_append_only(self):
        self.put_on_record(self.maria)
        pending, ended = self.ask(self.maria), self.ask(self.juan)
        self.apply(ended)
        self.env.flush_all()
        for statement in (
            "UPDATE g2p_spar_change SET new_masked = 'x' WHERE id = %s",
            "UPDATE g2p_spar_change SET state = 'pending', new_sealed = 'x' WHERE id = %s",
            "UPDATE g2p_spar_change SET contacts_sealed = 'x' WHERE id = %s",
            "UPDATE g2p_spar_change SET person_digest = 'x' WHERE id = %s",
            "UPDATE g2p_spar_change SET due_at = now() WHERE id = %s",
            "UPDATE g2p_spar_change SET released_at = now() WHERE id = %s",
            "DELETE FROM g2p_spar_change WHERE id = %s",
        ):
            for change in (ended, pending):
                if "state" in statement and change == pending:
                    continue
                with (
                    self.subTest(statement),
                    self.assertRaisesRegex(psycopg2.Error, "append-only"),
                    self.env.cr.savepoint(),
                ):
                    self.env.cr.execute(statement, [change.id])
        with self.assertRaisesRegex(psycopg2.Error, "append-only"), self.env.cr.savepoint():
            self.env.cr.execute("TRUNCATE g2p_spar_change CASCADE")

    def test_purge(self):
        change, pending = self.ask(self.maria), self.ask(self.juan)
        self.apply(change)
        self.later(days=1826)
        self.changes._gc()
        self.assertTrue(change.exists())
        self.later(days=2)
        self.changes._gc()
        self.assertFalse(change.exists())
        self.assertTrue(pending.exists(), "what has not ended stays")

    def test_purge_of_drafts(self):
        draft = self.draft(self.maria)
        self.drafts._gc()
        self.assertTrue(draft.exists())
        self.later(hours=2)
        self.drafts._gc()
        self.assertFalse(draft.exists())

    # === access === #

    def test_nobody_else_reads(self):
        change, draft = self.ask(self.maria), self.draft(self.juan)
        groups = "g2p_spar_fa_directory.group_"
        users = [
            new_test_user(self.env, login=f"u-{g}", groups=g)
            for g in (
                "base.group_portal",
                "base.group_public",
                "base.group_user",
                f"{groups}viewer",
            )
        ]
        for user in users:
            for record in (change, draft):
                with self.assertRaises(AccessError):
                    record.with_user(user).read(["display_name"])
        officer = new_test_user(self.env, login="u-officer", groups=f"{groups}officer")
        manager = new_test_user(self.env, login="u-manager", groups=f"{groups}manager")
        for user in (officer, manager):
            mine = change.with_user(user)
            self.assertEqual(mine.read(["new_masked"])[0]["new_masked"], "Plain Bank: ••••9012")
            for name in ("new_sealed", "contacts_sealed", "person_digest"):
                with self.assertRaises(AccessError):
                    mine.read([name])
                with self.assertRaises(AccessError):
                    mine.search([(name, "!=", False)])
            for act in (
                lambda mine=mine: mine.write({"state": "cancelled"}),
                lambda mine=mine: mine.copy(),
                lambda mine=mine: mine.unlink(),
                lambda user=user: draft.with_user(user).read(["expires_at"]),
            ):
                with self.assertRaises(AccessError):
                    act()

    def test_back_office(self):
        """An officer finds a change by the number that somebody tells on the telephone."""
        change = self.ask(self.maria)
        self.ask(self.juan)
        officer = new_test_user(
            self.env, login="u-desk", groups="g2p_spar_fa_directory.group_officer"
        )
        mine = self.changes.with_user(officer)
        views = mine.get_views([(False, "list"), (False, "form"), (False, "search")])["views"]
        names = set(
            re.findall(r'<field name="(\w+)"', views["list"]["arch"] + views["form"]["arch"])
        )
        self.assertNotIn("connector_id", names, "managers only")
        told = change.number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        found = mine.web_search_read([("typed_number", "ilike", told)], {n: {} for n in names})
        self.assertEqual([record["number"] for record in found["records"]], [change.number])
        self.assertFalse(mine.search([("typed_number", "=", "no such number")]))

    def test_other_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            login="u-other",
            groups="g2p_spar_fa_directory.group_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        change = self.ask(self.maria)
        self.assertFalse(change.with_user(user).search([("id", "=", change.id)]))
        with self.assertRaises(AccessError):
            change.with_user(user).read(["number"])

    def test_neutralize(self):
        self.put_on_record(self.maria)
        pending, ended = self.ask(self.maria), self.ask(self.juan)
        self.apply(ended)
        self.env.flush_all()
        with file_open("g2p_spar_self_service/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertEqual((pending.state, ended.state), ("failed", "applied"))
        self.assertFalse(pending.new_sealed or pending.contacts_sealed)
        self.assertFalse(self.links.search([]) or self.known.search([]))
        self.assertFalse(ended.contacts_sealed)
        self.assertFalse(self.drafts.search([]))

    # === settings === #

    def test_settings(self):
        settings = self.env["res.config.settings"]
        self.assertEqual(settings.create({}).g2p_spar_change_delay_hours, 48)
        settings.create({"g2p_spar_change_delay_hours": 0}).set_values()
        self.assertEqual(settings.create({}).g2p_spar_change_delay_hours, 0)
        self.assertEqual(self.changes.delay(), timedelta())
        self.assertTrue(settings.create({}).g2p_spar_change_needs_contact)
        settings.create({"g2p_spar_change_needs_contact": False}).set_values()
        self.assertFalse(settings.create({}).g2p_spar_change_needs_contact)
        settings.create({"g2p_spar_changes_per_day": 3, "spar_contact": "Call us"}).set_values()
        self.assertEqual(self.changes.changes_per_day(), 3)
        self.assertEqual(self.env.company.spar_contact, "Call us")
        for wrong in (
            {"g2p_spar_change_delay_hours": -1},
            {"g2p_spar_change_delay_hours": 721},
            {"g2p_spar_changes_per_day": 0},
            {"g2p_spar_searches_per_hour": 0},
        ):
            with self.assertRaises(ValidationError):
                settings.create(wrong)

    def test_settings_of_sign_in(self):
        """0 is a limit of its own: Odoo keeps none by itself."""
        settings = self.env["res.config.settings"]
        name = "g2p_spar_signin_limit_browser"
        self.assertEqual(
            (settings.create({})[name], settings.create({}).g2p_spar_signin_keys_minutes), (20, 60)
        )
        settings.create({name: 0, "g2p_spar_signin_limit_address": 0}).set_values()
        self.assertEqual(settings.create({})[name], 0)
        attempts = self.env["g2p.spar.signin.attempt"]
        self.provider.write(
            {"client_id": "spar", "authorization_endpoint": "https://id.example.org/authorize"}
        )
        for _each in range(25):
            attempts.begin(self.provider, "one browser", "192.0.2.1", "https://x/", "/my")
        settings.create({name: 3}).set_values()
        with self.assertRaises(TooManyAttempts):
            attempts.begin(self.provider, "one browser", "192.0.2.1", "https://x/", "/my")
        for wrong in ({name: -1}, {"g2p_spar_signin_keys_minutes": 1}):
            with self.assertRaises(ValidationError):
                settings.create(wrong)

    # === statements === #

    def test_statement_counts(self):
        self.put_on_record(self.maria)
        draft = self.draft(self.maria)
        self.sign_in_again(draft, self.maria)
        self.env.flush_all()
        with self.assertQueryCount(38):
            change = draft.confirm(self.maria, draft.version())
            self.env.flush_all()
        with self.assertQueryCount(17):
            self.apply(change)
            self.env.flush_all()
