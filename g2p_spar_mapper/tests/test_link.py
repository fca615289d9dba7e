# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo.addons.g2p_spar_connector.g2p_connect.values import LinkItem, Outcome, Problem

from .common import MapperCommon


class TestLink(MapperCommon):
    def test_new_id(self):
        [result] = self.mapper.link_items(
            self.free,
            [LinkItem("r1", self.id_of(1), self.fa(), name="Tala", phone_number="+639170000001")],
        )
        self.assertEqual(
            (result.reference_id, result.outcome, result.id, result.fa),
            ("r1", Outcome.DONE, self.id_of(1), self.fa()),
        )
        mapping = self.mapping(self.id_of(1))
        self.assertRecordValues(
            mapping,
            [
                {
                    "provider_id": self.bank.id,
                    "fa_type": "bank",
                    "fa_masked": "TSTB ••••789",
                    "name": "Tala",
                    "state": "active",
                    "channel": "api",
                    "actor_kind": "participant",
                    "participant_id": self.participant.id,
                }
            ],
        )
        [event] = self.events(self.id_of(1))
        self.assertEqual((event.operation, event.new_fa_masked), ("link", "TSTB ••••789"))
        self.assertEqual((event.actor_name, event.reason), (self.participant.name, "test"))

    def test_linked_id_is_never_overwritten(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        for fa in (self.fa(), self.fa("987654321")):
            with self.subTest(fa=fa):
                outcomes = self.link(self.free, (self.id_of(1), fa))
                self.assertEqual(outcomes, [Outcome.ALREADY_LINKED])
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa())
        self.assertEqual(len(self.events(self.id_of(1))), 1)

    def test_same_id_twice_in_a_batch_first_wins(self):
        outcomes = self.link(
            self.free,
            (self.id_of(1), self.fa("111111111")),
            (self.id_of(2), self.fa("222222222")),
            (self.id_of(1).upper(), self.fa("333333333")),
            (self.id_of(3), self.fa("444444444")),
        )
        done, again = Outcome.DONE, Outcome.ALREADY_LINKED
        self.assertEqual(outcomes, [done, done, again, done])
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa("111111111"))
        self.assertEqual(len(self.events(self.id_of(1))), 1)

    def test_same_id_twice_the_first_being_invalid(self):
        outcomes = self.link(
            self.free, (self.id_of(1), self.fa("12")), (self.id_of(1), self.fa("222222222"))
        )
        self.assertEqual(outcomes, [Outcome.FA_INVALID, Outcome.DONE])

    def test_suspended_id_stays_linked(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.suspend(self.id_of(1))
        outcomes = self.link(self.free, (self.id_of(1), self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.ALREADY_LINKED])

    def test_bad_items_harm_no_other(self):
        long = "x" * 600
        items = [
            LinkItem("1", "", self.fa()),
            LinkItem("2", "has blank@nationalId", self.fa()),
            LinkItem("3", "ünicode@nationalId", self.fa()),
            LinkItem("4", f"token:{long}@nationalId", self.fa()),
            LinkItem("5", self.id_of(5), ""),
            LinkItem("6", self.id_of(6), long),
            LinkItem("7", self.id_of(7), "tab\there"),
            LinkItem("8", self.id_of(8), self.fa("12")),
            LinkItem("9", self.id_of(9), self.fa(), name=long),
            LinkItem("10", self.id_of(10), self.fa(), name="nul\x00"),
            LinkItem("11", self.id_of(11), self.fa(), phone_number=long),
            LinkItem("12", self.id_of(12), self.fa(), additional_info=[{"name": "x" * 20_000}]),
            LinkItem("12b", self.id_of(12), self.fa(), name="half \ud800"),
            LinkItem("12c", self.id_of(12), self.fa(), additional_info=[{"value": object()}]),
            LinkItem("13", "", "", problem=Problem(Outcome.TIMESTAMP_INVALID, "timestamp: bad")),
            LinkItem("14", self.id_of(14), self.fa()),
        ]
        results = self.mapper.link_items(self.free, items)
        self.assertEqual([result.reference_id for result in results], [i[0] for i in items])
        self.assertEqual(
            [result.outcome for result in results],
            [Outcome.ID_EMPTY]
            + [Outcome.ID_INVALID] * 3
            + [Outcome.FA_INVALID] * 4
            + [Outcome.NAME_INVALID] * 2
            + [Outcome.PHONE_INVALID, Outcome.ADDITIONAL_INFO_INVALID]
            + [Outcome.NAME_INVALID, Outcome.ADDITIONAL_INFO_INVALID]
            + [Outcome.TIMESTAMP_INVALID, Outcome.DONE],
        )
        for result, field in zip(
            results[1:15],
            "id id id fa fa fa fa name name phone_number additional_info name additional_info"
            " timestamp".split(),
            strict=True,
        ):
            with self.subTest(reference_id=result.reference_id):
                self.assertTrue(result.message.startswith(f"{field}: "), result.message)
                self.assertNotIn(long, result.message)

    def test_directory_policy(self):
        directory_only = self._actor(self._participant("directory"))
        pairs = [(self.id_of(1), "account:1@unknown"), (self.id_of(2), "anything at all")]
        outcomes = self.link(directory_only, *pairs)
        self.assertEqual(outcomes, [Outcome.FA_INVALID] * 2)
        self.assertEqual(self.link(self.free, *pairs), [Outcome.DONE] * 2)
        mapping = self.mapping(self.id_of(1))
        self.assertFalse(mapping.provider_id or mapping.fa_type)
        self.assertEqual(self.resolve(self.id_of(2))[0].fa, "anything at all")

    def test_archived_provider_takes_no_new_addresses(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.bank.active = False
        outcomes = self.link(self.free, (self.id_of(2), self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.FA_INVALID])
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa())

    def test_strategy_of_a_stored_address_is_marked(self):
        strategy = self.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_102")
        self.env.cr.execute("UPDATE g2p_fa_strategy SET used = false")
        strategy.invalidate_recordset()
        fa = "mobile:9171234567@TSTW"
        self.link(self.banker, (self.id_of(1), fa))
        self.assertFalse(strategy.used, "refused: nothing is stored")
        self.link(self.free, (self.id_of(1), fa))
        self.assertTrue(strategy.used)

    def test_own_institution_only(self):
        outcomes = self.link(
            self.banker,
            (self.id_of(1), self.fa()),
            (self.id_of(2), self.fa(code="OTHB")),
            (self.id_of(3), "account:1@unknown"),
        )
        refused = [Outcome.FA_NOT_ALLOWED, Outcome.FA_INVALID]
        self.assertEqual(outcomes, [Outcome.DONE, *refused])

    def test_namespaces(self):
        namespace = self.env["g2p.id.namespace"].create({"name": "Voters"})
        limited = self._actor(self._participant("voters", namespace_ids=[(6, 0, namespace.ids)]))
        outcomes = self.link(
            limited, ("id:1@voters", self.fa()), ("id:2@other", self.fa()), ("plain", self.fa())
        )
        refused = Outcome.ID_NOT_ALLOWED
        self.assertEqual(outcomes, [Outcome.DONE, refused, refused])
        self.env["ir.config_parameter"].set_param("g2p_spar.known_namespaces_only", True)
        outcomes = self.link(self.free, ("id:3@VOTERS", self.fa()), ("id:4@other", self.fa()))
        self.assertEqual(outcomes, [Outcome.DONE, Outcome.ID_INVALID])

    def test_case_does_not_matter(self):
        self.link(self.free, ("Token:aB@NationalId", self.fa()))
        outcomes = self.link(self.free, ("token:ab@nationalid", self.fa()))
        self.assertEqual(outcomes, [Outcome.ALREADY_LINKED])

    def test_additional_info_keeps_its_types(self):
        info = json.loads(
            '[{"name": "a", "value": "1"}, {"name": "b", "value": 1}, {"name": "c", "value": 1.0},'
            ' {"name": "d", "value": true}, {"name": "e", "value": {"z": null, "a": [1.50, "x"]}},'
            ' {"name": "f", "value": 1e22}, {"name": "g", "value": "nul: \\u0000"}]'
        )
        self.link(self.free, (self.id_of(1), self.fa()), additional_info=info)
        resolved = self.resolve(self.id_of(1))[0].additional_info
        self.assertEqual(json.dumps(resolved), json.dumps(info))

    def test_deep_additional_info(self):
        deep = "x"
        for _level in range(200):
            deep = [deep]
        outcomes = self.link(self.free, (self.id_of(1), self.fa()), additional_info=deep)
        self.assertEqual(outcomes, [Outcome.ADDITIONAL_INFO_INVALID])
        fits = [{"name": "a", "value": {"b": {"c": [1, [2, [3]]]}}}]
        outcomes = self.link(self.free, (self.id_of(1), self.fa()), additional_info=fits)
        self.assertEqual(outcomes, [Outcome.DONE])

    def test_refusals_are_on_record(self):
        self.spooled()
        self.link(self.banker, (self.id_of(1), self.fa()), (self.id_of(2), self.fa(code="OTHB")))
        [record] = self.spooled()
        self.assertEqual((record["kind"], record["item_count"]), ("refusal", 2))
        self.assertEqual(record["refusals"], "fa_not_allowed: 1")
        self.assertNotIn(self.id_of(2), json.dumps(record))

    def test_nothing_to_do(self):
        self.assertEqual(self.mapper.link_items(self.free, []), [])
