# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The way to the provider and back (OpenID Connect Core 1.0 section 3.1.2, RFC 7636, RFC 9207)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from .client import Client
from .problem import OidcProblem

MAX_PARAMETER = 4096
# With these the provider says that the person, or it itself, broke off.
_DECLINED = frozenset(
    {
        "access_denied",
        "login_required",
        "consent_required",
        "interaction_required",
        "account_selection_required",
    }
)
_BUSY = frozenset({"server_error", "temporarily_unavailable"})


class Secrets(NamedTuple):
    """What makes one attempt unlike any other: 256 random bits each, base64url."""

    state: str
    nonce: str
    verifier: str

    def __repr__(self):
        return "Secrets(...)"


def new_secrets() -> Secrets:
    return Secrets(*(secrets.token_urlsafe(32) for _each in Secrets._fields))


def url(
    client: Client,
    attempt: Secrets,
    redirect_uri: str,
    *,
    ui_locales: str = "",
    afresh: bool = False,
    asks_again: bool = False,
) -> str:
    """Where to send the person.

    :param ui_locales: languages that the person reads, BCP 47, separated by blanks
    :param afresh: the person must sign in again, even if still signed in there, and the answer must
        tell when (OpenID Connect Core 1.0, section 3.1.2.1: ``max_age``)
    :param asks_again: the person is asked to sign in again
    """
    parameters = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": client.scopes,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge(attempt.verifier),
        "code_challenge_method": "S256",
        "acr_values": client.acr_values,
        "claims": client.claims_request,
        "ui_locales": ui_locales,
        "prompt": "login" if afresh or asks_again else "",
        "max_age": "0" if afresh else "",
    }
    query = urlencode({name: value for name, value in parameters.items() if value})
    separator = "&" if "?" in client.authorization_endpoint else "?"
    return f"{client.authorization_endpoint}{separator}{query}"


def challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def state_of(parameters: Mapping[str, Sequence[str]]) -> str:
    """The state of a return, empty where it has none or several."""
    values = parameters.get("state", ())
    return values[0] if len(values) == 1 and len(values[0]) <= MAX_PARAMETER else ""


def code_of(parameters: Mapping[str, Sequence[str]], client: Client) -> str:
    """The code of a return whose state is that of an attempt with this provider.

    :param parameters: all values of each parameter of the query
    :raise OidcProblem: there is none, or the return is not this provider's
    """
    names = ("code", "error", "iss")
    values = {name: list(parameters.get(name, ())) for name in names}
    if any(len(given) > 1 for given in values.values()):
        raise OidcProblem("Return: a parameter is there twice")
    code, error, issuer = ("".join(values[name]) for name in names)
    if (values["iss"] or client.iss_in_redirect) and not hmac.compare_digest(
        issuer.encode(), client.issuer.encode()
    ):
        raise OidcProblem("Return: iss is not the provider's")
    if error:
        raise _broken_off(error)
    if not code or len(code) > MAX_PARAMETER or not (code.isascii() and code.isprintable()):
        raise OidcProblem("Return: there is no usable code")
    return code


def _broken_off(error: str) -> OidcProblem:
    known = error if error in _DECLINED | _BUSY else "another one than the standard's"
    if error in _DECLINED:
        return OidcProblem(f"Return: error {known}", "declined")
    return OidcProblem(f"Return: error {known}", "unavailable" if error in _BUSY else "refused")
