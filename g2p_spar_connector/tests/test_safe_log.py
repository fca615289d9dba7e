# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.exceptions import UserError
from odoo.tests import BaseCase, TransactionCase
from odoo.tools import mute_logger

from ..safe_log import describe


def caught(function):
    try:
        function()
    except Exception as exception:
        return exception
    raise AssertionError("nothing was raised")


class TestDescribe(BaseCase):
    def test_class_and_place(self):
        def inner(secret):
            raise ValueError(f"bad {secret}")

        def outer():
            try:
                inner("SECRET")
            except ValueError as error:
                raise UserError("SECRET") from error

        text = describe(caught(outer))
        self.assertIn("odoo.exceptions.UserError at ", text)
        self.assertRegex(text, r"g2p_spar_connector/tests/test_safe_log\.py:\d+ outer")
        self.assertIn("after builtins.ValueError", text)
        self.assertNotIn("SECRET", text)

    def test_without_traceback(self):
        self.assertEqual(describe(ValueError("SECRET")), "builtins.ValueError at an unknown place")

    def test_endless_chain(self):
        first, second = ValueError("a"), KeyError("b")
        first.__context__, second.__context__ = second, first
        self.assertEqual(describe(first).count("KeyError"), 3)


class TestDescribeDatabaseErrors(TransactionCase):
    def failing(self, statement):
        def run():
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                self.env.cr.execute(statement)

        return describe(caught(run))

    def test_data_error(self):
        text = self.failing("SELECT 'SECRET'::int")
        self.assertIn("InvalidTextRepresentation (22P02) at ", text)
        self.assertNotIn("SECRET", text)

    def test_constraint(self):
        text = self.failing(
            "CREATE TEMPORARY TABLE spar_test (a text CONSTRAINT spar_test_key UNIQUE); "
            "INSERT INTO spar_test VALUES ('SECRET'), ('SECRET')"
        )
        self.assertIn("UniqueViolation (23505, spar_test_key) at ", text)
        self.assertNotIn("SECRET", text)
