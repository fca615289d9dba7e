# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/portal: the pages one after the other, then sign-ins beside a load of look-ups."""

import argparse
import contextlib
import json
import signal
import sys

import own_server
from comparison import load, people, wrk
from spar_setup import installation as setup
from spar_setup.console import SetupError, end, say, step

from . import report
from .pages import Pages
from .registry import RESOLVE, Registry
from .sign_ins import SignIns


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="benchmarks/portal",
        description="Measure the pages of self service, and sign-ins while 100 IDs at a time are "
        "looked up at half of the rate that is possible. How to read it: docs/performance.md",
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="mappings (1 000 000)")
    parser.add_argument("--journeys", type=int, default=50, help="through all pages (50)")
    parser.add_argument("--seconds", type=int, default=20, help="of each burst of load (20)")
    parser.add_argument("--rounds", type=int, default=3, help="with and without sign-ins (3)")
    parser.add_argument("--returning", type=int, default=20, help="sign-ins per second (20)")
    parser.add_argument("--new", type=int, default=10, help="sign-ins per second (10)")
    parser.add_argument(
        "--serve", action="store_true", help="measure nothing; keep the server up until Ctrl-C"
    )
    options = parser.parse_args(arguments)
    if not 1000 <= options.rows <= people.MOST_PEOPLE // 2:
        raise SetupError(f"--rows: {options.rows} is out of range.", "Use 1 000 to 11 500 000.")
    least = min(options.journeys, options.seconds, options.rounds, options.returning, options.new)
    if least < 1:
        raise SetupError("Journeys, seconds, rounds and sign-ins begin at 1.")
    return options


def main(arguments):
    options = parse(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # ends what was started, as Ctrl-C does
    installation = setup.install()
    program = wrk.find(installation.state)
    with own_server.running(installation) as (server, folder):
        registry = Registry(installation, server, folder / "portal", options.rows)
        with contextlib.closing(registry):
            registry.start()
            if options.serve:
                serve(registry)
            else:
                measure(registry, program, options)


def measure(registry, program, options):
    with step(f"{options.journeys} journeys through the pages"):
        steps = Pages(registry).run(options.journeys)
    print("\n".join(report.pages(steps, options.journeys)), flush=True)
    sign_ins = SignIns(registry, options)
    with step(f"{len(sign_ins.browsers)} people sign in for the first time"):
        sign_ins.prepare()
    most = most_resolves(registry, program, options)
    rounds = []
    for number in range(options.rounds):
        with step(f"Round {number + 1} of {options.rounds}"):
            rounds.append([sign_ins.burst(most / 2, beside) for beside in (False, True)])
    print("\n".join(report.sign_ins(rounds, most, options)), flush=True)


def most_resolves(registry, program, options):
    """Requests per second when nothing else happens."""
    values = load.settings(registry.ours, RESOLVE, registry.rows, registry.rows + 1)
    with step("The highest rate of look-ups"):
        for seconds in (2, options.seconds):
            rate = load.run(program, registry.ours.url, values, seconds).rate
    say(f"    {rate:.0f} requests/s")
    return rate


def serve(registry):
    told = {
        "url": registry.ours.url,
        "pid": registry.ours.pid,
        "worker_pids": registry.ours.worker_pids(),
        "provider_pid": registry.provider.pid,
    }
    print(json.dumps(told), flush=True)
    say("Ctrl-C ends it")
    signal.pause()


if __name__ == "__main__":
    end(main, sys.argv[1:])
