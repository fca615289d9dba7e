# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Strategy patterns: how a string is constructed from parts, and deconstructed again.

A pattern is literals and plain field names, ``account:{account_number}@{bank_code}``. It looks
like a Python format string and is none: no conversion, format specification, index, attribute or
escaped brace.

Deconstruction is made from the same pattern. Each field runs up to the first occurrence of the
whole literal that follows it, the last one to the end. That is plain string search without
back-tracking, linear in the input. A value that contains the literal that ends it could not be
found again, and construction refuses it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

PATTERN_MAX_LENGTH = 512

# An ordinary value of every field. A literal that occurs in one of them cannot end that field.
_LETTERS_AND_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FIELD_SAMPLES = {
    "sub": f"{_LETTERS_AND_DIGITS}-_",
    "account_number": _LETTERS_AND_DIGITS,
    "branch_name": f"{_LETTERS_AND_DIGITS} ",
    "branch_code": _LETTERS_AND_DIGITS,
    "bank_name": f"{_LETTERS_AND_DIGITS} Ltd.",
    "bank_code": _LETTERS_AND_DIGITS,
    "mobile_number": "+0123456789",
    "email_address": f"{_LETTERS_AND_DIGITS}.-_+@example.org",
    "wallet_provider_name": f"{_LETTERS_AND_DIGITS} Inc.",
    "wallet_provider_code": _LETTERS_AND_DIGITS,
    "fa_type": "BANK_ACCOUNT",
}
ID_FIELDS = ("sub",)
FA_FIELDS = tuple(field for field in FIELD_SAMPLES if field not in ID_FIELDS)

_PIECE = re.compile(r"\{([^{}]*)\}|([{}])|([^{}]+)")
_FORMATTED_FIELD = re.compile(r"[^!:.\[\]]*[!:.\[\]]")


class PatternError(ValueError):
    """A pattern, or a value given to it, that is refused. The text never repeats a value."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern: ``literals[0] fields[0] literals[1] ... fields[-1] literals[-1]``."""

    source: str
    literals: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def parse(cls, source: str, known_fields: Collection[str]) -> "Pattern":
        """Parse ``source``.

        :raise PatternError: what is wrong with it, including when it could not rebuild its own
            output for ordinary values
        """
        if len(source) > PATTERN_MAX_LENGTH:
            raise PatternError(f"a pattern must not be longer than {PATTERN_MAX_LENGTH} characters")
        literals, fields = [""], []
        for name, brace, text in _PIECE.findall(source):
            if brace:
                raise PatternError("a brace may only enclose a field name; there is no escape")
            if text:
                literals[-1] = text
                continue
            _check_field(name, fields, literals[-1], known_fields)
            fields.append(name)
            literals.append("")
        if not fields:
            raise PatternError("a pattern needs at least one field, such as {account_number}")
        pattern = cls(source, tuple(literals), tuple(fields))
        pattern._check_rebuilds_samples()
        return pattern

    def construct(self, parts: Mapping[str, str]) -> str:
        """Build the string from ``parts``, a value for every field; others are ignored.

        :raise PatternError: a value is missing, or deconstruction would not find it again
        """
        pieces = [self.literals[0]]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            value = parts.get(field)
            if value is None:
                raise PatternError(f"{field}: is missing")
            # The literal may also begin inside the value and end in the literal itself.
            if literal and (value + literal).find(literal) < len(value):
                raise PatternError(f'{field}: must not contain "{literal}", which marks its end')
            pieces += (value, literal)
        return "".join(pieces)

    def deconstruct(self, string: str) -> dict[str, str] | None:
        """Return the value of every field, None if ``string`` does not have this form."""
        if not (string.startswith(self.literals[0]) and string.endswith(self.literals[-1])):
            return None
        parts = {}
        start = len(self.literals[0])
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            end = string.find(literal, start) if literal else len(string)
            if end < 0:
                return None
            parts[field] = string[start:end]
            start = end + len(literal)
        return parts if start == len(string) else None

    def _check_rebuilds_samples(self):
        try:
            self.construct(FIELD_SAMPLES)
        except PatternError as error:
            raise PatternError(
                f"it cannot rebuild its own output, since ordinary values would be refused: {error}"
            ) from error


def _check_field(name, fields, literal, known_fields):
    if _FORMATTED_FIELD.match(name):
        raise PatternError(
            f"{{{name}}}: conversions, format specifications, indexes and attributes "
            "are not supported; write the plain field name"
        )
    if name not in known_fields:
        raise PatternError(f"unknown field {{{name}}}; known are: {', '.join(known_fields)}")
    if name in fields:
        raise PatternError(f"{{{name}}} occurs twice")
    if fields and not literal:
        raise PatternError(
            f"{{{fields[-1]}}} and {{{name}}} are adjacent; without text between them "
            "nobody can tell where one ends"
        )
