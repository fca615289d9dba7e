# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import Command, fields
from odoo.tests import TransactionCase


class ProgramCase(TransactionCase):
    """A programme whose payments are put into batches of ten, and registrants with accounts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        cls.program = cls.env["g2p.program"].create({"name": "Programme"})
        cls.manager = cls.program.get_manager(cls.program.MANAGER_PAYMENT)
        cls.tag = cls.env["g2p.payment.batch.tag"].create({"name": "All", "max_batch_size": 10})
        cls.manager.batch_tag_ids = cls.tag
        cls.cycle = cls.env["g2p.cycle"].create(
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
    def entitle(cls, people, state="approved"):
        return cls.env["g2p.entitlement"].create(
            [
                {
                    "partner_id": person.id,
                    "cycle_id": cls.cycle.id,
                    "initial_amount": 100,
                    "state": state,
                }
                for person in people
            ]
        )

    def payments(self):
        return self.env["g2p.payment"].search([("cycle_id", "=", self.cycle.id)], order="id")
