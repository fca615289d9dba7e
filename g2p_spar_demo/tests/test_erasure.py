# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import TransactionCase

from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, LinkItem, UnlinkItem

ID = "token:erased-person@nationalId"


class TestErasure(TransactionCase):
    """The mapper and self service know nothing of each other: both are installed here."""

    def test_mapper_and_self_service_forget_together(self):
        strategy = self.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_101")
        self.env["g2p.fa.provider"].create(
            {"name": "Bank", "code": "ERAS", "fa_type": "bank", "strategy_id": strategy.id}
        )
        staff = Actor("staff", "back_office", "An Officer", reason="asked for")
        mapper = self.env["g2p.spar.mapper"]
        contacts = self.env["g2p.spar.known.contact"].sudo()
        digest = self.env["g2p.spar.change"].digest_of(ID)
        contacts.note(digest, [{"email": "erased@example.org", "phone": "", "lang": "en_US"}])
        [linked] = mapper.link_items(staff, [LinkItem("1", ID, "account:123456789@ERAS")])
        self.assertTrue(linked.succeeded, linked.outcome)
        [erased] = mapper.erase_items(staff, [UnlinkItem("1", ID)])
        self.assertTrue(erased.succeeded)
        self.assertFalse(contacts.search([("person_digest", "=", digest)]))
