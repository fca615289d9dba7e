# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""setup/start: install what is missing, create or update the database, start Odoo, say where."""

import argparse
import json
import signal
import sys

from . import addons
from .console import SetupError, say
from .database import check_name
from .installation import install, using
from .postgres import server_for
from .server import Server, check_port, cores, running_record, stop_recorded
from .state import State

PORT = 8069
# Besides English, what people of the demonstration may read.
LANGUAGES = ("fr_FR", "tl_PH")
PARTICIPANT = ("sender_id", "profile", "client_id", "client_secret", "operations", "unrestricted")


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="setup/start",
        description="Start SPAR on Odoo. The first start installs everything into .state and takes "
        "some minutes, later ones take seconds. It stays in the foreground; Ctrl-C ends it.",
        epilog="PGHOST, PGPORT, PGUSER, PGPASSWORD name a PostgreSQL server of your own; without "
        "PGHOST an embedded one is used. More: docs/operator.md",
    )
    parser.add_argument("--port", type=int, help="of 127.0.0.1 (8069)")
    parser.add_argument("--database", default="spar", help="its name (spar)")
    parser.add_argument("--workers", type=int, help="HTTP worker processes (one per core)")
    parser.add_argument("--no-demo", action="store_true", help="without demonstration data")
    parser.add_argument(
        "--programmes",
        action="store_true",
        help="with stand-ins of OpenG2P's programmes, to see payments made to addresses of SPAR",
    )
    parser.add_argument(
        "--website",
        action="store_true",
        help="with Odoo's website, whose look, menu and languages self service then has",
    )
    parser.add_argument("--detach", action="store_true", help="return when Odoo answers")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument(
        "--odoo",
        metavar="SOURCE",
        help="directory, archive or address of an Odoo 19 source; 'debian' = Debian's again",
    )
    options = parser.parse_args(arguments)
    check_name(options.database)
    if options.workers is not None and not 1 <= options.workers <= 64:
        raise SetupError(f"--workers: {options.workers} is out of range.", "Use 1 to 64.")
    return options


def main(arguments):
    options = parse(arguments)
    _end_like_ctrl_c(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    folder = State().databases / options.database
    if not running_record(folder):
        # Workers of a server that was killed may live on, and hold its port.
        stop_recorded(folder)
        check_port(options.port or PORT)
    installation = install(options.odoo)
    state = installation.state
    postgres = server_for(state, installation.env)
    with using(state, postgres, state.databases):
        database = installation.database(options.database, postgres)
        server = Server(database)
        with state.lock(f"database-{options.database}", "starting this database"):
            started = _start(server, database, options)
        _report(server, database, options)
        if started and not options.detach:
            _stay(server)


def _start(server, database, options):
    """Start the server unless it runs; return whether it was started."""
    running = server.record
    if running:
        _check_running(running, database, options)
        return False
    check_port(options.port or PORT)
    database.ensure(
        demo=not options.no_demo,
        pbms="g2p" if options.programmes else None,
        website=options.website,
        languages=() if options.no_demo else LANGUAGES,
    )
    if options.no_demo and database.record["demo"]:
        say(f"{database.name} keeps the demonstration that it was created with")
    try:
        server.start(options.port or PORT, options.workers or cores())
        # The demonstration's identity provider answers there.
        server.await_evented()
    except BaseException:
        server.stop()
        raise
    return True


def _check_running(running, database, options):
    stop_it = f"End it first: setup/stop --database {options.database}"
    if not options.detach:
        raise SetupError(f"{database.name} runs already, on {running['url']}.", stop_it)
    if options.port and running["port"] != options.port:
        raise SetupError(f"{database.name} runs already, on port {running['port']}.", stop_it)
    if options.programmes and not database.record.get("pbms"):
        raise SetupError(f"{database.name} runs already, without programmes.", stop_it)
    if options.website and addons.WEBSITE not in database.record["addons"]:
        raise SetupError(f"{database.name} runs already, without the website.", stop_it)
    say(f"{database.name} runs already, on {running['url']}")
    if any(database.outdated(database.record)):
        say(f"The addons have changed since it was started. {stop_it}, then start it again")


def _report(server, database, options):
    record, running = database.record, server.record
    facts = {
        "url": running["url"],
        "database": database.name,
        "pid": running["process"]["pid"],
        "log": str(database.log),
        "admin": record["admin"],
        "agent": record.get("agent"),
        "participants": [
            {name: participant[name] for name in PARTICIPANT}
            for participant in record["participants"]
        ],
    }
    print(json.dumps(facts) if options.json else _for_people(facts), flush=True)


def _for_people(facts):
    lines = [
        "",
        f"SPAR is running.   {facts['url']}",
        f"  log in as        {facts['admin']['login']}   password   {facts['admin']['password']}",
        f"  database         {facts['database']}",
        f"  log              {facts['log']}",
    ]
    if agent := facts["agent"]:
        lines.insert(3, f"  as an agent      {agent['login']}   password   {agent['password']}")
    if facts["participants"]:
        lines.insert(3, f"  as a beneficiary {facts['url']}/my/financial-address")
        lines += ["", "Participants of the demonstration (API clients):"]
    for participant in facts["participants"]:
        lines.append(
            f"  {participant['sender_id']:<24} {participant['profile']:<10}"
            f" client_id {participant['client_id']}  client_secret {participant['client_secret']}"
        )
    return "\n".join([*lines, ""])


def _stay(server):
    print("Ctrl-C ends it.", file=sys.stderr, flush=True)
    try:
        server.wait()
        raise SetupError("Odoo has ended by itself.", f"See the end of {server.database.log}.")
    except KeyboardInterrupt:
        say("Stopping Odoo")
    finally:
        server.stop()


def _end_like_ctrl_c(*signals):
    def interrupt(_number, _frame):
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)
