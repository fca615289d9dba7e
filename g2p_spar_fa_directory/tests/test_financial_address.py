# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from dataclasses import FrozenInstanceError

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..financial_address import (
    FA_MAX_LENGTH,
    FaError,
    FinancialAddress,
    fa_key,
    fa_problem,
    fa_type_of,
    mask_fa,
)
from .common import PROPERTY

# The examples of G2P-Connect and the strings that OpenG2P publishes.
PUBLISHED = (
    "token:12345@national-id",
    "mobile:12345@mobile-pymt",
    "account:12345@national-bank",
    "account:12345@abcd0000001.ifsc.pymt-rail",
    "joeuser@national-bank",
    "token:123456@a123",
    "voucher:12345@food.coupon-network",
    "account:asfdsdh241324@rainbow.dfsp2.bank_acc",
    "account_number:..branch_name:..branch_code:..bank_name:..bank_code:..fa_type:..",
)


class TestFinancialAddress(BaseCase):
    def test_well_formed(self):
        for string in (*PUBLISHED, "x", "a b", "a" * FA_MAX_LENGTH, "Bankkonto 12 für Ä"):
            self.assertIsNone(fa_problem(string), string)

    def test_malformed(self):
        for value, word in (
            ("", "empty"),
            ("   ", "blank"),
            ("a" * (FA_MAX_LENGTH + 1), "longer"),
            ("account:1\n@bank", "printable"),
            ("account:1\x00@bank", "printable"),
            ("account:1\u200b@bank", "printable"),
            ("account:1\u202e@bank", "printable"),
            ("\ud800", "printable"),
            (None, "string"),
            (b"account:1@bank", "string"),
            ({"fa": "x"}, "string"),
        ):
            self.assertIn(word, fa_problem(value) or "", repr(value))

    @PROPERTY
    @given(st.text(max_size=600))
    def test_problem_is_none_or_text(self, value):
        problem = fa_problem(value)
        expected = 1 <= len(value) <= 512 and value.isprintable() and not value.isspace()
        self.assertEqual(problem is None, expected)

    @PROPERTY
    @given(st.text())
    def test_key_is_idempotent_and_keeps_the_length(self, value):
        self.assertEqual(fa_key(fa_key(value)), fa_key(value))
        self.assertEqual(len(fa_key(value)), len(value))

    def test_types(self):
        self.assertEqual(fa_type_of("BANK"), "bank")
        self.assertEqual(fa_type_of("BANK_ACCOUNT"), "bank")
        self.assertEqual(fa_type_of("Mobile_Wallet"), "mobile_wallet")
        self.assertEqual(fa_type_of("EMAIL_WALLET"), "email_wallet")
        self.assertIsNone(fa_type_of(""))
        self.assertIsNone(fa_type_of("VOUCHER"))

    def test_masked(self):
        bank = FinancialAddress("s", fa_type="bank", provider_code="HDFC", number="50100123451234")
        self.assertEqual(bank.masked, "HDFC ••••1234")
        mail = FinancialAddress(
            "s", fa_type="email_wallet", provider_code="PAYPAL", number="jane@example.org"
        )
        self.assertEqual(mail.masked, "PAYPAL j•••@e•••.org")
        opaque = FinancialAddress("account:123456789@bank", problem="no strategy fits")
        self.assertEqual(opaque.masked, mask_fa(opaque.string))
        self.assertTrue(opaque.is_opaque)

    def test_repr_and_str_are_masked(self):
        """They end up in logs and tracebacks."""
        address = FinancialAddress(
            "account:50100123451234@HDFC",
            fa_type="bank",
            provider_code="HDFC",
            number="50100123451234",
            parts={"account_number": "50100123451234"},
        )
        for text in (repr(address), str(address), f"{address}", repr([address])):
            self.assertNotIn("501001", text)
            self.assertIn("••••1234", text)

    def test_frozen_comparable_hashable(self):
        address = FinancialAddress("a", parts={"x": "y"})
        with self.assertRaises(FrozenInstanceError):
            address.string = "b"
        self.assertEqual(address, FinancialAddress("a", parts={"x": "y"}))
        self.assertNotEqual(address, FinancialAddress("a"))
        self.assertEqual(len({address, FinancialAddress("a", parts={"x": "y"})}), 1)

    def test_error_names_its_field(self):
        self.assertEqual(FaError("account_number: is missing").field, "account_number")
