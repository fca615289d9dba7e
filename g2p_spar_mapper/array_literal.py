# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""PostgreSQL array literals: thousands of values as one parameter.

psycopg2 writes a list as ``ARRAY['a', 'b', ...]``, which PostgreSQL parses into one expression
node per element. A literal such as ``'{"a","b"}'::text[]`` says the same and is read at once.

Source: PostgreSQL documentation, "Array Input and Output Syntax" and "bytea Hex Format".
"""

from collections.abc import Collection


def text_array(values: Collection[str | None]) -> str:
    """The literal of a ``text[]``; None becomes NULL."""
    if values and None not in values:
        inner = '","'.join(values)
        # nearly always there is nothing to escape
        if "\\" not in inner and inner.count('"') == 2 * (len(values) - 1):
            return f'{{"{inner}"}}'
    return f"{{{','.join(map(_quoted, values))}}}"


def int_array(values: Collection[int | None]) -> str:
    """The literal of an ``int[]``; None becomes NULL."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


def bytea_array(values: Collection[bytes | None]) -> str:
    """The literal of a ``bytea[]``; None becomes NULL."""
    return f"{{{','.join(map(_hexadecimal, values))}}}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def _hexadecimal(value: bytes | None) -> str:
    return "NULL" if value is None else f'"\\\\x{value.hex()}"'
