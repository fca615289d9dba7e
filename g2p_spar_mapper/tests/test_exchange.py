# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo.sql_db import db_connect

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError

from ..models import g2p_spar_message
from .common import MapperCommon


class TestExchange(MapperCommon):
    """What differs by profile, end to end but for HTTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.openg2p = cls._participant(
            "openg2p", profile="openg2p_1", fa_policy="opaque", may_override=True
        )
        cls.serial = 0

    def message(self, operation, *items, **header):
        type(self).serial += 1
        now = datetime.now(UTC).isoformat()
        return {
            "header": {
                "version": "1.0.0",
                "message_id": f"m{self.serial}",
                "message_ts": now,
                "action": operation,
                "sender_id": "free.test",
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
        participant = participant or self.participant
        raw = json.dumps(payload).encode()
        profile = self.env["g2p.spar.participant"].get_profile(participant.id)
        status, body, _headers = self.env["g2p.spar.exchange"].answer(profile, operation, raw)
        return status, json.loads(body)

    def items(self, operation, payload, participant=None):
        status, answer = self.send(operation, payload, participant)
        self.assertEqual((status, answer["header"]["status"]), (200, "succ"), answer)
        return answer["message"][f"{operation}_response"]

    def header(self, operation, payload, participant=None, status=200):
        got, answer = self.send(operation, payload, participant)
        self.assertEqual(got, status)
        self.assertEqual(answer["header"]["status"], "rjct")
        return answer["header"]

    def test_strict_round(self):
        one = {"id": self.id_of(1), "fa": self.fa()}
        status, answer = self.send("link", self.message("link", one))
        header = answer["header"]
        self.assertEqual(
            (status, header["action"], header["total_count"], header["completed_count"]),
            (200, "on-link", 1, 1),
        )
        [item] = answer["message"]["link_response"]
        self.assertEqual((item["status"], item["fa"]), ("succ", self.fa()))
        self.assertTrue(answer["message"]["correlation_id"])
        [item] = self.items(
            "resolve", self.message("resolve", {"id": self.id_of(1), "scope": "details"})
        )
        self.assertEqual(
            (item["status_reason_code"], item["fa"], item["account_provider_info"]["code"]),
            ("succ.id.active", self.fa(), "TSTB"),
        )
        [item] = self.items("update", self.message("update", one | {"fa": self.fa("222222222")}))
        self.assertEqual(
            (item["status"], item["id"], item["fa"]),
            ("succ", self.id_of(1), self.fa("222222222")),
        )
        [item] = self.items("unlink", self.message("unlink", {"id": self.id_of(1)}))
        self.assertEqual(item["status"], "succ")

    def test_refusals_by_profile(self):
        linked = {"id": self.id_of(1), "fa": self.fa()}
        self.link(self.free, (self.id_of(1), self.fa()))
        unknown = {"id": self.id_of(2), "fa": self.fa()}
        for operation, item, strict, openg2p in (
            (
                "link",
                linked,
                ("rjct", "rjct.other.error", None),
                ("rjct", "rjct.reference_id.duplicate", "ID and FA are already mapped"),
            ),
            (
                "update",
                unknown,
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.id.invalid", "ID doesnt exist please link first"),
            ),
            (
                "unlink",
                {"id": self.id_of(2)},
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.id.invalid", "ID doesnt exist please link first"),
            ),
            (
                "resolve",
                {"id": self.id_of(2)},
                ("succ", "succ.id.not_found", None),
                ("succ", "succ.fa.not_linked_to_id", "ID doesn't exist, please link first"),
            ),
            (
                "resolve",
                {},
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.reference_id.invalid", "ID is required"),
            ),
            (
                "link",
                {"id": "", "fa": self.fa()},
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.id.invalid", "ID is null"),
            ),
            (
                "link",
                {"id": self.id_of(3), "fa": ""},
                ("rjct", "rjct.fa.invalid", None),
                ("rjct", "rjct.fa.invalid", "FA is null"),
            ),
        ):
            for participant, expected in ((self.participant, strict), (self.openg2p, openg2p)):
                with self.subTest(operation=operation, item=item, profile=participant.profile):
                    payload = self.message(operation, item, sender_id=participant.sender_id)
                    [got] = self.items(operation, payload, participant)
                    self.assertEqual((got["status"], got["status_reason_code"]), expected[:2])
                    if expected[2]:
                        self.assertEqual(got["status_reason_message"], expected[2])

    def test_openg2p_takes_what_its_clients_send(self):
        item = {
            "id": "no at sign",
            "fa": "account_number:1.fa_type:BANK",
            "timestamp": "2024",
            "phone_number": "string",
            "locale": "en-GB",
            "additional_info": [{"strategy_id": 2}],
        }
        payload = self.message(
            "link",
            item | {"id": "plain-id"},
            item | {"id": "plain-id-2", "reference_id": "r0"},
            message_id="string",
            message_ts="2024-05-01 10:00:00",
            total_count=0,
            sender_id="",
        )
        for repeat in range(2):
            outcomes = [item["status"] for item in self.items("link", payload, self.openg2p)]
            self.assertEqual(outcomes, ["rjct" if repeat else "succ"] * 2)
        [item] = self.items(
            "resolve",
            self.message(
                "resolve",
                {"id": "plain-id", "scope": "details"},
                sender_id="",
            ),
            self.openg2p,
        )
        self.assertEqual(item["additional_info"], [{"strategy_id": 2}])

    def test_strict_header_rejections(self):
        one = {"id": self.id_of(1), "fa": self.fa()}
        now = datetime.now(UTC)
        for values, code in (
            ({"version": "2.0.0"}, "rjct.version.invalid"),
            ({"action": "update"}, "rjct.action.not_supported"),
            ({"action": "frobnicate"}, "rjct.action.invalid"),
            ({"total_count": 2}, "rjct.total_count.invalid"),
            ({"message_ts": "2026-01-01T00:00:00"}, "rjct.message_ts.invalid"),
            ({"message_ts": (now - timedelta(days=1)).isoformat()}, "rjct.message_ts.invalid"),
        ):
            with self.subTest(**values):
                header = self.header("link", self.message("link", one, **values))
                self.assertEqual(header["status_reason_code"], code)
        self.participant.max_items = 1
        header = self.header("link", self.message("link", one, one))
        self.assertEqual(header["status_reason_code"], "rjct.total_count.limit_exceeded")
        header = self.header("link", self.message("link"))
        self.assertEqual(header["status_reason_code"], "rjct.total_count.invalid")
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_incomplete_envelope(self):
        payload = self.message("link", {"id": self.id_of(1), "fa": self.fa()})
        del payload["message"]["link_request"]
        header = self.header("link", payload, status=400)
        self.assertEqual(header["message_id"], payload["header"]["message_id"])
        self.assertIn("link_request", header["status_reason_message"])

    def test_retry_gets_the_first_answer(self):
        payload = self.message("link", {"id": self.id_of(1), "fa": self.fa()})
        first = self.send("link", payload)
        payload["header"]["message_ts"] = datetime.now(UTC).isoformat()
        self.assertEqual(self.send("link", payload), first)
        self.assertEqual(len(self.events(self.id_of(1))), 1)

    def test_a_twin_sends_its_body_to_the_database_twice_at_most(self):
        """First, and once the message that held it up has come to nothing."""
        payload = self.message("link", {"id": self.id_of(1), "fa": self.fa()})
        first = db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(first.close)
        first.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))",
            (payload["header"]["message_id"], self.participant.id),
        )
        sent, execute = [], self.env.cr.execute

        def count(query, *args, **options):
            sent.append(query is g2p_spar_message.RECEIVE)
            if len(sent) == 20:
                first.rollback()
            return execute(query, *args, **options)

        self.patch(g2p_spar_message, "TWIN_POLL_SECONDS", 0)
        with patch.object(self.env.cr, "execute", count):
            [item] = self.items("link", payload)
        self.assertEqual((item["status"], sum(sent)), ("succ", 2))
        self.assertGreater(len(sent), 20)

    def test_used_message_id(self):
        payload = self.message("link", {"id": self.id_of(1), "fa": self.fa()})
        self.send("link", payload)
        payload["message"]["link_request"][0]["id"] = self.id_of(2)
        header = self.header("link", payload)
        self.assertEqual(header["status_reason_code"], "rjct.message_id.duplicate")
        self.assertFalse(self.mapping(self.id_of(2)))
        # another participant's ids are its own
        other = self._participant("second", fa_policy="opaque")
        payload["header"]["sender_id"] = "second.test"
        [item] = self.items("link", payload, other)
        self.assertEqual(item["status"], "succ")

    def test_sender(self):
        item = {"id": self.id_of(1)}
        for participant, sender_id, allowed in (
            (self.participant, "free.test", True),
            (self.participant, "bank.test", False),
            (self.openg2p, "openg2p.test", True),
            (self.openg2p, "", True),
            (self.openg2p, "free.test", False),
        ):
            with self.subTest(profile=participant.profile, sender_id=sender_id):
                payload = self.message("resolve", item, sender_id=sender_id)
                if allowed:
                    self.items("resolve", payload, participant)
                    continue
                with self.assertRaises(SparHttpError) as raised:
                    self.send("resolve", payload, participant)
                self.assertEqual(raised.exception.status, 403)

    def test_message_is_on_record(self):
        self.items(
            "link",
            self.message(
                "link", {"id": self.id_of(1), "fa": self.fa()}, {"id": "", "fa": self.fa()}
            ),
        )
        message = self.env["g2p.spar.message"].search([], limit=1)
        self.assertRecordValues(
            message,
            [
                {
                    "participant_id": self.participant.id,
                    "operation": "link",
                    "message_id": f"m{self.serial}",
                    "transaction_id": f"t{self.serial}",
                    "item_count": 2,
                    "succeeded_count": 1,
                    "rejected_count": 1,
                    "state": "done",
                }
            ],
        )
        [event] = self.events(self.id_of(1))
        self.assertEqual(event.message_id, message.id)
        self.assertEqual(event.reason, f"transaction t{self.serial}")

    def test_resolve_writes_nothing(self):
        before = self.env["g2p.spar.message"].search_count([])
        self.items("resolve", self.message("resolve", {"id": self.id_of(1)}))
        self.assertEqual(self.env["g2p.spar.message"].search_count([]), before)

    def test_payloads_are_purged(self):
        payload = self.message("link", {"id": self.id_of(1), "fa": self.fa()})
        self.send("link", payload)
        self.env.cr.execute("UPDATE g2p_spar_message SET received_at = '2020-01-01'")
        self.env["g2p.spar.message"]._gc_payloads()
        self.env.cr.execute("SELECT count(*) FROM g2p_spar_message WHERE payload IS NOT NULL")
        self.assertEqual(self.env.cr.fetchone(), (0,))
        header = self.header("link", payload)  # its first answer is gone: not done twice
        self.assertEqual(header["status_reason_code"], "rjct.message_id.duplicate")
        self.assertIn("no longer kept", header["status_reason_message"])
