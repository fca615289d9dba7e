# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Both servers on their seeded databases."""

import json
import signal

from spar_setup.console import say, step
from spar_setup.postgres import psql

from .floor import Floor
from .limit import Limit
from .operations import OPERATIONS
from .ours import Ours
from .peer import Peer
from .seed import PeerTable

PARTIES = ("ours", "peer", "limit", "floor")


class Bench:
    """Seeds when it is made; runs the servers from `start` on.

    :param Installation installation: of SPAR
    :param EmbeddedServer server: PostgreSQL, running
    :param PeerEnv peer_env: of the peer, where it takes part
    :param Path folder: for whatever is kept
    :param options: of the command
    """

    def __init__(self, installation, server, peer_env, folder, options):
        self.server = server
        self.options = options
        self.folder = folder
        self.ours = Ours(self._our_database(installation, folder / f"ours_{options.rows}"))
        self._seed(self.ours.table)
        self.peer = None
        if "peer" in options.parties:
            self.peer = self._peer(peer_env, folder / f"peer_{options.rows}")
            self._seed(self.peer.table)
        self.limit = Limit(self.ours) if "limit" in options.parties else None
        self.floor = Floor(self.ours) if {"ours", "floor"} <= {*options.parties} else None

    @property
    def parties(self):
        """Those that are asked over HTTP."""
        known = {"ours": self.ours, "peer": self.peer}
        return [known[name] for name in PARTIES[:2] if name in self.options.parties]

    @property
    def references(self):
        """What the parties are held against."""
        return [reference for reference in (self.limit, self.floor) if reference]

    def _our_database(self, installation, folder):
        database = installation.disposable_database(folder, f"benchmark_{folder.name}", self.server)
        database.ensure(demo=True)
        return database

    def _peer(self, env, folder):
        name = f"benchmark_{folder.name}"
        peer = Peer(env, self.server, name, folder, self.ours.addresses)
        exists = f"SELECT FROM pg_database WHERE datname = '{name}'"
        if psql(self.server, "postgres", f"SELECT EXISTS ({exists})") == ["f"]:
            psql(self.server, "postgres", f'CREATE DATABASE "{name}" TEMPLATE template0')
        env.migrate(peer.variables())
        peer.table = PeerTable(self.server, name, peer.addresses)
        return peer

    def _seed(self, table):
        if self.options.fresh or not table.holds(self.options.rows):
            table.fill(self.options.rows)
        with step(f"Putting {table.database} back to its first state"):
            table.restore(self.options.rows)

    def start(self, stack):
        """Start the servers, and have the stack end them."""
        if self.limit:
            self.limit.prepare(self.options.rows)
        psql(self.server, "postgres", "CHECKPOINT", role="postgres")
        for party in self.parties:
            stack.callback(party.stop)
            party.start()

    def serve(self):
        """Tell where the servers are, and keep them."""
        operation = OPERATIONS["resolve-1"]
        for party in self.parties:
            print(
                json.dumps(
                    {
                        "party": party.name,
                        "url": party.url + party.path(operation),
                        "pid": party.pid,
                        "worker_pids": party.worker_pids(),
                        "sender_id": party.sender_id(operation),
                        "token": party.token(operation),
                        "database": {"name": party.table.database, **self.server.variables},
                    }
                ),
                flush=True,
            )
        say("Ctrl-C ends it")
        signal.pause()
