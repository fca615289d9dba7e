# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import TransactionCase


class TestDemo(TransactionCase):
    """What the guide for programme managers tells of the demonstration."""

    def setUp(self):
        super().setUp()
        self.program = self.env.ref("g2p_spar_demo_programmes.program")
        self.cycle = self.env.ref("g2p_spar_demo_programmes.cycle")

    def test_ready_to_prepare(self):
        self.assertEqual(len(self.cycle.entitlement_ids), 20)
        self.assertEqual(set(self.cycle.entitlement_ids.mapped("state")), {"approved"})
        self.assertEqual(self.cycle.cycle_membership_ids.partner_id, self._people())
        self.assertEqual(self.program.program_membership_ids.partner_id, self._people())
        manager = self.program.get_manager(self.program.MANAGER_PAYMENT)
        self.assertEqual(manager.fa_source, "spar")
        self.assertFalse(self.cycle.payment_batch_ids)

    def _people(self):
        return self.cycle.entitlement_ids.partner_id

    def test_who_can_be_paid(self):
        results = self.env["g2p.spar.connector"].resolve_partners(self._people())
        outcomes = {}
        for person in self._people():
            outcomes.setdefault(results[person.id]["outcome"], []).append(person.name)
        self.assertEqual(len(outcomes.pop("id_active")), 11)
        self.assertEqual(
            {outcome: sorted(names) for outcome, names in outcomes.items()},
            {
                "id_inactive": ["Simeon Javier"],
                "id_missing": ["Felix Ibarra", "Imelda Galang"],
                "id_not_found": [
                    "Amihan Abad",
                    "Gloria Ocampo",
                    "Honorio Flores",
                    "Jomar Hilario",
                    "Lito Magno",
                    "Ofelia Dizon",
                ],
            },
        )

    def test_a_household_is_paid_at_its_head(self):
        household = self.env.ref("g2p_spar_demo_programmes.household_villar")
        head = self.env.ref("g2p_spar_demo_programmes.person_quirino_villar")
        result = self.env["g2p.spar.connector"].resolve_partners(household)[household.id]
        self.assertEqual(result["payee_partner_id"], head.id)
        self.assertNotIn(head, self._people())

    def test_prepare(self):
        self.cycle.prepare_payment()
        payments = self.env["g2p.payment"].search([("cycle_id", "=", self.cycle.id)])
        failed = payments.filtered(lambda payment: payment.status == "failed")
        self.assertEqual((len(payments), len(failed)), (20, 9))
        self.assertFalse(any(failed.mapped("account_number")))
        self.assertEqual(self.cycle.payment_batch_ids.payment_ids, payments - failed)
