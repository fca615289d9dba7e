# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import contextlib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import jsonio
from ..g2p_connect.envelope import (
    parse_answer,
    render_answer,
    render_envelope_error,
    render_header_rejection,
)
from ..g2p_connect.errors import EnvelopeError, HeaderRejected
from ..g2p_connect.values import OPERATIONS, PROFILES, Outcome, Result, refusal
from . import strategies as s

thorough = settings(s.quick, max_examples=250)
profiles = st.sampled_from(PROFILES)
operations = st.sampled_from(OPERATIONS)

nasty_text = st.text(st.characters(), max_size=8) | st.sampled_from(
    ["\x00", "a\x00b", "\ud800", "\udfff", "\n", "", " ", "\u202e", "@", "a@b", "x" * 10_000]
)
nasty = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([2**63, -(2**64), 10**400, float("nan"), float("inf")])
    | nasty_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(nasty_text, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def disturbed(draw, make):
    """A proper message in which a few places hold something else, or nothing."""
    payload = make(draw)
    for _ in range(draw(st.integers(1, 4))):
        place = payload
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
                place = inner
                continue
            if isinstance(place, dict) and draw(st.integers(0, 3)) == 0:
                del place[key]
            else:
                place[key] = draw(nasty)
            break
    return payload


class TestHostileInput(BaseCase):
    def check_request(self, payload, operation, profile):
        """Only the two documented exceptions, and each of them can be answered."""
        try:
            request = s.parse(payload, operation, profile)
        except EnvelopeError as error:
            return render_envelope_error(error, operation, profile, now=s.NOW)
        except HeaderRejected as error:
            return render_header_rejection(error, operation, profile, now=s.NOW)
        self.assertEqual(len(request.items), len(payload["message"][f"{operation}_request"]))
        results = [
            refusal(item) if item.problem else Result(item.reference_id, Outcome.OTHER)
            for item in request.items
        ]
        return render_answer(request, results, profile, now=s.NOW)

    @thorough
    @given(nasty, operations, profiles)
    def test_anything(self, payload, operation, profile):
        self.check_request(payload, operation, profile)

    @thorough
    @given(st.data(), operations, profiles)
    def test_disturbed_requests(self, data, operation, profile):
        payload = data.draw(
            disturbed(lambda draw: s.wire(operation, profile, count=3, name="n", locale="en"))
        )
        self.check_request(payload, operation, profile)

    @thorough
    @given(st.data(), operations, profiles)
    def test_what_came_as_json_is_answered_as_json(self, data, operation, profile):
        junk = data.draw(s.json_values)
        name = data.draw(st.sampled_from([*s.wire("link")["header"], "meta", "sender_uri"]))
        payload = s.wire(operation, profile, id=data.draw(s.json_values), extra=junk)
        payload["header"][name] = junk
        payload = jsonio.loads(jsonio.dumps(payload))
        self.assertTrue(jsonio.dumps(self.check_request(payload, operation, profile)))

    @thorough
    @given(st.binary(max_size=200) | s.json_values.map(jsonio.dumps))
    @example(b"[" * 100_000)
    @example(b'{"a":' * 100_000)
    @example(b"-" + b"9" * 100_000)
    @example(b'"' + b"\\" * 99_999 + b'"')
    def test_any_bytes(self, raw):
        try:
            value = jsonio.loads(raw)
        except jsonio.MalformedJSON:
            return
        self.assertTrue(jsonio.dumps(value))

    @thorough
    @given(st.data(), operations, profiles)
    def test_bad_items_harm_no_others(self, data, operation, profile):
        count = 5
        payload = s.wire(operation, profile, count=count)
        items = payload["message"][f"{operation}_request"]
        alone = s.parse(payload, operation, profile).items
        bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
        for position in bad:
            if data.draw(st.booleans()):
                items[position] = data.draw(nasty)
            else:
                name = data.draw(st.sampled_from(list(items[position])))
                # Not the reference_id of another item, which would make that one a duplicate.
                items[position] = items[position] | {
                    name: data.draw(nasty.filter(lambda value: value not in ("r1", "r2", "r3")))
                }
        together = s.parse(payload, operation, profile).items
        self.assertEqual(len(together), count)
        for position in set(range(count)) - bad:
            self.assertEqual(together[position], alone[position])

    @thorough
    @given(nasty, operations, profiles)
    def test_any_answer(self, payload, operation, profile):
        with contextlib.suppress(EnvelopeError):
            parse_answer(payload, operation, profile)

    @thorough
    @given(st.data(), operations, profiles)
    def test_disturbed_answers(self, data, operation, profile):
        def make(draw):
            request = s.parse(s.wire(operation, profile, count=2), operation, profile)
            results = [Result(item.reference_id, Outcome.OTHER) for item in request.items]
            return render_answer(request, results, profile, now=s.NOW)

        try:
            answer = parse_answer(data.draw(disturbed(make)), operation, profile)
        except EnvelopeError:
            return
        self.assertTrue(all(isinstance(result, Result) for result in answer.results))

    def test_nothing_but_junk(self):
        payload = s.wire("resolve")
        payload["message"]["resolve_request"] = [[]] * 10_000
        payload["header"]["total_count"] = 10_000
        request = s.parse(payload, "resolve")
        outcomes = {item.problem.outcome for item in request.items}
        self.assertEqual(outcomes, {Outcome.REFERENCE_ID_INVALID})
