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
    # Copies with the stand-ins of a PBMS go with their template.
    _drop(installation, server, PREFIX, {name, *_names(server, name)})
    template = installation.test_database(name, server)
    # Odoo's HttpCase logs in with this password.
    template.ensure(demo=True, glue=True, password="admin")
    return template


def ensure_pbms_template(installation, server, template, pbms):
    """Have a copy of the template with the stand-ins of a PBMS, and with our addons beside it.

    :return: `Database` that nothing is connected to
    """
    prefix = f"{template.name}_{pbms}_"
    name = prefix + _pbms_digest(pbms)
    database = installation.test_database(name, server)
    # Test processes side by side may want the same one.
    with installation.state.lock(f"template-{pbms}", "preparing a template"):
        _drop(installation, server, prefix, {name})
        if not (database.exists() and database.record):
            remove(database)
            database.clone(template)
        database.ensure(demo=True, pbms=pbms, website=pbms == addons.PBMS_WITH_WEBSITE)
    return database


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


def _pbms_digest(pbms):
    digest = hashlib.sha256()
    beside_website = [addons.WEBSITE] if pbms == addons.PBMS_WITH_WEBSITE else []
    for name in [*addons.beside(pbms), *beside_website]:
        digest.update(f"{name} {addons.checksum(name)}\n".encode())
    return digest.hexdigest()[:8]


def _names(server, prefix):
    return psql(
        server, "postgres", f"SELECT datname FROM pg_database WHERE datname LIKE '{prefix}%'"
    )


def _drop(installation, server, prefix, kept):
    for name in set(_names(server, prefix)) - kept:
        remove(installation.test_database(name, server))
