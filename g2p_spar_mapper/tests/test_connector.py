# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    LinkItem,
    Outcome,
    ResolveItem,
    UnlinkItem,
)

from .common import MapperCommon


class TestConnector(MapperCommon):
    def setUp(self):
        super().setUp()
        self.connector = self.env["g2p.spar.connector"].create(
            {"name": "Local", "backend": "local"}
        )

    def test_the_same_results_as_the_service(self):
        items = [LinkItem("1", self.id_of(1), self.fa()), LinkItem("2", "no good", self.fa())]
        results = self.connector._run("link", self.person, items)
        self.assertEqual([r.outcome for r in results], [Outcome.DONE, Outcome.ID_INVALID])
        resolve = [ResolveItem("1", id=self.id_of(1), scope="details")]
        self.assertEqual(
            self.connector._run("resolve", self.staff, resolve),
            self.mapper.resolve_items(self.staff, resolve),
        )

    def test_capabilities(self):
        self.assertEqual(self.connector.capabilities(), {"history", "since", "suspend"})
        self.connector.backend = "none"
        self.assertFalse(self.connector.capabilities())

    def test_suspend(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        item = UnlinkItem("7", self.id_of(1))
        [result] = self.connector.suspend_items(self.staff, [item])
        self.assertEqual((result.reference_id, result.outcome), ("7", Outcome.DONE))
        [result] = self.connector.reactivate_items(self.staff, [item])
        self.assertEqual(result.outcome, Outcome.DONE)

    def test_since(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        details = ResolveItem("1", id=self.id_of(1), scope="details")
        [result] = self.connector.resolve_items(self.staff, [details], parts=True)
        self.assertEqual(result.since, self.mapping(self.id_of(1)).changed_at)
        self.assertTrue(json.dumps(result.as_dict()))

    def test_ever_linked(self):
        self.link(self.free, (self.id_of(1), self.fa()), (self.id_of(2), self.fa()))
        self.remove(self.free, (self.id_of(2), ""))
        ids = [self.id_of(1), self.id_of(2).upper(), self.id_of(3)]
        self.assertEqual(self.connector.ever_linked(ids), frozenset(ids[:2]))

    def test_falls_back_when_the_mapper_goes(self):
        selection = self.env["ir.model.fields.selection"].search(
            [("field_id.model", "=", "g2p.spar.connector"), ("value", "=", "local")]
        )
        selection._process_ondelete()
        self.assertEqual(self.connector.backend, "none")
