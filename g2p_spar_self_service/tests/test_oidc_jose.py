# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import json

from joserfc import jwe, jws
from joserfc.jwk import OctKey, RSAKey

from odoo.tests.common import BaseCase

from odoo.addons.g2p_spar_connector.g2p_connect import jwk

from ..oidc import OidcProblem, UnknownKey, jose, keys
from . import identity_provider as idp

ALLOWED = frozenset(jwk.ALGORITHMS)


def key_set(*owned):
    return keys.parse(json.dumps({"keys": [key.as_dict(private=False) for key in owned]}).encode())


def sign(key, algorithm="RS256", claims=None, payload=None, **header):
    header = {"alg": algorithm, "kid": key.kid, **header}
    header = {name: value for name, value in header.items() if value is not None}
    payload = json.dumps(claims or {"sub": "alice"}).encode() if payload is None else payload
    return jws.serialize_compact(header, payload, key, algorithms=idp.ALGORITHMS)


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class TestVerify(BaseCase):
    def setUp(self):
        super().setUp()
        self.key, self.other = idp.rsa_key("one"), idp.rsa_key("two")
        self.keys = key_set(self.key, self.other, idp.other_key("ES256"), idp.other_key("EdDSA"))

    def assertRefused(self, token, text, allowed=ALLOWED, known=None):
        with self.assertRaises(OidcProblem) as caught:
            jose.verify(token, known or self.keys, allowed)
        self.assertIn(text, str(caught.exception))
        self.assertNotIn("alice", str(caught.exception))

    def test_algorithms(self):
        for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
            key = idp.other_key(algorithm) if algorithm[0] == "E" else self.key
            verified = jose.verify(sign(key, algorithm), self.keys, ALLOWED)
            self.assertEqual(verified, ({"sub": "alice"}, algorithm))
            self.assertRefused(sign(key, algorithm), "alg", allowed=ALLOWED - {algorithm})

    def test_ed25519_by_its_newer_name(self):
        """RFC 9864."""
        verified = jose.verify(sign(idp.other_key("EdDSA"), "Ed25519"), self.keys, ALLOWED)
        self.assertEqual(verified.algorithm, "EdDSA")

    def test_unsigned_and_symmetric(self):
        self.assertRefused(idp.unsigned(sign(self.key)), "alg")
        for spelling in ("none", "None", "NONE", "nOnE", "", None, 5):
            header = encode(json.dumps({"alg": spelling}).encode())
            self.assertRefused(f"{header}.{encode(b'{}')}.", "alg")
        self.assertRefused(idp.symmetric(sign(self.key), self.key), "alg")
        self.assertRefused(sign(self.key, "RS384"), "alg")

    def test_whose_key(self):
        stranger = RSAKey.generate_key(2048, {"kid": "one"})
        self.assertRefused(sign(stranger), "does not hold")
        self.assertRefused(sign(self.other, kid="one"), "does not hold")
        with self.assertRaises(UnknownKey):
            jose.verify(sign(self.key, kid="three"), self.keys, ALLOWED)
        self.assertRefused(sign(self.key, "RS256", kid="ec"), "another algorithm")
        # what a token says of keys elsewhere is never looked at
        own = {"jwk": stranger.as_dict(private=False), "jku": "https://evil.example/jwks"}
        self.assertRefused(sign(stranger, **own), "does not hold")

    def test_without_kid(self):
        token = sign(self.key, kid=None)
        alone = key_set(self.key, idp.other_key("ES256"))
        self.assertEqual(jose.verify(token, alone, ALLOWED).claims, {"sub": "alice"})
        self.assertRefused(token, "several could be meant")

    def test_stated_algorithm_of_a_key(self):
        stated = {**self.key.as_dict(private=False), "alg": "RS256"}
        known = keys.parse(json.dumps({"keys": [stated]}).encode())
        self.assertTrue(jose.verify(sign(self.key, "RS256"), known, ALLOWED))
        self.assertRefused(sign(self.key, "PS256"), "another algorithm", known=known)

    def test_altered(self):
        header, payload, signature = sign(self.key).split(".")
        other = encode(b'{"sub":"mallory"}')
        for token in (
            f"{header}.{other}.{signature}",
            f"{header}.{payload}.{encode(b'x' * 256)}",
            f"{header}.{payload}.",
        ):
            self.assertRefused(token, "does not hold")

    def test_form(self):
        header, payload, signature = sign(self.key).split(".")
        for token, text in (
            ("", "3 parts"),
            (None, "no text"),
            ("a.b", "3 parts"),
            (f"{header}.{payload}.{signature}.", "3 parts"),
            (f"{header}.{payload}.{signature}=", "base64url"),
            (f"{header} .{payload}.{signature}", "base64url"),
            (f"{header}\n.{payload}.{signature}", "base64url"),
            (f"{encode(b'[]')}.{payload}.{signature}", "no JSON object"),
            (f"{encode(b'{')}.{payload}.{signature}", "no JSON"),
            ("é" + header, "no text"),
            ("a" * (jose.MAX_LENGTH + 1), "too long"),
        ):
            self.assertRefused(token, text)
        # the last character of base64 has bits to spare: only one spelling is good
        spare = signature[:-1] + chr(ord(signature[-1]) + 1)
        self.assertRefused(f"{header}.{payload}.{spare}", "")

    def test_header(self):
        for header, text in (
            ({"typ": "at+jwt"}, "typ"),
            ({"typ": "logout+jwt"}, "typ"),
        ):
            self.assertRefused(sign(self.key, **header), text)
        for name, value in (("crit", ["exp"]), ("b64", False), ("zip", "DEF"), ("kid", 5)):
            header = encode(json.dumps({"alg": "RS256", "kid": "one", name: value}).encode())
            self.assertRefused(f"{header}.{encode(b'{}')}.{encode(b'x')}", name)
        for typ in (None, "JWT", "jwt", "application/jwt"):
            self.assertTrue(jose.verify(sign(self.key, typ=typ), self.keys, ALLOWED))

    def test_payload(self):
        for payload, text in (
            (b'{"sub":"alice","sub":"mallory"}', "twice"),
            (b'["alice"]', "no JSON object"),
            (b"alice", "no JSON"),
        ):
            self.assertRefused(sign(self.key, payload=payload), text)


class TestKeySet(BaseCase):
    def test_what_is_passed_over(self):
        good = idp.rsa_key("one").as_dict(private=False)
        short = RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False)
        secret = OctKey.generate_key(256, {"kid": "secret"}).as_dict(private=True)
        private = idp.rsa_key("two").as_dict(private=True)
        encryption = {**good, "use": "enc", "kid": "enc"}
        document = {"keys": [short, secret, private, encryption, "?", good]}
        [key] = keys.parse(json.dumps(document).encode())
        self.assertEqual(key.kid, "one")
        self.assertEqual(key.algorithms, {"RS256", "PS256"})

    def test_no_key_set(self):
        good = idp.rsa_key("one").as_dict(private=False)
        for raw, text in (
            (b"<html>", "no JSON"),
            (b"[]", "must be a JWKS"),
            (b'{"keys": 5}', "must be a JWKS"),
            (b'{"keys": []}', "no key"),
            (json.dumps({"keys": [good] * (keys.MAX_KEYS + 1)}).encode(), "at most"),
        ):
            with self.assertRaises(OidcProblem) as caught:
                keys.parse(raw)
            self.assertIn(text, str(caught.exception))


class TestDecrypt(BaseCase):
    def setUp(self):
        super().setUp()
        self.key = RSAKey.generate_key(2048)

    def encrypt(self, content="a.b.c", key=None, **header):
        header = {"alg": "RSA-OAEP-256", "enc": "A128GCM", **header}
        algorithms = [*jwe.JWERegistry.algorithms["alg"], *jwe.JWERegistry.algorithms["enc"], "DEF"]
        return jwe.encrypt_compact(header, content, key or self.key, algorithms=algorithms)

    def assertRefused(self, token, text):
        with self.assertRaises(OidcProblem) as caught:
            jose.decrypt(token, self.key)
        self.assertIn(text, str(caught.exception))

    def test_algorithms(self):
        for alg in jose.KEY_MANAGEMENT:
            for enc in jose.CONTENT_ENCRYPTION:
                token = self.encrypt(alg=alg, enc=enc, cty="JWT")
                self.assertEqual(jose.decrypt(token, self.key), "a.b.c")

    def test_large_claims(self):
        photograph = "x" * 300_000
        self.assertEqual(jose.decrypt(self.encrypt(photograph), self.key), photograph)

    def test_refused(self):
        stranger = RSAKey.generate_key(2048)
        self.assertRefused(self.encrypt(key=stranger), "cannot be decrypted")
        self.assertRefused(self.encrypt(alg="RSA1_5"), "not encrypted with")
        direct = OctKey.generate_key(128)
        self.assertRefused(self.encrypt(key=direct, alg="dir"), "not encrypted with")
        self.assertRefused(self.encrypt(enc="A192GCM"), "not encrypted with")
        # a small token could become a large one
        self.assertRefused(self.encrypt("x" * 100_000, zip="DEF"), "zip")
        self.assertRefused("a.b.c", "5 parts")
        parts = self.encrypt().split(".")
        parts[3] = encode(b"something else")
        self.assertRefused(".".join(parts), "cannot be decrypted")

    def test_sign_and_verify(self):
        key = jwk.generate("RS256")._replace(algorithm="PS256")
        token = jose.sign({"iss": "spar"}, key)
        found = jws.deserialize_compact(token, key.key, algorithms=["PS256"])
        self.assertEqual(json.loads(found.payload), {"iss": "spar"})
        self.assertEqual(found.headers(), {"alg": "PS256", "kid": key.kid, "typ": "JWT"})
