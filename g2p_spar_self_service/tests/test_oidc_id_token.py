# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import hashlib
from dataclasses import replace

from odoo.tests.common import BaseCase

from ..oidc import Client, OidcProblem, id_token

NOW = 1_800_000_000.0
SINCE = NOW - 60
ACCESS_TOKEN = "an-access-token"
CLIENT = Client(
    issuer="https://id.example",
    client_id="spar",
    authorization_endpoint="https://id.example/authorize",
    token_endpoint="https://id.example/token",
    jwks_uri="https://id.example/jwks",
)
EXPECTED = id_token.Expected("the-nonce", SINCE)


def at_hash(algorithm=hashlib.sha256):
    digest = algorithm(ACCESS_TOKEN.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


CLAIMS = {
    "iss": "https://id.example",
    "sub": "alice",
    "aud": "spar",
    "exp": NOW + 300,
    "iat": NOW - 1,
    "auth_time": NOW - 1,
    "nonce": "the-nonce",
    "acr": "otp",
}


class TestIdToken(BaseCase):
    def check(self, client=CLIENT, expected=EXPECTED, algorithm="RS256", **changes):
        claims = {name: v for name, v in {**CLAIMS, **changes}.items() if v is not None}
        id_token.check(claims, algorithm, ACCESS_TOKEN, client, expected, NOW)

    def test_accepted(self):
        self.check()
        self.check(aud=["spar"])
        self.check(aud=["spar", "other"], azp="spar")
        self.check(azp="spar")
        self.check(at_hash=at_hash())
        self.check(at_hash=at_hash(hashlib.sha512), algorithm="EdDSA")
        self.check(nbf=NOW + 59)
        self.check(auth_time=None, acr=None)
        # within the clock skew, to both sides
        self.check(exp=NOW - 59, iat=NOW + 59)
        self.check(iat=SINCE - 59)

    def test_refused(self):
        for changes, text in (
            ({"iss": None}, "iss"),
            ({"iss": "https://id.example/"}, "iss"),
            ({"iss": "https://ID.example"}, "iss"),
            ({"iss": ["https://id.example"]}, "iss"),
            ({"sub": None}, "sub"),
            ({"sub": ""}, "sub"),
            ({"sub": 5}, "sub"),
            ({"sub": "x" * 256}, "sub"),
            ({"aud": None}, "aud"),
            ({"aud": "other"}, "aud"),
            ({"aud": "spar-2"}, "aud"),
            ({"aud": ["other"]}, "aud"),
            ({"aud": {"spar": 1}}, "aud"),
            ({"aud": ["spar", "other"]}, "azp"),
            ({"aud": ["spar", "other"], "azp": "other"}, "azp"),
            ({"azp": "other"}, "azp"),
            ({"exp": None}, "exp"),
            ({"exp": NOW - 60}, "exp"),
            ({"exp": str(NOW + 300)}, "exp"),
            ({"exp": True}, "exp"),
            ({"exp": float("inf")}, "exp"),
            ({"iat": None}, "iat"),
            ({"iat": NOW + 61}, "iat"),
            ({"iat": SINCE - 61}, "iat"),
            ({"nbf": NOW + 61}, "nbf"),
            ({"nonce": None}, "nonce"),
            ({"nonce": ""}, "nonce"),
            ({"nonce": "the-nonc"}, "nonce"),
            ({"nonce": ["the-nonce"]}, "nonce"),
            ({"at_hash": "x"}, "at_hash"),
            ({"at_hash": at_hash(hashlib.sha512)}, "at_hash"),
            ({"at_hash": 5}, "at_hash"),
            ({"auth_time": "yesterday"}, "auth_time"),
            ({"auth_time": NOW + 61}, "auth_time"),
            ({"auth_time": 2.0**39}, "auth_time"),
        ):
            with self.subTest(changes), self.assertRaises(OidcProblem) as caught:
                self.check(**changes)
            self.assertIn(text, str(caught.exception))
            self.assertEqual(caught.exception.kind, "refused")
            self.assertNotIn("alice", str(caught.exception))

    def test_clock_skew_is_the_record_s(self):
        strict = replace(CLIENT, clock_skew=0)
        with self.assertRaises(OidcProblem):
            self.check(strict, exp=NOW)
        with self.assertRaises(OidcProblem):
            self.check(strict, iat=NOW + 1)

    def test_acr_required(self):
        client = replace(CLIENT, acr_required=frozenset({"otp", "biometrics"}))
        for acr in ("otp", "biometrics", "password otp"):
            self.check(client, acr=acr)
        for acr in (None, "", "password", "OTP", "otp2", ["otp"], 5):
            with self.subTest(acr), self.assertRaises(OidcProblem) as caught:
                self.check(client, acr=acr)
            self.assertEqual(caught.exception.kind, "level")

    def test_afresh_and_closely(self):
        """One sign-in that came shortly before does not stand for another."""
        expected = EXPECTED._replace(afresh=True, last_auth_time=EXPECTED.since - 90)
        self.check(expected=expected, auth_time=EXPECTED.since - 20)
        expected = expected._replace(closely=True)
        self.check(expected=expected, auth_time=EXPECTED.since - 5)
        with self.assertRaises(OidcProblem):
            self.check(expected=expected, auth_time=EXPECTED.since - 6)

    def test_afresh(self):
        expected = EXPECTED._replace(afresh=True)
        again = expected._replace(last_auth_time=SINCE - 30)
        self.check(expected=expected)
        self.check(expected=expected, auth_time=SINCE - 5)
        self.check(expected=again, auth_time=SINCE - 29)
        self.check(expected=again._replace(last_auth_time=1), auth_time=SINCE - 59)
        for wanted, auth_time in (
            *((expected, value) for value in (None, SINCE - 6, "now", True)),
            *((again, value) for value in (None, SINCE - 30, SINCE - 29.5, SINCE - 31)),
            (again._replace(last_auth_time=1), SINCE - 61),
        ):
            with self.subTest(auth_time), self.assertRaises(OidcProblem) as caught:
                self.check(expected=wanted, auth_time=auth_time)
            self.assertIn("auth_time", str(caught.exception))
