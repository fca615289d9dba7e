# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Our addons: which there are, which of them are to be installed, and whether they changed."""

import ast
import hashlib

from .console import SetupError
from .state import REPOSITORY

DEMO = "g2p_spar_demo"
# Neither changes what an installed addon is.
NOT_INSTALLED = {"__pycache__", "tests"}


def manifests():
    """Manifest of each installable addon of the repository, by name."""
    found = {}
    for path in sorted(REPOSITORY.glob("g2p_spar_*/__manifest__.py")):
        try:
            manifest = ast.literal_eval(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            raise SetupError(f"{path} is no valid manifest: {error}", "Correct it.") from error
        if manifest.get("installable", True):
            found[path.parent.name] = manifest
    return found


def to_install(odoo_path, demo=True, glue=False):
    """Names of the addons to install, sorted.

    Left out: what depends on an addon that neither we nor Odoo have (glue beside another product).

    :param bool demo: with the demonstration's addon
    :param bool glue: with the addons that Odoo installs by itself beside others
    """
    ours = manifests()
    names = []
    for name, manifest in ours.items():
        known = all(
            depend in ours or (odoo_path / "odoo/addons" / depend).is_dir()
            or (odoo_path / "addons" / depend).is_dir()
            for depend in manifest.get("depends", [])
        )  # fmt: skip
        if known and (demo or name != DEMO) and (glue or not manifest.get("auto_install")):
            names.append(name)
    if not names:
        raise SetupError(f"There is no addon to install in {REPOSITORY}.", "Is the clone complete?")
    return names


def checksum(name):
    """SHA-256 over names and content of what makes up an addon."""
    digest = hashlib.sha256()
    folder = REPOSITORY / name
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not NOT_INSTALLED & set(parts):
            digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
