# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Messages that are sent, and the receiver of their callbacks."""

import json
import secrets
import threading
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from spar_setup.console import SetupError

TIMEOUT = 120


class Message:
    """A link of so many new IDs. Written before it is sent: that is not measured."""

    def __init__(self, participant, items):
        self.participant = participant
        self.transaction_id = uuid.uuid4().hex
        now, run = datetime.now(UTC).isoformat(), secrets.token_hex(6)
        links = [
            {
                "reference_id": str(number),
                "timestamp": now,
                "id": f"token:{run}{number}@nationalId",
                "fa": f"account:{run}{number}@elsewhere.example",
            }
            for number in range(items)
        ]
        header = {
            "version": "1.0.0",
            "message_id": uuid.uuid4().hex,
            "message_ts": now,
            "action": "link",
            "sender_id": participant.sender_id,
            "total_count": items,
        }
        message = {"transaction_id": self.transaction_id, "link_request": links}
        self._body = json.dumps({"header": header, "message": message}).encode()

    def send(self, mode):
        """The answer's body."""
        headers = {
            "Authorization": f"Bearer {self.participant.token}",
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(self.participant.urls[mode], self._body, headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise SetupError(f"{error}: {error.read(500)}") from error


class Receiver:
    """Takes callbacks, and counts what they tell. :ivar float last_at: when the last one came"""

    def __init__(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                now = datetime.now(UTC).isoformat()
                told = {"ack_status": "ACK", "timestamp": now, "correlation_id": "0"}
                self.wfile.write(json.dumps({"message": told}).encode())
                receiver._note(json.loads(body)["message"])

            def log_message(self, *args):
                pass

        self.last_at = 0
        self._linked = {}
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._server.server_close()

    def _note(self, message):
        with self._arrived:
            self.last_at = time.perf_counter()
            answers = message["link_response"]
            self._linked[message["transaction_id"]] = sum(
                answer["status"] == "succ" for answer in answers
            )
            self._arrived.notify_all()

    def await_linked(self, transaction_id, patience):
        """How many items the callback of that transaction tells to be linked."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: transaction_id in self._linked, patience):
                raise SetupError(f"No callback within {patience} s.", "See the registry's log.")
            return self._linked[transaction_id]
