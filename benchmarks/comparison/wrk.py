# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The load generator `wrk`: the machine's own, else Debian's, unpacked in the state folder."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from spar_setup import apt_source
from spar_setup.console import SetupError, step

INSTALL_IT = "Install it (sudo apt-get install wrk), then try again."


class Wrk:
    """The program.

    :param Path path: of the program
    :param Path libraries: folder of libraries that it needs and the machine lacks
    """

    def __init__(self, path, libraries=None):
        self.path = path
        self.libraries = libraries

    def environment(self):
        extra = {"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {}
        return {**os.environ, **extra}

    @property
    def version(self):
        """:raises SetupError: when it does not run"""
        try:
            done = subprocess.run(
                [self.path, "-v"],
                env=self.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise SetupError(f"{self.path} does not run: {error}", INSTALL_IT) from error
        found = re.match(r"wrk (\S+)", done.stdout)
        if not found:
            raise SetupError(f"{self.path} does not run: {done.stderr.strip()}", INSTALL_IT)
        return found[1]


def find(state):
    """Have wrk; fetched with checked signatures when the machine has none.

    :rtype: Wrk
    """
    installed = shutil.which("wrk")
    if installed:
        wrk = Wrk(Path(installed))
    else:
        root = state.root / "wrk"
        if not (root / "usr/bin/wrk").exists():
            try:
                _fetch(state, root)
            except SetupError as error:
                raise SetupError(f"wrk is not here: {error.message}", INSTALL_IT) from error
        [luajit] = root.glob("usr/lib/*/libluajit-5.1.so.2")
        wrk = Wrk(root / "usr/bin/wrk", luajit.parent)
    _ = wrk.version
    return wrk


def _fetch(state, root):
    apt_source.check_tools()
    suite = _suite()
    apt = apt_source.Apt(state.root / f"apt-{suite}", suite)
    with step("Fetching wrk from Debian"):
        apt.update(apt_source.debian_mirror())
        found = apt.download(["wrk", "libluajit-5.1-2"], apt.root / "packages")
    if len(found) != 2:
        raise SetupError(f"Debian's suite {suite} lacks it.")
    for package in found.values():
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)


def _suite():
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r"^VERSION_CODENAME=(\w+)", text, re.MULTILINE)
    if not found or "ID=debian" not in text.splitlines():
        raise SetupError("this machine is no Debian release to fetch it from.")
    return found[1]
