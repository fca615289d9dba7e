# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import base64
import json
import logging
import os
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.modules.module import get_resource_from_path
from odoo.service.model import call_kw, get_public_method
from odoo.tests import HttpCase, TransactionCase, new_test_user, tagged
from odoo.tools import file_open

from .. import gateway, jwks, secret
from ..g2p_connect import jwk
from ..g2p_connect.signature import DIALECTS, sign, verify
from ..models import g2p_spar_signing_key as signing_key

START = datetime(2030, 1, 1)
PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}


def at(days):
    return patch.object(fields.Datetime, "now", lambda: START + timedelta(days=days))


class SigningKeyCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = cls.env["g2p.spar.signing.key"]
        cls.keys.search([]).unlink()

    def rotate(self, days):
        with at(days):
            self.keys._cron_rotate()

    def kids(self, days):
        """Published key ids, and the current one for each algorithm."""
        with at(days):
            published = self.keys.published()["keys"]
            current = [self.keys.current(dialect) for dialect in DIALECTS]
        return {key["kid"] for key in published}, {key.algorithm: key.kid for key in current}


class TestRotation(SigningKeyCase):
    def test_first_keys(self):
        with self.assertRaises(signing_key.SigningKeyMissing):
            self.keys.current("openg2p_1")
        self.assertEqual(self.keys.published(), {"keys": []})
        self.rotate(0)
        published, current = self.kids(0)
        self.assertEqual(set(current), {"EdDSA", "RS256"})
        self.assertEqual(published, set(current.values()))
        self.rotate(1)
        self.assertEqual(self.kids(1), (published, current), "nothing to do")

    def test_a_year(self):
        """At any moment, hour by hour: whoever fetches our keys once a day can verify what is
        signed, and what was signed within the last week."""
        seen, signed = {}, {}
        for hour in range(0, 365 * 24, 12):
            days = hour / 24
            self.rotate(days)
            published, current = self.kids(days)
            for kid in published:
                seen.setdefault(kid, days)
            for kid in current.values():
                signed[kid] = days
                self.assertIn(kid, published)
                self.assertTrue(days == 0 or seen[kid] == 0 or days - seen[kid] >= 1)
            for kid, last in signed.items():
                if days - last <= 6:
                    self.assertIn(kid, published)
        self.assertEqual(len(signed), 2 * 5)
        last = max(signed.values())
        sealed = self.keys.sudo().search([("private_key_sealed", "!=", False)])
        self.assertLessEqual(len(sealed), 4)
        self.assertEqual(last, days)

    def test_old_keys_lose_their_private_part(self):
        self.rotate(0)
        first = self.keys.search([])
        for day in range(80, 100):
            self.rotate(day)
        self.assertFalse(any(first.sudo().mapped("private_key_sealed")))
        with at(96):
            first.invalidate_recordset()
            self.assertEqual(set(first.mapped("state")), {"old"})
        with at(98):
            first.invalidate_recordset()
            self.assertEqual(set(first.mapped("state")), {"ended"})
            kids = {key["kid"] for key in self.keys.published()["keys"]}
        self.assertFalse(kids & set(first.mapped("kid")))

    def test_a_long_pause(self):
        """The job did not run for a year: the old key signs until the next one was published."""
        self.rotate(0)
        _published, current = self.kids(0)
        self.rotate(365)
        published, still = self.kids(365)
        self.assertEqual(still, current)
        self.assertEqual(len(published), 4)
        self.rotate(368)
        _published, later = self.kids(368)
        self.assertFalse(set(later.values()) & set(current.values()))

    def test_withdraw(self):
        self.rotate(0)
        _published, current = self.kids(0)
        manager = new_test_user(self.env, "k-manager", groups="g2p_spar_fa_directory.group_manager")
        key = self.keys.search([("algorithm", "=", "EdDSA")])
        with at(1):
            key.with_user(manager).action_withdraw()
        published, later = self.kids(1)
        self.assertNotIn(current["EdDSA"], published)
        self.assertNotEqual(later["EdDSA"], current["EdDSA"])
        self.assertEqual(later["RS256"], current["RS256"])
        self.assertFalse(key.sudo().private_key_sealed)

    def test_period(self):
        self.env["ir.config_parameter"].set_param("g2p_spar.signing_key_days", "10")
        for day in range(0, 12):
            self.rotate(day)
        self.assertEqual(len(self.keys.search([])), 4)
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.g2p_spar_signing_key_days, 10)
        with self.assertRaisesRegex(UserError, "more than 2 days"):
            settings.g2p_spar_signing_key_days = 2

    def test_no_secret_key_no_signing_key(self):
        environment = patch.dict(os.environ, {"SPAR_SECRET_KEY": ""})
        with environment, self.assertLogs(signing_key.__name__, logging.WARNING) as logs:
            secret.forget_keys()
            self.addCleanup(secret.forget_keys)
            self.rotate(0)
        self.assertIn("SPAR_SECRET_KEY", logs.output[0])
        self.assertFalse(self.keys.search([]))

    def test_another_secret_key(self):
        """As after the loss of it. A manager withdraws what cannot be opened any more."""
        self.rotate(0)
        other = base64.urlsafe_b64encode(os.urandom(32)).decode()
        environment = patch.dict(os.environ, {"SPAR_SECRET_KEY": other})
        self.addCleanup(secret.forget_keys)
        self.env.registry.clear_cache()
        with environment, at(0):
            secret.forget_keys()
            with (
                self.assertLogs(signing_key.__name__, logging.WARNING) as logs,
                self.assertRaises(signing_key.SigningKeyMissing),
            ):
                self.keys.current("g2p_connect")
            self.assertIn("cannot be opened", logs.output[0])
            manager = new_test_user(self.env, "m", groups="g2p_spar_fa_directory.group_manager")
            self.keys.with_user(manager).search([]).action_withdraw()
            self.assertTrue(self.keys.current("g2p_connect"))

    def test_signs(self):
        self.keys._cron_rotate()
        now = datetime.now(UTC)
        registered = [jwk.from_jwk(key) for key in self.keys.published()["keys"]]
        body = {"header": {"sender_id": "spar.test"}, "message": {}}
        for dialect in DIALECTS:
            signed = sign(dialect, body, self.keys.current(dialect), "spar.test", now)
            text = signed.headers.get("Signature")
            verify(dialect, signed.raw, json.loads(signed.raw), text, registered, now)

    def test_no_statement_when_warm(self):
        self.keys._cron_rotate()
        self.keys.flush_model()
        for dialect in DIALECTS:
            self.keys.current(dialect)
        with self.assertQueryCount(0):
            for dialect in DIALECTS:
                self.keys.current(dialect)
            self.keys.published()


class TestSecurity(SigningKeyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys._cron_rotate()
        cls.rows = cls.keys.search([])
        directory = "g2p_spar_fa_directory.group_"
        cls.users = {
            name: new_test_user(cls.env, f"key-{name}", groups=groups)
            for name, groups in (
                ("viewer", f"{directory}viewer,base.group_allow_export"),
                ("officer", f"{directory}officer"),
                ("manager", f"{directory}manager,base.group_allow_export"),
                ("system", "base.group_system"),
                ("portal", "base.group_portal"),
                ("employee", "base.group_user"),
            )
        }
        cls.users["public"] = cls.env.ref("base.public_user")

    def rpc(self, user, method, *args, **kwargs):
        keys = self.keys.with_user(self.users[user])
        get_public_method(keys, method)
        return json.dumps(call_kw(keys, method, args, kwargs), default=str)

    def test_managers_see_public_parts_only(self):
        ids = self.rows.ids
        names = list(self.keys.with_user(self.users["manager"]).fields_get())
        self.assertNotIn("private_key_sealed", names)
        text = self.rpc("manager", "read", ids, names) + self.rpc(
            "manager", "export_data", ids, names
        )
        self.assertIn(self.rows[0].kid, text)
        for sealed in self.rows.sudo().mapped("private_key_sealed"):
            self.assertNotIn(sealed, text)
        for method, *args in (
            ("read", ids, ["private_key_sealed"]),
            ("export_data", ids, ["private_key_sealed"]),
            ("search", [("private_key_sealed", "!=", False)]),
            ("search", [("private_key_sealed", "=like", "g%")]),
            ("search", [], 0, None, "private_key_sealed"),
            ("formatted_read_group", [], ["private_key_sealed"], ["__count"]),
            ("formatted_read_group", [], [], ["private_key_sealed:max"]),
        ):
            with self.subTest(method=method, args=args), self.assertRaises(UserError):
                self.rpc("manager", method, *args)

    def test_nobody_writes(self):
        ids = self.rows.ids
        for user in self.users:
            for method, *args in (
                ("create", {"kid": "x", "algorithm": "RS256", "public_key": "{}"}),
                ("write", ids, {"active_from": "2000-01-01"}),
                ("write", ids, {"private_key_sealed": "x"}),
                ("unlink", ids),
                ("copy", ids),
            ):
                with self.subTest(user=user, method=method), self.assertRaises(UserError):
                    self.rpc(user, method, *args)

    def test_others_see_and_do_nothing(self):
        for user in set(self.users) - {"manager"}:
            with self.subTest(user=user, method="read"), self.assertRaises(AccessError):
                self.rpc(user, "search_read", [], ["kid"])
            with self.subTest(user=user, method="withdraw"), self.assertRaises(UserError):
                self.rpc(user, "action_withdraw", self.rows.ids)

    def test_services_are_not_callable(self):
        for method in ("current", "published", "_cron_rotate", "_rotate", "_private_key", "_keys"):
            with self.subTest(method), self.assertRaises(AccessError):
                get_public_method(self.keys.sudo(), method)

    def test_at_rest_it_is_sealed(self):
        self.env.flush_all()
        self.env.cr.execute("SELECT k::text FROM g2p_spar_signing_key k")
        rows = "".join(row for (row,) in self.env.cr.fetchall())
        for dialect in DIALECTS:
            value = self.keys.current(dialect).key.as_dict(private=True)
            self.assertNotIn(value["d"], rows)

    def test_neutralized(self):
        path = get_resource_from_path(__file__)[0] + "/data/neutralize.sql"
        with file_open(path) as file:
            self.env.cr.execute(file.read())  # pylint: disable=sql-injection
        self.env.invalidate_all()
        self.assertFalse(self.keys.search([]))


@tagged("post_install", "-at_install")
class TestJwksRoute(HttpCase):
    def test_document(self):
        self.env["g2p.spar.signing.key"]._cron_rotate()
        response = self.url_open("/.well-known/jwks.json")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertEqual(response.headers["Cache-Control"], "public, max-age=3600")
        self.assertNotIn("Set-Cookie", response.headers)
        document = response.json()
        self.assertEqual(document, self.env["g2p.spar.signing.key"].published())
        self.assertEqual({key["alg"] for key in document["keys"]}, {"EdDSA", "RS256"})
        for key in document["keys"]:
            self.assertEqual(key["use"], "sig")
            self.assertFalse(PRIVATE & key.keys())
        self.assertEqual(len(jwk.parse_jwks(response.content).keys), len(document["keys"]))

    def test_errors_are_json(self):
        response = self.url_open("/.well-known/jwks.json", method="POST", data="x")
        self.assertEqual(response.status_code, 405)
        self.assertTrue(response.json()["errors"])


class TestFetch(TransactionCase):
    """What becomes of the answers of another system; the gateway has tests of its own."""

    def fetch(self, status=200, body=b"", url="https://bank.example.org:444/a/SECRET?b"):
        def get(url, *, hosts, headers):
            self.assertEqual(hosts, ["bank.example.org:444"])
            if isinstance(body, Exception):
                raise body
            return gateway.Reply(status, {}, body)

        with patch.object(gateway, "get", get):
            return jwks.fetch(url)

    def test_keys(self):
        key = jwk.generate("EdDSA")
        found = self.fetch(body=json.dumps({"keys": [jwk.public_jwk(key)]}).encode())
        self.assertEqual([key.kid for key in found.keys], [key.kid])

    def test_problems(self):
        for what, status, body in (
            ("HTTP status 404", 404, b""),
            ("HTTP status 302", 302, b'{"keys": []}'),
            ("bank.example.org:444: This is no JSON", 200, b"<html>"),
            ("at least one key", 200, b'{"keys": []}'),
            ("private or symmetric", 200, b'{"keys": [{"kty": "oct", "k": "SECRET"}]}'),
            ("slow", 200, gateway.GatewayFailed("bank.example.org:444: slow", True)),
            ("private network", 200, gateway.GatewayRefused("private network")),
        ):
            with self.subTest(what), self.assertRaisesRegex(jwks.JwksProblem, what) as caught:
                self.fetch(status, body)
            self.assertNotIn("SECRET", str(caught.exception))

    def test_over_http(self):
        key = jwk.generate("EdDSA")
        body = json.dumps({"keys": [jwk.public_jwk(key)]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", len(body))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        with patch.object(gateway, "get_setting", lambda option: "127.0.0.0/8"):
            found = jwks.fetch(f"http://127.0.0.1:{server.server_port}/jwks.json")
        thread.join(10)
        self.assertEqual([key.kid for key in found.keys], [key.kid])

    def test_wrong_addresses(self):
        for url in ("", "ftp://bank.example.org/", "https://a@bank.example.org/", "https:///x"):
            with self.subTest(url), self.assertRaises(jwks.JwksProblem):
                jwks.fetch(url)
