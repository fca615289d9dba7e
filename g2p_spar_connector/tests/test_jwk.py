# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from datetime import UTC, datetime, timedelta

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import example, given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import jwk
from . import strategies as s
from .test_hostile_input import nasty, nasty_text

PRIVATE = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def pem(native):
    return native.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(native):
    return native.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def as_jwk(native, algorithm, **members):
    value = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(native))
    value.pop("key_ops", None)
    return value | members


def certificate(private, begin, end):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bank.example.org")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    return builder.sign(private, SHA256()).public_bytes(Encoding.PEM).decode()


class TestParse(BaseCase):
    def assertProblem(self, what, *args, **kwargs):
        with self.assertRaisesRegex(jwk.KeyProblem, what):
            jwk.parse(*args, **kwargs)

    def test_every_form_is_the_same_key(self):
        for algorithm, private in PRIVATE.items():
            public = private.public_key()
            value = as_jwk(public, algorithm)
            forms = {
                "PEM": pem(public),
                "JWK": json.dumps(value),
                "JWKS": json.dumps({"keys": [value]}),
                "certificate": None,
            }
            if algorithm == "RS256":
                now = datetime.now(UTC)
                forms["certificate"] = certificate(private, now, now + timedelta(1))
            for form, text in forms.items():
                if text is None:
                    continue
                with self.subTest(algorithm=algorithm, form=form):
                    [key] = jwk.parse(f"\n {text}\n")
                    self.assertEqual(key.algorithm, algorithm)
                    self.assertEqual(key.kid, jwk.fingerprint(key))
                    self.assertEqual(jwk.fingerprint(key), jwk.fingerprint(jwk.from_jwk(value)))
                    self.assertEqual(jwk.public_jwk(key).items() & value.items(), value.items())

    def test_fingerprint_of_the_standards(self):
        """RFC 7638 section 3.1, RFC 8037 appendix A.3."""
        modulus = (
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
            "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0"
            "_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWh"
            "AI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        )
        for value, thumbprint in (
            (
                {"kty": "RSA", "n": modulus, "e": "AQAB"},
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ),
            (
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                },
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
        ):
            self.assertEqual(jwk.fingerprint(jwk.from_jwk(value)), thumbprint)

    def test_one_key_has_one_fingerprint(self):
        """Numbers with leading zeros are no other key: a revoked one must be recognised."""
        value = as_jwk(PRIVATE["RS256"].public_key(), "RS256")
        self.assertEqual(value["e"], "AQAB")
        again = jwk.from_jwk(value | {"e": "AAEAAQ"})
        self.assertEqual(jwk.fingerprint(again), jwk.fingerprint(jwk.from_jwk(value)))

    def test_name_and_algorithm(self):
        text = pem(PRIVATE["RS256"].public_key())
        [key] = jwk.parse(text, kid="mine", algorithm="PS256")
        self.assertEqual((key.kid, key.algorithm), ("mine", "PS256"))
        value = as_jwk(PRIVATE["RS256"].public_key(), "RS256", kid="own", alg="PS256")
        [key] = jwk.parse(json.dumps(value), kid="mine", algorithm="RS256")
        self.assertEqual((key.kid, key.algorithm), ("own", "PS256"), "the key says it itself")
        ed = as_jwk(PRIVATE["EdDSA"].public_key(), "EdDSA", alg="Ed25519")
        self.assertEqual(jwk.from_jwk(ed).algorithm, "EdDSA")
        for algorithm in ("HS256", "none", "ES256", "RS512", "rs256", ["RS256"], 1):
            with self.subTest(algorithm):
                self.assertProblem("alg", json.dumps(value | {"alg": algorithm}))

    def test_certificate_has_validity(self):
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        end = datetime(2027, 1, 1, tzinfo=UTC)
        [key] = jwk.parse(certificate(PRIVATE["RS256"], begin, end))
        self.assertEqual((key.not_before, key.not_after), (begin, end))
        for moment, valid in (
            (begin - timedelta(seconds=1), False),
            (begin, True),
            (end - timedelta(seconds=1), True),
            (end, False),
        ):
            self.assertEqual(key.is_valid(moment), valid)

    def test_private_keys_are_refused(self):
        for algorithm, private in PRIVATE.items():
            with self.subTest(algorithm):
                self.assertProblem("private", private_pem(private))
                value = as_jwk(private, algorithm)
                self.assertIn("d", value)
                self.assertProblem("private", json.dumps(value))
                self.assertProblem("private", json.dumps({"keys": [value]}))
                both = pem(private.public_key()) + private_pem(private)
                self.assertProblem("private", both)
        self.assertProblem("symmetric", '{"kty": "oct", "k": "AAAA"}')
        self.assertProblem("kty", '{"kty": "oct"}')

    def test_weak_and_unknown_keys_are_refused(self):
        small = rsa.generate_private_key(65537, 1024).public_key()
        for what, native in (
            ("2048", small),
            ("P-256", ec.generate_private_key(ec.SECP384R1()).public_key()),
            ("P-256", ec.generate_private_key(ec.SECP256K1()).public_key()),
            ("Ed25519", ed448.Ed448PrivateKey.generate().public_key()),
            ("RSA, EC or Ed25519", dsa.generate_private_key(2048).public_key()),
        ):
            with self.subTest(what):
                self.assertProblem(what, pem(native))
        value = as_jwk(PRIVATE["RS256"].public_key(), "RS256")
        for what, members in (
            ("valid key|exponent", {"e": "AQ"}),  # 1: every signature is its own message
            ("valid key|exponent", {"e": value["n"][:200] + "B"}),
            ("valid key|2048", {"n": "AQAB"}),
            ("moderate", {"n": "A" * 1401}),
            ("string", {"n": None}),
            ("valid key", {"n": "§"}),
            ("use", {"use": "enc"}),
            ("key_ops", {"key_ops": ["sign"]}),
            ("key_ops", {"key_ops": 1}),
            ("kid", {"kid": "x" * 256}),
            ("kid", {"kid": "a\nb"}),
            ("kid", {"kid": ["a"]}),
            ("kty", {"kty": "rsa"}),
            ("kty", {"kty": None}),
        ):
            with self.subTest(members):
                self.assertProblem(what, json.dumps(value | members))
        curve = as_jwk(PRIVATE["ES256"].public_key(), "ES256")
        self.assertProblem("crv", json.dumps(curve | {"crv": "P-521"}))
        self.assertProblem("valid key", json.dumps(curve | {"x": curve["y"]}))  # off the curve

    def test_other_texts_are_refused(self):
        public = pem(PRIVATE["EdDSA"].public_key())
        for text in ("", "x", "[]", "{", "{}", '{"keys": []}', '{"keys": {}}', '{"keys": [1]}'):
            with self.subTest(text):
                self.assertProblem("", text)
        self.assertProblem("several", public + public)
        self.assertProblem("read", public.replace("MCow", "MCox"))
        self.assertProblem("read", "-----BEGIN PUBLIC KEY-----\n\ud800")
        self.assertProblem("long", "x" * 200_000)
        self.assertProblem("twice", '{"kty": "RSA", "kty": "EC"}')

    def test_nothing_of_a_key_is_repeated(self):
        for text in (
            json.dumps(as_jwk(PRIVATE["EdDSA"], "EdDSA")),
            '{"kty": "SECRET", "n": "SECRET"}',
            '{"kty": "OKP", "crv": "Ed25519", "x": "SECRET"}',
            '{"kty": "EC", "crv": "SECRET", "alg": "SECRET"}',
            "-----BEGIN PUBLIC KEY-----\nSECRET\n-----END PUBLIC KEY-----",
            "SECRET",
        ):
            with self.assertRaises(jwk.KeyProblem) as caught:
                jwk.parse(text)
            self.assertNotIn("SECRET", str(caught.exception))
            self.assertNotIn(as_jwk(PRIVATE["EdDSA"], "EdDSA")["d"], str(caught.exception))

    @s.quick
    @given(
        st.dictionaries(st.sampled_from(["kty", "crv", "n", "e", "x", "y", "alg", "kid"]), nasty)
    )
    @example({"kty": "RSA", "n": "", "e": ""})
    @example({"kty": "RSA", "n": "A" * 400, "e": "AQAB"})
    @example({"kty": "EC", "crv": "P-256", "x": "", "y": ""})
    @example({"kty": "OKP", "crv": "Ed25519", "x": "AA=="})
    def test_hostile_jwk(self, value):
        with self.assertRaises(jwk.KeyProblem):
            jwk.from_jwk(value)

    @s.quick
    @given(nasty_text)
    def test_hostile_text(self, text):
        for form in (text, "{" + text, f"-----BEGIN PUBLIC KEY-----{text}"):
            with self.assertRaises(jwk.KeyProblem):
                jwk.parse(form)


class TestJwks(BaseCase):
    def setUp(self):
        super().setUp()
        self.values = [as_jwk(p.public_key(), a, kid=a) for a, p in PRIVATE.items()]

    def parse(self, *keys):
        return jwk.parse_jwks(json.dumps({"keys": keys}).encode())

    def test_several(self):
        found = self.parse(*self.values)
        self.assertEqual([key.kid for key in found.keys], list(PRIVATE))
        self.assertFalse(found.passed_over)

    def test_unusable_keys_do_not_spoil_the_others(self):
        found = self.parse(
            self.values[0],
            {"kty": "oct", "k": "AAAA"},
            self.values[1] | {"use": "enc"},
            self.values[1] | {"crv": "P-521"},
            7,
        )
        self.assertEqual([key.kid for key in found.keys], ["RS256"])
        self.assertEqual(len(found.passed_over), 3)
        self.assertIn("keys[1]: This is a private or symmetric key", found.passed_over[0])

    def test_pasted_ones_must_all_be_good(self):
        text = json.dumps({"keys": [self.values[0], {"kty": "oct"}]})
        with self.assertRaisesRegex(jwk.KeyProblem, r"keys\[1\]: kty"):
            jwk.parse(text)

    def test_documents_without_a_key(self):
        for raw in (b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct"}]}', b"\xff"):
            with self.subTest(raw), self.assertRaises(jwk.KeyProblem):
                jwk.parse_jwks(raw)
        with self.assertRaisesRegex(jwk.KeyProblem, "at most 20"):
            self.parse(*[self.values[0]] * 21)


class TestOwnKeys(BaseCase):
    def test_inverse(self):
        for algorithm in ("EdDSA", "RS256"):
            key = jwk.generate(algorithm)
            again = jwk.private_key(key.kid, key.algorithm, jwk.private_bytes(key))
            self.assertEqual(jwk.public_jwk(again), jwk.public_jwk(key))
            self.assertTrue(again.key.is_private)
            public = jwk.public_jwk(key)
            self.assertEqual(public["kid"], jwk.fingerprint(key))
            self.assertFalse({"d", "p", "q", "dp", "dq", "qi"} & public.keys())
            self.assertNotIn(key.key.as_dict(private=True)["d"], json.dumps(public))
