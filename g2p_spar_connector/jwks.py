# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Key sets of others, fetched by jobs and on request of an administrator, never while a message
is answered."""

from . import gateway
from .g2p_connect.jwk import KeyProblem, KeySet, parse_jwks


class JwksProblem(Exception):
    """A key set that cannot be had. The text says why, without the address's path."""


def fetch(url: str) -> KeySet:
    """The keys at an address (RFC 7517), through the gateway; raises `JwksProblem`."""
    try:
        host = gateway.parse_url(url).origin
        reply = gateway.get(url, hosts=[host], headers={"Accept": "application/json"})
    except gateway.GatewayError as error:
        raise JwksProblem(str(error)) from None
    if reply.status != 200:
        raise JwksProblem(f"{host}: answered with HTTP status {reply.status}")
    try:
        return parse_jwks(reply.body)
    except KeyProblem as problem:
        raise JwksProblem(f"{host}: {problem}") from None
