# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .partner_common import PartnerCommon

ID = "token:7001@nationalId"
FA = "account:888000222@PAYB"
SECRETS = (ID, FA, "7001@", "888000222")


@tagged("post_install", "-at_install")
class TestContact(PartnerCommon):
    def setUp(self):
        super().setUp()
        self.contact = self._contacts("7001")
        self.env["g2p.spar.outbox"].search([]).unlink()

    def look_up(self, user="officer"):
        return self.contact.with_user(self.users[user]).spar_look_up()

    def dialog(self, operation, user="officer", **values):
        dialogs = self.env["g2p.spar.partner.change"].with_user(self.users[user])
        action = getattr(self.contact.with_user(self.users[user]), f"action_spar_{operation}")()
        form = Form(dialogs.with_context(**action["context"]))
        form.reason = "came to the counter"
        for name, value in values.items():
            setattr(form, name, value)
        return form.save()

    def link_dialog(self, operation="link", **values):
        return self.dialog(operation, provider_id=self.bank, number="888000222", **values)

    def changes(self):
        return self.env["g2p.spar.outbox"].search([("partner_id", "=", self.contact.id)])

    # --- what is shown ---

    def test_linked(self):
        self.mapper.link(ID, FA)
        told = self.look_up("viewer")
        self.assertEqual(
            {name: told[name] for name in ("outcome", "address", "provider", "id", "waiting")},
            {
                "outcome": "id_active",
                "address": "••••222",
                "provider": "Provider PAYB",
                "id": "••••001@nationalId",
                "waiting": 0,
            },
        )
        self.assertEqual((told["can_change"], told["can_show"]), (False, False))
        for secret in SECRETS:
            self.assertNotIn(secret, json.dumps(told))
        self.assertTrue(self.look_up("officer")["can_change"])

    def test_an_address_that_nobody_can_read(self):
        self.mapper.link(ID, "something:888000222@elsewhere")
        self.assertEqual(self.look_up()["address"], "••••0222@elsewhere")

    def test_an_email_wallet(self):
        provider = self._provider("PAYM", "email_wallet", 3)
        address = self.env["g2p.fa.directory"].construct_fa(provider, "somebody@example.org")
        self.mapper.link(ID, address.string)
        self.assertEqual(self.look_up()["address"], "s•••@e•••.org")

    def test_not_linked_and_suspended(self):
        self.assertEqual(self.look_up()["outcome"], "id_not_found")
        self.mapper.link(ID, FA)
        self.mapper.suspended.add(ID)
        told = self.look_up()
        self.assertEqual((told["outcome"], told["address"]), ("id_inactive", False))

    def test_without_an_id(self):
        self.contact.ref = False
        told = self.look_up()
        self.assertEqual((told["outcome"], told["id"]), ("id_missing", False))
        self.assertFalse(self.mapper.calls)

    def test_away(self):
        self.mapper.away = True
        told = self.look_up()
        self.assertEqual(told["outcome"], "unavailable")
        self.assertEqual(told["message"], "The mapper is away; try again later.")

    def test_each_look_at_a_contact_is_on_record(self):
        self.look_up("viewer")
        self.assertEqual(
            self.lookups()[-1].read(["user_id", "purpose", "channel", "asked_count"], load=None)[0],
            {
                "id": self.lookups()[-1].id,
                "user_id": self.users["viewer"].id,
                "purpose": "contact form",
                "channel": "back_office",
                "asked_count": 1,
            },
        )

    def test_the_form_itself_asks_nobody(self):
        """Nor do lists, exports and copies: what is shown comes by its own call."""
        self.mapper.link(ID, FA)
        officer = self.users["officer"]
        contacts = self.contact.with_user(officer)
        form = Form(contacts)
        self.assertTrue(form.spar_is_used)
        contacts.web_search_read([("ref", "=", "7001")], {"name": {}, "spar_is_used": {}})
        self.contact.export_data(["name", "ref", "spar_is_used"])
        self.contact.read()
        self.contact.copy()
        self.assertFalse(self.mapper.calls)

    def test_shown_only_where_spar_is_used(self):
        self.assertTrue(self.contact.spar_is_used)
        self.rule.active = False
        self.contact.invalidate_recordset()
        self.assertFalse(self.contact.spar_is_used)
        self.rule.active = True
        self.connector.active = False
        self.contact.invalidate_recordset()
        self.assertFalse(self.contact.spar_is_used)

    def test_views(self):
        for name, is_shown in (("viewer", True), ("officer", True), ("employee", False)):
            contacts = self.env["res.partner"].with_user(self.users[name])
            arch = contacts.get_view(self.env.ref("base.view_partner_form").id, "form")["arch"]
            self.assertEqual("spar_payment_address" in arch, is_shown, name)

    # --- changes ---

    def test_link_change_remove(self):
        dialog = self.link_dialog()
        action = dialog.action_apply()
        self.assertEqual(action["params"]["message"], "Done.")
        self.assertEqual(self.mapper.fas, {ID.lower(): FA})
        self.assertFalse(dialog.typed, "nothing that was typed stays")
        actor = self.mapper.calls[-1][1]
        self.assertEqual(
            (actor.kind, actor.channel, actor.reason, actor.user_id),
            ("staff", "back_office", "came to the counter", self.users["officer"].id),
        )
        self.dialog("update", provider_id=self.wallet, number="+639170000001").action_apply()
        self.assertEqual(self.look_up()["provider"], "Provider PAYW")
        self.dialog("unlink").action_apply()
        self.assertEqual(self.mapper.fas, {})
        self.assertFalse(self.changes())

    def test_refusals_say_why(self):
        self.mapper.link(ID, FA)
        with self.assertRaisesRegex(UserError, "linked already"):
            self.link_dialog().action_apply()
        self.bank.strategy_id = False
        with self.assertRaisesRegex(UserError, "provider: has no strategy"):
            self.link_dialog("update").action_apply()

    def test_the_number_is_stored_sealed(self):
        dialog = self.link_dialog()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT row_to_json(d)::text FROM g2p_spar_partner_change AS d WHERE id = %s",
            dialog.ids,
        )
        self.assertNotIn("888000222", self.env.cr.fetchone()[0])

    def test_keep_it_for_later(self):
        self.mapper.away = True
        dialog = self.link_dialog()
        again = dialog.action_apply()
        self.assertEqual((again["res_model"], again["res_id"]), (dialog._name, dialog.id))
        self.assertIn("away", dialog.problem)
        self.assertFalse(self.changes(), "nothing is kept unless the officer says so")
        dialog.action_keep()
        change = self.changes()
        self.assertEqual(
            (change.operation, change.state, change.fa_masked, change.reason, change.channel),
            ("link", "waiting", "PAYB ••••222", "came to the counter", "back_office"),
        )
        self.assertEqual(change.try_count, 1, "the mapper may have done it")
        self.assertFalse(dialog.typed)
        self.assertEqual(self.look_up()["waiting"], 1)

    def test_a_later_change_follows_the_one_that_waits(self):
        self.mapper.away = True
        dialog = self.link_dialog()
        dialog.action_apply()
        dialog.action_keep()
        self.mapper.away = False
        asked = len(self.mapper.calls)
        later = self.dialog("update", provider_id=self.bank, number="888000333")
        self.assertTrue(later.follows_another)
        later.action_apply()
        self.assertEqual(len(self.mapper.calls), asked, "it does not overtake")
        self.assertEqual(self.changes().mapped("operation"), ["update", "link"])

    # --- personas ---

    def test_who_may_look(self):
        for name in ("employee", "portal"):
            contact = self.contact.with_user(self.users[name])
            for method in ("spar_look_up", "action_spar_show"):
                with self.subTest(user=name, method=method), self.assertRaises(AccessError):
                    call_kw(contact.browse(), method, [self.contact.ids], {})
        self.assertFalse(self.mapper.calls)

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_who_may_change(self):
        values = {"partner_id": self.contact.id, "provider_id": self.bank.id, "reason": "x"}
        dialog = self.link_dialog()
        for name in ("viewer", "employee", "portal"):
            dialogs = dialog.browse().with_user(self.users[name])
            with self.subTest(user=name):
                with self.assertRaises(AccessError):
                    dialogs.create(values)
                with self.assertRaises(AccessError):
                    dialog.with_user(self.users[name]).action_apply()
                with self.assertRaises(AccessError):
                    dialog.with_user(self.users[name]).action_keep()
        self.assertFalse(self.mapper.calls)
        self.assertFalse(self.changes())

    def test_another_company(self):
        """Whose contacts a user may not see, their addresses neither."""
        self.contact.company_id = self.env["res.company"].create({"name": "Another"})
        with self.assertRaises(AccessError):
            self.look_up("manager")
        with self.assertRaises(AccessError):
            self.link_dialog(user="manager").action_apply()

    def test_what_rpc_reaches(self):
        for name in ("_spar_resolve", "_spar_connector_and_id", "_spar_payees"):
            with self.assertRaises(AccessError):
                get_public_method(self.contact, name)
