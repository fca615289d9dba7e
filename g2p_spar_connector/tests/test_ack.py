# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Acknowledgements and callbacks, also against the JSON Schemas of the standard."""

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect.ack import Ack, parse_ack, render_ack, render_error
from ..g2p_connect.envelope import render_answer, render_callback
from ..g2p_connect.errors import ERROR_CODES
from ..g2p_connect.values import OPERATIONS, Outcome, Result
from . import strategies as s
from .test_schemas import SchemaCase, validator


class TestAck(BaseCase):
    def test_round(self):
        for status in ("ACK", "NACK"):
            self.assertEqual(parse_ack(render_ack(status, "c", s.NOW)), Ack(status, "c"))
        for code in ERROR_CODES:
            self.assertEqual(
                parse_ack(render_error(code, "text", "c", s.NOW)), Ack("ERR", "c", code)
            )

    def test_what_others_answer(self):
        upstream = {"ack_status": "NACK", "correlation_id": None, "error": {"code": "rjct.jwt"}}
        self.assertEqual(parse_ack({"message": upstream}), Ack("NACK"))
        for payload in (
            None,
            [],
            "ACK",
            {},
            {"message": None},
            {"message": {}},
            {"message": "ACK"},
        ):
            self.assertIsNone(parse_ack(payload))
        for error in (None, "text", {}, {"code": 7}, {"code": "token:1@x"}):
            told = {"message": {"ack_status": "ERR", "error": error}}
            self.assertEqual(parse_ack(told), Ack("ERR"))

    @s.quick
    @given(s.json_values)
    def test_any_json(self, value):
        parse_ack(value)
        parse_ack({"message": value})

    def test_long_text(self):
        message = render_error("err.request.bad", "x" * 2_000, "c", s.NOW)["message"]
        self.assertEqual(len(message["error"]["message"]), 999)


class TestSchemasOfAsynchronousPaths(SchemaCase):
    def test_acknowledgements(self):
        for operation in OPERATIONS:
            schema = validator(f"mapper_{operation}", "response")
            for told in (
                render_ack("ACK", "c", s.NOW),
                render_ack("NACK", "c", s.NOW),
                render_error("err.request.bad", "x" * 2_000, "c", s.NOW),
            ):
                self.assertEqual([error.message for error in schema.iter_errors(told)], [])
            self.assertTrue(list(schema.iter_errors({"message": {"ack_status": "ACK"}})))

    @s.quick
    @given(st.data(), st.sampled_from(OPERATIONS), st.booleans())
    def test_callbacks(self, data, operation, whole):
        request = data.draw(s.requests(operation, "strict"))
        outcomes = st.sampled_from(Outcome)
        results = [Result(item.reference_id, data.draw(outcomes)) for item in request.items]
        message = render_answer(request, results, "strict", now=s.NOW, correlation_id="c")[
            "message"
        ]
        if not whole:
            message[f"{operation}_response"].pop()
        callback = render_callback(
            request.header, operation, "strict", message, total_count=len(results), now=s.NOW
        )
        self.assertEqual(callback["header"]["status"], "succ" if whole else "rjct")
        self.assertConforms(callback, f"mapper_on-{operation}", "request")
