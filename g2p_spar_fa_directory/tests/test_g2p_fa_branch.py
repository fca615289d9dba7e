# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import json

from psycopg2 import errors

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from .common import DirectoryCommon


class TestFaBranch(DirectoryCommon):
    @mute_logger("odoo.sql_db")
    def test_code_is_unique_within_a_bank(self):
        branch = self.env["g2p.fa.branch"]
        branch.create({"provider_id": self.plain_bank.id, "name": "Same", "code": "TBANK000001"})
        with self.assertRaises(errors.UniqueViolation) as caught, self.cr.savepoint():
            branch.create({"provider_id": self.bank.id, "name": "Same", "code": "tbank000001"})
        self.assertIn("already has a branch", branch._sql_error_to_message(caught.exception))

    def test_code_must_fit_into_an_address(self):
        for code in ("AB C", "é", "a\n", "x" * 65):
            with self.subTest(code), self.assertRaisesText(ValidationError, "“Main Street”, code"):
                self.branch.code = code

    def test_only_banks_have_branches(self):
        with self.assertRaisesText(ValidationError, "Test Mobile Money.*not a bank"):
            self.branch.provider_id = self.mobile_wallet
        with self.assertRaisesText(ValidationError, "Only a bank"):
            self.bank.write(
                {"fa_type": "mobile_wallet", "strategy_id": False, "account_rule_id": False}
            )

    def test_display_name(self):
        self.assertEqual(self.branch.display_name, "Main Street (TBANK000001)")

    def test_name_search_within_a_bank(self):
        self.env["g2p.fa.branch"].create(
            {"provider_id": self.plain_bank.id, "name": "Main Avenue", "code": "TPLAIN1"}
        )
        for text in ("ain stre", "tbank000001"):
            found = self.env["g2p.fa.branch"].name_search(
                text, [("provider_id", "=", self.bank.id)]
            )
            self.assertEqual([item[0] for item in found], self.branch.ids)

    def test_search_within_a_bank_of_many_branches_uses_an_index(self):
        """A country has 200 000 branches, a bank ten thousand."""
        self.env.cr.execute(
            """
            INSERT INTO g2p_fa_branch (provider_id, name, code, active)
            SELECT %s, md5(n::text), 'T' || n, TRUE FROM generate_series(1, 20000) n
            """,
            [self.plain_bank.id],
        )
        self.env.cr.execute("ANALYZE g2p_fa_branch")
        for domain, index in (
            ([("name", "ilike", "abcdef")], "g2p_fa_branch__name_index"),
            ([("code", "ilike", "T1234")], "g2p_fa_branch__code_index"),
            ([("provider_id", "=", self.bank.id), ("name", "ilike", "mai")], "provider_id"),
        ):
            query = self.env["g2p.fa.branch"]._search(domain)
            self.env.cr.execute(
                "EXPLAIN (FORMAT JSON) " + query.select().code, query.select().params
            )
            plan = json.dumps(self.env.cr.fetchone())
            self.assertNotIn("Seq Scan", plan, domain)
            self.assertIn(index, plan)
