# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Invented people: which ID and which account number belong to number n, in SQL.

`load.lua` makes the same IDs. Both are permutations, so that neighbours in number are strangers in
an index, as real tokens are; products stay below 2^53, which is exact in Lua too.
"""

ID_FACTOR = 387_420_489
ID_RANGE = 10**10
ACCOUNT_FACTOR = 122_949_823
ACCOUNT_RANGE = 9 * 10**11
ACCOUNT_FIRST = 10**11
NAMESPACE = "nationalId"
# Beyond, ID_FACTOR * n is not exact any more.
MOST_PEOPLE = 23_000_000


def count(number):
    """Thousands parted by blanks: 1 000 000."""
    return f"{number:,}".replace(",", " ")


def id_key(number):
    """The ID of the person of that number as it is compared: ASCII letters in lower case."""
    return f"token:{number * ID_FACTOR % ID_RANGE:010}@{NAMESPACE}".lower()


def sql_id(number):
    """SQL that makes the ID of the person of that number (an SQL expression)."""
    digits = f"lpad((({number})::bigint * {ID_FACTOR} % {ID_RANGE})::text, 10, '0')"
    return f"('token:' || {digits} || '@{NAMESPACE}')"


def sql_account(number):
    """SQL that makes the account number, 12 digits."""
    return f"({ACCOUNT_FIRST} + ({number})::bigint * {ACCOUNT_FACTOR} % {ACCOUNT_RANGE})::text"
