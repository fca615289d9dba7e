# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import jsonio
from ..g2p_connect.envelope import parse_answer, render_answer, render_request
from ..g2p_connect.values import OPERATIONS, PROFILES, AnswerHeader, Outcome, Result
from . import strategies as s

profiles = st.sampled_from(PROFILES)
operations = st.sampled_from(OPERATIONS)


def over_the_wire(value):
    return jsonio.loads(jsonio.dumps(value))


class TestRoundTrip(BaseCase):
    @s.quick
    @given(st.data(), profiles, operations)
    def test_request(self, data, profile, operation):
        request = data.draw(s.requests(operation, profile))
        payload = over_the_wire(render_request(request, profile))
        self.assertEqual(s.parse(payload, operation, profile), request)

    @s.quick
    @given(st.data(), profiles, operations, s.optional(s.text))
    def test_answer(self, data, profile, operation, correlation_id):
        request = data.draw(s.requests(operation, profile))
        results = [data.draw(s.results(operation, profile, item)) for item in request.items]
        answer = parse_answer(
            over_the_wire(
                render_answer(request, results, profile, now=s.NOW, correlation_id=correlation_id)
            ),
            operation,
            profile,
        )
        self.assertEqual(answer.results, results)
        self.assertEqual(answer.operation, operation)
        self.assertEqual(answer.transaction_id, request.transaction_id)
        self.assertEqual(answer.correlation_id, correlation_id)
        strict = profile == "strict"
        sent, count = request.header, len(results)
        self.assertEqual(
            answer.header,
            AnswerHeader(
                version="1.0.0",
                message_id=sent.message_id,
                message_ts="2026-01-15T09:30:00.000+00:00",
                action=f"on-{operation}" if strict else operation,
                status="succ",
                total_count=count,
                completed_count=count,
                sender_id=sent.receiver_id if strict else sent.sender_id,
                receiver_id=sent.sender_id if strict else sent.receiver_id,
                meta=None if strict else {},
            ),
        )

    @s.quick
    @given(st.data(), profiles, operations, s.text)
    def test_own_message(self, data, profile, operation, message):
        """A text of one's own comes through; the code still tells the outcome."""
        request = data.draw(s.requests(operation, profile))
        item = request.items[0]
        result = Result(item.reference_id, Outcome.ID_INVALID, message, id=item.id or None)
        raw = render_answer(request._replace(items=[item]), [result], profile, now=s.NOW)
        answer = parse_answer(over_the_wire(raw), operation, profile)
        self.assertEqual(answer.results[0].outcome, Outcome.ID_INVALID)
        self.assertEqual(answer.results[0].message, message)

    def test_unchanged_is_told_as_done(self):
        request = s.parse(s.wire("update"), "update")
        raw = render_answer(request, [Result("r1", Outcome.UNCHANGED)], "strict", now=s.NOW)
        self.assertEqual(parse_answer(raw, "update", "strict").results[0].outcome, Outcome.DONE)

    def test_a_result_for_each_item(self):
        request = s.parse(s.wire("resolve", count=2), "resolve")
        with self.assertRaises(ValueError):
            render_answer(request, [Result("r1", Outcome.ID_ACTIVE)], "strict", now=s.NOW)
