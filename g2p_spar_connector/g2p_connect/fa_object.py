# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""FA objects of OpenG2P 2.x (`BankAccountFa`, `MobileWalletFa`, `EmailWalletFa`): their form.

What is in them is for the directory to say.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .text import is_unstorable

# By the value of `fa_type`: the kind of account, the members that must not be empty, and the
# others, which are strings too. A bank is written in two ways.
_BANK = (
    "bank",
    ("account_number", "bank_code"),
    ("bank_name", "branch_code", "branch_name"),
)
SHAPES = {
    "BANK": _BANK,
    "BANK_ACCOUNT": _BANK,
    "MOBILE_WALLET": (
        "mobile_wallet",
        ("mobile_number", "wallet_provider_code"),
        ("wallet_provider_name",),
    ),
    "EMAIL_WALLET": (
        "email_wallet",
        ("email_address", "wallet_provider_code"),
        ("wallet_provider_name",),
    ),
}
# What our own objects have beside that, for G2P Bridge; passed over when they come back.
ALIASES = {"mobile_wallet": "mobile_wallet_provider", "email_wallet": "email_wallet_provider"}
_COMMON = ("strategy_id", "fa_type")


class FaObject(NamedTuple):
    """A well-formed FA object: `strategy_id` is the number of a strategy, `fa_type` one of
    `bank`, `mobile_wallet`, `email_wallet`, `parts` all other members of its shape."""

    strategy_id: int
    fa_type: str
    parts: Mapping[str, str]


class FaObjectError(ValueError):
    """An object that is refused; the text names the member and never repeats its value."""


def parse(raw: Mapping) -> FaObject:
    """Read an FA object. Raises `FaObjectError`, and nothing else whatever the members."""
    if type(raw.get("strategy_id")) is not int:  # a boolean is no number
        raise FaObjectError("fa.strategy_id: must be an integer")
    token = raw.get("fa_type")
    shape = SHAPES.get(token) if isinstance(token, str) else None
    if shape is None:
        raise FaObjectError(f"fa.fa_type: must be one of {', '.join(SHAPES)}")
    fa_type, required, optional = shape
    for name in raw:
        if name not in (*_COMMON, *required, *optional, ALIASES.get(fa_type)):
            raise FaObjectError(f"fa: has a member that {token} has not")
    parts = {name: _text(raw, name) for name in (*required, *optional)}
    for name in required:
        if not parts[name]:
            raise FaObjectError(f"fa.{name}: missing")
    return FaObject(raw["strategy_id"], fa_type, parts)


def _text(raw: Mapping, name: str) -> str:
    value = raw.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FaObjectError(f"fa.{name}: must be a string")
    if is_unstorable(value):
        raise FaObjectError(f"fa.{name}: has a NUL character or half a surrogate pair")
    return value
