# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""An OpenID Connect provider under a test's control, on loopback.

It is strict about us (client authentication, PKCE, redirect address, codes good once), and says of
itself and of people whatever a test wants: the attributes of `IdentityProvider` make it lie.
Its signatures are joserfc's own, not those of the code under test.
"""

import base64
import functools
import hashlib
import hmac
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwe, jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519", "RS384"]


@functools.cache
def rsa_key(name):
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@functools.cache
def other_key(kind):
    if kind == "ES256":
        return ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
    return OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"})


class Grant:
    """What a code stands for."""

    def __init__(self, query, claims):
        self.query = query
        self.claims = claims


class IdentityProvider:
    """Attributes that make it lie, reset by `be_honest`:

    - `id_token`, `userinfo`: claims to add or replace, None takes one away
    - `header`: the same for the header of the ID token
    - `key`, `algorithm`: what ID tokens and user-info are signed with
    - `tamper`: a function that changes a finished ID token
    - `token_answer`, `userinfo_answer`, `jwks_answer`: status, media type and body to answer with
    """

    def __init__(self):
        self.clients = {}
        self.be_honest()
        handler = functools.partial(_Handler, self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def be_honest(self):
        self.grants = {}
        self.access = {}
        self.requests = []
        self.assertion_ids = set()
        self.last_auth_time = 0
        self.id_token, self.userinfo, self.header = {}, {}, {}
        self.key, self.algorithm = rsa_key("one"), "RS256"
        self.published = [rsa_key("one")]
        self.userinfo_mode = "jws"
        self.tamper = None
        self.token_answer = self.userinfo_answer = self.jwks_answer = None

    # --- the person's browser comes here ---

    def authorize(self, url, sub, auth_time=None, **claims):
        """The person signs in as `sub`: where the browser is sent back to."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        client = self.clients[query["client_id"]]
        assert query["redirect_uri"] in client["redirect_uris"], query["redirect_uri"]
        assert query["response_type"] == "code" and "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        # nobody signs in twice within a second
        self.last_auth_time = auth_time or max(int(time.time()), self.last_auth_time + 1)
        told = {"sub": sub, "auth_time": self.last_auth_time, **claims}
        self.grants[code] = Grant(query, told)
        return self.back(query["redirect_uri"], code=code, state=query["state"])

    def back(self, redirect_uri, **parameters):
        return f"{redirect_uri}?{urlencode({'iss': self.issuer, **parameters})}"

    # --- we come here ---

    def metadata(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end-session",
            "authorization_response_iss_parameter_supported": True,
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256", "PS256"],
            "scopes_supported": ["openid", "profile"],
        }

    def token(self, headers, form):
        if self.token_answer:
            return self.token_answer
        client_id = self._authenticate(headers, form)
        if not client_id:
            return _json(401, {"error": "invalid_client"})
        grant = self.grants.pop(form.get("code"), None)
        if not grant or not self._is_meant(grant, client_id, form):
            return _json(400, {"error": "invalid_grant"})
        access_token = secrets.token_urlsafe(32)
        self.access[access_token] = (client_id, grant.claims)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self._id_token(client_id, grant, access_token),
        }
        return _json(200, answer)

    def _authenticate(self, headers, form):
        """Client ID of who asks, None unless it is proven in the one way agreed upon."""
        if headers.get("Authorization", "").startswith("Basic "):
            pair = base64.b64decode(headers["Authorization"][6:]).decode()
            client_id, secret = map(unquote, pair.split(":"))
            client = self.clients.get(client_id, {})
            is_right = client.get("auth") == "client_secret_basic" and secret == client["secret"]
            return client_id if is_right else None
        client = self.clients.get(form.get("client_id"), {})
        if client.get("auth") == "client_secret_post":
            return form["client_id"] if form.get("client_secret") == client["secret"] else None
        if client.get("auth") != "private_key_jwt":
            return None
        return self._check_assertion(client, form)

    def _check_assertion(self, client, form):
        key = RSAKey.import_key(client["jwk"])
        try:
            token = jwt.decode(form["client_assertion"], key, algorithms=[client["jwk"]["alg"]])
        except (JoseError, KeyError, ValueError):
            return None
        claims, now = token.claims, time.time()
        is_right = (
            token.header["kid"] == client["jwk"]["kid"]
            and claims["iss"] == claims["sub"] == form["client_id"]
            and claims["aud"] == client.get("aud", f"{self.issuer}/token")
            and now - 5 < claims["exp"] < now + 120
            and claims["jti"] not in self.assertion_ids
        )
        self.assertion_ids.add(claims["jti"])
        return form["client_id"] if is_right else None

    def _is_meant(self, grant, client_id, form):
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        return (
            grant.query["client_id"] == client_id
            and grant.query["redirect_uri"] == form.get("redirect_uri")
            and grant.query["code_challenge"] == _base64url(digest)
        )

    def _id_token(self, client_id, grant, access_token):
        now = int(time.time())
        digest = hashlib.sha256(access_token.encode()).digest()
        claims = {
            "iss": self.issuer,
            "aud": client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.query["nonce"],
            "at_hash": _base64url(digest[:16]),
            "sub": grant.claims["sub"],
            "auth_time": grant.claims["auth_time"],
        }
        if "acr" in grant.claims:
            claims["acr"] = grant.claims["acr"]
        token = self.sign(_changed(claims, self.id_token), self.header)
        return self.tamper(token) if self.tamper else token

    def sign(self, claims, header=()):
        own = {"alg": self.algorithm, "kid": getattr(self.key, "kid", None), "typ": "JWT"}
        header = _changed(own, dict(header))
        return jws.serialize_compact(
            header, json.dumps(claims).encode(), self.key, algorithms=ALGORITHMS
        )

    def userinfo_of(self, headers):
        if self.userinfo_answer:
            return self.userinfo_answer
        client_id, claims = self.access.get(headers.get("Authorization", "")[7:], (None, None))
        if not client_id:
            return 401, "application/json", b"{}"
        claims = _changed({k: v for k, v in claims.items() if k != "auth_time"}, self.userinfo)
        if self.userinfo_mode == "json":
            return _json(200, claims)
        signed = self.sign({"iss": self.issuer, "aud": client_id, **claims})
        if self.userinfo_mode == "jwe":
            key = RSAKey.import_key(self.clients[client_id]["userinfo_jwk"])
            header = {"alg": "RSA-OAEP-256", "enc": "A128GCM", "cty": "JWT"}
            signed = jwe.encrypt_compact(header, signed, key, algorithms=[*header.values()])
        return 200, "application/jwt", signed.encode()

    def jwks(self):
        keys = [key.as_dict(private=False) for key in self.published]
        return self.jwks_answer or _json(200, {"keys": keys})


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, provider, *args):
        self.provider = provider
        super().__init__(*args)

    def do_GET(self):
        provider = self.provider
        pages = {
            "/.well-known/openid-configuration": lambda: _json(200, provider.metadata()),
            "/jwks": provider.jwks,
            "/userinfo": lambda: provider.userinfo_of(self.headers),
        }
        self._answer(*pages.get(self.path, lambda: (404, "text/plain", b""))())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._answer(*self.provider.token(self.headers, form), form=form)

    def _answer(self, status, media_type, body, form=None):
        self.provider.requests.append((self.path, form))
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Tests look at `requests`."""


def unsigned(token):
    """The same claims with the algorithm none, and without a signature."""
    header = _base64url(b'{"alg":"none","typ":"JWT"}')
    return f"{header}.{token.split('.')[1]}."


def symmetric(token, public_key):
    """The same claims with HS256, the public key being the secret: the classic confusion of the
    two. joserfc would not make one."""
    signed = f"{_base64url(json.dumps({'alg': 'HS256', 'kid': public_key.kid}).encode())}"
    signed = f"{signed}.{token.split('.')[1]}"
    secret = public_key.as_pem(private=False)
    return f"{signed}.{_base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _changed(claims, changes):
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def _json(status, value):
    return status, "application/json", json.dumps(value).encode()


def _base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
