# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A participant's callback address: an HTTP server on a loopback port that records what it gets."""

import contextlib
import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from spar_setup.server import free_port

HOST = "127.0.0.1"
TIMEOUT = 60


class Delivery(NamedTuple):
    """One request that arrived. `headers`: names in lower case; `at`: time.monotonic()."""

    path: str
    headers: dict
    body: bytes
    at: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message_id(self):
        return self.json["header"]["message_id"]

    @property
    def correlation_id(self):
        return self.json["message"]["correlation_id"]

    @property
    def items(self):
        """The answered items; empty when the header rejects the message."""
        message = self.json.get("message", {})
        return next((value for name, value in message.items() if name.endswith("_response")), [])


# === What a receiver may answer: functions of a delivery that return (status, body), or None to
#     hang up without a word === #


def acknowledge(delivery, status="ACK", **members):
    message = {
        "ack_status": status,
        "timestamp": datetime.now(UTC).isoformat(),
        "correlation_id": delivery.json.get("message", {}).get("correlation_id", ""),
        **members,
    }
    return 200, json.dumps({"message": message})


def refuse(delivery):
    """The standard's ERR, with status 200."""
    error = {"code": "err.service.unavailable", "message": "Not now"}
    return acknowledge(delivery, "ERR", error=error)


def fail(delivery):
    return 500, "<h1>Broken</h1>"


def hang_up(delivery):
    return None


def slow(seconds):
    """An answer that comes that late."""

    def answer(delivery):
        time.sleep(seconds)
        return acknowledge(delivery)

    return answer


class CallbackReceiver:
    """Up from the start; `down` and `up` keep the port.

    :ivar deliveries: all that arrived, in order; also what was answered with an error
    :ivar answer: function of a `Delivery`, see above; may be replaced at any time
    """

    def __init__(self):
        self.deliveries = []
        self.answer = acknowledge
        self._changed = threading.Condition()
        self._port = free_port()
        self._server = None
        self.up()

    @property
    def url(self):
        return f"http://{HOST}:{self._port}"

    @property
    def port(self):
        return self._port

    def up(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver._receive(self)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer((HOST, self._port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        """Refuse connections from now on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _receive(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        delivery = Delivery(handler.path, headers, body, time.monotonic())
        with self._changed:
            self.deliveries.append(delivery)
            self._changed.notify_all()
        answer = self.answer(delivery)
        if answer is None:
            handler.close_connection = True
            return
        status, text = answer
        with contextlib.suppress(OSError):  # who sent it may not have waited
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(text.encode())))
            handler.end_headers()
            handler.wfile.write(text.encode())

    def of(self, correlation_id):
        """The deliveries with that correlation_id."""
        with self._changed:
            known = list(self.deliveries)
        return [one for one in known if one.correlation_id == correlation_id]

    def await_callback(self, correlation_id, count=1, timeout=TIMEOUT):
        """Wait for so many deliveries with that correlation_id, and return the last one."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                arrived = [one for one in self.deliveries if one.correlation_id == correlation_id]
                if len(arrived) >= count:
                    return arrived[-1]
                left = deadline - time.monotonic()
                assert left > 0, f"{len(arrived)} of {count} callbacks after {timeout} s"
                self._changed.wait(left)
