# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The one git-ignored folder that holds everything set-up makes.

Its files are replaced in one step, so that a crash leaves none half written.
"""

import contextlib
import fcntl
import json
import os
from pathlib import Path

from .console import say

REPOSITORY = Path(__file__).resolve().parents[2]


class State:
    """Paths below the state folder (`.state` in the repository, or $SPAR_STATE).

    :param root: folder; made when absent
    """

    def __init__(self, root=None):
        self.root = Path(root or os.environ.get("SPAR_STATE") or REPOSITORY / ".state").resolve()
        self.apt = self.root / "apt"
        self.odoo = self.root / "odoo"
        self.venv = self.root / "venv"
        self.databases = self.root / "databases"
        self.tests = self.root / "tests"

    def make(self):
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    @contextlib.contextmanager
    def lock(self, name, purpose):
        """Hold a lock that ends with the process; wait for whoever holds it."""
        path = self.root / f"{name}.lock"
        with path.open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another command that is {purpose}")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def write_private(path, text):
    """Replace the file in one step; only its owner can read it."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    temporary.replace(path)


def write_json(path, value):
    write_private(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    """Content of a JSON file, or None when there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
