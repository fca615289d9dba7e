# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo.addons.g2p_spar_connector.g2p_connect.values import (
    AccountProvider,
    Outcome,
    Problem,
    ResolveItem,
    Result,
)

from .common import MapperCommon


class TestResolve(MapperCommon):
    def setUp(self):
        super().setUp()
        self.link(
            self.free,
            (self.id_of(1), self.fa()),
            name="Tala",
            additional_info=[{"name": "a", "value": 1}],
        )
        self.link(self.free, (self.id_of(2), self.fa("222222222")))
        self.suspend(self.id_of(2))
        self.spooled()

    def resolve_item(self, **values):
        [result] = self.mapper.resolve_items(self.free, [ResolveItem("r", **values)])
        return result

    def test_details(self):
        result = self.resolve_item(id=self.id_of(1), scope="details")
        self.assertEqual(result.outcome, Outcome.ID_ACTIVE)
        self.assertEqual(result.fa, self.fa())
        self.assertEqual(result.provider, AccountProvider("Testing Bank", "TSTB"))
        self.assertEqual(result.additional_info, [{"name": "a", "value": 1}])
        # it is made without the constructor, which would miss a new field
        self.assertEqual(result, Result(*result))
        self.assertEqual(len(result), len(Result._fields))

    def test_branch_is_the_subcode(self):
        branch = self.env["g2p.fa.branch"].create(
            {"provider_id": self.other_bank.id, "name": "Main", "code": "OTHB0001"}
        )
        self.other_bank.strategy_id = self.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_2")
        address = self.env["g2p.fa.directory"].construct_fa(self.other_bank, "123456789", branch)
        self.link(self.free, (self.id_of(3), address.string))
        self.assertEqual(self.resolve(self.id_of(3))[0].provider.subcode, "OTHB0001")

    def test_hits_alone_and_beside_a_miss(self):
        """Messages of hits alone are answered by columns, all others item by item: alike."""
        self.link(self.free, (self.id_of(3), self.fa("333333333")))
        hits = [
            ResolveItem("a", id=self.id_of(1), scope="details", locale="en"),
            ResolveItem("b", id=self.id_of(3).upper(), scope="details"),
            ResolveItem("c", id=self.id_of(1), scope="details"),
        ]
        self.spooled()
        alone = self.mapper.resolve_items(self.free, hits)
        miss = ResolveItem("d", id=self.id_of(9), scope="details")
        *beside, missed = self.mapper.resolve_items(self.free, [*hits, miss])
        self.assertEqual(alone, beside)
        self.assertEqual(missed.outcome, Outcome.ID_NOT_FOUND)
        self.assertEqual({type(result) for result in alone}, {Result})
        self.assertEqual({len(result) for result in alone}, {len(Result._fields)})
        self.assertEqual(alone[0].locale, "en")
        self.assertEqual(alone[0].additional_info, [{"name": "a", "value": 1}])
        self.assertEqual(alone[1].id, self.id_of(3).upper())
        first, second = self.spooled()
        self.assertEqual(first["shown_count"], 3)
        self.assertEqual(first["mapping_ids"], second["mapping_ids"])

    def test_hits_that_are_not_all_told(self):
        """One item without details, one with an FA, one suspended: each by its own rules."""
        hit = ResolveItem("a", id=self.id_of(1), scope="details")
        for other, outcome in (
            (ResolveItem("b", id=self.id_of(1)), Outcome.ID_ACTIVE),
            (ResolveItem("b", id=self.id_of(2), scope="details"), Outcome.ID_INACTIVE),
            (
                ResolveItem("b", id=self.id_of(1), fa=self.fa("9"), scope="details"),
                Outcome.FA_NOT_LINKED_TO_ID,
            ),
        ):
            told, checked = self.mapper.resolve_items(self.free, [hit, other])
            self.assertEqual(told.fa, self.fa())
            self.assertEqual(checked.outcome, outcome)
            self.assertIsNone(checked.fa)

    def test_yes_no_shows_nothing_but_yes(self):
        for fa in ("", self.fa()):
            with self.subTest(fa=fa):
                result = self.resolve_item(id=self.id_of(1), fa=fa)
                self.assertEqual(result.outcome, Outcome.ID_ACTIVE)
                shown = (result.fa, result.provider, result.name, result.phone_number)
                self.assertEqual(shown + (result.additional_info,), (None,) * 5)

    def test_another_case(self):
        result = self.resolve_item(id=self.id_of(1).upper(), scope="details")
        self.assertEqual((result.outcome, result.fa), (Outcome.ID_ACTIVE, self.fa()))
        self.assertEqual(result.id, self.id_of(1).upper())

    def test_unknown(self):
        for fa in ("", self.fa()):
            result = self.resolve_item(id=self.id_of(9), fa=fa, scope="details")
            self.assertEqual((result.outcome, result.id), (Outcome.ID_NOT_FOUND, self.id_of(9)))
            self.assertIsNone(result.fa)

    def test_suspended_shows_neither_address_nor_provider(self):
        for scope in ("yes_no", "details"):
            for fa in ("", self.fa("222222222"), self.fa()):
                with self.subTest(scope=scope, fa=fa):
                    result = self.resolve_item(id=self.id_of(2), fa=fa, scope=scope)
                    self.assertEqual(result.outcome, Outcome.ID_INACTIVE)
                    self.assertIsNone(result.fa or result.provider or result.name)

    def test_by_fa_says_active_or_not_never_whose(self):
        for fa, outcome in (
            (self.fa().upper(), Outcome.FA_ACTIVE),
            (self.fa("222222222"), Outcome.FA_INACTIVE),
            (self.fa("999999999"), Outcome.FA_NOT_FOUND),
        ):
            with self.subTest(outcome=outcome):
                result = self.resolve_item(fa=fa, scope="details")
                self.assertEqual(result.outcome, outcome)
                self.assertEqual(result.fa, fa if outcome is Outcome.FA_ACTIVE else None)
                self.assertIsNone(result.id or result.provider or result.name)
                self.assertIsNone(self.resolve_item(fa=fa).fa)

    def test_shared_fa_is_active_while_one_is(self):
        self.link(self.free, (self.id_of(3), self.fa("222222222")))
        self.assertEqual(self.resolve_item(fa=self.fa("222222222")).outcome, Outcome.FA_ACTIVE)

    def test_by_both(self):
        result = self.resolve_item(id=self.id_of(1), fa=self.fa(), scope="details")
        self.assertEqual((result.outcome, result.fa), (Outcome.ID_ACTIVE, self.fa()))
        result = self.resolve_item(id=self.id_of(1), fa=self.fa("999999999"), scope="details")
        self.assertEqual(result.outcome, Outcome.FA_NOT_LINKED_TO_ID)
        self.assertIsNone(result.fa)

    def test_neither_and_bad_ones(self):
        items = [
            ResolveItem("1"),
            ResolveItem("2", id="has blank"),
            ResolveItem("3", problem=Problem(Outcome.SCOPE_NOT_SUPPORTED)),
            ResolveItem("4", fa="nul\x00"),
            ResolveItem("5", fa="x" * 513),
            ResolveItem("6", id=self.id_of(1), scope="details"),
        ]
        outcomes = [result.outcome for result in self.mapper.resolve_items(self.free, items)]
        self.assertEqual(
            outcomes,
            [
                Outcome.ID_OR_FA_REQUIRED,
                Outcome.ID_INVALID,
                Outcome.SCOPE_NOT_SUPPORTED,
                Outcome.FA_INVALID,
                Outcome.FA_INVALID,
                Outcome.ID_ACTIVE,
            ],
        )

    def test_details_are_not_for_everybody(self):
        limited = self._actor(self._participant("limited", may_see_details=False))
        [result] = self.resolve(self.id_of(1), actor=limited)
        self.assertEqual((result.outcome, result.fa), (Outcome.SCOPE_NOT_SUPPORTED, None))
        [result] = self.resolve(self.id_of(1), actor=limited, scope="yes_no")
        self.assertEqual(result.outcome, Outcome.ID_ACTIVE)

    def test_what_was_shown_is_on_record(self):
        self.resolve(self.id_of(1), self.id_of(2), self.id_of(9))
        self.resolve(self.id_of(1), scope="yes_no")
        details, yes_no = self.spooled()
        self.assertEqual(
            (details["item_count"], details["found_count"], details["shown_count"]), (3, 1, 1)
        )
        self.assertEqual(details["participant_id"], self.participant.id)
        self.assertEqual(details["mapping_ids"], f" {self.mapping(self.id_of(1)).id} ")
        self.assertEqual((yes_no["found_count"], yes_no["shown_count"]), (1, 0))
        self.assertNotIn("token:1", json.dumps([details, yes_no]))

    def test_nothing_is_disclosed_when_it_cannot_be_recorded(self):
        self.patch(type(self.spool), "append", self._fail)
        with self.assertRaises(OSError):
            self.resolve(self.id_of(1))

    @staticmethod
    def _fail(spool, record):
        raise OSError("no space left on device")
