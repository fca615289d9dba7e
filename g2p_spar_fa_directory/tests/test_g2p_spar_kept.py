# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from .common import DirectoryCommon


class TestKept(DirectoryCommon):
    """With ID namespaces, as an example of settings that workers keep."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.namespace = cls.env["g2p.id.namespace"].create({"name": "testId", "note": "First"})
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        self.namespace.recollect()
        self.env.invalidate_all()  # as in the next transaction

    def test_fields_are_read_without_a_statement(self):
        with self.assertQueryCount(0):
            namespace = self.namespace.recollect()
            self.assertEqual(namespace.name, "testId")
            self.assertEqual(namespace.note, "First")
            self.assertFalse(namespace.case_sensitive)
        self.assertTrue(namespace.env.su)

    def test_values_follow_changes(self):
        self.namespace.note = "Second"
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.namespace.recollect().note, "Second")

    def test_what_is_about_to_be_written_stays(self):
        self.namespace.note = "Second"
        self.assertEqual(self.namespace.recollect().note, "Second")
        self.env.flush_all()
        self.namespace.invalidate_recordset()
        self.assertEqual(self.namespace.note, "Second")

    def test_what_was_not_kept_after_all_is_forgotten(self):
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.namespace.note = "Second"
            self.namespace.recollect()
            raise ZeroDivisionError
        self.env.registry.reset_changes()  # Odoo, where a request fails
        self.env.invalidate_all()
        self.assertEqual(self.namespace.recollect().note, "First")

    def test_a_record_that_has_gone(self):
        self.namespace.unlink()
        self.assertFalse(self.namespace.recollect().exists())

    def test_no_record(self):
        none = self.env["g2p.id.namespace"]
        self.assertEqual(none.recollect(), none)
