# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A PostgreSQL server that a test may kill: durable, unlike that of the other tests, and alone."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess

from conftest import RunningServer, fresh_database, installed
from lanes import await_true
from spar_setup import process
from spar_setup.console import SetupError
from spar_setup.postgres import EmbeddedServer
from spar_setup.template import remove

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class OwnCluster:
    """Made new, removed at the end."""

    def __init__(self):
        self._installation, _shared = installed()
        self.server = EmbeddedServer(
            self._installation.state, self._installation.env, name="faults", durable=True
        )
        self.server.stop()
        shutil.rmtree(self.server.home, ignore_errors=True)
        # What pg_ctl leaves behind becomes our child, to be collected once it is killed: where
        # nobody else does, PostgreSQL would take the dead process for a living one.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.server.start()
        # Of the template itself, others make copies meanwhile: nothing may be connected to it.
        self._template = fresh_database("spar_faults_template")

    def run(self, name, **options):
        """A `RunningServer` on a copy of the template of all tests."""
        template = self._template
        database = self._installation.test_database(name, self.server)
        database.drop()
        bin_ = self._installation.env.postgres / "bin"
        subprocess.run([bin_ / "createdb", name], env=database.environment(), check=True)
        with subprocess.Popen(
            [bin_ / "pg_dump", "--no-owner", template.name],
            env=template.environment(),
            stdout=subprocess.PIPE,
        ) as dump:
            subprocess.run(
                [bin_ / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", name],
                env=database.environment(),
                stdin=dump.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        assert dump.returncode == 0
        database.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(template.filestore, database.filestore, dirs_exist_ok=True)
        for file in ("keys.json", "database.json"):
            shutil.copy2(template.folder / file, database.folder / file)
        return RunningServer(database, **options)

    def pid(self):
        """Id of its first process."""
        record = self.server.data / "postmaster.pid"
        return int(record.read_text(encoding="utf-8").splitlines()[0])

    def kill(self):
        """End its first process the hard way; what it began ends by itself."""
        pid = self.pid()
        family = [pid, *process.children(pid)]
        known = [process.identity(member) for member in family]
        os.kill(pid, signal.SIGKILL)
        await_true(lambda: not any(process.is_alive(one) for one in known))
        for member in family:
            process.reap(member)

    def start(self):
        """Start it again; it recovers what was committed."""

        def started():
            with contextlib.suppress(SetupError):
                self.server.start()
            return self.server.running()

        await_true(started)

    def remove(self):
        remove(self._template)
        self.server.stop()
        shutil.rmtree(self.server.home, ignore_errors=True)
