# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..g2p_connect import fa_object
from ..g2p_connect.envelope import render_answer
from ..g2p_connect.envelope_v2 import render_answer as render_answer_v2
from ..g2p_connect.fa_format import FORMATS, NOT_TOLD, tell
from ..g2p_connect.values import (
    AccountProvider,
    Address,
    Header,
    Outcome,
    Request,
    ResolveItem,
    Result,
)
from . import strategies as s
from .bridge_clients import KEPT, bridge_1, bridge_2, bridge_2_v1

BANK = Address("bank", "12345", "BYSB", "Bayani Bank", "B001", "Main Street 7.", 2)
NO_BRANCH = Address("bank", "12345", "BYSB", "Bayani Bank", None, None, 101)
MOBILE = Address("mobile_wallet", "+63917", "TNDW", "Tindahan", None, None, 4)
EMAIL = Address("email_wallet", "a.b@example.org", "MLPS", "Mail Peso Inc.", None, None, 3)

# What a Bridge is to know of each, whatever the format.
NOTHING = dict.fromkeys(KEPT)
EXPECTED = {
    BANK: {
        "fa_type": "BANK_ACCOUNT",
        "account_number": "12345",
        "bank_code": "BYSB",
        "branch_code": "B001",
        "name": "Bayani Bank",
    },
    NO_BRANCH: {
        "fa_type": "BANK_ACCOUNT",
        "account_number": "12345",
        "bank_code": "BYSB",
        "branch_code": "",
        "name": "Bayani Bank",
    },
    MOBILE: {
        "fa_type": "MOBILE_WALLET",
        "mobile_number": "+63917",
        "mobile_wallet_provider": "TNDW",
        "name": "Tindahan",
    },
    EMAIL: {
        "fa_type": "EMAIL_WALLET",
        "email_address": "a.b@example.org",
        "email_wallet_provider": "MLPS",
        "name": "Mail Peso Inc.",
    },
}
CLIENTS = {
    "bridge_1": (bridge_1, render_answer, "openg2p_1"),
    "bridge_2": (bridge_2, render_answer_v2, "openg2p_2"),
    "bridge_2_v1": (bridge_2_v1, render_answer, "openg2p_1"),
}
values = st.text(s.characters, max_size=12) | st.sampled_from(
    [".bank_code:X", "a.fa_type:", ".", ":", "x.branch_code:y.bank_code:", "line\nbreak", "e@f"]
)
ordinary = st.text("ABCxyz 0189.-_@+'é", min_size=1, max_size=12)


def addresses(values):
    return st.builds(
        Address,
        fa_type=st.sampled_from(["bank", "mobile_wallet", "email_wallet"]),
        number=values.filter(bool),
        provider_code=values.filter(bool),
        provider_name=values.filter(bool),
        branch_code=s.optional(values),
        branch_name=s.optional(values),
        strategy_code=st.integers(2, 200),
    )


def result_of(address, fa="stored", **values):
    provider = address and AccountProvider(
        address.provider_name, address.provider_code, address.branch_code
    )
    return Result(
        "r1", Outcome.ID_ACTIVE, id="x@y", fa=fa, provider=provider, address=address, **values
    )


class TestFaFormat(BaseCase):
    def answer(self, address, fa_format):
        """The item of an answer as the format's client gets it."""
        _client, render, profile = CLIENTS.get(fa_format, (None, render_answer, "openg2p_1"))
        item = ResolveItem("r1", id="x@y", scope="details")
        request = Request(Header(message_id="m"), "resolve", "t", [item])
        results = tell([result_of(address)], fa_format)
        answer = render(request, results, profile, now=s.NOW)
        body = answer.get("message") or answer["response_body"]["response_payload"]
        [item] = body["resolve_response"]
        return item

    def test_each_bridge_gets_what_it_parses(self):
        for fa_format, (client, _render, _profile) in CLIENTS.items():
            for address, expected in EXPECTED.items():
                with self.subTest(fa_format=fa_format, fa_type=address.fa_type):
                    kept = client(self.answer(address, fa_format))
                    expected = NOTHING | expected
                    if fa_format != "bridge_2":
                        # fields of its strings that are there and empty
                        kept = {name: value or None for name, value in kept.items()}
                        expected = {name: value or None for name, value in expected.items()}
                    if fa_format == "bridge_2_v1":
                        # its patterns have the provider of a wallet under names it does not read
                        expected |= {"mobile_wallet_provider": None, "email_wallet_provider": None}
                    self.assertEqual(kept, expected)

    @s.quick
    @given(addresses(values), st.sampled_from(sorted(CLIENTS)))
    def test_read_as_meant_or_left_out(self, address, fa_format):
        item = self.answer(address, fa_format)
        kept = CLIENTS[fa_format][0](item)
        if kept is None:
            self.assertNotEqual(fa_format, "bridge_2", "an object has no borders to shift")
            self.assertEqual(item["status_reason_message"], NOT_TOLD)
            return
        number = {"bank": "account_number", "mobile_wallet": "mobile_number"}
        self.assertEqual(kept[number.get(address.fa_type, "email_address")], address.number)
        if address.fa_type == "bank":
            self.assertEqual(kept["bank_code"], address.provider_code)
            self.assertEqual(kept["branch_code"], address.branch_code or "")

    @s.quick
    @given(addresses(ordinary))
    def test_ordinary_values_are_never_left_out(self, address):
        for fa_format in CLIENTS:
            self.assertTrue(self.answer(address, fa_format).get("fa"))

    def test_opaque(self):
        for fa_format in FORMATS:
            with self.subTest(fa_format=fa_format):
                item = self.answer(None, fa_format)
                self.assertEqual((item["status"], item["id"]), ("succ", "x@y"))
                self.assertEqual(item["status_reason_code"], "succ.id.active")
                if fa_format == "string":
                    self.assertEqual(item["fa"], "stored")
                    continue
                self.assertFalse(item.get("fa") or item.get("account_provider_info"))
                self.assertEqual(item["status_reason_message"], NOT_TOLD)
                if fa_format in CLIENTS:
                    self.assertIsNone(CLIENTS[fa_format][0](item))

    def test_others_are_not_touched(self):
        results = [
            Result("1", Outcome.ID_NOT_FOUND, id="x@y"),
            Result("2", Outcome.ID_INVALID, "id: why", id="x@y"),
            Result("3", Outcome.ID_ACTIVE, id="x@y"),
        ]
        for fa_format in FORMATS:
            self.assertEqual(tell(results, fa_format), results)

    def test_what_was_asked_about_is_repeated_as_a_string_only(self):
        asked = Result("1", Outcome.FA_ACTIVE, fa="stored")
        for fa_format in FORMATS:
            [told] = tell([asked], fa_format)
            self.assertEqual(told.fa, "stored" if fa_format == "string" else None)
            self.assertIsNone(told.message)

    @s.quick
    @given(addresses(values))
    def test_objects_can_be_sent_back(self, address):
        [told] = tell([result_of(address)], "object")
        read = fa_object.parse(told.fa)
        self.assertEqual((read.strategy_id, read.fa_type), (address.strategy_code, address.fa_type))
        self.assertIn(address.number, read.parts.values())
        self.assertIn(address.provider_code, read.parts.values())


class TestFaObject(BaseCase):
    GOOD = {
        "strategy_id": 2,
        "fa_type": "BANK",
        "account_number": "1",
        "bank_code": "B",
        "bank_name": "",
        "branch_code": "",
        "branch_name": "",
    }
    WALLET = {
        "strategy_id": 4,
        "fa_type": "MOBILE_WALLET",
        "mobile_number": "1",
        "wallet_provider_code": "W",
    }

    def test_good(self):
        read = fa_object.parse(self.GOOD)
        self.assertEqual((read.strategy_id, read.fa_type), (2, "bank"))
        self.assertEqual(set(read.parts), set(self.GOOD) - {"strategy_id", "fa_type"})
        self.assertEqual(fa_object.parse(self.GOOD | {"fa_type": "BANK_ACCOUNT"}), read)
        self.assertEqual(
            fa_object.parse(self.WALLET | {"mobile_wallet_provider": "W"}).parts,
            {"mobile_number": "1", "wallet_provider_code": "W", "wallet_provider_name": ""},
        )

    def test_refused(self):
        for good, changes, field in (
            (self.GOOD, {"strategy_id": True}, "fa.strategy_id"),
            (self.GOOD, {"strategy_id": "2"}, "fa.strategy_id"),
            (self.GOOD, {"fa_type": "EMAIL_WALLET"}, "fa:"),
            (self.GOOD, {"fa_type": "bank"}, "fa.fa_type"),
            (self.GOOD, {"fa_type": ["BANK"]}, "fa.fa_type"),
            (self.GOOD, {"account_number": ""}, "fa.account_number"),
            (self.GOOD, {"account_number": 1}, "fa.account_number"),
            (self.GOOD, {"bank_code": None}, "fa.bank_code"),
            (self.GOOD, {"branch_code": 7}, "fa.branch_code"),
            (self.GOOD, {"bank_name": "\x00"}, "fa.bank_name"),
            (self.GOOD, {"mobile_number": "1"}, "fa:"),
            (self.GOOD, {"brnach_code": "1"}, "fa:"),
            (self.WALLET, {"email_wallet_provider": "1"}, "fa:"),
            (self.WALLET, {"fa_type": "EMAIL_WALLET"}, "fa:"),
        ):
            with self.subTest(changes=changes), self.assertRaises(fa_object.FaObjectError) as said:
                fa_object.parse(good | changes)
            self.assertIn(field, str(said.exception))

    @s.quick
    @given(st.dictionaries(st.sampled_from([*GOOD, *WALLET, "x"]), s.json_values))
    def test_anything(self, raw):
        try:
            read = fa_object.parse(raw)
        except fa_object.FaObjectError as error:
            self.assertTrue(str(error).startswith("fa"))
        else:
            self.assertTrue(all(isinstance(value, str) for value in read.parts.values()))
