# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import json
from unittest.mock import patch

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

    def _add_branches(self, bank, count, code):
        self.env.cr.execute(
            """
            INSERT INTO g2p_fa_branch (provider_id, name, code, active)
            SELECT %s, md5(n::text), %s || n, TRUE FROM generate_series(1, %s) n
            """,
            [bank.id, code, count],
        )
        self.env.cr.execute("ANALYZE g2p_fa_branch")

    def _plan(self, query):
        self.env.cr.execute("EXPLAIN (FORMAT JSON) " + query.select().code, query.select().params)
        return json.dumps(self.env.cr.fetchone())

    def test_search_among_many_branches_uses_an_index(self):
        """A country has 200 000 branches, a bank ten thousand."""
        self._add_branches(self.plain_bank, 20_000, "T")
        for domain in (
            [("name", "ilike", "abcdef")],
            [("code", "ilike", "T1234")],
            [("display_name", "ilike", "T1234")],
        ):
            plan = self._plan(self.env["g2p.fa.branch"]._search(domain))
            self.assertNotIn("Seq Scan", plan, domain)
            self.assertIn("g2p_fa_branch_search_idx", plan)

    def _name_search_plans(self, name, bank):
        """The plans of what ``name_search`` does, and what it finds."""
        branches, plans = self.env["g2p.fa.branch"], []
        search = type(branches)._search

        def explain(records, *args, **kwargs):
            query = search(records, *args, **kwargs)
            plans.append(self._plan(query))
            return query

        with patch.object(type(branches), "_search", explain):
            found = branches.name_search(name, [("provider_id", "=", bank.id)], limit=8)
        return plans, [branch_id for branch_id, _name in found]

    def test_name_search_within_a_bank_of_many_branches(self):
        """Also for texts that all codes of another bank have, but none of this one."""
        self._add_branches(self.bank, 20_000, "AAA")
        self._add_branches(self.plain_bank, 20_000, "BBB")
        branches = self.env["g2p.fa.branch"]
        for name in ("aaa", "bbb", "abc", "999", "zzz", "main"):
            with self.subTest(name):
                plans, found = self._name_search_plans(name, self.bank)
                domain = [("provider_id", "=", self.bank.id), ("display_name", "ilike", name)]
                self.assertEqual(found, branches.search(domain, limit=8).ids)
                self.assertNotIn("Seq Scan", "".join(plans))
                if name != "aaa":
                    self.assertIn("g2p_fa_branch_search_idx", plans[-1])
        plans, _found = self._name_search_plans("aaa", self.bank)
        self.assertIn("g2p_fa_branch_name_idx", plans[0])

    def test_name_search_with_other_domains(self):
        branches = self.env["g2p.fa.branch"]
        both = {self.branch.id, self.other_branch.id}
        for domain, expected in (
            ([("provider_id", "=", self.bank.id), ("code", "=", "TBANK000002")], {"Market"}),
            (["!", ("provider_id", "=", self.plain_bank.id), ("id", "in", list(both))], both),
            ([("provider_id", "=", False)], set()),
            ([("provider_id", "=", "Test Bank Ltd.")], both),
            ([("provider_id", "in", self.bank.ids)], both),
        ):
            with self.subTest(domain=domain):
                found = {branch_id for branch_id, _name in branches.name_search("tbank", domain)}
                expected = {self.other_branch.id} if expected == {"Market"} else expected
                self.assertEqual(found, expected)
        found = branches.name_search("", [("provider_id", "=", self.bank.id)])
        self.assertEqual({branch_id for branch_id, _name in found}, both)

    def test_display_name_of_unknown_name(self):
        branch = self.env["g2p.fa.branch"].create(
            {"provider_id": self.plain_bank.id, "name": "TP1", "code": "TP1"}
        )
        self.assertEqual(branch.display_name, "TP1")
