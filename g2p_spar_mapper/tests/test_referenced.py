# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from psycopg2 import errors

from odoo.exceptions import UserError
from odoo.tools import SQL, mute_logger

from ..hooks import uninstall_hook
from .common import MapperCommon


class TestReferenced(MapperCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch, cls.other_branch = cls.env["g2p.fa.branch"].create(
            [
                {"provider_id": cls.bank.id, "name": name, "code": code}
                for name, code in (("Main Street", "TSTB0001"), ("Market", "TSTB0002"))
            ]
        )
        # an address that names its branch
        cls.bank.strategy_id = cls.env.ref("g2p_spar_fa_directory.g2p_fa_strategy_2")
        cls.address = (
            "account_number:123456789.branch_name:Main Street.branch_code:TSTB0001"
            ".bank_name:Testing Bank.bank_code:TSTB.fa_type:BANK"
        )

    def setUp(self):
        super().setUp()
        self.link(self.free, (self.id_of(1), self.address))
        self.env.flush_all()
        self.env.invalidate_all()

    def assertViolates(self, statement, told):
        with (
            self.subTest(statement.code),
            self.assertRaisesRegex(errors.ForeignKeyViolation, told),
            self.env.cr.savepoint(),
            mute_logger("odoo.sql_db"),
        ):
            self.env.cr.execute(statement)

    def test_what_is_marked(self):
        mapping = self.mapping(self.id_of(1))
        self.assertEqual(mapping.branch_id, self.branch)
        used = mapping.provider_id | self.bank, mapping.branch_id, mapping.participant_id
        for records in used:
            self.assertTrue(records.used)
        for record in (self.other_bank, self.other_branch, self.institution, self.wallet):
            self.assertFalse(record.used)

    def test_an_update_marks_too(self):
        self.update(self.free, (self.id_of(1), "mobile:9171234567@TSTW"))
        self.env.invalidate_all()
        self.assertTrue(self.wallet.used)

    def test_what_mappings_refer_to_stays(self):
        for record in (self.bank, self.branch, self.participant):
            with self.subTest(model=record._name), self.assertRaisesRegex(UserError, "archived"):
                record.unlink()
            table = SQL.identifier(record._table)
            for statement in (
                SQL("DELETE FROM %s WHERE id = %s", table, record.id),
                SQL("UPDATE %s SET used = FALSE", table),
            ):
                self.assertViolates(statement, "mappings refer to it")
        self.remove(self.free, (self.id_of(1), self.address))
        self.env.invalidate_all()
        with self.assertRaises(UserError):
            self.bank.unlink()

    def test_without_the_mapper_all_is_free_again(self):
        """Uninstalled, it takes the addons along that have brought data to its directory."""
        self.env.cr.execute("DELETE FROM g2p_spar_mapping")
        with self.enter_registry_test_mode():
            uninstall_hook(self.env)
        self.env.cr.execute("DELETE FROM g2p_fa_branch WHERE id = %s", [self.branch.id])
        self.assertFalse(self.branch.exists())

    def test_a_link_that_is_acknowledged_meanwhile_is_not_dropped(self):
        """Odoo reads as of when it has begun to uninstall."""
        self.env.cr.execute("DELETE FROM g2p_spar_mapping")
        key = f"token:{self.id()}@meanwhile"

        def elsewhere(statement):
            with self.registry.cursor() as cr:
                cr.execute("SET LOCAL lock_timeout = '10s'")
                cr.execute(statement)

        elsewhere(
            SQL(
                """INSERT INTO g2p_spar_mapping (id_value, id_key, fa, fa_key, fa_masked, state,
                    channel, actor_kind, linked_at, changed_at)
                VALUES (%s, %s, 'x', 'x', 'x', 'active', 'import', 'system', now(), now())""",
                key,
                key,
            )
        )
        self.addCleanup(elsewhere, SQL("DELETE FROM g2p_spar_mapping WHERE id_key = %s", key))
        with (
            self.assertRaisesRegex(UserError, "still holds mappings"),
            self.env.cr.savepoint(),  # with its end goes the lock, too
        ):
            uninstall_hook(self.env)

    def test_a_copy_is_not_marked(self):
        copied = self.branch.copy({"code": "TSTB0003"})
        self.assertFalse(copied.used)

    def test_others_can_be_deleted(self):
        (self.other_branch | self.other_branch.copy({"code": "TSTB0003"})).unlink()
        self.wallet.unlink()
        self.institution.unlink()

    def test_mapping_to_what_is_not_there(self):
        for column in ("provider_id", "branch_id", "participant_id"):
            statement = SQL("UPDATE g2p_spar_mapping SET %s = 2000000000", SQL.identifier(column))
            self.assertViolates(statement, "has been deleted")
