# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import TransactionCase
from odoo.tools import SQL

from ..array_literal import bytea_array, int_array, text_array

quick = settings(database=None, deadline=None)
STORABLE = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
HARD = [
    "",
    "NULL",
    "null",
    " ",
    '"',
    "\\",
    '\\"',
    "{}",
    ",",
    "a,b",
    "'",
    "''",
    "\n",
    "%s",
    "é",
    "{",
]


class TestArrayLiteral(TransactionCase):
    """PostgreSQL reads back what went in."""

    def as_read(self, literal, kind):
        [(value,)] = self.env.execute_query(SQL("SELECT %s::%s[]", literal, SQL(kind)))
        return value

    def test_hard_texts(self):
        for values in ([], [None], HARD, [None, *HARD, None]):
            self.assertEqual(self.as_read(text_array(values), "text"), values)

    @quick
    @given(st.lists(st.none() | STORABLE))
    def test_texts(self, values):
        self.assertEqual(self.as_read(text_array(values), "text"), values)

    @quick
    @given(st.lists(st.none() | st.integers(-(2**31), 2**31 - 1)))
    def test_integers(self, values):
        self.assertEqual(self.as_read(int_array(values), "int"), values)

    @quick
    @given(st.lists(st.none() | st.binary()))
    def test_bytes(self, values):
        read = self.as_read(bytea_array(values), "bytea")
        self.assertEqual([value and bytes(value) for value in read], [v or v for v in values])
