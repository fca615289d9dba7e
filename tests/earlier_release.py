# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The addons as they were at the commit that setup/upgrade-from names, and a database of theirs."""

import contextlib
import subprocess
from unittest import mock

import pytest
from spar_setup import addons, odoo_config
from spar_setup.database import Database
from spar_setup.state import REPOSITORY

COMMIT_FILE = REPOSITORY / "setup" / "upgrade-from"


class EarlierDatabase(Database):
    """A database that is made with the earlier addons; without the block `earlier`, with today's.

    It has no scripts and styles: they take longest to make, and no browser asks for them.
    """

    @property
    def _earlier(self):
        return self.folder / "earlier"

    def fetch(self):
        """Take the earlier repository out of git."""
        self._earlier.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", self._earlier], input=_archive(), check=True)

    @contextlib.contextmanager
    def earlier(self):
        """Within the block, the earlier addons are installed and served."""
        with (
            mock.patch.object(addons, "REPOSITORY", self._earlier),
            mock.patch.object(odoo_config, "REPOSITORY", self._earlier),
        ):
            yield

    def _prepare(self, password, demo):
        return {"participants": [], "agent": None}


def _archive():
    """The earlier repository as bytes of a tar file.

    Skips the test where the commit is not at hand, which counts as a failure in CI unless the
    clone is a shallow one.
    """
    commit = COMMIT_FILE.read_text(encoding="utf-8").strip()
    try:
        return _git("archive", commit)
    except FileNotFoundError:
        problem = "git is not installed"
    except subprocess.CalledProcessError as error:
        if _git("rev-parse", "--is-shallow-repository").strip() == b"true":
            with contextlib.suppress(subprocess.CalledProcessError):
                _git("fetch", "--quiet", "--unshallow")
                return _git("archive", commit)
            pytest.skip(f"A shallow clone has not the commit in setup/upgrade-from: {commit}")
        problem = error.stderr.decode(errors="replace").strip()
    pytest.skip(f"The commit in setup/upgrade-from is not at hand: {problem}")


def _git(*arguments):
    command = ["git", "-c", f"safe.directory={REPOSITORY}", "-C", REPOSITORY, *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout
