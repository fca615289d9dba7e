# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from datetime import UTC, datetime
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import client as client_module
from ..g2p_connect import txn_status
from ..g2p_connect.client import (
    AWAY,
    CONTRADICTORY,
    REFUSED,
    UNANSWERED,
    UNCERTAIN,
    Client,
    NoAnswer,
    Terms,
    chunks,
)
from ..g2p_connect.envelope import parse_request, render_answer
from ..g2p_connect.values import (
    OPERATIONS,
    AccountProvider,
    LinkItem,
    Outcome,
    ResolveItem,
    Result,
    UnlinkItem,
    UpdateItem,
)
from . import strategies as s

BUSY = {"passing": True, "maybe_done": False}
BROKEN = {"passing": True, "maybe_done": True}
NO = {"passing": False, "maybe_done": False}


class FakeMapper:
    """Answers messages with what a function makes of their items.

    :param plan: for each message in turn, an exception to raise or a function of the answer that
        changes it; then answers come as they are
    """

    def __init__(self, profile="strict", plan=(), answer=None):
        self.profile = profile
        self.plan = list(plan)
        self.answer = answer or self.found
        self.sent = []  # (path, body)
        self.seconds = []

    def found(self, operation, item):
        if operation != "resolve":
            return Result(item.reference_id, Outcome.DONE, id=item.id)
        provider = AccountProvider("Bank", "B1", "b-7")
        outcome = Outcome.ID_ACTIVE
        return Result(item.reference_id, outcome, id=item.id, fa="1@bank", provider=provider)

    def send(self, path, body, seconds, max_bytes):
        self.sent.append((path, body))
        self.seconds.append(seconds)
        step = self.plan.pop(0) if self.plan else None
        if isinstance(step, Exception):
            raise step
        answer = self.answered(body)
        return step(answer) if step else answer

    def answered(self, body):
        operation = body["header"]["action"]
        now = datetime.now(UTC)
        window = datetime.max - datetime.min
        request = parse_request(
            body, operation, self.profile, max_items=10**6, now=now, ts_window=window
        )
        results = [item.problem or self.answer(operation, item) for item in request.items]
        return render_answer(request, results, self.profile, now=now, correlation_id="c1")

    @property
    def message_ids(self):
        return [body["header"]["message_id"] for _path, body in self.sent]


class ClientCase(BaseCase):
    def client(self, mapper, **terms):
        self.now, self.pauses, self.notes = 0.0, [], []
        terms = Terms(mapper.profile, "pbms.example", **terms)
        return Client(terms, mapper.send, self.notes.append, lambda: self.now, self.sleep)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def call(self, mapper, operation, items, **terms):
        return self.client(mapper, **terms).call(operation, items)

    def outcomes(self, results):
        return [result.outcome for result in results]


def _changed(change, answer):
    """The answer with another item in place of its only one."""
    [told] = answer["message"]["resolve_response"]
    kept = {"reference_id": told["reference_id"], "timestamp": told["timestamp"]}
    answer["message"]["resolve_response"] = [{**kept, **change}]
    return answer


def people(count, **values):
    return [ResolveItem(f"r{n}", f"p{n}@ns", scope="details", **values) for n in range(count)]


class TestMessages(ClientCase):
    def test_paths(self):
        for profile, path in (("strict", "/mapper/sync/link"), ("openg2p_1", "/sync/link")):
            mapper = FakeMapper(profile)
            self.call(mapper, "link", [LinkItem("r", "a@b", "c@d")])
            self.assertEqual(mapper.sent[0][0], path)

    def test_header(self):
        mapper = FakeMapper()
        self.call(mapper, "resolve", people(3), receiver_id="spar.example")
        header = mapper.sent[0][1]["header"]
        self.assertEqual(header["sender_id"], "pbms.example")
        self.assertEqual(header["receiver_id"], "spar.example")
        self.assertEqual((header["action"], header["total_count"]), ("resolve", 3))

    def test_reference_ids_stay_here(self):
        """The caller's own may be empty, or the same twice; those sent are never."""
        mapper = FakeMapper()
        items = [ResolveItem("", "a@b"), ResolveItem("x", "c@d"), ResolveItem("x", "e@f")]
        results = self.call(mapper, "resolve", items)
        self.assertEqual([result.reference_id for result in results], ["", "x", "x"])
        sent = [item["reference_id"] for item in mapper.sent[0][1]["message"]["resolve_request"]]
        self.assertEqual(len(set(sent)), 3)
        self.assertFalse({"", "x"} & set(sent))

    def test_chunks(self):
        mapper = FakeMapper()
        items = people(25)
        results = self.call(mapper, "resolve", items, max_items=10)
        counts = [body["header"]["total_count"] for _path, body in mapper.sent]
        self.assertEqual(counts, [10, 10, 5])
        self.assertEqual([r.reference_id for r in results], [item.reference_id for item in items])
        self.assertEqual([r.id for r in results], [item.id for item in items])
        self.assertEqual(len(set(mapper.message_ids)), 3)

    def test_one_change_of_an_id_in_a_message(self):
        """OpenG2P 1.1 fails as a whole over an ID that is linked twice."""
        items = [LinkItem(str(n), id_, "c@d") for n, id_ in enumerate(["a@b", "A@b", "x@y"])]
        parts = [[item.id for item in part] for part in chunks("link", items, 10)]
        self.assertEqual(parts, [["a@b"], ["A@b", "x@y"]])
        self.assertEqual(len(list(chunks("resolve", items, 10))), 1)
        self.assertEqual(list(chunks("link", [], 10)), [])

    @s.quick
    @given(st.lists(st.sampled_from("abcde"), max_size=20), st.integers(1, 5))
    def test_chunks_lose_nothing(self, ids, most):
        items = [UnlinkItem(str(n), id_) for n, id_ in enumerate(ids)]
        parts = list(chunks("unlink", items, most))
        self.assertEqual([item for part in parts for item in part], items)
        for part in parts:
            self.assertTrue(0 < len(part) <= most)
            self.assertEqual(len({item.id for item in part}), len(part))


class TestResults(ClientCase):
    def test_resolve(self):
        for profile in ("strict", "openg2p_1"):
            [shown, hidden] = self.call(
                FakeMapper(profile),
                "resolve",
                [ResolveItem("1", "a@b", scope="details", locale="en"), ResolveItem("2", "a@b")],
            )
            provider = AccountProvider("Bank", "B1", "b-7")
            self.assertEqual(
                shown,
                Result(
                    "1", Outcome.ID_ACTIVE, id="a@b", fa="1@bank", provider=provider, locale="en"
                ),
            )
            self.assertEqual(hidden, Result("2", Outcome.ID_ACTIVE, id="a@b"))

    def test_writes(self):
        items = {
            "link": LinkItem("1", "a@b", "c@d"),
            "update": UpdateItem("1", "a@b", "c@d"),
            "unlink": UnlinkItem("1", "a@b"),
        }
        for operation, item in items.items():
            for profile in ("strict", "openg2p_1"):
                [result] = self.call(FakeMapper(profile), operation, [item])
                expected = Result("1", Outcome.DONE, id="a@b", fa=item.fa or None)
                self.assertEqual(result, expected)

    def test_every_refusal_that_the_profile_can_tell(self):
        told = {
            "link": (Outcome.ALREADY_LINKED, Outcome.ID_NOT_ALLOWED, Outcome.FA_NOT_ALLOWED),
            "update": (Outcome.NOT_LINKED, Outcome.ID_NOT_ALLOWED),
            "unlink": (Outcome.NOT_LINKED, Outcome.FA_MISMATCH),
        }
        kinds = {"link": LinkItem, "update": UpdateItem, "unlink": UnlinkItem}
        for profile in ("strict", "openg2p_1"):
            for operation, outcomes in told.items():
                for outcome in outcomes:
                    mapper = FakeMapper(
                        profile, answer=lambda _, item, o=outcome: Result(item.reference_id, o)
                    )
                    item = kinds[operation]("1", "a@b", "c@d")
                    [result] = self.call(mapper, operation, [item])
                    self.assertEqual(result, Result("1", outcome, id="a@b", fa="c@d"))

    def test_order_does_not_matter(self):
        """OpenG2P 1.1 answers rejected items first."""

        def turned(answer):
            answer["message"]["resolve_response"].reverse()
            return answer

        items = people(4)
        results = self.call(FakeMapper(plan=[turned]), "resolve", items)
        self.assertEqual([result.id for result in results], [item.id for item in items])

    def test_missing_ones(self):
        def cut(answer):
            answer["message"]["resolve_response"] = answer["message"]["resolve_response"][:1]
            return answer

        for profile in ("strict", "openg2p_1"):
            results = self.call(FakeMapper(profile, plan=[cut]), "resolve", people(3))
            self.assertEqual(self.outcomes(results), [Outcome.ID_ACTIVE] + [Outcome.RETRY] * 2)
            self.assertEqual(results[1].message, UNANSWERED)

    def test_answered_twice(self):
        def doubled(answer):
            items = answer["message"]["resolve_response"]
            items.append({**items[0], "fa": "other@bank"})
            return answer

        results = self.call(FakeMapper(plan=[doubled]), "resolve", people(2))
        self.assertEqual(self.outcomes(results), [Outcome.OTHER, Outcome.ID_ACTIVE])
        self.assertEqual(results[0].message, CONTRADICTORY)

    def test_what_does_not_fit(self):
        by_id = ResolveItem("1", "a@b", scope="details")
        by_fa = ResolveItem("1", fa="c@d")
        found = {"status": "succ", "status_reason_code": "succ.id.active"}
        for item, change in (
            (by_id, {**found, "id": "z@b", "fa": "1@bank"}),
            (by_id, {"status": "succ", "status_reason_code": "succ.id.not_found", "id": "z@b"}),
            (by_id, {"status": "succ", "status_reason_code": "succ.fa.not_found"}),
            (by_id, {"status": "succ", "status_reason_code": "succ.fa.not_linked_to_id"}),
            (by_id, {**found, "fa": None}),
            (by_id, {**found, "fa": {"account": 1}}),
            (by_id, {**found, "fa": "with\x00nul"}),
            (by_fa, {"status": "succ", "status_reason_code": "succ.id.not_found"}),
            (by_fa, found),
            (by_id, {"status": "fine"}),
            (by_id, {"status": "rjct", "status_reason_code": "succ.id.not_found"}),
        ):
            with self.subTest(item=item, change=change):
                mapper = FakeMapper(plan=[partial(_changed, change)])
                [result] = self.call(mapper, "resolve", [item])
                self.assertEqual(result.outcome, Outcome.OTHER)
                self.assertNotEqual(result.fa, "1@bank")

    def test_openg2p_1_knows_nothing_of_addresses(self):
        """It looks at the ID alone, and says with one code that an ID is not linked."""
        item = ResolveItem("1", "a@b", fa="1@BANK")
        mapper = FakeMapper("openg2p_1")
        [result] = self.call(mapper, "resolve", [item])
        self.assertEqual(result, Result("1", Outcome.ID_ACTIVE, id="a@b"))
        self.assertNotIn("fa", mapper.sent[0][1]["message"]["resolve_request"][0])
        [result] = self.call(mapper, "resolve", [item._replace(fa="2@bank", scope="details")])
        self.assertEqual(result, Result("1", Outcome.FA_NOT_LINKED_TO_ID, id="a@b"))

        def unknown(answer):
            [told] = answer["message"]["resolve_response"]
            told.clear()
            told.update(
                reference_id=mapper.sent[-1][1]["message"]["resolve_request"][0]["reference_id"],
                timestamp="",
                status="succ",
                status_reason_code="succ.fa.not_linked_to_id",
                fa=None,
                account_provider_info=None,
            )
            return answer

        for item, outcome in (
            (ResolveItem("1", "a@b"), Outcome.ID_NOT_FOUND),
            (ResolveItem("1", "a@b", fa="c@d"), Outcome.ID_NOT_FOUND),
            (ResolveItem("1", fa="c@d"), Outcome.OTHER),
        ):
            mapper.plan = [unknown]
            [result] = self.call(mapper, "resolve", [item])
            self.assertEqual(result.outcome, outcome)

    def test_texts_are_cleaned(self):
        mapper = FakeMapper(
            answer=lambda _, item: Result(
                item.reference_id, Outcome.OTHER, "no\x1b[2J" + "x" * 2000
            )
        )
        [result] = self.call(mapper, "resolve", people(1))
        self.assertTrue(result.message.startswith("no [2Jxx"))
        self.assertEqual(len(result.message), 999)


class TestTroubles(ClientCase):
    def setUp(self):
        super().setUp()
        self.items = {
            "resolve": people(2),
            "link": [LinkItem("r0", "p0@ns", "c@d"), LinkItem("r1", "p1@ns", "c@d")],
        }

    def test_tried_again(self):
        """The same message each time, which gets its first answer."""
        plan = [NoAnswer("gone", **BROKEN), NoAnswer("busy", **BUSY)]
        for operation in ("resolve", "link"):
            mapper = FakeMapper(plan=plan)
            results = self.call(mapper, operation, self.items[operation])
            self.assertTrue(all(result.succeeded for result in results))
            self.assertEqual(len(mapper.sent), 3)
            self.assertEqual(len(set(mapper.message_ids)), 1)
            self.assertEqual(mapper.sent[0], mapper.sent[2])
            self.assertEqual(self.pauses, [0.25, 0.5])
            self.assertEqual(self.notes, [])

    def test_not_for_ever(self):
        plan = [NoAnswer(f"gone {n}", **BROKEN) for n in range(9)]
        results = self.call(FakeMapper(plan=plan), "resolve", self.items["resolve"])
        self.assertEqual(self.outcomes(results), [Outcome.RETRY] * 2)
        self.assertEqual([result.message for result in results], [AWAY] * 2)
        self.assertEqual(self.notes, ["gone 2"])

    def test_changes_in_openg2p_1_are_not_repeated_blindly(self):
        link = self.items["link"]
        mapper = FakeMapper("openg2p_1", plan=[NoAnswer("gone", **BROKEN)])
        results = self.call(mapper, "link", link)
        self.assertEqual([result.message for result in results], [UNCERTAIN] * 2)
        self.assertEqual(self.outcomes(results), [Outcome.RETRY] * 2)
        self.assertEqual(len(mapper.sent), 1)
        mapper = FakeMapper("openg2p_1", plan=[NoAnswer("never there", **BUSY)])
        results = self.call(mapper, "link", link)
        self.assertEqual(self.outcomes(results), [Outcome.DONE] * 2)
        mapper = FakeMapper("openg2p_1", plan=[NoAnswer("gone", **BROKEN)])
        results = self.call(mapper, "resolve", self.items["resolve"])
        self.assertEqual(self.outcomes(results), [Outcome.ID_ACTIVE] * 2)

    def test_what_cannot_pass_is_not_repeated(self):
        mapper = FakeMapper(plan=[NoAnswer("no", **NO)])
        results = self.call(mapper, "link", self.items["link"])
        self.assertEqual([result.message for result in results], [REFUSED] * 2)
        self.assertEqual(len(mapper.sent), 1)

    def test_the_rest_is_not_sent(self):
        mapper = FakeMapper(plan=[None, *[NoAnswer("gone", **BROKEN)] * 3])
        items = [LinkItem(f"r{n}", f"p{n}@ns", "c@d") for n in range(6)]
        results = self.call(mapper, "link", items, max_items=2)
        expected = [None, None, UNCERTAIN, UNCERTAIN, AWAY, AWAY]
        self.assertEqual([result.message for result in results], expected)
        self.assertEqual([r.reference_id for r in results], [item.reference_id for item in items])
        self.assertEqual(len(mapper.sent), 4)

    def test_total_time(self):
        mapper = FakeMapper(
            plan=[NoAnswer("busy", **BUSY, wait=50), NoAnswer("busy", **BUSY, wait=50)]
        )
        results = self.call(mapper, "resolve", people(1), tries=9, total_seconds=60)
        self.assertEqual(self.outcomes(results), [Outcome.RETRY])
        self.assertEqual(self.pauses, [50], "for the second there is no time")
        self.assertEqual(mapper.seconds, [30, 10])

    def test_patience_asked_for(self):
        mapper = FakeMapper(plan=[NoAnswer("busy", **BUSY, wait=7)])
        self.assertTrue(self.call(mapper, "resolve", people(1))[0].succeeded)
        self.assertEqual(self.pauses, [7])

    def header(self, **values):
        def changed(answer):
            return {"header": {**answer["header"], **values}}

        return changed

    def test_rejected(self):
        for code in ("rjct.message_ts.invalid", "rjct.jwt.invalid", None):
            plan = [self.header(status="rjct", status_reason_code=code)]
            mapper = FakeMapper(plan=plan)
            results = self.call(mapper, "resolve", people(2))
            self.assertEqual([result.message for result in results], [REFUSED] * 2)
            self.assertEqual(len(mapper.sent), 1)
        plan = [self.header(status="rjct", status_reason_code="rjct.message_ts.invalid")]
        self.call(FakeMapper(plan=plan), "resolve", people(1))
        self.assertRegex(self.notes[0], "rjct.message_ts.invalid.*clocks")

    def test_still_running(self):
        plan = [self.header(status="pdng"), self.header(status="pdng")]
        mapper = FakeMapper(plan=plan)
        self.assertEqual(self.call(mapper, "link", self.items["link"])[0].outcome, Outcome.DONE)
        self.assertEqual(len(set(mapper.message_ids)), 1)
        mapper = FakeMapper("openg2p_1", plan=plan)
        results = self.call(mapper, "link", self.items["link"])
        self.assertEqual(results[0].message, UNCERTAIN)

    def test_another_message_s_answer(self):
        def other(answer):
            answer["message"]["transaction_id"] = "other"
            return answer

        [result] = self.call(FakeMapper(plan=[other]), "resolve", people(1))
        self.assertEqual((result.outcome, result.message), (Outcome.RETRY, REFUSED))

    def test_first_answer_by_status(self):
        """A mapper that refuses a repetition is asked what became of the first."""
        rejected = self.header(status="rjct", status_reason_code="rjct.message_id.duplicate")
        mapper = FakeMapper(plan=[NoAnswer("gone", **BROKEN), rejected])
        first = mapper.send

        def send(path, body, seconds, max_bytes):
            if path != client_module.STATUS_PATH:
                return first(path, body, seconds, max_bytes)
            now = datetime.now(UTC)
            window = datetime.max - datetime.min
            question = txn_status.parse_request(
                body, "strict", max_items=1, now=now, ts_window=window
            )
            link = mapper.sent[0][1]["message"]
            self.assertEqual(question.attribute_value, link["transaction_id"])
            told = [
                {"reference_id": link["link_request"][0]["reference_id"], "status": "succ"},
                {
                    "reference_id": link["link_request"][1]["reference_id"],
                    "status": "rjct",
                    "status_reason_code": "rjct.fa.invalid",
                },
            ]
            found = txn_status.TransactionStatus(
                "link", link["transaction_id"], "c1", "succ", 2, 2, told
            )
            return txn_status.render_answer(question, found, "strict", now=now)

        mapper.send = send
        results = self.call(mapper, "link", self.items["link"])
        self.assertEqual(self.outcomes(results), [Outcome.DONE, Outcome.FA_INVALID])

    def test_duplicate_of_nothing_we_sent(self):
        rejected = self.header(status="rjct", status_reason_code="rjct.message_id.duplicate")
        mapper = FakeMapper(plan=[rejected])
        results = self.call(mapper, "link", self.items["link"])
        self.assertEqual(results[0].message, REFUSED)
        self.assertEqual(len(mapper.sent), 1)


class TestHostileAnswers(ClientCase):
    @s.quick
    @given(st.data())
    def test_one_result_for_each_item(self, data):
        """Whatever is answered; and nothing is found, linked or not linked that was not said so."""
        profile = data.draw(st.sampled_from(["strict", "openg2p_1"]))
        operation = data.draw(st.sampled_from(OPERATIONS))
        kinds = {"link": LinkItem, "update": UpdateItem, "unlink": UnlinkItem}
        kind = kinds.get(operation, ResolveItem)
        items = [kind(f"r{n}", f"p{n}@ns", "c@d") for n in range(3)]
        mapper = FakeMapper(profile)

        def spoiled(answer):
            message = answer.setdefault("message", {})
            where = data.draw(st.sampled_from(["body", "header", "message", "list", "item"]))
            junk = data.draw(s.json_values)
            if where == "body":
                return junk
            if where in ("header", "message"):
                answer[where] = junk
            elif where == "list":
                message[f"{operation}_response"] = junk
            else:
                name = data.draw(
                    st.sampled_from([*message[f"{operation}_response"][0], "id", "fa"])
                )
                message[f"{operation}_response"][0][name] = junk
            return answer

        mapper.plan = [spoiled]
        results = self.call(mapper, operation, items, tries=1)
        self.assertEqual([result.reference_id for result in results], ["r0", "r1", "r2"])
        self.assertEqual([result.id for result in results], [item.id for item in items])
        for result in results:
            self.assertIsInstance(result.outcome, Outcome)
            self.assertNotIn(result.outcome, (Outcome.ID_NOT_FOUND, Outcome.NOT_LINKED))
