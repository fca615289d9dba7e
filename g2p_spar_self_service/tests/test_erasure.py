# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import re

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models.g2p_spar_change_draft import DraftGone
from .change_common import ChangeCommon


class TestErasure(ChangeCommon):
    def setUp(self):
        super().setUp()
        for person in (self.maria, self.juan):
            person.session.id_digest = self.changes.digest_of(person.id)

    def erase(self, *people):
        count = self.env["g2p.spar.erasure"].forget([person.id for person in people])
        self.env.invalidate_all()
        return count

    def stored(self, change):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT row_to_json(c) FROM g2p_spar_change c WHERE id = %s", [change.id]
        )
        return self.env.cr.fetchone()[0]

    def test_history_is_not_readable_any_more(self):
        self.put_on_record(self.maria)
        ended, other = self.ask(self.maria), self.ask(self.juan, "999988887777")
        number = ended.number
        ended.cancel("by_link", contact={"email": "maria@example.org", "phone": ""})
        self.assertTrue(ended.old_masked and ended.new_masked and ended.cancelled_by)
        self.assertTrue(self.erase(self.maria))
        self.assertFalse(ended.old_masked or ended.new_masked or ended.cancelled_by)
        self.assertFalse(ended.contacts_sealed or ended.new_sealed or ended.user_id)
        self.assertEqual(
            (ended.state, ended.outcome), ("cancelled", "by_link"), "what is no secret"
        )
        self.assertEqual(ended.number, number)
        self.assertFalse(self.changes.of_person(self.maria.id))
        self.assertFalse(self.changes.receipt_of(self.maria.id, number))
        stored = str(self.stored(ended))
        for told in ("9012", "3333", "Plain Bank", "maria", "m••"):
            self.assertNotIn(told, stored)
        # nothing of anybody else's
        self.assertTrue(other.new_masked)
        self.assertEqual(self.changes.of_person(self.juan.id), other)

    def test_a_change_that_waits_does_not_come_back(self):
        fa = self.put_on_record(self.maria)
        pending = self.ask(self.maria)
        [(_to, _subject, body)] = self.mails(pending)
        token = re.search(r"/cancel/([\w-]+)", body)[1]
        self.erase(self.maria)
        self.assertEqual((pending.state, pending.outcome), ("cancelled", "erased"))
        self.assertTrue(pending.ended_at and pending.erased_at)
        self.assertFalse(pending.new_sealed)
        self.assertEqual(self.mails(pending), [], "a message that has not left does not leave")
        self.assertFalse(self.links.of_token(token))
        self.apply_due()
        self.assertEqual(self.mapper.fa_of(self.maria.id), fa)

    def test_messages_of_others_stay(self):
        """Whatever they hold: nobody reads through all messages either."""
        self.put_on_record(self.maria)
        self.put_on_record(self.juan)
        pending, other = self.ask(self.maria), self.ask(self.juan, "999988887777")
        mails = self.env["mail.mail"].sudo()
        letter = mails.create({"subject": "Re", "body_html": f"<p>About {pending.number}</p>"})
        ours = mails.search([("spar_change_id", "=", pending.id)])
        self.assertTrue(ours)
        self.erase(self.maria)
        self.assertFalse(ours.exists())
        self.assertTrue(letter.exists())
        self.assertTrue(self.mails(other))

    def test_what_was_in_preparation_goes(self):
        self.draft(self.maria)
        elsewhere = self.draft(self.maria, key="portal 7 abc")
        other = self.draft(self.juan)
        self.known.note_person(self.maria, self.changes.digest_of(self.maria.id))
        self.assertTrue(self.known.of_person(self.changes.digest_of(self.maria.id)))
        self.erase(self.maria)
        self.assertFalse(elsewhere.exists())
        self.assertEqual(other.content()["operation"], "link")
        self.assertFalse(self.known.of_person(self.changes.digest_of(self.maria.id)))

    def test_a_confirmation_that_comes_just_then(self):
        draft = self.draft(self.maria)
        version = draft.version()
        self.erase(self.maria)
        with self.assertRaises(DraftGone):
            draft.confirm(self.maria, version)
        self.assertFalse(self.changes.of_person(self.maria.id))

    def test_sessions_end(self):
        session, other = self.maria.session, self.juan.session
        self.erase(self.maria)
        self.assertTrue(session.ended_at)
        self.assertFalse(session.person_sealed or session.id_token_sealed)
        self.assertFalse(other.ended_at)

    def test_sessions_at_an_agents_screen(self):
        """That an agent has helped somebody stays, without whom."""
        digest = self.changes.digest_of(self.maria.id)
        agent = self.env.user
        assisted = self.env["g2p.spar.assisted.session"].sudo()
        assisted = assisted.begin(agent, self.provider, self.maria.id)
        links = self.env["g2p.spar.assisted.link"].sudo()
        link = links.create(
            {
                "agent_id": agent.id,
                "account_digest": "of the account",
                "person_digest": digest,
                "asked_at": assisted.started_at,
            }
        )
        self.assertTrue(assisted.id_masked)
        self.erase(self.maria)
        self.assertFalse(assisted.id_masked)
        self.assertTrue(assisted.agent_name)
        self.assertFalse(link.exists())

    def test_several_people_at_once(self):
        self.put_on_record(self.maria)
        changes = self.ask(self.maria) | self.ask(self.juan)
        self.erase(self.maria, self.juan)
        self.assertFalse(any(changes.mapped("new_masked")))
        self.assertEqual(self.erase(self.maria, self.juan), 0, "nothing is left")

    def test_statements_do_not_depend_on_the_number_of_people(self):
        people = [self.person(f"p{place}", email=f"p{place}@example.org") for place in range(4)]
        for person in people:
            person.session.id_digest = self.changes.digest_of(person.id)
            self.put_on_record(person)
            self.ask(person)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.erase(people[0])
        one = self.env.cr.sql_log_count - before
        before = self.env.cr.sql_log_count
        self.erase(*people[1:])
        self.assertLessEqual(self.env.cr.sql_log_count - before, one)

    def test_erased_once_more_is_no_new_first_link(self):
        """A digest stays, by which the waiting time goes on to hold."""
        change = self.ask(self.maria)
        self.apply(change)
        self.erase(self.maria)
        self.assertTrue(self.changes.was_linked(self.maria))

    # === the dialog === #

    def wizard(self, user, id_value, reason="Asked for by letter"):
        wizards = self.env["g2p.spar.person.erase"].with_user(user)
        return wizards.create({"id_value": id_value, "reason": reason})

    def records(self):
        self.env.invalidate_all()
        return self.env["g2p.spar.person.erasure"].search([], order="id")

    def test_dialog(self):
        manager = new_test_user(
            self.env, login="u-erase", groups="g2p_spar_fa_directory.group_manager"
        )
        change = self.ask(self.maria)
        wizard = self.wizard(manager, self.maria.id)
        self.env.cr.execute("SELECT typed FROM g2p_spar_person_erase WHERE id = %s", [wizard.id])
        self.assertNotIn("maria", self.env.cr.fetchone()[0])
        wizard.action_erase()
        self.assertFalse(change.new_masked)
        self.assertFalse(wizard.typed)

    def test_dialog_does_not_tell_who_is_known(self):
        """Neither at once nor later, to those who may read what is on record."""
        manager = new_test_user(
            self.env, login="u-erase", groups="g2p_spar_fa_directory.group_manager"
        )
        self.ask(self.maria)
        before = self.records()
        answers = [
            self.wizard(manager, id_value).action_erase()
            for id_value in (self.maria.id, "token:nobody@x")
        ]
        self.assertEqual(*answers)
        first, second = (self.records() - before).sorted("id")
        seen = ("user_id", "user_name", "reason")
        expected = (manager, manager.name, "Asked for by letter")
        for record in (first, second):
            self.assertEqual(tuple(record[name] for name in seen), expected)
            self.assertTrue(record.happened_at)
            values = record.with_user(manager).read()[0]
            self.assertNotIn("person_digest", values)
            self.assertNotIn("maria", str(values))
        self.assertEqual(first.sudo().person_digest, self.changes.digest_of(self.maria.id))
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            first.with_user(manager).unlink()
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            first.with_user(manager).write({"reason": "another"})

    def test_dialog_says_what_is_wrong(self):
        change = self.ask(self.maria)
        for id_value, reason, text in (
            ("no good", "Asked for", "cannot be an ID"),
            (self.maria.id, " ", "Enter the reason"),
            (self.maria.id, False, "Enter the reason"),
        ):
            with self.subTest(text), self.assertRaisesRegex(UserError, text):
                self.wizard(self.env.user, id_value, reason).action_erase()
        self.assertTrue(change.new_masked)

    def test_only_managers(self):
        officer = new_test_user(
            self.env, login="u-no-erase", groups="g2p_spar_fa_directory.group_officer"
        )
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            self.wizard(officer, self.maria.id)
        with self.assertRaises(UserError):
            self.wizard(self.env.user, self.maria.id).with_user(officer).action_erase()
