# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.

from odoo.tests import Form

from ..pattern import FIELD_SAMPLES
from .common import DirectoryCommon


class TestFaStrategyTry(DirectoryCommon):
    def _form(self, code):
        wizard = self.env["g2p.fa.strategy.try"].with_user(self._create_user("viewer"))
        return Form(wizard.with_context(default_strategy_id=self._strategy(code).id))

    def test_construct_and_deconstruct(self):
        form = self._form(101)
        form.account_number = "12345"
        form.bank_code = "TPLAIN"
        self.assertEqual(form.constructed, "account:12345@TPLAIN")
        self.assertFalse(form.construct_problem)
        form.string = "account:999@OTHER"
        self.assertEqual(form.deconstructed, "account_number: 999\nbank_code: OTHER")
        self.assertFalse(form.deconstruct_problem)

    def test_problems(self):
        form = self._form(101)
        form.account_number = "12@345"
        self.assertFalse(form.constructed)
        self.assertIn("account_number: must not contain", form.construct_problem)
        form.string = "something else"
        self.assertFalse(form.deconstructed)
        self.assertIn("does not have the form", form.deconstruct_problem)

    def test_id_strategy(self):
        form = self._form(1)
        form.sub = "abc"
        self.assertEqual(form.constructed, "token:abc@nationalId")
        form.string = "token:xyz@nationalId"
        self.assertEqual(form.deconstructed, "sub: xyz")

    def test_kind_of_account_is_filled_in(self):
        form = self._form(4)
        self.assertEqual(form.fa_type, "MOBILE_WALLET")
        form.strategy_id = self._strategy(3)
        self.assertEqual(form.fa_type, "EMAIL_WALLET")

    def test_only_the_fields_of_the_pattern_are_shown(self):
        form = self._form(101)
        with self.assertRaises(AssertionError):
            form.mobile_number = "12345"

    def test_strategy_removed_from_the_form(self):
        form = self._form(101)
        form.strategy_id = self.env["g2p.fa.strategy"]
        form.string = "account:999@OTHER"
        self.assertFalse(form.constructed)
        self.assertFalse(form.deconstructed)

    def test_nothing_typed_is_stored(self):
        form = self._form(101)
        form.account_number = "12345"
        form.string = "account:999@OTHER"
        wizard = form.save()
        columns = [f.name for f in wizard._fields.values() if f.store and f.column_type]
        self.assertEqual(
            set(columns),
            {"id", "strategy_id", "create_uid", "create_date", "write_uid", "write_date"},
        )

    def test_no_field_name_contains_another(self):
        """The form shows a field if its name occurs in the names of the pattern."""
        for name in FIELD_SAMPLES:
            self.assertEqual([other for other in FIELD_SAMPLES if name in other], [name])

    def test_every_field_of_a_pattern_can_be_typed(self):
        self.assertLessEqual(set(FIELD_SAMPLES), set(self.env["g2p.fa.strategy.try"]._fields))
        depends = self.env["g2p.fa.strategy.try"]._compute_constructed._depends
        self.assertLessEqual(set(FIELD_SAMPLES), set(depends))
