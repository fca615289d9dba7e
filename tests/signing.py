# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What a participant signs with, and how it verifies our signatures.

Made of PyJWT and cryptography, none of the product's own code, so that both prove each other.
"""

import base64
import hashlib
import json
import re
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAKE = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": Ed25519PrivateKey.generate,
}
PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class SigningKey:
    """A key pair of a participant.

    :param str algorithm: RS256, PS256, ES256 or EdDSA
    """

    def __init__(self, algorithm, kid):
        self.algorithm = algorithm
        self.kid = kid
        self.private = MAKE[algorithm]()

    @property
    def pem(self):
        """The public key, as people paste it."""
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def jwk(self):
        """The public key as JWK."""
        name = "EdDSA" if self.algorithm == "EdDSA" else self.algorithm
        algorithm = jwt.get_algorithm_by_name(name)
        known = json.loads(algorithm.to_jwk(self.private.public_key()))
        known.pop("key_ops", None)
        return {**known, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


def compact(body):
    """JSON as OpenG2P's 1.x models write it: what OpenG2P 1.x signs."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def sorted_compact(body):
    """What OpenG2P 2.x signs."""
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def detached(token):
    """A JWS without its payload."""
    head, _payload, signature = token.split(".")
    return f"{head}..{signature}"


def jws(payload, key, **header):
    """A JWS with its payload.

    :param header: further members of its header; `alg` replaces the key's
    """
    algorithm = header.pop("alg", key.algorithm)
    headers = {"kid": key.kid, **header}
    return jwt.api_jws.encode(payload, key.private, algorithm, headers=headers)


def signing_string(signed, created, expires):
    """What is signed of bytes, after BECKN-006."""
    digest = base64.b64encode(hashlib.blake2b(signed).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: BLAKE-512={digest}".encode()


def body_signature(header, message, key, sender_id, created=None, lifetime=300):
    """The member `signature` of G2P-Connect for these raw bytes."""
    created = int(time.time()) if created is None else created
    expires = created + lifetime
    value = key.private.sign(signing_string(header + message, created, expires))
    return (
        f'Signature: namespace="g2p", kidId="{sender_id}|{key.kid}|ed25519", '
        f'algorithm="ed25519", created="{created}", expires="{expires}", '
        f'headers="(created) (expires) digest", signature="{base64.b64encode(value).decode()}"'
    )


def signed(dialect, body, key, sender_id):
    """Bytes to send, and HTTP headers.

    :param str dialect: openg2p_1, openg2p_2 or g2p_connect; None signs nothing
    """
    if dialect is None:
        return json.dumps(body).encode(), {}
    if dialect == "g2p_connect":
        header, message = compact(body["header"]), compact(body["message"])
        told = json.dumps(body_signature(header, message, key, sender_id)).encode()
        raw = b'{"signature":' + told + b',"header":' + header + b',"message":' + message + b"}"
        return raw, {}
    raw = compact(body) if dialect == "openg2p_1" else sorted_compact(body)
    return raw, {"Signature": detached(jws(raw, key))}


# === Our signatures === #


def verify(dialect, raw, headers, jwks, now=None):
    """Raise unless that answer or callback is signed with one of the published keys.

    :param bytes raw: body as it came
    :param dict headers: names in lower case
    :param dict jwks: document of /.well-known/jwks.json
    """
    if dialect == "g2p_connect":
        _verify_body(raw, jwks, time.time() if now is None else now)
        return
    body = json.loads(raw)
    if dialect == "openg2p_1":  # as OpenG2P 1.x does: anything but ASCII is escaped
        payload = json.dumps(body, separators=(",", ":")).encode()
    else:
        payload = sorted_compact(body)
    head, middle, value = headers["signature"].split(".")
    assert not middle
    told = jwt.get_unverified_header(headers["signature"])
    key = _published(jwks, told["kid"])
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    jwt.api_jws.decode(f"{head}.{encoded}.{value}", jwt.PyJWK(key).key, [key["alg"]])


def _verify_body(raw, jwks, now):
    body = json.loads(raw)
    told = dict(PARAMETER.findall(body["signature"]))
    _sender, kid, algorithm = told["kidId"].split("|")
    assert algorithm == told["algorithm"] == "ed25519"
    assert int(told["created"]) <= now + 1 and now <= int(told["expires"])
    assert int(told["expires"]) - int(told["created"]) <= 300
    decoder = json.JSONDecoder()
    text = raw.decode()
    spans = b""
    for name in ("header", "message"):
        start = text.index(f'"{name}":') + len(name) + 3
        while text[start].isspace():
            start += 1
        _value, end = decoder.raw_decode(text, start)
        spans += text[start:end].encode()
    key = _published(jwks, kid)
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))
    public.verify(
        base64.b64decode(told["signature"]),
        signing_string(spans, told["created"], told["expires"]),
    )


def _published(jwks, kid):
    [key] = [key for key in jwks["keys"] if key["kid"] == kid]
    return key
