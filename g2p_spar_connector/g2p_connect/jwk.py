# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Public keys that sign messages: read from what people paste and from JWKS documents.

Accepted are a PEM public key, a PEM certificate (for its key and validity only: no chain is
checked, since whoever registers the key vouches for it), a JWK and a JWKS document (RFC 7517).
Refused is everything with a private or a symmetric part, and every key that is no signing key of
one of `ALGORITHMS`. Each key is good for one algorithm, which is pinned when it is registered.
"""

import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from . import jsonio

# RFC 7518, RFC 8037. "Ed25519" is what RFC 9864 calls EdDSA with such a key.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
ALGORITHM_ALIASES = {"Ed25519": "EdDSA"}
RSA_BITS = range(2048, 8193)
RSA_EXPONENT_BITS = 33
MAX_MEMBER_LENGTH = 1400  # a number of 8192 bits
MAX_KEYS = 20
MAX_KID_LENGTH = 255
MAX_TEXT_LENGTH = 100_000

_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_KINDS = {RSAPublicKey: RSAKey, EllipticCurvePublicKey: ECKey, Ed25519PublicKey: OKPKey}
_PEM_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


class KeyProblem(ValueError):
    """A key that cannot be registered. The text says why and repeats nothing of the key."""


class PublicKey(NamedTuple):
    """A key that a sender signs with, good for `algorithm` alone.

    `kid` is the name that messages call it by. It holds from `not_before` until `not_after`
    (aware datetimes, UTC), None = without limit.
    """

    kid: str
    algorithm: str
    key: Key
    not_before: datetime | None = None
    not_after: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        begun = self.not_before is None or self.not_before <= now
        return begun and (self.not_after is None or now < self.not_after)


class PrivateKey(NamedTuple):
    """A key of our own, with its private part."""

    kid: str
    algorithm: str
    key: Key


class KeySet(NamedTuple):
    """A JWKS document as far as it can be used: its keys, and why others were passed over."""

    keys: tuple[PublicKey, ...]
    passed_over: tuple[str, ...] = ()


def parse(text: str, kid: str = "", algorithm: str = "") -> list[PublicKey]:
    """The keys of a pasted PEM, JWK or JWKS document; raises `KeyProblem`.

    `kid` names a single key that has no name of its own, whose fingerprint is its name otherwise.
    `algorithm` is for RSA keys that do not say theirs, RS256 otherwise.
    """
    text = text.strip()
    if len(text) > MAX_TEXT_LENGTH:
        raise KeyProblem("The text is too long for a key.")
    if text.startswith("-----"):
        return [_from_pem(text, kid, algorithm)]
    if not text.startswith("{"):
        raise KeyProblem("This is neither PEM (-----BEGIN ...) nor a JWK or JWKS ({...}).")
    document = _loads(text.encode(errors="replace"))
    if "keys" not in document:
        return [from_jwk(document, kid, algorithm)]
    keys, passed_over = _from_jwks(document, algorithm)
    if passed_over:
        raise KeyProblem(" ".join(passed_over))
    return list(keys)


def parse_jwks(raw: bytes) -> KeySet:
    """A JWKS document from elsewhere. Keys that cannot be used are passed over, as RFC 7517
    section 5 asks; raises `KeyProblem` where it has none, or is no such document."""
    document = _loads(raw)
    if "keys" not in document:
        raise KeyProblem("The document is no JWKS: it has no member keys.")
    return _from_jwks(document)


def from_jwk(value: object, kid: str = "", algorithm: str = "") -> PublicKey:
    """The key of a JWK; raises `KeyProblem`. The arguments are those of `parse`."""
    if not isinstance(value, dict):
        raise KeyProblem("A JWK must be a JSON object.")
    if _PRIVATE_MEMBERS & value.keys():
        raise KeyProblem(
            "This is a private or symmetric key. It is no secret any more: make a new one and "
            "register its public part."
        )
    _check_use(value)
    key_type = value.get("kty")
    if not isinstance(key_type, str) or key_type not in _MEMBERS:
        raise KeyProblem("kty: must be RSA, EC or OKP.")
    if key_type in _CURVES and value.get("crv") != _CURVES[key_type]:
        raise KeyProblem(f"crv: must be {_CURVES[key_type]}.")
    members = {name: value.get(name) for name in _MEMBERS[key_type]}
    for name, member in members.items():
        if not isinstance(member, str) or len(member) > MAX_MEMBER_LENGTH:
            raise KeyProblem(f"{name}: must be a string of moderate length.")
    # one form of each key, however its numbers were written: fingerprints are compared
    key = _from_native(_import({"kty": key_type, **members}).public_key)
    return _public_key(key, value.get("kid") or kid, value.get("alg") or algorithm)


def public_jwk(key: PublicKey | PrivateKey) -> dict[str, str]:
    """The public JWK of a key, with `kid`, `alg` and `use`."""
    members = key.key.as_dict(private=False)
    names = ("kty", *_MEMBERS[key.key.key_type])
    return {name: members[name] for name in names} | {
        "kid": key.kid,
        "alg": key.algorithm,
        "use": "sig",
    }


def fingerprint(key: PublicKey | PrivateKey) -> str:
    """The JWK thumbprint (RFC 7638, SHA-256): 43 characters of base64url."""
    return key.key.thumbprint()


def generate(algorithm: str) -> PrivateKey:
    """A new key of our own: Ed25519 for EdDSA, RSA of 2048 bits for RS256. Its fingerprint is
    its name."""
    if algorithm == "EdDSA":
        key = OKPKey.generate_key("Ed25519")
    else:
        key = RSAKey.generate_key(2048)
    return PrivateKey(key.thumbprint(), algorithm, key)


def private_bytes(key: PrivateKey) -> bytes:
    """A key of our own as a private JWK, to be sealed."""
    return jsonio.dumps(key.key.as_dict(private=True))


def private_key(kid: str, algorithm: str, raw: bytes) -> PrivateKey:
    """The inverse of `private_bytes`."""
    return PrivateKey(kid, algorithm, _import(jsonio.loads(raw)))


# --- reading ---


def _loads(raw: bytes) -> dict:
    try:
        document = jsonio.loads(raw)
    except jsonio.MalformedJSON as error:
        raise KeyProblem(f"This is no JSON: {error}.") from None
    if not isinstance(document, dict):
        raise KeyProblem("A JWK or JWKS must be a JSON object.")
    return document


def _from_jwks(document: dict, algorithm: str = "") -> KeySet:
    entries = document["keys"]
    if not isinstance(entries, list) or not entries:
        raise KeyProblem("keys: must be a list with at least one key.")
    if len(entries) > MAX_KEYS:
        raise KeyProblem(f"keys: must have at most {MAX_KEYS} keys.")
    keys, passed_over = [], []
    for place, entry in enumerate(entries):
        if isinstance(entry, dict) and entry.get("use") == "enc":
            continue  # of no concern here
        try:
            keys.append(from_jwk(entry, algorithm=algorithm))
        except KeyProblem as problem:
            passed_over.append(f"keys[{place}]: {problem}")
    if not keys:
        raise KeyProblem(" ".join(passed_over) or "keys: has no key for signatures.")
    return KeySet(tuple(keys), tuple(passed_over))


def _from_pem(text: str, kid: str, algorithm: str) -> PublicKey:
    labels = _PEM_BEGIN.findall(text)
    if any("PRIVATE" in label for label in labels):
        raise KeyProblem(
            "This is a private key. It is no secret any more: make a new one and register its "
            "public part."
        )
    if len(labels) != 1:
        raise KeyProblem("There must be one key or certificate, not several.")
    try:
        if labels != ["CERTIFICATE"]:
            return _public_key(_from_native(load_pem_public_key(text.encode())), kid, algorithm)
        certificate = x509.load_pem_x509_certificate(text.encode())
        key = _public_key(_from_native(certificate.public_key()), kid, algorithm)
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, KeyProblem):
            raise
        raise KeyProblem("The PEM text cannot be read as a public key or certificate.") from None
    return key._replace(
        not_before=certificate.not_valid_before_utc, not_after=certificate.not_valid_after_utc
    )


def _from_native(native: object) -> Key:
    for native_type, kind in _KINDS.items():
        if isinstance(native, native_type):
            return kind.import_key(
                native.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            )
    raise KeyProblem("The key must be RSA, EC or Ed25519.")


def _import(value: dict) -> Key:
    kind = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}[value["kty"]]
    try:
        return kind.import_key(value)
    except (JoseError, ValueError, binascii.Error):
        raise KeyProblem("The key's numbers cannot be read, or make no valid key.") from None


# --- what is acceptable ---


def _check_use(value: dict) -> None:
    if value.get("use", "sig") != "sig":
        raise KeyProblem("use: must be sig.")
    operations = value.get("key_ops", ["verify"])
    if not isinstance(operations, Sequence) or "verify" not in operations:
        raise KeyProblem("key_ops: must have verify.")


def _public_key(key: Key, kid: object, algorithm: object) -> PublicKey:
    _check_strength(key)
    if not isinstance(kid, str) or len(kid) > MAX_KID_LENGTH or not kid.isprintable():
        raise KeyProblem(f"kid: must have at most {MAX_KID_LENGTH} printable characters.")
    return PublicKey(kid or key.thumbprint(), _algorithm(key, algorithm), key)


def _check_strength(key: Key) -> None:
    if isinstance(key, RSAKey):
        numbers = key.public_key.public_numbers()
        if key.public_key.key_size not in RSA_BITS:
            raise KeyProblem(f"An RSA key must have {RSA_BITS[0]} to {RSA_BITS[-1]} bits.")
        if not 2 < numbers.e < 2**RSA_EXPONENT_BITS:
            raise KeyProblem("e: is no usable exponent (65537 is usual).")
    elif key.curve_name != _CURVES[key.key_type]:
        raise KeyProblem(f"The key's curve must be {_CURVES[key.key_type]}.")


def _algorithm(key: Key, wanted: object) -> str:
    """The one algorithm of a key: its own, else the one of its type."""
    possible = {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA",)}[key.key_type]
    algorithm = ALGORITHM_ALIASES.get(wanted, wanted) if isinstance(wanted, str) else wanted
    if not algorithm:
        return possible[0]
    if algorithm not in possible:
        raise KeyProblem(f"alg: a key of this type signs with {' or '.join(possible)} only.")
    return algorithm


def utc(moment: datetime | None) -> datetime | None:
    """A naive datetime as databases hold it, with its zone."""
    return moment and moment.replace(tzinfo=UTC)
