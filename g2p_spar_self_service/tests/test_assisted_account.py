# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import unittest

from odoo.addons.g2p_spar_fa_directory.financial_address import FaError, FinancialAddress

from ..assisted_account import (
    account_key,
    account_keys,
    bank_keys,
    is_same_phone,
    number_key,
    phone_key,
)

# The account number in it, and how many check digits of the country stand behind that.
IBANS = {
    "DE89370400440532013000": ("532013000", 0),
    "FR1420041010050500013M02606": ("0500013M026", 2),
    "NO9386011117947": ("86011117947", 0),
    "PT50000201231234567890154": ("12345678901", 2),
}


def address(kind, number, provider="PLNB", branch=None):
    return FinancialAddress(
        "any", fa_type=kind, provider_code=provider, number=number, branch_code=branch
    )


class TestAssistedAccount(unittest.TestCase):
    def assertSame(self, *addresses):
        self.assertEqual(len({account_key(each, each.string) for each in addresses}), 1)

    def assertOther(self, *addresses):
        keys = {account_key(each, each.string) for each in addresses}
        self.assertEqual(len(keys), len(addresses))

    def test_bank(self):
        self.assertSame(
            address("bank", "00123-456 789"), address("bank", "123456789", "plnb", branch="B2")
        )
        self.assertOther(
            address("bank", "123456789"),
            address("bank", "123456780"),
            address("bank", "123456789", "OTHR"),
        )

    def test_mobile_wallet(self):
        self.assertSame(
            address("mobile_wallet", "+639170000001"),
            address("mobile_wallet", "0917 000 0001"),
            address("mobile_wallet", "9170000001"),
        )
        self.assertOther(
            address("mobile_wallet", "9170000001"), address("mobile_wallet", "9170000002")
        )

    def test_email_wallet(self):
        self.assertSame(
            address("email_wallet", "Ana@Example.org"), address("email_wallet", "ana@example.org")
        )

    def assertMeet(self, one, other, does=True):
        """Each finds what was noted of the other."""
        for noted, sought in ((one, other), (other, one)):
            self.assertEqual(bool(noted.noted & sought.sought), does, (noted, sought))

    def test_seven_digits(self):
        """In the shortest plans that is all of a number."""
        self.assertSame(
            address("mobile_wallet", "+220 7123456"), address("mobile_wallet", "7123456")
        )

    def test_iban_and_its_number(self):
        for iban, (number, _check_digits) in IBANS.items():
            of_iban = account_keys(address("bank", iban), "any")
            bare = account_keys(address("bank", number, "OTHR"), "any")
            self.assertMeet(of_iban, bare)
            self.assertMeet(bank_keys(iban), bank_keys(number))
            other = account_keys(address("bank", "777777777"), "any")
            self.assertMeet(of_iban, other, does=False)

    def test_numbers_at_two_banks(self):
        one, other = (
            account_keys(address("bank", "0012345678", code), "any") for code in ("A", "B")
        )
        self.assertMeet(one, other, does=False)
        self.assertMeet(one, one)

    def test_two_ibans_that_end_alike(self):
        one, other = (
            account_keys(address("bank", iban), "any")
            for iban in ("DE89370400440532013000", "DE48500105170532013000")
        )
        self.assertMeet(one, other, does=False)

    def test_number_too_short_to_be_compared(self):
        keys = account_keys(address("bank", "12345"), "any")
        self.assertEqual(keys.noted, {"bank plnb 12345"})
        self.assertEqual(bank_keys("--"), (set(), set()))

    def test_short_numbers_are_several(self):
        """None of them is nothing to compare."""
        self.assertOther(
            address("mobile_wallet", "1234567"),
            address("mobile_wallet", "1234568"),
            address("mobile_wallet", "12"),
        )
        self.assertOther(address("mobile_wallet", "abc"), address("mobile_wallet", "abd"))
        self.assertOther(address("bank", "0", "A"), address("bank", "--", "A"))

    def test_one_at_all_providers(self):
        for kind, number in (
            ("mobile_wallet", "9170000001"),
            ("email_wallet", "ana@example.org"),
            ("bank", "GB82 WEST 1234 5698 7654 32"),
        ):
            self.assertSame(address(kind, number), address(kind, number, "OTHR"))
        no_iban = "GB83WEST12345698765432"
        self.assertOther(address("bank", no_iban), address("bank", no_iban, "OTHR"))

    def test_digits_of_other_scripts(self):
        for kind, number, other in (
            ("bank", "123456789", "\uff11\uff12\uff13456789"),  # full width
            ("mobile_wallet", "9170000001", "\u0669\u0661\u06670000001"),  # Arabic
            ("email_wallet", "ana@example.org", "\uff21na@example.org"),
        ):
            self.assertSame(address(kind, number), address(kind, other))

    def test_what_the_directory_cannot_read(self):
        opaque = FinancialAddress("ACCOUNT:1@elsewhere")
        self.assertEqual(account_key(opaque, opaque.string), "fa account:1@elsewhere")
        error = FaError("account_number: must not be empty")
        self.assertEqual(account_key(error, "X@y"), "fa x@y")

    def test_nothing_to_compare(self):
        for text in ("", "extension", "000"):
            self.assertEqual(phone_key(text), "")
        self.assertEqual(number_key("bank", " 0 "), "")

    def test_same_telephone(self):
        for one, other in (
            ("1234567", "1234567"),
            ("+632 1234567", "1234567"),
            ("123456", "0091 55123456"),
            ("911", "911"),
        ):
            self.assertTrue(is_same_phone(phone_key(one), phone_key(other)), one)
            self.assertTrue(is_same_phone(phone_key(other), phone_key(one)), one)
        for one, other in (("", ""), ("", "1234567"), ("45678", "12345678"), ("911", "1911")):
            self.assertFalse(is_same_phone(phone_key(one), phone_key(other)), one)
