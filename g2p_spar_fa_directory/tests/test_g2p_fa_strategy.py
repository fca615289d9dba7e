# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import re

from psycopg2 import errors

from odoo.exceptions import UserError, ValidationError
from odoo.tools import mute_logger

from ..pattern import PatternError
from .common import UPSTREAM_BANK, DirectoryCommon

WALLET = (
    ".wallet_provider_name:{wallet_provider_name}.wallet_provider_code:{wallet_provider_code}"
    ".fa_type:{fa_type}"
)
PUBLISHED = {
    1: "token:{sub}@nationalId",
    2: UPSTREAM_BANK,
    3: "email_address:{email_address}" + WALLET,
    4: "mobile_number:{mobile_number}" + WALLET,
    5: "account_number:{account_number}.branch_code:{branch_code}.bank_code:{bank_code}"
    ".mobile_number:.email_address:.fa_type:BANK_ACCOUNT",
}


class TestFaStrategy(DirectoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.unused = cls.env["g2p.fa.strategy"].create(cls._values())

    @classmethod
    def _values(cls, **values):
        return {
            "name": "Unused",
            "code": 9001,
            "strategy_type": "FA",
            "fa_type": "bank",
            "construct_pattern": "a:{account_number}@{bank_code}",
            **values,
        }

    def assertRefused(self, text, **values):
        with self.assertRaisesText(ValidationError, re.escape(text)):
            self.env["g2p.fa.strategy"].create(self._values(code=9002, **values))

    def test_published_strategies(self):
        for code, pattern in PUBLISHED.items():
            strategy = self._strategy(code)
            self.assertEqual((strategy.code, strategy.construct_pattern), (code, pattern))
            self.assertTrue(strategy.upstream_regex)

    def test_refused_patterns_say_why(self):
        for pattern, text in (
            ("a:{account_number}{bank_code}", "adjacent"),
            ("a:{account_number}@{bank_code}{branch_code}", "adjacent"),
            ("a:{iban}@{bank_code}", "unknown field {iban}"),
            ("a:{account_number!r}@{bank_code}", "conversions"),
            ("a:{account_number:10}@{bank_code}", "format specifications"),
            ("a:{account_number[0]}@{bank_code}", "indexes"),
            ("a:{account_number.x}@{bank_code}", "attributes"),
            ("a:{{account_number}}@{bank_code}", "brace"),
            ("a:{account_number}0{bank_code}", "cannot rebuild its own output"),
            ("a:{account_number}", "{bank_code} is missing"),
            ("a@{bank_code}", "{account_number} is missing"),
            ("a\x07:{account_number}@{bank_code}", "printable"),
            ("a" * 460 + "{account_number}@{bank_code}", "longer than 512"),
        ):
            with self.subTest(pattern):
                self.assertRefused(text, construct_pattern=pattern)

    def test_fields_must_fit_the_kind_of_account(self):
        self.assertRefused(
            "{mobile_number} is missing",
            fa_type="mobile_wallet",
            construct_pattern="a:{account_number}@{bank_code}",
        )

    def test_refused_id_patterns(self):
        values = {"strategy_type": "ID", "fa_type": False}
        self.assertRefused("unknown field", construct_pattern="{account_number}@x", **values)
        self.assertRefused("without blanks", construct_pattern="id {sub}@x", **values)
        self.assertRefused("ASCII", construct_pattern="é:{sub}@x", **values)

    def test_pattern_is_checked_on_write_too(self):
        with self.assertRaisesText(ValidationError, "Unused.*adjacent"):
            self.unused.construct_pattern = "{account_number}{bank_code}"

    @mute_logger("odoo.sql_db")
    def test_code_is_unique(self):
        with self.assertRaises(errors.UniqueViolation):
            self.env["g2p.fa.strategy"].create(self._values())

    @mute_logger("odoo.sql_db")
    def test_only_fa_strategies_have_a_kind_of_account(self):
        for values in ({"fa_type": False}, {"strategy_type": "ID", "construct_pattern": "{sub}@x"}):
            with self.subTest(values), self.assertRaises(errors.CheckViolation):
                self.env["g2p.fa.strategy"].create(self._values(code=9003, **values))

    def test_unused_strategy_can_change_and_go(self):
        self.unused.construct_pattern = "b:{account_number}@{bank_code}"
        self.unused.code = 9005
        self.unused.unlink()

    def test_strategy_of_a_provider_cannot_change(self):
        self.plain_bank.active = False
        self.plain_bank.strategy_id = self.unused
        for values in (
            {"construct_pattern": "b:{account_number}@{bank_code}"},
            {"code": 9005},
            {"fa_type": "mobile_wallet"},
            {"strategy_type": "ID", "fa_type": False},
        ):
            with self.subTest(values), self.assertRaisesText(UserError, "Unused"):
                self.unused.write(values)
        with self.assertRaisesText(UserError, "Unused"):
            self.unused.unlink()
        self.unused.write({"name": "Renamed", "construct_pattern": self.unused.construct_pattern})

    def test_marked_strategy_cannot_change(self):
        self.unused.mark_used()
        self.assertTrue(self.unused.used)
        with self.assertRaisesText(UserError, "Add a new strategy"):
            self.unused.construct_pattern = "b:{account_number}@{bank_code}"
        with self.assertRaises(UserError):
            self.unused.unlink()
        with self.assertRaisesText(UserError, "stays used"):
            self.unused.used = False

    def test_mark_used_is_one_statement_and_writes_once(self):
        strategies = self.unused | self._strategy(2) | self._strategy(101)
        strategies.mark_used()
        self.assertTrue(all(strategies.mapped("used")))
        self.env.cr.execute("SELECT xmin FROM g2p_fa_strategy WHERE id = %s", [self.unused.id])
        before = self.env.cr.fetchone()
        with self.assertQueryCount(1):
            strategies.mark_used()
        self.env.cr.execute("SELECT xmin FROM g2p_fa_strategy WHERE id = %s", [self.unused.id])
        self.assertEqual(self.env.cr.fetchone(), before)

    def test_archiving(self):
        self.unused.mark_used()
        self.unused.active = False
        self.assertNotIn(9001, [s.code for s in self.unused._fa_strategies()])
        with self.assertRaisesText(ValidationError, "Test Bank Ltd."):
            self._strategy(2).active = False

    def test_construct_and_deconstruct(self):
        strategy = self._strategy(101)
        string = strategy.construct({"account_number": "12345", "bank_code": "TPLAIN"})
        self.assertEqual(string, "account:12345@TPLAIN")
        self.assertEqual(
            strategy.deconstruct(string), {"account_number": "12345", "bank_code": "TPLAIN"}
        )
        self.assertIsNone(strategy.deconstruct("account:12345"))
        self.assertIsNone(strategy.deconstruct("account:" + "1" * 600 + "@TPLAIN"))
        id_strategy = self._strategy(1)
        self.assertEqual(id_strategy.construct({"sub": "12345"}), "token:12345@nationalId")

    def test_construct_refuses(self):
        with self.assertRaisesText(PatternError, "longer than 512"):
            self._strategy(101).construct({"account_number": "1" * 600, "bank_code": "B"})
        with self.assertRaisesText(PatternError, "blanks") as caught:
            self._strategy(1).construct({"sub": "12 345"})
        self.assertNotIn("345", str(caught.exception))
        with self.assertRaisesText(PatternError, "sub: must not contain"):
            self._strategy(1).construct({"sub": "1@nationalId"})

    def test_cache_follows_changes(self):
        def codes():
            return [strategy.code for strategy in self.unused._fa_strategies()]

        self.assertIn(9001, codes())
        self.assertEqual(codes(), sorted(codes()))
        self.unused.code = 9009
        self.assertIn(9009, codes())
        self.unused.unlink()
        self.assertNotIn(9009, codes())

    def test_providers_button(self):
        strategy = self._strategy(101)
        action = strategy.action_view_providers()
        providers = self.env["g2p.fa.provider"].search(action["domain"])
        self.assertIn(self.plain_bank, providers)
        self.assertEqual(providers.strategy_id, strategy)
        self.assertEqual(strategy.provider_count, len(providers))

    def test_name_search_finds_code(self):
        for value in ("2", "Bank account (OpenG2P)"):
            found = self.env["g2p.fa.strategy"].name_search(value, operator="=")
            self.assertEqual([item[0] for item in found], self._strategy(2).ids)
