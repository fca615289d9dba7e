# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The schemas of questions for the status against the parser, in both directions."""

import copy
import itertools

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import envelope, jsonio, txn_status
from ..g2p_connect.errors import EnvelopeError, HeaderRejected
from ..g2p_connect.values import OPERATIONS
from ..openapi import schemas_status
from ..openapi.examples import async_status_examples, status_examples
from . import strategies as s
from .test_openapi_schemas import ABSENT, MAX_ITEMS, PROBES, Validator
from .test_txn_status import found, parse, wire

PROFILES = ("strict", "openg2p_1")
PROBES = [
    *PROBES,
    *(["r1"], ["r1", "r1"], ["r1", ""], ["r1", None], ["r" * 256], ["\n"], list("abcdef")),
    *txn_status.ATTRIBUTE_TYPES,
]


def is_parsed(payload, profile):
    try:
        parse(payload, profile, MAX_ITEMS)
    except (EnvelopeError, HeaderRejected):
        return False
    return True


def places(payload):
    message = payload["message"]
    return [payload, payload["header"], message, message["txnstatus_request"]]


class TestOpenapiSchemasStatus(BaseCase):
    def test_questions(self):
        """Whatever stands in one place: the schema takes it if, and only if, the parser does."""
        by_list = {"attribute_type": "reference_id_list", "attribute_value": ["r1"]}
        taken = set()
        for profile, members in itertools.product(PROFILES, ({"locale": "eng"}, by_list)):
            validator = Validator(schemas_status.request(profile, MAX_ITEMS))
            whole = wire(**members)
            self.assertTrue(validator.is_valid(whole))
            for index, place in enumerate(places(whole)):
                for name, probe in itertools.product(place, PROBES):
                    payload = copy.deepcopy(whole)
                    if probe is ABSENT:
                        del places(payload)[index][name]
                    else:
                        places(payload)[index][name] = probe
                    said = validator.is_valid(payload)
                    self.assertEqual(said, is_parsed(payload, profile), (profile, name, probe))
                    taken.add((profile, name, said))
        for profile in PROFILES:
            for name in ("attribute_value", "transaction_id", "txn_type"):
                self.assertLessEqual({(profile, name, True), (profile, name, False)}, taken)

    @s.quick
    @given(st.data(), st.sampled_from(PROFILES), st.sampled_from(OPERATIONS))
    def test_answers(self, data, profile, operation):
        request = data.draw(s.status_requests(profile))
        _results, status = data.draw(found(profile, operation))
        raw = txn_status.render_answer(request, status, profile, now=s.NOW)
        self.assertIs(self.matching(profile, raw), schemas_status.told)
        raw = txn_status.render_not_found(request, profile, now=s.NOW)
        self.assertIs(self.matching(profile, raw), schemas_status.refused)
        error = HeaderRejected("rjct.total_count.invalid", "text", request.header)
        raw = envelope.render_header_rejection(error, "txn-status", profile, now=s.NOW)
        self.assertIs(self.matching(profile, raw), schemas_status.refused)
        raw = envelope.render_envelope_error(EnvelopeError("x"), "txn-status", profile, now=s.NOW)
        self.assertFalse(list(Validator(schemas_status.unreadable(profile)).iter_errors(raw)))

    def matching(self, profile, raw):
        value = jsonio.loads(jsonio.dumps(raw))
        made = [schemas_status.told, schemas_status.refused]
        [match] = [make for make in made if Validator(make(profile)).is_valid(value)]
        return match

    def test_examples(self):
        for profile in PROFILES:
            validator = Validator(schemas_status.request(profile, 10_000))
            statuses = []
            for example in status_examples(profile):
                self.assertEqual(
                    validator.is_valid(example.request), is_parsed_then(example, profile)
                )
                statuses.append((example.name, example.status, example.answer["header"]["status"]))
            self.assertEqual(
                statuses,
                [
                    ("found", 200, "succ"),
                    ("unknown", 200, "rjct"),
                    ("rejected", 200, "rjct"),
                    ("unreadable", 400, "rjct"),
                ],
            )
            told = [example.answer["message"] for example in async_status_examples(profile)]
            self.assertEqual(["error" in message for message in told], [False, False, True, True])


def is_parsed_then(example, profile):
    """Whether it was taken at the time of the examples."""
    return example.name in ("found", "unknown")
