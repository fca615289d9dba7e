# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
import logging
from datetime import UTC, datetime

from odoo.tests import HttpCase, tagged

from .common import MapperCommon

SYNC = "/spar/v1.0.0/mapper/sync"
OPENG2P = "/api/mapper/sync"


@tagged("post_install", "-at_install")
class TestHttp(MapperCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.token = self.token_of(self.participant)

    def token_of(self, participant, operations=("link", "update", "unlink", "resolve")):
        return self.env["g2p.spar.access.token"].issue(participant, operations)

    def post(self, path, body, token=None, **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.token if token is None else token}",
            **headers,
        }
        return self.url_open(path, data=body, headers=headers, method="POST")

    def message(self, operation, *items, sender_id="free.test", message_id="m1"):
        now = datetime.now(UTC).isoformat()
        return {
            "header": {
                "version": "1.0.0",
                "message_id": message_id,
                "message_ts": now,
                "action": operation,
                "sender_id": sender_id,
                "total_count": len(items),
            },
            "message": {
                "transaction_id": "t1",
                f"{operation}_request": [
                    {"reference_id": f"r{number}", "timestamp": now, **item}
                    for number, item in enumerate(items)
                ],
            },
        }

    def test_both_paths(self):
        for number, base in enumerate((SYNC, OPENG2P)):
            with self.subTest(base=base):
                item = {"id": self.id_of(number), "fa": self.fa()}
                message = self.message("link", item, message_id=f"m{number}")
                response = self.post(f"{base}/link", message)
                self.assertEqual(response.status_code, 200, response.text)
                self.assertEqual(response.headers["Content-Type"], "application/json")
                self.assertEqual(response.headers["Cache-Control"], "no-store")
                self.assertNotIn("Set-Cookie", response.headers)
                [answer] = response.json()["message"]["link_response"]
                self.assertEqual(answer["status"], "succ")
                resolve = self.message("resolve", {"id": self.id_of(number), "scope": "details"})
                [answer] = self.post(f"{base}/resolve", resolve).json()["message"][
                    "resolve_response"
                ]
                self.assertEqual(answer["fa"], self.fa())

    def test_authentication(self):
        message = self.message("resolve", {"id": self.id_of(1)})
        for headers in (
            {"Authorization": "Bearer nonsense"},
            {"Authorization": "Bearer "},
            {"Authorization": "Bearer ünicode".encode()},
            {"Authorization": f"Basic {self.token}"},
            {"Authorization": self.token},
            {"Authorization": ""},
        ):
            with self.subTest(**headers):
                response = self.post(f"{SYNC}/resolve", message, **headers)
                self.assertEqual(response.status_code, 401)
                [error] = response.json()["errors"]
                self.assertEqual(error["code"], "err.request.unauthorized")
                self.assertIn("Bearer", response.headers["WWW-Authenticate"])

    def test_authorisation(self):
        message = self.message("link", {"id": self.id_of(1), "fa": self.fa()})
        narrow = self.token_of(self.participant, ["resolve"])
        self.assertEqual(self.post(f"{SYNC}/link", message, narrow).status_code, 403)
        self.participant.may_link = False
        response = self.post(f"{SYNC}/link", message)
        self.assertEqual(response.status_code, 403)
        self.assertEqual(response.json()["errors"][0]["code"], "err.request.forbidden")
        other = self.token_of(self.institution)
        self.assertEqual(self.post(f"{SYNC}/link", message, other).status_code, 403)
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_malformed(self):
        good = json.dumps(self.message("link", {"id": self.id_of(1), "fa": self.fa()}))
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b"\xff\xfe",
            good.encode() + b"x",
            good.replace('"id"', '"id": "x", "id"').encode(),
            good.replace(self.id_of(1), "\\ud800").encode(),
            b'{"header":' * 3000 + b"1" + b"}" * 3000,
        ):
            with self.subTest(body=body[:40]):
                response = self.post(f"{SYNC}/link", body)
                self.assertEqual(response.status_code, 400, response.text)
                self.assertEqual(response.json()["header"]["status"], "rjct")
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_status_codes_are_json(self):
        message = json.dumps(self.message("resolve", {"id": self.id_of(1)})).encode()
        path = f"{SYNC}/resolve"
        for response, status in (
            (self.post(f"{SYNC}/nothing", message), 404),
            (self.url_open(path), 405),
            (self.post(path, message, **{"Content-Type": "text/plain"}), 415),
            (self.post(path, message, **{"Content-Encoding": "gzip"}), 415),
            (self.post(path, b" " * (17 * 1024 * 1024)), 413),
        ):
            with self.subTest(status=status):
                self.assertEqual(response.status_code, status)
                self.assertTrue(response.json()["errors"][0]["code"])

    def test_unexpected_failure_tells_and_logs_nothing(self):
        marker = self.id_of(424242424242)

        def fail(*args, **options):
            raise RuntimeError(f"cannot work with {marker}")

        self.patch(type(self.env["g2p.spar.mapper"]), "resolve_items", fail)
        with self.assertLogs("odoo", logging.DEBUG) as logs:
            response = self.post(f"{SYNC}/resolve", self.message("resolve", {"id": marker}))
        self.assertEqual(response.status_code, 500)
        self.assertNotIn("424242424242", response.text)
        self.assertNotIn("424242424242", "\n".join(logs.output))
        self.assertIn("RuntimeError", "\n".join(logs.output))

    def test_failure_half_way_leaves_nothing(self):
        def fail(*args):
            raise RuntimeError("disk full")

        self.patch(type(self.env["g2p.spar.message"]), "finish", fail)
        item = {"id": self.id_of(1), "fa": self.fa()}
        with self.assertLogs("odoo.addons.g2p_spar_connector", logging.ERROR):
            response = self.post(f"{SYNC}/link", self.message("link", item))
        self.assertEqual(response.status_code, 500)
        self.env.invalidate_all()
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_health(self):
        response = self.url_open("/spar/health")
        self.assertEqual((response.status_code, response.json()), (200, {"status": "up"}))
