# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414)."""

from typing import NamedTuple

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio

from .problem import OidcProblem

WELL_KNOWN = "/.well-known/openid-configuration"
ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
)


class Metadata(NamedTuple):
    """`endpoints` has those of `ENDPOINTS` that the provider names. The lists are empty where it
    does not say."""

    issuer: str
    endpoints: dict[str, str]
    iss_in_redirect: bool
    lists: dict[str, tuple[str, ...]]


def address(issuer: str) -> str:
    return issuer.rstrip("/") + WELL_KNOWN


def fetch(url: str, issuer: str) -> Metadata:
    """The provider's metadata; raises `OidcProblem`, also when they are another issuer's."""
    try:
        host = gateway.parse_url(url).origin
        reply = gateway.get(url, hosts=[host], headers={"Accept": "application/json"})
    except gateway.GatewayError as error:
        raise OidcProblem(f"Discovery: {error}", "unavailable") from None
    if reply.status != 200:
        raise OidcProblem(
            f"Discovery: {host} answered with HTTP status {reply.status}", "unavailable"
        )
    return read(reply.body, issuer)


def read(raw: bytes, issuer: str) -> Metadata:
    """Raises `OidcProblem` naming the member at fault."""
    try:
        document = jsonio.loads(raw)
    except jsonio.MalformedJSON as error:
        raise OidcProblem(f"Discovery: no JSON ({error})") from None
    if not isinstance(document, dict):
        raise OidcProblem("Discovery: must be a JSON object")
    if document.get("issuer") != issuer:
        raise OidcProblem(f"Discovery: issuer is not exactly {issuer}")
    endpoints = {name: document[name] for name in ENDPOINTS if document.get(name)}
    for name, url in endpoints.items():
        try:
            gateway.parse_url(url if isinstance(url, str) else "")
        except gateway.GatewayRefused as refusal:
            raise OidcProblem(f"Discovery: {name}: {refusal}") from None
    return Metadata(
        issuer,
        endpoints,
        document.get("authorization_response_iss_parameter_supported") is True,
        {
            name: tuple(value for value in values if isinstance(value, str))
            for name, values in document.items()
            if isinstance(values, list)
        },
    )
