# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from psycopg2 import errors

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from .common import DirectoryCommon


class TestFaAccountRule(DirectoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls.env["g2p.fa.account.rule"].create({"name": "Rule", "code": 9001})

    def _problem(self, number):
        return self.rule._number_rules()[self.rule.id].problem(number)

    def test_published_rules(self):
        rule = self.bank.account_rule_id
        self.assertEqual((rule.code, rule.pattern), (3, r"^\d{9,18}$"))
        self.assertEqual(self.mobile_wallet.account_rule_id.pattern, r"^\d{10}$")
        self.assertEqual(
            self.email_wallet.account_rule_id.pattern,
            r"[A-Za-z0-9\._%+\-]+@[A-Za-z0-9\.\-]+\.[A-Za-z]{2,}",
        )

    def test_rule_of_the_record(self):
        self.assertIsNone(self._problem("1"))
        self.rule.write({"min_length": 3, "max_length": 12, "pattern": "[0-9]+"})
        self.assertIn("at least 3", self._problem("12"))
        self.assertIn("at most 12", self._problem("1234567890123"))
        self.assertIn("form", self._problem("abc"))
        self.rule.check_method = "luhn"
        self.assertIn("Luhn", self._problem("79927398710"))
        self.assertIsNone(self._problem("79927398713"))

    def test_pattern_is_checked(self):
        for pattern in ("(", "(?=a)", "a" * 256):
            with self.subTest(pattern), self.assertRaisesText(ValidationError, "“Rule”, regular"):
                self.rule.pattern = pattern

    @mute_logger("odoo.sql_db")
    def test_lengths_are_checked(self):
        for values in (
            {"min_length": 0},
            {"min_length": 5, "max_length": 4},
            {"max_length": -1},
            {"max_length": 513},
        ):
            with self.subTest(values), self.assertRaises(errors.CheckViolation):
                with self.cr.savepoint():
                    self.rule.write(values)

    @mute_logger("odoo.sql_db")
    def test_code_is_unique(self):
        with self.assertRaises(errors.UniqueViolation):
            self.env["g2p.fa.account.rule"].create({"name": "Same", "code": 9001})

    def test_kind_of_account_of_a_rule_in_use(self):
        self.plain_bank.account_rule_id = self.rule
        self.plain_bank.active = False
        with self.assertRaisesText(ValidationError, "Plain Bank"):
            self.rule.fa_type = "mobile_wallet"

    def test_archived_rule_still_holds(self):
        self.plain_bank.account_rule_id = self.rule
        self.rule.write({"min_length": 5, "active": False})
        error = self.directory.parse_fas(["account:123@TPLAIN"])[0]
        self.assertEqual(error.message, "account_number: must have at least 5 characters")
