# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The user-info request (OpenID Connect Core 1.0 section 5.3)."""

import hmac
from collections.abc import Callable

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio

from . import jose
from .client import Client
from .deadline import timeout
from .problem import OidcProblem

_MEDIA_TYPES = {"json": "application/json", "jws": "application/jwt", "jwe": "application/jwt"}


def fetch(
    client: Client,
    access_token: str,
    subject: str,
    verify: Callable[[str], jose.Verified],
    now: float,
) -> dict:
    """What the provider says of the person, in the one form that its record names.

    :param subject: `sub` of the ID token, which must be that of the answer
    :param verify: the check of a signed token of this provider
    """
    claims = _read(client, _get(client, access_token), verify, now)
    given = claims.get("sub")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), subject.encode()):
        raise OidcProblem("User-info: sub is not that of the ID token")
    return claims


def _get(client: Client, access_token: str) -> bytes:
    media_type = _MEDIA_TYPES[client.userinfo_mode]
    headers = {"Authorization": f"Bearer {access_token}", "Accept": media_type}
    try:
        host = gateway.parse_url(client.userinfo_endpoint).origin
        reply = gateway.get(
            client.userinfo_endpoint, hosts=[host], headers=headers, timeout=timeout()
        )
    except gateway.GatewayError as error:
        raise OidcProblem(f"User-info: {error}", "unavailable") from None
    if reply.status != 200:
        kind = "unavailable" if reply.status >= 500 else "refused"
        raise OidcProblem(f"User-info: answered with HTTP status {reply.status}", kind)
    if reply.headers.get_content_type() != media_type:
        raise OidcProblem(f"User-info: the answer is not {media_type}, as its record says")
    return reply.body


def _read(client: Client, body: bytes, verify, now: float) -> dict:
    if client.userinfo_mode == "json":
        try:
            claims = jsonio.loads(body)
        except jsonio.MalformedJSON as error:
            raise OidcProblem(f"User-info: no JSON ({error})") from None
        if not isinstance(claims, dict):
            raise OidcProblem("User-info: no JSON object")
        return claims
    token = body.decode("ascii", "replace").strip()
    if client.userinfo_mode == "jwe":
        token = jose.decrypt(token, client.userinfo_key)
    claims = verify(token).claims
    _check_meant_for_us(claims, client, now)
    return claims


def _check_meant_for_us(claims: dict, client: Client, now: float) -> None:
    """Section 5.3.2: a signed answer should name issuer and audience; wrong ones are refused."""
    if claims.get("iss", client.issuer) != client.issuer:
        raise OidcProblem("User-info: iss is not the provider's")
    audience = claims.get("aud", client.client_id)
    if client.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise OidcProblem("User-info: aud does not have our client ID")
    expires = claims.get("exp", now)
    if not isinstance(expires, int | float) or expires < now - client.clock_skew:
        raise OidcProblem("User-info: expired (exp)")
