# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import Command, fields
from odoo.tests import TransactionCase


class TestPrograms(TransactionCase):
    """The facts about the module that this one stands for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        programs = cls.env["spp.program"].with_context(create_default_managers=True)
        cls.program = programs.create({"name": "Programme"})
        cls.manager = cls.program.get_manager(cls.program.MANAGER_PAYMENT)
        cls.cycle = cls.env["spp.cycle"].create(
            {
                "name": "Cycle",
                "program_id": cls.program.id,
                "start_date": fields.Date.today(),
                "end_date": fields.Date.today(),
                "state": "approved",
            }
        )

    @classmethod
    def people(cls, count):
        return cls.env["res.partner"].create(
            [
                {
                    "name": f"Person {number}",
                    "is_registrant": True,
                    "bank_ids": [Command.create({"acc_number": f"STAND{number}"})],
                }
                for number in range(count)
            ]
        )

    @classmethod
    def entitle(cls, people):
        return cls.env["spp.entitlement"].create(
            [
                {
                    "partner_id": person.id,
                    "cycle_id": cls.cycle.id,
                    "initial_amount": 100,
                    "state": "approved",
                }
                for person in people
            ]
        )

    def payments(self):
        return self.env["spp.payment"].search([("cycle_id", "=", self.cycle.id)], order="id")

    def test_default_managers_are_made_on_demand(self):
        self.assertEqual(self.manager._name, "spp.program.payment.manager.default")
        self.assertFalse(self.env["spp.program"].create({"name": "Bare"}).payment_manager_ids)

    def test_a_manager_is_born_with_a_batch_tag(self):
        self.assertEqual(len(self.manager.batch_tag_ids), 1)

    def test_payments_and_batches(self):
        self.manager.batch_tag_ids.max_batch_size = 10
        people = self.people(25)
        people[3].bank_ids.unlink()
        entitlements = self.entitle(people)
        self.cycle.prepare_payment()
        payments = self.payments()
        self.assertEqual(set(payments.entitlement_id), set(entitlements))
        self.assertEqual(
            {payment.partner_id: payment.account_number for payment in payments},
            {person: person.bank_ids.acc_number for person in people},
        )
        batches = self.cycle.payment_batch_ids.sorted("id")
        self.assertEqual([len(batch.payment_ids) for batch in batches], [10, 10, 5])
        self.assertEqual(batches.payment_ids, payments)

    def test_prepared_again(self):
        self.entitle(self.people(3))
        self.cycle.prepare_payment()
        first = self.payments()
        first[1].status = "failed"
        self.cycle.prepare_payment()
        self.assertEqual((self.payments() - first).entitlement_id, first[1].entitlement_id)

    def test_payments_are_made_all_at_once(self):
        calls = []
        create = type(self.env["spp.payment"]).create

        def count(model, vals_list):
            calls.append(len(vals_list))
            return create(model, vals_list)

        self.patch(type(self.env["spp.payment"]), "create", count)
        self.entitle(self.people(25))
        self.cycle.prepare_payment()
        self.assertEqual(calls, [25])

    def test_lock(self):
        self.cycle._acquire_operation_lock("reason")
        self.assertEqual((self.cycle.is_locked, self.cycle.locked_reason), (True, "reason"))
        self.cycle._release_operation_lock()
        self.assertFalse(self.cycle.is_locked)

    def test_one_form_for_individuals_and_groups(self):
        arch = self.env["res.partner"].get_view(
            self.env.ref("spp_registry.view_individuals_form").id, "form"
        )["arch"]
        self.assertIn('name="individual_detail"', arch)
        self.assertIn('name="group_detail"', arch)
