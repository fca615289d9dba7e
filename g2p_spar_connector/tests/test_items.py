# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from hypothesis import example, given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect.envelope_v2 import _ItemParser as ItemParserV2
from ..g2p_connect.items import ItemParser, ResultRenderer
from ..g2p_connect.values import (
    OPERATIONS,
    PROFILES,
    AccountProvider,
    Outcome,
    ResolveItem,
    Result,
)
from . import strategies as s

FA = {
    "strategy_id": 1,
    "fa_type": "BANK",
    "account_number": "1",
    "bank_code": "B",
}
# Values that are good, bad, absent, or equal in Python without being the same in JSON.
VALUES = {
    "id": ["token:1@nid", "token:2@nid", "token", "token:\xa0@nid", "\x00@nid", "", None, 1],
    "fa": ["account:1@b", "", None, FA, FA | {"strategy_id": True}, FA | {"strategy_id": 1.0}],
    "timestamp": ["2026-01-15T09:30:00Z", "2026-01-15T10:30:00Z", "yesterday", None, 1],
    "name": ["Tala", "", None, 1, "x" * 256],
    "phone_number": ["+639170000001", "0917", None, 1, True],
    "scope": ["details", "yes_no", "all", None],
    "locale": ["en", "English", None, 1, True, 1.0],
    "additional_info": [
        None,
        *([{"name": "a", "value": value}] for value in (1, True, 1.0)),
        ["x" * 20_000],
    ],
    "unknown": [None, 1, True],
}
members = st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in VALUES.items()})


@st.composite
def alike(draw):
    """Items in runs that are alike in most members."""
    items = []
    for common in draw(st.lists(members, min_size=1, max_size=3)):
        for own in draw(st.lists(members, min_size=1, max_size=4)):
            kept = draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=2))
            items.append(common | {name: own[name] for name in kept if name in own})
    return [{"reference_id": f"r{number}"} | item for number, item in enumerate(items)]


def with_id(**values):
    return {"reference_id": "r", "timestamp": "t", "fa": "f", "id": "token:1@nid", **values}


class TestItems(BaseCase):
    """Checking a message by columns changes nothing."""

    @s.quick
    @given(st.sampled_from(OPERATIONS), st.sampled_from(PROFILES), alike())
    @example("resolve", "openg2p_1", [with_id(), with_id(id="")])
    @example("resolve", "openg2p_1", [with_id(fa=""), with_id(fa="", id="")])
    @example("link", "openg2p_1", [with_id(), with_id(id=None), with_id(id=7)])
    @example(
        "link",
        "openg2p_1",
        [with_id(additional_info=[info]) for info in (True, 1, 1.0)],
    )
    @example("link", "openg2p_2", [with_id(fa=FA), with_id(fa=FA | {"strategy_id": True})])
    @example("resolve", "openg2p_1", [with_id(), {"reference_id": "r", "timestamp": "t"}])
    @example("resolve", "openg2p_1", [with_id(), with_id() | {"x": 1}, with_id(scope="details")])
    def test_items_are_parsed_as_if_they_were_alone(self, operation, profile, raws):
        for parser_type in (ItemParser, ItemParserV2):
            together = parser_type(operation, profile).parse_all(raws)
            for raw, item in zip(raws, together, strict=True):
                if item.problem and item.problem.outcome == "reference_id_duplicate":
                    continue
                alone = parser_type(operation, profile).parse(raw)
                self.assertEqual(repr(item), repr(alone))  # repr tells 1 from True


PROVIDERS = (AccountProvider("Bank", "B", "B1"), AccountProvider("Bank", "B"))
RESULTS = {
    "outcome": [Outcome.ID_ACTIVE, Outcome.ID_NOT_FOUND],
    "message": [None, "told"],
    "id": ["token:1@nid", None],
    "fa": ["account:1@b", FA, None],
    "provider": [*PROVIDERS, None],
    "additional_info": [None, [], [{"name": "a", "value": 1}]],
    "locale": [None, "en", "English"],
}


@st.composite
def answered(draw):
    """Items of a resolve and their results, which differ in a few members, or in none."""
    varied = draw(st.sets(st.sampled_from(sorted(RESULTS)), max_size=2))
    pairs = []
    for number in range(draw(st.integers(1, 5))):
        values = {
            name: draw(st.sampled_from(choice if name in varied else choice[:1]))
            for name, choice in RESULTS.items()
        }
        asked = draw(st.sampled_from([values["locale"], "fr"] if "locale" in varied else [None]))
        pairs.append(
            (ResolveItem(f"r{number}", "id@n", locale=asked), Result(f"r{number}", **values))
        )
    return zip(*pairs, strict=True)


class TestResults(BaseCase):
    @s.quick
    @given(profile=st.sampled_from(PROFILES), pairs=answered())
    def test_results_are_rendered_as_if_they_were_alone(self, profile, pairs):
        items, results = pairs
        renderer = ResultRenderer("resolve", profile, "2026-01-15T09:30:00Z")
        alone = [renderer.render(*pair) for pair in zip(items, results, strict=True)]
        together = renderer.render_all(items, results)
        self.assertEqual(together, alone)
        self.assertEqual(list(map(list, together)), list(map(list, alone)), "order of members")

    def test_alike_results_are_rendered_by_columns(self):
        items = [ResolveItem(str(number), "id@n", locale="en") for number in range(3)]
        results = [
            Result(item.reference_id, Outcome.ID_ACTIVE, id="id@n", fa="a@b", locale="en")
            ._replace(provider=PROVIDERS[0])
            for item in items
        ]  # fmt: skip
        renderer = ResultRenderer("resolve", "strict", "2026-01-15T09:30:00Z")
        self.assertEqual(len(renderer._render_alike(items, results)), 3)
        self.assertIsNone(ResultRenderer("link", "strict", "")._render_alike(items, results))

    def test_one_result_for_each_item(self):
        with self.assertRaises(ValueError):
            ResultRenderer("resolve", "strict", "").render_all([ResolveItem("1", "id@n")], [])
