# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, HttpCase, tagged

from .partner_common import GROUPS, PartnerCommon


class TestIdRule(PartnerCommon):
    def ids(self, contacts, **options):
        ids = self.connectors.id_for_partners(contacts, **options)
        return [ids[contact.id] for contact in contacts]

    def rule_of(self, **values):
        return self.rule.create({"name": "Another", "field_name": "vat", **values})

    # === MAKING IDS === #

    def test_the_first_rule_that_gives_an_id(self):
        contacts = self._contacts("1", False, "3 3", False)
        contacts[:3].vat = "V9"
        self.assertEqual(self.ids(contacts), ["token:1@nationalId", False, False, False])
        other = self.rule_of()
        self.assertEqual(self.ids(contacts), ["token:1@nationalId", "V9", "V9", False])
        other.sequence = 1
        self.assertEqual(self.ids(contacts), ["V9", "V9", "V9", False])
        other.active = False
        self.assertEqual(self.ids(contacts), ["token:1@nationalId", False, False, False])
        self.assertEqual(self.ids(contacts, rule=other), ["V9", "V9", "V9", False])

    def test_without_a_form_the_reference_is_the_id(self):
        self.rule.strategy_id = False
        contacts = self._contacts("token:7@nationalId", "Ж", "a" * 256, "7")
        self.assertEqual(self.ids(contacts), ["token:7@nationalId", False, False, "7"])

    def test_fields_that_differ_by_company_and_numbers(self):
        contact = self._contacts(False)
        contact.barcode = "B1"
        company = self.env["res.company"].create({"name": "Elsewhere"})
        contact.with_company(company).barcode = "B2"
        self.rule.write({"field_name": "barcode", "strategy_id": False, "company_id": False})
        self.assertEqual(self.ids(contact), ["B1"])
        elsewhere = self.connectors.with_company(company).sudo()
        self.assertEqual(elsewhere.id_for_partners(contact), {contact.id: "B2"})
        self.rule.field_name = "color"
        self.assertEqual(self.ids(contact), [False])
        contact.color = 5
        self.assertEqual(self.ids(contact), ["5"])

    def test_a_field_that_is_gone_gives_nothing(self):
        contact = self._contacts("1")
        self.env.cr.execute(
            "UPDATE g2p_spar_id_rule SET field_name = 'gone' WHERE id = %s", [self.rule.id]
        )
        self.rule.invalidate_recordset()
        self.assertEqual(self.ids(contact), [False])

    # === WHAT A RULE MAY BE === #

    def test_only_fields_that_everybody_reads(self):
        names = dict(self.rule._fields["field_name"]._description_selection(self.env))
        for name in ("ref", "vat", "barcode", "color"):
            self.assertIn(name, names)
        # not text, of other types, not stored, or for some only
        for name in ("comment", "is_company", "parent_name", "signup_type", "company_id"):
            self.assertNotIn(name, names)
        for name in ("comment", "signup_type", "nothing"):
            with self.subTest(name), self.assertRaisesRegex(ValidationError, "no such text"):
                self.rule.field_name = name

    def test_refused(self):
        with self.assertRaisesRegex(ValidationError, "choose the field"):
            self.rule.field_name = False
        strategy = self.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_101")
        with self.assertRaisesRegex(ValidationError, "needs a strategy of IDs"):
            self.rule.strategy_id = strategy

    def test_warning_of_subjects(self):
        self.assertFalse(self.rule.pairwise_warning)
        for name, warns in (
            ("x_psut", True),
            ("oidc_sub", True),
            ("x_sub_id", True),
            ("subsidiary", False),
        ):
            with self.subTest(name):
                rule = self.rule.new({"source": "field", "field_name": name})
                self.assertEqual(bool(rule.pairwise_warning), warns)

    def test_form(self):
        self.users["manager"].group_ids += self.env.ref("base.group_multi_company")
        with Form(self.rule.browse().with_user(self.users["manager"])) as form:
            form.name = "Tax ID"
            form.field_name = "vat"
            form.strategy_id = self.strategy
            self.assertFalse(form.pairwise_warning)
        self.assertEqual(form.record.company_id, self.env.company)

    # === ROLES === #

    def test_roles(self):
        may = {
            "portal": (),
            "employee": (),
            "viewer": ("read",),
            "officer": ("read",),
            "manager": ("read", "write", "create", "unlink"),
        }
        for user, allowed in may.items():
            rule = self.rule.with_user(self.users[user])
            for operation in ("read", "write", "create", "unlink"):
                with self.subTest(user=user, operation=operation):
                    self.assertEqual(rule.has_access(operation), operation in allowed)

    # === TRYING IT === #

    def try_on(self, contact, user="officer", rule=None):
        dialogs = self.env["g2p.spar.id.rule.try"].with_user(self.users[user])
        return dialogs.create({"rule_id": (rule or self.rule).id, "partner_id": contact.id})

    def test_try(self):
        contacts = self._contacts("123456789012", False, "1 2")
        told = [(self.try_on(c).id_masked, self.try_on(c).problem) for c in contacts]
        self.assertEqual(told[0], ("token:••••9012@nationalId", False))
        self.assertEqual(told[1], (False, "The contact has no such reference."))
        self.assertRegex(told[2][1], "without blanks")
        self.rule.strategy_id = False
        self.assertEqual(self.try_on(contacts[0]).id_masked, "••••9012")

    def test_try_stores_nothing_of_the_id(self):
        dialog = self.try_on(self._contacts("123456789012"))
        self.assertTrue(dialog.id_masked)
        stored = [name for name, field in dialog._fields.items() if field.store]
        self.assertNotIn("id_masked", stored)
        self.assertNotIn("problem", stored)

    def test_try_by_the_button(self):
        action = self.rule.with_user(self.users["officer"]).action_try()
        dialogs = self.env[action["res_model"]].with_user(self.users["officer"])
        with Form(dialogs.with_context(**action["context"])) as form:
            form.partner_id = self._contacts("123456789012").with_user(self.users["officer"])
            self.assertEqual(form.id_masked, "token:••••9012@nationalId")

    def test_try_is_for_officers_on_contacts_that_they_read(self):
        contact = self._contacts("123456789012")
        for user in ("viewer", "employee", "portal"):
            with self.subTest(user), self.assertRaises(AccessError):
                self.try_on(contact, user)
        self.env["ir.rule"].create(
            {
                "name": "Not this one",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": [("id", "!=", contact.id)],
            }
        )
        with self.assertRaises(AccessError):
            self.try_on(contact).id_masked  # noqa: B018

    def test_try_another_company(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.env.ref("base.res_partner_rule").active = False
        foreigner = self._contacts("123456789012", company_id=company.id)
        self.assertRegex(self.try_on(foreigner).problem, "another company")
        foreign_rule = self.rule.copy({"company_id": company.id})
        with self.assertRaises(AccessError):
            self.try_on(foreigner, rule=foreign_rule).id_masked  # noqa: B018

    def test_menu(self):
        menu = self.env.ref("g2p_spar_connector.g2p_spar_id_rule_menu")
        for name, user in self.users.items():
            if not user.share:
                visible = self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()
                self.assertEqual(menu.id in visible, user.has_group(f"{GROUPS}manager"), name)


@tagged("post_install", "-at_install")
class TestScreens(HttpCase, PartnerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # test processes share a folder for files, and each removes what it does not know
        cls.env["ir.config_parameter"].set_param("ir_attachment.location", "db")

    def test_a_rule_is_made_and_tried(self):
        self._contacts(False, name="Contact of the tour", vat="123456789012")
        self.start_tour(
            "/odoo/spar-id-rules", "g2p_spar_id_rule", login="spar-contact-manager", timeout=180
        )

    def test_calls_are_listed(self):
        self.connectors.resolve_partners(self._contacts("1"), purpose="Seen on screen")
        self.browser_js(
            "/odoo/spar-lookups",
            "console.log('test successful')",
            "[...document.querySelectorAll('.o_data_row')].some("
            "row => row.textContent.includes('Seen on screen'))",
            login="spar-contact-manager",
        )
