# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Directories of real size, from the real package files, on a running server.

The files are fetched with the package managers' own clients; they are not part of this repository.
"""

import base64
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from mapper_client import BackOffice
from spar_setup import process

PATIENCE = 300
IFSC, SCHWIFTY = "ifsc@2.0.50", "schwifty==2026.10.1"
BANKS, BRANCHES = 257, 176_918
COUNTS = ["state", "problem", "done_count", "total_count", "provider_new", "branch_new"]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The package files of ifsc and schwifty."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run(["npm", "pack", "--silent", IFSC], cwd=folder, check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", folder, SCHWIFTY],
        check=True,
    )
    return next(folder.glob("ifsc-*.tgz")), next(folder.glob("schwifty-*.whl"))


class Import:
    """An import over JSON-RPC, as the web client does it."""

    def __init__(self, office, source, path, **values):
        self._office = office
        content = base64.b64encode(path.read_bytes()).decode()
        values |= {"source": source, "file": content, "file_name": path.name}
        [self._id] = self._call("create", [values])

    def _call(self, method, *args):
        result, problem = self._office.call("g2p.fa.import", method, *args)
        assert problem is None, problem
        return result

    def do(self, action):
        self._call(action, [self._id])

    def read(self, *fields):
        return self._call("read", [self._id], [*COUNTS, *fields])[0]

    def wait(self, condition):
        """Read it until the condition holds for it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            values = self.read()
            if condition(values):
                return values
            assert values["state"] == "running", values["problem"]
            time.sleep(0.1)
        raise AssertionError(f"still {values}")


def test_directories_of_real_size(own_server, packages):
    ifsc, schwifty = packages
    office = BackOffice(own_server)
    indian = Import(office, "ifsc", ifsc)
    indian.do("action_check")
    preview = indian.read("provider_rejected", "branch_rejected")
    assert (preview["provider_new"], preview["branch_new"]) == (BANKS, BRANCHES)
    assert (preview["provider_rejected"], preview["branch_rejected"]) == (0, 0)
    indian.do("action_run")
    _kill_the_process_that_imports(own_server, indian)
    done = indian.wait(lambda values: values["state"] == "done")
    assert (done["provider_new"], done["branch_new"]) == (BANKS, BRANCHES)
    assert done["done_count"] == done["total_count"] == BANKS + BRANCHES
    assert _branches(own_server) == [(BRANCHES, BANKS)]

    again = Import(office, "ifsc", ifsc)
    again.do("action_check")
    assert again.read("branch_unchanged")["branch_unchanged"] == BRANCHES

    countries = office.find("res.country", ["code", "in", ["DE", "FR", "KE", "PL", "UA"]])
    unknown = Import(office, "schwifty", schwifty, country_ids=[[6, 0, countries]])
    _result, problem = office.call("g2p.fa.import", "action_check", [unknown._id])
    assert "no banks of: KE" in problem
    countries = office.find("res.country", ["code", "in", ["DE", "FR", "PL", "UA"]])
    banks = Import(office, "schwifty", schwifty, country_ids=[[6, 0, countries]])
    banks.do("action_check")
    banks.do("action_run")
    done = banks.wait(lambda values: values["state"] == "done")
    assert done["provider_new"] > 4_000
    assert banks.read("provider_rejected")["provider_rejected"] == 0


def _branches(server):
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT provider_id) FROM g2p_fa_branch WHERE source = 'ifsc'"
        )
        return cursor.fetchall()


def _kill_the_process_that_imports(server, running):
    """Kill it between two commits, with the others that run jobs; new ones go on."""
    running.wait(lambda values: values["done_count"] > BANKS)
    log = server.log_path.read_text(encoding="utf-8")
    announced = {int(pid) for pid in re.findall(r"Worker WorkerCron \((\d+)\) alive", log)}
    workers = announced & set(process.children(server.pid))
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    values = running.read()
    assert values["done_count"] < values["total_count"]
