# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What an ID token must say (OpenID Connect Core 1.0 sections 2, 3.1.3.6 and 3.1.3.7)."""

import base64
import hashlib
import hmac
from typing import NamedTuple

from .client import Client
from .problem import OidcProblem

MAX_SUBJECT = 255
# How far clocks may differ where only they tell whether somebody has signed in anew, in seconds.
AFRESH_SKEW = 5
_HASHES = {"EdDSA": hashlib.sha512}  # of the others: SHA-256


class Expected(NamedTuple):
    """What the attempt was begun with. `since`: seconds since 1970; `afresh`: the person must have
    signed in at the provider after that, and later than at `last_auth_time`, the `auth_time` of
    their session where it has one; `closely`: with a session too, clocks may differ by
    `AFRESH_SKEW` only, so that one sign-in does not stand for another that came shortly after."""

    nonce: str
    since: float
    afresh: bool = False
    last_auth_time: float | None = None
    closely: bool = False


def check(
    claims: dict,
    algorithm: str,
    access_token: str,
    client: Client,
    expected: Expected,
    now: float,
) -> None:
    """Raise `OidcProblem` unless these verified claims are what this attempt waits for."""
    if claims.get("iss") != client.issuer:
        raise OidcProblem("ID token: iss is not the provider's")
    _check_subject(claims)
    _check_audience(claims, client)
    _check_times(claims, client.clock_skew, expected.since, now)
    if not _equal(claims.get("nonce"), expected.nonce):
        raise OidcProblem("ID token: nonce is not this attempt's")
    if "at_hash" in claims and not _equal(claims["at_hash"], _at_hash(access_token, algorithm)):
        raise OidcProblem("ID token: at_hash does not belong to the access token")
    _check_level(claims, client, expected, now)


def _check_subject(claims: dict) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise OidcProblem("ID token: sub is missing or malformed")


def _check_audience(claims: dict, client: Client) -> None:
    audience = claims.get("aud")
    audience = [audience] if isinstance(audience, str) else audience
    if not isinstance(audience, list) or client.client_id not in audience:
        raise OidcProblem("ID token: aud does not have our client ID")
    if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != client.client_id:
        raise OidcProblem("ID token: azp is not our client ID")


def _check_times(claims: dict, skew: int, since: float, now: float) -> None:
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    if expires <= now - skew:
        raise OidcProblem("ID token: expired (exp)")
    if not since - skew <= issued <= now + skew:
        raise OidcProblem("ID token: iat is not within this attempt; clocks may differ")
    if "nbf" in claims and _moment(claims, "nbf") > now + skew:
        raise OidcProblem("ID token: not valid yet (nbf)")


def _check_level(claims: dict, client: Client, expected: Expected, now: float) -> None:
    acr = claims.get("acr")
    # eSignet joins what was used by blanks
    used = set(acr.split()) if isinstance(acr, str) else set()
    if client.acr_required and not used & client.acr_required:
        raise OidcProblem("ID token: acr is none of those required", "level")
    if "auth_time" in claims or expected.afresh:
        auth_time = _moment(claims, "auth_time")
        if auth_time > now + client.clock_skew:
            raise OidcProblem("ID token: auth_time is in the future")
        if expected.afresh:
            _check_afresh(auth_time, expected, client.clock_skew)


def _check_afresh(auth_time: float, expected: Expected, skew: int) -> None:
    """The browser carries `prompt` and `max_age` to the provider, and may leave them out: the
    provider then tells the sign-in that the session began with. Both times are of its clock."""
    last = expected.last_auth_time
    if auth_time < expected.since - (AFRESH_SKEW if last is None or expected.closely else skew):
        raise OidcProblem("ID token: auth_time is before this attempt", "level")
    if last is not None and int(auth_time) <= int(last):
        raise OidcProblem("ID token: auth_time is not after that of the session", "level")


def _moment(claims: dict, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**40:
        raise OidcProblem(f"ID token: {name} is missing or no time")
    return value


def _at_hash(access_token: str, algorithm: str) -> str:
    digest = _HASHES.get(algorithm, hashlib.sha256)(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _equal(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())
