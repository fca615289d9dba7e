# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Rules for the number of an account: length, regular expression, check digits.

Regular expressions run with RE2, whose time is linear in the input whatever the expression.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.machinery import SourceFileLoader

import re2
import stdnum

PATTERN_MAX_LENGTH = 255

# Key of a check -> (name on screen, module of python-stdnum).
CHECKS = {
    "iban": ("IBAN", "stdnum.iban"),
    "luhn": ("Luhn", "stdnum.luhn"),
    "verhoeff": ("Verhoeff", "stdnum.verhoeff"),
    "ar_cbu": ("Argentina: CBU", "stdnum.ar.cbu"),
    "cz_bankaccount": ("Czech Republic: account number", "stdnum.cz.bankaccount"),
    "es_ccc": ("Spain: CCC", "stdnum.es.ccc"),
    "no_kontonr": ("Norway: account number", "stdnum.no.kontonr"),
    "nz_bankaccount": ("New Zealand: account number", "stdnum.nz.bankaccount"),
}
_PUNCTUATED = ("cz_bankaccount", "nz_bankaccount")
_PUNCTUATION = str.maketrans("", "", "-/")


def compile_pattern(source: str):
    """Compile a regular expression that a whole number must match.

    :raise ValueError: why RE2 does not take it (it knows no look-around, no back-references)
    """
    if len(source) > PATTERN_MAX_LENGTH:
        raise ValueError(f"must not be longer than {PATTERN_MAX_LENGTH} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not a regular expression"
        raise ValueError(reason.decode() if isinstance(reason, bytes) else reason) from error


@dataclass(frozen=True, slots=True)
class AccountNumberRule:
    """What a number must look like. Lengths in characters; 0 as maximum means no limit."""

    min_length: int = 1
    max_length: int = 0
    pattern: object | None = None
    check: str = "none"

    def problem(self, number: str) -> str | None:
        """Say in English why ``number`` breaks the rule, without repeating it; None if not."""
        if len(number) < self.min_length:
            return f"must have at least {self.min_length} characters"
        if self.max_length and len(number) > self.max_length:
            return f"must have at most {self.max_length} characters"
        # as bytes: of a text, RE2's wrapper works out what was matched where, which costs four
        # times as much as the match
        if self.pattern and not self.pattern.fullmatch(number.encode()):
            return "does not have the form that this provider requires"
        if self.check != "none" and not _passes(self.check, number):
            return f"is not a valid number: the check ({CHECKS[self.check][0]}) fails"
        return None


def _passes(check: str, number: str) -> bool:
    # python-stdnum ignores blanks and punctuation. With them one account could be on record in
    # several spellings, so only what a country writes into its numbers may be there.
    letters_and_digits = number.translate(_PUNCTUATION) if check in _PUNCTUATED else number
    if not (letters_and_digits.isascii() and letters_and_digits.isalnum()):
        return False
    return _is_valid(check)(number)


@cache
def _is_valid(check: str) -> Callable[[str], bool]:
    # Odoo loads python-stdnum through an import hook whose loader knows no resources, and then
    # the library cannot open its lists of countries and banks.
    if not hasattr(stdnum.__spec__.loader, "get_resource_reader"):
        stdnum.__spec__.loader = SourceFileLoader(stdnum.__name__, stdnum.__file__)
    return import_module(CHECKS[check][1]).is_valid
