# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/compare: make what is needed, seed, measure, print."""

import argparse
import contextlib
import json
import shlex
import signal
import sys

import own_server
from spar_setup import installation as setup
from spar_setup.console import SetupError, end

from . import load, machine, operations, people, report, wrk
from .bench import PARTIES, Bench
from .floor import Floor
from .limit import Limit
from .measure import Measurement
from .ours import Ours
from .peer import Peer, PeerEnv


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="benchmarks/compare",
        description="Measure SPAR beside OpenG2P's mapper 1.1.0, the bare look-up and bare Odoo, "
        "under the same load on the same PostgreSQL server. How to read it: docs/performance.md",
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="mappings (1 000 000)")
    parser.add_argument("--seconds", type=int, default=10, help="of each burst of load (10)")
    parser.add_argument("--rounds", type=int, default=3, help="bursts per party and operation (3)")
    parser.add_argument(
        "--operations", nargs="*", default=[], metavar="NAME",
        help=f"some of: {', '.join(operations.OPERATIONS)}; or all of an action (resolve)",
    )  # fmt: skip
    parser.add_argument(
        "--parties",
        nargs="+",
        choices=PARTIES,
        default=PARTIES,
        metavar="PARTY",
        help=f"some of: {', '.join(PARTIES)}",
    )
    parser.add_argument("--fresh", action="store_true", help="seed anew")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument(
        "--serve", action="store_true", help="measure nothing; keep the servers up until Ctrl-C"
    )
    options = parser.parse_args(arguments)
    options.operations = operations.chosen(options.operations)
    if not 1000 <= options.rows <= people.MOST_PEOPLE // 2:
        raise SetupError(f"--rows: {options.rows} is out of range.", "Use 1 000 to 11 500 000.")
    if options.seconds < 1 or options.rounds < 1:
        raise SetupError("--seconds and --rounds begin at 1.")
    return options


def main(arguments):
    options = parse(arguments)
    _end_like_ctrl_c(signal.SIGTERM, signal.SIGHUP)
    installation = setup.install()
    state = installation.state
    program = wrk.find(state)
    peer_env = PeerEnv(state)
    if "peer" in options.parties:
        peer_env.ensure()
    with own_server.running(installation) as (server, folder):
        with contextlib.ExitStack() as stack:
            bench = Bench(installation, server, peer_env, folder, options)
            bench.start(stack)
            if options.serve:
                bench.serve()
            else:
                results, memory = Measurement(bench, program, options).run()
                facts = machine.facts(installation, server, peer_env, program)
                _print(options, facts, results, memory)


def _print(options, facts, results, memory):
    command = f"benchmarks/compare {shlex.join(sys.argv[1:])}".strip()
    parts = [
        f"`{command}`: {people.count(options.rows)} mappings, {options.rounds} x "
        f"{options.seconds} s, {load.CONNECTIONS} connections, {load.THREADS} threads",
        "\n".join(f"* {name}: {value}" for name, value in facts.items()),
        report.speed_table(results),
        report.ratio_table(results, Ours.name, (Peer.name, Limit.name, Floor.name)),
        report.memory_table(memory),
    ]
    print("\n\n".join(parts), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "command": command,
                    "rows": options.rows,
                    "facts": facts,
                    "results": [result.as_dict() for result in results],
                    "memory_mb": memory,
                },
                file,
                indent=2,
            )


def _end_like_ctrl_c(*signals):
    def interrupt(_number, _frame):
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)


if __name__ == "__main__":
    end(main, sys.argv[1:])
