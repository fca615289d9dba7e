# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import contextlib
import json
import re
from datetime import UTC, datetime
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.g2p_spar_connector import gateway
from odoo.addons.g2p_spar_connector.g2p_connect import jwk, signature

from .. import callback_outcome
from ..models import g2p_spar_callback
from .test_asynchronous import AsyncCommon

URL = "https://bank.test/cb"
MODEL_LOGGER = "odoo.addons.g2p_spar_mapper.models.g2p_spar_callback"


class Receiver:
    """Stands in for the network: records what is sent, and answers as told."""

    def __init__(self):
        self.sent = []
        self.answer = self.acknowledge

    def post(self, url, body, headers, *, hosts, timeout, max_bytes):
        self.sent.append((url, json.loads(body), dict(headers), set(hosts)))
        self.raw = body
        answer = self.answer(json.loads(body))
        if isinstance(answer, Exception):
            raise answer
        return gateway.Reply(answer[0], {}, answer[1])

    @staticmethod
    def acknowledge(body, status="ACK", **members):
        told = {"ack_status": status, "timestamp": "2026-11-22T10:00:00Z", "correlation_id": "1"}
        return 200, json.dumps({"message": told | members}).encode()

    def answer_with(self, status, body=b""):
        self.answer = lambda _body: (status, body)

    def fail(self, *, maybe_sent=False):
        error = gateway.GatewayFailed("bank.test: no connection within 3 s", maybe_sent)
        self.answer = lambda _body: error


class TestCallback(AsyncCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.cr.execute("UPDATE g2p_spar_callback SET state = 'parked' WHERE state = 'waiting'")
        cls.participant.callback_url = URL
        cls.openg2p.callback_url = URL

    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.startPatcher(patch.object(callback_outcome.gateway, "post", self.receiver.post))

    def done(self, operation, *items, **values):
        """The callback of a message that was carried out."""
        message = self.accept(operation, *items, **values)
        self.run_lane()
        return self.env["g2p.spar.callback"].search([("message_id", "=", message.id)])

    def deliver(self):
        """Deliver what is due."""
        self.env.flush_all()
        with self.lane() as queue:
            queue.env["g2p.spar.callback"]._cron_deliver()

    def make_due(self, callbacks):
        self.env.cr.execute(
            "UPDATE g2p_spar_callback SET next_try_at = '2020-01-01' WHERE id = ANY(%s)",
            [callbacks.ids],
        )
        self.env.cr.execute("UPDATE g2p_spar_callback_receiver SET silent_until = NULL")
        callbacks.invalidate_recordset()

    def seconds_to_next_try(self, callback):
        self.env.cr.execute(
            """SELECT extract(epoch FROM next_try_at - clock_timestamp() AT TIME ZONE 'UTC')
            FROM g2p_spar_callback WHERE id = %s""",
            callback.ids,
        )
        return float(self.env.cr.fetchone()[0])

    # === WHAT IS SENT === #

    def test_strict(self):
        callback = self.done("link", *self.links(1, 4))
        self.deliver()
        [(url, body, headers, hosts)] = self.receiver.sent
        self.assertEqual((url, hosts), (f"{URL}/on-link", {"bank.test"}))
        self.assertEqual(headers["Content-Type"], "application/json")
        header, message = body["header"], body["message"]
        self.assertEqual(
            {name: header[name] for name in ("action", "status", "sender_id", "receiver_id")},
            {
                "action": "on-link",
                "status": "succ",
                "sender_id": "registry.test",
                "receiver_id": "free.test",
            },
        )
        self.assertEqual((header["total_count"], header["completed_count"]), (4, 4))
        self.assertEqual(header["message_id"], callback.callback_message_id)
        self.assertNotEqual(header["message_id"], callback.message_id.message_id)
        self.assertEqual(message["correlation_id"], callback.message_id.correlation_id)
        self.assertEqual(message["transaction_id"], callback.message_id.transaction_id)
        self.assertEqual([item["status"] for item in message["link_response"]], ["succ"] * 4)
        self.assertRecordValues(
            callback, [{"state": "delivered", "try_count": 1, "problem": False}]
        )
        self.assertTrue(callback.delivered_at)
        self.assertRecordValues(callback.try_ids, [{"delivered": True, "http_status": 200}])

    def test_openg2p(self):
        callback = self.done("resolve", {"id": self.id_of(1)}, participant=self.openg2p)
        self.deliver()
        [(url, body, _headers, _hosts)] = self.receiver.sent
        self.assertEqual(url, f"{URL}/on-resolve")
        header = body["header"]
        self.assertEqual(header["message_id"], callback.message_id.message_id)
        self.assertEqual((header["action"], header["meta"]), ("resolve", {}))
        self.assertEqual(
            (header["sender_id"], header["receiver_id"]), ("openg2p.test", "registry.test")
        )

    def test_signed_in_the_participants_dialect(self):
        keys = self.env["g2p.spar.signing.key"]
        keys._cron_rotate()
        public_keys = [jwk.from_jwk(key) for key in keys.published()["keys"]]
        for number, dialect in enumerate(signature.DIALECTS):
            with self.subTest(dialect=dialect):
                self.participant.write({"signature_dialect": dialect, "sign_answers": True})
                self.done("link", *self.links(number, 1))
                self.deliver()
                url, body, headers, _hosts = self.receiver.sent[-1]
                now = datetime.now(UTC)
                verified = signature.verify(
                    dialect, self.receiver.raw, body, headers.get("Signature"), public_keys, now
                )
                self.assertEqual(verified.algorithm, signature.SIGNING_ALGORITHMS[dialect])
                self.assertEqual(url, f"{URL}/on-link")

    def test_not_sent_unsigned(self):
        callback = self.done("link", *self.links(1, 1))
        self.participant.write({"signature_dialect": "openg2p_1", "sign_answers": True})
        self.env["g2p.spar.signing.key"].search([]).unlink()
        self.deliver()
        self.assertFalse(self.receiver.sent)
        self.assertIn("cannot be signed", callback.problem)

    def test_address_of_the_message(self):
        self.participant.callback_hosts = "other.test"
        self.done("link", *self.links(1, 1), sender_uri="https://other.test/mine")
        self.deliver()
        self.assertEqual(self.receiver.sent[0][0], "https://other.test/mine")

    def test_none_without_address(self):
        self.participant.callback_url = False
        self.assertFalse(self.done("link", *self.links(1, 1)))

    # === TRIES === #

    def test_what_is_not_taken_is_sent_again_as_it_was(self):
        callback = self.done("link", *self.links(1, 1))
        error = {"code": "err.service.unavailable", "message": f"cannot take {self.id_of(1)}"}
        expected = []
        for answer, problem in (
            (lambda _body: (500, b"oops"), "HTTP 500"),
            (lambda _body: (302, b""), "redirects are not followed"),
            (lambda _body: (401, b""), "Sign Answers"),
            (lambda body: self.receiver.acknowledge(body, "ERR", error=error), "ERR err.service"),
            (lambda _body: gateway.GatewayFailed("bank.test: no connection", False), "connection"),
            (lambda _body: gateway.GatewayRefused("bank.test: not public"), "not public"),
        ):
            self.receiver.answer = answer
            self.make_due(callback)
            self.deliver()
            self.assertEqual(callback.state, "waiting")
            self.assertIn(problem, callback.problem)
            self.assertNotIn(self.id_of(1), callback.problem)
            expected.insert(0, callback.problem)
        self.assertEqual(callback.try_ids.mapped("problem"), expected)
        self.receiver.answer = self.receiver.acknowledge
        self.make_due(callback)
        self.deliver()
        self.assertRecordValues(callback, [{"state": "delivered", "try_count": 7}])
        self.assertEqual(
            len({body["header"]["message_id"] for _, body, *_ in self.receiver.sent}), 1
        )
        self.assertEqual(
            len({json.dumps(body["message"]) for _, body, *_ in self.receiver.sent}), 1
        )

    def test_any_2xx_without_err_is_delivered(self):
        for status, body in ((200, b""), (202, b"thanks"), (204, b""), (200, b'{"message": 1}')):
            with self.subTest(status=status, body=body):
                callback = self.done("link", *self.links(1, 1))
                self.receiver.answer_with(status, body)
                self.deliver()
                self.assertEqual(callback.state, "delivered")
        callback = self.done("link", *self.links(1, 1))
        self.receiver.answer = lambda body: self.receiver.acknowledge(body, "NACK")
        self.deliver()
        self.assertEqual(callback.state, "delivered")

    def test_waits_double_up_to_a_day_and_then_it_is_parked(self):
        callback = self.done("link", *self.links(1, 1))
        self.receiver.answer_with(500)
        waits = []
        while callback.state == "waiting":
            self.make_due(callback)
            self.deliver()
            waits.append(round(self.seconds_to_next_try(callback)))
        self.assertEqual(len(waits), 15)
        expected = [min(60 * 2**number, 86_400) for number in range(15)]
        for wait, wanted in zip(waits, expected, strict=True):
            self.assertAlmostEqual(wait, wanted, delta=5)
        self.assertRecordValues(callback, [{"state": "parked", "try_count": 15}])
        self.make_due(callback)
        self.deliver()
        self.assertEqual(len(self.receiver.sent), 15)

    def test_settings(self):
        parameters = self.env["ir.config_parameter"].sudo()
        for name, value in (("first_delay", 5), ("max_delay", 8), ("max_tries", 3)):
            parameters.set_param(f"g2p_spar.callback_{name}", value)
        callback = self.done("link", *self.links(1, 1))
        self.receiver.answer_with(500)
        waits = []
        while callback.state == "waiting":
            self.make_due(callback)
            self.deliver()
            waits.append(round(self.seconds_to_next_try(callback)))
        self.assertEqual(waits, [5, 8, 8])

    def test_a_try_that_nobody_survived_is_on_record_and_made_again(self):
        callback = self.done("link", *self.links(1, 1))

        def die(_body):
            raise KeyboardInterrupt

        self.receiver.answer = die
        with contextlib.suppress(KeyboardInterrupt):  # assertRaises would roll back
            self.deliver()
        self.assertEqual(len(self.receiver.sent), 1)
        callback.invalidate_recordset()
        self.assertRecordValues(callback, [{"state": "waiting", "try_count": 1}])
        self.assertRecordValues(callback.try_ids, [{"delivered": False, "problem": False}])
        self.assertGreater(self.seconds_to_next_try(callback), 50)

    def test_a_receiver_out_of_reach_holds_up_nobody_else(self):
        first = self.done("link", *self.links(1, 1))
        second = self.done("link", *self.links(2, 1))
        other = self.done("link", *self.links(3, 1), participant=self.openg2p)
        self.participant.callback_hosts = "other.test"
        elsewhere = self.done("link", *self.links(4, 1), sender_uri="https://other.test/")
        error = gateway.GatewayFailed("bank.test: no connection within 3 s", False)
        acknowledge = self.receiver.acknowledge
        self.receiver.answer = lambda body: (
            error
            if body["header"]["message_id"] == first.callback_message_id
            else acknowledge(body)
        )
        self.deliver()
        callbacks = first + second + other + elsewhere
        self.assertEqual(callbacks.mapped("try_count"), [1, 0, 1, 1])
        self.assertEqual((other + elsewhere).mapped("state"), ["delivered"] * 2)
        # as soon as it is back it gets all
        self.receiver.answer = acknowledge
        self.deliver()
        self.assertEqual(second.try_count, 0, "it is left alone for a while")
        self.make_due(first)
        self.deliver()
        self.assertEqual((first + second).mapped("state"), ["delivered"] * 2)

    def test_a_slow_receiver_has_fewer_turns(self):
        slow = [self.done("link", *self.links(n, 1)) for n in range(3)]
        fast = [
            self.done("link", *self.links(10 + n, 1), participant=self.openg2p) for n in range(6)
        ]
        mine = {callback.message_id.message_id for callback in fast}
        acknowledge, told = self.receiver.acknowledge, []

        def answer(body):
            told.append("fast" if body["header"]["message_id"] in mine else "slow")
            return acknowledge(body)

        self.receiver.answer = answer

        def deliver(*sent):
            outcome = callback_outcome.deliver(*sent)
            return outcome._replace(milliseconds=9000 if told[-1] == "slow" else 10)

        with patch.object(g2p_spar_callback, "deliver", deliver):
            self.deliver()
        self.assertEqual(told[:2].count("slow"), 1)
        self.assertEqual(told[2:7], ["fast"] * 5, "meanwhile the others have theirs")
        self.assertEqual(len(told), len(slow) + len(fast))

    def test_send_again_does_not_wait_for_a_silent_receiver(self):
        callback = self.done("link", *self.links(1, 1))
        acknowledge = self.receiver.answer
        self.receiver.answer = lambda _body: gateway.GatewayFailed("bank.test: gone", False)
        self.deliver()
        self.receiver.answer = acknowledge
        callback.action_send_again()
        self.deliver()
        self.assertEqual(callback.state, "delivered")

    def test_claiming_reads_no_more_with_a_thousand_waiting(self):
        """Neither of what is due nor of what is not."""
        callback = self.done("link", *self.links(1, 1))
        self.env.flush_all()
        self.env.cr.execute(
            """WITH message AS (
                INSERT INTO g2p_spar_message (participant_id, operation, mode, state, message_id,
                    correlation_id, replay_checked, received_at)
                SELECT participant_id, operation, mode, state, 'copy' || n, 'copy' || n, FALSE,
                    received_at
                FROM g2p_spar_message, generate_series(1, 4000) AS n WHERE id = %s
                RETURNING id, participant_id, correlation_id)
            INSERT INTO g2p_spar_callback (message_id, participant_id, url, callback_message_id,
                state, try_count, next_try_at)
            SELECT id, participant_id, %s, correlation_id, 'waiting', 0,
                now() AT TIME ZONE 'UTC' + CASE WHEN right(correlation_id, 1) < '5'
                    THEN interval '-1 hour' ELSE interval '1 hour' END
            FROM message""",
            (callback.message_id.id, callback.url),
        )
        self.env.cr.execute("ANALYZE g2p_spar_callback")
        # other plans may pay on a database as small as this one
        self.env.cr.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        self.env.cr.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {g2p_spar_callback.CLAIM}", (60, 86400, 10)
        )
        plan = json.dumps(self.env.cr.fetchone()[0])
        read = re.findall(r'"(?:Actual Rows|Rows Removed by \w+)": ([\d.]+)', plan)
        self.assertLess(max(map(float, read)), 100)

    @mute_logger(MODEL_LOGGER)
    def test_a_callback_that_cannot_be_made_holds_up_nobody_else(self):
        first = self.done("link", *self.links(1, 1))
        second = self.done("link", *self.links(2, 1))
        self.env.cr.execute(
            "UPDATE g2p_spar_message_chunk SET results = %s WHERE message_id = %s",
            (b"nonsense", first.message_id.id),
        )
        self.deliver()
        self.assertEqual((first + second).mapped("state"), ["waiting", "delivered"])
        self.assertIn("unexpected", first.problem)

    def test_purged_results(self):
        callback = self.done("link", *self.links(1, 1))
        self.env.cr.execute("UPDATE g2p_spar_message_chunk SET results = NULL")
        self.deliver()
        self.assertFalse(self.receiver.sent)
        self.assertIn("no longer kept", callback.problem)

    def test_callbacks_are_purged_with_what_they_told(self):
        told, waiting, late = (self.done("link", *self.links(n, 1)) for n in (1, 2, 3))
        messages = (told + waiting).message_id
        self.env.cr.execute(
            "UPDATE g2p_spar_message SET received_at = '2020-01-01' WHERE id = ANY(%s)",
            (messages.ids,),
        )
        self.env.cr.execute(
            "UPDATE g2p_spar_callback SET state = 'delivered' WHERE id = ANY(%s)",
            ((told + late).ids,),
        )
        self.env.cr.execute(
            "INSERT INTO g2p_spar_callback_try (callback_id, started_at) VALUES (%s, now())",
            told.ids,
        )
        self.env["g2p.spar.callback"]._gc_told()
        self.assertEqual((told + waiting + late).exists(), waiting + late)
        self.assertEqual(messages.exists(), messages, "a retry must still find its message")

    def test_erasure_costs_others_nothing(self):
        callback = self.done("link", *self.links(1, 3))
        self.erase(self.id_of(2))
        self.deliver()
        self.assertEqual(callback.state, "delivered")
        [(_url, body, _headers, _hosts)] = self.receiver.sent
        told = body["message"]["link_response"]
        self.assertEqual([item["status"] for item in told], ["succ"] * 3)
        self.assertEqual(["fa" in item for item in told], [True, False, True])

    def test_hosts_are_those_of_today(self):
        self.done("link", *self.links(1, 1))
        self.participant.callback_url = "https://moved.test/cb"
        self.deliver()
        [(url, _body, _headers, hosts)] = self.receiver.sent
        self.assertEqual((url, hosts), (f"{URL}/on-link", {"moved.test"}))  # the gateway refuses

    # === RIGHTS THAT ARE GONE === #

    def check_withdrawn(self, problem, **values):
        """What is taken from a participant ends its callbacks; given back, it gets them."""
        callback = self.done("resolve", {"id": self.id_of(1), "scope": "details"})
        before = {name: self.participant[name] for name in values}
        self.participant.write(values)
        self.deliver()
        self.assertFalse(self.receiver.sent)
        self.assertRecordValues(callback, [{"state": "parked", "try_count": 1, "problem": problem}])
        with self.assertRaisesRegex(UserError, problem):
            callback.action_send_again()
        self.participant.write(before)
        callback.action_send_again()
        self.deliver()
        self.assertEqual(callback.state, "delivered")
        self.assertEqual(len(self.receiver.sent), 1)

    def test_archived_participant(self):
        self.check_withdrawn("the participant is archived", active=False)

    def test_operation_withdrawn(self):
        self.check_withdrawn("the participant may not call resolve any more", may_resolve=False)

    def test_details_withdrawn(self):
        """The callback tells what a look-up without details tells."""
        self.link(self.free, (self.id_of(1), self.fa()))
        callback = self.done("resolve", {"id": self.id_of(1), "scope": "details"})
        self.receiver.answer_with(500)
        self.deliver()
        self.participant.may_see_details = False
        self.make_due(callback)
        self.deliver()
        [shown], [told] = (
            body["message"]["resolve_response"] for _, body, *_ in self.receiver.sent
        )
        self.assertEqual(shown["fa"], self.fa())
        gone = {"fa", "account_provider_info"}
        self.assertEqual(told, {name: shown[name] for name in shown if name not in gone})

    # === PEOPLE === #

    def test_send_again(self):
        callback = self.done("link", *self.links(1, 1))
        self.receiver.answer_with(500)
        while callback.state == "waiting":
            self.make_due(callback)
            self.deliver()
        groups = "g2p_spar_fa_directory.group_"
        officer = new_test_user(self.env, "spar-callback-officer", groups=f"{groups}officer")
        manager = new_test_user(self.env, "spar-callback-manager", groups=f"{groups}manager")
        with self.assertRaises(AccessError):
            callback.with_user(officer).action_send_again()
        with self.assertRaises(AccessError):
            callback.with_user(officer).read(["url"])
        callback.with_user(manager).action_send_again()
        self.receiver.answer = self.receiver.acknowledge
        self.deliver()
        self.assertRecordValues(callback, [{"state": "delivered", "try_count": 1}])
        self.assertEqual(len(callback.try_ids), 16)

    def test_test_callback(self):
        for answer, kind, text in (
            (self.receiver.acknowledge, "success", "acknowledged"),
            (lambda _body: (200, b""), "success", "which is fine"),
            (lambda _body: (404, b""), "danger", "nothing at this address"),
            (lambda _body: gateway.GatewayRefused("bank.test: not public"), "danger", "not public"),
        ):
            with self.subTest(text=text):
                self.receiver.answer = answer
                shown = self.participant.action_test_callback()["params"]
                self.assertEqual(shown["type"], kind)
                self.assertIn(text, shown["message"])
        url, body, _headers, _hosts = self.receiver.sent[-1]
        self.assertEqual(url, f"{URL}/txn/on-status")
        self.assertEqual(body["header"]["action"], "txn-on-status")
        self.assertEqual(body["message"]["txnstatus_response"]["txn_status"]["link_response"], [])
        viewer = new_test_user(
            self.env, "spar-callback-viewer", groups="g2p_spar_fa_directory.group_viewer"
        )
        with self.assertRaises(AccessError):
            self.participant.with_user(viewer).action_test_callback()
