# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""setup/stop: end what setup/start started."""

import argparse

from .console import SetupError, say
from .installation import database_folders, stop_unused
from .postgres import server_for
from .python_env import PythonEnv
from .server import running_record, stop_recorded
from .state import State


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="setup/stop",
        description="End the Odoo servers that setup/start started, and the embedded PostgreSQL "
        "server when no database uses it any more. Data stays.",
    )
    parser.add_argument("--database", help="end only the server of this database")
    options = parser.parse_args(arguments)
    state = State()
    if not state.root.is_dir():
        say("Nothing was ever started here")
        return
    folders = database_folders(state.databases)
    if options.database:
        folders = [folder for folder in folders if folder.name == options.database]
        if not folders:
            raise SetupError(
                f"There is no database {options.database} here.", f"See {state.databases}."
            )
    for folder in folders:
        _stop(folder)
    stop_unused(state, server_for(state, PythonEnv(state)), state.databases)


def _stop(folder):
    running = running_record(folder)
    if stop_recorded(folder):
        say(f"{folder.name} on {running['url']} has stopped")
    else:
        say(f"{folder.name} was not running")
