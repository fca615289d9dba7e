# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""When accounts that were written differently are one and the same. Plain Python, without ORM."""

import re
import unicodedata
from typing import NamedTuple

from odoo.addons.g2p_spar_fa_directory.account_number import AccountNumberRule
from odoo.addons.g2p_spar_fa_directory.financial_address import (
    BANK,
    EMAIL_WALLET,
    FaError,
    FinancialAddress,
    fa_key,
)

# Of a telephone number what is the same with and without the prefix of the country, which in the
# shortest plans is all of it; and how much of one must agree with the end of a longer one.
_PHONE_DIGITS, _SHORT_PHONE_DIGITS = 7, 6
# Of the number of a bank account what is compared with an IBAN, at most and at least; and how many
# check digits of the country may stand behind the number in an IBAN.
_TAIL, _SHORT_TAIL, _CHECK_DIGITS = 8, 6, 3
_NOT_IN_NUMBERS = re.compile(r"[\W_]+")
_IBAN = AccountNumberRule(check="iban")


class Keys(NamedTuple):
    """Of an account: under which keys it is remembered, and under which of them one that is the
    same was."""

    noted: frozenset[str]
    sought: frozenset[str]


def account_keys(address: FinancialAddress | FaError, string: str) -> Keys:
    """An account by `account_key`; and an IBAN by the number within it, since the same account may
    be written as that number alone."""
    key = account_key(address, string)
    if isinstance(address, FaError) or address.is_opaque or address.fa_type != BANK:
        return _keys(key)
    return _keys(key, number_key(BANK, address.number))


def bank_keys(number: str) -> Keys:
    """Likewise a bank account whose provider is not known; none where there is no number."""
    key = number_key(BANK, number)
    return _keys(f"{BANK} {key}", key) if key else Keys(frozenset(), frozenset())


def account_key(address: FinancialAddress | FaError, string: str) -> str:
    """Under which an account is counted, whichever branch of its provider is named, and however its
    number is written. A telephone number, an e-mail address and an IBAN are one person's at all
    providers.

    :param address: what the directory makes of `string`
    """
    if isinstance(address, FaError) or address.is_opaque:
        return f"fa {fa_key(string)}"
    number = number_key(address.fa_type, address.number) or fa_key(address.number)
    if address.fa_type != BANK:
        return f"{address.fa_type} {number}"
    if _is_iban(number):
        return f"iban {number}"
    return f"{address.fa_type} {address.provider_code.lower()} {number}"


def number_key(kind: str, number: str) -> str:
    """A number without what is written in several ways; empty where nothing can be compared.

    :param kind: of account, such as `bank`
    """
    if kind == EMAIL_WALLET:
        return _plain(number).strip().lower()
    if kind == BANK:
        return _NOT_IN_NUMBERS.sub("", _plain(number)).lower().lstrip("0")
    return phone_key(number)


def phone_key(number: str) -> str:
    """The end of a telephone number, all of a shorter one; empty where there are no digits."""
    return re.sub(r"[^0-9]", "", _plain(number)).lstrip("0")[-_PHONE_DIGITS:]


def is_same_phone(one: str, other: str) -> bool:
    """Whether two keys may be of one telephone number: one ends with the other, so that a short
    number is found in the long one that has the prefix of its area too."""
    shorter, longer = sorted((one, other), key=len)
    return one == other != "" or (len(shorter) >= _SHORT_PHONE_DIGITS and longer.endswith(shorter))


def _keys(key: str, bank_number: str = "") -> Keys:
    """Two numbers at different banks may end alike, so only an IBAN and another number meet."""
    is_iban = _is_iban(bank_number)
    kinds = ("iban-tail", "bare-tail") if is_iban else ("bare-tail", "iban-tail")
    tails = _tails(bank_number, _CHECK_DIGITS if is_iban else 0)
    noted, sought = (frozenset({key, *(f"{kind} {tail}" for tail in tails)}) for kind in kinds)
    return Keys(noted, sought)


def _tails(number: str, check_digits: int) -> set[str]:
    """What a number may end with, without up to so many digits behind it."""
    ends = (number[: len(number) - count] for count in range(check_digits + 1))
    tails = {end[-_TAIL:].lstrip("0") for end in ends}
    return {tail for tail in tails if len(tail) >= _SHORT_TAIL}


def _is_iban(number: str) -> bool:
    return _IBAN.problem(number.upper()) is None


def _plain(text: str) -> str:
    """Letters and digits as ASCII has them, as far as they are the same in another script."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(char, char)) for char in text)
