# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Programs that must not live beside Odoo, in virtual environments of their own."""

import os
import subprocess
import sys
from pathlib import Path

from .console import SetupError, step
from .state import read_json, write_json

FOREIGN = ("PYTHON", "PG")


class ToolEnv:
    """A virtual environment; installed again only when its list of requirements changed.

    :param Path root: where it is kept
    :param requirements: pip's, in a list
    :param str title: of what is in it
    """

    def __init__(self, root, requirements, title):
        self.root = root
        self.requirements = requirements
        self.title = title
        self.bin = root / "bin"
        self.python = self.bin / "python"

    def ensure(self):
        """:raises SetupError: when pip cannot install it"""
        stamp = self.root / "installed.json"
        if read_json(stamp) == self.requirements:
            return
        with step(f"Installing {self.title}"):
            self.run(sys.executable, "-m", "venv", "--clear", self.root)
            self.run(self.python, "-m", "pip", "install", "--no-input", "-q", *self.requirements)
        write_json(stamp, self.requirements)

    def run(self, *command, **variables):
        """Standard output of a command that succeeds."""
        environment = {**self.environment(), **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SetupError(
                f"{Path(command[0]).name} {command[1]} failed for {self.title}: "
                f"{done.stderr.strip()[-1500:]}",
                "Check the network and pip's configuration (pip config list), then try again.",
            )
        return done.stdout

    def environment(self):
        """The caller's, without settings of Python and PostgreSQL."""
        return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
