# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Keys that a provider signs with (RFC 7517).

Unlike those of participants, they need not say which algorithm they are for: eSignet's do not, and
sign with RS256 or PS256 by release. Which of the two it may be is the provider record's to say.
"""

from typing import NamedTuple

from joserfc.jwk import Key

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio, jwk

from .deadline import timeout
from .problem import OidcProblem

MAX_KEYS = 50
_BY_TYPE = {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA",)}


class ProviderKey(NamedTuple):
    """`kid` is None where the key set does not name the key."""

    kid: str | None
    algorithms: frozenset[str]
    key: Key


def fetch(url: str) -> bytes:
    """The key set as it was sent, checked to have a usable key; raises `OidcProblem`."""
    headers = {"Accept": "application/json"}
    try:
        host = gateway.parse_url(url).origin
        reply = gateway.get(url, hosts=[host], headers=headers, timeout=timeout())
    except gateway.GatewayError as error:
        raise OidcProblem(f"Key set: {error}", "unavailable") from None
    if reply.status != 200:
        raise OidcProblem(
            f"Key set: {host} answered with HTTP status {reply.status}", "unavailable"
        )
    parse(reply.body)
    return reply.body


def parse(raw: bytes) -> tuple[ProviderKey, ...]:
    """The usable keys of a JWKS document; raises `OidcProblem` where there are none."""
    try:
        document = jsonio.loads(raw)
    except jsonio.MalformedJSON as error:
        raise OidcProblem(f"Key set: no JSON ({error})") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise OidcProblem(f"Key set: must be a JWKS with at most {MAX_KEYS} keys")
    usable = tuple(key for entry in entries if (key := _read(entry)))
    if not usable:
        raise OidcProblem("Key set: has no key for signatures that can be used")
    return usable


def _read(entry: object) -> ProviderKey | None:
    """A key of the set, None where it is of no use here, as RFC 7517 section 5 asks."""
    try:
        key = jwk.from_jwk(entry)
    except jwk.KeyProblem:
        return None
    stated = entry.get("alg")
    algorithms = (key.algorithm,) if stated else _BY_TYPE[key.key.key_type]
    return ProviderKey(entry.get("kid") or None, frozenset(algorithms), key.key)
