# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..ids import ID_MAX_LENGTH, id_key, id_keys, id_problem, mask_id, namespace_of
from .common import PROPERTY


class TestIds(BaseCase):
    def test_ids_of_the_standard(self):
        """G2P-Connect's own examples."""
        for value in (
            "token:12345@nid",
            "vid:543215@nid",
            "id:/brn:/mrn:12345@civil-reg",
            "id:12345@voter-id",
            "mobile:12345@farmer-reg",
            "token:2OsmelWj9gHIdX8-Y2u2GfOZm_7W8LFz2Hvnvg@nationalId",
        ):
            self.assertIsNone(id_problem(value), value)

    def test_refused(self):
        for value, word in (
            ("", "empty"),
            ("a" * (ID_MAX_LENGTH + 1), "longer"),
            ("token: 12345@nid", "blanks"),
            ("token:12345@nid\n", "printable"),
            ("token:\x00@nid", "printable"),
            ("tökén@nid", "ASCII"),
            ("token\u200b@nid", "ASCII"),
            ("\ud800@nid", "ASCII"),
            (None, "string"),
            (12345, "string"),
            (["token:12345@nid"], "string"),
        ):
            self.assertIn(word, id_problem(value), repr(value))

    def test_length_limit_is_inclusive(self):
        self.assertIsNone(id_problem("a" * ID_MAX_LENGTH))

    @PROPERTY
    @given(st.text(max_size=300))
    def test_accepted_ids_are_printable_ascii(self, value):
        accepted = id_problem(value) is None
        expected = 1 <= len(value) <= 255 and all(0x21 <= ord(c) <= 0x7E for c in value)
        self.assertEqual(accepted, expected)

    @PROPERTY
    @given(st.text())
    def test_key_changes_ascii_case_only(self, value):
        key = id_key(value)
        self.assertEqual(len(key), len(value))
        self.assertEqual(id_key(key), key)
        for before, after in zip(value, key, strict=True):
            self.assertEqual(after, before.lower() if "A" <= before <= "Z" else before)

    @PROPERTY
    @given(
        st.lists(st.one_of(st.text("aZ@ :", max_size=3), st.text(max_size=2), st.just("a" * 256)))
    )
    def test_keys_of_many(self, values):
        sound = values and not any(map(id_problem, values))
        self.assertEqual(id_keys(values), list(map(id_key, values)) if sound else None)

    def test_keys_of_many_that_are_no_strings(self):
        self.assertIsNone(id_keys(["token:1@nid", 5]))
        self.assertIsNone(id_keys(["token:1@nid", None]))

    def test_key_does_not_fold(self):
        self.assertEqual(id_key("TOKEN:Aß@NationalId"), "token:aß@nationalid")
        self.assertNotEqual(id_key("İ"), id_key("i"))
        self.assertNotEqual(id_key("\u212a"), id_key("k"), "the Kelvin sign is no letter k")

    def test_namespace(self):
        self.assertEqual(namespace_of("token:12345@nationalId"), "nationalId")
        self.assertEqual(namespace_of("jane@example.org@nid"), "nid")
        self.assertEqual(namespace_of("token:12345@"), "")
        self.assertIsNone(namespace_of("token:12345"))

    def test_mask(self):
        self.assertEqual(mask_id("token:1234567890@nationalId"), "••••7890@nationalId")
        self.assertEqual(mask_id("12345"), "••••5")
        self.assertEqual(mask_id("id@nid"), "••••@nid")
        self.assertEqual(mask_id("x@1234567890"), "••••7890", "a number is no namespace")
        self.assertEqual(mask_id("@nid"), "••••d")
