# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The bare look-up: our resolve's own statement as our server sends it, driven by pgbench.

pgbench has no arrays: the IDs stand in its scripts, of which it draws one at a time.
"""

import importlib
import re
import sys
import tempfile
import types
from pathlib import Path
from random import randint

from spar_setup.console import SetupError, step
from spar_setup.state import REPOSITORY

from . import people
from .load import Burst, run_program

CLIENTS = 2
# pgbench takes at most 128.
SCRIPTS = 100
# Statements of a script, by the number of IDs in each: as many IDs as files of some size hold.
STATEMENTS = {1: 500, 100: 50, 1000: 10}


def lookup(items):
    """The statement that our resolve of so many IDs runs, their array written `%s`.

    Read from the addon without its package, which needs Odoo.
    """
    package = types.ModuleType("bare_mapper")
    package.__path__ = [str(REPOSITORY / "g2p_spar_mapper")]
    sys.modules[package.__name__] = package
    statement = importlib.import_module("bare_mapper.mapping_store").resolve_statement(items)
    if statement.count("%s") != 1:
        raise SetupError("The statement of resolve has not one parameter.", "Adapt limit.py.")
    return statement


class Limit:
    """pgbench on our database.

    :param Ours ours: whose database
    """

    name = "bare look-up"
    pids = {}  # but PostgreSQL's

    def __init__(self, ours):
        self.database = ours.database

    def prepare(self, rows):
        """Write the scripts."""
        self._folder = tempfile.TemporaryDirectory()
        with step("Choosing random IDs for the bare look-up"):
            for items in STATEMENTS:
                for number in range(SCRIPTS):
                    self._script(items, number).write_text(script(items, rows), encoding="utf-8")

    def _script(self, items, number):
        return Path(self._folder.name, f"{items}-{number}.sql")

    def offers(self, operation):
        return operation.action == "resolve" and not operation.strict

    def run(self, _program, items, seconds):
        """:rtype: Burst"""
        scripts = [
            argument
            for number in range(SCRIPTS)
            for argument in ("-f", self._script(items, number))
        ]
        with tempfile.TemporaryDirectory() as folder:
            command = [
                self.database.env.postgres / "bin" / "pgbench", "-n", "-M", "simple",
                "-c", str(CLIENTS), "-j", str(CLIENTS), "-T", str(seconds), *scripts,
                "-l", "--log-prefix", f"{folder}/log", self.database.name,
            ]  # fmt: skip
            done, cpu_seconds = run_program(command, self.database.environment())
            latencies = sorted(_latencies(folder))
        return burst(done, latencies, cpu_seconds, STATEMENTS[items])


def script(items, rows):
    """Statements of resolve with that many random IDs each; a script is one transaction."""
    statement = " ".join(lookup(items).split())
    lines = []
    for _statement in range(STATEMENTS[items]):
        ids = ",".join(people.id_key(randint(1, rows)) for _item in range(items))
        lines.append(statement.replace("%s", f"'{{{ids}}}'"))
    return "BEGIN;\n" + "".join(f"{line};\n" for line in lines) + "COMMIT;\n"


def burst(done, latencies, cpu_seconds, statements):
    """What pgbench saw, per statement; percentiles are of averages over a script."""
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if done.returncode or not latencies or not failed or int(failed[1]):
        raise SetupError(f"pgbench failed: {(done.stderr or done.stdout).strip()[-500:]}")
    tps = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
    return Burst(
        requests=len(latencies) * statements,
        seconds=len(latencies) / tps,
        p50_ms=percentile(latencies, 50) / statements,
        p99_ms=percentile(latencies, 99) / statements,
        max_ms=latencies[-1] / statements,
        sent_most=0,
        cpu_seconds=cpu_seconds,
    )


def _latencies(folder):
    """Milliseconds of each transaction, from pgbench's logs."""
    for path in Path(folder).glob("log*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield int(line.split()[2]) / 1000


def percentile(values, percent):
    """Of sorted values, the smallest that is not below so many percent of them."""
    return values[max(0, -(-len(values) * percent // 100) - 1)]
