# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

import base64
import csv
import io
from contextlib import contextmanager, suppress
from datetime import timedelta
from unittest.mock import patch

from psycopg2 import errors

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form
from odoo.tools import file_open, mute_logger

from ..import_stage import DirectoryStage
from ..models.g2p_fa_import import FILE_DAYS, MAX_ATTEMPTS
from . import import_files as files
from .common import DirectoryCommon

ADDON = "odoo.addons.g2p_spar_fa_directory"
HEADER = ["provider_code", "provider_name", "fa_type", "bic", "branch_code", "branch_name", "city"]


class ImportCommon(DirectoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = cls._create_user("officer")

    def _new(self, source, content, **values):
        """A checked import of an officer."""
        values = {
            "source": source,
            "file": base64.b64encode(content),
            "file_name": "file",
            "country_id": self.india.id,
            **values,
        }
        record = self.env["g2p.fa.import"].with_user(self.officer).create(values)
        record.action_check()
        return record

    def _run(self, source, content, **values):
        """An import that has run; failures are for the test to look at."""
        record = self._new(source, content, **values)
        record.action_run()
        self._run_cron()
        return record

    def _run_cron(self):
        with self.enter_registry_test_mode():
            cron = self.env.ref("g2p_spar_fa_directory.cron_fa_import")
            self.assertIs(cron.method_direct_trigger(), True)

    def _table(self, *rows, **values):
        return self._run("template", files.table(HEADER, *rows), list_name="test", **values)

    def _providers(self, list_name="test"):
        providers = self.env["g2p.fa.provider"].with_context(active_test=False)
        return {p.code: p for p in providers.search([("source", "=", list_name)])}

    def _branches(self, list_name="test"):
        branches = self.env["g2p.fa.branch"].with_context(active_test=False)
        return {b.code: b for b in branches.search([("source", "=", list_name)])}

    def _rejected(self, record):
        text = base64.b64decode(record.rejected_file or b"").decode("utf-8-sig")
        return [tuple(row) for row in csv.reader(io.StringIO(text))][1:]

    def assertCounts(self, record, **expected):
        """All counts that are not zero."""
        names = [n for n in record._fields if n.startswith(("provider_", "branch_"))]
        self.assertEqual({n: record[n] for n in names if record[n]}, expected)


class TestFaImport(ImportCommon):
    def test_india(self):
        record = self._run("ifsc", files.ifsc())
        self.assertEqual((record.state, record.problem), ("done", False))
        self.assertCounts(record, provider_new=3, branch_new=5)
        self.assertEqual((record.progress, record.done_count), (100, 8))
        bank = self._providers("ifsc")["TBKA"]
        self.assertEqual(
            (bank.name, bank.country_id, bank.strategy_id.code, bank.account_rule_id.code),
            ("Test Bank A", self.india, 5, 3),
        )
        self.assertEqual((bank.create_uid, bank.write_uid), (self.officer, self.officer))
        self.assertEqual(bank.branch_count, 3)
        self.assertEqual(self._providers("ifsc")["TBKC"].name, "TBKC")
        branch = self._branches("ifsc")["TBKA0000522"]
        self.assertEqual((branch.name, branch.display_name), ("TBKA0000522", "TBKA0000522"))

    def test_addresses_at_imported_banks(self):
        self._run("ifsc", files.ifsc())
        self._run("schwifty", files.wheel(), country_ids=self._countries("DE", "DK"))
        bank = self._providers("ifsc")["TBKA"]
        branch = self._branches("ifsc")["TBKA0000001"]
        address = self.directory.construct_fa(bank, "123456789012", branch)
        self.assertEqual((address.provider_id, address.branch_id), (bank.id, branch.id))
        bank = self._providers("schwifty")["TESTDEBB"]
        address = self.directory.construct_fa(bank, "DE89370400440532013000")
        self.assertEqual(address.string, "account:DE89370400440532013000@TESTDEBB")
        error = self.directory.construct_fa(bank, "DE89370400440532013001")
        self.assertEqual(error.field, "account_number")

    def _countries(self, *codes):
        countries = self.env["res.country"].search([("code", "in", codes)])
        self.assertEqual(len(countries), len(codes))
        return [(6, 0, countries.ids)]

    def test_preview_writes_nothing(self):
        before = self.env["g2p.fa.provider"].with_context(active_test=False).search_count([])
        record = self._new("ifsc", files.ifsc())
        self.assertEqual(record.state, "checked")
        self.assertCounts(record, provider_new=3, branch_new=5)
        self.assertEqual(
            {(line.kind, line.action, line.code) for line in record.line_ids[:4]},
            {
                ("provider", "new", "TBKA"),
                ("provider", "new", "TBKB"),
                ("provider", "new", "TBKC"),
                ("branch", "new", "TBKA0000001"),
            },
        )
        after = self.env["g2p.fa.provider"].with_context(active_test=False).search_count([])
        self.assertEqual(after, before)

    def test_again_changes_nothing(self):
        self._run("ifsc", files.ifsc())
        stamps = {b.id: b.write_date for b in self._branches("ifsc").values()}
        record = self._run("ifsc", files.ifsc())
        self.assertCounts(record, provider_unchanged=3, branch_unchanged=5)
        self.assertEqual({b.id: b.write_date for b in self._branches("ifsc").values()}, stamps)

    def test_update_keeps_what_the_file_does_not_know(self):
        self._table(
            ["A", "Bank A", "bank", "TESTINBB", "", "", ""],
            ["A", "", "", "", "A1", "Main", "Pune"],
        )
        provider, branch = self._providers()["A"], self._branches()["A1"]
        other = self._strategy(2)
        provider.write({"strategy_id": other.id, "logo": self._logo(), "mnemonic": "Mine"})
        branch.street = "Street of mine"
        record = self._table(
            ["A", "Bank of A", "", "", "", "", ""], ["A", "", "", "", "A1", "", "Mumbai"]
        )
        self.assertCounts(record, provider_changed=1, branch_changed=1)
        self.assertEqual((provider.name, provider.bic), ("Bank of A", "TESTINBB"))
        self.assertEqual((provider.strategy_id, provider.mnemonic), (other, "Mine"))
        self.assertTrue(provider.logo)
        self.assertEqual(
            (branch.name, branch.city, branch.street), ("Main", "Mumbai", "Street of mine")
        )

    def _logo(self):
        with file_open("g2p_spar_fa_directory/static/description/icon.png", "rb") as file:
            return base64.b64encode(file.read())

    def test_workers_forget_what_they_know_of_providers(self):
        self._table(["A", "Bank A", *[""] * 5])
        provider = self._providers()["A"]
        self.assertEqual(self.directory.provider_labels()[provider.id], ("Bank A", "A"))
        self._table(["A", "Bank of A", *[""] * 5])
        self.assertEqual(self.directory.provider_labels()[provider.id], ("Bank of A", "A"))

    def test_codes_are_matched_without_case(self):
        self._table(["A", "Bank A", *[""] * 5])
        record = self._table(["a", "Bank B", *[""] * 5])
        self.assertCounts(record, provider_changed=1)
        self.assertEqual(self._providers()["A"].name, "Bank B")

    def test_gone_and_back(self):
        rows = [
            ["A", "Bank A", *[""] * 5],
            ["B", "Bank B", *[""] * 5],
            ["A", "", "", "", "A1", "Main", ""],
            ["A", "", "", "", "A2", "High", ""],
            ["B", "", "", "", "B1", "Low", ""],
        ]
        self._table(*rows)
        record = self._table(rows[0], rows[2])
        self.assertCounts(
            record, provider_archived=1, provider_unchanged=1, branch_archived=2, branch_unchanged=1
        )
        gone = self._providers()["B"]
        self.assertFalse(gone.active)
        self.assertTrue(gone.gone_since)
        self.assertFalse(self._branches()["A2"].active)
        self.assertCounts(self._table(rows[0], rows[2]), provider_unchanged=1, branch_unchanged=1)
        record = self._table(*rows)
        self.assertCounts(
            record, provider_returned=1, provider_unchanged=1, branch_returned=2, branch_unchanged=1
        )
        self.assertTrue(gone.active)
        self.assertFalse(gone.gone_since)
        self.assertTrue(self._branches()["B1"].active)

    def test_what_an_administrator_archived_or_brought_back_stays_so(self):
        rows = [["A", "Bank A", *[""] * 5], ["B", "Bank B", *[""] * 5]]
        self._table(*rows)
        by_hand, gone = self._providers()["A"], self._providers()["B"]
        by_hand.action_archive()
        self._table(rows[0])
        self.assertFalse(by_hand.active)
        gone.action_unarchive()
        self.assertCounts(self._table(rows[0]), provider_unchanged=1)
        self.assertTrue(gone.active)

    def test_only_the_same_list_is_archived(self):
        self._table(["A", "Bank A", *[""] * 5])
        content = files.table(HEADER, ["B", "Bank B", *[""] * 5])
        record = self._run("template", content, list_name="another")
        self.assertCounts(record, provider_new=1)
        self.assertTrue(self._providers()["A"].active)
        self.assertTrue(self.bank.active)

    def test_part_of_a_list_archives_nothing(self):
        self._table(["A", "Bank A", *[""] * 5])
        self._table(["B", "Bank B", *[""] * 5], archive_missing=False)
        self.assertTrue(self._providers()["A"].active)

    def test_countries_that_were_not_chosen_are_not_archived(self):
        self._run("schwifty", files.wheel(), country_ids=self._countries("DE", "DK"))
        record = self._run(
            "schwifty",
            files.wheel({"generated_de.json": files.SCHWIFTY["generated_de.json"][:2]}),
            country_ids=self._countries("DE"),
        )
        self.assertCounts(record, provider_unchanged=1, provider_archived=2)
        self.assertTrue(self._providers("schwifty")["TESTDKKK"].active)

    def test_records_made_by_hand_are_taken_over(self):
        self.plain_bank.account_rule_id = False
        record = self._table(["TPLAIN", "", "", "", "", "", ""])
        self.assertCounts(record, provider_changed=1)
        self.assertEqual((self.plain_bank.name, self.plain_bank.source), ("Plain Bank", "test"))
        self.assertFalse(self.plain_bank.account_rule_id)

    def test_records_of_another_list_are_left_alone(self):
        self._table(["A", "Bank A", *[""] * 5], ["A", "", "", "", "A1", "Main", ""])
        content = files.table(
            HEADER,
            ["A", "Other", *[""] * 5],
            ["A", "", "", "", "A1", "Other", ""],
            ["A", "", "", "", "A2", "New", ""],
        )
        record = self._run("template", content, list_name="another")
        self.assertCounts(record, provider_rejected=1, branch_rejected=1, branch_new=1)
        self.assertEqual(
            {row[4] for row in self._rejected(record)}, {"code: is on record from the list “test”"}
        )
        self.assertEqual(self._branches()["A1"].name, "Main")

    def test_ambiguous_codes_are_announced(self):
        self._create_provider(name="Abroad", code="TEST", country_id=self.kenya.id)
        record = self._new("template", files.table(HEADER, ["TEST", "Here", *[""] * 5]))
        self.assertIn("1 new providers have a code that another country", record.warning)

    def test_wrong_file_is_announced(self):
        self._table(*([f"A{n}", f"Bank {n}", *[""] * 5] for n in range(3)))
        record = self._new("template", files.table(HEADER, ["B", "B", *[""] * 5]), list_name="test")
        self.assertIn("More providers of this list would be archived than kept", record.warning)

    def test_statements_do_not_depend_on_rows(self):
        def statements(rows):
            content = files.table(HEADER, *([f"S{n}", "Bank", *[""] * 5] for n in range(rows)))
            record = self._new("template", content, list_name="test")
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            record.sudo()._stage()
            return self.env.cr.sql_log_count - before

        statements(1)
        self.assertEqual(statements(2), statements(300))


class TestFaImportRejects(ImportCommon):
    def test_bad_rows_lose_nothing_else(self):
        header = [*HEADER, "country", "strategy", "account_rule", "state"]
        rows = [
            (["GOOD", "Good Bank", "bank", "TESTINBB", "", "", "", "IN", "2", "3", ""], None),
            (["B D", "Bad", *[""] * 9], "code: must consist of printable ASCII"),
            (["", "Bad", *[""] * 9], "code: must not be empty"),
            (["x" * 65, "Bad", *[""] * 9], "code: must not be longer than 64"),
            (["B1", "Bad", "bank", "TEST", *[""] * 7], "bic: must have 8 or 11"),
            (["B2", "Bad", "purse", *[""] * 8], "fa_type: must be bank"),
            (["B3", "Bad", *[""] * 5, "XX", "", "", ""], "country: must be"),
            (["B4", "Bad", *[""] * 6, "777", "", ""], "strategy: is not on record"),
            (["B5", "Bad", *[""] * 6, "4", "", ""], "strategy: is for another kind"),
            (["B6", "Bad", "mobile_wallet", *[""] * 6, "3", ""], "account_rule: is for another"),
            (["B7", "x" * 256, *[""] * 9], "name: must be printable"),
            (["B8", "a\x07b", *[""] * 9], "name: must be printable"),
            (["good", "Twice", *[""] * 9], "code: is in the file already (row 2)"),
            (["TMOBI", "", "bank", *[""] * 8], "fa_type: is not the kind of account"),
            (["GOOD", "", "", "", "G1", "Good", "", "", "", "", "KA"], None),
            (["GOOD", "", "", "", "G1", "Twice", *[""] * 5], "code: is in the file already"),
            (["GOOD", "", "", "", "G 2", "Bad", *[""] * 5], "branch_code: must consist of"),
            (["GOOD", "", "", "", "G3", "Bad", *[""] * 4, "Nowhere"], "state: is no state"),
            (["NONE", "", "", "", "N1", "Bad", *[""] * 5], "provider_code: is neither on record"),
            (["B1", "", "", "", "N2", "Bad", *[""] * 5], "provider_code: is neither on record"),
            (["TMOBI", "", "", "", "N3", "Bad", *[""] * 5], "provider_code: is not a bank"),
            (["TBANK", "", "", "", "T9", "Good", *[""] * 5], None),
        ]
        content = files.table(header, *(row for row, _reason in rows))
        record = self._run("template", content, list_name="test")
        self.assertEqual(record.state, "done", record.problem)
        self.assertEqual(set(self._providers()), {"GOOD"})
        self.assertEqual(set(self._branches()), {"G1", "T9"})
        self.assertEqual(self._branches()["G1"].state_id.code, "KA")
        rejected = {row[0]: row[4] for row in self._rejected(record)}
        expected = {f"row {n}": reason for n, (_row, reason) in enumerate(rows, start=2) if reason}
        self.assertEqual(rejected.keys(), expected.keys())
        for place, reason in expected.items():
            self.assertIn(reason, rejected[place])
        self.assertCounts(
            record, provider_new=1, branch_new=2, provider_rejected=13, branch_rejected=6
        )

    def test_record_of_a_rejected_row_is_not_gone(self):
        self._table(["A", "Bank A", *[""] * 5], ["A", "", "", "", "A1", "Main", ""])
        record = self._table(
            ["A", "Bank A", "purse", *[""] * 4], ["A", "", "purse", "", "A1", "Main", ""]
        )
        self.assertCounts(record, provider_rejected=1, branch_rejected=1)
        self.assertTrue(self._providers()["A"].active)
        self.assertTrue(self._branches()["A1"].active)

    def test_record_of_a_row_with_a_bad_country_is_not_gone(self):
        header = ["provider_code", "branch_code", "country", "city"]
        self._run("template", files.table(header, ["A", "", "IN", ""], ["A", "A1", "IN", ""]))
        for row in (["A", "", "IND", ""], ["A", "", "IND", "Pune"]):
            with self.subTest(row):
                content = files.table(header, row, ["A", "A1", "IND", ""])
                record = self._run("template", content)
                self.assertCounts(record, provider_rejected=1, branch_rejected=1)
        self.assertTrue(self._providers("own-list")["A"].active)
        self.assertTrue(self._branches("own-list")["A1"].active)

    def test_strategy_and_rule_of_banks_are_not_for_wallets(self):
        header = ["provider_code", "fa_type", "strategy", "account_rule"]
        record = self._run(
            "template",
            files.table(header, ["TMOBI", "", "2", ""], ["TMAIL", "", "", "3"], ["TBANK", "", "2"]),
        )
        self.assertCounts(record, provider_rejected=2, provider_changed=1)
        for row in self._rejected(record):
            self.assertIn("fa_type: must be given", row[4])
        self.assertEqual(self.mobile_wallet.strategy_id, self._strategy(4))

    def test_defaults_are_active_ones_of_banks(self):
        for values in (
            {"strategy_id": self._strategy(4).id},
            {"strategy_id": self._short_lived_strategy(active=False).id},
            {"account_rule_id": self.mobile_wallet.account_rule_id.id},
        ):
            with self.subTest(values), self.assertRaisesText(ValidationError, "of new banks"):
                self._new("ifsc", files.ifsc(), **values)

    def test_default_that_is_archived_before_the_run(self):
        strategy = self._short_lived_strategy()
        record = self._new("ifsc", files.ifsc(), strategy_id=strategy.id)
        record.action_run()
        strategy.active = False
        self._run_cron()
        self.assertEqual(record.state, "failed")
        self.assertIn("Strategy of new banks: must be an active one", record.problem)

    def _short_lived_strategy(self, **values):
        pattern = "x:{account_number}@{bank_code}"
        values |= {"name": "Short-lived", "code": 9001, "construct_pattern": pattern}
        return self.env["g2p.fa.strategy"].create(values)

    def test_provider_that_comes_back_needs_an_active_strategy(self):
        strategy = self._short_lived_strategy()
        rows = [["A", "Bank A", *[""] * 5], ["B", "Bank B", *[""] * 5]]
        self._table(*rows)
        self._providers()["B"].strategy_id = strategy
        self._table(rows[0])
        strategy.active = False
        record = self._table(*rows)
        self.assertIn("strategy: is archived", self._rejected(record)[0][4])
        self.assertFalse(self._providers()["B"].active)

    def test_cells_are_no_formulas(self):
        record = self._new("template", files.table(HEADER, ["=1+1 2", "Bad", *[""] * 5]))
        self.assertEqual(self._rejected(record)[0][3], "'=1+1 2")

    def test_odd_text_of_json(self):
        """Zeros and lone surrogates cannot be stored; they are rejected, not fatal."""
        record = self._run(
            "ifsc", files.ifsc(codes={"TB\0A": [1], "TB\ud800B": ["x"], "TBKA": [1, "\0"]})
        )
        self.assertEqual(record.state, "done", record.problem)
        self.assertCounts(
            record, provider_new=1, branch_new=1, provider_rejected=2, branch_rejected=3
        )

    def test_file_that_cannot_be_used(self):
        for source, content, text in (
            ("template", b"colour\n", "Not known: colour"),
            ("template", files.table(HEADER), "not a single row"),
            ("ifsc", b"x", "not a .tgz"),
        ):
            with self.subTest(source), self.assertRaisesText(UserError, f"{text}.*Nothing"):
                self._new(source, content)

    def test_file_that_is_too_large(self):
        with (
            patch(f"{ADDON}.models.g2p_fa_import.FILE_MAX_BYTES", 10),
            self.assertRaisesText(UserError, "larger than"),
        ):
            self._new("ifsc", files.ifsc())


class Died(BaseException):
    """The process of an import is killed."""


class TestFaImportRuns(ImportCommon):
    """What happens to an import that does not run through at once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch(f"{ADDON}.models.g2p_fa_import.CHUNK_SIZE", 2))

    @contextmanager
    def _failing(self, error, *calls):
        """Raise at these calls of ``write_chunk``, counted from 1."""
        write_chunk, count = DirectoryStage.write_chunk, 0

        def write(*args):
            nonlocal count
            count += 1
            if count in calls:
                raise error
            return write_chunk(*args)

        with patch.object(DirectoryStage, "write_chunk", write):
            yield

    def _die(self, *calls):
        self.env.flush_all()
        # Not assertRaises, which would undo what has been committed.
        with self._failing(Died(), *calls), self.enter_registry_test_mode(), suppress(Died):
            with self.registry.cursor() as cr:
                self.env(cr=cr, user=1)["g2p.fa.import"]._cron_run()
            self.fail("nothing has failed")

    def test_interrupted_run_goes_on(self):
        record = self._new("ifsc", files.ifsc())
        record.action_run()
        self._die(4)
        self.assertEqual((record.state, record.done_count, record.total_count), ("running", 5, 8))
        self.assertEqual(record.progress, 100 * 5 / 8)
        self.assertEqual((len(self._providers("ifsc")), len(self._branches("ifsc"))), (3, 2))
        self._run_cron()
        self.assertEqual(record.state, "done", record.problem)
        self.assertCounts(record, provider_new=3, branch_new=5)
        self.assertEqual(len(self._branches("ifsc")), 5)

    def test_interrupted_before_the_first_commit(self):
        record = self._new("ifsc", files.ifsc())
        record.action_run()
        self._die(1)
        self.assertEqual((record.state, record.done_count), ("running", 0))
        self._run_cron()
        self.assertCounts(record, provider_new=3, branch_new=5)

    def test_process_that_dies_time_and_again(self):
        record = self._new("ifsc", files.ifsc())
        record.action_run()
        self._die(2)
        for _attempt in range(MAX_ATTEMPTS):
            self.assertEqual(record.state, "running")
            self._die(1)
        self._run_cron()
        self.assertEqual((record.state, record.done_count), ("failed", 2))
        self.assertIn("died", record.problem)
        record.action_run()
        self._run_cron()
        self.assertCounts(record, provider_new=3, branch_new=5)

    def test_conflicts_are_tried_again(self):
        for error in (errors.SerializationFailure(), errors.UniqueViolation()):
            with self.subTest(type(error).__name__), self.cr.savepoint() as savepoint:
                with self._failing(error, 2, 4):
                    record = self._run("ifsc", files.ifsc())
                self.assertEqual(record.state, "done", record.problem)
                self.assertCounts(record, provider_new=3, branch_new=5)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_conflicts_without_end(self):
        with self._failing(errors.SerializationFailure(), *range(1, 9)):
            record = self._run("ifsc", files.ifsc())
        self.assertEqual(record.state, "failed")
        self.assertIn("Run it again later", record.problem)

    @mute_logger(f"{ADDON}.models.g2p_fa_import")
    def test_failed_run_can_be_run_again(self):
        with self._failing(ValueError("a reason"), 3):
            record = self._run("ifsc", files.ifsc())
        self.assertEqual((record.state, record.problem), ("failed", "a reason"))
        self.env.cr.execute("SELECT FROM pg_tables WHERE tablename LIKE 'spar_import_%'")
        self.assertFalse(self.env.cr.rowcount, "temporary tables stay")
        record.action_run()
        self._run_cron()
        self.assertEqual((record.state, record.problem), ("done", False))
        self.assertCounts(record, provider_new=3, branch_new=5)

    def test_file_that_cannot_be_used_any_more(self):
        record = self._new("ifsc", files.ifsc())
        record.sudo().file = base64.b64encode(b"x")
        record.action_run()
        self._run_cron()
        self.assertEqual(record.state, "failed")
        self.assertIn("not a .tgz", record.problem)
        record.action_reset()
        record.file = base64.b64encode(files.ifsc())
        record.action_check()
        self.assertEqual(record.state, "checked")

    def test_records_changed_since_the_preview(self):
        """The run compares anew."""
        record = self._new("ifsc", files.ifsc())
        self._create_provider(name="Fast hand", code="TBKA")
        record.action_run()
        self._run_cron()
        self.assertCounts(record, provider_new=2, provider_changed=1, branch_new=5)

    def test_buttons_in_the_wrong_state(self):
        record = self._new("ifsc", files.ifsc())
        with self.assertRaisesText(UserError, "another state"):
            record.action_check()
        with self.assertRaisesText(UserError, "Start over"):
            record.file = False
        record.action_run()
        for action in ("action_check", "action_run", "action_reset"):
            with self.subTest(action), self.assertRaisesText(UserError, "another state"):
                getattr(record, action)()
        with self.assertRaisesText(UserError, "cannot be deleted"):
            record.sudo().unlink()

    def test_nothing_but_inputs_can_be_set(self):
        record = self._new("ifsc", files.ifsc())
        record.action_reset()
        for name, value in (("state", "running"), ("branch_new", 5), ("user_id", 1)):
            with self.subTest(name), self.assertRaises(AccessError):
                record.write({name: value})
            with self.subTest(name), self.assertRaises(AccessError):
                record.create({"source": "ifsc", "file": b"eA==", name: value})

    def test_nor_can_defaults_set_it(self):
        self.env["ir.default"].set("g2p.fa.import", "done_count", 7, user_id=self.officer.id)
        imports = (
            self.env["g2p.fa.import"]
            .with_user(self.officer)
            .with_context(
                default_source="ifsc",
                default_state="running",
                default_user_id=1,
            )
        )
        record = imports.create({"file": b"eA=="})
        self.assertEqual((record.source, record.state, record.done_count), ("ifsc", "draft", 0))
        self.assertFalse(record.user_id)

    def test_files_are_removed_in_the_end(self):
        ended = self._table(["A", "Bank A", *[""] * 5], ["B B", "Bank B", *[""] * 5])
        waiting = self._new("ifsc", files.ifsc())
        for days, kept in ((FILE_DAYS - 1, True), (FILE_DAYS + 1, False)):
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE g2p_fa_import SET write_date = %s",
                [fields.Datetime.now() - timedelta(days=days)],
            )
            self.env.invalidate_all()
            ended.sudo()._gc_files()
            self.assertEqual((bool(ended.file), bool(ended.rejected_file)), (kept, kept))
        self.assertTrue(waiting.file)
        waiting.sudo().file = False
        waiting.action_run()
        self._run_cron()
        self.assertIn("has been removed", waiting.problem)

    def test_form(self):
        form = Form(self.env["g2p.fa.import"].with_user(self.officer))
        form.source = "ifsc"
        self.assertEqual((form.list_name, form.strategy_id.code), ("ifsc", 5))
        self.assertEqual(form.account_rule_id.code, 3)
        form.source = "schwifty"
        self.assertEqual((form.list_name, form.strategy_id.code), ("schwifty", 101))
        self.assertEqual(form.account_rule_id.check_method, "iban")
        form.file = base64.b64encode(files.wheel())
        with self.assertRaisesText(ValidationError, "Choose the countries"):
            form.save()
        form.country_ids.add(self.env.ref("base.de"))
        form.save().action_check()

    def test_schwifty_needs_countries(self):
        with self.assertRaisesText(ValidationError, "Choose the countries"):
            self._new("schwifty", files.wheel())
