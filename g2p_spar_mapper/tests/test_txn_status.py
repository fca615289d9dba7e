# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
import zlib
from datetime import UTC, datetime
from unittest.mock import patch

from odoo.modules import load_script
from odoo.tests import HttpCase, tagged
from odoo.tools import file_path

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect import txn_status

from .. import reference_hashes
from ..api import STATUS, STATUS_ASYNC
from ..models import g2p_spar_message_status
from ..models.g2p_spar_rate_limit import TooManyRequests
from .test_asynchronous import AsyncCommon
from .test_limits import FakeTables


class StatusCommon(AsyncCommon):
    def question(self, attribute_type, value, txn_type="link", transaction_id="q", **header):
        type(self).serial += 1
        return {
            "header": {
                "version": "1.0.0",
                "message_id": f"q{self.serial}",
                "message_ts": datetime.now(UTC).isoformat(),
                "action": "txn-status",
                "sender_id": "free.test",
                "total_count": 1,
                **header,
            },
            "message": {
                "transaction_id": transaction_id,
                "txnstatus_request": {
                    "reference_id": "q1",
                    "txn_type": txn_type,
                    "attribute_type": attribute_type,
                    "attribute_value": value,
                },
            },
        }

    def ask(self, *question, participant=None, operations=None, status=200, **options):
        participant = participant or self.participant
        profile = self.env["g2p.spar.participant"].get_profile(participant.id)
        operations = profile.authority.operations if operations is None else operations
        payload = self.question(*question, sender_id=participant.sender_id, **options)
        reply = self.env["g2p.spar.exchange"].answer_status(
            profile, frozenset(operations), json.dumps(payload).encode()
        )
        self.assertEqual(reply.status, status, reply.body)
        return json.loads(reply.body)

    def told(self, *question, **options):
        """Header, and what the answer has of the messages."""
        answer = self.ask(*question, **options)
        self.assertIn("message", answer, answer)
        return answer["header"], answer["message"]["txnstatus_response"]["txn_status"]

    def assertNotFound(self, *question, **options):
        answer = self.ask(*question, **options)
        self.assertEqual(answer["header"]["status"], "rjct")
        self.assertEqual(answer["header"]["status_reason_message"], txn_status.NOT_FOUND)
        self.assertFalse(answer.get("message"))

    def now(self, operation, *items, participant=None, **header):
        """Send a synchronous message; its answer."""
        participant = participant or self.participant
        payload = self.message(operation, *items, sender_id=participant.sender_id, **header)
        profile = self.env["g2p.spar.participant"].get_profile(participant.id)
        raw = json.dumps(payload).encode()
        reply = self.env["g2p.spar.exchange"].answer(profile, operation, raw)
        answer = json.loads(reply.body)
        self.assertEqual(answer["header"]["status"], "succ", answer)
        return answer


class TestTxnStatus(StatusCommon):
    def test_synchronous_message(self):
        """By each attribute: the items as they were answered."""
        answer = self.now("link", *self.links(1, 2), {"id": "no namespace", "fa": self.fa()})
        message = answer["message"]
        items = message["link_response"]
        self.assertEqual([item["status"] for item in items], ["succ", "succ", "rjct"])
        for attribute in ("transaction_id", "correlation_id"):
            with self.subTest(attribute):
                header, told = self.told(attribute, message[attribute])
                self.assertEqual(told, message)
                self.assertEqual(
                    (header["status"], header["total_count"], header["completed_count"]),
                    ("succ", 3, 3),
                )
                self.assertEqual(header["action"], "txn-on-status")
        header, told = self.told("reference_id_list", ["r2", "r0"])
        self.assertEqual(told["link_response"], [items[2], items[0]])
        self.assertEqual(told["transaction_id"], message["transaction_id"])
        self.assertEqual((header["status"], header["completed_count"]), ("succ", 2))

    def test_question_is_repeated(self):
        correlation_id = self.now("link", *self.links(1, 1))["message"]["correlation_id"]
        answer = self.ask("correlation_id", correlation_id, transaction_id="mine")
        self.assertEqual(answer["header"]["message_id"], f"q{self.serial}")
        self.assertEqual(answer["message"]["transaction_id"], "mine")
        self.assertEqual(answer["message"]["correlation_id"], correlation_id)
        self.assertEqual(answer["message"]["txnstatus_response"]["txn_type"], "on-link")

    def test_every_operation(self):
        one = self.links(1, 1)
        for operation, items in (
            ("link", one),
            ("update", one),
            ("unlink", [{"id": one[0]["id"]}]),
        ):
            message = self.now(operation, *items)["message"]
            _header, told = self.told("transaction_id", message["transaction_id"], operation)
            self.assertEqual(told, message)

    def test_look_ups_are_not_on_record(self):
        transaction_id = self.now("resolve", {"id": self.id_of(1)})["message"]["transaction_id"]
        self.assertNotFound("transaction_id", transaction_id, "resolve")

    def test_what_is_not_yours_does_not_exist(self):
        """Neither what another sent, nor what another operation did, nor what nobody sent."""
        other = self.now("link", *self.links(1, 1), participant=self.openg2p)["message"]
        for attribute in ("transaction_id", "correlation_id"):
            self.assertNotFound(attribute, other[attribute])
            self.assertNotFound(attribute, "unknown")
            self.assertNotFound(attribute, other[attribute], "update", participant=self.openg2p)
        self.assertNotFound("reference_id_list", ["r0"])
        self.assertNotFound("reference_id_list", ["r0"], transaction_id=other["transaction_id"])
        _header, told = self.told(
            "transaction_id", other["transaction_id"], participant=self.openg2p
        )
        self.assertEqual(told["correlation_id"], other["correlation_id"])

    def test_same_statements_for_unknown_and_foreign(self):
        other = self.now("link", *self.links(1, 1), participant=self.openg2p)["message"]
        self.ask("correlation_id", "warm up")
        for value in ("unknown", other["correlation_id"]):
            with self.assertQueryCount(1):
                self.ask("correlation_id", value)

    def test_statements_do_not_depend_on_items(self):
        few = self.now("link", *self.links(1, 2))["message"]["correlation_id"]
        many = self.now("link", *self.links(10, 200))["message"]["correlation_id"]
        self.ask("correlation_id", few)
        for value in (few, many):
            with self.assertQueryCount(3):
                self.ask("correlation_id", value)

    def test_several_messages_of_a_transaction(self):
        """One after the other, in the order in which they came."""
        payloads = [self.now("link", *self.links(10 * n, 2)) for n in (1, 2)]
        self.env.cr.execute("UPDATE g2p_spar_message SET transaction_id = 'both'")
        header, told = self.told("transaction_id", "both")
        expected = [item for payload in payloads for item in payload["message"]["link_response"]]
        self.assertEqual(told["link_response"], expected)
        self.assertEqual((told["transaction_id"], told["correlation_id"]), ("both", ""))
        self.assertEqual((header["total_count"], header["completed_count"]), (4, 4))

    def test_newest_messages_of_a_long_transaction(self):
        """As many as have the items of the largest message."""
        messages = [self.now("link", *self.links(10 * n, 2))["message"] for n in (1, 2, 3)]
        self.env.cr.execute("UPDATE g2p_spar_message SET transaction_id = 'all'")
        with patch.object(g2p_spar_message_status, "MAX_ITEMS", 4):
            _header, told = self.told("transaction_id", "all")
        expected = [item for message in messages[1:] for item in message["link_response"]]
        self.assertEqual(told["link_response"], expected)
        # a message is told whole
        with patch.object(g2p_spar_message_status, "MAX_ITEMS", 1):
            _header, told = self.told("transaction_id", "all")
        self.assertEqual(told["link_response"], messages[2]["link_response"])

    def test_purged_results(self):
        correlation_id = self.now("link", *self.links(1, 2))["message"]["correlation_id"]
        self.env.cr.execute(
            "UPDATE g2p_spar_message SET answer = NULL, payload = NULL, reference_hashes = NULL"
        )
        header, told = self.told("correlation_id", correlation_id)
        self.assertEqual(told["link_response"], [])
        self.assertEqual((header["total_count"], header["completed_count"]), (2, 2))
        self.assertEqual(header["status_reason_message"], "Results are no longer kept")
        self.assertNotFound("reference_id_list", ["r0"])

    # === REFERENCE IDS === #

    def test_newest_message_of_a_reference(self):
        """Reference ids come again: the newest message counts, unless a transaction is named."""
        old = self.now("link", *self.links(1, 2))["message"]
        new = self.now("link", *self.links(10, 1))["message"]
        _header, told = self.told("reference_id_list", ["r0", "r1"])
        self.assertEqual(told["link_response"], [new["link_response"][0], old["link_response"][1]])
        self.assertEqual((told["transaction_id"], told["correlation_id"]), ("", ""))
        _header, told = self.told(
            "reference_id_list", ["r0", "r1"], transaction_id=old["transaction_id"]
        )
        self.assertEqual(told, old)

    def test_unknown_references_are_counted(self):
        self.now("link", *self.links(1, 1))
        header, told = self.told("reference_id_list", ["x", "r0", "y"])
        self.assertEqual([item["reference_id"] for item in told["link_response"]], ["r0"])
        self.assertEqual((header["total_count"], header["completed_count"]), (1, 1))
        self.assertEqual(
            header["status_reason_message"], "2 of the reference ids are not on record"
        )

    def test_old_message_of_a_named_transaction(self):
        """Outside the window, but for the transaction that is named."""
        old = self.now("link", *self.links(1, 1))["message"]
        self.now("unlink", {"id": self.id_of(1)})
        self.now("link", {"id": self.id_of(2), "fa": self.fa(), "reference_id": "other"})
        with patch.object(g2p_spar_message_status, "WINDOW_MESSAGES", 2):
            self.assertNotFound("reference_id_list", ["r0"])
            _header, told = self.told(
                "reference_id_list", ["r0"], transaction_id=old["transaction_id"]
            )
            self.assertEqual(told, old)
        with patch.object(g2p_spar_message_status, "WINDOW_ITEMS", 1):
            self.assertNotFound("reference_id_list", ["r0"])

    def test_twice_in_a_message(self):
        """Tolerated by this profile: both items are told."""
        items = [link | {"reference_id": "same"} for link in self.links(1, 2)]
        message = self.now("link", *items, participant=self.openg2p)["message"]
        _header, told = self.told("reference_id_list", ["same"], participant=self.openg2p)
        self.assertEqual(told["link_response"], message["link_response"])

    def test_messages_from_before_there_were_hashes(self):
        message = self.now("link", *self.links(1, 2))["message"]
        self.env.cr.execute("UPDATE g2p_spar_message SET reference_hashes = NULL")
        _header, told = self.told("reference_id_list", ["r1"])
        self.assertEqual(told["link_response"], message["link_response"][1:])

    def test_equal_hashes(self):
        """Who has the hash and not the reference id is passed over."""
        message = self.now("link", *self.links(1, 1))["message"]
        self.now("link", {"id": self.id_of(2), "fa": self.fa(), "reference_id": "other"})
        self.env.cr.execute(
            "UPDATE g2p_spar_message SET reference_hashes = %s", [self.hashes("r0")]
        )
        with patch.object(g2p_spar_message_status, "BATCH_ITEMS", 1):
            _header, told = self.told("reference_id_list", ["r0"])
        self.assertEqual(told, message)

    def hashes(self, *reference_ids):
        return reference_hashes.pack(reference_ids)

    # === ASYNCHRONOUS MESSAGES === #

    def test_progress(self):
        """Waiting, in the middle, done: counts, and the results so far."""
        message = self.accept("link", *self.links(1, 7))
        question = ("correlation_id", message.correlation_id)
        header, told = self.told(*question)
        self.assertEqual(
            (header["status"], header["total_count"], header["completed_count"]), ("pdng", 7, 0)
        )
        self.assertEqual(told["link_response"], [])
        with self.lane() as queue:
            queue._serve_next({})
        header, told = self.told(*question)
        self.assertEqual(
            (header["status"], header["total_count"], header["completed_count"]), ("pdng", 7, 3)
        )
        self.assertEqual(
            [item["reference_id"] for item in told["link_response"]], ["r0", "r1", "r2"]
        )
        header, told = self.told("reference_id_list", ["r5", "r1", "x"])
        self.assertEqual(
            [(item["reference_id"], item["status"]) for item in told["link_response"]],
            [("r5", "pdng"), ("r1", "succ")],
        )
        self.assertEqual(
            (header["status"], header["total_count"], header["completed_count"]), ("pdng", 2, 1)
        )
        self.run_lane()
        header, told = self.told(*question)
        self.assertEqual((header["status"], header["completed_count"]), ("succ", 7))
        self.assertEqual(told["link_response"], self.results(message))
        header, told = self.told("reference_id_list", ["r5"])
        self.assertEqual(told["link_response"], self.results(message)[5:6])

    def test_what_a_queued_message_says_is_not_read(self):
        """Neither of those that have no such reference id, nor of the one that has."""
        self.accept("link", *self.links(1, 7))
        self.accept("link", {"id": self.id_of(9), "fa": self.fa(), "reference_id": "other"})
        self.env.cr.execute("UPDATE g2p_spar_message SET payload = 'unreadable'")
        packed = []
        unpack = g2p_spar_message_status._unpack_references

        def noting(value):
            packed.append(value)
            return unpack(value)

        with patch.object(g2p_spar_message_status, "_unpack_references", noting):
            _header, told = self.told("reference_id_list", ["r5"])
        self.assertEqual([item["status"] for item in told["link_response"]], ["pdng"])
        self.assertEqual(len(packed), 1, "only the message that has it")

    def test_messages_from_before_references_were_kept_apart(self):
        """The migration makes for those that wait what is made at the receipt of others."""
        message = self.accept("link", *self.links(1, 7))
        kept = message.open_references, message.reference_hashes
        blank = "UPDATE g2p_spar_message SET open_references = NULL, reference_hashes = NULL"
        self.env.cr.execute(blank)
        name = "migrations/19.0.1.4.0/post-references.py"
        script = load_script(file_path(f"g2p_spar_mapper/{name}"), "post_references")
        script.migrate(self.env.cr, "19.0.1.3.0")
        message.invalidate_recordset()
        self.assertEqual((message.open_references, message.reference_hashes), kept)

    def test_references_are_kept_apart_until_a_message_is_done(self):
        message = self.accept("link", *self.links(1, 7))
        self.assertTrue(message.open_references)
        with self.lane() as queue:
            queue._serve_next({})
        message.invalidate_recordset()
        self.assertTrue(message.open_references)
        self.run_lane()
        message.invalidate_recordset()
        self.assertFalse(message.open_references)
        self.assertTrue(message.reference_hashes)

    def test_asynchronous_look_up(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        message = self.accept("resolve", {"id": self.id_of(1), "scope": "details"})
        self.run_lane()
        _header, told = self.told("correlation_id", message.correlation_id, "resolve")
        [item] = told["resolve_response"]
        self.assertEqual((item["status_reason_code"], item["fa"]), ("succ.id.active", self.fa()))

    def test_details_withdrawn(self):
        """Neither answer nor callback tells an address that may not be looked up any more."""
        self.link(self.free, (self.id_of(1), self.fa()))
        self.participant.callback_url = "https://bank.test/spar"
        message = self.accept("resolve", {"id": self.id_of(1), "scope": "details"})
        self.run_lane()
        callback = self.env["g2p.spar.callback"].search([("message_id", "=", message.id)])
        self.participant.may_see_details = False
        raw, _headers = self.env["g2p.spar.exchange"].callback_body(callback)
        found = [json.loads(raw)["message"]]
        for attribute, value in (
            ("correlation_id", message.correlation_id),
            ("reference_id_list", ["r0"]),
        ):
            found.append(self.told(attribute, value, "resolve")[1])
        for told in found:
            [item] = told["resolve_response"]
            self.assertEqual(
                (item["id"], item["status_reason_code"]), (self.id_of(1), "succ.id.active")
            )
            self.assertNotIn(self.fa(), json.dumps(told))
            self.assertNotIn("account_provider_info", item)
        self.participant.may_see_details = True
        _header, told = self.told("correlation_id", message.correlation_id, "resolve")
        self.assertEqual(told["resolve_response"], self.results(message))

    def test_addresses_told_are_on_record(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        items = [{"id": self.id_of(n), "scope": "details"} for n in (1, 2)]
        message = self.accept("resolve", *items)
        linked = self.now("link", *self.links(3, 1))["message"]
        self.run_lane()
        self.spooled()
        self.told("correlation_id", linked["correlation_id"])
        self.assertNotFound("correlation_id", "unknown", "resolve")
        self.assertFalse(self.spooled())
        question = ("correlation_id", message.correlation_id, "resolve", "again")
        self.told(*question)
        [row] = self.spooled()
        row.pop("happened_at")
        self.assertEqual(
            row,
            {
                "kind": "resolve",
                "participant_id": self.participant.id,
                "actor_name": self.participant.name,
                "purpose": "status of correlation_id, transaction again",
                "item_count": 2,
                "found_count": 1,
                "shown_count": 1,
            },
        )

    def test_failed_message(self):
        message = self.accept("link", *self.links(1, 4))
        with self.lane() as queue:
            queue._serve_next({})
        message.env.cr.execute(
            "UPDATE g2p_spar_message SET payload = %s WHERE id = %s",
            [zlib.compress(b"{}"), message.id],
        )
        with self.lane() as queue, self.assertLogs(self.LOGGER, "ERROR"):
            queue._serve_next({})
        header, told = self.told("correlation_id", message.correlation_id)
        self.assertEqual(
            (header["status"], header["total_count"], header["completed_count"]), ("rjct", 4, 3)
        )
        self.assertEqual(len(told["link_response"]), 3)

    LOGGER = "odoo.addons.g2p_spar_mapper.models.g2p_spar_exchange_async"

    # === WHO MAY === #

    def test_what_may_be_asked(self):
        correlation_id = self.now("link", *self.links(1, 1))["message"]["correlation_id"]
        for operations in ({"link"}, {"status"}, {"status", "resolve"}):
            self.told("correlation_id", correlation_id, operations=operations)
        for operations in (set(), {"resolve"}, {"update", "unlink"}):
            with self.assertRaises(SparHttpError) as caught:
                self.ask("correlation_id", correlation_id, operations=operations)
            self.assertEqual(
                (caught.exception.status, caught.exception.code[:12]), (403, "err.request.")
            )
        self.participant.may_link = False
        with self.assertRaises(SparHttpError):
            self.ask("correlation_id", correlation_id, operations={"link", "status"})

    def test_scope(self):
        """Every participant that may call anything may have the scope."""
        get_profile = self.env["g2p.spar.participant"].get_profile
        self.assertIn("status", get_profile(self.participant.id).authority.operations)
        self.participant.write(
            {f"may_{name}": False for name in ("link", "update", "unlink", "resolve")}
        )
        self.assertFalse(get_profile(self.participant.id).authority.operations)

    def test_another_sender(self):
        with self.assertRaises(SparHttpError) as caught:
            profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
            payload = self.question("correlation_id", "c", sender_id="other.test")
            self.env["g2p.spar.exchange"].answer_status(
                profile, frozenset({"link"}), json.dumps(payload).encode()
            )
        self.assertEqual(
            (caught.exception.status, caught.exception.code), (403, "err.sender_id.invalid")
        )

    def test_refusals(self):
        answer = self.ask("id", "1", status=400)
        self.assertEqual(
            answer["header"]["status_reason_message"],
            "err.request.bad: message.txnstatus_request.attribute_type: must be one of "
            "transaction_id, reference_id_list, correlation_id",
        )
        self.assertEqual(answer["header"]["action"], "txn-on-status")
        answer = self.ask("correlation_id", "1", action="link")
        self.assertEqual(answer["header"]["status_reason_code"], "rjct.action.not_supported")
        self.participant.max_items = 2
        answer = self.ask("reference_id_list", ["1", "2", "3"])
        self.assertEqual(answer["header"]["status_reason_code"], "rjct.total_count.limit_exceeded")

    def test_rate_limit(self):
        self.participant.write({"resolve_rate": 1, "burst": 1})
        self.ask("correlation_id", "1")
        answer = self.ask("correlation_id", "1", status=429)
        self.assertEqual(answer["header"]["status"], "rjct")
        self.assertTrue(answer["header"]["message_id"])


class TestCosts(FakeTables, StatusCommon):
    """Of a bucket of 1 that a minute fills with 60: the wait is the debt."""

    def setUp(self):
        super().setUp()
        answer = self.now("link", *self.links(1, 5))["message"]
        self.start_clock()  # from here on ``now`` is its time
        self.questions = (
            (("correlation_id", answer["correlation_id"]), 5),
            (("transaction_id", answer["transaction_id"]), 5),
            (("correlation_id", "unknown"), 3),
            (("reference_id_list", ["r0", "r4"]), 2),
            (("reference_id_list", ["r0", "x", "y"]), 7),
            (("reference_id_list", ["x", "y"]), 6),
        )
        self.participant.write({"resolve_rate": 60, "burst": 1})

    def wait(self):
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        with self.assertRaises(TooManyRequests) as raised:
            self.env["g2p.spar.rate.limit"].check(profile, "resolve")
        return int(raised.exception.headers["Retry-After"])

    def test_synchronous(self):
        for question, cost in self.questions:
            with self.subTest(question):
                self.now += 10_000
                self.ask(*question)
                self.assertEqual(self.wait(), cost)

    def test_asynchronous(self):
        """What is asked for is charged at once, what it comes to when it is told first."""
        self.participant.callback_url = "https://bank.test/spar"
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        exchange = self.env["g2p.spar.exchange"]
        for question, cost in self.questions:
            with self.subTest(question):
                self.now += 10_000
                raw = json.dumps(self.question(*question)).encode()
                exchange.receive_status(profile, frozenset({"status"}), raw)
                references = question[0] == "reference_id_list"
                self.assertEqual(self.wait(), len(question[1]) if references else 1)
                callback = self.env["g2p.spar.callback"].search([], limit=1)
                exchange.callback_body(callback)
                self.assertEqual(self.wait(), cost)
                self.env.cr.execute("UPDATE g2p_spar_callback SET try_count = 2")
                callback.invalidate_recordset()
                exchange.callback_body(callback)
                self.assertEqual(self.wait(), cost)


class TestAsynchronousTxnStatus(StatusCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.participant.callback_url = "https://bank.test/spar"

    def send_question(self, payload, participant=None, operations=("status",)):
        """HTTP status and the acknowledgement's message."""
        participant = participant or self.participant
        profile = self.env["g2p.spar.participant"].get_profile(participant.id)
        reply = self.env["g2p.spar.exchange"].receive_status(
            profile, frozenset(operations), json.dumps(payload).encode()
        )
        return reply.status, json.loads(reply.body)["message"]

    def callback_of(self, correlation_id):
        domain = [("message_id.correlation_id", "=", correlation_id)]
        return self.env["g2p.spar.callback"].search(domain)

    def body_of(self, callback):
        raw, _headers = self.env["g2p.spar.exchange"].callback_body(callback)
        return json.loads(raw)

    def test_question_overtakes_what_it_asks_for(self):
        """It is answered while its sender's messages wait, with what is on record by then."""
        message = self.accept("link", *self.links(1, 7))
        question = self.question("correlation_id", message.correlation_id, receiver_id="registry")
        status, told = self.send_question(question)
        self.assertEqual((status, told["ack_status"]), (200, "ACK"))
        callback = self.callback_of(told["correlation_id"])
        self.assertEqual(callback.state, "waiting")
        self.assertEqual(callback.sudo().url, "https://bank.test/spar/txn/on-status")
        self.assertEqual(callback.message_id.state, "done")
        self.assertEqual(self.body_of(callback)["header"]["completed_count"], 0)
        with self.lane() as queue:
            queue._serve_next({})
        body = self.body_of(callback)
        header = body["header"]
        self.assertEqual(
            (header["action"], header["status"], header["completed_count"], header["total_count"]),
            ("txn-on-status", "pdng", 3, 7),
        )
        self.assertEqual(header["message_id"], callback.callback_message_id)
        self.assertEqual((header["receiver_id"], header["sender_id"]), ("free.test", "registry"))
        self.assertEqual(body["message"]["correlation_id"], told["correlation_id"])
        self.assertEqual(body["message"]["transaction_id"], "q")
        found = body["message"]["txnstatus_response"]["txn_status"]
        self.assertEqual(found["correlation_id"], message.correlation_id)
        self.assertEqual(len(found["link_response"]), 3)

    def test_not_found(self):
        _status, told = self.send_question(self.question("correlation_id", "unknown"))
        body = self.body_of(self.callback_of(told["correlation_id"]))
        self.assertEqual(body["header"]["status_reason_message"], txn_status.NOT_FOUND)
        self.assertNotIn("message", body)

    def test_retry_gets_the_first_acknowledgement(self):
        question = self.question("correlation_id", "unknown")
        _status, first = self.send_question(question)
        self.assertEqual(self.send_question(question), (200, first))
        self.assertEqual(len(self.callback_of(first["correlation_id"])), 1)
        question["message"]["txnstatus_request"]["attribute_value"] = "another"
        status, told = self.send_question(question)
        self.assertEqual((status, told["ack_status"]), (200, "ERR"))
        self.assertIn("rjct.message_id.duplicate", told["error"]["message"])

    def test_no_callback_address(self):
        self.participant.callback_url = False
        _status, told = self.send_question(self.question("correlation_id", "1"))
        self.assertEqual(told["ack_status"], "NACK")
        self.assertFalse(self.callback_of(told["correlation_id"]))

    def test_address_in_the_message(self):
        for participant, sender_uri, url in (
            (self.participant, "https://bank.test/here", "https://bank.test/here"),
            (self.openg2p, "https://bank.test/here", "https://bank.test/here/txn/on-status"),
        ):
            participant.callback_hosts = "bank.test"
            question = self.question(
                "correlation_id", "1", sender_uri=sender_uri, sender_id=participant.sender_id
            )
            _status, told = self.send_question(question, participant)
            self.assertEqual(self.callback_of(told["correlation_id"]).sudo().url, url)
        question["header"]["sender_uri"] = "https://other.test/here"
        status, told = self.send_question(question, self.openg2p)
        self.assertEqual((status, told["error"]["code"]), (400, "err.sender_uri.invalid"))

    def test_refusals(self):
        for question, status, text in (
            (self.question("id", "1"), 400, "attribute_type: must be one of"),
            (self.question("correlation_id", "1", total_count=7), 200, "rjct.total_count.invalid"),
        ):
            got, told = self.send_question(question)
            self.assertEqual((got, told["ack_status"]), (status, "ERR"))
            self.assertIn(text, told["error"]["message"])
        with self.assertRaises(SparHttpError) as caught:
            self.send_question(self.question("correlation_id", "1"), operations=["resolve"])
        self.assertEqual(caught.exception.status, 403)

    def test_right_taken_away_meanwhile(self):
        message = self.accept("link", *self.links(1, 1))
        _status, told = self.send_question(self.question("correlation_id", message.correlation_id))
        callback = self.callback_of(told["correlation_id"])
        self.assertIn("message", self.body_of(callback))
        self.participant.may_link = False
        self.assertNotIn("message", self.body_of(callback))

    def test_purged_question(self):
        _status, told = self.send_question(self.question("correlation_id", "1"))
        callback = self.callback_of(told["correlation_id"])
        self.env.cr.execute("UPDATE g2p_spar_message SET payload = NULL")
        self.assertIsNone(self.env["g2p.spar.exchange"].callback_body(callback))

    def test_questions_do_not_hide_messages(self):
        self.now("link", *self.links(1, 1))
        self.send_question(self.question("reference_id_list", ["r0"]))
        with patch.object(g2p_spar_message_status, "WINDOW_MESSAGES", 1):
            header, _told = self.told("reference_id_list", ["r0"])
        self.assertEqual(header["status"], "succ")


@tagged("post_install", "-at_install")
class TestTxnStatusHttp(StatusCommon, HttpCase):
    def post(self, path, payload, operations):
        token = self.env["g2p.spar.access.token"].issue(self.participant, operations)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        return self.url_open(path, data=json.dumps(payload).encode(), headers=headers)

    def test_paths(self):
        message = self.now("link", *self.links(1, 1))["message"]
        question = self.question("transaction_id", message["transaction_id"])
        for path in STATUS:
            with self.subTest(path):
                response = self.post(path, question, ["link"])
                self.assertEqual(response.status_code, 200)
                told = response.json()["message"]["txnstatus_response"]["txn_status"]
                self.assertEqual(told, message)
                self.assertEqual(self.url_open(path, data=b"{}").status_code, 401)
                self.assertEqual(self.post(path, question, ["resolve"]).status_code, 403)
                self.assertEqual(self.post(path, [], ["link"]).status_code, 400)

    def test_asynchronous_paths(self):
        for number, path in enumerate(STATUS_ASYNC):
            with self.subTest(path):
                question = self.question("transaction_id", "1", message_id=f"m{number}")
                response = self.post(path, question, ["status"])
                self.assertEqual(response.status_code, 200)
                self.assertEqual(response.json()["message"]["ack_status"], "NACK")
                response = self.post(path, question, ["resolve"])
                self.assertEqual(response.status_code, 403)
                response = self.post(path, [], ["status"])
                self.assertEqual(response.status_code, 400)
                self.assertEqual(response.json()["message"]["ack_status"], "ERR")
