# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import time

from hypothesis import assume, given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..pattern import FA_FIELDS, FIELD_SAMPLES, ID_FIELDS, Pattern, PatternError
from .common import PROPERTY, UPSTREAM_BANK

LITERAL_CHARACTERS = ".:@-_|, abA0"
HUNDRED_KB = 100_000


@st.composite
def patterns(draw):
    """Sources of patterns, many of which are refused."""
    fields = draw(st.lists(st.sampled_from(FA_FIELDS), min_size=1, max_size=6, unique=True))
    literals = st.text(LITERAL_CHARACTERS, max_size=6)
    source = draw(literals)
    for field in fields:
        source += f"{{{field}}}{draw(literals)}"
    return source


def values():
    """Values that meet the literals of the patterns often."""
    return st.one_of(st.text(LITERAL_CHARACTERS, max_size=12), st.text(max_size=12))


class TestPattern(BaseCase):
    def assertRefused(self, source, text, known=FA_FIELDS):
        with self.assertRaises(PatternError) as caught:
            Pattern.parse(source, known)
        self.assertIn(text, str(caught.exception))

    def test_upstream_bank(self):
        pattern = Pattern.parse(UPSTREAM_BANK, FA_FIELDS)
        parts = {
            "account_number": "1234567890",
            "branch_name": "Main Street",
            "branch_code": "HDFC0000522",
            "bank_name": "HDFC Bank Ltd.",
            "bank_code": "HDFC",
            "fa_type": "BANK",
        }
        string = (
            "account_number:1234567890.branch_name:Main Street.branch_code:HDFC0000522"
            ".bank_name:HDFC Bank Ltd..bank_code:HDFC.fa_type:BANK"
        )
        self.assertEqual(pattern.construct(parts), string)
        self.assertEqual(pattern.deconstruct(string), parts)

    def test_other_strings_do_not_have_its_form(self):
        pattern = Pattern.parse("token:{sub}@nationalId", ID_FIELDS)
        self.assertEqual(pattern.deconstruct("token:12345@nationalId"), {"sub": "12345"})
        for string in (
            "",
            "token:",
            "Token:12345@nationalId",
            "token:12345@nationalid",
            "token:12345@nationalId ",
            "token:12345@nationalId@nationalId",
            " token:12345@nationalId",
        ):
            self.assertIsNone(pattern.deconstruct(string), string)

    def test_empty_values_survive(self):
        pattern = Pattern.parse("{bank_code}:{branch_code}", FA_FIELDS)
        parts = {"bank_code": "", "branch_code": ""}
        self.assertEqual(pattern.deconstruct(pattern.construct(parts)), parts)

    def test_not_plain_field_names(self):
        for source in (
            "a:{account_number!r}@{bank_code}",
            "a:{account_number:>20}@{bank_code}",
            "a:{account_number:{bank_code}}",
            "a:{account_number[0]}@{bank_code}",
            "a:{account_number.__class__}@{bank_code}",
            "a:{0}@{bank_code}",
            "a:{}@{bank_code}",
            "a:{ account_number }@{bank_code}",
            "a:{ACCOUNT_NUMBER}@{bank_code}",
        ):
            with self.subTest(source), self.assertRaises(PatternError):
                Pattern.parse(source, FA_FIELDS)
        self.assertRefused("{account_number!r}", "conversions")
        self.assertRefused("{account_number.imag}", "attributes")

    def test_braces(self):
        for source in ("{{account_number}}", "{account_number", "account_number}", "a{{b", "}"):
            self.assertRefused(source, "brace")

    def test_unknown_field(self):
        self.assertRefused("a:{iban}", "unknown field {iban}; known are: account_number")
        self.assertRefused("a:{account_number}", "unknown field", ID_FIELDS)

    def test_field_twice(self):
        self.assertRefused("{bank_code}-{bank_code}", "occurs twice")

    def test_no_field(self):
        self.assertRefused("", "at least one field")
        self.assertRefused("account", "at least one field")

    def test_adjacent_fields(self):
        self.assertRefused("{account_number}{bank_code}", "are adjacent")
        self.assertRefused("a:{account_number}{bank_code}", "are adjacent")

    def test_too_long(self):
        self.assertRefused("a" * 513 + "{bank_code}", "longer than 512")

    def test_literals_that_ordinary_values_contain(self):
        """As in OpenG2P 0.1's email:{email}.{type}, which cannot tell where the address ends."""
        for source in (
            "email:{email_address}.{fa_type}",
            "email:{email_address}@{wallet_provider_code}",
            "{account_number}0{bank_code}",
            "{bank_name}.{bank_code}",
            "{branch_name} {bank_code}",
            "{fa_type}_{bank_code}",
            "{mobile_number}+",
        ):
            self.assertRefused(source, "cannot rebuild its own output")

    def test_value_with_the_literal_that_ends_it(self):
        pattern = Pattern.parse("account:{account_number}@{bank_code}", FA_FIELDS)
        with self.assertRaises(PatternError) as caught:
            pattern.construct({"account_number": "secret12@34", "bank_code": "B"})
        self.assertIn("account_number:", str(caught.exception))
        self.assertNotIn("secret12", str(caught.exception))
        self.assertEqual(
            pattern.construct({"account_number": "12", "bank_code": "a@b"}), "account:12@a@b"
        )

    def test_literal_that_begins_inside_a_value(self):
        pattern = Pattern.parse("{account_number}--{bank_code}", FA_FIELDS)
        with self.assertRaises(PatternError):
            pattern.construct({"account_number": "1-", "bank_code": "B"})

    def test_missing_value(self):
        pattern = Pattern.parse("account:{account_number}@{bank_code}", FA_FIELDS)
        with self.assertRaisesRegex(PatternError, "bank_code: is missing"):
            pattern.construct({"account_number": "12"})

    def test_every_field_has_a_sample(self):
        self.assertEqual(set(ID_FIELDS) | set(FA_FIELDS), set(FIELD_SAMPLES))

    @PROPERTY
    @given(st.one_of(patterns(), st.text(), st.text("{}!:.[]_abs", max_size=30)))
    def test_parse_raises_nothing_else(self, source):
        try:
            pattern = Pattern.parse(source, FA_FIELDS)
        except PatternError:
            return
        self.assertEqual(len(pattern.literals), len(pattern.fields) + 1)
        self.assertTrue(all(pattern.literals[1:-1]), "text between fields")

    @PROPERTY
    @given(patterns(), st.data())
    def test_deconstruct_inverts_construct_or_it_is_refused(self, source, data):
        pattern = self._parse_or_skip(source)
        parts = {field: data.draw(values(), label=field) for field in pattern.fields}
        naive = source.format(**parts)
        try:
            string = pattern.construct(parts)
        except PatternError:
            # Refused for a reason only: this very string would be read differently.
            self.assertNotEqual(pattern.deconstruct(naive), parts)
            return
        self.assertEqual(string, naive)
        self.assertEqual(pattern.deconstruct(string), parts)

    @PROPERTY
    @given(patterns(), st.data())
    def test_construct_inverts_deconstruct(self, source, data):
        pattern = self._parse_or_skip(source)
        pieces = st.one_of(st.sampled_from(pattern.literals), st.text(max_size=5))
        string = pattern.literals[0]
        for literal in pattern.literals[1:]:
            string += data.draw(st.lists(pieces, max_size=3).map("".join)) + literal
        parts = pattern.deconstruct(string)
        if parts is not None:
            self.assertEqual(pattern.construct(parts), string)

    def test_accepted_patterns_are_not_rare(self):
        """The properties above would hold for a parser that refuses everything."""
        accepted = []

        @PROPERTY
        @given(patterns())
        def count(source):
            try:
                accepted.append(Pattern.parse(source, FA_FIELDS))
            except PatternError:
                return

        count()
        self.assertGreater(len(accepted), 5)

    def test_hostile_input_takes_linear_time(self):
        """Upstream's regular expression for this pattern takes seconds on 4 KB of such text."""
        pattern = Pattern.parse(UPSTREAM_BANK, FA_FIELDS)
        literals = "".join(pattern.literals)
        needle = "{account_number}" + "-" * 400 + ".{bank_code}"
        for name, hostile_pattern, piece in (
            ("every literal again and again", pattern, literals),
            ("first literal", pattern, pattern.literals[0]),
            ("one inner literal", pattern, ".branch_name:"),
            ("almost a literal", pattern, ".branch_name"),
            ("a long periodic literal", Pattern.parse(needle, FA_FIELDS), "-"),
        ):
            with self.subTest(name):
                text = hostile_pattern.literals[0] + piece * (HUNDRED_KB // len(piece))
                start = time.perf_counter()
                hostile_pattern.deconstruct(text)
                self.assertLess(time.perf_counter() - start, 0.5)

    def _parse_or_skip(self, source):
        try:
            return Pattern.parse(source, FA_FIELDS)
        except PatternError:
            assume(False)
