# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""pytest plugin: narrows the tests of Odoo's addon `test_lint` to our addons.

As they are, they take many minutes over all of Odoo, and report its faults as ours.
"""

import subprocess

from odoo.modules import Manifest
from odoo.tools import config

_all_addon_manifests = Manifest.all_addon_manifests
_run = subprocess.run


def _our_manifests():
    folders = tuple(config["addons_path"])
    return [manifest for manifest in _all_addon_manifests() if manifest.path.startswith(folders)]


def _run_beside_core(command, *arguments, **options):
    """`test_pylint` always adds Odoo itself to what it gives to pylint."""
    if isinstance(command, list):
        command = [part for part in command if part != config.root_path]
    return _run(command, *arguments, **options)


def pytest_sessionstart():
    Manifest.all_addon_manifests = staticmethod(_our_manifests)
    subprocess.run = _run_beside_core
