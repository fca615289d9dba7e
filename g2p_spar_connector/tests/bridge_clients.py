# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""How G2P Bridge reads the answers of a resolve, written down from what it is known to do.

Each function takes one item of a `resolve_response` and returns the fields that the Bridge keeps,
by their names there, or None for an item that it takes for unresolved.
"""

import re

FIELDS = frozenset(
    """account_number bank_code branch_code account_type mobile_number mobile_wallet_provider
    email_address email_wallet_provider fa_type""".split()
)
KEPT = tuple(sorted(FIELDS - {"account_type"}))
FA_TYPES = ("BANK_ACCOUNT", "MOBILE_WALLET", "EMAIL_WALLET")


def _pattern(*names):
    fields = r"\.".join(f"{name}:(?P<{name}>.*)" for name in names)
    return f"^{fields}$"


# What is set for Bridge 1.0 in its environment: that of strategy 5, and its sisters.
BRIDGE_1_PATTERNS = {
    "BANK_ACCOUNT": _pattern(
        "account_number", "branch_code", "bank_code", "mobile_number", "email_address", "fa_type"
    ),
    "MOBILE_WALLET": _pattern("mobile_number", "mobile_wallet_provider", "fa_type"),
    "EMAIL_WALLET": _pattern("email_address", "email_wallet_provider", "fa_type"),
}
# SPARMapperV1's own map.
V1_PATTERNS = {
    1: _pattern(
        *"account_number branch_name branch_code bank_name bank_code mobile_number".split(),
        "email_address",
        "fa_type",
    ),
    2: _pattern("email_address", "wallet_provider_name", "wallet_provider_code", "fa_type"),
    3: _pattern("mobile_number", "wallet_provider_name", "wallet_provider_code", "fa_type"),
}


def bridge_1(item):
    """G2P Bridge 1.0: the end of the string chooses the pattern; an unknown group is fatal."""
    fa = item.get("fa")
    if not item.get("id") or not fa:
        return None
    if not isinstance(fa, str):
        raise TypeError("fa: Bridge 1.0 validates it as a string")
    pattern = next((BRIDGE_1_PATTERNS[end] for end in FA_TYPES if fa.endswith(end)), None)
    match = pattern and re.match(pattern, fa)
    parts = match.groupdict() if match else {}
    if not parts.keys() <= FIELDS:
        raise ValueError("Bridge 1.0 knows no such field")
    return _kept(item, parts)


def bridge_2(item):
    """G2P Bridge 2.x, SPARMapper: an object. It wants the Bridge's own name of a bank."""
    fa = item.get("fa")
    if not item.get("id") or not fa:
        return None
    if not isinstance(fa, dict):
        raise TypeError("fa: SPARMapper validates it as a dictionary")
    if fa.get("fa_type") not in FA_TYPES:
        raise ValueError("fa_type: SPARMapper knows no such kind")
    return _kept(item, fa)


def bridge_2_v1(item):
    """G2P Bridge 2.x, SPARMapperV1: the provider says by which pattern; e-mail is assumed."""
    fa = item.get("fa")
    if not item.get("id") or not fa:
        return None
    provider = item.get("account_provider_info")
    info = provider and provider.get("additional_info")
    match = re.match(V1_PATTERNS[info[0]["strategy_id"] if info else 2], fa)
    return _kept(item, match.groupdict() if match else {})


def _kept(item, parts):
    provider = item.get("account_provider_info")
    return {name: parts.get(name) for name in KEPT} | {"name": provider and provider["name"]}
