# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import unittest

from ..agent_name import told_name


class TestAgentName(unittest.TestCase):
    def test_names_stay(self):
        for name in ("Ana Agent", "Jean-Luc d'Arc", "Dr. Ana", "अनिता देवी", "José Ñ. Peña"):
            self.assertEqual(told_name(name), name)

    def test_nothing_to_call_or_to_open(self):
        for name, told in (
            ("Ana 0917 000 0001", "Ana"),
            ("Ana \uff11\u0662\u2460", "Ana"),
            ("https://evil.example/x", "httpsevil. examplex"),
            ("help@evil.example", "helpevil. example"),
            ("www.evil\u3002example", "www. evilexample"),
            ("Ana\n\u202eAgent\u200b", "AnaAgent"),
            ("  Ana   Agent ", "Ana Agent"),
            ("12345", ""),
            ("", ""),
        ):
            self.assertEqual(told_name(name), told, name)

    def test_length(self):
        self.assertEqual(len(told_name("a" * 500)), 60)
