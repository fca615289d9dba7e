# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import json

from odoo.tests import new_test_user

from odoo.addons.g2p_spar_connector.g2p_connect.values import Outcome

from .common import MapperCommon


class TestContacts(MapperCommon):
    """The connector's interface for contacts, with the mapper of this database behind it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connectors = cls.env["g2p.spar.connector"]
        cls.connectors.search([]).action_archive()
        cls.env["g2p.spar.id.rule"].search([]).action_archive()
        cls.connectors.create({"name": "Local", "backend": "local"})
        strategy = cls.env["g2p.fa.strategy"].create(
            {
                "name": "National ID for tests",
                "code": 9902,
                "strategy_type": "ID",
                "fa_type": False,
                "construct_pattern": "token:{sub}@nationalId",
            }
        )
        cls.env["g2p.spar.id.rule"].create(
            {"name": "Reference", "field_name": "ref", "strategy_id": strategy.id}
        )
        cls.officer = new_test_user(
            cls.env, "spar-contacts-officer", groups="g2p_spar_fa_directory.group_officer"
        )

    def contacts(self, *references):
        return self.env["res.partner"].create([{"name": "P", "ref": ref} for ref in references])

    def resolve(self, contacts, **options):
        results = self.connectors.resolve_partners(contacts, **options)
        return [results[contact.id] for contact in contacts]

    def outcomes(self, results):
        return [result["outcome"] for result in results]

    def test_the_whole_life(self):
        one, two = contacts = self.contacts("1", "2")
        officer = self.connectors.with_user(self.officer)
        account = {"provider_id": self.bank.id, "number": "123456789"}
        results = officer.link_partners([(one, account), (two, self.fa("22"))], "asked for")
        self.assertEqual(self.outcomes(results), ["done", "fa_invalid"])
        self.assertIn("account_number", results[1]["message"])
        [result] = self.resolve(one)
        self.assertEqual(
            (result["fa"], result["number"], result["provider_name"]),
            (self.fa(), "123456789", "Testing Bank"),
        )
        self.assertEqual(result["fa_parts"]["bank_code"], "TSTB")
        self.assertRegex(result["since"], r"^\d{4}-.*\+00:00$")
        [result] = officer.update_partners([(one, self.fa("987654321", "OTHB"))], "moved")
        self.assertEqual(result["outcome"], "done")
        self.assertEqual(self.resolve(one)[0]["number"], "987654321")
        self.suspend(self.id_of(1))
        self.assertEqual(self.outcomes(self.resolve(contacts)), ["id_inactive", "id_not_found"])
        self.assertFalse(officer.has_fa(contacts))
        self.reactivate(self.id_of(1))
        self.assertEqual(officer.has_fa(contacts), one.with_user(self.officer))
        self.assertEqual(self.outcomes(officer.unlink_partners(contacts, "gone"))[0], "done")
        self.assertEqual([r["never_linked"] for r in self.resolve(contacts)], [False, True])
        self.assertTrue(json.dumps(self.resolve(contacts)))

    def test_history_says_who_and_why(self):
        contact = self.contacts("1")
        officer = self.connectors.with_user(self.officer)
        officer.link_partners([(contact, self.fa())], "asked for", channel="back_office")
        event = self.events(self.id_of(1))
        self.assertEqual(
            (event.actor_kind, event.actor_name, event.user_id, event.channel, event.reason),
            ("staff", self.officer.name, self.officer.id, "back_office", "asked for"),
        )
        self.spooled()
        self.resolve(contact, purpose="Cycle 7")
        [record] = self.spooled()
        self.assertEqual((record["kind"], record["purpose"]), ("resolve", "Cycle 7"))

    def test_a_job_does_not_undo_a_persons_choice(self):
        contact = self.contacts("1")
        self.link(self.person, (self.id_of(1), self.fa()))
        job = self.connectors.with_user(1)
        [result] = job.update_partners([(contact, self.fa("987654321"))], "nightly")
        self.assertEqual(result["outcome"], "id_not_allowed")
        [result] = self.connectors.with_user(self.officer).update_partners(
            [(contact, self.fa("987654321"))], "the person asked"
        )
        self.assertEqual(result["outcome"], "done")

    def test_case_of_ids(self):
        """Two spellings of an ID are one person where case does not matter, two where it does."""
        contacts = self.contacts("aB", "Ab")
        self.link(self.free, (self.id_of("aB"), self.fa()))
        self.assertEqual(self.outcomes(self.resolve(contacts)), ["id_active"] * 2)
        namespaces = self.env["g2p.id.namespace"]
        known = namespaces.search([("name", "=ilike", "nationalId")])
        (known or namespaces.create({"name": "nationalId"})).case_sensitive = True
        self.assertEqual(self.outcomes(self.resolve(contacts)), ["id_active", "id_not_found"])

    def test_the_same_id_twice(self):
        one, same = self.contacts("1", "1")
        results = self.connectors.link_partners(
            [(one, self.fa()), (same, self.fa()), (same, self.fa("987654321"))], "new"
        )
        self.assertEqual(self.outcomes(results), ["done", "done", "already_linked"])
        self.assertEqual(len(self.events(self.id_of(1))), 1)

    def test_statements_do_not_depend_on_the_number(self):
        contacts = self.contacts(*(f"s{number}" for number in range(1000)))
        officer = self.connectors.with_user(self.officer)

        def link(some):
            account = {"provider_id": self.bank.id, "number": "123456789"}
            return officer.link_partners([(contact, account) for contact in some], "new")

        def update(some):
            return officer.update_partners([(c, self.fa("987654321")) for c in some], "moved")

        def resolve(some):
            return officer.resolve_partners(some).values()

        def unlink(some):
            return officer.unlink_partners(some, "gone")

        steps = (
            (link, Outcome.DONE),
            (resolve, Outcome.ID_ACTIVE),
            (update, Outcome.DONE),
            (unlink, Outcome.DONE),
            (resolve, Outcome.ID_NOT_FOUND),
        )
        counts = []
        for size in (1, 10, 100, 1000):  # the first fills caches
            counts.append([])
            for call, outcome in steps:
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                results = call(contacts[:size])
                self.env.flush_all()
                counts[-1].append(self.env.cr.sql_log_count - before)
                self.assertEqual({result["outcome"] for result in results}, {outcome})
        self.assertEqual(counts[1], counts[2])
        self.assertEqual(counts[1], counts[3])
        self.assertLessEqual(max(counts[1]), 22)
