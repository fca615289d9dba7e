# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""The configuration file of one database: Odoo's options, and our keys in a section of its own."""

import base64
import secrets

from .state import REPOSITORY, read_json, write_json, write_private

SECTION = "g2p_spar"


def keys(path):
    """The database's own random keys, made once: losing them loses every secret at rest.

    :param Path path: JSON file that holds them, readable by its owner only
    :return: dict of option name and 256 bits as base64url
    """
    known = read_json(path)
    if not known:
        known = {name: _random_key() for name in ("secret_key", "digest_key", "admin_passwd")}
        write_json(path, known)
    return known


def _random_key():
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def write_configuration(folder, database, server, **options):
    """Write `odoo.conf` into the database's folder.

    :param Path folder: folder of the database
    :param server: PostgreSQL server; its variables become Odoo's
    :param options: further options of Odoo (`http_port`, `workers` ...)
    :return: path of the file
    """
    own_keys = keys(folder / "keys.json")
    values = {
        "addons_path": REPOSITORY,
        "data_dir": folder / "data",
        "db_name": database,
        "list_db": False,
        "proxy_mode": False,
        "http_interface": "127.0.0.1",
        "admin_passwd": own_keys["admin_passwd"],
        **_connection(server.variables),
        # The same server as its own replica: requests that only read stay in the transaction in
        # which Odoo has checked its caches, which saves two round trips each.
        **_replica(server.variables),
        **options,
    }
    ours = {
        "secret_key": own_keys["secret_key"],
        "digest_key": own_keys["digest_key"],
        "spool_dir": folder / "spool",
        # What runs on this machine may be called: receivers of callbacks, sign-in providers.
        "outgoing_networks": "127.0.0.0/8, ::1/128",
    }
    for name in ("data", "spool"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "odoo.conf"
    write_private(path, _section("options", values) + "\n" + _section(SECTION, ours))
    return path


def _section(name, values):
    return "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in values.items()), ""])


def _replica(variables):
    names = {"PGHOST": "db_replica_host", "PGPORT": "db_replica_port"}
    return {option: variables[name] for name, option in names.items() if variables.get(name)}


def _connection(variables):
    names = {
        "PGHOST": "db_host",
        "PGPORT": "db_port",
        "PGUSER": "db_user",
        "PGPASSWORD": "db_password",
        "PGSSLMODE": "db_sslmode",
    }
    return {option: variables[name] for name, option in names.items() if variables.get(name)}
