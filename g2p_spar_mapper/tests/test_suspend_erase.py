# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    Header,
    LinkItem,
    Outcome,
    Request,
)

from .common import MapperCommon


class TestSuspendErase(MapperCommon):
    def test_suspend_and_reactivate(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        ids = [self.id_of(1), self.id_of(2)]
        results = self.suspend(*ids)
        self.assertEqual(results, [Outcome.DONE, Outcome.NOT_LINKED])
        mapping = self.mapping(self.id_of(1))
        self.assertEqual((mapping.state, mapping.state_reason), ("suspended", "asked for"))
        again = self.suspend(*ids[:1])
        self.assertEqual(again, [Outcome.UNCHANGED])
        self.assertEqual(self.reactivate(*ids[:1]), [Outcome.DONE])
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa())
        operations = self.events(self.id_of(1)).mapped("operation")
        self.assertEqual(operations, ["link", "suspend", "reactivate"])
        # who wrote the address stays who wrote it
        self.assertEqual(self.mapping(self.id_of(1)).participant_id, self.participant)

    def test_erase_leaves_nothing_readable(self):
        self.link(self.free, (self.id_of(1), self.fa()), (self.id_of(2), self.fa("222222222")))
        results = self.erase(self.id_of(1))
        self.assertEqual(results, [Outcome.DONE])
        self.assertFalse(self.mapping(self.id_of(1)))
        events = self.events(self.id_of(1))
        self.assertEqual(events.mapped("operation"), ["link", "erase"])
        self.assertFalse(any(events.mapped("id_masked") + events.mapped("new_fa_masked")))
        self.assertFalse(any(events.mapped("old_fa_masked")))
        maintenance = self.env["g2p.spar.mapping.event"].search([("operation", "=", "maintenance")])
        self.assertEqual(maintenance.reason, "erasure: asked for")
        # another person's history is untouched
        self.assertTrue(all(self.events(self.id_of(2)).mapped("id_masked")))

    def test_erase_an_id_that_is_not_linked_any_more(self):
        self.link(self.staff, (self.id_of(1), self.fa()))
        self.remove(self.staff, (self.id_of(1), ""))
        results = self.erase(self.id_of(1))
        self.assertEqual(results, [Outcome.DONE])
        events = self.events(self.id_of(1))
        self.assertFalse(any(events.mapped("id_masked") + events.mapped("reason")))

    def test_erase_reaches_other_addons(self):
        """Each ID that may be one, linked or not, before the mapping goes."""
        self.link(self.free, (self.id_of(1), self.fa()))
        told = []

        def forget(erasure, ids):
            told.append((list(ids), bool(self.mapping(self.id_of(1)))))
            return 0

        self.patch(type(self.env["g2p.spar.erasure"]), "forget", forget)
        self.erase(self.id_of(1), "no id", self.id_of(7))
        self.assertEqual(told, [([self.id_of(1), self.id_of(7)], True)])

    def test_erase_blanks_every_message_that_names_the_id(self):
        request = Request(Header(message_id="m"), "link", "t", [LinkItem("1", self.id_of(1), "")])
        other = Request(Header(message_id="n"), "link", "t", [LinkItem("1", self.id_of(2), "")])
        messages = self.env["g2p.spar.message"]
        ids = [
            messages.receive(self.participant.id, each, b"digest", b"{}", False)[0]
            for each in (request, other)
        ]
        self.erase(self.id_of(1).upper())
        self.env.cr.execute(
            "SELECT payload IS NULL FROM g2p_spar_message WHERE id = ANY(%s) ORDER BY id", [ids]
        )
        self.assertEqual(self.env.cr.fetchall(), [(True,), (False,)])
