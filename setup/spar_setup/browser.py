# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The browser that tests drive: Debian's Chromium, or a Chrome that is already there."""

import os
import shutil
import subprocess

from .console import SetupError, say, step

# Where Odoo's tests look for it.
PROGRAMS = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")
INSTALL = "apt-get install --no-install-recommends chromium"


def ensure_browser():
    """Install Chromium as root; tell an ordinary user how to."""
    if any(shutil.which(program) for program in PROGRAMS):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise SetupError("Tests drive a browser, and none is here.", f"Install it: sudo {INSTALL}")
    with step("Installing Chromium for the browser tests"):
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", "chromium")


def _apt_get(*arguments):
    done = subprocess.run(
        ["apt-get", "-q", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        say(done.stdout.strip()[-2000:])
        raise SetupError(
            "Chromium could not be installed.", f"Install it, then try again: {INSTALL}"
        )
