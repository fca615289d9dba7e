# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A second instance of the product, on a database of its own: the one that calls the other."""

import json
import subprocess
from pathlib import Path

from conftest import fresh_database
from spar_setup import template
from spar_setup.odoo_config import write_configuration

PROGRAM = Path(__file__).parent / "calling_program" / "program.py"


class CallingInstance:
    """:param str name: of its own database
    :param Database database: of a server, in which it is to run instead
    """

    def __init__(self, name=None, database=None):
        self._owns_database = database is None
        self.database = database or fresh_database(name)
        configuration = write_configuration(
            self.database.folder, self.database.name, self.database.server, workers=0
        )
        self.log_path = self.database.folder / "calls.log"
        with self.log_path.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [self.database.env.python, PROGRAM, configuration, self.database.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.database.environment(),
                text=True,
            )

    def ask(self, do, **command):
        """Have the program do that; fails when it raises."""
        answer = self.attempt(do, **command)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def attempt(self, do, **command):
        print(json.dumps({"do": do, **command}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def results(self, message):
        """State, and results as dictionaries or None."""
        return self.ask("results", message=message)

    def connector(self, **values):
        """:return: `Connector`, a new one with these values"""
        return Connector(self, self.ask("create", **{"name": "A mapper", **values}))

    def stop(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        if self._owns_database:
            template.remove(self.database)


class Connector:
    """One connector of an instance."""

    def __init__(self, instance, connector_id):
        self._instance = instance
        self.id = connector_id

    def call(self, operation, *items, parts=False):
        """:param items: dictionaries; `reference_id` is added where it lacks
        :return: results as dictionaries
        """
        numbered = [{"reference_id": f"r{number}", **item} for number, item in enumerate(items)]
        return self._instance.ask(
            "call", connector=self.id, operation=operation, items=numbered, parts=parts
        )

    def submit(self, operation, *items):
        """:return: ids of the messages"""
        numbered = [{"reference_id": f"r{number}", **item} for number, item in enumerate(items)]
        return self._instance.ask("submit", connector=self.id, operation=operation, items=numbered)

    def write(self, **values):
        self._instance.ask("write", connector=self.id, **values)

    def read(self, *names):
        return self._instance.ask("read", connector=self.id, names=names)

    def test(self):
        """Whether *Test the Connection* is content, and what it says."""
        self._instance.ask("act", connector=self.id, action="action_test_connection")
        told = self.read("remote_test_passed", "remote_test_result")
        return told["remote_test_passed"], told["remote_test_result"]

    def fetch_keys(self):
        self._instance.ask("act", connector=self.id, action="action_fetch_remote_keys")
