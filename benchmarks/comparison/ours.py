# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""SPAR as setup/start serves it, with two workers where no other number is said."""

import json
import re
import urllib.parse
import urllib.request

from spar_setup import process
from spar_setup.postgres import psql
from spar_setup.server import Server, free_port

from .seed import OurTable

WORKERS = 2
SENDERS = {False: "demo-openg2p-1", True: "demo-strict"}
PATHS = {False: "/api/mapper/sync", True: "/spar/v1.0.0/mapper/sync"}


class Ours:
    """SPAR on one database.

    :param Database database: up to date
    :param int workers: HTTP worker processes
    """

    name = "SPAR"

    def __init__(self, database, workers=WORKERS):
        self.database = database
        self.workers = workers
        self.server = Server(database)
        [participant_id] = psql(
            database.server,
            database.name,
            f"SELECT id FROM g2p_spar_participant WHERE sender_id = '{SENDERS[False]}'",
        )
        self.table = OurTable(database.server, database.name, int(participant_id))

    @property
    def addresses(self):
        return self.table.addresses()

    def start(self):
        self.stop()
        # no line per request, as at the peer
        self.server.start(free_port(), self.workers, log_handler="werkzeug:WARNING")
        self.url = self.server.record["url"]
        self.pid = self.server.pid

    def stop(self):
        """End it, also where a command that was killed has left it."""
        self.server.stop()

    def worker_pids(self):
        log = self.database.log.read_text(encoding="utf-8")
        announced = {int(pid) for pid in re.findall(r"Worker WorkerHTTP \((\d+)\) alive", log)}
        return sorted(announced & set(process.children(self.pid)))

    def offers(self, operation):
        return True

    def path(self, operation):
        return f"{PATHS[operation.strict]}/{operation.action}"

    def sender_id(self, operation):
        return SENDERS[operation.strict]

    def token(self, operation):
        """A new token of the participant of that operation."""
        sender = self.sender_id(operation)
        participants = self.database.record["participants"]
        [known] = [one for one in participants if one["sender_id"] == sender]
        form = {name: known[name] for name in ("client_id", "client_secret")}
        body = urllib.parse.urlencode({"grant_type": "client_credentials", **form}).encode()
        with urllib.request.urlopen(f"{self.url}/spar/oauth2/client/token", body, 30) as answer:
            return json.load(answer)["access_token"]
