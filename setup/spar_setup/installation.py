# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Everything below a database: the Odoo tree, the virtual environment, PostgreSQL."""

import contextlib
import fcntl
from concurrent.futures import ThreadPoolExecutor

from . import odoo_source, python_env
from .database import Database
from .server import running_record
from .state import State


class Installation:
    """What is installed in the state folder."""

    def __init__(self, state, env, odoo):
        self.state = state
        self.env = env
        self.odoo = odoo

    def database(self, name, server):
        return Database(self.state.databases / name, name, server, self.env, self.odoo)

    def test_database(self, name, server):
        return self.disposable_database(self.state.tests / name, name, server)

    def disposable_database(self, folder, name, server):
        """One of tests and benchmarks, which can always be made anew. On a server that is not ours,
        it may be somebody else's who tests there too."""
        return Database(folder, name, server, self.env, self.odoo, disposable=server.is_ours)


def install(wanted_odoo=None, development=False):
    """Install or complete what is missing.

    :param str wanted_odoo: directory, archive or address; None = the recorded one, else Debian's
    :param bool development: with what tests and checks need
    """
    python_env.check_platform()
    state = State().make()
    env = python_env.PythonEnv(state)
    # At the same time: the first time, either takes a minute.
    with state.lock("install", "installing"), ThreadPoolExecutor(1) as beside:
        libraries = beside.submit(env.ensure, development)
        odoo = odoo_source.ensure_odoo(state, wanted_odoo)
        libraries.result()
        env.add(odoo["path"])
    return Installation(state, env, odoo)


@contextlib.contextmanager
def using(state, server, folder):
    """Keep the PostgreSQL server running for as long as the block lasts; start it when it is down.

    At the end it goes on only if a database's server still uses it.

    :param Path folder: holds the folders of the databases that live on it
    """
    folder.mkdir(exist_ok=True)
    with (state.root / f"use-{server.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        with state.lock("postgres", "starting PostgreSQL"):
            server.start()
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)
            stop_unused(state, server, folder)


def stop_unused(state, server, folder):
    """Stop our PostgreSQL unless a command or a database's server needs it."""
    with (state.root / f"use-{server.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not any(running_record(database) for database in database_folders(folder)):
            server.stop()


def database_folders(folder):
    """Folders of the databases made there, whether they run or not."""
    return [path for path in sorted(folder.glob("*")) if path.is_dir()]
