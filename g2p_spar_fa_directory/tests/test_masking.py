# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..masking import MASK, mask_before_at, mask_email, mask_number
from .common import PROPERTY

WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="@"))


class TestMasking(BaseCase):
    def test_number(self):
        self.assertEqual(mask_number("123456789012"), "••••9012")
        self.assertEqual(mask_number("123456789"), "••••789")
        self.assertEqual(mask_number("123"), "••••3")
        self.assertEqual(mask_number("12"), "••••")
        self.assertEqual(mask_number(""), "••••")

    def test_email(self):
        self.assertEqual(mask_email("jane@example.org"), "j•••@e•••.org")
        self.assertEqual(mask_email("jo@ex.org"), "•••@•••.org")
        self.assertEqual(mask_email("jane@mail.example.co"), "j•••@m•••.co")
        self.assertEqual(mask_email("jane@localhost"), "••••host")
        self.assertEqual(mask_email("jane@example.12345678"), "••••5678")

    def test_before_at(self):
        self.assertEqual(mask_before_at("account:123456789@bank.ifsc"), "••••6789@bank.ifsc")
        self.assertEqual(mask_before_at("joeuser@national-bank"), "••••er@national-bank")
        self.assertEqual(mask_before_at("bank@123456789"), "••••6789")
        self.assertEqual(mask_before_at("x@a.account:123456789"), "••••6789")

    @PROPERTY
    @given(st.text(max_size=600))
    def test_number_shows_four_characters_and_a_third_at_most(self, text):
        masked = mask_number(text)
        self.assertTrue(masked.startswith(MASK))
        shown = masked.removeprefix(MASK)
        self.assertLessEqual(len(shown), min(4, len(text) // 3))
        self.assertTrue(text.endswith(shown))

    @PROPERTY
    @given(st.text(max_size=600))
    def test_before_at_shows_no_more_of_the_local_part(self, text):
        masked = mask_before_at(text)
        self.assertTrue(masked.startswith(MASK))
        shown, at, issuer = masked.removeprefix(MASK).partition("@")
        if at and text.endswith(f"@{issuer}"):
            text = text.removesuffix(f"@{issuer}")
        else:
            shown += at + issuer
        self.assertLessEqual(len(shown), min(4, len(text) // 3))

    @PROPERTY
    @given(st.integers(5, 20).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)))
    def test_before_at_never_shows_a_number_after_the_at(self, number):
        for text in (f"x@{number}", f"bank@a{number}", f"bank@{number}.org"):
            self.assertNotIn(number, mask_before_at(text))

    @PROPERTY
    @given(WORD, WORD, st.sampled_from(["org", "co.ke", "museum"]))
    def test_email_shows_one_letter_of_each_side(self, local, name, top):
        masked = mask_email(f"{local}@{name}.{top}")
        shown_local, _at, shown_domain = masked.partition("@")
        self.assertLessEqual(len(shown_local.replace("•", "")), 1)
        shown_name = shown_domain.rpartition(".")[0].replace("•", "")
        self.assertLessEqual(len(shown_name), 1)
        if len(local) < 3:
            self.assertEqual(shown_local, "•••")

    @PROPERTY
    @given(st.text(max_size=600))
    def test_email_never_fails(self, text):
        masked = mask_email(text)
        shown = masked.replace("•", "").replace("@", "").rpartition(".")[0]
        self.assertLessEqual(len(shown), max(2, min(4, len(text) // 3)))
