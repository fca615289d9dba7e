# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome, ResolveItem, UpdateItem

from .common import MapperCommon

ALREADY = Outcome.ALREADY_LINKED


class TestUpdate(MapperCommon):
    def test_existing(self):
        info = [{"name": "programme", "value": 7}]
        self.link(
            self.free,
            (self.id_of(1), self.fa()),
            name="Tala",
            phone_number="+639170000001",
            additional_info=info,
        )
        wallet_fa = "mobile:9171234567@TSTW"
        self.assertEqual(self.update(self.free, (self.id_of(1), wallet_fa)), [Outcome.DONE])
        item = ResolveItem("1", id=self.id_of(1), scope="details")
        [result] = self.mapper.resolve_items(self.free, [item], parts=True)
        self.assertEqual(
            (result.fa, result.name, result.phone_number, result.additional_info),
            (wallet_fa, "Tala", "+639170000001", info),
        )
        mapping = self.mapping(self.id_of(1))
        self.assertEqual((mapping.provider_id, mapping.fa_type), (self.wallet, "mobile_wallet"))
        event = self.events(self.id_of(1))[-1]
        self.assertEqual(
            (event.operation, event.old_fa_masked, event.new_fa_masked),
            ("update", "TSTB ••••789", "TSTW ••••567"),
        )

    def test_missing(self):
        self.assertEqual(self.update(self.free, (self.id_of(1), self.fa())), [Outcome.NOT_LINKED])
        self.assertFalse(self.mapping(self.id_of(1)))

    def test_fa_is_required(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        outcomes = self.update(self.free, (self.id_of(1), ""))
        self.assertEqual(outcomes, [Outcome.FA_INVALID])

    def test_same_fa_is_a_success_without_event(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.assertEqual(self.update(self.free, (self.id_of(1), self.fa())), [Outcome.UNCHANGED])
        self.assertEqual(len(self.events(self.id_of(1))), 1)

    def test_same_fa_new_name_leaves_an_event(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        outcomes = self.update(self.free, (self.id_of(1), self.fa()), name="Tala")
        self.assertEqual(outcomes, [Outcome.DONE])
        self.assertEqual(len(self.events(self.id_of(1))), 2)

    def test_same_id_twice_in_a_batch_takes_both_steps(self):
        self.link(self.free, (self.id_of(1), self.fa("111111111")))
        outcomes = self.update(
            self.free,
            (self.id_of(1), self.fa("222222222")),
            (self.id_of(1), self.fa("222222222")),
            (self.id_of(1), self.fa("333333333")),
        )
        self.assertEqual(outcomes, [Outcome.DONE, Outcome.UNCHANGED, Outcome.DONE])
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa("333333333"))
        steps = [(event.old_fa_masked, event.new_fa_masked) for event in self.events(self.id_of(1))]
        self.assertEqual(
            steps,
            [
                (False, "TSTB ••••111"),
                ("TSTB ••••111", "TSTB ••••222"),
                ("TSTB ••••222", "TSTB ••••333"),
            ],
        )

    def test_there_and_back_in_one_batch(self):
        self.link(self.free, (self.id_of(1), self.fa("111111111")))
        outcomes = self.update(
            self.free,
            (self.id_of(1), self.fa("222222222")),
            (self.id_of(1), self.fa("111111111")),
        )
        self.assertEqual(outcomes, [Outcome.DONE] * 2)
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa("111111111"))
        self.assertEqual(len(self.events(self.id_of(1))), 3)

    def test_archived_provider_keeps_its_addresses(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.bank.active = False
        outcomes = self.update(self.free, (self.id_of(1), self.fa()), name="Tala")
        self.assertEqual(outcomes, [Outcome.DONE])
        self.assertEqual(self.resolve(self.id_of(1))[0].fa, self.fa())
        outcomes = self.update(self.free, (self.id_of(1), self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.FA_INVALID])

    def test_known_namespaces_only_refuses_new_mappings(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.env["ir.config_parameter"].set_param("g2p_spar.known_namespaces_only", True)
        outcomes = self.update(self.free, (self.id_of(1), self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.DONE])
        self.assertEqual(self.remove(self.free, (self.id_of(1), "")), [Outcome.DONE])

    def test_suspended(self):
        self.link(self.free, (self.id_of(1), self.fa()))
        self.suspend(self.id_of(1))
        outcomes = self.update(self.free, (self.id_of(1), self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.ID_NOT_ALLOWED])

    def test_nobody_changes_what_another_wrote(self):
        for number, writer in enumerate((self.person, self.staff, self.free)):
            with self.subTest(writer=writer.kind):
                pair = (self.id_of(number), self.fa())
                self.assertEqual(self.link(writer, pair), [Outcome.DONE])
                self.assertEqual(self.update(self.banker, pair), [Outcome.ID_NOT_ALLOWED])

    def test_the_person_always_may(self):
        self.link(self.banker, (self.id_of(1), self.fa()))
        outcomes = self.update(self.person, (self.id_of(1), self.fa("222222222", "OTHB")))
        self.assertEqual(outcomes, [Outcome.DONE])
        # and from then on the bank may not
        outcomes = self.update(self.banker, (self.id_of(1), self.fa()))
        self.assertEqual(outcomes, [Outcome.ID_NOT_ALLOWED])

    def test_another_spelling_of_the_id(self):
        self.link(self.free, ("Token:A@nationalId", self.fa()))
        outcomes = self.update(self.free, ("token:a@NATIONALID", self.fa("222222222")))
        self.assertEqual(outcomes, [Outcome.DONE])
        self.assertEqual(self.mapping("token:a@nationalid").sudo().id_value, "Token:A@nationalId")

    def test_case_sensitive_namespace(self):
        self.env["g2p.id.namespace"].create({"name": "Exact", "case_sensitive": True})
        self.link(self.free, ("id:a@Exact", self.fa()))
        self.assertEqual(self.link(self.free, ("id:A@Exact", self.fa())), [ALREADY])
        outcomes = self.update(
            self.free,
            ("id:A@Exact", self.fa("222222222")),
            ("id:a@Exact", self.fa("333333333")),
        )
        self.assertEqual(outcomes, [Outcome.NOT_LINKED, Outcome.DONE])
        found, unknown = self.resolve("id:a@Exact", "id:A@Exact")
        self.assertEqual(found.fa, self.fa("333333333"))
        self.assertEqual(unknown.outcome, Outcome.ID_NOT_FOUND)

    def test_results_in_request_order(self):
        ids = [self.id_of(number) for number in (9, 3, 7, 1)]
        self.link(self.free, *[(id_, self.fa()) for id_ in ids])
        items = [UpdateItem(f"r{id_}", id_, self.fa("222222222")) for id_ in ids]
        results = self.mapper.update_items(self.free, items)
        self.assertEqual([result.id for result in results], ids)
        self.assertEqual([result.reference_id for result in results], [f"r{id_}" for id_ in ids])
