# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Fixtures for tests of the running product: a real prefork server on a database of its own."""

import os
import re
import sys
from pathlib import Path

import psycopg2
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "setup"))

from spar_setup import process, template
from spar_setup.installation import Installation
from spar_setup.postgres import server_for_tests
from spar_setup.python_env import PythonEnv
from spar_setup.server import Server, free_port
from spar_setup.state import State, read_json

WORKERS = 2


class RunningServer:
    """A prefork server with two HTTP workers on a committed copy of the template database.

    :ivar str url: without a trailing slash
    :ivar str database: name
    :ivar dict admin: `login` and `password`
    :ivar list participants: dicts with `sender_id`, `profile`, `client_id`, `client_secret`,
        `operations`, `unrestricted`, as setup/start prints them
    :ivar Path log_path: Odoo's log
    :ivar Path postgres_log_path: PostgreSQL's log; None when PGHOST names the server
    """

    def __init__(self, name, workers=WORKERS):
        state = State()
        env = PythonEnv(state)
        self._postgres = server_for_tests(state, env)
        installation = Installation(state, env, read_json(state.root / "odoo.json"))
        source = installation.test_database(os.environ["SPAR_TEST_TEMPLATE"], self._postgres)
        self._database = template.fresh_copy(installation, self._postgres, source, name)
        self._server = Server(self._database)
        self._server.start(free_port(), workers)
        self.url = self._server.record["url"]
        self.pid = self._server.pid
        self.database = name
        self.admin = self._database.record["admin"]
        self.participants = self._database.record["participants"]
        self.log_path = self._database.log
        self.postgres_log_path = self._postgres.log

    @property
    def dsn(self):
        """Keywords of `psycopg2.connect`."""
        variables = self._postgres.variables
        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
        given = {key: variables[name] for name, key in names.items() if variables.get(name)}
        return {"dbname": self.database, **given}

    def connect(self):
        """A new connection to its database, each statement committed at once."""
        connection = psycopg2.connect(**self.dsn)
        connection.autocommit = True
        return connection

    def worker_pids(self):
        """Ids of the HTTP worker processes that live now."""
        log = self.log_path.read_text(encoding="utf-8")
        announced = {int(pid) for pid in re.findall(r"Worker WorkerHTTP \((\d+)\) alive", log)}
        return sorted(announced & set(process.children(self.pid)))

    def stop(self):
        """End it, and drop its database."""
        self._server.stop()
        template.remove(self._database)


@pytest.fixture(scope="session")
def server():
    """One `RunningServer` for all tests of the session."""
    running = RunningServer("spar_running")
    yield running
    running.stop()


@pytest.fixture
def own_server():
    """A `RunningServer` for one test that harms it: kills a worker, fills the database."""
    running = RunningServer("spar_own")
    yield running
    running.stop()
