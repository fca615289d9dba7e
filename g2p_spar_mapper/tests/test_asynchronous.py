# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from psycopg2.errors import DeadlockDetected

from odoo import api
from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.secret import digester
from odoo.addons.g2p_spar_fa_directory.ids import id_key

from .. import lane
from ..models import g2p_spar_exchange_async, g2p_spar_message_queue
from .common import MapperCommon

CHUNK = 3
LOGGERS = [
    f"odoo.addons.g2p_spar_mapper.models.g2p_spar_{name}"
    for name in ("message_queue", "exchange_async")
]


class AsyncCommon(MapperCommon):
    """Messages of three items and more have several chunks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.openg2p = cls._participant(
            "openg2p", profile="openg2p_1", fa_policy="opaque", may_override=True
        )
        cls.serial = 0
        cls.startClassPatcher(patch.object(g2p_spar_exchange_async, "CHUNK_ITEMS", CHUNK))
        cls.startClassPatcher(patch.object(lane, "LINGER_SECONDS", 0))
        cls.startClassPatcher(patch.object(g2p_spar_message_queue, "RETRY_SECONDS", 0))
        cls.env.cr.execute("UPDATE g2p_spar_message SET state = 'done' WHERE mode = 'async'")

    def message(self, operation, *items, **header):
        type(self).serial += 1
        now = datetime.now(UTC).isoformat()
        return {
            "header": {
                "version": "1.0.0",
                "message_id": f"a{self.serial}",
                "message_ts": now,
                "action": operation,
                "sender_id": "free.test",
                "receiver_id": "registry.test",
                "total_count": len(items),
                **header,
            },
            "message": {
                "transaction_id": f"t{self.serial}",
                f"{operation}_request": [
                    {"reference_id": f"r{number}", "timestamp": now, **item}
                    for number, item in enumerate(items)
                ],
            },
        }

    def send(self, operation, payload, participant=None):
        """HTTP status and the acknowledgement's message."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        participant = participant or self.participant
        profile = self.env["g2p.spar.participant"].get_profile(participant.id)
        reply = self.env["g2p.spar.exchange"].receive(profile, operation, raw)
        return reply.status, json.loads(reply.body)["message"]

    def accept(self, operation, *items, participant=None, **header):
        """The record of a message that was accepted."""
        participant = participant or self.participant
        payload = self.message(operation, *items, sender_id=participant.sender_id, **header)
        status, told = self.send(operation, payload, participant)
        self.assertEqual((status, "error" in told), (200, False), told)
        domain = [("correlation_id", "=", told["correlation_id"])]
        return self.env["g2p.spar.message"].search(domain)

    def links(self, first, count, fa=None):
        return [{"id": self.id_of(n), "fa": fa or self.fa()} for n in range(first, first + count)]

    @contextmanager
    def lane(self):
        """The queue as a lane sees it: in a transaction of its own."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            yield api.Environment(cr, api.SUPERUSER_ID, {})["g2p.spar.message.queue"]
        self.env.invalidate_all()

    def run_lane(self):
        with self.lane() as queue:
            queue._cron_run_lane(1)

    def results(self, message):
        return self.env["g2p.spar.message"].results_of(message.id)


class TestAsynchronous(AsyncCommon):
    """Receipt, and the work of the lanes."""

    # === RECEIPT === #

    def test_accepted_message_is_on_record_and_nothing_is_done_yet(self):
        payload = self.message("link", *self.links(1, 7))
        status, told = self.send("link", payload)
        self.assertEqual((status, set(told)), (200, {"ack_status", "timestamp", "correlation_id"}))
        message = self.env["g2p.spar.message"].search([], limit=1)
        self.assertRecordValues(
            message,
            [
                {
                    "participant_id": self.participant.id,
                    "mode": "async",
                    "state": "queued",
                    "operation": "link",
                    "profile": "strict",
                    "message_id": f"a{self.serial}",
                    "transaction_id": f"t{self.serial}",
                    "correlation_id": told["correlation_id"],
                    "receiver_id": "registry.test",
                    "item_count": 7,
                    "done_count": 0,
                }
            ],
        )
        self.assertFalse(self.mapping(self.id_of(1)))
        self.assertEqual(json.loads(self.env["g2p.spar.message"].payload_of(message.id)), payload)

    def test_lane(self):
        message = self.accept("link", *self.links(1, 7))
        self.run_lane()
        self.assertRecordValues(
            message,
            [
                {
                    "state": "done",
                    "done_count": 7,
                    "succeeded_count": 7,
                    "rejected_count": 0,
                    "failure_count": 0,
                }
            ],
        )
        self.assertTrue(message.started_at and message.finished_at)
        results = self.results(message)
        self.assertEqual(
            [result["reference_id"] for result in results], [f"r{n}" for n in range(7)]
        )
        self.assertEqual({result["status"] for result in results}, {"succ"})
        for number in range(1, 8):
            self.assertEqual(self.resolve(self.id_of(number))[0].fa, self.fa())
            [event] = self.events(self.id_of(number))
            self.assertEqual(event.message_id, message.id)

    def test_every_operation(self):
        self.link(self.free, *((self.id_of(n), self.fa()) for n in range(1, 5)))
        other = self.fa("222222222")
        update = self.accept("update", *self.links(1, 4, other))
        resolve = self.accept(
            "resolve", *({"id": self.id_of(n), "scope": "details"} for n in (1, 9))
        )
        unlink = self.accept("unlink", {"id": self.id_of(1)}, {"id": self.id_of(9)})
        self.run_lane()
        self.assertEqual([item["fa"] for item in self.results(update)], [other] * 4)
        [found, missed] = self.results(resolve)
        self.assertEqual((found["fa"], found["account_provider_info"]["code"]), (other, "TSTB"))
        self.assertEqual(missed["status_reason_code"], "succ.id.not_found")
        self.assertEqual([item["status"] for item in self.results(unlink)], ["succ", "rjct"])
        self.assertRecordValues(unlink, [{"succeeded_count": 1, "rejected_count": 1}])
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_codes_and_address_format_are_the_participants(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.openg2p.fa_format = "bridge_2"
        asked = {"id": self.id_of(1), "scope": "details"}
        resolve = self.accept("resolve", asked, {"id": self.id_of(2)}, participant=self.openg2p)
        link = self.accept("link", *self.links(1, 1), participant=self.openg2p)
        self.run_lane()
        [found, missed] = self.results(resolve)
        self.assertEqual(found["fa"]["fa_type"], "BANK_ACCOUNT")
        self.assertEqual(missed["status_reason_code"], "succ.fa.not_linked_to_id")
        [item] = self.results(link)
        self.assertEqual(item["status_reason_code"], "rjct.reference_id.duplicate")

    def test_duplicates_across_chunks(self):
        """The same as within one synchronous message."""
        items = [
            {**item, "reference_id": reference_id}
            for item, reference_id in zip(self.links(1, 5), ("a", "b", "c", "d", "a"), strict=True)
        ]
        items[3]["id"] = items[0]["id"]
        message = self.accept("link", *items)
        self.run_lane()
        self.assertEqual(
            [(item["status"], item.get("status_reason_code")) for item in self.results(message)],
            [
                *[("succ", None)] * 3,
                ("rjct", "rjct.other.error"),
                ("rjct", "rjct.reference_id.duplicate"),
            ],
        )

    def test_err(self):
        one = self.links(1, 1)[0]
        now = datetime.now(UTC)
        unreadable = self.message("link", one)
        del unreadable["message"]["link_request"]
        for payload, status, code, text in (
            (b"{", 400, "err.request.bad", "body"),
            (unreadable, 400, "err.request.bad", "message.link_request"),
            (self.message("link", one, message_id=None), 400, "err.request.bad", "message_id"),
            (
                self.message("link", one, is_msg_encrypted=True),
                400,
                "err.encryption.invalid",
                "is_msg_encrypted",
            ),
            (
                self.message("link", one, sender_uri="https://elsewhere.test/x"),
                400,
                "err.sender_uri.invalid",
                "header.sender_uri",
            ),
            (
                self.message("link", one, version="2"),
                200,
                "err.request.bad",
                "rjct.version.invalid",
            ),
            (
                self.message("link", one, action="update"),
                200,
                "err.request.bad",
                "rjct.action.not_supported",
            ),
            (
                self.message("link", one, total_count=2),
                200,
                "err.request.bad",
                "rjct.total_count.invalid",
            ),
            (
                self.message("link", one, message_ts=(now - timedelta(days=1)).isoformat()),
                200,
                "err.request.bad",
                "rjct.message_ts.invalid",
            ),
        ):
            with self.subTest(text=text):
                got, told = self.send("link", payload)
                self.assertEqual((got, told["ack_status"]), (status, "ERR"))
                self.assertTrue(told["correlation_id"] and told["timestamp"])
                self.assertEqual(told["error"]["code"], code)
                self.assertIn(text, told["error"]["message"])
        with self.assertRaises(SparHttpError) as caught:
            self.send("link", self.message("link", one, sender_id="bank.test"))
        self.assertEqual(caught.exception.status, 403)
        self.run_lane()
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_retry_gets_the_same_acknowledgement(self):
        payload = self.message("link", *self.links(1, 4))
        first = self.send("link", payload)
        self.assertEqual(self.send("link", payload), first)
        self.run_lane()
        self.assertEqual(self.send("link", payload), first)
        payload["message"]["link_request"][0]["id"] = self.id_of(9)
        status, told = self.send("link", payload)
        self.assertEqual((status, told["ack_status"]), (200, "ERR"))
        self.assertIn("rjct.message_id.duplicate", told["error"]["message"])
        self.run_lane()
        self.assertFalse(self.mapping(self.id_of(9)))
        self.assertEqual(len(self.events(self.id_of(1))), 1)

    def test_a_message_is_not_repeated_on_the_other_path(self):
        payload = self.message("link", *self.links(1, 1))
        self.send("link", payload)
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        answer = self.env["g2p.spar.exchange"].answer(profile, "link", json.dumps(payload).encode())
        header = json.loads(answer.body)["header"]
        self.assertEqual(header["status_reason_code"], "rjct.message_id.duplicate")

    def test_nack_only_where_no_callback_follows(self):
        self.openg2p.callback_url = False
        for participant, url, told in (
            (self.participant, False, "NACK"),
            (self.participant, "https://bank.test/cb", "ACK"),
            (self.openg2p, False, "ACK"),  # whose clients read NACK as a refusal
        ):
            participant.callback_url = url
            payload = self.message("link", *self.links(1, 1), sender_id=participant.sender_id)
            status, got = self.send("link", payload, participant)
            self.assertEqual((status, got["ack_status"]), (200, told))

    # === TURNS === #

    def test_participants_take_turns(self):
        first = self.accept("link", *self.links(1, 7))
        second = self.accept("link", *self.links(11, 7))
        other = self.accept("link", *self.links(21, 2), participant=self.openg2p)
        served = []
        with self.lane() as queue:
            while queue._serve_next({}):
                queue.env.cr.execute(
                    "SELECT id FROM g2p_spar_message WHERE done_count > 0 AND id = ANY(%s)",
                    [(first + second + other).ids],
                )
                served.append({row[0] for row in queue.env.cr.fetchall()})
        self.assertEqual(served[1], {first.id, other.id})
        self.assertEqual(served[3], {first.id, other.id})  # one after the other
        self.assertEqual(len(served), 3 + 3 + 1)
        # who was served least recently is the next, however new its message
        third = self.accept("link", *self.links(41, 1))
        late = self.accept("link", *self.links(31, 1), participant=self.openg2p)
        with self.lane() as queue:
            queue._serve_next({})
        self.assertEqual((third.state, late.state), ("queued", "done"))

    def test_more_participants_than_a_lane_remembers(self):
        self.patch(g2p_spar_message_queue, "REMEMBERED_MESSAGES", 1)
        senders = [self._participant(f"many{n}", fa_policy="opaque") for n in range(3)]
        messages = self.env["g2p.spar.message"]
        for number, sender in enumerate(senders):
            messages += self.accept("link", *self.links(10 * number, 7), participant=sender)
        memory, chunks = {}, 0
        with self.lane() as queue:
            while queue._serve_next(memory):
                chunks += 1
                self.assertLess(chunks, 10, "a call that has work to do does some of it")
        self.assertEqual(chunks, 9)
        self.assertEqual(messages.mapped("state"), ["done"] * 3)
        self.assertEqual(messages.mapped("succeeded_count"), [7] * 3)

    def test_what_was_parsed_is_kept_for_the_next_chunk(self):
        message = self.accept("link", *self.links(1, 7))
        memory = {}
        with self.lane() as queue:
            queue._serve_next(memory)
            self.assertEqual(set(memory), {message.id})
            queue._serve_next(memory)
            queue._serve_next(memory)
        self.assertEqual((message.state, memory), ("done", {}))

    # === WHAT MAY CHANGE MEANWHILE === #

    def test_authority_is_that_of_the_moment(self):
        message = self.accept("link", *self.links(1, 4))
        with self.lane() as queue:
            queue._serve_next({})
        self.participant.may_link = False
        self.run_lane()
        statuses = [item["status"] for item in self.results(message)]
        self.assertEqual(statuses, ["succ"] * 3 + ["rjct"])
        self.assertFalse(self.mapping(self.id_of(4)))
        self.participant.may_link = True
        message = self.accept("link", *self.links(5, 1))
        self.participant.active = False
        self.run_lane()
        self.assertRecordValues(message, [{"state": "done", "rejected_count": 1}])

    def test_profile_is_that_of_the_receipt(self):
        message = self.accept(
            "link", {"id": "no-at-sign", "fa": self.fa()}, participant=self.openg2p
        )
        self.openg2p.profile = "strict"
        self.run_lane()
        self.assertEqual(self.results(message)[0]["status"], "succ")

    # === FAILURES === #

    @mute_logger(*LOGGERS)
    def test_one_bad_item_loses_no_other(self):
        message = self.accept("link", *self.links(1, 7))
        other = self.accept("link", *self.links(11, 1), participant=self.openg2p)
        link_items = type(self.mapper).link_items

        def explode(mapper, actor, items):
            if any(item.id == self.id_of(5) for item in items):
                mapper.env.cr.execute("SELECT 1/0", log_exceptions=False)
            return link_items(mapper, actor, items)

        with patch.object(type(self.mapper), "link_items", explode):
            self.run_lane()
        self.assertEqual(other.state, "done")
        self.assertRecordValues(
            message, [{"state": "done", "succeeded_count": 6, "rejected_count": 1}]
        )
        self.assertEqual(self.results(message)[4]["status_reason_code"], "rjct.unknown.retry")
        self.assertEqual(len(self.events(self.id_of(4))), 1)
        self.assertFalse(self.mapping(self.id_of(5)))

    @mute_logger(*LOGGERS)
    def test_a_chunk_that_cannot_be_kept_is_given_up(self):
        message = self.accept("link", *self.links(1, 4))
        messages = type(self.env["g2p.spar.message"])
        finish_chunk = messages.finish_chunk

        def explode(self, work, rendered, *args):
            if any(item["status"] == "succ" for item in rendered) and work.done_count == 0:
                raise ValueError("for a test")
            return finish_chunk(self, work, rendered, *args)

        with patch.object(messages, "finish_chunk", explode):
            self.run_lane()
        self.assertRecordValues(
            message, [{"state": "done", "succeeded_count": 1, "rejected_count": 3}]
        )
        self.assertFalse(self.mapping(self.id_of(1)))
        self.assertTrue(self.mapping(self.id_of(4)))

    @mute_logger(*LOGGERS)
    def test_what_passes_is_waited_for(self):
        message = self.accept("link", *self.links(1, 1))
        link_items, tries = type(self.mapper).link_items, []

        def explode(mapper, actor, items):
            tries.append(1)
            if len(tries) < 8:
                raise DeadlockDetected() if len(tries) % 2 else OSError("no space")
            return link_items(mapper, actor, items)

        with (
            patch.object(type(self.mapper), "link_items", explode),
            patch.object(g2p_spar_message_queue, "PAUSE_SECONDS", 0),
        ):
            self.run_lane()
        self.assertRecordValues(message, [{"succeeded_count": 1, "rejected_count": 0}])

    @mute_logger(*LOGGERS)
    def test_a_message_that_cannot_be_read_is_given_up(self):
        self.participant.callback_url = "https://bank.test/cb"
        message = self.accept("link", *self.links(1, 4))
        self.env.cr.execute("UPDATE g2p_spar_message SET payload = NULL WHERE id = %s", message.ids)
        self.run_lane()
        self.assertRecordValues(message, [{"state": "failed", "rejected_count": 4}])
        callback = self.env["g2p.spar.callback"].search([("message_id", "=", message.id)])
        raw, _headers = self.env["g2p.spar.exchange"].callback_body(callback)
        header = json.loads(raw)["header"]
        self.assertEqual((header["status"], header["completed_count"]), ("rjct", 0))

    def test_logs_of_failures_name_nobody(self):
        self.accept("link", *self.links(1, 1))
        logger = "odoo.addons.g2p_spar_mapper"

        def explode(mapper, actor, items):
            raise ValueError(items[0].id)

        with (
            self.assertLogs(logger, "ERROR") as caught,
            patch.object(type(self.mapper), "link_items", explode),
        ):
            self.run_lane()
        self.assertNotIn(self.id_of(1), "\n".join(caught.output))

    def test_a_try_counts_before_it_is_made(self):
        """So that a worker that dies of a chunk leaves a trace."""
        message = self.accept("link", *self.links(1, 1))
        seen = []

        def die(exchange, work, request, mode):
            exchange.env.invalidate_all()
            seen.append((exchange.env["g2p.spar.message"].browse(work.id).failure_count, mode))
            raise KeyboardInterrupt  # nothing catches it, like a kill

        exchange = type(self.env["g2p.spar.exchange"])
        with patch.object(exchange, "carry_out_chunk", die):
            for _worker in range(7):
                with self.lane() as queue, suppress(KeyboardInterrupt):
                    queue._serve_next({})
        modes = ["together"] * 3 + ["singly"] * 3 + ["give up"]
        self.assertEqual(seen, list(enumerate(modes, start=1)))
        self.run_lane()
        self.assertRecordValues(
            message, [{"state": "done", "failure_count": 0, "rejected_count": 1}]
        )

    @mute_logger(*LOGGERS)
    def test_what_failed_is_left_alone_for_a_while_and_others_are_served(self):
        self.patch(g2p_spar_message_queue, "RETRY_SECONDS", 60)
        message = self.accept("link", *self.links(1, 1))
        other = self.accept("link", *self.links(11, 1), participant=self.openg2p)
        link_items, tries = type(self.mapper).link_items, []

        def explode(mapper, actor, items):
            tries.append(items[0].id)
            if items[0].id == self.id_of(1):
                raise ValueError("for a test")
            return link_items(mapper, actor, items)

        with patch.object(type(self.mapper), "link_items", explode):
            self.run_lane()
        self.assertEqual(sorted(tries), sorted([self.id_of(1), self.id_of(11)]))
        self.assertEqual((message.state, other.state), ("queued", "done"))
        self.env.cr.execute("UPDATE g2p_spar_message SET retry_at = now() - interval '1 day'")
        self.run_lane()
        self.assertRecordValues(message, [{"succeeded_count": 1, "rejected_count": 0}])

    @mute_logger(*LOGGERS)
    def test_a_damaged_payload_holds_up_nothing(self):
        message = self.accept("link", *self.links(1, 1))
        after = self.accept("link", *self.links(2, 1))
        self.env.cr.execute(
            "UPDATE g2p_spar_message SET payload = 'damaged' WHERE id = %s", message.ids
        )
        self.run_lane()
        self.assertEqual((message.state, after.state), ("failed", "done"))

    def test_wake_up_that_fails_fails_nothing(self):
        crons = self.env["ir.cron"].browse()

        def explode(crons):
            raise OSError("no connection left")

        with (
            patch.object(type(crons), "_notifydb", explode),
            self.assertLogs("odoo.addons.g2p_spar_mapper.lane", "WARNING"),
        ):
            lane._notify(crons)

    # === AND THEN === #

    def test_results_beside_an_erased_person_are_purged_in_time(self):
        message = self.accept("link", *self.links(1, 4))
        self.run_lane()
        self.erase(self.id_of(4))
        kept = "SELECT count(*) FROM g2p_spar_message_chunk WHERE message_id = %s AND results != ''"
        self.env.cr.execute(kept, message.ids)
        self.assertEqual(self.env.cr.fetchone(), (2,))
        self.env["g2p.spar.message"]._gc_chunks()
        self.env.cr.execute(kept, message.ids)
        self.assertEqual(self.env.cr.fetchone(), (2,))
        self.env.cr.execute("UPDATE g2p_spar_message SET received_at = '2020-01-01'")
        self.env["g2p.spar.message"]._gc_chunks()
        self.env.cr.execute(kept, message.ids)
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_nothing_is_purged_before_it_is_told(self):
        self.participant.callback_url = "https://bank.test/cb"
        message = self.accept("link", *self.links(1, 1))
        self.run_lane()
        self.env.cr.execute("UPDATE g2p_spar_message SET received_at = '2020-01-01'")
        self.env["g2p.spar.message"]._gc_payloads()
        self.assertTrue(self.results(message))
        self.env.cr.execute("UPDATE g2p_spar_callback SET state = 'delivered'")
        self.env["g2p.spar.message"]._gc_payloads()
        self.assertIsNone(self.results(message))

    def test_results_are_purged_with_the_payload(self):
        done = self.accept("link", *self.links(1, 4))
        self.run_lane()
        waiting = self.accept("link", *self.links(11, 1))
        self.env.cr.execute("UPDATE g2p_spar_message SET received_at = '2020-01-01'")
        self.env["g2p.spar.message"]._gc_payloads()
        self.assertIsNone(self.results(done))
        self.assertIsNone(self.env["g2p.spar.message"].payload_of(done.id))
        self.assertTrue(self.env["g2p.spar.message"].payload_of(waiting.id))
        self.run_lane()
        self.assertRecordValues(done + waiting, [{"succeeded_count": 4}, {"succeeded_count": 1}])

    def test_erasure(self):
        done = self.accept("link", *self.links(1, 4))
        self.run_lane()
        before = self.results(done)
        self.erase(self.id_of(4))
        after = self.results(done)
        self.assertEqual(after[:3], before[:3], "what others are told")
        self.assertEqual(
            after[3].keys(), {"reference_id", "timestamp", "status"}, "how it ended, not whose"
        )
        self.assertIsNone(self.env["g2p.spar.message"].payload_of(done.id))

    def test_erasure_of_a_look_up(self):
        fas = [self.fa(f"12345678{n}") for n in (1, 2)]
        ids = [self.id_of(1), self.id_of(2)]
        self.link(self.staff, *zip(ids, fas, strict=True))
        items = [{"id": id_value, "scope": "details"} for id_value in ids]
        done = self.accept("resolve", {"fa": fas[0]}, *items)
        self.run_lane()
        self.erase(self.id_of(1))
        by_fa, first, second = self.results(done)
        self.assertNotIn(fas[0], str(first))
        self.assertNotIn(ids[0], str(first))
        self.assertEqual(second["fa"], fas[1])
        self.assertEqual(by_fa["status"], "succ", "an item without an ID keeps its place")

    def test_erasure_in_a_chunk_of_an_earlier_release(self):
        done = self.accept("link", {"id": "", "fa": self.fa()}, *self.links(1, 2))
        self.run_lane()
        digests = b"".join(digester("id")(id_key(self.id_of(n))) for n in (1, 2))
        self.env.cr.execute("UPDATE g2p_spar_message_chunk SET id_digests = %s", (digests,))
        self.erase(self.id_of(1))
        self.assertIsNone(self.results(done))

    def test_erasure_of_somebody_in_an_unfinished_message(self):
        message = self.accept("link", *self.links(1, 4))
        with self.lane() as queue:
            queue._serve_next({})
        self.erase(self.id_of(1))
        self.run_lane()
        self.assertRecordValues(message, [{"state": "done", "succeeded_count": 4}])
        self.env["g2p.spar.message"]._gc_erased()
        self.assertEqual(len(self.results(message)), 4)
        self.assertEqual(self.results(message)[0].keys(), {"reference_id", "timestamp", "status"})
        self.assertIsNone(self.env["g2p.spar.message"].payload_of(message.id))

    def test_rate_limits(self):
        self.participant.write_rate = 60
        self.participant.burst = 5
        self.accept("link", *self.links(1, 6))
        with self.assertRaises(SparHttpError) as caught:
            self.send("link", self.message("link", *self.links(11, 1)))
        self.assertEqual(caught.exception.status, 429)
        self.assertIn("Retry-After", caught.exception.headers)

    # === WHAT PEOPLE SEE === #

    def test_people_see_masks(self):
        message = self.accept("link", *self.links(123456001, 25), {"id": "", "fa": 7}, {"id": {}})
        viewer = new_test_user(
            self.env, "spar-async-viewer", groups="g2p_spar_fa_directory.group_viewer"
        )
        before = message.with_user(viewer).read(["items_masked"])[0]["items_masked"]
        self.assertIn("1. ••••6001@nationalId TSTB ••••789\n", before)
        self.run_lane()
        shown = message.with_user(viewer).read()[0]
        lines = shown["items_masked"].splitlines()
        self.assertEqual(lines[0], "1. ••••6001@nationalId TSTB ••••789 succ")
        self.assertEqual((len(lines), lines[-1]), (21, "and 7 more"))
        for clear in ("123456001", "123456789", self.fa()):
            self.assertNotIn(clear, str(shown))
        for field in ("payload", "callback_url", "erased_digests"):
            with self.subTest(field=field), self.assertRaises(AccessError):
                message.with_user(viewer).read([field])

    def test_synchronous_messages_are_shown_alike(self):
        profile = self.env["g2p.spar.participant"].get_profile(self.participant.id)
        payload = self.message("link", *self.links(123456001, 1))
        self.env["g2p.spar.exchange"].answer(profile, "link", json.dumps(payload).encode())
        message = self.env["g2p.spar.message"].search([], limit=1)
        self.assertEqual(message.mode, "sync")
        self.assertEqual(message.items_masked, "1. ••••6001@nationalId TSTB ••••789 succ")
        self.env.cr.execute("UPDATE g2p_spar_message SET payload = NULL WHERE id = %s", message.ids)
        message.invalidate_recordset()
        self.assertEqual(message.items_masked, "No longer kept.")
