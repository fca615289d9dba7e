# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Financial addresses (FAs): where money goes. A string on the wire, parts inside.

Plain Python without the ORM. Which string belongs to which provider is for the model
``g2p.fa.directory`` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .ids import ascii_lower
from .masking import mask_before_at, mask_email, mask_number

FA_MAX_LENGTH = 512

BANK = "bank"
MOBILE_WALLET = "mobile_wallet"
EMAIL_WALLET = "email_wallet"
FA_TYPES = [
    (BANK, "Bank"),
    (MOBILE_WALLET, "Mobile wallet"),
    (EMAIL_WALLET, "E-mail wallet"),
]
# The pattern fields that hold the number and the provider's code, by type.
NUMBER_FIELD = {
    BANK: "account_number",
    MOBILE_WALLET: "mobile_number",
    EMAIL_WALLET: "email_address",
}
PROVIDER_CODE_FIELD = {
    BANK: "bank_code",
    MOBILE_WALLET: "wallet_provider_code",
    EMAIL_WALLET: "wallet_provider_code",
}
PROVIDER_NAME_FIELD = {
    BANK: "bank_name",
    MOBILE_WALLET: "wallet_provider_name",
    EMAIL_WALLET: "wallet_provider_name",
}
# How a type is written in the field fa_type of a string. OpenG2P writes a bank in two ways.
FA_TYPE_TOKEN = {BANK: "BANK", MOBILE_WALLET: "MOBILE_WALLET", EMAIL_WALLET: "EMAIL_WALLET"}
_FA_TYPE_OF_TOKEN = {
    "bank": BANK,
    "bank_account": BANK,
    "mobile_wallet": MOBILE_WALLET,
    "email_wallet": EMAIL_WALLET,
}


class FaError(NamedTuple):
    """Why a string or a number is refused: "<field>: <reason>", never with the value."""

    message: str

    @property
    def field(self) -> str:
        """Name of the field at fault, for example ``account_number``."""
        return self.message.partition(":")[0]


@dataclass(frozen=True, slots=True)
class FinancialAddress:
    """A financial address. Opaque (``fa_type`` None) when no provider on record is in it.

    ``repr()`` is masked, since it ends up in logs and tracebacks.
    """

    string: str
    fa_type: str | None = None
    provider_id: int | None = None
    provider_code: str | None = None
    provider_name: str | None = None
    branch_id: int | None = None
    branch_code: str | None = None
    branch_name: str | None = None
    number: str | None = None
    strategy_id: int | None = None
    strategy_code: int | None = None
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)
    problem: str | None = None

    def __repr__(self):
        return f"<FinancialAddress {self.masked}>"

    @property
    def key(self) -> str:
        """The form under which addresses are compared."""
        return fa_key(self.string)

    @property
    def is_opaque(self) -> bool:
        return self.fa_type is None

    @property
    def masked(self) -> str:
        """What may be shown on screen: "HDFC ••••1234", "PAYPAL j•••@e•••.org"."""
        if self.is_opaque:
            return mask_fa(self.string)
        mask = mask_email if self.fa_type == EMAIL_WALLET else mask_number
        return f"{self.provider_code} {mask(self.number)}"


def fa_problem(value) -> str | None:
    """Say in English why ``value`` is no well-formed FA, without repeating it; None if it is.

    Well-formed: 1 to 512 printable characters. Blanks are allowed inside, an "@" is not needed:
    OpenG2P's own strings have the former and lack the latter.
    """
    if not isinstance(value, str):
        return "must be a string"
    if not value:
        return "must not be empty"
    if len(value) > FA_MAX_LENGTH:
        return f"must not be longer than {FA_MAX_LENGTH} characters"
    if not value.isprintable():
        return "must consist of printable characters"
    if value.isspace():
        return "must not be blank"
    return None


def fa_key(value: str) -> str:
    """Return the form under which FAs are compared: ASCII letters in lower case."""
    return ascii_lower(value)


def fa_type_of(token: str) -> str | None:
    """Return the type that the field fa_type of a string stands for, None if unknown."""
    return _FA_TYPE_OF_TOKEN.get(ascii_lower(token))


def mask_fa(string: str) -> str:
    """Mask an opaque FA: at most 4 characters and a third of what is before the "@"."""
    return mask_before_at(string)
