# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Thousands of alike JSON objects by column: a check of a whole column costs what one of an item
does."""

from collections.abc import Callable, Iterable
from itertools import repeat
from operator import itemgetter
from types import NoneType
from typing import Any


def by_member(raws: list) -> dict[str, tuple] | None:
    """The values of each member, or None where these are not objects with the same members."""
    first = raws[0] if raws else None
    if not isinstance(first, dict) or len(first) < 2:
        return None
    try:
        rows = list(map(itemgetter(*first), raws))
    except (KeyError, TypeError, IndexError):
        return None
    if set(map(len, raws)) != {len(first)}:
        return None
    return dict(zip(first, zip(*rows, strict=True), strict=True))


def are_plain_texts(column: tuple) -> bool:
    """Whether all are strings, none of them empty or with anything that cannot be printed."""
    try:
        return all(column) and "".join(column).isprintable()
    except TypeError:
        return False


def distinct(column: tuple) -> Iterable[Any]:
    """The values without repetitions, where these are strings and nulls: of other values Python
    calls some equal that JSON does not (1 and true)."""
    if _is_uniform(column):
        return column[:1]
    return set(column) if set(map(type, column)) <= {str, NoneType} else column


def mapped(function: Callable[[Any], Any], column: tuple) -> Iterable[Any]:
    """The function's values, called once where all are the same (and then without an end)."""
    return repeat(function(column[0])) if _is_uniform(column) else map(function, column)


def _is_uniform(column: tuple) -> bool:
    first = column[0]
    return isinstance(first, str | None) and column.count(first) == len(column)
