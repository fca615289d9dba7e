# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from dataclasses import replace
from unittest.mock import patch

from odoo.exceptions import UserError

from ..models.g2p_spar_self_service import CannotChange, FieldProblem, clean_number
from .change_common import ChangeCommon


class TestSelfService(ChangeCommon):
    def problem(self, provider, number, branch=None, **more):
        with self.assertRaises(FieldProblem) as caught:
            self.service.make_address(provider, branch, number, **more)
        return caught.exception.field, caught.exception.message

    # === what is on record === #

    def test_current(self):
        self.assertEqual(self.service.current(self.maria).state, "none")
        self.put_on_record(self.maria)
        current = self.service.current(self.maria)
        self.assertEqual((current.state, current.kind), ("linked", "bank"))
        self.assertEqual(current.label, "Plain Bank: ••••3333")
        self.mapper.suspended.add(self.maria.id.lower())
        self.assertEqual(self.service.current(self.maria).state, "on_hold")
        self.mapper.away = True
        self.assertEqual(self.service.current(self.maria).state, "away")

    def test_current_of_an_unreadable_address(self):
        self.mapper.mappings[self.maria.id.lower()] = ("account:12345678@elsewhere", None)
        current = self.service.current(self.maria)
        self.assertEqual(current.state, "linked")
        self.assertNotIn("123456", current.label)

    def test_no_connector(self):
        nowhere = replace(self.maria, connector=self.connector.browse())
        self.assertEqual(self.service.current(nowhere).state, "away")

    def test_connector_without_backend(self):
        answer = UserError(self.env._("No backend"))
        self.startPatcher(patch.object(type(self.connector), "_call", side_effect=answer))
        self.assertEqual(self.service.current(self.maria).state, "away")
        with self.assertRaises(CannotChange):
            self.draft(self.maria)

    # === what there is to choose from === #

    def test_kinds(self):
        self.assertEqual(self.service.kinds(), ["bank", "mobile_wallet", "email_wallet"])
        self.wallet.action_archive()
        self.mail_wallet.strategy_id = False
        self.assertEqual(self.service.kinds(), ["bank"])

    def test_find_providers(self):
        find = self.service.find_providers
        self.assertEqual(find("bank").records, self.plain_bank + self.bank)
        self.assertEqual(find("bank", "test").records, self.bank)
        self.assertEqual(find("bank", "BANK plain").records, self.plain_bank)
        self.assertEqual(find("bank", "pLnB").records, self.plain_bank)
        self.assertFalse(find("bank", "wallet").records)
        self.assertEqual(find("mobile_wallet").records, self.wallet)
        self.assertFalse(find("no such kind").records)
        self.bank.action_archive()
        self.assertFalse(find("bank", "test").records, "archived providers take nothing new")

    def test_pages_of_a_long_list(self):
        self.env["g2p.fa.provider"].create(
            [
                {
                    "name": f"Long List {place:02}",
                    "code": f"LONG{place}",
                    "fa_type": "bank",
                    "strategy_id": self.plain_bank.strategy_id.id,
                }
                for place in range(45)
            ]
        )
        self.assertFalse(self.service.is_short("bank"))
        self.assertTrue(self.service.is_short("mobile_wallet"))
        pages = [self.service.find_providers("bank", "long", page) for page in range(4)]
        self.assertEqual([len(found.records) for found in pages], [20, 20, 5, 0])
        self.assertEqual([found.has_more for found in pages], [True, True, False, False])
        self.assertEqual(len(pages[0].records | pages[1].records | pages[2].records), 45)
        self.assertFalse(self.service.find_providers("bank", "long", 10**9).records)
        self.assertEqual(self.service.find_providers("bank", "long", -3).records, pages[0].records)

    def test_find_branches(self):
        self.env.flush_all()
        for query, found in {
            "": self.other_branch + self.branch,
            "harb": self.other_branch,
            "tb1": self.branch,
            "sagar": self.branch,
            "main sag": self.branch,
            "main nilgiri": self.env["g2p.fa.branch"],
            "%": self.env["g2p.fa.branch"],
            "_B1": self.env["g2p.fa.branch"],
            "x" * 5000: self.env["g2p.fa.branch"],
        }.items():
            with self.subTest(query[:20]):
                self.assertEqual(self.service.find_branches(self.bank, query).records, found)
        self.assertFalse(self.service.find_branches(self.plain_bank, "main").records)

    def test_has_branches(self):
        self.assertTrue(self.service.has_branches(self.bank))
        self.assertFalse(self.service.has_branches(self.wallet))
        self.assertFalse(self.service.has_branches(self.plain_bank))
        self.env["g2p.fa.branch"].create(
            {"provider_id": self.plain_bank.id, "name": "Any", "code": "A1"}
        )
        self.assertFalse(self.service.has_branches(self.plain_bank), "its addresses name none")

    def test_what_forms_tell(self):
        provider = self.service.provider
        self.assertEqual(provider(str(self.bank.id), "bank"), self.bank)
        for odd in ("", None, "x", "-1", "1.5", "٣", "1" * 30, self.wallet.id, [1], {"a": 1}):
            self.assertFalse(provider(odd, "bank"), odd)
        self.assertEqual(self.service.branch(self.branch.id, self.bank), self.branch)
        self.assertFalse(self.service.branch(self.branch.id, self.plain_bank))

    # === what was typed === #

    def test_make_address(self):
        made = self.service.make_address(self.plain_bank, None, "123456789012")
        self.assertEqual(
            made,
            {"fa": "account:123456789012@PLNB", "label": "Plain Bank: ••••9012", "name": None},
        )
        made = self.service.make_address(self.bank, self.branch, "123456789012")
        self.assertIn(".branch_code:TB1.", made["fa"])
        self.assertEqual(made["label"], "Testing Bank, Main Street: ••••9012")
        made = self.service.make_address(self.wallet, None, "9170000001")
        self.assertEqual(made["fa"], "mobile:9170000001@TSTW")
        made = self.service.make_address(self.mail_wallet, None, "maria@example.org")
        self.assertEqual(made["label"], "Testing Mail: m••••@e•••.org".replace("••••@", "•••@"))

    def test_what_people_write_into_numbers(self):
        for typed in (
            " 1234 5678 9012 ",
            "1234\u00a05678\u200b9012",
            "١٢٣٤٥٦٧٨٩٠١٢",
            "१२३४५६७८९०१२",
        ):
            self.assertEqual(clean_number(typed, "bank"), "123456789012", typed)
        self.assertEqual(clean_number(" maria@example.org ", "email_wallet"), "maria@example.org")

    def test_wrong_numbers(self):
        self.assertEqual(
            self.problem(self.plain_bank, " "), ("number", "Enter the account number.")
        )
        field, text = self.problem(self.plain_bank, "1234")
        self.assertEqual(field, "number")
        self.assertEqual(text, "At Plain Bank this has 9 to 18 characters; you have entered 4.")
        _field, text = self.problem(self.plain_bank, "1" * 19)
        self.assertIn("you have entered 19", text)
        _field, text = self.problem(self.wallet, "91700")
        self.assertEqual(text, "At Testing Wallet this has 10 characters; you have entered 5.")
        _field, text = self.problem(self.plain_bank, "12345678901x")
        self.assertIn("cannot be right at Plain Bank", text)
        for typed in ("maria", "maria@", "a b@example.org", "maria@example.org, x@example.org"):
            _field, text = self.problem(self.mail_wallet, typed)
            self.assertIn("name@example.org", text)

    def test_no_text_repeats_the_number(self):
        for typed in ("1234", "12345678901x", "123456789012345678901"):
            self.assertNotIn(typed, self.problem(self.plain_bank, typed)[1])

    def test_number_without_a_rule(self):
        self.plain_bank.account_rule_id = False
        self.mail_wallet.account_rule_id = False
        for typed in ("12@34", "1" * 600):
            self.assertEqual(self.problem(self.plain_bank, typed)[0], "number", typed)
        self.assertIn("name@example.org", self.problem(self.mail_wallet, "maria")[1])

    def test_branch_is_needed(self):
        self.assertEqual(self.problem(self.bank, "123456789012")[0], "branch")

    def test_holder_name(self):
        self.plain_bank.spar_ask_holder_name = True
        field, text = self.problem(self.plain_bank, "123456789012")
        self.assertEqual((field, text), ("holder_name", "Enter the name of the account holder."))
        for odd in ("x" * 141, "a\x00b"):
            self.assertEqual(
                self.problem(self.plain_bank, "123456789012", holder_name=odd)[0], "holder_name"
            )
        made = self.service.make_address(
            self.plain_bank, None, "123456789012", holder_name="  Maria   Example "
        )
        self.assertEqual(made["name"], "Maria Example")

    def test_same_account_again(self):
        self.put_on_record(self.maria, "123456789012")
        with self.assertRaises(FieldProblem) as caught:
            self.draft(self.maria, "1234 5678 9012")
        self.assertIn("already", caught.exception.message)

    def test_away_while_preparing(self):
        draft = self.drafts.begin(self.maria, "s")
        draft.put({"kind": "bank", "provider_id": self.plain_bank.id})
        self.mapper.away = True
        with self.assertRaises(CannotChange):
            self.service.prepare(self.maria, draft, "123456789012")
        self.assertNotIn("operation", draft.content(), "nothing half done")

    # === statements === #

    def test_statement_counts(self):
        self.service.find_branches(self.bank, "main")
        self.service.make_address(self.bank, self.branch, "123456789012")
        self.env.invalidate_all()
        with self.assertQueryCount(2):
            self.service.find_branches(self.bank, "main").records.mapped("name")
        with self.assertQueryCount(2):
            self.service.find_providers("bank", "plain").records.mapped("name")
