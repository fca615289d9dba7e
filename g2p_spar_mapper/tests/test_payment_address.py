# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import timedelta

from odoo import fields
from odoo.tests import new_test_user

from odoo.addons.g2p_spar_connector.g2p_connect.values import Actor, UpdateItem

from .common import MapperCommon

VIEWER = "g2p_spar_fa_directory.group_viewer"


class TestPaymentAddress(MapperCommon):
    """Contacts and the outbox, with the mapper of this database behind them."""

    def setUp(self):
        super().setUp()
        self.env["g2p.spar.connector"].search([]).action_archive()
        self.connector = self.env["g2p.spar.connector"].create(
            {"name": "Local", "backend": "local"}
        )
        self.env["g2p.spar.id.rule"].search([]).action_archive()
        self.env["g2p.spar.id.rule"].create({"name": "Reference", "field_name": "ref"})
        self.contact = self.env["res.partner"].create({"name": "Tala", "ref": self.id_of(1)})
        self.outbox = self.env["g2p.spar.outbox"]
        self.outbox.search([]).unlink()

    def look_up(self, groups):
        user = new_test_user(self.env, f"contact-{len(groups)}", groups=groups)
        return self.contact.with_user(user), self.contact.with_user(user).spar_look_up()

    def work(self):
        self.registry_enter_test_mode()
        self.env.flush_all()
        self.env.ref("g2p_spar_connector.cron_outbox").method_direct_trigger()
        self.env.invalidate_all()

    def test_show_the_whole_address(self):
        """As on mappings: for those who may, for a reason, and on record."""
        self.link(self.free, (self.id_of(1), self.fa()))
        _contact, told = self.look_up(VIEWER)
        self.assertEqual((told["address"], told["can_show"]), ("••••789", False))
        self.assertTrue(told["since"])
        contact, told = self.look_up(f"{VIEWER},g2p_spar_mapper.group_show_address")
        self.assertTrue(told["can_show"])
        action = contact.action_spar_show()
        self.assertEqual(action["res_model"], "g2p.spar.address.reveal")
        self.assertEqual(action["context"]["default_mapping_id"], self.mapping(self.id_of(1)).id)

    def test_nothing_to_show(self):
        contact, told = self.look_up(f"{VIEWER},g2p_spar_mapper.group_show_address")
        self.assertEqual((told["outcome"], told["can_show"]), ("id_not_found", False))
        self.assertFalse(contact.action_spar_show())

    def test_history_tells_who_asked_for_it(self):
        [result] = self.env["g2p.spar.connector"].link_partners(
            [(self.contact, {"provider_id": self.bank.id, "number": "123456789"})],
            "from the registry",
            queue=True,
            channel="back_office",
        )
        self.assertEqual(result["outcome"], "queued")
        self.assertFalse(self.mapping(self.id_of(1)))
        self.work()
        [event] = self.events(self.id_of(1))
        self.assertEqual(
            (event.operation, event.channel, event.reason),
            ("link", "back_office", "from the registry"),
        )

    def test_a_later_choice_stands(self):
        """Who chose another address while a change waited keeps it."""
        self.link(self.free, (self.id_of(1), self.fa()))
        actor = Actor("staff", "pbms", "An Officer", reason="moved")
        item = UpdateItem("1", self.id_of(1), self.fa("111111111"))
        change = self.outbox.with_context(spar_tried=True).put(
            self.connector, "update", [(self.contact.id, item)], actor
        )
        # as if it had waited for an hour
        hour_ago = fields.Datetime.now() - timedelta(hours=1)
        self.env.cr.execute(
            "UPDATE g2p_spar_outbox SET create_date = %s WHERE id = %s", [hour_ago, change.id]
        )
        self.update(self.person, (self.id_of(1), self.fa("222222222")))
        self.work()
        self.assertEqual(change.state, "failed")
        self.assertIn("changed since", change.problem)
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa("222222222"))
