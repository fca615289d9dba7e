# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What differs by profile and what does not, row by row."""

from odoo.tests import BaseCase

from ..g2p_connect.codes import HEADER_CODES, ITEM_CODES, outcome_of, reason, reasons
from ..g2p_connect.envelope import render_answer
from ..g2p_connect.errors import EnvelopeError, HeaderRejected
from ..g2p_connect.values import (
    NAME_MAX_LENGTH,
    OPERATIONS,
    PROFILES,
    Outcome,
    Problem,
    Result,
    refusal,
)
from . import strategies as s

OPENG2P = ("openg2p_1", "openg2p_2")

# (operation, outcome): what strict says, what both OpenG2P profiles say. None for a text: any.
TABLE = {
    ("link", Outcome.ALREADY_LINKED): (
        ("rjct", "rjct.other.error", None),
        ("rjct", "rjct.reference_id.duplicate", "ID and FA are already mapped"),
    ),
    ("update", Outcome.NOT_LINKED): (
        ("rjct", "rjct.id.invalid", None),
        ("rjct", "rjct.id.invalid", "ID doesnt exist please link first"),
    ),
    ("unlink", Outcome.NOT_LINKED): (
        ("rjct", "rjct.id.invalid", None),
        ("rjct", "rjct.id.invalid", "ID doesnt exist please link first"),
    ),
    ("resolve", Outcome.ID_NOT_FOUND): (
        ("succ", "succ.id.not_found", None),
        ("succ", "succ.fa.not_linked_to_id", "ID doesn't exist, please link first"),
    ),
    ("resolve", Outcome.ID_OR_FA_REQUIRED): (
        ("rjct", "rjct.id.invalid", None),
        ("rjct", "rjct.reference_id.invalid", "ID is required"),
    ),
    ("link", Outcome.ID_EMPTY): (
        ("rjct", "rjct.id.invalid", None),
        ("rjct", "rjct.id.invalid", "ID is null"),
    ),
    ("update", Outcome.ID_EMPTY): (
        ("rjct", "rjct.id.invalid", None),
        ("rjct", "rjct.id.invalid", "ID is null"),
    ),
    ("unlink", Outcome.ID_EMPTY): (
        ("rjct", "rjct.id.invalid", None),
        ("rjct", "rjct.id.invalid", "ID is null"),
    ),
    ("link", Outcome.FA_EMPTY): (
        ("rjct", "rjct.fa.invalid", None),
        ("rjct", "rjct.fa.invalid", "FA is null"),
    ),
    ("update", Outcome.FA_EMPTY): (
        ("rjct", "rjct.fa.invalid", None),
        ("rjct", "rjct.fa.invalid", "FA is null"),
    ),
}

# The same in all profiles.
COMMON = {
    ("link", Outcome.DONE): ("succ", None),
    ("update", Outcome.UNCHANGED): ("succ", None),
    ("unlink", Outcome.DONE): ("succ", None),
    ("resolve", Outcome.ID_ACTIVE): ("succ", "succ.id.active"),
    ("resolve", Outcome.ID_INACTIVE): ("succ", "succ.id.inactive"),
    ("resolve", Outcome.FA_ACTIVE): ("succ", "succ.fa.active"),
    ("resolve", Outcome.FA_INACTIVE): ("succ", "succ.fa.inactive"),
    ("resolve", Outcome.FA_NOT_FOUND): ("succ", "succ.fa.not_found"),
    ("resolve", Outcome.FA_NOT_LINKED_TO_ID): ("succ", "succ.fa.not_linked_to_id"),
    ("resolve", Outcome.SCOPE_NOT_SUPPORTED): ("rjct", "rjct.resolve_type.not_supported"),
    ("resolve", Outcome.ID_NOT_ALLOWED): ("rjct", "rjct.id.invalid"),
    ("resolve", Outcome.NAME_INVALID): ("rjct", None),
    ("resolve", Outcome.LOCALE_INVALID): ("rjct", None),
    ("unlink", Outcome.FA_MISMATCH): ("rjct", "rjct.id.invalid"),
    ("unlink", Outcome.ID_NOT_ALLOWED): ("rjct", "rjct.id.invalid"),
    ("unlink", Outcome.ADDITIONAL_INFO_INVALID): ("rjct", None),
    ("update", Outcome.ID_NOT_ALLOWED): ("rjct", "rjct.id.invalid"),
    ("update", Outcome.FA_NOT_ALLOWED): ("rjct", "rjct.fa.invalid"),
    ("update", Outcome.NAME_INVALID): ("rjct", "rjct.beneficiary_name.invalid"),
    ("update", Outcome.PHONE_INVALID): ("rjct", "rjct.beneficiary_name.invalid"),
    ("update", Outcome.LOCALE_INVALID): ("rjct", None),
    ("update", Outcome.RETRY): ("rjct", None),
    ("link", Outcome.ID_NOT_ALLOWED): ("rjct", "rjct.other.error"),
    ("link", Outcome.FA_NOT_ALLOWED): ("rjct", "rjct.fa.invalid"),
    ("link", Outcome.NAME_INVALID): ("rjct", "rjct.name.invalid"),
    ("link", Outcome.PHONE_INVALID): ("rjct", "rjct.mobile_number.invalid"),
    ("link", Outcome.ADDITIONAL_INFO_INVALID): ("rjct", "rjct.other.error"),
    ("link", Outcome.LOCALE_INVALID): ("rjct", "rjct.other.error"),
    ("link", Outcome.RETRY): ("rjct", "rjct.unknown.retry"),
    ("link", Outcome.OTHER): ("rjct", "rjct.other.error"),
    **{
        (operation, outcome): ("rjct", code)
        for operation in OPERATIONS
        for outcome, code in (
            (Outcome.REFERENCE_ID_INVALID, "rjct.reference_id.invalid"),
            (Outcome.REFERENCE_ID_DUPLICATE, "rjct.reference_id.duplicate"),
            (Outcome.TIMESTAMP_INVALID, "rjct.timestamp.invalid"),
            (Outcome.ID_INVALID, "rjct.id.invalid"),
            (Outcome.FA_INVALID, "rjct.fa.invalid"),
        )
    },
}


class TestCodes(BaseCase):
    def test_table(self):
        for (operation, outcome), (strict, openg2p) in TABLE.items():
            for profile, expected in (("strict", strict), *((p, openg2p) for p in OPENG2P)):
                with self.subTest(profile=profile, operation=operation, outcome=outcome):
                    told = reason(profile, operation, outcome)
                    self.assertEqual(told[:2], expected[:2])
                    if expected[2]:
                        self.assertEqual(told.text, expected[2])

    def test_common(self):
        for (operation, outcome), expected in COMMON.items():
            for profile in PROFILES:
                with self.subTest(profile=profile, operation=operation, outcome=outcome):
                    self.assertEqual(reason(profile, operation, outcome)[:2], expected)

    def test_nothing_else_differs(self):
        for profile in OPENG2P:
            for operation in OPERATIONS:
                for outcome in Outcome:
                    if (operation, outcome) not in TABLE:
                        with self.subTest(operation=operation, outcome=outcome):
                            self.assertEqual(
                                reason(profile, operation, outcome),
                                reason("strict", operation, outcome),
                            )

    def test_codes_come_from_the_operations_own_list(self):
        for profile in PROFILES:
            for operation in OPERATIONS:
                for outcome, told in reasons(profile, operation).items():
                    with self.subTest(profile=profile, operation=operation, outcome=outcome):
                        self.assertEqual(told.status, "succ" if outcome.succeeded else "rjct")
                        if told.code:
                            self.assertIn(told.code, ITEM_CODES[operation])
                            self.assertTrue(told.code.startswith(f"{told.status}."))
                        elif told.status == "rjct":
                            self.assertTrue(told.text)

    def test_texts_name_one_outcome(self):
        """`outcome_of` tells outcomes of one code apart by their texts."""
        for profile in PROFILES:
            for operation in OPERATIONS:
                texts = [told.text for told in reasons(profile, operation).values() if told.text]
                self.assertEqual(len(texts), len(set(texts)))

    def test_authority_has_one_text(self):
        texts = {
            reason(profile, operation, Outcome.ID_NOT_ALLOWED).text
            for profile in PROFILES
            for operation in OPERATIONS
        }
        self.assertEqual(len(texts), 1)

    def test_way_back(self):
        for profile in PROFILES:
            for operation in OPERATIONS:
                for outcome, (status, code, text) in reasons(profile, operation).items():
                    with self.subTest(profile=profile, operation=operation, outcome=outcome):
                        back = outcome_of(operation, status, code, text, profile)
                        if text:
                            self.assertEqual(back, outcome)
                        # Without the text at least the same code comes out again.
                        back = outcome_of(operation, status, code, None, profile)
                        if code:
                            self.assertEqual(reason(profile, operation, back)[:2], (status, code))
                        self.assertEqual(back.succeeded, outcome.succeeded)

    def test_way_back_of_foreign_answers(self):
        self.assertEqual(outcome_of("resolve", "succ", None), Outcome.ID_ACTIVE)
        self.assertEqual(outcome_of("link", "succ", None), Outcome.DONE)
        self.assertEqual(outcome_of("link", "pdng", None), Outcome.RETRY)
        self.assertEqual(outcome_of("link", "rjct", "rjct.unheard.of"), Outcome.OTHER)
        self.assertEqual(outcome_of("link", None, None), Outcome.OTHER)
        # A code of success on a rejected item convinces nobody.
        self.assertEqual(outcome_of("resolve", "rjct", "succ.id.active"), Outcome.OTHER)
        # OpenG2P 1.1 tells a missing ID with the code of a duplicate.
        self.assertEqual(
            outcome_of(
                "update",
                "rjct",
                "rjct.reference_id.duplicate",
                "ID doesnt exist please link first",
                "openg2p_1",
            ),
            Outcome.NOT_LINKED,
        )
        self.assertEqual(
            outcome_of("link", "rjct", "rjct.reference_id.duplicate", None, "openg2p_1"),
            Outcome.ALREADY_LINKED,
        )


class TestRequestsByProfile(BaseCase):
    """The rows of the table that are decided while a request is read."""

    def first(self, operation, profile, **members):
        return s.parse(s.wire(operation, profile, **members), operation, profile).items[0]

    def assertProblem(self, outcome, operation, profile, **members):
        item = self.first(operation, profile, **members)
        self.assertIsNotNone(item.problem, f"{operation} {profile} {members}")
        self.assertEqual(item.problem.outcome, outcome)
        return item

    def assertFine(self, operation, profile, **members):
        item = self.first(operation, profile, **members)
        self.assertIsNone(item.problem, f"{operation} {profile} {members}")
        return item

    def header_code(self, payload, operation, profile, **options):
        try:
            s.parse(payload, operation, profile, **options)
        except HeaderRejected as error:
            self.assertIn(error.code, HEADER_CODES)
            return error.code
        return None

    def test_message_ts_and_total_count(self):
        for name, value, code in (
            ("message_ts", "string", "rjct.message_ts.invalid"),
            ("message_ts", "2026-01-15T09:30:00", "rjct.message_ts.invalid"),
            ("message_ts", "2026-01-15T09:24:59Z", "rjct.message_ts.invalid"),
            ("message_ts", "2026-01-15T09:35:01Z", "rjct.message_ts.invalid"),
            ("message_ts", "2026-01-15T15:06:00+05:30", "rjct.message_ts.invalid"),
            ("total_count", 0, "rjct.total_count.invalid"),
            ("total_count", 2, "rjct.total_count.invalid"),
            ("total_count", -1, "rjct.total_count.invalid"),
        ):
            for profile in PROFILES:
                payload = s.wire("link", profile)
                payload["header"][name] = value
                with self.subTest(name=name, value=value, profile=profile):
                    expected = code if profile == "strict" else None
                    self.assertEqual(self.header_code(payload, "link", profile), expected)

    def test_message_ts_within_the_window(self):
        for value in ("2026-01-15T09:25:00Z", "2026-01-15T15:00:00+05:30", "2026-01-15T09:35:00Z"):
            payload = s.wire("link")
            payload["header"]["message_ts"] = value
            self.assertIsNone(self.header_code(payload, "link", "strict"))

    def test_whatever_openg2p_clients_send(self):
        for profile in OPENG2P:
            for name in ("message_ts", "total_count", "meta"):
                for value in (None, "string", 0, 1.5, True, [], {}, "2024-05-01 10:00:00.000000"):
                    payload = s.wire("resolve", profile)
                    payload["header"][name] = value
                    with self.subTest(profile=profile, name=name, value=value):
                        self.assertIsNone(self.header_code(payload, "resolve", profile))
            payload = s.wire("resolve", profile)
            payload["header"] = {"action": "resolve", "message_id": ""}
            request = s.parse(payload, "resolve", profile)
            self.assertEqual(request.header.message_id, "")
            self.assertEqual(request.header.sender_id, "")

    def test_an_incomplete_envelope_is_one_in_every_profile(self):
        for profile in PROFILES:
            for place, name in (
                ("header", "message_id"),
                ("header", "action"),
                ("message", "transaction_id"),
                ("message", "link_request"),
            ):
                payload = s.wire("link", profile)
                del payload[place][name]
                with self.subTest(profile=profile, name=name):
                    with self.assertRaises(EnvelopeError) as caught:
                        s.parse(payload, "link", profile)
                    self.assertIn(f"{place}.{name}: ", caught.exception.message)

    def test_same_reference_id_twice(self):
        for operation in OPERATIONS:
            payload = s.wire(operation, count=4)
            items = payload["message"][f"{operation}_request"]
            items[2]["reference_id"] = items[3]["reference_id"] = "r1"
            found = [
                item.problem and item.problem.outcome for item in self.items(payload, "strict")
            ]
            duplicate = Outcome.REFERENCE_ID_DUPLICATE
            self.assertEqual(found, [None, None, duplicate, duplicate])
            for profile in OPENG2P:
                self.assertFalse(any(item.problem for item in self.items(payload, profile)))

    def items(self, payload, profile):
        operation = payload["header"]["action"]
        return s.parse(payload, operation, profile).items

    def test_duplicate_of_a_refused_item(self):
        payload = s.wire("link", count=2, id="")
        payload["message"]["link_request"][1]["reference_id"] = "r1"
        first, second = self.items(payload, "strict")
        self.assertEqual(first.problem.outcome, Outcome.ID_EMPTY)
        self.assertEqual(second.problem.outcome, Outcome.REFERENCE_ID_DUPLICATE)

    def test_resolve_with_neither(self):
        for profile in PROFILES:
            for members in ({"id": ...}, {"id": ""}, {"id": None, "fa": ""}):
                self.assertProblem(Outcome.ID_OR_FA_REQUIRED, "resolve", profile, **members)

    def test_empty_id_and_fa(self):
        for profile in PROFILES:
            for empty in ("", None, ...):
                for operation in ("link", "update", "unlink"):
                    self.assertProblem(Outcome.ID_EMPTY, operation, profile, id=empty)
                for operation in ("link", "update"):
                    item = self.assertProblem(Outcome.FA_EMPTY, operation, profile, fa=empty)
                    self.assertEqual(item.fa, "")
                # An empty FA counts as absent, an empty ID in resolve as well.
                self.assertEqual(self.assertFine("unlink", profile, fa=empty).fa, "")
                self.assertEqual(self.assertFine("resolve", profile, fa=empty).fa, "")
                item = self.assertFine("resolve", profile, id=empty, fa="f@b")
                self.assertEqual((item.id, item.fa), ("", "f@b"))

    def test_phone(self):
        good = (
            "+919876543210",
            "tel:+919876543210",
            "+14155550100;ext=12",
            "tel:+14155550100;ext=1",
        )
        bad = (
            "919876543210",
            "+0123",
            "+1 415 555 0100",
            "+1(415)5550100",
            "+1234567890123456",
            "+12a",
            "tel:123",
            "+14155550100;ext=",
            "+14155550100\n",
            "+١٢٣٤",
        )
        for operation in ("link", "update"):
            for profile in PROFILES:
                for phone in good:
                    item = self.assertFine(operation, profile, phone_number=phone)
                    self.assertEqual(item.phone_number, phone)
                self.assertIsNone(self.assertFine(operation, profile, phone_number="").phone_number)
            for phone in bad:
                self.assertProblem(Outcome.PHONE_INVALID, operation, "strict", phone_number=phone)
                for profile in OPENG2P:
                    item = self.assertFine(operation, profile, phone_number=phone)
                    self.assertEqual(item.phone_number, phone)
            for junk in (1, True, [], {}, 1.5):
                self.assertProblem(Outcome.PHONE_INVALID, operation, "strict", phone_number=junk)
                for profile in OPENG2P:
                    self.assertFine(operation, profile, phone_number=junk)

    def test_locale(self):
        for operation in OPERATIONS:
            for profile in PROFILES:
                for good in ("en", "fra"):
                    item = self.assertFine(operation, profile, locale=good)
                    self.assertEqual(item.locale, good)
            for bad in ("", "EN", "e", "engl", "en-US", "en_US", "en\n", 1, ["en"], {}, True):
                self.assertProblem(Outcome.LOCALE_INVALID, operation, "strict", locale=bad)
                for profile in OPENG2P:
                    self.assertFine(operation, profile, locale=bad)

    def test_timestamp(self):
        for operation in OPERATIONS:
            for bad in (..., None, "", "string", "2024-05-01 10:00:00.000000", 1705312200, {}):
                self.assertProblem(Outcome.TIMESTAMP_INVALID, operation, "strict", timestamp=bad)
                for profile in OPENG2P:
                    self.assertFine(operation, profile, timestamp=bad)

    def test_additional_info(self):
        values = ("text", "", 1, -(2**63), 2**64 - 1, 1.5, 1.0, True, False, {}, {"a": [None, {}]})
        good = [{"name": f"n{i}", "value": value} for i, value in enumerate(values)]
        bad = (
            {"name": "a", "value": 1},
            "text",
            1,
            [1],
            ["text"],
            [None],
            [[]],
            [{"name": "a"}],
            [{"value": 1}],
            [{"name": 1, "value": 1}],
            [{"name": "a", "value": None}],
            [{"name": "a", "value": []}],
            [{"strategy_id": 1}],
            [{"name": "a", "value": 2.0**64}],
        )
        for operation in OPERATIONS:
            for profile in PROFILES:
                for value in (good, []):
                    item = self.assertFine(operation, profile, additional_info=value)
                    self.assertEqual(item.additional_info, value)
                    types = [type(entry["value"]) for entry in item.additional_info]
                    self.assertEqual(types, [type(entry["value"]) for entry in value])
            for value in bad:
                self.assertProblem(
                    Outcome.ADDITIONAL_INFO_INVALID, operation, "strict", additional_info=value
                )
                for profile in OPENG2P:
                    item = self.assertFine(operation, profile, additional_info=value)
                    self.assertEqual(item.additional_info, value)

    def test_meta(self):
        for profile in PROFILES:
            payload = s.wire("link", profile)
            payload["header"]["meta"] = {"a": [1, None]}
            request = s.parse(payload, "link", profile)
            self.assertEqual(request.header.meta, {"a": [1, None]})

    def test_id_without_at(self):
        for operation in OPERATIONS:
            self.assertProblem(Outcome.ID_INVALID, operation, "strict", id="12345")
            for profile in OPENG2P:
                self.assertEqual(self.assertFine(operation, profile, id="12345").id, "12345")

    def test_ids_of_any_other_form_are_the_mappers_business(self):
        for identifier in ("a b@c", "ü@x", "@", "a@" + "b" * 1_000):
            for profile in PROFILES:
                self.assertEqual(self.assertFine("link", profile, id=identifier).id, identifier)

    def test_action(self):
        for profile in PROFILES:
            for operation in OPERATIONS:
                for action in (*OPERATIONS, "on-link", "txn-status", "search", "LINK", "Link "):
                    payload = s.wire(operation, profile)
                    payload["header"]["action"] = action
                    known = action in (*OPERATIONS, "on-link", "txn-status")
                    expected = "rjct.action.not_supported"
                    if action == operation:
                        expected = None
                    elif profile == "strict" and not known:
                        expected = "rjct.action.invalid"
                    with self.subTest(profile=profile, operation=operation, action=action):
                        found = self.header_code(payload, operation, profile)
                        self.assertEqual(found, expected)

    def test_action_is_judged_before_the_list(self):
        """A message on the wrong path is told so, not that its list is missing."""
        for profile in PROFILES:
            code = self.header_code(s.wire("link", profile), "update", profile)
            self.assertEqual(code, "rjct.action.not_supported")

    def test_version(self):
        for profile in PROFILES:
            for version in ("0.1.0", "2.0.0", "10.0", "1.x", "v1.0.0", "1.", "1.0.0.0", "string"):
                payload = s.wire("link", profile)
                payload["header"]["version"] = version
                code = self.header_code(payload, "link", profile)
                self.assertEqual(code, "rjct.version.invalid", version)
            for version in ("1", "1.0", "1.0.0", "1.10.3", None):
                payload = s.wire("link", profile)
                payload["header"]["version"] = version
                self.assertIsNone(self.header_code(payload, "link", profile), version)

    def test_counts(self):
        for profile in PROFILES:
            payload = s.wire("link", profile)
            payload["message"]["link_request"] = []
            payload["header"]["total_count"] = 0
            code = self.header_code(payload, "link", profile)
            self.assertEqual(code, "rjct.total_count.invalid")
            payload = s.wire("link", profile, count=3)
            code = self.header_code(payload, "link", profile, max_items=2)
            self.assertEqual(code, "rjct.total_count.limit_exceeded")
            self.assertIsNone(self.header_code(payload, "link", profile, max_items=3))

    def test_scope(self):
        for profile in PROFILES:
            for scope, expected in ((..., "yes_no"), (None, "yes_no"), ("details", "details")):
                item = self.assertFine("resolve", profile, scope=scope)
                self.assertEqual(item.scope, expected)
            for scope in ("", "all", "YES_NO", 1, True, [], ["details"], {}):
                self.assertProblem(Outcome.SCOPE_NOT_SUPPORTED, "resolve", profile, scope=scope)

    def test_what_cannot_be_kept_is_refused_or_passed_over(self):
        """Outside strict, phone and additional_info are never an error."""
        deep = "x"
        for _level in range(100):
            deep = {"deep": deep}
        for bad in ("+12\x00", "+1" * 100, ["+12"]):
            self.assertProblem(Outcome.PHONE_INVALID, "link", "strict", phone_number=bad)
            item = self.assertFine("link", "openg2p_1", phone_number=bad)
            self.assertIsNone(item.phone_number)
        nul = [{"name": "a", "value": {"b": "c\x00"}}]
        self.assertProblem(Outcome.ADDITIONAL_INFO_INVALID, "link", "strict", additional_info=nul)
        self.assertFine("link", "openg2p_1", additional_info=nul)
        for large in ([{"name": "a", "value": "x" * 20_000}], [{"name": "a", "value": deep}]):
            item = self.assertFine("link", "openg2p_1", additional_info=large)
            self.assertIsNone(item.additional_info)

    def test_the_same_in_all_profiles(self):
        for profile in PROFILES:
            for operation in OPERATIONS:
                for bad in (..., None, "", 1, True, [], {}, "r" * 256, "a\nb", "a\x00", "a\x85"):
                    item = self.assertProblem(
                        Outcome.REFERENCE_ID_INVALID, operation, profile, reference_id=bad
                    )
                    self.assertEqual(item.reference_id, bad if isinstance(bad, str) else "")
                self.assertFine(operation, profile, reference_id="r" * 255)
                for bad in (1, True, [], {}, ["a@b"], 1.5, "a\x00@b"):
                    self.assertProblem(Outcome.ID_INVALID, operation, profile, id=bad)
                    self.assertProblem(Outcome.FA_INVALID, operation, profile, fa=bad)
            for operation in ("link", "update", "resolve"):
                for bad in (1, True, [], {}, "n" * (NAME_MAX_LENGTH + 1), "a\x00"):
                    self.assertProblem(Outcome.NAME_INVALID, operation, profile, name=bad)
                self.assertFine(operation, profile, name="n" * NAME_MAX_LENGTH)
                self.assertIsNone(self.assertFine(operation, profile, name="").name)

    def test_messages_name_the_field_and_not_its_value(self):
        marker = "SECRET-1234"
        for profile in PROFILES:
            for operation in OPERATIONS:
                for name in ("id", "fa", "name", "phone_number", "scope", "locale", "timestamp"):
                    for value in ([marker], {marker: marker}, marker + "\x00"):
                        problem = self.first(operation, profile, **{name: value}).problem
                        if problem:
                            told = problem.message or reason(profile, operation, problem[0]).text
                            self.assertNotIn(marker, told)
                            self.assertTrue(told.startswith(f"{name}:"), told)

    def test_refused_items_are_answered_in_their_place(self):
        payload = s.wire("resolve", count=3)
        payload["message"]["resolve_request"][1] = "junk"
        request = s.parse(payload, "resolve")
        results = [
            refusal(item) if item.problem else Result(item.reference_id, Outcome.ID_NOT_FOUND)
            for item in request.items
        ]
        answer = render_answer(request, results, "strict", now=s.NOW)
        answered = answer["message"]["resolve_response"]
        self.assertEqual([item["reference_id"] for item in answered], ["r1", "", "r3"])
        self.assertEqual(answered[1]["status_reason_code"], "rjct.reference_id.invalid")
        self.assertEqual(answered[1]["status_reason_message"], "item: must be an object")
        self.assertEqual(request.items[1].problem, Problem(*request.items[1].problem))
