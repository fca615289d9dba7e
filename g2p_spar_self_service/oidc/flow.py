# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""From a code to a person, all checks passed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from . import id_token, jose, token, userinfo
from .client import Client
from .deadline import within
from .keys import ProviderKey
from .problem import UnknownKey

# For all calls of one sign-in together.
SECONDS = 12.0
# Of the token itself, not of the person.
_OF_THE_TOKEN = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "sid"}
)
# The provider's keys as known here; True: fetched anew, unless that was done just now.
KeySource = Callable[[bool], Sequence[ProviderKey]]


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A person as a provider vouches for them: (`issuer`, `sub`) is who.

    `claims` are those of ID token and user-info about the person; one that the two tell
    differently is left out. `auth_time` is in seconds since 1970, None where it is not told.
    """

    issuer: str
    sub: str
    acr: str
    auth_time: float | None
    claims: dict
    id_token: str = field(default="")


def complete(
    client: Client,
    code: str,
    verifier: str,
    redirect_uri: str,
    expected: id_token.Expected,
    keys: KeySource,
    now: float,
) -> Identity:
    """Redeem a code and find out whose it is.

    :param now: seconds since 1970
    :raise OidcProblem: whatever is not as it must be
    """
    with within(SECONDS):
        return _complete(client, code, verifier, redirect_uri, expected, keys, now)


def _complete(client, code, verifier, redirect_uri, expected, keys, now) -> Identity:
    verify = partial(_verify, client=client, keys=keys)
    tokens = token.exchange(client, code, verifier, redirect_uri, now)
    claims, algorithm = verify(tokens.id_token)
    id_token.check(claims, algorithm, tokens.access_token, client, expected, now)
    told = {}
    if client.userinfo_mode != "none":
        told = userinfo.fetch(client, tokens.access_token, claims["sub"], verify, now)
    acr = claims.get("acr")
    return Identity(
        issuer=client.issuer,
        sub=claims["sub"],
        acr=acr if isinstance(acr, str) and acr.isprintable() else "",
        auth_time=claims.get("auth_time"),
        claims=_merge(claims, told),
        id_token=tokens.id_token,
    )


def _verify(signed: str, client: Client, keys: KeySource) -> jose.Verified:
    try:
        return jose.verify(signed, keys(False), client.algorithms)
    except UnknownKey:
        return jose.verify(signed, keys(True), client.algorithms)


def _merge(first: dict, second: dict) -> dict:
    claims = {**first, **second}
    return {
        name: value
        for name, value in claims.items()
        if name not in _OF_THE_TOKEN and first.get(name, value) == value
    }
