# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

from .common import MapperCommon


class TestUnlink(MapperCommon):
    def test_by_id(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.assertEqual(self.remove(self.free, (self.id_of(1), "")), [Outcome.DONE])
        self.assertFalse(self.mapping(self.id_of(1)))
        self.assertEqual(self.resolve(self.id_of(1))[0].outcome, Outcome.ID_NOT_FOUND)
        event = self.events(self.id_of(1))[-1]
        self.assertEqual(
            (event.operation, event.old_fa_masked, event.new_fa_masked),
            ("unlink", "TSTB ••••789", False),
        )

    def test_with_matching_fa(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        outcomes = self.remove(self.free, (self.id_of(1), self.fa().upper()))
        self.assertEqual(outcomes, [Outcome.DONE])

    def test_with_another_fa(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        outcomes = self.remove(self.free, (self.id_of(1), self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.FA_MISMATCH])
        self.assertTrue(self.mapping(self.id_of(1)))

    def test_unknown_and_twice(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        outcomes = self.remove(self.free, (self.id_of(1), ""), (self.id_of(1), ""))
        self.assertEqual(outcomes, [Outcome.DONE, Outcome.NOT_LINKED])

    def test_twice_the_first_with_another_fa(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        outcomes = self.remove(
            self.free, (self.id_of(1), self.fa("222222222")), (self.id_of(1), self.fa())
        )
        self.assertEqual(outcomes, [Outcome.FA_MISMATCH, Outcome.DONE])

    def test_linked_again_after(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.remove(self.free, (self.id_of(1), ""))
        outcomes = self.link(self.free, (self.id_of(1), self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.DONE])
        operations = self.events(self.id_of(1)).mapped("operation")
        self.assertEqual(operations, ["link", "unlink", "link"])

    def test_another_institution(self):
        self.link(self.banker, (self.id_of(1), self.fa()))
        outcomes = self.remove(self.other_banker, (self.id_of(1), ""))
        self.assertEqual(outcomes, [Outcome.ID_NOT_ALLOWED])
        self.assertTrue(self.mapping(self.id_of(1)))
