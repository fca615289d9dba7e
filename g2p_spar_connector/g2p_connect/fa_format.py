# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""In which form a participant gets the addresses that it resolves (`fa_format`).

- `string`: as stored, for clients of the G2P-Connect standard and of OpenG2P SPAR 1.x
- `object`: FA object of OpenG2P SPAR 2.x, with the names that G2P Bridge looks for beside
- `bridge_1`: for G2P Bridge 1.0, a string that ends with the kind of account and has none but the
  fields that the Bridge knows: the form of OpenG2P's strategy 5, and its sisters for wallets
- `bridge_2`: for G2P Bridge 2.x (`SPARMapper`), like `object` with the Bridge's name of a bank
- `bridge_2_v1`: for G2P Bridge 2.x set to a SPAR 1.x (`SPARMapperV1`), a string, and in the
  additional_info of the provider the Bridge's own number of the string's form
"""

from collections.abc import Sequence

from .values import Address, Outcome, Result

FORMATS = ("string", "object", "bridge_1", "bridge_2", "bridge_2_v1")
DEFAULTS = {"strict": "string", "openg2p_1": "string", "openg2p_2": "object"}

NOT_TOLD = "fa: linked to an address that cannot be told in this participant's format"

# Fields of a string and the parts in them; None where the field stays empty.
_Form = tuple[tuple[str, str | None], ...]
_BRIDGE_1: dict[str, _Form] = {
    "bank": (
        ("account_number", "number"),
        ("branch_code", "branch_code"),
        ("bank_code", "provider_code"),
        ("mobile_number", None),
        ("email_address", None),
    ),
    "mobile_wallet": (("mobile_number", "number"), ("mobile_wallet_provider", "provider_code")),
    "email_wallet": (("email_address", "number"), ("email_wallet_provider", "provider_code")),
}
_WALLET = (
    ("wallet_provider_name", "provider_name"),
    ("wallet_provider_code", "provider_code"),
)
_BRIDGE_2_V1: dict[str, _Form] = {
    "bank": (
        ("account_number", "number"),
        ("branch_name", "branch_name"),
        ("branch_code", "branch_code"),
        ("bank_name", "provider_name"),
        ("bank_code", "provider_code"),
        ("mobile_number", None),
        ("email_address", None),
    ),
    "mobile_wallet": (("mobile_number", "number"), *_WALLET),
    "email_wallet": (("email_address", "number"), *_WALLET),
}
_BRIDGE_2_V1_STRATEGY = {"bank": 1, "email_wallet": 2, "mobile_wallet": 3}
_BRIDGE_FA_TYPE = {
    "bank": "BANK_ACCOUNT",
    "mobile_wallet": "MOBILE_WALLET",
    "email_wallet": "EMAIL_WALLET",
}


def tell(results: Sequence[Result], fa_format: str) -> Sequence[Result]:
    """The results of a resolve with their addresses in that format.

    Needs `Result.address`. An address that nobody can read, or that would not be read again as
    the same, is left out, and the provider with it; the message says so. An address that was
    itself what was asked about is only repeated as a string.
    """
    if fa_format == "string":
        return results
    write = _WRITERS[fa_format]
    return [_told(result, write) if result.fa else result for result in results]


def _told(result, write):
    if result.outcome is not Outcome.ID_ACTIVE:
        return result._replace(fa=None)
    told = result.address and write(result, result.address)
    return told or result._replace(fa=None, provider=None, message=NOT_TOLD)


# --- objects ---


def _write_object(result, address):
    return result._replace(fa=fa_object(address))


def _write_bridge_2(result, address):
    fa = fa_object(address) | {"fa_type": _BRIDGE_FA_TYPE[address.fa_type]}
    return result._replace(fa=fa)


def fa_object(address: Address) -> dict:
    """The FA object of OpenG2P 2.x; what the address has not is empty."""
    if address.fa_type == "bank":
        return {
            "account_number": address.number,
            "branch_name": address.branch_name or "",
            "branch_code": address.branch_code or "",
            "bank_name": address.provider_name,
            "bank_code": address.provider_code,
            "fa_type": "BANK",
            "strategy_id": address.strategy_code,
        }
    mobile = address.fa_type == "mobile_wallet"
    return {
        "mobile_number" if mobile else "email_address": address.number,
        "wallet_provider_name": address.provider_name,
        "wallet_provider_code": address.provider_code,
        "mobile_wallet_provider" if mobile else "email_wallet_provider": address.provider_code,
        "fa_type": "MOBILE_WALLET" if mobile else "EMAIL_WALLET",
        "strategy_id": address.strategy_code,
    }


# --- strings ---


def _write_bridge_1(result, address):
    fa = _string(_BRIDGE_1, address)
    return fa and result._replace(fa=fa)


def _write_bridge_2_v1(result, address):
    fa = _string(_BRIDGE_2_V1, address)
    info = [{"strategy_id": _BRIDGE_2_V1_STRATEGY[address.fa_type]}]
    return fa and result._replace(fa=fa, provider=result.provider._replace(additional_info=info))


def _string(forms: dict[str, _Form], address: Address) -> str | None:
    """None where a value would shift the fields: those who read it do so with `.*`."""
    form = forms[address.fa_type]
    values = [getattr(address, part) or "" if part else "" for _name, part in form]
    borders = [f".{name}:" for name in ("fa_type", *(name for name, _part in form))]
    for value in values:
        if not value.isprintable() or any(border in value for border in borders):
            return None
    fields = (f"{name}:{value}" for (name, _part), value in zip(form, values, strict=True))
    return ".".join((*fields, f"fa_type:{_BRIDGE_FA_TYPE[address.fa_type]}"))


_WRITERS = {
    "object": _write_object,
    "bridge_1": _write_bridge_1,
    "bridge_2": _write_bridge_2,
    "bridge_2_v1": _write_bridge_2_v1,
}
