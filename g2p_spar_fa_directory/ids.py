# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Beneficiary IDs as strings, for example ``token:12345@nationalId``.

The standard (G2P-Connect mapper registry, ``id``) compares IDs without regard to case and
gives their form as ``id-type:id@provider``; the part after the last "@" is the ID namespace.
"""

from .masking import mask_before_at

ID_MAX_LENGTH = 255
CODE_MAX_LENGTH = 64
# What an ID consists of, as a regular expression: printable ASCII without blanks.
ID_CHARACTER = "[!-~]"


def id_problem(value) -> str | None:
    """Say in English why ``value`` cannot be an ID, without repeating it; None if it can.

    An ID is 1 to 255 printable ASCII characters (0x21 to 0x7e) without blanks.
    """
    if not isinstance(value, str):
        return "must be a string"
    if not value:
        return "must not be empty"
    if len(value) > ID_MAX_LENGTH:
        return f"must not be longer than {ID_MAX_LENGTH} characters"
    if not (value.isascii() and value.isprintable() and " " not in value):
        return "must consist of printable ASCII characters without blanks"
    return None


def code_problem(code) -> str | None:
    """Say in English why a provider or branch code cannot be part of an FA; None if it can."""
    if problem := id_problem(code):
        return problem
    if len(code) > CODE_MAX_LENGTH:
        return f"must not be longer than {CODE_MAX_LENGTH} characters"
    return None


def id_key(value: str) -> str:
    """Return the form under which an ID is compared: ASCII letters in lower case."""
    return ascii_lower(value)


def id_keys(values: list[str]) -> list[str] | None:
    """`id_key` of thousands of IDs at once; None where one of them cannot be an ID, or there are
    none."""
    try:
        joined = " ".join(values)
    except TypeError:
        return None
    if not (all(values) and joined.isascii() and joined.isprintable()):
        return None
    keys = joined.lower().split(" ")
    # an ID with a blank has become two
    return keys if len(keys) == len(values) and max(map(len, keys)) <= ID_MAX_LENGTH else None


def namespace_of(value: str) -> str | None:
    """Return what follows the last "@" of an ID as given, None if there is no "@"."""
    _local, at, namespace = value.rpartition("@")
    return namespace if at else None


def mask_id(value: str) -> str:
    """Mask an ID: "••••2345@nationalId"; at most 4 characters and a third of the local part."""
    return mask_before_at(value)


def ascii_lower(value: str) -> str:
    """Lower-case ASCII letters only, so that the length never changes and "İ" stays itself."""
    return value.lower() if value.isascii() else value.translate(_ASCII_LOWER)


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
