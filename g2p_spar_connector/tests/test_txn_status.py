# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import copy
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import envelope, jsonio, txn_status
from ..g2p_connect.errors import EnvelopeError, HeaderRejected
from ..g2p_connect.items import ResultRenderer
from ..g2p_connect.values import OPERATIONS, PROFILES, Outcome, Result
from . import strategies as s
from .test_round_trip import over_the_wire
from .test_schemas import SchemaCase

profiles = st.sampled_from(PROFILES)


def wire(**members):
    """A question by transaction id, of a strict participant; `...` leaves a member out."""
    question = {
        "reference_id": "q1",
        "txn_type": "link",
        "attribute_type": "transaction_id",
        "attribute_value": "t1",
        **members,
    }
    payload = s.wire("link")
    payload["header"]["action"] = "txn-status"
    payload["message"] = {
        "transaction_id": "s1",
        "txnstatus_request": {k: v for k, v in question.items() if v is not ...},
    }
    return payload


def parse(payload, profile="strict", max_items=100):
    return txn_status.parse_request(
        payload, profile, max_items=max_items, now=s.NOW, ts_window=s.WINDOW
    )


@st.composite
def found(draw, profile, operation, results=s.results):
    """Results of a message's items so far, and the status that holds them in wire form."""
    request = draw(s.requests(operation, profile))
    told = [draw(results(operation, profile, item)) for item in request.items]
    finished = draw(st.integers(0, len(told)))
    renderer = ResultRenderer(operation, profile, s.NOW.isoformat())
    items = [
        renderer.render(item, result) for item, result in zip(request.items, told, strict=True)
    ]
    status = txn_status.TransactionStatus(
        operation,
        draw(s.text),
        draw(s.text),
        draw(st.sampled_from(["pdng", "succ", "rjct"])),
        len(told),
        finished,
        items[:finished],
        draw(s.optional(s.text)),
    )
    return told[:finished], status


class TestTxnStatus(BaseCase):
    @s.quick
    @given(st.data(), profiles)
    def test_request_round_trip(self, data, profile):
        request = data.draw(s.status_requests(profile))
        self.assertEqual(parse(over_the_wire(txn_status.render_request(request)), profile), request)

    @s.quick
    @given(st.data(), profiles, st.sampled_from(OPERATIONS), s.optional(s.text))
    def test_answer_round_trip(self, data, profile, operation, correlation_id):
        request = data.draw(s.status_requests(profile))
        results, status = data.draw(found(profile, operation))
        raw = txn_status.render_answer(
            request, status, profile, now=s.NOW, correlation_id=correlation_id
        )
        answer = txn_status.parse_answer(over_the_wire(raw), profile)
        self.assertEqual(answer.found, status._replace(results=results))
        self.assertEqual(answer.transaction_id, request.transaction_id)
        self.assertEqual(
            answer.correlation_id,
            status.correlation_id if correlation_id is None else correlation_id,
        )
        strict = profile == "strict"
        self.assertEqual(answer.header.action, "txn-on-status" if strict else "txn-status")
        self.assertEqual(answer.header.message_id, request.header.message_id)

    @s.quick
    @given(st.data(), profiles)
    def test_not_found_round_trip(self, data, profile):
        request = data.draw(s.status_requests(profile))
        raw = over_the_wire(txn_status.render_not_found(request, profile, now=s.NOW))
        answer = txn_status.parse_answer(raw, profile)
        self.assertEqual((answer.header.status, answer.found), ("rjct", None))
        self.assertEqual(answer.header.status_reason_message, txn_status.NOT_FOUND)

    def test_attribute_value(self):
        """Strings and lists, each where it belongs."""
        for attribute_type, value, read in (
            ("transaction_id", "t1", "t1"),
            ("correlation_id", "c1", "c1"),
            ("reference_id_list", ["r1"], ("r1",)),
            ("reference_id_list", ["r2", "r1", "r2"], ("r2", "r1")),
        ):
            request = parse(wire(attribute_type=attribute_type, attribute_value=value))
            self.assertEqual(request.attribute_value, read)

    def test_unreadable(self):
        place = "message.txnstatus_request"
        for members, text in (
            ({"reference_id": ...}, f"{place}.reference_id: missing"),
            ({"reference_id": 1}, f"{place}.reference_id: must be a string"),
            ({"txn_type": ...}, f"{place}.txn_type: missing"),
            ({"txn_type": "on-link"}, f"{place}.txn_type: must be one of link, "),
            ({"txn_type": ["link"]}, f"{place}.txn_type: must be one of"),
            ({"attribute_type": None}, f"{place}.attribute_type: missing"),
            ({"attribute_type": "id"}, f"{place}.attribute_type: must be one of transaction_id"),
            ({"attribute_value": ...}, f"{place}.attribute_value: missing"),
            ({"attribute_value": ""}, f"{place}.attribute_value: missing"),
            ({"attribute_value": ["t1"]}, f"{place}.attribute_value: must be a string"),
            ({"attribute_value": "t" * 100}, f"{place}.attribute_value: must have at most 99"),
            ({"attribute_value": "t\x00"}, f"{place}.attribute_value: has characters"),
            ({"locale": 1}, f"{place}.locale: must be a string"),
        ):
            with self.subTest(members), self.assertRaisesRegex(EnvelopeError, text):
                parse(wire(**members))
        for value, text in (
            (..., "must be a list"),
            ([], "must be a list"),
            ("r1", "must be a list"),
            ({"r1": 1}, "must be a list"),
            (["r1", ""], "must be a string"),
            (["r1", None], "must be a string"),
            (["r" * 256], "no item can have"),
            (["r\n"], "no item can have"),
        ):
            question = wire(attribute_type="reference_id_list", attribute_value=value)
            with self.subTest(value), self.assertRaisesRegex(EnvelopeError, text):
                parse(question)
        for message in (None, [], {}, {"transaction_id": "t"}, {"txnstatus_request": {}}):
            with self.subTest(message), self.assertRaises(EnvelopeError):
                parse({**wire(), "message": message})

    def test_tolerant(self):
        payload = wire(attribute_type="reference_id_list", attribute_value="r1", reference_id=...)
        payload["header"] = {"message_id": "", "action": "txn-status"}
        payload["message"]["transaction_id"] = ""
        request = parse(payload, "openg2p_1")
        self.assertEqual((request.attribute_value, request.reference_id), (("r1",), ""))

    def test_in_a_list(self):
        """As OpenG2P's models have it; answered in kind, and read by clients."""
        payload = wire()
        question = payload["message"]["txnstatus_request"]
        payload["message"]["txnstatus_request"] = [question]
        with self.assertRaises(EnvelopeError):
            parse(payload)
        request = parse(payload, "openg2p_1")
        self.assertTrue(request.listed)
        found = txn_status.TransactionStatus("link", "t1", "c1", "succ", 0, 0, [])
        answer = txn_status.render_answer(request, found, "openg2p_1", now=s.NOW)
        [told] = answer["message"]["txnstatus_response"]
        self.assertEqual(told["txn_type"], "link")
        self.assertEqual(txn_status.parse_answer(answer, "openg2p_1").found, found)
        for several in ([], [question, question], ["x"]):
            payload["message"]["txnstatus_request"] = several
            with self.subTest(several), self.assertRaises(EnvelopeError):
                parse(payload, "openg2p_1")

    def test_header(self):
        for change, code in (
            ({"action": "link"}, "rjct.action.not_supported"),
            ({"action": "status"}, "rjct.action.invalid"),
            ({"version": "2.0.0"}, "rjct.version.invalid"),
            ({"message_ts": "2020-01-01T00:00:00Z"}, "rjct.message_ts.invalid"),
            ({"total_count": 2}, "rjct.total_count.invalid"),
        ):
            payload = wire()
            payload["header"].update(change)
            with self.subTest(change), self.assertRaises(HeaderRejected) as caught:
                parse(payload)
            self.assertEqual(caught.exception.code, code)
        payload = wire(attribute_type="reference_id_list", attribute_value=list("abc"))
        with self.assertRaises(HeaderRejected) as caught:
            parse(payload, max_items=2)
        self.assertEqual(caught.exception.code, "rjct.total_count.limit_exceeded")

    @s.quick
    @given(
        st.sampled_from(["header", "message", "txnstatus_request", "all"]),
        st.sampled_from([*wire()["header"], *wire()["message"]["txnstatus_request"]]),
        s.json_values,
        profiles,
    )
    def test_hostile_requests(self, place, name, junk, profile):
        payload = copy.deepcopy(wire())
        if place == "all":
            payload = junk
        elif place == "header":
            payload["header"][name] = junk
        elif place == "message":
            payload["message"] = junk
        else:
            payload["message"]["txnstatus_request"][name] = junk
        try:
            request = parse(payload, profile)
        except (EnvelopeError, HeaderRejected) as error:
            self.assertNotIn("\x00", error.message)
            return
        self.assertIn(request.txn_type, OPERATIONS)
        jsonio.dumps(txn_status.render_not_found(request, profile, now=s.NOW))

    @s.quick
    @given(st.lists(st.tuples(st.integers(0, 3), s.json_values), min_size=1), profiles)
    def test_hostile_answers(self, changes, profile):
        """Whatever another mapper answers."""
        places = [
            lambda raw: (raw, "message"),
            lambda raw: (raw["message"], "txnstatus_response"),
            lambda raw: (raw["message"]["txnstatus_response"], "txn_status"),
            lambda raw: (raw["message"]["txnstatus_response"]["txn_status"], "link_response"),
        ]
        items = [{"reference_id": "r"}]
        status = txn_status.TransactionStatus("link", "t", "c", "succ", 1, 1, items)
        raw = txn_status.render_answer(parse(wire()), status, profile, now=s.NOW)
        for place, junk in changes:
            try:
                holder, name = places[place](raw)
                holder[name] = junk
            except (KeyError, TypeError, IndexError):
                continue
        try:
            txn_status.parse_answer(raw, profile)
        except EnvelopeError:
            return

    def test_junk_is_no_answer(self):
        for junk in (None, [], {}, {"header": {}}, {"header": {"status": "succ"}}):
            with self.subTest(junk), self.assertRaises(EnvelopeError):
                txn_status.parse_answer(junk, "strict")


class TestTxnStatusSchemas(SchemaCase):
    """In the profile `strict`, on both paths and as callback."""

    ANSWERS = (
        ("mapper_sync_txn_status", "response"),
        ("registry_sync_txn_status", "response"),
        ("mapper_txn_on-status", "request"),
    )
    REQUESTS = ("mapper_sync_txn_status", "registry_sync_txn_status", "mapper_txn_status")

    def assertAnswer(self, value):
        for name, kind in self.ANSWERS:
            self.assertConforms(value, name, kind)

    @s.quick
    @given(st.data())
    def test_requests(self, data):
        raw = txn_status.render_request(data.draw(s.status_requests("strict")))
        for name in self.REQUESTS:
            self.assertConforms(raw, name, "request")

    @s.quick
    @given(st.data(), st.sampled_from(OPERATIONS))
    def test_answers(self, data, operation):
        _results, status = data.draw(found("strict", operation))
        request = data.draw(s.status_requests("strict"))
        self.assertAnswer(txn_status.render_answer(request, status, "strict", now=s.NOW))

    def test_unfinished_item(self):
        item = {"reference_id": "r", "timestamp": s.NOW.isoformat(), "status": "pdng"}
        for operation in OPERATIONS:
            status = txn_status.TransactionStatus(operation, "", "", "pdng", 1, 0, [item])
            raw = txn_status.render_answer(parse(wire()), status, "strict", now=s.NOW)
            self.assertAnswer(raw)
            self.assertEqual(
                txn_status.parse_answer(raw, "strict").found.results, [Result("r", Outcome.RETRY)]
            )

    def test_refusals(self):
        request = parse(wire())
        self.assertAnswer(txn_status.render_not_found(request, "strict", now=s.NOW))
        error = HeaderRejected("rjct.total_count.invalid", "text", request.header)
        raw = envelope.render_header_rejection(error, "txn-status", "strict", now=s.NOW)
        self.assertAnswer(raw)
        raw = envelope.render_envelope_error(EnvelopeError("x"), "txn-status", "strict", now=s.NOW)
        self.assertAnswer(raw)

    def test_the_validator_is_awake(self):
        status = txn_status.TransactionStatus("link", "t", "c", "succ", 0, 0, [])
        raw = txn_status.render_answer(parse(wire()), status, "strict", now=s.NOW)
        raw["message"]["txnstatus_response"]["txn_type"] = "link"
        with self.assertRaises(TestCase.failureException):
            self.assertAnswer(raw)
