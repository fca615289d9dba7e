# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from contextlib import closing

from odoo.sql_db import db_connect
from odoo.tests import TransactionCase

from ..transaction import read_committed


def isolation(cr):
    cr.execute("SHOW transaction_isolation")
    return cr.fetchone()[0]


class TestReadCommitted(TransactionCase):
    def cursor(self):
        """A cursor as requests have it; nothing is committed with it."""
        return closing(db_connect(self.env.cr.dbname).cursor())

    def newest_transaction(self, cr):
        """The newest transaction that a statement sees as finished, or one less."""
        cr.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return cr.fetchone()[0]

    def test_level(self):
        with self.cursor() as cr:
            self.assertEqual(isolation(cr), "repeatable read")  # and the transaction has begun
            read_committed(cr)
            self.assertEqual(isolation(cr), "read committed")

    def test_for_one_transaction(self):
        with self.cursor() as cr:
            read_committed(cr)
            cr.rollback()
            self.assertEqual(isolation(cr), "repeatable read")
        with self.cursor() as cr:
            self.assertEqual(isolation(cr), "repeatable read")

    def test_sees_what_others_commit(self):
        with self.cursor() as cr:
            read_committed(cr)
            before = self.newest_transaction(cr)
            with self.cursor() as other:
                other.execute("SELECT pg_current_xact_id()")
                other.commit()
            self.assertGreater(self.newest_transaction(cr), before)

    def test_cursor_of_a_test_stays(self):
        partner = self.env["res.partner"].create({"name": "SPAR test"})
        with self.enter_registry_test_mode(), closing(self.registry.cursor()) as cr:
            before = isolation(cr)
            read_committed(cr)
            self.assertEqual(isolation(cr), before)
            cr.execute("SELECT name FROM res_partner WHERE id = %s", [partner.id])
            self.assertEqual(cr.fetchone(), ("SPAR test",))
