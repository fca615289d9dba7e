# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import os
from ipaddress import ip_address
from unittest.mock import patch

from odoo.tests import BaseCase
from odoo.tools import mute_logger

from ..remote_address import client_address, parse_network, trusted_proxies

PROXY, CLIENT, FORGED = "10.0.0.1", "192.0.2.17", "198.51.100.9"


class TestRemoteAddress(BaseCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(trusted_proxies.cache_clear)
        self.trust(f"{PROXY}, fd00::/64")

    def trust(self, setting):
        self.startPatcher(patch.dict(os.environ, {"SPAR_TRUSTED_PROXIES": setting}))
        trusted_proxies.cache_clear()

    def address(self, peer, **headers):
        address = client_address({"REMOTE_ADDR": peer, **headers})
        return address and str(address)

    def forwarded(self, peer, value):
        return self.address(peer, HTTP_X_FORWARDED_FOR=value)

    def test_direct(self):
        self.assertEqual(self.address(CLIENT), CLIENT)
        self.assertEqual(self.address(f"::ffff:{CLIENT}"), CLIENT)
        self.assertEqual(self.address("2001:db8::7"), "2001:db8::7")

    def test_no_address(self):
        for peer in ("", "unix:", "not an address"):
            self.assertIsNone(self.address(peer))
        self.assertIsNone(client_address({}))

    def test_direct_with_forged_headers(self):
        """Nobody but a named proxy says whom a request comes from."""
        for name in ("X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "VIA"):
            with self.subTest(name):
                self.assertIsNone(self.address(CLIENT, **{f"HTTP_{name}": FORGED}))

    def test_behind_a_proxy(self):
        self.assertEqual(self.forwarded(PROXY, CLIENT), CLIENT)
        self.assertEqual(self.forwarded("fd00::1", f" {CLIENT} "), CLIENT)

    def test_forged_behind_a_proxy(self):
        """The proxy appends whom it has heard from; what stands before that is the client's."""
        self.assertEqual(self.forwarded(PROXY, f"{FORGED}, {CLIENT}"), CLIENT)
        self.assertEqual(self.forwarded(PROXY, f"{FORGED}, {PROXY}, {CLIENT}"), CLIENT)
        self.assertEqual(
            self.address(PROXY, HTTP_X_FORWARDED_FOR=CLIENT, HTTP_X_REAL_IP=FORGED), CLIENT
        )

    def test_behind_two_proxies(self):
        self.assertEqual(self.forwarded(PROXY, f"{FORGED}, {CLIENT}, fd00::2"), CLIENT)

    def test_proxy_that_says_nothing_or_nonsense(self):
        self.assertIsNone(self.address(PROXY))
        for value in ("", "unknown", f"{CLIENT}, unknown", f"{CLIENT},", PROXY, f"{CLIENT}:80"):
            with self.subTest(value):
                self.assertIsNone(self.forwarded(PROXY, value))

    def test_odoo_proxy_mode(self):
        """It takes the address from a header that anybody can send: the connection's counts."""
        original = {"REMOTE_ADDR": CLIENT}
        environ = {
            "REMOTE_ADDR": FORGED,
            "HTTP_X_FORWARDED_FOR": FORGED,
            "werkzeug.proxy_fix.orig": original,
        }
        self.assertIsNone(client_address(environ))
        original["REMOTE_ADDR"] = PROXY
        self.assertEqual(client_address(environ), ip_address(FORGED))

    def test_no_proxies(self):
        for setting in ("", " , "):
            self.trust(setting)
            self.assertIsNone(self.forwarded(PROXY, CLIENT))
            self.assertEqual(self.address(PROXY), PROXY)

    def test_malformed_setting_trusts_nobody(self):
        self.trust(f"{PROXY}, nonsense")
        with mute_logger("odoo.addons.g2p_spar_mapper.remote_address"):
            self.assertIsNone(self.forwarded(PROXY, CLIENT))

    def test_networks(self):
        for text in (CLIENT, "192.0.2.0/28", " 2001:db8::/32 "):
            parse_network(text)
        for text in ("", "192.0.2.17/28", "192.0.2", "::ffff:192.0.2.0/120", "example.org", "0"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_network(text)
