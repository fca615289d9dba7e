# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from psycopg2 import errors

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from .common import DirectoryCommon


class TestFaProvider(DirectoryCommon):
    @mute_logger("odoo.sql_db")
    def test_code_is_unique_within_a_country(self):
        for code in ("TBANK", "tbank"):
            with self.assertRaises(errors.UniqueViolation) as caught, self.cr.savepoint():
                self._create_provider(name="Same", code=code, fa_type="mobile_wallet")
            message = self.env["g2p.fa.provider"]._sql_error_to_message(caught.exception)
            self.assertIn("already has a provider with this code", message)
        self._create_provider(name="Abroad", code="TBANK", country_id=self.kenya.id)

    @mute_logger("odoo.sql_db")
    def test_archived_provider_keeps_its_code(self):
        self.bank.active = False
        with self.assertRaises(errors.UniqueViolation), self.cr.savepoint():
            self._create_provider(name="Same", code="TBANK")

    @mute_logger("odoo.sql_db")
    def test_no_country_is_one_country(self):
        self._create_provider(name="Anywhere", code="TBANK", country_id=False)
        with self.assertRaises(errors.UniqueViolation), self.cr.savepoint():
            self._create_provider(name="Nowhere", code="TBANK", country_id=False)

    def test_code_must_fit_into_an_address(self):
        for code in ("AB C", "é", "a\t", "x" * 65):
            with self.subTest(code), self.assertRaisesText(ValidationError, "Test Bank.*code"):
                self.bank.code = code

    def test_strategy_and_rule_must_be_of_the_same_kind(self):
        with self.assertRaisesText(ValidationError, "Mobile wallet .OpenG2P."):
            self.bank.strategy_id = self._strategy(4)
        with self.assertRaisesText(ValidationError, "National ID"):
            self.bank.strategy_id = self._strategy(1)
        with self.assertRaisesText(ValidationError, "Mobile number of 10 digits"):
            self.bank.account_rule_id = self.mobile_wallet.account_rule_id

    def test_strategy_must_be_active(self):
        strategy = self.env["g2p.fa.strategy"].create(
            {
                "name": "Old",
                "code": 9001,
                "construct_pattern": "a:{account_number}@{bank_code}",
                "active": False,
            }
        )
        with self.assertRaisesText(ValidationError, "unlike “Old”"):
            self.bank.strategy_id = strategy
        self.bank.active = False
        self.bank.strategy_id = strategy
        with self.assertRaisesText(ValidationError, "unlike “Old”"):
            self.bank.active = True

    def test_bic(self):
        self.bank.bic = "HDFCINBB"
        with self.assertRaisesText(ValidationError, "Test Bank.*BIC"):
            self.bank.bic = "HDFC"

    def test_branch_count_in_one_statement(self):
        providers = self.bank | self.mobile_wallet | self.plain_bank
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            self.assertEqual(providers.mapped("branch_count"), [2, 0, 0])
        self.other_branch.active = False
        self.assertEqual(self.bank.branch_count, 1)

    def test_branches_button(self):
        action = self.bank.action_view_branches()
        branches = self.env["g2p.fa.branch"].search(action["domain"])
        self.assertEqual(branches, self.branch | self.other_branch)
        self.assertEqual(action["context"], {"default_provider_id": self.bank.id})

    def test_name_search(self):
        def found(name, operator="=", **context):
            providers = self.env["g2p.fa.provider"].with_context(**context)
            return [item[0] for item in providers.name_search(name, operator=operator)]

        abroad = self._create_provider(name="Abroad", code="TBANK", country_id=self.kenya.id)
        self.assertEqual(found("TPLAIN"), self.plain_bank.ids)
        self.assertEqual(found("Plain Bank"), self.plain_bank.ids)
        self.assertEqual(found("IN/TBANK"), self.bank.ids)
        self.assertEqual(found("KE/TBANK"), abroad.ids)
        self.assertEqual(found("UG/TBANK"), [])
        self.assertCountEqual(found("TBANK"), (self.bank | abroad).ids)
        self.assertEqual(found("TBANK", import_flush=lambda **kw: None), [], "ambiguous")
        self.assertEqual(found("test mobile", "ilike"), self.mobile_wallet.ids)

    def test_branches_go_with_their_bank(self):
        self.bank.unlink()
        self.assertFalse((self.branch | self.other_branch).exists())
