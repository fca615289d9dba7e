# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Where Odoo 19 comes from: Debian's package, or a directory, archive or address of the user's."""

import re
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from . import apt_source
from .console import SetupError, say, step
from .state import read_json, write_json

SERIES = (19, 0)
# Listed in mail's assets but left out by Debian for its licence; without a file of that name every
# page of the back end reports an error on the browser's console. It only blurs video calls.
STRIPPED_SCRIPT = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
STRIPPED_SCRIPT_STUB = "/* Left out by the distribution: background blur in video calls. */\n"


def ensure_odoo(state, wanted=None):
    """Have an Odoo 19 tree, fetching it when there is none yet or another one is wanted.

    :param State state: where it is kept and recorded
    :param str wanted: directory, archive or address; None = the recorded one, else Debian's package
    :return: dict with `source`, `version`, `path` (the folder that holds the Python package `odoo`)
    """
    record_path = state.root / "odoo.json"
    record = read_json(record_path)
    if record and wanted in (None, record["source"]) and _release_file(record["path"]).exists():
        return record
    state.odoo.mkdir(parents=True, exist_ok=True)
    source = wanted or "debian"
    path, package_version = _from_debian(state) if source == "debian" else _from_user(state, source)
    version = ".".join(str(part) for part in _checked_version(path))
    record = {"source": source, "version": package_version or version, "path": str(path)}
    write_json(record_path, record)
    say(f"Odoo {record['version']} is in {path}")
    return record


def _release_file(path):
    return Path(path) / "odoo" / "release.py"


def _checked_version(path):
    """(19, 0, micro) of the tree; anything but 19.0 is refused."""
    text = _release_file(path).read_text(encoding="utf-8")
    match = re.search(r"^version_info\s*=\s*\(([^)]*)\)", text, re.MULTILINE)
    numbers = tuple(int(part) for part in match[1].split(",")[:3]) if match else ()
    if numbers[:2] != SERIES:
        found = ".".join(map(str, numbers)) or "of unknown version"
        raise SetupError(f"{path} is Odoo {found}.", "SPAR needs Odoo 19.0; name one with --odoo.")
    return numbers


# Debian's package


def _from_debian(state):
    apt_source.check_tools()
    apt = apt_source.Apt(state.apt)
    folder = state.apt / "packages"
    shutil.rmtree(folder, ignore_errors=True)
    with step("Fetching Debian's list of packages"):
        apt.update(apt_source.debian_mirror())
    with step("Fetching Odoo 19 (about 120 MB)"):
        package = apt.download(["odoo-19"], folder).get("odoo-19")
        if not package:
            raise SetupError(
                "Debian's suite sid has no package odoo-19 any more.", apt_source.USE_OWN_ODOO
            )
    version = _package_field(package, "Version")
    root = state.odoo / f"debian-{version}"
    unfinished = state.odoo / f"debian-{version}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    with step("Unpacking Odoo 19 and what Debian packages apart from it"):
        _unpack(package, unfinished)
        _repair(apt, folder, package, unfinished)
    shutil.rmtree(root, ignore_errors=True)
    unfinished.rename(root)
    shutil.rmtree(folder)
    return root / "usr/lib/python3/dist-packages", version


def _repair(apt, folder, package, root):
    """Add the scripts and fonts that Debian's Odoo links to, and the script that it leaves out."""
    names = re.findall(
        r"(?:^|, )((?:libjs|fonts)-[a-z0-9.+-]+)", _package_field(package, "Depends")
    )
    for needed in apt.download(names, folder).values():
        _unpack(needed, root)
    addons = root / "usr/lib/python3/dist-packages/odoo/addons"
    script = addons / STRIPPED_SCRIPT
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(STRIPPED_SCRIPT_STUB, encoding="utf-8")
    broken = [path for path in (addons / "web/static").rglob("*.js") if not path.exists()]
    if broken:
        raise SetupError(
            f"Debian's Odoo package lacks {broken[0].name}, even with what it depends on.",
            apt_source.USE_OWN_ODOO,
        )


def _package_field(package, field):
    return subprocess.run(
        ["dpkg-deb", "--field", package, field], capture_output=True, text=True, check=True
    ).stdout.strip()


def _unpack(package, root):
    root.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["dpkg-deb", "--extract", package, root], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(
            f"Cannot unpack {package.name}: {done.stderr.strip()}",
            "Check free disk space (Odoo takes 1.2 GB), then try again.",
        )


# A source that the user names


def _from_user(state, source):
    """Return (path, None) of a directory, archive or address."""
    if re.match(r"https?://", source):
        archive = state.odoo / "download" / source.rstrip("/").rsplit("/", 1)[-1]
        with step(f"Fetching {source}"):
            _fetch(source, archive)
    else:
        archive = Path(source).expanduser().resolve()
    if archive.is_dir():
        return _find_tree(archive), None
    if not archive.exists():
        raise SetupError(
            f"--odoo: {source} does not exist.", "Name a directory, archive or address."
        )
    root = state.odoo / "own"
    shutil.rmtree(root, ignore_errors=True)
    with step(f"Unpacking {archive.name}"):
        _unpack_archive(archive, root)
    return _find_tree(root), None


def _fetch(address, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, target.open("wb") as handle:
            shutil.copyfileobj(answer, handle)
    except (urllib.error.URLError, OSError) as error:
        raise SetupError(
            f"--odoo: cannot fetch {address}: {error}",
            "Check the address and the network, or fetch it yourself and name the file.",
        ) from error


def _unpack_archive(archive, root):
    root.mkdir(parents=True)
    if archive.suffix == ".deb":
        _unpack(archive, root)
        return
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as content:
                content.extractall(root)
        else:
            with tarfile.open(archive) as content:
                content.extractall(root, **_TAR_FILTER)
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise SetupError(
            f"--odoo: cannot unpack {archive}: {error}", "Name a .tar.gz, .zip or .deb of Odoo 19."
        ) from error


# Older patch releases of Python 3.11 have no extraction filter.
_TAR_FILTER = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def _find_tree(root):
    """The shallowest folder below `root` that holds odoo/release.py."""
    for depth in range(7):
        for release in sorted(root.glob("/".join(["*"] * depth + ["odoo/release.py"]))):
            return release.parent.parent
    raise SetupError(
        f"--odoo: no odoo/release.py in {root}.",
        "Name the source tree of Odoo 19 (it has odoo-bin).",
    )
