# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The database that tests are run on copies of, cached by the content of the addons."""

import hashlib
import shutil
from pathlib import Path

from . import addons
from .database import INSIDE
from .postgres import psql

PREFIX = "spar_template_"


def ensure_template(installation, server):
    """Have a complete database with all addons as they are now; drop those of other contents.

    :return: `Database` that nothing is connected to
    """
    name = PREFIX + _digest(installation)
    _drop_others(installation, server, name)
    template = installation.test_database(name, server)
    # Odoo's HttpCase logs in with this password.
    template.ensure(demo=True, glue=True, password="admin")
    return template


def fresh_copy(installation, server, template, name):
    """A new database of that name, copied from the template."""
    copy = installation.test_database(name, server)
    remove(copy)
    copy.clone(template)
    return copy


def remove(database):
    database.drop()
    shutil.rmtree(database.folder, ignore_errors=True)


def _digest(installation):
    odoo_path = Path(installation.odoo["path"])
    digest = hashlib.sha256(installation.odoo["version"].encode())
    for name in addons.to_install(odoo_path, glue=True):
        digest.update(f"{name} {addons.checksum(name)}\n".encode())
    digest.update((INSIDE / "prepare_database.py").read_bytes())
    return digest.hexdigest()[:16]


def _drop_others(installation, server, name):
    query = f"SELECT datname FROM pg_database WHERE datname LIKE '{PREFIX}%'"
    for other in set(psql(server, "postgres", query)) - {name}:
        remove(installation.test_database(other, server))
