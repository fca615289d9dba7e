# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What limits do to callers of the API and of the token endpoint."""

import base64
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from jsonschema import Draft202012Validator
from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import config, mute_logger

from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome, Result

from .. import api, openapi
from ..models import g2p_spar_rate_limit
from ..models.g2p_spar_rate_limit import TooManyRequests
from ..rate_limit import RateTable
from .common import MapperCommon
from .test_http import OPENG2P, SYNC, TestHttp


class FakeTables:
    """Tables with a clock that stands still until it is told to move."""

    def start_clock(self):
        folder = tempfile.mkdtemp(prefix="spar-limits-")
        self.addCleanup(shutil.rmtree, folder)
        self.now = 1000.0
        self.tables = {}
        for name in ("participants", "sign-in"):
            table = RateTable(Path(folder, name), clock=lambda: self.now)
            self.addCleanup(table.close)
            self.tables[name] = table
        model = type(self.env["g2p.spar.rate.limit"])
        self.patch(model, "_buckets", lambda _self, name: self.tables[name])


class TestCosts(FakeTables, MapperCommon):
    def setUp(self):
        super().setUp()
        self.start_clock()
        self.limits = self.env["g2p.spar.rate.limit"]

    def profile(self, **values):
        self.participant.write(values)
        return self.env["g2p.spar.participant"].get_profile(self.participant.id)

    def check_wait(self, profile, operation):
        with self.assertRaises(TooManyRequests) as raised:
            self.limits.check(profile, operation)
        self.assertEqual(raised.exception.status, 429)
        self.assertEqual(raised.exception.code, "err.request.too_many_requests")
        return int(raised.exception.headers["Retry-After"])

    def test_costs(self):
        """Of a bucket of 1 that a minute fills with 60: the wait is the debt."""
        for operation, outcome, cost in (
            ("resolve", Outcome.ID_ACTIVE, 1),
            ("resolve", Outcome.ID_INACTIVE, 1),
            ("resolve", Outcome.FA_ACTIVE, 1),
            ("resolve", Outcome.FA_INACTIVE, 1),
            ("resolve", Outcome.ID_NOT_FOUND, 3),
            ("resolve", Outcome.FA_NOT_FOUND, 3),
            ("resolve", Outcome.FA_NOT_LINKED_TO_ID, 3),
            ("resolve", Outcome.ID_INVALID, 3),
            ("resolve", Outcome.RETRY, 1),
            ("link", Outcome.DONE, 1),
            ("link", Outcome.RETRY, 1),
            ("update", Outcome.UNCHANGED, 1),
            ("link", Outcome.ALREADY_LINKED, 3),
            ("unlink", Outcome.NOT_LINKED, 3),
            ("update", Outcome.ID_NOT_ALLOWED, 3),
        ):
            with self.subTest(operation=operation, outcome=outcome):
                self.now += 10_000
                profile = self.profile(resolve_rate=60, write_rate=60, burst=1)
                self.limits.check(profile, operation)
                self.limits.charge(profile, operation, [Result("", outcome)] * 100)
                self.assertEqual(self.check_wait(profile, operation), 100 * cost)

    def test_a_message_costs_at_least_1(self):
        profile = self.profile(resolve_rate=60, burst=3)
        for _ in range(3):
            self.limits.check(profile, "resolve")
            self.limits.charge(profile, "resolve", [])
        self.assertEqual(self.check_wait(profile, "resolve"), 1)

    def test_receipt_and_work_cost_what_both_together_cost(self):
        profile = self.profile(write_rate=60, burst=1)
        self.limits.check(profile, "link")
        self.limits.charge_receipt(profile, "link", 100)
        self.assertEqual(self.check_wait(profile, "link"), 100)
        results = [Result("", Outcome.DONE)] * 60 + [Result("", Outcome.ALREADY_LINKED)] * 40
        self.limits.charge(profile, "link", results, prepaid=100)
        self.assertEqual(self.check_wait(profile, "link"), 60 + 3 * 40)

    def test_reading_and_writing_have_a_bucket_each(self):
        profile = self.profile(resolve_rate=60, write_rate=60, burst=1)
        self.limits.charge(profile, "link", [Result("", Outcome.DONE)] * 100)
        self.limits.check(profile, "resolve")
        for operation in ("link", "update", "unlink"):
            self.check_wait(profile, operation)

    def test_no_limit(self):
        """Without a limit no file is touched."""
        self.tables.clear()
        profile = self.profile(resolve_rate=0, write_rate=0, burst=10)
        for operation in ("resolve", "link"):
            self.limits.check(profile, operation)
            self.limits.charge(profile, operation, [Result("", Outcome.OTHER)] * 10_000)
            self.limits.charge_receipt(profile, operation, 10_000)

    def test_a_new_limit_begins_with_a_full_bucket(self):
        profile = self.profile(resolve_rate=1, burst=1)
        self.limits.charge(profile, "resolve", [Result("", Outcome.ID_ACTIVE)] * 10_000)
        self.check_wait(profile, "resolve")
        self.limits.check(self.profile(resolve_rate=600), "resolve")

    def test_burst_of_a_minute_unless_said_otherwise(self):
        profile = self.profile(resolve_rate=60)
        for _ in range(60):
            self.limits.check(profile, "resolve")
        self.check_wait(profile, "resolve")

    def test_no_negative_limits(self):
        for name in ("resolve_rate", "write_rate", "burst"):
            with (
                self.subTest(name=name),
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation),
                self.cr.savepoint(),
            ):
                self.participant.write({name: -1})
                self.participant.flush_recordset()

    def test_addresses_that_are_one(self):
        key = g2p_spar_rate_limit._address_key
        self.assertEqual(key("2001:db8::1"), key("2001:db8::ffff"))
        self.assertEqual(key("::ffff:192.0.2.1"), key("192.0.2.1"))
        self.assertNotEqual(key("192.0.2.1"), key("192.0.2.2"))
        self.assertNotEqual(key("2001:db8::1"), key("2001:db8:0:1::1"))
        self.assertEqual(key(None), key(None))
        key("no address at all")


@tagged("post_install", "-at_install")
class TestApiLimits(FakeTables, MapperCommon, HttpCase):
    token_of, post, message = TestHttp.token_of, TestHttp.post, TestHttp.message

    def setUp(self):
        super().setUp()
        self.start_clock()
        self.token = self.token_of(self.participant)

    def resolve(self, count=1, base=SYNC, **options):
        items = [{"id": self.id_of(number)} for number in range(count)]
        return self.post(f"{base}/resolve", self.message("resolve", *items), **options)

    def check_429(self, response, path, wait):
        self.assertEqual(response.status_code, 429, response.text)
        self.assertEqual(response.headers["Retry-After"], str(wait))
        self.assertEqual(response.headers["Content-Type"], "application/json")
        document = openapi.document()
        documented = document["paths"][path]["post"]["responses"]["429"]
        self.assertIn("Retry-After", documented["headers"])
        schema = documented["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": document["components"]})
        validator.validate(response.json())
        return response.json()

    def test_misses_use_it_up(self):
        self.participant.write({"resolve_rate": 60, "burst": 5})
        self.assertEqual(self.resolve(3).status_code, 200)  # 9 of 5
        answer = self.check_429(self.resolve(), f"{SYNC}/resolve", 5)
        header = answer["header"]
        self.assertEqual((header["status"], header["action"]), ("rjct", "on-resolve"))
        self.assertEqual((header["message_id"], header["receiver_id"]), ("m1", "free.test"))
        self.assertIn("err.request.too_many_requests", header["status_reason_message"])
        self.now += 5
        self.assertEqual(self.resolve().status_code, 200)

    def test_hits_cost_less(self):
        self.link(self.free, *((self.id_of(number), self.fa()) for number in range(3)))
        self.participant.write({"resolve_rate": 60, "burst": 5})
        for _ in range(2):
            self.assertEqual(self.resolve(3).status_code, 200)
        self.assertEqual(self.resolve(3).headers["Retry-After"], "2")

    def test_writes(self):
        self.participant.write({"write_rate": 60, "burst": 2})
        item = {"id": self.id_of(1), "fa": self.fa()}
        self.assertEqual(self.post(f"{SYNC}/link", self.message("link", item)).status_code, 200)
        again = self.message("link", item, message_id="m2")
        self.assertEqual(self.post(f"{SYNC}/link", again).status_code, 200)  # rejected: 3
        other = {"id": self.id_of(2), "fa": self.fa()}
        response = self.post(f"{SYNC}/link", self.message("link", other, message_id="m3"))
        self.check_429(response, f"{SYNC}/link", 3)
        self.assertFalse(self.mapping(self.id_of(2)))
        self.assertEqual(self.resolve().status_code, 200)
        self.now += 3
        response = self.post(f"{SYNC}/link", self.message("link", other, message_id="m3"))
        self.assertEqual(response.json()["message"]["link_response"][0]["status"], "succ")

    def test_others_are_not_held_up(self):
        self.participant.write({"resolve_rate": 1, "burst": 1})
        self.resolve(3)
        self.assertEqual(self.resolve().status_code, 429)
        self.institution.write({"resolve_rate": 1, "burst": 1})
        message = self.message("resolve", {"id": self.id_of(1)}, sender_id="bank.test")
        response = self.post(f"{SYNC}/resolve", message, self.token_of(self.institution))
        self.assertEqual(response.status_code, 200)

    def test_openg2p_1(self):
        self.participant.write({"resolve_rate": 60, "burst": 1, "profile": "openg2p_1"})
        self.resolve(1, OPENG2P)
        answer = self.check_429(self.resolve(1, OPENG2P), f"{OPENG2P}/resolve", 3)
        self.assertEqual(answer["header"]["action"], "resolve")

    def test_openg2p_2(self):
        self.participant.write({"resolve_rate": 60, "burst": 1, "profile": "openg2p_2"})
        header = {"sender_app_mnemonic": "free.test", "request_id": "q1"}
        items = [{"reference_id": "1", "id": self.id_of(1)}]
        payload = {"transaction_id": "t", "resolve_request": items}
        body = {"request_header": header, "request_body": {"request_payload": payload}}
        path = f"{api.OPENG2P_2}/resolve"
        self.assertEqual(self.post(path, body).status_code, 200)
        answer = self.check_429(self.post(path, body), path, 3)
        self.assertEqual(answer["response_header"]["request_id"], "q1")
        self.assertEqual(answer["response_header"]["response_status"], "ERROR")
        path = f"{api.OPENG2P_2_DIRECTORY}/fetch-banks"
        body["request_body"] = {"request_payload": {}}
        self.check_429(self.post(path, body), path, 3)
        self.now += 3
        self.assertEqual(self.post(path, body).status_code, 200)
        self.check_429(self.post(path, body), path, 1)

    def test_asynchronous(self):
        """Items are charged when they come, whatever becomes of them later."""
        self.participant.write({"write_rate": 60, "burst": 5})
        for path in ("/spar/v1.0.0/mapper/link", "/api/mapper/async/link"):
            with self.subTest(path=path):
                self.now += 10_000
                items = [{"id": self.id_of(number), "fa": self.fa()} for number in range(9)]
                first = self.message("link", *items, message_id=f"first {path}")
                self.assertEqual(self.post(path, first).status_code, 200)
                messages = self.env["g2p.spar.message"]
                count = messages.search_count([])
                second = self.message("link", items[0], message_id=f"second {path}")
                answer = self.check_429(self.post(path, second), path, 5)
                self.assertEqual(answer["message"]["ack_status"], "ERR")
                code = answer["message"]["error"]["code"]
                self.assertEqual(code, "err.request.too_many_requests")
                self.assertEqual(messages.search_count([]), count)

    def test_what_cannot_be_read_costs_as_well(self):
        self.participant.write({"resolve_rate": 60, "burst": 2})
        for body, status in ((b"{", 400), (b"[]", 400), (b"{", 429), (b"[]", 429)):
            response = self.post(f"{SYNC}/resolve", body)
            self.assertEqual(response.status_code, status)
            self.assertEqual(response.json()["header"]["status"], "rjct")

    def test_nobody_is_charged_for_a_stranger(self):
        self.participant.write({"resolve_rate": 60, "burst": 1})
        for _ in range(5):
            self.assertEqual(self.resolve(token="nonsense").status_code, 401)
        self.assertEqual(self.resolve().status_code, 200)

    def test_no_statement(self):
        """Limits cost no SQL."""
        message = self.message("resolve", *({"id": self.id_of(number)} for number in range(20)))
        counts = []
        for values in ({"resolve_rate": 0}, {"resolve_rate": 1000}):
            self.participant.write(values)
            for _ in range(2):  # the first fills caches
                self.env.flush_all()
                before = self.cr.sql_log_count
                self.assertEqual(self.post(f"{SYNC}/resolve", message).status_code, 200)
                counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[3])


@tagged("post_install", "-at_install")
class TestTokenLimits(FakeTables, MapperCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.start_clock()
        self.secret = self.participant.rotate_secret()
        self.set_limits(tokens_per_address=20, tokens_per_client=3)

    def set_limits(self, **limits):
        for name, per_minute in limits.items():
            self.env["ir.config_parameter"].set_param(f"g2p_spar.{name}", per_minute)

    def ask(self, client_id=None, secret=None, headers=None):
        data = {
            "grant_type": "client_credentials",
            "client_id": client_id or self.participant.client_id,
            "client_secret": secret or self.secret,
        }
        return self.url_open(api.TOKEN, data=data, headers=headers)

    def check_429(self, response, wait):
        self.assertEqual(response.status_code, 429)
        self.assertEqual(response.json(), {"error": "temporarily_unavailable"})
        self.assertEqual(response.headers["Retry-After"], str(wait))
        self.assertEqual(response.headers["Cache-Control"], "no-store")

    def test_refused_requests_cost_more(self):
        for _ in range(2):
            self.assertEqual(self.ask(secret="wrong").status_code, 401)
        self.check_429(self.ask(secret="wrong"), 3)
        self.check_429(self.ask(), 3)
        self.now += 3
        self.assertEqual(self.ask().status_code, 200)

    def test_whatever_is_refused_costs(self):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for data in ("grant_type=password", "", "client_id=nobody", "a=1&a=2"):
            with self.subTest(data=data):
                self.now += 10_000
                response = self.url_open(api.TOKEN, data=data, headers=headers, method="POST")
                self.assertIn(response.status_code, (400, 401))
                self.ask(client_id="nobody")
                self.check_429(self.ask(), 3)

    def test_unknown_clients(self):
        for number in range(2):
            self.assertEqual(self.ask(client_id=f"nobody {number}").status_code, 401)
        credentials = base64.b64encode(b"nobody:x").decode()
        self.check_429(self.ask(headers={"Authorization": f"Basic {credentials}"}), 3)

    def test_tokens_of_a_client(self):
        for _ in range(3):
            self.assertEqual(self.ask().status_code, 200)
        tokens = self.env["g2p.spar.access.token"]
        count = tokens.search_count([])
        self.check_429(self.ask(), 20)
        self.assertEqual(tokens.search_count([]), count)
        other = self.institution.rotate_secret()
        self.assertEqual(self.ask(self.institution.client_id, other).status_code, 200)
        self.now += 20
        self.assertEqual(self.ask().status_code, 200)

    def test_a_stranger_cannot_use_up_a_clients_tokens(self):
        self.set_limits(tokens_per_address=100_000)
        for _ in range(20):
            self.assertEqual(self.ask(secret="wrong").status_code, 401)
        self.assertEqual(self.ask().status_code, 200)

    def test_another_address(self):
        with patch.dict(config.options, {"proxy_mode": True}):
            for number in range(3):
                for _ in range(2):
                    response = self.ask(secret="wrong", headers=self.forwarded(number))
                    self.assertEqual(response.status_code, 401)
                self.check_429(self.ask(headers=self.forwarded(number)), 3)
        self.assertEqual(self.ask().status_code, 200)

    def forwarded(self, number):
        return {"X-Forwarded-Host": "spar.example", "X-Forwarded-For": f"192.0.2.{number}"}

    def test_settings(self):
        self.env["res.config.settings"].create(
            {"g2p_spar_tokens_per_address": 2, "g2p_spar_tokens_per_client": 1}
        ).execute()
        self.assertEqual(self.ask().status_code, 200)
        self.check_429(self.ask(), 60)
        self.check_429(self.ask(client_id="nobody"), 30)
        with self.assertRaises(ValidationError):
            self.env["res.config.settings"].create({"g2p_spar_tokens_per_client": 0})


class TestSharedTables(TransactionCase):
    def test_beside_the_spool(self):
        folder = self.env["g2p.spar.access.log"]._spool().directory
        limits = self.env["g2p.spar.rate.limit"]
        paths = {limits._buckets(name).path for name in ("participants", "sign-in")}
        self.assertEqual({path.parent for path in paths}, {folder})
        self.assertEqual(len(paths), 2)
