# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import psycopg2

from odoo.tools import mute_logger

from odoo.addons.g2p_spar_connector.secret import digest, digest_key_id
from odoo.addons.g2p_spar_fa_directory.financial_address import fa_key
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from .common import MapperCommon


class TestHistory(MapperCommon):
    def test_who_when_through_what_and_why(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.update(self.staff, (self.id_of(1), self.fa("222222222")))
        link, update = self.events(self.id_of(1))
        self.assertRecordValues(
            link + update,
            [
                {
                    "operation": "link",
                    "actor_kind": "participant",
                    "actor_name": self.participant.name,
                    "participant_id": self.participant.id,
                    "user_id": 0,
                    "channel": "api",
                    "reason": "test",
                },
                {
                    "operation": "update",
                    "actor_kind": "staff",
                    "actor_name": "An Officer",
                    "participant_id": 0,
                    "user_id": self.env.uid,
                    "channel": "back_office",
                    "reason": "asked for",
                },
            ],
        )
        self.assertTrue(link.happened_at)

    def test_holds_digests_and_masks_only(self):
        self.link(self.free, (self.id_of(123456789), self.fa("987654321")))
        self.env.cr.execute(
            "SELECT e::text, id_digest, new_fa_digest, old_fa_digest, digest_key_id"
            " FROM g2p_spar_mapping_event e ORDER BY id DESC LIMIT 1"
        )
        text, id_digest, new, old, key_id = self.env.cr.fetchone()
        self.assertNotIn("123456789", text)
        self.assertNotIn("987654321", text)
        self.assertEqual(bytes(id_digest), digest("id", id_key(self.id_of(123456789))))
        self.assertEqual(bytes(new), digest("fa", fa_key(self.fa("987654321"))))
        self.assertEqual((old, key_id), (None, digest_key_id()))

    def test_append_only(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        for statement in (
            "UPDATE g2p_spar_mapping_event SET reason = 'x'",
            "DELETE FROM g2p_spar_mapping_event",
            "TRUNCATE g2p_spar_mapping_event",
        ):
            with (
                self.subTest(statement=statement),
                self.assertRaisesRegex(psycopg2.Error, "append-only"),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement)
        self.assertEqual(len(self.events(self.id_of(1))), 1)

    def test_maintenance_leaves_an_event(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        change = "UPDATE g2p_spar_mapping_event SET reason = 'x' WHERE reason = 'test'"
        with self.env["g2p.spar.mapping.event"].maintenance("moving house"):
            self.env.cr.execute(change)
        with (
            self.assertRaisesRegex(psycopg2.Error, "append-only"),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute("DELETE FROM g2p_spar_mapping_event")
        event = self.env["g2p.spar.mapping.event"].search([("operation", "=", "maintenance")])
        self.assertEqual((event.reason, event.user_id), ("moving house", self.env.uid))

    def test_no_column_has_a_default(self):
        self.env.cr.execute(
            """SELECT column_name FROM information_schema.columns WHERE column_default IS NOT NULL
            AND table_name = 'g2p_spar_mapping_event' AND column_name != 'id'"""
        )
        self.assertEqual(self.env.cr.fetchall(), [])
        defaults = self.env["g2p.spar.mapping.event"]._fields.values()
        self.assertFalse([field.name for field in defaults if field.default])

    def test_no_foreign_keys(self):
        self.env.cr.execute(
            """SELECT conname FROM pg_constraint WHERE contype = 'f'
            AND 'g2p_spar_mapping_event'::regclass IN (conrelid, confrelid)"""
        )
        self.assertEqual(self.env.cr.fetchall(), [])

    def test_outlives_mapping(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.remove(self.free, (self.id_of(1), ""))
        self.assertEqual(self.events(self.id_of(1)).mapped("operation"), ["link", "unlink"])
