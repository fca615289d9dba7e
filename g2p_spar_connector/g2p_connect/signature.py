# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Signatures of messages, in the dialect that was agreed with each peer.

============  =====================================  ============================================
dialect       the signature is                       over
============  =====================================  ============================================
openg2p_1     the HTTP header `Signature`, a JWS     the body: its bytes as received, else compact
              whose payload may be left out          JSON with ASCII alone, members in their order
              (RFC 7515 appendix F)                  (OpenG2P SPAR 1.x)
openg2p_2     the same                               its bytes as received, else compact JSON with
                                                     sorted members (OpenG2P 2.x)
g2p_connect   the body's member `signature`          the bytes of the values of `header` and
              (G2P-Connect 1.0.0; what the           `message` as received, one after the other
              standard leaves open is as in
              BECKN-006), Ed25519 only
============  =====================================  ============================================

Only the agreed dialect is tried, and only registered keys: what a JWS says of keys elsewhere
(`jku`, `jwk`, `x5u`, `x5c`) is never looked at. `none` and symmetric algorithms never hold.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from json.decoder import JSONDecoder, scanstring
from typing import NamedTuple

import orjson
from joserfc.jws import JWSRegistry

from . import jsonio
from .jwk import ALGORITHM_ALIASES, ALGORITHMS, PrivateKey, PublicKey

DIALECTS = ("openg2p_1", "openg2p_2", "g2p_connect")
# What we sign with: OpenG2P accepts RS256 alone, unless told otherwise.
SIGNING_ALGORITHMS = {"openg2p_1": "RS256", "openg2p_2": "RS256", "g2p_connect": "EdDSA"}
HTTP_HEADER = "Signature"
MAX_LIFETIME = timedelta(seconds=300)
MAX_SKEW = timedelta(seconds=30)
MAX_SIGNATURE_LENGTH = 16_384
MAX_JWS_LENGTH = 65_536  # with its payload
# Each try costs a hash of the whole body.
MAX_TRIED_KEYS = 5

MISSING, INVALID = "err.signature.missing", "err.signature.invalid"
_COVERED = "(created) (expires) digest"
_PREFIX = re.compile(r"\s*(?:Signature\s*[: ]\s*)?")
_PARAMETER = re.compile(r'\s*([A-Za-z]{1,20})\s*=\s*(?:"([^"]*)"|([0-9]{1,15}))\s*(?:,|\Z)')
_FLOAT = re.compile(rb"[0-9][.e]")
_WHITE_SPACE = re.compile(r"[ \t\r\n]*")


class SignatureProblem(Exception):
    """A message without the agreed signature, or with one that does not hold.

    `code` is err.signature.missing or err.signature.invalid; `message` says what is wrong and
    repeats nothing of what was received.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


class Verified(NamedTuple):
    """Whose signature holds. Its times are signed in the dialect g2p_connect only."""

    kid: str
    algorithm: str
    created: datetime | None = None
    expires: datetime | None = None


class Signed(NamedTuple):
    """A signed message: the bytes to send as they are, and the HTTP headers to send with them."""

    raw: bytes
    headers: dict[str, str]


def verify(
    dialect: str,
    raw: bytes,
    payload: dict,
    signature_header: str | None,
    keys: Sequence[PublicKey],
    now: datetime,
) -> Verified:
    """Check the signature of a received message; raises `SignatureProblem`.

    :param dialect: one of `DIALECTS`
    :param raw: the body as received
    :param payload: what `jsonio.loads` made of it, which refuses duplicate members
    :param signature_header: the HTTP header `Signature`, where there is one
    :param keys: the sender's registered keys; those outside their validity are left out here
    :param now: with a zone
    """
    if not isinstance(payload, dict):
        raise SignatureProblem(INVALID, "The body must be a JSON object.")
    if dialect == "g2p_connect":
        return _verify_body(raw, payload, keys, now)
    return _verify_jws(dialect, raw, payload, signature_header, keys, now)


def sign(
    dialect: str,
    body: dict,
    key: PrivateKey,
    sender_id: str,
    now: datetime,
    lifetime: int = 300,
) -> Signed:
    """Write a message and sign it.

    :param body: its JSON value; a member `signature` is replaced or, in a header dialect, kept
    :param sender_id: ours, as the receiver knows us
    :param lifetime: seconds for which the signature holds, 300 at most (dialect g2p_connect)
    """
    if dialect == "g2p_connect":
        return _sign_body(body, key, sender_id, now, lifetime)
    raw = canonical(dialect, body)
    protected = _encode(jsonio.dumps({"alg": key.algorithm, "kid": key.kid}))
    signature = _model(key.algorithm).sign(_signing_input(protected, raw), key.key)
    return Signed(raw, {HTTP_HEADER: f"{protected.decode()}..{_encode(signature).decode()}"})


def kid_of(dialect: str, payload: dict, signature_header: str | None) -> str | None:
    """How a signature calls its key, None = not at all; raises `SignatureProblem`."""
    if dialect == "g2p_connect":
        return _key_named(_parameters(payload.get("signature")), payload)
    protected, _payload, _signature = _split_jws(signature_header or "")
    return _jws_header(protected).get("kid")


def canonical(dialect: str, payload: dict) -> bytes:
    """The bytes that OpenG2P signs, made from a parsed message."""
    if dialect == "openg2p_1":
        return _compact_ascii(payload)
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


def _compact_ascii(payload: dict) -> bytes:
    """As Python's json writes it; orjson does it sooner, but for floats and for what is escaped."""
    raw = orjson.dumps(payload)
    if raw.isascii() and b"\\" not in raw and b"\x7f" not in raw:
        outside_strings = b"".join(raw.split(b'"')[::2])
        if not _FLOAT.search(outside_strings):
            return raw
    return json.dumps(payload, separators=(",", ":")).encode()


def signed_parts(raw: bytes, payload: dict) -> bytes:
    """The bytes that the dialect g2p_connect signs: those of the values of `header` and `message`,
    as they stand in the text. One that is absent counts as nothing."""
    values = dict(_member_values(raw, payload))
    return values.get("header", b"") + values.get("message", b"")


# --- JWS in an HTTP header ---


def _verify_jws(dialect, raw, payload, signature_header, keys, now) -> Verified:
    if not signature_header:
        raise SignatureProblem(MISSING, "The HTTP header Signature is missing.")
    protected, carried, signature = _split_jws(signature_header)
    header = _jws_header(protected)
    algorithm, kid = header["alg"], header.get("kid")
    candidates = _candidates(keys, now, algorithm, kid)
    for signed in _signed_bytes(dialect, raw, payload):
        signing_input = _signing_input(protected, signed)
        if carried and not signing_input.endswith(b"." + carried):
            continue
        for key in candidates:
            if _holds(key, signing_input, signature):
                return Verified(key.kid, algorithm)
    form = "compact JSON" if dialect == "openg2p_1" else "compact JSON with sorted members"
    raise SignatureProblem(
        INVALID,
        "The signature does not belong to this message and the sender's key: neither over the "
        f"body's bytes nor over {form}.",
    )


def _split_jws(text: str) -> tuple[bytes, bytes, bytes]:
    """Header, payload and signature. The payload is left out, or the body once more: the client in
    OpenG2P's mapper library 2.0.0 sends it."""
    if len(text) > MAX_JWS_LENGTH:
        raise SignatureProblem(INVALID, "The HTTP header Signature is too long.")
    parts = text.strip().split(".")
    if len(parts) != 3 or not text.isascii():
        raise SignatureProblem(
            INVALID, "The HTTP header Signature must be a JWS: three parts with points between."
        )
    try:
        return parts[0].encode(), parts[1].encode(), _decode(parts[2].encode())
    except ValueError:
        raise SignatureProblem(INVALID, "The JWS's signature is not base64url.") from None


def _jws_header(protected: bytes) -> dict:
    try:
        header = jsonio.loads(_decode(protected))
    except ValueError:
        raise SignatureProblem(INVALID, "The JWS's header cannot be read.") from None
    if not isinstance(header, dict):
        raise SignatureProblem(INVALID, "The JWS's header cannot be read.")
    if "crit" in header or "b64" in header:
        raise SignatureProblem(INVALID, "The JWS's header has crit or b64, which is not supported.")
    algorithm = header.get("alg")
    algorithm = ALGORITHM_ALIASES.get(algorithm, algorithm) if isinstance(algorithm, str) else None
    if algorithm not in ALGORITHMS:
        raise SignatureProblem(INVALID, f"The JWS's alg must be one of {', '.join(ALGORITHMS)}.")
    if not isinstance(header.get("kid", ""), str):
        raise SignatureProblem(INVALID, "The JWS's kid must be a string.")
    return header | {"alg": algorithm}


def _signed_bytes(dialect: str, raw: bytes, payload: dict) -> Iterable[bytes]:
    """What may have been signed. All of it says the same: `payload` was parsed from `raw`."""
    yield raw
    written_again = canonical(dialect, payload)
    if written_again != raw:
        yield written_again


def _signing_input(protected: bytes, signed: bytes) -> bytes:
    return protected + b"." + _encode(signed)


# --- the body's member `signature` ---


def _verify_body(raw, payload, keys, now) -> Verified:
    text = payload.get("signature")
    if text is None or text == "":
        raise SignatureProblem(MISSING, "The body's member signature is missing.")
    parameters = _parameters(text)
    kid = _key_named(parameters, payload)
    created, expires = _times(parameters, now)
    try:
        signature = base64.b64decode(parameters["signature"], validate=True)
    except (ValueError, binascii.Error):
        raise SignatureProblem(INVALID, "signature: its signature is not base64.") from None
    text = _signing_string(parameters["created"], parameters["expires"], signed_parts(raw, payload))
    for key in _candidates(keys, now, "EdDSA", kid):
        if _holds(key, text, signature):
            return Verified(key.kid, "EdDSA", created, expires)
    raise SignatureProblem(
        INVALID,
        "signature: does not belong to this message and the sender's key. Signed are the bytes of "
        "header and message as sent.",
    )


def _parameters(text: object) -> dict[str, str]:
    if not isinstance(text, str) or len(text) > MAX_SIGNATURE_LENGTH:
        raise SignatureProblem(INVALID, "signature: must be a string of moderate length.")
    parameters, place = {}, _PREFIX.match(text).end()
    while place < len(text):
        found = _PARAMETER.match(text, place)
        if not found or found[1] in parameters:
            raise SignatureProblem(
                INVALID, 'signature: must be parameters of the form name="value", each once.'
            )
        parameters[found[1]] = found[2] if found[2] is not None else found[3]
        place = found.end()
    # the standard calls it kidId, BECKN-006 keyId
    parameters.setdefault("kidId", parameters.get("keyId"))
    for name in ("kidId", "algorithm", "created", "expires", "headers", "signature"):
        if not parameters.get(name):
            raise SignatureProblem(INVALID, f"signature: has no {name}.")
    return parameters


def _key_named(parameters: dict[str, str], payload: dict) -> str:
    if parameters["algorithm"].lower() != "ed25519":
        raise SignatureProblem(INVALID, "signature: algorithm must be ed25519.")
    if parameters["headers"] != _COVERED:
        raise SignatureProblem(INVALID, f'signature: headers must be "{_COVERED}".')
    parts = parameters["kidId"].rsplit("|", 2)
    if len(parts) != 3 or parts[2].lower() != "ed25519":
        raise SignatureProblem(INVALID, "signature: kidId must be sender_id|key|ed25519.")
    header = payload.get("header")
    sender_id = header.get("sender_id") if isinstance(header, dict) else None
    sender_id = sender_id if isinstance(sender_id, str) else ""
    if isinstance(header, dict) and sender_id.lower() != parts[0].lower():
        raise SignatureProblem(INVALID, "signature: kidId names another sender than the header.")
    return parts[1]


def _times(parameters: dict[str, str], now: datetime) -> tuple[datetime, datetime]:
    created, expires = (_time(name, parameters[name]) for name in ("created", "expires"))
    if not timedelta(0) < expires - created <= MAX_LIFETIME:
        raise SignatureProblem(
            INVALID,
            f"signature: expires must be at most {MAX_LIFETIME.seconds} seconds after created.",
        )
    if created > now + MAX_SKEW:
        raise SignatureProblem(INVALID, "signature: created lies in the future. Check the clock.")
    if expires <= now:
        raise SignatureProblem(INVALID, "signature: has expired.")
    return created, expires


def _time(name: str, text: str) -> datetime:
    # eleven digits last until the year 5138
    if not (text.isascii() and text.isdecimal() and len(text) <= 11):
        raise SignatureProblem(INVALID, f"signature: {name} must be seconds since 1970.")
    return datetime.fromtimestamp(int(text), UTC)


def _signing_string(created: str, expires: str, signed: bytes) -> bytes:
    digest = base64.b64encode(hashlib.blake2b(signed).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: BLAKE-512={digest}".encode()


def _sign_body(body, key, sender_id, now, lifetime) -> Signed:
    members = {name: jsonio.dumps(value) for name, value in body.items() if name != "signature"}
    created = int(now.timestamp())
    expires = created + min(lifetime, MAX_LIFETIME.seconds)
    signed = members.get("header", b"") + members.get("message", b"")
    signature = _model("EdDSA").sign(_signing_string(created, expires, signed), key.key)
    text = (
        f'Signature: namespace="g2p", kidId="{sender_id}|{key.kid}|ed25519", '
        f'algorithm="ed25519", created="{created}", expires="{expires}", headers="{_COVERED}", '
        f'signature="{base64.b64encode(signature).decode()}"'
    )
    parts = {"signature": jsonio.dumps(text), **members}
    raw = b",".join(jsonio.dumps(name) + b":" + value for name, value in parts.items())
    return Signed(b"{" + raw + b"}", {})


def _member_values(raw: bytes, payload: dict) -> Iterable[tuple[str, bytes]]:
    """The members of a JSON object, each with the bytes of its value.

    Values are scanned, but for the last one, which ends where the object does: with the usual
    order of members that spares the long `message`.
    """
    text = raw.decode().strip(" \t\r\n")
    scan = JSONDecoder().raw_decode
    place = 1  # after the brace
    for position, name in enumerate(payload, start=1):
        _name, place = scanstring(text, _after_space(text, place) + 1)
        start = _after_space(text, _after_space(text, place) + 1)
        if position == len(payload):
            yield name, text[start:-1].rstrip(" \t\r\n").encode()
            return
        _value, end = scan(text, start)
        yield name, text[start:end].encode()
        place = _after_space(text, end) + 1


def _after_space(text: str, place: int) -> int:
    return _WHITE_SPACE.match(text, place).end()


# --- both ---


def _candidates(keys, now, algorithm, kid) -> list[PublicKey]:
    """The keys that may have made a signature; none is a problem."""
    named = [key for key in keys if not kid or key.kid == kid]
    if not named:
        what = "names a key (kid) that is not registered" if keys else "has no registered key"
        raise SignatureProblem(INVALID, f"The sender {what}.")
    valid = [key for key in named if key.is_valid(now)]
    if not valid:
        raise SignatureProblem(INVALID, "The sender's key does not hold yet, or any more.")
    candidates = [key for key in valid if key.algorithm == algorithm]
    if not candidates:
        raise SignatureProblem(INVALID, "The sender's key is registered for another algorithm.")
    if len(candidates) > MAX_TRIED_KEYS:
        fault = "has the same name (kid) as too many others" if kid else "is not named (kid)"
        raise SignatureProblem(
            INVALID, f"The sender's key {fault}, and there are too many to try them all."
        )
    return candidates


def _holds(key: PublicKey, message: bytes, signature: bytes) -> bool:
    return _model(key.algorithm).verify(message, signature, key.key)


def _model(algorithm: str):
    return JWSRegistry.algorithms[algorithm]


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(data: bytes) -> bytes:
    """base64url without padding, canonical: no other text stands for the same bytes."""
    decoded = base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
    if _encode(decoded) != data:
        raise ValueError("not canonical")
    return decoded
