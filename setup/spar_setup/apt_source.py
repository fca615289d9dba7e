# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""An apt of its own, in the state folder, that sees one suite of the machine's own Debian mirror.

The machine's lists and packages are neither read nor changed; Release signatures are checked by apt
with the keyring of the package `debian-archive-keyring`. Works without root.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from .console import SetupError, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ETC_APT = Path("/etc/apt")
USE_OWN_ODOO = "Give an Odoo 19 source yourself: --odoo DIRECTORY, ARCHIVE or ADDRESS."
# Suites of Debian itself: a source of any other suite (a vendor's, Ubuntu's) is no Debian mirror.
DEBIAN_SUITES = {"bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable"}


def parse_one_line(text):
    """Yield (address, suites) of each `deb` line of a sources.list."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)", line)
        if match:
            yield match[1], {match[2]}


def parse_deb822(text):
    """Yield (address, suites) of each enabled `deb` stanza of a .sources file."""
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        unfolded = re.sub(r"\n[ \t]+", " ", "\n".join(lines))
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$", unfolded, re.MULTILINE))
        fields = {name.lower(): value for name, value in fields.items()}
        if fields.get("enabled", "yes").lower() in {"no", "false", "0"}:
            continue
        if "deb" in fields.get("types", "").split():
            for address in fields.get("uris", "").split():
                yield address, set(fields.get("suites", "").split())


def debian_mirror(etc_apt=ETC_APT):
    """Address of the Debian mirror that this machine uses.

    :raises SetupError: when the machine's apt names none
    """
    files = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    for path in files:
        if path.is_file() and path.suffix in {".list", ".sources"}:
            parse = parse_deb822 if path.suffix == ".sources" else parse_one_line
            for address, suites in parse(path.read_text(encoding="utf-8", errors="replace")):
                if suites & DEBIAN_SUITES:
                    return address
    raise SetupError(
        "This machine's apt names no Debian mirror to take Odoo 19 from.", USE_OWN_ODOO
    )


class Apt:
    """apt-get with all its folders below `root`, which is for one suite."""

    def __init__(self, root, suite="sid"):
        self.root = root
        self.suite = suite
        self.sources = root / "spar.sources"

    def update(self, mirror):
        """Fetch the suite's list of packages, signatures checked."""
        for folder in ("lists/partial", "cache/archives/partial"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "status").touch()
        self.sources.write_text(
            f"Types: deb\nURIs: {mirror}\nSuites: {self.suite}\nComponents: main\n"
            f"Targets: Packages\nPDiffs: no\nSigned-By: {KEYRING}\n",
            encoding="utf-8",
        )
        self._run("update", "-q")

    def download(self, names, folder):
        """Download those of the packages that the suite has.

        :return: dict of name and path
        """
        folder.mkdir(parents=True, exist_ok=True)
        known = self._known(names)
        if known:
            self._run("download", "-q", *known, cwd=folder)
        return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}

    def _known(self, names):
        shown = subprocess.run(
            ["apt-cache", *self._options(), "show", "--no-all-versions", *names],
            capture_output=True,
            text=True,
            check=False,
        )
        return sorted(set(re.findall(r"^Package: (\S+)$", shown.stdout, re.MULTILINE)))

    def _options(self):
        settings = {
            "Dir::Etc::sourcelist": self.sources,
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-",
            "Dir::Etc::preferencesparts": "-",
            "Dir::State": self.root,
            "Dir::State::lists": self.root / "lists",
            "Dir::State::status": self.root / "status",
            "Dir::Cache": self.root / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Retries": "3",
        }
        return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]

    def _run(self, *arguments, cwd=None):
        command = ["apt-get", *self._options(), *arguments]
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
        # apt-get update answers 0 when a list could not be fetched and an old one can be used.
        if done.returncode or re.search(r"^[WE]: (Failed|.*NO_PUBKEY)", done.stdout, re.MULTILINE):
            say(done.stdout.strip())
            raise SetupError(
                f"apt-get {arguments[0]} failed.",
                f"Check the network and apt's configuration, then try again. {USE_OWN_ODOO}",
            )


def check_tools():
    """Fail early, with advice, where this machine is no Debian."""
    missing = [tool for tool in ("apt-get", "apt-cache", "dpkg-deb") if not shutil.which(tool)]
    if missing or not KEYRING.exists():
        lacking = ", ".join(missing) or str(KEYRING)
        raise SetupError(
            f"Odoo 19 is taken from Debian's packages, but this machine lacks {lacking}.",
            USE_OWN_ODOO,
        )
