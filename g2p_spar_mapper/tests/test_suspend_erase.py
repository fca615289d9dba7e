# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

from .common import MapperCommon


class TestSuspendErase(MapperCommon):
    def outcomes(self, results):
        return [result.outcome for result in results]

    def test_suspend_and_reactivate(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        ids = [self.id_of(1), self.id_of(2)]
        results = self.mapper.suspend(self.staff, ids)
        self.assertEqual(self.outcomes(results), [Outcome.DONE, Outcome.NOT_LINKED])
        mapping = self.mapping(self.id_of(1))
        self.assertEqual((mapping.state, mapping.state_reason), ("suspended", "asked for"))
        again = self.mapper.suspend(self.staff, ids[:1])
        self.assertEqual(self.outcomes(again), [Outcome.UNCHANGED])
        self.assertEqual(self.outcomes(self.mapper.reactivate(self.staff, ids[:1])), [Outcome.DONE])
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa())
        operations = self.events(self.id_of(1)).mapped("operation")
        self.assertEqual(operations, ["link", "suspend", "reactivate"])
        # who wrote the address stays who wrote it
        self.assertEqual(self.mapping(self.id_of(1)).participant_id, self.participant)

    def test_erase_leaves_nothing_readable(self):
        self.link(self.free, (self.id_of(1), self.fa()), (self.id_of(2), self.fa("222222222")))
        results = self.mapper.erase(self.staff, [self.id_of(1)])
        self.assertEqual(self.outcomes(results), [Outcome.DONE])
        self.assertFalse(self.mapping(self.id_of(1)))
        events = self.events(self.id_of(1))
        self.assertEqual(events.mapped("operation"), ["link", "erase"])
        self.assertFalse(any(events.mapped("id_masked") + events.mapped("new_fa_masked")))
        self.assertFalse(any(events.mapped("old_fa_masked")))
        maintenance = self.env["g2p.spar.mapping.event"].search([("operation", "=", "maintenance")])
        self.assertEqual(maintenance.reason, "erasure: asked for")
        # another person's history is untouched
        self.assertTrue(all(self.events(self.id_of(2)).mapped("id_masked")))
