# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import copy
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import directory_v2, jsonio
from ..g2p_connect.directory_v2 import LISTINGS, PAGE_MAX_SIZE, Page
from ..g2p_connect.envelope_v2 import (
    REQUEST_INVALID,
    parse_request,
    render_answer,
    render_envelope_error,
    render_header_rejection,
)
from ..g2p_connect.errors import EnvelopeError, HeaderRejected
from ..g2p_connect.fa_object import FaObject
from ..g2p_connect.values import (
    AccountProvider,
    Address,
    Header,
    Outcome,
    Result,
    refusal,
)
from . import strategies as s
from .test_hostile_input import disturbed, nasty, operations, profiles, thorough

FA = {
    "strategy_id": 2,
    "fa_type": "BANK",
    "account_number": "1",
    "bank_code": "BANK",
    "bank_name": "Bank",
    "branch_code": "",
    "branch_name": "",
}
HEADER = {
    "sender_app_mnemonic": "pbms",
    "sender_app_url": "",
    "request_id": "req_1768469400",
    "request_timestamp": "2026-01-15T09:30:00Z",
    "instance_id": None,
}
ADDRESS = Address("bank", "1", "BANK", "Bank", None, None, 2)
ANSWER_HEADER = {
    "request_id": "req_1768469400",
    "response_status": "SUCCESS",
    "response_error_code": None,
    "response_error_message": None,
    "response_timestamp": "2026-01-15T09:30:00.000+00:00",
}


def envelope(payload, **body):
    """A request in the envelope of 2.x; `...` stands for a member that is left out."""
    body = {"request_payload": payload, **body}
    return {
        "request_header": dict(HEADER),
        "request_body": {name: value for name, value in body.items() if value is not ...},
    }


def wire(operation, *items):
    """A request as OpenG2P's clients send it; each item a dictionary of changes."""
    common = {"timestamp": "2026-01-15T09:29:58+00:00", "id": "token:1@nationalId"}
    if operation in ("link", "update"):
        common["fa"] = FA
    items = [
        common | {"reference_id": f"r{number}"} | item
        for number, item in enumerate(items or [{}], 1)
    ]
    payload = {"transaction_id": "txn_1", f"{operation}_request": items}
    return copy.deepcopy(envelope(payload))


def parse(payload, operation, profile="openg2p_2", max_items=10_000):
    return parse_request(
        payload, operation, profile, max_items=max_items, now=s.NOW, ts_window=s.WINDOW
    )


def answer(operation, item, result, profile="openg2p_2"):
    request = parse(wire(operation, item), operation, profile)
    [parsed] = request.items
    if isinstance(parsed.fa, FaObject):  # the mapper has made a string of it
        request = request._replace(items=[parsed._replace(fa="constructed")])
    return render_answer(request, [result], profile, now=s.NOW)


class TestRequests(BaseCase):
    def test_header(self):
        for profile in ("strict", "openg2p_2"):
            request = parse(wire("link", {}, {}), "link", profile)
            self.assertEqual(
                request.header,
                Header(
                    message_id=HEADER["request_id"],
                    message_ts=HEADER["request_timestamp"],
                    action="link",
                    sender_id="pbms",
                    total_count=2,
                ),
            )
            self.assertEqual((request.operation, request.transaction_id), ("link", "txn_1"))

    def test_fa(self):
        parts = {name: FA[name] for name in FA if name not in ("strategy_id", "fa_type")}
        for operation in ("link", "update", "unlink", "resolve"):
            [item] = parse(wire(operation, {"fa": FA}), operation).items
            self.assertEqual(item.fa, FaObject(2, "bank", parts))
        for operation in ("unlink", "resolve"):
            [item] = parse(wire(operation, {"fa": "string"}), operation).items
            self.assertEqual((item.fa, item.problem), ("string", None))
        for operation in ("link", "update"):
            for fa, outcome in (
                ("string", Outcome.FA_INVALID),
                ("", Outcome.FA_EMPTY),
                (None, Outcome.FA_EMPTY),
                ({}, Outcome.FA_INVALID),
                ([FA], Outcome.FA_INVALID),
                (7, Outcome.FA_INVALID),
                (FA | {"bank_code": 7}, Outcome.FA_INVALID),
            ):
                with self.subTest(operation=operation, fa=fa):
                    first, second = parse(wire(operation, {"fa": fa}, {}), operation).items
                    echo = fa if isinstance(fa, str) else ""
                    self.assertEqual((first.fa, first.problem.outcome), (echo, outcome))
                    self.assertEqual(first.id, "token:1@nationalId")
                    self.assertIsNone(second.problem)

    def test_incomplete_envelopes(self):
        good = wire("link")
        for path in (
            ("request_header",),
            ("request_header", "request_id"),
            ("request_body",),
            ("request_body", "request_payload", "transaction_id"),
            ("request_body", "request_payload", "link_request"),
        ):
            for profile in ("strict", "openg2p_2"):
                payload = copy.deepcopy(good)
                *parents, last = path
                place = payload
                for name in parents:
                    place = place[name]
                del place[last]
                with (
                    self.subTest(path=path, profile=profile),
                    self.assertRaises(EnvelopeError) as said,
                ):
                    parse(payload, "link", profile)
                self.assertIn(last, str(said.exception))
                told = render_envelope_error(said.exception, "link", profile, now=s.NOW)
                self.assertEqual(set(told), {"response_header"})
                self.assertEqual(told["response_header"]["response_status"], "ERROR")
                given = path[:1] == ("request_header",)
                expected = "" if given else HEADER["request_id"]
                self.assertEqual(told["response_header"]["request_id"], expected)

    def test_rejections_are_answers(self):
        """HTTP 200 with the texts of OpenG2P, and nothing in the list of items."""
        for payload, max_items, transaction_id, code, text in (
            (
                envelope(None),
                10,
                None,
                REQUEST_INVALID,
                "Missing request_payload in request.request_body",
            ),
            (
                envelope(...),
                10,
                None,
                REQUEST_INVALID,
                "Missing request_payload in request.request_body",
            ),
            (
                envelope({"transaction_id": "t", "link_request": []}),
                10,
                "t",
                REQUEST_INVALID,
                "Empty link_request list in request.request_body.request_payload",
            ),
            (
                wire("link", {}, {}),
                1,
                "txn_1",
                "rjct.total_count.limit_exceeded",
                "The message has 2 items; 1 are allowed",
            ),
        ):
            with self.subTest(text=text), self.assertRaises(HeaderRejected) as said:
                parse(payload, "link", max_items=max_items)
            told = render_header_rejection(said.exception, "link", "openg2p_2", now=s.NOW)
            header, body = told["response_header"], told["response_body"]
            self.assertEqual(
                (header["response_status"], header["response_error_code"]), ("ERROR", code)
            )
            self.assertEqual(header["response_error_message"], text)
            self.assertEqual(
                body["response_payload"],
                {"transaction_id": transaction_id, "correlation_id": None, "link_response": []},
            )

    def test_strict_checks_what_the_header_has(self):
        for name, value, error in (
            ("request_timestamp", "2026-01-15T09:30:00", HeaderRejected),
            ("request_timestamp", "2026-01-15T08:30:00Z", HeaderRejected),
            ("request_timestamp", None, EnvelopeError),
            ("request_id", "", EnvelopeError),
            ("sender_app_mnemonic", "", EnvelopeError),
        ):
            payload = wire("resolve")
            payload["request_header"][name] = value
            with self.subTest(name=name, value=value):
                with self.assertRaises(error) as said:
                    parse(payload, "resolve", "strict")
                self.assertIn(name, str(said.exception))
                self.assertTrue(parse(payload, "resolve", "openg2p_2"))


class TestAnswers(BaseCase):
    def test_link(self):
        told = answer("link", {}, Result("r1", Outcome.DONE, id="token:1@nationalId"))
        self.assertEqual(
            told,
            {
                "response_header": ANSWER_HEADER,
                "response_body": {
                    "pagination_response": None,
                    "response_payload": {
                        "transaction_id": "txn_1",
                        "correlation_id": None,
                        "link_response": [
                            {
                                "reference_id": "r1",
                                "timestamp": "2026-01-15T09:30:00.000+00:00",
                                "id": "token:1@nationalId",
                                "fa": "constructed",
                                "status": "succ",
                                "status_reason_code": None,
                                "status_reason_message": None,
                                "additional_info": None,
                                "locale": "en",
                            }
                        ],
                    },
                },
            },
        )

    def test_resolve(self):
        result = Result(
            "r1",
            Outcome.ID_ACTIVE,
            id="token:1@nationalId",
            fa=FA,
            provider=AccountProvider("Bank", "BANK"),
            address=ADDRESS,
        )
        told = answer("resolve", {"scope": "details", "locale": "fr"}, result)
        self.assertEqual(
            told["response_body"]["response_payload"]["resolve_response"],
            [
                {
                    "reference_id": "r1",
                    "timestamp": "2026-01-15T09:30:00.000+00:00",
                    "id": "token:1@nationalId",
                    "fa": FA,
                    "account_provider_info": {
                        "name": "Bank",
                        "code": "BANK",
                        "subcode": "",
                        "additional_info": None,
                    },
                    "status": "succ",
                    "status_reason_code": "succ.id.active",
                    "status_reason_message": None,
                    "additional_info": [{"strategy_id": 2}],
                    "locale": "fr",
                }
            ],
        )

    def test_unlinked(self):
        result = Result("r1", Outcome.ID_NOT_FOUND, id="token:1@nationalId")
        for profile, code in (
            ("strict", "succ.id.not_found"),
            ("openg2p_2", "succ.fa.not_linked_to_id"),
        ):
            told = answer("resolve", {}, result, profile)
            [item] = told["response_body"]["response_payload"]["resolve_response"]
            self.assertEqual((item["status"], item["status_reason_code"]), ("succ", code))
            for name in ("fa", "account_provider_info", "additional_info"):
                self.assertIsNone(item[name])

    def test_strategy_id_is_the_true_one(self):
        for stored, told in (
            (None, [{"strategy_id": 2}]),
            ([{"strategy_id": 9, "a": 1}, 7], [{"strategy_id": 2, "a": 1}, 7]),
            ([{"name": "n", "value": 1}], [{"strategy_id": 2}, {"name": "n", "value": 1}]),
            ("text", [{"strategy_id": 2}, "text"]),
            ([], [{"strategy_id": 2}]),
        ):
            result = Result("r1", Outcome.ID_ACTIVE, additional_info=stored, address=ADDRESS)
            [item] = answer("resolve", {}, result)["response_body"]["response_payload"][
                "resolve_response"
            ]
            self.assertEqual(item["additional_info"], told)


class TestHostile(BaseCase):
    def check(self, payload, operation, profile):
        try:
            request = parse(payload, operation, profile)
        except EnvelopeError as error:
            return render_envelope_error(error, operation, profile, now=s.NOW)
        except HeaderRejected as error:
            return render_header_rejection(error, operation, profile, now=s.NOW)
        results = [
            refusal(item) if item.problem else Result(item.reference_id, Outcome.OTHER)
            for item in request.items
        ]
        items = [
            item._replace(fa="") if isinstance(item.fa, FaObject) else item
            for item in request.items
        ]
        request = request._replace(items=items)
        return render_answer(request, results, profile, now=s.NOW)

    @thorough
    @given(nasty, operations, profiles)
    def test_anything(self, payload, operation, profile):
        self.check(payload, operation, profile)

    @thorough
    @given(st.data(), operations, profiles)
    def test_disturbed_requests(self, data, operation, profile):
        payload = data.draw(disturbed(lambda draw: wire(operation, {}, {"fa": FA}, {"name": "n"})))
        self.check(payload, operation, profile)

    @thorough
    @given(st.data(), operations, profiles)
    def test_bad_items_harm_no_others(self, data, operation, profile):
        payload = wire(operation, {}, {"fa": FA}, {})
        alone = parse(payload, operation, profile).items
        items = payload["request_body"]["request_payload"][f"{operation}_request"]
        items[1] = data.draw(
            nasty | st.builds(items[1].__or__, st.fixed_dictionaries({"fa": nasty}))
        )
        if isinstance(items[1], dict):
            items[1].pop("reference_id", None)
        together = parse(payload, operation, profile).items
        self.assertEqual((together[0], together[2]), (alone[0], alone[2]))

    @thorough
    @given(st.data(), operations, profiles)
    def test_what_came_as_json_is_answered_as_json(self, data, operation, profile):
        payload = wire(
            operation, {"fa": data.draw(s.json_values)}, {"id": data.draw(s.json_values)}
        )
        name = data.draw(st.sampled_from(list(HEADER)))
        payload["request_header"][name] = data.draw(s.json_values)
        payload = jsonio.loads(jsonio.dumps(payload))
        self.assertTrue(jsonio.dumps(self.check(payload, operation, profile)))


class TestDirectory(BaseCase):
    def parse(self, payload, listing="branches", profile="openg2p_2"):
        return directory_v2.parse_request(
            payload, listing, profile, now=s.NOW, ts_window=timedelta(minutes=5)
        )

    def test_no_page(self):
        for listing in LISTINGS:
            for payload in (None, {}, ...):
                header, page = self.parse(envelope(payload), listing)
                self.assertEqual(header.message_id, HEADER["request_id"])
                self.assertEqual(page, Page())

    def test_bank_id(self):
        for bank_id, filter_by in ((None, {}), (0, {"bank_id": 0}), (7, {"bank_id": 7})):
            _header, page = self.parse(envelope({"bank_id": bank_id}))
            self.assertEqual(page.filter_by, filter_by)
        _header, page = self.parse(envelope({"bank_id": 7}), "banks")
        self.assertEqual(page.filter_by, {})

    def test_page(self):
        raw = {
            "current_page": 3,
            "page_size": 25,
            "sort_by": "-branch_name",
            "filter_by": {"branch_code": "B1", "bank_id": 3},
            "search_text": " main ",
        }
        _header, page = self.parse(envelope({"bank_id": 7}, pagination_request=raw))
        filter_by = {"branch_code": "B1", "bank_id": 7}
        self.assertEqual(page, Page(3, 25, "branch_name", True, filter_by, "main"))
        self.assertEqual(page.offset, 50)
        raw = {"current_page": 1, "page_size": 10**9, "sort_by": None, "filter_by": None}
        _header, page = self.parse(envelope(None, pagination_request=raw))
        self.assertEqual(page, Page(page_size=PAGE_MAX_SIZE))

    def test_refused(self):
        for changes, field in (
            ({"current_page": 0}, "current_page"),
            ({"current_page": None}, "current_page"),
            ({"page_size": True}, "page_size"),
            ({"page_size": "10"}, "page_size"),
            ({"sort_by": "name"}, "sort_by"),
            ({"sort_by": ["branch_name"]}, "sort_by"),
            ({"sort_by": "bank_name"}, "sort_by"),
            ({"filter_by": {"bank_name": "x"}}, "filter_by"),
            ({"filter_by": {"bank_id": "1"}}, "filter_by.bank_id"),
            ({"filter_by": "bank_id=1"}, "filter_by"),
            ({"search_text": "\x00"}, "search_text"),
            ({"search_text": "x" * 256}, "search_text"),
        ):
            raw = {"current_page": 1, "page_size": 10} | changes
            with self.subTest(changes=changes), self.assertRaises(EnvelopeError) as said:
                self.parse(envelope(None, pagination_request=raw))
            self.assertIn(f"pagination_request.{field}", str(said.exception))
        for payload in ({"bank_id": "1"}, {"bank_id": True}, []):
            with self.subTest(payload=payload), self.assertRaises(EnvelopeError):
                self.parse(envelope(payload))

    def test_answer(self):
        header, page = self.parse(
            envelope(None, pagination_request={"current_page": 1, "page_size": 2}), "banks"
        )
        rows = [(1, "B1", "Bank 1", "ONE"), (2, "B2", "Bank 2", "TWO")]
        told = directory_v2.render_answer(header, "banks", page, rows, 5, now=s.NOW)
        banks = [
            {"id": 1, "bank_mnemonic": "B1", "bank_name": "Bank 1", "bank_code": "ONE"},
            {"id": 2, "bank_mnemonic": "B2", "bank_name": "Bank 2", "bank_code": "TWO"},
        ]
        self.assertEqual(
            told,
            {
                "response_header": ANSWER_HEADER,
                "response_body": {
                    "pagination_response": {"number_of_items": 5, "number_of_pages": 3},
                    "response_payload": {"banks": banks},
                },
            },
        )

    @thorough
    @given(st.data(), st.sampled_from(list(LISTINGS)), profiles)
    def test_hostile(self, data, listing, profile):
        page = {"current_page": 1, "page_size": 2, "filter_by": {"id": 1}, "search_text": "x"}
        good = envelope({"bank_id": 1}, pagination_request=page)
        payload = data.draw(disturbed(lambda draw: copy.deepcopy(good)) | nasty)
        try:
            _header, page = self.parse(payload, listing, profile)
        except (EnvelopeError, HeaderRejected):
            return
        self.assertTrue(1 <= page.page_size <= PAGE_MAX_SIZE and page.offset >= 0)
