# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from odoo.tests.common import BaseCase

from ..oidc import OidcProblem, authorization, discovery, logout
from .test_oidc_id_token import CLIENT

SECRETS = authorization.Secrets("the-state", "the-nonce", "the-verifier")


class TestAuthorizationRequest(BaseCase):
    def query(self, client=CLIENT, **options):
        url = authorization.url(client, SECRETS, "https://spar.example/back", **options)
        return parse_qs(urlsplit(url).query, strict_parsing=True)

    def test_parameters(self):
        digest = hashlib.sha256(b"the-verifier").digest()
        self.assertEqual(
            self.query(),
            {
                "response_type": ["code"],
                "client_id": ["spar"],
                "redirect_uri": ["https://spar.example/back"],
                "scope": ["openid"],
                "state": ["the-state"],
                "nonce": ["the-nonce"],
                "code_challenge": [base64.urlsafe_b64encode(digest).rstrip(b"=").decode()],
                "code_challenge_method": ["S256"],
            },
        )

    def test_optional_parameters(self):
        client = replace(CLIENT, acr_values="otp bio", claims_request='{"userinfo":{"name":null}}')
        query = self.query(client, ui_locales="fr-FR", afresh=True)
        self.assertEqual(query["acr_values"], ["otp bio"])
        self.assertEqual(query["claims"], ['{"userinfo":{"name":null}}'])
        self.assertEqual(query["ui_locales"], ["fr-FR"])
        self.assertEqual((query["prompt"], query["max_age"]), (["login"], ["0"]))

    def test_endpoint_with_a_query(self):
        client = replace(CLIENT, authorization_endpoint="https://id.example/a?tenant=1")
        self.assertEqual(self.query(client)["tenant"], ["1"])

    def test_secrets(self):
        made = [authorization.new_secrets() for _each in range(100)]
        values = {value for secrets in made for value in secrets}
        self.assertEqual(len(values), 300)
        # RFC 7636 section 4.1: 43 to 128 characters; 43 of base64url hold 256 bits
        self.assertEqual({len(value) for value in values}, {43})
        self.assertNotIn(made[0].verifier, repr(made[0]))


class TestReturn(BaseCase):
    def test_state(self):
        self.assertEqual(authorization.state_of({"state": ["s"]}), "s")
        for parameters in ({}, {"state": []}, {"state": ["s", "t"]}, {"state": ["s" * 5000]}):
            self.assertEqual(authorization.state_of(parameters), "")

    def test_code(self):
        named = replace(CLIENT, iss_in_redirect=True)
        right = {"code": ["c"], "iss": ["https://id.example"]}
        self.assertEqual(authorization.code_of({"code": ["c"]}, CLIENT), "c")
        self.assertEqual(authorization.code_of(right, CLIENT), "c")
        self.assertEqual(authorization.code_of(right, named), "c")
        for client, parameters, text, kind in (
            (CLIENT, {}, "no usable code", "refused"),
            (CLIENT, {"code": [""]}, "no usable code", "refused"),
            (CLIENT, {"code": ["c\n"]}, "no usable code", "refused"),
            (CLIENT, {"code": ["é"]}, "no usable code", "refused"),
            (CLIENT, {"code": ["c" * 5000]}, "no usable code", "refused"),
            (CLIENT, {"code": ["c", "d"]}, "twice", "refused"),
            (CLIENT, {"code": ["c"], "iss": ["https://evil.example"]}, "iss", "refused"),
            (CLIENT, {"code": ["c"], "iss": [""]}, "iss", "refused"),
            (CLIENT, {"code": ["c"], "iss": ["https://id.example"] * 2}, "twice", "refused"),
            (named, {"code": ["c"]}, "iss", "refused"),
            (named, {"error": ["access_denied"]}, "iss", "refused"),
            (CLIENT, {"error": ["access_denied"]}, "access_denied", "declined"),
            (CLIENT, {"error": ["access_denied"], "code": ["c"]}, "access_denied", "declined"),
            (CLIENT, {"error": ["temporarily_unavailable"]}, "temporarily", "unavailable"),
            (CLIENT, {"error": ["<script>"]}, "another one", "refused"),
        ):
            with self.subTest(parameters), self.assertRaises(OidcProblem) as caught:
                authorization.code_of(parameters, client)
            self.assertIn(text, str(caught.exception))
            self.assertEqual(caught.exception.kind, kind)


class TestDiscovery(BaseCase):
    def test_read(self):
        metadata = discovery.read(
            b'{"issuer": "https://id.example", "token_endpoint": "https://id.example/token",'
            b' "authorization_response_iss_parameter_supported": true,'
            b' "scopes_supported": ["openid", 5], "other": 1}',
            "https://id.example",
        )
        self.assertEqual(metadata.endpoints, {"token_endpoint": "https://id.example/token"})
        self.assertTrue(metadata.iss_in_redirect)
        self.assertEqual(metadata.lists, {"scopes_supported": ("openid",)})

    def test_refused(self):
        for raw, text in (
            (b"<html>", "no JSON"),
            (b"[]", "JSON object"),
            (b"{}", "issuer"),
            (b'{"issuer": "https://evil.example"}', "issuer"),
            (b'{"issuer": "https://id.example/"}', "issuer"),
            (b'{"issuer": "https://id.example", "jwks_uri": 5}', "jwks_uri"),
            (b'{"issuer": "https://id.example", "token_endpoint": "ftp://x"}', "token_endpoint"),
            (b'{"issuer": "https://id.example", "issuer": "https://id.example"}', "twice"),
        ):
            with self.subTest(raw), self.assertRaises(OidcProblem) as caught:
                discovery.read(raw, "https://id.example")
            self.assertIn(text, str(caught.exception))

    def test_address(self):
        for issuer in ("https://id.example/v1", "https://id.example/v1/"):
            self.assertEqual(
                discovery.address(issuer),
                "https://id.example/v1/.well-known/openid-configuration",
            )


class TestLogout(BaseCase):
    def test_form(self):
        self.assertEqual(
            logout.form("spar", "a.b.c", "https://spar.example/"),
            {
                "id_token_hint": "a.b.c",
                "client_id": "spar",
                "post_logout_redirect_uri": "https://spar.example/",
            },
        )
