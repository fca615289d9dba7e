# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Scenarios of payments to people's own addresses, the same for every PBMS: its glue mixes them
into a test of its own, beside what it makes of `PbmsWorld`.
"""

from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.service.model import get_public_method

from ..g2p_connect.values import Address
from ..models import g2p_spar_payment
from ..payment_guard import guard
from ..secret import SealBroken
from . import pbms_world

SPAR = "g2p_spar_fa_directory.group_"
OUR_FIELDS = (
    "spar_state",
    "spar_outcome",
    "spar_reason",
    "spar_payee_id",
    "spar_fa_masked",
    "spar_provider_name",
    "spar_resolved_at",
    "spar_handed_over_at",
    "spar_accepted_by_id",
    "spar_fa_sealed",
)


class PrepareScenarios:
    """Which account numbers payments get."""

    def test_hundred_people_two_not_linked(self):
        people = self.make_people(100)
        entitlements = self.entitle(people)
        self.mapper.link(*(f"{number}@test" for number in range(1, 99)))
        payments = self.prepare()
        self.assertEqual(len(payments), 100)
        filled = payments.filtered(lambda payment: payment.spar_state == "resolved")
        self.assertEqual(
            {payment.partner_id: payment.account_number for payment in filled},
            {person: str(number) for number, person in enumerate(people[:98], start=1)},
        )
        self.assertEqual(set(filled.mapped("status")), {False})
        failed = payments - filled
        self.assertEqual(failed.partner_id, people[98:])
        self.assertEqual(failed.mapped("status"), ["failed", "failed"])
        self.assertEqual(failed.mapped("account_number"), [False, False])
        self.assertEqual(set(failed.mapped("spar_reason")), {"No address is linked to this ID."})
        self.assertEqual(len(self.batches()), 10)
        self.assertEqual(self.batches().payment_ids, filled)
        self.assertEqual(self.mapper.asked, [100], "they are asked about at once")
        self.assertIn("were not issued: 2.", str(self.cycle.message_ids[:1].body))

        self.mapper.link("99@test", "100@test")
        again = self.prepare()
        self.assertEqual(again.entitlement_id, entitlements[98:])
        self.assertEqual(sorted(again.mapped("account_number")), ["100", "99"])
        self.assertEqual(len(again), 2)
        self.assertEqual(self.mapper.asked, [100, 2], "only they are asked about again")
        self.assertFalse(self.prepare())

    def test_failed_once(self):
        """Another Prepare makes no second payment of somebody who still has no address, and tells
        of the first one what is known now."""
        [person] = self.make_people(1)
        self.entitle(person)
        self.assertEqual(self.prepare().spar_outcome, "id_not_found")
        self.mapper.link("1@test")
        self.mapper.suspended.add("1@test")
        self.assertFalse(self.prepare())
        self.assertEqual(self.payment_of(person).spar_outcome, "id_inactive")
        self.mapper.suspended.clear()
        self.assertEqual(self.prepare().account_number, "1")

    def test_what_is_shown_of_an_address(self):
        [person] = self.make_people(1)
        self.entitle(person)
        self.mapper.fas["1@test"] = "account_number:1234567890.bank_code:TESTBANK"
        payment = self.prepare()
        self.assertEqual(payment.account_number, "1234567890")
        self.assertEqual(payment.spar_fa_masked, "TESTBANK ••••890")
        self.assertEqual(payment.spar_provider_name, "Bank of the Tests")
        self.assertEqual(payment.spar_payee_id, person)
        self.assertTrue(payment.spar_resolved_at)
        self.env.cr.execute(
            f'SELECT spar_fa_sealed FROM "{payment._table}" WHERE id = %s', [payment.id]
        )
        [sealed] = self.env.cr.fetchone()
        self.assertNotIn("1234567890", sealed)

    def test_address_without_number(self):
        """An address that nobody here can read has no account number, and nothing is made up."""
        [person] = self.make_people(1)
        self.entitle(person)
        self.mapper.fas["1@test"] = "somewhere-else"
        payment = self.prepare()
        self.assertEqual((payment.spar_outcome, payment.status), ("no_number", "failed"))
        self.assertFalse(payment.account_number)

    def test_skip(self):
        people = self.make_people(3)
        self.entitle(people)
        self.mapper.link("2@test")
        self.manager.spar_unresolved_policy = "skip"
        payment = self.prepare()
        self.assertEqual(payment.partner_id, people[1])
        self.mapper.link("1@test", "3@test")
        self.assertEqual(self.prepare().partner_id, people[0] + people[2])

    def test_skip_says_how_many_and_why(self):
        self.entitle(self.make_people(3))
        self.mapper.link("1@test")
        self.mapper.suspended.add("2@test")
        self.manager.spar_unresolved_policy = "skip"
        self.prepare()
        said = str(self.cycle.message_ids[:1].body)
        self.assertIn("No payment was made for 2 people", said)
        self.assertIn("The address is suspended. (1)", said)
        self.mapper.away = True
        self.prepare()
        self.assertIn("No payment was made for 2 people", str(self.cycle.message_ids[:1].body))
        self.assertNotIn("suspended", str(self.cycle.message_ids[:1].body))

    def test_status_cleared_by_hand(self):
        """Of a payment without address: it counts as failed all the same."""
        [person] = self.make_people(1)
        self.entitle(person)
        payment = self.prepare()
        payment.status = False
        self.mapper.link("1@test")
        self.assertEqual(self.prepare().account_number, "1")
        self.assertEqual(payment.status, "failed")

    def test_company_of_the_programme(self):
        """Its mapper and its rules, whichever company the user has chosen."""
        people = self.make_people(3)
        entitlements = self.entitle(people[:2])
        self.mapper.link("1@test")
        asked = []
        connectors = type(self.connector)

        def call(connector, operation, actor, items, **_options):
            asked.append(connector)
            return self.mapper._call(operation, actor, items)

        self.patch(connectors, "_call", call)
        other = self.env["res.company"].create({"name": "Other"})
        self.connector.create({"name": "Other's", "company_id": other.id})
        self.rule.company_id = self.program.company_id
        user = self.user(self.MANAGER_GROUP)
        user.company_ids += other
        self.cycle = self.cycle.with_user(user).with_context(allowed_company_ids=other.ids)
        manager = self.manager.with_env(self.cycle.env)
        self.cycle.prepare_payment()
        self.assertEqual(self.send(), [(people[0], "1")])
        self.mapper.link("2@test")
        failed = self.payment_of(people[1]).with_env(self.cycle.env)
        failed.action_spar_accept()
        self.assertTrue(failed.check_account_status())
        self.entitle(people[2])
        self.cycle.action_spar_check()
        self.assertFalse(manager.validate_accounts(entitlements.with_env(self.cycle.env)))
        self.assertEqual(manager._spar_account_number(people[0]), "1")
        known = type(self.env["g2p.spar.payment.manager"])
        self.patch(known, "_spar_like", lambda abstract, _manager: abstract)
        self.assertEqual(len(self.send()), 2, "a manager that knows nothing of SPAR")
        self.cycle.action_spar_check()
        self.assertEqual(len(asked), 9)
        self.assertEqual(set(asked), {self.connector})

    def test_block(self):
        people = self.make_people(3)
        self.entitle(people)
        self.mapper.link("2@test")
        self.manager.spar_unresolved_policy = "block"
        with self.assertRaisesRegex(UserError, "2 of 3 people .*Person 1, Person 3"):
            self.prepare()
        self.assertFalse(self.payments())
        self.mapper.link("1@test", "3@test")
        self.assertEqual(len(self.prepare()), 3)

    def test_block_looks_at_those_only_who_are_to_be_paid(self):
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("2@test")
        self.manager.spar_unresolved_policy = "block"
        self.tag.domain = f"[('partner_id', '=', {people[1].id})]"
        self.assertEqual(self.prepare().partner_id, people[1])

    def test_registry_stays_as_it_was(self):
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test")
        self.manager.fa_source = "registry"
        payments = self.prepare()
        self.assertEqual(sorted(payments.mapped("account_number")), ["REGISTRY1", "REGISTRY2"])
        self.assertFalse(any(payments.mapped("spar_state")))
        self.assertEqual(len(self.send()), 2)
        self.assertFalse(self.mapper.asked)
        # who may send is the PBMS's to say
        nobody = self.user("base.group_user")
        self.assertIsNone(self.manager.with_user(nobody)._send_payments(payments.batch_id))

    def test_spar_then_registry(self):
        """Only for people whom the mapper never knew, and who have an account there."""
        people = self.make_people(5)
        self.entitle(people)
        self.mapper.link("1@test", "2@test", "3@test")
        self.mapper.suspended.add("2@test")
        self.mapper.remove("3@test")
        people[4].bank_ids.unlink()
        self.manager.fa_source = "spar_then_registry"
        payments = {payment.partner_id: payment for payment in self.prepare()}
        self.assertEqual(
            [payments[person].account_number for person in people],
            ["1", False, False, "REGISTRY4", False],
        )
        self.assertEqual(
            [payments[person].spar_state for person in people],
            ["resolved", "unresolved", "unresolved", "registry", "unresolved"],
        )
        self.assertEqual(
            [payments[person].status for person in people],
            [False, "failed", "failed", False, "failed"],
        )
        self.assertEqual(
            sorted(self.batches().payment_ids.mapped("account_number")),
            ["1", "REGISTRY4"],
        )

    def test_mapper_that_cannot_tell_never_falls_back(self):
        [person] = self.make_people(1)
        self.entitle(person)
        self.manager.fa_source = "spar_then_registry"
        self.mapper.history = False
        payment = self.prepare()
        self.assertEqual((payment.account_number, payment.status), (False, "failed"))

    def test_somebody_without_id_never_falls_back(self):
        person = self.env["res.partner"].create(self.person_values("Nobody Knows"))
        person.bank_ids = [Command.create({"acc_number": "REGISTRY"})]
        self.entitle(person)
        self.manager.fa_source = "spar_then_registry"
        payment = self.prepare()
        self.assertEqual(payment.spar_outcome, "id_missing")
        self.assertEqual((payment.account_number, payment.status), (False, "failed"))

    def test_mapper_away(self):
        people = self.make_people(3)
        self.entitle(people)
        self.mapper.link("1@test", "2@test", "3@test")
        self.mapper.away = True
        for source in ("spar", "spar_then_registry"):
            with self.subTest(source):
                self.manager.fa_source = source
                self.prepare()
                self.assertEqual(set(self.payments().mapped("account_number")), {False})
                self.assertEqual(set(self.payments().mapped("status")), {"failed"})
                self.assertEqual(set(self.payments().mapped("spar_outcome")), {"unavailable"})
                self.assertFalse(self.batches().payment_ids)
                self.assertFalse(self.send())
        self.mapper.away = False
        self.assertEqual(sorted(self.prepare().mapped("account_number")), ["1", "2", "3"])

    def test_connector_without_backend(self):
        [person] = self.make_people(1)
        self.entitle(person)
        self.connector.action_archive()
        payment = self.prepare()
        self.assertEqual((payment.spar_outcome, payment.status), ("no_connector", "failed"))
        self.assertFalse(payment.account_number)

    def test_households(self):
        """A group that has no ID is paid through its head, one that has an ID itself."""
        heads = self.make_people(3)
        led = self.make_group(heads[0])
        own = self.make_group(heads[1])
        self.make_documents(own, ["50@test"])
        headless = self.make_group()
        two_headed = self.make_group(heads[1], heads[2])
        self.entitle(led + own + headless + two_headed)
        self.mapper.link("1@test", "2@test", "3@test", "50@test")
        payments = {payment.partner_id: payment for payment in self.prepare()}
        self.assertEqual(payments[led].account_number, "1")
        self.assertEqual(payments[led].spar_payee_id, heads[0])
        self.assertEqual(payments[own].account_number, "50")
        for group in (headless, two_headed):
            self.assertEqual(payments[group].spar_outcome, "no_payee")
            self.assertEqual(payments[group].status, "failed")
            self.assertFalse(payments[group].account_number)

    def test_rule_of_the_manager(self):
        """Where the manager names a rule, no other one counts, for households neither."""
        [head] = self.make_people(1)
        group = self.make_group(head)
        group.ref, head.ref = "70@test", "80@test"
        other = self.rule.create(
            {"name": "Ref", "source": "field", "field_name": "ref", "sequence": 1}
        )
        self.entitle(group)
        self.mapper.link("1@test", "70@test", "80@test")
        self.manager.spar_id_rule_id = self.rule
        self.assertEqual(self.prepare().account_number, "1")
        self.payments().unlink()
        self.manager.spar_id_rule_id = other
        self.assertEqual(self.prepare().account_number, "70")

    def test_manager_that_returns_nothing(self):
        """What it has made of the payments is met when they are sent."""
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test", "2@test")
        filling = type(self.manager)._prepare_payments.spar_origin

        def meddle(manager, cycle, entitlements):
            payments, _batches = filling(manager, cycle, entitlements)
            payments[0].account_number = "666"
            return payments

        self.override("_prepare_payments", meddle)
        payments = self.manager._prepare_payments(self.cycle, self.cycle.entitlement_ids)
        [(person, number)] = self.send()
        self.assertEqual(person, payments[1].partner_id)
        self.assertEqual(f"{number}@test", person.reg_ids.value)
        self.assertEqual(payments[0].spar_outcome, "number_changed")

    def test_invalid_and_expired_documents(self):
        people = self.make_people(3)
        self.entitle(people)
        self.mapper.link("1@test", "2@test", "3@test")
        self.spoil_documents(people[0], people[1])
        self.prepare()
        self.assertEqual(self.payment_of(people[0]).spar_outcome, "id_missing")
        self.assertEqual(self.payment_of(people[1]).spar_outcome, "id_missing")
        self.assertEqual(self.payment_of(people[2]).account_number, "3")

    def test_whose_a_document_is(self):
        """Of this rule's type; invalid ones too."""
        people = self.make_people(2)
        self.spoil_documents(people[0], people[1])
        documents = self.rule._documents(Domain("value", "=", "2@test"))
        self.assertEqual(documents.partner_id, people[1])
        self.assertFalse(self.rule._documents(Domain("value", "=", "3@test")))

    def test_nothing_stands_in_for_a_spoiled_document(self):
        people = self.make_people(2)
        people[0].ref, people[1].ref = "REF1", "REF2"
        later = {"name": "Later", "sequence": 99, "field_name": "ref"}
        later = self.env["g2p.spar.id.rule"].create(later)
        self.manager.fa_source = "spar_then_registry"
        self.mapper.link("1@test", "REF2")
        self.spoil_documents(people[0], people[1])
        self.entitle(people)
        self.prepare()
        for person in people:
            self.assertEqual(self.payment_of(person).spar_outcome, "id_missing")
        results = self.env["g2p.spar.connector"].sudo().resolve_partners(people[0], rule=later)
        self.assertIs(results[people[0].id]["never_linked"], False, "but once, by the document")

    def test_a_given_rule_says_who_is_paid(self):
        head = self.make_people(1)
        group = self.make_group(head)
        head.ref, group.ref = "HEAD", "GROUP"
        rule = {"name": "Given", "field_name": "ref", "active": False}
        rule = self.env["g2p.spar.id.rule"].create(rule)
        self.mapper.link("HEAD", "GROUP")
        results = self.env["g2p.spar.connector"].sudo().resolve_partners(group, rule=rule)
        self.assertEqual(results[group.id]["payee_partner_id"], group.id)

    def test_manager_that_writes_numbers_of_its_own(self):
        """It overrides what fills payments in, and puts them into batches as it likes."""
        people = self.make_people(3)
        self.entitle(people)
        self.mapper.link("1@test", "2@test")
        filling = type(self.manager)._prepare_payments.spar_origin
        seen = []

        def meddle(manager, cycle, entitlements):
            payments, batches = filling(manager, cycle, entitlements)
            seen.append((batches.payment_ids.partner_id, payments.mapped("account_number")))
            for payment in payments:
                payment.account_number = payment.partner_id.bank_ids[0].acc_number
                payment.status = False
            batches[0].payment_ids = [Command.set(payments.ids)]
            return payments, batches

        self.override("_prepare_payments", meddle)
        payments = self.prepare()
        self.assertEqual(seen, [(people[:2], ["1", "2", False])])
        self.assertEqual(payments.sorted("id").mapped("account_number"), ["1", "2", False])
        self.assertEqual(payments.sorted("id").mapped("status"), [False, False, "failed"])
        self.assertEqual(self.batches().payment_ids.partner_id, people[:2])


class SendScenarios:
    """That nothing is sent to an address that is not, or no longer, the person's own."""

    def prepared(self, count=3):
        people = self.make_people(count)
        self.entitle(people)
        self.mapper.link(*(f"{number}@test" for number in range(1, count + 1)))
        self.prepare()
        return people

    def test_nothing_changed(self):
        people = self.prepared()
        self.assertEqual(set(self.send()), set(zip(people, "123", strict=True)))
        self.assertTrue(all(self.payments().mapped("spar_handed_over_at")))

    def test_changed_removed_suspended(self):
        people = self.prepared(4)
        self.mapper.change("1@test")
        self.mapper.remove("2@test")
        self.mapper.suspended.add("3@test")
        self.assertEqual(self.send(), [(people[3], "4")])
        self.assertIn("were not sent: 3.", str(self.cycle.message_ids[:1].body))
        stopped = [self.payment_of(person) for person in people[:3]]
        self.assertEqual(
            [payment.spar_outcome for payment in stopped],
            ["address_changed", "id_not_found", "id_inactive"],
        )
        for payment in stopped:
            self.assertEqual((payment.spar_state, payment.status), ("changed", "failed"))
            self.assertFalse(payment.account_number)
            self.assertTrue(payment.spar_reason)
            self.assertNotIn(payment, self.batches().payment_ids)
        again = self.prepare()
        self.assertEqual(
            {payment.partner_id: payment.account_number for payment in again},
            {people[0]: "91", people[1]: False, people[2]: False},
        )
        self.assertEqual(set(self.send()), {(people[0], "91"), (people[3], "4")})

    def test_other_number_than_filled_in(self):
        """Whoever changed it: it is not the person's own."""
        people = self.prepared(2)
        self.payment_of(people[0]).account_number = "666"
        for check in (True, False):
            self.manager.spar_check_on_send = check
            self.assertEqual(self.send(), [(people[1], "2")])
        self.assertEqual(self.payment_of(people[0]).spar_outcome, "number_changed")

    def test_other_number_than_the_registry_s(self):
        people = self.make_people(2)
        self.entitle(people)
        self.manager.fa_source = "spar_then_registry"
        self.prepare()
        self.payment_of(people[0]).account_number = "666"
        self.assertEqual(self.send(), [(people[1], "REGISTRY2")])
        self.assertEqual(self.payment_of(people[0]).spar_outcome, "number_changed")

    def test_number_is_read_otherwise_by_now(self):
        """Such as once the provider's way of writing numbers was corrected."""
        self.prepared(1)
        corrected = Address("bank", "11", *pbms_world.PROVIDER)
        self.patch(pbms_world, "_address", lambda _fa: corrected)
        self.assertEqual(self.send(), [])
        self.assertEqual(self.payments().spar_outcome, "address_changed")
        self.assertEqual(self.prepare().account_number, "11")

    def test_failed_and_prepared_again(self):
        """What the bank has refused is not sent beside what was made instead of it."""
        [person] = self.prepared(1)
        payment = self.payments()
        self.send()
        payment.status = "failed"
        again = self.prepare()
        self.assertEqual(again.account_number, "1")
        self.assertEqual(self.send(), [(person, "1")])
        self.assertEqual(self.batches().payment_ids, again)
        self.assertIn("not sent again: 1.", str(self.cycle.message_ids[:1].body))

    def test_contact_of_another_company(self):
        """Whom the sender cannot ask about stays out; the others are paid."""
        people = self.prepared(2)
        people[0].company_id = self.env["res.company"].create({"name": "Other"})
        self.cycle = self.cycle.with_user(self.user(self.MANAGER_GROUP))
        payment = self.payment_of(people[0])
        self.assertEqual(self.send(), [(people[1], "2")])
        self.assertEqual((payment.spar_outcome, payment.status), ("no_connector", "failed"))
        self.assertIn(payment.name, str(self.cycle.message_ids[:1].body))

    def test_not_checked(self):
        people = self.prepared(2)
        self.mapper.change("1@test")
        self.mapper.asked.clear()
        self.manager.spar_check_on_send = False
        self.assertEqual(set(self.send()), {(people[0], "1"), (people[1], "2")})
        self.assertFalse(self.mapper.asked)

    def test_put_back_into_a_batch(self):
        """What has no address is not sent, however it came into a batch."""
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test")
        payments = self.prepare()
        for check in (True, False):
            self.manager.spar_check_on_send = check
            self.batches().payment_ids = [Command.set(payments.ids)]
            self.assertEqual(self.send(), [(people[0], "1")])

    def test_mapper_away(self):
        people = self.prepared(2)
        self.mapper.away = True
        with self.assertRaisesRegex(UserError, "Nothing was sent.* 2 of 2 people") as caught:
            self.send()
        for payment in self.payments():
            self.assertIn(payment.name, str(caught.exception))
        self.assertEqual(set(self.payments().mapped("spar_state")), {"resolved"})
        self.assertFalse(any(self.payments().mapped("spar_handed_over_at")))
        self.mapper.away = False
        self.assertEqual(set(self.send()), set(zip(people, "12", strict=True)))

    def test_connector_gone(self):
        self.prepared(2)
        self.connector.action_archive()
        with self.assertRaisesRegex(UserError, "Nothing was sent.* 2 of 2 people"):
            self.send()

    def test_mapper_that_does_not_tell(self):
        """It answers, yet says nothing of anybody."""
        people = self.prepared(2)
        self.mapper.mute.update(("1@test", "2@test"))
        with self.assertRaisesRegex(UserError, "Nothing was sent.* 2 of 2 people"):
            self.send()
        self.mapper.mute.remove("2@test")
        self.assertEqual(self.send(), [(people[1], "2")])
        self.assertEqual(self.payment_of(people[0]).status, "failed")

    def test_handed_over_before(self):
        """It may have been paid: no other payment is made until somebody decides."""
        people = self.prepared(2)
        self.send()
        self.mapper.change("1@test")
        self.assertEqual(self.send(), [(people[1], "2")])
        payment = self.payment_of(people[0])
        self.assertEqual((payment.spar_state, payment.status), ("changed", False))
        self.assertIn("find out whether it was paid", payment.spar_reason)
        self.assertFalse(self.prepare())
        with self.assertRaisesRegex(UserError, f"may have been paid.*{payment.name}"):
            payment.action_spar_accept()
        payment.action_spar_accept_handed_over()
        self.assertEqual(set(self.send()), {(people[0], "91"), (people[1], "2")})

    def test_paid_ones_are_left_alone(self):
        people = self.prepared(2)
        payment = self.payment_of(people[0])
        payment.write({"status": "paid", "state": "reconciled"})
        self.mapper.change("1@test")
        self.send()
        self.assertEqual((payment.spar_state, payment.status), ("resolved", "paid"))
        self.assertEqual(payment.account_number, "1")

    def test_never_linked_and_linked_meanwhile(self):
        people = self.make_people(2)
        self.entitle(people)
        self.manager.fa_source = "spar_then_registry"
        self.prepare()
        self.mapper.link("1@test")
        self.assertEqual(self.send(), [(people[1], "REGISTRY2")])
        self.assertEqual(self.payment_of(people[0]).spar_outcome, "address_changed")
        self.assertEqual(self.prepare().account_number, "1")

    def test_source_changed_after_preparing(self):
        [person] = self.make_people(1)
        self.entitle(person)
        self.mapper.link("1@test")
        self.manager.fa_source = "registry"
        payment = self.prepare()
        self.manager.fa_source = "spar"
        with self.assertRaisesRegex(UserError, "Nothing was sent.*before SPAR was asked"):
            self.send()
        self.assertEqual(payment.account_number, "REGISTRY1")
        payment.action_spar_accept()
        self.assertEqual(self.send(), [(person, "1")])

    def test_sent_before_the_source_was_changed(self):
        """What went to accounts of the registry is not paid once more by itself."""
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test", "2@test")
        self.manager.fa_source = "registry"
        payments = self.prepare()
        self.assertEqual(len(self.send()), 2)
        self.manager.fa_source = "spar"
        with self.assertRaisesRegex(UserError, "2 payments were handed over before"):
            payments.action_spar_accept()
        self.assertEqual(self.send(), [])
        self.assertFalse(self.batches().payment_ids)
        self.assertIn("not sent again: 2.", str(self.cycle.message_ids[:1].body))
        self.assertFalse(self.prepare())
        payments[0].action_spar_accept_handed_over()
        self.assertEqual(self.send(), [(payments[0].partner_id, payments[0].account_number)])

    def test_accept_what_was_put_back_into_a_batch(self):
        [person] = self.make_people(1)
        self.entitle(person)
        payment = self.prepare()
        self.batches().payment_ids = [Command.set(payment.ids)]
        self.mapper.link("1@test")
        payment.action_spar_accept()
        self.assertEqual(self.send(), [(person, "1")])
        payment.batch_id = False
        self.mapper.change("1@test")
        self.assertEqual(self.send(), [])
        self.batches()[:1].payment_ids = [Command.set(payment.ids)]
        payment.action_spar_accept_handed_over()
        self.assertEqual(self.send(), [(person, "91")], "it had no batch of its own")

    def test_source_changed_back(self):
        """What SPAR has filled in stays under its eyes."""
        people = self.prepared(2)
        self.manager.fa_source = "registry"
        self.mapper.change("1@test")
        self.assertEqual(self.send(), [(people[1], "2")])

    def test_manager_that_calls_nobody(self):
        """Another model than the default manager's, which knows nothing of SPAR."""
        people = self.prepared(2)
        self.mapper.change("1@test")
        known = type(self.env["g2p.spar.payment.manager"])
        self.patch(known, "_spar_like", lambda abstract, _manager: abstract)
        self.assertEqual(self.send(), [(people[1], "2")])

    def test_every_manager_is_guarded(self):
        for model, _label in self.env[self.WRAPPER]._selection_manager_ref_id():
            methods = vars(self.env.registry[model])
            for name in ("_prepare_payments", "_send_payments"):
                with self.subTest(model=model, method=name):
                    self.assertTrue(hasattr(methods[name], "spar_origin"))

    def test_guards_are_put_up_once_and_taken_down(self):
        class Manager:
            def send_payments(self, batches):
                return batches

        origin = Manager.send_payments
        guard(Manager, "pbms")
        guarded = Manager.send_payments
        guard(Manager, "pbms")
        self.assertIs(Manager.send_payments, guarded)
        self.assertIs(guarded.spar_origin, origin)
        self.assertEqual(guarded(Manager(), []), [], "nothing to send is nothing to check")

    def test_batch_by_batch(self):
        people = self.prepared(12)
        self.mapper.change("1@test")
        sent = []
        self.override("_send_payments", lambda _manager, batches: sent.append(batches))
        for batch in self.batches().sorted("id"):
            batch.send_payment()
        self.assertEqual([len(batch.payment_ids) for batch in sent], [9, 2])
        self.assertNotIn(people[0], sent[0].payment_ids.partner_id)

    def test_accept(self):
        people = self.prepared(2)
        self.mapper.change("1@test")
        self.send()
        payment = self.payment_of(people[0])
        user = self.user(self.MANAGER_GROUP)
        payment.with_user(user).action_spar_accept()
        self.assertEqual((payment.account_number, payment.status), ("91", False))
        self.assertEqual(payment.spar_state, "resolved")
        self.assertEqual(payment.spar_accepted_by_id, user)
        self.assertIn(user.name, str(self.cycle.message_ids[:1].body))
        self.assertIn(payment, self.batches().payment_ids)
        self.assertEqual(payment, payment.batch_id.payment_ids)
        self.assertFalse(self.prepare(), "it is the one payment of its entitlement")
        self.assertIn((people[0], "91"), self.send())

    def test_accept_refused(self):
        people = self.prepared(3)
        with self.assertRaisesRegex(UserError, "does not wait"):
            self.payment_of(people[0]).action_spar_accept()
        self.mapper.change("1@test")
        self.mapper.remove("2@test")
        self.send()
        stopped = self.payments().filtered(lambda payment: payment.spar_state == "changed")
        with self.assertRaisesRegex(UserError, "No address is linked"):
            stopped.action_spar_accept()
        first = self.payment_of(people[0])
        self.prepare()
        with self.assertRaisesRegex(UserError, "another payment"):
            first.action_spar_accept()
        self.assertEqual(first.status, "failed")

    def test_accept_many(self):
        """By statements whose number does not depend on how many they are."""
        self.tag.max_batch_size = 1000
        spent = []
        for first, count in ((100, 10), (200, 60)):
            self.cycle = self.make_cycle(f"{count} people")
            self.entitle(self.make_people(count, first), self.cycle)
            payments = self.prepare()
            self.mapper.link(*(f"{number}@test" for number in range(first, first + count)))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            payments.action_spar_accept()
            self.env.flush_all()
            spent.append(self.env.cr.sql_log_count - before)
        self.assertEqual(set(payments.mapped("spar_state")), {"resolved"})
        self.assertLessEqual(spent[1], spent[0] + 5)

    def test_accept_one_of_two(self):
        """Both failed payments of an entitlement at once would pay it twice."""
        people = self.prepared(1)
        self.mapper.remove("1@test")
        self.send()
        self.prepare()
        failed = self.payments()
        self.assertEqual(failed.mapped("status"), ["failed", "failed"])
        self.mapper.link("1@test")
        with self.assertRaisesRegex(UserError, "another payment"):
            failed.action_spar_accept()
        failed[0].action_spar_accept()
        with self.assertRaisesRegex(UserError, "another payment"):
            failed[1].action_spar_accept()
        self.assertEqual(self.send(), [(people, "1")])

    def test_accept_is_for_programmes_that_ask_spar(self):
        self.entitle(self.make_people(1))
        self.mapper.link("1@test")
        self.manager.fa_source = "registry"
        with self.assertRaisesRegex(UserError, "does not wait"):
            self.prepare().action_spar_accept()

    def test_nothing_left_to_send(self):
        """The manager is not bothered with empty batches."""
        self.prepared(11)
        [alone] = [batch.payment_ids for batch in self.batches() if len(batch.payment_ids) == 1]
        self.mapper.remove(f"{alone.account_number}@test")
        called = []
        self.override("_send_payments", lambda _manager, batches: called.append(len(batches)))
        self.cycle.send_payment()
        self.assertEqual(called, [1])
        self.mapper.fas.clear()
        self.cycle.send_payment()
        self.assertEqual(called, [1])

    def test_other_key(self):
        """What was filled in cannot be read any more: nothing is sent."""
        self.prepared(1)
        broken = SealBroken("A sealed value cannot be opened")
        with patch.object(g2p_spar_payment, "unseal", side_effect=broken):
            with self.assertRaisesRegex(UserError, "cannot be opened"):
                self.send()


class AccountScenarios:
    """What upstream declares and nobody has made: checks of accounts."""

    def test_validate_accounts(self):
        people = self.make_people(3)
        entitlements = self.entitle(people)
        self.mapper.link("1@test", "3@test")
        self.mapper.suspended.add("3@test")
        self.assertEqual(
            self.manager.validate_accounts(entitlements),
            [
                {
                    "entitlement_id": entitlements[1].id,
                    "partner_id": people[1].id,
                    "outcome": "id_not_found",
                    "reason": "No address is linked to this ID.",
                },
                {
                    "entitlement_id": entitlements[2].id,
                    "partner_id": people[2].id,
                    "outcome": "id_inactive",
                    "reason": "The address is suspended.",
                },
            ],
        )
        self.manager.fa_source = "registry"
        people[0].bank_ids.unlink()
        [problem] = self.manager.validate_accounts(entitlements)
        self.assertEqual(problem["partner_id"], people[0].id)

    def test_check_account_status(self):
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test", "2@test")
        payments = self.prepare()
        self.assertIs(payments.check_account_status(), True)
        self.mapper.change("2@test")
        self.assertIs(payments.check_account_status(), False)
        self.assertIs(self.payment_of(people[0]).check_account_status(), True)
        self.assertEqual(set(payments.mapped("spar_state")), {"resolved"}, "nothing is stopped")

    def test_check_account_status_of_what_was_not_filled_in(self):
        people = self.make_people(2)
        entitlements = self.entitle(people)
        self.prepare()
        self.mapper.link("1@test", "2@test")
        self.assertIs(self.payments().check_account_status(), False, "it has no address yet")
        payment = self.prepare()[:1]
        unasked = payment.create({"entitlement_id": entitlements[0].id, "amount_issued": 1})
        self.assertIs((payment + unasked).check_account_status(), False)
        self.assertIs(payment.check_account_status(), True)

    def test_account_number_of_an_entitlement(self):
        people = self.make_people(2)
        entitlements = self.entitle(people)
        self.mapper.link("1@test")
        number = self.manager._get_account_number
        self.assertEqual(number(entitlements[0]), "1")
        self.assertIs(number(entitlements[1]), False)
        self.manager.fa_source = "spar_then_registry"
        self.assertEqual(number(entitlements[1]), "REGISTRY2")
        self.manager.fa_source = "registry"
        self.assertEqual(number(entitlements[0]), "REGISTRY1")
        with self.assertRaises(AccessError):
            get_public_method(people, "get_payment_token")

    def test_readiness(self):
        people = self.make_people(4)
        self.entitle(people)
        self.mapper.link("1@test", "2@test")
        self.mapper.suspended.add("2@test")
        people[3].bank_ids.unlink()
        self.manager.fa_source = "spar_then_registry"
        action = self.cycle.with_user(self.user(self.FINANCE_GROUP)).action_spar_check()
        readiness = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(
            (
                readiness.people_count,
                readiness.resolved_count,
                readiness.registry_count,
                readiness.unresolved_count,
            ),
            (4, 1, 1, 2),
        )
        self.assertEqual(
            {line.partner_id: line.reason for line in readiness.line_ids},
            {
                people[1]: "The address is suspended.",
                people[3]: "No address is linked to this ID.",
            },
        )
        lines = self.env[readiness.action_show_lines()["res_model"]]
        self.assertEqual(lines.search(readiness.action_show_lines()["domain"]), readiness.line_ids)
        self.assertFalse(self.payments())

    def test_readiness_of_members(self):
        """Before there are entitlements."""
        people = self.make_people(2)
        self.mapper.link("1@test")
        self.enroll(people)
        action = self.cycle.action_spar_check()
        readiness = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((readiness.people_count, readiness.unresolved_count), (2, 1))


class AccessScenarios:
    """Who may do and see what."""

    def test_payment_staff_without_spar_groups(self):
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test")
        user = self.user(self.FINANCE_GROUP)
        self.cycle.with_user(user).prepare_payment()
        payments = self.payments()
        self.assertEqual(len(payments), 2)
        sent = []
        self.override("_send_payments", lambda _manager, batches: sent.append(batches.payment_ids))
        self.cycle.with_user(user).send_payment()
        self.assertEqual(sent[0].partner_id, people[0])
        self.assertFalse(set(OUR_FIELDS) & set(payments.with_user(user).fields_get()))
        for name in OUR_FIELDS:
            with self.subTest(name), self.assertRaises(AccessError):
                payments.with_user(user).read([name])
        self.assertEqual(
            payments.with_user(user).sorted("id").mapped("account_number"), ["1", False]
        )
        connector = self.env["g2p.spar.connector"].with_user(user)
        with self.assertRaises(AccessError):
            connector.resolve_partners(people)

    def test_spar_groups_see_what_was_filled_in(self):
        self.entitle(self.make_people(1))
        self.mapper.link("1@test")
        payment = self.prepare()
        viewer = self.user(self.FINANCE_GROUP, f"{SPAR}viewer")
        [values] = payment.with_user(viewer).read(["spar_state", "spar_fa_masked"])
        self.assertEqual(values["spar_state"], "resolved")
        with self.assertRaises(AccessError):
            payment.with_user(viewer).read(["spar_fa_sealed"])
        with self.assertRaises(AccessError):
            payment.search([("spar_fa_sealed", "!=", False)], limit=1).with_user(viewer).search(
                [("spar_fa_sealed", "!=", False)]
            )

    def test_who_may_not(self):
        [person] = self.make_people(1)
        entitlement = self.entitle(person)
        self.mapper.link("1@test")
        payment = self.prepare()
        batch = payment.batch_id
        self.mapper.change("1@test")
        for groups in (["base.group_user"], [f"{SPAR}manager"], ["base.group_portal"]):
            user = self.user(*groups)
            for call in (
                lambda user=user: self.cycle.with_user(user).action_spar_check(),
                lambda user=user: self.cycle.with_user(user).prepare_payment(),
                lambda user=user: self.manager.with_user(user).validate_accounts(entitlement),
                lambda user=user: self.manager.with_user(user)._send_payments(batch),
                lambda user=user: payment.with_user(user).check_account_status(),
                lambda user=user: payment.with_user(user).action_spar_accept(),
                lambda user=user: payment.with_user(user).action_spar_accept_handed_over(),
            ):
                with self.subTest(groups), self.assertRaises(AccessError):
                    call()
        self.assertEqual(payment.spar_state, "resolved")

    def test_what_was_filled_in_cannot_be_written(self):
        self.entitle(self.make_people(1))
        self.mapper.link("1@test")
        payment = self.prepare().with_user(self.user(self.FINANCE_GROUP, f"{SPAR}manager"))
        for values in ({"spar_state": "registry"}, {"spar_handed_over_at": False}):
            with self.subTest(values), self.assertRaises(AccessError):
                payment.write(values)
        values = {"entitlement_id": payment.entitlement_id.id, "amount_issued": 1}
        with self.assertRaises(AccessError):
            payment.create({**values, "spar_state": "registry"})

    def test_who_makes_no_payments_learns_nothing(self):
        """A role of the PBMS that sees cycles and payment managers."""
        entitlements = self.entitle(self.make_people(1))
        user = self.user(self.READER_GROUP)
        self.assertTrue(self.manager.with_user(user).fa_source)
        for call in (
            lambda: self.cycle.with_user(user).action_spar_check(),
            lambda: self.manager.with_user(user).validate_accounts(entitlements),
            lambda: self.manager.with_user(user)._prepare_payments(self.cycle, entitlements),
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertFalse(self.mapper.asked)

    def test_payment_staff_may_not_accept(self):
        [person] = self.make_people(1)
        self.entitle(person)
        self.mapper.link("1@test")
        payment = self.prepare()
        self.mapper.change("1@test")
        self.send()
        with self.assertRaisesRegex(AccessError, "role"):
            payment.with_user(self.user(self.FINANCE_GROUP)).action_spar_accept()

    def test_readiness_is_ones_own(self):
        self.entitle(self.make_people(1))
        action = self.cycle.with_user(self.user(self.FINANCE_GROUP)).action_spar_check()
        readiness = self.env[action["res_model"]].browse(action["res_id"])
        manager = self.user(self.MANAGER_GROUP)
        for records in (readiness, readiness.line_ids):
            self.assertTrue(records)
            with self.assertRaises(AccessError):
                records.with_user(manager).read(["display_name"])

    def test_calls_are_on_record(self):
        self.entitle(self.make_people(2))
        self.mapper.link("1@test")
        lookups = self.env["g2p.spar.lookup"]
        before = lookups.search([])
        user = self.user(self.FINANCE_GROUP)
        self.cycle.with_user(user).prepare_payment()
        call = lookups.search([]) - before
        self.assertEqual(len(call), 1)
        self.assertEqual((call.asked_count, call.found_count), (2, 1))
        self.assertEqual((call.user_id, call.channel), (user, "pbms"))
        self.assertIn(self.cycle.name, call.purpose)


class Scenarios(PrepareScenarios, SendScenarios, AccountScenarios, AccessScenarios):
    """All of them."""
