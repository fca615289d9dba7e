# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ManagerWorld


@tagged("post_install", "-at_install")
class TestPaymentFiles(ManagerWorld):
    """The payment manager that prints files, from which the one of G2P Connect is made."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        config = cls.env["g2p.payment.file.config"].create(
            {"name": "Slip", "body_string": "$partner: $account"}
        )
        cls.use_manager(
            "g2p.program.payment.manager.file",
            payment_file_config_ids=[Command.set(config.ids)],
        )

    def test_what_is_printed(self):
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test")
        self.prepare()
        slips = [self.payment_of(person).payment_file_ids.raw for person in people]
        self.assertEqual([slip.decode() for slip in slips], ["Person 1: 1", "Person 2: False"])

    def test_sending(self):
        """It cannot send; what is to be checked before is checked all the same."""
        self.entitle(self.make_people(1))
        self.mapper.link("1@test")
        self.prepare()
        self.mapper.away = True
        with self.assertRaisesRegex(UserError, "Nothing was sent"):
            self.cycle.send_payment()
        self.mapper.away = False
        with self.assertRaises(NotImplementedError):
            self.cycle.send_payment()
