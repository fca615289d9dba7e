# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A certified OpenID Connect provider that nobody here wrote, set up to treat us as eSignet does:
private_key_jwt, PKCE required, pairwise subjects, PS256, user-info signed or nested in a JWE."""

import hashlib
import json
import secrets
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from joserfc.jwk import RSAKey
from npm_packages import npm_packages
from spar_setup.server import free_port

PROGRAM = Path(__file__).parent / "oidc_provider" / "provider.mjs"
HOST = "127.0.0.1"
CODE = "111111"  # that everybody types
GENERATED_CODE = "mosip:idp:acr:generated-code"
STATIC_CODE = "mosip:idp:acr:static-code"
SALT = "of the tests"
PEOPLE = {
    "amihan": {
        "acr": GENERATED_CODE,
        "name": "Amihan Abad",
        "given_name": "Amihan",
        "family_name": "Abad",
        "email": "amihan.abad@example.org",
        "phone_number": "+639171000001",
        "individual_id": "8000000001",
    },
    "bayani": {"acr": GENERATED_CODE, "name": "Bayani Cortez", "individual_id": "8000000002"},
    "celia": {"acr": STATIC_CODE, "name": "Celia Dizon", "individual_id": "8000000003"},
}


class SigninProvider:
    """It has an address before it is started: its client must know it first. It may be started
    again, and knows no session any more then.

    :ivar str issuer: its address
    """

    def __init__(self):
        self.env = npm_packages()
        self.issuer = f"http://{HOST}:{free_port()}"
        self._log = tempfile.TemporaryFile(mode="w+", encoding="utf-8")  # noqa: SIM115
        self._process = None
        self.renew_key()

    def renew_key(self):
        """Sign with another key from the next start on."""
        parameters = {"use": "sig", "alg": "PS256", "kid": secrets.token_hex(8)}
        self._key = RSAKey.generate_key(2048, parameters).as_dict(private=True)

    def start(self, client):
        """Run it for one client.

        :param dict client: its metadata (OpenID Connect Dynamic Client Registration 1.0)
        """
        wanted = {
            "issuer": self.issuer,
            "key": self._key,
            "client": client,
            "people": PEOPLE,
            "salt": SALT,
        }
        self._process = subprocess.Popen(
            [self.env.node, PROGRAM, self.env.modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self.env.environment(),
            text=True,
        )
        print(json.dumps(wanted), file=self._process.stdin, flush=True)
        assert self._process.stdout.readline() == "ready\n", self.log()

    def stop(self):
        if self._process:
            self._process.stdin.close()
            self._process.wait(timeout=30)
            self._process.stdout.close()
            self._process = None

    def log(self):
        """What it has said went wrong."""
        self._log.seek(0)
        return self._log.read()


def client_metadata(client_id, redirect_uri, jwks, encrypted=False):
    """How eSignet's administrator registers us.

    :param list jwks: public keys: for assertions, and for encryption where user-info is a JWE
    """
    metadata = {
        "client_id": client_id,
        "redirect_uris": [redirect_uri],
        "post_logout_redirect_uris": [redirect_uri.partition("/signed-in")[0]],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "subject_type": "pairwise",
        "id_token_signed_response_alg": "PS256",
        "userinfo_signed_response_alg": "PS256",
        "require_auth_time": True,
        "jwks": {"keys": jwks},
    }
    if encrypted:
        metadata["userinfo_encrypted_response_alg"] = "RSA-OAEP-256"
        metadata["userinfo_encrypted_response_enc"] = "A128GCM"
    return metadata


def subject(person, redirect_uri):
    """The pairwise `sub` of a person of `PEOPLE` for the client of that address."""
    sector = urlsplit(redirect_uri).netloc
    return hashlib.sha256(f"{sector} {person} {SALT}".encode()).hexdigest()
