# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import BaseCase

from ..g2p_connect.envelope import (
    parse_answer,
    render_answer,
    render_envelope_error,
    render_header_rejection,
    render_request,
)
from ..g2p_connect.errors import ERROR_CODES, EnvelopeError, HeaderRejected, http_error_body
from ..g2p_connect.values import (
    OPERATIONS,
    PROFILES,
    AccountProvider,
    Header,
    LinkItem,
    Outcome,
    Request,
    Result,
    refusal,
)
from . import strategies as s

STAMP = "2026-01-15T09:30:00.000+00:00"


class TestMalformedEnvelopes(BaseCase):
    def error(self, payload, operation="link", profile="strict"):
        with self.assertRaises(EnvelopeError) as caught:
            s.parse(payload, operation, profile)
        self.assertIn(caught.exception.code, ERROR_CODES)
        return caught.exception

    def without(self, place, name, profile="strict"):
        payload = s.wire("link", profile)
        del payload[place][name]
        return payload

    def test_not_an_envelope(self):
        for profile in PROFILES:
            for payload in (None, [], "text", 1, True, {}, {"header": {}}, {"message": {}}):
                self.error(payload, profile=profile)
            for header in (None, [], "text", 1):
                payload = s.wire("link", profile) | {"header": header}
                self.assertEqual(
                    self.error(payload, profile=profile).message, "header: must be an object"
                )
            for message in (None, [], "text", 1):
                payload = s.wire("link", profile) | {"message": message}
                self.assertEqual(
                    self.error(payload, profile=profile).message, "message: must be an object"
                )

    def test_required_members(self):
        for name in ("message_id", "message_ts", "action", "sender_id", "total_count"):
            error = self.error(self.without("header", name))
            self.assertEqual(error.message, f"header.{name}: missing")
            payload = s.wire("link")
            payload["header"][name] = None
            self.assertEqual(self.error(payload).message, f"header.{name}: missing")
        error = self.error(self.without("message", "transaction_id"))
        self.assertEqual(error.message, "message.transaction_id: missing")

    def test_the_list(self):
        for profile in PROFILES:
            for value in (None, {}, "text", 1, {"reference_id": "r1"}):
                payload = s.wire("link", profile)
                payload["message"]["link_request"] = value
                error = self.error(payload, profile=profile)
                self.assertEqual(error.message, "message.link_request: must be a list")

    def test_types(self):
        texts = ("version", "message_id", "action", "sender_id", "sender_uri", "receiver_id")
        for profile in PROFILES:
            for name in texts:
                for value in (1, True, [], {}):
                    payload = s.wire("link", profile)
                    payload["header"][name] = value
                    error = self.error(payload, profile=profile)
                    self.assertEqual(error.message, f"header.{name}: must be a string")
                payload = s.wire("link", profile)
                payload["header"][name] = "a\x00b"
                error = self.error(payload, profile=profile)
                self.assertIn(f"header.{name}: has characters", error.message)
                payload["header"][name] = "a" * 2049
                error = self.error(payload, profile=profile)
                self.assertRegex(error.message, f"header.{name}: must have at most [0-9]+ char")
            for value in (1, "true", [], {}):
                payload = s.wire("link", profile)
                payload["header"]["is_msg_encrypted"] = value
                error = self.error(payload, profile=profile)
                self.assertIn("header.is_msg_encrypted", error.message)
        for value in ("1", 1.0, True, [], 2.0**80):
            payload = s.wire("link")
            payload["header"]["total_count"] = value
            self.assertEqual(self.error(payload).message, "header.total_count: must be an integer")
        for value in ("text", 1, [], True):
            payload = s.wire("link")
            payload["header"]["meta"] = value
            self.assertEqual(self.error(payload).message, "header.meta: must be an object")

    def test_transaction_id(self):
        payload = s.wire("link")
        payload["message"]["transaction_id"] = "t" * 99
        self.assertEqual(s.parse(payload, "link").transaction_id, "t" * 99)
        payload["message"]["transaction_id"] = "t" * 100
        self.assertIn("at most 99", self.error(payload).message)
        self.assertEqual(s.parse(payload, "link", "openg2p_1").transaction_id, "t" * 100)

    def test_encrypted(self):
        for profile in PROFILES:
            payload = s.wire("link", profile)
            payload["header"]["is_msg_encrypted"] = True
            payload["message"] = {"ciphertext": "x"}
            self.assertEqual(self.error(payload, profile=profile).code, "err.encryption.invalid")
        payload = s.wire("link", "openg2p_1")
        payload["header"]["is_encrypted"] = True
        self.assertEqual(self.error(payload, profile="openg2p_1").code, "err.encryption.invalid")

    def test_unknown_members_are_ignored(self):
        for profile in PROFILES:
            payload = s.wire("link", profile, extra={"a": 1})
            payload["header"]["extra"] = payload["message"]["extra"] = payload["extra"] = [1]
            self.assertIsNone(s.parse(payload, "link", profile).items[0].problem)

    def test_echo(self):
        error = self.error(self.without("header", "total_count"))
        self.assertEqual(error.header_echo.message_id, "m1")
        self.assertEqual(error.header_echo.sender_id, "pbms.example.org")
        payload = self.without("header", "total_count")
        payload["header"] |= {"message_id": 7, "sender_id": "a\nb", "receiver_id": "r" * 300}
        echo = self.error(payload).header_echo
        self.assertEqual((echo.message_id, echo.sender_id, echo.receiver_id), ("", "", ""))
        self.assertEqual(self.error("text").header_echo, Header())


class TestErrorAnswers(BaseCase):
    def test_envelope_error(self):
        with self.assertRaises(EnvelopeError) as caught:
            s.parse(s.wire("link") | {"message": []}, "link")
        answer = render_envelope_error(caught.exception, "link", "strict", now=s.NOW)
        self.assertEqual(
            answer,
            {
                "header": {
                    "version": "1.0.0",
                    "message_id": "m1",
                    "message_ts": STAMP,
                    "action": "on-link",
                    "status": "rjct",
                    "status_reason_message": "err.request.bad: message: must be an object",
                    "is_msg_encrypted": False,
                    "receiver_id": "pbms.example.org",
                }
            },
        )

    def test_unreadable_envelope(self):
        """Without any header to repeat the answer has the members that it must have."""
        answer = render_envelope_error(EnvelopeError("body: no"), "link", "strict", now=s.NOW)
        self.assertEqual(answer["header"]["message_id"], "")
        self.assertEqual(answer["header"]["status_reason_message"], "err.request.bad: body: no")

    def test_header_rejection(self):
        error = HeaderRejected("rjct.action.not_supported", "no", Header(message_id="m1"))
        strict = render_header_rejection(error, "resolve", "strict", now=s.NOW)
        self.assertEqual(strict["header"]["action"], "on-resolve")
        self.assertEqual(strict["header"]["status"], "rjct")
        self.assertEqual(strict["header"]["status_reason_code"], "rjct.action.not_supported")
        self.assertNotIn("message", strict)
        openg2p = render_header_rejection(error, "resolve", "openg2p_1", now=s.NOW)
        self.assertEqual(openg2p["header"]["action"], "resolve")
        self.assertEqual(openg2p["header"]["status_reason_code"], "rjct.action.not_supported")
        self.assertEqual(openg2p["message"], {})

    def test_http_error(self):
        self.assertEqual(
            http_error_body("err.request.forbidden", "no"),
            {"errors": [{"code": "err.request.forbidden", "message": "no"}]},
        )


class TestAnswers(BaseCase):
    def answer(self, operation, profile, *results, correlation_id=None, **members):
        request = s.parse(
            s.wire(operation, profile, count=len(results), **members), operation, profile
        )
        return render_answer(request, results, profile, now=s.NOW, correlation_id=correlation_id)

    def item(self, operation, profile, result, **members):
        answer = self.answer(operation, profile, result, **members)
        return answer["message"][f"{operation}_response"][0]

    def test_shape_of_openg2p_1(self):
        """The members that OpenG2P SPAR 1.1 answers with; ours that are null there are absent."""
        answer = self.answer(
            "link",
            "openg2p_1",
            Result("r1", Outcome.DONE),
            Result("r2", Outcome.ALREADY_LINKED),
            locale="en",
        )
        self.assertEqual(
            answer,
            {
                "header": {
                    "version": "1.0.0",
                    "message_id": "string",
                    "message_ts": STAMP,
                    "action": "link",
                    "status": "succ",
                    "total_count": 2,
                    "completed_count": 2,
                    "sender_id": "pbms.example.org",
                    "is_msg_encrypted": False,
                    "meta": {},
                },
                "message": {
                    "transaction_id": "t1",
                    "link_response": [
                        {
                            "reference_id": "r1",
                            "timestamp": STAMP,
                            "fa": "account:1@bank.ifsc",
                            "id": "token:1@nationalId",
                            "status": "succ",
                            "locale": "en",
                        },
                        {
                            "reference_id": "r2",
                            "timestamp": STAMP,
                            "fa": "account:1@bank.ifsc",
                            "id": "token:1@nationalId",
                            "status": "rjct",
                            "status_reason_code": "rjct.reference_id.duplicate",
                            "status_reason_message": "ID and FA are already mapped",
                        },
                    ],
                },
            },
        )

    def test_shape_of_openg2p_1_resolve(self):
        found = Result(
            "r1",
            Outcome.ID_ACTIVE,
            id="token:1@nationalId",
            fa="account:9@x",
            provider=AccountProvider("Bank", "B"),
            additional_info={"strategy_id": 2},
        )
        self.assertEqual(
            self.item("resolve", "openg2p_1", found, scope="details"),
            {
                "reference_id": "r1",
                "timestamp": STAMP,
                "fa": "account:9@x",
                "id": "token:1@nationalId",
                # OpenG2P's client refuses the whole answer without a subcode, and takes lists only.
                "account_provider_info": {"name": "Bank", "code": "B", "subcode": ""},
                "status": "succ",
                "status_reason_code": "succ.id.active",
                "additional_info": [{"strategy_id": 2}],
            },
        )

    def test_shape_of_strict_resolve(self):
        found = Result(
            "r1",
            Outcome.ID_ACTIVE,
            id="token:1@nationalId",
            fa="account:9@x",
            provider=AccountProvider("Bank", "B"),
        )
        answer = self.answer("resolve", "strict", found, correlation_id="c1", locale="eng")
        self.assertEqual(
            answer,
            {
                "header": {
                    "version": "1.0.0",
                    "message_id": "m1",
                    "message_ts": STAMP,
                    "action": "on-resolve",
                    "status": "succ",
                    "total_count": 1,
                    "completed_count": 1,
                    "receiver_id": "pbms.example.org",
                    "is_msg_encrypted": False,
                },
                "message": {
                    "transaction_id": "t1",
                    "correlation_id": "c1",
                    "resolve_response": [
                        {
                            "reference_id": "r1",
                            "timestamp": STAMP,
                            "fa": "account:9@x",
                            "id": "token:1@nationalId",
                            "account_provider_info": {"name": "Bank", "code": "B"},
                            "status": "succ",
                            "status_reason_code": "succ.id.active",
                            "locale": "eng",
                        }
                    ],
                },
            },
        )

    def test_resolve_never_repeats_the_requests_fa(self):
        for profile in PROFILES:
            for outcome in (Outcome.FA_ACTIVE, Outcome.FA_NOT_LINKED_TO_ID, Outcome.ID_ACTIVE):
                item = self.item("resolve", profile, Result("r1", outcome), fa="account:1@x")
                self.assertNotIn("fa", item)
                self.assertEqual(item["id"], "token:1@nationalId")

    def test_the_id_is_always_repeated(self):
        for profile in PROFILES:
            for operation in OPERATIONS:
                item = self.item(operation, profile, Result("r1", Outcome.ID_NOT_ALLOWED))
                self.assertEqual(item["id"], "token:1@nationalId")
        item = self.item("resolve", "strict", Result("r1", Outcome.ID_ACTIVE, id="TOKEN:1@x"))
        self.assertEqual(item["id"], "TOKEN:1@x")

    def test_update_answers_have_id_and_fa(self):
        for outcome in (Outcome.DONE, Outcome.NOT_LINKED):
            item = self.item("update", "strict", Result("r1", outcome))
            self.assertEqual(item["fa"], "account:1@bank.ifsc")
            self.assertEqual(item["id"], "token:1@nationalId")

    def test_unlink_answers_tell_no_fa(self):
        item = self.item("unlink", "strict", Result("r1", Outcome.FA_MISMATCH), fa="account:1@x")
        self.assertNotIn("fa", item)

    def test_no_empty_fa(self):
        for profile in PROFILES:
            for operation in ("link", "update"):
                for fa in ("", None, ..., 7):
                    request = s.parse(s.wire(operation, profile, fa=fa), operation, profile)
                    answer = render_answer(request, [refusal(request.items[0])], profile, now=s.NOW)
                    item = answer["message"][f"{operation}_response"][0]
                    self.assertEqual(item["status"], "rjct")
                    self.assertNotIn("fa", item)

    def test_yes_no_shows_only_what_the_result_holds(self):
        item = self.item("resolve", "openg2p_1", Result("r1", Outcome.ID_ACTIVE, name="A. B."))
        self.assertEqual(
            sorted(item), ["id", "reference_id", "status", "status_reason_code", "timestamp"]
        )

    def test_tolerated_additional_info_in_strict_answers(self):
        stored = [
            {"strategy_id": 2, "note": None, "tags": [1, None]},
            {"name": "kept", "value": {"a": 1}},
            "text",
            None,
            [1],
        ]
        result = Result("r1", Outcome.ID_ACTIVE, additional_info=stored, locale="en-US")
        item = self.item("resolve", "strict", result)
        self.assertEqual(
            item["additional_info"],
            [
                {"name": "strategy_id", "value": 2},
                {"name": "tags", "value": "[1,null]"},
                {"name": "kept", "value": {"a": 1}},
                {"name": "value", "value": "text"},
                {"name": "value", "value": "[1]"},
            ],
        )
        self.assertNotIn("locale", item)

    def test_long_message(self):
        item = self.item("link", "strict", Result("r1", Outcome.OTHER, "x" * 5_000))
        self.assertEqual(len(item["status_reason_message"]), 999)


class TestRequests(BaseCase):
    def test_render(self):
        request = Request(
            Header(message_id="m", message_ts=STAMP, action="link", total_count=1),
            "link",
            "t",
            [LinkItem("r", "a@b", "c@d", name="N", problem=None)],
        )
        self.assertEqual(
            render_request(request, "openg2p_1"),
            {
                "header": {
                    "version": "1.0.0",
                    "message_id": "m",
                    "message_ts": STAMP,
                    "action": "link",
                    "sender_id": "",
                    "total_count": 1,
                    "is_msg_encrypted": False,
                },
                "message": {
                    "transaction_id": "t",
                    "link_request": [
                        {
                            "reference_id": "r",
                            "id": "a@b",
                            "fa": "c@d",
                            "name": "N",
                            "timestamp": STAMP,
                        }
                    ],
                },
            },
        )


class TestForeignAnswers(BaseCase):
    """Answers of other mappers, OpenG2P's among them, with its nulls."""

    def payload(self, **item):
        return {
            "signature": None,
            "header": {
                "version": "1.0.0",
                "message_id": "m",
                "message_ts": STAMP,
                "action": "resolve",
                "status": "succ",
                "status_reason_code": None,
                "status_reason_message": None,
                "total_count": 1,
                "completed_count": 1,
                "sender_id": None,
                "receiver_id": "",
                "is_msg_encrypted": False,
                "meta": {},
            },
            "message": {
                "transaction_id": "t",
                "correlation_id": None,
                "resolve_response": [{"reference_id": "r1", "timestamp": STAMP} | item],
            },
        }

    def result(self, **item):
        return parse_answer(self.payload(**item), "resolve", "openg2p_1").results[0]

    def test_found(self):
        result = self.result(
            id="a@b",
            fa="c@d",
            status="succ",
            status_reason_code=None,
            status_reason_message="",
            account_provider_info={"name": "Bank", "code": "B", "subcode": None},
            additional_info=None,
            locale="en",
        )
        self.assertEqual(
            result,
            Result(
                "r1",
                Outcome.ID_ACTIVE,
                id="a@b",
                fa="c@d",
                provider=AccountProvider("Bank", "B"),
                locale="en",
            ),
        )

    def test_not_found(self):
        result = self.result(
            fa="",
            status="succ",
            status_reason_code="succ.fa.not_linked_to_id",
            status_reason_message="ID doesn't exist, please link first",
        )
        self.assertEqual(result, Result("r1", Outcome.ID_NOT_FOUND))

    def test_improper_items(self):
        for item in ({"fa": {"a": 1}}, {"fa": ["x"]}, {"id": 1}, {"fa": "a\x00"}):
            result = self.result(status="succ", status_reason_code="succ.id.active", **item)
            self.assertEqual(result.outcome, Outcome.OTHER)
            self.assertIsNone(result.fa)
        payload = self.payload()
        payload["message"]["resolve_response"] = [None, 1]
        results = parse_answer(payload, "resolve", "openg2p_1").results
        self.assertEqual([result.outcome for result in results], [Outcome.OTHER] * 2)

    def test_rejected_header(self):
        payload = self.payload()
        payload["header"] |= {"status": "rjct", "status_reason_code": "rjct.version.invalid"}
        payload["message"] = {}
        answer = parse_answer(payload, "resolve", "openg2p_1")
        self.assertEqual(answer.results, [])
        self.assertEqual(answer.header.status_reason_code, "rjct.version.invalid")

    def test_no_answer(self):
        for payload in (
            None,
            [],
            {},
            {"header": None},
            {"header": {"status": "succ"}},
            {"header": {"status": "great"}},
            {"header": {"status": ["succ"]}},
            {"header": {"status": "succ"}, "message": {"link_response": []}},
            {"header": {"status": "succ", "message_id": 1}, "message": {"resolve_response": []}},
        ):
            with self.subTest(payload), self.assertRaises(EnvelopeError):
                parse_answer(payload, "resolve", "strict")
