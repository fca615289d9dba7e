# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from psycopg2 import errors

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from odoo.addons.g2p_spar_fa_directory import uninstall_hook

from .common import DirectoryCommon


class TestIdNamespace(DirectoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.namespace = cls.env["g2p.id.namespace"].create({"name": "testId"})

    def test_names_follow_changes(self):
        self.assertIn("testid", self.namespace.known_names())
        self.assertNotIn("testid", self.namespace.case_sensitive_names())
        self.namespace.case_sensitive = True
        self.assertIn("testid", self.namespace.case_sensitive_names())
        self.namespace.unlink()
        self.assertNotIn("testid", self.env["g2p.id.namespace"].known_names())

    def test_names_come_from_the_cache(self):
        self.namespace.known_names()
        with self.assertQueryCount(0):
            self.namespace.known_names()
            self.namespace.case_sensitive_names()

    @mute_logger("odoo.sql_db")
    def test_name_is_unique_without_case(self):
        with self.assertRaises(errors.UniqueViolation):
            self.env["g2p.id.namespace"].create({"name": "TESTID"})

    def test_name_must_be_possible(self):
        for name in ("a b", "a@b", "é", "x" * 256):
            with self.subTest(name), self.assertRaisesText(ValidationError, "name:"):
                self.namespace.name = name

    def test_setting(self):
        self.env["res.config.settings"].create(
            {"g2p_spar_known_namespaces_only": True}
        ).set_values()
        parameters = self.env["ir.config_parameter"]
        self.assertTrue(parameters.get_param("g2p_spar.known_namespaces_only"))
        settings = self.env["res.config.settings"].create({})
        self.assertTrue(settings.g2p_spar_known_namespaces_only)
        uninstall_hook(self.env)
        self.assertFalse(parameters.get_param("g2p_spar.known_namespaces_only"))
