# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from email.message import Message
from unittest.mock import patch
from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from .. import gateway
from ..g2p_connect.client import NoAnswer
from ..g2p_connect.signature import SignatureProblem, Signed
from ..remote_line import Credentials, Line, Token, fetch_token
from . import strategies as s

URL = "https://spar.example/spar/v1.0.0"
CREDENTIALS = Credentials("https://login.example/token", "me", "s3cret&", "mapper.resolve")


def reply(status=200, body=b"{}", **headers):
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return gateway.Reply(status, message, body)


class Wallet:
    """Tokens `t1`, `t2` and so on."""

    def __init__(self, kept=None):
        self.kept = kept
        self.renewals = 0

    def current(self):
        return self.kept

    def renew(self, seconds):
        self.renewals += 1
        self.kept = f"t{self.renewals}"
        return self.kept


class LineCase(BaseCase):
    def outgoing(self, *answers):
        """What is posted is answered so, in turn; errors are raised."""
        posted, left = [], list(answers)

        def post(url, body, headers, *, hosts, timeout, max_bytes):
            posted.append((url, body, headers, hosts, timeout, max_bytes))
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.startPatcher(patch.object(gateway, "post", post))
        return posted

    def trouble(self, answer, **line):
        """The `NoAnswer` that an answer amounts to."""
        self.outgoing(answer)
        with self.assertRaises(NoAnswer) as caught:
            Line(URL, **line).send("/mapper/sync/link", {}, 10, 1000)
        return caught.exception


class TestLine(LineCase):
    def test_post(self):
        posted = self.outgoing(reply(body=b'{"header": 1}'))
        answer = Line(f"{URL}/").send("/mapper/sync/link", {"a": 1}, 10, 1000)
        self.assertEqual(answer, {"header": 1})
        [(url, body, headers, hosts, timeout, max_bytes)] = posted
        self.assertEqual(url, f"{URL}/mapper/sync/link")
        self.assertEqual(body, b'{"a":1}')
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertNotIn("Authorization", headers)
        self.assertEqual((hosts, max_bytes), (["spar.example"], 1000))
        self.assertEqual(timeout[0], 3)
        self.assertTrue(9 < timeout[1] <= 10)

    def test_signed(self):
        posted = self.outgoing(reply())
        Line(URL, sign=lambda body: Signed(b"signed", {"Signature": "x"})).send("/l", {}, 10, 1)
        self.assertEqual(posted[0][1], b"signed")
        self.assertEqual(posted[0][2]["Signature"], "x")

    def test_kept_token(self):
        wallet = Wallet("kept")
        posted = self.outgoing(reply())
        Line(URL, wallet).send("/l", {}, 10, 1000)
        self.assertEqual(posted[0][2]["Authorization"], "Bearer kept")
        self.assertEqual(wallet.renewals, 0)

    def test_token_that_holds_no_more(self):
        """Renewed once, and the message is sent again."""
        wallet = Wallet("kept")
        posted = self.outgoing(reply(401), reply())
        Line(URL, wallet).send("/l", {}, 10, 1000)
        self.assertEqual(
            [headers["Authorization"] for _, _, headers, *_ in posted], ["Bearer kept", "Bearer t1"]
        )
        for answers, kept in (((reply(401), reply(401)), "kept"), ((reply(401),), None)):
            wallet = Wallet(kept)
            posted = self.outgoing(*answers)
            with self.assertRaisesRegex(NoAnswer, "401") as caught:
                Line(URL, wallet).send("/l", {}, 10, 1000)
            self.assertEqual(wallet.renewals, 1)
            self.assertFalse(caught.exception.passing or caught.exception.maybe_done)

    def test_what_statuses_mean(self):
        for status, passing, maybe_done in (
            (302, False, False),
            (400, False, False),
            (403, False, False),
            (404, False, False),
            (408, True, True),
            (413, False, False),
            (429, True, False),
            (500, True, True),
            (502, True, True),
            (503, True, True),
            (204, False, False),
        ):
            with self.subTest(status):
                trouble = self.trouble(reply(status))
                self.assertEqual((trouble.passing, trouble.maybe_done), (passing, maybe_done))
                self.assertIn(f"spar.example: HTTP {status}", str(trouble))

    def test_errors_of_the_network(self):
        for error, passing, maybe_done in (
            (gateway.GatewayRefused("spar.example: no"), False, False),
            (gateway.GatewayFailed("spar.example: no", False), True, False),
            (gateway.GatewayFailed("spar.example: no", True), True, True),
        ):
            trouble = self.trouble(error)
            self.assertEqual((trouble.passing, trouble.maybe_done), (passing, maybe_done))

    def test_patience(self):
        for text, wait in (("7", 7), ("9999999", None), ("soon", None), ("100000", 3600)):
            self.assertEqual(self.trouble(reply(429, Retry_After=text)).wait, wait)
        self.assertIsNone(self.trouble(reply(429)).wait)

    def test_only_codes_are_repeated(self):
        body = b'{"errors": [{"code": "err.sender_id.invalid", "message": "token:1@ns is odd"}]}'
        trouble = str(self.trouble(reply(403, body)))
        self.assertIn("err.sender_id.invalid", trouble)
        self.assertNotIn("token:1@ns", trouble)

    def test_no_json(self):
        trouble = self.trouble(reply(body=b"<h1>Log in</h1>"))
        self.assertFalse(trouble.passing)
        self.assertTrue(trouble.maybe_done)

    def test_signature_of_answers(self):
        def check(raw, payload, header):
            self.assertEqual((raw, payload, header), (b"{}", {}, "h"))
            raise SignatureProblem("err.signature.invalid", "It does not hold.")

        trouble = self.trouble(reply(Signature="h"), check=check)
        self.assertIn("the signature of its answer: It does not hold", str(trouble))
        self.assertFalse(trouble.passing)


class TestToken(LineCase):
    def fetch(self, *answers):
        posted = self.outgoing(*answers)
        return fetch_token(CREDENTIALS, 10), posted

    def test_fetch(self):
        body = json.dumps({"access_token": "abc", "token_type": "bearer", "expires_in": "3600"})
        token, posted = self.fetch(reply(body=body.encode()))
        self.assertEqual(token, Token("abc", 3570))
        url, body, _headers, hosts, _timeout, _max_bytes = posted[0]
        self.assertEqual((url, hosts), (CREDENTIALS.token_url, ["login.example"]))
        form = parse_qs(body.decode(), strict_parsing=True)
        self.assertEqual(form["grant_type"], ["client_credentials"])
        self.assertEqual(form["client_secret"], ["s3cret&"])
        self.assertEqual(form["scope"], ["mapper.resolve"])

    def test_how_long(self):
        for told, seconds in ((3600, 3570), ("60", 30), (10, 0), (None, 270), (True, 270)):
            body = json.dumps({"access_token": "abc", "expires_in": told}).encode()
            self.assertEqual(self.fetch(reply(body=body))[0].seconds, seconds)

    def test_no_token(self):
        for value in (
            {},
            [],
            {"access_token": 1},
            {"access_token": ""},
            {"access_token": "a\r\nb"},
        ):
            with self.subTest(value), self.assertRaisesRegex(NoAnswer, "no bearer token"):
                self.fetch(reply(body=json.dumps(value).encode()))
        with self.assertRaisesRegex(NoAnswer, "no bearer token"):
            self.fetch(reply(body=b'{"access_token": "abc", "token_type": "mac"}'))

    def test_refused(self):
        for answer, passing in (
            (reply(401, b'{"error": "invalid_client s3cret&"}'), False),
            (reply(429), True),
            (reply(503), True),
            (gateway.GatewayFailed("login.example: gone", True), True),
        ):
            with self.assertRaises(NoAnswer) as caught:
                self.fetch(answer)
            trouble = caught.exception
            self.assertEqual((trouble.passing, trouble.maybe_done), (passing, False))
            self.assertNotIn("s3cret", str(trouble))

    @s.quick
    @given(st.one_of(s.json_values, st.fixed_dictionaries({"access_token": s.json_values})))
    def test_hostile(self, value):
        with patch.object(
            gateway, "post", lambda *args, **kwargs: reply(body=json.dumps(value).encode())
        ):
            try:
                token = fetch_token(CREDENTIALS, 10)
            except NoAnswer:
                return
        self.assertTrue(token.value.isprintable() and token.value.isascii())
        self.assertGreaterEqual(token.seconds, 0)
