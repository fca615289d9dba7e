# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Fixtures for tests of the running product: a real prefork server on a database of its own."""

import os
import re
import sys
from pathlib import Path

import psycopg2
import pytest
from log_search import Logs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "setup"))

from spar_setup import process, template
from spar_setup import server as server_module
from spar_setup.installation import Installation
from spar_setup.postgres import server_for_tests
from spar_setup.python_env import PythonEnv
from spar_setup.server import Server, free_port
from spar_setup.state import State, read_json

# Test processes that run side by side each have ports of their own.
PROCESSES_AT_MOST = 8
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
server_module.PORTS = server_module.PORTS[_process % PROCESSES_AT_MOST :: PROCESSES_AT_MOST]

WORKERS = 2
# Of the files, those that take longest; the longest first.
LONGEST = (
    "test_upgrade",
    "test_faults",
    "test_sign_in",
    "test_generated_requests",
    "test_pages_browser",
)


def pytest_collection_modifyitems(items):
    """Begin with the longest files: processes that run side by side then end together."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def installed():
    """What setup/test has installed, and the PostgreSQL server that it has started."""
    state = State()
    env = PythonEnv(state)
    installation = Installation(state, env, read_json(state.root / "odoo.json"))
    return installation, server_for_tests(state, env)


def template_database():
    """The database that setup/test has made, with all addons. Nothing may stay connected to it."""
    installation, postgres = installed()
    return installation.test_database(os.environ["SPAR_TEST_TEMPLATE"], postgres)


def fresh_database(name, source=None):
    """A committed copy of the template, or of another database that nothing is connected to.

    Test processes that run side by side share PostgreSQL: each has names of its own.
    """
    process_name = os.environ.get("PYTEST_XDIST_WORKER")
    name = f"{name}_{process_name}" if process_name else name
    return template.fresh_copy(*installed(), source or template_database(), name)


def connect(database):
    """A new connection to a `Database`, each statement committed at once."""
    connection = psycopg2.connect(**dsn(database))
    connection.autocommit = True
    return connection


def dsn(database):
    """Keywords of `psycopg2.connect`."""
    variables = database.server.variables
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
    given = {key: variables[name] for name, key in names.items() if variables.get(name)}
    return {"dbname": database.name, **given}


class RunningServer:
    """A prefork server on a database of its own.

    :param Database database: which one, see `fresh_database`
    :param int workers: how many HTTP worker processes
    :ivar str url: without a trailing slash
    :ivar str database: name
    :ivar dict admin: `login` and `password`
    :ivar list participants: dicts with `sender_id`, `profile`, `client_id`, `client_secret`,
        `operations`, `unrestricted`, as setup/start prints them
    :ivar Path log_path: Odoo's log
    :ivar Path postgres_log_path: PostgreSQL's log; None when PGHOST names the server
    """

    def __init__(self, database, workers=WORKERS):
        self._database = database
        self._workers = workers
        self._port = free_port()
        self._server = Server(database)
        self._lift_limits()
        self._start()
        self.database = database.name
        self.admin = database.record["admin"]
        self.participants = database.record["participants"]
        self.log_path = database.log
        self.postgres_log_path = database.server.log

    def _lift_limits(self):
        """All tests call from one address, and many with what is to be refused."""
        with connect(self._database) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ir_config_parameter (key, value) "
                "VALUES ('g2p_spar.tokens_per_address', '1000000') ON CONFLICT DO NOTHING"
            )

    def _start(self):
        self._server.start(self._port, self._workers)
        self.url = self._server.record["url"]
        self.pid = self._server.pid

    @property
    def dsn(self):
        """Keywords of `psycopg2.connect`."""
        return dsn(self._database)

    @property
    def installed_database(self):
        """Its `Database`, for another process on it."""
        return self._database

    def connect(self):
        """A new connection to its database, each statement committed at once."""
        return connect(self._database)

    def worker_pids(self, kind="HTTP"):
        """Ids of the worker processes of a kind (HTTP, Cron) that live now."""
        return sorted(self.announced_pids(kind) & set(process.children(self.pid)))

    def announced_pids(self, kind):
        """The same with those that have lived."""
        log = self.log_path.read_text(encoding="utf-8")
        return {int(pid) for pid in re.findall(rf"Worker Worker{kind} \((\d+)\) alive", log)}

    def await_evented(self):
        """Wait for the process that serves beside the workers: the demonstration's identity
        provider answers there."""
        self._server.await_evented()

    def lives(self):
        """Whether its first process runs: Odoo's ends when it misses its database."""
        return self._server.record is not None

    def restart(self):
        """Start it again on the same port, as a supervisor does."""
        self.end()
        self._start()

    def end(self):
        """End it; its database stays."""
        self._server.stop()

    def stop(self):
        """End it, and drop its database."""
        self.end()
        template.remove(self._database)


@pytest.fixture(scope="session")
def server():
    """One `RunningServer` for all tests of the session; in the end, all its logs are searched."""
    running = RunningServer(fresh_database("spar_running"))
    yield running
    try:
        Logs(running).check_clean()
        Logs(running).check_files()
    finally:
        running.stop()


@pytest.fixture
def own_server():
    """A `RunningServer` for one test that harms it: kills a worker, fills the database."""
    running = RunningServer(fresh_database("spar_own"))
    yield running
    running.stop()
