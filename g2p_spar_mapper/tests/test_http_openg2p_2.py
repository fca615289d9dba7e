# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo.tests import HttpCase, tagged

from .test_openg2p_2 import OpenG2P2Common

MAPPER = "/api/mapper/mapper"
DIRECTORY = "/api/bene-portal/dfsp"
LISTINGS = {
    "fetch-banks": "banks",
    "fetch-branches": "branches",
    "fetch-wallet-service-providers": "wallet_service_providers",
}
OPERATIONS = ("link", "update", "resolve", "unlink")


@tagged("post_install", "-at_install")
class TestHttpOpenG2P2(OpenG2P2Common, HttpCase):
    def setUp(self):
        super().setUp()
        self.token = self.token_of(self.openg2p_2)

    def token_of(self, participant, operations=OPERATIONS):
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

    def directory_message(self, payload=None):
        message = self.message_2("link")
        message["request_body"] = {"request_payload": payload}
        return message

    def test_operations(self):
        item = {"id": self.id_of(1), "fa": self.bank_fa(), "scope": "details"}
        for operation in OPERATIONS:
            with self.subTest(operation=operation):
                response = self.post(f"{MAPPER}/{operation}", self.message_2(operation, item))
                self.assertEqual(response.status_code, 200, response.text)
                self.assertEqual(response.headers["Content-Type"], "application/json")
                self.assertEqual(response.headers["Cache-Control"], "no-store")
                self.assertNotIn("Set-Cookie", response.headers)
                payload = response.json()["response_body"]["response_payload"]
                [told] = payload[f"{operation}_response"]
                self.assertEqual(told["status"], "succ")
                if operation == "resolve":
                    self.assertEqual(told["fa"], self.bank_fa())

    def test_directory(self):
        for name, listing in LISTINGS.items():
            response = self.post(f"{DIRECTORY}/{name}", self.directory_message())
            self.assertEqual(response.status_code, 200, response.text)
            answer = response.json()
            self.assertEqual(answer["response_header"]["response_status"], "SUCCESS")
            self.assertTrue(answer["response_body"]["response_payload"][listing])
        for bank_id, count in ((self.other_bank.id, 1), (0, 0)):
            message = self.directory_message({"bank_id": bank_id})
            answer = self.post(f"{DIRECTORY}/fetch-branches", message).json()
            branches = answer["response_body"]["response_payload"]["branches"]
            self.assertEqual(len(branches), count)

    def paths(self):
        item = {"id": self.id_of(1), "fa": self.bank_fa()}
        for operation in OPERATIONS:
            yield f"{MAPPER}/{operation}", self.message_2(operation, item)
        for name in LISTINGS:
            yield f"{DIRECTORY}/{name}", self.directory_message()

    def test_a_token_is_needed(self):
        self.openg2p_2.active = False
        for path, message in self.paths():
            for token in ("", "nonsense", self.token):
                with self.subTest(path=path, token=token[:8]):
                    response = self.post(path, message, token or " ")
                    self.assertEqual(response.status_code, 401)
                    [error] = response.json()["errors"]
                    self.assertEqual(error["code"], "err.request.unauthorized")
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_operations_are_granted_one_by_one(self):
        item = {"id": self.id_of(1), "fa": self.bank_fa()}
        for operation in OPERATIONS:
            others = [other for other in OPERATIONS if other != operation]
            token = self.token_of(self.openg2p_2, others)
            response = self.post(f"{MAPPER}/{operation}", self.message_2(operation, item), token)
            self.assertEqual(response.status_code, 403)
            self.assertEqual(response.json()["errors"][0]["code"], "err.request.forbidden")
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_the_directory_is_for_every_participant(self):
        nobody = self._participant("nobody", profile="openg2p_2")
        token = self.token_of(nobody, ["resolve"])
        nobody.write({f"may_{operation}": False for operation in OPERATIONS})
        for name in LISTINGS:
            response = self.post(f"{DIRECTORY}/{name}", self.directory_message(), token)
            self.assertEqual(response.status_code, 200, response.text)
        response = self.post(f"{MAPPER}/resolve", self.message_2("resolve", {"id": "x@y"}), token)
        self.assertEqual(response.status_code, 403)

    def test_malformed(self):
        for path, message in self.paths():
            good = json.dumps(message)
            for body in (
                b"",
                b"{",
                b"[]",
                b"null",
                b"\xff\xfe",
                good.encode() + b"x",
                good.replace('"request_id"', '"request_id": "x", "request_id"').encode(),
                good.replace("req_", "\\ud800").encode(),
                b'{"request_header":' * 3000 + b"1" + b"}" * 3000,
                b'{"request_header": {}, "request_body": {}}',
                b'{"header": {}, "message": {}}',
            ):
                with self.subTest(path=path, body=body[:40]):
                    response = self.post(path, body)
                    self.assertEqual(response.status_code, 400, response.text)
                    self.assertEqual(set(response.json()), {"response_header"})
                    header = response.json()["response_header"]
                    self.assertEqual(header["response_status"], "ERROR")
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_other_errors_are_json(self):
        for path, message in self.paths():
            limit = 17 * 1024 * 1024 if MAPPER in path else 1_100_000
            for response, status in (
                (self.post(f"{path}x", message), 404),
                (self.url_open(path), 405),
                (self.post(path, message, **{"Content-Type": "text/plain"}), 415),
                (self.post(path, message, **{"Content-Encoding": "gzip"}), 415),
                (self.post(path, b" " * limit), 413),
            ):
                with self.subTest(path=path, status=status):
                    self.assertEqual(response.status_code, status)
                    self.assertTrue(response.json()["errors"][0]["code"])

    def test_another_sender(self):
        for path, message in self.paths():
            message["request_header"]["sender_app_mnemonic"] = "free.test"
            response = self.post(path, message)
            self.assertEqual(response.status_code, 403)
            self.assertEqual(response.json()["errors"][0]["code"], "err.sender_id.invalid")
