# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from contextlib import nullcontext
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.sql_db import db_connect

from ..models import g2p_spar_lookup
from .partner_common import PartnerCommon


class TestLookup(PartnerCommon):
    def last(self):
        return self.lookups()[-1]

    def test_a_row_per_call(self):
        contacts = self._contacts("1", "2", "1 1", False)
        self.mapper.put(n1="account:1@PAYB")
        officer = self.as_user("officer")
        before = len(self.lookups())
        officer.resolve_partners(contacts, purpose="Cycle 7")
        self.assertEqual(len(self.lookups()), before + 1)
        row = self.last()
        self.assertEqual(
            [row[name] for name in ("operation", "purpose", "channel", "actor_name")],
            ["resolve", "Cycle 7", "pbms", self.users["officer"].name],
        )
        self.assertEqual(row.user_id, self.users["officer"])
        self.assertEqual(row.company_id, self.env.company)
        self.assertEqual(row.connector_id, self.connector)
        self.assertEqual(
            (row.asked_count, row.found_count, row.refused_count, row.unavailable_count),
            (4, 1, 3, 0),
        )
        self.assertGreaterEqual(row.duration_ms, 0)

    def test_every_operation(self):
        contact = self._contacts("1")
        officer = self.as_user("officer")
        officer.link_partners([(contact, "account:1@PAYB")], "new", channel="back_office")
        self.assertEqual((self.last().operation, self.last().found_count), ("link", 1))
        self.assertEqual((self.last().channel, self.last().purpose), ("back_office", "new"))
        officer.update_partners([(contact, "account:2@PAYB")], "moved")
        self.assertEqual((self.last().operation, self.last().found_count), ("update", 1))
        officer.has_fa(contact)
        self.assertEqual((self.last().operation, self.last().found_count), ("has_fa", 1))
        officer.unlink_partners(contact, "gone")
        self.assertEqual((self.last().operation, self.last().found_count), ("unlink", 1))
        officer.unlink_partners(contact, "gone")
        self.assertEqual((self.last().found_count, self.last().refused_count), (0, 1))

    def test_away(self):
        self.mapper.away = True
        self.connectors.resolve_partners(self._contacts("1", False))
        row = self.last()
        self.assertEqual((row.refused_count, row.unavailable_count), (1, 1))

    def test_neither_addresses_nor_ids(self):
        contact = self._contacts("777000111")
        self.connectors.link_partners([(contact, "account:888000222@PAYB")], "new")
        self.connectors.resolve_partners(contact)
        self.env.cr.execute("SELECT row_to_json(l)::text FROM g2p_spar_lookup l")
        text = json.dumps(self.env.cr.fetchall())
        self.assertIn("asked_count", text)
        self.assertNotIn("777000111", text)
        self.assertNotIn("888000222", text)

    def test_it_goes_with_the_transaction(self):
        contact = self._contacts("1")
        before = len(self.lookups())
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.connectors.resolve_partners(contact)
            1 / 0  # noqa: B018 - the caller fails
        self.assertEqual(len(self.lookups()), before)

    def test_a_read_only_transaction(self):
        """On a replica the row has a transaction of its own, to the primary."""
        readonly = db_connect(self.env.cr.dbname, readonly=True)
        notes = self.env["g2p.spar.lookup"]
        with (
            readonly.cursor() as cr,
            patch.object(type(self.env.registry), "cursor", lambda _: nullcontext(self.env.cr)),
        ):
            self.assertTrue(cr.readonly)
            notes.with_env(self.env(cr=cr)).note(
                {"operation": "resolve", "happened_at": fields.Datetime.now(), "asked_count": 7}
            )
        self.assertEqual(self.last().asked_count, 7)

    def test_purge(self):
        self.connectors.resolve_partners(self._contacts("1"))
        row = self.last()
        self.env.flush_all()
        lookups = self.env["g2p.spar.lookup"]
        lookups._gc_old()
        self.assertTrue(row.exists())
        row.happened_at = fields.Datetime.now() - timedelta(days=366)
        self.env.flush_all()
        with patch.object(g2p_spar_lookup, "PURGE_BATCH", 1):
            self.assertEqual(lookups._gc_old(), (1, True))
        self.assertFalse(row.exists())

    def test_managers_read_and_nobody_writes(self):
        self.connectors.resolve_partners(self._contacts("1"))
        for name, user in self.users.items():
            row = self.last().with_user(user)
            for operation in ("read", "write", "create", "unlink"):
                allowed = name == "manager" and operation == "read"
                with self.subTest(user=name, operation=operation):
                    self.assertEqual(row.has_access(operation), allowed)
        with self.assertRaises(AccessError):
            get_public_method(self.env["g2p.spar.lookup"], "note")
