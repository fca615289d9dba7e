# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import hmac
import json
from datetime import UTC, datetime, timedelta

import jwt as pyjwt
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from odoo.tests import BaseCase

from odoo.addons.g2p_spar_connector.g2p_connect.jwk import PublicKey

from ..access_jwt import Issuer, TokenProblem, UnknownKey, parse, scopes, verify

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEYS = {
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
CLAIMS = {
    "iss": "https://login.example.org",
    "aud": "spar",
    "client_id": "bank",
    "scope": "mapper.link mapper.resolve openid",
    "iat": SECONDS,
    "exp": SECONDS + 300,
}
REGISTRY = jws.JWSRegistry(algorithms=[*KEYS])


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class TestAccessJwt(BaseCase):
    def setUp(self):
        super().setUp()
        self.issuer = Issuer(
            id=1,
            name=CLAIMS["iss"],
            audience="spar",
            algorithms=frozenset(KEYS),
            skew=60,
            client_claim="client_id",
            keys=[PublicKey(name, name, key) for name, key in KEYS.items()],
        )

    def token(self, algorithm="ES256", key=None, header=None, **claims):
        claims = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
        header = {"alg": algorithm, "kid": algorithm, **(header or {})}
        header = {name: value for name, value in header.items() if value is not None}
        payload = json.dumps(claims).encode()
        return jws.serialize_compact(header, payload, key or KEYS[algorithm], registry=REGISTRY)

    def verify(self, text, **issuer):
        token = parse(text)
        verify(token, self.issuer._replace(**issuer), NOW)
        return token

    def assertRefused(self, text, reason, kind=TokenProblem, **issuer):
        with self.assertRaises(kind) as raised:
            self.verify(text, **issuer)
        self.assertIn(reason, str(raised.exception))

    def test_good_tokens(self):
        for algorithm in KEYS:
            with self.subTest(algorithm):
                token = self.verify(self.token(algorithm))
                self.assertEqual(token.claims["client_id"], "bank")

    def test_token_made_by_another_library(self):
        for algorithm, key in KEYS.items():
            with self.subTest(algorithm):
                text = pyjwt.encode(CLAIMS, key.private_key, algorithm, headers={"kid": algorithm})
                self.verify(text)

    def test_audience(self):
        self.verify(self.token(aud=["other", "spar"]))
        for aud in (
            None,
            "other",
            ["other"],
            [],
            "spa",
            "SPAR",
            ["spar2"],
            {"spar": 1},
            [["spar"]],
        ):
            with self.subTest(aud=aud):
                self.assertRefused(self.token(aud=aud), "aud")

    def test_times(self):
        for claims in ({"exp": SECONDS - 59}, {"nbf": SECONDS + 59}, {"iat": SECONDS + 60}):
            with self.subTest(**claims):
                self.verify(self.token(**claims))
        for claims, reason in (
            ({"exp": None}, "expired"),
            ({"exp": SECONDS - 60}, "expired"),
            ({"exp": 0}, "expired"),
            ({"nbf": SECONDS + 61}, "not hold yet"),
            ({"iat": SECONDS + 61}, "not hold yet"),
            ({"exp": str(SECONDS + 300)}, "no number"),
            ({"exp": True}, "no number"),
            ({"nbf": [1]}, "no number"),
        ):
            with self.subTest(**claims):
                self.assertRefused(self.token(**claims), reason)
        self.assertRefused(self.token(exp=SECONDS - 1), "expired", skew=0)

    def test_algorithm(self):
        """Only those of the issuer, and each key only for its own kind."""
        self.assertRefused(self.token("RS256"), "algorithm", algorithms=frozenset({"ES256"}))
        good = self.token("RS256")
        body, signature = good.split(".")[1:]
        for alg in ("none", "NONE", "HS256", "RS512", "", None, ["RS256"], {"a": 1}, "EdDSA"):
            with self.subTest(alg=alg):
                header = encode({"alg": alg, "kid": "RS256"})
                self.assertRefused(f"{header}.{body}.{signature}", "")
                self.assertRefused(f"{header}.{body}.", "")

    def test_public_key_as_a_secret(self):
        """HS256 with the bytes of the public key, the oldest trick of all."""
        signed = f"{encode({'alg': 'HS256', 'kid': 'RS256'})}.{encode(CLAIMS)}"
        secret = KEYS["RS256"].as_pem(private=False)
        mac = hmac.digest(secret, signed.encode(), "sha256")
        text = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        self.assertRefused(text, "algorithm")
        self.assertRefused(text, "", algorithms=frozenset({"RS256"}))

    def test_another_key(self):
        other = ECKey.generate_key("P-256")
        self.assertRefused(self.token("ES256", other), "signature")
        # its own key within the token is not looked at
        jwk = other.as_dict(private=False)
        self.assertRefused(self.token("ES256", other, {"jwk": jwk}), "signature")
        self.assertRefused(self.token("PS256", KEYS["RS256"]), "signature")

    def test_key_name(self):
        for kid in ("new", None, "es256", ""):
            with self.subTest(kid=kid):
                self.assertRefused(self.token(header={"kid": kid}), "not known", UnknownKey)
        self.assertRefused(self.token(), "not known", UnknownKey, keys=[])

    def test_altered(self):
        header, body, signature = self.token().split(".")
        richer = encode(CLAIMS | {"scope": "mapper.update"})
        self.assertRefused(f"{header}.{richer}.{signature}", "signature")
        for text in (
            f"{header}.{body}.",
            f"{header}.{body}.{signature[:-2]}",
            f"{header}.{body}.{signature}.x",
            f"{header}.{body}",
            f"{header}.{body}=.{signature}",
            f"{header}.{body}.ä",
            f".{body}.{signature}",
            "..",
            f"{encode([])}.{body}.{signature}",
            f"{header}.{encode('text')}.{signature}",
            f"{header}.{'a' * 9000}.{signature}",
        ):
            with self.subTest(text[:40]):
                self.assertRefused(text, "")

    def test_duplicate_members(self):
        """Two readers must not see two different tokens."""
        text = b'{"aud": "spar", "aud": "other"}'
        body = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
        self.assertRefused(f"{encode({'alg': 'ES256'})}.{body}.AA", "no JWT")

    def test_other_kinds(self):
        self.verify(self.token(header={"typ": "at+jwt"}))
        self.verify(self.token(header={"typ": "JWT"}))
        for header in ({"typ": "logout+jwt"}, {"typ": "dpop+jwt"}, {"typ": ""}):
            with self.subTest(**header):
                self.assertRefused(self.token(header=header), "kind")
        for header in ({"crit": ["b64"], "b64": False}, {"crit": []}, {"typ": 1}, {"typ": None}):
            with self.subTest(**header):
                header = encode({"alg": "ES256", "kid": "ES256", **header})
                self.assertRefused(f"{header}.{encode(CLAIMS)}.AA", "kind")
        self.assertRefused(self.token(cnf={"jkt": "x"}), "cnf")

    def test_keys_hold_for_a_time(self):
        key = self.issuer.keys[2]._replace(not_after=NOW - timedelta(days=1))
        self.assertRefused(self.token("ES256"), "signature", keys=[key])

    def test_scopes(self):
        for scope, words in (
            ("mapper.link  mapper.resolve", {"mapper.link", "mapper.resolve"}),
            (["mapper.link", 3, None], {"mapper.link"}),
            ("", set()),
            (None, set()),
            (7, set()),
            ({"mapper.link": 1}, set()),
        ):
            with self.subTest(scope=scope):
                self.assertEqual(scopes({"scope": scope}), words)
        self.assertEqual(scopes({}), frozenset())
