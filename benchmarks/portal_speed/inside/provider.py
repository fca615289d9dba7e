# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""An OpenID Connect provider that answers at once: nobody types anything, and it keeps nothing but
which codes and assertions are used up.

`provider.py PORT`; standard input: JSON with `client_id`, `client_jwk` (public), `redirect_uri`.
It is as strict as a real one about client assertion, PKCE and redirect address. Whoever opens its
authorization endpoint says by the parameter `person` who they are.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import RSAKey

ALGORITHM = "RS256"
KEY = RSAKey.generate_key(2048, {"kid": secrets.token_hex(8), "use": "sig"})
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Provider:
    def __init__(self, issuer, client):
        self.issuer = issuer
        self.client = client
        self.client_key = RSAKey.import_key(client["client_jwk"])
        self.used = set()

    def authorize(self, query):
        """Where the browser is sent back to: the code is the request and who came with it."""
        given = dict(parse_qsl(query))
        assert given["client_id"] == self.client["client_id"], "client_id"
        assert given["redirect_uri"] == self.client["redirect_uri"], "redirect_uri"
        kept = ("nonce", "code_challenge", "person", "redirect_uri")
        grant = {name: given[name] for name in kept} | {"once": secrets.token_hex(8)}
        answer = {"code": encode(json.dumps(grant).encode()), "state": given["state"]}
        return f"{given['redirect_uri']}?{urlencode({**answer, 'iss': self.issuer})}"

    def token(self, form):
        grant = json.loads(decode(form["code"]))
        self.use_up(grant["once"])
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert encode(verifier) == grant["code_challenge"], "code_verifier"
        assert form["redirect_uri"] == grant["redirect_uri"], "redirect_uri"
        assert form["client_assertion_type"] == ASSERTION_TYPE, "client_assertion_type"
        self.check_assertion(form["client_assertion"])
        access_token = encode(secrets.token_bytes(24)) + "." + grant["person"]
        now, digest = int(time.time()), hashlib.sha256(access_token.encode()).digest()
        claims = {
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": grant["nonce"],
            "at_hash": encode(digest[:16]),
        }
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.signed(grant["person"], claims),
        }

    def check_assertion(self, assertion):
        claims = jwt.decode(assertion, self.client_key, algorithms=[ALGORITHM]).claims
        client_id = self.client["client_id"]
        assert claims["iss"] == claims["sub"] == client_id, "iss, sub"
        assert claims["aud"] == f"{self.issuer}/token", "aud"
        assert time.time() < claims["exp"], "exp"
        self.use_up(claims["jti"])

    def use_up(self, once):
        assert once not in self.used, "used already"
        self.used.add(once)

    def userinfo(self, access_token):
        person = access_token.rpartition(".")[2]
        claims = {
            "name": f"Person {person}",
            "email": f"person.{person}@example.org",
            "email_verified": True,
        }
        return self.signed(person, claims)

    def signed(self, person, claims):
        claims |= {"iss": self.issuer, "aud": self.client["client_id"], "sub": person}
        header = {"alg": ALGORITHM, "kid": KEY.kid, "typ": "JWT"}
        return jws.serialize_compact(header, json.dumps(claims).encode(), KEY)


class Handler(BaseHTTPRequestHandler):
    provider = None

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path == "/authorize":
            self.send_response(303)
            self.send_header("Location", self.provider.authorize(parts.query))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif parts.path == "/userinfo":
            access_token = self.headers["Authorization"].removeprefix("Bearer ")
            self._answer("application/jwt", self.provider.userinfo(access_token).encode())
        elif parts.path == "/jwks":
            keys = {"keys": [KEY.as_dict(private=False)]}
            self._answer("application/json", json.dumps(keys).encode())
        else:
            self.send_error(404)

    def do_POST(self):
        assert self.path == "/token", self.path
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = self.provider.token(dict(parse_qsl(body)))
        self._answer("application/json", json.dumps(told).encode())

    def _answer(self, media_type, body):
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Whatever goes wrong is on standard error; the load fails by it."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def main():
    port = int(sys.argv[1])
    Handler.provider = Provider(f"http://127.0.0.1:{port}", json.load(sys.stdin))
    server = Server(("127.0.0.1", port), Handler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
