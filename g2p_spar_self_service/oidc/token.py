# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The token request (OpenID Connect Core 1.0 sections 3.1.3 and 9, RFC 6749, RFC 7523)."""

import base64
import re
import secrets
from typing import NamedTuple
from urllib.parse import quote, urlencode

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jsonio

from . import jose
from .client import Client
from .deadline import timeout
from .problem import OidcProblem

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
MAX_TOKEN = 100_000
_ERROR = re.compile(r"[a-z_]{1,60}")
_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")


class Tokens(NamedTuple):
    access_token: str
    id_token: str

    def __repr__(self):
        return "Tokens(...)"


class TokenRefused(OidcProblem):
    """The token endpoint refused; `error` is its code, empty where it gave none."""

    def __init__(self, message: str, error: str):
        super().__init__(message)
        self.error = error


def exchange(client: Client, code: str, verifier: str, redirect_uri: str, now: float) -> Tokens:
    """Redeem a code.

    :param now: seconds since 1970
    :raise TokenRefused: the provider refuses
    :raise OidcProblem: no answer, or none that can be used
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    reply = _post(client, form, now)
    document = _document(reply)
    if reply.status != 200:
        raise _refused(reply.status, document)
    if str(document.get("token_type")).lower() != "bearer":
        raise OidcProblem("Token endpoint: token_type is not Bearer")
    access_token, id_token = document.get("access_token"), document.get("id_token")
    if not isinstance(access_token, str) or not _BEARER.fullmatch(access_token):
        raise OidcProblem("Token endpoint: access_token is missing or malformed")
    if not isinstance(id_token, str) or not 0 < len(id_token) <= MAX_TOKEN:
        raise OidcProblem("Token endpoint: id_token is missing or too long")
    return Tokens(access_token, id_token)


def _post(client: Client, form: dict, now: float) -> gateway.Reply:
    own_form, headers = _authentication(client, now)
    body = urlencode({**form, **own_form}).encode()
    headers |= {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        host = gateway.parse_url(client.token_endpoint).origin
        return gateway.post(client.token_endpoint, body, headers, hosts=[host], timeout=timeout())
    except gateway.GatewayError as error:
        raise OidcProblem(f"Token endpoint: {error}", "unavailable") from None


def _authentication(client: Client, now: float) -> tuple[dict, dict]:
    """Members of the form and headers that say who we are."""
    if client.client_auth == "client_secret_basic":
        # RFC 6749 section 2.3.1: both are form-encoded first
        pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
        return {}, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    if client.client_auth == "client_secret_post":
        return {"client_id": client.client_id, "client_secret": client.client_secret}, {}
    return {
        "client_id": client.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(client, now),
    }, {}


def assertion(client: Client, now: float) -> str:
    """A fresh client assertion (RFC 7523 section 3), good once and for a minute."""
    audience = client.issuer if client.assertion_aud == "issuer" else client.token_endpoint
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(32),
        "iat": int(now),
        "exp": int(now) + ASSERTION_SECONDS,
    }
    return jose.sign(claims, client.client_key)


def _document(reply: gateway.Reply) -> dict:
    try:
        document = jsonio.loads(reply.body)
    except jsonio.MalformedJSON:
        document = None
    if isinstance(document, dict):
        return document
    if reply.status >= 500:
        raise OidcProblem(
            f"Token endpoint: answered with HTTP status {reply.status}", "unavailable"
        )
    raise OidcProblem(
        f"Token endpoint: answered with HTTP status {reply.status} and no JSON object"
    )


def _refused(status: int, document: dict) -> TokenRefused:
    error = document.get("error")
    error = error if isinstance(error, str) and _ERROR.fullmatch(error) else ""
    return TokenRefused(
        f"Token endpoint: answered with HTTP status {status} ({error or 'without an error code'})",
        error,
    )
