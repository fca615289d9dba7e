# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What strings and JSON values in a message may hold."""

import re
from datetime import datetime

from . import jsonio

INFO_MAX_BYTES = 16_384
INFO_MAX_DEPTH = 32

# Written so that ECMA-262 reads them alike: the API's document repeats them.
PHONE = re.compile(r"(?:tel:)?\+[1-9][0-9]{1,14}(?:;ext=[0-9]{1,10})?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# orjson reads integers up to 64 bits exactly; beyond, it makes them floats.
_LARGEST_EXACT = 2.0**63


def has_control(text: str) -> bool:
    """Whether the text has control characters or half a surrogate pair."""
    return not text.isprintable() and CONTROL.search(text) is not None


def is_unstorable(text: str) -> bool:
    """Whether PostgreSQL or UTF-8 cannot hold the text: NUL, or half a surrogate pair."""
    return not text.isprintable() and UNSTORABLE.search(text) is not None


def has_unstorable(value: object) -> bool:
    """`is_unstorable` for any string within a JSON value, member names included."""
    return any(isinstance(atom, str) and is_unstorable(atom) for atom in _atoms(value))


def has_inexact(value: object) -> bool:
    """Whether a JSON value has a number that may not be the one that was sent."""
    return any(isinstance(atom, float) and abs(atom) >= _LARGEST_EXACT for atom in _atoms(value))


def _atoms(value: object):
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            stack.extend(top)
            stack.extend(top.values())
        elif isinstance(top, list):
            stack.extend(top)
        else:
            yield top


def is_too_large(value: object) -> bool:
    """Whether a JSON value is too much for `additional_info`: over 16 KiB, or 32 levels deep.

    What just fits a request may be too deep for the answer around it. What is no JSON value, from a
    caller in this process, is too much as well.
    """
    if value is None:
        return False
    if _is_deeper(value, INFO_MAX_DEPTH):
        return True
    try:
        return len(jsonio.dumps(value)) > INFO_MAX_BYTES
    except TypeError:
        return True


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(member, levels - 1) for member in members)


def is_phone_number(text: str) -> bool:
    """E.164 with its +, also as `tel:` and with `;ext=`. The numbering plan is not looked at."""
    return PHONE.fullmatch(text) is not None


def parse_timestamp(text: str) -> datetime | None:
    """RFC 3339 with a time zone, else None."""
    if not TIMESTAMP.fullmatch(text):
        return None
    if text[17:19] == "60":  # a leap second
        text = f"{text[:17]}59{text[19:]}"
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
