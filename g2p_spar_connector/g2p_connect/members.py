# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Reading members of an envelope, whichever it is."""

from .text import has_control, is_unstorable

IDENTIFIER_MAX_LENGTH = 255


class Malformed(Exception):
    """A member that cannot be read; the text names it."""


def text_member(
    raw: dict,
    name: str,
    strict: bool,
    *,
    required: bool = False,
    present: bool = False,
    max_length: int = IDENTIFIER_MAX_LENGTH,
    place: str = "header",
) -> str:
    """A string member; an absent or null one is an empty string.

    Unless it must be `present` (the envelope is incomplete without it, in every profile) or is
    `required` (nor may it be empty).
    """
    value = raw.get(name)
    if value is None or value == "":
        if required or (present and value is None):
            raise Malformed(f"{place}.{name}: missing")
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{place}.{name}: must be a string")
    if len(value) > max_length:
        raise Malformed(f"{place}.{name}: must have at most {max_length} characters")
    if has_control(value) if strict else is_unstorable(value):
        raise Malformed(f"{place}.{name}: has characters that are not allowed")
    return value
