# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import BaseCase

from ..g2p_connect import columns
from ..g2p_connect.items import ItemParser
from ..g2p_connect.values import PROFILES


class TestColumns(BaseCase):
    def test_sound_messages_go_by_columns(self):
        raws = [{"reference_id": f"r{n}", "timestamp": "2026-11-22T10:00:00Z"} for n in range(3)]
        for number, raw in enumerate(raws):
            raw.update(id=f"token:{number}@nid", scope="details", fa="", name=None)
        for profile in PROFILES:
            items = ItemParser("resolve", profile)._parse_columns(raws)
            self.assertEqual([item.id for item in items], [raw["id"] for raw in raws])

    def test_what_has_no_columns(self):
        for raws in (
            [],
            [1, 2],
            ["ab", "ab"],
            [{}, {}],
            [{"a": 1, "b": 2}, {"a": 1, "c": 2}],
            [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}],
            [{"a": 1, "b": 2}, ["a", "b"]],
        ):
            self.assertIsNone(columns.by_member(raws))
