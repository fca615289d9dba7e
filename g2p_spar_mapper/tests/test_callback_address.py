# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import ValidationError
from odoo.tests import BaseCase

from ..callback_address import CallbackAddressRefused, CallbackPolicy, check_base, parse_hosts
from .common import MapperCommon

BASE = "https://bank.test/spar/v1.0.0/mapper"


class TestCallbackAddress(BaseCase):
    def test_base_of_the_record(self):
        for url in (BASE, f"{BASE}/", f"{BASE}/on-link"):
            with self.subTest(url=url):
                policy = CallbackPolicy(url, frozenset({"bank.test"}))
                self.assertEqual(policy.address("link", None, "strict"), f"{BASE}/on-link")
                self.assertEqual(policy.address("link", "", "openg2p_1"), f"{BASE}/on-link")
        self.assertIsNone(CallbackPolicy().address("link", None, "strict"))

    def test_address_of_the_message(self):
        policy = CallbackPolicy(BASE, frozenset({"bank.test", "127.0.0.1:8080"}))
        for uri, strict, openg2p in (
            ("https://bank.test/a", "https://bank.test/a", "https://bank.test/a/on-link"),
            ("https://BANK.test:443/a?b=c", "https://BANK.test:443/a?b=c", None),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/on-link"),
        ):
            with self.subTest(uri=uri):
                self.assertEqual(policy.address("link", uri, "strict"), strict)
                if openg2p:
                    self.assertEqual(policy.address("link", uri, "openg2p_1"), openg2p)

    def test_address_that_the_record_does_not_allow(self):
        policy = CallbackPolicy(BASE, frozenset({"bank.test"}))
        for uri in (
            "https://elsewhere.test/",
            "https://bank.test.elsewhere.test/",
            "https://elsewhere.test/bank.test",
            "https://bank.test@elsewhere.test/",
            "https://elsewhere.test#@bank.test/",
            "https://elsewhere.test\\@bank.test/",
            "https://bank.test:8443/",
            "http://bank.test/",
            "ftp://bank.test/",
            "//bank.test/",
            "bank.test",
            "https://bank.test/\r\nHost: elsewhere.test",
            "https://bank.tést/",
            "string",
        ):
            with self.subTest(uri=uri), self.assertRaises(CallbackAddressRefused) as caught:
                policy.address("link", uri, "strict")
            self.assertNotIn(uri, str(caught.exception))

    def test_record(self):
        self.assertEqual(check_base("http://127.0.0.1:8080/cb"), "127.0.0.1:8080")
        self.assertEqual(
            parse_hosts("a.test, B.test:8443\n127.0.0.1:1 [::1]:8080"),
            {"a.test", "b.test:8443", "127.0.0.1:1", "[::1]:8080"},
        )
        for hosts in ("a.test/x", "https://a.test", "a.test?b", "a b@c", "*", "a.test:0"):
            with self.subTest(hosts=hosts), self.assertRaises(CallbackAddressRefused):
                parse_hosts(hosts)
        for url in ("https://a.test/x?y=z", "a.test", "https://u:p@a.test/"):
            with self.subTest(url=url), self.assertRaises(CallbackAddressRefused):
                check_base(url)


class TestParticipantCallback(MapperCommon):
    def test_addresses_are_checked_when_they_are_typed(self):
        for values in (
            {"callback_url": "bank.test"},
            {"callback_url": "https://bank.test/x?y"},
            {"callback_hosts": "bank.test/x"},
        ):
            with (
                self.subTest(**values),
                self.assertRaisesRegex(ValidationError, "Callbacks of"),
                self.env.cr.savepoint(),
            ):
                self.participant.write(values)
        self.participant.write({"callback_url": BASE, "callback_hosts": "a.test b.test:8443"})
        callbacks = self.env["g2p.spar.participant"].get_profile(self.participant.id).callbacks
        self.assertEqual(callbacks, (BASE, {"bank.test", "a.test", "b.test:8443"}))
