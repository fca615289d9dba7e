# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    LinkItem,
    Outcome,
    ResolveItem,
    UnlinkItem,
    UpdateItem,
)

from .common import MapperCommon

SIZES = (1, 100, 5000)


class TestStatementCounts(MapperCommon):
    """The number of SQL statements of a call is the same for one item and for thousands."""

    def count(self, method, items):
        before = self.env.cr.sql_log_count
        results = method(self.banker, items)
        self.assertEqual(len(results), len(items))
        return self.env.cr.sql_log_count - before, results

    def counts(self, method, make_item, outcome):
        """Statements of one call per size, the first call having warmed the caches."""
        method(self.banker, [make_item(f"warm{method.__name__}")])
        counts = []
        for size in SIZES:
            items = [make_item(f"{size}.{number}") for number in range(size)]
            count, results = self.count(method, items)
            counts.append(count)
            self.assertEqual({result.outcome for result in results}, {outcome})
        return counts

    def test_link_update_resolve_unlink(self):
        def fa(key):
            return self.fa(f"{hash(key) % 10**9:09}")

        mapper = self.mapper
        for method, make_item, outcome, limit in (
            (mapper.link_items, lambda k: LinkItem(k, self.id_of(k), fa(k)), Outcome.DONE, 4),
            (
                mapper.update_items,
                lambda k: UpdateItem(k, self.id_of(k), fa(k), name=k),
                Outcome.DONE,
                5,
            ),
            (
                mapper.resolve_items,
                lambda k: ResolveItem(k, id=self.id_of(k), scope="details"),
                Outcome.ID_ACTIVE,
                1,
            ),
            (
                mapper.resolve_items,
                lambda k: ResolveItem(k, fa=fa(k)),
                Outcome.FA_ACTIVE,
                1,
            ),
            (mapper.unlink_items, lambda k: UnlinkItem(k, self.id_of(k)), Outcome.DONE, 2),
        ):
            with self.subTest(method=method.__name__):
                if method == mapper.update_items:
                    self.link(self.banker, (self.id_of("warmupdate_items"), self.fa()))
                counts = self.counts(method, make_item, outcome)
                self.assertEqual(len(set(counts)), 1, counts)
                self.assertLessEqual(counts[0], limit)
