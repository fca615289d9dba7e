# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import Command
from odoo.exceptions import UserError

from .common import ProgramCase


class TestPrograms(ProgramCase):
    """The facts about the module that this one stands for."""

    def test_a_program_is_born_with_a_default_manager(self):
        self.assertEqual(self.manager._name, "g2p.program.payment.manager.default")
        self.assertEqual(self.manager.program_id, self.program)
        line = self.program.payment_managers
        self.assertEqual(line.manager_ref_id, self.manager)
        self.assertEqual(line.display_name, "Default - Default")

    def test_one_manager_only(self):
        another = self.manager.copy()
        line = self.env["g2p.program.payment.manager"].create(
            {"program_id": self.program.id, "manager_ref_id": f"{another._name},{another.id}"}
        )
        with self.assertRaises(UserError):
            self.program.payment_managers = [Command.link(line.id)]

    def test_a_deleted_manager_takes_its_line_along(self):
        self.manager.unlink()
        self.assertFalse(self.program.payment_managers)
        with self.assertRaisesRegex(UserError, "No Payment Manager defined."):
            self.cycle.prepare_payment()
        with self.assertRaisesRegex(UserError, "No Payment Manager defined."):
            self.cycle.send_payment()

    def test_first_form_of_a_manager(self):
        view = self.env.ref("g2p_programs.view_payment_manager_default_form")
        self.assertEqual(self.manager.get_manager_view_id(), view.id)


class TestPrepare(ProgramCase):
    def test_payments_and_batches(self):
        people = self.people(25)
        people[3].bank_ids.unlink()
        entitlements = self.entitle(people)
        self.entitle(self.people(1), state="draft")
        notification = self.cycle.prepare_payment()
        self.assertIn("25", notification["params"]["message"])
        payments = self.payments()
        self.assertEqual(set(payments.entitlement_id), set(entitlements))
        self.assertEqual(
            {payment.partner_id: payment.account_number for payment in payments},
            {person: person.bank_ids.acc_number for person in people},
        )
        self.assertEqual(set(payments.mapped("state")), {"issued"})
        self.assertFalse(any(payments.mapped("status")))
        self.assertEqual(len(set(payments.mapped("name"))), 25)
        batches = self.cycle.payment_batch_ids.sorted("id")
        self.assertEqual([len(batch.payment_ids) for batch in batches], [10, 10, 5])
        self.assertEqual(batches.payment_ids, payments)
        for batch in batches:
            self.assertEqual(batch.payment_ids.batch_id, batch)

    def test_batch_has_its_payments_independently(self):
        self.entitle(self.people(2))
        self.cycle.prepare_payment()
        batch = self.cycle.payment_batch_ids
        batch.payment_ids = [Command.unlink(self.payments()[0].id)]
        self.assertEqual(self.payments().batch_id, batch)
        self.assertEqual(batch.payment_ids, self.payments()[1])

    def test_first_account(self):
        person = self.people(1)
        person.bank_ids = [Command.create({"acc_number": "SECOND", "sequence": 99})]
        self.entitle(person)
        self.cycle.prepare_payment()
        self.assertEqual(self.payments().account_number, "STAND0")

    def test_prepared_again(self):
        """A failed payment makes its entitlement payable again; nothing else does."""
        self.entitle(self.people(3))
        self.cycle.prepare_payment()
        first = self.payments()
        notification = self.cycle.prepare_payment()
        self.assertEqual(notification["params"]["type"], "danger")
        self.assertEqual(self.payments(), first)
        first[1].status = "failed"
        self.cycle.prepare_payment()
        self.assertEqual((self.payments() - first).entitlement_id, first[1].entitlement_id)

    def test_returns_payments_and_batches(self):
        entitlements = self.entitle(self.people(2))
        payments, batches = self.manager._prepare_payments(self.cycle, entitlements)
        self.assertEqual(payments, self.payments())
        self.assertEqual(batches, self.cycle.payment_batch_ids)

    def test_without_tags(self):
        self.manager.batch_tag_ids = False
        entitlements = self.entitle(self.people(2))
        self.assertEqual(self.manager._prepare_payments(self.cycle, entitlements), (None, None))

    def test_tags_are_used_in_order(self):
        self.manager.batch_tag_ids = self.tag | self.tag.create(
            {"name": "Some", "order": -1, "domain": "[('initial_amount', '>', 500)]"}
        )
        entitlements = self.entitle(self.people(4))
        entitlements[2].initial_amount = 900
        self.cycle.prepare_payment()
        self.assertEqual(
            {batch.tag_id.name: len(batch.payment_ids) for batch in self.cycle.payment_batch_ids},
            {"Some": 1, "All": 3},
        )

    def test_many_are_prepared_while_the_cycle_is_locked(self):
        locked = []
        prepare = type(self.manager)._prepare_payments

        def look(manager, cycle, entitlements):
            locked.append(cycle.locked)
            return prepare(manager, cycle, entitlements)

        self.patch(type(self.manager), "_prepare_payments", look)
        self.entitle(self.people(self.manager.MAX_PAYMENTS_FOR_SYNC_PREPARE))
        self.cycle.prepare_payment()
        self.assertEqual(locked, [True])
        self.assertFalse(self.cycle.locked)
        self.assertEqual(len(self.payments()), 200)


class TestSend(ProgramCase):
    def test_what_is_sent(self):
        """Cycle: all batches in one call; batch: itself."""
        sent = []
        self.patch(
            type(self.manager), "_send_payments", lambda manager, batches: sent.append(batches)
        )
        self.assertEqual(self.cycle.send_payment()["params"]["type"], "warning")
        self.entitle(self.people(12))
        self.cycle.prepare_payment()
        batches = self.cycle.payment_batch_ids
        self.cycle.send_payment()
        batches[1].send_payment()
        self.assertEqual(sent, [batches, batches[1]])

    def test_default_manager_changes_nothing(self):
        self.entitle(self.people(2))
        self.cycle.prepare_payment()
        self.cycle.send_payment()
        self.assertEqual(set(self.payments().mapped("state")), {"issued"})

    def test_empty_hooks(self):
        self.entitle(self.people(1))
        self.cycle.prepare_payment()
        self.payments().send_payment()
        self.assertFalse(self.payments().status)

    def test_a_group_is_a_beneficiary(self):
        group = self.env["res.partner"].create(
            {"name": "Household", "is_registrant": True, "is_group": True}
        )
        kind = self.env.ref("g2p_registry_membership.group_membership_kind_head")
        membership = self.env["g2p.group.membership"].create(
            {"group": group.id, "individual": self.people(1).id, "kind": [Command.link(kind.id)]}
        )
        self.entitle(group)
        self.cycle.prepare_payment()
        self.assertEqual(self.payments().partner_id, group)
        self.assertFalse(membership.is_ended)
