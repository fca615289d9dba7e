# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from unittest.mock import Mock

import requests

from odoo.exceptions import UserError
from odoo.tests import tagged

from .. import names
from .common import ManagerWorld

ADDRESS = "https://bridge.example.org/"


class Bridge:
    """A G2P Bridge that takes all that it is sent, unless it is `away`.

    :ivar dict paid: what it was sent as beneficiary, by name of the person
    """

    def __init__(self):
        self.paid, self.away = {}, False

    def post(self, url, json, timeout):
        if self.away:
            raise requests.ConnectionError
        message = json["message"]
        if url == f"{ADDRESS}envelope":
            return self._answer({"disbursement_envelope_id": "1"})
        for disbursement in message:
            self.paid[disbursement["beneficiary_name"]] = disbursement["beneficiary_id"]
        return self._answer([{**disbursement, "disbursement_id": "1"} for disbursement in message])

    def _answer(self, message):
        answer = Mock(spec=requests.Response)
        answer.json.return_value = {"message": message}
        return answer


@tagged("post_install", "-at_install")
class TestPaymentManager(ManagerWorld):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.use_manager(
            names.PAYMENT_MANAGER,
            payee_id_type="reg_id",
            reg_id_type_for_payee_id=cls.id_type.id,
            payee_prefix="as-before:",
            locale="en",
            envelope_creation_url=f"{ADDRESS}envelope",
            payment_endpoint_url=f"{ADDRESS}disbursements",
            envelope_status_url=f"{ADDRESS}envelope-status",
            status_endpoint_url=f"{ADDRESS}status",
        )

    def setUp(self):
        super().setUp()
        self.bridge = Bridge()
        self.patch(requests, "post", self.bridge.post)

    def paid(self):
        """Send, and say what the bridge was sent."""
        self.bridge.paid.clear()
        self.cycle.invalidate_recordset()
        self.cycle.send_payment()
        return dict(self.bridge.paid)

    def test_registry_as_before(self):
        self.manager.fa_source = "registry"
        self.entitle(self.make_people(1))
        self.prepare()
        self.assertEqual(self.paid(), {"Person 1": "as-before:1@test"})
        self.assertFalse(self.mapper.asked)

    def test_id_of_the_rule(self):
        people = self.make_people(2)
        group = self.make_group(people[1])
        self.entitle(people[0] + group)
        self.mapper.link("1@test", "2@test")
        self.prepare()
        self.assertEqual(self.paid(), {"Person 1": "1@test", "Household": "2@test"})

    def test_address(self):
        self.manager.spar_send = "address"
        self.entitle(self.make_people(1))
        self.mapper.link("1@test")
        self.prepare()
        self.assertEqual(self.paid(), {"Person 1": self.mapper.fas["1@test"]})

    def test_address_that_nobody_here_can_read(self):
        """It needs no number: the bridge reads it."""
        self.entitle(self.make_people(1))
        self.mapper.fas["1@test"] = "somewhere-else"
        payment = self.prepare()
        self.assertFalse(payment.account_number)
        self.manager.spar_send = "address"
        self.assertEqual(self.paid(), {"Person 1": "somewhere-else"})

    def test_not_linked_and_changed(self):
        """Upstream's method calls nothing that it overrides."""
        people = self.make_people(4)
        self.entitle(people)
        self.mapper.link("1@test", "2@test", "3@test")
        self.prepare()
        self.mapper.change("2@test")
        self.mapper.suspended.add("3@test")
        self.assertEqual(self.paid(), {"Person 1": "1@test"})
        self.assertEqual(
            [self.payment_of(person).status for person in people],
            [False, "failed", "failed", "failed"],
        )
        self.mapper.suspended.clear()
        self.prepare()
        self.assertEqual(self.paid(), {"Person 2": "2@test", "Person 3": "3@test"})

    def test_other_id_by_now(self):
        """The bridge would look up one that was not checked."""
        [person] = self.make_people(1)
        self.entitle(person)
        self.mapper.link("1@test", "7@test")
        self.mapper.fas["7@test"] = self.mapper.fas["1@test"]
        self.prepare()
        person.reg_ids.value = "7@test"
        self.assertEqual(self.paid(), {})
        self.assertEqual(self.payment_of(person).spar_outcome, "address_changed")

    def test_registry_for_those_never_linked(self):
        self.manager.fa_source = "spar_then_registry"
        self.entitle(self.make_people(2))
        self.mapper.link("2@test")
        self.prepare()
        self.assertEqual(self.paid(), {"Person 1": "as-before:1@test", "Person 2": "2@test"})

    def test_what_the_bridge_has_taken(self):
        """It is on its way: no change stops it, and nothing pays it twice."""
        [person] = self.make_people(1)
        self.entitle(person)
        self.mapper.link("1@test")
        payment = self.prepare()
        self.paid()
        self.assertEqual(payment.dispatch_status, "sent")
        self.mapper.change("1@test")
        self.assertEqual(self.paid(), {})
        self.assertEqual((payment.spar_state, payment.status), ("resolved", False))
        self.assertFalse(self.prepare())
        with self.assertRaisesRegex(UserError, "does not wait"):
            payment.action_spar_accept()

    def test_bridge_away(self):
        """The bridge may have taken it before the line broke: nobody is paid twice by itself."""
        [person] = self.make_people(1)
        self.entitle(person)
        self.mapper.link("1@test")
        payment = self.prepare()
        self.bridge.away = True
        self.paid()
        self.bridge.away = False
        self.mapper.change("1@test")
        self.assertEqual(self.paid(), {})
        self.assertEqual((payment.spar_state, payment.status), ("changed", False))
        payment.action_spar_accept_handed_over()
        self.assertEqual(self.paid(), {"Person 1": "1@test"})
