# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Access tokens of other issuers: signed JWTs (RFC 7519, RFC 9068), checked with keys at hand.

What a token says of keys elsewhere (`jku`, `jwk`, `x5u`, `x5c`) is never looked at. Plain Python.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from joserfc.jws import JWSRegistry

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_connector.g2p_connect.jwk import ALGORITHM_ALIASES, PublicKey

MAX_LENGTH = 8192
_TYPES = ("jwt", "at+jwt", "application/at+jwt")


class TokenProblem(Exception):
    """A token that does not hold; the text repeats nothing of it."""


class UnknownKey(TokenProblem):
    """The issuer's keys at hand have none of this name; newer ones may."""


class Token(NamedTuple):
    """A token taken apart; nothing of it has been verified yet."""

    header: dict
    claims: dict
    signed: bytes
    signature: bytes


class Issuer(NamedTuple):
    """Whose tokens are taken, and how.

    :param str audience: what we are called in its tokens.
    :param algorithms: those of its signatures that hold.
    :param skew: seconds that its clock may be off.
    :param client_claim: the claim that names the caller.
    """

    id: int
    name: str
    audience: str
    algorithms: frozenset[str]
    skew: int
    client_claim: str
    keys: Sequence[PublicKey]


def parse(text: str) -> Token:
    """Raises `TokenProblem`."""
    parts = text.split(".")
    if len(text) > MAX_LENGTH or len(parts) != 3:
        raise TokenProblem("The token is no JWT of moderate length.")
    try:
        header, claims, signature = (_decode(part) for part in parts)
        header, claims = jsonio.loads(header), jsonio.loads(claims)
    except (ValueError, binascii.Error):
        raise TokenProblem("The token is no JWT.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenProblem("The token is no JWT.")
    return Token(header, claims, text.rpartition(".")[0].encode(), signature)


def verify(token: Token, issuer: Issuer, now: datetime) -> None:
    """Raises `TokenProblem`, also as `UnknownKey`. The caller has found the issuer by `iss`."""
    _check_signature(token, issuer, now)
    _check_audience(token.claims, issuer)
    _check_times(token.claims, issuer.skew, now.timestamp())
    if "cnf" in token.claims:
        raise TokenProblem("The token is bound to a key (cnf), which is not supported.")


def scopes(claims: dict) -> frozenset[str]:
    """`scope` as a text of words (RFC 8693) or as a list of them."""
    scope = claims.get("scope")
    words = scope.split() if isinstance(scope, str) else scope
    if not isinstance(words, list):
        return frozenset()
    return frozenset(word for word in words if isinstance(word, str))


def _check_signature(token: Token, issuer: Issuer, now: datetime) -> None:
    header = token.header
    if "crit" in header or str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise TokenProblem("The token is of a kind that is not supported.")
    algorithm = str(header.get("alg"))
    algorithm = ALGORITHM_ALIASES.get(algorithm, algorithm)
    if algorithm not in issuer.algorithms:
        raise TokenProblem("The token is not signed with an algorithm of its issuer.")
    named = [key for key in issuer.keys if key.kid == header.get("kid")]
    if not named:
        raise UnknownKey("The token's key is not known, or not yet; try again in a minute.")
    if not any(_holds(key, algorithm, token, now) for key in named):
        raise TokenProblem("The token's signature does not hold.")


def _holds(key: PublicKey, algorithm: str, token: Token, now: datetime) -> bool:
    if not key.is_valid(now) or key.key.key_type != JWSRegistry.algorithms[algorithm].key_type:
        return False
    return JWSRegistry.algorithms[algorithm].verify(token.signed, token.signature, key.key)


def _check_audience(claims: dict, issuer: Issuer) -> None:
    audience = claims.get("aud")
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        raise TokenProblem("The token is for somebody else (aud).")


def _check_times(claims: dict, skew: int, now: float) -> None:
    times = {name: claims.get(name) for name in ("exp", "nbf", "iat")}
    for name, value in times.items():
        if value is not None and type(value) not in (int, float):
            raise TokenProblem(f"The token's {name} is no number.")
    if times["exp"] is None or times["exp"] <= now - skew:
        raise TokenProblem("The token has expired.")
    if max(times["nbf"] or 0, times["iat"] or 0) > now + skew:
        raise TokenProblem("The token does not hold yet.")


def _decode(part: str) -> bytes:
    """base64url without padding (RFC 7515)."""
    if "=" in part:
        raise ValueError("padded")
    padded = part.encode("ascii") + b"=" * (-len(part) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
