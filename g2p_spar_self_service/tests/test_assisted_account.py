# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import unittest

from odoo.addons.g2p_spar_fa_directory.financial_address import FaError, FinancialAddress

from ..assisted_account import account_key, number_key, phone_key


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

    def test_what_the_directory_cannot_read(self):
        opaque = FinancialAddress("ACCOUNT:1@elsewhere")
        self.assertEqual(account_key(opaque, opaque.string), "fa account:1@elsewhere")
        error = FaError("account_number: must not be empty")
        self.assertEqual(account_key(error, "X@y"), "fa x@y")

    def test_nothing_to_compare(self):
        for text in ("", "extension 12", "1234567"):
            self.assertEqual(phone_key(text), "")
        self.assertEqual(number_key("bank", " 0 "), "")
