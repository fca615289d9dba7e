# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The registry under load: a database of its own, served as setup/start serves it."""

import json
import urllib.parse
import urllib.request

from spar_setup.postgres import psql
from spar_setup.server import Server, free_port

WORKERS = 2
SUPERUSER = "postgres"
# Each sends on the paths of its own envelope; neither is limited.
SENDERS = {
    "demo-strict": {"sync": "/spar/v1.0.0/mapper/sync/link", "async": "/spar/v1.0.0/mapper/link"},
    "demo-openg2p-1": {"sync": "/api/mapper/sync/link", "async": "/api/mapper/async/link"},
}


class Participant:
    """A sender of messages, with a token.

    :ivar dict urls: by mode, `sync` or `async`
    """

    def __init__(self, url, credentials):
        self.sender_id = credentials["sender_id"]
        self.urls = {mode: url + path for mode, path in SENDERS[self.sender_id].items()}
        form = {name: credentials[name] for name in ("client_id", "client_secret")}
        body = urllib.parse.urlencode({"grant_type": "client_credentials", **form}).encode()
        with urllib.request.urlopen(f"{url}/spar/oauth2/client/token", body, 30) as answer:
            self.token = json.load(answer)["access_token"]


class Registry:
    """Made when there is none; emptied of what earlier runs have linked.

    :ivar list participants: two, once it runs
    """

    def __init__(self, installation, server, folder):
        self.database = installation.disposable_database(folder, "benchmark_asynchronous", server)
        self.server = Server(self.database)
        self.server.stop()
        self.database.ensure(demo=True)
        self._sql(
            "BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE g2p_spar_mapping, "
            "g2p_spar_mapping_event, g2p_spar_message, g2p_spar_access_log CASCADE; COMMIT;"
        )

    def start(self, callback_url):
        senders = ", ".join(f"'{sender}'" for sender in SENDERS)
        self._sql(
            f"UPDATE g2p_spar_participant SET callback_url = '{callback_url}', max_items = 10000 "
            f"WHERE sender_id IN ({senders})"
        )
        self._sql("CHECKPOINT")
        self.server.start(free_port(), WORKERS, log_handler="werkzeug:WARNING")
        self.participants = [
            Participant(self.server.record["url"], known)
            for known in self.database.record["participants"]
            if known["sender_id"] in SENDERS
        ]

    def close(self):
        self.server.stop()

    def _sql(self, statement):
        psql(self.database.server, self.database.name, statement, role=SUPERUSER)
