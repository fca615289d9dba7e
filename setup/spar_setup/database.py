# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""A database of Odoo with our addons: created once, then kept up to date with the repository."""

import json
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from . import addons
from .console import SetupError, say, step
from .odoo_config import write_configuration
from .postgres import psql
from .state import read_json, write_json

INSIDE = Path(__file__).parent / "inside"
ODOO_BIN = INSIDE / "odoo_bin.py"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def check_name(name):
    """:raises SetupError: when it cannot be the name of a database and of a folder"""
    if not NAME.fullmatch(name) or name in {"postgres", "template0", "template1"}:
        raise SetupError(
            f"--database: {name!r} cannot be the name of a database.",
            "Use up to 63 letters, digits, hyphens and underscores.",
        )


class Database:
    """One database, and its folder with configuration, keys, files and logs.

    :param Path folder: its folder
    :param str name: its name in PostgreSQL
    :param server: PostgreSQL server
    :param PythonEnv env: runs Odoo
    :param dict odoo: record of the Odoo tree
    :param bool disposable: whether one of its name may go that an earlier checkout in the same
        place has left behind, whose keys are lost
    """

    def __init__(self, folder, name, server, env, odoo, disposable=False):
        self.folder = folder
        self.name = name
        self.server = server
        self.env = env
        self.odoo = odoo
        self.disposable = disposable
        self.log = folder / "odoo.log"
        self._record_path = folder / "database.json"

    @property
    def record(self):
        """What is known of it: `complete`, `admin`, `participants`, `agent`, `addons`, `demo`,
        `odoo`, `pbms` (whose stand-ins are installed, or None), `languages` (besides English)."""
        return read_json(self._record_path) or {}

    @property
    def addons_path(self):
        return addons.path(self.record.get("pbms"))

    def environment(self):
        """Environment of programs that reach its server."""
        return {**self.env.environment(), **self.server.variables}

    def exists(self):
        found = psql(
            self.server, "postgres", f"SELECT 1 FROM pg_database WHERE datname = '{self.name}'"
        )
        return found == ["1"]

    def ensure(self, demo, glue=False, password=None, pbms=None, website=False, languages=()):
        """Create the database, or bring it up to date; an interrupted creation is begun anew.

        :param bool demo: with the demonstration's addon (an existing database keeps what it has)
        :param bool glue: with the addons that Odoo installs by itself beside others
        :param str password: of a new database's administrator; None = a random one
        :param str pbms: with the stand-ins of that PBMS (an existing database gets them, and keeps
            what it has)
        :param bool website: with Odoo's website, likewise
        :param languages: codes of Odoo of those to have besides English (an existing database
            gets them if it has the demonstration)
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = self.record
        if self.exists():
            if not record and not self.disposable:
                raise SetupError(
                    f"The database {self.name} exists, but this checkout did not make it.",
                    "Name another one with --database. "
                    "To begin anew: docs/operator.md, “Where things are”.",
                )
            if record and record["complete"]:
                self._update(record, pbms, website)
                self._load_languages(languages if record["demo"] else ())
                return
            say(f"The database {self.name} was not made to its end; beginning anew")
            self.drop()
        names = addons.to_install(Path(self.odoo["path"]), demo, glue, pbms, website)
        self._create(names, demo, password or secrets.token_urlsafe(12), pbms, languages)

    def drop(self):
        """Drop the database with its files; configuration and keys stay."""
        self._client("dropdb", "--if-exists", "--force", self.name)
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def clone(self, source):
        """Make this database as a copy of another of the same server, with its files and record."""
        self._client("createdb", "-T", source.name, self.name)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(source.filestore, self.filestore, dirs_exist_ok=True)
        for name in ("keys.json", "database.json"):
            shutil.copy2(source.folder / name, self.folder / name)

    @property
    def filestore(self):
        return self.folder / "data" / "filestore" / self.name

    def outdated(self, record, website=False):
        """(new addons, changed addons) against what is installed."""
        installed = record["addons"]
        names = addons.to_install(
            Path(self.odoo["path"]),
            record["demo"],
            pbms=record.get("pbms"),
            website=website or addons.WEBSITE in installed,
        )
        new = [name for name in names if name not in installed]
        changed = [
            name
            for name, digest in installed.items()
            if name in addons.with_stand_ins() and addons.checksum(name) != digest
        ]
        return new, changed

    def _create(self, names, demo, password, pbms, languages):
        # Written first: a database with an incomplete record is ours to drop.
        write_json(self._record_path, {"complete": False, "pbms": pbms})
        with step(f"Creating the database {self.name} with {', '.join(names)}"):
            # the first one is that of the company, and English is there only if it is named
            loading = [f"--load-language={','.join(['en_US', *languages])}"] if languages else []
            self.run_odoo("-i", ",".join(names), *loading)
        admin = {"login": "admin", "password": password}
        made = self._prepare(password, demo and addons.DEMO in names)
        self._write_record(names, demo, pbms, admin=admin, languages=list(languages), **made)

    def _load_languages(self, languages):
        record = self.record
        new = [code for code in languages if code not in record.get("languages", [])]
        if new:
            with step(f"Loading languages: {', '.join(new)}"):
                # not --load-language: of an existing database that loads what belongs to base
                self._run_odoo(
                    "i18n", "loadlang", "-c", self._configuration(), "-d", self.name, "-l", *new
                )
            record["languages"] = [*record.get("languages", []), *new]
            write_json(self._record_path, record)

    def _update(self, record, pbms, website):
        if pbms and not record.get("pbms"):
            # Written first: what is installed from now on needs the stand-ins on the path.
            record["pbms"] = pbms
            write_json(self._record_path, record)
        new, changed = self.outdated(record, website)
        if record["odoo"] != self.odoo["version"]:
            changed = ["base"]
        if not new and not changed:
            return
        title = f"Updating the database {self.name}: {', '.join(new + changed)}"
        with step(title):
            arguments = [*(["-i", ",".join(new)] if new else [])]
            arguments += [*(["-u", ",".join(changed)] if changed else [])]
            self.run_odoo(*arguments)
        names = sorted({*new, *record["addons"]} & set(addons.with_stand_ins()))
        made = {"participants": record["participants"], "agent": record.get("agent")}
        if addons.DEMO in new:
            made = self._prepare(record["admin"]["password"], demo=True)
        self._write_record(
            names,
            record["demo"],
            record.get("pbms"),
            admin=record["admin"],
            languages=record.get("languages", []),
            **made,
        )

    def _write_record(self, names, demo, pbms, admin, languages, participants, agent):
        record = {
            "complete": True,
            "demo": demo,
            "pbms": pbms,
            "odoo": self.odoo["version"],
            "addons": {name: addons.checksum(name) for name in names},
            "admin": admin,
            "participants": participants,
            "agent": agent,
            "languages": languages,
        }
        write_json(self._record_path, record)

    def _prepare(self, password, demo):
        """Set the administrator's password and make the demonstration's credentials.

        :return: dict of the demonstration's `participants` (a list), and its `agent` with login and
            password (None without demonstration)
        """
        agent = {"login": "demo-agent", "password": secrets.token_urlsafe(12)} if demo else None
        wanted = {"database": self.name, "password": password, "demo": demo, "agent": agent}
        with step("Setting up users, scripts and styles"):
            done = subprocess.run(
                [self.env.python, INSIDE / "prepare_database.py", self._configuration()],
                input=json.dumps(wanted),
                env=self.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            log = self.folder / "install.log"
            with log.open("a", encoding="utf-8") as handle:
                handle.write(done.stderr)
            raise SetupError(
                f"Cannot set up the users of {self.name}.", f"See the end of {log}, then try again."
            )
        return {"participants": json.loads(done.stdout), "agent": agent}

    def _configuration(self):
        return write_configuration(
            self.folder, self.name, self.server, addons_path=self.addons_path, workers=0
        )

    def run_odoo(self, *arguments):
        """Run Odoo once, to install or update addons."""
        self._run_odoo(
            "-c", self._configuration(), "-d", self.name,
            "--no-http", "--stop-after-init", "--max-cron-threads=0", *arguments,
        )  # fmt: skip

    def _run_odoo(self, *arguments):
        """Run Odoo's command, showing which module it is at."""
        log = self.folder / "install.log"
        with log.open("w", encoding="utf-8") as output, log.open(encoding="utf-8") as reader:
            process = subprocess.Popen(
                [self.env.python, ODOO_BIN, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(),
            )
            try:
                _show_progress(process, reader)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if process.returncode:
            raise SetupError(
                f"Odoo could not set up the database {self.name}:\n{_last_errors(log)}",
                f"See {log}, then try again: it goes on from here.",
            )

    def _client(self, program, *arguments):
        done = subprocess.run(
            [self.env.postgres / "bin" / program, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetupError(f"PostgreSQL: {done.stderr.strip()}")


def _show_progress(process, reader):
    """Say now and then which module is being loaded, until the process ends."""
    shown = None
    while True:
        try:
            process.wait(timeout=4)
        except subprocess.TimeoutExpired:
            pass
        found = re.findall(r"Loading module (\w+) \((\d+/\d+)\)", reader.read())
        if process.returncode is not None:
            return
        if found and found[-1] != shown:
            shown = found[-1]
            say(f"    module {shown[1]}: {shown[0]}")


def _last_errors(log):
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if " ERROR " in line or " CRITICAL " in line]
    return "\n".join(errors[-3:] + lines[-3:])
