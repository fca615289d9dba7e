# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
import logging

from odoo.tests import BaseCase, TransactionCase
from odoo.tools import mute_logger

from ..safe_log import QuietRequestLines, describe


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
                raise RuntimeError("SECRET") from error

        text = describe(caught(outer))
        self.assertIn("builtins.RuntimeError at ", text)
        self.assertRegex(text, r"g2p_spar_connector/tests/test_safe_log\.py:\d+ outer")
        self.assertRegex(text, r"; after builtins\.ValueError at .*test_safe_log\.py:\d+ inner")
        self.assertNotIn("SECRET", text)

    def test_without_traceback(self):
        self.assertEqual(describe(ValueError("SECRET")), "builtins.ValueError at an unknown place")

    def test_endless_chain(self):
        first, second = ValueError("a"), KeyError("b")
        first.__context__, second.__context__ = second, first
        self.assertEqual(describe(first).count("an unknown place"), 2)

    def test_long_chain(self):
        exception = None
        for _ in range(100):
            newer = ValueError()
            newer.__context__ = exception
            exception = newer
        self.assertEqual(describe(exception).count("an unknown place"), 6)


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


class TestQuietRequestLines(BaseCase):
    def line(self, request_line, status):
        record = logging.LogRecord(
            "werkzeug", logging.INFO, "", 0, '"%s" %s %s', (request_line, status, "-"), None
        )
        QuietRequestLines().filter(record)
        return record.getMessage()

    def test_query_and_unknown_paths_are_cut(self):
        for path in (
            "/spar/v1.0.0/mapper/sync/resolve?id=SECRET",
            "//spar//v1.0.0/mapper/sync/resolve?id=SECRET",
            "/fr/api/mapper/sync/link?SECRET",
        ):
            with self.subTest(path=path):
                line = self.line(f"POST {path} HTTP/1.1", "405")
                self.assertNotIn("SECRET", line)
                self.assertIn(path.partition("?")[0], line)
        for line in (
            "GET /spar/SECRET HTTP/1.1",
            "GET /en/spar/v1.0.0/mapper/SECRET/x?SECRET HTTP/1.1",
            "\x1b[33mGET /api/mapper/SECRET HTTP/1.1\x1b[0m",
        ):
            with self.subTest(line=line):
                self.assertNotIn("SECRET", self.line(line, "404"))

    def test_a_line_that_is_none(self):
        self.assertNotIn("SECRET", self.line("GET /spar/x SECRET with blanks HTTP", "400"))

    def test_other_lines_stay(self):
        for line in ("GET /web/login?x=1 HTTP/1.1", "GET /sparrow/1?x HTTP/1.1", "GET / HTTP/1.1"):
            with self.subTest(line=line):
                self.assertIn(line, self.line(line, "404"))

    def test_is_in_force(self):
        filters = logging.getLogger("werkzeug").filters
        self.assertTrue(any(isinstance(item, QuietRequestLines) for item in filters))
