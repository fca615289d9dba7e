# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import file_open, mute_logger

from .. import gateway
from ..controllers import callback
from ..g2p_connect import ack, jwk, txn_status
from ..g2p_connect.client import REFUSED, STATUS_PATH, UNANSWERED, UNCERTAIN
from ..g2p_connect.envelope import parse_request, render_answer
from ..g2p_connect.signature import sign
from ..g2p_connect.values import AccountProvider, LinkItem, Outcome, ResolveItem, Result
from ..models import g2p_spar_remote_message as remote_message
from ..secret import SealBroken
from .test_connector_remote import RemoteCase
from .test_remote_line import reply

LOGGER = "odoo.addons.g2p_spar_connector.models.g2p_spar_remote_message"
URL = "https://pbms.example/spar/v1.0.0/mapper"
GONE = gateway.GatewayFailed("spar.example: gone", True)
WINDOW = datetime.max - datetime.min


@tagged("post_install", "-at_install")
class TestRemoteMessage(RemoteCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.connector.remote_callback_url = URL
        self.messages = self.env["g2p.spar.remote.message"]
        self.messages.search([]).unlink()
        self.posted = []  # (path, body)
        self.plan = []  # what answers the next ones; then they are acknowledged
        self.startPatcher(patch.object(gateway, "post", self.post))
        # A test's cursor takes none of it, and hands it on to the next statement.
        self.later = timedelta()
        now = fields.Datetime.now
        self.startPatcher(
            patch.object(fields.Datetime, "now", lambda *args: now(*args) + self.later)
        )

    def post(self, url, body, headers, *, hosts, timeout, max_bytes):
        self.posted.append((url.removeprefix("https://spar.example"), json.loads(body)))
        answer = self.plan.pop(0) if self.plan else self.ack()
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, gateway.Reply):
            return answer
        return reply(body=answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def ack(self, status="ACK"):
        return ack.render_ack(status, "c1", datetime.now(UTC))

    def work(self, **later):
        self.env.flush_all()
        self.later += timedelta(**later)
        with mute_logger(LOGGER):
            self.env.ref("g2p_spar_connector.cron_remote_messages").method_direct_trigger()
        self.env.invalidate_all()

    def submit(self, operation="link", items=None):
        items = items or [LinkItem("r0", "a@ns", "1@bank"), LinkItem("", "b@ns", "2@bank")]
        messages, _refused = self.connector.submit_items(operation, items)
        return messages

    def answer(self, *outcomes, profile="strict", body=None):
        """The callback to the message that was posted last."""
        body = body or self.posted[-1][1]
        operation = body["header"]["action"]
        now = datetime.now(UTC)
        request = parse_request(body, operation, profile, max_items=99, now=now, ts_window=WINDOW)
        provider = AccountProvider("Bank", "B1")
        results = [
            Result(item.reference_id, outcome, id=item.id, fa="1@bank", provider=provider)
            for item, outcome in zip(request.items, outcomes, strict=True)
        ]
        return render_answer(request, results, profile, now=now, correlation_id="c1")

    def call_back(self, payload, operation="link", **headers):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", **headers}
        response = self.url_open(f"/spar/v1.0.0/mapper/on-{operation}", data=body, headers=headers)
        self.env.invalidate_all()
        told = response.json()["message"]
        return response.status_code, told["ack_status"], told.get("error", {}).get("code")

    # --- the usual way ---

    def test_link(self):
        message = self.submit()
        self.assertEqual((message.state, message.results()), ("waiting", None))
        self.work()
        [(path, body)] = self.posted
        self.assertEqual(path, "/spar/v1.0.0/mapper/link")
        self.assertEqual(body["header"]["sender_uri"], f"{URL}/on-link")
        self.assertEqual((message.state, message.correlation_id), ("sent", "c1"))
        told = self.call_back(self.answer(Outcome.DONE, Outcome.ALREADY_LINKED))
        self.assertEqual(told, (200, "ACK", None))
        self.assertEqual(message.state, "done")
        expected = [
            Result("r0", Outcome.DONE, id="a@ns", fa="1@bank"),
            Result("", Outcome.ALREADY_LINKED, id="b@ns", fa="2@bank"),
        ]
        self.assertEqual(message.results(), expected)
        told = self.call_back(self.answer(Outcome.DONE, Outcome.DONE))
        self.assertEqual(told, (200, "ACK", None), "a repetition")
        self.assertEqual(message.results(), expected, "changes nothing")

    def test_resolve(self):
        message = self.submit("resolve", [ResolveItem("r0", "a@ns", scope="details")])
        self.work()
        self.call_back(self.answer(Outcome.ID_ACTIVE), "resolve")
        provider = AccountProvider("Bank", "B1")
        expected = Result("r0", Outcome.ID_ACTIVE, id="a@ns", fa="1@bank", provider=provider)
        self.assertEqual(message.results(), [expected])

    def test_openg2p_1(self):
        """Its path, its address of callbacks, and its callbacks without a correlation_id."""
        self.connector.write(
            {"remote_profile": "openg2p_1", "remote_url": "https://spar.example/api/mapper"}
        )
        message = self.submit()
        self.work()
        [(path, body)] = self.posted
        self.assertEqual(path, "/api/mapper/async/link")
        self.assertEqual(body["header"]["sender_uri"], URL)
        payload = self.answer(Outcome.DONE, Outcome.DONE, profile="openg2p_1")
        payload["message"]["correlation_id"] = None
        self.assertEqual(self.call_back(payload), (200, "ACK", None))
        self.assertEqual(message.state, "done")

    def test_several_in_their_order(self):
        self.connector.remote_max_items = 1
        messages = self.submit()
        self.assertEqual(len(messages), 2)
        self.plan = [GONE]
        self.work()
        self.assertEqual(messages.mapped("state"), ["waiting", "waiting"])
        self.assertEqual(len(self.posted), 1, "the second does not overtake")
        self.work(minutes=2)
        self.assertEqual(messages.mapped("state"), ["sent", "sent"])

    def test_refused_here(self):
        items = [LinkItem("r0", "", "1@bank"), LinkItem("r1", "a@ns", "1@bank")]
        messages, refused = self.connector.submit_items("link", items)
        self.assertEqual(messages.item_count, 1)
        self.assertEqual((refused[0].outcome, refused[1]), (Outcome.ID_EMPTY, None))

    def test_only_for_another_mapper(self):
        self.connector.backend = "none"
        with self.assertRaisesRegex(UserError, "later"):
            self.submit()

    # --- troubles ---

    def test_handed_over_again(self):
        message = self.submit()
        self.plan = [GONE, GONE]
        self.work()
        self.assertEqual((message.state, message.problem), ("waiting", "spar.example: gone"))
        self.work(seconds=30)
        self.assertEqual(len(self.posted), 1, "not before its time")
        self.work(minutes=1)
        self.work(minutes=3)
        self.assertEqual((message.state, message.problem), ("sent", False))
        first, *others = [body for _, body in self.posted]
        self.assertEqual(len(others), 2)
        for body in others:
            self.assertEqual(body["header"]["message_id"], first["header"]["message_id"])
            self.assertEqual(body["message"], first["message"], "also the times of its items")

    def test_known_already(self):
        """Its acknowledgement was lost; some mappers take the repetition for another message."""
        text = "rjct.message_id.duplicate: message_id: was used before"
        known = ack.render_error("err.request.bad", text, "c1", datetime.now(UTC))
        message = self.submit()
        self.plan = [GONE, known]
        self.work()
        self.work(minutes=2)
        self.assertEqual((message.state, message.problem), ("sent", False))
        link = self.posted[-1][1]
        done = self.answer(Outcome.DONE, Outcome.DONE, body=link)["message"]["link_response"]
        self.plan = [self.status(link, "succ", done)]
        self.work(minutes=6)
        self.assertEqual(message.state, "done")
        first = self.submit()
        self.plan = [known]
        self.work()
        self.assertEqual(first.state, "failed", "it was the first try")

    def test_refused_when_it_may_have_been_accepted(self):
        refusals = (
            reply(403),
            ack.render_error("err.request.bad", "No", "c1", datetime.now(UTC)),
        )
        for refusal in refusals:
            self.later = timedelta()
            message = self.submit()
            self.plan = [GONE, refusal]
            self.work()
            self.assertTrue(message.maybe_accepted)
            self.work(minutes=2)
            self.assertEqual(message.state, "sent", "what became of it is asked")
            self.work(days=8)
            self.assertEqual(message.state, "failed")
            self.assertEqual(message.results()[0].message, UNCERTAIN)
        self.later = timedelta()
        look_up = self.submit("resolve", [ResolveItem("r0", "a@ns")])
        self.plan = [GONE, reply(403)]
        self.work()
        self.work(minutes=2)
        self.assertEqual((look_up.state, look_up.results()[0].message), ("failed", REFUSED))

    def test_not_accepted(self):
        message = self.submit()
        self.plan = [ack.render_error("err.request.bad", "No", "c1", datetime.now(UTC))]
        self.work()
        self.assertEqual(message.state, "failed")
        self.assertEqual([result.message for result in message.results()], [REFUSED] * 2)
        self.assertFalse(message.sudo().items_sealed)

    def test_no_acknowledgement(self):
        message = self.submit()
        self.plan = [{"hello": 1}]
        self.work()
        self.assertEqual(message.state, "sent", "it may have it")
        self.assertIn("acknowledgement", message.problem)

    def test_openg2p_1_is_not_told_twice(self):
        self.connector.remote_profile = "openg2p_1"
        message = self.submit()
        self.plan = [GONE]
        self.work()
        self.assertEqual(message.state, "sent", "its callback may come")
        self.work(days=8)
        self.assertEqual(message.state, "failed")
        self.assertEqual(message.results()[0].message, UNCERTAIN)
        self.assertEqual(len(self.posted), 1)

    def test_asked_for(self):
        """Where the callback does not come in time."""
        message = self.submit()
        self.work()
        link = self.posted[0][1]
        running = self.status(link, "pdng", [])
        self.plan = [running]
        self.work(minutes=6)
        self.assertEqual(self.posted[-1][0], f"/spar/v1.0.0{STATUS_PATH}")
        self.assertEqual(message.state, "sent")
        done = self.answer(Outcome.DONE, Outcome.DONE, body=link)["message"]["link_response"]
        self.plan = [self.status(link, "succ", done[:1])]
        self.work(minutes=6)
        self.assertEqual(message.state, "done")
        self.assertEqual(
            [(result.outcome, result.message) for result in message.results()],
            [(Outcome.DONE, None), (Outcome.RETRY, UNANSWERED)],
        )

    def status(self, link, status, results):
        question = txn_status.StatusRequest(
            remote_message.client_async.envelope.Header(), "t", "r", "link", "transaction_id", "x"
        )
        transaction_id = link["message"]["transaction_id"]
        found = txn_status.TransactionStatus(
            "link", transaction_id, "c1", status, 2, len(results), results
        )
        return txn_status.render_answer(question, found, "strict", now=datetime.now(UTC))

    def test_never_heard_of(self):
        message = self.submit()
        self.work()
        question = txn_status.StatusRequest(
            remote_message.client_async.envelope.Header(), "t", "r", "link", "transaction_id", "x"
        )
        unknown = txn_status.render_not_found(question, "strict", now=datetime.now(UTC))
        for answer in (unknown, reply(403), reply(404), b"<html>", {"hello": 1}):
            self.plan = [answer]
            self.work(hours=5)
            self.assertEqual((message.state, self.plan), ("sent", []), "it was accepted")
            self.assertTrue(message.problem)
        self.plan = [unknown]
        self.work(days=7)
        self.assertEqual(message.state, "failed")
        self.assertEqual(message.results()[0].message, UNCERTAIN)
        late = self.answer(Outcome.DONE, Outcome.DONE, body=self.posted[0][1])
        self.assertEqual(self.call_back(late), (200, "ACK", None))
        self.assertEqual((message.state, message.problem), ("done", False))
        self.assertEqual([result.outcome for result in message.results()], [Outcome.DONE] * 2)
        self.assertFalse(message.sudo().items_sealed)

    def test_nowhere_to_hand_it_over(self):
        message = self.submit()
        self.connector.backend = "none"
        self.work()
        self.assertEqual((message.state, self.posted), ("waiting", []))
        self.connector.backend = "g2p_connect"
        with patch.object(remote_message, "unseal", side_effect=SealBroken("No key opens it")):
            self.work(minutes=2)
        self.assertEqual((message.state, message.problem), ("waiting", "No key opens it"))
        self.work(minutes=5)
        self.assertEqual((message.state, message.problem), ("sent", False))

    def test_broken_message(self):
        """It holds up those behind it for a while, and not for ever."""
        self.connector.remote_max_items = 1
        broken, sound = self.submit()
        broken.sudo().items_sealed = remote_message.seal(b"a@ns", remote_message.SEAL_PURPOSE)
        self.work()
        self.assertEqual((broken.state, sound.state), ("waiting", "waiting"))
        self.assertEqual(broken.problem, "It failed unexpectedly; see Odoo's log")
        self.work(days=8)
        self.assertEqual((broken.state, broken.results()), ("failed", None))
        self.assertEqual(sound.state, "sent")

    def test_gone_meanwhile(self):
        message = self.submit()
        message.unlink()
        self.assertFalse(message._locked())

    def test_out_of_time(self):
        """The job goes on soon, as it is told that there is more."""
        self.connector.remote_max_items = 1
        self.submit()
        progress = []

        def commit_progress(_self, processed=0, **values):
            _self.env.flush_all()
            progress.append((processed, values))
            return 0 if processed else 60

        self.startPatcher(patch.object(remote_message, "read_committed"))
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", commit_progress):
            self.messages._cron_work()
            self.assertEqual(progress, [(0, {}), (1, {"remaining": 1})])
            self.messages._cron_work()
            progress.clear()
            self.messages._cron_work()
        self.assertEqual(progress, [(0, {}), (0, {"remaining": 0})])

    # --- callbacks ---

    def test_hostile_callbacks(self):
        message = self.submit()
        self.work()
        good = self.answer(Outcome.DONE, Outcome.DONE)
        for payload, code in (
            (b"{", "err.request.bad"),
            ([], "err.request.bad"),
            ({"message": {"transaction_id": "a\0b"}}, "err.request.bad"),
            (
                {**good, "message": {**good["message"], "transaction_id": "x"}},
                "err.request.not_found",
            ),
            ({**good, "message": {**good["message"], "correlation_id": "x"}}, "err.request.bad"),
            ({**good, "header": {}}, "err.request.bad"),
        ):
            with self.subTest(payload):
                self.assertEqual(self.call_back(payload), (400, "ERR", code))
        self.assertEqual(self.call_back(good, "unlink"), (400, "ERR", "err.request.not_found"))
        pending = {"header": {**good["header"], "status": "pdng"}, "message": {}}
        pending["message"]["transaction_id"] = good["message"]["transaction_id"]
        self.assertEqual(self.call_back(pending), (200, "ACK", None))
        self.assertEqual(message.state, "sent")

    def test_signed(self):
        private = jwk.generate("EdDSA")
        self.connector.write(
            {
                "remote_answers_signed": True,
                "remote_dialect": "g2p_connect",
                "remote_keys": json.dumps(jwk.public_jwk(private)),
            }
        )
        message = self.submit()
        # the acknowledgement must be signed as well
        signed = sign("g2p_connect", self.ack(), private, "spar.example", datetime.now(UTC))
        self.plan = [signed.raw]
        self.work()
        self.assertEqual(message.state, "sent")
        good = self.answer(Outcome.DONE, Outcome.DONE)
        good["header"]["sender_id"] = "spar.example"
        self.assertEqual(self.call_back(good), (400, "ERR", "err.signature.missing"))
        signed = sign("g2p_connect", good, private, "spar.example", datetime.now(UTC))
        self.assertEqual(self.call_back(signed.raw), (200, "ACK", None))
        self.assertEqual(message.state, "done")

    def test_test_of_our_callback_address(self):
        """A SPAR tests an address with a status that nobody asked for."""
        question = txn_status.StatusRequest(
            remote_message.client_async.envelope.Header(message_id="m"),
            "t",
            "r",
            "link",
            "transaction_id",
            "x",
        )
        found = txn_status.TransactionStatus("link", "t", "c", "succ", 0, 0, [])
        payload = txn_status.render_answer(question, found, "strict", now=datetime.now(UTC))
        for body, status in ((payload, 200), ({"no": 1}, 400)):
            response = self.url_open(
                "/spar/v1.0.0/mapper/txn/on-status",
                data=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
            )
            self.assertEqual(response.status_code, status)

    # --- what is kept ---

    def test_nothing_expected(self):
        nothing = (400, "ERR", "err.request.not_found")
        self.assertEqual(self.call_back(b"{"), nothing)
        self.submit()
        self.work()
        good = self.answer(Outcome.DONE, Outcome.DONE)
        self.assertEqual(self.call_back(b"{"), (400, "ERR", "err.request.bad"))
        self.assertEqual(self.call_back(good), (200, "ACK", None))
        self.later += timedelta(hours=23)
        self.assertEqual(self.call_back(good), (200, "ACK", None), "a repetition")
        self.later += timedelta(hours=2)
        self.assertEqual(self.call_back(good), nothing)

    def test_more_than_expected(self):
        self.submit()
        self.work()
        for size, status in ((50, 400), (51, 413)):
            with patch.multiple(callback, HEADER_BYTES=10, ITEM_BYTES=20):
                response = self.url_open(
                    "/spar/v1.0.0/mapper/on-link",
                    data=b" " * size,
                    headers={"Content-Type": "application/json"},
                )
            self.assertEqual(response.status_code, status)

    def test_nothing_readable(self):
        message = self.submit()
        self.env.flush_all()
        self.env.cr.execute("SELECT m::text FROM g2p_spar_remote_message m")
        self.assertNotIn("a@ns", str(self.env.cr.fetchall()))
        manager = new_test_user(self.env, "m", groups="g2p_spar_fa_directory.group_manager")
        mine = message.with_user(manager)
        self.assertTrue(mine.read(["state"]))
        with self.assertRaises(AccessError):
            mine.read(["items_sealed"])
        with self.assertRaises(AccessError):
            mine.read(["transaction_id"])
        with self.assertRaises(AccessError):
            mine.search([("transaction_id", "=", "x")])
        self.assertNotIn(message.transaction_id, f"{mine.display_name} {mine.read()}")
        company = self.env["res.company"].create({"name": "Other"})
        message.connector_id.company_id = company
        with self.assertRaises(AccessError):
            mine.read(["state"])
        officer = new_test_user(self.env, "o", groups="g2p_spar_fa_directory.group_officer")
        with self.assertRaises(AccessError):
            message.with_user(officer).read(["state"])

    def test_done_ones_go(self):
        message = self.submit()
        self.work()
        self.call_back(self.answer(Outcome.DONE, Outcome.DONE))
        self.assertFalse(message.sudo().items_sealed)
        self.assertEqual(self.messages._gc(), (0, False))
        self.assertTrue(message.exists())
        self.later += timedelta(days=31)
        with patch.object(remote_message, "GC_LIMIT", 1):
            self.assertEqual(self.messages._gc(), (1, True), "there may be more")
        self.assertFalse(message.exists())

    def test_neutralize(self):
        message = self.submit()
        self.env.flush_all()
        with file_open("g2p_spar_connector/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertFalse(message.exists())
