# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import contextlib
import hashlib
import hmac
import os
import tempfile
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from .. import secret, settings
from . import strategies as s

KEY_1 = base64.urlsafe_b64encode(bytes(range(32))).decode()
KEY_2 = base64.urlsafe_b64encode(bytes(range(1, 33))).decode()


class SecretCase(BaseCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(secret.forget_keys)
        self.use_keys(SPAR_SECRET_KEY=KEY_1, SPAR_DIGEST_KEY=KEY_2)

    def use_keys(self, file=None, **environment):
        """Exactly these variables, and this section of the configuration file."""
        others = {k: v for k, v in os.environ.items() if not k.startswith("SPAR_")}
        self.startPatcher(patch.dict(os.environ, others | environment, clear=True))
        self.startPatcher(patch.object(settings, "_section", lambda: file or {}))
        secret.forget_keys()


class TestSeal(SecretCase):
    @s.quick
    @given(st.binary(max_size=300), st.text("abc.", min_size=1, max_size=10))
    def test_inverse(self, plaintext, purpose):
        self.assertEqual(secret.unseal(secret.seal(plaintext, purpose), purpose), plaintext)

    def test_token_hides(self):
        token = secret.seal(b"SECRET" * 10, "test")
        self.assertIsInstance(token, str)
        self.assertNotIn("SECRET", token)
        self.assertNotIn(base64.urlsafe_b64encode(b"SECRET" * 10).decode()[:12], token)
        self.assertNotEqual(token, secret.seal(b"SECRET" * 10, "test"))

    def test_other_purpose(self):
        token = secret.seal(b"plain", "one")
        with self.assertRaises(secret.SealBroken) as caught:
            secret.unseal(token, "two")
        self.assertNotIn("plain", str(caught.exception))

    def test_other_key(self):
        token = secret.seal(b"SECRET", "test")
        self.use_keys(SPAR_SECRET_KEY=KEY_2)
        with self.assertRaises(secret.SealBroken):
            secret.unseal(token, "test")
        self.use_keys(SPAR_SECRET_KEY=KEY_1)
        self.assertEqual(secret.unseal(token, "test"), b"SECRET")

    def test_tampering(self):
        token = secret.seal(b"SECRET", "test")
        for position in range(len(token) - 4):  # the last four hold padding and spare bits
            other = "A" if token[position] != "A" else "B"
            with self.assertRaises(secret.SealBroken):
                secret.unseal(token[:position] + other + token[position + 1 :], "test")
        for wrong in ("", "x", token[:-1], token[1:], "ü", "\x00", "🔑"):
            with self.subTest(wrong), self.assertRaises(secret.SealBroken):
                secret.unseal(wrong, "test")


class TestDigest(SecretCase):
    def test_digest(self):
        digest = secret.digest("id", "token:1@nationalId")
        self.assertEqual(len(digest), 32)
        self.assertEqual(digest, secret.digester("id")("token:1@nationalId"))
        self.assertNotEqual(digest, secret.digest("fa", "token:1@nationalId"))
        self.assertNotEqual(digest, secret.digest("id", "token:2@nationalId"))
        self.assertNotEqual(digest, hashlib.sha256(b"token:1@nationalId").digest())

    def test_value_stays_the_same(self):
        """A stored digest must be found again by every later release."""
        extracted = hmac.digest(bytes(32), bytes(range(1, 33)), "sha256")
        key = hmac.digest(extracted, b"g2p_spar id\x01", "sha256")  # RFC 5869, one block
        self.assertEqual(secret.digest("id", "ü"), hmac.digest(key, "ü".encode(), "sha256"))

    def test_key_decides(self):
        digest, key_id = secret.digest("id", "a"), secret.digest_key_id()
        self.assertRegex(key_id, r"\A[0-9a-f]{8}\Z")
        self.assertEqual(key_id, secret.digest_key_id())
        self.use_keys(SPAR_DIGEST_KEY=KEY_1)
        self.assertNotEqual(secret.digest("id", "a"), digest)
        self.assertNotEqual(secret.digest_key_id(), key_id)

    def test_the_keys_are_apart(self):
        self.use_keys(SPAR_DIGEST_KEY=KEY_1)
        secret.digest("id", "a")
        with self.assertRaises(secret.SecretKeyMissing):
            secret.seal(b"a", "id")


class TestKeys(SecretCase):
    def assertMissing(self, what):
        for use in (
            lambda: secret.seal(b"a", "test"),
            lambda: secret.unseal("a", "test"),
            lambda: secret.digest("test", "a"),
            lambda: secret.digester("test"),
            secret.digest_key_id,
        ):
            with self.assertRaisesRegex(secret.SecretKeyMissing, what) as caught:
                use()
            self.assertRegex(str(caught.exception), "SPAR_(SECRET|DIGEST)_KEY")
            self.assertIn("python3 -c", str(caught.exception))

    def test_missing(self):
        self.use_keys()
        self.assertMissing("missing")
        self.use_keys(file={"secret_key": "", "digest_key": ""})
        self.assertMissing("missing")

    def test_malformed(self):
        for wrong in ("x", KEY_1[:-4], KEY_1 + "AAAA", "!" * 44, "ü" * 44, "0" * 64, " " * 44):
            with self.subTest(wrong):
                self.use_keys(SPAR_SECRET_KEY=wrong, SPAR_DIGEST_KEY=wrong)
                self.assertMissing("malformed")
                if wrong.strip():
                    with self.assertRaises(secret.SecretKeyMissing) as caught:
                        secret.seal(b"a", "test")
                    if len(wrong) > 1:
                        self.assertNotIn(wrong, str(caught.exception))

    def test_malformed_environment_does_not_fall_through(self):
        good = {"secret_key": KEY_1, "digest_key": KEY_1}
        self.use_keys(file=good, SPAR_SECRET_KEY="x", SPAR_DIGEST_KEY="x")
        self.assertMissing("malformed")
        self.use_keys(file=good, SPAR_SECRET_KEY="", SPAR_DIGEST_KEY="")
        self.assertMissing("missing")

    def test_sources(self):
        token = secret.seal(b"a", "test")
        self.use_keys(file={"secret_key": KEY_1})
        self.assertEqual(secret.unseal(token, "test"), b"a")
        # Environment before file; surrounding blanks and missing padding do no harm.
        self.use_keys(file={"secret_key": KEY_2}, SPAR_SECRET_KEY=f" {KEY_1.rstrip('=')}\n")
        self.assertEqual(secret.unseal(token, "test"), b"a")


class TestSettings(BaseCase):
    def use_file(self, text):
        path = self.enterContext(_temporary_file(text))
        self.startPatcher(patch.dict(settings.config.options, {"config": path}))
        settings.forget_settings()
        self.addCleanup(settings.forget_settings)

    def test_file(self):
        self.use_file("[options]\nsecret_key = no\n[g2p_spar]\nspool_dir = /a%b\n")
        self.assertEqual(settings.get_setting("spool_dir"), "/a%b")
        self.assertIsNone(settings.get_setting("no_such_option"))
        with patch.dict(os.environ, {"SPAR_SPOOL_DIR": "/c"}):
            self.assertEqual(settings.get_setting("spool_dir"), "/c")

    def test_no_section(self):
        self.use_file("[options]\n")
        self.assertIsNone(settings.get_setting("no_such_option"))

    def test_no_file(self):
        self.startPatcher(patch.dict(settings.config.options, {"config": "/no/such/file"}))
        settings.forget_settings()
        self.addCleanup(settings.forget_settings)
        self.assertIsNone(settings.get_setting("no_such_option"))


@contextlib.contextmanager
def _temporary_file(text):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        yield file.name
