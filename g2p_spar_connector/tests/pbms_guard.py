# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Scenarios of what an addon of somebody else, or a user who means to, could do to payments; the
same for every PBMS, as those of `pbms_scenarios`.
"""

from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import UserError

VIEWER = "g2p_spar_fa_directory.group_viewer"


class GuardScenarios:
    """Managers and users that go other ways."""

    def test_manager_that_sends_by_itself(self):
        """It overrides what the PBMS calls, and never gets to what that would call."""
        self.check_sending_by("send_payments")

    def test_manager_whose_job_sends_by_itself(self):
        self.check_sending_by("_send_payments_async")

    def check_sending_by(self, name):
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test", "2@test")
        self.prepare()
        self.mapper.change("1@test")
        sent = []

        def keep(_manager, *args):
            sent.extend(
                (payment.partner_id, payment.account_number) for payment in args[-1].payment_ids
            )

        self.override(name, keep)
        self.patch(type(self.manager), "MAX_BATCHES_FOR_SYNC_SEND", 0)
        self.batches()
        self.cycle.send_payment()
        self.assertEqual(sent, [(people[1], "2")])
        self.assertTrue(self.payment_of(people[1]).spar_handed_over_at)

    def test_manager_that_calls_its_parent(self):
        """The mapper is asked once, however many guards it meets."""
        people = self.make_people(1)
        self.entitle(people)
        self.mapper.link("1@test")
        self.prepare()
        self.mapper.asked.clear()
        parent = type(self.manager).send_payments
        self.override("send_payments", lambda manager, batches: parent(manager, batches))
        self.assertEqual(self.send(), [(people, "1")])
        self.assertEqual(self.mapper.asked, [1])

    def test_manager_that_is_not_there(self):
        """The PBMS names a model that no installed addon has."""
        wrapper = self.env[self.WRAPPER]
        names = wrapper._selection_manager_ref_id()
        self.patch(
            type(wrapper), "_selection_manager_ref_id", lambda _self: [*names, ("gone", "Gone")]
        )
        wrapper._register_hook()
        self.assertTrue(hasattr(type(self.manager)._send_payments, "spar_origin"))

    def test_defaults_write_nothing(self):
        """Neither those of the context, nor those that a user keeps."""
        [person] = self.make_people(1)
        [entitlement] = self.entitle(person)
        self.env["ir.default"].set(self.PAYMENT, "spar_outcome", "id_active")
        payments = self.env[self.PAYMENT].with_context(default_spar_state="resolved")
        values = {
            "name": "Mine",
            "entitlement_id": entitlement.id,
            "cycle_id": self.cycle.id,
            "account_number": "666",
            "amount_issued": 1,
        }
        viewer = self.user(self.MANAGER_GROUP, VIEWER)  # to others Odoo denies it
        payment = payments.with_user(viewer).create(values).sudo()
        self.assertEqual((payment.spar_state, payment.spar_outcome), (False, False))
        self.assertFalse(payments.create(values).spar_state, "nor in superuser mode")

    def test_nothing_is_required_by_the_database(self):
        """Tables of other managers keep the columns when the glue is uninstalled."""
        for model, _label in self.env[self.WRAPPER]._selection_manager_ref_id():
            names = ("fa_source", "spar_id_rule_id", "spar_unresolved_policy", "spar_send")
            for name in set(names) & self.env[model]._fields.keys():
                with self.subTest(model=model, field=name):
                    self.assertFalse(self.env[model]._fields[name].required)

    def test_empty_is_the_default(self):
        people = self.make_people(2)
        self.entitle(people)
        self.mapper.link("1@test")
        self.manager.write({"spar_unresolved_policy": False})
        self.assertEqual(sorted(self.prepare().mapped("status"), key=str), [False, "failed"])
        self.payments().unlink()
        self.manager.write({"fa_source": False})
        self.assertEqual(
            sorted(self.prepare().mapped("account_number")), ["REGISTRY1", "REGISTRY2"]
        )

    def test_uninstalling_lets_go_of_rules(self):
        """No manager keeps a rule from being deleted with the source that it is of."""
        self.manager.spar_id_rule_id = self.rule
        self.uninstall_hook()
        self.assertFalse(self.manager.spar_id_rule_id)
        self.rule.unlink()


class HouseholdScenarios:
    """Who is paid for a group."""

    def test_document_of_a_group_that_has_expired(self):
        """Its own address may be another one than that of its head."""
        heads = self.make_people(2)
        groups = self.make_group(heads[0]) + self.make_group(heads[1])
        self.make_documents(groups, ["50@test", "51@test"])
        self.spoil_documents(groups[0], groups[1])
        self.entitle(groups)
        self.mapper.link("1@test", "2@test", "50@test", "51@test")
        payments = self.prepare()
        self.assertEqual(payments.mapped("spar_outcome"), ["id_missing"] * 2)
        self.assertEqual(payments.spar_payee_id, groups)
        self.assertEqual(set(payments.mapped("account_number")), {False})
        self.assertIn("invalid or has expired", payments[0].spar_reason)

    def test_head_whose_membership_has_ended_meanwhile(self):
        """Whether it has ended is not what was stored when somebody wrote."""
        former, head = self.make_people(2)
        group = self.make_group(former)
        now = fields.Datetime.now()
        memberships = group.group_membership_ids
        memberships.ended_date = now + timedelta(days=1)
        self.env.flush_all()
        self.assertEqual(group._spar_heads(), {group.id: former}, "it has not ended yet")
        self.env.cr.execute(
            f'UPDATE "{memberships._table}" SET ended_date = %s WHERE id = %s',
            [now - timedelta(days=1), memberships.id],
        )
        self.env.invalidate_all()
        self.assertFalse(memberships.is_ended, "nobody wrote")
        self.assertEqual(group._spar_heads(), {group.id: self.env["res.partner"]})
        self.make_head(group, head)
        self.assertEqual(group._spar_heads(), {group.id: head})


class CheckScenarios:
    """What is shown before anything is paid."""

    def test_readiness_without_manager(self):
        self.env[self.WRAPPER].search([("program_id", "=", self.program.id)]).unlink()
        self.program.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "has no payment manager"):
            self.cycle.action_spar_check()

    def test_readiness_before_approval(self):
        people = self.make_people(4)
        entitlements = self.entitle(people)
        self.mapper.link("1@test", "2@test")
        for entitlement, state in zip(
            entitlements, ("draft", "pending_validation", "approved", "cancelled"), strict=True
        ):
            entitlement.state = state
        action = self.cycle.action_spar_check()
        readiness = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((readiness.people_count, readiness.unresolved_count), (3, 1))

    def test_registrants_own_forms(self):
        """They show the address to viewers, and have nothing of it for others."""
        people = self.make_people(1) + self.make_group()
        viewer = self.user(self.MANAGER_GROUP, VIEWER)
        other = self.user(self.MANAGER_GROUP)
        for xml_id in self.REGISTRANT_FORMS:
            view = self.env.ref(xml_id)
            for user, shown in ((viewer, True), (other, False)):
                with self.subTest(form=xml_id, user=user.login):
                    arch = people.with_user(user).get_view(view.id, "form")["arch"]
                    form = etree.fromstring(arch)
                    for widget in ("spar_payment_address_stat", "spar_payment_address"):
                        found = form.xpath(f"//widget[@name='{widget}']")
                        self.assertEqual(bool(found), shown, widget)
        self.assertTrue(people[0].with_user(viewer).spar_is_used)


class Guards(GuardScenarios, HouseholdScenarios, CheckScenarios):
    """All of them."""
