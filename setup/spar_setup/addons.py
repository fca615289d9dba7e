# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Our addons: which there are, which of them are to be installed, and whether they changed."""

import ast
import hashlib

from .console import SetupError
from .state import REPOSITORY

DEMO = "g2p_spar_demo"
# Modules that stand for those of PBMSs, beside which some of our addons are installed.
STAND_INS = "tests/stand_ins"
# Of each PBMS the module that needs all others of it. The two PBMSs cannot share a database.
PBMS = {"g2p": "g2p_payment_g2p_connect", "spp": "spp_programs"}
# Demonstration data of a PBMS: installed with the demonstration.
PBMS_DEMO = {"g2p": "g2p_spar_demo_programmes"}
# Beside Odoo's website: installed where that is asked for. Of the databases of tests, that of this
# PBMS has it, so that it needs none of its own.
WEBSITE = "g2p_spar_self_service_website"
PBMS_WITH_WEBSITE = "spp"
# Neither changes what an installed addon is.
NOT_INSTALLED = {"__pycache__", "tests"}


def manifests():
    """Manifest of each installable addon of the repository, by name."""
    return _manifests("g2p_spar_*/__manifest__.py")


def stand_ins():
    """Manifest of each module that stands for one of a PBMS, and of its demonstration, by name."""
    return _manifests(f"{STAND_INS}/*/__manifest__.py")


def with_stand_ins():
    """Manifest of each addon of ours and of each stand-in, by name."""
    return {**manifests(), **stand_ins()}


def _manifests(pattern):
    found = {}
    for path in sorted(REPOSITORY.glob(pattern)):
        try:
            manifest = ast.literal_eval(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            raise SetupError(f"{path} is no valid manifest: {error}", "Correct it.") from error
        if manifest.get("installable", True):
            found[path.parent.name] = manifest
    return found


def to_install(odoo_path, demo=True, glue=False, pbms=None, website=False):
    """Names of the addons to install, sorted.

    Left out: what depends on an addon that neither we nor Odoo have (glue beside another product).

    :param bool demo: with the demonstration's addon
    :param bool glue: with the addons that Odoo installs by itself beside others
    :param str pbms: with the stand-ins of that PBMS, and our addons beside it
    :param bool website: with Odoo's website, and our addon beside it
    """
    ours = manifests()
    beside_website = {WEBSITE} & ours.keys()
    names = []
    for name in ours.keys() - beside_website:
        manifest = ours[name]
        known = all(
            depend in ours or (odoo_path / "odoo/addons" / depend).is_dir()
            or (odoo_path / "addons" / depend).is_dir()
            for depend in manifest.get("depends", [])
        )  # fmt: skip
        if known and (demo or name != DEMO) and (glue or not manifest.get("auto_install")):
            names.append(name)
    if not names:
        raise SetupError(f"There is no addon to install in {REPOSITORY}.", "Is the clone complete?")
    names += beside(pbms, demo) if pbms else []
    names += beside_website if website else []
    return sorted(set(names))


def pbms_of(name):
    """Beside which PBMS an addon of ours, or a stand-in, is tested; None = beside none."""
    if name == WEBSITE:
        return PBMS_WITH_WEBSITE
    for pbms in PBMS:
        if name in beside(pbms):
            return pbms
    return None


def beside(pbms, demo=True):
    """Stand-ins of a PBMS, with our addons that need one of them."""
    found = with_stand_ins()
    needed = _needs(PBMS[pbms], found)
    names = needed | {name for name in manifests() if _needs(name, found) & needed}
    if demo and pbms in PBMS_DEMO:
        names.add(PBMS_DEMO[pbms])
    return sorted(names)


def _needs(name, found):
    """An addon and what it depends on, directly or not, of those given."""
    if name not in found:
        return set()
    return {name}.union(*(_needs(depend, found) for depend in found[name]["depends"]))


def folder_of(name):
    """Folder of an addon of ours or of a stand-in."""
    return REPOSITORY / STAND_INS / name if name in stand_ins() else REPOSITORY / name


def path(pbms):
    """Odoo's `addons_path` of a database with the stand-ins of that PBMS; None = without any."""
    folders = [REPOSITORY, REPOSITORY / STAND_INS] if pbms else [REPOSITORY]
    return ",".join(map(str, folders))


def checksum(name):
    """SHA-256 over names and content of what makes up an addon."""
    digest = hashlib.sha256()
    folder = folder_of(name)
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not NOT_INSTALLED & set(parts):
            digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
