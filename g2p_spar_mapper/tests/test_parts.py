# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from pathlib import Path

from odoo.modules.migration import load_script

from odoo.addons.g2p_spar_connector.g2p_connect.values import Address, Outcome, ResolveItem

from .common import MapperCommon

FILL = Path(__file__).parents[1] / "migrations" / "19.0.1.1.0" / "post-strategy.py"


class TestParts(MapperCommon):
    """Resolve tells the parts of an address, by the strategy that read it when it came."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["g2p.fa.branch"].create(
            {"provider_id": cls.other_bank.id, "name": "Main", "code": "OTHB0001"}
        )
        cls.fas = {
            cls.fa(): Address("bank", "123456789", "TSTB", "Testing Bank", None, None, 101),
            "account_number:123456789.branch_name:Any.branch_code:othb0001.bank_name:B"
            ".bank_code:OTHB.fa_type:BANK": Address(
                "bank", "123456789", "OTHB", "Other Bank", "OTHB0001", "Main", 2
            ),
            "account_number:123456789.branch_code:T9.bank_code:tstb.mobile_number:.email_address:"
            ".fa_type:BANK_ACCOUNT": Address(
                "bank", "123456789", "TSTB", "Testing Bank", "T9", None, 5
            ),
            "mobile:+123@TSTW": Address(
                "mobile_wallet", "+123", "TSTW", "Testing Wallet", None, None, 102
            ),
            "anything at all": None,
            "account:123456789@NOBODY": None,
        }

    def setUp(self):
        super().setUp()
        self.ids = [self.id_of(number) for number in range(len(self.fas))]
        linked = self.link(self.free, *zip(self.ids, self.fas, strict=True))
        self.assertEqual(set(linked), {Outcome.DONE})

    def addresses(self):
        items = [ResolveItem(id_, id=id_, scope="details") for id_ in self.ids]
        results = self.mapper.resolve_items(self.free, items, parts=True)
        self.assertEqual([result.fa for result in results], list(self.fas))
        return [result.address for result in results]

    def strategy_ids(self):
        self.env.cr.execute(
            """SELECT strategy_id, branch_code FROM g2p_spar_mapping
            WHERE id_value = ANY(%s) ORDER BY id""",
            [self.ids],
        )
        return self.env.cr.fetchall()

    def test_parts(self):
        self.assertEqual(self.addresses(), list(self.fas.values()))

    def test_only_where_asked_for(self):
        self.assertEqual({result.address for result in self.resolve(*self.ids)}, {None})
        items = [ResolveItem(id_, id=id_, scope="yes_no") for id_ in self.ids]
        results = self.mapper.resolve_items(self.free, items, parts=True)
        self.assertEqual({result.address for result in results}, {None})

    def test_through_the_connector(self):
        connector = self.env["g2p.spar.connector"].create({"name": "Local", "backend": "local"})
        item = ResolveItem("r", id=self.ids[0], scope="details")
        [result] = connector.resolve_items(self.staff, [item], parts=True)
        self.assertEqual(result.address, self.fas[self.fa()])
        self.assertEqual(result.as_dict()["address"]["strategy_code"], 101)
        self.assertNotIn("branch_code", result.as_dict()["address"])
        [result] = connector.resolve_items(self.staff, [item])
        self.assertIsNone(result.address)

    def test_archived_strategies_still_read(self):
        strategies = self.env["g2p.fa.strategy"].search([("strategy_type", "=", "FA")])
        self.env["g2p.fa.provider"].search([]).strategy_id = False
        strategies.active = False
        self.assertEqual(self.addresses(), list(self.fas.values()))

    def test_update_changes_the_strategy(self):
        opaque, form_5 = list(self.fas)[4], list(self.fas)[2]
        self.update(self.free, (self.ids[0], form_5), (self.ids[1], opaque))
        items = [ResolveItem(id_, id=id_, scope="details") for id_ in self.ids[:2]]
        first, second = self.mapper.resolve_items(self.free, items, parts=True)
        self.assertEqual((first.address.strategy_code, second.address), (5, None))

    def test_statements_are_the_same(self):
        items = [ResolveItem(id_, id=id_, scope="details") for id_ in self.ids]
        self.mapper.resolve_items(self.free, items, parts=True)
        for parts, count in ((False, 1), (True, 2)):  # the second one reads names of branches
            with self.assertQueryCount(count):
                self.mapper.resolve_items(self.free, items, parts=parts)

    def test_migration_fills_what_writing_would(self):
        written = self.strategy_ids()
        self.assertEqual([bool(id_) for id_, _code in written], [True] * 4 + [False] * 2)
        self.env.cr.execute("UPDATE g2p_spar_mapping SET strategy_id = NULL, branch_code = NULL")
        self.env.cr.execute("UPDATE g2p_fa_strategy SET used = FALSE")
        script = load_script(str(FILL), "spar_fill_strategies")
        self.patch(script, "BATCH", 2)
        script.migrate(self.env.cr, "19.0.1.0.0")
        self.assertEqual(self.strategy_ids(), written)
        self.env.cr.execute(
            """SELECT count(*) FROM g2p_spar_mapping
            WHERE (strategy_id IS NULL) != (provider_id IS NULL)"""
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))
        self.env.cr.execute("SELECT id FROM g2p_fa_strategy WHERE used")
        used = {strategy_id for (strategy_id,) in self.env.cr.fetchall()}
        self.assertLessEqual({strategy_id for strategy_id, _code in written if strategy_id}, used)
