# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""OpenG2P's mapper 1.1.0 from PyPI, in a virtual environment of its own, with two workers."""

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from spar_setup import process
from spar_setup.console import SetupError, step
from spar_setup.server import HOST, free_port
from spar_setup.state import read_json, write_json
from spar_setup.tool_env import ToolEnv

INSIDE = Path(__file__).parent / "inside"
WORKERS = 2
# Seconds that a cold start may take.
PATIENCE = 60
REQUIREMENTS = [
    "openg2p-spar-mapper-api==1.1.0",
    "openg2p-g2pconnect-common-lib==1.1.0",
    "openg2p-g2pconnect-mapper-lib==1.1.0",
    "sqlalchemy[asyncio]<2.1",
    "gunicorn",
    "uvicorn[standard]",
]


class PeerEnv(ToolEnv):
    """The virtual environment.

    :param State state: where it is kept
    """

    def __init__(self, state):
        super().__init__(state.root / "peer", REQUIREMENTS, "OpenG2P's mapper from PyPI")

    def versions(self):
        """What is installed of what matters for speed."""
        if not self.python.exists():
            return "not installed"
        code = (
            "import importlib.metadata as m, sys;"
            "print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
        )
        names = [
            "openg2p-spar-mapper-api",
            "fastapi",
            "pydantic",
            "sqlalchemy",
            "asyncpg",
            "uvicorn",
            "uvloop",
            "gunicorn",
        ]
        return self.run(self.python, "-c", code, *names).strip()

    def environment(self):
        foreign = ("SPAR_MAPPER_", "COMMON_")
        kept = super().environment().items()
        return {name: value for name, value in kept if not name.startswith(foreign)}

    def migrate(self, variables):
        self.run(self.python, INSIDE / "peer_app.py", **variables)


class Peer:
    """The mapper on one database.

    :param PeerEnv env: where it is installed
    :param server: PostgreSQL server
    :param str database: name
    :param Path folder: for its log
    """

    name = "OpenG2P"
    table = None

    def __init__(self, env, server, database, folder, addresses):
        self.env = env
        self.server = server
        self.database = database
        self.folder = folder
        self.addresses = addresses
        self._process = None
        self._record_path = folder / "peer.json"

    def variables(self):
        """Its settings: the whole address, since a socket's folder cannot be its host name."""
        reach = self.server.variables
        return {
            "SPAR_MAPPER_DB_DATASOURCE": f"postgresql+asyncpg://{reach['PGUSER']}@/{self.database}"
            f"?host={reach['PGHOST']}&port={reach['PGPORT']}",
            "SPAR_MAPPER_LOGGING_LEVEL": "ERROR",
        }

    def start(self):
        port = free_port()
        self.url = f"http://{HOST}:{port}"
        self.stop()
        command = [
            self.env.python, "-m", "gunicorn", "peer_app:app", "--chdir", INSIDE,
            "--workers", str(WORKERS), "--worker-class", "uvicorn.workers.UvicornWorker",
            "--bind", f"{HOST}:{port}", "--log-level", "error", "--timeout", "300",
        ]  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        with step(f"Starting OpenG2P's mapper on {self.url} with {WORKERS} workers"):
            with (self.folder / "peer.log").open("w", encoding="utf-8") as log:
                self._process = subprocess.Popen(
                    command,
                    env={**self.env.environment(), **self.variables()},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self.pid = self._process.pid
            write_json(self._record_path, process.identity(self.pid))
            self._await_answer()

    def _await_answer(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            if len(self.worker_pids()) == WORKERS and self._answers():
                return
            time.sleep(0.2)
        raise SetupError(f"OpenG2P's mapper does not answer on {self.url}.", f"See {self.folder}.")

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/openapi.json", timeout=10) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self):
        """End it, also where a command that was killed has left it."""
        record = read_json(self._record_path)
        if record:
            process.terminate(record, mark="peer_app:app")
            self._record_path.unlink()

    def worker_pids(self):
        return sorted(process.children(self.pid))

    def offers(self, operation):
        return not operation.strict

    def path(self, operation):
        return f"/sync/{operation.action}"

    def sender_id(self, operation):
        return "demo-openg2p-1"

    def token(self, operation):
        return None
