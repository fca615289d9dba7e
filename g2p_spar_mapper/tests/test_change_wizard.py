# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import UserError
from odoo.tests import Form, new_test_user

from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

from .common import MapperCommon


class TestChangeWizard(MapperCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(
            cls.env, "spar-officer", groups="g2p_spar_fa_directory.group_officer"
        )
        cls.manager = new_test_user(
            cls.env, "spar-manager", groups="g2p_spar_fa_directory.group_manager"
        )

    def wizard(self, operation, user=None, **values):
        context = {"default_operation": operation, "default_mapping_id": values.pop("mapping", 0)}
        model = self.env["g2p.spar.mapping.change"].with_user(user or self.officer)
        form = Form(model.with_context(**context))
        form.reason = "came to the counter"
        for name, value in values.items():
            setattr(form, name, value)
        return form.save()

    def apply(self, operation, **values):
        wizard = self.wizard(operation, **values)
        wizard.action_apply()
        return wizard

    def link_one(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        return self.mapping(self.id_of(1)).id

    def test_link(self):
        wizard = self.apply(
            "link",
            id_value=self.id_of(1),
            provider_id=self.bank,
            number="123456789",
            name="Tala",
            phone_number="+639170000001",
        )
        mapping = self.mapping(self.id_of(1))
        self.assertEqual((mapping.channel, mapping.actor_kind), ("back_office", "staff"))
        [event] = self.events(self.id_of(1))
        self.assertEqual(
            (event.actor_name, event.user_id, event.reason),
            (self.officer.name, self.officer.id, "came to the counter"),
        )
        self.assertFalse(wizard.id_value or wizard.number or wizard.phone_number or wizard.name)

    def test_update_suspend_reactivate_unlink(self):
        mapping = self.link_one()
        self.apply("update", mapping=mapping, provider_id=self.other_bank, number="222222222")
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa("222222222", "OTHB"))
        self.apply("suspend", mapping=mapping)
        self.assertEqual(self.resolve(self.id_of(1))[0].outcome, Outcome.ID_INACTIVE)
        self.apply("reactivate", mapping=mapping)
        self.assertEqual(self.resolve(self.id_of(1))[0].outcome, Outcome.ID_ACTIVE)
        self.apply("unlink", mapping=mapping)
        self.assertFalse(self.mapping(self.id_of(1)))
        self.assertEqual(
            self.events(self.id_of(1)).mapped("operation"),
            ["link", "update", "suspend", "reactivate", "unlink"],
        )

    def test_refusals_say_why(self):
        mapping = self.link_one()
        for wizard, text in (
            (
                self.wizard(
                    "link", id_value=self.id_of(1), provider_id=self.bank, number="123456789"
                ),
                "linked already",
            ),
            (
                self.wizard("update", mapping=mapping, provider_id=self.bank, number="12"),
                "account_number: ",
            ),
            (
                self.wizard("link", id_value="no good", provider_id=self.bank, number="123456789"),
                "id: ",
            ),
        ):
            with self.subTest(text=text), self.assertRaisesRegex(UserError, text):
                wizard.action_apply()

    def test_reason_is_required(self):
        with self.assertRaisesRegex(AssertionError, "reason"):
            self.wizard("suspend", mapping=self.link_one(), reason=False)

    def test_erase_after_unlink(self):
        self.link_one()
        self.remove(self.free, (self.id_of(1), ""))
        self.apply("erase", user=self.manager, id_value=self.id_of(1))
        self.assertFalse(any(self.events(self.id_of(1)).mapped("id_masked")))

    def test_only_managers_erase(self):
        mapping = self.link_one()
        with self.assertRaises(UserError):
            self.wizard("erase", mapping=mapping).action_apply()
        self.apply("erase", user=self.manager, mapping=mapping)
        self.assertFalse(self.mapping(self.id_of(1)))
