# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import text
from . import strategies as s


class TestText(BaseCase):
    @s.quick
    @given(s.timestamps)
    def test_timestamp(self, timestamp):
        self.assertEqual(text.parse_timestamp(timestamp), datetime.fromisoformat(timestamp))

    def test_timestamp_forms(self):
        for good in (
            "2026-01-15T09:30:00Z",
            "2026-01-15t09:30:00z",
            "2026-01-15T09:30:00.123456789+05:30",
            "2026-01-15T09:30:00.1-00:00",
            "2016-12-31T23:59:60Z",
        ):
            with self.subTest(good):
                self.assertIsNotNone(text.parse_timestamp(good).utcoffset())
        for bad in (
            "",
            "string",
            "2026-01-15",
            "2026-01-15T09:30Z",
            "2026-01-15T09:30:00",
            "2026-01-15 09:30:00Z",
            "2026-01-15T09:30:00+0530",
            "2026-01-15T09:30:00+05",
            "2026-02-30T09:30:00Z",
            "2026-01-15T24:30:00Z",
            "2026-01-15T09:30:61Z",
            "2026-01-15T09:30:00+25:00",
            "0000-01-15T09:30:00Z",
            "2026-W03-4T09:30:00Z",
            "20260115T093000Z",
            "2026-01-15T09:30:00,5Z",
            "2026-01-15T09:30:00Z\n",
            " 2026-01-15T09:30:00Z",
            "٢٠٢٦-٠١-١٥T٠٩:٣٠:٠٠Z",
        ):
            with self.subTest(bad):
                self.assertIsNone(text.parse_timestamp(bad))

    @s.quick
    @given(st.text())
    def test_timestamp_never_raises(self, anything):
        text.parse_timestamp(anything)

    def test_characters(self):
        self.assertTrue(text.has_control("a\x1fb"))
        self.assertTrue(text.has_control("a\x85b"))
        self.assertTrue(text.has_control("\ud800"))
        self.assertFalse(text.has_control("ü € 𝄞 \u00a0"))
        self.assertTrue(text.is_unstorable("a\x00"))
        self.assertTrue(text.is_unstorable("\udfff"))
        self.assertFalse(text.is_unstorable("a\nb"))

    def test_nested_values(self):
        self.assertTrue(text.has_unstorable([{"a": [{"b\x00": 1}]}]))
        self.assertTrue(text.has_unstorable({"a": {"b": ["\ud800"]}}))
        self.assertFalse(text.has_unstorable([{"a": ["\n", 1, None, True]}]))
        self.assertTrue(text.has_inexact([{"value": {"a": [2.0**63]}}]))
        self.assertTrue(text.has_inexact(-1e300))
        self.assertFalse(text.has_inexact([2**64 - 1, 1.5, -(2.0**62)]))

    def test_deep_values(self):
        value = "\x00"
        for _ in range(50_000):
            value = [value]
        self.assertTrue(text.has_unstorable(value))
