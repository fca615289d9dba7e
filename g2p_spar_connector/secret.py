# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Our own secrets: sealing what must be read again, digesting what must only be recognised.

Two master keys, each 32 random bytes in URL-safe base64, from the environment or from the
section `[g2p_spar]` of Odoo's configuration file:

====================  ==============  =================================================
environment           configuration   protects
====================  ==============  =================================================
SPAR_SECRET_KEY       secret_key      private keys and secrets at rest (`seal`)
SPAR_DIGEST_KEY       digest_key      digests of IDs and financial addresses (`digest`)
====================  ==============  =================================================

Each purpose has a key of its own, derived from the master key (HKDF-SHA256), so that a token
or digest made for one purpose is worthless for another. Without its key nothing works: there is
no default. Keys are read once per process.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .settings import get_setting

KEY_BYTES = 32
MAKE_A_KEY = (
    'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
)


class SecretKeyMissing(Exception):
    """A master key is not configured, or is malformed. The text says what to do."""


class SealBroken(Exception):
    """A sealed token cannot be opened: altered, made for another purpose or with another key."""


def seal(plaintext: bytes, purpose: str) -> str:
    """Encrypt and authenticate (Fernet: AES-128-CBC and HMAC-SHA256). Returns ASCII text."""
    return _fernet(purpose).encrypt(plaintext).decode()


def unseal(token: str, purpose: str) -> bytes:
    """What `seal` was given; raises `SealBroken`."""
    try:
        return _fernet(purpose).decrypt(token)
    except (InvalidToken, ValueError):
        raise SealBroken(
            f"A sealed value for {purpose} cannot be opened: it was altered, "
            "or the key (SPAR_SECRET_KEY, or secret_key in [g2p_spar]) is not the one it was "
            "sealed with."
        ) from None


def digest(purpose: str, value: str) -> bytes:
    """HMAC-SHA256 of the UTF-8 text: 32 bytes."""
    return digester(purpose)(value)


@cache
def digester(purpose: str) -> Callable[[str], bytes]:
    """`digest` for one purpose as a function, for thousands of values at a time."""
    key = _derive(_master_key("digest"), purpose)
    # RFC 2104 by hand: copies of the two keyed states cost half of what hmac.digest() does.
    inner_start = hashlib.sha256(bytes(byte ^ 0x36 for byte in key.ljust(64, b"\0")))
    outer_start = hashlib.sha256(bytes(byte ^ 0x5C for byte in key.ljust(64, b"\0")))

    def digest_value(value: str) -> bytes:
        inner = inner_start.copy()
        inner.update(value.encode())
        outer = outer_start.copy()
        outer.update(inner.digest())
        return outer.digest()

    return digest_value


@cache
def digest_key_id() -> str:
    """Names the digest key without revealing it: 8 hexadecimal characters."""
    return hashlib.sha256(_derive(_master_key("digest"), "key id")).hexdigest()[:8]


def forget_keys() -> None:
    """Read the keys again at their next use."""
    for function in (_master_key, _fernet, digester, digest_key_id):
        function.cache_clear()


@cache
def _fernet(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derive(_master_key("secret"), purpose)))


def _derive(master_key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"g2p_spar {purpose}".encode()).derive(
        master_key
    )


@cache
def _master_key(name: str) -> bytes:
    option = f"{name}_key"
    text = get_setting(option)
    if not text:
        raise SecretKeyMissing(_what_to_do(option, "is missing"))
    key = _decode(text.strip())
    if len(key) != KEY_BYTES:
        raise SecretKeyMissing(_what_to_do(option, "is malformed"))
    return key


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _what_to_do(option: str, what: str) -> str:
    return (
        f"The key {option} {what}. Make one with: {MAKE_A_KEY} and set it as "
        f"SPAR_{option.upper()} in the environment, or as {option} in the section [g2p_spar] of "
        "Odoo's configuration file. Keep it: what is sealed or digested with it is lost without it."
    )
