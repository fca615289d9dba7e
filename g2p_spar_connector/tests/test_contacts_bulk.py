# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .partner_common import PartnerCommon


@tagged("post_install", "-at_install")
class TestContactsBulk(PartnerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.banks = cls.env["res.bank"]
        cls.known, cls.by_bic, cls.unknown = cls.banks.create(
            [{"name": "Known"}, {"name": "By BIC", "bic": "COBADEFFXXX"}, {"name": "Unknown"}]
        )
        cls.bank.bank_id = cls.known
        cls.other = cls._provider("PAYO", "bank", 101)
        cls.other.bic = "COBADEFF"
        cls.wallet.country_id = cls.env.ref("base.ph")

    def setUp(self):
        super().setUp()
        self.env["g2p.spar.outbox"].search([]).unlink()

    def account(self, partner, number, bank=None, **values):
        return self.env["res.partner.bank"].create(
            {
                "partner_id": partner.id,
                "acc_number": number,
                "bank_id": (bank or self.known).id,
                **values,
            }
        )

    def dialog(self, partners, user="officer", **values):
        dialogs = self.env["g2p.spar.partner.bulk.link"].with_user(self.users[user])
        dialogs = dialogs.with_context(active_ids=partners.ids, active_model="res.partner")
        return dialogs.create({"reason": "from the registry", **values})

    def preview(self, partners, **values):
        dialog = self.dialog(partners, **values)
        dialog.action_preview()
        return dialog

    def kinds(self, dialog):
        return {line.partner_id.ref: (line.kind, line.why) for line in dialog.line_ids}

    def waiting(self):
        return self.env["g2p.spar.outbox"].search([], order="id")

    def work(self):
        self.registry_enter_test_mode()
        self.env.flush_all()
        self.env.ref("g2p_spar_connector.cron_outbox").method_direct_trigger()
        self.env.invalidate_all()

    def test_preview(self):
        contacts = self._contacts("1", "2", "3", "4", "5", "6", "7", False, "9")
        ready, linked, suspended, bare, unknown, by_bic, refused, without, same = contacts
        for contact in contacts - bare - unknown - by_bic - refused:
            self.account(contact, f"11122233{contact.id}")
        self.account(unknown, "111222335", self.unknown)
        self.account(by_bic, "111222336", self.by_bic)
        self.account(refused, "111222337")
        self.bank.account_rule_id = self.env.ref("g2p_spar_fa_directory.g2p_fa_account_rule_3")
        refused.bank_ids.acc_number = "12"
        same.ref = "1"
        self.mapper.put(n2="account:1@PAYB", n3="account:2@PAYB")
        self.mapper.suspended.add("token:3@nationalId")
        dialog = self.preview(contacts)
        same.ref = "9"  # to tell its line from that of the first
        self.assertEqual(
            self.kinds(dialog),
            {
                "2": ("linked", False),
                "3": ("suspended", False),
                "4": ("no_account", False),
                "5": ("bank", "Unknown"),
                "7": ("refused", "account_number: must have at least 9 characters"),
                False: ("no_id", "No ID rule gives this contact an ID."),
                "9": ("same_id", ready.display_name),
            },
        )
        self.assertEqual(
            (
                dialog.partner_count,
                dialog.id_count,
                dialog.account_count,
                dialog.linked_count,
                dialog.ready_count,
            ),
            (9, 8, 6, 1, 2),
        )
        self.assertIn("1 × Bank not in the directory", dialog.summary)
        self.assertFalse(self.waiting(), "a preview changes nothing")

    def test_what_waits_is_not_queued_again(self):
        one, same = self._contacts("1", "1")
        for contact in one + same:
            self.account(contact, "111222331")
        self.preview(one).action_link()
        dialog = self.preview(one + same)
        self.assertEqual(dialog.line_ids.mapped("kind"), ["waits", "waits"])
        with self.assertRaisesRegex(UserError, "None of these"):
            dialog.action_link()
        self.assertEqual(len(self.waiting()), 1)

    def test_link(self):
        contacts = self._contacts("1", "2", "3")
        for contact, number in zip(
            contacts, ("111 222-331", "111222332", "111222333"), strict=True
        ):
            self.account(contact, number)
        self.mapper.put(n3="account:1@PAYB")
        dialog = self.preview(contacts)
        action = dialog.action_link()
        self.assertEqual(action["params"]["message"], "2 changes are in the outbox.")
        self.assertEqual(self.waiting().partner_id, contacts[:2])
        self.assertEqual(set(self.waiting().mapped("reason")), {"from the registry"})
        self.assertFalse([call for call in self.mapper.calls if call[0] == "link"], "not yet")
        self.work()
        self.assertEqual(set(self.waiting().mapped("state")), {"done"})
        self.assertEqual(
            [operation for operation, *_call in self.mapper.calls if operation == "link"],
            ["link"],
            "one call for all",
        )
        self.assertEqual(self.mapper.fas["token:1@nationalid"], "account:111222331@PAYB")

    def test_the_first_account_counts(self):
        contact = self._contacts("1")
        self.account(contact, "111222332", sequence=2)
        self.account(contact, "111222331", sequence=1)
        self.dialog(contact).action_link()
        self.work()
        self.assertEqual(self.mapper.fas, {"token:1@nationalid": "account:111222331@PAYB"})

    def test_several_providers_of_one_bank(self):
        self.other.bank_id = self.known
        contact = self._contacts("1")
        self.account(contact, "111222331")
        self.assertEqual(
            self.kinds(self.preview(contact)), {"1": ("bank", "Several providers are “Known”.")}
        )

    def test_the_clearing_number_is_the_branch(self):
        self.bank.strategy_id = self.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_2")
        self.env["g2p.fa.branch"].create(
            {"provider_id": self.bank.id, "name": "Main Street", "code": "PAYB001"}
        )
        contact = self._contacts("1")
        account = self.account(contact, "111222331")
        [(kind, why)] = self.kinds(self.preview(contact)).values()
        self.assertEqual(kind, "refused")
        self.assertIn("branch_code: is required", why)
        account.clearing_number = "PAYB001"
        self.dialog(contact).action_link()
        self.work()
        self.assertIn("branch_code:PAYB001", self.mapper.fas["token:1@nationalid"])

    def test_an_account_without_bank(self):
        contact = self._contacts("1")
        self.account(contact, "111222331").bank_id = False
        [(kind, why)] = self.kinds(self.preview(contact)).values()
        self.assertEqual((kind, why), ("bank", "The bank of the account is not on record."))

    def test_phones(self):
        contacts = self._contacts("1", "2", "3", "4", "5")
        phones = ("+63 (917) 000-0001", "0917 000 0002", "+1 202 555 0100", False, "+639170000005")
        for contact, phone in zip(contacts, phones, strict=True):
            contact.phone = phone
        self.account(contacts[4], "111222335")
        options = {"use_phones": True, "wallet_provider_id": self.wallet.id}
        dialog = self.preview(contacts, **options)
        self.assertEqual(self.kinds(dialog), {"2": ("phone", False), "4": ("no_account", False)})
        dialog = self.preview(contacts, phone_form="national", **options)
        self.assertEqual(
            self.kinds(dialog)["3"], ("phone", "It is not of the wallet's country (+63).")
        )
        dialog.action_link()
        self.work()
        self.assertEqual(
            self.mapper.fas,
            {
                "token:1@nationalid": self.address(self.wallet, "9170000001"),
                "token:5@nationalid": "account:111222335@PAYB",
            },
        )

    def address(self, provider, number):
        return self.env["g2p.fa.directory"].construct_fa(provider, number).string

    def test_phones_need_a_wallet(self):
        dialog = self.dialog(self._contacts("1"), use_phones=True)
        with self.assertRaisesRegex(UserError, "mobile wallet"):
            dialog.action_preview()

    def test_away(self):
        """Who is linked turns out in the outbox."""
        self.mapper.away = True
        contacts = self._contacts("1", "2")
        for number, contact in enumerate(contacts):
            self.account(contact, f"11122233{number}")
        dialog = self.preview(contacts)
        self.assertEqual((dialog.unknown_count, dialog.ready_count), (2, 2))
        dialog.action_link()
        self.mapper.away = False
        self.mapper.put(n2="account:1@PAYB")
        self.work()
        self.assertEqual(self.waiting().mapped("state"), ["done", "failed"])

    def test_linked_since_the_preview(self):
        contact = self._contacts("1")
        self.account(contact, "111222331")
        dialog = self.preview(contact)
        self.assertEqual(dialog.ready_count, 1)
        self.mapper.put(n1="account:1@PAYB")
        with self.assertRaisesRegex(UserError, "None of these"):
            dialog.action_link()

    def test_a_reason_is_required(self):
        contact = self._contacts("1")
        self.account(contact, "111222331")
        with self.assertRaisesRegex(UserError, "Say why"):
            self.dialog(contact, reason=False).action_link()
        self.assertFalse(self.waiting())

    def test_nothing_is_kept_in_the_dialog(self):
        contact = self._contacts("1")
        self.account(contact, "111222331")
        dialog = self.preview(contact)
        self.env.flush_all()
        for table in ("g2p_spar_partner_bulk_link", "g2p_spar_partner_bulk_link_line"):
            query = SQL("SELECT json_agg(d)::text FROM %s AS d", SQL.identifier(table))
            [[kept]] = self.env.execute_query(query)
            self.assertNotIn("111222331", kept or "")
        self.assertTrue(dialog.ready_count)

    def test_statements_do_not_grow(self):
        def statements(count):
            contacts = self._contacts(*(f"{count}-{number}" for number in range(count)))
            self.env["res.partner.bank"].create(
                [
                    {
                        "partner_id": contact.id,
                        "acc_number": f"1112{contact.id:07}",
                        "bank_id": self.known.id,
                    }
                    for contact in contacts
                ]
            )
            dialog = self.dialog(contacts)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            dialog.action_link()
            self.assertEqual(len(self.waiting()), count)
            self.waiting().unlink()
            return self.env.cr.sql_log_count - before

        statements(1)  # fills caches
        few, many = statements(10), statements(1000)
        self.assertLessEqual(many, few + 5)

    def test_bound_to_the_list(self):
        action = self.env.ref("g2p_spar_connector.g2p_spar_partner_bulk_link_action")
        for name, is_bound in (("officer", True), ("viewer", False), ("employee", False)):
            bindings = self.env["ir.actions.actions"].with_user(self.users[name])
            bound = bindings.get_bindings("res.partner").get("action", [])
            self.assertEqual(action.id in [each["id"] for each in bound], is_bound, name)

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_who_may(self):
        contact = self._contacts("1")
        self.account(contact, "111222331")
        dialog = self.dialog(contact)
        for name in ("viewer", "employee", "portal"):
            mine = dialog.with_user(self.users[name])
            for act in (
                lambda mine=mine: mine.create({}),
                mine.action_preview,
                mine.action_link,
                mine.action_back,
            ):
                with self.subTest(user=name, act=act), self.assertRaises(AccessError):
                    act()
        self.assertFalse(self.waiting())
        self.assertFalse(self.mapper.calls)
