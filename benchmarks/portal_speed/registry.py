# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What is measured: the server with two workers, and the sign-in provider beside it."""

import http.client
import json
import random
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from comparison import people
from comparison.operations import OPERATIONS
from comparison.ours import Ours
from spar_setup.console import SetupError, step
from spar_setup.postgres import psql
from spar_setup.server import free_port

INSIDE = Path(__file__).parent / "inside"
RESOLVE = OPERATIONS["resolve-100"]
BODIES = 400
# Two for each of two cores: a worker waits while the provider answers.
WORKERS = 4
FORGOTTEN = (
    "g2p_spar_signin_attempt, g2p_spar_beneficiary_session, g2p_spar_change, "
    "g2p_spar_change_draft, g2p_spar_known_contact, g2p_spar_lookup"
)


class Registry:
    """A database of its own with so many mappings, put back to what it was before.

    :ivar Ours ours: the server
    :ivar subprocess.Popen provider: people sign in there
    """

    def __init__(self, installation, server, folder, rows):
        self.rows = rows
        self.server = server
        self.provider = None
        database = installation.disposable_database(folder, f"benchmark_{folder.name}", server)
        database.ensure(demo=True)
        self.ours = Ours(database, WORKERS)
        self.ours.stop()
        self._restore()

    def _restore(self):
        table = self.ours.table
        if not table.holds(self.rows):
            table.fill(self.rows)
        with step(f"Putting {table.database} back to its first state"):
            table.sql(
                "BEGIN; SET LOCAL session_replication_role = replica; "
                f"TRUNCATE {FORGOTTEN} CASCADE; COMMIT;"
            )
            table.restore(self.rows)
            psql(self.server, "postgres", "CHECKPOINT", role="postgres")
        shutil.rmtree(self.ours.database.folder / "data" / "sessions", ignore_errors=True)

    def start(self):
        port = free_port()
        with step("Making the sign-in provider's record"):
            told = self._prepare(f"http://127.0.0.1:{port}")
        self.ours.start()
        told["redirect_uri"] = self.ours.url + told.pop("path")
        database = self.ours.database
        self.provider = subprocess.Popen(
            [database.env.python, INSIDE / "provider.py", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(database.folder / "provider.log").open("w", encoding="utf-8"),
            text=True,
            env=database.environment(),
        )
        with self.provider.stdin as pipe:
            json.dump(told, pipe)
        if self.provider.stdout.readline() != "ready\n":
            raise SetupError("The sign-in provider did not start.", "See provider.log.")
        self._resolve = Resolve(self.ours, self.rows)

    def _prepare(self, issuer):
        database = self.ours.database
        done = subprocess.run(
            [database.env.python, INSIDE / "prepare.py", database.folder / "odoo.conf"],
            input=json.dumps({"database": database.name, "issuer": issuer}),
            env=database.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetupError(f"Cannot prepare the database:\n{done.stderr[-3000:]}")
        return json.loads(done.stdout)

    @property
    def postgres_pid(self):
        text = (self.server.data / "postmaster.pid").read_text(encoding="utf-8")
        return int(text.split()[0])

    def pids(self):
        """Roots of the trees of processes, by what they are."""
        return {
            "server": self.ours.pid,
            "postgres": self.postgres_pid,
            "provider": self.provider.pid,
        }

    def resolve(self, number):
        """Look 100 IDs up, all of which are linked."""
        self._resolve.send(number)

    def close(self):
        if self.provider:
            self.provider.terminate()
            self.provider.wait()
        self.ours.stop()


class Resolve:
    """Requests of 100 random IDs each, written beforehand."""

    def __init__(self, ours, rows):
        self.place = urlsplit(ours.url)
        self.path = ours.path(RESOLVE)
        self.headers = {
            "Authorization": f"Bearer {ours.token(RESOLVE)}",
            "Content-Type": "application/json",
        }
        sender_id = ours.sender_id(RESOLVE)
        self.bodies = [_message(sender_id, number, rows) for number in range(BODIES)]

    def send(self, number):
        connection = http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=60)
        try:
            body = self.bodies[number % BODIES]
            connection.request("POST", self.path, body, self.headers)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status != 200 or told.count(b'"fa":"') != RESOLVE.items:
            raise SetupError(f"A resolve fails: {answer.status} {told[:500]}")


def subject(number):
    """What the provider calls the person of that number; the ID is made of it."""
    return people.id_key(number).partition(":")[2].partition("@")[0]


def _message(sender_id, number, rows):
    now = "2026-01-01T00:00:00Z"
    items = [
        {
            "reference_id": str(position),
            "timestamp": now,
            "id": f"token:{subject(random.randint(1, rows))}@{people.NAMESPACE}",
            "scope": "details",
        }
        for position in range(RESOLVE.items)
    ]
    header = {
        "version": "1.0.0",
        "message_id": f"portal-{number}",
        "message_ts": now,
        "action": "resolve",
        "sender_id": sender_id,
        "total_count": len(items),
    }
    message = {"transaction_id": f"portal-{number}", "resolve_request": items}
    return json.dumps({"header": header, "message": message}).encode()
