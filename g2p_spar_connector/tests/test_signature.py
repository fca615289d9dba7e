# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import SkipTest

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jws

from odoo.tests import BaseCase

from ..g2p_connect import jsonio, jwk, signature
from ..g2p_connect.signature import SignatureProblem, sign, verify
from . import strategies as s

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "signature_vectors.json"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER_DIALECTS = ("openg2p_1", "openg2p_2")
OURS = {name: jwk.generate(name) for name in ("RS256", "EdDSA")}
OTHER = {name: jwk.generate(name) for name in OURS}
BODY = {
    "header": {"message_id": "1", "sender_id": "Bank.example.org", "é": "ü€𝄞", "n": 1.50},
    "message": {"transaction_id": "1", "resolve_request": [{"id": 'a"}{b'}, {"id": "c"}]},
}


def public(key, **changes):
    return jwk.from_jwk(jwk.public_jwk(key))._replace(**changes)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SignatureCase(BaseCase):
    def key_of(self, dialect):
        return OURS[signature.SIGNING_ALGORITHMS[dialect]]

    def sign(self, dialect, body=None, key=None, now=NOW, **options):
        key = key or self.key_of(dialect)
        return sign(dialect, body or BODY, key, "bank.example.org", now, **options)

    def verify(self, dialect, raw, headers=None, keys=None, now=NOW):
        keys = [public(self.key_of(dialect))] if keys is None else keys
        text = (headers or {}).get("Signature")
        return verify(dialect, raw, jsonio.loads(raw), text, keys, now)

    def assertRefused(self, what, *args, code=signature.INVALID, **kwargs):
        with self.assertRaisesRegex(SignatureProblem, what) as caught:
            self.verify(*args, **kwargs)
        self.assertEqual(caught.exception.code, code)


class TestVectors(SignatureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not VECTORS.exists():
            raise SkipTest(f"The JSON Schemas of the standard are not at {VECTORS.parent}")
        vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
        cls.vectors = {vector["name"]: vector for vector in vectors}
        cls.published = cls.vectors["beckn-006"]
        x = b64(base64.b64decode(cls.published["public_key_b64"]))
        cls.key = jwk.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": x}, kid="bap1234")

    def test_bit_by_bit(self):
        for name, vector in self.vectors.items():
            with self.subTest(name):
                signed = (vector.get("body") or vector["digest_input"]).encode()
                text = signature._signing_string("1641287875", "1641291475", signed)
                self.assertEqual(text.decode(), vector["signing_string"])
                value = base64.b64decode(vector["signature"])
                self.assertTrue(signature._holds(self.key, text, value))
                self.assertFalse(signature._holds(self.key, text + b" ", value))

    def test_whole_message(self):
        """But for its lifetime of an hour, the derived vector is a message that we accept."""
        vector = self.vectors["g2p raw-concat {header}{message}"]
        header, _, message = vector["digest_input"].partition('{"transaction_id"')
        raw = (
            f'{{"signature": {json.dumps(vector["signature_field"])},\n "header": {header} ,'
            f'"message":\t{{"transaction_id"{message} }}'
        ).encode()
        now = datetime.fromtimestamp(1641287900, UTC)
        with self.assertRaisesRegex(SignatureProblem, "at most 300 seconds"):
            self.verify("g2p_connect", raw, keys=[self.key], now=now)
        self.patch(signature, "MAX_LIFETIME", timedelta(hours=1))
        verified = self.verify("g2p_connect", raw, keys=[self.key], now=now)
        self.assertEqual(verified.kid, "bap1234")
        self.assertEqual(verified.created, datetime.fromtimestamp(1641287875, UTC))
        self.assertEqual(verified.expires, datetime.fromtimestamp(1641291475, UTC))


class TestRoundTrip(SignatureCase):
    def test_every_dialect(self):
        for dialect in signature.DIALECTS:
            with self.subTest(dialect):
                signed = self.sign(dialect)
                verified = self.verify(dialect, signed.raw, signed.headers)
                self.assertEqual(verified.kid, self.key_of(dialect).kid)
                payload = jsonio.loads(signed.raw)
                payload.pop("signature", None)
                self.assertEqual(payload, BODY)

    @s.quick
    @given(
        st.dictionaries(s.text, s.json_values, max_size=3),
        st.permutations(["signature", "header", "message", "mor\u00e9"]),
        st.integers(0, 4),
        st.booleans(),
    )
    def test_any_message(self, values, order, indent, ascii_only):
        """Whatever the order of members, the white space and the escapes around the values."""
        body = {name: values for name in order if name != "signature"}
        for dialect in HEADER_DIALECTS:
            signed = self.sign(dialect, body)
            self.verify(dialect, signed.raw, signed.headers)
        signed = jsonio.loads(self.sign("g2p_connect", body).raw)
        rewritten = {name: signed[name] for name in order}
        raw = json.dumps(rewritten, ensure_ascii=ascii_only, indent=indent or None).encode()
        parts = signature.signed_parts(raw, jsonio.loads(raw))
        values_again = [json.loads(part) for part in _objects(parts.decode())]
        self.assertEqual(values_again, [values, values])

    @s.quick
    @given(
        st.dictionaries(s.text, s.json_values | st.floats(allow_nan=False, allow_infinity=False))
    )
    @example({"a": [1.5, "x"]})
    @example({"a": 1e16})
    @example({"a": "\x7f"})
    @example({"a": "é"})
    @example({"a": 'b:1.5,"'})
    def test_openg2p_1_signs_what_pythons_json_writes(self, body):
        expected = json.dumps(body, separators=(",", ":")).encode()
        self.assertEqual(signature.canonical("openg2p_1", body), expected)

    def test_all_bytes_but_white_space_around_are_kept(self):
        raw = ' {\r\n"he\\u0061der" :\t{"a" : 1.0} , "x": [1, 2],"message"\n: {"b":"\\u00e9é"}\n} '
        parts = signature.signed_parts(raw.encode(), jsonio.loads(raw.encode()))
        self.assertEqual(parts.decode(), '{"a" : 1.0}{"b":"\\u00e9é"}')
        self.assertEqual(signature.signed_parts(b'{"message": {}}', {"message": {}}), b"{}")
        self.assertEqual(signature.signed_parts(b"{ }", {}), b"")

    def test_a_signature_before_is_replaced(self):
        signed = self.sign("g2p_connect", {"signature": None, **BODY})
        self.verify("g2p_connect", signed.raw)
        signed = self.sign("openg2p_1", {"signature": None, **BODY})
        self.assertIsNone(jsonio.loads(signed.raw)["signature"])

    def test_acknowledgements_have_no_header(self):
        signed = self.sign("g2p_connect", {"message": {"ack_status": "ACK"}})
        self.verify("g2p_connect", signed.raw)


def _objects(text):
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        _value, end = decoder.raw_decode(text, place)
        yield text[place:end]
        place = end


class TestInterop(SignatureCase):
    """Both ways with PyJWT and with joserfc's own JWS."""

    native = {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": Ed25519PrivateKey.generate(),
    }
    native["PS256"] = native["RS256"]

    def registered(self, algorithm):
        value = jwt.get_algorithm_by_name(algorithm).to_jwk(self.native[algorithm].public_key())
        value = json.loads(value) | {"kid": "theirs", "alg": algorithm, "use": "sig"}
        value.pop("key_ops", None)
        return jwk.from_jwk(value)

    def signed_bytes(self, dialect):
        if dialect == "openg2p_1":  # as OpenG2P SPAR 1.x writes it again
            return json.dumps(BODY, separators=(",", ":")).encode()
        text = json.dumps(BODY, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return text.encode()

    def test_pyjwt_signs(self):
        raw = json.dumps(BODY, indent=2, ensure_ascii=False).encode()
        for dialect in HEADER_DIALECTS:
            for algorithm in jwk.ALGORITHMS:
                for signed in (raw, self.signed_bytes(dialect)):
                    with self.subTest(dialect=dialect, algorithm=algorithm):
                        native = self.native[algorithm]
                        token = jwt.api_jws.encode(signed, native, algorithm, {"kid": "theirs"})
                        head, _, value = token.split(".")
                        headers = {"Signature": f"{head}..{value}"}
                        keys = [self.registered(algorithm)]
                        verified = self.verify(dialect, raw, headers, keys)
                        self.assertEqual(verified[:2], ("theirs", algorithm))

    def test_joserfc_signs(self):
        for dialect in HEADER_DIALECTS:
            key = OURS["RS256"]
            signed = self.signed_bytes(dialect)
            token = jws.serialize_compact({"alg": "RS256"}, signed, key.key)
            headers = {"Signature": jws.detach_content(token)}
            verified = self.verify(dialect, signed, headers)
            self.assertEqual(verified.kid, key.kid, "found without a kid")

    def test_pyjwt_verifies(self):
        """As OpenG2P does it: over the parsed body, written again."""
        key = jwt.PyJWK(jwk.public_jwk(OURS["RS256"])).key
        for dialect in HEADER_DIALECTS:
            signed = self.sign(dialect)
            self.assertEqual(signed.raw, self.signed_bytes(dialect))
            payload = b64(self.signed_bytes(dialect))
            token = signed.headers["Signature"].replace("..", f".{payload}.")
            jwt.api_jws.decode(token, key, ["RS256"])
            self.assertEqual(jwt.get_unverified_header(token)["kid"], OURS["RS256"].kid)

    def test_joserfc_verifies(self):
        key = jwk.from_jwk(jwk.public_jwk(OURS["RS256"])).key
        signed = self.sign("openg2p_2")
        text = signed.headers["Signature"]
        jws.deserialize_compact(text, key, ["RS256"], payload=signed.raw)


class TestRefusedJws(SignatureCase):
    dialect = "openg2p_1"

    def jws(self, header, raw, key=None, algorithm="RS256"):
        head = b64(json.dumps(header).encode() if isinstance(header, dict) else header)
        signing_input = f"{head}.{b64(raw)}".encode()
        value = signature._model(algorithm).sign(signing_input, (key or OURS["RS256"]).key)
        return {"Signature": f"{head}..{b64(value)}"}

    def setUp(self):
        super().setUp()
        self.raw = json.dumps(BODY).encode()

    def test_missing(self):
        for headers in ({}, {"Signature": ""}):
            self.assertRefused(
                "missing", self.dialect, self.raw, headers, code="err.signature.missing"
            )

    def test_altered_message(self):
        for dialect in HEADER_DIALECTS:
            signed = self.sign(dialect)
            for raw in (
                signed.raw.replace(b'"id":"c"', b'"id":"d"'),
                signed.raw.replace(b'"id":"c"', b'"id":"c","x":1'),
                signed.raw.replace(b"1.5", b"1.50001"),
            ):
                self.assertNotEqual(raw, signed.raw)
                self.assertRefused("belong", dialect, raw, signed.headers)

    def test_the_other_dialect(self):
        """Sorted is not unsorted: only the agreed dialect is tried."""
        spaced = json.dumps(BODY).encode()
        for dialect, other in (HEADER_DIALECTS, HEADER_DIALECTS[::-1]):
            signed = self.sign(dialect)
            self.verify(dialect, spaced, signed.headers)
            self.assertRefused("belong", other, spaced, signed.headers)
        signed = self.sign("g2p_connect")
        self.assertRefused("missing", self.dialect, signed.raw, code="err.signature.missing")

    def test_algorithms_that_are_none(self):
        for algorithm in (
            "none",
            "None",
            "",
            "HS256",
            "HS512",
            "RS512",
            "rs256",
            None,
            1,
            ["RS256"],
        ):
            headers = self.jws({"alg": algorithm}, self.raw)
            with self.subTest(algorithm):
                self.assertRefused("alg", self.dialect, self.raw, headers)
        self.assertRefused("alg", self.dialect, self.raw, self.jws({}, self.raw))
        unsigned = b64(b'{"alg":"none"}')
        empty = {"Signature": f"{unsigned}.."}
        self.assertRefused("alg", self.dialect, self.raw, empty)

    def test_public_key_as_hmac_secret(self):
        der = jwk.public_jwk(OURS["RS256"])["n"].encode()
        token = jwt.api_jws.encode(self.raw, der, "HS256")
        head, _, value = token.split(".")
        self.assertRefused("alg", self.dialect, self.raw, {"Signature": f"{head}..{value}"})

    def test_algorithm_is_pinned(self):
        headers = self.jws({"alg": "PS256"}, self.raw, algorithm="PS256")
        self.assertRefused("another algorithm", self.dialect, self.raw, headers)
        keys = [public(OURS["RS256"], algorithm="PS256")]
        self.verify(self.dialect, self.raw, headers, keys)

    def test_wrong_key(self):
        headers = self.jws({"alg": "RS256"}, self.raw, OTHER["RS256"])
        self.assertRefused("belong", self.dialect, self.raw, headers)
        mine = OURS["RS256"].kid
        headers = self.jws({"alg": "RS256", "kid": mine}, self.raw, OTHER["RS256"])
        self.assertRefused("belong", self.dialect, self.raw, headers)
        headers = self.jws({"alg": "RS256", "kid": "unknown"}, self.raw)
        self.assertRefused("not registered", self.dialect, self.raw, headers)
        self.assertRefused("no registered key", self.dialect, self.raw, headers, keys=[])

    def test_keys_in_the_message_are_not_looked_at(self):
        evil = jwk.public_jwk(OTHER["RS256"])
        for member in ({"jwk": evil}, {"jku": "https://evil.test/"}, {"x5u": "https://evil.test/"}):
            headers = self.jws({"alg": "RS256", **member}, self.raw, OTHER["RS256"])
            self.assertRefused("belong", self.dialect, self.raw, headers)
            # nor do they harm: some signers add their certificate
            self.verify(
                self.dialect, self.raw, self.jws({"alg": "RS256", **member, "x5c": []}, self.raw)
            )

    def test_critical_members(self):
        for member in ({"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False}, {"b64": True}):
            headers = self.jws({"alg": "RS256", **member}, self.raw)
            self.assertRefused("crit or b64", self.dialect, self.raw, headers)

    def test_duplicate_members_in_the_header(self):
        headers = self.jws(b'{"alg":"none","alg":"RS256"}', self.raw)
        self.assertRefused("cannot be read", self.dialect, self.raw, headers)

    def test_forms(self):
        good = self.jws({"alg": "RS256"}, self.raw)["Signature"]
        head, _, value = good.split(".")
        numbered = b'{"alg":"RS256","kid":1}'
        for what, text in (
            ("three parts", good.replace("..", ".")),
            ("three parts", good + "."),
            ("three parts", f"{head}..§"),
            ("belong", f"{head}.{b64(self.raw + b' ')}.{value}"),
            ("belong", f"{head}.{b64(b'{}')}.{value}"),
            ("belong", f"{head}.*.{value}"),
            ("base64url", f"{head}..{value}="),
            ("base64url", f"{head}..{value[:-1]}"),
            ("base64url", f"{head}..{value[:5]} {value[5:]}"),
            ("belong", f"{head}.."),
            ("belong", f"{head}..AAAA"),
            ("cannot be read", f"..{value}"),
            ("cannot be read", f"{b64(b'[]')}..{value}"),
            ("cannot be read", f"{b64(bytes([255]))}..{value}"),
            ("kid must be", f"{b64(numbered)}..{value}"),
            ("long", "a" * 70_000),
        ):
            with self.subTest(text[:30], what=what):
                self.assertRefused(what, self.dialect, self.raw, {"Signature": text})
        for text in (f" {good} ", f"{head}.{b64(self.raw)}.{value}"):
            self.verify(self.dialect, self.raw, {"Signature": text})

    def test_validity_of_keys(self):
        signed = self.sign(self.dialect)
        key = public(OURS["RS256"])
        hour = timedelta(hours=1)
        for changes in ({"not_before": NOW + hour}, {"not_after": NOW}):
            keys = [key._replace(**changes)]
            self.assertRefused("does not hold", self.dialect, signed.raw, signed.headers, keys)
        overlap = [key._replace(not_after=NOW + hour), public(OTHER["RS256"], not_before=NOW)]
        self.verify(self.dialect, signed.raw, signed.headers, overlap)
        newer = self.sign(self.dialect, key=OTHER["RS256"])
        self.verify(self.dialect, newer.raw, newer.headers, overlap)

    def test_unnamed_key_is_found_among_a_few(self):
        signed = self.jws({"alg": "RS256"}, self.raw)
        others = [public(OTHER["RS256"], kid=str(number)) for number in range(5)]
        keys = [*others[:4], public(OURS["RS256"])]
        self.verify(self.dialect, self.raw, signed, keys)
        keys = [*others, public(OURS["RS256"])]
        self.assertRefused("too many to try", self.dialect, self.raw, signed, keys)
        named = self.jws({"alg": "RS256", "kid": OURS["RS256"].kid}, self.raw)
        self.verify(self.dialect, self.raw, named, keys)

    def test_many_keys_of_one_name(self):
        keys = [public(OTHER["RS256"], kid="a") for _number in range(6)]
        headers = self.jws({"alg": "RS256", "kid": "a"}, self.raw)
        self.assertRefused("too many to try", self.dialect, self.raw, headers, keys)

    def test_two_keys_of_one_name(self):
        keys = [public(OTHER["RS256"], kid="a"), public(OURS["RS256"], kid="a")]
        headers = self.jws({"alg": "RS256", "kid": "a"}, self.raw)
        self.verify(self.dialect, self.raw, headers, keys)

    @s.quick
    @given(st.text(max_size=40) | st.binary(max_size=60).map(lambda raw: f"{b64(raw)}..AAAA"))
    def test_hostile(self, text):
        with self.assertRaises(SignatureProblem):
            self.verify(self.dialect, self.raw, {"Signature": text})


class TestRefusedBody(SignatureCase):
    dialect = "g2p_connect"

    def setUp(self):
        super().setUp()
        self.raw = self.sign(self.dialect).raw

    def with_text(self, change):
        """The message with its signature's text changed."""
        payload = jsonio.loads(self.raw)
        payload["signature"] = change(payload["signature"])
        return jsonio.dumps(payload)

    def test_missing(self):
        for value in (None, ""):
            raw = self.with_text(lambda _text, value=value: value)
            self.assertRefused("missing", self.dialect, raw, code="err.signature.missing")
        raw = jsonio.dumps(BODY)
        self.assertRefused("missing", self.dialect, raw, code="err.signature.missing")

    def test_altered(self):
        for old, new in (
            (b'"id":"c"', b'"id":"d"'),
            (b'"id":"c"', b'"id": "c"'),
            (b"1.5", b"1.50"),
            (b'"message":{', b'"message":{ '),
        ):
            raw = self.raw.replace(old, new)
            self.assertNotEqual(raw, self.raw)
            self.assertRefused("belong", self.dialect, raw)
        # what is around the values is not signed
        self.verify(self.dialect, self.raw.replace(b'"message":{', b' "message" : {'))

    def test_swapped_parts(self):
        payload = jsonio.loads(self.raw)
        swapped = payload | {"header": payload["message"], "message": payload["header"]}
        raw = jsonio.dumps(swapped)
        self.assertRefused("another sender", self.dialect, raw)

    def test_wrong_key(self):
        raw = self.sign(self.dialect, key=OTHER["EdDSA"]).raw
        self.assertRefused("not registered", self.dialect, raw)
        keys = [public(OURS["EdDSA"], kid=OTHER["EdDSA"].kid)]
        self.assertRefused("belong", self.dialect, raw, keys=keys)
        self.assertRefused("no registered key", self.dialect, raw, keys=[])
        rsa_key = [public(OURS["RS256"], kid=OURS["EdDSA"].kid)]
        self.assertRefused("another algorithm", self.dialect, self.raw, keys=rsa_key)

    def test_clock(self):
        at = timedelta
        for what, now in (
            ("future", NOW - at(seconds=31)),
            ("expired", NOW + at(seconds=300)),
            ("expired", NOW + at(days=30)),
        ):
            self.assertRefused(what, self.dialect, self.raw, now=now)
        for now in (NOW - at(seconds=30), NOW, NOW + at(seconds=299)):
            verified = self.verify(self.dialect, self.raw, now=now)
            self.assertEqual(verified.created, NOW)
            self.assertEqual(verified.expires, NOW + at(seconds=300))

    def test_lifetime(self):
        expires = int(NOW.timestamp()) + 300
        for new in (expires + 1, expires + 10**6, expires - 300, expires - 301):
            raw = self.with_text(lambda text, new=new: text.replace(str(expires), str(new)))
            self.assertRefused("at most 300", self.dialect, raw)
        # a shorter one holds, but these times are signed
        raw = self.with_text(lambda text: text.replace(str(expires), str(expires - 1)))
        self.assertRefused("belong", self.dialect, raw)
        self.verify(self.dialect, self.sign(self.dialect, lifetime=20).raw)
        told = self.verify(self.dialect, self.sign(self.dialect, lifetime=9999).raw)
        self.assertEqual(told.expires - told.created, timedelta(seconds=300))

    def test_sender(self):
        raw = self.raw.replace(b"Bank.example.org", b"evil.example.org")
        self.assertRefused("another sender", self.dialect, raw)
        raw = self.with_text(lambda text: text.replace("bank.example", "evil.example"))
        self.assertRefused("another sender", self.dialect, raw)

    def test_message_without_a_sender(self):
        """None is no name."""
        for sender_id in (None, 7, []):
            body = BODY | {"header": BODY["header"] | {"sender_id": sender_id}}
            raw = sign(self.dialect, body, OURS["EdDSA"], str(sender_id), NOW).raw
            self.assertRefused("another sender", self.dialect, raw)

    def test_forms_that_hold(self):
        for change in (
            lambda text: text.removeprefix("Signature: "),
            lambda text: text.replace("Signature: ", "Signature:   "),
            lambda text: text.replace("kidId", "keyId"),
            lambda text: text.replace('namespace="g2p", ', ""),
            lambda text: text.replace(", ", ",") + ",",
            lambda text: text.replace("=", " = ", 1),
            lambda text: text.replace(f'"{int(NOW.timestamp())}"', str(int(NOW.timestamp()))),
        ):
            self.verify(self.dialect, self.with_text(change))

    def test_forms_that_do_not(self):
        for what, change in (
            ("form name", lambda text: text + ",,"),
            ("form name", lambda text: text[:-1]),
            ("form name", lambda text: text + ', created="1"'),
            ("form name", lambda text: "x"),
            ("no signature", lambda text: text.replace(" signature=", " sig=")),
            ("no kidId", lambda text: text.replace("kidId", "kid")),
            ("no created", lambda text: text.replace("created=", "made=")),
            ("algorithm", lambda text: text.replace('algorithm="ed25519"', 'algorithm="hs2019"')),
            ("kidId must", lambda text: text.replace("|ed25519", "|rsa")),
            ("kidId must", lambda text: text.replace("|", "/")),
            ("headers", lambda text: text.replace("(created) (expires) digest", "digest")),
            ("created must", lambda text: text.replace('created="', 'created="-')),
            ("created must", lambda text: text.replace('created="', 'created="' + "9" * 5000)),
            ("base64", lambda text: text[:-2] + '%"'),
            ("string", lambda text: [text]),
            ("string", lambda text: text + " " * 20_000),
        ):
            raw = self.with_text(change)
            with self.subTest(what, raw=raw[:40]):
                self.assertRefused(what, self.dialect, raw)

    def test_no_message_at_all(self):
        for raw in (b"[]", b'"x"', b"1", b"null"):
            with self.subTest(raw):
                self.assertRefused("object", self.dialect, raw)
                self.assertRefused("object", "openg2p_1", raw)

    @s.quick
    @given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.integers(0, 250))
    def test_hostile(self, text, place):
        def change(value):
            return value[:place] + text + value[place + len(text) :]

        raw = self.with_text(change)
        if jsonio.loads(raw) == jsonio.loads(self.raw):
            return
        try:
            self.verify(self.dialect, raw)
        except SignatureProblem as problem:
            self.assertEqual(problem.code, signature.INVALID)
            return
        # only what is not signed can differ
        self.assertNotIn(jsonio.loads(self.raw)["signature"][-90:], text)
