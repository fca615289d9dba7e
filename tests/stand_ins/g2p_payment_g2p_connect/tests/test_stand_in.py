# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from unittest.mock import Mock, patch

from odoo import Command

from odoo.addons.g2p_programs.tests.common import ProgramCase

BRIDGE = "http://127.0.0.1:1"


class BridgeCase(ProgramCase):
    """A programme that is paid through a bridge, which answers what the test says."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.payment_managers.unlink()
        cls.id_type = cls.env["g2p.id.type"].create({"name": "ID of the Tests"})
        cls.manager = cls.env["g2p.program.payment.manager.g2p.connect"].create(
            {
                "name": "Bridge",
                "program_id": cls.program.id,
                "batch_tag_ids": [Command.set(cls.tag.ids)],
                "payee_id_type": "reg_id",
                "reg_id_type_for_payee_id": cls.id_type.id,
                "payee_prefix": "token:",
                "payee_suffix": "@nationalId",
                "payment_endpoint_url": f"{BRIDGE}/disburse",
                "status_endpoint_url": f"{BRIDGE}/status",
                "envelope_creation_url": f"{BRIDGE}/envelope",
                "envelope_status_url": f"{BRIDGE}/envelope_status",
            }
        )
        cls.program.payment_managers = [
            Command.create(
                {
                    "program_id": cls.program.id,
                    "manager_ref_id": f"{cls.manager._name},{cls.manager.id}",
                }
            )
        ]

    def setUp(self):
        super().setUp()
        self.sent = []
        self.enterContext(patch("requests.post", self._answer))

    def _answer(self, url, json, timeout):
        self.assertEqual(timeout, 10)
        message = json["message"]
        if url.endswith("/envelope"):
            self.envelope = message
            answer = {"disbursement_envelope_id": "E1"}
        else:
            self.sent.append(message)
            answer = [{**item, "disbursement_id": f"D{position}"}
                      for position, item in enumerate(message)]  # fmt: skip
        return Mock(json=lambda: {"message": answer})

    def identify(self, people):
        self.env["g2p.reg.id"].create(
            [
                {"partner_id": person.id, "id_type": self.id_type.id, "value": str(number)}
                for number, person in enumerate(people)
            ]
        )


class TestBridge(BridgeCase):
    def test_prepare_makes_one_envelope_and_returns_nothing(self):
        self.entitle(self.people(12))
        self.assertIsNone(self.cycle.prepare_payment())
        self.assertEqual(self.envelope["number_of_beneficiaries"], 12)
        self.assertEqual(self.envelope["total_disbursement_amount"], 1200)
        self.assertEqual(self.cycle.disbursement_envelope_id, "E1")
        self.assertEqual(len(self.payments()), 12)

    def test_send(self):
        people = self.people(3)
        self.identify(people[:2])
        self.entitle(people)
        self.cycle.prepare_payment()
        self.cycle.send_payment()
        payments = {payment.partner_id: payment for payment in self.payments()}
        self.assertEqual(
            {item["mis_reference_number"]: item["beneficiary_id"] for item in self.sent[0]},
            {
                str(payments[people[0]].id): "token:0@nationalId",
                str(payments[people[1]].id): "token:1@nationalId",
            },
        )
        self.assertEqual(payments[people[0]].dispatch_status, "sent")
        self.assertEqual(payments[people[2]].status, "failed")
        self.assertTrue(self.cycle.payment_batch_ids.batch_has_completed)
        self.cycle.send_payment()
        self.assertEqual(len(self.sent), 1)

    def test_payee_of_other_kinds(self):
        person = self.people(1)
        person.write({"phone": "+15550100", "email": "person@example.org"})
        person.bank_ids.bank_id = self.env["res.bank"].create({"name": "Bank", "bic": "TESTXX00"})
        self.entitle(person)
        self.cycle.prepare_payment()
        expected = {
            "bank_acc_no": "account_no:STAND0@TESTXX00",
            "phone": "phone:+15550100",
            "email": "email:person@example.org",
        }
        self.manager.payee_suffix = False
        for kind, value in expected.items():
            self.manager.payee_id_type = kind
            self.manager._onchange_payee_id_type()
            self.assertEqual(self.manager._get_payee_fa(self.payments()), value)

    def test_payee_of_a_group_is_its_head(self):
        person = self.people(1)
        self.identify(person)
        group = self.env["res.partner"].create({"name": "Household", "is_group": True})
        self.entitle(group)
        self.cycle.prepare_payment()
        self.assertIsNone(self.manager._get_payee_fa(self.payments()))
        kind = self.env.ref("g2p_registry_membership.group_membership_kind_head")
        self.env["g2p.group.membership"].create(
            {"group": group.id, "individual": person.id, "kind": [Command.link(kind.id)]}
        )
        self.assertEqual(self.manager._get_payee_fa(self.payments()), "token:0@nationalId")

    def test_files_are_written_when_payments_are_prepared(self):
        self.manager.payment_file_config_ids = [
            Command.create({"name": "slip", "body_string": "$partner $account"})
        ]
        self.entitle(self.people(2))
        self.cycle.prepare_payment()
        self.assertEqual(
            self.payments().payment_file_ids.mapped("raw"),
            [b"Person 0 STAND0", b"Person 1 STAND1"],
        )

    def test_each_manager_has_its_own_tags(self):
        tables = {
            self.env[name]._fields["batch_tag_ids"].relation
            for name, _label in self.env["g2p.program.payment.manager"]._selection_manager_ref_id()
        }
        self.assertEqual(len(tables), 3)
