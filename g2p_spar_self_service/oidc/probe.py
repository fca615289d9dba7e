# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What can be found out about a provider, and about us there, without a person signing in."""

import secrets
from collections.abc import Iterator
from typing import Literal, NamedTuple

from . import discovery, keys, token
from .authorization import new_secrets
from .client import Client
from .problem import OidcProblem

# What token endpoints say of a code that they never gave out; the second is eSignet's.
_CODE_UNKNOWN = frozenset({"invalid_grant", "invalid_transaction"})
_CLIENT_UNKNOWN = frozenset(
    {
        "invalid_client",
        "invalid_client_id",
        "unauthorized_client",
        "invalid_assertion",
        "invalid_assertion_type",
    }
)


class Finding(NamedTuple):
    """`doubt` is something that may be well, and is worth a look."""

    level: Literal["good", "doubt", "bad"]
    text: str


def examine(client: Client, address: str, redirect_uri: str, now: float) -> list[Finding]:
    """Discovery, key set and token endpoint, one after the other; each goes on without the others.

    :param address: of the provider's metadata
    :param now: seconds since 1970
    """
    return [
        *_metadata(client, address),
        *_key_set(client),
        *_token_endpoint(client, redirect_uri, now),
    ]


def _metadata(client: Client, address: str) -> Iterator[Finding]:
    try:
        metadata = discovery.fetch(address, client.issuer)
    except OidcProblem as problem:
        yield Finding("doubt", f"{problem}. Its settings cannot be compared with this record.")
        return
    yield Finding("good", "Discovery: the issuer is the one of this record.")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        ours, theirs = getattr(client, name), metadata.endpoints.get(name)
        if ours and theirs and ours != theirs:
            yield Finding("bad", f"Discovery: {name} is {theirs}, not what this record has.")
    if metadata.iss_in_redirect and not client.iss_in_redirect:
        yield Finding(
            "doubt", "Discovery: it names itself on return; this record need not accept less."
        )
    for name, wanted in _wishes(client).items():
        offered = metadata.lists.get(name)
        lacking = [value for value in wanted if offered is not None and value not in offered]
        if lacking:
            yield Finding("doubt", f"Discovery: {name} does not have {', '.join(lacking)}.")
    signed_with = metadata.lists.get("id_token_signing_alg_values_supported", ())
    if signed_with and not client.algorithms & set(signed_with):
        yield Finding("bad", f"It signs ID tokens with {', '.join(signed_with)}: none is allowed.")


def _wishes(client: Client) -> dict[str, list[str]]:
    return {
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [client.client_auth],
        "scopes_supported": client.scopes.split(),
        "acr_values_supported": [*client.acr_values.split(), *sorted(client.acr_required)],
    }


def _key_set(client: Client) -> Iterator[Finding]:
    try:
        usable = keys.parse(keys.fetch(client.jwks_uri))
    except OidcProblem as problem:
        yield Finding("bad", f"{problem}.")
        return
    allowed = [key for key in usable if key.algorithms & client.algorithms]
    if allowed:
        yield Finding("good", f"Key set: {len(allowed)} keys for the allowed algorithms.")
    else:
        yield Finding("bad", "Key set: no key is for one of the allowed algorithms.")


def _token_endpoint(client: Client, redirect_uri: str, now: float) -> Iterator[Finding]:
    """Redeem a code that nobody was given: who we are is looked at first."""
    nobody = secrets.token_urlsafe(32)
    try:
        token.exchange(client, nobody, new_secrets().verifier, redirect_uri, now)
    except token.TokenRefused as refusal:
        yield _refusal(refusal)
    except OidcProblem as problem:
        yield Finding("bad", f"{problem}.")
    else:
        yield Finding("bad", "Token endpoint: it took a code that it had never given out.")


def _refusal(refusal: token.TokenRefused) -> Finding:
    if refusal.error in _CODE_UNKNOWN:
        return Finding("good", "Token endpoint: it knows us, and refuses an invented code.")
    if refusal.error in _CLIENT_UNKNOWN:
        return Finding(
            "bad",
            f"{refusal}: it does not know us. Compare the client ID, the way of authentication, "
            "and our public key or secret with what is registered there.",
        )
    return Finding("doubt", f"{refusal}: whether it knows us cannot be told from that.")
