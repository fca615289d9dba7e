# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import time

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..account_number import CHECKS, AccountNumberRule, compile_pattern
from .common import PROPERTY

VALID = {
    "iban": ["GB82WEST12345698765432", "gb82west12345698765432", "DE89370400440532013000"],
    "luhn": ["79927398713", "4539578763621486"],
    "verhoeff": ["2363"],
    "ar_cbu": ["2850590940090418135201"],
    "cz_bankaccount": ["34278-0727558021/0100"],
    "es_ccc": ["12341234161234567890"],
    "no_kontonr": ["86011117947"],
    "nz_bankaccount": ["01-902-0068389-00"],
}
INVALID = {
    "iban": [
        "GB82WEST12345698765433",
        "GB82 WEST 1234 5698 7654 32",
        "XX82WEST12345698765432",
        "GB",
    ],
    "luhn": ["79927398710", "7992 7398 713", "7992-7398-713", "x", "٧٩٩٢٧٣٩٨٧١٣"],
    "verhoeff": ["2364", "12-34"],
    "ar_cbu": ["2850590940090418135202"],
    "cz_bankaccount": ["34278-0727558021/9999", "34278-0727558021 / 0100"],
    "es_ccc": ["12341234161234567891", "1234-1234-16-1234567890"],
    "no_kontonr": ["86011117948"],
    "nz_bankaccount": ["01-902-0068388-00", "01 902 0068389 00"],
}


class TestAccountNumber(BaseCase):
    def test_lengths(self):
        rule = AccountNumberRule(min_length=9, max_length=18)
        self.assertIn("at least 9", rule.problem("12345678"))
        self.assertIsNone(rule.problem("1" * 9))
        self.assertIsNone(rule.problem("1" * 18))
        self.assertIn("at most 18", rule.problem("1" * 19))

    def test_no_maximum(self):
        self.assertIsNone(AccountNumberRule().problem("1" * 500))
        self.assertIn("at least 1", AccountNumberRule().problem(""))

    def test_pattern_must_match_the_whole_number(self):
        rule = AccountNumberRule(pattern=compile_pattern(r"\d{3}"))
        self.assertIsNone(rule.problem("123"))
        for number in ("1234", "x123", "123\n", "123 "):
            self.assertIn("form", rule.problem(number))

    def test_digits_are_ascii(self):
        rule = AccountNumberRule(pattern=compile_pattern(r"\d{3}"))
        self.assertIn("form", rule.problem("١٢٣"))

    def test_upstream_rules(self):
        account = AccountNumberRule(pattern=compile_pattern(r"^\d{9,18}$"))
        self.assertIsNone(account.problem("123456789"))
        self.assertTrue(account.problem("12345678"))
        mobile = AccountNumberRule(pattern=compile_pattern(r"^\d{10}$"))
        self.assertIsNone(mobile.problem("9876543210"))
        email = AccountNumberRule(
            pattern=compile_pattern(r"[A-Za-z0-9\._%+\-]+@[A-Za-z0-9\.\-]+\.[A-Za-z]{2,}")
        )
        self.assertIsNone(email.problem("jane.doe@example.org"))
        self.assertTrue(email.problem("jane.doe@example"))
        self.assertTrue(email.problem("jane doe@example.org"))

    def test_checks(self):
        self.assertEqual(set(VALID), set(CHECKS))
        for check, numbers in VALID.items():
            for number in numbers:
                self.assertIsNone(AccountNumberRule(check=check).problem(number), (check, number))
        for check, numbers in INVALID.items():
            for number in numbers:
                problem = AccountNumberRule(check=check).problem(number)
                self.assertIn(CHECKS[check][0], problem or "", (check, number))

    @PROPERTY
    @given(
        st.sampled_from(sorted(CHECKS)),
        st.one_of(
            st.text(max_size=60),
            st.text("0123456789-/ .", max_size=40),
            st.from_regex(r"[A-Z]{2}[0-9A-Z]{1,40}", fullmatch=True),
        ),
    )
    def test_checks_never_fail_nor_repeat_the_number(self, check, number):
        problem = AccountNumberRule(min_length=0, check=check).problem(number)
        if problem and len(number) > 4:
            self.assertNotIn(number, problem)

    def test_patterns_that_are_refused(self):
        for source in ("(", "[a", "a{2000}", "(?=a)", r"(a)\1", "(?P<a>", "*", "a" * 256):
            with self.subTest(source), self.assertRaises(ValueError):
                compile_pattern(source)

    @PROPERTY
    @given(st.text(max_size=40), st.text(max_size=40))
    def test_patterns_raise_nothing_else(self, source, number):
        try:
            pattern = compile_pattern(source)
        except ValueError:
            return
        AccountNumberRule(pattern=pattern).problem(number)

    def test_hostile_patterns_take_linear_time(self):
        for source in (r"(a+)+b", r"(a|a)*b", r"(.*a){20}b", r"([a-z]+)*\d"):
            rule = AccountNumberRule(pattern=compile_pattern(source))
            start = time.perf_counter()
            self.assertIn("form", rule.problem("a" * 100_000))
            self.assertLess(time.perf_counter() - start, 1)
