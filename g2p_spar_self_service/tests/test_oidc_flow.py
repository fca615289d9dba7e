# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Token request, user-info and all of it together, against a provider on loopback."""

import base64
import json
import time
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from odoo.tests.common import BaseCase

from odoo.addons.g2p_spar_connector.g2p_connect import jwk

from ..oidc import Client, OidcProblem, authorization, flow, id_token, keys, probe, token
from . import identity_provider as idp

REDIRECT = "http://127.0.0.1/back"


class FlowCase(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.idp = idp.IdentityProvider()
        cls.addClassCleanup(cls.idp.stop)
        cls.key = jwk.generate("RS256")
        cls.userinfo_key = RSAKey.generate_key(2048)

    def setUp(self):
        super().setUp()
        self.idp.be_honest()
        self.idp.clients["spar"] = {
            "auth": "private_key_jwt",
            "jwk": jwk.public_jwk(self.key),
            "userinfo_jwk": self.userinfo_key.as_dict(private=False),
            "redirect_uris": [REDIRECT],
        }
        metadata = self.idp.metadata()
        self.client = Client(
            issuer=self.idp.issuer,
            client_id="spar",
            client_key=self.key,
            userinfo_mode="jws",
            userinfo_key=self.userinfo_key,
            **{
                name: metadata[name]
                for name in (
                    "authorization_endpoint",
                    "token_endpoint",
                    "jwks_uri",
                    "userinfo_endpoint",
                )
            },
        )
        self.refreshed = []

    def known(self, anew):
        self.refreshed.append(anew)
        return keys.parse(keys.fetch(self.client.jwks_uri))

    def sign_in(self, client=None, sub="alice", **claims):
        client = client or self.client
        attempt = authorization.new_secrets()
        url = authorization.url(client, attempt, REDIRECT)
        back = parse_qs(urlsplit(self.idp.authorize(url, sub, **claims)).query)
        code = authorization.code_of(back, client)
        now = time.time()
        expected = id_token.Expected(attempt.nonce, now)
        return flow.complete(client, code, attempt.verifier, REDIRECT, expected, self.known, now)

    def assertRefused(self, text, client=None, kind="refused", **claims):
        with self.assertRaises(OidcProblem) as caught:
            self.sign_in(client, **claims)
        self.assertIn(text, str(caught.exception))
        self.assertNotIn("alice", str(caught.exception))
        self.assertEqual(caught.exception.kind, kind)


class TestFlow(FlowCase):
    def test_identity(self):
        identity = self.sign_in(name="Alice", acr="otp")
        self.assertEqual((identity.issuer, identity.sub), (self.idp.issuer, "alice"))
        self.assertEqual(identity.acr, "otp")
        self.assertEqual(identity.claims["name"], "Alice")
        self.assertFalse({"iss", "aud", "nonce", "exp"} & identity.claims.keys())
        self.assertNotIn("alice", repr(identity).lower())

    def test_slow_provider(self):
        """Each call would end in time, all of them do not."""

        def slowly(call):
            def answer(*args):
                time.sleep(0.4)
                return call(*args)

            return answer

        began = time.monotonic()
        with patch.object(flow, "SECONDS", 1.0), ExitStack() as stack:
            for name in ("token", "jwks", "userinfo_of"):
                stack.enter_context(patch.object(self.idp, name, slowly(getattr(self.idp, name))))
            self.assertRefused("", kind="unavailable")
        self.assertLess(time.monotonic() - began, 5)
        with patch.object(flow, "SECONDS", 0.0):
            self.assertRefused("too long", kind="unavailable")
        self.sign_in()

    def test_claims_told_twice(self):
        """Once in the ID token and otherwise in user-info: not told at all."""
        self.idp.id_token = {"individual_id": "111", "name": "Alice"}
        self.idp.userinfo = {"individual_id": "222", "name": "Alice", "email": "a@example.org"}
        claims = self.sign_in().claims
        self.assertNotIn("individual_id", claims)
        self.assertEqual((claims["name"], claims["email"]), ("Alice", "a@example.org"))

    def test_forms_of_userinfo(self):
        for mode in ("json", "jws", "jwe"):
            self.idp.userinfo_mode = mode
            client = replace(self.client, userinfo_mode=mode)
            self.assertEqual(self.sign_in(client, name="Alice").claims["name"], "Alice", mode)
        without = self.sign_in(replace(self.client, userinfo_mode="none"), name="Alice")
        self.assertNotIn("name", without.claims)

    def test_userinfo_in_another_form(self):
        """What was agreed to be signed is not taken unsigned, nor the other way round."""
        for agreed in ("json", "jws", "jwe"):
            for told in {"json", "jws", "jwe"} - {agreed}:
                self.idp.userinfo_mode = told
                with self.subTest(agreed=agreed, told=told), self.assertRaises(OidcProblem):
                    self.sign_in(replace(self.client, userinfo_mode=agreed))

    def test_userinfo_refused(self):
        for changes in (
            {"sub": "mallory"},
            {"sub": None},
            {"sub": ["alice"]},
            {"iss": "https://evil.example"},
            {"aud": "other"},
            {"aud": ["other"]},
            {"exp": 5},
        ):
            self.idp.userinfo = changes
            with self.subTest(changes):
                self.assertRefused("User-info")
        self.idp.userinfo = {}
        for answer, kind in (
            ((200, "application/jwt", idp.unsigned(self.idp.sign({"sub": "alice"})).encode()), ""),
            ((200, "application/jwt", b"\xff\xfe"), ""),
            ((200, "text/html", b"<html>"), ""),
            ((401, "application/json", b"{}"), ""),
            ((302, "application/jwt", b""), ""),
            ((503, "text/html", b""), "unavailable"),
        ):
            self.idp.userinfo_answer = answer
            with self.subTest(answer):
                self.assertRefused("", kind=kind or "refused")

    def test_userinfo_of_a_stranger_s_key(self):
        signed = self.idp.sign
        stranger = idp.RSAKey.generate_key(2048, {"kid": "one"})

        def sign(claims, header=()):
            if "nonce" not in claims:
                self.idp.key = stranger
            return signed(claims, header)

        self.idp.sign = sign
        self.addCleanup(self.idp.__dict__.pop, "sign")
        self.assertRefused("does not hold")

    def test_new_key_of_the_provider(self):
        """An unknown key is looked for once."""
        known = keys.parse(keys.fetch(self.client.jwks_uri))
        self.idp.key = idp.rsa_key("two")
        self.idp.published = [idp.rsa_key("two")]
        fresh = self.known

        def first_old(anew):
            return fresh(anew) if anew else known

        self.known = first_old
        self.assertEqual(self.sign_in().sub, "alice")
        self.assertIn(True, self.refreshed)
        self.idp.key = idp.rsa_key("three")
        self.assertRefused("key")


class TestTokenRequest(FlowCase):
    def test_assertion(self):
        now = time.time()
        first, second = (token.assertion(self.client, now) for _each in range(2))
        claims = jwt.decode(first, self.key.key, algorithms=["RS256"]).claims
        self.assertEqual(claims["iss"], "spar")
        self.assertEqual(claims["sub"], "spar")
        self.assertEqual(claims["aud"], self.client.token_endpoint)
        self.assertEqual(claims["exp"] - claims["iat"], token.ASSERTION_SECONDS)
        other = jwt.decode(second, self.key.key, algorithms=["RS256"]).claims
        self.assertNotEqual(claims["jti"], other["jti"])
        to_issuer = token.assertion(replace(self.client, assertion_aud="issuer"), now)
        claims = jwt.decode(to_issuer, self.key.key, algorithms=["RS256"]).claims
        self.assertEqual(claims["aud"], self.idp.issuer)

    def test_client_secrets(self):
        for auth in ("client_secret_basic", "client_secret_post"):
            self.idp.clients["sp:ar é"] = {
                "auth": auth,
                "secret": "a:b c%é",
                "redirect_uris": [REDIRECT],
            }
            client = replace(
                self.client, client_id="sp:ar é", client_auth=auth, client_secret="a:b c%é"
            )
            self.assertEqual(self.sign_in(client).sub, "alice")
            wrong = replace(client, client_secret="wrong")
            self.assertRefused("invalid_client", wrong)

    def test_secrets_are_not_shown(self):
        client = replace(self.client, client_secret="s3cret")
        self.assertNotIn("s3cret", repr(client))
        self.assertNotIn("PrivateKey", repr(client))

    def test_answers(self):
        good = {"access_token": "a", "token_type": "bearer", "id_token": "x.y.z"}

        def answer(status=200, **changes):
            return idp._json(status, idp._changed(good, changes))

        for given, text, kind in (
            (answer(token_type="mac"), "token_type", "refused"),
            (answer(token_type=None), "token_type", "refused"),
            (answer(access_token=None), "access_token", "refused"),
            (answer(access_token="a\r\nX: y"), "access_token", "refused"),
            (answer(access_token=5), "access_token", "refused"),
            (answer(id_token=None), "id_token", "refused"),
            (answer(id_token=""), "id_token", "refused"),
            (answer(id_token="x" * 200_000), "id_token", "refused"),
            (answer(400, error="invalid_grant"), "(invalid_grant)", "refused"),
            (answer(400, error="<b>alice"), "(without an error code)", "refused"),
            (answer(302), "302", "refused"),
            ((200, "text/html", b"<html>"), "no JSON object", "refused"),
            ((200, "application/json", b"[]"), "no JSON object", "refused"),
            ((502, "text/html", b"<html>"), "502", "unavailable"),
        ):
            self.idp.token_answer = given
            with self.subTest(text):
                self.assertRefused(text, kind=kind)

    def test_away(self):
        gone = replace(self.client, token_endpoint="http://127.0.0.1:9/token")
        self.assertRefused("Token endpoint", gone, kind="unavailable")
        gone = replace(self.client, userinfo_endpoint="http://127.0.0.1:9/userinfo")
        self.assertRefused("User-info", gone, kind="unavailable")
        self.idp.jwks_answer = (503, "text/html", b"")
        self.assertRefused("Key set", kind="unavailable")

    def test_code_is_bound_to_the_verifier(self):
        attempt = authorization.new_secrets()
        url = authorization.url(self.client, attempt, REDIRECT)
        back = parse_qs(urlsplit(self.idp.authorize(url, "alice")).query)
        with self.assertRaises(token.TokenRefused) as caught:
            other = authorization.new_secrets().verifier
            token.exchange(self.client, back["code"][0], other, REDIRECT, time.time())
        self.assertEqual(caught.exception.error, "invalid_grant")

    def test_basic_header_is_form_encoded(self):
        """RFC 6749 section 2.3.1."""
        client = replace(
            self.client, client_auth="client_secret_basic", client_id="a b", client_secret="c:d"
        )
        _form, headers = token._authentication(client, 0)
        pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
        self.assertEqual(pair, "a%20b:c%3Ad")


class TestProbe(FlowCase):
    def examine(self, client=None):
        address = f"{self.idp.issuer}/.well-known/openid-configuration"
        return probe.examine(client or self.client, address, REDIRECT, time.time())

    def assertFinds(self, level, text, client=None):
        found = [finding.text for finding in self.examine(client) if finding.level == level]
        self.assertTrue(any(text in line for line in found), (text, found))

    def test_all_is_well(self):
        client = replace(self.client, iss_in_redirect=True)
        self.assertEqual({finding.level for finding in self.examine(client)}, {"good"})

    def test_what_is_wrong(self):
        self.assertFinds(
            "bad", "token_endpoint is", replace(self.client, token_endpoint="http://127.0.0.1:9/t")
        )
        self.assertFinds(
            "bad",
            "Token endpoint: 127.0.0.1:9",
            replace(self.client, token_endpoint="http://127.0.0.1:9/t"),
        )
        self.assertFinds("bad", "does not know us", replace(self.client, client_id="spaar"))
        other = jwk.generate("RS256")
        self.assertFinds("bad", "does not know us", replace(self.client, client_key=other))
        self.assertFinds(
            "bad", "none is allowed", replace(self.client, algorithms=frozenset({"ES256"}))
        )
        self.assertFinds(
            "bad", "one of the allowed", replace(self.client, algorithms=frozenset({"ES256"}))
        )
        self.assertFinds(
            "doubt", "issuer is not", replace(self.client, issuer="https://id.example")
        )
        self.assertFinds("doubt", "scopes_supported", replace(self.client, scopes="openid email"))
        self.assertFinds("doubt", "names itself on return", self.client)

    def test_odd_token_endpoints(self):
        self.idp.token_answer = idp._json(
            200, {"access_token": "a", "token_type": "Bearer", "id_token": "x.y.z"}
        )
        self.assertFinds("bad", "never given out")
        self.idp.token_answer = idp._json(400, {"error": "invalid_request"})
        self.assertFinds("doubt", "cannot be told")
        self.idp.token_answer = idp._json(400, {"error": "invalid_transaction"})
        self.assertFinds("good", "refuses an invented code")
        self.idp.jwks_answer = (200, "application/json", json.dumps({"keys": []}).encode())
        self.assertFinds("bad", "Key set")
