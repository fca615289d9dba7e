# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from datetime import UTC, datetime

from odoo.tests import Form

from odoo.addons.g2p_spar_connector.controllers.dispatcher import SparHttpError
from odoo.addons.g2p_spar_connector.g2p_connect.fa_format import FORMATS, NOT_TOLD
from odoo.addons.g2p_spar_connector.tests.bridge_clients import bridge_1, bridge_2, bridge_2_v1

from .common import MapperCommon


class OpenG2P2Common(MapperCommon):
    """Messages in the envelope of OpenG2P 2.x, and a participant of each profile."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        free = {"fa_policy": "opaque", "may_override": True}
        cls.participants = {
            "strict": cls.participant,
            "openg2p_1": cls._participant("openg2p1", profile="openg2p_1", **free),
            "openg2p_2": cls._participant("openg2p2", profile="openg2p_2", **free),
        }
        cls.openg2p_2 = cls.participants["openg2p_2"]
        cls.branch = cls.env["g2p.fa.branch"].create(
            {"provider_id": cls.other_bank.id, "name": "Main", "code": "OTHB0001"}
        )
        cls.mail = cls.env["g2p.fa.provider"].create(
            {"name": "Testing Mail", "code": "TSTM", "fa_type": "email_wallet"}
        )
        cls.serial = 0

    @staticmethod
    def bank_fa(number="123456789", **values):
        return {
            "strategy_id": 2,
            "fa_type": "BANK",
            "bank_name": "Other Bank",
            "bank_code": "OTHB",
            "branch_name": "Main",
            "branch_code": "OTHB0001",
            "account_number": number,
            **values,
        }

    @staticmethod
    def bank_string(number="123456789"):
        return (
            f"account_number:{number}.branch_name:Main.branch_code:OTHB0001"
            ".bank_name:Other Bank.bank_code:OTHB.fa_type:BANK"
        )

    @staticmethod
    def mobile_fa(number="+639171234567", **values):
        return {
            "strategy_id": 4,
            "fa_type": "MOBILE_WALLET",
            "wallet_provider_name": "Testing Wallet",
            "wallet_provider_code": "TSTW",
            "mobile_number": number,
            **values,
        }

    @staticmethod
    def email_fa(address="tala@example.org", **values):
        return {
            "strategy_id": 3,
            "fa_type": "EMAIL_WALLET",
            "wallet_provider_name": "Testing Mail",
            "wallet_provider_code": "TSTM",
            "email_address": address,
            **values,
        }

    def message_2(self, operation, *items, **header):
        type(self).serial += 1
        now = datetime.now(UTC).isoformat()
        items = [
            {"reference_id": f"r{number}", "timestamp": now, **item}
            for number, item in enumerate(items)
        ]
        return {
            "request_header": {
                "sender_app_mnemonic": "",
                "sender_app_url": "",
                "request_id": f"req_{self.serial}",
                "request_timestamp": now,
                **header,
            },
            "request_body": {
                "request_payload": {
                    "transaction_id": f"txn_{self.serial}",
                    f"{operation}_request": items,
                }
            },
        }

    def message_1(self, operation, *items):
        message = self.message_2(operation, *items)
        header, body = message["request_header"], message["request_body"]["request_payload"]
        return {
            "header": {
                "message_id": header["request_id"],
                "message_ts": header["request_timestamp"],
                "action": operation,
                "sender_id": "",
                "total_count": len(items),
            },
            "message": body,
        }

    def send(self, operation, payload, participant=None, form="openg2p_2"):
        participant = participant or self.openg2p_2
        profile = self.env["g2p.spar.participant"].get_profile(participant.id)
        raw = json.dumps(payload).encode()
        status, body, _headers = self.env["g2p.spar.exchange"].answer(
            profile, operation, raw, form=form
        )
        return status, json.loads(body)

    def items(self, operation, *items, participant=None):
        """What is answered to these items in the envelope of 2.x."""
        participant = participant or self.openg2p_2
        payload = self.message_2(operation, *items, sender_app_mnemonic=participant.sender_id)
        status, answer = self.send(operation, payload, participant)
        self.assertEqual(
            (status, answer["response_header"]["response_status"]), (200, "SUCCESS"), answer
        )
        return answer["response_body"]["response_payload"][f"{operation}_response"]

    def items_1(self, operation, *items, participant=None):
        """The same in the envelope of G2P-Connect, from a participant of profile OpenG2P 1.x."""
        participant = participant or self.participants["openg2p_1"]
        payload = self.message_1(operation, *items)
        status, answer = self.send(operation, payload, participant, form="g2p_connect")
        self.assertEqual(status, 200, answer)
        return answer["message"][f"{operation}_response"]


class TestOpenG2P2(OpenG2P2Common):
    def test_round(self):
        id_ = self.id_of(1)
        [item] = self.items("link", {"id": id_, "fa": self.bank_fa(), "name": "Tala"})
        self.assertEqual((item["status"], item["fa"]), ("succ", self.bank_string()))
        [item] = self.items("resolve", {"id": id_, "scope": "details"})
        self.assertEqual((item["status"], item["status_reason_code"]), ("succ", "succ.id.active"))
        self.assertEqual(item["fa"], self.bank_fa())
        self.assertEqual(item["additional_info"], [{"strategy_id": 2}])
        self.assertEqual(
            item["account_provider_info"],
            {"name": "Other Bank", "code": "OTHB", "subcode": "OTHB0001", "additional_info": None},
        )
        [item] = self.items("resolve", {"id": id_})
        self.assertEqual((item["status_reason_code"], item["fa"]), ("succ.id.active", None))
        for fa in (self.mobile_fa(), self.email_fa()):
            [item] = self.items("update", {"id": id_, "fa": fa})
            self.assertEqual((item["status"], item["id"]), ("succ", id_))
            [item] = self.items("resolve", {"id": id_, "scope": "details"})
            alias = fa["fa_type"].lower() + "_provider"
            self.assertEqual(item["fa"], fa | {alias: fa["wallet_provider_code"]})
        [item] = self.items("unlink", {"id": id_, "fa": self.email_fa()})
        self.assertEqual(item["status"], "succ")
        [item] = self.items("resolve", {"id": id_, "scope": "details"})
        self.assertEqual(
            (item["status"], item["status_reason_code"]), ("succ", "succ.fa.not_linked_to_id")
        )
        self.assertEqual((item["id"], item["fa"]), (id_, None))

    def test_profiles(self):
        """The path chooses the envelope, the participant's profile the codes."""
        self.link(self.free, (self.id_of(1), self.fa()))
        fa = self.bank_fa()
        for operation, item, strict, openg2p in (
            (
                "link",
                {"id": self.id_of(1), "fa": fa},
                ("rjct", "rjct.other.error", None),
                ("rjct", "rjct.reference_id.duplicate", "ID and FA are already mapped"),
            ),
            (
                "update",
                {"id": self.id_of(2), "fa": fa},
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.id.invalid", "ID doesnt exist please link first"),
            ),
            (
                "unlink",
                {"id": self.id_of(2)},
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.id.invalid", "ID doesnt exist please link first"),
            ),
            (
                "resolve",
                {"id": self.id_of(2)},
                ("succ", "succ.id.not_found", None),
                ("succ", "succ.fa.not_linked_to_id", "ID doesn't exist, please link first"),
            ),
            (
                "resolve",
                {},
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.reference_id.invalid", "ID is required"),
            ),
            (
                "link",
                {"id": "", "fa": fa},
                ("rjct", "rjct.id.invalid", None),
                ("rjct", "rjct.id.invalid", "ID is null"),
            ),
            (
                "link",
                {"id": self.id_of(3)},
                ("rjct", "rjct.fa.invalid", None),
                ("rjct", "rjct.fa.invalid", "FA is null"),
            ),
            (
                "unlink",
                {"id": self.id_of(1), "timestamp": "2024"},
                ("rjct", "rjct.timestamp.invalid", None),
                ("succ", None, None),
            ),
        ):
            for profile, participant in self.participants.items():
                expected = strict if profile == "strict" else openg2p
                with self.subTest(operation=operation, item=item, profile=profile):
                    with self.env.cr.savepoint() as savepoint:
                        [got] = self.items(operation, item, participant=participant)
                        if operation == "unlink":
                            savepoint.rollback()
                    self.assertEqual((got["status"], got["status_reason_code"]), expected[:2])
                    if expected[2]:
                        self.assertEqual(got["status_reason_message"], expected[2])

    def test_openg2p_takes_what_its_clients_send(self):
        item = {
            "fa": self.bank_fa(),
            "timestamp": "2024",
            "phone_number": "string",
            "locale": "en-GB",
            "additional_info": {"any": ["thing"]},
        }
        for number, (profile, participant) in enumerate(self.participants.items()):
            [linked] = self.items("link", item | {"id": f"plain{number}"}, participant=participant)
            strict = profile == "strict"
            self.assertEqual(linked["status"], "rjct" if strict else "succ")
            [item_told] = self.items("resolve", {"id": f"plain{number}", "scope": "details"})
            self.assertEqual(item_told["fa"], None if strict else self.bank_fa())

    def test_reference_id_twice(self):
        items = [{"id": self.id_of(9), "reference_id": "r"}] * 2
        for profile, participant in self.participants.items():
            first, second = self.items("resolve", *items, participant=participant)
            self.assertEqual(first["status"], "succ")
            code = second["status_reason_code"]
            self.assertEqual(code == "rjct.reference_id.duplicate", profile == "strict")

    def test_fa_must_be_in_the_directory(self):
        """Whatever the participant may write elsewhere; and the other items are done."""
        self.env["g2p.fa.strategy"].create(
            {
                "name": "Shadow of 2",
                "code": 201,
                "fa_type": "bank",
                "construct_pattern": "account_number:{account_number}.branch_name:{branch_name}"
                ".branch_code:{branch_code}.bank_name:{bank_name}.bank_code:{bank_code}"
                ".fa_type:BANK",
            }
        )
        archived = self.env["g2p.fa.strategy"].create(
            {
                "name": "Old",
                "code": 202,
                "fa_type": "bank",
                "construct_pattern": "old:{account_number}@{bank_code}",
                "active": False,
            }
        )
        self.assertFalse(archived.active)
        for fa, field in (
            (self.bank_fa(strategy_id=999), "fa.strategy_id"),
            (self.bank_fa(strategy_id=1), "fa.strategy_id"),
            (self.bank_fa(strategy_id="2"), "fa.strategy_id"),
            (self.bank_fa(strategy_id=4), "fa.fa_type"),
            (self.bank_fa(strategy_id=201), "fa.strategy_id"),
            (self.bank_fa(strategy_id=202, branch_code=""), "fa.strategy_id"),
            (self.bank_fa(fa_type="EMAIL_WALLET"), "fa"),
            (self.bank_fa(fa_type="CRYPTO"), "fa.fa_type"),
            (self.bank_fa(bank_code="NOBODY"), "fa.bank_code"),
            (self.bank_fa(bank_code="TSTW"), "fa_type"),
            (self.bank_fa(bank_code="TSTB"), "fa.branch_code"),  # it has no branches on record
            (self.bank_fa(branch_code="OTHB0009"), "branch_code"),
            (self.bank_fa(branch_code=""), "branch_code"),
            (self.bank_fa(strategy_id=101), "fa.branch_code"),  # no place for it: would be lost
            (self.bank_fa(number="12 34"), "account_number"),
            (self.bank_fa(number=123456789), "fa.account_number"),
            (self.bank_fa(bank_name="X.bank_code:EVIL"), "bank_name"),
            (self.bank_fa(branch_name="x" * 600), "fa"),
            (self.bank_fa(branch_name="a\nb"), "fa"),
            (self.mobile_fa(wallet_provider_code="NOBODY"), "fa.wallet_provider_code"),
            (self.mobile_fa() | {"email_address": "x"}, "fa"),
            ("account:123456789@TSTB", "fa"),
            ([], "fa"),
        ):
            for operation in ("link", "update"):
                with self.subTest(operation=operation, fa=fa), self.env.cr.savepoint() as savepoint:
                    if operation == "update":
                        for number in (1, 2):
                            self.link(self.free, (self.id_of(number), self.fa()))
                    bad, good = self.items(
                        operation,
                        {"id": self.id_of(1), "fa": fa},
                        {"id": self.id_of(2), "fa": self.bank_fa()},
                    )
                    self.assertEqual(
                        (bad["status"], bad["status_reason_code"]), ("rjct", "rjct.fa.invalid")
                    )
                    self.assertRegex(bad["status_reason_message"], rf"\b{field}:")
                    self.assertEqual(bad["id"], self.id_of(1))
                    self.assertEqual(good["status"], "succ")
                    savepoint.rollback()

    def test_the_address_that_is_there_may_stay(self):
        """Also where it could not be linked any more."""
        item = {"id": self.id_of(1), "fa": self.bank_fa()}
        self.items("link", item)
        self.other_bank.active = False
        [other] = self.items("update", item | {"fa": self.bank_fa("987654321")})
        self.assertEqual(other["status_reason_code"], "rjct.fa.invalid")
        [same] = self.items("update", item | {"name": "Tala"})
        self.assertEqual(same["status"], "succ")
        [told] = self.items("resolve", {"id": self.id_of(1), "scope": "details"})
        self.assertEqual(told["fa"], self.bank_fa())

    def test_who_may_write_what_still_holds(self):
        bank = self._participant(
            "own",
            profile="openg2p_2",
            institution_id=self.bank.id,
            own_institution_only=True,
        )
        [item] = self.items("link", {"id": self.id_of(1), "fa": self.bank_fa()}, participant=bank)
        self.assertEqual(item["status_reason_code"], "rjct.fa.invalid")
        self.assertIn("may not link", item["status_reason_message"])

    def test_the_writers_strategy_id_wins_nothing(self):
        item = {"id": self.id_of(1), "fa": self.bank_fa()}
        info = [{"strategy_id": 3, "more": 1}]
        self.items("link", item | {"additional_info": info})
        [item] = self.items("resolve", {"id": self.id_of(1), "scope": "details"})
        self.assertEqual(item["fa"], self.bank_fa())
        self.assertEqual(item["additional_info"], [{"strategy_id": 2, "more": 1}])
        self.items("update", {"id": self.id_of(1), "fa": self.mobile_fa()})
        [item] = self.items("resolve", {"id": self.id_of(1), "scope": "details"})
        self.assertEqual(item["additional_info"], [{"strategy_id": 4, "more": 1}])

    def test_from_2_to_1_and_back(self):
        fas = [self.bank_fa(), self.mobile_fa(), self.email_fa()]
        ids = [self.id_of(number) for number in range(3)]
        linked = self.items("link", *({"id": i, "fa": fa} for i, fa in zip(ids, fas, strict=True)))
        resolved = self.items_1("resolve", *({"id": i, "scope": "details"} for i in ids))
        self.assertEqual([item["fa"] for item in resolved], [item["fa"] for item in linked])
        again = [self.id_of(number) for number in range(3, 6)]
        self.items_1(
            "link",
            *({"id": i, "fa": item["fa"]} for i, item in zip(again, resolved, strict=True)),
        )
        told = [
            item["fa"]
            for item in self.items("resolve", *({"id": i, "scope": "details"} for i in again))
        ]
        self.assertEqual([{k: one[k] for k in fa} for one, fa in zip(told, fas, strict=True)], fas)
        # and what was told can be sent back as it is
        changed = self.items(
            "update", *({"id": i, "fa": fa} for i, fa in zip(again, told, strict=True))
        )
        self.assertEqual([item["status"] for item in changed], ["succ"] * 3)
        self.assertEqual([r.fa for r in self.resolve(*again)], [item["fa"] for item in linked])

    def test_opaque(self):
        self.link(self.free, (self.id_of(1), "any old address"), additional_info=[{"a": 1}])
        [item] = self.items("resolve", {"id": self.id_of(1), "scope": "details"})
        self.assertEqual((item["status"], item["status_reason_code"]), ("succ", "succ.id.active"))
        self.assertEqual((item["fa"], item["account_provider_info"]), (None, None))
        self.assertEqual(item["status_reason_message"], NOT_TOLD)
        self.assertEqual(item["additional_info"], [{"a": 1}])
        self.openg2p_2.fa_format = "string"
        [item] = self.items("resolve", {"id": self.id_of(1), "scope": "details"})
        self.assertEqual((item["fa"], item["status_reason_message"]), ("any old address", None))

    def test_fa_asked_about(self):
        """In resolve and unlink an FA is a string or an object; objects need not be at a provider
        that still is on record."""
        self.items("link", {"id": self.id_of(1), "fa": self.bank_fa()})
        for fa, by_fa, by_both in (
            (self.bank_fa(), "succ.fa.active", "succ.id.active"),
            (self.bank_string().upper(), "succ.fa.active", "succ.id.active"),
            (self.bank_fa("987654321"), "succ.fa.not_found", "succ.fa.not_linked_to_id"),
            (self.bank_fa(bank_code="NOBODY"), "succ.fa.not_found", "succ.fa.not_linked_to_id"),
            (self.bank_fa(strategy_id=999), "rjct.fa.invalid", "rjct.fa.invalid"),
            (self.bank_fa(strategy_id=4), "rjct.fa.invalid", "rjct.fa.invalid"),
        ):
            with self.subTest(fa=fa):
                first, second = self.items(
                    "resolve",
                    {"fa": fa, "scope": "details"},
                    {"fa": fa, "id": self.id_of(1), "scope": "details"},
                )
                codes = [first["status_reason_code"], second["status_reason_code"]]
                self.assertEqual(codes, [by_fa, by_both])
                self.assertIsNone(first["fa"], "never whose, and what was asked is no object")
        for fa, status in ((self.bank_fa("1"), "rjct"), (self.bank_fa(strategy_id=9), "rjct")):
            [item] = self.items("unlink", {"id": self.id_of(1), "fa": fa})
            self.assertEqual(item["status"], status)
        [item] = self.items("unlink", {"id": self.id_of(1), "fa": self.bank_string()})
        self.assertEqual(item["status"], "succ")

    def test_bridges(self):
        """Each Bridge, at the path that it calls, with the format that is meant for it."""
        self.items("link", {"id": self.id_of(1), "fa": self.bank_fa()})
        self.link(self.free, (self.id_of(2), self.fa()), (self.id_of(3), "opaque"))
        items = [{"id": self.id_of(number), "scope": "details"} for number in (1, 2, 3, 4)]
        for fa_format, profile, call, client in (
            ("bridge_1", "openg2p_1", self.items_1, bridge_1),
            ("bridge_2", "openg2p_2", self.items, bridge_2),
            ("bridge_2_v1", "openg2p_1", self.items_1, bridge_2_v1),
        ):
            with self.subTest(fa_format=fa_format):
                bridge = self._participant(f"{fa_format}", profile=profile, fa_format=fa_format)
                one, two, *nothing = map(client, call("resolve", *items, participant=bridge))
                for kept, bank, branch in ((one, "OTHB", "OTHB0001"), (two, "TSTB", "")):
                    self.assertEqual(
                        (kept["fa_type"], kept["account_number"], kept["bank_code"]),
                        ("BANK_ACCOUNT", "123456789", bank),
                    )
                    self.assertEqual(kept["branch_code"], branch)
                self.assertEqual(nothing, [None, None])

    def test_format_by_profile(self):
        formats = {p: participant.fa_format for p, participant in self.participants.items()}
        self.assertEqual(
            formats, {"strict": "string", "openg2p_1": "string", "openg2p_2": "object"}
        )
        given = self._participant("bridge", profile="openg2p_1", fa_format="bridge_1")
        self.assertEqual(given.fa_format, "bridge_1")
        given.profile = "openg2p_2"
        self.assertEqual(given.fa_format, "object")
        choices = self.env["g2p.spar.participant"]._fields["fa_format"].get_values(self.env)
        self.assertEqual(choices, list(FORMATS))

    def test_format_on_the_form(self):
        with Form(self.env["g2p.spar.participant"]) as form:
            form.name, form.sender_id = "Bridge", "bridge.test"
            self.assertEqual(form.fa_format, "string")
            form.profile = "openg2p_2"
            self.assertEqual(form.fa_format, "object")
            form.fa_format = "bridge_2"
        self.assertEqual(form.record.fa_format, "bridge_2")

    def test_replay(self):
        """Strict: a retry gets the first answer. OpenG2P's clients repeat their ids."""
        item = {"id": self.id_of(1), "fa": self.bank_fa()}
        payload = self.message_2("link", item, sender_app_mnemonic="free.test")
        first = self.send("link", payload, self.participant)
        payload["request_header"]["request_timestamp"] = datetime.now(UTC).isoformat()
        self.assertEqual(self.send("link", payload, self.participant), first)
        payload["request_body"]["request_payload"]["link_request"][0]["id"] = self.id_of(2)
        status, answer = self.send("link", payload, self.participant)
        header = answer["response_header"]
        self.assertEqual(
            (status, header["response_status"], header["response_error_code"]),
            (200, "ERROR", "rjct.message_id.duplicate"),
        )
        payload = self.message_2("link", item, item | {"id": self.id_of(2)})
        for expected in (["rjct", "succ"], ["rjct", "rjct"]):
            _status, answer = self.send("link", payload)
            items = answer["response_body"]["response_payload"]["link_response"]
            self.assertEqual([item["status"] for item in items], expected)

    def test_sender(self):
        for participant, sender, allowed in (
            (self.openg2p_2, "", True),
            (self.openg2p_2, "OPENG2P2.test", True),
            (self.openg2p_2, "free.test", False),
            (self.participant, "openg2p2.test", False),
        ):
            payload = self.message_2("resolve", {"id": "x@y"}, sender_app_mnemonic=sender)
            with self.subTest(profile=participant.profile, sender=sender):
                if allowed:
                    self.assertEqual(self.send("resolve", payload, participant)[0], 200)
                    continue
                with self.assertRaises(SparHttpError) as raised:
                    self.send("resolve", payload, participant)
                self.assertEqual(raised.exception.status, 403)

    def test_message_is_on_record(self):
        self.items("link", {"id": self.id_of(1), "fa": self.bank_fa()}, {"id": "", "fa": {}})
        message = self.env["g2p.spar.message"].search([], limit=1)
        self.assertRecordValues(
            message,
            [
                {
                    "participant_id": self.openg2p_2.id,
                    "operation": "link",
                    "message_id": f"req_{self.serial}",
                    "transaction_id": f"txn_{self.serial}",
                    "item_count": 2,
                    "succeeded_count": 1,
                    "rejected_count": 1,
                }
            ],
        )

    def statements(self, operation, prefix, size):
        items = [
            {"id": f"{prefix}{number}@x", "fa": self.bank_fa(f"{len(operation):09}")}
            for number in range(size)
        ]
        payload = self.message_2(operation, *items)
        before = self.env.cr.sql_log_count
        _status, answer = self.send(operation, payload)
        count = self.env.cr.sql_log_count - before
        told = answer["response_body"]["response_payload"][f"{operation}_response"]
        self.assertEqual({item["status"] for item in told}, {"succ"})
        return count

    def test_statements_do_not_depend_on_items(self):
        for operation in ("link", "update", "resolve", "unlink"):
            self.statements(operation, "warm", 1)
            with self.subTest(operation=operation):
                one, many = self.statements(operation, "a", 1), self.statements(operation, "b", 100)
                self.assertEqual(one, many)
