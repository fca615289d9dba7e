# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Signed and encrypted tokens in compact form (RFC 7515, 7516, 7519), read strictly.

Which algorithms and keys are good is ours to say (RFC 8725): what a token says of keys elsewhere
(`jku`, `jwk`, `x5u`, `x5c`) is never looked at, `none` and symmetric algorithms never hold,
extensions (`crit`) and compression are refused.
"""

import base64
import binascii
from collections.abc import Collection, Sequence
from typing import NamedTuple

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from odoo.addons.g2p_spar_connector.g2p_connect import jsonio
from odoo.addons.g2p_spar_connector.g2p_connect.jwk import ALGORITHM_ALIASES, PrivateKey

from .keys import ProviderKey
from .problem import OidcProblem, UnknownKey

MAX_LENGTH = 1_000_000  # claims may hold a photograph
KEY_MANAGEMENT = ("RSA-OAEP-256", "RSA-OAEP")
CONTENT_ENCRYPTION = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")
# Explicit types of other tokens (RFC 9068, logout+jwt) are refused; most providers write none.
_TYPES = ("", "jwt", "application/jwt")


class Verified(NamedTuple):
    """Claims whose signature holds, and the algorithm that they are signed with."""

    claims: dict
    algorithm: str


def verify(token: str, keys: Sequence[ProviderKey], algorithms: Collection[str]) -> Verified:
    """The claims of a signed token.

    :param algorithms: those that are allowed, of RS256, PS256, ES256 and EdDSA
    :raise UnknownKey: signed with a key that is not among `keys`
    :raise OidcProblem: the signature does not hold, or the token is no JWT
    """
    header, parts = _split(token, 3)
    if not isinstance(header.get("typ", ""), str) or header.get("typ", "").lower() not in _TYPES:
        raise OidcProblem("The token is of another type than JWT (typ)")
    algorithm = header.get("alg")
    algorithm = ALGORITHM_ALIASES.get(algorithm, algorithm) if isinstance(algorithm, str) else None
    if algorithm not in algorithms:
        raise OidcProblem("The token is not signed, or with an algorithm that is not allowed (alg)")
    key = _choose(keys, header.get("kid"), algorithm)
    if not _holds(key, algorithm, f"{parts[0]}.{parts[1]}".encode(), _decode(parts[2])):
        raise OidcProblem("The token's signature does not hold")
    return Verified(_claims(_decode(parts[1])), algorithm)


def _choose(keys, kid, algorithm) -> ProviderKey:
    if kid is not None and not isinstance(kid, str):
        raise OidcProblem("The token's kid is no text")
    named = [key for key in keys if key.kid == kid] if kid is not None else list(keys)
    if not named:
        raise UnknownKey("The token is signed with a key that is not in the key set (kid)")
    fit = [key for key in named if algorithm in key.algorithms]
    if len(fit) != 1:
        raise OidcProblem(
            "The token names no key, and several could be meant (kid)"
            if fit
            else "The key that the token names is for another algorithm (alg)"
        )
    return fit[0]


def _holds(key: ProviderKey, algorithm: str, signed: bytes, signature: bytes) -> bool:
    try:
        return JWSRegistry.algorithms[algorithm].verify(signed, signature, key.key)
    except (JoseError, ValueError):
        return False


def sign(claims: dict, key: PrivateKey) -> str:
    """A JWT, signed with a key of our own."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
    signed = f"{_encode(jsonio.dumps(header))}.{_encode(jsonio.dumps(claims))}"
    signature = JWSRegistry.algorithms[key.algorithm].sign(signed.encode(), key.key)
    return f"{signed}.{_encode(signature)}"


def decrypt(token: str, key: RSAKey) -> str:
    """The signed token within an encrypted one; raises `OidcProblem`."""
    header, _parts = _split(token, 5)
    if header.get("alg") not in KEY_MANAGEMENT or header.get("enc") not in CONTENT_ENCRYPTION:
        raise OidcProblem(
            f"The token is not encrypted with {' or '.join(KEY_MANAGEMENT)} and "
            f"{', '.join(CONTENT_ENCRYPTION)} (alg, enc)"
        )
    registry = JWERegistry(
        algorithms=[*KEY_MANAGEMENT, *CONTENT_ENCRYPTION], strict_check_header=False
    )
    registry.max_ciphertext_length = MAX_LENGTH
    try:
        return jwe.decrypt_compact(token, key, registry=registry).plaintext.decode("ascii")
    except (JoseError, ValueError, AssertionError):
        raise OidcProblem("The token cannot be decrypted with our key") from None


def _split(token: str, count: int) -> tuple[dict, list[str]]:
    """Header and parts of a token in compact form."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH or not token.isascii():
        raise OidcProblem("The token is no text, or too long")
    parts = token.split(".")
    if len(parts) != count:
        raise OidcProblem(f"The token has not {count} parts")
    header = _claims(_decode(parts[0]))
    refused = {"crit", "b64", "zip"} & header.keys()
    if refused:
        raise OidcProblem(f"The token's header has {', '.join(sorted(refused))}")
    return header, parts


def _claims(raw: bytes) -> dict:
    try:
        claims = jsonio.loads(raw)
    except jsonio.MalformedJSON as error:
        raise OidcProblem(f"A part of the token is no JSON ({error})") from None
    if not isinstance(claims, dict):
        raise OidcProblem("A part of the token is no JSON object")
    return claims


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    """base64url without padding, canonical: no other text stands for the same bytes."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = None
    if raw is None or _encode(raw) != part:
        raise OidcProblem("A part of the token is not base64url")
    return raw
