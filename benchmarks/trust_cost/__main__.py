# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/trust: make what is needed, send each kind of request in turn, print the medians."""

import argparse
import base64
import contextlib
import http.client
import json
import operator
import statistics
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import own_server
from spar_setup import installation as setup
from spar_setup.console import SetupError, end, step
from spar_setup.server import Server, free_port

PREPARE = Path(__file__).parent / "inside" / "prepare.py"
# One, whose caches the first requests of each kind fill.
WORKERS = 1
WARM_UP = 10
PLAIN = "token"
# Seconds within which all must be sent: signatures hold for 300.
MOST_SECONDS = 280
# What a resolve may cost more, for everything that is not signed in the answer.
MOST_PERCENT_OF_A_BATCH = 15
MOST_MS_OF_A_SINGLE = 1


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="benchmarks/trust",
        description="Measure what limits, signatures and replay checks add to a request: the same "
        "requests of participants that differ in nothing else, one after the other in turn.",
    )
    parser.add_argument("--requests", type=int, default=200, help="of each kind (200)")
    parser.add_argument("--batch", type=int, default=1000, help="items of a batch (1000)")
    options = parser.parse_args(arguments)
    if options.requests < 1 or not 1 < options.batch <= 10_000:
        raise SetupError("--requests begins at 1; --batch goes from 2 to 10 000.")
    return options


def main(arguments):
    options = parse(arguments)
    installation = setup.install()
    with own_server.running(installation) as (server, folder):
        name = "benchmark_trust"
        database = installation.disposable_database(folder / "trust", name, server)
        database.ensure(demo=True)
        with contextlib.closing(_Running(database)) as running:
            series = running.prepare(options)
            with step(f"Sending {len(series)} x {options.requests} requests"):
                measure(running.url, series, options.requests)
    for line in report(series, options):
        print(line)


class _Running:
    """The server, whatever an earlier run has left of it."""

    def __init__(self, database):
        self.database = database
        self.server = Server(database)
        self.server.stop()
        self.server.start(free_port(), WORKERS, log_handler="werkzeug:WARNING")
        self.url = self.server.record["url"]

    def prepare(self, options):
        """Make participants and requests; the workers notice."""
        database = self.database
        messages = options.requests + WARM_UP
        wanted = {"database": database.name, "batch": options.batch, "messages": messages}
        with step("Making participants, mappings and requests"):
            done = subprocess.run(
                [database.env.python, PREPARE, database.folder / "odoo.conf"],
                input=json.dumps(wanted),
                env=database.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise SetupError(f"Cannot prepare the requests:\n{done.stderr[-3000:]}")
        return json.loads(done.stdout)

    def close(self):
        self.server.stop()


def measure(url, series, requests):
    """Add `milliseconds` to each series; the kinds take turns, so that whatever else the machine
    does hits all of them.

    :raises SetupError: where an item of any request fails
    """
    address = urllib.parse.urlsplit(url)
    ends = time.monotonic() + MOST_SECONDS
    for one in series:
        one["milliseconds"] = []
        one["requests"] = [(headers, base64.b64decode(raw)) for headers, raw in one["requests"]]
    for number in range(WARM_UP + requests):
        for one in series:
            if time.monotonic() > ends:
                raise SetupError("It takes too long: signatures end.", "Use fewer --requests.")
            headers, raw = one["requests"][number % len(one["requests"])]
            passed = send(address, one, headers, raw)
            if number >= WARM_UP:
                one["milliseconds"].append(passed)


def send(address, one, headers, raw):
    """Milliseconds from the connection to the last byte."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request("POST", one["path"], raw, headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    passed = (time.perf_counter() - began) * 1000
    done = body.count(b'"succ"')  # each item's status, and the header's where it has one
    if answer.status != 200 or done < one["items"]:
        raise SetupError(f"{one['path']}, {one['variant']}: {answer.status} {body[:500]}")
    return passed


def report(series, options):
    """Lines of a table. What is added is the median of the differences to the plain request that
    was sent in the same turn."""
    plain = {}
    yield f"{options.requests} requests of each kind in turn, one connection; medians"
    yield ""
    yield "| request | profile | signed in by, and more | ms | added ms | added % | |"
    yield "|---|---|---|---|---|---|---|"
    for one in sorted(series, key=lambda one: (one["operation"], -one["items"], one["profile"])):
        times = one["milliseconds"]
        kind = one["operation"], one["items"], one["profile"]
        beside = plain.setdefault(kind, times)  # the plain one comes first
        added = statistics.median(map(operator.sub, times, beside))
        percent = 100 * added / statistics.median(beside)
        cells = [
            f"{one['operation']} {one['items']}",
            one["profile"],
            one["variant"],
            f"{statistics.median(times):.2f}",
            f"{added:+.2f}",
            f"{percent:+.1f}",
            verdict(one, added, percent),
        ]
        yield f"| {' | '.join(cells)} |"


def verdict(one, added, percent):
    if one["operation"] != "resolve" or one["variant"] in (PLAIN, "token, limit"):
        return ""
    if one["items"] == 1:
        return told(added, MOST_MS_OF_A_SINGLE, "ms")
    return told(percent, MOST_PERCENT_OF_A_BATCH, "%")


def told(value, most, unit):
    return f"{'below' if value < most else '**above**'} {most} {unit}"


if __name__ == "__main__":
    end(main, sys.argv[1:])
