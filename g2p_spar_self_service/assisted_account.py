# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""When accounts that were written differently are one and the same. Plain Python, without ORM."""

import re

from odoo.addons.g2p_spar_fa_directory.financial_address import (
    BANK,
    EMAIL_WALLET,
    FaError,
    FinancialAddress,
    fa_key,
)

# Of a telephone number what is the same with and without the prefix of the country.
_PHONE_DIGITS = 8
_NOT_IN_NUMBERS = re.compile(r"[\W_]+")


def account_key(address: FinancialAddress | FaError, string: str) -> str:
    """Under which an account is counted, whichever branch of its provider is named, and however its
    number is written.

    :param address: what the directory makes of `string`
    """
    if isinstance(address, FaError) or address.is_opaque:
        return f"fa {fa_key(string)}"
    number = number_key(address.fa_type, address.number)
    return f"{address.fa_type} {address.provider_code.lower()} {number}"


def number_key(kind: str, number: str) -> str:
    """A number without what is written in several ways; empty where nothing can be compared.

    :param kind: of account, such as `bank`
    """
    if kind == EMAIL_WALLET:
        return number.strip().lower()
    if kind == BANK:
        return _NOT_IN_NUMBERS.sub("", number).lower().lstrip("0")
    return phone_key(number)


def phone_key(number: str) -> str:
    """The end of a telephone number; empty for what is none."""
    digits = re.sub(r"\D", "", number).lstrip("0")
    return digits[-_PHONE_DIGITS:] if len(digits) >= _PHONE_DIGITS else ""
