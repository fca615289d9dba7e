# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.service.model import get_public_method

from ..g2p_connect.values import Outcome, Result
from ..models import g2p_spar_connector_partner
from ..secret import SecretKeyMissing
from .partner_common import PartnerCommon

PAYABLE_ONLY = (
    "fa",
    "fa_type",
    "fa_parts",
    "number",
    "provider_code",
    "provider_name",
    "branch_code",
    "branch_name",
    "name",
    "since",
)
METHODS = (
    "id_for_partners",
    "has_fa",
    "resolve_partners",
    "link_partners",
    "update_partners",
    "unlink_partners",
)


class TestResolve(PartnerCommon):
    def resolve(self, partners, **options):
        return self.connectors.resolve_partners(partners, **options)

    def test_an_answer_for_everybody(self):
        contacts = self._contacts("1", "2", "3", False, "4 4")
        linked, absent, suspended, without, unfit = contacts
        self.mapper.put(n1="account:111222333@PAYB", n3="account:333@PAYB")
        self.mapper.suspended.add("token:3@nationalId")
        results = self.resolve(contacts, purpose="Cycle 7")
        self.assertEqual(list(results), contacts.ids)
        self.assertEqual(
            [results[contact.id]["outcome"] for contact in contacts],
            ["id_active", "id_not_found", "id_inactive", "id_missing", "id_missing"],
        )
        self.assertEqual(
            [results[contact.id]["status"] for contact in contacts],
            ["succ", "succ", "succ", "rjct", "rjct"],
        )
        self.assertEqual(results[absent.id]["reason_code"], "succ.id.not_found")
        self.assertEqual(results[without.id]["reason_code"], "rjct.id.invalid")
        self.assertEqual(results[suspended.id]["message"], "The address is suspended.")
        self.assertIn("without blanks", results[unfit.id]["message"])
        self.assertNotIn("4 4", results[unfit.id]["message"])

    def test_what_can_be_paid_to(self):
        contact = self._contacts("1")
        self.mapper.put(n1="account:111222333@PAYB")
        result = self.resolve(contact)[contact.id]
        self.assertEqual(
            {name: result[name] for name in PAYABLE_ONLY},
            {
                "fa": "account:111222333@PAYB",
                "fa_type": "bank",
                "fa_parts": {
                    "account_number": "111222333",
                    "bank_code": "PAYB",
                    "bank_name": "Provider PAYB",
                    "branch_code": "",
                    "branch_name": "",
                    "fa_type": "BANK",
                    "strategy_id": 101,
                },
                "number": "111222333",
                "provider_code": "PAYB",
                "provider_name": "Provider PAYB",
                "branch_code": None,
                "branch_name": None,
                "name": None,
                "since": None,
            },
        )
        self.assertEqual(result["partner_id"], contact.id)
        self.assertEqual(result["payee_partner_id"], contact.id)
        self.assertEqual(result["id"], "token:1@nationalId")
        self.assertRegex(result["resolved_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
        self.assertIs(result["never_linked"], False)

    def test_nobody_else_gets_an_address(self):
        contacts = self._contacts("1", "2", False)
        self.mapper.put(n1="account:1@PAYB")
        self.mapper.suspended.add("token:1@nationalId")
        for result in self.resolve(contacts).values():
            self.assertFalse(any(result[name] for name in PAYABLE_ONLY), result)

    def test_an_address_that_cannot_be_read(self):
        contact = self._contacts("1")
        self.mapper.put(n1="somewhere:else@bank.ifsc")
        result = self.resolve(contact)[contact.id]
        self.assertEqual(result["outcome"], "id_active")
        self.assertEqual(result["fa"], "somewhere:else@bank.ifsc")
        self.assertIsNone(result["number"])
        self.assertIsNone(result["fa_parts"])

    def test_results_survive_a_job_queue(self):
        contacts = self._contacts("1", "2", False)
        self.mapper.put(n1="account:1@PAYB")
        results = self.resolve(contacts)
        members = {frozenset(result) for result in results.values()}
        self.assertEqual(len(members), 1, "the same members whatever came out")
        for result in results.values():
            self.assertEqual(json.loads(json.dumps(result)), result)

    def test_duplicates_collapse(self):
        contacts = self._contacts("1", "1", "2")
        self.mapper.put(n1="account:1@PAYB")
        results = self.resolve(contacts)
        self.assertEqual(self.mapper.asked, ["token:1@nationalId", "token:2@nationalId"])
        for contact in contacts[:2]:
            self.assertEqual(results[contact.id]["fa"], "account:1@PAYB")
            self.assertEqual(results[contact.id]["partner_id"], contact.id)
            self.assertEqual(results[contact.id]["payee_partner_id"], contact.id)

    def test_nobody_is_no_question(self):
        before = self.lookups()
        self.assertEqual(self.resolve(self.env["res.partner"]), {})
        self.assertFalse(self.mapper.calls)
        self.assertEqual(self.lookups(), before)

    def test_never_linked(self):
        contacts = self._contacts("1", "2", "3", False)
        self.mapper.put(n1="account:1@PAYB", n2="account:2@PAYB")
        self.mapper.fas.pop("token:2@nationalid")

        def told():
            return [result["never_linked"] for result in self.resolve(contacts).values()]

        self.assertEqual(told(), [False, False, True, None])
        with patch.object(type(self.connector), "_ever_linked", side_effect=SecretKeyMissing):
            self.assertEqual(told(), [False, None, None, None])
        self.mapper.capabilities = set()
        self.assertEqual(told(), [False, None, None, None])
        self.mapper.away = True
        self.assertEqual(told(), [None] * 4)

    def test_never_linked_under_any_id(self):
        contact = self._contacts("1", vat="old-1")
        later = self.rule.create({"name": "Later", "sequence": 99, "field_name": "vat"})
        self.assertIs(self.resolve(contact)[contact.id]["never_linked"], True)
        self.mapper.ever.add("old-1")
        self.assertIs(self.resolve(contact)[contact.id]["never_linked"], False)
        later.active = False
        self.assertIs(self.resolve(contact)[contact.id]["never_linked"], False, "it once counted")

    def test_a_void_reference(self):
        """Nothing stands in for it, and who was linked under it has been linked."""
        contact, other = self._contacts("1", "2", vat="of-somebody-else")
        self.rule.create({"name": "Later", "sequence": 99, "field_name": "vat"})
        self.mapper.link("of-somebody-else", "account:1@PAYB")
        rules = type(self.rule)
        origin = rules._raw_values

        def is_void(rule):
            return rule.field_name == "ref"

        def raw(rule, partners):
            return {} if is_void(rule) else origin(rule, partners)

        def void(rule, partners):
            return {contact.id: "1"} if is_void(rule) else {}

        with patch.object(rules, "_raw_values", raw), patch.object(rules, "_void_values", void):
            results = self.resolve(contact + other)
            self.assertEqual(results[contact.id]["outcome"], "id_missing")
            self.assertIn("Reference: it is invalid or has expired", results[contact.id]["message"])
            self.assertEqual(results[other.id]["outcome"], "id_active")
            self.mapper.fas.clear()
            self.mapper.ever = {"token:1@nationalId"}
            later = self.resolve(contact, rule=self.rule.search([("name", "=", "Later")]))
            self.assertIs(later[contact.id]["never_linked"], False)

    def test_never_linked_while_a_change_waits_or_has_failed(self):
        contact, same = self._contacts("1", "1")
        self.connectors.link_partners([(same, "account:1@PAYB")], "new", queue=True)
        changes = self.env["g2p.spar.outbox"].search([("partner_id", "=", same.id)])
        for state, expected in (("waiting", None), ("failed", None), ("cancelled", True)):
            with self.subTest(state):
                changes.state = state
                self.assertIs(self.resolve(contact)[contact.id]["never_linked"], expected)

    def test_words_of_the_mapper(self):
        contact = self._contacts("1")
        told = Result("1", Outcome.ID_NOT_FOUND, "there is no TOKEN:1@nationalId")
        with patch.object(self.mapper, "_resolve", lambda item: told):
            result = self.resolve(contact)[contact.id]
        self.assertEqual(result["message"], "No address is linked to this ID.")
        with patch.object(self.mapper, "_resolve", lambda item: told._replace(message="ask us")):
            self.assertIn("ask us", self.resolve(contact)[contact.id]["message"])

    def test_payees_know_the_rule(self):
        contact = self._contacts("1")
        seen = []

        def payees(partners, rule=None):
            seen.append(rule)
            return {contact.id: contact}

        with patch.object(type(contact), "_spar_payees", payees):
            self.resolve(contact, rule=self.rule)
            self.resolve(contact)
        self.assertEqual(seen, [self.rule, None])

    def test_payees(self):
        household, head, lonely = self._contacts(False, "1", "2")
        self.mapper.put(n1="account:1@PAYB", n2="account:2@PAYB")
        both = household + head
        results = self.resolve(
            household + head + lonely, payees={household.id: head, head.id: head, lonely.id: None}
        )
        self.assertEqual(self.mapper.asked, ["token:1@nationalId"])
        for contact in both:
            self.assertEqual(results[contact.id]["partner_id"], contact.id)
            self.assertEqual(results[contact.id]["payee_partner_id"], head.id)
            self.assertEqual(results[contact.id]["fa"], "account:1@PAYB")
        self.assertEqual(results[lonely.id]["outcome"], "no_payee")
        self.assertIsNone(results[lonely.id]["payee_partner_id"])

    def test_payees_by_the_hook(self):
        household, head = self._contacts(False, "1")
        self.mapper.put(n1="account:1@PAYB")
        payees = {household.id: head, head.id: head}
        with patch.object(type(head), "_spar_payees", lambda partners, rule=None: payees):
            results = self.resolve(household)
            self.assertEqual(self.connectors.has_fa(household), household)
        self.assertEqual(results[household.id]["payee_partner_id"], head.id)

    def test_has_fa(self):
        contacts = self._contacts("1", "2", "3", False)
        self.mapper.put(n1="account:1@PAYB", n3="account:3@PAYB")
        self.mapper.suspended.add("token:3@nationalId")
        self.assertEqual(self.connectors.has_fa(contacts), contacts[0])
        self.assertEqual({item.scope for item in self.mapper.calls[0][2]}, {"yes_no"})

    def test_id_for_partners(self):
        before = self.lookups()
        contacts = self._contacts("1", False)
        self.assertEqual(
            self.connectors.id_for_partners(contacts),
            {contacts[0].id: "token:1@nationalId", contacts[1].id: False},
        )
        self.assertEqual(self.lookups(), before)

    def test_who_asks(self):
        contact = self._contacts("1")

        def actor(connectors, **options):
            self.mapper.calls.clear()
            connectors.resolve_partners(contact, purpose="Cycle 7", **options)
            return self.mapper.calls[0][1]

        officer = self.users["officer"]
        asked = actor(self.as_user("officer"))
        self.assertEqual(
            (asked.kind, asked.channel, asked.name, asked.user_id, asked.reason),
            ("staff", "pbms", officer.name, officer.id, "Cycle 7"),
        )
        self.assertEqual(actor(self.as_user("employee").sudo()).kind, "staff")
        self.assertEqual(actor(self.as_user("portal").sudo()).kind, "system")
        self.assertEqual(actor(self.connectors.with_user(1)).kind, "system")
        asked = actor(self.as_user("officer"), channel="back_office")
        self.assertEqual(asked.channel, "back_office")
        with self.assertRaises(ValueError):
            actor(self.connectors, channel="api")


class TestChange(PartnerCommon):
    def outcomes(self, results):
        return [result["outcome"] for result in results]

    def test_link_update_unlink(self):
        one, two = contacts = self._contacts("1", "2")
        results = self.connectors.link_partners(
            [(one, "account:1@PAYB"), (two, "account:2@PAYB")], "asked for"
        )
        self.assertEqual(self.outcomes(results), ["done", "done"])
        self.assertEqual([result["partner_id"] for result in results], contacts.ids)
        self.assertFalse(any(result["fa"] for result in results))
        results = self.connectors.link_partners([(one, "account:9@PAYB")], "asked for")
        self.assertEqual(self.outcomes(results), ["already_linked"])
        self.assertEqual(results[0]["message"], "An address is linked already: change it instead.")
        results = self.connectors.update_partners([(one, "account:9@PAYB")], "moved")
        self.assertEqual(self.outcomes(results), ["done"])
        self.assertEqual(self.mapper.fas["token:1@nationalid"], "account:9@PAYB")
        results = self.connectors.unlink_partners(contacts, "gone")
        self.assertEqual(self.outcomes(results), ["done", "done"])
        self.assertFalse(self.mapper.fas)
        self.assertEqual(json.loads(json.dumps(results)), results)

    def test_addresses_by_their_parts(self):
        contacts = self._contacts("1", "2", "3")
        fas = [
            {"provider_id": self.bank.id, "number": "111222333"},
            {"fa_type": "mobile_wallet", "provider_code": "payw", "number": "+25470000001"},
            "account:3@PAYB",
        ]
        results = self.connectors.link_partners(list(zip(contacts, fas, strict=True)), "new")
        self.assertEqual(self.outcomes(results), ["done"] * 3)
        self.assertEqual(
            list(self.mapper.fas.values()),
            ["account:111222333@PAYB", "mobile:+25470000001@PAYW", "account:3@PAYB"],
        )

    def test_a_bad_address_harms_no_other(self):
        contacts = self._contacts("1", "2")
        results = self.connectors.link_partners(
            [
                (contacts[0], {"provider_id": self.bank.id, "number": ""}),
                (contacts[1], "account:2@PAYB"),
                (contacts[0], {"provider_id": self.bank.id, "branch_id": 0, "number": 5}),
            ],
            "new",
        )
        self.assertEqual(self.outcomes(results), ["fa_invalid", "done", "fa_invalid"])
        self.assertIn("number: is missing", results[0]["message"])
        self.assertIn("number: must be a string", results[2]["message"])
        self.assertEqual(results[0]["status"], "rjct")
        self.assertEqual(self.mapper.asked, ["token:2@nationalId"])

    def test_duplicates(self):
        """The same for the same ID is asked for once; what contradicts goes on in its order."""
        one, same = self._contacts("1", "1")
        results = self.connectors.link_partners(
            [(one, "account:1@PAYB"), (same, "account:1@PAYB"), (same, "account:2@PAYB")], "new"
        )
        self.assertEqual(self.outcomes(results), ["done", "done", "already_linked"])
        self.assertEqual([r["partner_id"] for r in results], [one.id, same.id, same.id])
        self.assertEqual(len(self.mapper.asked), 2)

    def test_a_reason_is_needed(self):
        contact = self._contacts("1")
        for reason in ("", "  ", None):
            with self.assertRaisesRegex(UserError, "Say why"):
                self.connectors.link_partners([(contact, "account:1@PAYB")], reason)
        self.assertFalse(self.mapper.calls)

    def test_the_outbox(self):
        contacts = self._contacts("1", "2", False)
        items = [(contact, f"account:{contact.ref}@PAYB") for contact in contacts]
        items.append((contacts[0], {"provider_id": self.bank.id}))
        results = self.connectors.link_partners(items, "new", queue=True)
        self.assertEqual(self.outcomes(results), ["queued", "queued", "id_missing", "fa_invalid"])
        self.assertEqual([r["status"] for r in results], ["pdng", "pdng", "rjct", "rjct"])
        self.assertFalse(self.mapper.calls)
        rows = self.env["g2p.spar.outbox"].search([("connector_id", "=", self.connector.id)])
        self.assertEqual(rows.partner_id, contacts[:2])
        self.assertEqual(self.lookups()[-1].queued_count, 2)

    def test_what_waits_in_the_outbox_is_not_overtaken(self):
        one, two = self._contacts("1", "2")
        self.connectors.link_partners([(one, "account:1@PAYB")], "first", queue=True)
        self.mapper.put(n1="account:0@PAYB", n2="account:0@PAYB")
        results = self.connectors.update_partners(
            [(one, "account:9@PAYB"), (two, "account:9@PAYB")], "second"
        )
        self.assertEqual(self.outcomes(results), ["unavailable", "done"])
        self.assertEqual(
            results[0]["message"], "An earlier change of this contact waits in the outbox."
        )
        self.assertEqual(self.mapper.fas["token:1@nationalid"], "account:0@PAYB")
        results = self.connectors.resolve_partners(one)
        self.assertEqual(results[one.id]["fa"], "account:0@PAYB", "looking is free")

    def test_nor_by_another_contact_with_the_same_id(self):
        one, same = self._contacts("1", "1")
        self.mapper.put(n1="account:0@PAYB")
        self.connectors.update_partners([(one, "account:1@PAYB")], "first", queue=True)
        one.unlink()
        [result] = self.connectors.update_partners([(same, "account:9@PAYB")], "second")
        self.assertEqual(result["outcome"], "unavailable")
        dialog = self.env["g2p.spar.partner.change"].create({"partner_id": same.id})
        self.assertTrue(dialog.follows_another)
        self.assertEqual(same.spar_look_up()["waiting"], 1)


class TestAway(PartnerCommon):
    """What cannot be answered is said, and nothing is raised."""

    def assertUnavailable(self, text):
        contacts = self._contacts("1", "2")
        results = self.connectors.resolve_partners(contacts)
        for result in results.values():
            self.assertEqual(result["outcome"], "unavailable")
            self.assertEqual(result["status"], "rjct")
            self.assertRegex(result["message"], text)
            self.assertIsNone(result["fa"])
            self.assertIsNone(result["never_linked"])
        self.assertFalse(self.connectors.has_fa(contacts))
        for result in self.connectors.link_partners([(contacts[0], "account:1@PAYB")], "new"):
            self.assertEqual(result["outcome"], "unavailable")
            self.assertRegex(result["message"], text)

    def test_away(self):
        self.mapper.away = True
        self.assertUnavailable("^The mapper is away; try again later.$")

    def test_no_backend(self):
        def refuse(connector, *args, **options):
            text = f"The connector {connector.name} has no backend."
            raise UserError(text)

        with patch.object(type(self.connector), "_call", refuse):
            self.assertUnavailable("Here has no backend")

    def test_a_key_is_missing(self):
        def refuse(*args, **options):
            raise SecretKeyMissing("The key digest_key is missing.")

        with patch.object(type(self.connector), "_call", refuse):
            self.assertUnavailable("^The key digest_key is missing.$")

    def test_no_connector(self):
        contact = self._contacts("1")
        self.connector.active = False
        self.assertEqual(
            self.connectors.resolve_partners(contact)[contact.id]["outcome"], "no_connector"
        )
        self.assertFalse(self.connectors.has_fa(contact))

    def test_misuse_is_raised(self):
        def refuse(*args, **options):
            text = "not yours"
            raise AccessError(text)

        with patch.object(type(self.connector), "_call", refuse), self.assertRaises(AccessError):
            self.connectors.resolve_partners(self._contacts("1"))

    def test_once_it_is_away_no_more_is_asked(self):
        contacts = self._contacts(*map(str, range(1, 8)))
        answers = iter([Outcome.ID_NOT_FOUND, Outcome.RETRY])
        calls = []

        def call(connector, operation, actor, items, **options):
            calls.append(len(items))
            outcome = next(answers)
            return [Result(item.reference_id, outcome) for item in items]

        with (
            patch.object(g2p_spar_connector_partner, "CHUNK", 3),
            patch.object(type(self.connector), "_call", call),
        ):
            results = self.connectors.resolve_partners(contacts)
        self.assertEqual(calls, [3, 3])
        self.assertEqual(
            [results[contact.id]["outcome"] for contact in contacts],
            ["id_not_found"] * 3 + ["unavailable"] * 4,
        )


class TestAccess(PartnerCommon):
    def calls(self, contact):
        """By name, a call of each method about this contact."""
        item = (contact, "account:1@PAYB")
        return {
            "id_for_partners": lambda connectors: connectors.id_for_partners(contact),
            "has_fa": lambda connectors: connectors.has_fa(contact),
            "resolve_partners": lambda connectors: connectors.resolve_partners(contact),
            "link_partners": lambda connectors: connectors.link_partners([item], "new"),
            "update_partners": lambda connectors: connectors.update_partners([item], "new"),
            "unlink_partners": lambda connectors: connectors.unlink_partners(contact, "new"),
        }

    def test_roles(self):
        may = {
            "portal": (),
            "employee": (),
            "viewer": METHODS[:2],
            "officer": METHODS,
            "manager": METHODS,
        }
        for user, allowed in may.items():
            for name, call in self.calls(self._contacts("1")).items():
                with self.subTest(user=user, method=name):
                    if name in allowed:
                        call(self.as_user(user))
                        continue
                    with self.assertRaises(AccessError):
                        call(self.as_user(user))
        for name, call in self.calls(self._contacts("1")).items():
            with self.subTest(method=name):
                call(self.as_user("portal").sudo())

    def test_a_refused_call_asks_nothing_and_leaves_no_trace(self):
        before = self.lookups()
        with self.assertRaises(AccessError):
            self.as_user("viewer").resolve_partners(self._contacts("1"))
        self.assertFalse(self.mapper.calls)
        self.assertEqual(self.lookups(), before)

    def test_nothing_can_be_called_over_rpc(self):
        for name in METHODS:
            with self.subTest(name), self.assertRaises(AccessError):
                get_public_method(self.connectors, name)

    def test_only_readable_contacts(self):
        hidden, shown = self._contacts("1", "2")
        self.env["ir.rule"].create(
            {
                "name": "Not the first",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": [("id", "!=", hidden.id)],
            }
        )
        for name, call in self.calls(hidden.sudo()).items():
            with self.subTest(method=name), self.assertRaises(AccessError):
                call(self.as_user("officer"))
        self.assertFalse(self.mapper.calls)
        with self.assertRaises(AccessError):
            self.as_user("officer").resolve_partners(shown, payees={shown.id: hidden})
        self.as_user("officer").resolve_partners(shown)

    def test_archived_contacts(self):
        contact = self._contacts("1")
        contact.active = False
        self.mapper.put(n1="account:1@PAYB")
        self.assertEqual(self.as_user("viewer").has_fa(contact).ids, contact.ids)


class TestCompanies(PartnerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.foreign_connector = cls.connectors.create(
            {"name": "Foreign", "company_id": cls.company.id}
        )
        cls.foreign_rule = cls.rule.copy(
            {"name": "Foreign", "company_id": cls.company.id, "strategy_id": False}
        )
        cls.foreigner = cls._contacts("f@there", company_id=cls.company.id)
        cls.common_contact, cls.own = cls._contacts("1") + cls._contacts(
            "2", company_id=cls.env.company.id
        )
        # contacts are shared between companies, as Odoo has it by default
        cls.env.ref("base.res_partner_rule").active = False

    def resolve(self, connectors, **options):
        contacts = self.common_contact + self.own + self.foreigner
        results = connectors.resolve_partners(contacts, **options)
        return [(result["outcome"], result["id"]) for result in results.values()]

    def test_each_by_its_company(self):
        self.assertEqual(
            self.resolve(self.connectors.sudo()),
            [
                ("id_not_found", "token:1@nationalId"),
                ("id_not_found", "token:2@nationalId"),
                ("id_not_found", "f@there"),
            ],
        )
        self.assertFalse(self.lookups()[-1].connector_id, "several were used")
        elsewhere = self.connectors.with_company(self.company).sudo()
        self.assertEqual(
            [id_ for _outcome, id_ in self.resolve(elsewhere)],
            ["1", "token:2@nationalId", "f@there"],
            "a contact without company is the current one's",
        )

    def test_nothing_of_another_company(self):
        officer = self.as_user("officer")
        *ours, theirs = self.resolve(officer)
        self.assertEqual(theirs, ("no_connector", None))
        self.assertEqual([outcome for outcome, _id in ours], ["id_not_found"] * 2)
        self.assertEqual(officer.id_for_partners(self.foreigner), {self.foreigner.id: False})
        with self.assertRaises(AccessError):
            officer.id_for_partners(self.own, rule=self.foreign_rule)
        results = officer.link_partners([(self.foreigner, "account:1@PAYB")], "new")
        self.assertEqual(results[0]["outcome"], "no_connector")
        self.assertNotIn("Foreign", results[0]["message"])

    def test_superuser_mode_is_no_way_around(self):
        """Forms and programmes ask in superuser mode, after checks of their own, for a user."""
        officer = self.as_user("officer").sudo()
        self.assertEqual(self.resolve(officer)[-1], ("no_connector", None))
        self.assertEqual(officer.id_for_partners(self.foreigner), {self.foreigner.id: False})
        there = officer.with_company(self.company)
        self.assertEqual(self.resolve(there)[-1], ("id_not_found", "f@there"))

    def test_both_companies(self):
        self.users["officer"].company_ids = [Command.link(self.company.id)]
        officer = self.as_user("officer").with_context(
            allowed_company_ids=[self.env.company.id, self.company.id]
        )
        self.assertEqual(self.resolve(officer)[-1], ("id_not_found", "f@there"))

    def test_a_forced_rule_is_for_its_company(self):
        self.assertEqual(
            [outcome for outcome, _id in self.resolve(self.connectors.sudo(), rule=self.rule)],
            ["id_not_found", "id_not_found", "id_missing"],
        )
        self.rule.company_id = False
        self.assertEqual(
            [id_ for _outcome, id_ in self.resolve(self.connectors.sudo(), rule=self.rule)][0],
            "token:1@nationalId",
        )
        self.foreigner.ref = "3"
        self.assertEqual(
            self.resolve(self.connectors.sudo(), rule=self.rule)[-1],
            ("id_not_found", "token:3@nationalId"),
        )

    def test_records(self):
        self.connectors.sudo().with_company(self.company).resolve_partners(self.foreigner)
        self.resolve(self.as_user("officer"))
        manager = self.users["manager"]
        lookups = self.env["g2p.spar.lookup"].with_user(manager).search([])
        self.assertEqual(lookups.company_id, self.env.company)
        with self.assertRaises(AccessError):
            self.foreign_rule.with_user(manager).read(["name"])


class TestStatements(PartnerCommon):
    SIZES = (10, 100, 1000)

    def counts(self, call):
        """Statements of a call per size, by users whose rights are checked."""
        connectors = self.as_user("officer")
        contacts = self._contacts(*(f"s{number}" for number in range(max(self.SIZES))))
        counts = []
        for size in (1, *self.SIZES):
            self.env.invalidate_all()
            some = contacts[:size].with_user(self.users["officer"])
            before = self.env.cr.sql_log_count
            call(connectors, some)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        return counts[1:]

    def test_reading(self):
        for name, limit in (("id_for_partners", 7), ("has_fa", 11), ("resolve_partners", 15)):
            with self.subTest(name):
                counts = self.counts(lambda c, some, name=name: getattr(c, name)(some))
                self.assertEqual(len(set(counts)), 1, counts)
                self.assertLessEqual(counts[0], limit)

    def test_changing(self):
        def link(connectors, some):
            account = {"provider_id": self.bank.id, "number": "12345678"}
            connectors.link_partners([(contact, account) for contact in some], "new")

        def queue(connectors, some):
            items = [(contact, f"account:{contact.id}@PAYB") for contact in some]
            connectors.link_partners(items, "new", queue=True)

        def unlink(connectors, some):
            connectors.unlink_partners(some, "gone")

        for call, limit in ((link, 17), (unlink, 12), (queue, 18)):
            with self.subTest(call.__name__):
                counts = self.counts(call)
                self.assertEqual(len(set(counts)), 1, counts)
                self.assertLessEqual(counts[0], limit)
