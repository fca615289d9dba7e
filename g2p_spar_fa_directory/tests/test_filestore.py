# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from pathlib import Path

from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestFilestore(TransactionCase):
    def test_it_is_of_this_database_alone(self):
        """Shared with others, it would lose files: each collects garbage by its own database."""
        filestore = Path(self.env["ir.attachment"]._filestore())
        self.assertEqual(filestore.name, self.env.cr.dbname)
        self.assertTrue(any(filestore.iterdir()), "the files of the template")
