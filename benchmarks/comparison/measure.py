# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Bursts of load in turns: SPAR, peer, references, SPAR, peer, references ..."""

import math
import random
import time
from typing import NamedTuple

from spar_setup.console import SetupError, say, step
from spar_setup.postgres import psql

from . import load, usage
from .client import resolve
from .report import Measured, Round

# Seconds; the next one where too few requests were answered.
WARM_UPS = (2, 15, 60)
# A slow operation gets longer bursts, in which so many requests can be expected, within limits.
LEAST_REQUESTS = 20
LONGEST = 60
CHECKED_IDS = 50
# Seconds in which servers come to rest.
PATIENCE = 180
# What the first burst of unlink may reach; later ones get twice the IDs that it took.
MOST_REQUESTS_PER_SECOND = 3_000
MOST_IDS_PER_SECOND = 20_000


class Pace(NamedTuple):
    """What a first, unmeasured burst has shown: how long the others are to last."""

    seconds: int
    ids_per_second: float


class Measurement:
    """All operations of all parties.

    :param Bench bench: both servers, started
    :param Wrk program: makes the load
    """

    def __init__(self, bench, program, options):
        self.bench = bench
        self.program = program
        self.options = options
        self.rows = options.rows
        # Number of the next person whom nobody has linked, by party.
        self.unlinked = {party.name: options.rows + 1 for party in bench.parties}
        self.postgres_pid = int(
            (bench.server.data / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        )

    def run(self):
        """:return: (list of `Measured`, `Memory` of each worker by party)"""
        for party in self.bench.parties:
            self._check_answers(party)
        results = []
        for operation in self.options.operations:
            results += self._operation(operation)
        memory = {
            party.name: [usage.memory(pid) for pid in party.worker_pids()]
            for party in self.bench.parties
        }
        return results, memory

    def _check_answers(self, party):
        """Compare some answers with what the database holds."""
        numbers = random.sample(range(1, self.rows + 1), CHECKED_IDS)
        expected = party.table.address_of(numbers)
        if len(expected) != CHECKED_IDS or resolve(party, list(expected)) != expected:
            raise SetupError(f"{party.name} does not answer with the addresses that are stored.")

    def _operation(self, operation):
        """:rtype: list[Measured]"""
        parties = [party for party in self.bench.parties if party.offers(operation)]
        measured = {party.name: [] for party in parties}
        with step(f"Measuring {operation.name}"):
            paces = {party.name: self._warm_up(party, operation) for party in parties}
            for _ in range(self.options.rounds):
                for party in parties:
                    measured[party.name].append(self._round(party, operation, paces[party.name]))
                for reference in self.bench.references:
                    if reference.offers(operation):
                        round_ = self._reference(reference, operation)
                        measured.setdefault(reference.name, []).append(round_)
        results = [Measured(operation, name, rounds) for name, rounds in measured.items()]
        for result in results:
            say(f"    {result.party}: {result.requests_per_second:.1f} requests/s")
        return results

    def _warm_up(self, party, operation):
        """:rtype: Pace"""
        ids_per_second = min(MOST_REQUESTS_PER_SECOND * operation.items, MOST_IDS_PER_SECOND)
        for seconds in WARM_UPS:
            burst = self._burst(party, operation, Pace(seconds, ids_per_second))
            self._settle()
            if burst.requests >= load.CONNECTIONS:
                break
            ids_per_second = load.CONNECTIONS * operation.items / seconds
        else:
            raise SetupError(f"{party.name} answers no {operation.name} in {seconds} s.")
        seconds = max(self.options.seconds, math.ceil(LEAST_REQUESTS / burst.rate))
        return Pace(min(seconds, LONGEST), burst.rate * operation.items)

    def _round(self, party, operation, pace):
        meter = usage.Meter({"server": party.pid, "postgres": self.postgres_pid})
        burst = self._burst(party, operation, pace, meter)
        if not burst.requests:
            raise SetupError(f"{party.name} has answered no {operation.name}.")
        cores = meter.read(load=burst.cpu_seconds)
        self._settle()
        return Round(burst, cores)

    def _burst(self, party, operation, pace, meter=None):
        """One burst; the meter starts with the load, not with its preparation."""
        ids_path = None
        if operation.action == "unlink":
            ids_path = self._ids_to_unlink(party, math.ceil(2 * pace.ids_per_second * pace.seconds))
        first = self.unlinked[party.name]
        values = load.settings(party, operation, self.rows, first, ids_path)
        if meter:
            meter.start()
        burst = load.run(self.program, party.url, values, pace.seconds)
        if operation.action == "link":
            self.unlinked[party.name] += burst.sent_most * load.THREADS * operation.items
        return burst

    def _reference(self, reference, operation):
        meter = usage.Meter({**reference.pids, "postgres": self.postgres_pid})
        meter.start()
        burst = reference.run(self.program, operation.items, self.options.seconds)
        cores = meter.read(load=burst.cpu_seconds)
        self._settle()
        return Round(burst, cores)

    def _settle(self):
        """Wait until the servers have done what was under way when the load ended."""
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND state != 'idle' AND pid != pg_backend_pid()"
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            at_rest = all(usage.rests(party.pid) for party in self.bench.parties)
            if at_rest and psql(self.bench.server, "postgres", busy) == ["0"]:
                return
        raise SetupError(f"The servers are still busy {PATIENCE} s after the load has ended.")

    def _ids_to_unlink(self, party, count):
        """File of IDs that were linked; more are linked by SQL where links have left too few."""
        lacking = count - len(party.table.linked_beyond(self.rows))
        if lacking > 0:
            first = self.unlinked[party.name]
            party.table.add(first, first + lacking - 1)
            self.unlinked[party.name] += lacking
        path = self.bench.folder / "ids.txt"
        ids = party.table.linked_beyond(self.rows)
        path.write_text("".join(f"{id_}\n" for id_ in ids), encoding="utf-8")
        return str(path)
