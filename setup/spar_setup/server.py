# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Odoo's server of one database: prefork workers on a loopback port, recorded to be found again."""

import contextlib
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request

from . import process
from .console import SetupError, step
from .database import ODOO_BIN
from .odoo_config import write_configuration
from .postgres import psql
from .state import read_json, write_json

HOST = "127.0.0.1"
# To choose from. Linux gives higher ones to outgoing connections.
PORTS = range(20_000, 32_000)
# Those that `free_port` has given: whoever was given one may not listen on it yet.
_given = set()
# Seconds that a cold start may take.
PATIENCE = 180


class Server:
    """The server of one database.

    :param Database database: which one
    """

    def __init__(self, database):
        self.database = database
        self._record_path = database.folder / "server.json"
        self._process = None

    @property
    def record(self):
        """`process`, `port`, `url`, `evented_url` of the server when it runs, else None."""
        return running_record(self.database.folder)

    @property
    def pid(self):
        return self.record["process"]["pid"]

    def start(self, port, workers, **options):
        """Start it, and return when it answers.

        :param int port: of 127.0.0.1
        :param int workers: how many HTTP worker processes
        :param options: further options of Odoo's configuration file
        """
        url = f"http://{HOST}:{port}"
        evented_port = free_port()
        self._publish_address(url)
        configuration = write_configuration(
            self.database.folder,
            self.database.name,
            self.database.server,
            addons_path=self.database.addons_path,
            http_port=port,
            gevent_port=evented_port,
            workers=workers,
            logfile=self.database.log,
            **options,
        )
        with step(f"Starting Odoo on {url} with {workers} workers"):
            self._process = self._spawn(configuration)
            record = {
                "process": process.identity(self._process.pid),
                "port": port,
                "url": url,
                "evented_url": f"http://{HOST}:{evented_port}",
            }
            write_json(self._record_path, record)
            self._await_answer(url)

    def await_evented(self):
        """Return when the evented process answers, which begins after the workers do."""
        self._await_answer(self.record["evented_url"])

    def wait(self):
        """Wait until it ends by itself."""
        return self._process.wait()

    def stop(self):
        return stop_recorded(self.database.folder)

    def _spawn(self, configuration):
        # What Odoo writes before it opens its log, and what a dying worker writes.
        output = self.database.folder / "odoo.out"
        with output.open("a", encoding="utf-8") as handle:
            return subprocess.Popen(
                [self.database.env.python, ODOO_BIN, "-c", configuration],
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                cwd=self.database.folder,
                env=self.database.environment(),
                start_new_session=True,
            )

    def _await_answer(self, url):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if answers(url):
                return
            time.sleep(0.2)
        self.stop()
        raise SetupError(
            f"Odoo did not answer on {url}.",
            f"See the end of {self.database.log} and odoo.out beside it.",
        )

    def _publish_address(self, url):
        """Odoo makes links from this parameter. No server runs yet, so no cache holds it."""
        psql(
            self.database.server,
            self.database.name,
            f"UPDATE ir_config_parameter SET value = '{url}' WHERE key = 'web.base.url'",
        )


def running_record(folder):
    """Record of the server that runs for the database of that folder, else None."""
    record = read_json(folder / "server.json")
    return record if record and process.is_alive(record["process"]) else None


def stop_recorded(folder):
    """End the recorded server of that database, or what is left of it; return whether it ran."""
    record = read_json(folder / "server.json")
    if not record:
        return False
    ran = process.terminate(record["process"], mark=str(folder / "odoo.conf"))
    (folder / "server.json").unlink(missing_ok=True)
    return ran


def answers(url):
    try:
        with urllib.request.urlopen(f"{url}/web/health", timeout=10) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def check_port(port):
    """:raises SetupError: when the port cannot be listened on"""
    if not 1 <= port <= 65535:
        raise SetupError(f"--port: {port} is no port.", "Use a number from 1024 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SetupError(
                f"Port {port} of {HOST} cannot be used: {error.strerror}.",
                "Name a free one with --port, or stop what uses it (setup/stop, if we started it).",
            ) from error


def free_port():
    """A port that nobody listens on, nor may be given for an outgoing connection before it is used
    (or used again: a process that ends is started anew on its port)."""
    while True:
        port = random.choice(PORTS)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            _given.add(port)
            return port


def cores():
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))
